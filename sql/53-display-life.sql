-- 53-display-life: what is watched at a moment, and until when (D4). One place tells it, lpr_data.display_items(), by
-- what the gate goes by: asker(), memberships(), entitlements(), required_courses(), certification().
--
-- An item holds as long as all of it holds; it ends in the predicate, at that very moment, whatever runs. Some ends are
-- final: its time, its target, its event, a display that was not examined. Others can be mended: what its owner lacks,
-- a validation, a review. From them on it is suspended for the time of grace, then it has expired. So that nobody who
-- mends later brings it back, each item has until when it held (holds_until): it is put off as things change, never
-- once the grace after it has passed.

CREATE FUNCTION lpr_data.owner_lives(owners integer[], events bigint[], moment timestamp with time zone)
    RETURNS TABLE (person_id integer, event_id bigint, system text, until timestamp with time zone, lapsed text)
    LANGUAGE sql STABLE
AS $$
    -- What is about a person is looked at once a person, and all people together.
    WITH pair AS MATERIALIZED (
        SELECT DISTINCT o.person_id, o.event_id FROM unnest(owners, events) AS o (person_id, event_id)
    ), one AS MATERIALIZED (
        SELECT DISTINCT p.person_id FROM pair AS p
    ), asker AS MATERIALIZED (
        SELECT o.person_id, k.known_until, (k.may_ask AND k.personal AND k.apart AND moment < k.known_until) AS asks
        FROM one AS o
        LEFT JOIN lpr_data.person AS p ON p.person_id = o.person_id
        LEFT JOIN pg_roles AS u ON u.rolname = p.login::name -- by an index
        CROSS JOIN LATERAL lpr_data.asker(u.oid, moment) AS k
    ), member AS MATERIALIZED (
        SELECT o.person_id, e.event_id, e.system, e.ends_at, e.open
        FROM one AS o CROSS JOIN LATERAL lpr_data.memberships(o.person_id, moment) AS e
    ), access AS MATERIALIZED (
        SELECT o.person_id, s.system, max(x.ends_at) AS until
        FROM one AS o
        CROSS JOIN LATERAL lpr_data.entitlements(o.person_id, moment) AS x
        CROSS JOIN LATERAL unnest(x.systems) AS s (system)
        WHERE x.holds AND 'display' = ANY (x.modes)
        GROUP BY o.person_id, s.system
    ), training AS MATERIALIZED (
        SELECT o.person_id, count(*) AS courses, bool_and(coalesce(moment < x.until, false)) AS complete,
               min(x.until) AS until
        FROM one AS o CROSS JOIN LATERAL lpr_data.required_courses(o.person_id, moment) AS x
        GROUP BY o.person_id
    )
    SELECT p.person_id, p.event_id, e.system, least(k.known_until, e.ends_at, a.until, t.until, c.until), CASE
        WHEN (k.asks) IS NOT TRUE THEN 'person'
        WHEN (e.open) IS NOT TRUE THEN 'event'
        WHEN (moment < a.until) IS NOT TRUE THEN 'access'
        WHEN (t.courses >= 6 AND t.complete) IS NOT TRUE THEN 'training'
        WHEN (moment < c.until) IS NOT TRUE THEN 'certification'
        END
    FROM pair AS p
    LEFT JOIN asker AS k ON k.person_id = p.person_id
    LEFT JOIN member AS e ON e.person_id = p.person_id AND e.event_id = p.event_id
    LEFT JOIN access AS a ON a.person_id = p.person_id AND a.system = e.system
    LEFT JOIN training AS t ON t.person_id = p.person_id
    CROSS JOIN LATERAL lpr_data.certification(p.person_id, moment) AS c
$$;
COMMENT ON FUNCTION lpr_data.owner_lives(integer[], bigint[], timestamp with time zone) IS
    'Whether people may watch for events, pair by pair (D4): one row a pair. system: of the event, that they work on; '
    'until: the first moment at which something of it ends, or ended; lapsed: what they lack, or NULL: person (who is '
    'there, under a login of their own, and may ask), event (an open one that they work on), access (an entitlement to '
    'displays for its system: A7), training (A3), certification (A4).';

CREATE FUNCTION lpr_data.owner_life(person_id integer, event_id bigint, moment timestamp with time zone)
    RETURNS TABLE (until timestamp with time zone, lapsed text)
    LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT l.until, l.lapsed
    FROM lpr_data.owner_lives(ARRAY[owner_life.person_id], ARRAY[owner_life.event_id], moment) AS l
$$;
COMMENT ON FUNCTION lpr_data.owner_life(integer, bigint, timestamp with time zone) IS
    'lpr_data.owner_lives() of one person and event.';

CREATE FUNCTION lpr_data.display_items(displays bigint[], moment timestamp with time zone)
    RETURNS TABLE (item_id bigint, display_id bigint, event_id bigint, owner_id integer, target_id bigint, live boolean,
                   holds_until timestamp with time zone, state text, since timestamp with time zone,
                   expires_at timestamp with time zone, why text, renewed_until timestamp with time zone)
    LANGUAGE sql STABLE
AS $$
    WITH these AS MATERIALIZED ( -- a condition that an index serves
        SELECT coalesce(displays, ARRAY(SELECT d.display_id FROM lpr_data.display AS d)) AS displays
    ), owner AS MATERIALIZED ( -- looked at once, not once an item
        SELECT l.person_id AS owner_id, l.event_id, l.until, l.lapsed
        FROM (SELECT array_agg(d.owner_id) AS owners, array_agg(d.event_id) AS events FROM lpr_data.display AS d
              WHERE d.display_id = ANY ((SELECT t.displays FROM these AS t)::bigint[])) AS o
        CROSS JOIN LATERAL lpr_data.owner_lives(o.owners, o.events, moment) AS l
    )
    SELECT s.item_id, s.display_id, s.event_id, s.owner_id, s.target_id, s.live,
           CASE WHEN s.live THEN least(s.final_at, s.soft_at, s.held) ELSE least(s.final_at, s.lapsed_at) END,
           CASE WHEN s.end_kind IS NOT NULL THEN s.end_kind
                WHEN moment >= least(s.final_at, s.lapsed_at + s.grace) THEN 'expired'
                WHEN NOT s.live THEN 'suspended'
                WHEN moment >= s.due_at - interval '720 hours' THEN 'due'
                ELSE 'active' END,
           CASE WHEN moment >= s.final_at OR NOT s.live THEN least(s.final_at, s.lapsed_at) END,
           CASE WHEN moment >= s.final_at OR NOT s.live THEN least(s.final_at, s.lapsed_at + s.grace) END,
           CASE WHEN moment >= s.final_at AND s.final_at <= s.lapsed_at + s.grace
                THEN CASE s.final_at WHEN s.ended_at THEN s.end_reason WHEN s.display_ended_at THEN 'display'
                                     WHEN s.closed_at THEN 'closed' WHEN s.until THEN 'until'
                                     WHEN s.examined_until THEN 'examination' ELSE 'target' END
                WHEN NOT s.live THEN CASE WHEN moment >= s.validated_until THEN 'validation'
                                          WHEN moment >= s.reviewed_until THEN 'review'
                                          ELSE coalesce(s.lapsed, 'lapse') END END,
           CASE WHEN s.mended THEN least(s.final_at, s.soft_at) ELSE least(s.held, s.lapsed_at) END
    FROM (SELECT i.item_id, i.display_id, i.event_id, i.owner_id, i.target_id, i.until, i.ended_at, i.end_kind,
                 i.end_reason, i.validated_until, d.examined_until, d.reviewed_until, d.ended_at AS display_ended_at,
                 e.closed_at, o.lapsed, x.held, x.final_at, x.soft_at, g.grace,
                 least(i.validated_until, d.reviewed_until, d.examined_until) AS due_at,
                 -- All holds; and did, as far as anybody noticed.
                 (o.lapsed IS NULL AND moment < x.final_at AND moment < x.soft_at AND moment < x.held) IS TRUE AS live,
                 (o.lapsed IS NULL AND moment < x.final_at AND moment < x.soft_at
                  AND moment < x.held + g.grace) IS TRUE AS mended,
                 -- Since when not: what somebody took away just now was noticed now.
                 least(x.held, i.validated_until, d.reviewed_until, moment) AS lapsed_at
          FROM lpr_data.display_item AS i
          JOIN lpr_data.display AS d ON d.display_id = i.display_id
          JOIN lpr_data.event AS e ON e.event_id = i.event_id
          JOIN lpr_data.target AS t ON t.target_id = i.target_id
          JOIN owner AS o ON o.owner_id = i.owner_id AND o.event_id = i.event_id
          CROSS JOIN (SELECT lpr_data.display_grace() AS grace) AS g
          CROSS JOIN LATERAL (
              SELECT i.holds_until AS held, least(i.validated_until, d.reviewed_until, o.until) AS soft_at,
                     least(i.ended_at, d.ended_at, e.closed_at, t.ended_at, t.good_until, d.examined_until,
                           i.until) AS final_at) AS x
          WHERE i.display_id = ANY ((SELECT t.displays FROM these AS t)::bigint[])) AS s
$$;
COMMENT ON FUNCTION lpr_data.display_items(bigint[], timestamp with time zone) IS
    'The items of displays, or of all, as they are at a moment (D4): live: whether it is watched; holds_until: until '
    'when, if nobody changes anything, or since when no longer; state: active, due (a validation, examination or '
    'review is due within 30 days), suspended, expired, removed or not_relevant; since: when it ceased; expires_at: '
    'when what is suspended has expired, or did; why: a final end: its own, display, closed (the event), target, '
    'examination, until; what can be mended: validation, review, and what lpr_data.owner_life() says; lapse: it was '
    'suspended; renewed_until: what lpr_data.renew_displays() notes.';

CREATE FUNCTION lpr_data.display_why(why text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE why WHEN 'display' THEN 'Its display was ended.' WHEN 'closed' THEN 'Its event was closed.'
                WHEN 'target' THEN 'Its target was ruled out, or has ended.'
                WHEN 'examination' THEN 'Its display was not examined within a year.'
                WHEN 'until' THEN 'The time was over for which it was to be watched.'
                WHEN 'validation' THEN 'It was not validated within 365 days.'
                WHEN 'review' THEN 'Its display was not reviewed within three months.'
                WHEN 'person' THEN 'Its owner has left, or may not ask.'
                WHEN 'event' THEN 'Its event is not open, or its owner does not work on it.'
                WHEN 'access' THEN 'Its owner has no access by display for the system of its event.'
                WHEN 'training' THEN 'The training of its owner is not current.'
                WHEN 'certification' THEN 'The access of its owner has not been recertified.'
                WHEN 'lapse' THEN 'It was suspended.'
                ELSE why END;
COMMENT ON FUNCTION lpr_data.display_why(text) IS 'Why of lpr_data.display_items(), in a sentence.';

CREATE FUNCTION lpr_data.renew_displays(displays bigint[] DEFAULT NULL)
    RETURNS bigint[]
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    -- What somebody else is at is left to the next sweep: to stop a person waits for nobody's open transaction.
    WITH due AS MATERIALIZED (
        SELECT i.item_id, s.renewed_until, s.expires_at, s.why, s.state = 'expired' AS expired
        FROM lpr_data.display_items(renew_displays.displays, clock_timestamp()) AS s
        JOIN lpr_data.display_item AS i ON i.item_id = s.item_id
        WHERE i.ended_at IS NULL AND (s.state = 'expired' OR s.renewed_until <> i.holds_until)
        ORDER BY i.item_id FOR NO KEY UPDATE OF i SKIP LOCKED
    ), changed AS (
        UPDATE lpr_data.display_item AS i
        SET holds_until = CASE WHEN d.expired THEN i.holds_until ELSE d.renewed_until END,
            ended_at = CASE WHEN d.expired THEN d.expires_at END,
            end_kind = CASE WHEN d.expired THEN 'expired' END,
            end_reason = CASE WHEN d.expired THEN lpr_data.display_why(d.why) END
        FROM due AS d WHERE d.item_id = i.item_id
        RETURNING i.item_id, i.end_kind
    )
    SELECT coalesce(array_agg(c.item_id ORDER BY c.item_id) FILTER (WHERE c.end_kind = 'expired'), '{}')
    FROM changed AS c
$$;
COMMENT ON FUNCTION lpr_data.renew_displays(bigint[]) IS
    'Notes until when the items of displays, or of all, hold as things are now, and which have expired; returns these '
    '(D4). What it notes only ever ends something: nothing is watched because of it that lpr_data.display_items() does '
    'not find in order at that moment.';

-- As soon as something changes that an item rests on. What changes without one of these tables (roles, courses) is
-- noted by the next sweep; it counts at once.

CREATE FUNCTION lpr_data.renews_displays()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed jsonb := to_jsonb(coalesce(NEW, OLD));
    displays bigint[];
    ended bigint[];
BEGIN
    SELECT array_agg(DISTINCT i.display_id) INTO displays FROM lpr_data.display_item AS i
    WHERE i.ended_at IS NULL
      AND CASE WHEN TG_TABLE_NAME = 'display' THEN i.display_id = (changed ->> 'display_id')::bigint
               ELSE (changed -> 'event_id' IS NULL OR i.event_id = (changed ->> 'event_id')::bigint)
                    AND (changed -> 'person_id' IS NULL OR i.owner_id = (changed ->> 'person_id')::integer) END;
    IF displays IS NOT NULL THEN
        ended := lpr_data.renew_displays(displays);
        IF ended <> '{}' THEN
            RAISE NOTICE USING
                MESSAGE = format('display item%s %s %s', CASE WHEN cardinality(ended) > 1 THEN 's' END,
                                 array_to_string(ended, ', '),
                                 CASE WHEN cardinality(ended) > 1 THEN 'have ended' ELSE 'has ended' END),
                DETAIL = 'An item ends with its target, its event and its display, and does not come back.';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lpr_data.renews_displays() IS
    'Trigger of what items of displays rest on: until when they hold is noted anew, and which have ended is told (D4).';
CREATE TRIGGER renews_displays AFTER UPDATE ON lpr_data.person FOR EACH ROW
    WHEN ((NEW.left_at, NEW.kind) IS DISTINCT FROM (OLD.left_at, OLD.kind))
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER UPDATE ON lpr_data.access FOR EACH ROW WHEN (NEW.state <> OLD.state)
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER INSERT ON lpr_data.training FOR EACH ROW
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER INSERT ON lpr_data.recertification FOR EACH ROW
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER UPDATE ON lpr_data.event FOR EACH ROW
    WHEN ((NEW.ends_at, NEW.closed_at, NEW.waits_since) IS DISTINCT FROM (OLD.ends_at, OLD.closed_at, OLD.waits_since))
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER INSERT OR DELETE ON lpr_data.event_member FOR EACH ROW
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER UPDATE ON lpr_data.target FOR EACH ROW
    WHEN ((NEW.good_until, NEW.ended_at) IS DISTINCT FROM (OLD.good_until, OLD.ended_at))
    EXECUTE FUNCTION lpr_data.renews_displays();
CREATE TRIGGER renews_displays AFTER UPDATE ON lpr_data.display FOR EACH ROW
    EXECUTE FUNCTION lpr_data.renews_displays();
ALTER TABLE lpr_data.person ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.access ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.training ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.recertification ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.event ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.event_member ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.target ENABLE ALWAYS TRIGGER renews_displays;
ALTER TABLE lpr_data.display ENABLE ALWAYS TRIGGER renews_displays;
