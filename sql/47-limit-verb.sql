-- 47-limit-verb: how limits are narrowed by one person and widened by two, and how much of them is used (Q8).

CREATE FUNCTION lpr_data.limit_row("limit" text)
    RETURNS jsonb
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET intervalstyle = 'postgres'
AS $$
    SELECT to_jsonb(s) - '{shipped,request_id}'::text[] FROM lpr_data.search_limit AS s
    WHERE s.mode = limit_row."limit" COLLATE "C"
    UNION ALL
    SELECT to_jsonb(r) - '{shipped,request_id}'::text[] FROM lpr_data.rate_limit AS r
    WHERE r.name = limit_row."limit" COLLATE "C"
$$;
COMMENT ON FUNCTION lpr_data.limit_row(text) IS 'A limit, as requests know it.';

CREATE FUNCTION lpr_data.put_limit("limit" text, wanted jsonb, request bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE lpr_data.search_limit AS s
    SET radius_m = w.radius_m, address_length = w.address_length, span = w.span, reads = w.reads, plates = w.plates,
        request_id = coalesce(put_limit.request, s.request_id), shipped = false
    FROM jsonb_populate_record(NULL::lpr_data.search_limit, wanted) AS w
    WHERE s.mode = put_limit."limit" COLLATE "C";
    UPDATE lpr_data.rate_limit AS r
    SET questions = w.questions, plates = w.plates, request_id = coalesce(put_limit.request, r.request_id),
        shipped = false
    FROM jsonb_populate_record(NULL::lpr_data.rate_limit, wanted) AS w
    WHERE r.name = put_limit."limit" COLLATE "C";
END
$$;
COMMENT ON FUNCTION lpr_data.put_limit(text, jsonb, bigint) IS 'Makes a limit what it is to be.';

CREATE FUNCTION lpr_data.set_limit("limit" text, changes jsonb, call text, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    older jsonb;
    wanted jsonb;
    hard jsonb := (SELECT to_jsonb(h) FROM lpr_data.hard_limits() AS h);
    request bigint;
BEGIN
    PERFORM lpr_data.administering('Q8');
    PERFORM lpr_data.check_isolation();
    PERFORM FROM lpr_data.search_limit AS s WHERE s.mode = "limit" COLLATE "C" FOR NO KEY UPDATE;
    PERFORM FROM lpr_data.rate_limit AS r WHERE r.name = "limit" COLLATE "C" FOR NO KEY UPDATE;
    older := lpr_data.limit_row("limit");
    IF older IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no limit "%s"', coalesce("limit", 'NULL')),
            DETAIL = 'Searches are limited by mode (location, vehicle), rates by scope (person, event) and time (hour, '
                     'day).',
            HINT = 'SELECT * FROM lpr.limits;';
    END IF;
    wanted := older || jsonb_strip_nulls(changes);
    IF NOT lpr_data.is_wider(older, wanted) THEN
        PERFORM lpr_data.put_limit("limit", wanted, NULL);
        RETURN NULL;
    END IF;
    IF older ? 'questions' THEN
        hard := hard || jsonb_build_object('plates', hard -> 'plates_a_day');
    END IF;
    hard := (SELECT jsonb_object_agg(h.key, h.value) FROM jsonb_each(hard) AS h WHERE wanted -> h.key <> 'null');
    IF lpr_data.is_wider(hard, wanted) IS NOT FALSE THEN
        PERFORM lpr_data.refuse('Q8', '22023', format('limit "%s" would pass its bounds', "limit"),
                                format('No limit goes beyond %s.', hard), 'SELECT * FROM lpr.limits;');
    END IF;
    IF reason IS NULL THEN
        PERFORM lpr_data.refuse('Q8', 'LP033', format('limit "%s" is widened by two people', "limit"),
                                'One narrows a limit, at once; to widen it an administrator asks, with a reason, and '
                                'the privacy officer approves.',
                                format('SELECT %s, reason => ''...why it is needed...'');', rtrim(call, ')')));
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q8');
    INSERT INTO lpr_data.limit_request ("limit", wanted, instead_of, person_id, reason)
    VALUES ("limit", wanted, older, lpr_data.acting('lpr_admin', 'Q8'), reason)
    ON CONFLICT DO NOTHING
    RETURNING request_id INTO request;
    IF request IS NULL THEN
        PERFORM lpr_data.refuse('Q8', 'LP034', format('a request for limit "%s" waits already', "limit"),
                                'What waits is decided, and asked for anew then.',
                                'SELECT * FROM lpr.limit_requests;');
    END IF;
    RAISE NOTICE USING
        MESSAGE = format('request %s waits for the privacy officer', request),
        HINT = format('Ask %s: SELECT lpr.approve_limit(%s, ''...why...'');',
                      lpr_data.whom('lpr_privacy', 'the privacy officer'), request);
    RETURN request;
END
$$;
COMMENT ON FUNCTION lpr_data.set_limit(text, jsonb, text, text) IS
    'Narrows a limit, or asks that it be wider: then its request. call: for the hint.';

CREATE FUNCTION lpr.set_search_limit(mode text, radius_m double precision DEFAULT NULL, span interval DEFAULT NULL,
                                     reads integer DEFAULT NULL, address_length integer DEFAULT NULL,
                                     plates integer DEFAULT NULL, reason text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET intervalstyle = 'postgres'
AS $$
DECLARE
    changes jsonb := jsonb_build_object('radius_m', radius_m, 'span', span, 'reads', reads, 'address_length',
                                        address_length, 'plates', plates);
BEGIN
    RETURN lpr_data.set_limit(CASE WHEN mode IN ('location', 'vehicle') THEN mode END, changes,
        format('lpr.set_search_limit(%L%s)', mode,
               (SELECT string_agg(format(', %s => %s', c.key,
                                         CASE jsonb_typeof(c.value) WHEN 'number' THEN c.value #>> '{}'
                                         ELSE quote_literal(c.value #>> '{}') END), '')
                FROM jsonb_each(jsonb_strip_nulls(changes)) AS c)), reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer, integer, text)
    TO lpr_admin;
COMMENT ON FUNCTION lpr.set_search_limit(text, double precision, interval, integer, integer, integer, text) IS
    'How far a question without a plate may reach (Q8); what is not named stays. Narrower: from the next question on, '
    'and NULL is returned. Wider: with a reason it is a request, whose number is returned, and which the privacy '
    'officer approves with lpr.approve_limit(). mode: location or vehicle. radius_m: metres, at most 25,000. span: at '
    'most five years. reads, plates: reads, and different plates, of one source and question, at most 100,000 and '
    '5,000. address_length: characters that an address without a point must have. Errors LP033 (wider, and no '
    'reason), LP034 (a request waits), LP043, 22023.';

CREATE FUNCTION lpr.set_rate_limit(scope text, per text, questions integer DEFAULT NULL, plates integer DEFAULT NULL,
                                   reason text DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN lpr_data.set_limit(scope || '_' || per, jsonb_build_object('questions', questions, 'plates', plates),
        format('lpr.set_rate_limit(%L, %L%s%s)', scope, per, ', questions => ' || questions, ', plates => ' || plates),
        reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.set_rate_limit(text, text, integer, integer, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_rate_limit(text, text, integer, integer, text) IS
    'How many plates a person or event (scope) may ask per hour or day, 1 to 1,000,000; a question without a plate '
    'counts as one. plates: of a day, how many that nobody named they may be shown, at most 50,000 (Q8). What is not '
    'named stays. Narrower: from the next question on, and NULL is returned. Wider: with a reason it is a request, '
    'whose number is returned, and which the privacy officer approves with lpr.approve_limit(). Errors as of '
    'lpr.set_search_limit().';

CREATE FUNCTION lpr_data.decide_limit(request bigint, verdict text, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    who integer := lpr_data.acting('lpr_privacy', 'Q8');
    r lpr_data.limit_request;
BEGIN
    PERFORM lpr_data.check_isolation();
    PERFORM lpr_data.lock_roles();
    SELECT x.* INTO r FROM lpr_data.limit_request AS x WHERE x.request_id = request FOR NO KEY UPDATE;
    IF r.request_id IS NULL OR r.person_id = who THEN
        PERFORM lpr_data.refuse('Q8', 'LP033', format('request %s does not exist or is not yours to decide',
                                                      coalesce(request::text, 'NULL')),
                                'A limit is widened by two people: the privacy officer decides what somebody else '
                                'asked.',
                                'SELECT * FROM lpr.limit_requests;');
    END IF;
    IF r.state <> 'waiting' THEN
        PERFORM lpr_data.refuse('Q8', 'LP034', format('request %s is %s already', request, r.state),
                                'What was asked of a limit is decided once.', 'SELECT * FROM lpr.limit_requests;');
    END IF;
    PERFORM lpr_data.check_reason('reason', reason, 'Q8', earlier => ARRAY[r.reason]);
    PERFORM FROM lpr_data.search_limit AS s WHERE s.mode = r."limit" FOR NO KEY UPDATE;
    PERFORM FROM lpr_data.rate_limit AS l WHERE l.name = r."limit" FOR NO KEY UPDATE;
    IF verdict = 'approved' AND lpr_data.limit_row(r."limit") IS DISTINCT FROM r.instead_of THEN
        PERFORM lpr_data.refuse('Q8', 'LP034', format('limit "%s" is not what request %s was asked against', r."limit",
                                                      request),
                                format('It was %s, and is %s.', r.instead_of, lpr_data.limit_row(r."limit")),
                                format('SELECT lpr.refuse_limit(%s, ''...why...''); then it is asked for anew.',
                                       request));
    END IF;
    UPDATE lpr_data.limit_request AS x
    SET state = verdict, decided_at = clock_timestamp(), decided_by = who, decide_reason = reason
    WHERE x.request_id = request;
    IF verdict = 'approved' THEN
        PERFORM lpr_data.put_limit(r."limit", r.wanted, request);
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.decide_limit(bigint, text, text) IS 'Approves or refuses that a limit be wider.';

CREATE FUNCTION lpr.approve_limit(request bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.decide_limit(request, 'approved', reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.approve_limit(bigint, text) TO lpr_privacy;
COMMENT ON FUNCTION lpr.approve_limit(bigint, text) IS
    'Approves that a limit be wider, from the next question on (Q8): by the privacy officer, never by who asked. '
    'reason: why it is right. Errors LP033 (who may), LP034 (decided already, or the limit is not what it was when '
    'that was asked), LP043.';

CREATE FUNCTION lpr.refuse_limit(request bigint, reason text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.decide_limit(request, 'refused', reason);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.refuse_limit(bigint, text) TO lpr_privacy;
COMMENT ON FUNCTION lpr.refuse_limit(bigint, text) IS
    'Refuses that a limit be wider, with the reason (Q8). Errors as of lpr.approve_limit().';

CREATE VIEW lpr.limit_requests WITH (security_barrier) AS
SELECT r.request_id AS request, r."limit", r.wanted, r.instead_of, p.login AS by_login, r.at, r.reason, r.state,
       r.decided_at, d.login AS decided_by, r.decide_reason,
       CASE r.state WHEN 'waiting' THEN format('SELECT lpr.approve_limit(%s, ''...why...'');', r.request_id) END AS call
FROM lpr_data.limit_request AS r
JOIN lpr_data.person AS p ON p.person_id = r.person_id
LEFT JOIN lpr_data.person AS d ON d.person_id = r.decided_by;
GRANT SELECT ON lpr.limit_requests TO lpr_member;
COMMENT ON VIEW lpr.limit_requests IS
    'What was asked of limits, and what came of it (Q8); for administrators, privacy and oversight.';
COMMENT ON COLUMN lpr.limit_requests.request IS 'Number, as lpr.approve_limit() takes it.';
COMMENT ON COLUMN lpr.limit_requests."limit" IS 'location, vehicle, or scope and time of a rate.';
COMMENT ON COLUMN lpr.limit_requests.wanted IS 'What it is to be.';
COMMENT ON COLUMN lpr.limit_requests.instead_of IS 'What it was when that was asked.';
COMMENT ON COLUMN lpr.limit_requests.by_login IS 'Login of who asked.';
COMMENT ON COLUMN lpr.limit_requests.at IS 'When.';
COMMENT ON COLUMN lpr.limit_requests.reason IS 'Why it is needed.';
COMMENT ON COLUMN lpr.limit_requests.state IS 'waiting, approved or refused.';
COMMENT ON COLUMN lpr.limit_requests.decided_at IS 'When it was approved or refused.';
COMMENT ON COLUMN lpr.limit_requests.decided_by IS 'Login of who did.';
COMMENT ON COLUMN lpr.limit_requests.decide_reason IS 'Why.';
COMMENT ON COLUMN lpr.limit_requests.call IS 'What the privacy officer calls; NULL once it is decided.';

CREATE FUNCTION lpr_data.usage()
    RETURNS TABLE (scope text, what text, used bigint, until timestamp with time zone)
    LANGUAGE c VOLATILE ROWS 6
AS 'MODULE_PATHNAME', 'lpr_usage';
GRANT EXECUTE ON FUNCTION lpr_data.usage() TO lpr_member;
COMMENT ON FUNCTION lpr_data.usage() IS
    'How much the login that asks (scope person) and the event that the session works on have used: plates asked '
    'within an hour and a day, and shown within a day; and when the oldest of it counts no longer. No row where no '
    'audit writer counts.';

CREATE VIEW lpr.limits WITH (security_barrier) AS
SELECT l."limit", l.of, l.most, l.never_beyond, u.used, u.until AS counts_until
FROM (
    SELECT x.number * 10 + v.number AS number, 'search by ' || CASE s.mode WHEN 'location' THEN 'place' ELSE s.mode END
               AS "limit",
           v.of, v.most, v.never_beyond, NULL AS scope, NULL AS what
    FROM lpr_data.search_limit AS s
    CROSS JOIN lpr_data.hard_limits() AS h
    JOIN (VALUES ('location', 1), ('vehicle', 2)) AS x (mode, number) ON x.mode = s.mode
    CROSS JOIN LATERAL (VALUES
        (1, 'radius in metres', s.radius_m::text, h.radius_m::text),
        (2, 'characters of an address, at least', s.address_length::text, h.address_length::text),
        (3, 'time', s.span::text, h.span::text),
        (4, 'reads of an answer', s.reads::text, h.reads::text),
        (5, 'different plates of an answer', s.plates::text, h.plates::text)) AS v (number, of, most, never_beyond)
    UNION ALL
    SELECT CASE r.scope WHEN 'person' THEN 30 ELSE 40 END + v.number,
           CASE r.scope WHEN 'event' THEN 'for an event' ELSE 'of a person' END
           || CASE r.per WHEN 'hour' THEN ' in an hour' ELSE ' in a day' END,
           v.of, v.most, v.never_beyond, r.scope, v.what
    FROM lpr_data.rate_limit AS r
    CROSS JOIN lpr_data.hard_limits() AS h
    CROSS JOIN LATERAL (VALUES
        (CASE r.per WHEN 'hour' THEN 1 ELSE 2 END, r.per, 'plates asked', r.questions::text, h.questions::text),
        (3, 'shown', 'plates shown that nobody named', r.plates::text, h.plates_a_day::text))
        AS v (number, what, of, most, never_beyond)
    WHERE v.what <> 'shown' OR r.per = 'day') AS l
LEFT JOIN lpr_data.usage() AS u ON u.scope = l.scope AND u.what = l.what
ORDER BY l.number;
GRANT SELECT ON lpr.limits TO lpr_member;
COMMENT ON VIEW lpr.limits IS
    'How far a question without a plate may reach, and how many plates may be asked and shown (Q8); how much of that '
    'you, and the event that you work on, have used.';
COMMENT ON COLUMN lpr.limits."limit" IS 'What is limited.';
COMMENT ON COLUMN lpr.limits.of IS
    'In which respect. Plates asked: each of a question, and a question without one as one, of each source. Plates '
    'shown that nobody named: different ones of each answer to a search by place or vehicle, added up.';
COMMENT ON COLUMN lpr.limits.most IS 'The most as it stands; of an address the least.';
COMMENT ON COLUMN lpr.limits.never_beyond IS 'What no limit goes beyond.';
COMMENT ON COLUMN lpr.limits.used IS
    'How much is used; NULL: of an event when you work on none, or nobody counts here.';
COMMENT ON COLUMN lpr.limits.counts_until IS 'When the oldest of it counts no longer; NULL when nothing is used.';
