# audit_changes: changes of policy are on record once, when they are committed and only then.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{MALLOC_PERTURB_} = 170; # what the server gives back is not what it was
my $node = LprTest->start_staged('audit_changes', world => 'noon', conf => "max_prepared_transactions = 5\nmax_connections = 110\n");
# Of rows: what is made by DDL, and settings, are other tests' matter.
my $rows = "payload LIKE '%\"action\"%' AND payload NOT LIKE '%lpr_data.setting%'";
my $changes = "kind = 'change' AND $rows";
my $head;

# What the extension came with, and what was set up since, is on record before anybody asks (457_log_begins).
ok(LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 }), 'no change waits');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE $changes"), '>=', 100, '… they are on record');
is($node->answer('analyst1', LprTest::quick()), 1, 'a question is answered');

sub changes
{
	my ($name, $login, $sql, @expected) = @_;

	$head = $node->head;
	my ($status, undef, $err) = $node->ask($login, $sql);
	$node->records_become($head, join("\n", map { "change $login $_" } @expected), $name, $changes);
	return $err;
}

# ---- each kind, once ----

changes('disable_source', 'admin1', "SELECT lpr.disable_source('acme')", 'update lpr_data.source');
is($node->answer('postgres', "SELECT concat_ws(' ', p->'old'->>'enabled', p->'new'->>'enabled', p->>'role', a.pid IS NOT NULL) FROM lpr_data.audit AS a, LATERAL (SELECT a.payload::jsonb) AS j (p)
	WHERE number = $head + 1"), 'true false admin1 t', '… with old and new row, role and session');
changes('approve_source', 'privacy1', "SELECT lpr.approve_source('acme', 'DHS/CBP/PIA-049(b)', published_on => '2017-12-11')", 'update lpr_data.source');
changes('add_camera', 'admin1', "SELECT lpr.add_camera('curbside', 'c1', 32.71, -117.16)", 'insert lpr_data.camera');
changes('add_camera once more', 'admin1', "SELECT lpr.add_camera('curbside', 'c1', 32.72, -117.16)", 'update lpr_data.camera');
changes('remove_camera', 'admin1', "SELECT lpr.remove_camera('curbside', 'c1')", 'delete lpr_data.camera');
changes('many at once', 'postgres', "INSERT INTO lpr_data.camera (source, camera_id, latitude, longitude) SELECT 'curbside', 'c' || g, 32, -117 FROM generate_series(1, 30) AS g",
	('insert lpr_data.camera') x 30);
changes('TRUNCATE', 'postgres', 'TRUNCATE lpr_data.camera', 'truncate lpr_data.camera');
changes('as a replica', 'postgres', "SET session_replication_role = replica; INSERT INTO lpr_data.camera (source, camera_id, latitude, longitude) VALUES ('curbside', 'r', 32, -117)", 'insert lpr_data.camera');
changes('by another session user', 'postgres', "SET SESSION AUTHORIZATION admin1; SELECT lpr.remove_camera('curbside', 'r')", 'delete lpr_data.camera');
$node->put_secret('key1', 'correct horse');
changes('a secret', 'postgres', "SELECT lpr.store_secret('sim-lpr-token', 'key1'); DELETE FROM lpr_data.secret", 'insert lpr_data.secret', 'delete lpr_data.secret');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE '%\"value\"%' AND payload LIKE '%lpr_data.secret%'"), 0, '… without its value');

# ---- not what is rolled back ----

my $disable = "SELECT lpr.disable_source('birdseye')";
my $camera = "SELECT lpr.add_camera('curbside', 'c1', 32.71, -117.16)";
changes('rolled back', 'admin1', "BEGIN; $disable; ROLLBACK; $camera", 'insert lpr_data.camera');
changes('rolled back to a savepoint', 'admin1', "BEGIN; SAVEPOINT s; $disable; ROLLBACK TO s; SELECT lpr.remove_camera('curbside', 'c1'); COMMIT", 'delete lpr_data.camera');
changes('an error', 'admin1', "BEGIN; $disable; SELECT 1 / 0; COMMIT");
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.change"), 0, 'none of them waits');

# ---- prepared transactions ----

changes('PREPARE TRANSACTION', 'admin1', "BEGIN; $disable; PREPARE TRANSACTION 'p'");
is($node->answer('analyst1', LprTest::quick('birdseye')), 1, '… does nothing yet');
is($node->records_after($head, $changes), '', '… and is not on record');
$node->answer('admin1', "COMMIT PREPARED 'p'");
$node->records_become($head, 'change admin1 update lpr_data.source', 'COMMIT PREPARED is, without being asked', $changes);
changes('ROLLBACK PREPARED', 'admin1', "BEGIN; $disable; PREPARE TRANSACTION 'p'; ROLLBACK PREPARED 'p'; $camera", 'insert lpr_data.camera');

# And across a crash of the server.
$node->answer('postgres', "BEGIN; SELECT lpr.approve_source('birdseye', 'DHS/CBP/PIA-049(a)', published_on => '2017-12-11'); PREPARE TRANSACTION 'q'");
$node->stop('immediate');
$node->start;
ok($node->await_answers, 'after a crash');
$head = $node->head;
$node->answer('postgres', "COMMIT PREPARED 'q'");
$node->records_become($head, 'change postgres update lpr_data.source', '… a prepared change is committed and on record', $changes);

# ---- in the order of commits ----

my @sessions = map { ($node->session('admin1'))[0] } 1 .. 3;
$head = $node->head;
$node->converse($sessions[$_], 'BEGIN; ' . "SELECT lpr.add_camera('curbside', 'session$_', 32.71, -117.16)") for 0 .. 2;
for my $i (2, 0, 1)
{
	my $count = $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND $changes");
	$node->converse($sessions[$i], 'COMMIT');
	LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND $changes") == $count + 1 });
}
is($node->answer('postgres', "SELECT string_agg(payload::json->'new'->>'camera_id', ' ' ORDER BY number) FROM lpr_data.audit WHERE number > $head AND $changes"),
	'session2 session0 session1', 'overlapping transactions are in the order of their commits');
$_->quit for @sessions;

# ---- a source that is disabled is not asked from then on, whatever transaction is open ----

my ($open) = $node->session('analyst1');
$node->converse($open, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.sources');
$node->answer('admin1', "SELECT lpr.disable_source('acme')");
$node->vendor_forget;
like(($node->converse($open, LprTest::quick()))[1], qr/ERROR: +LP003/, 'an old snapshot does not ask a disabled source');
is(scalar(my @none = $node->vendor_log), 0, '… and it does not hear of it');
$open->quit;
$node->answer('privacy1', "SELECT lpr.approve_source('acme', 'DHS/CBP/PIA-049(a)', published_on => '2017-12-11')");

# ---- many, with ends of writer and server between ----

my $total = 0;
$head = $node->head;
my @jobs = map { my $job = $_; [ map { "SELECT lpr.add_camera('curbside', 'j${job}c$_', 32.71, -117.16)" } 1 .. 50 ] } 1 .. 8;
my @running = map { $node->launch('admin1', @$_) } @jobs;
my $swarm = $node->swarm(8);
for (1 .. 3)
{
	$node->await_acks($swarm, 20);
	$node->renew_writer;
}
$node->landed($_) for @running;
my @acks = $node->swarm_end($swarm);
my $once = "SELECT count(*), count(DISTINCT payload::json->'new'->>'camera_id') FROM lpr_data.audit WHERE number > $head AND $changes AND payload LIKE '%\"j%c%'";
ok(LprTest::eventually(sub { $node->answer('postgres', $once) eq '400|400' }), '400 changes beside questions are on record once') or diag($node->answer('postgres', $once));
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.change'), 0, '… and none waits');

# Thousands of records in one batch: what it takes for them is given back with the transaction.
my $fresh = LprTest::quick() . ' AND event_id = ' . $node->own_event(4711);
my $job = $node->ready('analyst1');
my $held = $node->hold_writer;
my $many = $node->launch('postgres', 'DO $$ BEGIN FOR n IN 1 .. 4000 LOOP EXECUTE format(\'ALTER ROLE analyst2 CONNECTION LIMIT %s\', n); END LOOP; END $$');
ok($node->await_waiting(1, $many), 'thousands of statements wait for the writer');
$node->go($job, $fresh);
ok($node->await_waiting(1, $job), '… and a question');
$node->let_go($held);
like(join('', ($node->landed($job))[0, 1]), qr/^1\n/, '… which is answered');
is(($node->landed($many))[1], '', '… as they are taken');
is($node->writer, $held, '… by the writer that is there');
$node->answer('admin1', "SELECT lpr.set_rate_limit('event', 'hour', 1)");
like($node->messages('analyst1', $fresh), qr/LP046/, '… which has counted it');
$node->widen('lpr', event_hour => { questions => 1000000 });
$node->answer('postgres', 'ALTER ROLE analyst2 CONNECTION LIMIT -1');

# A change that is committed while there is no writer waits on disk, through a crash.
$node->hold_writer;
$head = $node->head;
$node->answer('admin1', "SELECT lpr.add_camera('curbside', 'last', 32.71, -117.16)");
$node->cut_power;
$node->start;
$node->records_become($head, 'change admin1 insert lpr_data.camera', 'a change outlives a power cut', $changes);
ok($node->await_answers, 'and questions are answered');
$node->sound('in the end', acks => \@acks);
$node->stop;
done_testing();
