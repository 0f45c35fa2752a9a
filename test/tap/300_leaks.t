# leaks: ten thousand questions of one session, good and bad, leave it as small as it was.
use strict;
use warnings;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('leaks');
$node->add_source($_, 'lpr-v1') for qw(good refusing malformed truncated bomb wrong silent);
$node->add_source('strict', 'lpr-v1', options => { on_failure => 'error', retries => 0 });
$node->add_source('dead', 'lpr-v1', url => 'http://127.0.0.1:1/dead/lpr-v1', options => { retries => 0 });
$node->answer('postgres', "ALTER SERVER $_ OPTIONS (ADD retries '0')") for qw(refusing truncated);
$node->answer('postgres', "ALTER SERVER bomb OPTIONS (ADD max_page_kilobytes '64')");
$node->vendor_faults(
	{ vendor => 'refusing', fault => 'status', status => 422 },
	{ vendor => 'strict', fault => 'status', status => 500 },
	{ vendor => 'malformed', class => 'search', fault => 'malformed', kind => 'wrong_types' },
	{ vendor => 'truncated', class => 'search', fault => 'truncated' },
	{ vendor => 'bomb', fault => 'gzip_bomb', bytes => 2_000_000 },
	{ vendor => 'silent', fault => 'hang' },
	{ vendor => 'wrong', class => 'search', fault => 'wrong_rows', kind => 'abroad' });

sub asking { my ($source, $what, $plate) = @_; return 'SELECT ' . ($what // 'count(*)') . " FROM lpr." . (($what // '') =~ /_image/ ? 'images' : 'reads') . " WHERE plate = '" . ($plate // 'BULK2') . "' AND source = '$source'" }
# Twenty questions, half of them good.
my @mix = (
	asking('good'), asking('good', 'count(DISTINCT read_id)', 'BULK12'), asking('birdseye'), asking('curbside'), asking('acme'),
	asking('good', 'plate_image', 'BULK2'), asking('acme', 'read_id', 'BULK2000') . ' LIMIT 1',
	asking('good', 'vehicle_image', 'BULK50') . ' LIMIT 1', asking('refusing'), asking('strict'),
	asking('malformed'), asking('truncated'), asking('wrong'), asking('dead'),
	"SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source IN ('good', 'dead', 'acme', 'malformed')",
	"SELECT count(*) FROM lpr.search_plate('bulk-3') WHERE source IN ('good', 'acme')",
	"SELECT 1 FROM lpr.reads WHERE source = 'good'", # no anchor
	"SELECT count(*) FROM (VALUES ('BULK1'), ('BULK2')) AS v (plate) JOIN lpr.reads AS r USING (plate) WHERE r.source = 'good'",
	"SELECT outcome, sent FROM lpr.last_query()",
	"SELECT 1 / (captured_at - captured_at = '0'::interval)::int::numeric * 0 FROM lpr.reads WHERE plate = 'BULK2' AND source = 'good'");
my $script = $node->basedir . '/thousand.sql';
append_to_file($script, join(";\n", @mix) . ";\n") for 1 .. 1000 / @mix;
append_to_file($script, asking('bomb') . ";\n");
append_to_file($script, "SET statement_timeout = 20;\n" . (asking('silent') . ";\n") x 5 . "RESET statement_timeout;\n");

# The session measures itself: anonymous memory in kB and descriptors, after each thousand.
my $measure = "SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+)'), (SELECT count(*) FROM pg_ls_dir('/proc/self/fd'))";
my $sql = "\\set VERBOSITY sqlstate\n\\o /dev/null\n" . LprTest::logon('analyst1') . ";\n\\o\n" . "\\o /dev/null\n\\i $script\n\\o\n$measure;\n" x 10
	. asking('good') . ";\nSELECT count(*) < 60 FROM pg_backend_memory_contexts WHERE name LIKE 'lpr%';\n";
my ($out, $err);
my $since = LprTest::steady();
# pg_read_file is for superusers.
$node->answer('postgres', 'GRANT pg_read_server_files, pg_read_all_stats TO analyst1; GRANT EXECUTE ON FUNCTION pg_read_file(text), pg_ls_dir(text) TO analyst1; GRANT SELECT ON pg_backend_memory_contexts TO analyst1');
$node->psql('lpr', $sql, stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => LprTest::limit(10), extra_params => [ '-U', 'analyst1' ]);
my @lines = split /\n/, $out;
my @kb = map { (split /\|/)[0] } @lines[0 .. 9];
my @descriptors = map { (split /\|/)[1] } @lines[0 .. 9];

note('seconds: ' . int(LprTest::steady() - $since) . ", RssAnon in kB after each thousand: @kb, descriptors: @descriptors"); # time: to be read
my %seen;
$seen{$_}++ for $err =~ /(?:ERROR|WARNING): +(\w{5})$/mg;
note(join ' ', map { "$_: $seen{$_}" } sort keys %seen);
is(scalar(my @asked = $node->vendor_log(vendor => 'refusing')), 500, 'the questions were asked');
is($seen{57014}, 50, '… some of them cancelled');
is(scalar(keys %seen), 5, '… or failed in several ways') or diag(join ' ', sort keys %seen);
# Buffers that are kept for the next reply come and go: the middle of three thousands each.
my ($early, $late) = map { (sort { $a <=> $b } @kb[ $_ .. $_ + 2 ])[1] } 1, 7;
cmp_ok($late - $early, '<', 2048, 'anonymous memory is flat from question 2,000 to 10,000') or diag("@kb");
# Idle connections come and go.
cmp_ok($descriptors[9], '<=', $descriptors[1] + 2, '… and so is the number of descriptors') or diag("@descriptors");
is($lines[10], 2, 'the session is as good as new');
is($lines[11], 't', '… and has few memory contexts of lpr');
$node->stop;
done_testing();
