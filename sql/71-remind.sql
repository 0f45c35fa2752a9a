-- 71-remind: who is told before something of theirs ends: training (A3), certification (A4), access (A1); before
-- displays are due, and each month that they are there (D3, D5).

CREATE FUNCTION lpr_data.reminder(ends_at timestamp with time zone)
    RETURNS integer
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT CASE WHEN l.rest <= interval '0' THEN NULL WHEN l.rest <= interval '1 day' THEN 1
                    WHEN l.rest <= interval '7 days' THEN 7 WHEN l.rest <= interval '30 days' THEN 30 END
        FROM (SELECT ends_at - clock_timestamp()) AS l (rest) WHERE isfinite(ends_at));
COMMENT ON FUNCTION lpr_data.reminder(timestamptz) IS
    'Which reminder is due of what ends then: 30, 7 or 1, the number of days within which it ends; NULL = none. One '
    'that was missed is sent as long as the next is not due.';

CREATE FUNCTION lpr_data.remind_of(key text, person_id integer, kind text, ends_at timestamp with time zone,
                                   "values" jsonb DEFAULT '{}')
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    days integer := lpr_data.reminder(ends_at);
    ends_on text := to_char(ends_at, 'YYYY-MM-DD');
BEGIN
    IF days IS NULL OR EXISTS (SELECT FROM lpr_data.mail AS m
                               WHERE m.key = format('%s:%s:%s', remind_of.key, ends_on, days) COLLATE "C") THEN
        RETURN 0;
    END IF;
    RETURN lpr_data.post(format('%s:%s:%s', key, ends_on, days), person_id, kind,
                         "values" || jsonb_build_object('days', days, 'ends_on', ends_on))::integer;
EXCEPTION
    -- A reminder that cannot be written must not stop the others.
    WHEN data_exception OR integrity_constraint_violation THEN
        RAISE WARNING USING MESSAGE = format('cannot remind person %s (%s): %s', person_id, key, SQLERRM);
        RETURN 0;
END
$$;
COMMENT ON FUNCTION lpr_data.remind_of(text, integer, text, timestamptz, jsonb) IS
    'Posts the reminder that is due of something that ends then, once; how many were posted.';

CREATE FUNCTION lpr_data.remind_of_displays()
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    posted integer := 0;
    d record;
BEGIN
    PERFORM lpr_data.renew_displays();
    -- No mail has a plate or a title. Items that are due on one day are told together.
    FOR d IN
        SELECT x.display_id, x.owner_id, x.confirmed_at, x.examined_until, x.reviewed_until, p.supervisor_id,
               i.items, i.days
        FROM lpr_data.display AS x
        JOIN lpr_data.person AS p ON p.person_id = x.owner_id
        LEFT JOIN LATERAL (SELECT sum(y.items) AS items, array_agg(y.validated_until ORDER BY y.validated_until) AS days
                           FROM (SELECT count(*) AS items, min(i.validated_until) AS validated_until
                                 FROM lpr_data.display_item AS i
                                 WHERE i.display_id = x.display_id AND i.ended_at IS NULL
                                 GROUP BY i.validated_until::date) AS y) AS i ON true
        WHERE lpr_data.display_state(x, moment) IN ('active', 'due', 'suspended')
        ORDER BY x.display_id
    LOOP
        posted := posted
            + lpr_data.remind_of(format('examine:%s', d.display_id), d.owner_id, 'display_due', d.examined_until,
                                 jsonb_build_object('display', d.display_id))
            + (SELECT coalesce(sum(lpr_data.remind_of(format('review:%s:%s', d.display_id, r.person_id), r.person_id,
                                                      'review_due', d.reviewed_until,
                                                      jsonb_build_object('display', d.display_id))), 0)
               FROM (SELECT d.supervisor_id WHERE d.supervisor_id IS NOT NULL
                     UNION SELECT lpr_data.deputies_of(d.supervisor_id, 'lpr_supervisor')) AS r (person_id)
               WHERE r.person_id <> d.owner_id)
            + (SELECT coalesce(sum(lpr_data.remind_of(
                          format('items:%s', d.display_id), d.owner_id, 'items_due', u.day,
                          jsonb_build_object('display', d.display_id, 'items',
                              (SELECT count(*) FROM lpr_data.display_item AS i
                               WHERE i.display_id = d.display_id AND i.ended_at IS NULL
                                 AND i.validated_until::date = u.day::date)))), 0)
               FROM unnest(d.days) AS u (day) WHERE u.day <= moment + interval '720 hours')
            + CASE WHEN d.items > 0 AND d.confirmed_at < date_trunc('month', moment)
                   THEN lpr_data.post(format('month:%s:%s', d.display_id, to_char(moment, 'YYYY-MM')), d.owner_id,
                                      'display_month',
                                      jsonb_build_object('display', d.display_id, 'items', d.items))::integer
                   ELSE 0 END;
    END LOOP;
    RETURN posted;
END
$$;
COMMENT ON FUNCTION lpr_data.remind_of_displays() IS
    'Posts the mails that are due 30, 7 and 1 day before items of displays have to be validated, and displays examined '
    '(D3) and reviewed (D5), each once, and one a month of what a display watches; how many. Notes first which items '
    'have expired.';

CREATE FUNCTION lpr_data.remind()
    RETURNS integer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    posted bigint;
    more bigint;
BEGIN
    -- Training: of everybody who may ask, or wants to. What counts is the latest completion of each required course.
    SELECT coalesce(sum(lpr_data.remind_of(format('training:%s:%s', t.person_id, t.course), t.person_id, 'training_due',
                                           t.valid_until, jsonb_build_object('course', t.title))), 0)
    INTO posted
    FROM (SELECT r.person_id, r.course, c.title, max(r.valid_until) AS valid_until
          FROM lpr_data.training AS r JOIN lpr_data.course AS c ON c.code = r.course AND c.required
          GROUP BY r.person_id, r.course, c.title) AS t
    JOIN lpr_data.person AS p ON p.person_id = t.person_id AND p.left_at IS NULL
    WHERE EXISTS (SELECT FROM lpr_data.access AS a
                  WHERE a.person_id = t.person_id AND (a.state IN ('requested', 'approved')
                                                       OR a.state = 'granted' AND a.ends_at > clock_timestamp()));

    -- Certification, and the end of a grant itself: of those who have one.
    SELECT coalesce(sum(lpr_data.remind_of(format('recertification:%s', p.person_id), p.person_id,
                                           'recertification_due', lpr_data.certified_until(p.person_id))), 0)
    INTO more
    FROM lpr_data.person AS p
    WHERE p.left_at IS NULL
      AND EXISTS (SELECT FROM lpr_data.access AS a
                  WHERE a.person_id = p.person_id AND a.state = 'granted' AND a.ends_at > clock_timestamp());
    posted := posted + more;
    SELECT coalesce(sum(lpr_data.remind_of(format('access:%s', a.access_id), a.person_id, 'access_ends', a.ends_at)), 0)
    INTO more
    FROM lpr_data.access AS a
    JOIN lpr_data.person AS p ON p.person_id = a.person_id AND p.left_at IS NULL
    WHERE a.state = 'granted';
    RETURN posted + more + lpr_data.remind_of_displays() + lpr_data.tell_withheld();
END
$$;
COMMENT ON FUNCTION lpr_data.remind() IS
    'Posts the mails that are due 30, 7 and 1 day before training (A3), certification (A4) or access (A1) ends, each '
    'once, those of displays (D3, D5), and those that count what was withheld; how many. Called by the mail worker '
    'every hour.';
