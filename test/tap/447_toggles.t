# toggles: rights go and come back thousands of times while others ask and change things: no question is ever decided by what was before. LPR_TOGGLES=10000 (make
# test-toggles); fewer by default. Each remembered decision is judged anew besides (lpr.debug_remembered), the load's too.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $times = $ENV{LPR_TOGGLES} // 240;
my $node = LprTest->make('toggles', conf => "max_prepared_transactions = 5\n");
$node->start;
$node->vendor_start;
$node->stage('lpr');
$node->answer('postgres', "CREATE ROLE helper; GRANT helper TO analyst1, analyst2; GRANT USAGE ON FOREIGN SERVER acme TO helper; REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user;
	INSERT INTO lpr_data.course (code, title, required) VALUES ('more', 'More', false);
	CREATE TABLE public.member AS SELECT * FROM lpr_data.event_member WHERE event_id = 1; CREATE TABLE public.note (x integer)");
$node->answer('postgres', "ALTER TABLE lpr_data.$_ DISABLE TRIGGER USER, ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate") for qw(access access_step training event_member);
$node->answer('postgres', 'CREATE TABLE public.kept AS TABLE lpr_data.training');
my ($session) = $node->session('analyst1');
my ($boss) = $node->session('postgres');
my $read = LprTest::quick();
my $me = "person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'analyst1')";
my ($off, $on) = map { "UPDATE lpr_data.source SET enabled = $_ WHERE name = 'acme'" } 'false', 'true';
my ($disabled, $enabled) = ('ALTER TABLE lpr_data.source DISABLE TRIGGER audit_change', 'ALTER TABLE lpr_data.source ENABLE ALWAYS TRIGGER audit_change');
my $today = 'CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN';
my $n = 0;
my @toggles = (
	[ source => 'LP003', $off, $on ],
	[ replica => 'LP003', map { "SET session_replication_role = replica; $_; RESET session_replication_role" } $off, $on ],
	[ 'two phases' => 'LP003', map { "BEGIN; $_; PREPARE TRANSACTION 't'; COMMIT PREPARED 't'" } $off, $on ],
	[ 'without its trigger' => 'LP003', map { "BEGIN; $disabled; $_; $enabled; COMMIT" } $off, $on ],
	[ 'without its trigger, step by step' => 'LP003', map { "$disabled; $_; $enabled" } $off, $on ],
	[ 'a function' => 'LP003', "$today date '1999-12-31'", "$today (clock_timestamp() AT TIME ZONE 'UTC')::date" ],
	[ member => 'LP041', 'DELETE FROM lpr_data.event_member WHERE event_id = 1', 'INSERT INTO lpr_data.event_member TABLE public.member' ],
	[ event => 'LP042', map { "UPDATE lpr_data.event SET waits_since = $_ WHERE event_id = 1" } 'now()', 'NULL' ],
	[ access => 'LP025', map { "UPDATE lpr_data.access SET state = '$_' WHERE $me" } 'suspended', 'granted' ],
	[ approval => 'LP025', map { "UPDATE lpr_data.access_step SET action = '$_' WHERE step = 'supervisor'" } 'deny', 'approve' ],
	[ course => 'LP026', map { "UPDATE lpr_data.course SET required = $_ WHERE code = 'more'" } 'true', 'false' ],
	[ training => 'LP026', 'TRUNCATE lpr_data.training', 'INSERT INTO lpr_data.training TABLE public.kept' ],
	[ server => 'LP004', 'REVOKE USAGE ON FOREIGN SERVER acme FROM helper', 'GRANT USAGE ON FOREIGN SERVER acme TO helper' ],
	[ role => 'LP004', 'REVOKE helper FROM analyst1', 'GRANT helper TO analyst1' ],
	[ apart => 'LP038', 'GRANT lpr_admin TO analyst1', 'REVOKE lpr_admin FROM analyst1' ],
	[ login => 'LP024', "UPDATE lpr_data.person SET login = 'gone' WHERE login = 'analyst1'", "UPDATE lpr_data.person SET login = 'analyst1' WHERE login = 'gone'" ],
);

# The load: others who ask, and changes that are nobody's business.
my $asked = "SELECT remembered FROM lpr_data.decisions()";
my $swarm = $node->swarm(2, pause => 0.02);
my $before = $node->answer('postgres', $asked);
my (%stale, %lost, %failed);
for my $i (1 .. $times)
{
	my ($name, $state, $do, $undo) = @{ $toggles[ ($i * 7 + int rand 3) % @toggles ] };

	# Asked before, so that it may be remembered; sometimes not, so that it is judged as the change is made.
	$node->converse($session, $read) for 1 .. $i % 3;
	my $err = ($node->converse($boss, $do))[1];
	$failed{"$name: $err"}++ if $err =~ /ERROR/;
	$err = ($node->converse($session, $read))[1];
	$stale{"$name: $err"}++ unless $err =~ /ERROR: +$state/;
	# Now and then in a transaction of which a part is undone.
	$undo = "BEGIN; $undo; SAVEPOINT s; INSERT INTO public.note VALUES ($i); ROLLBACK TO s; COMMIT" unless $i % 5 || $undo =~ /BEGIN/;
	$err = ($node->converse($boss, $undo))[1];
	$failed{"$name: $err"}++ if $err =~ /ERROR/;
	$err = ($node->converse($session, $read))[1];
	$lost{"$name: $err"}++ if $err =~ /ERROR|WARNING/;
}
$node->swarm_end($swarm);
is_deeply(\%failed, {}, "$times toggles were made");
is_deeply(\%stale, {}, '… no question was let through after its right had gone');
is_deeply(\%lost, {}, '… and none refused once it was back');
cmp_ok($node->answer('postgres', $asked) - $before, '>', $times, '… while decisions were remembered');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC/, '… and none differed from the rules');
$node->sound('in the end');
done_testing();
