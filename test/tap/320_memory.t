# memory: bounded by pages, never by the answer: a million reads stream through a backend that stays small.
use strict;
use warnings;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('memory');
my $reads = "FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1000000'";
for my $case ([ 'count(*)', "SELECT count(*) $reads" ],
	[ 'all columns but images', "SELECT count(*) FROM (SELECT read_id, plate_as_read, captured_at, address, camera_owner, make, model, color $reads OFFSET 0) AS r WHERE read_id <> ''" ])
{
	my ($what, $sql) = @$case;
	my ($session, $pid) = $node->session('analyst1');

	is($session->query($sql), 1_000_000, "$what: a million reads");
	cmp_ok($node->peak_rss_kb($pid), '<', 64 * 1024, '… with a peak of less than 64 MB');
	$session->quit;
}
$node->stop;
done_testing();
