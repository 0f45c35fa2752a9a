-- 76-log-month: months of the audit log, of which the digests are left once nothing refers to them any more (E10). A
-- record that is gone keeps its number, its place in the chain and its leaf of the tree (docs/audit-format.md), so that
-- all others are proved as before.

-- What refers to records of the log, by their numbers: one list. regress/house looks for columns that are not in it.
CREATE FUNCTION lpr_data.log_referrers()
    RETURNS TABLE (relation regclass, "column" name, what text)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    VALUES ('lpr_data.event_read'::regclass, 'ask'::name, 'a saved read, which the question explains'),
           ('lpr_data.event_read', 'answer', 'a saved read, which the answer proves'),
           ('lpr_data.hit', 'answer', 'a hit, which the answer proves'),
           ('lpr_data.consent_token', 'consent', 'an agreement of which a session still lives')
$$;
COMMENT ON FUNCTION lpr_data.log_referrers() IS
    'Columns that hold numbers of records of the log: as long as one does, its month is kept (E10). What is cached has '
    'such numbers too, and is gone before a month can be due.';

CREATE FUNCTION lpr_data.is_referred(first bigint, last bigint)
    RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    referred boolean;
BEGIN
    EXECUTE (SELECT 'SELECT ' || string_agg(format('EXISTS (SELECT FROM %s AS t WHERE t.%I BETWEEN $1 AND $2)',
                                                   r.relation, r."column"), ' OR ')
             FROM lpr_data.log_referrers() AS r) INTO referred USING first, last;
    RETURN referred;
END
$$;
COMMENT ON FUNCTION lpr_data.is_referred(bigint, bigint) IS
    'Whether anything refers to one of these records of the log.';

CREATE FUNCTION lpr_data.log_months()
    RETURNS TABLE (month bigint, over_at timestamp with time zone, held boolean, waits boolean, records bigint,
                   digest bytea)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    log_table name;
    first_number bigint;
    last_number bigint;
    gone boolean;
BEGIN
    FOR log_table IN
        SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('lpr_data.audit') AND c.relname ~ '^audit_[0-9]{4}_[0-9]{2}$'
        ORDER BY c.relname COLLATE "C"
    LOOP
        month := replace(substr(log_table, 7), '_', '');
        over_at := to_timestamp(month::text, 'YYYYMM') + interval '1 month';
        CONTINUE WHEN over_at > clock_timestamp();
        EXECUTE format('SELECT min(a.number), max(a.number) FROM lpr_data.%I AS a', log_table)
            INTO first_number, last_number;
        CONTINUE WHEN first_number IS NULL;
        EXECUTE format('SELECT a.digest, a.kind = ''gone'' FROM lpr_data.%I AS a WHERE a.number = $1', log_table)
            INTO digest, gone USING last_number;
        CONTINUE WHEN gone;
        records := last_number - first_number + 1;
        -- Whatever was asked for an event, and done with it, since it was opened.
        held := EXISTS (SELECT FROM lpr_data.legal_hold AS h JOIN lpr_data.event AS e ON e.event_id = h.event_id
                        WHERE h.lifted_at IS NULL AND e.opened_at < over_at);
        waits := lpr_data.is_referred(first_number, last_number);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lpr_data.log_months() IS
    'The months of the log that are over and still there: whether a legal hold stands on an event that had been opened '
    'by then, whether anything refers to them, how many records, and the digest of the last one.';

CREATE FUNCTION lpr_data.month_table(month bigint)
    RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN to_regclass('lpr_data.audit_' || to_char(to_timestamp(month::text, 'YYYYMM'), 'YYYY_MM'));
COMMENT ON FUNCTION lpr_data.month_table(bigint) IS 'The partition of a month of the log, such as 202601; NULL = none.';

CREATE FUNCTION lpr_data.month_tables(months bigint[])
    RETURNS regclass[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT lpr_data.month_table(m) FROM unnest(months) AS m ORDER BY m);
COMMENT ON FUNCTION lpr_data.month_tables(bigint[]) IS 'The partitions of months of the log.';

CREATE FUNCTION lpr_data.is_month_let_go(log_table name)
    RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM lpr_data.disposal_part AS p
               WHERE p.disposal_id = lpr_data.disposal_under_way() AND p.kind = 'log' AND p.state = 'destroyed'
                 AND log_table = 'audit_' || to_char(to_timestamp(p.key::text, 'YYYYMM'), 'YYYY_MM'));
COMMENT ON FUNCTION lpr_data.is_month_let_go(name) IS
    'Whether a table of the log is that of a month which this very transaction destroys.';

CREATE FUNCTION lpr_data.leaves(log_table regclass, log bytea)
    RETURNS TABLE (number bigint, leaf bytea)
    LANGUAGE c STABLE STRICT
AS 'MODULE_PATHNAME', 'lpr_audit_leaves';
COMMENT ON FUNCTION lpr_data.leaves(regclass, bytea) IS
    'The leaf of each record of a table of the log, in its tree (docs/audit-format.md).';

CREATE FUNCTION lpr_data.empty_month(month bigint)
    RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    log_table regclass := lpr_data.month_table(month);
BEGIN
    -- Its triggers let nothing else go than what a released list has.
    EXECUTE format(
        'UPDATE %s AS a
         SET at = $1, kind = ''gone'', login = NULL, pid = NULL, session_started = NULL, event_id = NULL, source = NULL,
             mode = NULL, ask = NULL, control = NULL, sqlstate = NULL, salt = NULL, payload = NULL,
             payload_digest = l.leaf
         FROM lpr_data.leaves(%L, (SELECT x.id FROM lpr_data.log AS x)) AS l
         WHERE l.number = a.number', log_table, log_table)
        USING to_timestamp(month::text, 'YYYYMM');
END
$$;
GRANT EXECUTE ON FUNCTION lpr_data.empty_month(bigint) TO lpr_verb;
COMMENT ON FUNCTION lpr_data.empty_month(bigint) IS
    'Leaves of a month of the log what others are proved by: number, digest of the chain, and leaf. A superuser''s, '
    'since nobody has rights on the log.';
