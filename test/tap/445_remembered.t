# remembered: what the gate's second part let through holds until something changes that it read, and not a question longer. LprTest has each remembered decision judged
# anew (lpr.debug_remembered), so that a stale right anywhere in these tests ends the server; here it is seen that decisions are remembered at all, and what ends that.
use strict;
use warnings;
use LprAudit;
use JSON::PP;
use Test::More;

my $node = LprTest->make('remembered', world => 1, conf => "max_prepared_transactions = 5\n");
$node->start;
$node->vendor_start;
$node->stage('lpr');
# A right to the source by way of another role, and an event that analyst1 is a member of.
$node->answer('postgres', "CREATE ROLE helper; GRANT helper TO analyst1; GRANT USAGE ON FOREIGN SERVER acme TO helper; REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user");
my ($session) = $node->session('analyst1');
my ($boss) = $node->session('postgres');
my $read = LprTest::quick();

sub verdict { my ($err) = ($node->converse($session, $_[0] // $read))[1]; return $err =~ /ERROR: +(\w{5})/ ? $1 : $err =~ s/.*NOTICE(?:(?!ERROR).)*//sr }
sub counted { return split /\|/, $node->answer('postgres', 'SELECT decided, remembered FROM lpr_data.decisions()') }

# Asks, and says how many of the decisions went by what is remembered.
sub remembered
{
	my ($times, $sql) = @_;
	my ($d0, $r0) = counted();

	is(verdict($sql), '', '… let through') for 1 .. $times;
	my ($d1, $r1) = counted();
	is($d1 - $d0, $times, '… each decided');
	return $r1 - $r0;
}

# Does something that ends a right, while it is remembered.
sub holds
{
	my ($name, $do, $expected, $undo, $sql) = @_;

	cmp_ok(remembered(2, $sql), '>=', 1, "$name: remembered before");
	(undef, my $err) = $node->converse($boss, $do);
	unlike($err, qr/ERROR/, '… and changed');
	is(verdict($sql), $expected, "… refused at once: $expected");
	is(verdict($sql), $expected, '… a refusal is not remembered as anything else');
	(undef, $err) = $node->converse($boss, $undo);
	unlike($err, qr/ERROR/, '… changed back');
	is(verdict($sql), '', '… and let through at once');
	return;
}

# ---- whether it is remembered ----

verdict() for 1, 2; # the first has the writer look for what is to tell it of changes
is(remembered(3), 3, 'the same question again');
is(remembered(1, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK2' AND source = 'acme'"), 1, 'another plate');
is(remembered(1, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'birdseye'"), 0, 'another source');
is(remembered(1, "SELECT count(*) FROM lpr.search_vehicle(make => 'FORD', latitude => 32.55, longitude => -117.04, since => now() - interval '1 day') WHERE source = 'acme'"), 0, 'another mode');
{
	my ($other) = $node->session('analyst2');
	my ($d0, $r0) = counted();

	$node->answer('postgres', 'GRANT helper TO analyst2');
	$node->converse($other, $read);
	my ($d1, $r1) = counted();
	is($d1 - $d0 . ' ' . ($r1 - $r0), '1 0', 'another person');
	$other->quit;
}
verdict();
$node->converse($boss, 'CREATE TABLE public.nothing (x integer)');
is(remembered(1), 1, 'nothing that the rules read has changed');
$node->answer('analyst1', 'SELECT 1');
is(remembered(1), 1, '… nor by somebody who agrees to the rules');
$node->answer('postgres', "ALTER SYSTEM SET lpr.refusals_singly = 99999");
$node->answer('postgres', "SELECT pg_reload_conf()");
LprTest::eventually(sub { $node->answer('postgres', "SELECT value FROM lpr_data.setting WHERE name = 'lpr.refusals_singly'") eq '99999' });
is(remembered(2), 1, 'settings that were read again');

# ---- all that it reads ----

# Of what plan, and what in it is a function that the plan does not show the inside of.
sub plan_of
{
	my $facts = join ', ', map { "q.$_" } split /\n/, $node->answer('postgres', "SELECT attname FROM pg_attribute WHERE attrelid = 'lpr_data.question'::regclass AND attnum > 0 ORDER BY attnum");
	my $plan = $node->answer('postgres', "EXPLAIN (VERBOSE, FORMAT JSON) SELECT * FROM (SELECT (lpr_data.session()).* OFFSET 0) AS q, (SELECT clock_timestamp() AS moment OFFSET 0) AS n, LATERAL lpr_data.gate_person(ROW($facts)::lpr_data.question, 1, n.moment) AS p");
	my (%tables, %functions);
	my $walk;
	$walk = sub {
		my ($n) = @_;
		if (ref $n eq 'ARRAY') { $walk->($_) for @$n }
		elsif (ref $n eq 'HASH')
		{
			$tables{"$n->{Schema}.$n->{'Relation Name'}"} = 1 if exists $n->{'Relation Name'};
			$walk->($_) for values %$n;
		}
		elsif (defined $n) { (my $bare = $n) =~ s/'(?:[^']|'')*'//g; $functions{$_} = 1 for $bare =~ /([a-z_][a-z_.]*)\(/g }
		return;
	};
	$walk->(decode_json($plan));
	return (\%tables, \%functions);
}
my ($tables, $functions) = plan_of();
is_deeply([ sort keys %$tables ], [ 'lpr_data.access', 'lpr_data.access_step', 'lpr_data.course', 'lpr_data.event', 'lpr_data.event_member', 'lpr_data.grace', 'lpr_data.recertification', 'lpr_data.source', 'lpr_data.training', 'pg_catalog.pg_foreign_server' ],
	'the tables that the second part reads: each has a case below');
# has_server_privilege reads the server's rights and owner, roles, memberships, the database's owner; has_dialect_mode the server's options.
is_deeply([ sort grep { !/^(?:session|row|max|min|count|bool_and|any|coalesce|least|greatest|array)$/i } keys %$functions ], [ 'clock_timestamp', 'has_server_privilege', 'lpr_data.has_dialect_mode', 'lpr_data.session' ],
	'… and the functions that it calls: what they read has a case below');

# A table that nothing tells of: nothing is remembered while the rules read it.
my $as_it_is = $node->answer('postgres', "SELECT pg_get_functiondef('lpr_data.gate_person'::regproc)");
(my $more = $as_it_is) =~ s/(FROM \(VALUES \(true\)\) AS one)/$1 CROSS JOIN (SELECT count(*) AS n FROM public.nothing) AS unheard/;
isnt($more, $as_it_is, 'a rule reads one table more');
$node->converse($boss, $more);
is(remembered(3), 0, '… of which nobody tells: nothing is remembered');
$node->converse($boss, $as_it_is);
cmp_ok(remembered(3), '>=', 1, '… it is remembered again');
for my $table (grep { /^lpr_data/ } sort keys %$tables)
{
	for my $trigger ('audit_change', 'audit_truncate')
	{
		$node->converse($boss, "ALTER TABLE $table DISABLE TRIGGER $trigger");
		is(remembered(2), 0, "$table without $trigger: nothing is remembered");
		$node->converse($boss, "ALTER TABLE $table ENABLE TRIGGER $trigger");
		is(remembered(2), 0, '… nor when it does not always fire');
		$node->converse($boss, "ALTER TABLE $table ENABLE ALWAYS TRIGGER $trigger");
		is(remembered(2), 1, '… until it does');
	}
}
$node->converse($boss, 'CREATE TABLE public.child () INHERITS (lpr_data.source)');
is(remembered(2), 0, 'a table that inherits from one of them: nothing is remembered');
$node->converse($boss, 'DROP TABLE public.child');
cmp_ok(remembered(3), '>=', 1, '… until it is gone');
my $telling = $node->answer('postgres', "SELECT pg_get_functiondef('lpr_data.audit_change'::regproc)");
(my $silent = $telling) =~ s/FROM lpr_data\.wake_writer\(\) AS w/FROM (SELECT 1 AS pid, now() AS session_started) AS w/;
$node->converse($boss, $silent);
is(remembered(2), 0, 'a trigger function that tells nobody: nothing is remembered');
$node->converse($boss, $telling);
is(remembered(2), 1, '… until it does');

# ---- each of them changes ----

# Who may do anything, and is recorded.
$node->converse($boss, "ALTER TABLE lpr_data.$_ DISABLE TRIGGER USER, ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate; CREATE TABLE public.kept_$_ AS TABLE lpr_data.$_")
	for map { s/lpr_data\.//r } grep { /^lpr_data/ } keys %$tables;
my $me = "(SELECT person_id FROM lpr_data.person WHERE login = 'analyst1')";
my ($off, $on) = map { "UPDATE lpr_data.source SET enabled = $_ WHERE name = 'acme'" } 'false', 'true';
holds('source: disabled', $off, 'LP003', $on);
holds('source: published tomorrow', "UPDATE lpr_data.source SET published_on = lpr_data.utc_today() + 1 WHERE name = 'acme'", 'LP003', "UPDATE lpr_data.source SET published_on = '2017-12-11' WHERE name = 'acme'");
holds('event: waits', 'UPDATE lpr_data.event SET waits_since = now() WHERE event_id = 1', 'LP042', 'UPDATE lpr_data.event SET waits_since = NULL WHERE event_id = 1');
holds('course: one more', "INSERT INTO lpr_data.course (code, title) VALUES ('more', 'More')", 'LP026', "UPDATE lpr_data.course SET required = false WHERE code = 'more'");
holds('event_member: no member', 'DELETE FROM lpr_data.event_member WHERE event_id = 1', 'LP041', 'INSERT INTO lpr_data.event_member SELECT * FROM public.kept_event_member WHERE event_id = 1');
holds('access: suspended', "UPDATE lpr_data.access SET state = 'suspended' WHERE person_id = $me", 'LP025', "UPDATE lpr_data.access SET state = 'granted' WHERE person_id = $me");
holds('access: of another mode', "UPDATE lpr_data.access SET modes = '{location}' WHERE person_id = $me", 'LP025', "UPDATE lpr_data.access SET modes = '{plate,location,vehicle}' WHERE person_id = $me");
holds('access_step: one approval', "UPDATE lpr_data.access_step SET action = 'deny' WHERE step = 'supervisor'", 'LP025', "UPDATE lpr_data.access_step SET action = 'approve' WHERE step = 'supervisor'");
holds('training: truncated', 'TRUNCATE lpr_data.training', 'LP026', 'INSERT INTO lpr_data.training SELECT * FROM public.kept_training');
holds('recertification: one of the past', "INSERT INTO lpr_data.recertification (person_id, lead_id, valid_until, reason, at) SELECT a.person_id, l.person_id, now() - interval '1 day', 'test', now() - interval '300 days' FROM lpr_data.person AS a, lpr_data.person AS l WHERE a.login = 'analyst1' AND l.login = 'lead1'", 'LP027', 'DELETE FROM lpr_data.recertification');
{
	$node->converse($boss, "UPDATE lpr_data.source SET published_on = NULL WHERE name = 'acme'; INSERT INTO lpr_data.grace (what, since, until) VALUES ('sources', now(), now() + interval '30 days')");
	holds('grace: taken back', 'DELETE FROM lpr_data.grace', 'LP003', "INSERT INTO lpr_data.grace (what, since, until) VALUES ('sources', now(), now() + interval '30 days')");
	$node->converse($boss, "UPDATE lpr_data.source SET published_on = '2017-12-11' WHERE name = 'acme'; DELETE FROM lpr_data.grace");
}
holds('the right to the server', 'REVOKE USAGE ON FOREIGN SERVER acme FROM helper', 'LP004', 'GRANT USAGE ON FOREIGN SERVER acme TO helper');
holds('… by a membership', 'REVOKE helper FROM analyst1', 'LP004', 'GRANT helper TO analyst1');
holds('… that is not inherited', 'GRANT helper TO analyst1 WITH INHERIT FALSE', 'LP004', 'GRANT helper TO analyst1 WITH INHERIT TRUE') if $node->pg_version >= 16;
{
	$node->converse($boss, 'REVOKE helper FROM analyst1; GRANT USAGE ON FOREIGN SERVER acme TO pg_database_owner; ALTER DATABASE lpr OWNER TO analyst1');
	holds('… of the owner of the database', 'ALTER DATABASE lpr OWNER TO postgres', 'LP004', 'ALTER DATABASE lpr OWNER TO analyst1');
	$node->converse($boss, 'ALTER DATABASE lpr OWNER TO postgres; REVOKE USAGE ON FOREIGN SERVER acme FROM pg_database_owner; GRANT helper TO analyst1');
}
holds('what the dialect can', "ALTER SERVER acme OPTIONS (SET dialect 'rekor-scout-v2')", 'LP005', "ALTER SERVER acme OPTIONS (SET dialect 'lpr-v1')", "SELECT count(*) FROM lpr.search_vehicle(make => 'FORD', latitude => 32.55, longitude => -117.04, since => now() - interval '1 day') WHERE source = 'acme'");
holds('a role that is apart', 'GRANT lpr_admin TO analyst1', 'LP038', 'REVOKE lpr_admin FROM analyst1');
holds('the login is somebody else\'s', "UPDATE lpr_data.person SET login = 'gone' WHERE login = 'analyst1'", 'LP024', "UPDATE lpr_data.person SET login = 'analyst1' WHERE login = 'gone'");
holds('a rule', $as_it_is =~ s/WHEN \(e\.event_id IS NOT NULL\)/WHEN (e.event_id IS NULL)/r, 'LP041', $as_it_is);
holds('what a rule calls', "CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN date '1999-12-31'", 'LP003',
	"CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date");

# ---- in whatever way ----

holds('replica', "SET session_replication_role = replica; $off; RESET session_replication_role", 'LP003', "SET session_replication_role = replica; $on; RESET session_replication_role");
holds('two phases', "BEGIN; $off; PREPARE TRANSACTION 'off'; COMMIT PREPARED 'off'", 'LP003', "BEGIN; $on; PREPARE TRANSACTION 'on'; COMMIT PREPARED 'on'");
holds('a subtransaction', "BEGIN; SAVEPOINT s; $off; RELEASE s; COMMIT", 'LP003', "BEGIN; $off; SAVEPOINT s; $on; RELEASE s; COMMIT");
my ($disabled, $enabled) = ('ALTER TABLE lpr_data.source DISABLE TRIGGER audit_change', 'ALTER TABLE lpr_data.source ENABLE ALWAYS TRIGGER audit_change');
holds('without its trigger, in one transaction', "BEGIN; $disabled; $off; $enabled; COMMIT", 'LP003', "BEGIN; $disabled; $on; $enabled; COMMIT");
remembered(2);
$node->converse($boss, $disabled);
remembered(2);
$node->converse($boss, $off);
is(verdict(), 'LP003', 'without its trigger, in several: refused');
$node->converse($boss, $on);
is(verdict(), '', '… and let through');
$node->converse($boss, $enabled);
# What is not committed changes nothing.
$node->converse($boss, "BEGIN; $off");
is(remembered(2), 1, 'a change that is open');
$node->converse($boss, 'ROLLBACK');
is(remembered(1), 1, '… and was rolled back');
$node->converse($boss, "BEGIN; SAVEPOINT s; $off; ROLLBACK TO s; COMMIT");
is(verdict(), '', '… to a savepoint');
$node->converse($boss, "BEGIN; $off; PREPARE TRANSACTION 'off'");
is(verdict(), '', '… or prepared');
$node->converse($boss, "ROLLBACK PREPARED 'off'");
is(remembered(2), 2, '… and then rolled back');
# From another database, and when many messages come at once.
remembered(2);
$node->safe_psql('postgres', 'REVOKE helper FROM analyst1');
is(verdict(), 'LP004', 'a membership, taken away in another database');
$node->safe_psql('postgres', 'GRANT helper TO analyst1');
remembered(2);
my $writer = $node->writer;
$node->hold_writer;
$node->converse($boss, "CREATE TEMP TABLE t (x integer); SET synchronous_commit = off; DO \$\$ BEGIN FOR i IN 1 .. 5000 LOOP EXECUTE format('ALTER TABLE t ALTER x SET STATISTICS %s', i); COMMIT; END LOOP; END \$\$; RESET synchronous_commit; $off");
$node->let_go($writer);
is(verdict(), 'LP003', 'more messages than the writer has room for');
$node->converse($boss, $on);
is(verdict(), '', '… and back');

# ---- by the clock ----

$node->answer('postgres', "UPDATE lpr_data.source SET approved_on = '2020-01-01', published_on = '2020-01-01'");
my $ends = 'SELECT ends_at FROM lpr_data.event WHERE event_id = 1';
$node->answer('postgres', "UPDATE lpr_data.event SET ends_at = clock_timestamp() + interval '1 hour' WHERE event_id = 1");
cmp_ok(remembered(2), '>=', 1, 'an event that ends within the hour, remembered');
$node->clock_to($ends, 1);
$node->agree_again($session);
is(verdict(), 'LP042', '… refused when it has ended');
$node->move_clock(-1800);
$node->agree_again($session);
cmp_ok(remembered(2), '>=', 1, '… let through while it lasted, by a clock that was set back');
$node->move_clock(-86400);
$node->agree_again($session);
like(verdict(), qr/^LP04[12]$/, '… refused before it began');
$node->move_clock(86400);
$node->agree_again($session);
is(verdict(), '', '… and let through again');
$node->sound('in the end');
done_testing();
