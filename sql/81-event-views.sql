-- 81-event-views: what people see of events (E1, E4), and of what they are made of (Q7, Q8).
-- Which rows of events and what belongs to them anybody sees, the policies say (90-isolation), and they also lead the planner to them.

CREATE VIEW lpr.events WITH (security_barrier) AS
SELECT e.event_id AS event, e.title,
       CASE WHEN e.closed_at IS NOT NULL THEN 'closed' WHEN clock_timestamp() >= e.ends_at THEN 'over' ELSE 'open' END AS state,
       (SELECT CASE WHEN m.owner THEN 'owner' ELSE 'member' END FROM lpr_data.event_member AS m WHERE m.event_id = e.event_id AND m.person_id = lpr_data.me()) AS mine,
       (SELECT p.login FROM lpr_data.event_member AS m JOIN lpr_data.person AS p ON p.person_id = m.person_id WHERE m.event_id = e.event_id AND m.owner) AS owner,
       e.system, e.purpose, e.authority, e.matter_reference, e.reason, e.opened_at, e.ends_at, e.closed_at, e.outcome
FROM lpr_data.event AS e;
GRANT SELECT ON lpr.events TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.events IS 'Events, the matters that questions are asked for (E1): one''s own and those one was added to; supervisors see those of their people too, oversight and privacy all (E4).';
COMMENT ON COLUMN lpr.events.event IS 'Number of the event, as lpr.work_on() and lpr.reads.event_id take it.';
COMMENT ON COLUMN lpr.events.title IS 'Title.';
COMMENT ON COLUMN lpr.events.state IS 'open; over: past ends_at, and can be extended; closed.';
COMMENT ON COLUMN lpr.events.mine IS 'owner, member, or NULL: seen by duty; questions can be asked for it by its owner and members.';
COMMENT ON COLUMN lpr.events.owner IS 'Login of its owner.';
COMMENT ON COLUMN lpr.events.system IS 'The system that it belongs to (A7).';
COMMENT ON COLUMN lpr.events.purpose IS 'Purpose, one of lpr.purposes.';
COMMENT ON COLUMN lpr.events.authority IS 'Legal authority, one of lpr.authorities.';
COMMENT ON COLUMN lpr.events.matter_reference IS 'Number of the matter in the system where it is led.';
COMMENT ON COLUMN lpr.events.reason IS 'Why reads are needed for it.';
COMMENT ON COLUMN lpr.events.opened_at IS 'When it was opened.';
COMMENT ON COLUMN lpr.events.ends_at IS 'Until when questions can be asked for it.';
COMMENT ON COLUMN lpr.events.closed_at IS 'When it was closed.';
COMMENT ON COLUMN lpr.events.outcome IS 'How it ended.';

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
SELECT t.event_id AS event, t.at, p.login AS by_login, t.ends_at, t.reason
FROM lpr_data.event_extension AS t
JOIN lpr_data.person AS p ON p.person_id = t.person_id;
GRANT SELECT ON lpr.event_extensions TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.event_extensions IS 'How the events that lpr.events shows were extended, and why (Q7).';
COMMENT ON COLUMN lpr.event_extensions.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.event_extensions.at IS 'When.';
COMMENT ON COLUMN lpr.event_extensions.by_login IS 'By whom.';
COMMENT ON COLUMN lpr.event_extensions.ends_at IS 'Until when.';
COMMENT ON COLUMN lpr.event_extensions.reason IS 'Why the matter goes on.';

CREATE VIEW lpr.purposes WITH (security_barrier) AS
SELECT p.purpose, p.title, p.active FROM lpr_data.purpose AS p;
GRANT SELECT ON lpr.purposes TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.purposes IS 'The purposes that an event may have (Q7).';
COMMENT ON COLUMN lpr.purposes.purpose IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.purposes.title IS 'What it is.';
COMMENT ON COLUMN lpr.purposes.active IS 'Whether a new event may have it.';

CREATE VIEW lpr.authorities WITH (security_barrier) AS
SELECT a.authority, a.citation, a.active FROM lpr_data.authority AS a;
GRANT SELECT ON lpr.authorities TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.authorities IS 'The legal authorities that an event may rest on (Q7).';
COMMENT ON COLUMN lpr.authorities.authority IS 'Code, as lpr.open_event() takes it.';
COMMENT ON COLUMN lpr.authorities.citation IS 'The law.';
COMMENT ON COLUMN lpr.authorities.active IS 'Whether a new event may rest on it.';

CREATE VIEW lpr.limits WITH (security_barrier) AS
SELECT 'search by ' || CASE s.mode WHEN 'location' THEN 'place' ELSE s.mode END AS "limit", s.radius_m, s.address_length, s.span, s.reads, NULL::integer AS questions
FROM lpr_data.search_limit AS s
UNION ALL
SELECT CASE r.scope WHEN 'event' THEN 'questions for an event' ELSE 'questions of a person' END || CASE r.per WHEN 'hour' THEN ' in an hour' ELSE ' in a day' END, NULL, NULL,
       CASE r.per WHEN 'hour' THEN interval '1 hour' ELSE interval '1 day' END, NULL, r.questions
FROM lpr_data.rate_limit AS r;
GRANT SELECT ON lpr.limits TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin;
COMMENT ON VIEW lpr.limits IS 'How far a question without a plate may reach, and how many may be asked (Q8).';
COMMENT ON COLUMN lpr.limits."limit" IS 'What is limited.';
COMMENT ON COLUMN lpr.limits.radius_m IS 'Of the area, in metres; NULL for searches by vehicle: the whole country.';
COMMENT ON COLUMN lpr.limits.address_length IS 'Characters that an address without a point must have.';
COMMENT ON COLUMN lpr.limits.span IS 'Of searches: from the oldest to the newest moment asked for. Of questions: within which they count.';
COMMENT ON COLUMN lpr.limits.reads IS 'Reads that a source may show for one question.';
COMMENT ON COLUMN lpr.limits.questions IS 'How many, each source asked counts.';
