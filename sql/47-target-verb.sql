-- 47-target-verb: targets are added, confirmed, ruled out and ended (Q12).

CREATE FUNCTION lpr_data.worked_event(event bigint, what text, control text DEFAULT 'Q12')
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', control);
    e lpr_data.event;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO e FROM lpr_data.event AS x
    JOIN lpr_data.event_member AS m ON m.event_id = x.event_id
    WHERE x.event_id = worked_event.event AND m.person_id = who
    FOR KEY SHARE OF x;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('event %s does not exist or is not yours', coalesce(event::text, 'NULL')),
                                format('Only who works on an event %s.', what), 'SELECT * FROM lpr.events;');
    END IF;
    IF e.closed_at IS NOT NULL OR e.waits_since IS NOT NULL OR clock_timestamp() >= e.ends_at THEN
        PERFORM lpr_data.refuse('Q7', 'LP042', format('event %s is not open', event),
                                'One adds to an event that is open, within its dates, and whose owner has not left.',
                                'SELECT * FROM lpr.events; tells its state and dates.');
    END IF;
    RETURN who;
END
$$;
COMMENT ON FUNCTION lpr_data.worked_event(bigint, text, text) IS
    'The person who acts, as one who works on this event, which is open. Errors LP041 (not theirs) and LP042 (not '
    'open).';

CREATE FUNCTION lpr_data.check_evidence(evidence_kind text, evidence_reference text, associate_of bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k lpr_data.evidence_kind;
BEGIN
    SELECT x.* INTO k FROM lpr_data.evidence_kind AS x
    WHERE x.kind = check_evidence.evidence_kind COLLATE "C" AND x.active;
    IF NOT FOUND AND evidence_kind IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('kind of evidence "%s" does not exist', evidence_kind),
            HINT = 'SELECT * FROM lpr.evidence_kinds;';
    END IF;
    PERFORM lpr_data.refuse_invisible('evidence_reference', evidence_reference);
    IF (k.kind IS NOT NULL AND char_length(btrim(evidence_reference)) BETWEEN 3 AND 200
        AND NOT lpr_data.says_nothing(evidence_reference)) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('Q12', 'LP043', 'no evidence was given for the target',
                                'A target rests on evidence: its kind, and a reference of 3 to 200 characters by which '
                                'it is found.',
                                'For instance evidence_kind => ''case_record'', evidence_reference => ''SD-2026-00417, '
                                'page 3''. When life or escape does not wait: urgent => true, for 24 hours.');
    END IF;
    IF NOT k.alone AND associate_of IS NULL THEN
        PERFORM lpr_data.refuse('Q12', 'LP043', 'a read of a licence plate alone is no evidence',
                                'Evidence of this kind needs the target that it was seen with.',
                                'Name that target, associate_of => ..., as lpr.targets shows it, or other evidence.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_evidence(text, text, bigint) IS
    'Refuses a target without evidence, or with a read as the only one, error LP043 (Q12).';

CREATE FUNCTION lpr_data.next_urgent(who integer, day date)
    RETURNS smallint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    already integer;
BEGIN
    PERFORM FROM lpr_data.person AS p WHERE p.person_id = next_urgent.who FOR NO KEY UPDATE;
    SELECT count(*) INTO already FROM lpr_data.target AS t
    WHERE t.added_by = next_urgent.who AND t.urgent_day = next_urgent.day;
    IF already >= 3 THEN
        PERFORM lpr_data.refuse('Q12', 'LP046', 'you have added three urgent targets today',
                                'A person adds at most three urgent targets a day (UTC).',
                                'Name the evidence: evidence_kind => ..., evidence_reference => ..., without urgent.');
    END IF;
    RETURN already + 1;
END
$$;
COMMENT ON FUNCTION lpr_data.next_urgent(integer, date) IS
    'Which urgent target of a person and day the next one is: 1 to 3; error LP046 (Q12).';

CREATE FUNCTION lpr_data.check_relation(relation text, kind text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM lpr_data.relation AS r
                   WHERE r.relation = check_relation.relation COLLATE "C" AND r.active
                     AND check_relation.kind = ANY (r.kinds)) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('"%s" is no relation that a target of kind %s has', coalesce(relation, 'NULL'), kind),
            HINT = 'SELECT * FROM lpr.relations;';
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_relation(text, text) IS 'An error unless a target of a kind may have a relation.';

CREATE FUNCTION lpr_data.depth_beside(event bigint, associate_of bigint)
    RETURNS smallint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    beside lpr_data.target;
BEGIN
    IF associate_of IS NULL THEN
        RETURN 0;
    END IF;
    SELECT t.* INTO beside FROM lpr_data.good_targets(depth_beside.event, clock_timestamp()) AS t
    WHERE t.target_id = depth_beside.associate_of FOR KEY SHARE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('Q12', 'LP047',
                                format('target %s is none of event %s just now', associate_of, event),
                                'An associate is one of a target that stands.',
                                format('SELECT * FROM lpr.targets WHERE event = %s;', event));
    END IF;
    IF beside.depth >= 2 THEN
        PERFORM lpr_data.refuse('Q12', 'LP047',
                                format('target %s is an associate of an associate', associate_of),
                                'Who is known through two others only is no target.',
                                'Name evidence of its own, without associate_of.');
    END IF;
    RETURN beside.depth + 1;
END
$$;
COMMENT ON FUNCTION lpr_data.depth_beside(bigint, bigint) IS
    'How far a target is from one that stands by itself: 0, or one more than that beside it; at most 2. Error LP047.';

CREATE FUNCTION lpr_data.end_targets(targets bigint[], who integer, end_kind text, reason text)
    RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    -- What hangs on it ends with it.
    WITH RECURSIVE ends AS (
        SELECT t.target_id, t.event_id, t.plate, end_targets.end_kind, end_targets.reason
        FROM lpr_data.target AS t WHERE t.target_id = ANY (targets)
        UNION
        SELECT t.target_id, t.event_id, t.plate, 'ended', format('Target %s, beside which it stood, %s.', e.target_id,
                                            CASE e.end_kind WHEN 'ruled_out' THEN 'was ruled out' ELSE 'ended' END)
        FROM ends AS e
        -- beside it, or beside what it took the place of
        JOIN lpr_data.target AS o ON o.event_id = e.event_id
                                 AND (o.target_id = e.target_id OR o.plate = e.plate AND o.end_kind = 'replaced')
        JOIN lpr_data.target AS t ON t.associate_of = o.target_id
        WHERE end_targets.end_kind <> 'replaced'
    )
    UPDATE lpr_data.target AS t
    SET ended_at = clock_timestamp(), ended_by = who, end_kind = e.end_kind, end_reason = e.reason
    FROM ends AS e WHERE t.target_id = e.target_id AND t.ended_at IS NULL
$$;
COMMENT ON FUNCTION lpr_data.end_targets(bigint[], integer, text, text) IS
    'Ends targets, and the associates beside them (Q12).';

CREATE FUNCTION lpr_data.add_one_target(given lpr_data.target, urgent boolean)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    t lpr_data.target := given;
    before lpr_data.target;
    again boolean;
    beside_until timestamptz;
BEGIN
    SELECT x.* INTO before FROM lpr_data.target AS x
    WHERE x.event_id = t.event_id AND x.plate = t.plate AND x.ended_at IS NULL FOR NO KEY UPDATE;
    IF FOUND AND moment < before.good_until AND (before.good_until = 'infinity' OR urgent) THEN
        RAISE NOTICE USING
            MESSAGE = format('plate "%s" is target %s of event %s already', t.plate, before.target_id, t.event_id);
        RETURN before.target_id;
    END IF;
    t.depth := lpr_data.depth_beside(t.event_id, t.associate_of);
    IF urgent THEN
        t.urgent_day := moment::date;
        t.urgent_number := lpr_data.next_urgent(t.added_by, t.urgent_day);
    ELSE
        PERFORM lpr_data.check_evidence(t.evidence_kind, t.evidence_reference, t.associate_of);
    END IF;
    -- What was ruled out, in whatever writing, is confirmed first; so is what was urgent before and ran out.
    again := EXISTS (SELECT FROM lpr_data.target AS x
                     WHERE x.event_id = t.event_id AND x.kind = t.kind
                       AND (x.end_kind = 'ruled_out'
                            OR urgent AND x.urgent_day IS NOT NULL AND x.confirmed_at IS NULL
                               AND x.good_until <= moment)
                       AND lpr_data.is_alike(x, t));
    -- An associate stands no longer than the one beside it.
    beside_until := coalesce((SELECT x.good_until FROM lpr_data.target AS x WHERE x.target_id = t.associate_of),
                             'infinity');
    t.waits := urgent OR t.depth = 2 OR again OR beside_until < 'infinity';
    t.good_until := CASE WHEN NOT t.waits THEN 'infinity'::timestamptz
                         WHEN t.depth = 2 OR again THEN '-infinity'
                         ELSE least(moment + interval '24 hours', beside_until) END;
    PERFORM lpr_data.end_targets(ARRAY[before.target_id], t.added_by, 'replaced', 'A newer one stands in its place.');
    INSERT INTO lpr_data.target (event_id, kind, plate, plate_region, latitude, longitude, radius_m, address, make,
                                 model, relation, evidence_kind, evidence_reference, basis, associate_of, depth,
                                 urgent_day, urgent_number, waits, added_at, added_by, good_until)
    VALUES (t.event_id, t.kind, t.plate, t.plate_region, t.latitude, t.longitude, t.radius_m, t.address, t.make,
            t.model, t.relation, t.evidence_kind, btrim(t.evidence_reference), t.basis, t.associate_of, t.depth,
            t.urgent_day, t.urgent_number, t.waits, moment, t.added_by, t.good_until)
    RETURNING target_id INTO t.target_id;
    IF t.waits THEN
        RAISE NOTICE USING
            MESSAGE = CASE WHEN t.good_until > moment
                           THEN format('target %s is good for 24 hours, and longer once it is confirmed', t.target_id)
                           ELSE format('target %s is not asked before it is confirmed', t.target_id) END,
            HINT = format('Your supervisor confirms it: SELECT lpr.confirm_target(%s);', t.target_id);
    END IF;
    RETURN t.target_id;
END
$$;
COMMENT ON FUNCTION lpr_data.add_one_target(lpr_data.target, boolean) IS
    'Adds a target that lpr.add_target() or lpr.add_targets() has looked at. Errors LP043, LP046, LP047.';

CREATE FUNCTION lpr.add_target(
    event bigint,
    plate text DEFAULT NULL,
    relation text DEFAULT NULL,
    evidence_kind text DEFAULT NULL,
    evidence_reference text DEFAULT NULL,
    basis text DEFAULT NULL,
    region text DEFAULT NULL,
    latitude double precision DEFAULT NULL,
    longitude double precision DEFAULT NULL,
    radius_m double precision DEFAULT 200,
    address text DEFAULT NULL,
    make text DEFAULT NULL,
    model text DEFAULT NULL,
    associate_of bigint DEFAULT NULL,
    urgent boolean DEFAULT false
)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.worked_event(event, 'adds targets to it');
    t lpr_data.target;
BEGIN
    t.event_id := event;
    t.added_by := who;
    t.kind := CASE WHEN plate IS NOT NULL THEN 'plate' WHEN address IS NOT NULL OR latitude IS NOT NULL THEN 'address'
                   ELSE 'vehicle' END;
    t.plate := lpr.normal_plate(plate);
    t.plate_region := lpr.normal_region(region);
    t.latitude := latitude;
    t.longitude := longitude;
    t.radius_m := CASE WHEN latitude IS NOT NULL THEN radius_m END;
    t.address := btrim(address);
    t.make := lpr.normal_word(make);
    t.model := lpr.normal_word(model);
    t.relation := relation;
    t.evidence_kind := evidence_kind;
    t.evidence_reference := evidence_reference;
    t.basis := basis;
    t.associate_of := associate_of;
    PERFORM lpr_data.refuse_invisible('address', address);
    IF (num_nonnulls(plate, coalesce(address, latitude::text), coalesce(make, model)) = 1
        AND (latitude IS NULL) = (longitude IS NULL) AND (region IS NULL OR plate IS NOT NULL)
        AND (latitude IS NULL OR latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180
                                 AND radius_m BETWEEN 1 AND 1000)
        AND (address IS NULL OR char_length(btrim(address)) <= 200 AND lpr_data.address_names(address) >= 8))
       IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a target is a plate, a place or a vehicle',
            DETAIL = 'A place is an address of 8 to 200 characters that names one, or a point with a radius_m of 1 to '
                     '1,000 metres, or both; a vehicle is a make or a model, or both.',
            HINT = 'For instance plate => ''7ABC123''; or latitude => 32.55, longitude => -116.94, address => '
                   '''1 Harbor Dr, San Diego''; or make => ''Ford'', model => ''F-150''.';
    END IF;
    PERFORM lpr_data.check_trained(who);
    PERFORM lpr_data.check_relation(relation, t.kind);
    PERFORM lpr_data.check_reason('basis', basis, 'Q12');
    RETURN lpr_data.add_one_target(t, coalesce(urgent, false));
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_target(bigint, text, text, text, text, text, text, double precision,
                                         double precision, double precision, text, text, text, bigint, boolean)
    TO lpr_member;
COMMENT ON FUNCTION lpr.add_target(bigint, text, text, text, text, text, text, double precision, double precision,
                                   double precision, text, text, text, bigint, boolean) IS
    'Who works on an event says whom or what its questions may be about (Q12): a plate (with its region, where it is '
    'known), a place (address, or a point and how far from it, or both) or a vehicle (make or model); returns its '
    'number, and is asked from the next question on, once it is committed. relation: what it is to the matter, one of '
    'lpr.relations. evidence_kind (one of lpr.evidence_kinds), evidence_reference: the evidence, and where it is '
    'found; a read of a plate alone is none. basis: what the evidence says, in a sentence. associate_of: the target '
    'beside which it stands; one that stands beside an associate waits for the supervisor. urgent: without evidence at '
    'hand, three a person and day; it ends after 24 hours unless the supervisor confirms it. What was ruled out before '
    'waits for the supervisor as well. Errors LP041, LP042 (the event), LP026 (not trained), LP043 (no evidence, or a '
    'basis that says nothing), LP046 (too many urgent ones), LP047 (associate_of), LP011 (not a plate), LP012 (not a '
    'region).';

CREATE FUNCTION lpr.add_targets(event bigint, plates text[], relation text, evidence_kind text,
                                evidence_reference text, basis text)
    RETURNS SETOF bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.worked_event(event, 'adds targets to it');
    t lpr_data.target;
    normal text;
BEGIN
    IF (cardinality(plates) BETWEEN 1 AND 1000 AND array_position(plates, NULL) IS NULL) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a list of targets has 1 to 1,000 plates',
            HINT = 'For instance plates => ''{7ABC123,8XYZ999}''.';
    END IF;
    PERFORM lpr_data.check_trained(who);
    PERFORM lpr_data.check_relation(relation, 'plate');
    PERFORM lpr_data.check_reason('basis', basis, 'Q12');
    FOR normal IN SELECT DISTINCT lpr.normal_plate(p) FROM unnest(plates) AS p ORDER BY 1
    LOOP
        t.event_id := event;
        t.added_by := who;
        t.kind := 'plate';
        t.plate := normal;
        t.relation := relation;
        t.evidence_kind := evidence_kind;
        t.evidence_reference := evidence_reference;
        t.basis := basis;
        RETURN NEXT lpr_data.add_one_target(t, false);
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.add_targets(bigint, text[], text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.add_targets(bigint, text[], text, text, text, text) IS
    'The same for many plates that share relation, evidence and basis: 1 to 1,000 (Q12). Returns their numbers.';

CREATE FUNCTION lpr_data.target_of(target bigint, what text)
    RETURNS lpr_data.target
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t lpr_data.target;
    e lpr_data.event;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO t FROM lpr_data.target AS x
    WHERE x.target_id = target_of.target
      AND EXISTS (SELECT FROM lpr_data.event_member AS m
                  WHERE m.event_id = x.event_id AND m.person_id = lpr_data.me())
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('target %s does not exist or is none of your events',
                                       coalesce(target::text, 'NULL')),
                                format('Only who works on its event %s.', what), 'SELECT * FROM lpr.targets;');
    END IF;
    IF t.ended_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('Q12', 'LP034', format('target %s has ended', target),
                                'A target that has ended stays so.', 'SELECT * FROM lpr.targets; tells when and why.');
    END IF;
    SELECT x.* INTO e FROM lpr_data.event AS x WHERE x.event_id = t.event_id;
    PERFORM lpr_data.check_not_closed(e);
    RETURN t;
END
$$;
COMMENT ON FUNCTION lpr_data.target_of(bigint, text) IS
    'A target of an event that the caller works on, locked. Errors LP041 (not theirs), LP042 (closed) and LP034 (has '
    'ended).';

CREATE FUNCTION lpr.confirm_target(target bigint)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_supervisor', 'Q12');
    principal integer;
    t lpr_data.target;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO t FROM lpr_data.target AS x
    WHERE x.target_id = confirm_target.target AND lpr_data.supervises(who, x.added_by)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('Q12', 'LP033',
                                format('target %s does not exist or was added by nobody whom you supervise',
                                       coalesce(target::text, 'NULL')),
                                'The supervisor of who added a target confirms it.',
                                'SELECT * FROM lpr.event_targets(...); shows the targets of an event.');
    END IF;
    IF EXISTS (SELECT FROM lpr_data.event_member AS m WHERE m.event_id = t.event_id AND m.person_id = who) THEN
        PERFORM lpr_data.refuse('Q12', 'LP033', format('you work on event %s yourself', t.event_id),
                                'A target is confirmed by somebody who does not work on its event.',
                                'Ask the supervisor, or another deputy.');
    END IF;
    principal := lpr_data.supervising_for(who, t.added_by);
    IF NOT t.waits OR t.confirmed_at IS NOT NULL OR t.ended_at IS NOT NULL
       OR t.good_until <> '-infinity' AND clock_timestamp() >= t.good_until THEN
        PERFORM lpr_data.refuse('Q12', 'LP034', format('target %s does not wait to be confirmed', target),
                                'What is urgent waits for 24 hours; what is confirmed or has ended waits no more.',
                                format('SELECT * FROM lpr.event_targets(%s);', t.event_id));
    END IF;
    UPDATE lpr_data.target AS x
    SET confirmed_at = clock_timestamp(), confirmed_by = who, acted_for = principal, good_until = 'infinity'
    WHERE x.target_id = t.target_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.confirm_target(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.confirm_target(bigint) IS
    'A supervisor confirms a target that one of their people added and that waits for it (Q12): an urgent one, an '
    'associate of an associate, or what was ruled out before. lpr.event_targets() shows it. A deputy does as the '
    'supervisor (lpr.deputise()). Errors LP024 and LP033 (who may), LP034 (it does not wait).';

CREATE FUNCTION lpr.end_target(target bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t lpr_data.target := lpr_data.target_of(target, 'ends it');
BEGIN
    PERFORM lpr_data.check_given(reason, 'Q12');
    PERFORM lpr_data.end_targets(ARRAY[t.target_id], lpr_data.me(), 'ended', reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.end_target(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.end_target(bigint, text) IS
    'Who works on an event ends one of its targets, with the associates that stand beside it, and says why: it is not '
    'asked any more (Q12). Errors LP041 (not of an event of yours), LP034 (has ended), LP043 (no reason).';
