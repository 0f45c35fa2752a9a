# purpose: a question is asked for an open event of one's own, with a reason that says something, within limits (Q7, Q8, E1, E4).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('purpose', conf => "max_connections = 110\n", world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr');
my $quick = LprTest::quick();
my $of = sub { my ($event) = @_; return "$quick AND event_id = $event" };
my $refused = sub { my ($name, $sql, $control, $state, %given) = @_; return $node->refused($name, 'analyst1', $sql, $control, $state, %given) };
my $gate = sub { my ($name, $sql, $control, $state, %given) = @_; return $refused->($name, $sql, $control, $state, logon => 1, source => 'acme', %given) };
is($node->answer('analyst1', $quick), 1, 'a question');

# ---- whose event ----

my ($session) = $node->session('analyst1');
my $says = sub { my ($name, $sql, $state) = @_; return like(($node->converse($session, $sql))[1], $state ? qr/ERROR: +$state: .*HINT/s : qr/^(?!.*(?:ERROR|WARNING))/s, $name) };
$gate->("somebody else's", $of->(2), 'Q7', 'LP041');
$gate->('one that does not exist', $of->(4711), 'Q7', 'LP041');
$gate->('a negative one', $of->(-1), 'Q7', 'LP041');
$refused->("to work on somebody else's", 'SELECT lpr.work_on(2)', 'Q7', 'LP041');
$refused->('to work on one that does not exist', 'SELECT lpr.work_on(4711)', 'Q7', 'LP041');
$gate->('none', "SELECT lpr.work_on(NULL); $quick", 'Q7', 'LP040');
$says->('works on event 1', $quick);
$says->('a vain attempt to work on another one', 'SELECT lpr.work_on(2)', 'LP041');
$says->('… changes nothing', $quick);
my $open = sub { my ($n, %given) = @_; return "SELECT lpr.open_event(" . join(', ', $given{title} // "'Matter $n'", $given{purpose} // "'suspect'", $given{authority} // "'title_18'", $given{matter} // "'SD-2026-$n'",
	$given{reason} // "'In matter $n it has to be found where the stolen van of a witness stood at night.'", map { exists $given{$_} ? "$_ => $given{$_}" : () } qw(system until)) . ')' };
my $second = $node->answer('analyst1', $open->(2), logon => 0);
$node->make_targets('lpr');
my $head = $node->head;
$says->('event_id in WHERE', $of->($second));
$says->('… and without', $quick);
is($node->answer('postgres', "SELECT string_agg(event_id::text, ' ' ORDER BY number) FROM lpr_data.audit WHERE kind = 'ask' AND number > $head"), "$second 1", '… goes before the one that is worked on');
$says->('by a parameter', "PREPARE p(bigint) AS SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme' AND event_id = \$1; EXECUTE p($second)");
is($node->answer('postgres', 'SELECT event_id FROM lpr_data.audit WHERE kind = \'ask\' ORDER BY number DESC LIMIT 1'), $second, '… as well');
$says->("by a parameter, somebody else's", 'EXECUTE p(2)', 'LP041');

# Uncommitted, and what an old snapshot sees.
$node->converse($session, 'BEGIN');
my ($fresh) = $node->converse($session, $open->(3));
$says->('not yet committed', 'SAVEPOINT s; ' . $of->($fresh), 'LP041');
$node->converse($session, "ROLLBACK TO s; SELECT lpr.work_on($fresh); SAVEPOINT s");
$says->('… and worked on', $quick, 'LP041');
$node->converse($session, 'ROLLBACK TO s; COMMIT');
$node->make_targets('lpr');
$says->('committed', $quick);
$node->converse($session, 'BEGIN; SELECT lpr.work_on(1)');
my ($undone) = $node->converse($session, $open->(4));
$node->converse($session, 'ROLLBACK');
$says->('rolled back', $of->($undone), 'LP041');
$says->('what was worked on does not come back by ROLLBACK', $quick);
$node->converse($session, 'SELECT lpr.work_on(1)');

# Members.
my ($member) = $node->session('analyst2', event => 2);
my $their = sub { my ($name, $sql, $state) = @_; return like(($node->converse($member, $sql))[1], $state ? qr/ERROR: +$state: .*HINT/s : qr/\A(?!.*(?:ERROR|WARNING))/s, $name) };
$node->hire('clerk1', 'lpr_user', supervisor => 'supervisor1');
$refused->('adds somebody without access', "SELECT lpr.add_member(1, 'clerk1')", 'E4', 'LP025');
$refused->("adds to somebody else's", "SELECT lpr.add_member(2, 'analyst1')", 'E4', 'LP041');
$refused->("removes from somebody else's", "SELECT lpr.remove_member(2, 'analyst2')", 'E4', 'LP041');
$refused->("closes somebody else's", "SELECT lpr.close_event(2, 'Found it')", 'E4', 'LP041');
$refused->("extends somebody else's", "SELECT lpr.extend_event(2, now() + interval '100 days', 'The trial is next spring and the truck is not found.')", 'E4', 'LP041');
$refused->('no event', "SELECT lpr.close_event(NULL, 'Found it')", 'E4', 'LP041');
$node->refused('a supervisor who does not say why', 'supervisor1', "SELECT lpr.close_event(1, 'Found it')", 'E10', 'LP043');
$node->refused('opened by who is no user', 'supervisor1', $open->(5), 'Q7', 'LP033');
$node->faulty('adds nobody', 'analyst1', "SELECT lpr.add_member(1, NULL)", '42704');
$node->faulty('adds who is not registered', 'analyst1', "SELECT lpr.add_member(1, 'postgres')", '42704');
$node->faulty('removes the owner', 'analyst1', "SELECT lpr.remove_member(1, 'analyst1')", '42704');
$node->faulty('removes who is no member', 'analyst1', "SELECT lpr.remove_member(1, 'analyst2')", '42704');
$their->('not yet a member', $of->(1), 'LP041');
$node->converse($member, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.sources; SAVEPOINT s');
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')", logon => 0);
$their->('a member, whatever snapshot they have', $of->(1));
$their->('a member adds nobody', "SELECT lpr.add_member(1, 'clerk1')", 'LP041');
$node->converse($member, 'ROLLBACK TO s');
$node->answer('analyst1', "SELECT lpr.remove_member(1, 'analyst2')", logon => 0);
$their->('removed, with a snapshot from before', $of->(1), 'LP041');
$node->converse($member, 'ROLLBACK');
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2'), lpr.add_member(1, 'analyst2')", logon => 0);
$node->converse($member, 'SELECT lpr.work_on(1)');
$their->('a member again', $quick);
$their->("a member is not the owner: $_", "SELECT lpr.$_", 'LP041') for "add_member(1, 'analyst1')", "remove_member(1, 'analyst2')", "close_event(1, 'Found it')", "extend_event(1, now() + interval '100 days', 'The trial is next spring and the truck is not found.')";

# Closed.
$refused->("closed with outcome $_", "SELECT lpr.close_event(1, $_)", 'Q7', '22023') for 'NULL', "''", "'  x '", "repeat('x', 4001)";
$node->answer('analyst1', "SELECT lpr.close_event(1, 'Vehicle found, suspect arrested')", logon => 0);
$says->('closed', $quick, 'LP042');
$their->('… for members too', $quick, 'LP042');
$refused->("a closed event: $_", "SELECT lpr.$_", 'Q7', 'LP042') for "close_event(1, 'Once more')", "add_member(1, 'analyst2')", "remove_member(1, 'analyst2')", "extend_event(1, now() + interval '100 days', 'The trial is next spring and the truck is not found.')";
my $direct = sub { my ($sql, $code) = @_; return like($node->messages('postgres', $sql), qr/ERROR: +$code/, "the superuser: $sql: $code") };
$direct->($_, 'LP034') for 'UPDATE lpr_data.event SET closed_at = NULL, outcome = NULL WHERE event_id = 1', "UPDATE lpr_data.event SET title = 'Another' WHERE event_id = 2", 'DELETE FROM lpr_data.event WHERE event_id = 2',
	'TRUNCATE lpr_data.event CASCADE', "UPDATE lpr_data.event SET ends_at = now() + interval '2 years' WHERE event_id = 2", "UPDATE lpr_data.event SET ends_at = 'infinity' WHERE event_id = 2",
	"TRUNCATE lpr_data.event_extension";
$direct->('INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) SELECT 2, person_id, true, person_id FROM lpr_data.person WHERE login = \'analyst1\'', '23505');
$direct->('UPDATE lpr_data.event SET closed_at = now() WHERE event_id = 2', '23514');
$direct->("INSERT INTO lpr_data.event_extension (event_id, person_id, ends_at, reason) SELECT 2, person_id, now() + interval '1 year 1 day', 'x' FROM lpr_data.person LIMIT 1", '23514');
$node->converse($_, 'SELECT lpr.work_on(2)') for $member;
$node->converse($session, "SELECT lpr.work_on($second)");

# ---- what an event is made of ----

$node->faulty($_->[0], 'analyst1', $open->(6, @$_[1, 2]), '22023') for [ 'unknown purpose', purpose => "'curiosity'" ], [ 'no purpose', purpose => 'NULL' ], [ 'unknown authority', authority => "'habit'" ], [ 'no authority', authority => 'NULL' ],
	[ 'no title', title => 'NULL' ], [ 'a blank title', title => "'    '" ], [ 'two characters', title => "' ab '" ], [ 'a long title', title => "repeat('x', 201)" ], [ 'two lines', title => "E'Vans\\nin town'" ], [ 'no matter', matter => 'NULL' ],
	[ 'a long matter', matter => "repeat('7', 101)" ], [ 'a bell in the matter', matter => "E'SD-\\x07'" ];
$refused->("until $_", $open->(6, until => $_), 'Q7', '22023') for "now() - interval '1 day'", "now() + interval '367 days'", "'infinity'", "'-infinity'";
$refused->("title or matter that says nothing: $_->[1]", $open->(6, @$_), 'Q7', 'LP043') for [ title => "'Investigation'" ], [ title => "'case work'" ], [ matter => "'n/a'" ], [ matter => "'TBD'" ], [ matter => "'see file'" ];
$refused->('another system', $open->(6, system => "'IRS-NG'"), 'A7', 'LP025');
$refused->('no system', $open->(6, system => 'NULL'), 'A7', 'LP025');

# ---- reasons ----

my $last = "In matter 3 it has to be found where the stolen van of a witness stood at night.";
$refused->("a reason: $_", $open->(7, title => "'Vans stolen on the coast road in June'", reason => $_), 'Q7', 'LP043') for 'NULL', "''", "' . '", "'investigation'", "'Ongoing criminal investigation, official use'", "'n/a n/a n/a'",
	"'law enforcement law enforcement law enforcement'", "'vans vans vans vans vans vans vans'", "'For the case of a vehicle, see above, as required by a supervisor request'", "'Vans stolen on the coast road in June'",
	"'VANS stolen -- on the Coast Road, in June!'", "'Vans stolen on the coast road in June. Vans stolen on the coast road in June. See title.'", "'$last'", "upper('  $last !')", "'Vans stolen on the coast road in June: $last'",
	"'As before: $last'", "repeat('Where the van of the witness stood at night has to be found out. ', 100)";
$node->faulty('a reason with an escape', 'analyst1', $open->(7, reason => "E'Where the van stood at night\\x1b[2J has to be found'"), '22023', qr/"reason" holds an invisible character/);
$node->answer('analyst1', $open->(8), logon => 0);
$refused->('two reasons in turn', $open->(9, reason => "'$last'"), 'Q7', 'LP043');
is($node->answer('analyst1', $open->(10, reason => "'$last This time the van has other plates, from Nevada, and was seen by a patrol.'"), logon => 0) > 0, 1, 'a reason that goes on from an earlier one');
my $reason = "'Operation Condor has been going on for a while now.'";
$node->answer('admin1', "SELECT lpr.add_empty_reason(r) FROM unnest(ARRAY['Operation Condor', 'has been going on for a while', 'now']) AS r");
$refused->('what an administrator added to the reasons that are none', $open->(11, reason => $reason), 'Q7', 'LP043');
$node->answer('admin1', "SELECT lpr.add_empty_reason('Investigation'), lpr.add_empty_reason('Operation Condor')");
$refused->('… twice', $open->(11, reason => $reason), 'Q7', 'LP043');
$node->faulty('a reason of nothing', 'admin1', "SELECT lpr.add_empty_reason('!')", '23514');
my $extend = sub { my ($why, $for) = @_; return "SELECT lpr.extend_event($second, now() + interval '" . ($for // '200 days') . "', $why)" };
$refused->("extended for: $_", $extend->($_), 'Q7', 'LP043') for 'NULL', "'ongoing'", "'In matter 2 it has to be found where the stolen van of a witness stood at night.'";
$refused->("extended by $_", $extend->("'The van was seen once more on the coast road, by a patrol.'", $_), 'Q7', '22023') for '1 day', '367 days', '-1 day';
$node->answer('analyst1', $extend->("'The van was seen once more on the coast road, by a patrol.'"), logon => 0);
$refused->('extended for the reason of the last time', $extend->("'The van was seen once more on the coast road, by a patrol.'", '300 days'), 'Q7', 'LP043');

$direct->('DELETE FROM lpr_data.event_extension', 'LP034');
$direct->("UPDATE lpr_data.event_extension SET reason = 'x'", 'LP034');

# ---- purposes and authorities, as the administrator keeps them ----

like($node->messages('analyst1', "SELECT lpr.add_purpose('curiosity', 'Curiosity')"), qr/ERROR: +42501/, 'not by analysts');
$node->answer('admin1', "SELECT lpr.add_purpose('amber', 'Abducted child'), lpr.add_authority('state_law', 'A law of the state')");
my $amber = $node->answer('analyst1', $open->(12, purpose => "'amber'", authority => "'state_law'"), logon => 0);
$node->make_places('lpr', 'Otay Mesa', 'Otay Mesa R');
$node->answer('admin1', "SELECT lpr.retire_purpose('amber'), lpr.retire_authority('state_law')");
$node->faulty("retires what does not exist: $_", 'admin1', "SELECT lpr.$_", '42704') for "retire_purpose('nosuch')", 'retire_purpose(NULL)', "retire_authority('nosuch')";
$node->faulty('a retired purpose', 'analyst1', $open->(13, purpose => "'amber'"), '22023');
$node->faulty('a retired authority', 'analyst1', $open->(13, authority => "'state_law'"), '22023');
$says->('events that have it go on', $of->($amber));
$node->answer('admin1', "SELECT lpr.add_purpose('suspect', 'Identify a suspect'), lpr.add_authority('title_18', '18 U.S.C.'), lpr.add_purpose('amber', 'Abducted child')");
is($node->answer('postgres', "SELECT title, active, shipped FROM lpr_data.purpose WHERE purpose = 'suspect'"), 'Identify a suspect|t|f', 'one that came with lpr, and that events have, gets another title');
is($node->answer('analyst1', $open->(14, purpose => "'amber'"), logon => 0) > 0, 1, 'one that is taken up again');

# ---- without a plate: area, time, reads ----

my $place = sub { my ($radius, $span, $more) = @_; return "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND event_id = $second AND lpr.distance_m(latitude, longitude, 32.55, -116.94) <= $radius AND captured_at > now() - interval '$span'" . ($more // '') };
my $address = sub { my ($what) = @_; return "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND event_id = $second AND address = '$what' AND captured_at > now() - interval '7 days'" };
my $make = sub { my ($span, $more) = @_; return "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND event_id = $second AND make = 'FORD' AND captured_at > now() - interval '$span'" . ($more // '') };
my $near = ' AND lpr.distance_m(latitude, longitude, 32.55, -116.94) <= ';
$node->answer('admin1', "SELECT lpr.set_search_limit('location', 20000, '7 days', address_length => 10), lpr.set_search_limit('vehicle', 10000, '2 days')");
$gate->('too large an area', $place->(20001, '7 days'), 'Q8', 'LP044');
$says->('as large as allowed', $place->(20000, '7 days'));
$gate->('too long a time', $place->(20000, '8 days'), 'Q8', 'LP045');
$gate->('no time named', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND event_id = $second AND lpr.distance_m(latitude, longitude, 32.55, -116.94) <= 1000", 'Q8', 'LP045');
$gate->('an address of nine characters', $address->('Otay Mesa'), 'Q8', 'LP044');
$says->('one of ten', $address->('Otay Mesa R'));
$gate->("an address that is none: '$_'", $address->($_), 'Q2', 'LP014') for '        ', ' Street,', 'alifornia', '-- -- -- --', 'Main Street', 'san diego, ca 92101', 'treet, lo', '12345678', 'CA 92173-0001', 'North Avenue West';
$gate->("… by a pattern: '$_'", $address->('') =~ s/address = ''/address ILIKE '%$_%'/r, 'Q2', 'LP014') for '        ', 'alifornia', ', ca 9';
$gate->("… by the function: '$_'", "SELECT count(*) FROM lpr.search_location(address => '$_', since => now() - interval '7 days', event_id => $second)", 'Q2', 'LP014') for '        ', ' Street,', 'alifornia';
$says->("… beside one that is an address it is a condition: '$_'", $address->('Otay Mesa R') . " AND address ILIKE '%$_%'") for 'CA', 'alifornia';
$says->('… in whichever order', $address->('') =~ s/address = ''/address ILIKE '%alifornia%' AND address ILIKE '%Otay Mesa R%'/r);
$says->('… beside a point it is no anchor, and needs to be none', $place->(20000, '7 days', " AND address ILIKE '%alifornia%'"));
$gate->('a vehicle in too large an area', $make->('1 day', $near . 20001), 'Q8', 'LP044');
$gate->('a vehicle anywhere', $make->('1 day'), 'Q2', 'LP001', words => qr/names no place/);
$says->('a plate is not limited by it', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND event_id = $second AND plate = 'BULK1'");
$node->converse($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.sources');
$node->widen('lpr', vehicle => { radius_m => 15000 });
$says->('a limit that was widened counts at once, in an open transaction', 'SAVEPOINT s; ' . $make->('1 day', $near . 15000));
$node->answer('admin1', "SELECT lpr.set_search_limit('vehicle', span => '12 hours')");
$says->('… and one that was set', $make->('1 day', $near . 15000), 'LP045');
$node->converse($session, 'ROLLBACK');

my $many = ($node->converse($session, $place->(20000, '7 days')))[0];
cmp_ok($many, '>', 5, 'more than five reads');
$node->answer('admin1', "SELECT lpr.set_search_limit('location', 20000, '7 days', 5, 10)");
$head = $node->head;
my ($few, $told) = $node->converse($session, $place->(20000, '7 days'));
is($few, 5, 'cut at five');
like($told, qr/WARNING: +01004: source "acme" has more reads than are shown\nDETAIL: .*5 reads.*\nHINT: /s, '… which is told');
like($node->records_after($head), qr/^ask analyst1 acme\nanswer analyst1 acme of \+1 cut$/, '… and on record');
is(($node->converse($session, $place->(20000, '7 days', ' LIMIT 100')))[0], 5, '… with a LIMIT');
$node->widen('lpr', location => { reads => 0 + $many });
($few, $told) = $node->converse($session, $place->(20000, '7 days'));
is($few, $many, 'just as many as allowed');
unlike($told, qr/WARNING/, '… are not cut');

# Bounds that no row passes.
my $limit = sub { return map { "UPDATE lpr_data.search_limit SET $_" } @_ };
$direct->($_, '23514') for $limit->("radius_m = 0 WHERE mode = 'location'", "span = '0'", "span = '-1 day'", 'reads = 0', 'plates = 0', 'address_length = 201'), 'UPDATE lpr_data.rate_limit SET questions = 0';
$direct->($_, 'LP034') for $limit->("radius_m = 20001 WHERE mode = 'location'", "radius_m = 'NaN' WHERE mode = 'location'", "radius_m = 'infinity' WHERE mode = 'location'", "radius_m = NULL WHERE mode = 'location'",
	"span = '8 days'", 'reads = reads + 1', 'reads = NULL', 'address_length = 2', 'plates = plates + 1'), 'UPDATE lpr_data.rate_limit SET questions = NULL', "INSERT INTO lpr_data.rate_limit (name, scope, per, questions) VALUES ('x', 'person', 'hour', 1)",
	'DELETE FROM lpr_data.rate_limit', 'DELETE FROM lpr_data.search_limit', 'TRUNCATE lpr_data.rate_limit', 'TRUNCATE lpr_data.search_limit';
$node->faulty("set_search_limit: $_", 'admin1', "SELECT lpr.set_search_limit($_)", '22023') for "'location', 25001, reason => 'A fair of three days fills more streets than that.'", "'plate', 1, '7 days', 5", "NULL, 1, '7 days', 5", "'location', 1, '6 years', 5", "'location', reads => 100001", "'vehicle', plates => 5001";
$node->faulty("set_rate_limit: $_", 'admin1', "SELECT lpr.set_rate_limit($_)", '22023|23514') for "'person', 'hour', 0", "'person', 'week', 5", "'unit', 'hour', 5", "NULL, 'hour', 5", "'person', 'hour', 1000001", "'event', 'day', plates => 50001";
is($node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 999)"), '', 'a limit');
for my $table ('search_limit', 'rate_limit')
{
	$node->answer('postgres', "ALTER TABLE lpr_data.$table DISABLE TRIGGER widened_by_two; CREATE TABLE kept AS SELECT * FROM lpr_data.$table; DELETE FROM lpr_data.$table");
	$gate->("no row of $table is no leave to ask without limits", $table eq 'rate_limit' ? $of->($second) : $make->('1 hour', $near . 1000), 'Q8', $table eq 'rate_limit' ? 'LP046' : 'LP044');
	$node->answer('postgres', "INSERT INTO lpr_data.$table SELECT * FROM kept; DROP TABLE kept; ALTER TABLE lpr_data.$table ENABLE ALWAYS TRIGGER widened_by_two");
}

# ---- rates ----

# At 55 minutes past an hour, and what was asked up to here is long ago.
$node->move_clock(2 * 86400 + 3300 - $node->now % 3600);
my $later = sub { $node->move_clock($_[0]); $node->agree_again($session, $member); return };
$node->agree_again($session, $member);
my $rates = sub { my ($scope, $per, $n) = @_; $node->widen('lpr', "${scope}_$per" => { questions => $n }); return };
my $asks = sub { my ($name, $n, $ask, $more) = @_; is(join(' ', map { ($node->converse($ask // $session, $of->($more // $second)))[1] =~ /ERROR: +(\w+)/ ? $1 : 'asked' } 1 .. $n + 1), join(' ', ('asked') x $n, 'LP046'), $name); return };
$rates->('person', 'hour', 4);
$asks->('four questions an hour', 4);
$their->('… of a person, not of others', $of->(2));
$gate->('… of all sessions of the person', $of->($second), 'Q8', 'LP046');
$rates->('person', 'hour', 6);
$asks->('a higher limit counts at once, and what was refused does not', 2);
$node->renew_writer;
$gate->('… nor does a new writer forget', $of->($second), 'Q8', 'LP046');
$_->quit for $session, $member;
$node->stop;
$node->start;
LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
($session) = $node->session('analyst1', event => $second);
($member) = $node->session('analyst2');
$says->('… nor a new server', $of->($second), 'LP046');
$later->(3300);
$says->('55 minutes later: not yet an hour', $of->($second), 'LP046');
$later->(420);
$asks->('an hour later', 6);
$rates->('person', 'hour', 1000);
$rates->('person', 'day', 14);
$asks->('fourteen a day', 2);
$later->(23 * 3600);
$says->('23 hours later: not yet a day', $of->($second), 'LP046');
$later->(2 * 3600);
$asks->('a day later', 14);
$later->(-1800);
$says->('a clock that was set back gives nothing', $of->($second), 'LP046');
$later->(1800);

# For an event, by all who work on it.
$later->(2 * 86400);
$rates->('person', 'day', 1000);
$node->answer('analyst1', "SELECT lpr.add_member($second, 'analyst2')", logon => 0);
$rates->('event', 'hour', 5);
is(join(' ', map { ($node->converse($_, $of->($second)))[1] =~ /ERROR: +(\w+)/ ? $1 : 'asked' } $session, $member, $session, $member, $session, $member, $session), 'asked asked asked asked asked LP046 LP046', 'five questions for an event in an hour');
$says->('… and for another one', $of->($amber));

# A question to several sources is as many; those beyond the limit are refused, and told.
$later->(2 * 86400);
$rates->('event', 'hour', 1000);
$rates->('person', 'hour', 5);
my $three = "SELECT count(DISTINCT source) FROM lpr.reads WHERE plate = 'BULK1' AND event_id = $second";
$head = $node->head;
$says->('three of five', $three);
like(($node->converse($session, $three))[1], qr/too many plates were asked.*HINT/s, 'of three more not all are asked');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'ask' AND number > $head"), '<=', 5, '… and no more than five');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind IN ('ask', 'refused') AND number > $head"), 6, '… each of them on record');

# Late in a minute, and early in that of an hour later: not yet an hour.
$later->(2 * 86400 + 50 - $node->now % 60);
$asks->('five more', 5);
$later->(3560);
$says->('59 minutes and 20 seconds later', $of->($second), 'LP046');

# Many at once: what is judged together does not pass together.
$later->(2 * 86400);
$node->converse($session, 'SELECT 1');
$head = $node->head;
my @clients = map { [ $node->session('analyst1', event => $second) ] } 1 .. 12;
my $writer = $node->hold_writer;
$node->send_sql($_->[0], $of->($second)) for @clients;
ok($node->await_waiting(12), 'twelve wait together');
$node->let_go($writer);
$_->[0]->query('') for @clients;
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'ask' AND number > $head"), '<=', 5, '… of whom no more are answered than one after the other');
$_->[0]->quit for @clients, [$session], [$member];
$node->sound('in the end');
$node->stop;
done_testing();
