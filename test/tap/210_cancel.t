# cancel: whatever a question waits for, a cancel, a time limit or the session's end gets through at once.
use strict;
use warnings;
use LprTest;
use IO::Socket::INET;
use List::Util qw(max min);
use Test::More;

my $node = LprTest->make('cancel', world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr');

# Nobody takes connections here, and as many wait as may.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 1) or die "listen: $!";
my @waiting = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;

$node->add_source('lookup', 'lpr-v1', url => 'https://vendor.slow.invalid/x/lpr-v1', options => { connect_timeout => 60000 });
$node->add_source('stuck', 'lpr-v1', url => 'http://127.0.0.1:' . $full->sockport . '/x/lpr-v1', options => { connect_timeout => 60000 });
sub asking { my ($source, $what) = @_; return 'SELECT ' . ($what // 'count(*)') . " FROM lpr." . (($what // '') =~ /_image/ ? 'images' : 'reads') . " WHERE plate = 'BULK7' AND source = '$source'" }
my @quick = qw(acme silent dripping busy blank);
$node->add_source($_, 'lpr-v1') for @quick[1 .. 4];
$node->add_source('slow', 'lpr-v1', options => { requests_per_minute => 1 });
my ($session, $pid) = $node->session('analyst1');
my ($other) = $node->session('postgres');

# The session's descriptors when it keeps one connection: a changed server drops the idle ones.
sub descriptors
{
	$node->answer('postgres', "ALTER SERVER acme OPTIONS (SET retries '2')");
	$node->converse($session, asking('acme'));
	return $node->descriptors($pid);
}
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD retries '2')");
descriptors();
my $descriptors = descriptors();

$node->vendor_faults(
	{ vendor => 'silent', class => 'search', fault => 'hang' },
	{ vendor => 'dripping', class => 'search', fault => 'drip', ms => 50 },
	{ vendor => 'busy', class => 'search', fault => 'rate_limit', retry_after => 25 },
	{ vendor => 'blank', class => 'image', fault => 'hang' });

# The one turn of its minute, and those of the half hour after it: whoever asks now waits, however long this test takes.
is($node->answer('analyst1', asking('slow')), 7, 'the first turn of a limited source');
my $ahead = $node->launch('analyst1', 'SELECT count(*) FROM (' . join(' UNION ALL ', map { "SELECT read_id FROM lpr.reads WHERE plate = 'BULK$_' AND source = 'slow'" } 1 .. 30) . ') AS r');
my $waits = $node->await_network($ahead);

# What is asked, and the request by which it is seen that the question has come as far as that.
my @cases = (
	[ 'connect', asking('stuck') ],
	[ 'first byte', asking('silent'), vendor => 'silent', class => 'search' ],
	[ 'body', asking('dripping'), vendor => 'dripping', class => 'search' ],
	[ '429', asking('busy'), vendor => 'busy', class => 'search' ],
	[ 'rate limit', asking('slow') ],
	[ 'image', asking('blank', 'count(vehicle_image)'), vendor => 'blank', class => 'image' ],
	[ 'all at once', "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = ANY ('{stuck,slow," . join(',', @quick) . "}')", vendor => 'silent', class => 'search' ],
	[ 'name lookup', asking('lookup') ]);
# What ends at once wherever it stands, in the same session and the same moment: what is more than that is ours, and not the machine's.
my @peer = ('SELECT pg_sleep(3600)', event => 'PgSleep'); # time: cancelled

# How long a statement takes to end once it is cancelled, and what it says then.
sub cancelled
{
	my ($sql, @there) = @_;

	$node->vendor_forget;
	$session->{stderr} = '';
	$node->send_sql($session, $sql);
	$node->await_network($pid, @there);
	my $since = LprTest::steady();
	$other->query("SELECT pg_cancel_backend($pid)");
	$session->query('');
	return (LprTest::steady() - $since, $session->{stderr}); # time: against a peer's
}

# The same by statement_timeout.
sub timed_out
{
	my ($sql) = @_;
	my $since = LprTest::steady();
	my (undef, $err) = $node->converse($session, $sql);

	return (LprTest::steady() - $since - 0.3, $err); # time: against a peer's
}

# Three times, beside the peer: the best within 250 ms, each of them soon.
sub is_prompt
{
	my ($way, $sql, $expected, $name, @there) = @_;
	my (@ours, @peers, $err);

	for (1 .. 3)
	{
		push @peers, ($way->(@peer))[0];
		(my $took, $err) = $way->($sql, @there);
		push @ours, $took;
		last if $err !~ /57014/;
	}
	like($err, $expected, $name);
	cmp_ok(min(@ours), '<', 0.25 + 5 * max(@peers), '… within 250 ms');
	cmp_ok(max(@ours), '<', 2 + 10 * max(@peers), '… every time soon');
	return;
}

for my $case (@cases)
{
	my ($wait, $sql, @there) = @$case;

	is_prompt(\&cancelled, $sql, qr/ERROR: +57014: canceling statement due to user request/, "$wait: pg_cancel_backend", @there);
	$node->converse($session, "SET statement_timeout = '300ms'");
	is_prompt(\&timed_out, $sql, qr/ERROR: +57014: canceling statement due to statement timeout/, "$wait: statement_timeout");
	$node->converse($session, 'RESET statement_timeout');

	is(($node->converse($session, asking('acme')))[0], 7, '… and the session goes on');
	# A thread of libcurl that still looks a name up keeps a socket until it is done.
	is(descriptors(), $descriptors, '… without a descriptor left') if $wait ne 'name lookup';
	is(($node->converse($session, "SELECT outcome FROM lpr.last_query()"))[0], 'complete', '… and lpr.last_query() tells of the new question');
}

# Within a subtransaction that catches it, and through a cursor.
my $caught = $node->procedure('catch', "BEGIN
		PERFORM count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = 'silent';
	EXCEPTION WHEN query_canceled THEN
		RAISE WARNING 'caught';
		PERFORM count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme';
	END");
my (undef, $err) = $node->converse($session, "SET statement_timeout = '300ms';\n$caught;\nRESET statement_timeout;\n");
like($err, qr/WARNING: +01000: caught/, 'caught in a subtransaction, which asks on');
is(($node->converse($session, asking('acme')))[0], 7, '… and the session goes on');

# The end of a session: how long its process takes to go, and what it says.
sub terminated
{
	my ($sql, @there) = @_;

	$node->vendor_forget;
	my $job = $node->launch('analyst1', $sql);
	my $backend = $node->await_network($job, @there);
	my $since = LprTest::steady();
	$node->answer('postgres', "SELECT pg_terminate_backend($backend)");
	my (undef, $err) = $node->landed($job);
	LprTest::eventually(sub { !-e "/proc/$backend" }) or die "process $backend stays";
	return (LprTest::steady() - $since, $err); # time: against a peer's
}
for my $case (@cases)
{
	my ($wait, $sql, @there) = @$case;
	my ($peer) = terminated(@peer);
	my ($took, $err) = terminated($sql, @there);

	like($err, qr/FATAL: +57P01: terminating connection due to administrator command/, "$wait: pg_terminate_backend");
	cmp_ok($took, '<', 2 + 10 * $peer, '… the process is gone at once');
}

# A client that goes away.
my $job = $node->launch('analyst1', "SET client_connection_check_interval = '100ms'", asking('silent'));
my $backend = $node->await_network($job);
kill 'KILL', $job->{pid};
$node->landed($job);
ok(LprTest::eventually(sub { !-e "/proc/$backend" }), 'client_connection_check_interval ends a wait whose client is gone');

ok(LprTest::eventually(sub { descriptors() == $descriptors }), 'the name lookups leave no descriptor either')
	or diag(join "\n", map { readlink } glob "/proc/$pid/fd/*");
is(($node->converse($session, asking('acme')))[0], 7, 'the session goes on');
$node->answer('postgres', "SELECT pg_terminate_backend($waits)");
$node->landed($ahead);
$_->quit for $session, $other;

$node->vendor_well;
$node->stop;
done_testing();
