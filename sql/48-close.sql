-- 48-close: how events end (E10): by their owner, by a supervisor who says why, and by themselves when they ran out.

CREATE FUNCTION lpr.close_event(event bigint, outcome text, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event;
    owner_id integer;
    who integer := lpr_data.registered('Q7');
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = event FOR NO KEY UPDATE;
    SELECT m.person_id INTO owner_id FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.owner;
    -- A person who has lost the access may still close an event of their own.
    IF (owner_id = who OR lpr_data.supervises(who, owner_id, e.waits_since IS NOT NULL)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('event %s does not exist or is not yours', coalesce(event::text, 'NULL')),
                                'The owner of an event closes it, or the owner''s supervisor, who says why.',
                                'SELECT * FROM lpr.events;');
    END IF;
    IF e.closed_at IS NOT NULL THEN
        PERFORM lpr_data.check_not_closed(e);
    END IF;
    IF char_length(btrim(outcome)) BETWEEN 3 AND 4000 IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023', format('event %s is not closed without an outcome', event),
                                'An outcome has 3 to 4,000 characters.',
                                'For instance outcome => ''vehicle found, suspect arrested''.');
    END IF;
    IF owner_id IS DISTINCT FROM who THEN
        PERFORM lpr_data.check_reason('reason', reason, 'E10');
    ELSIF reason IS NOT NULL THEN
        PERFORM lpr_data.check_given(reason, 'E10');
    END IF;
    -- To be late is no way to keep it longer.
    UPDATE lpr_data.event AS x
    SET closed_at = least(clock_timestamp(), lpr_data.closes_at(NULL, x.ends_at)),
        outcome = btrim(close_event.outcome)
    WHERE x.event_id = event;
    IF reason IS NOT NULL THEN
        PERFORM lpr_data.add_event_step(event, 'close', who, NULL, reason,
                                        CASE WHEN owner_id IS DISTINCT FROM who
                                             THEN lpr_data.supervising_for(who, owner_id) END);
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.close_event(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.close_event(bigint, text, text) IS
    'Closes an event for good, with its outcome: nothing is asked for it any more (Q7). By its owner; or by the '
    'owner''s supervisor, of an event that waits for an owner any supervisor, who says why: reason, which '
    'lpr.event_steps shows. An event that ran out counts as closed after 30 days, whoever closes it then (E10). Errors '
    'LP041, LP042, LP043.';

CREATE FUNCTION lpr_data.close_over()
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    closed bigint;
BEGIN
    UPDATE lpr_data.event AS e
    SET closed_at = lpr_data.closes_at(NULL, e.ends_at),
        outcome = 'It ran out, and was not extended within 30 days.'
    WHERE e.event_id IN (SELECT o.event_id FROM lpr_data.event AS o
                         WHERE o.closed_at IS NULL AND lpr_data.closes_at(NULL, o.ends_at) <= clock_timestamp()
                         ORDER BY o.event_id FOR NO KEY UPDATE SKIP LOCKED);
    GET DIAGNOSTICS closed = ROW_COUNT;
    RETURN closed;
END
$$;
COMMENT ON FUNCTION lpr_data.close_over() IS
    'Notes as closed what counts as closed: events that ran out 30 days ago (E10); how many. Called by a job. Nothing '
    'waits for it: lpr_data.closes_at() tells the same by the clock.';
