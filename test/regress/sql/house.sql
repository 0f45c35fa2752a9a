-- house: what holds for every object of the extension.
SELECT extversion, nspname FROM pg_extension JOIN pg_namespace AS n ON n.oid = extnamespace WHERE extname = 'lpr';

CREATE TEMP VIEW member AS
SELECT classid, objid
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'lpr');
CREATE TEMP VIEW routine AS SELECT p.* FROM pg_proc AS p JOIN member ON classid = 'pg_proc'::regclass AND objid = p.oid;
CREATE TEMP VIEW relation AS
SELECT c.* FROM pg_class AS c JOIN member ON classid = 'pg_class'::regclass AND objid = c.oid
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S');

-- The roles: nobody logs in as one of them, and what people are granted has lpr_member's rights besides its own, nobody
-- else's.
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

-- What lpr_verb may do with which table, besides reading; of columns after a colon.
SELECT c.oid::regclass AS relation,
       concat_ws('; ', (SELECT string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type)
                        FROM aclexplode(c.relacl) AS a WHERE a.grantee = 'lpr_verb'::regrole),
                 (SELECT string_agg(a.privilege_type || ': ' || t.attname, ', ' ORDER BY a.privilege_type, t.attnum)
                  FROM pg_attribute AS t, aclexplode(t.attacl) AS a
                  WHERE t.attrelid = c.oid AND a.grantee = 'lpr_verb'::regrole)) AS may
FROM pg_class AS c
WHERE c.relnamespace IN ('lpr'::regnamespace, 'lpr_data'::regnamespace) AND c.relname !~ '^audit_'
  AND c.relkind IN ('r', 'p', 'S') AND NOT (c.relkind <> 'S' AND c.relispartition)
  AND c.relowner <> 'lpr_log'::regrole
  AND (c.relkind <> 'S' OR c.relacl::text ~ 'lpr_verb')
ORDER BY c.oid::regclass::text COLLATE "C";
-- SECURITY DEFINER functions that are a superuser's. A new one is refused here: it belongs to lpr_verb, unless it
-- truly needs a superuser.
SELECT oid::regprocedure AS function FROM routine WHERE prosecdef AND proowner <> 'lpr_verb'::regrole
ORDER BY oid::regprocedure::text COLLATE "C";
SELECT function, reason <> '' AS with_reason FROM lpr_data.superuser_functions() ORDER BY function COLLATE "C";
-- Who may call them:
SELECT p.oid::regprocedure AS function,
    string_agg(a.grantee::regrole::text, ' ' ORDER BY a.grantee::regrole::text) AS who
FROM routine AS p, aclexplode(p.proacl) AS a
WHERE p.prosecdef AND p.proowner <> 'lpr_verb'::regrole AND a.grantee <> p.proowner
GROUP BY p.oid ORDER BY p.oid::regprocedure::text COLLATE "C";

-- No rows from here on.
-- Functions that belong to lpr_verb and do not act for people, or to somebody else who is no superuser:
SELECT p.oid::regprocedure, p.proowner::regrole FROM routine AS p JOIN pg_roles AS r ON r.oid = p.proowner
WHERE CASE r.rolname WHEN 'lpr_verb' THEN NOT p.prosecdef ELSE NOT r.rolsuper END;
-- What looks into the server or its files, or is superusers' to call, and lpr_verb may:
SELECT oid::regprocedure FROM routine
WHERE has_function_privilege('lpr_verb', oid, 'EXECUTE')
  AND proname IN ('file_facts', 'core_limit', 'encrypt_secret', 'store_secret', 'security_report', 'add_source',
                  'remove_source', 'harden', 'schedule_jobs');
-- What lpr_verb is or may beyond that:
SELECT finding FROM lpr_data.verb_excess();
-- Functions that PUBLIC may call:
SELECT oid::regprocedure FROM routine WHERE has_function_privilege('public', oid, 'EXECUTE');
-- Relations that PUBLIC may touch:
SELECT oid::regclass FROM relation WHERE has_table_privilege('public', oid,
    'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER');
-- Relations of lpr_data that anybody but the owner and lpr_verb may touch, partitions included:
SELECT c.oid::regclass, a.grantee::regrole
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'lpr_data'::regnamespace AND a.grantee <> c.relowner AND a.grantee <> 'lpr_verb'::regrole;
-- Relations that others than the owner and lpr_verb may change:
SELECT c.oid::regclass, a.grantee::regrole, a.privilege_type
FROM relation AS c, aclexplode(c.relacl) AS a
WHERE a.grantee <> c.relowner AND a.privilege_type <> 'SELECT' AND a.grantee <> 'lpr_verb'::regrole;
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
SELECT c.oid::regclass, attname FROM relation AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
    AND NOT attisdropped
WHERE c.relkind IN ('r', 'p', 'v') AND col_description(c.oid, attnum) IS NULL;
-- Policies without one:
SELECT polname, polrelid::regclass FROM pg_policy WHERE polrelid IN (SELECT oid FROM relation)
    AND obj_description(oid, 'pg_policy') IS NULL;
-- Views that are no security barrier:
SELECT oid::regclass FROM relation WHERE relkind = 'v' AND NOT coalesce('security_barrier=true' = ANY (reloptions)
    OR 'security_barrier' = ANY (reloptions), false);
-- Tables of lpr_data, the log's and its months among them, whose row-level security does not bind everybody, their
-- owner included:
SELECT oid::regclass FROM pg_class
WHERE relnamespace = 'lpr_data'::regnamespace AND relkind IN ('r', 'p')
    AND NOT (relrowsecurity AND relforcerowsecurity);
-- … that belong to somebody who could log in, or pass row-level security:
SELECT c.oid::regclass, c.relowner::regrole FROM pg_class AS c JOIN pg_roles AS r ON r.oid = c.relowner
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'p', 'S') AND (r.rolcanlogin OR r.rolsuper
    OR r.rolbypassrls);
-- Views that do not belong to whom policies bind; lpr_data.visible_event is what policies themselves look at, and
-- nobody may read it:
SELECT oid::regclass, relowner::regrole FROM relation
WHERE relkind = 'v' AND relowner <> 'lpr_owner'::regrole
  AND (oid <> 'lpr_data.visible_event'::regclass OR relowner <> 'lpr_verb'::regrole
       OR EXISTS (SELECT FROM aclexplode(relacl) AS a WHERE a.grantee <> relowner));
-- Tables that views read, without a policy: such a view shows nothing.
SELECT DISTINCT v.oid::regclass AS view, t.oid::regclass AS reads
FROM relation AS v
JOIN pg_rewrite AS w ON w.ev_class = v.oid
JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class AS t ON t.oid = d.refobjid AND t.relkind IN ('r', 'p') AND t.relnamespace = 'lpr_data'::regnamespace
WHERE v.relkind = 'v' AND NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = t.oid);
-- Policies for others than lpr_owner, or for more than reading:
SELECT polname, polrelid::regclass FROM pg_policy
WHERE polrelid IN (SELECT oid FROM relation) AND NOT (polroles = ARRAY['lpr_owner'::regrole::oid] AND polcmd = 'r'
    AND polpermissive);
-- Tables with rows of the site that pg_dump would leave out:
SELECT oid::regclass FROM relation
WHERE relkind = 'r' AND relpersistence <> 'u' AND NOT oid = ANY ((SELECT extconfig FROM pg_extension
    WHERE extname = 'lpr')::oid[]);
-- Sequences whose place it would leave out:
SELECT s.oid::regclass FROM relation AS s
WHERE s.relkind = 'S' AND NOT s.oid = ANY ((SELECT extconfig FROM pg_extension WHERE extname = 'lpr')::oid[])
    AND s.oid <> 'lpr_data.change_number_seq'::regclass;
-- Tables of the cache, partitions and indexes included, that reach the WAL: they have to be unlogged.
SELECT c.oid::regclass FROM pg_class AS c
WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relname ~ '^cache_(read|answer)' AND c.relkind IN ('r', 'i')
    AND c.relpersistence <> 'u';
-- Verbs that look at nobody: SECURITY DEFINER functions that roles of lpr may call, and that ask neither themselves nor
-- by what they call who acts, in which role. A GRANT alone opens nothing; a new verb must not turn up here (A1).
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
SELECT pg_describe_object(classid, objid, 0) FROM member
    WHERE obj_description(objid, classid::regclass::text) ~ '[^\x01-\x7f]';
SELECT c.oid::regclass, attname FROM relation AS c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0
WHERE col_description(c.oid, attnum) ~ '[^\x01-\x7f]';
SELECT code, control FROM lpr.errors WHERE code !~ '^LP[0-9]{3}$' OR control !~ '^[A-Z][0-9]+a?$' OR meaning = ''
    OR what_to_do = '';
-- Texts of tables under audit that are declared neither free nor plain nor long, nor left out:
CREATE TEMP VIEW said AS
SELECT t.tgrelid, g.argument
FROM pg_trigger AS t, regexp_split_to_table(encode(t.tgargs, 'escape'), '\\000') AS g (argument)
WHERE t.tgfoid = 'lpr_data.audit_change'::regproc AND t.tgname = 'audit_change';
SELECT c.oid::regclass, a.attname
FROM relation AS c
JOIN pg_trigger AS t ON t.tgrelid = c.oid AND t.tgname = 'audit_change'
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype,
                     'xml'::regtype)
  AND a.attcollation <> '"C"'::regcollation
  AND NOT EXISTS (SELECT FROM said AS s WHERE s.tgrelid = c.oid
                    AND s.argument IN (a.attname, 'free ' || a.attname, 'plain ' || a.attname, 'long ' || a.attname));
-- Declared, and not there:
SELECT s.tgrelid::regclass, s.argument FROM said AS s
WHERE s.argument <> '' AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = s.tgrelid AND NOT a.attisdropped
                                         AND a.attname = regexp_replace(s.argument, '^(free|plain|long) ', ''));
-- Free texts of tables without a salt:
SELECT s.tgrelid::regclass, s.argument FROM said AS s
WHERE s.argument LIKE 'free %' AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = s.tgrelid
                                                 AND a.attname = 'text_salt');
-- Some are declared:
SELECT count(*) FILTER (WHERE argument LIKE 'free %') > 10 AS free,
       count(*) FILTER (WHERE argument LIKE 'plain %') > 10 AS plain FROM said;
-- Texts of tables under audit that may hold what nobody sees: each is tried with the arguments of its table's trigger.
-- Those that the log leaves out are not looked at; they are lpr's own words, and a mail server's in ASCII.
CREATE FUNCTION pg_temp.is_taken(columns text[], "column" name, "array" boolean)
    RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    held text := U&'seen \202E neen';
BEGIN
    PERFORM lpr_data.check_texts(NULL, jsonb_build_object("column", CASE WHEN "array" THEN to_jsonb(ARRAY['seen', held])
                                                                        ELSE to_jsonb(held) END), columns);
    RETURN true;
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN false;
END
$$;
CREATE TEMP VIEW text_column AS
SELECT c.oid AS relation, a.attname, a.atttypid = 'text[]'::regtype AS "array",
       (SELECT array_agg(s.argument) FROM said AS s WHERE s.tgrelid = c.oid AND s.argument <> '') AS columns,
       EXISTS (SELECT FROM said AS s WHERE s.tgrelid = c.oid) AS audited
FROM relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'lpr_data'::regnamespace
  AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype);
SELECT relation::regclass, attname FROM text_column
WHERE audited AND pg_temp.is_taken(columns, attname, "array");
SELECT count(*) > 60 AS tried FROM text_column WHERE audited;
-- Texts of tables that are not under audit, to which verbs write. Each of them comes from a vendor or from lpr itself,
-- or its verb looks at it (lpr_data.refuse_invisible); a new one is looked at before it stands here.
SELECT relation::regclass, attname FROM text_column
WHERE NOT audited AND (has_table_privilege('lpr_verb', relation, 'INSERT, UPDATE')
                       OR has_any_column_privilege('lpr_verb', relation, 'INSERT, UPDATE'))
ORDER BY relation::regclass::text COLLATE "C", attname;
-- What goes by a schedule (E10). Tables that refer to an event, and would keep it:
SELECT c.conrelid::regclass FROM pg_constraint AS c
WHERE c.contype = 'f' AND c.confrelid = 'lpr_data.event'::regclass AND c.confdeltype <> 'c';
-- Tables that name people, and neither go by a schedule nor are known to stay. A saved read and its corrections go by
-- theirs, an agreement of a session in a day.
SELECT DISTINCT c.conrelid::regclass FROM pg_constraint AS c
WHERE c.contype = 'f' AND c.confrelid = 'lpr_data.person'::regclass
  AND c.conrelid <> ALL (lpr_data.tables_of('{event,access,training,mail,person}')::oid[])
  AND c.conrelid NOT IN (SELECT to_regclass('lpr_data.' || s) FROM unnest(lpr_data.stays_for_good()) AS s)
ORDER BY c.conrelid::regclass;
-- Numbers that are neither keys nor in the list of what refers to records of the log. A new one is looked at before it
-- stands here: a month of the log is kept as long as something refers to it. (cache: gone within a day.)
SELECT c.oid::regclass AS relation, a.attname
FROM relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'lpr_data'::regnamespace
  AND a.atttypid = 'bigint'::regtype
  AND a.attidentity = ''
  AND NOT EXISTS (SELECT FROM pg_constraint AS k
                  WHERE k.conrelid = c.oid AND k.contype IN ('p', 'f') AND a.attnum = ANY (k.conkey))
  AND NOT EXISTS (SELECT FROM lpr_data.log_referrers() AS r WHERE r.relation = c.oid AND r."column" = a.attname)
ORDER BY c.oid::regclass::text COLLATE "C", a.attname;
SELECT r.relation, r."column" FROM lpr_data.log_referrers() AS r ORDER BY 1, 2;
-- Texts of which the server gathers statistics: what comes with lpr, or administrators write for everybody. Nothing of
-- what people type about a matter or a person, since statistics outlive the rows.
SELECT c.oid::regclass AS relation, a.attname
FROM relation AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND c.relnamespace = 'lpr_data'::regnamespace AND c.relname <> 'camera'
  AND a.atttypid IN ('text'::regtype, 'text[]'::regtype, 'json'::regtype, 'jsonb'::regtype)
  AND (a.attcollation <> '"C"'::regcollation) AND coalesce(a.attstattarget, -1) <> 0
ORDER BY c.oid::regclass::text COLLATE "C", a.attname;
