-- 15-source: the vendors: which there are, how they are reached, what was approved (Q10, Q11).

CREATE TABLE lpr_data.source (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    assessment text CHECK (assessment ~ '[^[:space:]]'),
    approved_on date,
    enabled boolean NOT NULL DEFAULT false,
    exemptions text[] NOT NULL DEFAULT '{}' CHECK (array_position(exemptions, NULL) IS NULL),
    published_on date CONSTRAINT published_on_a_day CHECK (isfinite(published_on)),
    refreshed_at timestamp with time zone CONSTRAINT refreshed_at_a_moment CHECK (isfinite(refreshed_at)),
    CONSTRAINT assessed_before_enabled CHECK (NOT enabled OR (assessment IS NOT NULL AND approved_on IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.source', '');
COMMENT ON TABLE lpr_data.source IS
    'One row a vendor. A source is asked only while it is enabled, and can be enabled only once its privacy '
    'assessment is recorded as approved, and from the day of its publication on (Q10).';
COMMENT ON COLUMN lpr_data.source.name IS
    'Name of the source, of its foreign server and of its value in lpr.reads.source.';
COMMENT ON COLUMN lpr_data.source.assessment IS
    'The privacy assessment or authority that covers the source, for instance DHS/CBP/PIA-049(a).';
COMMENT ON COLUMN lpr_data.source.approved_on IS 'Day on which the assessment was approved.';
COMMENT ON COLUMN lpr_data.source.published_on IS
    'Day on which the assessment is published: from then on the source is asked. NULL: not yet; of an enabled one that '
    '0.2.0 knew: nobody was asked for it.';
COMMENT ON COLUMN lpr_data.source.refreshed_at IS
    'When its vendor last refreshed its data, as far as somebody has recorded it; NULL: not on record (Q9a).';
COMMENT ON COLUMN lpr_data.source.enabled IS 'Whether the source may be asked.';
COMMENT ON COLUMN lpr_data.source.exemptions IS
    'As a dump of 0.2.0 brings them: reads that are saved of it take them along, besides those of their system of '
    'records (E8). No verb sets them any more.';

CREATE TABLE lpr_data.camera (
    source text COLLATE "C" NOT NULL REFERENCES lpr_data.source ON DELETE CASCADE,
    camera_id text COLLATE "C" NOT NULL CHECK (camera_id <> '' AND octet_length(camera_id) <= 128
                                               AND camera_id !~ '[[:cntrl:]]'),
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    address text,
    owner text,
    type text,
    region text,
    country text,
    PRIMARY KEY (source, camera_id),
    CONSTRAINT camera_has_place CHECK (CASE WHEN latitude IS NULL AND longitude IS NULL
                                            THEN address IS NOT NULL AND region IS NOT NULL
                                            ELSE latitude IS NOT NULL AND longitude IS NOT NULL END)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.camera', '');
COMMENT ON TABLE lpr_data.camera IS
    'Cameras that the administrator placed: the register of sources whose reads do not say where they were taken, and '
    'of any other source those whose place the vendor does not tell, or tells wrongly. Without a place a read is '
    'dropped (Q4).';
COMMENT ON COLUMN lpr_data.camera.source IS 'The source that runs the camera.';
COMMENT ON COLUMN lpr_data.camera.camera_id IS 'The vendor''s identifier of the camera, at most 128 bytes.';
COMMENT ON COLUMN lpr_data.camera.latitude IS 'Degrees north; NULL: it is placed by its address and region.';
COMMENT ON COLUMN lpr_data.camera.longitude IS 'Degrees east; NULL as latitude is.';
COMMENT ON COLUMN lpr_data.camera.address IS 'Street address.';
COMMENT ON COLUMN lpr_data.camera.owner IS 'Who runs the camera.';
COMMENT ON COLUMN lpr_data.camera.type IS 'Kind of camera, for instance fixed or mobile.';
COMMENT ON COLUMN lpr_data.camera.region IS 'State where it stands, two letters.';
COMMENT ON COLUMN lpr_data.camera.country IS 'Country where it stands.';

CREATE TABLE lpr_data.secret (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    key_name text NOT NULL CHECK (key_name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    value bytea NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.secret', '');
COMMENT ON TABLE lpr_data.secret IS
    'Secrets of sources, encrypted with pgcrypto under a key that stands in a file outside the database.';
COMMENT ON COLUMN lpr_data.secret.name IS 'Name by which a user mapping refers to the secret.';
COMMENT ON COLUMN lpr_data.secret.key_name IS 'Name of the file of lpr.secret_directory that holds the key.';
COMMENT ON COLUMN lpr_data.secret.value IS 'OpenPGP message, AES-256.';

CREATE FUNCTION lpr.encrypt_secret(name text, key_name text)
    RETURNS bytea
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_encrypt_secret';
COMMENT ON FUNCTION lpr.encrypt_secret(text, text) IS
    'The content of file name of lpr.secret_directory, encrypted under the key in file key_name. For '
    'lpr.store_secret(); superusers only.';

CREATE FUNCTION lpr.store_secret(name text, key_name text)
    RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO lpr_data.secret AS s (name, key_name, value)
    VALUES (store_secret.name, store_secret.key_name, lpr.encrypt_secret(store_secret.name, store_secret.key_name))
    ON CONFLICT ON CONSTRAINT secret_pkey DO UPDATE SET key_name = excluded.key_name, value = excluded.value;
END;
COMMENT ON FUNCTION lpr.store_secret(text, text) IS
    'Takes the secret in file name of lpr.secret_directory into the database, encrypted under the key in file '
    'key_name of the same directory; the plain file can be removed afterwards, the key stays. Once more = another '
    'value. The value is never typed, so no log can hold it. Superusers only.';

CREATE FUNCTION lpr.dialects(
    OUT dialect text,
    OUT plate boolean,
    OUT location boolean,
    OUT vehicle boolean,
    OUT plates_per_request integer,
    OUT page_size integer,
    OUT needs_cameras boolean
)
    RETURNS SETOF record
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_dialects_list';
GRANT EXECUTE ON FUNCTION lpr.dialects() TO lpr_member;
COMMENT ON FUNCTION lpr.dialects() IS
    'The dialects lpr speaks (Q11): which search modes each can serve (plate, location, vehicle), how many plates go '
    'into one request, reads of a page unless option page_size says otherwise, and whether its cameras must be '
    'registered with lpr.add_camera().';

CREATE FUNCTION lpr_data.utc_today()
    RETURNS date
    -- without SET, so that the gate has it in its plan; what a body of this form means does not hang on the search path
    LANGUAGE sql VOLATILE
RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date;
COMMENT ON FUNCTION lpr_data.utc_today() IS
    'The current day by the server''s clock, on the calendar of UTC: the day that days of approval are held against.';

CREATE FUNCTION lpr_data.check_approval(assessment text, approved_on date, published_on date)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'
AS $$
DECLARE
    today date := lpr_data.utc_today();
BEGIN
    IF assessment !~ '[^[:space:]]' OR assessment IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the assessment has no name',
            DETAIL = 'A source is enabled only once its privacy assessment is recorded as approved.',
            HINT = 'For instance assessment => ''DHS/CBP/PIA-049(a)''.';
    END IF;
    IF isfinite(published_on) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a day of publication: %s', coalesce(published_on::text, 'NULL')),
            DETAIL = 'A source is asked from the day on which its privacy assessment is published.',
            HINT = 'For instance lpr.approve_source(..., published_on => ''2017-12-11'');';
    END IF;
    IF approved_on > today OR NOT isfinite(approved_on) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid day of approval: %s', approved_on),
            DETAIL = format('An approval is recorded after it was given; today is %s by UTC.', today),
            HINT = 'Record it on that day, or correct the day.';
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_approval(text, date, date) IS
    'Error unless an assessment has a name and a day of publication, and its day of approval is not later than today '
    '(Q10).';

CREATE FUNCTION lpr.add_source(
    name text,
    dialect text,
    url text,
    secret text DEFAULT NULL,
    assessment text DEFAULT NULL,
    client_id text DEFAULT NULL,
    options jsonb DEFAULT '{}',
    grant_to name[] DEFAULT '{}'
)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    option record;
    server_options text;
    mapping_options text;
    role_name name;
    asked boolean;
BEGIN
    IF name !~ '^[a-z][a-z0-9_]{0,39}$' OR name IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid name of a source: %L', name),
            DETAIL = 'A name is 1 to 40 lower-case letters, digits and underscores, and starts with a letter.';
    END IF;
    IF assessment IS NOT NULL THEN
        PERFORM lpr_data.check_approval(assessment, NULL, lpr_data.utc_today());
    END IF;
    IF array_position(grant_to, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'grant_to names no role',
            HINT = 'For instance grant_to => ''{lpr_user}''.';
    END IF;
    options := coalesce(options, '{}');
    grant_to := coalesce(grant_to, '{}');
    IF pg_catalog.jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'options must be a JSON object',
            HINT = 'For instance options => ''{"page_size": 500}''.';
    END IF;
    -- Checked before a statement holds it, whose text an error shows: it may be the secret itself, put here by mistake.
    IF secret <> '' AND secret !~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'fdw_invalid_attribute_value',
            MESSAGE = 'invalid name of a secret',
            DETAIL = 'A name is 1 to 64 letters, digits, "_", "." and "-", and starts with a letter or digit.',
            HINT = 'Put the secret itself into a file of that name in lpr.secret_directory.';
    END IF;
    server_options := format('dialect %L, url %L', coalesce(dialect, ''), coalesce(url, ''));
    FOR option IN SELECT e.key, e.value FROM jsonb_each_text(options) AS e ORDER BY e.key COLLATE "C"
    LOOP
        server_options := server_options || format(', %I %L', option.key, coalesce(option.value, ''));
    END LOOP;
    EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER lpr OPTIONS (%s)', name, server_options);
    IF EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = add_source.name) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = format('source "%s" is still on record', name),
            DETAIL = 'Its server was dropped; its assessment and cameras were not.',
            HINT = format('SELECT lpr.remove_source(%L);', name);
    END IF;
    mapping_options := format('secret %L', coalesce(secret, name));
    IF client_id IS NOT NULL THEN
        mapping_options := mapping_options || format(', client_id %L', client_id);
    END IF;
    EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%s)', name, mapping_options);
    INSERT INTO lpr_data.source (name, assessment) VALUES (add_source.name, add_source.assessment)
    RETURNING enabled INTO asked;
    EXECUTE format('CREATE FOREIGN TABLE lpr_data.%I PARTITION OF lpr.reads FOR VALUES IN (%L) SERVER %I',
                   'reads_' || name, name, name);
    EXECUTE format('COMMENT ON FOREIGN TABLE lpr_data.%I IS %L', 'reads_' || name,
                   format('The reads of source %s, asked over the network.', name));
    EXECUTE format('CREATE FOREIGN TABLE lpr_data.%I PARTITION OF lpr.images FOR VALUES IN (%L) SERVER %I',
                   'images_' || name, name, name);
    EXECUTE format('COMMENT ON FOREIGN TABLE lpr_data.%I IS %L', 'images_' || name,
                   format('The reads of source %s with their images, asked over the network.', name));
    FOREACH role_name IN ARRAY grant_to
    LOOP
        EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO %I', name, role_name);
    END LOOP;
    IF NOT asked THEN
        RAISE NOTICE USING
            MESSAGE = format('source "%s" is not enabled', name),
            DETAIL = 'A source is asked once the privacy officer has approved its privacy assessment, from the day of '
                     'its publication on.',
            HINT = format('The privacy officer: SELECT lpr.approve_source(%L, %L, published_on => ''...the day...'');',
                          name, coalesce(assessment, '...the assessment...'));
    END IF;
    IF grant_to = '{}' THEN
        RAISE NOTICE USING
            MESSAGE = format('nobody may ask source "%s" yet', name),
            HINT = format('GRANT USAGE ON FOREIGN SERVER %I TO ...;', name);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr.add_source(text, text, text, text, text, text, jsonb, name[]) IS
    'Adds a vendor: foreign server, user mapping and partitions of lpr.reads and lpr.images. name: 1 to 40 lower-case '
    'letters, digits and underscores. dialect: see lpr.dialects(). url: base of every request, https. secret: the '
    'name of a secret (default: the source''s name), never its value. assessment: the privacy assessment that is to '
    'cover it; it is asked once the privacy officer has approved that with lpr.approve_source() (Q10). client_id: for '
    'dialects that sign in by OAuth. options: those of the server, as a JSON object. grant_to: roles that may ask it. '
    'Superusers only, since the URL decides where questions go.';

CREATE FUNCTION lpr.remove_source(name text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
AS $$
DECLARE
    mapped text;
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = remove_source.name) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(name, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
    -- First, so that the trigger of DROP SERVER finds nothing to disable.
    DELETE FROM lpr_data.source AS s WHERE s.name = remove_source.name;
    -- What is left of it: DROP SERVER ... CASCADE may have come before.
    EXECUTE format('DROP FOREIGN TABLE IF EXISTS lpr_data.%I, lpr_data.%I', 'reads_' || name, 'images_' || name);
    FOR mapped IN
        SELECT CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END
        FROM pg_user_mappings AS m
        WHERE m.srvname = remove_source.name
    LOOP
        EXECUTE format('DROP USER MAPPING FOR %s SERVER %I', mapped, name);
    END LOOP;
    EXECUTE format('DROP SERVER IF EXISTS %I', name);
END
$$;
COMMENT ON FUNCTION lpr.remove_source(text) IS
    'Removes a vendor with its server, all its user mappings, its partitions and its cameras, or what DROP SERVER left '
    'of them; its secret stays. Superusers only.';

CREATE FUNCTION lpr.approve_source(name text, assessment text, published_on date DEFAULT NULL,
                                   approved_on date DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q10', 'lpr_privacy');
    PERFORM lpr_data.check_approval(assessment, approved_on, published_on);
    UPDATE lpr_data.source AS s
    SET assessment = approve_source.assessment,
        approved_on = coalesce(approve_source.approved_on, lpr_data.utc_today()),
        published_on = approve_source.published_on, enabled = true
    WHERE s.name = approve_source.name AND EXISTS (SELECT FROM pg_foreign_server AS f WHERE f.srvname = s.name);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(name, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.approve_source(text, text, date, date) TO lpr_member;
COMMENT ON FUNCTION lpr.approve_source(text, text, date, date) IS
    'The privacy officer records the approved privacy assessment or authority of a source, for instance '
    'DHS/CBP/PIA-049(a), and enables the source (Q10). published_on: the day of its publication; the source is asked '
    'from that day on, by UTC. approved_on: not later than today, which is the default. Error LP033 (anybody else).';

CREATE FUNCTION lpr_data.disable_orphans()
    RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- The table goes before its triggers when the extension is dropped.
    IF to_regclass('lpr_data.source') IS NOT NULL THEN
        UPDATE lpr_data.source AS s
        SET enabled = false
        WHERE s.enabled AND NOT EXISTS (SELECT FROM pg_foreign_server AS f WHERE f.srvname = s.name);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.disable_orphans() IS
    'Disables sources whose server was dropped or renamed: what was approved of them does not cover a later server of '
    'the same name (Q10).';

CREATE EVENT TRIGGER lpr_server_dropped ON sql_drop
    WHEN TAG IN ('DROP SERVER', 'DROP FOREIGN DATA WRAPPER', 'DROP OWNED', 'DROP EXTENSION')
    EXECUTE FUNCTION lpr_data.disable_orphans();
ALTER EVENT TRIGGER lpr_server_dropped ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_server_dropped IS 'A source without its server is disabled (Q10).';
CREATE EVENT TRIGGER lpr_server_renamed ON ddl_command_end
    WHEN TAG IN ('ALTER SERVER')
    EXECUTE FUNCTION lpr_data.disable_orphans();
ALTER EVENT TRIGGER lpr_server_renamed ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_server_renamed IS 'A source whose server has another name is disabled (Q10).';

CREATE FUNCTION lpr.disable_source(name text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q10');
    UPDATE lpr_data.source AS s SET enabled = false WHERE s.name = disable_source.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(name, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.disable_source(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.disable_source(text) IS
    'From the next statement on the source is not asked (LP003). lpr.approve_source(), the privacy officer''s, '
    'enables it again (Q10).';

CREATE FUNCTION lpr_data.judge_place(country text, region text, latitude double precision, longitude double precision,
                                     address text DEFAULT NULL)
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_judge_place';
COMMENT ON FUNCTION lpr_data.judge_place(text, text, double precision, double precision, text) IS
    'How the filter judges a camera: inside the United States, outside, unknown, or a contradiction of country, '
    'region and point; without a point by its address and region (Q4).';

CREATE FUNCTION lpr.add_camera(
    source text,
    camera_id text,
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    address text DEFAULT NULL,
    owner text DEFAULT NULL,
    type text DEFAULT NULL,
    region text DEFAULT NULL,
    country text DEFAULT 'US'
)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    field record;
    place text;
BEGIN
    PERFORM lpr_data.administering('Q4');
    IF NOT EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = add_camera.source) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(source, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
    -- As much as a read may have: a longer value would make all reads of the camera invalid.
    FOR field IN
        SELECT f.name, f.value, f.most
        FROM (VALUES ('camera_id', camera_id, 128), ('address', address, 400), ('owner', owner, 400),
              ('type', type, 400)) AS f (name, value, most)
        WHERE octet_length(f.value) NOT BETWEEN 1 AND f.most OR f.value ~ '[[:cntrl:]]'
          OR (f.value IS NULL AND f.name = 'camera_id')
    LOOP
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid %s of a camera', field.name),
            DETAIL = format('It has 1 to %s bytes, none of them a control character.', field.most);
    END LOOP;
    IF (latitude IS NOT NULL OR longitude IS NOT NULL)
       AND (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP014',
            MESSAGE = format('not a point: latitude %s, longitude %s', coalesce(latitude::text, 'NULL'),
                             coalesce(longitude::text, 'NULL')),
            DETAIL = 'Latitude is -90 to 90 degrees, longitude -180 to 180.',
            HINT = 'Latitude comes first.';
    END IF;
    region := lpr.normal_region(region);
    place := lpr_data.judge_place(country, region, latitude, longitude, address);
    IF place = 'unknown' AND latitude IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP014',
            MESSAGE = format('camera "%s" has no place', camera_id),
            DETAIL = 'It is placed by latitude and longitude, or by its street address and the state that it stands '
                     'in.',
            HINT = format('SELECT lpr.add_camera(%L, %L, address => ''1 Main St, Springfield'', region => ''IL'');',
                          source, camera_id);
    ELSIF place <> 'inside' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP014',
            MESSAGE = format('camera "%s" is not in the United States', camera_id),
            DETAIL = format('Country, region and point must agree that it is: %s, %s, %s.',
                            coalesce(country, 'no country'), coalesce(region, 'no region'),
                            CASE WHEN latitude IS NULL THEN 'no point'
                                 ELSE format('latitude %s, longitude %s', latitude, longitude) END),
            HINT = CASE WHEN latitude IS NULL THEN 'region is the state that it stands in.'
                        ELSE 'Latitude comes first, and west is negative.' END;
    END IF;
    INSERT INTO lpr_data.camera AS c (source, camera_id, latitude, longitude, address, owner, type, region, country)
    VALUES (add_camera.source, add_camera.camera_id, add_camera.latitude, add_camera.longitude, add_camera.address,
            add_camera.owner,
            add_camera.type, add_camera.region, add_camera.country)
    ON CONFLICT ON CONSTRAINT camera_pkey DO UPDATE
    SET latitude = excluded.latitude, longitude = excluded.longitude, address = excluded.address,
        owner = excluded.owner,
        type = excluded.type, region = excluded.region, country = excluded.country;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_camera(text, text, double precision, double precision, text, text, text, text,
                                         text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_camera(text, text, double precision, double precision, text, text, text, text, text) IS
    'Registers a camera of a source, or changes all of it: for vendors whose reads do not say where they were taken '
    '(see needs_cameras in lpr.dialects()), and for any camera whose place a vendor does not tell, or tells wrongly: '
    'what is registered goes before what the vendor says of place, country and state, and of address, owner and type '
    'where they are given. Answers in the cache keep what they had. camera_id: as the vendor writes it (camera_id of '
    'lpr.reads), at most 128 bytes. latitude, longitude: degrees, west is negative; without both the camera is placed '
    'by its street address and region: its reads have no point, place_certainty address, and are near no place. '
    'region: state where it stands, two letters or its name. address, owner, type: at most 400 bytes. Error LP014 when '
    'country, region and point do not agree that it stands in the United States, or neither point nor address and '
    'region are given: such a camera would show nothing (Q4).';

CREATE FUNCTION lpr.remove_camera(source text, camera_id text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('Q4');
    DELETE FROM lpr_data.camera AS c WHERE c.source = remove_camera.source AND c.camera_id = remove_camera.camera_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.remove_camera(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.remove_camera(text, text) IS
    'Takes a camera out of the register of a source. Unknown cameras are no error.';

CREATE VIEW lpr.sources WITH (security_barrier) AS
SELECT s.name AS source,
       d.dialect,
       d.plate,
       d.location,
       d.vehicle,
       s.enabled,
       pg_catalog.has_server_privilege(lpr.login(), f.oid, 'USAGE') AS granted,
       s.assessment,
       s.approved_on,
       s.exemptions,
       s.published_on,
       s.refreshed_at,
       (s.refreshed_at > clock_timestamp() - interval '1 day') IS TRUE AS fresh
FROM lpr_data.source AS s
JOIN pg_catalog.pg_foreign_server AS f ON f.srvname = s.name
JOIN lpr.dialects() AS d ON d.dialect = (
    SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.srvoptions) AS o WHERE o.option_name = 'dialect'
)
ORDER BY s.name;
GRANT SELECT ON lpr.sources TO lpr_member;
COMMENT ON VIEW lpr.sources IS
    'The vendors: what each can be asked by (plate, location, vehicle), whether it is enabled, and whether the '
    'session''s login was granted it (Q10).';
COMMENT ON COLUMN lpr.sources.source IS 'Name of the source, as in lpr.reads.source.';
COMMENT ON COLUMN lpr.sources.dialect IS 'How it is spoken to: see lpr.dialects().';
COMMENT ON COLUMN lpr.sources.plate IS 'Whether it can be asked by plate.';
COMMENT ON COLUMN lpr.sources.location IS 'Whether it can be asked by place.';
COMMENT ON COLUMN lpr.sources.vehicle IS 'Whether it can be asked by make.';
COMMENT ON COLUMN lpr.sources.enabled IS
    'Whether it may be asked at all: its assessment is approved and it was not disabled since.';
COMMENT ON COLUMN lpr.sources.granted IS 'Whether the login of this session has USAGE on its foreign server.';
COMMENT ON COLUMN lpr.sources.assessment IS 'The privacy assessment or authority that covers it.';
COMMENT ON COLUMN lpr.sources.approved_on IS 'Day on which the assessment was approved.';
COMMENT ON COLUMN lpr.sources.published_on IS
    'Day on which the assessment is published: the source is asked from then on, if it is enabled.';
COMMENT ON COLUMN lpr.sources.refreshed_at IS
    'When its vendor last refreshed its data, as lpr.note_refresh() recorded it; NULL: not on record (Q9a).';
COMMENT ON COLUMN lpr.sources.fresh IS
    'Whether that was within the last day; if not, each answer of the source says so.';
COMMENT ON COLUMN lpr.sources.exemptions IS
    'As a dump of 0.2.0 brings them; exemptions are of systems of records: lpr.exemptions (E8).';
