-- 44-event: what a question is for (Q7, E1, E4): events, who works on them, and the purposes and authorities they rest
-- on.

CREATE TABLE lpr_data.purpose (
    purpose text COLLATE "C" PRIMARY KEY CHECK (purpose ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.purpose', 'purpose');
SELECT lpr_data.audit_changes_of('lpr_data.purpose', plain => '{title}');
COMMENT ON TABLE lpr_data.purpose IS
    'The purposes that the privacy assessment names, and what an administrator added (Q7).';
COMMENT ON COLUMN lpr_data.purpose.purpose IS 'Code.';
COMMENT ON COLUMN lpr_data.purpose.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.purpose.active IS 'Whether a new event may rest on it.';
COMMENT ON COLUMN lpr_data.purpose.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.purpose (purpose, title, shipped)
VALUES ('locate_subject', 'Locate the subject of a criminal investigation', true),
       ('wanted_person', 'Locate a wanted person', true),
       ('illegal_entry', 'Locate a person who entered the United States illegally', true),
       ('immigration_target', 'Locate an at-large criminal alien or immigration fugitive', true),
       ('contraband', 'Follow a vehicle suspected of carrying contraband, such as smuggled goods', true),
       ('suspect', 'Identify a suspect in an investigation, or rule one out', true),
       ('known_address', 'Connection between a vehicle and an address known for criminal activity', true),
       ('border_crossing', 'Person or vehicle that may need additional scrutiny when crossing the border', true),
       ('terrorism', 'Identify and locate a suspect involved in terrorist activities', true);

CREATE TABLE lpr_data.authority (
    authority text COLLATE "C" PRIMARY KEY CHECK (authority ~ '^[a-z][a-z0-9_]{0,39}$'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]'),
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.authority', 'authority');
SELECT lpr_data.audit_changes_of('lpr_data.authority', plain => '{citation}');
COMMENT ON TABLE lpr_data.authority IS
    'The legal authorities that the privacy assessment names, and what an administrator added (Q7).';
COMMENT ON COLUMN lpr_data.authority.authority IS 'Code.';
COMMENT ON COLUMN lpr_data.authority.citation IS 'The law.';
COMMENT ON COLUMN lpr_data.authority.active IS 'Whether a new event may rest on it.';
COMMENT ON COLUMN lpr_data.authority.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.authority (authority, citation, shipped)
VALUES ('tariff_act', 'Tariff Act of 1930, as amended', true),
       ('ina', 'Immigration and Nationality Act', true),
       ('title_18', 'Title 18, United States Code', true),
       ('title_19', 'Title 19, United States Code', true),
       ('title_21', 'Title 21, United States Code', true),
       ('title_31', 'Title 31, United States Code', true);

CREATE TABLE lpr_data.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text COLLATE "C" NOT NULL REFERENCES lpr_data.system,
    title text NOT NULL CHECK (char_length(btrim(title)) BETWEEN 3 AND 200 AND title !~ '[[:cntrl:]]'),
    purpose text COLLATE "C" NOT NULL REFERENCES lpr_data.purpose,
    authority text COLLATE "C" NOT NULL REFERENCES lpr_data.authority,
    matter_reference text NOT NULL CHECK (char_length(btrim(matter_reference)) BETWEEN 3 AND 100
                                          AND matter_reference !~ '[[:cntrl:]]'),
    reason text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    outcome text CHECK (char_length(outcome) BETWEEN 3 AND 4000),
    waits_since timestamp with time zone,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT ends_after_it_opens CHECK (ends_at > opened_at),
    CONSTRAINT closed_with_outcome CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_event_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.event', free => '{title,matter_reference,reason,outcome}');
SELECT lpr_data.only_adds('lpr_data.event', 'ends_at', 'closed_at', 'outcome', 'waits_since');

CREATE FUNCTION lpr_data.event_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL OR NEW.ends_at < OLD.ends_at
       OR (NEW.ends_at > OLD.ends_at AND NEW.ends_at > clock_timestamp() + interval '1 year') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of event %s is refused', OLD.event_id),
            DETAIL = 'A closed event stays as it is; an open one is extended, to at most a year from now.',
            HINT = 'Use lpr.extend_event() or lpr.close_event().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.event_moves() IS
    'Trigger of lpr_data.event: what is closed stays closed, and no end comes to lie more than a year ahead (Q7).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.event FOR EACH ROW EXECUTE FUNCTION lpr_data.event_moves();
ALTER TABLE lpr_data.event ENABLE ALWAYS TRIGGER moves;
COMMENT ON TABLE lpr_data.event IS
    'The ongoing enforcement or border-security matters that questions are asked for (Q7); a research project of AFI '
    'and a workspace of IRS-NG is one as well.';
COMMENT ON COLUMN lpr_data.event.event_id IS 'Number, as lpr.reads.event_id has it.';
COMMENT ON COLUMN lpr_data.event.system IS 'The system that it belongs to (A7).';
COMMENT ON COLUMN lpr_data.event.title IS 'Title, 3 to 200 characters.';
COMMENT ON COLUMN lpr_data.event.purpose IS 'Purpose.';
COMMENT ON COLUMN lpr_data.event.authority IS 'Legal authority.';
COMMENT ON COLUMN lpr_data.event.matter_reference IS
    'Number of the matter in the system where it is led, 3 to 100 characters.';
COMMENT ON COLUMN lpr_data.event.reason IS 'Why reads are needed for it.';
COMMENT ON COLUMN lpr_data.event.opened_at IS 'When it was opened.';
COMMENT ON COLUMN lpr_data.event.ends_at IS
    'Until when it may be asked for; lpr.extend_event() extends it, by a year at a time at the most.';
COMMENT ON COLUMN lpr_data.event.closed_at IS 'When it was closed.';
COMMENT ON COLUMN lpr_data.event.outcome IS 'How it ended.';
COMMENT ON COLUMN lpr_data.event.waits_since IS
    'Since when it waits for an owner: who owned it has left, and nobody asks for it (A1). NULL = it has one.';
COMMENT ON COLUMN lpr_data.event.text_salt IS
    'What its free texts are hashed with for the audit log.';

CREATE TABLE lpr_data.event_member (
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    owner boolean NOT NULL DEFAULT false,
    added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    added_by integer NOT NULL REFERENCES lpr_data.person,
    PRIMARY KEY (person_id, event_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_member', '');
SELECT lpr_data.audit_changes_of('lpr_data.event_member');
-- both: policies look no further than the index
CREATE INDEX event_member_event ON lpr_data.event_member (event_id, person_id);
CREATE UNIQUE INDEX event_member_owner ON lpr_data.event_member (event_id) WHERE owner;
COMMENT ON TABLE lpr_data.event_member IS 'Who works on an event: its owner, and those whom the owner added (E4).';
COMMENT ON COLUMN lpr_data.event_member.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.event_member.person_id IS 'The person.';
COMMENT ON COLUMN lpr_data.event_member.owner IS 'Whether the event is theirs.';
COMMENT ON COLUMN lpr_data.event_member.added_at IS 'Since when.';
COMMENT ON COLUMN lpr_data.event_member.added_by IS 'By whom.';

CREATE TABLE lpr_data.event_extension (
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    ends_at timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    PRIMARY KEY (event_id, at),
    CONSTRAINT a_year_at_most CHECK (ends_at > at
                                     AND ends_at AT TIME ZONE 'UTC' <= at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_extension', '');
SELECT lpr_data.audit_changes_of('lpr_data.event_extension', free => '{reason}');
SELECT lpr_data.only_adds('lpr_data.event_extension');
COMMENT ON TABLE lpr_data.event_extension IS 'How events were extended, and why (Q7).';
COMMENT ON COLUMN lpr_data.event_extension.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.event_extension.at IS 'When.';
COMMENT ON COLUMN lpr_data.event_extension.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.event_extension.ends_at IS 'Until when.';
COMMENT ON COLUMN lpr_data.event_extension.reason IS 'Why the matter goes on.';
COMMENT ON COLUMN lpr_data.event_extension.text_salt IS
    'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.closes_at(closed_at timestamp with time zone, ends_at timestamp with time zone)
    RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE -- no SET: the planner inlines it
RETURN coalesce(closed_at, (ends_at AT TIME ZONE 'UTC' + interval '30 days') AT TIME ZONE 'UTC');
GRANT EXECUTE ON FUNCTION lpr_data.closes_at(timestamptz, timestamptz) TO lpr_member; -- views call it
COMMENT ON FUNCTION lpr_data.closes_at(timestamptz, timestamptz) IS
    'When an event was closed, or counts as closed: 30 days after it ran out and was not extended (E10). Of one that '
    'goes on it lies ahead.';

CREATE FUNCTION lpr_data.memberships(person_id integer, moment timestamp with time zone)
    RETURNS TABLE (event_id bigint, system text, ends_at timestamp with time zone, open boolean)
    LANGUAGE sql STABLE
AS $$
    SELECT e.event_id, e.system, e.ends_at,
           e.closed_at IS NULL AND e.waits_since IS NULL AND moment >= e.opened_at AND moment < e.ends_at
    FROM lpr_data.event_member AS m
    JOIN lpr_data.event AS e ON e.event_id = m.event_id
    WHERE m.person_id = memberships.person_id
$$;
COMMENT ON FUNCTION lpr_data.memberships(integer, timestamp with time zone) IS
    'The events whose owner or member a person is, and whether each is open at a moment (Q7). The gate and '
    'lpr.my_access go by it.';

CREATE FUNCTION lpr_data.is_entitled(person_id integer, system text)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.entitlements(is_entitled.person_id, clock_timestamp()) AS a
               WHERE a.holds AND is_entitled.system COLLATE "C" = ANY (a.systems));
COMMENT ON FUNCTION lpr_data.is_entitled(integer, text) IS 'Whether a person has a grant for a system just now.';

CREATE FUNCTION lpr.open_event(
    title text,
    purpose text,
    authority text,
    matter_reference text,
    reason text,
    system text DEFAULT 'ATS',
    until timestamp with time zone DEFAULT NULL
)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'Q7');
    moment timestamptz := clock_timestamp();
    opened bigint;
BEGIN
    IF NOT lpr_data.is_entitled(who, system) THEN
        PERFORM lpr_data.refuse('A7', 'LP025', format('you have no access for system "%s"', coalesce(system, 'NULL')),
                                'An event is opened in a system that you have access for.',
                                'SELECT * FROM lpr.my_access; shows what you have.');
    END IF;
    PERFORM lpr_data.check_trained(who);
    IF NOT EXISTS (SELECT FROM lpr_data.purpose AS p WHERE p.purpose = open_event.purpose COLLATE "C" AND p.active) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('purpose "%s" does not exist', coalesce(purpose, 'NULL')),
            HINT = 'SELECT * FROM lpr.purposes;';
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.authority AS a
                   WHERE a.authority = open_event.authority COLLATE "C" AND a.active) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('authority "%s" does not exist', coalesce(authority, 'NULL')),
            HINT = 'SELECT * FROM lpr.authorities;';
    END IF;
    until := coalesce(until, moment + interval '90 days');
    IF (until > moment AND until <= moment + interval '1 year') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023', format('not a day on which an event ends: %s', until),
                                'An event runs for at most a year, and can be extended.',
                                'For instance until => now() + interval ''6 months''.');
    END IF;
    PERFORM lpr_data.refuse_invisible('title', title), lpr_data.refuse_invisible('matter_reference', matter_reference);
    IF (char_length(btrim(title)) BETWEEN 3 AND 200 AND char_length(btrim(matter_reference)) BETWEEN 3 AND 100
        AND title !~ '[[:cntrl:]]' AND matter_reference !~ '[[:cntrl:]]') IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'an event has a title and the reference of its matter',
            DETAIL = 'A title has 3 to 200 characters, a reference 3 to 100; neither holds control characters.',
            HINT = 'For instance title => ''Contraband through Otay Mesa'', matter_reference => ''SD-2026-00417''.';
    END IF;
    IF lpr_data.says_nothing(title) OR lpr_data.says_nothing(matter_reference) THEN
        PERFORM lpr_data.refuse('Q7', 'LP043',
                                format('the %s says nothing: %L',
                                       CASE WHEN lpr_data.says_nothing(title) THEN 'title' ELSE 'matter reference' END,
                                       CASE WHEN lpr_data.says_nothing(title) THEN title ELSE matter_reference END),
                                'An event is of one matter, which its title tells and its reference finds.',
                                'Name the matter, and its number in the system where it is led.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q7', title,
                                  ARRAY(SELECT e.reason FROM lpr_data.event AS e
                                        JOIN lpr_data.event_member AS m ON m.event_id = e.event_id
                                        WHERE m.person_id = who AND m.owner ORDER BY e.event_id DESC LIMIT 20));
    INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, opened_at, ends_at)
    VALUES (open_event.system, btrim(open_event.title), open_event.purpose, open_event.authority,
            btrim(open_event.matter_reference), open_event.reason, moment, open_event.until)
    RETURNING event_id INTO opened;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (opened, who, true, who);
    RETURN opened;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.open_event(text, text, text, text, text, text, timestamptz) TO lpr_member;
COMMENT ON FUNCTION lpr.open_event(text, text, text, text, text, text, timestamptz) IS
    'Opens an event, the ongoing matter that questions are asked for (Q7, E1), and returns its number; it counts once '
    'it is committed. title: 3 to 200 characters. purpose: one of lpr.purposes. authority: one of lpr.authorities. '
    'matter_reference: its number in the system where it is led. reason: why reads are needed, in a sentence of its '
    'own. system: ATS, AFI, IRS-NG or TECS; you need access for it. until: when it ends, at most a year, by default 90 '
    'days. Errors LP024 and LP033 (who may), LP025 (no access), LP026 (not trained), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.check_not_closed(e lpr_data.event)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lpr_data.closes_at(e.closed_at, e.ends_at) <= clock_timestamp() THEN
        PERFORM lpr_data.refuse('Q7', 'LP042', format('event %s is closed', e.event_id),
                                CASE WHEN e.closed_at IS NULL
                                     THEN format('It ran out on %s, and counts as closed 30 days later.', e.ends_at)
                                     ELSE 'A closed event stays as it is.' END,
                                'SELECT lpr.open_event(...); opens another one.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_not_closed(lpr_data.event) IS
    'Refuses what is done with an event that is closed, or counts as closed (E10), error LP042.';

CREATE FUNCTION lpr_data.own_event(event bigint, what text)
    RETURNS lpr_data.event
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event;
BEGIN
    SELECT x.* INTO e FROM lpr_data.event AS x
    WHERE x.event_id = own_event.event
      AND EXISTS (SELECT FROM lpr_data.event_member AS m
                  WHERE m.event_id = x.event_id AND m.person_id = lpr_data.me() AND m.owner)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('event %s does not exist or is not yours', coalesce(event::text, 'NULL')),
                                format('Only the owner of an event %s.', what), 'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.check_not_closed(e);
    RETURN e;
END
$$;
COMMENT ON FUNCTION lpr_data.own_event(bigint, text) IS
    'An open event of the caller, locked. Errors LP041 (not the owner) and LP042 (closed).';

CREATE FUNCTION lpr_data.check_entitled(e lpr_data.event)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A person who has lost the access may still close an event, but not extend it.
    IF NOT lpr_data.is_entitled(lpr_data.acting('lpr_user', 'Q7'), e.system) THEN
        PERFORM lpr_data.refuse('A7', 'LP025', format('you have no access for system "%s"', e.system),
                                'An event is extended by an owner who has access for its system.',
                                'SELECT * FROM lpr.my_access; shows what you have.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_entitled(lpr_data.event) IS
    'Refuses an owner who has no access for the system of the event just now, error LP025.';

CREATE FUNCTION lpr.add_member(event bigint, login text, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event := lpr_data.own_event(event, 'adds people');
    who integer := lpr_data.person_of(login);
BEGIN
    PERFORM lpr_data.check_entitled(e);
    IF NOT lpr_data.is_entitled(who, e.system) THEN
        PERFORM lpr_data.refuse('E4', 'LP025', format('login "%s" has no access for system "%s"', login, e.system),
                                'Who works on an event has access for its system.',
                                'They request it with lpr.request_access(...).');
    END IF;
    PERFORM lpr_data.check_trained(who);
    IF reason IS NOT NULL THEN
        PERFORM lpr_data.check_given(reason, 'E4');
    END IF;
    INSERT INTO lpr_data.event_member (event_id, person_id, added_by) VALUES (event, who, lpr_data.me())
    ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM lpr_data.add_event_step(event, 'add_member', lpr_data.me(), who, reason);
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_member(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_member(bigint, text, text) IS
    'The owner of an event adds a person who works on it and sees it (E4). reason: why, if there is something to say; '
    'lpr.event_steps shows it. Errors LP041 (not the owner), LP042 (closed), LP025 (that person has no access for its '
    'system), LP026 (is not trained), LP043 (an empty reason).';

CREATE FUNCTION lpr.remove_member(event bigint, login text, reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed integer;
BEGIN
    PERFORM lpr_data.own_event(event, 'removes people');
    IF reason IS NOT NULL THEN
        PERFORM lpr_data.check_given(reason, 'E4');
    END IF;
    DELETE FROM lpr_data.event_member AS m USING lpr_data.person AS p
    WHERE p.login = remove_member.login COLLATE "C" AND m.person_id = p.person_id AND m.event_id = remove_member.event
      AND NOT m.owner
    RETURNING m.person_id INTO removed;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" is not a member of event %s that you could remove', coalesce(login, 'NULL'),
                             event),
            HINT = 'SELECT * FROM lpr.event_members;';
    END IF;
    PERFORM lpr_data.add_event_step(event, 'remove_member', lpr_data.me(), removed, reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.remove_member(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.remove_member(bigint, text, text) IS
    'The owner of an event removes a person from it, from the next query on (E4). reason: as of lpr.add_member().';

CREATE FUNCTION lpr.extend_event(event bigint, until timestamp with time zone, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    e lpr_data.event := lpr_data.own_event(event, 'extends it');
    moment timestamptz := clock_timestamp();
BEGIN
    PERFORM lpr_data.check_entitled(e);
    IF (until > e.ends_at AND until <= moment + interval '1 year') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023',
                                format('not a day to which event %s can be extended: %s', event,
                                       coalesce(until::text, 'NULL')),
                                format('It ends on %s, and can be extended to a year from now.', e.ends_at),
                                'For instance until => now() + interval ''6 months''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q7', e.title,
                                  e.reason || ARRAY(SELECT x.reason FROM lpr_data.event_extension AS x
                                                    WHERE x.event_id = event ORDER BY x.at DESC LIMIT 20));
    UPDATE lpr_data.event AS x SET ends_at = extend_event.until WHERE x.event_id = event;
    INSERT INTO lpr_data.event_extension (event_id, at, person_id, ends_at, reason)
    VALUES (event, moment, lpr_data.me(), extend_event.until, extend_event.reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.extend_event(bigint, timestamptz, text) TO lpr_member;
COMMENT ON FUNCTION lpr.extend_event(bigint, timestamptz, text) IS
    'The owner of an event extends it, to at most a year from now, and says why the matter goes on (Q7). Errors '
    'LP041, LP042, LP043.';

CREATE FUNCTION lpr_data.set_work(event bigint, passing boolean)
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_purpose_set';
COMMENT ON FUNCTION lpr_data.set_work(bigint, boolean) IS
    'The event that questions of this session are for which name none; NULL = none. passing: until its transaction '
    'ends.';

CREATE FUNCTION lpr_data.working_on()
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_purpose_working_on';
COMMENT ON FUNCTION lpr_data.working_on() IS
    'The event that questions of this session are for which name none; NULL = none.';

CREATE FUNCTION lpr_data.pass_work()
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_purpose_pass';
COMMENT ON FUNCTION lpr_data.pass_work() IS
    'Behind a pooler: what this session works on, and lpr.last_query(), end with the transaction; an event that was '
    'named to hold longer ends now.';

CREATE FUNCTION lpr_data.work_on(event bigint, passing boolean)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF event IS NOT NULL AND NOT EXISTS (SELECT FROM lpr_data.event_member AS m
                                         WHERE m.event_id = work_on.event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.refuse('Q7', 'LP041', format('event %s does not exist or is not yours', event),
                                'You work on events that you own or were added to.',
                                'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.set_work(event, passing);
END
$$;
COMMENT ON FUNCTION lpr_data.work_on(bigint, boolean) IS
    'As lpr.work_on(); passing: until the transaction ends.';

CREATE FUNCTION lpr.work_on(event bigint)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.work_on(event, lpr_data.check_network('A6') = 'pooler');
    RETURN event;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.work_on(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.work_on(bigint) IS
    'From now on the questions of this session are asked for this event, unless WHERE names another one by event_id '
    '(Q7). NULL: for none. Behind a pooler (lpr.client_networks): those of this transaction. Whether it is open is '
    'judged at each question. Errors LP041, LP037.';

CREATE FUNCTION lpr.add_purpose(purpose text, title text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.purpose (purpose, title) VALUES (add_purpose.purpose, add_purpose.title)
    ON CONFLICT ON CONSTRAINT purpose_pkey DO UPDATE SET title = excluded.title, active = true, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.add_purpose(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_purpose(text, text) IS
    'Adds a purpose that events may have, or changes its title, or takes it up again (Q7).';

CREATE FUNCTION lpr.retire_purpose(purpose text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q7');
    UPDATE lpr_data.purpose AS p SET active = false, shipped = false
    WHERE p.purpose = retire_purpose.purpose COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('purpose "%s" does not exist', coalesce(purpose, 'NULL')),
            HINT = 'SELECT * FROM lpr.purposes;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retire_purpose(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_purpose(text) IS 'No new event has this purpose; those that have it go on (Q7).';

CREATE FUNCTION lpr.add_authority(authority text, citation text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.authority (authority, citation) VALUES (add_authority.authority, add_authority.citation)
    ON CONFLICT ON CONSTRAINT authority_pkey DO UPDATE SET citation = excluded.citation, active = true, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.add_authority(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_authority(text, text) IS
    'Adds a legal authority that events may rest on, or changes its citation, or takes it up again (Q7).';

CREATE FUNCTION lpr.retire_authority(authority text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q7');
    UPDATE lpr_data.authority AS a SET active = false, shipped = false
    WHERE a.authority = retire_authority.authority COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('authority "%s" does not exist', coalesce(authority, 'NULL')),
            HINT = 'SELECT * FROM lpr.authorities;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retire_authority(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_authority(text) IS 'No new event rests on this authority; those that do go on (Q7).';

CREATE VIEW lpr.purposes WITH (security_barrier) AS
SELECT p.purpose, p.title, p.active FROM lpr_data.purpose AS p;
GRANT SELECT ON lpr.purposes TO lpr_member;
COMMENT ON VIEW lpr.purposes IS 'The purposes that an event may have (Q7).';
COMMENT ON COLUMN lpr.purposes.purpose IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.purposes.title IS 'What it is.';
COMMENT ON COLUMN lpr.purposes.active IS 'Whether a new event may have it.';

CREATE VIEW lpr.authorities WITH (security_barrier) AS
SELECT a.authority, a.citation, a.active FROM lpr_data.authority AS a;
GRANT SELECT ON lpr.authorities TO lpr_member;
COMMENT ON VIEW lpr.authorities IS 'The legal authorities that an event may rest on (Q7).';
COMMENT ON COLUMN lpr.authorities.authority IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.authorities.citation IS 'The law.';
COMMENT ON COLUMN lpr.authorities.active IS 'Whether a new event may rest on it.';
