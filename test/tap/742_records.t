# records: what is about people goes as saved reads do: a matter that ran out counts as closed; events, access, training, mails and who left have schedules, and are
# destroyed by two people, out of the files as well, unless a legal hold stands (preload.c plays the clock).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('records', conf => "autovacuum = off\n", world => 1);
$node->clock_to_noon;
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;

my $why = 'The courier of that night drives it, by the log of the officer on duty';
my $compared = 'Compared with the schedule as the archivist published it, page 12.';
my $over = 'Its period is over, and nobody asked for it to be kept any longer.';

sub days_on { my ($days) = @_; $node->move_clock($days * 86400); $node->await_cache; return }
sub is_answer { my ($login, $sql, $expected, $name) = @_; return is($node->answer($login, $sql, logon => 0), $expected, $name) }
sub in_files
{
	my ($text) = @_;

	$node->safe_psql('postgres', 'CHECKPOINT');
	return (grep { system('grep', '-rqaF', $text, $node->data_dir . "/$_") == 0 } qw(base global pg_tblspc)) ? 'in files' : 'gone';
}
sub in_table
{
	my ($table, $text) = @_;
	my $file = $node->answer('postgres', "SELECT pg_relation_filepath('lpr_data.$table')");

	$node->safe_psql('postgres', 'CHECKPOINT');
	return system('grep', '-qaF', $text, $node->data_dir . "/$file") == 0 ? 'in files' : 'gone';
}
sub in_log { my ($text) = @_; return $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE '%$text%'") }
sub number_of { my ($login) = @_; return $node->answer('postgres', "SELECT person_id FROM lpr_data.person WHERE login = '$login'") }
sub schedule
{
	my ($records, $period) = @_;
	my $schedule = $node->answer('records1', "SELECT lpr.propose_schedule('$records', '$period', 'Taken from the schedule of the agency, as of this year.')");

	$node->answer($_, "SELECT lpr.verify_schedule($schedule, '$compared')") for qw(records1 records2);
	return $schedule;
}
sub listed { my ($list) = @_; return $node->answer('records1', "SELECT string_agg(kind || ' ' || key || ' ' || records || ' ' || state, ', ' ORDER BY kind, key) FROM lpr.disposal_parts WHERE disposal = " . ($list || 0), logon => 0) }
sub kept { my ($table, $where) = @_; return $node->answer('postgres', "SELECT count(*) FROM lpr_data.$table WHERE $where") }

# ---- schedules ----

is_answer('analyst1', "SELECT string_agg(records || ' ' || state, ', ' ORDER BY schedule) FROM lpr.schedules WHERE schedule BETWEEN 5 AND 100",
	'ACCESS without a period, TRAINING without a period, PEOPLE without a period, MAIL without a period, LOG without a period', 'what comes with lpr is citations without periods');
is_answer('records1', "SELECT string_agg(kind || ': ' || waits_for, ', ' ORDER BY kind) FROM lpr.records_kept()", 'access: a verified schedule, event: its time, training: a verified schedule', 'nothing goes without a schedule');
$node->refused('an analyst looks', 'analyst1', 'SELECT * FROM lpr.records_kept()', 'E10', 'LP033');
$node->faulty('a period that runs from when it was made', 'records1', "SELECT lpr.propose_schedule('TRAINING', '1 year', '$compared', runs_from => 'saved')", '22023', qr/not a schedule/);
$node->faulty('a period that does not wait for the end', 'records1', "SELECT lpr.propose_schedule('MAIL', '1 year', '$compared', life_of_matter => false)", '22023', qr/not a schedule/);
$node->answer('records1', "SELECT lpr.propose_schedule('TRAINING', '1 day', 'Taken from the schedule of the agency, as of this year.')");
is_answer('postgres', "SELECT lpr_data.schedule_in_force('TRAINING') IS NULL", 't', 'one that nobody verified is not used');

# ---- a matter that ran out ----

sub matter
{
	my ($mark, $until) = @_;
	return $node->answer('analyst1', "SELECT lpr.open_event('Courier of the night $mark', 'suspect', 'title_18', 'HSI-2026-$mark', 'Where the car stands tonight decides where the team waits for the courier, $mark.', until => clock_timestamp() + interval '$until')", logon => 0);
}
my $ran_out = matter('MARKOUT', '1 hour');
my $closed = matter('MARKEND', '80 days');
my $holding = matter('MARKHOLD', '1 hour');
my $long = matter('MARKLONG', '300 days');
$node->answer('analyst1', "SELECT lpr.add_target($_, 'BULK20', 'subject', 'case_record', 'Case file 2026-88', 'The courier was seen in this car on two nights, MARKTARGET$_.')") for $ran_out, $closed, $long;
$node->answer('postgres', "WITH d AS (INSERT INTO lpr_data.display (event_id, owner_id, title, reason, created_at, confirmed_at, examined_at, examined_until, reviewed_at, reviewed_until)
		SELECT t.event_id, t.added_by, 'Couriers', 'Nights of MARKDISPLAY.', m, m + '1 s', m + '1 s', m + '300 days', m + '1 s', m + '80 days' FROM lpr_data.target AS t, clock_timestamp() AS m WHERE t.event_id = $closed RETURNING *),
	i AS (INSERT INTO lpr_data.display_item (event_id, display_id, owner_id, target_id, reason, added_at, until, validated_at, validated_until, holds_until)
		SELECT d.event_id, d.display_id, d.owner_id, t.target_id, 'Nights of MARKITEM.', d.confirmed_at, d.reviewed_until, d.confirmed_at, d.examined_until, d.reviewed_until FROM d JOIN lpr_data.target AS t USING (event_id) RETURNING *)
	INSERT INTO lpr_data.display_step (event_id, display_id, owner_id, item_id, action, finding, person_id, reason) SELECT event_id, display_id, owner_id, item_id, 'validate', 'located', owner_id, 'Nights of MARKVALID.' FROM i");
my $ids = "SELECT array_agg(read_id) AS ids FROM (SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' ORDER BY captured_at DESC LIMIT 2) AS r\n\\gset\n";
is($node->answer('analyst1', "${ids}SELECT lpr.save($_, 'acme', :'ids', '$why.', 'illicit_activity')", event => $_), 2, 'two reads are saved') for $ran_out, $long;
$node->answer('analyst1', "SELECT lpr.add_member($ran_out, 'analyst2', 'Knows the harbour, MARKSTEP.'), lpr.extend_event($ran_out, clock_timestamp() + interval '2 hours', 'The courier did not come yet and is waited for, MARKLATER.')");
my $month = schedule('ATS', '30 days');
$node->answer('records1', "SELECT lpr.withdraw_schedule(schedule, 'It was made up for a demo and is no schedule.') FROM lpr.schedules WHERE records = 'ATS' AND base_period = '15 years'");
days_on(29);
is_answer('analyst1', "SELECT state FROM lpr.events WHERE event = $ran_out", 'over', 'a matter ran out');
is_answer('records1', "SELECT due, next_due_at IS NULL, waits_for FROM lpr.retention() WHERE event_id = $ran_out", '0|t|its event to be closed: it ran out, and counts as closed 30 days later', '… and may still be extended');
$node->answer('analyst1', "SELECT lpr.extend_event($holding, clock_timestamp() + interval '1 hour', 'The courier came back to the harbour and is waited for once more.')");
days_on(2);
is_answer('analyst1', "SELECT state, closed_at FROM lpr.events WHERE event = $ran_out", 'closed|', '30 days later it counts as closed');
is_answer('records1', "SELECT due, waits_for FROM lpr.retention() WHERE event_id = $ran_out", '2|its release', '… for what was saved as well');
$node->refused("… for its owner: $_->[0]", 'analyst1', "SELECT lpr.$_->[1]", 'Q7', 'LP042') for [ 'extended', "extend_event($ran_out, clock_timestamp() + interval '10 days', 'The courier is waited for again, at the same place.')" ],
	[ 'given away', "transfer_event($ran_out, 'analyst2', 'She goes on with the courier from Monday.')" ], [ 'a member', "add_member($ran_out, 'analyst2')" ];
my ($saved) = split /\n/, $node->answer('analyst1', "SELECT saved_id FROM lpr.event_reads($ran_out)");
$node->refused('… a read taken off', 'analyst1', "SELECT lpr.unsave($saved, 'It shows another car of the same make and color.')", 'E9', 'LP042', logon => 1);
is($node->answer('analyst1', "SELECT lpr.hand_over('analyst1', 'analyst2', 'She goes on with all of it from Monday.')"), 4, 'what is handed over is what goes on');
is($node->answer('analyst2', "SELECT lpr.hand_over('analyst2', 'analyst1', 'She is back, and goes on with all of it.')"), 5, '… and back');
my $head = $node->head;
is_answer('postgres', 'SELECT lpr_data.close_over()', 1, 'the job notes it');
is_answer('analyst1', "SELECT state, closed_at = ends_at + interval '30 days', outcome FROM lpr.events WHERE event = $ran_out", 'closed|t|It ran out, and was not extended within 30 days.', '… as of that day');
like($node->records_after($head, "kind = 'change'"), qr/change postgres update lpr_data\.event/, '… on record');
is_answer('postgres', 'SELECT lpr_data.close_over()', 0, '… once');
is_answer('admin1', "SELECT what, otherwise FROM lpr.jobs WHERE job = 'lpr-close-over'", 'closes events that ran out 30 days ago|they count as closed all the same', '… as lpr.jobs tells');

# A supervisor closes, and says why.
$node->refused('a stranger closes', 'owner1', "SELECT lpr.close_event($closed, 'found')", 'E4', 'LP041');
$node->refused('a supervisor who does not say why', 'supervisor1', "SELECT lpr.close_event($closed, 'found')", 'E10', 'LP043');
$node->refused('… nor how', 'supervisor1', "SELECT lpr.close_event($closed, ' ', 'The case was given to another agency.')", 'Q7', '22023');
$node->answer('supervisor1', "SELECT lpr.close_event($closed, 'given away', 'The case was given to another agency, MARKCLOSE.')");
is_answer('analyst1', "SELECT by_login, action, reason FROM lpr.event_steps WHERE event = $closed AND action = 'close'", 'supervisor1|close|The case was given to another agency, MARKCLOSE.', 'the owner sees who did, and why');
$node->refused('closed twice', 'supervisor1', "SELECT lpr.close_event($closed, 'given away', 'The case was given to another agency.')", 'Q7', 'LP042');

# ---- events ----

is_answer('records1', 'SELECT lpr.dispose_due()', '', 'nothing of events is due');
days_on(31);
is_answer('records1', "SELECT things, due, waiting, waits_for FROM lpr.records_kept() WHERE kind = 'event'", "6|1|1|its release", 'an event goes after its reads');
my $order = $node->answer('records1', 'SELECT lpr.destroy_due()');
is($node->answer('records2', "SELECT lpr.release_destruction($order, '$over')"), 2, 'its reads go');
my $hold = $node->answer('privacy1', "SELECT lpr.place_hold($ran_out, 'E.D. Cal., 26-cr-99', 'An appeal, MARKAPPEAL.')");
is_answer('records1', "SELECT due, held, waits_for FROM lpr.records_kept() WHERE kind = 'event'", '1|1|its release', 'a hold stands on it');
my $list = $node->answer('records1', 'SELECT lpr.dispose_due()');
is(listed($list), "event $closed 10 listed", '… and the other is listed, with all that was written into it');
$node->answer('records2', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");
$node->refused('an analyst lists', 'analyst1', 'SELECT lpr.dispose_due()', 'E10', 'LP033');
$head = $node->head;
$list = $node->answer('postgres', 'SELECT lpr.dispose_due()');
is(listed($list), "event $ran_out 7 listed, event $closed 10 listed", 'lifted: both are');
is_answer('records1', 'SELECT lpr.dispose_due()', $list, 'listed once');
like($node->records_after($head, "kind = 'change'"), qr/insert lpr_data\.disposal\n.*insert lpr_data\.disposal_part/, '… on record');
is_answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND payload::jsonb -> 'new' ? 'salt'", 0, '… without the salt of its digests');
is(kept('event', "event_id = $ran_out"), 1, 'listing destroys nothing');
my $release = "SELECT lpr.release_disposal($list, '$over')";
$node->refused('released by an analyst', 'analyst1', $release, 'E10', 'LP033');
$node->refused('released without a reason', 'records2', "SELECT lpr.release_disposal($list, 'tbd')", 'E10', 'LP043');
$node->faulty('a list that there is not', 'records2', "SELECT lpr.release_disposal(4711, '$over')", '42704', qr/does not exist/);
like($node->messages('records2', "BEGIN ISOLATION LEVEL REPEATABLE READ; $release"), qr/25001/, 'released from an old snapshot');
$node->answer('postgres', "INSERT INTO lpr_data.event_member (event_id, person_id, added_by) SELECT $closed, person_id, person_id FROM lpr_data.person WHERE login = 'records2'");
$list = $node->answer('records1', 'SELECT lpr.dispose_due()');
$node->refused('released by who listed it', 'records1', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP033');
$node->refused('released by who works on it', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP033');
$node->answer('postgres', "DELETE FROM lpr_data.event_member WHERE event_id = $closed AND person_id = " . number_of('records2'));
$list = $node->answer('records1', 'SELECT lpr.dispose_due()');
$hold = $node->answer('privacy1', "SELECT lpr.place_hold($ran_out, 'E.D. Cal., 26-cr-99', 'An appeal, MARKAPPEAL.')");
$node->answer('privacy1', "SELECT lpr.place_hold($closed, 'E.D. Cal., 26-cr-98', 'Another appeal.')");
$node->refused('a hold between list and release', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E9', 'LP063');
$node->answer('records1', "SELECT lpr.lift_hold(hold, 'The appeal was withdrawn, by the docket.') FROM lpr.holds WHERE event_id = $closed AND lifted_at IS NULL");
$list = $node->answer('postgres', 'SELECT lpr.dispose_due()');
is(listed($list), "event $closed 11 listed", 'listed anew, with the hold that was lifted');
like($node->messages('postgres', $_), qr/ERROR: +LP034/, "not by hand: $_") for "DELETE FROM lpr_data.event WHERE event_id = $closed", 'DELETE FROM lpr_data.save', 'DELETE FROM lpr_data.training', 'DELETE FROM lpr_data.access_step', 'DELETE FROM lpr_data.mail',
	'UPDATE lpr_data.disposal_part SET records = 1', 'DELETE FROM lpr_data.disposal';
is(in_files($_), 'in files', "what is kept is in a file: $_") for 'MARKEND', 'MARKCLOSE', 'MARKOUT', "MARKTARGET$closed";
my ($reader) = $node->session('postgres');
$reader->query('BEGIN; LOCK TABLE lpr_data.event_member IN ACCESS SHARE MODE');
like($node->messages('records2', "SELECT lpr.release_disposal($list, '$over')"), qr/55P03: records or holds are in use.*HINT: /s, 'not while somebody reads them');
$reader->query('ROLLBACK');
$reader->quit;
$head = $node->head;
# Who asks meanwhile waits, since the gate reads these tables, and is answered then; whoever destroys waits for nobody.
my $asking = $node->ready('analyst2');
my ($releasing) = $node->session('records2');
is($releasing->query("BEGIN; SELECT lpr.release_disposal($list, '$over')"), 11, 'released');
$node->go($asking, "SELECT count(*) > 0 FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20'");
ok(LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr audit writer' AND wait_event_type = 'Lock'") eq '1' }), 'a question waits');
$releasing->query('COMMIT');
is(($node->landed($asking))[0], "t\n", '… and is answered');
$releasing->quit;
is(kept($_, "event_id = $closed"), 0, "gone: $_") for qw(event target event_member event_step event_extension save legal_hold display display_item display_step);
is(in_files($_), 'gone', "… out of all data files: $_") for 'MARKEND', 'MARKCLOSE', "MARKTARGET$closed", 'MARKDISPLAY', 'MARKITEM', 'MARKVALID';
is(in_files('MARKOUT'), 'in files', '… what is held is there');
is(in_log($_), 0, "… and no copy in the log: $_") for 'MARKEND', 'MARKCLOSE', 'MARKOUT';
my $records = $node->records_after($head, "kind = 'change'");
like($records, qr/change records2 delete lpr_data\.event\n/, 'that it went is on record');
like($records, qr/insert lpr_data\.disposal_certificate/, '… with the certificate');
is_answer('postgres', "SELECT count(*) > 3, count(*) FILTER (WHERE payload::jsonb -> 'old' <> 'null' OR (payload::jsonb ->> 'disposal')::bigint <> $list) FROM lpr_data.audit WHERE number > $head AND payload::jsonb ->> 'action' = 'delete'", 't|0', '… by its list, without content');
is_answer('oversight1', "SELECT state, records, destroyed, digest = destroyed_digest, released_by, rewritten \@> '{lpr_data.event,lpr_data.event_step,lpr_data.save}' FROM lpr.disposals WHERE disposal = $list", 'done|11|11|t|records2|t', 'a certificate');
is_answer('postgres', "SELECT count(*) FROM lpr_data.disposal WHERE state <> 'waiting' AND salt IS NOT NULL OR released_in IS NOT NULL", 0, '… whose digests nobody finds by trying');
like($node->messages('postgres', 'DELETE FROM lpr_data.disposal_certificate'), qr/LP034/, '… for good');
$node->refused('released twice', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP034');
is_answer('oversight1', "SELECT reads, state FROM lpr.destruction_parts WHERE event_id = $ran_out", '2|destroyed', 'certificates of its reads stay');
$node->answer('records2', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");

# ---- access, training, mails, who left ----

$node->hire('leaver1', 'lpr_user', supervisor => 'supervisor1');
$node->grant('leaver1', valid_for => '20 days');
my $leaver = number_of('leaver1');
$node->answer('lead1', "SELECT lpr.recertify('leaver1', 'Still works on my team on exactly these matters, MARKLEAD.')");
$node->answer('postgres', "UPDATE lpr_data.mail SET state = 'sent', sent_at = clock_timestamp() WHERE person_id = $leaver");
$node->answer('admin1', "SELECT count(*) FROM lpr.retire_person('leaver1')");
$node->train('records2', 0, 'privacy');
days_on(400);
schedule($_, '60 days') for qw(ACCESS TRAINING MAIL PEOPLE);
is_answer('postgres', "SELECT string_agg(kind || ' ' || (due_at <= clock_timestamp()) || ' ' || held || ' ' || waits, ', ' ORDER BY kind) FROM lpr_data.kept_records() WHERE key = $leaver AND kind NOT IN ('event', 'log')",
	'access false false false, mail true false false, person true false true, training false false false', 'who left is kept as long as others name them; access from its end, with the certification');
days_on(30);
$hold = $node->answer('privacy1', "SELECT lpr.place_hold($long, 'E.D. Cal., 26-cr-99', 'An appeal.')");
is_answer('postgres', "SELECT string_agg(DISTINCT kind, ' ') FROM lpr_data.kept_records() WHERE held AND kind NOT IN ('event', 'log') AND key = " . number_of('analyst1'), 'access training', 'a hold keeps what is about those who worked on it');
$list = $node->answer('postgres', 'SELECT lpr.dispose_due()');
like(listed($list), qr/access $leaver 6 listed/, 'access is listed, with steps and certification');
like(listed($list), qr/training $leaver 6 listed/, '… training');
like(listed($list), qr/mail $leaver \d+ listed/, '… and mails');
unlike(listed($list), qr/person/, '… not yet the person');
is(in_table(@$_), 'in files', "what is kept is in a file: $_->[1]") for [ 'person', 'leaver1@agency.example' ], [ 'recertification', 'MARKLEAD' ], [ 'access', 'for the team of leaver1' ];
$node->refused('released by whose records it has', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP033');
is($node->answer('records1', "SELECT lpr.release_disposal($list, '$over') > 10"), 't', 'released');
is(kept($_, "person_id = $leaver"), 0, "gone: $_") for qw(access recertification training mail);
is(in_files($_), 'gone', "… out of the files: $_") for 'MARKLEAD', 'for the team of leaver1';
is_answer('postgres', 'SELECT count(*) > 0 FROM lpr_data.mail', 't', 'mails that still wait are there');
is_answer('postgres', "SELECT count(*) > 0 FROM lpr_data.training WHERE person_id = " . number_of('analyst1'), 't', '… and what is held');
$list = $node->answer('postgres', 'SELECT lpr.dispose_due()');
is(listed($list), "person $leaver 1 listed", 'then who left goes');
$node->answer('postgres', "UPDATE lpr_data.person SET unit = 'Elsewhere' WHERE person_id = $leaver");
$node->refused('a list that is no longer what it was', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP034');
my $another = $node->answer('postgres', 'SELECT lpr.dispose_due()');
cmp_ok($another, '>', $list, '… is listed anew');
$node->refused('one that is superseded', 'records2', "SELECT lpr.release_disposal($list, '$over')", 'E10', 'LP034');
is_answer('records2', "SELECT lpr.release_disposal($another, '$over')", 1, 'released');
is_answer('oversight1', "SELECT name, email, unit, supervisor FROM lpr.people WHERE login = 'leaver1'", 'destroyed|destroyed@invalid|destroyed|', 'the login stays');
is(in_table('person', 'leaver1@agency.example'), 'gone', '… nothing else');
like($node->messages('admin1', "SELECT lpr.add_person('leaver1', 'Another One', 'other\@agency.example', 'Targeting')"), qr/registered already/, '… and is never given to another');
is_answer('postgres', 'SELECT lpr.dispose_due()', '', 'and nothing more is due');
$node->sound('in the end');
$node->stop;
done_testing();
