-- stage.sql: what the bench runs on: an analyst who may ask, sources of the dialect lpr-v1, and the peer in PL/Python.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION lpr CASCADE;
CREATE EXTENSION plpython3u;
CREATE ROLE analyst LOGIN IN ROLE lpr_user;
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO lpr_user;

SELECT lpr.add_source(name, 'lpr-v1', :'vendor_url' || '/' || name || '/lpr-v1', secret => 'sim-lpr-token',
                      assessment => 'bench', grant_to => '{lpr_user}')
FROM unnest('{bulk,north,east,south,west,hang,drip,busy}'::text[]) AS name
\g /dev/null
UPDATE lpr_data.source SET enabled = true, approved_on = lpr_data.utc_today(), published_on = lpr_data.utc_today(),
    refreshed_at = clock_timestamp();

-- What the gate looks for (scripts/stage.sql shows how people come to it), and limits beyond what the cases ask.
INSERT INTO lpr_data.person (login, name, email, unit, personnel_hash)
SELECT login, name, login || '@agency.example', 'Bench', sha256(login::bytea)
FROM (VALUES ('analyst', 'Ann Alister'), ('trainer', 'Trey Ning'), ('owner', 'Owen Kerr')) AS p (login, name);
INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id)
SELECT 1, code, today, today + interval '1 year', 2 FROM lpr_data.course,
    (SELECT (now() AT TIME ZONE 'UTC')::date) AS d (today);
INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at)
VALUES (1, '{ATS}', '{bulk,north,east,south,west,hang,drip,busy,nameless,deaf}', '{plate,location,vehicle}', 'bench',
    'granted', now(), now() + interval '1 year');
INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
VALUES (1, 1, 'approve', 'supervisor', 2, 'bench'), (1, 2, 'approve', 'system_owner', 3, 'bench');
INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, ends_at)
VALUES ('ATS', 'Bench', 'suspect', 'title_18', 'BENCH-1', 'bench', now() + interval '90 days');
INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (1, 1, true, 1);
-- What is asked, and as many others as an event may well have.
CREATE PROCEDURE bench.aim(plates text[])
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO lpr_data.target (event_id, kind, plate, relation, evidence_kind, evidence_reference, basis, added_by)
    SELECT 1, 'plate', p, 'subject', 'case_record', 'bench', 'bench', 1 FROM unnest(plates) AS p
    WHERE NOT EXISTS (SELECT FROM lpr_data.target AS t WHERE t.event_id = 1 AND t.plate = p);
END;
CALL bench.aim('{BULK1,BULK1000,BULK10000,BULK100000,BULK1000000}');
SELECT array_agg('BENCH' || to_char(n, 'FM000')) AS many FROM generate_series(0, 999) AS n \gset
CALL bench.aim(:'many');
SELECT array_agg('OTHER' || n) AS others FROM generate_series(1, 1000) AS n \gset
CALL bench.aim(:'others');
INSERT INTO lpr_data.schedule (records, citation, base_period, runs_from, life_of_matter, effective_from, reason,
    proposed_by)
VALUES ('ATS', 'bench', '15 years', 'saved', true, '2020-01-01', 'bench', 2);
INSERT INTO lpr_data.schedule_step (schedule_id, person_id, action, reason) SELECT s.schedule_id, p, 'verify', 'bench'
    FROM lpr_data.schedule AS s, generate_series(1, 2) AS p WHERE NOT s.shipped;
-- Asked every time, but in the cases of the cache.
DELETE FROM lpr_data.cache_time;
-- More questions than any limit may let through.
ALTER TABLE lpr_data.rate_limit DROP CONSTRAINT rate_limit_questions_check;
ALTER TABLE lpr_data.rate_limit DISABLE TRIGGER widened_by_two;
UPDATE lpr_data.rate_limit SET questions = 2000000000;
ALTER TABLE lpr_data.rate_limit ENABLE ALWAYS TRIGGER widened_by_two;

-- The columns of lpr.reads but the images, as text, numbers and times of their own.
CREATE TYPE bench.read AS (
    event_id bigint, source text, read_id text, plate text, plate_as_read text, plate_region text, country text,
    captured_at timestamptz, recent boolean, latitude double precision, longitude double precision, address text,
    camera_id text, camera_owner text, camera_type text, make text, model text, color text, confidence double precision,
    matched_how text,
    fetched_at timestamptz, from_cache boolean, place_certainty text, expires_at timestamptz
);

CREATE FUNCTION bench.python_reads(url text, token text, plate text)
    RETURNS SETOF bench.read
    LANGUAGE plpython3u
AS $$
import datetime
import requests

session = GD.get('session')
if session is None:
    session = GD['session'] = requests.Session()
    session.trust_env = False
    session.headers.update({'Authorization': 'Bearer ' + token, 'X-Request-Reference': 'bench-python'})
recent = (datetime.datetime.utcnow() - datetime.timedelta(days=30)).isoformat()
question = {'plates': [plate], 'page_size': 1000}
while True:
    reply = session.post(url + '/reads/search', json=question, timeout=60)
    reply.raise_for_status()
    page = reply.json()
    fetched_at = datetime.datetime.utcnow().isoformat() + 'Z'
    for read in page['reads']:
        camera = read['camera']
        vehicle = read['vehicle']
        as_read = read['plate']
        captured_at = read['captured_at']
        yield (1, 'bulk', read['id'], as_read.upper(), as_read, read['plate_region'], camera['country'], captured_at,
               captured_at >= recent, camera['latitude'], camera['longitude'], camera['address'], camera['id'],
               camera['owner'], camera['type'], vehicle['make'], vehicle['model'], vehicle['color'],
               read['confidence'], 'exact', fetched_at, False,
               'point', None)
    if page['next'] is None:
        break
    question['cursor'] = page['next']
$$;

-- For the join: a hot list. bench.py fills it with plates of the simulator's world.
CREATE TABLE bench.hot_list (plate text COLLATE "C" PRIMARY KEY);
GRANT SELECT ON bench.hot_list TO lpr_user;

-- For the audit: the gate's decision without a vendor, records by the million, and what one would write instead of a
-- log: a table like it.
CREATE FUNCTION bench.ask(source text, plates integer) RETURNS boolean LANGUAGE c STRICT AS :'drive', 'bench_ask';
CREATE FUNCTION bench.leave(n bigint) RETURNS void LANGUAGE c STRICT AS :'drive', 'bench_leave';
GRANT EXECUTE ON FUNCTION lpr_data.audit_record(text, text, text, text) TO lpr_user;
GRANT USAGE ON SCHEMA lpr_data TO lpr_user;
CREATE TABLE bench.plain (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text COLLATE "C" NOT NULL,
    login text COLLATE "C",
    pid integer,
    session_started timestamptz,
    event_id bigint,
    source text COLLATE "C",
    mode text COLLATE "C",
    ask bigint,
    control text COLLATE "C",
    sqlstate text COLLATE "C",
    salt bytea,
    payload text,
    payload_digest bytea NOT NULL,
    digest bytea NOT NULL
);
GRANT INSERT ON bench.plain TO lpr_user;
