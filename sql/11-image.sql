-- 11-image: images, which can show persons (Q3a). They are in a table of their own and in no everyday row: who wants
-- them names it. It is asked as lpr.reads is; an image is fetched for a row that is shown, when its column is.

CREATE TABLE lpr.images (
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
    has_images boolean NOT NULL,
    plate_image bytea,
    vehicle_image bytea
) PARTITION BY LIST (source);
GRANT SELECT ON lpr.images TO lpr_user;
COMMENT ON TABLE lpr.images IS
    'The reads of lpr.reads with their images, which can show persons (Q3a): asked by the same conditions, through the '
    'same gate. An image that is selected is fetched from the vendor; the cache has none. Images of one read: WHERE '
    'plate = ... AND read_id = ...; those of rows that do not meet a condition are not fetched.';
-- Its columns are those of lpr.reads.
DO $$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT a.attname, pg_catalog.col_description(a.attrelid, a.attnum) AS comment
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = 'lpr.reads'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
          AND a.attname <> 'has_images'
    LOOP
        EXECUTE pg_catalog.format('COMMENT ON COLUMN lpr.images.%I IS %L', shown.attname, shown.comment);
    END LOOP;
END
$$;
COMMENT ON COLUMN lpr.images.has_images IS 'Whether the vendor has an image of the read.';
COMMENT ON COLUMN lpr.images.plate_image IS
    'Image of the plate as the vendor has it, fetched only when this column is selected; NULL when the vendor has '
    'none or it could not be fetched, which is told.';
COMMENT ON COLUMN lpr.images.vehicle_image IS 'Image of the vehicle, as plate_image.';
