# watcher: each source is asked, round by round, for what displays watch, and for nothing else; new reads become hits within seconds, late ones too (D1, D4, U1).
use strict;
use warnings;
use LprAudit;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('watcher', targets => 0, cache => 1);
$node->answer('admin1', 'SELECT lpr.set_watch_times(1, 1, 5)');
my $access = $node->grant('analyst1', modes => 'plate,display');
my ($one) = $node->session('analyst1');
sub said { my ($sql) = @_; my ($out, $err) = $node->converse($one, $sql); return join "\n", grep { $_ ne '' } $out, $err }
sub sql { my ($sql) = @_; return $node->safe_psql('lpr', $sql) }
sub becomes { my ($sql, $value, $name) = @_; my $got; return ok(LprTest::eventually(sub { ($got = sql($sql)) eq $value }), $name) || diag("is: $got") }
my $lists = "SELECT string_agg(plate, ',' ORDER BY plate) FROM lpr_data.watch_plates('acme') AS plate";
sub upload { my (@reads) = @_; return @{ $node->vendor('POST', '/control/uploads', [ map { { vendor => 'acme', plate => '7ABC123', %$_ } } @reads ])->{ids} } }
sub asked { return grep { $_->{path} =~ m{/reads/received} } $node->vendor_log(@_) }

# ---- nothing is watched, so nobody is asked ----

is(sql("SELECT count(*) FROM lpr_data.audit WHERE mode = 'display'"), 0, 'no record of anything');
said("SELECT * FROM lpr.create_display(1, 'Cars of the Otay Mesa loads', 'The loads change cars at night, and the next one has to be stopped before the bridge.')");
said('SELECT lpr.confirm_display(1)');
said("SELECT lpr.watch(1, plate => '7ABC123', reason => 'Officers saw this car lead the van to the yard on both nights of the last loads.')");
becomes("SELECT count(mark) FROM lpr_data.watch_mark WHERE source = 'acme'", 1, 'a plate is watched: its sources are asked for a mark, from which on');
is(sql($lists), '7ABC123', '… for that plate');
is(scalar(grep { $_->{body} !~ /"plates":\["7ABC123"\]/ } asked()), 0, '… and no other');

# ---- hits, late ones too; nothing twice, nothing from before ----

upload({}, { plate => '9XYZ000' }, { captured_at => '2026-01-05T10:00:00Z' });
becomes('SELECT count(*) FROM lpr_data.hit', 1, 'a new read becomes a hit');
is(sql("SELECT h.item_id || ' ' || h.source || ' ' || (h.answer = a.number) || ' ' || a.kind || ' ' || a.mode FROM lpr_data.hit AS h JOIN lpr_data.audit AS a ON a.number = h.answer"), '1 acme true ask display', '… of its item, by a round that is on record');
my $added = sql("SELECT to_char((watched_since + interval '1 millisecond') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM lpr_data.display_item");
upload({ captured_at => $added });
becomes('SELECT count(*) FROM lpr_data.hit', 2, 'what a camera hands over late is found');
my $rounds = "SELECT count(*) FROM lpr_data.audit WHERE kind = 'answer' AND source = 'acme' AND mode = 'display'";
sub passed { my ($n) = @_; my $from = sql($rounds); return ok(LprTest::eventually(sub { sql($rounds) >= $from + $n }), "$n rounds pass") }
passed(2);
is(sql('SELECT count(*) FROM lpr_data.hit'), 2, '… and nothing twice');

# ---- on record, without plates: one ask and one answer a round and source ----

is(sql("SELECT count(*) FROM lpr_data.audit WHERE mode = 'display' AND (payload LIKE '%7ABC123%' OR login IS NOT NULL OR event_id IS NOT NULL)"), 0, 'no record of a round has a plate, or is a person\'s');
is(sql("SELECT string_agg(DISTINCT (SELECT count(*) FROM lpr_data.audit AS b WHERE b.ask = a.number)::text, ',') FROM lpr_data.audit AS a WHERE a.mode = 'display' AND a.kind = 'ask'
	AND a.number < (SELECT max(ask) FROM lpr_data.audit WHERE mode = 'display')"), 1, 'each has one answer');
is(sql("SELECT bool_and((a.payload::json->>'digest') = encode(lpr_data.watch_digest('{1}'), 'hex') AND a.payload::json->>'items' = '1' AND a.payload::json->>'plates' = '1' AND s.digest = lpr_data.watch_digest('{1}'))
	FROM lpr_data.audit AS a JOIN lpr_data.watch_set AS s ON s.set_id = (a.payload::json->>'set')::bigint WHERE a.mode = 'display' AND a.kind = 'ask'"), 't', '… and names the set, its size and digest');
# What went out is hashed request by request; so is what the vendor saw.
my ($last) = split /\n/, sql("SELECT (SELECT encode(id, 'hex') FROM lpr_data.log) || '-' || left(encode(a.digest, 'hex'), 32) || '|' || (b.payload::json->>'sent') || '|' || (b.payload::json->>'requests')
	FROM lpr_data.audit AS a JOIN lpr_data.audit AS b ON b.ask = a.number WHERE a.mode = 'display' AND a.source = 'acme' AND a.payload LIKE '%received%' ORDER BY a.number DESC LIMIT 1");
my ($reference, $sent, $requests) = split /\|/, $last;
my @seen = grep { $_->{reference} eq $reference } asked();
is(scalar(@seen), $requests, 'the requests of a round have its reference (U7)');
is($sent, sql("SELECT encode(sha256(decode(repeat('00', 32), 'hex') || convert_to('POST /reads/received ' || \$x\$$seen[0]{body}\$x\$, 'UTF8')), 'hex')"), '… and its answer their digest');
is($node->answer('oversight1', LprTest::consent() . " SELECT source || ' ' || item || ' ' || owner || ' ' || plate FROM lpr.watched() WHERE source = 'acme'", logon => 0) =~ s/.*\n//sr, 'acme 1 analyst1 7ABC123', 'oversight sees what is watched');
$node->refused('… and nobody else', 'analyst1', 'SELECT * FROM lpr.watched()', 'U1', 'LP033');

# ---- who loses a right is out of the next round ----

$node->answer('oversight1', "SELECT lpr.suspend_access($access, 'Something has to be looked at first.')");
becomes($lists, '', 'an owner whose access ends is watched for no longer');
$node->vendor_forget;
upload({});
becomes("SELECT count(*) FROM lpr_data.watch_set WHERE source = 'acme' AND items = 0 AND gone = '{1}'", 1, '… which is on record');
is(scalar(asked()), 0, '… and nobody is asked');
is(sql('SELECT count(*) FROM lpr_data.watch_mark'), 0, '… so that what passes meanwhile is not asked later either');
is(sql('SELECT count(*) FROM lpr_data.hit'), 2, '… nor hit');
is($node->answer('oversight1', LprTest::consent() . " SELECT count(*) || ' ' || count(until) || ' ' || bool_and(until > since) FROM lpr.watch_history(plate => '7abc 123') WHERE source = 'acme'", logon => 0) =~ s/.*\n//sr, '1 1 true', 'a plate\'s history tells from when to when');
is(sql("SELECT count(*) FROM lpr_data.audit WHERE kind = 'flag'"), 0, 'each change of the set was told');
$node->sound('all of it');

# ---- the verifier makes the sets again out of their changes ----

my $base = $node->basedir;
sub verified
{
	unlink "$base/key", "$base/audit.log";
	PostgreSQL::Test::Utils::append_to_file("$base/key", $node->answer('oversight1', 'SELECT lpr.audit_key()') . "\n");
	PostgreSQL::Test::Utils::append_to_file("$base/audit.log", $node->answer('oversight1', 'SELECT lpr.export_audit()') . "\n");
	my ($out) = PostgreSQL::Test::Utils::run_command([ 'lpr-audit-verify', '--key', "$base/key", "$base/audit.log" ]);
	return $out;
}
like(verified(), qr/: no finding$/, 'the log verifies, rounds and sets too');
sql("BEGIN; INSERT INTO lpr_data.watch_item VALUES ('acme', 1); INSERT INTO lpr_data.watch_set (source, at, entered, gone, items, digest) VALUES ('acme', now(), '{1}', '{}', 1, sha256('other')); COMMIT");
my $set = sql("SELECT max(set_id) FROM lpr_data.watch_set");
becomes("SELECT count(*) > 0 FROM lpr_data.audit WHERE mode = 'display' AND kind = 'ask' AND payload LIKE '%\"set\": $set,%'", 't', 'somebody puts a set there that is none, and a round goes by it');
my $told = verified();
like($told, qr/row [\d,]+: the set of what is watched at source "acme" is not what its changes make/, '… the verifier tells of the set');
like($told, qr/row [\d,]+: the round asked for another set than set $set was/, '… and of the round');
$one->quit;
$node->stop;
done_testing();
