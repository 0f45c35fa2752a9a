-- 46-target: whom or what a question may be about (Q12): the targets of an event, each with its relation to the matter
-- and the evidence for it. What is none is not asked.

CREATE TABLE lpr_data.relation (
    relation text COLLATE "C" PRIMARY KEY CHECK (relation ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]'),
    kinds text[] NOT NULL CHECK (kinds <@ '{plate,address,vehicle}' AND kinds <> '{}'),
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.relation', 'relation');
SELECT lpr_data.audit_changes_of('lpr_data.relation', plain => '{title,citation,kinds}');
COMMENT ON TABLE lpr_data.relation IS 'What a target may be to the matter of its event (Q12).';
COMMENT ON COLUMN lpr_data.relation.relation IS 'Code.';
COMMENT ON COLUMN lpr_data.relation.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.relation.citation IS 'Where that stands.';
COMMENT ON COLUMN lpr_data.relation.kinds IS 'Which targets may have it: plate, address, vehicle.';
COMMENT ON COLUMN lpr_data.relation.active IS 'Whether a new target may have it.';
COMMENT ON COLUMN lpr_data.relation.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.relation (relation, title, citation, kinds, shipped)
VALUES ('subject', 'An already identified subject of the matter, by vehicle or address', 'DHS/CBP/PIA-049(a)',
        '{plate,address,vehicle}', true),
       ('associate', 'An associate of a subject, believed to be involved', 'DHS/CBP/PIA-049(a)',
        '{plate,address,vehicle}', true),
       ('contraband', 'A vehicle suspected of carrying contraband', 'DHS/CBP/PIA-049(a)', '{plate,vehicle}', true),
       ('known_address', 'An address known for criminal activity', 'DHS/CBP/PIA-049(a)', '{address}', true),
       ('offence', 'The vehicle or the scene of a recorded offence', 'DHS/CBP/PIA-049(a)', '{plate,address,vehicle}',
        true),
       ('endangered', 'The vehicle, or the last known place, of a person in danger', 'DHS/CBP/PIA-049(a)',
        '{plate,address,vehicle}', true);

CREATE TABLE lpr_data.evidence_kind (
    kind text COLLATE "C" PRIMARY KEY CHECK (kind ~ '^[a-z][a-z0-9_]{0,39}$'),
    title text NOT NULL CHECK (title ~ '[^[:space:]]'),
    citation text NOT NULL CHECK (citation ~ '[^[:space:]]'),
    alone boolean NOT NULL DEFAULT true,
    active boolean NOT NULL DEFAULT true,
    shipped boolean NOT NULL DEFAULT false,
    CONSTRAINT read_is_never_alone CHECK (kind <> 'prior_read' OR NOT alone)
);
SELECT lpr_data.ships('lpr_data.evidence_kind', 'kind');
SELECT lpr_data.audit_changes_of('lpr_data.evidence_kind', plain => '{title,citation}');
COMMENT ON TABLE lpr_data.evidence_kind IS 'What the evidence for a target may be (Q12).';
COMMENT ON COLUMN lpr_data.evidence_kind.kind IS 'Code.';
COMMENT ON COLUMN lpr_data.evidence_kind.title IS 'What it is.';
COMMENT ON COLUMN lpr_data.evidence_kind.citation IS 'Where that stands.';
COMMENT ON COLUMN lpr_data.evidence_kind.alone IS
    'Whether it can carry a target by itself: a read of a licence plate never does, it needs the target that it was '
    'seen with.';
COMMENT ON COLUMN lpr_data.evidence_kind.active IS 'Whether a new target may rest on it.';
COMMENT ON COLUMN lpr_data.evidence_kind.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.evidence_kind (kind, title, citation, alone, shipped)
VALUES ('case_record', 'A record of the matter, such as a report or a complaint', 'DHS/CBP/PIA-049(a)', true, true),
       ('court_order', 'A warrant or another order of a court', 'DHS/CBP/PIA-049(a)', true, true),
       ('registration', 'The registration of the vehicle', 'DHS/CBP/PIA-049(a)', true, true),
       ('border_record', 'A record of a border crossing or a seizure', 'DHS/CBP/PIA-049(a)', true, true),
       ('other_database', 'A record of another law enforcement system', 'DHS/CBP/PIA-049(a)', true, true),
       ('surveillance', 'What officers observed themselves', 'DHS/CBP/PIA-049(a)', true, true),
       ('informant', 'What an informant or a witness said', 'DHS/CBP/PIA-049(a)', true, true),
       ('tip', 'A tip, with its number', 'DHS/CBP/PIA-049(a)', true, true),
       ('prior_read', 'A read beside another target', 'DHS/CBP/PIA-049(a)', false, true);

CREATE FUNCTION lpr_data.plate_shape(plate text)
    RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_plate_shape_of';
COMMENT ON FUNCTION lpr_data.plate_shape(text) IS
    'A plate in normal form with one character for all that readers take for one another: plates that may be confused, '
    'and no others, have the same (G1).';

CREATE TABLE lpr_data.target (
    target_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id bigint NOT NULL REFERENCES lpr_data.event ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('plate', 'address', 'vehicle')),
    plate text COLLATE "C" CHECK (char_length(plate) BETWEEN 1 AND 16),
    shape text COLLATE "C" GENERATED ALWAYS AS (lpr_data.plate_shape(plate)) STORED,
    plate_region text COLLATE "C" CHECK (plate_region ~ '^[A-Z]{2}$'),
    latitude double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude double precision CHECK (longitude BETWEEN -180 AND 180),
    radius_m double precision CHECK (radius_m BETWEEN 1 AND 1000),
    address text CHECK (char_length(btrim(address)) BETWEEN 3 AND 200),
    make text CHECK (char_length(make) BETWEEN 1 AND 64),
    model text CHECK (char_length(model) BETWEEN 1 AND 64),
    relation text COLLATE "C" NOT NULL REFERENCES lpr_data.relation,
    evidence_kind text COLLATE "C" REFERENCES lpr_data.evidence_kind,
    evidence_reference text CHECK (char_length(btrim(evidence_reference)) BETWEEN 3 AND 200),
    basis text NOT NULL CHECK (basis ~ '[^[:space:]]' AND char_length(basis) <= 4000),
    associate_of bigint,
    depth smallint NOT NULL DEFAULT 0,
    urgent_day date,
    urgent_number smallint,
    waits boolean NOT NULL DEFAULT false,
    added_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    added_by integer NOT NULL REFERENCES lpr_data.person,
    good_until timestamp with time zone NOT NULL DEFAULT 'infinity',
    confirmed_at timestamp with time zone,
    confirmed_by integer REFERENCES lpr_data.person,
    ended_at timestamp with time zone,
    ended_by integer REFERENCES lpr_data.person,
    end_kind text COLLATE "C" CHECK (end_kind IN ('ruled_out', 'ended', 'replaced')),
    end_reason text CHECK (end_reason ~ '[^[:space:]]' AND char_length(end_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    acted_for integer REFERENCES lpr_data.person,
    CONSTRAINT anchor_of_its_kind CHECK (
        (plate IS NOT NULL) = (kind = 'plate')
        AND (kind = 'address') = (address IS NOT NULL OR latitude IS NOT NULL)
        AND (kind = 'vehicle') = (make IS NOT NULL OR model IS NOT NULL)
        AND num_nulls(latitude, longitude, radius_m) IN (0, 3)
        AND (plate_region IS NULL OR kind = 'plate')),
    CONSTRAINT evidence_or_urgent CHECK (num_nulls(evidence_kind, evidence_reference) = 0
                                         OR num_nulls(evidence_kind, evidence_reference) = 2
                                            AND urgent_day IS NOT NULL),
    CONSTRAINT read_beside_a_target CHECK (evidence_kind <> 'prior_read' OR associate_of IS NOT NULL),
    CONSTRAINT associates_of_associates_at_most CHECK (depth BETWEEN 0 AND 2
                                                       AND (depth > 0) = (associate_of IS NOT NULL)),
    CONSTRAINT urgent_three_a_day CHECK (urgent_number BETWEEN 1 AND 3
                                         AND num_nulls(urgent_day, urgent_number) IN (0, 2)),
    CONSTRAINT waits_where_it_must CHECK (waits OR urgent_day IS NULL AND depth < 2),
    CONSTRAINT good_until_confirmed CHECK (NOT waits OR confirmed_at IS NOT NULL
                                           OR good_until <= added_at + interval '24 hours'),
    CONSTRAINT confirmed_by_somebody_else CHECK (confirmed_by <> added_by
                                                 AND num_nulls(confirmed_at, confirmed_by) IN (0, 2)),
    CONSTRAINT confirmed_for_somebody_else
        CHECK (acted_for IS NULL OR confirmed_by IS NOT NULL AND acted_for NOT IN (confirmed_by, added_by)),
    CONSTRAINT ended_as_a_whole CHECK (num_nulls(ended_at, ended_by, end_kind, end_reason) IN (0, 4)),
    -- for what watches a plate of its event (52-display)
    CONSTRAINT one_event_one_kind UNIQUE (target_id, event_id, kind)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.target', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.target_target_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.target', free => '{address,evidence_reference,basis,end_reason}',
                                 plain => '{make,model}');
ALTER TABLE lpr_data.target ALTER plate SET STATISTICS 0, ALTER shape SET STATISTICS 0, ALTER latitude SET STATISTICS 0,
                            ALTER longitude SET STATISTICS 0;
CREATE UNIQUE INDEX target_once ON lpr_data.target (event_id, plate) WHERE ended_at IS NULL AND kind = 'plate';
CREATE INDEX target_plate ON lpr_data.target (plate) WHERE plate IS NOT NULL;
CREATE INDEX target_shape ON lpr_data.target (event_id, shape) WHERE shape IS NOT NULL;
CREATE INDEX target_kind ON lpr_data.target (event_id, kind);
CREATE INDEX target_associate ON lpr_data.target (associate_of) WHERE associate_of IS NOT NULL;
CREATE UNIQUE INDEX target_urgent ON lpr_data.target (added_by, urgent_day, urgent_number);
-- It goes with its event.
CREATE TRIGGER refuse_rewrite BEFORE UPDATE ON lpr_data.target
    FOR EACH ROW EXECUTE FUNCTION lpr_data.refuse_rewrite('shape', 'good_until', 'confirmed_at', 'confirmed_by',
                                                          'acted_for', 'ended_at', 'ended_by', 'end_kind',
                                                          'end_reason');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.target
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.target ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate;

CREATE FUNCTION lpr_data.target_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.ended_at IS NOT NULL
       OR OLD.confirmed_at IS NOT NULL
          AND (NEW.confirmed_at, NEW.confirmed_by, NEW.acted_for)
              IS DISTINCT FROM (OLD.confirmed_at, OLD.confirmed_by, OLD.acted_for)
       OR NEW.good_until > OLD.good_until AND NOT (OLD.confirmed_at IS NULL AND NEW.confirmed_at IS NOT NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of target %s is refused', OLD.target_id),
            DETAIL = 'A target that has ended stays so; what waits for its confirmation is confirmed once.',
            HINT = 'Use lpr.add_target(), lpr.confirm_target(), lpr.rule_out() or lpr.end_target().';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.target_moves() IS
    'Trigger of lpr_data.target: what has ended stays ended, and only its confirmation, once, makes one good '
    'for longer (Q12).';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.target FOR EACH ROW EXECUTE FUNCTION lpr_data.target_moves();
ALTER TABLE lpr_data.target ENABLE ALWAYS TRIGGER moves;

-- In place of a foreign key: of the same event; and pg_dump warns of a table that refers to itself.
CREATE FUNCTION lpr_data.target_stands_beside()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER -- it runs at the end of the transaction, when no verb does
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.target AS t
                   WHERE t.target_id = NEW.associate_of AND t.event_id = NEW.event_id AND t.depth = NEW.depth - 1) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'foreign_key_violation',
            MESSAGE = format('target %s stands beside none of its event', NEW.target_id),
            DETAIL = 'An associate is one of a target of the same event, which is one step nearer.',
            HINT = 'Use lpr.add_target(..., associate_of => ...).';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.target_stands_beside() IS
    'Trigger of lpr_data.target: an associate stands beside a target of its own event (Q12).';
CREATE CONSTRAINT TRIGGER stands_beside AFTER INSERT ON lpr_data.target DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.associate_of IS NOT NULL) EXECUTE FUNCTION lpr_data.target_stands_beside();
ALTER TABLE lpr_data.target ENABLE ALWAYS TRIGGER stands_beside;
COMMENT ON TABLE lpr_data.target IS 'What the questions for an event may be about, and on what evidence (Q12).';
COMMENT ON COLUMN lpr_data.target.target_id IS 'Number.';
COMMENT ON COLUMN lpr_data.target.event_id IS 'The event.';
COMMENT ON COLUMN lpr_data.target.kind IS 'plate, address or vehicle.';
COMMENT ON COLUMN lpr_data.target.plate IS 'The plate, in normal form.';
COMMENT ON COLUMN lpr_data.target.shape IS
    'lpr_data.plate_shape() of it: its look-alikes may be asked as well, since it may have been misread.';
COMMENT ON COLUMN lpr_data.target.plate_region IS 'State of registration, where it is known.';
COMMENT ON COLUMN lpr_data.target.latitude IS 'Of the address, where it is known.';
COMMENT ON COLUMN lpr_data.target.longitude IS 'Likewise.';
COMMENT ON COLUMN lpr_data.target.radius_m IS
    'How far from that point one may be that is asked, 1 to 1,000 metres.';
COMMENT ON COLUMN lpr_data.target.address IS 'The address.';
COMMENT ON COLUMN lpr_data.target.make IS 'Make of the vehicle, in normal form.';
COMMENT ON COLUMN lpr_data.target.model IS 'Its model, likewise.';
COMMENT ON COLUMN lpr_data.target.relation IS 'What it is to the matter.';
COMMENT ON COLUMN lpr_data.target.evidence_kind IS 'What the evidence is; NULL: urgent, and none was at hand.';
COMMENT ON COLUMN lpr_data.target.evidence_reference IS 'Where the evidence is found.';
COMMENT ON COLUMN lpr_data.target.basis IS 'What the evidence says.';
COMMENT ON COLUMN lpr_data.target.associate_of IS 'The target that it was seen with, or is an associate of.';
COMMENT ON COLUMN lpr_data.target.depth IS 'How many targets away from one that stands by itself.';
COMMENT ON COLUMN lpr_data.target.urgent_day IS 'Of an urgent one: the day (UTC) that it counts to.';
COMMENT ON COLUMN lpr_data.target.urgent_number IS 'Which of that person''s three of that day it is.';
COMMENT ON COLUMN lpr_data.target.waits IS
    'Whether a supervisor has to confirm it: an urgent one, an associate of an associate, what was ruled out before.';
COMMENT ON COLUMN lpr_data.target.added_at IS 'When it was added.';
COMMENT ON COLUMN lpr_data.target.added_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.target.good_until IS
    'Until when it may be asked: without end; an urgent one for 24 hours; others that wait: not before they are '
    'confirmed.';
COMMENT ON COLUMN lpr_data.target.confirmed_at IS 'When a supervisor confirmed it, where one has to.';
COMMENT ON COLUMN lpr_data.target.confirmed_by IS 'Which one.';
COMMENT ON COLUMN lpr_data.target.acted_for IS 'In whose stead, if a deputy confirmed it.';
COMMENT ON COLUMN lpr_data.target.ended_at IS 'When it ended.';
COMMENT ON COLUMN lpr_data.target.ended_by IS 'By whom.';
COMMENT ON COLUMN lpr_data.target.end_kind IS 'ruled_out, ended, or replaced by a newer one.';
COMMENT ON COLUMN lpr_data.target.end_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.target.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE VIEW lpr.relations WITH (security_barrier) AS
SELECT r.relation, r.title, r.kinds, r.citation FROM lpr_data.relation AS r WHERE r.active;
GRANT SELECT ON lpr.relations TO lpr_member;
COMMENT ON VIEW lpr.relations IS 'What a target may be to the matter of its event (Q12).';
COMMENT ON COLUMN lpr.relations.relation IS 'Code, as lpr.add_target() takes it.';
COMMENT ON COLUMN lpr.relations.title IS 'What it is.';
COMMENT ON COLUMN lpr.relations.kinds IS 'Which targets may have it: plate, address, vehicle.';
COMMENT ON COLUMN lpr.relations.citation IS 'Where that stands.';

CREATE VIEW lpr.evidence_kinds WITH (security_barrier) AS
SELECT k.kind, k.title, k.alone, k.citation FROM lpr_data.evidence_kind AS k WHERE k.active;
GRANT SELECT ON lpr.evidence_kinds TO lpr_member;
COMMENT ON VIEW lpr.evidence_kinds IS 'What the evidence for a target may be (Q12).';
COMMENT ON COLUMN lpr.evidence_kinds.kind IS 'Code, as lpr.add_target() takes it.';
COMMENT ON COLUMN lpr.evidence_kinds.title IS 'What it is.';
COMMENT ON COLUMN lpr.evidence_kinds.alone IS
    'Whether it can carry a target by itself; else associate_of names the one beside it.';
COMMENT ON COLUMN lpr.evidence_kinds.citation IS 'Where that stands.';

CREATE FUNCTION lpr_data.address_names(address text)
    RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_address_names';
COMMENT ON FUNCTION lpr_data.address_names(text) IS
    'Characters of an address, blanks and punctuation counted once; 0 when it names no place: neither a number with a '
    'name behind it nor two names (Q8).';

CREATE FUNCTION lpr_data.addresses_meet(a text, b text)
    RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'lpr_addresses_meet';
COMMENT ON FUNCTION lpr_data.addresses_meet(text, text) IS
    'Whether two parts of addresses may be of one address, at one place of it: either holds the other, or one ends '
    'with what the other begins with, by whole words or four characters at least (P1, Q12).';

CREATE FUNCTION lpr_data.is_alike(a lpr_data.target, b lpr_data.target)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
RETURN a.event_id = b.event_id AND a.kind = b.kind
    AND CASE a.kind WHEN 'plate' THEN lpr_data.plate_shape(a.plate) = lpr_data.plate_shape(b.plate)
                    WHEN 'vehicle' THEN coalesce(a.make = b.make, true) AND coalesce(a.model = b.model, true)
                    ELSE coalesce(lpr_data.addresses_meet(a.address, b.address), false)
                         OR coalesce(lpr.distance_m(a.latitude, a.longitude, b.latitude, b.longitude)
                                     <= a.radius_m + b.radius_m, false) END;
COMMENT ON FUNCTION lpr_data.is_alike(lpr_data.target, lpr_data.target) IS
    'Whether a question may be about either of two targets of an event: plates that readers confuse, places that meet, '
    'vehicles of which one has what the other has (Q12).';

CREATE FUNCTION lpr_data.good_targets(event bigint, moment timestamp with time zone)
    RETURNS SETOF lpr_data.target
    LANGUAGE sql STABLE
AS $$
    SELECT t.* FROM lpr_data.target AS t
    WHERE t.event_id = good_targets.event AND t.ended_at IS NULL AND moment < t.good_until
$$;
COMMENT ON FUNCTION lpr_data.good_targets(bigint, timestamp with time zone) IS
    'The targets of an event that may be asked at a moment (Q12).';

CREATE FUNCTION lpr.add_relation(relation text, title text, citation text,
                                 kinds text[] DEFAULT '{plate,address,vehicle}')
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q12', 'lpr_privacy');
    INSERT INTO lpr_data.relation (relation, title, citation, kinds)
    VALUES (add_relation.relation, add_relation.title, add_relation.citation, add_relation.kinds)
    ON CONFLICT ON CONSTRAINT relation_pkey DO UPDATE
    SET title = excluded.title, citation = excluded.citation, kinds = excluded.kinds, active = true, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.add_relation(text, text, text, text[]) TO lpr_member;
COMMENT ON FUNCTION lpr.add_relation(text, text, text, text[]) IS
    'The privacy officer adds a relation that targets may have, or changes its title, or takes it up again (Q12). '
    'citation: the document that allows it. kinds: which targets may have it. Errors LP024 and LP033.';

CREATE FUNCTION lpr.add_evidence_kind(kind text, title text, citation text)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('Q12', 'lpr_privacy');
    INSERT INTO lpr_data.evidence_kind (kind, title, citation)
    VALUES (add_evidence_kind.kind, add_evidence_kind.title, add_evidence_kind.citation)
    ON CONFLICT ON CONSTRAINT evidence_kind_pkey DO UPDATE
    SET title = excluded.title, citation = excluded.citation, active = true, shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.add_evidence_kind(text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_evidence_kind(text, text, text) IS
    'The privacy officer adds a kind of evidence that targets may rest on, or changes its title, or takes it up again '
    '(Q12). citation: the document that allows it. Errors LP024 and LP033.';
