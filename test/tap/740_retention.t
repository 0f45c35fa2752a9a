# retention: what is saved is kept by a schedule that two people verified, and destroyed by two people when it is due, out of the files as well, unless a legal hold
# stands (preload.c plays the clock).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('retention', conf => "autovacuum = off\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;

my $why = 'The courier of that night drives it, by the log of the officer on duty';
my $because = 'Compared with the schedule as the archivist published it, page 12.';
my $over = 'Its period is over, and nobody asked for it to be kept any longer.';

# Saves so many reads of a plate, with a relevance that is found again wherever it lies: (images => 1, source => …).
sub save
{
	my ($login, $event, $plate, $reads, $relevance, %given) = @_;
	my $source = $given{source} // 'acme';

	return $node->answer($login, "SELECT array_agg(read_id) AS ids FROM (SELECT read_id FROM lpr.reads WHERE source = '$source' AND plate = '$plate' ORDER BY captured_at DESC LIMIT $reads) AS r\n\\gset\n"
		. "SELECT lpr.save($event, '$source', :'ids', '$relevance', 'illicit_activity', fields => '{make,matched_how}'" . ($given{images} ? ", why_images => 'The driver of that day can be told by them only.'" : '') . ')', event => $event);
}

# Some time later, once answers are kept again.
sub later { my ($seconds) = @_; $node->move_clock($seconds); $node->await_cache; return }
sub days_on { my ($days) = @_; return later($days * 86400) }

sub is_answer { my ($login, $sql, $expected, $name) = @_; return is($node->answer($login, $sql, logon => 0), $expected, $name) }
sub schedule { my ($records) = @_; return $node->answer('records1', "SELECT schedule FROM lpr.schedules WHERE records = '$records' AND state = 'in force'") }
sub kept { my ($where) = @_; return $node->answer('postgres', "SELECT count(*) FROM lpr_data.event_read WHERE $where") }

# Whether a text stands in a data file of this database, or of another.
sub in_files
{
	my ($text) = @_;

	$node->safe_psql('postgres', 'CHECKPOINT');
	return (grep { system('grep', '-rqaF', $text, $node->data_dir . "/$_") == 0 } qw(base global pg_tblspc)) ? 'in files' : 'gone';
}

# ---- schedules ----

is_answer('analyst1', "SELECT string_agg(records || ' ' || state, ', ' ORDER BY schedule) FROM lpr.schedules WHERE schedule < 5",
	'ATS without a period, TECS without a period, CIRS without a period, AFI without a period', 'what comes with lpr is citations without periods');
my $staged = schedule('ATS');
$node->refused('a schedule without a period', 'records1', "SELECT lpr.verify_schedule(1, '$because')", 'E9', 'LP034', words => qr/has no period/);
$node->refused('an analyst', 'analyst1', "SELECT lpr.propose_schedule('ATS', '1 year', '$because')", 'E9', 'LP033');
$node->refused('an administrator', 'admin1', "SELECT lpr.verify_schedule($staged, '$because')", 'E9', 'LP033');
$node->refused('no reason', 'records1', "SELECT lpr.propose_schedule('ATS', '1 year', 'tbd')", 'E9', 'LP043');
$node->faulty('no period', 'records1', "SELECT lpr.propose_schedule('ATS', NULL, '$because')", '22023', qr/not a schedule/);
$node->faulty('a period of no time', 'records1', "SELECT lpr.propose_schedule('ATS', '0', '$because')", '22023', qr/not a schedule/);
$node->faulty('systems of records of which nothing is known, without a citation', 'records1', "SELECT lpr.propose_schedule('ELSE', '1 year', '$because')", '22023', qr/not a schedule/);
is(save('analyst1', 1, 'BULK20', 1, "$why."), 1, 'a verified schedule: a read is saved');
$node->answer('records2', "SELECT lpr.withdraw_schedule($staged, 'It was made up for a demo and is no schedule.')");
my ($id) = $node->answer('analyst1', "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' LIMIT 1");
my $save = "SELECT lpr.save(1, 'acme', '{$id}', '$why.', 'illicit_activity')";
$node->refused('withdrawn', 'analyst1', $save, 'E9', 'LP062', words => qr/system of records ATS has no verified schedule/, logon => 1);
like($node->messages('analyst1', $save), qr/HINT: .*Reed Cordero.*lpr\.verify_schedule/, '… the hint says who does what');
my $month = $node->answer('records1', "SELECT lpr.propose_schedule('ATS', '30 days', '$because')");
like($node->messages('analyst1', $save), qr/LP062/, 'proposed is not verified');
is_answer('records1', "SELECT lpr.verify_schedule($month, '$because')", 'f', 'one has verified it');
$node->refused('the same person again', 'records1', "SELECT lpr.verify_schedule($month, '$because')", 'E9', 'LP034');
like($node->messages('analyst1', $save), qr/LP062/, 'one is not two');
is_answer('records2', "SELECT lpr.verify_schedule($month, '$because')", 't', 'two have');
is_answer('records1', 'SELECT citation FROM lpr.schedules WHERE schedule = ' . schedule('ATS'), 'Automated Targeting System, 77 FR 30297', '… with the citation of the one before');
like($node->messages('postgres', "UPDATE lpr_data.schedule SET base_period = '1 day' WHERE schedule_id = $month"), qr/LP034/, 'a schedule never changes');
is_answer('records1', 'SELECT schedule, waits_for FROM lpr.retention()', "$month|its event to be closed", 'what was saved by the withdrawn one follows the one in force');
my $later = $node->answer('records1', "SELECT lpr.propose_schedule('ATS', '1 day', '$because', effective_from => current_date + 400)");
$node->answer($_, "SELECT lpr.verify_schedule($later, '$because')") for qw(records1 records2);
is(schedule('ATS'), $month, 'one that is not yet effective does not count');

# ---- exemptions travel along (E8) ----

$node->refused('an analyst who sets exemptions', 'supervisor1', "SELECT lpr.withdraw_schedule($month, '$because')", 'E9', 'LP033');
$node->faulty('exemptions of a vendor', 'admin1', "SELECT lpr.set_exemptions('acme', '{5 U.S.C. 552a(j)(2)}')", '42704', qr/system of records "acme" does not exist/);
$node->answer('admin1', "SELECT lpr.set_exemptions('AFI', '{5 U.S.C. 552a(k)(1)}'), lpr.set_exemptions('ATS', '{5 U.S.C. 552a(j)(2),5 U.S.C. 552a(k)(2)}')");
is(save('analyst1', 1, 'BULK50', 3, "$why, marked MARKONE.", images => 1), 3, 'saved');
is($node->answer('postgres', "SELECT DISTINCT schedule_id FROM lpr_data.event_read WHERE relevance LIKE '%MARKONE%'"), $month, '… by the schedule in force, not by one of later');
$node->answer('admin1', "SELECT lpr.set_exemptions('ATS', '{}')");
is_answer('analyst1', 'SELECT * FROM lpr.exemptions ORDER BY 1', "AFI|{\"5 U.S.C. 552a(k)(1)\"}\nATS|{}", 'they are of systems of records');
is($node->answer('analyst1', 'SELECT exemptions, count(*) FROM lpr.event_reads(1) GROUP BY 1 ORDER BY 2'), "{}|1\n{\"5 U.S.C. 552a(j)(2)\",\"5 U.S.C. 552a(k)(2)\"}|3", 'reads keep the exemptions that their system of records had');

# ---- legal holds ----

my $saved = $node->answer('postgres', "SELECT min(saved_id) FROM lpr_data.event_read WHERE relevance LIKE '%MARKONE%'");
my $unsave = "SELECT lpr.unsave($saved, 'It shows another car of the same make and color, marked MARKOFF.')";
$node->refused('a hold by an analyst', 'analyst1', "SELECT lpr.place_hold(1, 'S.D. Cal., 26-cr-417', 'trial')", 'E9', 'LP033');
$node->refused('a hold without a reason', 'records1', "SELECT lpr.place_hold(1, 'S.D. Cal., 26-cr-417', ' ')", 'E9', 'LP043');
$node->faulty('a hold without authority', 'privacy1', "SELECT lpr.place_hold(1, '', 'trial')", '22023', qr/authority/);
$node->faulty('a hold on nothing', 'privacy1', "SELECT lpr.place_hold(4711, 'S.D. Cal., 26-cr-417', 'trial')", '42704', qr/does not exist/);
my $hold = $node->answer('privacy1', "SELECT lpr.place_hold(1, 'S.D. Cal., 26-cr-417', 'The defense asked for it.')");
$node->refused('what is held is not taken off', 'analyst1', $unsave, 'E9', 'LP063', words => qr/legal hold/, logon => 1);
$node->refused('lifted by who placed it', 'privacy1', "SELECT lpr.lift_hold($hold, 'The trial has ended with a plea, by the docket.')", 'E9', 'LP033');
$node->refused('lifted without a reason', 'records1', "SELECT lpr.lift_hold($hold, 'n/a')", 'E9', 'LP043');
like($node->messages('postgres', "UPDATE lpr_data.legal_hold SET lifted_at = now(), lifted_by = placed_by, lift_reason = 'x'"), qr/lifted_by_somebody_else/, '… not even by a superuser');
like($node->messages('postgres', "DELETE FROM lpr_data.legal_hold"), qr/LP034/, '… nor deleted');
is_answer('oversight1', 'SELECT event_id, placed_by, lifted_at IS NULL FROM lpr.holds', '1|privacy1|t', 'oversight sees it');
like($node->messages('analyst1', 'SELECT * FROM lpr.holds'), qr/permission denied/, '… an analyst does not');
$node->answer('records1', "SELECT lpr.lift_hold($hold, 'The trial has ended with a plea, by the docket.')");
$node->refused('lifted twice', 'records2', "SELECT lpr.lift_hold($hold, 'The trial has ended with a plea, by the docket.')", 'E9', 'LP034');
my $stale = "BEGIN ISOLATION LEVEL REPEATABLE READ; $unsave";
like($node->messages('analyst1', $stale), qr/25001: this cannot be done in a transaction of isolation level REPEATABLE READ/, 'what could overlook a hold is refused');
$node->answer('analyst1', $unsave);
is(kept("saved_id = $saved"), 0, 'without a hold it is taken off');

# ---- over ----

my $short = $node->answer('analyst1', "SELECT lpr.open_event('Courier of the night', 'suspect', 'title_18', 'HSI-2026-1199', 'Where the car stands tonight decides where the team waits for the courier.',
	until => clock_timestamp() + interval '1 hour')");
$node->make_targets('lpr');
my ($late) = $node->session('analyst1');
my ($seen) = $node->converse($late, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' AND event_id = $short LIMIT 1");
later(3700);
$node->agree_again($late);
like(($node->converse($late, "SELECT lpr.save($short, 'acme', '{$seen}', '$why.', 'illicit_activity')"))[1], qr/ERROR: +LP042: event $short is not open/, 'of an answer that is still there nothing is saved for an event that is over');
$late->quit;

# ---- due ----

is(save('analyst2', 2, 'BULK50', 2, "$why, marked MARKTWO.", images => 1), 2, 'another event has some of the same reads');
my $correct = $node->answer('postgres', "SELECT max(saved_id) FROM lpr_data.event_read WHERE event_id = 1");
$node->answer('analyst1', "SELECT lpr.correct($correct, 'color', 'MARKCOLOR', 'The officer on duty saw its color.')");
is_answer('records1', 'SELECT lpr.destroy_due()', '', 'nothing is due');
days_on(31);
is_answer('records1', 'SELECT lpr.destroy_due()', '', 'a month is over, but the matter is not: nothing is due');
is_answer('records1', 'SELECT event_id, reads, due, waits_for FROM lpr.retention()', "1|3|0|its event to be closed\n2|2|0|its event to be closed", '… as it tells');
$node->answer('analyst1', "SELECT lpr.close_event(1, 'two arrests')");
is_answer('records1', 'SELECT event_id, reads, due, waits_for FROM lpr.retention() WHERE event_id = 1', '1|3|3|its release', 'closed');
$node->refused('an analyst who lists', 'analyst1', 'SELECT lpr.destroy_due()', 'E9', 'LP033');
my $order = $node->answer('records1', 'SELECT lpr.destroy_due()');
is_answer('records2', 'SELECT lpr.destroy_due()', $order, 'listed once');
is_answer('oversight1', "SELECT event_id, reads, state FROM lpr.destruction_parts WHERE order_id = $order", '1|3|listed', '… by event');
is(kept('event_id = 1'), 3, 'listing destroys nothing');
like($node->messages('postgres', "UPDATE lpr_data.destruction_part SET reads = 1"), qr/LP034/, 'a list does not change');
my $release = "SELECT lpr.release_destruction($order, '$over')";
$node->refused('released by who listed it', 'records1', $release, 'E9', 'LP033');
$node->refused('released by an analyst', 'analyst1', $release, 'E9', 'LP033');
$node->refused('released without a reason', 'records2', "SELECT lpr.release_destruction($order, 'tbd')", 'E9', 'LP043');
$node->faulty('an order that there is not', 'records2', "SELECT lpr.release_destruction(4711, '$over')", '42704', qr/does not exist/);
like($node->messages('records2', "BEGIN ISOLATION LEVEL REPEATABLE READ; $release"), qr/25001/, 'released from an old snapshot');
$hold = $node->answer('records1', "SELECT lpr.place_hold(1, 'E.D. Cal., 26-cr-99', 'An appeal.')");
$node->refused('a hold between list and release', 'records2', $release, 'E9', 'LP063');
is(kept('event_id = 1'), 3, '… all is there');
is_answer('records1', 'SELECT lpr.destroy_due()', '', '… and no longer listed');
is_answer('records1', "SELECT state FROM lpr.destruction_orders WHERE order_id = $order", 'superseded', '… the list is superseded');
$node->answer('privacy1', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");
$node->refused('a list that is superseded', 'records2', $release, 'E9', 'LP034');

# A hold that is being placed comes first.
$order = $node->answer('postgres', 'SELECT lpr.destroy_due()');
$release = "SELECT lpr.release_destruction($order, '$over')";
is_answer('records1', "SELECT made_by IS NULL FROM lpr.destruction_orders WHERE order_id = $order", 't', 'the server lists as nobody');
my ($placing) = $node->session('privacy1');
$hold = $placing->query("BEGIN; SELECT lpr.place_hold(1, 'E.D. Cal., 26-cr-99', 'An appeal.')");
my $job = $node->launch('records2', $release);
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$job->{name}' AND wait_event_type = 'Lock'") == 1 }), 'a release waits for who places a hold');
$placing->query('COMMIT');
like(($node->landed($job))[1], qr/LP063/, '… and sees it');
$placing->quit;
$node->answer('records1', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");

# ---- gone ----

my @files = split /\n/, $node->answer('postgres', "SELECT pg_relation_filepath(c.oid) FROM pg_class AS c WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'i') AND c.relname ~ '^(event_read|once_an_event|correction|image)'");
my $image = $node->answer('postgres', "SELECT encode(i.content, 'hex') FROM lpr_data.image AS i JOIN lpr_data.event_read AS r ON r.vehicle_image = i.sha256 WHERE r.event_id = 1
	AND NOT EXISTS (SELECT FROM lpr_data.event_read AS o WHERE o.event_id = 2 AND i.sha256 IN (o.plate_image, o.vehicle_image)) LIMIT 1");
isnt($image, '', 'an image that no other event has');
$node->answer('postgres', 'ANALYZE lpr_data.event_read, lpr_data.correction, lpr_data.image, lpr_data.event_step');
is_answer('postgres', "SELECT count(*) FROM pg_stats WHERE schemaname = 'lpr_data' AND (tablename, attname) IN (('event_read', 'plate'), ('event_read', 'relevance'), ('event_read', 'address'), ('correction', 'value'), ('event_step', 'reason'), ('image', 'content'))", 0, 'statistics are no copies');
is(in_files($_), 'in files', "what is kept is in a file: $_") for 'MARKONE', 'MARKOFF';
my ($reader) = $node->session('postgres');
$reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
my ($holder) = $node->session('postgres');
$holder->query('BEGIN; LOCK TABLE lpr_data.event_read IN ACCESS SHARE MODE');
like($node->messages('records2', $release), qr/55P03: saved reads or holds are in use.*HINT: /s, 'not while somebody reads them');
$holder->query('ROLLBACK');
$holder->quit;
my $head = $node->head;
is_answer('records2', $release, 3, 'released');
is($reader->query('SELECT count(*) FROM lpr_data.event_read'), 2, 'an older snapshot sees what is left');
$reader->query('COMMIT');
$reader->quit;
is(kept('event_id = 1'), 0, 'the rows are gone');
is(in_files('MARKONE'), 'gone', '… out of all data files');
is(in_files('MARKCOLOR'), 'gone', '… with their corrections');
is(in_files('MARKOFF'), 'gone', '… and why one was taken off');
is(in_files(pack('H*', substr($image, 0, 600)) =~ /([^\0\n]{12,})/ ? $1 : die), 'gone', '… and images');
is(in_files('MARKTWO'), 'in files', '… what is kept is there');
is($node->answer('analyst2', "SELECT count(*), count(vehicle_image) FROM lpr.event_reads(2, with_images => true)"), '2|2', '… with the images that both had');
is((grep { -s $node->data_dir . "/$_" } @files), 0, 'the old files are gone');
is_answer('oversight1', "SELECT state, reads, destroyed, corrections, digest = destroyed_digest, released_by, array_to_string(rewritten, ' '), reasons FROM lpr.destruction_orders WHERE order_id = $order",
	'done|3|3|1|t|records2|lpr_data.event_read lpr_data.correction lpr_data.image lpr_data.event_step|1', 'a certificate');
like($node->messages('postgres', "DELETE FROM lpr_data.destruction_certificate"), qr/LP034/, '… for good');
$node->refused('released twice', 'records2', $release, 'E9', 'LP034');
like($node->records_after($head, "kind = 'change'"), qr/change records2 delete lpr_data\.event_read.*change records2 insert lpr_data\.destruction_certificate/s, '… all of it on record');
is_answer('postgres', 'SELECT count(*) FROM lpr_data.event_read AS r JOIN lpr_data.image AS i ON i.sha256 = r.vehicle_image', 2, 'indexes are of the new tables');
like($node->messages('postgres', 'INSERT INTO lpr_data.event_read SELECT * FROM lpr_data.event_read'), qr/428C9|23505/, '… and unique');

# ---- parts of a list ----

is(save('analyst2', 2, 'BULK20', 2, "$why, marked MARKTHREE."), 2, 'a second event has more');
my $more = $node->open_event('analyst1', until => $node->answer('postgres', "SELECT clock_timestamp() + interval '90 days'"));
is(save('analyst1', $more, 'BULK20', 4, "$why, marked MARKFOUR."), 4, '… and a third');
my $own = $node->answer('analyst2', "SELECT lpr.open_event('Studies of routes', 'contraband', 'title_19', 'SD-2026-00999', 'The routes of couriers along the coast have to be found, for the trial.', system => 'AFI')");
my $closed = $node->answer('records1', "SELECT lpr.propose_schedule('AFI', '60 days', '$because', runs_from => 'closed', life_of_matter => false, citation => 'N1-568-11-2')");
$node->answer($_, "SELECT lpr.verify_schedule($closed, '$because')") for qw(records1 records2);
$node->make_targets('lpr');
is(save('analyst2', $own, 'BULK20', 1, "$why, marked MARKFIVE."), 1, 'a fourth, of AFI');
is($node->answer('analyst2', "SELECT exemptions FROM lpr.event_reads($own)"), '{"5 U.S.C. 552a(k)(1)"}', '… has the exemptions of AFI, though it is of the same vendor');
days_on(31);
$node->answer('analyst1', "SELECT lpr.close_event($more, 'nothing found')");
$node->answer('analyst2', "SELECT lpr.close_event($_, 'nothing found')") for 2, $own;
is_answer('records1', "SELECT due, date_trunc('day', next_due_at) = date_trunc('day', closed_at + interval '60 days'), waits_for FROM lpr.retention() WHERE event_id = $own", '0|t|its time', 'a period that runs from the end of the matter');
$order = $node->answer('postgres', 'SELECT lpr.destroy_due()');
is_answer('records1', "SELECT string_agg(event_id || ':' || reads, ' ' ORDER BY event_id) FROM lpr.destruction_parts WHERE order_id = $order", "2:4 $more:4", 'two events are due');
$hold = $node->answer('records1', "SELECT lpr.place_hold(2, 'E.D. Cal., 26-cr-99', 'An appeal.')");
$head = $node->head;
$node->answer('postgres', "ALTER TABLE lpr_data.event_read DISABLE TRIGGER refuse_rewrite; DELETE FROM lpr_data.event_read WHERE saved_id = (SELECT max(saved_id) FROM lpr_data.event_read WHERE event_id = $more)");
$node->answer('postgres', 'ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER refuse_rewrite');
like($node->records_after($head, "kind = 'change'"), qr/change postgres delete lpr_data\.event_read/, 'what a superuser deletes by hand is on record');
like($node->messages('postgres', 'TRUNCATE lpr_data.event_read CASCADE'), qr/LP034/, '… and truncating is refused');
$node->refused('a list of which one part is held and the other is not what it was', 'records2', "SELECT lpr.release_destruction($order, '$over')", 'E9', 'LP063');
$order = $node->answer('postgres', 'SELECT lpr.destroy_due()');
is_answer('records2', "SELECT lpr.release_destruction($order, '$over')", 3, 'listed anew and released');
is(in_files('MARKFOUR'), 'gone', '… gone, the row that was deleted by hand too');
is(in_files('MARKTWO'), 'in files', '… what is held is there');
$node->answer('privacy1', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");
$order = $node->answer('records1', 'SELECT lpr.destroy_due()');
$node->answer('postgres', "INSERT INTO lpr_data.event_member (event_id, person_id, added_by) SELECT 2, person_id, person_id FROM lpr_data.person WHERE login = 'records2'");
$node->refused('released by who works on an event in it', 'records2', "SELECT lpr.release_destruction($order, '$over')", 'E9', 'LP033');
$node->answer('postgres', "DELETE FROM lpr_data.event_member WHERE event_id = 2 AND person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'records2')");
my $saver = "(SELECT person_id FROM lpr_data.person WHERE login = '%s')";
$node->answer('postgres', "SET session_replication_role = replica; ALTER TABLE lpr_data.event_read DISABLE TRIGGER refuse_rewrite; UPDATE lpr_data.event_read SET saved_by = " . sprintf($saver, 'records2') . ' WHERE event_id = 2');
$node->refused('released by who saved reads in it, and has left the event since', 'records2', "SELECT lpr.release_destruction($order, '$over')", 'E9', 'LP033');
$node->answer('postgres', 'SET session_replication_role = replica; UPDATE lpr_data.event_read SET saved_by = ' . sprintf($saver, 'analyst2') . ' WHERE event_id = 2; ALTER TABLE lpr_data.event_read ENABLE ALWAYS TRIGGER refuse_rewrite');

# ---- two events, one of them held ----

my @two = map { $node->open_event('analyst1', until => $node->answer('postgres', "SELECT clock_timestamp() + interval '90 days'")) } 1 .. 2;
save('analyst1', $two[$_], 'BULK20', 2, "$why, marked MARKTWIN$_.") for 0, 1;
$node->answer('analyst1', "SELECT lpr.close_event($_, 'nothing found')") for @two;
days_on(31);
$order = $node->answer('postgres', 'SELECT lpr.destroy_due()');
$node->answer('records1', "SELECT lpr.place_hold($two[0], 'E.D. Cal., 26-cr-99', 'An appeal.')");
is_answer('records2', "SELECT lpr.release_destruction($order, '$over')", 6, 'what is not held goes');
is_answer('records1', "SELECT string_agg(event_id || ' ' || state, ', ' ORDER BY event_id) FROM lpr.destruction_parts WHERE order_id = $order", "2 destroyed, $two[0] held, $two[1] destroyed", '… as the list tells');
is_answer('records1', "SELECT reads, destroyed, digest = destroyed_digest FROM lpr.destruction_orders WHERE order_id = $order", '8|6|f', '… and the certificate');
is(in_files("MARKTWIN$_"), $_ ? 'gone' : 'in files', "event $_") for 0, 1;
is_answer('records1', 'SELECT lpr.destroy_due()', '', 'nothing more is listed while it is held');
$node->sound('in the end');
$node->stop;
done_testing();
