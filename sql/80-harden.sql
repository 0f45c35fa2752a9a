-- 80-harden: no place to hoard: the privileges and settings that the safeguards stand on (E2), and lpr.harden(), which
-- brings them about.

CREATE FUNCTION lpr_data.is_confined(login oid)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_login_is_confined';
COMMENT ON FUNCTION lpr_data.is_confined(oid) IS
    'Whether a login sees reads by its roles (lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, '
    'lpr_privacy), and is refused what could keep them: error LP050 (E2). Superusers are not: they cannot ask.';

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
    'and messages in the WAL, no procedural languages, and no logging of what they ask. No row = hardened. For '
    'superusers; in the caller''s transaction; to be called again when logins were added.';
