# event_steps: why something was done with an event, or a saved read taken off, stays: in a row under its schedule, and by digest in the log (E3, E4, U4).
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('event_steps', cache => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';

my @ids = split /\n/, ($node->converse($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' ORDER BY captured_at DESC"))[0];
is(($node->converse($one, "SELECT lpr.save(1, 'acme', '{$ids[0],$ids[1]}', '$why', 'illicit_activity')"))[0], 2, 'two reads are saved');
my @saved = split /\n/, ($node->converse($one, 'SELECT saved_id FROM lpr.event_reads(1) ORDER BY 1'))[0];

# The last step, as somebody sees it.
my $last = "SELECT by_login, action, coalesce(about, saved_id::text), reason FROM lpr.event_steps WHERE event = 1 ORDER BY at DESC LIMIT 1";
sub step
{
	my ($login, $sql, $expected, $name) = @_;
	my $head = $node->head;

	$node->answer($login, $sql, logon => 0) if $login ne 'analyst1';
	$node->converse($one, $sql) if $login eq 'analyst1';
	is($node->answer('analyst1', $last, logon => 0), $expected, $name);
	my ($word) = $expected =~ /(\w*ZEBRA\w*)/;
	return unless $word;
	# The log has a digest of it, which the row explains; the word itself is nowhere in the log.
	is($node->answer('postgres', "SELECT count(DISTINCT a.number) > 0 FROM lpr_data.audit AS a, lpr_data.event_step AS s WHERE a.number > $head AND a.kind = 'change' AND a.payload::jsonb->>'table' = 'lpr_data.event_step' AND s.reason ~ '$word'
		AND a.payload::jsonb->'new'->'reason'->>'digest' = lpr_data.text_digest(s.text_salt, 'reason', s.reason)"), 't', '… by its digest on record');
	return is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE '%$word%'"), 0, '… and in no record by itself');
}

step('analyst1', "SELECT lpr.unsave($saved[0], 'It is the twin of the car, ZEBRAONE by its badge.')", "analyst1|unsave|$saved[0]|It is the twin of the car, ZEBRAONE by its badge.", 'a read is taken off');
step('analyst1', "SELECT lpr.add_member(1, 'analyst2', 'Knows the harbour, ZEBRATWO.')", 'analyst1|add_member|analyst2|Knows the harbour, ZEBRATWO.', 'a member comes');
step('analyst1', "SELECT lpr.remove_member(1, 'analyst2', 'Went to another team, ZEBRATHREE.')", 'analyst1|remove_member|analyst2|Went to another team, ZEBRATHREE.', '… and goes');
step('analyst1', "SELECT lpr.add_member(1, 'analyst2')", 'analyst1|add_member|analyst2|', 'without a reason');
step('analyst1', "SELECT lpr.add_member(1, 'analyst2', 'Once more.')", 'analyst1|add_member|analyst2|', 'who is a member already is not added');
like(($node->converse($one, "SELECT lpr.$_"))[1], qr/ERROR: +LP043/, "an empty reason: $_") for "add_member(1, 'analyst2', ' ')", "remove_member(1, 'analyst2', '')";
like(($node->converse($one, "SELECT lpr.transfer_event(1, 'analyst2', 'because')"))[1], qr/ERROR: +LP043/, 'a transfer for no reason');
step('analyst1', "SELECT lpr.transfer_event(1, 'analyst2', 'The case went over to the fugitive team, ZEBRAFOUR.')", 'analyst1|transfer|analyst2|The case went over to the fugitive team, ZEBRAFOUR.', 'the owner hands over');
step('supervisor1', "SELECT lpr.hand_over('analyst2', 'analyst1', 'She is on leave from Monday on, ZEBRAFIVE.')", 'supervisor1|transfer|analyst1|She is on leave from Monday on, ZEBRAFIVE.', 'a supervisor hands over all');
my $number = $node->answer('postgres', "SELECT max(number) FROM lpr_data.audit WHERE kind = 'change' AND payload::jsonb->>'table' = 'lpr_data.event_step'");
is($node->answer('oversight1', "SELECT said, proved FROM lpr.recorded_texts($number) WHERE \"column\" = 'reason'"), 'She is on leave from Monday on, ZEBRAFIVE.|t', 'oversight reads it by the record');

# Who sees it.
is($node->answer('supervisor1', 'SELECT count(*), count(reason) FROM lpr.event_steps WHERE event = 1', logon => 0), '6|0', 'a supervisor sees what was done');
is($node->answer('supervisor1', "SELECT code FROM lpr.rules() \\gset logon_\nSELECT lpr.accept_rules(:'logon_code') AS code \\gset logon_\nSELECT count(*), bool_and(said ~ 'ZEBRA') FROM lpr.event_reasons(1) WHERE what IN ('unsave', 'transfer', 'add_member', 'remove_member')", logon => 0), '5|t', '… and why by a call that is on record');
is($node->answer('analyst2', 'SELECT count(reason) FROM lpr.event_steps WHERE event = 1', logon => 0), 5, '… which a member sees');
$node->converse($one, "SELECT lpr.remove_member(1, 'analyst2')");
is($node->answer('analyst2', 'SELECT count(*) FROM lpr.event_steps WHERE event = 1', logon => 0), 0, 'nobody else sees any');
like($node->messages('analyst1', 'SELECT * FROM lpr_data.event_step'), qr/permission denied/, '… and nobody the table');

# What holds for a row.
my $row = 'INSERT INTO lpr_data.event_step (event_id, person_id, action, about, saved_id, reason) VALUES (1, 1';
like($node->messages('postgres', "$row, $_->[0])"), qr/$_->[1]/, "… refused: $_->[0]") for [ "'unsave', NULL, 7, NULL", 'taken_off_for_a_reason' ], [ "'unsave', 1, 7, 'x'", 'about_a_person_or_a_read' ], [ "'transfer', NULL, NULL, 'x'", 'about_a_person_or_a_read' ],
	[ "'other', 1, NULL, 'x'", 'event_step_action_check' ], [ "'transfer', 1, NULL, ' '", 'event_step_reason_check' ];
like($node->messages('postgres', $_), qr/LP034/, "… $_") for "UPDATE lpr_data.event_step SET reason = 'x'", 'TRUNCATE lpr_data.event_step';
is($node->answer('postgres', "SELECT count(*), count(DISTINCT schedule_id), bool_and(schedule_id = (SELECT max(schedule_id) FROM lpr_data.save)) FROM lpr_data.event_step"), '8|1|t', 'each is kept by a schedule');

# Who leaves says nothing; what becomes of their events is noted all the same.
$node->answer('admin1', "SELECT lpr.retire_person('analyst1', 'analyst2')");
is($node->answer('analyst2', $last, logon => 0), 'admin1|transfer|analyst2|', 'events of who leaves go to an heir');

$one->quit;
$node->sound('in the end');
done_testing();
