# hit: what a display finds becomes a pointer, its read stays in the cache for its hours, and is shown through the gate to those who work on its event (D1, D6, D7, G1, G3).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use LprAlert;
use Test::More;

my $node = LprTest->start_staged('hit', targets => 0, world => 'noon', cache => 1);
my $why = 'Officers saw this car lead the van to the yard on both nights of the last loads.';
$node->grant('analyst1', modes => 'plate,display');
$node->hire_feed('feed1');
my ($one) = $node->session('analyst1');
my $said = '';
sub said { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); $said = $err; return $out }
sub hits { return $node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit') }
said("SELECT lpr.confirm_display(1)") if said("SELECT display FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')") eq '1';
is(said("SELECT lpr.watch(1, plate => '7ABC123', reason => '$why', make => 'Ford', color => ' white ')"), 1, 'a plate is watched, of a white Ford');
is($node->answer('postgres', 'SELECT make, color, watched_since = added_at FROM lpr_data.display_item'), 'FORD|WHITE|t', '… in normal form, since it was added');

# ---- what becomes a hit ----

my $first = LprTest::pushed_read(id => 'read-1');
is($node->push_reads($first, LprTest::pushed_read(plate => 'ZZ9PLUR'), LprTest::pushed_read(latitude => 31.5, longitude => -115.0)), 3, 'three reads are pushed');
is(hits(), 1, 'one is of a watched plate, and from a place that is in the country');
is($node->answer('postgres', "SELECT display_id, item_id, owner_id = (SELECT owner_id FROM lpr_data.display), source, place, octet_length(read_key), expires_at <= seen_at + interval '24 hours' FROM lpr_data.hit"), '1|1|t|acme|0|32|t', 'the hit is a pointer');
my $answer = $node->answer('postgres', "SELECT payload::jsonb - '{digest,digest_version,oldest,newest}'::text[] FROM lpr_data.audit WHERE kind = 'answer' AND ask = (SELECT answer FROM lpr_data.hit)"); # the watcher has its own
is($answer, '{"hits": 1, "again": 0, "reads": 1, "dropped": {"contradictory_place": 1}, "outcome": "complete", "received": 3, "unwatched": 1}', 'what was dropped is counted, on record');
unlike($node->answer('postgres', 'SELECT string_agg(payload, chr(10)) FROM lpr_data.audit'), qr/ZZ9PLUR/, '… and not what it was');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.cache_read'), 1, 'nor is it in the cache');
is($node->answer('postgres', "SELECT payload::jsonb - '{transaction,made_at,role}'::text[] FROM lpr_data.audit WHERE kind = 'change' AND payload::jsonb ->> 'table' = 'lpr_data.hit'") =~ s/"answer": \d+/"answer": N/r, '{"hits": 1, "last": 1, "first": 1, "items": [1], "table": "lpr_data.hit", "action": "insert", "answer": N, "source": "acme"}', 'hits are on record by their items');
$node->push_reads({ %$first });
is(hits(), 1, 'the same read comes once');
$node->push_reads(LprTest::pushed_read(at => $node->moment_of(3600)));
is(hits(), 1, 'what was seen before the plate was watched is no hit');
like($node->messages('postgres', "INSERT INTO lpr_data.hit (event_id, display_id, owner_id, item_id, source, read_key, answer, place, captured_at, expires_at) SELECT event_id, display_id, owner_id, item_id, source, sha256('x'), answer, 1, captured_at - interval '1 hour', expires_at FROM lpr_data.hit"), qr/LP068: a read from before item 1 was added/, '… whatever path writes the row');
like($node->messages('postgres', "UPDATE lpr_data.hit SET expires_at = expires_at - interval '1 hour'"), qr/ERROR/, 'a hit never changes');
like($node->messages('postgres', "INSERT INTO lpr_data.hit (event_id, display_id, owner_id, item_id, source, read_key, answer, place, captured_at, expires_at) SELECT event_id, display_id, owner_id, item_id, source, sha256('x'), answer, 1, captured_at, seen_at + interval '25 hours' FROM lpr_data.hit"), qr/a_day_at_most/, '… nor points into the cache for more than a day');

# ---- shown through the gate, to who works on the event ----

is(said('SELECT hit, display, item, event, source, state, content, call FROM lpr.my_hits'), '1|1|1|1|acme|new|here|SELECT * FROM lpr.display_hits(1, 1);', 'lpr.my_hits tells that there is something');
is($node->answer('analyst2', 'SELECT count(*) FROM lpr.my_hits'), 0, '… to nobody else');
is($node->answer('supervisor1', 'SELECT count(*) FROM lpr.my_hits'), 0, '… nor to a supervisor, who asks for nothing');
$node->refused('shown to who does not work on the event', 'analyst2', 'SELECT * FROM lpr.display_hits(1)', 'E4', 'LP041');
$node->refused('nor before the rules are agreed to', 'analyst1', 'SELECT * FROM lpr.display_hits(1)', 'A5', 'LP028', logon => 0);
my $head = $node->head;
is(said('SELECT hit_id, read_id, plate, plate_region, make, model, color, camera_id, matched_how, conflicts, port, port_heading, direction, content, call FROM lpr.display_hits(1)'),
	"1|read-1|7ABC123|CA|FORD|FUSION|WHITE|cam-77|exact|{}|San Ysidro, CA|near||here|SELECT lpr.acknowledge_hit(1, '...disposition...', '...why...');", 'what was read is shown, near a port');
like(said('SELECT caveat, port_distance_m BETWEEN 500 AND 5000 FROM lpr.display_hits(1, 1)'), qr/A vehicle is not a person|vehicle.*person.*\|t$/i, '… with the caveat, and how far from the port');
like($node->records_after($head, "kind IN ('ask', 'answer')"), qr/^ask analyst1\nanswer analyst1 of \+1 complete/, 'a look is a question on record, and so is its answer');
is($node->answer('postgres', "SELECT payload::jsonb ->> 'what' FROM lpr_data.audit WHERE number > $head AND kind = 'ask' AND login IS NOT NULL ORDER BY number LIMIT 1"), 'display_hits(1, NULL)', '… and says what was looked at');
is(said("SELECT count(*) FROM lpr.search_plate('7ABC123', since => now() - interval '1 minute', event_id => 1) WHERE read_id = 'read-1'"), 0, 'no question reaches the read of a hit');
$node->refused('a hit of another display', 'analyst1', 'SELECT * FROM lpr.display_hits(1, 99)', 'E4', 'LP041');
said('CREATE TEMPORARY TABLE hoard AS SELECT * FROM lpr.display_hits(1)');
like($said, qr/LP050/, 'nothing keeps what is shown');
is(said("SELECT lpr.save(1, 'acme', '{read-1}', 'It passed the crossing an hour before the load was seized, as on the other nights.', 'illicit_activity')"), 1, 'what was shown can be saved') or diag $said;
like(said('SELECT lpr.saved_proof(1)'), qr/lpr-read-proof-1/, '… and proved to have been in the answer on record') or diag $said;

# Of what came together, what was shown can be saved, and nothing else.
my $save = sub { my ($id) = @_; return "SELECT lpr.save(1, 'acme', '{$id}', 'It stood at the yard of the $id load when the goods were moved over, as the officers saw.', 'illicit_activity')" };
$node->push_reads(map { LprTest::pushed_read(id => "pair-$_") } 1 .. 3);
is(said('SELECT read_id FROM lpr.display_hits(1, ' . $node->answer('postgres', 'SELECT hit_id FROM lpr_data.hit WHERE place = 1') . ')'), 'pair-2', 'one of three is looked at');
is(said($save->('pair-2')), 1, '… and saved') or diag $said;
for my $other (qw(pair-1 pair-3)) { said($save->($other)); like($said, qr/LP060/, "… $other is not: it was not shown") }

# ---- what contradicts it is flagged, and where it is heading ----

# Northwards first, then to the crossing: 10 km, 4 km. Each a moment later than the one before.
$node->push_reads(map { LprTest::pushed_read(id => "way-$_->[0]", latitude => $_->[1], at => $node->moment_of($_->[2]), make => $_->[3], color => $_->[4]) }
	[ 1, 32.9000, 0, 'Ford', 'white' ], [ 2, 32.7500, 0, 'Honda', 'red' ], [ 3, 32.5700, 0, 'Ford', 'white' ]);
is(said("SELECT read_id, matched_how, conflicts, port, port_heading, direction FROM lpr.display_hits(1) WHERE read_id LIKE 'way%' ORDER BY read_id"),
	"way-1|exact|{}|||N\nway-2|exact|{\"make: HONDA, not FORD\",\"color: RED, not WHITE\"}|San Ysidro, CA|heading to it|S\nway-3|exact|{}|San Ysidro, CA|near, heading to it|S", 'conflicts are flagged; so is who heads to a port') or diag $said;
my $scout = said("SELECT lpr.watch(1, target => lpr.add_target(1, plate => '6TRJ244', region => 'CA', relation => 'subject', evidence_kind => 'case_record', evidence_reference => 'OM-2025-118', basis => 'Drove ahead of the van on both nights, as the report of the team says.'), reason => 'This car waits for the van at the crossing, and shows where it goes next.')");
is($scout, 2, 'another plate is watched, of California') or diag $said;
$node->push_reads(LprTest::pushed_read(id => 'scout-1', plate => '6TRJ244', region => 'NV'));
is(said("SELECT matched_how, conflicts FROM lpr.display_hits(1) WHERE item = 2"), 'other_region|{"region: NV, not CA"}', 'a plate of another state is a hit, and flagged') or diag $said;

# ---- what became of it ----

$node->refused('somebody else says what became of it', 'analyst2', "SELECT lpr.acknowledge_hit(1, 'correct_read', '$why')", 'E4', 'LP041');
$node->refused('an unknown disposition', 'analyst1', "SELECT lpr.acknowledge_hit(1, 'arrest', '$why')", 'D6', 'LP069');
$node->refused('a reason that says nothing', 'analyst1', "SELECT lpr.acknowledge_hit(1, 'correct_read', 'ok')", 'D6', 'LP043');
is(said("SELECT lpr.acknowledge_hit(1, 'correct_read', 'The camera at the yard shows the same dent in its door.')"), '', 'a hit is acknowledged') or diag $said;
is(said('SELECT state, disposition, call FROM lpr.my_hits WHERE hit = 1'), 'acknowledged|correct_read|', '… and shows it');
$node->refused('once', 'analyst1', "SELECT lpr.acknowledge_hit(1, 'misread', '$why')", 'D6', 'LP034');
like($node->messages('postgres', "UPDATE lpr_data.hit_disposition SET disposition = 'misread'"), qr/ERROR/, '… for good');
unlike($node->answer('postgres', "SELECT string_agg(payload, chr(10)) FROM lpr_data.audit WHERE kind = 'change' AND payload LIKE '%hit_disposition%'"), qr/dent in its door/, 'its reason is in the log as a digest');

# ---- whose rights ended, or who was away, gets nothing ----

my $access = $node->answer('postgres', "SELECT access_id FROM lpr_data.access WHERE 'display' = ANY (modes)");
my $before = hits();
$node->answer('oversight1', "SELECT lpr.suspend_access($access, 'Something has to be looked at first.')");
$node->push_reads(LprTest::pushed_read(id => 'meanwhile-1'));
is(hits(), $before, 'who has no access by display just now gets no hit');
my $passed = $node->moment_of;
$node->answer('oversight1', "SELECT lpr.resume_access($access, 'It was about somebody else, who has the same name, as the records office says.')");
$node->push_reads(LprTest::pushed_read(id => 'meanwhile-1', at => $passed));
is(hits(), $before, '… nor, once it is back, what passed meanwhile');
$node->push_reads(LprTest::pushed_read(id => 'after-1'));
is(hits(), $before + 1, '… but what comes from then on');
$node->answer('postgres', 'UPDATE lpr_data.event SET waits_since = clock_timestamp() WHERE event_id = 1');
$node->push_reads(LprTest::pushed_read(id => 'waiting-1'));
is(hits(), $before + 1, 'nor does an item that is suspended for another reason');
$node->answer('postgres', 'UPDATE lpr_data.event SET waits_since = NULL WHERE event_id = 1');
$node->answer('postgres', 'REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user');
$node->push_reads(LprTest::pushed_read(id => 'ungranted-1'));
is(hits(), $before + 1, 'nor does who was not granted the source');
said('SELECT * FROM lpr.display_hits(1)');
like($said, qr/NOTICE: .*\d hits of sources that you have no access to are not shown/, '… nor sees what it told before, and is told so');
$node->answer('postgres', 'GRANT USAGE ON FOREIGN SERVER acme TO lpr_user');

said("SELECT lpr.unwatch(2, 'The scout was sold, its new owner has nothing to do with it.')");
$node->push_reads(LprTest::pushed_read(id => 'scout-2', plate => '6TRJ244'));
is(hits(), $before + 1, '… nor does a plate that is watched no more');

# ---- clients are woken, mails are sent, without content ----

my $channel = said('SELECT lpr.my_channel()');
like($channel, qr/^lpr_[0-9a-f]{32}$/, 'a session has a channel of a random name');
is(said('SELECT lpr.my_channel()'), $channel, '… one');
said("LISTEN $channel");
is($said, '', 'it may listen to it');
$node->refused('a channel for who has no displays', 'feed1', 'SELECT lpr.my_channel()', 'D1', 'LP033');
$node->push_reads(LprTest::pushed_read(id => 'wake-0'));
my $told = '';
my $is_told = sub { return ($told = said('SELECT 1')) =~ /Asynchronous notification "\Q$channel\E" received/ };
ok(LprTest::eventually($is_told), 'it is woken');
unlike($told, qr/with payload/, '… by nothing but that');
$node->answer('postgres', "UPDATE lpr_data.hit_channel SET woken_at = clock_timestamp() + interval '1 hour'");
$node->push_reads(LprTest::pushed_read(id => 'wake-1'));
is($node->answer('postgres', 'SELECT lpr_data.wake_channels()'), 't', 'not twice within a second: it stays due');
$node->answer('postgres', "UPDATE lpr_data.hit_channel SET woken_at = clock_timestamp() - interval '1 second'");
ok(LprTest::eventually($is_told), '… and comes a second later');
is($node->answer('postgres', "SELECT count(*), count(DISTINCT key), bool_or(body ~ '7ABC123|San Ysidro|Otay') FROM lpr_data.mail WHERE kind = 'hits'"), '1|1|f', 'one mail a display and hour, without content');

# ---- content goes with its hours; the pointer says so ----

like(said('BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.display_hits(1) WHERE read_id IS NOT NULL; FETCH 1 FROM c'), qr/^wake-1$/m, 'a cursor shows it') or diag $said;
$node->clock_to('SELECT max(expires_at) FROM lpr_data.hit', 1);
said('FETCH 1 FROM c');
like($said, qr/LP055/, '… and nothing of it after its hours');
said('ROLLBACK');
($one) = $node->session('analyst1');
is(said("SELECT DISTINCT content FROM lpr.my_hits"), 'gone', 'after its hours nothing is left but the pointers');
like(said('SELECT DISTINCT coalesce(plate, read_id, make, address, port, direction, latitude::text, camera_id) IS NULL, content, call FROM lpr.display_hits(1, 1)'), qr/^t\|gone\|SELECT \* FROM lpr\.search_plate\('7ABC123', since => '.*', until => '.*', event_id => 1\);$/, 'a hit whose content is gone says so, and offers the question') or diag $said;
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.hit'), $before + 3, 'the pointers stay');
done_testing();
