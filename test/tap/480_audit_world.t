# audit_world: a disk that is full, a clock that is set, a month that ends (preload.c plays them).
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::Local;

my $node = LprTest->make('audit_world', conf => "max_connections = 110\nmin_wal_size = 32MB\nmax_wal_size = 64MB\nwal_recycle = off\nrestart_after_crash = on\n", world => 1);

# Ten days before the end of a month. The vendors' reads are older than what the clock is set back to.
$node->clock_to_noon;
my (undef, undef, undef, undef, $month, $year) = gmtime $node->now;
my $next_month = timegm(0, 0, 0, 1, ($month + 1) % 12, $year + ($month == 11));
$node->move_clock($next_month - $node->now - 10 * 86400);
$node->start;
$node->vendor_start;
$node->stage('lpr');
is($node->answer('analyst1', LprTest::quick()), 1, 'a question') for 1 .. 3;
cmp_ok(abs($node->answer('postgres', 'SELECT extract(epoch FROM clock_timestamp())') - $node->now), '<', 3600, 'server and test have one clock, days off the machine\'s');
cmp_ok(abs(($node->vendor_log)[-1]{t_us} / 1e6 - $node->now), '<', 3600, '… and so has the simulator');

sub patience { my ($time) = @_; $node->answer('postgres', "ALTER SYSTEM SET lpr.audit_timeout = '$time'", database => 'postgres'); $node->reload; return }
sub leaves { return $node->answer('postgres', "SELECT string_agg(DISTINCT tableoid::regclass::text, ' ' ORDER BY tableoid::regclass::text) FROM lpr_data.audit") }
sub leaf_of { my ($time) = @_; return POSIX::strftime('lpr_data.audit_%Y_%m', gmtime $time) }
my ($this, $next) = (leaf_of($next_month - 1), leaf_of($next_month));

# Two minutes before its end.
$node->move_clock($next_month - $node->now - 120);

# ---- the next month's leaf is made ahead, and does not hold anybody up when it cannot be ----

ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT to_regclass('$next') IS NOT NULL") eq 't' }), 'the leaf of the next month is made ahead');
$node->answer('postgres', "ALTER TABLE lpr_data.audit DETACH PARTITION $next");
$node->renew_writer;
is($node->answer('analyst1', LprTest::quick()), 1, 'a next month that cannot be prepared holds nobody up') for 1 .. 3;
my $writer = $node->writer;
is($node->answer('analyst1', LprTest::quick()), 1, '… nor ends the writer');
is($node->writer, $writer, '… which is the same');
$node->answer('postgres', "ALTER EVENT TRIGGER lpr_audit_drop DISABLE; ALTER TABLE $next SET SCHEMA public; DROP TABLE " . $next =~ s/lpr_data/public/r . "; ALTER EVENT TRIGGER lpr_audit_drop ENABLE ALWAYS");
my ($locker) = $node->session('postgres');
$node->converse($locker, 'BEGIN; LOCK TABLE ONLY lpr_data.audit IN SHARE UPDATE EXCLUSIVE MODE');
$node->renew_writer;
is($node->answer('analyst1', LprTest::quick()), 1, '… nor a lock on the whole log') for 1 .. 3;
$node->converse($locker, 'COMMIT');

# ---- the month ends, under load ----

my $swarm = $node->swarm(4, pause => 0); # time: that pause goes by the clock
ok($node->await_acks($swarm, 20), 'answers come');
is(leaves(), $this, '… into this month');
$node->move_clock(180);
ok(LprTest::eventually(sub { leaves() eq "$this $next" }), 'the month ends: a new leaf');
ok($node->await_acks($swarm, 20), 'answers come');
my $first = $node->answer('postgres', "SELECT min(number) FROM $next");
is($node->answer('postgres', "SELECT kind, (payload::json->>'size')::bigint = number - 1, payload::json->>'head' = (SELECT encode(b.digest, 'hex') FROM lpr_data.audit AS b WHERE b.number = a.number - 1)
	FROM lpr_data.audit AS a WHERE number = $first"), 'month|t|t', '… which begins with what came before it');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.checkpoint WHERE size = $first - 1"), 1, '… and there is a checkpoint');
$node->renew_writer;
ok($node->await_acks($swarm, 20), 'a new writer goes on');

my @acks = $node->swarm_end($swarm);
$node->sound('after the end of the month', acks => \@acks);

# ---- the clock is set back, and on again ----

sub clocks { return $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'clock'") }
sub checkpoints { return $node->answer('postgres', 'SELECT count(*) FROM lpr_data.checkpoint') }
$node->move_clock(-86400);
is($node->answer('analyst1', LprTest::quick()), 1, 'the clock is set back, and a question answered') for 1 .. 5;
is(clocks(), 1, 'which is on record once');
my $checkpoints = checkpoints();
is($node->answer('analyst1', LprTest::quick()), 1, 'further questions') for 1 .. 5;
is(checkpoints(), $checkpoints, '… are not a checkpoint each');
$node->move_clock(120);
is($node->answer('analyst1', LprTest::quick()), 1, '… but after a minute of that clock');
ok(LprTest::eventually(sub { checkpoints() > $checkpoints }), '… there is one');
$node->move_clock(86400 + 280);
is($node->answer('analyst1', LprTest::quick()), 1, 'set right, a question');
$node->move_clock(-100);
is($node->answer('analyst1', LprTest::quick()), 1, 'set back once more');
is(clocks(), 2, '… which is on record as well');
$node->move_clock(300);
$node->sound('after all that');

# ---- the disk of the data is full ----

$node->converse($locker, "CREATE FUNCTION audit_record(text, text, text, text) RETURNS bigint LANGUAGE c AS '\$libdir/lpr', 'lpr_audit_record'");
patience('1s');
my ($asker) = $node->session('analyst1');
$swarm = $node->swarm(16, rounds => 2, hold => 1);
$node->vendor_forget;
$node->fill_disk('/base/');
my $messages = '';
ok(LprTest::eventually(sub {
	$messages = $node->messages('postgres', "SELECT audit_record('read', NULL, NULL, repeat(md5(random()::text), 3000))");
	$messages .= $node->messages('analyst1', LprTest::quick(), logon => 0);
	$messages =~ /No space left/ }), 'a full disk') or diag($messages);
like($messages, qr/ERROR: +LP020: .*DETAIL: +The audit writer cannot write: could not extend file "[^"]+": No space left on device.*HINT: +\S/s, '… is told');
$node->vendor_forget;
like(($node->converse($asker, LprTest::quick()))[1], qr/ERROR: +LP020: /, '… and nobody is answered');
is(scalar(my @none = $node->vendor_log), 0, '… nor asked');
patience('60s');
LprTest::eventually(sub { $node->answer('analyst1', 'SHOW lpr.audit_timeout', logon => 0) eq '1min' });
$node->swarm_go($swarm);
ok($node->await_waiting(16), 'others wait');
$node->free_disk;
@acks = $node->swarm_end($swarm, patient => 1);
is(scalar @acks, 32, '… and are answered when there is room');
$node->sound('after a full disk', acks => \@acks);

# ---- the disk of the WAL is full: the server itself gives up ----

$swarm = $node->swarm(16);
ok($node->await_acks($swarm, 20), 'answers come');
$writer = $node->writer;
$node->fill_disk('/pg_wal/');
$node->try_ask('postgres', 'SELECT pg_switch_wal(); CREATE TABLE t (); SELECT pg_switch_wal(); CREATE TABLE u ()', database => 'postgres');
ok(LprTest::eventually(sub { LprTest::gone($writer) }), 'no room for the WAL ends the server');
$node->free_disk;
if (!LprTest::eventually(sub { ($node->try_ask('postgres', 'SELECT 1', database => 'postgres'))[0] == 0 }))
{
	$node->{_pid} = undef;
	$node->start;
}
like(slurp_file($node->logfile), qr/PANIC: .*No space left on device/, '… which says why');
ok($node->await_acks($swarm, 20), 'with room, answers come again');
@acks = $node->swarm_end($swarm);
$node->sound('after a full disk of the WAL', acks => \@acks);
eval { $_->quit } for $locker, $asker;
$node->stop;
done_testing();
