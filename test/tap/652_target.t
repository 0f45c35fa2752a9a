# target: what is asked is a target of the event, stated with its evidence before anybody is asked (Q12).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('target', targets => 0, world => 1, cache => 1);
LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
my ($one) = $node->session('analyst1');
my ($two) = $node->session('analyst2');
my $basis = 'The patrol wrote down this plate beside the burning lorry.';
my $head;

sub refused
{
	my ($session, $sql, $state, $words, $name, $control) = @_;
	$head = $node->head;
	$node->vendor_forget;
	my ($out, $err) = $node->converse($session, $sql);

	like($err, qr/ERROR: +$state: [^\n]*$words.*\nDETAIL: .*\nHINT: /s, "$name: $state") or diag "$out\n$err";
	like($node->records_after($head, "kind = 'refused'"), qr/ \Q${\($control \/\/ 'Q12')} $state\E$/m, '… on record');
	return is(scalar(my @none = grep { $_->{class} ne 'login' } $node->vendor_log), 0, '… and nobody is asked');
}

sub asks
{
	my ($session, $sql, $name) = @_;
	my ($out, $err) = $node->converse($session, $sql);
	return unlike($err, qr/ERROR/, $name) || diag $err;
}
sub added { my ($session, $sql) = @_; my ($out, $err) = $node->converse($session, "SELECT lpr.add_target($sql)"); return $out =~ /^(\d+)$/m ? $1 : "$out$err" }
sub plate { my ($plate, $event) = @_; return "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = '$plate'" . ($event ? " AND event_id = $event" : '') }
sub state_of { return $node->answer('analyst1', "SELECT state FROM lpr.targets WHERE target = $_[0]") }
my $case = "'offence', 'case_record', 'Report 2026-88, page 2', '$basis'";

# ---- a plate ----

refused($one, plate('BULK3'), 'LP047', qr/plate "BULK3" is no target of event 1/, 'a plate that is none');
my ($call) = ($node->converse($one, plate('BULK3')))[1] =~ /HINT: +(SELECT lpr\.add_target.*;)/;
is($call, "SELECT lpr.add_target(1, plate => 'BULK3', relation => '...', evidence_kind => '...', evidence_reference => '...', basis => '...');", 'the hint holds the call that adds it');
$call =~ s/relation => '\.\.\.'/relation => 'offence'/;
refused($one, $call, 'LP043', qr/the basis says nothing/, 'as it stands it says nothing');
$call =~ s/evidence_kind => '\.\.\.'/evidence_kind => 'case_record'/;
$call =~ s/basis => '\.\.\.'/basis => '$basis'/;
refused($one, $call =~ s/reference => '\.\.\.'/reference => 'none'/r, 'LP043', qr/no evidence was given/, 'without a reference');
$call =~ s/reference => '\.\.\.'/reference => 'Report 2026-88, page 2'/;
my ($first) = ($node->converse($one, $call))[0];
like($first, qr/^\d+$/, '… filled in it adds the target') or diag join "\n", $node->converse($one, $call);
asks($one, plate('BULK3'), '… which is asked at once');
asks($one, "SELECT count(*) FROM lpr.search_plate('bulk-3')", '… by the function too, however it is written');
refused($two, plate('BULK3'), 'LP047', qr/of event 2/, 'for another event it is none');
refused($one, plate('BULK3', 2), 'LP041', qr/event 2 does not exist or is not yours/, 'nor is another event\'s seen', 'Q7');
like(($node->converse($one, "SELECT lpr.add_target(1, 'bulk-3', $case)"))[1], qr/NOTICE:.*plate "BULK3" is target $first of event 1 already/, 'added again it is the same');
refused($one, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN ('BULK3', 'BULK4', 'BULK5')", 'LP047', qr/2 of the plates asked/, 'one that is and two that are not');
refused($one, plate('QQQQ0000'), 'LP047', qr/QQQQ0000/, 'of a plate that nobody has');

# Committed, by the writer's own snapshot.
$node->converse($one, 'BEGIN');
my $fresh = added($one, "1, 'BULK4', $case");
refused($one, 'SAVEPOINT s; ' . plate('BULK4'), 'LP047', qr/BULK4/, 'not committed');
$node->converse($one, 'ROLLBACK TO s; COMMIT');
asks($one, plate('BULK4'), '… committed');
$node->converse($one, 'PREPARE p(text) AS SELECT count(*) FROM lpr.reads WHERE source = \'acme\' AND plate = $1');
asks($one, "EXECUTE p('BULK4')", 'a prepared statement');
refused($one, "EXECUTE p('BULK5')", 'LP047', qr/BULK5/, '… for what is none');

# Look-alikes of a target.
my $look = added($one, "1, '7ABC123', $case");
asks($one, "SELECT count(*) FROM lpr.search_plate('7ABC123', look_alikes => true) WHERE source = 'acme'", 'with its look-alikes');
refused($one, "SELECT count(*) FROM lpr.search_plate('7ABC124', look_alikes => true) WHERE source = 'acme'", 'LP047', qr/plates asked/, 'those of another');

# ---- a join: each batch before anybody is asked about it ----

$node->answer('postgres', "CREATE TABLE wanted AS SELECT 'BULK' || n AS plate FROM generate_series(1, 1500) AS n; GRANT SELECT ON wanted TO lpr_user; ANALYZE wanted");
my ($list) = $node->converse($one, "SELECT count(*) FROM lpr.add_targets(1, ARRAY(SELECT plate FROM wanted WHERE plate <> 'BULK1400' LIMIT 1000), $case)");
is($list, 1000, 'a list of targets');
my $join = "SELECT count(*) FROM wanted AS w JOIN lpr.reads AS r ON r.plate = w.plate WHERE r.source = 'acme' AND r.captured_at > now() - interval '1 day'";
like(($node->converse($one, $join))[1], qr/LP047: .*of the plates asked are no targets/, 'a join with others among them');
$node->converse($one, "SELECT count(*) FROM lpr.add_targets(1, ARRAY(SELECT w.plate FROM wanted AS w WHERE w.plate <> 'BULK1400' AND NOT EXISTS (SELECT FROM lpr.targets AS t WHERE t.plate = w.plate)), $case)");
$head = $node->head;
my (undef, $joined) = $node->converse($one, $join);
like($joined, qr/LP047: plate "BULK1400" is no target of event 1/, 'a single one among 1,500 refuses the statement');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND kind = 'ask' AND payload ~ 'BULK1400'"), '==', 0, '… and its batch is asked of nobody');
added($one, "1, 'BULK1400', $case");
asks($one, $join, '… once it is one, all of them are asked');

# ---- all targets at once ----

my ($few) = $node->converse($two, "SELECT count(*) FROM lpr.add_targets(2, '{BULK7,BULK8}', $case)");
is(join(',', split /\n/, ($node->converse($two, "SELECT DISTINCT plate FROM lpr.search_plate() WHERE source = 'acme' ORDER BY 1"))[0]), 'BULK7,BULK8', 'without a plate all of the event are asked');
is(($node->converse($two, "SELECT count(DISTINCT plate) FROM lpr.search_plate(event_id => 2, since => now() - interval '2 years') WHERE source = 'acme'"))[0], 2, '… of an event that is named');
like(($node->converse($two, 'SELECT lpr.work_on(NULL); SELECT count(*) FROM lpr.search_plate()'))[1], qr/LP047: no event is worked on.*HINT: +SELECT lpr\.work_on/s, '… of none');
$node->converse($two, 'SELECT lpr.work_on(2)');
my ($call7) = ($node->converse($two, "SELECT call FROM lpr.targets WHERE plate = 'BULK7'"))[0];
is($call7, "SELECT * FROM lpr.search_plate('BULK7', event_id => 2);", 'lpr.targets has the call to paste');
asks($two, $call7, '… which asks');
is(($node->converse($two, "SELECT count(*) FROM lpr.targets WHERE event = 1"))[0], 0, 'and shows nothing of other events');

# ---- places and vehicles ----

my $place = sub { my ($lat, $lon, $r) = @_; return "SELECT count(*) FROM lpr.search_location($lat, $lon, radius_m => $r, since => now() - interval '2 days') WHERE source = 'acme'" };
refused($one, $place->(32.55, -116.94, 500), 'LP047', qr/the place asked is no target/, 'a place that is none');
my $where = added($one, "1, relation => 'known_address', evidence_kind => 'informant', evidence_reference => 'Informant file 12', basis => '$basis', latitude => 32.55, longitude => -116.94, radius_m => 300, address => 'Otay Mesa Rd'");
like($where, qr/^\d+$/, 'a place is added');
asks($one, $place->(32.55, -116.94, 500), '… asked by its point');
asks($one, $place->(32.552, -116.94, 500), '… by one near it');
refused($one, $place->(32.5535, -116.94, 500), 'LP047', qr/place/, '… by one farther off');
asks($one, "SELECT count(*) FROM lpr.search_location(address => 'otay mesa rd', since => now() - interval '2 days') WHERE source = 'acme'", '… by its address');
asks($one, "SELECT count(*) FROM lpr.search_location(address => '2300 Otay Mesa Rd', since => now() - interval '2 days') WHERE source = 'acme'", '… by a number of it');
refused($one, "SELECT count(*) FROM lpr.search_location(address => 'Otay Mesa', since => now() - interval '2 days') WHERE source = 'acme'", 'LP047', qr/place/, '… by more than it');
my $make = sub { my ($of) = @_; return "SELECT count(*) FROM lpr.search_vehicle($of, latitude => 32.9, longitude => -117.2, since => now() - interval '1 day') WHERE source = 'acme'" };
refused($one, $make->("'Ford'"), 'LP047', qr/the vehicle asked is no target/, 'a make that is none');
like(added($one, "1, relation => 'offence', evidence_kind => 'tip', evidence_reference => 'Tip 77', basis => '$basis', make => 'Ford', model => 'F-150'"), qr/^\d+$/, 'a vehicle is added');
asks($one, $make->("'ford', 'f-150'"), '… asked by make and model');
refused($one, $make->("'Ford'"), 'LP047', qr/vehicle/, '… by the make alone');
refused($one, $make->("'Ford', 'Transit'"), 'LP047', qr/vehicle/, '… by another model');

# ---- evidence ----

my @faulty = (
	[ "1, 'BULK2510', 'friend', 'tip', 'Tip 77', '$basis'", qr/22023.*"friend" is no relation/, 'no relation' ],
	[ "1, 'BULK2510', 'known_address', 'tip', 'Tip 77', '$basis'", qr/22023.*no relation that a target of kind plate/, 'a relation of places' ],
	[ "1, 'BULK2510', 'offence', 'hunch', 'Tip 77', '$basis'", qr/22023.*"hunch" does not exist/, 'no kind of evidence' ],
	[ "1, 'BULK2510', 'offence', basis => '$basis', make => 'Ford'", qr/22023.*a plate, a place or a vehicle/, 'two things at once' ],
	[ "1, relation => 'offence', basis => '$basis'", qr/22023.*a plate, a place or a vehicle/, 'nothing' ],
	[ "1, latitude => 32.5, relation => 'offence', basis => '$basis'", qr/22023.*a plate, a place or a vehicle/, 'half a point' ],
	(map { [ "1, address => '$_', relation => 'offence', basis => '$basis'", qr/22023.*a plate, a place or a vehicle/, "no address: $_" ] } 'san', '---', 'San'),
	[ "1, 'BULK2510', 'offence', 'case_record', 'Report', 'for the investigation'", qr/LP043/, 'a basis that says nothing' ],
	[ "1, 'BULK2510', 'offence', 'case_record', 'see file', '$basis'", qr/LP043.*no evidence/, 'a reference that says nothing' ],
	[ "1, 'BULK2510', 'offence', 'prior_read', 'Read r-77', '$basis'", qr/LP043.*a read of a licence plate alone is no evidence/, 'a read alone' ],
	[ "2, 'BULK2510', $case", qr/LP041.*event 2 does not exist or is not yours/, 'an event of somebody else' ],
	[ "1, 'BULK2510', 'associate', 'prior_read', 'Read r-77', '$basis', associate_of => 999999", qr/LP047.*target 999999 is none of event 1/, 'beside nothing' ]);
like(added($one, $_->[0]), $_->[1], "no target: $_->[2]") for @faulty;
like(($node->converse($one, "SELECT lpr.add_targets(1, '{}', $case)"))[1], qr/22023.*1 to 1,000 plates/, 'an empty list');
my $beside = added($one, "1, 'BULK2500', 'associate', 'prior_read', 'Read r-77', '$basis', associate_of => $first");
like($beside, qr/^\d+$/, 'a read beside a target is evidence');
my $third = added($one, "1, 'BULK2501', 'associate', 'surveillance', 'Report 3', '$basis', associate_of => $beside");
is(state_of($third), 'waits', 'an associate of an associate waits for the supervisor');
refused($one, plate('BULK2501'), 'LP047', qr/BULK2501/, '… and is not asked before');
like(added($one, "1, 'BULK2502', 'associate', 'surveillance', 'Report 3', '$basis', associate_of => $third"), qr/LP047/, '… nor does anything stand beside it');
like($node->messages('supervisor1', "SELECT * FROM lpr.event_targets(1)"), qr/LP028/, 'the supervisor reads them by duty, with the rules agreed to');
my $look_at = LprTest::consent() . " SELECT string_agg(target || ' ' || state, ',') FROM lpr.event_targets(1) WHERE target = $third";
like($node->answer('supervisor1', $look_at), qr/^$third waits$/m, '… and sees what waits');
is($node->answer('postgres', "SELECT payload::jsonb->>'what' FROM lpr_data.audit WHERE kind = 'read' AND login = 'supervisor1' ORDER BY number DESC LIMIT 1"), 'event_targets(1)', '… on record');
$node->refused('confirmed by who added it', 'analyst1', "SELECT lpr.confirm_target($third)", 'Q12', 'LP033');
$node->faulty('confirmed by an older snapshot', 'supervisor1', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SELECT lpr.confirm_target($third)", '25000');
$node->answer('supervisor1', "SELECT lpr.confirm_target($third)");
asks($one, plate('BULK2501'), 'confirmed it is asked');
$node->refused('confirmed twice', 'supervisor1', "SELECT lpr.confirm_target($third)", 'Q12', 'LP034');
like(added($one, "1, 'BULK2502', 'associate', 'surveillance', 'Report 3', '$basis', associate_of => $third"), qr/LP047.*an associate of an associate/, 'there is no third step');

# What was ruled out is not added again in another writing.
$node->converse($one, "SELECT count(*) FROM lpr.rule_out($_, 'It was parked abroad on each of these days, by the ferry.')") for $look, $where;
is(state_of(added($one, "1, '7A8C123', $case")), 'waits', 'a look-alike of what was ruled out waits');
is(state_of(added($one, "1, relation => 'known_address', evidence_kind => 'informant', evidence_reference => 'Informant file 13', basis => '$basis', address => '2300 otay mesa rd'")), 'waits', '… and so does a place within it');
is(state_of(added($one, "1, relation => 'known_address', evidence_kind => 'informant', evidence_reference => 'Informant file 13', basis => '$basis', latitude => 32.551, longitude => -116.94")), 'waits', '… or near it');
# Judged by what is committed.
like(($node->converse($two, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.targets; SELECT lpr.$_"))[1], qr/25000: this cannot be decided in a transaction that is REPEATABLE READ/, "not by an older snapshot: $_") && $node->converse($two, 'ROLLBACK')
	for "add_target(2, 'BULK2700', $case)", "end_target(1, 'Not needed.')", "rule_out(1, 'It was parked abroad, by the ferry tickets.')", "close_event(2, 'found')", "add_member(2, 'analyst1')";

# ---- urgent ----

my $urgent = sub { my ($plate) = @_; return added($one, "1, '$plate', 'endangered', basis => 'The missing child was seen in this car an hour ago.', urgent => true") };
my @urgent = map { $urgent->("BULK260$_") } 1 .. 3;
like("@urgent", qr/^\d+ \d+ \d+$/, 'three urgent ones a day');
asks($one, plate('BULK2601'), '… asked at once');
refused($one, "SELECT lpr.add_target(1, 'BULK2604', 'endangered', basis => 'The missing child was seen in this car an hour ago.', urgent => true)", 'LP046', qr/three urgent targets today/, 'not a fourth');
$node->answer('supervisor1', "SELECT lpr.confirm_target($urgent[0])");
my $leans = added($one, "1, 'BULK2605', 'associate', 'prior_read', 'Read r-78', '$basis', associate_of => $urgent[2]");
is($node->answer('analyst1', "SELECT good_until <= (SELECT good_until FROM lpr.targets WHERE target = $urgent[2]) FROM lpr.targets WHERE target = $leans"), 't', 'an associate stands no longer than the urgent one beside it');
my $stays = added($one, "1, 'BULK2606', 'associate', 'prior_read', 'Read r-79', '$basis', associate_of => $urgent[1]");
$node->answer('supervisor1', "SELECT lpr.confirm_target($stays)");
my ($replaced) = $node->converse($one, "SELECT lpr.add_target(1, 'BULK2602', $case)");
is(state_of($urgent[1]) . ' ' . state_of($replaced), 'replaced good', 'evidence that comes later takes its place');
$node->move_clock(86400 + 60);
$node->await_cache;
$node->agree_again($one, $two);
asks($one, plate('BULK2601'), 'a day later: the confirmed one');
asks($one, plate('BULK2602'), '… the one with evidence');
refused($one, plate('BULK2603'), 'LP047', qr/BULK2603/, '… the third has run out');
is(state_of($urgent[2]), 'ran_out', '… which lpr.targets tells');
is(state_of($leans), 'ran_out', '… and with it what stood beside it');
is(state_of($urgent->('BULK2603')), 'waits', '… nor is it urgent every day');
$node->refused('… and is not confirmed any more', 'supervisor1', "SELECT lpr.confirm_target($urgent[2])", 'Q12', 'LP034');

# ---- ruled out ----

my @ids = split /\n/, ($node->converse($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK3' LIMIT 2"))[0];
{
	my ($saved, $why) = $node->converse($one, "SELECT lpr.save(1, 'acme', '{$ids[0]}', 'Stood beside the lorry on the night of the fire, by the gate camera.', 'illicit_activity')");
	is($saved, 1, 'a read of the first target is saved') or diag $why;
}
# An answer under way ends with its target.
my ($reader) = $node->session('analyst1');
$node->converse($reader, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK3'; DECLARE d CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK4'; FETCH 1 FROM d");
like(($node->converse($reader, 'FETCH 1 FROM c'))[0], qr/^\w+$/, 'an answer about a target begins');
refused($two, "SELECT * FROM lpr.rule_out($first, 'The owner was abroad with that very car, by the ferry tickets.')", 'LP041', qr/none of your events/, 'ruled out by somebody else', 'E4');
refused($one, "SELECT * FROM lpr.rule_out($first, 'because')", 'LP043', qr/says nothing/, 'without a reason');
like(($node->converse($one, "SELECT * FROM lpr.rule_out($first, 'The owner was abroad with that very car, by the ferry tickets.')"))[0], qr/^\d+\|SELECT lpr\.unsave\(/m, 'ruled out: the saved read is due to be taken off');
refused($one, plate('BULK3'), 'LP048', qr/plate "BULK3" was ruled out as a target of event 1/, 'it is asked no more');
like(($node->converse($reader, 'FETCH 1 FROM d'))[0], qr/^\w+$/, 'an answer about another target goes on');
like(($node->converse($reader, 'FETCH ALL FROM c'))[1], qr/LP048: plate "BULK3" was ruled out/, '… that about it is refused');
$reader->quit;
is(join(' ', map { state_of($_) } $first, $beside, $third), 'ruled_out ended ended', 'what stood beside it has ended');
refused($one, plate('BULK2501'), 'LP047', qr/BULK2501/, '… and is not asked');
my ($off) = $node->converse($one, 'SELECT call FROM lpr.to_take_off(1)');
like($off, qr/^SELECT lpr\.unsave\(\d+, '\.\.\.why\.\.\.'\);$/, 'lpr.to_take_off() has the call');
$node->converse($one, $off =~ s/\.\.\.why\.\.\./The car was ruled out, see the ferry tickets./r);
is(($node->converse($one, 'SELECT count(*) FROM lpr.to_take_off(1)'))[0], 0, '… which takes it off');
my (undef, $anew) = $node->converse($one, "SELECT lpr.add_target(1, 'BULK3', $case)");
like($anew, qr/NOTICE:.*not asked before it is confirmed.*HINT: .*SELECT lpr\.confirm_target\((\d+)\)/s, 'proposed anew it waits');
my ($again) = $anew =~ /confirm_target\((\d+)\)/;
refused($one, plate('BULK3'), 'LP048', qr/ruled out/, '… and is not asked');
$node->answer('supervisor1', "SELECT lpr.confirm_target($again)");
asks($one, plate('BULK3'), '… until the supervisor confirms it');
$node->converse($one, "SELECT lpr.end_target($again, 'Not needed any more.')");
refused($one, plate('BULK3'), 'LP048', qr/ruled out/, 'ended it is what it was before');

$node->converse($one, "SELECT lpr.end_target($replaced, 'It was found, in the garage of its owner.')");
is(state_of($stays), 'ended', 'what stood beside an older one ends with the newer');

# ---- the predicate and the log are one ----

is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit AS a CROSS JOIN LATERAL jsonb_array_elements_text(a.payload::jsonb -> 'plates') AS p (plate)
	WHERE a.kind = 'ask' AND a.mode = 'plate' AND NOT EXISTS (SELECT FROM lpr_data.target AS t WHERE t.event_id = a.event_id AND t.shape = lpr_data.plate_shape(p.plate))"), 0, 'no record of a question about anything but a target');

# ---- before there were targets ----

$node->answer('postgres', "ALTER TABLE lpr_data.target DISABLE TRIGGER ALL; DELETE FROM lpr_data.target WHERE event_id = 2; ALTER TABLE lpr_data.target ENABLE ALWAYS TRIGGER audit_change");
is(join(' ', map { (split /\|/)[0] } split /\n/, ($node->converse($two, "SELECT plate, call FROM lpr.adopt_targets(2) ORDER BY plate"))[0]), 'BULK7 BULK8', 'what an event had asked before can be adopted');
my ($adopt) = $node->converse($two, "SELECT call FROM lpr.adopt_targets(2) WHERE plate = 'BULK7'");
like($adopt, qr/^SELECT lpr\.add_target\(2, plate => 'BULK7', relation => '\.\.\.',/, '… plate by plate, with its evidence');
my ($late) = split /\n/, $node->answer('analyst1', "SELECT target FROM lpr.targets WHERE event = 1 AND state = 'good' LIMIT 1");
$node->answer('analyst1', "SELECT lpr.close_event(1, 'The lorry was found, two arrests.')");
$node->refused('ended after its event', 'analyst1', "SELECT lpr.end_target($late, 'Not needed any more.')", 'Q7', 'LP042');
$node->sound('all of it');

$node->stop;
done_testing();
