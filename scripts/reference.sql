-- reference.sql: what stands in the catalogue, as Markdown: what people use into the file :people, internals into
-- :internals. Table pg_temp.stands says in which file of sql/ each object is made. See scripts/reference.
SET search_path = pg_catalog;
SET datestyle = 'ISO';
SET timezone = 'UTC';
LOAD 'lpr'; -- its settings

-- What people do, and the files of sql/ that are about it.
CREATE TEMP TABLE task (place int GENERATED ALWAYS AS IDENTITY, title text, topics text[]);
INSERT INTO task (title, topics) VALUES
    ('Ask vendors', '{10-read,11-image,12-port,20-search}'),
    ('Begin a session, understand a refusal',
     '{00-roles,05-errors,43-clause,43-client-network,43-consent,51-my-access}'),
    ('Request and grant access', '{40-stand-in,41-access,42-training,47-recertification}'),
    ('Work on events', '{44-event,45-event-read,45-event-step,46-reason,48-close,48-hand-over}'),
    ('Say what may be asked', '{46-target,47-target-verb,48-target-read,61-target-saved}'),
    ('Watch plates',
     '{52-display,53-display-life,54-display-verb,55-display-review,56-display-read,57-watch,64-hit,65-hit-read,'
     '66-watcher}'),
    ('Take what vendors push', '{66-alert}'),
    ('Ask for a second person', '{48-release,48-protected-place,48-reserved-plate}'),
    ('Save what matters', '{61-nexus,61-saved,62-correction}'),
    ('Keep, hold and destroy', '{62-retention,63-destroy,73-record,74-dispose,75-dispose-release,76-log-month}'),
    ('Read and verify the log', '{30-audit,31-audit-read}'),
    ('Register people', '{40-person,40-role-conflict}'),
    ('Run sources', '{15-source,16-refresh}'),
    ('Set limits and times', '{45-limits,47-limit-verb,60-cache}'),
    ('Send mail', '{70-mail,71-remind}'),
    ('Run jobs and harden the server', '{72-jobs,80-harden,81-security-report,82-security-roles}');

-- The objects of the extension, by what they are.
CREATE TEMP TABLE member AS
SELECT d.classid, d.objid
FROM pg_depend AS d
JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'lpr' AND d.deptype = 'e';

-- Text as a cell of a table.
CREATE FUNCTION pg_temp.cell(text) RETURNS text LANGUAGE sql
RETURN replace(replace(coalesce($1, ''), '|', '\|'), E'\n', ' ');

-- Arguments of a function, their defaults without the casts that the server adds.
CREATE FUNCTION pg_temp.arguments(oid) RETURNS text LANGUAGE sql
RETURN regexp_replace(pg_get_function_arguments($1), '(DEFAULT ('')?[^,]*?)::[a-z ]+(\[\])?', '\1', 'g');

-- Who may call or read it; functions that act for people, besides (lpr_verb).
CREATE FUNCTION pg_temp.whom(acl aclitem[], owner oid) RETURNS text LANGUAGE sql
RETURN coalesce('For: ' || (SELECT string_agg(format('`%s`', a.grantee::regrole),
                                              ', ' ORDER BY a.grantee::regrole::text COLLATE "C")
                            FROM aclexplode($1) AS a
                            WHERE a.grantee NOT IN (0, $2, to_regrole('lpr_verb'))
                              AND a.privilege_type IN ('EXECUTE', 'SELECT')) || '.',
                'For: superusers.');

-- The columns of a relation, as a table.
CREATE FUNCTION pg_temp.columns(oid) RETURNS text LANGUAGE sql
RETURN E'| column | type | what |\n|---|---|---|\n' ||
       (SELECT string_agg(format('| `%s` | %s%s | %s |', a.attname, format_type(a.atttypid, a.atttypmod),
                                 CASE WHEN a.attnotnull THEN ', not null' ELSE '' END,
                                 pg_temp.cell(col_description($1, a.attnum))), E'\n' ORDER BY a.attnum)
        FROM pg_attribute AS a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped);

CREATE TEMP TABLE entry AS
SELECT 1 AS kind, n.nspname AS schema, p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments,
       p.proacl AS acl, p.proowner AS owner,
       format(E'### %s\n\n```sql\n%s.%s(%s) → %s\n```\n\n%s\n\n%s',
              p.proname, n.nspname, p.proname,
              CASE WHEN coalesce(cardinality(p.proallargtypes), p.pronargs) > 2
                   THEN E'\n    ' || replace(pg_temp.arguments(p.oid), ', ', E',\n    ') || E'\n'
                   ELSE pg_temp.arguments(p.oid) END,
              pg_get_function_result(p.oid), pg_temp.whom(p.proacl, p.proowner),
              obj_description(p.oid, 'pg_proc')) AS text
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
UNION ALL
SELECT 2, n.nspname, c.relname, '', c.relacl, c.relowner,
       format(E'### %s\n\n%s `%s.%s`. %s\n\n%s\n\n%s',
              c.relname,
              CASE c.relkind WHEN 'v' THEN 'View' WHEN 'p' THEN 'Partitioned table' ELSE 'Table' END,
              n.nspname, c.relname, pg_temp.whom(c.relacl, c.relowner), obj_description(c.oid, 'pg_class'),
              pg_temp.columns(c.oid))
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
UNION ALL
SELECT 3, n.nspname, t.typname, '', NULL, t.typowner,
       format(E'### %s\n\nType `%s.%s`.\n\n%s\n\n%s',
              t.typname, n.nspname, t.typname, obj_description(t.oid, 'pg_type'), pg_temp.columns(t.typrelid))
FROM pg_type AS t
JOIN pg_namespace AS n ON n.oid = t.typnamespace
JOIN member AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
JOIN pg_class AS c ON c.oid = t.typrelid AND c.relkind = 'c';

-- Where each stands: with a task of people, or, of schema lpr_data, with a file.
CREATE TEMP TABLE placed AS
SELECT e.*, s.topic, t.place, t.title
FROM entry AS e
LEFT JOIN (SELECT DISTINCT stands.name, stands.topic FROM pg_temp.stands) AS s ON s.name = e.schema || '.' || e.name
LEFT JOIN task AS t ON s.topic = ANY (t.topics) AND e.schema = 'lpr' AND e.name NOT LIKE 'fdw\_%';
DO $$
DECLARE
    homeless text := (SELECT string_agg(p.schema || '.' || p.name, ', ') FROM pg_temp.placed AS p
                      WHERE p.topic IS NULL OR p.schema = 'lpr' AND p.place IS NULL AND p.name NOT LIKE 'fdw\_%');
BEGIN
    IF homeless IS NOT NULL THEN
        RAISE EXCEPTION 'reference.sql: of which task is %?', homeless;
    END IF;
END
$$;

-- ---- what people use ----

\o :people
\qecho '# Reference of lpr'
SELECT E'\nVersion ' || extversion || '. Generated from the comments of the catalogue by `make reference`; do not edit.'
FROM pg_extension WHERE extname = 'lpr';
\qecho 'What people use stands here, by what they do. [Internals](reference-internal.md) have a page of their own.'
\qecho
\qecho '## Contents'
\qecho
\qecho '| to do | functions | tables and views |'
\qecho '|---|---|---|'
SELECT format('| [%s](#%s) | %s | %s |', p.title, replace(replace(lower(p.title), ' ', '-'), ',', ''),
              string_agg(format('[%s](#%1$s)', p.name), ' ' ORDER BY p.name COLLATE "C") FILTER (WHERE p.kind = 1),
              string_agg(format('[%s](#%1$s)', p.name), ' ' ORDER BY p.name COLLATE "C") FILTER (WHERE p.kind = 2))
FROM placed AS p WHERE p.place IS NOT NULL
GROUP BY p.place, p.title ORDER BY p.place;
\qecho
\qecho 'Then: [settings](#settings), [options](#options), [codes of errors](#codes-of-errors).'
\qecho
\qecho '## Roles'
\qecho
\qecho 'NOLOGIN roles, made with the extension if they are not there. A DBA grants them to logins of people, except for'
\qecho '`lpr_member`, whose rights each of the others has. A grant alone lets nobody ask: the gate looks at the person'
\qecho 'behind the login, and at their entitlements.'
\qecho
\qecho '| role | may call | may read |'
\qecho '|---|---|---|'
SELECT format('| `%s` | %s | %s |', r.rolname, f.names, v.names)
FROM pg_roles AS r
CROSS JOIN LATERAL (SELECT string_agg(format('[%s](#%1$s)', p.name), ' ' ORDER BY p.name COLLATE "C") AS names
                    FROM placed AS p
                    WHERE p.place IS NOT NULL AND p.kind = 1
                      AND EXISTS (SELECT FROM aclexplode(p.acl) AS a WHERE a.grantee = r.oid)) AS f
CROSS JOIN LATERAL (SELECT string_agg(format('[%s](#%1$s)', p.name), ' ' ORDER BY p.name COLLATE "C") AS names
                    FROM placed AS p
                    WHERE p.place IS NOT NULL AND p.kind = 2
                      AND EXISTS (SELECT FROM aclexplode(p.acl) AS a WHERE a.grantee = r.oid)) AS v
WHERE r.rolname = ANY (lpr_data.roles() || '{lpr_member}')
ORDER BY r.rolname = 'lpr_member', r.rolname COLLATE "C";
SELECT format(E'\n## %s\n\n%s', p.title,
              string_agg(p.text, E'\n\n' ORDER BY p.kind, p.name COLLATE "C", p.arguments COLLATE "C"))
FROM placed AS p WHERE p.place IS NOT NULL
GROUP BY p.place, p.title ORDER BY p.place;

\qecho
\qecho '## Settings'
\qecho
\qecho '| setting | type | default | set by | what |'
\qecho '|---|---|---|---|---|'
SELECT format('| `%s` | %s | %s | %s | %s |', name, vartype,
              pg_temp.cell(coalesce(boot_val, '') || coalesce(' ' || unit, '')), context,
              pg_temp.cell(concat_ws(' ', short_desc, extra_desc)))
FROM pg_settings WHERE name LIKE 'lpr.%'
ORDER BY name COLLATE "C";
\qecho

-- ---- internals ----

\o :internals
\qecho '# Internals of lpr'
SELECT E'\nVersion ' || extversion || '. Generated from the comments of the catalogue by `make reference`; do not edit.'
FROM pg_extension WHERE extname = 'lpr';
\qecho 'For people who change lpr, by file of `sql/`. Nothing here is promised from one version to the next. What'
\qecho 'people use is in the [reference](reference.md).'
\qecho
\qecho '## Contents'
\qecho
\qecho '| file | functions | tables, views, types |'
\qecho '|---|---|---|'
SELECT format('| [%s](#%1$s) | %s | %s |', p.topic,
              string_agg(DISTINCT format('`%s`', p.name) COLLATE "C", ' ') FILTER (WHERE p.kind = 1),
              string_agg(DISTINCT format('`%s`', p.name) COLLATE "C", ' ') FILTER (WHERE p.kind > 1))
FROM placed AS p WHERE p.place IS NULL
GROUP BY p.topic ORDER BY p.topic COLLATE "C";
\qecho
\qecho '## Schemas, roles and the foreign-data wrapper'
\qecho
SELECT format('- `%s`: %s', n.nspname, obj_description(n.oid, 'pg_namespace'))
FROM pg_namespace AS n
WHERE n.nspname IN ('lpr', 'lpr_data') AND obj_description(n.oid, 'pg_namespace') IS NOT NULL
ORDER BY n.nspname COLLATE "C";
\qecho '- roles `lpr_owner`, `lpr_log` and `lpr_verb`: own all tables and views, the audit log, and the functions that'
\qecho '  act for people; they are granted to nobody.'
SELECT format('- foreign-data wrapper `%s`: %s', f.fdwname, obj_description(f.oid, 'pg_foreign_data_wrapper'))
FROM pg_foreign_data_wrapper AS f
JOIN member AS m ON m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = f.oid;
SELECT format(E'\n## %s\n\n%s', p.topic,
              string_agg(p.text, E'\n\n' ORDER BY p.kind, p.name COLLATE "C", p.arguments COLLATE "C"))
FROM placed AS p WHERE p.place IS NULL
GROUP BY p.topic ORDER BY p.topic COLLATE "C";
\o
