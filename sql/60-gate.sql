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
