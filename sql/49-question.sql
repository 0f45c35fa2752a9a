-- 49-question: what the gate is told: one type, from the session that asks to the rules that decide.

CREATE TYPE lpr_data.question AS (
    login oid,
    same_user boolean,
    remote boolean,
    address text,
    encrypted boolean,
    client boolean,
    agreed text,
    agreed_at timestamp with time zone,
    away_s integer,
    passing boolean,
    source text,
    mode text,
    event_id bigint,
    since timestamp with time zone,
    until timestamp with time zone,
    radius_m double precision,
    address_length integer,
    plates text[],
    latitude double precision,
    longitude double precision,
    place text,
    make text,
    model text
);
COMMENT ON TYPE lpr_data.question IS
    'A question to one source, as the gate is told of it. Taken from session and question by the library, and from '
    'nothing that a person can set.';
COMMENT ON COLUMN lpr_data.question.login IS 'The login that authenticated.';
COMMENT ON COLUMN lpr_data.question.same_user IS 'Whether the session''s user is that login.';
COMMENT ON COLUMN lpr_data.question.remote IS 'Whether the connection comes over a network.';
COMMENT ON COLUMN lpr_data.question.address IS
    'The client''s address, in numbers; empty when the connection is none of a network, or it cannot be told (A6).';
COMMENT ON COLUMN lpr_data.question.encrypted IS 'Whether it is encrypted (A6).';
COMMENT ON COLUMN lpr_data.question.client IS
    'Whether a client is connected that is not a process of this server (A5).';
COMMENT ON COLUMN lpr_data.question.agreed IS
    'Versions of the texts of rules that this session agreed to, such as 1 or 3,5; NULL = none.';
COMMENT ON COLUMN lpr_data.question.agreed_at IS 'When it did; a renewal leaves it as it is (A5).';
COMMENT ON COLUMN lpr_data.question.away_s IS
    'Seconds of the longest time without a statement since it agreed, or since that was renewed (A5).';
COMMENT ON COLUMN lpr_data.question.passing IS
    'Whether what it agreed to ends with the transaction, as it has to behind a pooler (A5).';
COMMENT ON COLUMN lpr_data.question.source IS 'Which source is asked; of saved reads none: it was asked already.';
COMMENT ON COLUMN lpr_data.question.mode IS
    'plate, location, vehicle, or saved: a look at what was saved. NULL = the question has no anchor.';
COMMENT ON COLUMN lpr_data.question.event_id IS 'Which event it is for; NULL = none is named.';
COMMENT ON COLUMN lpr_data.question.since IS 'The oldest moment asked for.';
COMMENT ON COLUMN lpr_data.question.until IS 'The newest.';
COMMENT ON COLUMN lpr_data.question.radius_m IS 'Around the point asked for, in metres; NULL = no point is given.';
COMMENT ON COLUMN lpr_data.question.address_length IS
    'Characters of the address asked for; 0 = none, or none that names a place.';

COMMENT ON COLUMN lpr_data.question.plates IS 'The plates asked for, in normal form; NULL = none.';
COMMENT ON COLUMN lpr_data.question.latitude IS 'Of the point asked for; NULL = none.';
COMMENT ON COLUMN lpr_data.question.longitude IS 'Of that point.';
COMMENT ON COLUMN lpr_data.question.place IS 'The address asked for, as it was written; NULL = none.';
COMMENT ON COLUMN lpr_data.question.make IS 'The make asked for, in normal form; NULL = any.';
COMMENT ON COLUMN lpr_data.question.model IS 'The model, likewise.';

CREATE FUNCTION lpr_data.session()
    RETURNS lpr_data.question
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_question_of_session';
COMMENT ON FUNCTION lpr_data.session() IS
    'What the gate would be told of this session by any question; what belongs to a question is NULL.';

CREATE FUNCTION lpr_data.agreement(q lpr_data.question, person_id integer, moment timestamp with time zone)
    RETURNS TABLE (given boolean, here boolean, until timestamp with time zone)
    LANGUAGE sql STABLE ROWS 1
AS $$
    -- Mostly one text is for all, the newest: then nobody need be asked which systems are theirs.
    SELECT CASE WHEN q.agreed = (SELECT CASE WHEN r.system IS NULL THEN r.version::text END
                                 FROM lpr_data.rules AS r ORDER BY r.version DESC LIMIT 1)
                THEN true
                ELSE string_to_array(q.agreed, ',')::integer[]
                     @> ARRAY(SELECT x.version
                              FROM lpr_data.texts_of(lpr_data.systems_of(agreement.person_id, moment)) AS x) END
               AND moment < q.agreed_at + t.lasts
               AND (q.away_s <= extract(epoch FROM t.idle)
                    OR (q.agreed_at AT TIME ZONE 'UTC')::date = (moment AT TIME ZONE 'UTC')::date),
           q.away_s <= extract(epoch FROM t.idle), q.agreed_at + t.lasts
    FROM lpr_data.consent_time AS t
$$;
COMMENT ON FUNCTION lpr_data.agreement(lpr_data.question, integer, timestamp with time zone) IS
    'What the session agreed to: given: to the rules as they stand, of the systems that the person has access to, not '
    'too long ago, and on this day (UTC) if somebody was away since; here: nobody was away for long; until when it '
    'holds at most (A5).';
