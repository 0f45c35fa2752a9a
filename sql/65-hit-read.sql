-- 65-hit-read: what displays found, for those who work on their events (D6, D7, G1): that there is something, by a
-- view; what it is, through the gate; what they make of it.

CREATE TABLE lpr_data.hit_disposition (
    hit_id bigint PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    disposition text COLLATE "C" NOT NULL
        CHECK (disposition IN ('correct_read', 'wrong_region', 'misread', 'wrong_vehicle', 'not_relevant')),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT of_its_hit FOREIGN KEY (hit_id, event_id) REFERENCES lpr_data.hit (hit_id, event_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.hit_disposition', '');
SELECT lpr_data.audit_changes_of('lpr_data.hit_disposition', free => '{reason}');
CREATE INDEX hit_disposition_event ON lpr_data.hit_disposition (event_id);
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.hit_disposition
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.hit_disposition
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.hit_disposition ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.hit_disposition IS
    'What became of hits, one answer each. None of them is an act against anybody: that is never done on a read alone '
    '(G2).';
COMMENT ON COLUMN lpr_data.hit_disposition.hit_id IS 'The hit.';
COMMENT ON COLUMN lpr_data.hit_disposition.event_id IS 'Its event.';
COMMENT ON COLUMN lpr_data.hit_disposition.person_id IS 'Who says so.';
COMMENT ON COLUMN lpr_data.hit_disposition.disposition IS
    'correct_read: the vehicle that is watched; wrong_region: the same plate of another state; misread: another plate; '
    'wrong_vehicle: the plate is on another vehicle; not_relevant: it does not matter any more.';
COMMENT ON COLUMN lpr_data.hit_disposition.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.hit_disposition.at IS 'When.';
COMMENT ON COLUMN lpr_data.hit_disposition.text_salt IS 'What the reason is hashed with for the audit log.';

CREATE FUNCTION lpr_data.hit_is_here(answer bigint, expires_at timestamp with time zone)
    RETURNS boolean
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_hit_is_here';
COMMENT ON FUNCTION lpr_data.hit_is_here(bigint, timestamptz) IS
    'Whether what an ask of the watcher brought is in the cache still.';

CREATE FUNCTION lpr_data.hit_reads(
    answers bigint[],
    places bigint[],
    expiries timestamp with time zone[],
    OUT answer bigint,
    OUT place bigint,
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
    OUT place_certainty text
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_hit_reads';
COMMENT ON FUNCTION lpr_data.hit_reads(bigint[], bigint[], timestamptz[]) IS
    'The reads of hits, by their pointers: those that are in the cache still.';

CREATE FUNCTION lpr_data.note_hits_shown(ask bigint, event_id bigint, answers bigint[], places bigint[],
                                         expiries timestamp with time zone[])
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_hit_note_shown';
COMMENT ON FUNCTION lpr_data.note_hits_shown(bigint, bigint, bigint[], bigint[], timestamptz[]) IS
    'Notes in the cache, and nowhere else, that reads of hits were shown to the authenticated login for an event: from '
    'then on it may save them (E2).';

CREATE FUNCTION lpr_data.compass(from_latitude double precision, from_longitude double precision,
                                 latitude double precision, longitude double precision)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN lpr.distance_m(from_latitude, from_longitude, latitude, longitude) >= 200
            THEN ('{N,NE,E,SE,S,SW,W,NW}'::text[])[1 + (round((360 + atan2d(
                     sind(longitude - from_longitude) * cosd(latitude),
                     cosd(from_latitude) * sind(latitude)
                     - sind(from_latitude) * cosd(latitude) * cosd(longitude - from_longitude)))::numeric / 45)
                                                        % 8)::integer] END;
COMMENT ON FUNCTION lpr_data.compass(double precision, double precision, double precision, double precision) IS
    'In which of eight directions one point lies from another; NULL within 200 m.';

CREATE FUNCTION lpr_data.port_heading(latitude double precision, longitude double precision,
                                      before_latitude double precision, before_longitude double precision)
    RETURNS TABLE (port text, port_distance_m double precision, port_heading text)
    LANGUAGE sql STABLE
AS $$
    -- The nearest port, and of those that it gets nearer to, the nearest: half of the way at least was towards it.
    SELECT p.name || ', ' || p.state, round(p.now_m),
           CASE WHEN NOT p.towards THEN 'near' WHEN p.now_m <= 15000 THEN 'near, heading to it' ELSE 'heading to it' END
    FROM (SELECT x.name, x.state, d.now_m,
                 (d.moved_m >= 500 AND d.before_m - d.now_m >= d.moved_m / 2) IS TRUE AS towards
          FROM lpr.ports AS x
          CROSS JOIN LATERAL (
              SELECT lpr.distance_m(x.latitude, x.longitude, port_heading.latitude, port_heading.longitude) AS now_m,
                     lpr.distance_m(x.latitude, x.longitude, before_latitude, before_longitude) AS before_m,
                     lpr.distance_m(before_latitude, before_longitude, port_heading.latitude,
                                    port_heading.longitude) AS moved_m) AS d
          WHERE d.now_m <= 100000) AS p
    WHERE p.now_m <= 15000 OR p.towards
    ORDER BY p.towards DESC, p.now_m
    LIMIT 1
$$;
COMMENT ON FUNCTION lpr_data.port_heading(double precision, double precision, double precision, double precision) IS
    'The port of entry that a read is near (15 km), or that the way from the read before leads to (100 km; half of it '
    'at least brought it nearer), its distance and which of both; no row: none (D7).';

CREATE FUNCTION lpr_data.conflict(what text, known text, told text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN known <> told THEN format('%s: %s, not %s', what, told, known) END;
COMMENT ON FUNCTION lpr_data.conflict(text, text, text) IS
    'What contradicts what is known of a vehicle, in words; NULL when nothing does, or nothing is known or told (G1).';

CREATE FUNCTION lpr_data.my_hits()
    RETURNS TABLE (hit bigint, display bigint, item bigint, event bigint, source text,
                   captured_at timestamp with time zone, seen_at timestamp with time zone, state text, content text,
                   expires_at timestamp with time zone, disposition text, call text)
    LANGUAGE sql VOLATILE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH mine AS MATERIALIZED (
        SELECT h.*, a.disposition FROM lpr_data.event_member AS m
        JOIN lpr_data.hit AS h ON h.event_id = m.event_id
        LEFT JOIN lpr_data.hit_disposition AS a ON a.hit_id = h.hit_id
        WHERE m.person_id = lpr_data.me()
    ), here AS MATERIALIZED ( -- once an ask, not once a hit
        SELECT a.answer FROM (SELECT DISTINCT m.answer, m.expires_at FROM mine AS m
                              WHERE m.expires_at > clock_timestamp()) AS a
        WHERE lpr_data.hit_is_here(a.answer, a.expires_at)
    )
    SELECT m.hit_id, m.display_id, m.item_id, m.event_id, m.source, m.captured_at, m.seen_at,
           CASE WHEN m.disposition IS NULL THEN 'new' ELSE 'acknowledged' END,
           CASE WHEN h.answer IS NULL THEN 'gone' ELSE 'here' END, m.expires_at, m.disposition,
           CASE WHEN m.disposition IS NULL
                THEN format('SELECT * FROM lpr.display_hits(%s, %s);', m.display_id, m.hit_id) END
    FROM mine AS m LEFT JOIN here AS h ON h.answer = m.answer
    ORDER BY m.hit_id DESC
$$;
GRANT EXECUTE ON FUNCTION lpr_data.my_hits() TO lpr_member;
COMMENT ON FUNCTION lpr_data.my_hits() IS 'What lpr.my_hits shows: of events that the authenticated login works on.';

CREATE VIEW lpr.my_hits WITH (security_barrier) AS
SELECT h.hit, h.display, h.item, h.event, h.source, h.captured_at, h.seen_at, h.state, h.content, h.expires_at,
       h.disposition, h.call
FROM lpr_data.my_hits() AS h;
GRANT SELECT ON lpr.my_hits TO lpr_member;
COMMENT ON VIEW lpr.my_hits IS
    'What the displays of events that you work on have found, newest first: that there is something, and neither plate '
    'nor place (D6).';
COMMENT ON COLUMN lpr.my_hits.hit IS 'Number of the hit.';
COMMENT ON COLUMN lpr.my_hits.display IS 'Its display.';
COMMENT ON COLUMN lpr.my_hits.item IS 'Its item.';
COMMENT ON COLUMN lpr.my_hits.event IS 'The event.';
COMMENT ON COLUMN lpr.my_hits.source IS 'The vendor that told it.';
COMMENT ON COLUMN lpr.my_hits.captured_at IS 'When the camera saw it.';
COMMENT ON COLUMN lpr.my_hits.seen_at IS 'When it came here.';
COMMENT ON COLUMN lpr.my_hits.state IS 'new, or acknowledged.';
COMMENT ON COLUMN lpr.my_hits.content IS
    'here: its read is in the cache still; gone: its hours are over, or the server crashed; then it can be asked for.';
COMMENT ON COLUMN lpr.my_hits.expires_at IS 'Until when it is, at the most.';
COMMENT ON COLUMN lpr.my_hits.disposition IS 'What was said of it by lpr.acknowledge_hit().';
COMMENT ON COLUMN lpr.my_hits.call IS 'The call that shows it; NULL when it is acknowledged.';

CREATE FUNCTION lpr.display_hits(
    display bigint,
    hit bigint DEFAULT NULL,
    OUT hit_id bigint,
    OUT item bigint,
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
    OUT conflicts text[],
    OUT port text,
    OUT port_distance_m double precision,
    OUT port_heading text,
    OUT direction text,
    OUT seen_at timestamp with time zone,
    OUT expires_at timestamp with time zone,
    OUT content text,
    OUT place_certainty text,
    OUT caveat text,
    OUT call text
)
    RETURNS SETOF record
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz := clock_timestamp();
    d lpr_data.display;
    passed bigint;
    shown bigint;
    hidden bigint;
    sources text[];
    ids bigint[];
    answers bigint[];
    places bigint[];
    expiries timestamptz[];
BEGIN
    SELECT x.* INTO d FROM lpr_data.display AS x
    JOIN lpr_data.event_member AS m ON m.event_id = x.event_id AND m.person_id = lpr_data.me()
    WHERE x.display_id = display_hits.display;
    IF NOT FOUND OR hit IS NOT NULL AND NOT EXISTS (SELECT FROM lpr_data.hit AS h
                                                    WHERE h.hit_id = hit AND h.display_id = d.display_id) THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                CASE WHEN d.display_id IS NULL
                                     THEN format('display %s does not exist or is not of an event of yours',
                                                 coalesce(display::text, 'NULL'))
                                     ELSE format('display %s has no hit %s', display, hit) END,
                                'Only who works on its event is shown what a display found.',
                                'SELECT * FROM lpr.my_hits;');
    END IF;
    SELECT coalesce(array_agg(x.source) FILTER (WHERE x.reached), '{}'), coalesce(sum(x.n) FILTER (WHERE NOT x.reached),
                                                                                  0)
        INTO sources, hidden
    FROM (SELECT h.source, count(*) AS n,
                 h.source IN (SELECT s.source FROM lpr_data.sources_of(ARRAY[lpr_data.me()], ARRAY[d.event_id],
                                                                       '{plate,display}', moment) AS s) AS reached
          FROM lpr_data.hit AS h
          WHERE h.display_id = d.display_id AND (hit IS NULL OR h.hit_id = hit)
            AND (hit IS NOT NULL OR h.seen_at > moment - interval '168 hours')
          GROUP BY h.source) AS x;
    SELECT coalesce(array_agg(h.hit_id), '{}'), coalesce(array_agg(h.answer), '{}'), coalesce(array_agg(h.place), '{}'),
           coalesce(array_agg(h.expires_at), '{}')
        INTO ids, answers, places, expiries
    FROM lpr_data.hit AS h
    WHERE h.display_id = d.display_id AND (hit IS NULL OR h.hit_id = hit)
      AND h.source = ANY (sources) AND h.expires_at > moment AND h.seen_at > moment - interval '168 hours';
    passed := lpr_data.pass_gate_until(d.event_id, format('display_hits(%s, %s)', display, coalesce(hit::text, 'NULL')),
                                       (SELECT min(x) FROM unnest(expiries) AS x));
    PERFORM lpr_data.note_hits_shown(passed, d.event_id, answers, places, expiries);
    IF hidden > 0 THEN
        RAISE NOTICE USING
            MESSAGE = format('%s hits of sources that you have no access to are not shown', hidden),
            HINT = 'SELECT * FROM lpr.my_access;';
    END IF;
    RETURN QUERY
        WITH asked AS MATERIALIZED ( -- of an item all that is there: the last reads tell where it is heading
            SELECT h.* FROM lpr_data.hit AS h
            WHERE h.display_id = d.display_id AND h.source = ANY (sources)
              AND (hit IS NULL AND h.seen_at > moment - interval '168 hours' OR h.hit_id = hit
                   OR h.expires_at > moment
                      AND h.item_id = (SELECT x.item_id FROM lpr_data.hit AS x WHERE x.hit_id = hit))
        ), content AS MATERIALIZED (
            SELECT c.* FROM (SELECT array_agg(a.answer) AS answers, array_agg(a.place) AS places,
                                    array_agg(a.expires_at) AS expiries
                             FROM asked AS a WHERE a.expires_at > moment) AS p
            CROSS JOIN LATERAL lpr_data.hit_reads(p.answers, p.places, p.expiries) AS c
        ), seen AS MATERIALIZED (
            SELECT a.hit_id, c.latitude, c.longitude, w.latitude AS before_latitude, w.longitude AS before_longitude
            FROM asked AS a JOIN content AS c ON c.answer = a.answer AND c.place = a.place
            LEFT JOIN LATERAL (
                SELECT y.latitude, y.longitude FROM asked AS x
                JOIN content AS y ON y.answer = x.answer AND y.place = x.place
                WHERE x.item_id = a.item_id AND y.latitude IS NOT NULL AND y.captured_at < c.captured_at
                  AND y.captured_at >= c.captured_at - interval '2 hours'
                ORDER BY y.captured_at DESC LIMIT 1) AS w ON true
            WHERE c.latitude IS NOT NULL
        )
        SELECT a.hit_id, a.item_id, a.source, c.read_id, c.plate, c.plate_region, a.captured_at, c.latitude,
               c.longitude, c.address, c.camera_id, c.camera_owner, c.camera_type, c.make, c.model, c.color,
               c.plate_as_read, c.confidence,
               lpr.matched_how(t.plate, t.plate_region, c.plate, c.plate_region),
               CASE WHEN c.read_id IS NOT NULL
                    THEN array_remove(ARRAY[lpr_data.conflict('region', t.plate_region, c.plate_region),
                                            lpr_data.conflict('make', i.make, c.make),
                                            lpr_data.conflict('model', i.model, c.model),
                                            lpr_data.conflict('color', i.color, c.color)], NULL) END,
               p.port, p.port_distance_m, p.port_heading,
               lpr_data.compass(s.before_latitude, s.before_longitude, s.latitude, s.longitude),
               a.seen_at, a.expires_at, CASE WHEN c.read_id IS NULL THEN 'gone' ELSE 'here' END, c.place_certainty,
               lpr_data.caveat(),
               CASE WHEN c.read_id IS NULL
                    THEN format('SELECT * FROM lpr.search_plate(%L, since => %L, until => %L, event_id => %s);',
                                t.plate, a.captured_at - interval '1 minute', a.captured_at + interval '1 minute',
                                a.event_id)
                    WHEN b.hit_id IS NULL
                    THEN format('SELECT lpr.acknowledge_hit(%s, ''...disposition...'', ''...why...'');', a.hit_id) END
        FROM asked AS a
        JOIN lpr_data.display_item AS i ON i.item_id = a.item_id
        JOIN lpr_data.target AS t ON t.target_id = i.target_id
        LEFT JOIN content AS c ON c.answer = a.answer AND c.place = a.place
        LEFT JOIN seen AS s ON s.hit_id = a.hit_id
        LEFT JOIN LATERAL lpr_data.port_heading(s.latitude, s.longitude, s.before_latitude, s.before_longitude) AS p
            ON true
        LEFT JOIN lpr_data.hit_disposition AS b ON b.hit_id = a.hit_id
        WHERE hit IS NULL OR a.hit_id = hit
        ORDER BY a.captured_at DESC, a.hit_id DESC;
    GET DIAGNOSTICS shown = ROW_COUNT;
    PERFORM lpr_data.note_answer(passed, d.event_id, shown);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.display_hits(bigint, bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.display_hits(bigint, bigint) IS
    'What a display has found within a week, newest first, or one hit of it, for who works on its event; through the '
    'gate: each call is a question on record. What is shown may be saved by lpr.save() while it is in the cache. '
    'content gone: its hours are over; call asks for it anew. matched_how, conflicts: what contradicts what is known '
    'of the vehicle (G1). port, port_distance_m: a port of entry within 15 km, or one within 100 km that the way from '
    'the read before (within two hours) leads to; port_heading tells which; direction: of that way (D7). caveat: what '
    'a read is and is not (G2, G3). Hits of sources that you have no access to are counted in a notice. Errors LP041 '
    '(not of an event of yours), and those of the gate.';

CREATE FUNCTION lpr.acknowledge_hit(hit bigint, disposition text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'D6');
    h lpr_data.hit;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO h FROM lpr_data.hit AS x
    JOIN lpr_data.event_member AS m ON m.event_id = x.event_id AND m.person_id = who
    WHERE x.hit_id = acknowledge_hit.hit;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('hit %s does not exist or is not of an event of yours',
                                       coalesce(hit::text, 'NULL')),
                                'Who works on the event of a display says what became of its hits.',
                                'SELECT * FROM lpr.my_hits;');
    END IF;
    IF (disposition IN ('correct_read', 'wrong_region', 'misread', 'wrong_vehicle', 'not_relevant')) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('D6', 'LP069', format('not a disposition of a hit: %s', quote_nullable(disposition)),
                                'Dispositions are correct_read, wrong_region, misread, wrong_vehicle and not_relevant.',
                                format('SELECT lpr.acknowledge_hit(%s, ''correct_read'', ''...why...'');', hit));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'D6');
    -- Two at once: the second waits, and finds it done.
    INSERT INTO lpr_data.hit_disposition (hit_id, event_id, person_id, disposition, reason)
    VALUES (h.hit_id, h.event_id, who, acknowledge_hit.disposition, acknowledge_hit.reason)
    ON CONFLICT ON CONSTRAINT hit_disposition_pkey DO NOTHING;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('D6', 'LP034', format('hit %s is acknowledged already', hit),
                                'What became of a hit is said once.',
                                format('SELECT * FROM lpr.my_hits WHERE hit = %s;', hit));
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.acknowledge_hit(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.acknowledge_hit(bigint, text, text) IS
    'Who works on the event of a display says what became of a hit, once, with a reason: correct_read: the vehicle '
    'that is watched; wrong_region: the same plate of another state; misread: another plate; wrong_vehicle: the plate '
    'is on another vehicle; not_relevant: it does not matter any more. None is an act against anybody: that takes more '
    'than a read (G2). Errors LP041 (not of an event of yours), LP069 (no disposition), LP034 (said already), LP043 '
    '(the reason says nothing).';

CREATE FUNCTION lpr.my_channel()
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'D1');
    mine record;
    known text;
BEGIN
    SELECT w.pid, w.session_started INTO mine FROM lpr_data.wake_writer() AS w;
    SELECT c.channel INTO known FROM lpr_data.hit_channel AS c
    WHERE c.pid = mine.pid AND c.session_started = mine.session_started AND c.person_id = who;
    IF known IS NULL THEN
        INSERT INTO lpr_data.hit_channel (channel, person_id, pid, session_started)
        VALUES ('lpr_' || encode(uuid_send(gen_random_uuid()), 'hex'), who, mine.pid, mine.session_started)
        RETURNING channel INTO known;
    END IF;
    RETURN known;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.my_channel() TO lpr_member;
COMMENT ON FUNCTION lpr.my_channel() IS
    'The channel on which this session is woken when displays of yours have found something: LISTEN to it. A random '
    'name, which nobody else knows; what comes is empty, at most once a second. Then SELECT * FROM lpr.my_hits. Errors '
    'LP024, LP033.';
