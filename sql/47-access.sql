-- 47-access: how a person comes to be entitled, and ceases to be (A1, A4, A7). Two people say yes, none of them the one who asks; every step stays on record.

CREATE TABLE lpr_data.system (
    system text COLLATE "C" PRIMARY KEY CHECK (system <> ''),
    name text NOT NULL,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.system', 'system');
SELECT lpr_data.audit_changes_of('lpr_data.system');
COMMENT ON TABLE lpr_data.system IS 'The systems that people ask from (A7).';
COMMENT ON COLUMN lpr_data.system.system IS 'Short name.';
COMMENT ON COLUMN lpr_data.system.name IS 'Full name.';
COMMENT ON COLUMN lpr_data.system.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.system (system, name, shipped)
VALUES ('ATS', 'Automated Targeting System', true),
       ('AFI', 'Analytical Framework for Intelligence', true),
       ('IRS-NG', 'Intelligence Reporting System – Next Generation', true);

-- What says nothing.

CREATE TABLE lpr_data.empty_reason (
    reason text COLLATE "C" PRIMARY KEY CHECK (reason ~ '^[a-z0-9]+( [a-z0-9]+)*$'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.empty_reason', 'reason');
SELECT lpr_data.audit_changes_of('lpr_data.empty_reason');
COMMENT ON TABLE lpr_data.empty_reason IS 'Words and phrases that are no reason, whatever stands beside them that is none either (Q7).';
COMMENT ON COLUMN lpr_data.empty_reason.reason IS 'In lower case, letters and digits only, single blanks.';
COMMENT ON COLUMN lpr_data.empty_reason.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.empty_reason (reason, shipped)
SELECT r, true
FROM unnest(ARRAY['investigation', 'ongoing investigation', 'active investigation', 'criminal investigation', 'official investigation', 'investigative purposes',
                  'investigative', 'for investigation', 'case', 'ongoing case', 'case work', 'casework', 'official', 'official business', 'official use', 'official duty',
                  'official duties', 'law enforcement', 'law enforcement purpose', 'law enforcement purposes', 'enforcement', 'border security', 'na', 'n a', 'none',
                  'nothing', 'tbd', 'to be determined', 'to be decided', 'unknown', 'test', 'testing', 'query', 'search', 'lookup', 'look up', 'check', 'lpr', 'lpr search',
                  'lpr query', 'plate', 'plate check', 'vehicle', 'license plate', 'licence plate', 'work', 'work related', 'need to know', 'needed', 'required',
                  'as needed', 'see file', 'see case', 'see above', 'see title', 'same', 'same as above', 'same as before', 'as above', 'as before', 'ditto', 'other',
                  'misc', 'miscellaneous', 'general', 'intel', 'intelligence', 'per request', 'as requested', 'by request', 'supervisor request', 'reason', 'purpose',
                  'asdf', 'qwerty', 'xxx', 'abc', 'for', 'the', 'a', 'an', 'of', 'to', 'in', 'and', 'is', 'my', 'this', 'it', 'on', 'with', 'i', 'we', 'please']) AS r;

CREATE FUNCTION lpr_data.normal_reason(reason text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(lower(reason), '[^[:alnum:]]+', ' ', 'g'));
REVOKE ALL ON FUNCTION lpr_data.normal_reason(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.normal_reason(text) IS 'A reason as it is compared: lower case, single blanks instead of everything that is no letter or digit.';

CREATE FUNCTION lpr_data.check_reason(what text, reason text, control text, title text DEFAULT NULL, last text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said text := coalesce(lpr_data.normal_reason(reason), '');
    words text[] := regexp_split_to_array(said, ' ');
    rest text := ' ' || said || ' ';
    why text;
    empty text;
BEGIN
    -- Long phrases first, so that none hides in another.
    FOR empty IN SELECT e.reason FROM lpr_data.empty_reason AS e WHERE rest LIKE '% ' || e.reason || ' %' ORDER BY length(e.reason) DESC
    LOOP
        rest := replace(replace(rest, ' ' || empty || ' ', '  '), ' ' || empty || ' ', '  ');
    END LOOP;
    IF btrim(rest) = '' THEN
        why := 'It says nothing about this matter.';
    ELSIF char_length(said) < 20 OR (SELECT count(DISTINCT w) FROM unnest(words) AS w WHERE char_length(w) > 1) < 4 THEN
        why := 'It has fewer than 20 characters or four different words.';
    ELSIF said = lpr_data.normal_reason(title) THEN
        why := 'It is the title again.';
    ELSIF said = lpr_data.normal_reason(last) THEN
        why := 'It is the last one again.';
    ELSIF reason ~ '[[:cntrl:]]' AND reason !~ '^[^[:cntrl:]]*([\n\r\t][^[:cntrl:]]*)*$' THEN
        why := 'It holds control characters.';
    ELSIF char_length(reason) > 4000 THEN
        why := 'It has more than 4,000 characters.';
    END IF;
    IF why IS NOT NULL THEN
        PERFORM lpr_data.refuse(control, 'LP043', format('the %s says nothing: %L', what, left(coalesce(reason, ''), 80)), why,
                                'Say in a sentence of your own what is to be found out, about whom or what, and why licence-plate reads are needed for it.');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_reason(text, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_reason(text, text, text, text, text) IS
    'Refuses a statement that says nothing, error LP043: made of lpr_data.empty_reason alone, shorter than 20 characters or four words, the title again, or the last one again. what: its name in the message.';

CREATE FUNCTION lpr.add_empty_reason(reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.empty_reason (reason) VALUES (lpr_data.normal_reason(add_empty_reason.reason)) ON CONFLICT DO NOTHING;
END;
REVOKE ALL ON FUNCTION lpr.add_empty_reason(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_empty_reason(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_empty_reason(text) IS 'Adds a word or phrase that is no reason (Q7).';

-- Requests and grants: one row from the request to the end; what was asked for never changes.

CREATE TABLE lpr_data.access (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    systems text[] COLLATE "C" NOT NULL CHECK (cardinality(systems) > 0),
    sources text[] COLLATE "C" NOT NULL CHECK (cardinality(sources) > 0),
    modes text[] COLLATE "C" NOT NULL CHECK (cardinality(modes) > 0 AND modes <@ '{plate,location,vehicle}'),
    need_to_know text NOT NULL,
    requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'granted', 'suspended', 'revoked', 'denied', 'withdrawn')),
    granted_at timestamp with time zone,
    ends_at timestamp with time zone,
    CONSTRAINT granted_has_dates CHECK ((state IN ('granted', 'suspended', 'revoked')) = (granted_at IS NOT NULL) AND (granted_at IS NULL) = (ends_at IS NULL)),
    CONSTRAINT a_year_at_most CHECK (ends_at > granted_at AND ends_at AT TIME ZONE 'UTC' <= granted_at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_access_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.access');
CREATE INDEX access_person ON lpr_data.access (person_id);
COMMENT ON TABLE lpr_data.access IS 'Requests for access and what became of them (A1). A grant ends by the clock, after a year at the latest: nothing has to run for that.';
COMMENT ON COLUMN lpr_data.access.access_id IS 'Number of the request and of its grant.';
COMMENT ON COLUMN lpr_data.access.person_id IS 'Who is to have access.';
COMMENT ON COLUMN lpr_data.access.systems IS 'From which systems (A7).';
COMMENT ON COLUMN lpr_data.access.sources IS 'To which sources (A7, Q10).';
COMMENT ON COLUMN lpr_data.access.modes IS 'How it may be asked: plate, location, vehicle (A7, Q8).';
COMMENT ON COLUMN lpr_data.access.need_to_know IS 'Why the person needs it.';
COMMENT ON COLUMN lpr_data.access.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr_data.access.state IS 'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn. A granted one whose time is over has lapsed.';
COMMENT ON COLUMN lpr_data.access.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr_data.access.ends_at IS 'When it lapses; a year after granted_at at the latest.';

CREATE TABLE lpr_data.access_step (
    access_id bigint NOT NULL REFERENCES lpr_data.access,
    number smallint NOT NULL CHECK (number > 0),
    action text COLLATE "C" NOT NULL CHECK (action IN ('request', 'approve', 'deny', 'withdraw', 'suspend', 'resume', 'revoke')),
    step text COLLATE "C" NOT NULL CHECK (step IN ('requester', 'supervisor', 'system_owner', 'oversight')),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (access_id, number)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_step', '');
SELECT lpr_data.audit_changes_of('lpr_data.access_step');
-- By different people, none of them the requester; and each step once.
CREATE UNIQUE INDEX access_step_different_people ON lpr_data.access_step (access_id, person_id) WHERE action IN ('request', 'approve');
CREATE UNIQUE INDEX access_step_once ON lpr_data.access_step (access_id, step) WHERE action IN ('request', 'approve');
COMMENT ON TABLE lpr_data.access_step IS 'Every step of every request, only ever added to (A1).';
COMMENT ON COLUMN lpr_data.access_step.access_id IS 'The request.';
COMMENT ON COLUMN lpr_data.access_step.number IS '1, 2, 3, … of that request.';
COMMENT ON COLUMN lpr_data.access_step.action IS 'What was done.';
COMMENT ON COLUMN lpr_data.access_step.step IS 'As what: requester, supervisor, system_owner or oversight.';
COMMENT ON COLUMN lpr_data.access_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.access_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.access_step.reason IS 'Why.';

SELECT lpr_data.only_adds('lpr_data.access', 'state', 'granted_at', 'ends_at'), lpr_data.only_adds('lpr_data.access_step');

CREATE FUNCTION lpr_data.add_step(access_id bigint, action text, step text, person_id integer, reason text)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
    SELECT add_step.access_id, coalesce(max(s.number), 0) + 1, add_step.action, add_step.step, add_step.person_id, add_step.reason
    FROM lpr_data.access_step AS s WHERE s.access_id = add_step.access_id;
END;
REVOKE ALL ON FUNCTION lpr_data.add_step(bigint, text, text, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.add_step(bigint, text, text, integer, text) IS 'Adds a step to a request; its row is locked by the caller.';

CREATE FUNCTION lpr.request_access(systems text[], sources text[], modes text[], need_to_know text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'A1');
    unknown text;
    request bigint;
BEGIN
    SELECT format('system "%s" does not exist', s) INTO unknown FROM unnest(systems) AS s WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.system AS k WHERE k.system = s COLLATE "C");
    IF unknown IS NULL THEN
        SELECT format('source "%s" does not exist', s) INTO unknown FROM unnest(sources) AS s WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.source AS k WHERE k.name = s COLLATE "C");
    END IF;
    IF unknown IS NULL THEN
        SELECT format('mode "%s" does not exist', m) INTO unknown FROM unnest(modes) AS m WHERE m IS NULL OR m NOT IN ('plate', 'location', 'vehicle');
    END IF;
    IF unknown IS NOT NULL OR (cardinality(systems) > 0 AND cardinality(sources) > 0 AND cardinality(modes) > 0) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = coalesce(unknown, 'a request names systems, sources and modes'),
            DETAIL = format('Systems: %s. Sources: %s. Modes: plate, location, vehicle.',
                            (SELECT string_agg(s.system, ', ' ORDER BY s.system) FROM lpr_data.system AS s),
                            coalesce((SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM lpr_data.source AS s), 'none')),
            HINT = 'For instance lpr.request_access(''{ATS}'', ''{acme}'', ''{plate}'', ''…why you need it…'');';
    END IF;
    -- One after the other for a person, so that the same request in two sessions is seen.
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = who FOR NO KEY UPDATE;
    IF (SELECT p.supervisor_id IS NULL FROM lpr_data.person AS p WHERE p.person_id = who) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you have no supervisor on record', 'The first approval is your supervisor''s.',
                                'Ask an administrator: SELECT lpr.change_person(…, supervisor => …).');
    END IF;
    SELECT a.access_id INTO request FROM lpr_data.access AS a WHERE a.person_id = who AND a.state IN ('requested', 'approved') LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('your request %s still waits', request), 'A person has one request under way at a time.',
                                format('SELECT lpr.withdraw_request(%s, ''…why…''); first, or wait for it.', request));
    END IF;
    PERFORM lpr_data.check_reason('need-to-know statement', need_to_know, 'A1', NULL,
                                  (SELECT a.need_to_know FROM lpr_data.access AS a WHERE a.person_id = who AND a.state = 'denied' ORDER BY a.access_id DESC LIMIT 1));
    INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know)
    VALUES (who, ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(systems) AS s ORDER BY 1), ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(sources) AS s ORDER BY 1),
            ARRAY(SELECT DISTINCT m COLLATE "C" FROM unnest(modes) AS m ORDER BY 1), request_access.need_to_know)
    RETURNING access_id INTO request;
    PERFORM lpr_data.add_step(request, 'request', 'requester', who, need_to_know);
    PERFORM lpr_data.post(format('request:%s:supervisor', request), p.supervisor_id, 'request_waiting', jsonb_build_object('requester', p.name))
    FROM lpr_data.person AS p WHERE p.person_id = who;
    RETURN request;
END
$$;
REVOKE ALL ON FUNCTION lpr.request_access(text[], text[], text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.request_access(text[], text[], text[], text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.request_access(text[], text[], text[], text) IS
    'Asks for access (A1): to sources, from systems (ATS, AFI, IRS-NG), by modes (plate, location, vehicle: A7), with the reason why you need to know. Returns the number of the request. First your supervisor approves, then a system owner, who are different people; each may deny with a reason. What was asked for never changes: withdraw it and ask anew. Errors LP024 and LP033 (who may ask), LP034 (one waits already), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.lock_request(request bigint)
    RETURNS lpr_data.access
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access;
BEGIN
    -- GRANT and REVOKE of roles wait for us, and we for them: nobody is demoted between our look and our commit.
    LOCK TABLE pg_catalog.pg_auth_members IN SHARE MODE;
    SELECT * INTO a FROM lpr_data.access AS x WHERE x.access_id = request FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('request %s does not exist', coalesce(request::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.access_requests;';
    END IF;
    -- Nor are the people concerned changed: who is whose supervisor, who has left.
    PERFORM FROM lpr_data.person AS p WHERE p.person_id IN (a.person_id, lpr_data.me()) ORDER BY p.person_id FOR SHARE;
    RETURN a;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.lock_request(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.lock_request(bigint) IS 'The request, locked, and with it who may decide about it, until the end of the transaction.';

CREATE FUNCTION lpr_data.deciding_step(a lpr_data.access)
    RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step text := CASE a.state WHEN 'requested' THEN 'supervisor' WHEN 'approved' THEN 'system_owner' END;
    who integer;
BEGIN
    IF step IS NULL THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', a.access_id, a.state), 'Only a request that waits is approved or denied.',
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    who := lpr_data.acting('lpr_' || step, 'A1');
    IF who = a.person_id THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody decides about their own request', 'Access is approved by two other people.', 'Wait for your supervisor and a system owner.');
    END IF;
    IF step = 'supervisor' AND who IS DISTINCT FROM (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('request %s is not yours to decide', a.access_id), 'The first decision is that of the requester''s own supervisor.',
                                'SELECT * FROM lpr.access_requests; shows those that wait for you.');
    END IF;
    IF EXISTS (SELECT FROM lpr_data.access_step AS s WHERE s.access_id = a.access_id AND s.person_id = who AND s.action = 'approve') THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('you have approved request %s already', a.access_id), 'The two approvals are given by different people.',
                                'Another system owner has to decide.');
    END IF;
    RETURN step;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.deciding_step(lpr_data.access) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.deciding_step(lpr_data.access) IS 'As what the caller decides about a locked request: supervisor or system_owner. Errors LP024, LP033 (not entitled to that step) and LP034 (nothing to decide).';

CREATE FUNCTION lpr.approve(request bigint, reason text, valid_for interval DEFAULT '1 year')
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request);
    step text := lpr_data.deciding_step(a);
    first_id integer;
    moment timestamptz := clock_timestamp();
BEGIN
    IF (valid_for > interval '0' AND moment + valid_for <= moment + interval '1 year') IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a time of validity: %s', coalesce(valid_for::text, 'NULL')),
            DETAIL = 'A grant ends after a year at the latest.';
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.add_step(request, 'approve', step, lpr_data.me(), reason);
    IF step = 'supervisor' THEN
        UPDATE lpr_data.access AS x SET state = 'approved' WHERE x.access_id = request;
        PERFORM lpr_data.post(format('request:%s:system_owner:%s', request, o.person_id), o.person_id, 'request_waiting', jsonb_build_object('requester', p.name))
        FROM lpr_data.person AS o CROSS JOIN lpr_data.person AS p
        WHERE p.person_id = a.person_id AND o.person_id NOT IN (a.person_id, lpr_data.me()) AND lpr_data.holds(o.person_id, 'lpr_system_owner');
        RETURN 'approved';
    END IF;
    -- Whoever approved first must still be who they were: an approval of somebody demoted since counts for nothing.
    SELECT s.person_id INTO first_id FROM lpr_data.access_step AS s WHERE s.access_id = request AND s.action = 'approve' AND s.step = 'supervisor';
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = first_id FOR SHARE;
    IF NOT lpr_data.holds(first_id, 'lpr_supervisor') OR first_id IS DISTINCT FROM (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the first approval of request %s no longer counts', request),
                                'Who gave it is no longer the requester''s supervisor, or has lost the role.', 'Deny it; the requester asks anew.');
    END IF;
    IF NOT lpr_data.holds(a.person_id, 'lpr_user') THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the login of request %s cannot hold an entitlement', request),
                                'Only a personal login that is a member of lpr_user can.', 'Deny it.');
    END IF;
    UPDATE lpr_data.access AS x SET state = 'granted', granted_at = moment, ends_at = moment + valid_for WHERE x.access_id = request;
    PERFORM lpr_data.post(format('grant:%s', request), a.person_id, 'authorization',
                          jsonb_build_object('ends_on', to_char(moment + valid_for, 'YYYY-MM-DD'), 'systems', array_to_string(a.systems, ', '),
                                             'sources', array_to_string(a.sources, ', '), 'modes', array_to_string(a.modes, ', ')));
    RETURN 'granted';
END
$$;
REVOKE ALL ON FUNCTION lpr.approve(bigint, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.approve(bigint, text, interval)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.approve(bigint, text, interval) IS
    'Approves a request for access (A1): first the requester''s own supervisor, then a system owner, who is somebody else. Returns its state: approved, or granted after the second. reason: why it is right. valid_for: of the second, at most a year, the default. The grant sends the mail of authorization (A2). Errors LP024 and LP033 (not entitled to that step now), LP034 (nothing to decide), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.deny(request bigint, reason text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request);
    step text := lpr_data.deciding_step(a);
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.add_step(request, 'deny', step, lpr_data.me(), reason);
    UPDATE lpr_data.access AS x SET state = 'denied' WHERE x.access_id = request;
    PERFORM lpr_data.post(format('deny:%s', request), a.person_id, 'denied');
    RETURN 'denied';
END
$$;
REVOKE ALL ON FUNCTION lpr.deny(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.deny(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.deny(bigint, text) IS 'Denies a request for access, with the reason (A1); whoever could approve it may. Errors as of lpr.approve().';

CREATE FUNCTION lpr.withdraw_request(request bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request);
BEGIN
    IF a.person_id IS DISTINCT FROM lpr_data.me() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('request %s is not yours', request), 'A request is withdrawn by whoever made it.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    IF a.state NOT IN ('requested', 'approved') THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', request, a.state), 'Only a request that waits is withdrawn.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.add_step(request, 'withdraw', 'requester', a.person_id, reason);
    UPDATE lpr_data.access AS x SET state = 'withdrawn' WHERE x.access_id = request;
END
$$;
REVOKE ALL ON FUNCTION lpr.withdraw_request(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.withdraw_request(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.withdraw_request(bigint, text) IS 'Takes back a request of one''s own that still waits (A1).';

CREATE FUNCTION lpr_data.stop_access(request bigint, action text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request);
    who integer := lpr_data.me();
    step text;
BEGIN
    step := CASE WHEN lpr_data.holds(who, 'lpr_oversight') THEN 'oversight'
                 WHEN lpr_data.holds(who, 'lpr_system_owner') THEN 'system_owner'
                 WHEN lpr_data.holds(who, 'lpr_supervisor') AND action <> 'resume'
                      AND who = (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN 'supervisor' END;
    IF step IS NULL OR who = a.person_id THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('grant %s is not yours to %s', request, action),
                                'That is done by oversight or a system owner, and but for resuming by the person''s own supervisor; never by the person.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    IF a.state <> ALL (CASE action WHEN 'suspend' THEN '{granted}' WHEN 'resume' THEN '{suspended}' ELSE '{granted,suspended}' END::text[]) THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('grant %s is %s', request, a.state), format('It cannot be %s.', CASE action WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'resumed' ELSE 'revoked' END),
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    -- Whoever has to stop somebody at once writes later, but whoever lets somebody in again says why.
    IF action = 'resume' THEN
        PERFORM lpr_data.check_reason('reason', reason, 'A1');
    END IF;
    PERFORM lpr_data.add_step(request, action, step, who, reason);
    UPDATE lpr_data.access AS x SET state = CASE action WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'granted' ELSE 'revoked' END WHERE x.access_id = request;
    IF action <> 'resume' THEN
        PERFORM lpr_data.post(format('%s:%s:%s', action, request, (SELECT max(s.number) FROM lpr_data.access_step AS s WHERE s.access_id = request)), a.person_id,
                              CASE action WHEN 'suspend' THEN 'suspended' ELSE 'revoked' END);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.stop_access(bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.stop_access(bigint, text, text) IS 'Suspends, resumes or revokes a grant.';

CREATE FUNCTION lpr.suspend_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(suspend_access.request, 'suspend', suspend_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.suspend_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.suspend_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.suspend_access(bigint, text) IS 'Stops a grant from the next query on until it is resumed (A1): by the person''s own supervisor, a system owner or oversight.';

CREATE FUNCTION lpr.resume_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(resume_access.request, 'resume', resume_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.resume_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.resume_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.resume_access(bigint, text) IS 'Lets a suspended grant count again; its end stays (A1). By a system owner or oversight.';

CREATE FUNCTION lpr.revoke_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(revoke_access.request, 'revoke', revoke_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.revoke_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.revoke_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.revoke_access(bigint, text) IS 'Ends a grant for good, from the next query on (A1): by the person''s own supervisor, a system owner or oversight.';

-- Once a year a government lead looks at each person anew (A4).

CREATE TABLE lpr_data.recertification (
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    lead_id integer NOT NULL REFERENCES lpr_data.person CHECK (lead_id <> person_id),
    valid_until timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (person_id, at),
    CONSTRAINT a_year_at_most CHECK (valid_until > at AND valid_until AT TIME ZONE 'UTC' <= at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.recertification', '');
SELECT lpr_data.audit_changes_of('lpr_data.recertification');
SELECT lpr_data.only_adds('lpr_data.recertification');
COMMENT ON TABLE lpr_data.recertification IS 'Yearly confirmations by a government lead that a person is still to have access (A4).';
COMMENT ON COLUMN lpr_data.recertification.person_id IS 'Who was confirmed.';
COMMENT ON COLUMN lpr_data.recertification.at IS 'When.';
COMMENT ON COLUMN lpr_data.recertification.lead_id IS 'By whom: not the person, and none who approved a grant of theirs.';
COMMENT ON COLUMN lpr_data.recertification.valid_until IS 'Until when it counts; a year at the most.';
COMMENT ON COLUMN lpr_data.recertification.reason IS 'Why.';

CREATE FUNCTION lpr_data.certified_until(person_id integer)
    RETURNS timestamp with time zone
    LANGUAGE sql STABLE
RETURN coalesce((SELECT max(r.valid_until) FROM lpr_data.recertification AS r WHERE r.person_id = certified_until.person_id),
                (SELECT min(a.granted_at) FROM lpr_data.access AS a WHERE a.person_id = certified_until.person_id) + interval '1 year');
REVOKE ALL ON FUNCTION lpr_data.certified_until(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.certified_until(integer) IS 'Until when a person''s access counts as certified (A4): the last recertification, or before the first one a year from the first grant. NULL when there never was a grant.';

CREATE FUNCTION lpr.recertify(login text, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    lead integer;
    who integer := lpr_data.person_of(login);
    moment timestamptz;
BEGIN
    LOCK TABLE pg_catalog.pg_auth_members IN SHARE MODE;
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = who FOR NO KEY UPDATE;
    lead := lpr_data.acting('lpr_lead', 'A4');
    moment := clock_timestamp();
    IF lead = who THEN
        PERFORM lpr_data.refuse('A4', 'LP033', 'nobody recertifies themselves', 'A government lead who is somebody else does.', 'Ask another lead.');
    END IF;
    IF EXISTS (SELECT FROM lpr_data.access_step AS s JOIN lpr_data.access AS a ON a.access_id = s.access_id
               WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment AND s.action = 'approve' AND s.person_id = lead) THEN
        PERFORM lpr_data.refuse('A4', 'LP033', format('you approved the access of "%s" yourself', login), 'Recertification is by a lead who has not approved it.', 'Ask another lead.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment) THEN
        PERFORM lpr_data.refuse('A4', 'LP034', format('login "%s" has no access to recertify', login), 'A grant that has ended is requested anew.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A4');
    INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason) VALUES (who, moment, lead, moment + interval '1 year', recertify.reason);
    RETURN moment + interval '1 year';
END
$$;
REVOKE ALL ON FUNCTION lpr.recertify(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.recertify(text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr.recertify(text, text) IS
    'Confirms for another year that a person is to have access (A4), by a government lead who is neither the person nor one who approved it. Returns until when it counts. Without it access stops a year after the first grant or the last recertification, by the clock. Errors LP024 and LP033 (who may), LP034 (no access), LP043 (the reason says nothing).';
