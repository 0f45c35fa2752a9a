-- policy.sql: 2,000 people, 100,000 events and 10 million rows under the policies. psql variables: reads (10000000).
--
-- Ten million saved reads would each need an answer to be proved against: bench.event_read and bench.display stand in
-- for them, with the columns that bear on cost and the policy that tables of events have.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE reader LOGIN IN ROLE lpr_user;
CREATE ROLE busy LOGIN IN ROLE lpr_user;
CREATE ROLE boss LOGIN IN ROLE lpr_supervisor;
CREATE ROLE watcher LOGIN IN ROLE lpr_oversight;

-- Loading 100,000 events as 100,000 changes on record would take longer than all of the rest.
CREATE PROCEDURE bench.triggers(what text) LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger
             WHERE NOT tgisinternal AND tgrelid IN ('lpr_data.person'::regclass, 'lpr_data.event'::regclass,
                 'lpr_data.event_member'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s %s TRIGGER %I', t.of, what, t.tgname);
    END LOOP;
END
$$;
CALL bench.triggers('DISABLE');

INSERT INTO lpr_data.person (login, name, email, unit, personnel_hash)
SELECT login, 'Bench', login || '@agency.example', 'Bench', sha256(login::bytea)
FROM (SELECT unnest('{reader,busy,boss,watcher}'::text[])
      UNION ALL SELECT 'p' || i FROM generate_series(1, 1994) AS i) AS p (login);
SELECT person_id AS boss FROM lpr_data.person WHERE login = 'boss'
\gset
SELECT person_id AS reader FROM lpr_data.person WHERE login = 'reader'
\gset
SELECT person_id AS busy FROM lpr_data.person WHERE login = 'busy'
\gset
SELECT person_id AS first FROM lpr_data.person WHERE login = 'p1'
\gset
-- The supervisor has twenty people.
UPDATE lpr_data.person SET supervisor_id = :boss WHERE person_id BETWEEN :first AND :first + 19;

-- 30 events are the reader's, a fifth of all belongs to the supervisor's people, on another fifth the busy one works;
-- two more people work on each.
SELECT coalesce(max(event_id), 0) AS base FROM lpr_data.event
\gset
INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, opened_at, ends_at)
SELECT 'ATS', 'Event ' || i, 'suspect', 'title_18', 'BENCH-' || i, 'The bench looks how long it takes to look at this.',
    now() - i * interval '3 minutes', now() + interval '90 days'
FROM generate_series(1, 100000) AS i;
INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by)
SELECT :base + i, CASE WHEN i % 3333 = 0 THEN :reader WHEN i % 5 = 0 THEN :first + i / 5 % 20
    ELSE :first + 20 + i * 7919 % 1974 END, true, :boss
FROM generate_series(1, 100000) AS i;
INSERT INTO lpr_data.event_member (event_id, person_id, added_by)
SELECT :base + i, CASE WHEN i % 5 = 1 AND k = 1 THEN :busy ELSE :first + 20 + (i::bigint * 104729 * k) % 1974 END, :boss
FROM generate_series(1, 100000) AS i, generate_series(1, 2) AS k
ON CONFLICT DO NOTHING;
CALL bench.triggers('ENABLE ALWAYS');

-- Ten reads of an event lie together, as they were saved; event 3333 has ten thousand more.
CREATE TABLE bench.event_read (
    read_id bigint NOT NULL, event_id bigint NOT NULL, plate text COLLATE "C" NOT NULL,
    captured_at timestamptz NOT NULL, saved_by integer NOT NULL, relevance text NOT NULL
);
INSERT INTO bench.event_read
SELECT i, :base + CASE WHEN i <= 10000 THEN 3333 ELSE 1 + (i / 10 * 7919) % 100000 END, 'B' || i % 1000000,
    now() - (i::bigint * 7919 % 31536000) * interval '1 second', :reader,
       'Seen near the house.'
FROM generate_series(1::bigint, :reads) AS i;
ALTER TABLE bench.event_read ADD PRIMARY KEY (read_id);
CREATE INDEX ON bench.event_read (event_id, captured_at);
CREATE TABLE bench.display (display_id bigint PRIMARY KEY, event_id bigint NOT NULL, person_id integer NOT NULL,
    title text NOT NULL, created_at timestamptz NOT NULL);
INSERT INTO bench.display
SELECT row_number() OVER (), m.event_id, m.person_id, 'Display of ' || m.event_id,
    now() - m.event_id * interval '1 minute'
FROM lpr_data.event_member AS m WHERE m.event_id % 2 = 0;
CREATE INDEX ON bench.display (person_id);

GRANT USAGE ON SCHEMA bench TO lpr_owner, lpr_user, lpr_supervisor, lpr_oversight;
ALTER TABLE bench.event_read OWNER TO lpr_owner;
ALTER TABLE bench.display OWNER TO lpr_owner;
ALTER TABLE bench.event_read ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE bench.display ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY seen ON bench.event_read FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON bench.display FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE VIEW bench.event_reads WITH (security_barrier) AS
SELECT r.event_id AS event, r.read_id, r.plate, r.captured_at, p.login AS saved_by, r.relevance
FROM bench.event_read AS r LEFT JOIN lpr_data.person AS p ON p.person_id = r.saved_by ORDER BY r.captured_at DESC;
CREATE VIEW bench.displays WITH (security_barrier) AS
SELECT d.display_id AS display, d.event_id AS event,
       (SELECT p.login FROM lpr_data.person AS p WHERE p.person_id = d.person_id) AS owner, d.title, d.created_at
FROM bench.display AS d
WHERE d.person_id = ANY (lpr_data.my_people());
ALTER VIEW bench.event_reads OWNER TO lpr_owner;
ALTER VIEW bench.displays OWNER TO lpr_owner;
GRANT SELECT ON bench.event_reads, bench.displays TO lpr_user, lpr_supervisor, lpr_oversight;
VACUUM (ANALYZE) lpr_data.person, lpr_data.event, lpr_data.event_member, bench.event_read, bench.display;
