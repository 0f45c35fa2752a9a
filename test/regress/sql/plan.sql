-- plan: what each vendor would be asked, and what is only checked here. EXPLAIN asks nobody.
\getenv vendor_url LPR_VENDOR_URL
\pset format unaligned
\pset tuples_only on
-- Two more dialects, and one that is sorted here. Nothing listens at these addresses.
SELECT lpr.add_source('dockside', 'rekor-scout-v2', 'https://rekor.example', assessment => 'PIA',
    grant_to => '{lpr_user}'),
       lpr.add_source('elsewhere', 'verkada-v1', 'https://verkada.example', assessment => 'PIA',
           grant_to => '{lpr_user}'),
       lpr.add_source('farm', 'lpr-v1', 'https://farm.example', options => '{"order": "here"}', assessment => 'PIA',
           grant_to => '{lpr_user}')
\g /dev/null
GRANT CREATE ON SCHEMA public TO analyst1;
-- What of a condition besides a plate is sent to a source, and what is left to a filter.
CREATE FUNCTION sent(condition text, source text DEFAULT 'acme') RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    line text;
    said text := '';
BEGIN
    FOR line IN SELECT plan(format('SELECT 1 FROM lpr.reads AS r WHERE source = %L AND plate = ''P1'' AND (%s)', source,
        condition))
    LOOP
        IF line ~ '^ *(Sent|One-Time|Subplans Removed)' THEN
            said := said || ' ' || ltrim(line);
        END IF;
    END LOOP;
    RETURN replace(said, ' (plate = ''P1''::text)', ' …');
END
$$;
\c - analyst1
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
SET datestyle = 'ISO';
CREATE VIEW acme AS SELECT * FROM lpr.reads WHERE source = 'acme';
CREATE TABLE wanted (plate text PRIMARY KEY, since timestamptz, note text);
INSERT INTO wanted SELECT 'W' || i, '2024-01-01', 'n' FROM generate_series(1, 300) AS i;
ANALYZE wanted;

-- ---- one condition at a time: sent, or only a filter ----
SELECT n || '  ' || condition || '  =>' || sent(condition)
FROM unnest(ARRAY[
    'plate = ''P2''', '''P2'' = plate', 'plate IN (''P1'', ''P2'')', 'plate = ANY (ARRAY[''P1'', ''P2'', NULL])',
        'plate = ANY (lpr.confusable_plates(''O1''))',
    'plate = lpr.normal_plate(''p-1'')', 'plate = ''P2''::varchar', 'plate = current_user', 'plate <> ''P2''',
        'plate <> ALL (''{P2}'')', 'plate LIKE ''P%''',
    'plate || '''' = ''P2''', 'lower(plate) = ''p2''', 'plate > ''P0''', 'plate = plate_as_read', 'plate IS NOT NULL',
        'plate_as_read = ''P1''',
    'plate_region = ''CA''', 'plate_region IN (''CA'', ''NV'')', 'plate_region IS NULL',
        'plate_region = ''CA'' OR plate_region IS NULL',
    'plate_region = ''CA'' OR plate_region = ''NV''',
    'lpr.distance_m(latitude, longitude, 32.5, -117) <= 1000', 'lpr.distance_m(latitude, longitude, 32.5, -117) < 1000',
    '1000 >= lpr.distance_m(latitude, longitude, 32.5, -117)', '1000 > lpr.distance_m(latitude, longitude, 32.5, -117)',
    'lpr.distance_m(latitude, longitude, 32.5, -117) > 1000', 'lpr.distance_m(32.5, -117, latitude, longitude) < 1000',
    'lpr.distance_m(longitude, latitude, -117, 32.5) < 1000',
        'lpr.distance_m(latitude, longitude, 32.5, longitude) < 1000',
    'latitude > 32', 'latitude BETWEEN 32 AND 33',
    'address = ''1 Main St''', 'address ILIKE ''%Main St%''', 'address ILIKE ''Main%''', 'address LIKE ''%Main St%''',
        'address ~ ''Main''', 'lpr.address_contains(address, ''1 Main St'')',
        'lpr.address_contains(''1 Main St'', address)', 'lpr.address_contains(address, address)',
    'make = ''TESLA''', 'model = ''MODEL 3''', 'make = upper(''tesla'')', 'upper(make) = ''TESLA''', 'color = ''RED''',
        'make IN (''TESLA'', ''FORD'')',
    'captured_at >= ''2024-01-01''', 'captured_at > now() - interval ''90 days''', 'captured_at < ''2024-01-01''::date',
        'captured_at <= ''2024-01-01''::timestamp',
    'captured_at = ''2024-01-01 10:00''', '''2024-01-01'' <= captured_at',
        'captured_at BETWEEN ''2024-01-01'' AND ''2024-02-01''',
    'captured_at > clock_timestamp() - interval ''1 day''', 'captured_at::date = ''2024-01-01''',
        'captured_at <> ''2024-01-01''',
    'captured_at + interval ''1 day'' > now()', 'captured_at > fetched_at - interval ''1 day''',
    'recent', 'recent = true', 'NOT recent', 'recent IS TRUE',
    'event_id = 12', 'event_id = 12::bigint', 'event_id = 12::smallint', 'event_id = 12.0', 'event_id IS NULL',
        'event_id IN (12, 13)',
    'confidence > 0.9', 'camera_id = ''cam1''', 'read_id = ''1''', 'country = ''US''', 'from_cache',
        'matched_how = ''exact''',
    'random() < 2', 'plate = ''P'' || (random() * 10)::int', 'plate = (SELECT ''P1'')',
    'true OR make = ''TESLA''', 'make = ''TESLA'' OR model = ''MODEL 3''', 'NOT make = ''TESLA''',
        'make = ''TESLA'' AND (color = ''RED'' OR model = ''Y'')',
    'now() > ''2020-01-01'' OR make = ''TESLA''', 'make = ''TESLA'' OR now() < ''2020-01-01'' OR session_user = ''x''',
        'current_setting(''a.b'', true) IS NULL OR recent'
    ]) WITH ORDINALITY AS c (condition, n) ORDER BY n;
-- The same for each dialect: what it cannot be asked is checked here.
SELECT source || ' ' || condition || '  =>' || sent(condition, source)
FROM unnest('{acme,birdseye,curbside,dockside,elsewhere}'::text[]) AS source,
     unnest(ARRAY['plate_region = ''CA''', 'lpr.distance_m(latitude, longitude, 32.5, -117) < 1000',
         'address = ''1 Main St''', 'make = ''TESLA''',
                  'captured_at > now() - interval ''1 day''', 'recent', 'event_id = 12']) AS condition;
-- An equality under a collation that takes different texts for equal is not the vendor's.
CREATE COLLATION lax (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT condition || '  =>' || sent(condition)
FROM unnest(ARRAY['plate_region = ''CA'' COLLATE lax', 'plate COLLATE lax = ''p1''',
    'plate COLLATE lax = ANY (''{p1}'')']) AS condition;
DROP COLLATION lax;

-- ---- sources ----
-- Merged in the order that they come in; those that cannot order are sorted here.
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE plate = '7ABC123'
    AND source IN ('acme', 'birdseye', 'curbside') ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE plate = '7ABC123' ORDER BY captured_at DESC LIMIT 10;
-- One, two, none, by a value known when the query starts.
EXPLAIN (COSTS OFF) SELECT plate FROM lpr.reads WHERE plate = '7ABC123' AND source = 'acme';
EXPLAIN (COSTS OFF) SELECT plate FROM lpr.reads WHERE plate = '7ABC123' AND source IN ('acme', 'curbside');
EXPLAIN (COSTS OFF) SELECT plate FROM lpr.reads WHERE plate = '7ABC123' AND source = 'nobody';
EXPLAIN (COSTS OFF) SELECT plate FROM lpr.reads WHERE plate = '7ABC123' AND source = 'ac' || current_setting('a.b',
    true);

-- ---- order ----
\set acme 'FROM lpr.reads WHERE source = ''acme'' AND plate'
EXPLAIN (COSTS OFF) SELECT captured_at :acme = 'P1' ORDER BY captured_at;
EXPLAIN (COSTS OFF) SELECT captured_at :acme = 'P1' ORDER BY captured_at DESC NULLS LAST;
EXPLAIN (COSTS OFF) SELECT captured_at :acme = ANY ('{P1,P2}') ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at :acme = 'P1' ORDER BY captured_at DESC, read_id;
EXPLAIN (COSTS OFF) SELECT captured_at :acme = 'P1' ORDER BY read_id;
EXPLAIN (COSTS OFF) SELECT captured_at :acme = 'P1' ORDER BY captured_at + interval '1 day';
EXPLAIN (COSTS OFF) SELECT DISTINCT captured_at :acme = 'P1';
EXPLAIN (COSTS OFF) SELECT captured_at, count(*) :acme = 'P1' GROUP BY captured_at;
SELECT plan($$SELECT max(captured_at) FROM acme WHERE plate = 'P1'$$);
SELECT plan($$SELECT row_number() OVER (ORDER BY captured_at) FROM acme WHERE plate = 'P1'$$);
-- One plate a request: several do not come in order. Cameras one by one, no order promised, order 'here': neither.
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE source = 'birdseye' AND plate = 'P1'
    ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE source = 'birdseye' AND plate = ANY ('{P1}')
    ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE source = 'birdseye' AND plate = ANY ('{P1,P2}')
    ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE source = 'elsewhere' AND plate = 'P1'
    ORDER BY captured_at DESC;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.reads WHERE source = 'farm' AND plate = 'P1' ORDER BY captured_at DESC;

-- ---- LIMIT: the size of the first page, when everything else is sent ----
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' LIMIT 10 OFFSET 5;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' ORDER BY captured_at DESC LIMIT 10;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' ORDER BY captured_at DESC FETCH FIRST 10 ROWS WITH TIES;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' ORDER BY read_id LIMIT 10;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' AND color = 'RED' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT plate :acme = 'P1' LIMIT 0;
EXPLAIN (COSTS OFF) SELECT count(*) :acme = 'P1' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT DISTINCT plate_region :acme = 'P1' LIMIT 10;
EXPLAIN (COSTS OFF) SELECT plate FROM (SELECT plate :acme = 'P1' UNION ALL SELECT plate :acme = 'P2') AS u LIMIT 10;

-- ---- functions ----
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_plate('7abc-123', 'CA', since => now() - interval '90 days')
    WHERE source = 'acme' AND confidence > 0.9 LIMIT 5;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_plate('7abc-123', 'CA', look_alikes => true,
    other_regions => true) WHERE source = 'acme' AND captured_at > now() - interval '1 day' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_location(32.5, -117) WHERE source = 'acme'
    AND plate_region = 'CA';
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_location(address => '50% off_') WHERE source = 'acme' LIMIT 5;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_vehicle('tesla', 'model 3', 'red', 32.5, -117,
                                                                    until => '2024-01-01')
    WHERE source = 'acme' LIMIT 5;

-- ---- prepared statements: seven times, the last ones generic ----
PREPARE ask (text, timestamptz, text) AS SELECT captured_at FROM lpr.reads WHERE plate = $1 AND captured_at >= $2
    AND source = $3;
EXPLAIN (COSTS OFF) EXECUTE ask ('P1', '2024-01-01', 'acme');
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE ask ('P1', '2024-01-01', 'acme');
PREPARE search (text, text, timestamptz) AS SELECT captured_at FROM lpr.search_plate($1, $2, $3) WHERE source = 'acme';
EXPLAIN (COSTS OFF) EXECUTE search ('P1', NULL, NULL);
PREPARE many (text[]) AS SELECT captured_at :acme = ANY ($1) ORDER BY captured_at DESC LIMIT 10;
EXPLAIN (COSTS OFF) EXECUTE many ('{P1,P2}');
RESET plan_cache_mode;
EXPLAIN (COSTS OFF) EXECUTE search ('p-1', NULL, NULL);
EXPLAIN (COSTS OFF) EXECUTE search ('p-1', 'CA', '2024-01-01');

-- ---- joins ----
-- By plate: gathered and asked in batches.
EXPLAIN (COSTS OFF) SELECT w.note, r.captured_at FROM wanted AS w JOIN lpr.reads AS r USING (plate);
EXPLAIN (COSTS OFF) SELECT w.note, r.captured_at FROM wanted AS w JOIN acme AS r USING (plate)
    WHERE r.captured_at > now() - interval '1 day' AND r.color = 'RED';
SELECT plan($$SELECT w.note, r.captured_at FROM wanted AS w JOIN acme AS r ON r.plate = lpr.normal_plate(w.plate)
    AND r.captured_at >= w.since$$);
EXPLAIN (COSTS OFF) SELECT captured_at FROM acme WHERE plate IN (SELECT plate FROM wanted WHERE note = 'n');
EXPLAIN (COSTS OFF) SELECT r.captured_at FROM acme AS r JOIN wanted AS w USING (plate) ORDER BY r.captured_at DESC
    LIMIT 10;
-- Columns of a view that is grouped by sets are wrapped from 18 on.
SELECT plan($$SELECT r.plate, r.make, count(*) FROM wanted AS w JOIN acme AS r USING (plate)
    GROUP BY GROUPING SETS ((r.plate), (r.make))$$);
-- A few plates are few questions: row by row where that is as good; outer and anti joins always.
EXPLAIN (COSTS OFF) SELECT w.note, r.captured_at FROM wanted AS w LEFT JOIN acme AS r USING (plate);
EXPLAIN (COSTS OFF) SELECT note FROM wanted AS w WHERE NOT EXISTS (SELECT FROM acme AS r WHERE r.plate = w.plate);
SELECT plan($$SELECT note FROM wanted AS w WHERE EXISTS (SELECT FROM acme AS r WHERE r.plate = w.plate)$$);
SELECT plan($$SELECT note, (SELECT max(captured_at) FROM acme AS r WHERE r.plate = w.plate) FROM wanted AS w$$);
EXPLAIN (COSTS OFF) SELECT note, r.captured_at FROM wanted AS w,
    LATERAL (SELECT captured_at FROM acme AS r WHERE r.plate = w.plate ORDER BY captured_at DESC LIMIT 1) AS r;
EXPLAIN (COSTS OFF) SELECT note, r.captured_at FROM wanted AS w,
    LATERAL lpr.search_plate(w.plate, since => w.since) AS r WHERE r.source = 'acme';
-- Rows that are locked or changed are read again alone when somebody else changed them, which a batch cannot do.
SELECT plan($$SELECT w.note FROM wanted AS w JOIN acme AS r USING (plate) FOR UPDATE OF w$$);
SELECT plan($$UPDATE wanted AS w SET note = 'seen' FROM acme AS r WHERE r.plate = w.plate$$);
-- Address and make are anchors as well, row by row.
SELECT plan($$SELECT w.note FROM wanted AS w JOIN acme AS r ON r.address = w.note AND r.captured_at > w.since$$);
SELECT plan($$SELECT w.note FROM wanted AS w JOIN acme AS r ON r.make = w.note$$);
EXPLAIN (COSTS OFF) SELECT w.note FROM wanted AS w JOIN acme AS r ON lpr.distance_m(r.latitude, r.longitude, 32,
    -117) < length(w.note);
-- With an anchor of their own, each asks for itself.
EXPLAIN (COSTS OFF) SELECT count(*) FROM acme AS a JOIN acme AS b ON a.camera_id = b.camera_id WHERE a.plate = 'P1'
    AND b.plate = 'P2';
EXPLAIN (COSTS OFF) SELECT count(*) FROM acme AS a JOIN acme AS b ON a.plate = b.plate WHERE a.plate = 'P1';
EXPLAIN (COSTS OFF) SELECT count(*) FROM acme AS a JOIN acme AS b ON a.plate = b.plate WHERE a.make = 'TESLA';
-- Values that a subquery yields first.
SELECT plan($$SELECT captured_at FROM acme WHERE plate = (SELECT plate FROM wanted WHERE note = 'x')$$);
SELECT plan($$SELECT captured_at FROM acme WHERE plate = ANY (ARRAY(SELECT plate FROM wanted))$$);
-- Partition by partition.
SET enable_partitionwise_join = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM lpr.reads AS a JOIN lpr.reads AS b USING (source, camera_id)
    WHERE a.plate = 'P1' AND b.plate = 'P2' AND source IN ('acme', 'curbside');
RESET enable_partitionwise_join;
-- Never in parallel.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode'
    ELSE 'debug_parallel_query' END AS force_parallel
\gset
SET :force_parallel = on;
EXPLAIN (COSTS OFF) SELECT count(*) FROM wanted AS w JOIN acme AS r USING (plate);
RESET :force_parallel;

-- EXPLAIN asked nobody, and neither did planning.
SELECT count(*) FROM lpr.last_query();
DROP VIEW acme;
DROP TABLE wanted;
\c - postgres
DROP FUNCTION sent(text, text);
REVOKE CREATE ON SCHEMA public FROM analyst1;
SELECT lpr.remove_source(name) FROM unnest('{dockside,elsewhere,farm}'::text[]) AS name \g /dev/null
