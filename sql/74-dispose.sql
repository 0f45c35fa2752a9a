-- 74-dispose: destroys what is about people when it is due (E10), as saved reads are: a list, a second person who
-- releases it, tables written anew without it, a certificate.

-- Statistics are copies: nothing of what people wrote, nor of who they are.
ALTER TABLE lpr_data.person
    ALTER login SET STATISTICS 0, ALTER name SET STATISTICS 0, ALTER email SET STATISTICS 0,
    ALTER unit SET STATISTICS 0, ALTER personnel_hash SET STATISTICS 0;
ALTER TABLE lpr_data.target ALTER make SET STATISTICS 0, ALTER model SET STATISTICS 0;
ALTER TABLE lpr_data.mail
    ALTER key SET STATISTICS 0, ALTER address SET STATISTICS 0, ALTER subject SET STATISTICS 0,
    ALTER body SET STATISTICS 0, ALTER last_error SET STATISTICS 0, ALTER text_salt SET STATISTICS 0;

CREATE TABLE lpr_data.disposal (
    disposal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    made_by integer REFERENCES lpr_data.person,
    records bigint NOT NULL CHECK (records > 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    salt bytea CHECK (octet_length(salt) = 16),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'superseded', 'done')),
    released_in xid8,
    CONSTRAINT salt_goes_with_records CHECK ((state = 'waiting') = (salt IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.disposal', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.disposal_disposal_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.disposal', without => '{salt,released_in}');
SELECT lpr_data.only_adds('lpr_data.disposal', 'state', 'salt', 'released_in');
CREATE UNIQUE INDEX disposal_waiting ON lpr_data.disposal (state) WHERE state = 'waiting';
COMMENT ON TABLE lpr_data.disposal IS
    'Lists of what about people was due for destruction: counts and digests, no content (E10). One at a time waits to '
    'be released.';
COMMENT ON COLUMN lpr_data.disposal.disposal_id IS 'Number.';
COMMENT ON COLUMN lpr_data.disposal.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr_data.disposal.made_by IS 'By whom; NULL: a job, or a superuser.';
COMMENT ON COLUMN lpr_data.disposal.records IS 'How many rows of tables, or records of the log.';
COMMENT ON COLUMN lpr_data.disposal.digest IS
    'SHA-256 over its parts: kind, a zero byte, number of the event, person or month (8 bytes), of the schedule (4), '
    'records (8), digest; in the order of kind and number.';
COMMENT ON COLUMN lpr_data.disposal.salt IS
    'What the digests of its parts are made with: as long as it waits. It goes with the records, so that nobody finds '
    'one by trying.';
COMMENT ON COLUMN lpr_data.disposal.state IS 'waiting, superseded (by what was due later), or done.';
COMMENT ON COLUMN lpr_data.disposal.released_in IS
    'The transaction that destroys what it lists, as long as it does: what is only added to is let go by that one '
    'alone. Never seen by another.';

CREATE TABLE lpr_data.disposal_part (
    disposal_id bigint NOT NULL REFERENCES lpr_data.disposal,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('event', 'access', 'training', 'mail', 'person', 'log')),
    key bigint NOT NULL,
    schedule_id integer NOT NULL REFERENCES lpr_data.schedule,
    records bigint NOT NULL CHECK (records > 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    state text COLLATE "C" NOT NULL DEFAULT 'listed' CHECK (state IN ('listed', 'destroyed', 'held', 'changed')),
    PRIMARY KEY (disposal_id, kind, key)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.disposal_part', '');
SELECT lpr_data.audit_changes_of('lpr_data.disposal_part');
SELECT lpr_data.only_adds('lpr_data.disposal_part', 'state');
COMMENT ON TABLE lpr_data.disposal_part IS 'What a list has: a row an event, a person of a kind, or a month (E10).';
COMMENT ON COLUMN lpr_data.disposal_part.disposal_id IS 'The list.';
COMMENT ON COLUMN lpr_data.disposal_part.kind IS
    'event (with all that was written into it), access (with its steps and certifications), training, mail, person '
    '(who left), log (a month).';
COMMENT ON COLUMN lpr_data.disposal_part.key IS
    'Number of the event; of the person whose records they are; year and month of the log, such as 202601.';
COMMENT ON COLUMN lpr_data.disposal_part.schedule_id IS 'By which schedule it is due.';
COMMENT ON COLUMN lpr_data.disposal_part.records IS 'How many rows of tables, or records of the log.';
COMMENT ON COLUMN lpr_data.disposal_part.digest IS
    'SHA-256 over SHA-256 of salt and row of each; of a month, the digest of its last record.';
COMMENT ON COLUMN lpr_data.disposal_part.state IS
    'listed; after the release destroyed, held (a legal hold stood), or changed (it was no longer what was listed).';

CREATE TABLE lpr_data.disposal_certificate (
    disposal_id bigint PRIMARY KEY REFERENCES lpr_data.disposal,
    done_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    released_by integer NOT NULL REFERENCES lpr_data.person,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    records bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    rewritten text[] NOT NULL,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid())
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.disposal_certificate', '');
SELECT lpr_data.audit_changes_of('lpr_data.disposal_certificate', free => '{reason}', plain => '{rewritten}');
SELECT lpr_data.only_adds('lpr_data.disposal_certificate');
COMMENT ON TABLE lpr_data.disposal_certificate IS
    'That what a list had is gone from the tables and their files (E10).';
COMMENT ON COLUMN lpr_data.disposal_certificate.disposal_id IS 'The list.';
COMMENT ON COLUMN lpr_data.disposal_certificate.done_at IS 'When.';
COMMENT ON COLUMN lpr_data.disposal_certificate.released_by IS
    'Who released it: not who made the list, and none whose records or event they were.';
COMMENT ON COLUMN lpr_data.disposal_certificate.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.disposal_certificate.records IS 'Rows of tables, or records of the log, that went.';
COMMENT ON COLUMN lpr_data.disposal_certificate.digest IS 'As of the list, over the parts that were destroyed.';
COMMENT ON COLUMN lpr_data.disposal_certificate.rewritten IS
    'Tables that were written anew, so that no file holds what was destroyed.';
COMMENT ON COLUMN lpr_data.disposal_certificate.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.disposal_under_way()
    RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT d.disposal_id FROM lpr_data.disposal AS d WHERE d.released_in = pg_current_xact_id_if_assigned());
COMMENT ON FUNCTION lpr_data.disposal_under_way() IS
    'The list that this very transaction destroys (E10); NULL = none. Only then what is only added to is let go, and '
    'the log gets no copy of it.';

CREATE FUNCTION lpr_data.tables_of(kinds text[])
    RETURNS regclass[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE t AS (SELECT r.relation::oid AS oid FROM lpr_data.record_tables() AS r WHERE r.kind = ANY (kinds)
                         UNION SELECT c.conrelid FROM pg_constraint AS c JOIN t ON c.confrelid = t.oid
                         WHERE c.contype = 'f' AND c.confdeltype = 'c')
    SELECT coalesce(array_agg(t.oid::regclass ORDER BY t.oid), '{}') FROM t
$$;
COMMENT ON FUNCTION lpr_data.tables_of(text[]) IS
    'The tables of kinds of records, and of all that goes with them.';

CREATE FUNCTION lpr_data.is_let_go(kept_table name)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN lpr_data.disposal_under_way() IS NOT NULL
    AND to_regclass('lpr_data.' || quote_ident(kept_table))
        = ANY (lpr_data.tables_of('{event,access,training,mail}'));
COMMENT ON FUNCTION lpr_data.is_let_go(name) IS
    'Whether rows of a table of lpr_data may be deleted: while a list is destroyed, of tables whose records go by a '
    'schedule (E10).';

CREATE FUNCTION lpr_data.lock_table(kept_table regclass)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_lock_table';
COMMENT ON FUNCTION lpr_data.lock_table(regclass) IS
    'Takes a table of lpr_data for this transaction alone. LOCK TABLE would need a right to change it.';

CREATE FUNCTION lpr_data.digest_of_record(kind text, key bigint, schedule_id integer, records bigint, digest bytea)
    RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN convert_to(kind, 'UTF8') || '\x00'::bytea || int8send(key) || int4send(schedule_id) || int8send(records)
    || digest;
COMMENT ON FUNCTION lpr_data.digest_of_record(text, bigint, integer, bigint, bytea) IS
    'A part of a list as its digest has it.';

CREATE FUNCTION lpr.dispose_due()
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    who integer;
    moment timestamptz := clock_timestamp();
    waiting lpr_data.disposal;
    parts lpr_data.disposal_part[];
    total bigint;
    whole bytea;
    made bigint;
BEGIN
    -- The server's job runs as a superuser, who is not registered.
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        who := lpr_data.acting('lpr_records_officer', 'E10');
    END IF;
    PERFORM lpr_data.fresh_snapshots();
    LOCK TABLE lpr_data.disposal IN SHARE ROW EXCLUSIVE MODE;
    SELECT d.* INTO waiting FROM lpr_data.disposal AS d WHERE d.state = 'waiting';
    waiting.salt := coalesce(waiting.salt, uuid_send(gen_random_uuid()));
    SELECT array_agg(ROW(0, d.kind, d.key, d.schedule_id, d.records, d.digest, 'listed')::lpr_data.disposal_part),
           sum(d.records),
           sha256(string_agg(lpr_data.digest_of_record(d.kind, d.key, d.schedule_id, d.records, d.digest), ''
                             ORDER BY d.kind COLLATE "C", d.key))
    INTO parts, total, whole
    FROM lpr_data.due_records(moment, waiting.salt) AS d;
    IF waiting.digest = whole THEN
        RETURN waiting.disposal_id;
    END IF;
    UPDATE lpr_data.disposal AS d SET state = 'superseded', salt = NULL WHERE d.state = 'waiting';
    IF total IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO lpr_data.disposal (made_at, made_by, records, digest, salt)
    VALUES (moment, who, total, whole, waiting.salt) RETURNING disposal_id INTO made;
    INSERT INTO lpr_data.disposal_part (disposal_id, kind, key, schedule_id, records, digest)
    SELECT made, p.kind, p.key, p.schedule_id, p.records, p.digest FROM unnest(parts) AS p;
    RETURN made;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.dispose_due() TO lpr_member;
COMMENT ON FUNCTION lpr.dispose_due() IS
    'Lists what is due about people and not held: events, access, training, mails, people who left, months of the log; '
    'returns the number of that list, NULL when nothing is; destroys nothing: lpr.release_disposal() does (E10). A '
    'list that waits is returned again while it has the same, and superseded else. By the server''s job, or a records '
    'officer. Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.judge_parts(d lpr_data.disposal)
    RETURNS bigint
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH judged AS (
        UPDATE lpr_data.disposal_part AS p
        SET state = CASE WHEN r.digest = p.digest AND r.records = p.records THEN 'destroyed'
                         WHEN k.held THEN 'held' ELSE 'changed' END
        FROM lpr_data.disposal_part AS x
        LEFT JOIN lpr_data.due_records(d.made_at, d.salt) AS r
            ON (r.kind, r.key, r.schedule_id) = (x.kind, x.key, x.schedule_id)
        LEFT JOIN lpr_data.kept_records() AS k ON (k.kind, k.key) = (x.kind, x.key)
        WHERE x.disposal_id = d.disposal_id AND (p.disposal_id, p.kind, p.key) = (x.disposal_id, x.kind, x.key)
        RETURNING p.state, p.records
    )
    SELECT coalesce(sum(j.records) FILTER (WHERE j.state = 'destroyed'), 0)::bigint FROM judged AS j
$$;
COMMENT ON FUNCTION lpr_data.judge_parts(lpr_data.disposal) IS
    'Notes of each part of a list whether it goes: what is as it was listed, and not held by now. How many records.';

CREATE FUNCTION lpr_data.check_release(release bigint, who integer)
    RETURNS lpr_data.disposal
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d lpr_data.disposal;
BEGIN
    SELECT x.* INTO d FROM lpr_data.disposal AS x WHERE x.disposal_id = release FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('list %s does not exist', coalesce(release::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.disposals;';
    END IF;
    IF d.state <> 'waiting' THEN
        PERFORM lpr_data.refuse('E10', 'LP034', format('list %s is %s', release, d.state),
                                'Only a list that waits is released.', 'SELECT * FROM lpr.disposals;');
    END IF;
    IF d.made_by = who
       OR EXISTS (SELECT FROM lpr_data.disposal_part AS p
                  WHERE p.disposal_id = release
                    AND (p.kind NOT IN ('event', 'log') AND p.key = who
                         OR p.kind = 'event'
                         AND EXISTS (SELECT FROM lpr_data.event_member AS m
                                     WHERE m.event_id = p.key AND m.person_id = who))) THEN
        PERFORM lpr_data.refuse('E10', 'LP033', format('list %s is not yours to release', release),
                                'Destruction is released by a records officer who neither made the list nor is, or '
                                'works on, what it has.',
                                format('Ask %s.', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    RETURN d;
END
$$;
COMMENT ON FUNCTION lpr_data.check_release(bigint, integer) IS
    'A list that waits, locked, and that the person may release. Errors LP034 and LP033.';

CREATE FUNCTION lpr_data.destroy_records(d lpr_data.disposal)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
    r record;
BEGIN
    UPDATE lpr_data.disposal AS x SET released_in = pg_current_xact_id() WHERE x.disposal_id = d.disposal_id;
    FOR k IN SELECT p.kind, s.base_period, array_agg(p.key ORDER BY p.key) AS keys
             FROM lpr_data.disposal_part AS p JOIN lpr_data.schedule AS s ON s.schedule_id = p.schedule_id
             WHERE p.disposal_id = d.disposal_id AND p.state = 'destroyed' GROUP BY p.kind, s.base_period
             ORDER BY p.kind
    LOOP
        IF k.kind = 'person' THEN
            -- The login stays, so that nobody else is ever given it.
            UPDATE lpr_data.person AS x
            SET gone_at = clock_timestamp(), name = 'destroyed', email = 'destroyed@invalid', unit = 'destroyed',
                supervisor_id = NULL, personnel_hash = NULL
            WHERE x.person_id = ANY (k.keys);
        ELSIF k.kind = 'log' THEN
            PERFORM lpr_data.empty_month(m) FROM unnest(k.keys) AS m;
        ELSE
            -- What hangs on others goes with them.
            FOR r IN SELECT t.relation, t.key, t.over FROM lpr_data.record_tables() AS t
                     WHERE t.kind = k.kind
                       AND NOT EXISTS (SELECT FROM pg_constraint AS c
                                       JOIN lpr_data.record_tables() AS o ON o.relation = c.confrelid
                                                                          AND o.kind = k.kind
                                       WHERE c.conrelid = t.relation AND c.contype = 'f' AND c.confdeltype = 'c')
            LOOP
                EXECUTE format('DELETE FROM %s AS t WHERE %s = ANY ($1) AND (%s)', r.relation, r.key, r.over)
                    USING k.keys, d.made_at, k.base_period;
            END LOOP;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.destroy_records(lpr_data.disposal) IS 'Destroys the parts of a list that go.';
