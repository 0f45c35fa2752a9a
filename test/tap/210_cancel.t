# cancel: whatever a question waits for, a cancel, a time limit or the session's end gets through at once.
use strict;
use warnings;
use LprTest;
use IO::Socket::INET;
use List::Util qw(max min);
use Time::HiRes qw(time);
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
sub asking { my ($source, $what) = @_; return 'SELECT ' . ($what // 'count(*)') . " FROM lpr.reads WHERE plate = 'BULK7' AND source = '$source'" }
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

# The one turn of its minute.
is($node->answer('analyst1', asking('slow')), 7, 'the first turn of a limited source');

my @cases = (
	[ 'connect', asking('stuck') ],
	[ 'first byte', asking('silent') ],
	[ 'body', asking('dripping') ],
	[ '429', asking('busy') ],
	[ 'rate limit', asking('slow') ],
	[ 'image', asking('blank', 'count(vehicle_image)') ],
	[ 'all at once', "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = ANY ('{stuck,slow," . join(',', @quick) . "}')" ],
	[ 'name lookup', asking('lookup') ]);

for my $case (@cases)
{
	my ($wait, $sql) = @$case;
	my ($since, $err);
	my (@cancelled, @timed_out);

	# The best of three: what else the machine does is not ours.
	for (1 .. 3)
	{
		$session->{stderr} = '';
		$node->send_sql($session, $sql);
		$node->await_network($pid);
		select undef, undef, undef, 0.1;
		$since = time;
		$other->query("SELECT pg_cancel_backend($pid)");
		$session->query('');
		$err = $session->{stderr};
		push @cancelled, time - $since;
		last if $err !~ /57014/;
	}
	like($err, qr/ERROR: +57014: canceling statement due to user request/, "$wait: pg_cancel_backend");
	cmp_ok(min(@cancelled), '<', 0.25, '… within 250 ms');
	cmp_ok(max(@cancelled), '<', 2, '… every time soon');

	$node->converse($session, "SET statement_timeout = '300ms'");
	for (1 .. 3)
	{
		$session->{stderr} = '';
		$since = time;
		(undef, $err) = $node->converse($session, $sql);
		push @timed_out, time - $since - 0.3;
		last if $err !~ /57014/;
	}
	like($err, qr/ERROR: +57014: canceling statement due to statement timeout/, "$wait: statement_timeout");
	cmp_ok(min(@timed_out), '<', 0.25, '… within 250 ms');
	cmp_ok(max(@timed_out), '<', 2, '… every time soon');
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

# The end of a session.
for my $case (@cases)
{
	my ($wait, $sql) = @$case;
	my $job = $node->launch('analyst1', $sql);
	my $backend = $node->await_network($job);
	my $since = time;

	$node->answer('postgres', "SELECT pg_terminate_backend($backend)");
	my (undef, $err) = $node->landed($job);
	like($err, qr/FATAL: +57P01: terminating connection due to administrator command/, "$wait: pg_terminate_backend");
	LprTest::eventually(sub { !-e "/proc/$backend" });
	cmp_ok(time - $since, '<', 2, '… the process is gone at once');
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
$_->quit for $session, $other;

$node->vendor_well;
$node->stop;
done_testing();
