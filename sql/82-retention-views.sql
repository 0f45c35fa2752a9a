-- 82-retention-views: what people see of schedules, holds and destruction (E9).

CREATE VIEW lpr.schedules WITH (security_barrier) AS
SELECT s.schedule_id AS schedule, s.records, s.citation, s.base_period, s.runs_from, s.life_of_matter, s.effective_from, s.effective_until, p.login AS proposed_by,
       t.verified_by, t.withdrawn_by,
       CASE WHEN t.withdrawn THEN 'withdrawn'
            WHEN s.base_period IS NULL THEN 'without a period'
            WHEN t.verified < 2 THEN 'unverified'
            WHEN s.effective_from > t.today THEN 'not yet in force'
            WHEN s.effective_until <= t.today THEN 'no longer in force'
            WHEN s.schedule_id = first_value(s.schedule_id) OVER (
                 PARTITION BY s.records ORDER BY NOT t.withdrawn AND s.base_period IS NOT NULL AND t.verified >= 2 AND s.effective_from <= t.today
                                                 AND coalesce(s.effective_until > t.today, true) DESC, s.effective_from DESC, s.schedule_id DESC) THEN 'in force'
            ELSE 'followed by another' END AS state,
       s.reason
FROM lpr_data.schedule AS s
LEFT JOIN lpr_data.person AS p ON p.person_id = s.proposed_by
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.action = 'verify') AS verified, count(*) FILTER (WHERE x.action = 'withdraw') > 0 AS withdrawn,
                           array_agg(b.login ORDER BY x.at) FILTER (WHERE x.action = 'verify') AS verified_by,
                           min(b.login) FILTER (WHERE x.action = 'withdraw') AS withdrawn_by, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today
                    FROM lpr_data.schedule_step AS x LEFT JOIN lpr_data.person AS b ON b.person_id = x.person_id
                    WHERE x.schedule_id = s.schedule_id) AS t;
GRANT SELECT ON lpr.schedules TO lpr_user, lpr_supervisor, lpr_system_owner, lpr_oversight, lpr_privacy, lpr_admin, lpr_training_officer, lpr_lead, lpr_records_officer;
COMMENT ON VIEW lpr.schedules IS 'Schedules of systems of records: how long what is saved is kept, and who verified that (E9).';
COMMENT ON COLUMN lpr.schedules.schedule IS 'Number, as lpr.verify_schedule() takes it.';
COMMENT ON COLUMN lpr.schedules.records IS 'The system of records.';
COMMENT ON COLUMN lpr.schedules.citation IS 'Where the schedule stands.';
COMMENT ON COLUMN lpr.schedules.base_period IS 'How long; NULL: left to the records officer.';
COMMENT ON COLUMN lpr.schedules.runs_from IS 'From when: saved (the read) or closed (the event).';
COMMENT ON COLUMN lpr.schedules.life_of_matter IS 'Whether nothing is due before its event is closed.';
COMMENT ON COLUMN lpr.schedules.effective_from IS 'First day (UTC) on which reads are saved by it.';
COMMENT ON COLUMN lpr.schedules.effective_until IS 'First day on which they no longer are.';
COMMENT ON COLUMN lpr.schedules.proposed_by IS 'Who entered it; NULL: it came with lpr.';
COMMENT ON COLUMN lpr.schedules.verified_by IS 'Who compared it with its source; two different people have to.';
COMMENT ON COLUMN lpr.schedules.withdrawn_by IS 'Who withdrew it.';
COMMENT ON COLUMN lpr.schedules.state IS 'in force: reads are saved by it; else why not.';
COMMENT ON COLUMN lpr.schedules.reason IS 'Why it reads so.';

CREATE VIEW lpr.holds WITH (security_barrier) AS
SELECT h.hold_id AS hold, h.event_id, h.authority, h.reason, h.placed_at, p.login AS placed_by, h.lifted_at, l.login AS lifted_by, h.lift_reason
FROM lpr_data.legal_hold AS h
JOIN lpr_data.person AS p ON p.person_id = h.placed_by
LEFT JOIN lpr_data.person AS l ON l.person_id = h.lifted_by;
GRANT SELECT ON lpr.holds TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.holds IS 'Legal holds, those that were lifted too (E9).';
COMMENT ON COLUMN lpr.holds.hold IS 'Number, as lpr.lift_hold() takes it.';
COMMENT ON COLUMN lpr.holds.event_id IS 'The event on which it stands.';
COMMENT ON COLUMN lpr.holds.authority IS 'Who orders it.';
COMMENT ON COLUMN lpr.holds.reason IS 'Why.';
COMMENT ON COLUMN lpr.holds.placed_at IS 'Since when.';
COMMENT ON COLUMN lpr.holds.placed_by IS 'By whom.';
COMMENT ON COLUMN lpr.holds.lifted_at IS 'When it was lifted; NULL: it stands.';
COMMENT ON COLUMN lpr.holds.lifted_by IS 'By whom.';
COMMENT ON COLUMN lpr.holds.lift_reason IS 'Why.';

CREATE VIEW lpr.destruction_orders WITH (security_barrier) AS
SELECT o.order_id, o.made_at, p.login AS made_by, o.state, o.reads, o.digest, c.done_at, r.login AS released_by, c.reason, c.reads AS destroyed, c.corrections,
       c.images, c.digest AS destroyed_digest, c.rewritten
FROM lpr_data.destruction_order AS o
LEFT JOIN lpr_data.person AS p ON p.person_id = o.made_by
LEFT JOIN lpr_data.destruction_certificate AS c ON c.order_id = o.order_id
LEFT JOIN lpr_data.person AS r ON r.person_id = c.released_by;
GRANT SELECT ON lpr.destruction_orders TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.destruction_orders IS 'Lists of what was due for destruction, and the certificates of what was destroyed (E9).';
COMMENT ON COLUMN lpr.destruction_orders.order_id IS 'Number, as lpr.release_destruction() takes it.';
COMMENT ON COLUMN lpr.destruction_orders.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr.destruction_orders.made_by IS 'By whom; NULL: the server''s job.';
COMMENT ON COLUMN lpr.destruction_orders.state IS 'waiting (for its release), superseded (by a later list), or done.';
COMMENT ON COLUMN lpr.destruction_orders.reads IS 'How many reads it lists.';
COMMENT ON COLUMN lpr.destruction_orders.digest IS 'SHA-256 over what it lists.';
COMMENT ON COLUMN lpr.destruction_orders.done_at IS 'When it was released and destroyed.';
COMMENT ON COLUMN lpr.destruction_orders.released_by IS 'By whom.';
COMMENT ON COLUMN lpr.destruction_orders.reason IS 'Why.';
COMMENT ON COLUMN lpr.destruction_orders.destroyed IS 'How many reads went.';
COMMENT ON COLUMN lpr.destruction_orders.corrections IS 'How many corrections of theirs.';
COMMENT ON COLUMN lpr.destruction_orders.images IS 'How many images that no other read has.';
COMMENT ON COLUMN lpr.destruction_orders.destroyed_digest IS 'SHA-256 over what went; the same as digest when nothing was held.';
COMMENT ON COLUMN lpr.destruction_orders.rewritten IS 'Tables that were written anew, so that no file holds it.';

CREATE VIEW lpr.destruction_parts WITH (security_barrier) AS
SELECT p.order_id, p.event_id, p.schedule_id AS schedule, p.reads, p.digest, p.state
FROM lpr_data.destruction_part AS p;
GRANT SELECT ON lpr.destruction_parts TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.destruction_parts IS 'What each order lists, by event and schedule (E9).';
COMMENT ON COLUMN lpr.destruction_parts.order_id IS 'The order.';
COMMENT ON COLUMN lpr.destruction_parts.event_id IS 'The event that they were saved for.';
COMMENT ON COLUMN lpr.destruction_parts.schedule IS 'The schedule by which they are due.';
COMMENT ON COLUMN lpr.destruction_parts.reads IS 'How many reads.';
COMMENT ON COLUMN lpr.destruction_parts.digest IS 'SHA-256 over their digests.';
COMMENT ON COLUMN lpr.destruction_parts.state IS 'listed, destroyed, held or changed.';
