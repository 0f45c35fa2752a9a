-- 45-limits: limits of questions without a plate, and of the number of questions (Q8). They are rows, under bounds that
-- no row can pass.

CREATE TABLE lpr_data.search_limit (
    mode text COLLATE "C" PRIMARY KEY CHECK (mode IN ('location', 'vehicle')),
    radius_m double precision CHECK (radius_m BETWEEN 1 AND 500000),
    address_length integer NOT NULL CHECK (address_length BETWEEN 3 AND 200),
    span interval NOT NULL CHECK (span > '0' AND span <= '5 years'),
    reads integer NOT NULL CHECK (reads BETWEEN 1 AND 1000000),
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT place_has_area CHECK (mode = 'vehicle' OR radius_m IS NOT NULL)
);
SELECT lpr_data.ships('lpr_data.search_limit', 'mode');
SELECT lpr_data.audit_changes_of('lpr_data.search_limit');
COMMENT ON TABLE lpr_data.search_limit IS 'How far a question without a plate may reach: area, time and reads (Q8).';
COMMENT ON COLUMN lpr_data.search_limit.mode IS 'location or vehicle.';
COMMENT ON COLUMN lpr_data.search_limit.radius_m IS
    'Of the area in metres, at most 500,000. NULL, for vehicle only: the whole country; else a vehicle is asked for '
    'within a place.';
COMMENT ON COLUMN lpr_data.search_limit.address_length IS
    'Characters that an address without a point must have, blanks and punctuation counted once. One that names no '
    'place, by a number with a name behind it or by two names, has none.';
COMMENT ON COLUMN lpr_data.search_limit.span IS 'From the oldest to the newest moment asked for, at most five years.';
COMMENT ON COLUMN lpr_data.search_limit.reads IS
    'Reads that a source may show for one question, at most 1,000,000; more are cut, which is told.';
COMMENT ON COLUMN lpr_data.search_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.search_limit (mode, radius_m, address_length, span, reads, shipped)
VALUES ('location', 1000, 8, '90 days', 10000, true),
       ('vehicle', NULL, 8, '30 days', 10000, true);

CREATE TABLE lpr_data.rate_limit (
    name text COLLATE "C" PRIMARY KEY,
    scope text COLLATE "C" NOT NULL CHECK (scope IN ('person', 'event')),
    per text COLLATE "C" NOT NULL CHECK (per IN ('hour', 'day')),
    questions integer NOT NULL CHECK (questions BETWEEN 1 AND 1000000),
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT named_by_what_it_limits CHECK (name = scope || '_' || per)
);
SELECT lpr_data.ships('lpr_data.rate_limit', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.rate_limit');
COMMENT ON TABLE lpr_data.rate_limit IS
    'How many questions to sources a person may ask, and may be asked for an event, within the last hour and day (Q8).';
COMMENT ON COLUMN lpr_data.rate_limit.name IS 'Scope and time together.';
COMMENT ON COLUMN lpr_data.rate_limit.scope IS 'person or event.';
COMMENT ON COLUMN lpr_data.rate_limit.per IS 'hour or day.';
COMMENT ON COLUMN lpr_data.rate_limit.questions IS 'At most, 1 to 1,000,000; each source asked counts.';
COMMENT ON COLUMN lpr_data.rate_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.rate_limit (name, scope, per, questions, shipped)
VALUES ('person_hour', 'person', 'hour', 1000, true),
       ('person_day', 'person', 'day', 5000, true),
       ('event_hour', 'event', 'hour', 2000, true),
       ('event_day', 'event', 'day', 10000, true);

CREATE FUNCTION lpr.set_search_limit(mode text, radius_m double precision, span interval, reads integer,
                                     address_length integer DEFAULT 8)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q8');
    INSERT INTO lpr_data.search_limit (mode, radius_m, address_length, span, reads)
    VALUES (set_search_limit.mode, set_search_limit.radius_m, set_search_limit.address_length, set_search_limit.span,
            set_search_limit.reads)
    ON CONFLICT ON CONSTRAINT search_limit_pkey DO UPDATE
    SET radius_m = excluded.radius_m, address_length = excluded.address_length, span = excluded.span,
        reads = excluded.reads, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer) IS
    'How far a question without a plate may reach (Q8), from the next one on. mode: location or vehicle. radius_m: '
    'metres, at most 500,000; NULL, for vehicle only, is the whole country. span: at most five years. reads: of one '
    'source and question, at most 1,000,000. address_length: characters that an address without a point must have.';

CREATE FUNCTION lpr.set_rate_limit(scope text, per text, questions integer)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q8');
    INSERT INTO lpr_data.rate_limit (name, scope, per, questions)
    VALUES (set_rate_limit.scope || '_' || set_rate_limit.per, set_rate_limit.scope, set_rate_limit.per,
            set_rate_limit.questions)
    ON CONFLICT ON CONSTRAINT rate_limit_pkey DO UPDATE SET questions = excluded.questions, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_rate_limit(text, text, integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_rate_limit(text, text, integer) IS
    'How many questions a person or event (scope) may ask per hour or day, 1 to 1,000,000, from the next one on (Q8).';

CREATE VIEW lpr.limits WITH (security_barrier) AS
SELECT 'search by ' || CASE s.mode WHEN 'location' THEN 'place' ELSE s.mode END AS "limit", s.radius_m,
       s.address_length, s.span, s.reads, NULL::integer AS questions
FROM lpr_data.search_limit AS s
UNION ALL
SELECT CASE r.scope WHEN 'event' THEN 'questions for an event' ELSE 'questions of a person' END
    || CASE r.per WHEN 'hour' THEN ' in an hour' ELSE ' in a day' END, NULL, NULL,
       CASE r.per WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END, NULL, r.questions
FROM lpr_data.rate_limit AS r;
GRANT SELECT ON lpr.limits TO lpr_member;
COMMENT ON VIEW lpr.limits IS 'How far a question without a plate may reach, and how many may be asked (Q8).';
COMMENT ON COLUMN lpr.limits."limit" IS 'What is limited.';
COMMENT ON COLUMN lpr.limits.radius_m IS 'Of the area, in metres; NULL for searches by vehicle: the whole country.';
COMMENT ON COLUMN lpr.limits.address_length IS 'Characters that an address without a point must have.';
COMMENT ON COLUMN lpr.limits.span IS
    'Of searches: from the oldest to the newest moment asked for. Of questions: within which they count.';
COMMENT ON COLUMN lpr.limits.reads IS 'Reads that a source may show for one question.';
COMMENT ON COLUMN lpr.limits.questions IS 'How many, each source asked counts.';
