-- 52-display: what watches a plate while nobody looks (D1 to D5): displays of an event, what they watch, and what
-- people found when they looked at it again. What is here ends by itself: 53-display-life tells when.

CREATE TABLE lpr_data.display_time (
    name text COLLATE "C" PRIMARY KEY DEFAULT 'display' CHECK (name = 'display'),
    grace_days integer NOT NULL CHECK (grace_days BETWEEN 1 AND 30),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.display_time', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.display_time');
COMMENT ON TABLE lpr_data.display_time IS
    'How long an item of a display that lacks something is suspended before it has expired for good: one row (D4).';
COMMENT ON COLUMN lpr_data.display_time.name IS 'display.';
COMMENT ON COLUMN lpr_data.display_time.grace_days IS 'Days of 24 hours, 1 to 30.';
COMMENT ON COLUMN lpr_data.display_time.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.display_time (grace_days, shipped) VALUES (14, true);

CREATE FUNCTION lpr_data.display_grace()
    RETURNS interval
    LANGUAGE sql STABLE
RETURN coalesce((SELECT make_interval(hours => 24 * t.grace_days) FROM lpr_data.display_time AS t), '0');
COMMENT ON FUNCTION lpr_data.display_grace() IS
    'How long an item is suspended at the most; not at all when no row says so (D4).';

CREATE FUNCTION lpr.set_display_grace(days integer)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('D4');
    INSERT INTO lpr_data.display_time (grace_days) VALUES (set_display_grace.days)
    ON CONFLICT ON CONSTRAINT display_time_pkey DO UPDATE SET grace_days = excluded.grace_days, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_display_grace(integer) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_display_grace(integer) IS
    'For how many days an item of a display that lacks something, such as its validation or its owner''s training, is '
    'suspended before it has expired for good: 1 to 30 (D4). Until then nothing is watched by it either.';

CREATE TABLE lpr_data.display_finding (
    finding text COLLATE "C" PRIMARY KEY CHECK (finding ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    keeps boolean NOT NULL
);
-- What comes with lpr never changes, and there is nothing else.
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_finding', 'WHERE false');
SELECT lpr_data.audit_changes_of('lpr_data.display_finding', plain => '{title}');
INSERT INTO lpr_data.display_finding (finding, title, keeps)
VALUES ('subject_sought', 'The subject is still sought by this vehicle', true),
       ('associate_involved', 'The associate is still believed to be involved', true),
       ('contraband_suspected', 'The vehicle is still suspected of carrying contraband', true),
       ('person_endangered', 'The person in danger was not found yet', true),
       ('located', 'The vehicle or the person was found', false),
       ('ruled_out', 'The vehicle has nothing to do with the matter', false),
       ('not_relevant', 'It is no longer relevant to the matter', false);
SELECT lpr_data.only_adds('lpr_data.display_finding');
COMMENT ON TABLE lpr_data.display_finding IS
    'What one finds who looks at an item of a display again, and whether it is watched on then (D3, D5).';
COMMENT ON COLUMN lpr_data.display_finding.finding IS 'Code.';
COMMENT ON COLUMN lpr_data.display_finding.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.display_finding.keeps IS 'Whether the item goes on; else it ends at once.';

CREATE VIEW lpr.findings WITH (security_barrier) AS
SELECT f.finding, f.title, f.keeps FROM lpr_data.display_finding AS f;
GRANT SELECT ON lpr.findings TO lpr_member;
COMMENT ON VIEW lpr.findings IS 'What one finds who looks at an item of a display again (D3, D5).';
COMMENT ON COLUMN lpr.findings.finding IS 'Code, as lpr.validate_item() and lpr.review_display() take it.';
COMMENT ON COLUMN lpr.findings.title IS 'What it is.';
COMMENT ON COLUMN lpr.findings.keeps IS 'Whether the item is watched on; else it ends at once.';

CREATE TABLE lpr_data.display (
    display_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    owner_id integer NOT NULL REFERENCES lpr_data.person,
    title text NOT NULL CHECK (char_length(btrim(title)) BETWEEN 3 AND 200 AND title !~ '[[:cntrl:]]'),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    created_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    confirmed_at timestamp with time zone,
    examined_at timestamp with time zone,
    examined_until timestamp with time zone,
    reviewed_at timestamp with time zone,
    reviewed_until timestamp with time zone,
    ended_at timestamp with time zone,
    ended_by integer REFERENCES lpr_data.person,
    end_reason text CHECK (end_reason ~ '[^[:space:]]' AND char_length(end_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT one_event_one_owner UNIQUE (display_id, event_id, owner_id),
    CONSTRAINT confirmed_as_a_whole CHECK (num_nulls(confirmed_at, examined_at, examined_until, reviewed_at,
                                                     reviewed_until) IN (0, 5)),
    CONSTRAINT told_before_confirmed CHECK (confirmed_at > created_at AND examined_at >= confirmed_at
                                            AND reviewed_at >= confirmed_at),
    CONSTRAINT examined_for_a_year CHECK (examined_until > examined_at
                                          AND examined_until AT TIME ZONE 'UTC'
                                              <= examined_at AT TIME ZONE 'UTC' + interval '1 year'),
    CONSTRAINT reviewed_for_a_quarter CHECK (reviewed_until > reviewed_at
                                             AND reviewed_until AT TIME ZONE 'UTC'
                                                 <= reviewed_at AT TIME ZONE 'UTC' + interval '3 months'),
    CONSTRAINT ended_as_a_whole CHECK (num_nulls(ended_at, ended_by, end_reason) IN (0, 3))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_display_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.display', free => '{title,reason,end_reason}');
CREATE INDEX display_event ON lpr_data.display (event_id);
CREATE INDEX display_owner ON lpr_data.display (owner_id);
-- It goes with its event.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.display
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('confirmed_at', 'examined_at', 'examined_until',
                                                          'reviewed_at', 'reviewed_until', 'ended_at', 'ended_by',
                                                          'end_reason');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.display
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.display ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.display IS 'Watch lists of events: what is asked while nobody looks (D1).';
COMMENT ON COLUMN lpr_data.display.display_id IS 'Number.';
COMMENT ON COLUMN lpr_data.display.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.display.owner_id IS 'Who made it, and answers for what it watches.';
COMMENT ON COLUMN lpr_data.display.title IS 'Title, 3 to 200 characters.';
COMMENT ON COLUMN lpr_data.display.reason IS 'Why plates are to be watched.';
COMMENT ON COLUMN lpr_data.display.created_at IS 'When it was made, and its owner told to remove plates promptly (D2).';
COMMENT ON COLUMN lpr_data.display.confirmed_at IS
    'When the owner confirmed that, in a later statement; NULL = not yet, and nothing is watched (D2).';
COMMENT ON COLUMN lpr_data.display.examined_at IS 'When its owner last examined the whole of it; at first: confirmed.';
COMMENT ON COLUMN lpr_data.display.examined_until IS
    'Until when that counts, a year at the most; then it has expired as a whole (D3).';
COMMENT ON COLUMN lpr_data.display.reviewed_at IS 'When management last reviewed it; at first: confirmed.';
COMMENT ON COLUMN lpr_data.display.reviewed_until IS
    'Until when that counts, three months at the most; then it is suspended (D5).';
COMMENT ON COLUMN lpr_data.display.ended_at IS 'When its owner ended it.';
COMMENT ON COLUMN lpr_data.display.ended_by IS 'Who did.';
COMMENT ON COLUMN lpr_data.display.end_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.display.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE TABLE lpr_data.display_item (
    item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    display_id bigint NOT NULL,
    owner_id integer NOT NULL,
    target_id bigint NOT NULL,
    make text CHECK (char_length(make) BETWEEN 1 AND 64),
    model text CHECK (char_length(model) BETWEEN 1 AND 64),
    color text CHECK (char_length(color) BETWEEN 1 AND 64),
    kind text COLLATE "C" GENERATED ALWAYS AS ('plate') STORED,
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    watched_since timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    until timestamp with time zone NOT NULL,
    validated_at timestamp with time zone NOT NULL,
    validated_until timestamp with time zone NOT NULL,
    holds_until timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_by integer REFERENCES lpr_data.person,
    end_kind text COLLATE "C" CHECK (end_kind IN ('removed', 'not_relevant', 'expired')),
    end_reason text CHECK (end_reason ~ '[^[:space:]]' AND char_length(end_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT item_of_one_display UNIQUE (item_id, display_id),
    CONSTRAINT of_its_display FOREIGN KEY (display_id, event_id, owner_id)
        REFERENCES lpr_data.display (display_id, event_id, owner_id),
    CONSTRAINT of_a_plate_of_its_event FOREIGN KEY (target_id, event_id, kind)
        REFERENCES lpr_data.target (target_id, event_id, kind),
    CONSTRAINT two_years_at_most CHECK (until > added_at AND until AT TIME ZONE 'UTC'
                                                             <= added_at AT TIME ZONE 'UTC' + interval '2 years'),
    CONSTRAINT validated_for_a_year CHECK (validated_at >= added_at AND validated_until > validated_at
                                           AND validated_until AT TIME ZONE 'UTC'
                                               <= validated_at AT TIME ZONE 'UTC' + interval '365 days'),
    CONSTRAINT holds_no_longer CHECK (holds_until <= until AND holds_until <= validated_until),
    CONSTRAINT ended_as_a_whole CHECK (num_nulls(ended_at, end_kind, end_reason) IN (0, 3)
                                       AND (ended_by IS NOT NULL) = coalesce(end_kind <> 'expired', false))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_item', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_item_item_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.display_item', free => '{reason,end_reason}',
                                 plain => '{make,model,color}');
CREATE INDEX display_item_event ON lpr_data.display_item (event_id);
CREATE INDEX display_item_display ON lpr_data.display_item (display_id);
CREATE INDEX display_item_target ON lpr_data.display_item (target_id);
CREATE UNIQUE INDEX display_item_once ON lpr_data.display_item (display_id, target_id) WHERE ended_at IS NULL;
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.display_item
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('kind', 'watched_since', 'validated_at', 'validated_until',
                                                          'holds_until', 'ended_at', 'ended_by', 'end_kind',
                                                          'end_reason');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.display_item
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.display_item ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.display_item IS
    'What displays watch: a plate among the targets of their event each (D1). lpr_data.display_items() tells what '
    'state each is in.';
COMMENT ON COLUMN lpr_data.display_item.item_id IS 'Number.';
COMMENT ON COLUMN lpr_data.display_item.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.display_item.display_id IS 'The display.';
COMMENT ON COLUMN lpr_data.display_item.owner_id IS 'Whose it is, as the display.';
COMMENT ON COLUMN lpr_data.display_item.target_id IS 'The target whose plate is watched; it ends with it (Q12).';
COMMENT ON COLUMN lpr_data.display_item.make IS
    'Of the vehicle that bears the plate, as far as that is known: a read of another one is flagged (G1).';
COMMENT ON COLUMN lpr_data.display_item.model IS 'Likewise.';
COMMENT ON COLUMN lpr_data.display_item.color IS 'Likewise.';
COMMENT ON COLUMN lpr_data.display_item.kind IS 'plate: of the target, which no other kind can be.';
COMMENT ON COLUMN lpr_data.display_item.reason IS 'Why it is watched.';
COMMENT ON COLUMN lpr_data.display_item.added_at IS 'When it was added.';
COMMENT ON COLUMN lpr_data.display_item.watched_since IS
    'Since when it is watched without a break: when it was added, or when what was missing was there again. What a '
    'camera saw before is no hit (D1).';
COMMENT ON COLUMN lpr_data.display_item.until IS 'Until when it is to be watched, two years at the most.';
COMMENT ON COLUMN lpr_data.display_item.validated_at IS 'When its owner last validated it; at first: added.';
COMMENT ON COLUMN lpr_data.display_item.validated_until IS 'Until when that counts, 365 days at the most (D3).';
COMMENT ON COLUMN lpr_data.display_item.holds_until IS
    'Until when it held, as it was last looked at. Nothing is watched past it, and it is put off only as long as the '
    'time of grace after it has not passed: what has expired never comes back (D4).';
COMMENT ON COLUMN lpr_data.display_item.ended_at IS 'When it ended.';
COMMENT ON COLUMN lpr_data.display_item.ended_by IS 'By whom; NULL: by itself.';
COMMENT ON COLUMN lpr_data.display_item.end_kind IS
    'removed; not_relevant: found so by its owner or a reviewer; expired.';
COMMENT ON COLUMN lpr_data.display_item.end_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.display_item.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE TABLE lpr_data.display_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    display_id bigint NOT NULL,
    owner_id integer NOT NULL,
    item_id bigint,
    action text COLLATE "C" NOT NULL CHECK (action IN ('validate', 'examine', 'review')),
    finding text COLLATE "C" REFERENCES lpr_data.display_finding,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    said_at timestamp with time zone NOT NULL DEFAULT statement_timestamp(),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    acted_for integer REFERENCES lpr_data.person,
    reason text CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT step_of_its_display FOREIGN KEY (display_id, event_id, owner_id)
        REFERENCES lpr_data.display (display_id, event_id, owner_id),
    CONSTRAINT step_of_its_item FOREIGN KEY (item_id, display_id)
        REFERENCES lpr_data.display_item (item_id, display_id),
    CONSTRAINT nobody_reviews_their_own CHECK ((action = 'review') = (person_id <> owner_id)
                                               AND (acted_for IS NULL OR action = 'review'
                                                    AND acted_for NOT IN (person_id, owner_id))),
    CONSTRAINT found_of_an_item CHECK ((item_id IS NULL) = (finding IS NULL)
                                       AND CASE action WHEN 'validate' THEN item_id IS NOT NULL
                                                       WHEN 'examine' THEN item_id IS NULL ELSE true END),
    CONSTRAINT said_why CHECK ((reason IS NULL) = (action = 'review' AND item_id IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_step', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.display_step_step_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.display_step', free => '{reason}');
CREATE INDEX display_step_event ON lpr_data.display_step (event_id);
CREATE INDEX display_step_display ON lpr_data.display_step (display_id, at);
CREATE INDEX display_step_item ON lpr_data.display_step (item_id) WHERE item_id IS NOT NULL;
CREATE INDEX display_step_person ON lpr_data.display_step (person_id, step_id) WHERE reason IS NOT NULL;
-- No bulk way: one item a statement (D3).
CREATE UNIQUE INDEX display_step_one_a_statement ON lpr_data.display_step (person_id, said_at)
    WHERE action = 'validate';
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.display_step
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.display_step
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.display_step ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;
COMMENT ON TABLE lpr_data.display_step IS
    'How items were validated, and displays examined by their owners and reviewed by management (D3, D5).';
COMMENT ON COLUMN lpr_data.display_step.step_id IS 'Number.';
COMMENT ON COLUMN lpr_data.display_step.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.display_step.display_id IS 'The display.';
COMMENT ON COLUMN lpr_data.display_step.owner_id IS 'Whose it is.';
COMMENT ON COLUMN lpr_data.display_step.item_id IS 'The item; NULL: about the whole display.';
COMMENT ON COLUMN lpr_data.display_step.action IS
    'validate and examine: by the owner; review: by a supervisor who is somebody else.';
COMMENT ON COLUMN lpr_data.display_step.finding IS 'What was found of the item.';
COMMENT ON COLUMN lpr_data.display_step.at IS 'When.';
COMMENT ON COLUMN lpr_data.display_step.said_at IS 'When the statement began that said so: a statement validates one.';
COMMENT ON COLUMN lpr_data.display_step.person_id IS 'By whom.';
COMMENT ON COLUMN lpr_data.display_step.acted_for IS 'In which supervisor''s stead, by a deputy; NULL = nobody''s.';
COMMENT ON COLUMN lpr_data.display_step.reason IS
    'Why; NULL of an item within a review, which has one reason.';
COMMENT ON COLUMN lpr_data.display_step.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.has_display_step(display bigint, item bigint, action text, at timestamp with time zone)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.display_step AS s
               LEFT JOIN lpr_data.display_finding AS f ON f.finding = s.finding
               WHERE s.display_id = has_display_step.display AND s.item_id IS NOT DISTINCT FROM has_display_step.item
                 AND s.action = has_display_step.action COLLATE "C" AND s.at = has_display_step.at
                 AND s.at <= clock_timestamp() AND (f.keeps OR s.item_id IS NULL));
COMMENT ON FUNCTION lpr_data.has_display_step(bigint, bigint, text, timestamp with time zone) IS
    'Whether it is on record that somebody looked then, and that what they found keeps it (D3, D5).';

CREATE FUNCTION lpr_data.display_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Confirmed once, in a later statement; put off only by a step that is on record, and before it was too late.
    IF OLD.ended_at IS NOT NULL
       OR NEW.confirmed_at IS DISTINCT FROM OLD.confirmed_at
          AND (OLD.confirmed_at IS NULL AND OLD.created_at < statement_timestamp()
               AND NEW.confirmed_at <= clock_timestamp()
               AND NEW.examined_at = NEW.confirmed_at AND NEW.reviewed_at = NEW.confirmed_at) IS NOT TRUE
       OR OLD.confirmed_at IS NOT NULL
          AND ((NEW.examined_at, NEW.examined_until) IS DISTINCT FROM (OLD.examined_at, OLD.examined_until)
               AND NOT (clock_timestamp() < OLD.examined_until
                        AND lpr_data.has_display_step(OLD.display_id, NULL, 'examine', NEW.examined_at))
               OR (NEW.reviewed_at, NEW.reviewed_until) IS DISTINCT FROM (OLD.reviewed_at, OLD.reviewed_until)
               AND NOT (clock_timestamp() < OLD.reviewed_until + lpr_data.display_grace()
                        AND lpr_data.has_display_step(OLD.display_id, NULL, 'review', NEW.reviewed_at))) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of display %s is refused', OLD.display_id),
            DETAIL = 'A display is confirmed once, in a later statement than it was made in; it is examined and '
                     'reviewed before it has expired, by steps that are on record; what has ended stays so.',
            HINT = 'Use lpr.confirm_display(), lpr.examine_display(), lpr.review_display() or lpr.end_display().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.display_moves() IS
    'Trigger of lpr_data.display: it is confirmed, examined, reviewed and ended as the verbs do it (D2, D3, D5).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.display FOR EACH ROW EXECUTE FUNCTION lpr_data.display_moves();
ALTER TABLE lpr_data.display ENABLE ALWAYS TRIGGER moves;

CREATE FUNCTION lpr_data.display_item_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- What was suspended does not get what passed meanwhile.
    NEW.watched_since := CASE WHEN NEW.holds_until > OLD.holds_until AND clock_timestamp() >= OLD.holds_until
                              THEN greatest(clock_timestamp(), OLD.watched_since) ELSE OLD.watched_since END;
    IF OLD.ended_at IS NOT NULL
       OR (NEW.validated_at, NEW.validated_until) IS DISTINCT FROM (OLD.validated_at, OLD.validated_until)
          AND NOT (clock_timestamp() < OLD.validated_until + lpr_data.display_grace()
                   AND lpr_data.has_display_step(OLD.display_id, OLD.item_id, 'validate', NEW.validated_at))
       OR NEW.holds_until > OLD.holds_until
          AND clock_timestamp() >= OLD.holds_until + lpr_data.display_grace() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of display item %s is refused', OLD.item_id),
            DETAIL = 'An item is validated by a step that is on record; one that has expired or ended stays so.',
            HINT = 'Use lpr.validate_item() or lpr.unwatch(); lpr.watch() adds a new one.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.display_item_moves() IS
    'Trigger of lpr_data.display_item: only its validation puts it off, and what has expired never comes back (D3, '
    'D4).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.display_item
    FOR EACH ROW EXECUTE FUNCTION lpr_data.display_item_moves();
ALTER TABLE lpr_data.display_item ENABLE ALWAYS TRIGGER moves;

CREATE FUNCTION lpr_data.display_item_waits()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.display AS d
                   WHERE d.display_id = NEW.display_id AND d.confirmed_at <= NEW.added_at) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP066',
            MESSAGE = format('display %s was not confirmed when item %s was added', NEW.display_id, NEW.item_id),
            DETAIL = 'Nothing is watched before the owner has confirmed that plates are removed promptly.',
            HINT = format('SELECT lpr.confirm_display(%s);', NEW.display_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.display_item_waits() IS
    'Trigger of lpr_data.display_item: nothing is added to a display before it is confirmed (D2).';
CREATE TRIGGER of_a_confirmed_display AFTER INSERT ON lpr_data.display_item
    FOR EACH ROW EXECUTE FUNCTION lpr_data.display_item_waits();
ALTER TABLE lpr_data.display_item ENABLE ALWAYS TRIGGER of_a_confirmed_display;
