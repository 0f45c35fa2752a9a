-- 39-grace: what an update asks anew of people who are at work has thirty days, once, and never more.

CREATE TABLE lpr_data.grace (
    what text COLLATE "C" PRIMARY KEY CHECK (what IN ('courses', 'personnel_numbers', 'sources')),
    since timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    until timestamp with time zone NOT NULL DEFAULT clock_timestamp() + interval '30 days',
    CONSTRAINT thirty_days_at_most CHECK (until > since
                                          AND until AT TIME ZONE 'UTC' <= since AT TIME ZONE 'UTC'
                                                                          + interval '30 days 1 minute')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.grace', '');
SELECT lpr_data.audit_changes_of('lpr_data.grace');
SELECT lpr_data.only_adds('lpr_data.grace');
COMMENT ON TABLE lpr_data.grace IS
    'What an update to this version found missing, and until when it is let pass for those who had access before: one '
    'row each, made by the update, and never again. A fresh database has none.';
COMMENT ON COLUMN lpr_data.grace.what IS
    'courses: the two that 0.2.0 did not demand, integrity_awareness and lpr_policy (A3); personnel_numbers: of people '
    'who were registered without one (A8); sources: that were enabled without a day of publication (Q10).';
COMMENT ON COLUMN lpr_data.grace.since IS 'When the update was made; who had access before that is let pass.';
COMMENT ON COLUMN lpr_data.grace.until IS 'Until when; thirty days later at the most.';

CREATE FUNCTION lpr_data.in_grace(what text)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.grace AS g
               WHERE g.what = in_grace.what COLLATE "C" AND clock_timestamp() >= g.since
                 AND clock_timestamp() < g.until);
COMMENT ON FUNCTION lpr_data.in_grace(text) IS 'Whether something that an update found missing is let pass just now.';
