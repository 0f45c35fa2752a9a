-- 30-audit: the log of who asked what (U1 to U4): its tables, what guards them, and the changes of policy that go into
-- it.
--
-- The log is made by the audit writer as soon as there is an extension, not by CREATE EXTENSION itself: its tables are
-- no members of the extension, so that neither DROP EXTENSION nor a restore touches them. They lie in a schema that is
-- no member either.

CREATE FUNCTION lpr_data.refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Of a month that is due and was released the records go, by this transaction: number and digests stay (E10).
    IF TG_OP = 'UPDATE' THEN
        IF lpr_data.is_month_let_go(TG_TABLE_NAME) THEN
            IF TG_LEVEL = 'STATEMENT' THEN
                RETURN NULL;
            ELSIF NEW.kind = 'gone' AND OLD.kind <> 'gone' AND (NEW.number, NEW.digest) = (OLD.number, OLD.digest)
                  AND num_nonnulls(NEW.login, NEW.pid, NEW.session_started, NEW.event_id, NEW.source, NEW.mode, NEW.ask,
                                   NEW.control, NEW.sqlstate, NEW.salt, NEW.payload) = 0 THEN
                RETURN NEW;
            END IF;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'LP031',
        MESSAGE = format('%s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        DETAIL = 'The audit log is only ever added to, by its writer (U3).',
        HINT = 'To archive a month: ALTER TABLE lpr_data.audit DETACH PARTITION ...; it still verifies.';
END
$$;
COMMENT ON FUNCTION lpr_data.refuse_change() IS
    'Trigger of the audit log: error LP031 for UPDATE, DELETE and TRUNCATE by any role (U3), but for records of a '
    'month that a released list has, of which the digests stay (E10).';

CREATE FUNCTION lpr_data.guard(log_table regclass)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger AS t
        WHERE t.tgrelid = log_table AND t.tgfoid = 'lpr_data.refuse_change'::regproc AND t.tgenabled = 'A')
       = (SELECT CASE c.relkind WHEN 'p' THEN 1 ELSE 2 END FROM pg_class AS c WHERE c.oid = log_table)
       AND (SELECT c.relowner = 'lpr_log'::regrole AND c.relrowsecurity AND c.relforcerowsecurity FROM pg_class AS c
            WHERE c.oid = log_table)
       AND has_table_privilege('lpr_verb', log_table, 'SELECT') THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE %s OWNER TO lpr_log', log_table);
    EXECUTE format('REVOKE ALL ON %s FROM lpr_log, lpr_verb', log_table);
    EXECUTE format('GRANT SELECT ON %s TO lpr_verb', log_table);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', log_table);
    -- Statistics are copies: they would outlive what is destroyed, and from 18 on dumps without data can hold them.
    IF EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = log_table AND a.attname = 'payload') THEN
        EXECUTE format('ALTER TABLE %s ALTER payload SET STATISTICS 0', log_table);
    END IF;
    IF (SELECT c.relkind <> 'p' FROM pg_class AS c WHERE c.oid = log_table) THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE '
                       'FUNCTION lpr_data.refuse_change()', log_table);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_row_change', log_table);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH '
                   'STATEMENT EXECUTE FUNCTION lpr_data.refuse_change()', log_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_change', log_table);
    RETURN true;
END
$$;
COMMENT ON FUNCTION lpr_data.guard(regclass) IS
    'Makes a table one of the log: its owner is lpr_log, who cannot log in, nobody has rights on it but lpr_verb, '
    'whose functions read it, no policy shows a row of it, and triggers that fire ALWAYS refuse every change. False '
    'when all of that was so.';

CREATE FUNCTION lpr_data.guard_log()
    RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(t.log_table::text, ', ')
    FROM (SELECT to_regclass('lpr_data.' || name) FROM unnest(ARRAY['log', 'audit', 'checkpoint', 'delivery']) AS name
          UNION ALL
          SELECT i.inhrelid::regclass FROM pg_inherits AS i
          WHERE i.inhparent = to_regclass('lpr_data.audit')) AS t (log_table)
    WHERE t.log_table IS NOT NULL AND lpr_data.guard(t.log_table)
$$;
COMMENT ON FUNCTION lpr_data.guard_log() IS
    'Guards every table of the log that has lost its guard, by DROP EXTENSION ... CASCADE or by hand, and '
    'returns their names. Called by the audit writer when it starts.';

CREATE FUNCTION lpr_data.create_log(id bytea)
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
    COMMENT ON TABLE lpr_data.log IS
        'Which log this is: one row. Its identity goes into every record, so that a new log cannot pass for the old '
        'one (U3).';
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
    COMMENT ON TABLE lpr_data.audit IS
        'The audit log: who asked what and what came back as metadata, never the reads themselves (U1). Written by the '
        'audit writer alone, a partition a month.';
    COMMENT ON COLUMN lpr_data.audit.number IS 'Place in the log: 1, 2, 3, ...';
    COMMENT ON COLUMN lpr_data.audit.at IS
        'When it was decided and written, by the server''s clock; never before the record before.';
    COMMENT ON COLUMN lpr_data.audit.kind IS
        'start, month: the log or a partition begins; ask: a question that the gate let through; refused: one that it '
        'did not; sent, answer: what went out and what came back; change: of policy; read: of the log itself; clock: '
        'the clock was set back; consent: a person agreed to the rules; flag: something for oversight to look at; '
        'gone: what is left of a record whose month was destroyed on its schedule.';
    COMMENT ON COLUMN lpr_data.audit.login IS
        'The authenticated login; NULL for lpr''s own background workers, which their changes name.';
    COMMENT ON COLUMN lpr_data.audit.pid IS 'Process id of the session''s backend.';
    COMMENT ON COLUMN lpr_data.audit.session_started IS 'When that backend started: pid and this name a session.';
    COMMENT ON COLUMN lpr_data.audit.event_id IS 'The purpose (Q7).';
    COMMENT ON COLUMN lpr_data.audit.source IS 'The vendor asked.';
    COMMENT ON COLUMN lpr_data.audit.mode IS 'plate, location, vehicle, or saved: a look at what was saved.';
    COMMENT ON COLUMN lpr_data.audit.ask IS 'Of sent, answer and refused answers: the number of the ask.';
    COMMENT ON COLUMN lpr_data.audit.control IS 'Of refused: the rule, by its id in the register of controls.';
    COMMENT ON COLUMN lpr_data.audit.sqlstate IS 'Of refused and of answers that failed.';
    COMMENT ON COLUMN lpr_data.audit.salt IS '16 random bytes; NULL once the payload was destroyed on its schedule.';
    COMMENT ON COLUMN lpr_data.audit.payload IS
        'The particulars as JSON: all parameters of a question, the metadata of an answer, old and new row of a '
        'change.';
    COMMENT ON COLUMN lpr_data.audit.payload_digest IS
        'SHA-256 of salt and payload; stays when they go. Of what is gone: its leaf of the tree.';
    COMMENT ON COLUMN lpr_data.audit.digest IS
        'Of the chain: SHA-256 over the digest before and this record (docs/audit-format.md).';
    CREATE TABLE lpr_data.checkpoint (
        size bigint PRIMARY KEY CHECK (size > 0),
        at timestamp with time zone NOT NULL,
        frontier bytea NOT NULL,
        proof bytea NOT NULL,
        note text NOT NULL
    );
    COMMENT ON TABLE lpr_data.checkpoint IS
        'Signed checkpoints of the log: every minute or 10,000 records while records come, and at the end of each '
        'month (U3).';
    COMMENT ON COLUMN lpr_data.checkpoint.size IS 'How many records it covers.';
    COMMENT ON COLUMN lpr_data.checkpoint.at IS 'When it was made.';
    COMMENT ON COLUMN lpr_data.checkpoint.frontier IS
        'Roots of the complete subtrees, 32 bytes each, the largest first: the writer starts from them.';
    COMMENT ON COLUMN lpr_data.checkpoint.proof IS 'Consistency proof from the checkpoint before, 32 bytes a node.';
    COMMENT ON COLUMN lpr_data.checkpoint.note IS 'The signed note, in the form of transparency logs.';
    CREATE TABLE lpr_data.delivery (
        size bigint PRIMARY KEY,
        delivered_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE lpr_data.delivery IS
        'Checkpoints that were handed over to lpr.checkpoint_directory or lpr.checkpoint_command.';
    COMMENT ON COLUMN lpr_data.delivery.size IS 'Of the checkpoint.';
    COMMENT ON COLUMN lpr_data.delivery.delivered_at IS 'When.';
    INSERT INTO lpr_data.log (id) VALUES (create_log.id);
    PERFORM lpr_data.guard('lpr_data.log'), lpr_data.guard('lpr_data.audit'), lpr_data.guard('lpr_data.checkpoint'),
            lpr_data.guard('lpr_data.delivery');
END
$$;
COMMENT ON FUNCTION lpr_data.create_log(bytea) IS
    'Makes the tables of a new, empty log with this identity. Called by the audit writer at the first record.';

CREATE FUNCTION lpr_data.add_month(day date)
    RETURNS regclass
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
    SET timezone = 'UTC'
AS $$
DECLARE
    first_day date := date_trunc('month', day)::date;
    month_table text := 'audit_' || to_char(first_day, 'YYYY_MM');
BEGIN
    IF to_regclass(format('lpr_data.%I', month_table)) IS NULL THEN
        -- Stand-alone first: CREATE TABLE ... PARTITION OF would wait for every reader and hold up every writer
        -- meanwhile.
        EXECUTE format('CREATE TABLE lpr_data.%I (LIKE lpr_data.audit INCLUDING COMMENTS)', month_table);
        EXECUTE format('ALTER TABLE lpr_data.%I ADD CONSTRAINT month CHECK (at >= %L AND at < %L)', month_table,
                       first_day::timestamptz, (first_day + interval '1 month')::timestamptz);
        EXECUTE format('CREATE UNIQUE INDEX %I ON lpr_data.%I (number)', month_table || '_number', month_table);
        EXECUTE format('COMMENT ON TABLE lpr_data.%I IS %L', month_table,
                       'The audit log of ' || to_char(first_day, 'YYYY-MM') || ' (UTC).');
        PERFORM lpr_data.guard(format('lpr_data.%I', month_table)::regclass);
        EXECUTE format('ALTER TABLE lpr_data.audit ATTACH PARTITION lpr_data.%I FOR VALUES FROM (%L) TO (%L)',
                       month_table,
                       first_day::timestamptz, (first_day + interval '1 month')::timestamptz);
    END IF;
    RETURN format('lpr_data.%I', month_table)::regclass;
END
$$;
COMMENT ON FUNCTION lpr_data.add_month(date) IS
    'The partition of the month (UTC) in which a day falls, made if it is not there. Called by the audit writer, days '
    'ahead.';

-- Changes of policy and case data. They are written inside the transaction that makes them and chained by the writer in
-- the order of commits.

CREATE TABLE lpr_data.change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text COLLATE "C",
    pid integer NOT NULL,
    session_started timestamp with time zone NOT NULL,
    payload text NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.change', '');
ALTER TABLE lpr_data.change ALTER payload SET STATISTICS 0;
COMMENT ON TABLE lpr_data.change IS
    'Changes of policy and case data that were committed and wait for the audit writer, for milliseconds (U4).';
COMMENT ON COLUMN lpr_data.change.number IS 'Order in which they were made.';
COMMENT ON COLUMN lpr_data.change.login IS
    'The authenticated login that made it; NULL for lpr''s own background workers, which the payload names.';
COMMENT ON COLUMN lpr_data.change.pid IS 'Process id of the session''s backend.';
COMMENT ON COLUMN lpr_data.change.session_started IS 'When that backend started.';
COMMENT ON COLUMN lpr_data.change.payload IS 'JSON: table, action, role, transaction, made_at, old and new row.';

CREATE FUNCTION lpr_data.guard_change()
    RETURNS trigger
    LANGUAGE c
AS 'MODULE_PATHNAME', 'lpr_guard_change';
COMMENT ON FUNCTION lpr_data.guard_change() IS
    'Trigger of lpr_data.change (U3): numbers what comes in; only functions of lpr put something in, in the name of '
    'their own session; only the audit writer takes it out; nobody alters it: error LP031. What a restore brings by '
    'COPY comes in as a change of whoever restores. Before each commit the library holds what is there against what '
    'went through here, whatever became of the triggers meanwhile.';
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE OR DELETE ON lpr_data.change
    FOR EACH ROW EXECUTE FUNCTION lpr_data.guard_change();
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON lpr_data.change
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.guard_change();
ALTER TABLE lpr_data.change ENABLE ALWAYS TRIGGER guard_row, ENABLE ALWAYS TRIGGER guard_truncate;

CREATE FUNCTION lpr_data.wake_writer(OUT pid integer, OUT session_started timestamp with time zone)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_wake_writer';
COMMENT ON FUNCTION lpr_data.wake_writer() IS
    'Lets the audit writer know, at commit, that changes wait; returns what names this session.';

-- What the texts of a table are is said once, where it is put under audit (lpr_data.audit_changes_of). free: what
-- people write, such as reasons. The log has a digest of it and its length; the text itself is in its row and goes with
-- it. plain: names, codes and citations, which the log has as they stand. long: what administrators write for
-- everybody. Texts in the collation "C" are codes, and plain.

CREATE FUNCTION lpr_data.most_bytes(kind text)
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind WHEN 'free' THEN 16000 WHEN 'long' THEN 65536 WHEN 'array' THEN 4096 ELSE 1024 END;
COMMENT ON FUNCTION lpr_data.most_bytes(text) IS
    'How many bytes a text of a kind (free, long, plain), or all of an array, may have. The forms of reasons and the '
    'like take 4,000 characters.';

CREATE FUNCTION lpr_data.text_digest(salt bytea, "column" text, value text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(sha256('LPRT'::bytea || salt || int4send(octet_length("column")) || convert_to("column", 'UTF8')
                     || int4send(octet_length(value)) || convert_to(value, 'UTF8')), 'hex');
COMMENT ON FUNCTION lpr_data.text_digest(bytea, text, text) IS
    'A free text as the log has it (docs/audit-format.md): the salt is the row''s text_salt and goes with the row, so '
    'that nobody can find a text that is gone by trying.';

CREATE FUNCTION lpr_data.recorded("row" jsonb, columns text[])
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT "row" - 'text_salt' - coalesce(array_agg(c) FILTER (WHERE c !~ '^(free|plain|long) '), '{}')
               || coalesce(jsonb_object_agg(substr(c, 6),
                      jsonb_build_object('digest', lpr_data.text_digest(("row" ->> 'text_salt')::bytea, substr(c, 6),
                                                                        "row" ->> substr(c, 6)),
                                         'length', octet_length("row" ->> substr(c, 6))))
                   FILTER (WHERE c LIKE 'free %' AND "row" ->> substr(c, 6) IS NOT NULL), '{}')
        FROM unnest(coalesce(columns, '{}')) AS c);
COMMENT ON FUNCTION lpr_data.recorded(jsonb, text[]) IS
    'A row as the log has it. columns: those left out; those with free before their name stand as digest and length.';

CREATE FUNCTION lpr_data.refuse_invisible(what text, value text)
    RETURNS void
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_refuse_invisible_text';
COMMENT ON FUNCTION lpr_data.refuse_invisible(text, text) IS
    'An error, which names the character, when a text holds an invisible one: of Unicode''s format characters, or '
    'a control character other than tab and the ends of lines. What turns the direction of writing, or stands between '
    'two letters as if nothing were there, makes one text look like another. what: its name in the message.';

CREATE FUNCTION lpr_data.check_texts(was jsonb, "row" jsonb, columns text[])
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given record;
BEGIN
    SELECT v.key, octet_length(v.value #>> '{}') AS bytes, lpr_data.most_bytes(v.kind) AS most INTO given
    FROM (SELECT e.key, e.value,
                 CASE WHEN jsonb_typeof(e.value) = 'array' THEN 'array'
                      WHEN 'long ' || e.key = ANY (columns) THEN 'long'
                      WHEN 'free ' || e.key = ANY (columns) THEN 'free' ELSE 'plain' END AS kind
          FROM jsonb_each("row" - coalesce(columns, '{}')) AS e
          WHERE jsonb_typeof(e.value) IN ('string', 'array') AND was -> e.key IS DISTINCT FROM e.value) AS v
    WHERE octet_length(v.value #>> '{}') > lpr_data.most_bytes(v.kind)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'string_data_right_truncation',
            MESSAGE = format('"%s" is too long', given.key),
            DETAIL = format('It has %s bytes, and may have %s.', given.bytes, given.most),
            HINT = 'Say it in fewer words.';
    END IF;
    -- What lpr's own workers note is not of their making: settings, which a superuser wrote.
    PERFORM lpr_data.refuse_invisible(e.key, t.value #>> '{}')
    FROM jsonb_each("row" - coalesce(columns, '{}')) AS e,
         jsonb_path_query(CASE WHEN jsonb_typeof(e.value) IN ('string', 'array') THEN e.value ELSE '[]' END,
                          '$[*]') AS t (value)
    WHERE was -> e.key IS DISTINCT FROM e.value AND lpr.login() IS NOT NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.check_texts(jsonb, jsonb, text[]) IS
    'An error when a text that a change brings is longer than lpr_data.most_bytes(): nobody fills the log; or holds '
    'what nobody sees (lpr_data.refuse_invisible). What was there before stays; superusers bring back what earlier '
    'versions took.';

CREATE FUNCTION lpr_data.audit_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_LEVEL = 'ROW' AND TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_LEVEL = 'ROW' AND TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) END;
    disposal bigint;
BEGIN
    -- Of what is destroyed by a list no copy goes into the log (E10): that it went, and by which list.
    IF TG_LEVEL = 'ROW' AND (TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'person') THEN
        disposal := lpr_data.disposal_under_way();
        IF disposal IS NOT NULL THEN
            old_row := NULL;
            new_row := NULL;
        END IF;
    END IF;
    -- Who the session is, not what it became: a restore is a superuser's.
    IF new_row IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        PERFORM lpr_data.check_texts(old_row, new_row, TG_ARGV);
    END IF;
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('table', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME,
                              'action', lower(TG_OP),
                              'role', session_user,
                              'transaction', pg_current_xact_id()::text,
                              'made_at', clock_timestamp(),
                              'old', lpr_data.recorded(old_row, TG_ARGV),
                              'new', lpr_data.recorded(new_row, TG_ARGV),
                              'disposal', disposal)::text
    FROM lpr_data.wake_writer() AS w;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.audit_change() IS
    'Trigger of every table of policy and case data: writes old and new row to lpr_data.change, in the same '
    'transaction (U4). Its arguments are columns that are left out, and with free, plain or long before the name what '
    'the texts of the others are.';

CREATE FUNCTION lpr_data.audit_changes_of(policy_table regclass, without text[] DEFAULT '{}', free text[] DEFAULT '{}',
                                          plain text[] DEFAULT '{}', long text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    arguments text := (SELECT string_agg(quote_literal(c), ', ')
                       FROM unnest(without || ARRAY(SELECT 'free ' || f FROM unnest(free) AS f)
                                   || ARRAY(SELECT 'plain ' || p FROM unnest(plain) AS p)
                                   || ARRAY(SELECT 'long ' || l FROM unnest(long) AS l)) AS c);
    free_column name;
BEGIN
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE '
                   'FUNCTION lpr_data.audit_change(%s)', policy_table, arguments);
    EXECUTE format('CREATE OR REPLACE TRIGGER audit_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION '
                   'lpr_data.audit_change()', policy_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate',
                   policy_table);
    -- Statistics hold values, in a catalogue that outlives the rows.
    FOR free_column IN
        SELECT a.attname FROM pg_attribute AS a
        WHERE a.attrelid = policy_table AND NOT a.attisdropped AND a.attname = ANY (free || '{text_salt}'::text[])
        ORDER BY a.attnum
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I SET STATISTICS 0', policy_table, free_column);
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.audit_changes_of(regclass, text[], text[], text[], text[]) IS
    'Puts a table under audit: every change of it becomes a record of the log (U4). without: columns whose values are '
    'left out. free: texts that people write, which the log has as digest and length, and the planner no statistics '
    'of; the table has a column text_salt for it. plain: other texts but those in the collation "C". long: plain ones '
    'of more than 1,024 bytes.';

SELECT lpr_data.audit_changes_of('lpr_data.source', plain => '{assessment,exemptions}'),
       lpr_data.audit_changes_of('lpr_data.camera', plain => '{address,owner,type,region,country}'),
       lpr_data.audit_changes_of('lpr_data.secret', without => '{value}', plain => '{key_name}');

-- Settings are policy as well: the writer notes those that matter, at start and whenever the configuration is read
-- again.

CREATE TABLE lpr_data.setting (
    name text COLLATE "C" PRIMARY KEY,
    value text
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.setting', '');
COMMENT ON TABLE lpr_data.setting IS
    'Settings of the server that bear on the safeguards, as the audit writer last saw them; a change becomes a record '
    'of the log (U4).';
COMMENT ON COLUMN lpr_data.setting.name IS 'Name of the setting.';
COMMENT ON COLUMN lpr_data.setting.value IS 'Its value.';
SELECT lpr_data.audit_changes_of('lpr_data.setting', long => '{value}');

CREATE FUNCTION lpr_data.note_settings()
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.setting AS s (name, value)
    SELECT p.name, p.reset_val
    FROM pg_catalog.pg_settings AS p
    WHERE p.name LIKE 'lpr.%'
       OR p.name IN ('archive_mode', 'fsync', 'full_page_writes', 'log_min_duration_statement', 'log_statement',
                     'password_encryption', 'server_version',
                     'shared_preload_libraries', 'ssl', 'synchronous_standby_names')
    ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE SET value = excluded.value
    WHERE s.value IS DISTINCT FROM excluded.value;
END;
COMMENT ON FUNCTION lpr_data.note_settings() IS 'Brings lpr_data.setting up to date. Called by the audit writer.';

CREATE FUNCTION lpr_data.script_extension()
    RETURNS text
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_script_extension';
COMMENT ON FUNCTION lpr_data.script_extension() IS
    'The extension whose script is executed just now; NULL: none. Our own is on record by its text, others do not '
    'touch what is ours unseen.';

-- So is the definition of what is asked and of the rules: servers, mappings, grants on them, and everything in our
-- schemas.

CREATE FUNCTION lpr_data.audit_ddl()
    RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lpr.login() IS NULL THEN
        RETURN; -- the audit writer makes its own tables
    END IF;
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('command', d.command_tag, 'type', d.object_type, 'object', d.object_identity,
                              'statement', CASE WHEN d.object_type IN ('server', 'FOREIGN SERVER')
                                                     THEN left(current_query(), 1000) END,
                              'extension', lpr_data.script_extension(),
                              'role', session_user, 'transaction', pg_current_xact_id()::text,
                              'made_at', clock_timestamp())::text
    FROM (SELECT c.command_tag, c.object_type, c.object_identity, c.schema_name, c.in_extension
          FROM pg_event_trigger_ddl_commands() AS c WHERE TG_EVENT = 'ddl_command_end') AS d
    -- Called for what is recorded, and for nothing else.
    CROSS JOIN LATERAL (SELECT x.* FROM lpr_data.wake_writer() AS x WHERE d.command_tag IS NOT NULL OFFSET 0) AS w
    WHERE (NOT d.in_extension OR lpr_data.script_extension() IS DISTINCT FROM 'lpr')
      AND (d.schema_name IN ('lpr', 'lpr_data')
           OR d.object_type IN ('server', 'user mapping', 'FOREIGN SERVER', 'foreign-data wrapper', 'extension',
                                'event trigger'));
END
$$;
COMMENT ON FUNCTION lpr_data.audit_ddl() IS
    'Event trigger: DDL on servers, user mappings and everything in schemas lpr and lpr_data becomes a record of the '
    'log (U4).';

CREATE FUNCTION lpr_data.audit_drop()
    RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lost text;
BEGIN
    SELECT d.object_identity INTO lost
    FROM pg_event_trigger_dropped_objects() AS d
    WHERE TG_TAG <> 'DROP EXTENSION'
      AND (d.object_type = 'table' AND d.object_identity ~ '^lpr_data\.(log|audit|audit_[0-9_]+|checkpoint|delivery)$'
           OR d.object_type = 'trigger' AND d.object_identity ~ '^refuse_(row_)?change on ')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP031',
            MESSAGE = format('dropping %s is refused', lost),
            DETAIL = 'The audit log is only ever added to, by its writer (U3).',
            HINT = 'A month leaves it by ALTER TABLE lpr_data.audit DETACH PARTITION ... '
                   'and ALTER TABLE ... SET SCHEMA ....';
    END IF;
    -- DROP EXTENSION takes this table along.
    IF to_regclass('lpr_data.change') IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('command', TG_TAG, 'type', d.object_type, 'object', d.object_identity,
                              'role', session_user,
                              'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp())::text
    FROM pg_event_trigger_dropped_objects() AS d
    CROSS JOIN LATERAL (SELECT x.* FROM lpr_data.wake_writer() AS x WHERE d.object_type IS NOT NULL OFFSET 0) AS w
    WHERE (d.original OR d.normal) AND (d.schema_name IN ('lpr', 'lpr_data')
                                        OR d.object_type IN ('server', 'user mapping'));
END
$$;
COMMENT ON FUNCTION lpr_data.audit_drop() IS
    'Event trigger: what is dropped of servers, user mappings and our schemas becomes a record of the log (U4); the '
    'log itself and its guards are not dropped (U3), error LP031.';

CREATE EVENT TRIGGER lpr_audit_ddl ON ddl_command_end EXECUTE FUNCTION lpr_data.audit_ddl();
ALTER EVENT TRIGGER lpr_audit_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_audit_ddl IS 'Records DDL that bears on the safeguards (U4).';
CREATE EVENT TRIGGER lpr_audit_drop ON sql_drop EXECUTE FUNCTION lpr_data.audit_drop();
ALTER EVENT TRIGGER lpr_audit_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_audit_drop IS 'Records drops that bear on the safeguards (U4).';
