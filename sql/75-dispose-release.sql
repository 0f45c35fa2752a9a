-- 75-dispose-release: a list of what is due about people is released, and destroyed (E10).

CREATE FUNCTION lpr_data.lock_records(tables regclass[])
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- From now on placing a hold and withdrawing a schedule wait; one that has begun comes first.
    LOCK TABLE lpr_data.legal_hold, lpr_data.schedule_step IN SHARE MODE;
    PERFORM lpr_data.lock_table(t) FROM unnest(tables) AS t;
EXCEPTION
    WHEN lock_not_available OR deadlock_detected THEN
        RAISE EXCEPTION USING
            ERRCODE = 'lock_not_available',
            MESSAGE = 'records or holds are in use just now',
            DETAIL = 'Destruction locks their tables, and waits 10 seconds for the locks.',
            HINT = 'Try again later, or find who holds them: SELECT pid, relation::regclass FROM pg_locks;';
END
$$;
COMMENT ON FUNCTION lpr_data.lock_records(regclass[]) IS
    'Takes tables for this transaction alone, and keeps holds and schedules as they are.';

CREATE FUNCTION lpr_data.refuse_empty(release bigint)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM lpr_data.disposal_part AS p WHERE p.disposal_id = release AND p.state = 'held') THEN
        PERFORM lpr_data.refuse('E9', 'LP063', format('a legal hold stands on all that list %s has', release),
                                'What is under a legal hold stays as it is.', 'SELECT * FROM lpr.holds;');
    END IF;
    PERFORM lpr_data.refuse('E10', 'LP034', format('list %s no longer has what is due', release),
                            'Only what was listed goes.', 'SELECT lpr.dispose_due(); lists anew.');
END
$$;
COMMENT ON FUNCTION lpr_data.refuse_empty(bigint) IS 'Refuses a list of which nothing goes. Errors LP063 and LP034.';

CREATE FUNCTION lpr.release_disposal(disposal bigint, reason text)
    RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '10s'
AS $$
#variable_conflict use_column
DECLARE
    who integer := lpr_data.acting('lpr_records_officer', 'E10');
    d lpr_data.disposal;
    tables regclass[];
    gone bigint;
BEGIN
    PERFORM lpr_data.fresh_snapshots();
    d := lpr_data.check_release(release_disposal.disposal, who);
    PERFORM lpr_data.check_reason('reason', reason, 'E10');
    PERFORM lpr_data.lock_records('{}');
    IF lpr_data.judge_parts(d) = 0 THEN
        PERFORM lpr_data.refuse_empty(d.disposal_id);
    END IF;
    tables := lpr_data.tables_of(ARRAY(SELECT DISTINCT p.kind FROM lpr_data.disposal_part AS p
                                       WHERE p.disposal_id = d.disposal_id AND p.state = 'destroyed'))
              || lpr_data.month_tables(ARRAY(SELECT p.key FROM lpr_data.disposal_part AS p
                                             WHERE p.disposal_id = d.disposal_id AND p.kind = 'log'
                                               AND p.state = 'destroyed'));
    -- What refuses from here on would not be on record: the audit writer waits for these tables, and we for it.
    PERFORM lpr_data.lock_records(tables);
    gone := lpr_data.judge_parts(d);
    PERFORM lpr_data.destroy_records(d);
    IF gone = 0 OR EXISTS (SELECT FROM lpr_data.due_records(d.made_at, d.salt) AS r
                           JOIN lpr_data.disposal_part AS p ON (p.kind, p.key) = (r.kind, r.key)
                           WHERE p.disposal_id = d.disposal_id AND p.state = 'destroyed') THEN
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
                              MESSAGE = format('what list %s has was changed just now', d.disposal_id),
                              HINT = 'Try again.';
    END IF;
    PERFORM lpr_data.rewrite(t) FROM unnest(tables) AS t;
    UPDATE lpr_data.disposal AS x SET state = 'done', salt = NULL, released_in = NULL
    WHERE x.disposal_id = d.disposal_id;
    INSERT INTO lpr_data.disposal_certificate (disposal_id, released_by, reason, records, digest, rewritten)
    SELECT d.disposal_id, who, release_disposal.reason, gone,
           sha256(string_agg(lpr_data.digest_of_record(p.kind, p.key, p.schedule_id, p.records, p.digest), ''
                             ORDER BY p.kind COLLATE "C", p.key)), tables::text[]
    FROM lpr_data.disposal_part AS p WHERE p.disposal_id = d.disposal_id AND p.state = 'destroyed';
    RETURN gone;
END
$$;
GRANT EXECUTE ON FUNCTION lpr.release_disposal(bigint, text) TO lpr_member;
COMMENT ON FUNCTION lpr.release_disposal(bigint, text) IS
    'Destroys what a list of lpr.dispose_due() has: deletes it with all that hangs on it, writes its tables anew, so '
    'that no data file holds it, and leaves a certificate, all in one transaction; returns how many rows and records '
    '(E10). Of who left the login stays, of a month of the log the digests that others are proved by. By a records '
    'officer who neither made the list nor is, or works on, what it has. What a hold was placed on meanwhile, or is '
    'not as it was listed, stays. Questions wait meanwhile. Errors LP024 and LP033 (who may), LP034 (the list does not '
    'wait, or has nothing that is due), LP043 (the reason says nothing), LP063 (all of it is held), 55P03 (the tables '
    'are in use). Copies outside the database, such as archived WAL and backups, have their own end.';

CREATE VIEW lpr.disposals WITH (security_barrier) AS
SELECT d.disposal_id AS disposal, d.made_at, p.login AS made_by, d.state, d.records, d.digest, c.done_at,
       r.login AS released_by, c.reason, c.records AS destroyed, c.digest AS destroyed_digest, c.rewritten
FROM lpr_data.disposal AS d
LEFT JOIN lpr_data.person AS p ON p.person_id = d.made_by
LEFT JOIN lpr_data.disposal_certificate AS c ON c.disposal_id = d.disposal_id
LEFT JOIN lpr_data.person AS r ON r.person_id = c.released_by;
GRANT SELECT ON lpr.disposals TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.disposals IS
    'Lists of what about people was due for destruction, and the certificates of what was destroyed (E10).';
COMMENT ON COLUMN lpr.disposals.disposal IS 'Number, as lpr.release_disposal() takes it.';
COMMENT ON COLUMN lpr.disposals.made_at IS 'What was due then.';
COMMENT ON COLUMN lpr.disposals.made_by IS 'By whom; NULL: the server''s job.';
COMMENT ON COLUMN lpr.disposals.state IS 'waiting (for its release), superseded (by a later list), or done.';
COMMENT ON COLUMN lpr.disposals.records IS 'How many rows of tables, or records of the log, it has.';
COMMENT ON COLUMN lpr.disposals.digest IS 'SHA-256 over what it has.';
COMMENT ON COLUMN lpr.disposals.done_at IS 'When it was released and destroyed.';
COMMENT ON COLUMN lpr.disposals.released_by IS 'By whom.';
COMMENT ON COLUMN lpr.disposals.reason IS 'Why.';
COMMENT ON COLUMN lpr.disposals.destroyed IS 'How many went.';
COMMENT ON COLUMN lpr.disposals.destroyed_digest IS
    'SHA-256 over what went; the same as digest when nothing was held.';
COMMENT ON COLUMN lpr.disposals.rewritten IS 'Tables that were written anew, so that no file holds it.';

CREATE VIEW lpr.disposal_parts WITH (security_barrier) AS
SELECT p.disposal_id AS disposal, p.kind, p.key, p.schedule_id AS schedule, p.records, p.digest, p.state
FROM lpr_data.disposal_part AS p;
GRANT SELECT ON lpr.disposal_parts TO lpr_oversight, lpr_privacy, lpr_records_officer;
COMMENT ON VIEW lpr.disposal_parts IS 'What each list has, by event, person or month (E10).';
COMMENT ON COLUMN lpr.disposal_parts.disposal IS 'The list.';
COMMENT ON COLUMN lpr.disposal_parts.kind IS
    'event (with all that was written into it), access, training, mail, person (who left), log (a month).';
COMMENT ON COLUMN lpr.disposal_parts.key IS
    'Number of the event, or of the person whose records they are; year and month of the log, such as 202601.';
COMMENT ON COLUMN lpr.disposal_parts.schedule IS 'The schedule by which it is due.';
COMMENT ON COLUMN lpr.disposal_parts.records IS 'How many rows of tables, or records of the log.';
COMMENT ON COLUMN lpr.disposal_parts.digest IS 'SHA-256 over their digests.';
COMMENT ON COLUMN lpr.disposal_parts.state IS 'listed, destroyed, held or changed.';
