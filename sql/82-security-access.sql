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
$$;
COMMENT ON FUNCTION lpr_data.findings_of_access() IS 'Part of lpr.security_report(): people, by the rows about them.';
