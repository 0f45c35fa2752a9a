-- 45-event-step: what was done with an event and what it holds, and why (E4, E3, U4): people added and removed, owners
-- changed, saved reads taken off, events closed by supervisors. How it was extended stands in
-- lpr_data.event_extension, how it ended in its outcome.

CREATE TABLE lpr_data.event_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    action text COLLATE "C" NOT NULL CHECK (action IN ('add_member', 'remove_member', 'transfer', 'unsave',
                                                        'close')),
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    about integer REFERENCES lpr_data.person,
    saved_id bigint,
    schedule_id integer,
    reason text CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    acted_for integer REFERENCES lpr_data.person,
    CONSTRAINT for_somebody_else CHECK (acted_for <> person_id),
    CONSTRAINT about_a_person_or_a_read CHECK ((action = 'unsave') = (saved_id IS NOT NULL)
                                               AND (action IN ('unsave', 'close')) = (about IS NULL)),
    CONSTRAINT taken_off_for_a_reason CHECK (action NOT IN ('unsave', 'close') OR reason IS NOT NULL)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_step', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.event_step_step_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.event_step', free => '{reason}');
CREATE INDEX event_step_event ON lpr_data.event_step (event_id, step_id);
-- A step never changes. It goes by its schedule, and that is on record.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.event_step
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.event_step
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.event_step ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.event_step IS 'What was done with an event and what it holds, and why (E3, E4).';
COMMENT ON COLUMN lpr_data.event_step.step_id IS 'Number.';
COMMENT ON COLUMN lpr_data.event_step.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.event_step.action IS
    'add_member, remove_member, transfer, unsave, or close: by a supervisor.';
COMMENT ON COLUMN lpr_data.event_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.event_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.event_step.about IS 'Who was added or removed, or is the owner from then on.';
COMMENT ON COLUMN lpr_data.event_step.saved_id IS 'Number of the saved read that was taken off.';
COMMENT ON COLUMN lpr_data.event_step.schedule_id IS
    'The schedule that it is kept by (E9): of the read that was taken off, else the one in force for the event then; '
    'NULL when there was none.';
COMMENT ON COLUMN lpr_data.event_step.reason IS
    'Why; NULL when nobody said: people are added and removed without, and events of who leaves go to an heir.';
COMMENT ON COLUMN lpr_data.event_step.text_salt IS
    'What its free texts are hashed with for the audit log.';
COMMENT ON COLUMN lpr_data.event_step.acted_for IS 'In which supervisor''s stead, by a deputy; NULL = nobody''s.';

CREATE FUNCTION lpr_data.add_event_step(event bigint, action text, who integer, about integer, reason text,
                                        acted_for integer DEFAULT NULL)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO lpr_data.event_step (event_id, action, person_id, about, schedule_id, reason, acted_for)
    SELECT e.event_id, add_event_step.action, add_event_step.who, add_event_step.about,
           lpr_data.schedule_in_force(y.records), add_event_step.reason, add_event_step.acted_for
    FROM lpr_data.event AS e JOIN lpr_data.system AS y ON y.system = e.system
    WHERE e.event_id = add_event_step.event
$$;
COMMENT ON FUNCTION lpr_data.add_event_step(bigint, text, integer, integer, text, integer) IS
    'Notes what was done with an event about a person, and why.';

CREATE VIEW lpr.event_steps WITH (security_barrier) AS
SELECT s.event_id AS event, s.at, p.login AS by_login, s.action, b.login AS about, s.saved_id,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = s.event_id AND m.person_id = lpr_data.me()) THEN s.reason END AS reason,
       f.login AS acting_for
FROM lpr_data.event_step AS s
JOIN lpr_data.person AS p ON p.person_id = s.person_id
LEFT JOIN lpr_data.person AS b ON b.person_id = s.about
LEFT JOIN lpr_data.person AS f ON f.person_id = s.acted_for;
GRANT SELECT ON lpr.event_steps TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_steps IS
    'What was done with the events that lpr.events shows, and why: people added and removed, owners changed, saved '
    'reads taken off (E3, E4).';
COMMENT ON COLUMN lpr.event_steps.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_steps.at IS 'When.';
COMMENT ON COLUMN lpr.event_steps.by_login IS 'By whom.';
COMMENT ON COLUMN lpr.event_steps.action IS
    'add_member, remove_member, transfer, unsave, or close: by a supervisor.';
COMMENT ON COLUMN lpr.event_steps.about IS 'Login of who was added or removed, or is the owner from then on.';
COMMENT ON COLUMN lpr.event_steps.saved_id IS 'Number of the saved read that was taken off.';
COMMENT ON COLUMN lpr.event_steps.reason IS
    'Why, where somebody said; NULL of an event that you do not work on: lpr.event_reasons().';
COMMENT ON COLUMN lpr.event_steps.acting_for IS 'In whose stead, by a deputy (lpr.deputies); NULL = nobody''s.';
