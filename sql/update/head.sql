-- Made by scripts/update-script: what the version before has otherwise, and all of sql/ that tells how to work.

\echo Use "ALTER EXTENSION lpr UPDATE" to load this file. \quit

-- All tables at once, and before anything else: whoever works waits here, and not halfway behind a lock that we wait for.
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

-- Rights that came with the version before: the topics give those of this one. What a site gave by itself stays.
DO $$
DECLARE
    given record;
BEGIN
    FOR given IN
        SELECT DISTINCT i.classoid, i.objoid, a.grantee::pg_catalog.regrole AS grantee
        FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_init_privs AS i ON i.classoid = d.classid AND i.objoid = d.objid AND i.objsubid = 0 AND i.privtype = 'e'
        CROSS JOIN LATERAL pg_catalog.aclexplode(i.initprivs) AS a
        LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
        LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
        WHERE d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
          AND d.refobjid = (SELECT x.oid FROM pg_catalog.pg_extension AS x WHERE x.extname = 'lpr')
          AND a.grantee <> 0 AND a.grantee <> coalesce(p.proowner, c.relowner)
    LOOP
        IF given.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN
            EXECUTE pg_catalog.format('REVOKE ALL ON ROUTINE %s FROM %s', given.objoid::pg_catalog.regprocedure, given.grantee);
        ELSE
            EXECUTE pg_catalog.format('REVOKE ALL ON TABLE %s FROM %s', given.objoid::pg_catalog.regclass, given.grantee);
        END IF;
    END LOOP;
END
$$;
