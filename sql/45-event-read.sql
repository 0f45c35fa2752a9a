-- 45-event-read: who sees what of events (E1, E4). What others wrote into theirs is read by a call that is on record.

-- The policies (90-owners) say who sees which rows of events and of what belongs to them; they also lead the planner to
-- those rows.

CREATE VIEW lpr.events WITH (security_barrier) AS
SELECT e.event_id AS event, e.title,
       CASE WHEN lpr_data.closes_at(e.closed_at, e.ends_at) <= clock_timestamp() THEN 'closed'
            WHEN clock_timestamp() >= e.ends_at THEN 'over'
            WHEN e.waits_since IS NOT NULL THEN 'waiting' ELSE 'open' END AS state,
       (SELECT CASE WHEN m.owner THEN 'owner' ELSE 'member' END FROM lpr_data.event_member AS m
        WHERE m.event_id = e.event_id AND m.person_id = lpr_data.me()) AS mine,
       (SELECT p.login FROM lpr_data.event_member AS m JOIN lpr_data.person AS p ON p.person_id = m.person_id
        WHERE m.event_id = e.event_id AND m.owner) AS owner,
       e.system, e.purpose, e.authority, e.matter_reference,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = e.event_id AND m.person_id = lpr_data.me()) THEN e.reason END AS reason,
       e.opened_at, e.ends_at, e.closed_at,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = e.event_id AND m.person_id = lpr_data.me()) THEN e.outcome END AS outcome
FROM lpr_data.event AS e;
GRANT SELECT ON lpr.events TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.events IS
    'Events, the matters that questions are asked for (E1): your own and those that you were added to; supervisors see '
    'those of their people too, oversight and privacy all (E4). Why others need theirs is read by lpr.event_reasons().';
COMMENT ON COLUMN lpr.events.event IS 'Number of the event, as lpr.work_on() and lpr.reads.event_id take it.';
COMMENT ON COLUMN lpr.events.title IS 'Title.';
COMMENT ON COLUMN lpr.events.state IS
    'open; over: past ends_at, and can be extended for 30 days; waiting: for an owner, since the last one has left; '
    'closed: by somebody, or since it ran out 30 days ago (E10).';
COMMENT ON COLUMN lpr.events.mine IS
    'owner, member, or NULL: seen by duty; questions can be asked for it by its owner and members.';
COMMENT ON COLUMN lpr.events.owner IS 'Login of its owner.';
COMMENT ON COLUMN lpr.events.system IS 'The system that it belongs to (A7).';
COMMENT ON COLUMN lpr.events.purpose IS 'Purpose, one of lpr.purposes.';
COMMENT ON COLUMN lpr.events.authority IS 'Legal authority, one of lpr.authorities.';
COMMENT ON COLUMN lpr.events.matter_reference IS 'Number of the matter in the system where it is led.';
COMMENT ON COLUMN lpr.events.reason IS 'Why reads are needed for it; NULL of an event that you do not work on.';
COMMENT ON COLUMN lpr.events.opened_at IS 'When it was opened.';
COMMENT ON COLUMN lpr.events.ends_at IS 'Until when questions can be asked for it.';
COMMENT ON COLUMN lpr.events.closed_at IS
    'When it was closed; NULL of one that counts as closed and was not noted as such yet.';
COMMENT ON COLUMN lpr.events.outcome IS 'How it ended; NULL of an event that you do not work on.';

CREATE VIEW lpr.event_members WITH (security_barrier) AS
SELECT m.event_id AS event, p.login, p.name, m.owner, m.added_at, b.login AS added_by
FROM lpr_data.event_member AS m
JOIN lpr_data.person AS p ON p.person_id = m.person_id
JOIN lpr_data.person AS b ON b.person_id = m.added_by;
GRANT SELECT ON lpr.event_members TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_members IS 'Who works on the events that lpr.events shows (E4).';
COMMENT ON COLUMN lpr.event_members.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_members.login IS 'Login of who works on it, as lpr.remove_member() takes it.';
COMMENT ON COLUMN lpr.event_members.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.event_members.owner IS 'Whether the event is theirs.';
COMMENT ON COLUMN lpr.event_members.added_at IS 'Since when.';
COMMENT ON COLUMN lpr.event_members.added_by IS 'By whom.';

CREATE VIEW lpr.event_extensions WITH (security_barrier) AS
SELECT t.event_id AS event, t.at, p.login AS by_login, t.ends_at,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = t.event_id AND m.person_id = lpr_data.me()) THEN t.reason END AS reason
FROM lpr_data.event_extension AS t
JOIN lpr_data.person AS p ON p.person_id = t.person_id;
GRANT SELECT ON lpr.event_extensions TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_extensions IS 'How the events that lpr.events shows were extended, and why (Q7).';
COMMENT ON COLUMN lpr.event_extensions.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_extensions.at IS 'When.';
COMMENT ON COLUMN lpr.event_extensions.by_login IS 'By whom.';
COMMENT ON COLUMN lpr.event_extensions.ends_at IS 'Until when.';
COMMENT ON COLUMN lpr.event_extensions.reason IS
    'Why the matter goes on; NULL of an event that you do not work on.';

CREATE FUNCTION lpr_data.reading_event(event bigint, what text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM lpr_data.event_member AS m
               WHERE m.event_id = reading_event.event AND m.person_id = lpr_data.me()) THEN
        PERFORM lpr_data.pass_session();
    ELSE
        PERFORM lpr_data.reading('E4', 'lpr_oversight', 'lpr_privacy', 'lpr_supervisor');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.visible_event AS e WHERE e.event_id = reading_event.event) THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('event %s does not exist or is not one that you see',
                                                      coalesce(event::text, 'NULL')),
                                'Supervisors see the events of their people, oversight and privacy all.',
                                'SELECT * FROM lpr.events;');
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('%s(%s)', what, event));
END
$$;
COMMENT ON FUNCTION lpr_data.reading_event(bigint, text) IS
    'Who calls may look at what belongs to an event, by a function of that name: whoever works on it, their '
    'supervisors, oversight and privacy (E4). On record. Errors LP041 (not an event that they see), LP024, LP033, and '
    'those of the gate for a session.';

CREATE FUNCTION lpr.event_reasons(event bigint)
    RETURNS TABLE (at timestamp with time zone, by_login text, what text, said text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM lpr_data.reading_event(event_reasons.event, 'event_reasons');
    RETURN QUERY
        SELECT e.opened_at, NULL::text, 'reason', e.reason
        FROM lpr_data.event AS e WHERE e.event_id = event_reasons.event
        UNION ALL
        SELECT t.at, p.login, 'extended', t.reason
        FROM lpr_data.event_extension AS t JOIN lpr_data.person AS p ON p.person_id = t.person_id
        WHERE t.event_id = event_reasons.event
        UNION ALL
        SELECT s.at, p.login, s.action, s.reason
        FROM lpr_data.event_step AS s JOIN lpr_data.person AS p ON p.person_id = s.person_id
        WHERE s.event_id = event_reasons.event AND s.reason IS NOT NULL
        UNION ALL
        SELECT e.closed_at, NULL, 'outcome', e.outcome
        FROM lpr_data.event AS e WHERE e.event_id = event_reasons.event AND e.outcome IS NOT NULL
        ORDER BY 1;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.event_reasons(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.event_reasons(bigint) IS
    'Why an event is worked on (E4, A9): its reason, why it was extended, changed hands or people, why saved reads '
    'were taken off (lpr.event_steps), how it ended; the oldest first. For who works on it, their supervisors, '
    'oversight and privacy. Each call is itself a record. Errors LP041 (not an event that you see), LP024, LP033, and '
    'those of the gate for a session.';
