-- trigger: each trigger of lpr_data does what it is for, by any role and as a replica too (ENABLE ALWAYS), and nothing
-- else does it: without the trigger it is not done. What others would refuse before is switched off for it. A new one
-- of a function that is not known here is told at the end.
\getenv abs_srcdir PG_ABS_SRCDIR
\set rows :abs_srcdir '/rows.sql'
BEGIN;
\i :rows
SELECT pg_temp.add_world() \g /dev/null

CREATE TEMP VIEW kept AS
SELECT c.relname::text AS relation, t.tgname::text AS name, p.proname::text AS does, t.tgtype, t.tgenabled,
       array_remove(string_to_array(encode(t.tgargs, 'escape'), '\000'), '') AS arguments
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relnamespace = 'lpr_data'::regnamespace AND NOT t.tgisinternal;

-- What a statement does after others: the error, or which records of the table it leaves for the audit log.
CREATE FUNCTION pg_temp.done(relation text, before text[], statement text)
    RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    last bigint;
    recorded text;
BEGIN
    PERFORM pg_temp.run(VARIADIC array_remove(before, NULL));
    last := (SELECT max(c.number) FROM lpr_data.change AS c);
    EXECUTE statement;
    SELECT string_agg(DISTINCT c.payload::jsonb ->> 'action', ' ') INTO recorded
    FROM lpr_data.change AS c
    WHERE (c.number > last OR last IS NULL) AND c.payload::jsonb ->> 'table' = 'lpr_data.' || relation;
    RAISE EXCEPTION USING ERRCODE = 'LP999', MESSAGE = coalesce('recorded: ' || recorded, 'done');
EXCEPTION
    WHEN deadlock_detected THEN -- a worker of lpr's was at it, which takes locks in another order
        RETURN pg_temp.done(relation, before, statement);
    WHEN OTHERS THEN
        RETURN CASE WHEN sqlstate = 'LP999' THEN sqlerrm ELSE sqlstate || ' ' || sqlerrm END;
END
$$;
CREATE FUNCTION pg_temp.off(relation text, name text)
    RETURNS text
    LANGUAGE sql
RETURN format('ALTER TABLE lpr_data.%I DISABLE TRIGGER %I', relation, name);

-- Whether a statement has it noted until when item 9002 of a display holds.
CREATE FUNCTION pg_temp.noted(statement text)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE statement;
    IF EXISTS (SELECT FROM lpr_data.display_item AS i
               WHERE i.item_id = 9002 AND (i.holds_until <> '2027-12-01' OR i.ended_at IS NOT NULL)) THEN
        RAISE EXCEPTION USING ERRCODE = 'LP998', MESSAGE = 'noted';
    END IF;
END
$$;

-- What each has to do, by its function: an operation of a row or of all of them.
CREATE TEMP TABLE attempt AS
WITH operation (bit, name) AS (VALUES (4, 'insert'), (8, 'delete'), (16, 'update'), (32, 'truncate')),
columns (relation, usual, refused) AS (
    -- A column that may be changed to what it is, and one that may not be NULL and not be changed.
    SELECT c.relname, (array_agg(a.attname ORDER BY a.attname) FILTER (WHERE a.attidentity = ''))[1],
           (array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE a.attidentity = '' AND a.attnotnull
               AND a.attname <> ALL (coalesce((SELECT k.arguments FROM kept AS k
                                               WHERE k.relation = c.relname AND k.name = 'refuse_rewrite'), '{}'))))[1]
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'p')
    GROUP BY c.relname
)
SELECT k.relation, k.name, o.name AS operation,
       CASE WHEN k.relation ~ '^audit_\d' -- a month of the log that has not come is empty
            THEN format('INSERT INTO lpr_data.%I (number, at, kind, payload_digest, digest) VALUES (-1, '
                        'to_timestamp(%L, ''YYYY_MM''), ''test'', '''', '''')', k.relation, substr(k.relation, 7))
            WHEN k.relation NOT IN (SELECT g.relation FROM good AS g WHERE g.relation <> 'change') THEN NULL
            WHEN o.name <> 'insert' THEN pg_temp.adds(k.relation)
            WHEN k.relation IN (SELECT r.relation FROM kept AS r WHERE r.does = 'replace_shipped')
            THEN format('DELETE FROM lpr_data.%I', k.relation) END AS before,
       CASE o.name WHEN 'insert' THEN pg_temp.adds(k.relation)
                   WHEN 'delete' THEN format('DELETE FROM lpr_data.%I', k.relation)
                   WHEN 'truncate' THEN format('TRUNCATE lpr_data.%I CASCADE', k.relation)
                   ELSE CASE WHEN k.name = 'audit_outcome' THEN 'UPDATE lpr_data.mail SET state = ''failed'''
                             ELSE format('UPDATE lpr_data.%I SET %I = %s', k.relation,
                                         CASE WHEN k.does ~ '^audit' THEN c.usual ELSE c.refused END,
                                         CASE WHEN k.does ~ '^audit' THEN quote_ident(c.usual) ELSE 'NULL' END) END
                   END AS statement,
       CASE k.does WHEN 'refuse_rewrite' THEN format('LP034 %s of lpr_data.%s is refused', upper(o.name), k.relation)
                   WHEN 'refuse_change' THEN format('LP031 %s of lpr_data.%s is refused', upper(o.name), k.relation)
                   WHEN 'guard_change' THEN format('LP031 %s lpr_data.change %sis refused',
                        CASE o.name WHEN 'insert' THEN 'INSERT into' ELSE upper(o.name) || ' of' END,
                        CASE o.name WHEN 'insert' THEN 'by hand ' ELSE '' END)
                   ELSE 'recorded: ' || o.name END AS expected
FROM kept AS k
JOIN operation AS o ON k.tgtype & o.bit <> 0
JOIN columns AS c ON c.relation = k.relation
WHERE k.does IN ('audit_change', 'audit_saved', 'audit_hits', 'refuse_rewrite', 'refuse_change', 'guard_change')
UNION ALL
-- A row that came with lpr, and one of the same key.
SELECT k.relation, k.name, 'insert', pg_temp.adds(k.relation, '{"shipped": true}'), pg_temp.adds(k.relation),
       'recorded: update'
FROM kept AS k WHERE k.does = 'replace_shipped'
UNION ALL
SELECT 'access', 'moves', 'update', pg_temp.adds('access'),
       'UPDATE lpr_data.access SET state = ''granted'', granted_at = now(), ends_at = now() + interval ''1 day'' '
       'WHERE access_id = 9002', 'LP034 making granted of a grant that is requested is refused'
UNION ALL
SELECT 'event', 'moves', 'update', pg_temp.adds('event'),
       'UPDATE lpr_data.event SET ends_at = ends_at - interval ''1 day'' WHERE event_id = 9002',
       'LP034 the change of event 9002 is refused'
UNION ALL
SELECT 'event', 'moves', 'update', pg_temp.adds('event', '{"closed_at": "2026-02-01", "outcome": "found"}'),
       'UPDATE lpr_data.event SET outcome = ''lost'' WHERE event_id = 9002',
       'LP034 the change of event 9002 is refused'
UNION ALL
SELECT 'limit_request', 'moves', 'update',
       pg_temp.adds('limit_request', '{"state": "refused", "decided_at": "2026-01-01 00:00Z",
           "decided_by": "@privacy1", "decide_reason": "x"}'),
       'UPDATE lpr_data.limit_request SET decide_reason = ''y'' WHERE request_id = 9002',
       'LP034 the change of request 9002 is refused'
UNION ALL
SELECT l.relation, 'widened_by_two', o.operation, format('UPDATE lpr_data.%I SET %I = 5', l.relation, l.what),
       format(o.statement, l.relation, l.what, l.key, l.name),
       format('LP034 %s of limit "%s" is refused', upper(o.operation), l.name)
FROM (VALUES ('search_limit', 'reads', 'mode', 'location'), ('rate_limit', 'questions', 'name', 'event_day'))
        AS l (relation, what, key, name),
     (VALUES ('update', 'UPDATE lpr_data.%1$s SET %2$s = %2$s + 1 WHERE %3$s = %4$L'),
             ('delete', 'DELETE FROM lpr_data.%1$s WHERE %3$s = %4$L')) AS o (operation, statement)
UNION ALL
SELECT 'release', 'moves', 'update',
       pg_temp.adds('release', '{"state": "refused", "decided_at": "2026-01-01 00:00Z",
           "decided_by": "@privacy1", "decide_reason": "x"}'),
       'UPDATE lpr_data.release SET decide_reason = ''y'' WHERE release_id = 9002',
       'LP034 the change of release 9002 is refused'
UNION ALL
SELECT 'target', 'moves', 'update', pg_temp.adds('target', t.other), 'UPDATE lpr_data.target SET ' || t.change
       || ' WHERE target_id = 9002', 'LP034 the change of target 9002 is refused'
FROM (VALUES ('{"ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ruled_out", "end_reason": "x"}'::jsonb,
              'end_kind = ''ended'''),
             ('{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": "@supervisor1"}',
              'confirmed_at = ''2026-01-03'''),
             ('{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": "@supervisor1"}',
              'confirmed_by = confirmed_by + 1'),
             ('{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": "@supervisor1"}',
              'confirmed_at = NULL, confirmed_by = NULL, good_until = ''-infinity'''),
             ('{"waits": true, "confirmed_at": "2026-01-02", "confirmed_by": "@supervisor1",
                "good_until": "2026-01-02"}', 'good_until = ''infinity'''),
             ('{"waits": true, "good_until": "-infinity"}', 'good_until = added_at')) AS t (other, change)
UNION ALL
SELECT 'target', 'stands_beside', 'insert', 'SET CONSTRAINTS ALL IMMEDIATE',
       pg_temp.adds('target', jsonb_build_object('associate_of', t.of, 'depth', t.depth, 'waits', true,
                                                    'good_until', '-infinity')),
       '23503 target 9002 stands beside none of its event'
FROM (VALUES (-1, 1), (9001, 2), (9002, 1)) AS t (of, depth);

INSERT INTO attempt
SELECT 'display', 'moves', 'update', t.before, 'UPDATE lpr_data.display SET ' || t.change || ' WHERE display_id = 9002',
       'LP034 the change of display 9002 is refused'
FROM (SELECT
    pg_temp.adds('display', '{"confirmed_at": "2125-01-01", "examined_at": "2125-01-01",
        "examined_until": "2125-12-01", "reviewed_at": "2125-01-01", "reviewed_until": "2125-03-01"}') AS ahead,
    pg_temp.adds('display', '{"created_at": "2020-01-01", "confirmed_at": "2020-01-02", "examined_at": "2020-01-02",
        "examined_until": "2020-02-02", "reviewed_at": "2020-01-02", "reviewed_until": "2020-02-02"}') AS past) AS w
CROSS JOIN LATERAL (VALUES
    -- ended; confirmed again, in the statement that made it, and ahead of time
    (pg_temp.adds('display', '{"ended_at": "2026-02-01", "ended_by": "@analyst1", "end_reason": "x"}'),
     'end_reason = ''y'''),
    (pg_temp.adds('display', '{"confirmed_at": "2026-01-02", "examined_at": "2026-01-02",
         "examined_until": "2026-02-02", "reviewed_at": "2026-01-02", "reviewed_until": "2026-02-02"}'),
     'confirmed_at = confirmed_at - interval ''1 minute'''),
    (pg_temp.adds('display') || '; UPDATE lpr_data.display SET created_at = statement_timestamp()
                                 WHERE display_id = 9002',
     '(confirmed_at, examined_at, examined_until, reviewed_at, reviewed_until)
      = (SELECT c, c, c + interval ''1 day'', c, c + interval ''1 day'' FROM clock_timestamp() AS c)'),
    (pg_temp.adds('display'),
     '(confirmed_at, examined_at, examined_until, reviewed_at, reviewed_until)
      = (SELECT c, c, c + interval ''1 day'', c, c + interval ''1 day''
         FROM (SELECT clock_timestamp() + interval ''1 hour'') AS n (c))'),
    -- confirmed, and examined or reviewed at another moment
    (pg_temp.adds('display'), 'confirmed_at = ''2026-01-02'', examined_at = ''2126-01-02'',
         examined_until = ''2126-02-02'', reviewed_at = ''2026-01-02'', reviewed_until = ''2026-02-02'''),
    (pg_temp.adds('display'), 'confirmed_at = ''2026-01-02'', examined_at = ''2026-01-02'',
         examined_until = ''2026-02-02'', reviewed_at = ''2126-01-02'', reviewed_until = ''2126-02-02'''),
    -- put off without a step, by one to come, and too late
    (w.ahead, 'examined_until = ''2125-12-02'''), (w.ahead, 'reviewed_until = ''2125-03-02'''),
    (w.ahead || '; ' || pg_temp.adds('display_step', '{"display_id": 9002, "action": "examine", "item_id": null,
         "finding": null, "at": "2125-02-01"}'), 'examined_at = ''2125-02-01'''),
    (w.past || '; ' || pg_temp.adds('display_step', '{"display_id": 9002, "action": "examine", "item_id": null,
         "finding": null, "at": "2020-02-04"}'), 'examined_at = ''2020-02-04'', examined_until = ''2020-03-04'''),
    (w.past || '; ' || pg_temp.adds('display_step', '{"display_id": 9002, "action": "review", "item_id": null,
         "finding": null, "at": "2020-02-24", "person_id": "@supervisor1"}'),
     'reviewed_at = ''2020-02-24'', reviewed_until = ''2020-03-04''')) AS t (before, change)
UNION ALL
SELECT 'display_item', 'moves', 'update', t.before,
       'UPDATE lpr_data.display_item SET ' || t.change || ' WHERE item_id = 9002',
       'LP034 the change of display item 9002 is refused'
FROM (SELECT
    pg_temp.adds('display_item', '{"until": "2027-12-01", "validated_at": "2125-01-03",
        "validated_until": "2125-12-01"}') AS ahead,
    pg_temp.adds('display_item', '{"validated_until": "2026-02-01", "holds_until": "2026-01-10"}') AS past) AS w
CROSS JOIN LATERAL (VALUES
    (pg_temp.adds('display_item', '{"ended_at": "2026-02-01", "end_kind": "expired", "end_reason": "x"}'),
     'end_reason = ''y'''),
    (w.ahead, 'validated_until = ''2125-12-02'''),
    -- by a finding that does not keep it; too late
    (w.ahead || '; ' || pg_temp.adds('display_step', '{"item_id": 9002, "finding": "located", "at": "2026-01-05"}'),
     'validated_at = ''2026-01-05'', validated_until = ''2026-12-02'''),
    (w.past || '; ' || pg_temp.adds('display_step', '{"item_id": 9002, "at": "2026-02-24"}'),
     'validated_at = ''2026-02-24'', validated_until = ''2026-03-02'''),
    (w.past, 'holds_until = ''2026-01-20''')) AS t (before, change)
UNION ALL
SELECT 'display_item', 'of_a_confirmed_display', 'insert', t.before, pg_temp.adds('display_item', t.other),
       'LP066 display ' || t.display || ' was not confirmed when item 9002 was added'
FROM (VALUES (pg_temp.adds('display'), '{"display_id": 9002}'::jsonb, 9002),
             (NULL, '{"added_at": "2026-01-01 12:00Z"}', 9001)) AS t (before, other, display)
UNION ALL
SELECT 'hit', 'not_from_before', 'insert', NULL, pg_temp.adds('hit', '{"captured_at": "2026-01-02 23:59Z"}'),
       'LP068 a read from before item 9001 was added is no hit of it'
UNION ALL
-- Until when an item holds, of an owner who lacks everything, is noted when something changes that it rests on.
SELECT t.relation, 'renews_displays', t.operation,
       concat_ws('; ', t.before, pg_temp.adds('display_item', '{"added_at": "2026-01-03",
           "watched_since": "2026-01-03", "until": "2027-12-01", "validated_at": "2125-01-03",
           "validated_until": "2125-12-01", "holds_until": "2027-12-01"}')),
       format('SELECT pg_temp.noted(%L)', t.statement), 'LP998 noted'
FROM (VALUES
    ('person', 'update', NULL, 'UPDATE lpr_data.person SET left_at = now() WHERE login = ''analyst1'''),
    ('person', 'update', NULL, 'UPDATE lpr_data.person SET kind = ''shared'' WHERE login = ''analyst1'''),
    ('access', 'update', NULL, 'UPDATE lpr_data.access AS a SET state = ''suspended'' FROM lpr_data.person AS p
         WHERE p.login = ''analyst1'' AND a.person_id = p.person_id AND a.state = ''granted'''),
    ('training', 'insert', NULL, pg_temp.adds('training', '{"person_id": "@analyst1"}')),
    ('recertification', 'insert', NULL, pg_temp.adds('recertification', '{"person_id": "@analyst1"}')),
    ('event', 'update', NULL, 'UPDATE lpr_data.event SET waits_since = now() WHERE event_id = 9001'),
    ('event', 'update', NULL, 'UPDATE lpr_data.event SET ends_at = ends_at + interval ''1 day'' WHERE event_id = 9001'),
    ('event', 'update', NULL, 'UPDATE lpr_data.event SET closed_at = now(), outcome = ''found'' WHERE event_id = 9001'),
    ('event_member', 'insert', NULL, pg_temp.adds('event_member', '{"person_id": "@analyst1"}')),
    ('event_member', 'delete', pg_temp.adds('event_member', '{"person_id": "@analyst1"}'),
     'DELETE FROM lpr_data.event_member WHERE event_id = 9001'),
    ('target', 'update', NULL, 'UPDATE lpr_data.target SET good_until = ''2126-01-01'' WHERE target_id = 9001'),
    ('target', 'update', NULL, 'UPDATE lpr_data.target SET ended_at = now(), ended_by = added_by,
         end_kind = ''ended'', end_reason = ''x'' WHERE target_id = 9001'),
    ('display', 'update', NULL, 'UPDATE lpr_data.display SET ended_at = now(), ended_by = owner_id,
         end_reason = ''x'' WHERE display_id = 9001')) AS t (relation, operation, before, statement);

-- test/mutants looks at one table only, with the one trigger gone.
\if :{?only}
DELETE FROM attempt WHERE relation <> :'only';
\endif

-- Once as it is, but for what else would refuse it or record it; once without the trigger itself.
CREATE TEMP TABLE outcome (relation text, name text, operation text, expected text, seen text, without_it text);
INSERT INTO outcome
SELECT a.relation, a.name, a.operation, a.expected, pg_temp.done(a.relation, b.before, a.statement),
       pg_temp.done(a.relation, b.before || pg_temp.off(a.relation, a.name), a.statement)
FROM attempt AS a
CROSS JOIN LATERAL (SELECT array_agg(pg_temp.off(k.relation, k.name))
                           || ARRAY['SET LOCAL session_replication_role = replica', a.before] AS before
                    FROM kept AS k
                    WHERE k.does IN ('refuse_rewrite', 'refuse_change', 'event_moves', 'access_moves', 'target_moves',
                                     'release_moves', 'limit_request_moves', 'limit_moves',
                                     'display_moves', 'display_item_moves')
                      AND k.relation = a.relation AND k.name <> a.name) AS b
WHERE a.name <> 'audit_truncate';
-- What refuses to empty tables is switched off once for all.
CREATE FUNCTION pg_temp.emptied()
    RETURNS SETOF outcome
    LANGUAGE plpgsql
AS $$
DECLARE
    seen outcome[] := '{}';
BEGIN
    PERFORM pg_temp.run(VARIADIC (SELECT array_agg(pg_temp.off(k.relation, k.name)) FROM kept AS k
                                  WHERE k.name = 'refuse_truncate'));
    SET LOCAL session_replication_role = replica;
    SELECT array_agg(ROW(a.relation, a.name, a.operation, a.expected, pg_temp.done(a.relation, '{}', a.statement),
                         pg_temp.done(a.relation, ARRAY[pg_temp.off(a.relation, a.name)], a.statement))::outcome)
    INTO seen FROM attempt AS a WHERE a.name = 'audit_truncate';
    RAISE EXCEPTION USING ERRCODE = 'LP999';
EXCEPTION
    WHEN deadlock_detected THEN
        RETURN QUERY SELECT * FROM pg_temp.emptied();
    WHEN SQLSTATE 'LP999' THEN
        RETURN QUERY SELECT * FROM unnest(seen);
END
$$;
INSERT INTO outcome SELECT * FROM pg_temp.emptied();

\if :{?only}
SELECT CASE WHEN bool_or(seen <> expected) THEN 'noticed' ELSE 'unnoticed' END AS mutant FROM outcome;
\quit
\endif
-- No rows from here on.
-- Triggers that do not do what they are for:
SELECT relation, name, operation, expected, seen FROM outcome WHERE seen <> expected ORDER BY 1, 2, 3;
-- What is done without them too:
SELECT relation, name, operation, without_it FROM outcome WHERE without_it = expected ORDER BY 1, 2, 3;
-- Triggers that do not fire ALWAYS:
SELECT relation, name, tgenabled FROM kept WHERE tgenabled <> 'A';
-- Some rows:
-- Triggers that are not looked at here. wake_mail keeps nothing: without it a mail goes out later.
SELECT relation, name FROM kept EXCEPT SELECT relation, name FROM attempt;
-- Tables that are neither under audit nor of the log, the cache or of what only lpr itself keeps:
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition
  AND (SELECT count(*) FROM kept AS k WHERE k.relation = c.relname AND k.does LIKE 'audit%') < 2
ORDER BY c.relname;
-- What each table has, and of refuse_rewrite which columns may change. (A month of the log: lpr_data.guard().)
SELECT relation, string_agg(name || CASE WHEN name = 'refuse_rewrite' AND cardinality(arguments) > 0
                                         THEN ' but of ' || array_to_string(arguments, ', ') ELSE '' END,
                            '; ' ORDER BY name COLLATE "C") AS triggers
FROM kept WHERE relation !~ '^audit_\d' GROUP BY relation ORDER BY relation COLLATE "C";
ROLLBACK;
