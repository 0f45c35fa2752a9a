-- 56-display-read: who sees displays and what they watch (D3, E4): titles and what is due by a view; plates by a call
-- that is on record.

CREATE FUNCTION lpr_data.displays()
    RETURNS TABLE (display bigint, event bigint, title text, mine text, owner text, state text, reason text,
                   created_at timestamp with time zone, confirmed_at timestamp with time zone,
                   examined_until timestamp with time zone, reviewed_until timestamp with time zone, active bigint,
                   due bigint, suspended bigint, ended bigint, validated_until timestamp with time zone, to_do text,
                   call text)
    LANGUAGE sql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    WITH now AS MATERIALIZED (
        SELECT clock_timestamp() AS moment
    ), seen AS MATERIALIZED (
        SELECT d.* FROM lpr_data.display AS d
        WHERE d.event_id IN (SELECT v.event_id FROM lpr_data.visible_event AS v)
    ), item AS (
        SELECT s.display_id, count(*) FILTER (WHERE s.state = 'active') AS active,
               count(*) FILTER (WHERE s.state = 'due') AS due,
               count(*) FILTER (WHERE s.state = 'suspended') AS suspended,
               count(*) FILTER (WHERE s.state NOT IN ('active', 'due', 'suspended')) AS ended,
               min(i.validated_until) FILTER (WHERE s.state IN ('active', 'due', 'suspended')) AS validated_until,
               count(*) FILTER (WHERE s.state IN ('active', 'due', 'suspended')
                                  AND i.validated_until <= now.moment + interval '720 hours') AS to_validate
        FROM now CROSS JOIN lpr_data.display_items(ARRAY(SELECT d.display_id FROM seen AS d), now.moment) AS s
        JOIN lpr_data.display_item AS i ON i.item_id = s.item_id
        GROUP BY s.display_id
    )
    SELECT x.display_id, x.event_id, x.title, x.mine, x.owner, x.state,
           CASE WHEN x.mine IS NOT NULL THEN x.reason END, x.created_at, x.confirmed_at, x.examined_until,
           x.reviewed_until, x.active, x.due, x.suspended, x.ended, x.validated_until,
           nullif(concat_ws('; ',
               CASE WHEN x.state = 'unconfirmed' THEN 'to be confirmed by its owner' END,
               CASE WHEN x.goes_on AND x.to_validate > 0
                    THEN format('%s item(s) to be validated by the owner, the first by %s', x.to_validate,
                                to_char(x.validated_until, 'YYYY-MM-DD')) END,
               CASE WHEN x.goes_on AND x.examined_until <= x.soon
                    THEN format('to be examined by the owner by %s', to_char(x.examined_until, 'YYYY-MM-DD')) END,
               CASE WHEN x.goes_on AND x.reviewed_until <= x.soon
                    THEN format('to be reviewed by a supervisor by %s',
                                to_char(x.reviewed_until, 'YYYY-MM-DD')) END), ''),
           CASE WHEN x.state = 'unconfirmed' AND x.mine = 'owner' THEN format('SELECT lpr.confirm_display(%s);',
                                                                              x.display_id)
                ELSE format('SELECT * FROM lpr.display_items(%s);', x.display_id) END
    FROM (SELECT d.display_id, d.event_id, d.title, d.reason, d.created_at, d.confirmed_at, d.examined_until,
                 d.reviewed_until, t.state, t.state IN ('active', 'due', 'suspended') AS goes_on,
                 now.moment + interval '720 hours' AS soon, p.login AS owner, i.validated_until,
                 coalesce(i.active, 0) AS active, coalesce(i.due, 0) AS due, coalesce(i.suspended, 0) AS suspended,
                 coalesce(i.ended, 0) AS ended, coalesce(i.to_validate, 0) AS to_validate,
                 CASE WHEN d.owner_id = lpr_data.me() THEN 'owner'
                      WHEN EXISTS (SELECT FROM lpr_data.event_member AS m
                                   WHERE m.event_id = d.event_id AND m.person_id = lpr_data.me()) THEN 'member'
                      END AS mine
          FROM now CROSS JOIN lpr_data.display AS d
          JOIN lpr_data.person AS p ON p.person_id = d.owner_id
          CROSS JOIN LATERAL (SELECT lpr_data.display_state(d, now.moment) AS state) AS t
          LEFT JOIN item AS i ON i.display_id = d.display_id
          WHERE d.display_id IN (SELECT s.display_id FROM seen AS s)) AS x
$$;
GRANT EXECUTE ON FUNCTION lpr_data.displays() TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON FUNCTION lpr_data.displays() IS 'What lpr.displays shows: of the events that the authenticated login sees.';

CREATE VIEW lpr.displays WITH (security_barrier) AS
SELECT d.display, d.event, d.title, d.mine, d.owner, d.state, d.reason, d.created_at, d.confirmed_at, d.examined_until,
       d.reviewed_until, d.active, d.due, d.suspended, d.ended, d.validated_until, d.to_do, d.call
FROM lpr_data.displays() AS d;
GRANT SELECT ON lpr.displays TO lpr_user, lpr_supervisor, lpr_oversight, lpr_privacy;
COMMENT ON VIEW lpr.displays IS
    'Displays, the lists of plates that are watched, of the events that lpr.events shows, without plates: what state '
    'each is in, and what is due (D1, D3, D5). lpr.display_items() shows what one watches.';
COMMENT ON COLUMN lpr.displays.display IS 'Number, as lpr.watch() and lpr.display_items() take it.';
COMMENT ON COLUMN lpr.displays.event IS 'The event.';
COMMENT ON COLUMN lpr.displays.title IS 'Title.';
COMMENT ON COLUMN lpr.displays.mine IS 'owner of the display, member of its event, or NULL: seen by duty.';
COMMENT ON COLUMN lpr.displays.owner IS 'Login of its owner.';
COMMENT ON COLUMN lpr.displays.state IS
    'unconfirmed: nothing is watched yet; active; due: its examination or review is, within 30 days; suspended: its '
    'review was missed; expired; ended.';
COMMENT ON COLUMN lpr.displays.reason IS 'Why plates are watched; NULL of an event that you do not work on.';
COMMENT ON COLUMN lpr.displays.created_at IS 'When it was made.';
COMMENT ON COLUMN lpr.displays.confirmed_at IS 'When its owner confirmed that plates are removed promptly.';
COMMENT ON COLUMN lpr.displays.examined_until IS 'By when its owner examines the whole, or it expires.';
COMMENT ON COLUMN lpr.displays.reviewed_until IS 'By when management reviews it, or it is suspended.';
COMMENT ON COLUMN lpr.displays.active IS 'Items that are watched, and nothing is due.';
COMMENT ON COLUMN lpr.displays.due IS 'Items that are watched, and something is due within 30 days.';
COMMENT ON COLUMN lpr.displays.suspended IS 'Items that are not watched, until what is missing is there again.';
COMMENT ON COLUMN lpr.displays.ended IS 'Items that have expired or ended.';
COMMENT ON COLUMN lpr.displays.validated_until IS 'By when the next item has to be validated.';
COMMENT ON COLUMN lpr.displays.to_do IS 'What is due within 30 days, and by whom; NULL = nothing.';
COMMENT ON COLUMN lpr.displays.call IS 'The call that shows what it watches, or confirms it.';

CREATE FUNCTION lpr.display_items(display bigint)
    RETURNS TABLE (item bigint, target bigint, plate text, plate_region text, state text, why text, until timestamptz,
                   holds_until timestamptz, validated_until timestamptz, reason text, added_at timestamptz,
                   finding text, found_at timestamptz, ended_at timestamptz, ended_by text, call text)
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    d lpr_data.display;
    own boolean;
BEGIN
    SELECT x.* INTO d FROM lpr_data.display AS x WHERE x.display_id = display_items.display;
    own := EXISTS (SELECT FROM lpr_data.event_member AS m
                   WHERE m.event_id = d.event_id AND m.person_id = lpr_data.me());
    IF own THEN
        PERFORM lpr_data.pass_session();
    ELSE
        PERFORM lpr_data.reading('E4', 'lpr_oversight', 'lpr_privacy', 'lpr_supervisor');
    END IF;
    IF NOT EXISTS (SELECT FROM lpr_data.visible_event AS e WHERE e.event_id = d.event_id) THEN
        PERFORM lpr_data.refuse('E4', 'LP041', format('display %s does not exist or is not one that you see',
                                                      coalesce(display_items.display::text, 'NULL')),
                                'Who works on its event sees a display, their supervisors, oversight and privacy.',
                                'SELECT * FROM lpr.displays;');
    END IF;
    PERFORM lpr_data.audit_record('read', NULL, NULL, format('display_items(%s)', display_items.display));
    RETURN QUERY
        SELECT i.item_id, i.target_id, t.plate, t.plate_region, s.state, lpr_data.display_why(s.why), i.until,
               s.holds_until, i.validated_until, i.reason, i.added_at, f.finding, f.at,
               CASE WHEN s.state NOT IN ('active', 'due', 'suspended') THEN s.expires_at END, b.login,
               CASE WHEN s.state IN ('active', 'due', 'suspended') AND i.owner_id = lpr_data.me()
                    THEN format('SELECT lpr.validate_item(%s, ''...finding...'', ''...why...'');', i.item_id) END
        FROM lpr_data.display_items(ARRAY[d.display_id], clock_timestamp()) AS s
        JOIN lpr_data.display_item AS i ON i.item_id = s.item_id
        JOIN lpr_data.target AS t ON t.target_id = i.target_id
        LEFT JOIN lpr_data.person AS b ON b.person_id = i.ended_by
        LEFT JOIN LATERAL (SELECT x.finding, x.at FROM lpr_data.display_step AS x
                           WHERE x.item_id = i.item_id ORDER BY x.step_id DESC LIMIT 1) AS f ON true
        ORDER BY i.item_id;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.display_items(bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.display_items(bigint) IS
    'What a display watches, in all states (D3): item, its target and plate; state: active, due, suspended, expired, '
    'removed or not_relevant; why it is not watched; until when it is to be, and holds if nobody changes anything; '
    'when it has to be validated; why it is watched; what was found of it last; the call that validates it. For who '
    'works on its event, their supervisors, who review it, oversight and privacy. Each call is itself a record. Errors '
    'LP041 (not a display that you see), LP024, LP033, and those of the gate for a session.';
