# lock_table: somebody else fills the server's lock table. Then nothing is asked that is not audited, the writer lives, and all of it recovers by itself (invariant 1, U2).
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('lock_table', world => 1, cache => 1, conf => "max_locks_per_transaction = 40\nmax_connections = 30\nmax_prepared_transactions = 0\nlpr.audit_timeout = '2s'\n");
$node->await_answers;
$node->answer('postgres', 'CREATE ROLE nobody1 LOGIN; CREATE ROLE nobody2 LOGIN');
my ($session, $pid) = $node->session('analyst1');
my ($flood) = $node->session('nobody1');
my $where = "source = 'acme' AND captured_at > now() - interval '40 days' AND plate";
is(($node->converse($session, "SELECT count(*) > 0 FROM lpr.reads WHERE $where = 'BULK30'"))[0], 't', 'a question');
my $writer = $node->writer;

# As many locks as there is room for, kept until the session ends.
my $fill = "DO \$\$ DECLARE n bigint := 0; BEGIN LOOP BEGIN PERFORM pg_advisory_lock(g) FROM generate_series(n, n + 99) AS g; n := n + 100; EXCEPTION WHEN out_of_memory THEN EXIT; END; END LOOP;
	LOOP BEGIN PERFORM pg_advisory_lock(n); n := n + 1; EXCEPTION WHEN out_of_memory THEN EXIT; END; END LOOP; END \$\$";
my $all = 0;
for my $round (1 .. 3)
{
	like(($node->converse($flood, 'SELECT pg_advisory_lock(g) FROM generate_series(1, 1000000) AS g'))[1], qr/53200: out of shared memory/, "round $round: the lock table is full");
	$node->converse($flood, 'SELECT pg_advisory_unlock_all()') if $round == 1;
	$node->converse($flood, $fill);
	$node->vendor_forget;
	my $refused = 0;
	for my $i (1 .. 4)
	{
		my ($out, $err) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE $where = 'BULK" . (40 + 10 * $round + $i) . "'");
		$refused++ if $err =~ /ERROR: +(?:53200|LP020)/;
		isnt($err . $out, '', 'a question is answered, or refused with a word');
	}
	$all += $refused;
	$node->converse($flood, 'SELECT pg_advisory_unlock_all()');
	ok(LprTest::eventually(sub { ($node->converse($session, "SELECT count(*) > 0 FROM lpr.reads WHERE $where = 'BULK30'"))[0] eq 't' }), '… and once there is room, questions are answered by that session');
	$node->sound("round $round");
}
cmp_ok($all, '>', 0, 'questions met it');
is($node->writer, $writer, 'the writer is the same');
is(($node->converse($session, 'SELECT pg_backend_pid()'))[0], $pid, 'so is the session');
$flood->quit;
is($node->answer('analyst2', "SELECT count(*) > 0 FROM lpr.reads WHERE $where = 'BULK31'"), 't', 'others connect and ask');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process died of it');
done_testing();
