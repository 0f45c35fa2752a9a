-- house: what holds for every object of the extension.
SELECT extversion, nspname FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace WHERE extname = 'lpr';

CREATE TEMP VIEW member AS
SELECT classid, objid
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr');
CREATE TEMP VIEW routine AS SELECT p.* FROM pg_proc AS p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMP VIEW relation AS
SELECT c.* FROM pg_class AS c JOIN member ON classid = 'pg_class'::regclass AND objid = c.oid WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S');

-- The roles: nobody logs in as one of them, and they inherit nothing.
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
       (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS member_of
FROM pg_roles AS r WHERE rolname LIKE 'lpr\_%' ORDER BY rolname;

-- The schemas: USAGE on lpr for the roles, on lpr_data for nobody; CREATE for nobody.
SELECT rolname,
       has_schema_privilege(rolname, 'lpr', 'USAGE') AS lpr_usage,
       has_schema_privilege(rolname, 'lpr', 'CREATE') AS lpr_create,
       has_schema_privilege(rolname, 'lpr_data', 'USAGE') AS data_usage,
       has_schema_privilege(rolname, 'lpr_data', 'CREATE') AS data_create
FROM (SELECT rolname FROM pg_roles WHERE rolname LIKE 'lpr\_%' UNION ALL SELECT 'public') AS r (rolname)
ORDER BY rolname;

-- No rows from here on.
-- Functions that PUBLIC may call:
SELECT oid::regprocedure FROM routine WHERE has_function_privilege('public', oid, 'EXECUTE');
-- Relations that PUBLIC may touch:
SELECT oid::regclass FROM relation WHERE has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
-- Relations of lpr_data that anybody but the owner may touch, partitions included; policies read what lpr_owner may:
SELECT c.oid::regclass, a.grantee::regrole
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'lpr_data'::regnamespace AND a.grantee <> c.relowner
  AND NOT (c.relkind = 'v' AND a.grantee = 'lpr_owner'::regrole AND a.privilege_type = 'SELECT');
-- Relations that others than the owner may change:
SELECT c.oid::regclass, a.grantee::regrole, a.privilege_type
FROM relation AS c, aclexplode(c.relacl) AS a
WHERE a.grantee <> c.relowner AND a.privilege_type <> 'SELECT';
-- SECURITY DEFINER without a safe search_path:
SELECT oid::regprocedure FROM routine
WHERE prosecdef AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
-- plpgsql without one:
SELECT oid::regprocedure FROM routine
WHERE prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
  AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false);
-- Functions of C that are parallel safe and volatile:
SELECT oid::regprocedure FROM routine WHERE proparallel = 's' AND provolatile = 'v';
-- Objects without a COMMENT:
SELECT pg_describe_object(classid, objid, 0) FROM member
WHERE obj_description(objid, classid::regclass::text) IS NULL
  AND classid NOT IN ('pg_type'::regclass, 'pg_rewrite'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass)
  AND NOT (classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class WHERE oid = objid) IN ('i', 'I', 'S'));
-- Columns of tables without one:
SELECT c.oid::regclass, attname FROM relation AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE c.relkind IN ('r', 'p') AND col_description(c.oid, attnum) IS NULL;
-- Views that are no security barrier:
SELECT oid::regclass FROM relation WHERE relkind = 'v' AND NOT coalesce('security_barrier=true' = ANY (reloptions) OR 'security_barrier' = ANY (reloptions), false);
-- Tables with rows of the site that pg_dump would leave out:
SELECT oid::regclass FROM relation
WHERE relkind = 'r' AND NOT oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'lpr')::oid[]);
