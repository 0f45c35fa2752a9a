-- 51-my-access: the conditions of the gate, for whoever is connected, with what to do about each that is not met. A test holds the two against each other.

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
GRANT SELECT ON lpr.my_access TO lpr_member;
GRANT EXECUTE ON FUNCTION lpr_data.session(), lpr_data.agreed(), lpr_data.utc_today() TO lpr_member;
COMMENT ON VIEW lpr.my_access IS 'What a question needs of you, in the order in which the gate looks at it, whether you have it, and what to do about what is missing (A1, A3, A4, A5).';
COMMENT ON COLUMN lpr.my_access.requirement IS 'What is needed.';
COMMENT ON COLUMN lpr.my_access.holds IS 'Whether you have it now. Of several accesses one that covers the question is enough.';
COMMENT ON COLUMN lpr.my_access.until IS 'Until when, or since when no longer.';
COMMENT ON COLUMN lpr.my_access.what_to_do IS 'What is to be done about it, and by whom.';
