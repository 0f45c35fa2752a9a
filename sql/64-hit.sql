-- 64-hit: what displays have found (D1, D6). A hit holds pointers only: to its item, to the record of the ask that
-- brought it, to a place in the cache, and a keyed digest of the vendor's id, so that nothing comes twice. The read
-- itself is in the cache, obeys its hours, and goes with them.
--
-- extension/watch/hit.c hands in what vendors told; here it is held against the items that are watched at that moment.

CREATE TABLE lpr_data.hit (
    hit_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    display_id bigint NOT NULL,
    owner_id integer NOT NULL,
    item_id bigint NOT NULL,
    source text COLLATE "C" NOT NULL,
    read_key bytea NOT NULL CHECK (octet_length(read_key) = 32),
    answer bigint NOT NULL,
    place bigint NOT NULL CHECK (place >= 0),
    captured_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT hit_of_one_event UNIQUE (hit_id, event_id),
    CONSTRAINT nothing_twice UNIQUE (item_id, source, read_key),
    CONSTRAINT hit_of_its_display FOREIGN KEY (display_id, event_id, owner_id)
        REFERENCES lpr_data.display (display_id, event_id, owner_id),
    CONSTRAINT hit_of_its_item FOREIGN KEY (item_id, display_id)
        REFERENCES lpr_data.display_item (item_id, display_id),
    CONSTRAINT a_day_at_most CHECK (expires_at > seen_at AND expires_at <= seen_at + interval '24 hours')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.hit', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.hit_hit_id_seq', '');
CREATE INDEX hit_event ON lpr_data.hit (event_id);
CREATE INDEX hit_display ON lpr_data.hit (display_id, seen_at);
CREATE INDEX hit_answer ON lpr_data.hit (answer);
CREATE INDEX hit_owner ON lpr_data.hit (owner_id);
-- It goes with its event.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.hit FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.hit
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.hit ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.hit IS
    'New reads of plates that displays watch, as pointers: neither plate nor place (D6). A row an item and read.';
COMMENT ON COLUMN lpr_data.hit.hit_id IS 'Number.';
COMMENT ON COLUMN lpr_data.hit.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.hit.display_id IS 'The display.';
COMMENT ON COLUMN lpr_data.hit.owner_id IS 'Whose it is, as the display.';
COMMENT ON COLUMN lpr_data.hit.item_id IS 'The item.';
COMMENT ON COLUMN lpr_data.hit.source IS 'The vendor.';
COMMENT ON COLUMN lpr_data.hit.read_key IS
    'lpr_data.keyed_hash() of the vendor''s id of the read: so that nothing comes twice, and nobody can try out which '
    'it was.';
COMMENT ON COLUMN lpr_data.hit.answer IS 'Number, in the audit log, of the ask that brought it.';
COMMENT ON COLUMN lpr_data.hit.place IS 'Its place among the reads of that answer, from 0.';
COMMENT ON COLUMN lpr_data.hit.captured_at IS 'When the camera saw it.';
COMMENT ON COLUMN lpr_data.hit.seen_at IS 'When it came here.';
COMMENT ON COLUMN lpr_data.hit.expires_at IS
    'Until when its read is in the cache, a day at the most; gone before when the server crashed (C1, D6).';

-- A round is one record, not one a hit: who watches a hundred thousand plates must not flood the log.
CREATE FUNCTION lpr_data.audit_hits()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('table', 'lpr_data.hit', 'action', lower(TG_OP), 'role', session_user,
                              'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp(),
                              'source', h.source, 'answer', h.answer, 'hits', h.hits, 'first', h.first_id,
                              'last', h.last_id, 'items', h.items)::text
    FROM (SELECT c.source, c.answer, count(*) AS hits, min(c.hit_id) AS first_id, max(c.hit_id) AS last_id,
                 jsonb_agg(DISTINCT c.item_id) AS items
          FROM changed AS c GROUP BY c.source, c.answer) AS h
    CROSS JOIN lpr_data.wake_writer() AS w;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.audit_hits() IS
    'Trigger of hits: of which items there were how many, by which ask, in one record a statement (U4). What was read '
    'is never in the audit (U1).';
CREATE TRIGGER audit_hits AFTER INSERT ON lpr_data.hit REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_hits();
CREATE TRIGGER audit_gone AFTER DELETE ON lpr_data.hit REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_hits();
ALTER TABLE lpr_data.hit ENABLE ALWAYS TRIGGER audit_hits, ENABLE ALWAYS TRIGGER audit_gone;

CREATE FUNCTION lpr_data.hit_is_new()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM lpr_data.display_item AS i
               WHERE i.item_id = NEW.item_id AND i.added_at > NEW.captured_at) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP068',
            MESSAGE = format('a read from before item %s was added is no hit of it', NEW.item_id),
            DETAIL = 'A display tells what is seen from now on; what was seen before is asked.',
            HINT = 'SELECT * FROM lpr.search_plate(...);';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.hit_is_new() IS
    'Trigger of hits: what a camera saw before an item was added is no hit of it, whatever path writes the row (D1).';
CREATE TRIGGER not_from_before AFTER INSERT ON lpr_data.hit
    FOR EACH ROW EXECUTE FUNCTION lpr_data.hit_is_new();
ALTER TABLE lpr_data.hit ENABLE ALWAYS TRIGGER not_from_before;

CREATE FUNCTION lpr_data.hit_expiry()
    RETURNS timestamp with time zone
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT lpr_data.cache_expiry(clock_timestamp(), t.keep) FROM lpr_data.cache_time AS t);
COMMENT ON FUNCTION lpr_data.hit_expiry() IS 'Until when what comes just now is in the cache (C1).';

CREATE FUNCTION lpr_data.store_hits(source text, answer bigint, expires_at timestamp with time zone, first_place bigint,
                                    ids text[], plates text[], captured timestamp with time zone[])
    RETURNS TABLE (read bigint, place bigint, hits bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET jit = off -- what it guesses to be large is not
AS $$
#variable_conflict use_column
DECLARE
    keys bytea[] := lpr_data.keyed_hashes('hit of ' || store_hits.source, ids);
    watching bigint[] := ARRAY(SELECT DISTINCT i.display_id FROM lpr_data.target AS t
                               JOIN lpr_data.display_item AS i ON i.target_id = t.target_id AND i.ended_at IS NULL
                               WHERE t.plate = ANY (plates));
BEGIN
    IF keys IS NULL THEN -- tells why
        PERFORM lpr_data.keyed_hash('hit', '');
    END IF;
    RETURN QUERY
    WITH told AS MATERIALIZED (
        SELECT x.n, x.read_key, x.plate, x.captured_at
        FROM unnest(keys, plates, captured) WITH ORDINALITY AS x (read_key, plate, captured_at, n)
    ), live AS MATERIALIZED ( -- by the rule that everything about displays goes by, at this moment
        SELECT s.item_id, s.display_id, s.event_id, s.owner_id, t.plate, greatest(i.watched_since, i.added_at) AS since
        FROM lpr_data.display_items(watching, clock_timestamp()) AS s
        JOIN lpr_data.target AS t ON t.target_id = s.target_id
        JOIN lpr_data.display_item AS i ON i.item_id = s.item_id
        WHERE s.live AND t.plate = ANY (plates)
    ), owner AS MATERIALIZED ( -- who may not ask the source learns nothing from it
        SELECT s.person_id AS owner_id, s.event_id
        FROM (SELECT array_agg(l.owner_id) AS owners, array_agg(l.event_id) AS events
              FROM (SELECT DISTINCT x.owner_id, x.event_id FROM live AS x) AS l) AS o
        CROSS JOIN LATERAL lpr_data.sources_of(o.owners, o.events, '{display}', clock_timestamp()) AS s
        WHERE s.source = store_hits.source
    ), found AS MATERIALIZED (
        SELECT r.n, r.read_key, r.captured_at, l.item_id, l.display_id, l.event_id, l.owner_id,
               EXISTS (SELECT FROM lpr_data.hit AS h
                       WHERE h.item_id = l.item_id AND h.source = store_hits.source COLLATE "C"
                         AND h.read_key = r.read_key) AS known
        FROM told AS r JOIN live AS l ON l.plate = r.plate AND l.since <= r.captured_at
        JOIN owner AS o ON o.owner_id = l.owner_id AND o.event_id = l.event_id
    ), placed AS MATERIALIZED (
        SELECT f.*, first_place + dense_rank() OVER (ORDER BY f.n) - 1 AS place FROM found AS f WHERE NOT f.known
    ), stored AS (
        INSERT INTO lpr_data.hit (event_id, display_id, owner_id, item_id, source, read_key, answer, place,
                                  captured_at, expires_at)
        SELECT p.event_id, p.display_id, p.owner_id, p.item_id, store_hits.source, p.read_key, store_hits.answer,
               p.place, p.captured_at, store_hits.expires_at
        FROM placed AS p ORDER BY p.n, p.item_id
        -- Two may hand in the same at once.
        ON CONFLICT ON CONSTRAINT nothing_twice DO NOTHING
        RETURNING hit.place AS place
    )
    SELECT f.n, p.place, (SELECT count(*) FROM stored AS s WHERE s.place = p.place)
    FROM (SELECT DISTINCT x.n FROM found AS x) AS f
    LEFT JOIN (SELECT DISTINCT x.n, x.place FROM placed AS x) AS p ON p.n = f.n
    ORDER BY f.n;
END
$$;
COMMENT ON FUNCTION lpr_data.store_hits(text, bigint, timestamptz, bigint, text[], text[], timestamptz[]) IS
    'Reads of a source, by id, plate and time, against the items that are watched at this moment: each that is new and '
    'was seen since its item is watched becomes a hit (D1). Returns those that anybody watches, by their number in the '
    'arrays: place: where among the reads of the answer it goes into the cache, NULL when it was there already. What '
    'nobody watches is returned by nobody and kept nowhere.';

-- Clients are woken by an empty notice on a channel that only their session knows: nobody learns from it that anything
-- was found for anybody. The watcher alone sends them, at most one a second and session; what is due meanwhile waits in
-- rows that are only added to, so that no open transaction holds it up.

CREATE UNLOGGED TABLE lpr_data.hit_channel (
    channel text COLLATE "C" PRIMARY KEY,
    person_id integer NOT NULL,
    pid integer NOT NULL,
    session_started timestamp with time zone NOT NULL,
    woken_at timestamp with time zone NOT NULL DEFAULT '-infinity'
);
CREATE INDEX hit_channel_person ON lpr_data.hit_channel (person_id);
COMMENT ON TABLE lpr_data.hit_channel IS
    'On which channel each session that asked for one is woken when there are hits. Sessions do not outlive a crash: '
    'unlogged.';
COMMENT ON COLUMN lpr_data.hit_channel.channel IS 'Random; known to that session.';
COMMENT ON COLUMN lpr_data.hit_channel.person_id IS 'Whose session.';
COMMENT ON COLUMN lpr_data.hit_channel.pid IS 'Its process.';
COMMENT ON COLUMN lpr_data.hit_channel.session_started IS 'When it began.';
COMMENT ON COLUMN lpr_data.hit_channel.woken_at IS 'When it was last woken.';

CREATE UNLOGGED TABLE lpr_data.hit_wake (
    person_id integer NOT NULL,
    display_id bigint NOT NULL,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE lpr_data.hit_wake IS 'Of which displays there are hits that their owners were not told of yet.';
COMMENT ON COLUMN lpr_data.hit_wake.person_id IS 'The owner.';
COMMENT ON COLUMN lpr_data.hit_wake.display_id IS 'The display.';
COMMENT ON COLUMN lpr_data.hit_wake.at IS 'Since when.';

CREATE FUNCTION lpr_data.announce_hits(source text, answer bigint)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.hit_wake (person_id, display_id)
    SELECT DISTINCT h.owner_id, h.display_id FROM lpr_data.hit AS h
    WHERE h.answer = announce_hits.answer AND h.source = announce_hits.source COLLATE "C";
END;
COMMENT ON FUNCTION lpr_data.announce_hits(text, bigint) IS
    'Notes whose owners are to be told of the hits of an ask. It waits for nobody, and nobody for it.';

CREATE FUNCTION lpr_data.wake_channels()
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    told bigint;
BEGIN
    -- Of sessions that are over.
    DELETE FROM lpr_data.hit_channel AS c
    WHERE NOT EXISTS (SELECT FROM pg_stat_get_activity(c.pid) AS s WHERE s.backend_start = c.session_started);
    -- Of those whose sessions were all woken long enough ago, the rows go; whoever else is due stays so.
    WITH due AS (
        DELETE FROM lpr_data.hit_wake AS w
        WHERE NOT EXISTS (SELECT FROM lpr_data.hit_channel AS c
                          WHERE c.person_id = w.person_id AND c.woken_at > moment - interval '1 second')
        RETURNING w.person_id, w.display_id
    ), woken AS (
        UPDATE lpr_data.hit_channel AS c SET woken_at = moment
        WHERE c.person_id IN (SELECT d.person_id FROM due AS d)
        RETURNING pg_notify(c.channel, '') IS NULL
    )
    -- No mail has a plate, a place or a title; at most one a display and hour.
    SELECT count(lpr_data.post(format('hits:%s:%s', d.display_id, to_char(moment, 'YYYY-MM-DD HH24')), d.person_id,
                               'hits', jsonb_build_object('display', d.display_id)))
    INTO told
    FROM (SELECT DISTINCT x.person_id, x.display_id FROM due AS x) AS d;
    RETURN EXISTS (SELECT FROM lpr_data.hit_wake);
END
$$;
COMMENT ON FUNCTION lpr_data.wake_channels() IS
    'Tells owners of hits: wakes their sessions with an empty notice each, at most one a second, and posts a mail a '
    'display and hour (D1); whether some are still to be told. Called by the watcher, after it has stored hits and '
    'each second while some are due.';
