# lifecycle: sources, extensions, databases and servers come and go while questions are under way.
use strict;
use warnings;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('lifecycle', conf => "restart_after_crash = on\n");
$node->add_source('passing', 'lpr-v1');
my @forever = (options => { request_timeout => 3600000, stall_timeout => 600000 }); # longer than any limit here
$node->add_source('silent', 'lpr-v1', @forever);
sub asking { my ($source) = @_; return "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = '$source'" }
my $by_source = "SELECT string_agg(source, ' ' ORDER BY source) FROM (SELECT DISTINCT source FROM lpr.reads WHERE plate = 'BULK7' AND source <> 'silent') AS s";

# ---- a source goes in mid-session ----

my ($session, $pid) = $node->session('analyst1');
sub told { my ($sql) = @_; return $node->converse($session, $sql) }
sub told_error { my ($sql, $login) = @_; return $login ? $node->messages($login, $sql) : (told($sql))[1] }
told("PREPARE one AS " . asking('passing'));
is((told('EXECUTE one'))[0], 7, 'a source is asked');
is((told($by_source))[0], 'acme birdseye curbside passing', '… with the others');
told("BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE plate = 'BULK3000' AND source = 'passing'; FETCH 5 FROM c");
like($node->messages('postgres', "SET lock_timeout = '200ms'; SELECT lpr.remove_source('passing')"), qr/ERROR: +55P03/,
	'a source that is being read is not removed');
unlike((told("SELECT count(*) FROM lpr.last_query(); MOVE ALL FROM c; COMMIT"))[1], qr/ERROR|WARNING/, '… and is read to the end');
$node->answer('postgres', "SELECT lpr.remove_source('passing')");
is((told('EXECUTE one'))[0], 0, 'removed: a prepared statement finds nothing');
is((told($by_source))[0], 'acme birdseye curbside', '… and the others go on');
is((told("SELECT count(*) FROM lpr.sources WHERE source = 'passing'"))[0], 0, '… and it is not listed');
$node->add_source('passing', 'lpr-v1', options => { page_size => 2 });
is((told('EXECUTE one'))[0], 7, 'added again: the prepared statement asks it');
is((told("SELECT pages FROM lpr.last_query()"))[0], 4, '… with its new options');
$node->answer('postgres', 'DROP SERVER passing CASCADE');
is((told('EXECUTE one'))[0], 0, 'DROP SERVER CASCADE: the same');
is((told($by_source))[0], 'acme birdseye curbside', '… and the others go on');
my ($out, $err) = $node->ask('postgres', "DROP SERVER acme");
isnt($out, 0, 'DROP SERVER alone is refused');
$node->answer('postgres', "DELETE FROM lpr_data.source WHERE name = 'passing'");

# ---- PREPARE, and a source that changes ----

told("PREPARE many(text) AS SELECT count(*) FROM lpr.reads WHERE plate = \$1 AND source = 'acme' AND captured_at > now() - interval '5 years'");
for my $i (1 .. 7)
{
	$node->answer('postgres', 'ALTER SERVER acme OPTIONS (' . ($i == 1 ? 'ADD' : 'SET') . " page_size '$i')");
	$node->vendor_forget;
	is((told("EXECUTE many('BULK9')"))[0], 9, "execution $i of a prepared statement");
	is(scalar(my @pages = $node->vendor_log), int((9 + $i - 1) / $i), '… with the options of the moment');
}
is((told("EXECUTE many('BULK4')"))[0], 4, '… and its parameter is not frozen');
$node->answer('postgres', 'ALTER SERVER acme OPTIONS (DROP page_size)');

# ---- the extension goes ----

my $numbers = "SELECT count(*) = max(number) AND min(number) = 1 FROM lpr_data.audit";
my $records = $node->answer('postgres', 'SELECT count(*) FROM lpr_data.audit');
isnt(($node->ask('postgres', 'DROP EXTENSION lpr'))[0], 0, 'DROP EXTENSION takes nothing along silently');
$node->answer('postgres', 'DROP EXTENSION lpr CASCADE');
like(told_error(asking('acme')), qr/ERROR: +42P01: .*lpr\.reads/, 'DROP EXTENSION CASCADE in mid-session');
cmp_ok($node->answer('postgres', 'SELECT count(*) FROM lpr_data.audit'), '>=', $records, '… leaves the audit log');
system_or_bail('psql', '-X', '-q', '-d', $node->connstr('lpr'), '-v', "vendor_url=$node->{vendor_url}", '-v', 'password=', '-f', $ENV{LPR_STAGE});
$node->make_targets('lpr');
$node->add_source('silent', 'lpr-v1', @forever);
is((told(asking('acme')))[0], 7, '… and the session goes on with a new extension');
is($node->answer('postgres', $numbers), 't', '… and the log with its next number');
like(told_error('UPDATE lpr_data.audit SET kind = kind', 'postgres'), qr/LP031/, '… guarded again');

# ---- others need not wait for us ----

$node->vendor_faults({ vendor => 'silent', fault => 'hang' });
my $job = $node->launch('analyst1', asking('silent'));
my $backend = $node->await_network($job);
$node->answer('postgres', 'CREATE DATABASE other TEMPLATE template0');
$node->answer('postgres', 'DROP DATABASE other');
ok(-e "/proc/$backend", 'DROP DATABASE of another database does not wait for a slow vendor, whose question goes on');
$node->answer('postgres', 'CREATE DATABASE third TEMPLATE template0; ');
$node->answer('postgres', 'CHECKPOINT');
ok(-e "/proc/$backend", 'nor does CREATE DATABASE, nor a checkpoint');
$node->stop('fast');
($out, $err) = $node->landed($job);
like($err, qr/FATAL: +57P01/, 'a fast shutdown ends the question, with the message for it');
eval { $session->quit };
$node->start;

$job = $node->launch('analyst1', asking('silent'));
$backend = $node->await_network($job);
kill 'KILL', slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
ok(LprTest::eventually(sub { !-e "/proc/$backend" }), 'without its postmaster a backend does not wait on');
$node->landed($job);
$node->{_pid} = undef;
LprTest::eventually(sub { $node->start(fail_ok => 1) });

($session) = $node->session('analyst1');
$job = $node->launch('analyst1', asking('silent'));
$backend = $node->await_network($job);
kill 'KILL', $backend;
$node->landed($job);
ok(LprTest::eventually(sub { ($node->ask('analyst1', asking('acme')))[1] eq '7' }), 'after a crash of a backend that was asking');
eval { $session->quit };
$node->vendor_well;

# ---- dump and restore ----

$node->answer('postgres', "SELECT lpr.add_camera('curbside', 'cam-of-mine', 32.71, -117.16, 'A St')");
$node->answer('postgres', "SELECT lpr.disable_source('silent'); ALTER SERVER acme OPTIONS (ADD page_size '5')");
$node->put_secret('key1', 'correct horse');
$node->answer('postgres', "SELECT lpr.store_secret('sim-lpr-token', 'key1')");
$node->answer('postgres', 'CREATE DATABASE restored TEMPLATE template0');
my $dump = $node->basedir . '/dump.sql';
system_or_bail('pg_dump', '-d', $node->connstr('lpr'), '-f', $dump);
my ($stdout, $stderr) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ]);
is($stderr, '', 'a dump is restored without a word');
unlike(slurp_file($dump), qr/correct horse/, 'and holds no key');
for my $sql ('SELECT * FROM lpr.sources ORDER BY 1', 'SELECT * FROM lpr_data.camera', 'SELECT name, key_name, value FROM lpr_data.secret',
	'SELECT srvname, option, srvacl FROM pg_foreign_server, unnest(srvoptions) AS option ORDER BY 1, 2',
	'SELECT srvname, option FROM pg_user_mappings, unnest(umoptions) AS option ORDER BY 1, 2',
	"SELECT relname, pg_get_expr(relpartbound, oid), obj_description(oid) FROM pg_class WHERE relispartition AND relpersistence <> 'u' ORDER BY 1")
{
	is($node->answer('postgres', $sql, database => 'restored'), $node->answer('postgres', $sql), "the same: $sql");
}
is($node->answer('postgres', 'SELECT md5(string_agg(a::text, chr(10) ORDER BY number)) FROM lpr_data.audit AS a', database => 'restored'),
	$node->answer('postgres', 'SELECT md5(string_agg(a::text, chr(10) ORDER BY number)) FROM lpr_data.audit AS a'), 'the same audit log');
unlink "$node->{secret_directory}/sim-lpr-token";

# The restored database takes the place of the other.
$node->answer('postgres', 'DELETE FROM lpr_data.cache_time', database => 'restored');
$node->append_conf('postgresql.conf', "lpr.database = 'restored'");
$node->restart;
for my $source (qw(acme birdseye curbside))
{
	is($node->answer('analyst1', asking($source), database => 'restored'), 7, "$source is asked from the restored database");
}
is($node->answer('analyst1', asking('acme') . '; SELECT pages FROM lpr.last_query()', database => 'restored'), "7\n2", '… with its options');
like($node->messages('analyst1', asking('silent'), database => 'restored'), qr/LP003: .*not enabled/, '… and what was disabled is');
$node->answer('postgres', "SELECT lpr.remove_source('acme'); SELECT lpr.add_source('acme', 'lpr-v1', '$node->{vendor_url}/acme/lpr-v1',
	'sim-lpr-token', 'again', grant_to => '{lpr_user}'); SELECT lpr.approve_source('acme', 'again', published_on => '2017-12-11')", database => 'restored');
is($node->answer('analyst1', asking('acme'), database => 'restored'), 7, 'and sources there are removed and added as anywhere');
is($node->answer('postgres', $numbers, database => 'restored'), 't', 'its audit log goes on with the next number');
like($node->messages('analyst1', asking('acme')), qr/LP020: .*kept in database "restored"/s, 'the first one asks nobody any more');

$node->stop;
done_testing();
