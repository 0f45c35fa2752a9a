# audit_locks: whoever locks what the audit writer needs, knowingly or by DDL and maintenance: it never waits for long, and says what it waits for.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_locks', world => 'noon', conf => "max_connections = 110\n");
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');
my $leaf = $node->answer('postgres', "SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1");
my ($owner) = $node->session('postgres');
my ($head, @acks);
$node->appoint_deputy;
my ($asker) = $node->session('analyst1');

sub patience { my ($time) = @_; $node->answer('postgres', "ALTER SYSTEM SET lpr.audit_timeout = '$time'", database => 'postgres'); $node->reload; return }

# ---- the caller itself holds the lock: told at once ----

patience('60s');
$node->vendor_forget;
for my $sql ("LOCK TABLE $leaf IN SHARE MODE", "LOCK TABLE $leaf IN SHARE ROW EXCLUSIVE MODE", "LOCK TABLE $leaf IN EXCLUSIVE MODE", "LOCK TABLE $leaf IN ACCESS EXCLUSIVE MODE",
	"LOCK TABLE lpr_data.audit IN EXCLUSIVE MODE", "CREATE INDEX ON $leaf (login)", "CREATE INDEX ON lpr_data.audit (login)", "ALTER TABLE lpr_data.audit ADD COLUMN note text",
	"ALTER TABLE $leaf SET (fillfactor = 50); LOCK TABLE $leaf IN SHARE MODE", "LOCK TABLE lpr_data.source IN ACCESS EXCLUSIVE MODE")
{
	my $messages;

	for my $where ('', $sql =~ /^LOCK TABLE \S+ IN SHARE MODE/ ? 'SAVEPOINT a; ' : ())
	{
		$head = $node->head;
		$node->converse($asker, LprTest::deputy("SET lpr.audit_timeout = '60s'") . "; BEGIN; $where" . LprTest::deputy($sql) . ($where ? '; SAVEPOINT b' : ''));
		(undef, $messages) = $node->converse($asker, LprTest::quick());
		like($messages, qr/ERROR: +LP020: .*DETAIL: +This transaction itself holds up the audit writer: \w+Lock of "(?:audit_\w+|source)".*HINT: +COMMIT or ROLLBACK/s, "$where$sql: told at once");
		$node->converse($asker, 'ROLLBACK');
		$node->records_become($head, 'ask analyst1 acme', '… and is on record, once that is over', "kind IN ('ask', 'answer')");
	}
}
is(scalar(my @none = $node->vendor_log), 0, 'and no vendor heard of it');
is(($node->converse($asker, 'BEGIN; SAVEPOINT s; ' . LprTest::deputy("TRUNCATE $leaf")))[1] =~ /LP031/ ? 'refused' : 'not', 'refused', 'TRUNCATE is refused');
is(($node->converse($asker, "ROLLBACK TO s; " . LprTest::quick() . '; COMMIT'))[0], 1, '… and the transaction asks on');
is(($node->converse($asker, 'BEGIN; ' . LprTest::deputy("LOCK TABLE $leaf IN SHARE UPDATE EXCLUSIVE MODE") . '; ' . LprTest::quick() . '; ROLLBACK'))[0], 1, 'a lock that is in nobody\'s way');
# A superuser, who is refused, is told the same.
$node->converse($owner, "SET lpr.audit_timeout = '60s'; BEGIN; LOCK TABLE $leaf IN SHARE MODE");
like(($node->converse($owner, LprTest::quick() . '; ROLLBACK'))[1], qr/ERROR: +LP020: .*DETAIL: +This transaction itself holds up the audit writer/s, 'a superuser who holds it');

# ---- somebody else holds it: told after the wait, and answered once that is over ----

$node->converse($asker, LprTest::deputy('RESET lpr.audit_timeout'));

for my $sql ("LOCK TABLE $leaf IN SHARE MODE", "LOCK TABLE $leaf IN ACCESS EXCLUSIVE MODE", "CREATE INDEX ON lpr_data.audit (login)", "DROP INDEX ${leaf}_number", "LOCK TABLE lpr_data.source IN ACCESS EXCLUSIVE MODE",
	"LOCK TABLE lpr_data.checkpoint, lpr_data.change, lpr_data.log IN ACCESS EXCLUSIVE MODE; INSERT INTO lpr_data.camera SELECT FROM lpr_data.camera WHERE false")
{
	my $free = $sql =~ /checkpoint/ ? 1 : 0; # not needed for every question

	my $swarm = $node->swarm($LprTest::crowd, rounds => 1, hold => 1);
	$node->vendor_forget;
	$node->converse($owner, "BEGIN; $sql");
	if (!$free)
	{
		patience('1500ms');
		my $messages = '';
		LprTest::eventually(sub { $messages = ($node->converse($asker, LprTest::quick()))[1]; $messages =~ /LP020/ });
		my $why = $sql =~ /source/ ? 'it waits for a lock that somebody holds' : 'the audit log is locked'; # for which it does not wait at all
		like($messages, qr/ERROR: +LP020: .*DETAIL: +The audit writer cannot write: $why.*HINT: +SELECT .*pg_locks/s, "somebody else: $sql");
		is(scalar(@none = $node->vendor_log), 0, '… and no vendor heard of it');
	}
	patience('60s');
	LprTest::eventually(sub { $node->answer('analyst1', 'SHOW lpr.audit_timeout', logon => 0) eq '1min' });
	$node->swarm_go($swarm);
	ok($node->await_waiting($LprTest::crowd), 'all clients wait') unless $free;
	$node->converse($owner, 'ROLLBACK');
	@acks = $node->swarm_end($swarm, patient => 1);
	is(scalar @acks, $LprTest::crowd, '… and are answered once it is over') or diag($node->swarm_errors($swarm));
	$node->sound('then', acks => \@acks);
}

# Nobody sees this deadlock: the first holds what the second waits for, the writer queues behind the second, and the first waits for the writer.
patience('2500ms');
my ($second) = $node->session('postgres');
$node->converse($asker, LprTest::deputy('RESET lpr.audit_timeout') . '; BEGIN; ' . LprTest::deputy('LOCK TABLE lpr_data.source IN ROW EXCLUSIVE MODE'));
$node->send_sql($second, 'BEGIN; LOCK TABLE lpr_data.source IN ACCESS EXCLUSIVE MODE; COMMIT');
LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_locks WHERE NOT granted", database => 'postgres') eq '1' });
$node->converse($asker, 'SAVEPOINT s');
ok(LprTest::eventually(sub { ($node->converse($asker, LprTest::quick() . '; ROLLBACK TO s'))[1] =~ /ERROR: +LP020: .*it waits for a lock that somebody holds/s }), 'a deadlock that nobody sees ends');
$node->converse($asker, 'ROLLBACK');
$second->query('');
ok($node->await_answers, '… and leaves nothing behind');
$second->quit;
patience('60s');

# ---- maintenance beside it ----

my $swarm = $node->swarm(8);
ok($node->await_acks($swarm, 20), 'answers come');
for my $sql ("VACUUM (FREEZE, ANALYZE) $leaf", "VACUUM FULL $leaf", "CLUSTER $leaf USING " . $leaf =~ s/.*\.//r . "_number", "CREATE INDEX CONCURRENTLY by_login ON $leaf (login)", "REINDEX TABLE CONCURRENTLY $leaf",
	"REINDEX TABLE $leaf", "DROP INDEX CONCURRENTLY lpr_data.by_login", "ALTER TABLE $leaf ADD COLUMN note text", "ALTER TABLE $leaf DROP COLUMN note", "CHECKPOINT", "VACUUM FULL lpr_data.change")
{
	(my $right = $sql) =~ s/ALTER TABLE \S+/ALTER TABLE lpr_data.audit/;
	is(($node->converse($owner, $right))[1], '', "$right beside questions");
	ok($node->await_acks($swarm, 20), '… which are answered');
}
my ($stdout, $stderr) = run_command([ 'pg_dump', '-d', $node->connstr('lpr'), '-f', $node->basedir . '/dump.sql' ]);
# A person's supervisor is a person, which pg_dump takes for a circle.
$stderr =~ s/^pg_dump: (?:warning: there are circular foreign-key constraints on this table:|detail: person|hint: .*)\n?//mg;
is($stderr, '', 'pg_dump beside questions');
ok($node->await_acks($swarm, 20), '… which are answered');
@acks = $node->swarm_end($swarm);
unlike($node->swarm_errors($swarm), qr/ERROR/, 'nobody was refused for it');
$node->sound('in the end', acks => \@acks, log => 0);
$_->quit for $owner, $asker;
$node->stop;
done_testing();
