# cache_purge: what has expired is not shown from that moment on, and its files are gone soon after, whoever reads, whatever was down meanwhile.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('cache_purge', conf => "autovacuum = off\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;

my $question = "SELECT count(*), count(*) FILTER (WHERE from_cache) FROM lpr.reads WHERE source = 'acme' AND plate = ";
sub tables { return $node->answer('postgres', "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relname LIKE 'cache_read_%' AND relkind = 'r' AND reltuples IS NOT NULL AND pg_relation_size(oid) > 0") }
sub file_of { my ($table) = @_; return $node->data_dir . '/' . $node->answer('postgres', "SELECT pg_relation_filepath('lpr_data.$table')") }
my $expiry = "(SELECT max(expires_at) FROM lpr_data.cache_answer)";

# ---- to the moment ----

my ($session) = $node->session('analyst1');
is(($node->converse($session, "$question 'BULK50'"))[0], '50|0', 'asked');
my $table = tables();
my $path = file_of($table);
ok(-s $path, 'its reads stand in a file');
my $deadline = $node->answer('postgres', "SELECT $expiry");
my ($answers, $reads, $digest) = split /\|/, $node->answer('postgres', "SELECT count(*), sum(reads), sha256(string_agg(int8send(answer), '' ORDER BY answer)) FROM lpr_data.cache_answer WHERE ask = answer");
$node->clock_to("SELECT $expiry", -120);
$node->agree_again($session);
is(($node->converse($session, "$question 'BULK50'"))[0], '50|50', 'two minutes before its time it is shown');

# A transaction that has read it, and stays open; and a cursor in the middle of it.
my ($reader) = $node->session('analyst2');
$node->converse($reader, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
is(($node->converse($reader, "$question 'BULK50'"))[0], '50|50', 'a reader, whose transaction goes on');
my ($holder) = $node->session('postgres');
$node->converse($holder, "BEGIN; LOCK TABLE lpr_data.$table IN ACCESS SHARE MODE");
$node->clock_to("SELECT '$deadline'::timestamptz", 2);
is(($node->converse($session, "$question 'BULK50'"))[0], '50|0', 'after its time the vendor is asked anew, though its files are still there');
ok(-s $path, '… held by somebody who locks the table');
is(($node->converse($session, "SELECT code FROM lpr.rules() \\gset x_\nSELECT lpr.accept_rules(:'x_code') IS NOT NULL"))[0], 't', '… which holds up nobody else');
$node->converse($holder, 'ROLLBACK');
ok(LprTest::eventually(sub { -s $path ? 0 : 1 }), 'then its content is gone, though the reader\'s transaction is still open');
$node->await_cache;
$node->converse($session, "$question 'BULK50'");
is(($node->converse($reader, "$question 'BULK50'"))[0], '50|50', '… who asks again and has the new answer') or diag $node->answer('postgres', 'SELECT expires_at, ask, complete FROM lpr_data.cache_answer');
$node->converse($reader, 'COMMIT');
is($node->answer('postgres', "SELECT answers || ' ' || reads || ' ' || late || ' ' || (done_at >= deadline) FROM lpr_data.purge_certificate WHERE deadline = '$deadline'"), "$answers $reads false true", 'a certificate says so');
ok(LprTest::eventually(sub { $node->answer('oversight1', "SELECT count(*) FROM lpr.audit(kind => 'change') WHERE payload->>'table' = 'lpr_data.purge_certificate' AND payload->'new'->>'reads' = '$reads'") == 1 }), '… and is in the audit log');
is($node->answer('postgres', "SELECT digest FROM lpr_data.purge_certificate WHERE deadline = '$deadline'"), $digest, '… with a digest of the numbers that its answers have in the log');
like($node->messages('postgres', 'DELETE FROM lpr_data.purge_certificate'), qr/LP034/, 'a certificate stays');

# ---- in the middle of an answer ----

is(($node->converse($session, "$question 'BULK5000'"))[0], '5000|0', 'a longer answer');
$node->converse($session, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5000'");
is(scalar(split /\n/, ($node->converse($session, 'FETCH 100 FROM c'))[0]), 100, 'a cursor in the middle of it');
$node->clock_to("SELECT $expiry", 2);
my ($rest, $err) = $node->converse($session, 'FETCH ALL FROM c');
cmp_ok(scalar(split /\n/, $rest), '<', 1000, 'from its time on no more of it is shown') or diag scalar(split /\n/, $rest);
like($err, qr/ERROR: +LP055: .*expired/s, '… which is told');
$node->converse($session, 'COMMIT');
$node->agree_again($session, $reader);

# ---- a clock that is set back ----

# Others wait for a cursor that nobody reads on for ten seconds, not for an hour.
$node->converse($session, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5001'");
is(scalar(split /\n/, ($node->converse($session, 'FETCH 100 FROM c'))[0]), 100, 'a cursor in the middle of an answer of the vendor');
$node->move_clock(-3600);
is(($node->converse($reader, "$question 'BULK5001'"))[0], '5001|0', 'the clock is set back: others ask themselves');
$node->converse($session, 'COMMIT');
$node->move_clock(3600);
$_->quit for $session, $reader, $holder;
$node->await_cache;

# ---- three days of downtime ----

is($node->answer('analyst1', "$question 'BULK60'"), '60|0', 'asked before the server goes down');
$path = file_of($table = (split / /, tables())[-1]);
$node->stop;
ok(-s $path, 'a server that is down keeps its files');
$node->move_clock(3 * 86400);
$node->start;
$node->await_answers;
$node->await_cache;
is($node->answer('analyst1', "$question 'BULK60'"), '60|0', 'three days later it is asked anew');
is($node->answer('postgres', "SELECT bool_and(p.done_at < a.at) || ' ' || bool_or(p.late) FROM lpr_data.purge_certificate AS p, lpr_data.audit AS a WHERE p.late AND a.number = (SELECT max(number) FROM lpr_data.audit WHERE kind = 'ask')"),
	'true true', '… after the old one was gone');
ok(!-s $path, '… and its file');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_answer WHERE expires_at < clock_timestamp()'), 0, 'nothing that has expired is left');

# ---- a crash ----

is($node->answer('analyst1', "$question 'BULK61'"), '61|0', 'asked before a crash');
is($node->answer('analyst1', "$question 'BULK61'"), '61|61', '… and kept');
$node->stop('immediate');
$node->start;
$node->await_answers;
$node->await_cache;
is($node->answer('analyst1', "$question 'BULK61'"), '61|0', 'after a crash there is nothing of it');
is($node->answer('analyst1', "$question 'BULK61'"), '61|61', '… and the cache goes on');

# ---- nobody who purges ----

# Without the worker nothing expired is shown either.
$node->answer('postgres', 'ALTER FUNCTION lpr_data.purge_cache() RENAME TO purge_aside');
$node->clock_to("SELECT $expiry", 1);
is($node->answer('analyst1', "$question 'BULK61'"), '61|0', 'with no worker that purges, what has expired is not shown');
is($node->answer('postgres', 'SELECT lpr_data.purge_aside() > 0'), 't', '… and whoever calls the function purges');
done_testing();
