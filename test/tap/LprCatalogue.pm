# LprCatalogue: everything that belongs to the extension in a database, a line a property, without OIDs. What is the same in two databases is the same there.
package LprCatalogue;
use strict;
use warnings;

my $lines = q{
	WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
		WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'lpr'
	), relation AS (
		SELECT c.* FROM pg_class AS c JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
	), line (text) AS (
		SELECT format('member %s', (SELECT i.type || ' ' || i.identity FROM pg_identify_object(m.classid, m.objid, 0) AS i)) FROM member AS m
		UNION ALL
		SELECT format('comment of %s: %s', (SELECT i.identity FROM pg_identify_object(m.classid, m.objid, 0) AS i),
			obj_description(m.objid, m.classid::regclass::name)) FROM member AS m
		UNION ALL
		-- Of PL/pgSQL too the arguments by name, the settings, and the text.
		SELECT format('function %s owner %s rights %s: %s', p.oid::regprocedure, p.proowner::regrole,
			ARRAY(SELECT a::text FROM unnest(p.proacl) AS a ORDER BY 1), pg_get_functiondef(p.oid))
		FROM pg_proc AS p JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		UNION ALL
		SELECT format('relation %s kind %s owner %s persistence %s rights %s options %s rls %s %s: %s', c.oid::regclass, c.relkind, c.relowner::regrole,
			c.relpersistence, ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1), c.reloptions, c.relrowsecurity, c.relforcerowsecurity,
			CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END) FROM relation AS c
		UNION ALL
		SELECT format('column %s.%s number %s %s not null %s storage %s statistics %s collation %s identity %s default %s rights %s comment %s',
			c.oid::regclass, a.attname, (SELECT count(*) FROM pg_attribute AS b WHERE b.attrelid = c.oid AND b.attnum BETWEEN 1 AND a.attnum AND NOT b.attisdropped), format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage, a.attstattarget,
			a.attcollation::regcollation, a.attidentity, pg_get_expr(d.adbin, d.adrelid), a.attacl, col_description(c.oid, a.attnum))
		FROM (SELECT r.oid FROM relation AS r
		      UNION SELECT t.typrelid FROM pg_type AS t JOIN member AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid WHERE t.typrelid <> 0) AS c
		JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		UNION ALL
		SELECT format('constraint %s on %s: %s', o.conname, o.conrelid::regclass, pg_get_constraintdef(o.oid))
		FROM pg_constraint AS o JOIN relation AS c ON c.oid = o.conrelid
		UNION ALL
		SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index AS i JOIN relation AS c ON c.oid = i.indrelid
		UNION ALL
		SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger AS t JOIN relation AS c ON c.oid = t.tgrelid
		WHERE NOT t.tgisinternal
		UNION ALL
		SELECT format('policy %s on %s for %s to %s: %s; %s; %s', p.polname, p.polrelid::regclass, p.polcmd, p.polroles::regrole[],
			pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), obj_description(p.oid, 'pg_policy'))
		FROM pg_policy AS p JOIN relation AS c ON c.oid = p.polrelid
		UNION ALL
		SELECT format('event trigger %s on %s tags %s does %s enabled %s', t.evtname, t.evtevent, t.evttags, t.evtfoid::regproc, t.evtenabled)
		FROM pg_event_trigger AS t JOIN member AS m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid
		UNION ALL
		SELECT format('dumped %s %s', x.t::regclass, x.c) FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (t, c) WHERE e.extname = 'lpr'
		UNION ALL
		SELECT format('rights from the start on %s: %s', (SELECT i.type || ' ' || i.identity FROM pg_identify_object(v.classoid, v.objoid, v.objsubid) AS i),
			ARRAY(SELECT a::text FROM unnest(v.initprivs) AS a ORDER BY 1))
		FROM pg_init_privs AS v WHERE v.privtype = 'e'
		UNION ALL
		SELECT format('schema %s owner %s rights %s', n.nspname, n.nspowner::regrole, ARRAY(SELECT a::text FROM unnest(n.nspacl) AS a ORDER BY 1))
		FROM pg_namespace AS n WHERE n.nspname LIKE 'lpr%'
		UNION ALL
		SELECT format('row that came with it in %s: %s', c.oid::regclass, r.content)
		FROM relation AS c
		CROSS JOIN LATERAL unnest(xpath('/table/row', query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, false, ''))) AS r (content)
		WHERE c.relkind = 'r' AND c.relname NOT IN ('change', 'setting')
	)
	-- When it came is not the same.
	SELECT regexp_replace(regexp_replace(text, '<(since|proposed_at)>[^<]*</\1>', '', 'g'), '\s+', ' ', 'g') FROM line};

# The lines of a database, as keys.
sub of
{
	my ($node, $database) = @_;
	return { map { $_ => 1 } split /\n/, $node->safe_psql($database, $lines) };
}

# What one has and the other has not, in words; '' = nothing.
sub differences
{
	my ($fresh, $updated) = @_;
	my @more = map { substr "only fresh: $_", 0, 400 } grep { !$updated->{$_} } sort keys %$fresh;

	push @more, map { substr "only updated: $_", 0, 400 } grep { !$fresh->{$_} } sort keys %$updated;
	splice @more, 20, @more - 20, '…' if @more > 21;
	return join "\n", @more;
}

1;
