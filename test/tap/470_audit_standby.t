# audit_standby: what is acknowledged is safe on a synchronous standby; a standby shows the log and asks nobody; promoted, it continues the chain.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('primary', init => { allows_streaming => 1 }, conf => "max_connections = 110\n");
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');
$node->sound('before');
$node->backup('base');
my $standby = LprTest->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$standby->{$_} = $node->{$_} for qw(vendor_url secret_directory);

sub administer { my ($sql) = @_; return $node->answer('postgres', $sql, database => 'postgres') }
my $waits = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr audit writer' AND wait_event = 'SyncRep'";

# ---- it asks nobody ----

is($node->answer('analyst1', LprTest::quick()), 1, 'the primary goes on');
$node->wait_for_catchup($standby);
my $rows = 'SELECT count(*), max(number) FROM lpr_data.audit';
is($standby->answer('postgres', $rows), $node->answer('postgres', $rows), 'a standby has the log');
is($standby->answer('postgres', 'SELECT count(*) FROM proof.wrong()'), 0, '… which verifies there');
is($standby->answer('analyst1', 'SELECT count(*) FROM lpr.sources', logon => 0), 3, 'what lies in its tables can be read');
$node->vendor_forget;
like($standby->messages('analyst1', LprTest::quick(), logon => 0), qr/ERROR: +LP020: .*DETAIL: +This server is a standby.*HINT: +Connect to the primary/s, 'but no question is asked there');
like($standby->messages('analyst1', 'SELECT count(*) FROM lpr.reads', logon => 0), qr/ERROR: +LP020: /, '… nor is what is no question');
like($standby->messages('analyst1', 'SELECT 1'), qr/ERROR: +LP020: /, '… nor are the rules agreed to there');
is(scalar(my @none = $node->vendor_log), 0, '… and no vendor hears of it');
my ($session) = $standby->session('analyst1', logon => 0);
$node->converse($session, LprTest::quick());

# ---- a synchronous standby: acknowledged is what it has flushed ----

administer("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
$node->reload;
my $swarm = $node->swarm(16);
ok($node->await_acks($swarm, 50), 'answers come');
ok($standby->hold_receiver, 'the standby takes nothing more');
ok(LprTest::eventually(sub { administer($waits) eq '1' }), 'the writer waits for it');
ok($node->await_waiting(16), '… and all for the writer');
my @before = $node->swarm_acks($swarm);
my $sent = scalar(my @log = $node->vendor_log);
my $writer = $node->writer;
administer("SELECT pg_terminate_backend($writer)");
ok(LprTest::eventually(sub { LprTest::gone($writer) && administer($waits) eq '1' }), 'it is ended while it waits; the next one waits as well');
is(scalar(@log = $node->vendor_log), $sent, 'nothing was asked meanwhile');
is(scalar(my @after = $node->swarm_acks($swarm)), scalar @before, '… nor answered');
$standby->release_receiver;
ok($node->await_acks($swarm, 50), 'the standby is back: answers come');

# The power of the primary is cut, and the standby promoted: all that was acknowledged is there.
$node->cut_power;
my @acks = $node->swarm_end($swarm);
$standby->promote;
ok($standby->await_answers, 'promoted, it answers');
$standby->sound('all that was acknowledged is in the promoted log, which goes on', acks => \@acks);
$standby->converse($session, LprTest::logon('analyst1'));
is(($standby->converse($session, LprTest::quick()))[0], 1, 'a session that was open there asks as well');
$session->quit;
is($standby->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'start'"), 1, 'it is the same log');

$standby->stop;
done_testing();
