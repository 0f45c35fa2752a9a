# log_begins: the log begins with the extension and not with the first question; what drops the extension is on record first; a restore brings its own log.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('log_begins');
$node->start;
$node->vendor_start;
my $log = "SELECT count(*) FROM pg_class WHERE oid = to_regclass('lpr_data.log')";
my $all = "SELECT count(*) = max(number) AND min(number) = 1 FROM lpr_data.audit";

# Before there is a database or an extension, statements wait for a log to come, and hold up nobody.
$node->safe_psql('postgres', 'CREATE ROLE early LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE lpr');
$node->safe_psql('lpr', 'CREATE ROLE later');
ok(LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr audit writer' AND datname = 'lpr'") == 1 }), 'the writer is in a database without the extension');
$node->safe_psql('lpr', 'CREATE ROLE later_still');

# ---- the log begins with CREATE EXTENSION ----

$node->stage_again('lpr');
ok(LprTest::eventually(sub { $node->answer('postgres', $log) == 1 && $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 }), 'the log begins before anybody asks');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'ask'"), 0, '… nobody has');
is($node->answer('postgres', $all), 't', '… with number 1');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change'"), '>', 100, '… and what the extension came with');
is($node->answer('postgres', "SELECT string_agg(payload::json->>'object', ' ' ORDER BY number) FROM lpr_data.audit WHERE payload::json->>'command' = 'CREATE ROLE' AND payload LIKE '%later%' OR payload::json->>'object' = 'early'"), 'early later later_still', '… and what waited for a log');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload::json->>'command' = 'CREATE ROLE' AND payload::json->>'extension' = 'lpr'"), '>=', 12, '… and the roles that it made');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload::json->>'command' = 'script' AND payload::json->>'extension' = 'lpr'"), 1, '… and the text of its script');
is($node->answer('postgres', "SELECT payload::json->>'count' <> '' FROM lpr_data.audit WHERE payload::json->>'command' = 'roles noted'"), 't', '… and which roles there were');

# ---- what drops it is on record first ----

my $drops = "SELECT string_agg(payload::json->>'outcome', ' ' ORDER BY number) FROM lpr_data.audit WHERE payload::json->>'command' = 'DROP EXTENSION' AND number > ";
my $head = $node->head;
$node->answer('postgres', 'BEGIN; DROP EXTENSION lpr CASCADE; ROLLBACK');
ok(LprTest::eventually(sub { $node->answer('postgres', $drops . $head) eq 'begun rolled back' }), 'DROP EXTENSION is on record, and that it was rolled back') or diag($node->answer('postgres', $drops . $head));
my $writer = $node->hold_writer;
my ($dropper) = $node->session('postgres');
like(($node->converse($dropper, "SET lpr.audit_timeout = '200ms'; DROP EXTENSION lpr CASCADE"))[1], qr/ERROR: +LP020/, 'without a writer it is not dropped');
$node->let_go($writer);
like(($node->converse($dropper, 'DROP SCHEMA lpr CASCADE'))[1], qr/ERROR: +LP031/, '… nor along with something else, by who has tried');
$dropper->quit;
$node->await_answers;
for my $sql ('DROP SCHEMA lpr CASCADE', 'DROP ROLE x; DROP EXTENSION plpgsql CASCADE', 'DROP OWNED BY postgres CASCADE', 'DROP FUNCTION lpr_data.guard_change() CASCADE', 'DROP TABLE lpr_data.person CASCADE')
{
	$node->ask('postgres', $sql);
	is($node->answer('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'lpr'"), 1, "it does not go with $sql");
}
like($node->messages('postgres', 'DROP SCHEMA lpr CASCADE'), qr/ERROR: +LP031: .*\n.*HINT: +DROP EXTENSION lpr CASCADE; first/s, '… which says what does');
$head = $node->head;
$node->answer('postgres', 'DROP EXTENSION lpr CASCADE');
is($node->answer('postgres', $drops . $head), 'begun', 'gone, with a record');
$node->answer('postgres', 'ALTER ROLE early NOLOGIN');
$node->stage_again('lpr');
ok($node->await_answers, 'made again');
ok(LprTest::eventually(sub { $node->answer('postgres', $drops . $head) eq 'begun committed' }), '… the log goes on, and has that it was committed') or diag($node->answer('postgres', $drops . $head));
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND payload::json->>'object' = 'early'"), 1, '… and what came meanwhile');
$node->sound('after a new extension', log => 0);

# ---- a restore brings a log, and finds none ----

my $dump = $node->basedir . '/dump';
system_or_bail('pg_dump', '--no-unlogged-table-data', '-f', "$dump.sql", '-d', $node->connstr('lpr'));
system_or_bail('pg_dump', '--no-unlogged-table-data', '-Fc', '-f', "$dump.custom", '-d', $node->connstr('lpr'));
my $records = $node->head;
for my $how ([ 'psql', [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('lpr'), '-f', "$dump.sql" ] ], [ 'pg_restore', [ 'pg_restore', '--exit-on-error', '-d', $node->connstr('lpr'), "$dump.custom" ] ],
	[ 'pg_restore in one transaction', [ 'pg_restore', '--single-transaction', '-d', $node->connstr('lpr'), "$dump.custom" ] ])
{
	my ($name, $command) = @$how;
	$node->safe_psql('postgres', 'DROP DATABASE lpr WITH (FORCE)');
	$node->safe_psql('postgres', 'CREATE DATABASE lpr TEMPLATE template0');
	LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr audit writer' AND datname = 'lpr'") == 1 });
	command_ok($command, "$name restores into the database of the log, beside the writer");
	ok($node->await_answers, '… a question is answered');
	is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'start'"), 1, '… there is one log');
	cmp_ok($node->head, '>', $records, '… that goes on');
	is($node->answer('postgres', $all), 't', '… with its next number');
	$node->sound($name, log => 0);
}

# A dump of before the log began.
$node->safe_psql('postgres', 'DROP DATABASE lpr WITH (FORCE)');
$node->safe_psql('postgres', 'CREATE DATABASE lpr TEMPLATE template0');
my ($session) = $node->session('postgres');
$session->query('SET check_function_bodies = false; SET client_min_messages = error; CREATE EXTENSION lpr CASCADE');
is($session->query('SELECT count(*) > 0 FROM lpr_data.change'), 't', 'while whoever restores is there, changes wait');
$session->quit;
ok(LprTest::eventually(sub { $node->answer('postgres', $log) == 1 }), '… then a log begins');

# ---- purging side by side ----

$node->answer('postgres', "SELECT lpr.approve_source(name, 'x', published_on => '2017-12-11') FROM lpr_data.source");
my $hours = "SELECT lpr_data.add_cache_hour(date_trunc('hour', now()) - g * interval '1 hour') FROM generate_series(3, 22) AS g";
my $offset = -s $node->logfile;
for my $round (1 .. 3)
{
	my @jobs = map { $node->launch('postgres', 'SELECT lpr_data.purge_cache()') } 1 .. 6;
	my @makers = map { $node->launch('postgres', $hours) } 1 .. 2;
	my @said = map { join '', $node->landed($_) } @jobs, @makers;
	is(scalar(grep { /ERROR|FATAL/ } @said), 0, "six that purge and two that make hours: nobody errs, round $round") or diag(@said);
}
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.cache_answer WHERE false") == 0
	&& $node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ '^cache_(read|answer)_' AND relkind = 'r' AND to_timestamp(right(relname, 10), 'YYYYMMDDHH24') < now()") == 0 }), 'all of them are gone');
is($node->answer('postgres', 'SELECT count(*) FROM (SELECT deadline, done_at FROM lpr_data.purge_certificate GROUP BY 1, 2 HAVING count(*) > 1) AS twice'), 0, '… with one certificate each');
unlike(substr(slurp_file($node->logfile), $offset), qr/ERROR|deadlock/, '… and the server\'s log has no error');

# ---- the writer and the purger at CREATE EXTENSION ----

$offset = -s $node->logfile;
for my $round (1 .. 5)
{
	$node->answer('postgres', 'SET client_min_messages = error; DROP EXTENSION lpr CASCADE; CREATE EXTENSION lpr CASCADE');
	LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ '^cache_read_' AND relkind = 'r'") > 0 });
}
# While it is dropped, its log is locked.
unlike(substr(slurp_file($node->logfile), $offset), qr/ERROR: ++(?!the audit log is locked)/, 'the extension goes and comes without an error in the server\'s log');
$node->stop;
done_testing();
