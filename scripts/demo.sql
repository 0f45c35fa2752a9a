-- demo.sql: the story of an analyst, as psql shows it. At most 100 columns wide. Run by scripts/demo as analyst1.
\set ON_ERROR_STOP on
\pset border 1
\pset footer off
\pset null '-'
\pset format aligned
\pset linestyle unicode
\set look 'SET timezone = ''America/Chicago''; SET datestyle = ''ISO, MDY'''

\echo
\echo '════════════════════════════════════════════════════════════════════════════════════════════════════'
\echo ' An analyst, a plate, three vendors'
\echo '════════════════════════════════════════════════════════════════════════════════════════════════════'
\echo
\echo 'newcomer1 has a login and role lpr_user, which opens nothing. She asks for access, and says why:'
\echo
\c - newcomer1
\echo '=> SELECT lpr.request_access(''{ATS}'', ''{acme,birdseye}'', ''{plate}'','
\echo '       ''Joins the smuggling team at Otay Mesa and looks up where suspect vehicles were seen.'');'
SELECT lpr.request_access('{ATS}', '{acme,birdseye}', '{plate}',
    'Joins the smuggling team at Otay Mesa and looks up where suspect vehicles were seen.') AS request
\gset
\echo 'Nobody is approved untrained. A training officer records the six courses, with what shows each:'
\echo
\c - trainer1
\echo '=> SELECT count(lpr.record_training(''newcomer1'', course, current_date, ''certificate of '' || course))'
\echo '   FROM lpr.training WHERE login = ''newcomer1'' AND required AND NOT current;'
SELECT count(lpr.record_training('newcomer1', course, current_date, 'certificate of ' || course))
FROM lpr.training WHERE login = 'newcomer1' AND required AND NOT current;
\echo 'Then her own supervisor approves, and a system owner, who is somebody else:'
\echo
\c - supervisor1
\echo '=> SELECT lpr.approve(':request', ''Started on my team this week and works on exactly these vehicles.'');'
SELECT lpr.approve(:request, 'Started on my team this week and works on exactly these vehicles.');
\c - owner1
\echo '=> SELECT lpr.approve(':request', ''The need is shown, the sources and the mode fit the work.'');'
SELECT lpr.approve(:request, 'The need is shown, the sources and the mode fit the work.');
\echo 'Each step was mailed to whom it concerns, in the transaction that took it:'
\echo
\c - admin1
\echo '=> SELECT login, kind, subject FROM lpr.mail WHERE key ~ ''^[a-z]+:':request'\\M'' ORDER BY mail_id;'
SELECT login, kind, subject FROM lpr.mail WHERE key ~ ('^[a-z]+:' || :request || '\M') ORDER BY mail_id;

\echo 'analyst1 came the same way, is trained, and has an event: the matter that is asked for. Still, a new'
\echo 'session asks nothing before its user has agreed to the rules of use:'
\echo
\c - analyst1
:look;
\echo '=> SELECT count(*) FROM lpr.search_plate(''7ABC-123'', ''CA'');'
\set ON_ERROR_STOP off
SELECT count(*) FROM lpr.search_plate('7ABC-123', 'CA');
\set ON_ERROR_STOP on
SELECT :'LAST_ERROR_SQLSTATE' = 'LP028' AS refused \gset
\if :refused
\else
    \warn 'demo: that should have been refused with LP028'
    SELECT 1 / 0 AS the_demo_fails;
\endif
\echo
\echo '=> SELECT code, text FROM lpr.rules();'
SELECT code, text FROM lpr.rules() \gset
\pset tuples_only on
\pset format wrapped
\pset columns 98
SELECT :'code' AS code, left(:'text', strpos(:'text', '1. Perm') - 3) || E'\n\n[… six rules …]\n\n' || substring(:'text'
    FROM 'By accepting.*') AS text;
\pset format aligned
\pset tuples_only off
\echo '=> SELECT lpr.accept_rules(':'code'');'
SELECT lpr.accept_rules(:'code');
\echo '=> SELECT event, title, purpose, authority, matter_reference, ends_at::date FROM lpr.events;'
SELECT event, title, purpose, authority, matter_reference, ends_at::date FROM lpr.events;
\echo '=> SELECT lpr.work_on(1);'
SELECT lpr.work_on(1);
\echo 'These vendors may be asked, and by what:'
\echo
\echo '=> SELECT source, dialect, plate, location, vehicle, granted, assessment FROM lpr.sources;'
SELECT source, dialect, plate, location, vehicle, granted, assessment FROM lpr.sources;

\echo 'They speak different protocols, log in differently, page differently. The analyst writes one SELECT,'
\echo 'with the plate as it stands in the report; the newest reads come first:'
\echo
\echo '=> SELECT captured_at::timestamptz(0), recent, source, matched_how, left(address, 22) AS address,'
\echo '          confidence'
\echo '   FROM lpr.search_plate(''7ABC-123'', ''CA'') LIMIT 12;'
SELECT captured_at::timestamptz(0), recent, source, matched_how, left(address, 22) AS address, confidence
FROM lpr.search_plate('7ABC-123', 'CA') LIMIT 12;

\echo 'curbside does not tell the state of a plate: matched_how says so, the analyst has to look closer.'
\echo 'And all reads of five years, counted, those of the last 30 days (recent) before the older ones. A'
\echo 'notice tells what the vendors gave and nobody may see:'
\echo
\echo '=> SELECT recent, source, matched_how, count(*),'
\echo '          min(captured_at)::date AS oldest, max(captured_at)::date AS newest'
\echo '   FROM lpr.search_plate(''7ABC-123'', ''CA'', other_regions => true)'
\echo '   GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3;'
SELECT recent, source, matched_how, count(*), min(captured_at)::date AS oldest, max(captured_at)::date AS newest
FROM lpr.search_plate('7ABC-123', 'CA', other_regions => true)
GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3;

\echo 'What was sent for that, to whom, and what came of it? All vendors were asked at once.'
\echo
\echo '=> SELECT source, outcome, requests, pages, bytes, reads, round(milliseconds) AS ms, dropped'
\echo '   FROM lpr.last_query();'
SELECT source, outcome, requests, pages, bytes, reads, round(milliseconds) AS ms, dropped FROM lpr.last_query();
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
SELECT source, sent[1] FROM lpr.last_query();
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
\echo 'Nobody is looked up without a predicate: what is asked is a target of the event, with its evidence. The'
\echo 'hint holds the call that says so:'
\echo
\echo '=> SELECT count(*) FROM lpr.search_plate(''8XYZ-890'') WHERE source = ''acme'';'
\set ON_ERROR_STOP off
SELECT count(*) FROM lpr.search_plate('8XYZ-890') WHERE source = 'acme';
\set ON_ERROR_STOP on
SELECT :'LAST_ERROR_SQLSTATE' = 'LP047' AS refused \gset
\if :refused
\else
    \warn 'demo: that should have been refused with LP047'
    SELECT 1 / 0 AS the_demo_fails;
\endif

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
\echo 'A display watches while nobody looks, so it takes an access of its own, approved by the same two:'
\echo
\echo '=> SELECT lpr.request_access(''{ATS}'', ''{acme}'', ''{display}'','
\echo '       ''The sedan has to be noticed as it comes back to the crossing, at whatever hour.'');'
SELECT lpr.request_access('{ATS}', '{acme}', '{display}',
    'The sedan has to be noticed as it comes back to the crossing, at whatever hour.') AS request
\gset
\c - supervisor1
SELECT lpr.approve(:request, 'Leads the stop of this sedan and has to hear of it within seconds.') \g /dev/null
\c - owner1
SELECT lpr.approve(:request, 'The need is shown, and one vendor at the crossing fits the work.') \g /dev/null
\c - analyst1
:look;
SELECT code FROM lpr.rules() \gset
SELECT lpr.accept_rules(:'code'), lpr.work_on(1) \g /dev/null
\echo '=> SELECT display, left(notice, 67) || '' ...'' AS notice FROM lpr.create_display(1,'
\echo '       ''The silver sedan'', ''It is to be stopped at the crossing before the load changes cars.'');'
SELECT display, left(notice, 67) || ' ...' AS notice FROM lpr.create_display(1,
    'The silver sedan', 'It is to be stopped at the crossing before the load changes cars.');
\echo 'That notice is confirmed in a statement of its own; then a target of the event is watched:'
\echo
\echo '=> SELECT lpr.confirm_display(1);'
SELECT lpr.confirm_display(1) \g /dev/null
\echo '=> SELECT lpr.watch(1, plate => ''7ABC-123'', until => now() + interval ''30 days'','
\echo '       reason => ''It crossed right before each of the three seizures and will again.'');'
SET client_min_messages = error; -- which other plates readers take it for
SELECT lpr.watch(1, plate => '7ABC-123', until => now() + interval '30 days',
                 reason => 'It crossed right before each of the three seizures and will again.');
RESET client_min_messages;
\echo 'The vendor is asked every few seconds what it has received. Now a camera sees the sedan:'
\echo
\! timeout 60 bash -c "$await" "SELECT asked_at IS NOT NULL FROM lpr.watching WHERE source = 'acme'"
\! curl -so/dev/null -d '{"vendor": "acme", "plate": "7ABC123", "camera": "cam0356"}' "$LPR_VENDOR_URL/control/uploads"
\! timeout 60 bash -c "$await" "SELECT count(*) = 1 FROM lpr.my_hits"
\echo '=> SELECT hit, display, source, seen_at - captured_at < interval ''30 seconds'' AS fresh, state, call'
\echo '   FROM lpr.my_hits;'
SELECT hit, display, source, seen_at - captured_at < interval '30 seconds' AS fresh, state, call FROM lpr.my_hits;
\echo 'A hit is a pointer. The read is shown through the gate, as any other, with what it is not:'
\echo
\echo '=> SELECT hit_id AS hit, plate, left(address, 22) AS address, conflicts, port, left(caveat, 40) AS caveat'
\echo '   FROM lpr.display_hits(1);'
SELECT hit_id AS hit, plate, left(address, 22) AS address, conflicts, port, left(caveat, 40) AS caveat
FROM lpr.display_hits(1);
SELECT count(*) = 1 AS hit FROM lpr.display_hits(1) \gset
\if :hit
\else
    \warn 'demo: the display found nothing'
    SELECT 1 / 0 AS the_demo_fails;
\endif
\echo '=> SELECT lpr.acknowledge_hit(1, ''correct_read'', ''The patrol at the plaza saw the sedan and its plate.'');'
SELECT lpr.acknowledge_hit(1, 'correct_read', 'The patrol at the plaza saw the sedan and its plate.') \g /dev/null
\echo 'What is watched ends with the matter:'
\echo
\echo '=> SELECT lpr.close_event(1, ''The sedan was stopped at the plaza, and the load was seized.'');'
SELECT lpr.close_event(1, 'The sedan was stopped at the plaza, and the load was seized.') \g /dev/null
\echo '=> SELECT display, state, active, ended FROM lpr.displays;'
SELECT display, state, active, ended FROM lpr.displays;

\echo
\echo 'Questions and refusals were on disk before anybody was asked, whatever the analyst does next.'
\echo 'oversight1 looks at the log, which is a record of it again:'
\echo
\c - oversight1
\pset null '-'
SELECT code FROM lpr.rules() \gset
\echo '=> SELECT lpr.accept_rules(':'code'');   -- as everybody before anything is shown'
SELECT lpr.accept_rules(:'code');
\echo '=> SELECT number, kind, login, source, payload->''plates'' AS plates, payload->>''reads'' AS reads, ask,'
\echo '          sqlstate FROM lpr.audit() WHERE kind IN (''ask'', ''answer'', ''refused'')'
\echo '   AND coalesce(mode, '''') NOT IN (''display'', ''saved'') ORDER BY number DESC LIMIT 7;'
SELECT number, kind, login, source, payload->'plates' AS plates, payload->>'reads' AS reads, ask, sqlstate
FROM lpr.audit() WHERE kind IN ('ask', 'answer', 'refused')
AND coalesce(mode, '') NOT IN ('display', 'saved') ORDER BY number DESC LIMIT 7;
\echo '=> SELECT * FROM lpr.verify_audit();'
SELECT * FROM lpr.verify_audit();
SELECT bool_and(ok) AS honest FROM lpr.verify_audit() \gset
\if :honest
\else
    \warn 'demo: the audit log does not verify'
    SELECT 1 / 0 AS the_demo_fails;
\endif

\echo 'That was the demo. To look around by yourself: eval "$(make sandbox)", then psql -U analyst1'
