-- 62-retention: how long saved reads are kept, and what stops its destruction (E8, E9): schedules that two people
-- verified, and legal holds.

CREATE TABLE lpr_data.schedule (
    schedule_id integer GENERATED ALWAYS AS IDENTITY (START 101) PRIMARY KEY, -- numbers up to 100 come with lpr
    records text COLLATE "C" NOT NULL CHECK (records ~ '^[A-Z][A-Z0-9-]{0,39}$'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]' AND citation !~ '[[:cntrl:]]'
                                  AND char_length(citation) <= 500),
    base_period interval CHECK (base_period >= '1 day' AND base_period <= '100 years'),
    runs_from text COLLATE "C" NOT NULL CHECK (runs_from IN ('saved', 'closed')),
    life_of_matter boolean NOT NULL,
    effective_from date NOT NULL,
    effective_until date,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    proposed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    proposed_by integer REFERENCES lpr_data.person,
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT ends_after_it_begins CHECK (effective_until > effective_from),
    CONSTRAINT periods_are_the_site_s CHECK (shipped = (base_period IS NULL) AND shipped = (proposed_by IS NULL))
);
-- what comes with lpr never changes
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule', 'WHERE NOT shipped');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule_schedule_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.schedule', plain => '{citation}', long => '{reason}');
COMMENT ON TABLE lpr_data.schedule IS
    'Schedules of systems of records: how long what is saved is kept (E9). A schedule never changes, since reads are '
    'kept by it: another one follows it, and is verified anew.';
COMMENT ON COLUMN lpr_data.schedule.schedule_id IS 'Number.';
COMMENT ON COLUMN lpr_data.schedule.records IS
    'The system of records, short: ATS, TECS, CIRS, AFI, ...; or ACCESS, TRAINING, PEOPLE, MAIL, LOG (E10).';
COMMENT ON COLUMN lpr_data.schedule.citation IS 'Where the schedule stands.';
COMMENT ON COLUMN lpr_data.schedule.base_period IS
    'How long, 1 day to 100 years; NULL: left to the records officer, and not to be used.';
COMMENT ON COLUMN lpr_data.schedule.runs_from IS 'From when the period runs: saved (the read) or closed (the event).';
COMMENT ON COLUMN lpr_data.schedule.life_of_matter IS
    'Whether nothing is due before its event is closed, however long that takes.';
COMMENT ON COLUMN lpr_data.schedule.effective_from IS 'First day (UTC) on which reads are saved by it.';
COMMENT ON COLUMN lpr_data.schedule.effective_until IS 'First day on which they no longer are; NULL = without end.';
COMMENT ON COLUMN lpr_data.schedule.reason IS 'Why it reads so.';
COMMENT ON COLUMN lpr_data.schedule.proposed_at IS 'When it was entered.';
COMMENT ON COLUMN lpr_data.schedule.proposed_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.schedule.shipped IS 'Whether it came with lpr: the citation, without a period.';
INSERT INTO lpr_data.schedule (schedule_id, records, citation, runs_from, life_of_matter, effective_from, reason,
                               shipped) OVERRIDING SYSTEM VALUE
VALUES (1, 'ATS', 'Automated Targeting System, 77 FR 30297', 'saved', true, '2012-05-22',
        'Named by DHS/CBP/PIA-049(a).', true),
       (2, 'TECS', 'TECS, 73 FR 77778', 'saved', true, '2008-12-19', 'Named by DHS/CBP/PIA-049(a).', true),
       (3, 'CIRS', 'CBP Intelligence Records System, 82 FR 44198, reissued 85 FR 80806', 'saved', true, '2020-12-14',
        'Named by DHS/CBP/PIA-049(a).', true),
       (4, 'AFI', 'Analytical Framework for Intelligence, 77 FR 33753', 'saved', true, '2012-06-07',
        'Named by DHS/CBP/PIA-049(a).', true);
SELECT lpr_data.only_adds('lpr_data.schedule');

CREATE TABLE lpr_data.schedule_step (
    schedule_id integer NOT NULL REFERENCES lpr_data.schedule,
    person_id integer NOT NULL REFERENCES lpr_data.person,
    action text COLLATE "C" NOT NULL CHECK (action IN ('verify', 'withdraw')),
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    PRIMARY KEY (schedule_id, person_id, action) -- nobody counts twice
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.schedule_step', '');
SELECT lpr_data.audit_changes_of('lpr_data.schedule_step', long => '{reason}');
SELECT lpr_data.only_adds('lpr_data.schedule_step');
COMMENT ON TABLE lpr_data.schedule_step IS 'Who verified a schedule, and who withdrew it (E9).';
COMMENT ON COLUMN lpr_data.schedule_step.schedule_id IS 'The schedule.';
COMMENT ON COLUMN lpr_data.schedule_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.schedule_step.action IS 'verify or withdraw.';
COMMENT ON COLUMN lpr_data.schedule_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.schedule_step.reason IS 'What it was compared with, or why it must not be used.';

ALTER TABLE lpr_data.save ADD FOREIGN KEY (schedule_id) REFERENCES lpr_data.schedule;
ALTER TABLE lpr_data.event_step ADD FOREIGN KEY (schedule_id) REFERENCES lpr_data.schedule;

CREATE FUNCTION lpr_data.is_verified(schedule_id integer)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT count(DISTINCT s.person_id) FILTER (WHERE s.action = 'verify') >= 2
        AND count(*) FILTER (WHERE s.action = 'withdraw') = 0
        FROM lpr_data.schedule_step AS s WHERE s.schedule_id = is_verified.schedule_id);
COMMENT ON FUNCTION lpr_data.is_verified(integer) IS
    'Whether a schedule may be used: two people verified it, and it was not withdrawn (E9).';

CREATE FUNCTION lpr_data.schedule_in_force(records text)
    RETURNS integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT s.schedule_id FROM lpr_data.schedule AS s
        WHERE s.records = schedule_in_force.records COLLATE "C" AND s.base_period IS NOT NULL
          AND lpr_data.is_verified(s.schedule_id)
          AND s.effective_from <= lpr_data.utc_today() AND coalesce(s.effective_until > lpr_data.utc_today(), true)
        ORDER BY s.effective_from DESC, s.schedule_id DESC LIMIT 1);
COMMENT ON FUNCTION lpr_data.schedule_in_force(text) IS
    'The verified schedule of a system of records that is effective today, the latest if there are several; NULL = '
    'none.';

CREATE FUNCTION lpr_data.usable_schedule(system text)
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    records text := (SELECT y.records FROM lpr_data.system AS y WHERE y.system = usable_schedule.system COLLATE "C");
    schedule integer := lpr_data.schedule_in_force(records);
BEGIN
    IF schedule IS NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP062',
                                format('system of records %s has no verified schedule', coalesce(records, 'NULL')),
                                'Reads are saved only where it is settled for how long: by a schedule in force that '
                                'two people verified.',
                                format('Ask %s: lpr.propose_schedule(...), then lpr.verify_schedule(...) by two. '
                                       'SELECT * FROM lpr.schedules; shows what there is.',
                                       lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    RETURN schedule;
END
$$;
COMMENT ON FUNCTION lpr_data.usable_schedule(text) IS
    'The schedule that a read saved for an event of that system is kept by (E9). Error LP062 when there is none.';

CREATE FUNCTION lpr_data.is_about_people(records text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(records IN ('ACCESS', 'TRAINING', 'PEOPLE', 'MAIL', 'LOG'), false);
COMMENT ON FUNCTION lpr_data.is_about_people(text) IS
    'Whether these are records about those who use lpr, and not of a system of records that reads are saved for (E10).';

CREATE FUNCTION lpr.propose_schedule(
    records text,
    base_period interval,
    reason text,
    citation text DEFAULT NULL,
    runs_from text DEFAULT NULL,
    life_of_matter boolean DEFAULT true,
    effective_from date DEFAULT NULL,
    effective_until date DEFAULT NULL
)
    RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E9');
    proposed integer;
BEGIN
    citation := coalesce(citation, (SELECT s.citation FROM lpr_data.schedule AS s
                                    WHERE s.records = propose_schedule.records COLLATE "C" ORDER BY s.schedule_id DESC
                                    LIMIT 1));
    runs_from := coalesce(runs_from, CASE WHEN lpr_data.is_about_people(records) THEN 'closed' ELSE 'saved' END);
    IF citation IS NULL OR lpr_data.is_about_people(records) AND (runs_from <> 'closed' OR NOT life_of_matter)
       OR (base_period BETWEEN '1 day' AND '100 years') IS NOT TRUE
       OR (runs_from IN ('saved', 'closed')) IS NOT TRUE OR life_of_matter IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('not a schedule of %s', coalesce(records, 'NULL')),
            DETAIL = 'A schedule has a citation, a base period of 1 day to 100 years, which runs from ''saved'' or '
                     '''closed'', and says whether nothing is due before the matter ends. Of ACCESS, TRAINING, '
                     'PEOPLE, MAIL and LOG it runs from when they are over.',
            HINT = 'For instance lpr.propose_schedule(''ATS'', ''15 years'', ''...why...'').';
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    INSERT INTO lpr_data.schedule (records, citation, base_period, runs_from, life_of_matter, effective_from,
                                   effective_until, reason, proposed_by)
    VALUES (propose_schedule.records, propose_schedule.citation, propose_schedule.base_period,
            propose_schedule.runs_from, propose_schedule.life_of_matter,
            coalesce(propose_schedule.effective_from, lpr_data.utc_today()), propose_schedule.effective_until,
            propose_schedule.reason, who)
    RETURNING schedule_id INTO proposed;
    RETURN proposed;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.propose_schedule(text, interval, text, text, text, boolean, date, date) TO lpr_member;
COMMENT ON FUNCTION lpr.propose_schedule(text, interval, text, text, text, boolean, date, date) IS
    'Enters a schedule of a system of records, by a records officer; returns its number (E9). It counts once two '
    'people verified it, and is then followed by reads that are saved from then on, and by all events of its system. '
    'records: ATS, TECS, CIRS, AFI or another; or what is about people (E10): ACCESS, TRAINING, PEOPLE (who left), '
    'MAIL or LOG, whose period runs from when they are over. base_period: 1 day to 100 years. citation: by default '
    'that of the schedule before. runs_from: saved, the default, or closed. life_of_matter: nothing is due before its '
    'event is closed. effective_from: today unless said otherwise. Errors LP024 and LP033 (who may), LP043 (the '
    'reason says nothing).';

CREATE FUNCTION lpr_data.step_schedule(schedule integer, action text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E9');
    s lpr_data.schedule;
BEGIN
    SELECT x.* INTO s FROM lpr_data.schedule AS x WHERE x.schedule_id = schedule FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('schedule %s does not exist', coalesce(schedule::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.schedules;';
    END IF;
    IF s.base_period IS NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('schedule %s has no period', schedule),
                                'What comes with lpr is the citation; the period is the records officer''s to state.',
                                format('SELECT lpr.propose_schedule(%L, ...);', s.records));
    END IF;
    IF EXISTS (SELECT FROM lpr_data.schedule_step AS t
               WHERE t.schedule_id = schedule AND (t.action = 'withdraw'
                                                   OR t.person_id = who AND t.action = step_schedule.action)) THEN
        PERFORM lpr_data.refuse('E9', 'LP034',
                                format('you verified schedule %s already, or it was withdrawn', schedule),
                                'Each person counts once, and what was withdrawn stays so.',
                                'SELECT * FROM lpr.schedules;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    INSERT INTO lpr_data.schedule_step (schedule_id, person_id, action, reason)
    VALUES (schedule, who, step_schedule.action, step_schedule.reason);
END
$$;
COMMENT ON FUNCTION lpr_data.step_schedule(integer, text, text) IS 'Verifies or withdraws a schedule.';

CREATE FUNCTION lpr.verify_schedule(schedule integer, reason text)
    RETURNS boolean
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.step_schedule(schedule, 'verify', reason);
    RETURN lpr_data.is_verified(schedule);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.verify_schedule(integer, text) TO lpr_member;
COMMENT ON FUNCTION lpr.verify_schedule(integer, text) IS
    'A records officer compared a schedule with its source, and says how (E9). Two different people have to; returns '
    'whether they have. Errors LP024 and LP033 (who may), LP034 (verified by you already, withdrawn, or without a '
    'period), LP043 (the reason says nothing).';

CREATE FUNCTION lpr.withdraw_schedule(schedule integer, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.step_schedule(schedule, 'withdraw', reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.withdraw_schedule(integer, text) TO lpr_member;
COMMENT ON FUNCTION lpr.withdraw_schedule(integer, text) IS
    'A schedule turned out to be wrong: nothing is saved or destroyed by it any more (E9). One records officer does. '
    'What was saved by it follows the one in force of the same system of records, once there is one. Errors as of '
    'lpr.verify_schedule().';

-- Exemptions are of systems of records, not of vendors.

CREATE TABLE lpr_data.exemption (
    records text COLLATE "C" PRIMARY KEY CHECK (records ~ '^[A-Z][A-Z0-9-]{0,39}$'),
    exemptions text[] NOT NULL CHECK (array_position(exemptions, NULL) IS NULL)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.exemption', '');
SELECT lpr_data.audit_changes_of('lpr_data.exemption', plain => '{exemptions}');
COMMENT ON TABLE lpr_data.exemption IS 'Privacy Act exemptions of systems of records (E8).';
COMMENT ON COLUMN lpr_data.exemption.records IS 'The system of records, short: ATS, CIRS, AFI, ...';
COMMENT ON COLUMN lpr_data.exemption.exemptions IS
    'Its exemptions, such as 5 U.S.C. 552a(j)(2): every read that is saved for it takes them along.';

CREATE FUNCTION lpr_data.exemptions_of(system text, source text)
    RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT x.e FROM (SELECT unnest(k.exemptions) AS e
                              FROM lpr_data.system AS y JOIN lpr_data.exemption AS k ON k.records = y.records
                              WHERE y.system = exemptions_of.system COLLATE "C"
                              -- What a dump of 0.2.0 brings: no verb puts anything there any more.
                              UNION
                              SELECT unnest(s.exemptions) FROM lpr_data.source AS s
                              WHERE s.name = exemptions_of.source COLLATE "C") AS x ORDER BY x.e);
COMMENT ON FUNCTION lpr_data.exemptions_of(text, text) IS
    'Exemptions of what is saved of a source for an event of a system: those of its system of records (E8).';

CREATE FUNCTION lpr.set_exemptions(records text, exemptions text[])
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('E8');
    IF NOT EXISTS (SELECT FROM lpr_data.system AS y WHERE y.records = set_exemptions.records COLLATE "C"
                   UNION ALL
                   SELECT FROM lpr_data.schedule AS s WHERE s.records = set_exemptions.records COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('system of records "%s" does not exist', coalesce(records, 'NULL')),
            DETAIL = 'Exemptions are of systems of records, not of vendors.',
            HINT = format('SELECT lpr.set_exemptions(''ATS'', %L); or another of: SELECT DISTINCT records FROM '
                          'lpr.schedules;', coalesce(exemptions, '{}'));
    END IF;
    INSERT INTO lpr_data.exemption (records, exemptions)
    VALUES (set_exemptions.records, coalesce(set_exemptions.exemptions, '{}'))
    ON CONFLICT ON CONSTRAINT exemption_pkey DO UPDATE SET exemptions = excluded.exemptions;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.set_exemptions(text, text[]) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_exemptions(text, text[]) IS
    'Which Privacy Act exemptions a system of records has, for instance ''ATS'', ''{5 U.S.C. 552a(j)(2)}'': reads that '
    'are saved for it from then on take them along (E8). Error 42704 when there is no such system.';

CREATE VIEW lpr.exemptions WITH (security_barrier) AS
SELECT k.records, k.exemptions FROM lpr_data.exemption AS k;
GRANT SELECT ON lpr.exemptions TO lpr_member;
COMMENT ON VIEW lpr.exemptions IS 'Privacy Act exemptions of systems of records (E8).';
COMMENT ON COLUMN lpr.exemptions.records IS 'The system of records, as lpr.set_exemptions() takes it.';
COMMENT ON COLUMN lpr.exemptions.exemptions IS 'What reads that are saved for it take along.';

-- Legal holds.

CREATE TABLE lpr_data.legal_hold (
    hold_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    authority text NOT NULL CHECK (authority ~ '[^[:space:]]' AND authority !~ '[[:cntrl:]]'
                                   AND char_length(authority) <= 500),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]'),
    placed_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    placed_by integer NOT NULL REFERENCES lpr_data.person,
    lifted_at timestamp with time zone,
    lifted_by integer REFERENCES lpr_data.person,
    lift_reason text CHECK (lift_reason ~ '[^[:space:]]'),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT lifted_by_somebody_else CHECK (lifted_by <> placed_by),
    CONSTRAINT lifted_as_a_whole CHECK (num_nulls(lifted_at, lifted_by, lift_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.legal_hold', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.legal_hold_hold_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.legal_hold', free => '{authority,reason,lift_reason}');
SELECT lpr_data.only_adds('lpr_data.legal_hold', 'lifted_at', 'lifted_by', 'lift_reason');
CREATE INDEX legal_hold_event ON lpr_data.legal_hold (event_id) WHERE lifted_at IS NULL;
COMMENT ON TABLE lpr_data.legal_hold IS
    'What must not be destroyed although its schedule says so: all that is saved for an event (E9).';
COMMENT ON COLUMN lpr_data.legal_hold.hold_id IS 'Number.';
COMMENT ON COLUMN lpr_data.legal_hold.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.legal_hold.authority IS 'Who orders it: a court, counsel, with the reference.';
COMMENT ON COLUMN lpr_data.legal_hold.reason IS 'Why.';
COMMENT ON COLUMN lpr_data.legal_hold.placed_at IS 'Since when.';
COMMENT ON COLUMN lpr_data.legal_hold.placed_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.legal_hold.lifted_at IS 'When it was lifted; NULL: it stands.';
COMMENT ON COLUMN lpr_data.legal_hold.lifted_by IS 'By whom: another person.';
COMMENT ON COLUMN lpr_data.legal_hold.lift_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.legal_hold.text_salt IS
    'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.fresh_snapshots()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'active_sql_transaction',
            MESSAGE = format('this cannot be done in a transaction of isolation level %s',
                             upper(current_setting('transaction_isolation'))),
            DETAIL = 'It would look at holds, and at what is saved, as they were when the transaction began.',
            HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED;';
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.fresh_snapshots() IS
    'Refuses transactions in which a hold that was just placed, or a read that was just saved, could not be seen.';

CREATE FUNCTION lpr_data.is_held(event_id bigint)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.legal_hold AS h WHERE h.event_id = is_held.event_id AND h.lifted_at IS NULL);
COMMENT ON FUNCTION lpr_data.is_held(bigint) IS 'Whether a legal hold stands on an event (E9).';

CREATE FUNCTION lpr_data.refuse_held(event bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.fresh_snapshots();
    -- A hold that is being placed waits for us, or we for it.
    PERFORM FROM lpr_data.event AS e WHERE e.event_id = event FOR NO KEY UPDATE;
    IF lpr_data.is_held(event) THEN
        PERFORM lpr_data.refuse('E9', 'LP063', format('a legal hold stands on event %s', event),
                                'What is under a legal hold stays as it is.',
                                format('Ask %s; holds are lifted by lpr.lift_hold(...).',
                                       lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.refuse_held(bigint) IS
    'Refuses, error LP063, what a legal hold on an event forbids, and lets none be placed before the end of the '
    'transaction.';

CREATE FUNCTION lpr_data.holding()
    RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.acting(CASE WHEN lpr_data.holds(lpr_data.me(), 'lpr_privacy') THEN 'lpr_privacy'
                                ELSE 'lpr_records_officer' END, 'E9');
END
$$;
COMMENT ON FUNCTION lpr_data.holding() IS 'The person who acts, as records or privacy officer. Errors LP024 and LP033.';

CREATE FUNCTION lpr.place_hold(event bigint, authority text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.holding();
    placed bigint;
BEGIN
    -- Waits for a destruction under way, and comes before the next one.
    PERFORM FROM lpr_data.event AS e WHERE e.event_id = event FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('event %s does not exist', coalesce(event::text, 'NULL'));
    END IF;
    IF (authority ~ '[^[:space:]]' AND authority !~ '[[:cntrl:]]' AND char_length(authority) <= 500) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a hold has an authority',
            DETAIL = 'It is a line of at most 500 characters.',
            HINT = 'For instance ''S.D. Cal., order of 2026-03-02, 26-cr-00417''.';
    END IF;
    PERFORM lpr_data.check_given(reason, 'E9');
    INSERT INTO lpr_data.legal_hold (event_id, authority, reason, placed_by)
    VALUES (place_hold.event, place_hold.authority, place_hold.reason, who) RETURNING hold_id INTO placed;
    RETURN placed;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.place_hold(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.place_hold(bigint, text, text) IS
    'Puts a legal hold on all that is or will be saved for an event, open or closed: nothing of it is destroyed or '
    'taken off until it is lifted (E9). By a records or privacy officer; returns its number. authority: who orders '
    'it, with the reference. Errors LP024 and LP033 (who may), LP043 (no reason).';

CREATE FUNCTION lpr.lift_hold(hold bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.holding();
    h lpr_data.legal_hold;
BEGIN
    SELECT x.* INTO h FROM lpr_data.legal_hold AS x WHERE x.hold_id = hold FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('hold %s does not exist', coalesce(hold::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.holds;';
    END IF;
    IF h.lifted_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('E9', 'LP034', format('hold %s is lifted already', hold), 'A hold is lifted once.',
                                'SELECT * FROM lpr.holds;');
    END IF;
    IF h.placed_by = who THEN
        PERFORM lpr_data.refuse('E9', 'LP033', format('you placed hold %s yourself', hold),
                                'The person who placed a hold does not lift it.',
                                format('Ask %s.', lpr_data.whom('lpr_records_officer', 'a records officer')));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'E9');
    UPDATE lpr_data.legal_hold AS x SET lifted_at = clock_timestamp(), lifted_by = who, lift_reason = lift_hold.reason
    WHERE x.hold_id = hold;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.lift_hold(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.lift_hold(bigint, text) IS
    'Lifts a legal hold, for good: by a records or privacy officer who did not place it (E9). Errors LP024 and LP033 '
    '(who may), LP034 (lifted already), LP043 (the reason says nothing).';

CREATE VIEW lpr.schedules WITH (security_barrier) AS
SELECT s.schedule_id AS schedule, s.records, s.citation, s.base_period, s.runs_from, s.life_of_matter, s.effective_from,
       s.effective_until, p.login AS proposed_by,
       t.verified_by, t.withdrawn_by,
       CASE WHEN t.withdrawn THEN 'withdrawn'
            WHEN s.base_period IS NULL THEN 'without a period'
            WHEN t.verified < 2 THEN 'unverified'
            WHEN s.effective_from > t.today THEN 'not yet in force'
            WHEN s.effective_until <= t.today THEN 'no longer in force'
            WHEN s.schedule_id = first_value(s.schedule_id) OVER (
                 PARTITION BY s.records
                 ORDER BY NOT t.withdrawn AND s.base_period IS NOT NULL AND t.verified >= 2
                          AND s.effective_from <= t.today AND coalesce(s.effective_until > t.today, true) DESC,
                          s.effective_from DESC, s.schedule_id DESC) THEN 'in force'
            ELSE 'followed by another' END AS state,
       s.reason
FROM lpr_data.schedule AS s
LEFT JOIN lpr_data.person AS p ON p.person_id = s.proposed_by
CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.action = 'verify') AS verified,
                           count(*) FILTER (WHERE x.action = 'withdraw') > 0 AS withdrawn,
                           array_agg(b.login ORDER BY x.at) FILTER (WHERE x.action = 'verify') AS verified_by,
                           min(b.login) FILTER (WHERE x.action = 'withdraw') AS withdrawn_by,
                           (clock_timestamp() AT TIME ZONE 'UTC')::date AS today
                    FROM lpr_data.schedule_step AS x LEFT JOIN lpr_data.person AS b ON b.person_id = x.person_id
                    WHERE x.schedule_id = s.schedule_id) AS t;
GRANT SELECT ON lpr.schedules TO lpr_member;
COMMENT ON VIEW lpr.schedules IS
    'Schedules of systems of records: how long what is saved is kept, and who verified that (E9).';
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
SELECT h.hold_id AS hold, h.event_id, h.authority, h.reason, h.placed_at, p.login AS placed_by, h.lifted_at,
       l.login AS lifted_by, h.lift_reason
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
