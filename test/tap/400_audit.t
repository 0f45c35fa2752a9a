# audit: whatever the caller's transaction does, each question and what came of it are on record once, refusals as well.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit', world => 'noon');
$node->add_source('locked', 'lpr-v1', grant_to => '{}');
$node->answer('postgres', "SELECT lpr.add_source('unapproved', 'lpr-v1', '$node->{vendor_url}/x/lpr-v1', 'sim-lpr-token', grant_to => '{lpr_user}')");
$node->entitle('lpr', 'unapproved');
$node->own_event(4711);
$node->answer('postgres', "CREATE ROLE nobody1 LOGIN; GRANT USAGE ON SCHEMA lpr TO nobody1; GRANT SELECT ON lpr.reads TO nobody1");
is($node->answer('analyst1', LprTest::quick()), 1, 'the first question');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number = 1 AND kind = 'start'"), 1, 'began the log');

my ($session, $pid) = $node->session('analyst1');
$node->appoint_deputy;
my $head;
my $read = "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate =";
my $both = sub { my ($outcome) = @_; return "ask analyst1 acme\nanswer analyst1 acme of +1 $outcome" };
my $only = "kind IN ('ask', 'sent', 'answer', 'refused')";

# Runs SQL in the session, and compares what is on record since with what is expected.
sub leaves
{
	my ($name, $sql, $expected, $messages) = @_;

	$head = $node->head;
	my ($out, $err) = $node->converse($session, $sql);
	like($err, $messages // qr/\A(?!.*(?:ERROR|WARNING))/s, $name); # what is told of an answer is no complaint
	$node->records_become($head, $expected, '… is on record', $only);
	return $out;
}

# ---- what a transaction does ----

leaves('outside a transaction block', "$read 'BULK1'", $both->('complete'));
leaves('ROLLBACK', "BEGIN; $read 'BULK1'; ROLLBACK", $both->('complete'));
leaves('ROLLBACK TO SAVEPOINT', "BEGIN; SAVEPOINT s; $read 'BULK1'; ROLLBACK TO s; COMMIT", $both->('complete'));
leaves('an exception in PL/pgSQL', $node->procedure('divide', "BEGIN PERFORM 1 / (length(read_id) * 0) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'; EXCEPTION WHEN division_by_zero THEN NULL; END"),
	$both->('stopped'));
leaves('an error in the same statement, at the first row', "SELECT 1 / (length(read_id) * 0) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'", $both->('stopped'), qr/ERROR: +22012/);
leaves('an error in the same statement, after the last row', "SELECT 1 / (count(*) - 7) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'", $both->('complete'), qr/ERROR: +22012/);
leaves('READ ONLY', "BEGIN READ ONLY; $read 'BULK1'; COMMIT", $both->('complete'));
leaves('SERIALIZABLE', "BEGIN ISOLATION LEVEL SERIALIZABLE; $read 'BULK1'; COMMIT", $both->('complete'));
leaves('SERIALIZABLE READ ONLY DEFERRABLE', "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; $read 'BULK1'; ROLLBACK", $both->('complete'));
leaves('a cursor with one FETCH', "BEGIN; DECLARE c CURSOR FOR $read 'BULK7'; FETCH 1 FROM c; CLOSE c; COMMIT", $both->('stopped'));
leaves('a cursor with one FETCH and a ROLLBACK', "BEGIN; DECLARE c CURSOR FOR $read 'BULK7'; FETCH 1 FROM c; ROLLBACK", $both->('stopped'));
leaves('LIMIT', "$read 'BULK7' LIMIT 1", $both->('stopped'));
leaves('a statement that is refused after the question', "BEGIN; $read 'BULK1'; SELECT nonsense; ROLLBACK", $both->('complete'), qr/ERROR: +42703/);
leaves('a temporary table, rolled back', 'BEGIN; ' . LprTest::deputy("CREATE TEMP TABLE t AS $read 'BULK1'") . '; ROLLBACK', $both->('complete'));
leaves('two questions in a subtransaction that fails', $node->procedure('fail', "BEGIN PERFORM count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1';
	PERFORM count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2'; RAISE unique_violation; EXCEPTION WHEN unique_violation THEN NULL; END"),
	"ask analyst1 acme\nanswer analyst1 acme of +1 complete\nask analyst1 acme\nanswer analyst1 acme of +3 complete");

# Before any row is shown, the question is on record: seen by another session while the cursor is open.
$head = $node->head;
$node->converse($session, "BEGIN; DECLARE c CURSOR FOR $read 'BULK7'; FETCH 1 FROM c");
is($node->records_after($head), 'ask analyst1 acme', 'with the first row the ask is on record');
$node->converse($session, 'ROLLBACK');
$node->records_become($head, $both->('stopped'), '… and its end once that is over');

# ---- what the session is ----

$head = $node->head;
$node->converse($session, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK3' AND event_id = 4711 AND captured_at > now() - interval '2 years'");
is($node->answer('postgres', "SELECT string_agg(concat_ws(' ', kind, login, pid = $pid, event_id, source, mode), ', ' ORDER BY number) FROM lpr_data.audit WHERE number > $head"),
	'ask analyst1 t 4711 acme plate, answer analyst1 t 4711 acme plate', 'login, process, event, source and mode');
is($node->answer('postgres', "SELECT payload::json->'plates'->>0 FROM lpr_data.audit WHERE number = $head + 1"), 'BULK3', '… and the plate');
like($node->answer('postgres', "SELECT payload::json->'sent'->>0 FROM lpr_data.audit WHERE number = $head + 2"), qr/BULK3/, '… and what was sent');

# ---- what the gate refuses, whatever the caller does next ----

sub refused
{
	my ($name, $login, $sql, $state, $expected) = @_;

	for my $before ('', 'BEGIN; SAVEPOINT s;')
	{
		$head = $node->head;
		like($node->messages($login, "$before $sql"), qr/ERROR: +$state/, "$name: $state");
		is($node->records_after($head, $only), $expected, '… is on record' . ($before ne '' ? ", after $before" : ''));
	}
	return;
}

$node->vendor_forget;
refused('a source that is not enabled', 'analyst1', LprTest::quick('unapproved'), 'LP003', 'refused analyst1 unapproved Q10 LP003');
refused('a source that is not granted', 'analyst1', LprTest::quick('locked'), 'LP004', 'refused analyst1 locked Q10 LP004');
refused('a source that cannot be asked so', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE make = 'FORD' AND lpr.distance_m(latitude, longitude, 32.55, -117.04) <= 25000 AND source = 'curbside'", 'LP005', 'refused analyst1 curbside Q11 LP005');
refused('a login that may not ask', 'nobody1', LprTest::quick(), 'LP022', 'refused nobody1 acme A1 LP022');
refused('another session user', 'postgres', "SET SESSION AUTHORIZATION analyst1; " . LprTest::quick(), 'LP021', 'refused postgres acme A1 LP021');

# ---- what is no question ----

my $many = join ',', map { "'A$_'" } 1 .. 1001;
refused('no anchor', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme'", 'LP001', 'refused analyst1 acme Q2 LP001');
refused('not a plate', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = '---'", 'LP011', 'refused analyst1 acme G1 LP011');
refused('not a plate, found out by a function', 'analyst1', "SELECT count(*) FROM (VALUES ('---')) AS v (p), LATERAL (SELECT FROM lpr.reads WHERE source = 'acme' AND plate = lpr.normal_plate(v.p || left(now()::text, 0))) AS r",
	'LP011', 'refused analyst1 acme G1 LP011');
refused('not in normal form', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'bulk 1'", 'LP012', 'refused analyst1 acme G1 LP012');
refused('too many plates', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN ($many)", 'LP013', 'refused analyst1 acme Q8 LP013');
refused('no place', 'analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND lpr.distance_m(latitude, longitude, 32.5, -117.0) <= 1e9", 'LP014', 'refused analyst1 acme Q2 LP014');
is(scalar(my @asked = $node->vendor_log), 0, 'of all these no vendor heard');

# ---- it is only ever added to ----

my $leaf = $node->answer('postgres', "SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1");
my ($owner) = $node->session('postgres');
sub forbidden { my ($sql, $state) = @_; return like(($node->converse($owner, $sql))[1], qr/ERROR: +$state/, "$sql: $state") }

for my $role ('RESET session_replication_role', 'SET session_replication_role = replica')
{
	$node->converse($owner, $role);
	for my $table ('lpr_data.audit', $leaf, 'lpr_data.log', 'lpr_data.checkpoint', 'lpr_data.delivery')
	{
		my $column = $owner->query("SELECT attname FROM pg_attribute WHERE attrelid = '$table'::regclass AND attnum = 1");

		forbidden($_, 'LP031') for "UPDATE $table SET $column = $column", "DELETE FROM $table", "TRUNCATE $table";
	}
	forbidden($_, 'LP031') for "TRUNCATE lpr_data.audit, $leaf CASCADE", "MERGE INTO $leaf AS a USING (SELECT 1) AS one ON a.number > 0 WHEN MATCHED THEN DELETE",
		"INSERT INTO $leaf SELECT * FROM $leaf ON CONFLICT (number) DO UPDATE SET kind = 'read'", "WITH gone AS (DELETE FROM $leaf WHERE number = 2 RETURNING 1) SELECT count(*) FROM gone";
}
for my $login (qw(analyst1 supervisor1 owner1 oversight1 privacy1 admin1))
{
	$node->converse($owner, "SET SESSION AUTHORIZATION $login");
	forbidden("$_ lpr_data.audit", '42501') for 'TABLE', 'DELETE FROM', 'TRUNCATE', 'BEGIN; LOCK TABLE';
	$node->converse($owner, 'ROLLBACK; RESET SESSION AUTHORIZATION');
}
$owner->quit;

# A trigger and a rule that swallow, a CHECK that forbids, a DEFAULT that differs: none of them has a say.
$node->answer('postgres', "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER a_swallow BEFORE INSERT ON $leaf FOR EACH ROW EXECUTE FUNCTION swallow(); ALTER TABLE $leaf ENABLE ALWAYS TRIGGER a_swallow;
	CREATE RULE nothing AS ON INSERT TO $leaf DO INSTEAD NOTHING; ALTER TABLE $leaf ADD CONSTRAINT none CHECK (kind = 'none') NOT VALID");
leaves('a swallowing trigger, a rule and a CHECK', "$read 'BULK1'", $both->('complete'));
$node->answer('postgres', "DROP TRIGGER a_swallow ON $leaf; DROP RULE nothing ON $leaf; ALTER TABLE $leaf DROP CONSTRAINT none");
$session->quit;

my @acks = $node->swarm_end($node->swarm(8, rounds => 5), patient => 1);
is(scalar @acks, 40, 'eight clients side by side');
$node->sound('in the end', acks => \@acks);
$node->stop;
done_testing();
