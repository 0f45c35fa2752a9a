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
        SELECT CASE WHEN p.oid IS NOT NULL THEN 'FUNCTION ' ELSE 'TABLE ' END || n.identity AS what,
               a.grantee::pg_catalog.regrole AS grantee,
               pg_catalog.string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
                   FILTER (WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(i.initprivs) AS o
                                             WHERE o.grantee = a.grantee AND o.privilege_type = a.privilege_type))
                   AS by_site
        FROM pg_catalog.pg_depend AS d
        LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
        LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
                                              AND c.relkind IN ('r', 'p', 'v')
        LEFT JOIN pg_catalog.pg_init_privs AS i ON i.classoid = d.classid AND i.objoid = d.objid AND i.objsubid = 0
        CROSS JOIN LATERAL pg_catalog.aclexplode(coalesce(p.proacl, c.relacl)) AS a
        CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS n
        WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid = (SELECT x.oid FROM pg_catalog.pg_extension AS x WHERE x.extname = 'lpr')
          AND a.grantee NOT IN (0, coalesce(p.proowner, c.relowner))
        GROUP BY p.oid, n.identity, a.grantee
        ORDER BY what, a.grantee
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM %s', given.what, given.grantee);
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
