-- 60-cache: answers that need not be asked again for some hours (C1 to C4). Tables by the hour of expiry, unlogged,
-- dropped as files.
--
-- The library writes and reads them past the executor, so that no lock outlives a page: a reader's open transaction
-- does not hold up a purge.

CREATE TABLE lpr_data.cache_time (
    name text COLLATE "C" PRIMARY KEY DEFAULT 'cache' CHECK (name = 'cache'),
    keep interval NOT NULL CHECK (keep >= '4 hours' AND keep <= '24 hours'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.cache_time', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.cache_time');
COMMENT ON TABLE lpr_data.cache_time IS 'How long an answer is cached: one row (C1).';
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
    SELECT lpr_data.administering('C1');
    INSERT INTO lpr_data.cache_time (keep) VALUES (set_cache_time.keep)
    ON CONFLICT ON CONSTRAINT cache_time_pkey DO UPDATE SET keep = excluded.keep, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_cache_time(interval) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_cache_time(interval) IS
    'How long answers are cached from the next one on, 4 to 24 hours (C1).';

CREATE FUNCTION lpr_data.cache_expiry(fetched_at timestamp with time zone, keep interval)
    RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
RETURN -- full hours of UTC: up, unless that were past 24 hours
    least(date_bin('1 hour', fetched_at + keep + interval '59 minutes 59.999999 seconds',
                   timestamptz '2000-01-01 00:00+00'),
          date_bin('1 hour', fetched_at + interval '24 hours', timestamptz '2000-01-01 00:00+00'));
COMMENT ON FUNCTION lpr_data.cache_expiry(timestamptz, interval) IS
    'When an answer expires: at a full hour, at least 4 and at most 24 hours after it was fetched (C1).';

CREATE TABLE lpr_data.cache_answer (
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
    blocks integer[] NOT NULL,
    digest_version smallint,
    seed bytea,
    shown bigint,
    dropped jsonb,
    odd_value jsonb,
    places integer[]
) PARTITION BY RANGE (expires_at);
COMMENT ON TABLE lpr_data.cache_answer IS
    'Cached answers, and to whom for what they were shown: a row an answer to a question (C1). A partition an '
    'hour of expiry, unlogged.';
COMMENT ON COLUMN lpr_data.cache_answer.expires_at IS 'From then on it is not shown, and its table is dropped.';
COMMENT ON COLUMN lpr_data.cache_answer.key IS
    'SHA-256 of source, mapping and question, except for the time asked; NULL: not to be found by other questions.';
COMMENT ON COLUMN lpr_data.cache_answer.ask IS 'Number of the question''s record in the audit log.';
COMMENT ON COLUMN lpr_data.cache_answer.answer IS 'Number of the question that fetched its reads.';
COMMENT ON COLUMN lpr_data.cache_answer.login IS 'Who was shown it, or a part of it.';
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
COMMENT ON COLUMN lpr_data.cache_answer.blocks IS
    'Where they are in the table of reads: first block and number of blocks, pair by pair.';
COMMENT ON COLUMN lpr_data.cache_answer.digest_version IS
    'Which record of a read the digest on record is made of (docs/audit-format.md); an answer of another version is '
    'asked anew.';
COMMENT ON COLUMN lpr_data.cache_answer.seed IS
    'What the salts of its reads are made of (docs/audit-format.md); it is nowhere else, and goes with the answer.';

COMMENT ON COLUMN lpr_data.cache_answer.shown IS
    'How many of those captured from since to until this login was shown, the first of them: what can be saved (E2).';

COMMENT ON COLUMN lpr_data.cache_answer.places IS
    'Of what displays found: which of them this login was shown, by place, instead of shown.';
COMMENT ON COLUMN lpr_data.cache_answer.dropped IS
    'Reads that were left out of it, counted by reason: told again whenever it is shown.';
COMMENT ON COLUMN lpr_data.cache_answer.odd_value IS
    'Values that were left out of it, counted by the vendor''s member: told again whenever it is shown.';

CREATE TABLE lpr_data.cache_read (
    expires_at timestamp with time zone NOT NULL,
    answer bigint NOT NULL,
    captured_at timestamp with time zone NOT NULL,
    latitude double precision,
    longitude double precision,
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
        WHERE a.attrelid IN ('lpr_data.cache_read'::pg_catalog.regclass, 'lpr_data.cache_answer'::pg_catalog.regclass)
          AND a.attnum > 0
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
COMMENT ON TABLE lpr_data.cache_read IS
    'The reads of cached answers, as the vendor told them and the filter let them through (C1). A partition an '
    'hour of expiry, unlogged.';
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
COMMENT ON COLUMN lpr_data.cache_read.vehicle_image IS
    'URL of the image: two hexadecimal digits of how much it begins like that of the plate, and the rest.';

CREATE FUNCTION lpr_data.add_cache_hour(hour timestamp with time zone)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
    SET timezone = 'UTC'
AS $$
DECLARE
    kind text;
    hour_table text;
    settings text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['cache_read', 'cache_answer']
    LOOP
        hour_table := kind || to_char(hour, '_YYYYMMDDHH24');
        CONTINUE WHEN to_regclass('lpr_data.' || hour_table) IS NOT NULL;
        -- One at a time makes and drops tables of the cache; who waited looks again.
        LOCK TABLE lpr_data.purge_certificate IN SHARE ROW EXCLUSIVE MODE;
        CONTINUE WHEN to_regclass('lpr_data.' || hour_table) IS NOT NULL;
        -- Stand-alone first: CREATE TABLE ... PARTITION OF would make a logged one of it.
        EXECUTE format('CREATE UNLOGGED TABLE lpr_data.%I (LIKE lpr_data.%I INCLUDING STORAGE INCLUDING COMMENTS, '
                       'CONSTRAINT hour CHECK (expires_at >= %L AND expires_at < %L)) WITH (autovacuum_enabled = off)',
                       hour_table, kind, hour, hour + interval '1 hour');
        -- ANALYZE writes what it finds into a logged catalogue.
        SELECT string_agg(format('ALTER %I SET STATISTICS 0', a.attname), ', ') INTO settings
        FROM pg_attribute AS a WHERE a.attrelid = format('lpr_data.%I', hour_table)::regclass AND a.attnum > 0;
        EXECUTE format('ALTER TABLE lpr_data.%I %s, ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', hour_table,
                       settings);
        EXECUTE format('COMMENT ON TABLE lpr_data.%I IS %L', hour_table,
                       'What expires at ' || to_char(hour, 'YYYY-MM-DD HH24:MI') || ' (UTC).');
        EXECUTE format('ALTER TABLE lpr_data.%I OWNER TO lpr_owner', hour_table);
        EXECUTE format('REVOKE ALL ON lpr_data.%I FROM lpr_owner', hour_table);
        -- pg_dump tells of a member's rights only what changed since they were noted, and only a GRANT notes them.
        EXECUTE format('GRANT REFERENCES ON lpr_data.%I TO lpr_owner', hour_table);
        IF kind = 'cache_answer' THEN
            EXECUTE format('CREATE INDEX %I ON lpr_data.%I (key)', hour_table || '_key', hour_table);
        END IF;
        EXECUTE format('ALTER TABLE lpr_data.%I ATTACH PARTITION lpr_data.%I FOR VALUES FROM (%L) TO (%L)', kind,
                       hour_table, hour, hour + interval '1 hour');
        -- A member of the extension, so that no dump holds it and DROP EXTENSION takes it along.
        EXECUTE format('ALTER EXTENSION lpr ADD TABLE lpr_data.%I', hour_table);
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.add_cache_hour(timestamptz) IS
    'Makes the tables for what expires at a full hour, if they are not there.';

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
COMMENT ON TABLE lpr_data.purge_certificate IS
    'That what had expired is gone: a row a purged hour, without any content (C3). Chained in the audit log as every '
    'change.';
COMMENT ON COLUMN lpr_data.purge_certificate.deadline IS 'When it expired.';
COMMENT ON COLUMN lpr_data.purge_certificate.done_at IS 'When its files were gone.';
COMMENT ON COLUMN lpr_data.purge_certificate.answers IS 'Answers that were cached until then.';
COMMENT ON COLUMN lpr_data.purge_certificate.reads IS 'Their reads.';
COMMENT ON COLUMN lpr_data.purge_certificate.bytes IS 'Size of the files.';
COMMENT ON COLUMN lpr_data.purge_certificate.digest IS
    'SHA-256 over the numbers of the answers, in order, each as 8 bytes: the audit log tells which they were.';
COMMENT ON COLUMN lpr_data.purge_certificate.late IS
    'Whether that was more than ten minutes past the deadline, as after an outage.';

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
    hour_table name;
BEGIN
    FOR due IN
        SELECT c.relname, to_timestamp(substring(c.relname FROM '_([0-9]{10})$'), 'YYYYMMDDHH24') AS deadline,
               'cache_read' || substring(c.relname FROM '_[0-9]{10}$') AS reads_of
        FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'lpr_data.cache_answer'::regclass
        ORDER BY c.relname
    LOOP
        CONTINUE WHEN due.deadline > clock_timestamp();
        -- One at a time: whoever waited finds it gone, and certifies nothing.
        LOCK TABLE lpr_data.purge_certificate IN SHARE ROW EXCLUSIVE MODE;
        CONTINUE WHEN to_regclass(format('lpr_data.%I', due.relname)) IS NULL;
        EXECUTE format('SELECT count(*), coalesce(sum(a.reads) FILTER (WHERE a.ask = a.answer), 0), '
                       'string_agg(int8send(a.answer), '''' ORDER BY a.answer) FROM lpr_data.%I AS a WHERE a.ask = '
                       'a.answer', due.relname)
            INTO kept_answers, kept_reads, numbers;
        size := pg_total_relation_size(format('lpr_data.%I', due.relname))
                + coalesce(pg_total_relation_size(to_regclass(format('lpr_data.%I', due.reads_of))), 0);
        FOREACH hour_table IN ARRAY ARRAY[due.relname, due.reads_of]
        LOOP
            CONTINUE WHEN to_regclass(format('lpr_data.%I', hour_table)) IS NULL;
            IF EXISTS (SELECT FROM pg_depend AS d
                       WHERE d.classid = 'pg_class'::regclass
                         AND d.objid = to_regclass(format('lpr_data.%I', hour_table))
                         AND d.deptype = 'e') THEN
                EXECUTE format('ALTER EXTENSION lpr DROP TABLE lpr_data.%I', hour_table);
            END IF;
            EXECUTE format('DROP TABLE lpr_data.%I', hour_table);
        END LOOP;
        INSERT INTO lpr_data.purge_certificate (deadline, answers, reads, bytes, digest, late)
        VALUES (due.deadline, kept_answers, kept_reads, size, sha256(coalesce(numbers, '')),
                clock_timestamp() > due.deadline + interval '10 minutes');
        purged := purged + 1;
    END LOOP;
    RETURN purged;
END
$$;
COMMENT ON FUNCTION lpr_data.purge_cache() IS
    'Drops what has expired, and certifies it (C2, C3); returns how many hours that were. Called by the purger every '
    'few seconds, by the audit writer before the first question, and by pg_cron.';

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
COMMENT ON FUNCTION lpr_data.prepare_cache() IS 'Makes the tables of what will expire in the hours to come.';
