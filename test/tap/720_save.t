# save: one explicit act for chosen reads, with a relevance, out of one's own fresh answers for that event; what is saved comes back through the gate only.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('save', cache => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my ($two) = $node->session('analyst2');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
my $all_fields = "fields => '{plate_region,plate_as_read,address,camera_id,camera_owner,camera_type,make,model,color,confidence,matched_how}'";
my $from = "FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20'";

# A refusal: SQLSTATE, hint, and a record that a rollback does not take back.
sub refuses
{
	my ($session, $state, $sql, $name) = @_;
	my $head = $node->head;
	my ($out, $err) = $node->converse($session, "BEGIN; $sql; ROLLBACK");

	like($err, qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state") or diag "$out\n$err";
	$session->query('ROLLBACK');
	return like($node->answer('postgres', "SELECT string_agg(kind || ' ' || coalesce(sqlstate, ''), ',') FROM lpr_data.audit WHERE number > $head AND kind = 'refused'"), qr/refused $state/, '… on record');
}
sub saves
{
	my ($session, $sql, $expected, $name) = @_;
	my ($out, $err) = $node->converse($session, $sql);
	return is($err =~ /ERROR: .*/ ? $& : $out, $expected, $name) || diag $err;
}

# ---- what can be saved ----

refuses($one, 'LP060', "SELECT lpr.save(1, 'acme', '{no-such-read}', '$why', 'illicit_activity')", 'a read that was never shown');
my @ids = split /\n/, ($node->converse($one, "SELECT read_id $from ORDER BY captured_at DESC"))[0];
is(scalar @ids, 20, 'an answer');
refuses($two, 'LP060', "SELECT lpr.save(2, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", "what another person was shown");
refuses($two, 'LP041', "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", "… or for another person's event");
my $other = $node->answer('analyst1', "SELECT lpr.open_event('Another matter', 'contraband', 'title_19', 'SD-2026-00999', 'A second courier of the same people drives a grey truck; its routes have to be found.')");
$node->make_targets('lpr');
refuses($one, 'LP060', "SELECT lpr.save($other, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", 'what was shown for another event');
refuses($one, 'LP060', "SELECT lpr.save(1, 'birdseye', '{$ids[0]}', '$why', 'illicit_activity')", "… or of another source");
refuses($one, 'LP043', "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$_', 'illicit_activity')", "relevance: '$_'") for '', 'relevant', 'n/a', 'for the investigation';
refuses($one, 'LP043', "SELECT lpr.save(1, 'acme', '{$ids[0]}', NULL, 'illicit_activity')", 'no relevance');
refuses($one, 'LP060', "SELECT lpr.save(1, 'acme', '{$ids[0],no-such-read}', '$why', 'illicit_activity')", 'one that is not there among others');
saves($one, 'SELECT count(*) FROM lpr.event_reads(1)', 0, 'nothing was saved so far: nothing is by itself');
like(($node->converse($one, "SELECT lpr.save(1, 'acme', '{}', '$why', 'illicit_activity')"))[1], qr/22023: no read was chosen/, 'nothing chosen');
like(($node->converse($one, "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity', fields => '{plate,make,password}')"))[1], qr/22023: these fields cannot be saved/, 'a field that there is not');

# What an older version kept has a digest of another form, or none that it knows of: it is asked anew, and not saved from.
for my $version (qw(NULL 1))
{
	$node->safe_psql('lpr', "UPDATE lpr_data.cache_answer SET digest_version = $version");
	refuses($one, 'LP060', "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", "an answer whose digest is of version $version");
	saves($one, "SELECT bool_or(from_cache), count(*) $from", 'f|20', '… is asked anew');
	saves($one, "SELECT bool_and(from_cache), count(*) $from", 't|20', '… and kept');
}

# A question that is stopped early can be saved from, too.
my ($limited) = split /\n/, ($node->converse($one, "SELECT read_id FROM lpr.search_plate('BULK400') WHERE source = 'acme' LIMIT 1"))[0];
saves($one, "SELECT lpr.save(1, 'acme', '{$limited}', '$why', 'illicit_activity', $all_fields)", 1, 'a read of an answer that was not read to its end');
saves($one, "SELECT lpr.save(1, 'acme', '{$ids[0],$ids[1]}', '$why', 'illicit_activity', $all_fields)", 2, 'two reads, one relevance');
saves($one, "SELECT lpr.save(1, 'acme', '{$ids[0],$ids[1],$ids[2]}', '$why', 'illicit_activity', $all_fields)", 1, '… what was saved before is not saved twice');
saves($one, qq{SELECT lpr.save_each(1, 'acme', '{"$ids[3]": "The driver of the first day got out here, as the photo shows.", "$ids[4]": "The only read on the day that the informant named."}', 'person_of_interest', $all_fields)}, 2, 'each with its own');
saves($one, "SELECT lpr.save(1, 'acme', '{$ids[5]}', '$why', 'illicit_activity')", 1, 'with no fields but plate, time and place');
saves($one, "SELECT lpr.save(1, 'acme', '{$ids[6]}', '$why', 'illicit_activity', $all_fields, why_images => 'The driver of that day can be told by them only.')", 1, 'with images');

# ---- what was saved ----

saves($one, "SELECT count(*), count(DISTINCT relevance), count(make), count(DISTINCT caveat), bool_and(caveat LIKE '%not a person%'), min(saved_by) FROM lpr.event_reads(1)", '8|3|7|1|t|analyst1', 'what was saved, with its caveat');
saves($one, "SELECT DISTINCT e.caveat = r.caveat FROM lpr.event_reads(1) AS e JOIN (SELECT * $from) AS r USING (source, read_id)", 't', '… which live answers have as well');
saves($one, "SELECT count(plate), count(captured_at), count(latitude), count(address), count(confidence), count(matched_how) FROM lpr.event_reads(1) WHERE read_id = '$ids[5]'", '1|1|1|0|0|0', '… only the chosen fields');
saves($one, "SELECT count(*) FROM lpr.event_reads(1) AS e JOIN (SELECT * $from) AS r USING (source, read_id) WHERE (e.plate, e.captured_at, e.latitude, e.longitude) IS DISTINCT FROM (r.plate, r.captured_at, r.latitude, r.longitude) OR e.make <> r.make OR e.confidence <> r.confidence OR e.matched_how <> r.matched_how", 0, '… as the vendor told it');
is($node->answer('postgres', "SELECT count(*), bool_and(sha256(content) = sha256) FROM lpr_data.image"), '2|t', 'images by their digests');
saves($one, "SELECT octet_length(plate_image) > 0 AND octet_length(vehicle_image) > 0 FROM lpr.event_reads(1, with_images => true) WHERE read_id = '$ids[6]'", 't', '… come back');
is($node->answer('oversight1', "SELECT string_agg(DISTINCT concat_ws(' ', a.kind, a.login, a.event_id, a.mode), ', ') FROM lpr.audit() AS a WHERE a.mode = 'saved' AND a.kind = 'ask'"), 'ask analyst1 1 saved, ask analyst1 3 saved, ask analyst2 2 saved', 'each look is a question on record');
is($node->answer('oversight1', "SELECT count(*) FROM lpr.unanswered() WHERE mode = 'saved'"), 0, '… and has its answer');
unlike($node->answer('postgres', 'SELECT string_agg(payload, chr(10)) FROM lpr_data.audit'), qr/$ids[0]|safe house/, 'no result and no relevance stands in the audit log');
is($node->answer('oversight1', "SELECT sum((payload->>'reads')::integer) FROM lpr.audit(kind => 'change') WHERE payload->>'table' = 'lpr_data.event_read'"), 8, '… but who saved how many, with a digest');

# That the answer on record held each of them can be proved.
is($node->answer('postgres', q{
	WITH RECURSIVE up AS (
		SELECT r.saved_id, r.digest AS node, r.place, (SELECT (a.payload::jsonb->>'reads')::bigint FROM lpr_data.audit AS a WHERE a.kind = 'answer' AND a.ask = r.answer) AS size, r.proof,
			(SELECT a.payload::jsonb->>'digest' FROM lpr_data.audit AS a WHERE a.kind = 'answer' AND a.ask = r.answer) AS root FROM lpr_data.event_read AS r
		UNION ALL
		SELECT saved_id, CASE WHEN place % 2 = 1 THEN sha256('\x01' || substring(proof FOR 32) || node)
			WHEN place + 1 < size THEN sha256('\x01' || node || substring(proof FOR 32)) ELSE node END,
			place / 2, (size + 1) / 2, CASE WHEN place % 2 = 1 OR place + 1 < size THEN substring(proof FROM 33) ELSE proof END, root
		FROM up WHERE size > 1)
	SELECT count(*), bool_and(encode(node, 'hex') = root AND proof = '') FROM up WHERE size = 1}), '8|t', 'the proof of each leads to the digest of its answer');

# The leaf of each is that of its columns: of all of them, or of plate, time and place and a digest of the rest.
$node->safe_psql('lpr', q{CREATE SCHEMA leaf;
	CREATE FUNCTION leaf.field(value bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT coalesce(int4send(octet_length(value)) || value, '\xffffffff') $$;
	CREATE FUNCTION leaf.field(value text) RETURNS bytea LANGUAGE sql AS $$ SELECT leaf.field(convert_to(value, 'UTF8')) $$;
	CREATE FUNCTION leaf.field(value numeric) RETURNS bytea LANGUAGE sql AS $$ SELECT leaf.field(int8send(value::bigint)) $$;
	CREATE FUNCTION leaf.time(value timestamptz) RETURNS numeric LANGUAGE sql AS $$ SELECT 1000000 * (extract(epoch FROM value) - 946684800) $$;
	CREATE FUNCTION leaf.details(r lpr_data.event_read) RETURNS bytea LANGUAGE sql AS $$
		SELECT sha256('\x02'::bytea || coalesce(r.salt, '') || leaf.field(r.plate_region) || leaf.field(r.plate_as_read) || leaf.field(r.address) || leaf.field(r.camera_id) || leaf.field(r.camera_owner)
			|| leaf.field(r.camera_type) || leaf.field(r.make) || leaf.field(r.model) || leaf.field(r.color) || leaf.field(round(r.confidence::numeric * 1000000))) $$;
	CREATE FUNCTION leaf.leaf(r lpr_data.event_read) RETURNS bytea LANGUAGE sql AS $$
		SELECT sha256('\x00'::bytea || 'LRD2'::bytea || leaf.field(r.read_id) || leaf.field(r.plate) || leaf.field(leaf.time(r.captured_at)) || leaf.field(round(r.latitude::numeric * 10000000))
			|| leaf.field(round(r.longitude::numeric * 10000000)) || r.details) $$;
	CREATE FUNCTION leaf.old(r lpr_data.event_read) RETURNS bytea LANGUAGE sql AS $$
		SELECT sha256('\x00'::bytea || leaf.field(r.read_id) || leaf.field(r.plate_as_read) || leaf.field(r.camera_id) || leaf.field(r.camera_owner) || leaf.field(r.camera_type) || leaf.field(r.address)
			|| leaf.field(r.make) || leaf.field(r.model) || leaf.field(r.color) || leaf.field(coalesce(r.plate_region, '')) || leaf.field(leaf.time(r.captured_at))
			|| leaf.field(round(r.latitude::numeric * 10000000)) || leaf.field(round(r.longitude::numeric * 10000000)) || leaf.field(round(r.confidence::numeric * 1000000))) $$});
is($node->answer('postgres', 'SELECT count(*), bool_and(leaf.leaf(r) = r.digest), count(*) FILTER (WHERE leaf.details(r) = r.details) FROM lpr_data.event_read AS r'), '8|t|7', 'each leaf is that of its read');

# What was not saved cannot be found by trying: the right guess is known by the salt alone, and that is nowhere but in the cache.
my $guess = q{FROM lpr_data.event_read AS r JOIN lpr_data.cache_read AS c ON c.answer = r.answer AND c.read_id = r.read_id JOIN lpr_data.cache_answer AS a ON a.ask = r.answer
	CROSS JOIN LATERAL substring(sha256(a.seed || int8send(r.place / 2)) FROM 1 + 16 * (r.place % 2)::integer FOR 16) AS known
	CROSS JOIN LATERAL jsonb_populate_record(r, jsonb_build_object('plate_region', c.plate_region, 'plate_as_read', coalesce(nullif(c.plate_as_read, ''), c.plate), 'address', c.address, 'camera_id', c.camera_id,
		'camera_owner', c.camera_owner, 'camera_type', c.camera_type, 'make', lpr.normal_word(c.make), 'model', lpr.normal_word(c.model), 'color', lpr.normal_word(c.color), 'confidence', c.confidence, 'salt', NULL)) AS g};
is($node->answer('postgres', "SELECT count(*), count(*) FILTER (WHERE leaf.details(g) = r.details), bool_and(leaf.details(jsonb_populate_record(g, jsonb_build_object('salt', known))) = r.details), count(r.salt), bool_and(r.salt = known), count(DISTINCT known) $guess"),
	'8|0|t|7|t|8', 'the right details are found with the salt only, which is kept beside details that were saved whole');
$node->safe_psql('lpr', q{CREATE FUNCTION leaf.holders(needle bytea) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE t regclass; found boolean; tables text[] := '{}';
	BEGIN
		FOR t IN SELECT c.oid FROM pg_class AS c WHERE c.relnamespace IN ('lpr_data'::regnamespace, 'pg_catalog'::regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		LOOP
			EXECUTE format('SELECT count(*) > 0 FROM %s AS x WHERE x::text LIKE $1', t) INTO found USING '%' || encode(needle, 'hex') || '%';
			IF found THEN tables := tables || t::text; END IF;
		END LOOP;
		RETURN array_to_string(tables, ' ');
	END $$; ANALYZE});
is($node->answer('postgres', "SELECT leaf.holders(known) $guess WHERE c.read_id = '$ids[5]'"), '', '… else nowhere');
is($node->answer('postgres', "SELECT leaf.holders(known) $guess WHERE c.read_id = '$ids[3]'"), 'lpr_data.event_read', '… as it would be seen');
is($node->answer('postgres', "SELECT leaf.holders(a.seed) $guess WHERE c.read_id = '$ids[3]'"), 'lpr_data.cache_answer', '… and the seed with the answer only');
saves($one, "SELECT count(*), bool_and(from_cache) $from AND captured_at = (SELECT captured_at FROM lpr.event_reads(1) WHERE read_id = '$ids[3]')", '1|t', 'an answer out of the cache that holds less');
is($node->answer('postgres', "SELECT (SELECT payload::json->>'digest' FROM lpr_data.audit WHERE kind = 'answer' AND mode <> 'saved' ORDER BY number DESC LIMIT 1) = encode(digest, 'hex') FROM lpr_data.event_read WHERE read_id = '$ids[3]'"), 't', '… has the salts of the places of before');

# ---- shown to anybody ----

my %saved = map { split /\|/ } split /\n/, ($node->converse($one, "SELECT read_id, saved_id FROM lpr.event_reads(1)"))[0];
my %proof = map { $_ => ($node->converse($one, "SELECT lpr.saved_proof($saved{$_})"))[0] } keys %saved;
is($node->answer('oversight1', "SELECT payload->>'what' FROM lpr.audit() WHERE kind = 'ask' AND mode = 'saved' ORDER BY number DESC LIMIT 1") =~ /\Asaved_proof\(\d+\)\z/, 1, 'a proof is a question on record');
is($node->answer('oversight1', "SELECT count(*) FROM lpr.unanswered() WHERE mode = 'saved'"), 0, '… and has its answer');
refuses($two, 'LP041', "SELECT lpr.saved_proof($saved{$ids[0]})", 'a proof for another person');
refuses($one, 'LP041', 'SELECT lpr.saved_proof(9999)', 'a proof of what was not saved');
refuses($one, 'LP050', "$_ SELECT lpr.saved_proof($saved{$ids[0]})", "$_: kept") for 'CREATE TABLE pg_temp.t AS', 'DECLARE c CURSOR WITH HOLD FOR';
like($node->messages('supervisor1', "SELECT lpr.saved_proof($saved{$ids[0]})"), qr/LP041/, 'nor for a supervisor');

# The salt is that of all details: it is shown, and kept, with all of them only.
like($proof{$ids[0]}, qr/"make": .*"salt": "[0-9a-f]{32}"\}\}\z/, 'a proof of all that was told shows the salt');
unlike($proof{$ids[5]}, qr/salt/, '… one of less does not');
for my $case ([ "'{plate_region,plate_as_read,address,camera_id,camera_owner,camera_type,make,model,color,confidence}'", 'salt' ], [ "'{plate_region,plate_as_read,address,camera_id,camera_owner,camera_type,make,model,color,matched_how}'", 'details' ])
{
	my ($out, $err) = $node->converse($one, "BEGIN; SELECT lpr.save(1, 'acme', '{$ids[7]}', '$why', 'illicit_activity', fields => $case->[0]); SELECT lpr.saved_proof(saved_id) FROM lpr.event_reads(1) WHERE read_id = '$ids[7]'; ROLLBACK");

	is(join(' ', $out =~ /"(salt|details|make)": "/g), $case->[1] eq 'salt' ? 'make salt' : 'details', "… nor does one of all but one: $case->[1]") or diag $err;
}
like($node->messages('postgres', "SELECT lpr_data.read_proof(jsonb_populate_record(r, '{\"salt\": \"\\\\x00000000000000000000000000000000\"}'), l.id, a.number, a.payload) FROM lpr_data.event_read AS r JOIN lpr_data.audit AS a ON a.kind = 'answer' AND a.ask = r.answer, lpr_data.log AS l WHERE r.saved_id = $saved{$ids[0]}"),
	qr/ERROR: +XX001: the saved read is not in the answer on record/, 'another salt proves nothing');

# Of answers that have no version: all of it when it was saved as it was told, else the leaf.
my @old;
for my $case ([ 'r', '"plate_as_read": ' ], [ "jsonb_populate_record(r, '{\"make\": \"Honda\"}')", '"leaf": ' ])
{
	my $old = $node->answer('postgres', "SELECT lpr_data.read_proof(jsonb_populate_record(r, jsonb_build_object('digest', leaf.old($case->[0]), 'details', NULL, 'place', 0, 'proof', '')), l.id, 7,
		format('{\"reads\": 1, \"digest\": \"%s\"}', encode(leaf.old($case->[0]), 'hex'))) FROM lpr_data.event_read AS r, lpr_data.log AS l WHERE r.saved_id = $saved{$ids[0]}");
	like($old, qr/"version": 1, .*$case->[1]/, "version 1 shows $case->[1]");
	push @old, $old;
}
like($node->messages('postgres', "SELECT lpr_data.read_proof(r, l.id, 7, format('{\"reads\": 20, \"digest\": \"%s\", \"digest_version\": 2}', repeat('00', 32))) FROM lpr_data.event_read AS r, lpr_data.log AS l WHERE r.saved_id = $saved{$ids[0]}"),
	qr/ERROR: +XX001: the saved read is not in the answer on record/, 'what proves nothing is not handed out');

# ---- who sees it ----

refuses($two, 'LP041', 'SELECT * FROM lpr.event_reads(1)', 'another person');
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
saves($two, 'SELECT count(*) FROM lpr.event_reads(1)', 8, 'a member sees it');
$node->answer('analyst1', "SELECT lpr.remove_member(1, 'analyst2')");
refuses($two, 'LP041', 'SELECT * FROM lpr.event_reads(1)', 'who was taken off the event');
like($node->messages('supervisor1', 'SELECT * FROM lpr.event_reads(1)'), qr/LP022/, 'a supervisor sees events, not their reads');
my ($bare) = $node->session('analyst1', logon => 0);
refuses($bare, 'LP028', 'SELECT * FROM lpr.event_reads(1)', 'a session that has not agreed to the rules');
refuses($bare, 'LP028', "SELECT lpr.saved_proof($saved{$ids[0]})", '… for a proof, too');
$bare->quit;
refuses($one, 'LP050', $_, "$_: kept") for 'DECLARE c CURSOR WITH HOLD FOR SELECT * FROM lpr.event_reads(1)', 'CREATE TABLE pg_temp.t AS SELECT * FROM lpr.event_reads(1)', 'COPY (SELECT * FROM lpr.event_reads(1)) TO STDOUT';
like($node->messages('analyst1', 'SELECT * FROM lpr_data.event_read'), qr/permission denied/, 'nobody reads the table');

# ---- corrections, and what was no good ----

my ($id) = split /\n/, ($node->converse($one, "SELECT saved_id FROM lpr.event_reads(1) WHERE read_id = '$ids[0]'"))[0];
saves($one, "SELECT lpr.correct($id, 'make', 'honda', 'The photo shows the badge of another maker quite clearly.')", '', 'a correction');
saves($one, "SELECT make = corrected->'make'->>'original', corrected->'make'->>'value', corrected->'make'->>'by', make <> 'HONDA' FROM lpr.event_reads(1) WHERE saved_id = $id", 't|HONDA|analyst1|t', '… stands beside the original');
is(($node->converse($one, "SELECT lpr.saved_proof($id)"))[0], $proof{$ids[0]}, '… and the proof is of what the vendor told');
like(($node->converse($one, "SELECT lpr.correct($id, 'captured_at', 'now', 'The photo shows the badge of another maker quite clearly.')"))[1], qr/23514/, 'time and place are what the vendor said');
like(($node->converse($one, "SELECT lpr.correct($id, 'plate', '---', 'The photo shows the badge of another maker quite clearly.')"))[1], qr/LP011/, 'a plate is one');
refuses($two, 'LP041', "SELECT lpr.correct($id, 'make', 'honda', '$why')", "another person's");
refuses($one, 'LP043', "SELECT lpr.unsave($id, 'wrong')", 'taken off without a reason');
saves($one, "SELECT lpr.unsave($id, 'The badge shows that it is the car of a neighbour, not the one that we look for.')", '', 'taken off');
refuses($one, 'LP041', "SELECT lpr.saved_proof($id)", 'what was taken off is proved no longer');
is($node->answer('postgres', "SELECT (SELECT count(*) FROM lpr_data.event_read WHERE saved_id = $id) || ' ' || (SELECT count(*) FROM lpr_data.correction WHERE saved_id = $id)"), '0 0', '… with its correction');
my ($imaged) = split /\n/, ($node->converse($one, "SELECT saved_id FROM lpr.event_reads(1) WHERE read_id = '$ids[6]'"))[0];
saves($one, "SELECT lpr.unsave($imaged, 'The badge shows that it is the car of a neighbour, not the one that we look for.')", '', 'one with images');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.image'), 0, '… which go with it');
like($node->messages('postgres', 'UPDATE lpr_data.event_read SET make = $$BUICK$$'), qr/LP034/, 'a saved read never changes, whoever tries');

# ---- events change hands ----

refuses($two, 'LP041', "SELECT lpr.transfer_event(1, 'analyst2', '$why')", 'who takes an event for himself');
refuses($one, 'LP025', "SELECT lpr.transfer_event(1, 'newcomer1', '$why')", 'to somebody without access');
saves($one, "SELECT lpr.transfer_event(1, 'analyst2', 'The case went over to the fugitive team by order of last Friday.')", '', 'the owner hands over');
saves($two, 'SELECT count(*) FROM lpr.event_reads(1)', 6, '… the new one sees it');
saves($one, 'SELECT count(*) FROM lpr.event_reads(1)', 6, '… the old one is still a member');
refuses($one, 'LP041', "SELECT lpr.close_event(1, 'solved')", '… but no longer the owner');
$node->answer('admin1', "SELECT lpr.retire_person('analyst1')");
($one) = $node->session('analyst1', logon => 0);
refuses($one, 'LP024', 'SELECT count(*) FROM lpr.event_reads(1)', 'who has left sees nothing');
is($node->answer('supervisor1', "SELECT lpr.hand_over('analyst1', 'analyst2', 'She has left the agency, and he goes on with her matters from here.')"), 1, 'the supervisor hands over what is left');
$two->query("SELECT lpr.close_event($other, 'nothing found')");
saves($two, 'SELECT count(*) FROM lpr.event_reads(1)', 6, 'an open event');

# ---- an event is closed ----

$two->query('SELECT lpr.work_on(1)');
saves($two, "SELECT count(*) $from", 20, 'the new owner asks for it');
my ($three) = $node->session('analyst2');
my ($closing) = $node->session('analyst2');
$node->converse($three, 'SELECT 1');
my ($last) = split /\n/, ($node->converse($two, 'SELECT max(saved_id) FROM lpr.event_reads(1)'))[0];
my %beside = ($two => [ $two, "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", 'saved' ],
	$three => [ $three, "SELECT lpr.unsave($last, 'The badge shows that it is the car of a neighbour, not the one that we look for.')", 'taken off' ]);
$closing->query("BEGIN; SELECT lpr.close_event(1, 'courier arrested at the border')");
for (values %beside) { $_->[0]{stderr} = ''; $node->send_sql($_->[0], $_->[1]) }
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'analyst2' AND wait_event_type = 'Lock'") == 2 }),
	'who saves, or takes off, while somebody closes the event, waits');
$closing->query('COMMIT');
for (values %beside) { $_->[0]->query(''); like($_->[0]{stderr}, qr/ERROR: +LP042/, "… and nothing is $_->[2]") }
saves($two, 'SELECT count(*) FROM lpr.event_reads(1)', 6, '… and a closed one shows what it holds');
$two->query('SELECT lpr.work_on(NULL)');
refuses($two, 'LP042', "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity')", 'but nothing more is saved for it');
$_->quit for $one, $two, $three, $closing;
# ---- checked by anybody ----

# After ten thousand records there is a checkpoint, by which the answers' records are signed for.
$node->answer('postgres', "SELECT count(lpr_data.audit_record('read', NULL, NULL, 'bulk')) FROM generate_series(1, 10000)");
ok(LprTest::eventually(sub { $node->answer('oversight1', 'SELECT checkpointed > 10000 FROM lpr.audit_status()') eq 't' }), 'a checkpoint');
my $base = $node->basedir;
append_to_file("$base/key", $node->answer('oversight1', 'SELECT lpr.audit_key()'));
append_to_file("$base/newest.checkpoint", $node->answer('oversight1', 'SELECT lpr.checkpoint()') . "\n");
append_to_file("$base/audit.log", $node->answer('oversight1', 'SELECT lpr.export_audit()') . "\n");

# What the verifier says of proofs, without the summary.
sub proved
{
	unlink "$base/proofs";
	append_to_file("$base/proofs", join '', map { "$_\n" } @_);
	my ($out, $err) = run_command([ 'lpr-audit-verify', '--key', "$base/key", '--checkpoints', "$base/newest.checkpoint", '--read', "$base/proofs", "$base/audit.log" ]);
	return $err || $out =~ s/\A(.*?)[^\n]*\n?\z/$1/sr;
}
my $all = proved(map { $proof{$_} } @ids[0 .. 6], $limited);
is(scalar(() = $all =~ /^proved: read \d+ of the 20 in the answer of source "acme", row [\d,]+: read_id "/mg), 7, 'each is proved') or diag $all;
like($all, qr/^proved: read 1 of the \d+ in the answer of source "acme", row [\d,]+: read_id "\Q$limited\E", plate "BULK400", /m, '… out of an answer that was stopped early, too');
is(scalar(() = $all =~ /, make "\w+"/g), 7, '… with what was saved of it');
like($all, qr/read_id "\Q$ids[5]\E", plate "BULK20", captured_at \S+, latitude \S+, longitude \S+; its details are not shown$/m, '… with no fields but plate, time and place');

like($all, qr/^proved: .*read_id "\Q$ids[0]\E"/m, '… and what was taken off since');
like(proved($_), qr/line 1: row 7 is not an answer/, 'one of version 1 leads to its root') for @old;

my $torn = qr/line 1: the read, its place and its path do not lead to the root: one of them was changed$/m;
my $whole = $proof{$ids[0]};
for my $member ($whole =~ /"(\w+)": /g)
{
	next if $member eq 'read';
	my $changed = $whole =~ s/("$member": )(?:"([^"]*)"|(-?\d+)|\["(.)([^"]*))/$1 . (defined $2 ? '"' . ($2 =~ tr{0-9a-zA-Z}{1-90b-zaB-ZA}r) . '"' : defined $3 ? $3 + 1 : '["' . ($4 eq '0' ? '1' : '0') . $5)/er;
	isnt($changed, $whole, "another $member");
	like(proved($changed), $member =~ /^(format|version)$/ ? qr/line 1: not a proof of a read: / : $member eq 'log' ? qr/line 1: (it is a proof for another log|not a proof of a read: its member "log")/
		: $member eq 'row' ? qr/line 1: row [\d,]+ is not an answer/ : $member eq 'source' ? qr/line 1: row [\d,]+ is an answer of source "acme", not of "/
		: $member eq 'reads' ? qr/line 1: the answer of row [\d,]+ has 20 reads, not 21/ : $member =~ /^(root|salt)$/ ? qr/$torn|its member "$member"/ : $torn, '… is found');
}
like(proved($whole =~ s/("salt": "\w*)(\w)"/$1 . ($2 eq '0' ? '1' : '0') . '"'/er), $torn, 'another digit of the salt');
my ($other_row) = $proof{$limited} =~ /"row": (\d+)/;
like(proved($whole =~ s/"row": \d+/"row": $other_row/r), qr/line 1: the answer of row [\d,]+ has \d+ reads, not 20/, 'of another answer');
like(proved(substr $whole, 0, $_), qr/line 1: not a proof of a read: /, "cut after $_ bytes") for 30, 500, length($whole) - 1;

$node->sound('in the end');
done_testing();
