-- 66-watcher: how far the watcher is with each source (D1, D6). A mark moves in the transaction that stores what was
-- found up to it: whatever crashes, nothing is lost and nothing comes twice.

CREATE TABLE lpr_data.watch_mark (
    source text COLLATE "C" PRIMARY KEY REFERENCES lpr_data.source ON DELETE CASCADE,
    mark text COLLATE "C" CHECK (octet_length(mark) BETWEEN 1 AND 2048),
    asked_at timestamp with time zone NOT NULL,
    swept_at timestamp with time zone,
    gap_since timestamp with time zone CHECK (gap_since <= asked_at)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.watch_mark', '');
COMMENT ON TABLE lpr_data.watch_mark IS
    'Up to where each source was asked for what displays watch: a row a source, while anything is watched there.';
COMMENT ON COLUMN lpr_data.watch_mark.source IS 'The source.';
COMMENT ON COLUMN lpr_data.watch_mark.mark IS
    'The vendor''s own word for it, from where on it tells what it received; NULL: it does not tell, or not yet.';
COMMENT ON COLUMN lpr_data.watch_mark.asked_at IS 'When the last round began that was answered whole.';
COMMENT ON COLUMN lpr_data.watch_mark.swept_at IS
    'Of a vendor that does not tell what it received: when one began that looked back over 48 hours, or the first did.';
COMMENT ON COLUMN lpr_data.watch_mark.gap_since IS
    'The vendor no longer knew the mark: since when something may be missing, until a search has filled that.';

CREATE FUNCTION lpr_data.watch_sources()
    RETURNS TABLE (source text, server oid, set_id bigint, items integer, digest bytea, mark text,
                   asked_at timestamp with time zone, swept_at timestamp with time zone,
                   gap_since timestamp with time zone, round_s integer, overlap_min integer, sweep_min integer)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.source, s.server, w.set_id, w.items, w.digest, m.mark, m.asked_at, m.swept_at, m.gap_since, t.round_s,
           t.overlap_min, t.sweep_min
    FROM lpr_data.open_sources(clock_timestamp()) AS s
    CROSS JOIN lpr_data.watch_time AS t
    CROSS JOIN LATERAL (SELECT x.set_id, x.items, x.digest FROM lpr_data.watch_set AS x
                        WHERE x.source = s.source AND x.digest IS NOT NULL ORDER BY x.set_id DESC LIMIT 1) AS w
    LEFT JOIN lpr_data.watch_mark AS m ON m.source = s.source
    ORDER BY s.source
$$;
COMMENT ON FUNCTION lpr_data.watch_sources() IS
    'The sources at which anything is or was watched: the last set of each, how far it was asked, and how often it is.';

CREATE FUNCTION lpr_data.watch_plates(source text)
    RETURNS SETOF text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET enable_nestloop = off -- all of it
    SET jit = off
AS $$
    SELECT DISTINCT t.plate COLLATE "C"
    FROM lpr_data.watch_item AS w
    JOIN lpr_data.display_item AS i ON i.item_id = w.item_id
    JOIN lpr_data.target AS t ON t.target_id = i.target_id
    WHERE w.source = watch_plates.source COLLATE "C"
    ORDER BY 1
$$;
COMMENT ON FUNCTION lpr_data.watch_plates(text) IS
    'The plates of the last set of a source, each once however many displays watch it, in order.';

CREATE FUNCTION lpr_data.move_watch_mark(source text, mark text, asked_at timestamp with time zone,
                                         swept_at timestamp with time zone, gap_since timestamp with time zone)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.watch_mark AS m (source, mark, asked_at, swept_at, gap_since)
    SELECT move_watch_mark.source, move_watch_mark.mark, move_watch_mark.asked_at, move_watch_mark.swept_at,
           move_watch_mark.gap_since
    WHERE EXISTS (SELECT FROM lpr_data.watch_item AS w WHERE w.source = move_watch_mark.source)
    ON CONFLICT ON CONSTRAINT watch_mark_pkey DO UPDATE
    SET mark = excluded.mark, asked_at = excluded.asked_at, swept_at = excluded.swept_at,
        gap_since = excluded.gap_since;
END;
COMMENT ON FUNCTION lpr_data.move_watch_mark(text, text, timestamptz, timestamptz, timestamptz) IS
    'Notes how far a source was asked, if anything is watched there still. Called by the watcher, in the transaction '
    'that stores what it found.';

CREATE FUNCTION lpr_data.watching_sources()
    RETURNS TABLE (source text, items bigint, asked_at timestamp with time zone, behind interval,
                   gap_since timestamp with time zone)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.name, (SELECT count(*) FROM lpr_data.watch_item AS w WHERE w.source = s.name), m.asked_at,
           clock_timestamp() - m.asked_at, m.gap_since
    FROM lpr_data.source AS s
    LEFT JOIN lpr_data.watch_mark AS m ON m.source = s.name
$$;
GRANT EXECUTE ON FUNCTION lpr_data.watching_sources() TO lpr_member;
COMMENT ON FUNCTION lpr_data.watching_sources() IS 'What lpr.watching shows.';

CREATE VIEW lpr.watching WITH (security_barrier) AS
SELECT w.source, w.items, w.asked_at, w.behind, w.gap_since
FROM lpr_data.watching_sources() AS w
ORDER BY w.source;
GRANT SELECT ON lpr.watching TO lpr_member;
COMMENT ON VIEW lpr.watching IS
    'How far each source was asked for what displays watch: figures, without plate or person (D1).';
COMMENT ON COLUMN lpr.watching.source IS 'The source.';
COMMENT ON COLUMN lpr.watching.items IS 'How many items of displays are watched there.';
COMMENT ON COLUMN lpr.watching.asked_at IS 'When the last round began that was answered whole; NULL: none yet.';
COMMENT ON COLUMN lpr.watching.behind IS
    'How long ago that is: some seconds, or its vendor does not answer. What comes meanwhile comes then.';
COMMENT ON COLUMN lpr.watching.gap_since IS
    'Since when something may be missing, that a search will fill: the vendor forgot how far it was asked.';
