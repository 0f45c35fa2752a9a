-- 73-record: how long what is about people is kept (E10): events with all that was written into them, people who left,
-- access, training and mails. Each kind follows a schedule that two people verified, as saved reads do.

-- New in 0.3.0: citations without a period, as for reads.
INSERT INTO lpr_data.schedule (schedule_id, records, citation, runs_from, life_of_matter, effective_from, reason,
                               shipped) OVERRIDING SYSTEM VALUE
VALUES (5, 'ACCESS', 'General Records Schedule 3.2, item 031, DAA-GRS-2013-0006-0004', 'closed', true, '2013-01-01',
        'Records of who may use a system, which is held to account for it.', true),
       (6, 'TRAINING', 'General Records Schedule 2.6, item 030, DAA-GRS-2016-0014-0003', 'closed', true, '2016-01-01',
        'Training records of individual employees.', true),
       (7, 'PEOPLE', 'General Records Schedule 3.2, item 031, DAA-GRS-2013-0006-0004', 'closed', true, '2013-01-01',
        'User profiles of a system that is held to account for who uses it.', true),
       (8, 'MAIL', 'General Records Schedule 3.2, item 031, DAA-GRS-2013-0006-0004', 'closed', true, '2013-01-01',
        'What people were told about their access to such a system.', true),
       (9, 'LOG', 'General Records Schedule 3.2, item 031, DAA-GRS-2013-0006-0004', 'closed', true, '2013-01-01',
        'Audit trail files of such a system.', true);

CREATE FUNCTION lpr_data.period_end(over_at timestamp with time zone, base_period interval)
    RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE -- no SET: the planner inlines it
RETURN (over_at AT TIME ZONE 'UTC' + base_period) AT TIME ZONE 'UTC';
COMMENT ON FUNCTION lpr_data.period_end(timestamptz, interval) IS
    'When the period is over of what was over then: by the calendar of UTC.';

-- What belongs to a record, and goes with it: one list, for counting, digests, locks and the new files.
CREATE FUNCTION lpr_data.record_tables()
    RETURNS TABLE (kind text, relation regclass, key text, over text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- t: a row of it; $2: the moment; $3: the base period.
    SELECT k.kind, k.relation::regclass, k.key, k.over
    FROM (VALUES ('event', 'lpr_data.event', 't.event_id', 'true'),
                 ('access', 'lpr_data.access', 't.person_id', 'true'),
                 ('access', 'lpr_data.access_step',
                  '(SELECT a.person_id FROM lpr_data.access AS a WHERE a.access_id = t.access_id)', 'true'),
                 ('access', 'lpr_data.recertification', 't.person_id', 'true'),
                 ('training', 'lpr_data.training', 't.person_id', 'lpr_data.period_end(t.valid_until, $3) <= $2'),
                 ('mail', 'lpr_data.mail', 't.person_id', 't.state NOT IN (''waiting'', ''sending'') AND '
                  'lpr_data.period_end(coalesce(t.sent_at, t.made_at), $3) <= $2'),
                 ('person', 'lpr_data.person', 't.person_id', 'true')) AS k (kind, relation, key, over)
    UNION ALL
    -- Whatever hangs on an event.
    SELECT 'event', c.conrelid::regclass, format('t.%I', a.attname), 'true'
    FROM pg_constraint AS c
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.confrelid = 'lpr_data.event'::regclass AND c.confdeltype = 'c'
$$;
COMMENT ON FUNCTION lpr_data.record_tables() IS
    'The tables that hold records about people which go by a schedule of their own (E10): of which kind, whose a row '
    'is, and when it is one that goes. What hangs on an event by ON DELETE CASCADE is of it.';

CREATE FUNCTION lpr_data.stays_for_good()
    RETURNS name[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{schedule,schedule_step,destruction_order,destruction_certificate,disposal,disposal_certificate,deputy,
         protected_place,limit_request,person}'::name[];
COMMENT ON FUNCTION lpr_data.stays_for_good() IS
    'Tables that name people and are never destroyed: schedules, what tells that something was destroyed, who stood in '
    'for whom, places that the law protects, what was asked of limits. Of who left '
    'they name the login alone, once the person''s time is over.';

CREATE FUNCTION lpr_data.named_people()
    RETURNS SETOF integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT t.%I FROM %s AS t', a.attname, c.conrelid::regclass), ' UNION '
                          ORDER BY c.oid)
        FROM pg_constraint AS c
        JOIN pg_class AS r ON r.oid = c.conrelid
        JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.confrelid = 'lpr_data.person'::regclass
          AND r.relname <> ALL (lpr_data.stays_for_good()));
END
$$;
COMMENT ON FUNCTION lpr_data.named_people() IS
    'Everybody whom a record names that is still kept: each column that refers to a person, but those of '
    'lpr_data.stays_for_good().';

CREATE FUNCTION lpr_data.held_people()
    RETURNS SETOF integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT x.person_id
    FROM lpr_data.legal_hold AS h
    CROSS JOIN LATERAL (SELECT m.person_id FROM lpr_data.event_member AS m WHERE m.event_id = h.event_id
                        UNION SELECT s.person_id FROM lpr_data.event_step AS s WHERE s.event_id = h.event_id
                        UNION SELECT s.about FROM lpr_data.event_step AS s WHERE s.event_id = h.event_id
                        UNION SELECT s.person_id FROM lpr_data.save AS s WHERE s.event_id = h.event_id) AS x
    WHERE h.lifted_at IS NULL AND x.person_id IS NOT NULL
$$;
COMMENT ON FUNCTION lpr_data.held_people() IS
    'Who works, worked or saved on an event under a legal hold: what is about them stays as well (E9).';

CREATE FUNCTION lpr_data.access_over()
    RETURNS TABLE (person_id integer, over_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.person_id,
           CASE WHEN bool_and(a.over_at IS NOT NULL)
                THEN greatest(max(a.over_at), (SELECT max(r.valid_until) FROM lpr_data.recertification AS r
                                               WHERE r.person_id = a.person_id)) END
    FROM (SELECT x.person_id,
                 CASE WHEN x.state IN ('denied', 'withdrawn', 'revoked')
                      THEN (SELECT max(s.at) FROM lpr_data.access_step AS s WHERE s.access_id = x.access_id)
                      ELSE x.ends_at END AS over_at
          FROM lpr_data.access AS x) AS a
    GROUP BY a.person_id
$$;
COMMENT ON FUNCTION lpr_data.access_over() IS
    'When the last access of a person was over: that of people who still ask is one record, so that nothing which the '
    'gate goes by is gone. NULL: a request is under way.';

CREATE FUNCTION lpr_data.kept_records()
    RETURNS TABLE (kind text, key bigint, schedule_id integer, due_at timestamp with time zone, held boolean,
                   waits boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH in_force AS MATERIALIZED (
        SELECT s.records, s.schedule_id, s.base_period
        FROM (SELECT DISTINCT x.records FROM lpr_data.schedule AS x) AS r
        JOIN lpr_data.schedule AS s ON s.schedule_id = lpr_data.schedule_in_force(r.records)
    ), held_event AS MATERIALIZED (
        SELECT DISTINCT h.event_id FROM lpr_data.legal_hold AS h WHERE h.lifted_at IS NULL
    ), held_person AS MATERIALIZED (
        SELECT h.person_id FROM lpr_data.held_people() AS h (person_id)
    ), named AS MATERIALIZED (
        SELECT n.person_id FROM lpr_data.named_people() AS n (person_id)
    ), record (kind, key, records, over_at, held, waits) AS (
        -- An event by the schedule of its system of records, as its saved reads, from the end of the matter on; not
        -- before these are gone.
        SELECT 'event', e.event_id, y.records, lpr_data.closes_at(e.closed_at, e.ends_at),
               EXISTS (SELECT FROM held_event AS h WHERE h.event_id = e.event_id),
               EXISTS (SELECT FROM lpr_data.event_read AS r WHERE r.event_id = e.event_id)
        FROM lpr_data.event AS e JOIN lpr_data.system AS y ON y.system = e.system
        UNION ALL
        SELECT 'access', a.person_id, 'ACCESS', a.over_at, NULL, false FROM lpr_data.access_over() AS a
        UNION ALL
        SELECT 'training', t.person_id, 'TRAINING', min(t.valid_until), NULL, false
        FROM lpr_data.training AS t GROUP BY t.person_id
        UNION ALL
        SELECT 'mail', m.person_id, 'MAIL', min(coalesce(m.sent_at, m.made_at)), NULL, false
        FROM lpr_data.mail AS m WHERE m.state NOT IN ('waiting', 'sending') GROUP BY m.person_id
        UNION ALL
        SELECT 'person', p.person_id, 'PEOPLE', p.left_at, NULL,
               EXISTS (SELECT FROM named AS n WHERE n.person_id = p.person_id)
        FROM lpr_data.person AS p WHERE p.left_at IS NOT NULL AND p.gone_at IS NULL
        UNION ALL
        SELECT 'log', m.month, 'LOG', m.over_at, m.held, m.waits FROM lpr_data.log_months() AS m
    )
    SELECT r.kind, r.key, s.schedule_id, lpr_data.period_end(r.over_at, s.base_period),
           coalesce(r.held, EXISTS (SELECT FROM held_person AS h WHERE h.person_id = r.key)), r.waits
    FROM record AS r LEFT JOIN in_force AS s ON s.records = r.records
$$;
COMMENT ON FUNCTION lpr_data.kept_records() IS
    'Records about people (E10): kind; key, the number of the event or the person, or the month of the log; the '
    'schedule in force; when they, or the first of them, are due: NULL when they are not over, or no schedule may be '
    'used; whether a legal hold stands on the event, or on one that the person worked on; whether they wait '
    'for others: an event for its saved reads, who left for all that names them, a month for what refers to it.';

CREATE FUNCTION lpr_data.records_of(kind text, keys bigint[], moment timestamp with time zone, base_period interval)
    RETURNS TABLE (key bigint, record text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET bytea_output = 'hex'
    SET extra_float_digits = 1
AS $$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT x.key::bigint, x.record FROM (SELECT %s AS key, %L || to_jsonb(t)::text AS '
                                 'record FROM %s AS t WHERE %s) AS x WHERE x.key = ANY ($1)', r.key, r.relation,
                                 r.relation, r.over), ' UNION ALL ' ORDER BY r.relation)
        FROM lpr_data.record_tables() AS r WHERE r.kind = records_of.kind)
        USING keys, moment, base_period;
END
$$;
COMMENT ON FUNCTION lpr_data.records_of(text, bigint[], timestamptz, interval) IS
    'The rows of records of a kind that go then, as text, the same in any session.';

CREATE FUNCTION lpr_data.due_records(moment timestamp with time zone, salt bytea)
    RETURNS TABLE (kind text, key bigint, schedule_id integer, records bigint, digest bytea)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
BEGIN
    FOR k IN SELECT x.kind, x.schedule_id, s.base_period, array_agg(x.key) AS keys
             FROM lpr_data.kept_records() AS x
             JOIN lpr_data.schedule AS s ON s.schedule_id = x.schedule_id
             WHERE x.due_at <= moment AND NOT x.held AND NOT x.waits
             GROUP BY x.kind, x.schedule_id, s.base_period
    LOOP
        IF k.kind = 'log' THEN
            RETURN QUERY
                SELECT 'log', m.month, k.schedule_id, m.records, m.digest
                FROM lpr_data.log_months() AS m WHERE m.month = ANY (k.keys);
            CONTINUE;
        END IF;
        RETURN QUERY
            SELECT k.kind, r.key, k.schedule_id, count(*),
                   sha256(string_agg(sha256(salt || convert_to(r.record, 'UTF8')), ''
                                     ORDER BY r.record COLLATE "C"))
            FROM lpr_data.records_of(k.kind, k.keys, moment, k.base_period) AS r GROUP BY r.key;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.due_records(timestamptz, bytea) IS
    'What records about people are due then, and neither held nor waited for now: a row an event or a person, how many '
    'rows of tables those are, and SHA-256 over the digests of each, which nobody without the salt finds by trying.';

CREATE FUNCTION lpr.records_kept()
    RETURNS TABLE (kind text, records text, schedule integer, things bigint, due bigint,
                   next_due_at timestamp with time zone, held bigint, waiting bigint, waits_for text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT lpr_data.acts_as('lpr_privacy', 'lpr_oversight') THEN
        PERFORM lpr_data.acting('lpr_records_officer', 'E10');
    END IF;
    RETURN QUERY
        SELECT k.kind, s.records, k.schedule_id, k.things, k.due, k.next_due_at, k.held, k.waiting,
               CASE WHEN k.schedule_id IS NULL THEN 'a verified schedule'
                    WHEN k.due > 0 THEN 'its release'
                    WHEN k.held > 0 THEN 'the end of a legal hold'
                    WHEN k.waiting > 0 THEN CASE k.kind WHEN 'event' THEN 'its saved reads to go'
                                                        WHEN 'log' THEN 'what refers to it to go'
                                                        ELSE 'what names the person to go' END
                    ELSE 'its time' END
        FROM (SELECT r.kind, r.schedule_id, count(*) AS things,
                     count(*) FILTER (WHERE r.due_at <= clock_timestamp() AND NOT r.held AND NOT r.waits) AS due,
                     min(r.due_at) FILTER (WHERE r.due_at > clock_timestamp()) AS next_due_at,
                     count(*) FILTER (WHERE r.due_at <= clock_timestamp() AND r.held) AS held,
                     count(*) FILTER (WHERE r.due_at <= clock_timestamp() AND r.waits AND NOT r.held) AS waiting
              FROM lpr_data.kept_records() AS r GROUP BY r.kind, r.schedule_id) AS k
        LEFT JOIN lpr_data.schedule AS s ON s.schedule_id = k.schedule_id
        ORDER BY k.kind, k.schedule_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.records_kept() TO lpr_member;
COMMENT ON FUNCTION lpr.records_kept() IS
    'What is kept about people besides saved reads, by kind and schedule (E10): events with all that was written into '
    'them; access, training and mails, by person; people who left; months of the log. things: how many; due: how many '
    'of them can be destroyed now; next_due_at; held, waiting: how many are due and stay, under a legal hold or '
    'because of what is still kept. For records officers, privacy and oversight. Errors LP024 and LP033.';
