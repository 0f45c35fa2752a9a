# cache: an answer is cached for some hours, served through the gate like any other, and never a wrong one.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('cache', cache => 1);
$node->await_answers;
my ($session, $pid) = $node->session('analyst1');
my ($other) = $node->session('analyst2');

# What a question came to: rows, how many of them out of the cache, requests to vendors.
sub question
{
	my ($sql, $by) = @_;

	$node->vendor_forget;
	my ($out, $err) = $node->converse($by // $session, "SELECT count(*), count(*) FILTER (WHERE from_cache) FROM ($sql) AS r");
	die $err if $err =~ /ERROR/;
	return "$out|" . scalar(my @requests = grep { $_->{class} ne 'login' } $node->vendor_log);
}

my $plate = "SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK50'";

# ---- asked once ----

is(question($plate), '50|0|1', 'the first time the vendor is asked');
is(question($plate), '50|50|0', '… the second time nobody is');
is(question("SELECT read_id, from_cache FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK50'"), '50|50|0', '… nor for fewer columns');
is(question("$plate AND NOT from_cache"), '50|0|1', 'NOT from_cache asks anew');
is(question($plate), '50|50|0', '… and what it brought is cached in turn');
is(question("SELECT * FROM lpr.search_plate('BULK50', refresh => true) WHERE source = 'acme'"), '50|0|1', 'refresh => true asks anew');
is(question($plate, $other), '50|50|0', "another person's question is answered from it");
like($node->answer('oversight1', "SELECT string_agg(concat_ws(' ', kind, login, event_id, payload->>'from_cache'), ', ' ORDER BY number DESC) FROM (SELECT * FROM lpr.audit() WHERE kind IN ('ask', 'answer') ORDER BY number DESC LIMIT 2) AS a"),
	qr/^answer analyst2 2 true, ask analyst2 2$/, '… through the gate, for an event of their own, and on record');
is($node->answer('oversight1', "SELECT a.payload->>'digest' = b.payload->>'digest' FROM lpr.audit() AS a JOIN lpr.audit() AS b ON b.ask = (a.payload->>'kept_from')::bigint WHERE a.payload->>'from_cache' = 'true' ORDER BY a.number DESC LIMIT 1"),
	't', '… with the digest of the answer that it is');
$other->query('SELECT lpr.work_on(NULL)');
like(($node->converse($other, $plate))[1], qr/LP040/, 'without a purpose it is refused like any question');
$other->query('SELECT lpr.work_on(2)');
like($node->messages('supervisor1', $plate), qr/permission denied/, 'nobody else reaches it');
like($node->messages('owner1', 'SELECT * FROM lpr_data.cache_read'), qr/permission denied/, '… nor the tables');

is(($node->converse($session, "SELECT bool_and(fetched_at < now() AND fetched_at = date_trunc('minute', fetched_at) AND expires_at = date_trunc('hour', expires_at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AND expires_at - fetched_at BETWEEN interval '4 hours' AND interval '24 hours') FROM ($plate) AS r"))[0],
	't', 'rows tell when they were fetched and when they go');

# ---- what is another question ----

is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK51'"), '51|0|1', 'another plate');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate IN ('BULK50', 'BULK51')"), '101|0|1', 'two plates');
is(question("SELECT * FROM lpr.reads WHERE source = 'birdseye' AND plate = 'BULK50'") =~ s/\|\d+$//r, '50|0', 'another source');
my $images = "SELECT from_cache, octet_length(plate_image) AS p FROM lpr.images WHERE source = 'acme' AND plate = 'BULK3'";
is(($node->converse($session, "SELECT count(p), bool_or(from_cache) FROM ($images) AS r"))[0], '3|f', 'images are asked for') for 1 .. 2;
is(question("SELECT read_id, from_cache FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK3'"), '3|3|0', '… their reads are kept');

# ---- narrower ----

my $wide = "SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1000'";
is(question("$wide AND captured_at > now() - interval '100 days' AND captured_at < now() - interval '10 days'") =~ /^\d+\|0\|[1-9]/ ? 1 : 0, 1, 'a range is asked');
is(question($wide) =~ /^1000\|0\|[1-9]/ ? 1 : 0, 1, '… and does not answer a wider question');
like(question("$wide AND captured_at > now() - interval '100 days' AND captured_at < now() - interval '10 days'"), qr/^(\d+)\|\1\|0$/, 'a narrower range is answered from the wider answer');
like(question("$wide AND captured_at > now() - interval '1000 days' ORDER BY captured_at DESC"), qr/^(\d+)\|\d+\|\d/, 'in another order');
is(question("$wide ORDER BY captured_at DESC"), '1000|1000|0', '… which is cached as well') if question("$wide ORDER BY captured_at DESC") =~ /^1000\|/;

# ---- not cached ----

is(question("$wide AND plate = 'BULK1000' AND NOT from_cache LIMIT 1"), '1|0|1', 'an answer that is not read to its end');
$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'status', status => 500 });
$node->converse($session, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK60'");
$node->vendor_well;
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK60'"), '60|0|1', 'a failed answer is not cached');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD max_pages '1', ADD page_size '10')");
question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK70'");
$node->answer('postgres', "ALTER SERVER acme OPTIONS (DROP max_pages, DROP page_size)");
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK70'"), '70|0|1', 'nor one that was cut');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD cache 'off')");
is(question($plate), '50|0|1', "option cache 'off' of a source");
is(question($plate), '50|0|1', '… keeps nothing');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (DROP cache)");

# ---- what was left out ----

# What is told of a question: reads, counts and notices.
sub left_out
{
	my ($sql) = @_;
	my ($out, $err) = $node->converse($session, "SELECT count(*), count(*) FILTER (WHERE from_cache) FROM ($sql) AS r");
	my $told = $node->told($session)->{acme};

	return { rows => $out, (map { $_ => $told->{$_} } qw(received reads dropped odd_value)), notices => [map { $_->{message} } LprTest::parse_messages($err)] };
}

$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'wrong_rows', kind => 'abroad', count => 3 }, { vendor => 'acme', class => 'search', fault => 'wrong_rows', kind => 'other_plate', count => 2 },
	{ vendor => 'acme', class => 'search', fault => 'malformed', kind => 'bad_confidence', count => 4 });
my $lacking = "SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK45'";
my $first = left_out($lacking);
is_deeply([@$first{qw(rows dropped odd_value received)}], ['45|0', { abroad => 3, other_plate => 2 }, { confidence => 4 }, 50], 'an answer that lacks reads and values');
is(scalar @{ $first->{notices} }, 3, '… tells both, and what a read is not');
$node->vendor_well;
my $again = left_out($lacking);
is($again->{rows}, '45|45', 'out of the cache');
is_deeply({ %$again, rows => 0 }, { %$first, rows => 0 }, '… it tells the same');
is(left_out("$lacking AND color = 'PINK'")->{dropped}{other_condition}, 45, '… and what a condition of its own leaves out');
is_deeply(left_out($lacking)->{dropped}, $first->{dropped}, '… which is not kept');
is_deeply(left_out("$lacking AND captured_at > now() - interval '1 year'")->{odd_value}, $first->{odd_value}, 'a part of it as well');
is_deeply(left_out("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK44' AND NOT from_cache")->{dropped}, {}, 'another answer has nothing of it');
is($node->answer('oversight1', "SELECT string_agg((payload->>'from_cache') || (payload->>'dropped') || (payload->>'odd_value'), ' ' ORDER BY number)
	FROM (SELECT * FROM lpr.audit() WHERE kind = 'answer' ORDER BY number DESC LIMIT 6) AS a"),
	join(' ', 'false{"abroad": 3, "other_plate": 2}{"confidence": 4}', 'true{"abroad": 3, "other_plate": 2}{"confidence": 4}',
		'true{"abroad": 3, "other_plate": 2, "other_condition": 45}{"confidence": 4}', ('true{"abroad": 3, "other_plate": 2}{"confidence": 4}') x 2, 'false{}{}'),
	'… on record, too');

my $caveat = 'A read locates a vehicle, not a person, and may be wrong: no action on it alone.'; # who counts is not shown the column
# One scan that asks twice: what the first answer lacks is not the second's.
$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'wrong_rows', kind => 'abroad', count => 3, times => 1 });
$node->converse($session, "SELECT count(r.read_id) FROM (VALUES ('BULK46'), ('BULK47')) AS v (p) LEFT JOIN lpr.reads AS r ON r.plate = v.p AND r.source = 'acme'");
$node->vendor_well;
is_deeply([map { left_out("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = '$_'") } qw(BULK46 BULK47)],
	[{ rows => '46|46', received => 49, reads => 46, dropped => { abroad => 3 }, odd_value => {}, notices => ['3 reads were dropped: 3 from outside the United States', $caveat] },
		{ rows => '47|47', received => 47, reads => 47, dropped => {}, odd_value => {}, notices => [$caveat] }],
	'of two answers of one scan each has its own');

# A statement that began before the one whose answer is kept asks for the same five years, though its own begin a moment earlier.
$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'hold', times => 1 });
$node->vendor_forget;
my $earlier = $node->launch('analyst1', "SELECT count(r.read_id), count(*) FILTER (WHERE r.from_cache) FROM (VALUES ('BULK48'), ('BULK49')) AS v (p) LEFT JOIN lpr.reads AS r ON r.plate = v.p AND r.source = 'acme'");
$node->await_network($earlier, vendor => 'acme', class => 'search');
is(($node->converse($other, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK49'"))[0], '49', 'a later question is answered meanwhile');
$node->vendor_well;
like(($node->landed($earlier))[0], qr/^97\|49\n/, '… and answers the earlier one');
is(scalar(grep { $_->{class} eq 'search' } $node->vendor_log), 2, '… for which nobody is asked again');

# ---- transactions ----

$node->converse($session, 'BEGIN');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK80'"), '80|0|1', 'in a transaction');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK80'", $other), '80|80|0', '… others have it at once');
$node->converse($session, 'ROLLBACK');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK80'"), '80|80|0', '… and a rollback takes nothing back');
$node->converse($session, 'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK81'"), '81|0|1', 'in a transaction that is read only');
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK81'"), '81|81|0', '… it is cached too');
$node->converse($session, 'COMMIT');

# ---- together ----

# Who asks first holds up the others for ten seconds without a read, and no longer: a round that the machine stretched beyond that tells nothing, and another is made.
my ($size, $asked) = (90);
{
	$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'hold' });
	$node->vendor_forget;
	my $held = "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK$size'";
	my @jobs = map { $node->ready("analyst$_") } 1, 2, 1, 2, 1, 2;
	my $at = time;
	$node->go($_, $held) for @jobs;
	my $names = join "','", map { $_->{name} } @jobs;
	ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('$names') AND state = 'active' AND query LIKE '%BULK$size%'") == 6 }), "six ask the same at once: BULK$size");
	$node->vendor_well;
	is(join(' ', map { ($node->landed($_))[0] =~ /(\d+)/ } @jobs), join(' ', ($size) x 6), '… and are answered');
	$asked = grep { $_->{class} eq 'search' } $node->vendor_log;
	redo if time - $at > 7 && $size++ < 99; # time: how long a flight holds up others is the product's
}
is($asked, 1, '… the vendor is asked once');
$node->vendor_faults({ vendor => 'acme', class => 'search', fault => 'hang' });
$node->vendor_forget;
my $killed = $node->launch('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK101'");
$node->answer('postgres', 'SELECT pg_terminate_backend(' . $node->await_network($killed, vendor => 'acme', class => 'search') . ')');
$node->landed($killed);
$node->vendor_well;
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK101'"), '101|0|1', 'who asked first ended: the next asks for itself');

# A cursor that nobody reads on holds up nobody for long.
$node->converse($session, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5000'; FETCH 1 FROM c");
is(question("SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5000'", $other) =~ /^5000\|0\|[1-9]/ ? 1 : 0, 1, 'a cursor that is left lying: others ask themselves');
$node->converse($session, 'COMMIT');
$_->quit for $session, $other;

# ---- policy ----

like($node->messages('admin1', "SELECT lpr.set_cache_time('3 hours 59 minutes')"), qr/23514/, 'not less than 4 hours');
like($node->messages('admin1', "SELECT lpr.set_cache_time('24 hours 1 second')"), qr/23514/, '… nor more than 24');
like($node->messages('postgres', "UPDATE lpr_data.cache_time SET keep = '25 hours'"), qr/23514/, '… whoever tries');
is($node->answer('postgres', q{SELECT bool_and(x - f BETWEEN interval '4 hours' AND interval '24 hours' AND date_trunc('hour', x) = x)
	FROM generate_series('2026-11-26 00:00'::timestamptz, '2026-11-27 00:00', '7 minutes 1 second') AS f, unnest('{4 hours,4 hours 1 second,7 hours 59 minutes,12 hours,23 hours 1 second,23 hours 59 minutes,24 hours}'::interval[]) AS k,
		lpr_data.cache_expiry(f, k) AS x}), 't', 'whatever the policy and the moment, 4 to 24 hours come out');
is($node->answer('postgres', "SELECT count(*) FROM pg_class WHERE relname ~ '^cache_(read|answer)' AND relkind = 'r' AND relpersistence <> 'u'"), 0, 'every table of it is unlogged');
is($node->answer('postgres', "SELECT count(*) FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid WHERE c.relname ~ '^cache_(read|answer)_' AND c.relkind = 'r' AND a.attnum > 0 AND a.attstattarget <> 0"), 0, '… and of no column statistics are kept');
done_testing();
