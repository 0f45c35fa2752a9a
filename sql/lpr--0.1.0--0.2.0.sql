-- 0.1.0: what version 0.1.0 has and this one has otherwise. The files of what is new follow it, as the Makefile joins them.

\echo Use "ALTER EXTENSION lpr UPDATE" to load this file. \quit

-- Roles belong to the cluster: another database may have made them already, and they stay when the extension goes.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy', 'lpr_admin',
                                     'lpr_training_officer', 'lpr_lead', 'lpr_records_officer',
                                     'lpr_log', 'lpr_owner'] -- own the audit log, and all other tables and views; granted to nobody
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA lpr TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer, lpr_owner;
GRANT USAGE ON SCHEMA lpr_data TO lpr_owner;

-- What is made anew by the files that follow.
DROP FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, text, text, bigint, timestamptz, timestamptz), lpr_data.has_dialect_mode(text, text);
DROP FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint),
    lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint),
    lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint), lpr.last_query();
DROP VIEW lpr.sources;

-- 20-source
ALTER TABLE lpr_data.source ADD exemptions text[] NOT NULL DEFAULT '{}' CHECK (array_position(exemptions, NULL) IS NULL);
COMMENT ON COLUMN lpr_data.source.exemptions IS 'Privacy Act exemptions of its records, such as 5 U.S.C. 552a(j)(2): every read that is saved takes them along (E8).';
ALTER EVENT TRIGGER lpr_server_dropped ENABLE ALWAYS;
ALTER EVENT TRIGGER lpr_server_renamed ENABLE ALWAYS;

-- 40-audit
GRANT EXECUTE ON FUNCTION lpr.login() TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
CREATE OR REPLACE FUNCTION lpr_data.guard(log_table regclass)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = log_table AND t.tgfoid = 'lpr_data.refuse_change'::regproc AND t.tgenabled = 'A')
       = (SELECT CASE c.relkind WHEN 'p' THEN 1 ELSE 2 END FROM pg_class AS c WHERE c.oid = log_table)
       AND (SELECT c.relowner = 'lpr_log'::regrole AND c.relrowsecurity AND c.relforcerowsecurity FROM pg_class AS c WHERE c.oid = log_table) THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE %s OWNER TO lpr_log', log_table);
    EXECUTE format('REVOKE ALL ON %s FROM lpr_log', log_table);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', log_table);
    IF (SELECT c.relkind <> 'p' FROM pg_class AS c WHERE c.oid = log_table) THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_change()', log_table);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_row_change', log_table);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_change()', log_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_change', log_table);
    RETURN true;
END
$$;
COMMENT ON FUNCTION lpr_data.guard(regclass) IS 'Makes a table one of the log: its owner is lpr_log, who cannot log in, nobody has rights on it, no policy shows a row of it, and triggers that fire ALWAYS refuse every change. False when all of that was so.';
SELECT lpr_data.guard_log();
CREATE FUNCTION lpr_data.number_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- A restore brings changes that waited, under numbers that the restore's own have taken, or that later ones would take.
    NEW.number := nextval('lpr_data.change_number_seq');
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.number_change() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.number_change() IS 'Trigger of lpr_data.change: numbers what comes in.';
CREATE TRIGGER number_change BEFORE INSERT ON lpr_data.change FOR EACH ROW EXECUTE FUNCTION lpr_data.number_change();
ALTER TABLE lpr_data.change ENABLE ALWAYS TRIGGER number_change;
CREATE OR REPLACE FUNCTION lpr_data.create_log(id bytea)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
AS $$
BEGIN
    CREATE TABLE lpr_data.log (
        id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
        started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE lpr_data.log IS 'Which log this is: one row. Its identity goes into every record, so that a new log cannot pass for the old one (U3).';
    CREATE TABLE lpr_data.audit (
        number bigint NOT NULL,
        at timestamp with time zone NOT NULL,
        kind text COLLATE "C" NOT NULL,
        login text COLLATE "C",
        pid integer,
        session_started timestamp with time zone,
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
    ) PARTITION BY RANGE (at);
    COMMENT ON TABLE lpr_data.audit IS 'The audit log: who asked what and what came back as metadata, never the reads themselves (U1). Written by the audit writer alone, a partition a month.';
    COMMENT ON COLUMN lpr_data.audit.number IS 'Place in the log: 1, 2, 3, …';
    COMMENT ON COLUMN lpr_data.audit.at IS 'When it was decided and written, by the server''s clock; never before the record before.';
    COMMENT ON COLUMN lpr_data.audit.kind IS 'start, month: the log or a partition begins; ask: a question that the gate let through; refused: one that it did not; sent, answer: what went out and what came back; change: of policy; read: of the log itself; clock: the clock was set back; consent: somebody agreed to the rules; flag: something for oversight to look at.';
    COMMENT ON COLUMN lpr_data.audit.login IS 'The authenticated login; NULL for the writer itself.';
    COMMENT ON COLUMN lpr_data.audit.pid IS 'Process id of the session''s backend.';
    COMMENT ON COLUMN lpr_data.audit.session_started IS 'When that backend started: pid and this name a session.';
    COMMENT ON COLUMN lpr_data.audit.event_id IS 'The purpose (Q7).';
    COMMENT ON COLUMN lpr_data.audit.source IS 'The vendor asked.';
    COMMENT ON COLUMN lpr_data.audit.mode IS 'plate, location or vehicle.';
    COMMENT ON COLUMN lpr_data.audit.ask IS 'Of sent, answer and refused answers: the number of the ask.';
    COMMENT ON COLUMN lpr_data.audit.control IS 'Of refused: the rule, by its id in the register of controls.';
    COMMENT ON COLUMN lpr_data.audit.sqlstate IS 'Of refused and of answers that failed.';
    COMMENT ON COLUMN lpr_data.audit.salt IS '16 random bytes; NULL once the payload was destroyed on its schedule.';
    COMMENT ON COLUMN lpr_data.audit.payload IS 'The particulars as JSON: all parameters of a question, the metadata of an answer, old and new row of a change.';
    COMMENT ON COLUMN lpr_data.audit.payload_digest IS 'SHA-256 of salt and payload; stays when they go.';
    COMMENT ON COLUMN lpr_data.audit.digest IS 'Of the chain: SHA-256 over the digest before and this record (docs/audit-format.md).';
    CREATE TABLE lpr_data.checkpoint (
        size bigint PRIMARY KEY CHECK (size > 0),
        at timestamp with time zone NOT NULL,
        frontier bytea NOT NULL,
        proof bytea NOT NULL,
        note text NOT NULL
    );
    COMMENT ON TABLE lpr_data.checkpoint IS 'Signed checkpoints of the log: every minute or 10,000 records while records come, and at the end of each month (U3).';
    COMMENT ON COLUMN lpr_data.checkpoint.size IS 'How many records it covers.';
    COMMENT ON COLUMN lpr_data.checkpoint.at IS 'When it was made.';
    COMMENT ON COLUMN lpr_data.checkpoint.frontier IS 'Roots of the complete subtrees, 32 bytes each, the largest first: the writer starts from them.';
    COMMENT ON COLUMN lpr_data.checkpoint.proof IS 'Consistency proof from the checkpoint before, 32 bytes a node.';
    COMMENT ON COLUMN lpr_data.checkpoint.note IS 'The signed note, in the form of transparency logs.';
    CREATE TABLE lpr_data.delivery (
        size bigint PRIMARY KEY,
        delivered_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE lpr_data.delivery IS 'Checkpoints that were handed over to lpr.checkpoint_directory or lpr.checkpoint_command.';
    COMMENT ON COLUMN lpr_data.delivery.size IS 'Of the checkpoint.';
    COMMENT ON COLUMN lpr_data.delivery.delivered_at IS 'When.';
    INSERT INTO lpr_data.log (id) VALUES (create_log.id);
    PERFORM lpr_data.guard('lpr_data.log'), lpr_data.guard('lpr_data.audit'), lpr_data.guard('lpr_data.checkpoint'), lpr_data.guard('lpr_data.delivery');
END
$$;

-- 45-audit-read
COMMENT ON FUNCTION lpr_data.audit_record(text, text, text, text) IS 'Puts a record of kind read, refused, consent or flag into the log and returns its number once it is on disk. Error LP020 when it cannot be.';
COMMENT ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) IS
    'The audit log, oldest record first (U1): who asked what for which event, what came back as metadata, what was refused and why. since, until: of the record''s time, both included; login, kind (ask, refused, sent, answer, change, read, clock, consent, flag, start, month), event_id, source: only such records; NULL = all. Each call is itself a record. On a standby it is refused (LP020).';
DO $$
BEGIN
    IF pg_catalog.to_regclass('lpr_data.audit') IS NOT NULL THEN
        COMMENT ON COLUMN lpr_data.audit.kind IS 'start, month: the log or a partition begins; ask: a question that the gate let through; refused: one that it did not; sent, answer: what went out and what came back; change: of policy; read: of the log itself; clock: the clock was set back; consent: somebody agreed to the rules; flag: something for oversight to look at.';
    END IF;
END
$$;
-- 30-search: one function a search mode (Q2), in front of lpr.reads. Single SELECT statements, so that the planner inlines them: conditions, LIMIT and
-- columns of the outer query still reach the vendors. PostgreSQL inlines no call whose arguments hold a subquery or a volatile function, and none WITH
-- ORDINALITY: such a call reads all there is. The newest reads come first, hence the last 30 days before all others (Q5).

CREATE FUNCTION lpr.search_plate(
    plate text,
    region text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    look_alikes boolean DEFAULT false,
    other_regions boolean DEFAULT false,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.event_id, r.source, r.read_id, r.plate, r.plate_as_read, r.plate_region, r.country, r.captured_at, r.recent, r.latitude, r.longitude,
           r.address, r.camera_id, r.camera_owner, r.camera_type, r.make, r.model, r.color, r.confidence,
           lpr.matched_how(search_plate.plate, lpr.normal_region(search_plate.region), r.plate, r.plate_region),
           r.plate_image, r.vehicle_image, r.fetched_at, r.from_cache, r.expires_at
    FROM lpr.reads AS r
    WHERE r.plate = ANY (CASE WHEN search_plate.look_alikes THEN lpr.confusable_plates(search_plate.plate)
                              ELSE ARRAY[lpr.normal_plate(search_plate.plate)] END)
      AND (lpr.normal_region(search_plate.region) IS NULL OR search_plate.other_regions
           OR r.plate_region = lpr.normal_region(search_plate.region) OR r.plate_region IS NULL)
      AND (search_plate.since IS NULL OR r.captured_at >= search_plate.since)
      AND (search_plate.until IS NULL OR r.captured_at <= search_plate.until)
      AND (search_plate.event_id IS NULL OR r.event_id = search_plate.event_id)
      AND (search_plate.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint, boolean) IS
    'Reads of a plate, newest first, the last 30 days marked recent (Q5). The whole plate, in any case, with blanks and dashes or without; NULL finds nothing. region: state of registration, two letters in any case or its name, NULL = any; reads whose region the vendor does not tell are kept. since, until: of captured_at, both included; at most five years back (Q6). event_id: the purpose, if not that of lpr.work_on(). refresh: asks the vendor although the answer is kept (Q9). look_alikes asks also for up to 63 plates that readers confuse with it (more are told in a notice), other_regions keeps the same number of other states; column matched_how tells which is which (G1). Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_plate(w.plate) AS r. Errors LP011 (not a plate), LP012 (not a region), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_location(
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    radius_m double precision DEFAULT 1000,
    address text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE (NOT lpr.has_point(search_location.latitude, search_location.longitude)
           OR lpr.distance_m(r.latitude, r.longitude, search_location.latitude, search_location.longitude) <= search_location.radius_m)
      AND (search_location.address IS NULL OR r.address ILIKE '%' || lpr.like_literal(search_location.address) || '%')
      AND (search_location.since IS NULL OR r.captured_at >= search_location.since)
      AND (search_location.until IS NULL OR r.captured_at <= search_location.until)
      AND (search_location.event_id IS NULL OR r.event_id = search_location.event_id)
      AND (search_location.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint, boolean) IS
    'Reads of cameras near a point, or of cameras whose address contains a text (3 to 200 bytes, in any case), or both, newest first (Q2). latitude, longitude: degrees, west is negative; both or neither. radius_m: metres, 1 to 500,000; NULL finds nothing. since, until: of captured_at, both included; at most five years back (Q6). event_id: the purpose, if not that of lpr.work_on(). refresh: asks the vendor although the answer is kept (Q9). Sources that cannot be asked by place are passed over with a notice. Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_location(w.latitude, w.longitude) AS r. Errors LP001 (neither a point nor an address), LP014 (not a point, half of one, not a radius or address), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_vehicle(
    make text,
    model text DEFAULT NULL,
    color text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE r.make = lpr.normal_word(search_vehicle.make)
      AND (search_vehicle.model IS NULL OR r.model = lpr.normal_word(search_vehicle.model))
      AND (search_vehicle.color IS NULL OR r.color = lpr.normal_word(search_vehicle.color))
      AND (search_vehicle.since IS NULL OR r.captured_at >= search_vehicle.since)
      AND (search_vehicle.until IS NULL OR r.captured_at <= search_vehicle.until)
      AND (search_vehicle.event_id IS NULL OR r.event_id = search_vehicle.event_id)
      AND (search_vehicle.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint, boolean) IS
    'Reads of vehicles of a make, or of a make and model, newest first (Q2); upper and lower case are the same, as are blanks around, 1 to 64 bytes each, a make of NULL finds nothing. The colour is checked here, not by the vendor. since, until: of captured_at, both included; at most five years back (Q6). event_id: the purpose, if not that of lpr.work_on(). refresh: asks the vendor although the answer is kept (Q9). Sources that cannot be asked by vehicle are passed over with a notice. Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_vehicle(w.make) AS r. Errors LP012 (not a make or model), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.last_query(
    OUT source text,
    OUT dialect text,
    OUT outcome text,
    OUT sqlstate text,
    OUT message text,
    OUT sent text[],
    OUT reference text,
    OUT requests integer,
    OUT retries integer,
    OUT pages integer,
    OUT bytes bigint,
    OUT received bigint,
    OUT reads bigint,
    OUT dropped jsonb,
    OUT asked_at timestamp with time zone,
    OUT milliseconds double precision
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_last_query';
REVOKE ALL ON FUNCTION lpr.last_query() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.last_query() TO lpr_user, lpr_admin;
COMMENT ON FUNCTION lpr.last_query() IS
    'What happened to the last question of this session (U7), a row a source; no row before the first question.

- outcome: complete; stopped = the reader wanted no more; cut = the vendor has more than it, or max_pages or max_megabytes, lets through; failed; passed_over = not asked; asked = still under way.
- sqlstate, message: why it failed, was cut or passed over.
- sent: method, path and body of each request, login and secrets left out; the first 20 of them.
- reference: the opaque number that the requests carried; the vendor learns neither user nor case.
- requests, retries, pages, bytes: what it took; bytes are those of the replies.
- received, reads: reads that came, and those of them that passed every rule.
- dropped: reads left out, counted by reason: malformed, repeated, other_plate, other_region (or an unknown one), other_place, other_vehicle (or an unknown one), outside_window (of time), older_than_five_years (Q6), in_the_future, abroad, unknown_place, contradictory_place (Q4).
- asked_at, milliseconds: when, and how long until the last row.';
-- 42-kept: tables that are only ever added to, and rows that come with lpr and may be changed.

CREATE FUNCTION lpr_data.refuse_rewrite()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Arguments: the columns that may change.
    IF TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE' AND to_jsonb(OLD) - coalesce(TG_ARGV, '{}') = to_jsonb(NEW) - coalesce(TG_ARGV, '{}') AND cardinality(coalesce(TG_ARGV, '{}')) > 0 THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'LP034',
        MESSAGE = format('%s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        DETAIL = 'This table is only ever added to: who asked for what, who approved it, what was recorded when.',
        HINT = 'Add what is right now beside it, by the functions of schema lpr.';
END
$$;
REVOKE ALL ON FUNCTION lpr_data.refuse_rewrite() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.refuse_rewrite() IS 'Trigger of what is only ever added to: error LP034 for every change but of the columns that its arguments name.';

CREATE FUNCTION lpr_data.only_adds(kept_table regclass, VARIADIC changeable text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_rewrite BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite(%s)',
                   kept_table, (SELECT string_agg(quote_literal(c), ', ') FROM unnest(changeable) AS c));
    EXECUTE format('CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite()', kept_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate', kept_table);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.only_adds(regclass, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.only_adds(regclass, text[]) IS 'Makes a table one that is only ever added to, but for the columns named.';

CREATE FUNCTION lpr_data.replace_shipped()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped);
    replaced bigint;
BEGIN
    -- The argument is the key. A changed row of a dump meets the one that CREATE EXTENSION has just made; changed in place, since other rows may refer to it.
    EXECUTE format('UPDATE %s AS t SET (%s) = ROW(($1).*) WHERE t.%3$I = ($1).%3$I AND t.shipped', TG_RELID::regclass, columns, TG_ARGV[0]) USING NEW;
    GET DIAGNOSTICS replaced = ROW_COUNT;
    RETURN CASE WHEN replaced = 0 THEN NEW END;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.replace_shipped() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.replace_shipped() IS 'Trigger of tables with rows that come with lpr: a row of the same key takes the place of such a one, as a restore brings it.';

CREATE FUNCTION lpr_data.ships(policy_table regclass, key text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER replace_shipped BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION lpr_data.replace_shipped(%L)', policy_table, key);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER replace_shipped', policy_table);
    PERFORM pg_extension_config_dump(policy_table, 'WHERE NOT shipped');
END
$$;
REVOKE ALL ON FUNCTION lpr_data.ships(regclass, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.ships(regclass, text) IS 'Dumps only what did not come with lpr, or was changed since (column shipped), and lets a restore bring it.';
-- 46-person: the people behind the logins (A1). A role is not an entitlement: what counts are rows.

CREATE FUNCTION lpr_data.refuse(control text, sqlstate text, message text, detail text, hint text)
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_gate_refuse';
REVOKE ALL ON FUNCTION lpr_data.refuse(text, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.refuse(text, text, text, text, text) IS 'A refusal of policy: on record first, whatever the caller''s transaction does next (U4), then raised as an error.';

-- Everybody of lpr may call what decides about access, here and in the files that follow: who is not entitled to is refused on record (U4), which the
-- server's own refusal for want of a privilege would not be.

CREATE TABLE lpr_data.person (
    person_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text COLLATE "C" NOT NULL UNIQUE CHECK (login <> ''),
    name text NOT NULL CHECK (name ~ '[^[:space:]]' AND name !~ '[[:cntrl:]]' AND char_length(name) <= 200),
    email text NOT NULL CHECK (email ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$' AND char_length(email) <= 254),
    unit text NOT NULL CHECK (unit ~ '[^[:space:]]' AND unit !~ '[[:cntrl:]]' AND char_length(unit) <= 200),
    supervisor_id integer REFERENCES lpr_data.person CHECK (supervisor_id <> person_id),
    kind text COLLATE "C" NOT NULL DEFAULT 'personal' CHECK (kind IN ('personal', 'service', 'shared')),
    left_at timestamp with time zone
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.person', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.person_person_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.person');
CREATE INDEX person_supervisor ON lpr_data.person (supervisor_id);
COMMENT ON TABLE lpr_data.person IS 'Who is behind a login: one row each. Only a personal login can hold an entitlement (A1).';
COMMENT ON COLUMN lpr_data.person.person_id IS 'Number of the person in all other tables; never used again.';
COMMENT ON COLUMN lpr_data.person.login IS 'Name of the login role.';
COMMENT ON COLUMN lpr_data.person.name IS 'The person''s name, at most 200 characters.';
COMMENT ON COLUMN lpr_data.person.email IS 'Address for notices, one, in ASCII.';
COMMENT ON COLUMN lpr_data.person.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr_data.person.supervisor_id IS 'Who approves the person''s requests first.';
COMMENT ON COLUMN lpr_data.person.kind IS 'personal: of one human being; service: of a program; shared: of several people.';
COMMENT ON COLUMN lpr_data.person.left_at IS 'When the person left; nothing can be done under that login from then on.';

-- Who is asking. The rules are functions named look_up_…; policies and views ask lpr_data.me() and its like, which remember what those said (sight.c).

CREATE FUNCTION lpr_data.look_up_me()
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT p.person_id FROM lpr_data.person AS p WHERE p.login = lpr.login()::text COLLATE "C" AND p.left_at IS NULL);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look_up_me() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look_up_me() IS 'Rule of lpr_data.me().';

CREATE FUNCTION lpr_data.me()
    RETURNS integer
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_me';
REVOKE ALL ON FUNCTION lpr_data.me() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.me() IS 'The person behind the authenticated login; NULL when there is none, or the person has left.';

CREATE FUNCTION lpr_data.holds(person_id integer, VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM lpr_data.person AS p JOIN pg_roles AS r ON r.rolname = p.login
                   WHERE p.person_id = holds.person_id AND p.left_at IS NULL AND p.kind = 'personal' AND r.rolcanlogin AND NOT r.rolsuper
                     AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = r.oid)
                     AND EXISTS (SELECT FROM unnest(holds.roles) AS o (role) WHERE pg_has_role(r.oid, o.role, 'MEMBER')));
END
$$;
REVOKE ALL ON FUNCTION lpr_data.holds(integer, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.holds(integer, text[]) IS 'Whether a person acts under a personal login, which no other role is a member of, and which is a member of a role, one of several. Superusers, who are members of everything, do not.';

-- What policies and views are keyed on. Views call functions with the rights of whoever reads them: hence the grants, without USAGE on the schema.

CREATE FUNCTION lpr_data.acts_as(VARIADIC roles text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.holds(lpr_data.me(), VARIADIC roles);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.acts_as(text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.acts_as(text[]) IS 'Whether the person behind the authenticated login acts in one of these roles.';

CREATE FUNCTION lpr_data.look_up_my_people()
    RETURNS integer[]
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.me();
BEGIN
    IF who IS NULL THEN
        RETURN '{}';
    END IF;
    IF lpr_data.holds(who, 'lpr_supervisor') THEN
        RETURN who || ARRAY(SELECT p.person_id FROM lpr_data.person AS p WHERE p.supervisor_id = who);
    END IF;
    RETURN ARRAY[who];
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look_up_my_people() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look_up_my_people() IS 'Rule of lpr_data.my_people().';

CREATE FUNCTION lpr_data.my_people()
    RETURNS integer[]
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_my_people';
REVOKE ALL ON FUNCTION lpr_data.my_people() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.my_people() IS 'The person behind the authenticated login, and of a supervisor those whom they supervise; empty when there is none, or the person has left.';

CREATE FUNCTION lpr_data.whom(role text, title text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN title || coalesce((SELECT format(' (%s)', string_agg(p.name, ', ' ORDER BY p.name))
                              FROM (SELECT o.name FROM lpr_data.person AS o
                                    WHERE o.person_id IS DISTINCT FROM lpr_data.me() AND lpr_data.holds(o.person_id, whom.role)
                                    ORDER BY o.person_id LIMIT 3) AS p HAVING count(*) > 0), '');
END
$$;
REVOKE ALL ON FUNCTION lpr_data.whom(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.whom(text, text) IS 'Whom to ask: the title, with the names of up to three people other than oneself who act in the role.';
GRANT EXECUTE ON FUNCTION lpr_data.me(), lpr_data.acts_as(text[]), lpr_data.my_people(), lpr_data.whom(text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;

CREATE FUNCTION lpr_data.acting(role text, control text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.me();
BEGIN
    IF who IS NULL THEN
        PERFORM lpr_data.refuse(control, 'LP024', format('login "%s" is nobody''s', lpr.login()),
                                'What bears on access is done by people, each under a login of their own.',
                                'Ask an administrator to register you: SELECT lpr.add_person(…).');
    END IF;
    IF NOT lpr_data.holds(who, role) THEN
        PERFORM lpr_data.refuse(control, 'LP033', format('login "%s" does not act as %s', lpr.login(), role),
                                format('This is done under a personal login that is a member of %s, and of which nobody else is one.', role),
                                format('Ask an administrator whether you are to be one: GRANT %I TO %I;', role, lpr.login()));
    END IF;
    RETURN who;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.acting(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.acting(text, text) IS 'The person who acts, in a role. Errors LP024 (the login is nobody''s) and LP033 (no member, or no personal login).';

CREATE FUNCTION lpr_data.administering(control text, role text DEFAULT 'lpr_admin')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever installs lpr registers the first administrator, and is nobody yet.
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        PERFORM lpr_data.acting(role, control);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.administering(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.administering(text, text) IS 'Refuses whoever neither acts in a role, that of administrators, nor is a superuser. Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.check_isolation()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_transaction_state',
            MESSAGE = format('this is not decided in a transaction that is %s', upper(current_setting('transaction_isolation'))),
            DETAIL = 'Who may decide is judged by what is committed now, not by an older snapshot.',
            HINT = 'COMMIT; then do it in a transaction of its own: BEGIN ISOLATION LEVEL READ COMMITTED;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_isolation() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_isolation() IS 'An error where a snapshot could be older than what it is to judge by: who still has which role, whose login is still their own.';

CREATE FUNCTION lpr_data.person_of(login text)
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := (SELECT p.person_id FROM lpr_data.person AS p WHERE p.login = person_of.login COLLATE "C" AND p.left_at IS NULL);
BEGIN
    IF who IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" is nobody''s', coalesce(login, 'NULL')),
            HINT = 'SELECT login, name FROM lpr.people;';
    END IF;
    RETURN who;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.person_of(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.person_of(text) IS 'The person behind a login who has not left; an error when there is none.';

CREATE FUNCTION lpr.add_person(login text, name text, email text, unit text, supervisor text DEFAULT NULL, kind text DEFAULT 'personal')
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A1');
    IF add_person.login = lpr.login() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody registers themselves', 'A person is registered by an administrator who is somebody else.',
                                'Ask another administrator.');
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = add_person.login AND r.rolcanlogin) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" does not exist', coalesce(login, 'NULL')),
            HINT = format('CREATE ROLE %I LOGIN; first.', coalesce(login, '…'));
    END IF;
    IF EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = add_person.login COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = format('login "%s" is somebody''s already', login),
            DETAIL = 'A login that somebody had is never given to anybody else.',
            HINT = 'SELECT lpr.change_person(…), or make another login.';
    END IF;
    INSERT INTO lpr_data.person (login, name, email, unit, supervisor_id, kind)
    VALUES (add_person.login, add_person.name, add_person.email, add_person.unit,
            CASE WHEN add_person.supervisor IS NOT NULL THEN lpr_data.person_of(add_person.supervisor) END, add_person.kind);
END
$$;
REVOKE ALL ON FUNCTION lpr.add_person(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_person(text, text, text, text, text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.add_person(text, text, text, text, text, text) IS
    'Registers who is behind a login (A1). login: an existing login role. name, unit: at most 200 characters. email: where notices go. supervisor: the login of the person who approves first, registered before. kind: personal, service or shared; only a personal login can hold an entitlement. Registered people keep their row for good: a login is never given to anybody else.';

CREATE FUNCTION lpr.change_person(login text, name text DEFAULT NULL, email text DEFAULT NULL, unit text DEFAULT NULL, supervisor text DEFAULT NULL,
                                  kind text DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A1');
    IF change_person.login = lpr.login() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody changes their own registration', 'A supervisor, a unit and a kind decide about access.',
                                'Ask another administrator.');
    END IF;
    UPDATE lpr_data.person AS p
    SET name = coalesce(change_person.name, p.name), email = coalesce(change_person.email, p.email), unit = coalesce(change_person.unit, p.unit),
        supervisor_id = CASE WHEN change_person.supervisor IS NOT NULL THEN lpr_data.person_of(change_person.supervisor) ELSE p.supervisor_id END,
        kind = coalesce(change_person.kind, p.kind)
    WHERE p.person_id = lpr_data.person_of(change_person.login);
END
$$;
REVOKE ALL ON FUNCTION lpr.change_person(text, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.change_person(text, text, text, text, text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.change_person(text, text, text, text, text, text) IS 'Changes what is registered of a person, but for the login; NULL leaves as it is (A1). Nobody changes their own: error LP033.';

CREATE FUNCTION lpr.retire_person(login text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A1');
    UPDATE lpr_data.person AS p SET left_at = clock_timestamp() WHERE p.person_id = lpr_data.person_of(retire_person.login);
END
$$;
REVOKE ALL ON FUNCTION lpr.retire_person(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retire_person(text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.retire_person(text) IS 'A person has left: from the next statement on nothing can be done under that login, for good (A1). Its rows stay.';
-- 47-access: how a person comes to be entitled, and ceases to be (A1, A4, A7). Two people say yes, none of them the one who asks; every step stays on record.

CREATE TABLE lpr_data.system (
    system text COLLATE "C" PRIMARY KEY CHECK (system <> ''),
    name text NOT NULL,
    records text COLLATE "C" NOT NULL CHECK (records ~ '^[A-Z][A-Z0-9-]{0,39}$'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.system', 'system');
SELECT lpr_data.audit_changes_of('lpr_data.system');
COMMENT ON TABLE lpr_data.system IS 'The systems that people ask from (A7).';
COMMENT ON COLUMN lpr_data.system.system IS 'Short name.';
COMMENT ON COLUMN lpr_data.system.name IS 'Full name.';
COMMENT ON COLUMN lpr_data.system.records IS 'The system of records that what is kept for its events belongs to (E9).';
COMMENT ON COLUMN lpr_data.system.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.system (system, name, records, shipped)
VALUES ('ATS', 'Automated Targeting System', 'ATS', true),
       ('AFI', 'Analytical Framework for Intelligence', 'AFI', true),
       ('IRS-NG', 'Intelligence Reporting System – Next Generation', 'CIRS', true);

-- What says nothing.

CREATE TABLE lpr_data.empty_reason (
    reason text COLLATE "C" PRIMARY KEY CHECK (reason ~ '^[a-z0-9]+( [a-z0-9]+)*$'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.empty_reason', 'reason');
SELECT lpr_data.audit_changes_of('lpr_data.empty_reason');
COMMENT ON TABLE lpr_data.empty_reason IS 'Words and phrases that are no reason, whatever stands beside them that is none either (Q7).';
COMMENT ON COLUMN lpr_data.empty_reason.reason IS 'In lower case, letters and digits only, single blanks.';
COMMENT ON COLUMN lpr_data.empty_reason.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.empty_reason (reason, shipped)
SELECT r, true
FROM unnest(ARRAY['investigation', 'ongoing investigation', 'active investigation', 'criminal investigation', 'official investigation', 'investigative purposes',
                  'investigative', 'for investigation', 'case', 'ongoing case', 'case work', 'casework', 'official', 'official business', 'official use', 'official duty',
                  'official duties', 'law enforcement', 'law enforcement purpose', 'law enforcement purposes', 'enforcement', 'border security', 'na', 'n a', 'none',
                  'nothing', 'tbd', 'to be determined', 'to be decided', 'unknown', 'test', 'testing', 'query', 'search', 'lookup', 'look up', 'check', 'lpr', 'lpr search',
                  'lpr query', 'plate', 'plate check', 'vehicle', 'license plate', 'licence plate', 'work', 'work related', 'need to know', 'needed', 'required',
                  'as needed', 'see file', 'see case', 'see above', 'see title', 'same', 'same as above', 'same as before', 'as above', 'as before', 'ditto', 'other',
                  'misc', 'miscellaneous', 'general', 'intel', 'intelligence', 'per request', 'as requested', 'by request', 'supervisor request', 'reason', 'purpose',
                  'asdf', 'qwerty', 'xxx', 'abc', 'for', 'the', 'a', 'an', 'of', 'to', 'in', 'and', 'is', 'my', 'this', 'it', 'on', 'with', 'i', 'we', 'please',
                  'our', 'by', 'as', 'at', 'or', 'be', 'are', 'was', 'from', 'that', 'these', 'has', 'have', 'need', 'needs', 'use', 'used', 'duty', 'duties', 'ongoing', 'active',
                  'current', 'open', 'criminal', 'investigations', 'investigating', 'investigate', 'matter', 'matters', 'cases', 'file', 'see', 'above', 'below', 'before',
                  'request', 'requests', 'requested', 'supervisor', 'purposes', 'reasons', 'business', 'law', 'border', 'security', 'agency', 'necessary', 'important',
                  'urgent', 'asap', 'routine', 'lawful', 'authorized', 'legitimate', 'valid', 'information', 'data', 'reads', 'plates', 'vehicles', 'queries', 'searches',
                  'follow up', 'followup', 'activity', 'activities', 'related']) AS r;

CREATE FUNCTION lpr_data.normal_reason(reason text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(lower(reason), '[^[:alnum:]]+', ' ', 'g'));
REVOKE ALL ON FUNCTION lpr_data.normal_reason(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.normal_reason(text) IS 'A reason as it is compared: lower case, single blanks instead of everything that is no letter or digit.';

CREATE FUNCTION lpr_data.without(said text, phrase text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN phrase <> '' THEN replace(replace(said, ' ' || phrase || ' ', '  '), ' ' || phrase || ' ', '  ') ELSE said END;
REVOKE ALL ON FUNCTION lpr_data.without(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.without(text, text) IS 'What is left of a text without a phrase; both as lpr_data.normal_reason() gives them, the text between blanks.';

CREATE FUNCTION lpr_data.says_nothing(said text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rest text := ' ' || coalesce(lpr_data.normal_reason(said), '') || ' ';
    empty text;
BEGIN
    -- Long phrases first, so that none hides in another.
    FOR empty IN SELECT e.reason FROM lpr_data.empty_reason AS e WHERE rest LIKE '% ' || e.reason || ' %' ORDER BY length(e.reason) DESC, e.reason
    LOOP
        rest := lpr_data.without(rest, empty);
    END LOOP;
    RETURN btrim(rest) = '';
END
$$;
REVOKE ALL ON FUNCTION lpr_data.says_nothing(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.says_nothing(text) IS 'Whether a text is made of lpr_data.empty_reason alone.';

CREATE FUNCTION lpr_data.check_reason(what text, reason text, control text, title text DEFAULT NULL, earlier text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said text := CASE WHEN char_length(reason) <= 4000 THEN lpr_data.normal_reason(reason) ELSE '' END;
    own text := ' ' || said || ' ';
    least_characters CONSTANT integer := 20;
    least_words CONSTANT integer := 4;
    before text;
    why text;
BEGIN
    IF char_length(reason) > 4000 THEN
        why := 'It has more than 4,000 characters.';
    ELSIF lpr_data.says_nothing(said) THEN
        why := 'It says nothing about this matter.';
    ELSIF char_length(said) < least_characters OR (SELECT count(DISTINCT w) FROM regexp_split_to_table(said, ' ') AS w WHERE char_length(w) > 1) < least_words THEN
        why := format('It has fewer than %s characters or four different words.', least_characters);
    ELSIF reason ~ '[[:cntrl:]]' AND reason !~ '^[^[:cntrl:]]*([\n\r\t][^[:cntrl:]]*)*$' THEN
        why := 'It holds control characters.';
    ELSE
        -- What was said before counts for nothing: what is left has to be a reason.
        FOR before IN SELECT lpr_data.normal_reason(e) FROM unnest(array_prepend(title, earlier)) AS e WHERE e IS NOT NULL ORDER BY char_length(e) DESC
        LOOP
            own := lpr_data.without(own, before);
        END LOOP;
        own := btrim(regexp_replace(own, ' +', ' ', 'g'));
        IF own <> said AND (char_length(own) < least_characters OR lpr_data.says_nothing(own)
                            OR (SELECT count(DISTINCT w) FROM regexp_split_to_table(own, ' ') AS w WHERE char_length(w) > 1) < least_words) THEN
            why := 'It is the title or an earlier reason again.';
        END IF;
    END IF;
    IF why IS NOT NULL THEN
        PERFORM lpr_data.refuse(control, 'LP043', format('the %s says nothing: %L', what, left(coalesce(reason, ''), 80)), why,
                                'Say in a sentence of your own what is to be found out, about whom or what, and why licence-plate reads are needed for it.');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_reason(text, text, text, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_reason(text, text, text, text, text[]) IS
    'Refuses a statement that says nothing, error LP043: made of lpr_data.empty_reason alone, shorter than 20 characters or four words, or that once the title and earlier ones are taken out of it. what: its name in the message.';

CREATE FUNCTION lpr_data.check_given(reason text, control text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000) IS NOT TRUE THEN
        PERFORM lpr_data.refuse(control, 'LP043', 'no reason was given', 'Every step stays on record with its reason, of at most 4,000 characters.', 'Say why, in a sentence.');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_given(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_given(text, text) IS 'Refuses a missing reason, error LP043, where whoever has to act at once need not write much.';

CREATE FUNCTION lpr.add_empty_reason(reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.empty_reason (reason) VALUES (lpr_data.normal_reason(add_empty_reason.reason)) ON CONFLICT DO NOTHING;
END;
REVOKE ALL ON FUNCTION lpr.add_empty_reason(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_empty_reason(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_empty_reason(text) IS 'Adds a word or phrase that is no reason (Q7).';

-- Requests and grants: one row from the request to the end; what was asked for never changes.

CREATE TABLE lpr_data.access (
    access_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    systems text[] COLLATE "C" NOT NULL CHECK (cardinality(systems) > 0),
    sources text[] COLLATE "C" NOT NULL CHECK (cardinality(sources) > 0),
    modes text[] COLLATE "C" NOT NULL CHECK (cardinality(modes) > 0 AND modes <@ '{plate,location,vehicle}'),
    need_to_know text NOT NULL,
    requested_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'requested' CHECK (state IN ('requested', 'approved', 'granted', 'suspended', 'revoked', 'denied', 'withdrawn')),
    granted_at timestamp with time zone,
    ends_at timestamp with time zone,
    CONSTRAINT granted_has_dates CHECK ((state IN ('granted', 'suspended', 'revoked')) = (granted_at IS NOT NULL) AND (granted_at IS NULL) = (ends_at IS NULL)),
    CONSTRAINT a_year_at_most CHECK (ends_at > granted_at AND ends_at AT TIME ZONE 'UTC' <= granted_at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_access_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.access');
CREATE INDEX access_person ON lpr_data.access (person_id);
-- A constraint and not a lock on the person: under such a lock, held in an open transaction, nobody could retire or suspend that person.
CREATE UNIQUE INDEX access_one_under_way ON lpr_data.access (person_id) WHERE state IN ('requested', 'approved');
COMMENT ON TABLE lpr_data.access IS 'Requests for access and what became of them (A1). A grant ends by the clock, after a year at the latest: nothing has to run for that.';
COMMENT ON COLUMN lpr_data.access.access_id IS 'Number of the request and of its grant.';
COMMENT ON COLUMN lpr_data.access.person_id IS 'Who is to have access.';
COMMENT ON COLUMN lpr_data.access.systems IS 'From which systems (A7).';
COMMENT ON COLUMN lpr_data.access.sources IS 'To which sources (A7, Q10).';
COMMENT ON COLUMN lpr_data.access.modes IS 'How it may be asked: plate, location, vehicle (A7, Q8).';
COMMENT ON COLUMN lpr_data.access.need_to_know IS 'Why the person needs it.';
COMMENT ON COLUMN lpr_data.access.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr_data.access.state IS 'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn. A granted one whose time is over has lapsed.';
COMMENT ON COLUMN lpr_data.access.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr_data.access.ends_at IS 'When it lapses; a year after granted_at at the latest.';

CREATE TABLE lpr_data.access_step (
    access_id bigint NOT NULL REFERENCES lpr_data.access,
    number smallint NOT NULL CHECK (number > 0),
    action text COLLATE "C" NOT NULL CHECK (action IN ('request', 'approve', 'deny', 'withdraw', 'suspend', 'resume', 'revoke')),
    step text COLLATE "C" NOT NULL CHECK (step IN ('requester', 'supervisor', 'system_owner', 'oversight')),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    PRIMARY KEY (access_id, number)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.access_step', '');
SELECT lpr_data.audit_changes_of('lpr_data.access_step');
-- By different people, none of them the requester; and each step once.
CREATE UNIQUE INDEX access_step_different_people ON lpr_data.access_step (access_id, person_id) WHERE action IN ('request', 'approve');
CREATE UNIQUE INDEX access_step_once ON lpr_data.access_step (access_id, step) WHERE action IN ('request', 'approve');
COMMENT ON TABLE lpr_data.access_step IS 'Every step of every request, only ever added to (A1).';
COMMENT ON COLUMN lpr_data.access_step.access_id IS 'The request.';
COMMENT ON COLUMN lpr_data.access_step.number IS '1, 2, 3, … of that request.';
COMMENT ON COLUMN lpr_data.access_step.action IS 'What was done.';
COMMENT ON COLUMN lpr_data.access_step.step IS 'As what: requester, supervisor, system_owner or oversight.';
COMMENT ON COLUMN lpr_data.access_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.access_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.access_step.reason IS 'Why.';

SELECT lpr_data.only_adds('lpr_data.access', 'state', 'granted_at', 'ends_at'), lpr_data.only_adds('lpr_data.access_step');

CREATE FUNCTION lpr_data.access_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (CASE OLD.state WHEN 'requested' THEN NEW.state IN ('approved', 'denied', 'withdrawn')
                           WHEN 'approved' THEN NEW.state IN ('granted', 'denied', 'withdrawn')
                           WHEN 'granted' THEN NEW.state IN ('suspended', 'revoked')
                           WHEN 'suspended' THEN NEW.state IN ('granted', 'revoked')
                           ELSE false END
            AND (OLD.state = 'approved' OR (NEW.granted_at, NEW.ends_at) IS NOT DISTINCT FROM (OLD.granted_at, OLD.ends_at))
            -- The step that moves it is on record first; a grant has both approvals.
            AND EXISTS (SELECT FROM lpr_data.access_step AS s
                        WHERE s.access_id = NEW.access_id AND s.number = (SELECT max(l.number) FROM lpr_data.access_step AS l WHERE l.access_id = NEW.access_id)
                          AND s.action = CASE NEW.state WHEN 'approved' THEN 'approve' WHEN 'denied' THEN 'deny' WHEN 'withdrawn' THEN 'withdraw' WHEN 'suspended' THEN 'suspend'
                                         WHEN 'revoked' THEN 'revoke' ELSE CASE OLD.state WHEN 'approved' THEN 'approve' ELSE 'resume' END END)
            AND (OLD.state <> 'approved' OR NEW.state <> 'granted'
                 OR (SELECT count(*) = 2 FROM lpr_data.access_step AS s WHERE s.access_id = NEW.access_id AND s.action = 'approve'))) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('%s of a grant that is %s is refused', CASE WHEN NEW.state = OLD.state THEN 'a change' ELSE 'making ' || NEW.state END, OLD.state),
            DETAIL = 'A request moves by steps that are on record; the dates of a grant never change.',
            HINT = 'Use lpr.approve(), deny(), withdraw_request(), suspend_access(), resume_access() or revoke_access().';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.access_moves() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.access_moves() IS 'Trigger of lpr_data.access: a request moves from state to state only as the workflow has it, and only after the step that is on record (A1).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.access FOR EACH ROW EXECUTE FUNCTION lpr_data.access_moves();
ALTER TABLE lpr_data.access ENABLE ALWAYS TRIGGER moves;

CREATE FUNCTION lpr_data.add_step(access_id bigint, action text, step text, person_id integer, reason text)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
    SELECT add_step.access_id, coalesce(max(s.number), 0) + 1, add_step.action, add_step.step, add_step.person_id, add_step.reason
    FROM lpr_data.access_step AS s WHERE s.access_id = add_step.access_id;
END;
REVOKE ALL ON FUNCTION lpr_data.add_step(bigint, text, text, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.add_step(bigint, text, text, integer, text) IS 'Adds a step to a request; its row is locked by the caller.';

CREATE FUNCTION lpr.request_access(systems text[], sources text[], modes text[], need_to_know text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'A1');
    unknown text;
    request bigint;
BEGIN
    SELECT format('system "%s" does not exist', s) INTO unknown FROM unnest(systems) AS s WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.system AS k WHERE k.system = s COLLATE "C");
    IF unknown IS NULL THEN
        SELECT format('source "%s" does not exist', s) INTO unknown FROM unnest(sources) AS s WHERE s IS NULL OR NOT EXISTS (SELECT FROM lpr_data.source AS k WHERE k.name = s COLLATE "C");
    END IF;
    IF unknown IS NULL THEN
        SELECT format('mode "%s" does not exist', m) INTO unknown FROM unnest(modes) AS m WHERE m IS NULL OR m NOT IN ('plate', 'location', 'vehicle');
    END IF;
    IF unknown IS NOT NULL OR (cardinality(systems) > 0 AND cardinality(sources) > 0 AND cardinality(modes) > 0) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = coalesce(unknown, 'a request names systems, sources and modes'),
            DETAIL = format('Systems: %s. Sources: %s. Modes: plate, location, vehicle.',
                            (SELECT string_agg(s.system, ', ' ORDER BY s.system) FROM lpr_data.system AS s),
                            coalesce((SELECT string_agg(s.name, ', ' ORDER BY s.name) FROM lpr_data.source AS s), 'none')),
            HINT = 'For instance lpr.request_access(''{ATS}'', ''{acme}'', ''{plate}'', ''…why you need it…'');';
    END IF;
    IF (SELECT p.supervisor_id IS NULL FROM lpr_data.person AS p WHERE p.person_id = who) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'you have no supervisor on record', 'The first approval is your supervisor''s.',
                                'Ask an administrator: SELECT lpr.change_person(…, supervisor => …).');
    END IF;
    SELECT a.access_id INTO request FROM lpr_data.access AS a WHERE a.person_id = who AND a.state IN ('requested', 'approved') LIMIT 1;
    IF FOUND THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('your request %s still waits', request), 'A person has one request under way at a time.',
                                format('SELECT lpr.withdraw_request(%s, ''…why…''); first, or wait for it.', request));
    END IF;
    PERFORM lpr_data.check_reason('need-to-know statement', need_to_know, 'A1', NULL,
                                  ARRAY(SELECT a.need_to_know FROM lpr_data.access AS a WHERE a.person_id = who AND a.state = 'denied' ORDER BY a.access_id DESC LIMIT 1));
    INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know)
    VALUES (who, ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(systems) AS s ORDER BY 1), ARRAY(SELECT DISTINCT s COLLATE "C" FROM unnest(sources) AS s ORDER BY 1),
            ARRAY(SELECT DISTINCT m COLLATE "C" FROM unnest(modes) AS m ORDER BY 1), request_access.need_to_know)
    RETURNING access_id INTO request;
    PERFORM lpr_data.add_step(request, 'request', 'requester', who, need_to_know);
    PERFORM lpr_data.post(format('request:%s:supervisor', request), p.supervisor_id, 'request_waiting', jsonb_build_object('requester', p.name))
    FROM lpr_data.person AS p WHERE p.person_id = who;
    RETURN request;
EXCEPTION WHEN unique_violation THEN
    PERFORM lpr_data.refuse('A1', 'LP034', 'your request of another session still waits', 'A person has one request under way at a time.', 'SELECT * FROM lpr.access_requests;');
END
$$;
REVOKE ALL ON FUNCTION lpr.request_access(text[], text[], text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.request_access(text[], text[], text[], text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.request_access(text[], text[], text[], text) IS
    'Asks for access (A1): to sources, from systems (ATS, AFI, IRS-NG), by modes (plate, location, vehicle: A7), with the reason why you need to know. Returns the number of the request. First your supervisor approves, then a system owner, who are different people; each may deny with a reason. What was asked for never changes: withdraw it and ask anew. Errors LP024 and LP033 (who may ask), LP034 (one waits already), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.lock_request(request bigint, who_may boolean)
    RETURNS lpr_data.access
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access;
BEGIN
    -- GRANT and REVOKE of roles wait for us, and we for them: nobody is demoted between our look and our commit.
    IF who_may THEN
        PERFORM lpr_data.check_isolation();
        LOCK TABLE pg_catalog.pg_auth_members IN SHARE MODE;
    END IF;
    SELECT * INTO a FROM lpr_data.access AS x WHERE x.access_id = request FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('request %s does not exist', coalesce(request::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.access_requests;';
    END IF;
    -- Nor are the people concerned changed: who is whose supervisor, who has left.
    IF who_may THEN
        PERFORM FROM lpr_data.person AS p WHERE p.person_id IN (a.person_id, lpr_data.me()) ORDER BY p.person_id FOR SHARE;
    END IF;
    RETURN a;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.lock_request(bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.lock_request(bigint, boolean) IS 'The request, locked until the end of the transaction. who_may: and with it who may decide about it; not for what stops access, which waits for nobody''s open transaction but one about the same grant.';

CREATE FUNCTION lpr_data.deciding_step(a lpr_data.access)
    RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    step text := CASE a.state WHEN 'requested' THEN 'supervisor' WHEN 'approved' THEN 'system_owner' END;
    who integer;
BEGIN
    IF step IS NULL THEN
        -- Who decides about nothing learns nothing of others' requests.
        IF NOT lpr_data.holds(lpr_data.me(), 'lpr_supervisor') THEN
            PERFORM lpr_data.acting('lpr_system_owner', 'A1');
        END IF;
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', a.access_id, a.state), 'Only a request that waits is approved or denied.',
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    who := lpr_data.acting('lpr_' || step, 'A1');
    IF who = a.person_id THEN
        PERFORM lpr_data.refuse('A1', 'LP033', 'nobody decides about their own request', 'Access is approved by two other people.', 'Wait for your supervisor and a system owner.');
    END IF;
    IF step = 'supervisor' AND who IS DISTINCT FROM (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('request %s is not yours to decide', a.access_id), 'The first decision is that of the requester''s own supervisor.',
                                'SELECT * FROM lpr.access_requests; shows those that wait for you.');
    END IF;
    IF EXISTS (SELECT FROM lpr_data.access_step AS s WHERE s.access_id = a.access_id AND s.person_id = who AND s.action = 'approve') THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('you have approved request %s already', a.access_id), 'The two approvals are given by different people.',
                                'Another system owner has to decide.');
    END IF;
    RETURN step;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.deciding_step(lpr_data.access) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.deciding_step(lpr_data.access) IS 'As what the caller decides about a locked request: supervisor or system_owner. Errors LP024, LP033 (not entitled to that step) and LP034 (nothing to decide).';

CREATE FUNCTION lpr.approve(request bigint, reason text, valid_for interval DEFAULT '1 year')
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request, true);
    step text := lpr_data.deciding_step(a);
    first_id integer;
    moment timestamptz := clock_timestamp();
BEGIN
    -- Compared as moments: of months and days none is longer than the other for good. What no moment can be added to is too long anyhow.
    IF (CASE WHEN valid_for BETWEEN interval '-2 years' AND interval '2 years' THEN moment + valid_for > moment AND moment + valid_for <= moment + interval '1 year' END) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A1', '22023', format('not a time of validity: %s', coalesce(valid_for::text, 'NULL')), 'A grant ends after a year at the latest.',
                                'For instance valid_for => ''6 months''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.add_step(request, 'approve', step, lpr_data.me(), reason);
    IF step = 'supervisor' THEN
        UPDATE lpr_data.access AS x SET state = 'approved' WHERE x.access_id = request;
        PERFORM lpr_data.post(format('request:%s:system_owner:%s', request, o.person_id), o.person_id, 'request_waiting', jsonb_build_object('requester', p.name))
        FROM lpr_data.person AS o CROSS JOIN lpr_data.person AS p
        WHERE p.person_id = a.person_id AND o.person_id NOT IN (a.person_id, lpr_data.me()) AND lpr_data.holds(o.person_id, 'lpr_system_owner');
        RETURN 'approved';
    END IF;
    -- Whoever approved first must still be who they were: an approval of somebody demoted since counts for nothing.
    SELECT s.person_id INTO first_id FROM lpr_data.access_step AS s WHERE s.access_id = request AND s.action = 'approve' AND s.step = 'supervisor';
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = first_id FOR SHARE;
    IF NOT lpr_data.holds(first_id, 'lpr_supervisor') OR first_id IS DISTINCT FROM (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the first approval of request %s no longer counts', request),
                                'Who gave it is no longer the requester''s supervisor, or has lost the role.', 'Deny it; the requester asks anew.');
    END IF;
    IF NOT lpr_data.holds(a.person_id, 'lpr_user') THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('the login of request %s cannot hold an entitlement', request),
                                'Only a personal login that is a member of lpr_user can.', 'Deny it.');
    END IF;
    UPDATE lpr_data.access AS x SET state = 'granted', granted_at = moment, ends_at = moment + valid_for WHERE x.access_id = request;
    PERFORM lpr_data.post(format('grant:%s', request), a.person_id, 'authorization',
                          jsonb_build_object('ends_on', to_char(moment + valid_for, 'YYYY-MM-DD'), 'systems', array_to_string(a.systems, ', '),
                                             'sources', array_to_string(a.sources, ', '), 'modes', array_to_string(a.modes, ', ')));
    RETURN 'granted';
END
$$;
REVOKE ALL ON FUNCTION lpr.approve(bigint, text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.approve(bigint, text, interval)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.approve(bigint, text, interval) IS
    'Approves a request for access (A1): first the requester''s own supervisor, then a system owner, who is somebody else. Returns its state: approved, or granted after the second. reason: why it is right. valid_for: of the second, at most a year, the default. The grant sends the mail of authorization (A2). Errors LP024 and LP033 (not entitled to that step now), LP034 (nothing to decide), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.deny(request bigint, reason text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request, true);
    step text := lpr_data.deciding_step(a);
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, 'A1');
    PERFORM lpr_data.add_step(request, 'deny', step, lpr_data.me(), reason);
    UPDATE lpr_data.access AS x SET state = 'denied' WHERE x.access_id = request;
    PERFORM lpr_data.post(format('deny:%s', request), a.person_id, 'denied');
    RETURN 'denied';
END
$$;
REVOKE ALL ON FUNCTION lpr.deny(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.deny(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.deny(bigint, text) IS 'Denies a request for access, with the reason (A1); whoever could approve it may. Errors as of lpr.approve().';

CREATE FUNCTION lpr.withdraw_request(request bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request, false);
BEGIN
    IF a.person_id IS DISTINCT FROM lpr_data.me() THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('request %s is not yours', request), 'A request is withdrawn by whoever made it.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    IF a.state NOT IN ('requested', 'approved') THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('request %s is %s already', request, a.state), 'Only a request that waits is withdrawn.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.check_given(reason, 'A1');
    PERFORM lpr_data.add_step(request, 'withdraw', 'requester', a.person_id, reason);
    UPDATE lpr_data.access AS x SET state = 'withdrawn' WHERE x.access_id = request;
END
$$;
REVOKE ALL ON FUNCTION lpr.withdraw_request(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.withdraw_request(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.withdraw_request(bigint, text) IS 'Takes back a request of one''s own that still waits (A1).';

CREATE FUNCTION lpr_data.stop_access(request bigint, action text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a lpr_data.access := lpr_data.lock_request(request, action = 'resume');
    who integer := lpr_data.me();
    step text;
BEGIN
    step := CASE WHEN lpr_data.holds(who, 'lpr_oversight') THEN 'oversight'
                 WHEN lpr_data.holds(who, 'lpr_system_owner') THEN 'system_owner'
                 WHEN lpr_data.holds(who, 'lpr_supervisor') AND action <> 'resume'
                      AND who = (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = a.person_id) THEN 'supervisor' END;
    IF step IS NULL OR who = a.person_id THEN
        PERFORM lpr_data.refuse('A1', 'LP033', format('grant %s is not yours to %s', request, action),
                                'That is done by oversight or a system owner, and but for resuming by the person''s own supervisor; never by the person.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    IF a.state <> ALL (CASE action WHEN 'suspend' THEN '{granted}' WHEN 'resume' THEN '{suspended}' ELSE '{granted,suspended}' END::text[]) THEN
        PERFORM lpr_data.refuse('A1', 'LP034', format('grant %s is %s', request, a.state), format('It cannot be %s.', CASE action WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'resumed' ELSE 'revoked' END),
                                'SELECT * FROM lpr.access_requests;');
    END IF;
    -- Whoever has to stop somebody at once writes later, but whoever lets somebody in again says why.
    IF action = 'resume' THEN
        PERFORM lpr_data.check_reason('reason', reason, 'A1');
    ELSE
        PERFORM lpr_data.check_given(reason, 'A1');
    END IF;
    PERFORM lpr_data.add_step(request, action, step, who, reason);
    UPDATE lpr_data.access AS x SET state = CASE action WHEN 'suspend' THEN 'suspended' WHEN 'resume' THEN 'granted' ELSE 'revoked' END WHERE x.access_id = request;
    IF action <> 'resume' THEN
        PERFORM lpr_data.post(format('%s:%s:%s', action, request, (SELECT max(s.number) FROM lpr_data.access_step AS s WHERE s.access_id = request)), a.person_id,
                              CASE action WHEN 'suspend' THEN 'suspended' ELSE 'revoked' END);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.stop_access(bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.stop_access(bigint, text, text) IS 'Suspends, resumes or revokes a grant.';

CREATE FUNCTION lpr.suspend_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(suspend_access.request, 'suspend', suspend_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.suspend_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.suspend_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.suspend_access(bigint, text) IS 'Stops a grant from the next query on until it is resumed (A1): by the person''s own supervisor, a system owner or oversight.';

CREATE FUNCTION lpr.resume_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(resume_access.request, 'resume', resume_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.resume_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.resume_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.resume_access(bigint, text) IS 'Lets a suspended grant count again; its end stays (A1). By a system owner or oversight.';

CREATE FUNCTION lpr.revoke_access(request bigint, reason text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.stop_access(revoke_access.request, 'revoke', revoke_access.reason);
END;
REVOKE ALL ON FUNCTION lpr.revoke_access(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.revoke_access(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.revoke_access(bigint, text) IS 'Ends a grant for good, from the next query on (A1): by the person''s own supervisor, a system owner or oversight.';

-- Once a year a government lead looks at each person anew (A4).

CREATE TABLE lpr_data.recertification (
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    lead_id integer NOT NULL REFERENCES lpr_data.person CHECK (lead_id <> person_id),
    valid_until timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (person_id, at),
    CONSTRAINT a_year_at_most CHECK (valid_until > at AND valid_until AT TIME ZONE 'UTC' <= at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.recertification', '');
SELECT lpr_data.audit_changes_of('lpr_data.recertification');
SELECT lpr_data.only_adds('lpr_data.recertification');
COMMENT ON TABLE lpr_data.recertification IS 'Yearly confirmations by a government lead that a person is still to have access (A4).';
COMMENT ON COLUMN lpr_data.recertification.person_id IS 'Who was confirmed.';
COMMENT ON COLUMN lpr_data.recertification.at IS 'When.';
COMMENT ON COLUMN lpr_data.recertification.lead_id IS 'By whom: not the person, and none who approved a grant of theirs.';
COMMENT ON COLUMN lpr_data.recertification.valid_until IS 'Until when it counts; a year at the most.';
COMMENT ON COLUMN lpr_data.recertification.reason IS 'Why.';

CREATE FUNCTION lpr_data.certified_until(person_id integer)
    RETURNS timestamp with time zone
    LANGUAGE sql STABLE
RETURN coalesce((SELECT max(r.valid_until) FROM lpr_data.recertification AS r WHERE r.person_id = certified_until.person_id),
                (SELECT min(a.granted_at) FROM lpr_data.access AS a WHERE a.person_id = certified_until.person_id) + interval '1 year');
REVOKE ALL ON FUNCTION lpr_data.certified_until(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.certified_until(integer) IS 'Until when a person''s access counts as certified (A4): the last recertification, or before the first one a year from the first grant. NULL when there never was a grant.';

CREATE FUNCTION lpr.recertify(login text, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    lead integer;
    who integer := lpr_data.person_of(login);
    moment timestamptz;
BEGIN
    PERFORM lpr_data.check_isolation();
    LOCK TABLE pg_catalog.pg_auth_members IN SHARE MODE;
    lead := lpr_data.acting('lpr_lead', 'A4');
    moment := clock_timestamp();
    IF lead = who THEN
        PERFORM lpr_data.refuse('A4', 'LP033', 'nobody recertifies themselves', 'A government lead who is somebody else does.', 'Ask another lead.');
    END IF;
    IF EXISTS (SELECT FROM lpr_data.access_step AS s JOIN lpr_data.access AS a ON a.access_id = s.access_id
               WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment AND s.action = 'approve' AND s.person_id = lead) THEN
        PERFORM lpr_data.refuse('A4', 'LP033', format('you approved the access of "%s" yourself', login), 'Recertification is by a lead who has not approved it.', 'Ask another lead.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment) THEN
        PERFORM lpr_data.refuse('A4', 'LP034', format('login "%s" has no access to recertify', login), 'A grant that has ended is requested anew.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A4');
    INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason) VALUES (who, moment, lead, moment + interval '1 year', recertify.reason);
    RETURN moment + interval '1 year';
END
$$;
REVOKE ALL ON FUNCTION lpr.recertify(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.recertify(text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.recertify(text, text) IS
    'Confirms for another year that a person is to have access (A4), by a government lead who is neither the person nor one who approved it. Returns until when it counts. Without it access stops a year after the first grant or the last recertification, by the clock. Errors LP024 and LP033 (who may), LP034 (no access), LP043 (the reason says nothing).';
-- 48-training: mandatory courses, every year (A3). A lapsed one stops the next query, in the middle of a session too.

CREATE TABLE lpr_data.course (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]' AND title !~ '[[:cntrl:]]' AND char_length(title) <= 100),
    required boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT demanded_is_required CHECK (required OR code NOT IN ('data_security', 'privacy', 'information_assurance', 'records_management'))
);
-- Not lpr_data.ships(): no row takes the place of a course that the privacy assessment demands.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.course', 'WHERE NOT shipped');
SELECT lpr_data.audit_changes_of('lpr_data.course');
SELECT lpr_data.only_adds('lpr_data.course', 'title', 'required');
COMMENT ON TABLE lpr_data.course IS 'The courses; all that are required must be current (A3).';
COMMENT ON COLUMN lpr_data.course.code IS 'Short name.';
COMMENT ON COLUMN lpr_data.course.title IS 'Title, at most 100 characters.';
COMMENT ON COLUMN lpr_data.course.required IS 'Whether a query needs it.';
COMMENT ON COLUMN lpr_data.course.shipped IS 'Whether the privacy assessment names it: such a course stays required.';
INSERT INTO lpr_data.course (code, title, shipped)
VALUES ('data_security', 'Data security', true),
       ('privacy', 'Privacy', true),
       ('information_assurance', 'Information assurance', true),
       ('records_management', 'Records management', true);

CREATE TABLE lpr_data.training (
    person_id integer NOT NULL REFERENCES lpr_data.person,
    course text COLLATE "C" NOT NULL REFERENCES lpr_data.course,
    completed_on date NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    officer_id integer NOT NULL REFERENCES lpr_data.person CHECK (officer_id <> person_id),
    recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    evidence text CHECK (char_length(evidence) <= 1000),
    PRIMARY KEY (person_id, course, completed_on),
    CONSTRAINT a_year_at_most CHECK (valid_until AT TIME ZONE 'UTC' <= completed_on + interval '1 year' AND completed_on <= (recorded_at AT TIME ZONE 'UTC')::date)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.training', '');
SELECT lpr_data.audit_changes_of('lpr_data.training');
SELECT lpr_data.only_adds('lpr_data.training');
COMMENT ON TABLE lpr_data.training IS 'Courses that were completed, as the training officer recorded them (A3).';
COMMENT ON COLUMN lpr_data.training.person_id IS 'Who completed it.';
COMMENT ON COLUMN lpr_data.training.course IS 'The course.';
COMMENT ON COLUMN lpr_data.training.completed_on IS 'When, by the calendar of UTC.';
COMMENT ON COLUMN lpr_data.training.valid_until IS 'A year later.';
COMMENT ON COLUMN lpr_data.training.officer_id IS 'Who recorded it; never oneself.';
COMMENT ON COLUMN lpr_data.training.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN lpr_data.training.evidence IS 'For instance the number of the certificate.';

CREATE FUNCTION lpr.record_training(login text, course text, completed_on date, evidence text DEFAULT NULL)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    officer integer := lpr_data.acting('lpr_training_officer', 'A3');
    who integer := lpr_data.person_of(login);
BEGIN
    IF who = officer THEN
        PERFORM lpr_data.refuse('A3', 'LP033', 'nobody records their own training', 'Completions are recorded by a training officer who is somebody else.', 'Ask another training officer.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.course AS c WHERE c.code = record_training.course COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('course "%s" does not exist', coalesce(course, 'NULL')),
            HINT = format('Courses: %s.', (SELECT string_agg(c.code, ', ' ORDER BY c.code) FROM lpr_data.course AS c));
    END IF;
    IF (completed_on <= lpr_data.utc_today() AND isfinite(completed_on)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A3', '22023', format('not a day on which a course was completed: %s', coalesce(completed_on::text, 'NULL')),
                                format('A completion is recorded once it was; by UTC it is %s.', lpr_data.utc_today()), 'Record it when the course is completed.');
    END IF;
    INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id, evidence)
    VALUES (who, record_training.course, record_training.completed_on, record_training.completed_on + interval '1 year', officer, record_training.evidence);
    RETURN record_training.completed_on + interval '1 year';
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION USING
        ERRCODE = 'unique_violation',
        MESSAGE = format('that "%s" completed %s on %s is on record already', login, course, completed_on);
END
$$;
REVOKE ALL ON FUNCTION lpr.record_training(text, text, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.record_training(text, text, date, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.record_training(text, text, date, text) IS
    'Records that a person completed a course (A3), by a training officer who is somebody else. completed_on: not later than today by UTC. evidence: for instance the number of the certificate. Returns until when it counts: a year. All required courses must be current, or the next query is refused.';

CREATE FUNCTION lpr.add_course(code text, title text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('A3');
    INSERT INTO lpr_data.course (code, title) VALUES (add_course.code, add_course.title)
    ON CONFLICT ON CONSTRAINT course_pkey DO UPDATE SET required = true, title = excluded.title WHERE NOT course.shipped;
END;
REVOKE ALL ON FUNCTION lpr.add_course(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_course(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_course(text, text) IS 'Adds a course that everybody has to have completed within a year, from the next query on (A3); one that is there becomes required again.';

CREATE FUNCTION lpr.retire_course(code text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A3');
    UPDATE lpr_data.course AS c SET required = false WHERE c.code = retire_course.code COLLATE "C" AND NOT c.shipped;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('A3', '22023', format('course "%s" does not exist, or stays required', coalesce(code, 'NULL')),
                                'Data security, privacy, information assurance and records management are demanded by the privacy assessment.',
                                'SELECT DISTINCT course, required FROM lpr.training; shows the others.');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.retire_course(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retire_course(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_course(text) IS 'A course is no longer required; those that the privacy assessment names stay (A3).';
-- 49-consent: the rules of use, and the agreement to them at each logon (A5). The agreement lives in the session's own process and nowhere else: it is bound to
-- that process, the login that connected and the version of the text, and no setting, role or rollback makes one.

CREATE TABLE lpr_data.rules (
    version integer PRIMARY KEY CHECK (version > 0),
    text text NOT NULL CHECK (text ~ '[^[:space:]]'),
    since timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    author text
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.rules', 'WHERE version > 1');
SELECT lpr_data.audit_changes_of('lpr_data.rules');
SELECT lpr_data.only_adds('lpr_data.rules');
COMMENT ON TABLE lpr_data.rules IS 'The rules of use, a row a version; the newest holds (A5).';
COMMENT ON COLUMN lpr_data.rules.version IS '1, 2, 3, …';
COMMENT ON COLUMN lpr_data.rules.text IS 'What is agreed to.';
COMMENT ON COLUMN lpr_data.rules.since IS 'From when on it holds.';
COMMENT ON COLUMN lpr_data.rules.author IS 'Login that wrote it; NULL for the one that came with lpr.';
INSERT INTO lpr_data.rules (version, text)
VALUES (1,
'RULES OF USE – commercial licence-plate-reader data

You are about to use an information system of the United States Government.

1. Permissible uses. You query this data only for an ongoing law-enforcement or border-security matter that you work on, that you name with each query, and for
   which you need to know. Typical uses: to locate a subject of a criminal investigation or a wanted person, to follow a vehicle suspected of carrying contraband,
   to find the connection between a vehicle and an address known for criminal activity. Not permitted: curiosity, anything personal, generating new leads from
   patterns without a matter, watching people for what the law protects.
2. You have no reasonable expectation of privacy. Each query, with its plate, its matter and its time, is recorded, kept, and reviewed.
3. A read locates a vehicle, not a person, and may be wrong. You take no action on it alone.
4. What you do not save for a matter with a statement of relevance is gone within 24 hours. You keep no copies elsewhere.
5. You disclose it to others only as the routine uses of its system of records allow, and on record.
6. Improper use may result in disciplinary action, up to removal, and in civil and criminal penalties.

By accepting you say that you have read and understood this, and agree to it.');

CREATE FUNCTION lpr_data.consent_code(version integer)
    RETURNS text
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_consent_code';
REVOKE ALL ON FUNCTION lpr_data.consent_code(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.consent_code(integer) IS 'A new one-time code of this session for that version of the rules.';

CREATE FUNCTION lpr_data.take_code(code text)
    RETURNS integer
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_consent_take_code';
REVOKE ALL ON FUNCTION lpr_data.take_code(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.take_code(text) IS 'The version that the code was given out for in this session, or NULL. Whatever was given out is worthless afterwards.';

CREATE FUNCTION lpr_data.agree(version integer)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_consent_agree';
REVOKE ALL ON FUNCTION lpr_data.agree(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.agree(integer) IS 'From now on this session has agreed to that version. Called by lpr.accept_rules() once that is on record.';

CREATE FUNCTION lpr_data.agreed()
    RETURNS integer
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_consent_agreed';
REVOKE ALL ON FUNCTION lpr_data.agreed() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.agreed() IS 'The version of the rules that this session has agreed to, or NULL.';

CREATE FUNCTION lpr_data.session(OUT same_user boolean, OUT client boolean, OUT secure boolean)
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_consent_session';
REVOKE ALL ON FUNCTION lpr_data.session() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.session() IS 'What the gate will be told of this session: whether its user is the login that connected, whether a client is connected that is no process of this server, and whether the connection is encrypted or local.';

CREATE FUNCTION lpr.rules(OUT version integer, OUT code text, OUT text text)
    RETURNS SETOF record
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    ROWS 1
AS $$
BEGIN
    RETURN QUERY SELECT r.version, lpr_data.consent_code(r.version), r.text FROM lpr_data.rules AS r ORDER BY r.version DESC LIMIT 1;
END
$$;
REVOKE ALL ON FUNCTION lpr.rules() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.rules() TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.rules() IS 'The rules of use as they stand, with a code, good once and in this session only, with which lpr.accept_rules(code) agrees to them (A5).';

CREATE FUNCTION lpr.accept_rules(code text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given integer := lpr_data.take_code(code);
    me record;
    elsewhere text;
BEGIN
    SELECT s.* INTO me FROM lpr_data.session() AS s;
    IF NOT me.same_user THEN
        PERFORM lpr_data.refuse('A5', 'LP021', 'the session''s user is not the login that connected', 'The rules are agreed to by the login that authenticated, as itself.',
                                'RESET SESSION AUTHORIZATION; or connect as yourself.');
    END IF;
    IF NOT me.client THEN
        PERFORM lpr_data.refuse('A5', 'LP029', 'nobody is connected who could agree', 'The rules are agreed to by a person at a client, not by a job or another session of this server.',
                                'Connect with a client of your own.');
    END IF;
    IF given IS NULL THEN
        PERFORM lpr_data.refuse('A5', 'LP028', 'that code is not the one of these rules', 'A code is good once, in the session that lpr.rules() gave it to.', 'SELECT * FROM lpr.rules();');
    END IF;
    IF given <> (SELECT max(r.version) FROM lpr_data.rules AS r) THEN
        PERFORM lpr_data.refuse('A5', 'LP028', 'the rules have changed since you were shown them', 'What is agreed to is the version that holds now.', 'SELECT * FROM lpr.rules();');
    END IF;
    PERFORM lpr_data.audit_record('consent', 'A5', NULL, format('agreed to version %s of the rules', given));
    PERFORM lpr_data.agree(given);
    -- A login is one person's, who is in one place (A1).
    SELECT string_agg(DISTINCT coalesce(host(s.client_addr), 'local'), ', ') INTO elsewhere
    FROM pg_stat_activity AS s
    WHERE s.usename = lpr.login() AND s.pid <> pg_backend_pid() AND s.backend_type = 'client backend'
      AND s.client_addr IS DISTINCT FROM (SELECT o.client_addr FROM pg_stat_activity AS o WHERE o.pid = pg_backend_pid());
    IF elsewhere IS NOT NULL THEN
        PERFORM lpr_data.audit_record('flag', 'A1', NULL, format('login "%s" is also connected from %s', lpr.login(), elsewhere));
    END IF;
    RETURN format('You have agreed to version %s of the rules, until this session ends.', given);
END
$$;
REVOKE ALL ON FUNCTION lpr.accept_rules(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.accept_rules(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.accept_rules(text) IS
    'Agrees to the rules of use, with the code that lpr.rules() showed (A5). It holds for this session, this login and this version of the text, and ends with DISCARD, a change of session authorization, or a new version. On record before it counts. A second session of the login from another address is flagged there (A1). Errors LP028 (not the code, or the rules have changed), LP029 (no client), LP021.';

CREATE FUNCTION lpr.set_rules(text text)
    RETURNS integer
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('A5', 'lpr_privacy');
    INSERT INTO lpr_data.rules (version, text, author) SELECT max(r.version) + 1, set_rules.text, lpr.login() FROM lpr_data.rules AS r RETURNING version;
END;
REVOKE ALL ON FUNCTION lpr.set_rules(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_rules(text) TO lpr_privacy;
COMMENT ON FUNCTION lpr.set_rules(text) IS 'A new version of the rules of use; returns its number. Everybody has to agree anew before the next query (A5).';
-- 55-event: what a question is for (Q7, E1, E4): events, who works on them, and the purposes and authorities they rest on.

CREATE TABLE lpr_data.purpose (
    purpose text COLLATE "C" PRIMARY KEY CHECK (purpose ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.purpose', 'purpose');
SELECT lpr_data.audit_changes_of('lpr_data.purpose');
COMMENT ON TABLE lpr_data.purpose IS 'The purposes that the privacy assessment names, and what an administrator added (Q7).';
COMMENT ON COLUMN lpr_data.purpose.purpose IS 'Code.';
COMMENT ON COLUMN lpr_data.purpose.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.purpose.active IS 'Whether a new event may rest on it.';
COMMENT ON COLUMN lpr_data.purpose.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.purpose (purpose, title, shipped)
VALUES ('locate_subject', 'Locate the subject of a criminal investigation', true),
       ('wanted_person', 'Locate a wanted person', true),
       ('illegal_entry', 'Locate a person who entered the United States illegally', true),
       ('immigration_target', 'Locate an at-large criminal alien or immigration fugitive', true),
       ('contraband', 'Follow a vehicle suspected of carrying contraband, such as smuggled goods', true),
       ('suspect', 'Identify a suspect in an investigation, or rule one out', true),
       ('known_address', 'Connection between a vehicle and an address known for criminal activity', true),
       ('border_crossing', 'Person or vehicle that may need additional scrutiny when crossing the border', true),
       ('terrorism', 'Identify and locate a suspect involved in terrorist activities', true);

CREATE TABLE lpr_data.authority (
    authority text COLLATE "C" PRIMARY KEY CHECK (authority ~ '^[a-z][a-z0-9_]{0,39}$'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]'),
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.authority', 'authority');
SELECT lpr_data.audit_changes_of('lpr_data.authority');
COMMENT ON TABLE lpr_data.authority IS 'The legal authorities that the privacy assessment names, and what an administrator added (Q7).';
COMMENT ON COLUMN lpr_data.authority.authority IS 'Code.';
COMMENT ON COLUMN lpr_data.authority.citation IS 'The law.';
COMMENT ON COLUMN lpr_data.authority.active IS 'Whether a new event may rest on it.';
COMMENT ON COLUMN lpr_data.authority.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.authority (authority, citation, shipped)
VALUES ('tariff_act', 'Tariff Act of 1930, as amended', true),
       ('ina', 'Immigration and Nationality Act', true),
       ('title_18', 'Title 18, United States Code', true),
       ('title_19', 'Title 19, United States Code', true),
       ('title_21', 'Title 21, United States Code', true),
       ('title_31', 'Title 31, United States Code', true);

CREATE TABLE lpr_data.event (
    event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system text COLLATE "C" NOT NULL REFERENCES lpr_data.system,
    title text NOT NULL CHECK (char_length(btrim(title)) BETWEEN 3 AND 200 AND title !~ '[[:cntrl:]]'),
    purpose text COLLATE "C" NOT NULL REFERENCES lpr_data.purpose,
    authority text COLLATE "C" NOT NULL REFERENCES lpr_data.authority,
    matter_reference text NOT NULL CHECK (char_length(btrim(matter_reference)) BETWEEN 3 AND 100 AND matter_reference !~ '[[:cntrl:]]'),
    reason text NOT NULL,
    opened_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    ends_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    outcome text CHECK (char_length(outcome) BETWEEN 3 AND 4000),
    CONSTRAINT ends_after_it_opens CHECK (ends_at > opened_at),
    CONSTRAINT closed_with_outcome CHECK ((closed_at IS NULL) = (outcome IS NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_event_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.event');
SELECT lpr_data.only_adds('lpr_data.event', 'ends_at', 'closed_at', 'outcome');

CREATE FUNCTION lpr_data.event_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL OR NEW.ends_at < OLD.ends_at OR (NEW.ends_at > OLD.ends_at AND NEW.ends_at > clock_timestamp() + interval '1 year') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of event %s is refused', OLD.event_id),
            DETAIL = 'A closed event stays as it is; an open one is extended, to at most a year from now.',
            HINT = 'Use lpr.extend_event() or lpr.close_event().';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.event_moves() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.event_moves() IS 'Trigger of lpr_data.event: what is closed stays closed, and no end comes to lie more than a year ahead (Q7).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.event FOR EACH ROW EXECUTE FUNCTION lpr_data.event_moves();
ALTER TABLE lpr_data.event ENABLE ALWAYS TRIGGER moves;
COMMENT ON TABLE lpr_data.event IS 'The ongoing enforcement or border-security matters that questions are asked for (Q7); a research project of AFI and a workspace of IRS-NG is one as well.';
COMMENT ON COLUMN lpr_data.event.event_id IS 'Number, as lpr.reads.event_id has it.';
COMMENT ON COLUMN lpr_data.event.system IS 'The system that it belongs to (A7).';
COMMENT ON COLUMN lpr_data.event.title IS 'Title, 3 to 200 characters.';
COMMENT ON COLUMN lpr_data.event.purpose IS 'Purpose.';
COMMENT ON COLUMN lpr_data.event.authority IS 'Legal authority.';
COMMENT ON COLUMN lpr_data.event.matter_reference IS 'Number of the matter in the system where it is led, 3 to 100 characters.';
COMMENT ON COLUMN lpr_data.event.reason IS 'Why reads are needed for it.';
COMMENT ON COLUMN lpr_data.event.opened_at IS 'When it was opened.';
COMMENT ON COLUMN lpr_data.event.ends_at IS 'Until when it may be asked for; lpr.extend_event() extends it, by a year at a time at the most.';
COMMENT ON COLUMN lpr_data.event.closed_at IS 'When it was closed.';
COMMENT ON COLUMN lpr_data.event.outcome IS 'How it ended.';

CREATE TABLE lpr_data.event_member (
    event_id bigint NOT NULL REFERENCES lpr_data.event,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    owner boolean NOT NULL DEFAULT false,
    added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    added_by integer NOT NULL REFERENCES lpr_data.person,
    PRIMARY KEY (person_id, event_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_member', '');
SELECT lpr_data.audit_changes_of('lpr_data.event_member');
CREATE INDEX event_member_event ON lpr_data.event_member (event_id, person_id); -- both: policies look no further than the index
CREATE UNIQUE INDEX event_member_owner ON lpr_data.event_member (event_id) WHERE owner;
COMMENT ON TABLE lpr_data.event_member IS 'Who works on an event: its owner, and those whom the owner added (E4).';
COMMENT ON COLUMN lpr_data.event_member.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.event_member.person_id IS 'The person.';
COMMENT ON COLUMN lpr_data.event_member.owner IS 'Whether the event is theirs.';
COMMENT ON COLUMN lpr_data.event_member.added_at IS 'Since when.';
COMMENT ON COLUMN lpr_data.event_member.added_by IS 'By whom.';

CREATE TABLE lpr_data.event_extension (
    event_id bigint NOT NULL REFERENCES lpr_data.event,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    ends_at timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (event_id, at),
    CONSTRAINT a_year_at_most CHECK (ends_at > at AND ends_at AT TIME ZONE 'UTC' <= at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_extension', '');
SELECT lpr_data.audit_changes_of('lpr_data.event_extension');
SELECT lpr_data.only_adds('lpr_data.event_extension');
COMMENT ON TABLE lpr_data.event_extension IS 'How events were extended, and why (Q7).';
COMMENT ON COLUMN lpr_data.event_extension.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.event_extension.at IS 'When.';
COMMENT ON COLUMN lpr_data.event_extension.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.event_extension.ends_at IS 'Until when.';
COMMENT ON COLUMN lpr_data.event_extension.reason IS 'Why the matter goes on.';

-- Questions without a plate stay within limits (Q8), and nobody asks without measure. Rows, under bounds that no row can pass.

CREATE TABLE lpr_data.search_limit (
    mode text COLLATE "C" PRIMARY KEY CHECK (mode IN ('location', 'vehicle')),
    radius_m double precision CHECK (radius_m BETWEEN 1 AND 500000),
    address_length integer NOT NULL CHECK (address_length BETWEEN 3 AND 200),
    span interval NOT NULL CHECK (span > '0' AND span <= '5 years'),
    reads integer NOT NULL CHECK (reads BETWEEN 1 AND 1000000),
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT place_has_area CHECK (mode = 'vehicle' OR radius_m IS NOT NULL)
);
SELECT lpr_data.ships('lpr_data.search_limit', 'mode');
SELECT lpr_data.audit_changes_of('lpr_data.search_limit');
COMMENT ON TABLE lpr_data.search_limit IS 'How far a question without a plate may reach: area, time and reads (Q8).';
COMMENT ON COLUMN lpr_data.search_limit.mode IS 'location or vehicle.';
COMMENT ON COLUMN lpr_data.search_limit.radius_m IS 'Of the area in metres, at most 500,000. NULL, for vehicle only: the whole country; else a vehicle is asked for within a place.';
COMMENT ON COLUMN lpr_data.search_limit.address_length IS 'Characters that an address without a point must have, so that it names a place and not every street.';
COMMENT ON COLUMN lpr_data.search_limit.span IS 'From the oldest to the newest moment asked for, at most five years.';
COMMENT ON COLUMN lpr_data.search_limit.reads IS 'Reads that a source may show for one question, at most 1,000,000; more are cut, which is told.';
COMMENT ON COLUMN lpr_data.search_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.search_limit (mode, radius_m, address_length, span, reads, shipped)
VALUES ('location', 50000, 8, '90 days', 10000, true),
       ('vehicle', NULL, 8, '30 days', 10000, true);

CREATE TABLE lpr_data.rate_limit (
    name text COLLATE "C" PRIMARY KEY,
    scope text COLLATE "C" NOT NULL CHECK (scope IN ('person', 'event')),
    per text COLLATE "C" NOT NULL CHECK (per IN ('hour', 'day')),
    questions integer NOT NULL CHECK (questions BETWEEN 1 AND 1000000),
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT named_by_what_it_limits CHECK (name = scope || '_' || per)
);
SELECT lpr_data.ships('lpr_data.rate_limit', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.rate_limit');
COMMENT ON TABLE lpr_data.rate_limit IS 'How many questions to sources a person may ask, and may be asked for an event, within the last hour and day (Q8).';
COMMENT ON COLUMN lpr_data.rate_limit.name IS 'Scope and time together.';
COMMENT ON COLUMN lpr_data.rate_limit.scope IS 'person or event.';
COMMENT ON COLUMN lpr_data.rate_limit.per IS 'hour or day.';
COMMENT ON COLUMN lpr_data.rate_limit.questions IS 'At most, 1 to 1,000,000; each source asked counts.';
COMMENT ON COLUMN lpr_data.rate_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.rate_limit (name, scope, per, questions, shipped)
VALUES ('person_hour', 'person', 'hour', 1000, true),
       ('person_day', 'person', 'day', 5000, true),
       ('event_hour', 'event', 'hour', 2000, true),
       ('event_day', 'event', 'day', 10000, true);

CREATE FUNCTION lpr.set_search_limit(mode text, radius_m double precision, span interval, reads integer, address_length integer DEFAULT 8)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q8');
    INSERT INTO lpr_data.search_limit (mode, radius_m, address_length, span, reads)
    VALUES (set_search_limit.mode, set_search_limit.radius_m, set_search_limit.address_length, set_search_limit.span, set_search_limit.reads)
    ON CONFLICT ON CONSTRAINT search_limit_pkey DO UPDATE
    SET radius_m = excluded.radius_m, address_length = excluded.address_length, span = excluded.span, reads = excluded.reads, shipped = false;
END;
REVOKE ALL ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer) IS
    'How far a question without a plate may reach (Q8), from the next one on. mode: location or vehicle. radius_m: metres, at most 500,000; NULL, for vehicle only, is the whole country. span: at most five years. reads: of one source and question, at most 1,000,000. address_length: characters that an address without a point must have.';

CREATE FUNCTION lpr.set_rate_limit(scope text, per text, questions integer)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q8');
    INSERT INTO lpr_data.rate_limit (name, scope, per, questions)
    VALUES (set_rate_limit.scope || '_' || set_rate_limit.per, set_rate_limit.scope, set_rate_limit.per, set_rate_limit.questions)
    ON CONFLICT ON CONSTRAINT rate_limit_pkey DO UPDATE SET questions = excluded.questions, shipped = false;
END;
REVOKE ALL ON FUNCTION lpr.set_rate_limit(text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_rate_limit(text, text, integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_rate_limit(text, text, integer) IS 'How many questions a person or event (scope) may ask per hour or day, 1 to 1,000,000, from the next one on (Q8).';

CREATE FUNCTION lpr_data.is_entitled(person_id integer, system text)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.access AS a
               WHERE a.person_id = is_entitled.person_id AND a.state = 'granted' AND a.granted_at <= clock_timestamp() AND a.ends_at > clock_timestamp() AND is_entitled.system COLLATE "C" = ANY (a.systems));
REVOKE ALL ON FUNCTION lpr_data.is_entitled(integer, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.is_entitled(integer, text) IS 'Whether a person has a grant for a system just now.';

CREATE FUNCTION lpr.open_event(
    title text,
    purpose text,
    authority text,
    matter_reference text,
    reason text,
    system text DEFAULT 'ATS',
    until timestamp with time zone DEFAULT NULL
)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'Q7');
    moment timestamptz := clock_timestamp();
    opened bigint;
BEGIN
    IF NOT lpr_data.is_entitled(who, system) THEN
        PERFORM lpr_data.refuse('A7', 'LP025', format('you have no access for system "%s"', coalesce(system, 'NULL')), 'An event is opened in a system that one has access for.',
                                'SELECT * FROM lpr.my_access; shows what you have.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.purpose AS p WHERE p.purpose = open_event.purpose COLLATE "C" AND p.active) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('purpose "%s" does not exist', coalesce(purpose, 'NULL')),
            HINT = 'SELECT * FROM lpr.purposes;';
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.authority AS a WHERE a.authority = open_event.authority COLLATE "C" AND a.active) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('authority "%s" does not exist', coalesce(authority, 'NULL')),
            HINT = 'SELECT * FROM lpr.authorities;';
    END IF;
    until := coalesce(until, moment + interval '90 days');
    IF (until > moment AND until <= moment + interval '1 year') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023', format('not a day on which an event ends: %s', until), 'An event runs for at most a year, and can be extended.',
                                'For instance until => now() + interval ''6 months''.');
    END IF;
    IF (char_length(btrim(title)) BETWEEN 3 AND 200 AND char_length(btrim(matter_reference)) BETWEEN 3 AND 100 AND title !~ '[[:cntrl:]]' AND matter_reference !~ '[[:cntrl:]]') IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'an event has a title and the reference of its matter',
            DETAIL = 'A title has 3 to 200 characters, a reference 3 to 100; neither holds control characters.',
            HINT = 'For instance title => ''Contraband through Otay Mesa'', matter_reference => ''SD-2026-00417''.';
    END IF;
    IF lpr_data.says_nothing(title) OR lpr_data.says_nothing(matter_reference) THEN
        PERFORM lpr_data.refuse('Q7', 'LP043', format('the %s says nothing: %L', CASE WHEN lpr_data.says_nothing(title) THEN 'title' ELSE 'matter reference' END,
                                                      CASE WHEN lpr_data.says_nothing(title) THEN title ELSE matter_reference END),
                                'An event is of one matter, which its title tells and its reference finds.', 'Name the matter, and its number in the system where it is led.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q7', title,
                                  ARRAY(SELECT e.reason FROM lpr_data.event AS e JOIN lpr_data.event_member AS m ON m.event_id = e.event_id
                                        WHERE m.person_id = who AND m.owner ORDER BY e.event_id DESC LIMIT 20));
    INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, opened_at, ends_at)
    VALUES (open_event.system, btrim(open_event.title), open_event.purpose, open_event.authority, btrim(open_event.matter_reference), open_event.reason, moment, open_event.until)
    RETURNING event_id INTO opened;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (opened, who, true, who);
    RETURN opened;
END
$$;
REVOKE ALL ON FUNCTION lpr.open_event(text, text, text, text, text, text, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.open_event(text, text, text, text, text, text, timestamptz)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.open_event(text, text, text, text, text, text, timestamptz) IS
    'Opens an event, the ongoing matter that questions are asked for (Q7, E1), and returns its number; it counts once it is committed. title: 3 to 200 characters. purpose: one of lpr.purposes. authority: one of lpr.authorities. matter_reference: its number in the system where it is led. reason: why reads are needed, in a sentence of its own. system: ATS, AFI or IRS-NG; you need access for it. until: when it ends, at most a year, by default 90 days. Errors LP024 and LP033 (who may), LP025 (no access), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.own_event(event bigint, what text)
    RETURNS lpr_data.event
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event;
BEGIN
    SELECT x.* INTO e FROM lpr_data.event AS x
    WHERE x.event_id = own_event.event AND EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = x.event_id AND m.person_id = lpr_data.me() AND m.owner)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('event %s is not yours', coalesce(event::text, 'NULL')), format('Only the owner of an event %s.', what), 'SELECT * FROM lpr.events;');
    END IF;
    IF e.closed_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('Q7', 'LP042', format('event %s is closed', event), 'A closed event stays as it is.', 'SELECT lpr.open_event(…); opens another one.');
    END IF;
    RETURN e;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.own_event(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.own_event(bigint, text) IS 'An open event of the caller, locked. Errors LP041 (not the owner) and LP042 (closed).';

CREATE FUNCTION lpr_data.check_entitled(e lpr_data.event)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Who has lost the access may still close an event, but not keep it going.
    IF NOT lpr_data.is_entitled(lpr_data.acting('lpr_user', 'Q7'), e.system) THEN
        PERFORM lpr_data.refuse('A7', 'LP025', format('you have no access for system "%s"', e.system), 'An event is kept going by an owner who has access for its system.',
                                'SELECT * FROM lpr.my_access; shows what you have.');
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_entitled(lpr_data.event) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_entitled(lpr_data.event) IS 'Refuses an owner who has no access for the system of the event just now, error LP025.';

CREATE FUNCTION lpr.add_member(event bigint, login text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event := lpr_data.own_event(event, 'adds people');
    who integer := lpr_data.person_of(login);
BEGIN
    PERFORM lpr_data.check_entitled(e);
    IF NOT lpr_data.is_entitled(who, e.system) THEN
        PERFORM lpr_data.refuse('E4', 'LP025', format('login "%s" has no access for system "%s"', login, e.system), 'Who works on an event has access for its system.',
                                'They request it with lpr.request_access(…).');
    END IF;
    INSERT INTO lpr_data.event_member (event_id, person_id, added_by) VALUES (event, who, lpr_data.me()) ON CONFLICT DO NOTHING;
END
$$;
REVOKE ALL ON FUNCTION lpr.add_member(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_member(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.add_member(bigint, text) IS 'The owner of an event lets somebody work on it and see it (E4). Errors LP041 (not the owner), LP042 (closed), LP025 (that person has no access for its system).';

CREATE FUNCTION lpr.remove_member(event bigint, login text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.own_event(event, 'removes people');
    DELETE FROM lpr_data.event_member AS m USING lpr_data.person AS p
    WHERE p.login = remove_member.login COLLATE "C" AND m.person_id = p.person_id AND m.event_id = remove_member.event AND NOT m.owner;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('login "%s" is no member of event %s whom you could remove', coalesce(login, 'NULL'), event),
            HINT = 'SELECT * FROM lpr.event_members;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.remove_member(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.remove_member(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.remove_member(bigint, text) IS 'The owner of an event takes somebody off it, from the next query on (E4).';

CREATE FUNCTION lpr.extend_event(event bigint, until timestamp with time zone, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    e lpr_data.event := lpr_data.own_event(event, 'extends it');
    moment timestamptz := clock_timestamp();
BEGIN
    PERFORM lpr_data.check_entitled(e);
    IF (until > e.ends_at AND until <= moment + interval '1 year') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023', format('not a day to which event %s can be extended: %s', event, coalesce(until::text, 'NULL')),
                                format('It ends on %s, and can be extended to a year from now.', e.ends_at), 'For instance until => now() + interval ''6 months''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q7', e.title,
                                  e.reason || ARRAY(SELECT x.reason FROM lpr_data.event_extension AS x WHERE x.event_id = event ORDER BY x.at DESC LIMIT 20));
    UPDATE lpr_data.event AS x SET ends_at = extend_event.until WHERE x.event_id = event;
    INSERT INTO lpr_data.event_extension (event_id, at, person_id, ends_at, reason) VALUES (event, moment, lpr_data.me(), extend_event.until, extend_event.reason);
END
$$;
REVOKE ALL ON FUNCTION lpr.extend_event(bigint, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.extend_event(bigint, timestamptz, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.extend_event(bigint, timestamptz, text) IS 'The owner of an event extends it, to at most a year from now, and says why the matter goes on (Q7). Errors LP041, LP042, LP043.';

CREATE FUNCTION lpr.close_event(event bigint, outcome text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.own_event(event, 'closes it');
    IF char_length(btrim(outcome)) BETWEEN 3 AND 4000 IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q7', '22023', format('event %s is not closed without an outcome', event), 'An outcome has 3 to 4,000 characters.',
                                'For instance outcome => ''vehicle found, suspect arrested''.');
    END IF;
    UPDATE lpr_data.event AS x SET closed_at = clock_timestamp(), outcome = btrim(close_event.outcome) WHERE x.event_id = event;
END
$$;
REVOKE ALL ON FUNCTION lpr.close_event(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.close_event(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.close_event(bigint, text) IS 'The owner of an event closes it for good, with its outcome: nothing is asked for it any more (Q7). Errors LP041, LP042.';

CREATE FUNCTION lpr_data.set_work(event bigint)
    RETURNS void
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_purpose_set';
REVOKE ALL ON FUNCTION lpr_data.set_work(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.set_work(bigint) IS 'The event that questions of this session are for which name none; NULL = none.';

CREATE FUNCTION lpr.work_on(event bigint)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF event IS NOT NULL AND NOT EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = work_on.event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.refuse('Q7', 'LP041', format('event %s is not yours', event), 'One works on events of one''s own, or to which one was added.', 'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.set_work(event);
    RETURN event;
END
$$;
REVOKE ALL ON FUNCTION lpr.work_on(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.work_on(bigint)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.work_on(bigint) IS 'From now on the questions of this session are asked for this event, unless WHERE names another one by event_id (Q7). NULL: for none. Whether it is open is judged at each question. Error LP041.';

CREATE FUNCTION lpr.add_purpose(purpose text, title text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.purpose (purpose, title) VALUES (add_purpose.purpose, add_purpose.title)
    ON CONFLICT ON CONSTRAINT purpose_pkey DO UPDATE SET title = excluded.title, active = true, shipped = false;
END;
REVOKE ALL ON FUNCTION lpr.add_purpose(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_purpose(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_purpose(text, text) IS 'Adds a purpose that events may have, or changes its title, or takes it up again (Q7).';

CREATE FUNCTION lpr.retire_purpose(purpose text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q7');
    UPDATE lpr_data.purpose AS p SET active = false, shipped = false WHERE p.purpose = retire_purpose.purpose COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('purpose "%s" does not exist', coalesce(purpose, 'NULL')),
            HINT = 'SELECT * FROM lpr.purposes;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.retire_purpose(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retire_purpose(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_purpose(text) IS 'No new event has this purpose; those that have it go on (Q7).';

CREATE FUNCTION lpr.add_authority(authority text, citation text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q7');
    INSERT INTO lpr_data.authority (authority, citation) VALUES (add_authority.authority, add_authority.citation)
    ON CONFLICT ON CONSTRAINT authority_pkey DO UPDATE SET citation = excluded.citation, active = true, shipped = false;
END;
REVOKE ALL ON FUNCTION lpr.add_authority(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_authority(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_authority(text, text) IS 'Adds a legal authority that events may rest on, or changes its citation, or takes it up again (Q7).';

CREATE FUNCTION lpr.retire_authority(authority text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q7');
    UPDATE lpr_data.authority AS a SET active = false, shipped = false WHERE a.authority = retire_authority.authority COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('authority "%s" does not exist', coalesce(authority, 'NULL')),
            HINT = 'SELECT * FROM lpr.authorities;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.retire_authority(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retire_authority(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_authority(text) IS 'No new event rests on this authority; those that do go on (Q7).';
-- 56-cache: answers that need not be asked again for some hours (C1 to C4). Tables by the hour of expiry, unlogged, dropped as files.
--
-- The library writes and reads them past the executor, so that no lock outlives a page: a reader's open transaction holds no purge back.

CREATE TABLE lpr_data.cache_time (
    name text COLLATE "C" PRIMARY KEY DEFAULT 'cache' CHECK (name = 'cache'),
    keep interval NOT NULL CHECK (keep >= '4 hours' AND keep <= '24 hours'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.cache_time', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.cache_time');
COMMENT ON TABLE lpr_data.cache_time IS 'How long an answer is kept that nobody saved: one row (C1).';
COMMENT ON COLUMN lpr_data.cache_time.name IS 'cache.';
COMMENT ON COLUMN lpr_data.cache_time.keep IS '4 to 24 hours; to the full hour, never past 24 hours.';
COMMENT ON COLUMN lpr_data.cache_time.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.cache_time (keep, shipped) VALUES ('12 hours', true);

CREATE FUNCTION lpr.set_cache_time(keep interval)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.cache_time (keep) VALUES (set_cache_time.keep)
    ON CONFLICT ON CONSTRAINT cache_time_pkey DO UPDATE SET keep = excluded.keep, shipped = false;
END;
REVOKE ALL ON FUNCTION lpr.set_cache_time(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_cache_time(interval) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_cache_time(interval) IS 'How long answers are kept from the next one on, 4 to 24 hours (C1).';

CREATE FUNCTION lpr_data.cache_expiry(fetched_at timestamp with time zone, keep interval)
    RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN -- full hours of UTC: up, unless that were past 24 hours
    least(date_bin('1 hour', fetched_at + keep + interval '59 minutes 59.999999 seconds', timestamptz '2000-01-01 00:00+00'),
          date_bin('1 hour', fetched_at + interval '24 hours', timestamptz '2000-01-01 00:00+00'));
REVOKE ALL ON FUNCTION lpr_data.cache_expiry(timestamptz, interval) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.cache_expiry(timestamptz, interval) IS 'When an answer expires: at a full hour, at least 4 and at most 24 hours after it was fetched (C1).';

CREATE UNLOGGED TABLE lpr_data.cache_answer (
    expires_at timestamp with time zone NOT NULL,
    key bytea,
    ask bigint NOT NULL,
    answer bigint NOT NULL,
    login text COLLATE "C" NOT NULL,
    event_id bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    complete boolean NOT NULL,
    sorted smallint NOT NULL,
    matched smallint NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    open_until boolean NOT NULL,
    fetched_at timestamp with time zone NOT NULL,
    reads bigint NOT NULL,
    blocks integer[] NOT NULL
) PARTITION BY RANGE (expires_at);
COMMENT ON TABLE lpr_data.cache_answer IS 'Answers that are kept, and to whom for what they were shown: a row an answer to a question (C1). Unlogged, a partition an hour of expiry.';
COMMENT ON COLUMN lpr_data.cache_answer.expires_at IS 'From then on it is not shown, and its table is dropped.';
COMMENT ON COLUMN lpr_data.cache_answer.key IS 'SHA-256 of source, mapping and question, but for the time asked; NULL: not to be found by other questions.';
COMMENT ON COLUMN lpr_data.cache_answer.ask IS 'Number of the question''s record in the audit log.';
COMMENT ON COLUMN lpr_data.cache_answer.answer IS 'Number of the question that fetched its reads.';
COMMENT ON COLUMN lpr_data.cache_answer.login IS 'Who was shown it.';
COMMENT ON COLUMN lpr_data.cache_answer.event_id IS 'For what.';
COMMENT ON COLUMN lpr_data.cache_answer.source IS 'The vendor.';
COMMENT ON COLUMN lpr_data.cache_answer.complete IS 'Whether all pages were taken; only such an answer is shown again.';
COMMENT ON COLUMN lpr_data.cache_answer.sorted IS '0 = in no order, 1 = newest first, 2 = oldest first.';
COMMENT ON COLUMN lpr_data.cache_answer.matched IS '0 = not asked by plate, 1 = by plate, 2 = by plate and region.';
COMMENT ON COLUMN lpr_data.cache_answer.since IS 'Oldest moment asked for.';
COMMENT ON COLUMN lpr_data.cache_answer.until IS 'Newest moment asked for.';
COMMENT ON COLUMN lpr_data.cache_answer.open_until IS 'Whether it was asked up to now.';
COMMENT ON COLUMN lpr_data.cache_answer.fetched_at IS 'When the vendor handed over the first of it.';
COMMENT ON COLUMN lpr_data.cache_answer.reads IS 'How many reads.';
COMMENT ON COLUMN lpr_data.cache_answer.blocks IS 'Where they are in the table of reads: first block and number of blocks, pair by pair.';

CREATE UNLOGGED TABLE lpr_data.cache_read (
    expires_at timestamp with time zone NOT NULL,
    answer bigint NOT NULL,
    captured_at timestamp with time zone NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    confidence double precision,
    read_id text NOT NULL,
    plate text NOT NULL,
    plate_as_read text,
    plate_region text,
    country text,
    address text,
    camera_id text,
    camera_owner text,
    camera_type text,
    camera_region text,
    make text,
    model text,
    color text,
    plate_image text,
    vehicle_image text
) PARTITION BY RANGE (expires_at);
DO $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT a.attrelid::pg_catalog.regclass AS parent, a.attname, a.attstorage FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid IN ('lpr_data.cache_read'::pg_catalog.regclass, 'lpr_data.cache_answer'::pg_catalog.regclass) AND a.attnum > 0
    LOOP
        -- A row lies within one page: no table beside it, no compression.
        IF part.attstorage <> 'p' THEN
            EXECUTE pg_catalog.format('ALTER TABLE %s ALTER %I SET STORAGE PLAIN', part.parent, part.attname);
        END IF;
        -- ANALYZE of a parent samples its partitions, and writes what it finds into a logged catalogue.
        EXECUTE pg_catalog.format('ALTER TABLE %s ALTER %I SET STATISTICS 0', part.parent, part.attname);
    END LOOP;
END
$$;
COMMENT ON TABLE lpr_data.cache_read IS 'The reads of answers that are kept, as the vendor told them and the filter let them through (C1). Unlogged, a partition an hour of expiry.';
COMMENT ON COLUMN lpr_data.cache_read.expires_at IS 'From then on it is not shown, and its table is dropped.';
COMMENT ON COLUMN lpr_data.cache_read.answer IS 'Number of the question that fetched it.';
COMMENT ON COLUMN lpr_data.cache_read.captured_at IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.latitude IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.longitude IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.confidence IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.read_id IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.plate IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.plate_as_read IS 'As in lpr.reads; empty: the same as plate.';
COMMENT ON COLUMN lpr_data.cache_read.plate_region IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.country IS 'Of the camera, as the vendor told it.';
COMMENT ON COLUMN lpr_data.cache_read.address IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.camera_id IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.camera_owner IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.camera_type IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.cache_read.camera_region IS 'Of the camera, as the vendor told it.';
COMMENT ON COLUMN lpr_data.cache_read.make IS 'As the vendor told it.';
COMMENT ON COLUMN lpr_data.cache_read.model IS 'As the vendor told it.';
COMMENT ON COLUMN lpr_data.cache_read.color IS 'As the vendor told it.';
COMMENT ON COLUMN lpr_data.cache_read.plate_image IS 'URL of the image.';
COMMENT ON COLUMN lpr_data.cache_read.vehicle_image IS 'URL of the image: two hexadecimal digits of how much it begins like that of the plate, and the rest.';

CREATE FUNCTION lpr_data.add_cache_hour(hour timestamp with time zone)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
    SET timezone = 'UTC'
AS $$
DECLARE
    kind text;
    leaf text;
    settings text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['cache_read', 'cache_answer']
    LOOP
        leaf := kind || to_char(hour, '_YYYYMMDDHH24');
        CONTINUE WHEN to_regclass('lpr_data.' || leaf) IS NOT NULL;
        -- Stand-alone first: CREATE TABLE … PARTITION OF would make a logged one of it.
        EXECUTE format('CREATE UNLOGGED TABLE lpr_data.%I (LIKE lpr_data.%I INCLUDING STORAGE INCLUDING COMMENTS, CONSTRAINT hour CHECK (expires_at >= %L AND expires_at < %L)) WITH (autovacuum_enabled = off)',
                       leaf, kind, hour, hour + interval '1 hour');
        -- Whatever is analyzed ends in a logged catalogue.
        SELECT string_agg(format('ALTER %I SET STATISTICS 0', a.attname), ', ') INTO settings
        FROM pg_attribute AS a WHERE a.attrelid = format('lpr_data.%I', leaf)::regclass AND a.attnum > 0;
        EXECUTE format('ALTER TABLE lpr_data.%I %s, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', leaf, settings);
        EXECUTE format('COMMENT ON TABLE lpr_data.%I IS %L', leaf, 'What expires at ' || to_char(hour, 'YYYY-MM-DD HH24:MI') || ' (UTC).');
        EXECUTE format('ALTER TABLE lpr_data.%I OWNER TO lpr_owner', leaf);
        EXECUTE format('REVOKE ALL ON lpr_data.%I FROM lpr_owner', leaf);
        IF kind = 'cache_answer' THEN
            EXECUTE format('CREATE INDEX %I ON lpr_data.%I (key)', leaf || '_key', leaf);
        END IF;
        EXECUTE format('ALTER TABLE lpr_data.%I ATTACH PARTITION lpr_data.%I FOR VALUES FROM (%L) TO (%L)', kind, leaf, hour, hour + interval '1 hour');
        -- A member of the extension, so that no dump holds it and DROP EXTENSION takes it along.
        EXECUTE format('ALTER EXTENSION lpr ADD TABLE lpr_data.%I', leaf);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.add_cache_hour(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.add_cache_hour(timestamptz) IS 'Makes the tables for what expires at a full hour, if they are not there.';

CREATE TABLE lpr_data.purge_certificate (
    deadline timestamp with time zone NOT NULL,
    done_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    answers bigint NOT NULL,
    reads bigint NOT NULL,
    bytes bigint NOT NULL,
    digest bytea NOT NULL,
    late boolean NOT NULL,
    PRIMARY KEY (deadline, done_at)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.purge_certificate', '');
SELECT lpr_data.audit_changes_of('lpr_data.purge_certificate');
SELECT lpr_data.only_adds('lpr_data.purge_certificate');
COMMENT ON TABLE lpr_data.purge_certificate IS 'That what had expired is gone: a row a purged hour, without any content (C3). Chained in the audit log as every change.';
COMMENT ON COLUMN lpr_data.purge_certificate.deadline IS 'When it expired.';
COMMENT ON COLUMN lpr_data.purge_certificate.done_at IS 'When its files were gone.';
COMMENT ON COLUMN lpr_data.purge_certificate.answers IS 'Answers that were kept until then.';
COMMENT ON COLUMN lpr_data.purge_certificate.reads IS 'Their reads.';
COMMENT ON COLUMN lpr_data.purge_certificate.bytes IS 'Size of the files.';
COMMENT ON COLUMN lpr_data.purge_certificate.digest IS 'SHA-256 over the numbers of the answers, in order, each as 8 bytes: whoever has the audit log knows which they were.';
COMMENT ON COLUMN lpr_data.purge_certificate.late IS 'Whether that was more than ten minutes past the deadline, as after an outage.';

CREATE FUNCTION lpr_data.purge_cache()
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
    SET timezone = 'UTC'
AS $$
DECLARE
    due record;
    purged integer := 0;
    kept_answers bigint;
    kept_reads bigint;
    numbers bytea;
    size bigint;
    leaf name;
BEGIN
    FOR due IN
        SELECT c.relname, to_timestamp(substring(c.relname FROM '_([0-9]{10})$'), 'YYYYMMDDHH24') AS deadline,
               'cache_read' || substring(c.relname FROM '_[0-9]{10}$') AS reads_of
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'lpr_data.cache_answer'::regclass
        ORDER BY c.relname
    LOOP
        CONTINUE WHEN due.deadline > clock_timestamp();
        EXECUTE format('SELECT count(*), coalesce(sum(a.reads) FILTER (WHERE a.ask = a.answer), 0), string_agg(int8send(a.answer), '''' ORDER BY a.answer) FROM lpr_data.%I AS a WHERE a.ask = a.answer', due.relname)
            INTO kept_answers, kept_reads, numbers;
        size := pg_total_relation_size(format('lpr_data.%I', due.relname)) + coalesce(pg_total_relation_size(to_regclass(format('lpr_data.%I', due.reads_of))), 0);
        FOREACH leaf IN ARRAY ARRAY[due.relname, due.reads_of]
        LOOP
            CONTINUE WHEN to_regclass(format('lpr_data.%I', leaf)) IS NULL;
            IF EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass(format('lpr_data.%I', leaf)) AND d.deptype = 'e') THEN
                EXECUTE format('ALTER EXTENSION lpr DROP TABLE lpr_data.%I', leaf);
            END IF;
            EXECUTE format('DROP TABLE lpr_data.%I', leaf);
        END LOOP;
        INSERT INTO lpr_data.purge_certificate (deadline, answers, reads, bytes, digest, late)
        VALUES (due.deadline, kept_answers, kept_reads, size, sha256(coalesce(numbers, '')), clock_timestamp() > due.deadline + interval '10 minutes');
        purged := purged + 1;
    END LOOP;
    RETURN purged;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.purge_cache() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.purge_cache() IS 'Drops what has expired, and certifies it (C2, C3); returns how many hours that were. Called by the keeper every few seconds, by the audit writer before the first question, and by pg_cron.';

CREATE FUNCTION lpr_data.prepare_cache()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.add_cache_hour(lpr_data.cache_expiry(clock_timestamp() + ahead, t.keep))
    FROM lpr_data.cache_time AS t CROSS JOIN unnest('{0,30 minutes,1 hour}'::interval[]) AS ahead;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.prepare_cache() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.prepare_cache() IS 'Makes the tables of what will expire in the hours to come.';
-- 57-saved: what is kept of an answer: chosen reads, each with its relevance, by one explicit act (E2, E3). Content comes back through the gate only.

CREATE TABLE lpr_data.image (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    content bytea NOT NULL CHECK (sha256(content) = sha256)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.image', '');
ALTER TABLE lpr_data.image ALTER content SET STORAGE EXTERNAL; -- images are compressed already
COMMENT ON TABLE lpr_data.image IS 'Images of saved reads, each once.';
COMMENT ON COLUMN lpr_data.image.sha256 IS 'SHA-256 of the content.';
COMMENT ON COLUMN lpr_data.image.content IS 'PNG, JPEG or WebP, as the vendor gave it.';

CREATE TABLE lpr_data.save (
    save_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    schedule_id integer NOT NULL,
    CONSTRAINT of_its_reads UNIQUE (save_id, event_id, person_id, schedule_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.save', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.save_save_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.save');
SELECT lpr_data.only_adds('lpr_data.save');
COMMENT ON TABLE lpr_data.save IS 'Acts of saving: a row a call of lpr.save() (E2).';
COMMENT ON COLUMN lpr_data.save.save_id IS 'Number of the act.';
COMMENT ON COLUMN lpr_data.save.event_id IS 'For which event.';
COMMENT ON COLUMN lpr_data.save.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.save.at IS 'When.';
COMMENT ON COLUMN lpr_data.save.schedule_id IS 'The schedule that its reads are kept by (E9).';

CREATE TABLE lpr_data.event_read (
    saved_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    save_id bigint NOT NULL,
    event_id bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    read_id text NOT NULL,
    plate text NOT NULL,
    plate_region text,
    captured_at timestamp with time zone NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    plate_as_read text,
    address text,
    camera_id text,
    camera_owner text,
    camera_type text,
    make text,
    model text,
    color text,
    confidence double precision,
    matched_how text,
    plate_image bytea REFERENCES lpr_data.image,
    vehicle_image bytea REFERENCES lpr_data.image,
    relevance text NOT NULL CHECK (relevance ~ '[^[:space:]]' AND char_length(relevance) <= 4000),
    saved_by integer NOT NULL,
    saved_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    fetched_at timestamp with time zone NOT NULL,
    ask bigint NOT NULL,
    answer bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    place bigint NOT NULL CHECK (place >= 0),
    proof bytea NOT NULL CHECK (octet_length(proof) % 32 = 0),
    exemptions text[] NOT NULL DEFAULT '{}',
    schedule_id integer NOT NULL,
    -- One reference for event, person and schedule: ten thousand reads are looked up once each, not three times.
    CONSTRAINT of_a_save FOREIGN KEY (save_id, event_id, saved_by, schedule_id) REFERENCES lpr_data.save (save_id, event_id, person_id, schedule_id),
    CONSTRAINT once_an_event UNIQUE (event_id, source, read_id, captured_at)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_read', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_read_saved_id_seq', '');
CREATE FUNCTION lpr_data.audit_saved()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('table', 'lpr_data.event_read', 'action', lower(TG_OP), 'role', session_user, 'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp(),
                              'save_id', r.save_id, 'event_id', r.event_id, 'source', r.source, 'saved_by', r.saved_by, 'ask', r.asks, 'schedule_id', r.schedule_id, 'reads', r.reads,
                              'first', r.first_id, 'last', r.last_id, 'digest', encode(r.digest, 'hex'), 'images', r.images)::text
    FROM (SELECT c.save_id, c.event_id, c.source, c.saved_by, c.schedule_id, jsonb_agg(DISTINCT c.ask) AS asks, count(*) AS reads, min(c.saved_id) AS first_id, max(c.saved_id) AS last_id,
                 sha256(string_agg(c.digest, '' ORDER BY c.saved_id)) AS digest,
                 jsonb_agg(DISTINCT encode(c.vehicle_image, 'hex')) FILTER (WHERE c.vehicle_image IS NOT NULL) AS images
          FROM changed AS c GROUP BY c.save_id, c.event_id, c.source, c.saved_by, c.schedule_id) AS r
    CROSS JOIN lpr_data.wake_writer() AS w;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.audit_saved() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_saved() IS 'Trigger of saved reads: who saved, or took off, how many for what, between which numbers, with the SHA-256 over their digests, in one record an act (U4). Result rows are never in the audit (U1).';
CREATE TRIGGER audit_saved AFTER INSERT ON lpr_data.event_read REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
CREATE TRIGGER audit_gone AFTER DELETE ON lpr_data.event_read REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
CREATE TRIGGER audit_changed AFTER UPDATE ON lpr_data.event_read REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER audit_saved, ENABLE ALWAYS TRIGGER audit_gone, ENABLE ALWAYS TRIGGER audit_changed;
-- A saved read never changes. It goes by lpr.unsave() or by its schedule, and that is on record.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.event_read FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('exemptions');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.event_read FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.event_read IS 'Saved reads: a row a read and event (E2). A read locates a vehicle, not a person, and may be wrong: no action is taken on it alone (G2, G3).';
COMMENT ON COLUMN lpr_data.event_read.saved_id IS 'Number of the saved read.';
COMMENT ON COLUMN lpr_data.event_read.save_id IS 'The act of saving.';
COMMENT ON COLUMN lpr_data.event_read.event_id IS 'The event that it is relevant to.';
COMMENT ON COLUMN lpr_data.event_read.source IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.read_id IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate_region IS 'As in lpr.reads; NULL also when it was not chosen. So with all columns down to vehicle_image.';
COMMENT ON COLUMN lpr_data.event_read.captured_at IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.latitude IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.longitude IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate_as_read IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.address IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.camera_id IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.camera_owner IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.camera_type IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.make IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.model IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.color IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.confidence IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.matched_how IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate_image IS 'SHA-256 of the image.';
COMMENT ON COLUMN lpr_data.event_read.vehicle_image IS 'SHA-256 of the image.';
COMMENT ON COLUMN lpr_data.event_read.relevance IS 'Why it is relevant to the event.';
COMMENT ON COLUMN lpr_data.event_read.saved_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.event_read.saved_at IS 'When.';
COMMENT ON COLUMN lpr_data.event_read.fetched_at IS 'When the vendor handed it over.';
COMMENT ON COLUMN lpr_data.event_read.ask IS 'Number, in the audit log, of the question that it was shown for.';
COMMENT ON COLUMN lpr_data.event_read.answer IS 'Number of the question that fetched it: its answer''s record holds the digest of all its reads.';
COMMENT ON COLUMN lpr_data.event_read.digest IS 'Leaf of that digest''s tree (docs/audit-format.md).';
COMMENT ON COLUMN lpr_data.event_read.place IS 'Its place among the answer''s reads, from 0.';
COMMENT ON COLUMN lpr_data.event_read.proof IS 'Proof of inclusion (RFC 6962), 32 bytes a node: that the answer held this read.';
COMMENT ON COLUMN lpr_data.event_read.exemptions IS 'Exemptions of the source system that travel with it (E8).';
COMMENT ON COLUMN lpr_data.event_read.schedule_id IS 'The schedule that it is kept by (E9).';

CREATE FUNCTION lpr_data.pass_gate(event_id bigint, what text)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_saved_pass_gate';
REVOKE ALL ON FUNCTION lpr_data.pass_gate(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.pass_gate(bigint, text) IS 'Puts it before the gate that somebody looks at, or keeps, content of an event: returns the number of its record once that is on disk, or raises the refusal.';

CREATE FUNCTION lpr_data.note_answer(ask bigint, event_id bigint, reads bigint)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_note_answer';
REVOKE ALL ON FUNCTION lpr_data.note_answer(bigint, bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.note_answer(bigint, bigint, bigint) IS 'The answer''s record to lpr_data.pass_gate(): how many reads were shown, or saved.';

CREATE FUNCTION lpr_data.shown_reads(
    event_id bigint,
    source text,
    read_ids text[],
    OUT ask bigint,
    OUT answer bigint,
    OUT fetched_at timestamp with time zone,
    OUT read_id text,
    OUT plate text,
    OUT plate_region text,
    OUT captured_at timestamp with time zone,
    OUT latitude double precision,
    OUT longitude double precision,
    OUT plate_as_read text,
    OUT address text,
    OUT camera_id text,
    OUT camera_owner text,
    OUT camera_type text,
    OUT make text,
    OUT model text,
    OUT color text,
    OUT confidence double precision,
    OUT matched_how text,
    OUT plate_image text,
    OUT vehicle_image text,
    OUT digest bytea,
    OUT place bigint,
    OUT proof bytea
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_shown_reads';
REVOKE ALL ON FUNCTION lpr_data.shown_reads(bigint, text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.shown_reads(bigint, text, text[]) IS 'Those of the reads named that the authenticated login was shown for an event and that have not expired, the newest answer of each.';

CREATE FUNCTION lpr_data.fetch_images(source text, urls text[], OUT url text, OUT image bytea)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_fetch_images';
REVOKE ALL ON FUNCTION lpr_data.fetch_images(text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.fetch_images(text, text[]) IS 'Fetches images from a source, side by side; NULL when there is none, or none that may be.';

CREATE FUNCTION lpr_data.savable_fields()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{plate_region,plate_as_read,address,camera_id,camera_owner,camera_type,make,model,color,confidence,matched_how}'::text[];
REVOKE ALL ON FUNCTION lpr_data.savable_fields() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.savable_fields() IS 'What may be saved of a read besides plate, time and place (E3).';

CREATE FUNCTION lpr_data.save_reads(event bigint, source text, reads text[], relevances text[], fields text[], with_images boolean)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET jit = off -- what it guesses to be large is not
AS $$
#variable_conflict use_column
DECLARE
    e lpr_data.event;
    passed bigint;
    saved bigint;
    schedule integer;
    fresh text[];
    urls text[];
    images bytea[];
    exempt text[];
    who integer := lpr_data.me();
    act bigint;
BEGIN
    exempt := coalesce((SELECT x.exemptions FROM lpr_data.source AS x WHERE x.name = save_reads.source COLLATE "C"), '{}');
    IF coalesce(cardinality(reads), 0) = 0 OR array_position(reads, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'no read was chosen',
            HINT = 'Name reads by their read_id, for instance reads => ARRAY[''r-17'', ''r-18''].';
    END IF;
    fields := coalesce(fields, lpr_data.savable_fields());
    IF NOT fields <@ lpr_data.savable_fields() OR array_position(fields, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'such fields are not saved',
            DETAIL = format('Plate, time and place always are; of the others any of: %s.', array_to_string(lpr_data.savable_fields(), ', '));
    END IF;
    FOR i IN 1 .. cardinality(relevances)
    LOOP
        PERFORM lpr_data.check_reason('relevance statement', relevances[i], 'E2');
    END LOOP;
    passed := lpr_data.pass_gate(event, format('save %s reads of %s', cardinality(reads), source));
    -- A closing event waits for us, or we see that it is closed.
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = event FOR NO KEY UPDATE;
    IF e.closed_at IS NOT NULL OR e.ends_at <= clock_timestamp() THEN
        PERFORM lpr_data.refuse('E2', 'LP042', format('event %s is over', event), 'Reads are saved for an event that is open, within its dates.',
                                'SELECT * FROM lpr.events; tells its dates.');
    END IF;
    schedule := lpr_data.usable_schedule(e.system);
    INSERT INTO lpr_data.save (event_id, person_id, schedule_id) VALUES (event, who, schedule) RETURNING save_id INTO act;
    -- The event is locked: what is not there now is saved by nobody else meanwhile.
    fresh := ARRAY(SELECT DISTINCT r.read_id FROM unnest(reads) AS r (read_id)
                   WHERE NOT EXISTS (SELECT FROM lpr_data.event_read AS k WHERE k.event_id = event AND k.source = save_reads.source COLLATE "C" AND k.read_id = r.read_id));
    IF with_images THEN
        WITH fetched AS MATERIALIZED (
            SELECT f.url, f.image, sha256(f.image) AS sha256
            FROM lpr_data.fetch_images(source, ARRAY(SELECT DISTINCT u FROM lpr_data.shown_reads(event, source, fresh) AS s, unnest(ARRAY[s.plate_image, s.vehicle_image]) AS u
                                                     WHERE u IS NOT NULL)) AS f
            WHERE f.image IS NOT NULL
        ), kept AS (
            INSERT INTO lpr_data.image (sha256, content) SELECT DISTINCT ON (f.sha256) f.sha256, f.image FROM fetched AS f ON CONFLICT DO NOTHING
        )
        SELECT array_agg(f.url), array_agg(f.sha256) INTO urls, images FROM fetched AS f;
    END IF;
    INSERT INTO lpr_data.event_read (save_id, event_id, source, read_id, plate, plate_region, captured_at, latitude, longitude, plate_as_read, address, camera_id, camera_owner,
                                     camera_type, make, model, color, confidence, matched_how, plate_image, vehicle_image, relevance, saved_by, fetched_at,
                                     ask, answer, digest, place, proof, exemptions, schedule_id)
    SELECT act, event, source, s.read_id, s.plate, CASE WHEN 'plate_region' = ANY (fields) THEN s.plate_region END, s.captured_at, s.latitude, s.longitude,
           CASE WHEN 'plate_as_read' = ANY (fields) THEN s.plate_as_read END, CASE WHEN 'address' = ANY (fields) THEN s.address END,
           CASE WHEN 'camera_id' = ANY (fields) THEN s.camera_id END, CASE WHEN 'camera_owner' = ANY (fields) THEN s.camera_owner END,
           CASE WHEN 'camera_type' = ANY (fields) THEN s.camera_type END, CASE WHEN 'make' = ANY (fields) THEN lpr.normal_word(s.make) END,
           CASE WHEN 'model' = ANY (fields) THEN lpr.normal_word(s.model) END, CASE WHEN 'color' = ANY (fields) THEN lpr.normal_word(s.color) END,
           CASE WHEN 'confidence' = ANY (fields) THEN s.confidence END,
           CASE WHEN 'matched_how' = ANY (fields) THEN s.matched_how END,
           p.sha256, v.sha256, CASE WHEN cardinality(relevances) = 1 THEN relevances[1] ELSE c.relevance END, who, s.fetched_at, s.ask, s.answer, s.digest, s.place, s.proof,
           exempt, schedule
    FROM lpr_data.shown_reads(event, source, fresh) AS s
    LEFT JOIN (SELECT u.* FROM unnest(reads, relevances) AS u (read_id, relevance) WHERE cardinality(relevances) > 1) AS c ON c.read_id = s.read_id
    LEFT JOIN unnest(urls, images) AS p (url, sha256) ON p.url = s.plate_image
    LEFT JOIN unnest(urls, images) AS v (url, sha256) ON v.url = s.vehicle_image;
    GET DIAGNOSTICS saved = ROW_COUNT;
    IF saved < cardinality(fresh) THEN
        PERFORM lpr_data.note_answer(passed, event, 0);
        PERFORM lpr_data.refuse('E2', 'LP060', format('%s of the chosen reads are not there to be saved', cardinality(fresh) - saved),
                                'Reads are saved out of one''s own fresh answers for that event; an expired one cannot be.', 'Ask again, for that event, and save then. Nothing was saved.');
    END IF;
    PERFORM lpr_data.note_answer(passed, event, saved);
    RETURN saved;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.save_reads(bigint, text, text[], text[], text[], boolean) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.save_reads(bigint, text, text[], text[], text[], boolean) IS 'Saves reads, each with the relevance of its place, or all with the last.';

CREATE FUNCTION lpr.save(event bigint, source text, reads text[], relevance text, with_images boolean DEFAULT false, fields text[] DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.save_reads(event, source, reads, ARRAY[relevance], fields, with_images);
END
$$;
REVOKE ALL ON FUNCTION lpr.save(bigint, text, text[], text, boolean, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.save(bigint, text, text[], text, boolean, text[]) TO lpr_user;
COMMENT ON FUNCTION lpr.save(bigint, text, text[], text, boolean, text[]) IS
    'Saves chosen reads for an event (E2): one explicit act; nothing is saved by itself. reads: their read_id, out of one''s own answers of that source for that event which have not expired. relevance: why they matter to the event, a sentence. with_images: fetches and keeps their images as well. fields: what to keep besides plate, time and place (E3); NULL = all. Returns how many were saved; what was saved before is not saved twice. All or nothing. Errors LP060 (not shown, or expired), LP043 (the relevance says nothing), LP042 (the event is over), LP062 (no verified schedule), and those of the gate.';

CREATE FUNCTION lpr.save_each(event bigint, source text, reads jsonb, with_images boolean DEFAULT false, fields text[] DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jsonb_typeof(reads) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'no read was chosen',
            HINT = 'For instance reads => ''{"r-17": "…why it is relevant…", "r-18": "…"}''.';
    END IF;
    RETURN lpr_data.save_reads(event, source, ARRAY(SELECT k FROM jsonb_object_keys(reads) AS k ORDER BY k),
                               ARRAY(SELECT reads ->> k FROM jsonb_object_keys(reads) AS k ORDER BY k), fields, with_images);
END
$$;
REVOKE ALL ON FUNCTION lpr.save_each(bigint, text, jsonb, boolean, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.save_each(bigint, text, jsonb, boolean, text[]) TO lpr_user;
COMMENT ON FUNCTION lpr.save_each(bigint, text, jsonb, boolean, text[]) IS 'The same, with a relevance of its own for each read: reads is a JSON object of read_id and relevance (E2).';

-- What was saved, through the gate.

CREATE TABLE lpr_data.correction (
    saved_id bigint NOT NULL REFERENCES lpr_data.event_read ON DELETE CASCADE,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    field text COLLATE "C" NOT NULL CHECK (field IN ('plate', 'plate_region', 'make', 'model', 'color')),
    value text NOT NULL CHECK (value ~ '[^[:space:]]' AND value !~ '[[:cntrl:]]' AND char_length(value) <= 100),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (saved_id, at)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.correction', '');
SELECT lpr_data.audit_changes_of('lpr_data.correction', 'value', 'reason');
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.correction FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.correction ENABLE ALWAYS TRIGGER refuse_rewrite;
COMMENT ON TABLE lpr_data.correction IS 'What people found to be wrong in a saved read, beside the original, which stays (G1).';
COMMENT ON COLUMN lpr_data.correction.saved_id IS 'The saved read.';
COMMENT ON COLUMN lpr_data.correction.at IS 'When.';
COMMENT ON COLUMN lpr_data.correction.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.correction.field IS 'plate, plate_region, make, model or color.';
COMMENT ON COLUMN lpr_data.correction.value IS 'What is right, in the form that lpr.reads has.';
COMMENT ON COLUMN lpr_data.correction.reason IS 'How that is known.';

CREATE FUNCTION lpr.event_reads(
    event bigint,
    with_images boolean DEFAULT false,
    OUT saved_id bigint,
    OUT source text,
    OUT read_id text,
    OUT plate text,
    OUT plate_region text,
    OUT captured_at timestamp with time zone,
    OUT latitude double precision,
    OUT longitude double precision,
    OUT address text,
    OUT camera_id text,
    OUT camera_owner text,
    OUT camera_type text,
    OUT make text,
    OUT model text,
    OUT color text,
    OUT plate_as_read text,
    OUT confidence double precision,
    OUT matched_how text,
    OUT relevance text,
    OUT saved_by text,
    OUT saved_at timestamp with time zone,
    OUT fetched_at timestamp with time zone,
    OUT corrected jsonb,
    OUT exemptions text[],
    OUT caveat text,
    OUT plate_image bytea,
    OUT vehicle_image bytea
)
    RETURNS SETOF record
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    passed bigint := lpr_data.pass_gate(event, format('event_reads(%s)', event));
    shown bigint;
BEGIN
    RETURN QUERY
        SELECT r.saved_id, r.source, r.read_id,
               coalesce(c.values ->> 'plate', r.plate), coalesce(c.values ->> 'plate_region', r.plate_region), r.captured_at, r.latitude, r.longitude, r.address, r.camera_id,
               r.camera_owner, r.camera_type, coalesce(c.values ->> 'make', r.make), coalesce(c.values ->> 'model', r.model), coalesce(c.values ->> 'color', r.color),
               r.plate_as_read, r.confidence, r.matched_how, r.relevance, p.login, r.saved_at, r.fetched_at,
               (SELECT jsonb_object_agg(k.key, jsonb_build_object('original', to_jsonb(r) -> k.key, 'why', k.value)) FROM jsonb_each_text(c.reasons) AS k), r.exemptions,
               'A read locates a vehicle, not a person, and may be wrong: no action on it alone.',
               (SELECT i.content FROM lpr_data.image AS i WHERE with_images AND i.sha256 = r.plate_image),
               (SELECT i.content FROM lpr_data.image AS i WHERE with_images AND i.sha256 = r.vehicle_image)
        FROM lpr_data.event_read AS r
        JOIN lpr_data.person AS p ON p.person_id = r.saved_by
        LEFT JOIN LATERAL (SELECT jsonb_object_agg(x.field, x.value ORDER BY x.at) AS values, jsonb_object_agg(x.field, x.reason ORDER BY x.at) AS reasons
                           FROM lpr_data.correction AS x WHERE x.saved_id = r.saved_id) AS c ON true
        WHERE r.event_id = event
        ORDER BY r.captured_at DESC, r.saved_id;
    GET DIAGNOSTICS shown = ROW_COUNT;
    PERFORM lpr_data.note_answer(passed, event, shown);
END
$$;
REVOKE ALL ON FUNCTION lpr.event_reads(bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.event_reads(bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.event_reads(bigint, boolean) IS
    'What was saved for an event, newest first, through the gate: each call is a question on record (C4, E2). Also of a closed event, for its owner and members. corrected: fields that somebody corrected, with the original and why. caveat: what a read is and is not (G2, G3). with_images: the images as well. Errors: those of the gate.';

CREATE FUNCTION lpr_data.own_saved(saved_id bigint, what text)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint := (SELECT r.event_id FROM lpr_data.event_read AS r WHERE r.saved_id = own_saved.saved_id);
    passed bigint;
BEGIN
    IF event IS NULL OR NOT EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('saved read %s is not of an event of yours', coalesce(saved_id::text, 'NULL')), 'Only its owner and members work on an event.',
                                'SELECT * FROM lpr.event_reads(…);');
    END IF;
    passed := lpr_data.pass_gate(event, format('%s %s', what, saved_id));
    PERFORM lpr_data.note_answer(passed, event, 0);
    RETURN event;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.own_saved(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.own_saved(bigint, text) IS 'The event of a saved read, of which the caller is owner or member, through the gate.';

CREATE FUNCTION lpr.correct(saved_id bigint, field text, value text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.own_saved(saved_id, 'correct');
    PERFORM lpr_data.check_reason('reason', reason, 'G1');
    INSERT INTO lpr_data.correction (saved_id, person_id, field, value, reason)
    VALUES (correct.saved_id, lpr_data.me(), correct.field,
            CASE correct.field WHEN 'plate' THEN lpr.normal_plate(correct.value) WHEN 'plate_region' THEN lpr.normal_region(correct.value) ELSE lpr.normal_word(correct.value) END, correct.reason);
END
$$;
REVOKE ALL ON FUNCTION lpr.correct(bigint, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.correct(bigint, text, text, text) TO lpr_user;
COMMENT ON FUNCTION lpr.correct(bigint, text, text, text) IS 'Says what is wrong in a saved read of an event of one''s own: the right value stands beside the original, which stays (G1). field: plate, plate_region, make, model or color. Errors LP041, LP043, LP011, LP012.';

CREATE FUNCTION lpr.unsave(saved_id bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint := lpr_data.own_saved(saved_id, 'unsave');
    gone lpr_data.event_read;
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, 'E3');
    PERFORM lpr_data.refuse_held(event); -- and locks it: a closing event waits for us, or we see that it is closed
    IF NOT EXISTS (SELECT FROM lpr_data.event AS e WHERE e.event_id = event AND e.closed_at IS NULL) THEN
        PERFORM lpr_data.refuse('E9', 'LP042', format('event %s is closed', event), 'What a closed event holds goes by its schedule.', 'SELECT * FROM lpr.events;');
    END IF;
    DELETE FROM lpr_data.event_read AS r WHERE r.saved_id = unsave.saved_id RETURNING r.* INTO gone;
    DELETE FROM lpr_data.image AS i WHERE i.sha256 IN (gone.plate_image, gone.vehicle_image)
       AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE i.sha256 IN (r.plate_image, r.vehicle_image));
END
$$;
REVOKE ALL ON FUNCTION lpr.unsave(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.unsave(bigint, text) TO lpr_user;
COMMENT ON FUNCTION lpr.unsave(bigint, text) IS 'Takes a read that turned out to be of no relevance off an open event of one''s own, with its images; who, when and its digest stay in the audit log (E3). Errors LP041, LP042 (closed), LP043, LP063 (a legal hold).';

-- Events change hands.

CREATE FUNCTION lpr.transfer_event(event bigint, login text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e lpr_data.event;
    owner_id integer;
    heir integer := lpr_data.person_of(login);
    who integer := lpr_data.me();
BEGIN
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = event FOR NO KEY UPDATE;
    SELECT m.person_id INTO owner_id FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.owner;
    -- The owner hands over; for one who has left, or cannot, the supervisor.
    IF (owner_id = who AND lpr_data.holds(who, 'lpr_user')
        OR who = (SELECT p.supervisor_id FROM lpr_data.person AS p WHERE p.person_id = owner_id) AND lpr_data.holds(who, 'lpr_supervisor')) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('event %s is not yours to hand over', coalesce(event::text, 'NULL')), 'An event is handed over by its owner, or by the owner''s supervisor.', 'SELECT * FROM lpr.events;');
    END IF;
    IF e.closed_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('Q7', 'LP042', format('event %s is closed', event), 'A closed event stays as it is.', 'SELECT lpr.open_event(…); opens another one.');
    END IF;
    IF NOT lpr_data.is_entitled(heir, e.system) THEN
        PERFORM lpr_data.refuse('E4', 'LP025', format('login "%s" has no access for system "%s"', login, e.system), 'Who works on an event has access for its system.', 'They request it with lpr.request_access(…).');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E4');
    UPDATE lpr_data.event_member AS m SET owner = false WHERE m.event_id = event AND m.owner;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (event, heir, true, who)
    ON CONFLICT (person_id, event_id) DO UPDATE SET owner = true;
    DELETE FROM lpr_data.event_member AS m WHERE m.event_id = event AND m.person_id = owner_id AND m.person_id <> heir
       AND EXISTS (SELECT FROM lpr_data.person AS p WHERE p.person_id = owner_id AND p.left_at IS NOT NULL);
END
$$;
REVOKE ALL ON FUNCTION lpr.transfer_event(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.transfer_event(bigint, text, text) TO lpr_user, lpr_supervisor;
COMMENT ON FUNCTION lpr.transfer_event(bigint, text, text) IS 'Makes somebody else the owner of an open event (E4): by its owner, or by the owner''s supervisor when the owner has left or cannot. The former owner stays a member unless they left. Errors LP041, LP042, LP025 (the heir has no access), LP043.';

CREATE FUNCTION lpr.hand_over(from_login text, to_login text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint;
    events bigint := 0;
BEGIN
    FOR event IN
        SELECT m.event_id FROM lpr_data.event_member AS m
        JOIN lpr_data.event AS e ON e.event_id = m.event_id AND e.closed_at IS NULL
        JOIN lpr_data.person AS p ON p.person_id = m.person_id AND p.login = hand_over.from_login COLLATE "C"
        WHERE m.owner ORDER BY m.event_id
    LOOP
        PERFORM lpr.transfer_event(event, to_login, reason);
        events := events + 1;
    END LOOP;
    RETURN events;
END
$$;
REVOKE ALL ON FUNCTION lpr.hand_over(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.hand_over(text, text, text) TO lpr_user, lpr_supervisor;
COMMENT ON FUNCTION lpr.hand_over(text, text, text) IS 'Hands all open events of a person over to another, as when they leave (E4); returns how many. Errors as of lpr.transfer_event().';
-- 58-retention: how long what was saved is kept, and what stops its destruction (E8, E9): schedules that two people verified, and legal holds.

CREATE TABLE lpr_data.schedule (
    schedule_id integer GENERATED ALWAYS AS IDENTITY (START 101) PRIMARY KEY, -- numbers up to 100 come with lpr
    records text COLLATE "C" NOT NULL CHECK (records ~ '^[A-Z][A-Z0-9-]{0,39}$'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]' AND citation !~ '[[:cntrl:]]' AND char_length(citation) <= 500),
    base_period interval CHECK (base_period >= '1 day' AND base_period <= '100 years'),
    runs_from text COLLATE "C" NOT NULL CHECK (runs_from IN ('saved', 'closed')),
    life_of_matter boolean NOT NULL,
    effective_from date NOT NULL,
    effective_until date,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    proposed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    proposed_by integer REFERENCES lpr_data.person,
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT ends_after_it_begins CHECK (effective_until > effective_from),
    CONSTRAINT periods_are_the_site_s CHECK (shipped = (base_period IS NULL) AND shipped = (proposed_by IS NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule', 'WHERE NOT shipped'); -- what comes with lpr never changes
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule_schedule_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.schedule');
COMMENT ON TABLE lpr_data.schedule IS 'Schedules of systems of records: how long what is saved is kept (E9). A schedule never changes, since reads are kept by it: another one follows it, and is verified anew.';
COMMENT ON COLUMN lpr_data.schedule.schedule_id IS 'Number.';
COMMENT ON COLUMN lpr_data.schedule.records IS 'The system of records, short: ATS, TECS, CIRS, AFI, …';
COMMENT ON COLUMN lpr_data.schedule.citation IS 'Where the schedule stands.';
COMMENT ON COLUMN lpr_data.schedule.base_period IS 'How long, 1 day to 100 years; NULL: left to the records officer, and not to be used.';
COMMENT ON COLUMN lpr_data.schedule.runs_from IS 'From when the period runs: saved (the read) or closed (the event).';
COMMENT ON COLUMN lpr_data.schedule.life_of_matter IS 'Whether nothing is due before its event is closed, however long that takes.';
COMMENT ON COLUMN lpr_data.schedule.effective_from IS 'First day (UTC) on which reads are saved by it.';
COMMENT ON COLUMN lpr_data.schedule.effective_until IS 'First day on which they no longer are; NULL = without end.';
COMMENT ON COLUMN lpr_data.schedule.reason IS 'Why it reads so.';
COMMENT ON COLUMN lpr_data.schedule.proposed_at IS 'When it was entered.';
COMMENT ON COLUMN lpr_data.schedule.proposed_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.schedule.shipped IS 'Whether it came with lpr: the citation, without a period.';
INSERT INTO lpr_data.schedule (schedule_id, records, citation, runs_from, life_of_matter, effective_from, reason, shipped) OVERRIDING SYSTEM VALUE
VALUES (1, 'ATS', 'Automated Targeting System, 77 FR 30297', 'saved', true, '2012-05-22', 'Named by DHS/CBP/PIA-049(a).', true),
       (2, 'TECS', 'TECS, 73 FR 77778', 'saved', true, '2008-12-19', 'Named by DHS/CBP/PIA-049(a).', true),
       (3, 'CIRS', 'CBP Intelligence Records System, 82 FR 44198, reissued 85 FR 80806', 'saved', true, '2020-12-14', 'Named by DHS/CBP/PIA-049(a).', true),
       (4, 'AFI', 'Analytical Framework for Intelligence, 77 FR 33753', 'saved', true, '2012-06-07', 'Named by DHS/CBP/PIA-049(a).', true);
SELECT lpr_data.only_adds('lpr_data.schedule');

CREATE TABLE lpr_data.schedule_step (
    schedule_id integer NOT NULL REFERENCES lpr_data.schedule,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    action text COLLATE "C" NOT NULL CHECK (action IN ('verify', 'withdraw')),
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (schedule_id, person_id, action) -- nobody counts twice
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule_step', '');
SELECT lpr_data.audit_changes_of('lpr_data.schedule_step');
SELECT lpr_data.only_adds('lpr_data.schedule_step');
COMMENT ON TABLE lpr_data.schedule_step IS 'Who verified a schedule, and who withdrew it (E9).';
COMMENT ON COLUMN lpr_data.schedule_step.schedule_id IS 'The schedule.';
COMMENT ON COLUMN lpr_data.schedule_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.schedule_step.action IS 'verify or withdraw.';
COMMENT ON COLUMN lpr_data.schedule_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.schedule_step.reason IS 'What it was compared with, or why it must not be used.';

ALTER TABLE lpr_data.save ADD FOREIGN KEY (schedule_id) REFERENCES lpr_data.schedule;

CREATE FUNCTION lpr_data.is_verified(schedule_id integer)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT count(DISTINCT s.person_id) FILTER (WHERE s.action = 'verify') >= 2 AND count(*) FILTER (WHERE s.action = 'withdraw') = 0
        FROM lpr_data.schedule_step AS s WHERE s.schedule_id = is_verified.schedule_id);
REVOKE ALL ON FUNCTION lpr_data.is_verified(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.is_verified(integer) IS 'Whether a schedule may be used: two people verified it, and nobody withdrew it (E9).';

CREATE FUNCTION lpr_data.schedule_in_force(records text)
    RETURNS integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT s.schedule_id FROM lpr_data.schedule AS s
        WHERE s.records = schedule_in_force.records COLLATE "C" AND s.base_period IS NOT NULL AND lpr_data.is_verified(s.schedule_id)
          AND s.effective_from <= lpr_data.utc_today() AND coalesce(s.effective_until > lpr_data.utc_today(), true)
        ORDER BY s.effective_from DESC, s.schedule_id DESC LIMIT 1);
REVOKE ALL ON FUNCTION lpr_data.schedule_in_force(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.schedule_in_force(text) IS 'The verified schedule of a system of records that is effective today, the latest if there are several; NULL = none.';

CREATE FUNCTION lpr_data.usable_schedule(system text)
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    records text := (SELECT y.records FROM lpr_data.system AS y WHERE y.system = usable_schedule.system COLLATE "C");
    schedule integer := lpr_data.schedule_in_force(records);
BEGIN
    IF schedule IS NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP062', format('system of records %s has no verified schedule', coalesce(records, 'NULL')),
                                'Reads are saved only where it is settled for how long: by a schedule in force that two people verified.',
                                format('Ask %s: lpr.propose_schedule(…), then lpr.verify_schedule(…) by two people. SELECT * FROM lpr.schedules; shows what there is.',
                                       lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    RETURN schedule;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.usable_schedule(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.usable_schedule(text) IS 'The schedule that a read saved for an event of that system is kept by (E9). Error LP062 when there is none.';

CREATE FUNCTION lpr.propose_schedule(
    records text,
    base_period interval,
    reason text,
    citation text DEFAULT NULL,
    runs_from text DEFAULT 'saved',
    life_of_matter boolean DEFAULT true,
    effective_from date DEFAULT NULL,
    effective_until date DEFAULT NULL
)
    RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E9');
    proposed integer;
BEGIN
    citation := coalesce(citation, (SELECT s.citation FROM lpr_data.schedule AS s WHERE s.records = propose_schedule.records COLLATE "C" ORDER BY s.schedule_id DESC LIMIT 1));
    IF citation IS NULL OR (base_period BETWEEN '1 day' AND '100 years') IS NOT TRUE OR (runs_from IN ('saved', 'closed')) IS NOT TRUE OR life_of_matter IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a schedule of %s', coalesce(records, 'NULL')),
            DETAIL = 'A schedule has a citation, a base period of 1 day to 100 years, which runs from ''saved'' or ''closed'', and says whether nothing is due before the matter ends.',
            HINT = 'For instance lpr.propose_schedule(''ATS'', ''15 years'', ''…why…'').';
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    INSERT INTO lpr_data.schedule (records, citation, base_period, runs_from, life_of_matter, effective_from, effective_until, reason, proposed_by)
    VALUES (propose_schedule.records, propose_schedule.citation, propose_schedule.base_period, propose_schedule.runs_from, propose_schedule.life_of_matter,
            coalesce(propose_schedule.effective_from, lpr_data.utc_today()), propose_schedule.effective_until, propose_schedule.reason, who)
    RETURNING schedule_id INTO proposed;
    RETURN proposed;
END
$$;
REVOKE ALL ON FUNCTION lpr.propose_schedule(text, interval, text, text, text, boolean, date, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.propose_schedule(text, interval, text, text, text, boolean, date, date)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.propose_schedule(text, interval, text, text, text, boolean, date, date) IS
    'Enters a schedule of a system of records, by a records officer; returns its number (E9). It counts once two people verified it, and is then followed by reads that are saved from then on. records: ATS, TECS, CIRS, AFI or another. base_period: 1 day to 100 years. citation: by default that of the schedule before. runs_from: saved or closed. life_of_matter: nothing is due before its event is closed. effective_from: today unless said otherwise. Errors LP024 and LP033 (who may), LP043 (the reason says nothing).';

CREATE FUNCTION lpr_data.step_schedule(schedule integer, action text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E9');
    s lpr_data.schedule;
BEGIN
    SELECT x.* INTO s FROM lpr_data.schedule AS x WHERE x.schedule_id = schedule FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('schedule %s does not exist', coalesce(schedule::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.schedules;';
    END IF;
    IF s.base_period IS NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('schedule %s has no period', schedule), 'What comes with lpr is the citation; the period is the records officer''s to state.',
                                format('SELECT lpr.propose_schedule(%L, …);', s.records));
    END IF;
    IF EXISTS (SELECT FROM lpr_data.schedule_step AS t WHERE t.schedule_id = schedule AND (t.action = 'withdraw' OR t.person_id = who AND t.action = step_schedule.action)) THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('you verified schedule %s already, or it was withdrawn', schedule),
                                'Each person counts once, and what was withdrawn stays so.', 'SELECT * FROM lpr.schedules;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    INSERT INTO lpr_data.schedule_step (schedule_id, person_id, action, reason) VALUES (schedule, who, step_schedule.action, step_schedule.reason);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.step_schedule(integer, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.step_schedule(integer, text, text) IS 'Verifies or withdraws a schedule.';

CREATE FUNCTION lpr.verify_schedule(schedule integer, reason text)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.step_schedule(schedule, 'verify', reason);
    RETURN lpr_data.is_verified(schedule);
END
$$;
REVOKE ALL ON FUNCTION lpr.verify_schedule(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.verify_schedule(integer, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.verify_schedule(integer, text) IS
    'A records officer compared a schedule with its source, and says how (E9). Two different people have to; returns whether they have. Errors LP024 and LP033 (who may), LP034 (verified by you already, withdrawn, or without a period), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.withdraw_schedule(schedule integer, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.step_schedule(schedule, 'withdraw', reason);
END
$$;
REVOKE ALL ON FUNCTION lpr.withdraw_schedule(integer, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.withdraw_schedule(integer, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.withdraw_schedule(integer, text) IS
    'A schedule turned out to be wrong: nothing is saved or destroyed by it any more (E9). One records officer does. What was saved by it follows the one in force of the same system of records, once there is one. Errors as of lpr.verify_schedule().';

CREATE FUNCTION lpr.set_exemptions(source text, exemptions text[])
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('E8');
    UPDATE lpr_data.source AS s SET exemptions = coalesce(set_exemptions.exemptions, '{}') WHERE s.name = set_exemptions.source COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(source, 'NULL')),
            HINT = 'SELECT * FROM lpr.sources;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.set_exemptions(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_exemptions(text, text[]) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_exemptions(text, text[]) IS 'Which Privacy Act exemptions a source''s records carry, for instance ''{5 U.S.C. 552a(j)(2)}'': reads that are saved from then on take them along (E8).';

-- Legal holds.

CREATE TABLE lpr_data.legal_hold (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event,
    authority text NOT NULL CHECK (authority ~ '[^[:space:]]' AND authority !~ '[[:cntrl:]]' AND char_length(authority) <= 500),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    placed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    placed_by integer NOT NULL REFERENCES lpr_data.person,
    lifted_at timestamp with time zone,
    lifted_by integer REFERENCES lpr_data.person,
    lift_reason text CHECK (lift_reason ~ '[^[:space:]]'),
    CONSTRAINT lifted_by_somebody_else CHECK (lifted_by <> placed_by),
    CONSTRAINT lifted_as_a_whole CHECK (num_nulls(lifted_at, lifted_by, lift_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.legal_hold', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.legal_hold_hold_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.legal_hold');
SELECT lpr_data.only_adds('lpr_data.legal_hold', 'lifted_at', 'lifted_by', 'lift_reason');
CREATE INDEX legal_hold_event ON lpr_data.legal_hold (event_id) WHERE lifted_at IS NULL;
COMMENT ON TABLE lpr_data.legal_hold IS 'What must not be destroyed, whatever its schedule says: all that is saved for an event (E9).';
COMMENT ON COLUMN lpr_data.legal_hold.hold_id IS 'Number.';
COMMENT ON COLUMN lpr_data.legal_hold.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.legal_hold.authority IS 'Who orders it: a court, counsel, with the reference.';
COMMENT ON COLUMN lpr_data.legal_hold.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.legal_hold.placed_at IS 'Since when.';
COMMENT ON COLUMN lpr_data.legal_hold.placed_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.legal_hold.lifted_at IS 'When it was lifted; NULL: it stands.';
COMMENT ON COLUMN lpr_data.legal_hold.lifted_by IS 'By whom: somebody else.';
COMMENT ON COLUMN lpr_data.legal_hold.lift_reason IS 'Why.';

CREATE FUNCTION lpr_data.fresh_snapshots()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'active_sql_transaction',
            MESSAGE = format('this is not done in a transaction of isolation level %s', upper(current_setting('transaction_isolation'))),
            DETAIL = 'It would look at holds as they were when the transaction began.',
            HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.fresh_snapshots() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.fresh_snapshots() IS 'Refuses transactions in which a hold that was just placed could not be seen.';

CREATE FUNCTION lpr_data.is_held(event_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.legal_hold AS h WHERE h.event_id = is_held.event_id AND h.lifted_at IS NULL);
REVOKE ALL ON FUNCTION lpr_data.is_held(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.is_held(bigint) IS 'Whether a legal hold stands on an event (E9).';

CREATE FUNCTION lpr_data.refuse_held(event bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.fresh_snapshots();
    -- A hold that is being placed waits for us, or we for it.
    PERFORM FROM lpr_data.event AS e WHERE e.event_id = event FOR NO KEY UPDATE;
    IF lpr_data.is_held(event) THEN
        PERFORM lpr_data.refuse('E9', 'LP063', format('a legal hold stands on event %s', event), 'What is under a legal hold stays as it is.',
                                format('Ask %s; holds are lifted by lpr.lift_hold(…).', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.refuse_held(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.refuse_held(bigint) IS 'Refuses, error LP063, what a legal hold on an event forbids, and lets none be placed before the end of the transaction.';

CREATE FUNCTION lpr_data.holding()
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.acting(CASE WHEN lpr_data.holds(lpr_data.me(), 'lpr_privacy') THEN 'lpr_privacy' ELSE 'lpr_records_officer' END, 'E9');
END
$$;
REVOKE ALL ON FUNCTION lpr_data.holding() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.holding() IS 'The person who acts, as records or privacy officer. Errors LP024 and LP033.';

CREATE FUNCTION lpr.place_hold(event bigint, authority text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.holding();
    placed bigint;
BEGIN
    -- Waits for a destruction under way, and comes before the next one.
    PERFORM FROM lpr_data.event AS e WHERE e.event_id = event FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('event %s does not exist', coalesce(event::text, 'NULL'));
    END IF;
    IF (authority ~ '[^[:space:]]' AND authority !~ '[[:cntrl:]]' AND char_length(authority) <= 500) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a hold has an authority',
            DETAIL = 'It is a line of at most 500 characters.',
            HINT = 'For instance ''S.D. Cal., order of 2026-03-02, 26-cr-00417''.';
    END IF;
    PERFORM lpr_data.check_given(reason, 'E9');
    INSERT INTO lpr_data.legal_hold (event_id, authority, reason, placed_by) VALUES (place_hold.event, place_hold.authority, place_hold.reason, who) RETURNING hold_id INTO placed;
    RETURN placed;
END
$$;
REVOKE ALL ON FUNCTION lpr.place_hold(bigint, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.place_hold(bigint, text, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.place_hold(bigint, text, text) IS
    'Puts a legal hold on all that is or will be saved for an event, open or closed: nothing of it is destroyed or taken off until it is lifted (E9). By a records or privacy officer; returns its number. authority: who orders it, with the reference. Errors LP024 and LP033 (who may), LP043 (no reason).';

CREATE FUNCTION lpr.lift_hold(hold bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.holding();
    h lpr_data.legal_hold;
BEGIN
    SELECT x.* INTO h FROM lpr_data.legal_hold AS x WHERE x.hold_id = hold FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('hold %s does not exist', coalesce(hold::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.holds;';
    END IF;
    IF h.lifted_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('hold %s is lifted already', hold), 'A hold is lifted once.', 'SELECT * FROM lpr.holds;');
    END IF;
    IF h.placed_by = who THEN
        PERFORM lpr_data.refuse('E9', 'LP033', format('you placed hold %s yourself', hold), 'A hold is lifted by somebody else than placed it.',
                                format('Ask %s.', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    UPDATE lpr_data.legal_hold AS x SET lifted_at = clock_timestamp(), lifted_by = who, lift_reason = lift_hold.reason WHERE x.hold_id = hold;
END
$$;
REVOKE ALL ON FUNCTION lpr.lift_hold(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.lift_hold(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.lift_hold(bigint, text) IS
    'Lifts a legal hold, for good: by a records or privacy officer who did not place it (E9). Errors LP024 and LP033 (who may), LP034 (lifted already), LP043 (the reason says nothing).';
-- 59-destroy: what is kept no longer goes (E9): a list of what is due, a second person who releases it, tables written anew without it, a certificate.

-- Statistics are copies of what they are about, in a catalogue that outlives the rows: none of what was read.
ALTER TABLE lpr_data.event_read
    ALTER read_id SET STATISTICS 0, ALTER plate SET STATISTICS 0, ALTER plate_region SET STATISTICS 0, ALTER captured_at SET STATISTICS 0, ALTER latitude SET STATISTICS 0,
    ALTER longitude SET STATISTICS 0, ALTER plate_as_read SET STATISTICS 0, ALTER address SET STATISTICS 0, ALTER camera_id SET STATISTICS 0,
    ALTER camera_owner SET STATISTICS 0, ALTER camera_type SET STATISTICS 0, ALTER make SET STATISTICS 0, ALTER model SET STATISTICS 0, ALTER color SET STATISTICS 0,
    ALTER confidence SET STATISTICS 0, ALTER matched_how SET STATISTICS 0, ALTER plate_image SET STATISTICS 0, ALTER vehicle_image SET STATISTICS 0,
    ALTER relevance SET STATISTICS 0, ALTER digest SET STATISTICS 0, ALTER proof SET STATISTICS 0;
ALTER TABLE lpr_data.correction ALTER value SET STATISTICS 0, ALTER reason SET STATISTICS 0;
ALTER TABLE lpr_data.image ALTER sha256 SET STATISTICS 0, ALTER content SET STATISTICS 0;
-- An image that goes looks for the reads that have it.
CREATE INDEX event_read_plate_image ON lpr_data.event_read (plate_image) WHERE plate_image IS NOT NULL;
CREATE INDEX event_read_vehicle_image ON lpr_data.event_read (vehicle_image) WHERE vehicle_image IS NOT NULL;

CREATE TABLE lpr_data.destruction_order (
    order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    made_by integer REFERENCES lpr_data.person,
    reads bigint NOT NULL CHECK (reads > 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'superseded', 'done'))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.destruction_order', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.destruction_order_order_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.destruction_order');
SELECT lpr_data.only_adds('lpr_data.destruction_order', 'state');
CREATE UNIQUE INDEX destruction_order_waiting ON lpr_data.destruction_order (state) WHERE state = 'waiting';
COMMENT ON TABLE lpr_data.destruction_order IS 'Lists of what was due for destruction: counts and digests, no content (E9). One at a time waits to be released.';
COMMENT ON COLUMN lpr_data.destruction_order.order_id IS 'Number.';
COMMENT ON COLUMN lpr_data.destruction_order.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr_data.destruction_order.made_by IS 'By whom; NULL: a job, or a superuser.';
COMMENT ON COLUMN lpr_data.destruction_order.reads IS 'How many reads.';
COMMENT ON COLUMN lpr_data.destruction_order.digest IS 'SHA-256 over its parts: number of the event (8 bytes), of the schedule (4), reads (8), digest; in that order.';
COMMENT ON COLUMN lpr_data.destruction_order.state IS 'waiting, superseded (by what was due later), or done.';

CREATE TABLE lpr_data.destruction_part (
    order_id bigint NOT NULL REFERENCES lpr_data.destruction_order,
    event_id bigint NOT NULL REFERENCES lpr_data.event,
    schedule_id integer NOT NULL REFERENCES lpr_data.schedule,
    reads bigint NOT NULL CHECK (reads > 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    state text COLLATE "C" NOT NULL DEFAULT 'listed' CHECK (state IN ('listed', 'destroyed', 'held', 'changed')),
    PRIMARY KEY (order_id, event_id, schedule_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.destruction_part', '');
SELECT lpr_data.audit_changes_of('lpr_data.destruction_part');
SELECT lpr_data.only_adds('lpr_data.destruction_part', 'state');
COMMENT ON TABLE lpr_data.destruction_part IS 'What an order lists: a row an event and schedule (E9).';
COMMENT ON COLUMN lpr_data.destruction_part.order_id IS 'The order.';
COMMENT ON COLUMN lpr_data.destruction_part.event_id IS 'For which event they were saved.';
COMMENT ON COLUMN lpr_data.destruction_part.schedule_id IS 'By which schedule they are due.';
COMMENT ON COLUMN lpr_data.destruction_part.reads IS 'How many reads.';
COMMENT ON COLUMN lpr_data.destruction_part.digest IS 'SHA-256 over SHA-256 over the digests of up to 1,000 reads each: those whose saved_id has the same thousands; all by saved_id.';
COMMENT ON COLUMN lpr_data.destruction_part.state IS 'listed; after the release destroyed, held (a legal hold stood), or changed (it was no longer what was listed).';

CREATE TABLE lpr_data.destruction_certificate (
    order_id bigint PRIMARY KEY REFERENCES lpr_data.destruction_order,
    done_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    released_by integer NOT NULL REFERENCES lpr_data.person,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    reads bigint NOT NULL,
    corrections bigint NOT NULL,
    images bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    rewritten text[] NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.destruction_certificate', '');
SELECT lpr_data.audit_changes_of('lpr_data.destruction_certificate');
SELECT lpr_data.only_adds('lpr_data.destruction_certificate');
COMMENT ON TABLE lpr_data.destruction_certificate IS 'That what an order listed is gone from the tables and their files (E9).';
COMMENT ON COLUMN lpr_data.destruction_certificate.order_id IS 'The order.';
COMMENT ON COLUMN lpr_data.destruction_certificate.done_at IS 'When.';
COMMENT ON COLUMN lpr_data.destruction_certificate.released_by IS 'Who released it: not who made the order, and none whose reads or event it was.';
COMMENT ON COLUMN lpr_data.destruction_certificate.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.destruction_certificate.reads IS 'Reads destroyed.';
COMMENT ON COLUMN lpr_data.destruction_certificate.corrections IS 'Corrections of theirs.';
COMMENT ON COLUMN lpr_data.destruction_certificate.images IS 'Images that no other read has.';
COMMENT ON COLUMN lpr_data.destruction_certificate.digest IS 'As of the order, over the parts that were destroyed.';
COMMENT ON COLUMN lpr_data.destruction_certificate.rewritten IS 'Tables that were written anew, so that no file holds what was destroyed.';

CREATE FUNCTION lpr_data.kept_reads()
    RETURNS TABLE (saved_id bigint, event_id bigint, schedule_id integer, digest bytea, due_at timestamp with time zone)
    LANGUAGE sql STABLE
BEGIN ATOMIC -- no SET: the planner inlines it
    SELECT r.saved_id, r.event_id, u.schedule_id, r.digest,
           CASE WHEN e.closed_at IS NOT NULL OR NOT u.life_of_matter
                THEN greatest((CASE u.runs_from WHEN 'saved' THEN r.saved_at ELSE e.closed_at END AT TIME ZONE 'UTC' + u.base_period) AT TIME ZONE 'UTC',
                              CASE WHEN u.life_of_matter THEN e.closed_at END) END
    FROM lpr_data.event_read AS r
    JOIN lpr_data.event AS e ON e.event_id = r.event_id
    -- A schedule that was withdrawn is followed by the one in force. OFFSET 0: looked up once a schedule, not once a read.
    LEFT JOIN (SELECT o.schedule_id AS own, s.schedule_id, s.base_period, s.runs_from, s.life_of_matter
               FROM (SELECT x.schedule_id, CASE WHEN lpr_data.is_verified(x.schedule_id) THEN x.schedule_id ELSE lpr_data.schedule_in_force(x.records) END AS follows
                     FROM lpr_data.schedule AS x OFFSET 0) AS o
               JOIN lpr_data.schedule AS s ON s.schedule_id = o.follows OFFSET 0) AS u ON u.own = r.schedule_id;
END;
REVOKE ALL ON FUNCTION lpr_data.kept_reads() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.kept_reads() IS
    'What is saved, with the schedule that it is kept by and when it is due for destruction: at the end of the base period, or of the matter where its life counts and it is longer. NULL: not before its event is closed, or no schedule may be used.';

CREATE FUNCTION lpr_data.due_parts(moment timestamp with time zone)
    RETURNS TABLE (event_id bigint, schedule_id integer, reads bigint, digest bytea)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.event_id, c.schedule_id, sum(c.reads)::bigint, sha256(string_agg(c.digest, '' ORDER BY c.thousand))
    FROM (SELECT k.event_id, k.schedule_id, k.saved_id / 1000 AS thousand, count(*) AS reads, sha256(string_agg(k.digest, '' ORDER BY k.saved_id)) AS digest
          FROM lpr_data.kept_reads() AS k
          WHERE k.due_at <= due_parts.moment AND NOT EXISTS (SELECT FROM lpr_data.legal_hold AS h WHERE h.event_id = k.event_id AND h.lifted_at IS NULL)
          GROUP BY k.event_id, k.schedule_id, k.saved_id / 1000) AS c
    GROUP BY c.event_id, c.schedule_id;
END;
REVOKE ALL ON FUNCTION lpr_data.due_parts(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.due_parts(timestamptz) IS 'What was due for destruction then, and is not held now, by event and schedule.';

CREATE FUNCTION lpr_data.digest_of_part(event_id bigint, schedule_id integer, reads bigint, digest bytea)
    RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8send(event_id) || int4send(schedule_id) || int8send(reads) || digest;
REVOKE ALL ON FUNCTION lpr_data.digest_of_part(bigint, integer, bigint, bytea) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.digest_of_part(bigint, integer, bigint, bytea) IS 'A part of an order as its digest has it.';

CREATE FUNCTION lpr.destroy_due()
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer;
    moment timestamptz := clock_timestamp();
    waiting lpr_data.destruction_order;
    events bigint[];
    schedules integer[];
    counts bigint[];
    digests bytea[];
    total bigint;
    whole bytea;
    made bigint;
BEGIN
    -- The server's job runs as a superuser, who is nobody.
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        who := lpr_data.acting('lpr_records_officer', 'E9');
    END IF;
    PERFORM lpr_data.fresh_snapshots();
    LOCK TABLE lpr_data.destruction_order IN SHARE ROW EXCLUSIVE MODE;
    SELECT array_agg(d.event_id), array_agg(d.schedule_id), array_agg(d.reads), array_agg(d.digest), sum(d.reads),
           sha256(string_agg(lpr_data.digest_of_part(d.event_id, d.schedule_id, d.reads, d.digest), '' ORDER BY d.event_id, d.schedule_id))
    INTO events, schedules, counts, digests, total, whole
    FROM lpr_data.due_parts(moment) AS d;
    SELECT o.* INTO waiting FROM lpr_data.destruction_order AS o WHERE o.state = 'waiting';
    IF waiting.digest = whole THEN
        RETURN waiting.order_id;
    END IF;
    UPDATE lpr_data.destruction_order AS o SET state = 'superseded' WHERE o.state = 'waiting';
    IF total IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO lpr_data.destruction_order (made_at, made_by, reads, digest) VALUES (moment, who, total, whole) RETURNING order_id INTO made;
    INSERT INTO lpr_data.destruction_part (order_id, event_id, schedule_id, reads, digest)
    SELECT made, p.* FROM unnest(events, schedules, counts, digests) AS p;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION lpr.destroy_due() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.destroy_due()
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.destroy_due() IS
    'Lists what is due for destruction and not held, and returns the number of that order, NULL when nothing is; destroys nothing: lpr.release_destruction() does (E9). An order that waits is returned again while it lists the same, and superseded else. By the server''s job, or a records officer. Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.rewrite(kept_table regclass)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_rewrite';
REVOKE ALL ON FUNCTION lpr_data.rewrite(regclass) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.rewrite(regclass) IS 'Writes a table and its indexes anew, into new files, with what is left of it: neither DELETE nor VACUUM takes content out of files.';

CREATE FUNCTION lpr_data.lock_saved()
    RETURNS regclass[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    saved regclass;
    all_saved regclass[];
BEGIN
    -- Saved reads, and what goes with them.
    WITH RECURSIVE t AS (SELECT 'lpr_data.event_read'::regclass::oid AS oid
                         UNION SELECT c.conrelid FROM pg_constraint AS c JOIN t ON c.confrelid = t.oid WHERE c.contype = 'f' AND c.confdeltype = 'c')
    SELECT array_agg(t.oid::regclass ORDER BY t.oid) INTO all_saved FROM t;
    FOREACH saved IN ARRAY all_saved || 'lpr_data.image'::regclass
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', saved);
    END LOOP;
    -- Whoever places a hold, or withdraws a schedule, waits now; who has begun to comes first.
    LOCK TABLE lpr_data.legal_hold, lpr_data.schedule_step IN SHARE MODE;
    RETURN all_saved;
EXCEPTION
    WHEN lock_not_available THEN
        RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = 'saved reads or holds are in use just now',
            DETAIL = 'Destruction has their tables for itself, and waits for them for 10 seconds.',
            HINT = 'Try again later, or find who holds them: SELECT pid FROM pg_locks WHERE relation = ''lpr_data.event_read''::regclass;';
END
$$;
REVOKE ALL ON FUNCTION lpr_data.lock_saved() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.lock_saved() IS 'Takes the tables of saved reads, and of all that goes with them, for this transaction alone; returns them, but for the images.';

CREATE FUNCTION lpr.release_destruction(order_id bigint, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
AS $$
#variable_conflict use_column
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E9');
    o lpr_data.destruction_order;
    saved regclass[];
    images bytea[];
    gone bigint;
    gone_images bigint;
    corrections bigint;
BEGIN
    PERFORM lpr_data.fresh_snapshots();
    SELECT x.* INTO o FROM lpr_data.destruction_order AS x WHERE x.order_id = release_destruction.order_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('order %s does not exist', coalesce(release_destruction.order_id::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.destruction_orders;';
    END IF;
    IF o.state <> 'waiting' THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('order %s is %s', release_destruction.order_id, o.state), 'Only an order that waits is released.', 'SELECT * FROM lpr.destruction_orders;');
    END IF;
    IF o.made_by = who
       OR EXISTS (SELECT FROM lpr_data.destruction_part AS p JOIN lpr_data.event_member AS m ON m.event_id = p.event_id AND m.person_id = who WHERE p.order_id = release_destruction.order_id)
       OR EXISTS (SELECT FROM lpr_data.destruction_part AS p JOIN lpr_data.event_read AS r ON r.event_id = p.event_id AND r.saved_by = who WHERE p.order_id = release_destruction.order_id) THEN
        PERFORM lpr_data.refuse('E9', 'LP033', format('order %s is not yours to release', release_destruction.order_id),
                                'Destruction is released by a records officer who neither made the order nor works, or saved reads, on an event in it.',
                                format('Ask %s.', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    saved := lpr_data.lock_saved();
    -- What was listed goes, and nothing else: counted and digested again, now that nobody can change it, and without what is held by now.
    UPDATE lpr_data.destruction_part AS p
    SET state = CASE WHEN lpr_data.is_held(p.event_id) THEN 'held' WHEN d.reads = p.reads AND d.digest = p.digest THEN 'destroyed' ELSE 'changed' END
    FROM lpr_data.destruction_part AS x
    LEFT JOIN lpr_data.due_parts(o.made_at) AS d ON d.event_id = x.event_id AND d.schedule_id = x.schedule_id
    WHERE x.order_id = release_destruction.order_id AND (p.order_id, p.event_id, p.schedule_id) = (x.order_id, x.event_id, x.schedule_id);
    IF NOT EXISTS (SELECT FROM lpr_data.destruction_part AS p WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed') THEN
        IF EXISTS (SELECT FROM lpr_data.destruction_part AS p WHERE p.order_id = release_destruction.order_id AND p.state = 'held') THEN
            PERFORM lpr_data.refuse('E9', 'LP063', format('a legal hold stands on all that order %s lists', release_destruction.order_id), 'What is under a legal hold stays as it is.', 'SELECT * FROM lpr.holds;');
        END IF;
        PERFORM lpr_data.refuse('E9', 'LP034', format('order %s no longer lists what is due', release_destruction.order_id), 'Only what was listed goes.', 'SELECT lpr.destroy_due(); lists anew.');
    END IF;
    corrections := (SELECT count(*) FROM lpr_data.correction AS c);
    WITH gone_reads AS (
        DELETE FROM lpr_data.event_read AS r
        USING lpr_data.destruction_part AS p, lpr_data.kept_reads() AS k
        WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed' AND k.event_id = p.event_id AND k.schedule_id = p.schedule_id AND k.due_at <= o.made_at
          AND r.saved_id = k.saved_id
        RETURNING r.plate_image, r.vehicle_image
    )
    SELECT count(*), (SELECT array_agg(DISTINCT i) FROM gone_reads AS x, unnest(ARRAY[x.plate_image, x.vehicle_image]) AS i WHERE i IS NOT NULL)
    INTO gone, images FROM gone_reads;
    DELETE FROM lpr_data.image AS i WHERE i.sha256 = ANY (images)
       AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE r.plate_image = i.sha256) AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE r.vehicle_image = i.sha256);
    GET DIAGNOSTICS gone_images = ROW_COUNT;
    corrections := corrections - (SELECT count(*) FROM lpr_data.correction AS c);
    IF gone_images > 0 THEN
        saved := saved || 'lpr_data.image'::regclass;
    END IF;
    PERFORM lpr_data.rewrite(t) FROM unnest(saved) AS t;
    UPDATE lpr_data.destruction_order AS x SET state = 'done' WHERE x.order_id = release_destruction.order_id;
    INSERT INTO lpr_data.destruction_certificate (order_id, released_by, reason, reads, corrections, images, digest, rewritten)
    SELECT release_destruction.order_id, who, release_destruction.reason, gone, corrections, gone_images,
           sha256(string_agg(lpr_data.digest_of_part(p.event_id, p.schedule_id, p.reads, p.digest), '' ORDER BY p.event_id, p.schedule_id)), saved::text[]
    FROM lpr_data.destruction_part AS p WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed'
    HAVING sum(p.reads) = gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'internal_error', MESSAGE = format('order %s: %s reads went, others were listed', release_destruction.order_id, gone);
    END IF;
    RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION lpr.release_destruction(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.release_destruction(bigint, text)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.release_destruction(bigint, text) IS
    'Destroys what an order lists: deletes it with its corrections and the images that no other read has, writes their tables anew, so that no data file holds it, and leaves a certificate, all in one transaction; returns how many reads (E9). By a records officer who neither made the order nor works on an event in it. What a hold was placed on meanwhile, or is not as it was listed, stays. Errors LP024 and LP033 (who may), LP034 (the order does not wait, or lists what is not due), LP043 (the reason says nothing), LP063 (all of it is held), 55P03 (saved reads are in use). Copies outside the database, such as archived WAL and backups, have their own end.';

CREATE FUNCTION lpr.retention()
    RETURNS TABLE (event_id bigint, system text, matter_reference text, closed_at timestamp with time zone, schedule integer, reads bigint, due bigint,
                   next_due_at timestamp with time zone, held boolean, waits_for text)
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT lpr_data.acts_as('lpr_privacy', 'lpr_oversight') THEN
        PERFORM lpr_data.acting('lpr_records_officer', 'E9');
    END IF;
    RETURN QUERY
        SELECT k.event_id, e.system, e.matter_reference, e.closed_at, k.schedule_id, k.reads, k.due, k.next_due_at, lpr_data.is_held(k.event_id),
               CASE WHEN k.schedule_id IS NULL THEN 'a verified schedule'
                    WHEN lpr_data.is_held(k.event_id) THEN 'the end of a legal hold'
                    WHEN k.undecided > 0 THEN CASE WHEN e.ends_at <= clock_timestamp() THEN 'its event to be closed: it has run out' ELSE 'its event to be closed' END
                    WHEN k.due > 0 THEN 'its release'
                    ELSE 'its time' END
        FROM (SELECT r.event_id, r.schedule_id, count(*) AS reads, count(*) FILTER (WHERE r.due_at <= clock_timestamp()) AS due,
                     min(r.due_at) FILTER (WHERE r.due_at > clock_timestamp()) AS next_due_at, count(*) FILTER (WHERE r.due_at IS NULL) AS undecided
              FROM lpr_data.kept_reads() AS r GROUP BY r.event_id, r.schedule_id) AS k
        JOIN lpr_data.event AS e ON e.event_id = k.event_id
        ORDER BY k.event_id, k.schedule_id;
END
$$;
REVOKE ALL ON FUNCTION lpr.retention() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retention()
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON FUNCTION lpr.retention() IS
    'What is saved, counted by event and schedule: how much of it is due for destruction, when the next will be, whether a legal hold stands, and what it waits for (E9). For records officers, privacy and oversight. Errors LP024 and LP033.';
-- 60-gate: the rules of the gate, where an auditor can read them: psql's \sf lpr_data.gate shows them.
--
-- The audit writer asks this function about every question, in its own transaction and with a fresh snapshot, before anything is asked or shown. What it is
-- given was taken from the session by the library, not from anything that a person can set.

CREATE FUNCTION lpr_data.has_dialect_mode(source text, mode text)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_has_dialect_mode';
REVOKE ALL ON FUNCTION lpr_data.has_dialect_mode(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.has_dialect_mode(text, text) IS 'Whether the dialect of a source can be asked by plate, location or vehicle (Q11).';

CREATE FUNCTION lpr_data.asked(scope text, per text, login oid, event_id bigint)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_judge_asked';
REVOKE ALL ON FUNCTION lpr_data.asked(text, text, oid, bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.asked(text, text, oid, bigint) IS 'How many questions a person (scope) asked, or were asked for an event, within the last hour or day. Known to the audit writer only; elsewhere an error.';

CREATE FUNCTION lpr_data.gate(
    login oid,
    same_user boolean,
    remote boolean,
    encrypted boolean,
    client boolean,
    agreed integer,
    source text,
    mode text,
    event_id bigint,
    since timestamp with time zone,
    until timestamp with time zone,
    radius_m double precision,
    address_length integer
)
    RETURNS TABLE (control text, sqlstate text, message text, detail text, hint text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    -- One line a rule: what must be true, else its control, SQLSTATE, message, what the rule is, what to do. The first that is not kept refuses.
    SELECT r.refusal[1], r.refusal[2],
           replace(replace(replace(replace(replace(r.refusal[3], '{source}', coalesce(gate.source, '?')), '{login}', coalesce(gate.login::regrole::text, '?')),
                   '{mode}', CASE gate.mode WHEN 'location' THEN 'place' ELSE coalesce(gate.mode, '?') END),
                   '{event}', coalesce(gate.event_id::text, '?')), '{system}', coalesce(e.system, '?')),
           r.refusal[4], r.refusal[5]
    FROM (VALUES (true)) AS one
    LEFT JOIN pg_authid AS u ON u.oid = gate.login
    LEFT JOIN lpr_data.person AS p ON p.login = u.rolname::text COLLATE "C"
    LEFT JOIN lpr_data.event AS e ON e.event_id = gate.event_id
    LEFT JOIN lpr_data.search_limit AS l ON l.mode = gate.mode
    CROSS JOIN LATERAL (SELECT CASE
        WHEN (gate.same_user) IS NOT TRUE THEN ARRAY['A1', 'LP021', 'the session''s user is not the login that connected',
            'Questions are asked by the login that authenticated, as itself.', 'RESET SESSION AUTHORIZATION; or connect as yourself.']
        WHEN (NOT u.rolsuper AND pg_has_role(u.oid, 'lpr_user', 'MEMBER')) IS NOT TRUE THEN ARRAY['A1', 'LP022', 'login {login} may not ask',
            'Only members of role lpr_user ask, and no superuser.', 'Ask an administrator for access.']
        WHEN (gate.encrypted OR NOT gate.remote) IS NOT TRUE THEN ARRAY['A6', 'LP023', 'the connection is not encrypted',
            'Over a network a question is asked through TLS only.', 'Connect with sslmode=verify-full.']
        WHEN (gate.client) IS NOT TRUE THEN ARRAY['A5', 'LP029', 'nobody is connected who could agree to the rules',
            'Questions are asked by a person at a client, not by a job or another session of this server.', 'Connect with a client of your own.']
        WHEN (p.left_at IS NULL AND p.kind = 'personal' AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = u.oid)) IS NOT TRUE THEN ARRAY['A1', 'LP024', 'login {login} is not one person''s own',
            'Questions are asked under the personal login of a registered person, which no other role is a member of.', 'Ask an administrator: lpr.add_person(…) registers you, under a login that is nobody else''s.']
        WHEN (gate.agreed = (SELECT max(t.version) FROM lpr_data.rules AS t)) IS NOT TRUE THEN ARRAY['A5', 'LP028', 'you have not agreed to the rules in this session',
            'Before the first question of a session its user agrees to the rules of use, as they stand now.', 'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''…the code…'');']
        WHEN (gate.mode IN ('plate', 'location', 'vehicle', 'saved')) IS NOT TRUE THEN ARRAY['Q2', 'LP001', 'the question has no anchor',
            'A question starts from a plate, a place or the make of a vehicle.', 'Use lpr.search_plate(…), lpr.search_location(…) or lpr.search_vehicle(…).']
        WHEN (gate.event_id IS NOT NULL) IS NOT TRUE THEN ARRAY['Q7', 'LP040', 'the question names no event',
            'Every question is asked for an open event of one''s own.', 'SELECT lpr.work_on(…); names one for this session, event_id => … for one question; SELECT * FROM lpr.events; shows yours.']
        WHEN (EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.person_id = p.person_id AND m.event_id = gate.event_id)) IS NOT TRUE THEN ARRAY['Q7', 'LP041', 'event {event} is not yours',
            'A question is asked for an event whose owner or member one is, and which is committed.', 'SELECT * FROM lpr.events; shows yours. If you have just opened it: COMMIT first.']
        WHEN (gate.mode = 'saved' OR e.closed_at IS NULL AND clock_timestamp() >= e.opened_at AND clock_timestamp() < e.ends_at) IS NOT TRUE THEN ARRAY['Q7', 'LP042', 'event {event} is over',
            'A question is asked for an event that is open, within its dates.', 'SELECT * FROM lpr.events; tells its dates. Its owner can extend it unless it is closed: lpr.extend_event(…).']
        WHEN (EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = p.person_id AND a.state = 'granted' AND clock_timestamp() >= a.granted_at AND clock_timestamp() < a.ends_at
                      AND e.system = ANY (a.systems) AND (gate.mode = 'saved' OR gate.source = ANY (a.sources) AND gate.mode = ANY (a.modes)))) IS NOT TRUE THEN ARRAY['A7', 'LP025', CASE gate.mode WHEN 'saved' THEN 'you have no access for system {system}' ELSE 'you have no access to source "{source}" by {mode} for system {system}' END,
            'An entitlement covers systems, sources and search modes, was approved twice, and ends.', 'SELECT * FROM lpr.my_access; shows what you have, lpr.request_access(…) requests more.']
        WHEN ((SELECT count(*) >= 4 AND bool_and(EXISTS (SELECT FROM lpr_data.training AS t
                      WHERE t.person_id = p.person_id AND t.course = c.code AND clock_timestamp() >= t.recorded_at AND clock_timestamp() < t.valid_until))
               FROM lpr_data.course AS c WHERE c.required)) IS NOT TRUE THEN ARRAY['A3', 'LP026', 'your training is not current',
            'All required courses must have been completed within the last year.', 'SELECT * FROM lpr.my_access; shows which are missing; a training officer records them.']
        WHEN (clock_timestamp() < coalesce((SELECT max(c.valid_until) FROM lpr_data.recertification AS c WHERE c.person_id = p.person_id AND clock_timestamp() >= c.at),
                      (SELECT min(a.granted_at) FROM lpr_data.access AS a WHERE a.person_id = p.person_id) + interval '1 year')) IS NOT TRUE THEN ARRAY['A4', 'LP027', 'your access has not been recertified',
            'A government lead confirms every access once a year.', 'Ask a government lead: SELECT lpr.recertify(…).']
        -- What is kept for an event was asked of a source already: here its rules end.
        WHEN (gate.mode = 'saved') THEN NULL
        WHEN (EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = gate.source AND s.enabled AND s.approved_on <= lpr_data.utc_today())) IS NOT TRUE THEN ARRAY['Q10', 'LP003', 'source "{source}" is not enabled',
            'A source is asked only once its privacy assessment is on record as approved.', 'Ask an administrator to record it with lpr.approve_source(…).']
        WHEN (SELECT has_server_privilege(gate.login, f.oid, 'USAGE') FROM pg_foreign_server AS f WHERE f.srvname = gate.source) IS NOT TRUE THEN ARRAY['Q10', 'LP004',
            'source "{source}" is not granted to you', 'A source is asked only by those it was granted to.', 'Ask an administrator to be granted the source.']
        WHEN (lpr_data.has_dialect_mode(gate.source, gate.mode)) IS NOT TRUE THEN ARRAY['Q11', 'LP005', 'source "{source}" cannot be asked by {mode}',
            'Not every vendor can be asked by plate, by place and by vehicle.', 'SELECT * FROM lpr.sources; tells what each source can be asked by.']
        WHEN (gate.since >= clock_timestamp() - interval '5 years 1 minute' AND gate.since <= gate.until) IS NOT TRUE THEN ARRAY['Q6', 'LP006', 'the question reaches back more than five years',
            'Nothing older than five years is asked for.', 'Ask for a shorter time.']
        WHEN (gate.mode = 'plate' OR gate.radius_m <= l.radius_m
              OR gate.radius_m IS NULL AND (CASE gate.mode WHEN 'location' THEN gate.address_length >= l.address_length ELSE l.radius_m IS NULL END)) IS NOT TRUE THEN ARRAY['Q8', 'LP044', 'the question covers too large an area',
            'Without a plate a question stays within the area that lpr.limits shows.', 'Take a smaller radius_m, or a point with a radius instead of the address.']
        WHEN (gate.mode = 'plate' OR gate.since >= gate.until - l.span - interval '10 minutes') IS NOT TRUE THEN ARRAY['Q8', 'LP045', 'the question covers too long a time',
            'Without a plate a question stays within the time that lpr.limits shows.', 'Name a shorter time, for instance since => now() - interval ''7 days''.']
        WHEN ((SELECT count(*) = 4 AND bool_and(lpr_data.asked(q.scope, q.per, gate.login, gate.event_id) < q.questions) FROM lpr_data.rate_limit AS q)) IS NOT TRUE THEN ARRAY['Q8', 'LP046', 'too many questions were asked',
            'A person asks, and for an event is asked, only so much within an hour and a day; lpr.limits shows it.', 'Wait, or ask an administrator.']
        END OFFSET 0) AS r (refusal) -- OFFSET 0: decided once, not once a column
    WHERE r.refusal IS NOT NULL
$$;
REVOKE ALL ON FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, boolean, integer, text, text, bigint, timestamptz, timestamptz, double precision, integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, boolean, integer, text, text, bigint, timestamptz, timestamptz, double precision, integer) IS
    'The gate: no row lets a question through, a row refuses it, with control, SQLSTATE, message, detail and hint. Asked by the audit writer about every question to every source, before it is sent or answered. A rule that can not be decided refuses.';
-- 70-mail: what people are told by mail (A2). A mail is a row of the outbox, written in the transaction that is its cause; a worker of its own sends it
-- once that is committed. No plate, no case and no result is ever in one: a text takes only what lpr_data.mail_placeholders() lists.

CREATE FUNCTION lpr_data.is_line(value text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]';
REVOKE ALL ON FUNCTION lpr_data.is_line(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.is_line(text) IS 'Whether a text is one line: no control character, no separator of lines.';

CREATE FUNCTION lpr_data.mail_placeholders(kind text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind
    WHEN 'authorization' THEN ARRAY['name', 'ends_on', 'systems', 'sources', 'modes']
    WHEN 'request_waiting' THEN ARRAY['name', 'requester']
    WHEN 'denied' THEN ARRAY['name']
    WHEN 'suspended' THEN ARRAY['name']
    WHEN 'revoked' THEN ARRAY['name']
    WHEN 'training_due' THEN ARRAY['name', 'course', 'days', 'ends_on']
    WHEN 'recertification_due' THEN ARRAY['name', 'days', 'ends_on']
    WHEN 'access_ends' THEN ARRAY['name', 'days', 'ends_on']
    END;
REVOKE ALL ON FUNCTION lpr_data.mail_placeholders(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.mail_placeholders(text) IS 'The kinds of mail, and what may be filled into each; NULL = no such kind. name is always that of the person it goes to (A2).';

CREATE FUNCTION lpr_data.mail_placeholders_of(template text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(template, '\{([a-z_]+)\}', 'g') AS m);
REVOKE ALL ON FUNCTION lpr_data.mail_placeholders_of(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.mail_placeholders_of(text) IS 'The placeholders in a text, without their braces.';

-- A text of one's own stands beside the shipped one and goes before it: so a dump holds what an administrator wrote and nothing else, a restore brings it
-- back beside the texts of CREATE EXTENSION, and an update of lpr can better those.
CREATE TABLE lpr_data.mail_text (
    kind text COLLATE "C" NOT NULL,
    shipped boolean NOT NULL DEFAULT false,
    subject text NOT NULL CHECK (subject ~ '[^[:space:]]' AND char_length(subject) <= 200 AND lpr_data.is_line(subject)),
    body text NOT NULL CHECK (body ~ '[^[:space:]]' AND char_length(body) <= 10000 AND lpr_data.is_line(replace(body, E'\n', ''))),
    PRIMARY KEY (kind, shipped),
    CONSTRAINT kind_of_mail CHECK (lpr_data.mail_placeholders(kind) IS NOT NULL),
    CONSTRAINT placeholders CHECK (lpr_data.mail_placeholders_of(subject || body) <@ lpr_data.mail_placeholders(kind)
                                   AND regexp_replace(subject || body, '\{[a-z_]+\}', '', 'g') !~ '[{}]')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail_text', 'WHERE NOT shipped');
COMMENT ON TABLE lpr_data.mail_text IS 'The texts of mails, with {placeholders}: those that came with lpr, and an administrator''s own, which go before them (A2).';
COMMENT ON COLUMN lpr_data.mail_text.kind IS 'What it tells: see lpr_data.mail_placeholders().';
COMMENT ON COLUMN lpr_data.mail_text.shipped IS 'Whether it came with lpr.';
COMMENT ON COLUMN lpr_data.mail_text.subject IS 'One line, at most 200 characters.';
COMMENT ON COLUMN lpr_data.mail_text.body IS 'Plain text, lines ended by LF, at most 10,000 characters.';

INSERT INTO lpr_data.mail_text (kind, shipped, subject, body)
VALUES
('authorization', true, 'You are authorized to use license plate reader data',
$$To {name}

You are authorized to use license plate reader (LPR) data until {ends_on}:
systems: {systems}
sources: {sources}
searches by: {modes}

Appropriate use:
- Ask only for an ongoing enforcement or border-security activity that you
  work on, and under its event. Not to find new leads or patterns, not out of
  curiosity, never for private reasons, never for somebody else.
- Ask for no more than the activity needs, and save only what is relevant.
- A read may be wrong, and a vehicle is not a person: take no action on LPR
  data alone.
- Show and pass on LPR data only to those who may have it, and only as the
  rules of its system of records say.
- Your login is yours alone.

Every query is on record with your name and is reviewed.

Improper use may bring discipline, up to removal, besides civil and criminal
penalties, and ends your access.

Your access also ends when a mandatory course lapses, when it is not
recertified within a year, or when you agree to the rules no more.
$$),
('request_waiting', true, 'A request for access to license plate reader data waits for you',
$$To {name}

{requester} asks for access to license plate reader data. The request waits
for your decision.

Approve it only if the need to know that it states is real and current;
otherwise deny it, with the reason.
$$),
('denied', true, 'Your request for access to license plate reader data was denied',
$$To {name}

Your request for access to license plate reader data was denied. The reason
is with your request.
$$),
('suspended', true, 'Your access to license plate reader data is suspended',
$$To {name}

Your access to license plate reader data is suspended from now on. The reason
is with your access. Ask your supervisor.
$$),
('revoked', true, 'Your access to license plate reader data was revoked',
$$To {name}

Your access to license plate reader data was revoked and has ended. The
reason is with your access. Ask your supervisor.
$$),
('training_due', true, 'A mandatory course of yours ends within {days} day(s)',
$$To {name}

Your completion of the mandatory course "{course}" counts until {ends_on},
which is within {days} day(s). From then on your queries of license plate
reader data are refused until you have completed it again.
$$),
('recertification_due', true, 'Your access to license plate reader data needs to be recertified within {days} day(s)',
$$To {name}

Your access to license plate reader data is certified until {ends_on}, which
is within {days} day(s). From then on your queries are refused until your
lead has recertified it. Ask your lead.
$$),
('access_ends', true, 'Your access to license plate reader data ends within {days} day(s)',
$$To {name}

Your access to license plate reader data ends on {ends_on}, which is within
{days} day(s). If you still need it, request it again.
$$);
SELECT lpr_data.audit_changes_of('lpr_data.mail_text');

CREATE FUNCTION lpr.set_mail_text(kind text, subject text, body text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allowed text[] := lpr_data.mail_placeholders(kind);
BEGIN
    IF allowed IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such kind of mail: %L', kind),
            HINT = format('Kinds: %s.', (SELECT string_agg(t.kind, ', ' ORDER BY t.kind) FROM lpr_data.mail_text AS t WHERE t.shipped));
    END IF;
    IF subject IS NULL AND body IS NULL THEN
        DELETE FROM lpr_data.mail_text AS t WHERE t.kind = set_mail_text.kind COLLATE "C" AND NOT t.shipped;
        RETURN;
    END IF;
    INSERT INTO lpr_data.mail_text AS t (kind, subject, body)
    VALUES (set_mail_text.kind, set_mail_text.subject, replace(set_mail_text.body, E'\r\n', E'\n'))
    ON CONFLICT ON CONSTRAINT mail_text_pkey DO UPDATE SET subject = excluded.subject, body = excluded.body;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid text of mail %L', kind),
            DETAIL = 'A subject is one line of at most 200 characters, a body plain text of at most 10,000; neither is empty or holds control characters, or braces but for placeholders.',
            HINT = format('Placeholders of this kind: %s.', (SELECT string_agg(format('{%s}', a), ', ') FROM unnest(allowed) AS a));
END
$$;
REVOKE ALL ON FUNCTION lpr.set_mail_text(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.set_mail_text(text, text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_mail_text(text, text, text) IS
    'Sets the text of a kind of mail (A2): authorization, request_waiting, denied, suspended, revoked, training_due, recertification_due, access_ends. subject: one line, at most 200 characters. body: plain text, at most 10,000. Both may hold placeholders: {name}, and those of their kind, which an error lists. NULL for both = the text that came with lpr. Mails that wait keep the text they were written with.';

-- The outbox.

CREATE TABLE lpr_data.mail (
    mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE CHECK (key <> '' AND char_length(key) <= 200 AND lpr_data.is_line(key)),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    kind text COLLATE "C" NOT NULL,
    address text NOT NULL CHECK (address ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$' AND char_length(address) <= 254),
    subject text NOT NULL CHECK (subject <> '' AND char_length(subject) <= 500 AND lpr_data.is_line(subject)),
    body text NOT NULL CHECK (lpr_data.is_line(replace(body, E'\n', ''))),
    message_id text COLLATE "C" NOT NULL CHECK (message_id ~ '^[0-9a-f]{32}$'),
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    sent_at timestamp with time zone,
    CONSTRAINT sent_is_dated CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail_mail_id_seq', '');
CREATE INDEX mail_due ON lpr_data.mail (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX mail_person ON lpr_data.mail (person_id);
COMMENT ON TABLE lpr_data.mail IS 'The outbox: every mail that was ever caused, one a key (A2). Sent ones stay: they tell that a person was told, and keep their key from being used again.';
COMMENT ON COLUMN lpr_data.mail.mail_id IS 'Number of the mail.';
COMMENT ON COLUMN lpr_data.mail.key IS 'What caused it: a second mail of the same key is not made.';
COMMENT ON COLUMN lpr_data.mail.person_id IS 'Who it is for.';
COMMENT ON COLUMN lpr_data.mail.kind IS 'Which text it was made of.';
COMMENT ON COLUMN lpr_data.mail.address IS 'Where it goes.';
COMMENT ON COLUMN lpr_data.mail.subject IS 'Its subject, filled in.';
COMMENT ON COLUMN lpr_data.mail.body IS 'Its text, filled in; lines end with LF.';
COMMENT ON COLUMN lpr_data.mail.message_id IS 'The left part of its Message-ID, the same at every try: made of the audit log''s identity and the key.';
COMMENT ON COLUMN lpr_data.mail.made_at IS 'When it was caused; its Date.';
COMMENT ON COLUMN lpr_data.mail.state IS 'waiting: to be sent, or to be tried again; sending: the worker took it, and may have handed it over; sent: the mail server took it; failed: the mail server will never take it.';
COMMENT ON COLUMN lpr_data.mail.attempts IS 'How often it was tried.';
COMMENT ON COLUMN lpr_data.mail.next_try_at IS 'Not before this moment.';
COMMENT ON COLUMN lpr_data.mail.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN lpr_data.mail.sent_at IS 'When the mail server took it.';

SELECT lpr_data.only_adds('lpr_data.mail', 'address', 'state', 'attempts', 'next_try_at', 'last_error', 'sent_at');

-- Under audit is what was written, and what came of it: not each try of a mail server that is down.
CREATE TRIGGER audit_change AFTER INSERT OR DELETE ON lpr_data.mail FOR EACH ROW
    EXECUTE FUNCTION lpr_data.audit_change('state', 'attempts', 'next_try_at', 'last_error', 'sent_at');
CREATE TRIGGER audit_outcome AFTER UPDATE ON lpr_data.mail FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND (NEW.state IN ('sent', 'failed') OR OLD.state IN ('sent', 'failed')) OR NEW.address <> OLD.address)
    EXECUTE FUNCTION lpr_data.audit_change('subject', 'body', 'next_try_at');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON lpr_data.mail FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_change();
ALTER TABLE lpr_data.mail ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_outcome, ENABLE ALWAYS TRIGGER audit_truncate;

CREATE FUNCTION lpr_data.wake_mail()
    RETURNS trigger
    LANGUAGE c
AS 'MODULE_PATHNAME', 'lpr_wake_mail';
REVOKE ALL ON FUNCTION lpr_data.wake_mail() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.wake_mail() IS 'Trigger of the outbox: lets the mail worker know, at commit, that mails wait.';
CREATE TRIGGER wake_mail AFTER INSERT OR UPDATE ON lpr_data.mail FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.wake_mail();
ALTER TABLE lpr_data.mail ENABLE ALWAYS TRIGGER wake_mail;

CREATE FUNCTION lpr_data.fill_mail(template text, "values" jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In one pass: what looks like a placeholder in a value is left alone.
RETURN (SELECT string_agg(CASE WHEN p.part[1] ~ '^\{[a-z_]+\}$' THEN "values" ->> btrim(p.part[1], '{}') ELSE p.part[1] END, '' ORDER BY p.place)
        FROM regexp_matches(template, '\{[a-z_]+\}|[^{]+|\{', 'g') WITH ORDINALITY AS p (part, place));
REVOKE ALL ON FUNCTION lpr_data.fill_mail(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.fill_mail(text, jsonb) IS 'A text with its placeholders filled in.';

CREATE FUNCTION lpr_data.message_id(key text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log_id bytea;
BEGIN
    IF to_regclass('lpr_data.log') IS NOT NULL THEN
        SELECT l.id INTO log_id FROM lpr_data.log AS l;
    END IF;
    RETURN left(encode(sha256('lpr mail'::bytea || coalesce(log_id, '') || convert_to(key, 'UTF8')), 'hex'), 32);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.message_id(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.message_id(text) IS 'The left part of a mail''s Message-ID: a digest of the audit log''s identity, once there is one, and the key.';

CREATE FUNCTION lpr_data.post(key text, person_id integer, kind text, "values" jsonb DEFAULT '{}')
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allowed text[] := lpr_data.mail_placeholders(kind);
    person lpr_data.person;
    template lpr_data.mail_text;
    given record;
    lacking text;
BEGIN
    SELECT p.* INTO person FROM lpr_data.person AS p WHERE p.person_id = post.person_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('person %s does not exist', coalesce(person_id::text, 'NULL'));
    END IF;
    SELECT t.* INTO template FROM lpr_data.mail_text AS t WHERE t.kind = post.kind COLLATE "C" ORDER BY t.shipped LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such kind of mail: %L', kind);
    END IF;
    "values" := coalesce("values", '{}');
    IF jsonb_typeof("values") <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the values of a mail must be a JSON object';
    END IF;
    FOR given IN SELECT e.key AS name, e.value, e.value #>> '{}' AS shown FROM jsonb_each("values") AS e
    LOOP
        -- What is not listed does not belong into a mail, even if no text takes it yet.
        IF given.name = 'name' OR NOT given.name = ANY (allowed) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('mail %L takes no value %L', kind, left(given.name, 40)),
                DETAIL = 'A mail is filled with what is listed for its kind and nothing else: no plate, no case, no result.',
                HINT = 'See lpr_data.mail_placeholders().';
        END IF;
        -- The value is not shown: it may be what should not be in a mail.
        IF jsonb_typeof(given.value) NOT IN ('string', 'number') OR char_length(given.shown) > 1000 OR NOT lpr_data.is_line(given.shown) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('invalid value %L of mail %L', given.name, kind),
                DETAIL = 'A value is a text of at most 1,000 characters without control characters, or a number.';
        END IF;
    END LOOP;
    "values" := "values" || jsonb_build_object('name', person.name);
    SELECT p INTO lacking FROM unnest(lpr_data.mail_placeholders_of(template.subject || template.body)) AS p WHERE NOT "values" ? p;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('mail %L lacks value %L', kind, lacking);
    END IF;
    INSERT INTO lpr_data.mail (key, person_id, kind, address, subject, body, message_id)
    VALUES (post.key, post.person_id, post.kind, person.email, left(lpr_data.fill_mail(template.subject, "values"), 500),
            lpr_data.fill_mail(template.body, "values"), lpr_data.message_id(post.key))
    ON CONFLICT ON CONSTRAINT mail_key_key DO NOTHING;
    RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.post(text, integer, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.post(text, integer, text, jsonb) IS
    'Puts a mail to a person into the outbox, as part of the caller''s transaction (A2); false when there was one of that key. kind, values: see lpr_data.mail_placeholders(); name is filled in by itself. A value that is missing or not listed, or holds control characters, is an error.';

CREATE FUNCTION lpr.retry_mail(mail_id bigint)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lpr_data.mail AS m
    SET state = 'waiting', next_try_at = clock_timestamp(), address = p.email
    FROM lpr_data.person AS p
    WHERE m.mail_id = retry_mail.mail_id AND p.person_id = m.person_id AND m.state IN ('waiting', 'failed');
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('mail %s does not wait and has not failed', coalesce(mail_id::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.mail;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.retry_mail(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.retry_mail(bigint) TO lpr_admin;
COMMENT ON FUNCTION lpr.retry_mail(bigint) IS 'Has a mail of lpr.mail that failed, or that waits for its next try, sent at once, to the person''s address as it is registered now.';

CREATE VIEW lpr.mail WITH (security_barrier) AS
SELECT m.mail_id, m.key, m.kind, p.login, p.name, m.address, m.subject, m.made_at, m.state, m.attempts,
       CASE WHEN m.state IN ('waiting', 'sending') THEN m.next_try_at END AS next_try_at, m.last_error, m.sent_at
FROM lpr_data.mail AS m
JOIN lpr_data.person AS p ON p.person_id = m.person_id;
GRANT SELECT ON lpr.mail TO lpr_admin, lpr_oversight;
COMMENT ON VIEW lpr.mail IS 'Every mail, without its text: what waits, what was sent, what failed and why (A2).';
COMMENT ON COLUMN lpr.mail.mail_id IS 'Number of the mail, for lpr.retry_mail().';
COMMENT ON COLUMN lpr.mail.key IS 'What caused it.';
COMMENT ON COLUMN lpr.mail.kind IS 'What it tells: authorization, request_waiting, denied, suspended, revoked, training_due, recertification_due, access_ends.';
COMMENT ON COLUMN lpr.mail.login IS 'Login of the person it is for.';
COMMENT ON COLUMN lpr.mail.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.mail.address IS 'Where it goes.';
COMMENT ON COLUMN lpr.mail.subject IS 'Its subject.';
COMMENT ON COLUMN lpr.mail.made_at IS 'When it was caused.';
COMMENT ON COLUMN lpr.mail.state IS 'waiting, sending, sent, or failed: the mail server refused it for good.';
COMMENT ON COLUMN lpr.mail.attempts IS 'How often it was tried.';
COMMENT ON COLUMN lpr.mail.next_try_at IS 'Of one that waits: when it is tried next, if the mail server can be reached.';
COMMENT ON COLUMN lpr.mail.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN lpr.mail.sent_at IS 'When the mail server took it.';

CREATE FUNCTION lpr_data.mailer(OUT state text, OUT reason text)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_mailer';
REVOKE ALL ON FUNCTION lpr_data.mailer() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.mailer() IS 'How the mail worker stands, from shared memory.';

CREATE FUNCTION lpr.mail_status(
    OUT worker text,
    OUT reason text,
    OUT waiting bigint,
    OUT failed bigint,
    OUT oldest_waiting_at timestamp with time zone,
    OUT last_sent_at timestamp with time zone
)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT w.state, w.reason, m.waiting, m.failed, m.oldest_waiting_at, m.last_sent_at
    FROM lpr_data.mailer() AS w
    CROSS JOIN (SELECT count(*) FILTER (WHERE m.state IN ('waiting', 'sending')), count(*) FILTER (WHERE m.state = 'failed'),
                       min(m.made_at) FILTER (WHERE m.state IN ('waiting', 'sending')), max(m.sent_at)
                FROM lpr_data.mail AS m) AS m (waiting, failed, oldest_waiting_at, last_sent_at);
END;
REVOKE ALL ON FUNCTION lpr.mail_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.mail_status() TO lpr_oversight, lpr_admin;
COMMENT ON FUNCTION lpr.mail_status() IS
    'How mail stands, one row (A2): worker (ready; off: lpr.smtp_url is not set; stuck, with the reason; down), mails that wait, since when the oldest does, mails that failed, when the last was sent. See lpr.mail for each.';
-- 71-remind: who is told before something of theirs ends: training (A3), certification (A4), access (A1).

CREATE FUNCTION lpr_data.reminder(ends_at timestamp with time zone)
    RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN l.rest <= interval '0' THEN NULL WHEN l.rest <= interval '1 day' THEN 1 WHEN l.rest <= interval '7 days' THEN 7 WHEN l.rest <= interval '30 days' THEN 30 END
        FROM (SELECT ends_at - clock_timestamp()) AS l (rest) WHERE isfinite(ends_at));
REVOKE ALL ON FUNCTION lpr_data.reminder(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.reminder(timestamptz) IS
    'Which reminder is due of what ends then: 30, 7 or 1, the number of days within which it ends; NULL = none. One that was missed is sent as long as the next is not due.';

CREATE FUNCTION lpr_data.remind_of(key text, person_id integer, kind text, ends_at timestamp with time zone, "values" jsonb DEFAULT '{}')
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    days integer := lpr_data.reminder(ends_at);
    ends_on text := to_char(ends_at, 'YYYY-MM-DD');
BEGIN
    IF days IS NULL OR EXISTS (SELECT FROM lpr_data.mail AS m WHERE m.key = format('%s:%s:%s', remind_of.key, ends_on, days) COLLATE "C") THEN
        RETURN 0;
    END IF;
    RETURN lpr_data.post(format('%s:%s:%s', key, ends_on, days), person_id, kind, "values" || jsonb_build_object('days', days, 'ends_on', ends_on))::integer;
EXCEPTION
    -- One that cannot be written must not keep the others from being told.
    WHEN data_exception OR integrity_constraint_violation THEN
        RAISE WARNING USING MESSAGE = format('cannot remind person %s (%s): %s', person_id, key, SQLERRM);
        RETURN 0;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.remind_of(text, integer, text, timestamptz, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.remind_of(text, integer, text, timestamptz, jsonb) IS 'Posts the reminder that is due of something that ends then, once; how many were posted.';

CREATE FUNCTION lpr_data.remind()
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    posted bigint;
    more bigint;
BEGIN
    -- Training: of everybody who may ask, or wants to. What counts is the latest completion of each required course.
    SELECT coalesce(sum(lpr_data.remind_of(format('training:%s:%s', t.person_id, t.course), t.person_id, 'training_due', t.valid_until, jsonb_build_object('course', t.title))), 0)
    INTO posted
    FROM (SELECT r.person_id, r.course, c.title, max(r.valid_until) AS valid_until
          FROM lpr_data.training AS r JOIN lpr_data.course AS c ON c.code = r.course AND c.required
          GROUP BY r.person_id, r.course, c.title) AS t
    JOIN lpr_data.person AS p ON p.person_id = t.person_id AND p.left_at IS NULL
    WHERE EXISTS (SELECT FROM lpr_data.access AS a
                  WHERE a.person_id = t.person_id AND (a.state IN ('requested', 'approved') OR a.state = 'granted' AND a.ends_at > clock_timestamp()));

    -- Certification, and the end of a grant itself: of those who have one.
    SELECT coalesce(sum(lpr_data.remind_of(format('recertification:%s', p.person_id), p.person_id, 'recertification_due', lpr_data.certified_until(p.person_id))), 0)
    INTO more
    FROM lpr_data.person AS p
    WHERE p.left_at IS NULL
      AND EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = p.person_id AND a.state = 'granted' AND a.ends_at > clock_timestamp());
    posted := posted + more;
    SELECT coalesce(sum(lpr_data.remind_of(format('access:%s', a.access_id), a.person_id, 'access_ends', a.ends_at)), 0)
    INTO more
    FROM lpr_data.access AS a
    JOIN lpr_data.person AS p ON p.person_id = a.person_id AND p.left_at IS NULL
    WHERE a.state = 'granted';
    RETURN posted + more;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.remind() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.remind() IS
    'Posts the mails that are due 30, 7 and 1 day before training (A3), certification (A4) or access (A1) ends, each once; how many. Called by the mail worker every hour.';
-- 72-jobs: what pg_cron has to do, where it is there. Nothing rests on it: what ends, ends by predicate, and the library's own workers purge, remind, mail and
-- sign. A job does the same beside them, or looks whether they do: one that finds something wrong fails, and lpr.jobs tells why.

CREATE TABLE lpr_data.job (
    job text COLLATE "C" PRIMARY KEY,
    scheduled_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    scheduled_by text COLLATE "C" NOT NULL DEFAULT session_user
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.job', '');
SELECT lpr_data.audit_changes_of('lpr_data.job');
COMMENT ON TABLE lpr_data.job IS 'Jobs that lpr.schedule_jobs() gave to pg_cron.';
COMMENT ON COLUMN lpr_data.job.job IS 'Name, of pg_cron''s job as well.';
COMMENT ON COLUMN lpr_data.job.scheduled_at IS 'When.';
COMMENT ON COLUMN lpr_data.job.scheduled_by IS 'By whom.';

CREATE FUNCTION lpr_data.job_list()
    RETURNS TABLE (job text, schedule text, command text, what text, otherwise text)
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    -- The workers look at the full hour themselves: jobs come minutes later, to find nothing.
    SELECT j.* FROM (VALUES
        ('lpr-purge', '3-59/5 * * * *', 'SELECT lpr_data.purge_cache()', 'drops answers that have expired',
         'the cache keeper does, within seconds'),
        ('lpr-expiry', '4-59/5 * * * *', 'SELECT lpr_data.look(''expiry'')', 'looks whether anything that has expired is still there',
         'what has expired is not shown; the cache keeper has it gone'),
        ('lpr-reminders', '7 * * * *', 'SELECT lpr_data.remind()', 'writes mails before training, certification and access end',
         'the mail worker does, every hour'),
        ('lpr-mail', '2-59/5 * * * *', 'SELECT lpr_data.look(''mail'')', 'looks whether mail is sent',
         'the mail worker sends it; whether it does: lpr.mail_status()'),
        ('lpr-checkpoints', '1-59/5 * * * *', 'SELECT lpr_data.look(''checkpoints'')', 'looks whether the audit log is signed and its checkpoints are handed over',
         'the audit writer signs; whether it does: lpr.audit_status()'),
        ('lpr-destroy-due', '20 3 * * *', 'SELECT lpr.destroy_due()', 'lists saved reads that are due for destruction',
         'nobody does: a records officer calls lpr.destroy_due()'),
        ('lpr-history', '40 3 * * *', 'SELECT lpr_data.trim_jobs()', 'deletes what pg_cron noted of these jobs more than a week ago',
         'there is no history without jobs')
    ) AS j (job, schedule, command, what, otherwise);
END;
REVOKE ALL ON FUNCTION lpr_data.job_list() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.job_list() IS 'The jobs: when, what they call, what that does, and what happens without them.';

CREATE FUNCTION lpr_data.look(at_what text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    long_ago timestamptz := clock_timestamp() - interval '10 minutes';
    a record;
    unsigned_at timestamptz;
    unhanded_at timestamptz;
    wrong text;
    hint text;
BEGIN
    CASE at_what
    WHEN 'expiry' THEN
        SELECT format('%s tables of the cache are past their time, the first since %s', count(*), min(c.deadline)), 'See the server''s log for what stops the cache keeper.'
        INTO wrong, hint
        FROM (SELECT to_timestamp(substring(t.relname FROM '_([0-9]{10})$'), 'YYYYMMDDHH24')::timestamp AT TIME ZONE 'UTC' AS deadline
              FROM pg_inherits AS i JOIN pg_class AS t ON t.oid = i.inhrelid WHERE i.inhparent = 'lpr_data.cache_answer'::regclass) AS c
        WHERE c.deadline < long_ago
        HAVING count(*) > 0;
    WHEN 'mail' THEN
        SELECT format('the mail worker is %s%s; %s mails wait', m.worker, ' (' || m.reason || ')', m.waiting), 'SELECT * FROM lpr.mail_status();'
        INTO wrong, hint
        FROM lpr.mail_status() AS m
        WHERE m.worker IN ('stuck', 'down') OR m.oldest_waiting_at < clock_timestamp() - interval '1 hour';
    WHEN 'checkpoints' THEN
        SELECT s.* INTO a FROM lpr.audit_status() AS s;
        hint := 'SELECT * FROM lpr.audit_status();';
        IF a.writer <> 'ready' THEN
            wrong := format('the audit writer is %s%s', a.writer, ' (' || a.reason || ')');
        ELSIF a.records IS NOT NULL THEN
            unsigned_at := (SELECT x.at FROM lpr_data.audit AS x WHERE x.number > coalesce(a.checkpointed, 0) ORDER BY x.number LIMIT 1);
            IF current_setting('lpr.checkpoint_directory', true) <> '' OR current_setting('lpr.checkpoint_command', true) <> '' THEN
                unhanded_at := (SELECT min(c.at) FROM lpr_data.checkpoint AS c WHERE NOT EXISTS (SELECT FROM lpr_data.delivery AS d WHERE d.size = c.size));
            END IF;
            wrong := CASE WHEN unsigned_at < long_ago THEN format('the audit log is not signed since %s', unsigned_at)
                          WHEN unhanded_at < long_ago THEN format('checkpoints are not handed over since %s', unhanded_at) END;
        END IF;
    END CASE;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state', MESSAGE = wrong, HINT = hint;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look(text) IS 'Looks at what a worker of the library does: expiry, mail or checkpoints. An error when it does not: the job fails, and lpr.jobs tells.';

CREATE FUNCTION lpr_data.has_pg_cron()
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM pg_extension AS x WHERE x.extname = 'pg_cron');
REVOKE ALL ON FUNCTION lpr_data.has_pg_cron() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.has_pg_cron() IS 'Whether pg_cron is in this database.';

CREATE FUNCTION lpr_data.trim_jobs()
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trimmed bigint;
BEGIN
    -- By what they call: a job that was scheduled anew has another number.
    EXECUTE 'DELETE FROM cron.job_run_details AS d
             WHERE d.database = current_database() AND d.command IN (SELECT l.command FROM lpr_data.job_list() AS l) AND d.start_time < clock_timestamp() - interval ''7 days''';
    GET DIAGNOSTICS trimmed = ROW_COUNT;
    RETURN trimmed;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.trim_jobs() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.trim_jobs() IS 'Deletes what pg_cron noted of our jobs more than a week ago; it keeps all, for ever.';

CREATE FUNCTION lpr_data.cron_field(field text, lowest integer, highest integer)
    RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE STRICT
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    part text;
    m text[];
    numbers integer[] := '{}';
BEGIN
    FOREACH part IN ARRAY string_to_array(field, ',')
    LOOP
        m := regexp_match(part, '^(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(/0*[1-9][0-9]?)?$');
        IF m IS NULL THEN
            RETURN NULL;
        END IF;
        numbers := numbers || ARRAY(SELECT n FROM generate_series(coalesce(m[1]::integer, lowest), CASE WHEN m[1] IS NULL OR m[2] IS NULL AND m[3] IS NOT NULL THEN highest ELSE coalesce(m[2], m[1])::integer END,
                                                                  coalesce(substr(m[3], 2)::integer, 1)) AS n WHERE n BETWEEN lowest AND highest);
    END LOOP;
    RETURN numbers;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.cron_field(text, integer, integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.cron_field(text, integer, integer) IS 'The numbers that a field of a cron schedule stands for; NULL for names and what is none.';

CREATE FUNCTION lpr_data.next_run(schedule text, after timestamp with time zone)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    zone text := coalesce(current_setting('cron.timezone', true), 'UTC'); -- 1.4 knows UTC alone
    f text[] := regexp_split_to_array(btrim(schedule), '\s+');
    minutes integer[] := lpr_data.cron_field(f[1], 0, 59);
    hours integer[] := lpr_data.cron_field(f[2], 0, 23);
    days integer[] := lpr_data.cron_field(f[3], 1, 31);
    months integer[] := lpr_data.cron_field(f[4], 1, 12);
    weekdays integer[] := lpr_data.cron_field(f[5], 0, 7);
    day timestamp;
    moment timestamptz;
BEGIN
    IF cardinality(f) <> 5 OR minutes IS NULL OR hours IS NULL OR days IS NULL OR months IS NULL OR weekdays IS NULL THEN
        RETURN NULL;
    END IF;
    FOR day IN SELECT d FROM generate_series(date_trunc('day', after AT TIME ZONE zone), date_trunc('day', after AT TIME ZONE zone) + interval '1500 days', interval '1 day') AS d
    LOOP
        CONTINUE WHEN NOT extract(month FROM day) = ANY (months);
        -- Days of the month and of the week: either, when both are restricted.
        CONTINUE WHEN NOT CASE WHEN f[3] LIKE '*%' THEN extract(dow FROM day) = ANY (weekdays) OR extract(isodow FROM day) = ANY (weekdays)
                               WHEN f[5] LIKE '*%' THEN extract(day FROM day) = ANY (days)
                               ELSE extract(day FROM day) = ANY (days) OR extract(dow FROM day) = ANY (weekdays) OR extract(isodow FROM day) = ANY (weekdays) END;
        moment := (SELECT min((day + make_interval(hours => h, mins => m)) AT TIME ZONE zone) FROM unnest(hours) AS h, unnest(minutes) AS m
                 WHERE (day + make_interval(hours => h, mins => m)) AT TIME ZONE zone > after);
        IF moment IS NOT NULL THEN
            RETURN moment;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.next_run(text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.next_run(text, timestamptz) IS 'When pg_cron runs a job of this schedule next; NULL when it is one of names, or none.';

CREATE FUNCTION lpr.schedule_jobs()
    RETURNS TABLE (job text, schedule text, command text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = current_user AND r.rolsuper) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = 'jobs are scheduled by a superuser', DETAIL = 'They run as whoever scheduled them.';
    END IF;
    IF NOT lpr_data.has_pg_cron() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'pg_cron is not in this database',
            DETAIL = 'Without it all that ends still ends on time; SELECT * FROM lpr.jobs; tells what does not run.',
            HINT = format('Set shared_preload_libraries = ''pg_cron,lpr'', cron.database_name = %L and cron.use_background_workers = on, restart, and CREATE EXTENSION pg_cron.', current_database());
    END IF;
    IF current_setting('cron.use_background_workers', true) IS DISTINCT FROM 'on' THEN
        RAISE WARNING USING
            MESSAGE = 'pg_cron connects to run jobs',
            DETAIL = 'For that pg_hba.conf would have to let a superuser in without a password; a background worker needs nothing.',
            HINT = 'Set cron.use_background_workers = on, and restart.';
    END IF;
    -- Those that another superuser scheduled, or that an earlier version had, go.
    EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job AS j
             WHERE j.jobname LIKE ''lpr-%'' AND j.database = current_database() AND (j.username <> current_user OR j.jobname NOT IN (SELECT l.job FROM lpr_data.job_list() AS l))';
    FOR job, schedule, command IN SELECT l.job, l.schedule, l.command FROM lpr_data.job_list() AS l
    LOOP
        EXECUTE 'SELECT cron.alter_job(cron.schedule($1, $2, $3), active => true)' USING job, schedule, command;
        INSERT INTO lpr_data.job (job) VALUES (schedule_jobs.job) ON CONFLICT ON CONSTRAINT job_pkey DO UPDATE SET scheduled_at = excluded.scheduled_at, scheduled_by = excluded.scheduled_by;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION lpr.schedule_jobs() FROM PUBLIC;
COMMENT ON FUNCTION lpr.schedule_jobs() IS
    'Gives pg_cron the jobs of lpr.jobs, in place of those that it had of us, to be run as you; twice is as good as once. For superusers, in the database of cron.database_name; with cron.use_background_workers = on no connection has to be trusted for it.';

CREATE FUNCTION lpr.unschedule_jobs()
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unscheduled bigint := 0;
BEGIN
    IF lpr_data.has_pg_cron() THEN
        EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job AS j WHERE j.jobname LIKE ''lpr-%'' AND j.database = current_database()' INTO unscheduled;
    END IF;
    DELETE FROM lpr_data.job;
    RETURN unscheduled;
END
$$;
REVOKE ALL ON FUNCTION lpr.unschedule_jobs() FROM PUBLIC;
COMMENT ON FUNCTION lpr.unschedule_jobs() IS 'Takes the jobs off pg_cron again, as before DROP EXTENSION; returns how many. For superusers.';

CREATE FUNCTION lpr_data.jobs()
    RETURNS TABLE (job text, what text, schedule text, state text, last_run timestamp with time zone, last_success timestamp with time zone, last_message text,
                   next_run timestamp with time zone, overdue boolean, otherwise text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l record;
    j record;
    r record;
    since timestamptz;
    late boolean;
BEGIN
    FOR l IN SELECT x.* FROM lpr_data.job_list() AS x
    LOOP
        job := l.job;
        what := l.what;
        schedule := l.schedule;
        otherwise := l.otherwise;
        state := CASE WHEN lpr_data.has_pg_cron() THEN 'not scheduled' ELSE 'no pg_cron' END;
        last_run := NULL; last_success := NULL; last_message := NULL; next_run := NULL; overdue := NULL;
        IF lpr_data.has_pg_cron() THEN
            EXECUTE 'SELECT c.jobid, c.schedule, c.active FROM cron.job AS c WHERE c.jobname = $1 AND c.database = current_database() ORDER BY c.active DESC LIMIT 1' INTO j USING l.job;
            IF j.jobid IS NOT NULL THEN
                EXECUTE 'SELECT max(d.start_time) AS last_run, max(d.start_time) FILTER (WHERE d.status = ''succeeded'') AS last_success,
                                (array_agg(d.status ORDER BY d.runid DESC))[1] AS status, (array_agg(d.return_message ORDER BY d.runid DESC))[1] AS message
                         FROM cron.job_run_details AS d WHERE d.jobid = $1' INTO r USING j.jobid;
                schedule := j.schedule;
                last_run := r.last_run;
                last_success := r.last_success;
                last_message := r.message;
                next_run := CASE WHEN j.active THEN lpr_data.next_run(j.schedule, clock_timestamp()) END;
                -- Late is what should have begun ten minutes ago, counted from its last run, or from when it was scheduled; overdue, from the last that did well.
                since := (SELECT s.scheduled_at FROM lpr_data.job AS s WHERE s.job = l.job);
                late := lpr_data.next_run(j.schedule, greatest(r.last_run, since)) < clock_timestamp() - interval '10 minutes';
                overdue := lpr_data.next_run(j.schedule, greatest(r.last_success, since)) < clock_timestamp() - interval '10 minutes';
                state := CASE WHEN NOT j.active THEN 'inactive' WHEN late THEN 'overdue' WHEN r.status IS NULL THEN 'scheduled' WHEN r.status = 'succeeded' THEN 'well'
                              ELSE r.status END;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.jobs() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr_data.jobs() TO lpr_admin, lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON FUNCTION lpr_data.jobs() IS 'What lpr.jobs shows.';

CREATE VIEW lpr.jobs WITH (security_barrier) AS
SELECT j.job, j.what, j.schedule, j.state, j.last_run, j.last_success, j.last_message, j.next_run, j.overdue, j.otherwise
FROM lpr_data.jobs() AS j;
GRANT SELECT ON lpr.jobs TO lpr_admin, lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.jobs IS 'What pg_cron does beside the workers of the library, whether it did, and what happens where it does not (E9).';
COMMENT ON COLUMN lpr.jobs.job IS 'Name, of pg_cron''s job as well.';
COMMENT ON COLUMN lpr.jobs.what IS 'What it does.';
COMMENT ON COLUMN lpr.jobs.schedule IS 'When: minute, hour, day, month, weekday; of UTC.';
COMMENT ON COLUMN lpr.jobs.state IS 'no pg_cron, not scheduled, inactive, scheduled (not run yet), starting, running, well, failed, or overdue: it should have run ten minutes ago.';
COMMENT ON COLUMN lpr.jobs.last_run IS 'When it began last.';
COMMENT ON COLUMN lpr.jobs.last_success IS 'When it last began a run that did well.';
COMMENT ON COLUMN lpr.jobs.last_message IS 'What that run said; of a job that looks, what is wrong.';
COMMENT ON COLUMN lpr.jobs.next_run IS 'When it runs next.';
COMMENT ON COLUMN lpr.jobs.overdue IS 'Whether it should have done well since last_success; NULL: it is not scheduled.';
COMMENT ON COLUMN lpr.jobs.otherwise IS 'What happens while it does not run.';
-- 80-access-views: what people see of who may do what (A1, A3, A4). Policies (90-isolation) decide which rows; these views say how they read.

CREATE VIEW lpr.sources WITH (security_barrier) AS
SELECT s.name AS source,
       d.dialect,
       d.plate,
       d.location,
       d.vehicle,
       s.enabled,
       pg_catalog.has_server_privilege(lpr.login(), f.oid, 'USAGE') AS granted,
       s.assessment,
       s.approved_on,
       s.exemptions
FROM lpr_data.source AS s
JOIN pg_catalog.pg_foreign_server AS f ON f.srvname = s.name
JOIN lpr.dialects() AS d ON d.dialect = (
    SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.srvoptions) AS o WHERE o.option_name = 'dialect'
)
ORDER BY s.name;
GRANT SELECT ON lpr.sources TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_lead;
COMMENT ON VIEW lpr.sources IS 'The vendors: what each can be asked by (plate, location, vehicle), whether it is enabled, and whether the session''s login was granted it (Q10).';
COMMENT ON COLUMN lpr.sources.source IS 'Name of the source, as in lpr.reads.source.';
COMMENT ON COLUMN lpr.sources.dialect IS 'How it is spoken to: see lpr.dialects().';
COMMENT ON COLUMN lpr.sources.plate IS 'Whether it can be asked by plate.';
COMMENT ON COLUMN lpr.sources.location IS 'Whether it can be asked by place.';
COMMENT ON COLUMN lpr.sources.vehicle IS 'Whether it can be asked by make.';
COMMENT ON COLUMN lpr.sources.enabled IS 'Whether anybody may ask it: its assessment is approved and it was not disabled since.';
COMMENT ON COLUMN lpr.sources.granted IS 'Whether the login of this session has USAGE on its foreign server.';
COMMENT ON COLUMN lpr.sources.assessment IS 'The privacy assessment or authority that covers it.';
COMMENT ON COLUMN lpr.sources.approved_on IS 'Day on which the assessment was approved.';
COMMENT ON COLUMN lpr.sources.exemptions IS 'Privacy Act exemptions that reads of it take along when they are saved (E8).';

CREATE VIEW lpr.people WITH (security_barrier) AS
SELECT p.login, p.name, p.unit, s.login AS supervisor, p.kind, p.left_at,
       CASE WHEN p.person_id = lpr_data.me() OR (SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')) THEN p.email END AS email
FROM lpr_data.person AS p
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.people TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.people IS 'Who is behind which login (A1), for everybody who is registered.';
COMMENT ON COLUMN lpr.people.login IS 'The login, as the functions take it.';
COMMENT ON COLUMN lpr.people.name IS 'The person''s name.';
COMMENT ON COLUMN lpr.people.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.people.supervisor IS 'Login of the supervisor.';
COMMENT ON COLUMN lpr.people.kind IS 'personal, service or shared; only a personal login can hold an entitlement.';
COMMENT ON COLUMN lpr.people.left_at IS 'When the person left.';
COMMENT ON COLUMN lpr.people.email IS 'Where notices go; shown to the person, administrators and oversight.';

CREATE VIEW lpr.access_requests WITH (security_barrier) AS
SELECT a.access_id AS request, p.login, p.name, a.systems, a.sources, a.modes, a.need_to_know,
       CASE WHEN a.state = 'granted' AND a.ends_at <= clock_timestamp() THEN 'lapsed' ELSE a.state END AS state,
       CASE a.state WHEN 'requested' THEN coalesce('supervisor ' || s.login, 'a supervisor on record') WHEN 'approved' THEN 'a system owner' END AS waits_for,
       a.requested_at, a.granted_at, a.ends_at
FROM lpr_data.access AS a
JOIN lpr_data.person AS p ON p.person_id = a.person_id
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.access_requests TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_requests IS 'Requests for access and the grants that came of them (A1): one''s own; supervisors see those of their people too, system owners, leads, privacy and oversight all.';
COMMENT ON COLUMN lpr.access_requests.request IS 'Number of the request, as lpr.approve() and the others take it.';
COMMENT ON COLUMN lpr.access_requests.login IS 'Who is to have access.';
COMMENT ON COLUMN lpr.access_requests.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_requests.systems IS 'From which systems.';
COMMENT ON COLUMN lpr.access_requests.sources IS 'To which sources.';
COMMENT ON COLUMN lpr.access_requests.modes IS 'How it may be asked: plate, location, vehicle.';
COMMENT ON COLUMN lpr.access_requests.need_to_know IS 'Why it is needed.';
COMMENT ON COLUMN lpr.access_requests.state IS 'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn, or lapsed: granted, and over.';
COMMENT ON COLUMN lpr.access_requests.waits_for IS 'Of one that waits: who decides next.';
COMMENT ON COLUMN lpr.access_requests.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr.access_requests.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr.access_requests.ends_at IS 'When the grant lapses.';

CREATE VIEW lpr.access_history WITH (security_barrier) AS
SELECT t.access_id AS request, t.number, t.at, p.login, t.action, b.login AS by_login, b.name AS by_name, t.step AS acting_as, t.reason
FROM lpr_data.access_step AS t
JOIN lpr_data.access AS a ON a.access_id = t.access_id
JOIN lpr_data.person AS p ON p.person_id = a.person_id
JOIN lpr_data.person AS b ON b.person_id = t.person_id;
GRANT SELECT ON lpr.access_history TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_history IS 'Every step of the requests that lpr.access_requests shows: who did what, as what, when and why (A1).';
COMMENT ON COLUMN lpr.access_history.request IS 'Number of the request.';
COMMENT ON COLUMN lpr.access_history.number IS 'Of the step: 1, 2, 3, …';
COMMENT ON COLUMN lpr.access_history.at IS 'When.';
COMMENT ON COLUMN lpr.access_history.login IS 'Whose access it is about.';
COMMENT ON COLUMN lpr.access_history.action IS 'request, approve, deny, withdraw, suspend, resume or revoke.';
COMMENT ON COLUMN lpr.access_history.by_login IS 'Who did it.';
COMMENT ON COLUMN lpr.access_history.by_name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_history.acting_as IS 'As what: requester, supervisor, system_owner or oversight.';
COMMENT ON COLUMN lpr.access_history.reason IS 'Why.';

CREATE VIEW lpr.training WITH (security_barrier) AS
SELECT p.login, p.name, c.code AS course, c.title, c.required, t.completed_on, t.valid_until,
       (t.valid_until > clock_timestamp()) IS TRUE AS current,
       CASE WHEN t.valid_until > clock_timestamp() THEN floor(extract(epoch FROM t.valid_until - clock_timestamp()) / 86400)::integer END AS days_left
FROM lpr_data.person AS p
CROSS JOIN lpr_data.course AS c
LEFT JOIN (SELECT DISTINCT ON (r.person_id, r.course) r.person_id, r.course, r.completed_on, r.valid_until
           FROM lpr_data.training AS r ORDER BY r.person_id, r.course, r.valid_until DESC) AS t ON t.person_id = p.person_id AND t.course = c.code
-- Everybody sees all people, but not what they lack.
WHERE p.left_at IS NULL AND p.kind = 'personal'
  AND (p.person_id = ANY (lpr_data.my_people()) OR (SELECT lpr_data.acts_as('lpr_training_officer', 'lpr_oversight')));
GRANT SELECT ON lpr.training TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.training IS 'Who has completed which course, and until when that counts (A3): one''s own; supervisors see that of their people too, training officers and oversight all.';
COMMENT ON COLUMN lpr.training.login IS 'Whose training.';
COMMENT ON COLUMN lpr.training.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.training.course IS 'The course, as lpr.record_training() takes it.';
COMMENT ON COLUMN lpr.training.title IS 'Its title.';
COMMENT ON COLUMN lpr.training.required IS 'Whether a query needs it.';
COMMENT ON COLUMN lpr.training.completed_on IS 'When it was completed last; NULL = never.';
COMMENT ON COLUMN lpr.training.valid_until IS 'Until when that counts.';
COMMENT ON COLUMN lpr.training.current IS 'Whether it counts now.';
COMMENT ON COLUMN lpr.training.days_left IS 'Full days until it ends.';

CREATE VIEW lpr.recertifications WITH (security_barrier) AS
SELECT p.login, p.name, p.unit,
       CASE WHEN (c.until > clock_timestamp()) IS NOT TRUE THEN 'overdue' WHEN c.until <= clock_timestamp() + interval '30 days' THEN 'due' ELSE 'current' END AS state,
       c.until AS certified_until,
       floor(extract(epoch FROM c.until - clock_timestamp()) / 86400)::integer AS days_left,
       r.at AS last_at, l.login AS last_by, r.reason AS last_reason
FROM (SELECT a.person_id, min(a.granted_at) + interval '1 year' AS first_until,
             bool_or(a.state IN ('granted', 'suspended') AND a.ends_at > clock_timestamp()) AS has_access
      FROM lpr_data.access AS a GROUP BY a.person_id) AS g
JOIN lpr_data.person AS p ON p.person_id = g.person_id AND p.left_at IS NULL
LEFT JOIN (SELECT DISTINCT ON (x.person_id) x.person_id, x.at, x.lead_id, x.valid_until, x.reason
           FROM lpr_data.recertification AS x ORDER BY x.person_id, x.valid_until DESC) AS r ON r.person_id = g.person_id
LEFT JOIN lpr_data.person AS l ON l.person_id = r.lead_id
CROSS JOIN LATERAL (SELECT coalesce(r.valid_until, g.first_until)) AS c (until)
WHERE g.has_access;
GRANT SELECT ON lpr.recertifications TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.recertifications IS 'Until when the access of those who have any is certified (A4): one''s own; supervisors see that of their people too, leads, system owners and oversight all.';
COMMENT ON COLUMN lpr.recertifications.login IS 'Whose access, as lpr.recertify() takes it.';
COMMENT ON COLUMN lpr.recertifications.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.recertifications.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.recertifications.state IS 'current; due: within 30 days; overdue: no query until a lead recertifies.';
COMMENT ON COLUMN lpr.recertifications.certified_until IS 'Until when: a year from the last recertification, or before the first one from the first grant.';
COMMENT ON COLUMN lpr.recertifications.days_left IS 'Full days until then; below 0 when overdue.';
COMMENT ON COLUMN lpr.recertifications.last_at IS 'When it was recertified last; NULL = not yet.';
COMMENT ON COLUMN lpr.recertifications.last_by IS 'By whom.';
COMMENT ON COLUMN lpr.recertifications.last_reason IS 'Why.';

-- The gate's own conditions, for whoever is connected, with what to do about each that is not met. A test holds the two against each other.
CREATE VIEW lpr.my_access WITH (security_barrier) AS
WITH me AS (
    SELECT u.oid, u.rolsuper, pg_has_role(u.oid, 'lpr_user', 'MEMBER') AS may_ask, p.person_id, p.kind, s.name AS supervisor
    FROM pg_roles AS u
    LEFT JOIN lpr_data.person AS p ON p.person_id = lpr_data.me()
    LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id
    WHERE u.rolname = lpr.login()
), mine AS (
    SELECT a.access_id, a.state, a.ends_at, a.granted_at, a.sources,
           format('access %s: systems %s; sources %s; by %s', a.access_id, array_to_string(a.systems, ', '), array_to_string(a.sources, ', '), array_to_string(a.modes, ', ')) AS requirement,
           a.state = 'granted' AND clock_timestamp() >= a.granted_at AND clock_timestamp() < a.ends_at AS holds
    FROM lpr_data.access AS a JOIN me ON me.person_id = a.person_id
)
SELECT r.requirement, r.holds, r.until, r.what_to_do
FROM (
    SELECT 1, 0::bigint, 'a personal login', k.holds, NULL::timestamptz,
           CASE WHEN k.holds THEN NULL
                WHEN me.rolsuper THEN 'Connect as yourself, not as a superuser.'
                WHEN NOT me.may_ask THEN format('Ask %s to let you ask: GRANT lpr_user TO %I;', lpr_data.whom('lpr_admin', 'an administrator'), lpr.login())
                WHEN me.person_id IS NULL THEN format('Nobody is registered under this login, or has left: ask %s to register you with lpr.add_person(…).', lpr_data.whom('lpr_admin', 'an administrator'))
                WHEN me.kind <> 'personal' THEN format('Connect with a login of your own: this one is of kind %s.', me.kind)
                ELSE format('Ask %s: other roles are members of your login.', lpr_data.whom('lpr_admin', 'an administrator')) END
    FROM me
    CROSS JOIN LATERAL (SELECT NOT me.rolsuper AND me.may_ask AND coalesce(me.kind = 'personal', false)
                               AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = me.oid)) AS k (holds)
    UNION ALL
    SELECT 2, 0, 'a connection of your own, encrypted', s.same_user AND s.secure AND s.client, NULL,
           CASE WHEN NOT s.same_user THEN 'RESET SESSION AUTHORIZATION; or connect as yourself.'
                WHEN NOT s.secure THEN 'Connect with sslmode=verify-full.'
                WHEN NOT s.client THEN 'Connect with a client of your own, not from a job or another session of this server.' END
    FROM lpr_data.session() AS s
    UNION ALL
    SELECT 3, 0, format('the rules of use, version %s, agreed to in this session', t.version), coalesce(lpr_data.agreed() = t.version, false), NULL,
           CASE WHEN lpr_data.agreed() = t.version THEN NULL ELSE 'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''…the code…'');' END
    FROM (SELECT max(x.version) FROM lpr_data.rules AS x) AS t (version)
    UNION ALL
    SELECT 4, a.access_id, a.requirement, a.holds, a.ends_at,
           CASE WHEN a.state = 'requested' THEN format('Waits for your supervisor (%s).', coalesce(me.supervisor, 'none on record'))
                WHEN a.state = 'approved' THEN format('Waits for %s.', lpr_data.whom('lpr_system_owner', 'a system owner'))
                WHEN a.state = 'suspended' THEN format('It is suspended; SELECT * FROM lpr.access_history; says why. Ask %s.', lpr_data.whom('lpr_system_owner', 'a system owner'))
                ELSE (SELECT format('Cannot be asked yet: %s. Ask %s.', string_agg(s, ', ' ORDER BY s), lpr_data.whom('lpr_admin', 'an administrator'))
                      FROM unnest(a.sources) AS s
                      WHERE NOT EXISTS (SELECT FROM lpr_data.source AS x JOIN pg_foreign_server AS f ON f.srvname = x.name
                                        WHERE x.name = s AND x.enabled AND x.approved_on <= lpr_data.utc_today() AND has_server_privilege(me.oid, f.oid, 'USAGE'))
                      HAVING count(*) > 0) END
    FROM mine AS a CROSS JOIN me
    WHERE a.state IN ('requested', 'approved', 'suspended') OR a.holds
    UNION ALL
    SELECT 4, 0, 'access', false, (SELECT max(a.ends_at) FROM mine AS a),
           CASE WHEN me.person_id IS NULL THEN NULL
                WHEN me.supervisor IS NULL THEN format('You have no supervisor on record: ask %s.', lpr_data.whom('lpr_admin', 'an administrator'))
                ELSE format('SELECT lpr.request_access(''{ATS}'', ''{…source…}'', ''{plate}'', ''…why you need it…''); first %s approves, then %s.',
                            me.supervisor, lpr_data.whom('lpr_system_owner', 'a system owner')) END
    FROM me
    WHERE NOT EXISTS (SELECT FROM mine AS a WHERE a.state IN ('requested', 'approved', 'suspended') OR a.holds)
    UNION ALL
    SELECT 5, row_number() OVER (ORDER BY c.code), 'course ' || c.code, coalesce(clock_timestamp() < t.until, false), t.until,
           CASE WHEN clock_timestamp() < t.until THEN NULL
                ELSE format('Complete "%s"; %s records it.', c.title, lpr_data.whom('lpr_training_officer', 'a training officer')) END
    FROM lpr_data.course AS c
    CROSS JOIN me
    CROSS JOIN LATERAL (SELECT max(x.valid_until) FROM lpr_data.training AS x WHERE x.person_id = me.person_id AND x.course = c.code) AS t (until)
    WHERE c.required
    UNION ALL
    SELECT 6, 0, 'access certified within a year', coalesce(clock_timestamp() < t.until, false), t.until,
           CASE WHEN clock_timestamp() < t.until THEN NULL
                WHEN t.until IS NULL THEN 'Comes with your first grant.'
                ELSE format('Ask %s: SELECT lpr.recertify(…).', lpr_data.whom('lpr_lead', 'a government lead')) END
    FROM me
    CROSS JOIN LATERAL (SELECT coalesce((SELECT max(x.valid_until) FROM lpr_data.recertification AS x WHERE x.person_id = me.person_id),
                                        (SELECT min(a.granted_at) FROM mine AS a) + interval '1 year')) AS t (until)
    UNION ALL
    SELECT 7, 0, 'an open event to ask for', count(*) > 0, max(e.ends_at),
           CASE WHEN count(*) = 0 THEN 'SELECT lpr.open_event(…); opens one.' END
    FROM me
    JOIN lpr_data.event_member AS m ON m.person_id = me.person_id
    JOIN lpr_data.event AS e ON e.event_id = m.event_id AND e.closed_at IS NULL AND clock_timestamp() >= e.opened_at AND clock_timestamp() < e.ends_at
) AS r (place, number, requirement, holds, until, what_to_do)
ORDER BY r.place, r.number;
GRANT SELECT ON lpr.my_access TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
GRANT EXECUTE ON FUNCTION lpr_data.session(), lpr_data.agreed(), lpr_data.utc_today()
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.my_access IS 'What a question needs of you, in the order in which the gate looks at it, whether you have it, and what to do about what is missing (A1, A3, A4, A5).';
COMMENT ON COLUMN lpr.my_access.requirement IS 'What is needed.';
COMMENT ON COLUMN lpr.my_access.holds IS 'Whether you have it now. Of several accesses one that covers the question is enough.';
COMMENT ON COLUMN lpr.my_access.until IS 'Until when, or since when no longer.';
COMMENT ON COLUMN lpr.my_access.what_to_do IS 'What is to be done about it, and by whom.';
-- 80-security: no place to hoard: the privileges and settings that the safeguards stand on (E2), and lpr.harden(), which brings them about.

CREATE FUNCTION lpr_data.is_confined(login oid)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_login_is_confined';
REVOKE ALL ON FUNCTION lpr_data.is_confined(oid) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.is_confined(oid) IS 'Whether a login sees reads by its roles (lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy), and is refused what could keep them: error LP050 (E2). Superusers are not: they cannot ask.';

CREATE FUNCTION lpr_data.confined_roles()
    RETURNS TABLE (role oid, name text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE confined AS (
        SELECT r.oid FROM pg_roles AS r WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
        UNION SELECT r.oid FROM pg_roles AS r
        WHERE r.rolname IN ('lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy')
        UNION SELECT m.roleid FROM pg_auth_members AS m JOIN confined AS c ON c.oid = m.member
    )
    SELECT 0::oid, 'PUBLIC'
    UNION ALL SELECT r.oid, quote_ident(r.rolname) FROM confined AS c JOIN pg_roles AS r ON r.oid = c.oid WHERE NOT r.rolsuper
$$;
REVOKE ALL ON FUNCTION lpr_data.confined_roles() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.confined_roles() IS 'Whose privileges a confined login has: PUBLIC, itself, and every role that it is a member of.';

CREATE FUNCTION lpr_data.login_settings()
    RETURNS TABLE (name text, value text, reason text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.* FROM (VALUES
        ('log_statement', 'none', 'Statements hold plates, and would stand in the server''s log.'),
        ('log_min_duration_statement', '-1', 'Slow statements hold plates, and would stand in the server''s log.'),
        ('log_min_duration_sample', '-1', 'Slow statements hold plates, and would stand in the server''s log.'),
        ('log_transaction_sample_rate', '0', 'Statements hold plates, and would stand in the server''s log.'),
        ('log_min_error_statement', 'panic', 'Statements that fail hold plates, and would stand in the server''s log.'),
        ('log_min_messages', 'fatal', 'Errors quote the value that they are about, and debug_print_plan and its like, which anybody can set, log whole statements.')
        ) AS s (name, value, reason)
    UNION ALL
    SELECT s.* FROM (VALUES
        ('auto_explain.log_min_duration', '-1', 'auto_explain writes statements with their plates into the server''s log.'),
        ('pgaudit.log', 'none', 'pgaudit writes statements with their plates into the server''s log.'),
        ('pg_stat_statements.track', 'none', 'pg_stat_statements keeps statements, in a file as well.')
        ) AS s (name, value, reason)
    WHERE s.name IN (SELECT p.name FROM pg_settings AS p)
$$;
REVOKE ALL ON FUNCTION lpr_data.login_settings() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.login_settings() IS 'Settings that keep what confined logins ask out of logs and statistics; those of extensions only while they are loaded.';

CREATE FUNCTION lpr_data.hardening()
    RETURNS TABLE (topic text, statement text, reason text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- No tables of one's own.
    SELECT 'database', format('REVOKE %s ON DATABASE %I FROM %s', a.privilege_type, d.datname, r.name),
           CASE a.privilege_type WHEN 'CREATE' THEN 'Who can create schemas can keep answers in them.'
                                 ELSE 'Temporary tables keep answers for as long as the session lasts.' END
    FROM pg_database AS d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) AS a JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE d.datname = current_database() AND a.privilege_type IN ('CREATE', 'TEMPORARY')
    UNION ALL
    SELECT 'schema', format('REVOKE CREATE ON SCHEMA %I FROM %s', n.nspname, r.name), 'Who can create tables can keep answers in them.'
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE a.privilege_type = 'CREATE' AND NOT (n.oid = pg_my_temp_schema() OR n.nspname ~ '^pg_(toast_)?temp_')
    UNION ALL
    -- No other places, which are no statements.
    SELECT 'function', format('REVOKE EXECUTE ON FUNCTION %s FROM %s', p.oid::regprocedure, r.name),
           CASE WHEN p.proname ~ '^(lo|lowrite)' THEN 'Large objects belong to whoever makes one, and keep what is written to them.'
                WHEN p.proname = 'pg_logical_emit_message' THEN 'It writes what it is given into the WAL, and so into archives and standbys.'
                WHEN p.proname = 'pg_notify' THEN 'It hands what it is given to everybody who listens.'
                ELSE 'It carries what it is given to another server, or writes it into a file.' END
    FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lowrite', 'lo_truncate', 'lo_truncate64', 'lo_import', 'lo_export',
                            'pg_logical_emit_message', 'pg_notify')
       OR EXISTS (SELECT FROM pg_depend AS e JOIN pg_extension AS x ON x.oid = e.refobjid
                  WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e'
                    AND x.extname IN ('dblink', 'adminpack'))
    UNION ALL
    SELECT 'language', format('REVOKE USAGE ON LANGUAGE %I FROM %s', l.lanname, r.name), 'A function can carry an answer in its variables to where it is kept.'
    FROM pg_language AS l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) AS a JOIN lpr_data.confined_roles() AS r ON r.role = a.grantee
    WHERE l.lanpltrusted
    UNION ALL
    -- What they ask stands in no log.
    SELECT 'logging', format('ALTER ROLE %I SET %s = %L', l.rolname, s.name, s.value), s.reason
    FROM pg_roles AS l CROSS JOIN lpr_data.login_settings() AS s
    WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
      AND NOT EXISTS (SELECT FROM pg_db_role_setting AS c WHERE c.setrole = l.oid AND c.setdatabase = 0 AND s.name || '=' || s.value = ANY (c.setconfig))
    UNION ALL
    SELECT 'logging', format('ALTER ROLE %I IN DATABASE %I RESET %s', l.rolname, d.datname, s.name), s.reason
    FROM pg_roles AS l CROSS JOIN lpr_data.login_settings() AS s
    JOIN pg_db_role_setting AS c ON c.setrole = l.oid JOIN pg_database AS d ON d.oid = c.setdatabase
    WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
      AND EXISTS (SELECT FROM unnest(c.setconfig) AS v WHERE v ^@ (s.name || '=') AND v <> s.name || '=' || s.value)
$$;
REVOKE ALL ON FUNCTION lpr_data.hardening() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.hardening() IS 'The statements that lpr.harden() would run: those that are still needed.';

CREATE FUNCTION lpr.harden(dry_run boolean DEFAULT true)
    RETURNS TABLE (statement text, reason text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR harden.statement, harden.reason IN SELECT h.statement, h.reason FROM lpr_data.hardening() AS h ORDER BY h.statement LOOP
        IF NOT dry_run THEN
            EXECUTE harden.statement;
            INSERT INTO lpr_data.change (login, pid, session_started, payload)
            SELECT lpr.login(), w.pid, w.session_started,
                   jsonb_build_object('command', 'harden', 'statement', harden.statement, 'role', session_user,
                                      'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp())::text
            FROM lpr_data.wake_writer() AS w;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION lpr.harden(boolean) FROM PUBLIC;
COMMENT ON FUNCTION lpr.harden(boolean) IS
    'Leaves the people who see reads no place to keep them (E2): shows, and with dry_run => false also runs, the statements that are still needed: no CREATE and TEMP for them in this database, no large objects, notifications and messages in the WAL, no procedural languages, and no logging of what they ask. No row = hardened. For superusers; in the caller''s transaction; to be called again when logins were added.';
-- 81-event-views: what people see of events (E1, E4), and of what they are made of (Q7, Q8).
-- Which rows of events and what belongs to them anybody sees, the policies say (90-isolation), and they also lead the planner to them.

CREATE VIEW lpr.events WITH (security_barrier) AS
SELECT e.event_id AS event, e.title,
       CASE WHEN e.closed_at IS NOT NULL THEN 'closed' WHEN clock_timestamp() >= e.ends_at THEN 'over' ELSE 'open' END AS state,
       (SELECT CASE WHEN m.owner THEN 'owner' ELSE 'member' END FROM lpr_data.event_member AS m WHERE m.event_id = e.event_id AND m.person_id = lpr_data.me()) AS mine,
       (SELECT p.login FROM lpr_data.event_member AS m JOIN lpr_data.person AS p ON p.person_id = m.person_id WHERE m.event_id = e.event_id AND m.owner) AS owner,
       e.system, e.purpose, e.authority, e.matter_reference, e.reason, e.opened_at, e.ends_at, e.closed_at, e.outcome
FROM lpr_data.event AS e;
GRANT SELECT ON lpr.events TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.events IS 'Events, the matters that questions are asked for (E1): one''s own and those one was added to; supervisors see those of their people too, oversight and privacy all (E4).';
COMMENT ON COLUMN lpr.events.event IS 'Number of the event, as lpr.work_on() and lpr.reads.event_id take it.';
COMMENT ON COLUMN lpr.events.title IS 'Title.';
COMMENT ON COLUMN lpr.events.state IS 'open; over: past ends_at, and can be extended; closed.';
COMMENT ON COLUMN lpr.events.mine IS 'owner, member, or NULL: seen by duty; questions can be asked for it by its owner and members.';
COMMENT ON COLUMN lpr.events.owner IS 'Login of its owner.';
COMMENT ON COLUMN lpr.events.system IS 'The system that it belongs to (A7).';
COMMENT ON COLUMN lpr.events.purpose IS 'Purpose, one of lpr.purposes.';
COMMENT ON COLUMN lpr.events.authority IS 'Legal authority, one of lpr.authorities.';
COMMENT ON COLUMN lpr.events.matter_reference IS 'Number of the matter in the system where it is led.';
COMMENT ON COLUMN lpr.events.reason IS 'Why reads are needed for it.';
COMMENT ON COLUMN lpr.events.opened_at IS 'When it was opened.';
COMMENT ON COLUMN lpr.events.ends_at IS 'Until when questions can be asked for it.';
COMMENT ON COLUMN lpr.events.closed_at IS 'When it was closed.';
COMMENT ON COLUMN lpr.events.outcome IS 'How it ended.';

CREATE VIEW lpr.event_members WITH (security_barrier) AS
SELECT m.event_id AS event, p.login, p.name, m.owner, m.added_at, b.login AS added_by
FROM lpr_data.event_member AS m
JOIN lpr_data.person AS p ON p.person_id = m.person_id
JOIN lpr_data.person AS b ON b.person_id = m.added_by;
GRANT SELECT ON lpr.event_members TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_members IS 'Who works on the events that lpr.events shows (E4).';
COMMENT ON COLUMN lpr.event_members.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_members.login IS 'Login of who works on it, as lpr.remove_member() takes it.';
COMMENT ON COLUMN lpr.event_members.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.event_members.owner IS 'Whether the event is theirs.';
COMMENT ON COLUMN lpr.event_members.added_at IS 'Since when.';
COMMENT ON COLUMN lpr.event_members.added_by IS 'By whom.';

CREATE VIEW lpr.event_extensions WITH (security_barrier) AS
SELECT t.event_id AS event, t.at, p.login AS by_login, t.ends_at, t.reason
FROM lpr_data.event_extension AS t
JOIN lpr_data.person AS p ON p.person_id = t.person_id;
GRANT SELECT ON lpr.event_extensions TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_extensions IS 'How the events that lpr.events shows were extended, and why (Q7).';
COMMENT ON COLUMN lpr.event_extensions.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_extensions.at IS 'When.';
COMMENT ON COLUMN lpr.event_extensions.by_login IS 'By whom.';
COMMENT ON COLUMN lpr.event_extensions.ends_at IS 'Until when.';
COMMENT ON COLUMN lpr.event_extensions.reason IS 'Why the matter goes on.';

CREATE VIEW lpr.purposes WITH (security_barrier) AS
SELECT p.purpose, p.title, p.active FROM lpr_data.purpose AS p;
GRANT SELECT ON lpr.purposes TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.purposes IS 'The purposes that an event may have (Q7).';
COMMENT ON COLUMN lpr.purposes.purpose IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.purposes.title IS 'What it is.';
COMMENT ON COLUMN lpr.purposes.active IS 'Whether a new event may have it.';

CREATE VIEW lpr.authorities WITH (security_barrier) AS
SELECT a.authority, a.citation, a.active FROM lpr_data.authority AS a;
GRANT SELECT ON lpr.authorities TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.authorities IS 'The legal authorities that an event may rest on (Q7).';
COMMENT ON COLUMN lpr.authorities.authority IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.authorities.citation IS 'The law.';
COMMENT ON COLUMN lpr.authorities.active IS 'Whether a new event may rest on it.';

CREATE VIEW lpr.limits WITH (security_barrier) AS
SELECT 'search by ' || CASE s.mode WHEN 'location' THEN 'place' ELSE s.mode END AS "limit", s.radius_m, s.address_length, s.span, s.reads, NULL::integer AS questions
FROM lpr_data.search_limit AS s
UNION ALL
SELECT CASE r.scope WHEN 'event' THEN 'questions for an event' ELSE 'questions of a person' END || CASE r.per WHEN 'hour' THEN ' in an hour' ELSE ' in a day' END, NULL, NULL,
       CASE r.per WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END, NULL, r.questions
FROM lpr_data.rate_limit AS r;
GRANT SELECT ON lpr.limits TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.limits IS 'How far a question without a plate may reach, and how many may be asked (Q8).';
COMMENT ON COLUMN lpr.limits."limit" IS 'What is limited.';
COMMENT ON COLUMN lpr.limits.radius_m IS 'Of the area, in metres; NULL for searches by vehicle: the whole country.';
COMMENT ON COLUMN lpr.limits.address_length IS 'Characters that an address without a point must have.';
COMMENT ON COLUMN lpr.limits.span IS 'Of searches: from the oldest to the newest moment asked for. Of questions: within which they count.';
COMMENT ON COLUMN lpr.limits.reads IS 'Reads that a source may show for one question.';
COMMENT ON COLUMN lpr.limits.questions IS 'How many, each source asked counts.';
-- 82-retention-views: what people see of schedules, holds and destruction (E9).

CREATE VIEW lpr.schedules WITH (security_barrier) AS
SELECT s.schedule_id AS schedule, s.records, s.citation, s.base_period, s.runs_from, s.life_of_matter, s.effective_from, s.effective_until, p.login AS proposed_by,
       t.verified_by, t.withdrawn_by,
       CASE WHEN t.withdrawn THEN 'withdrawn'
            WHEN s.base_period IS NULL THEN 'without a period'
            WHEN t.verified < 2 THEN 'unverified'
            WHEN s.effective_from > t.today THEN 'not yet in force'
            WHEN s.effective_until <= t.today THEN 'no longer in force'
            WHEN s.schedule_id = first_value(s.schedule_id) OVER (
                 PARTITION BY s.records ORDER BY NOT t.withdrawn AND s.base_period IS NOT NULL AND t.verified >= 2 AND s.effective_from <= t.today
                                                 AND coalesce(s.effective_until > t.today, true) DESC, s.effective_from DESC, s.schedule_id DESC) THEN 'in force'
            ELSE 'followed by another' END AS state,
       s.reason
FROM lpr_data.schedule AS s
LEFT JOIN lpr_data.person AS p ON p.person_id = s.proposed_by
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.action = 'verify') AS verified, count(*) FILTER (WHERE x.action = 'withdraw') > 0 AS withdrawn,
                           array_agg(b.login ORDER BY x.at) FILTER (WHERE x.action = 'verify') AS verified_by,
                           min(b.login) FILTER (WHERE x.action = 'withdraw') AS withdrawn_by, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today
                    FROM lpr_data.schedule_step AS x LEFT JOIN lpr_data.person AS b ON b.person_id = x.person_id
                    WHERE x.schedule_id = s.schedule_id) AS t;
GRANT SELECT ON lpr.schedules TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.schedules IS 'Schedules of systems of records: how long what is saved is kept, and who verified that (E9).';
COMMENT ON COLUMN lpr.schedules.schedule IS 'Number, as lpr.verify_schedule() takes it.';
COMMENT ON COLUMN lpr.schedules.records IS 'The system of records.';
COMMENT ON COLUMN lpr.schedules.citation IS 'Where the schedule stands.';
COMMENT ON COLUMN lpr.schedules.base_period IS 'How long; NULL: left to the records officer.';
COMMENT ON COLUMN lpr.schedules.runs_from IS 'From when: saved (the read) or closed (the event).';
COMMENT ON COLUMN lpr.schedules.life_of_matter IS 'Whether nothing is due before its event is closed.';
COMMENT ON COLUMN lpr.schedules.effective_from IS 'First day (UTC) on which reads are saved by it.';
COMMENT ON COLUMN lpr.schedules.effective_until IS 'First day on which they no longer are.';
COMMENT ON COLUMN lpr.schedules.proposed_by IS 'Who entered it; NULL: it came with lpr.';
COMMENT ON COLUMN lpr.schedules.verified_by IS 'Who compared it with its source; two different people have to.';
COMMENT ON COLUMN lpr.schedules.withdrawn_by IS 'Who withdrew it.';
COMMENT ON COLUMN lpr.schedules.state IS 'in force: reads are saved by it; else why not.';
COMMENT ON COLUMN lpr.schedules.reason IS 'Why it reads so.';

CREATE VIEW lpr.holds WITH (security_barrier) AS
SELECT h.hold_id AS hold, h.event_id, h.authority, h.reason, h.placed_at, p.login AS placed_by, h.lifted_at, l.login AS lifted_by, h.lift_reason
FROM lpr_data.legal_hold AS h
JOIN lpr_data.person AS p ON p.person_id = h.placed_by
LEFT JOIN lpr_data.person AS l ON l.person_id = h.lifted_by;
GRANT SELECT ON lpr.holds TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.holds IS 'Legal holds, those that were lifted too (E9).';
COMMENT ON COLUMN lpr.holds.hold IS 'Number, as lpr.lift_hold() takes it.';
COMMENT ON COLUMN lpr.holds.event_id IS 'The event on which it stands.';
COMMENT ON COLUMN lpr.holds.authority IS 'Who orders it.';
COMMENT ON COLUMN lpr.holds.reason IS 'Why.';
COMMENT ON COLUMN lpr.holds.placed_at IS 'Since when.';
COMMENT ON COLUMN lpr.holds.placed_by IS 'By whom.';
COMMENT ON COLUMN lpr.holds.lifted_at IS 'When it was lifted; NULL: it stands.';
COMMENT ON COLUMN lpr.holds.lifted_by IS 'By whom.';
COMMENT ON COLUMN lpr.holds.lift_reason IS 'Why.';

CREATE VIEW lpr.destruction_orders WITH (security_barrier) AS
SELECT o.order_id, o.made_at, p.login AS made_by, o.state, o.reads, o.digest, c.done_at, r.login AS released_by, c.reason, c.reads AS destroyed, c.corrections,
       c.images, c.digest AS destroyed_digest, c.rewritten
FROM lpr_data.destruction_order AS o
LEFT JOIN lpr_data.person AS p ON p.person_id = o.made_by
LEFT JOIN lpr_data.destruction_certificate AS c ON c.order_id = o.order_id
LEFT JOIN lpr_data.person AS r ON r.person_id = c.released_by;
GRANT SELECT ON lpr.destruction_orders TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.destruction_orders IS 'Lists of what was due for destruction, and the certificates of what was destroyed (E9).';
COMMENT ON COLUMN lpr.destruction_orders.order_id IS 'Number, as lpr.release_destruction() takes it.';
COMMENT ON COLUMN lpr.destruction_orders.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr.destruction_orders.made_by IS 'By whom; NULL: the server''s job.';
COMMENT ON COLUMN lpr.destruction_orders.state IS 'waiting (for its release), superseded (by a later list), or done.';
COMMENT ON COLUMN lpr.destruction_orders.reads IS 'How many reads it lists.';
COMMENT ON COLUMN lpr.destruction_orders.digest IS 'SHA-256 over what it lists.';
COMMENT ON COLUMN lpr.destruction_orders.done_at IS 'When it was released and destroyed.';
COMMENT ON COLUMN lpr.destruction_orders.released_by IS 'By whom.';
COMMENT ON COLUMN lpr.destruction_orders.reason IS 'Why.';
COMMENT ON COLUMN lpr.destruction_orders.destroyed IS 'How many reads went.';
COMMENT ON COLUMN lpr.destruction_orders.corrections IS 'How many corrections of theirs.';
COMMENT ON COLUMN lpr.destruction_orders.images IS 'How many images that no other read has.';
COMMENT ON COLUMN lpr.destruction_orders.destroyed_digest IS 'SHA-256 over what went; the same as digest when nothing was held.';
COMMENT ON COLUMN lpr.destruction_orders.rewritten IS 'Tables that were written anew, so that no file holds it.';

CREATE VIEW lpr.destruction_parts WITH (security_barrier) AS
SELECT p.order_id, p.event_id, p.schedule_id AS schedule, p.reads, p.digest, p.state
FROM lpr_data.destruction_part AS p;
GRANT SELECT ON lpr.destruction_parts TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.destruction_parts IS 'What each order lists, by event and schedule (E9).';
COMMENT ON COLUMN lpr.destruction_parts.order_id IS 'The order.';
COMMENT ON COLUMN lpr.destruction_parts.event_id IS 'The event that they were saved for.';
COMMENT ON COLUMN lpr.destruction_parts.schedule IS 'The schedule by which they are due.';
COMMENT ON COLUMN lpr.destruction_parts.reads IS 'How many reads.';
COMMENT ON COLUMN lpr.destruction_parts.digest IS 'SHA-256 over their digests.';
COMMENT ON COLUMN lpr.destruction_parts.state IS 'listed, destroyed, held or changed.';
-- 82-security-report: what in this server would undo the policy, found in catalogues, settings, files: what, why it matters, what mends it.

CREATE TYPE lpr_data.finding AS (severity text, topic text, finding text, reason text, mend text);
COMMENT ON TYPE lpr_data.finding IS 'A row of lpr.security_report().';

CREATE FUNCTION lpr_data.file_facts(directory text)
    RETURNS TABLE (name text, kind text, mode integer, ours boolean)
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_file_facts';
REVOKE ALL ON FUNCTION lpr_data.file_facts(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.file_facts(text) IS 'Of a directory (".") and what lies in it: kind (file, directory, link, other, missing), mode, and whether it belongs to the server''s user or root.';

CREATE FUNCTION lpr_data.core_limit()
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_core_limit';
REVOKE ALL ON FUNCTION lpr_data.core_limit() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.core_limit() IS 'How many bytes of its memory the server may leave in a core dump; -1 = all.';

CREATE FUNCTION lpr_data.server_settings()
    RETURNS TABLE (name text, value text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- As the server has them, not the session that asks: its login may have some of its own.
    SELECT s.name, CASE WHEN s.source IN ('default', 'dynamic default', 'environment variable', 'configuration file', 'command line', 'override') THEN s.setting
                        ELSE coalesce(CASE WHEN s.vartype = 'bool' THEN CASE WHEN f.setting::boolean THEN 'on' ELSE 'off' END ELSE f.setting END, s.boot_val) END
    FROM pg_settings AS s
    LEFT JOIN LATERAL (SELECT p.setting FROM pg_file_settings AS p WHERE p.name = s.name AND p.applied ORDER BY p.seqno DESC LIMIT 1) AS f ON true
$$;
REVOKE ALL ON FUNCTION lpr_data.server_settings() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.server_settings() IS 'Settings of the server, without what roles, databases and the session have of their own.';

CREATE FUNCTION lpr_data.findings_of_settings()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH s AS MATERIALIZED (SELECT jsonb_object_agg(p.name, p.value) AS s FROM lpr_data.server_settings() AS p)
    SELECT f.severity, f.topic, f.finding, f.reason, f.mend
    FROM s, LATERAL (VALUES
        -- No audit, no data.
        (current_setting('shared_preload_libraries') !~ '(^|[ ,/"])lpr([",. ]|$)', 'high', 'audit', 'lpr is not in shared_preload_libraries',
         'Without it nothing can be audited, so nothing is asked.', format('ALTER SYSTEM SET shared_preload_libraries = %s; -- and restart', concat_ws(', ', nullif(s->>'shared_preload_libraries', ''), 'lpr'))),
        (coalesce(s->>'lpr.checkpoint_directory', '') = '' AND coalesce(s->>'lpr.checkpoint_command', '') = '', 'medium', 'audit', 'checkpoints of the log are kept nowhere else',
         'Whoever rules this host could replace the log and everything that proves it.', 'ALTER SYSTEM SET lpr.checkpoint_directory = ''/mnt/witness/checkpoints''; -- a directory that this host can only add to; then SELECT pg_reload_conf()'),
        (s->>'fsync' = 'off', 'high', 'durability', 'fsync is off', 'What was reported as written can be lost, the audit log as well.', 'ALTER SYSTEM RESET fsync'),
        (s->>'full_page_writes' = 'off', 'high', 'durability', 'full_page_writes is off', 'A crash can leave torn pages, in the audit log as well.', 'ALTER SYSTEM RESET full_page_writes'),
        (s->>'synchronous_commit' = 'off', 'low', 'durability', 'synchronous_commit is off', 'Approvals and events that were reported as made can be lost; the audit log sets it for itself.', 'ALTER SYSTEM RESET synchronous_commit'),
        (s->>'data_checksums' = 'off', 'medium', 'durability', 'the cluster has no data checksums', 'Damage of a disk is not told from tampering.', format('pg_checksums --enable -D %s # while the server is stopped', s->>'data_directory')),
        (s->>'zero_damaged_pages' = 'on', 'high', 'durability', 'zero_damaged_pages is on', 'Damaged pages vanish instead of being told of.', 'ALTER SYSTEM RESET zero_damaged_pages'),
        (s->>'ignore_checksum_failure' = 'on', 'high', 'durability', 'ignore_checksum_failure is on', 'Damaged pages pass for good ones.', 'ALTER SYSTEM RESET ignore_checksum_failure'),
        (s->>'allow_system_table_mods' = 'on', 'high', 'guards', 'allow_system_table_mods is on', 'Rights and triggers can be changed past every check.', 'ALTER SYSTEM RESET allow_system_table_mods; -- and restart'),
        (s->>'session_replication_role' <> 'origin', 'high', 'guards', 'session_replication_role is ' || (s->>'session_replication_role'), 'Ordinary triggers and foreign keys do not work.', 'ALTER SYSTEM RESET session_replication_role'),
        (s->>'row_security' = 'off', 'medium', 'guards', 'row_security is off', 'Views of lpr fail instead of showing what is one''s own.', 'ALTER SYSTEM RESET row_security'),
        (s->>'session_preload_libraries' <> '' OR s->>'local_preload_libraries' <> '', 'medium', 'guards', 'a library is loaded into every session', 'Whatever runs in a backend sees its plates and its consent.',
         'ALTER SYSTEM RESET session_preload_libraries; ALTER SYSTEM RESET local_preload_libraries'),
        ((s->>'server_version_num')::integer BETWEEN 150000 AND 150019, 'high', 'version', 'the server is ' || (s->>'server_version'), 'Minor versions before 15.20 have known holes.', 'apt-get install --only-upgrade postgresql-15'),
        -- What stands in the log.
        (s->>'log_statement' NOT IN ('none', 'ddl'), 'medium', 'logging', 'log_statement is ' || (s->>'log_statement'), 'Statements hold plates; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM RESET log_statement'),
        (s->>'log_min_duration_statement' <> '-1', 'medium', 'logging', 'log_min_duration_statement is set', 'Slow statements hold plates; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM RESET log_min_duration_statement'),
        (s->>'log_min_duration_sample' <> '-1', 'medium', 'logging', 'log_min_duration_sample is set', 'Slow statements hold plates; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM RESET log_min_duration_sample'),
        ((s->>'log_transaction_sample_rate')::double precision > 0, 'medium', 'logging', 'log_transaction_sample_rate is set', 'Statements hold plates; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM RESET log_transaction_sample_rate'),
        (s->>'log_parameter_max_length' <> '0' AND (s->>'log_statement' NOT IN ('none', 'ddl') OR s->>'log_min_duration_statement' <> '-1'), 'medium', 'logging', 'parameters are logged with statements', 'Plates are what parameters hold.', 'ALTER SYSTEM SET log_parameter_max_length = 0'),
        (s->>'log_parameter_max_length_on_error' <> '0', 'medium', 'logging', 'parameters are logged with errors', 'Plates are what parameters hold.', 'ALTER SYSTEM RESET log_parameter_max_length_on_error'),
        ('on' IN (s->>'debug_print_parse', s->>'debug_print_rewritten', s->>'debug_print_plan'), 'medium', 'logging', 'plans are logged', 'Plans hold plates.',
         'ALTER SYSTEM RESET debug_print_parse; ALTER SYSTEM RESET debug_print_rewritten; ALTER SYSTEM RESET debug_print_plan'),
        (s->>'log_line_prefix' LIKE '%\%a%', 'low', 'logging', 'log_line_prefix has the application''s name', 'Clients set it to what they like, plates included.', format('ALTER SYSTEM SET log_line_prefix = %L', replace(s->>'log_line_prefix', '%a', ''))),
        (s->>'logging_collector' = 'on' AND s->>'log_file_mode' !~ '^0*[0-7]00$', 'medium', 'logging', 'log_file_mode is ' || (s->>'log_file_mode'), 'Others than the server''s user read the log.', 'ALTER SYSTEM RESET log_file_mode'),
        (s->>'pg_stat_statements.track_utility' = 'on', 'medium', 'statements', 'pg_stat_statements.track_utility is on', 'It keeps utility statements with their constants: PREPARE, DECLARE, EXPLAIN hold plates.', 'ALTER SYSTEM SET pg_stat_statements.track_utility = off'),
        (s->>'pg_stat_statements.track' IN ('top', 'all'), 'low', 'statements', 'pg_stat_statements is loaded', 'It keeps what is asked, without constants; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM SET pg_stat_statements.track = ''none'''),
        (coalesce(s->>'auto_explain.log_min_duration', '-1') <> '-1', 'medium', 'statements', 'auto_explain logs plans', 'Plans hold plates; logins made after the last lpr.harden() are not spared.', 'ALTER SYSTEM SET auto_explain.log_min_duration = -1'),
        (coalesce(s->>'pgaudit.log', 'none') <> 'none', 'medium', 'statements', 'pgaudit logs statements', 'Statements hold plates; logins made after the last lpr.harden() are not spared. lpr keeps an audit log of its own.', 'ALTER SYSTEM SET pgaudit.log = ''none'''),
        -- Where it goes.
        (s->>'archive_mode' <> 'off', 'low', 'copies', 'the WAL is archived', 'What is kept here on a schedule lives on in the archive: its retention has to end no later.', 'ALTER SYSTEM SET archive_mode = off; -- and restart; or keep archives no longer than the shortest schedule'),
        (s->>'wal_level' = 'logical', 'low', 'copies', 'wal_level is logical', 'Rows can be decoded from the WAL by whoever may replicate.', 'ALTER SYSTEM SET wal_level = replica; -- and restart'),
        -- Who comes in.
        (s->>'ssl' = 'off' AND s->>'listen_addresses' <> '', 'high', 'connection', 'ssl is off', 'Passwords and reads travel in the open; questions over the network are refused.', 'ALTER SYSTEM SET ssl = on; -- with server.crt and server.key in place; then SELECT pg_reload_conf()'),
        (s->>'ssl' = 'on' AND s->>'ssl_min_protocol_version' IN ('', 'TLSv1', 'TLSv1.1'), 'medium', 'connection', 'TLS before 1.2 is allowed', 'Old versions can be read by others.', 'ALTER SYSTEM RESET ssl_min_protocol_version'),
        (s->>'password_encryption' <> 'scram-sha-256', 'high', 'connection', 'password_encryption is ' || (s->>'password_encryption'), 'What is stored of an MD5 password is enough to log in with.', 'ALTER SYSTEM RESET password_encryption'),
        (s->>'data_directory_mode' <> '0700', 'low', 'files', 'the data directory has mode ' || (s->>'data_directory_mode'), 'Its group reads the files of every table.', format('chmod -R g-rwx %s # and restart', s->>'data_directory'))
    ) AS f (found, severity, topic, finding, reason, mend)
    WHERE f.found
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_settings() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_settings() IS 'Part of lpr.security_report(): settings of the server.';

CREATE FUNCTION lpr_data.findings_of_connection()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH line AS MATERIALIZED (
        SELECT h.*, format('%s line %s', current_setting('hba_file'), h.line_number) AS place,
               concat_ws(' ', array_to_string(h.database, ','), array_to_string(h.user_name, ','), h.address, h.netmask) AS whom,
               h.type LIKE 'host%' AND h.address NOT IN ('127.0.0.1', '::1', 'localhost', 'samehost') AS network
        FROM pg_hba_file_rules AS h
    )
    SELECT 'medium', 'connection', format('%s cannot be read: %s', place, error), 'The server goes on with the rules before the last change, and a restart fails.', place || ': to be corrected'
    FROM line WHERE error IS NOT NULL AND type IS NULL -- hostssl without ssl is an error of another kind, and does no harm
    UNION ALL
    SELECT CASE auth_method WHEN 'md5' THEN 'medium' ELSE 'high' END, 'connection', format('%s lets %s in by %s', place, whom, auth_method),
           CASE auth_method WHEN 'trust' THEN 'Whoever reaches the server is whoever they say: the audit log would name anybody.'
                            WHEN 'md5' THEN 'MD5 passwords are weak; with a scram-sha-256 password in place the line does no harm, but it lets others be.'
                            WHEN 'password' THEN 'The password travels in the open.'
                            ELSE 'The client''s machine says who connects.' END,
           format('%s: %s %s %s', place, type, whom, CASE WHEN type = 'local' AND auth_method = 'trust' THEN 'peer' ELSE 'scram-sha-256' END)
    FROM line WHERE auth_method IN ('trust', 'password', 'md5') OR auth_method = 'ident' AND type <> 'local'
    UNION ALL
    SELECT 'medium', 'connection', format('%s allows connections without TLS', place), 'Passwords and rows other than reads travel in the open; questions are refused there.', format('%s: hostssl %s %s', place, whom, auth_method)
    FROM line WHERE type IN ('host', 'hostnossl', 'hostnogssenc') AND network AND auth_method <> 'reject'
    UNION ALL
    SELECT 'low', 'connection', format('%s lets superuser %s in over the network', place, quote_ident(r.rolname)), 'What undoes every safeguard is better done from the host alone.', format('%s, a line before: host all %s all reject', place, quote_ident(r.rolname))
    FROM line CROSS JOIN pg_roles AS r
    WHERE network AND auth_method <> 'reject' AND r.rolsuper AND r.rolcanlogin AND ('all' = ANY (user_name) OR r.rolname = ANY (user_name))
      AND NOT EXISTS (SELECT FROM line AS b WHERE b.line_number < line.line_number AND b.auth_method = 'reject' AND b.type = 'host' AND b.address = 'all'
                      AND 'all' = ANY (b.database) AND r.rolname = ANY (b.user_name))
    UNION ALL
    SELECT 'medium', 'connection', format('login %I has an MD5 password', a.rolname), 'What is stored of it is enough to log in with.', format('ALTER ROLE %I PASSWORD NULL; -- then \password %1$I', a.rolname)
    FROM pg_authid AS a WHERE a.rolpassword ^@ 'md5'
    UNION ALL
    SELECT 'low', 'connection', format('people who see reads can connect to database %I', d.datname), 'Outside of this database nothing keeps them from making tables.', format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC', d.datname)
    FROM pg_database AS d WHERE d.datallowconn AND d.datname <> current_database() AND has_database_privilege('lpr_user', d.oid, 'CONNECT')
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_connection() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_connection() IS 'Part of lpr.security_report(): who may connect, and how.';

CREATE FUNCTION lpr_data.findings_of_host()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH s AS MATERIALIZED (SELECT (SELECT value FROM lpr_data.server_settings() WHERE name = 'lpr.secret_directory') AS secrets,
                                   (SELECT value FROM lpr_data.server_settings() WHERE name = 'lpr.checkpoint_key') AS key,
                                   nullif((SELECT value FROM lpr_data.server_settings() WHERE name = 'lpr.checkpoint_directory'), '') AS checkpoints),
    secret AS MATERIALIZED (SELECT f.*, CASE f.name WHEN '.' THEN s.secrets ELSE s.secrets || '/' || f.name END AS path FROM s, lpr_data.file_facts(s.secrets) AS f WHERE s.secrets <> '')
    SELECT 'high', 'files', 'lpr.secret_directory is not set', 'There is no place for the secrets of sources and the key of the log.', 'ALTER SYSTEM SET lpr.secret_directory = ''/etc/lpr/secrets''; -- then SELECT pg_reload_conf()'
    FROM s WHERE coalesce(s.secrets, '') = ''
    UNION ALL
    SELECT 'high', 'files', path || ' is no directory', 'Secrets cannot be read, and nothing is asked.', format('install -d -m 700 -o postgres %s', path) FROM secret WHERE name = '.' AND kind <> 'directory'
    UNION ALL
    SELECT 'high', 'files', format('%s has mode %s', path, to_char(mode / 64 * 100 + mode / 8 % 8 * 10 + mode % 8, 'FM0000')), 'Others than the server''s user read or replace what proves who we are.',
           format('chmod %s %s', CASE kind WHEN 'directory' THEN '700' ELSE '600' END, path)
    FROM secret WHERE kind IN ('directory', 'file') AND mode & 63 <> 0
    UNION ALL
    SELECT 'high', 'files', path || ' belongs to somebody else', 'Others than the server''s user read or replace what proves who we are.', format('chown postgres %s', path) FROM secret WHERE NOT ours
    UNION ALL
    SELECT 'medium', 'files', path || ' is no regular file', 'It would not be read as a secret.', format('rm %s', path) FROM secret WHERE name <> '.' AND kind IN ('link', 'other')
    UNION ALL
    SELECT 'high', 'files', format('there is no key %s/%s', s.secrets, s.key), 'The log''s checkpoints cannot be signed, so nothing is asked.', format('openssl genpkey -algorithm ed25519 -out %s/%s # as the server''s user', s.secrets, s.key)
    FROM s WHERE s.secrets <> '' AND s.key NOT IN (SELECT name FROM secret)
    UNION ALL
    SELECT 'medium', 'files', format('%s can be written to by others', s.checkpoints), 'Whoever can replace checkpoints can pass an altered log for the true one.', format('chmod go-w %s', s.checkpoints)
    FROM s, lpr_data.file_facts(s.checkpoints) AS f WHERE f.name = '.' AND f.mode & 18 <> 0
    UNION ALL
    SELECT 'medium', 'files', 'the server leaves core dumps', 'A core dump holds reads, secrets and keys.', 'systemctl edit postgresql@.service # [Service] LimitCORE=0; then restart'
    WHERE lpr_data.core_limit() <> 0
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_host() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_host() IS 'Part of lpr.security_report(): files of the host.';
-- 83-security-roles: the part of lpr.security_report() that is about roles, rights and our own objects, and the report itself.

CREATE FUNCTION lpr_data.findings_of_roles()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN r.oid = 10 THEN 'low' ELSE 'medium' END, 'roles', format('login %I is a superuser', r.rolname), 'A superuser can alter the log and every rule.',
           CASE WHEN r.oid = 10 THEN format('pg_hba.conf: local all %I peer # and no other line for it', r.rolname) ELSE format('ALTER ROLE %I NOSUPERUSER', r.rolname) END
    FROM pg_roles AS r WHERE r.rolsuper AND r.rolcanlogin
    UNION ALL
    SELECT 'high', 'roles', format('role %I has BYPASSRLS', r.rolname), 'It sees every row of every table that it may read.', format('ALTER ROLE %I NOBYPASSRLS', r.rolname) FROM pg_roles AS r WHERE r.rolbypassrls AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'roles', format('role %I has CREATEROLE', r.rolname), 'It can make members of our roles, and change passwords of others.', format('ALTER ROLE %I NOCREATEROLE', r.rolname) FROM pg_roles AS r WHERE r.rolcreaterole AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'roles', format('role %I has REPLICATION', r.rolname), 'It can copy the whole cluster.', format('ALTER ROLE %I NOREPLICATION', r.rolname) FROM pg_roles AS r WHERE r.rolreplication AND NOT r.rolsuper
    UNION ALL
    SELECT 'low', 'roles', format('role %I has CREATEDB', r.rolname), 'In a database of its own nothing keeps it from making tables.', format('ALTER ROLE %I NOCREATEDB', r.rolname) FROM pg_roles AS r WHERE r.rolcreatedb AND NOT r.rolsuper
    UNION ALL
    SELECT p.severity, 'roles', format('%I is a member of %I', m.rolname, g.rolname), p.reason, format('REVOKE %I FROM %I', g.rolname, m.rolname)
    FROM (VALUES ('pg_read_all_data', 'high', 'It reads every table, the case data and the log as well.'),
                 ('pg_write_all_data', 'high', 'It writes to every table.'),
                 ('pg_read_server_files', 'high', 'It reads the files of secrets and keys.'),
                 ('pg_write_server_files', 'high', 'It writes files on the host.'),
                 ('pg_execute_server_program', 'high', 'It runs programs as the server''s user.'),
                 ('pg_create_subscription', 'medium', 'It has rows copied from and to other servers.'),
                 ('pg_monitor', 'medium', 'It sees in pg_stat_activity what others ask, with the plates.'),
                 ('pg_read_all_stats', 'medium', 'It sees in pg_stat_activity what others ask, with the plates.'),
                 ('pg_signal_backend', 'low', 'It can end the questions of others.')) AS p (role, severity, reason)
    JOIN pg_roles AS g ON g.rolname = p.role JOIN pg_auth_members AS a ON a.roleid = g.oid JOIN pg_roles AS m ON m.oid = a.member
    WHERE m.rolname !~ '^pg_' AND NOT m.rolsuper
    UNION ALL
    SELECT 'high', 'roles', format('%I is a member of %I', m.rolname, g.rolname), 'That role owns the log or our tables, and is nobody''s.', format('REVOKE %I FROM %I', g.rolname, m.rolname)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member WHERE g.rolname IN ('lpr_log', 'lpr_owner')
    UNION ALL
    SELECT 'medium', 'roles', format('%I may grant %I', m.rolname, g.rolname), 'Who is in a role is decided by administrators.', format('REVOKE ADMIN OPTION FOR %I FROM %I', g.rolname, m.rolname)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member WHERE g.rolname ~ '^lpr_' AND a.admin_option AND NOT m.rolsuper
    UNION ALL
    SELECT 'low', 'roles', format('%I is a member of %I through no login of a person''s', m.rolname, g.rolname), 'Whoever is added to that role gets it along, unseen.', format('REVOKE %I FROM %I', g.rolname, m.rolname)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member WHERE g.rolname ~ '^lpr_' AND NOT m.rolcanlogin AND g.rolname NOT IN ('lpr_log', 'lpr_owner')
      AND NOT EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = m.rolname::text COLLATE "C")
    UNION ALL
    SELECT 'high', 'roles', format('superuser %I is a member of %I', m.rolname, g.rolname), 'Who asks or oversees is no superuser.', format('REVOKE %I FROM %I', g.rolname, m.rolname)
    FROM pg_auth_members AS a JOIN pg_roles AS g ON g.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member WHERE g.rolname ~ '^lpr_' AND m.rolsuper
    UNION ALL
    SELECT 'high', 'roles', format('role %I can log in', r.rolname), 'People log in as themselves.', format('ALTER ROLE %I NOLOGIN', r.rolname)
    FROM pg_roles AS r WHERE r.rolcanlogin AND r.rolname IN ('lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy', 'lpr_admin', 'lpr_training_officer', 'lpr_lead', 'lpr_records_officer', 'lpr_log', 'lpr_owner')
    UNION ALL
    SELECT 'medium', 'roles', format('%I is a member of login %I', m.rolname, l.rolname), 'It can act as that person; that login may not ask any more.', format('REVOKE %I FROM %I', l.rolname, m.rolname)
    FROM pg_auth_members AS a JOIN pg_roles AS l ON l.oid = a.roleid JOIN pg_roles AS m ON m.oid = a.member WHERE l.rolcanlogin AND lpr_data.is_confined(l.oid)
    UNION ALL
    SELECT 'medium', 'roles', format('login %I is that of somebody who has left', r.rolname), 'Nobody is to use it any more.', format('ALTER ROLE %I NOLOGIN', r.rolname)
    FROM pg_roles AS r JOIN lpr_data.person AS p ON p.login = r.rolname::text COLLATE "C" WHERE p.left_at IS NOT NULL AND r.rolcanlogin
    UNION ALL
    SELECT 'low', 'roles', format('login %I is nobody''s', r.rolname), 'It holds a role of ours, and no person is registered for it.', format('SELECT lpr.add_person(%L, …) or DROP ROLE %I', r.rolname, r.rolname)
    FROM pg_roles AS r WHERE r.rolcanlogin AND NOT r.rolsuper AND lpr_data.is_confined(r.oid) AND NOT EXISTS (SELECT FROM lpr_data.person AS p WHERE p.login = r.rolname::text COLLATE "C")
    UNION ALL
    -- Settings that roles and databases have of their own: some would also reach our workers.
    SELECT 'medium', 'settings', format('%s sets %s', coalesce(nullif(concat_ws(' in ', 'role ' || quote_ident(r.rolname), 'database ' || quote_ident(d.datname)), ''), 'every role'), x.name),
           CASE WHEN x.name ~ '^log_' THEN 'Statements hold plates, and would stand in the server''s log.' ELSE 'It changes what statements mean, or what is safe, behind the back of who writes them.' END,
           CASE WHEN r.oid IS NULL AND d.oid IS NOT NULL THEN format('ALTER DATABASE %I RESET %s', d.datname, x.name)
                ELSE concat_ws(' ', 'ALTER ROLE', coalesce(quote_ident(r.rolname), 'ALL'), 'IN DATABASE ' || quote_ident(d.datname), 'RESET', x.name) END
    FROM pg_db_role_setting AS c LEFT JOIN pg_roles AS r ON r.oid = c.setrole LEFT JOIN pg_database AS d ON d.oid = c.setdatabase
    CROSS JOIN LATERAL (SELECT split_part(e, '=', 1) AS name, substr(e, strpos(e, '=') + 1) AS value FROM unnest(c.setconfig) AS e) AS x
    WHERE x.name IN ('search_path', 'session_preload_libraries', 'local_preload_libraries', 'role', 'session_authorization', 'session_replication_role', 'row_security', 'synchronous_commit',
                     'default_transaction_read_only', 'default_transaction_isolation', 'default_transaction_deferrable', 'allow_system_table_mods', 'zero_damaged_pages', 'password_encryption')
       OR x.name ~ '^lpr\.'
       OR x.name = 'log_statement' AND x.value NOT IN ('none', 'ddl')
       OR x.name IN ('log_min_duration_statement', 'log_min_duration_sample') AND x.value <> '-1'
    UNION ALL
    SELECT 'low', 'copies', format('replication slot %I', s.slot_name), 'It keeps WAL back, and with it what was destroyed on its schedule; whoever uses it copies rows.', format('SELECT pg_drop_replication_slot(%L)', s.slot_name)
    FROM pg_replication_slots AS s
    UNION ALL
    SELECT 'low', 'copies', format('%s replicates from here', coalesce(nullif(s.application_name, ''), s.client_addr::text, 'a standby')), 'What is destroyed here has to be destroyed there: it is when the standby keeps up.', format('SELECT pg_terminate_backend(%s)', s.pid)
    FROM pg_stat_replication AS s
    UNION ALL
    SELECT 'low', 'copies', format('publication %I', p.pubname), 'It hands rows to other servers.', format('DROP PUBLICATION %I', p.pubname) FROM pg_publication AS p
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_roles() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_roles() IS 'Part of lpr.security_report(): roles, their memberships and settings, and who copies.';

CREATE FUNCTION lpr_data.findings_of_rights()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE h.topic WHEN 'logging' THEN 'medium' ELSE 'high' END, 'harden', format('not hardened: %s', h.topic), h.reason, h.statement FROM lpr_data.hardening() AS h
    UNION ALL
    -- Places of one's own that lpr.harden() leaves: they may hold something.
    SELECT 'medium', 'places', format('%s belongs to %I', c.oid::regclass, r.rolname), 'Who sees reads has a table to keep them in.', format('ALTER TABLE %s OWNER TO CURRENT_USER', c.oid::regclass)
    FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('schema %I belongs to %I', n.nspname, r.rolname), 'Who sees reads can make tables in it to keep them.', format('ALTER SCHEMA %I OWNER TO CURRENT_USER', n.nspname)
    FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('function %s belongs to %I', p.oid::regprocedure, r.rolname), 'A function can carry an answer in its variables to where it is kept.', format('ALTER ROUTINE %s OWNER TO CURRENT_USER', p.oid::regprocedure)
    FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('large object %s belongs to %I', l.oid, r.rolname), 'It may hold an answer.', format('SELECT lo_unlink(%s)', l.oid)
    FROM pg_largeobject_metadata AS l JOIN pg_roles AS r ON r.oid = l.lomowner WHERE r.rolcanlogin AND lpr_data.is_confined(r.oid)
    UNION ALL
    SELECT 'medium', 'places', format('everybody may write to %s', c.oid::regclass), 'Who sees reads has a table to keep them in.', format('REVOKE INSERT, UPDATE ON %s FROM PUBLIC', c.oid::regclass)
    FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'f', 'v') AND EXISTS (SELECT FROM aclexplode(c.relacl) AS a WHERE a.grantee = 0 AND a.privilege_type IN ('INSERT', 'UPDATE'))
      AND c.relnamespace <> 'pg_catalog'::regnamespace
    UNION ALL
    SELECT 'medium', 'places', format('everybody may use server %I', s.srvname), 'What is asked of another server goes there, plates included.', format('REVOKE USAGE ON FOREIGN SERVER %I FROM PUBLIC', s.srvname)
    FROM pg_foreign_server AS s WHERE EXISTS (SELECT FROM aclexplode(s.srvacl) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'medium', 'places', format('language %I is not trusted', l.lanname), 'Its functions do on this host what the server''s user can.', CASE WHEN x.oid IS NULL THEN format('DROP LANGUAGE %I', l.lanname) ELSE format('DROP EXTENSION %I', x.extname) END
    FROM pg_language AS l LEFT JOIN pg_depend AS d ON d.classid = 'pg_language'::regclass AND d.objid = l.oid AND d.deptype = 'e' LEFT JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE l.lanispl AND NOT l.lanpltrusted
    UNION ALL
    SELECT 'low', 'places', format('extension %I is installed', x.extname), 'It reaches other servers or the files of this one.', format('DROP EXTENSION %I', x.extname)
    FROM pg_extension AS x WHERE x.extname IN ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack')
    UNION ALL
    -- Our own objects.
    SELECT 'high', 'guards', format('schema %I belongs to %I', n.nspname, r.rolname), 'Whoever owns a schema can put decoys beside our functions.', format('ALTER SCHEMA %I OWNER TO CURRENT_USER', n.nspname)
    FROM pg_namespace AS n JOIN pg_roles AS r ON r.oid = n.nspowner WHERE n.nspname IN ('lpr', 'lpr_data') AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'guards', format('extension lpr belongs to %I', r.rolname), 'Its owner can take it apart.', format('ALTER ROLE %I SUPERUSER NOLOGIN; -- or make the extension anew', r.rolname)
    FROM pg_extension AS x JOIN pg_roles AS r ON r.oid = x.extowner WHERE x.extname = 'lpr' AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'guards', format('%s may %s in schema %I', CASE a.grantee WHEN 0 THEN 'everybody' ELSE quote_ident(g.rolname) END, a.privilege_type, n.nspname), 'It could put decoys beside our functions, or reach our tables.',
           format('REVOKE %s ON SCHEMA %I FROM %s', a.privilege_type, n.nspname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END)
    FROM pg_namespace AS n CROSS JOIN aclexplode(n.nspacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
    WHERE a.grantee <> n.nspowner AND (n.nspname IN ('lpr', 'lpr_data') AND a.privilege_type = 'CREATE' OR n.nspname = 'lpr_data' AND g.rolname IS DISTINCT FROM 'lpr_owner')
    UNION ALL
    SELECT 'high', 'guards', format('%s may %s %s', CASE a.grantee WHEN 0 THEN 'everybody' ELSE quote_ident(g.rolname) END, a.privilege_type, c.oid::regclass), 'Our tables are reached through our functions and views only.',
           format('REVOKE ALL ON %s FROM %s', c.oid::regclass, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END)
    FROM pg_class AS c CROSS JOIN aclexplode(c.relacl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
    WHERE c.relnamespace = 'lpr_data'::regnamespace AND a.grantee <> c.relowner AND g.rolname IS DISTINCT FROM 'lpr_owner'
    UNION ALL
    SELECT 'high', 'guards', format('everybody may call %s', p.oid::regprocedure), 'Our functions are granted to who needs them.', format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure)
    FROM pg_proc AS p WHERE p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace)
      AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
    UNION ALL
    SELECT 'high', 'guards', format('%s is not of lpr', p.oid::regprocedure), 'What stands in our schemas and was not made by lpr may be a decoy.', format('DROP ROUTINE %s', p.oid::regprocedure)
    FROM pg_proc AS p WHERE p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace)
      AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS x ON x.oid = d.refobjid WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND x.extname = 'lpr')
    UNION ALL
    SELECT 'high', 'guards', format('%s belongs to %I', p.oid::regprocedure, r.rolname), 'Its owner can replace it.', format('ALTER ROUTINE %s OWNER TO CURRENT_USER', p.oid::regprocedure)
    FROM pg_proc AS p JOIN pg_roles AS r ON r.oid = p.proowner WHERE p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace) AND NOT r.rolsuper
    UNION ALL
    SELECT 'high', 'guards', format('event trigger %I does not always fire', e.evtname), 'Changes of definitions are not on record.', format('ALTER EVENT TRIGGER %I ENABLE ALWAYS', e.evtname)
    FROM pg_event_trigger AS e JOIN pg_depend AS d ON d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e' JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE x.extname = 'lpr' AND d.refclassid = 'pg_extension'::regclass AND e.evtenabled <> 'A'
    UNION ALL
    SELECT 'high', 'guards', format('trigger %I of %s does not always fire', t.tgname, t.tgrelid::regclass), 'Changes are not refused, or not on record.', format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::regclass, t.tgname)
    FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'lpr_data'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'
    UNION ALL
    SELECT 'high', 'guards', format('table %s has no row-level security that binds its owner', c.oid::regclass), 'Views that forget a condition would show what is others''.', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', c.oid::regclass)
    FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' JOIN pg_extension AS x ON x.oid = d.refobjid
    WHERE x.extname = 'lpr' AND d.refclassid = 'pg_extension'::regclass AND c.relkind = 'r' AND c.relnamespace = 'lpr_data'::regnamespace AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT 'high', 'guards', format('cache table %s is logged', c.oid::regclass), 'What is to be gone after its time would live on in the WAL, in backups and on standbys.', format('ALTER TABLE %s SET UNLOGGED', c.oid::regclass)
    FROM pg_class AS c WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^cache_(answer|read)' AND c.relpersistence = 'p'
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_rights() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_rights() IS 'Part of lpr.security_report(): rights, and our own objects.';

CREATE FUNCTION lpr_data.findings_of_parameters()
    RETURNS SETOF lpr_data.finding
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('server_version_num')::integer >= 150000 THEN -- before, there was nothing to grant
        RETURN QUERY
        SELECT 'medium', 'settings', format('%s may %s %s', CASE a.grantee WHEN 0 THEN 'everybody' ELSE quote_ident(g.rolname) END, a.privilege_type, p.parname), 'It was a superuser''s to set.',
               format('REVOKE %s ON PARAMETER %s FROM %s', a.privilege_type, p.parname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END)
        FROM pg_parameter_acl AS p CROSS JOIN aclexplode(p.paracl) AS a LEFT JOIN pg_roles AS g ON g.oid = a.grantee
        WHERE g.rolsuper IS NOT TRUE;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_parameters() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_parameters() IS 'Part of lpr.security_report(): who may set what only superusers could.';

CREATE FUNCTION lpr_data.findings_of_jobs()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'low', 'jobs', 'pg_cron is not installed', 'What is due for destruction is then listed when a records officer asks for it only, and nobody looks whether the workers work.',
           'CREATE EXTENSION pg_cron; SELECT lpr.schedule_jobs(); -- with pg_cron in shared_preload_libraries'
    WHERE NOT lpr_data.has_pg_cron() AND current_setting('shared_preload_libraries') !~ 'pg_cron'
    UNION ALL
    SELECT 'medium', 'jobs', 'cron.use_background_workers is off', 'pg_cron then connects to run a job: pg_hba.conf would have to let a superuser in without a password.', 'ALTER SYSTEM SET cron.use_background_workers = on; -- and restart'
    WHERE lpr_data.has_pg_cron() AND current_setting('cron.use_background_workers', true) = 'off'
    UNION ALL
    SELECT CASE j.state WHEN 'not scheduled' THEN 'low' ELSE 'medium' END, 'jobs', format('job %s is %s', j.job, j.state),
           CASE WHEN j.state = 'failed' THEN coalesce(j.last_message, 'It said nothing.') ELSE format('It %s. Otherwise %s.', j.what, j.otherwise) END,
           CASE j.state WHEN 'not scheduled' THEN 'SELECT lpr.schedule_jobs()' WHEN 'inactive' THEN 'SELECT lpr.schedule_jobs()'
                        ELSE format('SELECT last_run, last_message FROM lpr.jobs WHERE job = %L; -- tells what to see to', j.job) END
    FROM lpr_data.jobs() AS j WHERE j.state IN ('not scheduled', 'inactive', 'failed', 'overdue')
$$;
REVOKE ALL ON FUNCTION lpr_data.findings_of_jobs() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.findings_of_jobs() IS 'Part of lpr.security_report(): jobs that pg_cron does not do.';

CREATE FUNCTION lpr.security_report()
    RETURNS TABLE (severity text, topic text, finding text, reason text, mend text)
    LANGUAGE sql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.severity, f.topic, f.finding, f.reason, f.mend
    FROM (SELECT * FROM lpr_data.findings_of_settings() UNION ALL SELECT * FROM lpr_data.findings_of_connection() UNION ALL SELECT * FROM lpr_data.findings_of_host()
          UNION ALL SELECT * FROM lpr_data.findings_of_roles() UNION ALL SELECT * FROM lpr_data.findings_of_rights() UNION ALL SELECT * FROM lpr_data.findings_of_parameters()
          UNION ALL SELECT * FROM lpr_data.findings_of_jobs()) AS f
    ORDER BY array_position('{high,medium,low}', f.severity), f.topic, f.finding, f.mend
$$;
REVOKE ALL ON FUNCTION lpr.security_report() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.security_report() TO lpr_admin, lpr_oversight, lpr_privacy;
COMMENT ON FUNCTION lpr.security_report() IS
    'What in this server would undo the policy, found now in settings, pg_hba.conf, roles, rights, our own objects and files: severity (high, medium, low), topic, finding, the reason why it matters, and the statement or the line of a file that mends it. No row = nothing was found. To be looked at daily.';
-- 90-isolation: who sees which rows (E4). Every table is owned by a role that cannot log in, under row-level security that binds its owner too. Views belong to
-- the same role, so that a view that forgets a condition still shows nothing that is not its reader's. Functions of verbs and the workers are a superuser's.

DO $$
DECLARE
    relation record;
BEGIN
    -- All of them, so that a new table cannot be forgotten. A view that policies read stays with us (below).
    FOR relation IN
        SELECT c.oid::regclass AS name, c.relkind
        FROM pg_depend AS d JOIN pg_class AS c ON c.oid = d.objid
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr')
          AND (c.relkind IN ('r', 'p') AND c.relnamespace = 'lpr_data'::regnamespace OR c.relkind = 'v')
        ORDER BY c.oid
    LOOP
        IF relation.relkind = 'v' THEN
            EXECUTE format('ALTER VIEW %s OWNER TO lpr_owner', relation.name);
            -- pg_dump compares a member's rights with those that were recorded at the last GRANT: that has to be one after the change of owner.
            EXECUTE format('GRANT SELECT ON %s TO lpr_owner', relation.name);
        ELSE
            EXECUTE format('ALTER TABLE %s OWNER TO lpr_owner', relation.name);
            EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation.name);
        END IF;
    END LOOP;
END
$$;

-- Who sees an event (E4). The view belongs to a superuser, and is granted to nobody: a policy of event_member that read event_member would be asked about itself.

CREATE FUNCTION lpr_data.sees_all()
    RETURNS boolean
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_sees_all';
REVOKE ALL ON FUNCTION lpr_data.sees_all() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.sees_all() IS 'Whether the person behind the authenticated login sees all events: oversight and privacy do (E4).';

CREATE VIEW lpr_data.sight WITH (security_barrier) AS
SELECT m.event_id FROM lpr_data.event_member AS m WHERE m.person_id = ANY (lpr_data.my_people())
UNION ALL
SELECT e.event_id FROM lpr_data.event AS e WHERE (SELECT lpr_data.sees_all());
COMMENT ON VIEW lpr_data.sight IS 'Events that the authenticated login sees: as owner or member, as supervisor of one, as oversight or privacy (E4). For policies only.';
COMMENT ON COLUMN lpr_data.sight.event_id IS 'The event.';

CREATE FUNCTION lpr_data.look_up_all()
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.acts_as('lpr_oversight', 'lpr_privacy');
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look_up_all() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look_up_all() IS 'Rule of lpr_data.sees_all().';

CREATE FUNCTION lpr_data.look_up_events(at_most integer)
    RETURNS bigint[]
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT s.event_id FROM lpr_data.sight AS s LIMIT at_most);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look_up_events(integer) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look_up_events(integer) IS 'So many of the events of lpr_data.sight; fewer = all. For lpr_data.sees().';

CREATE FUNCTION lpr_data.look_up_event(event_id bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM lpr_data.sight AS s WHERE s.event_id = look_up_event.event_id);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.look_up_event(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.look_up_event(bigint) IS 'Whether an event is one of lpr_data.sight. For lpr_data.sees().';

CREATE FUNCTION lpr_data.sees_support(internal)
    RETURNS internal
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_sees_support';
REVOKE ALL ON FUNCTION lpr_data.sees_support(internal) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.sees_support(internal) IS 'Tells the planner how many of all events are seen, and to look them up by lpr_data.my_events() where an index starts with the event.';

CREATE FUNCTION lpr_data.my_events()
    RETURNS bigint[]
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_my_events';
REVOKE ALL ON FUNCTION lpr_data.my_events() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.my_events() IS 'All events of lpr_data.sight.';

CREATE FUNCTION lpr_data.sees(event_id bigint)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
    SUPPORT lpr_data.sees_support
AS 'MODULE_PATHNAME', 'lpr_sees';
REVOKE ALL ON FUNCTION lpr_data.sees(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr_data.sees(bigint), lpr_data.my_events()
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead;
COMMENT ON FUNCTION lpr_data.sees(bigint) IS
    'Whether the authenticated login sees an event: all (lpr_data.sees_all()), or those of lpr_data.sight. The condition of policies on whatever belongs to an event.';

CREATE POLICY seen ON lpr_data.event FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.event_member FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
CREATE POLICY seen ON lpr_data.event_extension FOR SELECT TO lpr_owner USING (lpr_data.sees(event_id));
COMMENT ON POLICY seen ON lpr_data.event IS 'Owner, members, their supervisors; oversight and privacy (E4).';
COMMENT ON POLICY seen ON lpr_data.event_member IS 'As the event.';
COMMENT ON POLICY seen ON lpr_data.event_extension IS 'As the event.';

-- People, and what they are entitled to.
CREATE POLICY seen ON lpr_data.person FOR SELECT TO lpr_owner USING (lpr_data.me() IS NOT NULL);
COMMENT ON POLICY seen ON lpr_data.person IS 'Whoever is registered. The view leaves the addresses out.';
CREATE POLICY seen ON lpr_data.access FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people())
           OR (SELECT lpr_data.acts_as('lpr_system_owner', 'lpr_lead', 'lpr_oversight', 'lpr_privacy')));
COMMENT ON POLICY seen ON lpr_data.access IS 'The person, their supervisor; system owners, leads, oversight and privacy.';
CREATE POLICY seen ON lpr_data.access_step FOR SELECT TO lpr_owner
    USING (EXISTS (SELECT FROM lpr_data.access AS a WHERE a.access_id = access_step.access_id));
COMMENT ON POLICY seen ON lpr_data.access_step IS 'As the request.';
CREATE POLICY seen ON lpr_data.recertification FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people())
           OR (SELECT lpr_data.acts_as('lpr_system_owner', 'lpr_lead', 'lpr_oversight', 'lpr_privacy')));
COMMENT ON POLICY seen ON lpr_data.recertification IS 'As the access.';
CREATE POLICY seen ON lpr_data.training FOR SELECT TO lpr_owner
    USING (person_id = ANY (lpr_data.my_people()) OR (SELECT lpr_data.acts_as('lpr_training_officer', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.training IS 'The person, their supervisor; training officers and oversight.';
CREATE POLICY seen ON lpr_data.mail FOR SELECT TO lpr_owner USING ((SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.mail IS 'Administrators and oversight.';
CREATE POLICY seen ON lpr_data.legal_hold FOR SELECT TO lpr_owner USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.legal_hold IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_order FOR SELECT TO lpr_owner USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_order IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_part FOR SELECT TO lpr_owner USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_part IS 'Records officers, privacy and oversight.';
CREATE POLICY seen ON lpr_data.destruction_certificate FOR SELECT TO lpr_owner USING ((SELECT lpr_data.acts_as('lpr_records_officer', 'lpr_privacy', 'lpr_oversight')));
COMMENT ON POLICY seen ON lpr_data.destruction_certificate IS 'Records officers, privacy and oversight.';

-- What is the same for everybody whom a view is granted to. Tables without a policy (secrets, settings, changes on their way, …) show nothing to any view.
CREATE POLICY seen ON lpr_data.source FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.course FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rules FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.purpose FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.authority FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.search_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.rate_limit FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.schedule FOR SELECT TO lpr_owner USING (true);
CREATE POLICY seen ON lpr_data.schedule_step FOR SELECT TO lpr_owner USING (true);
COMMENT ON POLICY seen ON lpr_data.source IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.course IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rules IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.purpose IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.authority IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.search_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.rate_limit IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule IS 'Everybody.';
COMMENT ON POLICY seen ON lpr_data.schedule_step IS 'Everybody.';
