-- search: the functions in front of lpr.reads: what their arguments may be, and when the query around them reaches the
-- vendors (Q2).
\c - analyst1
CALL read_rules();
CALL logon();
\set VERBOSITY default

-- ---- regions: one list for conditions and functions (G1) ----
SELECT region, lpr.normal_region(region)
FROM unnest('{CA,ca,California,new_york,us-tx,BC,Nuevo León,PR,Calif.,MX-BC,D.C.,federal,US,diplomatic,tribal}'::text[])
    AS region;
SELECT lpr.normal_region('ZZ');
\echo :SQLSTATE
SELECT lpr.normal_region('');
SELECT lpr.normal_region(NULL) IS NULL AS nothing;
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123' AND plate_region = 'ZZ';
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_plate('7ABC123', 'ZZ') WHERE source = 'acme';
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_plate('7ABC123', 'ZZ', other_regions => true) WHERE source = 'acme';
\echo :SQLSTATE
SELECT DISTINCT matched_how FROM unnest('{ZZ}'::text[]) AS w (region),
    LATERAL lpr.search_plate('7ABC123', w.region, other_regions => true) AS r WHERE r.source = 'acme';
\echo :SQLSTATE
SET client_min_messages = warning;
SELECT DISTINCT matched_how, plate_region FROM lpr.search_plate('7ABC123', 'california', other_regions => true)
    WHERE source = 'acme' ORDER BY 1;
SELECT DISTINCT matched_how, plate_region FROM lpr.search_plate('7ABC123', 'nevada') WHERE source = 'acme' ORDER BY 1;

-- ---- words: as the columns hold them, whatever the locale ----
SELECT word, lpr.normal_word(word) FROM (VALUES (1, 'toyota '), (2, E'  land\t rover'), (3, 'citroën'), (4, ''),
    (5, 'straße')) AS words (n, word) ORDER BY n;
SELECT count(*) = (SELECT count(*) FROM lpr.search_vehicle('TOYOTA', 'CAMRY', NULL, 32.552, -117.042, 25000,
    until => now(), since => now() - interval '3 days') WHERE source = 'acme') AS same,
       count(*) > 0 AS some
FROM lpr.search_vehicle(' toyota ', E'camry\t', NULL, 32.552, -117.042, 25000, until => now(),
                        since => now() - interval '3 days')
    WHERE source = 'acme';
SELECT color, count(*) > 0 AS some FROM lpr.search_vehicle('toyota', NULL, ' silver ', 32.552, -117.042, 25000,
    since => now() - interval '30 days') WHERE source = 'acme' GROUP BY color;
SELECT count(*) FROM lpr.search_vehicle('citroën', NULL, NULL, 32.552, -117.042,
    since => now() - interval '3 days') WHERE source = 'acme';
SELECT count(*) FROM lpr.search_vehicle(' ') WHERE source = 'acme';
\echo :SQLSTATE
-- A model alone; a vehicle without a place, with half a point, and no vehicle.
SELECT count(*) > 0 AS some, bool_and(model = 'CAMRY') AS right FROM lpr.search_vehicle(model => 'camry',
    latitude => 32.552, longitude => -117.042, radius_m => 25000, since => now() - interval '9 days')
WHERE source = 'acme';
SELECT count(*) FROM lpr.search_vehicle('toyota', 'camry');
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_vehicle(model => 'camry') WHERE source = 'acme';
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_vehicle('toyota', latitude => 32.552);
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_vehicle(latitude => 32.552, longitude => -117.042);
\echo :SQLSTATE
RESET client_min_messages;

-- ---- half a point, though there is an address ----
SELECT lpr.has_point(1, 2), lpr.has_point(NULL, NULL);
SELECT count(*) FROM lpr.search_location(32.55, address => 'camino') WHERE source = 'acme';
\echo :SQLSTATE
SELECT count(*) FROM (SELECT NULL::float8 AS latitude, -117::float8 AS longitude OFFSET 0) AS w,
    LATERAL lpr.search_location(w.latitude, w.longitude, address => 'camino') WHERE source = 'acme';
\echo :SQLSTATE

-- ---- more look-alikes than are asked for: told, once ----
SELECT cardinality(lpr.confusable_plates('8B0B1S2'));
SELECT count(*) FROM lpr.search_plate('8b0b1s2', look_alikes => true) WHERE source IN ('acme', 'birdseye')
    AND captured_at > now() - interval '1 second';
SELECT count(*) FROM (SELECT '8b0b1s2' AS plate OFFSET 0) AS w, LATERAL lpr.search_plate(w.plate, look_alikes => true)
    WHERE source IN ('acme', 'curbside') AND captured_at > now() - interval '1 second';
SELECT count(*) FROM lpr.search_plate('7abc123', look_alikes => true) WHERE source = 'acme'
    AND captured_at > now() - interval '1 second';

-- ---- inlined: what is sent is that of the query around ----
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_plate('7abc123') WHERE source = 'acme'
    AND captured_at > '2025-01-01Z' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_location(32.5, -117) WHERE source = 'acme';
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_vehicle('toyota', NULL, NULL, 32.5, -117)
    WHERE source = 'acme';
EXPLAIN (COSTS OFF) SELECT r.captured_at FROM (SELECT 'BULK2' AS plate OFFSET 0) AS w,
    LATERAL lpr.search_plate(w.plate) AS r WHERE r.source = 'acme';
-- With WHERE and LIMIT inside the subquery in front.
EXPLAIN (COSTS OFF) SELECT r.captured_at FROM (SELECT lpr.normal_plate('bulk2') AS plate LIMIT 1) AS w,
    LATERAL lpr.search_plate(w.plate) AS r WHERE r.source = 'acme' LIMIT 1;
-- Not inlined: a subquery or a volatile function among the arguments, WITH ORDINALITY, outside FROM. PostgreSQL shows a
-- Function Scan.
SELECT plan($$SELECT captured_at FROM lpr.search_plate((SELECT 'BULK2')) WHERE source = 'acme'$$);
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_plate('BULK' || round(random())) WHERE source = 'acme';
EXPLAIN (COSTS OFF) SELECT captured_at FROM lpr.search_plate('BULK2') WITH ORDINALITY WHERE source = 'acme';
EXPLAIN (COSTS OFF) SELECT (lpr.search_plate('BULK2')).captured_at;

-- ---- why a source is not asked: told before anybody is ----
\pset format unaligned
\pset tuples_only on
SELECT plan($$SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND captured_at > '2025-01-01Z'$$);
SELECT plan($$SELECT count(*) FROM lpr.search_location(32.5, -117) WHERE source = 'curbside'$$);
SELECT plan($$SELECT count(*) FROM lpr.search_vehicle('toyota', NULL, NULL, 32.5, -117) WHERE source = 'birdseye'$$);
-- It can be asked: by plate, whatever else; by what a parameter brings; by a join.
EXPLAIN (COSTS OFF) SELECT count(*) FROM lpr.search_plate('BULK2') WHERE source = 'curbside' AND make = 'TOYOTA';
PREPARE either (text, text) AS SELECT count(*) FROM lpr.reads WHERE source = 'curbside' AND ($1 IS NULL OR plate = $1)
    AND ($2 IS NULL OR make = $2);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE either (NULL, 'TOYOTA');
RESET plan_cache_mode;
DEALLOCATE either;
SELECT plan($$SELECT count(*) FROM (VALUES ('BULK1'), ('BULK2')) AS w (plate) JOIN lpr.reads AS r USING (plate)
    WHERE source = 'curbside'$$);
\pset format aligned
\pset tuples_only off

-- ---- sources that do not exist: told, lest silence look like "never seen" ----
SELECT count(*) FROM lpr.reads WHERE source = 'unknown' AND plate = 'BULK2';
SELECT count(*) FROM lpr.reads WHERE source IN ('acme', 'acmee') AND plate = 'BULK2';
SELECT count(*) FROM lpr.search_plate('BULK2') WHERE source = '';
SELECT count(*) FROM lpr.reads WHERE source = repeat('x', 100) AND plate = 'BULK2';
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2' AND false;

-- ---- a sample of what the vendors have ----
SELECT count(*) FROM lpr.reads TABLESAMPLE system (10) WHERE plate = 'BULK20';
\echo :SQLSTATE

-- ---- every number is an event, though not everybody's ----
SELECT event_id, count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2' AND event_id = -1 GROUP BY event_id;
SELECT event_id, count(*) FROM lpr.search_plate('BULK2', event_id => -1) WHERE source = 'acme' GROUP BY event_id;
\echo :SQLSTATE
SELECT event_id, count(*) FROM lpr.search_plate('BULK2', event_id => 987654321) WHERE source = 'acme' GROUP BY event_id;
SELECT count(*), count(event_id) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2';
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2' AND event_id = -1 AND event_id = 3;

-- ---- days and times that no timestamptz reaches: before or after all, as in the server's own comparisons ----
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5' AND captured_at < '5874897-12-31'::date;
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5' AND captured_at >= '5874897-12-31'::date;
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5' AND captured_at < 'infinity'::date
    AND captured_at <= 'infinity'::timestamp;
SET timezone = 'Etc/GMT+12';
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5'
    AND captured_at < '294276-12-31 23:59:59'::timestamp;
SET timezone = 'Etc/GMT-14';
SET client_min_messages = warning;
SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5'
    AND captured_at > '4714-11-24 00:00:00 BC'::timestamp;
RESET timezone;
-- A day is a day of the session.
SELECT (SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2000'
    AND captured_at >= current_date - 100 AND captured_at < current_date - 50)
     = (SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2000'
         AND captured_at >= (current_date - 100)::timestamptz AND captured_at < (current_date - 50)::timestamptz)
         AS same;
RESET client_min_messages;

-- ---- joins by event: reads carry the event that they are asked with ----
\c - postgres
CREATE TABLE watched (event_id int, plate text);
INSERT INTO watched VALUES (1, 'BULK1'), (987654321, 'BULK2'), (2, 'BULK3');
GRANT SELECT ON watched TO analyst1;
\c - analyst1
CALL read_rules();
CALL logon();
-- Whatever the conditions make of its rows, the scan is one that knows plate and event.
SELECT plan($$SELECT r.read_id FROM watched AS w JOIN lpr.reads AS r ON r.plate = w.plate
    JOIN watched AS x ON x.event_id = r.event_id
WHERE x.event_id <> 2 AND r.make = 'FORD' AND r.captured_at < now() AND r.source IN ('acme', 'birdseye')$$);
SELECT w.plate, x.event_id, count(*) FROM watched AS w JOIN lpr.reads AS r ON r.plate = w.plate
    JOIN watched AS x ON x.event_id = r.event_id
WHERE x.event_id <> 2 AND r.color = 'WHITE' AND r.captured_at < now() AND r.source = 'acme' GROUP BY 1, 2 ORDER BY 1, 2;
-- Not even where a nested loop seems to cost too much.
SET enable_nestloop = off;
SELECT count(*) FROM watched AS w JOIN lpr.reads AS r ON r.event_id = w.event_id WHERE r.source = 'acme'
    AND r.plate = 'BULK2' AND w.event_id <> 2;
SELECT w.plate, count(r.read_id) FROM watched AS w LEFT JOIN lpr.reads AS r ON r.plate = w.plate AND r.source = 'acme'
    GROUP BY w.plate ORDER BY w.plate;
SELECT w.plate, count(r.read_id) FROM watched AS w LEFT JOIN lpr.reads AS r ON r.plate = w.plate
    AND r.source IN ('acme', 'birdseye') GROUP BY w.plate ORDER BY w.plate;
RESET enable_nestloop;
-- An event of somebody else's, wherever its number comes from.
SELECT count(*) FROM watched AS w JOIN lpr.reads AS r ON r.event_id = w.event_id WHERE r.source = 'acme'
    AND r.plate = 'BULK2';
\echo :SQLSTATE
-- And where no plan can know the event first, an error and not silence.
SELECT plan($$SELECT count(*) FROM lpr.reads AS r WHERE r.source = 'acme' AND r.plate = 'BULK2'
    AND EXISTS (SELECT FROM watched AS w WHERE w.event_id = r.event_id AND w.plate <= r.plate)$$);
SELECT count(*) FROM lpr.reads AS r WHERE r.source = 'acme' AND r.plate = 'BULK2' AND EXISTS (SELECT FROM watched AS w
    WHERE w.event_id = r.event_id AND w.plate <= r.plate);
\echo :SQLSTATE
\c - postgres
DROP TABLE watched;
