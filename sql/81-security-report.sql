-- 81-security-report: what in this server would undo the policy, found in catalogues, settings, files: what, why it
-- matters, what mends it.

CREATE TYPE lpr_data.finding AS (severity text, topic text, finding text, reason text, mend text);
COMMENT ON TYPE lpr_data.finding IS 'A row of lpr.security_report().';

CREATE FUNCTION lpr_data.file_facts(directory text)
    RETURNS TABLE (name text, kind text, mode integer, ours boolean)
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_file_facts';
COMMENT ON FUNCTION lpr_data.file_facts(text) IS
    'Of a directory (".") and what lies in it: kind (file, directory, link, other, missing), mode, and whether it '
    'belongs to the server''s user or root.';

CREATE FUNCTION lpr_data.core_limit()
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_core_limit';
COMMENT ON FUNCTION lpr_data.core_limit() IS
    'How many bytes of its memory the server may leave in a core dump; -1 = all.';

CREATE FUNCTION lpr_data.server_settings()
    RETURNS TABLE (name text, value text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- As the server has them, not the session that asks: its login may have some of its own.
    SELECT s.name,
           CASE WHEN s.source IN ('default', 'dynamic default', 'environment variable', 'configuration file',
                                  'command line', 'override') THEN s.setting
                ELSE coalesce(CASE WHEN s.vartype = 'bool' THEN CASE WHEN f.setting::boolean THEN 'on' ELSE 'off' END
                                   ELSE f.setting END, s.boot_val) END
    FROM pg_settings AS s
    LEFT JOIN LATERAL (SELECT p.setting FROM pg_file_settings AS p WHERE p.name = s.name AND p.applied
                       ORDER BY p.seqno DESC LIMIT 1) AS f ON true
$$;
COMMENT ON FUNCTION lpr_data.server_settings() IS
    'Settings of the server, without what roles, databases and the session have of their own.';

CREATE FUNCTION lpr_data.known_minor()
    RETURNS TABLE (major integer, minor integer)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS 'VALUES (15, 20), (16, 16), (17, 12), (18, 6)';
COMMENT ON FUNCTION lpr_data.known_minor() IS 'Minor versions before which a major version is known to have holes.';

CREATE FUNCTION lpr_data.findings_of_settings()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH s AS MATERIALIZED (SELECT jsonb_object_agg(p.name, p.value) AS s FROM lpr_data.server_settings() AS p)
    SELECT f.severity, f.topic, f.finding, f.reason, f.mend
    FROM s, LATERAL (SELECT n.n / 10000 AS major, n.n % 10000 AS minor, (SELECT k.minor
    FROM lpr_data.known_minor() AS k WHERE k.major = n.n / 10000) AS known
                     FROM (VALUES ((s->>'server_version_num')::integer)) AS n (n)) AS v,
    LATERAL (SELECT (s->>'lpr.refusals_singly')::integer AS singly,
                    (SELECT p.boot_val::integer FROM pg_settings AS p WHERE p.name = 'lpr.refusals_singly') AS shipped)
        AS r,
    LATERAL (VALUES
        -- No audit, no data.
        (current_setting('shared_preload_libraries') !~ '(^|[ ,/"])lpr([",. ]|$)', 'high', 'audit',
         'lpr is not in shared_preload_libraries',
         'Without it nothing can be audited, so nothing is asked.',
         format('ALTER SYSTEM SET shared_preload_libraries = %s; -- and restart',
                concat_ws(', ', nullif(s->>'shared_preload_libraries', ''), 'lpr'))),
        (coalesce(s->>'lpr.checkpoint_directory', '') = ''
         AND coalesce(s->>'lpr.checkpoint_command', '') = '', 'medium', 'audit',
         'checkpoints of the log are kept nowhere else',
         'An administrator of this host could replace the log and everything that proves it.',
         'ALTER SYSTEM SET lpr.checkpoint_directory = ''/mnt/witness/checkpoints''; -- a directory that this host can '
         'only add to; then SELECT pg_reload_conf()'),
        (r.singly > r.shipped, 'medium', 'audit', 'lpr.refusals_singly is ' || r.singly,
         format('A login that is refused in a loop puts more than %s records an hour into the log: it fills the disk, '
                'and hides what matters.', r.shipped), 'ALTER SYSTEM RESET lpr.refusals_singly'),
        (r.singly < r.shipped, 'low', 'audit', 'lpr.refusals_singly is ' || r.singly,
         'Of further refusals the log has a number, not who tried what.', 'ALTER SYSTEM RESET lpr.refusals_singly'),
        (s->>'fsync' = 'off', 'high', 'durability', 'fsync is off',
         'What was reported as written can be lost, the audit log as well.', 'ALTER SYSTEM RESET fsync'),
        (s->>'full_page_writes' = 'off', 'high', 'durability', 'full_page_writes is off',
         'A crash can leave torn pages, in the audit log as well.', 'ALTER SYSTEM RESET full_page_writes'),
        (s->>'synchronous_commit' = 'off', 'low', 'durability', 'synchronous_commit is off',
         'Approvals and events that were reported as made can be lost; the audit log sets it for itself.',
         'ALTER SYSTEM RESET synchronous_commit'),
        (s->>'data_checksums' = 'off', 'medium', 'durability', 'the cluster has no data checksums',
         'Damage of a disk is not told from tampering.',
         format('pg_checksums --enable -D %s # while the server is stopped', s->>'data_directory')),
        (s->>'zero_damaged_pages' = 'on', 'high', 'durability', 'zero_damaged_pages is on',
         'Damaged pages vanish instead of being told of.', 'ALTER SYSTEM RESET zero_damaged_pages'),
        (s->>'ignore_checksum_failure' = 'on', 'high', 'durability', 'ignore_checksum_failure is on',
         'Damaged pages pass for good ones.', 'ALTER SYSTEM RESET ignore_checksum_failure'),
        (s->>'allow_system_table_mods' = 'on', 'high', 'guards', 'allow_system_table_mods is on',
         'Rights and triggers can be changed past every check.',
         'ALTER SYSTEM RESET allow_system_table_mods; -- and restart'),
        (s->>'session_replication_role' <> 'origin', 'high', 'guards',
         'session_replication_role is ' || (s->>'session_replication_role'),
         'Ordinary triggers and foreign keys do not work.', 'ALTER SYSTEM RESET session_replication_role'),
        (s->>'row_security' = 'off', 'medium', 'guards', 'row_security is off',
         'Views of lpr fail instead of showing only what the reader may see.', 'ALTER SYSTEM RESET row_security'),
        (s->>'session_preload_libraries' <> ''
         OR s->>'local_preload_libraries' <> '', 'medium', 'guards', 'a library is loaded into every session',
         'Whatever runs in a backend sees its plates and its consent.',
         'ALTER SYSTEM RESET session_preload_libraries; ALTER SYSTEM RESET local_preload_libraries'),
        (s->>'event_triggers' = 'off', 'high', 'guards', 'event_triggers is off',
         'Changes of definitions cannot be put on record, and are refused.', 'ALTER SYSTEM RESET event_triggers'),
        (v.minor < v.known, 'high', 'version', 'the server is ' || (s->>'server_version'),
         format('Minor versions before %s.%s have known holes.', v.major, v.known),
         format('apt-get install --only-upgrade postgresql-%s', v.major)),
        -- What stands in the log.
        (s->>'log_statement' NOT IN ('none', 'ddl'), 'medium', 'logging', 'log_statement is ' || (s->>'log_statement'),
         'Statements hold plates; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM RESET log_statement'),
        (s->>'log_min_duration_statement' <> '-1', 'medium', 'logging', 'log_min_duration_statement is set',
         'Slow statements hold plates; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM RESET log_min_duration_statement'),
        (s->>'log_min_duration_sample' <> '-1', 'medium', 'logging', 'log_min_duration_sample is set',
         'Slow statements hold plates; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM RESET log_min_duration_sample'),
        ((s->>'log_transaction_sample_rate')::double precision > 0, 'medium', 'logging',
         'log_transaction_sample_rate is set',
         'Statements hold plates; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM RESET log_transaction_sample_rate'),
        (s->>'log_parameter_max_length' <> '0'
         AND (s->>'log_statement' NOT IN ('none', 'ddl') OR s->>'log_min_duration_statement' <> '-1'), 'medium',
         'logging', 'parameters are logged with statements', 'Plates are what parameters hold.',
         'ALTER SYSTEM SET log_parameter_max_length = 0'),
        (s->>'log_parameter_max_length_on_error' <> '0', 'medium', 'logging', 'parameters are logged with errors',
         'Plates are what parameters hold.', 'ALTER SYSTEM RESET log_parameter_max_length_on_error'),
        ('on' IN (s->>'debug_print_parse', s->>'debug_print_rewritten', s->>'debug_print_plan'), 'medium', 'logging',
         'plans are logged', 'Plans hold plates.',
         'ALTER SYSTEM RESET debug_print_parse; ALTER SYSTEM RESET debug_print_rewritten; ALTER SYSTEM RESET '
         'debug_print_plan'),
        (s->>'log_line_prefix' LIKE '%\%a%', 'low', 'logging', 'log_line_prefix has the application''s name',
         'Clients set it to what they like, plates included.',
         format('ALTER SYSTEM SET log_line_prefix = %L', replace(s->>'log_line_prefix', '%a', ''))),
        (s->>'logging_collector' = 'on' AND s->>'log_file_mode' !~ '^0*[0-7]00$', 'medium', 'logging',
         'log_file_mode is ' || (s->>'log_file_mode'), 'Others than the server''s user read the log.',
         'ALTER SYSTEM RESET log_file_mode'),
        (s->>'pg_stat_statements.track_utility' = 'on', 'medium', 'statements',
         'pg_stat_statements.track_utility is on',
         'It keeps utility statements with their constants: PREPARE, DECLARE, EXPLAIN hold plates.',
         'ALTER SYSTEM SET pg_stat_statements.track_utility = off'),
        (s->>'pg_stat_statements.track' IN ('top', 'all'), 'low', 'statements', 'pg_stat_statements is loaded',
         'It keeps what is asked, without constants; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM SET pg_stat_statements.track = ''none'''),
        (coalesce(s->>'auto_explain.log_min_duration', '-1') <> '-1', 'medium', 'statements', 'auto_explain logs plans',
         'Plans hold plates; logins made after the last lpr.harden() are not spared.',
         'ALTER SYSTEM SET auto_explain.log_min_duration = -1'),
        (coalesce(s->>'pgaudit.log', 'none') <> 'none', 'medium', 'statements', 'pgaudit logs statements',
         'Statements hold plates; logins made after the last lpr.harden() are not spared. lpr keeps an audit log of '
         'its own.', 'ALTER SYSTEM SET pgaudit.log = ''none'''),
        -- Where it goes.
        (s->>'archive_mode' <> 'off', 'low', 'copies', 'the WAL is archived',
         'What is kept here on a schedule lives on in the archive: its retention has to end no later.',
         'ALTER SYSTEM SET archive_mode = off; -- and restart; or keep archives no longer than the shortest schedule'),
        (s->>'wal_level' = 'logical', 'low', 'copies', 'wal_level is logical',
         'Rows can be decoded from the WAL by every role that may replicate.',
         'ALTER SYSTEM SET wal_level = replica; -- and restart'),
        -- Who comes in.
        (s->>'ssl' = 'off' AND s->>'listen_addresses' <> '', 'high', 'connection', 'ssl is off',
         'Passwords and reads travel in the open; questions over the network are refused.',
         'ALTER SYSTEM SET ssl = on; -- with server.crt and server.key in place; then SELECT pg_reload_conf()'),
        (s->>'ssl' = 'on' AND s->>'ssl_min_protocol_version' IN ('', 'TLSv1', 'TLSv1.1'), 'medium', 'connection',
         'TLS before 1.2 is allowed', 'Old versions can be read by others.',
         'ALTER SYSTEM RESET ssl_min_protocol_version'),
        (s->>'password_encryption' <> 'scram-sha-256', 'high', 'connection', 'password_encryption is '
         || (s->>'password_encryption'), 'What is stored of an MD5 password is enough to log in with.',
         'ALTER SYSTEM RESET password_encryption'),
        ((s->>'scram_iterations')::integer < 4096, 'low', 'connection', 'scram_iterations is '
         || (s->>'scram_iterations'), 'Stolen passwords are guessed the faster.',
         'ALTER SYSTEM RESET scram_iterations'),
        (s->>'data_directory_mode' <> '0700', 'low', 'files', 'the data directory has mode '
         || (s->>'data_directory_mode'), 'Its group reads the files of every table.',
         format('chmod -R g-rwx %s # and restart', s->>'data_directory'))
    ) AS f (found, severity, topic, finding, reason, mend)
    WHERE f.found
$$;
COMMENT ON FUNCTION lpr_data.findings_of_settings() IS 'Part of lpr.security_report(): settings of the server.';

CREATE FUNCTION lpr_data.direct_networks()
    RETURNS TABLE (network text, family integer, share double precision, wide boolean, within boolean)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH direct AS MATERIALIZED (SELECT n.network, n.network::inet AS net FROM lpr_data.client_network AS n
                                 WHERE n.kind = 'direct' AND n.network <> 'local')
    SELECT d.network, family(d.net), power(2, -masklen(d.net)),
           masklen(d.net) < CASE family(d.net) WHEN 4 THEN 8 ELSE 16 END,
           EXISTS (SELECT FROM direct AS o WHERE o.net >> d.net)
    FROM direct AS d
$$;
COMMENT ON FUNCTION lpr_data.direct_networks() IS
    'The networks of addresses that are named direct: share, of all addresses of the family; wide: larger than a /8, '
    'of IPv6 a /16; within: another one holds it.';

CREATE FUNCTION lpr_data.findings_of_connection()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH line AS MATERIALIZED (
        SELECT h.*, format('%s line %s', coalesce(to_jsonb(h)->>'file_name', current_setting('hba_file')),
               h.line_number) AS place, -- from 16 on lines come from several files
               coalesce((to_jsonb(h)->>'rule_number')::integer, h.line_number) AS number,
               concat_ws(' ', array_to_string(h.database, ','), array_to_string(h.user_name, ','), h.address,
                   h.netmask) AS whom,
               h.type LIKE 'host%' AND h.address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost') AS network
        FROM pg_hba_file_rules AS h
    )
    SELECT 'medium', 'connection', format('%s cannot be read: %s', place, error),
           'The server goes on with the rules before the last change, and a restart fails.',
           place || ': to be corrected'
    -- hostssl without ssl is an error of another kind, and does no harm
    FROM line WHERE error IS NOT NULL AND type IS NULL
    UNION ALL
    SELECT CASE auth_method WHEN 'md5' THEN 'medium' ELSE 'high' END, 'connection',
           format('%s lets %s in by %s', place, whom, auth_method),
           CASE auth_method WHEN 'trust'
                     THEN 'Anybody who reaches the server can claim any login, and the audit log would name it.'
                            WHEN 'md5' THEN 'MD5 passwords are weak; with a scram-sha-256 password in place the line '
                                            'does no harm, but it lets others be.'
                            WHEN 'password' THEN 'The password travels in the open.'
                            ELSE 'The client''s machine says who connects.' END,
           format('%s: %s %s %s', place, type, whom,
                  CASE WHEN type = 'local' AND auth_method = 'trust' THEN 'peer' ELSE 'scram-sha-256' END)
    FROM line WHERE auth_method IN ('trust', 'password', 'md5') OR auth_method = 'ident' AND type <> 'local'
    UNION ALL
    SELECT 'medium', 'connection', format('%s allows connections without TLS', place),
           'Passwords and rows other than reads travel in the open; questions are refused there.',
           format('%s: hostssl %s %s', place, whom, auth_method)
    FROM line WHERE type IN ('host', 'hostnossl', 'hostnogssenc') AND network AND auth_method <> 'reject'
    UNION ALL
    SELECT 'low', 'connection', format('%s lets superuser %s in over the network', place, quote_ident(r.rolname)),
           'What undoes every safeguard is better done from the host alone.',
           format('%s, a line before: host all %s all reject', place, quote_ident(r.rolname))
    FROM line CROSS JOIN pg_roles AS r
    WHERE network AND auth_method <> 'reject' AND r.rolsuper AND r.rolcanlogin AND EXISTS (SELECT
    FROM unnest(user_name) AS u WHERE u = 'all' OR r.rolname = u OR u ^@ '/' AND r.rolname ~ substr(u, 2))
      AND NOT EXISTS (SELECT FROM line AS b WHERE b.number < line.number AND b.auth_method = 'reject'
        AND b.type = 'host' AND b.address = 'all'
                      AND 'all' = ANY (b.database) AND r.rolname = ANY (b.user_name))
    UNION ALL
    SELECT 'medium', 'connection', format('login %I has an MD5 password', a.rolname),
           'What is stored of it is enough to log in with.',
           format('ALTER ROLE %I PASSWORD NULL; -- then \password %1$I', a.rolname)
    FROM pg_authid AS a WHERE a.rolpassword ^@ 'md5'
    UNION ALL
    SELECT 'low', 'connection', format('people who see reads can connect to database %I', d.datname),
           'Outside of this database nothing keeps them from making tables.',
           format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', d.datname)
    FROM pg_database AS d
    WHERE d.datallowconn AND d.datname <> current_database() AND has_database_privilege('lpr_user', d.oid, 'CONNECT')
    UNION ALL
    SELECT 'medium', 'connection', format('every address of %s counts as the agency''s network', n.network),
           'Whoever has a login asks from anywhere; and behind a pooler that nobody named one person''s agreement and '
           'matter serve the next.',
           format('SELECT lpr.remove_client_network(%L); -- after lpr.add_client_network(...) of those that people '
                  'connect from', n.network)
    FROM lpr_data.direct_networks() AS n WHERE n.wide
    UNION ALL
    SELECT 'medium', 'connection', format('half of all addresses of IPv%s, or more, count as the agency''s network',
                                          n.family),
           'Whoever has a login asks from almost anywhere, out of one of many networks that are named direct.',
           'SELECT * FROM lpr.client_networks; then SELECT lpr.remove_client_network(...);'
    FROM lpr_data.direct_networks() AS n WHERE NOT n.wide AND NOT n.within
    GROUP BY n.family HAVING sum(n.share) >= 0.5
    UNION ALL
    SELECT 'low', 'connection', format('people connect through a pooler at %s', n.network),
           'Between it and its clients passwords and reads may travel in the open; nobody sees that here.',
           'See that the pooler wants TLS from its clients; or have people connect directly'
    FROM lpr_data.client_network AS n WHERE n.kind = 'pooler'
$$;
COMMENT ON FUNCTION lpr_data.findings_of_connection() IS 'Part of lpr.security_report(): who may connect, and how.';

CREATE FUNCTION lpr_data.findings_of_host()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH s AS MATERIALIZED (SELECT (SELECT value FROM lpr_data.server_settings()
                                    WHERE name = 'lpr.secret_directory') AS secrets,
                                   (SELECT value FROM lpr_data.server_settings()
                                    WHERE name = 'lpr.checkpoint_key') AS key,
                                   (SELECT value FROM lpr_data.server_settings()
                                    WHERE name = 'lpr.identity_key') AS identity,
                                   nullif((SELECT value FROM lpr_data.server_settings()
                                           WHERE name = 'lpr.checkpoint_directory'), '') AS checkpoints),
    secret AS MATERIALIZED (SELECT f.*, CASE f.name WHEN '.' THEN s.secrets ELSE s.secrets || '/' || f.name END AS path
                            FROM s, lpr_data.file_facts(s.secrets) AS f WHERE s.secrets <> '')
    SELECT 'high', 'files', 'lpr.secret_directory is not set',
           'There is no place for the secrets of sources and the key of the log.',
           'ALTER SYSTEM SET lpr.secret_directory = ''/etc/lpr/secrets''; -- then SELECT pg_reload_conf()'
    FROM s WHERE coalesce(s.secrets, '') = ''
    UNION ALL
    SELECT 'high', 'files', path || ' is no directory', 'Secrets cannot be read, and nothing is asked.',
           format('install -d -m 700 -o postgres %s', path) FROM secret WHERE name = '.' AND kind <> 'directory'
    UNION ALL
    SELECT 'high', 'files', format('%s has mode %s', path,
                                   to_char(mode / 64 * 100 + mode / 8 % 8 * 10 + mode % 8, 'FM0000')),
           'Others than the server''s user read or replace what proves who we are.',
           format('chmod %s %s', CASE kind WHEN 'directory' THEN '700' ELSE '600' END, path)
    FROM secret WHERE kind IN ('directory', 'file') AND mode & 63 <> 0
    UNION ALL
    SELECT 'high', 'files', path || ' belongs to another user',
           'Others than the server''s user read or replace what proves who we are.', format('chown postgres %s', path)
    FROM secret WHERE NOT ours
    UNION ALL
    SELECT 'medium', 'files', path || ' is no regular file', 'It would not be read as a secret.', format('rm %s', path)
    FROM secret WHERE name <> '.' AND kind IN ('link', 'other')
    UNION ALL
    SELECT 'high', 'files', format('there is no key %s/%s', s.secrets, s.key),
           'The log''s checkpoints cannot be signed, so nothing is asked.',
           format('openssl genpkey -algorithm ed25519 -out %s/%s # as the server''s user', s.secrets, s.key)
    FROM s WHERE s.secrets <> '' AND s.key NOT IN (SELECT name FROM secret)
    UNION ALL
    SELECT 'high', 'files', format('there is no key %s/%s', s.secrets, s.identity),
           'Nobody can be registered: personnel numbers are hashed with it.',
           format('(umask 077; openssl rand -hex 32 >%s/%s) # as the server''s user', s.secrets, s.identity)
    FROM s WHERE s.secrets <> '' AND s.identity NOT IN (SELECT name FROM secret)
    UNION ALL
    SELECT 'medium', 'files', format('%s can be written to by others', s.checkpoints),
           'Who can replace checkpoints can pass off an altered log as the true one.',
           format('chmod go-w %s', s.checkpoints)
    FROM s, lpr_data.file_facts(s.checkpoints) AS f WHERE f.name = '.' AND f.mode & 18 <> 0
    UNION ALL
    SELECT 'medium', 'files', 'the server leaves core dumps', 'A core dump holds reads, secrets and keys.',
           'systemctl edit postgresql@.service # [Service] LimitCORE=0; then restart'
    WHERE lpr_data.core_limit() <> 0
$$;
COMMENT ON FUNCTION lpr_data.findings_of_host() IS 'Part of lpr.security_report(): files of the host.';

CREATE FUNCTION lpr_data.findings_of_unseen_changes()
    RETURNS SETOF lpr_data.finding
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('lpr_data.audit') IS NULL THEN
        RETURN; -- no log was begun
    END IF;
    RETURN QUERY
        SELECT 'medium', 'audit',
               format('%s %s has changed unseen (record %s)', p.p ->> 'type', p.p ->> 'object', a.number),
               'Nobody is on record for it: it was changed while lpr was not loaded, in single-user mode, or past '
               'every statement about roles. It is told for 30 days.',
               format('SELECT at, payload FROM lpr.audit(since => %L, kind => ''change'') WHERE number = %s; -- tells '
                      'what it was and is; find out who, and undo what nobody answers for', a.at, a.number)
        FROM lpr_data.audit AS a, LATERAL (SELECT a.payload::jsonb) AS p (p)
        WHERE a.kind = 'change' AND a.at > clock_timestamp() - interval '30 days'
          AND a.payload LIKE '%"command": "unseen"%' AND p.p ->> 'command' = 'unseen';
END
$$;
COMMENT ON FUNCTION lpr_data.findings_of_unseen_changes() IS
    'Part of lpr.security_report(): roles, memberships and their settings that changed without anybody on record.';
