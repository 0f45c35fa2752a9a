-- 48-release: a second person, once for all (P1, P2, and what comes after): what needs one is refused until somebody
-- who may, and has no part in it, releases it: for one event and one key, for a day.

CREATE TABLE lpr_data.release_kind (
    kind text COLLATE "C" PRIMARY KEY CHECK (kind ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    control text COLLATE "C" NOT NULL CHECK (control ~ '^[A-Z][0-9]+[a-z]?$'),
    roles text[] COLLATE "C" NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ lpr_data.roles()
                                             AND NOT roles && '{lpr_user,lpr_admin}')
);
-- What comes with lpr never changes, and there is nothing else.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.release_kind', 'WHERE false');
SELECT lpr_data.audit_changes_of('lpr_data.release_kind', plain => '{title}');
INSERT INTO lpr_data.release_kind (kind, title, control, roles)
VALUES ('protected_place', 'a search at a place that the law protects', 'P1', '{lpr_supervisor,lpr_privacy}'),
       ('plate', 'a question for a plate that waits for a second person', 'P2', '{lpr_privacy,lpr_integrity}');
SELECT lpr_data.only_adds('lpr_data.release_kind');
COMMENT ON TABLE lpr_data.release_kind IS 'What a second person releases, and who may (P1, P2).';
COMMENT ON COLUMN lpr_data.release_kind.kind IS 'Code.';
COMMENT ON COLUMN lpr_data.release_kind.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.release_kind.control IS 'The control that it serves.';
COMMENT ON COLUMN lpr_data.release_kind.roles IS
    'Who may release it: one of these roles. A supervisor, or a deputy of one, for their own people.';

CREATE TABLE lpr_data.release (
    release_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text COLLATE "C" NOT NULL REFERENCES lpr_data.release_kind,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    key text COLLATE "C" NOT NULL CHECK (key ~ '^[0-9a-z:._-]{1,200}$'),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'released', 'refused')),
    decided_at timestamp with time zone,
    decided_by integer REFERENCES lpr_data.person,
    acted_for integer REFERENCES lpr_data.person,
    decide_reason text CHECK (decide_reason ~ '[^[:space:]]' AND char_length(decide_reason) <= 4000),
    until timestamp with time zone,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT decided_as_a_whole
        CHECK (num_nonnulls(decided_at, decided_by, decide_reason) = CASE state WHEN 'waiting' THEN 0 ELSE 3 END),
    CONSTRAINT decided_by_somebody_else CHECK (decided_by <> person_id AND acted_for NOT IN (person_id, decided_by)),
    CONSTRAINT a_day_at_most CHECK ((state = 'released') = (until IS NOT NULL)
                                    AND (until > decided_at AND until AT TIME ZONE 'UTC'
                                         <= decided_at AT TIME ZONE 'UTC' + interval '24 hours') IS NOT FALSE)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.release', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.release_release_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.release', free => '{reason,decide_reason}');
CREATE INDEX release_event ON lpr_data.release (event_id, kind, key);
CREATE UNIQUE INDEX release_one_waits ON lpr_data.release (event_id, kind, key) WHERE state = 'waiting';
-- It goes with its event; until then it is decided once, and nothing of it changes.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.release
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('state', 'decided_at', 'decided_by', 'acted_for',
                                                          'decide_reason', 'until');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.release
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.release ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.release IS
    'What was asked to be released for an event, and what came of it: it is good for that event and that key, for 24 '
    'hours (P1, P2).';
COMMENT ON COLUMN lpr_data.release.release_id IS 'Number.';
COMMENT ON COLUMN lpr_data.release.kind IS 'What is released.';
COMMENT ON COLUMN lpr_data.release.event_id IS 'For which event.';
COMMENT ON COLUMN lpr_data.release.key IS 'Which of its kind: number of the place; of a plate its keyed hash.';
COMMENT ON COLUMN lpr_data.release.person_id IS 'Who asked.';
COMMENT ON COLUMN lpr_data.release.at IS 'When.';
COMMENT ON COLUMN lpr_data.release.reason IS 'Why it is needed.';
COMMENT ON COLUMN lpr_data.release.state IS 'waiting, released or refused.';
COMMENT ON COLUMN lpr_data.release.decided_at IS 'When it was released or refused.';
COMMENT ON COLUMN lpr_data.release.decided_by IS 'By whom; never by who asked, nor by a member of the event.';
COMMENT ON COLUMN lpr_data.release.acted_for IS 'In which supervisor''s stead, by a deputy; NULL = nobody''s.';
COMMENT ON COLUMN lpr_data.release.decide_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.release.until IS 'Until when it is good, 24 hours later at the most.';
COMMENT ON COLUMN lpr_data.release.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.release_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.state <> 'waiting' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of release %s is refused', OLD.release_id),
            DETAIL = 'A release is decided once.',
            HINT = 'SELECT lpr.request_release(...); asks for another one.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.release_moves() IS
    'Trigger of lpr_data.release: what was released or refused stays as it is.';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.release FOR EACH ROW EXECUTE FUNCTION lpr_data.release_moves();
ALTER TABLE lpr_data.release ENABLE ALWAYS TRIGGER moves;

CREATE FUNCTION lpr_data.released(event_id bigint, kind text, key text, moment timestamp with time zone)
    RETURNS boolean
    LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM lpr_data.release AS r
                   WHERE r.event_id = released.event_id AND r.kind = released.kind COLLATE "C"
                     AND r.key = released.key COLLATE "C" AND r.state = 'released'
                     AND moment >= r.decided_at AND moment < r.until
                     -- Who came to have a part in the event since is no second person any more.
                     AND NOT EXISTS (SELECT FROM lpr_data.event_member AS m
                                     WHERE m.event_id = r.event_id AND m.person_id IN (r.decided_by, r.acted_for)))
$$;
COMMENT ON FUNCTION lpr_data.released(bigint, text, text, timestamp with time zone) IS
    'Whether a second person has released something for an event, as it holds at a moment (P1, P2).';

CREATE FUNCTION lpr_data.release_call(kind text, event bigint, key text)
    RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
RETURN format('SELECT lpr.request_release(%L, %s, %L, ''...why it is needed...'');', kind,
              coalesce(event::text, 'NULL'), key);
COMMENT ON FUNCTION lpr_data.release_call(text, bigint, text) IS 'The call that asks for a release, for hints.';

CREATE FUNCTION lpr_data.release_key(kind text, key text)
    RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_key text := CASE kind
        WHEN 'protected_place' THEN (SELECT p.place_id::text FROM lpr_data.protected_place AS p
                                     WHERE p.place_id::text = release_key.key AND p.ended_at IS NULL)
        -- Whatever plate it is: who asks learns nothing by it.
        WHEN 'plate' THEN lpr_data.plate_key(lpr.normal_plate(release_key.key)) END;
BEGIN
    IF found_key IS NULL THEN
        PERFORM lpr_data.refuse('P1', '22023', format('there is no %s %s to release', coalesce(kind, 'NULL'),
                                                      coalesce(left(key, 40), 'NULL')),
                                format('Kinds: %s.', (SELECT string_agg(k.kind || ' (' || k.title || ')', ', '
                                                                        ORDER BY k.kind)
                                                      FROM lpr_data.release_kind AS k)),
                                'The error of what needs a release has the very call. SELECT * FROM '
                                'lpr.protected_places;');
    END IF;
    RETURN found_key;
END
$$;
COMMENT ON FUNCTION lpr_data.release_key(text, text) IS
    'What a release of a kind is kept under: the number of a place, the keyed hash of a plate. Errors 22023, LP011.';

CREATE FUNCTION lpr.request_release(kind text, event bigint, key text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'Q7');
    found_key text;
    asked bigint;
BEGIN
    PERFORM lpr_data.check_isolation();
    IF NOT EXISTS (SELECT FROM lpr_data.memberships(who, clock_timestamp()) AS m
                   WHERE m.event_id = request_release.event AND m.open) THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('event %s does not exist, is not yours or not open',
                                                      coalesce(event::text, 'NULL')),
                                'A release is asked for by who works on the event.', 'SELECT * FROM lpr.events;');
    END IF;
    found_key := lpr_data.release_key(kind, key);
    IF lpr_data.released(event, kind, found_key, clock_timestamp()) THEN
        PERFORM lpr_data.refuse('Q7', 'LP034', 'it is released already',
                                'A release is good for a day.', 'SELECT * FROM lpr.releases;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q7');
    INSERT INTO lpr_data.release (kind, event_id, key, person_id, reason)
    VALUES (request_release.kind, request_release.event, found_key, who, request_release.reason)
    ON CONFLICT DO NOTHING
    RETURNING release_id INTO asked;
    IF asked IS NULL THEN
        PERFORM lpr_data.refuse('Q7', 'LP034', 'a request for this release waits already',
                                'What waits is decided, and asked for anew then.', 'SELECT * FROM lpr.releases;');
    END IF;
    RAISE NOTICE USING
        MESSAGE = format('release %s waits for a second person', asked),
        HINT = format('Ask %s: SELECT lpr.release_request(%s, ''...why...'');',
                      (SELECT string_agg(CASE r.role WHEN 'lpr_supervisor' THEN 'your supervisor or a deputy'
                                         ELSE lpr_data.whom(r.role, CASE r.role WHEN 'lpr_privacy'
                                              THEN 'the privacy officer' ELSE 'the integrity office' END) END, ' or '
                                         ORDER BY r.number)
                       FROM lpr_data.release_kind AS k, unnest(k.roles) WITH ORDINALITY AS r (role, number)
                       WHERE k.kind = request_release.kind COLLATE "C"), asked);
    RETURN asked;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.request_release(text, bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.request_release(text, bigint, text, text) IS
    'Asks for a second person to release what was refused for want of one, for an open event that you work on (P1, '
    'P2). Returns its number. kind, key: as the error has them: protected_place and the number of the place, or plate '
    'and the plate, of which a keyed hash is kept. reason: why it is needed. Errors LP041, LP034 (it waits or is '
    'released already), LP043, LP011, 22023 (no such place).';

CREATE FUNCTION lpr_data.releases_for(who integer, r lpr_data.release)
    RETURNS TABLE (acted_for integer)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    by_role text[] := (SELECT k.roles FROM lpr_data.release_kind AS k WHERE k.kind = r.kind);
    principal integer;
BEGIN
    IF who = r.person_id OR lpr_data.is_own_plate(who, r.kind, r.key)
       OR EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = r.event_id AND m.person_id = who) THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM unnest(by_role) AS o (role)
               WHERE o.role <> 'lpr_supervisor' AND lpr_data.holds(who, o.role)) THEN
        RETURN QUERY SELECT NULL::integer;
    ELSIF 'lpr_supervisor' = ANY (by_role) AND lpr_data.supervises(who, r.person_id) THEN
        principal := (SELECT nullif(p.supervisor_id, who) FROM lpr_data.person AS p WHERE p.person_id = r.person_id);
        IF NOT EXISTS (SELECT FROM lpr_data.event_member AS m
                       WHERE m.event_id = r.event_id AND m.person_id = principal) THEN
            RETURN QUERY SELECT principal;
        END IF;
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.releases_for(integer, lpr_data.release) IS
    'Whether a person may decide about a release: a row, with the one in whose stead, if as a deputy. None: they are '
    'not entitled, or have a part in it: they asked, work on the event, or it is about them.';

CREATE FUNCTION lpr_data.decide_release(release bigint, verdict text, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
#variable_conflict use_variable
DECLARE
    who integer := lpr_data.acting_in('P1', 'lpr_supervisor', 'lpr_privacy', 'lpr_integrity');
    r lpr_data.release;
    principal integer;
    moment timestamptz := clock_timestamp();
    ends timestamptz := CASE verdict WHEN 'released' THEN moment + interval '24 hours' END;
BEGIN
    PERFORM lpr_data.pass_session();
    -- Who is in which role, and whose deputy, stays as it is until this is committed.
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.lock_roles();
    PERFORM FROM lpr_data.deputy AS d WHERE d.acts_id = who AND d.ended_at IS NULL ORDER BY d.deputy_id FOR SHARE;
    SELECT x.* INTO r FROM lpr_data.release AS x WHERE x.release_id = release FOR NO KEY UPDATE;
    SELECT f.acted_for INTO principal FROM lpr_data.releases_for(who, r) AS f;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('P1', 'LP033', format('release %s does not exist or is not yours to decide',
                                                      coalesce(release::text, 'NULL')),
                                'A release is given or refused by somebody who may, never by who asked for it or has '
                                'a part in its event.',
                                'SELECT * FROM lpr.releases; shows those that you see.');
    END IF;
    IF r.state <> 'waiting' THEN
        PERFORM lpr_data.refuse('P1', 'LP034', format('release %s is %s already', release, r.state),
                                'A release is decided once.', 'SELECT * FROM lpr.releases;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'P1', earlier => ARRAY[r.reason]);
    UPDATE lpr_data.release AS x
    SET state = verdict, decided_at = moment, decided_by = who, acted_for = principal, decide_reason = reason,
        until = ends
    WHERE x.release_id = release;
    RETURN ends;
END
$$;
COMMENT ON FUNCTION lpr_data.decide_release(bigint, text, text) IS 'Releases or refuses what waits for it.';

CREATE FUNCTION lpr.release_request(release bigint, reason text)
    RETURNS timestamp with time zone
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.decide_release(release_request.release, 'released', release_request.reason);
END;
GRANT EXECUTE ON FUNCTION lpr.release_request(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.release_request(bigint, text) IS
    'Releases what waits for a second person (P1, P2): good for its event and key, for 24 hours; returns until when. A '
    'protected place: by the supervisor of who asked, or a deputy, or by the privacy officer; a plate: by privacy or '
    'integrity. Never by who asked, nor by who works on the event. reason: why it is right. What it is about is read '
    'before: lpr.release_reasons(). Errors LP033 (who may), LP034 (decided already), LP043, and those of the gate for '
    'a session.';

CREATE FUNCTION lpr.refuse_release(release bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.decide_release(release, 'refused', reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.refuse_release(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.refuse_release(bigint, text) IS
    'Refuses what waits for a second person, with the reason (P1, P2), by whoever could release it. Errors as of '
    'lpr.release_request().';

CREATE FUNCTION lpr.release_reasons(release bigint)
    RETURNS TABLE (event bigint, title text, purpose text, authority text, matter_reference text, event_reason text,
                   by_login text, about text, reason text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    who integer := lpr_data.acting_in('P1', 'lpr_supervisor', 'lpr_privacy', 'lpr_integrity');
    r lpr_data.release;
BEGIN
    PERFORM lpr_data.pass_session();
    SELECT x.* INTO r FROM lpr_data.release AS x WHERE x.release_id = release_reasons.release;
    IF NOT EXISTS (SELECT FROM lpr_data.releases_for(who, r)) THEN
        PERFORM lpr_data.refuse('P1', 'LP033', format('release %s does not exist or is not yours to decide',
                                                      coalesce(release_reasons.release::text, 'NULL')),
                                'Why it is needed is read by who may decide.',
                                'SELECT * FROM lpr.releases; shows those that you see.');
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('release_reasons(%s)', release_reasons.release));
    RETURN QUERY
        SELECT e.event_id, e.title, e.purpose, e.authority, e.matter_reference, e.reason, p.login,
               CASE r.kind WHEN 'protected_place' THEN (SELECT format('%s: %s', x.place_id, x.name)
                                                        FROM lpr_data.protected_place AS x
                                                        WHERE x.place_id::text = r.key)
                    ELSE 'a plate' END, r.reason
        FROM lpr_data.event AS e CROSS JOIN lpr_data.person AS p
        WHERE e.event_id = r.event_id AND p.person_id = r.person_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.release_reasons(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.release_reasons(bigint) IS
    'What a release is asked for (P1, P2): the event and why it is worked on, who asks, about what and why; for who '
    'may decide. Which plate, and whose, nobody is told. Each call is itself a record. Errors LP033, and those of the '
    'gate for a session.';

CREATE VIEW lpr.releases WITH (security_barrier) AS
SELECT r.release_id AS release, r.kind,
       CASE r.kind WHEN 'protected_place' THEN (SELECT format('%s: %s', x.place_id, x.name)
                                                FROM lpr_data.protected_place AS x WHERE x.place_id::text = r.key)
            ELSE 'a plate' END AS about,
       r.event_id AS event, p.login AS by_login, r.at,
       CASE WHEN r.state = 'released' AND r.until <= clock_timestamp() THEN 'over' ELSE r.state END AS state,
       r.until, r.decided_at, d.login AS decided_by, f.login AS acting_for,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = r.event_id AND m.person_id = lpr_data.me()) THEN r.reason END AS reason,
       CASE WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                         WHERE m.event_id = r.event_id AND m.person_id = lpr_data.me())
            THEN r.decide_reason END AS decide_reason
FROM lpr_data.release AS r
JOIN lpr_data.person AS p ON p.person_id = r.person_id
LEFT JOIN lpr_data.person AS d ON d.person_id = r.decided_by
LEFT JOIN lpr_data.person AS f ON f.person_id = r.acted_for;
GRANT SELECT ON lpr.releases TO lpr_member;
COMMENT ON VIEW lpr.releases IS
    'What a second person was asked to release for the events that lpr.events shows, and what came of it (P1, P2); '
    'integrity sees those about plates.';
COMMENT ON COLUMN lpr.releases.release IS 'Number, as lpr.release_request() takes it.';
COMMENT ON COLUMN lpr.releases.kind IS 'protected_place or plate.';
COMMENT ON COLUMN lpr.releases.about IS 'Number and name of the place; which plate is not told.';
COMMENT ON COLUMN lpr.releases.event IS 'Number of the event.';
COMMENT ON COLUMN lpr.releases.by_login IS 'Login of who asked.';
COMMENT ON COLUMN lpr.releases.at IS 'When.';
COMMENT ON COLUMN lpr.releases.state IS 'waiting, released, over (released, and its day is past), or refused.';
COMMENT ON COLUMN lpr.releases.until IS 'Until when it is good.';
COMMENT ON COLUMN lpr.releases.decided_at IS 'When it was released or refused.';
COMMENT ON COLUMN lpr.releases.decided_by IS 'Login of who did.';
COMMENT ON COLUMN lpr.releases.acting_for IS 'In whose stead, by a deputy (lpr.deputies); NULL = nobody''s.';
COMMENT ON COLUMN lpr.releases.reason IS
    'Why it is needed; NULL of an event that you do not work on: lpr.release_reasons().';
COMMENT ON COLUMN lpr.releases.decide_reason IS 'Why it was released or refused; NULL likewise.';
