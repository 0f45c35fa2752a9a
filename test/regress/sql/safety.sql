-- safety: a question goes out under the login that put it, and no other way round (Q10).
\getenv vendor_url LPR_VENDOR_URL
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT lpr.add_source('forbidden', 'lpr-v1', :'vendor_url' || '/acme/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'for tests');
CREATE SCHEMA curious;
GRANT ALL ON SCHEMA curious TO analyst1;

-- ---- a curious analyst ----
\connect - analyst1
SET client_min_messages = warning;
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND source = 'forbidden';
CREATE FOREIGN TABLE curious.own (plate text, source text) SERVER forbidden;
CREATE USER MAPPING FOR CURRENT_USER SERVER acme;
CREATE USER MAPPING FOR CURRENT_USER SERVER acme OPTIONS (secret 'sim-flock-secret');
-- What is granted may be asked by a table of one's own; its columns are found by name and must have the right type.
CREATE FOREIGN TABLE curious.own (junk integer, source text, plate text) SERVER acme;
ALTER FOREIGN TABLE curious.own DROP COLUMN junk, ADD COLUMN later integer;
SELECT DISTINCT source, plate, later IS NULL AS empty FROM curious.own WHERE plate = '7ABC123';
CREATE DOMAIN curious.text AS text;
ALTER FOREIGN TABLE curious.own ALTER COLUMN plate TYPE curious.text;
SELECT count(*) FROM curious.own WHERE plate = '7ABC123';
DROP FOREIGN TABLE curious.own;

-- A trap for whoever maintains the table: its index asks what its owner may not.
CREATE TABLE curious.noted (what text);
CREATE TABLE curious.trap (t text);
INSERT INTO curious.trap VALUES ('a'), ('b');
-- Its functions are from before its owner became an analyst, who could not make them any more.
\connect - postgres
SET client_min_messages = warning;
CREATE FUNCTION curious.note(what text) RETURNS void LANGUAGE sql AS 'INSERT INTO curious.noted VALUES (what)';
CREATE FUNCTION curious.spring(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM curious.note('stolen: ' || read_id) FROM lpr.reads WHERE plate = '7ABC123' AND source = 'forbidden' LIMIT 1;
    RETURN t;
EXCEPTION WHEN OTHERS THEN
    PERFORM curious.note(SQLSTATE || ' ' || SQLERRM);
    RETURN t;
END
$$;
CREATE MATERIALIZED VIEW curious.view AS SELECT plate FROM lpr.reads WHERE plate = '7ABC123'
    AND source = 'forbidden' WITH NO DATA;
ALTER FUNCTION curious.note(text) OWNER TO analyst1;
ALTER FUNCTION curious.spring(text) OWNER TO analyst1;
ALTER MATERIALIZED VIEW curious.view OWNER TO analyst1;
\connect - analyst1
SET client_min_messages = warning;
CALL read_rules();
CALL logon();
CREATE INDEX ON curious.trap (curious.spring(t));
REFRESH MATERIALIZED VIEW curious.view;
\connect - postgres
SET client_min_messages = warning;
ANALYZE curious.trap;
REINDEX TABLE curious.trap;
SELECT DISTINCT what FROM curious.noted;
REFRESH MATERIALIZED VIEW curious.view;

-- ---- parallel plans ----
CREATE TABLE curious.many AS SELECT g FROM generate_series(1, 20000) AS g;
ANALYZE curious.many;
GRANT SELECT ON curious.many TO analyst1;
CREATE FUNCTION curious.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan::text LIKE '%"Gather%';
END
$$;
CREATE FUNCTION curious.ask() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN (SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND source = 'acme');
END
$$;
\connect - analyst1
SET client_min_messages = warning;
CALL read_rules();
CALL logon();
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
-- The other part of the plan may be parallel.
\set query 'SELECT count(*) > 0 AS found FROM (SELECT g FROM curious.many WHERE g <= 2 ORDER BY g) AS m, '
\set query :query 'lpr.reads WHERE plate = \'7ABC123\' AND source = \'acme\''
SELECT curious.is_parallel(:'query');
:query;
-- A worker asks nothing, whatever its function claims to be.
SET parallel_leader_participation = off;
SELECT max(curious.ask()) FROM curious.many WHERE g <= 1;

\connect - postgres
SET client_min_messages = warning;
DROP SCHEMA curious CASCADE;
SELECT lpr.remove_source('forbidden');

-- ---- a schema that was there before us ----
SELECT current_database() AS here
\gset
CREATE DATABASE squatted TEMPLATE template0;
GRANT CREATE ON DATABASE squatted TO analyst1;
\connect squatted analyst1
CREATE SCHEMA lpr;
\connect - postgres
SET client_min_messages = warning;
CREATE EXTENSION lpr CASCADE;
ALTER SCHEMA lpr OWNER TO CURRENT_USER;
CREATE EXTENSION lpr CASCADE;
\connect :here
DROP DATABASE squatted;
