-- 61-target-saved: a target that is ruled out, and what was saved of it (Q12); and what events had asked and saved
-- before there were targets.

CREATE FUNCTION lpr_data.to_take_off(event bigint)
    RETURNS TABLE (saved_id bigint, target_id bigint, since timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.saved_id, max(t.target_id), max(t.ended_at)
    FROM lpr_data.target AS t
    JOIN lpr_data.event_read AS r ON r.event_id = t.event_id AND lpr_data.plate_shape(r.plate) = t.shape
    WHERE t.event_id = to_take_off.event AND t.kind = 'plate' AND t.end_kind = 'ruled_out'
      AND NOT EXISTS (SELECT FROM lpr_data.good_targets(t.event_id, clock_timestamp()) AS g WHERE g.shape = t.shape)
    GROUP BY r.saved_id
$$;
COMMENT ON FUNCTION lpr_data.to_take_off(bigint) IS
    'Saved reads of an event whose plate was ruled out as a target, and is none again (Q12).';

CREATE FUNCTION lpr.to_take_off(event bigint)
    RETURNS TABLE (saved_id bigint, target bigint, since timestamp with time zone, call text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.event_member AS m
                   WHERE m.event_id = to_take_off.event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('event %s does not exist or is not yours',
                                                      coalesce(to_take_off.event::text, 'NULL')),
                                'Only who works on an event sees what was saved for it.', 'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.pass_session();
    RETURN QUERY
        SELECT o.saved_id, o.target_id, o.since, format('SELECT lpr.unsave(%s, ''...why...'');', o.saved_id)
        FROM lpr_data.to_take_off(to_take_off.event) AS o ORDER BY o.saved_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.to_take_off(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.to_take_off(bigint) IS
    'Saved reads of an event that are due to be taken off, since their plate was ruled out as a target (Q12): which, '
    'the target, since when, and the call that takes it off. Errors LP041, and those of the gate for a session.';

CREATE FUNCTION lpr.rule_out(target bigint, reason text)
    RETURNS TABLE (saved_id bigint, call text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t lpr_data.target := lpr_data.target_of(rule_out.target, 'rules it out');
BEGIN
    PERFORM lpr_data.check_reason('reason', rule_out.reason, 'Q12', earlier => ARRAY[t.basis]);
    PERFORM lpr_data.end_targets(ARRAY[t.target_id], lpr_data.me(), 'ruled_out', rule_out.reason);
    RETURN QUERY
        SELECT o.saved_id, format('SELECT lpr.unsave(%s, ''...why...'');', o.saved_id)
        FROM lpr_data.to_take_off(t.event_id) AS o WHERE o.target_id = t.target_id ORDER BY o.saved_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.rule_out(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.rule_out(bigint, text) IS
    'Who works on an event rules a target out, and says why (Q12): it is asked no more, nor are the associates beside '
    'it, and it is a target again only once a supervisor confirms that. Returns the saved reads that are due to be '
    'taken off, as lpr.to_take_off() has them. Errors LP041 (not of an event of yours), LP034 (has ended), LP043 (the '
    'reason says nothing).';

CREATE FUNCTION lpr.adopt_targets(event bigint)
    RETURNS TABLE (plate text, questions bigint, last_asked timestamp with time zone, saved bigint, call text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.worked_event(adopt_targets.event, 'adds targets to it');
    PERFORM lpr_data.pass_session();
    RETURN QUERY
        SELECT p.plate, sum(p.questions)::bigint, max(p.at), sum(p.saved)::bigint,
               format('SELECT lpr.add_target(%s, plate => %L, relation => ''...'', evidence_kind => ''...'', '
                      'evidence_reference => ''...'', basis => ''...'');', adopt_targets.event, p.plate)
        FROM (SELECT x.plate, count(*) AS questions, max(a.at) AS at, 0::bigint AS saved
              FROM lpr_data.audit AS a
              CROSS JOIN LATERAL jsonb_array_elements_text((a.payload::jsonb) -> 'plates') AS x (plate)
              WHERE a.kind = 'ask' AND a.mode = 'plate' AND a.event_id = adopt_targets.event
              GROUP BY x.plate
              UNION ALL
              SELECT r.plate, 0, NULL, count(*) FROM lpr_data.event_read AS r
              WHERE r.event_id = adopt_targets.event GROUP BY r.plate) AS p
        WHERE NOT EXISTS (SELECT FROM lpr_data.target AS t
                          WHERE t.event_id = adopt_targets.event AND t.shape = lpr_data.plate_shape(p.plate))
        GROUP BY p.plate
        ORDER BY max(p.at) DESC NULLS LAST, p.plate;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.adopt_targets(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.adopt_targets(bigint) IS
    'The plates that were asked or saved for an event before it had targets, and are none (Q12): how often, when last, '
    'how many reads were saved, and the call that adds each, once its evidence is filled in. For who works on it. '
    'Errors LP041, LP042, and those of the gate for a session.';
