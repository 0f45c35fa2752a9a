# engine: what curl may not do to a backend: run its signal handlers in a thread, use up its descriptors, retry in step; and what a
# cancel may not become.
use strict;
use warnings;
use LprTest;
use IO::Socket::INET;
use List::Util qw(max min);
use PostgreSQL::Test::Utils;
use Test::More;

# As few descriptors as may be: a third of them is for others than files.
my $node = LprTest->make('engine', conf => "max_files_per_process = 64\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr');
sub asking { my ($source) = @_; return "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = '$source'" }
my ($session, $pid) = $node->session('analyst1');

# ---- the threads of name lookups get no signals ----
$node->add_source('lookup', 'lpr-v1', url => 'https://vendor.slow.invalid/x/lpr-v1', options => { connect_timeout => 60000 });
$node->send_sql($session, asking('lookup'));
$node->await_network($pid);
my @threads;
LprTest::eventually(sub { @threads = grep { $_ != $pid } map { m{/(\d+)$} } glob "/proc/$pid/task/*" }) or die 'no thread looks the name up';
my ($blocked) = slurp_file("/proc/$pid/task/$threads[0]/status") =~ /^SigBlk:\s*([0-9a-f]+)$/m;
my @open = grep { !(hex($blocked) >> $_ - 1 & 1) } 1, 2, 3, 10, 12, 13, 14, 15, 23, 29; # HUP INT QUIT USR1 USR2 PIPE ALRM TERM URG IO
is("@open", '', 'the thread that looks a name up has all signals blocked');
# For a moment it has, while it starts such a thread.
ok(LprTest::eventually(sub { slurp_file("/proc/$pid/task/$pid/status") =~ /^SigBlk:\s*([0-9a-f]+)$/m && !(hex($1) >> 1 & 1) }), '… and the backend itself has not');
$node->answer('postgres', "SELECT pg_cancel_backend($pid)");
$session->query('');

# ---- hundreds of connects that were broken off use up no descriptors ----
# Nobody takes connections here, and as many wait as may.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 1) or die "listen: $!";
my @waiting = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;
$node->add_source('stuck', 'lpr-v1', url => 'http://127.0.0.1:' . $full->sockport . '/x/lpr-v1', options => { connect_timeout => 60000 });
is(($node->converse($session, asking('acme')))[0], 7, 'a session asks');
my $descriptors = $node->descriptors($pid);
my (undef, $err) = $node->converse($session, "SET statement_timeout = 20;\n" . (asking('stuck') . ";\n") x 300 . "RESET statement_timeout;\n");
is(scalar(() = $err =~ /ERROR: +57014/g), 300, '300 connects are broken off');
my ($out, $said) = $node->converse($session, asking('acme'));
is($out, 7, '… and the session asks on') or diag($said);
cmp_ok($node->descriptors($pid), '<=', $descriptors + 1, '… with as many descriptors as before');
# All at once: they are counted while they are open.
$node->add_source("stuck$_", 'lpr-v1', url => 'http://127.0.0.1:' . $full->sockport . '/x/lpr-v1', options => { connect_timeout => 300, retries => 0 }) for 1 .. 24;
(undef, $err) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = ANY ('{" . join(',', map { "stuck$_" } 1 .. 24) . "}')");
like($err, qr/too many open files/, 'too many sockets at once: told');
is(($node->converse($session, asking('acme')))[0], 7, '… and afterwards all is well');
$node->answer('postgres', "SELECT lpr.remove_source('stuck' || i) FROM generate_series(1, 24) AS i");

# ---- those that failed together do not come back together ----
my @retry = map { "retry$_" } 1 .. 4;
$node->add_source($_, 'lpr-v1', options => { retries => 1 }) for @retry;
my @gaps;
for (1 .. 4)
{
	my %first;

	$node->vendor_faults(map { { vendor => $_, class => 'search', fault => 'status', status => 503, times => 1 } } @retry);
	$node->vendor_forget;
	$node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source IN ('" . join("','", @retry) . "')");
	for my $request ($node->vendor_log(class => 'search'))
	{
		push @gaps, ($request->{t_us} - $first{ $request->{vendor} }) / 1000 if $first{ $request->{vendor} };
		$first{ $request->{vendor} } //= $request->{t_us};
	}
	$node->vendor_well;
}
is(scalar @gaps, 16, 'what failed is asked again');
# By chance closer than this: once in a million runs.
cmp_ok(max(@gaps) - min(@gaps), '>', 40, '… each at a time of its own') or diag("@gaps");
cmp_ok(min(@gaps), '>=', 120, '… after half the pause at least');

# ---- a cancel while the secret is looked for is a cancel, not a failure of the source ----
my ($locker) = $node->session('postgres');
$locker->query('BEGIN; LOCK TABLE lpr_data.secret');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD retries '1')"); # its secret is read anew
$session->{stderr} = '';
$node->send_sql($session, asking('acme'));
ok(LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $pid AND NOT granted") > 0 }), 'a question waits for its secret');
$node->answer('postgres', "SELECT pg_cancel_backend($pid)");
is($session->query(''), '', '… has no answer when it is cancelled');
like($session->{stderr}, qr/ERROR: +57014: canceling statement due to user request/, '… but an error');
unlike($session->{stderr}, qr/WARNING/, '… and no warning');
$locker->query('ROLLBACK');
is(($node->converse($session, asking('acme')))[0], 7, '… and the session asks on');

$_->quit for $session, $locker;
$node->stop;
done_testing();
