-- 33-role-state: roles, memberships and their settings as the audit writer last saw them. Statements about them are on
-- record in every database of the cluster; what nobody could see, since lpr was not loaded or in single-user mode, is
-- found by comparing (U4).

CREATE TABLE lpr_data.role_state (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('role', 'membership', 'setting', 'noted')),
    name text COLLATE "C" NOT NULL,
    about text[] COLLATE "C" NOT NULL,
    value jsonb NOT NULL,
    secret bytea,
    PRIMARY KEY (kind, name)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.role_state', '');
ALTER TABLE lpr_data.role_state ALTER secret SET STATISTICS 0;
-- What the writer finds different it puts on record itself, unless it is on record already.
CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON lpr_data.role_state
    FOR EACH ROW WHEN (lpr.login() IS NOT NULL) EXECUTE FUNCTION lpr_data.audit_change('secret', 'long value');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON lpr_data.role_state
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_change();
ALTER TABLE lpr_data.role_state ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate;
COMMENT ON TABLE lpr_data.role_state IS
    'Roles of the cluster, memberships, and settings of roles and databases, as the audit writer last saw them. What '
    'is different when it looks again, and is not on record, becomes a record "unseen" (U4).';
COMMENT ON COLUMN lpr_data.role_state.kind IS
    'role, membership or setting; noted: one row, up to which record of the log the statements are known.';
COMMENT ON COLUMN lpr_data.role_state.name IS
    'The role; "member in role by grantor"; "role in database", ALL for all roles or databases.';
COMMENT ON COLUMN lpr_data.role_state.about IS 'Names of the roles that it is about.';
COMMENT ON COLUMN lpr_data.role_state.value IS 'Its attributes; of a password only whether there is one.';
COMMENT ON COLUMN lpr_data.role_state.secret IS
    'SHA-256 of what must not be told, the stored password or all settings: whether it has changed.';

CREATE FUNCTION lpr_data.roles_now()
    RETURNS TABLE (kind text, name text, about text[], value jsonb, secret bytea)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'role', r.rolname::text, ARRAY[r.rolname::text],
           jsonb_build_object('superuser', r.rolsuper, 'inherit', r.rolinherit, 'createrole', r.rolcreaterole,
                              'createdb', r.rolcreatedb, 'login', r.rolcanlogin, 'replication', r.rolreplication,
                              'bypassrls', r.rolbypassrls, 'connection_limit', r.rolconnlimit,
                              'valid_until', r.rolvaliduntil, 'password', r.rolpassword IS NOT NULL),
           sha256(convert_to(r.rolpassword, 'UTF8'))
    FROM pg_authid AS r WHERE r.rolname !~ '^pg_'
    UNION ALL
    SELECT 'membership', format('%s in %s by %s', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid),
                                pg_get_userbyid(m.grantor)),
           ARRAY[pg_get_userbyid(m.member)::text, pg_get_userbyid(m.roleid)::text],
           to_jsonb(m) - '{oid,roleid,member,grantor}'::text[], NULL
    FROM pg_auth_members AS m WHERE m.roleid >= 16384 OR m.member >= 16384
    UNION ALL
    SELECT 'setting', coalesce(r.rolname, 'ALL') || ' in ' || coalesce(d.datname, 'ALL'),
           ARRAY[coalesce(r.rolname::text, 'ALL'), coalesce(d.datname::text, 'ALL')],
           (SELECT jsonb_object_agg(split_part(c, '=', 1),
                                    CASE WHEN c ~* '^(lpr[.]|[^.=]*=)' THEN substr(c, strpos(c, '=') + 1) END)
            FROM unnest(s.setconfig) AS c),
           sha256(convert_to(s.setconfig::text, 'UTF8'))
    FROM pg_db_role_setting AS s LEFT JOIN pg_roles AS r ON r.oid = s.setrole
    LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
$$;
COMMENT ON FUNCTION lpr_data.roles_now() IS
    'Roles, memberships and their settings as they are, in the form of lpr_data.role_state. Values of settings that '
    'are neither the server''s nor ours are left out. For the audit writer: it reads stored passwords.';

CREATE FUNCTION lpr_data.told_roles(after bigint)
    RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT n.name), '{}')
    FROM (SELECT a.payload FROM lpr_data.audit AS a
          WHERE a.number > greatest(after, (SELECT max(m.number) FROM lpr_data.audit AS m) - 5000)
            AND a.kind = 'change'
          UNION ALL
          SELECT c.payload FROM lpr_data.change AS c) AS r
    CROSS JOIN LATERAL (SELECT r.payload::jsonb AS p) AS j
    CROSS JOIN LATERAL (
        SELECT p ->> k FROM unnest('{object,new_name,in_database}'::text[]) AS k
        UNION ALL
        SELECT jsonb_array_elements_text(p -> k) FROM unnest('{objects,members}'::text[]) AS k
        UNION ALL
        SELECT jsonb_array_elements_text(p -> 'options' -> k)
        FROM unnest('{rolemembers,adminmembers,addroleto}'::text[]) AS k
    ) AS n (name)
    WHERE r.payload LIKE '%"outcome": "%' AND p ->> 'outcome' IN ('committed', 'prepared')
      AND p ->> 'type' IN ('role', 'membership', 'setting') AND n.name IS NOT NULL
$$;
COMMENT ON FUNCTION lpr_data.told_roles(bigint) IS
    'Roles and databases that statements on record are about: records after a number, and of the last 5,000, since '
    'the writer looks as soon as it hears of one.';

CREATE FUNCTION lpr_data.note_roles(told_now boolean)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first_look boolean := NOT EXISTS (SELECT FROM lpr_data.role_state);
    last_number bigint := (SELECT max(a.number) FROM lpr_data.audit AS a);
    -- A record is there before its transaction is: whoever is told of one looks back behind the last look.
    told text[] := lpr_data.told_roles(coalesce((SELECT (s.value ->> 'number')::bigint FROM lpr_data.role_state AS s
                                                 WHERE s.kind = 'noted'), 0) - CASE WHEN told_now THEN 1000 ELSE 0 END);
    unseen bigint := 0;
    d record;
BEGIN
    FOR d IN
        SELECT coalesce(n.kind, s.kind) AS kind, coalesce(n.name, s.name) AS name, coalesce(n.about, s.about) AS about,
               s.value AS old, n.value AS new, n.secret,
               s.secret IS DISTINCT FROM n.secret AND s.value IS NOT DISTINCT FROM n.value AS secretly
        FROM lpr_data.roles_now() AS n FULL JOIN (SELECT * FROM lpr_data.role_state AS r WHERE r.kind <> 'noted') AS s
        ON s.kind = n.kind AND s.name = n.name
        WHERE s.value IS DISTINCT FROM n.value OR s.secret IS DISTINCT FROM n.secret
        ORDER BY 1, 2
    LOOP
        -- A database that is dropped takes its settings along.
        IF NOT first_look AND NOT d.about && told
           AND NOT (d.kind = 'setting' AND d.new IS NULL AND d.about[2] <> 'ALL'
                    AND NOT EXISTS (SELECT FROM pg_database AS b WHERE b.datname = d.about[2])) THEN
            INSERT INTO lpr_data.change (login, pid, session_started, payload)
            SELECT lpr.login(), w.pid, w.session_started,
                   jsonb_build_object('command', 'unseen', 'type', d.kind, 'object', d.name, 'old', d.old,
                                      'new', d.new, 'secretly', d.secretly, 'made_at', clock_timestamp())::text
            FROM lpr_data.wake_writer() AS w;
            unseen := unseen + 1;
        END IF;
        IF d.new IS NULL THEN
            DELETE FROM lpr_data.role_state AS s WHERE s.kind = d.kind AND s.name = d.name;
        ELSE
            INSERT INTO lpr_data.role_state (kind, name, about, value, secret)
            VALUES (d.kind, d.name, d.about, d.new, d.secret)
            ON CONFLICT ON CONSTRAINT role_state_pkey DO UPDATE
            SET about = excluded.about, value = excluded.value, secret = excluded.secret;
        END IF;
    END LOOP;
    IF first_look THEN
        INSERT INTO lpr_data.change (login, pid, session_started, payload)
        SELECT lpr.login(), w.pid, w.session_started,
               jsonb_build_object('command', 'roles noted',
                                  'roles', (SELECT jsonb_agg(s.name ORDER BY s.name) FROM lpr_data.role_state AS s
                                            WHERE s.kind = 'role' AND (s.value ->> 'superuser')::boolean),
                                  'type', 'role', 'count', (SELECT count(*) FROM lpr_data.role_state),
                                  'memberships', (SELECT jsonb_agg(s.name ORDER BY s.name) FROM lpr_data.role_state AS s
                                                  WHERE s.kind = 'membership' AND s.about[2] ^@ 'lpr_'
                                                    AND NOT s.about[1] ^@ 'lpr_'),
                                  'made_at', clock_timestamp())::text
        FROM lpr_data.wake_writer() AS w;
    END IF;
    INSERT INTO lpr_data.role_state (kind, name, about, value)
    VALUES ('noted', 'log', '{}', jsonb_build_object('number', last_number))
    ON CONFLICT ON CONSTRAINT role_state_pkey DO UPDATE SET value = excluded.value;
    RETURN unseen;
END
$$;
COMMENT ON FUNCTION lpr_data.note_roles(boolean) IS
    'Brings lpr_data.role_state up to date, and puts on record as unseen what has changed without a statement on '
    'record; returns how many those are. At its first look it records who is a superuser and who is in which role of '
    'lpr. Called by the audit writer when it starts, every hour, and (told_now) after each statement about roles.';
