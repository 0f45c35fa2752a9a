# consent: the rules are agreed to by a person at a client, in each session, and nothing else makes an agreement (A5, A1).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('consent', conf => "listen_addresses = '127.0.0.1'\n", world => 1);
my $pgdata = $node->data_dir;
run_log([ 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-keyout', "$pgdata/server.key", '-out', "$pgdata/server.crt" ],
	'2>', '/dev/null') or die 'openssl';
chmod 0600, "$pgdata/server.key";
$node->append_conf('postgresql.conf', "ssl = on\n");
$node->start;
$node->vendor_start;
$node->stage('lpr');
$node->answer('postgres', "SELECT lpr.add_client_network('127.0.0.1', 'direct')");
my $all_kinds = "kind <> 'change'";
my $quick = LprTest::quick() . ' AND event_id = 1';
my $rules = 'SELECT code FROM lpr.rules()';
is($node->answer('analyst1', $quick), 1, 'who has agreed is answered');

my ($session, $pid) = $node->session('analyst1', logon => 0);
my ($other) = $node->session('analyst1', logon => 0);
my $code_of = sub { my ($of) = @_; return ($node->converse($of // $session, $rules))[0] };
my $accept = sub { my ($code, $of) = @_; return $node->converse($of // $session, "SELECT lpr.accept_rules('$code')") };
my $refused = sub {
	my ($name, $sql, $state, $of) = @_;
	my $head = $node->head;

	like(($node->converse($of // $session, $sql))[1], qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state");
	return like($node->records_after($head, "kind = 'refused'"), qr/^refused analyst1 (?:acme )?A\d $state$/, '… is on record');
};
my $not_agreed = sub { my ($name, $of) = @_; return $refused->("$name: nothing is asked", $quick, 'LP028', $of) };
my $agreed = sub { my ($name, $of) = @_; return is(($node->converse($of // $session, $quick))[0], 1, "$name: is asked") };
my $agree = sub { my ($of) = @_; $accept->($code_of->($of), $of); return };

# ---- the code ----

like(($node->converse($session, 'SELECT text FROM lpr.rules()'))[0], qr/Permissible uses.*no reasonable expectation of privacy.*disciplinary action/s, 'the rules are shown');
$not_agreed->('shown is not agreed');
my $code = $code_of->();
like($code, qr/^[A-Z2-9]{8}$/, 'a code');
$refused->('no code', 'SELECT lpr.accept_rules(NULL)', 'LP028');
$refused->('the right code, after another one', "SELECT lpr.accept_rules('$code')", 'LP028');
$code = $code_of->();
$refused->('another code', "SELECT lpr.accept_rules('AAAAAAAA')", 'LP028');
$code = $code_of->();
$node->converse($session, "BEGIN; SAVEPOINT s; SELECT lpr.accept_rules('AAAAAAAA')");
$node->converse($session, 'ROLLBACK TO s');
$refused->('the right code, after another one and a ROLLBACK TO', "SELECT lpr.accept_rules('$code')", 'LP028');
$node->converse($session, 'ROLLBACK');
$code = $code_of->($other);
$refused->("another session's code", "SELECT lpr.accept_rules('$code')", 'LP028');
my ($first, $second) = map { $code_of->() } 1 .. 2;
isnt($first, $second, 'each time another code');
$refused->('the code before', "SELECT lpr.accept_rules('$first')", 'LP028');
$not_agreed->('after all of this');
$code = $code_of->();
my $head = $node->head;
like(($accept->($code))[0], qr/version 1/, 'the right code');
is($node->records_after($head, $all_kinds), 'consent analyst1 A5', '… is on record');
$agreed->('agreed');
$refused->('the same code once more', "SELECT lpr.accept_rules('$code')", 'LP028');
$agreed->('… and the agreement stays');
$not_agreed->('the other session of the same login', $other);

# ---- what does not make one, and does not end it ----

$node->converse($other, 'BEGIN; SAVEPOINT s');
$agree->($other);
$node->converse($other, 'ROLLBACK TO s');
$agreed->('a ROLLBACK TO does not undo what is on record', $other);
$node->converse($other, 'ROLLBACK');
$agreed->('nor does a ROLLBACK', $other);
$node->converse($other, 'SET ROLE lpr_user');
is($node->answer('postgres', "SELECT string_agg(DISTINCT login, ' ') FROM lpr_data.audit WHERE kind = 'ask' AND number > $head"), 'analyst1', 'SET ROLE does not matter');
$agreed->('… to the agreement either', $other);
$node->converse($other, 'RESET ROLE; RESET ALL');
$agreed->('… nor RESET ALL', $other);
for my $ends ('DISCARD ALL', 'DISCARD PLANS', 'DISCARD TEMP', 'DISCARD SEQUENCES', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION analyst1', 'SET SESSION AUTHORIZATION DEFAULT', 'SET session_authorization = analyst1')
{
	$agree->($other);
	$agreed->("before $ends", $other);
	$node->converse($other, $ends);
	$not_agreed->("after $ends", $other);
}
$code = $code_of->($other);
$node->converse($other, 'DISCARD ALL');
$refused->('a code from before DISCARD ALL', "SELECT lpr.accept_rules('$code')", 'LP028', $other);
$other->quit;
($other) = $node->session('analyst1', logon => 0);
$not_agreed->('a new session', $other);

like($node->messages('postgres', "ALTER ROLE analyst1 SET $_ = '1'"), qr/ERROR/, "ALTER ROLE … SET $_") for qw(lpr.agreed lpr.consent lpr.rules lpr.event);
like($node->messages('analyst1', "SET $_ = '1'", logon => 0), qr/ERROR/, "SET $_") for qw(lpr.agreed lpr.consent lpr.anything);
{
	local $ENV{PGOPTIONS} = '-c lpr.agreed=1';
	run_log([ 'psql', '-X', '-d', $node->connstr('lpr') . ' user=analyst1', '-c', $quick ], '>', \my $out, '2>', \my $err);
	like($err, qr/"lpr" is a reserved prefix/, 'PGOPTIONS');
}
like($node->messages('analyst1', "SELECT lpr_data.agree('1', now(), false)", logon => 0), qr/ERROR: +42501/, 'what is ours to call is not theirs');
my ($super) = $node->session('postgres');
$node->converse($super, 'SET SESSION AUTHORIZATION analyst1');
my $supercode = $code_of->($super);
like(($node->converse($super, "SELECT lpr.accept_rules('$supercode')"))[1], qr/ERROR: +LP021: .*HINT/s, 'a superuser who took the login: does not agree');
like(($node->converse($super, $quick))[1], qr/ERROR: +LP021: .*HINT/s, '… nor ask');
is($node->answer('postgres', "SELECT string_agg(concat_ws(' ', login, control, sqlstate), ', ' ORDER BY number) FROM (SELECT * FROM lpr_data.audit WHERE kind = 'refused' ORDER BY number DESC LIMIT 2) AS a"),
	'postgres A5 LP021, postgres A1 LP021', '… under the name that connected');
$super->quit;

# While nothing can be written nobody agrees.
$code = $code_of->($other);
$node->appoint_deputy;
$node->converse($other, LprTest::deputy("SET lpr.audit_timeout = '1s'"));
my $writer = $node->hold_writer;
like(($accept->($code, $other))[1], qr/ERROR: +LP020/, 'what cannot be on record is not agreed');
$node->let_go($writer);
LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
$not_agreed->('… and is not when it can', $other);

# ---- a new text ----

$agree->($_) for $session, $other;
$agreed->('before the new text', $_) for $session, $other;
like($node->messages('admin1', "SELECT lpr.set_rules('Be good.')"), qr/ERROR: +42501/, 'an administrator does not write the rules');
like($node->messages('privacy1', "SELECT lpr.set_rules($_)"), qr/ERROR/, "no text: $_") for 'NULL', "''", "E' \\n '";
$code = $code_of->();
$node->converse($other, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
my $old = $code_of->($other);
is($node->answer('privacy1', "SELECT lpr.set_rules('RULES OF USE. Name the matter. $LprTest::clauses')"), 2, 'the privacy officer writes a new text');
$not_agreed->('from then on');
$refused->('a code for the old text', "SELECT lpr.accept_rules('$code')", 'LP028');
$accept->($old, $other);
like(($node->converse($other, "SAVEPOINT s; $quick"))[1], qr/ERROR: +LP028/, 'who sees the old text in an old snapshot has not agreed to the new one');
$node->converse($other, 'ROLLBACK');
like(($accept->($code_of->()))[0], qr/version 2/, 'the new text');
$agreed->('is agreed to');
for my $sql ("UPDATE lpr_data.rules SET text = 'x'", 'DELETE FROM lpr_data.rules', 'TRUNCATE lpr_data.rules')
{
	like($node->messages('postgres', $sql), qr/ERROR: +LP034/, "the superuser: $sql");
}

# ---- nobody at a client ----

my $all = LprTest::consent() . " $quick";
my $port = $node->port;
my $socket = $node->host;
$node->answer('postgres', 'CREATE EXTENSION dblink');
for my $way ([ 'the socket', "host=$socket" ], [ 'TCP', 'host=127.0.0.1 sslmode=require' ])
{
	my ($name, $host) = @$way;
	my $connection = "$host port=$port dbname=lpr user=analyst1";

	for my $sql ("SELECT lpr.accept_rules('AAAAAAAA')", $quick)
	{
		$head = $node->head;
		like($node->messages('postgres', "SELECT * FROM dblink('$connection', " . '$$' . $sql . '$$) AS t (x text)'), qr/ERROR: +LP029: .*HINT/s, "dblink through $name: LP029");
		like($node->records_after($head, "kind = 'refused'"), qr/^refused analyst1 (?:acme )?A5 LP029$/, '… is on record');
	}
	$head = $node->head;
	$node->ask('postgres', "COPY (SELECT 1) TO PROGRAM 'psql -X -d \"$connection\" -c \"SELECT lpr.accept_rules(NULL)\"'");
	is($node->records_after($head, "kind IN ('refused', 'consent')"), 'refused analyst1 A5 LP029', "a program that the server started, through $name: LP029");
	# A person is not taken for one.
	is(($node->ask('analyst1', "\\c \"$connection\"\n$all", logon => 0))[0], 0, "a client through $name agrees and asks");
}

# ---- agreeing is an act of reading ----

($session) = $node->session('analyst1', logon => 0);
$refused->('agreed to in the statement that shows the rules', 'SELECT lpr.accept_rules(r.code) FROM lpr.rules() AS r', 'LP028');
$refused->('… through a CTE', 'WITH r AS MATERIALIZED (SELECT code FROM lpr.rules()) SELECT lpr.accept_rules(code) FROM r', 'LP028');
like(($node->converse($session, 'DO $$ DECLARE c text := (SELECT code FROM lpr.rules()); BEGIN PERFORM lpr.accept_rules(c); END $$'))[1], qr/ERROR: +LP050/, '… in a block');
$refused->('… in one message of two statements', "SELECT set_config('my.code', code, false) FROM lpr.rules()\\; SELECT lpr.accept_rules(current_setting('my.code'))", 'LP028');
$refused->('… as a subquery', 'SELECT lpr.accept_rules((SELECT code FROM lpr.rules()))', 'LP028');
$not_agreed->('after all of this');
$agree->();
$agreed->('read, then agreed to');

# ---- an agreement ends ----

my $renewed = sub {
	my ($name, $of) = @_;
	my (undef, $err) = $node->converse($of // $session, $quick);
	like($err, qr/ERROR: +LP028: you were away for some time/, "$name: asks whether it is you");
	my ($call) = $err =~ /HINT:  (SELECT lpr\.accept_rules\('[A-Z2-9]{8}'\));/ or return fail("$name: no call");
	like(($node->converse($of // $session, $call))[0], qr/version/, '… by one call');
	return is(($node->converse($of // $session, $quick))[0], 1, '… and is asked');
};
$node->clock_to_noon;
$agree->();
$node->move_clock(29 * 60);
$agreed->('29 minutes later');
$node->move_clock(29 * 60);
$node->converse($session, 'SELECT 1');
$node->move_clock(29 * 60);
$agreed->('whatever was said in between');
$node->move_clock(31 * 60);
$renewed->('31 minutes without a statement');
$node->move_clock(31 * 60);
$node->converse($session, 'SELECT 1');
$node->converse($session, 'SELECT 1');
$renewed->('31 minutes, and statements after them');
$node->move_clock(31 * 60);
like(($node->converse($session, "SELECT what_to_do FROM lpr.my_access WHERE requirement ~ 'rules'"))[0], qr/^SELECT lpr\.accept_rules\('[A-Z2-9]{8}'\);$/, 'lpr.my_access has the call as well');
$renewed->('… and the newest one counts');
$node->answer('privacy1', "SELECT lpr.set_consent_time(idle => '5 minutes')");
$node->move_clock(6 * 60);
$renewed->('a shorter time');
$node->answer('privacy1', "SELECT lpr.set_consent_time(lasts => '3 hours')");
$node->move_clock(3600);
$not_agreed->('three hours after the text was read, however often renewed');
$agree->();
$agreed->('anew');
$node->answer('privacy1', "SELECT lpr.set_consent_time('12 hours', '30 minutes')");
$node->move_clock(8 * 3600 + 1800);
$not_agreed->('away past midnight');
$agree->();
$node->move_clock(12 * 3600 + 60);
$not_agreed->('twelve hours later');
$agree->();
# A call of yesterday renews nothing today: the text is to be read again.
$node->move_clock(86400 - $node->now % 86400 + 23 * 3600);
$agree->();
$node->move_clock(59 * 60);
my ($call) = ($node->converse($session, $quick))[1] =~ /HINT:  (SELECT lpr\.accept_rules\('[A-Z2-9]{8}'\));/;
ok($call, 'a minute before midnight');
$node->move_clock(120);
$refused->('the same call a minute after it', $call, 'LP028');
$agree->();
$agreed->('the text read again');
like($node->messages('postgres', "UPDATE lpr_data.consent_time SET $_"), qr/ERROR: +23514: .*consent_time_/, "no row has $_")
	for "lasts = '12 hours 1 second'", "lasts = '14 minutes'", "idle = '61 minutes'", "idle = '59 seconds'";
like($node->messages('postgres', "INSERT INTO lpr_data.consent_time (name, lasts, idle) VALUES ('x', '1 hour', '5 minutes')"), qr/ERROR: +23514/, 'nor is there a second row');
$node->answer('postgres', 'CREATE TABLE was AS SELECT * FROM lpr_data.consent_time; DELETE FROM lpr_data.consent_time');
$not_agreed->('without the row nobody has agreed');
$node->answer('postgres', 'INSERT INTO lpr_data.consent_time SELECT * FROM was; DROP TABLE was');
$session->quit;

# ---- a second session from another address ----

($session) = $node->session('analyst2', logon => 0);
$head = $node->head;
$agree->($session);
is($node->records_after($head, $all_kinds), 'consent analyst2 A5', 'one session: nothing to flag');
my ($twin) = $node->session('analyst2', logon => 0);
$head = $node->head;
$agree->($twin);
is($node->records_after($head, $all_kinds), 'consent analyst2 A5', 'a second one from the same place: nothing to flag');
$twin->quit;
$head = $node->head;
is(($node->ask('analyst2', "\\c \"host=127.0.0.1 sslmode=require port=$port dbname=lpr user=analyst2\"\n" . LprTest::consent(), logon => 0))[0], 0, 'a second one from another address');
is($node->records_after($head, $all_kinds), "consent analyst2 A5\nflag analyst2 A1", '… is flagged');
like($node->answer('postgres', "SELECT payload::json->>'what' FROM lpr_data.audit WHERE kind = 'flag' ORDER BY number DESC LIMIT 1"), qr/also connected from local/, '… with where else it is');
$session->quit;

# ---- jobs: pg_cron in workers, and through connections of its own ----

for my $workers ('on', 'off')
{
	$node->stop;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron,lpr'\ncron.database_name = 'lpr'\ncron.use_background_workers = $workers\ncron.host = '127.0.0.1'\nmax_worker_processes = 16\n");
	$node->start;
	LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
	$node->answer('postgres', 'CREATE EXTENSION IF NOT EXISTS pg_cron; GRANT USAGE ON SCHEMA cron TO analyst1');
	$head = $node->head;
	for my $sql ("SELECT lpr.accept_rules('AAAAAAAA')", $quick)
	{
		$node->answer('analyst1', "SELECT cron.schedule('job' || " . length($sql) . ", '* * * * *', " . '$$' . $sql . '$$)', logon => 0);
	}
	my $jobs = "kind IN ('refused', 'consent', 'ask')";
	my %kinds;
	# Both run each minute, and the next one begins soon.
	$node->clock_to("SELECT date_trunc('minute', clock_timestamp()) + interval '1 minute'", -2);
	LprTest::eventually(sub { %kinds = map { $_ => 1 } split /\n/, $node->records_after($head, $jobs); keys %kinds >= 2 });
	is(join(', ', sort keys %kinds), 'refused analyst1 A5 LP029, refused analyst1 acme A5 LP029', "pg_cron, workers $workers: a job neither agrees nor asks");
	$node->answer('postgres', 'SELECT cron.unschedule(jobid) FROM cron.job');
}
$node->sound('in the end');
$node->stop;
done_testing();
