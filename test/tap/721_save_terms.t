# save_terms: what a save has to say (a nexus, why images), what it keeps of a read, and how far one sentence goes (E2, E2a, E3, Q3a).
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('save_terms', cache => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
my $look = 'The driver of that day can be told by them only.';

# What a statement says: its value, and its error with DETAIL and HINT.
sub says { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); $one->query('ROLLBACK') if $err =~ /ERROR/; return ($out, $err) }
sub saved { my ($sql, $expected, $name) = @_; my ($out, $err) = says($sql); return is($err =~ /ERROR: .*/ ? $& : $out, $expected, $name) || diag $err }

# A refusal, on record with its control, and the call that its hint holds.
sub refused
{
	my ($sql, $state, $control, $name) = @_;
	my $head = $node->head;
	my ($out, $err) = says($sql);

	like($err, qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state") or diag "$out\n$err";
	is($node->records_after($head, "kind = 'refused'"), "refused analyst1 $control $state", '… on record');
	return $err =~ /HINT: .*?(SELECT lpr\.save.*;)/ ? $1 : '';
}

my @ids = split /\n/, (says("SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK100' ORDER BY captured_at DESC"))[0];
is(scalar @ids, 100, 'an answer');
my $next = 0;
sub some { my ($n) = @_; $next += $n; return '{' . join(',', @ids[$next - $n .. $next - 1]) . '}' }

# ---- its nexus (E2a) ----

is(join(' ', map { (split /\|/)[0] } split /\n/, (says('SELECT * FROM lpr.nexuses ORDER BY nexus'))[0]), 'border_crosser entity_of_concern illicit_activity person_of_interest', "the document's four");
my $call = refused("SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why')", 'LP052', 'E2a', 'none');
is($call, "SELECT lpr.save(1, 'acme', '{$ids[0]}', '...why they are relevant...', nexus => 'person_of_interest');", '… the hint is the very call');
refused("SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', nexus => '$_')", 'LP052', 'E2a', "'$_'") for 'unstated', 'other', '', 'PERSON_OF_INTEREST';
my $each = refused("SELECT lpr.save_each(1, 'acme', '{\"$ids[0]\": \"$why\"}')", 'LP052', 'E2a', 'none of save_each');
saved($call =~ s/\.\.\.why they are relevant\.\.\./$why/r, 1, 'that call saves');
saved($each =~ s/\.\.\.why this one\.\.\./$why/r =~ s/\Q$ids[0]\E/$ids[1]/r, 1, '… and that of save_each');
saved("SELECT lpr.save(1, 'acme', '{$ids[2]}', 'Crossed at Otay Mesa an hour before the other car did.', 'border_crosser')", 1, 'another one');
$next = 3;
saved('SELECT nexus, count(*) FROM lpr.event_reads(1) GROUP BY 1 ORDER BY 1', "border_crosser|1\nperson_of_interest|2", 'it is shown with each read');
is($node->answer('oversight1', "SELECT string_agg(payload->'new'->>'nexus', ' ' ORDER BY number) FROM lpr.audit(kind => 'change') WHERE payload->>'table' = 'lpr_data.save'"), 'person_of_interest person_of_interest border_crosser', '… and on record');
like($node->answer('oversight1', "SELECT string_agg(payload->>'what', '; ' ORDER BY number) FROM lpr.audit() WHERE kind = 'ask' AND mode = 'saved'"), qr/save 1 reads of acme, border_crosser/, '… with the question to the gate');
is($node->answer('postgres', "INSERT INTO lpr_data.save (event_id, person_id, schedule_id) SELECT event_id, person_id, schedule_id FROM lpr_data.save LIMIT 1 RETURNING nexus"), 'unstated', 'what an older version saved is restored as unstated');
like($node->messages('postgres', "INSERT INTO lpr_data.nexus VALUES ('$_', 'x', 'y', true)"), $_ eq 'other' ? qr/nexus_nexus_check/ : qr/nexus_pkey/, "nobody adds one: $_") for 'other', 'illicit_activity';
like($node->messages('postgres', "INSERT INTO lpr_data.save (event_id, person_id, schedule_id, nexus) SELECT event_id, person_id, schedule_id, 'other' FROM lpr_data.save LIMIT 1"), qr/save_nexus_fkey/, '… nor saves by one that there is not');
like($node->messages('postgres', "UPDATE lpr_data.nexus SET title = 'Other'"), qr/LP034/, '… or changes one');

# ---- what it keeps (E3) ----

my $optional = 'count(plate_region), count(plate_as_read), count(address), count(camera_id), count(camera_owner), count(camera_type), count(make), count(model), count(color), count(confidence), count(matched_how), count(plate_image), count(vehicle_image)';
saved("SELECT bool_and(plate = 'BULK100'), count(captured_at), count(latitude), count(longitude), count(place_certainty), $optional FROM lpr.event_reads(1, with_images => true)", 't|3|3|3|3' . '|0' x 13, 'by default plate, time and place, and nothing else');
saved("SELECT lpr.save(1, 'acme', '${\some(1)}', '$why', 'illicit_activity', fields => '{make,color}')", 1, 'more when chosen');
saved("SELECT count(make), count(color), count(model), count(camera_owner) FROM lpr.event_reads(1)", '1|1|0|0', '… and no more than that');
saved("SELECT lpr.save(1, 'acme', '${\some(1)}', '$why', 'illicit_activity', fields => NULL)", 1, 'NULL chooses nothing');
saved('SELECT count(make) FROM lpr.event_reads(1)', 1, '… of what would be kept');

# ---- images (Q3a) ----

$call = refused("SELECT lpr.save(1, 'acme', '{$ids[$next]}', '$why', 'illicit_activity', with_images => true)", 'LP043', 'Q3a', 'images without a reason');
refused("SELECT lpr.save(1, 'acme', '{$ids[$next]}', '$why', 'illicit_activity', why_images => '$_')", 'LP043', 'Q3a', "images: '$_'") for '', 'images', 'the photos are needed for the investigation', $why, "Photo: $why";
refused("SELECT lpr.save_each(1, 'acme', '{\"$ids[$next]\": \"$why\"}', 'illicit_activity', with_images => true)", 'LP043', 'Q3a', '… by save_each');
saved('SELECT count(*) FROM lpr_data.image', 'ERROR:  42501: permission denied for schema lpr_data', 'nobody looks at the images');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.image'), 0, '… of which there are none so far');
saved($call =~ s/\.\.\.why they are relevant\.\.\./$why/r =~ s/\.\.\.why they are needed\.\.\./$look/r, 1, "the hint's call saves them");
saved("SELECT why_images = '$look', plate_image IS NOT NULL, vehicle_image IS NOT NULL FROM lpr.event_reads(1, with_images => true) WHERE read_id = '$ids[$next]'", 't|t|t', '… and why stands with them');
saved("SELECT count(why_images) FROM lpr.event_reads(1) WHERE read_id <> '$ids[$next]'", 0, '… with no other');
$next++;

# ---- one sentence (E2) ----

my $served = 5; # of $why so far
saved("SELECT count(*) FROM lpr.event_reads(1) WHERE relevance = '$why'", $served, 'a sentence has served some reads');
$call = refused("SELECT lpr.save(1, 'acme', '{" . join(',', @ids[$next .. $next + 25 - $served]) . "}', '$why', 'illicit_activity')", 'LP061', 'E2', 'one too many, with those of before');
like($call, qr/\ASELECT lpr\.save_each\(1, 'acme', '\{"\Q$ids[$next]\E": "\.\.\.why this one\.\.\.", "\Q$ids[$next + 1]\E": "\.\.\.why this one\.\.\.", \.\.\.\}', nexus => 'illicit_activity'\);\z/, '… the hint is the call that gives each its own');
saved('SELECT count(*) FROM lpr.event_reads(1)', $served + 1, '… nothing of it was saved');
refused("SELECT lpr.save(1, 'acme', '{" . join(',', @ids[$next .. $next + 25]) . "}', 'They stand in a row behind the warehouse at dawn.', 'illicit_activity')", 'LP061', 'E2', '26 in one call');
refused("SELECT lpr.save_each(1, 'acme', '{" . join(', ', map { qq("$_": "They stand in a row behind the warehouse at dawn.") } @ids[$next .. $next + 25]) . "}', 'illicit_activity')", 'LP061', 'E2', '… each with the same');
my $row = some(25);
saved("SELECT lpr.save(1, 'acme', '$row', 'They stand in a row behind the warehouse at dawn.', 'illicit_activity')", 25, '25 in one call');
saved("SELECT lpr.save(1, 'acme', '$row', 'They stand in a row behind the warehouse at dawn.', 'illicit_activity')", 0, '… and again: what is saved is not saved twice');
refused("SELECT lpr.save(1, 'acme', '{$ids[$next]}', '$_', 'illicit_activity')", 'LP061', 'E2', "the same sentence once more: $_") for 'They stand in a row behind the warehouse at dawn.', '  they stand in a ROW behind the warehouse - at dawn';
saved("SELECT lpr.save(1, 'acme', '{$ids[$next]}', 'This one stands alone, and its driver talks to the guard.', 'illicit_activity')", 1, 'another sentence');
$next++;
saved("SELECT lpr.save_each(1, 'acme', '{" . join(', ', map { qq("$ids[$next + $_ - 1]": "Stop number $_ of the route that the informant drew.") } 1 .. 30) . "}', 'illicit_activity')", 30, 'as many as one likes, with a reason each');
$next += 30;
my $other = $node->answer('analyst1', "SELECT lpr.open_event('Another matter', 'contraband', 'title_19', 'SD-2026-00999', 'A second courier of the same people drives a grey truck; its routes have to be found.')");
$node->make_targets('lpr');
says("SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK100' AND event_id = $other");
saved("SELECT lpr.save($other, 'acme', '{$ids[$next]}', 'They stand in a row behind the warehouse at dawn.', 'illicit_activity')", 1, 'of another event it serves others');

# Two who save side by side: the second sees what the first has saved; a transaction that could not is refused.
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
my ($two) = $node->session('analyst2', event => 1);
$node->converse($two, 'SELECT lpr.work_on(1)');
is(($node->converse($two, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK100'"))[0], 100, 'a member has asked as well');
my @left = @ids[$next .. $next + 25];
$one->query('BEGIN');
saved("SELECT lpr.save(1, 'acme', '{" . join(',', @left[0 .. 12]) . "}', 'Both of us saw the same grey truck from the bridge.', 'illicit_activity')", 13, 'one saves 13');
$two->{stderr} = '';
$node->send_sql($two, "SELECT lpr.save(1, 'acme', '{" . join(',', @left[13 .. 25]) . "}', 'Both of us saw the same grey truck from the bridge.', 'illicit_activity')");
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'analyst2' AND wait_event_type = 'Lock'") == 1 }), '… the other, who saves as many beside, waits');
$one->query('COMMIT');
$two->query('');
like($two->{stderr}, qr/ERROR: +LP061: one sentence would serve 26 reads/, '… and is refused');
$node->converse($two, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.events');
my ($out, $err) = $node->converse($two, "SELECT lpr.save(1, 'acme', '{$left[13]}', 'Both of us saw the same grey truck from the bridge.', 'illicit_activity')");
like($err, qr/ERROR: +25001: /, 'with a snapshot of before nothing is saved') or diag $out;
$two->query('ROLLBACK');

$_->quit for $one, $two;
$node->sound('in the end');
done_testing();
