-- stage.sql: what a demo, a sandbox or a test database has: the extension, a login of each role, three vendors of
-- different dialects, and analysts who came to their access as everybody does: requested, approved twice, trained, with
-- an event each (analyst1: 1, analyst2: 2). psql variables: vendor_url, password (of the logins, for connections over
-- TCP; empty = none).
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION lpr CASCADE;

-- Logins belong to the cluster: another test database may have made them.
SELECT format('CREATE ROLE %I LOGIN IN ROLE %I', login, role)
FROM (VALUES ('analyst1', 'lpr_user'),
             ('analyst2', 'lpr_user'),
             ('supervisor1', 'lpr_supervisor'),
             ('owner1', 'lpr_system_owner'),
             ('oversight1', 'lpr_oversight'),
             ('privacy1', 'lpr_privacy'),
             ('admin1', 'lpr_admin'),
             ('trainer1', 'lpr_training_officer'),
             ('lead1', 'lpr_lead'),
             ('records1', 'lpr_records_officer'),
             ('records2', 'lpr_records_officer'),
             ('newcomer1', 'lpr_user')) AS people (login, role)
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
SET client_min_messages = notice;

-- The people: the first administrator is registered by whoever installed the extension, all others by that
-- administrator.
SELECT current_user AS installer
\gset
SELECT lpr.add_person('admin1', 'Ada Minor', 'admin1@agency.example', 'Systems', personnel_number => 'P-admin1')
\g /dev/null
\c - admin1
SET client_min_messages = warning;
SELECT lpr.add_person(login, name, login || '@agency.example', unit, supervisor, personnel_number => 'P-' || login)
FROM (VALUES ('supervisor1', 'Sue Visor', 'Targeting', NULL),
             ('owner1', 'Owen Kerr', 'Systems', NULL),
             ('oversight1', 'Ova Sight', 'Oversight', NULL),
             ('privacy1', 'Priya Vasey', 'Privacy', NULL),
             ('trainer1', 'Trey Ning', 'Training', NULL),
             ('lead1', 'Lee Adler', 'Targeting', NULL),
             ('records1', 'Rhea Cordes', 'Records', NULL),
             ('records2', 'Reed Cordero', 'Records', NULL),
             ('analyst1', 'Ann Alister', 'Targeting', 'supervisor1'),
             ('analyst2', 'Anton Lystra', 'Targeting', 'supervisor1'),
             ('newcomer1', 'Newt Comer', 'Targeting', 'supervisor1')) AS p (login, name, unit, supervisor)
\g /dev/null
-- Sources are asked once the privacy officer has approved and published what covers them.
\c - privacy1
SELECT lpr.approve_source(source, assessment, published_on => '2017-12-11') FROM lpr.sources
\g /dev/null
-- When their vendors last refreshed their data, as a system owner, or a service of theirs, records each day.
\c - owner1
SELECT lpr.note_refresh(source) FROM lpr.sources
\g /dev/null
-- How long saved reads are kept: a value for the demo, not that of the real schedules, which a records officer takes
-- from their source.
\c - records1
SELECT lpr.verify_schedule(lpr.propose_schedule(records, '15 years',
    'Made up for the demo and the sandbox, so that reads can be saved there.'),
                           'Compared with nothing: a made-up period for the demo.')
FROM unnest('{ATS,AFI,CIRS}'::text[]) AS records
\g /dev/null
\c - records2
SELECT lpr.verify_schedule(schedule, 'Compared with nothing: a made-up period for the demo.') FROM lpr.schedules
    WHERE base_period IS NOT NULL
\g /dev/null
\c - trainer1
SELECT lpr.record_training(login, course, (now() AT TIME ZONE 'UTC')::date, 'certificate of ' || course)
FROM unnest('{analyst1,analyst2}'::text[]) AS login,
    unnest('{data_security,privacy,information_assurance,records_management,integrity_awareness,lpr_policy}'::text[])
        AS course
\g /dev/null
\c - analyst1
SELECT lpr.request_access('{ATS}', '{acme,birdseye,curbside}', '{plate,location,vehicle}',
    'Targets vehicles of smugglers at the Otay Mesa crossing and has to find where they were seen.') AS request1
\gset
\c - analyst2
SELECT lpr.request_access('{ATS,AFI}', '{acme,birdseye,curbside}', '{plate,location,vehicle}',
    'Locates wanted persons by the vehicles registered to them, for the fugitive team.') AS request2
\gset
\c - supervisor1
SELECT lpr.approve(request, 'Works on my team on exactly these matters and needs the reads for them.')
FROM unnest(ARRAY[:request1, :request2]) AS request
\g /dev/null
\c - owner1
SELECT lpr.approve(request, 'Need to know is shown, the sources and modes fit the work described.')
FROM unnest(ARRAY[:request1, :request2]) AS request
\g /dev/null
\c - analyst1
SELECT lpr.open_event('Contraband through Otay Mesa', 'contraband', 'title_19', 'SD-2026-00417',
    'A silver sedan is reported to carry narcotics across; its stops in the last months have to be found.')
\g /dev/null
-- What is asked is a target of the event, with the evidence for it.
SELECT lpr.add_target(1, '7ABC123', 'contraband', 'border_record', 'Seizure 2026-0417',
                      'The sedan with this plate crossed right before each of the three seizures.'),
       lpr.add_target(1, 'UXQ0780', 'associate', 'surveillance', 'Report 12 of the Otay Mesa team',
                      'Officers saw this car wait for the sedan at the crossing on two nights.'),
       lpr.add_target(1, relation => 'known_address', evidence_kind => 'informant',
                      evidence_reference => 'Informant file 88',
                      basis => 'The loads change cars at this plaza by night.',
                      latitude => 32.5509, longitude => -117.0438, address => 'Camino de la Plaza'),
       lpr.add_target(1, relation => 'subject', evidence_kind => 'registration',
                      evidence_reference => 'CA registration 7ABC123',
                      basis => 'The sedan is registered as this model.',
                      make => 'Toyota', model => 'Camry')
\g /dev/null
\c - analyst2
SELECT lpr.open_event('Fugitive in Arizona', 'wanted_person', 'title_18', 'TUC-2026-00093',
    'The wanted man drives a relative''s pickup truck; where it is parked at night has to be found.')
\g /dev/null
\c - :"installer"
\set QUIET on

-- No place to hoard.
SELECT statement FROM lpr.harden(dry_run => false)
\g /dev/null
