# releases: what needs a second person waits for one who may and has no part in it: places that the law protects (P1), and plates of staff and household, of which nobody learns whose they are (P2).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('releases');
my $needed = 'A witness saw the silver sedan stop right there on the day before the delivery.';
my $right = 'The witness has signed what she saw, and there is no other way to find out.';
my $agreed = sub { my ($sql) = @_; return "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n$sql" };
my $asks = sub { my ($kind, $key, $event) = @_; return "SELECT lpr.request_release('$kind', " . ($event // 1) . ", '$key', '$needed')" };
my $gives = sub { my ($release) = @_; return "SELECT lpr.release_request($release, '$right')" };
my $state = sub { my ($release) = @_; return $node->answer('analyst1', "SELECT state, decided_by, acting_for, reason IS NOT NULL, decide_reason FROM lpr.releases WHERE release = $release") };
my $released = sub { my ($kind, $key, $moment) = @_; return $node->answer('postgres', "SELECT lpr_data.released(1, '$kind', '$key', " . ($moment // 'clock_timestamp()') . ')') };
my $refused_all = sub { my ($name, $release, $words, @logins) = @_; $node->refused("$name: $_", $_, LprTest::consent() . ' ' . $gives->($release), 'P1', 'LP033', words => $words) for @logins; return };

$node->hire($_->[0], $_->[1]) for [ 'integrity1', 'lpr_integrity' ], [ 'supervisor2', 'lpr_supervisor' ], [ 'privacy2', 'lpr_privacy' ], [ 'deputy2', 'lpr_oversight' ];

# ---- places that the law protects ----

my $place = sub { my ($name, $more) = @_; return "SELECT lpr.add_protected_place('$name', 'worship', 32.6, -117.0, 200, 'First Amendment'" . ($more // '') . ')' };
$node->refused('a place by somebody who is not privacy', 'admin1', $place->('Mosque'), 'P1', 'LP033');
$node->refused("no place: $_", 'privacy1', "SELECT lpr.add_protected_place('Mosque', $_, 'First Amendment')", 'P1', '22023', words => qr/no place that can be protected/)
	for "'casino', 32.6, -117.0, 200", "'worship', 132.6, -117.0, 200", "'worship', 32.6, -217.0, 200", "'worship', 32.6, -117.0, 0", "'worship', 32.6, -117.0, 5001", "'worship', NULL, -117.0, 200";
my $mosque = $node->answer('privacy1', $place->('Mosque of the Bay', ", '12 Harbor  dr'"));
my $clinic = $node->answer('privacy1', "SELECT lpr.add_protected_place('Clinic', 'health', 32.7, -117.0, 100, 'HIPAA, 45 CFR 164')");
is($node->answer('analyst1', 'SELECT place, name, kind, radius_m, address, citation, ended_at FROM lpr.protected_places ORDER BY place', logon => 0), "$mosque|Mosque of the Bay|worship|200|12 HARBOR DR|First Amendment|\n$clinic|Clinic|health|100||HIPAA, 45 CFR 164|", 'everybody sees them');
$node->refused('ended by somebody who is not privacy', 'supervisor1', "SELECT lpr.end_protected_place($clinic, '$right')", 'P1', 'LP033');
$node->refused('… for no reason', 'privacy1', "SELECT lpr.end_protected_place($clinic, 'because')", 'P1', 'LP043');
my $meets = sub { my ($latitude, $radius, $address) = @_; return $node->answer('postgres', "SELECT place_id FROM lpr_data.place_that_waits(1, $latitude, -117.0, $radius, " . ($address // 'NULL') . ', clock_timestamp())') };
# A hundredth of a degree is 1,112 m.
is($meets->(@$_[0, 1, 2]), $_->[3], "a search of $_->[1] m at $_->[0]" . (defined $_->[2] ? " or at $_->[2]" : '')) for [ 32.6, 1, undef, $mosque ], [ 32.61, 911, undef, '' ], [ 32.61, 913, undef, $mosque ], [ 32.59, 913, undef, $mosque ], [ 32.65, 25000, undef, $mosque ], [ 32.7, 50, undef, $clinic ],
	[ 32.2, 1000, undef, '' ], [ 'NULL', 'NULL', undef, '' ], [ 'NULL', 'NULL', "'12 HARBOR DR, SAN DIEGO'", $mosque ], [ 'NULL', 'NULL', "'HARBOR DR'", $mosque ], [ 'NULL', 'NULL', "'112 HARBOR ST'", '' ];

# ---- asked for ----

$node->refused('of an event that is not theirs', 'analyst2', $asks->('protected_place', $mosque), 'E4', 'LP041');
$node->refused('of an event that does not exist', 'analyst1', $asks->('protected_place', $mosque, 99), 'E4', 'LP041');
$node->refused('by who does not ask', 'supervisor1', $asks->('protected_place', $mosque), 'Q7', 'LP033');
$node->refused('of a place that does not exist', 'analyst1', $asks->('protected_place', 99), 'P1', '22023');
$node->refused('of another kind', 'analyst1', $asks->('image', 1), 'P1', '22023');
$node->refused('for no reason', 'analyst1', "SELECT lpr.request_release('protected_place', 1, '$mosque', 'because')", 'Q7', 'LP043');
my ($told) = $node->messages('analyst1', $asks->('protected_place', $mosque));
like($told, qr/NOTICE: .*release 1 waits.*HINT: +Ask your supervisor or a deputy or the privacy officer \(Priya Vasey, The privacy2\): SELECT lpr\.release_request\(1, /s, 'it is told whom to ask');
$node->refused('while it waits', 'analyst1', $asks->('protected_place', $mosque), 'Q7', 'LP034', words => qr/waits already/);
$node->faulty("by an older snapshot: $_->[0]", $_->[0], $_->[1] . "\nBEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; $_->[2]", '25000')
	for [ 'analyst1', '', $asks->('protected_place', $clinic) ], [ 'supervisor1', LprTest::consent(), $gives->(1) ], [ 'trainer1', '', "SELECT lpr.add_reserved_plate('8XYZ997')" ];
is($state->(1), 'waiting|||t|', 'it waits');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change' AND payload LIKE '%silver sedan stop%'"), 0, 'what was said is in no record');

# ---- who decides ----

$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
$refused_all->('who may not', 1, qr/does not act as/, 'analyst1', 'analyst2', 'owner1', 'admin1', 'trainer1');
$refused_all->('whose people they are not, or whose kind it is not', 1, qr/does not exist or is not yours/, 'supervisor2', 'integrity1');
$node->refused('what does not exist', 'privacy1', LprTest::consent() . ' ' . $gives->(99), 'P1', 'LP033', words => qr/does not exist or is not yours/);
$node->refused('without the rules', 'supervisor1', $gives->(1), 'A5', 'LP028');
$node->refused('for the reason that it was asked for', 'supervisor1', LprTest::consent() . " SELECT lpr.release_request(1, '$needed')", 'P1', 'LP043');
$node->refused('why it is asked, to who decides about nothing', 'admin1', LprTest::consent() . ' SELECT * FROM lpr.release_reasons(1)', 'P1', 'LP033', words => qr/does not act as/);
$node->refused('why it is asked, to who may not decide', 'supervisor2', LprTest::consent() . ' SELECT * FROM lpr.release_reasons(1)', 'P1', 'LP033');
is($node->answer('supervisor1', 'SELECT about, event, by_login, state, reason FROM lpr.releases'), "$mosque: Mosque of the Bay|1|analyst1|waiting|", 'a supervisor sees that it waits');
my $head = $node->head;
is($node->answer('supervisor1', $agreed->('SELECT event, title, purpose, matter_reference, by_login, about, reason FROM lpr.release_reasons(1)')), "1|Contraband through Otay Mesa|contraband|SD-2026-00417|analyst1|$mosque: Mosque of the Bay|$needed", '… and why, by a call');
is($node->records_after($head, "kind = 'read'"), 'read supervisor1', '… that is on record');
like($node->answer('supervisor1', $agreed->($gives->(1))), qr/^20/, 'the supervisor of who asked releases it');
is($state->(1), "released|supervisor1||t|$right", '… for the event to see');
is($node->answer('postgres', "SELECT until - decided_at FROM lpr_data.release WHERE release_id = 1"), '1 day', '… for a day');
is($released->('protected_place', $mosque) . $released->('protected_place', $clinic) . $released->('plate', $mosque) . $released->('protected_place', $mosque, "clock_timestamp() + interval '25 hours'") . $released->('protected_place', $mosque, "clock_timestamp() - interval '1 hour'"), 'tffff', '… that place, that kind, that day');
is($node->answer('postgres', "SELECT lpr_data.released(2, 'protected_place', '$mosque', clock_timestamp())"), 'f', '… and that event');
is($meets->(32.6, 1), '', 'a search there waits no more');
is($meets->(32.65, 25000), $clinic, '… one that meets another place as well does');
$node->refused('decided twice', 'privacy1', LprTest::consent() . ' ' . $gives->(1), 'P1', 'LP034', words => qr/released already/);
$node->refused('asked for while it is good', 'analyst1', $asks->('protected_place', $mosque), 'Q7', 'LP034', words => qr/released already/);
# Who comes to have a part in it is no second person any more.
$node->answer('postgres', "INSERT INTO lpr_data.event_member (event_id, person_id, added_by) SELECT 1, p.person_id, p.person_id FROM lpr_data.person AS p WHERE p.login = 'supervisor1'");
is($released->('protected_place', $mosque), 'f', 'a release by who became a member is good no more');
my $second = $node->answer('analyst1', $asks->('protected_place', $clinic));
$refused_all->('who works on the event', $second, qr/does not exist or is not yours/, 'supervisor1');
# A deputy, in whose stead, but not of who works on it.
$node->answer('supervisor1', "SELECT lpr.deputise('supervisor1', 'deputy2', now() + interval '3 days', 'Is on leave until the end of the month.')");
$refused_all->('the deputy of who works on the event', $second, qr/does not exist or is not yours/, 'deputy2');
$node->answer('postgres', "DELETE FROM lpr_data.event_member WHERE person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'supervisor1')");
$node->answer('deputy2', $agreed->($gives->($second)));
is($state->($second), "released|deputy2|supervisor1|t|$right", 'a deputy releases, in whose stead');
$node->answer('postgres', "INSERT INTO lpr_data.event_member (event_id, person_id, added_by) SELECT 1, p.person_id, p.person_id FROM lpr_data.person AS p WHERE p.login = 'supervisor1'");
is($released->('protected_place', $clinic), 'f', '… which is good no more when that one becomes a member');
$node->answer('postgres', "DELETE FROM lpr_data.event_member WHERE person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'supervisor1')");
# Refused.
my $bay = $node->answer('privacy1', "SELECT lpr.add_protected_place('Union Hall', 'assembly', 32.5, -116.9, 100, 'First Amendment')");
my $third = $node->answer('analyst1', $asks->('protected_place', $bay));
$node->answer('privacy1', $agreed->("SELECT lpr.refuse_release($third, 'There are other ways to find that car, as the file says.')"));
is($state->($third), 'refused|privacy1||t|There are other ways to find that car, as the file says.', 'the privacy officer refuses one');
is($released->('protected_place', $bay), 'f', '… which is good for nothing');
$node->refused('… nor decided once more', 'privacy1', LprTest::consent() . ' ' . $gives->($third), 'P1', 'LP034', words => qr/refused already/);
my $fourth = $node->answer('analyst1', $asks->('protected_place', $bay));
isnt($fourth, $third, '… but asked for anew');
# What ends.
$node->answer('privacy1', "SELECT lpr.end_protected_place($bay, 'The hall was torn down, and a car park stands there now.')");
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.place_that_waits(1, 32.5, -116.9, 10, NULL, clock_timestamp())"), 0, 'a place that is no more');
$node->refused('ended twice', 'privacy1', "SELECT lpr.end_protected_place($bay, 'The hall was torn down, and a car park stands there now.')", 'P1', 'LP034');

# What holds for a row.
my $row = sub { my ($name, $sql, $words) = @_; return like($node->messages('postgres', $sql), $words, "the superuser: $name") };
$row->('released by who asked', "UPDATE lpr_data.release SET state = 'released', decided_at = now(), decided_by = person_id, decide_reason = 'x', until = now() + interval '1 hour' WHERE release_id = $fourth", qr/"decided_by_somebody_else"/);
$row->('for longer than a day', "UPDATE lpr_data.release SET state = 'released', decided_at = now(), decided_by = 1, decide_reason = 'x', until = now() + interval '25 hours' WHERE release_id = $fourth", qr/"a_day_at_most"/);
$row->('made longer', "UPDATE lpr_data.release SET until = until + interval '1 day' WHERE release_id = 1", qr/LP034: the change of release 1 is refused/);
$row->('of another place', "UPDATE lpr_data.release SET key = '1' WHERE release_id = $fourth", qr/LP034/);

# ---- plates of staff and household ----

my $rows = 'SELECT count(*) - 1 FROM lpr_data.reserved_plate';
$head = $node->head;
$node->answer('trainer1', "SELECT lpr.add_reserved_plate('7abc-120')");
is($node->records_after($head, "kind = 'change'"), join("\n", ('change trainer1 insert lpr_data.reserved_plate') x 2), 'somebody registers a plate, on record');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit AS a, lpr_data.reserved_plate AS r WHERE strpos(a.payload, encode(r.plate_hash, 'hex')) + strpos(a.payload, encode(r.owner_hash, 'hex')) > 0 OR a.payload::jsonb->>'table' = 'lpr_data.reserved_plate' AND a.payload ~ 'plate_hash|7ABC'"), 0, '… and not which');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.reserved_plate AS r WHERE r.plate_hash IN (sha256('7ABC120'), hmac('7ABC120', '', 'sha256')) OR r::text ~ '7ABC'"), 0, '… nor does the table tell');
$node->answer('trainer1', "SELECT lpr.add_reserved_plate('7ABC120')");
is($node->answer('postgres', $rows), 1, 'once');
$node->refused('of somebody else', 'trainer1', "SELECT lpr.add_reserved_plate('8XYZ999', 'analyst1')", 'P2', 'LP033');
$node->refused('taken out for somebody else', 'trainer1', "SELECT lpr.remove_reserved_plate('8XYZ999', 'analyst1')", 'P2', 'LP033');
$node->refused('by nobody', 'postgres', "SELECT lpr.add_reserved_plate('8XYZ999')", 'P2', 'LP024');
$node->hire('service1', 'lpr_oversight', kind => 'service');
$node->refused('by a service', 'service1', "SELECT lpr.add_reserved_plate('8XYZ999')", 'P2', 'LP033');
$node->faulty('no plate', 'trainer1', "SELECT lpr.add_reserved_plate('')", 'LP011');
$node->answer('privacy1', "SELECT lpr.add_reserved_plate('8XYZ999', 'analyst1')");
is($node->answer('analyst1', 'SELECT lpr.my_reserved_plates()') . $node->answer('trainer1', 'SELECT lpr.my_reserved_plates()') . $node->answer('privacy1', 'SELECT lpr.my_reserved_plates()'), '110', 'privacy registers one of somebody else: how many one has');
$node->answer('deputy2', "SELECT lpr.remove_reserved_plate('7ABC120')");
is($node->answer('postgres', $rows), 2, 'nobody takes out that of another, and is told nothing');
$node->refused('a thirteenth', 'deputy2', "SELECT lpr.add_reserved_plate('TEN' || n) FROM generate_series(1, 13) AS n", 'P2', '22023', words => qr/too many plates/);
my $waits = sub { my ($plates, $event) = @_; return $node->answer('postgres', "SELECT lpr_data.plate_that_waits(" . ($event // 1) . ", '{$plates}', clock_timestamp())") };
is($waits->('BULK1,7ABC120,8XYZ999'), '7ABC120', 'a question for one waits');
is($waits->('7A8CI2O') . $waits->('BULK1') . $waits->('7ABC121'), '7A8CI2O', '… or for one that looks like it, and for no other');

# Any plate can be asked to be released: who tries learns nothing.
my @plate = map { $node->answer('analyst1', $asks->('plate', $_)) } 'BULK1', '7abc 120';
like("@plate", qr/^\d+ \d+\z/, 'a release is asked for a plate that nobody registered, as for one that somebody did');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.release WHERE key ~ 'BULK|7ABC' OR release::text ~ '7ABC'"), 0, '… which stands nowhere');
is($node->answer('integrity1', 'SELECT release, about, by_login FROM lpr.releases ORDER BY release'), "$plate[0]|a plate|analyst1\n$plate[1]|a plate|analyst1", 'integrity sees those about plates');
$refused_all->('a supervisor', $plate[1], qr/does not exist or is not yours/, 'supervisor1');
is($node->answer('integrity1', $agreed->('SELECT about, reason FROM lpr.release_reasons(' . $plate[1] . ')')), "a plate|$needed", '… and why, not whose');
$node->answer('integrity1', $agreed->($gives->($plate[1])));
is($waits->('BULK1,7ABC120,8XYZ999') . ' ' . $waits->('7ABC120', 2), '8XYZ999 7ABC120', 'what is released waits no more, for that event');
is($node->answer('analyst1', "SELECT about, state, decided_by FROM lpr.releases WHERE release = $plate[1]"), 'a plate|released|integrity1', 'it is told');
# Whose it is neither decides nor sees that it was asked.
$node->answer('privacy1', "SELECT lpr.add_reserved_plate('PRIV1'), lpr.add_reserved_plate('INTEG1', 'integrity1')");
push @plate, map { $node->answer('analyst1', $asks->('plate', $_)) } 'PRIV1', 'INTEG1';
is($node->answer('privacy1', 'SELECT string_agg(release::text, \' \' ORDER BY release) FROM lpr.releases WHERE kind = \'plate\''), "@plate[0, 1, 3]", 'whose it is does not see it');
is($node->answer('integrity1', 'SELECT string_agg(release::text, \' \' ORDER BY release) FROM lpr.releases'), "@plate[0, 1, 2]", '… integrity as well');
$refused_all->('whose it is', $plate[2], qr/does not exist or is not yours/, 'privacy1');
$node->refused('… why it is asked', 'privacy1', LprTest::consent() . ' SELECT * FROM lpr.release_reasons(' . $plate[2] . ')', 'P1', 'LP033');
$node->answer('privacy2', $agreed->($gives->($plate[2])));
is($waits->('PRIV1') . $waits->('INTEG1'), 'INTEG1', 'somebody else does');

# Without the key, or with another one, each plate could be one.
my $key = PostgreSQL::Test::Utils::slurp_file("$node->{secret_directory}/identity-key");
unlink "$node->{secret_directory}/identity-key";
is($waits->('BULK1,BULK2'), 'BULK1', 'without the key each plate waits');
$node->put_secret('identity-key', 'x' x 31);
is($waits->('BULK1,BULK2'), 'BULK1', '… with one that is too short');
$node->put_secret('identity-key', 'x' x 32);
is($waits->('BULK1,BULK2'), 'BULK1', '… with another one');
$node->faulty('registered under another key', 'trainer1', "SELECT lpr.add_reserved_plate('8XYZ998')", 'F0000', qr/another one than when/);
$node->put_secret('identity-key', $key);
chmod 0644, "$node->{secret_directory}/identity-key";
is($waits->('BULK1,BULK2'), 'BULK1', '… with one that others can read');
chmod 0600, "$node->{secret_directory}/identity-key";
is($waits->('BULK1,BULK2'), '', '… until it is back');
# Who leaves is no staff any more.
is($node->answer('trainer1', "SELECT lpr.remove_reserved_plate('7-ABC-120')"), '', 'one\'s own is taken out');
is($waits->('7ABC120', 2) . $node->answer('trainer1', 'SELECT lpr.my_reserved_plates()'), '0', '… and waits no more');
$node->answer('admin1', "SELECT lpr.retire_person('integrity1')");
is($waits->('INTEG1', 2) . $waits->('PRIV1', 2), 'PRIV1', 'plates of who leaves wait no more');

$node->sound('in the end');
$node->stop;
done_testing();
