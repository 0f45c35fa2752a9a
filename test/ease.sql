-- ease.sql: what tests in SQL have beside scripts/stage.sql: limits that they do not meet (650_purpose is about those),
-- analysts who are entitled to every source that these tests add, and procedures for what is said before asking, and
-- for what an administrator does meanwhile.
\set ON_ERROR_STOP on
-- As if asked by an administrator and approved by the privacy officer.
CREATE FUNCTION widen("limit" text, changes jsonb) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    asked lpr_data.limit_request;
BEGIN
    INSERT INTO lpr_data.limit_request ("limit", wanted, instead_of, person_id, reason, state, decided_at, decided_by,
                                        decide_reason)
    SELECT "limit", l || changes, l, a.person_id, 'test', 'approved', now(), p.person_id, 'test'
    FROM lpr_data.limit_row("limit") AS l, lpr_data.person AS a, lpr_data.person AS p
    WHERE a.login = 'admin1' AND p.login = 'privacy1'
    RETURNING * INTO asked;
    PERFORM lpr_data.put_limit("limit", asked.wanted, asked.request_id);
END
$$;
SELECT widen(m, to_jsonb(h) - '{questions,plates_a_day}'::text[])
FROM lpr_data.hard_limits() AS h, unnest('{location,vehicle}'::text[]) AS m
\g /dev/null
SELECT widen(r, jsonb_build_object('questions', h.questions, 'plates', h.plates_a_day))
FROM lpr_data.hard_limits() AS h, unnest('{person_hour,person_day,event_hour,event_day}'::text[]) AS r
\g /dev/null
-- A source is approved and published at once, as if by the privacy officer, and has just been refreshed.
CREATE FUNCTION approve_at_once() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.assessment IS NOT NULL THEN
        NEW.enabled := true;
        NEW.approved_on := (clock_timestamp() AT TIME ZONE 'UTC')::date;
        NEW.published_on := NEW.approved_on;
        NEW.refreshed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER approve_at_once BEFORE INSERT ON lpr_data.source FOR EACH ROW EXECUTE FUNCTION approve_at_once();
ALTER TABLE lpr_data.source ENABLE ALWAYS TRIGGER approve_at_once;
-- Approvals for grants that were only entered, by two people who are not the person.
CREATE PROCEDURE approve_entered()
    LANGUAGE sql
AS $$
    INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
    SELECT a.access_id, s.number, 'approve', s.step, p.person_id, 'test'
    FROM lpr_data.access AS a
    CROSS JOIN (VALUES (2, 'supervisor', 'supervisor1'), (3, 'system_owner', 'owner1')) AS s (number, step, login)
    JOIN lpr_data.person AS p ON p.login = s.login
    WHERE a.state = 'granted' AND NOT EXISTS (SELECT FROM lpr_data.access_step AS x WHERE x.access_id = a.access_id)
$$;
INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at)
SELECT person_id, '{ATS,AFI}', '{dockside,elsewhere,farm,forbidden,fresh,pager,sorter,stale,transient,vault}',
    '{plate,location,vehicle}', 'test', 'granted', now(), now() + interval '360 days'
FROM lpr_data.person WHERE login LIKE 'analyst%';
CALL approve_entered();
-- An event of analyst1 with a number that would be seen wherever it went.
INSERT INTO lpr_data.event (event_id, system, title, purpose, authority, matter_reference, reason, ends_at)
    OVERRIDING SYSTEM VALUE
VALUES (987654321, 'ATS', 'Another matter', 'suspect', 'title_18', 'SD-2026-00418', 'test', now() + interval '90 days');
INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by)
SELECT 987654321, person_id, true, person_id FROM lpr_data.person WHERE login = 'analyst1';

-- What the tests ask is a target of their events (Q12; the walk over the gate and 655_target are about that).
CREATE PROCEDURE make_targets(events bigint[])
    LANGUAGE sql
AS $$
    INSERT INTO lpr_data.target (event_id, kind, plate, latitude, longitude, radius_m, address, make, model, relation,
                                 evidence_kind, evidence_reference, basis, added_by)
    SELECT m.event_id, t.kind, t.plate, t.latitude, t.longitude, CASE WHEN t.latitude IS NOT NULL THEN 1000 END,
           t.address, t.make, t.model, 'subject', 'case_record', 'test', 'test', m.person_id
    FROM lpr_data.event_member AS m
    CROSS JOIN (
        SELECT 'plate' AS kind, 'BULK' || i AS plate, NULL::float8 AS latitude, NULL::float8 AS longitude,
               NULL AS address, NULL AS make, NULL AS model
        FROM (SELECT generate_series(1, 1001) UNION SELECT unnest('{1461,2000,5000}'::integer[])) AS n (i)
        UNION ALL
        SELECT 'plate', p, NULL, NULL, NULL, NULL, NULL FROM unnest('{7ABC123,8B0B1S2,NOSUCH1,P1,P2}'::text[]) AS p
        UNION ALL
        SELECT 'address', NULL, p[0], p[1], NULL, NULL, NULL
        FROM unnest(ARRAY['(32.552,-117.042)', '(32.5,-117)', '(32.5432,-117.0296)', '(32.5149,-117.0282)',
                          '(33.4484,-112.074)', '(32.76,-117.09)']::point[]) AS p
        UNION ALL
        SELECT 'address', NULL, NULL, NULL, a, NULL, NULL
        FROM unnest('{camino,plaza,main,street,avenue,road}'::text[]) AS a
        UNION ALL
        SELECT 'vehicle', NULL, NULL, NULL, NULL, lpr.normal_word(v), NULL
        FROM unnest('{citroën,ford,honda,tesla,toyota}'::text[]) AS v) AS t
    WHERE m.owner AND m.event_id = ANY (make_targets.events)
    ON CONFLICT (event_id, plate) WHERE ended_at IS NULL AND kind = 'plate' DO NOTHING
$$;
CALL make_targets('{1,2,987654321}');

-- CALL read_rules(); and then CALL logon(); after connecting as analyst1 (event 1) or analyst2 (event 2):
-- a code is good in a later statement.
CREATE PROCEDURE read_rules()
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM set_config('ease.code', r.code, false) FROM lpr.rules() AS r;
END
$$;
CREATE PROCEDURE logon(event_id bigint DEFAULT right(session_user, 1)::bigint)
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM lpr.accept_rules(current_setting('ease.code')), lpr.work_on(event_id);
END
$$;
-- CALL admit('…'); somebody of whom all is on record that a question needs, with an event.
CREATE PROCEDURE admit(login text, INOUT event_id bigint DEFAULT NULL)
    LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
    who integer;
    opened bigint;
BEGIN
    INSERT INTO lpr_data.person (login, name, email, unit, personnel_hash)
    VALUES (admit.login, 'A Test', admit.login || '@test.example', 'Tests', sha256(admit.login::bytea))
        RETURNING person_id INTO who;
    INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id)
    SELECT who, c.code, lpr_data.utc_today(), lpr_data.utc_today() + interval '360 days', t.person_id
        FROM lpr_data.course AS c CROSS JOIN lpr_data.person AS t WHERE t.login = 'trainer1';
    INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at)
    VALUES (who, '{ATS}', ARRAY(SELECT name FROM lpr_data.source), '{plate,location,vehicle}', 'test', 'granted', now(),
        now() + interval '360 days');
    CALL approve_entered();
    INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, ends_at)
    VALUES ('ATS', 'Tests', 'suspect', 'title_18', 'SD-2026-00419', 'test', now() + interval '90 days')
        RETURNING event_id INTO opened;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (opened, who, true, who);
    CALL make_targets(ARRAY[opened]);
    admit.event_id := opened;
END
$$;
-- CALL by_administrator('…'); all sessions of an isolation test are of one login.
CREATE PROCEDURE by_administrator(command text)
    LANGUAGE plpgsql
    SECURITY DEFINER
AS $$
BEGIN
    EXECUTE command;
END
$$;
-- SELECT plan('…'); a plan in words that are the same in all versions of the server: 15 names what a subquery yields
-- first by its parameter and orders the sides of = otherwise, 17 knows that a column is never NULL, 18 tells of windows
-- and of what is switched off.
CREATE FUNCTION plan(query text) RETURNS SETOF text
    LANGUAGE plpgsql
AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        CONTINUE WHEN line ~ '^ *(Disabled: true|Window: .*)$';
        line := replace(regexp_replace(line, '(InitPlan \d+) \(returns .*\)$', '\1'), '(captured_at IS NOT NULL) AND ',
            '');
        line := regexp_replace(line, '\(InitPlan 1\)\.col1', '$0', 'g');
        RETURN NEXT regexp_replace(line, '\(((?:\$\d+|[\w"*]+\.\w+)(?:\(\w+\))?) = (plate|address|make|event_id)\)',
            '(\2 = \1)', 'g');
    END LOOP;
END
$$;

-- Questions are asked every time; what is kept of answers is tested by 700_cache and its like.
DELETE FROM lpr_data.cache_time;
