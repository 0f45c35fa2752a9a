-- 54-display-verb: displays are made and confirmed, plates watched and let go (D1, D2).

CREATE FUNCTION lpr_data.check_owner_life(who integer, event bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text := (SELECT l.lapsed FROM lpr_data.owner_life(who, event, clock_timestamp()) AS l);
    system text := (SELECT e.system FROM lpr_data.event AS e WHERE e.event_id = check_owner_life.event);
BEGIN
    IF missing = 'training' THEN
        PERFORM lpr_data.check_trained(who);
    ELSIF missing = 'access' THEN
        PERFORM lpr_data.refuse('A7', 'LP025', format('you have no access by display for system "%s"', system),
                                'To watch plates is a mode of its own: an entitlement names it, was approved twice, '
                                'and ends.',
                                format('SELECT lpr.request_access(''{%s}'', ''{...source...}'', ''{plate,display}'', '
                                       '''...why you need it...'');', system));
    ELSIF missing = 'certification' THEN
        PERFORM lpr_data.refuse('A4', 'LP027', 'your access has not been recertified',
                                'A government lead confirms every access once a year.',
                                'Ask a government lead: SELECT lpr.recertify(...).');
    ELSIF missing = 'event' THEN
        PERFORM lpr_data.refuse('Q7', 'LP042', format('event %s is not open', event),
                                'Plates are watched for an event that is open, within its dates, and whose owner has '
                                'not left.', 'SELECT * FROM lpr.events; tells its state and dates.');
    ELSIF missing IS NOT NULL THEN
        PERFORM lpr_data.refuse('A1', 'LP024', 'nothing can be watched for you just now',
                                'Plates are watched for who may ask, under a personal login of their own.',
                                'SELECT * FROM lpr.my_access; tells what is missing.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_owner_life(integer, bigint) IS
    'Refuses who lacks something without which nothing is watched for them (lpr_data.owner_life()): errors LP025, '
    'LP026, LP027, LP042, LP024.';

CREATE FUNCTION lpr_data.display_state(d lpr_data.display, moment timestamp with time zone)
    RETURNS text
    LANGUAGE sql STABLE
RETURN CASE WHEN (d).ended_at IS NOT NULL THEN 'ended'
            WHEN EXISTS (SELECT FROM lpr_data.event AS e WHERE e.event_id = (d).event_id
                           AND lpr_data.closes_at(e.closed_at, e.ends_at) <= moment)
                 OR moment >= least((d).examined_until, (d).reviewed_until + lpr_data.display_grace()) THEN 'expired'
            WHEN (d).confirmed_at IS NULL THEN 'unconfirmed'
            WHEN moment >= (d).reviewed_until THEN 'suspended'
            WHEN moment >= least((d).examined_until, (d).reviewed_until) - interval '720 hours' THEN 'due'
            ELSE 'active' END;
COMMENT ON FUNCTION lpr_data.display_state(lpr_data.display, timestamp with time zone) IS
    'What state of lpr.displays says of a display: unconfirmed, active, due (its examination or review within 30 '
    'days), suspended (its review was missed), expired or ended.';

CREATE FUNCTION lpr_data.check_display(d lpr_data.display, VARIADIC states text[])
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    state text := lpr_data.display_state(d, clock_timestamp());
BEGIN
    IF state <> ALL (states) THEN
        PERFORM lpr_data.refuse(CASE state WHEN 'unconfirmed' THEN 'D2' ELSE 'D4' END, 'LP066',
                                format('display %s is %s', d.display_id, state),
                                CASE state
                                    WHEN 'unconfirmed' THEN 'Nothing is watched before its owner has confirmed that '
                                                            'plates are removed promptly.'
                                    WHEN 'suspended' THEN 'It was not reviewed within three months; until a supervisor '
                                                          'reviews it nothing is added.'
                                    WHEN 'expired' THEN 'A display ends with its event, a year after it was last '
                                                        'examined, and when its review was missed; it does not come '
                                                        'back.'
                                    ELSE 'A display that has ended stays so.' END,
                                CASE state WHEN 'unconfirmed' THEN format('SELECT lpr.confirm_display(%s);',
                                                                          d.display_id)
                                           WHEN 'suspended' THEN 'Ask your supervisor: SELECT lpr.review_display(...).'
                                           ELSE 'SELECT * FROM lpr.create_display(...); makes another one.' END);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_display(lpr_data.display, text[]) IS
    'Refuses a display that is in none of these states, error LP066.';

CREATE FUNCTION lpr_data.own_display(display bigint, what text)
    RETURNS lpr_data.display
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d lpr_data.display;
BEGIN
    PERFORM lpr_data.acting('lpr_user', 'D1');
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO d FROM lpr_data.display AS x
    WHERE x.display_id = own_display.display AND x.owner_id = lpr_data.me()
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('display %s does not exist or is not yours', coalesce(display::text, 'NULL')),
                                format('Only the owner of a display %s.', what), 'SELECT * FROM lpr.displays;');
    END IF;
    RETURN d;
END
$$;
COMMENT ON FUNCTION lpr_data.own_display(bigint, text) IS
    'A display of the caller, locked. Errors LP024, LP033 and LP041 (not theirs).';

CREATE FUNCTION lpr_data.item_state(i lpr_data.display_item)
    RETURNS text
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT s.state FROM lpr_data.display_items(ARRAY[i.display_id], clock_timestamp()) AS s
        WHERE s.item_id = i.item_id);
COMMENT ON FUNCTION lpr_data.item_state(lpr_data.display_item) IS 'What state an item is in just now.';

CREATE FUNCTION lpr_data.check_item(i lpr_data.display_item)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    state text := lpr_data.item_state(i);
BEGIN
    IF state NOT IN ('active', 'due', 'suspended') THEN
        PERFORM lpr_data.refuse('D4', 'LP066', format('display item %s is %s', i.item_id, state),
                                'What has expired or ended does not come back; to watch the plate again is a new act.',
                                format('SELECT * FROM lpr.display_items(%s); tells since when and why. '
                                       'SELECT lpr.watch(%1$s, ...); adds a new one.', i.display_id));
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_item(lpr_data.display_item) IS
    'Refuses what is done with an item that has expired or ended, error LP066 (D4).';

CREATE FUNCTION lpr.create_display(event bigint, title text, reason text)
    RETURNS TABLE (display bigint, notice text, call text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    who integer := lpr_data.worked_event(create_display.event, 'makes displays for it', 'D1');
    made bigint;
BEGIN
    PERFORM lpr_data.check_owner_life(who, create_display.event);
    PERFORM lpr_data.refuse_invisible('title', create_display.title);
    IF (char_length(btrim(create_display.title)) BETWEEN 3 AND 200 AND create_display.title !~ '[[:cntrl:]]')
       IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a display has a title',
            DETAIL = 'A title has 3 to 200 characters, and no control characters.',
            HINT = 'For instance title => ''Cars of the Otay Mesa loads''.';
    END IF;
    IF lpr_data.says_nothing(create_display.title) THEN
        PERFORM lpr_data.refuse('D1', 'LP043', format('the title says nothing: %L', create_display.title),
                                'The title tells what is watched for.', 'Name what is to be found out by it.');
    END IF;
    PERFORM lpr_data.check_reason('reason', create_display.reason, 'D1', create_display.title,
                                  ARRAY(SELECT x.reason FROM lpr_data.display AS x WHERE x.owner_id = who
                                        ORDER BY x.display_id DESC LIMIT 20));
    INSERT INTO lpr_data.display (event_id, owner_id, title, reason)
    VALUES (create_display.event, who, btrim(create_display.title), create_display.reason)
    RETURNING display_id INTO made;
    RETURN QUERY
        SELECT made,
               'A display asks about other people''s cars while you are not looking. Remove a plate promptly when it '
               'is no longer relevant: found, ruled out, or not needed any more. Each item is validated at least once '
               'a year, one by one; the whole display is examined at least once a year, and reviewed by management '
               'every quarter; what is not is suspended, and expires. A read may be wrong, and a vehicle is not a '
               'person.',
               format('SELECT lpr.confirm_display(%s);', made);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.create_display(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.create_display(bigint, text, text) IS
    'Who works on an open event makes a display, a list of plates to watch for it (D1), and is told to remove plates '
    'promptly (D2). Returns its number, that notice, and the call that confirms it: in a later statement; until then '
    'nothing is watched. title: 3 to 200 characters. reason: why plates are to be watched, in a sentence. Needs access '
    'by display (A7). Errors LP041, LP042 (the event), LP025, LP026, LP027 (what you lack), LP043 (the reason or '
    'title says nothing).';

CREATE FUNCTION lpr.confirm_display(display bigint)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    d lpr_data.display := lpr_data.own_display(display, 'confirms it');
    moment timestamptz := clock_timestamp();
BEGIN
    IF d.confirmed_at IS NOT NULL THEN
        PERFORM lpr_data.refuse('D2', 'LP034', format('display %s is confirmed already', display),
                                'A display is confirmed once.', 'SELECT * FROM lpr.displays;');
    END IF;
    PERFORM lpr_data.check_display(d, 'unconfirmed');
    IF d.created_at >= statement_timestamp() THEN
        PERFORM lpr_data.refuse('D2', 'LP066', format('the notice of display %s was not read yet', display),
                                'A display is confirmed in a later statement than the one that made it.',
                                format('Read the notice, then: SELECT lpr.confirm_display(%s);', display));
    END IF;
    PERFORM lpr_data.check_owner_life(d.owner_id, d.event_id);
    UPDATE lpr_data.display AS x
    SET confirmed_at = moment, examined_at = moment, examined_until = moment + interval '1 year',
        reviewed_at = moment, reviewed_until = moment + interval '3 months'
    WHERE x.display_id = d.display_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.confirm_display(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.confirm_display(bigint) IS
    'Confirms what lpr.create_display() told: that plates are removed promptly (D2). By the owner, in a later '
    'statement. From then on plates can be added; the first examination is due within a year, the first review within '
    'three months. Errors LP041 (not yours), LP066 (the same statement), LP034 (confirmed already), LP025 to LP027.';

CREATE FUNCTION lpr_data.watched_target(event bigint, target bigint, plate text)
    RETURNS lpr_data.target
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    normal text := lpr.normal_plate(plate);
    t lpr_data.target;
    waits text;
BEGIN
    IF num_nonnulls(target, plate) <> 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'an item watches one target, or the plate of one',
            HINT = 'For instance target => 7; or plate => ''7ABC123''.';
    END IF;
    SELECT x.* INTO t FROM lpr_data.good_targets(event, clock_timestamp()) AS x
    WHERE x.kind = 'plate' AND (x.target_id = watched_target.target OR x.plate = normal);
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('Q12', 'LP047',
                                CASE WHEN normal IS NULL
                                     THEN format('target %s is no plate that event %s may ask for', target, event)
                                     ELSE format('plate "%s" is no target of event %s', normal, event) END,
                                'What is watched is a plate among the targets of the event, with its relation to the '
                                'matter and its evidence; a look-alike is a target of its own.',
                                CASE WHEN normal IS NULL THEN format('SELECT * FROM lpr.targets WHERE event = %s;',
                                                                     event)
                                     ELSE format('SELECT lpr.add_target(%s, plate => %L, relation => ''...'', '
                                                 'evidence_kind => ''...'', evidence_reference => ''...'', basis => '
                                                 '''...'');', event, normal) END);
    END IF;
    waits := lpr_data.plate_that_waits(event, ARRAY[t.plate], clock_timestamp());
    IF waits IS NOT NULL THEN
        PERFORM lpr_data.refuse('P2', 'LP054', 'a plate that is to be watched waits for a second person',
                                'Some plates are asked only once a second person has released them; why, and whose '
                                'they are, is told to nobody.',
                                lpr_data.release_call('plate', event, waits));
    END IF;
    RETURN t;
END
$$;
COMMENT ON FUNCTION lpr_data.watched_target(bigint, bigint, text) IS
    'The target that an item is to watch, by its number or plate. Errors LP047 (none of the event, just now), LP054 '
    '(its plate waits for a second person), LP011.';

CREATE FUNCTION lpr_data.look_alikes(plate text)
    RETURNS integer
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET client_min_messages = warning -- that some are left out
RETURN cardinality(lpr.confusable_plates(plate)) - 1;
COMMENT ON FUNCTION lpr_data.look_alikes(text) IS 'How many plates readers take for this one: up to 63 (G1).';

CREATE FUNCTION lpr.watch(display bigint, target bigint DEFAULT NULL, reason text DEFAULT NULL,
                          until timestamp with time zone DEFAULT NULL, plate text DEFAULT NULL,
                          make text DEFAULT NULL, model text DEFAULT NULL, color text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    d lpr_data.display := lpr_data.own_display(display, 'adds to it');
    moment timestamptz := clock_timestamp();
    t lpr_data.target;
    before lpr_data.display_item;
    item bigint;
    alike integer;
BEGIN
    PERFORM lpr_data.check_display(d, 'active', 'due');
    PERFORM lpr_data.check_owner_life(d.owner_id, d.event_id);
    t := lpr_data.watched_target(d.event_id, target, plate);
    until := coalesce(until, moment + interval '90 days');
    IF (until > moment AND until <= moment + interval '2 years') IS NOT TRUE THEN
        PERFORM lpr_data.refuse('D4', '22023', format('not a time until which a plate is watched: %s', until),
                                'A plate is watched for two years at the most, and for 90 days when nothing is said.',
                                'For instance until => now() + interval ''30 days''.');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'D1', d.title, ARRAY[d.reason]);
    -- One that has expired makes room for a new one.
    PERFORM lpr_data.renew_displays(ARRAY[d.display_id]);
    SELECT i.* INTO before FROM lpr_data.display_item AS i
    WHERE i.display_id = d.display_id AND i.target_id = t.target_id AND i.ended_at IS NULL;
    IF FOUND THEN
        PERFORM lpr_data.check_item(before);
        RAISE NOTICE USING
            MESSAGE = format('target %s is item %s of display %s already', t.target_id, before.item_id, display);
        RETURN before.item_id;
    END IF;
    INSERT INTO lpr_data.display_item (event_id, display_id, owner_id, target_id, make, model, color, reason, added_at,
                                       watched_since, until, validated_at, validated_until, holds_until)
    VALUES (d.event_id, d.display_id, d.owner_id, t.target_id, nullif(lpr.normal_word(watch.make), ''),
            nullif(lpr.normal_word(watch.model), ''), nullif(lpr.normal_word(watch.color), ''), watch.reason, moment,
            moment, watch.until, moment, moment + interval '365 days',
            least(watch.until, moment + interval '365 days'))
    RETURNING item_id INTO item;
    PERFORM lpr_data.renew_displays(ARRAY[d.display_id]);
    alike := lpr_data.look_alikes(t.plate);
    IF alike > 0 THEN
        RAISE WARNING USING
            MESSAGE = format('plate "%s" may be misread as %s other%s, which %s not watched', t.plate,
                             CASE WHEN alike = 63 THEN '63 or more' ELSE alike::text END,
                             CASE WHEN alike > 1 THEN 's' END, CASE WHEN alike > 1 THEN 'are' ELSE 'is' END),
            DETAIL = 'An item watches the plate of its target as it is written; look-alikes are targets of their own.',
            HINT = format('SELECT lpr.confusable_plates(%L); add those that there is evidence for.', t.plate);
    END IF;
    RETURN item;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.watch(bigint, bigint, text, timestamptz, text, text, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.watch(bigint, bigint, text, timestamptz, text, text, text, text) IS
    'The owner of a display has a plate watched (D1): of a target of its event, by the target''s number or the plate; '
    'returns the number of the item. reason: why it is watched, in a sentence. until: two years at the most, by '
    'default 90 days; it ends before that with its target (Q12), its event, what its owner lacks, a validation, '
    'examination or review that was missed (D4). make, model, color: of the vehicle, as far as they are known: a hit '
    'of another one is flagged. Reads from before are no hits. Errors LP041 (not your display), LP066 (not confirmed, '
    'or over), LP047 (no target), LP054 (waits for a second person), LP025, LP026, LP027, LP042 (what you lack), LP043 '
    '(the reason says nothing), LP011.';

CREATE FUNCTION lpr.unwatch(item bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'D2');
    i lpr_data.display_item;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO i FROM lpr_data.display_item AS x
    WHERE x.item_id = unwatch.item
      AND (x.owner_id = who OR EXISTS (SELECT FROM lpr_data.event_member AS m
                                       WHERE m.event_id = x.event_id AND m.person_id = who))
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('display item %s does not exist or is of none of your events',
                                       coalesce(item::text, 'NULL')),
                                'Who works on its event has a plate not watched any more.',
                                'SELECT * FROM lpr.displays;');
    END IF;
    PERFORM lpr_data.check_item(i);
    PERFORM lpr_data.check_given(reason, 'D2');
    UPDATE lpr_data.display_item AS x
    SET ended_at = clock_timestamp(), ended_by = who, end_kind = 'removed', end_reason = unwatch.reason
    WHERE x.item_id = i.item_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.unwatch(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.unwatch(bigint, text) IS
    'Who works on the event of a display has one of its plates not watched any more, from the next round on, and says '
    'why (D2). Errors LP041 (not of your events), LP066 (it has ended), LP043 (no reason).';

CREATE FUNCTION lpr.end_display(display bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    d lpr_data.display := lpr_data.own_display(display, 'ends it');
BEGIN
    PERFORM lpr_data.check_display(d, 'unconfirmed', 'active', 'due', 'suspended');
    PERFORM lpr_data.check_given(reason, 'D2');
    UPDATE lpr_data.display AS x
    SET ended_at = clock_timestamp(), ended_by = d.owner_id, end_reason = end_display.reason
    WHERE x.display_id = d.display_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.end_display(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.end_display(bigint, text) IS
    'The owner of a display ends it, with all that it watches, and says why (D2); which items have ended is told. '
    'Errors LP041 (not yours), LP066 (it has ended), LP043 (no reason).';
