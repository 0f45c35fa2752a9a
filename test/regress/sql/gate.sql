-- gate: each rule of the gate refuses, with its control, SQLSTATE and message, a question that nothing else is wrong
-- with: without the rule it is let through. A rule that is new, or says something else, is told at the end. All is
-- decided at one moment: tomorrow at noon (UTC), when what the analysts came by today still holds.
\getenv abs_srcdir PG_ABS_SRCDIR
\set rows :abs_srcdir '/rows.sql'
BEGIN;
\i :rows
SELECT pg_temp.add_world() \g /dev/null
SET LOCAL timezone = 'UTC';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL jit = off; -- as the audit writer has it: compiling would take 10 seconds a question
-- How much was asked is known to the audit writer only.
CREATE OR REPLACE FUNCTION lpr_data.used(scope text, what text, login oid, event_id bigint) RETURNS bigint
    LANGUAGE sql VOLATILE RETURN 5;
CREATE OR REPLACE FUNCTION lpr_data.used_until(scope text, what text, login oid, event_id bigint, most bigint)
    RETURNS timestamptz LANGUAGE sql VOLATILE RETURN NULL::timestamptz;
UPDATE lpr_data.search_limit SET radius_m = 1000, address_length = 5, span = '1 day';
UPDATE lpr_data.rate_limit SET questions = 5, plates = 6;
INSERT INTO lpr_data.client_network (network, kind)
VALUES ('127.0.0.1/32', 'direct'), ('127.0.0.2/32', 'pooler'), ('127.0.0.3/32', 'none');

-- changes: what is done before; other: what is asked otherwise, times by how far they are from the moment; later: how
-- much; let: what refuses without the rule, where none can fail alone.
CREATE TEMP TABLE attempt (control text, code text, message text, other jsonb DEFAULT '{}', changes text DEFAULT '',
                           later interval DEFAULT '0', let text DEFAULT 'let through');
INSERT INTO attempt (control, code, message, other) VALUES
    ('A1', 'LP021', 'the session''s user is not the login that connected', '{"same_user": false}'),
    ('A1', 'LP021', 'the session''s user is not the login that connected', '{"same_user": null}'),
    ('A6', 'LP023', 'the connection is not encrypted', '{"remote": true, "address": "127.0.0.1"}'),
    ('A6', 'LP037', 'you are connected from a network that is not the agency''s',
        '{"remote": true, "address": "127.0.0.9", "encrypted": true, "passing": true}'),
    ('A6', 'LP037', 'you are connected from a network that is not the agency''s',
        '{"remote": true, "address": "127.0.0.3", "encrypted": true, "passing": true}'),
    ('A5', 'LP029', 'no person is connected who could agree to the rules', '{"client": false}'),
    ('A5', 'LP028', 'you have not agreed to the rules in this session', '{"agreed": 0}'),
    ('A5', 'LP028', 'you have not agreed to the rules in this session', '{"agreed": null}'),
    ('A5', 'LP028', 'you have not agreed to the rules in this session', '{"agreed_at": "-12 hours -1 second"}'),
    ('A5', 'LP028', 'behind a pooler what was agreed to holds for one transaction',
        '{"remote": true, "address": "127.0.0.2", "encrypted": true}'),
    ('A5', 'LP028', 'you were away for some time', '{"away_s": 3601}'),
    ('Q6', 'LP006', 'the question reaches back more than five years', '{"since": "-5 years -2 minutes"}'),
    ('Q6', 'LP006', 'the question reaches back more than five years', '{"since": "0", "until": "-1 second"}'),
    ('Q8', 'LP044', 'the question covers too large an area', '{"mode": "location", "radius_m": 1001}'),
    ('Q8', 'LP044', 'the question covers too large an area',
        '{"mode": "location", "radius_m": 1001, "address_length": 9}'),
    ('Q8', 'LP044', 'the question covers too large an area', '{"mode": "location", "address_length": 4}'),
    ('Q8', 'LP044', 'the question covers too large an area', '{"mode": "vehicle", "radius_m": 1001}'),
    ('Q8', 'LP045', 'the question covers too long a time',
        '{"mode": "location", "radius_m": 1000, "since": "-24 hours -11 minutes"}');
INSERT INTO attempt (control, code, message, other, let) VALUES
    ('Q2', 'LP001', 'the question about a vehicle names no place', '{"mode": "vehicle", "address_length": 9}', 'LP044'),
    ('Q2', 'LP001', 'the question has no anchor', '{"mode": null}', 'LP025'),
    ('Q2', 'LP001', 'the question has no anchor', '{"mode": "face"}', 'LP025'),
    ('Q7', 'LP040', 'the question names no event', '{"event_id": null}', 'LP041'),
    ('Q7', 'LP041', 'event 2 does not exist or is not yours', '{"event_id": 2}', 'LP042');
INSERT INTO attempt (control, code, message, changes, let) VALUES
    ('A1', 'LP024', 'login analyst1 is not one person''s own',
        'UPDATE lpr_data.person SET login = ''somebody'' WHERE login = ''analyst1''', 'LP036'),
    ('A1', 'LP022', 'login analyst1 may not ask', 'ALTER ROLE analyst1 SUPERUSER', 'LP038');
INSERT INTO attempt (control, code, message, changes) VALUES
    ('A1', 'LP022', 'login analyst1 may not ask',
        'REVOKE lpr_user FROM analyst1; GRANT USAGE ON FOREIGN SERVER acme TO analyst1'),
    ('A8', 'LP038', 'login analyst1 is a member of a role that is apart from lpr_user',
        'GRANT lpr_admin TO analyst1'),
    ('A8', 'LP036', 'no personnel number of login analyst1 is on record',
        'UPDATE lpr_data.person SET personnel_hash = NULL WHERE login = ''analyst1'''),
    ('A1', 'LP024', 'login analyst1 is not one person''s own', 'GRANT analyst1 TO newcomer1'),
    ('A1', 'LP024', 'login analyst1 is not one person''s own',
        'UPDATE lpr_data.person SET kind = ''service'' WHERE login = ''analyst1'''),
    ('A1', 'LP024', 'login analyst1 is not one person''s own',
        'UPDATE lpr_data.person SET left_at = now() WHERE login = ''analyst1'''),
    ('Q7', 'LP042', 'event 1 is not open',
        'UPDATE lpr_data.event SET closed_at = now(), outcome = ''found'' WHERE event_id = 1'),
    ('Q7', 'LP042', 'event 1 is not open', 'UPDATE lpr_data.event SET waits_since = now() WHERE event_id = 1'),
    ('A3', 'LP026', 'your training is not current',
        'INSERT INTO lpr_data.course (code, title) VALUES (''more'', ''More'')'),
    ('A3', 'LP026', 'your training is not current', 'ALTER TABLE lpr_data.course DROP CONSTRAINT demanded_is_required; '
        'UPDATE lpr_data.course SET required = false WHERE code = ''privacy'''),
    ('A3', 'LP026', 'your training is not current', 'ALTER TABLE lpr_data.training DISABLE TRIGGER refuse_rewrite; '
        'DELETE FROM lpr_data.training WHERE person_id = (SELECT p.person_id FROM lpr_data.person AS p '
                                                         'WHERE p.login = ''analyst1'') AND course = ''privacy'''),
    ('A3', 'LP026', 'your training is not current', 'ALTER TABLE lpr_data.training DISABLE TRIGGER refuse_rewrite; '
        'UPDATE lpr_data.training SET recorded_at = now() + interval ''9 days'' WHERE course = ''privacy'''),
    ('A4', 'LP027', 'your access has not been recertified',
        pg_temp.adds('recertification', '{"person_id": "@analyst1"}')),
    ('A4', 'LP027', 'your access has not been recertified',
        pg_temp.adds('recertification', '{"person_id": "@analyst1"}') || '; '
        || pg_temp.adds('recertification', jsonb_build_object('person_id', '@analyst1', 'at', now() + interval '9 days',
                                                              'valid_until', now() + interval '99 days'))),
    ('Q10', 'LP003', 'source "acme" is not enabled',
        'UPDATE lpr_data.source SET enabled = false WHERE name = ''acme'''),
    ('Q10', 'LP003', 'source "acme" is not enabled',
        'UPDATE lpr_data.source SET approved_on = lpr_data.utc_today() + 2 WHERE name = ''acme'''),
    ('Q10', 'LP003', 'the privacy assessment of source "acme" is not published',
        'UPDATE lpr_data.source SET published_on = lpr_data.utc_today() + 2 WHERE name = ''acme'''),
    ('Q10', 'LP003', 'the privacy assessment of source "acme" is not published',
        'ALTER TABLE lpr_data.source DROP CONSTRAINT published_on_a_day; '
        'UPDATE lpr_data.source SET published_on = NULL WHERE name = ''acme'''),
    ('Q10', 'LP004', 'source "acme" is not granted to you', 'REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user'),
    ('Q8', 'LP046', 'too many plates were asked',
        'UPDATE lpr_data.rate_limit SET questions = 4 WHERE name = ''event_day'''),
    ('Q8', 'LP046', 'too many plates were asked', 'ALTER TABLE lpr_data.rate_limit DISABLE TRIGGER widened_by_two; '
        'DELETE FROM lpr_data.rate_limit WHERE name = ''person_day''');
INSERT INTO attempt (control, code, message, later, let) VALUES
    ('Q7', 'LP042', 'event 1 is not open', '200 days', 'let through'),
    ('Q7', 'LP042', 'event 1 is not open', '-2 days', 'LP025');
-- Away since yesterday.
INSERT INTO attempt (control, code, message, other, later, let) VALUES
    ('A5', 'LP028', 'you have not agreed to the rules in this session', '{"agreed_at": "-2 hours", "away_s": 3601}',
        '-11 hours', 'LP028');
INSERT INTO attempt (control, code, message, changes)
SELECT 'A7', 'LP025', 'you have no access to source "acme" by plate for system ATS',
       'ALTER TABLE lpr_data.access DISABLE TRIGGER refuse_rewrite, DISABLE TRIGGER moves; '
       'UPDATE lpr_data.access SET ' || change || ' WHERE granted_at IS NOT NULL'
FROM unnest(ARRAY['sources = ''{birdseye}''', 'modes = ''{location}''', 'systems = ''{AFI}''',
                  'state = ''suspended''', 'granted_at = now() + interval ''3 days''',
                  'ends_at = now() + interval ''1 minute''']) AS change;
SELECT date_trunc('day', now()) + interval '1 day 12 hours' AS noon \gset
-- The two approvals, by two others; another person's do not count.
INSERT INTO attempt (control, code, message, changes)
SELECT 'A7', 'LP025', 'you have no access to source "acme" by plate for system ATS',
       'ALTER TABLE lpr_data.access_step DISABLE TRIGGER refuse_rewrite; '
       'DROP INDEX lpr_data.access_step_different_people, lpr_data.access_step_once; ' || c.change
       || ' access_id IN (SELECT a.access_id FROM lpr_data.access AS a WHERE a.person_id = ' || p.person_id || ')'
FROM lpr_data.person AS p
CROSS JOIN LATERAL (
    SELECT 'DELETE FROM lpr_data.access_step WHERE' AS change
    UNION ALL
    SELECT format('UPDATE lpr_data.access_step SET %s WHERE step = %L AND', x.change, s.step)
    FROM unnest('{supervisor,system_owner}'::text[], '{owner1,supervisor1}'::text[]) AS s (step, other)
    CROSS JOIN LATERAL unnest(ARRAY['action = ''deny''', 'step = ''requester''', 'person_id = ' || p.person_id,
        format('person_id = (SELECT o.person_id FROM lpr_data.person AS o WHERE o.login = %L)', s.other)])
        AS x (change)) AS c
WHERE p.login = 'analyst1';
-- An update lets pass what it is about, from its beginning on, of who had access before.
SELECT pg_temp.adds('grace', jsonb_build_object('what', 'W', 'since', :'noon'::timestamptz - interval '1 hour',
                                                'until', :'noon'::timestamptz + interval '1 day')) AS grace,
       pg_temp.adds('grace', jsonb_build_object('what', 'W', 'since', :'noon'::timestamptz + interval '1 hour',
                                                'until', :'noon'::timestamptz + interval '1 day')) AS later_grace,
       'ALTER TABLE lpr_data.access DISABLE TRIGGER moves, DISABLE TRIGGER refuse_rewrite; UPDATE lpr_data.access SET '
       'granted_at = ' || quote_literal(:'noon'::timestamptz - interval '1 minute') AS granted_later,
       'ALTER TABLE lpr_data.source DROP CONSTRAINT published_on_a_day; '
       'UPDATE lpr_data.source SET published_on = NULL WHERE name = ''acme''' AS unpublished,
       'UPDATE lpr_data.person SET personnel_hash = NULL WHERE login = ''analyst1''' AS unnumbered,
       'ALTER TABLE lpr_data.training DISABLE TRIGGER refuse_rewrite; '
       'DELETE FROM lpr_data.training WHERE course = ''lpr_policy''' AS untrained \gset
INSERT INTO attempt (control, code, message, changes) VALUES
    ('A8', 'LP038', 'login analyst1 is a member of a role that is apart from lpr_user',
        pg_temp.adds('role_conflict', '{"role": "lpr_supervisor", "other": "lpr_user"}')
        || '; GRANT lpr_supervisor TO analyst1'),
    ('A8', 'LP036', 'no personnel number of login analyst1 is on record',
        replace(:'grace', '"W"', '"sources"') || '; ' || :'unnumbered'),
    ('A4', 'LP027', 'your access has not been recertified',
        pg_temp.adds('recertification', '{"person_id": "@analyst1"}') || '; '
        || pg_temp.adds('recertification', jsonb_build_object('valid_until', :'noon'::timestamptz
                                                                             + interval '9 days'))),
    ('Q10', 'LP003', 'the privacy assessment of source "acme" is not published', replace(:'grace', '"W"', '"sources"')
        || '; UPDATE lpr_data.source SET published_on = lpr_data.utc_today() + 2 WHERE name = ''acme'''),
    ('Q10', 'LP003', 'the privacy assessment of source "acme" is not published',
        replace(:'grace', '"W"', '"courses"') || '; ' || :'unpublished'),
    ('Q10', 'LP003', 'the privacy assessment of source "acme" is not published',
        replace(:'later_grace', '"W"', '"sources"') || '; ' || :'unpublished'),
    ('A3', 'LP026', 'your training is not current', replace(:'grace', '"W"', '"sources"') || '; ' || :'untrained'),
    ('A3', 'LP026', 'your training is not current',
        replace(:'later_grace', '"W"', '"courses"') || '; ' || :'untrained'),
    ('A3', 'LP026', 'your training is not current', replace(:'grace', '"W"', '"courses"') || '; ' || :'untrained'
        || '; ' || :'granted_later' || ' WHERE granted_at IS NOT NULL'),
    ('A3', 'LP026', 'your training is not current', replace(:'grace', '"W"', '"courses"') || '; ' || :'untrained'
        || '; ' || :'granted_later' || ' WHERE person_id = (SELECT p.person_id FROM lpr_data.person AS p '
                               'WHERE p.login = ''analyst1'')');
INSERT INTO attempt (control, code, message, other, changes) VALUES
    ('A7', 'LP025', 'you have no access for system ATS', '{"mode": "saved"}',
        'ALTER TABLE lpr_data.access DISABLE TRIGGER refuse_rewrite, DISABLE TRIGGER moves; '
        'UPDATE lpr_data.access SET systems = ''{AFI}'''),
    ('Q8', 'LP049', 'too many plates were shown that nobody named', '{"mode": "location", "radius_m": 1000}',
        'UPDATE lpr_data.rate_limit SET plates = 5 WHERE name = ''person_day'''),
    ('Q8', 'LP049', 'too many plates were shown that nobody named', '{"mode": "vehicle", "radius_m": 1000}',
        'UPDATE lpr_data.rate_limit SET plates = 5 WHERE name = ''event_day'''),
    ('Q11', 'LP005', 'source "birdseye" cannot be asked by place',
        '{"source": "birdseye", "mode": "location", "radius_m": 1000}', '');

-- Targets of event 1: good ones, and such as are not; one of another event.
SELECT pg_temp.run(VARIADIC array_agg(pg_temp.adds('target', '{"event_id": 1}' || t.other
           || jsonb_build_object('target_id', 9100 + t.n)
           || CASE WHEN t.other ? 'plate' THEN '{}' ELSE '{"plate": null}'::jsonb END)))
FROM unnest(ARRAY['{"plate": "HARBOR7"}', '{"plate": "HARBOR6", "event_id": 9001}',
    '{"plate": "HARBOR5", "ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ended", "end_reason": "x"}',
    '{"plate": "HARBOR4", "waits": true, "good_until": "-infinity"}',
    '{"plate": "HARBOR2", "ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ruled_out",
      "end_reason": "x"}',
    '{"plate": "HARBOR3", "ended_at": "2026-02-01", "ended_by": "@analyst1", "end_kind": "ruled_out",
      "end_reason": "x"}', '{"plate": "HARBOR3"}',
    '{"kind": "address", "latitude": 10, "longitude": 10, "radius_m": 1000}',
    '{"kind": "address", "address": "9 Harbor Road"}', '{"kind": "vehicle", "make": "HARBOR"}',
    '{"kind": "vehicle", "make": "FERRY", "model": "BIG"}', '{"kind": "vehicle", "model": "DINGHY"}',
    '{"event_id": 9001, "kind": "address", "latitude": 20, "longitude": 20, "radius_m": 1000}']::jsonb[])
    WITH ORDINALITY AS t (other, n) \g /dev/null
SELECT pg_temp.run(VARIADIC array_agg(pg_temp.adds('target', jsonb_build_object('event_id', 1, 'target_id', 9120 + t.n,
           'plate', t.plate, 'urgent_day', '2026-01-01', 'urgent_number', t.n, 'waits', true, 'evidence_kind', NULL,
           'evidence_reference', NULL, 'added_at', t.good_until, 'good_until', t.good_until))))
FROM (VALUES (1, 'HARBORX', :'noon'::timestamptz), (2, 'HARBORY', :'noon'::timestamptz + interval '2 hours'))
    AS t (n, plate, good_until) \g /dev/null
INSERT INTO attempt (control, code, message, other) VALUES
    ('Q12', 'LP047', 'plate "HARBOR8" is no target of event 1', '{"plates": ["HARBOR8"]}'),
    ('Q12', 'LP047', 'plate "HARBOR8" is no target of event 1', '{"plates": ["HARBOR7", "HARBOR8"]}'),
    ('Q12', 'LP047', '2 of the plates asked are no targets of event 1',
        '{"plates": ["HARBOR7", "HARBOR8", "HARBOR9"]}'),
    ('Q12', 'LP047', '0 of the plates asked are no targets of event 1', '{"plates": []}'),
    ('Q12', 'LP047', '0 of the plates asked are no targets of event 1', '{"plates": null}'),
    ('Q12', 'LP047', 'plate "" is no target of event 1', '{"plates": [null]}'),
    ('Q12', 'LP047', 'plate "HARBOR6" is no target of event 1', '{"plates": ["HARBOR6"]}'),
    ('Q12', 'LP047', 'plate "HARBOR5" is no target of event 1', '{"plates": ["HARBOR5"]}'),
    ('Q12', 'LP047', 'plate "HARBOR4" is no target of event 1', '{"plates": ["HARBOR4"]}'),
    ('Q12', 'LP047', 'plate "HARBORX" is no target of event 1', '{"plates": ["HARBORX"]}'),
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "radius_m": 1000, "latitude": 10.01}'),
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "radius_m": 1000, "latitude": 20, "longitude": 20}'),
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "radius_m": 1000, "longitude": null}'),
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "address_length": 9, "latitude": null, "longitude": null, "place": "9 Harbor Lane"}'),
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "address_length": 9, "latitude": null, "longitude": null}'),
    ('Q12', 'LP047', 'the vehicle asked is no target of event 1',
        '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": "CANOE"}'),
    ('Q12', 'LP047', 'the vehicle asked is no target of event 1',
        '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": "FERRY", "model": "SMALL"}'),
    ('Q12', 'LP047', 'the vehicle asked is no target of event 1',
        '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": null, "model": "BIG"}'),
    ('Q12', 'LP047', 'the vehicle asked is no target of event 1',
        '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": "FERRY"}');
INSERT INTO attempt (control, code, message, other, let) VALUES
    ('Q12', 'LP048', 'plate "HARBOR2" was ruled out as a target of event 1', '{"plates": ["HARBOR2"]}', 'LP047'),
    ('Q12', 'LP048', 'plate "HARB0R2" was ruled out as a target of event 1', '{"plates": ["HARBOR7", "HARB0R2"]}',
        'LP047');
INSERT INTO attempt (control, code, message, other, changes) VALUES
    ('Q12', 'LP047', 'the place asked is no target of event 1',
        '{"mode": "location", "radius_m": 1000}', 'UPDATE lpr_data.target SET ended_at = now(), ended_by = added_by, '
        'end_kind = ''ruled_out'', end_reason = ''x'' WHERE target_id = 9108'),
    ('Q12', 'LP047', 'the vehicle asked is no target of event 1', '{"mode": "vehicle", "radius_m": 9, "latitude": 20}',
        'UPDATE lpr_data.target SET good_until = now() WHERE target_id = 9110');
-- What waits for a second person: a place 1,890 m away that reaches 900 m; plates by their hashes, and that of nothing.
INSERT INTO attempt (control, code, message, other, changes)
SELECT 'P1', 'LP053', 'a place that the law protects lies within the search', a.other::jsonb,
       pg_temp.adds('protected_place', '{"latitude": 10.017, "longitude": 10, "radius_m": 900,
           "address": "9 HARBOR ROAD"}') || '; ' || a.changes
FROM (VALUES
    ('{"mode": "location", "radius_m": 1000}', ''), ('{"mode": "vehicle", "radius_m": 1000}', ''),
    ('{"mode": "location", "address_length": 9, "latitude": null, "longitude": null, "place": "9 Harbor Road"}', ''),
    -- By its end, or its beginning, and what stands around it.
    ('{"mode": "location", "address_length": 9, "latitude": null, "longitude": null, "place": "Harbor Road Alta"}',
        pg_temp.adds('target', '{"event_id": 1, "target_id": 9131, "kind": "address", "plate": null,
            "address": "Harbor Road"}')),
    ('{"mode": "location", "address_length": 9, "latitude": null, "longitude": null, "place": "Chula Vista 9 Harb"}',
        pg_temp.adds('target', '{"event_id": 1, "target_id": 9131, "kind": "address", "plate": null,
            "address": "9 Harb"}')),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', '{"event_id": 1, "kind": "protected_place",
        "key": "9002"}')),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002',
        'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz - interval '24 hours', 'until', :'noon'::timestamptz))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002',
        'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz + interval '1 hour', 'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', 'ALTER TABLE lpr_data.release DROP CONSTRAINT a_day_at_most; '
        || pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002', 'kind', 'protected_place',
            'state', 'refused', 'decided_by', '@privacy1', 'decide_reason', 'x', 'decided_at', :'noon'::timestamptz,
            'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9003',
        'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz, 'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002',
        'kind', 'plate', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz, 'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('release', jsonb_build_object('event_id', 9001,
        'key', '9002', 'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz, 'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('event_member', '{"event_id": 1, "person_id": "@privacy1"}')
        || '; ' || pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002',
        'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz, 'until', :'noon'::timestamptz + interval '2 hours'))),
    ('{"mode": "location", "radius_m": 1000}', pg_temp.adds('event_member', '{"event_id": 1, "person_id": "@lead1"}')
        || '; ' || pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002', 'acted_for', '@lead1',
        'kind', 'protected_place', 'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x',
        'decided_at', :'noon'::timestamptz, 'until', :'noon'::timestamptz + interval '2 hours'))))
    AS a (other, changes);
INSERT INTO attempt (control, code, message, other, changes)
SELECT 'P2', 'LP054', 'a plate that was asked waits for a second person', a.other::jsonb,
       'INSERT INTO lpr_data.reserved_plate (plate_hash, owner_hash) SELECT h, sha256(''x'') FROM unnest(ARRAY['
       || a.hashes || ']) AS h'
FROM (VALUES
    ('{}', 'lpr_data.keyed_hash(''plate'', ''''), lpr_data.keyed_hash(''plate'', lpr_data.plate_shape(''HARBOR7''))'),
    ('{"plates": ["HARB0R7"]}',
     'lpr_data.keyed_hash(''plate'', ''''), lpr_data.keyed_hash(''plate'', lpr_data.plate_shape(''HARBOR7''))'),
    ('{"plates": ["HARBOR7", "HARBOR3"]}',
     'lpr_data.keyed_hash(''plate'', ''''), lpr_data.keyed_hash(''plate'', lpr_data.plate_shape(''HARBOR3''))'),
    ('{}', 'sha256(''another key'')')) AS a (other, hashes);
-- What is let through, and how long that holds as far as targets go.
CREATE TEMP TABLE passing (number integer GENERATED ALWAYS AS IDENTITY, holds text, other jsonb,
                           changes text DEFAULT '', says text DEFAULT 'let through');
INSERT INTO passing (holds, other) VALUES
    ('infinity', '{}'), ('infinity', '{"plates": ["HARB0R7"]}'), ('infinity', '{"plates": ["HARBOR7", "HARBOR3"]}'),
    ('02:00:00', '{"plates": ["HARBOR7", "HARBORY"]}'),
    ('infinity', '{"mode": "location", "radius_m": 1000, "latitude": 10.008}'),
    ('infinity', '{"mode": "location", "address_length": 9, "latitude": null, "longitude": null,
                   "place": "9 Harbor Road, San Diego"}'),
    ('infinity', '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "model": "ROWBOAT"}'),
    ('infinity', '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": "FERRY", "model": "BIG"}'),
    ('infinity', '{"mode": "vehicle", "radius_m": 9, "latitude": 20, "make": "CANOE", "model": "DINGHY"}'),
    ('infinity', '{"mode": "vehicle", "radius_m": 9, "make": "CANOE"}'), -- at a place that is a target
    (NULL, '{"mode": "saved", "plates": null}');
-- With what an update lets pass; as a member of a role that is apart from another one; of a part that does not decide.
INSERT INTO passing (holds, other, changes) VALUES
    ('infinity', '{}', replace(:'grace', '"W"', '"personnel_numbers"') || '; ' || :'unnumbered'),
    ('infinity', '{}', replace(:'grace', '"W"', '"sources"') || '; ' || :'unpublished'),
    ('infinity', '{}', replace(:'grace', '"W"', '"courses"') || '; ' || :'untrained'),
    ('infinity', '{}', pg_temp.adds('role_conflict', '{"role": "lpr_lead", "other": "lpr_supervisor"}')
        || '; GRANT lpr_supervisor TO analyst1'),
    ('infinity', '{}', pg_temp.adds('role_conflict', '{"role": "lpr_supervisor", "other": "lpr_user"}'));
-- Where what was protected is not any more, lies too far away, or was released.
INSERT INTO passing (holds, other, changes)
SELECT 'infinity', '{"mode": "location", "radius_m": 1000}',
       pg_temp.adds('protected_place', '{"latitude": 10.017, "longitude": 10, "radius_m": 900}' || v.place) || v.more
FROM (VALUES
    ('{"ended_at": "2026-01-02", "ended_by": "@privacy1", "end_reason": "x"}'::jsonb, ''), ('{"latitude": 10.018}', ''),
    ('{}', '; ' || pg_temp.adds('release', jsonb_build_object('event_id', 1, 'key', '9002', 'kind', 'protected_place',
        'state', 'released', 'decided_by', '@privacy1', 'decide_reason', 'x', 'decided_at', :'noon'::timestamptz,
        'until', :'noon'::timestamptz + interval '2 hours'))
        -- By somebody who works on another event.
        || '; ' || pg_temp.adds('event_member', '{"person_id": "@privacy1"}'))) AS v (place, more);
INSERT INTO passing (holds, other, says, changes)
SELECT 'infinity', '{}', 'undecided',
       format('CREATE OR REPLACE FUNCTION lpr_data.%s(q lpr_data.question, moment timestamptz) RETURNS TABLE (decided '
              'boolean, %s refusal text[]) LANGUAGE sql STABLE ROWS 1 AS $f$ SELECT NULL::boolean, %s NULL::text[] $f$',
              v.part, v.columns, v.nothing)
FROM (VALUES ('gate_release', '', ''),
             ('gate_target', 'holds_until timestamptz,', 'NULL::timestamptz,')) AS v (part, columns, nothing);

-- The whole gate but for its moment: control, SQLSTATE and message, or that it lets the question through.
CREATE FUNCTION pg_temp.asks(other jsonb, moment timestamptz)
    RETURNS lpr_data.question
    LANGUAGE plpgsql
AS $$
DECLARE
    given jsonb := '{"since": "-20 hours", "until": "0", "agreed_at": "-1 minute"}'::jsonb || other;
BEGIN
    given := jsonb_build_object('login', 'analyst1'::regrole::oid, 'same_user', true, 'remote', false, 'address', '',
                                'encrypted', false, 'client', true, 'agreed', (SELECT max(version) FROM lpr_data.rules),
                                'away_s', 0, 'passing', false, 'source', 'acme', 'mode', 'plate', 'event_id', 1,
                                'address_length', 0, 'plates', ARRAY['HARBOR7'], 'latitude', 10, 'longitude', 10,
                                'make', 'HARBOR')
             || given || (SELECT jsonb_object_agg(k, moment + (given ->> k)::interval)
                          FROM unnest('{since,until,agreed_at}'::text[]) AS k);
    RETURN jsonb_populate_record(NULL::lpr_data.question, given);
END
$$;
CREATE FUNCTION pg_temp.verdict(other jsonb, later interval)
    RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    moment timestamptz := date_trunc('day', now()) + interval '1 day 12 hours' + later;
    q lpr_data.question := pg_temp.asks(other, moment);
    refusal text[];
    decided boolean;
BEGIN
    SELECT coalesce(s.refusal, p.refusal, k.refusal), s.decided AND p.decided AND k.decided INTO refusal, decided
    FROM lpr_data.gate_session(q, moment) AS s, lpr_data.gate_person(q, s.person_id, moment) AS p,
         lpr_data.gate_question(q, moment) AS k;
    IF refusal IS NULL THEN
        RETURN CASE WHEN decided THEN 'let through' ELSE 'undecided' END;
    END IF;
    RETURN concat_ws(' ', refusal[1], refusal[2],
                     replace(replace(replace(replace(replace(refusal[3], '{login}', 'analyst1'), '{source}', q.source),
                             '{event}', coalesce(q.event_id::text, '?')), '{system}', 'ATS'), '{mode}',
                             CASE q.mode WHEN 'location' THEN 'place' ELSE coalesce(q.mode, '?') END));
END
$$;
CREATE FUNCTION pg_temp.holds(other jsonb, moment timestamptz)
    RETURNS text
    LANGUAGE sql
AS $$
    SELECT CASE WHEN k.holds_until = 'infinity' THEN 'infinity' ELSE (k.holds_until - moment)::text END
    FROM lpr_data.gate_question(pg_temp.asks(other, moment), moment) AS k
$$;
CREATE FUNCTION pg_temp.verdict_after(changes text, other jsonb, later interval)
    RETURNS text
    LANGUAGE plpgsql
AS $$
BEGIN
    EXECUTE changes;
    RAISE EXCEPTION USING ERRCODE = 'LP999', MESSAGE = pg_temp.verdict(other, later);
EXCEPTION
    WHEN deadlock_detected THEN -- a worker of lpr's was at it, which takes locks in another order
        RETURN pg_temp.verdict_after(changes, other, later);
    WHEN OTHERS THEN
        RETURN CASE WHEN sqlstate = 'LP999' THEN sqlerrm ELSE sqlstate || ' ' || sqlerrm END;
END
$$;

-- The rules, by their place in a part of the gate: what each says, and the part without it.
CREATE TEMP TABLE rule AS
SELECT p.proname AS part, n.place, n.said[1] AS control, n.said[2] AS code,
       regexp_replace(n.said[3], '\n\s+', ' ') AS message,
       regexp_replace(pg_get_functiondef(p.oid), ' IS NOT TRUE(?=\s+THEN ARRAY)', ' IS NULL AND false', 1,
                      n.place::integer) AS without_it
FROM pg_proc AS p
CROSS JOIN LATERAL regexp_matches(
    p.prosrc, ' IS NOT TRUE\s+THEN ARRAY\[''(\w+)'', ''(\w+)'',\s+([^\n]*?(?:\n\s+ELSE[^\n]*?)?),?\n', 'g')
    WITH ORDINALITY AS n (said, place)
WHERE p.oid IN ('lpr_data.gate_session'::regproc, 'lpr_data.gate_person'::regproc, 'lpr_data.gate_target'::regproc,
                'lpr_data.gate_release'::regproc, 'lpr_data.gate_question'::regproc);
CREATE TEMP VIEW said_by AS
SELECT r.part, r.place, r.without_it, a.ctid AS attempt
FROM rule AS r
JOIN attempt AS a ON (a.control, a.code) = (r.control, r.code)
 -- by one of its literals, whatever is filled in
 AND EXISTS (SELECT FROM regexp_matches(r.message, '''((?:[^'']|'''')*)''', 'g') AS m (said)
             WHERE a.message LIKE regexp_replace(replace(m.said[1], '''''', ''''), '\{\w+\}|%s', '%', 'g'));
CREATE TEMP TABLE outcome AS
SELECT a.*, pg_temp.verdict_after(a.changes, a.other, a.later) AS seen,
       (SELECT string_agg(pg_temp.verdict_after(concat_ws('; ', nullif(a.changes, ''), s.without_it), a.other, a.later),
                          '; ')
        FROM said_by AS s WHERE s.attempt = a.ctid) AS without_it
FROM attempt AS a;

\if :{?only}
SELECT CASE WHEN bool_or(seen <> concat_ws(' ', control, code, message)) 
                 OR (SELECT bool_or(pg_temp.verdict_after(p.changes, p.other, '0') <> p.says
                                    OR pg_temp.holds(p.other, :'noon') IS DISTINCT FROM p.holds) FROM passing AS p)
            THEN 'noticed' ELSE 'unnoticed' END AS mutant FROM outcome;
\quit
\endif
-- Questions that nothing is wrong with:
SELECT pg_temp.verdict_after(changes, other, '0'), pg_temp.holds(other, :'noon') IS NOT DISTINCT FROM holds AS holds
FROM passing
ORDER BY number;
-- No rows from here on.
-- What is not refused by the rule that it is against:
SELECT control, code, message, other, changes, later, seen FROM outcome
WHERE seen <> concat_ws(' ', control, code, message);
-- What is refused otherwise, or not let through, once that rule is gone:
SELECT control, code, message, other, changes, let, without_it FROM outcome
WHERE (without_it = let OR without_it ~ ('^\w+ ' || let || ' ')) IS NOT TRUE;
-- Rules that no question is tried against:
SELECT part, place, control, code, message FROM rule AS r
WHERE NOT EXISTS (SELECT FROM said_by AS s WHERE (s.part, s.place) = (r.part, r.place));
-- Some rows: the rules, and how often each is tried.
SELECT r.part, r.place, r.control, r.code, r.message,
       (SELECT count(*) FROM said_by AS s WHERE (s.part, s.place) = (r.part, r.place)) AS tried
FROM rule AS r ORDER BY r.part DESC, r.place;
ROLLBACK;
