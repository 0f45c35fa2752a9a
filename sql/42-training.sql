-- 42-training: mandatory courses, every year (A3). A lapsed one stops the next query, in the middle of a session too.

CREATE TABLE lpr_data.course (
    code text COLLATE "C" PRIMARY KEY CHECK (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]' AND title !~ '[[:cntrl:]]' AND char_length(title) <= 100),
    required boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT demanded_is_required CHECK (required
                                           OR code NOT IN ('data_security', 'privacy', 'information_assurance',
                                                           'records_management', 'integrity_awareness',
                                                           'lpr_policy'))
);
-- Not lpr_data.ships(): no row takes the place of a course that the privacy assessment demands.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.course', 'WHERE NOT shipped');
SELECT lpr_data.audit_changes_of('lpr_data.course', plain => '{title}');
SELECT lpr_data.only_adds('lpr_data.course', 'title', 'required');
COMMENT ON TABLE lpr_data.course IS 'The courses; all that are required must be current (A3).';
COMMENT ON COLUMN lpr_data.course.code IS 'Short name.';
COMMENT ON COLUMN lpr_data.course.title IS 'Title, at most 100 characters.';
COMMENT ON COLUMN lpr_data.course.required IS 'Whether a query needs it.';
COMMENT ON COLUMN lpr_data.course.shipped IS 'Whether the privacy assessment names it: such a course stays required.';
INSERT INTO lpr_data.course (code, title, shipped)
VALUES ('data_security', 'Data security', true),
       ('privacy', 'Privacy', true),
       ('information_assurance', 'Information assurance', true),
       ('records_management', 'Records management', true),
       ('integrity_awareness', 'Integrity awareness', true),
       ('lpr_policy', 'License plate reader policy: privacy, civil rights and civil liberties', true);

CREATE TABLE lpr_data.training (
    person_id integer NOT NULL REFERENCES lpr_data.person,
    course text COLLATE "C" NOT NULL REFERENCES lpr_data.course,
    completed_on date NOT NULL,
    valid_until timestamp with time zone NOT NULL,
    officer_id integer NOT NULL REFERENCES lpr_data.person CHECK (officer_id <> person_id),
    recorded_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    evidence text CHECK (char_length(evidence) <= 1000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    PRIMARY KEY (person_id, course, completed_on),
    CONSTRAINT a_year_at_most CHECK (valid_until AT TIME ZONE 'UTC' <= completed_on + interval '1 year'
                                     AND completed_on <= (recorded_at AT TIME ZONE 'UTC')::date)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.training', '');
SELECT lpr_data.audit_changes_of('lpr_data.training', free => '{evidence}');
SELECT lpr_data.only_adds('lpr_data.training');
COMMENT ON TABLE lpr_data.training IS 'Courses that were completed, as the training officer recorded them (A3).';
COMMENT ON COLUMN lpr_data.training.person_id IS 'Who completed it.';
COMMENT ON COLUMN lpr_data.training.course IS 'The course.';
COMMENT ON COLUMN lpr_data.training.completed_on IS 'When, by the calendar of UTC.';
COMMENT ON COLUMN lpr_data.training.valid_until IS 'A year later.';
COMMENT ON COLUMN lpr_data.training.officer_id IS 'Who recorded it; never oneself.';
COMMENT ON COLUMN lpr_data.training.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN lpr_data.training.evidence IS
    'What shows it, such as the number of the certificate; NULL only of what 0.2.0 recorded.';
COMMENT ON COLUMN lpr_data.training.text_salt IS
    'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.required_courses(person_id integer, moment timestamp with time zone)
    RETURNS TABLE (course text, title text, until timestamp with time zone)
    LANGUAGE sql STABLE
AS $$
    SELECT c.code, c.title,
           CASE WHEN c.code IN ('integrity_awareness', 'lpr_policy') THEN greatest(t.until, g.until) ELSE t.until END
    FROM lpr_data.course AS c
    CROSS JOIN LATERAL (SELECT max(x.valid_until) AS until
                        FROM lpr_data.training AS x
                        WHERE x.person_id = required_courses.person_id AND x.course = c.code
                          AND moment >= x.recorded_at) AS t
    -- Who had access before an update has some time for what came with it.
    CROSS JOIN (SELECT max(r.until) AS until
                FROM lpr_data.grace AS r
                WHERE r.what = 'courses' AND moment >= r.since
                  AND EXISTS (SELECT FROM lpr_data.access AS a
                              WHERE a.person_id = required_courses.person_id AND a.granted_at < r.since)) AS g
    WHERE c.required
$$;
COMMENT ON FUNCTION lpr_data.required_courses(integer, timestamp with time zone) IS
    'The required courses, and until when a person has each, by what was recorded up to a moment; NULL = never '
    'completed (A3). The gate, lpr_data.is_trained() and lpr.my_access go by it.';

CREATE FUNCTION lpr_data.tell_grace(person_id integer)
    RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing record;
BEGIN
    FOR missing IN
        SELECT g.until, CASE g.what
            WHEN 'personnel_numbers' THEN (SELECT 'your personnel number' FROM lpr_data.person AS p
                                           WHERE p.person_id = tell_grace.person_id AND p.kind = 'personal'
                                             AND p.personnel_hash IS NULL)
            WHEN 'courses' THEN (SELECT 'course ' || string_agg(c.course, ', ' ORDER BY c.course)
                                 FROM lpr_data.required_courses(tell_grace.person_id, clock_timestamp()) AS c
                                 WHERE c.until = g.until)
            ELSE (SELECT 'the day of publication of source ' || string_agg(s.name, ', ' ORDER BY s.name)
                  FROM lpr_data.source AS s WHERE s.enabled AND s.published_on IS NULL) END AS what,
            CASE g.what WHEN 'personnel_numbers' THEN lpr_data.whom('lpr_admin', 'an administrator')
                 WHEN 'courses' THEN lpr_data.whom('lpr_training_officer', 'a training officer')
                 ELSE lpr_data.whom('lpr_privacy', 'the privacy officer') END AS whom
        FROM lpr_data.grace AS g WHERE clock_timestamp() >= g.since AND clock_timestamp() < g.until ORDER BY g.what
    LOOP
        CONTINUE WHEN missing.what IS NULL;
        RAISE NOTICE USING
            MESSAGE = format('%s is missing, and has to be on record by %s', missing.what,
                             to_char(missing.until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')),
            DETAIL = 'An update asks for it; until then it is let pass, afterwards it is refused.',
            HINT = format('Ask %s to record it.', missing.whom);
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.tell_grace(integer) IS
    'Tells a person, at each logon, what an update asks for and is let pass for some days yet.';

CREATE FUNCTION lpr_data.is_trained(person_id integer)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT count(*) >= 6 AND bool_and((clock_timestamp() < c.until) IS TRUE)
        FROM lpr_data.required_courses(is_trained.person_id, clock_timestamp()) AS c);
COMMENT ON FUNCTION lpr_data.is_trained(integer) IS
    'Whether a person has completed all required courses within the last year, just now (A3).';

CREATE FUNCTION lpr_data.check_trained(person_id integer)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own boolean := person_id = lpr_data.me();
    login text := (SELECT p.login FROM lpr_data.person AS p WHERE p.person_id = check_trained.person_id);
BEGIN
    IF lpr_data.is_trained(person_id) IS NOT TRUE THEN
        -- Which courses somebody else lacks is for training officers and supervisors.
        PERFORM lpr_data.refuse('A3', 'LP026',
                                CASE WHEN own THEN 'your training is not current'
                                     ELSE format('the training of "%s" is not current', login) END,
                                'Who is approved, or opens or joins an event, has completed all required courses '
                                'within the last year.',
                                CASE WHEN own THEN 'SELECT * FROM lpr.my_access; shows which are missing; a training '
                                                   'officer records them.'
                                     ELSE format('Ask %s, who finds what is missing: SELECT course FROM lpr.training '
                                                 'WHERE login = %L AND required AND NOT current;',
                                                 lpr_data.whom('lpr_training_officer', 'a training officer'),
                                                 login) END);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_trained(integer) IS
    'Refuses what is about a person whose training is not current (A3), error LP026.';

CREATE FUNCTION lpr.record_training(login text, course text, completed_on date, evidence text DEFAULT NULL)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    officer integer := lpr_data.acting('lpr_training_officer', 'A3');
    who integer := lpr_data.person_of(login);
BEGIN
    IF who = officer THEN
        PERFORM lpr_data.refuse('A3', 'LP033', 'you cannot record your own training',
                                'Another training officer records it.',
                                'Ask another training officer.');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.course AS c WHERE c.code = record_training.course COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('course "%s" does not exist', coalesce(course, 'NULL')),
            HINT = format('Courses: %s.', (SELECT string_agg(c.code, ', ' ORDER BY c.code) FROM lpr_data.course AS c));
    END IF;
    IF (completed_on <= lpr_data.utc_today() AND isfinite(completed_on)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A3', '22023',
                                format('not a day on which a course was completed: %s',
                                       coalesce(completed_on::text, 'NULL')),
                                format('A completion is recorded once it was; by UTC it is %s.', lpr_data.utc_today()),
                                'Record it when the course is completed.');
    END IF;
    PERFORM lpr_data.refuse_invisible('evidence', evidence);
    IF evidence IS NULL OR lpr_data.says_nothing(evidence) THEN
        PERFORM lpr_data.refuse('A3', 'LP043', format('no evidence that "%s" completed %s', login, course),
                                'A completion is recorded with what shows it.',
                                format('For instance SELECT lpr.record_training(%L, %L, %L, ''certificate 4711'');',
                                       login, course, completed_on));
    END IF;
    INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id, evidence)
    VALUES (who, record_training.course, record_training.completed_on, record_training.completed_on + interval '1 year',
            officer, record_training.evidence);
    RETURN record_training.completed_on + interval '1 year';
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION USING
        ERRCODE = 'unique_violation',
        MESSAGE = format('that "%s" completed %s on %s is on record already', login, course, completed_on);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.record_training(text, text, date, text) TO lpr_member;
COMMENT ON FUNCTION lpr.record_training(text, text, date, text) IS
    'Records that a person completed a course (A3), by another training officer. completed_on: not '
    'later than today by UTC. evidence: what shows it, such as the number of the certificate, at most 1,000 '
    'characters. Returns until when it counts: a year. Nobody is approved, opens or joins an event, or asks unless '
    'all required courses are current. Error LP043 (no evidence).';

CREATE FUNCTION lpr.add_course(code text, title text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('A3');
    INSERT INTO lpr_data.course (code, title) VALUES (add_course.code, add_course.title)
    ON CONFLICT ON CONSTRAINT course_pkey DO UPDATE SET required = true, title = excluded.title
    WHERE NOT course.shipped;
END;
GRANT EXECUTE ON FUNCTION lpr.add_course(text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.add_course(text, text) IS
    'Adds a course that everybody has to have completed within a year, from the next query on (A3); one that is there '
    'becomes required again.';

CREATE FUNCTION lpr.retire_course(code text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A3');
    UPDATE lpr_data.course AS c SET required = false WHERE c.code = retire_course.code COLLATE "C" AND NOT c.shipped;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('A3', '22023',
                                format('course "%s" does not exist, or stays required', coalesce(code, 'NULL')),
                                'Data security, privacy, information assurance, records management, integrity '
                                'awareness and the policy of license plate readers are demanded by the privacy '
                                'assessment.',
                                'SELECT DISTINCT course, required FROM lpr.training; shows the others.');
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retire_course(text) TO lpr_admin;
COMMENT ON FUNCTION lpr.retire_course(text) IS
    'A course is no longer required; those that the privacy assessment names stay (A3).';

CREATE VIEW lpr.training WITH (security_barrier) AS
SELECT p.login, p.name, c.code AS course, c.title, c.required, t.completed_on, t.valid_until,
       (t.valid_until > clock_timestamp()) IS TRUE AS current,
       CASE WHEN t.valid_until > clock_timestamp()
                 THEN floor(extract(epoch FROM t.valid_until - clock_timestamp()) / 86400)::integer END AS days_left
FROM lpr_data.person AS p
CROSS JOIN lpr_data.course AS c
LEFT JOIN (SELECT DISTINCT ON (r.person_id, r.course) r.person_id, r.course, r.completed_on, r.valid_until
           FROM lpr_data.training AS r
           ORDER BY r.person_id, r.course, r.valid_until DESC) AS t ON t.person_id = p.person_id AND t.course = c.code
-- Everybody sees all people, but not what they lack.
WHERE p.left_at IS NULL AND p.kind = 'personal'
  AND (p.person_id = ANY (lpr_data.my_people()) OR (SELECT lpr_data.acts_as('lpr_training_officer', 'lpr_oversight')));
GRANT SELECT ON lpr.training TO lpr_member;
COMMENT ON VIEW lpr.training IS
    'Who has completed which course, and until when that counts (A3): your own; supervisors see that of their '
    'people too, training officers and oversight all.';
COMMENT ON COLUMN lpr.training.login IS 'Whose training.';
COMMENT ON COLUMN lpr.training.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.training.course IS 'The course, as lpr.record_training() takes it.';
COMMENT ON COLUMN lpr.training.title IS 'Its title.';
COMMENT ON COLUMN lpr.training.required IS 'Whether a query needs it.';
COMMENT ON COLUMN lpr.training.completed_on IS 'When it was completed last; NULL = never.';
COMMENT ON COLUMN lpr.training.valid_until IS 'Until when that counts.';
COMMENT ON COLUMN lpr.training.current IS 'Whether it counts now.';
COMMENT ON COLUMN lpr.training.days_left IS 'Full days until it ends.';
