-- stage.sql: what a demo, a sandbox or a test database has: the extension, a login of each role, three vendors of different
-- dialects. psql variables: vendor_url, password (of the logins, for connections over TCP; empty = none).
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION lpr CASCADE;
SET client_min_messages = notice;

-- Logins belong to the cluster: another test database may have made them.
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, role)
FROM (VALUES ('analyst1', 'lpr_user'),
             ('analyst2', 'lpr_user'),
             ('supervisor1', 'lpr_supervisor'),
             ('owner1', 'lpr_system_owner'),
             ('oversight1', 'lpr_oversight'),
             ('privacy1', 'lpr_privacy'),
             ('admin1', 'lpr_admin')) AS people (login, role)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login)
\gexec
SELECT format('ALTER ROLE %I PASSWORD %L', member::regrole, nullif(:'password', ''))
FROM pg_auth_members
WHERE roleid::regrole::text LIKE 'lpr\_%' AND :'password' <> ''
\gexec

SELECT lpr.add_source('acme', 'lpr-v1', :'vendor_url' || '/acme/lpr-v1', secret => 'sim-lpr-token',
                      assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}'),
       lpr.add_source('birdseye', 'flock-v3', :'vendor_url' || '/birdseye/flock-v3', secret => 'sim-flock-secret',
                      client_id => 'sim-flock-client', assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}'),
       lpr.add_source('curbside', 'parkpow-v1', :'vendor_url' || '/curbside/parkpow-v1', secret => 'sim-parkpow-token',
                      assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}')
\g /dev/null

-- No place to hoard.
SELECT statement FROM lpr.harden(dry_run => false)
\g /dev/null
