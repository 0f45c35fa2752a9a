# paging: a vendor that pages by time is asked for the last moment of each page once more; that is our way and no repetition of its.
use strict;
use warnings;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('paging');
$node->add_source('rekor', 'rekor-scout-v2', options => { page_size => 10 });
my ($session) = $node->session('analyst1');
my $reads = "FROM lpr.reads WHERE source = 'rekor' AND plate = 'BULK35'";

for my $order ('', ' ORDER BY captured_at', ' ORDER BY captured_at DESC')
{
	my ($out, $err) = $node->converse($session, "SELECT count(*) FROM (SELECT read_id, captured_at $reads$order OFFSET 0) AS r");
	my $told = $node->told($session)->{rekor};

	is($out, 35, "all reads come$order");
	is($told->{received}, 35, '… and are counted once');
	is_deeply($told->{dropped}, {}, '… of which none counts as dropped');
	unlike($err, qr/dropped/, '… and nothing is told');
}
$node->vendor_faults({ vendor => 'rekor', class => '*', fault => 'wrong_rows', kind => 'duplicate_id', count => 1, times => 3 });
my ($out, $err) = $node->converse($session, "SELECT count(*) $reads");
is($out, 35, 'what the vendor itself repeats is left out');
cmp_ok($node->told($session)->{rekor}{dropped}{repeated} // 0, '>=', 1, '… and counted');

$session->quit;
$node->stop;
done_testing();
