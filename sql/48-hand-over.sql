-- 48-hand-over: events change hands.

CREATE FUNCTION lpr_data.give_event(event bigint, heir integer, who integer, reason text,
                                    acted_for integer DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner_id integer;
BEGIN
    UPDATE lpr_data.event_member AS m SET owner = false WHERE m.event_id = event AND m.owner
    RETURNING m.person_id INTO owner_id;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (event, heir, true, who)
    ON CONFLICT (person_id, event_id) DO UPDATE SET owner = true;
    DELETE FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.person_id = owner_id AND m.person_id <> heir
       AND EXISTS (SELECT FROM lpr_data.person AS p WHERE p.person_id = owner_id AND p.left_at IS NOT NULL);
    UPDATE lpr_data.event AS e SET waits_since = NULL WHERE e.event_id = event AND e.waits_since IS NOT NULL;
    PERFORM lpr_data.add_event_step(event, 'transfer', who, heir, reason, acted_for);
END
$$;
COMMENT ON FUNCTION lpr_data.give_event(bigint, integer, integer, text, integer) IS
    'Makes heir the owner of an event, by who and in whose stead, and notes why; a former owner who has left is no '
    'member any more.';

CREATE FUNCTION lpr_data.leave_events(leaver integer, heir integer)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e record;
    waiting bigint := 0;
BEGIN
    FOR e IN SELECT x.event_id, x.system FROM lpr_data.event_member AS m
             JOIN lpr_data.event AS x ON x.event_id = m.event_id
                                     AND lpr_data.closes_at(x.closed_at, x.ends_at) > clock_timestamp()
             WHERE m.person_id = leaver AND m.owner ORDER BY x.event_id FOR NO KEY UPDATE OF x
    LOOP
        IF heir IS NOT NULL AND lpr_data.is_entitled(heir, e.system) AND lpr_data.is_trained(heir) THEN
            PERFORM lpr_data.give_event(e.event_id, heir, coalesce(lpr_data.me(), heir), NULL);
        ELSE
            UPDATE lpr_data.event AS x SET waits_since = clock_timestamp() WHERE x.event_id = e.event_id;
            waiting := waiting + 1;
        END IF;
    END LOOP;
    RETURN waiting;
END
$$;
COMMENT ON FUNCTION lpr_data.leave_events(integer, integer) IS
    'What becomes of the open events of who has left: they go to heir where heir is trained and has access for their '
    'system, the others wait for an owner. Returns how many wait.';

CREATE FUNCTION lpr_data.supervises(who integer, owner_id integer, waits boolean)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN lpr_data.holds(who, 'lpr_supervisor')
    AND (lpr_data.supervises(who, owner_id)
         OR waits
         AND NOT EXISTS (SELECT FROM lpr_data.person AS p JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id
                         WHERE p.person_id = supervises.owner_id AND s.left_at IS NULL));
COMMENT ON FUNCTION lpr_data.supervises(integer, integer, boolean) IS
    'Whether a person acts as supervisor of the owner of an event; of one that waits for an owner and has no '
    'supervisor any more, any supervisor does (E4).';

CREATE FUNCTION lpr.transfer_event(event bigint, login text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event;
    owner_id integer;
    principal integer;
    who integer := lpr_data.acting_in('E4', 'lpr_user', 'lpr_supervisor');
    heir integer := lpr_data.person_of(login);
BEGIN
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = event FOR NO KEY UPDATE;
    -- Who leaves meanwhile does not get it.
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = heir FOR SHARE;
    heir := lpr_data.person_of(login);
    SELECT m.person_id INTO owner_id FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.owner;
    -- The owner hands over; when the owner has left or cannot, the supervisor does; when there is none either, any.
    IF (owner_id = who AND lpr_data.holds(who, 'lpr_user')
        OR lpr_data.supervises(who, owner_id, e.waits_since IS NOT NULL)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('event %s does not exist or is not yours to hand over',
                                       coalesce(event::text, 'NULL')),
                                'An event is handed over by its owner, or by the owner''s supervisor.',
                                'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.check_not_closed(e);
    IF owner_id <> who THEN
        principal := coalesce(lpr_data.supervising_for(who, owner_id),
                              lpr_data.in_stead(who, 'lpr_supervisor', owner_id, 'E4'));
        IF principal IS NOT NULL AND heir = who THEN
            PERFORM lpr_data.refuse('E4', 'LP033', 'a deputy takes over nothing in another''s stead',
                                    'Who acts in another''s stead does nothing for themselves.',
                                    'Hand it over to somebody else.');
        END IF;
    END IF;
    IF NOT lpr_data.is_entitled(heir, e.system) THEN
        PERFORM lpr_data.refuse('E4', 'LP025', format('login "%s" has no access for system "%s"', login, e.system),
                                'Who works on an event has access for its system.',
                                'They request it with lpr.request_access(...).');
    END IF;
    PERFORM lpr_data.check_trained(heir);
    PERFORM lpr_data.check_reason('reason', reason, 'E4');
    PERFORM lpr_data.give_event(event, heir, who, reason, principal);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.transfer_event(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.transfer_event(bigint, text, text) IS
    'Makes another person the owner of an open event (E4): by its owner, or by the owner''s supervisor when the owner '
    'has left or cannot; of an event that waits and has none any more, by any supervisor. A deputy does as the '
    'supervisor (lpr.deputise()), but not for themselves. The former owner stays a member unless they left. '
    'lpr.event_steps shows the reason. Errors LP041, LP042, LP025 (the heir has no access), LP026 (is not trained), '
    'LP033, LP043.';

CREATE FUNCTION lpr.hand_over(from_login text, to_login text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint;
    events bigint := 0;
BEGIN
    PERFORM lpr_data.acting_in('E4', 'lpr_user', 'lpr_supervisor');
    FOR event IN
        SELECT m.event_id FROM lpr_data.event_member AS m
        JOIN lpr_data.event AS e ON e.event_id = m.event_id
                                AND lpr_data.closes_at(e.closed_at, e.ends_at) > clock_timestamp()
        JOIN lpr_data.person AS p ON p.person_id = m.person_id AND p.login = hand_over.from_login COLLATE "C"
        WHERE m.owner ORDER BY m.event_id
    LOOP
        PERFORM lpr.transfer_event(event, to_login, reason);
        events := events + 1;
    END LOOP;
    RETURN events;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.hand_over(text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.hand_over(text, text, text) IS
    'Hands all open events of a person over to another, as when they leave (E4); returns how many. Errors as of '
    'lpr.transfer_event().';
