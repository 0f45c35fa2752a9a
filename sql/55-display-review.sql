-- 55-display-review: what is watched is looked at again (D3, D5): each item by its owner, one by one; the whole display
-- by its owner once a year; by management every quarter.

CREATE FUNCTION lpr_data.folded_reason(reason text)
    RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(lower(reason), '[^[:alpha:]]+', ' ', 'g'));
COMMENT ON FUNCTION lpr_data.folded_reason(text) IS
    'A reason as it is known again: letters only, in lower case, so that another number or sign makes no new one.';

CREATE FUNCTION lpr_data.check_fresh_reason(who integer, reason text, control text, title text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.check_reason('reason', reason, control, title);
    -- One after the other, also from several sessions; not by a lock on the person, who may have to be stopped.
    PERFORM pg_advisory_xact_lock(hashtextextended(format('lpr_data.display_step %s', who), 0));
    IF EXISTS (SELECT FROM (SELECT s.reason FROM lpr_data.display_step AS s
                            WHERE s.person_id = who AND s.reason IS NOT NULL
                            ORDER BY s.step_id DESC LIMIT 20) AS l
               WHERE lpr_data.folded_reason(l.reason) = lpr_data.folded_reason(check_fresh_reason.reason)) THEN
        PERFORM lpr_data.refuse(control, 'LP043', 'you gave this reason before',
                                'Each item is looked at by itself: its reason equals none of your last 20, numbers and '
                                'signs left out.',
                                'Say in a sentence of its own why this one is still needed.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_fresh_reason(integer, text, text, text) IS
    'Refuses a reason that says nothing, or that equals one of the last 20 that this person gave when they looked at '
    'displays again, error LP043 (D3).';

CREATE FUNCTION lpr_data.finding_keeps(finding text)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keeps boolean := (SELECT f.keeps FROM lpr_data.display_finding AS f
                      WHERE f.finding = finding_keeps.finding COLLATE "C");
BEGIN
    IF keeps IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('finding "%s" does not exist', coalesce(finding, 'NULL')),
            HINT = 'SELECT * FROM lpr.findings;';
    END IF;
    RETURN keeps;
END
$$;
COMMENT ON FUNCTION lpr_data.finding_keeps(text) IS
    'Whether an item goes on of which this was found; error 22023 when there is no such finding.';

CREATE FUNCTION lpr.validate_item(item bigint, finding text, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_user', 'D3');
    keeps boolean := lpr_data.finding_keeps(finding);
    moment timestamptz;
    d lpr_data.display;
    i lpr_data.display_item;
BEGIN
    PERFORM lpr_data.check_isolation();
    SELECT x.* INTO d FROM lpr_data.display AS x
    WHERE x.display_id = (SELECT y.display_id FROM lpr_data.display_item AS y WHERE y.item_id = validate_item.item)
      AND x.owner_id = who
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('E4', 'LP041',
                                format('display item %s does not exist or is not yours', coalesce(item::text, 'NULL')),
                                'Only the owner of a display validates what it watches.',
                                'SELECT * FROM lpr.displays;');
    END IF;
    SELECT x.* INTO i FROM lpr_data.display_item AS x WHERE x.item_id = validate_item.item FOR NO KEY UPDATE;
    PERFORM lpr_data.check_item(i);
    IF EXISTS (SELECT FROM lpr_data.display_step AS s
               WHERE s.person_id = who AND s.action = 'validate' AND s.said_at = statement_timestamp()) THEN
        PERFORM lpr_data.refuse('D3', 'LP067', 'this statement has validated an item already',
                                'Items are validated one by one, each by a statement of its own.',
                                format('SELECT lpr.validate_item(%s, ...); alone.', item));
    END IF;
    PERFORM lpr_data.check_fresh_reason(who, reason, 'D3', d.title);
    IF keeps THEN
        PERFORM lpr_data.watched_target(i.event_id, i.target_id, NULL);
    END IF;
    moment := clock_timestamp();
    INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, at, person_id, reason)
    VALUES (i.event_id, i.display_id, i.owner_id, i.item_id, 'validate', validate_item.finding, moment, who,
            validate_item.reason);
    IF NOT keeps THEN
        UPDATE lpr_data.display_item AS x
        SET ended_at = moment, ended_by = who, end_kind = 'not_relevant', end_reason = validate_item.reason
        WHERE x.item_id = i.item_id;
        RETURN NULL;
    END IF;
    UPDATE lpr_data.display_item AS x
    SET validated_at = moment, validated_until = moment + interval '365 days' WHERE x.item_id = i.item_id;
    PERFORM lpr_data.renew_displays(ARRAY[i.display_id]);
    RETURN moment + interval '365 days';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.validate_item(bigint, text, text) TO lpr_member;
COMMENT ON FUNCTION lpr.validate_item(bigint, text, text) IS
    'The owner of a display looks at one of its items again, and says what they found and why (D3). finding: one of '
    'lpr.findings; one that does not keep it ends it at once. reason: a sentence of its own, which equals none of your '
    'last 20, numbers and signs left out. One item a statement. Returns until when it counts, 365 days; NULL: it has '
    'ended. Errors LP041 (not yours), LP066 (it has expired or ended), LP067 (a second one in a statement), LP043 (the '
    'reason says nothing, or was given before), LP054 (its plate waits for a second person).';

CREATE FUNCTION lpr.examine_display(display bigint, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    d lpr_data.display := lpr_data.own_display(display, 'examines it');
    moment timestamptz;
BEGIN
    PERFORM lpr_data.check_display(d, 'active', 'due', 'suspended');
    PERFORM lpr_data.check_fresh_reason(d.owner_id, reason, 'D3', d.title);
    moment := clock_timestamp();
    INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, action, at, person_id, reason)
    VALUES (d.event_id, d.display_id, d.owner_id, 'examine', moment, d.owner_id, examine_display.reason);
    UPDATE lpr_data.display AS x
    SET examined_at = moment, examined_until = moment + interval '1 year' WHERE x.display_id = d.display_id;
    RETURN moment + interval '1 year';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.examine_display(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.examine_display(bigint, text) IS
    'The owner of a display examines the whole of it, and says why it is still needed (D3); without that it expires as '
    'a whole after a year. It validates no item. Returns until when it counts. Errors LP041 (not yours), LP066 (it is '
    'not confirmed, has expired or ended), LP043 (the reason says nothing, or was given before).';

CREATE FUNCTION lpr_data.reviewed_display(who integer, display bigint, OUT d lpr_data.display, OUT acted_for integer)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Who is in which role, and whose deputy, stays as it is until this is committed.
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.lock_roles();
    PERFORM FROM lpr_data.deputy AS y WHERE y.acts_id = who AND y.ended_at IS NULL ORDER BY y.deputy_id FOR SHARE;
    SELECT x.* INTO d FROM lpr_data.display AS x
    WHERE x.display_id = reviewed_display.display AND lpr_data.supervises(who, x.owner_id)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        PERFORM lpr_data.refuse('D5', 'LP033',
                                format('display %s does not exist or is of nobody whom you supervise',
                                       coalesce(display::text, 'NULL')),
                                'The supervisor of its owner reviews a display, or a deputy.',
                                'SELECT * FROM lpr.displays;');
    END IF;
    PERFORM lpr_data.pass_session();
    acted_for := lpr_data.supervising_for(who, d.owner_id);
    IF EXISTS (SELECT FROM lpr_data.event_member AS m
               WHERE m.event_id = d.event_id AND m.person_id IN (who, reviewed_display.acted_for)) THEN
        PERFORM lpr_data.refuse('D5', 'LP033', format('you work on event %s yourself, or who you stand in for does',
                                                      d.event_id),
                                'Nobody reviews their own.', 'Another deputy reviews it: lpr.deputise(...).');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.reviewed_display(integer, bigint) IS
    'A display that this person reviews, locked, and in whose stead: as supervisor of its owner, with no part in its '
    'event (D5). Errors LP033, and those of the gate for a session.';

CREATE FUNCTION lpr.review_display(display bigint, findings jsonb, reason text)
    RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    who integer := lpr_data.acting('lpr_supervisor', 'D5');
    r record := lpr_data.reviewed_display(who, display);
    d lpr_data.display := r.d;
    items bigint[];
    named bigint[];
    ended bigint[];
    moment timestamptz;
BEGIN
    PERFORM lpr_data.check_display(d, 'active', 'due', 'suspended');
    IF (jsonb_typeof(findings) = 'object'
        AND (SELECT bool_and(f.key ~ '^[0-9]{1,18}$' AND jsonb_typeof(f.value) = 'string')
             FROM jsonb_each(findings) AS f) IS NOT FALSE) IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the findings of a review are a JSON object of items and findings',
            HINT = 'For instance ''{"3": "subject_sought", "5": "not_relevant"}''; SELECT * FROM lpr.findings;';
    END IF;
    PERFORM lpr_data.finding_keeps(f.value) FROM jsonb_each_text(findings) AS f;
    PERFORM lpr_data.check_fresh_reason(who, reason, 'D5', d.title);
    PERFORM FROM lpr_data.display_item AS i WHERE i.display_id = d.display_id ORDER BY i.item_id FOR NO KEY UPDATE;
    SELECT coalesce(array_agg(s.item_id ORDER BY s.item_id), '{}') INTO items
    FROM lpr_data.display_items(ARRAY[d.display_id], clock_timestamp()) AS s
    WHERE s.state IN ('active', 'due', 'suspended');
    SELECT coalesce(array_agg(f.key::bigint ORDER BY f.key::bigint), '{}') INTO named FROM jsonb_each(findings) AS f;
    IF items <> named THEN
        PERFORM lpr_data.refuse('D5', '22023', 'the findings are not those of all items of the display',
                                format('Items that are watched or suspended now: %s.',
                                       coalesce(nullif(array_to_string(items, ', '), ''), 'none')),
                                format('SELECT * FROM lpr.display_items(%s); then name each of them, and no other.',
                                       display));
    END IF;
    moment := clock_timestamp();
    INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, at, person_id,
                                       acted_for, reason)
    SELECT d.event_id, d.display_id, d.owner_id, f.item, 'review', f.finding, moment, who, r.acted_for, f.reason
    FROM (SELECT NULL::bigint AS item, NULL::text AS finding, review_display.reason
          UNION ALL SELECT j.key::bigint, j.value, NULL FROM jsonb_each_text(findings) AS j) AS f
    ORDER BY f.item NULLS FIRST;
    WITH gone AS (
        UPDATE lpr_data.display_item AS i
        SET ended_at = moment, ended_by = who, end_kind = 'not_relevant', end_reason = review_display.reason
        FROM jsonb_each_text(findings) AS j JOIN lpr_data.display_finding AS f ON f.finding = j.value
        WHERE i.item_id = j.key::bigint AND NOT f.keeps
        RETURNING i.item_id
    )
    SELECT array_agg(g.item_id ORDER BY g.item_id) INTO ended FROM gone AS g;
    UPDATE lpr_data.display AS x
    SET reviewed_at = moment, reviewed_until = moment + interval '3 months' WHERE x.display_id = d.display_id;
    IF ended IS NOT NULL THEN
        RAISE NOTICE USING MESSAGE = format('no longer watched: item%s %s',
                                            CASE WHEN cardinality(ended) > 1 THEN 's' END,
                                            array_to_string(ended, ', '));
    END IF;
    RETURN moment + interval '3 months';
END
$$;
GRANT EXECUTE ON FUNCTION lpr.review_display(bigint, jsonb, text) TO lpr_member;
COMMENT ON FUNCTION lpr.review_display(bigint, jsonb, text) IS
    'Management reviews a display every quarter (D5): the supervisor of its owner, or a deputy, who has no part in its '
    'event. findings: of each item that is watched or suspended, as lpr.display_items() shows them, one of '
    'lpr.findings, such as ''{"3": "subject_sought", "5": "not_relevant"}''; those that do not keep an item end it at '
    'once. reason: what was looked at, in a sentence of its own. Returns until when it counts, three months: then the '
    'display is suspended, and expires after the time of grace. Errors LP033 (who may), LP066 (it is not confirmed, or '
    'over), 22023 (not exactly its items), LP043, and those of the gate for a session.';
