# display_review: what is watched is looked at again: by its owner one by one, as a whole, by management (D3, D5).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('review', targets => 0, world => 1);
$node->grant('analyst1', modes => 'plate,display');
my ($one) = $node->session('analyst1');
sub said { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); return join "\n", grep { $_ ne '' } $out, $err }
sub state { my ($item, $when) = @_; return $node->answer('postgres', "SELECT state || coalesce(' ' || why, '') FROM lpr_data.display_items(NULL, " . ($when // 'clock_timestamp()') . ") WHERE item_id = $item") }
my $watch = sub { my ($display, $target, $reason) = @_; return "SELECT lpr.watch($display, $target, reason => '$reason', until => now() + interval '2 years')" };
said("SELECT * FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')");
said('SELECT lpr.confirm_display(1)');
said("SELECT lpr.extend_event(1, now() + interval '360 days', 'The next load is expected within the year, as the informant says.')");
said($watch->(1, 1, 'Officers saw this car lead the van to the yard on both nights of the last loads.'));
said($watch->(1, 2, 'This car waits for the sedan at the crossing, and shows where it goes next.'));
is(state(1) . ', ' . state(2), 'active, active', 'two items');

# ---- one by one, each with a reason of its own (D3) ----

my $valid = sub { my ($item, $reason, $finding) = @_; return "SELECT lpr.validate_item($item, '" . ($finding // 'subject_sought') . "', '$reason')" };
my $still = 'The sedan led another load on the ninth, and its driver is still sought by the team.';
like(said($valid->(1, $still)), qr/\A20\d\d-/, 'an item is validated');
is($node->answer('postgres', 'SELECT validated_until - validated_at FROM lpr_data.display_item WHERE item_id = 1'), '365 days', '… for 365 days');
$node->refused('a reason pasted', 'analyst1', $valid->(2, $still), 'D3', 'LP043', words => qr/you gave this reason before/);
$node->refused('… in other letters and signs', 'analyst1', $valid->(2, uc($still) =~ s/,/ - 12:/r), 'D3', 'LP043', words => qr/before/);
$node->refused('a reason that says nothing', 'analyst1', $valid->(2, 'still relevant'), 'D3', 'LP043');
$node->faulty('no finding', 'analyst1', $valid->(2, 'It waits at the crossing still, as the camera of the harbour showed on Monday.', 'hunch'), '22023', qr/"hunch" does not exist/);
$node->refused('by somebody else', 'analyst2', $valid->(2, 'It waits at the crossing still, as the camera of the harbour showed on Monday.'), 'E4', 'LP041');
$node->refused('several in a statement', 'analyst1', q{SELECT lpr.validate_item(i, 'subject_sought', r) FROM (VALUES (1, 'The driver was seen in the sedan again, near the yard of the loads.'), (2, 'This car waited on both nights before the sedan came over the bridge.')) AS v (i, r)}, 'D3', 'LP067', words => qr/has validated an item already/);
$node->refused('… or in a message', 'analyst1', q{SELECT lpr.validate_item(1, 'subject_sought', 'The driver was seen in the sedan again, near the yard of the loads.') \; SELECT lpr.validate_item(2, 'subject_sought', 'This car waited on both nights before the sedan came over the bridge.')}, 'D3', 'LP067');
like($node->messages('postgres', q{INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, person_id, reason)
	SELECT event_id, display_id, owner_id, item_id, 'validate', 'subject_sought', owner_id, 'x' FROM lpr_data.display_item}), qr/23505.*display_step_one_a_statement/, '… by whatever path');
like($node->messages('postgres', "UPDATE lpr_data.display_item SET validated_at = clock_timestamp(), validated_until = clock_timestamp() + interval '365 days' WHERE item_id = 2"), qr/LP034: the change of display item 2 is refused/, 'nor is a row put off without it');
like(said($valid->(2, 'This car waited on both nights before the sedan came over the bridge.', 'associate_involved')), qr/\A20\d\d-/, 'the second, by itself');
# Twenty reasons later the first may be used again.
$node->answer('postgres', q{INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, said_at, person_id, reason)
	SELECT event_id, display_id, owner_id, item_id, 'validate', 'subject_sought', clock_timestamp() - n * interval '1 minute', owner_id, 'x' || chr(96 + n) FROM lpr_data.display_item, generate_series(1, 18) AS n WHERE item_id = 1});
$node->refused('of the last twenty', 'analyst1', $valid->(1, $still), 'D3', 'LP043', words => qr/before/);
$node->answer('postgres', q{INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, said_at, person_id, reason)
	SELECT event_id, display_id, owner_id, item_id, 'validate', 'subject_sought', clock_timestamp() - interval '1 hour', owner_id, 'y' FROM lpr_data.display_item WHERE item_id = 1});
like(said($valid->(1, $still)), qr/\A20\d\d-/, '… and no more');

# ---- management, every quarter (D5) ----

my $review = sub { my ($findings, $reason, $display) = @_; return 'SELECT lpr.review_display(' . ($display // 1) . ", '$findings', '" . ($reason // 'Looked at both cars with the case file of the loads, and at what the team did about them.') . "')" };
my $both = '{"1": "subject_sought", "2": "associate_involved"}';
my $boss = LprTest::consent() . ' ';
$node->refused('nobody reviews their own', 'analyst1', $review->($both), 'D5', 'LP033');
$node->refused('before the rules are agreed to', 'supervisor1', $review->($both), 'A5', 'LP028');
$node->refused('not all items', 'supervisor1', $boss . $review->('{"1": "subject_sought"}'), 'D5', '22023', words => qr/not those of all items/);
$node->refused('… or others', 'supervisor1', $boss . $review->('{"1": "subject_sought", "2": "located", "3": "located"}'), 'D5', '22023');
$node->faulty('no findings', 'supervisor1', $boss . $review->('[1, 2]'), '22023', qr/JSON object/);
$node->faulty('no finding', 'supervisor1', $boss . $review->('{"1": "hunch", "2": "located"}'), '22023', qr/"hunch"/);
$node->refused('without saying what was looked at', 'supervisor1', $boss . $review->($both, 'ok'), 'D5', 'LP043');
$node->hire('boss2', 'lpr_supervisor');
$node->refused('by another supervisor', 'boss2', $boss . $review->($both), 'D5', 'LP033', words => qr/of nobody whom you supervise/);
# A deputy who works on the event has a part in it, and so has one in whose stead.
$node->answer('supervisor1', "SELECT lpr.deputise('supervisor1', 'analyst2', now() + interval '9 days', 'Away for a week, the reviews of the team do not wait.')");
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
$node->refused('by a deputy who works on its event', 'analyst2', LprTest::consent() . ' ' . $review->($both), 'D5', 'LP033', words => qr/you work on event 1 yourself/);
$node->answer('analyst1', "SELECT lpr.remove_member(1, 'analyst2')");
$node->answer('analyst2', LprTest::consent() . ' ' . $review->($both));
is($node->answer('postgres', "SELECT string_agg(p.login || ' for ' || f.login || coalesce(' ' || s.finding, ''), ', ' ORDER BY step_id) FROM lpr_data.display_step AS s JOIN lpr_data.person AS p USING (person_id) JOIN lpr_data.person AS f ON f.person_id = s.acted_for WHERE s.action = 'review'"),
	'analyst2 for supervisor1, analyst2 for supervisor1 subject_sought, analyst2 for supervisor1 associate_involved', 'a deputy who does not reviews it, on record in whose stead');
my $ends = $node->messages('supervisor1', $boss . $review->('{"1": "subject_sought", "2": "not_relevant"}', 'The second car was sold in spring, as its registration shows, the first one is still in use.'), logon => 0);
like($ends, qr/NOTICE: .*no longer watched: item 2/, 'what is found no longer relevant ends at once');
is(state(1) . ', ' . state(2) =~ s/ .*//r, 'active, not_relevant', '… and the other goes on');
$node->refused('nor is it validated any more', 'analyst1', $valid->(2, 'It was seen again by the patrol, before the bridge.'), 'D4', 'LP066');

# ---- what is missed: told 30, 7 and 1 days before, suspended, expired ----

sub mails { return $node->answer('postgres', "SELECT coalesce(string_agg(p.login || ' ' || m.kind || ' ' || (regexp_match(m.key, '[^:]*\$'))[1], ', ' ORDER BY m.mail_id), '') FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE m.kind IN ('items_due', 'display_due', 'review_due')") }
my $remind = sub { $node->answer('postgres', 'SELECT lpr_data.remind()'); return mails() };
is($remind->(), '', 'nothing is due yet');
my $due = '(SELECT reviewed_until FROM lpr_data.display WHERE display_id = 1)';
$node->clock_to($due, -29 * 86400);
is($remind->(), 'supervisor1 review_due 30', 'a supervisor is told of a review 30 days before');
is(state(1), 'due', '… and the item is due');
like($node->answer('postgres', "SELECT string_agg(kind, ',') FROM lpr_data.mail WHERE kind = 'display_month'"), qr/^display_month(,display_month)*$/, '… and its owner told each month what it watches');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.mail WHERE kind ~ 'display|item|review_due' AND (subject || body) ~ '7ABC123|Otay'"), 0, '… without plate or title');
$node->clock_to($due, -6 * 86400);
$node->clock_to($due, -3600) if $remind->() eq 'supervisor1 review_due 30, supervisor1 review_due 7';
is($remind->(), join(', ', map { "supervisor1 review_due $_" } 30, 7, 1), '… 7 days before, and one');
$node->agree_again($one);
like(said('SELECT to_do FROM lpr.displays'), qr/to be reviewed by a supervisor by 20/, 'lpr.displays tells the same');
$node->clock_to($due, 60);
is(state(1), 'suspended review', 'a review that was missed suspends');
is(said('SELECT state FROM lpr.displays'), 'suspended', '… the whole display');
$node->agree_again($one);
$node->refused('… to which nothing is added', 'analyst1', $watch->(1, 2, 'It was seen again by the patrol, right before the bridge.'), 'D4', 'LP066', words => qr/suspended/);
$node->answer('supervisor1', $boss . $review->('{"1": "subject_sought"}', 'The sedan is still in use, and was seen with the lorry of the last load a week ago.'));
is(state(1), 'active', '… until it is reviewed, in time');
$node->clock_to($due, 14 * 86400 + 60);
is(state(1), 'expired review', 'after the grace it has expired');
$node->refused('… and is reviewed no more', 'supervisor1', $boss . $review->('{"1": "subject_sought"}', 'The sedan is still in use by the same people, as the patrol of the bridge wrote.'), 'D4', 'LP066', words => qr/display 1 is expired/);
$node->agree_again($one);
$node->refused('nor examined', 'analyst1', "SELECT lpr.examine_display(1, 'Its cars are those of the loads still, as the last one showed.')", 'D4', 'LP066');

# The whole, once a year: then it has expired as a whole, and nobody brings it back.
said("SELECT * FROM lpr.create_display(1, 'Scouts of the Otay Mesa loads', 'Its scouts go before each load, and show which way it takes over the bridge.')");
said('SELECT lpr.confirm_display(2)');
like(said("SELECT lpr.examine_display(2, 'It is new, and its scouts were seen on the last night of the loads.')"), qr/\A20\d\d-/, 'a display is examined as a whole');
$node->refused('by its owner', 'analyst2', "SELECT lpr.examine_display(2, 'It is new, and its scouts were seen on the last night of the loads.')", 'E4', 'LP041');
like(said($watch->(2, 2, 'It was seen again by the patrol, right before the bridge.')), qr/\A3\n/, 'an item of it');
is(state(3, "(SELECT examined_until FROM lpr_data.display WHERE display_id = 2)") =~ s/ .*//r, 'expired', 'a year after that it has expired, whatever else');
is(said($valid->(3, 'It was found in the yard of the loads, its driver was arrested there.', 'located')), '', 'a finding that does not keep an item ends it');
is(state(3), 'not_relevant It was found in the yard of the loads, its driver was arrested there.', '… at once');
$node->sound('all of it');
$one->quit;
$node->stop;
done_testing();
