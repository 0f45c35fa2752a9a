-- 82-security-access: what people have that they should not have, by the rows about them.

CREATE FUNCTION lpr_data.findings_of_access()
    RETURNS SETOF lpr_data.finding
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'high', 'access', format('grant %s of "%s" was not approved by two', e.access_id, p.login),
           'It gives nothing, but nobody came to it as people do: somebody wrote it into the table.',
           format('SELECT lpr.revoke_access(%s, ''It was never approved.''); -- and find out who wrote it', e.access_id)
    FROM lpr_data.person AS p
    CROSS JOIN (SELECT clock_timestamp() AS moment OFFSET 0) AS n
    CROSS JOIN LATERAL lpr_data.entitlements(p.person_id, n.moment) AS e
    WHERE e.state = 'granted' AND n.moment >= e.granted_at AND n.moment < e.ends_at AND NOT e.holds
    UNION ALL
    SELECT 'high', 'access', format('several active logins have the e-mail address %s', lower(p.email)),
           'One human being has one active personal login; with two of them they would approve their own requests.',
           format('SELECT lpr.retire_person(...one of them...); -- or, if they are different people: SELECT '
                  'lpr.change_person(..., email => ''...''); they are %s', string_agg(p.login, ', ' ORDER BY p.login))
    FROM lpr_data.person AS p WHERE p.kind = 'personal' AND p.left_at IS NULL
    GROUP BY lower(p.email) HAVING count(*) > 1
    UNION ALL
    SELECT 'high', 'access', format('login "%s" is a member of %s and of %s', p.login, c.role, c.other), c.reason || ' '
           || 'Such a person acts in neither.', format('REVOKE %I FROM %I; -- or the other one', c.other, p.login)
    FROM lpr_data.person AS p
    JOIN pg_roles AS r ON r.rolname = p.login AND NOT r.rolsuper
    CROSS JOIN lpr_data.role_conflict AS c
    WHERE p.left_at IS NULL AND lpr_data.takes_part(r.oid, c.role) AND lpr_data.takes_part(r.oid, c.other)
    UNION ALL
    SELECT 'medium', 'access', format('logins %s have the same name', string_agg(p.login, ', ' ORDER BY p.login)),
           'They may be one human being, who has one active personal login; nobody but you can tell.',
           'SELECT lpr.retire_person(...one of them...); -- or, if they are different people: SELECT '
           'lpr.change_person(..., name => ''...''); with what tells them apart, such as the middle name'
    FROM lpr_data.person AS p WHERE p.kind = 'personal' AND p.left_at IS NULL
    GROUP BY lower(regexp_replace(p.name, '[[:space:][:punct:]]+', ' ', 'g')) HAVING count(*) > 1
    UNION ALL
    SELECT CASE WHEN lpr_data.in_grace('sources') THEN 'medium' ELSE 'high' END, 'access',
           format('no day of publication of source "%s" is on record', s.name),
           'A source is asked from the day on which its privacy assessment is published; after an update that is let '
           'pass for thirty days.',
           format('SELECT lpr.approve_source(%L, %L, published_on => ''...the day...''); -- by the privacy officer',
                  s.name, s.assessment)
    FROM lpr_data.source AS s WHERE s.enabled AND s.published_on IS NULL
    UNION ALL
    SELECT CASE WHEN lpr_data.lacks_number(p.person_id) THEN 'high' ELSE 'medium' END, 'access',
           format('no personnel number of login "%s" is on record', p.login),
           'One human being has one active personal login, known by that number; after an update that is let pass for '
           'thirty days.', format('SELECT lpr.change_person(%L, personnel_number => ''...'');', p.login)
    FROM lpr_data.person AS p WHERE p.kind = 'personal' AND p.left_at IS NULL AND p.personnel_hash IS NULL
$$;
COMMENT ON FUNCTION lpr_data.findings_of_access() IS 'Part of lpr.security_report(): people, by the rows about them.';
