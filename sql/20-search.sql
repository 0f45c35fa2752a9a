-- 20-search: one function a search mode (Q2), in front of lpr.reads. Single SELECT statements, so that the planner
-- inlines them: conditions, LIMIT and columns of the outer query still reach the vendors. PostgreSQL inlines no call
-- whose arguments hold a subquery or a volatile function, and none WITH ORDINALITY: such a call reads all there is. The
-- newest reads come first, hence the last 30 days before all others (Q5).

CREATE FUNCTION lpr.search_plate(
    plate text,
    region text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    look_alikes boolean DEFAULT false,
    other_regions boolean DEFAULT false,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.event_id, r.source, r.read_id, r.plate, r.plate_as_read, r.plate_region, r.country, r.captured_at,
           r.recent, r.latitude, r.longitude,
           r.address, r.camera_id, r.camera_owner, r.camera_type, r.make, r.model, r.color, r.confidence,
           lpr.matched_how(search_plate.plate, lpr.normal_region(search_plate.region), r.plate, r.plate_region),
           r.fetched_at, r.from_cache, r.expires_at, r.place_certainty, r.caveat, r.has_images
    FROM lpr.reads AS r
    WHERE r.plate = ANY (CASE WHEN search_plate.look_alikes
                              THEN lpr.confusable_plates(lpr.given(search_plate.plate, 'plate'))
                              ELSE ARRAY[lpr.normal_plate(lpr.given(search_plate.plate, 'plate'))] END)
      AND (lpr.normal_region(search_plate.region) IS NULL OR search_plate.other_regions
           OR r.plate_region = lpr.normal_region(search_plate.region) OR r.plate_region IS NULL)
      AND (search_plate.since IS NULL
           OR r.captured_at >= CASE WHEN search_plate.until IS NULL THEN search_plate.since
                                    ELSE lpr.asked_since(search_plate.since, search_plate.until) END)
      AND (search_plate.until IS NULL OR r.captured_at <= search_plate.until)
      AND (search_plate.event_id IS NULL OR r.event_id = search_plate.event_id)
      AND (search_plate.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
GRANT EXECUTE ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint,
                                           boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint, boolean) IS
    'Reads of a plate, newest first, the last 30 days marked recent (Q5). The whole plate, in any case, with blanks '
    'and dashes or without. region: state of registration, two letters in any case or its name, '
    'NULL = any; reads whose region the vendor does not tell are kept. since, until: of captured_at, both included; '
    'at most five years back (Q6). event_id: the purpose, if not that of lpr.work_on(). refresh: asks the vendor '
    'although the answer is cached (Q9). look_alikes asks also for up to 63 plates that readers confuse with it (more '
    'are told in a notice), other_regions keeps the same number of other states; column matched_how tells which is '
    'which (G1). Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a '
    'subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are '
    'fetched. So write a subquery in front: FROM (SELECT ...) AS w, LATERAL lpr.search_plate(w.plate) AS r. '
    'Errors LP001 (no plate), LP011 (not a plate), LP012 (not a region), LP015 (since after '
    'until), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_location(
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    radius_m double precision DEFAULT 1000,
    address text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE (NOT lpr.has_point(search_location.latitude, search_location.longitude)
           OR lpr.distance_m(r.latitude, r.longitude, search_location.latitude,
                             search_location.longitude)
              <= CASE WHEN lpr.has_point(search_location.latitude, search_location.longitude)
                      THEN lpr.given(search_location.radius_m, 'radius_m') END)
      AND (search_location.address IS NULL OR lpr.address_contains(r.address, search_location.address))
      AND (search_location.since IS NULL
           OR r.captured_at >= CASE WHEN search_location.until IS NULL THEN search_location.since
                                    ELSE lpr.asked_since(search_location.since, search_location.until) END)
      AND (search_location.until IS NULL OR r.captured_at <= search_location.until)
      AND (search_location.event_id IS NULL OR r.event_id = search_location.event_id)
      AND (search_location.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
GRANT EXECUTE ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz,
                                              timestamptz, bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz,
                                        timestamptz, bigint, boolean) IS
    'Reads of cameras near a point, or of cameras whose address contains a text (3 to 200 bytes, in any case), or '
    'both, newest first (Q2). latitude, longitude: degrees, west is negative; both or neither. radius_m: metres, '
    'within lpr.limits. since, until: of captured_at, both included; at most five years back (Q6). '
    'event_id: the purpose, if not that of lpr.work_on(). refresh: asks the vendor although the answer is cached (Q9). '
    'Sources that cannot be asked by place are passed over with a notice. Conditions, LIMIT and columns of the query '
    'around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH '
    'ORDINALITY or outside FROM: then all reads are fetched. So write a subquery in front: FROM '
    '(SELECT ...) AS w, LATERAL lpr.search_location(w.latitude, w.longitude) AS r. Errors LP001 (neither a point nor '
    'an address), LP014 (not a point, half of one, not a radius or address), LP015 (since after until), LP003 to LP005 '
    'and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_vehicle(
    make text DEFAULT NULL,
    model text DEFAULT NULL,
    color text DEFAULT NULL,
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    radius_m double precision DEFAULT 1000,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    refresh boolean DEFAULT false
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE (NOT lpr.has_point(search_vehicle.latitude, search_vehicle.longitude)
           OR lpr.distance_m(r.latitude, r.longitude, search_vehicle.latitude,
                             search_vehicle.longitude)
              <= CASE WHEN lpr.has_point(search_vehicle.latitude, search_vehicle.longitude)
                      THEN lpr.given(search_vehicle.radius_m, 'radius_m') END)
      AND (search_vehicle.make IS NULL AND search_vehicle.model IS NOT NULL
           OR r.make = lpr.normal_word(lpr.given(search_vehicle.make, 'make')))
      AND (search_vehicle.model IS NULL OR r.model = lpr.normal_word(search_vehicle.model))
      AND (search_vehicle.color IS NULL OR r.color = lpr.normal_word(search_vehicle.color))
      AND (search_vehicle.since IS NULL
           OR r.captured_at >= CASE WHEN search_vehicle.until IS NULL THEN search_vehicle.since
                                    ELSE lpr.asked_since(search_vehicle.since, search_vehicle.until) END)
      AND (search_vehicle.until IS NULL OR r.captured_at <= search_vehicle.until)
      AND (search_vehicle.event_id IS NULL OR r.event_id = search_vehicle.event_id)
      AND (search_vehicle.refresh IS NOT TRUE OR NOT r.from_cache)
    ORDER BY r.captured_at DESC
$$;
GRANT EXECUTE ON FUNCTION lpr.search_vehicle(text, text, text, double precision, double precision, double precision,
                                            timestamptz, timestamptz, bigint, boolean) TO lpr_user;
COMMENT ON FUNCTION lpr.search_vehicle(text, text, text, double precision, double precision, double precision,
                                            timestamptz, timestamptz, bigint, boolean) IS
    'Reads of vehicles of a make, or of a model, or both, within a place, newest first (Q2); upper and lower case '
    'are the same, as are blanks around, 1 to 64 bytes each. latitude, longitude: of the place, in degrees, west is '
    'negative. radius_m: how far around, within lpr.limits. The colour is checked here, not by the vendor. since, '
    'until: of captured_at, both included; at most five years back (Q6). event_id: the purpose, if not that of '
    'lpr.work_on(). refresh: asks the vendor although the answer is cached (Q9). Sources that cannot be asked by '
    'vehicle are passed over with a notice. Conditions, LIMIT and columns of the query around it reach the vendors, '
    'unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: '
    'then all reads are fetched. So write a subquery in front: FROM (SELECT ...) AS w, LATERAL '
    'lpr.search_vehicle(w.make, latitude => ...) AS r. Errors LP001 (neither make nor model, or no place), LP012 '
    '(not a make or model), LP014 (not a point, half of one, not a radius), LP015 (since after until), LP003 to '
    'LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.last_query(
    OUT source text,
    OUT dialect text,
    OUT outcome text,
    OUT sqlstate text,
    OUT message text,
    OUT sent text[],
    OUT reference text,
    OUT requests integer,
    OUT retries integer,
    OUT pages integer,
    OUT bytes bigint,
    OUT received bigint,
    OUT reads bigint,
    OUT dropped jsonb,
    OUT odd_value jsonb,
    OUT asked_at timestamp with time zone,
    OUT milliseconds double precision,
    OUT refreshed_at timestamp with time zone
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_last_query';
GRANT EXECUTE ON FUNCTION lpr.last_query() TO lpr_user, lpr_admin;
COMMENT ON FUNCTION lpr.last_query() IS
    'What happened to the last question of this session (U7), a row a source; no row before the first question.

- outcome: complete; stopped = the reader wanted no more; cut = the vendor has more than it, or max_pages or '
    'max_megabytes, lets through; failed; passed_over = not asked; asked = still under way.
- sqlstate, message: why it failed, was cut or passed over.
- sent: method, path and body of each request, login and secrets left out; the first 20 of them.
- reference: the opaque number that the requests carried; the vendor learns neither user nor case.
- requests, retries, pages, bytes: what it took; bytes are those of the replies.
- received, reads: reads that came, and those of them that passed every rule.
- dropped: reads left out, counted by reason: malformed, repeated, other_plate, other_region (or an unknown one), '
    'other_place, other_vehicle (or an unknown one), outside_window (of time), older_than_five_years (Q6), '
    'in_the_future, abroad, unknown_place, contradictory_place (Q4); and other_condition: reads, counted in reads as '
    'well, that a condition of the statement left out which only lpr checks (color, ILIKE).
- odd_value: values left out, counted by the vendor''s member: their type or range is another than documented, and '
    'their meaning is not plain. The read is shown without.
- Of a cached answer, dropped and odd_value are those of when it was fetched, of all the time that it was asked for: '
    'what was missing then is missing still.
- asked_at, milliseconds: when, and how long until the last row.
- refreshed_at: when the vendor had last refreshed its data, as far as that was on record then; NULL also of a source
    that was not asked (Q9a).';
