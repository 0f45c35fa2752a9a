# upgrade: an extension that was updated from any released version is the same as a fresh one, object by object; it keeps what it held, its log and the people
# at work. A library and an extension of two versions ask nothing, whichever is the older. So do dump and restore, of the version before as well, and pg_upgrade has nothing against it.
use strict;
use warnings;
use LprAudit;
use LprCatalogue;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('upgrade', cache => 1);
$node->await_answers;
my $this = $node->answer('postgres', "SELECT default_version FROM pg_available_extensions WHERE name = 'lpr'");
my @before = split /\n/, $node->answer('postgres', "SELECT version FROM pg_available_extension_versions WHERE name = 'lpr' AND version <> '$this' ORDER BY string_to_array(version, '.')::integer[]");

# Nobody comes from them on 18, which takes no partitioned table that is unlogged: on 15 to 17 an update comes before the server's. What an update does is the same.
if ($node->pg_version >= 18)
{
	my $messages = $node->messages('postgres', "SET client_min_messages = warning; BEGIN; DROP EXTENSION lpr CASCADE; CREATE EXTENSION lpr VERSION '$before[-1]'");

	like($messages, qr/ERROR: .*partitioned tables cannot be unlogged/, 'released versions do not install');
	for my $script (glob "$ENV{LPR_EXTENSIONS}/lpr--*.sql")
	{
		my $sql = slurp_file($script);

		next if $sql !~ s/^CREATE UNLOGGED (TABLE [^;]*? PARTITION BY)/CREATE $1/mg;
		unlink $script;
		append_to_file($script, $sql);
	}
}

# ---- fresh and updated are the same ----

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'SET client_min_messages = warning; CREATE EXTENSION lpr CASCADE');
my $fresh = LprCatalogue::of($node, 'fresh');
cmp_ok(scalar(keys %$fresh), '>', 1500, 'the catalogue of a fresh one');
cmp_ok(scalar(@before), '>=', 2, 'versions were released before');
for my $version (@before)
{
	my $database = "from $version";

	$node->safe_psql('postgres', qq{CREATE DATABASE "$database"});
	$node->safe_psql($database, "SET client_min_messages = warning; CREATE EXTENSION pgcrypto; CREATE EXTENSION lpr VERSION '$version'");
	$node->safe_psql($database, "SELECT lpr.add_source('acme', 'lpr-v1', 'https://vendor.example', secret => 'x', assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}'), lpr.add_source('dumb', 'parkpow-v1', 'https://vendor.example', secret => 'x');
		SELECT lpr.add_camera('dumb', 'c1', 32.71, -117.16, region => 'CA')");
	my $held = "SELECT string_agg(s.name || ' ' || s.enabled || ' ' || coalesce(s.assessment, '') || ' ' || (SELECT count(*) FROM lpr_data.camera AS c WHERE c.source = s.name), ', ' ORDER BY s.name) FROM lpr_data.source AS s";
	my $before = $node->safe_psql($database, $held);
	like($node->messages('postgres', 'SELECT * FROM lpr.reads WHERE plate = $$BULK1$$', database => $database),
		qr/ERROR: +55000: the library is lpr \Q$this\E and the extension is lpr \Q$version\E.*HINT: +ALTER EXTENSION lpr UPDATE/s, "$version: before the update nothing is asked, and the error says what to do");
	$node->safe_psql($database, 'SET client_min_messages = warning; ALTER EXTENSION lpr UPDATE');
	is($node->safe_psql($database, $held), $before, '… what it held is there');
	is($node->safe_psql($database, 'SELECT string_agg(network || kind, chr(32) ORDER BY network) FROM lpr.client_networks'), '0.0.0.0/0direct ::/0direct localdirect',
		'… people connect from where they did');
	$node->safe_psql($database, "SELECT lpr.remove_source('acme'), lpr.remove_source('dumb'), lpr.remove_client_network('0.0.0.0/0'), lpr.remove_client_network('::/0')");
	$node->safe_psql($database, "DELETE FROM lpr_data.client_network WHERE kind = 'none'"); # as if they had never been named
	is(LprCatalogue::differences($fresh, LprCatalogue::of($node, $database)), '', '… and the catalogue of a fresh one is that of an updated one');
}

# ---- a database of the version before, with all that people have put into it ----

my ($session) = $node->session('analyst1');
my @ids = split /\n/, ($node->converse($session, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123' AND captured_at > now() - interval '20 days' LIMIT 3"))[0];
is(($node->converse($session, "SELECT lpr.save(1, 'acme', '{" . join(',', @ids) . "}', 'Seen at the safe house on each day of a delivery, by the camera across the street.', 'illicit_activity', fields => '{make,address}', why_images => 'The driver of that day can be told by them only.')"))[0], scalar @ids, 'something is saved');
$node->answer('admin1', "SELECT lpr.add_purpose('stolen', 'Find a stolen vehicle'), lpr.retire_purpose('terrorism'), lpr.set_cache_time('6 hours')");
LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 });

# What a table holds: its rows, of the columns that it had then.
my $before = $before[-1];
my @tables = qw(person access access_step training recertification event event_member save event_read image purpose authority cache_time mail schedule schedule_step);
my %columns;
my %own = map { $_ => '' } @tables, qw(cache_read cache_answer);
$own{schedule} = ' WHERE NOT shipped'; # what comes with a version tells when it came
$own{training} = " WHERE course NOT IN ('integrity_awareness', 'lpr_policy')"; # which nobody had completed then
$node->safe_psql('postgres', 'CREATE DATABASE old');
$node->safe_psql('old', "SET client_min_messages = warning; CREATE EXTENSION pgcrypto; CREATE EXTENSION lpr VERSION '$before'");
$columns{$_} = $node->safe_psql('old', "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'lpr_data.$_'::regclass AND attnum > 0 AND NOT attisdropped") for @tables, qw(cache_read cache_answer);
sub held
{
	my ($node, @which) = @_;
	return { map { $_ => $node->answer('postgres', "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\")), '') FROM (SELECT $columns{$_} FROM lpr_data.$_$own{$_}) AS t") } @which };
}
my $held = held($node, @tables);
my ($servers) = slurp_file($ENV{LPR_STAGE}) =~ /^(SELECT lpr\.add_source\(.*?)\n\\g/ms;
my $head = $node->head;

# Out of the tables of this version into those of that one, column by column: what it knows of. The log is no member of the extension, and stays.
$servers =~ s/:'vendor_url'/'$node->{vendor_url}'/g;
$node->safe_psql('lpr', join ';', 'SET client_min_messages = warning; SET session_replication_role = replica; CREATE SCHEMA aside',
	(map { "CREATE TABLE aside.$_ AS SELECT $columns{$_} FROM lpr_data.$_$own{$_}" } @tables, qw(cache_read cache_answer)),
	'CREATE TABLE aside.number AS SELECT sequencename AS name, last_value FROM pg_sequences WHERE schemaname = $$lpr_data$$ AND last_value IS NOT NULL',
	'DROP EXTENSION lpr CASCADE', "CREATE EXTENSION lpr VERSION '$before'", $servers,
	(map { "DELETE FROM lpr_data.$_" } qw(cache_time)),
	(map { "INSERT INTO lpr_data.$_ ($columns{$_}) OVERRIDING SYSTEM VALUE SELECT $columns{$_} FROM aside.$_" } @tables),
	"SELECT setval('lpr_data.' || n.name, n.last_value) FROM aside.number AS n JOIN pg_sequences AS s ON s.schemaname = 'lpr_data' AND s.sequencename = n.name",
	# What expires later, and what has expired: not to be found by a question, since where it lies is another place.
	# Once more if the purger of that version, which locks nothing, makes the same table just now.
	(map { "DO \$\$ BEGIN PERFORM lpr_data.add_cache_hour(h) FROM (SELECT DISTINCT date_trunc('hour', expires_at) FROM aside.cache_answer UNION SELECT date_trunc('hour', now()) - interval '1 hour') AS x (h);
		EXCEPTION WHEN duplicate_table OR unique_violation THEN IF $_ = 9 THEN RAISE; END IF; END \$\$" } 1 .. 9),
	'UPDATE aside.cache_answer SET key = NULL', (map { "INSERT INTO lpr_data.$_ ($columns{$_}) SELECT $columns{$_} FROM aside.$_" } qw(cache_read cache_answer)), 'DROP SCHEMA aside CASCADE');
$node->answer('postgres', "UPDATE lpr_data.source SET exemptions = CASE name WHEN 'acme' THEN '{5 U.S.C. 552a(j)(2)}'::text[] ELSE '{5 U.S.C. 552a(k)(2)}' END WHERE name IN ('acme', 'birdseye')");
is_deeply(held($node, @tables), $held, "an extension of $before has what people did");
my $old_dump = $node->basedir . '/old.sql';
system_or_bail('pg_dump', '--no-unlogged-table-data', '-f', $old_dump, $node->connstr('lpr'));
# What one administrator could set.
$node->answer('postgres', "UPDATE lpr_data.search_limit SET radius_m = 200000, reads = 500, shipped = false WHERE mode = 'location'; UPDATE lpr_data.rate_limit SET questions = 500000, shipped = false WHERE name = 'person_hour'; UPDATE lpr_data.rate_limit SET questions = 4000, shipped = false WHERE name = 'event_hour'");
# It knows no lpr_verb, and gave it nothing of the log.
$node->safe_psql('lpr', q{DO $$ BEGIN EXECUTE (SELECT format('REVOKE ALL ON %s FROM lpr_verb', string_agg(oid::regclass::text, ', ')) FROM pg_class WHERE relowner = 'lpr_log'::regrole AND relkind IN ('r', 'p')); END $$});

# ---- the library is the newer one ----

my $other_version = sub { my ($of_library, $of_extension) = @_; return qr/55000: the library is lpr \Q$of_library\E and the extension is lpr \Q$of_extension\E.*DETAIL: +Nothing is asked unless both are of one version/s };
my $question = "SELECT count(*) > 0 FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123' AND captured_at > now() - interval '20 days'";
like(($node->converse($session, $question))[1], $other_version->($this, $before), 'whoever was at work asks nothing');
like($node->messages('analyst2', $question, logon => 0), $other_version->($this, $before), '… nor who comes');
like(($node->converse($session, 'SELECT count(*) FROM lpr.event_reads(1)'))[1], qr/LP020.*the library is lpr \Q$this\E/s, '… nor is anything shown without a record');
my $stuck = sub { my ($reason) = @_; return LprTest::eventually(sub { $node->answer('oversight1', "SELECT writer || ': ' || reason FROM lpr.audit_status()", logon => 0) =~ /^stuck: .*\Q$reason\E/ }) };
ok($stuck->("the library is lpr $this and the extension is lpr $before"), '… and lpr.audit_status() tells why');
is($node->head, $head + 1, '… so that nothing is on record either, but that the extension was dropped');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.purge_certificate WHERE deadline < now() AND deadline > now() - interval '3 hours'") }), 'what has expired goes all the same');

# ---- the update, with people at work ----

# A site builds on what it is given.
$node->safe_psql('lpr', 'CREATE ROLE site; CREATE SCHEMA site; CREATE VIEW site.open AS SELECT event, title FROM lpr.events; GRANT USAGE ON SCHEMA site TO supervisor1; GRANT SELECT ON site.open TO supervisor1; GRANT SELECT ON lpr.jobs TO site; GRANT EXECUTE ON FUNCTION lpr.checkpoint(bigint) TO site;
	GRANT USAGE ON SCHEMA lpr TO site; GRANT SELECT ON lpr.people TO site WITH GRANT OPTION; SET ROLE site; GRANT SELECT ON lpr.people TO supervisor1; RESET ROLE; GRANT SELECT (title) ON lpr.events TO site; GRANT SELECT ON lpr.purposes TO PUBLIC');
my $swarm = $node->swarm(8, pause => 0.3, sql => LprTest::quick() . ' AND NOT from_cache;');
ok(LprTest::eventually(sub { $node->swarm_errors($swarm) =~ /(?:55000|LP020): .*the library is lpr/s }), 'others try again and again');
my ($viewer) = $node->session('supervisor1');
$node->converse($viewer, 'BEGIN; SELECT count(*) FROM lpr.events');
my $update = $node->launch('postgres', 'ALTER EXTENSION lpr UPDATE');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE query = 'ALTER EXTENSION lpr UPDATE' AND wait_event_type = 'Lock'") }), 'the update waits for who has a table in use');
is(($node->converse($viewer, 'SELECT count(*) FROM lpr.people; COMMIT'))[1], '', '… who goes on');
my $told = ($node->landed($update))[1];
like($told, qr/^WARNING: .*what a site granted.*DETAIL: +GRANT EXECUTE ON FUNCTION lpr.checkpoint\(bigint\) TO site; GRANT USAGE ON SCHEMA lpr TO site; GRANT SELECT \(title\) ON TABLE lpr.events TO site; GRANT SELECT ON TABLE lpr.jobs TO site; GRANT SELECT ON TABLE lpr.people TO site; GRANT SELECT ON TABLE lpr.people TO supervisor1; GRANT SELECT ON TABLE lpr.purposes TO PUBLIC;\nHINT/s, 'the update goes through, and tells what is to be granted again');
like($told, qr/^WARNING: .*searches by location is narrower now\nDETAIL: +It was 200000 metres, 90 days and 500 reads, and is no more than 1000 metres/m, '… tells which limits were beyond what one may set');
like($told, qr/^WARNING: .*searches by vehicle is narrower now\nDETAIL: +It was the whole country, /m, '… that a vehicle is asked for within a place');
like($told, qr/^WARNING: .*limit "person_hour" is narrower now\nDETAIL: +It was 500000 questions, and is 10000 plates/m, '… and the rates');
is($node->answer('postgres', "SELECT string_agg(concat_ws(' ', mode, radius_m, span, reads, plates), '; ' ORDER BY mode) FROM lpr_data.search_limit"), 'location 1000 90 days 500 500; vehicle 5000 30 days 10000 500', '… as they are now');
is($node->answer('postgres', "SELECT string_agg(concat_ws(' ', name, questions, plates), '; ' ORDER BY name) FROM lpr_data.rate_limit"), 'event_day 80000 4000; event_hour 4000; person_day 40000 2000; person_hour 10000', '… narrower ones stay');
like(($node->converse($session, $question))[1], qr/LP047: plate "7ABC123" is no target of event 1.*HINT: +SELECT lpr\.add_target\(1, plate => '7ABC123'/s, 'an open event has no targets yet');
my ($adopted) = $node->converse($session, 'SELECT plate, questions > 0, saved, call FROM lpr.adopt_targets(1)');
like($adopted, qr/^7ABC123\|t\|${\scalar @ids}\|SELECT lpr\.add_target\(1, plate => '7ABC123', relation => '\.\.\.'/m, '… and takes them from what it asked and saved, with its evidence');
like($adopted, qr/^BULK1\|t\|0\|/m, '… plate by plate');
$node->make_targets('lpr');
ok($node->await_acks($swarm, 16), '… and questions of those who were at work are answered');
my @acks = $node->swarm_end($swarm);
is(($node->converse($session, $question))[0], 't', '… in a session that had asked before as well');
is($node->answer('postgres', "SELECT string_agg(what, ' ' ORDER BY what) || bool_and(until - since <= interval '30 days 1 minute') FROM lpr_data.grace"), 'courses personnel_numbers sourcestrue', '… what it asks for anew has thirty days');
like($node->messages('analyst2', 'SELECT 1'), qr/NOTICE: .*course integrity_awareness, lpr_policy is missing.*NOTICE: .*your personnel number is missing.*NOTICE: .*source acme, birdseye, curbside is missing/s, '… which is told at each logon');
is($node->answer('postgres', "SELECT extversion FROM pg_extension WHERE extname = 'lpr'"), $this, '… by the new version');
is($node->answer('supervisor1', 'SELECT count(*) > 0 FROM site.open'), 't', 'what a site built on its views stands');
is($node->answer('postgres', "SELECT has_table_privilege('site', 'lpr.people', 'SELECT') OR has_column_privilege('site', 'lpr.events', 'title', 'SELECT') OR EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
	WHERE c.oid IN ('lpr.people'::regclass, 'lpr.purposes'::regclass) AND a.grantee IN (0, 'supervisor1'::regrole))"), 'f', '… and what it granted is gone, handed on, of columns and to everybody as well');
$node->safe_psql('lpr', 'DROP SCHEMA site CASCADE; DROP ROLE site');
is_deeply(held($node, grep { $_ ne 'mail' } @tables), { map { $_ => $held->{$_} } grep { $_ ne 'mail' } @tables }, 'what people did is there');
is(($node->converse($session, 'SELECT count(*) FROM lpr.event_reads(1)'))[0], scalar @ids, '… and shown');
is(($node->converse($session, 'SELECT DISTINCT nexus, why_images, make IS NOT NULL FROM lpr.event_reads(1, with_images => true) WHERE vehicle_image IS NOT NULL'))[0], 'unstated||t', '… with a nexus that nobody stated, and whatever was kept of it');
is($node->answer('postgres', "SELECT (SELECT string_agg(records || array_to_string(exemptions, ','), '; ' ORDER BY records) FROM lpr_data.exemption) || ' ' || (SELECT count(*) FROM lpr_data.source WHERE exemptions <> '{}')"),
	join('; ', map { "${_}5 U.S.C. 552a(j)(2),5 U.S.C. 552a(k)(2)" } qw(AFI ATS CIRS TECS)) . ' 0', 'each system of records has the exemptions that the vendors had');
is($node->answer('postgres', "SELECT count(*) FROM pg_inherits AS i JOIN pg_depend AS d ON d.objid = i.inhrelid AND d.deptype = 'e' JOIN pg_class AS c ON c.oid = d.objid AND c.relpersistence = 'u' AND c.relname ~ '^cache_read'
	WHERE i.inhparent = 'lpr_data.cache_read'::regclass") > 0, 1, 'the cache has its tables');
is($node->answer('postgres', "SELECT string_agg(DISTINCT c.relacl::text || i.initprivs::text, ' ') FROM pg_class AS c LEFT JOIN pg_init_privs AS i ON i.objoid = c.oid AND i.classoid = 'pg_class'::regclass WHERE c.relname ~ '^cache_(answer|read)_[0-9]+\$'"),
	'{lpr_owner=x/lpr_owner}{lpr_owner=x/lpr_owner}', '… with which the owner can do nothing');
is($node->answer('analyst2', "SELECT bool_and(from_cache) FROM lpr.reads WHERE event_id = 2 AND source = 'acme' AND plate = '7ABC123' AND captured_at > now() - interval '20 days'"), 't', '… and keeps answers');
$node->sound('after the update', acks => \@acks);

# ---- the log ----

is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'the log verifies');
is($node->answer('postgres', q{SELECT count(*) >= 5, count(*) FILTER (WHERE has_table_privilege('lpr_verb', c.oid, 'SELECT')) = count(*), count(i) FROM pg_class AS c LEFT JOIN pg_init_privs AS i ON i.classoid = 'pg_class'::regclass AND i.objoid = c.oid
	WHERE c.relowner = 'lpr_log'::regrole AND c.relkind IN ('r', 'p')}), 't|t|0', '… which its functions may read, as dumps tell');
my $file = $node->basedir . '/audit.log';
append_to_file("$file.checkpoint", $node->answer('oversight1', 'SELECT lpr.checkpoint()') . "\n"); # first: it covers no more than is exported
append_to_file($file, $node->answer('oversight1', 'SELECT lpr.export_audit()') . "\n");
append_to_file("$file.key", $node->answer('oversight1', 'SELECT lpr.audit_key()') . "\n");
my ($out, $err) = run_command([ 'lpr-audit-verify', '--key', "$file.key", '--checkpoints', "$file.checkpoint", $file ]);
like("$out$err", qr/: no finding$/, '… elsewhere, too, from before the update to after it');

# ---- the library is the older one ----

append_to_file("$ENV{LPR_EXTENSIONS}/lpr--$this--next.sql", "CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date;\n");
append_to_file("$ENV{LPR_EXTENSIONS}/lpr--next--$this.sql", "CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date;\n");
is(($node->converse($session, $question))[0], 't', 'somebody asks');
$node->safe_psql('lpr', "ALTER EXTENSION lpr UPDATE TO 'next'");
like(($node->converse($session, $question))[1], $other_version->($this, 'next'), '… and nothing more under the next version, though the session goes on');
like($node->messages('analyst2', $question, logon => 0), $other_version->($this, 'next'), '… nor does who comes');
ok($stuck->("the library is lpr $this and the extension is lpr next"), '… and lpr.audit_status() tells why');
$node->safe_psql('lpr', "ALTER EXTENSION lpr UPDATE TO '$this'");
ok(LprTest::eventually(sub { ($node->converse($session, $question))[0] eq 't' }), 'both of one version again, questions go on');
unlink glob "$ENV{LPR_EXTENSIONS}/lpr--*next*";
$session->quit;
$viewer->quit;

# ---- dump and restore into another cluster ----

LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 });
my %kept = map { $_ => $node->answer('postgres', "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text COLLATE \"C\")), '') FROM lpr_data.$_ AS t") }
	qw(person access access_step training recertification event event_member save event_read image purpose authority cache_time mail source audit checkpoint purge_certificate schedule_step);
cmp_ok($node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_read'), '>', 0, 'something is in the cache');
my $dump = $node->basedir . '/backup.sql';
system_or_bail('pg_dumpall', '--roles-only', '-f', "$dump.roles", '-d', $node->connstr('postgres'));
system_or_bail('pg_dump', '--no-unlogged-table-data', '-f', $dump, $node->connstr('lpr')); # the documented command
my $other = LprTest->make('restored');
my $errors = '';
$other->start;
$other->psql('postgres', undef, extra_params => [ '-f', "$dump.roles" ], on_error_stop => 0);
$other->put_secret('checkpoint-key', slurp_file("$node->{secret_directory}/checkpoint-key"));

# A dump of the version before names no version: into this one it would bring people who have no time to get what they lack.
$other->psql('postgres', $_) for 'CREATE DATABASE lpr', 'CREATE DATABASE direct', 'CREATE DATABASE rows';
$other->psql('direct', undef, extra_params => [ '-f', $old_dump ], stderr => \$errors, on_error_stop => 1);
like($errors, qr/ERROR: +this is a dump of an earlier version of lpr: its reads_acme has a column plate_image\n/, "a dump of $before does not go into this version");
my ($way) = $errors =~ /HINT: +In an empty database: (sed .*? DUMP \| psql -v ON_ERROR_STOP=1), then ALTER EXTENSION lpr UPDATE;/;
$other->psql('rows', undef, extra_params => [ '-f', $old_dump ], stderr => \$errors, on_error_stop => 0);
like($errors, qr/ERROR: +this is a dump of an earlier version of lpr: its $_\n/, "… $_, when somebody goes on all the same") for 'person has no personnel_hash', 'event has no waits_since', 'source has no published_on', 'event_read has no details';
is($other->safe_psql('rows', 'SELECT (SELECT count(*) FROM lpr_data.person) + (SELECT count(*) FROM lpr_data.event_read)'), 0, '… and brings nobody');
$other->psql('rows', "SET check_function_bodies = off; INSERT INTO lpr_data.person OVERRIDING SYSTEM VALUE VALUES (1, 'somebody', 'Some Body', 'some\@agency.example', 'Unit', NULL, 'personal', NULL)", stderr => \$errors);
like($errors, qr/its person has no personnel_hash\n/, '… nor does a dump of INSERTs');
{
	local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($other->host, $other->port, 'lpr');
	command_ok([ 'bash', '-c', $way =~ s/DUMP/'$old_dump'/r ], '… but it does go the way that the error tells');
}
$other->safe_psql('lpr', 'SET client_min_messages = error; ALTER EXTENSION lpr UPDATE');
is_deeply(held($other, grep { $_ ne 'mail' } @tables), { map { $_ => $held->{$_} } grep { $_ ne 'mail' } @tables }, '… with what people did');
ok(LprTest::eventually(sub { $other->answer('postgres', "SELECT (SELECT state FROM lpr_data.writer()) || (SELECT count(*) FROM lpr_data.change)") eq 'ready0' }), '… what waited goes on record');
like($other->messages('analyst2', 'SELECT 1'), qr/NOTICE: .*course integrity_awareness, lpr_policy is missing.*NOTICE: .*your personnel number is missing.*NOTICE: .*source acme, birdseye, curbside is missing/s, '… what is asked for anew has thirty days, as each logon tells');
like($other->messages('analyst1', $question), qr/LP047: plate "7ABC123" is no target of event 1/, '… an open event has no targets');
like($other->answer('analyst1', 'SELECT plate, questions > 0, saved, call FROM lpr.adopt_targets(1)'), qr/^7ABC123\|t\|${\scalar @ids}\|SELECT lpr\.add_target\(1, plate => '7ABC123', relation => '\.\.\.'/m, '… and takes them from what it asked and saved');
is($other->answer('analyst1', 'SELECT DISTINCT nexus FROM lpr.event_reads(1)'), 'unstated', '… saved reads have a nexus that nobody stated');
$other->make_targets('lpr', '7ABC123');
like($other->messages('analyst1', $question), qr/^(?!.*(?:LP0|55000))/s, '… and who was at work asks on');
is($other->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', '… the log verifies');
$other->safe_psql('postgres', "DROP DATABASE $_ WITH (FORCE)") for qw(lpr direct rows);
$other->psql('postgres', 'CREATE DATABASE lpr');

$other->psql('lpr', undef, extra_params => [ '-f', $dump ], stderr => \$errors, on_error_stop => 0);
unlike($errors, qr/ERROR/, 'a dump restores without an error') or diag substr $errors, 0, 2000;
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
