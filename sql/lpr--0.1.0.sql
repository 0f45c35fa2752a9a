-- 00-house: roles and schemas.

\echo Use "CREATE EXTENSION lpr CASCADE" to load this file. \quit

-- Roles belong to the cluster: another database may have made them already, and they stay when the extension goes.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['lpr_user', 'lpr_supervisor', 'lpr_system_owner', 'lpr_oversight', 'lpr_privacy', 'lpr_admin',
                                     'lpr_log'] -- owns the audit log and is granted to nobody
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
END
$$;

-- Vendors speak UTF-8, and what a plate or an address is called must be the same in the question, in the answer and in the audit log.
DO $$
BEGIN
    IF pg_catalog.getdatabaseencoding() <> 'UTF8' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = pg_catalog.format('lpr does not work in a database of encoding %s', pg_catalog.getdatabaseencoding()),
            DETAIL = 'The database has to be of encoding UTF8; clients may use any.',
            HINT = 'CREATE DATABASE … TEMPLATE template0 ENCODING ''UTF8'';';
    END IF;
END
$$;

-- The data's schema is no member of the extension: what must outlive DROP EXTENSION, such as the audit log, lies in it, and so it may be there already.
DO $$
BEGIN
    IF pg_catalog.to_regnamespace('lpr_data') IS NULL THEN
        CREATE SCHEMA lpr_data;
        ALTER EXTENSION lpr DROP SCHEMA lpr_data;
    END IF;
END
$$;

-- Whoever owns a schema could put decoys beside our functions.
DO $$
DECLARE
    schema_name text;
BEGIN
    FOR schema_name IN
        SELECT n.nspname FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
        WHERE n.nspname IN ('lpr', 'lpr_data') AND NOT r.rolsuper
    LOOP
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = pg_catalog.format('schema "%s" belongs to somebody who is no superuser', schema_name),
            HINT = pg_catalog.format('Look at what it holds, then DROP SCHEMA %s CASCADE or ALTER SCHEMA %s OWNER TO CURRENT_USER.', schema_name, schema_name);
    END LOOP;
END
$$;

COMMENT ON SCHEMA lpr_data IS 'Where lpr keeps its tables. Nobody has USAGE on it: people go through the views and functions of schema lpr.';
REVOKE ALL ON SCHEMA lpr_data FROM PUBLIC;

GRANT USAGE ON SCHEMA lpr TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
-- 10-read: the canonical read (Q3), the one table that reaches the vendors, and what is needed to speak about plates and places.

CREATE FUNCTION lpr.fdw_handler()
    RETURNS fdw_handler
    LANGUAGE c
AS 'MODULE_PATHNAME', 'lpr_fdw_handler';
REVOKE ALL ON FUNCTION lpr.fdw_handler() FROM PUBLIC;
COMMENT ON FUNCTION lpr.fdw_handler() IS 'Entry points of the foreign-data wrapper lpr.';

CREATE FUNCTION lpr.fdw_validator(options text[], catalog oid)
    RETURNS void
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_fdw_validator';
REVOKE ALL ON FUNCTION lpr.fdw_validator(text[], oid) FROM PUBLIC;
COMMENT ON FUNCTION lpr.fdw_validator(text[], oid) IS
    'Checks the options of servers and user mappings of the wrapper lpr; only a superuser may set any (endpoints and secrets decide where questions go).';

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
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    address text,
    camera_id text,
    camera_owner text,
    camera_type text,
    make text,
    model text,
    color text,
    confidence double precision,
    matched_how text,
    plate_image bytea,
    vehicle_image bytea,
    fetched_at timestamp with time zone NOT NULL,
    from_cache boolean NOT NULL,
    expires_at timestamp with time zone
) PARTITION BY LIST (source);
GRANT SELECT ON lpr.reads TO lpr_user;
COMMENT ON TABLE lpr.reads IS
    'The door to the vendors (Q1): one partition a source, asked over the network when read. Needs an anchor in WHERE: plate, place (lpr.distance_m or address) or make (Q2). Never older than five years (Q6), only cameras in the United States (Q4). A read locates a vehicle, not a person, and may be wrong (G1, G3).';
COMMENT ON COLUMN lpr.reads.event_id IS 'The purpose of the question: the event given in WHERE (Q7). NULL when none was given.';
COMMENT ON COLUMN lpr.reads.source IS 'The vendor, by the name given to lpr.add_source().';
COMMENT ON COLUMN lpr.reads.read_id IS 'The vendor''s identifier of the read, at most 128 bytes; unique within a source and an answer.';
COMMENT ON COLUMN lpr.reads.plate IS 'Plate in normal form: upper case, without blanks and separators. Look-alike characters (O and 0) are never merged (G1). To be compared with lpr.normal_plate(…); anything else is error LP012.';
COMMENT ON COLUMN lpr.reads.plate_as_read IS 'Plate as the vendor wrote it.';
COMMENT ON COLUMN lpr.reads.plate_region IS 'State or province of registration, two upper-case letters; NULL when the vendor does not tell.';
COMMENT ON COLUMN lpr.reads.country IS 'Country of the camera. Always US: reads from elsewhere or from an unknown place are dropped and counted (Q4).';
COMMENT ON COLUMN lpr.reads.captured_at IS 'When the camera saw the plate, by the vendor''s clock, as exactly as the vendor tells it (at most microseconds).';
COMMENT ON COLUMN lpr.reads.recent IS 'Whether captured_at lies within the last 30 days before the question (Q5).';
COMMENT ON COLUMN lpr.reads.latitude IS 'Of the camera, degrees north.';
COMMENT ON COLUMN lpr.reads.longitude IS 'Of the camera, degrees east (negative in the Americas).';
COMMENT ON COLUMN lpr.reads.address IS 'Of the camera, as the vendor writes it.';
COMMENT ON COLUMN lpr.reads.camera_id IS 'The vendor''s identifier of the camera.';
COMMENT ON COLUMN lpr.reads.camera_owner IS 'Who runs the camera, as the vendor tells it.';
COMMENT ON COLUMN lpr.reads.camera_type IS 'Kind of camera, as the vendor tells it, for instance fixed or mobile.';
COMMENT ON COLUMN lpr.reads.make IS 'Make of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.model IS 'Model of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.color IS 'Colour of the vehicle, upper case.';
COMMENT ON COLUMN lpr.reads.confidence IS 'The vendor''s confidence in the plate, 0 to 1; NULL when it does not tell (G1).';
COMMENT ON COLUMN lpr.reads.matched_how IS 'How the read matches the plate asked for: exact, confusable, other_region or unknown_region (G1); NULL when no plate was asked.';
COMMENT ON COLUMN lpr.reads.plate_image IS 'Image of the plate as the vendor has it, fetched only when this column is selected; NULL when the vendor has none or it could not be had, which is told.';
COMMENT ON COLUMN lpr.reads.vehicle_image IS 'Image of the vehicle, as plate_image.';
COMMENT ON COLUMN lpr.reads.fetched_at IS 'When the vendor handed the read over (Q9).';
COMMENT ON COLUMN lpr.reads.from_cache IS 'Whether the read comes from the cache instead of the vendor (Q9).';
COMMENT ON COLUMN lpr.reads.expires_at IS 'When the cached read goes (C1); NULL when it is not cached.';

CREATE FUNCTION lpr.normal_plate(plate text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_plate';
REVOKE ALL ON FUNCTION lpr.normal_plate(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.normal_plate(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.normal_plate(text) IS
    'Normal form of a plate: upper case, without blanks and separators, at most 16 characters. Error LP011 when nothing usable is left. Look-alike characters stay as they are (G1).';

CREATE FUNCTION lpr.confusable_plates(plate text)
    RETURNS text[]
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_confusable_plates';
REVOKE ALL ON FUNCTION lpr.confusable_plates(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.confusable_plates(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.confusable_plates(text) IS
    'The plate in normal form and up to 63 plates that differ from it only in characters that readers confuse (O/0/Q/D, I/1/L, B/8, S/5, Z/2, G/6), fewest changes first (G1). When there are more, a notice says how many are left out. Error LP011 when it is no plate.';

CREATE FUNCTION lpr.matched_how(asked_plate text, asked_region text, plate text, plate_region text)
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_matched_how';
REVOKE ALL ON FUNCTION lpr.matched_how(text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.matched_how(text, text, text, text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.matched_how(text, text, text, text) IS
    'How a plate matches the one asked for: exact, other_region, unknown_region, confusable, or NULL for not at all (G1). asked_region and plate_region in two upper-case letters; asked_region NULL = any region. Error LP011 when asked_plate is no plate.';

CREATE FUNCTION lpr.distance_m(latitude double precision, longitude double precision, from_latitude double precision, from_longitude double precision)
    RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_distance_m';
REVOKE ALL ON FUNCTION lpr.distance_m(double precision, double precision, double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.distance_m(double precision, double precision, double precision, double precision)
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.distance_m(double precision, double precision, double precision, double precision) IS
    'Great-circle distance of two points in metres. In WHERE on lpr.reads, lpr.distance_m(latitude, longitude, a, b) <= r (up to 500,000 m) is a place that the vendors are asked for.';

CREATE FUNCTION lpr.normal_region(region text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_region';
REVOKE ALL ON FUNCTION lpr.normal_region(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.normal_region(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.normal_region(text) IS
    'The two upper-case letters of a state, province or territory of the United States, Canada or Mexico, from its letters in any case or its name. Error LP012 when there is none such.';

CREATE FUNCTION lpr.normal_word(word text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_normal_word';
REVOKE ALL ON FUNCTION lpr.normal_word(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.normal_word(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.normal_word(text) IS
    'A make, model or colour as the columns of lpr.reads hold it: a to z in upper case, blanks around it dropped, those inside single. The same whatever the locale of the database.';

CREATE FUNCTION lpr.has_point(latitude double precision, longitude double precision)
    RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_has_point';
REVOKE ALL ON FUNCTION lpr.has_point(double precision, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.has_point(double precision, double precision) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.has_point(double precision, double precision) IS
    'Whether a point was given: true with both, false with neither, and error LP014 with only one of them.';

CREATE FUNCTION lpr.like_literal(text text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.regexp_replace(text, '([\\%_])', '\\\1', 'g');
REVOKE ALL ON FUNCTION lpr.like_literal(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.like_literal(text) TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.like_literal(text) IS 'The text as a LIKE pattern that matches only itself: % _ and \ are escaped.';
-- 20-source: the vendors: which there are, how they are reached, what was approved (Q10, Q11).

CREATE TABLE lpr_data.source (
    name text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
    assessment text CHECK (assessment ~ '[^[:space:]]'),
    approved_on date,
    enabled boolean NOT NULL DEFAULT false,
    CONSTRAINT assessed_before_enabled CHECK (NOT enabled OR (assessment IS NOT NULL AND approved_on IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.source', '');
COMMENT ON TABLE lpr_data.source IS 'One row a vendor. A source is asked only while it is enabled, and can be enabled only once its privacy assessment is recorded as approved (Q10).';
COMMENT ON COLUMN lpr_data.source.name IS 'Name of the source, of its foreign server and of its value in lpr.reads.source.';
COMMENT ON COLUMN lpr_data.source.assessment IS 'The privacy assessment or authority that covers the source, for instance DHS/CBP/PIA-049(a).';
COMMENT ON COLUMN lpr_data.source.approved_on IS 'Day on which the assessment was approved.';
COMMENT ON COLUMN lpr_data.source.enabled IS 'Whether the source may be asked.';

CREATE TABLE lpr_data.camera (
    source text COLLATE "C" NOT NULL REFERENCES lpr_data.source ON DELETE CASCADE,
    camera_id text COLLATE "C" NOT NULL CHECK (camera_id <> '' AND octet_length(camera_id) <= 128 AND camera_id !~ '[[:cntrl:]]'),
    latitude double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    address text,
    owner text,
    type text,
    region text,
    country text,
    PRIMARY KEY (source, camera_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.camera', '');
COMMENT ON TABLE lpr_data.camera IS 'Register of cameras for sources whose reads do not say where they were taken. Without a place a read is dropped (Q4).';
COMMENT ON COLUMN lpr_data.camera.source IS 'The source that runs the camera.';
COMMENT ON COLUMN lpr_data.camera.camera_id IS 'The vendor''s identifier of the camera, at most 128 bytes.';
COMMENT ON COLUMN lpr_data.camera.latitude IS 'Degrees north.';
COMMENT ON COLUMN lpr_data.camera.longitude IS 'Degrees east.';
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
COMMENT ON TABLE lpr_data.secret IS 'Secrets of sources, encrypted with pgcrypto under a key that stands in a file outside the database.';
COMMENT ON COLUMN lpr_data.secret.name IS 'Name by which a user mapping refers to the secret.';
COMMENT ON COLUMN lpr_data.secret.key_name IS 'Name of the file of lpr.secret_directory that holds the key.';
COMMENT ON COLUMN lpr_data.secret.value IS 'OpenPGP message, AES-256.';

CREATE FUNCTION lpr.encrypt_secret(name text, key_name text)
    RETURNS bytea
    LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'lpr_encrypt_secret';
REVOKE ALL ON FUNCTION lpr.encrypt_secret(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr.encrypt_secret(text, text) IS
    'The content of file name of lpr.secret_directory, encrypted under the key in file key_name. For lpr.store_secret(); superusers only.';

CREATE FUNCTION lpr.store_secret(name text, key_name text)
    RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO lpr_data.secret AS s (name, key_name, value)
    VALUES (store_secret.name, store_secret.key_name, lpr.encrypt_secret(store_secret.name, store_secret.key_name))
    ON CONFLICT ON CONSTRAINT secret_pkey DO UPDATE SET key_name = excluded.key_name, value = excluded.value;
END;
REVOKE ALL ON FUNCTION lpr.store_secret(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr.store_secret(text, text) IS
    'Takes the secret in file name of lpr.secret_directory into the database, encrypted under the key in file key_name of the same directory; the plain file can be removed afterwards, the key stays. Once more = another value. The value is never typed, so no log can hold it. Superusers only.';

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
REVOKE ALL ON FUNCTION lpr.dialects() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.dialects() TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.dialects() IS
    'The dialects lpr speaks (Q11): which search modes each can serve (plate, location, vehicle), how many plates go into one request, reads of a page unless option page_size says otherwise, and whether its cameras must be registered with lpr.add_camera().';

CREATE FUNCTION lpr_data.utc_today()
    RETURNS date
    LANGUAGE sql VOLATILE -- without SET, so that the gate has it in its plan; what a body of this form means does not hang on the search path
RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date;
REVOKE ALL ON FUNCTION lpr_data.utc_today() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.utc_today() IS 'The current day by the server''s clock, on the calendar of UTC: the day that days of approval are held against.';

CREATE FUNCTION lpr_data.check_approval(assessment text, approved_on date)
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
    IF approved_on > today OR NOT isfinite(approved_on) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('the day of approval has not come: %s', approved_on),
            DETAIL = format('An approval is recorded once it was given; by UTC it is %s.', today),
            HINT = 'Record it on that day, or correct the day.';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.check_approval(text, date) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.check_approval(text, date) IS 'Error unless an assessment has a name and its day of approval is not later than today (Q10).';

CREATE FUNCTION lpr.add_source(
    name text,
    dialect text,
    url text,
    secret text DEFAULT NULL,
    assessment text DEFAULT NULL,
    approved_on date DEFAULT NULL,
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
BEGIN
    IF name !~ '^[a-z][a-z0-9_]{0,39}$' OR name IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid name of a source: %L', name),
            DETAIL = 'A name is 1 to 40 lower-case letters, digits and underscores, and starts with a letter.';
    END IF;
    IF assessment IS NOT NULL THEN
        PERFORM lpr_data.check_approval(assessment, approved_on);
    ELSIF approved_on IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a day of approval without an assessment',
            HINT = 'For instance assessment => ''DHS/CBP/PIA-049(a)''.';
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
    -- Before it can stand in a statement whose text an error shows: it may be the secret itself, put here by mistake.
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
    INSERT INTO lpr_data.source (name, assessment, approved_on, enabled)
    VALUES (add_source.name, add_source.assessment,
            CASE WHEN add_source.assessment IS NOT NULL THEN coalesce(add_source.approved_on, lpr_data.utc_today()) END,
            add_source.assessment IS NOT NULL);
    EXECUTE format('CREATE FOREIGN TABLE lpr_data.%I PARTITION OF lpr.reads FOR VALUES IN (%L) SERVER %I', 'reads_' || name, name, name);
    EXECUTE format('COMMENT ON FOREIGN TABLE lpr_data.%I IS %L', 'reads_' || name, format('The reads of source %s, asked over the network.', name));
    FOREACH role_name IN ARRAY grant_to
    LOOP
        EXECUTE format('GRANT USAGE ON FOREIGN SERVER %I TO %I', name, role_name);
    END LOOP;
    IF assessment IS NULL THEN
        RAISE NOTICE USING
            MESSAGE = format('source "%s" is not enabled', name),
            DETAIL = 'A source is enabled only once its privacy assessment is recorded as approved.',
            HINT = format('SELECT lpr.approve_source(%L, ''…the assessment…'');', name);
    END IF;
    IF grant_to = '{}' THEN
        RAISE NOTICE USING
            MESSAGE = format('nobody may ask source "%s" yet', name),
            HINT = format('GRANT USAGE ON FOREIGN SERVER %I TO …;', name);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.add_source(text, text, text, text, text, date, text, jsonb, name[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr.add_source(text, text, text, text, text, date, text, jsonb, name[]) IS
    'Adds a vendor: foreign server, user mapping and partition of lpr.reads. name: 1 to 40 lower-case letters, digits and underscores. dialect: see lpr.dialects(). url: base of every request, https. secret: the name of a secret (default: the source''s name), never its value. assessment, approved_on: with an assessment the source is enabled at once, approved today (by UTC) unless an earlier day is given (Q10). client_id: for dialects that sign in by OAuth. options: those of the server, as a JSON object. grant_to: roles that may ask it. Superusers only, since the URL decides where questions go.';

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
    -- Whatever is left of it: DROP SERVER … CASCADE may have been there before.
    EXECUTE format('DROP FOREIGN TABLE IF EXISTS lpr_data.%I', 'reads_' || name);
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
REVOKE ALL ON FUNCTION lpr.remove_source(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr.remove_source(text) IS 'Removes a vendor with its server, all its user mappings, its partition and its cameras, or what DROP SERVER left of them; its secret stays. Superusers only.';

CREATE FUNCTION lpr.approve_source(name text, assessment text, approved_on date DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.check_approval(assessment, approved_on);
    UPDATE lpr_data.source AS s
    SET assessment = approve_source.assessment, approved_on = coalesce(approve_source.approved_on, lpr_data.utc_today()), enabled = true
    WHERE s.name = approve_source.name AND EXISTS (SELECT FROM pg_foreign_server AS f WHERE f.srvname = s.name);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(name, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.approve_source(text, text, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.approve_source(text, text, date) TO lpr_admin;
COMMENT ON FUNCTION lpr.approve_source(text, text, date) IS 'Records the approved privacy assessment or authority of a source, for instance DHS/CBP/PIA-049(a), with the day of approval (not later than today; default: today, by UTC), and enables the source (Q10).';

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
REVOKE ALL ON FUNCTION lpr_data.disable_orphans() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.disable_orphans() IS 'Disables sources whose server was dropped or renamed: what was approved of them does not cover a later server of the same name (Q10).';

CREATE EVENT TRIGGER lpr_server_dropped ON sql_drop
    WHEN TAG IN ('DROP SERVER', 'DROP FOREIGN DATA WRAPPER', 'DROP OWNED', 'DROP EXTENSION')
    EXECUTE FUNCTION lpr_data.disable_orphans();
COMMENT ON EVENT TRIGGER lpr_server_dropped IS 'A source without its server is disabled (Q10).';
CREATE EVENT TRIGGER lpr_server_renamed ON ddl_command_end
    WHEN TAG IN ('ALTER SERVER')
    EXECUTE FUNCTION lpr_data.disable_orphans();
COMMENT ON EVENT TRIGGER lpr_server_renamed IS 'A source whose server has another name is disabled (Q10).';

CREATE FUNCTION lpr.disable_source(name text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lpr_data.source AS s SET enabled = false WHERE s.name = disable_source.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(name, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.disable_source(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.disable_source(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.disable_source(text) IS 'From the next statement on the source is not asked (LP003). lpr.approve_source() enables it again (Q10).';

CREATE FUNCTION lpr_data.judge_place(country text, region text, latitude double precision, longitude double precision)
    RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_judge_place';
REVOKE ALL ON FUNCTION lpr_data.judge_place(text, text, double precision, double precision) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.judge_place(text, text, double precision, double precision) IS
    'How the filter judges a camera: inside the United States, outside, unknown, or a contradiction of country, region and point (Q4).';

CREATE FUNCTION lpr.add_camera(
    source text,
    camera_id text,
    latitude double precision,
    longitude double precision,
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
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = add_camera.source) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(source, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
    -- As much as a read may have: what is longer would make bad ones of all the camera's reads.
    FOR field IN
        SELECT f.name, f.value, f.most
        FROM (VALUES ('camera_id', camera_id, 128), ('address', address, 400), ('owner', owner, 400), ('type', type, 400)) AS f (name, value, most)
        WHERE octet_length(f.value) NOT BETWEEN 1 AND f.most OR f.value ~ '[[:cntrl:]]' OR (f.value IS NULL AND f.name = 'camera_id')
    LOOP
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid %s of a camera', field.name),
            DETAIL = format('It has 1 to %s bytes, none of them a control character.', field.most);
    END LOOP;
    IF (latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP014',
            MESSAGE = format('not a point: latitude %s, longitude %s', coalesce(latitude::text, 'NULL'), coalesce(longitude::text, 'NULL')),
            DETAIL = 'Latitude is -90 to 90 degrees, longitude -180 to 180.',
            HINT = 'Latitude comes first.';
    END IF;
    region := lpr.normal_region(region);
    IF lpr_data.judge_place(country, region, latitude, longitude) <> 'inside' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP014',
            MESSAGE = format('camera "%s" does not stand in the United States', camera_id),
            DETAIL = format('Country, region and point must agree that it does: %s, %s, latitude %s, longitude %s.',
                            coalesce(country, 'no country'), coalesce(region, 'no region'), latitude, longitude),
            HINT = 'Latitude comes first, and west is negative.';
    END IF;
    INSERT INTO lpr_data.camera AS c (source, camera_id, latitude, longitude, address, owner, type, region, country)
    VALUES (add_camera.source, add_camera.camera_id, add_camera.latitude, add_camera.longitude, add_camera.address, add_camera.owner,
            add_camera.type, add_camera.region, add_camera.country)
    ON CONFLICT ON CONSTRAINT camera_pkey DO UPDATE
    SET latitude = excluded.latitude, longitude = excluded.longitude, address = excluded.address, owner = excluded.owner,
        type = excluded.type, region = excluded.region, country = excluded.country;
END
$$;
REVOKE ALL ON FUNCTION lpr.add_camera(text, text, double precision, double precision, text, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.add_camera(text, text, double precision, double precision, text, text, text, text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_camera(text, text, double precision, double precision, text, text, text, text, text) IS
    'Registers a camera of a source, or changes all of it: for vendors whose reads do not say where they were taken (see needs_cameras in lpr.dialects()). camera_id: as the vendor writes it, at most 128 bytes. latitude, longitude: degrees, west is negative. region: state where it stands, two letters or its name. address, owner, type: at most 400 bytes. Error LP014 when country, region and point do not agree that it stands in the United States: such a camera would show nothing (Q4).';

CREATE FUNCTION lpr.remove_camera(source text, camera_id text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    DELETE FROM lpr_data.camera AS c WHERE c.source = remove_camera.source AND c.camera_id = remove_camera.camera_id;
END;
REVOKE ALL ON FUNCTION lpr.remove_camera(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.remove_camera(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.remove_camera(text, text) IS 'Takes a camera out of the register of a source. Unknown cameras are no error.';

CREATE VIEW lpr.sources WITH (security_barrier) AS
SELECT s.name AS source,
       d.dialect,
       d.plate,
       d.location,
       d.vehicle,
       s.enabled,
       pg_catalog.has_server_privilege(session_user, f.oid, 'USAGE') AS granted,
       s.assessment,
       s.approved_on
FROM lpr_data.source AS s
JOIN pg_catalog.pg_foreign_server AS f ON f.srvname = s.name
JOIN lpr.dialects() AS d ON d.dialect = (
    SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.srvoptions) AS o WHERE o.option_name = 'dialect'
)
ORDER BY s.name;
GRANT SELECT ON lpr.sources TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.sources IS 'The vendors: what each can be asked by (plate, location, vehicle), whether it is enabled, and whether the session''s login was granted it (Q10).';
COMMENT ON COLUMN lpr.sources.source IS 'Name of the source, as in lpr.reads.source.';
COMMENT ON COLUMN lpr.sources.dialect IS 'How it is spoken to: see lpr.dialects().';
COMMENT ON COLUMN lpr.sources.plate IS 'Whether it can be asked by plate.';
COMMENT ON COLUMN lpr.sources.location IS 'Whether it can be asked by place.';
COMMENT ON COLUMN lpr.sources.vehicle IS 'Whether it can be asked by make.';
COMMENT ON COLUMN lpr.sources.enabled IS 'Whether anybody may ask it: its assessment is approved and it was not disabled since.';
COMMENT ON COLUMN lpr.sources.granted IS 'Whether the login of this session has USAGE on its foreign server.';
COMMENT ON COLUMN lpr.sources.assessment IS 'The privacy assessment or authority that covers it.';
COMMENT ON COLUMN lpr.sources.approved_on IS 'Day on which the assessment was approved.';
-- 30-search: one function a search mode (Q2), in front of lpr.reads. Single SELECT statements, so that the planner inlines them: conditions, LIMIT and
-- columns of the outer query still reach the vendors. PostgreSQL inlines no call whose arguments hold a subquery or a volatile function, and none WITH
-- ORDINALITY: such a call reads all there is. The newest reads come first, hence the last 30 days before all others (Q5).

CREATE FUNCTION lpr.search_plate(
    plate text,
    region text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    look_alikes boolean DEFAULT false,
    other_regions boolean DEFAULT false,
    event_id bigint DEFAULT NULL
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.event_id, r.source, r.read_id, r.plate, r.plate_as_read, r.plate_region, r.country, r.captured_at, r.recent, r.latitude, r.longitude,
           r.address, r.camera_id, r.camera_owner, r.camera_type, r.make, r.model, r.color, r.confidence,
           lpr.matched_how(search_plate.plate, lpr.normal_region(search_plate.region), r.plate, r.plate_region),
           r.plate_image, r.vehicle_image, r.fetched_at, r.from_cache, r.expires_at
    FROM lpr.reads AS r
    WHERE r.plate = ANY (CASE WHEN search_plate.look_alikes THEN lpr.confusable_plates(search_plate.plate)
                              ELSE ARRAY[lpr.normal_plate(search_plate.plate)] END)
      AND (lpr.normal_region(search_plate.region) IS NULL OR search_plate.other_regions
           OR r.plate_region = lpr.normal_region(search_plate.region) OR r.plate_region IS NULL)
      AND (search_plate.since IS NULL OR r.captured_at >= search_plate.since)
      AND (search_plate.until IS NULL OR r.captured_at <= search_plate.until)
      AND (search_plate.event_id IS NULL OR r.event_id = search_plate.event_id)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint) TO lpr_user;
COMMENT ON FUNCTION lpr.search_plate(text, text, timestamptz, timestamptz, boolean, boolean, bigint) IS
    'Reads of a plate, newest first, the last 30 days marked recent (Q5). The whole plate, in any case, with blanks and dashes or without; NULL finds nothing. region: state of registration, two letters in any case or its name, NULL = any; reads whose region the vendor does not tell are kept. since, until: of captured_at, both included; at most five years back (Q6). look_alikes asks also for up to 63 plates that readers confuse with it (more are told in a notice), other_regions keeps the same number of other states; column matched_how tells which is which (G1). Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_plate(w.plate) AS r. Errors LP011 (not a plate), LP012 (not a region), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_location(
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    radius_m double precision DEFAULT 1000,
    address text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE (NOT lpr.has_point(search_location.latitude, search_location.longitude)
           OR lpr.distance_m(r.latitude, r.longitude, search_location.latitude, search_location.longitude) <= search_location.radius_m)
      AND (search_location.address IS NULL OR r.address ILIKE '%' || lpr.like_literal(search_location.address) || '%')
      AND (search_location.since IS NULL OR r.captured_at >= search_location.since)
      AND (search_location.until IS NULL OR r.captured_at <= search_location.until)
      AND (search_location.event_id IS NULL OR r.event_id = search_location.event_id)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint) TO lpr_user;
COMMENT ON FUNCTION lpr.search_location(double precision, double precision, double precision, text, timestamptz, timestamptz, bigint) IS
    'Reads of cameras near a point, or of cameras whose address contains a text (3 to 200 bytes, in any case), or both, newest first (Q2). latitude, longitude: degrees, west is negative; both or neither. radius_m: metres, 1 to 500,000; NULL finds nothing. since, until: of captured_at, both included; at most five years back (Q6). Sources that cannot be asked by place are passed over with a notice. Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_location(w.latitude, w.longitude) AS r. Errors LP001 (neither a point nor an address), LP014 (not a point, half of one, not a radius or address), LP003 to LP005 and LP002 (no source may be asked).';

CREATE FUNCTION lpr.search_vehicle(
    make text,
    model text DEFAULT NULL,
    color text DEFAULT NULL,
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    event_id bigint DEFAULT NULL
)
    RETURNS SETOF lpr.reads
    LANGUAGE sql STABLE
AS $$
    SELECT r.*
    FROM lpr.reads AS r
    WHERE r.make = lpr.normal_word(search_vehicle.make)
      AND (search_vehicle.model IS NULL OR r.model = lpr.normal_word(search_vehicle.model))
      AND (search_vehicle.color IS NULL OR r.color = lpr.normal_word(search_vehicle.color))
      AND (search_vehicle.since IS NULL OR r.captured_at >= search_vehicle.since)
      AND (search_vehicle.until IS NULL OR r.captured_at <= search_vehicle.until)
      AND (search_vehicle.event_id IS NULL OR r.event_id = search_vehicle.event_id)
    ORDER BY r.captured_at DESC
$$;
REVOKE ALL ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint) TO lpr_user;
COMMENT ON FUNCTION lpr.search_vehicle(text, text, text, timestamptz, timestamptz, bigint) IS
    'Reads of vehicles of a make, or of a make and model, newest first (Q2); upper and lower case are the same, as are blanks around, 1 to 64 bytes each, a make of NULL finds nothing. The colour is checked here, not by the vendor. since, until: of captured_at, both included; at most five years back (Q6). Sources that cannot be asked by vehicle are passed over with a notice. Conditions, LIMIT and columns of the query around it reach the vendors, unless an argument holds a subquery or a volatile function, or the call is WITH ORDINALITY or outside FROM: then all reads are fetched with all their images. So write a subquery in front: FROM (SELECT …) AS w, LATERAL lpr.search_vehicle(w.make) AS r. Errors LP012 (not a make or model), LP003 to LP005 and LP002 (no source may be asked).';

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
    OUT asked_at timestamp with time zone,
    OUT milliseconds double precision
)
    RETURNS SETOF record
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_last_query';
REVOKE ALL ON FUNCTION lpr.last_query() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.last_query() TO lpr_user, lpr_admin;
COMMENT ON FUNCTION lpr.last_query() IS
    'What happened to the last question of this session (U7), a row a source; no row before the first question.

- outcome: complete; stopped = the reader wanted no more; cut = the vendor has more than it, or max_pages or max_megabytes, lets through; failed; passed_over = not asked; asked = still under way.
- sqlstate, message: why it failed, was cut or passed over.
- sent: method, path and body of each request, login and secrets left out; the first 20 of them.
- reference: the opaque number that the requests carried; the vendor learns neither user nor case.
- requests, retries, pages, bytes: what it took; bytes are those of the replies.
- received, reads: reads that came, and those of them that passed every rule.
- dropped: reads left out, counted by reason: malformed, repeated, other_plate, other_region (or an unknown one), other_place, other_vehicle (or an unknown one), outside_window (of time), older_than_five_years (Q6), in_the_future, abroad, unknown_place, contradictory_place (Q4).
- asked_at, milliseconds: when, and how long until the last row.';
-- 40-audit: the log of who asked what (U1 to U4): its tables, what guards them, and the changes of policy that go into it.
--
-- The log is made by the audit writer at the first question, not by CREATE EXTENSION: its tables are no members of the extension, so that neither
-- DROP EXTENSION nor a restore touches them. They lie in a schema that is no member either.

CREATE FUNCTION lpr.login()
    RETURNS name
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_login';
REVOKE ALL ON FUNCTION lpr.login() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.login() TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.login() IS 'The login that connected: no SET ROLE, SET SESSION AUTHORIZATION or SECURITY DEFINER changes it. All of lpr judges by it.';

CREATE FUNCTION lpr_data.refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'LP031',
        MESSAGE = format('%s of %I.%I is refused', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
        DETAIL = 'The audit log is only ever added to, by its writer (U3).',
        HINT = 'To archive a month: ALTER TABLE lpr_data.audit DETACH PARTITION …; it still verifies.';
END
$$;
REVOKE ALL ON FUNCTION lpr_data.refuse_change() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.refuse_change() IS 'Trigger of the audit log: error LP031 for UPDATE, DELETE and TRUNCATE, whoever tries (U3).';

CREATE FUNCTION lpr_data.guard(log_table regclass)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = log_table AND t.tgfoid = 'lpr_data.refuse_change'::regproc AND t.tgenabled = 'A')
       = (SELECT CASE c.relkind WHEN 'p' THEN 1 ELSE 2 END FROM pg_class AS c WHERE c.oid = log_table)
       AND (SELECT c.relowner = 'lpr_log'::regrole FROM pg_class AS c WHERE c.oid = log_table) THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER TABLE %s OWNER TO lpr_log', log_table);
    EXECUTE format('REVOKE ALL ON %s FROM lpr_log', log_table);
    IF (SELECT c.relkind <> 'p' FROM pg_class AS c WHERE c.oid = log_table) THEN
        EXECUTE format('CREATE OR REPLACE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_change()', log_table);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_row_change', log_table);
    END IF;
    EXECUTE format('CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_change()', log_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER refuse_change', log_table);
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.guard(regclass) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.guard(regclass) IS 'Makes a table one of the log: its owner is lpr_log, who cannot log in, nobody has rights on it, and triggers that fire ALWAYS refuse every change. False when all of that was so.';

CREATE FUNCTION lpr_data.guard_log()
    RETURNS text
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(t.log_table::text, ', ')
    FROM (SELECT to_regclass('lpr_data.' || name) FROM unnest(ARRAY['log', 'audit', 'checkpoint', 'delivery']) AS name
          UNION ALL
          SELECT i.inhrelid::regclass FROM pg_inherits AS i WHERE i.inhparent = to_regclass('lpr_data.audit')) AS t (log_table)
    WHERE t.log_table IS NOT NULL AND lpr_data.guard(t.log_table)
$$;
REVOKE ALL ON FUNCTION lpr_data.guard_log() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.guard_log() IS 'Guards every table of the log that has lost its guard, by DROP EXTENSION … CASCADE or by somebody''s hand, and returns their names. Called by the audit writer when it starts.';

CREATE FUNCTION lpr_data.create_log(id bytea)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
AS $$
BEGIN
    CREATE TABLE lpr_data.log (
        id bytea PRIMARY KEY CHECK (octet_length(id) = 16),
        started_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE lpr_data.log IS 'Which log this is: one row. Its identity goes into every record, so that a new log cannot pass for the old one (U3).';
    CREATE TABLE lpr_data.audit (
        number bigint NOT NULL,
        at timestamp with time zone NOT NULL,
        kind text COLLATE "C" NOT NULL,
        login text COLLATE "C",
        pid integer,
        session_started timestamp with time zone,
        event_id bigint,
        source text COLLATE "C",
        mode text COLLATE "C",
        ask bigint,
        control text COLLATE "C",
        sqlstate text COLLATE "C",
        salt bytea,
        payload text,
        payload_digest bytea NOT NULL,
        digest bytea NOT NULL
    ) PARTITION BY RANGE (at);
    COMMENT ON TABLE lpr_data.audit IS 'The audit log: who asked what and what came back as metadata, never the reads themselves (U1). Written by the audit writer alone, a partition a month.';
    COMMENT ON COLUMN lpr_data.audit.number IS 'Place in the log: 1, 2, 3, …';
    COMMENT ON COLUMN lpr_data.audit.at IS 'When it was decided and written, by the server''s clock; never before the record before.';
    COMMENT ON COLUMN lpr_data.audit.kind IS 'start, month: the log or a partition begins; ask: a question that the gate let through; refused: one that it did not; sent, answer: what went out and what came back; change: of policy; read: of the log itself; clock: the clock was set back.';
    COMMENT ON COLUMN lpr_data.audit.login IS 'The authenticated login; NULL for the writer itself.';
    COMMENT ON COLUMN lpr_data.audit.pid IS 'Process id of the session''s backend.';
    COMMENT ON COLUMN lpr_data.audit.session_started IS 'When that backend started: pid and this name a session.';
    COMMENT ON COLUMN lpr_data.audit.event_id IS 'The purpose (Q7).';
    COMMENT ON COLUMN lpr_data.audit.source IS 'The vendor asked.';
    COMMENT ON COLUMN lpr_data.audit.mode IS 'plate, location or vehicle.';
    COMMENT ON COLUMN lpr_data.audit.ask IS 'Of sent, answer and refused answers: the number of the ask.';
    COMMENT ON COLUMN lpr_data.audit.control IS 'Of refused: the rule, by its id in the register of controls.';
    COMMENT ON COLUMN lpr_data.audit.sqlstate IS 'Of refused and of answers that failed.';
    COMMENT ON COLUMN lpr_data.audit.salt IS '16 random bytes; NULL once the payload was destroyed on its schedule.';
    COMMENT ON COLUMN lpr_data.audit.payload IS 'The particulars as JSON: all parameters of a question, the metadata of an answer, old and new row of a change.';
    COMMENT ON COLUMN lpr_data.audit.payload_digest IS 'SHA-256 of salt and payload; stays when they go.';
    COMMENT ON COLUMN lpr_data.audit.digest IS 'Of the chain: SHA-256 over the digest before and this record (docs/audit-format.md).';
    CREATE TABLE lpr_data.checkpoint (
        size bigint PRIMARY KEY CHECK (size > 0),
        at timestamp with time zone NOT NULL,
        frontier bytea NOT NULL,
        proof bytea NOT NULL,
        note text NOT NULL
    );
    COMMENT ON TABLE lpr_data.checkpoint IS 'Signed checkpoints of the log: every minute or 10,000 records while records come, and at the end of each month (U3).';
    COMMENT ON COLUMN lpr_data.checkpoint.size IS 'How many records it covers.';
    COMMENT ON COLUMN lpr_data.checkpoint.at IS 'When it was made.';
    COMMENT ON COLUMN lpr_data.checkpoint.frontier IS 'Roots of the complete subtrees, 32 bytes each, the largest first: the writer starts from them.';
    COMMENT ON COLUMN lpr_data.checkpoint.proof IS 'Consistency proof from the checkpoint before, 32 bytes a node.';
    COMMENT ON COLUMN lpr_data.checkpoint.note IS 'The signed note, in the form of transparency logs.';
    CREATE TABLE lpr_data.delivery (
        size bigint PRIMARY KEY,
        delivered_at timestamp with time zone NOT NULL DEFAULT clock_timestamp()
    );
    COMMENT ON TABLE lpr_data.delivery IS 'Checkpoints that were handed over to lpr.checkpoint_directory or lpr.checkpoint_command.';
    COMMENT ON COLUMN lpr_data.delivery.size IS 'Of the checkpoint.';
    COMMENT ON COLUMN lpr_data.delivery.delivered_at IS 'When.';
    INSERT INTO lpr_data.log (id) VALUES (create_log.id);
    PERFORM lpr_data.guard('lpr_data.log'), lpr_data.guard('lpr_data.audit'), lpr_data.guard('lpr_data.checkpoint'), lpr_data.guard('lpr_data.delivery');
END
$$;
REVOKE ALL ON FUNCTION lpr_data.create_log(bytea) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.create_log(bytea) IS 'Makes the tables of a new, empty log with this identity. Called by the audit writer at the first record.';

CREATE FUNCTION lpr_data.add_month(day date)
    RETURNS regclass
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning
    SET timezone = 'UTC'
AS $$
DECLARE
    first_day date := date_trunc('month', day)::date;
    leaf text := 'audit_' || to_char(first_day, 'YYYY_MM');
BEGIN
    IF to_regclass(format('lpr_data.%I', leaf)) IS NULL THEN
        -- Stand-alone first: CREATE TABLE … PARTITION OF would wait for every reader and hold up every writer meanwhile.
        EXECUTE format('CREATE TABLE lpr_data.%I (LIKE lpr_data.audit INCLUDING COMMENTS)', leaf);
        EXECUTE format('ALTER TABLE lpr_data.%I ADD CONSTRAINT month CHECK (at >= %L AND at < %L)', leaf, first_day::timestamptz, (first_day + interval '1 month')::timestamptz);
        EXECUTE format('CREATE UNIQUE INDEX %I ON lpr_data.%I (number)', leaf || '_number', leaf);
        EXECUTE format('COMMENT ON TABLE lpr_data.%I IS %L', leaf, 'The audit log of ' || to_char(first_day, 'YYYY-MM') || ' (UTC).');
        PERFORM lpr_data.guard(format('lpr_data.%I', leaf)::regclass);
        EXECUTE format('ALTER TABLE lpr_data.audit ATTACH PARTITION lpr_data.%I FOR VALUES FROM (%L) TO (%L)', leaf, first_day::timestamptz, (first_day + interval '1 month')::timestamptz);
    END IF;
    RETURN format('lpr_data.%I', leaf)::regclass;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.add_month(date) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.add_month(date) IS 'The partition of the month (UTC) in which a day falls, made if it is not there. Called by the audit writer, days ahead.';

-- Changes of policy and case data. They are written inside the transaction that makes them and chained by the writer in the order of commits.

CREATE TABLE lpr_data.change (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text COLLATE "C",
    pid integer NOT NULL,
    session_started timestamp with time zone NOT NULL,
    payload text NOT NULL
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.change', '');
COMMENT ON TABLE lpr_data.change IS 'Changes of policy and case data that were committed and wait for the audit writer, for milliseconds (U4).';
COMMENT ON COLUMN lpr_data.change.number IS 'Order in which they were made.';
COMMENT ON COLUMN lpr_data.change.login IS 'The authenticated login that made it; NULL for the audit writer itself.';
COMMENT ON COLUMN lpr_data.change.pid IS 'Process id of the session''s backend.';
COMMENT ON COLUMN lpr_data.change.session_started IS 'When that backend started.';
COMMENT ON COLUMN lpr_data.change.payload IS 'JSON: table, action, role, transaction, made_at, old and new row.';

CREATE FUNCTION lpr_data.wake_writer(OUT pid integer, OUT session_started timestamp with time zone)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_wake_writer';
REVOKE ALL ON FUNCTION lpr_data.wake_writer() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.wake_writer() IS 'Lets the audit writer know, at commit, that changes wait; returns what names this session.';

CREATE FUNCTION lpr_data.audit_change()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('table', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME,
                              'action', lower(TG_OP),
                              'role', session_user,
                              'transaction', pg_current_xact_id()::text,
                              'made_at', clock_timestamp(),
                              'old', CASE WHEN TG_LEVEL = 'ROW' AND TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) - coalesce(TG_ARGV, '{}') END,
                              'new', CASE WHEN TG_LEVEL = 'ROW' AND TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) - coalesce(TG_ARGV, '{}') END)::text
    FROM lpr_data.wake_writer() AS w;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.audit_change() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_change() IS 'Trigger of every table of policy and case data: writes old and new row to lpr_data.change, in the same transaction (U4). Its arguments are columns that are left out.';

CREATE FUNCTION lpr_data.audit_changes_of(policy_table regclass, VARIADIC without text[] DEFAULT '{}')
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER audit_change AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION lpr_data.audit_change(%s)',
                   policy_table, (SELECT string_agg(quote_literal(w), ', ') FROM unnest(without) AS w));
    EXECUTE format('CREATE TRIGGER audit_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_change()', policy_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate', policy_table);
END
$$;
REVOKE ALL ON FUNCTION lpr_data.audit_changes_of(regclass, text[]) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_changes_of(regclass, text[]) IS 'Puts a table under audit: every change of it becomes a record of the log (U4). without: columns whose values are left out.';

SELECT lpr_data.audit_changes_of('lpr_data.source'), lpr_data.audit_changes_of('lpr_data.camera'), lpr_data.audit_changes_of('lpr_data.secret', 'value');

-- Settings are policy as well: the writer notes those that matter, at start and whenever the configuration is read again.

CREATE TABLE lpr_data.setting (
    name text COLLATE "C" PRIMARY KEY,
    value text
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.setting', '');
COMMENT ON TABLE lpr_data.setting IS 'Settings of the server that bear on the safeguards, as the audit writer last saw them; a change becomes a record of the log (U4).';
COMMENT ON COLUMN lpr_data.setting.name IS 'Name of the setting.';
COMMENT ON COLUMN lpr_data.setting.value IS 'Its value.';
SELECT lpr_data.audit_changes_of('lpr_data.setting');

CREATE FUNCTION lpr_data.note_settings()
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO lpr_data.setting AS s (name, value)
    SELECT p.name, p.reset_val
    FROM pg_catalog.pg_settings AS p
    WHERE p.name LIKE 'lpr.%'
       OR p.name IN ('archive_mode', 'fsync', 'full_page_writes', 'log_min_duration_statement', 'log_statement', 'password_encryption', 'server_version',
                     'shared_preload_libraries', 'ssl', 'synchronous_standby_names')
    ON CONFLICT ON CONSTRAINT setting_pkey DO UPDATE SET value = excluded.value WHERE s.value IS DISTINCT FROM excluded.value;
END;
REVOKE ALL ON FUNCTION lpr_data.note_settings() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.note_settings() IS 'Brings lpr_data.setting up to date. Called by the audit writer.';

-- So is the definition of what is asked and of the rules: servers, mappings, grants on them, and everything in our schemas.

CREATE FUNCTION lpr_data.audit_ddl()
    RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lpr.login() IS NULL THEN
        RETURN; -- the audit writer makes its own tables
    END IF;
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('command', d.command_tag, 'type', d.object_type, 'object', d.object_identity,
                              'statement', CASE WHEN d.object_type IN ('server', 'FOREIGN SERVER') THEN left(current_query(), 1000) END,
                              'role', session_user, 'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp())::text
    FROM (SELECT c.command_tag, c.object_type, c.object_identity, c.schema_name, c.in_extension
          FROM pg_event_trigger_ddl_commands() AS c WHERE TG_EVENT = 'ddl_command_end') AS d
    CROSS JOIN lpr_data.wake_writer() AS w
    WHERE NOT d.in_extension AND (d.schema_name IN ('lpr', 'lpr_data') OR d.object_type IN ('server', 'user mapping', 'FOREIGN SERVER', 'foreign-data wrapper', 'extension', 'event trigger'));
END
$$;
REVOKE ALL ON FUNCTION lpr_data.audit_ddl() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_ddl() IS 'Event trigger: DDL on servers, user mappings and everything in schemas lpr and lpr_data becomes a record of the log (U4).';

CREATE FUNCTION lpr_data.audit_drop()
    RETURNS event_trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lost text;
BEGIN
    SELECT d.object_identity INTO lost
    FROM pg_event_trigger_dropped_objects() AS d
    WHERE TG_TAG <> 'DROP EXTENSION'
      AND (d.object_type = 'table' AND d.object_identity ~ '^lpr_data\.(log|audit|audit_[0-9_]+|checkpoint|delivery)$'
           OR d.object_type = 'trigger' AND d.object_identity ~ '^refuse_(row_)?change on ')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP031',
            MESSAGE = format('dropping %s is refused', lost),
            DETAIL = 'The audit log is only ever added to, by its writer (U3).',
            HINT = 'A month leaves it by ALTER TABLE lpr_data.audit DETACH PARTITION … and ALTER TABLE … SET SCHEMA ….';
    END IF;
    -- DROP EXTENSION takes this table along.
    IF to_regclass('lpr_data.change') IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO lpr_data.change (login, pid, session_started, payload)
    SELECT lpr.login(), w.pid, w.session_started,
           jsonb_build_object('command', TG_TAG, 'type', d.object_type, 'object', d.object_identity, 'role', session_user,
                              'transaction', pg_current_xact_id()::text, 'made_at', clock_timestamp())::text
    FROM pg_event_trigger_dropped_objects() AS d
    CROSS JOIN lpr_data.wake_writer() AS w
    WHERE (d.original OR d.normal) AND (d.schema_name IN ('lpr', 'lpr_data') OR d.object_type IN ('server', 'user mapping'));
END
$$;
REVOKE ALL ON FUNCTION lpr_data.audit_drop() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_drop() IS 'Event trigger: what is dropped of servers, user mappings and our schemas becomes a record of the log (U4); the log itself and its guards are not dropped (U3), error LP031.';

CREATE EVENT TRIGGER lpr_audit_ddl ON ddl_command_end EXECUTE FUNCTION lpr_data.audit_ddl();
ALTER EVENT TRIGGER lpr_audit_ddl ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_audit_ddl IS 'Records DDL that bears on the safeguards (U4).';
CREATE EVENT TRIGGER lpr_audit_drop ON sql_drop EXECUTE FUNCTION lpr_data.audit_drop();
ALTER EVENT TRIGGER lpr_audit_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER lpr_audit_drop IS 'Records drops that bear on the safeguards (U4).';
-- 45-audit-read: how the audit log is read and verified. Reading it is itself a record of it, on disk before the first row is shown (U4).

CREATE FUNCTION lpr_data.audit_record(kind text, control text, sqlstate text, what text)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_audit_record';
REVOKE ALL ON FUNCTION lpr_data.audit_record(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.audit_record(text, text, text, text) IS 'Puts a record of kind read or refused into the log and returns its number once it is on disk. Error LP020 when it cannot be.';

CREATE TYPE lpr.audit_row AS (
    number bigint,
    at timestamp with time zone,
    kind text,
    login text,
    pid integer,
    session_started timestamp with time zone,
    event_id bigint,
    source text,
    mode text,
    ask bigint,
    control text,
    sqlstate text,
    payload jsonb
);
COMMENT ON TYPE lpr.audit_row IS 'A record of the audit log as lpr.audit() shows it; the columns are those of lpr_data.audit.';

CREATE FUNCTION lpr.audit(
    since timestamp with time zone DEFAULT NULL,
    until timestamp with time zone DEFAULT NULL,
    login text DEFAULT NULL,
    kind text DEFAULT NULL,
    event_id bigint DEFAULT NULL,
    source text DEFAULT NULL
)
    RETURNS SETOF lpr.audit_row
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('audit(since => %L, until => %L, login => %L, kind => %L, event_id => %L, source => %L)',
                                                             audit.since, audit.until, audit.login, audit.kind, audit.event_id, audit.source));
    RETURN QUERY
        SELECT a.number, a.at, a.kind, a.login, a.pid, a.session_started, a.event_id, a.source, a.mode, a.ask, a.control, a.sqlstate, a.payload::jsonb
        FROM lpr_data.audit AS a
        WHERE (audit.since IS NULL OR a.at >= audit.since)
          AND (audit.until IS NULL OR a.at <= audit.until)
          AND (audit.login IS NULL OR a.login = audit.login)
          AND (audit.kind IS NULL OR a.kind = audit.kind)
          AND (audit.event_id IS NULL OR a.event_id = audit.event_id)
          AND (audit.source IS NULL OR a.source = audit.source)
        ORDER BY a.number;
END
$$;
REVOKE ALL ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) TO lpr_oversight;
COMMENT ON FUNCTION lpr.audit(timestamptz, timestamptz, text, text, bigint, text) IS
    'The audit log, oldest record first (U1): who asked what for which event, what came back as metadata, what was refused and why. since, until: of the record''s time, both included; login, kind (ask, refused, sent, answer, change, read, clock, start, month), event_id, source: only such records; NULL = all. Each call is itself a record. On a standby it is refused (LP020).';

CREATE FUNCTION lpr.unanswered(since timestamp with time zone DEFAULT NULL)
    RETURNS TABLE (number bigint, at timestamp with time zone, login text, event_id bigint, source text, mode text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('unanswered(since => %L)', unanswered.since));
    RETURN QUERY
        SELECT a.number, a.at, a.login, a.event_id, a.source, a.mode
        FROM lpr_data.audit AS a
        WHERE a.kind = 'ask' AND (unanswered.since IS NULL OR a.at >= unanswered.since)
          AND NOT EXISTS (SELECT FROM lpr_data.audit AS b WHERE b.kind = 'answer' AND b.ask = a.number AND b.at >= a.at)
        ORDER BY a.number;
END
$$;
REVOKE ALL ON FUNCTION lpr.unanswered(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.unanswered(timestamptz) TO lpr_oversight;
COMMENT ON FUNCTION lpr.unanswered(timestamptz) IS
    'Questions without an answer on record (U1): under way, or broken off so hard (a killed backend, a crash) that nothing could be written down any more. since: of the question''s time, NULL = all. Each call is itself a record.';

CREATE FUNCTION lpr_data.escaped(value text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(replace(replace(replace(replace(value, '\', '\\'), E'\t', '\t'), E'\n', '\n'), E'\r', '\r'), '\N');
REVOKE ALL ON FUNCTION lpr_data.escaped(text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.escaped(text) IS 'A value as COPY writes it: NULL is \N.';

CREATE FUNCTION lpr_data.microseconds(moment timestamp with time zone)
    RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (extract(epoch FROM moment) * 1000000)::bigint - 946684800000000;
REVOKE ALL ON FUNCTION lpr_data.microseconds(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.microseconds(timestamptz) IS 'Microseconds since 2000-01-01 00:00 UTC, exactly.';

CREATE FUNCTION lpr.export_audit(first bigint DEFAULT NULL, last bigint DEFAULT NULL, month text DEFAULT NULL)
    RETURNS SETOF text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log_table regclass := to_regclass(coalesce(month, 'lpr_data.audit'));
BEGIN
    IF month IS NOT NULL AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = log_table AND c.relowner = 'lpr_log'::regrole AND c.relkind IN ('r', 'p')) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('"%s" is no table of the audit log', month),
            DETAIL = 'Such tables belong to role lpr_log.';
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('export_audit(first => %L, last => %L, month => %L)', first, last, month));
    RETURN QUERY EXECUTE 'SELECT ''lpr-audit-export-1'' || E''\t'' || encode(l.id, ''hex'') FROM lpr_data.log AS l';
    RETURN QUERY EXECUTE format(
        'SELECT concat_ws(E''\t'', a.number, lpr_data.microseconds(a.at), lpr_data.escaped(a.kind), lpr_data.escaped(a.login), coalesce(a.pid::text, ''\N''),
                          coalesce(lpr_data.microseconds(a.session_started)::text, ''\N''), coalesce(a.event_id::text, ''\N''), lpr_data.escaped(a.source),
                          lpr_data.escaped(a.mode), coalesce(a.ask::text, ''\N''), lpr_data.escaped(a.control), lpr_data.escaped(a.sqlstate),
                          coalesce(encode(a.salt, ''hex''), ''\N''), lpr_data.escaped(a.payload), encode(a.payload_digest, ''hex''), encode(a.digest, ''hex''))
         FROM %s AS a WHERE ($1 IS NULL OR a.number >= $1) AND ($2 IS NULL OR a.number <= $2) ORDER BY a.number',
        coalesce(log_table::text, 'lpr_data.audit')) USING first, last;
END
$$;
REVOKE ALL ON FUNCTION lpr.export_audit(bigint, bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.export_audit(bigint, bigint, text) TO lpr_oversight;
COMMENT ON FUNCTION lpr.export_audit(bigint, bigint, text) IS
    'The log in the form that lpr-audit-verify takes, a line a record (docs/audit-format.md): psql -At -c "SELECT lpr.export_audit()" >audit.log. first, last: numbers of records; month: a partition, also one that was detached into an archive. Each call is itself a record.';

CREATE FUNCTION lpr.verify_audit(first bigint DEFAULT NULL, last bigint DEFAULT NULL, OUT ok boolean, OUT number bigint, OUT detail text)
    RETURNS SETOF record
    LANGUAGE c STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'lpr_verify_audit';
REVOKE ALL ON FUNCTION lpr.verify_audit(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.verify_audit(bigint, bigint) TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.verify_audit(bigint, bigint) IS
    'Holds the audit log against itself and its checkpoints (U3): every digest of records and payloads, numbers, times, the tree at every checkpoint, tables against their indexes. A row a finding, with the number of the record, and at the end a summary, whose ok tells whether there was none. first, last: only these records, from the checkpoint before them on. Who controls the server controls this function: lpr-audit-verify does the same elsewhere.';

CREATE FUNCTION lpr_data.checkpoint_file(size bigint)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    file text;
BEGIN
    SELECT format(E'old %s\n', coalesce((SELECT max(p.size) FROM lpr_data.checkpoint AS p WHERE p.size < c.size), 0))
           || coalesce((SELECT string_agg(encode(substring(c.proof FROM 32 * i + 1 FOR 32), 'base64') || E'\n', '' ORDER BY i)
                        FROM generate_series(0, octet_length(c.proof) / 32 - 1) AS i), '')
           || E'\n' || c.note
    INTO file
    FROM lpr_data.checkpoint AS c
    WHERE c.size = checkpoint_file.size;
    RETURN file;
END
$$;
REVOKE ALL ON FUNCTION lpr_data.checkpoint_file(bigint) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.checkpoint_file(bigint) IS 'A checkpoint as it is delivered: the size of the one before, the proof that it follows it, and the signed note (docs/audit-format.md).';

CREATE FUNCTION lpr.checkpoint(size bigint DEFAULT NULL)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN rtrim(lpr_data.checkpoint_file(coalesce(checkpoint.size, (SELECT max(c.size) FROM lpr_data.checkpoint AS c))), E'\n');
END
$$;
REVOKE ALL ON FUNCTION lpr.checkpoint(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.checkpoint(bigint) TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.checkpoint(bigint) IS 'The newest signed checkpoint of the log, or the one that covers that many records: the same lines that lpr.checkpoint_directory gets. To be kept elsewhere (U3).';

CREATE FUNCTION lpr_data.public_key(log bytea)
    RETURNS text
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_audit_key';
REVOKE ALL ON FUNCTION lpr_data.public_key(bytea) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.public_key(bytea) IS 'The public part of the checkpoint key, with the name that a log of this identity signs under.';

CREATE FUNCTION lpr.audit_key()
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT lpr_data.public_key(l.id) FROM lpr_data.log AS l);
END
$$;
REVOKE ALL ON FUNCTION lpr.audit_key() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.audit_key() TO lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.audit_key() IS 'The public key of the log''s checkpoints, as lpr-audit-verify --key takes it. To be kept elsewhere on the first day: later on a new key could pass for the old one (U3).';

CREATE FUNCTION lpr_data.writer(OUT state text, OUT reason text, OUT waiting_bytes bigint)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_audit_writer';
REVOKE ALL ON FUNCTION lpr_data.writer() FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.writer() IS 'How the audit writer stands, from shared memory.';

CREATE FUNCTION lpr.audit_status(
    OUT writer text,
    OUT reason text,
    OUT waiting_bytes bigint,
    OUT waiting_changes bigint,
    OUT records bigint,
    OUT last_record_at timestamp with time zone,
    OUT checkpointed bigint,
    OUT last_checkpoint_at timestamp with time zone,
    OUT undelivered bigint
)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT w.state, w.reason, w.waiting_bytes INTO writer, reason, waiting_bytes FROM lpr_data.writer() AS w;
    waiting_changes := (SELECT count(*) FROM lpr_data.change);
    IF to_regclass('lpr_data.audit') IS NOT NULL THEN
        SELECT a.number, a.at INTO records, last_record_at FROM lpr_data.audit AS a WHERE a.at >= (SELECT max(m.at) FROM lpr_data.checkpoint AS m) - interval '1 day' ORDER BY a.number DESC LIMIT 1;
        SELECT max(c.size), max(c.at) INTO checkpointed, last_checkpoint_at FROM lpr_data.checkpoint AS c;
        undelivered := (SELECT count(*) FROM lpr_data.checkpoint AS c WHERE NOT EXISTS (SELECT FROM lpr_data.delivery AS d WHERE d.size = c.size));
    END IF;
END
$$;
REVOKE ALL ON FUNCTION lpr.audit_status() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lpr.audit_status() TO lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON FUNCTION lpr.audit_status() IS
    'How the audit stands, one row: writer (ready; stuck, with the reason; starting; down), what waits for it, records of the log, records that the newest checkpoint covers, checkpoints that were not handed over to lpr.checkpoint_directory or lpr.checkpoint_command.';
-- 50-gate: the rules of the gate, where an auditor can read them: psql's \sf lpr_data.gate shows them.
--
-- The audit writer asks this function about every question, in its own transaction and with a fresh snapshot, before anything is asked or shown. What it is
-- given was taken from the session by the library, not from anything that a person can set.

CREATE FUNCTION lpr_data.has_dialect_mode(source text, mode text)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_has_dialect_mode';
REVOKE ALL ON FUNCTION lpr_data.has_dialect_mode(text, text) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.has_dialect_mode(text, text) IS 'Whether the dialect of a source can be asked by plate, location or vehicle (Q11).';

CREATE FUNCTION lpr_data.gate(
    login oid,
    same_user boolean,
    remote boolean,
    encrypted boolean,
    source text,
    mode text,
    event_id bigint,
    since timestamp with time zone,
    until timestamp with time zone
)
    RETURNS TABLE (control text, sqlstate text, message text, detail text, hint text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    -- One line a rule: what must be true, else its control, SQLSTATE, message, what the rule is, what to do. The first that is not kept refuses.
    SELECT r.refusal[1], r.refusal[2],
           replace(replace(replace(r.refusal[3], '{source}', coalesce(source, '?')), '{login}', coalesce(login::regrole::text, '?')),
                   '{mode}', CASE mode WHEN 'location' THEN 'place' ELSE coalesce(mode, '?') END),
           r.refusal[4], r.refusal[5]
    FROM (SELECT CASE
        WHEN (same_user) IS NOT TRUE THEN ARRAY['A1', 'LP021', 'the session''s user is not the login that connected',
            'Questions are asked by the login that authenticated, as itself.', 'RESET SESSION AUTHORIZATION; or connect as yourself.']
        WHEN (pg_has_role(login, 'lpr_user', 'MEMBER')) IS NOT TRUE THEN ARRAY['A1', 'LP022', 'login {login} may not ask',
            'Only members of role lpr_user ask.', 'Ask an administrator for access.']
        WHEN (encrypted OR NOT remote) IS NOT TRUE THEN ARRAY['A6', 'LP023', 'the connection is not encrypted',
            'Over a network a question is asked through TLS only.', 'Connect with sslmode=verify-full.']
        WHEN (mode IN ('plate', 'location', 'vehicle')) IS NOT TRUE THEN ARRAY['Q2', 'LP001', 'the question has no anchor',
            'A question starts from a plate, a place or the make of a vehicle.', 'Use lpr.search_plate(…), lpr.search_location(…) or lpr.search_vehicle(…).']
        WHEN (EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = source AND s.enabled AND s.approved_on <= lpr_data.utc_today())) IS NOT TRUE THEN ARRAY['Q10', 'LP003', 'source "{source}" is not enabled',
            'A source is asked only once its privacy assessment is on record as approved.', 'Ask an administrator to record it with lpr.approve_source(…).']
        WHEN (SELECT has_server_privilege(login, f.oid, 'USAGE') FROM pg_foreign_server AS f WHERE f.srvname = source) IS NOT TRUE THEN ARRAY['Q10', 'LP004',
            'source "{source}" is not granted to you', 'A source is asked only by those it was granted to.', 'Ask an administrator to be granted the source.']
        WHEN (lpr_data.has_dialect_mode(source, mode)) IS NOT TRUE THEN ARRAY['Q11', 'LP005', 'source "{source}" cannot be asked by {mode}',
            'Not every vendor can be asked by plate, by place and by vehicle.', 'SELECT * FROM lpr.sources; tells what each source can be asked by.']
        WHEN (since >= clock_timestamp() - interval '5 years 1 minute' AND since <= until) IS NOT TRUE THEN ARRAY['Q6', 'LP006', 'the question reaches back more than five years',
            'Nothing older than five years is asked for.', 'Ask for a shorter time.']
        END OFFSET 0) AS r (refusal) -- OFFSET 0: decided once, not once a column
    WHERE r.refusal IS NOT NULL
$$;
REVOKE ALL ON FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, text, text, bigint, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, text, text, bigint, timestamptz, timestamptz) IS
    'The gate: no row lets a question through, a row refuses it, with control, SQLSTATE, message, detail and hint. Asked by the audit writer about every question to every source, before it is sent or answered. A rule that can not be decided refuses.';
