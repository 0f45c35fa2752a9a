-- 47-recertification: once a year a government lead looks at each person anew (A4).

CREATE TABLE lpr_data.recertification (
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    lead_id integer NOT NULL REFERENCES lpr_data.person CHECK (lead_id <> person_id),
    valid_until timestamp with time zone NOT NULL,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    acted_for integer REFERENCES lpr_data.person,
    PRIMARY KEY (person_id, at),
    CONSTRAINT for_somebody_else CHECK (acted_for NOT IN (lead_id, person_id)),
    CONSTRAINT a_year_at_most CHECK (valid_until > at
                                     AND valid_until AT TIME ZONE 'UTC' <= at AT TIME ZONE 'UTC' + interval '1 year')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.recertification', '');
SELECT lpr_data.audit_changes_of('lpr_data.recertification', free => '{reason}');
SELECT lpr_data.only_adds('lpr_data.recertification');
COMMENT ON TABLE lpr_data.recertification IS
    'Yearly confirmations by a government lead that a person is still to have access (A4).';
COMMENT ON COLUMN lpr_data.recertification.person_id IS 'Who was confirmed.';
COMMENT ON COLUMN lpr_data.recertification.at IS 'When.';
COMMENT ON COLUMN lpr_data.recertification.lead_id IS
    'By whom: not the person, and none who approved a grant of theirs.';
COMMENT ON COLUMN lpr_data.recertification.valid_until IS 'Until when it counts; a year at the most.';
COMMENT ON COLUMN lpr_data.recertification.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.recertification.text_salt IS
    'What its free texts are hashed with for the audit log.';
COMMENT ON COLUMN lpr_data.recertification.acted_for IS 'In which lead''s stead, by a deputy; NULL = nobody''s.';

CREATE FUNCTION lpr_data.certification(person_id integer, moment timestamp with time zone)
    RETURNS TABLE (until timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT coalesce((SELECT max(r.valid_until) FROM lpr_data.recertification AS r
                     WHERE r.person_id = certification.person_id AND moment >= r.at),
                    (SELECT min(a.granted_at) FROM lpr_data.access AS a WHERE a.person_id = certification.person_id)
                    + interval '1 year')
$$;
COMMENT ON FUNCTION lpr_data.certification(integer, timestamp with time zone) IS
    'One row: until when a person''s access counts as certified at a moment (A4): by the last recertification, or '
    'before the first one a year from the first grant. NULL when there never was a grant. The gate and lpr.my_access '
    'go by it.';

CREATE FUNCTION lpr_data.certified_until(person_id integer)
    RETURNS timestamp with time zone
    LANGUAGE sql STABLE
RETURN (SELECT c.until FROM lpr_data.certification(certified_until.person_id, clock_timestamp()) AS c);
COMMENT ON FUNCTION lpr_data.certified_until(integer) IS 'lpr_data.certification() now.';

CREATE FUNCTION lpr.recertify(login text, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    lead integer;
    principal integer;
    who integer;
    moment timestamptz;
BEGIN
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.lock_roles();
    lead := lpr_data.acting('lpr_lead', 'A4');
    who := lpr_data.person_of(login);
    moment := clock_timestamp();
    IF lead = who THEN
        PERFORM lpr_data.refuse('A4', 'LP033', 'you cannot recertify yourself',
                                'Another government lead does.', 'Ask another lead.');
    END IF;
    principal := lpr_data.in_stead(lead, 'lpr_lead', who, 'A4');
    IF EXISTS (SELECT FROM lpr_data.access_step AS s JOIN lpr_data.access AS a ON a.access_id = s.access_id
               WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment
                 AND s.action = 'approve'
                 AND (s.person_id IN (lead, principal) OR s.acted_for IN (lead, principal))) THEN
        PERFORM lpr_data.refuse('A4', 'LP033', format('you approved the access of "%s" yourself', login),
                                'Recertification is by a lead who has not approved it.', 'Ask another lead.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.access AS a
                   WHERE a.person_id = who AND a.state IN ('granted', 'suspended') AND a.ends_at > moment) THEN
        PERFORM lpr_data.refuse('A4', 'LP034', format('login "%s" has no access to recertify', login),
                                'A grant that has ended is requested anew.', 'SELECT * FROM lpr.access_requests;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'A4');
    INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason, acted_for)
    VALUES (who, moment, lead, moment + interval '1 year', recertify.reason, principal);
    RETURN moment + interval '1 year';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.recertify(text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.recertify(text, text) IS
    'Confirms for another year that a person is to have access (A4), by a government lead who is neither the person '
    'nor one who approved it; by the deputy of a lead when both are neither. Returns until when it counts. Without it '
    'access stops a year after the first grant or the last recertification, by the clock. Errors LP024 and LP033 (who '
    'may), LP034 (no access), LP043 (the reason says nothing).';

CREATE VIEW lpr.recertifications WITH (security_barrier) AS
SELECT p.login, p.name, p.unit,
       CASE WHEN (c.until > clock_timestamp()) IS NOT TRUE THEN 'overdue'
            WHEN c.until <= clock_timestamp() + interval '30 days' THEN 'due' ELSE 'current' END AS state,
       c.until AS certified_until,
       floor(extract(epoch FROM c.until - clock_timestamp()) / 86400)::integer AS days_left,
       r.at AS last_at, l.login AS last_by, r.reason AS last_reason
FROM (SELECT a.person_id, min(a.granted_at) + interval '1 year' AS first_until,
             bool_or(a.state IN ('granted', 'suspended') AND a.ends_at > clock_timestamp()) AS has_access
      FROM lpr_data.access AS a GROUP BY a.person_id) AS g
JOIN lpr_data.person AS p ON p.person_id = g.person_id AND p.left_at IS NULL
LEFT JOIN (SELECT DISTINCT ON (x.person_id) x.person_id, x.at, x.lead_id, x.valid_until, x.reason
           FROM lpr_data.recertification AS x
           ORDER BY x.person_id, x.valid_until DESC) AS r ON r.person_id = g.person_id
LEFT JOIN lpr_data.person AS l ON l.person_id = r.lead_id
CROSS JOIN LATERAL (SELECT coalesce(r.valid_until, g.first_until)) AS c (until)
WHERE g.has_access;
GRANT SELECT ON lpr.recertifications TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy,
    lpr_lead;
COMMENT ON VIEW lpr.recertifications IS
    'Until when the access of those who have any is certified (A4): your own; supervisors see that of their people '
    'too, leads, system owners and oversight all.';
COMMENT ON COLUMN lpr.recertifications.login IS 'Whose access, as lpr.recertify() takes it.';
COMMENT ON COLUMN lpr.recertifications.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.recertifications.unit IS 'Organizational unit.';
COMMENT ON COLUMN lpr.recertifications.state IS
    'current; due: within 30 days; overdue: no query until a lead recertifies.';
COMMENT ON COLUMN lpr.recertifications.certified_until IS
    'Until when: a year from the last recertification, or before the first one from the first grant.';
COMMENT ON COLUMN lpr.recertifications.days_left IS 'Full days until then; below 0 when overdue.';
COMMENT ON COLUMN lpr.recertifications.last_at IS 'When it was recertified last; NULL = not yet.';
COMMENT ON COLUMN lpr.recertifications.last_by IS 'By whom.';
COMMENT ON COLUMN lpr.recertifications.last_reason IS 'Why.';
