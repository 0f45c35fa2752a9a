-- 63-destroy: destroys what is due (E9): a list of what is due, a second person who releases it, tables written
-- anew without it, a certificate.

-- Statistics are copies of what they are about, in a catalogue that outlives the rows: none of what was read.
ALTER TABLE lpr_data.event_read
    ALTER read_id SET STATISTICS 0, ALTER plate SET STATISTICS 0, ALTER plate_region SET STATISTICS 0,
    ALTER captured_at SET STATISTICS 0, ALTER latitude SET STATISTICS 0,
    ALTER longitude SET STATISTICS 0, ALTER plate_as_read SET STATISTICS 0, ALTER address SET STATISTICS 0,
    ALTER camera_id SET STATISTICS 0,
    ALTER camera_owner SET STATISTICS 0, ALTER camera_type SET STATISTICS 0, ALTER make SET STATISTICS 0,
    ALTER model SET STATISTICS 0, ALTER color SET STATISTICS 0,
    ALTER confidence SET STATISTICS 0, ALTER matched_how SET STATISTICS 0, ALTER plate_image SET STATISTICS 0,
    ALTER vehicle_image SET STATISTICS 0,
    ALTER relevance SET STATISTICS 0, ALTER digest SET STATISTICS 0, ALTER proof SET STATISTICS 0,
    ALTER details SET STATISTICS 0, ALTER salt SET STATISTICS 0,
    ALTER place_certainty SET STATISTICS 0, ALTER why_images SET STATISTICS 0;
ALTER TABLE lpr_data.image ALTER sha256 SET STATISTICS 0, ALTER content SET STATISTICS 0;
-- For the deletion of an image, which looks for the reads that have it.
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
COMMENT ON TABLE lpr_data.destruction_order IS
    'Lists of what was due for destruction: counts and digests, no content (E9). One at a time waits to be released.';
COMMENT ON COLUMN lpr_data.destruction_order.order_id IS 'Number.';
COMMENT ON COLUMN lpr_data.destruction_order.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr_data.destruction_order.made_by IS 'By whom; NULL: a job, or a superuser.';
COMMENT ON COLUMN lpr_data.destruction_order.reads IS 'How many reads.';
COMMENT ON COLUMN lpr_data.destruction_order.digest IS
    'SHA-256 over its parts: number of the event (8 bytes), of the schedule (4), reads (8), digest; in that order.';
COMMENT ON COLUMN lpr_data.destruction_order.state IS 'waiting, superseded (by what was due later), or done.';

CREATE TABLE lpr_data.destruction_part (
    order_id bigint NOT NULL REFERENCES lpr_data.destruction_order,
    event_id bigint NOT NULL, -- the event may be gone as well by now
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
COMMENT ON COLUMN lpr_data.destruction_part.digest IS
    'SHA-256 over SHA-256 over the digests of up to 1,000 reads each: those whose saved_id has the same thousands; '
    'all by saved_id.';
COMMENT ON COLUMN lpr_data.destruction_part.state IS
    'listed; after the release destroyed, held (a legal hold stood), or changed (it was no longer what was listed).';

CREATE TABLE lpr_data.destruction_certificate (
    order_id bigint PRIMARY KEY REFERENCES lpr_data.destruction_order,
    done_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    released_by integer NOT NULL REFERENCES lpr_data.person,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    reads bigint NOT NULL,
    corrections bigint NOT NULL,
    images bigint NOT NULL,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    rewritten text[] NOT NULL,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    reasons bigint NOT NULL DEFAULT 0
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.destruction_certificate', '');
SELECT lpr_data.audit_changes_of('lpr_data.destruction_certificate', free => '{reason}', plain => '{rewritten}');
SELECT lpr_data.only_adds('lpr_data.destruction_certificate');
COMMENT ON TABLE lpr_data.destruction_certificate IS
    'That what an order listed is gone from the tables and their files (E9).';
COMMENT ON COLUMN lpr_data.destruction_certificate.order_id IS 'The order.';
COMMENT ON COLUMN lpr_data.destruction_certificate.done_at IS 'When.';
COMMENT ON COLUMN lpr_data.destruction_certificate.released_by IS
    'Who released it: not who made the order, and none whose reads or event it was.';
COMMENT ON COLUMN lpr_data.destruction_certificate.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.destruction_certificate.reads IS 'Reads destroyed.';
COMMENT ON COLUMN lpr_data.destruction_certificate.corrections IS 'Corrections of theirs.';
COMMENT ON COLUMN lpr_data.destruction_certificate.images IS 'Images that no other read has.';
COMMENT ON COLUMN lpr_data.destruction_certificate.digest IS 'As of the order, over the parts that were destroyed.';
COMMENT ON COLUMN lpr_data.destruction_certificate.rewritten IS
    'Tables that were written anew, so that no file holds what was destroyed.';
COMMENT ON COLUMN lpr_data.destruction_certificate.text_salt IS
    'What its free texts are hashed with for the audit log.';
COMMENT ON COLUMN lpr_data.destruction_certificate.reasons IS
    'What was done with the events of its parts that was due as well: rows of lpr_data.event_step.';

CREATE FUNCTION lpr_data.due_at(s lpr_data.schedule, saved_at timestamp with time zone,
                                closed_at timestamp with time zone)
    RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE -- no SET: the planner inlines it
RETURN CASE WHEN closed_at IS NOT NULL OR NOT s.life_of_matter
            THEN greatest((CASE s.runs_from WHEN 'saved' THEN saved_at
                                ELSE closed_at END AT TIME ZONE 'UTC' + s.base_period) AT TIME ZONE 'UTC',
                          CASE WHEN s.life_of_matter THEN closed_at END) END;
COMMENT ON FUNCTION lpr_data.due_at(lpr_data.schedule, timestamptz, timestamptz) IS
    'When what is kept by a schedule is due for destruction: at the end of the base period, or of the matter where its '
    'life counts and it is longer; closed_at by lpr_data.closes_at(). NULL: not before its event is closed.';

CREATE FUNCTION lpr_data.followed(schedule_id integer)
    RETURNS integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN lpr_data.is_verified(x.schedule_id) THEN x.schedule_id
                    ELSE lpr_data.schedule_in_force(x.records) END
        FROM lpr_data.schedule AS x WHERE x.schedule_id = followed.schedule_id);
COMMENT ON FUNCTION lpr_data.followed(integer) IS
    'The schedule by which that is kept what was saved by one: itself, or when it was withdrawn the one in force; NULL '
    '= none may be used.';

CREATE FUNCTION lpr_data.kept_reads()
    RETURNS TABLE (saved_id bigint, event_id bigint, schedule_id integer, digest bytea, due_at timestamp with time zone)
    LANGUAGE sql STABLE
BEGIN ATOMIC -- no SET: the planner inlines it
    SELECT r.saved_id, r.event_id, (u.schedule).schedule_id, r.digest,
           lpr_data.due_at(u.schedule, r.saved_at, lpr_data.closes_at(e.closed_at, e.ends_at))
    FROM lpr_data.event_read AS r
    JOIN lpr_data.event AS e ON e.event_id = r.event_id
    -- A schedule that was withdrawn is followed by the one in force. OFFSET 0: looked up once a schedule, not once a
    -- read.
    LEFT JOIN (SELECT o.schedule_id AS own, s AS schedule
               FROM (SELECT x.schedule_id, lpr_data.followed(x.schedule_id) AS follows
                     FROM lpr_data.schedule AS x OFFSET 0) AS o
               JOIN lpr_data.schedule AS s ON s.schedule_id = o.follows OFFSET 0) AS u ON u.own = r.schedule_id;
END;
COMMENT ON FUNCTION lpr_data.kept_reads() IS
    'What is saved, with the schedule that it is kept by and when it is due for destruction: at the end of the base '
    'period, or of the matter where its life counts and it is longer. NULL: no schedule may be used.';

CREATE FUNCTION lpr_data.due_parts(moment timestamp with time zone)
    RETURNS TABLE (event_id bigint, schedule_id integer, reads bigint, digest bytea)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT c.event_id, c.schedule_id, sum(c.reads)::bigint, sha256(string_agg(c.digest, '' ORDER BY c.thousand))
    FROM (SELECT k.event_id, k.schedule_id, k.saved_id / 1000 AS thousand, count(*) AS reads,
                 sha256(string_agg(k.digest, '' ORDER BY k.saved_id)) AS digest
          FROM lpr_data.kept_reads() AS k
          WHERE k.due_at <= due_parts.moment
            AND NOT EXISTS (SELECT FROM lpr_data.legal_hold AS h WHERE h.event_id = k.event_id AND h.lifted_at IS NULL)
          GROUP BY k.event_id, k.schedule_id, k.saved_id / 1000) AS c
    GROUP BY c.event_id, c.schedule_id;
END;
COMMENT ON FUNCTION lpr_data.due_parts(timestamptz) IS
    'What was due for destruction then, and is not held now, by event and schedule.';

CREATE FUNCTION lpr_data.digest_of_part(event_id bigint, schedule_id integer, reads bigint, digest bytea)
    RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN int8send(event_id) || int4send(schedule_id) || int8send(reads) || digest;
COMMENT ON FUNCTION lpr_data.digest_of_part(bigint, integer, bigint, bytea) IS
    'A part of an order as its digest has it.';

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
    -- The server's job runs as a superuser, who is not registered.
    IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = lpr.login() AND r.rolsuper) THEN
        who := lpr_data.acting('lpr_records_officer', 'E9');
    END IF;
    PERFORM lpr_data.fresh_snapshots();
    LOCK TABLE lpr_data.destruction_order IN SHARE ROW EXCLUSIVE MODE;
    SELECT array_agg(d.event_id), array_agg(d.schedule_id), array_agg(d.reads), array_agg(d.digest), sum(d.reads),
           sha256(string_agg(lpr_data.digest_of_part(d.event_id, d.schedule_id, d.reads, d.digest), ''
                             ORDER BY d.event_id, d.schedule_id))
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
    INSERT INTO lpr_data.destruction_order (made_at, made_by, reads, digest) VALUES (moment, who, total, whole)
    RETURNING order_id INTO made;
    INSERT INTO lpr_data.destruction_part (order_id, event_id, schedule_id, reads, digest)
    SELECT made, p.* FROM unnest(events, schedules, counts, digests) AS p;
    RETURN made;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.destroy_due() TO lpr_member;
COMMENT ON FUNCTION lpr.destroy_due() IS
    'Lists what is due for destruction and not held, and returns the number of that order, NULL when nothing is; '
    'destroys nothing: lpr.release_destruction() does (E9). An order that waits is returned again while it lists the '
    'same, and superseded else. By the server''s job, or a records officer. Errors LP024 and LP033.';

CREATE FUNCTION lpr_data.rewrite(kept_table regclass)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_rewrite';
COMMENT ON FUNCTION lpr_data.rewrite(regclass) IS
    'Writes a table and its indexes anew, into new files, with what is left of it: neither DELETE nor VACUUM takes '
    'content out of files.';

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
                         UNION SELECT c.conrelid FROM pg_constraint AS c JOIN t ON c.confrelid = t.oid
                         WHERE c.contype = 'f' AND c.confdeltype = 'c')
    SELECT array_agg(t.oid::regclass ORDER BY t.oid) INTO all_saved FROM t;
    FOREACH saved IN ARRAY all_saved || '{lpr_data.image,lpr_data.event_step}'::regclass[]
    LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', saved);
    END LOOP;
    -- From now on placing a hold and withdrawing a schedule wait; one that has begun comes first.
    LOCK TABLE lpr_data.legal_hold, lpr_data.schedule_step IN SHARE MODE;
    RETURN all_saved;
EXCEPTION
    WHEN lock_not_available THEN
        RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = 'saved reads or holds are in use just now',
            DETAIL = 'Destruction locks their tables, and waits 10 seconds for the locks.',
            HINT = 'Try again later, or find who holds them: SELECT pid FROM pg_locks WHERE relation = '
                   '''lpr_data.event_read''::regclass;';
END
$$;
COMMENT ON FUNCTION lpr_data.lock_saved() IS
    'Takes the tables of saved reads, and of all that goes with them, for this transaction alone; returns them, but '
    'for the images and the steps of events.';

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
    gone_steps bigint;
BEGIN
    PERFORM lpr_data.fresh_snapshots();
    SELECT x.* INTO o FROM lpr_data.destruction_order AS x
    WHERE x.order_id = release_destruction.order_id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('order %s does not exist', coalesce(release_destruction.order_id::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.destruction_orders;';
    END IF;
    IF o.state <> 'waiting' THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('order %s is %s', release_destruction.order_id, o.state),
                                'Only an order that waits is released.', 'SELECT * FROM lpr.destruction_orders;');
    END IF;
    IF o.made_by = who
       OR EXISTS (SELECT FROM lpr_data.destruction_part AS p
                  JOIN lpr_data.event_member AS m ON m.event_id = p.event_id AND m.person_id = who
                  WHERE p.order_id = release_destruction.order_id)
       OR EXISTS (SELECT FROM lpr_data.destruction_part AS p
                  JOIN lpr_data.event_read AS r ON r.event_id = p.event_id AND r.saved_by = who
                  WHERE p.order_id = release_destruction.order_id) THEN
        PERFORM lpr_data.refuse('E9', 'LP033', format('order %s is not yours to release', release_destruction.order_id),
                                'Destruction is released by a records officer who neither made the order nor works, or '
                                'saved reads, on an event in it.',
                                format('Ask %s.', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    saved := lpr_data.lock_saved();
    -- Only what was listed goes: it is counted and digested again, now that it cannot change, without what is held by
    -- now.
    UPDATE lpr_data.destruction_part AS p
    SET state = CASE WHEN lpr_data.is_held(p.event_id) THEN 'held'
                     WHEN d.reads = p.reads AND d.digest = p.digest THEN 'destroyed' ELSE 'changed' END
    FROM lpr_data.destruction_part AS x
    LEFT JOIN lpr_data.due_parts(o.made_at) AS d ON d.event_id = x.event_id AND d.schedule_id = x.schedule_id
    WHERE x.order_id = release_destruction.order_id
      AND (p.order_id, p.event_id, p.schedule_id) = (x.order_id, x.event_id, x.schedule_id);
    IF NOT EXISTS (SELECT FROM lpr_data.destruction_part AS p
                   WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed') THEN
        IF EXISTS (SELECT FROM lpr_data.destruction_part AS p
                   WHERE p.order_id = release_destruction.order_id AND p.state = 'held') THEN
            PERFORM lpr_data.refuse('E9', 'LP063',
                                    format('a legal hold stands on all that order %s lists',
                                           release_destruction.order_id), 'What is under a legal hold stays as it is.',
                                    'SELECT * FROM lpr.holds;');
        END IF;
        PERFORM lpr_data.refuse('E9', 'LP034',
                                format('order %s no longer lists what is due', release_destruction.order_id),
                                'Only what was listed goes.', 'SELECT lpr.destroy_due(); lists anew.');
    END IF;
    corrections := (SELECT count(*) FROM lpr_data.correction AS c);
    WITH gone_reads AS (
        DELETE FROM lpr_data.event_read AS r
        USING lpr_data.destruction_part AS p, lpr_data.kept_reads() AS k
        WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed' AND k.event_id = p.event_id
          AND k.schedule_id = p.schedule_id AND k.due_at <= o.made_at
          AND r.saved_id = k.saved_id
        RETURNING r.plate_image, r.vehicle_image
    )
    SELECT count(*), (SELECT array_agg(DISTINCT i)
                      FROM gone_reads AS x, unnest(ARRAY[x.plate_image, x.vehicle_image]) AS i WHERE i IS NOT NULL)
    INTO gone, images FROM gone_reads;
    DELETE FROM lpr_data.image AS i WHERE i.sha256 = ANY (images)
       AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE r.plate_image = i.sha256)
       AND NOT EXISTS (SELECT FROM lpr_data.event_read AS r WHERE r.vehicle_image = i.sha256);
    GET DIAGNOSTICS gone_images = ROW_COUNT;
    corrections := corrections - (SELECT count(*) FROM lpr_data.correction AS c);
    IF gone_images > 0 THEN
        saved := saved || 'lpr_data.image'::regclass;
    END IF;
    -- Why something was done with these events goes by the same rule.
    DELETE FROM lpr_data.event_step AS t
    USING lpr_data.event AS e, lpr_data.schedule AS s
    WHERE e.event_id = t.event_id AND s.schedule_id = lpr_data.followed(t.schedule_id)
      AND lpr_data.due_at(s, t.at, lpr_data.closes_at(e.closed_at, e.ends_at)) <= o.made_at
      AND t.event_id IN (SELECT p.event_id FROM lpr_data.destruction_part AS p
                         WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed');
    GET DIAGNOSTICS gone_steps = ROW_COUNT;
    IF gone_steps > 0 THEN
        saved := saved || 'lpr_data.event_step'::regclass;
    END IF;
    PERFORM lpr_data.rewrite(t) FROM unnest(saved) AS t;
    UPDATE lpr_data.destruction_order AS x SET state = 'done' WHERE x.order_id = release_destruction.order_id;
    INSERT INTO lpr_data.destruction_certificate (order_id, released_by, reason, reads, corrections, images, digest,
                                                  rewritten, reasons)
    SELECT release_destruction.order_id, who, release_destruction.reason, gone, corrections, gone_images,
           sha256(string_agg(lpr_data.digest_of_part(p.event_id, p.schedule_id, p.reads, p.digest), ''
                             ORDER BY p.event_id, p.schedule_id)), saved::text[], gone_steps
    FROM lpr_data.destruction_part AS p WHERE p.order_id = release_destruction.order_id AND p.state = 'destroyed'
    HAVING sum(p.reads) = gone;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'internal_error',
                              MESSAGE = format('order %s: %s reads went, others were listed',
                                               release_destruction.order_id, gone);
    END IF;
    RETURN gone;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.release_destruction(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.release_destruction(bigint, text) IS
    'Destroys what an order lists: deletes it with its corrections, the images that no other read has, and the '
    'reasons in lpr.event_steps that are due as well, writes their tables anew, so that no data file holds it, and '
    'leaves a certificate, all in one transaction; returns how many reads (E9). By a records officer who neither made '
    'the order nor works on an event in it. What a hold was placed on meanwhile, or is not as it was listed, stays. '
    'Errors LP024 and LP033 (who may), LP034 (the order does not wait, or lists what is not due), LP043 (the reason '
    'says nothing), LP063 (all of it is held), 55P03 (saved reads are in use). Copies outside the database, such as '
    'archived WAL and backups, have their own end.';

CREATE FUNCTION lpr.retention()
    RETURNS TABLE (event_id bigint, system text, matter_reference text, closed_at timestamp with time zone,
                   schedule integer, reads bigint, due bigint,
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
        SELECT k.event_id, e.system, e.matter_reference, e.closed_at, k.schedule_id, k.reads, k.due, k.next_due_at,
               lpr_data.is_held(k.event_id),
               CASE WHEN k.schedule_id IS NULL THEN 'a verified schedule'
                    WHEN lpr_data.is_held(k.event_id) THEN 'the end of a legal hold'
                    WHEN k.due > 0 THEN 'its release'
                    WHEN k.open AND e.ends_at <= clock_timestamp()
                        THEN 'its event to be closed: it ran out, and counts as closed 30 days later'
                    WHEN k.open THEN 'its event to be closed'
                    ELSE 'its time' END
        FROM (SELECT r.event_id, r.schedule_id, count(*) AS reads,
                     count(*) FILTER (WHERE r.due_at <= clock_timestamp()) AS due,
                     min(r.due_at) FILTER (WHERE r.due_at > clock_timestamp() AND NOT o.open) AS next_due_at,
                     bool_or(o.open) AS open
              FROM lpr_data.kept_reads() AS r
              LEFT JOIN lpr_data.schedule AS s ON s.schedule_id = r.schedule_id
              JOIN lpr_data.event AS x ON x.event_id = r.event_id
              -- Of a matter that goes on nobody knows when it ends, where that counts.
              CROSS JOIN LATERAL (SELECT (s.life_of_matter OR s.runs_from = 'closed')
                                         AND lpr_data.closes_at(x.closed_at, x.ends_at) > clock_timestamp()) AS o (open)
              GROUP BY r.event_id, r.schedule_id) AS k
        JOIN lpr_data.event AS e ON e.event_id = k.event_id
        ORDER BY k.event_id, k.schedule_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retention() TO lpr_member;
COMMENT ON FUNCTION lpr.retention() IS
    'What is saved, counted by event and schedule: how much of it is due for destruction, when the next will be, '
    'whether a legal hold stands, and what it waits for (E9). For records officers, privacy and oversight. Errors '
    'LP024 and LP033.';

CREATE VIEW lpr.destruction_orders WITH (security_barrier) AS
SELECT o.order_id, o.made_at, p.login AS made_by, o.state, o.reads, o.digest, c.done_at, r.login AS released_by,
       c.reason, c.reads AS destroyed, c.corrections,
       c.images, c.digest AS destroyed_digest, c.rewritten, c.reasons
FROM lpr_data.destruction_order AS o
LEFT JOIN lpr_data.person AS p ON p.person_id = o.made_by
LEFT JOIN lpr_data.destruction_certificate AS c ON c.order_id = o.order_id
LEFT JOIN lpr_data.person AS r ON r.person_id = c.released_by;
GRANT SELECT ON lpr.destruction_orders TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.destruction_orders IS
    'Lists of what was due for destruction, and the certificates of what was destroyed (E9).';
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
COMMENT ON COLUMN lpr.destruction_orders.destroyed_digest IS
    'SHA-256 over what went; the same as digest when nothing was held.';
COMMENT ON COLUMN lpr.destruction_orders.rewritten IS 'Tables that were written anew, so that no file holds it.';
COMMENT ON COLUMN lpr.destruction_orders.reasons IS 'How many rows of lpr.event_steps went as well.';

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
