# cache_faults: processes killed and disks full in the middle of keeping, saving, purging: nothing saved is lost, nothing expired is shown, and no answer fails
# because it cannot be kept (preload.c plays the disk and the clock).
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('cache_faults', conf => "restart_after_crash = on\nautovacuum = off\nmin_wal_size = 32MB\nmax_wal_size = 64MB\nwal_recycle = off\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
sub question { my ($plate) = @_; return "SELECT count(*), count(*) FILTER (WHERE from_cache) FROM lpr.reads WHERE source = 'acme' AND plate = '$plate'" }
sub path_of { my ($table) = @_; return $node->answer('postgres', "SELECT pg_relation_filepath('lpr_data.$table')") }
sub cache_table { my ($kind) = @_; return $node->answer('postgres', "SELECT relname FROM pg_class WHERE relname ~ '^cache_${kind}_' AND relkind = 'r' ORDER BY pg_relation_size(oid) DESC, relname LIMIT 1") }
sub back { return LprTest::eventually(sub { $node->await_answers }) }

# ---- a disk that is full ----

is($node->answer('analyst1', question('BULK50')), '50|0', 'a cached answer');
$node->fill_disk(path_of(cache_table('read')));
my ($status, $out, $err) = $node->ask('analyst1', question('BULK8000'));
is($out, '8000|0', 'no room for the reads: the answer is shown all the same') or diag $err;
is($node->answer('analyst1', question('BULK8000')), '8000|0', '… and not cached');
is($node->answer('analyst1', question('BULK50')), '50|50', 'what was kept before still is');
like($err, qr/WARNING: +this answer is not cached\nDETAIL: +could not (?:extend|write)/, '… which is told');
my ($session) = $node->session('analyst1');
$node->converse($session, 'BEGIN');
is(($node->converse($session, question('BULK8001')))[0], '8001|0', 'in a transaction');
is(($node->converse($session, 'SELECT 1'))[0], 1, '… which goes on');
$node->converse($session, 'COMMIT');
$node->free_disk;
is($node->answer('analyst1', question('BULK8000')), '8000|0', 'room again: asked');
is($node->answer('analyst1', question('BULK8000')), '8000|8000', '… and kept');

# A save finds no room, by what it writes to the table and by its WAL.
my @ids = split /\n/, ($node->converse($session, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK4000'"))[0];
# One sentence serves 25.
sub save_all { my (@reads) = @_; return "SELECT lpr.save_each(1, 'acme', '{" . join(', ', map { sprintf '"%s": "Stop %d of %d. %s"', $reads[$_], $_ / 25, scalar @reads, $why } 0 .. $#reads) . "}', 'illicit_activity')" }
my $save = save_all(@ids);
$node->fill_disk(path_of('event_read'));
like(($node->converse($session, $save))[1], qr/ERROR: +53100/, 'no room to save: an error');
$node->free_disk;
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.event_read'), 0, '… nothing is saved');
is(($node->converse($session, $save))[0], 4000, 'room again: all are saved');
$session->quit;

# A purge finds no room for its certificate: it is done later, and nothing is shown meanwhile.
my $due = cache_table('read');
$node->fill_disk(path_of('purge_certificate'));
my $log = -s $node->logfile;
$node->clock_to('SELECT max(expires_at) FROM lpr_data.cache_answer', 1);
ok(LprTest::eventually(sub { slurp_file($node->logfile, $log) =~ /No space left on device.*purge_cache/s }), 'a purge finds no room');
is($node->answer('postgres', "SELECT to_regclass('lpr_data.$due') IS NOT NULL"), 't', '… for the certificate: the tables stay');
is($node->answer('analyst1', question('BULK50')), '50|0', '… nothing of them is shown');
$node->free_disk;
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT to_regclass('lpr_data.$due') IS NULL") eq 't' }), 'room again: purged');
cmp_ok($node->answer('postgres', 'SELECT count(*) FROM lpr_data.purge_certificate WHERE reads > 0'), '>', 0, '… with a certificate');

# ---- processes that are killed ----

# In the middle of a fill: an answer of which some thousand reads are in the table.
sub kill_in_the_middle_of
{
	my ($name, $sql, $wait, $signal) = @_;
	my $job = $node->launch('analyst1', $sql);
	my $pid = '';

	LprTest::eventually(sub { $pid = $node->answer('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = '$job->{name}' AND state = 'active'"); $pid ne '' && $wait->() }) or die "$name: not seen";
	kill $signal, $pid;
	$node->landed($job);
	ok(back(), "$name: questions are answered again");
	return;
}
sub vendor_stops { return $node->vendor_faults({ vendor => 'acme', class => 'page', fault => 'hang', after => 20 }), $node->vendor_forget }
vendor_stops();
my $filling = sub { my @pages = $node->vendor_log(vendor => 'acme', class => 'page'); return @pages > 20 && $node->answer('postgres', "SELECT coalesce(sum(pg_relation_size(oid)), 0) > 1000000 FROM pg_class WHERE relname ~ '^cache_read_' AND relkind = 'r'") eq 't' }; # flushed
kill_in_the_middle_of('terminated in the middle of a fill', question('BULK60000'), $filling, 'TERM');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_answer WHERE reads > 1000'), 0, '… half an answer is none');
$node->vendor_well;
vendor_stops();
kill_in_the_middle_of('killed in the middle of a fill', question('BULK60001'), $filling, 'KILL');
$node->vendor_well;
is($node->answer('analyst1', question('BULK50')), '50|0', '… after a crash nothing is cached');
is($node->answer('analyst1', question('BULK60000')), '60000|0', '… what was broken off is asked anew');
is($node->answer('analyst1', question('BULK60000')), '60000|60000', '… and whole then');

# In the middle of a save.
my $before = $node->answer('postgres', 'SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY saved_id)) FROM lpr_data.event_read AS r');
is($before =~ s/\|.*//r, 4000, 'what was saved before is there');
$node->answer('postgres', "CREATE SEQUENCE public.nth; CREATE TABLE public.stop AS SELECT; CREATE FUNCTION public.stop_in_the_middle() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN IF nextval(''public.nth'') = 5000 THEN PERFORM FROM public.stop FOR UPDATE; END IF; RETURN NEW; END';
	CREATE TRIGGER zz_stop BEFORE INSERT ON lpr_data.event_read FOR EACH ROW EXECUTE FUNCTION public.stop_in_the_middle()");
my ($stopper) = $node->session('postgres');
$node->converse($stopper, 'BEGIN; SELECT FROM public.stop FOR UPDATE');
my ($saver) = $node->session('analyst1');
($out) = $node->converse($saver, "SELECT string_agg(read_id, ',') FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK9000'");
$node->send_sql($saver, save_all(split /,/, $out));
my $pid = '';
ok(LprTest::eventually(sub { $pid = $node->answer('postgres', "SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"); $pid ne '' }), 'in the middle of a save');
kill 'KILL', $pid if $pid;
eval { $_->quit } for $saver, $stopper;
ok(back(), 'killed in the middle of a save: questions are answered again');
is($node->answer('postgres', 'SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY saved_id)) FROM lpr_data.event_read AS r'), $before, '… nothing of it is saved, and nothing else lost');

# The worker that purges.
my $purger = '';
ok(LprTest::eventually(sub { $purger = $node->answer('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr cache purger'"); $purger ne '' }), 'a worker keeps the cache');
kill 'TERM', $purger;
is($node->answer('analyst1', question('BULK51')), '51|0', 'ended: questions go on');
ok(LprTest::eventually(sub { my $new = $node->answer('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr cache purger'"); $new ne '' && $new != $purger }), '… and it comes again');
$purger = $node->answer('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr cache purger'");
my ($holder) = $node->session('postgres');
$due = cache_table('answer');
$node->converse($holder, "BEGIN; LOCK TABLE lpr_data.$due IN ACCESS SHARE MODE");
$node->clock_to('SELECT max(expires_at) FROM lpr_data.cache_answer', 1);
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $purger AND wait_event_type = 'Lock'") == 1 }), 'in the middle of a purge');
kill 'KILL', $purger;
eval { $holder->quit };
ok(back(), '… it is killed: questions are answered again');
is($node->answer('analyst1', question('BULK51')), '51|0', '… nothing expired is shown');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT to_regclass('lpr_data.$due') IS NULL") eq 't' }), '… and it is purged then');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.event_read'), 4000, 'what was saved is there');
$node->sound('in the end', log => 0);
done_testing();
