# correction: what people find to be wrong in a saved read stands beside what the vendor told; a plate takes two people (G1).
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('correction', cache => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my ($two) = $node->session('analyst2');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
my $saw = 'The image shows another last character quite clearly.';
my $also = 'By its frame and sticker it is the plate of the other car.';

sub refused
{
	my ($session, $sql, $state, $control, $words, $name) = @_;
	my $head = $node->head;
	my ($out, $err) = $node->converse($session, $sql);

	like($err, qr/ERROR: +$state: [^\n]*$words.*\nDETAIL: .*\nHINT: /s, "$name: $state") or diag "$out\n$err";
	return like($node->records_after($head, "kind = 'refused'"), qr/ \Q$control $state\E/, '… on record');
}

my @ids = split /\n/, ($node->converse($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' ORDER BY captured_at DESC"))[0];
is(($node->converse($one, "SELECT lpr.save(1, 'acme', '{$ids[0],$ids[1]}', '$why', 'illicit_activity', fields => '{make,plate_region,confidence,matched_how,plate_as_read}')"))[0], 2, 'two reads are saved');
my ($id) = ($node->converse($one, "SELECT saved_id FROM lpr.event_reads(1) WHERE read_id = '$ids[0]'"))[0];
my $shown = "SELECT plate, plate_as_read IS NOT NULL, confidence IS NOT NULL, matched_how, coalesce(corrected_plate, '-') FROM lpr.event_reads(1) WHERE saved_id = $id";
my $said = sub { my ($key) = @_; return ($node->converse($one, "SELECT corrected->'plate'->>'$key' FROM lpr.event_reads(1) WHERE saved_id = $id"))[0] };
my $before = ($node->converse($one, $shown))[0];
is($before, 'BULK20|t|t|exact|-', 'as the vendor told it');

# ---- one person ----

my (undef, $notice) = $node->converse($one, "SELECT lpr.correct($id, 'plate', 'bulk-2q', '$saw')");
my ($call) = $notice =~ /NOTICE:.*second person.*HINT: .*?(SELECT lpr\.confirm_correction\(.*?;)/s;
is($call, "SELECT lpr.confirm_correction($id, 'plate', 'BULK2Q', '...how you know...');", 'a plate is proposed, and told who confirms it by what') or diag $notice;
$call =~ s/\.\.\.how you know\.\.\./$also/;
is(($node->converse($one, $shown))[0], $before, '… nothing is corrected by one person');
is($said->('proposed') . ' ' . $said->('proposed_by') . ' ' . $said->('waits_for'), 'BULK2Q analyst1 a second person', '… what waits is shown');
is($said->('value'), '', '… as no value');
refused($one, $call, 'LP033', 'G1', qr/you proposed/, 'confirmed by oneself');
like($node->messages('postgres', "UPDATE lpr_data.correction SET confirmed_at = now(), confirmed_by = person_id, confirm_reason = 'x'"), qr/confirmed_by_somebody_else/, '… not even by a superuser');
like($node->messages('postgres', "UPDATE lpr_data.correction SET confirmed_at = now()"), qr/confirmed_as_a_whole/, '… nor in part');
like($node->messages('postgres', "UPDATE lpr_data.correction SET value = 'BULK21'"), qr/LP034/, '… nor another value');
refused($two, $call, 'LP041', 'E4', qr/not of an event of yours/, 'by somebody who does not work on the event');

# ---- two people ----

$node->converse($one, "SELECT lpr.add_member(1, 'analyst2')");
refused($two, "SELECT lpr.confirm_correction($id, 'plate', 'BULK2O', '$also')", 'LP034', 'G1', qr/no such correction/, 'another value than the one proposed');
refused($two, "SELECT lpr.confirm_correction($id, 'make', 'HONDA', '$also')", 'LP034', 'G1', qr/no such correction/, 'a field that nobody corrected');
refused($two, "SELECT lpr.confirm_correction($id, 'plate', 'BULK2Q', '$_')", 'LP043', 'G1', qr/says nothing/, "a reason: '$_'") for 'because', $saw;
is(($node->converse($two, $call))[1], '', 'a second person confirms it');
is(($node->converse($one, $shown))[0], $before =~ s/-\z/BULK2Q/r, "the vendor's plate, confidence and match stay where they are; the right plate is in its own column");
is(join(' ', map { $said->($_) } qw(original value by confirmed_by)), 'BULK20 BULK2Q analyst1 analyst2', '… with who says so');
refused($two, $call, 'LP034', 'G1', qr/no such correction/, 'confirmed twice');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change' AND payload::jsonb->>'table' = 'lpr_data.correction' AND payload::jsonb->'new'->>'confirmed_by' IS NOT NULL"), 1, 'it is on record');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind <> 'refused' AND payload !~ 'lpr_data.target' AND payload ~ 'BULK2Q|frame and sticker|another last character'"), 0, '… without what was said');
is(($node->converse($two, "SELECT plate FROM lpr.event_reads(1) WHERE saved_id <> $id"))[0], 'BULK20', 'the other read is as it was');

# A newer proposal waits beside what stands; another region is another vehicle, too; a make takes one.
$node->converse($two, "SELECT lpr.correct($id, 'plate', 'BULK2D', '$saw')");
is(join(' ', map { $said->($_) } qw(value proposed proposed_by)), 'BULK2Q BULK2D analyst2', 'a newer proposal waits beside what stands');
is(($node->converse($one, "SELECT corrected_plate FROM lpr.event_reads(1) WHERE saved_id = $id"))[0], 'BULK2Q', '… which counts until then');
$node->converse($one, "SELECT lpr.correct($id, 'plate_region', 'nevada', '$saw')");
is(($node->converse($one, "SELECT plate_region <> 'NV', corrected->'plate_region'->>'proposed', corrected->'plate_region' ? 'value' FROM lpr.event_reads(1) WHERE saved_id = $id"))[0], 't|NV|f', 'a region waits as well');
is(($node->converse($two, "SELECT lpr.confirm_correction($id, 'plate_region', 'Nev.', '$also')"))[1], '', '… and is confirmed in another spelling');
is(($node->converse($one, "SELECT plate_region <> 'NV', corrected->'plate_region'->>'value' FROM lpr.event_reads(1) WHERE saved_id = $id"))[0], 't|NV', '… beside what the vendor told');
is(($node->converse($one, "SELECT lpr.correct($id, 'make', 'honda', '$saw')"))[1], '', 'a make takes one person');
is(($node->converse($one, "SELECT make <> 'HONDA', corrected->'make'->>'value' FROM lpr.event_reads(1) WHERE saved_id = $id"))[0], 't|HONDA', '… and stands beside what the vendor told, too');

$_->quit for $one, $two;
$node->sound('in the end');
done_testing();
