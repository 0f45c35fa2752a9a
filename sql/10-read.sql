-- 10-read: the canonical read (Q3), the one table that reaches the vendors, and what is needed to speak about plates
-- and places.

CREATE FUNCTION lpr.fdw_handler()
    RETURNS fdw_handler
    LANGUAGE c
AS 'MODULE_PATHNAME', 'lpr_fdw_handler';
COMMENT ON FUNCTION lpr.fdw_handler() IS 'Entry points of the foreign-data wrapper lpr.';

CREATE FUNCTION lpr.fdw_validator(options text[], catalog oid)
    RETURNS void
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_fdw_validator';
COMMENT ON FUNCTION lpr.fdw_validator(text[], oid) IS
    'Checks the options of servers and user mappings of the wrapper lpr; only a superuser may set any (endpoints and '
    'secrets decide where questions go).';

CREATE FOREIGN DATA WRAPPER lpr
    HANDLER lpr.fdw_handler
    VALIDATOR lpr.fdw_validator;
COMMENT ON FOREIGN DATA WRAPPER lpr IS 'Asks licence-plate-reader vendors. Servers are made by lpr.add_source().';

CREATE TABLE lpr.reads (
    event_id bigint,
    source text NOT NULL,
    read_id text NOT NULL,
    plate text NOT NULL,
    plate_as_read text NOT NULL,
    plate_region text,
    country text NOT NULL,
    captured_at timestamp with time zone NOT NULL,
    recent boolean NOT NULL,
    latitude double precision,
    longitude double precision,
    address text,
    camera_id text,
    camera_owner text,
    camera_type text,
    make text,
    model text,
    color text,
    confidence double precision,
    matched_how text,
    fetched_at timestamp with time zone NOT NULL,
    from_cache boolean NOT NULL,
    expires_at timestamp with time zone,
    place_certainty text NOT NULL,
    caveat text NOT NULL,
    has_images boolean NOT NULL
) PARTITION BY LIST (source);
GRANT SELECT ON lpr.reads TO lpr_user;
COMMENT ON TABLE lpr.reads IS
    'The door to the vendors (Q1): one partition a source, asked over the network when read. Needs an anchor in '
    'WHERE: plate, place (lpr.distance_m or address) or make (Q2). Never older than five years (Q6), only cameras in '
    'the United States (Q4). A read locates a vehicle, not a person, and may be wrong (G1, G3). Images are in '
    'lpr.images (Q3a).';
COMMENT ON COLUMN lpr.reads.event_id IS
    'The purpose of the question: the event given in WHERE (Q7). NULL when none was given.';
COMMENT ON COLUMN lpr.reads.source IS 'The vendor, by the name given to lpr.add_source().';
COMMENT ON COLUMN lpr.reads.read_id IS
    'The vendor''s identifier of the read, at most 128 bytes; unique within a source and an answer.';
COMMENT ON COLUMN lpr.reads.plate IS
    'Plate in normal form: upper case, without blanks and separators. Look-alike characters (O and 0) are never '
    'merged (G1). To be compared with lpr.normal_plate(...); anything else is error LP012.';
COMMENT ON COLUMN lpr.reads.plate_as_read IS 'Plate as the vendor wrote it.';
COMMENT ON COLUMN lpr.reads.plate_region IS
    'State or province of registration, two upper-case letters; US of federal and military plates, DS of diplomatic, '
    'XT of tribal ones; NULL when the vendor does not tell.';
COMMENT ON COLUMN lpr.reads.country IS
    'Country of the camera. Always US: reads from elsewhere or from an unknown place are dropped and counted (Q4).';
COMMENT ON COLUMN lpr.reads.captured_at IS
    'When the camera saw the plate, by the vendor''s clock, as exactly as the vendor tells it (at most microseconds).';
COMMENT ON COLUMN lpr.reads.recent IS 'Whether captured_at lies within the last 30 days before the question (Q5).';
COMMENT ON COLUMN lpr.reads.latitude IS
    'Of the camera, degrees north; NULL of one that has a street address and no point.';
COMMENT ON COLUMN lpr.reads.longitude IS 'Of the camera, degrees east (negative in the Americas), as latitude.';
COMMENT ON COLUMN lpr.reads.address IS 'Of the camera, as the vendor writes it.';
COMMENT ON COLUMN lpr.reads.camera_id IS 'The vendor''s identifier of the camera.';
COMMENT ON COLUMN lpr.reads.camera_owner IS 'Who runs the camera, as the vendor tells it.';
COMMENT ON COLUMN lpr.reads.camera_type IS 'Kind of camera, as the vendor tells it, for instance fixed or mobile.';
COMMENT ON COLUMN lpr.reads.make IS 'Make of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.model IS 'Model of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.color IS 'Colour of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.confidence IS
    'The vendor''s confidence in the plate, 0 to 1; NULL when it does not tell (G1).';
COMMENT ON COLUMN lpr.reads.matched_how IS
    'How the read matches the plate asked for: exact, confusable, other_region or unknown_region (G1); NULL when no '
    'plate was asked.';
COMMENT ON COLUMN lpr.reads.fetched_at IS 'The minute in which the vendor handed the read over (Q9).';
COMMENT ON COLUMN lpr.reads.from_cache IS 'Whether the read comes from the cache instead of the vendor (Q9).';
COMMENT ON COLUMN lpr.reads.expires_at IS 'When the cached read goes (C1); NULL when it is not cached.';
COMMENT ON COLUMN lpr.reads.place_certainty IS
    'By what the camera counts as in the United States (Q4): point, its point is inside; border, its point is at most '
    '120 m beyond the line, while country and region both say that it is inside; address, it has a street address in '
    'a state, and no point.';
COMMENT ON COLUMN lpr.reads.caveat IS
    'What a read is not: it locates a vehicle, not a person, and may be wrong; no action on it alone (G2, G3). The '
    'same in every row.';
COMMENT ON COLUMN lpr.reads.has_images IS
    'Whether the vendor has an image of the read; lpr.images shows it (Q3a): SELECT plate_image, vehicle_image FROM '
    'lpr.images WHERE plate = ... AND read_id = ...';

CREATE FUNCTION lpr_data.caveat()
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_caveat';
COMMENT ON FUNCTION lpr_data.caveat() IS 'What stands in column caveat of live and of saved reads (G3).';

CREATE FUNCTION lpr.normal_plate(plate text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_plate';
GRANT EXECUTE ON FUNCTION lpr.normal_plate(text) TO lpr_member;
COMMENT ON FUNCTION lpr.normal_plate(text) IS
    'Normal form of a plate, at most 16 characters: upper case, without blanks and separators, however it was typed or '
    'pasted: dashes and blanks of all kinds, ends of lines, invisible characters, wide letters, letters with marks in '
    'one piece or in parts. Error LP011, which names the character, when it is no plate. Look-alike characters stay as '
    'they are (G1).';

CREATE FUNCTION lpr.confusable_plates(plate text)
    RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_confusable_plates';
GRANT EXECUTE ON FUNCTION lpr.confusable_plates(text) TO lpr_member;
COMMENT ON FUNCTION lpr.confusable_plates(text) IS
    'The plate in normal form and up to 63 plates that differ from it only in characters that readers confuse '
    '(O/0/Q/D, I/1/L, B/8, S/5, Z/2, G/6), fewest changes first (G1). When there are more, a notice says how many are '
    'left out. Error LP011 when it is no plate.';

CREATE FUNCTION lpr.matched_how(asked_plate text, asked_region text, plate text, plate_region text)
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_matched_how';
GRANT EXECUTE ON FUNCTION lpr.matched_how(text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.matched_how(text, text, text, text) IS
    'How a plate matches the one asked for: exact, other_region, unknown_region, confusable, or NULL for not at all '
    '(G1). asked_region and plate_region in two upper-case letters; asked_region NULL = any region. Error LP011 when '
    'asked_plate is no plate.';

CREATE FUNCTION lpr.distance_m(latitude double precision, longitude double precision, from_latitude double precision,
                               from_longitude double precision)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_distance_m';
GRANT EXECUTE ON FUNCTION lpr.distance_m(double precision, double precision, double precision, double precision)
    TO lpr_member;
COMMENT ON FUNCTION lpr.distance_m(double precision, double precision, double precision, double precision) IS
    'Great-circle distance of two points in metres. In WHERE on lpr.reads, lpr.distance_m(latitude, longitude, a, b) '
    '<= r (as far as lpr.limits lets) is a place that the vendors are asked for.';

CREATE FUNCTION lpr.normal_region(region text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_region';
GRANT EXECUTE ON FUNCTION lpr.normal_region(text) TO lpr_member;
COMMENT ON FUNCTION lpr.normal_region(text) IS
    'The two upper-case letters of a state, province or territory of the United States, Canada or Mexico, from its '
    'letters, its name or an abbreviation, in any case and with its country or without: CA, US-CA, Calif., MX-BC, '
    '"CA, USA", D.C. Besides, of plates: US (federal government and its forces), DS (Department of State, diplomatic), '
    'XT (tribal). Error LP012 when there is no such region.';

CREATE FUNCTION lpr.normal_word(word text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_word';
GRANT EXECUTE ON FUNCTION lpr.normal_word(text) TO lpr_member;
COMMENT ON FUNCTION lpr.normal_word(text) IS
    'A make, model or colour as the columns of lpr.reads hold it: upper case, letters and dashes of other forms alike '
    'as in lpr.normal_plate(), blanks around it dropped, those inside single. The locale of the database does not '
    'matter.';

CREATE FUNCTION lpr.given(value anyelement, name text)
    RETURNS anyelement
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_given';
GRANT EXECUTE ON FUNCTION lpr.given(anyelement, text) TO lpr_member;
COMMENT ON FUNCTION lpr.given(anyelement, text) IS
    'The value itself; error LP001 or, of radius_m, LP014 when it is NULL: what a search starts from is not left out '
    'by mistake.';

CREATE FUNCTION lpr.asked_since(since timestamp with time zone, until timestamp with time zone)
    RETURNS timestamp with time zone
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_asked_since';
GRANT EXECUTE ON FUNCTION lpr.asked_since(timestamptz, timestamptz) TO lpr_member;
COMMENT ON FUNCTION lpr.asked_since(timestamptz, timestamptz) IS
    'since itself; error LP015 when it is after until: the planner would ask nobody, and no rows would look like a '
    'search that found nothing.';

CREATE FUNCTION lpr.has_point(latitude double precision, longitude double precision)
    RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_has_point';
GRANT EXECUTE ON FUNCTION lpr.has_point(double precision, double precision) TO lpr_member;
COMMENT ON FUNCTION lpr.has_point(double precision, double precision) IS
    'Whether a point was given: true with both, false with neither, and error LP014 with only one of them.';

CREATE FUNCTION lpr.address_contains(address text, part text)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_address_contains';
GRANT EXECUTE ON FUNCTION lpr.address_contains(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.address_contains(text, text) IS
    'Whether an address contains a text, both in the normal form of lpr.normal_word(): case, other forms of letters, '
    'number and kind of blanks make no difference. In WHERE on lpr.reads, lpr.address_contains(address, a) is a place '
    'that the vendors are asked for. The locale of the database does not matter, as it does for ILIKE.';

CREATE FUNCTION lpr.like_literal(text text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace(text, '([\\%_])', '\\\1', 'g');
GRANT EXECUTE ON FUNCTION lpr.like_literal(text) TO lpr_member;
COMMENT ON FUNCTION lpr.like_literal(text) IS
    'The text as a LIKE pattern that matches only itself: % _ and \ are escaped.';
