-- 40-stand-in: who acts in whose stead (A1): nothing waits for one supervisor, system owner or lead who is away. Who
-- may act in a role is said in one place, lpr_data.acts_for(); lpr_data.holds() and the verbs go by it.

CREATE TABLE lpr_data.deputy (
    deputy_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role text COLLATE "C" NOT NULL CHECK (role IN ('lpr_supervisor', 'lpr_system_owner', 'lpr_lead')),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    acts_id integer NOT NULL REFERENCES lpr_data.person,
    since timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    until timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    named_by integer NOT NULL REFERENCES lpr_data.person,
    ended_at timestamp with time zone,
    ended_by integer REFERENCES lpr_data.person,
    end_reason text CHECK (end_reason ~ '[^[:space:]]' AND char_length(end_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT for_somebody_else CHECK (acts_id <> person_id),
    CONSTRAINT named_by_somebody_else CHECK (named_by <> acts_id),
    CONSTRAINT thirty_days_at_most CHECK (until > since
                                          AND until AT TIME ZONE 'UTC' <= since AT TIME ZONE 'UTC'
                                                                          + interval '30 days'),
    CONSTRAINT ended_as_a_whole CHECK (num_nulls(ended_at, ended_by, end_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.deputy', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.deputy_deputy_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.deputy', free => '{reason,end_reason}');
CREATE INDEX deputy_acts ON lpr_data.deputy (acts_id) WHERE ended_at IS NULL;
CREATE INDEX deputy_person ON lpr_data.deputy (person_id) WHERE ended_at IS NULL;
SELECT lpr_data.only_adds('lpr_data.deputy', 'ended_at', 'ended_by', 'end_reason');
COMMENT ON TABLE lpr_data.deputy IS
    'Who acts in whose stead, in which role and until when (A1): thirty days at the most, and not longer than the one '
    'whose deputy it is has the role. Only added to, but for its end.';
COMMENT ON COLUMN lpr_data.deputy.deputy_id IS 'Number.';
COMMENT ON COLUMN lpr_data.deputy.role IS 'As what: lpr_supervisor, lpr_system_owner or lpr_lead.';
COMMENT ON COLUMN lpr_data.deputy.person_id IS 'In whose stead.';
COMMENT ON COLUMN lpr_data.deputy.acts_id IS 'Who acts.';
COMMENT ON COLUMN lpr_data.deputy.since IS 'Since when.';
COMMENT ON COLUMN lpr_data.deputy.until IS 'Until when; thirty days later at the most.';
COMMENT ON COLUMN lpr_data.deputy.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.deputy.named_by IS
    'By whom: the person, or an administrator when the person is away; never by who is to act.';
COMMENT ON COLUMN lpr_data.deputy.ended_at IS 'When it was ended before its time; NULL = it was not.';
COMMENT ON COLUMN lpr_data.deputy.ended_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.deputy.end_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.deputy.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.acts_for(person_id integer, role text)
    RETURNS TABLE (for_id integer, until timestamp with time zone)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lpr_data.is_member(person_id, role) THEN
        RETURN QUERY SELECT acts_for.person_id, 'infinity'::timestamptz;
    END IF;
    -- Who reads in another's stead is confined as that one is: what is read is not kept (E2).
    IF NOT (lpr_data.can_act(person_id, role)
            AND EXISTS (SELECT FROM lpr_data.person AS p JOIN pg_roles AS r ON r.rolname = p.login
                        WHERE p.person_id = acts_for.person_id AND lpr_data.is_confined(r.oid))) THEN
        RETURN;
    END IF;
    RETURN QUERY
        SELECT d.person_id, min(d.until) FROM lpr_data.deputy AS d
        WHERE d.acts_id = acts_for.person_id AND d.role = acts_for.role COLLATE "C" AND d.ended_at IS NULL
          AND clock_timestamp() >= d.since AND clock_timestamp() < d.until
          AND lpr_data.is_member(d.person_id, d.role)
          -- Nor is somebody put into two roles that must be apart by two people.
          AND NOT EXISTS (SELECT FROM lpr_data.deputy AS o
                          JOIN lpr_data.role_conflict AS c ON (c.role, c.other) IN ((d.role, o.role), (o.role, d.role))
                          WHERE o.acts_id = d.acts_id AND o.ended_at IS NULL
                            AND clock_timestamp() >= o.since AND clock_timestamp() < o.until)
        GROUP BY d.person_id ORDER BY d.person_id;
END
$$;
COMMENT ON FUNCTION lpr_data.acts_for(integer, text) IS
    'In whose stead a person acts in a role just now, and until when: as themselves, if they are in the role; and as '
    'the deputy of each who named them, or for whom an administrator did, as long as that one is in the role and the '
    'deputy in none that is apart from it (A1, A8). No row: they do not act in it.';

CREATE FUNCTION lpr_data.in_stead(person_id integer, role text, about integer, control text)
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    principal integer;
BEGIN
    IF lpr_data.is_member(person_id, role) THEN
        RETURN NULL;
    END IF;
    SELECT min(a.for_id) INTO principal FROM lpr_data.acts_for(person_id, role) AS a
    WHERE a.for_id IS DISTINCT FROM about;
    IF principal IS NULL THEN
        PERFORM lpr_data.refuse(control, 'LP033', 'a deputy does not decide about the one whose deputy they are',
                                'Whoever acts in another''s stead is held to what holds for that one as well.',
                                format('Somebody else has to: ask %s.', lpr_data.whom(role, 'another ' || role)));
    END IF;
    PERFORM lpr_data.pass_session();
    RETURN principal;
END
$$;
COMMENT ON FUNCTION lpr_data.in_stead(integer, text, integer, text) IS
    'In whose stead a person who acts in a role does what is about somebody: NULL = as themselves. A deputy agrees to '
    'the rules first, as lpr_data.pass_session() has it. Errors LP033 (about the one whose deputy it is) and those of '
    'the session.';

CREATE FUNCTION lpr_data.supervises(person_id integer, about integer)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.acts_for(supervises.person_id, 'lpr_supervisor') AS a
               JOIN lpr_data.person AS p ON p.supervisor_id = a.for_id
               WHERE p.person_id = supervises.about AND supervises.person_id <> supervises.about);
COMMENT ON FUNCTION lpr_data.supervises(integer, integer) IS
    'Whether a person acts as supervisor of another just now, as their own or in that one''s stead; never of oneself.';

CREATE FUNCTION lpr_data.supervising_for(person_id integer, about integer)
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    supervisor integer := (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = about);
BEGIN
    IF supervisor IS NOT DISTINCT FROM supervising_for.person_id
       OR NOT lpr_data.supervises(supervising_for.person_id, about) THEN
        RETURN NULL;
    END IF;
    PERFORM lpr_data.pass_session();
    RETURN supervisor;
END
$$;
COMMENT ON FUNCTION lpr_data.supervising_for(integer, integer) IS
    'In which supervisor''s stead a person decides about another; NULL = in nobody''s. Who does has agreed to the '
    'rules, or is refused as by lpr_data.pass_session().';

CREATE FUNCTION lpr_data.deputies_of(person_id integer, role text)
    RETURNS SETOF integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT DISTINCT d.acts_id FROM lpr_data.deputy AS d
    WHERE d.person_id = deputies_of.person_id AND d.role = deputies_of.role COLLATE "C" AND d.ended_at IS NULL
      AND EXISTS (SELECT FROM lpr_data.acts_for(d.acts_id, d.role) AS a WHERE a.for_id = d.person_id);
END;
COMMENT ON FUNCTION lpr_data.deputies_of(integer, text) IS 'Who acts in a person''s stead in a role just now.';

CREATE FUNCTION lpr_data.look_up_end()
    RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce((SELECT min(d.until) FROM lpr_data.deputy AS d
                     WHERE d.acts_id = lpr_data.me() AND d.ended_at IS NULL AND d.until > clock_timestamp()),
                    'infinity');
END
$$;
COMMENT ON FUNCTION lpr_data.look_up_end() IS
    'Until when at most the answers of lpr_data.my_people() and its like hold: the next end of what the person behind '
    'the authenticated login does in another''s stead.';

CREATE FUNCTION lpr_data.check_deputy(who integer, principal integer, acting integer, role text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    login text := (SELECT p.login FROM lpr_data.person AS p WHERE p.person_id = acting);
    named text := (SELECT p.login FROM lpr_data.person AS p WHERE p.person_id = principal);
    other text := (SELECT lpr_data.conflict_of(r.oid, role) FROM pg_roles AS r WHERE r.rolname = login);
BEGIN
    IF acting IN (who, principal) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', CASE WHEN acting = who THEN 'you cannot make yourself a deputy'
                                                    ELSE format('"%s" is no deputy of their own', login) END,
                                'A deputy is named by the one whose deputy it is, or by an administrator, and is '
                                'somebody else.', 'Name somebody else.');
    END IF;
    IF NOT lpr_data.is_member(principal, role) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('login "%s" does not act as %s', named, role),
                                'A deputy acts in the stead of somebody who is in the role; a deputy has no deputy.',
                                format('SELECT * FROM lpr.people; or name another role: role => %L.',
                                       'lpr_system_owner'));
    END IF;
    IF other IS NOT NULL THEN
        PERFORM lpr_data.refuse('A8', 'LP038', format('login "%s" is a member of %s, which is apart from %s', login,
                                                      other, role),
                                'Nobody acts in two roles that must be apart, in another''s stead neither: '
                                'lpr.roles_apart shows the pairs.',
                                format('Name somebody who is no member of %s.', other));
    END IF;
    IF NOT lpr_data.can_act(acting, role) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('login "%s" is not one person''s own', login),
                                'A deputy acts under a personal login, which no other role is a member of, with a '
                                'personnel number on record.', 'Name somebody else.');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = login AND lpr_data.is_confined(r.oid)) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('login "%s" could keep what it reads', login),
                                'A deputy sees what the one sees in whose stead, and is confined likewise: as a member '
                                'of lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy or '
                                'lpr_lead.', 'Name a member of one of these.');
    END IF;
    IF who <> principal AND NOT lpr_data.is_member(acting, role) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('login "%s" is no member of %s', login, role),
                                'An administrator names, for somebody who is away, a deputy who is in the role; only '
                                'that one puts somebody else into it.',
                                format('Name a member of %s, or have %s name the deputy.', role, named));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_deputy(integer, integer, integer, text) IS
    'Refuses a deputy whom this person may not name for that one: errors LP033, and LP038 when the deputy is in a role '
    'that is apart.';

CREATE FUNCTION lpr.deputise(person text, deputy text, until timestamp with time zone, reason text,
                             role text DEFAULT 'lpr_supervisor')
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting_in('A1', 'lpr_supervisor', 'lpr_system_owner', 'lpr_lead', 'lpr_admin');
    principal integer := lpr_data.person_of(person);
    acting integer := lpr_data.person_of(deputy);
    moment timestamptz := clock_timestamp();
BEGIN
    IF (role IN ('lpr_supervisor', 'lpr_system_owner', 'lpr_lead')) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A1', '22023', format('role %s has no deputies', coalesce(role, 'NULL')),
                                'Others wait for a supervisor, a system owner or a lead.',
                                'role => ''lpr_supervisor'', ''lpr_system_owner'' or ''lpr_lead''.');
    END IF;
    -- Who is in which role stays as it is until this is committed.
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.lock_roles();
    IF who = principal THEN
        PERFORM lpr_data.acting_in('A1', role);
    ELSE
        PERFORM lpr_data.acting_in('A1', 'lpr_admin');
    END IF;
    PERFORM FROM lpr_data.person AS p WHERE p.person_id IN (principal, acting) ORDER BY p.person_id FOR SHARE;
    PERFORM lpr_data.check_deputy(who, principal, acting, role);
    IF (until > moment AND until <= moment + interval '30 days') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A1', '22023', format('not a time until which somebody has a deputy: %s',
                                                      coalesce(until::text, 'NULL')),
                                'A deputy acts for thirty days at the most, and is named anew then.',
                                'For instance until => now() + interval ''14 days''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    IF acting IN (SELECT lpr_data.deputies_of(principal, role)) THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('"%s" is a deputy of "%s" already', deputy, person),
                                'One deputy is named once at a time.',
                                format('SELECT lpr.end_deputy(%L, %L, ''...why...'', %L); ends that first.', person,
                                       deputy, role));
    END IF;
    INSERT INTO lpr_data.deputy (role, person_id, acts_id, since, until, reason, named_by)
    VALUES (deputise.role, principal, acting, moment, deputise.until, deputise.reason, who);
    IF acting NOT IN (SELECT lpr_data.deputies_of(principal, role)) THEN
        PERFORM lpr_data.refuse('A8', 'LP038', format('"%s" stands in for somebody in a role that is apart from %s',
                                                      deputy, role),
                                'Nobody acts in two roles that must be apart, in others'' stead neither: '
                                'lpr.roles_apart shows the pairs.',
                                'SELECT * FROM lpr.deputies; then name somebody else.');
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.deputise(text, text, timestamptz, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.deputise(text, text, timestamptz, text, text) IS
    'Names a deputy (A1): who decides in the stead of a supervisor, system owner or lead, under what holds for that '
    'one, and with the rules agreed to. person: the login in whose stead, who names the deputy; for one who is away '
    'an administrator does, and then the deputy is a member of the role. deputy: the login of who acts, somebody else '
    'than who names them, of a role that sees reads or the log. until: thirty days at the most. role: lpr_supervisor, '
    'lpr_system_owner or lpr_lead; the deputy needs no GRANT of it. What a deputy does is on record with whose deputy '
    'it was. It ends by itself when the time is over, when either has left, when the person is no longer in the role, '
    'or the deputy in one that is apart from it. Errors LP033 (who may), LP034 (named already), LP038 (roles that are '
    'apart), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.end_deputy(person text, deputy text, reason text, role text DEFAULT 'lpr_supervisor')
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.registered('A1');
    principal integer := (SELECT p.person_id FROM lpr_data.person AS p
                          WHERE p.login = end_deputy.person COLLATE "C");
    acting integer := (SELECT p.person_id FROM lpr_data.person AS p WHERE p.login = end_deputy.deputy COLLATE "C");
BEGIN
    IF (who IN (principal, acting)) IS NOT TRUE THEN
        PERFORM lpr_data.acting_in('A1', 'lpr_admin', 'lpr_oversight');
    END IF;
    PERFORM lpr_data.check_given(reason, 'A1');
    UPDATE lpr_data.deputy AS d
    SET ended_at = clock_timestamp(), ended_by = who, end_reason = end_deputy.reason
    WHERE d.person_id = principal AND d.acts_id = acting AND d.role = end_deputy.role COLLATE "C"
      AND d.ended_at IS NULL AND d.until > clock_timestamp();
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('"%s" is no deputy of "%s" as %s', coalesce(deputy, 'NULL'),
                                                      coalesce(person, 'NULL'), coalesce(role, 'NULL')),
                                'What is over is not ended.', 'SELECT * FROM lpr.deputies;');
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.end_deputy(text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.end_deputy(text, text, text, text) IS
    'Ends what lpr.deputise() began, from the next statement on (A1): by the person, the deputy, an administrator or '
    'oversight. What the deputy did stands, but for a first approval of access that waits for the second. Errors '
    'LP033, LP034 (no such deputy), LP043.';

CREATE VIEW lpr.deputies WITH (security_barrier) AS
SELECT d.role, p.login AS person, a.login AS deputy, a.name AS deputy_name,
       CASE WHEN d.ended_at IS NOT NULL THEN 'ended' WHEN d.until <= clock_timestamp() THEN 'over'
            WHEN p.left_at IS NOT NULL OR a.left_at IS NOT NULL THEN 'void' ELSE 'named' END AS state,
       d.since, coalesce(d.ended_at, d.until) AS until, n.login AS named_by, e.login AS ended_by,
       CASE WHEN lpr_data.me() IN (d.person_id, d.acts_id, d.named_by)
                 OR (SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')) THEN d.reason END AS reason,
       CASE WHEN lpr_data.me() IN (d.person_id, d.acts_id, d.named_by)
                 OR (SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')) THEN d.end_reason END AS end_reason
FROM lpr_data.deputy AS d
JOIN lpr_data.person AS p ON p.person_id = d.person_id
JOIN lpr_data.person AS a ON a.person_id = d.acts_id
JOIN lpr_data.person AS n ON n.person_id = d.named_by
LEFT JOIN lpr_data.person AS e ON e.person_id = d.ended_by;
GRANT SELECT ON lpr.deputies TO lpr_member;
COMMENT ON VIEW lpr.deputies IS
    'Who is or was named to act in whose stead (A1), for everybody who is registered: so one knows whom to ask.';
COMMENT ON COLUMN lpr.deputies.role IS 'As what: lpr_supervisor, lpr_system_owner or lpr_lead.';
COMMENT ON COLUMN lpr.deputies.person IS 'Login of the one in whose stead.';
COMMENT ON COLUMN lpr.deputies.deputy IS 'Login of who acts.';
COMMENT ON COLUMN lpr.deputies.deputy_name IS 'That person''s name.';
COMMENT ON COLUMN lpr.deputies.state IS
    'named; over: its time is; ended: before its time; void: one of the two has left. A named one counts as long as '
    'the person is in the role and the deputy in none that is apart from it.';
COMMENT ON COLUMN lpr.deputies.since IS 'Since when.';
COMMENT ON COLUMN lpr.deputies.until IS 'Until when.';
COMMENT ON COLUMN lpr.deputies.named_by IS 'Login of who named the deputy.';
COMMENT ON COLUMN lpr.deputies.ended_by IS 'Login of who ended it before its time.';
COMMENT ON COLUMN lpr.deputies.reason IS 'Why; shown to the two, who named them, administrators and oversight.';
COMMENT ON COLUMN lpr.deputies.end_reason IS 'Why it was ended; shown to the same.';
