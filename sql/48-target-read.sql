-- 48-target-read: who sees the targets of events (Q12, E4): who works on one, by a view; others by a call that is on
-- record.

CREATE FUNCTION lpr_data.target_state(t lpr_data.target)
    RETURNS text
    LANGUAGE sql STABLE
RETURN CASE WHEN (t).end_kind IS NOT NULL THEN (t).end_kind WHEN clock_timestamp() < (t).good_until THEN 'good'
            WHEN (t).good_until = '-infinity' THEN 'waits' ELSE 'ran_out' END;
COMMENT ON FUNCTION lpr_data.target_state(lpr_data.target) IS 'What state of lpr.targets says of a target.';

CREATE FUNCTION lpr_data.target_call(t lpr_data.target)
    RETURNS text
    LANGUAGE sql STABLE
RETURN CASE (t).kind
       WHEN 'plate' THEN format('SELECT * FROM lpr.search_plate(%L, event_id => %s);', (t).plate, (t).event_id)
       WHEN 'vehicle' THEN format('SELECT * FROM lpr.search_vehicle(%s, event_id => %s);',
                                  concat_ws(', ', 'make => ' || quote_literal((t).make),
                                            'model => ' || quote_literal((t).model)), (t).event_id)
       ELSE format('SELECT * FROM lpr.search_location(%s, event_id => %s);',
                   concat_ws(', ', (t).latitude::text, (t).longitude::text,
                             CASE WHEN (t).latitude IS NULL THEN 'address => ' || quote_literal((t).address) END),
                   (t).event_id) END;
COMMENT ON FUNCTION lpr_data.target_call(lpr_data.target) IS 'The call that asks for a target, to paste.';

GRANT EXECUTE ON FUNCTION lpr_data.target_state(lpr_data.target), lpr_data.target_call(lpr_data.target) TO lpr_user;

CREATE VIEW lpr.targets WITH (security_barrier) AS
SELECT t.target_id AS target, t.event_id AS event, t.kind, t.plate, t.plate_region, t.latitude, t.longitude, t.radius_m,
       t.address, t.make, t.model, lpr_data.target_state(t) AS state, t.relation, t.evidence_kind, t.evidence_reference,
       t.basis, t.associate_of, t.urgent_day IS NOT NULL AS urgent, t.added_at, a.login AS added_by, t.good_until,
       t.confirmed_at, c.login AS confirmed_by, t.ended_at, t.end_reason, lpr_data.target_call(t) AS call
FROM lpr_data.target AS t
JOIN lpr_data.person AS a ON a.person_id = t.added_by
LEFT JOIN lpr_data.person AS c ON c.person_id = t.confirmed_by
WHERE EXISTS (SELECT FROM lpr_data.event_member AS m
              WHERE m.event_id = t.event_id AND m.person_id = lpr_data.me());
GRANT SELECT ON lpr.targets TO lpr_user;
COMMENT ON VIEW lpr.targets IS
    'What the questions for the events that you work on may be about (Q12). Supervisors, oversight and privacy read '
    'those of others by lpr.event_targets().';
COMMENT ON COLUMN lpr.targets.target IS 'Number, as lpr.rule_out() and lpr.confirm_target() take it.';
COMMENT ON COLUMN lpr.targets.event IS 'The event.';
COMMENT ON COLUMN lpr.targets.kind IS 'plate, address or vehicle.';
COMMENT ON COLUMN lpr.targets.plate IS 'The plate, in normal form.';
COMMENT ON COLUMN lpr.targets.plate_region IS 'Its state of registration, where it is known.';
COMMENT ON COLUMN lpr.targets.latitude IS 'Of the address, where it is known.';
COMMENT ON COLUMN lpr.targets.longitude IS 'Likewise.';
COMMENT ON COLUMN lpr.targets.radius_m IS 'How far from there the point of a question may be, in metres.';
COMMENT ON COLUMN lpr.targets.address IS 'The address.';
COMMENT ON COLUMN lpr.targets.make IS 'Make of the vehicle.';
COMMENT ON COLUMN lpr.targets.model IS 'Its model.';
COMMENT ON COLUMN lpr.targets.state IS
    'good: it can be asked; waits: for the supervisor; ran_out: it was urgent, and nobody confirmed it; ruled_out, '
    'ended, replaced.';
COMMENT ON COLUMN lpr.targets.relation IS 'What it is to the matter, one of lpr.relations.';
COMMENT ON COLUMN lpr.targets.evidence_kind IS 'What the evidence is, one of lpr.evidence_kinds.';
COMMENT ON COLUMN lpr.targets.evidence_reference IS 'Where it is found.';
COMMENT ON COLUMN lpr.targets.basis IS 'What it says.';
COMMENT ON COLUMN lpr.targets.associate_of IS 'The target beside which it stands.';
COMMENT ON COLUMN lpr.targets.urgent IS 'Whether it was added without evidence at hand.';
COMMENT ON COLUMN lpr.targets.added_at IS 'When it was added.';
COMMENT ON COLUMN lpr.targets.added_by IS 'By whom.';
COMMENT ON COLUMN lpr.targets.good_until IS 'Until when it can be asked, if nobody ends it.';
COMMENT ON COLUMN lpr.targets.confirmed_at IS 'When a supervisor confirmed it, where one had to.';
COMMENT ON COLUMN lpr.targets.confirmed_by IS 'Which one.';
COMMENT ON COLUMN lpr.targets.ended_at IS 'When it ended.';
COMMENT ON COLUMN lpr.targets.end_reason IS 'Why.';
COMMENT ON COLUMN lpr.targets.call IS 'The call that asks for it, to paste.';

CREATE FUNCTION lpr.event_targets(event bigint)
    RETURNS SETOF lpr.targets
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.reading_event(event_targets.event, 'event_targets');
    RETURN QUERY
        SELECT t.target_id, t.event_id, t.kind, t.plate, t.plate_region, t.latitude, t.longitude, t.radius_m,
               t.address, t.make, t.model, lpr_data.target_state(t), t.relation, t.evidence_kind,
               t.evidence_reference, t.basis, t.associate_of, t.urgent_day IS NOT NULL, t.added_at, a.login,
               t.good_until, t.confirmed_at, c.login, t.ended_at, t.end_reason, NULL::text
        FROM lpr_data.target AS t
        JOIN lpr_data.person AS a ON a.person_id = t.added_by
        LEFT JOIN lpr_data.person AS c ON c.person_id = t.confirmed_by
        WHERE t.event_id = event_targets.event
        ORDER BY t.target_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.event_targets(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.event_targets(bigint) IS
    'The targets of an event, with the evidence for them, as lpr.targets has them (Q12, A9). For who works on it, '
    'their supervisors, who confirm some of them, oversight and privacy. Each call is itself a record. Errors '
    'LP041 (not an event that you see), LP024, LP033, and those of the gate for a session.';

CREATE FUNCTION lpr.target_plates(event bigint)
    RETURNS text[]
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e bigint := coalesce(event, lpr_data.working_on());
    plates text[];
BEGIN
    -- Of an event that is not theirs the gate says so.
    SELECT coalesce(array_agg(t.plate ORDER BY t.plate), '{}') INTO plates
    FROM lpr_data.good_targets(e, clock_timestamp()) AS t
    WHERE t.kind = 'plate'
      AND EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = e AND m.person_id = lpr_data.me());
    IF plates = '{}' THEN
        -- No refusal: a question is asked in this statement, which puts nothing on record but itself.
        RAISE EXCEPTION USING
            ERRCODE = 'LP047',
            MESSAGE = CASE WHEN e IS NULL THEN 'no event is worked on'
                           ELSE format('event %s has no plate that can be asked, or is not yours', e) END,
            DETAIL = 'Without a plate all plates among the targets of the event worked on are asked.',
            HINT = CASE WHEN e IS NULL THEN 'SELECT lpr.work_on(...);'
                        ELSE format('SELECT * FROM lpr.targets WHERE event = %s; shows its targets; '
                                    'lpr.add_target(%1$s, plate => ...) adds one.', e) END;
    END IF;
    RETURN plates;
END
$$;
COMMENT ON FUNCTION lpr.target_plates(bigint) IS
    'The plates among the targets of an event, or of that worked on, which can be asked just now; error LP047 when '
    'there is none (Q12).';
GRANT EXECUTE ON FUNCTION lpr.target_plates(bigint) TO lpr_user;

CREATE FUNCTION lpr.search_plate(
    event_id bigint DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE r.plate = ANY (lpr.target_plates(search_plate.event_id))
      AND (search_plate.since IS NULL
           OR r.captured_at >= CASE WHEN search_plate.until IS NULL THEN search_plate.since
                                    ELSE lpr.asked_since(search_plate.since, search_plate.until) END)
      AND (search_plate.until IS NULL OR r.captured_at <= search_plate.until)
      AND (search_plate.event_id IS NULL OR r.event_id = search_plate.event_id)
      AND (search_plate.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
GRANT EXECUTE ON FUNCTION lpr.search_plate(bigint, timestamptz, timestamptz, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_plate(bigint, timestamptz, timestamptz, boolean) IS
    'Reads of all plates among the targets of an event that can be asked just now, newest first (Q12): of event_id, or '
    'of the event worked on. since, until, refresh: as for one plate. Errors LP047 (there is none), LP013 (more than '
    '1,000), and those of a question.';
