-- source: vendors are added, approved, granted, disabled, removed; their options and secrets (Q10, Q11).
\getenv vendor_url LPR_VENDOR_URL
\pset null '-'
\set SHOW_CONTEXT never
-- (All of them: tap/100_dialects.)
SELECT * FROM lpr.dialects() WHERE dialect = 'lpr-v1';

-- What a call comes to: its error, detail and hint.
CREATE FUNCTION refusal(call text) RETURNS TABLE (sqlstate text, message text, detail text, hint text)
    LANGUAGE plpgsql
AS $$
DECLARE
    m text; d text; h text;
BEGIN
    EXECUTE call;
    RETURN QUERY SELECT '', 'no error', '', '';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN QUERY SELECT SQLSTATE, m, d, replace(h, (SELECT string_agg(dialect, ', ') FROM lpr.dialects()),
        '(all of them)');
END
$$;
CREATE FUNCTION option_refusal(options text, OUT said text) RETURNS text
    LANGUAGE sql
AS $$
    SELECT concat_ws(' | ', r.sqlstate, r.message, nullif(r.detail, ''), nullif(r.hint, ''))
    FROM refusal(format('CREATE SERVER refused FOREIGN DATA WRAPPER lpr OPTIONS (%s)', options)) AS r
$$;
\pset format unaligned
\pset tuples_only on

-- ---- adding ----
SELECT r.*
FROM (VALUES (1, NULL), (2, ''), (3, 'Acme'), (4, '1st'), (5, 'a-b'), (6, 'a b'), (7, repeat('a', 41)))
    AS names (n, name),
     refusal(format('SELECT lpr.add_source(%L, ''lpr-v1'', ''https://x.example'')', name)) AS r
ORDER BY n;
SELECT r.*
FROM (VALUES (1, $$'acme', 'lpr-v1', 'https://x.example'$$),
             (2, $$'x', NULL, 'https://x.example'$$),
             (3, $$'x', '', 'https://x.example'$$),
             (4, $$'x', 'lpr-v2', 'https://x.example'$$),
             (5, $$'x', 'LPR-V1', 'https://x.example'$$),
             (6, $$'x', 'lpr-v1', NULL$$),
             (7, $$'x', 'lpr-v1', ''$$),
             (8, $$'x', 'lpr-v1', 'https://x.example', options => '[]'$$),
             (9, $$'x', 'lpr-v1', 'https://x.example', options => '"page_size"'$$),
             (10, $$'x', 'lpr-v1', 'https://x.example', options => '{"page_size": {}}'$$),
             (11, $$'x', 'lpr-v1', 'https://x.example', options => '{"page_size": null}'$$),
             (12, $$'x', 'lpr-v1', 'https://x.example', options => '{"page_sizes": 1}'$$),
             (13, $$'x', 'lpr-v1', 'https://x.example', options => '{"PAGE_SIZE": 1}'$$),
             (14, $$'x', 'lpr-v1', 'https://x.example', options => '{"secret": "mine"}'$$),
             (15, $$'x', 'lpr-v1', 'https://x.example', options => '{"url": "https://y.example"}'$$),
             (16, $$'x', 'lpr-v1', 'https://x.example', options => '{"page_size'' 1); DROP TABLE x; --": 1}'$$),
             (17, $$'x', 'lpr-v1', 'https://x.example', secret => ''$$),
             (18, $$'x', 'lpr-v1', 'https://x.example', secret => '../server.key'$$),
             (19, $$'x', 'lpr-v1', 'https://x.example', secret => 'Bearer s3cr3t!'$$),
             (20, $$'x', 'lpr-v1', 'https://x.example', client_id => E'a\nb'$$),
             (21, $$'x', 'lpr-v1', 'https://x.example', grant_to => '{nobody_such}'$$)) AS calls (n, arguments),
     refusal(format('SELECT lpr.add_source(%s)', arguments)) AS r
ORDER BY n;
SELECT r.sqlstate, r.message FROM refusal($$SELECT lpr.add_source('x', 'lpr-v1', 'https://x.example',
    assessment => ' ')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.add_source('x', 'lpr-v1', 'https://x.example', grant_to => '{lpr_user,NULL}')$$)
    AS r;
-- Nothing is left of them.
SELECT count(*) FROM pg_foreign_server WHERE srvname = 'x';
SELECT count(*) FROM lpr_data.source WHERE name = 'x';

-- ---- options ----
SELECT option_refusal('dialect ''lpr-v1''');
SELECT option_refusal('url ''https://x.example''');
SELECT option_refusal('page_size ''1''');
-- URLs: https, or http to this machine; no user part, query, fragment or slash at the end.
SELECT url, option_refusal(format('dialect ''lpr-v1'', url %L', url))
FROM unnest(ARRAY['http://vendor.example', 'http://10.0.0.1', 'http://127.0.0.1.vendor.example',
    'http://localhost.vendor.example',
                  'http://localhost@vendor.example', 'ftp://vendor.example', 'file:///etc/passwd', 'vendor.example',
                      'https://',
                  'https://user:secret@vendor.example', 'https://vendor.example/', 'https://vendor.example?a=b',
                      'https://vendor.example#a',
                  E'https://vendor.example\r\nX: y', 'https://vendor.example:99999', ' https://vendor.example']) AS url;
-- Every number at and beyond its bounds, and what is none.
SELECT name, value, option_refusal(format('dialect ''lpr-v1'', url ''https://x.example'', %I %L', name, value))
FROM (VALUES ('page_size', 1, 10000), ('parallel', 1, 16), ('max_pages', 1, 100000), ('max_megabytes', 1, 16384),
             ('max_page_kilobytes', 1, 65536), ('max_image_kilobytes', 1, 65536), ('connect_timeout', 1, 600000),
             ('request_timeout', 1, 3600000), ('stall_timeout', 1, 600000), ('retries', 0, 10),
                 ('max_retry_after', 0, 600000),
             ('requests_per_minute', 1, 1000000)) AS numbers (name, least, most),
     unnest(ARRAY[(least - 1)::text, (most + 1)::text]) AS value;
SELECT value, option_refusal(format('dialect ''lpr-v1'', url ''https://x.example'', page_size %L', value))
FROM unnest('{"",abc,10x,1.5,1e3,0x10,99999999999999999999,-5}'::text[]) AS value;
-- Choices, files, texts.
SELECT name, value, option_refusal(format('dialect ''lpr-v1'', url ''https://x.example'', %I %L', name, value))
FROM (VALUES ('on_failure', 'ignore'), ('on_failure', 'warning|error'), ('order', 'Here'), ('min_tls_version', '1.1'),
    ('http_version', '2'),
             ('ca_file', 'ca.pem'), ('client_certificate', '~/cert.pem'), ('client_key', ''), ('audience', ''),
             ('time_zone', 'Mars/Olympus'), ('time_zone', ''), ('retry_time', '-1'),
                 ('reason', E'a\r\nb'),
                 ('reason', U&'a\202Eb'),
             ('image_origins', E'\t')) AS options (name, value);
-- Origins: each like a URL, and nothing behind it.
SELECT value, option_refusal(format('dialect ''lpr-v1'', url ''https://x.example'', image_origins %L', value))
FROM unnest(ARRAY['http://i.example', 'https://i.example http://j.example', 'https://i.example/',
    'https://i.example/img', 'https://i.example?a', 'https://i.example#a',
                  'i.example', 'https://u@i.example', 'https://i.example,https://j.example', '*',
                      'http://127.0.0.1.example']) AS value;
CREATE SERVER origins FOREIGN DATA WRAPPER lpr
    OPTIONS (dialect 'lpr-v1', url 'https://x.example',
        image_origins ' https://i.example  https://j.example:8443 http://127.0.0.1:8080 http://[::1]:1 ');
DROP SERVER origins;
-- Everything right.
CREATE SERVER refused FOREIGN DATA WRAPPER lpr
    OPTIONS (dialect 'flock-v3', url 'https://x.example/base', audience 'a', reason 'r',
        image_origins 'https://i.example', page_size '10000',
             parallel '16', max_pages '100000', max_megabytes '16384', max_page_kilobytes '65536',
                 max_image_kilobytes '65536',
             on_failure 'error', "order" 'here', ca_file '/ca.pem', client_certificate '/c.pem', client_key '/k.pem',
                 min_tls_version '1.3',
             http_version '1.1', connect_timeout '600000', request_timeout '3600000', stall_timeout '600000',
                 retries '10',
             max_retry_after '600000', requests_per_minute '1000000');
-- Changes are checked as well.
SELECT r.* FROM refusal($$ALTER SERVER refused OPTIONS (SET url 'http://x.example')$$) AS r;
SELECT r.* FROM refusal($$ALTER SERVER refused OPTIONS (DROP dialect)$$) AS r;
SELECT r.* FROM refusal($$CREATE USER MAPPING FOR PUBLIC SERVER refused OPTIONS (password 'x')$$) AS r;
SELECT r.* FROM refusal($$CREATE USER MAPPING FOR PUBLIC SERVER refused OPTIONS (secret 'What a secret!')$$) AS r;
SELECT r.* FROM refusal($$CREATE FOREIGN TABLE refused_reads (plate text) SERVER refused OPTIONS (table_name 'x')$$) AS
    r;
SELECT r.* FROM refusal($$CREATE FOREIGN TABLE refused_reads (plate text OPTIONS (name 'x')) SERVER refused$$) AS r;
SELECT r.* FROM refusal($$ALTER FOREIGN DATA WRAPPER lpr OPTIONS (url 'https://x.example')$$) AS r;
SELECT r.* FROM refusal($$IMPORT FOREIGN SCHEMA x FROM SERVER refused INTO public$$) AS r;

-- ---- superusers only ----
GRANT USAGE ON FOREIGN DATA WRAPPER lpr TO owner1;
GRANT USAGE ON FOREIGN SERVER refused, acme TO owner1;
GRANT USAGE ON SCHEMA lpr_data TO owner1;
GRANT EXECUTE ON FUNCTION lpr.add_source(text, text, text, text, text, text, jsonb, name[]),
    lpr.remove_source(text),
    lpr.store_secret(text, text), lpr.encrypt_secret(text, text), refusal(text) TO owner1;
GRANT INSERT, UPDATE, SELECT ON lpr_data.secret TO owner1;
GRANT CREATE ON DATABASE :DBNAME TO owner1;
ALTER SERVER refused OWNER TO owner1;
REVOKE CREATE ON DATABASE :DBNAME FROM owner1;
\c - owner1
\pset format unaligned
\pset tuples_only on
SELECT r.* FROM refusal($$SELECT lpr.add_source('mine', 'lpr-v1', 'https://x.example')$$) AS r;
SELECT r.* FROM refusal($$CREATE SERVER mine FOREIGN DATA WRAPPER lpr OPTIONS (dialect 'lpr-v1',
    url 'https://x.example')$$) AS r;
SELECT r.* FROM refusal($$CREATE SERVER mine FOREIGN DATA WRAPPER lpr$$) AS r;
SELECT r.* FROM refusal($$ALTER SERVER refused OPTIONS (SET url 'https://y.example')$$) AS r;
SELECT r.* FROM refusal($$CREATE USER MAPPING FOR owner1 SERVER refused OPTIONS (secret 'sim-lpr-token')$$) AS r;
SELECT r.* FROM refusal($$CREATE USER MAPPING FOR owner1 SERVER acme$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.remove_source('acme')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.store_secret('sim-lpr-token', 'sim-verkada-key')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.encrypt_secret('sim-lpr-token', 'sim-verkada-key')$$) AS r;
\c - postgres
\pset format unaligned
\pset tuples_only on
DROP SERVER refused;
REVOKE ALL ON FOREIGN DATA WRAPPER lpr FROM owner1;
REVOKE ALL ON FOREIGN SERVER acme FROM owner1;
REVOKE ALL ON SCHEMA lpr_data FROM owner1;
REVOKE ALL ON lpr_data.secret FROM owner1;
REVOKE ALL ON FUNCTION lpr.add_source(text, text, text, text, text, text, jsonb, name[]), lpr.remove_source(text),
    lpr.store_secret(text, text), lpr.encrypt_secret(text, text), refusal(text) FROM owner1;

-- ---- secrets: by name, never by value ----
SELECT r.* FROM refusal($$SELECT lpr.store_secret('no-such-file', 'sim-verkada-key')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.store_secret('sim-lpr-token', 'no-such-key')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.store_secret('../data/PG_VERSION', 'sim-verkada-key')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.store_secret('sim-lpr-token', '/etc/passwd')$$) AS r;
SELECT r.* FROM refusal($$SELECT lpr.store_secret('sim-lpr-token', 'sim-lpr-token')$$) AS r;
SELECT count(*) FROM lpr_data.secret;
SELECT lpr.store_secret('sim-lpr-token', 'sim-verkada-key');
SELECT name, key_name, position('sim-lpr-token'::bytea in value) > 0 AS plain,
    convert_from(pgp_sym_decrypt_bytea(value, 'sim-verkada-key'), 'UTF8') AS value FROM lpr_data.secret;
-- Stored again under another key.
SELECT lpr.store_secret('sim-lpr-token', 'sim-rekor-key');
SELECT name, key_name, convert_from(pgp_sym_decrypt_bytea(value, 'sim-rekor-key'), 'UTF8') AS value
    FROM lpr_data.secret;
-- The row is what is used: a source works with it, and stops working without its key.
SELECT lpr.add_source('vault', 'lpr-v1', :'vendor_url' || '/vault/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'PIA', grant_to => '{lpr_user}');
\c - analyst1
\pset format unaligned
\pset tuples_only on
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'vault' AND plate = 'BULK20';
CALL by_administrator($$UPDATE lpr_data.secret SET key_name = 'sim-flock-secret'$$);
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'vault' AND plate = 'BULK20';
CALL by_administrator($$UPDATE lpr_data.secret SET key_name = 'gone'$$);
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'vault' AND plate = 'BULK20';
CALL by_administrator($$DELETE FROM lpr_data.secret$$);
SELECT count(*) FROM lpr.reads WHERE source = 'vault' AND plate = 'BULK20';
\c - postgres
\pset format unaligned
\pset tuples_only on
SELECT lpr.remove_source('vault');
\c - analyst1
\pset format unaligned
\pset tuples_only on
-- People see the names of secrets at most.
SELECT srvname, umoptions FROM pg_user_mappings WHERE srvname = 'acme'
    AND array_to_string(umoptions, ' ') NOT LIKE '%secret=sim-lpr-token%';

\c - postgres
\pset format aligned
\pset tuples_only off
-- ---- not enabled: LP003; not granted: LP004 ----
SELECT lpr.add_source('fresh', 'lpr-v1', :'vendor_url' || '/fresh/lpr-v1', secret => 'sim-lpr-token');
SELECT source, dialect, enabled, granted, assessment, approved_on, published_on FROM lpr.sources WHERE source = 'fresh';
-- A superuser is granted everything, and asks nothing.
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
-- Enabled by hand without an assessment: no.
UPDATE lpr_data.source SET enabled = true WHERE name = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
SELECT lpr.approve_source('fresh', 'mine');
SELECT lpr.disable_source('acme');
-- Nor does an administrator approve what is asked.
\c - admin1
SELECT lpr.approve_source('fresh', 'mine', published_on => '2017-12-11');
SELECT lpr.disable_source('nobody');
\c - privacy1
-- The day of publication is not guessed.
SELECT lpr.approve_source('fresh', 'PIA');
\set VERBOSITY terse
SELECT lpr.approve_source('fresh', NULL);
SELECT lpr.approve_source('fresh', ' ');
SELECT lpr.approve_source('fresh', 'PIA', 'infinity');
SELECT lpr.approve_source(NULL, 'PIA', '2017-12-11');
-- Today at the latest, wherever the session's clock stands.
\set VERBOSITY sqlstate
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11', (clock_timestamp() AT TIME ZONE 'UTC')::date + 1);
\set VERBOSITY terse
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11', 'infinity');
SET timezone = 'Etc/GMT-14';
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11', NULL);
SET timezone = 'Etc/GMT+12';
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11');
RESET timezone;
SELECT approved_on = (clock_timestamp() AT TIME ZONE 'UTC')::date AS today FROM lpr.sources WHERE source = 'fresh';
\set VERBOSITY default
SELECT lpr.approve_source('nobody', 'PIA', '2017-12-11');
SELECT lpr.approve_source('fresh', 'DHS/CBP/PIA-049(a)', '2017-12-11', '2024-02-29');
SELECT source, enabled, granted, assessment, approved_on, published_on FROM lpr.sources WHERE source = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
SELECT source, outcome, sqlstate, message, requests FROM lpr.last_query();
\c - postgres
GRANT USAGE ON FOREIGN SERVER fresh TO analyst2;
\c - analyst2
CALL read_rules();
CALL logon();
SELECT source, enabled, granted FROM lpr.sources WHERE source = 'fresh';
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
-- The grant is judged for the login that authenticated, whatever hat it puts on.
\c - postgres
CREATE ROLE switcher LOGIN NOINHERIT IN ROLE lpr_user, analyst2;
CALL admit('switcher') \gset
GRANT SELECT ON lpr.reads TO switcher;
GRANT USAGE ON SCHEMA lpr TO switcher;
CREATE FUNCTION as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER
AS $$ SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20' $$;
CREATE VIEW view_of_owner AS SELECT * FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
GRANT SELECT ON view_of_owner TO switcher;
\c - switcher
SET ROLE lpr_user;
CALL read_rules();
CALL logon(:event_id);
RESET ROLE;
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
SET ROLE analyst2;
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
RESET ROLE;
SELECT as_owner();
\echo :SQLSTATE
SELECT count(*) FROM view_of_owner;
\echo :SQLSTATE
-- Nor is a login one person's own that another can put on.
\c - analyst2
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
\c - postgres
SET SESSION AUTHORIZATION switcher;
SET ROLE lpr_user;
SELECT granted FROM lpr.sources WHERE source = 'fresh';
RESET ROLE;
RESET SESSION AUTHORIZATION;
DROP VIEW view_of_owner;
DROP FUNCTION as_owner();
REVOKE ALL ON lpr.reads FROM switcher;
REVOKE ALL ON SCHEMA lpr FROM switcher;
SELECT lpr.retire_person('switcher') \g /dev/null
DROP ROLE switcher;

-- ---- several sources: who is passed over is told, once a statement ----
\c - analyst1
CALL read_rules();
CALL logon();
SELECT source, count(*) FROM lpr.reads WHERE plate = 'BULK20' AND source IN ('acme', 'fresh') GROUP BY source;
SELECT source, outcome, sqlstate, received FROM lpr.last_query() WHERE source IN ('acme', 'fresh') ORDER BY source;
\c - admin1
SELECT lpr.disable_source('acme');
\c - analyst1
CALL read_rules();
CALL logon();
-- Nobody left.
SELECT count(*) FROM lpr.reads WHERE plate = 'BULK20' AND source IN ('acme', 'fresh');
\echo :SQLSTATE
-- By place: two cannot, one may not, one is not enabled.
SELECT count(*) FROM lpr.search_location(32.552, -117.042);
\echo :SQLSTATE
-- One source alone says so itself.
SELECT count(*) FROM lpr.search_vehicle('Tesla', NULL, NULL, 32.552, -117.042) WHERE source = 'curbside';
\echo :SQLSTATE
\c - privacy1
SELECT lpr.approve_source('acme', 'DHS/CBP/PIA-049(a)', '2017-12-11');
\c - admin1

-- ---- cameras ----
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, '1 Main St', 'City', 'fixed', 'CA');
SELECT lpr.add_camera('fresh', 'cam1', 32.8, -117.2, country => 'MX');
SELECT lpr.add_camera('fresh', 'cam1', 32.7, 117.1);
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, region => 'NV');
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, region => 'ZZ');
SELECT lpr.add_camera('fresh', 'cam1', NULL, -117.1);
SELECT lpr.add_camera('fresh', NULL, 32.7, -117.1);
SELECT lpr.add_camera(NULL, 'cam1', 32.7, -117.1);
SELECT lpr.add_camera('fresh', repeat('x', 129), 32.7, -117.1);
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, address => repeat('x', 401));
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, owner => E'a\tb');
SELECT lpr.add_camera('fresh', 'cam1', 32.7, -117.1, type => '');
SELECT lpr.add_camera('fresh', 'cam2', 90.1, 0);
SELECT lpr.add_camera('fresh', 'cam2', 'NaN', 0);
SELECT lpr.add_camera('fresh', 'cam2', 0, 180.1);
SELECT lpr.add_camera('fresh', '', 0, 0);
SELECT lpr.add_camera('fresh', E'a\nb', 0, 0);
SELECT lpr.add_camera('nobody', 'cam1', 0, 0);
-- Of a camera without a point the street address and the state are its place.
SELECT lpr.add_camera('fresh', 'street', address => '500 Camino de la Plaza, San Ysidro', region => 'Calif.');
SELECT lpr.add_camera('fresh', 'nowhere');
SELECT lpr.add_camera('fresh', 'nowhere', address => '500 Camino de la Plaza, San Ysidro');
SELECT lpr.add_camera('fresh', 'nowhere', address => 'CA', region => 'CA');
SELECT lpr.add_camera('fresh', 'nowhere', address => 'Av. Revolucion 500', region => 'MX-BCN');
SELECT lpr.add_camera('fresh', 'nowhere', address => 'Av. Revolucion 500', region => 'CA', country => 'MX');
SELECT lpr.add_camera('fresh', 'nowhere', 32.5, address => '500 Camino de la Plaza', region => 'CA');
SELECT lpr.remove_camera('fresh', 'cam9');
\c - analyst1
SELECT lpr.add_camera('fresh', 'cam3', 0, 0);
SELECT lpr.remove_camera('fresh', 'cam1');
\c - postgres
TABLE lpr_data.camera;
-- A camera without a place is none.
INSERT INTO lpr_data.camera (source, camera_id, latitude, country) VALUES ('fresh', 'half', 32.5, 'US');
INSERT INTO lpr_data.camera (source, camera_id, address, country) VALUES ('fresh', 'no state', '1 Main St', 'US');

-- ---- removing ----
-- A server under another name is no source that anybody approved.
\c - analyst1
CALL read_rules();
CALL logon();
CALL by_administrator('ALTER SERVER fresh RENAME TO stale');
SELECT count(*) FROM lpr.reads WHERE plate = 'NOSUCH1';
CALL by_administrator('ALTER SERVER stale RENAME TO fresh');
\c - postgres
SELECT lpr.remove_source('fresh');
SELECT lpr.remove_source('fresh');
SELECT lpr.remove_source(NULL);
SELECT (SELECT count(*) FROM lpr_data.source WHERE name = 'fresh') AS sources,
       (SELECT count(*) FROM lpr_data.camera WHERE source = 'fresh') AS cameras,
       (SELECT count(*) FROM pg_foreign_server WHERE srvname = 'fresh') AS servers,
       to_regclass('lpr_data.reads_fresh') AS partition;
-- Dropped behind our back, it is not enabled any more, nor is a later server of that name; what is left of it can be
-- removed.
SELECT lpr.add_source('fresh', 'lpr-v1', :'vendor_url' || '/fresh/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'PIA', grant_to => '{lpr_user}');
DROP SERVER fresh CASCADE;
SELECT name, enabled FROM lpr_data.source WHERE name = 'fresh';
SELECT lpr.add_source('fresh', 'lpr-v1', :'vendor_url' || '/fresh/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'PIA');
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11');
CREATE SERVER fresh FOREIGN DATA WRAPPER lpr OPTIONS (dialect 'lpr-v1', url 'https://x.example');
CREATE FOREIGN TABLE lpr_data.reads_fresh PARTITION OF lpr.reads FOR VALUES IN ('fresh') SERVER fresh;
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
-- No mapping at all.
SELECT lpr.approve_source('fresh', 'PIA', '2017-12-11');
GRANT USAGE ON FOREIGN SERVER fresh TO lpr_user;
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
-- Another name, and back.
ALTER SERVER fresh RENAME TO stale;
ALTER SERVER stale RENAME TO fresh;
SELECT name, enabled FROM lpr_data.source WHERE name = 'fresh';
-- With mappings of all kinds.
CREATE USER MAPPING FOR PUBLIC SERVER fresh OPTIONS (secret 'sim-lpr-token');
CREATE USER MAPPING FOR analyst1 SERVER fresh OPTIONS (secret 'sim-lpr-token');
SELECT lpr.remove_source('fresh');
SELECT count(*) FROM pg_user_mappings WHERE srvname = 'fresh';
-- A day of approval is not in the future, by any way of recording it.
SELECT lpr.add_source('fresh', 'lpr-v1', :'vendor_url' || '/fresh/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'PIA', grant_to => '{lpr_user}');
UPDATE lpr_data.source SET approved_on = (clock_timestamp() AT TIME ZONE 'UTC')::date + 1 WHERE name = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
-- Approved, and published tomorrow; then today.
UPDATE lpr_data.source SET approved_on = (clock_timestamp() AT TIME ZONE 'UTC')::date,
    published_on = (clock_timestamp() AT TIME ZONE 'UTC')::date + 1 WHERE name = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
UPDATE lpr_data.source SET published_on = NULL WHERE name = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
UPDATE lpr_data.source SET published_on = (clock_timestamp() AT TIME ZONE 'UTC')::date WHERE name = 'fresh';
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\echo :SQLSTATE
\c - postgres
SELECT lpr.remove_source('fresh');
-- Made again under the same name, it is another source.
SELECT lpr.add_source('fresh', 'lpr-v1', :'vendor_url' || '/fresh/lpr-v1', secret => 'sim-lpr-token',
    assessment => 'PIA', grant_to => '{lpr_user}');
\c - analyst1
CALL read_rules();
CALL logon();
SELECT count(*) FROM lpr.reads WHERE source = 'fresh' AND plate = 'BULK20';
\c - postgres
SELECT lpr.remove_source('fresh');
DROP FUNCTION option_refusal(text), refusal(text);
