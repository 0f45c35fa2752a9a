# alert: what a vendor pushed is taken from a service only, signed by the vendor, in time, once, and of what is watched; each kind of bad input has its code and its record (D1, Q10, U4).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use LprAlert;
use Test::More;

my $node = LprTest->start_staged('alert', targets => 0, world => 1, cache => 1);
my $why = 'Officers saw this car lead the van to the yard on both nights of the last loads.';
$node->grant('analyst1', modes => 'plate,display');
$node->hire_feed('feed1');
my ($one) = $node->session('analyst1');
$node->converse($one, "SELECT display FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')");
$node->converse($one, 'SELECT lpr.confirm_display(1)');
is(($node->converse($one, "SELECT lpr.watch(1, plate => '7ABC123', reason => '$why')"))[0], 1, 'a plate is watched');

my $body = LprTest::pushed_page(LprTest::pushed_read(at => $node->moment_of), LprTest::pushed_read(at => $node->moment_of, plate => 'ZZ9PLUR'));
my $now = $node->now_of;
my $good = LprTest::signed($body, $now);
my $deliver = \&LprTest::delivery;

# ---- by whom, from where ----

$node->refused('an analyst hands in', 'analyst1', $deliver->($body, $good), 'D1', 'LP033', words => qr/hands in no alerts/);
$node->refused('an administrator', 'admin1', $deliver->($body, $good), 'D1', 'LP033');
$node->refused('a source that there is not', 'feed1', $deliver->($body, $good, 'nobody'), 'Q10', 'LP003');
$node->refused('a source that was not granted', 'feed1', $deliver->($body, $good, $node->answer('postgres', "SELECT name FROM lpr_data.source WHERE name <> 'acme' AND enabled AND approved_on IS NOT NULL AND published_on IS NOT NULL ORDER BY name LIMIT 1")), 'Q10', 'LP004');
$node->answer('postgres', "UPDATE lpr_data.source SET enabled = false WHERE name = 'acme'");
$node->refused('a source that is not enabled', 'feed1', $deliver->($body, $good), 'Q10', 'LP003');
$node->answer('postgres', "UPDATE lpr_data.source SET enabled = true WHERE name = 'acme'");
$node->refused('a service that has left', 'feed1', $deliver->($body, $good), 'D1', 'LP033') if $node->answer('postgres', "UPDATE lpr_data.person SET left_at = now() WHERE login = 'feed1'; SELECT 1");
$node->answer('postgres', "UPDATE lpr_data.person SET left_at = NULL WHERE login = 'feed1'");

# ---- what is handed in ----

$node->refused('too much', 'feed1', "SELECT lpr.deliver_alert('acme', convert_to(repeat('x', 1048577), 'UTF8'), '$good')", 'D1', 'LP070');
for my $bad ([ 'no signature', '' ], [ 'one of another form', "t=$now,v1=00" ], [ 'one of another body', LprTest::signed("$body ", $now) ], [ 'of another time', ($now - 1) . '|' . (split /\|/, $good)[1] ],
	[ 'of another secret', LprTest::signed($body, $now, 'a secret of somebody else, who wants to be acme') ], [ 'half of it', substr $good, 0, -2 ])
{
	$node->refused("signed by nobody: $bad->[0]", 'feed1', $deliver->($body, $bad->[1]), 'D1', 'LP071');
}
$node->refused('signed too long ago', 'feed1', $deliver->($body, LprTest::signed($body, $now - 400)), 'D1', 'LP072');
$node->refused('signed later than now', 'feed1', $deliver->($body, LprTest::signed($body, $now + 400)), 'D1', 'LP072');
for my $bad ([ 'no JSON', 'plate=7ABC123' ], [ 'JSON of something else', '{"alerts": []}' ], [ 'cut off', substr $body, 0, -20 ])
{
	my $head = $node->head;
	$node->refused("no page of reads: $bad->[0]", 'feed1', $deliver->($bad->[1], LprTest::signed($bad->[1], $now)), 'D1', 'LP074');
	unlike($node->answer('postgres', "SELECT string_agg(payload, ' ') FROM lpr_data.audit WHERE number > $head"), qr/7ABC123|plate=/, '… and nothing of it is repeated');
}
is($node->answer('postgres', 'SELECT (SELECT count(*) FROM lpr_data.hit), (SELECT count(*) FROM lpr_data.alert)'), '0|0', 'nothing came of all that');
like($node->messages('feed1', 'SELECT * FROM lpr.my_hits', logon => 0), qr/\A(?!.*7ABC123)/s, 'a service sees no hits');

# ---- what is taken ----

my $head = $node->head;
is($node->answer('feed1', $deliver->($body, $good), logon => 0), 2, 'a good one is taken, and told is how many reads it held, not which are watched');
is($node->records_after($head, "kind IN ('read', 'answer') AND login IS NOT NULL"), "read feed1 acme\nanswer feed1 acme of +1 complete", '… on record');
is($node->answer('postgres', "SELECT payload::jsonb - '{client,application,encrypted}'::text[] FROM lpr_data.audit WHERE number > $head AND kind = 'read'") =~ s/"bytes": \d+/"bytes": N/r, '{"what": "deliver_alert(acme)", "bytes": N}', '… by its size');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit'), 1, 'what is watched is a hit');
$node->refused('a second time', 'feed1', $deliver->($body, $good), 'D1', 'LP073');
is($node->answer('feed1', $deliver->($body, LprTest::signed($body, $now + 1)), logon => 0), 2, 'signed anew, it is another delivery');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit'), 1, '… of the same read, which comes once');
unlike($node->answer('postgres', "SELECT string_agg(payload, ' ') FROM lpr_data.audit"), qr/ZZ9PLUR/, 'of what is not watched nothing is kept');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.cache_read WHERE plate = 'ZZ9PLUR'"), 0, '… not in the cache either');
# One unusable read does not keep the others back.
my $odd = LprTest::pushed_page({ %{ LprTest::pushed_read(at => 'yesterday') } }, LprTest::pushed_read(at => $node->moment_of));
is($node->answer('feed1', $deliver->($odd, LprTest::signed($odd, $node->now_of)), logon => 0), 2, 'an unusable read is counted');
is($node->answer('postgres', "SELECT payload::jsonb -> 'dropped' ->> 'malformed' FROM lpr_data.audit WHERE kind = 'answer' AND login IS NOT NULL ORDER BY number DESC LIMIT 1"), 1, '… as malformed');
# A delivery that is rolled back leaves no hit; it may be handed in again.
my $again = LprTest::pushed_page(LprTest::pushed_read(at => $node->moment_of));
my $signed = LprTest::signed($again, $node->now_of);
$node->answer('feed1', 'BEGIN; ' . $deliver->($again, $signed) . '; ROLLBACK', logon => 0);
my $before = $node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit');
$node->answer('feed1', $deliver->($again, $signed), logon => 0);
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit'), $before + 1, 'rolled back, it is handed in again');
$node->put_secret('acme.alert', 'a new secret of acme and the agency, since the old one was told');
$node->refused('signed with a secret that was replaced', 'feed1', $deliver->($body, LprTest::signed($body, $node->now_of)), 'D1', 'LP071');
$node->move_clock(12 * 60);
$node->answer('feed1', $deliver->($odd, LprTest::signed($odd, $node->now_of, 'a new secret of acme and the agency, since the old one was told')), logon => 0);
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.alert'), 1, 'signatures are remembered for as long as they would be taken');
done_testing();
