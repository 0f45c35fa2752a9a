# cache_absence: a plate that stood in an answer is looked for in every file there is: while the answer is alive it stands in the cache's own unlogged files and
# nowhere else, and after its time nowhere at all (C2).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use LprAlert;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('absence', init => { allows_streaming => 1, extra => ['--data-checksums'] },
	conf => "log_statement = all\nlog_min_duration_statement = 0\nlog_error_verbosity = verbose\nmax_connections = 110\nlog_temp_files = 0\nwork_mem = 64kB\nwal_compression = off\n"
		. "shared_preload_libraries = 'pg_stat_statements,lpr'\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;
$node->answer('postgres', 'CREATE EXTENSION pg_stat_statements');
$node->backup('first');
my $standby = LprTest->new('absence_standby');
$standby->init_from_backup($node, 'first', has_streaming => 1);
$standby->start;

# Where a text stands: the files that hold it, by grep.
sub files_with
{
	my ($text, @places) = @_;
	die 'nothing to look for' if length $text < 6;
	my @files = split /\n/, `grep -rlaF -- '$text' @places 2>/dev/null`;

	@files = sort @files;
	return @files;
}

# By place: the plates of the answer were in no question. One that is saved stands for what is kept on purpose.
my ($session) = $node->session('analyst1');
$session->query('SET enable_hashagg = off'); # sorts go through temporary files
my $where = "source = 'acme' AND lpr.distance_m(latitude, longitude, 32.5509, -117.0438) <= 5000 AND captured_at > now() - interval '5 days'";
my ($out, $err) = $node->converse($session, "SELECT plate, min(read_id) FROM lpr.reads WHERE $where GROUP BY plate ORDER BY plate DESC");
my %plates = map { split /\|/ } split /\n/, $out;
my %target = map { $_ => 1 } split /\n/, $node->answer('postgres', "SELECT plate FROM lpr_data.target WHERE kind = 'plate'");
my @unique = grep { /^[A-Z0-9]{6,}$/ && !$target{$_} } sort keys %plates;
cmp_ok(scalar(@unique), '>', 5, 'an answer with plates that nobody asked for') or BAIL_OUT("no plates: $out $err");
my ($marker, $saved) = @unique[ 1, 2 ];
note "marker $marker, saved $saved";
is(($node->converse($session, "SELECT lpr.save(1, 'acme', '{$plates{$saved}}', 'Crossed right behind the reported sedan at each delivery, in the same lane.', 'illicit_activity')"))[0], 1, 'one of them is saved');
cmp_ok(scalar(files_with($saved, $node->data_dir . '/pg_wal')), '>', 0, '… which is in the WAL');
is(scalar(files_with($marker, $node->data_dir . '/pg_wal')), 0, '… as the others are not');
# What a display finds has its read there too, and the hit is a pointer.
my ($found, $nobodys) = ('HITMARKER BOULEVARD', 'UNWATCHED ROAD'); # not as addresses, which would be targets
$node->grant('analyst1', modes => 'plate,display');
$node->hire_feed('feed1');
$node->converse($session, $_) for "SELECT * FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')", 'SELECT lpr.confirm_display(1)',
	"SELECT lpr.watch(1, plate => '7ABC123', reason => 'Officers saw this car lead the van to the yard on both nights of the last loads.')";
$node->push_reads(LprTest::pushed_read(id => 'hitmarker-id', address => "77 $found"), LprTest::pushed_read(plate => 'NOBODYS1', address => "78 $nobodys"));
is(($node->converse($session, 'SELECT read_id, address FROM lpr.display_hits(1)'))[0], "hitmarker-id|77 $found", 'a display has found something');
is(join(' ', files_with($nobodys, $node->data_dir, $node->logfile)), '', 'what nobody watches stands nowhere at all');
# What else might carry it: sorting, a cursor, an error, statistics.
$node->converse($session, "SELECT r.plate, count(*) FROM lpr.reads AS r, generate_series(1, 3000) WHERE r.$where GROUP BY r.plate ORDER BY r.plate LIMIT 1");
$node->converse($session, "BEGIN; DECLARE c CURSOR FOR SELECT * FROM lpr.reads WHERE $where; FETCH 5 FROM c; COMMIT");
$node->converse($session, "SELECT 1 / (length(plate) - length(plate)) FROM lpr.reads WHERE $where");
$node->answer('postgres', 'ANALYZE');
$node->answer('postgres', 'VACUUM ANALYZE');

sub everything
{
	my ($name) = @_;

	$node->answer('postgres', 'CHECKPOINT');
	$node->answer('postgres', 'SELECT pg_switch_wal()');
	$node->wait_for_catchup($standby);
	$standby->answer('postgres', 'CHECKPOINT');
	$node->backup($name);
	system_or_bail('pg_dump', '--no-unlogged-table-data', '-f', $node->basedir . "/$name.dump", $node->connstr('lpr'));
	return ($node->data_dir, $standby->data_dir, $node->backup_dir . "/$name", $node->archive_dir, $node->basedir . "/$name.dump", $node->logfile, $standby->logfile);
}

# ---- while it is alive ----

my @places = everything('alive');
my %files = map { $node->data_dir . '/' . $_ => 1 } split /\n/, $node->answer('postgres', "SELECT pg_relation_filepath(oid) FROM pg_class WHERE relname ~ '^cache_read_' AND relkind = 'r'");
my @with = files_with($marker, @places);
is(scalar(grep { $files{$_} } @with), 1, 'while the answer is alive its plates stand in a file of the cache');
is(join(' ', grep { !$files{$_} } @with), '', '… and in no other: no WAL, backup, standby, dump, statistics, temporary file, log');
is(join(' ', map { $files{$_} ? 'cache' : $_ } files_with($_, @places)), 'cache', "so with a hit's $_") for $found, 'hitmarker-id';
cmp_ok(scalar(files_with($saved, $node->data_dir . '/base')), '>', 1, 'what was saved does stand in other files (the search finds what there is)');
is(scalar(files_with($saved, $node->basedir . '/alive.dump')), 1, '… and in the dump');
is($node->answer('postgres', "SELECT count(*) FROM pg_stats WHERE tablename ~ '^cache_(read|answer)'"), 0, 'no statistics of the cache');
is($node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ '^cache_read_' AND relkind = 'r' AND reltoastrelid <> 0"), 0, '… nor TOAST tables');

# ---- after its time ----

$node->clock_to('SELECT max(expires_at) FROM lpr_data.cache_answer', 1);
ok(LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_answer') == 0 && $node->answer('postgres', 'SELECT count(*) FROM lpr_data.purge_certificate') > 0 }), 'its time is over');
@places = everything('over');
is(join(' ', files_with($marker, @places)), '', 'after its time it stands nowhere');
is(join(' ', files_with($_, @places)), '', "… nor does a hit's $_") for $found, 'hitmarker-id';
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit'), 1, '… the hit is there, a pointer to nothing');
cmp_ok(scalar(files_with($saved, $node->data_dir . '/base')), '>', 0, 'what was saved still does');
is($node->answer('postgres', "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%$marker%'"), 0, 'nor in the statistics of statements');
$session->quit;

# ---- a restored backup has no cache ----

my $restored = LprTest->new('absence_restored');
$restored->init_from_backup($node, 'alive');
$restored->append_conf('postgresql.conf', "archive_mode = off\n");
$restored->start;
is($restored->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_read'), 0, 'a backup that was taken while it was alive restores nothing of it');
is($restored->answer('postgres', 'SELECT count(*) FROM lpr_data.event_read'), 1, '… but what was saved');
$restored->stop;
done_testing();
