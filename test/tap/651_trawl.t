# trawl: no ranking of what reads somewhere, and no convoys: area, time, reads and plates are bounded as shipped; plates are counted as they
# are asked, and those that nobody named as they are shown; two people widen (Q2, Q8).
use strict;
use warnings;
use JSON::PP;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('trawl', limits => 0, world => 1, cache => 1);
LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
$node->make_places('lpr', '32.55,-117.0', '32.5509,-117.0438');
my ($session) = $node->session('analyst1');
my $head;
my $says = sub { my ($sql) = @_; $head = $node->head; return $node->converse($session, $sql) };
my $records = sub { my ($kind) = @_; return map { decode_json($_) } split /\n/, $node->answer('postgres', "SELECT payload FROM lpr_data.audit WHERE number > $head AND kind = '$kind' ORDER BY number") };
my $used = sub { my ($limit, $of) = @_; return ($node->converse($session, "SELECT coalesce(used, 0) FROM lpr.limits WHERE \"limit\" = '$limit' AND of ~ '$of'"))[0] };

# ---- as shipped ----

my ($rows) = $says->("SELECT concat_ws('|', \"limit\", of, most, never_beyond) FROM lpr.limits");
is($rows, <<'END' =~ s/\n\z//r, 'the limits as they come, and what none goes beyond');
search by place|radius in metres|1000|25000
search by place|characters of an address, at least|8|3
search by place|time|90 days|5 years
search by place|reads of an answer|10000|100000
search by place|different plates of an answer|500|5000
search by vehicle|radius in metres|5000|25000
search by vehicle|characters of an address, at least|8|3
search by vehicle|time|30 days|5 years
search by vehicle|reads of an answer|10000|100000
search by vehicle|different plates of an answer|500|5000
of a person in an hour|plates asked|10000|1000000
of a person in a day|plates asked|40000|1000000
of a person in a day|plates shown that nobody named|2000|50000
for an event in an hour|plates asked|20000|1000000
for an event in a day|plates asked|80000|1000000
for an event in a day|plates shown that nobody named|4000|50000
END

# The two of the findings. A ranking of a district, though its middle is a target:
my $ranking = "SELECT plate, count(*) FROM lpr.search_location(latitude => 32.55, longitude => -117.0, radius_m => %s, since => now() - interval '89 days') GROUP BY 1 ORDER BY 2 DESC";
my ($out, $err) = $says->(sprintf $ranking, 50000);
like($err, qr/ERROR: +LP044: the question covers too large an area\n/, 'a district is not ranked');
is($out, '', '… nothing is shown');
is(join('', map { $_->{aggregated} ? 1 : 0 } $records->('refused')) =~ /^1+$/, 1, '… and that it counts is on record');
# … and the convoy: who was where the target stopped, when it did.
my $convoy = "WITH stops AS MATERIALIZED (SELECT DISTINCT ON (latitude, longitude) latitude, longitude, captured_at AS at FROM lpr.search_plate('7ABC123', since => now() - interval '60 days') WHERE source = 'acme')
	SELECT r.plate, count(*) FROM stops AS s, LATERAL lpr.search_location(s.latitude, s.longitude, since => s.at - interval '%s', until => s.at + interval '%s') AS r
	WHERE r.plate <> '7ABC123' GROUP BY 1 ORDER BY 2 DESC";
($out, $err) = $says->(sprintf $convoy, '10 minutes', '10 minutes');
like($err, qr/ERROR: +LP047: the place asked is no target of event 1\n/, 'a convoy is not looked for: the stops are no targets');
is($out, '', '… nothing is shown');
is((grep { $_->{aggregated} } $records->('refused'))[0]{aggregated}, JSON::PP::true, '… and that it counts is on record');

# ---- different plates: of an answer, and of a day ----

# Where targets are asked, the answers end at their bound, which is told.
my $place = "FROM lpr.search_location(latitude => 32.5509, longitude => -117.0438, since => now() - interval '60 days', refresh => %s) WHERE source = 'acme'";
my $distinct = ($node->converse($session, 'SELECT count(DISTINCT plate) ' . sprintf($place, 'true')))[0];
cmp_ok($distinct, '>', 8, "different plates read at a place: $distinct");
$node->answer('admin1', "SELECT lpr.set_search_limit('location', plates => 5), lpr.set_search_limit('vehicle', plates => 2)");
my $shown = $used->('of a person in a day', 'shown');
($out, $err) = $says->("SELECT count(DISTINCT plate), count(*) " . sprintf($place, 'true'));
like($out, qr/^5\|/, 'five different plates are shown, of how many reads ever');
like($err, qr/WARNING: +01004: source "acme" has more reads than are shown\nDETAIL: .*no more than 5 different plates/, '… and that there are more is told');
is_deeply([ map { "$_->{outcome} $_->{plates_shown}" } $records->('answer') ], ['cut 5'], '… and on record, with how many');
is((map { $_->{aggregated} } $records->('ask'))[0], JSON::PP::true, '… as is that it counts');
is($used->('of a person in a day', 'shown') - $shown, 5, '… they are used of the day');
is($used->('for an event in a day', 'shown') - $shown, 5, '… and of the event');
($out, $err) = $says->("SELECT count(DISTINCT plate), bool_and(from_cache) FROM lpr.search_plate('7ABC123', since => now() - interval '60 days') WHERE source = 'acme'");
is($used->('of a person in a day', 'shown') - $shown, 5, 'a plate that was named is none of them');
($out, $err) = $says->("SELECT count(DISTINCT plate) FROM lpr.search_vehicle('Toyota', latitude => 32.5509, longitude => -117.0438, since => now() - interval '29 days') WHERE source = 'acme'");
is($out, 2, 'a vehicle at a place likewise');
like($err, qr/no more than 2 different plates/, '… which is told');
# Out of the cache as well: a whole answer is there, of a shorter time.
$node->widen('lpr', location => { plates => 500 });
$says->('SELECT count(*) ' . sprintf $place, 'true');
$node->answer('admin1', "SELECT lpr.set_search_limit('location', plates => 5)");
$shown = $used->('of a person in a day', 'shown');
($out, $err) = $says->('SELECT count(DISTINCT plate), bool_and(from_cache) ' . sprintf $place, 'false');
is($out, '5|t', 'out of the cache no more');
like($err, qr/no more than 5 different plates/, '… which is told');
is($used->('of a person in a day', 'shown') - $shown, 5, '… and counts');

# What is left of the day.
$shown += 5;
$node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'day', plates => ${\($shown + 3)})");
($out, $err) = $says->('SELECT count(DISTINCT plate) ' . sprintf $place, 'false');
is($out, 3, 'an answer ends where the day does');
like($err, qr/no more than 3 different plates/, '… which is told');
my $over = qr/ERROR: +LP049: too many plates were shown that nobody named\nDETAIL: +Plates shown that nobody named, by you within a day: (\d+) of at most (\d+)\. It goes on at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\nHINT/;
($out, $err) = $says->('SELECT count(*) ' . sprintf $place, 'false');
like($err, $over, '… and the next question is refused: which limit, how much, until when');
is(($says->("SELECT count(*) > 0 FROM lpr.search_plate('7ABC123', since => now() - interval '60 days') WHERE source = 'acme'"))[0], 't', '… but not one that names a plate');
$node->renew_writer;
($out, $err) = $says->('SELECT count(*) ' . sprintf $place, 'false');
like($err, $over, 'a new writer knows it from the log');
# The stops as targets: the convoy ends once so many were shown.
$node->make_places('lpr', split /\n/, $node->answer('analyst1', "SELECT DISTINCT latitude || ',' || longitude FROM lpr.search_plate('7ABC123', since => now() - interval '60 days') WHERE source = 'acme' AND latitude IS NOT NULL"));
$node->widen('lpr', person_day => { plates => $shown + 10 });
($out, $err) = $says->(sprintf $convoy, '3 hours', '3 hours');
like($err, $over, 'a convoy is cut off, even if somebody states each stop as a target');
is($out, '', '… nothing is ranked');
like(join(' ', map { $_->{plates_shown} } $records->('answer')), qr/[1-9]/, '… after some answers');
$node->widen('lpr', person_day => { plates => 50000 }, event_day => { plates => 2 });
($out, $err) = $says->('SELECT count(*) ' . sprintf $place, 'false');
like($err, qr/LP049.*for event 1 within a day/s, 'of an event likewise');
$node->widen('lpr', event_day => { plates => 50000 });

# ---- plates asked are counted, not statements ----

my $asked = $used->('of a person in an hour', 'asked');
my $three = "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN ('BULK1', 'BULK2', 'BULK3')";
$says->($three);
is($used->('of a person in an hour', 'asked') - $asked, 3, 'three plates are three');
is($used->('for an event in a day', 'asked') - $asked, 3, '… for the event and the day as well');
$says->('SELECT count(*) ' . sprintf $place, 'true');
is($used->('of a person in an hour', 'asked') - $asked, 4, 'a place is one');
$says->("SELECT count(*) FROM generate_series(1, 250) AS i JOIN lpr.reads AS r ON r.plate = 'BULK' || i WHERE r.source IN ('acme', 'birdseye')");
is($used->('of a person in an hour', 'asked') - $asked, 504, 'a join is as many as it asks, of each source');
$asked += 504;
$node->renew_writer;
ok(LprTest::eventually(sub { $used->('of a person in an hour', 'asked') == $asked }), 'a new writer knows them from the log'); # NULL while it does not count yet
$node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', ${\($asked + 2)})");
($out, $err) = $says->($three);
like($err, qr/ERROR: +LP046: too many plates were asked\nDETAIL: +Plates asked by you within an hour: ${\($asked + 3)} of at most ${\($asked + 2)}, with the 3 of this question\. It goes on at \d{4}-\d\d-\d\d \d\d:\d\d UTC\.\nHINT: +SELECT \* FROM lpr\.limits;/,
	'three do not pass where two are left: which limit, how much, until when');
unlike(($says->(LprTest::quick()))[1], qr/ERROR/, '… one does');
is(($node->converse($session, "SELECT used, counts_until - now() BETWEEN interval '50 minutes' AND interval '62 minutes' FROM lpr.limits WHERE \"limit\" = 'of a person in an hour'"))[0], $asked + 1 . '|t', 'what was refused is not used, and lpr.limits tells until when it counts');

# ---- narrower by one, wider by two ----

my $why = 'The task force of the port has forty matters this month.';
my $limit = sub { return $node->answer('postgres', "SELECT questions FROM lpr_data.rate_limit WHERE name = 'person_hour'") };
is($node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 400)"), '', 'one person narrows, at once');
is($limit->(), 400, '… as asked');
$node->refused('… but does not widen', 'admin1', "SELECT lpr.set_rate_limit('person', 'hour', 401)", 'Q8', 'LP033', words => qr/limit "person_hour" is widened by two people/);
like($node->messages('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 401)", logon => 0), qr/HINT: +SELECT lpr\.set_rate_limit\('person', 'hour', questions => 401, reason => '\.\.\./, '… with the call that asks for it');
$node->refused('… not without a reason that says something', 'admin1', "SELECT lpr.set_rate_limit('person', 'hour', 401, reason => 'needed')", 'Q8', 'LP043');
($out, $err) = $node->converse(($node->session('admin1'))[0], "SELECT lpr.set_rate_limit('person', 'hour', 900, reason => '$why')");
like($out, qr/^\d+$/, 'it is a request');
like($err, qr/NOTICE: .*request $out waits for the privacy officer\nHINT: +Ask the privacy officer.*: SELECT lpr\.approve_limit\($out, /, '… and told who decides');
my $request = $out;
is($limit->(), 400, '… and nothing else yet');
$node->refused('one waits at a time', 'admin1', "SELECT lpr.set_rate_limit('person', 'hour', 950, reason => '$why')", 'Q8', 'LP034');
is($node->answer('privacy1', "SELECT \"limit\", wanted -> 'questions', instead_of -> 'questions', by_login, state, call FROM lpr.limit_requests WHERE request = $request"), "person_hour|900|400|admin1|waiting|SELECT lpr.approve_limit($request, '...why...');", '… for the privacy officer to see');
is($node->answer('analyst1', 'SELECT count(*) FROM lpr.limit_requests', logon => 0), 0, '… and not for everybody');
$node->faulty('who asked does not approve', 'admin1', "SELECT lpr.approve_limit($request, 'The unit is right about the port.')", '42501');
$node->refused('… nor does the privacy officer without a reason', 'privacy1', "SELECT lpr.approve_limit($request, 'ok')", 'Q8', 'LP043');
$node->refused('what is not there', 'privacy1', "SELECT lpr.approve_limit(4711, 'The unit is right about the port.')", 'Q8', 'LP033');
$node->answer('privacy1', "SELECT lpr.approve_limit($request, 'Forty matters cannot be worked on with less.')");
is($limit->(), 900, 'two people widen');
$node->refused('decided once', 'privacy1', "SELECT lpr.refuse_limit($request, 'The unit is right about the port.')", 'Q8', 'LP034');
my $again = $node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 1200, reason => 'The port has twenty more matters since Monday.')");
$node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 400)");
$node->refused('the limit is not what it was when that was asked', 'privacy1', "SELECT lpr.approve_limit($again, 'Twenty more matters are to be worked on.')", 'Q8', 'LP034', words => qr/not what request $again was asked against/);
$node->answer('privacy1', "SELECT lpr.refuse_limit($again, 'It was asked against another limit.')");
is($limit->(), 400, '… it stays');
# No path past them: a superuser, an old approval, an approval by who asked.
my $direct = sub { my ($name, $sql, $state) = @_; return like($node->messages('postgres', $sql), qr/ERROR: +$state/, $name) };
$direct->('a superuser widens nothing', "UPDATE lpr_data.rate_limit SET questions = 900 WHERE name = 'person_hour'", 'LP034');
$direct->('… nor by a request that was approved before', "UPDATE lpr_data.rate_limit SET questions = 900, request_id = $request WHERE name = 'person_hour'", 'LP034');
$direct->('… by one that was refused', "UPDATE lpr_data.rate_limit SET questions = 1200, request_id = $again WHERE name = 'person_hour'", 'LP034');
$direct->('… nor is one approved by who asked', "INSERT INTO lpr_data.limit_request (\"limit\", wanted, instead_of, person_id, reason, state, decided_at, decided_by, decide_reason)
	SELECT \"limit\", wanted, instead_of, person_id, reason, 'approved', now(), person_id, 'x' FROM lpr_data.limit_request WHERE request_id = $request", '23514');
is($node->answer('oversight1', "SELECT count(*) FROM lpr.limit_requests WHERE state = 'approved' AND decided_by = 'privacy1' AND by_login = 'admin1'") > 0, 1, 'oversight sees who widened what');
# A dump brings no more than somebody approved.
like($node->messages('postgres', "BEGIN; UPDATE lpr_data.rate_limit SET shipped = true WHERE name = 'event_hour'; INSERT INTO lpr_data.rate_limit (name, scope, per, questions) VALUES ('event_hour', 'event', 'hour', 999999); SELECT questions FROM lpr_data.rate_limit WHERE name = 'event_hour'; ROLLBACK"),
	qr/WARNING: .*limit "event_hour" is narrower than in the dump/, 'a restored limit that nobody approved is clipped, which is told');
$session->quit;
$node->sound('in the end');
$node->stop;
done_testing();
