# paging: a vendor that pages by time is asked for the last moment of each page once more; that is our way and no repetition of its.
use strict;
use warnings;
use LprDialect;
use LprLab;
use Test::More;

my $node = LprLab->start_staged('paging');
my ($session) = $node->session('analyst1');

for my $name (such { $_->{pages} eq 'time' })
{
	$node->add_source($name, $dialect{$name}{name}, options => { page_size => 10 });
	my $reads = "FROM lpr.reads WHERE source = '$name' AND plate = 'BULK35'";

	for my $order ('', ' ORDER BY captured_at', ' ORDER BY captured_at DESC')
	{
		my ($out, $err) = $node->converse($session, "SELECT count(*) FROM (SELECT read_id, captured_at $reads$order OFFSET 0) AS r");
		my $told = $node->told($session)->{$name};

		is($out, 35, "all reads come$order");
		is($told->{received}, 35, '… and are counted once');
		is_deeply($told->{dropped}, {}, '… of which none counts as dropped');
		unlike($err, qr/dropped/, '… and nothing is told');
	}
	$node->vendor_faults({ vendor => $name, class => '*', fault => 'wrong_rows', kind => 'duplicate_id', count => 1, times => 3 });
	my ($out, $err) = $node->converse($session, "SELECT count(*) $reads");
	is($out, 35, 'what the vendor itself repeats is left out');
	cmp_ok($node->told($session)->{$name}{dropped}{repeated} // 0, '>=', 1, '… and counted');
}

$session->quit;
$node->stop;
done_testing();
