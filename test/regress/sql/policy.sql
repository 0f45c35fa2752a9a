-- policy: who is shown what of each table of lpr_data: by views that have no condition of their own, so that it is the
-- policy that shows or hides (E1, E4); and the policies themselves, so that a change of one has to be meant.
\getenv abs_srcdir PG_ABS_SRCDIR
\set rows :abs_srcdir '/rows.sql'
INSERT INTO lpr_data.secret (name, key_name, value) VALUES ('policy', 'key', '\x00');
INSERT INTO lpr_data.camera (source, camera_id, latitude, longitude) VALUES ('acme', 'policy', 32.5, -117);
INSERT INTO lpr_data.reserved_plate (plate_hash, owner_hash) VALUES (sha256('policy'), sha256('policy'));
-- The second time (test/mutants) all else is there.
SELECT to_regnamespace('policy') IS NULL AS fresh \gset
\if :fresh
SET client_min_messages = warning;
CREATE SCHEMA policy;
GRANT USAGE ON SCHEMA policy TO PUBLIC;
CREATE ROLE outsider1 LOGIN IN ROLE lpr_user;
BEGIN;
\i :rows
SELECT pg_temp.run(
    pg_temp.adds('event_extension', '{"event_id": 1}'), pg_temp.adds('event_extension', '{"event_id": 2}'),
    pg_temp.adds('legal_hold', '{"hold_id": 9101, "event_id": 1}'),
    pg_temp.adds('destruction_order', '{"order_id": 9101, "state": "done"}'),
    pg_temp.adds('destruction_part', '{"order_id": 9101, "event_id": 1, "state": "destroyed"}'),
    pg_temp.adds('destruction_certificate', '{"order_id": 9101}'),
    pg_temp.adds('disposal', '{"disposal_id": 9101, "state": "done", "salt": null}'),
    pg_temp.adds('disposal_part', '{"disposal_id": 9101, "state": "destroyed"}'),
    pg_temp.adds('disposal_certificate', '{"disposal_id": 9101}'),
    pg_temp.adds('recertification', '{"person_id": "@owner1", "at": "2020-01-01", "valid_until": "2020-06-01"}'),
    pg_temp.adds('recertification', '{"at": "2020-01-01", "valid_until": "2020-06-01"}'),
    pg_temp.adds('training', '{"person_id": "@owner1"}'),
    pg_temp.adds('save', '{"save_id": 9101, "event_id": 1}'),
    pg_temp.adds('event_read', '{"saved_id": 9101, "save_id": 9101, "event_id": 1}'),
    pg_temp.adds('correction', '{"saved_id": 9101}'),
    pg_temp.adds('event_step', '{"step_id": 9101, "event_id": 1}'), pg_temp.adds('deputy', '{"deputy_id": 9101}'),
    pg_temp.adds('release', '{"release_id": 9101, "event_id": 1}'),
    pg_temp.adds('protected_place', '{"place_id": 9101, "latitude": -80}'),
    pg_temp.adds('target', '{"target_id": 9201, "event_id": 1}'), -- beside those of the walk over the gate
    pg_temp.adds('display', '{"display_id": 9101, "event_id": 1, "confirmed_at": "2026-01-02",
        "examined_at": "2026-01-02", "examined_until": "2026-12-02", "reviewed_at": "2026-01-02",
        "reviewed_until": "2026-04-01"}'),
    pg_temp.adds('display_item', '{"item_id": 9101, "event_id": 1, "display_id": 9101, "target_id": 9201}'),
    pg_temp.adds('display_step', '{"step_id": 9101, "event_id": 1, "display_id": 9101, "item_id": 9101,
        "said_at": "2026-01-05"}'),
    pg_temp.adds('hit', '{"hit_id": 9101, "event_id": 1, "display_id": 9101, "item_id": 9101}'),
    pg_temp.adds('hit_disposition', '{"hit_id": 9101, "event_id": 1}'),
    -- Of a session that lasts, and was woken just now for ever: the watcher leaves it, and posts no mail.
    pg_temp.adds('hit_channel', (SELECT jsonb_build_object('pid', a.pid, 'session_started', a.backend_start,
                                                           'woken_at', 'infinity')
                                 FROM pg_stat_activity AS a WHERE a.backend_type = 'lpr audit writer')),
    pg_temp.adds('hit_wake'), pg_temp.adds('alert'), pg_temp.adds('watch_item', '{"item_id": 9101}'),
    pg_temp.adds('watch_mark'), pg_temp.adds('watch_set', '{"set_id": 9101}'),
    pg_temp.adds('exemption', '{"records": "POLICY"}'), pg_temp.adds('grace', '{"what": "sources"}'),
    pg_temp.adds('image', '{"content": "\\x01", "sha256":
        "\\x4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"}'),
    pg_temp.adds('consent_token', '{"person_id": "@newcomer1", "digest":
        "\\x0000000000000000000000000000000000000000000000000000000000000003"}'),
    pg_temp.adds('purge_certificate', '{"done_at": "2026-01-03"}'),
    pg_temp.adds('job', '{"job": "policy"}')) \g /dev/null
SELECT format('CREATE VIEW policy.%1$I AS SELECT * FROM lpr_data.%1$I', c.relname),
       format('ALTER VIEW policy.%I OWNER TO lpr_owner', c.relname),
       format('GRANT SELECT ON policy.%I TO PUBLIC', c.relname)
FROM pg_class AS c
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relname NOT LIKE 'cache\_%' AND c.relname <> 'change' AND c.relowner = 'lpr_owner'::regrole
ORDER BY c.relname COLLATE "C"
\gexec
-- How many rows each has, for everybody to compare; and what somebody sees of all of them.
CREATE FUNCTION policy.rows_of(relation text)
    RETURNS TABLE (shown bigint, whose text)
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), string_agg(DISTINCT coalesce(to_jsonb(t) ->> ''event_id'', '
        'to_jsonb(t) ->> ''person_id''), '','') FROM %s AS t', relation);
END
$$;
CREATE TABLE policy.total AS
SELECT c.relname::text AS relation, r.shown
FROM pg_class AS c CROSS JOIN LATERAL policy.rows_of('lpr_data.' || quote_ident(c.relname)) AS r
WHERE c.relnamespace = 'policy'::regnamespace AND c.relkind = 'v';
GRANT SELECT ON policy.total TO PUBLIC;
CREATE FUNCTION policy.seen()
    RETURNS SETOF text
    LANGUAGE sql STABLE
AS $$
    SELECT what || ': ' || string_agg(relation, ' ' ORDER BY relation COLLATE "C")
    FROM (SELECT t.relation, CASE r.shown WHEN 0 THEN 'nothing of' WHEN t.shown THEN 'all of'
                                          ELSE coalesce(r.whose, 'some') || ' of' END AS what
          FROM policy.total AS t CROSS JOIN LATERAL policy.rows_of('policy.' || quote_ident(t.relation)) AS r) AS s
    GROUP BY what ORDER BY what COLLATE "C"
$$;
COMMIT;
\endif
SELECT relation AS empty FROM policy.total WHERE shown = 0 ORDER BY relation COLLATE "C";

\pset format unaligned
\pset tuples_only on
\connect - analyst1
SELECT policy.seen();
\connect - analyst2
SELECT policy.seen();
\connect - newcomer1
SELECT policy.seen();
\connect - supervisor1
SELECT policy.seen();
\connect - owner1
SELECT policy.seen();
\connect - lead1
SELECT policy.seen();
\connect - oversight1
SELECT policy.seen();
\connect - privacy1
SELECT policy.seen();
\connect - admin1
SELECT policy.seen();
\connect - trainer1
SELECT policy.seen();
\connect - records1
SELECT policy.seen();
\connect - outsider1
SELECT policy.seen();
\connect - postgres
SELECT policy.seen();

-- The policies. (test/mutants, which changes one, looks at what is shown.)
\if :{?only}
\else
SELECT p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
       regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g'), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_policy AS p
WHERE p.polrelid::regclass::text LIKE 'lpr\_data.%' ORDER BY p.polrelid::regclass::text COLLATE "C", p.polname;
\endif
DELETE FROM lpr_data.secret WHERE name = 'policy';
DELETE FROM lpr_data.camera WHERE camera_id = 'policy';
DELETE FROM lpr_data.reserved_plate WHERE plate_hash = sha256('policy');
