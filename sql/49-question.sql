-- 49-question: what the gate is told: one type, from the session that asks to the rules that decide.

CREATE TYPE lpr_data.question AS (
    login oid,
    same_user boolean,
    remote boolean,
    encrypted boolean,
    client boolean,
    agreed integer,
    source text,
    mode text,
    event_id bigint,
    since timestamp with time zone,
    until timestamp with time zone,
    radius_m double precision,
    address_length integer
);
COMMENT ON TYPE lpr_data.question IS
    'A question to one source, as the gate is told of it. Taken from session and question by the library, and from '
    'nothing that a person can set.';
COMMENT ON COLUMN lpr_data.question.login IS 'The login that authenticated.';
COMMENT ON COLUMN lpr_data.question.same_user IS 'Whether the session''s user is that login.';
COMMENT ON COLUMN lpr_data.question.remote IS 'Whether the connection comes over a network.';
COMMENT ON COLUMN lpr_data.question.encrypted IS 'Whether it is encrypted (A6).';
COMMENT ON COLUMN lpr_data.question.client IS 'Whether somebody is connected who is no process of this server (A5).';
COMMENT ON COLUMN lpr_data.question.agreed IS 'Version of the rules that this session agreed to; NULL = none.';
COMMENT ON COLUMN lpr_data.question.source IS 'Which source is asked; of saved reads none: it was asked already.';
COMMENT ON COLUMN lpr_data.question.mode IS
    'plate, location, vehicle, or saved: a look at what was saved. NULL = the question has no anchor.';
COMMENT ON COLUMN lpr_data.question.event_id IS 'Which event it is for; NULL = none is named.';
COMMENT ON COLUMN lpr_data.question.since IS 'The oldest moment asked for.';
COMMENT ON COLUMN lpr_data.question.until IS 'The newest.';
COMMENT ON COLUMN lpr_data.question.radius_m IS 'Around the point asked for, in metres; NULL = no point is given.';
COMMENT ON COLUMN lpr_data.question.address_length IS
    'Characters of the address asked for; 0 = none, or none that names a place.';

CREATE FUNCTION lpr_data.session()
    RETURNS lpr_data.question
    LANGUAGE c STABLE
AS 'MODULE_PATHNAME', 'lpr_question_of_session';
COMMENT ON FUNCTION lpr_data.session() IS
    'What the gate would be told of this session by any question; what belongs to a question is NULL.';
