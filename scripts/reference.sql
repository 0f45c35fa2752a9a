-- reference.sql: the part of docs/reference.md that stands in the catalogue. See scripts/reference.
SET search_path = pg_catalog;
SET datestyle = 'ISO';
SET timezone = 'UTC';
LOAD 'lpr'; -- its settings

-- The objects of the extension, by what they are.
CREATE TEMP TABLE member AS
SELECT d.classid, d.objid
FROM pg_depend AS d
JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'lpr' AND d.deptype = 'e';

-- Text as a cell of a table.
CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql RETURN replace(replace(coalesce($1, ''), '|', '\|'), E'\n', ' ');

-- Arguments of a function, their defaults without the casts that the server adds.
CREATE FUNCTION pg_temp.arguments(oid) RETURNS text LANGUAGE sql
RETURN regexp_replace(pg_get_function_arguments($1), '(DEFAULT ('')?[^,]*?)::[a-z ]+(\[\])?', '\1', 'g');

\qecho '# Reference of lpr'
SELECT E'\nVersion ' || extversion || '. Generated from the comments of the catalogue by `make reference`; do not edit.' FROM pg_extension WHERE extname = 'lpr';

\qecho
\qecho '## Roles and what they may do'
\qecho
\qecho 'NOLOGIN roles, made with the extension if they are not there; a DBA grants them to people''s logins. Each of those has the rights of `lpr_member` too.'
\qecho
\qecho '| role | may call | may read |'
\qecho '|---|---|---|'
SELECT format('| `%s` | %s | %s |', r.rolname,
              (SELECT string_agg(DISTINCT format('`%s`', p.proname), ' ' ORDER BY format('`%s`', p.proname))
               FROM pg_proc AS p JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid, aclexplode(p.proacl) AS a
               WHERE a.grantee = r.oid),
              (SELECT string_agg(format('`%s`', c.relname), ' ' ORDER BY c.relname)
               FROM pg_class AS c JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid, aclexplode(c.relacl) AS a
               WHERE a.grantee = r.oid AND a.privilege_type = 'SELECT'))
FROM pg_roles AS r
WHERE r.rolname LIKE 'lpr\_%'
ORDER BY r.rolname COLLATE "C";

\qecho
\qecho '## Functions'
SELECT format(E'\n### %s\n\n```sql\n%s.%s(%s)%s\n```\n\n%s%s',
              p.proname,
              p.pronamespace::regnamespace, p.proname,
              CASE WHEN coalesce(cardinality(p.proallargtypes), p.pronargs) > 2 THEN E'\n    ' || replace(pg_temp.arguments(p.oid), ', ', E',\n    ') || E'\n'
                   ELSE pg_temp.arguments(p.oid) END,
              ' → ' || pg_get_function_result(p.oid),
              obj_description(p.oid, 'pg_proc'),
              coalesce(E'\n\nFor ' || (SELECT string_agg(a.grantee::regrole::text, ', ' ORDER BY a.grantee::regrole::text)
                                       FROM aclexplode(p.proacl) AS a WHERE a.grantee <> p.proowner AND a.grantee <> 0) || '.',
                       E'\n\nFor superusers.'))
FROM pg_proc AS p JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C";

\qecho
\qecho '## Tables and views'
SELECT format(E'\n### %s.%s\n\n%s: %s\n\n| column | type | what |\n|---|---|---|\n%s',
              c.relnamespace::regnamespace, c.relname,
              CASE c.relkind WHEN 'v' THEN 'View' WHEN 'p' THEN 'Partitioned table' ELSE 'Table' END,
              obj_description(c.oid, 'pg_class'),
              (SELECT string_agg(format('| `%s` | %s%s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                                        CASE WHEN a.attnotnull THEN ', not null' ELSE '' END, pg_temp.cell(col_description(c.oid, a.attnum))),
                                 E'\n' ORDER BY a.attnum)
               FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_class AS c JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
ORDER BY c.relnamespace::regnamespace::text COLLATE "C", c.relname COLLATE "C";

\qecho
\qecho '## Schemas and the foreign-data wrapper'
\qecho
SELECT format('- `%s`: %s', n.nspname, obj_description(n.oid, 'pg_namespace'))
FROM pg_namespace AS n WHERE n.nspname IN ('lpr', 'lpr_data') AND obj_description(n.oid, 'pg_namespace') IS NOT NULL ORDER BY n.nspname COLLATE "C";
SELECT format('- foreign-data wrapper `%s`: %s', f.fdwname, obj_description(f.oid, 'pg_foreign_data_wrapper'))
FROM pg_foreign_data_wrapper AS f JOIN member AS m ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = f.oid;

\qecho
\qecho '## Settings'
\qecho
\qecho '| setting | type | default | set by | what |'
\qecho '|---|---|---|---|---|'
SELECT format('| `%s` | %s | %s | %s | %s |', name, vartype, pg_temp.cell(coalesce(boot_val, '') || coalesce(' ' || unit, '')), context,
              pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
FROM pg_settings WHERE name LIKE 'lpr.%'
ORDER BY name COLLATE "C";
\qecho
