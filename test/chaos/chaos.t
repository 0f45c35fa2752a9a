# chaos: KILLS (1,000) times somebody dies at a random moment under load: a backend, the audit writer, the whole server. After each: whatever was answered is
# on record once, nothing was asked without its record, the chain is whole. SEED repeats a sequence of deaths, though not their moments.
use strict;
use warnings;
use LprAudit;
use Time::HiRes qw(sleep);
use Test::More;

my $kills = $ENV{KILLS} || 1000;
my $seed = $ENV{SEED} || time % 1_000_000;
my $clients = $ENV{CLIENTS} || 32;
srand $seed;
note "KILLS=$kills SEED=$seed CLIENTS=$clients";

my $node = LprTest->start_staged('chaos', conf => "restart_after_crash = on\nmax_connections = 110\nlog_statement = none\nsynchronous_commit = on\n");
$node->await_answers or die 'no question is answered';
my $swarm = $node->swarm($clients);
my ($sound_to, $log_to, $rounds_wrong, %died) = (0, 0, 0);
my $since = LprTest::steady();

sub kill_somebody
{
	my $dice = rand;

	if ($dice < 0.4)
	{
		my ($pid) = ($node->try_ask('postgres', "SELECT pid FROM pg_stat_activity WHERE application_name = 'swarm' ORDER BY random() LIMIT 1", database => 'postgres'))[1] =~ /^(\d+)$/;
		return kill_somebody() unless $pid;
		$node->crash($pid);
		return 'a backend';
	}
	if ($dice < 0.65) { $node->crash($node->writer); return 'the writer' }
	if ($dice < 0.8) { $node->renew_writer; return 'the writer, in order' }
	if ($dice < 0.9) { $node->stop('immediate'); $node->start; return 'an immediate shutdown' }
	$node->cut_power;
	$node->start;
	return 'everybody';
}

my %seen; # answers that were looked at
for my $round (1 .. $kills)
{
	sleep rand 0.6; # time: the moment is left to chance
	my $who = kill_somebody();
	my $again = $node->await_acks($swarm, 5);
	my @acks = $node->swarm_acks($swarm);
	my ($newest) = sort { $b <=> $a } map { $_->{n} } $node->vendor_log(since => $log_to);
	my $full = $round % 50 == 0 || $round == $kills;
	my $head = $node->head;
	my @new = grep { !$seen{$_}++ } @acks;
	my $wrong = $node->wrong($full ? (acks => \@acks) : (acks => \@new, after => $sound_to > 5000 ? $sound_to : 0, since => $log_to));

	$died{$who}++;
	if ($wrong ne '' || !$again)
	{
		$rounds_wrong++;
		diag("round $round, $who: " . ($again ? '' : 'no answers come. ') . $wrong);
		last if $rounds_wrong >= 5;
	}
	($sound_to, $log_to) = ($head, ($newest // $log_to) > 2000 ? ($newest // $log_to) - 2000 : 0);
	diag(sprintf 'round %d of %d: %d answers, %d records, %.0f s', $round, $kills, scalar @acks, $head, LprTest::steady() - $since) if $round % 10 == 0 || $round == $kills; # time: to be read
}
is($rounds_wrong, 0, "$kills deaths");
my @acks = $node->swarm_end($swarm);
diag("$died{$_} times $_") for sort keys %died;
diag(scalar(@acks) . ' answers, ' . $node->head . ' records');
$node->sound('in the end', acks => \@acks);
$node->stop;
done_testing();
