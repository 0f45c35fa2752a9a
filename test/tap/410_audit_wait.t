# audit_wait: while the audit writer says nothing: cancelled, timed out, killed callers; a full ring; the largest records.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_wait', world => 'noon', conf => "lpr.audit_queue = '8MB'\nmax_connections = 110\n");
my $asked = "kind IN ('ask', 'refused', 'answer')";
$node->appoint_deputy;
my $ask_in_vain = $node->procedure('ask_in_vain', "BEGIN PERFORM count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme'; EXCEPTION WHEN query_canceled THEN NULL; END");
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');
$node->answer('postgres', q{CREATE FUNCTION audit_record(text, text, text, text) RETURNS bigint LANGUAGE c AS '$libdir/lpr', 'lpr_audit_record'});

# ---- whoever waits can be stopped, and is on record ----

my @jobs = map { $node->ready('analyst1') } 1 .. 3;
my ($patient) = $node->session('analyst1');
my $head = $node->head;
my $writer = $node->hold_writer;
$node->vendor_forget;
for my $case ([ 'pg_cancel_backend', qr/ERROR: +57014/ ], [ 'pg_terminate_backend', qr/FATAL: +57P01/ ])
{
	my $job = $node->go(shift @jobs, LprTest::quick());
	ok($node->await_waiting(1, $job), 'a question waits');
	$node->answer('postgres', "SELECT $case->[0](pid) FROM pg_stat_activity WHERE application_name = '$job->{name}'");
	like(($node->landed($job))[1], $case->[1], $case->[0]);
}
like(($node->converse($patient, "SET statement_timeout = '200ms'; " . LprTest::quick() . '; RESET statement_timeout'))[1], qr/ERROR: +57014/, 'statement_timeout');
my $gone = $node->go(shift @jobs, "SET client_connection_check_interval = '100ms'", LprTest::quick());
ok($node->await_waiting(1, $gone), 'a question waits');
kill 'KILL', $gone->{pid};
$node->landed($gone);
ok($node->await_waiting(0) && LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$gone->{name}'") eq '0' }),
	'a client that goes away');
like($node->messages('analyst1', "SET lpr.audit_timeout = '1s'", logon => 0), qr/ERROR: +42501/, 'how long to wait is not the caller\'s to say');
(undef, my $refusal) = $node->converse($patient, LprTest::deputy("SET lpr.audit_timeout = '300ms'") . '; ' . LprTest::quick());
like($refusal, qr/ERROR: +LP020: .*DETAIL: +The audit writer did not answer within \d+ ms.*HINT: /s, 'lpr.audit_timeout');
is(($node->converse($patient, "SET statement_timeout = '200ms'; $ask_in_vain; SELECT 1"))[0], 1, 'an exception that catches it');
is(scalar(my @heard = $node->vendor_log), 0, 'no vendor heard of any of them');
$node->let_go($writer);
$node->records_become($head, join("\n", ('ask analyst1 acme') x 6), 'each attempt is on record, without an answer', "$asked AND source = 'acme'");
is($node->answer('analyst1', LprTest::quick()), 1, 'and on it goes');
$node->sound('after those who did not wait');

$patient->quit;

# A session whose earlier waits were broken off takes nothing of theirs for its own.
my ($session, $pid) = $node->session('analyst1');
$node->converse($session, LprTest::quick());
$head = $node->head;
$writer = $node->hold_writer;
for my $i (1 .. 15)
{
	$node->send_sql($session, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK$i' AND source = 'acme'");
	$node->await_waiting(1, $pid);
	$node->answer('postgres', "SELECT pg_cancel_backend($pid)");
	$session->query('');
}
$node->let_go($writer);
my ($count) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK30' AND source = 'acme'; SELECT split_part(reference, '-', 2) FROM lpr.last_query()");
($count, my $digest) = split /\n/, $count;
is("$count " . $node->answer('postgres', "SELECT number - $head FROM lpr_data.audit WHERE encode(digest, 'hex') LIKE '$digest%'"), '30 16', 'after 15 questions broken off the next has its own record');
$node->sound('then');
$session->quit;

# ---- large records ----

$head = $node->head;
is($node->answer('postgres', "SELECT audit_record('read', NULL, NULL, repeat('x', 1048576)) - $head"), 1, 'a payload of 1 MB');
is($node->answer('postgres', "SELECT length(payload::json->>'what') FROM lpr_data.audit WHERE number = $head + 1"), 1048576, '… is all there');
like($node->messages('postgres', "SELECT audit_record('read', NULL, NULL, repeat('x', 2200000))"),
	qr/ERROR: +LP020: .*DETAIL: +A record of the audit log has at most \d+ bytes, this one has \d+.*HINT: /s, 'a payload over the limit');
is($node->head, $head + 1, '… leaves nothing');
my $plates = join ',', map { sprintf "'LONGPLATE%07d'", $_ } 1 .. 1000;
$node->make_targets('lpr', $plates =~ /(\w+)/g);
is($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN ($plates)"), 0, '1,000 long plates');
is($node->answer('postgres', "SELECT json_array_length(payload::json->'plates') FROM lpr_data.audit WHERE number > $head AND kind = 'ask'"), 1000, '… are on record');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD page_size '1', ADD max_pages '2000')");
$node->vendor_forget;
is($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1900'"), 1900, '1,900 requests');
is($node->answer('postgres', "SELECT count(*) > 0, (SELECT count(*) FROM lpr_data.audit, json_array_elements(payload::json->'sent') WHERE ask = (SELECT max(number) FROM lpr_data.audit WHERE kind = 'ask'))
	FROM lpr_data.audit WHERE kind = 'sent' AND ask = (SELECT max(number) FROM lpr_data.audit WHERE kind = 'ask')"), 't|' . scalar(my @sent = $node->vendor_log), '… are on record, each of them');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (DROP page_size, DROP max_pages)");
$node->sound('after large records');

# ---- the ring is full ----

my ($open) = $node->session('analyst1');
$node->converse($open, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme'; FETCH 1 FROM c");
my ($locker) = $node->session('postgres', logon => 0);
my $leaf = $node->answer('postgres', "SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1");
my $swarm = $node->swarm($LprTest::crowd, rounds => 2, hold => 1);
$head = $node->answer('postgres', "SELECT max(number) FROM lpr_data.audit WHERE kind = 'ask'");
$writer = $node->hold_writer;
for my $i (1 .. 9)
{
	$refusal = $node->messages('postgres', "SET lpr.audit_timeout = '300ms'; SELECT audit_record('read', NULL, NULL, repeat(chr(96 + $i), 1048576))");
	like($refusal, qr/ERROR: +LP020: .*did not answer within/s, "large record $i waits in vain");
}
$node->vendor_forget;
my ($first) = $node->session('postgres');
$node->converse($first, 'SET client_min_messages = debug1');
$node->converse($first, "SET lpr.audit_timeout = '300ms'; SELECT audit_record('read', NULL, NULL, repeat('z', 500000)); SELECT audit_record('read', NULL, NULL, repeat('z', 50000))");
# What fits into the rest of the ring, byte by byte fewer, until not even a question does.
for my $size (400_000, 200_000, 100_000, 50_000, 25_000, 12_000, 6_000, 3_000, 1_500, 700, 350, 200, 100, 50, 25, 10, 1)
{
	$node->converse($first, "SELECT audit_record('read', NULL, NULL, repeat('y', $size))");
}
$first->quit;
# Whoever holds up the writer itself need not wait for room to hear of it.
like(($node->converse($locker, "SET lpr.audit_timeout = '60s'; BEGIN; LOCK TABLE $leaf IN SHARE MODE; " . LprTest::quick() . '; ROLLBACK'))[1],
	qr/ERROR: +LP020: .*DETAIL: +This transaction itself holds up the audit writer/s, 'who holds up the writer, and waits for room, is told at once');
$locker->quit;
is(($node->converse($open, 'ROLLBACK'))[1], '', 'a transaction is rolled back while the ring is full');
$node->swarm_go($swarm);
ok($node->await_waiting($LprTest::crowd), 'all clients wait for room');
is(scalar(my @none = $node->vendor_log), 0, '… and no vendor heard of them');
$node->let_go($writer);
my @acks = $node->swarm_end($swarm, patient => 1);
is(scalar @acks, 2 * $LprTest::crowd, '… and are all answered in the end') or diag($node->swarm_errors($swarm));
my @large = split /\n/, $node->answer('postgres', "SELECT substr(payload::json->>'what', 1, 1) FROM lpr_data.audit WHERE number > $head AND kind = 'read' AND length(payload) > 1048576 ORDER BY number");
is(join(' ', @large), 'a b c d e f g', 'what had room is on record, in order, what had none is not');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'answer' AND ask = $head"), 0, 'the outcome of a broken-off question had no room: its ask has no answer');
$node->sound('after a full ring', acks => \@acks);
$open->quit;

$node->stop;
done_testing();
