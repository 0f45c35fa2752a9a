-- 61-saved: what is saved of an answer: chosen reads, each with its relevance, by one explicit act (E2, E3). Content
-- comes back through the gate only.

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
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    schedule_id integer NOT NULL,
    nexus text COLLATE "C" NOT NULL DEFAULT 'unstated' REFERENCES lpr_data.nexus,
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
COMMENT ON COLUMN lpr_data.save.nexus IS
    'What ties its reads to the mission, one of lpr.nexuses (E2a); unstated: saved by a version that did not ask.';

CREATE TABLE lpr_data.event_read (
    saved_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    save_id bigint NOT NULL,
    event_id bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    read_id text NOT NULL,
    plate text NOT NULL,
    plate_region text,
    captured_at timestamp with time zone NOT NULL,
    latitude double precision,
    longitude double precision,
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
    details bytea CHECK (octet_length(details) = 32),
    salt bytea CHECK (octet_length(salt) = 16),
    place_certainty text NOT NULL DEFAULT 'point' CHECK (place_certainty IN ('point', 'border', 'address')),
    why_images text CHECK (why_images ~ '[^[:space:]]' AND char_length(why_images) <= 4000),
    -- One reference for event, person and schedule: ten thousand reads are looked up once each, not three times.
    CONSTRAINT of_a_save FOREIGN KEY (save_id, event_id, saved_by, schedule_id)
        REFERENCES lpr_data.save (save_id, event_id, person_id, schedule_id),
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
           jsonb_build_object('table', 'lpr_data.event_read', 'action', lower(TG_OP), 'role', session_user,
                              'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp(),
                              'save_id', r.save_id, 'event_id', r.event_id, 'source', r.source, 'saved_by', r.saved_by,
                              'ask', r.asks, 'schedule_id', r.schedule_id, 'reads', r.reads,
                              'first', r.first_id, 'last', r.last_id, 'digest', encode(r.digest, 'hex'),
                              'images', r.images)::text
    FROM (SELECT c.save_id, c.event_id, c.source, c.saved_by, c.schedule_id, jsonb_agg(DISTINCT c.ask) AS asks,
                 count(*) AS reads, min(c.saved_id) AS first_id, max(c.saved_id) AS last_id,
                 sha256(string_agg(c.digest, '' ORDER BY c.saved_id)) AS digest,
                 jsonb_agg(DISTINCT encode(c.vehicle_image, 'hex')) FILTER (WHERE c.vehicle_image IS NOT NULL) AS images
          FROM changed AS c GROUP BY c.save_id, c.event_id, c.source, c.saved_by, c.schedule_id) AS r
    CROSS JOIN lpr_data.wake_writer() AS w;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.audit_saved() IS
    'Trigger of saved reads: who saved, or took off, how many for what, between which numbers, with the SHA-256 over '
    'their digests, in one record an act (U4). Result rows are never in the audit (U1).';
CREATE TRIGGER audit_saved AFTER INSERT ON lpr_data.event_read REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
CREATE TRIGGER audit_gone AFTER DELETE ON lpr_data.event_read REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
CREATE TRIGGER audit_changed AFTER UPDATE ON lpr_data.event_read REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_saved();
ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER audit_saved, ENABLE ALWAYS TRIGGER audit_gone,
    ENABLE ALWAYS TRIGGER audit_changed;
-- A saved read never changes. It goes by lpr.unsave() or by its schedule, and that is on record.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.event_read
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('exemptions');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.event_read
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.event_read IS
    'Saved reads: a row a read and event (E2). A read locates a vehicle, not a person, and may be wrong: no action is '
    'taken on it alone (G2, G3).';
COMMENT ON COLUMN lpr_data.event_read.saved_id IS 'Number of the saved read.';
COMMENT ON COLUMN lpr_data.event_read.save_id IS 'The act of saving.';
COMMENT ON COLUMN lpr_data.event_read.event_id IS 'The event that it is relevant to.';
COMMENT ON COLUMN lpr_data.event_read.source IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.read_id IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate IS 'As in lpr.reads.';
COMMENT ON COLUMN lpr_data.event_read.plate_region IS
    'As in lpr.reads; NULL also when it was not chosen. So with all columns down to vehicle_image.';
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
COMMENT ON COLUMN lpr_data.event_read.place_certainty IS 'As in lpr.reads; saved with the place.';
COMMENT ON COLUMN lpr_data.event_read.plate_image IS 'SHA-256 of the image.';
COMMENT ON COLUMN lpr_data.event_read.vehicle_image IS 'SHA-256 of the image.';
COMMENT ON COLUMN lpr_data.event_read.relevance IS 'Why it is relevant to the event.';
COMMENT ON COLUMN lpr_data.event_read.why_images IS
    'Why its images are needed (Q3a); NULL without, and of those that were saved by a version that did not ask.';
COMMENT ON COLUMN lpr_data.event_read.saved_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.event_read.saved_at IS 'When.';
COMMENT ON COLUMN lpr_data.event_read.fetched_at IS 'The minute in which the vendor handed it over.';
COMMENT ON COLUMN lpr_data.event_read.ask IS 'Number, in the audit log, of the question that it was shown for.';
COMMENT ON COLUMN lpr_data.event_read.answer IS
    'Number of the question that fetched it: its answer''s record holds the digest of all its reads.';
COMMENT ON COLUMN lpr_data.event_read.digest IS 'Leaf of that digest''s tree (docs/audit-format.md).';
COMMENT ON COLUMN lpr_data.event_read.place IS 'Its place among the answer''s reads, from 0.';
COMMENT ON COLUMN lpr_data.event_read.proof IS
    'Proof of inclusion (RFC 6962), 32 bytes a node: that the answer held this read.';
COMMENT ON COLUMN lpr_data.event_read.exemptions IS 'Exemptions of its system of records, which travel with it (E8).';
COMMENT ON COLUMN lpr_data.event_read.schedule_id IS 'The schedule that it is kept by (E9).';
COMMENT ON COLUMN lpr_data.event_read.details IS
    'Digest of what the answer told of it besides plate, time and place (docs/audit-format.md): a part of the leaf '
    'that need not be saved to prove the rest. NULL: the leaf is of version 1.';
COMMENT ON COLUMN lpr_data.event_read.salt IS
    'What the details were hashed with. NULL unless all of them were chosen: what was not saved cannot be told by '
    'trying, since its salt went with the answer (E3).';

CREATE FUNCTION lpr_data.pass_gate(event_id bigint, what text)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_saved_pass_gate';
COMMENT ON FUNCTION lpr_data.pass_gate(bigint, text) IS
    'Asks the gate whether a person may look at, or save, content of an event: returns the number of its record '
    'once that is on disk, or raises the refusal.';

CREATE FUNCTION lpr_data.pass_gate_until(event_id bigint, what text, expires_at timestamp with time zone)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_saved_pass_until';
COMMENT ON FUNCTION lpr_data.pass_gate_until(bigint, text, timestamptz) IS
    'The same for what is in the cache: from expires_at on no cursor shows it (C2).';

CREATE FUNCTION lpr_data.pass_gate_to_write(event_id bigint, what text)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_saved_pass_verb';
COMMENT ON FUNCTION lpr_data.pass_gate_to_write(bigint, text) IS
    'The same for a verb that writes and shows nothing: error LP050 where its statement shows reads. After '
    'lpr_data.pass_gate() a statement writes nothing any more (E2).';

CREATE FUNCTION lpr_data.note_answer(ask bigint, event_id bigint, reads bigint)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_note_answer';
COMMENT ON FUNCTION lpr_data.note_answer(bigint, bigint, bigint) IS
    'The answer''s record to lpr_data.pass_gate(): how many reads were shown, or saved.';

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
    OUT salt bytea,
    OUT details bytea,
    OUT digest bytea,
    OUT place bigint,
    OUT proof bytea,
    OUT place_certainty text
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_shown_reads';
COMMENT ON FUNCTION lpr_data.shown_reads(bigint, text, text[]) IS
    'Those of the reads named that the authenticated login was shown for an event and that have not expired, the '
    'newest answer of each.';

CREATE FUNCTION lpr_data.fetch_images(ask bigint, event_id bigint, source text, modes text[], urls text[],
                                      OUT url text, OUT image bytea)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_images';
COMMENT ON FUNCTION lpr_data.fetch_images(bigint, bigint, text, text[], text[]) IS
    'Fetches images from a source, side by side; NULL when there is none, or none that may be. ask: of '
    'lpr_data.pass_gate(); modes: how the reads were asked for. Before that the gate decides whether the source may be '
    'asked so for the event (Q10), and each request stands in a record of the ask, by the SHA-256 of its URL.';

CREATE FUNCTION lpr_data.savable_fields()
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{plate_region,plate_as_read,address,camera_id,camera_owner,camera_type,'
       'make,model,color,confidence,matched_how}'::text[];
COMMENT ON FUNCTION lpr_data.savable_fields() IS 'What may be saved of a read besides plate, time and place (E3).';

CREATE FUNCTION lpr_data.save_reads(event bigint, source text, reads text[], relevances text[], nexus text,
                                    fields text[], with_images boolean, why_images text, each boolean)
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
    whole boolean;
    sentence text;
BEGIN
    IF coalesce(cardinality(reads), 0) = 0 OR array_position(reads, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'no read was chosen',
            HINT = 'Name reads by their read_id, for instance reads => ARRAY[''r-17'', ''r-18''].';
    END IF;
    IF cardinality(reads) > 10000 OR octet_length(source) > 63
       OR EXISTS (SELECT FROM unnest(reads) AS r WHERE octet_length(r) > 128) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'program_limit_exceeded',
            MESSAGE = 'too much is to be saved at once',
            DETAIL = 'At most 10,000 reads, whose read_id has at most 128 bytes, of a source, whose name has at most '
                     '63.',
            HINT = 'Save them in several calls.';
    END IF;
    fields := coalesce(fields, '{}');
    IF NOT fields <@ lpr_data.savable_fields() OR array_position(fields, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'these fields cannot be saved',
            DETAIL = format('Plate, time and place always are; of the others any of: %s.',
                            array_to_string(lpr_data.savable_fields(), ', '));
    END IF;
    whole := lpr_data.savable_fields() <@ (fields || 'matched_how'::text); -- the vendor tells all the others
    PERFORM lpr_data.check_nexus(nexus, lpr_data.save_call(event, source, reads, 'person_of_interest', each));
    FOR sentence IN SELECT DISTINCT r FROM unnest(relevances) AS r
    LOOP
        PERFORM lpr_data.check_reason('relevance statement', sentence, 'E2');
    END LOOP;
    with_images := with_images IS TRUE OR why_images IS NOT NULL;
    IF with_images THEN
        PERFORM lpr_data.check_why_images(why_images, relevances,
                                          lpr_data.save_call(event, source, reads, nexus, each,
                                                             ', why_images => ''...why they are needed...'''));
    END IF;
    passed := lpr_data.pass_gate_to_write(event, format('save %s reads of %s, %s%s', cardinality(reads), source, nexus,
                                                        CASE WHEN with_images THEN ', with images' ELSE '' END));
    -- A closing event waits for us, or we see that it is closed.
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = event FOR NO KEY UPDATE;
    IF e.closed_at IS NOT NULL OR e.waits_since IS NOT NULL OR e.ends_at <= clock_timestamp() THEN
        PERFORM lpr_data.refuse('E2', 'LP042', format('event %s is not open', event),
                                'Reads are saved for an event that is open, within its dates, and has an owner.',
                                'SELECT * FROM lpr.events; tells its dates.');
    END IF;
    schedule := lpr_data.usable_schedule(e.system);
    exempt := lpr_data.exemptions_of(e.system, source);
    PERFORM lpr_data.check_sentences(e, source, reads, relevances, nexus);
    INSERT INTO lpr_data.save (event_id, person_id, schedule_id, nexus)
    VALUES (event, who, schedule, save_reads.nexus)
    RETURNING save_id INTO act;
    -- The event is locked: no other session saves what is not there now.
    fresh := ARRAY(SELECT DISTINCT r.read_id FROM unnest(reads) AS r (read_id)
                   WHERE NOT EXISTS (SELECT FROM lpr_data.event_read AS k
                                     WHERE k.event_id = event AND k.source = save_reads.source COLLATE "C"
                                       AND k.read_id = r.read_id));
    IF with_images THEN
        WITH fetched AS MATERIALIZED (
            SELECT f.url, f.image, sha256(f.image) AS sha256
            FROM lpr_data.fetch_images(passed, event, source,
                                       ARRAY(SELECT DISTINCT a.mode
                                             FROM lpr_data.shown_reads(event, source, fresh) AS s
                                             JOIN lpr_data.audit AS a ON a.number = s.ask
                                             WHERE s.plate_image IS NOT NULL OR s.vehicle_image IS NOT NULL),
                                       ARRAY(SELECT DISTINCT u
                                             FROM lpr_data.shown_reads(event, source, fresh) AS s,
                                                    unnest(ARRAY[s.plate_image, s.vehicle_image]) AS u
                                             WHERE u IS NOT NULL)) AS f
            WHERE f.image IS NOT NULL
        ), stored AS (
            INSERT INTO lpr_data.image (sha256, content) SELECT DISTINCT ON (f.sha256) f.sha256, f.image
            FROM fetched AS f ON CONFLICT DO NOTHING
        )
        SELECT array_agg(f.url), array_agg(f.sha256) INTO urls, images FROM fetched AS f;
    END IF;
    PERFORM lpr_data.fresh_snapshots(); -- what others have saved with the same sentence counts
    INSERT INTO lpr_data.event_read (save_id, event_id, source, read_id, plate, plate_region, captured_at, latitude,
                                     longitude, plate_as_read, address, camera_id, camera_owner,
                                     camera_type, make, model, color, confidence, matched_how, plate_image,
                                     vehicle_image, relevance, saved_by, fetched_at,
                                     ask, answer, digest, place, proof, exemptions, schedule_id, details,
                                     salt, place_certainty, why_images)
    SELECT act, event, source, s.read_id, s.plate, CASE WHEN 'plate_region' = ANY (fields) THEN s.plate_region END,
           s.captured_at, s.latitude, s.longitude,
           CASE WHEN 'plate_as_read' = ANY (fields) THEN s.plate_as_read END,
           CASE WHEN 'address' = ANY (fields) OR s.latitude IS NULL THEN s.address END, -- else it had no place
           CASE WHEN 'camera_id' = ANY (fields) THEN s.camera_id END,
           CASE WHEN 'camera_owner' = ANY (fields) THEN s.camera_owner END,
           CASE WHEN 'camera_type' = ANY (fields) THEN s.camera_type END,
           CASE WHEN 'make' = ANY (fields) THEN lpr.normal_word(s.make) END,
           CASE WHEN 'model' = ANY (fields) THEN lpr.normal_word(s.model) END,
           CASE WHEN 'color' = ANY (fields) THEN lpr.normal_word(s.color) END,
           CASE WHEN 'confidence' = ANY (fields) THEN s.confidence END,
           CASE WHEN 'matched_how' = ANY (fields) THEN s.matched_how END,
           p.sha256, v.sha256, CASE WHEN cardinality(relevances) = 1 THEN relevances[1] ELSE c.relevance END, who,
           s.fetched_at, s.ask, s.answer, s.digest, s.place, s.proof,
           exempt, schedule, s.details, CASE WHEN whole THEN s.salt END, s.place_certainty,
           CASE WHEN num_nonnulls(p.sha256, v.sha256) > 0 THEN why_images END
    FROM lpr_data.shown_reads(event, source, fresh) AS s
    LEFT JOIN (SELECT u.* FROM unnest(reads, relevances) AS u (read_id, relevance)
               WHERE cardinality(relevances) > 1) AS c ON c.read_id = s.read_id
    LEFT JOIN unnest(urls, images) AS p (url, sha256) ON p.url = s.plate_image
    LEFT JOIN unnest(urls, images) AS v (url, sha256) ON v.url = s.vehicle_image;
    GET DIAGNOSTICS saved = ROW_COUNT;
    IF saved < cardinality(fresh) THEN
        PERFORM lpr_data.note_answer(passed, event, 0);
        PERFORM lpr_data.refuse('E2', 'LP060',
                                format('%s of the chosen reads are not there to be saved', cardinality(fresh) - saved),
                                'Reads are saved out of your own answers for that event that have not expired.',
                                'Ask again, for that event, and save then. Nothing was saved.');
    END IF;
    PERFORM lpr_data.note_answer(passed, event, saved);
    RETURN saved;
END
$$;
COMMENT ON FUNCTION lpr_data.save_reads(bigint, text, text[], text[], text, text[], boolean, text, boolean) IS
    'Saves reads, each with the relevance of its place, or all with the last. each: by lpr.save_each(), for hints.';

CREATE FUNCTION lpr.save(event bigint, source text, reads text[], relevance text, nexus text DEFAULT NULL,
                         fields text[] DEFAULT '{}', with_images boolean DEFAULT false, why_images text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.save_reads(event, source, reads, ARRAY[relevance], nexus, fields, with_images, why_images, false);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.save(bigint, text, text[], text, text, text[], boolean, text) TO lpr_user;
COMMENT ON FUNCTION lpr.save(bigint, text, text[], text, text, text[], boolean, text) IS
    'Saves chosen reads for an event (E2): one explicit act; nothing is saved by itself. reads: their read_id, out of '
    'your own answers of that source for that event which have not expired. relevance: why they matter to the '
    'event, a sentence, which serves at most 25 reads of it. nexus: what ties them to the mission, one of lpr.nexuses '
    '(E2a). fields: what to keep besides plate, time and place (E3), of plate_region, plate_as_read, address, '
    'camera_id, camera_owner, camera_type, make, model, color, confidence and matched_how. why_images: fetches and '
    'keeps their images as well, which can show persons, and why they are needed (Q3a); with_images alone is refused. '
    'Returns how many were saved; what was saved before is not saved twice. All or nothing. Errors LP060 (not shown, '
    'or expired), LP061 (one sentence for too many), LP052 (no nexus), LP043 (the relevance or why_images says '
    'nothing), LP042 (the event is not open), LP062 (no verified schedule), and those of the gate.';

CREATE FUNCTION lpr.save_each(event bigint, source text, reads jsonb, nexus text DEFAULT NULL,
                              fields text[] DEFAULT '{}', with_images boolean DEFAULT false,
                              why_images text DEFAULT NULL)
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
            HINT = 'For instance reads => ''{"r-17": "...why it is relevant...", "r-18": "..."}''.';
    END IF;
    RETURN lpr_data.save_reads(event, source, ARRAY(SELECT k FROM jsonb_object_keys(reads) AS k ORDER BY k),
                               ARRAY(SELECT reads ->> k FROM jsonb_object_keys(reads) AS k ORDER BY k), nexus, fields,
                               with_images, why_images, true);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.save_each(bigint, text, jsonb, text, text[], boolean, text) TO lpr_user;
COMMENT ON FUNCTION lpr.save_each(bigint, text, jsonb, text, text[], boolean, text) IS
    'The same, with a relevance of its own for each read: reads is a JSON object of read_id and relevance (E2).';

-- What was saved, through the gate.

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
    OUT vehicle_image bytea,
    OUT place_certainty text,
    OUT nexus text,
    OUT why_images text,
    OUT corrected_plate text
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
               r.plate, r.plate_region, r.captured_at, r.latitude, r.longitude, r.address, r.camera_id,
               r.camera_owner, r.camera_type, r.make, r.model, r.color, r.plate_as_read, r.confidence, r.matched_how,
               r.relevance, p.login, r.saved_at, r.fetched_at,
               c.corrected, r.exemptions,
               lpr_data.caveat(),
               (SELECT i.content FROM lpr_data.image AS i WHERE with_images AND i.sha256 = r.plate_image),
               (SELECT i.content FROM lpr_data.image AS i WHERE with_images AND i.sha256 = r.vehicle_image),
               r.place_certainty, v.nexus, r.why_images,
               c.corrected -> 'plate' ->> 'value'
        FROM lpr_data.event_read AS r
        JOIN lpr_data.save AS v ON v.save_id = r.save_id
        JOIN lpr_data.person AS p ON p.person_id = r.saved_by
        LEFT JOIN LATERAL (SELECT jsonb_object_agg(k.field, jsonb_build_object('original', to_jsonb(r) -> k.field)
                                                            || k.said) AS corrected
                           FROM lpr_data.corrections_of(r.saved_id) AS k) AS c ON true
        WHERE r.event_id = event
        ORDER BY r.captured_at DESC, r.saved_id;
    GET DIAGNOSTICS shown = ROW_COUNT;
    PERFORM lpr_data.note_answer(passed, event, shown);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.event_reads(bigint, boolean) TO lpr_member;
COMMENT ON FUNCTION lpr.event_reads(bigint, boolean) IS
    'What was saved for an event, newest first, through the gate: each call is a question on record (C4, E2). Also of '
    'a closed event, for its owner and members. corrected: what people found to be wrong, by field: original, '
    'value, why, by; of a plate or region, which takes two people, confirmed_by, or proposed and waits_for. The '
    'columns themselves stay as the vendor told them, confidence and matched_how with them; corrected_plate is the '
    'plate that two people found. caveat: what a read is and is not (G2, G3). nexus: one of lpr.nexuses; unstated '
    'when it was saved by a version that did not ask. with_images: the images as well. Errors: those of the gate.';

CREATE FUNCTION lpr_data.event_of_saved(saved_id bigint)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint := (SELECT r.event_id FROM lpr_data.event_read AS r WHERE r.saved_id = event_of_saved.saved_id);
BEGIN
    IF event IS NULL OR NOT EXISTS (SELECT FROM lpr_data.event_member AS m
                                    WHERE m.event_id = event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('saved read %s does not exist or is not of an event of yours',
                                       coalesce(saved_id::text, 'NULL')),
                                'Only its owner and members work on an event.',
                                'SELECT * FROM lpr.event_reads(...);');
    END IF;
    RETURN event;
END
$$;
COMMENT ON FUNCTION lpr_data.event_of_saved(bigint) IS
    'The event of a saved read, of which the caller is owner or member.';

CREATE FUNCTION lpr_data.own_saved(saved_id bigint, what text)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    event bigint := lpr_data.event_of_saved(saved_id);
    passed bigint := lpr_data.pass_gate_to_write(event, format('%s %s', what, saved_id));
BEGIN
    PERFORM lpr_data.note_answer(passed, event, 0);
    RETURN event;
END
$$;
COMMENT ON FUNCTION lpr_data.own_saved(bigint, text) IS
    'The event of a saved read, of which the caller is owner or member, through the gate.';

-- That a saved read was in the vendor's answer can be shown to anybody who has the exported log.

CREATE FUNCTION lpr_data.read_proof(saved lpr_data.event_read, log bytea, answer bigint, payload text)
    RETURNS text
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_saved_proof';
COMMENT ON FUNCTION lpr_data.read_proof(lpr_data.event_read, bytea, bigint, text) IS
    'The proof that a saved read was in the answer whose record has that number and payload; NULL when the payload '
    'was destroyed.';

CREATE FUNCTION lpr.saved_proof(saved_id bigint)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    event bigint := lpr_data.event_of_saved(saved_proof.saved_id);
    passed bigint := lpr_data.pass_gate(event, format('saved_proof(%s)', saved_proof.saved_id));
    saved lpr_data.event_read;
    proof text;
BEGIN
    SELECT r.* INTO saved FROM lpr_data.event_read AS r WHERE r.saved_id = saved_proof.saved_id;
    -- An answer's record comes soon after its question's.
    SELECT lpr_data.read_proof(saved, (SELECT l.id FROM lpr_data.log AS l), a.number, a.payload) INTO proof
    FROM lpr_data.audit AS a
    WHERE a.number > saved.answer AND a.ask = saved.answer AND a.kind = 'answer'
    ORDER BY a.number LIMIT 1;
    PERFORM lpr_data.note_answer(passed, event, (proof IS NOT NULL)::integer);
    IF proof IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('saved read %s cannot be proved any more', saved_proof.saved_id),
            DETAIL = format('The answer to question %s is no longer on record: its month is in the archive, or its '
                            'payload was destroyed on schedule.', saved.answer),
            HINT = 'A proof that was made before still holds against the archived month.';
    END IF;
    RETURN proof;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.saved_proof(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.saved_proof(bigint) IS
    'The proof that a saved read of an event of your own was in the vendor''s answer, through the gate: a line of '
    'JSON (docs/audit-format.md) that anybody can check against the exported log by lpr-audit-verify --read. It holds '
    'the read as the vendor told it and as far as it was saved, without corrections, relevance and images. Errors '
    'LP041, 55000 (the answer''s record is gone), and those of the gate.';

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
    IF NOT EXISTS (SELECT FROM lpr_data.event AS e
                   WHERE e.event_id = event
                     AND lpr_data.closes_at(e.closed_at, e.ends_at) > clock_timestamp()) THEN
        PERFORM lpr_data.refuse('E9', 'LP042', format('event %s is closed', event),
                                'What a closed event holds goes by its schedule.', 'SELECT * FROM lpr.events;');
    END IF;
    DELETE FROM lpr_data.event_read AS r WHERE r.saved_id = unsave.saved_id RETURNING r.* INTO gone;
    INSERT INTO lpr_data.event_step (event_id, action, person_id, saved_id, schedule_id, reason)
    VALUES (event, 'unsave', lpr_data.me(), unsave.saved_id, gone.schedule_id, unsave.reason);
    DELETE FROM lpr_data.image AS i WHERE i.sha256 IN (gone.plate_image, gone.vehicle_image)
       AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE i.sha256 IN (r.plate_image, r.vehicle_image));
END
$$;
GRANT EXECUTE ON FUNCTION lpr.unsave(bigint, text) TO lpr_user;
COMMENT ON FUNCTION lpr.unsave(bigint, text) IS
    'Takes a read that turned out to be of no relevance off an open event of your own, with its images; who, when, '
    'why (lpr.event_steps) and its digest stay (E3). Errors LP041, LP042 (closed), LP043, LP063 (a legal hold).';
