# leaks: ten thousand questions of one session, good and bad, leave it as small as it was.
use strict;
use warnings;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('leaks');
$node->add_source($_, 'lpr-v1') for qw(good refusing malformed truncated bomb wrong);
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
	{ vendor => 'wrong', class => 'search', fault => 'wrong_rows', kind => 'abroad' });

sub asking { my ($source, $what, $plate) = @_; return 'SELECT ' . ($what // 'count(*)') . " FROM lpr.reads WHERE plate = '" . ($plate // 'BULK2') . "' AND source = '$source'" }
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

# Errors are wanted, and are not shown; the session prints nothing.
my ($session, $pid) = $node->session('postgres');
$session->query("SET client_min_messages = fatal; \\o /dev/null");
sub anonymous_kb { my ($kb) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m; return $kb }

my (@kb, @descriptors);
my $since = time;
for my $thousand (1 .. 10)
{
	$session->query("\\i $script");
	$session->query("COMMIT") if 0;
	push @kb, anonymous_kb();
	push @descriptors, $node->descriptors($pid);
}
note('seconds: ' . (time - $since) . ", RssAnon in kB after each thousand: @kb, descriptors: @descriptors");
cmp_ok($kb[9] - $kb[1], '<', 2048, 'anonymous memory is flat from question 2,000 to 10,000') or diag("@kb");
is($descriptors[9], $descriptors[1], '… and so is the number of descriptors') or diag("@descriptors");
is(scalar(my @asked = $node->vendor_log(vendor => 'refusing')), 500, 'the questions were asked');
$session->query('\\o');
is($session->query(asking('good')), 2, 'the session is as good as new');
is($session->query("SELECT count(*) < 60 FROM pg_backend_memory_contexts WHERE name LIKE 'lpr%'"), 't', 'memory contexts of lpr');
$session->quit;
$node->stop;
done_testing();
