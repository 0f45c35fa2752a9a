# audit_worker: the writer ends, errs, is misled by settings, before its commit and between commit and answer: each question is decided exactly once.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_worker', conf => "max_connections = 110\nwal_level = replica\nmax_wal_senders = 5\n");
my $only = "kind IN ('ask', 'refused', 'answer')";
my $answered = "ask analyst1 acme\nanswer analyst1 acme of +1 complete";
my $head;
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');

sub administer { my ($sql) = @_; return $node->answer('postgres', $sql, database => 'postgres') }

# From now on a commit waits for a standby that there is not: seen by one that does, since the checkpointer has to take that up first.
sub no_standby
{
	administer("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	$node->reload;
	# Whatever is set for the database and the role.
	local $ENV{PGOPTIONS} = '-c synchronous_commit=on -c default_transaction_read_only=off -c statement_timeout=0 -c search_path=pg_catalog -c role=none';
	my $probe = $node->launch('postgres', q{DO $$ BEGIN LOOP PERFORM pg_logical_emit_message(true, 'probe', ''); COMMIT; PERFORM pg_sleep(0.05); END LOOP; END $$}); # time: between two
	my $probes = "pg_stat_activity WHERE application_name = '$probe->{name}'";
	LprTest::eventually(sub { administer("SELECT wait_event FROM $probes") eq 'SyncRep' }) or die 'no commit waits for a standby';
	administer("SELECT pg_terminate_backend(pid) FROM $probes");
	$node->landed($probe);
	return;
}

sub patience { my ($time) = @_; administer("ALTER SYSTEM SET lpr.audit_timeout = '$time'"); $node->reload; return }

# ---- it ends and comes again, under load ----

my $swarm = $node->swarm(16);
for my $i (1 .. 4)
{
	ok($node->await_acks($swarm, 50), 'answers come');
	$node->renew_writer;
}
ok($node->await_acks($swarm, 50), 'and go on to come');
my @acks = $node->swarm_end($swarm);
unlike($node->swarm_errors($swarm), qr/ERROR/, 'nobody is refused for it');
$node->sound('after four ends of the writer', acks => \@acks);

# ---- the gate fails ----

my $gate = $node->answer('postgres', "SELECT pg_get_functiondef('lpr_data.gate'::regproc)");
my $nobody = ', NULL::integer, NULL::timestamptz, NULL::timestamptz'; # of whom nothing is remembered
sub gate_says
{
	my ($body) = @_;
	(my $sql = $gate) =~ s/ LANGUAGE sql.*//s;
	$node->answer('postgres', "$sql LANGUAGE plpgsql STABLE AS \$gate\$ $body \$gate\$");
	return;
}
sub gate_again { $node->answer('postgres', $gate); return }

$head = $node->head;
gate_says("BEGIN IF q.source = 'acme' THEN PERFORM 1 / 0; END IF; RETURN QUERY SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, timestamptz 'infinity'$nobody; END");
$node->vendor_forget;
$swarm = $node->swarm(8, rounds => 5, sql => LprTest::quick('birdseye') . ';');
like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +22012: the gate cannot decide this question.*DETAIL: +division by zero.*HINT: .*lpr_data\.gate/s, 'a rule that fails refuses')
	for 1 .. 3;
@acks = $node->swarm_end($swarm, patient => 1);
is(scalar @acks, 40, '… and others are answered');
is($node->records_after($head, "source = 'acme'"), join("\n", ('refused analyst1 acme U2 22012') x 3), '… and that is on record');
is(scalar(my @none = $node->vendor_log(vendor => 'acme')), 0, '… and the vendor does not hear of it');
gate_again();
$node->answer('postgres', 'ALTER FUNCTION lpr_data.gate RENAME TO no_gate');
like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +42883: the gate cannot decide this question/, 'without a gate nobody is let through');
$node->answer('postgres', 'ALTER FUNCTION lpr_data.no_gate RENAME TO gate');
gate_says("BEGIN RETURN QUERY SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::timestamptz$nobody; END");
like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +42501: the question was refused/, 'a gate that refuses without a word refuses');
gate_says('BEGIN END');
like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +42501: the question was refused/, '… so does one that says nothing at all');
for my $word (0 .. 4)
{
	my @says = map { $_ == $word ? "'x'" : 'NULL::text' } 0 .. 4;
	gate_says('BEGIN RETURN QUERY SELECT ' . join(', ', @says) . ", timestamptz 'infinity'$nobody; END");
	like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +42501: /, '… and one that says until when, and something besides');
}
gate_says("BEGIN RETURN QUERY SELECT 'A control of any length', 'x', repeat('é', 2000), repeat('ü', 2000), repeat('x', 2000), NULL::timestamptz$nobody; END");
like($node->messages('analyst1', LprTest::quick()), qr/ERROR: +42501: (?:é)+\n/, 'one that talks too much refuses too');
gate_again();
$node->await_answers;
$node->sound('after a gate that failed');

# An error that will pass refuses nobody: all wait.
patience('1s');
my $job = $node->ready('analyst1');
$head = $node->head;
gate_says("BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'disk_full', HINT = 'Buy a disk.'; END");
my $told = '';
LprTest::eventually(sub { $told = $node->messages('analyst1', LprTest::quick()); $told =~ /cannot write/ });
like($told, qr/ERROR: +LP020: .*DETAIL: +The audit writer cannot write: not now\..*HINT: +Buy a disk\./s, 'an error that will pass is told');
patience('60s');
$node->go($job, LprTest::quick());
ok($node->await_waiting(1, $job), 'the next question waits');
gate_again();
is(($node->landed($job))[0], "1\n", '… and is answered when it has passed');
like($node->records_after($head, $only), qr/^(?:ask analyst1 acme\n){2,}answer analyst1 acme of \+\d+ complete$/, 'all are on record');

# ---- it ends before its commit ----

my ($locker) = $node->session('postgres');
$job = $node->ready('analyst1');
$head = $node->head;
$node->vendor_forget;
$node->converse($locker, 'BEGIN; LOCK TABLE lpr_data.source IN ACCESS EXCLUSIVE MODE');
$node->go($job, LprTest::quick());
ok($node->await_waiting(1, $job), 'a question waits');
my $waits = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr audit writer' AND wait_event";
ok(LprTest::eventually(sub { administer("$waits = 'relation'") eq '1' }), '… and the writer in its transaction');
$node->renew_writer;
is(scalar(@none = $node->vendor_log), 0, 'it ends before its commit: no vendor heard of it');
$node->converse($locker, 'ROLLBACK');
is(($node->landed($job))[0], "1\n", '… and the next one decides');
is($node->records_after($head, $only), $answered, '… once');

# ---- it ends between commit and answer ----

# A place of which there are more than five reads.
my $place = "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND lpr.distance_m(latitude, longitude, 32.55, -116.94) <= 20000 AND captured_at > now() - interval '7 days'";
cmp_ok($node->answer('analyst1', $place), '>', 5, 'a place');
$node->answer('admin1', "SELECT lpr.set_search_limit('location', 20000, '7 days', 5, 10)");
for my $case ([ LprTest::quick(), qr/^1\n/, $answered ], [ $place, qr/^5\n/, "ask analyst1 acme\nanswer analyst1 acme of +1 cut" ],
	[ "SELECT count(*) FROM lpr.reads WHERE make = 'FORD' AND lpr.distance_m(latitude, longitude, 32.55, -117.04) <= 25000 AND source = 'curbside'", qr/ERROR: +LP005/, 'refused analyst1 curbside Q11 LP005' ])
{
	my ($sql, $result, $records) = @$case;

	$job = $node->ready('analyst1');
	$head = $node->head;
	$node->vendor_forget;
	no_standby();
	$node->go($job, $sql);
	ok(LprTest::eventually(sub { administer("$waits = 'SyncRep'") eq '1' }), 'the writer has written its commit and waits for a standby');
	$node->renew_writer;
	ok(LprTest::eventually(sub { administer("$waits = 'SyncRep'") eq '1' }), 'it ends, and the next one waits likewise');
	ok($node->await_waiting(1, $job), '… and the caller still');
	is(scalar(@none = $node->vendor_log), 0, '… and no vendor heard of it');
	administer("ALTER SYSTEM RESET synchronous_standby_names");
	$node->reload;
	like(join('', ($node->landed($job))[0, 1]), $result, 'then it is told what was decided');
	is($node->records_after($head, $only), $records, '… once');
	$node->sound('then');
}

# ---- … with a record of the cluster before it: of a statement in another database ----

$job = $node->ready('analyst1');
no_standby();
$head = $node->head;
my $other = $node->launch('postgres', '\c postgres', "ALTER SYSTEM SET lpr.audit_timeout = '60s'");
ok(LprTest::eventually(sub { administer("$waits = 'SyncRep'") eq '1' }), 'the writer waits for a standby with what the cluster has on record');
$node->go($job, LprTest::quick());
ok($node->await_waiting(1, $job), '… and a question behind it');
$node->renew_writer;
ok(LprTest::eventually(sub { administer("$waits = 'SyncRep'") eq '1' }), 'the next writer waits likewise');
administer("ALTER SYSTEM RESET synchronous_standby_names");
$node->reload;
like(join('', ($node->landed($job))[0, 1]), qr/^1\n/, 'both are decided');
$node->landed($other);
is($node->records_after($head, $only), $answered, '… once');
$node->sound('then');

# ---- a change is as safe as the log, whatever its session has set ----

no_standby();
my $change = $node->launch('admin1', 'SET synchronous_commit = off', "SELECT lpr.set_search_limit('location', 20000, '7 days', 4, 10)");
my $doing = '';
LprTest::eventually(sub { $doing = administer("SELECT coalesce((SELECT coalesce(wait_event, 'works') FROM pg_stat_activity WHERE application_name = '$change->{name}'), 'ended')"); $doing eq 'SyncRep' }); # it may not be connected yet
is($doing, 'SyncRep', 'a change waits for the standby, with synchronous_commit = off');
administer("ALTER SYSTEM RESET synchronous_standby_names");
$node->reload;
$node->landed($change);
is($node->answer('postgres', "SELECT reads FROM lpr_data.search_limit WHERE mode = 'location'"), 4, '… and is made');

# ---- settings of database and role ----

my @settings = ("synchronous_commit = off", "default_transaction_read_only = on", "search_path = nowhere", "default_transaction_isolation = serializable",
	"default_transaction_deferrable = on", "session_replication_role = replica", "statement_timeout = '1ms'", "lock_timeout = '1ms'", "TimeZone = 'Asia/Kathmandu'",
	"DateStyle = 'German'", "IntervalStyle = 'sql_standard'", "extra_float_digits = -15", "row_security = off", "role = analyst2");
push @settings, "transaction_timeout = '300ms'", 'event_triggers = off' if $node->pg_version >= 17;
administer("ALTER DATABASE lpr SET $_") for grep { !/timeout|role|triggers/ } @settings;
administer("ALTER ROLE postgres IN DATABASE lpr SET $_") for @settings;
administer("ALTER ROLE postgres SET $_") for 'synchronous_commit = off', 'search_path = nowhere';
my $purger = "FROM pg_stat_activity WHERE backend_type = 'lpr cache purger'";
my $earlier = administer("SELECT pid $purger");
kill 'TERM', $earlier;
ok(LprTest::eventually(sub { administer("SELECT pid <> $earlier $purger") eq 't' }), 'another purger of the cache');
$node->renew_writer;
$head = (split /\|/, administer("SELECT 0"))[0];
ok($node->await_answers, 'settings of database and role do not matter');
$job = $node->ready('analyst1');
no_standby();
$node->go($job, LprTest::quick());
ok(LprTest::eventually(sub { administer("$waits = 'SyncRep'") eq '1' }), '… synchronous_commit = off neither');
administer("ALTER SYSTEM RESET synchronous_standby_names");
$node->reload;
is(($node->landed($job))[0], "1\n", '… and it is answered');
administer("ALTER DATABASE lpr RESET ALL; ALTER ROLE postgres IN DATABASE lpr RESET ALL; ALTER ROLE postgres RESET ALL");
$node->sound('under such settings');
# What waits longer than any of these times: for somebody's lock. And what is defined while event triggers are off: the cache's tables.
administer('CREATE ROLE boss SUPERUSER LOGIN');
my ($boss) = $node->session('boss');
my $writer = $node->writer;
$node->converse($boss, 'BEGIN; LOCK TABLE lpr_data.source IN ACCESS EXCLUSIVE MODE');
patience('1500ms');
$told = '';
LprTest::eventually(sub { $told = $node->messages('analyst1', LprTest::quick(), logon => 0); $told =~ /LP020: .*lock/s || $node->writer ne $writer });
is($node->writer, $writer, 'the writer outlives a wait for a lock');
$node->converse($boss, 'ROLLBACK');
patience('10s');
$node->answer('boss', "SELECT lpr.set_cache_time('7 hours')");
ok(LprTest::eventually(sub { $node->answer('boss', "SELECT to_regclass('lpr_data.cache_read_' || to_char(lpr_data.cache_expiry(clock_timestamp(), '7 hours') AT TIME ZONE 'UTC', 'YYYYMMDDHH24')) IS NOT NULL") eq 't' }),
	'… and the purger makes its tables');
$boss->quit;
administer('DROP ROLE boss');

# ---- what it cannot work without ----

sub lacks
{
	my ($name, $detail) = @_;
	my $messages = '';

	patience('1s');
	LprTest::eventually(sub { $messages = $node->messages('analyst1', LprTest::quick(), logon => 0); $messages =~ $detail });
	like($messages, qr/ERROR: +LP020: .*$detail/s, $name);
	patience('10s');
	return;
}

administer("ALTER SYSTEM SET fsync = off");
$node->reload;
lacks('fsync = off', qr/DETAIL: +The audit writer cannot write: fsync is off.*HINT: /s);
$node->restart;
lacks('fsync = off at start', qr/DETAIL: +The audit writer cannot write: fsync is off/);
administer("ALTER SYSTEM SET fsync = on");
$node->reload;
ok($node->await_answers, 'and on again');

my $key = "$node->{secret_directory}/checkpoint-key";
my $pem = slurp_file($key);
unlink $key;
is($node->answer('analyst1', LprTest::quick()), 1, 'a writer that has its key needs the file no more');
$node->renew_writer;
lacks('without the checkpoint key', qr/DETAIL: +The audit writer cannot write: checkpoint key "checkpoint-key" does not exist.*HINT: .*openssl genpkey/s);
$node->put_secret('checkpoint-key', 'no key at all');
lacks('a broken checkpoint key', qr/DETAIL: +The audit writer cannot write: the checkpoint key cannot be used.*HINT: .*openssl genpkey/s);
unlink $key;
system_or_bail('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $key);
chmod 0600, $key;
lacks('another checkpoint key', qr/DETAIL: +The audit writer cannot write: the audit log was altered: The newest checkpoint is not signed by the checkpoint key/);
$node->put_secret('checkpoint-key', $pem);
ok($node->await_answers, 'the right one again');

$node->stage('two');
like($node->messages('analyst1', LprTest::quick(), database => 'two', logon => 0), qr/ERROR: +LP020: .*DETAIL: +The audit log is kept in database "lpr", this is "two".*HINT: /s, 'another database');
$node->sound('in the end');
$locker->quit;
$node->stop;
done_testing();
