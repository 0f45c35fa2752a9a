-- 41-access: how a person comes to be entitled, and ceases to be (A1, A4, A7). Two people say yes, none of them the one
-- who asks; every step stays on record.

CREATE TABLE lpr_data.system (
    system text COLLATE "C" PRIMARY KEY CHECK (system <> ''),
    name text NOT NULL,
    records text COLLATE "C" NOT NULL CHECK (records ~ '^[A-Z][A-Z0-9-]{0,39}$'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.system', 'system');
SELECT lpr_data.audit_changes_of('lpr_data.system', plain => '{name}');
COMMENT ON TABLE lpr_data.system IS 'The systems that people ask from (A7).';
COMMENT ON COLUMN lpr_data.system.system IS 'Short name.';
COMMENT ON COLUMN lpr_data.system.name IS 'Full name.';
COMMENT ON COLUMN lpr_data.system.records IS 'The system of records that what is kept for its events belongs to (E9).';
COMMENT ON COLUMN lpr_data.system.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.system (system, name, records, shipped)
VALUES ('ATS', 'Automated Targeting System', 'ATS', true),
       ('AFI', 'Analytical Framework for Intelligence', 'AFI', true),
       ('IRS-NG', 'Intelligence Reporting System - Next Generation', 'CIRS', true),
       ('TECS', 'TECS', 'TECS', true);

-- Requests and grants: one row from the request to the end; what was asked for never changes.

CREATE TABLE lpr_data.access (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    systems text[] COLLATE "C" NOT NULL CHECK (cardinality(systems) > 0),
    sources text[] COLLATE "C" NOT NULL CHECK (cardinality(sources) > 0),
    modes text[] COLLATE "C" NOT NULL CHECK (cardinality(modes) > 0 AND modes <@ '{plate,location,vehicle,display}'),
    need_to_know text NOT NULL,
    requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'granted',
                                                                         'suspended', 'revoked', 'denied',
                                                                         'withdrawn')),
    granted_at timestamp with time zone,
    ends_at timestamp with time zone,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT granted_has_dates CHECK ((state IN ('granted', 'suspended', 'revoked')) = (granted_at IS NOT NULL)
                                        AND (granted_at IS NULL) = (ends_at IS NULL)),
    CONSTRAINT a_year_at_most
        CHECK (ends_at > granted_at AND ends_at AT TIME ZONE 'UTC' <= granted_at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_access_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.access', free => '{need_to_know}');
CREATE INDEX access_person ON lpr_data.access (person_id);
-- A constraint and not a lock on the person: while an open transaction held that, the person could be neither retired
-- nor suspended.
CREATE UNIQUE INDEX access_one_under_way ON lpr_data.access (person_id) WHERE state IN ('requested', 'approved');
COMMENT ON TABLE lpr_data.access IS
    'Requests for access and what became of them (A1). A grant ends by the clock, after a year at the latest: nothing '
    'has to run for that.';
COMMENT ON COLUMN lpr_data.access.access_id IS 'Number of the request and of its grant.';
COMMENT ON COLUMN lpr_data.access.person_id IS 'Who is to have access.';
COMMENT ON COLUMN lpr_data.access.systems IS 'From which systems (A7).';
COMMENT ON COLUMN lpr_data.access.sources IS 'To which sources (A7, Q10).';
COMMENT ON COLUMN lpr_data.access.modes IS
    'How it may be asked: plate, location, vehicle (A7, Q8); display: plates may be watched (D1).';
COMMENT ON COLUMN lpr_data.access.need_to_know IS 'Why the person needs it.';
COMMENT ON COLUMN lpr_data.access.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr_data.access.state IS
    'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn. A granted one whose '
    'time is over has lapsed.';
COMMENT ON COLUMN lpr_data.access.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr_data.access.ends_at IS 'When it lapses; a year after granted_at at the latest.';
COMMENT ON COLUMN lpr_data.access.text_salt IS
    'What its free texts are hashed with for the audit log.';

CREATE TABLE lpr_data.access_step (
    access_id bigint NOT NULL REFERENCES lpr_data.access ON DELETE CASCADE,
    number smallint NOT NULL CHECK (number > 0),
    action text COLLATE "C" NOT NULL CHECK (action IN ('request', 'approve', 'deny', 'withdraw', 'suspend', 'resume',
                                                       'revoke')),
    step text COLLATE "C" NOT NULL CHECK (step IN ('requester', 'supervisor', 'system_owner', 'oversight',
                                                   'administrator')),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    acted_for integer REFERENCES lpr_data.person,
    PRIMARY KEY (access_id, number),
    CONSTRAINT for_somebody_else CHECK (acted_for <> person_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_step', '');
SELECT lpr_data.audit_changes_of('lpr_data.access_step', free => '{reason}');
-- By different people, none of them the requester; and each step once.
CREATE UNIQUE INDEX access_step_different_people ON lpr_data.access_step (access_id, person_id)
    WHERE action IN ('request', 'approve');
CREATE UNIQUE INDEX access_step_once ON lpr_data.access_step (access_id, step) WHERE action IN ('request', 'approve');
COMMENT ON TABLE lpr_data.access_step IS 'Every step of every request, only ever added to (A1).';
COMMENT ON COLUMN lpr_data.access_step.access_id IS 'The request.';
COMMENT ON COLUMN lpr_data.access_step.number IS '1, 2, 3, ... of that request.';
COMMENT ON COLUMN lpr_data.access_step.action IS 'What was done.';
COMMENT ON COLUMN lpr_data.access_step.step IS
    'As what: requester, supervisor, system_owner, oversight or administrator.';
COMMENT ON COLUMN lpr_data.access_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.access_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.access_step.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.access_step.text_salt IS
    'What its free texts are hashed with for the audit log.';
COMMENT ON COLUMN lpr_data.access_step.acted_for IS 'In whose stead, by a deputy; NULL = nobody''s.';

SELECT lpr_data.only_adds('lpr_data.access', 'state', 'granted_at', 'ends_at'),
       lpr_data.only_adds('lpr_data.access_step');

CREATE FUNCTION lpr_data.entitlements(person_id integer, moment timestamp with time zone)
    RETURNS TABLE (access_id bigint, state text, systems text[], sources text[], modes text[],
                   granted_at timestamp with time zone, ends_at timestamp with time zone, holds boolean)
    LANGUAGE sql STABLE
AS $$
    SELECT a.access_id, a.state, a.systems, a.sources, a.modes, a.granted_at, a.ends_at,
           -- A state is a word; the two approvals, by two others, are what it stands for.
           (a.state = 'granted' AND moment >= a.granted_at AND moment < a.ends_at) IS TRUE
               AND EXISTS (SELECT FROM lpr_data.access_step AS f
                           JOIN lpr_data.access_step AS s ON s.access_id = f.access_id
                           WHERE f.access_id = a.access_id
                             AND f.action = 'approve' AND f.step = 'supervisor' AND f.person_id <> a.person_id
                             AND s.action = 'approve' AND s.step = 'system_owner' AND s.person_id <> a.person_id
                             AND f.person_id <> s.person_id)
    FROM lpr_data.access AS a
    WHERE a.person_id = entitlements.person_id
$$;
COMMENT ON FUNCTION lpr_data.entitlements(integer, timestamp with time zone) IS
    'What a person was entitled to or asked for, and whether it holds at a moment: granted, not over, and with both '
    'approvals on record, by two different people who are not the person (A1, A7). The gate, lpr_data.is_entitled() '
    'and lpr.my_access go by it.';

CREATE FUNCTION lpr_data.access_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (CASE OLD.state WHEN 'requested' THEN NEW.state IN ('approved', 'denied', 'withdrawn')
                           WHEN 'approved' THEN NEW.state IN ('granted', 'denied', 'withdrawn')
                           WHEN 'granted' THEN NEW.state IN ('suspended', 'revoked')
                           WHEN 'suspended' THEN NEW.state IN ('granted', 'revoked')
                           ELSE false END
            AND (OLD.state = 'approved'
                 OR (NEW.granted_at, NEW.ends_at) IS NOT DISTINCT FROM (OLD.granted_at, OLD.ends_at))
            -- The step that moves it is on record first; a grant has both approvals.
            AND EXISTS (SELECT FROM lpr_data.access_step AS s
                        WHERE s.access_id = NEW.access_id
                          AND s.number = (SELECT max(l.number) FROM lpr_data.access_step AS l
                                          WHERE l.access_id = NEW.access_id)
                          AND s.action = CASE NEW.state WHEN 'approved' THEN 'approve' WHEN 'denied' THEN 'deny'
                                         WHEN 'withdrawn' THEN 'withdraw' WHEN 'suspended' THEN 'suspend'
                                         WHEN 'revoked' THEN 'revoke'
                                         ELSE CASE OLD.state WHEN 'approved' THEN 'approve' ELSE 'resume' END END)
            AND (OLD.state <> 'approved' OR NEW.state <> 'granted'
                 OR (SELECT count(*) = 2 FROM lpr_data.access_step AS s
                     WHERE s.access_id = NEW.access_id AND s.action = 'approve'))) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('%s of a grant that is %s is refused',
                             CASE WHEN NEW.state = OLD.state THEN 'a change' ELSE 'making ' || NEW.state END,
                             OLD.state),
            DETAIL = 'A request moves by steps that are on record; the dates of a grant never change.',
            HINT = 'Use lpr.approve(), deny(), withdraw_request(), suspend_access(), resume_access() or '
                   'revoke_access().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.access_moves() IS
    'Trigger of lpr_data.access: a request moves from state to state only as the workflow has it, and only after the '
    'step that is on record (A1).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.access FOR EACH ROW EXECUTE FUNCTION lpr_data.access_moves();
ALTER TABLE lpr_data.access ENABLE ALWAYS TRIGGER moves;

CREATE FUNCTION lpr_data.add_step(access_id bigint, action text, step text, person_id integer, reason text,
                                  acted_for integer DEFAULT NULL)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason, acted_for)
    SELECT add_step.access_id, coalesce(max(s.number), 0) + 1, add_step.action, add_step.step, add_step.person_id,
           add_step.reason, add_step.acted_for
    FROM lpr_data.access_step AS s WHERE s.access_id = add_step.access_id;
END;
COMMENT ON FUNCTION lpr_data.add_step(bigint, text, text, integer, text, integer) IS
    'Adds a step to a request; its row is locked by the caller.';

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
    SELECT format('system "%s" does not exist', s) INTO unknown FROM unnest(systems) AS s
    WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.system AS k WHERE k.system = s COLLATE "C");
    IF unknown IS NULL THEN
        SELECT format('source "%s" does not exist', s) INTO unknown FROM unnest(sources) AS s
        WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.source AS k WHERE k.name = s COLLATE "C");
    END IF;
    IF unknown IS NULL THEN
        SELECT format('mode "%s" does not exist', m) INTO unknown FROM unnest(modes) AS m
        WHERE m IS NULL OR m NOT IN ('plate', 'location', 'vehicle', 'display');
    END IF;
    IF unknown IS NOT NULL OR (cardinality(systems) > 0 AND cardinality(sources) > 0
                               AND cardinality(modes) > 0) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = coalesce(unknown, 'a request names systems, sources and modes'),
            DETAIL = format('Systems: %s. Sources: %s. Modes: plate, location, vehicle, display.',
                            (SELECT string_agg(s.system, ', ' ORDER BY s.system) FROM lpr_data.system AS s),
                            coalesce((SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM lpr_data.source AS s),
                                     'none')),
            HINT = 'For instance lpr.request_access(''{ATS}'', ''{acme}'', ''{plate}'', ''...why you need it...'');';
    END IF;
    IF (SELECT p.supervisor_id IS NULL FROM lpr_data.person AS p WHERE p.person_id = who) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you have no supervisor on record',
                                'The first approval is your supervisor''s.',
                                'Ask an administrator: SELECT lpr.change_person(..., supervisor => ...).');
    END IF;
    SELECT a.access_id INTO request FROM lpr_data.access AS a
    WHERE a.person_id = who AND a.state IN ('requested', 'approved') LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('your request %s still waits', request),
                                'A person has one request under way at a time.',
                                format('SELECT lpr.withdraw_request(%s, ''...why...''); first, or wait.', request));
    END IF;
    PERFORM lpr_data.check_reason('need-to-know statement', need_to_know, 'A1', NULL,
                                  ARRAY(SELECT a.need_to_know FROM lpr_data.access AS a
                                        WHERE a.person_id = who AND a.state = 'denied' ORDER BY a.access_id DESC
                                        LIMIT 1));
    INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know)
    VALUES (who, ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(systems) AS s ORDER BY 1),
            ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(sources) AS s ORDER BY 1),
            ARRAY(SELECT DISTINCT m COLLATE "C" FROM unnest(modes) AS m ORDER BY 1), request_access.need_to_know)
    RETURNING access_id INTO request;
    PERFORM lpr_data.add_step(request, 'request', 'requester', who, need_to_know);
    PERFORM lpr_data.post(format('request:%s:supervisor', request), p.supervisor_id, 'request_waiting',
                          jsonb_build_object('requester', p.name))
    FROM lpr_data.person AS p WHERE p.person_id = who;
    PERFORM lpr_data.post(format('request:%s:deputy:%s', request, d), d, 'request_waiting',
                          jsonb_build_object('requester', p.name))
    FROM lpr_data.person AS p CROSS JOIN LATERAL lpr_data.deputies_of(p.supervisor_id, 'lpr_supervisor') AS d
    WHERE p.person_id = who AND d <> who;
    RETURN request;
EXCEPTION WHEN unique_violation THEN
    PERFORM lpr_data.refuse('A1', 'LP034', 'your request of another session still waits',
                            'A person has one request under way at a time.', 'SELECT * FROM lpr.access_requests;');
END
$$;
GRANT EXECUTE ON FUNCTION lpr.request_access(text[], text[], text[], text) TO lpr_member;
COMMENT ON FUNCTION lpr.request_access(text[], text[], text[], text) IS
    'Asks for access (A1): to sources, from systems (ATS, AFI, IRS-NG, TECS), by modes (plate, location, vehicle; '
    'display, to watch plates: A7), with the reason why you need to know. Returns the number of the request. First '
    'your supervisor approves, then a system owner, who are different people; each may deny with a reason. What was '
    'asked for never changes: withdraw it and ask anew. Errors LP024 and LP033 (who may ask), LP034 (one waits '
    'already), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.lock_roles()
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_lock_roles';
COMMENT ON FUNCTION lpr_data.lock_roles() IS
    'Locks who is in which role until the end of the transaction: GRANT and REVOKE of roles wait for it, and it for '
    'them. LOCK TABLE would need a right to change it.';

CREATE FUNCTION lpr_data.refuse_request(request bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.refuse('A1', 'LP033', format('request %s does not exist or is not yours to decide',
                                                  coalesce(request::text, 'NULL')),
                            'Who made a request withdraws it; their own supervisor and then a system owner decide '
                            'about it; a grant is stopped by these or oversight, never by the person.',
                            'SELECT * FROM lpr.access_requests; shows those that you see.');
END
$$;
COMMENT ON FUNCTION lpr_data.refuse_request(bigint) IS
    'The same refusal of a request that does not exist and of one that is another''s (LP033): nobody learns which.';

CREATE FUNCTION lpr_data.lock_request(request bigint, who_may boolean)
    RETURNS lpr_data.access
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access;
BEGIN
    -- GRANT and REVOKE of roles wait for us, and we for them: no one is demoted between our look and our commit.
    IF who_may THEN
        PERFORM lpr_data.check_isolation();
        PERFORM lpr_data.lock_roles();
    END IF;
    SELECT * INTO a FROM lpr_data.access AS x WHERE x.access_id = request FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse_request(request);
    END IF;
    -- The people concerned do not change either: who is whose supervisor, who has left, who is whose deputy.
    IF who_may THEN
        PERFORM FROM lpr_data.deputy AS d WHERE d.acts_id = lpr_data.me() AND d.ended_at IS NULL
            ORDER BY d.deputy_id FOR SHARE;
        PERFORM FROM lpr_data.person AS p WHERE p.person_id IN (a.person_id, lpr_data.me())
            ORDER BY p.person_id FOR SHARE;
    END IF;
    RETURN a;
END
$$;
COMMENT ON FUNCTION lpr_data.lock_request(bigint, boolean) IS
    'The request, locked until the end of the transaction. who_may: and with it who may decide about it; not for what '
    'stops access, which waits for nobody''s open transaction but one about the same grant.';

CREATE FUNCTION lpr_data.deciding_step(a lpr_data.access, OUT step text, OUT acted_for integer)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer;
BEGIN
    step := CASE a.state WHEN 'requested' THEN 'supervisor' WHEN 'approved' THEN 'system_owner' END;
    IF step IS NULL THEN
        -- A person who decides about nothing learns nothing of others' requests.
        IF NOT lpr_data.holds(lpr_data.me(), 'lpr_supervisor') THEN
            PERFORM lpr_data.acting('lpr_system_owner', 'A1');
        END IF;
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', a.access_id, a.state),
                                'Only a request that waits is approved or denied.',
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    who := lpr_data.acting('lpr_' || step, 'A1');
    IF who = a.person_id THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you cannot decide about your own request',
                                'Access is approved by two other people.',
                                'Wait for your supervisor and a system owner.');
    END IF;
    IF step = 'supervisor' THEN
        IF NOT lpr_data.supervises(who, a.person_id) THEN
            PERFORM lpr_data.refuse_request(a.access_id);
        END IF;
        acted_for := lpr_data.supervising_for(who, a.person_id);
    ELSE
        acted_for := lpr_data.in_stead(who, 'lpr_system_owner', a.person_id, 'A1');
    END IF;
    -- What a deputy approved has been approved by the one in whose stead as well.
    IF EXISTS (SELECT FROM lpr_data.access_step AS s
               WHERE s.access_id = a.access_id AND s.action = 'approve'
                 AND (s.person_id IN (who, deciding_step.acted_for)
                      OR s.acted_for IN (who, deciding_step.acted_for))) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('you have approved request %s already', a.access_id),
                                'The two approvals are given by different people, and in the stead of different ones.',
                                'Another system owner has to decide.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.deciding_step(lpr_data.access) IS
    'As what the caller decides about a locked request: supervisor or system_owner; and in whose stead, if as a '
    'deputy. Errors LP024, LP033 (not entitled to that step) and LP034 (nothing to decide), and those of a deputy''s '
    'session.';

CREATE FUNCTION lpr_data.first_counts(a lpr_data.access)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    supervisor integer := (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id);
    s lpr_data.access_step;
BEGIN
    SELECT x.* INTO s FROM lpr_data.access_step AS x
    WHERE x.access_id = a.access_id AND x.action = 'approve' AND x.step = 'supervisor';
    PERFORM FROM lpr_data.person AS p WHERE p.person_id IN (s.person_id, s.acted_for) ORDER BY p.person_id FOR SHARE;
    IF (coalesce(s.acted_for, s.person_id) = supervisor
        AND lpr_data.is_member(supervisor, 'lpr_supervisor')) IS NOT TRUE THEN
        RETURN false;
    END IF;
    -- A deputy's counts though the time is over, but not if it was ended before.
    RETURN s.acted_for IS NULL
        OR lpr_data.can_act(s.person_id, 'lpr_supervisor')
           AND EXISTS (SELECT FROM lpr_data.deputy AS d
                       WHERE d.acts_id = s.person_id AND d.person_id = s.acted_for AND d.role = 'lpr_supervisor'
                         AND d.ended_at IS NULL AND s.at >= d.since AND s.at < d.until);
END
$$;
COMMENT ON FUNCTION lpr_data.first_counts(lpr_data.access) IS
    'Whether the first approval of a request still counts: who gave it, or in whose stead a deputy did, is the '
    'requester''s supervisor and in the role; that of somebody demoted since does not.';

CREATE FUNCTION lpr.approve(request bigint, reason text, valid_for interval DEFAULT '1 year')
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting_in('A1', 'lpr_supervisor', 'lpr_system_owner');
    a lpr_data.access := lpr_data.lock_request(request, true);
    d record := lpr_data.deciding_step(a);
    moment timestamptz := clock_timestamp();
BEGIN
    -- Compared as moments: a month has no fixed number of days. An interval that no moment can be added to is too long
    -- anyhow.
    IF (CASE WHEN valid_for BETWEEN interval '-2 years' AND interval '2 years' THEN moment + valid_for > moment
             AND moment + valid_for <= moment + interval '1 year' END) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A1', '22023', format('not a time of validity: %s', coalesce(valid_for::text, 'NULL')),
                                'A grant ends after a year at the latest.',
                                'For instance valid_for => ''6 months''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.check_trained(a.person_id);
    PERFORM lpr_data.add_step(request, 'approve', d.step, lpr_data.me(), reason, d.acted_for);
    IF d.step = 'supervisor' THEN
        UPDATE lpr_data.access AS x SET state = 'approved' WHERE x.access_id = request;
        PERFORM lpr_data.post(format('request:%s:system_owner:%s', request, o.person_id), o.person_id,
                              'request_waiting', jsonb_build_object('requester', p.name))
        FROM lpr_data.person AS o CROSS JOIN lpr_data.person AS p
        WHERE p.person_id = a.person_id AND o.person_id NOT IN (a.person_id, lpr_data.me())
          AND lpr_data.holds(o.person_id, 'lpr_system_owner');
        RETURN 'approved';
    END IF;
    IF NOT lpr_data.first_counts(a) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the first approval of request %s no longer counts', request),
                                'Who gave it, or in whose stead, is no longer the requester''s supervisor, or has lost '
                                'the role.',
                                'Deny it; the requester asks anew.');
    END IF;
    IF NOT lpr_data.holds(a.person_id, 'lpr_user') THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the login of request %s cannot hold an entitlement', request),
                                'Only a personal login that is a member of lpr_user can.', 'Deny it.');
    END IF;
    UPDATE lpr_data.access AS x SET state = 'granted', granted_at = moment, ends_at = moment + valid_for
    WHERE x.access_id = request;
    PERFORM lpr_data.post(format('grant:%s', request), a.person_id, 'authorization',
                          jsonb_build_object('ends_on', to_char(moment + valid_for, 'YYYY-MM-DD'),
                                             'systems', array_to_string(a.systems, ', '),
                                             'sources', array_to_string(a.sources, ', '),
                                             'modes', array_to_string(a.modes, ', ')));
    RETURN 'granted';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.approve(bigint, text, interval) TO lpr_member;
COMMENT ON FUNCTION lpr.approve(bigint, text, interval) IS
    'Approves a request for access (A1): first the requester''s own supervisor, then a system owner, who is somebody '
    'else; for each a deputy may (lpr.deputise()). Returns its state: approved, or granted after the second. reason: '
    'why it is right. valid_for: of the second, at most a year, the default. The grant sends the mail of authorization '
    '(A2). Errors LP024 and LP033 (not entitled to that step now), LP026 (the person is not trained: A3), LP034 '
    '(nothing to decide), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.deny(request bigint, reason text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting_in('A1', 'lpr_supervisor', 'lpr_system_owner');
    a lpr_data.access := lpr_data.lock_request(request, true);
    d record := lpr_data.deciding_step(a);
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.add_step(request, 'deny', d.step, lpr_data.me(), reason, d.acted_for);
    UPDATE lpr_data.access AS x SET state = 'denied' WHERE x.access_id = request;
    PERFORM lpr_data.post(format('deny:%s', request), a.person_id, 'denied');
    RETURN 'denied';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.deny(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.deny(bigint, text) IS
    'Denies a request for access, with the reason (A1), by a person who could approve it. Errors as of lpr.approve().';

CREATE FUNCTION lpr.withdraw_request(request bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.registered('A1');
    a lpr_data.access := lpr_data.lock_request(request, false);
BEGIN
    IF a.person_id <> who THEN
        PERFORM lpr_data.refuse_request(request);
    END IF;
    IF a.state NOT IN ('requested', 'approved') THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', request, a.state),
                                'Only a request that waits is withdrawn.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.check_given(reason, 'A1');
    PERFORM lpr_data.add_step(request, 'withdraw', 'requester', a.person_id, reason);
    UPDATE lpr_data.access AS x SET state = 'withdrawn' WHERE x.access_id = request;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.withdraw_request(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.withdraw_request(bigint, text) IS 'Takes back a request of your own that still waits (A1).';

CREATE FUNCTION lpr_data.stop_access(request bigint, action text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting_in('A1', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight');
    a lpr_data.access := lpr_data.lock_request(request, action = 'resume');
    step text;
    principal integer;
BEGIN
    step := CASE WHEN lpr_data.holds(who, 'lpr_oversight') THEN 'oversight'
                 WHEN lpr_data.holds(who, 'lpr_system_owner') THEN 'system_owner'
                 WHEN action <> 'resume' AND lpr_data.supervises(who, a.person_id) THEN 'supervisor' END;
    IF step IS NULL OR who = a.person_id THEN
        PERFORM lpr_data.refuse_request(request);
    END IF;
    principal := CASE step WHEN 'supervisor' THEN lpr_data.supervising_for(who, a.person_id)
                           WHEN 'system_owner' THEN lpr_data.in_stead(who, 'lpr_system_owner', a.person_id, 'A1') END;
    IF a.state <> ALL (CASE action WHEN 'suspend' THEN '{granted}' WHEN 'resume' THEN '{suspended}'
                            ELSE '{granted,suspended}' END::text[]) THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('grant %s is %s', request, a.state),
                                format('It cannot be %s.', CASE action WHEN 'suspend' THEN 'suspended'
                                                                WHEN 'resume' THEN 'resumed' ELSE 'revoked' END),
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    IF action = 'resume' AND step <> 'oversight'
       AND 'oversight' = (SELECT s.step FROM lpr_data.access_step AS s
                          WHERE s.access_id = request AND s.action = 'suspend' ORDER BY s.number DESC LIMIT 1) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('grant %s was suspended by oversight', request),
                                'Who resumes a grant is not below who suspended it.', 'Ask oversight.');
    END IF;
    -- To stop access at once needs no reason, which is written later; to let a person in again does.
    IF action = 'resume' THEN
        PERFORM lpr_data.check_reason('reason', reason, 'A1');
    ELSE
        PERFORM lpr_data.check_given(reason, 'A1');
    END IF;
    PERFORM lpr_data.add_step(request, action, step, who, reason, principal);
    UPDATE lpr_data.access AS x SET state = CASE action WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'granted'
                                                 ELSE 'revoked' END WHERE x.access_id = request;
    IF action <> 'resume' THEN
        PERFORM lpr_data.post(format('%s:%s:%s', action, request,
                                     (SELECT max(s.number) FROM lpr_data.access_step AS s WHERE s.access_id = request)),
                              a.person_id,
                              CASE action WHEN 'suspend' THEN 'suspended' ELSE 'revoked' END);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.stop_access(bigint, text, text) IS 'Suspends, resumes or revokes a grant.';

CREATE FUNCTION lpr_data.stop_all_access(leaver integer)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access;
    -- A superuser who is not registered has no row of their own: the reason names the login.
    who integer := coalesce(lpr_data.me(), leaver);
BEGIN
    FOR a IN SELECT x.* FROM lpr_data.access AS x
             WHERE x.person_id = leaver AND x.state IN ('requested', 'approved', 'granted')
             ORDER BY x.access_id FOR NO KEY UPDATE
    LOOP
        PERFORM lpr_data.add_step(a.access_id, CASE a.state WHEN 'granted' THEN 'suspend' ELSE 'withdraw' END,
                                  'administrator', who,
                                  format('The person has left; retired by login %I.', lpr.login()));
        UPDATE lpr_data.access AS x SET state = CASE a.state WHEN 'granted' THEN 'suspended' ELSE 'withdrawn' END
        WHERE x.access_id = a.access_id;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.stop_all_access(integer) IS
    'Suspends all grants and withdraws all requests of a person who has left (A1).';

CREATE FUNCTION lpr.suspend_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(suspend_access.request, 'suspend', suspend_access.reason);
END;
GRANT EXECUTE ON FUNCTION lpr.suspend_access(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.suspend_access(bigint, text) IS
    'Stops a grant from the next query on until it is resumed (A1): by the person''s own supervisor, a system owner '
    'or oversight.';

CREATE FUNCTION lpr.resume_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(resume_access.request, 'resume', resume_access.reason);
END;
GRANT EXECUTE ON FUNCTION lpr.resume_access(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.resume_access(bigint, text) IS
    'Lets a suspended grant count again; its end stays (A1). By a system owner or oversight; what oversight suspended '
    'by oversight only.';

CREATE FUNCTION lpr.revoke_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(revoke_access.request, 'revoke', revoke_access.reason);
END;
GRANT EXECUTE ON FUNCTION lpr.revoke_access(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.revoke_access(bigint, text) IS
    'Ends a grant for good, from the next query on (A1): by the person''s own supervisor, a system owner or oversight.';

CREATE VIEW lpr.access_requests WITH (security_barrier) AS
SELECT a.access_id AS request, p.login, p.name, a.systems, a.sources, a.modes, a.need_to_know,
       CASE WHEN a.state = 'granted' AND a.ends_at <= clock_timestamp() THEN 'lapsed' ELSE a.state END AS state,
       CASE a.state WHEN 'requested' THEN coalesce('supervisor ' || s.login, 'a supervisor on record')
                                          || coalesce((SELECT ' or deputy ' || string_agg(DISTINCT b.login, ', ')
                                                       FROM lpr_data.deputy AS d
                                                       JOIN lpr_data.person AS b ON b.person_id = d.acts_id
                                                       WHERE d.person_id = s.person_id AND d.role = 'lpr_supervisor'
                                                         AND d.ended_at IS NULL AND d.until > clock_timestamp()
                                                         AND b.person_id <> a.person_id), '')
            WHEN 'approved' THEN 'a system owner' END AS waits_for,
       a.requested_at, a.granted_at, a.ends_at
FROM lpr_data.access AS a
JOIN lpr_data.person AS p ON p.person_id = a.person_id
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.access_requests TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_requests IS
    'Requests for access and the grants that came of them (A1): your own; supervisors see those of their people '
    'too, system owners, leads, privacy and oversight all.';
COMMENT ON COLUMN lpr.access_requests.request IS 'Number of the request, as lpr.approve() and the others take it.';
COMMENT ON COLUMN lpr.access_requests.login IS 'Who is to have access.';
COMMENT ON COLUMN lpr.access_requests.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_requests.systems IS 'From which systems.';
COMMENT ON COLUMN lpr.access_requests.sources IS 'To which sources.';
COMMENT ON COLUMN lpr.access_requests.modes IS
    'How it may be asked: plate, location, vehicle; display: whether plates may be watched.';
COMMENT ON COLUMN lpr.access_requests.need_to_know IS 'Why it is needed.';
COMMENT ON COLUMN lpr.access_requests.state IS
    'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn, or lapsed: granted, and '
    'over.';
COMMENT ON COLUMN lpr.access_requests.waits_for IS 'Of one that waits: who decides next.';
COMMENT ON COLUMN lpr.access_requests.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr.access_requests.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr.access_requests.ends_at IS 'When the grant lapses.';

CREATE VIEW lpr.access_history WITH (security_barrier) AS
SELECT t.access_id AS request, t.number, t.at, p.login, t.action, b.login AS by_login, b.name AS by_name,
       t.step AS acting_as, t.reason, f.login AS acting_for
FROM lpr_data.access_step AS t
JOIN lpr_data.access AS a ON a.access_id = t.access_id
JOIN lpr_data.person AS p ON p.person_id = a.person_id
JOIN lpr_data.person AS b ON b.person_id = t.person_id
LEFT JOIN lpr_data.person AS f ON f.person_id = t.acted_for;
GRANT SELECT ON lpr.access_history TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_history IS
    'Every step of the requests that lpr.access_requests shows: who did what, as what, when and why (A1).';
COMMENT ON COLUMN lpr.access_history.request IS 'Number of the request.';
COMMENT ON COLUMN lpr.access_history.number IS 'Of the step: 1, 2, 3, ...';
COMMENT ON COLUMN lpr.access_history.at IS 'When.';
COMMENT ON COLUMN lpr.access_history.login IS 'Whose access it is about.';
COMMENT ON COLUMN lpr.access_history.action IS 'request, approve, deny, withdraw, suspend, resume or revoke.';
COMMENT ON COLUMN lpr.access_history.by_login IS
    'Who did it; when a superuser who is not registered retires somebody, that person: the reason names the login.';
COMMENT ON COLUMN lpr.access_history.by_name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_history.acting_as IS
    'As what: requester, supervisor, system_owner, oversight, or administrator when the person left.';
COMMENT ON COLUMN lpr.access_history.reason IS 'Why.';
COMMENT ON COLUMN lpr.access_history.acting_for IS 'In whose stead, by a deputy (lpr.deputies); NULL = nobody''s.';
