-- 31-audit-read: how the audit log is read and verified. Reading it is itself a record of it, on disk before the first
-- row is shown (U4).

CREATE FUNCTION lpr_data.audit_record(kind text, control text, sqlstate text, what text)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_audit_record';
COMMENT ON FUNCTION lpr_data.audit_record(text, text, text, text) IS
    'Puts a record of kind read, refused, consent or flag into the log and returns its number once it is on disk. '
    'Error LP020 when it cannot be.';

CREATE TYPE lpr.audit_row AS (
    number bigint,
    at timestamp with time zone,
    kind text,
    login text,
    pid integer,
    session_started timestamp with time zone,
    event_id bigint,
    source text,
    mode text,
    ask bigint,
    control text,
    sqlstate text,
    payload jsonb
);
COMMENT ON TYPE lpr.audit_row IS
    'A record of the audit log as lpr.audit() shows it; the columns are those of lpr_data.audit.';

CREATE FUNCTION lpr_data.figures_of(payload jsonb)
    RETURNS jsonb
    LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_strip_nulls(jsonb_build_object('plates_asked', jsonb_array_length(payload -> 'plates')))
           || coalesce(jsonb_object_agg(f.key, f.value), '{}')
    FROM jsonb_each(payload) AS f
    WHERE f.key = ANY ('{from,until,columns,aggregated,images,fresh,outcome,reads,plates_shown,received,oldest,newest,'
                       'dropped,odd_value,requests,retries,pages,bytes,images_missing,from_cache,milliseconds}');
END;
COMMENT ON FUNCTION lpr_data.figures_of(jsonb) IS
    'What a record tells that is neither a plate nor a place nor a text of a person: how many, how long, what came of '
    'it (A9).';

CREATE FUNCTION lpr.audit(
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    login text DEFAULT NULL,
    kind text DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    source text DEFAULT NULL
)
    RETURNS SETOF lpr.audit_row
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- Whose records are shown whole, and whether others' are shown by their figures. NULL = everybody's.
    people text[];
    figures boolean := lpr_data.acts_as('lpr_system_owner', 'lpr_lead');
BEGIN
    PERFORM lpr_data.reading('A9', 'lpr_oversight', 'lpr_privacy', 'lpr_supervisor', 'lpr_system_owner', 'lpr_lead');
    PERFORM lpr_data.audit_record('read', NULL, NULL,
                                  format('audit(since => %L, until => %L, login => %L, kind => %L, event_id => %L, '
                                         'source => %L)',
                                         audit.since, audit.until, audit.login, audit.kind, audit.event_id,
                                         audit.source));
    IF NOT (lpr_data.acts_as('lpr_oversight', 'lpr_privacy')
            OR EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper)) THEN
        people := ARRAY(SELECT p.login FROM lpr_data.person AS p
                        WHERE p.person_id = ANY (lpr_data.my_people()) AND p.person_id <> lpr_data.me()
                          AND lpr_data.acts_as('lpr_supervisor')
                          -- Whom these look into is not for who is looked into.
                          AND NOT lpr_data.holds(p.person_id, 'lpr_oversight', 'lpr_privacy',
                                                 'lpr_integrity'));
    END IF;
    RETURN QUERY
        SELECT a.number, a.at, a.kind, a.login, a.pid, a.session_started, a.event_id, a.source, a.mode, a.ask,
               a.control, a.sqlstate,
               CASE WHEN people IS NULL OR a.login = ANY (people) THEN a.payload::jsonb
                    ELSE lpr_data.figures_of(a.payload::jsonb) END
        FROM lpr_data.audit AS a
        WHERE (audit.since IS NULL OR a.at >= audit.since)
          AND (audit.until IS NULL OR a.at <= audit.until)
          AND (audit.login IS NULL OR a.login = audit.login)
          AND (audit.kind IS NULL OR a.kind = audit.kind)
          AND (audit.event_id IS NULL OR a.event_id = audit.event_id)
          AND (audit.source IS NULL OR a.source = audit.source)
          AND (people IS NULL OR a.login = ANY (people) AND a.kind <> 'read'
               OR figures AND a.kind IN ('ask', 'answer', 'sent', 'refused') AND a.login <> lpr.login())
        ORDER BY a.number;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) IS
    'The audit log, oldest record first (U1, A9): who asked what for which event, what came back as metadata, what '
    'was refused and why. Oversight and privacy read all of it; supervisors what their people did, but for what those '
    'read by duty and all of oversight, privacy and integrity, and nothing of their own; system owners and leads the '
    'questions of all others by their figures, without plates, places and texts. since, until: of the record''s time, '
    'both included; login, kind (ask, refused, sent, answer, change, read, clock, consent, flag, start, month), '
    'event_id, source: only such records; NULL = all. Each call is itself a record, and so is its refusal. Errors '
    'LP024, LP033, and those of the gate for a session; on a standby LP020.';

CREATE FUNCTION lpr.my_queries(
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL
)
    RETURNS TABLE (number bigint, at timestamp with time zone, event_id bigint, source text, mode text, outcome text,
                   reads bigint, control text, sqlstate text, question jsonb)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.pass_session();
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('my_queries(since => %L, until => %L)', my_queries.since,
                                                             my_queries.until));
    RETURN QUERY
        SELECT a.number, a.at, a.event_id, a.source, a.mode,
               CASE a.kind WHEN 'refused' THEN a.kind ELSE coalesce(b.payload::jsonb ->> 'outcome', 'unanswered') END,
               (b.payload::jsonb ->> 'reads')::bigint, a.control, coalesce(a.sqlstate, b.sqlstate), a.payload::jsonb
        FROM lpr_data.audit AS a
        LEFT JOIN lpr_data.audit AS b
            ON b.kind = 'answer' AND b.ask = a.number AND b.login = a.login
               AND b.at >= coalesce(my_queries.since, '-infinity')
        WHERE a.kind IN ('ask', 'refused') AND a.login = lpr.login()
          AND (my_queries.since IS NULL OR a.at >= my_queries.since)
          AND (my_queries.until IS NULL OR a.at <= my_queries.until)
        ORDER BY a.number DESC;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.my_queries(timestamptz, timestamptz) TO lpr_member;
COMMENT ON FUNCTION lpr.my_queries(timestamptz, timestamptz) IS
    'What you asked, the newest first, as it is on record (A9): for which event, of which source, what came of it, and '
    'the question as it stands in the log. since, until: of the question''s time, both included; NULL = all. outcome: '
    'refused, unanswered, or that of lpr.last_query(). Each call is itself a record. Errors LP024, and those of the '
    'gate for a session.';

CREATE FUNCTION lpr.audit_of_reference(reference text)
    RETURNS SETOF lpr.audit_row
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Until 0.2.0 a reference held the number, and less of the digest.
    parts text[] := regexp_match(reference, '^([0-9a-f]{32})-(?:([0-9]{1,18})-([0-9a-f]{16})|([0-9a-f]{32}))$');
    part text := coalesce(parts[3], parts[4]);
    question bigint;
BEGIN
    PERFORM lpr_data.reading('U4', 'lpr_oversight');
    IF parts IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a reference: %s', coalesce(quote_literal(left(reference, 128)), 'NULL')),
            DETAIL = 'A reference is 32 lower-case hexadecimal digits, a dash, and 32 more; before 0.3.0 a number, a '
                     'dash and 16.',
            HINT = 'Take it from the vendor''s log as it stands there, without blanks and quotes.';
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL,
                                  format('audit_of_reference(%L)', left(audit_of_reference.reference, 128)));
    SELECT a.number INTO question FROM lpr_data.audit AS a
    WHERE a.kind = 'ask' AND substr(a.digest, 1, length(part) / 2) = decode(part, 'hex')
      AND (parts[2] IS NULL OR a.number = parts[2]::bigint)
      AND EXISTS (SELECT FROM lpr_data.log AS l WHERE encode(l.id, 'hex') = parts[1]);
    RETURN QUERY
        SELECT a.number, a.at, a.kind, a.login, a.pid, a.session_started, a.event_id, a.source, a.mode, a.ask,
               a.control, a.sqlstate, a.payload::jsonb
        FROM lpr_data.audit AS a WHERE a.number = question OR a.ask = question ORDER BY a.number;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.audit_of_reference(text) TO lpr_member;
COMMENT ON FUNCTION lpr.audit_of_reference(text) IS
    'The question of a reference that stands in a vendor''s log, and what is on record of its answer; no row when this '
    'log has no such question: then somebody asked without it, or the log was cut (U3, U7). It looks through the whole '
    'log. For oversight, as lpr.audit(); errors as there, and 22023 for what is no reference.';

CREATE FUNCTION lpr.unanswered(since timestamp with time zone DEFAULT NULL)
    RETURNS TABLE (number bigint, at timestamp with time zone, login text, event_id bigint, source text, mode text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.reading('U4', 'lpr_oversight');
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('unanswered(since => %L)', unanswered.since));
    RETURN QUERY
        SELECT a.number, a.at, a.login, a.event_id, a.source, a.mode
        FROM lpr_data.audit AS a
        WHERE a.kind = 'ask' AND (unanswered.since IS NULL OR a.at >= unanswered.since)
          AND NOT EXISTS (SELECT FROM lpr_data.audit AS b WHERE b.kind = 'answer' AND b.ask = a.number AND b.at >= a.at)
        ORDER BY a.number;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.unanswered(timestamptz) TO lpr_member;
COMMENT ON FUNCTION lpr.unanswered(timestamptz) IS
    'Questions without an answer on record (U1): under way, or broken off so hard (a killed backend, a crash) that '
    'nothing could be written down any more. since: of the question''s time, NULL = all. Each call is itself a record.';

CREATE FUNCTION lpr.recorded_texts(
    number bigint,
    OUT "column" text,
    OUT version text,
    OUT digest text,
    OUT length integer,
    OUT said text,
    OUT salt bytea,
    OUT proved boolean
)
    RETURNS SETOF record
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    change jsonb;
    changed regclass;
    key text;
    held jsonb;
BEGIN
    PERFORM lpr_data.reading('U4', 'lpr_oversight');
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('recorded_texts(%s)', recorded_texts.number));
    SELECT a.payload::jsonb, to_regclass(a.payload::jsonb ->> 'table') INTO change, changed
    FROM lpr_data.audit AS a WHERE a.number = recorded_texts.number AND a.kind = 'change';
    -- The row that it was about, by its primary key, as it is now.
    key := (SELECT string_agg(format('t.%1$I = (%2$L::jsonb ->> %1$L)::%3$s', c.attname,
                                     coalesce(nullif(change -> 'new', 'null'), change -> 'old'),
                                     format_type(c.atttypid, c.atttypmod)), ' AND ')
            FROM pg_index AS i JOIN pg_attribute AS c ON c.attrelid = i.indrelid AND c.attnum = ANY (i.indkey)
            WHERE i.indrelid = changed AND i.indisprimary
              AND jsonb_path_exists(change, '$.*.*.digest')); -- else there is no text to show
    IF key IS NOT NULL THEN
        EXECUTE format('SELECT to_jsonb(t) FROM %s AS t WHERE %s', changed, key) INTO held;
    END IF;
    RETURN QUERY
        SELECT e.key, v.version, e.value ->> 'digest', (e.value ->> 'length')::integer, held ->> e.key,
               (held ->> 'text_salt')::bytea,
               coalesce(lpr_data.text_digest((held ->> 'text_salt')::bytea, e.key, held ->> e.key)
                        = e.value ->> 'digest', false)
        FROM (VALUES ('old'), ('new')) AS v (version)
        CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(change -> v.version) WHEN 'object' THEN change -> v.version
                                      ELSE '{}' END) AS e
        WHERE jsonb_typeof(e.value) = 'object' AND e.value ? 'digest'
        ORDER BY v.version DESC, e.key;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.recorded_texts(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.recorded_texts(bigint) IS
    'The free texts that a record of kind change has as digests (docs/audit-format.md), beside what its row holds now: '
    'column; version old or new; digest and length (bytes) on record; said, the text, and salt, what it was hashed '
    'with: NULL when the row is gone; proved: whether that text is the one on record. Each call is itself a record. '
    'Errors LP024 and LP033 (who may).';

CREATE FUNCTION lpr_data.escaped(value text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(replace(replace(replace(replace(value, '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r'), '\N');
COMMENT ON FUNCTION lpr_data.escaped(text) IS 'A value as COPY writes it: NULL is \N.';

CREATE FUNCTION lpr_data.microseconds(moment timestamp with time zone)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (extract(epoch FROM moment) * 1000000)::bigint - 946684800000000;
COMMENT ON FUNCTION lpr_data.microseconds(timestamptz) IS 'Microseconds since 2000-01-01 00:00 UTC, exactly.';

CREATE FUNCTION lpr_data.export_rows(log_table regclass, first bigint, last bigint)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT concat_ws(E''\t'', a.number, lpr_data.microseconds(a.at), lpr_data.escaped(a.kind),
                          lpr_data.escaped(a.login), coalesce(a.pid::text, ''\N''),
                          coalesce(lpr_data.microseconds(a.session_started)::text, ''\N''),
                          coalesce(a.event_id::text, ''\N''), lpr_data.escaped(a.source),
                          lpr_data.escaped(a.mode), coalesce(a.ask::text, ''\N''), lpr_data.escaped(a.control),
                          lpr_data.escaped(a.sqlstate),
                          coalesce(encode(a.salt, ''hex''), ''\N''), lpr_data.escaped(a.payload),
                          encode(a.payload_digest, ''hex''), encode(a.digest, ''hex''))
         FROM %s AS a WHERE ($1 IS NULL OR a.number >= $1) AND ($2 IS NULL OR a.number <= $2) ORDER BY a.number',
        log_table) USING first, last;
END
$$;
COMMENT ON FUNCTION lpr_data.export_rows(regclass, bigint, bigint) IS
    'The records of a table of the log, a line each, as lpr.export_audit() shows them.';

CREATE FUNCTION lpr_data.export_month(month text, first bigint, last bigint)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log_table regclass := to_regclass(month);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class AS c
                   WHERE c.oid = log_table AND c.relowner = 'lpr_log'::regrole AND c.relkind IN ('r', 'p')) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('"%s" is no table of the audit log', month),
            DETAIL = 'Such tables belong to role lpr_log.';
    END IF;
    RETURN QUERY SELECT r.* FROM lpr_data.export_rows(log_table, first, last) AS r;
END
$$;
GRANT EXECUTE ON FUNCTION lpr_data.export_month(text, bigint, bigint) TO lpr_verb;
COMMENT ON FUNCTION lpr_data.export_month(text, bigint, bigint) IS
    'Of a month of the log, wherever it was moved to: lpr_data.export_rows(). A superuser''s, since an archive is.';

CREATE FUNCTION lpr.export_audit(first bigint DEFAULT NULL, last bigint DEFAULT NULL, month text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.reading('U4', 'lpr_oversight');
    PERFORM lpr_data.audit_record('read', NULL, NULL,
                                  format('export_audit(first => %L, last => %L, month => %L)', first, last, month));
    RETURN QUERY SELECT 'lpr-audit-export-1' || E'\t' || encode(l.id, 'hex') FROM lpr_data.log AS l;
    IF month IS NULL THEN
        RETURN QUERY SELECT r.* FROM lpr_data.export_rows('lpr_data.audit', first, last) AS r;
    ELSE
        RETURN QUERY SELECT r.* FROM lpr_data.export_month(month, first, last) AS r;
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.export_audit(bigint, bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.export_audit(bigint, bigint, text) IS
    'The log in the form that lpr-audit-verify takes, a line a record (docs/audit-format.md): psql -At -c "SELECT '
    'lpr.export_audit()" >audit.log. first, last: numbers of records; month: a partition, also one that was detached '
    'into an archive. Each call is itself a record.';

CREATE FUNCTION lpr_data.verify(first bigint, last bigint, OUT ok boolean, OUT number bigint, OUT detail text)
    RETURNS SETOF record
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_verify_audit';
COMMENT ON FUNCTION lpr_data.verify(bigint, bigint) IS 'What lpr.verify_audit() finds.';

CREATE FUNCTION lpr.verify_audit(first bigint DEFAULT NULL, last bigint DEFAULT NULL, OUT ok boolean, OUT number bigint,
                                 OUT detail text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.watching('U3', 'lpr_oversight', 'lpr_privacy', 'lpr_admin');
    RETURN QUERY SELECT v.ok, v.number, v.detail FROM lpr_data.verify(verify_audit.first, verify_audit.last) AS v;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.verify_audit(bigint, bigint) TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.verify_audit(bigint, bigint) IS
    'Holds the audit log against itself and its checkpoints (U3): every digest of records and payloads, numbers, '
    'times, the tree at every checkpoint, tables against their indexes. A row a finding, with the number of the '
    'record, and at the end a summary, whose ok tells whether there was none. first, last: only these records, from '
    'the checkpoint before them on. Who controls the server controls this function: lpr-audit-verify does the same '
    'elsewhere.';

CREATE FUNCTION lpr_data.submission(old bigint, proof bytea, note text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_audit_submission';
COMMENT ON FUNCTION lpr_data.submission(bigint, bytea, text) IS
    'A signed note as a witness takes it: the size of the checkpoint before, the proof that this one follows it, '
    'the note.';

CREATE FUNCTION lpr_data.checkpoint_file(size bigint)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT lpr_data.submission(coalesce((SELECT max(p.size) FROM lpr_data.checkpoint AS p
                                                 WHERE p.size < c.size), 0), c.proof, c.note)
            FROM lpr_data.checkpoint AS c
            WHERE c.size = checkpoint_file.size);
END
$$;
COMMENT ON FUNCTION lpr_data.checkpoint_file(bigint) IS
    'A checkpoint as it is delivered: the size of the one before, the proof that it follows it, and the signed note '
    '(docs/audit-format.md).';

CREATE FUNCTION lpr.checkpoint(size bigint DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.watching('U3', 'lpr_oversight', 'lpr_privacy', 'lpr_admin');
    RETURN rtrim(lpr_data.checkpoint_file(coalesce(checkpoint.size,
                                                   (SELECT max(c.size) FROM lpr_data.checkpoint AS c))), E'\n');
END
$$;
GRANT EXECUTE ON FUNCTION lpr.checkpoint(bigint) TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.checkpoint(bigint) IS
    'The newest signed checkpoint of the log, or the one that covers that many records: the same lines that '
    'lpr.checkpoint_directory gets. To be kept elsewhere (U3).';

CREATE FUNCTION lpr_data.public_key(log bytea)
    RETURNS text
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_audit_key';
COMMENT ON FUNCTION lpr_data.public_key(bytea) IS
    'The public part of the checkpoint key, with the name that a log of this identity signs under.';

CREATE FUNCTION lpr.audit_key()
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.watching('U3', 'lpr_oversight', 'lpr_privacy', 'lpr_admin');
    RETURN (SELECT lpr_data.public_key(l.id) FROM lpr_data.log AS l);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.audit_key() TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.audit_key() IS
    'The public key of the log''s checkpoints, as lpr-audit-verify --key takes it. To be kept elsewhere on the first '
    'day: later on a new key could pass for the old one (U3).';

CREATE FUNCTION lpr_data.writer(OUT state text, OUT reason text, OUT waiting_bytes bigint)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_audit_writer';
COMMENT ON FUNCTION lpr_data.writer() IS 'How the audit writer stands, from shared memory.';

CREATE FUNCTION lpr_data.decisions(OUT decided bigint, OUT remembered bigint)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_audit_decisions';
COMMENT ON FUNCTION lpr_data.decisions() IS
    'How many questions, and looks at the rests of answers, the gate has decided about since the server started; and '
    'how many of them went by what its second part let through before, which was remembered.';

CREATE FUNCTION lpr.audit_status(
    OUT writer text,
    OUT reason text,
    OUT waiting_bytes bigint,
    OUT waiting_changes bigint,
    OUT records bigint,
    OUT last_record_at timestamp with time zone,
    OUT checkpointed bigint,
    OUT last_checkpoint_at timestamp with time zone,
    OUT undelivered bigint
)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.watching('U3', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy',
                              'lpr_admin');
    SELECT w.state, w.reason, w.waiting_bytes INTO writer, reason, waiting_bytes FROM lpr_data.writer() AS w;
    waiting_changes := (SELECT count(*) FROM lpr_data.change);
    IF to_regclass('lpr_data.audit') IS NOT NULL THEN
        SELECT a.number, a.at INTO records, last_record_at FROM lpr_data.audit AS a
        WHERE a.at >= (SELECT max(m.at) FROM lpr_data.checkpoint AS m) - interval '1 day' ORDER BY a.number DESC
        LIMIT 1;
        SELECT max(c.size), max(c.at) INTO checkpointed, last_checkpoint_at FROM lpr_data.checkpoint AS c;
        undelivered := (SELECT count(*) FROM lpr_data.checkpoint AS c
                        WHERE NOT EXISTS (SELECT FROM lpr_data.delivery AS d WHERE d.size = c.size));
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.audit_status() TO lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.audit_status() IS
    'How the audit stands, one row: writer (ready; stuck, with the reason; starting; down), what waits for it, '
    'records of the log, records that the newest checkpoint covers, checkpoints that were not handed over to '
    'lpr.checkpoint_directory or lpr.checkpoint_command.';
