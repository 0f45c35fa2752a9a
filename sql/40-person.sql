-- 40-person: the people behind the logins (A1). A role is not an entitlement: what counts are rows.

CREATE FUNCTION lpr_data.refuse(control text, sqlstate text, message text, detail text, hint text)
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_gate_refuse';
COMMENT ON FUNCTION lpr_data.refuse(text, text, text, text, text) IS
    'A refusal of policy: on record first, even if the caller rolls back (U4), then raised as an error.';

-- Everybody of lpr may call what decides about access, here and in the files that follow: who is not entitled to is
-- refused on record (U4), which the server's own refusal for want of a privilege would not be.

CREATE TABLE lpr_data.person (
    person_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text COLLATE "C" NOT NULL UNIQUE CHECK (login <> ''),
    name text NOT NULL CHECK (name ~ '[^[:space:]]' AND name !~ '[[:cntrl:]]' AND char_length(name) <= 200),
    email text NOT NULL CHECK (email ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$'
                               AND char_length(email) <= 254),
    unit text NOT NULL CHECK (unit ~ '[^[:space:]]' AND unit !~ '[[:cntrl:]]' AND char_length(unit) <= 200),
    supervisor_id integer REFERENCES lpr_data.person CHECK (supervisor_id <> person_id),
    kind text COLLATE "C" NOT NULL DEFAULT 'personal' CHECK (kind IN ('personal', 'service', 'shared')),
    left_at timestamp with time zone,
    personnel_hash bytea CONSTRAINT personnel_hash_is_one CHECK (octet_length(personnel_hash) = 32),
    gone_at timestamp with time zone,
    CONSTRAINT gone_is_bare CHECK (gone_at IS NULL
                                   OR left_at IS NOT NULL AND name = 'destroyed' AND email = 'destroyed@invalid'
                                      AND unit = 'destroyed' AND num_nonnulls(supervisor_id, personnel_hash) = 0)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.person', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.person_person_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.person', plain => '{name,email,unit}');
-- One human being, one active personal login (A8).
CREATE UNIQUE INDEX person_one_human ON lpr_data.person (personnel_hash) WHERE kind = 'personal' AND left_at IS NULL;
CREATE INDEX person_supervisor ON lpr_data.person (supervisor_id);
COMMENT ON TABLE lpr_data.person IS
    'Who is behind a login: one row each. Only a personal login can hold an entitlement (A1).';
COMMENT ON COLUMN lpr_data.person.person_id IS 'Number of the person in all other tables; never used again.';
COMMENT ON COLUMN lpr_data.person.login IS 'Name of the login role.';
COMMENT ON COLUMN lpr_data.person.name IS 'The person''s name, at most 200 characters.';
COMMENT ON COLUMN lpr_data.person.email IS 'Address for notices, one, in ASCII.';
COMMENT ON COLUMN lpr_data.person.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr_data.person.supervisor_id IS 'Who approves the person''s requests first.';
COMMENT ON COLUMN lpr_data.person.kind IS
    'personal: of one human being; service: of a program; shared: of several people.';
COMMENT ON COLUMN lpr_data.person.left_at IS 'When the person left; nothing can be done under that login from then on.';
COMMENT ON COLUMN lpr_data.person.personnel_hash IS
    'lpr_data.keyed_hash() of the personnel number, letters and digits only; of a personal login, and unique among the '
    'active ones (A8). NULL: 0.2.0 asked for none, or the login is no person''s.';

CREATE FUNCTION lpr_data.keyed_hash(kind text, value text)
    RETURNS bytea
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_keyed_hash';
COMMENT ON FUNCTION lpr_data.keyed_hash(text, text) IS
    'What a value is known again by: HMAC-SHA-256 under the key in file lpr.identity_key, of kind and value. Kinds: '
    'personnel. An error when there is no key.';

CREATE FUNCTION lpr_data.lacks_number(person_id integer)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.person AS p
               WHERE p.person_id = lacks_number.person_id AND p.kind = 'personal' AND p.personnel_hash IS NULL)
    AND NOT lpr_data.in_grace('personnel_numbers');
COMMENT ON FUNCTION lpr_data.lacks_number(integer) IS
    'Whether a personal login lacks the personnel number that it has to have, and no update lets that pass (A8).';

COMMENT ON COLUMN lpr_data.person.gone_at IS
    'When what was known of a person who left was destroyed on its schedule (E10): the login and the number stay, so '
    'that neither is ever somebody else''s.';

-- Who is asking. The rules are functions named look_up_...; policies and views ask lpr_data.me() and its like, which
-- remember what those said (visibility.c).

CREATE FUNCTION lpr_data.look_up_me()
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT p.person_id FROM lpr_data.person AS p
            WHERE p.login = lpr.login()::text COLLATE "C" AND p.left_at IS NULL);
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_me() IS 'Rule of lpr_data.me().';

CREATE FUNCTION lpr_data.me()
    RETURNS integer
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_me';
COMMENT ON FUNCTION lpr_data.me() IS
    'The person behind the authenticated login; NULL when there is none, or the person has left.';

CREATE FUNCTION lpr_data.takes_part(login oid, role text)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_takes_part';
COMMENT ON FUNCTION lpr_data.takes_part(oid, text) IS
    'Whether a login has a role: by inheritance or by SET ROLE. Who may only grant it (from 16 on) has it not.';

CREATE FUNCTION lpr_data.can_act(person_id integer, VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM lpr_data.person AS p JOIN pg_roles AS r ON r.rolname = p.login
                   WHERE p.person_id = can_act.person_id AND p.left_at IS NULL AND p.kind = 'personal'
                     AND r.rolcanlogin AND NOT r.rolsuper
                     AND (p.personnel_hash IS NOT NULL OR NOT lpr_data.lacks_number(p.person_id))
                     AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = r.oid)
                     AND EXISTS (SELECT FROM unnest(can_act.roles) AS o (role)
                                 WHERE lpr_data.conflict_of(r.oid, o.role) IS NULL));
END
$$;
COMMENT ON FUNCTION lpr_data.can_act(integer, text[]) IS
    'Whether a person could act in a role, one of several: under a personal login of a known personnel number, which '
    'no other role is a member of, and which is a member of none that is apart from it (A8). Superusers do not.';

CREATE FUNCTION lpr_data.is_member(person_id integer, VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.can_act(person_id, VARIADIC ARRAY(
        SELECT o.role FROM unnest(roles) AS o (role)
        WHERE EXISTS (SELECT FROM lpr_data.person AS p JOIN pg_roles AS r ON r.rolname = p.login
                      WHERE p.person_id = is_member.person_id AND lpr_data.takes_part(r.oid, o.role))));
END
$$;
COMMENT ON FUNCTION lpr_data.is_member(integer, text[]) IS
    'Whether a person is in a role, one of several, of their own: lpr_data.can_act(), and the login is a member of it.';

CREATE FUNCTION lpr_data.holds(person_id integer, VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.is_member(person_id, VARIADIC roles)
        OR roles && '{lpr_supervisor,lpr_system_owner,lpr_lead}'
           AND EXISTS (SELECT FROM unnest(roles) AS o (role)
                       WHERE EXISTS (SELECT FROM lpr_data.acts_for(person_id, o.role)));
END
$$;
COMMENT ON FUNCTION lpr_data.holds(integer, text[]) IS
    'Whether a person acts in a role, one of several: as a member of it (lpr_data.is_member()), or in the stead of '
    'somebody who is one (lpr_data.acts_for()).';

-- What policies and views are keyed on. Views call functions with the rights of the reader: hence the grants, without
-- USAGE on the schema.

CREATE FUNCTION lpr_data.acts_as(VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.holds(lpr_data.me(), VARIADIC roles);
END
$$;
COMMENT ON FUNCTION lpr_data.acts_as(text[]) IS
    'Whether the person behind the authenticated login acts in one of these roles.';

CREATE FUNCTION lpr_data.look_up_my_people()
    RETURNS integer[]
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.me();
BEGIN
    IF who IS NULL THEN
        RETURN '{}';
    END IF;
    RETURN who || ARRAY(SELECT p.person_id FROM lpr_data.acts_for(who, 'lpr_supervisor') AS a
                        JOIN lpr_data.person AS p ON p.supervisor_id = a.for_id AND p.person_id <> who);
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_my_people() IS 'Rule of lpr_data.my_people().';

CREATE FUNCTION lpr_data.my_people()
    RETURNS integer[]
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_my_people';
COMMENT ON FUNCTION lpr_data.my_people() IS
    'The person behind the authenticated login, and of a supervisor, or who acts in the stead of one, those who are '
    'supervised; empty when there is none, or the person has left.';

CREATE FUNCTION lpr_data.whom(role text, title text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN title || coalesce((SELECT format(' (%s)', string_agg(p.name, ', ' ORDER BY p.name))
                              FROM (SELECT o.name FROM lpr_data.person AS o
                                    WHERE o.person_id IS DISTINCT FROM lpr_data.me()
                                      AND lpr_data.holds(o.person_id, whom.role)
                                    ORDER BY o.person_id LIMIT 3) AS p HAVING count(*) > 0), '');
END
$$;
COMMENT ON FUNCTION lpr_data.whom(text, text) IS
    'Whom to ask: the title, with the names of up to three people other than oneself who act in the role.';
GRANT EXECUTE ON FUNCTION lpr_data.me(), lpr_data.acts_as(text[]), lpr_data.my_people(), lpr_data.whom(text, text)
    TO lpr_member;

CREATE FUNCTION lpr_data.registered(control text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.me();
BEGIN
    IF who IS NULL THEN
        PERFORM lpr_data.refuse(control, 'LP024', format('login "%s" is not registered', lpr.login()),
                                'What bears on access is done by people, each under a login of their own.',
                                'Ask an administrator to register you: SELECT lpr.add_person(...).');
    END IF;
    RETURN who;
END
$$;
COMMENT ON FUNCTION lpr_data.registered(text) IS
    'The person who acts, whatever their roles. Error LP024 (the login is not registered).';

CREATE FUNCTION lpr_data.acting_in(control text, VARIADIC roles text[])
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.registered(control);
BEGIN
    IF lpr_data.lacks_number(who) THEN
        PERFORM lpr_data.refuse('A8', 'LP036', format('no personnel number of login "%s" is on record', lpr.login()),
                                'One human being has one active personal login, known by the personnel number.',
                                format('Ask an administrator: SELECT lpr.change_person(%L, personnel_number => '
                                       '''...'');', lpr.login()));
    END IF;
    IF NOT lpr_data.holds(who, VARIADIC roles) THEN
        PERFORM lpr_data.check_apart(VARIADIC roles);
        PERFORM lpr_data.refuse(control, 'LP033',
                                format('login "%s" does not act as %s', lpr.login(),
                                       array_to_string(roles, ' or ')),
                                format('This is done under a personal login that is a member of %s, and of which '
                                       'nobody else is one.', array_to_string(roles, ' or ')),
                                -- Not to be granted to who has a role that is apart from it.
                                CASE WHEN lpr_data.conflict_of(quote_ident(lpr.login())::regrole, roles[1]) IS NOT NULL
                                     THEN format('Your own role is apart from it: ask %s.',
                                                 lpr_data.whom(roles[1], 'somebody who is one'))
                                     ELSE format('Ask an administrator whether you are to be one: GRANT %I TO %I;',
                                                 roles[1], lpr.login()) END);
    END IF;
    RETURN who;
END
$$;
COMMENT ON FUNCTION lpr_data.acting_in(text, text[]) IS
    'The person who acts, in one of these roles. Errors LP024 (the login is not registered), LP036 (no personnel '
    'number), LP038 (a member of a role that is apart from it) and LP033 (no member, or no personal login).';

CREATE FUNCTION lpr_data.acting(role text, control text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.acting_in(control, role);
END
$$;
COMMENT ON FUNCTION lpr_data.acting(text, text) IS 'The same for one role.';

CREATE FUNCTION lpr_data.on_duty(control text, VARIADIC roles text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Who installs lpr registers the first administrator, and is not registered yet.
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        PERFORM lpr_data.acting_in(control, VARIADIC roles);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.on_duty(text, text[]) IS
    'Refuses who neither acts in one of these roles nor is a superuser (A9). Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.administering(control text, role text DEFAULT 'lpr_admin')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.on_duty(control, role);
END
$$;
COMMENT ON FUNCTION lpr_data.administering(text, text) IS
    'Refuses who neither acts in a role, that of administrators, nor is a superuser. Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.check_private()
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT lpr_data.is_private(lpr_data.session()) THEN
        PERFORM lpr_data.refuse('A6', 'LP023', 'the connection is not encrypted',
                                'Over a network the audit and its figures are read through TLS only.',
                                'Connect with sslmode=verify-full.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_private() IS
    'Refuses a network connection that is not encrypted, a superuser''s as well (A6). Error LP023.';

CREATE FUNCTION lpr_data.watching(control text, VARIADIC roles text[])
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.person AS p
                   JOIN pg_roles AS r ON r.rolname = p.login AND r.rolcanlogin AND NOT r.rolsuper
                   WHERE p.person_id = lpr_data.me() AND p.kind = 'service'
                     AND EXISTS (SELECT FROM unnest(watching.roles) AS o (role)
                                 WHERE lpr_data.takes_part(r.oid, o.role))) THEN
        PERFORM lpr_data.on_duty(control, VARIADIC roles);
    END IF;
    PERFORM lpr_data.check_private();
END
$$;
COMMENT ON FUNCTION lpr_data.watching(text, text[]) IS
    'Refuses who may not read figures that name no person and no plate (A9): a registered login, of a person or of a '
    'service, in one of these roles; over a network through TLS. Errors LP024, LP033, LP023.';

CREATE FUNCTION lpr_data.pass_session()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r text[];
BEGIN
    PERFORM lpr_data.check_private();
    IF EXISTS (SELECT FROM pg_roles AS s WHERE s.rolname = lpr.login() AND s.rolsuper) THEN
        RETURN;
    END IF;
    SELECT g.refusal INTO r FROM lpr_data.gate_session(lpr_data.session(), clock_timestamp(), true) AS g
    WHERE g.decided;
    IF NOT FOUND THEN
        r := ARRAY['U2', '42501', 'the gate did not decide', 'A part of the gate that gives no row refuses.', NULL];
    END IF;
    IF r IS NOT NULL THEN
        PERFORM lpr_data.refuse(r[1], r[2], replace(r[3], '{login}', lpr.login()::text), r[4],
                                replace(r[5], '{accept}', coalesce(lpr_data.renewal_code(), '...the code...')));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.pass_session() IS
    'Refuses whom the session part of the gate refuses (A1, A5, A6), whatever their role. Superusers, who can read the '
    'tables, are let through. Errors LP021, LP023, LP024, LP028, LP029, LP037.';

CREATE FUNCTION lpr_data.reading(control text, VARIADIC roles text[])
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.on_duty(control, VARIADIC roles);
    PERFORM lpr_data.pass_session();
END
$$;
COMMENT ON FUNCTION lpr_data.reading(text, text[]) IS
    'Refuses who may not read by duty what shows plates or what people did (A9): who does not act in one of these '
    'roles, and whom the session part of the gate refuses. That superusers read is on record as well. Errors LP024, '
    'LP033, and those of lpr_data.pass_session().';

CREATE FUNCTION lpr_data.check_isolation()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_transaction_state',
            MESSAGE = format('this cannot be decided in a transaction that is %s',
                             upper(current_setting('transaction_isolation'))),
            DETAIL = 'Who may decide is judged by what is committed now, not by an older snapshot.',
            HINT = 'COMMIT; then do it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED;';
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_isolation() IS
    'An error where a snapshot could be older than what it is to judge by: who still has which role, whose login is '
    'still their own.';

CREATE FUNCTION lpr_data.person_of(login text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := (SELECT p.person_id FROM lpr_data.person AS p
                    WHERE p.login = person_of.login COLLATE "C" AND p.left_at IS NULL);
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" is not registered', coalesce(login, 'NULL')),
            HINT = 'SELECT login, name FROM lpr.people;';
    END IF;
    RETURN who;
END
$$;
COMMENT ON FUNCTION lpr_data.person_of(text) IS
    'The person behind a login who has not left; an error when there is none.';

CREATE FUNCTION lpr_data.hash_number(login text, personnel_number text)
    RETURNS bytea
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bare text := regexp_replace(upper(personnel_number), '[^A-Z0-9]', '', 'g');
BEGIN
    IF personnel_number IS NULL THEN
        RETURN NULL;
    END IF;
    IF char_length(bare) NOT BETWEEN 3 AND 40 THEN
        PERFORM lpr_data.refuse('A8', '22023', 'not a personnel number',
                                'A personnel number has 3 to 40 letters and digits; nothing else in it counts.',
                                format('Ask the personnel office for that of "%s".', login));
    END IF;
    RETURN lpr_data.keyed_hash('personnel', bare);
END
$$;
COMMENT ON FUNCTION lpr_data.hash_number(text, text) IS
    'The hash that a personnel number is kept as (A8); NULL of NULL. Error 22023: not a personnel number.';

CREATE FUNCTION lpr_data.check_one_login(login text, kind text, email text, number_hash bytea)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    other record;
BEGIN
    IF kind <> 'personal' THEN
        RETURN;
    END IF;
    -- Two administrators at once see each other: one waits here, and looks then.
    PERFORM lpr_data.check_isolation();
    PERFORM pg_advisory_xact_lock('lpr_data.person'::regclass::bigint);
    SELECT p.login, p.personnel_hash = number_hash AS same_number INTO other FROM lpr_data.person AS p
    WHERE p.kind = 'personal' AND p.left_at IS NULL AND p.login <> check_one_login.login COLLATE "C"
      AND (p.personnel_hash = number_hash OR lower(p.email) = lower(check_one_login.email))
    ORDER BY same_number DESC NULLS LAST, p.person_id LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('A8', 'LP036',
                                format('login "%s" has that %s', other.login,
                                       CASE WHEN other.same_number THEN 'personnel number' ELSE 'e-mail address' END),
                                'One human being has one active personal login.',
                                format('If it is the same person: SELECT lpr.retire_person(%L); first, or let them use '
                                       'it. If not: give each their own.', other.login));
    END IF;
    IF number_hash IS NULL THEN
        PERFORM lpr_data.refuse('A8', 'LP036', format('no personnel number of login "%s"', login),
                                'One human being has one active personal login, known by the personnel number, which '
                                'is kept as a keyed hash.',
                                format('Name it: lpr.add_person(%L, ..., personnel_number => ''...''); or '
                                       'lpr.change_person(%1$L, personnel_number => ''...'');', login));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_one_login(text, text, text, bytea) IS
    'Refuses a personal login whose personnel number is missing, or whose number or e-mail address another active '
    'personal login has (A8), error LP036.';

CREATE FUNCTION lpr.add_person(login text, name text, email text, unit text, supervisor text DEFAULT NULL,
                               kind text DEFAULT 'personal', personnel_number text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    number_hash bytea;
BEGIN
    PERFORM lpr_data.administering('A1');
    IF add_person.login = lpr.login() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you cannot register yourself',
                                'A person is registered by another administrator.',
                                'Ask another administrator.');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = add_person.login AND r.rolcanlogin) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" does not exist', coalesce(login, 'NULL')),
            HINT = format('CREATE ROLE %I LOGIN; first.', coalesce(login, '...'));
    END IF;
    IF EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = add_person.login COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = format('login "%s" is registered already', login),
            DETAIL = 'The login of one person is never given to another.',
            HINT = 'SELECT lpr.change_person(...), or make another login.';
    END IF;
    number_hash := lpr_data.hash_number(login, personnel_number);
    PERFORM lpr_data.check_one_login(login, kind, email, number_hash);
    INSERT INTO lpr_data.person (login, name, email, unit, supervisor_id, kind, personnel_hash)
    VALUES (add_person.login, add_person.name, add_person.email, add_person.unit,
            CASE WHEN add_person.supervisor IS NOT NULL THEN lpr_data.person_of(add_person.supervisor) END,
            add_person.kind, number_hash);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_person(text, text, text, text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_person(text, text, text, text, text, text, text) IS
    'Registers who is behind a login (A1). login: an existing login role. name, unit: at most 200 characters. email: '
    'where notices go. supervisor: the login of the person who approves first, registered before. kind: personal, '
    'service or shared; only a personal login can hold an entitlement. personnel_number: of a personal login, 3 to 40 '
    'letters and digits; kept as a keyed hash. Registered people keep their row for good: a login is never given to '
    'anybody else. Error LP036: the number is missing, or another active personal login has it or the e-mail (A8).';

CREATE FUNCTION lpr.change_person(login text, name text DEFAULT NULL, email text DEFAULT NULL, unit text DEFAULT NULL,
                                  supervisor text DEFAULT NULL,
                                  kind text DEFAULT NULL, personnel_number text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p lpr_data.person;
    number_hash bytea;
BEGIN
    PERFORM lpr_data.administering('A1');
    IF change_person.login = lpr.login() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you cannot change your own registration',
                                'A supervisor, a unit and a kind decide about access.',
                                'Ask another administrator.');
    END IF;
    number_hash := lpr_data.hash_number(login, personnel_number);
    IF email IS NOT NULL OR kind IS NOT NULL OR number_hash IS NOT NULL THEN
        SELECT x.* INTO p FROM lpr_data.person AS x WHERE x.person_id = lpr_data.person_of(change_person.login);
        PERFORM lpr_data.check_one_login(login, coalesce(kind, p.kind), coalesce(email, p.email),
                                         coalesce(number_hash, p.personnel_hash));
    END IF;
    UPDATE lpr_data.person AS x
    SET name = coalesce(change_person.name, x.name), email = coalesce(change_person.email, x.email),
        unit = coalesce(change_person.unit, x.unit),
        supervisor_id = CASE WHEN change_person.supervisor IS NOT NULL THEN lpr_data.person_of(change_person.supervisor)
                             ELSE x.supervisor_id END,
        kind = coalesce(change_person.kind, x.kind), personnel_hash = coalesce(number_hash, x.personnel_hash)
    WHERE x.person_id = lpr_data.person_of(change_person.login);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.change_person(text, text, text, text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.change_person(text, text, text, text, text, text, text) IS
    'Changes what is registered of a person, except for the login; NULL leaves as it is (A1). Your own: error LP033. '
    'personnel_number, email, kind: as of lpr.add_person(), error LP036 (A8).';

CREATE FUNCTION lpr_data.roles_to_revoke(login text)
    RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT format('REVOKE %I FROM %I', g.rolname, r.rolname) || lpr_data.granted_by(m.grantor) || ';'
        FROM pg_roles AS r JOIN pg_auth_members AS m ON m.member = r.oid JOIN pg_roles AS g ON g.oid = m.roleid
        WHERE r.rolname = roles_to_revoke.login
          AND EXISTS (SELECT FROM pg_roles AS o
                      WHERE o.rolname ~ '^lpr_' AND (o.oid = g.oid OR lpr_data.takes_part(g.oid, o.rolname)))
        ORDER BY g.rolname;
    RETURN QUERY
        SELECT format('ALTER ROLE %I NOLOGIN;', r.rolname)
        FROM pg_roles AS r WHERE r.rolname = roles_to_revoke.login AND r.rolcanlogin;
END
$$;
COMMENT ON FUNCTION lpr_data.roles_to_revoke(text) IS
    'What a superuser still has to do about the login of somebody who has left: the roles that lead to one of lpr are '
    'revoked, and nobody logs in (A1). No row: it is done.';

CREATE FUNCTION lpr_data.end_sessions(login oid)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_end_sessions';
COMMENT ON FUNCTION lpr_data.end_sessions(oid) IS
    'Ends the sessions of a login in all databases, but for one''s own, when the transaction commits (A1).';

CREATE FUNCTION lpr.retire_person(login text, heir text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    leaver integer;
    successor integer;
    manager integer;
    waiting bigint;
BEGIN
    PERFORM lpr_data.administering('A1');
    IF retire_person.login = lpr.login() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody retires themselves',
                                'Who has left is retired by an administrator who is somebody else.',
                                'Ask another administrator.');
    END IF;
    leaver := lpr_data.person_of(retire_person.login);
    successor := CASE WHEN heir IS NOT NULL THEN lpr_data.person_of(heir) END;
    IF successor = lpr_data.me() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody makes themselves the heir of who leaves',
                                'What an administrator hands over goes to somebody else.', 'Name another heir.');
    END IF;
    -- In the order of those who decide about a request, or hand over an event: first these, then the people.
    PERFORM FROM lpr_data.access AS a WHERE a.person_id = leaver ORDER BY a.access_id FOR NO KEY UPDATE;
    PERFORM FROM lpr_data.event AS e
        WHERE e.event_id IN (SELECT m.event_id FROM lpr_data.event_member AS m WHERE m.person_id = leaver AND m.owner)
        ORDER BY e.event_id FOR NO KEY UPDATE;
    -- Two retirements at once see each other: the last two administrators do not retire one another.
    PERFORM FROM lpr_data.person AS p WHERE lpr_data.holds(p.person_id, 'lpr_admin') ORDER BY p.person_id
        FOR NO KEY UPDATE;
    IF lpr_data.holds(leaver, 'lpr_admin')
       AND NOT EXISTS (SELECT FROM lpr_data.person AS p
                       WHERE p.person_id <> leaver AND lpr_data.holds(p.person_id, 'lpr_admin')) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('login "%s" is that of the last administrator', login),
                                'An agency has an administrator at all times.',
                                'Register another one first: SELECT lpr.add_person(...); GRANT lpr_admin TO ...;');
    END IF;
    UPDATE lpr_data.person AS p SET left_at = clock_timestamp() WHERE p.person_id = leaver
    RETURNING p.supervisor_id INTO manager;
    PERFORM lpr_data.stop_all_access(leaver);
    DELETE FROM lpr_data.reserved_plate AS r WHERE r.owner_hash = lpr_data.owner_hash(leaver);
    waiting := lpr_data.leave_events(leaver, successor);
    UPDATE lpr_data.person AS p
    SET supervisor_id = CASE WHEN successor <> p.person_id AND lpr_data.is_member(successor, 'lpr_supervisor')
                             THEN successor ELSE nullif(manager, p.person_id) END
    WHERE p.supervisor_id = leaver; -- of those who have left as well: their events may wait for a supervisor
    PERFORM lpr_data.end_sessions(r.oid) FROM pg_roles AS r WHERE r.rolname = retire_person.login AND NOT r.rolsuper;
    RETURN QUERY SELECT t.statement FROM lpr_data.roles_to_revoke(retire_person.login) AS t (statement);
    IF waiting > 0 THEN
        RETURN NEXT format('SELECT lpr.hand_over(%L, ''...'', ''...why...''); -- by %s: %s open event(s) wait for an '
                           'owner', login, coalesce((SELECT p.login FROM lpr_data.person AS p
                                                     WHERE p.person_id = manager), 'a supervisor'), waiting);
    END IF;
    RETURN QUERY SELECT format('SELECT lpr.change_person(%L, supervisor => ''...'');', p.login)
        FROM lpr_data.person AS p
        WHERE p.left_at IS NULL AND p.kind = 'personal' AND p.supervisor_id IS NULL AND manager IS NULL
          AND EXISTS (SELECT FROM lpr_data.access AS a
                      WHERE a.person_id = p.person_id AND a.state IN ('requested', 'granted', 'suspended'))
        ORDER BY p.login;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retire_person(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.retire_person(text, text) IS
    'A person has left: from the next statement on nothing can be done under that login, for good (A1). Its grants '
    'are suspended, its requests withdrawn, its sessions ended, whom it supervised go to its own supervisor. heir: '
    'the login of who takes over: its open events, and as a supervisor its people; without one the events wait, and '
    'nobody asks for them, until a supervisor hands them over. Its rows stay. Returns what a superuser and others '
    'still have to do, a statement a row. Nobody retires themselves or the last administrator: error LP033.';

CREATE VIEW lpr.people WITH (security_barrier) AS
SELECT p.login, p.name, p.unit, s.login AS supervisor, p.kind, p.left_at,
       CASE WHEN p.person_id = lpr_data.me()
            OR (SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')) THEN p.email END AS email
FROM lpr_data.person AS p
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.people TO lpr_member;
COMMENT ON VIEW lpr.people IS 'Who is behind which login (A1), for everybody who is registered.';
COMMENT ON COLUMN lpr.people.login IS 'The login, as the functions take it.';
COMMENT ON COLUMN lpr.people.name IS 'The person''s name.';
COMMENT ON COLUMN lpr.people.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.people.supervisor IS 'Login of the supervisor.';
COMMENT ON COLUMN lpr.people.kind IS 'personal, service or shared; only a personal login can hold an entitlement.';
COMMENT ON COLUMN lpr.people.left_at IS 'When the person left.';
COMMENT ON COLUMN lpr.people.email IS 'Where notices go; shown to the person, administrators and oversight.';
