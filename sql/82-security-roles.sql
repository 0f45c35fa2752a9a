-- 82-security-roles: the part of lpr.security_report() that is about roles, rights and our own objects, and the report
-- itself.

CREATE FUNCTION lpr_data.findings_of_roles()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN r.oid = 10 THEN 'low' ELSE 'medium' END, 'roles', format('login %I is a superuser', r.rolname),
           'A superuser can alter the log and every rule.',
           CASE WHEN r.oid = 10 THEN format('pg_hba.conf: local all %I peer # and no other line for it', r.rolname)
                ELSE format('ALTER ROLE %I NOSUPERUSER', r.rolname) END
    FROM pg_roles AS r WHERE r.rolsuper AND r.rolcanlogin AND r.rolname <> 'lpr_verb'
    UNION ALL
    SELECT 'high', 'roles', format('role %I has BYPASSRLS', r.rolname),
           'It sees every row of every table that it may read.', format('ALTER ROLE %I NOBYPASSRLS', r.rolname)
    FROM pg_roles AS r WHERE r.rolbypassrls AND NOT r.rolsuper AND r.rolname <> 'lpr_verb'
    UNION ALL
    SELECT 'high', 'roles', format('role %I has CREATEROLE', r.rolname), CASE
           WHEN current_setting('server_version_num')::integer >= 160000
           THEN 'It can make logins, and change or act as those that it made.'
           ELSE 'It can make members of our roles, and change passwords of others.' END,
           format('ALTER ROLE %I NOCREATEROLE', r.rolname)
    FROM pg_roles AS r WHERE r.rolcreaterole AND NOT r.rolsuper AND r.rolname <> 'lpr_verb'
    UNION ALL
    SELECT 'high', 'roles', format('role %I has REPLICATION', r.rolname), 'It can copy the whole cluster.',
           format('ALTER ROLE %I NOREPLICATION', r.rolname)
    FROM pg_roles AS r WHERE r.rolreplication AND NOT r.rolsuper AND r.rolname <> 'lpr_verb'
    UNION ALL
    SELECT 'low', 'roles', format('role %I has CREATEDB', r.rolname),
           'In a database of its own nothing keeps it from making tables.',
           format('ALTER ROLE %I NOCREATEDB', r.rolname)
    FROM pg_roles AS r WHERE r.rolcreatedb AND NOT r.rolsuper AND r.rolname <> 'lpr_verb'
    UNION ALL
    SELECT p.severity, 'roles', format('%I is a member of %I', m.rolname, g.rolname), p.reason,
           format('REVOKE %I FROM %I', g.rolname, m.rolname) || lpr_data.granted_by(a.grantor)
    FROM (VALUES ('pg_read_all_data', 'high', 'It reads every table, the case data and the log as well.'),
                 ('pg_write_all_data', 'high', 'It writes to every table.'),
                 ('pg_read_server_files', 'high', 'It reads the files of secrets and keys.'),
                 ('pg_write_server_files', 'high', 'It writes files on the host.'),
                 ('pg_execute_server_program', 'high', 'It runs programs as the server''s user.'),
                 ('pg_create_subscription', 'medium', 'It has rows copied from and to other servers.'),
                 ('pg_monitor', 'medium', 'It sees in pg_stat_activity what others ask, with the plates.'),
                 ('pg_read_all_stats', 'medium', 'It sees in pg_stat_activity what others ask, with the plates.'),
                 ('pg_maintain', 'medium', 'It locks and rewrites every table, the log as well.'),
                 ('pg_signal_autovacuum_worker', 'low', 'It can end autovacuum, which keeps the log writable.'),
                 ('pg_signal_backend', 'low', 'It can end the questions of others.')) AS p (role, severity, reason)
    JOIN pg_roles AS g ON g.rolname = p.role JOIN pg_auth_members AS a ON a.roleid = g.oid
    JOIN pg_roles AS m ON m.oid = a.member
    WHERE m.rolname !~ '^pg_' AND NOT m.rolsuper AND m.rolname <> 'lpr_verb'
    UNION ALL
    SELECT 'high', 'roles', format('%I is a member of %I', m.rolname, g.rolname),
           'That role owns the log or our tables, and has no members.',
           format('REVOKE %I FROM %I', g.rolname, m.rolname)
           || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE g.rolname IN ('lpr_log', 'lpr_owner')
    UNION ALL
    SELECT 'medium', 'roles', format('%I may grant %I', m.rolname, g.rolname),
           'Who is in a role is decided by administrators.', format('REVOKE ADMIN OPTION FOR %I FROM %I', g.rolname,
           m.rolname) || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE g.rolname ~ '^lpr_' AND a.admin_option AND NOT m.rolsuper AND 'lpr_verb' NOT IN (g.rolname, m.rolname)
    UNION ALL
    SELECT 'low', 'roles', format('%I is a member of %I through no login of a person''s', m.rolname, g.rolname),
           'A new member of that role gets it too, unseen.', format('REVOKE %I FROM %I', g.rolname, m.rolname)
           || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE g.rolname ~ '^lpr_' AND NOT m.rolcanlogin AND g.rolname NOT IN ('lpr_log', 'lpr_owner')
      AND 'lpr_verb' NOT IN (g.rolname, m.rolname)
      AND NOT (g.rolname = 'lpr_member' AND m.rolname = ANY (lpr_data.roles()))
      AND NOT EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = m.rolname::text COLLATE "C")
    UNION ALL
    SELECT 'low', 'roles', format('login %I is a member of lpr_member', m.rolname),
           'Logins get it with a role of lpr; by itself it does not tell what they are there for.',
           format('REVOKE lpr_member FROM %I', m.rolname) || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS m ON m.oid = a.member WHERE a.roleid = 'lpr_member'::regrole
      AND m.rolcanlogin AND NOT m.rolsuper AND m.rolname <> ALL (lpr_data.roles() || 'lpr_verb'::text)
    UNION ALL
    SELECT 'medium', 'roles', format('%I has no use of lpr_member', r.rolname),
           'Who is to watch, decide or answer cannot.',
           format('ALTER ROLE %1$I INHERIT; REVOKE lpr_member FROM %1$I; GRANT lpr_member TO %1$I', r.rolname)
    FROM pg_roles AS r WHERE r.rolname = ANY (lpr_data.roles()) AND NOT pg_has_role(r.oid, 'lpr_member', 'USAGE')
    UNION ALL
    SELECT 'high', 'roles', format('superuser %I is a member of %I', m.rolname, g.rolname),
           'Who asks or oversees is no superuser.', format('REVOKE %I FROM %I', g.rolname, m.rolname)
           || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE g.rolname ~ '^lpr_' AND m.rolsuper AND 'lpr_verb' NOT IN (g.rolname, m.rolname)
    UNION ALL
    SELECT 'high', 'roles', format('role %I can log in', r.rolname), 'People log in as themselves.',
           format('ALTER ROLE %I NOLOGIN', r.rolname)
    FROM pg_roles AS r WHERE r.rolcanlogin AND r.rolname = ANY (lpr_data.roles() || '{lpr_member,lpr_log,lpr_owner}')
    UNION ALL
    SELECT 'medium', 'roles', format('%I is a member of login %I', m.rolname, l.rolname),
           'It can act as that person; that login may not ask any more.', format('REVOKE %I FROM %I', l.rolname,
           m.rolname) || lpr_data.granted_by(a.grantor)
    FROM pg_auth_members AS a JOIN pg_roles AS l ON l.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member
    WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
    UNION ALL
    SELECT 'medium', 'roles', format('login %I is that of a person who has left', p.login),
           'It can log in or holds roles of lpr.', string_agg(t.statement, ' ')
    FROM lpr_data.person AS p CROSS JOIN LATERAL lpr_data.roles_to_revoke(p.login) AS t (statement)
    WHERE p.left_at IS NOT NULL
    GROUP BY p.login
    UNION ALL
    SELECT 'low', 'roles', format('login %I is not registered', r.rolname),
           'It holds a role of ours, and no person is registered for it.',
           format('SELECT lpr.add_person(%L, ...) or DROP ROLE %I', r.rolname, r.rolname)
    FROM pg_roles AS r WHERE r.rolcanlogin AND NOT r.rolsuper AND lpr_data.is_confined(r.oid)
      AND NOT EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = r.rolname::text COLLATE "C")
    UNION ALL
    -- Settings that roles and databases have of their own: some would also reach our workers.
    SELECT 'medium', 'settings', format('%s sets %s',
                                        coalesce(nullif(concat_ws(' in ', 'role ' || quote_ident(r.rolname),
                                                                  'database ' || quote_ident(d.datname)), ''),
                                                 'every role'), x.name),
           CASE WHEN x.name ~ '^log_' THEN 'Statements hold plates, and would stand in the server''s log.'
                ELSE 'It changes what statements mean, or what is safe, behind the back of who writes them.' END,
           CASE WHEN r.oid IS NULL AND d.oid IS NOT NULL THEN format('ALTER DATABASE %I RESET %s', d.datname, x.name)
                ELSE concat_ws(' ', 'ALTER ROLE', coalesce(quote_ident(r.rolname), 'ALL'), 'IN DATABASE '
                    || quote_ident(d.datname), 'RESET', x.name) END
    FROM pg_db_role_setting AS c LEFT JOIN pg_roles AS r ON r.oid = c.setrole
    LEFT JOIN pg_database AS d ON d.oid = c.setdatabase
    CROSS JOIN LATERAL (SELECT split_part(e, '=', 1) AS name, substr(e, strpos(e, '=') + 1) AS value
    FROM unnest(c.setconfig) AS e) AS x
    WHERE x.name IN ('search_path', 'session_preload_libraries', 'local_preload_libraries', 'role',
        'session_authorization', 'session_replication_role', 'row_security', 'synchronous_commit',
                     'default_transaction_read_only', 'default_transaction_isolation',
                         'default_transaction_deferrable', 'event_triggers', 'createrole_self_grant',
                         'allow_system_table_mods', 'zero_damaged_pages', 'password_encryption')
       OR x.name ~ '^lpr\.'
       OR x.name = 'log_statement' AND x.value NOT IN ('none', 'ddl')
       OR x.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND x.value <> '-1'
    UNION ALL
    SELECT 'low', 'copies', format('replication slot %I', s.slot_name),
           'It keeps WAL back, and with it what was destroyed on its schedule; the role that uses it copies rows.',
           format('SELECT pg_drop_replication_slot(%L)', s.slot_name)
    FROM pg_replication_slots AS s
    UNION ALL
    SELECT 'low', 'copies', format('%s replicates from here',
                                   coalesce(nullif(s.application_name, ''), s.client_addr::text, 'a standby')),
           'What is destroyed here has to be destroyed there: it is when the standby keeps up.',
           format('SELECT pg_terminate_backend(%s)', s.pid)
    FROM pg_stat_replication AS s
    UNION ALL
    SELECT 'low', 'copies', format('publication %I', p.pubname), 'It hands rows to other servers.',
           format('DROP PUBLICATION %I', p.pubname) FROM pg_publication AS p
$$;
COMMENT ON FUNCTION lpr_data.findings_of_roles() IS
    'Part of lpr.security_report(): roles, their memberships and settings, and who copies.';

CREATE FUNCTION lpr_data.findings_of_rights()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE h.topic WHEN 'logging' THEN 'medium' ELSE 'high' END, 'harden', format('not hardened: %s', h.topic),
           h.reason, h.statement FROM lpr_data.hardening() AS h WHERE h.topic <> 'verbs'
    UNION ALL
    SELECT 'high', 'guards', v.finding, v.reason, v.mend FROM lpr_data.verb_excess() AS v
    UNION ALL
    -- Places of one's own that lpr.harden() leaves: they may hold something.
    SELECT 'medium', 'places', format('%s belongs to %I', c.oid::regclass, r.rolname),
           'Who sees reads has a table to keep them in.',
           format('ALTER TABLE %s OWNER TO CURRENT_USER', c.oid::regclass)
    FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('schema %I belongs to %I', n.nspname, r.rolname),
           'Who sees reads can make tables in it to keep them.',
           format('ALTER SCHEMA %I OWNER TO CURRENT_USER', n.nspname)
    FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('function %s belongs to %I', p.oid::regprocedure, r.rolname),
           'A function can carry an answer in its variables to where it is kept.',
           format('ALTER ROUTINE %s OWNER TO CURRENT_USER', p.oid::regprocedure)
    FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('large object %s belongs to %I', l.oid, r.rolname), 'It may hold an answer.',
           format('SELECT lo_unlink(%s)', l.oid)
    FROM pg_largeobject_metadata AS l JOIN pg_roles AS r ON r.oid = l.lomowner
    WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('everybody may write to %s', c.oid::regclass),
           'Who sees reads has a table to keep them in.',
           format('REVOKE INSERT, UPDATE ON %s FROM PUBLIC', c.oid::regclass)
    FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'f', 'v')
      AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a
                  WHERE a.grantee = 0 AND a.privilege_type IN ('INSERT', 'UPDATE'))
      AND c.relnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 'medium', 'places', format('everybody may use server %I', s.srvname),
           'What is asked of another server goes there, plates included.',
           format('REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC', s.srvname)
    FROM pg_foreign_server AS s WHERE EXISTS (SELECT FROM aclexplode(s.srvacl) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'medium', 'places', format('language %I is not trusted', l.lanname),
           'Its functions do on this host what the server''s user can.',
           CASE WHEN x.oid IS NULL THEN format('DROP LANGUAGE %I', l.lanname)
                ELSE format('DROP EXTENSION %I', x.extname) END
    FROM pg_language AS l
    LEFT JOIN pg_depend AS d ON d.classid = 'pg_language'::regclass AND d.objid = l.oid AND d.deptype = 'e'
    LEFT JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE l.lanispl AND NOT l.lanpltrusted
    UNION ALL
    SELECT 'low', 'places', format('extension %I is installed', x.extname),
           'It reaches other servers or the files of this one.', format('DROP EXTENSION %I', x.extname)
    FROM pg_extension AS x WHERE x.extname IN ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack')
    UNION ALL
    -- Our own objects.
    SELECT 'high', 'guards', format('schema %I belongs to %I', n.nspname, r.rolname),
           'The owner of a schema can put decoys beside our functions.',
           format('ALTER SCHEMA %I OWNER TO CURRENT_USER', n.nspname)
    FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner
    WHERE n.nspname IN ('lpr', 'lpr_data') AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'guards', format('extension lpr belongs to %I', r.rolname), 'Its owner can take it apart.',
           format('ALTER ROLE %I SUPERUSER NOLOGIN; -- or make the extension anew', r.rolname)
    FROM pg_extension AS x JOIN pg_roles AS r ON r.oid = x.extowner WHERE x.extname = 'lpr' AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'guards', format('%s may %s in schema %I',
                                    CASE a.grantee WHEN 0 THEN 'everybody' ELSE quote_ident(g.rolname) END,
                                    a.privilege_type, n.nspname),
           'It could put decoys beside our functions, or reach our tables.',
           format('REVOKE %s ON SCHEMA %I FROM %s', a.privilege_type, n.nspname,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END)
    FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
    WHERE a.grantee <> n.nspowner AND (n.nspname IN ('lpr', 'lpr_data') AND a.privilege_type = 'CREATE'
                                       OR n.nspname = 'lpr_data' AND g.rolname IS DISTINCT FROM 'lpr_owner'
                                          AND g.rolname IS DISTINCT FROM 'lpr_verb')
    UNION ALL
    SELECT 'high', 'guards', format('%s may %s %s',
                                    CASE a.grantee WHEN 0 THEN 'everybody' ELSE quote_ident(g.rolname) END,
                                    a.privilege_type, c.oid::regclass),
           'Our tables are reached through our functions and views only.',
           format('REVOKE ALL ON %s FROM %s', c.oid::regclass,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END)
    FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
    WHERE c.relnamespace = 'lpr_data'::regnamespace AND a.grantee <> c.relowner
      AND g.rolname IS DISTINCT FROM 'lpr_owner' AND g.rolname IS DISTINCT FROM 'lpr_verb'
    UNION ALL
    SELECT 'high', 'guards', format('everybody may call %s', p.oid::regprocedure),
           'Our functions are granted to who needs them.',
           format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure)
    FROM pg_proc AS p WHERE p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace)
      AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'high', 'guards', format('%s is not of lpr', p.oid::regprocedure),
           'What stands in our schemas and was not made by lpr may be a decoy.',
           format('DROP ROUTINE %s', p.oid::regprocedure)
    FROM pg_proc AS p WHERE p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace)
      AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                        AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND x.extname = 'lpr')
    UNION ALL
    SELECT 'high', 'guards', format('%s belongs to %I', p.oid::regprocedure, r.rolname),
           CASE WHEN r.rolsuper THEN 'What it does, it does with a superuser''s rights, which it does not need.'
                ELSE 'Its owner can change it.' END,
           format('ALTER ROUTINE %s OWNER TO %s', p.oid::regprocedure,
                  CASE WHEN p.acts THEN 'lpr_verb' ELSE 'CURRENT_USER' END)
    FROM (SELECT x.oid, x.proowner,
                 x.prosecdef AND NOT EXISTS (SELECT FROM lpr_data.superuser_functions() AS f
                                             WHERE to_regprocedure(f.function) = x.oid)
                 AND EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                             WHERE d.classid = 'pg_proc'::regclass AND d.objid = x.oid
                               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                               AND e.extname = 'lpr') AS acts
          FROM pg_proc AS x WHERE x.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace)) AS p
    JOIN pg_roles AS r ON r.oid = p.proowner
    WHERE CASE WHEN p.acts THEN r.rolname <> 'lpr_verb' ELSE NOT r.rolsuper END
    UNION ALL
    SELECT 'high', 'guards', format('event trigger %I does not always fire', e.evtname),
           'Changes of definitions are not on record.', format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', e.evtname)
    FROM pg_event_trigger AS e
    JOIN pg_depend AS d ON d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e'
    JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE x.extname = 'lpr' AND d.refclassid = 'pg_extension'::regclass AND e.evtenabled <> 'A'
    UNION ALL
    SELECT 'medium', 'guards', format('event trigger %I runs at every login', e.evtname),
           'It runs with the rights of the role that logs in.', format('DROP EVENT TRIGGER %I', e.evtname)
    FROM pg_event_trigger AS e WHERE e.evtevent = 'login'
    UNION ALL
    SELECT 'high', 'guards', format('constraint %I of %s is not enforced', c.conname, c.conrelid::regclass),
           'Rows that break a rule are taken in.',
           format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %2$I %3$s', c.conrelid::regclass, c.conname,
               replace(pg_get_constraintdef(c.oid), ' NOT ENFORCED', ''))
    FROM pg_constraint AS c WHERE c.connamespace = 'lpr_data'::regnamespace
      AND to_jsonb(c)->>'conenforced' = 'false' -- of 18 on
    UNION ALL
    SELECT 'high', 'guards', format('trigger %I of %s does not always fire', t.tgname, t.tgrelid::regclass),
           'Changes are not refused, or not on record.', format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I',
           t.tgrelid::regclass, t.tgname)
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'lpr_data'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'
    UNION ALL
    SELECT 'high', 'guards', format('table %s has no row-level security that binds its owner', c.oid::regclass),
           'Views that forget a condition would show what is others''.',
           format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', c.oid::regclass)
    FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE x.extname = 'lpr' AND d.refclassid = 'pg_extension'::regclass AND c.relkind = 'r'
      AND c.relnamespace = 'lpr_data'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 'high', 'guards', format('cache table %s is logged', c.oid::regclass),
           'What is to be gone after its time would live on in the WAL, in backups and on standbys.',
           format('ALTER TABLE %s SET UNLOGGED', c.oid::regclass)
    FROM pg_class AS c WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind = 'r'
      AND c.relname ~ '^cache_(answer|read)' AND c.relpersistence = 'p'
$$;
COMMENT ON FUNCTION lpr_data.findings_of_rights() IS 'Part of lpr.security_report(): rights, and our own objects.';

CREATE FUNCTION lpr_data.findings_of_parameters()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'medium', 'settings', format('%s may %s %s', CASE a.grantee WHEN 0 THEN 'everybody'
           ELSE quote_ident(g.rolname) END, a.privilege_type, p.parname), 'It was a superuser''s to set.',
           format('REVOKE %s ON PARAMETER %s FROM %s', a.privilege_type, p.parname, CASE a.grantee WHEN 0 THEN 'PUBLIC'
               ELSE quote_ident(g.rolname) END)
    FROM pg_parameter_acl AS p CROSS JOIN aclexplode(p.paracl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
    WHERE g.rolsuper IS NOT TRUE
$$;
COMMENT ON FUNCTION lpr_data.findings_of_parameters() IS
    'Part of lpr.security_report(): who may set what only superusers could.';

CREATE FUNCTION lpr_data.findings_of_jobs()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'low', 'jobs', 'pg_cron is not installed',
           'What is due for destruction is then listed when a records officer asks for it only, and nobody looks '
           'whether the workers work.',
           'CREATE EXTENSION pg_cron; SELECT lpr.schedule_jobs(); -- with pg_cron in shared_preload_libraries'
    WHERE NOT lpr_data.has_pg_cron() AND current_setting('shared_preload_libraries') !~ 'pg_cron'
    UNION ALL
    SELECT 'medium', 'jobs', 'cron.use_background_workers is off',
           'pg_cron then connects to run a job: pg_hba.conf would have to let a superuser in without a password.',
           'ALTER SYSTEM SET cron.use_background_workers = on; -- and restart'
    WHERE lpr_data.has_pg_cron() AND current_setting('cron.use_background_workers', true) = 'off'
    UNION ALL
    SELECT CASE j.state WHEN 'not scheduled' THEN 'low' ELSE 'medium' END, 'jobs',
           format('job %s is %s', j.job, j.state),
           CASE WHEN j.state = 'failed' THEN coalesce(j.last_message, 'It said nothing.')
                ELSE format('It %s. Otherwise %s.', j.what, j.otherwise) END,
           CASE j.state WHEN 'not scheduled' THEN 'SELECT lpr.schedule_jobs()'
                WHEN 'inactive' THEN 'SELECT lpr.schedule_jobs()'
                        ELSE format('SELECT last_run, last_message FROM lpr.jobs WHERE job = %L; -- tells what to see '
                                    'to', j.job) END
    FROM lpr_data.jobs() AS j WHERE j.state IN ('not scheduled', 'inactive', 'failed', 'overdue')
    UNION ALL
    SELECT 'medium', 'jobs', format('source %s is behind with what displays watch', quote_ident(w.source)),
           format('It was asked last %s. Who waits for a vehicle is not told of it.',
                  coalesce('at ' || date_trunc('second', w.asked_at)::text, 'never')),
           format('SELECT * FROM lpr.watching WHERE source = %L; -- the server''s log says why its rounds fail',
                  w.source)
    FROM lpr_data.watching_sources() AS w
    WHERE w.items > 0 AND coalesce(w.asked_at, (SELECT min(i.added_at) FROM lpr_data.watch_item AS x
                                                JOIN lpr_data.display_item AS i ON i.item_id = x.item_id
                                                WHERE x.source = w.source)) < clock_timestamp() - interval '5 minutes'
    UNION ALL
    SELECT 'medium', 'jobs', 'the watcher does not run', 'Nothing is watched, whatever displays say.',
           'ALTER SYSTEM SET max_worker_processes = ...; -- five more than others take, and restart'
    WHERE EXISTS (SELECT FROM lpr_data.display_item AS i WHERE i.ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.backend_type = 'lpr watcher')
$$;
COMMENT ON FUNCTION lpr_data.findings_of_jobs() IS
    'Part of lpr.security_report(): jobs that pg_cron does not do, and displays that nobody watches for.';

CREATE FUNCTION lpr.security_report()
    RETURNS TABLE (severity text, topic text, finding text, reason text, mend text)
    LANGUAGE sql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT lpr_data.on_duty('U4', 'lpr_admin', 'lpr_oversight', 'lpr_privacy');
    SELECT f.severity, f.topic, f.finding, f.reason, f.mend
    FROM (SELECT * FROM lpr_data.findings_of_settings() UNION ALL SELECT * FROM lpr_data.findings_of_connection()
          UNION ALL SELECT * FROM lpr_data.findings_of_host()
          UNION ALL SELECT * FROM lpr_data.findings_of_unseen_changes()
          UNION ALL SELECT * FROM lpr_data.findings_of_roles() UNION ALL SELECT * FROM lpr_data.findings_of_rights()
          UNION ALL SELECT * FROM lpr_data.findings_of_parameters()
          UNION ALL SELECT * FROM lpr_data.findings_of_access()
          UNION ALL SELECT * FROM lpr_data.findings_of_jobs()) AS f
    ORDER BY array_position('{high,medium,low}', f.severity), f.topic, f.finding, f.mend
$$;
GRANT EXECUTE ON FUNCTION lpr.security_report() TO lpr_admin, lpr_oversight, lpr_privacy;
COMMENT ON FUNCTION lpr.security_report() IS
    'What in this server would undo the policy, found now in settings, pg_hba.conf, roles, rights, our own objects '
    'and files, and in the log of the last 30 days: severity (high, medium, low), topic, finding, the reason why it '
    'matters, and the statement or the line of a file that mends it. No row = nothing was found. To be looked at '
    'daily.';
