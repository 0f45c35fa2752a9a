# plan: what is planned is what a vendor is asked: its own log says so; and the answers are those that it has.
use strict;
use warnings;
use JSON::PP;
use POSIX ();
use LprTest;
use Test::More;

my $node = LprTest->start_staged('plan');
my $reads = "FROM lpr.reads WHERE source = 'acme' AND plate";
$node->own_event(4711);

# What SQL made of a vendor's searches and pages: the bodies, decoded.
sub asked
{
	my ($sql, %given) = @_;

	$node->vendor('DELETE', '/control/log');
	my $answer = $node->answer('analyst1', $sql);
	my $log = $node->vendor('GET', '/control/log?vendor=' . ($given{vendor} // 'acme'));
	my @asked = grep { $_->{class} eq 'search' || $_->{class} eq 'page' } @$log;

	return ($answer, map { { %$_, question => $_->{body} ? decode_json($_->{body}) : {} } } @asked);
}

sub truth
{
	my ($vendor, $query) = @_;
	return $node->vendor('GET', "/control/truth?vendor=$vendor&$query");
}

# ---- answers: as many as the vendor has, of what may be shown ----
my $other = $node->vendor('GET', '/control/plates?kind=border&n=3');
$node->make_targets('lpr', map { $_->{plate} } @$other);
for my $plate ('7ABC123', '7A8C123', map { $_->{plate} } @$other)
{
	for my $vendor (qw(acme birdseye curbside))
	{
		is($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = '$vendor' AND plate = '$plate'"),
			truth($vendor, "plate=$plate")->{usable}, "$vendor: every usable read of $plate, and no other");
	}
}
my $truth = truth('acme', 'plate=7ABC123');
cmp_ok($truth->{$_}, '>', 0, "the story has reads to be dropped: $_") for qw(abroad unknown_place older);
is($node->answer('analyst1', "SELECT count(*) $reads = '7ABC123' AND plate_region = 'CA'"), $truth->{by_plate_region}{CA}, 'by region');
my $ids = join(',', sort @{ truth('acme', 'plate=7ABC123&ids=1')->{ids} });
is($node->answer('analyst1', "SELECT md5(string_agg(read_id, ',' ORDER BY read_id COLLATE \"C\")) = md5('$ids') $reads = '7ABC123'"), 't', 'read by read');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_location(32.552, -117.042, 2000) WHERE source = 'acme'"),
	truth('acme', 'near=32.552,-117.042,2000')->{usable}, 'by place');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_location(address => 'Camino de la Plaza') WHERE source = 'acme'"),
	truth('acme', 'address=Camino%20de%20la%20Plaza')->{usable}, 'by address');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_vehicle('Tesla', NULL, NULL, 32.552, -117.042, 25000) WHERE source = 'acme'"), truth('acme', 'make=TESLA&near=32.552,-117.042,25000')->{usable}, 'by make');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_vehicle('Tesla', 'Model 3', NULL, 32.552, -117.042, 25000) WHERE source = 'acme'"),
	truth('acme', 'make=TESLA&model=MODEL%203&near=32.552,-117.042,25000')->{usable}, 'by make and model');

# ---- the question as it left ----

my $day = POSIX::strftime('%Y-%m-%d', gmtime(time - 1000 * 86400));
my ($answer, @asked) = asked("SELECT count(*) $reads = 'BULK50' AND plate_region = 'TX' AND make = 'FORD' AND model = 'F-150' AND event_id = 4711
	AND captured_at >= '$day 12:00:00.5+00' AND captured_at < '2100-01-01' AND lpr.distance_m(latitude, longitude, 32.5, -117) <= 400000
	AND address ILIKE '%Camino de la Plaza%' AND color = 'WHITE' AND confidence > 0");
is(scalar @asked, 1, 'one request');
my $question = $asked[0]{question};
is_deeply([ @$question{qw(plates region make model address)} ], [ ['BULK50'], 'TX', 'FORD', 'F-150', 'Camino de la Plaza' ], 'every condition that the vendor can be asked');
is_deeply([ @{ $question->{near} }{qw(latitude longitude radius_m)} ], [ 32.5, -117, 400000 ], 'the place');
like($question->{from}, qr/^${day}T12:00:00\.50*Z$/, 'the time, in UTC and to the microsecond');
unlike($asked[0]{body}, qr/4711|white|analyst1/i, 'neither case nor person nor what is checked here (U7)');
like($asked[0]{reference}, qr/^[0-9a-f]{32}-[0-9a-f]{32}$/, 'but an opaque reference');
is($node->answer('analyst1', "SELECT count(*) $reads = 'BULK1'; SELECT reference = '$asked[0]{reference}' FROM lpr.last_query()"), "1\nf", 'a new one each time');

# Five years, whoever asks for more or for nothing.
for my $condition ('', " AND captured_at > '2001-01-01'", " AND captured_at >= '-infinity'")
{
	($answer, @asked) = asked("SELECT count(*) $reads = 'BULK5'$condition");
	is($node->answer('analyst1', "SELECT '$asked[0]{question}{from}'::timestamptz AT TIME ZONE 'UTC' BETWEEN (now() AT TIME ZONE 'UTC') - interval '5 years 1 hour'
		AND (now() AT TIME ZONE 'UTC') - interval '5 years' + interval '1 hour'"), 't', "five years are asked for:$condition");
}
($answer, @asked) = asked("SELECT count(*) $reads = 'BULK5' AND recent");
is($node->answer('analyst1', "SELECT abs(extract(epoch FROM now() - interval '30 days' - '$asked[0]{question}{from}'::timestamptz)) < 300"), 't', 'recent: thirty days');
($answer, @asked) = asked("SELECT count(*) $reads = 'BULK5' AND captured_at < '2001-01-01'");
is(scalar @asked, 0, 'nothing is asked of the time before');

# Who may not or cannot be asked hears nothing.
$node->answer('admin1', "SELECT lpr.disable_source('acme')");
($answer, @asked) = asked("SELECT count(*) FROM lpr.reads WHERE plate = 'BULK5'");
is_deeply([ $answer, scalar @asked ], [ 10, 0 ], 'a source that is not enabled is not asked');
$node->answer('privacy1', "SELECT lpr.approve_source('acme', 'PIA', published_on => '2017-12-11')");
$node->answer('postgres', 'REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user');
($answer, @asked) = asked("SELECT count(*) FROM lpr.reads WHERE plate = 'BULK5'");
is_deeply([ $answer, scalar @asked ], [ 10, 0 ], 'a source that is not granted is not asked');
$node->answer('postgres', 'GRANT USAGE ON FOREIGN SERVER acme TO lpr_user');
($answer, @asked) = asked("SELECT count(*) FROM lpr.search_vehicle('Tesla', NULL, NULL, 32.552, -117.042) WHERE source IN ('acme', 'curbside')", vendor => 'curbside');
is(scalar @asked, 0, 'a source that cannot be asked by vehicle is not asked');
for my $sql ("EXPLAIN SELECT * $reads = 'BULK5'", "SELECT plate $reads = 'BULK5' LIMIT 0", "SELECT plate $reads = 'BULK5' AND false",
	"SELECT plate $reads = NULL", "PREPARE p AS SELECT plate $reads = 'BULK5'", "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK5' AND source = 'curbside'",
	"SELECT plate $reads = ANY ('{}')", "SELECT plate $reads = 'BULK5' AND 'cur' || 'bside' || left(version(), 0) = source")
{
	($answer, @asked) = asked($sql);
	is(scalar @asked, 0, "nobody is asked: $sql");
}

# ---- pages ----
($answer, @asked) = asked("SELECT plate $reads = 'BULK100000' ORDER BY captured_at DESC LIMIT 10");
is_deeply([ map { $_->{question}{page_size} } @asked ], [10], 'LIMIT 10 of 100,000: one page of 10');
is($asked[0]{question}{order}, 'captured_at_desc', '… in the order that is wanted');
($answer, @asked) = asked("SELECT plate $reads = 'BULK100000' ORDER BY captured_at LIMIT 10");
is($asked[0]{question}{order}, 'captured_at_asc', '… whichever it is');
($answer, @asked) = asked("SELECT plate $reads = 'BULK100000' AND length(color) = 5 LIMIT 10");
is_deeply([ map { $_->{question}{page_size} } @asked ], [1000], 'with a condition that is checked here, a page of the usual size');
($answer, @asked) = asked("SELECT count(*) $reads = 'BULK2500' LIMIT 10");
is_deeply([ $answer, scalar @asked ], [ 2500, 3 ], 'a LIMIT above an aggregate makes no small pages');
($answer, @asked) = asked("SELECT count(*) FROM (SELECT captured_at FROM lpr.search_plate('BULK3000') LIMIT 20) AS r", vendor => 'birdseye');
is(scalar @asked, 1, 'merged sources are left after their first page');

# ---- plates ----
($answer, @asked) = asked("SELECT count(*) FROM (SELECT 'BULK' || i AS plate FROM generate_series(1, 250) AS i) AS w JOIN lpr.reads AS r USING (plate)
	WHERE r.source = 'acme' AND r.recent");
is_deeply([ map { scalar @{ $_->{question}{plates} } } grep { $_->{class} eq 'search' } @asked ], [ 100, 150 ], 'a join asks in batches');
($answer, @asked) = asked("SELECT count(*) FROM (VALUES ('BULK2'), ('BULK3'), ('BULK2')) AS w (plate) JOIN lpr.reads AS r USING (plate) WHERE r.source = 'acme'");
is_deeply([ $answer, map { $_->{question}{plates} } @asked ], [ 7, [ 'BULK2', 'BULK3' ] ], '… for each plate once');
($answer, @asked) = asked("SELECT count(*) FROM (VALUES ('BULK2'), ('BULK3')) AS w (plate) LEFT JOIN lpr.reads AS r ON r.plate = w.plate AND r.source = 'acme'");
is_deeply([ map { $_->{question}{plates} } @asked ], [ ['BULK2'], ['BULK3'] ], 'a left join asks row by row');
($answer, @asked) = asked("SELECT count(*) FROM (VALUES ('BULK2'), ('BULK3')) AS w (plate) JOIN lpr.reads AS r USING (plate) WHERE r.source = 'curbside'", vendor => 'curbside');
is_deeply([ $answer, scalar @asked ], [ 5, 2 ], 'a vendor that takes one plate at a time is asked for each');
($answer, @asked) = asked("SELECT DISTINCT plate FROM lpr.search_plate('7abc-123', 'CA', look_alikes => true) WHERE source = 'acme'");
ok((grep { $_ eq '7A8C123' } @{ $asked[0]{question}{plates} }) && @{ $asked[0]{question}{plates} } == 12, 'look-alikes are asked for by name');
($answer, @asked) = asked("SELECT DISTINCT plate FROM lpr.search_plate('7abc-123', 'CA') WHERE source = 'acme'");
is_deeply($asked[0]{question}{plates}, ['7ABC123'], '… and only when they are wanted');

# ---- images ----
$node->vendor('DELETE', '/control/log');
$node->answer('analyst1', "SELECT * $reads = 'BULK3'");
is(scalar @{ $node->vendor('GET', '/control/log?vendor=acme&class=image') }, 0, 'no image of SELECT * FROM lpr.reads');
for my $case ([ 'plate', 0 ], [ 'plate, plate_image', 1 ], [ 'vehicle_image', 1 ], [ '*', 2 ], [ 'count(plate_image) OVER ()', 1 ])
{
	$node->vendor('DELETE', '/control/log');
	$node->answer('analyst1', "SELECT $case->[0] FROM lpr.images WHERE source = 'acme' AND plate = 'BULK3'");
	is(scalar @{ $node->vendor('GET', '/control/log?vendor=acme&class=image') }, 3 * $case->[1], "images of SELECT $case->[0]");
}

# ---- what is not an answer is dropped, counted and told ----
my @wrong = (other_plate => 'of another plate', look_alike => 'of another plate', other_region => 'of another or an unknown region',
	abroad => 'from outside the United States', unknown_place => 'from an unknown place', contradiction => 'from a place that contradicts itself',
	too_old => 'older than five years', future => 'from the future', outside_window => 'outside the asked time', duplicate_id => 'repeated');
while (my ($kind, $words) = splice @wrong, 0, 2)
{
	my $window = "captured_at BETWEEN now() - interval '5 years' + interval '1 minute' AND now() - interval '1 day'";

	$window = "captured_at < now() + interval '1 day'" if $kind eq 'future' || $kind eq 'too_old';
	$node->vendor('POST', '/control/faults', { vendor => 'acme', fault => 'wrong_rows', kind => $kind, count => 4 });
	my (undef, $got, $err) = $node->ask('analyst1', "SELECT count(*), string_agg(DISTINCT plate || plate_region, ' ') $reads = '8XYZ890' AND plate_region = 'CA' AND $window");
	$node->vendor('DELETE', '/control/faults');
	my $right = $node->answer('analyst1', "SELECT count(*), string_agg(DISTINCT plate || plate_region, ' ') $reads = '8XYZ890' AND plate_region = 'CA' AND $window");
	is($got, $right, "wrong rows, $kind: none is shown");
	like($err, qr/NOTICE:  4 reads were dropped: 4 \Q$words\E$/m, '… and it is told');
}
$node->vendor('POST', '/control/faults', { vendor => 'acme', fault => 'wrong_rows', kind => 'unordered', count => 4 });
my ($status, $out, $err) = $node->ask('analyst1', "SELECT count(*) FROM (SELECT $reads = '8XYZ890' ORDER BY captured_at DESC OFFSET 0) AS r");
like($err, qr/WARNING:  source "acme" does not keep the order it was asked for/, 'a vendor that does not keep the order is told');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD \"order\" 'here')");
is($node->answer('analyst1', "SELECT bool_and(captured_at <= before) FROM (SELECT captured_at, lag(captured_at, 1, 'infinity') OVER () AS before
	FROM (SELECT captured_at $reads = '8XYZ890' ORDER BY captured_at DESC) AS r) AS r"), 't', q(with option "order" 'here' its reads are sorted here));
$node->vendor('DELETE', '/control/faults');

# ---- what is about policy is not compiled before it runs: a rule costs what it costs, not half a second ----

my $compiled = sub {
	my ($from) = @_;
	my ($flags) = $node->messages('postgres', "SET jit = on; SET jit_above_cost = 0; SET debug_print_plan = on; SET client_min_messages = log; SELECT FROM $from LIMIT 0") =~ /:jitFlags (\d+)/;
	return $flags;
};
my @tables = split /\n/, $node->answer('postgres', "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'lpr_data'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition");
cmp_ok($compiled->('pg_class'), '>', 0, 'what is dear enough is compiled');
is(join(' ', grep { $compiled->($_) } @tables), '', '… but no statement about a table of lpr_data, of ' . @tables);
$node->stop;
done_testing();
