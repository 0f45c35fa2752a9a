# audit_crash: under many clients: backends, the writer, the postmaster with all its children are killed; immediate and fast shutdown.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit_crash', conf => "restart_after_crash = on\nmax_connections = 110\n");
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');
my $swarm = $node->swarm($LprTest::crowd, pause => 0.3);
my $acknowledged = 0;

# Afterwards answers come again, and all is as it should be.
sub goes_on
{
	my ($name) = @_;

	ok($node->await_acks($swarm, $LprTest::crowd), "$name: answers come again");
	my @acks = $node->swarm_acks($swarm);
	cmp_ok(scalar @acks, '>', $acknowledged, '… ' . @acks . ' so far');
	$acknowledged = @acks;
	return $node->sound($name, acks => \@acks);
}

ok($node->await_acks($swarm, 2 * $LprTest::crowd), 'answers come');
my $backend = $node->answer('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'swarm' ORDER BY random() LIMIT 1", database => 'postgres');
$node->crash($backend);
goes_on('a backend was killed');

$node->crash($node->writer);
goes_on('the writer was killed');

$node->cut_power;
$node->start;
goes_on('the power was cut');

$node->stop('immediate');
$node->start;
goes_on('an immediate shutdown');

$node->stop('fast');
$node->start;
goes_on('a fast restart');

# The writer held, the ring with what waits, and then the power is cut: nothing of it was acknowledged.
$node->hold_writer;
ok($node->await_waiting($LprTest::crowd - 4), 'most clients wait');
$node->cut_power;
$node->start;
goes_on('the power was cut while all waited');

# Killed right after each other, while the log is taken up again.
$node->crash($node->writer) for 1 .. 2;
goes_on('killed twice');

my @acks = $node->swarm_end($swarm);
ok(LprTest::eventually(sub { $node->await_answers }), 'and on it goes');
$node->sound('in the end', acks => \@acks);
$node->stop;
done_testing();
