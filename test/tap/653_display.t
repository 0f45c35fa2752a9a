# display: what watches a plate while nobody looks is told of, confirmed, and ends by itself (D1, D2, D4, A7).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('display', targets => 0, world => 1);
my $why = 'The loads change cars at night, and the next one has to be stopped before the bridge.';
my $it = 'Officers saw this car lead the van to the yard on both nights of the last loads.';
my ($one) = $node->session('analyst1');
sub said { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); return join "\n", grep { $_ ne '' } $out, $err }
sub states { my ($when) = @_; return $node->answer('postgres', "SELECT string_agg(item_id || ' ' || state || coalesce(' ' || why, ''), ', ' ORDER BY item_id) FROM lpr_data.display_items(NULL, " . ($when // 'clock_timestamp()') . ')') }
my $new = "SELECT * FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', '$why')";

# ---- it is an entitlement of its own, told of and confirmed ----

$node->refused('without access by display', 'analyst1', $new, 'A7', 'LP025', words => qr/no access by display for system "ATS"/);
$node->grant('analyst1', modes => 'plate,display');
$node->refused('for an event of somebody else', 'analyst2', $new, 'E4', 'LP041');
$node->refused('with a title that says nothing', 'analyst1', $new =~ s/Cars of the Otay Mesa loads/see case/r, 'D1', 'LP043', words => qr/title/);
$node->refused('with a reason that says nothing', 'analyst1', $new =~ s/\Q$why/because/r, 'D1', 'LP043', words => qr/reason/);
my $told = said($new);
like($told, qr/^1\|.*Remove a plate promptly.*\|SELECT lpr\.confirm_display\(1\);$/m, 'whoever makes one is told to remove plates promptly');
$node->refused('nothing is watched before it is confirmed', 'analyst1', "SELECT lpr.watch(1, plate => '7ABC123', reason => '$it')", 'D2', 'LP066', words => qr/display 1 is unconfirmed/);
$node->refused('nor confirmed in the statement that makes it', 'analyst1', "SELECT lpr.confirm_display(c.display) FROM lpr.create_display(1, 'Cars of another load', 'Another team of smugglers is to be found by its scouts.') AS c", 'D2', 'LP066', words => qr/was not read yet/);
like($node->messages('postgres', "BEGIN; UPDATE lpr_data.display SET confirmed_at = clock_timestamp(), examined_at = clock_timestamp() WHERE display_id = 1"), qr/23514|LP034/, '… nor half, by whoever writes the row');
$node->refused('nor by somebody else', 'analyst2', 'SELECT lpr.confirm_display(1)', 'E4', 'LP041', words => qr/display 1 does not exist or is not yours/);
is(said('SELECT state, to_do, call FROM lpr.displays'), 'unconfirmed|to be confirmed by its owner|SELECT lpr.confirm_display(1);', 'lpr.displays has the call');
unlike(said('SELECT lpr.confirm_display(1)'), qr/ERROR/, 'the call confirms it');
$node->refused('once', 'analyst1', 'SELECT lpr.confirm_display(1)', 'D2', 'LP034');

# ---- what it watches ----

my $watch = sub { my ($what, $reason, $more) = @_; return "SELECT lpr.watch(1, $what, reason => '" . ($reason // $it) . "'" . ($more // '') . ')' };
$node->refused('a plate that is no target', 'analyst1', $watch->("plate => 'BULK9'"), 'Q12', 'LP047', words => qr/plate "BULK9" is no target of event 1/);
$node->refused('a target that is no plate', 'analyst1', $watch->('target => 3'), 'Q12', 'LP047', words => qr/target 3 is no plate/);
$node->faulty('no plate at all', 'analyst1', $watch->("plate => '--'"), 'LP011');
$node->faulty('two things at once', 'analyst1', $watch->("target => 1, plate => '7ABC123'"), '22023');
$node->refused('the reason of the display, pasted', 'analyst1', $watch->('target => 1', $why), 'D1', 'LP043', words => qr/reason says nothing/);
$node->refused('for longer than two years', 'analyst1', $watch->('target => 1', undef, ", until => now() + interval '2 years 1 day'"), 'D4', '22023');
$node->refused('by somebody else', 'analyst2', $watch->('target => 1'), 'E4', 'LP041');
my $first = said($watch->("plate => '7abc-123'", undef, ", until => now() + interval '300 days'"));
like($first, qr/\A1\n.*WARNING: .*plate "7ABC123" may be misread as \d+ others, which are not watched/s, 'a plate is watched, and its look-alikes are told of');
like(said($watch->('target => 1')), qr/\A1\n.*NOTICE: .*target 1 is item 1 of display 1 already/s, '… once');
like(said($watch->("plate => 'UXQ0780'", 'This car waits for the sedan at the crossing, and shows where it goes next.', ", until => now() + interval '1 year'")), qr/\A2\n/, 'another');
is(states(), '1 active, 2 active', 'both are active');
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
$node->refused('nor by a member of its event', 'analyst2', $watch->('target => 1'), 'E4', 'LP041');
is(said('SELECT state, mine, active, due, suspended, ended, to_do FROM lpr.displays'), 'active|owner|2|0|0|0|', 'lpr.displays counts');
is($node->answer('supervisor1', 'SELECT title, mine, reason FROM lpr.displays'), 'Cars of the Otay Mesa loads||', 'a supervisor sees that it is there, and not why');
is($node->answer('newcomer1', 'SELECT count(*) FROM lpr.displays'), 0, 'others see nothing');

# Plates are shown by a call, on record.
$node->refused('shown before the rules are agreed to', 'supervisor1', 'SELECT * FROM lpr.display_items(1)', 'A5', 'LP028');
my $items = LprTest::consent() . ' SELECT item, plate, state FROM lpr.display_items(1)';
is($node->answer('supervisor1', $items) =~ s/^(?!\d+\|).*\n//mgr, "1|7ABC123|active\n2|UXQ0780|active", 'the supervisor sees what it watches');
is($node->answer('postgres', "SELECT login, payload::jsonb ->> 'what' FROM lpr_data.audit WHERE kind = 'read' ORDER BY number DESC LIMIT 1"), 'supervisor1|display_items(1)', '… on record');
$node->refused('to nobody else', 'newcomer1', 'SELECT * FROM lpr.display_items(1)', 'E4', 'LP033');
$node->refused('nor is one shown that there is not', 'supervisor1', LprTest::consent() . ' SELECT * FROM lpr.display_items(99)', 'E4', 'LP041');

# ---- each end alone: at that moment, and not before ----

# What a statement changes, as the first item is then: live until the column that names the end, and why not after that.
sub ends
{
	my ($name, $sql, $expected) = @_;
	my $seen = $node->answer('postgres', "BEGIN; SET LOCAL client_min_messages = warning; "
		. join('', map { "ALTER TABLE lpr_data.$_ DISABLE TRIGGER USER; " } qw(display display_item access training recertification event event_member target person))
		. "UPDATE lpr_data.display_item SET until = added_at + interval '2 years', validated_until = validated_at + interval '365 days', holds_until = validated_at + interval '365 days' WHERE item_id = 1; $sql; "
		. "SELECT a.state || ' ' || b.state || ' ' || b.why FROM lpr_data.display_items(NULL, now()) AS n, lpr_data.display_items(NULL, n.holds_until - interval '1 microsecond') AS a, lpr_data.display_items(NULL, n.holds_until) AS b
			WHERE n.item_id = 1 AND a.item_id = 1 AND b.item_id = 1 AND n.live AND a.live AND NOT b.live AND n.holds_until BETWEEN now() + interval '39 days' AND now() + interval '41 days'; ROLLBACK");
	return is($seen, $expected, "$name ends it, at that moment");
}
my $in = "now() + interval '40 days'";
ends('its time', "UPDATE lpr_data.display_item SET until = $in, holds_until = $in WHERE item_id = 1", 'active expired until');
ends('its target', "UPDATE lpr_data.target SET good_until = $in WHERE target_id = 1", 'active expired target');
ends('its event', "UPDATE lpr_data.event SET ends_at = $in WHERE event_id = 1", 'active suspended event');
ends('the grant of its owner', "UPDATE lpr_data.access SET granted_at = now() - interval '9 days', ends_at = $in WHERE 'display' = ANY (modes)", 'active suspended access');
ends('a course of its owner', "UPDATE lpr_data.training SET valid_until = $in WHERE course = 'privacy'", 'active suspended training');
ends('the certification of its owner', "INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason) SELECT owner_id, now() - interval '1 minute', owner_id + 1, $in, 'x' FROM lpr_data.display WHERE display_id = 1", 'active suspended certification');
ends('its validation', "UPDATE lpr_data.display_item SET validated_until = $in, holds_until = least(holds_until, $in) WHERE item_id = 1", 'due suspended validation');
ends('the review of its display', "UPDATE lpr_data.display SET reviewed_until = $in", 'due suspended review');
ends('the examination of its display', "UPDATE lpr_data.display SET examined_until = $in", 'due expired examination');
ends('when it was looked at last', "UPDATE lpr_data.display_item SET holds_until = $in WHERE item_id = 1", 'active suspended lapse');
# What somebody does ends it at once; those who come back within the grace have theirs again.
sub stops
{
	my ($name, $sql, $expected, $back) = @_;
	my $seen = $node->answer('postgres', "BEGIN; SET LOCAL client_min_messages = warning; $sql; SELECT string_agg(live || ' ' || state || ' ' || coalesce(why, '-'), '') FROM lpr_data.display_items(NULL, clock_timestamp()) WHERE item_id = 1;"
		. ($back ? " $back; SELECT string_agg(' ' || state, '') FROM lpr_data.display_items(NULL, clock_timestamp()) WHERE item_id = 1;" : '') . ' ROLLBACK');
	return is($seen =~ s/\n//r, $expected, $name);
}
my $me = "(SELECT owner_id FROM lpr_data.display WHERE display_id = 1)";
stops('a role that is taken away', 'REVOKE lpr_user FROM analyst1', 'false suspended person active', 'GRANT lpr_user TO analyst1');
stops('a role that is apart', 'GRANT lpr_lead TO analyst1', 'false suspended person');
stops('who is removed from the event', "DELETE FROM lpr_data.event_member WHERE event_id = 1 AND person_id = $me", 'false suspended event active', "INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) VALUES (1, $me, true, $me)");
stops('who has left', "UPDATE lpr_data.person SET left_at = now() WHERE login = 'analyst1'", 'false suspended person');
stops('a login that is shared', "UPDATE lpr_data.person SET kind = 'shared' WHERE login = 'analyst1'", 'false suspended person');
stops('an event that waits for an owner', 'UPDATE lpr_data.event SET waits_since = now() WHERE event_id = 1', 'false suspended event active', 'UPDATE lpr_data.event SET waits_since = NULL WHERE event_id = 1');
stops('a new course that is required', "INSERT INTO lpr_data.course (code, title) VALUES ('harbor', 'Harbors')", 'false suspended training');
stops('an event that is closed', "UPDATE lpr_data.event SET closed_at = now(), outcome = 'found' WHERE event_id = 1", 'false expired Its event was closed.');
# Nobody's act takes it back by itself: what holds is told until the same moment as before.
is($node->answer('postgres', 'SELECT bool_and(i.holds_until = s.holds_until AND s.live) FROM lpr_data.display_items(NULL, clock_timestamp()) AS s JOIN lpr_data.display_item AS i USING (item_id)'), 't', 'what is noted is what holds');

# ---- suspended first, then expired for good ----

my ($access) = $node->answer('postgres', "SELECT access_id FROM lpr_data.access WHERE 'display' = ANY (modes)");
$node->answer('oversight1', "SELECT lpr.suspend_access($access, 'Something has to be looked at first.')");
is(states(), '1 suspended access, 2 suspended access', 'a grant that is suspended');
$node->refused('nothing is added meanwhile', 'analyst1', $watch->('target => 2'), 'A7', 'LP025');
$node->answer('oversight1', "SELECT lpr.resume_access($access, 'It was about somebody else, who has the same name, as the records office says.')");
is(states(), '1 active, 2 active', '… and resumed in time');
# Nor does an open transaction of the analyst hold up who stops them; what it held up is noted by the next sweep.
said("BEGIN; SELECT lpr.unwatch(2, 'The car was sold.')");
$node->answer('oversight1', "SELECT lpr.suspend_access($access, 'Something has to be looked at at once.')");
said('ROLLBACK');
is(states(), '1 suspended access, 2 suspended access', 'an open transaction does not hold up who stops its analyst');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.display_item WHERE holds_until > clock_timestamp(); SELECT lpr_data.renew_displays(); SELECT count(*) FROM lpr_data.display_item WHERE holds_until > clock_timestamp()'), "1\n{}\n0", '… and the next sweep notes it');
$node->answer('oversight1', "SELECT lpr.resume_access($access, 'It was about somebody else, who has the same name, as the records office says.')");
my $unwatched = $node->messages('analyst2', "SELECT lpr.unwatch(2, 'The car was sold, its new owner has nothing to do with it.')", logon => 0);
unlike($unwatched, qr/ERROR/, 'who works on the event has a plate not watched any more');
$node->refused('what has ended stays so', 'analyst1', "SELECT lpr.unwatch(2, 'The car was sold.')", 'D4', 'LP066', words => qr/display item 2 is removed/);
$node->answer('oversight1', "SELECT lpr.suspend_access($access, 'Something else has to be looked at first.')");
$node->move_clock(14 * 86400 + 60);
like(states(), qr/^1 expired/, 'two weeks later it has expired');
$node->answer('oversight1', "SELECT lpr.resume_access($access, 'It was about somebody else again, as the records office found out in the end.')");
like(states(), qr/^1 expired/, '… and does not come back');
$node->refused('nor is it let go', 'analyst1', "SELECT lpr.unwatch(1, 'It was found.')", 'D4', 'LP066', words => qr/display item 1 is expired/);
like($node->messages('postgres', "UPDATE lpr_data.display_item SET ended_at = NULL, end_kind = NULL, end_reason = NULL WHERE item_id = 1"), qr/LP034: the change of display item 1 is refused/, '… by whatever path');
is($node->answer('admin1', 'SELECT lpr.set_display_grace(30)'), '', 'the grace is a row');
like($node->messages('admin1', 'SELECT lpr.set_display_grace(31)'), qr/23514/, '… under a bound');
$node->agree_again($one);
like(said($watch->('target => 1')), qr/\A3\n/, 'to watch the plate again is a new act');

# ---- it ends with its target, its event, its display, and that is told ----

like(said("SELECT * FROM lpr.rule_out(1, 'The sedan was abroad on all these nights, by the ferry tickets.')"), qr/NOTICE: .*display item 3 has ended/, 'who rules its target out is told');
like(states(), qr/3 expired Its target was ruled out, or has ended\./, '… it has ended');
like(said($watch->('target => 2')), qr/\A4\n/, 'one more');
like(said("SELECT lpr.end_display(1, 'All cars of it were found or ruled out.')"), qr/NOTICE: .*display item 4 has ended/, 'a display is ended with what it watches');
$node->refused('nothing is added to it', 'analyst1', $watch->('target => 2'), 'D4', 'LP066', words => qr/display 1 is ended/);
is(said('SELECT count(*) FROM lpr.create_display(1, \'Scouts of the Otay Mesa loads\', \'Its scouts go before each load, and show which way it takes over the bridge.\')'), 1, 'another one');
said('SELECT lpr.confirm_display(3)');
like(said($watch->('target => 2') =~ s/watch\(1/watch(3/r), qr/\A5\n/, '… with a plate');
like(said("SELECT lpr.close_event(1, 'Two arrests, the ring was broken up.')"), qr/NOTICE: .*display item 5 has ended/, 'who closes the event is told');
is(said('SELECT string_agg(state, \' \' ORDER BY display) FROM lpr.displays'), 'ended expired', 'lpr.displays tells');
$node->refused('a display of an event that is closed', 'analyst1', 'SELECT lpr.end_display(3, \'It is over.\')', 'D4', 'LP066', words => qr/display 3 is expired/);
$node->sound('all of it');
$one->quit;
$node->stop;
done_testing();
