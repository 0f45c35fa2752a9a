-- Made by scripts/update-script: what the version before has otherwise, and all of sql/ that tells how to work.

\echo Use "ALTER EXTENSION lpr UPDATE" to load this file. \quit

-- All tables, before anything else: whoever works waits here, and not halfway behind a lock that we wait for.
DO $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN
        SELECT c.oid
        FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS c ON c.oid = d.objid
        WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
          AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid = (SELECT x.oid FROM pg_catalog.pg_extension AS x WHERE x.extname = 'lpr')
          AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'lpr_data'::pg_catalog.regnamespace
        ORDER BY c.relname
    LOOP
        EXECUTE pg_catalog.format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', relation);
    END LOOP;
END
$$;

-- All rights on what is ours: the topics give those of this version. What a site granted by itself goes as well:
-- PostgreSQL would count it among ours from now on, and no dump would hold it.
DO $$
DECLARE
    given record;
    again text[] := '{}';
BEGIN
    FOR given IN
        SELECT CASE d.classid WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'FUNCTION '
                              WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN 'TABLE ' ELSE 'SCHEMA ' END
               || n.identity AS what,
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::pg_catalog.regrole::text END AS grantee,
               pg_catalog.string_agg(DISTINCT a.privilege_type || a.of_column, ', ') FILTER (WHERE a.by_site) AS by_site
        FROM (SELECT m.classid, m.objid FROM pg_catalog.pg_depend AS m
              WHERE m.deptype = 'e' AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                AND m.refobjid = (SELECT x.oid FROM pg_catalog.pg_extension AS x WHERE x.extname = 'lpr')
              UNION ALL
              SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, o.oid
              FROM pg_catalog.pg_namespace AS o WHERE o.nspname IN ('lpr', 'lpr_data')) AS d
        LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
        LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
                                              AND c.relkind IN ('r', 'p', 'v')
        LEFT JOIN pg_catalog.pg_namespace AS s ON d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                                                  AND s.oid = d.objid
        CROSS JOIN LATERAL (
            SELECT e.grantee, e.privilege_type, x.of_column,
                   NOT EXISTS (SELECT FROM pg_catalog.pg_init_privs AS i
                               CROSS JOIN LATERAL pg_catalog.aclexplode(i.initprivs) AS o
                               WHERE i.classoid = d.classid AND i.objoid = d.objid AND i.objsubid = x.sub
                                 AND o.grantee = e.grantee AND o.privilege_type = e.privilege_type) AS by_site
            FROM (SELECT 0 AS sub, coalesce(p.proacl, c.relacl, s.nspacl) AS acl, '' AS of_column
                  UNION ALL
                  SELECT t.attnum, t.attacl, pg_catalog.format(' (%I)', t.attname)
                  FROM pg_catalog.pg_attribute AS t WHERE t.attrelid = c.oid AND NOT t.attisdropped) AS x
            CROSS JOIN LATERAL pg_catalog.aclexplode(x.acl) AS e) AS a
        CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS n
        WHERE a.grantee <> coalesce(p.proowner, c.relowner, s.nspowner)
        GROUP BY d.classid, n.identity, a.grantee
        ORDER BY what, grantee
    LOOP
        -- Of columns as well, and what the grantee handed on.
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', given.what, given.grantee);
        IF given.by_site IS NOT NULL THEN
            again := again || pg_catalog.format('GRANT %s ON %s TO %s;', given.by_site, given.what, given.grantee);
        END IF;
    END LOOP;
    IF again <> '{}' THEN
        RAISE WARNING USING
            MESSAGE = 'what a site granted on objects of lpr is no more',
            DETAIL = pg_catalog.array_to_string(again, ' '),
            HINT = 'Grant it again where it is still right; people get what they need with a role of lpr.';
    END IF;
END
$$;
