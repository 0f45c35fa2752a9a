-- 16-refresh: when a vendor last refreshed its data (Q9a). What is old is told with each answer, and blocks none.

CREATE FUNCTION lpr.note_refresh(source text, refreshed_at timestamp with time zone DEFAULT NULL)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET datestyle = 'ISO'
    SET timezone = 'UTC'
AS $$
DECLARE
    noted timestamptz := coalesce(note_refresh.refreshed_at, clock_timestamp());
BEGIN
    PERFORM lpr_data.watching('Q9a', 'lpr_system_owner', 'lpr_admin');
    IF NOT isfinite(noted) OR noted > clock_timestamp() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a moment of a refresh: %s', noted),
            DETAIL = format('A refresh is recorded after it was made; now it is %s.', clock_timestamp()),
            HINT = format('SELECT lpr.note_refresh(%L); says that it was just now.', source);
    END IF;
    UPDATE lpr_data.source AS s SET refreshed_at = noted WHERE s.name = note_refresh.source COLLATE "C";
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('source "%s" does not exist', coalesce(source, 'NULL')),
            HINT = 'SELECT source FROM lpr.sources;';
    END IF;
    RETURN noted;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.note_refresh(text, timestamptz) TO lpr_system_owner, lpr_admin;
COMMENT ON FUNCTION lpr.note_refresh(text, timestamptz) IS
    'A system owner, an administrator, or a service of theirs, records when the vendor of a source last refreshed its '
    'data: just now, unless refreshed_at says when, never in the future; an earlier moment corrects a wrong one. It '
    'stands in lpr.sources and lpr.last_query(). A source that was not refreshed within the last day says so in a '
    'notice of each answer, and is asked all the same (Q9a). Errors LP024, LP033, LP023.';
