-- 48-protected-place: places that the law protects: worship, health, assembly (P1). A search there waits for a second
-- person (48-release).

CREATE TABLE lpr_data.protected_place (
    place_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '[^[:space:]]' AND name !~ '[[:cntrl:]]' AND char_length(name) <= 200),
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('worship', 'health', 'assembly')),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    radius_m double precision NOT NULL CHECK (radius_m BETWEEN 1 AND 5000),
    address text CHECK (address = lpr.normal_word(address) AND char_length(address) BETWEEN 5 AND 200),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]' AND citation !~ '[[:cntrl:]]'
                                  AND char_length(citation) <= 500),
    added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    added_by integer NOT NULL REFERENCES lpr_data.person,
    ended_at timestamp with time zone,
    ended_by integer REFERENCES lpr_data.person,
    end_reason text CHECK (end_reason ~ '[^[:space:]]' AND char_length(end_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT ended_as_a_whole CHECK (num_nulls(ended_at, ended_by, end_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.protected_place', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.protected_place_place_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.protected_place', plain => '{name,address,citation}',
                                 free => '{end_reason}');
SELECT lpr_data.only_adds('lpr_data.protected_place', 'ended_at', 'ended_by', 'end_reason');
CREATE INDEX protected_place_latitude ON lpr_data.protected_place (latitude) WHERE ended_at IS NULL;
COMMENT ON TABLE lpr_data.protected_place IS
    'Places that the law protects, where a search waits for a second person (P1). Only added to, but for their end.';
COMMENT ON COLUMN lpr_data.protected_place.place_id IS 'Number.';
COMMENT ON COLUMN lpr_data.protected_place.name IS 'Name, at most 200 characters.';
COMMENT ON COLUMN lpr_data.protected_place.kind IS 'worship, health or assembly.';
COMMENT ON COLUMN lpr_data.protected_place.latitude IS 'Of its middle, degrees north.';
COMMENT ON COLUMN lpr_data.protected_place.longitude IS 'Of its middle, degrees east.';
COMMENT ON COLUMN lpr_data.protected_place.radius_m IS 'How far it reaches, in metres.';
COMMENT ON COLUMN lpr_data.protected_place.address IS
    'Its street address in the form that reads have, for searches by address; NULL = none is known.';
COMMENT ON COLUMN lpr_data.protected_place.citation IS 'The law or rule that protects it.';
COMMENT ON COLUMN lpr_data.protected_place.added_at IS 'When it was added.';
COMMENT ON COLUMN lpr_data.protected_place.added_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.protected_place.ended_at IS 'When its protection ended; NULL = it is protected.';
COMMENT ON COLUMN lpr_data.protected_place.ended_by IS 'Who ended it.';
COMMENT ON COLUMN lpr_data.protected_place.end_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.protected_place.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.place_that_waits(event_id bigint, latitude double precision, longitude double precision,
                                          radius_m double precision, address text, moment timestamp with time zone)
    RETURNS TABLE (place_id integer, name text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT p.place_id, p.name
    FROM lpr_data.protected_place AS p
    WHERE (place_that_waits.radius_m IS NOT NULL OR place_that_waits.address IS NOT NULL) -- looked at first, and once
      AND p.ended_at IS NULL
      AND (p.latitude BETWEEN place_that_waits.latitude - (place_that_waits.radius_m + 5000) / 110000
                          AND place_that_waits.latitude + (place_that_waits.radius_m + 5000) / 110000
           AND lpr.distance_m(place_that_waits.latitude, place_that_waits.longitude, p.latitude, p.longitude)
               <= place_that_waits.radius_m + p.radius_m
           -- An address is asked for by a part of it, with more around it, or by its end and what comes behind it.
           OR lpr_data.addresses_meet(p.address, place_that_waits.address))
      AND NOT lpr_data.released(place_that_waits.event_id, 'protected_place', p.place_id::text, moment)
    ORDER BY p.place_id LIMIT 1
$$;
COMMENT ON FUNCTION lpr_data.place_that_waits(bigint, double precision, double precision, double precision, text,
                                              timestamp with time zone) IS
    'The first protected place that a search meets, by its circle or by an address, and that nobody has released for '
    'the event (P1).';

CREATE FUNCTION lpr.add_protected_place(name text, kind text, latitude double precision, longitude double precision,
                                        radius_m double precision, citation text, address text DEFAULT NULL)
    RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_privacy', 'P1');
    place integer;
BEGIN
    IF (kind IN ('worship', 'health', 'assembly') AND latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180
        AND radius_m BETWEEN 1 AND 5000) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('P1', '22023', 'this is no place that can be protected',
                                'A kind is worship, health or assembly; a point is in degrees, latitude first; a '
                                'radius is 1 to 5,000 metres.',
                                'For instance SELECT lpr.add_protected_place(''Islamic Center'', ''worship'', 32.819, '
                                '-117.178, 150, ''First Amendment; 42 U.S.C. 2000bb-1'');');
    END IF;
    INSERT INTO lpr_data.protected_place (name, kind, latitude, longitude, radius_m, address, citation, added_by)
    VALUES (add_protected_place.name, add_protected_place.kind, add_protected_place.latitude,
            add_protected_place.longitude, add_protected_place.radius_m,
            lpr.normal_word(add_protected_place.address), add_protected_place.citation, who)
    RETURNING place_id INTO place;
    RETURN place;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_protected_place(text, text, double precision, double precision, double precision,
                                                  text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_protected_place(text, text, double precision, double precision, double precision, text,
                                            text) IS
    'Adds a place that the law protects, by the privacy officer (P1): a search whose circle meets it, or by its '
    'address, waits for a second person from the next question on. kind: worship, health or assembly. radius_m: 1 to '
    '5,000. citation: the law or rule. address: its street address. Returns its number. Errors LP033, 22023.';

CREATE FUNCTION lpr.end_protected_place(place integer, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_privacy', 'P1');
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, 'P1');
    UPDATE lpr_data.protected_place AS p
    SET ended_at = clock_timestamp(), ended_by = who, end_reason = end_protected_place.reason
    WHERE p.place_id = place AND p.ended_at IS NULL;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('P1', 'LP034', format('place %s is not protected', coalesce(place::text, 'NULL')),
                                'What has ended is not ended again.', 'SELECT * FROM lpr.protected_places;');
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.end_protected_place(integer, text) TO lpr_member;
COMMENT ON FUNCTION lpr.end_protected_place(integer, text) IS
    'Ends the protection of a place, by the privacy officer, and says why (P1). Errors LP033, LP034 (it is not '
    'protected), LP043.';

CREATE VIEW lpr.protected_places WITH (security_barrier) AS
SELECT p.place_id AS place, p.name, p.kind, p.latitude, p.longitude, p.radius_m, p.address, p.citation, p.added_at,
       p.ended_at
FROM lpr_data.protected_place AS p;
GRANT SELECT ON lpr.protected_places TO lpr_member;
COMMENT ON VIEW lpr.protected_places IS 'Places that the law protects, where a search waits for a second person (P1).';
COMMENT ON COLUMN lpr.protected_places.place IS 'Number.';
COMMENT ON COLUMN lpr.protected_places.name IS 'Name.';
COMMENT ON COLUMN lpr.protected_places.kind IS 'worship, health or assembly.';
COMMENT ON COLUMN lpr.protected_places.latitude IS 'Of its middle, degrees north.';
COMMENT ON COLUMN lpr.protected_places.longitude IS 'Of its middle, degrees east.';
COMMENT ON COLUMN lpr.protected_places.radius_m IS 'How far it reaches, in metres.';
COMMENT ON COLUMN lpr.protected_places.address IS 'Its street address; a search by it waits as well.';
COMMENT ON COLUMN lpr.protected_places.citation IS 'The law or rule that protects it.';
COMMENT ON COLUMN lpr.protected_places.added_at IS 'Since when.';
COMMENT ON COLUMN lpr.protected_places.ended_at IS 'When its protection ended; NULL = it is protected.';
