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

-- The roles: nobody logs in as one of them, and what people are granted has lpr_member's rights besides its own, nobody else's.
SELECT rolname, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
       (SELECT string_agg(roleid::regrole::text, ' ') FROM pg_auth_members WHERE member = r.oid) AS member_of
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
-- Relations of lpr_data that anybody but the owner may touch, partitions included:
SELECT c.oid::regclass, a.grantee::regrole
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'lpr_data'::regnamespace AND a.grantee <> c.relowner;
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
-- Columns of tables and views without one:
SELECT c.oid::regclass, attname FROM relation AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
WHERE c.relkind IN ('r', 'p', 'v') AND col_description(c.oid, attnum) IS NULL;
-- Policies without one:
SELECT polname, polrelid::regclass FROM pg_policy WHERE polrelid IN (SELECT oid FROM relation) AND obj_description(oid, 'pg_policy') IS NULL;
-- Views that are no security barrier:
SELECT oid::regclass FROM relation WHERE relkind = 'v' AND NOT coalesce('security_barrier=true' = ANY (reloptions) OR 'security_barrier' = ANY (reloptions), false);
-- Tables of lpr_data, the log's and its months among them, whose row-level security does not bind everybody, their owner included:
SELECT oid::regclass FROM pg_class
WHERE relnamespace = 'lpr_data'::regnamespace AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity);
-- … that belong to somebody who could log in, or pass row-level security:
SELECT c.oid::regclass, c.relowner::regrole FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND (r.rolcanlogin OR r.rolsuper OR r.rolbypassrls);
-- Views that do not belong to whom policies bind; lpr_data.visible_event is what policies themselves look at, and nobody may read it:
SELECT oid::regclass, relowner::regrole FROM relation
WHERE relkind = 'v' AND relowner <> 'lpr_owner'::regrole AND (oid <> 'lpr_data.visible_event'::regclass OR relacl::text <> '{postgres=arwdDxt/postgres}');
-- Tables that views read, without a policy: such a view shows nothing.
SELECT DISTINCT v.oid::regclass AS view, t.oid::regclass AS reads
FROM relation AS v
JOIN pg_rewrite AS w ON w.ev_class = v.oid
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p') AND t.relnamespace = 'lpr_data'::regnamespace
WHERE v.relkind = 'v' AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t.oid);
-- Policies for others than lpr_owner, or for more than reading:
SELECT polname, polrelid::regclass FROM pg_policy
WHERE polrelid IN (SELECT oid FROM relation) AND NOT (polroles = ARRAY['lpr_owner'::regrole::oid] AND polcmd = 'r' AND polpermissive);
-- Tables with rows of the site that pg_dump would leave out:
SELECT oid::regclass FROM relation
WHERE relkind = 'r' AND relpersistence <> 'u' AND NOT oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'lpr')::oid[]);
-- Sequences whose place it would leave out:
SELECT s.oid::regclass FROM relation AS s
WHERE s.relkind = 'S' AND NOT s.oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'lpr')::oid[]) AND s.oid <> 'lpr_data.change_number_seq'::regclass;
-- Tables of the cache, partitions and indexes included, that reach the WAL: they have to be unlogged.
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relname ~ '^cache_(read|answer)' AND c.relkind IN ('r', 'i') AND c.relpersistence <> 'u';
-- Verbs that look at nobody: SECURITY DEFINER functions that roles of lpr may call, and that ask neither themselves nor by what
-- they call who acts, in which role. A GRANT alone opens nothing; a new verb must not turn up here (A1).
WITH RECURSIVE calls (verb, source) AS (
    SELECT p.oid::regprocedure, pg_get_functiondef(p.oid)
    FROM routine AS p
    WHERE p.pronamespace = 'lpr'::regnamespace AND p.prosecdef AND p.provolatile = 'v'
      AND EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee <> p.proowner)
    UNION
    SELECT c.verb, pg_get_functiondef(p.oid)
    FROM calls AS c
    JOIN routine AS p ON p.pronamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace) AND p.prokind = 'f'
     AND c.source ~ format('\m%s\.%s\(', p.pronamespace::regnamespace, p.proname)
)
SELECT verb FROM calls
GROUP BY verb
HAVING NOT bool_or(source ~ 'lpr_data\.(acting|administering|acts_as|own_event|holds|me)\(')
ORDER BY verb::text COLLATE "C";
-- What would reach a client in another encoding than 7-bit ASCII: bodies, views, comments, conditions.
SELECT oid::regprocedure FROM routine WHERE pg_get_functiondef(oid) ~ '[^\x01-\x7f]';
SELECT oid::regclass FROM relation WHERE relkind = 'v' AND pg_get_viewdef(oid) ~ '[^\x01-\x7f]';
SELECT pg_describe_object(classid, objid, 0) FROM member WHERE obj_description(objid, classid::regclass::text) ~ '[^\x01-\x7f]';
SELECT c.oid::regclass, attname FROM relation AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
WHERE col_description(c.oid, attnum) ~ '[^\x01-\x7f]';
SELECT code, control FROM lpr.errors WHERE code !~ '^LP[0-9]{3}$' OR control !~ '^[A-Z][0-9]+a?$' OR meaning = '' OR what_to_do = '';
-- Texts of tables under audit that are declared neither free nor plain nor long, nor left out:
CREATE TEMP VIEW said AS
SELECT t.tgrelid, g.argument
FROM pg_trigger AS t, regexp_split_to_table(encode(t.tgargs, 'escape'), '\\000') AS g (argument)
WHERE t.tgfoid = 'lpr_data.audit_change'::regproc AND t.tgname = 'audit_change';
SELECT c.oid::regclass, a.attname
FROM relation AS c
JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgname = 'audit_change'
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'xml'::regtype)
  AND a.attcollation <> '"C"'::regcollation
  AND NOT EXISTS (SELECT FROM said AS s WHERE s.tgrelid = c.oid
                    AND s.argument IN (a.attname, 'free ' || a.attname, 'plain ' || a.attname, 'long ' || a.attname));
-- Declared, and not there:
SELECT s.tgrelid::regclass, s.argument FROM said AS s
WHERE s.argument <> '' AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = s.tgrelid AND NOT a.attisdropped
                                         AND a.attname = regexp_replace(s.argument, '^(free|plain|long) ', ''));
-- Free texts of tables without a salt:
SELECT s.tgrelid::regclass, s.argument FROM said AS s
WHERE s.argument LIKE 'free %' AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = s.tgrelid AND a.attname = 'text_salt');
-- Some are declared:
SELECT count(*) FILTER (WHERE argument LIKE 'free %') > 10 AS free, count(*) FILTER (WHERE argument LIKE 'plain %') > 10 AS plain FROM said;
