-- query: what comes back, from simulated vendors, in every way in which PostgreSQL can ask.
\getenv vendor_url LPR_VENDOR_URL
\pset null '-'
-- A source that sorts nothing, one that reads slowly in pages of 7, one of each other dialect.
SELECT lpr.add_source('dockside', 'rekor-scout-v2', :'vendor_url' || '/dockside/rekor-scout-v2',
    secret => 'sim-rekor-key', assessment => 'PIA', grant_to => '{lpr_user}'),
       lpr.add_source('pager', 'lpr-v1', :'vendor_url' || '/acme/lpr-v1', secret => 'sim-lpr-token',
           options => '{"page_size": 7}', assessment => 'PIA', grant_to => '{lpr_user}'),
       lpr.add_source('sorter', 'lpr-v1', :'vendor_url' || '/acme/lpr-v1', secret => 'sim-lpr-token',
           options => '{"order": "here"}', assessment => 'PIA', grant_to => '{lpr_user}')
\g /dev/null
GRANT CREATE ON SCHEMA public TO analyst1;
-- Every condition, sent and only checked here.
CREATE FUNCTION same(anchor text, condition text) RETURNS TABLE (rows bigint, missing bigint, surplus bigint)
    LANGUAGE plpgsql
AS $$
DECLARE
    columns text :=
        'source, read_id, plate, plate_as_read, plate_region, captured_at, recent, latitude, longitude, address, '
        'camera_id, camera_owner, make, model, color, confidence';
BEGIN
    RETURN QUERY EXECUTE format(
        'WITH pushed AS MATERIALIZED (SELECT %3$s FROM lpr.reads WHERE %1$s AND (%2$s)),
              here AS MATERIALIZED (SELECT %3$s FROM (SELECT * FROM lpr.reads WHERE %1$s OFFSET 0) AS r WHERE %2$s)
         SELECT (SELECT count(*) FROM pushed),
                (SELECT count(*) FROM (TABLE here EXCEPT ALL TABLE pushed) AS m),
                (SELECT count(*) FROM (TABLE pushed EXCEPT ALL TABLE here) AS s)', anchor, condition, columns);
END
$$;
-- A loop over plates, an error in between, a cursor loop that is left early.
CREATE FUNCTION ask_in_a_loop() RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    n int;
    r record;
    counts int[] = '{}';
BEGIN
    FOR i IN 1 .. 9 LOOP
        BEGIN
            SELECT count(*) INTO n FROM lpr.reads WHERE source = 'acme' AND plate = CASE i WHEN 3
                THEN 'not normal' WHEN 7 THEN '' ELSE 'BULK' || i END;
            counts := counts || n;
        EXCEPTION WHEN OTHERS THEN
            counts := counts || -1;
        END;
    END LOOP;
    RAISE WARNING '%', counts;
    n := 0;
    FOR r IN SELECT plate, captured_at FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK100'
        ORDER BY captured_at LOOP
        n := n + 1;
        EXIT WHEN n = 20;
    END LOOP;
    RAISE WARNING '%', n;
END
$$;
\c - analyst1
CALL read_rules();
CALL logon();
SET client_min_messages = warning; -- the drops of a world of cameras are told below
-- The reads of plate BULK<n> are n, evenly over four years, none abroad; those of 7ABC123 of California are as many in
-- every world. acme, pager and sorter are one and the same vendor.
CREATE VIEW acme AS SELECT * FROM lpr.reads WHERE source = 'acme';
CREATE VIEW acme_images AS SELECT * FROM lpr.images WHERE source = 'acme';

-- ---- by plate ----
SELECT source, count(*), count(DISTINCT read_id) AS ids, bool_and(plate = 'BULK300') AS plate,
    bool_and(country = 'US') AS country,
       count(*) FILTER (WHERE recent) AS recent, bool_and(recent = (captured_at >= now() - interval '30 days'))
           AS thirty_days,
       bool_and(captured_at > now() - interval '4 years 2 days') AS window, bool_and(matched_how = 'exact') AS exact,
       bool_and(fetched_at = date_trunc('minute', fetched_at) AND
                fetched_at BETWEEN date_trunc('minute', now()) AND clock_timestamp()) AS fetched,
       bool_or(from_cache) AS from_cache, count(expires_at) AS expires,
       count(event_id) AS events
FROM lpr.reads WHERE plate = 'BULK300' GROUP BY source ORDER BY source;
-- What a canonical read looks like.
SELECT source, plate, plate_as_read, plate_region, country, camera_id ~ '^(cam)?[0-9]+$' AS camera_id,
    camera_owner IS NOT NULL AS owner, camera_type,
       make, model, color, confidence BETWEEN 0.7 AND 1 AS confidence, latitude BETWEEN 18 AND 72 AS latitude,
           longitude BETWEEN -180 AND -65 AS longitude,
       address IS NOT NULL AS address
FROM lpr.reads WHERE plate = 'BULK1' ORDER BY source;
SELECT source, outcome, sqlstate, message, requests, retries, pages,
       bytes > 0 AS bytes, received, reads, dropped, cardinality(sent) AS sent,
           reference ~ '^[0-9a-f]{32}-[0-9a-f]{32}$' AS reference, milliseconds >= 0 AS ms,
       asked_at BETWEEN now() - interval '10 minutes' AND now() AS asked
FROM lpr.last_query() ORDER BY source;
-- Signed in once, registers kept: the next question costs its pages.
SELECT count(*) FROM lpr.reads WHERE plate = 'BULK120';
SELECT source, outcome, requests, pages, received FROM lpr.last_query() ORDER BY source;
-- A reference of its own to each vendor: they cannot put theirs together.
SELECT count(DISTINCT reference) FROM lpr.last_query();
-- The story: in California, recent first; its namesake of Nevada and its look-alike are others.
SELECT count(*), count(*) FILTER (WHERE recent), bool_and(plate_region = 'CA') AS ca FROM acme WHERE plate = '7ABC123'
    AND plate_region = 'CA';
SELECT matched_how, plate, plate_region, count(*) > 0 AS some
FROM lpr.search_plate('7abc-123', 'CA', look_alikes => true, other_regions => true) WHERE source = 'acme'
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT DISTINCT matched_how, plate, plate_region FROM lpr.search_plate('7abc-123', 'CA', look_alikes => true)
    WHERE source = 'acme' ORDER BY 1, 2;
SELECT DISTINCT matched_how, plate, plate_region FROM lpr.search_plate('7abc-123', 'CA') WHERE source = 'acme';
SELECT DISTINCT matched_how, plate FROM lpr.search_plate('7abc-123', 'CA', look_alikes => true)
    WHERE source = 'curbside' ORDER BY 1, 2;
-- Newest first, so the last 30 days come before all others, over all sources.
SELECT bool_and(captured_at <= earlier) AS newest_first, bool_and(recent <= recent_before) AS recent_first
FROM (SELECT captured_at, recent, lag(captured_at, 1, 'infinity') OVER () AS earlier,
    lag(recent, 1, true) OVER () AS recent_before
      FROM lpr.search_plate('BULK400')) AS r;
SELECT bool_and(captured_at >= earlier) AS oldest_first
FROM (SELECT captured_at, lag(captured_at, 1, '-infinity') OVER () AS earlier
      FROM (SELECT captured_at FROM lpr.reads WHERE plate = 'BULK400' ORDER BY captured_at OFFSET 0) AS r) AS r;
-- Lists: no plate twice, NULL is none.
SELECT plate, count(*) FROM acme WHERE plate = ANY ('{BULK3,BULK2,NULL,BULK3,NOSUCH1}') GROUP BY plate ORDER BY plate;
SELECT plate, source, count(*) FROM lpr.reads WHERE plate IN ('BULK3', 'BULK2') GROUP BY plate, source ORDER BY plate,
    source;
SELECT count(*) FROM acme WHERE plate IN ('BULK3', 'BULK2') AND plate = ANY ('{BULK2,BULK5}');
SELECT count(*) FROM acme WHERE plate IN ('BULK3', 'BULK2') AND plate = ANY ('{BULK5,BULK6}');
SELECT count(*) FROM acme WHERE plate = ANY ('{}');
SELECT count(*) FROM acme WHERE plate = ANY (NULL::text[]);
SELECT count(*) FROM acme WHERE plate = NULL;
SELECT count(DISTINCT plate) FROM acme WHERE plate = ANY (ARRAY(SELECT 'BULK' || i FROM generate_series(1, 1000) AS i))
    AND recent;
SELECT count(*) FROM acme WHERE plate = ANY (ARRAY(SELECT 'BULK' || i FROM generate_series(1, 1001) AS i));
\echo :SQLSTATE

-- ---- by time ----
-- Halves make a whole; bounds are inclusive or not, to the microsecond.
SELECT captured_at AS middle FROM acme WHERE plate = 'BULK101' ORDER BY captured_at OFFSET 50 LIMIT 1 \gset
SELECT (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at < :'middle') AS before,
       (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at <= :'middle') AS until,
       (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at = :'middle') AS at,
       (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at >= :'middle') AS since,
       (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at > :'middle') AS after,
       (SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at BETWEEN :'middle' AND :'middle') AS between,
       (SELECT count(*) FROM lpr.search_plate('BULK101', since => :'middle', until => :'middle')
           WHERE source = 'acme') AS search;
-- Vendors that count in seconds or days agree.
SELECT source, count(*) FROM lpr.reads WHERE plate = 'BULK101' AND captured_at >= :'middle' GROUP BY source
    ORDER BY source;
SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at > 'infinity';
SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at < '-infinity';
SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at < 'infinity';
SELECT count(*) FROM lpr.search_plate('BULK101', since => '2026-01-02', until => '2026-01-01');
PREPARE window_of (timestamptz, timestamptz) AS
    SELECT count(*) FROM acme WHERE plate = 'BULK101' AND captured_at BETWEEN $1 AND $2;
SET plan_cache_mode = force_generic_plan;
EXECUTE window_of ('2026-01-02', '2026-01-01');
SELECT outcome, sqlstate FROM lpr.last_query();
RESET plan_cache_mode;
SELECT count(*) FROM lpr.search_location(32.5, -117.0, 0.5);
SELECT DISTINCT outcome, sqlstate FROM lpr.last_query() ORDER BY 1;
-- A date is a day of the session's zone.
SET timezone = 'Pacific/Kiritimati';
SELECT count(*) = (SELECT count(*) FROM acme WHERE plate = 'BULK2000'
    AND captured_at >= (current_date - 100)::timestamptz AND captured_at < (current_date - 50)::timestamptz) AS same,
       count(*) > 60 AS some
FROM acme WHERE plate = 'BULK2000' AND captured_at >= current_date - 100 AND captured_at < current_date - 50;
RESET timezone;

-- ---- five years (Q6): what is asked beyond is clipped, and told; what comes from beyond is dropped ----
SET client_min_messages = notice;
\set VERBOSITY terse
SELECT count(*) FROM acme WHERE plate = 'BULK5' AND captured_at > now() - interval '6 years';
SELECT count(*) FROM acme WHERE plate = 'BULK5' AND captured_at >= '-infinity';
SELECT count(*) FROM lpr.search_plate('BULK5', since => '2001-01-01') WHERE source = 'acme';
SELECT count(*) FROM acme WHERE plate = 'BULK5' AND captured_at = '2001-01-01';
-- All of it beyond.
SELECT count(*) FROM acme WHERE plate = 'BULK5' AND captured_at < '2001-01-01';
-- Told once a statement; not when nobody asked for more.
SELECT source, count(*) FROM lpr.reads WHERE plate = 'BULK5' AND captured_at > '2001-01-01' GROUP BY source
    ORDER BY source;
SELECT count(*) FROM acme WHERE plate = 'BULK5';
SELECT count(*) FROM acme WHERE plate = 'BULK5' AND captured_at > now() - interval '60 months' + interval '1 day';
-- The world goes back six years, and no read of the sixth is shown, however it is asked for.
SELECT count(*) > 0 AS some, bool_and(captured_at >= now() - interval '5 years 1 day') AS five_years
FROM lpr.reads WHERE plate = '7ABC123' AND plate_region = 'CA' AND source IN ('acme', 'birdseye')
    AND captured_at > '2001-01-01';
SET client_min_messages = warning;
SELECT count(*) > 0 AS some, bool_and(captured_at >= now() - interval '5 years 1 day') AS five_years FROM acme
    WHERE make = 'TESLA' AND model = 'MODEL Y'
    AND lpr.distance_m(latitude, longitude, 32.552, -117.042) <= 25000 AND captured_at < now() - interval '58 months';

SET client_min_messages = notice;

-- ---- the United States (Q4): reads from elsewhere and from nowhere are dropped, counted and told once ----
SELECT count(*) FROM acme WHERE plate = '7ABC123' AND plate_region = 'CA';
SELECT source, received - reads AS dropped, dropped - '{abroad,unknown_place}'::text[] AS others,
    dropped ?& '{abroad,unknown_place}'::text[] AS told FROM lpr.last_query();
SELECT count(*) > 0 AS some, bool_and(country = 'US') AS us, bool_and(latitude > 32.53) AS north FROM acme
    WHERE plate = '7ABC123' AND plate_region = 'CA';
SELECT DISTINCT place_certainty FROM acme WHERE plate = '7ABC123';
-- What a read is not stands in each row, however it was asked for (G3); saved ones have the same words (720_save).
SET client_min_messages = warning;
SELECT DISTINCT caveat FROM lpr.search_plate('7ABC123');
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE caveat LIKE '%not a person%') = count(*) AS told
FROM lpr.search_location(32.5432, -117.0296, 25000) WHERE captured_at > now() - interval '60 days';
SELECT count(*) > 0 AS some, count(*) FILTER (WHERE caveat LIKE '%not a person%') = count(*) AS told
FROM lpr.search_vehicle('HONDA', NULL, NULL, 32.552, -117.042, 25000) WHERE captured_at > now() - interval '60 days';
RESET client_min_messages;
-- Around Tijuana there is nothing for us.
SET client_min_messages = warning;
SELECT count(*) FROM lpr.search_location(32.5149, -117.0282, 1200) WHERE source = 'acme';
SELECT outcome, received > 0 AS received, reads, dropped ? 'abroad' AS abroad FROM lpr.last_query();
-- What a condition leaves out that only lpr checks is counted, too; with images before they are fetched.
SELECT count(*) FROM acme WHERE plate = '7ABC123' AND color = 'NO SUCH';
SELECT reads > 0 AS reads, (dropped -> 'other_condition')::bigint = reads AS counted FROM lpr.last_query();
SELECT count(plate_image) FROM acme_images WHERE plate = '7ABC123' AND color = 'NO SUCH';
SELECT reads > 0 AS reads, (dropped -> 'other_condition')::bigint = reads AS counted FROM lpr.last_query();
SELECT count(*) > 0 AS some FROM acme WHERE plate = '7ABC123';
SELECT dropped ? 'other_condition' AS counted FROM lpr.last_query();

-- ---- by place and by vehicle: all roads lead to the same reads ----
-- One vendor, asked by plate, by place, by address and by make.
SELECT plate AS seen, camera_id AS camera, latitude AS lat, longitude AS lon, address AS street, make, model,
    captured_at AS at
FROM acme WHERE plate = '7ABC123' AND plate_region = 'CA' ORDER BY captured_at DESC LIMIT 1 \gset
SELECT (SELECT count(*) FROM acme WHERE plate = '7ABC123' AND camera_id = :'camera') AS by_plate,
       (SELECT count(*) FROM acme WHERE lpr.distance_m(latitude, longitude, :lat, :lon) <= 1
           AND plate || '' = '7ABC123') AS by_point,
       (SELECT count(*) FROM lpr.search_location(:lat, :lon, 5) WHERE source = 'acme'
           AND plate || '' = '7ABC123') AS by_search,
       (SELECT count(*) FROM acme WHERE address = :'street' AND plate || '' = '7ABC123') AS by_address,
       (SELECT count(*) FROM lpr.search_location(address => upper(:'street')) WHERE source = 'acme'
           AND plate || '' = '7ABC123') AS by_any_case,
       (SELECT count(*) FROM acme WHERE make = :'make' AND model = :'model' AND camera_id = :'camera'
           AND lpr.distance_m(latitude, longitude, :lat, :lon) <= 100 AND plate || '' = '7ABC123') AS by_make \gset n_
SELECT :n_by_plate > 0 AS some, :n_by_plate = :n_by_point AS point, :n_by_plate = :n_by_search AS search,
    :n_by_plate = :n_by_address AS address,
       :n_by_plate = :n_by_any_case AS any_case, :n_by_plate = :n_by_make AS make;
SELECT bool_and(make = 'TOYOTA' AND model = 'CAMRY' AND color = 'SILVER') AS right, count(*) > 100 AS many
FROM lpr.search_vehicle('toyota', 'Camry', 'silver', 32.552, -117.042, 25000) WHERE source = 'acme';
SELECT count(*) > 0 AS some, bool_and(lpr.distance_m(latitude, longitude, 32.552, -117.042) <= 2000) AS near,
    count(DISTINCT camera_id) > 1 AS cameras
FROM lpr.search_location(32.552, -117.042, 2000, since => now() - interval '60 days') WHERE source = 'acme';
-- Address and point at once, vehicle and point, all of them.
SELECT count(*) = :n_by_plate AS same
FROM acme
WHERE lpr.distance_m(latitude, longitude, :lat, :lon) < 100 AND address ILIKE '%' || :'street' || '%' AND make = :'make'
    AND model = :'model' AND camera_id = :'camera'
  AND plate = '7ABC123';
-- Two points: both hold.
SELECT count(*) AS none FROM acme WHERE lpr.distance_m(latitude, longitude, 32.552, -117.042) < 2000
    AND lpr.distance_m(latitude, longitude, 33.4484, -112.074) < 2000;
-- An address too short to be asked for is no obstacle for a plate.
SELECT count(*) > 0 AS some FROM acme WHERE plate = '7ABC123' AND address ILIKE '%CA%';
SELECT count(*) > 0 AS some FROM acme WHERE plate = '7ABC123' AND address ILIKE '%plaza%, CA'
    AND address NOT ILIKE '%zzz%';
-- Who cannot be asked so is passed over, and told.
SET client_min_messages = notice;
SELECT source, count(*) > 0 AS some FROM lpr.search_location(33.4484, -112.074, 3000) GROUP BY source ORDER BY source;
SELECT count(*) FROM lpr.search_vehicle('Ford', 'F-150', NULL, 32.552, -117.042, since => now() - interval '1 second');
SET client_min_messages = warning;

-- ---- the purpose (Q7): the event comes back with each read, as given or as of the session; none is sent ----
SELECT event_id, count(*) FROM acme WHERE plate = 'BULK3' AND event_id = 1 GROUP BY event_id;
SELECT event_id, count(*) FROM lpr.search_plate('BULK3', event_id => 987654321) WHERE source = 'acme' GROUP BY event_id;
SELECT array_to_string(sent, ' ') LIKE '%987654321%' AS sent FROM lpr.last_query();
SELECT event_id, count(*) FROM acme WHERE plate = 'BULK3' GROUP BY event_id;
SELECT count(*) FROM acme WHERE plate = 'BULK3' AND event_id = 1 AND event_id = 13::smallint;
-- What is never true asks nothing, and so is no question without an anchor either.
SET plan_cache_mode = force_generic_plan;
PREPARE of_no_plate(text) AS SELECT count(*) FROM acme WHERE plate = $1 AND address ILIKE '%CA%' AND event_id = 1;
EXECUTE of_no_plate(NULL);
DEALLOCATE of_no_plate;
RESET plan_cache_mode;
SELECT count(*) FROM acme WHERE plate = 'BULK3' AND event_id IS NULL;
-- Somebody else's, and numbers of none.
\set VERBOSITY default
SELECT count(*) FROM acme WHERE plate = 'BULK3' AND event_id = 2;
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_plate('BULK3', event_id => 9223372036854775807) WHERE source = 'acme';
\echo :SQLSTATE
-- None at all.
SELECT lpr.work_on(NULL);
SELECT count(*) FROM acme WHERE plate = 'BULK3';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = 'BULK3' AND event_id = 1;
SELECT lpr.work_on(1);

-- ---- refusals ----
\set VERBOSITY default
SELECT count(*) FROM lpr.reads;
\echo :SQLSTATE
SELECT count(*) FROM lpr.reads WHERE captured_at > now() - interval '1 hour';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE model = 'CAMRY';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate LIKE '7ABC%' AND plate_region = 'CA';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = '7ABC123' OR make = 'TESLA';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = '7abc-123';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate IN ('7ABC123', '7A8C 123');
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = '7ABC123456789012345';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = '7ABC123' AND plate_region = 'California';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE plate = '7ABC123' AND plate_region = 'ca';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE make = 'Tesla';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE make = 'TESLA' AND model = 'MODEL  3';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE make = '';
\echo :SQLSTATE
-- What nobody sees in a question.
SELECT count(*) FROM acme WHERE plate = U&'7ABC\2060123';
\echo :SQLSTATE
SELECT count(*) FROM acme WHERE make = U&'TES\200BLA';
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_location(address => U&'500 Main\202E Street');
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_plate('');
\echo :SQLSTATE
SELECT count(*) FROM lpr.search_plate(NULL);
SELECT count(*) FROM lpr.search_vehicle(NULL);
SELECT count(*) FROM acme WHERE make = 'TESLA' AND make = 'FORD';
INSERT INTO lpr.reads (source, plate) VALUES ('acme', 'X');
UPDATE lpr.reads SET plate = 'X' WHERE plate = 'BULK3';
DELETE FROM lpr.reads WHERE plate = 'BULK3';
-- The connection is as good as before.
SELECT count(*) FROM acme WHERE plate = 'BULK3';

-- ---- what is sent changes nothing but the traffic: each condition, sent and only checked here ----
SELECT n, condition, rows > 0 AS some, missing, surplus
FROM unnest(ARRAY[
    'plate = ''BULK50''', 'plate IN (''BULK50'', ''BULK60'')', 'plate_region = ''CA''', 'plate_region = ''NV''',
        'plate_region = ''CA'' OR plate_region IS NULL',
    'captured_at > now() - interval ''30 days''', 'captured_at < now() - interval ''1 year''',
        'captured_at BETWEEN now() - interval ''2 years'' AND now() - interval ''1 year''',
    'recent', 'NOT recent', 'lpr.distance_m(latitude, longitude, 32.552, -117.042) <= 5000',
        '50000 > lpr.distance_m(latitude, longitude, 32.76, -117.09)',
    'address ILIKE ''%camino%''', 'address ILIKE ''%, CA%''', 'address ILIKE ''%plaza%, CA''', 'address ILIKE ''%ca%''',
        'make = ''TOYOTA''', 'make = ''TOYOTA'' AND model = ''CAMRY''', 'make = ''FORD'' AND recent',
    'confidence > 0.9', 'camera_owner LIKE ''U.S.%''', 'make = ''TOYOTA'' OR plate_region = ''NV''', 'random() >= 0',
        'source <> ''acme'''
    ]) WITH ORDINALITY AS c (condition, n),
    LATERAL same('plate = ANY (''{7ABC123,BULK50,BULK60}'')', condition)
ORDER BY n;
SELECT condition, rows > 0 AS some, missing, surplus
FROM unnest(ARRAY['recent', 'plate_region = ''CA''', 'make = ''TOYOTA''', 'captured_at > now() - interval ''10 days''',
    'plate = ''7ABC123''', 'address ILIKE ''%plaza%''',
                  'lpr.distance_m(latitude, longitude, 32.55, -117.04) < 500']) AS condition,
     LATERAL same('source IN (''acme'', ''dockside'') AND captured_at > now() - interval ''200 days'' '
                  'AND lpr.distance_m(latitude, longitude, 32.552, -117.042) <= 3000', condition);
-- Pages of 7 and a sort of our own, of one and the same vendor.
SELECT (SELECT count(*) FROM (SELECT read_id, captured_at FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK100'
    EXCEPT SELECT read_id, captured_at FROM acme WHERE plate = 'BULK100') AS m) AS pager,
       (SELECT count(*) FROM (SELECT read_id, captured_at FROM acme WHERE plate = 'BULK100' EXCEPT SELECT read_id,
           captured_at FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK100') AS m) AS acme,
       (SELECT array_agg(read_id) FROM (SELECT read_id FROM lpr.reads WHERE source = 'sorter' AND plate = 'BULK100'
           ORDER BY captured_at DESC) AS s)
     = (SELECT array_agg(read_id) FROM (SELECT read_id FROM acme WHERE plate = 'BULK100'
         ORDER BY captured_at DESC) AS a) AS sorted;

-- ---- LIMIT: one small page, and more when it does not do ----
SELECT count(*) FROM (SELECT FROM acme WHERE plate = 'BULK5000' LIMIT 10) AS r;
SELECT outcome, requests, pages, received, sent[1] LIKE '%"page_size":10%' AS small FROM lpr.last_query();
SELECT count(*) FROM (SELECT FROM acme WHERE plate = 'BULK5000' LIMIT 10 OFFSET 3) AS r;
SELECT requests, received FROM lpr.last_query();
SELECT count(*) FROM (SELECT FROM acme WHERE plate = 'BULK50' ORDER BY captured_at DESC FETCH FIRST 10 ROWS WITH TIES)
    AS r;
SELECT count(*) FROM acme WHERE plate = 'BULK5000' LIMIT 10;
SELECT requests, pages FROM lpr.last_query();
SELECT count(*) FROM (SELECT FROM acme WHERE plate = 'BULK5000' AND confidence > 0 LIMIT 10) AS r;
SELECT requests, outcome FROM lpr.last_query();
-- Of the first twenty of the story some are dropped, and it goes on.
SELECT count(*) FROM (SELECT FROM acme WHERE plate = '7ABC123' ORDER BY captured_at LIMIT 110) AS r;
SELECT requests > 1 AS more, outcome FROM lpr.last_query();
-- Nothing wanted, nobody asked.
SELECT count(*) FROM acme WHERE plate = 'BULK6';
SELECT plate FROM acme WHERE plate = 'BULK7' LIMIT 0;
SELECT reads FROM lpr.last_query();
SELECT plate FROM acme WHERE plate = 'BULK7' LIMIT (SELECT 2);
SELECT DISTINCT plate, plate_region FROM acme WHERE plate = 'BULK7';
SELECT DISTINCT ON (plate) plate, recent FROM acme WHERE plate IN ('BULK7', 'BULK8') ORDER BY plate, captured_at DESC;
-- Several vendors: one page of each does, but for those that are sorted here.
SELECT count(*) FROM (SELECT FROM lpr.search_plate('BULK300') LIMIT 25) AS r;
SELECT source, outcome, pages FROM lpr.last_query() ORDER BY source;

-- ---- images: in a table of their own; fetched for the rows shown, when selected ----
SELECT count(*), bool_and(has_images) AS have FROM (SELECT * FROM acme WHERE plate = 'BULK5') AS r;
SELECT requests FROM lpr.last_query();
SELECT vehicle_image FROM lpr.reads WHERE plate = 'BULK5';
SELECT plate, substr(encode(plate_image, 'hex'), 1, 8) AS png, vehicle_image <> plate_image AS two FROM acme_images
    WHERE plate = 'BULK5' ORDER BY captured_at LIMIT 2;
SELECT requests, pages FROM lpr.last_query();
SELECT count(*) FROM (SELECT * FROM acme WHERE plate = 'BULK5') AS r;
SELECT requests FROM lpr.last_query();
SELECT count(plate_image) FROM acme_images WHERE plate = 'BULK20';
SELECT requests FROM lpr.last_query();
SELECT source, count(plate_image) AS plates, count(vehicle_image) AS vehicles FROM lpr.images WHERE plate = 'BULK3'
    GROUP BY source ORDER BY source;
-- A whole row has them too.
SELECT (r).plate_image IS NOT NULL AS image FROM (SELECT r FROM lpr.images AS r WHERE plate = 'BULK1'
    AND source = 'acme') AS r;

-- ---- statements that stay: seven executions ----
PREPARE ask (text) AS SELECT source, count(*) FROM lpr.reads WHERE plate = $1 GROUP BY source ORDER BY source;
EXECUTE ask ('BULK11');
EXECUTE ask ('BULK12');
EXECUTE ask ('BULK13');
EXECUTE ask ('BULK14');
EXECUTE ask ('BULK15');
EXECUTE ask ('BULK16');
EXECUTE ask ('BULK17');
SELECT generic_plans > 0 AS generic FROM pg_prepared_statements WHERE name = 'ask';
PREPARE search (text, text, timestamptz, boolean) AS SELECT count(*)
    FROM lpr.search_plate($1, $2, $3, look_alikes => $4) WHERE source = 'acme';
EXECUTE search ('BULK11', NULL, NULL, false);
EXECUTE search ('BULK12', 'TX', NULL, false);
EXECUTE search ('BULK13', 'CA', NULL, false);
EXECUTE search ('BULK14', NULL, '-infinity', false);
EXECUTE search ('BULK15', NULL, 'infinity', false);
EXECUTE search ('7abc 123', 'CA', NULL, false);
EXECUTE search ('7abc 123', 'CA', NULL, true) \gset alike_
EXECUTE search ('bulk-18', NULL, NULL, true);
SELECT :alike_count > 150 AS more;
EXECUTE search (NULL, NULL, NULL, NULL);
EXECUTE search ('BULK19', 'TX', NULL, NULL);
PREPARE place (float8, float8, float8, text) AS SELECT count(*) > 0 AS some FROM lpr.search_location($1, $2, $3, $4,
    since => now() - interval '90 days') WHERE source = 'acme';
SET plan_cache_mode = force_generic_plan;
EXECUTE place (32.552, -117.042, 2000, NULL);
EXECUTE place (NULL, NULL, NULL, 'Camino de la Plaza');
EXECUTE place (NULL, NULL, NULL, NULL);
EXECUTE place (32.552, -117.042, 0, NULL);
EXECUTE search ('BULK11', NULL, NULL, false);
EXECUTE search ('bulk-12', 'TX', '-infinity', false);
EXECUTE search ('7abc 123', 'CA', NULL, true) \gset generic_
SELECT :generic_count = :alike_count AS same;
RESET plan_cache_mode;
DEALLOCATE ALL;
-- plpgsql.
SELECT ask_in_a_loop();
SELECT outcome, pages BETWEEN 3 AND 15 AS pages FROM lpr.last_query();

-- ---- cursors ----
BEGIN;
DECLARE forward CURSOR FOR SELECT row_number() OVER () AS n, plate FROM lpr.reads WHERE source = 'pager'
    AND plate = 'BULK30';
FETCH 2 FROM forward;
-- Another question meanwhile, even of the same source.
SELECT count(*) FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK40';
FETCH 1 FROM forward;
FETCH BACKWARD 1 FROM forward;
ROLLBACK;
-- Nor is anything kept to be shown again.
BEGIN READ ONLY;
DECLARE back SCROLL CURSOR FOR SELECT row_number() OVER (ORDER BY captured_at) AS n FROM lpr.reads
    WHERE source = 'pager' AND plate = 'BULK30';
\echo :SQLSTATE
ROLLBACK;
-- Nothing is kept behind the transaction.
BEGIN;
DECLARE held SCROLL CURSOR WITH HOLD FOR SELECT row_number() OVER (ORDER BY captured_at) AS n FROM lpr.reads
    WHERE source = 'pager' AND plate = 'BULK30';
\echo :SQLSTATE
ROLLBACK;
-- A batched join and a LIMIT under a cursor.
CREATE TABLE wanted (plate text, note text);
INSERT INTO wanted SELECT 'BULK' || i, 'n' || i % 3 FROM generate_series(1, 12) AS i;
INSERT INTO wanted VALUES ('BULK4', 'twice'), (NULL, 'none'), ('NOSUCH1', 'none');
ANALYZE wanted;
BEGIN;
DECLARE joined CURSOR FOR SELECT w.plate FROM wanted AS w JOIN lpr.reads AS r ON r.plate = w.plate
    AND r.source = 'pager';
MOVE 5 IN joined;
MOVE ALL IN joined;
\echo :ROW_COUNT
COMMIT;
-- Left open when the transaction fails.
BEGIN;
DECLARE open CURSOR FOR SELECT plate FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK100';
FETCH 1 FROM open;
SELECT 1 / 0;
ROLLBACK;

-- ---- subtransactions ----
BEGIN;
SAVEPOINT one;
SELECT count(*) FROM acme WHERE plate = 'BULK9';
DECLARE sub CURSOR FOR SELECT plate FROM lpr.reads WHERE source = 'pager' AND plate = 'BULK20';
FETCH 1 FROM sub;
SELECT count(*) FROM acme WHERE plate = 'bulk';
ROLLBACK TO one;
-- It went with its subtransaction.
FETCH 1 FROM sub;
ROLLBACK TO one;
SELECT count(*) FROM acme WHERE plate = 'BULK9';
SELECT 1 / (count(*) - 9) FROM acme WHERE plate = 'BULK9';
ROLLBACK TO one;
RELEASE one;
SELECT count(*) FROM acme WHERE plate = 'BULK9';
COMMIT;

-- ---- joins ----
-- In batches: every row of ours with every read of its plate, no read of a plate that we have not.
SELECT w.plate, w.note, count(*) FROM wanted AS w JOIN acme AS r USING (plate) GROUP BY w.plate, w.note
    ORDER BY w.plate, w.note;
SELECT outcome, requests, received, reads FROM lpr.last_query();
SELECT w.note, count(*), count(DISTINCT r.source) FROM wanted AS w JOIN lpr.reads AS r USING (plate)
    WHERE w.note <> 'n0' GROUP BY w.note ORDER BY w.note;
SELECT count(*) FROM acme WHERE plate IN (SELECT plate FROM wanted);
SELECT count(*), count(DISTINCT w.plate) FROM (SELECT 'BULK' || i AS plate FROM generate_series(1, 130) AS i) AS w
    JOIN acme AS r USING (plate);
SELECT requests FROM lpr.last_query();
SELECT count(*) FROM wanted AS w JOIN acme AS r ON r.plate = w.plate AND length(w.note) > 2
    AND r.captured_at > now() - interval '5 years' + interval '1 day';
SELECT count(*) FROM wanted AS w JOIN acme AS r USING (plate) WHERE false;
SELECT count(*) FROM (SELECT * FROM wanted WHERE note = 'nobody') AS w JOIN acme AS r USING (plate);
SELECT w.plate FROM wanted AS w JOIN acme AS r USING (plate) LIMIT 0;
SELECT count(*) FROM (SELECT FROM wanted AS w JOIN acme AS r USING (plate) LIMIT 5) AS r;
-- A row of ours that is no plate is an error, not silence.
SELECT count(*) FROM (VALUES ('bulk 3')) AS w (plate) JOIN acme AS r USING (plate);
SELECT count(*) FROM (VALUES ('bulk 3')) AS w (plate) JOIN acme AS r ON r.plate = lpr.normal_plate(w.plate);
-- The same, row by row and by other joins.
SELECT count(*), count(r.plate), count(*) FILTER (WHERE r.plate IS NULL) AS unseen FROM wanted AS w LEFT JOIN acme AS r
    USING (plate);
SELECT note FROM wanted AS w WHERE NOT EXISTS (SELECT FROM acme AS r WHERE r.plate = w.plate);
SELECT count(*) FROM wanted AS w WHERE EXISTS (SELECT FROM acme AS r WHERE r.plate = w.plate AND r.recent);
SELECT w.plate, (SELECT count(*) FROM lpr.reads AS r WHERE r.plate = w.plate AND r.source = 'acme') AS acme,
    (SELECT count(*) FROM lpr.reads AS r WHERE r.plate = w.plate) AS all
FROM wanted AS w WHERE note IN ('n0', 'twice', 'none') ORDER BY w.plate, note;
SELECT w.plate, count(*), bool_and(r.captured_at = newest) AS newest
FROM wanted AS w,
     LATERAL (SELECT captured_at, max(captured_at) OVER () AS newest FROM lpr.search_plate(w.plate)
         WHERE source = 'acme' LIMIT 1) AS r
WHERE note = 'n1' GROUP BY w.plate ORDER BY w.plate;
-- A nested loop whose sources are asked side by side, again for every row.
SELECT i, (SELECT count(*) FROM lpr.reads AS r WHERE r.plate = 'BULK' || i
    AND r.source IN ('acme', 'curbside', 'pager')) FROM generate_series(5, 1, -1) AS i;
SELECT source, reads, requests FROM lpr.last_query() ORDER BY source;
-- Sources that were started for one row, were not wanted then, and come first for the next.
SELECT i, (SELECT r.plate FROM lpr.reads AS r WHERE r.plate = 'BULK' || i AND r.source >= CASE i % 2 WHEN 0
    THEN 'curbside' ELSE 'acme' END AND r.source <= 'curbside' LIMIT 1) AS plate
FROM generate_series(5, 1, -1) AS i;
-- Guards that change from row to row.
SELECT mode, (SELECT count(*) > 0 FROM acme AS r WHERE (mode <> 'plate' OR r.plate = 'BULK3')
    AND (mode <> 'make' OR r.make = 'TESLA') AND (mode <> 'make'
         OR lpr.distance_m(r.latitude, r.longitude, 32.552, -117.042) < 25000)
    AND r.captured_at > now() - interval '5 years' + interval '1 day'
              AND (mode <> 'place' OR lpr.distance_m(r.latitude, r.longitude, 32.552, -117.042) < 300)) AS some
FROM unnest('{plate,make,place,plate}'::text[]) AS mode;
-- A table with itself: twice in a statement.
SELECT count(*) FROM acme AS a JOIN acme AS b ON a.captured_at = b.captured_at AND a.read_id = b.read_id
    WHERE a.plate = 'BULK50' AND b.plate = 'BULK50';
SELECT source, reads FROM lpr.last_query();
SELECT count(*) FROM acme AS a JOIN lpr.reads AS b ON a.read_id = b.read_id AND b.source = 'pager'
    WHERE a.plate = 'BULK50' AND b.plate = a.plate;
SELECT count(*) FROM (SELECT plate FROM lpr.search_plate('BULK5') UNION ALL SELECT plate
    FROM lpr.search_plate('BULK6')) AS u;
SELECT plate, source, count(*) FROM (SELECT * FROM lpr.search_plate('BULK5') WHERE source = 'acme' UNION SELECT *
    FROM lpr.search_plate('BULK6') WHERE source IN ('acme', 'curbside')) AS u GROUP BY plate, source ORDER BY plate,
    source;
SELECT count(*) FROM (SELECT read_id FROM acme WHERE plate = 'BULK7' INTERSECT SELECT read_id FROM lpr.reads
    WHERE source = 'sorter' AND plate = 'BULK7') AS i;
WITH RECURSIVE chain (n) AS (SELECT 3 UNION ALL SELECT n - 1 FROM chain,
    LATERAL (SELECT count(*) AS reads FROM acme WHERE plate = 'BULK' || n) AS r WHERE n > 0 AND reads > 0)
SELECT array_agg(n) FROM chain;
-- Partition by partition: one asks with what its own side yields, while that of another has yet to yield anything.
SET enable_partitionwise_join = on;
SELECT plan($$SELECT source, count(*) FROM lpr.reads AS a JOIN lpr.reads AS b USING (source, make)
    WHERE a.plate = 'BULK2' AND a.recent AND b.recent AND source IN ('acme', 'pager') GROUP BY source
    ORDER BY source$$);
SELECT source, count(*) > 0 AS some FROM lpr.reads AS a JOIN lpr.reads AS b USING (source, make) WHERE a.plate = 'BULK2'
    AND a.recent AND b.recent AND source IN ('acme', 'pager')
    AND lpr.distance_m(b.latitude, b.longitude, 32.552, -117.042) < 25000 GROUP BY source ORDER BY source;
RESET enable_partitionwise_join;
-- Rows of ours are neither changed nor locked by what was seen.
UPDATE wanted AS w SET note = 'seen' FROM acme AS r WHERE r.plate = w.plate AND r.recent
    AND w.plate IN ('BULK1', 'BULK2');
\echo :SQLSTATE
DELETE FROM wanted AS w USING acme AS r WHERE r.plate = w.plate AND w.plate = 'BULK1';
\echo :SQLSTATE
SELECT w.note FROM wanted AS w JOIN acme AS r USING (plate) WHERE w.plate = 'BULK2' AND r.recent FOR UPDATE OF w;
\echo :SQLSTATE

-- ---- not out of the database; views ----
COPY (SELECT plate, source FROM lpr.reads WHERE plate = 'BULK2' AND source IN ('acme', 'curbside') ORDER BY source)
    TO STDOUT;
\echo :SQLSTATE
\copy (SELECT plate, count(*) FROM acme WHERE plate = 'BULK2' GROUP BY plate) TO STDOUT
CREATE VIEW recent_reads WITH (security_barrier) AS SELECT source, plate, captured_at FROM lpr.reads WHERE recent;
SELECT source, count(*) FROM recent_reads WHERE plate = 'BULK1461' GROUP BY source ORDER BY source;
BEGIN READ ONLY;
SELECT count(*) FROM acme WHERE plate = 'BULK6';
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM acme WHERE plate = 'BULK6';
COMMIT;
SELECT plate, captured_at > lag(captured_at) OVER w AS ordered, count(*) OVER () FROM acme WHERE plate = 'BULK4'
    WINDOW w AS (ORDER BY captured_at) ORDER BY captured_at;
SELECT plate, recent, count(*) FROM acme WHERE plate IN ('BULK7', 'BULK1461')
    GROUP BY GROUPING SETS ((plate), (plate, recent)) ORDER BY plate, recent;
SELECT plate_region, min(captured_at) < max(captured_at) AS spread FROM acme WHERE plate = 'BULK9' GROUP BY plate_region
    HAVING count(*) = 9;

-- ---- what happened last belongs to the session, and survives an error ----
SELECT count(*) FROM acme WHERE plate = 'BULK5';
SELECT 1 / 0;
SELECT source, reads FROM lpr.last_query();
SELECT count(*) FROM acme WHERE plate = 'not normal';
SELECT source, outcome FROM lpr.last_query();
\c - analyst1
SELECT count(*) FROM lpr.last_query();

-- ---- changes of a source are seen by the next statement; a plan that stays is made anew ----
CALL read_rules();
CALL logon();
PREPARE ask AS SELECT count(*) FROM lpr.reads WHERE plate = 'BULK30' AND source = 'pager';
EXECUTE ask;
SELECT pages FROM lpr.last_query();
CALL by_administrator($$ALTER SERVER pager OPTIONS (SET page_size '100')$$);
EXECUTE ask;
SELECT pages FROM lpr.last_query();
CALL by_administrator($$ALTER SERVER pager OPTIONS (ADD max_pages '1', SET page_size '10')$$);
EXECUTE ask;
SELECT outcome, sqlstate, pages, reads FROM lpr.last_query();
\set VERBOSITY terse
CALL by_administrator($$ALTER SERVER pager OPTIONS (SET url 'http://127.0.0.1:1', DROP max_pages, ADD retries '0')$$);
EXECUTE ask;
SELECT outcome, sqlstate FROM lpr.last_query();
CALL by_administrator($$ALTER SERVER pager OPTIONS (ADD on_failure 'error')$$);
EXECUTE ask;
\echo :SQLSTATE
DEALLOCATE ask;

-- ---- what nobody can, not even a superuser ----
\c - postgres
\set VERBOSITY default
INSERT INTO lpr.reads (source, read_id, plate, plate_as_read, country, captured_at, recent, latitude, longitude,
    fetched_at, from_cache)
VALUES ('acme', '1', 'X', 'X', 'US', now(), true, 0, 0, now(), false);
UPDATE lpr.reads SET plate = 'X' WHERE plate = 'BULK3' AND source = 'acme';
DELETE FROM lpr.reads WHERE plate = 'BULK3' AND source = 'acme';
ANALYZE lpr_data.reads_acme;
SELECT plate FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme' FOR UPDATE;
-- A lock of reads locks nothing.
GRANT UPDATE ON lpr.reads TO analyst1;
\c - analyst1
CALL read_rules();
CALL logon();
SELECT plate FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme' FOR UPDATE;
\c - postgres
REVOKE UPDATE ON lpr.reads FROM analyst1;

DROP TABLE wanted;
DROP VIEW recent_reads, acme;
DROP FUNCTION same(text, text), ask_in_a_loop();
REVOKE CREATE ON SCHEMA public FROM analyst1;
SELECT lpr.remove_source(name) FROM unnest('{dockside,pager,sorter}'::text[]) AS name \g /dev/null
