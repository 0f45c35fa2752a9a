-- rows.sql: for each table of lpr_data one row that nothing refuses, in JSON, and what such rows refer to; for the
-- walks over constraints and triggers. Within a transaction that is rolled back. "@login" is the number of that person,
-- "@schedule" that of a schedule.
SELECT set_config('client_min_messages', 'warning', true) \g /dev/null
CREATE TEMP TABLE good (relation text, "row" jsonb);
INSERT INTO good VALUES
    ('access', '{"access_id": 9002, "person_id": "@newcomer1", "systems": ["ATS"], "sources": ["acme"],
        "modes": ["plate"], "need_to_know": "x"}'),
    ('access_step', '{"access_id": 9001, "number": 1, "action": "request", "step": "requester",
        "person_id": "@newcomer1", "reason": "x"}'),
    ('authority', '{"authority": "harbor", "citation": "x"}'),
    ('cache_time', '{"keep": "4 hours"}'),
    ('camera', '{"source": "acme", "camera_id": "C-9002", "latitude": 32.5, "longitude": -117}'),
    ('change', '{"number": 9002, "login": "postgres", "pid": 1, "session_started": "2026-01-01", "payload": "{}"}'),
    ('checkpoint', '{"size": 9002, "at": "2026-01-01", "frontier": "\\x00", "proof": "\\x00", "note": "x"}'),
    ('clause', '{"kind": "rules", "code": "harbor", "text": "x"}'),
    ('client_network', '{"network": "10.0.0.0/8", "kind": "direct"}'),
    ('consent_time', '{"lasts": "1 hour", "idle": "10 minutes"}'),
    ('consent_token', '{"person_id": "@newcomer1", "versions": "1", "consent": 1, "agreed_at": "2026-01-01",
        "used_at": "2026-01-01", "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('correction', '{"saved_id": 9001, "at": "2026-01-01", "person_id": "@analyst1", "field": "make", "value": "FORD",
        "reason": "x"}'),
    ('course', '{"code": "harbor", "title": "Harbors"}'),
    ('delivery', '{"size": 9002}'),
    ('deputy', '{"deputy_id": 9002, "role": "lpr_supervisor", "person_id": "@supervisor1", "acts_id": "@analyst2",
        "since": "2026-01-01 00:00Z", "until": "2026-01-31 00:00Z", "reason": "x", "named_by": "@supervisor1"}'),
    ('destruction_certificate', '{"order_id": 9001, "released_by": "@records1", "reason": "x", "reads": 1,
        "corrections": 0, "images": 0, "rewritten": [],
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('destruction_order', '{"order_id": 9002, "made_by": "@records1", "reads": 1,
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('destruction_part', '{"order_id": 9001, "event_id": 9001, "schedule_id": "@schedule", "reads": 1,
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('disposal', '{"disposal_id": 9002, "made_by": "@records1", "records": 1,
        "salt": "\\x00000000000000000000000000000002",
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('disposal_certificate', '{"disposal_id": 9001, "released_by": "@records1", "reason": "x", "records": 1,
        "rewritten": [], "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('disposal_part', '{"disposal_id": 9001, "kind": "event", "key": 9001, "schedule_id": "@schedule", "records": 1,
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('alert', '{"source": "acme", "signed_at": "2026-01-01 00:00Z", "taken_at": "2026-01-01 00:01Z",
        "signature": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('display', '{"display_id": 9002, "event_id": 9001, "owner_id": "@analyst1", "title": "Harbors", "reason": "x",
        "created_at": "2026-01-01 00:00Z"}'),
    ('display_finding', '{"finding": "harbor", "title": "Harbors", "keeps": true}'),
    ('display_item', '{"item_id": 9002, "event_id": 9001, "display_id": 9001, "owner_id": "@analyst1",
        "target_id": 9001, "reason": "x", "added_at": "2026-01-03 00:00Z",
        "watched_since": "2026-01-03 00:00Z", "until": "2026-06-01 00:00Z",
        "validated_at": "2026-01-03 00:00Z", "validated_until": "2026-12-01 00:00Z",
        "holds_until": "2026-06-01 00:00Z"}'),
    ('display_step', '{"step_id": 9002, "event_id": 9001, "display_id": 9001, "owner_id": "@analyst1",
        "item_id": 9001, "action": "validate", "finding": "subject_sought", "at": "2026-01-04 00:00Z",
        "said_at": "2026-01-04 00:00Z", "person_id": "@analyst1", "reason": "x"}'),
    ('display_time', '{"grace_days": 5}'),
    ('empty_reason', '{"reason": "harbor"}'),
    ('event', '{"event_id": 9002, "system": "ATS", "title": "Harbors", "purpose": "suspect", "authority": "title_18",
        "matter_reference": "SD-9002", "reason": "x", "opened_at": "2026-01-01", "ends_at": "2026-06-01"}'),
    ('event_extension', '{"event_id": 9001, "at": "2026-01-01", "person_id": "@analyst1", "ends_at": "2026-06-01",
        "reason": "x"}'),
    ('event_member', '{"event_id": 9001, "person_id": "@newcomer1", "added_by": "@analyst1"}'),
    ('event_read', '{"saved_id": 9002, "save_id": 9001, "event_id": 9001, "source": "acme", "read_id": "r9002",
        "plate": "HARBOR", "captured_at": "2026-01-01", "relevance": "x", "saved_by": "@analyst1",
        "fetched_at": "2026-01-01", "ask": 1, "answer": 2, "place": 0, "proof": "\\x", "schedule_id": "@schedule",
        "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('event_step', '{"step_id": 9002, "event_id": 9001, "action": "add_member", "person_id": "@analyst1",
        "about": "@newcomer1"}'),
    ('evidence_kind', '{"kind": "harbor", "title": "Harbors", "citation": "x"}'),
    ('exemption', '{"records": "HARBOR", "exemptions": ["x"]}'),
    ('grace', '{"what": "courses", "since": "2026-01-01 00:00Z", "until": "2026-01-31 00:01Z"}'),
    ('hit', '{"hit_id": 9002, "event_id": 9001, "display_id": 9001, "owner_id": "@analyst1", "item_id": 9001,
        "source": "acme", "read_key": "\\x0000000000000000000000000000000000000000000000000000000000000002",
        "answer": 1, "place": 0, "captured_at": "2026-01-04 00:00Z", "seen_at": "2026-01-04 00:01Z",
        "expires_at": "2026-01-04 12:00Z"}'),
    ('hit_channel', '{"channel": "lpr_harbor", "person_id": 1, "pid": 1, "session_started": "2026-01-01"}'),
    ('hit_disposition', '{"hit_id": 9001, "event_id": 9001, "person_id": "@analyst1",
        "disposition": "misread", "reason": "x"}'),
    ('hit_wake', '{"person_id": 1, "display_id": 9001}'),
    ('image', '{"content": "\\x02", "sha256":
        "\\xdbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986"}'),
    ('job', '{"job": "harbor", "scheduled_by": "postgres"}'),
    ('legal_hold', '{"hold_id": 9002, "event_id": 9001, "authority": "x", "reason": "x", "placed_by": "@records1"}'),
    ('limit_request', '{"request_id": 9002, "limit": "person_hour", "wanted": {}, "instead_of": {},
        "person_id": "@admin1", "reason": "x"}'),
    ('log', '{"id": "\\x00000000000000000000000000000002"}'),
    ('mail', '{"mail_id": 9002, "key": "harbor", "person_id": "@newcomer1", "kind": "denied",
        "address": "h@agency.example", "subject": "x", "body": "x", "message_id": "00000000000000000000000000000002"}'),
    ('mail_text', '{"kind": "denied", "subject": "x", "body": "x"}'),
    ('nexus', '{"nexus": "entity_of_concern", "title": "x", "citation": "x", "active": true}'),
    ('person', '{"person_id": 9002, "login": "harbor2", "name": "Har Bor", "email": "h@agency.example",
        "unit": "Tests"}'),
    ('protected_place', '{"place_id": 9002, "name": "Harbor Church", "kind": "worship", "latitude": 32.5,
        "longitude": -117, "radius_m": 100, "citation": "x", "added_by": "@privacy1"}'),
    ('purge_certificate', '{"deadline": "2026-01-01", "done_at": "2026-01-02", "answers": 0, "reads": 0, "bytes": 0,
        "digest": "\\x00", "late": false}'),
    ('purpose', '{"purpose": "harbor", "title": "Harbors"}'),
    ('rate_limit', '{"name": "person_hour", "scope": "person", "per": "hour", "questions": 5}'),
    ('recertification', '{"person_id": "@newcomer1", "at": "2026-01-01", "lead_id": "@lead1",
        "valid_until": "2026-06-01", "reason": "x"}'),
    ('release', '{"release_id": 9002, "kind": "plate", "event_id": 9001, "key": "x", "person_id": "@analyst1",
        "reason": "x"}'),
    ('release_kind', '{"kind": "harbor", "title": "Harbors", "control": "P1", "roles": ["lpr_privacy"]}'),
    ('reserved_plate', '{"plate_hash": "\\x0000000000000000000000000000000000000000000000000000000000000002",
        "owner_hash": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('relation', '{"relation": "harbor", "title": "Harbors", "citation": "x", "kinds": ["plate"]}'),
    ('role_conflict', '{"role": "lpr_foia", "other": "lpr_lead", "reason": "x"}'),
    ('role_state', '{"kind": "noted", "name": "harbor", "about": [], "value": {}}'),
    ('rules', '{"version": 9002, "text": "x"}'),
    ('save', '{"save_id": 9002, "event_id": 9001, "person_id": "@analyst1", "schedule_id": "@schedule"}'),
    ('schedule', '{"schedule_id": 9002, "records": "ATS", "citation": "x", "base_period": "1 year",
        "runs_from": "saved", "life_of_matter": true, "effective_from": "2026-01-01", "reason": "x",
        "proposed_by": "@records1"}'),
    ('schedule_step', '{"schedule_id": "@schedule", "person_id": "@newcomer1", "action": "withdraw", "reason": "x"}'),
    ('search_limit', '{"mode": "location", "radius_m": 5, "address_length": 5, "span": "1 day", "reads": 5}'),
    ('secret', '{"name": "harbor", "key_name": "key", "value": "\\x00"}'),
    ('setting', '{"name": "lpr.harbor"}'),
    ('source', '{"name": "harbor"}'),
    ('system', '{"system": "HARBOR", "name": "Harbors", "records": "ATS"}'),
    ('target', '{"target_id": 9002, "event_id": 9001, "kind": "plate", "plate": "HARBOR2", "relation": "subject",
        "evidence_kind": "case_record", "evidence_reference": "SD-9002", "basis": "x", "added_at": "2026-01-01 00:00Z",
        "added_by": "@analyst1"}'),
    ('training', '{"person_id": "@newcomer1", "course": "privacy", "completed_on": "2026-01-01",
        "valid_until": "2026-06-01", "officer_id": "@trainer1"}'),
    ('watch_item', '{"source": "acme", "item_id": 9001}'),
    ('watch_mark', '{"source": "acme", "mark": "x", "asked_at": "2026-01-04 00:00Z"}'),
    ('watch_set', '{"set_id": 9002, "source": "acme", "at": "2026-01-04 00:00Z", "entered": [9001], "gone": [],
        "items": 1, "digest": "\\x0000000000000000000000000000000000000000000000000000000000000002"}'),
    ('watch_time', '{"round_s": 5, "overlap_min": 15, "sweep_min": 60}');

-- The statement that adds it, with these values in place of its own.
CREATE FUNCTION pg_temp.adds(relation text, more jsonb DEFAULT '{}')
    RETURNS text
    LANGUAGE plpgsql
AS $$
DECLARE
    given jsonb := (SELECT g."row" || adds.more FROM good AS g WHERE g.relation = adds.relation);
    columns text := (SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(given) AS k);
    person record;
BEGIN
    FOR person IN SELECT '"@' || login || '"' AS token, person_id FROM lpr_data.person
                  UNION ALL SELECT '"@schedule"', max(schedule_id) FROM lpr_data.schedule WHERE schedule_id < 9000 LOOP
        given := replace(given::text, person.token, person.person_id::text)::jsonb;
    END LOOP;
    RETURN format('INSERT INTO lpr_data.%I (%s) OVERRIDING SYSTEM VALUE '
                  'SELECT %2$s FROM jsonb_populate_record(NULL::lpr_data.%1$I, %3$L)', relation, columns, given);
END
$$;
CREATE FUNCTION pg_temp.run(VARIADIC statements text[])
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        EXECUTE statement;
    END LOOP;
END
$$;
-- What the rows refer to, of the numbers 9001. Limits that other tests widened may be set anew. Of the codes that a
-- nexus may have each is taken: one goes, and the trigger is left as it was, since it may be out on purpose (mutants).
CREATE FUNCTION pg_temp.add_world()
    RETURNS void
    LANGUAGE sql
RETURN pg_temp.run(
    pg_temp.adds('access', '{"access_id": 9001, "person_id": "@privacy1"}'),
    pg_temp.adds('event', '{"event_id": 9001}'),
    pg_temp.adds('target', '{"target_id": 9001, "plate": "HARBOR1"}'), pg_temp.adds('save', '{"save_id": 9001}'),
    pg_temp.adds('event_read', '{"saved_id": 9001, "read_id": "r9001"}'),
    pg_temp.adds('target', '{"target_id": 9004, "plate": "HARBOR4"}'),
    pg_temp.adds('target', '{"target_id": 9005, "kind": "vehicle", "plate": null, "make": "FORD"}'),
    pg_temp.adds('display', '{"display_id": 9001, "confirmed_at": "2026-01-02 00:00Z",
        "examined_at": "2026-01-02 00:00Z", "examined_until": "2026-12-02 00:00Z",
        "reviewed_at": "2026-01-02 00:00Z", "reviewed_until": "2026-04-01 00:00Z"}'),
    pg_temp.adds('display_item', '{"item_id": 9001, "target_id": 9004}'),
    pg_temp.adds('hit', '{"hit_id": 9001, "answer": 2,
        "read_key": "\\x0000000000000000000000000000000000000000000000000000000000000001"}'),
    pg_temp.adds('destruction_order', '{"order_id": 9001, "state": "done"}'),
    pg_temp.adds('disposal', '{"disposal_id": 9001, "state": "done", "salt": null}'),
    'DROP TRIGGER approve_at_once ON lpr_data.source', -- ease.sql's own, by which sources are approved
    'ALTER TABLE lpr_data.nexus DISABLE TRIGGER refuse_rewrite',
    'DELETE FROM lpr_data.nexus WHERE nexus = ''entity_of_concern''',
    (SELECT format('ALTER TABLE lpr_data.nexus %s TRIGGER refuse_rewrite',
                   CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'D' THEN 'DISABLE' ELSE 'ENABLE' END)
     FROM pg_trigger AS t WHERE t.tgrelid = 'lpr_data.nexus'::regclass AND t.tgname = 'refuse_rewrite'),
    'UPDATE lpr_data.search_limit SET shipped = true', 'UPDATE lpr_data.rate_limit SET shipped = true',
    'UPDATE lpr_data.consent_time SET shipped = true', 'UPDATE lpr_data.cache_time SET shipped = true',
    'UPDATE lpr_data.display_time SET shipped = true', 'UPDATE lpr_data.watch_time SET shipped = true');
