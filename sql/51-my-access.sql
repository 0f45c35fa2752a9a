-- 51-my-access: the conditions of the gate, for the connected person, with what to do about each that is not met. It is
-- made of what the gate's rules look at: lpr_data.session(), asker(), entitlements(), required_courses(),
-- certification(), memberships().

CREATE FUNCTION lpr_data.my_access()
    RETURNS TABLE (requirement text, holds boolean, until timestamp with time zone, what_to_do text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
WITH now AS MATERIALIZED (
    SELECT clock_timestamp() AS moment
), me AS MATERIALIZED (
    -- A person who has left does not count here: the login may be another's by now.
    SELECT q AS question, p.person_id, a.may_ask, a.registered, a.personal,
           (now.moment < a.known_until) IS TRUE AS known,
           a.apart, a.name, p.kind, u.rolsuper, now.moment,
           s.name || coalesce((SELECT ', or deputy ' || string_agg(b.name, ', ' ORDER BY b.name)
                               FROM lpr_data.deputies_of(p.supervisor_id, 'lpr_supervisor') AS d
                               JOIN lpr_data.person AS b ON b.person_id = d AND d <> p.person_id), '') AS supervisor,
           lpr_data.named_texts(lpr_data.my_texts()) AS rules
    FROM now
    CROSS JOIN lpr_data.session() AS q
    CROSS JOIN lpr_data.asker(q.login, now.moment) AS a
    LEFT JOIN lpr_data.person AS p ON p.person_id = a.person_id AND a.registered
    LEFT JOIN lpr_data.person AS s ON s.person_id = p.supervisor_id
    LEFT JOIN pg_roles AS u ON u.oid = q.login
), mine AS MATERIALIZED (
    SELECT e.*, format('access %s: systems %s; sources %s; by %s', e.access_id, array_to_string(e.systems, ', '),
                       array_to_string(e.sources, ', '), array_to_string(e.modes, ', ')) AS requirement
    FROM me CROSS JOIN lpr_data.entitlements(me.person_id, me.moment) AS e
    WHERE e.holds OR e.state IN ('requested', 'approved', 'suspended')
)
SELECT r.requirement, r.holds, r.until, CASE WHEN NOT r.holds OR r.place = 4 THEN r.what_to_do END
FROM (
    SELECT 1, 0::bigint, 'a personal login', (me.may_ask AND me.personal AND me.known AND me.apart) IS TRUE,
           NULL::timestamptz,
           CASE WHEN me.rolsuper THEN 'Connect as yourself, not as a superuser.'
                WHEN NOT me.may_ask THEN format('Ask %s to let you ask: GRANT lpr_user TO %I;',
                                                lpr_data.whom('lpr_admin', 'an administrator'), me.name)
                WHEN NOT me.registered
                     THEN format('Nobody is registered under this login, or has left: ask %s to register you with '
                                 'lpr.add_person(...).',
                                 lpr_data.whom('lpr_admin', 'an administrator'))
                WHEN me.kind <> 'personal' THEN format('Connect with a login of your own: this one is of kind %s.',
                                                       me.kind)
                WHEN NOT me.apart
                     THEN format('Ask %s: you are a member of %s as well, which is apart from lpr_user.',
                                 lpr_data.whom('lpr_admin', 'an administrator'),
                                 lpr_data.conflict_of((me.question).login, 'lpr_user'))
                WHEN NOT me.known
                     THEN format('Ask %s: SELECT lpr.change_person(%L, personnel_number => ''...'');',
                                 lpr_data.whom('lpr_admin', 'an administrator'), me.name)
                ELSE format('Ask %s: other roles are members of your login.',
                            lpr_data.whom('lpr_admin', 'an administrator')) END
    FROM me
    UNION ALL
    SELECT 2, 0, 'a connection of your own, encrypted, from a network of the agency',
           ((me.question).same_user AND lpr_data.is_private(me.question) AND n.kind IS NOT NULL
            AND (me.question).client) IS TRUE, NULL,
           CASE WHEN (me.question).same_user IS NOT TRUE THEN 'RESET SESSION AUTHORIZATION; or connect as yourself.'
                WHEN lpr_data.is_private(me.question) IS NOT TRUE THEN 'Connect with sslmode=verify-full.'
                WHEN n.kind IS NULL
                     THEN format('Ask %s: SELECT lpr.add_client_network(%L, ''direct'');',
                                 lpr_data.whom('lpr_admin', 'an administrator'),
                                 CASE WHEN (me.question).remote THEN (me.question).address ELSE 'local' END)
                ELSE 'Connect with a client of your own, not from a job or another session of this server.' END
    FROM me CROSS JOIN LATERAL lpr_data.network_of((me.question).remote, (me.question).address) AS n
    UNION ALL
    SELECT 3, 0, format('the rules of use, %s, agreed to in this %s', me.rules,
                        CASE n.kind WHEN 'pooler' THEN 'transaction' ELSE 'session' END),
           (g.given AND g.here AND (n.kind = 'direct' OR (me.question).passing)) IS TRUE,
           CASE WHEN g.given THEN g.until END,
           CASE WHEN g.given AND NOT g.here
                THEN format('SELECT lpr.accept_rules(%L);', lpr_data.renewal_code())
                ELSE 'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...'');' END
    FROM me CROSS JOIN LATERAL lpr_data.network_of((me.question).remote, (me.question).address) AS n
    LEFT JOIN LATERAL lpr_data.agreement(me.question, me.person_id, me.moment) AS g ON true
    UNION ALL
    -- A grant that holds may still name sources that cannot be asked.
    SELECT 4, a.access_id, a.requirement, a.holds, a.ends_at,
           CASE a.state
                WHEN 'requested' THEN format('Waits for your supervisor (%s).',
                                             coalesce(me.supervisor, 'none on record'))
                WHEN 'approved' THEN format('Waits for %s.', lpr_data.whom('lpr_system_owner', 'a system owner'))
                WHEN 'suspended' THEN format('It is suspended; SELECT * FROM lpr.access_history; says why. Ask %s.',
                                             lpr_data.whom('lpr_system_owner', 'a system owner'))
                ELSE (SELECT format('Cannot be asked yet: %s. Ask %s, or %s.', string_agg(s, ', ' ORDER BY s),
                                    lpr_data.whom('lpr_privacy', 'the privacy officer'),
                                    lpr_data.whom('lpr_admin', 'an administrator'))
                      FROM unnest(a.sources) AS s
                      WHERE NOT EXISTS (SELECT FROM lpr_data.source AS x
                                        JOIN pg_foreign_server AS f ON f.srvname = x.name
                                        WHERE x.name = s AND x.enabled AND x.approved_on <= lpr_data.utc_today()
                                          AND (x.published_on <= lpr_data.utc_today()
                                               OR x.published_on IS NULL AND lpr_data.in_grace('sources'))
                                          AND has_server_privilege((me.question).login, f.oid, 'USAGE'))
                      HAVING count(*) > 0) END
    FROM mine AS a CROSS JOIN me
    UNION ALL
    SELECT 4, 0, 'access', false, (SELECT max(e.ends_at) FROM lpr_data.entitlements(me.person_id, me.moment) AS e),
           CASE WHEN NOT me.registered THEN NULL
                WHEN me.supervisor IS NULL THEN format('You have no supervisor on record: ask %s.',
                                                       lpr_data.whom('lpr_admin', 'an administrator'))
                ELSE format('SELECT lpr.request_access(''{ATS}'', ''{...source...}'', ''{plate}'', ''...why you need '
                            'it...''); first %s approves, then %s.',
                            me.supervisor, lpr_data.whom('lpr_system_owner', 'a system owner')) END
    FROM me
    WHERE NOT EXISTS (SELECT FROM mine)
    UNION ALL
    SELECT 5, row_number() OVER (ORDER BY c.course), 'course ' || c.course, (me.moment < c.until) IS TRUE, c.until,
           format('Complete "%s"; %s records it.', c.title, lpr_data.whom('lpr_training_officer', 'a training officer'))
    FROM me CROSS JOIN lpr_data.required_courses(me.person_id, me.moment) AS c
    UNION ALL
    SELECT 6, 0, 'access certified within a year', (me.moment < c.until) IS TRUE, c.until,
           CASE WHEN c.until IS NULL THEN 'Comes with your first grant.'
                ELSE format('Ask %s: SELECT lpr.recertify(...).', lpr_data.whom('lpr_lead', 'a government lead')) END
    FROM me CROSS JOIN lpr_data.certification(me.person_id, me.moment) AS c
    UNION ALL
    SELECT 7, 0, 'an open event to ask for', count(*) > 0, max(e.ends_at), 'SELECT lpr.open_event(...); opens one.'
    FROM me CROSS JOIN lpr_data.memberships(me.person_id, me.moment) AS e
    WHERE e.open
) AS r (place, number, requirement, holds, until, what_to_do)
ORDER BY r.place, r.number
$$;
GRANT EXECUTE ON FUNCTION lpr_data.my_access() TO lpr_member;
COMMENT ON FUNCTION lpr_data.my_access() IS 'What lpr.my_access shows: of the authenticated login only.';

CREATE VIEW lpr.my_access WITH (security_barrier) AS
SELECT a.requirement, a.holds, a.until, a.what_to_do FROM lpr_data.my_access() AS a;
GRANT SELECT ON lpr.my_access TO lpr_member;
COMMENT ON VIEW lpr.my_access IS
    'What a question needs of you, in the order in which the gate looks at it, whether you have it, and what to do '
    'about what is missing (A1, A3, A4, A5).';
COMMENT ON COLUMN lpr.my_access.requirement IS 'What is needed.';
COMMENT ON COLUMN lpr.my_access.holds IS
    'Whether you have it now. Of several accesses one that covers the question is enough.';
COMMENT ON COLUMN lpr.my_access.until IS 'Until when, or since when no longer.';
COMMENT ON COLUMN lpr.my_access.what_to_do IS 'What is to be done about it, and by whom.';
