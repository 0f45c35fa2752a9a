-- 50-gate: the rules of the gate, where an auditor can read them: psql's \sf shows them.
--
-- The audit writer asks lpr_data.gate() about every question, in its own transaction and with a fresh snapshot, before
-- anything is asked or shown. What it is given was taken from the session by the library, not from anything that a
-- person can set.
--
-- The gate has three parts, and a rule stands in one of them:
--   session    who asks, how they are connected, what they agreed to
--   person     what this person may ask for this event, of this source, in this mode, and until when
--   question   what is asked: targets, time, area, number
-- A rule is one WHEN: what must be true, else its control, SQLSTATE, message, what the rule is, what to do. A rule that
-- cannot be decided (NULL) refuses. The first that refuses is the one that is told. All are decided at one moment. What
-- holds of a person, and until when, is said once where its tables are: lpr_data.entitlements(),
-- lpr_data.memberships(), lpr_data.required_courses(), lpr_data.certification(). lpr.my_access is made of the same.

CREATE FUNCTION lpr_data.has_dialect_mode(source text, mode text)
    RETURNS boolean
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_has_dialect_mode';
COMMENT ON FUNCTION lpr_data.has_dialect_mode(text, text) IS
    'Whether the dialect of a source can be asked by plate, location or vehicle (Q11).';

CREATE FUNCTION lpr_data.used(scope text, what text, login oid, event_id bigint)
    RETURNS bigint
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_judge_used';
COMMENT ON FUNCTION lpr_data.used(text, text, oid, bigint) IS
    'How many plates a person (scope), or somebody for an event, asked within the last hour or day (what), the '
    'question at hand and those judged with it included; or how many that nobody named the answers of the last day '
    'have shown (shown). Known to the audit writer only; elsewhere an error.';

CREATE FUNCTION lpr_data.used_until(scope text, what text, login oid, event_id bigint, most bigint)
    RETURNS timestamp with time zone
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_judge_used_until';
COMMENT ON FUNCTION lpr_data.used_until(text, text, oid, bigint, bigint) IS
    'When no more than that is used, if nothing is added; NULL: not within a day.';

CREATE FUNCTION lpr_data.tell_used("limit" text, what text, q lpr_data.question)
    RETURNS text
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    SELECT format('%s %s %s: %s of at most %s%s. %s',
                  CASE what WHEN 'shown' THEN 'Plates shown that nobody named,' ELSE 'Plates asked' END,
                  CASE r.scope WHEN 'person' THEN 'by you' ELSE format('for event %s', q.event_id) END,
                  CASE r.per WHEN 'hour' THEN 'within an hour' ELSE 'within a day' END, u.used, u.most,
                  CASE WHEN what <> 'shown' THEN format(', with the %s of this question', n.plates) ELSE '' END,
                  coalesce('It goes on at ' || to_char(lpr_data.used_until(r.scope, what, q.login, q.event_id,
                                                                           u.most - n.plates), 'YYYY-MM-DD HH24:MI')
                           || ' UTC.', 'So many are never asked at once.'))
    FROM lpr_data.rate_limit AS r
    CROSS JOIN LATERAL (SELECT lpr_data.used(r.scope, what, q.login, q.event_id) AS used,
                               CASE what WHEN 'shown' THEN r.plates ELSE r.questions END AS most) AS u
    CROSS JOIN LATERAL (SELECT greatest(cardinality(q.plates), 1) AS plates) AS n
    WHERE r.name = tell_used."limit" COLLATE "C"
$$;
COMMENT ON FUNCTION lpr_data.tell_used(text, text, lpr_data.question) IS
    'Which limit is reached, how much is used, and from when on it goes on, for the detail of a refusal.';

CREATE FUNCTION lpr_data.is_private(q lpr_data.question)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
RETURN (q).encrypted OR NOT (q).remote;
COMMENT ON FUNCTION lpr_data.is_private(lpr_data.question) IS
    'Whether the connection cannot be read on its way: through TLS, or on this machine (A6).';

CREATE FUNCTION lpr_data.asker(login oid, moment timestamp with time zone)
    RETURNS TABLE (person_id integer, may_ask boolean, registered boolean, personal boolean, name text,
                   known_until timestamp with time zone, apart boolean)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT p.person_id,
           NOT u.rolsuper AND lpr_data.takes_part(u.oid, 'lpr_user'),
           p.person_id IS NOT NULL AND p.left_at IS NULL,
           p.left_at IS NULL AND p.kind = 'personal'
               AND (SELECT min(m.member) FROM pg_auth_members AS m WHERE m.roleid = u.oid) IS NULL, -- by an index
           u.rolname::text,
           CASE WHEN p.kind <> 'personal' OR p.personnel_hash IS NOT NULL THEN 'infinity' ELSE r.until END,
           NOT EXISTS (SELECT FROM lpr_data.role_conflict AS c
                       WHERE c.role = 'lpr_user' AND lpr_data.takes_part(u.oid, c.other)
                          OR c.other = 'lpr_user' AND lpr_data.takes_part(u.oid, c.role))
    FROM (VALUES (true)) AS one
    LEFT JOIN pg_roles AS u ON u.oid = asker.login
    LEFT JOIN lpr_data.person AS p ON p.login = u.rolname::text COLLATE "C"
    LEFT JOIN lpr_data.grace AS r ON r.what = 'personnel_numbers' AND asker.moment >= r.since
$$;
COMMENT ON FUNCTION lpr_data.asker(oid, timestamp with time zone) IS
    'Who is behind a login: one row. may_ask: a member of lpr_user and no superuser; registered: to a person who has '
    'not left; personal: to that person alone (A1); known_until: infinity when the personnel number is on record, or '
    'it is no person''s, else as long as an update lets that pass, or NULL; apart: from all roles that must be apart '
    'from lpr_user (A8).';

CREATE FUNCTION lpr_data.gate_session(q lpr_data.question, moment timestamp with time zone, duty boolean DEFAULT false)
    RETURNS TABLE (decided boolean, person_id integer, holds_until timestamp with time zone, refusal text[])
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT true, a.person_id, least(g.until, a.known_until), CASE
        WHEN (q.same_user) IS NOT TRUE THEN ARRAY['A1', 'LP021',
            'the session''s user is not the login that connected',
            'Questions are asked by the login that authenticated, as itself.',
            'RESET SESSION AUTHORIZATION; or connect as yourself.']
        WHEN (duty OR a.may_ask) IS NOT TRUE THEN ARRAY['A1', 'LP022',
            'login {login} may not ask',
            'Only members of role lpr_user ask, and no superuser.',
            'Ask an administrator for access.']
        WHEN (duty OR a.apart) IS NOT TRUE THEN ARRAY['A8', 'LP038',
            'login {login} is a member of a role that is apart from lpr_user',
            'Who asks holds no role that decides about those who ask: lpr.roles_apart shows the pairs.',
            'Have that role taken away, or ask under the login of somebody who has it not: SELECT * FROM '
            'lpr.roles_apart;']
        WHEN (lpr_data.is_private(q)) IS NOT TRUE THEN ARRAY['A6', 'LP023',
            'the connection is not encrypted',
            'Over a network a question is asked through TLS only.',
            'Connect with sslmode=verify-full.']
        WHEN (n.kind IS NOT NULL) IS NOT TRUE THEN ARRAY['A6', 'LP037',
            'you are connected from a network that is not the agency''s',
            'People connect from networks that an administrator has named.',
            format('Ask an administrator: SELECT lpr.add_client_network(%L, ''direct'');',
                   CASE WHEN q.remote THEN q.address ELSE 'local' END)]
        WHEN (q.client) IS NOT TRUE THEN ARRAY['A5', 'LP029',
            'no person is connected who could agree to the rules',
            'Questions are asked by a person at a client, not by a job or another session of this server.',
            'Connect with a client of your own.']
        WHEN (a.personal) IS NOT TRUE THEN ARRAY['A1', 'LP024',
            'login {login} is not one person''s own',
            'Questions are asked under the personal login of a registered person, which no other role is a member of.',
            'Ask an administrator: lpr.add_person(...) registers you, under a login of your own.']
        WHEN (moment < a.known_until) IS NOT TRUE THEN ARRAY['A8', 'LP036',
            'no personnel number of login {login} is on record',
            'One human being has one active personal login, known by the personnel number.',
            'Ask an administrator: SELECT lpr.change_person(...your login..., personnel_number => ''...'');']
        WHEN (g.given) IS NOT TRUE THEN ARRAY['A5', 'LP028',
            'you have not agreed to the rules in this session',
            'Before anything is shown in a session its user agrees to the rules of use, as they stand now, of the '
            'systems that they have access to.',
            'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...'');']
        WHEN (q.passing OR n.kind = 'direct') IS NOT TRUE THEN ARRAY['A5', 'LP028',
            'behind a pooler what was agreed to holds for one transaction',
            'A pooler hands the session of one client on to the next, so each transaction says what it goes by.',
            'BEGIN; SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...''); returns the call that '
            'each further transaction begins with.']
        WHEN (g.here) IS NOT TRUE THEN ARRAY['A5', 'LP028',
            'you were away for some time',
            'After a time without any statement the agreement to the rules is renewed.',
            -- A code that renews goes with the transaction that this ends.
            CASE n.kind WHEN 'pooler'
                 THEN 'ROLLBACK; BEGIN; SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...'');'
                 ELSE 'SELECT lpr.accept_rules(''{accept}'');' END]
        END
    FROM lpr_data.asker(q.login, moment) AS a
    CROSS JOIN lpr_data.network_of(q.remote, q.address) AS n
    LEFT JOIN LATERAL lpr_data.agreement(q, a.person_id, moment) AS g ON true
$$;
COMMENT ON FUNCTION lpr_data.gate_session(lpr_data.question, timestamp with time zone, boolean) IS
    'The gate''s first part: who asks, how they are connected, what they agreed to. One row: the person, and the rule '
    'that refuses or NULL (A1, A5, A6, A8); until when the agreement, and a grace for the personnel number, hold at '
    'most. duty: somebody reads by duty, whose role was looked at (A9).';

CREATE FUNCTION lpr_data.gate_person(q lpr_data.question, person_id integer, moment timestamp with time zone)
    RETURNS TABLE (decided boolean, system text, holds_until timestamp with time zone, refusal text[])
    LANGUAGE sql STABLE ROWS 1
AS $$
    -- Saved reads are looked at after their event has ended too, and no source is asked: some rules are not for them.
    SELECT true, e.system,
           least(CASE WHEN q.mode <> 'saved' THEN least(e.ends_at, r.until) END, a.until, t.until, c.until),
           CASE
        WHEN (q.mode IN ('plate', 'location', 'vehicle', 'saved')) IS NOT TRUE THEN ARRAY['Q2', 'LP001',
            'the question has no anchor',
            'A question starts from a plate, a place, or the make or model of a vehicle within one.',
            'Use lpr.search_plate(...), lpr.search_location(...) or lpr.search_vehicle(...).']
        WHEN (q.event_id IS NOT NULL) IS NOT TRUE THEN ARRAY['Q7', 'LP040',
            'the question names no event',
            'Every question is asked for an open event of your own.',
            'SELECT lpr.work_on(...); names one for this session, event_id => ... for one question; SELECT * FROM '
            'lpr.events; shows yours.']
        WHEN (e.event_id IS NOT NULL) IS NOT TRUE THEN ARRAY['Q7', 'LP041',
            'event {event} does not exist or is not yours',
            'A question is asked for an event that you own or are a member of, and that is committed.',
            'SELECT * FROM lpr.events; shows yours. If you have just opened it: COMMIT first.']
        WHEN (q.mode = 'saved' OR e.open) IS NOT TRUE THEN ARRAY['Q7', 'LP042',
            'event {event} is not open',
            'A question is asked for an event that is open, within its dates, and whose owner has not left.',
            'SELECT * FROM lpr.events; tells its state and dates. Its owner can extend it unless it is closed: '
            'lpr.extend_event(...). One that waits is handed over by a supervisor: lpr.hand_over(...).']
        WHEN (moment < a.until) IS NOT TRUE THEN ARRAY['A7', 'LP025',
            CASE q.mode WHEN 'saved' THEN 'you have no access for system {system}'
                        ELSE 'you have no access to source "{source}" by {mode} for system {system}' END,
            'An entitlement covers systems, sources and search modes, was approved twice, and ends.',
            'SELECT * FROM lpr.my_access; shows what you have, lpr.request_access(...) requests more.']
        WHEN (t.courses >= 6 AND t.complete) IS NOT TRUE THEN ARRAY['A3', 'LP026',
            'your training is not current',
            'All required courses must have been completed within the last year.',
            'SELECT * FROM lpr.my_access; shows which are missing; a training officer records them.']
        WHEN (moment < c.until) IS NOT TRUE THEN ARRAY['A4', 'LP027',
            'your access has not been recertified',
            'A government lead confirms every access once a year.',
            'Ask a government lead: SELECT lpr.recertify(...).']
        WHEN (q.mode = 'saved') THEN NULL
        WHEN (s.enabled AND s.approved_on <= lpr_data.utc_today()) IS NOT TRUE THEN ARRAY['Q10', 'LP003',
            'source "{source}" is not enabled',
            'A source is asked only once its privacy assessment is on record as approved.',
            'Ask the privacy officer to record it with lpr.approve_source(...).']
        WHEN (s.published_on <= lpr_data.utc_today() OR moment < r.until) IS NOT TRUE THEN ARRAY['Q10', 'LP003',
            'the privacy assessment of source "{source}" is not published',
            'A source is asked from the day on which its privacy assessment is published.',
            'SELECT source, published_on FROM lpr.sources; tells the day; the privacy officer records it with '
            'lpr.approve_source(..., published_on => ...).']
        WHEN (SELECT has_server_privilege(q.login, f.oid, 'USAGE')
              FROM pg_foreign_server AS f WHERE f.srvname = q.source) IS NOT TRUE THEN ARRAY['Q10', 'LP004',
            'source "{source}" is not granted to you',
            'A source is asked only by those it was granted to.',
            'Ask an administrator to be granted the source.']
        WHEN (lpr_data.has_dialect_mode(q.source, q.mode)) IS NOT TRUE THEN ARRAY['Q11', 'LP005',
            'source "{source}" cannot be asked by {mode}',
            'Not every vendor can be asked by plate, by place and by vehicle.',
            'SELECT * FROM lpr.sources; tells what each source can be asked by.']
        END
    FROM (VALUES (true)) AS one
    LEFT JOIN lpr_data.memberships(gate_person.person_id, moment) AS e ON e.event_id = q.event_id
    LEFT JOIN lpr_data.source AS s ON s.name = q.source
    -- An update lets pass for some days that no day of publication is on record.
    LEFT JOIN lpr_data.grace AS r ON r.what = 'sources' AND s.published_on IS NULL AND moment >= r.since
    CROSS JOIN LATERAL (SELECT max(x.ends_at) AS until
                        FROM lpr_data.entitlements(gate_person.person_id, moment) AS x
                        WHERE x.holds AND e.system = ANY (x.systems)
                          AND (q.mode = 'saved' OR q.source = ANY (x.sources) AND q.mode = ANY (x.modes))) AS a
    CROSS JOIN LATERAL (SELECT count(*) AS courses, bool_and(coalesce(moment < x.until, false)) AS complete,
                               min(x.until) AS until
                        FROM lpr_data.required_courses(gate_person.person_id, moment) AS x) AS t
    CROSS JOIN lpr_data.certification(gate_person.person_id, moment) AS c
$$;
COMMENT ON FUNCTION lpr_data.gate_person(lpr_data.question, integer, timestamp with time zone) IS
    'The gate''s second part: what a person may ask for an event, of a source, in a mode. One row: the event''s '
    'system; until when all of it holds, if nobody changes anything: the first moment at which one of its conditions '
    'ends; and the rule that refuses or NULL (Q7, Q10, Q11, A3, A4, A7).';

CREATE FUNCTION lpr_data.gate_target(q lpr_data.question, moment timestamp with time zone)
    RETURNS TABLE (decided boolean, holds_until timestamp with time zone, refusal text[])
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT true, CASE q.mode WHEN 'plate' THEN p.until ELSE o.until END, CASE
        WHEN (q.mode = 'saved') THEN NULL
        WHEN (q.mode <> 'plate' OR p.ruled_out IS NULL) IS NOT TRUE THEN ARRAY['Q12', 'LP048',
            format('plate "%s" was ruled out as a target of event %s', p.ruled_out, q.event_id),
            'A target that was ruled out is asked no more.',
            format('SELECT * FROM lpr.targets WHERE event = %s; tells why. With new evidence lpr.add_target(...) '
                   'proposes it anew, and your supervisor confirms it.', q.event_id)]
        WHEN (q.mode <> 'plate' OR cardinality(q.plates) > 0 AND p.strangers = 0) IS NOT TRUE THEN ARRAY['Q12', 'LP047',
            CASE WHEN p.strangers = 1 THEN format('plate "%s" is no target of event %s', p.first, q.event_id)
                 ELSE format('%s of the plates asked are no targets of event %s', p.strangers, q.event_id) END,
            'What is asked is a target of the event, with its relation to the matter and its evidence; and committed.',
            CASE WHEN p.strangers = 1
                 THEN format('SELECT lpr.add_target(%s, plate => %L, relation => ''...'', evidence_kind => ''...'', '
                             'evidence_reference => ''...'', basis => ''...'');', q.event_id, p.first)
                 ELSE format('SELECT lpr.add_targets(%s, plates => ''{%s,...}'', relation => ''...'', evidence_kind => '
                             '''...'', evidence_reference => ''...'', basis => ''...'');', q.event_id, p.first) END]
        WHEN (q.mode = 'plate' OR o.until IS NOT NULL) IS NOT TRUE THEN ARRAY['Q12', 'LP047',
            format('the %s asked is no target of event %s', CASE q.mode WHEN 'location' THEN 'place' ELSE q.mode END,
                   q.event_id),
            'What is asked is a target of the event, with its relation to the matter and its evidence; and committed.',
            format('SELECT lpr.add_target(%s, %s, relation => ''...'', evidence_kind => ''...'', evidence_reference => '
                   '''...'', basis => ''...'');', q.event_id,
                   CASE q.mode WHEN 'vehicle' THEN concat_ws(', ', 'make => ' || quote_literal(q.make),
                                                             'model => ' || quote_literal(q.model))
                               ELSE concat_ws(', ', 'latitude => ' || q.latitude, 'longitude => ' || q.longitude,
                                              'address => ' || quote_literal(q.place)) END)]
        END
    FROM (VALUES (true)) AS one
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE x.until IS NULL) AS strangers,
               min(a.plate) FILTER (WHERE x.until IS NULL) AS first, min(x.until) AS until,
               min(a.plate) FILTER (WHERE x.until IS NULL AND x.ruled_out) AS ruled_out
        FROM unnest(CASE WHEN q.mode = 'plate' THEN q.plates END) AS a (plate)
        CROSS JOIN LATERAL (
            SELECT max(t.good_until) FILTER (WHERE t.ended_at IS NULL AND moment < t.good_until) AS until,
                   bool_or(t.end_kind = 'ruled_out') AS ruled_out
            FROM lpr_data.target AS t
            WHERE t.event_id = q.event_id AND t.shape = lpr_data.plate_shape(a.plate)) AS x) AS p
    CROSS JOIN LATERAL (
        -- Of what reads at a place that is a target, any vehicle. Kind by kind: an event has many plates.
        SELECT max(x.until) AS until
        FROM unnest(CASE q.mode WHEN 'location' THEN '{address}'
                                WHEN 'vehicle' THEN '{address,vehicle}' END::text[]) AS k (kind)
        CROSS JOIN LATERAL (
            SELECT max(t.good_until) AS until
            FROM lpr_data.target AS t
            WHERE t.event_id = q.event_id AND t.kind = k.kind AND t.ended_at IS NULL AND moment < t.good_until
              AND CASE WHEN t.kind = 'vehicle'
                       THEN coalesce(q.make = t.make, t.make IS NULL) AND coalesce(q.model = t.model, t.model IS NULL)
                       WHEN q.latitude IS NOT NULL
                       THEN lpr.distance_m(q.latitude, q.longitude, t.latitude, t.longitude) <= t.radius_m
                       ELSE lpr.address_contains(q.place, t.address) END) AS x) AS o
$$;
COMMENT ON FUNCTION lpr_data.gate_target(lpr_data.question, timestamp with time zone) IS
    'Of the gate''s third part: whether what is asked is a target of the event (Q12). One row: until when it is, if '
    'nobody ends it, and the rule that refuses or NULL. A plate counts, and its look-alikes; a place by a point within '
    'the target''s radius, or by an address that holds the target''s; a vehicle by the make and model that the target '
    'has, or at such a place.';

CREATE FUNCTION lpr_data.gate_release(q lpr_data.question, moment timestamp with time zone)
    RETURNS TABLE (decided boolean, refusal text[])
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT true, CASE
        WHEN (q.mode = 'saved') THEN NULL
        WHEN (q.mode = 'plate' OR w.place_id IS NULL) IS NOT TRUE THEN ARRAY['P1', 'LP053',
            'a place that the law protects lies within the search',
            format('It is place %s, %s. A search at a place of worship, health or assembly waits for a second person, '
                   'for each place that it meets.', w.place_id, w.name),
            lpr_data.release_call('protected_place', q.event_id, w.place_id::text)]
        WHEN (q.mode <> 'plate' OR NOT EXISTS (SELECT FROM lpr_data.reserved_plate)
              OR lpr_data.plate_that_waits(q.event_id, q.plates, moment) IS NULL) IS NOT TRUE THEN ARRAY['P2', 'LP054',
            'a plate that was asked waits for a second person',
            'Some plates are asked only once a second person has released them; why, and whose they are, is told to '
            'nobody.',
            lpr_data.release_call('plate', q.event_id, lpr_data.plate_that_waits(q.event_id, q.plates, moment))]
        END
    FROM (VALUES (true)) AS one
    CROSS JOIN LATERAL (SELECT q.mode IN ('location', 'vehicle') AS searches) AS s
    LEFT JOIN LATERAL lpr_data.place_that_waits(q.event_id, q.latitude, q.longitude,
                                                CASE WHEN s.searches THEN q.radius_m END,
                                                CASE WHEN s.searches THEN q.place END, moment) AS w ON true
$$;
COMMENT ON FUNCTION lpr_data.gate_release(lpr_data.question, timestamp with time zone) IS
    'Of the gate''s third part: what waits for a second person until somebody has released it for the event (P1, P2). '
    'One row: the rule that refuses or NULL.';

CREATE FUNCTION lpr_data.gate_question(q lpr_data.question, moment timestamp with time zone)
    RETURNS TABLE (decided boolean, holds_until timestamp with time zone, refusal text[])
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT t.decided AND w.decided, t.holds_until, CASE
        WHEN (q.mode <> 'vehicle' OR q.radius_m IS NOT NULL) IS NOT TRUE THEN ARRAY['Q2', 'LP001',
            'the question about a vehicle names no place',
            'A vehicle, by make or model, is asked for within a place: a point with a radius.',
            format('SELECT * FROM lpr.search_vehicle(%s, latitude => ..., longitude => ..., radius_m => 1000);',
                   concat_ws(', ', 'make => ' || quote_literal(q.make), 'model => ' || quote_literal(q.model)))]
        WHEN (t.refusal IS NULL) IS NOT TRUE THEN t.refusal
        WHEN (w.refusal IS NULL) IS NOT TRUE THEN w.refusal
        -- Of what was saved only the number counts.
        WHEN (q.mode = 'saved' OR q.since >= moment - interval '5 years 1 minute'
              AND q.since <= q.until) IS NOT TRUE THEN ARRAY['Q6', 'LP006',
            'the question reaches back more than five years',
            'Nothing older than five years is asked for.',
            'Ask for a shorter time.']
        WHEN (q.mode IN ('plate', 'saved') OR q.radius_m <= l.radius_m
              OR q.radius_m IS NULL AND q.mode = 'location'
                 AND q.address_length >= l.address_length) IS NOT TRUE THEN ARRAY['Q8', 'LP044',
            'the question covers too large an area',
            'Without a plate a question stays within the area that lpr.limits shows.',
            'Take a smaller radius_m, or a point with a radius instead of the address.']
        WHEN (q.mode IN ('plate', 'saved') OR q.since >= q.until - l.span - interval '10 minutes') IS NOT TRUE
             THEN ARRAY['Q8', 'LP045',
            'the question covers too long a time',
            'Without a plate a question stays within the time that lpr.limits shows.',
            'Name a shorter time, for instance since => now() - interval ''7 days''.']
        WHEN (u.rates = 4 AND u.asked IS NULL) IS NOT TRUE THEN ARRAY['Q8', 'LP046',
            'too many plates were asked',
            coalesce(lpr_data.tell_used(u.asked, u.asked_per, q), 'A limit is missing.'),
            'SELECT * FROM lpr.limits; then wait, ask for fewer, or ask an administrator.']
        WHEN (u.shown IS NULL) IS NOT TRUE THEN ARRAY['Q8', 'LP049',
            'too many plates were shown that nobody named',
            coalesce(lpr_data.tell_used(u.shown, 'shown', q), 'A limit is missing.'),
            'SELECT * FROM lpr.limits; then wait, or ask for plates that are targets.']
        END
    FROM lpr_data.gate_target(q, moment) AS t
    CROSS JOIN lpr_data.gate_release(q, moment) AS w
    LEFT JOIN lpr_data.search_limit AS l ON l.mode = q.mode
    CROSS JOIN LATERAL (
        SELECT count(*) AS rates, min(x.name) FILTER (WHERE x.asks IS NOT TRUE) AS asked,
               min(x.per) FILTER (WHERE x.asks IS NOT TRUE) AS asked_per,
               min(x.name) FILTER (WHERE x.shows IS NOT TRUE) AS shown
        FROM (SELECT r.name, r.per, lpr_data.used(r.scope, r.per, q.login, q.event_id) <= r.questions AS asks,
                     r.per = 'hour' OR q.mode IN ('plate', 'saved')
                     OR lpr_data.used(r.scope, 'shown', q.login, q.event_id) < r.plates AS shows
              FROM lpr_data.rate_limit AS r) AS x) AS u
$$;
COMMENT ON FUNCTION lpr_data.gate_question(lpr_data.question, timestamp with time zone) IS
    'The gate''s third part: what a question is about, its time, area and number, decided anew each time. One row: '
    'until when its targets are good, if nobody ends them, and the rule that refuses or NULL (Q2, Q12, P1, P2, Q6, '
    'Q8).';

CREATE FUNCTION lpr_data.gate(q lpr_data.question, again boolean DEFAULT false, accepted boolean DEFAULT false,
                              whose integer DEFAULT NULL, since timestamp with time zone DEFAULT NULL,
                              until timestamp with time zone DEFAULT NULL)
    RETURNS TABLE (control text, sqlstate text, message text, detail text, hint text,
                   holds_until timestamp with time zone,
                   person_id integer, decided_at timestamp with time zone, person_until timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT r.refusal[1], r.refusal[2],
           CASE WHEN r.refusal IS NOT NULL THEN
           replace(replace(replace(replace(replace(r.refusal[3], '{source}', coalesce(q.source, '?')),
                   '{login}', coalesce(q.login::regrole::text, '?')),
                   '{mode}', CASE q.mode WHEN 'location' THEN 'place' ELSE coalesce(q.mode, '?') END),
                   '{event}', coalesce(q.event_id::text, '?')), '{system}', coalesce(r.system, '?')) END,
           r.refusal[4], r.refusal[5], CASE WHEN r.refusal IS NULL THEN r.holds_until END,
           r.person_id, r.moment, CASE WHEN r.refusal IS NULL THEN r.person_until END
    FROM (SELECT b.system, least(b.holds_until, k.holds_until) AS holds_until, b.person_id, b.moment, b.person_until,
                 coalesce(b.refusal, k.refusal, CASE WHEN (b.decided AND k.decided) IS NOT TRUE THEN ARRAY[
                     'U2', '42501',
                     'the gate did not decide about the question',
                     'A part of the gate that gives no row refuses.',
                     'Ask an administrator: \sf lpr_data.gate_session and the like show its parts.'] END) AS refusal
          FROM (SELECT p.system, least(s.holds_until, p.holds_until) AS holds_until, n.moment,
                       s.person_id, p.holds_until AS person_until,
                       s.decided AND p.decided AS decided, coalesce(s.refusal, p.refusal) AS refusal
                FROM (SELECT clock_timestamp() AS moment OFFSET 0) AS n -- OFFSET 0: one moment for all rules
                LEFT JOIN lpr_data.gate_session(q, n.moment) AS s ON true
                LEFT JOIN LATERAL (
                    SELECT x.decided, x.system, x.holds_until, x.refusal
                    FROM lpr_data.gate_person(q, s.person_id, n.moment) AS x WHERE NOT accepted
                    UNION ALL
                    -- What it let through holds, for that person, from the moment of that decision until its end.
                    SELECT true, NULL, gate.until, NULL
                    WHERE accepted AND s.person_id = whose AND n.moment >= gate.since AND n.moment < gate.until
                ) AS p ON true
                OFFSET 0) AS b
          -- The question itself comes last: counting what was asked costs most, and only the writer knows it.
          LEFT JOIN LATERAL (SELECT x.decided, x.holds_until, x.refusal
                             FROM lpr_data.gate_question(q, b.moment) AS x
                             WHERE b.refusal IS NULL AND NOT again
                             UNION ALL
                             -- What is saved was looked at when it was asked for: its record has no anchor.
                             SELECT x.decided, x.holds_until,
                                    CASE WHEN num_nonnulls(q.plates, q.latitude, q.place, q.make, q.model) > 0
                                         THEN x.refusal END
                             FROM lpr_data.gate_target(q, b.moment) AS x
                             WHERE b.refusal IS NULL AND again) AS k ON true
          OFFSET 0) AS r -- decided once, not once a column
$$;
COMMENT ON FUNCTION
    lpr_data.gate(lpr_data.question, boolean, boolean, integer, timestamp with time zone, timestamp with time zone) IS
    'The gate: a row that says until when it holds, and nothing else of a refusal, lets a question through; any other '
    'row, or none, refuses it, with control, SQLSTATE, message, detail and hint. Asked by the audit writer about every '
    'question to every source, before it is sent or answered; and, with again, about the rest of an answer that is '
    'still read: by the first two parts then, and whether it is about targets still, since it is no new question. A '
    'rule that cannot be decided refuses. '
    'accepted: the second part let the same through before, for person whose, at the moment since and until another '
    'that it told (person_id, decided_at, person_until), and nothing that it reads has changed: it is not asked again.';
