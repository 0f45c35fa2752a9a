-- 57-watch: the set of what is watched, source by source, and how it was at any moment (D1, D4, U1). A round of the
-- watcher names a set by its number, size and digest; what came into it and what went is on record once.
--
-- The set is never what is watched because it stands here: lpr_data.recount_watch() makes it anew out of
-- lpr_data.display_items() as soon as anything changes, or a moment comes at which something ends.

CREATE TABLE lpr_data.watch_time (
    name text COLLATE "C" PRIMARY KEY DEFAULT 'watch' CHECK (name = 'watch'),
    round_s integer NOT NULL CHECK (round_s BETWEEN 1 AND 300),
    overlap_min integer NOT NULL CHECK (overlap_min BETWEEN 1 AND 1440),
    sweep_min integer NOT NULL CHECK (sweep_min BETWEEN 5 AND 1440),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.watch_time', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.watch_time');
COMMENT ON TABLE lpr_data.watch_time IS 'How often sources are asked for what displays watch: one row (D1).';
COMMENT ON COLUMN lpr_data.watch_time.name IS 'watch.';
COMMENT ON COLUMN lpr_data.watch_time.round_s IS 'Seconds from the beginning of a round to that of the next, 1 to 300.';
COMMENT ON COLUMN lpr_data.watch_time.overlap_min IS
    'Of a vendor that does not tell what it received: minutes that a round looks back beyond the last one.';
COMMENT ON COLUMN lpr_data.watch_time.sweep_min IS
    'Of such a vendor: minutes between rounds that look back over 48 hours, for what came late.';
COMMENT ON COLUMN lpr_data.watch_time.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.watch_time (round_s, overlap_min, sweep_min, shipped) VALUES (5, 15, 60, true);

CREATE FUNCTION lpr.set_watch_times(round_seconds integer, overlap_minutes integer DEFAULT 15,
                                    sweep_minutes integer DEFAULT 60)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('D1');
    INSERT INTO lpr_data.watch_time (round_s, overlap_min, sweep_min)
    VALUES (set_watch_times.round_seconds, set_watch_times.overlap_minutes, set_watch_times.sweep_minutes)
    ON CONFLICT ON CONSTRAINT watch_time_pkey DO UPDATE
    SET round_s = excluded.round_s, overlap_min = excluded.overlap_min, sweep_min = excluded.sweep_min,
        shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_watch_times(integer, integer, integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_watch_times(integer, integer, integer) IS
    'How often each source is asked for what displays watch: every so many seconds, 1 to 300 (D1). Of vendors that do '
    'not tell what they received: how many minutes a round looks back beyond the last one (1 to 1440), and after how '
    'many minutes one looks back over 48 hours (5 to 1440), for what cameras hand over late.';

CREATE TABLE lpr_data.watch_item (
    source text COLLATE "C" NOT NULL REFERENCES lpr_data.source ON DELETE CASCADE,
    item_id bigint NOT NULL REFERENCES lpr_data.display_item ON DELETE CASCADE,
    PRIMARY KEY (source, item_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.watch_item', '');
CREATE INDEX watch_item_item ON lpr_data.watch_item (item_id);
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.watch_item
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.watch_item
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.watch_item ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.watch_item IS
    'The items of displays that are watched at each source, as of the last set of lpr_data.watch_set.';
COMMENT ON COLUMN lpr_data.watch_item.source IS 'The source that is asked.';
COMMENT ON COLUMN lpr_data.watch_item.item_id IS 'The item.';

CREATE TABLE lpr_data.watch_set (
    set_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text COLLATE "C" NOT NULL,
    at timestamp with time zone NOT NULL,
    entered bigint[] NOT NULL CHECK (array_position(entered, NULL) IS NULL AND cardinality(entered) <= 200),
    gone bigint[] NOT NULL CHECK (array_position(gone, NULL) IS NULL AND cardinality(gone) <= 200),
    items integer CHECK (items >= 0),
    digest bytea CHECK (octet_length(digest) = 32),
    CONSTRAINT whole_or_part CHECK ((items IS NULL) = (digest IS NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.watch_set', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.watch_set_set_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.watch_set');
CREATE INDEX watch_set_whole ON lpr_data.watch_set (source, set_id) WHERE digest IS NOT NULL;
SELECT lpr_data.only_adds('lpr_data.watch_set');
COMMENT ON TABLE lpr_data.watch_set IS
    'How the sets of what is watched changed: items that came in and that went, in one or more rows, the last of which '
    'tells what the set was then (U1). Numbers of items only; lpr.watched() shows what they were.';
COMMENT ON COLUMN lpr_data.watch_set.set_id IS 'Number; that of the last row is the set''s, which rounds name.';
COMMENT ON COLUMN lpr_data.watch_set.source IS 'The source.';
COMMENT ON COLUMN lpr_data.watch_set.at IS 'At which moment it was judged what is watched.';
COMMENT ON COLUMN lpr_data.watch_set.entered IS 'Items that are watched from then on.';
COMMENT ON COLUMN lpr_data.watch_set.gone IS 'Items that are watched no longer.';
COMMENT ON COLUMN lpr_data.watch_set.items IS 'How many items the set has; NULL: more of it follows.';
COMMENT ON COLUMN lpr_data.watch_set.digest IS
    'SHA-256 of LPRW and the numbers of its items, ascending, 8 bytes each (docs/audit-format.md).';

CREATE FUNCTION lpr_data.open_sources(moment timestamp with time zone)
    RETURNS TABLE (source text, server oid)
    LANGUAGE sql STABLE
AS $$
    -- As the gate's second part has it of any question (Q10, Q11).
    SELECT s.name, f.oid
    FROM lpr_data.source AS s
    JOIN pg_foreign_server AS f ON f.srvname = s.name
    LEFT JOIN lpr_data.grace AS r ON r.what = 'sources' AND s.published_on IS NULL AND moment >= r.since
    WHERE (s.enabled AND s.approved_on <= lpr_data.utc_today()) IS TRUE
      AND (s.published_on <= lpr_data.utc_today() OR moment < r.until) IS TRUE
      AND (lpr_data.has_dialect_mode(s.name, 'plate')) IS TRUE
$$;
COMMENT ON FUNCTION lpr_data.open_sources(timestamp with time zone) IS
    'The sources that may be asked at a moment, and can be by plate (Q10, Q11).';

CREATE FUNCTION lpr_data.sources_of(persons integer[], events bigint[], modes text[], moment timestamp with time zone)
    RETURNS TABLE (person_id integer, event_id bigint, source text, until timestamp with time zone)
    LANGUAGE sql STABLE
AS $$
    WITH source AS MATERIALIZED (
        SELECT s.source, s.server FROM lpr_data.open_sources(moment) AS s
    )
    SELECT o.person_id, o.event_id, s.source, max(x.ends_at)
    FROM unnest(persons, events) AS o (person_id, event_id)
    JOIN lpr_data.event AS e ON e.event_id = o.event_id
    JOIN lpr_data.person AS p ON p.person_id = o.person_id
    JOIN pg_roles AS u ON u.rolname = p.login::name
    CROSS JOIN LATERAL lpr_data.entitlements(o.person_id, moment) AS x
    JOIN source AS s ON s.source = ANY (x.sources) AND has_server_privilege(u.oid, s.server, 'USAGE')
    WHERE x.holds AND e.system = ANY (x.systems) AND sources_of.modes && x.modes
    GROUP BY o.person_id, o.event_id, s.source
$$;
COMMENT ON FUNCTION lpr_data.sources_of(integer[], bigint[], text[], timestamp with time zone) IS
    'Of people, each for an event: the open sources that they have access to, in any of these modes, for its system, '
    'and were granted; and until when the access lasts (A7, Q10).';

CREATE FUNCTION lpr_data.watched_now(moment timestamp with time zone)
    RETURNS TABLE (source text, item_id bigint, until timestamp with time zone)
    LANGUAGE sql STABLE
AS $$
    WITH item AS MATERIALIZED (
        SELECT i.item_id, i.owner_id, i.event_id, i.holds_until
        FROM lpr_data.display_items(NULL, moment) AS i WHERE i.live
    ), owner AS MATERIALIZED (
        SELECT array_agg(o.owner_id) AS owners, array_agg(o.event_id) AS events
        FROM (SELECT DISTINCT i.owner_id, i.event_id FROM item AS i) AS o
    ), may AS MATERIALIZED ( -- of which sources each owner may watch
        SELECT s.person_id AS owner_id, s.event_id, s.source, s.until
        FROM owner AS o CROSS JOIN LATERAL lpr_data.sources_of(o.owners, o.events, '{display}', moment) AS s
    )
    SELECT m.source, i.item_id, least(i.holds_until, m.until)
    FROM item AS i JOIN may AS m ON m.owner_id = i.owner_id AND m.event_id = i.event_id
$$;
COMMENT ON FUNCTION lpr_data.watched_now(timestamp with time zone) IS
    'What is watched at a moment, source by source, and until when if nobody changes anything: items that '
    'lpr_data.display_items() finds live, at the sources that their owner has by display and was granted.';

CREATE FUNCTION lpr_data.watch_digest(items bigint[])
    RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256('LPRW'::bytea || coalesce((SELECT string_agg(int8send(i.item_id), ''::bytea ORDER BY i.item_id)
                                         FROM unnest(items) AS i (item_id)), ''::bytea));
COMMENT ON FUNCTION lpr_data.watch_digest(bigint[]) IS 'Digest of a set of items (docs/audit-format.md).';

CREATE FUNCTION lpr_data.recount_watch(OUT changed bigint, OUT until timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    -- All of it is read, so that joins by hash in the order of their text are the fast ones: nobody has figures of it.
    SET enable_nestloop = off
    SET join_collapse_limit = 1
    SET work_mem = '64MB'
    SET jit = off
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    WITH now_set AS MATERIALIZED (
        SELECT n.source, n.item_id, n.until FROM lpr_data.watched_now(moment) AS n
    ), entered AS (
        INSERT INTO lpr_data.watch_item (source, item_id)
        SELECT n.source, n.item_id FROM now_set AS n
        EXCEPT SELECT w.source, w.item_id FROM lpr_data.watch_item AS w
        RETURNING source, item_id
    ), gone AS (
        DELETE FROM lpr_data.watch_item AS w
        USING (SELECT x.source, x.item_id FROM lpr_data.watch_item AS x
               EXCEPT SELECT n.source, n.item_id FROM now_set AS n) AS g
        WHERE w.source = g.source AND w.item_id = g.item_id
        RETURNING w.source, w.item_id
    ), change AS (
        SELECT e.source, e.item_id, true AS enters FROM entered AS e
        UNION ALL SELECT g.source, g.item_id, false FROM gone AS g
    ), part AS (
        SELECT c.source, c.n / 200 AS part, coalesce(array_agg(c.item_id) FILTER (WHERE c.enters), '{}') AS entered,
               coalesce(array_agg(c.item_id) FILTER (WHERE NOT c.enters), '{}') AS gone,
               c.n / 200 = max(c.n / 200) OVER (PARTITION BY c.source) AS last
        FROM (SELECT x.source, x.item_id, x.enters,
                     row_number() OVER (PARTITION BY x.source ORDER BY x.item_id) - 1 AS n FROM change AS x) AS c
        GROUP BY c.source, c.n / 200
    ), added AS (
        INSERT INTO lpr_data.watch_set (source, at, entered, gone, items, digest)
        SELECT p.source, moment, p.entered, p.gone, CASE WHEN p.last THEN cardinality(s.items) END,
               CASE WHEN p.last THEN lpr_data.watch_digest(s.items) END
        FROM part AS p
        CROSS JOIN LATERAL (SELECT CASE WHEN p.last THEN ARRAY(SELECT n.item_id FROM now_set AS n
                                                               WHERE n.source = p.source) END AS items) AS s
        ORDER BY p.source, p.part
        RETURNING set_id
    )
    -- A source may be there, or no longer, from a day on.
    SELECT (SELECT count(*) FROM added AS a),
           least((SELECT min(n.until) FROM now_set AS n), date_trunc('day', moment) + interval '1 day')
    INTO changed, until;
    -- Where nothing is watched, it does not matter any more how far one was asked.
    IF changed > 0 THEN
        DELETE FROM lpr_data.watch_mark AS m
        WHERE NOT EXISTS (SELECT FROM lpr_data.watch_item AS w WHERE w.source = m.source);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.recount_watch() IS
    'Judges anew what is watched, and notes as a new set of a source what has come in and gone; how many rows that '
    'took, and until when the sets hold if nobody changes anything. Called by the watcher.';

CREATE FUNCTION lpr_data.sets_at(at timestamp with time zone)
    RETURNS TABLE (source text, item_id bigint, since timestamp with time zone)
    LANGUAGE sql STABLE
AS $$
    SELECT x.source, x.item_id, x.at
    FROM (SELECT DISTINCT ON (c.source, c.item_id) c.source, c.item_id, c.at, c.enters
          FROM (SELECT s.source, e.item_id, s.set_id, s.at, true AS enters
                FROM lpr_data.watch_set AS s CROSS JOIN LATERAL unnest(s.entered) AS e (item_id)
                WHERE s.at <= sets_at.at
                UNION ALL
                SELECT s.source, g.item_id, s.set_id, s.at, false
                FROM lpr_data.watch_set AS s CROSS JOIN LATERAL unnest(s.gone) AS g (item_id)
                WHERE s.at <= sets_at.at) AS c
          ORDER BY c.source, c.item_id, c.set_id DESC) AS x
    WHERE x.enters
$$;
COMMENT ON FUNCTION lpr_data.sets_at(timestamp with time zone) IS
    'What was watched at a moment, and since when, out of the records of what came in and went.';

CREATE FUNCTION lpr.watched(at timestamp with time zone DEFAULT NULL)
    RETURNS TABLE (source text, item bigint, display bigint, event bigint, owner text, plate text, plate_region text,
                   since timestamp with time zone)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz := coalesce(watched.at, clock_timestamp());
BEGIN
    PERFORM lpr_data.reading('U1', 'lpr_oversight', 'lpr_privacy');
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('watched(%s)', moment));
    RETURN QUERY
        SELECT s.source, s.item_id, i.display_id, i.event_id, p.login, t.plate, t.plate_region, s.since
        FROM lpr_data.sets_at(moment) AS s
        LEFT JOIN lpr_data.display_item AS i ON i.item_id = s.item_id
        LEFT JOIN lpr_data.target AS t ON t.target_id = i.target_id
        LEFT JOIN lpr_data.person AS p ON p.person_id = i.owner_id
        ORDER BY s.source, s.item_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.watched(timestamptz) TO lpr_member;
COMMENT ON FUNCTION lpr.watched(timestamptz) IS
    'Oversight and privacy look at what displays watched at a moment, or watch now, source by source: the item, its '
    'display, event and owner, its plate, and since when (U1). Of items that were destroyed on their schedule the '
    'number is left. Each call is itself a record. Errors LP024, LP033, and those of the gate for a session.';

CREATE FUNCTION lpr.watch_history(login name DEFAULT NULL, plate text DEFAULT NULL)
    RETURNS TABLE (source text, item bigint, display bigint, event bigint, owner text, watched text, plate_region text,
                   since timestamp with time zone, until timestamp with time zone)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.reading('U1', 'lpr_oversight', 'lpr_privacy');
    IF num_nonnulls(watch_history.login, watch_history.plate) <> 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'whose history, or which plate''s, is asked',
            HINT = 'SELECT * FROM lpr.watch_history(login => ''...''); or lpr.watch_history(plate => ''...'');';
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL,
                                  format('watch_history(%L, %L)', watch_history.login, watch_history.plate));
    RETURN QUERY
        WITH item AS MATERIALIZED (
            SELECT i.item_id, i.display_id, i.event_id, p.login, t.plate, t.plate_region
            FROM lpr_data.display_item AS i
            JOIN lpr_data.target AS t ON t.target_id = i.target_id
            JOIN lpr_data.person AS p ON p.person_id = i.owner_id
            WHERE p.login = watch_history.login::text COLLATE "C"
               OR t.plate = lpr.normal_plate(watch_history.plate)
        ), change AS (
            SELECT s.source, e.item_id, s.set_id, s.at, true AS enters
            FROM lpr_data.watch_set AS s CROSS JOIN LATERAL unnest(s.entered) AS e (item_id)
            WHERE s.entered && ARRAY(SELECT i.item_id FROM item AS i)
            UNION ALL
            SELECT s.source, g.item_id, s.set_id, s.at, false
            FROM lpr_data.watch_set AS s CROSS JOIN LATERAL unnest(s.gone) AS g (item_id)
            WHERE s.gone && ARRAY(SELECT i.item_id FROM item AS i)
        )
        SELECT c.source, i.item_id, i.display_id, i.event_id, i.login, i.plate, i.plate_region, c.at, c.next_at
        FROM (SELECT x.source, x.item_id, x.enters, x.at,
                     lead(x.at) OVER (PARTITION BY x.source, x.item_id ORDER BY x.set_id) AS next_at
              FROM change AS x) AS c
        JOIN item AS i ON i.item_id = c.item_id
        WHERE c.enters
        ORDER BY i.item_id, c.source, c.at;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.watch_history(name, text) TO lpr_member;
COMMENT ON FUNCTION lpr.watch_history(name, text) IS
    'Oversight and privacy look at what was watched for a person, or of a plate: each item, at each source, from when '
    'to when; until NULL = still (U1). Each call is itself a record. Errors 22023 (not one of the two), LP024, LP033, '
    'and those of the gate for a session.';
