-- 00-house: roles and schemas.

\echo Use "CREATE EXTENSION lpr CASCADE" to load this file. \quit

-- Roles belong to the cluster: another database may have made them already, and they stay when the extension goes.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy', 'lpr_admin']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END
$$;

-- Whoever owns the schema could put decoys beside our functions.
DO $$
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner WHERE n.nspname = 'lpr') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'schema "lpr" belongs to somebody who is no superuser',
            HINT = 'Look at what it holds, then DROP SCHEMA lpr CASCADE or ALTER SCHEMA lpr OWNER TO CURRENT_USER.';
    END IF;
END
$$;

CREATE SCHEMA lpr_data;
COMMENT ON SCHEMA lpr_data IS 'Where lpr keeps its tables. Nobody has USAGE on it: people go through the views and functions of schema lpr.';
REVOKE ALL ON SCHEMA lpr_data FROM PUBLIC;

GRANT USAGE ON SCHEMA lpr TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
