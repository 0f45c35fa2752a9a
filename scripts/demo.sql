-- demo.sql: the story of an analyst, as psql shows it. At most 100 columns wide. Run by scripts/demo as analyst1.
\set ON_ERROR_STOP on
\pset border 1
\pset footer off
\pset null '-'
\pset format aligned
\pset linestyle unicode
SET timezone = 'America/Chicago';
SET datestyle = 'ISO, MDY';

\echo
\echo '════════════════════════════════════════════════════════════════════════════════════════════════════'
\echo ' An analyst, a plate, three vendors'
\echo '════════════════════════════════════════════════════════════════════════════════════════════════════'
\echo
\echo 'analyst1 has logged in with psql and holds lpr_user. These vendors may be asked, and by what:'
\echo
\echo '=> SELECT source, dialect, plate, location, vehicle, granted, assessment FROM lpr.sources;'
SELECT source, dialect, plate, location, vehicle, granted, assessment FROM lpr.sources ORDER BY source;

\echo 'They speak different protocols, log in differently, page differently. The analyst writes one SELECT,'
\echo 'with the plate as it stands in the report; the newest reads come first:'
\echo
\echo '=> SELECT captured_at, recent, source, plate, matched_how, address, confidence'
\echo '   FROM lpr.search_plate(''7ABC-123'', ''CA'') LIMIT 12;'
SELECT to_char(captured_at, 'YYYY-MM-DD HH24:MI TZ') AS captured_at,
       CASE WHEN recent THEN 'yes' ELSE 'no' END AS recent,
       source,
       plate,
       matched_how,
       left(address, 22) AS address,
       round(confidence::numeric, 2) AS conf
FROM lpr.search_plate('7ABC-123', 'CA')
LIMIT 12;

\echo 'curbside does not tell the state of a plate: matched_how says so, the analyst has to look closer. And'
\echo 'all reads of five years, counted, the last 30 days before the older ones. A notice tells what the'
\echo 'vendors gave and nobody may see:'
\echo
\echo '=> SELECT recent, source, matched_how, count(*), min(captured_at), max(captured_at)'
\echo '   FROM lpr.search_plate(''7ABC-123'', ''CA'', other_regions => true) GROUP BY 1, 2, 3;'
SELECT CASE WHEN recent THEN 'last 30 days' ELSE 'older' END AS "when",
       source,
       matched_how,
       count(*) AS reads,
       min(captured_at)::date AS oldest,
       max(captured_at)::date AS newest
FROM lpr.search_plate('7ABC-123', 'CA', other_regions => true)
GROUP BY recent, source, matched_how
ORDER BY recent DESC, source, matched_how;

\echo 'What was sent for that, to whom, and what came of it? All vendors were asked at once.'
\echo
\echo '=> SELECT … FROM lpr.last_query();'
SELECT source, outcome, requests, pages, bytes, reads, round(milliseconds::numeric, 1) AS ms, dropped
FROM lpr.last_query()
ORDER BY source;
SELECT count(*) = 3 AND bool_and(outcome = 'complete' AND reads > 0) AS all_answered FROM lpr.last_query() \gset
\if :all_answered
\else
    \warn 'demo: not every vendor answered'
    SELECT 1 / 0 AS the_demo_fails;
\endif
\echo 'The questions themselves, as they left this machine (the first one to each, its login left out):'
\pset tuples_only on
\pset format wrapped
\pset columns 98
SELECT source, sent[1] FROM lpr.last_query() ORDER BY source;
\pset format aligned
\pset tuples_only off

\echo 'EXPLAIN asks nobody. It tells beforehand what each vendor would be asked, and what is checked here:'
\echo
\echo '=> EXPLAIN (COSTS off) SELECT captured_at, address FROM lpr.search_plate(''7ABC-123'', ''CA'')'
\echo '   WHERE confidence > 0.9 AND captured_at > now() - interval ''30 days'';'
\pset tuples_only on
\pset format unaligned
EXPLAIN (COSTS off)
SELECT captured_at, address FROM lpr.search_plate('7ABC-123', 'CA')
WHERE confidence > 0.9 AND captured_at > now() - interval '30 days';
\pset tuples_only off
\pset format aligned

\echo
\echo 'A question needs an anchor: a plate, a place or a vehicle. A fishing trip is refused:'
\echo
\echo '=> SELECT * FROM lpr.reads WHERE captured_at > now() - interval ''1 hour'';'
\set ON_ERROR_STOP off
SELECT * FROM lpr.reads WHERE captured_at > now() - interval '1 hour';
\set ON_ERROR_STOP on
SELECT :'LAST_ERROR_SQLSTATE' = 'LP001' AS refused \gset
\if :refused
\else
    \warn 'demo: that should have been refused with LP001'
    SELECT 1 / 0 AS the_demo_fails;
\endif

\echo
\echo 'That was the demo. To look around by yourself: eval "$(make sandbox)", then psql -U analyst1'
