# upgrade: an extension that was updated is the same as a fresh one, object by object, and keeps what it held; so do dump and restore, and pg_upgrade has nothing
# against it.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('upgrade', cache => 1);
$node->await_answers;

# Everything that belongs to the extension, a line a property, without OIDs.
my $catalogue = q{
	WITH member AS (
		SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'lpr'
	), relation AS (
		SELECT c.* FROM pg_class AS c JOIN member AS m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
	), line (text) AS (
		SELECT format('member %s', (SELECT i.type || ' ' || i.identity FROM pg_identify_object(m.classid, m.objid, 0) AS i)) FROM member AS m
		UNION ALL SELECT format('comment of %s: %s', (SELECT i.identity FROM pg_identify_object(m.classid, m.objid, 0) AS i), obj_description(m.objid, m.classid::regclass::name)) FROM member AS m
		UNION ALL SELECT format('function %s owner %s rights %s: %s', p.oid::regprocedure, p.proowner::regrole, ARRAY(SELECT a::text FROM unnest(p.proacl) AS a ORDER BY 1), CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END)
			FROM pg_proc AS p JOIN member AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
		UNION ALL SELECT format('relation %s kind %s owner %s persistence %s rights %s options %s rls %s %s: %s', c.oid::regclass, c.relkind, c.relowner::regrole, c.relpersistence, ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY 1), c.reloptions,
			c.relrowsecurity, c.relforcerowsecurity, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END) FROM relation AS c
		UNION ALL SELECT format('column %s.%s number %s %s not null %s storage %s statistics %s collation %s identity %s default %s comment %s', c.oid::regclass, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod),
			a.attnotnull, a.attstorage, a.attstattarget, a.attcollation::regcollation, a.attidentity, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum))
			FROM relation AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
		UNION ALL SELECT format('constraint %s on %s: %s', o.conname, o.conrelid::regclass, pg_get_constraintdef(o.oid)) FROM pg_constraint AS o JOIN relation AS c ON c.oid = o.conrelid
		UNION ALL SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM pg_index AS i JOIN relation AS c ON c.oid = i.indrelid
		UNION ALL SELECT format('trigger %s enabled %s', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger AS t JOIN relation AS c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal
		UNION ALL SELECT format('policy %s on %s for %s to %s: %s; %s', p.polname, p.polrelid::regclass, p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), obj_description(p.oid, 'pg_policy'))
			FROM pg_policy AS p JOIN relation AS c ON c.oid = p.polrelid
		UNION ALL SELECT format('event trigger %s on %s tags %s does %s enabled %s', t.evtname, t.evtevent, t.evttags, t.evtfoid::regproc, t.evtenabled)
			FROM pg_event_trigger AS t JOIN member AS m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid
		UNION ALL SELECT format('dumped %s %s', x.t::regclass, x.c) FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS x (t, c) WHERE e.extname = 'lpr'
		UNION ALL SELECT format('schema %s owner %s rights %s', n.nspname, n.nspowner::regrole, ARRAY(SELECT a::text FROM unnest(n.nspacl) AS a ORDER BY 1)) FROM pg_namespace AS n WHERE n.nspname LIKE 'lpr%'
		UNION ALL SELECT format('rows that come with it: %s', x.q) FROM (
			SELECT (SELECT count(*) FROM lpr_data.purpose) || ' ' || (SELECT count(*) FROM lpr_data.authority) || ' ' || (SELECT count(*) FROM lpr_data.course) || ' ' || (SELECT count(*) FROM lpr_data.mail_text)
				|| ' ' || (SELECT count(*) FROM lpr_data.system) || ' ' || (SELECT count(*) FROM lpr_data.empty_reason) || ' ' || (SELECT count(*) FROM lpr_data.search_limit) || ' ' || (SELECT count(*) FROM lpr_data.schedule WHERE shipped) AS q) AS x
	)
	SELECT regexp_replace(text, '\s+', ' ', 'g') AS t FROM line};

# ---- fresh and updated are the same ----

$node->safe_psql('postgres', 'CREATE DATABASE fresh; CREATE DATABASE updated');
$node->safe_psql('fresh', 'SET client_min_messages = warning; CREATE EXTENSION lpr CASCADE');
$node->safe_psql('updated', q{SET client_min_messages = warning; CREATE EXTENSION pgcrypto; CREATE EXTENSION lpr VERSION '0.1.0'});
$node->safe_psql('updated', "SELECT lpr.add_source('acme', 'lpr-v1', 'https://vendor.example', secret => 'x', assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}'), lpr.add_source('dumb', 'parkpow-v1', 'https://vendor.example', secret => 'x');
	SELECT lpr.add_camera('dumb', 'c1', 32.71, -117.16, region => 'CA')");
my $held = "SELECT string_agg(s.name || ' ' || s.enabled || ' ' || coalesce(s.assessment, '') || ' ' || (SELECT count(*) FROM lpr_data.camera AS c WHERE c.source = s.name), ', ' ORDER BY s.name) FROM lpr_data.source AS s";
my $before = $node->safe_psql('updated', $held);
like($node->messages('postgres', 'SELECT * FROM lpr.reads WHERE plate = $$BULK1$$', database => 'updated'), qr/ERROR: +55000: the library is lpr [\d.]+ and the extension is lpr 0\.1\.0.*HINT: +ALTER EXTENSION lpr UPDATE/s,
	'before the update nothing is asked, and the error says what to do');
$node->safe_psql('updated', 'SET client_min_messages = warning; ALTER EXTENSION lpr UPDATE');
is($node->safe_psql('updated', $held), $before, 'what it held is there');
$node->safe_psql('updated', "SELECT lpr.remove_source('acme'), lpr.remove_source('dumb')");
my ($fresh, $updated) = map { $node->safe_psql($_, $catalogue) } qw(fresh updated);
cmp_ok(scalar(split /\n/, $fresh), '>', 1500, 'the catalogue of a fresh one');
my %fresh = map { $_ => 1 } split /\n/, $fresh;
my %updated = map { $_ => 1 } split /\n/, $updated;
is(join("\n", map({ substr("only fresh: $_", 0, 300) } grep { !$updated{$_} } sort keys %fresh), map({ substr("only updated: $_", 0, 300) } grep { !$fresh{$_} } sort keys %updated)), '', '… is that of an updated one');

# ---- dump and restore into another cluster ----

my ($session) = $node->session('analyst1');
my @ids = split /\n/, ($node->converse($session, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123' AND captured_at > now() - interval '20 days' LIMIT 3"))[0];
is(($node->converse($session, "SELECT lpr.save(1, 'acme', '{" . join(',', @ids) . "}', 'Seen at the safe house on each day of a delivery, by the camera across the street.', with_images => true)"))[0], scalar @ids, 'something is saved');
$session->quit;
$node->answer('admin1', "SELECT lpr.add_purpose('stolen', 'Find a stolen vehicle'), lpr.retire_purpose('terrorism'), lpr.set_cache_time('6 hours')");
LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 });
my %kept = map { $_ => $node->answer('postgres', "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\")), '') FROM lpr_data.$_ AS t") }
	qw(person access access_step training recertification event event_member save event_read image purpose authority cache_time mail source audit checkpoint purge_certificate schedule_step);
cmp_ok($node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_read'), '>', 0, 'something is in the cache');
my $dump = $node->basedir . '/backup.sql';
system_or_bail('pg_dumpall', '--roles-only', '-f', "$dump.roles", '-d', $node->connstr('postgres'));
system_or_bail('pg_dump', '--no-unlogged-table-data', '-f', $dump, $node->connstr('lpr')); # the documented command
my $other = LprTest->make('restored');
$other->start;
$other->psql('postgres', "CREATE DATABASE lpr");
$other->psql('postgres', undef, extra_params => [ '-f', "$dump.roles" ], on_error_stop => 0);
my $errors = '';
$other->psql('lpr', undef, extra_params => [ '-f', $dump ], stderr => \$errors, on_error_stop => 0);
unlike($errors, qr/ERROR/, 'a dump restores without an error') or diag substr $errors, 0, 2000;
$other->put_secret('checkpoint-key', slurp_file("$node->{secret_directory}/checkpoint-key"));
is(join(', ', grep { $kept{$_} ne $other->answer('postgres', "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\")), '') FROM lpr_data.$_ AS t" . ($_ eq 'audit' ? ' WHERE number <= ' . (split / /, $kept{audit})[0] : $_ eq 'checkpoint' ? ' WHERE size <= ' . (split / /, $kept{audit})[0] : '')) } sort keys %kept), '',
	'every person, approval, event, saved read, image and audit record is there');
is($other->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_read'), 0, '… and nothing of the cache');
$other->restart;
LprTest::eventually(sub { $other->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
is($other->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'the log verifies there');
is($other->answer('analyst1', 'SELECT count(*) FROM lpr.event_reads(1)'), scalar @ids, 'who had access has it there');
$other->safe_psql('lpr', 'SELECT lpr_data.prepare_cache()');
is($other->answer('postgres', "SELECT (SELECT max(saved_id) FROM lpr_data.event_read) < nextval('lpr_data.event_read_saved_id_seq')"), 't', 'and numbers go on');

# ---- DROP EXTENSION ----

like($node->messages('postgres', 'DROP EXTENSION lpr'), qr/ERROR: +2BP01/, 'DROP EXTENSION does not silently destroy what was saved');

# ---- pg_upgrade ----

my $new = LprTest->make('newer');
$_->stop for $node, $other;
my ($bin) = map { chomp; $_ } `pg_config --bindir`;
chdir $node->basedir; # it writes its logs where it stands
my $check = run_log([ 'pg_upgrade', '--check', '-b', $bin, '-B', $bin, '-d', $node->data_dir, '-D', $new->data_dir, '-p', $node->port, '-P', $new->port, '-s', $node->host, '-U', 'postgres' ]);
ok($check, 'pg_upgrade --check has nothing against it');
done_testing();
