-- watch.sql: people who watch plates, a display and an event each, past the verbs, which would take an hour.
-- psql variables are none: bench.watch(people, plates_each).
CREATE PROCEDURE bench.watch(people integer, each integer)
    LANGUAGE plpgsql
    SET client_min_messages = warning
AS $$
DECLARE
    tables text[] := '{person,access,access_step,training,event,event_member,target,display,display_item}';
    fresh timestamptz := now();
    t text;
BEGIN
    FOR i IN 1 .. people LOOP
        IF to_regrole('watcher' || i) IS NULL THEN
            EXECUTE format('CREATE ROLE watcher%s LOGIN IN ROLE lpr_user', i);
        END IF;
    END LOOP;
    -- What the verbs would have looked at; the changes are not on record one by one.
    FOREACH t IN ARRAY tables LOOP EXECUTE format('ALTER TABLE lpr_data.%I DISABLE TRIGGER USER', t); END LOOP;
    INSERT INTO lpr_data.person (login, name, email, unit, personnel_hash)
    SELECT 'watcher' || n, 'Watcher', 'watcher' || n || '@agency.example', 'Bench', sha256(('watcher' || n)::bytea)
    FROM generate_series(1, people) AS n ON CONFLICT DO NOTHING;
    CREATE TEMP TABLE new_owner ON COMMIT DROP AS
    SELECT p.person_id, p.login FROM lpr_data.person AS p
    WHERE p.login ~ '^watcher\d' AND NOT EXISTS (SELECT FROM lpr_data.access AS a WHERE a.person_id = p.person_id);
    INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at)
    SELECT person_id, '{ATS}', '{north,east,south}', '{plate,display}', 'bench', 'granted', fresh,
           fresh + interval '300 days' FROM new_owner;
    INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
    SELECT a.access_id, s.n, 'approve', s.step, s.person, 'bench' FROM lpr_data.access AS a
    JOIN new_owner USING (person_id), (VALUES (1, 'supervisor', 2), (2, 'system_owner', 3)) AS s (n, step, person);
    INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id)
    SELECT o.person_id, c.code, lpr_data.utc_today(), lpr_data.utc_today() + 300, 2
    FROM new_owner AS o, lpr_data.course AS c;
    INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, ends_at)
    SELECT 'ATS', login, 'suspect', 'title_18', 'BENCH', 'bench', fresh + interval '300 days' FROM new_owner;
    INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by)
    SELECT e.event_id, o.person_id, true, o.person_id FROM new_owner AS o JOIN lpr_data.event AS e ON e.title = o.login;
    INSERT INTO lpr_data.target (event_id, kind, plate, relation, evidence_kind, evidence_reference, basis, added_by)
    SELECT e.event_id, 'plate', 'W' || e.event_id || 'X' || n, 'subject', 'case_record', 'bench', 'bench', o.person_id
    FROM new_owner AS o JOIN lpr_data.event AS e ON e.title = o.login, generate_series(1, each) AS n;
    INSERT INTO lpr_data.display (event_id, owner_id, title, reason, created_at, confirmed_at, examined_at,
                                  examined_until, reviewed_at, reviewed_until)
    SELECT e.event_id, o.person_id, 'bench', 'bench', fresh - interval '1 s', fresh, fresh, fresh + interval '300 days',
           fresh, fresh + interval '80 days'
    FROM new_owner AS o JOIN lpr_data.event AS e ON e.title = o.login;
    INSERT INTO lpr_data.display_item (event_id, display_id, owner_id, target_id, reason, added_at, until, validated_at,
                                       validated_until, holds_until)
    SELECT d.event_id, d.display_id, d.owner_id, t.target_id, 'bench', fresh, fresh + interval '90 days', fresh,
           fresh + interval '300 days', fresh + interval '80 days'
    FROM lpr_data.display AS d JOIN new_owner AS o ON o.person_id = d.owner_id
    JOIN lpr_data.target AS t USING (event_id);
    FOR t IN SELECT format('ALTER TABLE lpr_data.%I ENABLE ALWAYS TRIGGER %I', c.relname, g.tgname)
             FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid
             WHERE c.relname = ANY (tables) AND c.relnamespace = 'lpr_data'::regnamespace AND NOT g.tgisinternal
    LOOP EXECUTE t; END LOOP;
    -- A change that is told: the watcher judges anew what is watched.
    UPDATE lpr_data.watch_time SET round_s = round_s;
END
$$;
