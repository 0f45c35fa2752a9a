-- 70-mail: what people are told by mail (A2). A mail is a row of the outbox, written in the transaction that is its
-- cause; a worker of its own sends it once that is committed. No plate, no case and no result is ever in one: a text
-- takes only what lpr_data.mail_placeholders() lists.

CREATE FUNCTION lpr_data.is_line(value text)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN value !~ '[\u0001-\u001f\u007f-\u009f\u2028\u2029]';
COMMENT ON FUNCTION lpr_data.is_line(text) IS
    'Whether a text is one line: no control character, no separator of lines.';

CREATE FUNCTION lpr_data.mail_placeholders(kind text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE kind
    WHEN 'authorization' THEN ARRAY['name', 'ends_on', 'systems', 'sources', 'modes']
    WHEN 'request_waiting' THEN ARRAY['name', 'requester']
    WHEN 'denied' THEN ARRAY['name']
    WHEN 'suspended' THEN ARRAY['name']
    WHEN 'revoked' THEN ARRAY['name']
    WHEN 'training_due' THEN ARRAY['name', 'course', 'days', 'ends_on']
    WHEN 'recertification_due' THEN ARRAY['name', 'days', 'ends_on']
    WHEN 'access_ends' THEN ARRAY['name', 'days', 'ends_on']
    WHEN 'items_due' THEN ARRAY['name', 'display', 'items', 'days', 'ends_on']
    WHEN 'display_due' THEN ARRAY['name', 'display', 'days', 'ends_on']
    WHEN 'display_month' THEN ARRAY['name', 'display', 'items']
    WHEN 'review_due' THEN ARRAY['name', 'display', 'days', 'ends_on']
    WHEN 'hits' THEN ARRAY['name', 'display']
    WHEN 'withheld' THEN ARRAY['name', 'mails', 'subject', 'day']
    END;
COMMENT ON FUNCTION lpr_data.mail_placeholders(text) IS
    'The kinds of mail, and what may be filled into each; NULL = no such kind. name is always that of the person it '
    'goes to (A2).';

CREATE FUNCTION lpr_data.mail_placeholders_of(template text)
    RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT DISTINCT m[1] FROM regexp_matches(template, '\{([a-z_]+)\}', 'g') AS m);
COMMENT ON FUNCTION lpr_data.mail_placeholders_of(text) IS 'The placeholders in a text, without their braces.';

-- A text of one's own stands beside the shipped one and goes before it: so a dump holds what an administrator wrote and
-- nothing else, a restore brings it back beside the texts of CREATE EXTENSION, and an update of lpr can better those.
CREATE TABLE lpr_data.mail_text (
    kind text COLLATE "C" NOT NULL,
    shipped boolean NOT NULL DEFAULT false,
    subject text NOT NULL CHECK (subject ~ '[^[:space:]]' AND char_length(subject) <= 200
                                 AND lpr_data.is_line(subject)),
    body text NOT NULL CHECK (body ~ '[^[:space:]]' AND char_length(body) <= 10000
                              AND lpr_data.is_line(replace(body, E'\n', ''))),
    PRIMARY KEY (kind, shipped),
    CONSTRAINT kind_of_mail CHECK (lpr_data.mail_placeholders(kind) IS NOT NULL),
    CONSTRAINT placeholders CHECK (lpr_data.mail_placeholders_of(subject || body) <@ lpr_data.mail_placeholders(kind)
                                   AND regexp_replace(subject || body, '\{[a-z_]+\}', '', 'g') !~ '[{}]')
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail_text', 'WHERE NOT shipped');
COMMENT ON TABLE lpr_data.mail_text IS
    'The texts of mails, with {placeholders}: those that came with lpr, and an administrator''s own, which go before '
    'them (A2).';
COMMENT ON COLUMN lpr_data.mail_text.kind IS 'What it tells: see lpr_data.mail_placeholders().';
COMMENT ON COLUMN lpr_data.mail_text.shipped IS 'Whether it came with lpr.';
COMMENT ON COLUMN lpr_data.mail_text.subject IS 'One line, at most 200 characters.';
COMMENT ON COLUMN lpr_data.mail_text.body IS 'Plain text, lines ended by LF, at most 10,000 characters.';

INSERT INTO lpr_data.mail_text (kind, shipped, subject, body)
VALUES
('authorization', true, 'You are authorized to use license plate reader data',
$$To {name}

You are authorized to use license plate reader (LPR) data until {ends_on}:
systems: {systems}
sources: {sources}
searches by: {modes}

Appropriate use:
- Ask only for an ongoing enforcement or border-security activity that you
  work on, and under its event. Not to find new leads or patterns, not out of
  curiosity, never for private reasons, never for somebody else.
- Ask for no more than the activity needs, and save only what is relevant.
- A read may be wrong, and a vehicle is not a person: take no action on LPR
  data alone.
- Show and pass on LPR data only to those who may have it, and only as the
  rules of its system of records say.
- Your login is yours alone.

Every query is on record with your name and is reviewed.

Improper use may bring discipline, up to removal, besides civil and criminal
penalties, and ends your access.

Your access also ends when a mandatory course lapses, when it is not
recertified within a year, or when you agree to the rules no more.
$$),
('request_waiting', true, 'A request for access to license plate reader data waits for you',
$$To {name}

{requester} asks for access to license plate reader data. The request waits
for your decision.

Approve it only if the need to know that it states is real and current;
otherwise deny it, with the reason.
$$),
('denied', true, 'Your request for access to license plate reader data was denied',
$$To {name}

Your request for access to license plate reader data was denied. The reason
is with your request.
$$),
('suspended', true, 'Your access to license plate reader data is suspended',
$$To {name}

Your access to license plate reader data is suspended from now on. The reason
is with your access. Ask your supervisor.
$$),
('revoked', true, 'Your access to license plate reader data was revoked',
$$To {name}

Your access to license plate reader data was revoked and has ended. The
reason is with your access. Ask your supervisor.
$$),
('training_due', true, 'A mandatory course of yours ends within {days} day(s)',
$$To {name}

Your completion of the mandatory course "{course}" counts until {ends_on},
which is within {days} day(s). From then on your queries of license plate
reader data are refused until you have completed it again.
$$),
('recertification_due', true, 'Your access to license plate reader data needs to be recertified within {days} day(s)',
$$To {name}

Your access to license plate reader data is certified until {ends_on}, which
is within {days} day(s). From then on your queries are refused until your
lead has recertified it. Ask your lead.
$$),
('access_ends', true, 'Your access to license plate reader data ends within {days} day(s)',
$$To {name}

Your access to license plate reader data ends on {ends_on}, which is within
{days} day(s). If you still need it, request it again.
$$);
-- New in 0.3.0.
INSERT INTO lpr_data.mail_text (kind, shipped, subject, body)
VALUES
('items_due', true, 'Items of a display of yours are to be validated within {days} day(s)',
$$To {name}

Display {display} watches {items} license plate(s) whose validation ends by
{ends_on}, which is within {days} day(s). Look at each of them, one by one: is
it still relevant? Validate those that are, each with the reason; remove those
that are not at once. What is not validated is suspended then, and expires.
$$),
('display_due', true, 'A display of yours is to be examined within {days} day(s)',
$$To {name}

Display {display} has to be examined as a whole by {ends_on}, which is within
{days} day(s). From then on it has expired, with all that it watches.
$$),
('display_month', true, 'Monthly look at a display of yours',
$$To {name}

Display {display} watches {items} license plate(s). Remove promptly those that
are no longer relevant: found, ruled out, or not needed any more.
$$),
('review_due', true, 'A display of your people is to be reviewed within {days} day(s)',
$$To {name}

Display {display} has to be reviewed by management by {ends_on}, which is
within {days} day(s): which of its items are still relevant? From then on it is
suspended, and expires.
$$),
('hits', true, 'A display of yours has new hits',
$$To {name}

Display {display} has found something. Connect, and SELECT * FROM lpr.my_hits;
What was read is shown there for some hours only. A read may be wrong, and a
vehicle is not a person.
$$),
('withheld', true, 'More mails about license plate reader data were not sent singly',
$$To {name}

On {day} (UTC) {mails} more mail(s) to you would have had the subject

    {subject}

They were not sent one by one, since many had been on that day already. What
they are about waits for you in the system. If you did not expect that many,
tell your oversight office.
$$);
SELECT lpr_data.audit_changes_of('lpr_data.mail_text', plain => '{subject}', long => '{body}');

CREATE FUNCTION lpr.set_mail_text(kind text, subject text, body text)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allowed text[] := lpr_data.mail_placeholders(kind);
BEGIN
    PERFORM lpr_data.administering('A2');
    IF allowed IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such kind of mail: %L', kind),
            HINT = format('Kinds: %s.', (SELECT string_agg(t.kind, ', ' ORDER BY t.kind) FROM lpr_data.mail_text AS t
                                         WHERE t.shipped));
    END IF;
    IF subject IS NULL AND body IS NULL THEN
        DELETE FROM lpr_data.mail_text AS t WHERE t.kind = set_mail_text.kind COLLATE "C" AND NOT t.shipped;
        RETURN;
    END IF;
    body := lpr_data.fill_clauses(kind, replace(body, E'\r\n', E'\n'));
    IF body IS NOT NULL THEN
        PERFORM lpr_data.check_clauses('A2', kind, body,
                                       format('SELECT lpr.set_mail_text(%L, %L, ''...your text... %%s'');', kind,
                                              replace(subject, '%', '%%')));
    END IF;
    INSERT INTO lpr_data.mail_text AS t (kind, subject, body)
    VALUES (set_mail_text.kind, set_mail_text.subject, set_mail_text.body)
    ON CONFLICT ON CONSTRAINT mail_text_pkey DO UPDATE SET subject = excluded.subject, body = excluded.body;
EXCEPTION
    WHEN check_violation OR not_null_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid text of mail %L', kind),
            DETAIL = 'A subject is one line of at most 200 characters, a body plain text of at most 10,000; neither is '
                     'empty or holds control characters, or braces except for placeholders.',
            HINT = format('Placeholders of this kind: %s.',
                          (SELECT string_agg(format('{%s}', a), ', ') FROM unnest(allowed) AS a));
END
$$;
GRANT EXECUTE ON FUNCTION lpr.set_mail_text(text, text, text) TO lpr_admin;
COMMENT ON FUNCTION lpr.set_mail_text(text, text, text) IS
    'Sets the text of a kind of mail (A2): authorization, request_waiting, denied, suspended, revoked, '
    'training_due, recertification_due, access_ends, items_due, display_due, display_month, review_due, hits, '
    'withheld. subject: one line, at most 200 characters. body: plain text, at most 10,000. Both may hold '
    'placeholders: {name}, and those of their kind, which an error lists. '
    'NULL for both = the text that came with lpr. Mails that wait keep the text they were written with. The text of '
    'authorization contains the clauses of lpr.clauses; {code}, such as {discipline}, stands for one. Error LP039 '
    '(which lack).';

-- The outbox.

CREATE TABLE lpr_data.mail (
    mail_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text COLLATE "C" NOT NULL UNIQUE CHECK (key <> '' AND char_length(key) <= 200 AND lpr_data.is_line(key)),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    kind text COLLATE "C" NOT NULL,
    address text NOT NULL CHECK (address ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*$'
                                 AND char_length(address) <= 254),
    subject text NOT NULL CHECK (subject <> '' AND char_length(subject) <= 500 AND lpr_data.is_line(subject)),
    body text NOT NULL CHECK (lpr_data.is_line(replace(body, E'\n', ''))),
    message_id text COLLATE "C" NOT NULL CHECK (message_id ~ '^[0-9a-f]{32}$'),
    made_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    state text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'failed',
                                                                       'withheld')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    last_error text,
    sent_at timestamp with time zone,
    text_salt bytea NOT NULL DEFAULT uuid_send(gen_random_uuid()),
    CONSTRAINT sent_is_dated CHECK ((state = 'sent') = (sent_at IS NOT NULL))
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail', '');
SELECT pg_catalog.pg_extension_config_dump('lpr_data.mail_mail_id_seq', '');
CREATE INDEX mail_due ON lpr_data.mail (next_try_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX mail_person ON lpr_data.mail (person_id);
COMMENT ON TABLE lpr_data.mail IS
    'The outbox: every mail that was ever caused, one a key (A2). Sent ones stay: they tell that a person was told, '
    'and keep their key from being used again.';
COMMENT ON COLUMN lpr_data.mail.mail_id IS 'Number of the mail.';
COMMENT ON COLUMN lpr_data.mail.key IS 'What caused it: a second mail of the same key is not made.';
COMMENT ON COLUMN lpr_data.mail.person_id IS 'Who it is for.';
COMMENT ON COLUMN lpr_data.mail.kind IS 'Which text it was made of.';
COMMENT ON COLUMN lpr_data.mail.address IS 'Where it goes.';
COMMENT ON COLUMN lpr_data.mail.subject IS 'Its subject, filled in.';
COMMENT ON COLUMN lpr_data.mail.body IS 'Its text, filled in; lines end with LF.';
COMMENT ON COLUMN lpr_data.mail.message_id IS
    'The left part of its Message-ID, the same at every try: made of the audit log''s identity and the key.';
COMMENT ON COLUMN lpr_data.mail.made_at IS 'When it was caused; its Date.';
COMMENT ON COLUMN lpr_data.mail.state IS
    'waiting: to be sent, or to be tried again; sending: the worker took it, and may have handed it over; sent: the '
    'mail server took it; failed: the mail server will never take it; withheld: too many of its kind went to that '
    'person that day.';
COMMENT ON COLUMN lpr_data.mail.attempts IS 'How often it was tried.';
COMMENT ON COLUMN lpr_data.mail.next_try_at IS 'Not before this moment.';
COMMENT ON COLUMN lpr_data.mail.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN lpr_data.mail.sent_at IS 'When the mail server took it.';
COMMENT ON COLUMN lpr_data.mail.text_salt IS 'What its free texts are hashed with for the audit log.';

SELECT lpr_data.only_adds('lpr_data.mail', 'address', 'state', 'attempts', 'next_try_at', 'last_error', 'sent_at');

-- Under audit is what was written, and what came of it: not each try of a mail server that is down.
CREATE TRIGGER audit_change AFTER INSERT OR DELETE ON lpr_data.mail FOR EACH ROW
    EXECUTE FUNCTION lpr_data.audit_change('state', 'attempts', 'next_try_at', 'last_error', 'sent_at', 'free subject',
                                           'free body', 'long body', 'plain address');
CREATE TRIGGER audit_outcome AFTER UPDATE ON lpr_data.mail FOR EACH ROW
    WHEN (NEW.state <> OLD.state AND (NEW.state IN ('sent', 'failed') OR OLD.state IN ('sent', 'failed'))
          OR NEW.address <> OLD.address)
    EXECUTE FUNCTION lpr_data.audit_change('subject', 'body', 'next_try_at', 'free last_error', 'plain address');
CREATE TRIGGER audit_truncate AFTER TRUNCATE ON lpr_data.mail
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.audit_change();
ALTER TABLE lpr_data.mail ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_outcome,
    ENABLE ALWAYS TRIGGER audit_truncate;

CREATE FUNCTION lpr_data.wake_mail()
    RETURNS trigger
    LANGUAGE c
AS 'MODULE_PATHNAME', 'lpr_wake_mail';
COMMENT ON FUNCTION lpr_data.wake_mail() IS
    'Trigger of the outbox: lets the mail worker know, at commit, that mails wait.';
CREATE TRIGGER wake_mail AFTER INSERT OR UPDATE ON lpr_data.mail
    FOR EACH STATEMENT EXECUTE FUNCTION lpr_data.wake_mail();
ALTER TABLE lpr_data.mail ENABLE ALWAYS TRIGGER wake_mail;

CREATE FUNCTION lpr_data.fill_mail(template text, "values" jsonb)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- In one pass: what looks like a placeholder in a value is left alone.
RETURN (SELECT string_agg(CASE WHEN p.part[1] ~ '^\{[a-z_]+\}$' THEN "values" ->> btrim(p.part[1], '{}')
                               ELSE p.part[1] END, '' ORDER BY p.place)
        FROM regexp_matches(template, '\{[a-z_]+\}|[^{]+|\{', 'g') WITH ORDINALITY AS p (part, place));
COMMENT ON FUNCTION lpr_data.fill_mail(text, jsonb) IS 'A text with its placeholders filled in.';

CREATE FUNCTION lpr_data.message_id(key text)
    RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    log_id bytea;
BEGIN
    IF to_regclass('lpr_data.log') IS NOT NULL THEN
        SELECT l.id INTO log_id FROM lpr_data.log AS l;
    END IF;
    RETURN left(encode(sha256('lpr mail'::bytea || coalesce(log_id, '') || convert_to(key, 'UTF8')), 'hex'), 32);
END
$$;
COMMENT ON FUNCTION lpr_data.message_id(text) IS
    'The left part of a mail''s Message-ID: a digest of the audit log''s identity, once there is one, and the key.';

CREATE FUNCTION lpr_data.most_mails()
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 20;
COMMENT ON FUNCTION lpr_data.most_mails() IS
    'How many mails of a kind a person gets in a day (UTC); one more then tells how many others there were.';

CREATE FUNCTION lpr_data.post(key text, person_id integer, kind text, "values" jsonb DEFAULT '{}')
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    allowed text[] := lpr_data.mail_placeholders(kind);
    person lpr_data.person;
    template lpr_data.mail_text;
    given record;
    lacking text;
BEGIN
    SELECT p.* INTO person FROM lpr_data.person AS p WHERE p.person_id = post.person_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('person %s does not exist', coalesce(person_id::text, 'NULL'));
    END IF;
    SELECT t.* INTO template FROM lpr_data.mail_text AS t WHERE t.kind = post.kind COLLATE "C" ORDER BY t.shipped
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such kind of mail: %L', kind);
    END IF;
    template.body := lpr_data.with_clauses(kind, template.body);
    "values" := coalesce("values", '{}');
    IF jsonb_typeof("values") <> 'object' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the values of a mail must be a JSON object';
    END IF;
    FOR given IN SELECT e.key AS name, e.value, e.value #>> '{}' AS shown FROM jsonb_each("values") AS e
    LOOP
        -- A value that is not listed may not be in a mail, even if no text uses it yet.
        IF given.name = 'name' OR NOT given.name = ANY (allowed) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('mail %L takes no value %L', kind, left(given.name, 40)),
                DETAIL = 'A mail is filled with what is listed for its kind and nothing else: no plate, no case, no '
                         'result.',
                HINT = 'See lpr_data.mail_placeholders().';
        END IF;
        -- The value is not shown: it may be what should not be in a mail.
        IF jsonb_typeof(given.value) NOT IN ('string', 'number') OR char_length(given.shown) > 1000
           OR NOT lpr_data.is_line(given.shown) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('invalid value %L of mail %L', given.name, kind),
                DETAIL = 'A value is a text of at most 1,000 characters without control characters, or a number.';
        END IF;
    END LOOP;
    "values" := "values" || jsonb_build_object('name', person.name);
    SELECT p INTO lacking FROM unnest(lpr_data.mail_placeholders_of(template.subject || template.body)) AS p
    WHERE NOT "values" ? p;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('mail %L lacks value %L', kind, lacking);
    END IF;
    INSERT INTO lpr_data.mail (key, person_id, kind, address, subject, body, message_id, state)
    VALUES (post.key, post.person_id, post.kind, person.email,
            left(lpr_data.fill_mail(template.subject, "values"), 500),
            lpr_data.fill_mail(template.body, "values"), lpr_data.message_id(post.key),
            -- Others' open transactions are not waited for: side by side a few more may go.
            CASE WHEN (SELECT count(*) >= lpr_data.most_mails() FROM lpr_data.mail AS m
                       WHERE m.person_id = post.person_id AND m.kind = post.kind COLLATE "C" AND m.state <> 'withheld'
                         AND m.made_at >= lpr_data.utc_today()::timestamp AT TIME ZONE 'UTC') THEN 'withheld'
                 ELSE 'waiting' END)
    ON CONFLICT ON CONSTRAINT mail_key_key DO NOTHING;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION lpr_data.post(text, integer, text, jsonb) IS
    'Puts a mail to a person into the outbox, as part of the caller''s transaction (A2); false when there was one of '
    'that key. kind, values: see lpr_data.mail_placeholders(); name is filled in by itself. A value that is missing '
    'or not listed, or holds control characters, is an error. Beyond lpr_data.most_mails() of a kind and day it is '
    'withheld: a row that is not sent, and is counted in a mail of the next day.';

CREATE FUNCTION lpr_data.tell_withheld()
    RETURNS integer
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(sum(lpr_data.post(w.key, w.person_id, 'withheld',
                                      jsonb_build_object('mails', w.mails, 'day', w.day, 'subject', w.subject))
                        ::integer), 0)::integer
    FROM (SELECT m.person_id, (m.made_at AT TIME ZONE 'UTC')::date AS day, count(*) AS mails, max(m.subject) AS subject,
                 format('withheld:%s:%s:%s', m.person_id, m.kind, (m.made_at AT TIME ZONE 'UTC')::date) AS key
          FROM lpr_data.mail AS m
          WHERE m.state = 'withheld' AND m.made_at < lpr_data.utc_today()::timestamp AT TIME ZONE 'UTC'
            AND m.made_at >= lpr_data.utc_today() - interval '10 days'
          GROUP BY m.person_id, m.kind, (m.made_at AT TIME ZONE 'UTC')::date) AS w
    WHERE NOT EXISTS (SELECT FROM lpr_data.mail AS t
                      WHERE t.key = w.key COLLATE "C");
END;
COMMENT ON FUNCTION lpr_data.tell_withheld() IS
    'Posts a mail to everybody of whose mails some were withheld on a day that is over, a mail a kind and day; how '
    'many.';

CREATE FUNCTION lpr.retry_mail(mail_id bigint)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM lpr_data.administering('A2');
    UPDATE lpr_data.mail AS m
    SET state = 'waiting', next_try_at = clock_timestamp(), address = p.email
    FROM lpr_data.person AS p
    WHERE m.mail_id = retry_mail.mail_id AND p.person_id = m.person_id AND m.state IN ('waiting', 'failed');
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('mail %s does not wait and has not failed', coalesce(mail_id::text, 'NULL')),
            HINT = 'SELECT * FROM lpr.mail;';
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.retry_mail(bigint) TO lpr_admin;
COMMENT ON FUNCTION lpr.retry_mail(bigint) IS
    'Has a mail of lpr.mail that failed, or that waits for its next try, sent at once, to the person''s address as it '
    'is registered now.';

CREATE VIEW lpr.mail WITH (security_barrier) AS
SELECT m.mail_id, m.key, m.kind, p.login, p.name, m.address, m.subject, m.made_at, m.state, m.attempts,
       CASE WHEN m.state IN ('waiting', 'sending') THEN m.next_try_at END AS next_try_at, m.last_error, m.sent_at
FROM lpr_data.mail AS m
JOIN lpr_data.person AS p ON p.person_id = m.person_id;
GRANT SELECT ON lpr.mail TO lpr_admin, lpr_oversight;
COMMENT ON VIEW lpr.mail IS 'Every mail, without its text: what waits, what was sent, what failed and why (A2).';
COMMENT ON COLUMN lpr.mail.mail_id IS 'Number of the mail, for lpr.retry_mail().';
COMMENT ON COLUMN lpr.mail.key IS 'What caused it.';
COMMENT ON COLUMN lpr.mail.kind IS
    'What it tells: authorization, request_waiting, denied, suspended, revoked, training_due, recertification_due, '
    'access_ends, items_due, display_due, display_month, review_due, hits, withheld.';
COMMENT ON COLUMN lpr.mail.login IS 'Login of the person it is for.';
COMMENT ON COLUMN lpr.mail.name IS 'That person''s name.';
COMMENT ON COLUMN lpr.mail.address IS 'Where it goes.';
COMMENT ON COLUMN lpr.mail.subject IS 'Its subject.';
COMMENT ON COLUMN lpr.mail.made_at IS 'When it was caused.';
COMMENT ON COLUMN lpr.mail.state IS
    'waiting, sending, sent, failed: the mail server refused it for good; withheld: too many of its kind that day.';
COMMENT ON COLUMN lpr.mail.attempts IS 'How often it was tried.';
COMMENT ON COLUMN lpr.mail.next_try_at IS
    'Of one that waits: when it is tried next, if the mail server can be reached.';
COMMENT ON COLUMN lpr.mail.last_error IS 'Why the last try failed.';
COMMENT ON COLUMN lpr.mail.sent_at IS 'When the mail server took it.';

CREATE FUNCTION lpr_data.mailer(OUT state text, OUT reason text)
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_mailer';
COMMENT ON FUNCTION lpr_data.mailer() IS 'How the mail worker stands, from shared memory.';

CREATE FUNCTION lpr.mail_status(
    OUT worker text,
    OUT reason text,
    OUT waiting bigint,
    OUT failed bigint,
    OUT oldest_waiting_at timestamp with time zone,
    OUT last_sent_at timestamp with time zone
)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.watching('A2', 'lpr_oversight', 'lpr_admin');
    SELECT w.state, w.reason, m.waiting, m.failed, m.oldest_waiting_at, m.last_sent_at
    FROM lpr_data.mailer() AS w
    CROSS JOIN (SELECT count(*) FILTER (WHERE m.state IN ('waiting', 'sending')),
                       count(*) FILTER (WHERE m.state = 'failed'),
                       min(m.made_at) FILTER (WHERE m.state IN ('waiting', 'sending')), max(m.sent_at)
                FROM lpr_data.mail AS m) AS m (waiting, failed, oldest_waiting_at, last_sent_at);
END;
GRANT EXECUTE ON FUNCTION lpr.mail_status() TO lpr_oversight, lpr_admin;
COMMENT ON FUNCTION lpr.mail_status() IS
    'How mail stands, one row (A2): worker (ready; off: lpr.smtp_url is not set; stuck, with the reason; down), mails '
    'that wait, since when the oldest does, mails that failed, when the last was sent. See lpr.mail for each.';
