# watcher_faults: whatever happens to vendor, watcher or server, no hit is lost and none comes twice; a source that fails holds up no other, and nothing is held
# while one is asked (D1, D6).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('watcher_faults', targets => 0, cache => 1, conf => "restart_after_crash = on\n");
$node->answer('admin1', 'SELECT lpr.set_watch_times(1, 1, 5)');
$node->grant('analyst1', modes => 'plate,display', sources => 'acme,birdseye,curbside');
my ($one) = $node->session('analyst1');
sub said { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); return join "\n", grep { $_ ne '' } $out, $err }
sub sql { my ($sql) = @_; return $node->safe_psql('lpr', $sql) }
sub becomes { my ($sql, $value, $name) = @_; my $got; return ok(LprTest::eventually(sub { ($got = sql($sql)) eq $value }), $name) || diag("is: $got") }
my $uploaded = 0;
sub upload { my (@reads) = @_; $uploaded += @reads; return @{ $node->vendor('POST', '/control/uploads', [ map { { vendor => 'acme', plate => '7ABC123', %$_ } } @reads ])->{ids} } }
sub all_there { my ($name) = @_; return becomes('SELECT count(*) FROM lpr_data.hit', $uploaded, $name) }
sub watcher { my $pid; LprTest::eventually(sub { $pid = sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr watcher'"); $pid ne '' }); return $pid }
my $asking = "SELECT count(*) > 0 FROM lpr_data.audit AS a WHERE a.mode = 'display' AND a.kind = 'ask' AND a.source = 'acme' AND NOT EXISTS (SELECT FROM lpr_data.audit AS b WHERE b.ask = a.number)
	AND a.number = (SELECT max(number) FROM lpr_data.audit WHERE mode = 'display' AND kind = 'ask' AND source = 'acme')";
my $of = sub { my ($source) = @_; return "SELECT count(*) FROM lpr_data.audit WHERE mode = 'display' AND kind = 'answer' AND sqlstate IS NULL AND source = '$source'" };
said("SELECT * FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')");
said('SELECT lpr.confirm_display(1)');
said("SELECT lpr.watch(1, plate => '7ABC123', reason => 'Officers saw this car lead the van to the yard on both nights of the last loads.')");
becomes("SELECT count(mark) FROM lpr_data.watch_mark WHERE source = 'acme'", 1, 'a plate is watched');

# ---- the vendor ----

$node->vendor_faults({ vendor => 'acme', fault => 'status', status => 503 });
becomes("SELECT count(*) > 1 FROM lpr_data.audit WHERE mode = 'display' AND kind = 'answer' AND source = 'acme' AND sqlstate IS NOT NULL AND payload LIKE '%503%'", 't', 'a vendor that fails is asked again, on record each time');
sql("UPDATE lpr_data.watch_mark SET asked_at = asked_at - interval '6 minutes' WHERE source = 'acme'");
my $behind = "SELECT count(*) FROM lpr.security_report() WHERE finding = 'source acme is behind with what displays watch'";
is($node->answer('privacy1', $behind), 1, '… which lpr.security_report() tells after some minutes');
upload({}) for 1 .. 3;
my $others = sql($of->('birdseye'));
ok(LprTest::eventually(sub { sql($of->('birdseye')) > $others + 1 }), '… and holds up no other');
$node->vendor_well;
all_there('once it is well nothing is missing');
ok(LprTest::eventually(sub { $node->answer('privacy1', $behind) == 0 }), '… and no more');
$node->vendor_faults({ vendor => 'acme', fault => 'hold' });
ok(LprTest::eventually(sub { sql($asking) eq 't' }), 'a vendor does not answer:');
is(sql("SELECT count(*) FROM pg_stat_activity AS a LEFT JOIN pg_locks AS l ON l.pid = a.pid AND l.locktype <> 'virtualxid' WHERE a.backend_type = 'lpr watcher' AND a.pid = (SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr watcher')
	AND wait_event_type = 'Extension' AND (a.xact_start IS NOT NULL OR a.backend_xmin IS NOT NULL OR l.pid IS NOT NULL)"), 0, 'no transaction, snapshot or lock is held');
unlike($node->messages('postgres', 'BEGIN; DROP EXTENSION lpr CASCADE; ROLLBACK'), qr/ERROR/, '… so that the extension can be dropped');
$others = sql($of->('birdseye'));
ok(LprTest::eventually(sub { sql($of->('birdseye')) > $others + 1 }), '… nor another source held up');

# ---- the watcher, and the server ----

upload({});
my $old = watcher();
$node->crash($old);
$node->vendor_well;
$node->await_cache;
all_there('the watcher is killed, and so the server starts anew: nothing is lost');
isnt(watcher(), $old, '… with another watcher');
# Between the vendor's answer and our commit.
sql("CREATE FUNCTION public.stand_still() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'not now'; END \$\$; CREATE TRIGGER stand_still BEFORE INSERT ON lpr_data.hit FOR EACH ROW EXECUTE FUNCTION public.stand_still()");
upload({}, {});
my $failing = "SELECT mark FROM lpr_data.watch_mark WHERE source = 'acme'";
my $mark = sql($failing);
ok(LprTest::eventually(sub { PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /not now/ }), 'hits that cannot be stored');
is(sql($failing), $mark, '… leave the mark where it was');
sql('DROP TRIGGER stand_still ON lpr_data.hit');
all_there('… and come as soon as they can');
$node->stop('immediate');
upload({});
$node->start;
$node->await_cache;
all_there('nor does a crash of the server lose one');
is(sql('SELECT count(*) - count(DISTINCT read_key) FROM lpr_data.hit'), 0, '… and none came twice');

# ---- the vendor forgets how far we were: what came meanwhile is searched for ----

$node->vendor_faults({ vendor => 'acme', fault => 'status', status => 410, times => 1 });
upload({});
becomes("SELECT count(*) > 0 FROM lpr_data.audit WHERE mode = 'display' AND kind = 'ask' AND payload LIKE '%\"round\": \"gap\"%'", 't', 'a mark that the vendor knows no more: another one is asked for, and the time since searched');
all_there('… so that nothing is lost');
becomes("SELECT count(gap_since) || ' ' || count(mark) FROM lpr_data.watch_mark WHERE source = 'acme'", '0 1', '… and then all is as before');
upload({});
all_there('… with new ones');

# ---- another kind of vendor: late ones are swept up ----

sql("SELECT lpr_data.move_watch_mark('birdseye', NULL, asked_at, swept_at - interval '10 minutes', NULL) FROM lpr_data.watch_mark WHERE source = 'birdseye'");
becomes("SELECT count(*) > 0 FROM lpr_data.audit WHERE mode = 'display' AND kind = 'ask' AND source = 'birdseye' AND payload LIKE '%\"round\": \"sweep\"%'", 't', 'who does not tell what was received is asked for 48 hours now and then');

# ---- the extension goes, and comes again ----

is(sql('SELECT count(*) FROM lpr.watching WHERE asked_at IS NOT NULL AND items = 1'), 3, 'lpr.watching tells how far each source was asked');
$node->sound('all of it', log => 0);
$one->quit;
# The server starts its workers one by one, until there is no place: the watcher is the last.
my $idle = "SELECT count(*) FROM lpr.security_report() WHERE finding = 'the watcher does not run'";
is($node->answer('privacy1', $idle), 0, 'lpr.security_report() has nothing to say of the watcher');
$node->answer('postgres', 'ALTER SYSTEM SET max_worker_processes = 4');
$node->restart;
ok(LprTest::eventually(sub { $node->answer('privacy1', $idle) == 1 }), '… but that it does not run, when it does not');
$node->answer('postgres', 'ALTER SYSTEM RESET max_worker_processes');
$node->restart;
ok(LprTest::eventually(sub { $node->answer('privacy1', $idle) == 0 }), '… which is mended');
$node->answer('postgres', 'SET client_min_messages = warning; DROP EXTENSION lpr CASCADE');
ok(LprTest::eventually(sub { sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr watcher'") == 1 }), 'the extension is dropped, the watcher waits');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/PANIC|TRAP/, '… and nothing ended badly');
$node->stop;
done_testing();
