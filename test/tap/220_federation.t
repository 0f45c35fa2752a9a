# federation: several vendors, one SELECT: asked side by side, no more than needed, and what became of each is told.
use strict;
use warnings;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('federation');
$node->add_source('delta', 'lpr-v1');
my ($session, $pid) = $node->session('analyst1');

sub asking { my ($sql) = @_; my ($out, $err) = $node->converse($session, $sql); return $out }
sub requests { return scalar(my @all = $node->vendor_log(@_)) }
# What a statement asks of the vendors: the number of requests for reads.
sub asked { my ($sql) = @_; $node->vendor_forget; asking($sql); return requests() }

# ---- all at once ----

# That so many vendors are asked before one of them has answered.
sub asked_together
{
	my ($what, $sql, $vendors) = @_;
	my $asked = '';

	$node->vendor_faults({ class => 'search', fault => 'hold' });
	$node->vendor_forget;
	$node->send_sql($session, $sql);
	LprTest::eventually(sub { $asked = join ' ', sort map { $_->{vendor} } $node->vendor_log(class => 'search'); $asked eq $vendors });
	is($asked, $vendors, "$what: all sources are asked, though none has answered");
	$node->vendor_well;
	return isnt($session->query(''), '', '… and then they are read');
}

my $recent = "captured_at > now() - interval '90 days'";
asking("SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND $recent"); # signs in
for my $case ([ 'Append', "SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND $recent" ],
	[ 'MergeAppend', "SELECT captured_at FROM lpr.reads WHERE plate = '7ABC123' AND $recent ORDER BY captured_at DESC LIMIT 3" ],
	[ 'search_plate', "SELECT captured_at FROM lpr.search_plate('7ABC123', since => now() - interval '90 days')" ])
{
	my ($what, $sql) = @$case;

	asked_together($what, $sql, 'acme birdseye curbside delta');
}
like(asking("EXPLAIN SELECT captured_at FROM lpr.reads WHERE plate = '7ABC123' ORDER BY captured_at DESC LIMIT 3"), qr/Merge Append/,
	'the ordered plan is a MergeAppend');
is(asking("SELECT count(*) > 20, bool_and(captured_at <= earlier)
	FROM (SELECT captured_at, lag(captured_at) OVER () AS earlier
		FROM (SELECT captured_at FROM lpr.reads WHERE plate = '7ABC123' ORDER BY captured_at DESC) AS a) AS b"), 't|t', '… and its rows are in order');

# ---- one that fails ----

my $by_source = "SELECT source, count(*) > 0 FROM lpr.reads WHERE plate = '7ABC123' GROUP BY 1 ORDER BY 1";
for my $case ([ 'HTTP status', 'HV000', { fault => 'status', status => 500 } ], [ 'cut', 'HV\w{3}', { fault => 'cut' } ],
	[ 'HTML', 'HV\w{3}', { fault => 'html' } ])
{
	my ($what, $state, $fault) = @$case;

	$node->vendor_faults({ vendor => 'acme', class => 'search', %$fault });
	my ($out, $err) = $node->converse($session, $by_source);
	like($err, qr/WARNING: +$state: .*source "acme"/, "$what: a WARNING with the SQLSTATE names the source");
	like($out, qr/birdseye\|t\ncurbside\|t\ndelta\|t/, '… and the other sources\' rows come');
	is(asking("SELECT outcome, sqlstate ~ '^$state\$', message ~ 'acme' FROM lpr.last_query() WHERE source = 'acme'"), 'failed|t|t',
		'… and lpr.last_query() knows');
	is(asking("SELECT count(*) FROM lpr.last_query() WHERE outcome = 'complete'"), 3, '… and of the others');
	$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD on_failure 'error')");
	like(($node->converse($session, $by_source))[1], qr/ERROR: +$state: .*source "acme"/, '… on_failure error makes it an error');
	$node->answer('postgres', 'ALTER SERVER acme OPTIONS (DROP on_failure)');
	$node->vendor_well;
}

# ---- all that fail ----

# No rows would look like "never seen": none of them is an error, whoever asks, be it a count or a join.
$node->vendor_faults({ vendor => $_, class => 'search', fault => 'status', status => 404 }) for qw(acme birdseye curbside delta);
for my $sql ($by_source, "SELECT count(*) FROM lpr.search_plate('7ABC123')", "SELECT count(*) FROM (VALUES ('7ABC123')) AS w (p) JOIN lpr.reads AS r ON r.plate = w.p")
{
	my ($out, $err) = $node->converse($session, $sql);
	like($err, qr/ERROR: +LP009: no source has answered\nDETAIL: .*acme.*birdseye.*curbside.*delta/, 'all have failed: an error that tells of each');
	is($out, '', '… and no rows');
	is(outcomes(), 'acme:failed birdseye:failed curbside:failed delta:failed', '… and lpr.last_query() knows');
}
my ($none, $why) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123' AND source = 'acme'");
like($why, qr/ERROR: +HV000: source "acme" answered with HTTP status 404/, 'of a single one it is its own error');
unlike($why, qr/WARNING/, '… told once');
$node->vendor_well;

# ---- no more than needed ----

my $plain = "SELECT read_id, captured_at FROM lpr.reads WHERE plate = '7ABC123'";
is(asked("EXPLAIN (VERBOSE) $plain"), 0, 'EXPLAIN asks nobody');
is(asked("EXPLAIN SELECT * FROM lpr.search_plate('7ABC123')"), 0, '… of a function neither');
is(asked("PREPARE p(text) AS SELECT * FROM lpr.reads WHERE plate = \$1; EXPLAIN EXECUTE p('7ABC123'); DEALLOCATE p"), 0, '… of a prepared statement neither');
is(asked("BEGIN; DECLARE c CURSOR FOR $plain; CLOSE c; COMMIT"), 0, 'a cursor that nobody reads asks nobody');
is(asked("$plain AND false"), 0, 'AND false asks nobody');
is(asked("$plain AND current_user = 'nobody'"), 0, 'a condition that is false at the start asks nobody');
is(asked("$plain LIMIT 0"), 0, 'LIMIT 0 asks nobody');
is(asked("SELECT * FROM (SELECT 1 WHERE current_user = 'nobody') AS none, lpr.reads WHERE plate = '7ABC123'"), 0, 'the other side of an empty join is not asked');
is(asked("SELECT CASE WHEN current_user = 'nobody' THEN (SELECT count(*) FROM lpr.reads WHERE plate = '7ABC123') END"), 0, 'a subquery that is not reached asks nobody');
is(asked("$plain AND source = 'delta'"), 1, 'source = asks that source only');
is(asked("SELECT * FROM lpr.reads"), 0, 'without an anchor nobody is asked');

is(asked("SELECT read_id FROM lpr.reads WHERE plate = 'BULK100000' AND source = 'delta' LIMIT 10"), 1, 'LIMIT 10 asks one page');
is(($node->vendor_log)[0]{reads}, 10, '… of ten reads');
is(asked("SELECT read_id FROM lpr.reads WHERE plate = 'BULK100000' AND source = 'delta' ORDER BY captured_at DESC LIMIT 10"), 1, '… ordered by time as well');
is(asked("SELECT read_id FROM lpr.reads WHERE plate = 'BULK100000' AND source IN ('delta', 'acme') ORDER BY captured_at DESC LIMIT 10"), 2, '… of two sources, one each');
$node->vendor_forget;
asking("BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE plate = 'BULK5000' AND source = 'delta'");
asking('FETCH 100 FROM c');
is(requests(), 1, 'a page at the beginning');
asking('FETCH 300 FROM c');
ok(LprTest::eventually(sub { requests() == 2 }), 'the next page is asked for while this one is read');
is(asking('MOVE ALL FROM c; COMMIT'), '', 'the rest');
is(requests(), 5, '… each page once');

# ---- what is asked together ----

# Of two lpr.reads in one statement only the one that a row is wanted of.
my $one = "SELECT read_id FROM lpr.reads WHERE source IN ('acme', 'delta') AND plate =";
is(asked("SELECT * FROM (($one 'BULK5' LIMIT 1) UNION ALL ($one 'BULK6' LIMIT 1)) AS u LIMIT 1"), 2, 'a statement\'s other lpr.reads is not asked along');
is(asked("SELECT * FROM (($one 'BULK5' LIMIT 1) UNION ALL ($one 'BULK6' LIMIT 1)) AS u"), 4, '… before a row of it is wanted');
is(asked("WITH a AS MATERIALIZED ($one 'BULK5'), b AS MATERIALIZED ($one 'BULK6') SELECT count(*) FROM a WHERE EXISTS (SELECT FROM a) OR EXISTS (SELECT FROM b)"),
	2, '… and none of another subquery');
# A plan that is kept and run again: its copies are as one with themselves as the first.
asking("SET plan_cache_mode = force_generic_plan; PREPARE together (text) AS $one \$1");
for my $time (1 .. 2)
{
	asked_together("a prepared statement, time $time", "EXECUTE together ('BULK5')", 'acme delta');
}
my $printed = ($node->converse($session, "SET debug_print_plan = on; SET client_min_messages = log; EXPLAIN $one 'BULK5'"))[1];
like($printed, qr/FOREIGNSCAN/, 'a plan as text');
unlike($printed, qr/0x[0-9a-f]{6}/, '… names no address of memory');
asking('RESET ALL; DEALLOCATE together');

# ---- joins ----

my @plates = map { $_->{plate} } @{ $node->vendor('GET', '/control/plates?kind=commuter&n=250') };
$node->make_targets('lpr', @plates);
$node->answer('postgres', 'CREATE TABLE wanted (plate text PRIMARY KEY); GRANT SELECT ON wanted TO lpr_user');
$node->answer('postgres', "INSERT INTO wanted SELECT DISTINCT unnest('{" . join(',', @plates) . "}'::text[]); ANALYZE wanted");
my $digest = "SELECT count(*), md5(string_agg(r.read_id, ',' ORDER BY r.read_id)) FROM";
my $of = "r.source = 'delta' AND r.$recent";
$node->vendor_forget;
my $batched = asking("$digest wanted AS w JOIN lpr.reads AS r ON r.plate = w.plate AND $of");
my $needed = requests();
cmp_ok($needed, '<=', 3 + int((split /\|/, $batched)[0] / 1000), 'a join of 250 plates asks in batches');
note("$needed requests");
$node->vendor_forget;
is(asking("$digest wanted AS w, LATERAL (SELECT * FROM lpr.reads AS r WHERE r.plate = w.plate AND $of OFFSET 0) AS r"), $batched, '… for the rows of a nested loop');
is(requests(), scalar(keys %{ { map { $_ => 1 } @plates } }), '… which asks for each plate');
isnt((split /\|/, $batched)[0], 0, '… and there are some');
is(asking("$digest lpr.reads AS r WHERE r.plate IN (SELECT plate FROM wanted) AND $of"), $batched, 'IN (SELECT …) is the same');

# ---- connections ----

sub connections { my %seen; $seen{ $_->{connection} }++ for $node->vendor_log(vendor => 'delta'); return sort keys %seen }
my $small = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK5' AND source = 'delta'";
$node->vendor_forget;
asking($small) for 1 .. 5;
is(scalar(my @only = connections()), 1, 'one connection for five statements');
my ($before) = connections();
asking("BEGIN; $small; ROLLBACK");
asking("SELECT 1/0; $small");
is(join(' ', connections()), $before, '… also across transactions and errors');
$node->answer('postgres', "ALTER SERVER delta OPTIONS (ADD page_size '2')");
$node->vendor_forget;
asking($small);
is(requests(), 3, 'ALTER SERVER counts from the next statement on');
isnt((connections())[0], $before, '… over a new connection');
$node->answer('postgres', 'ALTER SERVER delta OPTIONS (DROP page_size)');
($before) = connections();
$node->put_secret('wrong', 'nonsense');
$node->answer('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER delta OPTIONS (SET secret 'wrong')");
$node->vendor_forget;
like(($node->converse($session, $small))[1], qr/ERROR: .*"delta".*401/, 'ALTER USER MAPPING counts from the next statement on');
isnt((connections())[0], $before, '… over a new connection');
$node->answer('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER delta OPTIONS (SET secret 'sim-lpr-token')");
is(asking($small), 5, '… and back');
$node->vendor_stop;
$node->vendor_start;
$node->answer('postgres', "ALTER SERVER $_->[0] OPTIONS (SET url '" . $node->vendor_base(@$_) . "')")
	for [ 'acme', 'lpr-v1' ], [ 'birdseye', 'flock-v3' ], [ 'curbside', 'parkpow-v1' ], [ 'delta', 'lpr-v1' ];
is(asking($small), 5, 'a vendor that moved');

# ---- lpr.last_query() ----

sub outcomes { return asking('SELECT string_agg(source || \':\' || outcome, \' \' ORDER BY source) FROM lpr.last_query()') }
asking($plain);
is(outcomes(), 'acme:complete birdseye:complete curbside:complete delta:complete', 'complete');
asking("SELECT * FROM lpr.reads WHERE plate = 'BULK2500' AND source = 'delta' LIMIT 5");
is(outcomes(), 'delta:stopped', 'stopped');
$node->answer('postgres', "ALTER SERVER delta OPTIONS (ADD max_pages '2')");
my ($out, $err) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK2500' AND source = 'delta'");
is($out, 2000, 'cut');
like($err, qr/WARNING: +01004: .*"delta".*more reads/, '… with a WARNING');
is(outcomes(), 'delta:cut', '… and told');
$node->answer('postgres', "REVOKE USAGE ON FOREIGN SERVER delta FROM lpr_user; SELECT lpr.disable_source('acme')");
($out, $err) = $node->converse($session, $plain);
like($err, qr/NOTICE: .*"acme" is not enabled.*NOTICE: .*"delta" is not granted/s, 'passed over, with notices');
is(outcomes(), 'acme:passed_over birdseye:complete curbside:complete delta:passed_over', '… and told');
like(($node->converse($session, "$plain AND source = 'delta'"))[1], qr/ERROR: +LP004: .*"delta" is not granted/, 'the only source passed over is an error');
$node->vendor_forget;
asking("$plain AND source IN ('acme', 'delta')");
is(requests(), 0, '… and is not asked');
$node->answer('postgres', "GRANT USAGE ON FOREIGN SERVER delta TO lpr_user; SELECT lpr.approve_source('acme', 'x', published_on => '2017-12-11')");
asking("SELECT count(*) FROM lpr.search_vehicle('Toyota', 'Camry', NULL, 32.55, -117.04, 25000, since => now() - interval '2 days')");
is(outcomes(), 'acme:complete birdseye:passed_over curbside:passed_over delta:complete', 'a mode that the vendor cannot be asked by');
is(asking("SELECT bool_and(CASE outcome WHEN 'complete' THEN requests > 0 AND pages > 0 AND bytes > 0 AND milliseconds > 0 ELSE requests = 0 END)
	FROM lpr.last_query()"), 't', 'requests, pages, bytes and milliseconds are counted');

$session->quit;
$node->stop;
done_testing();
