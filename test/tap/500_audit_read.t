# audit_read: the audit log is read, verified, exported and delivered; each reading of it is a record.
use strict;
use warnings;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_read', world => 'noon');
$node->own_event(4711);
my $elsewhere = $node->basedir . '/elsewhere';
mkdir $elsewhere or die "$elsewhere: $!";
my ($status, $out, $err);
sub as_oversight { my ($sql) = @_; return $node->answer('oversight1', $sql) }

# The log begins with the extension, in the database of lpr.database.
ok(LprTest::eventually(sub { as_oversight('SELECT writer, records > 0 FROM lpr.audit_status()') eq 'ready|t' }), 'before the first question there is a log');
ok(LprTest::eventually(sub { $node->answer('admin1', 'SELECT waiting_changes FROM lpr.audit_status()') == 0 }), '… and no change of policy waits for it');
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'SET client_min_messages = error; CREATE EXTENSION lpr CASCADE');
like($node->messages('postgres', 'SELECT * FROM lpr.verify_audit()', database => 'second'), qr/55000: there is no audit log yet/, 'elsewhere there is none');

# ---- who asked what, and what came back ----

$node->answer('analyst1', "SET application_name = 'a \"quoted\" name'; SELECT count(*) FROM lpr.search_plate('bulk-7', region => 'CA', since => now() - interval '900 days', event_id => 4711)
	WHERE source IN ('acme', 'birdseye')");
my ($session) = $node->session('analyst1');
my ($reads) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme'");
my $told = $node->told($session)->{acme};
my $answer = as_oversight("SELECT payload->>'outcome', payload->>'reads', payload->>'received', payload->>'digest' ~ '^[0-9a-f]{64}\$', payload->>'pages', payload->>'from_cache',
	(payload->>'oldest')::timestamptz <= (payload->>'newest')::timestamptz, (payload->>'milliseconds')::float > 0, payload->'sent', a.sqlstate
	FROM lpr.audit(kind => 'answer') AS a ORDER BY number DESC LIMIT 1");
is($answer, join('|', 'complete', $reads, $told->{received}, 't', 1, 'false', 't', 't', '["' . ($told->{sent}[0] =~ s/"/\\"/gr) . '"]', ''), 'the answer: metadata, and exactly what was sent');
is(as_oversight("SELECT string_agg(format('%s %s %s %s %s %s', login, source, mode, event_id, payload->>'plates', payload->>'region'), ', ' ORDER BY source)
	FROM lpr.audit(kind => 'ask', event_id => 4711) AS a"),
	'analyst1 acme plate 4711 ["BULK7"] CA, analyst1 birdseye plate 4711 ["BULK7"] CA', 'who asked what, of whom, for which event');
is(as_oversight("SELECT DISTINCT payload->>'client' || ' ' || (payload->>'application') FROM lpr.audit(kind => 'ask', event_id => 4711)"), 'local a "quoted" name', 'from where');
is(as_oversight("SELECT count(*) FROM lpr.audit(kind => 'ask', event_id => 4711) AS a JOIN lpr.audit(kind => 'answer') AS b ON b.ask = a.number AND b.source = a.source"), 2, 'each question has its answer');
my $content = as_oversight("SELECT string_agg(payload::text, '') FROM lpr.audit() WHERE kind <> 'change'");
for my $column (qw(read_id camera_id))
{
	my ($of_read) = $node->converse($session, "SELECT string_agg($column, ' ') FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme'");
	is(scalar(grep { $content =~ /\Q$_\E/ } split / /, $of_read), 0, "no $column of a read is in the log");
}
unlike($content, qr/sim-\w|tok_/, '… and no secret');

# What was no question, and what the gate refused.
$node->make_targets('lpr', '???');
$node->ask('analyst1', "BEGIN; SELECT * FROM lpr.reads; ROLLBACK");
$node->ask('analyst1', "SELECT * FROM lpr.search_plate('???')");
$node->answer('admin1', "SELECT lpr.disable_source('curbside')");
$node->ask('analyst1', "BEGIN; SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'curbside'; ROLLBACK");
is(as_oversight("SELECT string_agg(format('%s %s %s', control, sqlstate, payload->>'plates'), ', ' ORDER BY number) FROM lpr.audit(kind => 'refused')"),
	'Q2 LP001 , Q10 LP003 ["BULK1"]', 'refusals are on record, though rolled back') or diag(as_oversight("SELECT * FROM lpr.audit(kind => 'refused')"));

# Changes of policy, with old and new row; definitions and settings.
is(as_oversight("SELECT payload->'old'->>'enabled', payload->'new'->>'enabled', login, payload->>'table' FROM lpr.audit(kind => 'change') AS a WHERE payload->>'action' = 'update' ORDER BY number DESC LIMIT 1"),
	'true|false|admin1|lpr_data.source', 'a change of policy: old, new, and who');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD page_size '77')");
$node->answer('postgres', "GRANT USAGE ON FOREIGN SERVER acme TO lpr_admin");
$node->answer('postgres', "CREATE OR REPLACE FUNCTION lpr_data.decoy() RETURNS integer LANGUAGE sql RETURN 1");
$node->answer('postgres', 'DROP FUNCTION lpr_data.decoy()');
$node->answer('postgres', "ALTER SYSTEM SET lpr.audit_timeout = '7s'");
$node->reload;
ok(LprTest::eventually(sub { as_oversight("SELECT count(*) FROM lpr.audit(kind => 'change') AS a WHERE payload->'new'->>'name' = 'lpr.audit_timeout' AND payload->'new'->>'value' = '7000'") == 1 }),
	'a changed setting is on record');
is(as_oversight("SELECT string_agg(payload->>'command', ', ' ORDER BY number) FROM lpr.audit(kind => 'change') AS a WHERE payload->>'command' IN ('ALTER SERVER', 'GRANT', 'CREATE FUNCTION', 'DROP FUNCTION') AND login = 'postgres' AND number > (SELECT max(number) FROM lpr.audit(kind => 'refused'))"),
	'ALTER SERVER, GRANT, CREATE FUNCTION, DROP FUNCTION', '… and so are servers, grants and functions');
like(as_oversight("SELECT payload->>'statement' FROM lpr.audit(kind => 'change') AS a WHERE payload->>'command' = 'ALTER SERVER'"), qr/page_size '77'/, '… with what was said');

# ---- reading is a record; who may ----

my $before = as_oversight('SELECT records FROM lpr.audit_status()');
as_oversight("SELECT count(*) FROM lpr.audit(login => 'analyst1')");
($status, $out, $err) = $node->ask('oversight1', "BEGIN READ ONLY; SELECT count(*) FROM lpr.audit(); SELECT 1/0; ROLLBACK");
like(as_oversight("SELECT string_agg(payload->>'what', ' ' ORDER BY number) FROM lpr.audit(kind => 'read') AS a WHERE number > $before"),
	qr/audit\(.*login => 'analyst1'.* audit\(since => NULL/, 'reading the log is a record of it, whatever becomes of the transaction');
for my $call ('lpr.verify_audit()', 'lpr.checkpoint()', 'lpr.audit_key()', 'lpr_data.audit', 'lpr_data.audit_record(NULL, NULL, NULL, NULL)')
{
	like($node->messages('analyst1', "SELECT * FROM $call"), qr/42501: permission denied/, "an analyst: no $call");
}
like($node->messages('postgres', "SELECT * FROM lpr.export_audit(month => 'lpr_data.source')"), qr/42809: .*no table of the audit log/, 'no other table is exported');

# ---- whose question a vendor's log tells of (U7) ----

$node->vendor_forget;
cmp_ok($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7' AND captured_at > now() - interval '40 days'"), '>', 0, 'a question');
my ($heard) = map { $_->{reference} } grep { $_->{class} eq 'search' } $node->vendor_log(vendor => 'acme');
is(as_oversight("SELECT string_agg(kind || ' ' || login, ', ' ORDER BY number) FROM lpr.audit_of_reference('$heard')"), 'ask analyst1, answer analyst1', 'the vendor\'s reference leads to it, and to its answer');
my ($its_log, $its_digest) = split /-/, $heard;
my $number = as_oversight("SELECT min(number) FROM lpr.audit_of_reference('$heard')");
unlike($heard, qr/\b0*$number\b/, '… and holds no number');
is(as_oversight("SELECT min(number) FROM lpr.audit_of_reference('$its_log-$number-" . substr($its_digest, 0, 16) . "')"), $number, '… nor need it, as those of earlier versions did');
is(as_oversight("SELECT count(*) FROM lpr.audit_of_reference('$_')"), 0, "$_: none") for $its_log =~ s/./0/r =~ s/^0/f/r . "-$its_digest", $its_log . '-' . reverse($its_digest), "$its_log-" . ($number + 1) . '-' . substr($its_digest, 0, 16);
like($node->messages('oversight1', "SELECT * FROM lpr.audit_of_reference($_)"), qr/ERROR: +22023: not a reference: .*\nDETAIL: .*\nHINT: /s, "$_: no reference")
	for "'nonsense'", "''", 'NULL', "'$its_log-'", "' $heard'", "upper('$heard')", "'$its_log-$number-$its_digest'", "'$its_log-" . substr($its_digest, 0, 16) . "'";
like(as_oversight("SELECT payload->>'what' FROM lpr.audit(kind => 'read') AS a WHERE payload->>'what' LIKE 'audit_of%' ORDER BY number LIMIT 1"), qr/^audit_of_reference\('$heard'\)$/, 'looking for it is on record');

# ---- the log is not dropped ----

for my $drop ('DROP TABLE lpr_data.audit', 'DROP TABLE lpr_data.log', 'DROP TRIGGER refuse_change ON lpr_data.audit', 'DROP ROLE lpr_log', 'DROP OWNED BY lpr_log CASCADE')
{
	like($node->messages('postgres', $drop), qr/ERROR: +(?:LP031|2BP01)/, "refused: $drop");
}
is(as_oversight('SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', '… and all of it is there');

# ---- checkpoints leave the house ----

$node->append_conf('postgresql.conf', "lpr.checkpoint_directory = '$elsewhere'\nlpr.checkpoint_command = 'cat >$elsewhere/command-%f; test %%f != x'\n");
$node->reload;
ok(LprTest::eventually(sub { -s "$elsewhere/00000000000000000001.checkpoint" && -s "$elsewhere/command-00000000000000000001.checkpoint" }), 'checkpoints are delivered to a directory and to a command');
is(slurp_file("$elsewhere/00000000000000000001.checkpoint"), as_oversight('SELECT lpr.checkpoint(1)') . "\n", '… as lpr.checkpoint() shows them');
# Whoever delivers holds the extension before any table, lest a DROP EXTENSION deadlock with it (as the audit writer: 610).
my ($locker) = $node->session('postgres');
$node->converse($locker, 'BEGIN; LOCK TABLE lpr_data.delivery');
$node->answer('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'lpr checkpoint delivery\'');
ok($node->poll_query_until('lpr', "SELECT count(*) > 0 FROM pg_locks AS w JOIN pg_locks AS h USING (pid) JOIN pg_stat_activity AS a USING (pid) WHERE a.backend_type = 'lpr checkpoint delivery'
	AND NOT w.granted AND w.relation = 'lpr_data.delivery'::regclass AND h.granted AND h.classid = 'pg_extension'::regclass"), '… by a worker that holds the extension');
$node->converse($locker, 'COMMIT');
$locker->quit;
is(slurp_file("$elsewhere/00000000000000000001.checkpoint"), slurp_file("$elsewhere/command-00000000000000000001.checkpoint"), '… the same to both');
$node->append_conf('postgresql.conf', "lpr.checkpoint_command = 'exit 3'\n");
$node->reload;
$node->answer('postgres', 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'lpr checkpoint delivery\'');

# A checkpoint is due after a minute; a new month ends with one, too. Here the log is long enough.
my $pgbench = $node->basedir . '/bulk.sql';
append_to_file($pgbench, "SELECT lpr_data.audit_record('read', NULL, NULL, 'bulk') FROM generate_series(1, 100);\n");
system_or_bail('pgbench', '-n', '-c', '8', '-t', '14', '-U', 'postgres', '-f', $pgbench, $node->connstr('lpr'));
ok(LprTest::eventually(sub { as_oversight('SELECT checkpointed > 10000 AND undelivered > 0 FROM lpr.audit_status()') eq 't' }), 'after 10,000 records there is another');
ok(LprTest::eventually(sub { slurp_file($node->logfile) =~ /lpr.checkpoint_command failed/ }), 'a command that fails is told');
$node->append_conf('postgresql.conf', "lpr.checkpoint_command = ''\n");
$node->reload;
ok(LprTest::eventually(sub { as_oversight('SELECT undelivered FROM lpr.audit_status()') == 0 }), '… and tried again until it is delivered');

# ---- verified inside and outside ----

is(as_oversight("SELECT ok, detail ~ '^1[0-9]{4} records, 1 to 1[0-9]{4}, ([2-9]|[0-9]{2,}) checkpoints: no finding\$' FROM lpr.verify_audit()"), 't|t', 'the honest log verifies inside')
	or diag(as_oversight('SELECT * FROM lpr.verify_audit()'));
is(as_oversight('SELECT bool_and(ok) FROM lpr.verify_audit(10005, 10100)'), 't', '… a part of it, too');
append_to_file($node->basedir . '/key', as_oversight('SELECT lpr.audit_key()'));
sub export { my ($file, $arguments) = @_; unlink $file; append_to_file($file, $node->answer('oversight1', "SELECT lpr.export_audit($arguments)") . "\n"); return $file }
sub verify { my @more = @_; my ($o, $e) = run_command([ 'lpr-audit-verify', '--key', $node->basedir . '/key', '--checkpoints', $elsewhere, @more ]); return "$o$e" }
my $export = export($node->basedir . '/audit.log', '');
like(verify($export), qr/rows, 1 to .*, (?:[2-9]|\d{2,}) checkpoints.*: no finding$/, '… and outside');

# ---- months go into the archive ----

$node->move_clock(62 * 86400);
as_oversight('SELECT count(*) FROM lpr.audit(kind => $$clock$$)');
my ($old, $new) = split /\n/, $node->answer('postgres', "SELECT DISTINCT tableoid::regclass FROM lpr_data.audit ORDER BY 1");
isnt($new, undef, 'the records of a later month have a partition of their own');
is($node->answer('postgres', "SELECT kind, payload::jsonb->>'size' = (number - 1)::text FROM $new ORDER BY number LIMIT 1"), 'month|t', '… which begins with where the log stands');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.checkpoint WHERE size = (SELECT max(number) FROM $old)"), 1, '… and the one before ends with a checkpoint');
is(as_oversight('SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'both verify');
$node->answer('postgres', "CREATE SCHEMA archive; ALTER TABLE lpr_data.audit DETACH PARTITION $old; ALTER TABLE $old SET SCHEMA archive");
my $archived = $old =~ s/lpr_data/archive/r;
is(as_oversight("SELECT ok, detail ~ 'before them in archived months: no finding' FROM lpr.verify_audit()"), 't|t', 'with one in the archive, the other verifies')
	or diag(as_oversight('SELECT * FROM lpr.verify_audit()'));
ok(LprTest::eventually(sub { as_oversight('SELECT undelivered FROM lpr.audit_status()') == 0 }), 'its checkpoints are delivered');
my $first = export($node->basedir . '/first.log', "month => '$archived'");
my $second = export($node->basedir . '/second.log', '');
like(verify('--part', $first), qr/: no finding$/, 'the archived month verifies alone');
like(verify($second), qr/: no finding$/, '… the rest alone');
like(verify($first, $second), qr/rows, 1 to .*: no finding$/, '… and both together');
like($node->messages('postgres', "UPDATE $archived SET kind = kind"), qr/LP031: /, '… and it is guarded still');

$session->quit;
$node->stop;
done_testing();
