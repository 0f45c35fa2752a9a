-- 43-consent: the rules of use, and the agreement to them at each logon (A5). The agreement lives in the session's own
-- process and nowhere else: it is bound to that process, the login that connected and the versions of the texts, and no
-- setting, role or rollback makes one. Each system has its text; who has access to several agrees to the texts of all.

CREATE TABLE lpr_data.rules (
    version integer PRIMARY KEY CHECK (version > 0),
    text text NOT NULL CHECK (text ~ '[^[:space:]]'),
    since timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
    author text,
    system text COLLATE "C" REFERENCES lpr_data.system
);
SELECT pg_catalog.pg_extension_config_dump('lpr_data.rules', 'WHERE version > 1');
SELECT lpr_data.audit_changes_of('lpr_data.rules', plain => '{author}', long => '{text}');
SELECT lpr_data.only_adds('lpr_data.rules');
COMMENT ON TABLE lpr_data.rules IS
    'The rules of use, a row a version; for each system the newest holds that is its own, or that is for all (A5).';
COMMENT ON COLUMN lpr_data.rules.version IS '1, 2, 3, ...';
COMMENT ON COLUMN lpr_data.rules.text IS 'What is agreed to.';
COMMENT ON COLUMN lpr_data.rules.since IS 'From when on it holds.';
COMMENT ON COLUMN lpr_data.rules.author IS 'Login that wrote it; NULL for the one that came with lpr.';
COMMENT ON COLUMN lpr_data.rules.system IS
    'Of which system it is; NULL: of all, in place of those that they had (A5).';
INSERT INTO lpr_data.rules (version, text)
VALUES (1, array_to_string(ARRAY[
    'RULES OF USE - commercial licence-plate-reader data',
    '',
    'You are about to use an information system of the United States Government.',
    '',
    '1. Permissible uses. You query this data only for an ongoing law-enforcement or border-security matter that you '
    'work on, that you name with each query, and for',
    '   which you need to know. Typical uses: to locate a subject of a criminal investigation or a wanted person, to '
    'follow a vehicle suspected of carrying contraband,',
    '   to find the connection between a vehicle and an address known for criminal activity. Not permitted: '
    'curiosity, anything personal, generating new leads from',
    '   patterns without a matter, watching people for what the law protects.',
    '2. You have no reasonable expectation of privacy. Each query, with its plate, its matter and its time, is '
    'recorded, kept, and reviewed.',
    '3. A read locates a vehicle, not a person, and may be wrong. You take no action on it alone.',
    '4. What you do not save for a matter with a statement of relevance is gone within 24 hours. You keep no copies '
    'elsewhere.',
    '5. You disclose it to others only as the routine uses of its system of records allow, and on record.',
    '6. Improper use may result in disciplinary action, up to removal, and in civil and criminal penalties.',
    '',
    'By accepting you say that you have read and understood this, and agree to it.'], E'\n'));

CREATE TABLE lpr_data.consent_time (
    name text COLLATE "C" PRIMARY KEY DEFAULT 'consent' CHECK (name = 'consent'),
    lasts interval NOT NULL CHECK (lasts >= '15 minutes' AND lasts <= '12 hours'),
    idle interval NOT NULL CHECK (idle >= '1 minute' AND idle <= '1 hour'),
    shipped boolean NOT NULL DEFAULT false
);
SELECT lpr_data.ships('lpr_data.consent_time', 'name');
SELECT lpr_data.audit_changes_of('lpr_data.consent_time');
COMMENT ON TABLE lpr_data.consent_time IS 'How long an agreement to the rules holds: one row (A5).';
COMMENT ON COLUMN lpr_data.consent_time.name IS 'consent.';
COMMENT ON COLUMN lpr_data.consent_time.lasts IS 'At most this long: 15 minutes to 12 hours.';
COMMENT ON COLUMN lpr_data.consent_time.idle IS
    'After this long without a statement it is renewed by one call: 1 minute to 1 hour.';
COMMENT ON COLUMN lpr_data.consent_time.shipped IS 'Whether it stands as it came with lpr.';
INSERT INTO lpr_data.consent_time (lasts, idle, shipped) VALUES ('12 hours', '30 minutes', true);

CREATE FUNCTION lpr.set_consent_time(lasts interval DEFAULT NULL, idle interval DEFAULT NULL)
    RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT lpr_data.administering('A5', 'lpr_privacy');
    UPDATE lpr_data.consent_time AS t
    SET lasts = coalesce(set_consent_time.lasts, t.lasts), idle = coalesce(set_consent_time.idle, t.idle),
        shipped = false;
END;
GRANT EXECUTE ON FUNCTION lpr.set_consent_time(interval, interval) TO lpr_privacy;
COMMENT ON FUNCTION lpr.set_consent_time(interval, interval) IS
    'How long an agreement to the rules holds from now on (A5). lasts: 15 minutes to 12 hours; idle: after how long '
    'without a statement it is renewed, 1 minute to 1 hour; NULL leaves as it is.';

-- The gate asks it about every question, so it is one SELECT that melts into the gate's.
CREATE FUNCTION lpr_data.texts_of(systems text[])
    RETURNS TABLE (version integer, systems text[])
    LANGUAGE sql STABLE
AS $$
    SELECT t.version, array_agg(s.system ORDER BY s.system)
    FROM lpr_data.system AS s
    CROSS JOIN LATERAL (SELECT max(r.version) AS version FROM lpr_data.rules AS r
                        WHERE r.system = s.system OR r.system IS NULL) AS t
    WHERE texts_of.systems = '{}' OR s.system = ANY (texts_of.systems)
    GROUP BY t.version
$$;
COMMENT ON FUNCTION lpr_data.texts_of(text[]) IS
    'The texts of rules that hold for some systems, or for all (none named), and for which of them each (A5).';

CREATE FUNCTION lpr_data.systems_of(person_id integer, moment timestamp with time zone)
    RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT DISTINCT unnest(e.systems)
             FROM lpr_data.entitlements(systems_of.person_id, systems_of.moment) AS e WHERE e.holds);
COMMENT ON FUNCTION lpr_data.systems_of(integer, timestamp with time zone) IS
    'The systems that a person has access to; none of somebody who has no grant, such as who reads by duty (A5, A7).';

CREATE FUNCTION lpr_data.my_texts()
    RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN (SELECT string_agg(t.version::text, ',' ORDER BY t.version)
        FROM lpr_data.texts_of(lpr_data.systems_of(lpr_data.me(), clock_timestamp())) AS t);
COMMENT ON FUNCTION lpr_data.my_texts() IS
    'Versions of the texts of rules that the connected person agrees to, such as 1 or 3,5: those of the systems that '
    'they have access to, or else of all (A5).';

CREATE FUNCTION lpr_data.named_texts(versions text)
    RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN versions ~ ',' THEN 'versions ' || replace(versions, ',', ', ') ELSE 'version ' || versions END;
COMMENT ON FUNCTION lpr_data.named_texts(text) IS 'version 1, or versions 3, 5.';

CREATE FUNCTION lpr_data.consent_code(versions text)
    RETURNS text
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_consent_make_code';
COMMENT ON FUNCTION lpr_data.consent_code(text) IS
    'A new one-time code of this session for those versions of the rules.';

CREATE FUNCTION lpr_data.take_code(code text)
    RETURNS text
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_consent_redeem_code';
COMMENT ON FUNCTION lpr_data.take_code(text) IS
    'The versions that the code was given out for in this session, by an earlier statement and message, or NULL. All '
    'codes that were given out are void afterwards.';

CREATE FUNCTION lpr_data.renewal_code()
    RETURNS text
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_consent_renewal_code';
COMMENT ON FUNCTION lpr_data.renewal_code() IS
    'A one-time code of this session that renews the agreement of somebody who was away; NULL = nothing was agreed to.';

CREATE FUNCTION lpr_data.renewed()
    RETURNS timestamp with time zone
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_consent_renewed';
COMMENT ON FUNCTION lpr_data.renewed() IS
    'When the rules were agreed to whose agreement the code that was taken last renews; NULL = it renews none.';

CREATE FUNCTION lpr_data.agree(versions text, agreed_at timestamp with time zone, passing boolean)
    RETURNS void
    LANGUAGE c VOLATILE STRICT
AS 'MODULE_PATHNAME', 'lpr_consent_agree_to';
COMMENT ON FUNCTION lpr_data.agree(text, timestamptz, boolean) IS
    'From now on this session has agreed to those versions, at that time; passing: until its transaction ends. Called '
    'by lpr.accept_rules() once that is on record, and by lpr.resume().';

-- Behind a pooler the agreement of one transaction is found again in the next by a token. What is kept of it is no
-- secret, is worth nothing after a day, and need not survive a crash.
CREATE UNLOGGED TABLE lpr_data.consent_token (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    person_id integer NOT NULL REFERENCES lpr_data.person,
    versions text COLLATE "C" NOT NULL,
    consent bigint NOT NULL,
    agreed_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE lpr_data.consent_token IS
    'Agreements that are found again from transaction to transaction, behind a pooler (A5).';
COMMENT ON COLUMN lpr_data.consent_token.digest IS 'SHA-256 of the token, which nobody else has.';
COMMENT ON COLUMN lpr_data.consent_token.person_id IS 'Who agreed.';
COMMENT ON COLUMN lpr_data.consent_token.versions IS 'To which versions of the rules.';
COMMENT ON COLUMN lpr_data.consent_token.consent IS
    'Number of the record of it in the log: a row without one is worth nothing.';
COMMENT ON COLUMN lpr_data.consent_token.agreed_at IS 'When; what is renewed was agreed to before that record.';
COMMENT ON COLUMN lpr_data.consent_token.used_at IS 'When it was last used, to a minute.';

CREATE FUNCTION lpr.rules(OUT version integer, OUT code text, OUT text text)
    RETURNS SETOF record
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    ROWS 1
AS $$
BEGIN
    -- One that is for all systems, and holds for all, needs no heading.
    SELECT max(t.version), string_agg(concat(CASE WHEN r.system IS NOT NULL OR t.texts > 1
                                                  THEN format(E'For %s:\n\n', array_to_string(t.systems, ', ')) END,
                                             lpr_data.with_clauses('rules', r.text)), E'\n\n' ORDER BY t.version)
    INTO rules.version, rules.text
    FROM (SELECT o.version, o.systems, count(*) OVER () AS texts
          FROM lpr_data.texts_of(lpr_data.systems_of(lpr_data.me(), clock_timestamp())) AS o) AS t
    JOIN lpr_data.rules AS r ON r.version = t.version;
    rules.code := lpr_data.consent_code(lpr_data.my_texts());
    RETURN NEXT;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.rules() TO lpr_member;
COMMENT ON FUNCTION lpr.rules() IS
    'The rules of use as they stand, of the systems that you have access to (without access, of all), with a code, '
    'good once and in this session only, with which lpr.accept_rules(code) agrees to them (A5). version: the newest '
    'of them.';

CREATE FUNCTION lpr_data.elsewhere()
    RETURNS text
    LANGUAGE plpgsql STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(DISTINCT coalesce(host(s.client_addr), 'local'), ', ')
            FROM pg_stat_activity AS s
            WHERE s.usename = lpr.login() AND s.pid <> pg_backend_pid() AND s.backend_type = 'client backend'
              AND s.client_addr IS DISTINCT FROM (SELECT o.client_addr FROM pg_stat_activity AS o
                                                  WHERE o.pid = pg_backend_pid()));
END
$$;
GRANT EXECUTE ON FUNCTION lpr_data.elsewhere() TO lpr_verb;
COMMENT ON FUNCTION lpr_data.elsewhere() IS
    'The addresses, other than this session''s, from which the authenticated login is connected as well; NULL = none. '
    'A superuser''s, since pg_stat_activity shows addresses to no other role.';

CREATE FUNCTION lpr_data.client_program()
    RETURNS text
    LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'lpr_session_client_program';
COMMENT ON FUNCTION lpr_data.client_program() IS
    'The program at the other end of a socket of this machine; NULL = another connection, or it cannot be told.';

CREATE FUNCTION lpr_data.check_same_user()
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (lpr_data.session()).same_user THEN
        PERFORM lpr_data.refuse('A5', 'LP021', 'the session''s user is not the login that connected',
                                'The rules are agreed to by the login that authenticated, as itself.',
                                'RESET SESSION AUTHORIZATION; or connect as yourself.');
    END IF;
END
$$;
COMMENT ON FUNCTION lpr_data.check_same_user() IS
    'Refuses to agree to the rules under another user than the login that connected. Error LP021.';

CREATE FUNCTION lpr_data.make_token(versions text, consent bigint, agreed_at timestamp with time zone)
    RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token text := replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '');
BEGIN
    -- Somebody else who has agreed, and whose transaction goes on, takes them away as well: nobody waits for that.
    BEGIN
        DELETE FROM lpr_data.consent_token AS t
        WHERE t.digest IN (SELECT o.digest FROM lpr_data.consent_token AS o, lpr_data.consent_time AS c
                           WHERE o.agreed_at < clock_timestamp() - c.lasts FOR UPDATE OF o SKIP LOCKED);
    EXCEPTION WHEN serialization_failure THEN NULL;
    END;
    INSERT INTO lpr_data.consent_token (digest, person_id, versions, consent, agreed_at, used_at)
    VALUES (sha256(token::bytea), lpr_data.me(), make_token.versions, make_token.consent, make_token.agreed_at,
            clock_timestamp());
    RETURN token;
END
$$;
COMMENT ON FUNCTION lpr_data.make_token(text, bigint, timestamptz) IS
    'A new token for the connected person''s agreement, of 244 random bits. Those that are over go.';

CREATE FUNCTION lpr.accept_rules(code text)
    RETURNS text
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given text := lpr_data.take_code(code);
    me record;
    elsewhere text;
    passing boolean;
    lasts text;
    agreed_at timestamptz := coalesce(lpr_data.renewed(), clock_timestamp());
    consent bigint;
    token text;
BEGIN
    SELECT s.* INTO me FROM lpr_data.session() AS s;
    passing := lpr_data.check_network('A6') = 'pooler';
    IF passing AND current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION USING
            ERRCODE = 'read_only_sql_transaction',
            MESSAGE = 'the rules are not agreed to in a transaction that only reads',
            DETAIL = 'Behind a pooler a token is kept of it, by which further transactions go, those that only read as '
                     'well.',
            HINT = 'BEGIN READ WRITE; SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...'');';
    END IF;
    PERFORM lpr_data.check_same_user();
    IF NOT me.client THEN
        PERFORM lpr_data.refuse('A5', 'LP029', 'no person is connected who could agree',
                                'The rules are agreed to by a person at a client, not by a job or another session of '
                                'this server.',
                                'Connect with a client of your own.');
    END IF;
    IF given IS NULL THEN
        PERFORM lpr_data.refuse('A5', 'LP028', 'that code is not the one of these rules',
                                'A code is good once, in a statement after the one that showed it, in that session.',
                                'SELECT * FROM lpr.rules(); then, by itself, SELECT lpr.accept_rules(''...the '
                                'code...'');');
    END IF;
    IF given <> lpr_data.my_texts() THEN
        PERFORM lpr_data.refuse('A5', 'LP028', 'the rules have changed since you were shown them',
                                'What is agreed to are the texts that hold now, of the systems that you have access '
                                'to.',
                                'SELECT * FROM lpr.rules();');
    END IF;
    consent := lpr_data.audit_record('consent', 'A5', NULL,
                                     format('agreed to %s of the rules', lpr_data.named_texts(given)));
    IF passing THEN
        -- The event that somebody named before this session was known to be behind a pooler is not this client's.
        PERFORM lpr_data.pass_work();
        token := lpr_data.make_token(given, consent, agreed_at);
    END IF;
    PERFORM lpr_data.agree(given, agreed_at, passing);
    -- A login is one person's, who is in one place (A1).
    elsewhere := lpr_data.elsewhere();
    IF elsewhere IS NOT NULL THEN
        PERFORM lpr_data.audit_record('flag', 'A1', NULL,
                                      format('login "%s" is also connected from %s', lpr.login(), elsewhere));
    END IF;
    IF NOT passing AND lpr_data.client_program() IN ('odyssey', 'pgagroal', 'pgbouncer', 'pgcat', 'pgpool') THEN
        PERFORM lpr_data.audit_record('flag', 'A5', NULL,
                                      format('the client of login "%s" is %s, which may hand the session on',
                                             lpr.login(), lpr_data.client_program()));
    END IF;
    SELECT CASE WHEN t.lasts >= '1 hour' AND extract(minute FROM t.lasts) = 0
                THEN extract(hour FROM t.lasts)::integer || ' hours'
                ELSE (extract(epoch FROM t.lasts) / 60)::integer || ' minutes' END
    INTO lasts FROM lpr_data.consent_time AS t;
    PERFORM lpr_data.tell_grace(lpr_data.me());
    IF passing THEN
        RETURN format(E'You have agreed to %s of the rules, for at most %s. Behind a pooler, at the beginning '
                      'of each transaction:\nSELECT lpr.resume(%L, event => ...);',
                      lpr_data.named_texts(given), lasts, token);
    END IF;
    RETURN format('You have agreed to %s of the rules, for this session and at most %s.', lpr_data.named_texts(given),
                  lasts);
END
$$;
GRANT EXECUTE ON FUNCTION lpr.accept_rules(text) TO lpr_member;
COMMENT ON FUNCTION lpr.accept_rules(text) IS
    'Agrees to the rules of use, with the code that an earlier statement showed: lpr.rules(), or after half an hour '
    'without a statement the hint of LP028 (A5). It holds for this session, this login and these versions of the '
    'texts; it ends after 12 hours (lpr.set_consent_time), with DISCARD, a change of session authorization, a new '
    'version, or access to a system with another text. Behind a pooler (lpr.client_networks) it holds for the '
    'transaction, and the text that is returned holds the call of lpr.resume() that each further one begins with. On '
    'record before it counts. A second session of the login from another address is flagged there (A1). Errors LP028 '
    '(not the code, shown by this statement, or the rules have changed), LP029 (no client), LP037 (not a network of '
    'the agency''s), LP021, 25006 (behind a pooler, in a transaction that only reads).';

CREATE FUNCTION lpr.resume(token text, event bigint DEFAULT NULL)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mark bytea := sha256(coalesce(resume.token, '')::bytea);
    t record;
BEGIN
    PERFORM lpr_data.check_same_user();
    IF lpr_data.check_network('A6') = 'direct' THEN
        PERFORM lpr_data.refuse('A5', 'LP028', 'a token is for those behind a pooler',
                                'From your network what is agreed to holds for the session, as does the event.',
                                'SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...''); and '
                                'SELECT lpr.work_on(...);');
    END IF;
    -- What is in the table a superuser may have written; the log says who agreed. In it one looks at these hours only.
    SELECT c.versions, c.agreed_at, c.used_at,
           string_to_array(c.versions, ',') @> string_to_array(lpr_data.my_texts(), ',') AS newest,
           clock_timestamp() < least(c.agreed_at, a.at) + o.lasts AS lasts,
           clock_timestamp() < c.used_at + o.idle AS here
    INTO t
    FROM lpr_data.consent_token AS c
    CROSS JOIN lpr_data.consent_time AS o
    JOIN lpr_data.audit AS a ON a.number = c.consent AND a.at > now() - interval '1 day'
    WHERE c.digest = mark AND c.person_id = lpr_data.me() AND a.kind = 'consent' AND a.login = lpr.login()
      AND a.payload::json ->> 'what' = format('agreed to %s of the rules', lpr_data.named_texts(c.versions));
    IF (t.newest AND t.lasts AND t.here) IS NOT TRUE THEN
        PERFORM lpr_data.refuse('A5', 'LP028',
                                CASE WHEN t.versions IS NULL THEN 'that token is none of yours'
                                     WHEN NOT t.newest THEN 'the rules have changed since you agreed to them'
                                     WHEN NOT t.lasts THEN 'you agreed to the rules too long ago'
                                     ELSE 'you were away for some time' END,
                                'A token is good for who agreed, for that version of the rules, for some hours, and '
                                'as long as it is used.',
                                'BEGIN; SELECT * FROM lpr.rules(); then SELECT lpr.accept_rules(''...the code...'');');
    END IF;
    -- Side by side one of them notes it, also when this one sees the table as it was before; a transaction that only
    -- reads notes nothing.
    IF t.used_at < clock_timestamp() - interval '1 minute'
       AND NOT current_setting('transaction_read_only')::boolean THEN
        BEGIN
            PERFORM FROM lpr_data.consent_token AS c WHERE c.digest = mark FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE lpr_data.consent_token AS c SET used_at = clock_timestamp() WHERE c.digest = mark;
            END IF;
        EXCEPTION WHEN serialization_failure THEN NULL;
        END;
    END IF;
    PERFORM lpr_data.agree(t.versions, t.agreed_at, true);
    PERFORM lpr_data.work_on(event, true);
    RETURN event;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.resume(text, bigint) TO lpr_member;
COMMENT ON FUNCTION lpr.resume(text, bigint) IS
    'Behind a pooler, at the beginning of each transaction: what was agreed to with lpr.accept_rules(), found again by '
    'the token that it returned, and the event to work on; both hold until the transaction ends (A5, Q7). Half an hour '
    'without use ends it. Errors LP028 (not a token of yours, or over, or not behind a pooler), LP037, LP041, LP021.';

CREATE FUNCTION lpr.set_rules(text text, system text DEFAULT NULL)
    RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    said text;
    number integer;
BEGIN
    PERFORM lpr_data.administering('A5', 'lpr_privacy');
    IF system IS NOT NULL AND NOT EXISTS (SELECT FROM lpr_data.system AS s
                                          WHERE s.system = set_rules.system COLLATE "C") THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('system "%s" does not exist', system),
            HINT = format('Systems: %s.', (SELECT string_agg(s.system, ', ' ORDER BY s.system)
                                           FROM lpr_data.system AS s));
    END IF;
    said := lpr_data.fill_clauses('rules', text);
    PERFORM lpr_data.check_clauses('A5', 'rules', said,
                                   'SELECT lpr.set_rules(''...your text... %s''' ||
                                   CASE WHEN system IS NOT NULL THEN format(', system => %L', system) ELSE '' END
                                   || ');');
    INSERT INTO lpr_data.rules (version, text, author, system)
    SELECT max(r.version) + 1, said, lpr.login(), set_rules.system FROM lpr_data.rules AS r
    RETURNING version INTO number;
    RETURN number;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.set_rules(text, text) TO lpr_privacy;
COMMENT ON FUNCTION lpr.set_rules(text, text) IS
    'A new version of the rules of use; returns its number (A5). system: which system''s; NULL: of all, in place of '
    'those that they had. Who has access to it has to agree anew before the next query. The text contains the clauses '
    'of lpr.clauses; {code}, such as {discipline}, stands for one. Errors LP039 (which lack), LP033 (not the privacy '
    'officer).';
