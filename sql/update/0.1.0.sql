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
