-- 45-limits: limits of questions without a plate, and of how many plates are asked and shown (Q8). They are rows, under
-- bounds that no row can pass. One person narrows them; two widen them, by a request and its approval.

CREATE FUNCTION lpr_data.hard_limits(OUT radius_m double precision, OUT address_length integer, OUT span interval,
                                     OUT reads integer, OUT plates integer, OUT questions integer,
                                     OUT plates_a_day integer)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (25000::double precision, 3, interval '5 years', 100000, 5000, 1000000, 50000);
GRANT EXECUTE ON FUNCTION lpr_data.hard_limits() TO lpr_member;
COMMENT ON FUNCTION lpr_data.hard_limits() IS
    'The bounds that no limit passes (Q2, Q8): at most; of address_length at least.';

CREATE TABLE lpr_data.limit_request (
    request_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "limit" text COLLATE "C" NOT NULL CHECK ("limit" ~ '^[a-z_]{1,40}$'),
    wanted jsonb NOT NULL CHECK (jsonb_typeof(wanted) = 'object'),
    instead_of jsonb NOT NULL CHECK (jsonb_typeof(instead_of) = 'object'),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    reason text NOT NULL CHECK (reason ~ '[^[:space:]]' AND char_length(reason) <= 4000),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'refused')),
    decided_at timestamp with time zone,
    decided_by integer REFERENCES lpr_data.person,
    decide_reason text CHECK (decide_reason ~ '[^[:space:]]' AND char_length(decide_reason) <= 4000),
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT limit_decided_as_a_whole
        CHECK (num_nonnulls(decided_at, decided_by, decide_reason) = CASE state WHEN 'waiting' THEN 0 ELSE 3 END),
    CONSTRAINT widened_by_two CHECK (decided_by <> person_id)
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.limit_request', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.limit_request_request_id_seq', '');
SELECT lpr_data.audit_changes_of('lpr_data.limit_request', free => '{reason,decide_reason}',
                                 plain => '{wanted,instead_of}');
CREATE UNIQUE INDEX limit_request_one_waits ON lpr_data.limit_request ("limit") WHERE state = 'waiting';
SELECT lpr_data.only_adds('lpr_data.limit_request', 'state', 'decided_at', 'decided_by', 'decide_reason');
COMMENT ON TABLE lpr_data.limit_request IS
    'That a limit be wider: an administrator asks for it, the privacy officer approves or refuses it (Q8).';
COMMENT ON COLUMN lpr_data.limit_request.request_id IS 'Number.';
COMMENT ON COLUMN lpr_data.limit_request."limit" IS 'location, vehicle, or the name of a rate.';
COMMENT ON COLUMN lpr_data.limit_request.wanted IS 'What it is to be, all of it.';
COMMENT ON COLUMN lpr_data.limit_request.instead_of IS 'What it was when that was asked; else nothing is approved.';
COMMENT ON COLUMN lpr_data.limit_request.person_id IS 'Who asked.';
COMMENT ON COLUMN lpr_data.limit_request.at IS 'When.';
COMMENT ON COLUMN lpr_data.limit_request.reason IS 'Why it is needed.';
COMMENT ON COLUMN lpr_data.limit_request.state IS 'waiting, approved or refused.';
COMMENT ON COLUMN lpr_data.limit_request.decided_at IS 'When it was approved or refused.';
COMMENT ON COLUMN lpr_data.limit_request.decided_by IS 'By whom; never by who asked.';
COMMENT ON COLUMN lpr_data.limit_request.decide_reason IS 'Why.';
COMMENT ON COLUMN lpr_data.limit_request.text_salt IS 'What its free texts are hashed with for the audit log.';

CREATE FUNCTION lpr_data.limit_request_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.state <> 'waiting' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'LP034',
            MESSAGE = format('the change of request %s is refused', OLD.request_id),
            DETAIL = 'What was asked of a limit is decided once.',
            HINT = 'Ask anew: lpr.set_search_limit(...) or lpr.set_rate_limit(...).';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION lpr_data.limit_request_moves() IS
    'Trigger of lpr_data.limit_request: what was approved or refused stays as it is.';
CREATE TRIGGER moves BEFORE UPDATE ON lpr_data.limit_request
    FOR EACH ROW EXECUTE FUNCTION lpr_data.limit_request_moves();
ALTER TABLE lpr_data.limit_request ENABLE ALWAYS TRIGGER moves;

CREATE TABLE lpr_data.search_limit (
    mode text COLLATE "C" PRIMARY KEY CHECK (mode IN ('location', 'vehicle')),
    radius_m double precision NOT NULL CHECK (radius_m BETWEEN 1 AND (lpr_data.hard_limits()).radius_m),
    address_length integer NOT NULL CHECK (address_length BETWEEN (lpr_data.hard_limits()).address_length AND 200),
    span interval NOT NULL CHECK (span > '0' AND span <= (lpr_data.hard_limits()).span),
    reads integer NOT NULL CHECK (reads BETWEEN 1 AND (lpr_data.hard_limits()).reads),
    shipped boolean NOT NULL DEFAULT false,
    plates integer NOT NULL DEFAULT 500 CHECK (plates BETWEEN 1 AND (lpr_data.hard_limits()).plates),
    request_id bigint REFERENCES lpr_data.limit_request
);
SELECT lpr_data.ships('lpr_data.search_limit', 'mode');
SELECT lpr_data.audit_changes_of('lpr_data.search_limit');
COMMENT ON TABLE lpr_data.search_limit IS
    'How far a question without a plate may reach: area, time, reads and different plates (Q8).';
COMMENT ON COLUMN lpr_data.search_limit.mode IS 'location or vehicle.';
COMMENT ON COLUMN lpr_data.search_limit.radius_m IS
    'Of the area in metres, at most 25,000. A vehicle is asked for within a place as well.';
COMMENT ON COLUMN lpr_data.search_limit.address_length IS
    'Characters that an address without a point must have, blanks and punctuation counted once. One that names no '
    'place, by a number with a name behind it or by two names, has none.';
COMMENT ON COLUMN lpr_data.search_limit.span IS 'From the oldest to the newest moment asked for, at most five years.';
COMMENT ON COLUMN lpr_data.search_limit.reads IS
    'Reads that a source may show for one question, at most 100,000; more are cut, which is told.';
COMMENT ON COLUMN lpr_data.search_limit.plates IS 'Different plates among them, at most 5,000; likewise.';
COMMENT ON COLUMN lpr_data.search_limit.request_id IS 'By which request it was last widened; NULL = by none.';
COMMENT ON COLUMN lpr_data.search_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.search_limit (mode, radius_m, address_length, span, reads, plates, shipped)
VALUES ('location', 1000, 8, '90 days', 10000, 500, true),
       ('vehicle', 5000, 8, '30 days', 10000, 500, true);

CREATE TABLE lpr_data.rate_limit (
    name text COLLATE "C" PRIMARY KEY,
    scope text COLLATE "C" NOT NULL CHECK (scope IN ('person', 'event')),
    per text COLLATE "C" NOT NULL CHECK (per IN ('hour', 'day')),
    questions integer NOT NULL CHECK (questions BETWEEN 1 AND (lpr_data.hard_limits()).questions),
    shipped boolean NOT NULL DEFAULT false,
    plates integer DEFAULT 2000 CHECK (plates BETWEEN 1 AND (lpr_data.hard_limits()).plates_a_day),
    request_id bigint REFERENCES lpr_data.limit_request,
    CONSTRAINT named_by_what_it_limits CHECK (name = scope || '_' || per),
    CONSTRAINT plates_are_shown_a_day CHECK (per = 'hour' OR plates IS NOT NULL)
);
SELECT lpr_data.ships('lpr_data.rate_limit', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.rate_limit');
COMMENT ON TABLE lpr_data.rate_limit IS
    'How many plates a person may ask, and may be asked for an event, within the last hour and day; and how many that '
    'nobody named they may be shown within a day (Q8).';
COMMENT ON COLUMN lpr_data.rate_limit.name IS 'Scope and time together.';
COMMENT ON COLUMN lpr_data.rate_limit.scope IS 'person or event.';
COMMENT ON COLUMN lpr_data.rate_limit.per IS 'hour or day.';
COMMENT ON COLUMN lpr_data.rate_limit.questions IS
    'Plates asked, at most 1 to 1,000,000: each of a question, and a question without one as one; of each source.';
COMMENT ON COLUMN lpr_data.rate_limit.plates IS
    'Of a day: different plates that the answers to questions without a plate show, answer by answer, at most 50,000. '
    'Of an hour it means nothing.';
COMMENT ON COLUMN lpr_data.rate_limit.request_id IS 'By which request it was last widened; NULL = by none.';
COMMENT ON COLUMN lpr_data.rate_limit.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.rate_limit (name, scope, per, questions, plates, shipped)
VALUES ('person_hour', 'person', 'hour', 10000, NULL, true),
       ('person_day', 'person', 'day', 40000, 2000, true),
       ('event_hour', 'event', 'hour', 20000, NULL, true),
       ('event_day', 'event', 'day', 80000, 4000, true);

CREATE FUNCTION lpr_data.is_wider(older jsonb, newer jsonb)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    -- Months are counted from where they are longest.
    SELECT bool_or(coalesce(
               CASE o.key
               WHEN 'span' THEN timestamp '2000-07-01' + (newer ->> o.key)::interval
                                > timestamp '2000-07-01' + o.value::interval
               WHEN 'address_length' THEN (newer ->> o.key)::numeric < o.value::numeric
               ELSE (newer ->> o.key)::numeric > o.value::numeric END,
               (newer ->> o.key) IS DISTINCT FROM o.value))
    FROM jsonb_each_text(older) AS o (key, value)
    WHERE o.key IN ('radius_m', 'address_length', 'span', 'reads', 'plates', 'questions')
$$;
COMMENT ON FUNCTION lpr_data.is_wider(jsonb, jsonb) IS
    'Whether a limit, as its row says it, lets through more than another one in any respect (Q8).';

CREATE FUNCTION lpr_data.narrower_of(older jsonb, newer jsonb)
    RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT newer || coalesce(jsonb_object_agg(o.key, o.value), '{}')
    FROM jsonb_each(older) AS o (key, value)
    WHERE lpr_data.is_wider(jsonb_build_object(o.key, o.value), jsonb_build_object(o.key, newer -> o.key))
$$;
COMMENT ON FUNCTION lpr_data.narrower_of(jsonb, jsonb) IS 'Of two limits the narrower one in each respect.';

CREATE FUNCTION lpr_data.limit_moves()
    RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET intervalstyle = 'postgres'
AS $$
DECLARE
    plain constant text[] := '{shipped,request_id}';
    key constant text := TG_ARGV[0];
    older jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) - plain END;
    newer jsonb := to_jsonb(NEW) - plain;
    approved lpr_data.limit_request;
BEGIN
    IF TG_OP = 'UPDATE' AND older ->> key = newer ->> key AND NOT lpr_data.is_wider(older, newer) THEN
        RETURN NEW;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT r.* INTO approved FROM lpr_data.limit_request AS r
        WHERE r.request_id = (to_jsonb(NEW) ->> 'request_id')::bigint AND r.state = 'approved'
          AND r."limit" = newer ->> key;
        -- Each request widens once: what was decided before the last one is over.
        IF approved.wanted = newer AND approved.instead_of = older
           AND approved.request_id > coalesce((to_jsonb(OLD) ->> 'request_id')::bigint, 0) THEN
            RETURN NEW;
        END IF;
        -- A restore puts a row into the place of the one that came with lpr (replace_shipped).
        IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 AND older ->> key = newer ->> key
           AND (to_jsonb(OLD) ->> 'shipped')::boolean THEN
            older := coalesce(approved.wanted, older);
            IF lpr_data.is_wider(older, newer) THEN
                RAISE WARNING USING
                    MESSAGE = format('limit "%s" is narrower than in the dump', newer ->> key),
                    DETAIL = format('Nobody approved %s; it is %s.', newer - key,
                                    lpr_data.narrower_of(older, newer) - key),
                    HINT = 'Ask for it: lpr.set_search_limit(...) or lpr.set_rate_limit(...), with a reason.';
            END IF;
            NEW := jsonb_populate_record(NEW, lpr_data.narrower_of(older, newer));
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'LP034',
        MESSAGE = format('%s of limit "%s" is refused', TG_OP, coalesce(older, newer, to_jsonb(OLD)) ->> key),
        DETAIL = 'A limit is widened by two people: an administrator asks, the privacy officer approves.',
        HINT = 'Ask: lpr.set_search_limit(...) or lpr.set_rate_limit(...), with a reason.';
END
$$;
COMMENT ON FUNCTION lpr_data.limit_moves() IS
    'Trigger of limits: no row is wider than before but by a request that somebody else approved, and none is taken '
    'away (Q8). The argument is the key.';
-- Its name puts it behind replace_shipped.
CREATE TRIGGER widened_by_two BEFORE INSERT OR UPDATE OR DELETE ON lpr_data.search_limit
    FOR EACH ROW EXECUTE FUNCTION lpr_data.limit_moves('mode');
CREATE TRIGGER widened_by_two BEFORE INSERT OR UPDATE OR DELETE ON lpr_data.rate_limit
    FOR EACH ROW EXECUTE FUNCTION lpr_data.limit_moves('name');
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.search_limit
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON lpr_data.rate_limit
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.refuse_rewrite();
ALTER TABLE lpr_data.search_limit ENABLE ALWAYS TRIGGER widened_by_two, ENABLE ALWAYS TRIGGER refuse_truncate;
ALTER TABLE lpr_data.rate_limit ENABLE ALWAYS TRIGGER widened_by_two, ENABLE ALWAYS TRIGGER refuse_truncate;
