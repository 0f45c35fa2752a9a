-- 80-access-views: what people see of who may do what (A1, A3, A4). Policies (90-isolation) decide which rows; these views say how they read.

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
       s.exemptions
FROM lpr_data.source AS s
JOIN pg_catalog.pg_foreign_server AS f ON f.srvname = s.name
JOIN lpr.dialects() AS d ON d.dialect = (
    SELECT o.option_value FROM pg_catalog.pg_options_to_table(f.srvoptions) AS o WHERE o.option_name = 'dialect'
)
ORDER BY s.name;
GRANT SELECT ON lpr.sources TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_lead;
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
COMMENT ON COLUMN lpr.sources.exemptions IS 'Privacy Act exemptions that reads of it take along when they are saved (E8).';

CREATE VIEW lpr.people WITH (security_barrier) AS
SELECT p.login, p.name, p.unit, s.login AS supervisor, p.kind, p.left_at,
       CASE WHEN p.person_id = lpr_data.me() OR (SELECT lpr_data.acts_as('lpr_admin', 'lpr_oversight')) THEN p.email END AS email
FROM lpr_data.person AS p
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.people TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.people IS 'Who is behind which login (A1), for everybody who is registered.';
COMMENT ON COLUMN lpr.people.login IS 'The login, as the functions take it.';
COMMENT ON COLUMN lpr.people.name IS 'The person''s name.';
COMMENT ON COLUMN lpr.people.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.people.supervisor IS 'Login of the supervisor.';
COMMENT ON COLUMN lpr.people.kind IS 'personal, service or shared; only a personal login can hold an entitlement.';
COMMENT ON COLUMN lpr.people.left_at IS 'When the person left.';
COMMENT ON COLUMN lpr.people.email IS 'Where notices go; shown to the person, administrators and oversight.';

CREATE VIEW lpr.access_requests WITH (security_barrier) AS
SELECT a.access_id AS request, p.login, p.name, a.systems, a.sources, a.modes, a.need_to_know,
       CASE WHEN a.state = 'granted' AND a.ends_at <= clock_timestamp() THEN 'lapsed' ELSE a.state END AS state,
       CASE a.state WHEN 'requested' THEN coalesce('supervisor ' || s.login, 'a supervisor on record') WHEN 'approved' THEN 'a system owner' END AS waits_for,
       a.requested_at, a.granted_at, a.ends_at
FROM lpr_data.access AS a
JOIN lpr_data.person AS p ON p.person_id = a.person_id
LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id;
GRANT SELECT ON lpr.access_requests TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_requests IS 'Requests for access and the grants that came of them (A1): one''s own; supervisors see those of their people too, system owners, leads, privacy and oversight all.';
COMMENT ON COLUMN lpr.access_requests.request IS 'Number of the request, as lpr.approve() and the others take it.';
COMMENT ON COLUMN lpr.access_requests.login IS 'Who is to have access.';
COMMENT ON COLUMN lpr.access_requests.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_requests.systems IS 'From which systems.';
COMMENT ON COLUMN lpr.access_requests.sources IS 'To which sources.';
COMMENT ON COLUMN lpr.access_requests.modes IS 'How it may be asked: plate, location, vehicle.';
COMMENT ON COLUMN lpr.access_requests.need_to_know IS 'Why it is needed.';
COMMENT ON COLUMN lpr.access_requests.state IS 'requested, approved (by the supervisor), granted, suspended, revoked, denied, withdrawn, or lapsed: granted, and over.';
COMMENT ON COLUMN lpr.access_requests.waits_for IS 'Of one that waits: who decides next.';
COMMENT ON COLUMN lpr.access_requests.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN lpr.access_requests.granted_at IS 'When the last approval was given.';
COMMENT ON COLUMN lpr.access_requests.ends_at IS 'When the grant lapses.';

CREATE VIEW lpr.access_history WITH (security_barrier) AS
SELECT t.access_id AS request, t.number, t.at, p.login, t.action, b.login AS by_login, b.name AS by_name, t.step AS acting_as, t.reason
FROM lpr_data.access_step AS t
JOIN lpr_data.access AS a ON a.access_id = t.access_id
JOIN lpr_data.person AS p ON p.person_id = a.person_id
JOIN lpr_data.person AS b ON b.person_id = t.person_id;
GRANT SELECT ON lpr.access_history TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.access_history IS 'Every step of the requests that lpr.access_requests shows: who did what, as what, when and why (A1).';
COMMENT ON COLUMN lpr.access_history.request IS 'Number of the request.';
COMMENT ON COLUMN lpr.access_history.number IS 'Of the step: 1, 2, 3, …';
COMMENT ON COLUMN lpr.access_history.at IS 'When.';
COMMENT ON COLUMN lpr.access_history.login IS 'Whose access it is about.';
COMMENT ON COLUMN lpr.access_history.action IS 'request, approve, deny, withdraw, suspend, resume or revoke.';
COMMENT ON COLUMN lpr.access_history.by_login IS 'Who did it.';
COMMENT ON COLUMN lpr.access_history.by_name IS 'That person''s name.';
COMMENT ON COLUMN lpr.access_history.acting_as IS 'As what: requester, supervisor, system_owner or oversight.';
COMMENT ON COLUMN lpr.access_history.reason IS 'Why.';

CREATE VIEW lpr.training WITH (security_barrier) AS
SELECT p.login, p.name, c.code AS course, c.title, c.required, t.completed_on, t.valid_until,
       (t.valid_until > clock_timestamp()) IS TRUE AS current,
       CASE WHEN t.valid_until > clock_timestamp() THEN floor(extract(epoch FROM t.valid_until - clock_timestamp()) / 86400)::integer END AS days_left
FROM lpr_data.person AS p
CROSS JOIN lpr_data.course AS c
LEFT JOIN (SELECT DISTINCT ON (r.person_id, r.course) r.person_id, r.course, r.completed_on, r.valid_until
           FROM lpr_data.training AS r ORDER BY r.person_id, r.course, r.valid_until DESC) AS t ON t.person_id = p.person_id AND t.course = c.code
-- Everybody sees all people, but not what they lack.
WHERE p.left_at IS NULL AND p.kind = 'personal'
  AND (p.person_id = ANY (lpr_data.my_people()) OR (SELECT lpr_data.acts_as('lpr_training_officer', 'lpr_oversight')));
GRANT SELECT ON lpr.training TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.training IS 'Who has completed which course, and until when that counts (A3): one''s own; supervisors see that of their people too, training officers and oversight all.';
COMMENT ON COLUMN lpr.training.login IS 'Whose training.';
COMMENT ON COLUMN lpr.training.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.training.course IS 'The course, as lpr.record_training() takes it.';
COMMENT ON COLUMN lpr.training.title IS 'Its title.';
COMMENT ON COLUMN lpr.training.required IS 'Whether a query needs it.';
COMMENT ON COLUMN lpr.training.completed_on IS 'When it was completed last; NULL = never.';
COMMENT ON COLUMN lpr.training.valid_until IS 'Until when that counts.';
COMMENT ON COLUMN lpr.training.current IS 'Whether it counts now.';
COMMENT ON COLUMN lpr.training.days_left IS 'Full days until it ends.';

CREATE VIEW lpr.recertifications WITH (security_barrier) AS
SELECT p.login, p.name, p.unit,
       CASE WHEN (c.until > clock_timestamp()) IS NOT TRUE THEN 'overdue' WHEN c.until <= clock_timestamp() + interval '30 days' THEN 'due' ELSE 'current' END AS state,
       c.until AS certified_until,
       floor(extract(epoch FROM c.until - clock_timestamp()) / 86400)::integer AS days_left,
       r.at AS last_at, l.login AS last_by, r.reason AS last_reason
FROM (SELECT a.person_id, min(a.granted_at) + interval '1 year' AS first_until,
             bool_or(a.state IN ('granted', 'suspended') AND a.ends_at > clock_timestamp()) AS has_access
      FROM lpr_data.access AS a GROUP BY a.person_id) AS g
JOIN lpr_data.person AS p ON p.person_id = g.person_id AND p.left_at IS NULL
LEFT JOIN (SELECT DISTINCT ON (x.person_id) x.person_id, x.at, x.lead_id, x.valid_until, x.reason
           FROM lpr_data.recertification AS x ORDER BY x.person_id, x.valid_until DESC) AS r ON r.person_id = g.person_id
LEFT JOIN lpr_data.person AS l ON l.person_id = r.lead_id
CROSS JOIN LATERAL (SELECT coalesce(r.valid_until, g.first_until)) AS c (until)
WHERE g.has_access;
GRANT SELECT ON lpr.recertifications TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_lead;
COMMENT ON VIEW lpr.recertifications IS 'Until when the access of those who have any is certified (A4): one''s own; supervisors see that of their people too, leads, system owners and oversight all.';
COMMENT ON COLUMN lpr.recertifications.login IS 'Whose access, as lpr.recertify() takes it.';
COMMENT ON COLUMN lpr.recertifications.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.recertifications.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.recertifications.state IS 'current; due: within 30 days; overdue: no query until a lead recertifies.';
COMMENT ON COLUMN lpr.recertifications.certified_until IS 'Until when: a year from the last recertification, or before the first one from the first grant.';
COMMENT ON COLUMN lpr.recertifications.days_left IS 'Full days until then; below 0 when overdue.';
COMMENT ON COLUMN lpr.recertifications.last_at IS 'When it was recertified last; NULL = not yet.';
COMMENT ON COLUMN lpr.recertifications.last_by IS 'By whom.';
COMMENT ON COLUMN lpr.recertifications.last_reason IS 'Why.';

-- The gate's own conditions, for whoever is connected, with what to do about each that is not met. A test holds the two against each other.
CREATE VIEW lpr.my_access WITH (security_barrier) AS
WITH me AS (
    SELECT u.oid, u.rolsuper, pg_has_role(u.oid, 'lpr_user', 'MEMBER') AS may_ask, p.person_id, p.kind, s.name AS supervisor
    FROM pg_roles AS u
    LEFT JOIN lpr_data.person AS p ON p.person_id = lpr_data.me()
    LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id
    WHERE u.rolname = lpr.login()
), mine AS (
    SELECT a.access_id, a.state, a.ends_at, a.granted_at, a.sources,
           format('access %s: systems %s; sources %s; by %s', a.access_id, array_to_string(a.systems, ', '), array_to_string(a.sources, ', '), array_to_string(a.modes, ', ')) AS requirement,
           a.state = 'granted' AND clock_timestamp() >= a.granted_at AND clock_timestamp() < a.ends_at AS holds
    FROM lpr_data.access AS a JOIN me ON me.person_id = a.person_id
)
SELECT r.requirement, r.holds, r.until, r.what_to_do
FROM (
    SELECT 1, 0::bigint, 'a personal login', k.holds, NULL::timestamptz,
           CASE WHEN k.holds THEN NULL
                WHEN me.rolsuper THEN 'Connect as yourself, not as a superuser.'
                WHEN NOT me.may_ask THEN format('Ask %s to let you ask: GRANT lpr_user TO %I;', lpr_data.whom('lpr_admin', 'an administrator'), lpr.login())
                WHEN me.person_id IS NULL THEN format('Nobody is registered under this login, or has left: ask %s to register you with lpr.add_person(…).', lpr_data.whom('lpr_admin', 'an administrator'))
                WHEN me.kind <> 'personal' THEN format('Connect with a login of your own: this one is of kind %s.', me.kind)
                ELSE format('Ask %s: other roles are members of your login.', lpr_data.whom('lpr_admin', 'an administrator')) END
    FROM me
    CROSS JOIN LATERAL (SELECT NOT me.rolsuper AND me.may_ask AND coalesce(me.kind = 'personal', false)
                               AND NOT EXISTS (SELECT FROM pg_auth_members AS m WHERE m.roleid = me.oid)) AS k (holds)
    UNION ALL
    SELECT 2, 0, 'a connection of your own, encrypted', s.same_user AND s.secure AND s.client, NULL,
           CASE WHEN NOT s.same_user THEN 'RESET SESSION AUTHORIZATION; or connect as yourself.'
                WHEN NOT s.secure THEN 'Connect with sslmode=verify-full.'
                WHEN NOT s.client THEN 'Connect with a client of your own, not from a job or another session of this server.' END
    FROM lpr_data.session() AS s
    UNION ALL
    SELECT 3, 0, format('the rules of use, version %s, agreed to in this session', t.version), coalesce(lpr_data.agreed() = t.version, false), NULL,
           CASE WHEN lpr_data.agreed() = t.version THEN NULL ELSE 'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''…the code…'');' END
    FROM (SELECT max(x.version) FROM lpr_data.rules AS x) AS t (version)
    UNION ALL
    SELECT 4, a.access_id, a.requirement, a.holds, a.ends_at,
           CASE WHEN a.state = 'requested' THEN format('Waits for your supervisor (%s).', coalesce(me.supervisor, 'none on record'))
                WHEN a.state = 'approved' THEN format('Waits for %s.', lpr_data.whom('lpr_system_owner', 'a system owner'))
                WHEN a.state = 'suspended' THEN format('It is suspended; SELECT * FROM lpr.access_history; says why. Ask %s.', lpr_data.whom('lpr_system_owner', 'a system owner'))
                ELSE (SELECT format('Cannot be asked yet: %s. Ask %s.', string_agg(s, ', ' ORDER BY s), lpr_data.whom('lpr_admin', 'an administrator'))
                      FROM unnest(a.sources) AS s
                      WHERE NOT EXISTS (SELECT FROM lpr_data.source AS x JOIN pg_foreign_server AS f ON f.srvname = x.name
                                        WHERE x.name = s AND x.enabled AND x.approved_on <= lpr_data.utc_today() AND has_server_privilege(me.oid, f.oid, 'USAGE'))
                      HAVING count(*) > 0) END
    FROM mine AS a CROSS JOIN me
    WHERE a.state IN ('requested', 'approved', 'suspended') OR a.holds
    UNION ALL
    SELECT 4, 0, 'access', false, (SELECT max(a.ends_at) FROM mine AS a),
           CASE WHEN me.person_id IS NULL THEN NULL
                WHEN me.supervisor IS NULL THEN format('You have no supervisor on record: ask %s.', lpr_data.whom('lpr_admin', 'an administrator'))
                ELSE format('SELECT lpr.request_access(''{ATS}'', ''{…source…}'', ''{plate}'', ''…why you need it…''); first %s approves, then %s.',
                            me.supervisor, lpr_data.whom('lpr_system_owner', 'a system owner')) END
    FROM me
    WHERE NOT EXISTS (SELECT FROM mine AS a WHERE a.state IN ('requested', 'approved', 'suspended') OR a.holds)
    UNION ALL
    SELECT 5, row_number() OVER (ORDER BY c.code), 'course ' || c.code, coalesce(clock_timestamp() < t.until, false), t.until,
           CASE WHEN clock_timestamp() < t.until THEN NULL
                ELSE format('Complete "%s"; %s records it.', c.title, lpr_data.whom('lpr_training_officer', 'a training officer')) END
    FROM lpr_data.course AS c
    CROSS JOIN me
    CROSS JOIN LATERAL (SELECT max(x.valid_until) FROM lpr_data.training AS x WHERE x.person_id = me.person_id AND x.course = c.code) AS t (until)
    WHERE c.required
    UNION ALL
    SELECT 6, 0, 'access certified within a year', coalesce(clock_timestamp() < t.until, false), t.until,
           CASE WHEN clock_timestamp() < t.until THEN NULL
                WHEN t.until IS NULL THEN 'Comes with your first grant.'
                ELSE format('Ask %s: SELECT lpr.recertify(…).', lpr_data.whom('lpr_lead', 'a government lead')) END
    FROM me
    CROSS JOIN LATERAL (SELECT coalesce((SELECT max(x.valid_until) FROM lpr_data.recertification AS x WHERE x.person_id = me.person_id),
                                        (SELECT min(a.granted_at) FROM mine AS a) + interval '1 year')) AS t (until)
    UNION ALL
    SELECT 7, 0, 'an open event to ask for', count(*) > 0, max(e.ends_at),
           CASE WHEN count(*) = 0 THEN 'SELECT lpr.open_event(…); opens one.' END
    FROM me
    JOIN lpr_data.event_member AS m ON m.person_id = me.person_id
    JOIN lpr_data.event AS e ON e.event_id = m.event_id AND e.closed_at IS NULL AND clock_timestamp() >= e.opened_at AND clock_timestamp() < e.ends_at
) AS r (place, number, requirement, holds, until, what_to_do)
ORDER BY r.place, r.number;
GRANT SELECT ON lpr.my_access TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
GRANT EXECUTE ON FUNCTION lpr_data.session(), lpr_data.agreed(), lpr_data.utc_today()
    TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.my_access IS 'What a question needs of you, in the order in which the gate looks at it, whether you have it, and what to do about what is missing (A1, A3, A4, A5).';
COMMENT ON COLUMN lpr.my_access.requirement IS 'What is needed.';
COMMENT ON COLUMN lpr.my_access.holds IS 'Whether you have it now. Of several accesses one that covers the question is enough.';
COMMENT ON COLUMN lpr.my_access.until IS 'Until when, or since when no longer.';
COMMENT ON COLUMN lpr.my_access.what_to_do IS 'What is to be done about it, and by whom.';
