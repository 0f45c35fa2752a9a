-- 00-roles: roles, schemas, and the login that everything is judged by.

\echo Use "CREATE EXTENSION lpr CASCADE" to load this file. \quit

-- Vendors speak UTF-8, and what a plate or an address is called must be the same in the question, in the answer and in
-- the audit log.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = pg_catalog.format('lpr does not work in a database of encoding %s',
                                        pg_catalog.getdatabaseencoding()),
            DETAIL = 'The database has to be of encoding UTF8; clients may use any.',
            HINT = 'CREATE DATABASE ... TEMPLATE template0 ENCODING ''UTF8'';';
    END IF;
END
$$;

-- The data's schema is no member of the extension: what must outlive DROP EXTENSION, such as the audit log, lies in it,
-- and so it may be there already.
DO $$
BEGIN
    IF pg_catalog.to_regnamespace('lpr_data') IS NULL THEN
        CREATE SCHEMA lpr_data;
        ALTER EXTENSION lpr DROP SCHEMA lpr_data;
    END IF;
END
$$;

-- The owner of a schema could put decoys beside our functions.
DO $$
DECLARE
    schema_name text;
BEGIN
    FOR schema_name IN
        SELECT n.nspname FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
        WHERE n.nspname IN ('lpr', 'lpr_data') AND NOT r.rolsuper
    LOOP
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('schema "%s" belongs to a role that is not a superuser', schema_name),
            HINT = pg_catalog.format('Look at what it holds, then DROP SCHEMA %s CASCADE or ALTER SCHEMA %s OWNER TO '
                                     'CURRENT_USER.', schema_name, schema_name);
    END LOOP;
END
$$;

CREATE FUNCTION lpr_data.roles()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY['lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy', 'lpr_admin',
             'lpr_training_officer', 'lpr_lead', 'lpr_records_officer', 'lpr_integrity', 'lpr_foia'];
COMMENT ON FUNCTION lpr_data.roles() IS
    'The roles that people are granted, one a duty. Each is a member of lpr_member, which has the rights that all of '
    'them have.';

-- Roles belong to the cluster: another database may have made them already, and they stay when the extension goes.
DO $$
DECLARE
    role_name text;
BEGIN
    -- lpr_log and lpr_owner own the audit log, and all other tables and views; lpr_verb owns the functions that act for
    -- people. They are granted to nobody.
    FOREACH role_name IN ARRAY lpr_data.roles() || '{lpr_member,lpr_log,lpr_owner,lpr_verb}'
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
    FOREACH role_name IN ARRAY lpr_data.roles()
    LOOP
        IF NOT pg_catalog.pg_has_role(role_name, 'lpr_member', 'MEMBER') THEN
            EXECUTE pg_catalog.format('GRANT lpr_member TO %I', role_name);
        END IF;
    END LOOP;
    -- A verb looks itself at whose rows it touches, hence BYPASSRLS: it counts for tables that were granted only.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_authid AS a
                   WHERE a.rolname = 'lpr_verb' AND a.rolbypassrls AND a.rolpassword IS NULL
                     AND NOT (a.rolsuper OR a.rolcanlogin OR a.rolinherit OR a.rolcreaterole OR a.rolcreatedb
                              OR a.rolreplication)) THEN
        ALTER ROLE lpr_verb NOSUPERUSER NOLOGIN NOINHERIT NOCREATEROLE NOCREATEDB NOREPLICATION BYPASSRLS PASSWORD NULL;
    END IF;
END
$$;

CREATE FUNCTION lpr_data.superuser_functions()
    RETURNS TABLE (function text, reason text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('lpr.security_report()',
            'It reads pg_hba.conf, password hashes, settings and files of the server; it takes nothing and changes '
            'nothing.'),
           ('lpr_data.elsewhere()',
            'It reads addresses of other sessions, of the caller''s own login; it takes nothing and changes nothing.'),
           ('lpr_data.jobs()',
            'It reads what pg_cron did, in tables that only superusers reach; it takes nothing and changes nothing.'),
           ('lpr_data.export_month(text,bigint,bigint)',
            'It reads a month of the log that was moved to an archive, which is a superuser''s schema; only tables of '
            'lpr_log, and it changes nothing.'),
           ('lpr_data.empty_month(bigint)',
            'It takes the records of a month of the log, on which nobody has rights; the log''s triggers let go only '
            'what a released list has.')
$$;
COMMENT ON FUNCTION lpr_data.superuser_functions() IS
    'The SECURITY DEFINER functions that are a superuser''s, and why; all others are lpr_verb''s. regress/house and '
    'lpr.security_report() refuse any other.';

COMMENT ON SCHEMA lpr_data IS
    'Where lpr keeps its tables. Nobody has USAGE on it: people go through the views and functions of schema lpr.';
REVOKE ALL ON SCHEMA lpr_data FROM PUBLIC;

GRANT USAGE ON SCHEMA lpr TO lpr_member, lpr_owner, lpr_verb;
GRANT USAGE ON SCHEMA lpr_data TO lpr_owner, lpr_verb;

-- Who is asking.

CREATE FUNCTION lpr.login()
    RETURNS name
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_login';
GRANT EXECUTE ON FUNCTION lpr.login() TO lpr_member;
COMMENT ON FUNCTION lpr.login() IS
    'The login that connected: no SET ROLE, SET SESSION AUTHORIZATION or SECURITY DEFINER changes it. All of lpr '
    'judges by it.';
