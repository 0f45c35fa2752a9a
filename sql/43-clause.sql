-- 43-clause: what the rules of use and the mail of a grant have to say, whoever words them (A2, A5). A text without it
-- is not taken, and what is shown and mailed has it even so.

CREATE TABLE lpr_data.clause (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('rules', 'authorization')),
    code text COLLATE "C" NOT NULL CHECK (code ~ '^[a-z][a-z_]{0,39}$'),
    text text NOT NULL CHECK (text ~ '[^[:space:]]' AND char_length(text) <= 2000),
    shipped boolean NOT NULL DEFAULT false,
    PRIMARY KEY (kind, code)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.clause', 'WHERE NOT shipped');
SELECT lpr_data.audit_changes_of('lpr_data.clause', long => '{text}');
SELECT lpr_data.only_adds('lpr_data.clause');
COMMENT ON TABLE lpr_data.clause IS
    'What a text has to contain, a row a clause: those that the privacy assessment demands came with lpr (A2, A5).';
COMMENT ON COLUMN lpr_data.clause.kind IS
    'Of which text: rules, the rules of use of each system; authorization, the mail of a grant.';
COMMENT ON COLUMN lpr_data.clause.code IS 'Its name; {name} in a text that is set stands for it.';
COMMENT ON COLUMN lpr_data.clause.text IS 'Its words; how they are broken into lines does not matter.';
COMMENT ON COLUMN lpr_data.clause.shipped IS 'Whether it came with lpr.';
INSERT INTO lpr_data.clause (kind, code, text, shipped)
VALUES
('rules', 'permissible_uses',
 'Permissible uses. You query this data only for an ongoing law-enforcement or border-security matter that you work '
 'on, that you name with each query, and for which you need to know.', true),
('rules', 'no_expectation_of_privacy', 'You have no reasonable expectation of privacy.', true),
('rules', 'audit', 'Each query, with its plate, its matter and its time, is recorded, kept, and reviewed.', true),
('rules', 'discipline',
 'Improper use may result in disciplinary action, up to removal, and in civil and criminal penalties.', true),
('authorization', 'authorization',
$$You are authorized to use license plate reader (LPR) data until {ends_on}:
systems: {systems}
sources: {sources}
searches by: {modes}$$, true),
('authorization', 'appropriate_use',
$$Ask only for an ongoing enforcement or border-security activity that you
work on, and under its event. Not to find new leads or patterns, not out of
curiosity, never for private reasons, never for somebody else.$$, true),
('authorization', 'discipline',
$$Improper use may bring discipline, up to removal, besides civil and criminal
penalties, and ends your access.$$, true);

CREATE VIEW lpr.clauses WITH (security_barrier) AS
SELECT c.kind, c.code, c.text FROM lpr_data.clause AS c ORDER BY c.kind, c.code;
GRANT SELECT ON lpr.clauses TO lpr_member;
COMMENT ON VIEW lpr.clauses IS
    'What the rules of use of each system (kind rules) and the mail of a grant (kind authorization) have to say (A2, '
    'A5). {code} in a text that is set stands for the words.';
COMMENT ON COLUMN lpr.clauses.kind IS 'rules or authorization.';
COMMENT ON COLUMN lpr.clauses.code IS 'Name of the clause.';
COMMENT ON COLUMN lpr.clauses.text IS 'Its words.';

CREATE FUNCTION lpr_data.lacks_clause(said text, clause text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN strpos(regexp_replace(said, '[[:space:]]+', ' ', 'g'),
              btrim(regexp_replace(clause, '[[:space:]]+', ' ', 'g'))) = 0;
COMMENT ON FUNCTION lpr_data.lacks_clause(text, text) IS
    'Whether a text does not contain the words of a clause, however both are broken into lines.';

CREATE FUNCTION lpr_data.fill_clauses(kind text, said text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    clause record;
BEGIN
    FOR clause IN SELECT c.code, c.text FROM lpr_data.clause AS c WHERE c.kind = fill_clauses.kind COLLATE "C"
                  ORDER BY c.code
    LOOP
        said := replace(said, '{' || clause.code || '}', clause.text);
    END LOOP;
    RETURN said;
END
$$;
COMMENT ON FUNCTION lpr_data.fill_clauses(text, text) IS
    'A text with the words of each clause of its kind in place of {code}.';

CREATE FUNCTION lpr_data.with_clauses(kind text, said text)
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN concat_ws(E'\n\n', said,
                 (SELECT string_agg(c.text, E'\n\n' ORDER BY c.code) FROM lpr_data.clause AS c
                  WHERE c.kind = with_clauses.kind COLLATE "C" AND lpr_data.lacks_clause(with_clauses.said, c.text)));
COMMENT ON FUNCTION lpr_data.with_clauses(text, text) IS
    'A text as it is shown or mailed: with the clauses that it lacks behind it. Only one that no verb took lacks any, '
    'such as that of a version before.';

CREATE FUNCTION lpr_data.check_clauses(control text, kind text, said text, call text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text;
    named text;
BEGIN
    SELECT string_agg(c.code, ', ' ORDER BY c.code), string_agg('{' || c.code || '}', ' ' ORDER BY c.code)
    INTO missing, named
    FROM lpr_data.clause AS c
    WHERE c.kind = check_clauses.kind COLLATE "C" AND lpr_data.lacks_clause(said, c.text) IS NOT FALSE;
    IF missing IS NOT NULL THEN
        PERFORM lpr_data.refuse(control, 'LP039', format('the text lacks what it has to say: %s', missing),
                                'The privacy assessment demands these clauses; lpr.clauses has their words, and {code} '
                                'stands for them.',
                                format(call, named));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_clauses(text, text, text, text) IS
    'Refuses a text that lacks clauses of its kind, and names them, error LP039. call: a call that would do, with %s '
    'for what is missing.';
