-- 50-gate: the rules of the gate, where an auditor can read them: psql's \sf lpr_data.gate shows them.
--
-- The audit writer asks this function about every question, in its own transaction and with a fresh snapshot, before anything is asked or shown. What it is
-- given was taken from the session by the library, not from anything that a person can set.

CREATE FUNCTION lpr_data.has_dialect_mode(source text, mode text)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_has_dialect_mode';
COMMENT ON FUNCTION lpr_data.has_dialect_mode(text, text) IS 'Whether the dialect of a source can be asked by plate, location or vehicle (Q11).';

CREATE FUNCTION lpr_data.asked(scope text, per text, login oid, event_id bigint)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_judge_asked';
COMMENT ON FUNCTION lpr_data.asked(text, text, oid, bigint) IS 'How many questions a person (scope) asked, or were asked for an event, within the last hour or day. Known to the audit writer only; elsewhere an error.';

CREATE FUNCTION lpr_data.gate(
    login oid,
    same_user boolean,
    remote boolean,
    encrypted boolean,
    client boolean,
    agreed integer,
    source text,
    mode text,
    event_id bigint,
    since timestamp with time zone,
    until timestamp with time zone,
    radius_m double precision,
    address_length integer
)
    RETURNS TABLE (control text, sqlstate text, message text, detail text, hint text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    -- One line a rule: what must be true, else its control, SQLSTATE, message, what the rule is, what to do. The first that is not kept refuses.
    SELECT r.refusal[1], r.refusal[2],
           replace(replace(replace(replace(replace(r.refusal[3], '{source}', coalesce(gate.source, '?')), '{login}', coalesce(gate.login::regrole::text, '?')),
                   '{mode}', CASE gate.mode WHEN 'location' THEN 'place' ELSE coalesce(gate.mode, '?') END),
                   '{event}', coalesce(gate.event_id::text, '?')), '{system}', coalesce(e.system, '?')),
           r.refusal[4], r.refusal[5]
    FROM (VALUES (true)) AS one
    LEFT JOIN pg_authid AS u ON u.oid = gate.login
    LEFT JOIN lpr_data.person AS p ON p.login = u.rolname::text COLLATE "C"
    LEFT JOIN lpr_data.event AS e ON e.event_id = gate.event_id
    LEFT JOIN lpr_data.search_limit AS l ON l.mode = gate.mode
    CROSS JOIN LATERAL (SELECT CASE
        WHEN (gate.same_user) IS NOT TRUE THEN ARRAY['A1', 'LP021', 'the session''s user is not the login that connected',
            'Questions are asked by the login that authenticated, as itself.', 'RESET SESSION AUTHORIZATION; or connect as yourself.']
        WHEN (NOT u.rolsuper AND pg_has_role(u.oid, 'lpr_user', 'MEMBER')) IS NOT TRUE THEN ARRAY['A1', 'LP022', 'login {login} may not ask',
            'Only members of role lpr_user ask, and no superuser.', 'Ask an administrator for access.']
        WHEN (gate.encrypted OR NOT gate.remote) IS NOT TRUE THEN ARRAY['A6', 'LP023', 'the connection is not encrypted',
            'Over a network a question is asked through TLS only.', 'Connect with sslmode=verify-full.']
        WHEN (gate.client) IS NOT TRUE THEN ARRAY['A5', 'LP029', 'nobody is connected who could agree to the rules',
            'Questions are asked by a person at a client, not by a job or another session of this server.', 'Connect with a client of your own.']
        WHEN (p.left_at IS NULL AND p.kind = 'personal' AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = u.oid)) IS NOT TRUE THEN ARRAY['A1', 'LP024', 'login {login} is not one person''s own',
            'Questions are asked under the personal login of a registered person, which no other role is a member of.', 'Ask an administrator: lpr.add_person(…) registers you, under a login that is nobody else''s.']
        WHEN (gate.agreed = (SELECT max(t.version) FROM lpr_data.rules AS t)) IS NOT TRUE THEN ARRAY['A5', 'LP028', 'you have not agreed to the rules in this session',
            'Before the first question of a session its user agrees to the rules of use, as they stand now.', 'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''…the code…'');']
        WHEN (gate.mode IN ('plate', 'location', 'vehicle', 'saved')) IS NOT TRUE THEN ARRAY['Q2', 'LP001', 'the question has no anchor',
            'A question starts from a plate, a place or the make of a vehicle.', 'Use lpr.search_plate(…), lpr.search_location(…) or lpr.search_vehicle(…).']
        WHEN (gate.event_id IS NOT NULL) IS NOT TRUE THEN ARRAY['Q7', 'LP040', 'the question names no event',
            'Every question is asked for an open event of one''s own.', 'SELECT lpr.work_on(…); names one for this session, event_id => … for one question; SELECT * FROM lpr.events; shows yours.']
        WHEN (EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.person_id = p.person_id AND m.event_id = gate.event_id)) IS NOT TRUE THEN ARRAY['Q7', 'LP041', 'event {event} is not yours',
            'A question is asked for an event whose owner or member one is, and which is committed.', 'SELECT * FROM lpr.events; shows yours. If you have just opened it: COMMIT first.']
        WHEN (gate.mode = 'saved' OR e.closed_at IS NULL AND clock_timestamp() >= e.opened_at AND clock_timestamp() < e.ends_at) IS NOT TRUE THEN ARRAY['Q7', 'LP042', 'event {event} is over',
            'A question is asked for an event that is open, within its dates.', 'SELECT * FROM lpr.events; tells its dates. Its owner can extend it unless it is closed: lpr.extend_event(…).']
        WHEN (EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = p.person_id AND a.state = 'granted' AND clock_timestamp() >= a.granted_at AND clock_timestamp() < a.ends_at
                      AND e.system = ANY (a.systems) AND (gate.mode = 'saved' OR gate.source = ANY (a.sources) AND gate.mode = ANY (a.modes)))) IS NOT TRUE THEN ARRAY['A7', 'LP025', CASE gate.mode WHEN 'saved' THEN 'you have no access for system {system}' ELSE 'you have no access to source "{source}" by {mode} for system {system}' END,
            'An entitlement covers systems, sources and search modes, was approved twice, and ends.', 'SELECT * FROM lpr.my_access; shows what you have, lpr.request_access(…) requests more.']
        WHEN ((SELECT count(*) >= 4 AND bool_and(EXISTS (SELECT FROM lpr_data.training AS t
                      WHERE t.person_id = p.person_id AND t.course = c.code AND clock_timestamp() >= t.recorded_at AND clock_timestamp() < t.valid_until))
               FROM lpr_data.course AS c WHERE c.required)) IS NOT TRUE THEN ARRAY['A3', 'LP026', 'your training is not current',
            'All required courses must have been completed within the last year.', 'SELECT * FROM lpr.my_access; shows which are missing; a training officer records them.']
        WHEN (clock_timestamp() < coalesce((SELECT max(c.valid_until) FROM lpr_data.recertification AS c WHERE c.person_id = p.person_id AND clock_timestamp() >= c.at),
                      (SELECT min(a.granted_at) FROM lpr_data.access AS a WHERE a.person_id = p.person_id) + interval '1 year')) IS NOT TRUE THEN ARRAY['A4', 'LP027', 'your access has not been recertified',
            'A government lead confirms every access once a year.', 'Ask a government lead: SELECT lpr.recertify(…).']
        -- What is kept for an event was asked of a source already: here its rules end.
        WHEN (gate.mode = 'saved') THEN NULL
        WHEN (EXISTS (SELECT FROM lpr_data.source AS s WHERE s.name = gate.source AND s.enabled AND s.approved_on <= lpr_data.utc_today())) IS NOT TRUE THEN ARRAY['Q10', 'LP003', 'source "{source}" is not enabled',
            'A source is asked only once its privacy assessment is on record as approved.', 'Ask an administrator to record it with lpr.approve_source(…).']
        WHEN (SELECT has_server_privilege(gate.login, f.oid, 'USAGE') FROM pg_foreign_server AS f WHERE f.srvname = gate.source) IS NOT TRUE THEN ARRAY['Q10', 'LP004',
            'source "{source}" is not granted to you', 'A source is asked only by those it was granted to.', 'Ask an administrator to be granted the source.']
        WHEN (lpr_data.has_dialect_mode(gate.source, gate.mode)) IS NOT TRUE THEN ARRAY['Q11', 'LP005', 'source "{source}" cannot be asked by {mode}',
            'Not every vendor can be asked by plate, by place and by vehicle.', 'SELECT * FROM lpr.sources; tells what each source can be asked by.']
        WHEN (gate.since >= clock_timestamp() - interval '5 years 1 minute' AND gate.since <= gate.until) IS NOT TRUE THEN ARRAY['Q6', 'LP006', 'the question reaches back more than five years',
            'Nothing older than five years is asked for.', 'Ask for a shorter time.']
        WHEN (gate.mode = 'plate' OR gate.radius_m <= l.radius_m
              OR gate.radius_m IS NULL AND (CASE gate.mode WHEN 'location' THEN gate.address_length >= l.address_length ELSE l.radius_m IS NULL END)) IS NOT TRUE THEN ARRAY['Q8', 'LP044', 'the question covers too large an area',
            'Without a plate a question stays within the area that lpr.limits shows.', 'Take a smaller radius_m, or a point with a radius instead of the address.']
        WHEN (gate.mode = 'plate' OR gate.since >= gate.until - l.span - interval '10 minutes') IS NOT TRUE THEN ARRAY['Q8', 'LP045', 'the question covers too long a time',
            'Without a plate a question stays within the time that lpr.limits shows.', 'Name a shorter time, for instance since => now() - interval ''7 days''.']
        WHEN ((SELECT count(*) = 4 AND bool_and(lpr_data.asked(q.scope, q.per, gate.login, gate.event_id) < q.questions) FROM lpr_data.rate_limit AS q)) IS NOT TRUE THEN ARRAY['Q8', 'LP046', 'too many questions were asked',
            'A person asks, and for an event is asked, only so much within an hour and a day; lpr.limits shows it.', 'Wait, or ask an administrator.']
        END OFFSET 0) AS r (refusal) -- OFFSET 0: decided once, not once a column
    WHERE r.refusal IS NOT NULL
$$;
COMMENT ON FUNCTION lpr_data.gate(oid, boolean, boolean, boolean, boolean, integer, text, text, bigint, timestamptz, timestamptz, double precision, integer) IS
    'The gate: no row lets a question through, a row refuses it, with control, SQLSTATE, message, detail and hint. Asked by the audit writer about every question to every source, before it is sent or answered. A rule that can not be decided refuses.';
