-- 80-harden: no place to hoard: the privileges and settings that the safeguards stand on (E2), and lpr.harden(), which
-- brings them about.

CREATE FUNCTION lpr_data.is_confined(login oid)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_login_is_confined';
COMMENT ON FUNCTION lpr_data.is_confined(oid) IS
    'Whether a login sees reads or the log by its roles (lpr_user, lpr_supervisor, lpr_system_owner, '
    'lpr_oversight, lpr_privacy, lpr_lead), and is refused what could keep them: error LP050 (E2). '
    'Superusers are not: they cannot ask.';

CREATE FUNCTION lpr_data.confined_roles()
    RETURNS TABLE (role oid, name text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE confined AS (
        SELECT r.oid FROM pg_roles AS r WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
        UNION SELECT r.oid FROM pg_roles AS r
        WHERE r.rolname IN ('lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy')
        UNION SELECT m.roleid FROM pg_auth_members AS m JOIN confined AS c ON c.oid = m.member
    )
    SELECT 0::oid, 'PUBLIC'
    UNION ALL SELECT r.oid, quote_ident(r.rolname) FROM confined AS c JOIN pg_roles AS r ON r.oid = c.oid
    WHERE NOT r.rolsuper
$$;
COMMENT ON FUNCTION lpr_data.confined_roles() IS
    'Whose privileges a confined login has: PUBLIC, itself, and every role that it is a member of.';

CREATE FUNCTION lpr_data.login_settings()
    RETURNS TABLE (name text, value text, reason text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.* FROM (VALUES
        ('log_statement', 'none', 'Statements hold plates, and would stand in the server''s log.'),
        ('log_min_duration_statement', '-1', 'Slow statements hold plates, and would stand in the server''s log.'),
        ('log_min_duration_sample', '-1', 'Slow statements hold plates, and would stand in the server''s log.'),
        ('log_transaction_sample_rate', '0', 'Statements hold plates, and would stand in the server''s log.'),
        ('log_min_error_statement', 'panic', 'Statements that fail hold plates, and would stand in the server''s log.'),
        ('log_min_messages', 'fatal',
         'Errors quote the value that they are about, and debug_print_plan and its like, which anybody can set, log '
         'whole statements.')
        ) AS s (name, value, reason)
    UNION ALL
    SELECT s.* FROM (VALUES
        ('auto_explain.log_min_duration', '-1',
         'auto_explain writes statements with their plates into the server''s log.'),
        ('pgaudit.log', 'none', 'pgaudit writes statements with their plates into the server''s log.'),
        ('pg_stat_statements.track', 'none', 'pg_stat_statements keeps statements, in a file as well.')
        ) AS s (name, value, reason)
    WHERE s.name IN (SELECT p.name FROM pg_settings AS p)
$$;
COMMENT ON FUNCTION lpr_data.login_settings() IS
    'Settings that keep what confined logins ask out of logs and statistics; those of extensions only while they are '
    'loaded.';

CREATE FUNCTION lpr_data.granted_by(grantor oid)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN current_setting('server_version_num')::integer >= 160000 AND grantor <> 10
    THEN format(' GRANTED BY %s', grantor::regrole) ELSE '' END;
COMMENT ON FUNCTION lpr_data.granted_by(oid) IS
    'What a REVOKE of a membership ends with: from 16 on one is a row a grantor, and a superuser''s REVOKE takes '
    'only those of superusers.';

CREATE FUNCTION lpr_data.verb_excess()
    RETURNS TABLE (finding text, reason text, mend text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('role lpr_verb %s', x.what), x.reason, format('ALTER ROLE lpr_verb %s', x.mend)
    FROM pg_authid AS r
    CROSS JOIN LATERAL (VALUES
        (r.rolcanlogin, 'can log in', 'Its functions act for people; it is nobody itself.', 'NOLOGIN'),
        (r.rolpassword IS NOT NULL, 'has a password', 'Its functions act for people; it is nobody itself.',
         'PASSWORD NULL'),
        (r.rolsuper, 'is a superuser', 'One slip in a function of lpr would be the cluster.', 'NOSUPERUSER'),
        (r.rolcreaterole, 'has CREATEROLE', 'One slip in a function of lpr could make members of our roles.',
         'NOCREATEROLE'),
        (r.rolcreatedb, 'has CREATEDB', 'None of its functions makes a database.', 'NOCREATEDB'),
        (r.rolreplication, 'has REPLICATION', 'None of its functions copies the cluster.', 'NOREPLICATION'),
        (r.rolinherit, 'inherits', 'It has no rights but its own.', 'NOINHERIT'),
        (NOT r.rolbypassrls, 'lacks BYPASSRLS', 'Without it no function of lpr finds a row.', 'BYPASSRLS')
    ) AS x (found, what, reason, mend)
    WHERE r.rolname = 'lpr_verb' AND x.found
    UNION ALL
    SELECT format('%I is a member of %I', m.rolname, g.rolname),
           CASE g.rolname WHEN 'lpr_verb' THEN 'Who has that role can do what our functions do, without their rules.'
                ELSE 'Our functions would have the rights of that role as well.' END,
           format('REVOKE %I FROM %I', g.rolname, m.rolname) || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE 'lpr_verb' IN (g.rolname, m.rolname)
    UNION ALL
    -- On what is ours: what was granted since. The log is read, and only that.
    SELECT format('lpr_verb may %s %s', a.right, a.what), 'None of its functions needs it.',
           format('REVOKE %s ON %s FROM lpr_verb', a.right, a.what)
    FROM (SELECT o.classid, o.objid, o.sub, o.what, o.is_log,
                 e.privilege_type AS plain, e.privilege_type || o.of_column AS right
          FROM (SELECT 'pg_class'::regclass AS classid, c.oid AS objid, 0 AS sub, c.relacl AS acl, '' AS of_column,
                       CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || c.oid::regclass AS what,
                       c.relowner = 'lpr_log'::regrole AS is_log
                FROM pg_class AS c WHERE c.relacl IS NOT NULL
                UNION ALL
                SELECT 'pg_class'::regclass, t.attrelid, t.attnum, t.attacl, format(' (%I)', t.attname),
                       'TABLE ' || t.attrelid::regclass, false
                FROM pg_attribute AS t WHERE t.attacl IS NOT NULL AND NOT t.attisdropped
                UNION ALL
                SELECT 'pg_proc'::regclass, p.oid, 0, p.proacl, '', 'FUNCTION ' || p.oid::regprocedure, false
                FROM pg_proc AS p WHERE p.proacl IS NOT NULL
                UNION ALL
                SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspacl, '', 'SCHEMA ' || n.oid::regnamespace, false
                FROM pg_namespace AS n WHERE n.nspacl IS NOT NULL
                UNION ALL
                SELECT 'pg_database'::regclass, d.oid, 0, d.datacl, '', format('DATABASE %I', d.datname), false
                FROM pg_database AS d WHERE d.datacl IS NOT NULL
                UNION ALL
                SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvacl, '', format('FOREIGN SERVER %I', s.srvname),
                       false
                FROM pg_foreign_server AS s WHERE s.srvacl IS NOT NULL
                UNION ALL
                SELECT 'pg_language'::regclass, l.oid, 0, l.lanacl, '', format('LANGUAGE %I', l.lanname), false
                FROM pg_language AS l WHERE l.lanacl IS NOT NULL
                UNION ALL
                SELECT 'pg_largeobject'::regclass, b.oid, 0, b.lomacl, '', 'LARGE OBJECT ' || b.oid, false
                FROM pg_largeobject_metadata AS b WHERE b.lomacl IS NOT NULL) AS o
          CROSS JOIN LATERAL aclexplode(o.acl) AS e
          WHERE e.grantee = 'lpr_verb'::regrole
            AND NOT (o.classid = 'pg_proc'::regclass
                     AND (SELECT p.proowner = 'lpr_verb'::regrole FROM pg_proc AS p WHERE p.oid = o.objid))
            AND NOT (o.classid = 'pg_class'::regclass
                     AND (SELECT c.relowner = 'lpr_verb'::regrole FROM pg_class AS c WHERE c.oid = o.objid))) AS a
    WHERE NOT (a.is_log AND a.plain = 'SELECT')
      AND NOT (a.classid = 'pg_namespace'::regclass AND a.plain = 'USAGE'
               AND a.objid IN ('lpr'::regnamespace, 'lpr_data'::regnamespace))
      AND NOT EXISTS (SELECT FROM pg_init_privs AS i CROSS JOIN LATERAL aclexplode(i.initprivs) AS g
                      WHERE i.classoid = a.classid AND i.objoid = a.objid AND i.objsubid = a.sub
                        AND g.grantee = 'lpr_verb'::regrole AND g.privilege_type = a.plain)
    UNION ALL
    SELECT format('%s belongs to lpr_verb', pg_describe_object(d.classid, d.objid, 0)),
           'It owns functions of lpr and nothing else.',
           format('ALTER %s %s OWNER TO CURRENT_USER',
                  CASE n.type WHEN 'server' THEN 'SERVER' WHEN 'function' THEN 'ROUTINE' WHEN 'procedure' THEN 'ROUTINE'
                       ELSE upper(n.type) END, n.identity)
    FROM pg_shdepend AS d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS n
    WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = 'lpr_verb'::regrole AND d.deptype = 'o'
      AND d.dbid IN (0, (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database()))
      AND NOT EXISTS (SELECT FROM pg_depend AS m JOIN pg_extension AS x ON x.oid = m.refobjid
                      WHERE m.classid = d.classid AND m.objid = d.objid AND m.deptype = 'e'
                        AND m.refclassid = 'pg_extension'::regclass AND x.extname = 'lpr')
$$;
COMMENT ON FUNCTION lpr_data.verb_excess() IS
    'What lpr_verb is, has or may beyond what its functions need, or lacks: what, why that matters, and the statement '
    'that mends it. For lpr.security_report() and lpr.harden().';

CREATE FUNCTION lpr_data.hardening()
    RETURNS TABLE (topic text, statement text, reason text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- No tables of one's own.
    SELECT 'database', format('REVOKE %s ON DATABASE %I FROM %s', a.privilege_type, d.datname, r.name),
           CASE a.privilege_type WHEN 'CREATE' THEN 'Who can create schemas can keep answers in them.'
                                 ELSE 'Temporary tables keep answers for as long as the session lasts.' END
    FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a
    JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE d.datname = current_database() AND a.privilege_type IN ('CREATE', 'TEMPORARY')
    UNION ALL
    SELECT 'schema', format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, r.name),
           'Who can create tables can keep answers in them.'
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE a.privilege_type = 'CREATE' AND NOT (n.oid = pg_my_temp_schema() OR n.nspname ~ '^pg_(toast_)?temp_')
    UNION ALL
    -- No other places, which are no statements.
    SELECT 'function', format('REVOKE EXECUTE ON FUNCTION %s FROM %s', p.oid::regprocedure, r.name),
           CASE WHEN p.proname ~ '^(lo|lowrite)'
               THEN 'Large objects belong to the role that makes one, and keep what is written to them.'
                WHEN p.proname = 'pg_logical_emit_message'
                    THEN 'It writes what it is given into the WAL, and so into archives and standbys.'
                WHEN p.proname IN ('pg_restore_relation_stats', 'pg_restore_attribute_stats')
                    THEN 'It writes what it is given into the statistics of a table.'
                WHEN p.proname = 'pg_notify' THEN 'It hands what it is given to everybody who listens.'
                ELSE 'It carries what it is given to another server, or writes it into a file.' END
    FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_truncate',
              'lo_truncate64', 'lo_import', 'lo_export',
                            'pg_logical_emit_message', 'pg_notify', 'pg_restore_relation_stats',
                                'pg_restore_attribute_stats')
       OR EXISTS (SELECT FROM pg_depend AS e JOIN pg_extension AS x ON x.oid = e.refobjid
                  WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.refclassid = 'pg_extension'::regclass
                    AND e.deptype = 'e'
                    AND x.extname IN ('dblink', 'adminpack'))
    UNION ALL
    SELECT 'language', format('REVOKE USAGE ON LANGUAGE %I FROM %s', l.lanname, r.name),
           'A function can carry an answer in its variables to where it is kept.'
    FROM pg_language AS l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) AS a
    JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE l.lanpltrusted
    UNION ALL
    SELECT 'verbs', v.mend, v.reason FROM lpr_data.verb_excess() AS v
    UNION ALL
    -- No log holds what they ask.
    SELECT 'logging', format('ALTER ROLE %I SET %s = %L', l.rolname, s.name, s.value), s.reason
    FROM pg_roles AS l CROSS JOIN lpr_data.login_settings() AS s
    WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
      AND NOT EXISTS (SELECT FROM pg_db_role_setting AS c
                      WHERE c.setrole = l.oid AND c.setdatabase = 0 AND s.name || '=' || s.value = ANY (c.setconfig))
    UNION ALL
    SELECT 'logging', format('ALTER ROLE %I IN DATABASE %I RESET %s', l.rolname, d.datname, s.name), s.reason
    FROM pg_roles AS l CROSS JOIN lpr_data.login_settings() AS s
    JOIN pg_db_role_setting AS c ON c.setrole = l.oid JOIN pg_database AS d ON d.oid = c.setdatabase
    WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
      AND EXISTS (SELECT FROM unnest(c.setconfig) AS v WHERE v ^@ (s.name || '=') AND v <> s.name || '=' || s.value)
$$;
COMMENT ON FUNCTION lpr_data.hardening() IS 'The statements that lpr.harden() would run: those that are still needed.';

CREATE FUNCTION lpr.harden(dry_run boolean DEFAULT true)
    RETURNS TABLE (statement text, reason text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR harden.statement, harden.reason IN SELECT h.statement, h.reason FROM lpr_data.hardening() AS h
        ORDER BY h.statement LOOP
        IF NOT dry_run THEN
            EXECUTE harden.statement;
            INSERT INTO lpr_data.change (login, pid, session_started, payload)
            SELECT lpr.login(), w.pid, w.session_started,
                   jsonb_build_object('command', 'harden', 'statement', harden.statement, 'role', session_user,
                                      'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp())::text
            FROM lpr_data.wake_writer() AS w;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr.harden(boolean) IS
    'Leaves the people who see reads no place to keep them (E2): shows, and with dry_run => false also runs, the '
    'statements that are still needed: no CREATE and TEMP for them in this database, no large objects, notifications '
    'and messages in the WAL, no procedural languages, and no logging of what they ask; and role lpr_verb as it has to '
    'be. No row = hardened. For '
    'superusers; in the caller''s transaction; to be called again when logins were added.';
