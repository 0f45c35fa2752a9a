# house: the library and the extension come and go: with and without preloading, in two databases, dropped and made again.
use strict;
use warnings;
use LprTest;
use Test::More;

my $vendor_needed = "SELECT count(*) FROM lpr.search_plate('7ABC-123', 'CA')";

# Preloaded: two databases side by side.
my $node = LprTest->start_staged('preloaded');
$node->stage('second');
is($node->answer('analyst1', 'SELECT count(*) FROM lpr.sources'), 3, 'three sources');
cmp_ok($node->answer('analyst1', $vendor_needed), '>', 0, 'the vendors answer');
my ($status, $out, $err) = $node->ask('analyst1', $vendor_needed, database => 'second', logon => 0);
like($err, qr/cannot be audited.*kept in database "lpr", this is "second".*HINT: .*lpr\.database/s, 'a second database asks nobody: the log is in one');

# Roles belong to the cluster and are there already; the sources belong to the database.
$node->answer('postgres', "SELECT lpr.remove_source('acme')", database => 'second');
is($node->answer('analyst1', 'SELECT count(*) FROM lpr.sources'), 3, 'the databases know nothing of each other');

# Gone, and there again.
($status, $out, $err) = $node->ask('postgres', 'DROP EXTENSION lpr', database => 'second');
isnt($status, 0, 'DROP EXTENSION does not take sources along silently');
$node->answer('postgres', 'DROP EXTENSION lpr CASCADE', database => 'second');
is($node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('lpr_data')", database => 'second'),
	0, 'DROP EXTENSION leaves no data');
is($node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('lpr')", database => 'second'),
	0, '… and nothing in schema lpr');
is($node->answer('postgres', 'SELECT count(*) FROM pg_foreign_server', database => 'second'), 0, '… and no server');
is($node->answer('postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lpr\\_%'", database => 'second'), 15, '… and the roles stay');
$node->answer('postgres', 'CREATE EXTENSION lpr', database => 'second');
is($node->answer('analyst1', 'SELECT count(*) FROM lpr.sources', database => 'second', logon => 0), 0, 'made again, it is empty');

# In one session, with the extension of before in its caches.
my ($session) = $node->session('postgres', database => 'second');
$session->query("SELECT lpr.normal_plate('a 1')");
$session->query('DROP EXTENSION lpr');
$session->query('CREATE EXTENSION lpr');
is($session->query("SELECT lpr.normal_plate('a 1')"), 'A1', 'dropped and made again in one session');
$session->quit;

# Nothing for strangers, nothing by a role that is not granted.
$node->answer('postgres', 'CREATE ROLE stranger LOGIN');
for my $sql ('SELECT * FROM lpr.sources', 'SELECT * FROM lpr.reads', 'SELECT * FROM lpr_data.source',
	'SELECT * FROM lpr.last_query()', "SELECT lpr.normal_plate('x')", 'CREATE EXTENSION lpr')
{
	($status, $out, $err) = $node->ask('stranger', $sql);
	like($err, qr/permission denied|already exists/, "a stranger: $sql");
}
($status, $out, $err) = $node->ask('analyst1', 'SELECT * FROM lpr_data.reads_acme');
like($err, qr/permission denied for schema lpr_data/, 'partitions are reached through lpr.reads only');
($status, $out, $err) = $node->ask('analyst1', "SELECT lpr.add_source('mine', 'lpr-v1', 'http://127.0.0.1:1')");
like($err, qr/permission denied/, 'sources are added by superusers only');
($status, $out, $err) = $node->ask('analyst1', "SET lpr.secret_directory = '/tmp'");
like($err, qr/permission denied|cannot be changed/, 'settings of lpr are not for users');
($status, $out, $err) = $node->ask('analyst1', "SET lpr.nonsense = 'x'; SELECT lpr.normal_plate('x')");
isnt($status, 0, 'the prefix lpr. is reserved');

# A restart: the session-less state is in tables.
$node->restart;
cmp_ok($node->answer('analyst1', $vendor_needed), '>', 0, 'after a restart the vendors answer');
$node->stop;

# Not preloaded: nothing is asked, and the error says what to do.
my $bare = LprTest->make('not_preloaded', preload => '');
$bare->start;
$bare->vendor_start;
$bare->stage('lpr');
($status, $out, $err) = $bare->ask('analyst1', $vendor_needed, logon => 0);
isnt($status, 0, 'not preloaded: no question goes out');
like(($bare->ask('analyst1', 'SELECT 1'))[2], qr/shared_preload_libraries/, '… nor can the rules be agreed to');
like($err, qr/shared_preload_libraries/, '… and the message names the setting');
is($bare->answer('analyst1', "SELECT lpr.normal_plate('7abc-123')", logon => 0), '7ABC123', '… what needs no vendor works');
$bare->stop;

done_testing();
