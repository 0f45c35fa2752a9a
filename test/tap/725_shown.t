# shown: what a question did not show cannot be saved, though the answer that is kept, somebody else's, holds it (E2). At random first: what can be saved of an
# answer are the very reads whose digest stands in its record. LPR_SEED repeats a run.
use strict;
use warnings;
use Digest::SHA qw(sha256);
use List::Util qw(shuffle);
use LprAudit;
use LprTest;
use Test::More;

my $seed = $ENV{LPR_SEED} // time % 1_000_000;
srand $seed;
note "LPR_SEED=$seed";

my $node = LprTest->start_staged('shown', cache => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my ($two) = $node->session('analyst2');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';

sub rows { my ($session, $sql) = @_; my ($out, $err) = $node->converse($session, $sql); die "$sql: $err" if $err =~ /ERROR/; return split /\n/, $out }
my $sentences = 0; # one serves 25
sub saves { my ($session, $event, $id, $source) = @_; $sentences++; return ($node->converse($session, "SELECT lpr.save($event, '" . ($source // 'acme') . "', '{$id}', '$why This is stop $sentences.', 'illicit_activity')"))[1] eq '' }

# The head of a tree of leaves, as RFC 6962 makes it.
sub head_of
{
	my (@leaves) = @_;

	return sha256('') unless @leaves;
	return $leaves[0] if @leaves == 1;
	my $left = 1;
	$left *= 2 while 2 * $left < @leaves;
	return sha256("\x01" . head_of(@leaves[0 .. $left - 1]) . head_of(@leaves[$left .. $#leaves]));
}

# ---- at random ----

my $rounds = $ENV{LPR_ROUNDS} // 24;
my @wrong;
my %seen_shapes;
for my $round (1 .. $rounds)
{
	my $plate = 'BULK' . (20 + $round);
	my $wide = "SELECT read_id, captured_at FROM lpr.reads WHERE source = 'acme' AND plate = '$plate' ORDER BY captured_at DESC";
	my $before = int rand 4; # once in four nobody has asked before
	my @all = $before ? map { [ split /\|/ ] } rows($one, $wide) : ();
	my @times = map { $_->[1] } @all ? @all : ();
	my @between = @times ? sort { $a <=> $b } map { int rand @times } 1, 2 : ();
	my $window = @times && rand() < 0.7 ? "AND captured_at BETWEEN '$times[$between[1]]' AND '$times[$between[0]]'" : !@times && rand() < 0.7 ? "AND captured_at > now() - interval '" . (1 + int rand 1400) . " days'" : '';
	my $from = "FROM lpr.reads WHERE source = 'acme' AND plate = '$plate' $window" . (rand() < 0.3 ? " AND camera_id >= '" . int(rand 10) . "'" : '');
	my $order = rand() < 0.5 ? '' : rand() < 0.5 ? 'ORDER BY captured_at DESC' : 'ORDER BY captured_at';
	my $some = int rand 12;
	my ($shape, $sql) = @{ (
		[ count => "SELECT count(*) $from" ], [ all => "SELECT read_id $from $order" ], [ limit => "SELECT read_id $from $order LIMIT $some" ],
		[ offset => "SELECT read_id $from $order OFFSET 2 LIMIT $some" ], [ exists => "SELECT EXISTS (SELECT $from)" ],
		[ cursor => "BEGIN; DECLARE c CURSOR FOR SELECT read_id $from $order; FETCH $some FROM c; COMMIT" ],
		[ closed => "BEGIN; DECLARE c CURSOR FOR SELECT read_id $from $order; FETCH $some FROM c; MOVE 1 FROM c; CLOSE c; COMMIT" ])[ rand 7 ] };
	my $head = $node->head;

	$seen_shapes{$shape}++;
	rows($two, $sql);
	my $record = $node->answer('postgres', "SELECT ask, payload::json->>'reads', payload::json->>'digest', payload::json->>'from_cache' FROM lpr_data.audit WHERE number > $head AND kind = 'answer' AND login = 'analyst2'");
	@all = map { [ split /\|/ ] } rows($one, $wide) unless @all;
	my @saved = grep { saves($two, 2, $_->[0]) } shuffle @all;
	# A cursor that was not read asked nothing.
	my ($ask, $reads, $digest) = $record eq '' ? (0, 0, unpack 'H*', sha256('')) : split /\|/, $record;
	my @leaves = map { pack 'H*', $_ } split /\n/, $node->answer('postgres', "SELECT encode(digest, 'hex') FROM lpr_data.event_read WHERE event_id = 2 AND ask = $ask ORDER BY place");
	push @wrong, "round $round ($sql; $record): " . @saved . ' saved, ' . @leaves . ' of that answer' unless @saved == $reads && @leaves == $reads && unpack('H*', head_of(@leaves)) eq $digest;
}
is(join("\n", @wrong), '', "what can be saved of an answer is what its digest is of ($rounds rounds)") or diag "LPR_SEED=$seed";
note join ' ', map { "$_:$seen_shapes{$_}" } sort keys %seen_shapes;

# ---- one by one: the newest read of somebody else's answer, for which one asked for less ----

my $n = 60;
sub holds_back
{
	my ($name, @statements) = @_;
	my $plate = 'BULK' . ++$n;
	my ($newest, $oldest) = (rows($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = '$plate' ORDER BY captured_at DESC"))[0, -1];

	for my $sql (@statements)
	{
		my (undef, $err) = $node->converse($two, $sql =~ s/PLATE/$plate/gr);
		die "$sql: $err" if $err =~ /ERROR/ && $err !~ /division by zero/;
	}
	return is(join(' ', map { saves($two, 2, $_) ? 'saved' : 'not' } $newest, $oldest), 'not not', $name);
}
my $narrow = "captured_at < now() - interval '300 days' AND captured_at > now() - interval '900 days'";
holds_back('a window with nothing in it', "SELECT count(*) FROM lpr.search_plate('PLATE', since => now() - interval '1 second', event_id => 2) WHERE source = 'acme'");
holds_back('a window between both', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND $narrow");
holds_back('two windows that leave both ends out', map { "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND captured_at BETWEEN now() - interval '$_->[0] days' AND now() - interval '$_->[1] days'" } [ 900, 500 ], [ 400, 100 ]);
holds_back('LIMIT 0', "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' LIMIT 0");
holds_back('a cursor that is never read', "BEGIN", "DECLARE c CURSOR FOR SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE'", 'COMMIT');
holds_back('a cursor that is read one read far, of a window between both', 'BEGIN', "DECLARE c CURSOR FOR SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND $narrow ORDER BY captured_at DESC", 'FETCH 1 FROM c', 'COMMIT');
holds_back('an answer that ends in an error', "SELECT 1 / (count(*) - count(*)) FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND $narrow");
holds_back('EXISTS', "SELECT EXISTS (SELECT FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND $narrow)");
holds_back('a prepared statement of a narrower window', "PREPARE p AS SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND captured_at > \$1 AND captured_at < \$2", "EXECUTE p (now() - interval '900 days', now() - interval '300 days')", 'DEALLOCATE p');
holds_back('EXPLAIN', "EXPLAIN SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE'");
holds_back('an instant', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'PLATE' AND captured_at = now() - interval '400 days'");

# LIMIT 1 shows one, and that one can be saved; what was shown for one event is not for another.
my @all = rows($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK59' ORDER BY captured_at DESC");
my ($shown) = rows($two, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK59' ORDER BY captured_at DESC LIMIT 1");
is(join(' ', map { saves($two, 2, $_) ? 'saved' : 'not' } $shown, grep { $_ ne $shown } @all[0 .. 3]), 'saved not not not', 'LIMIT 1 of a kept answer: that one');
my $other = $node->answer('analyst1', "SELECT lpr.open_event('Another matter', 'contraband', 'title_19', 'SD-2026-00999', 'A second courier of the same people drives a grey truck; its routes have to be found.')");
$node->make_targets('lpr');
rows($one, "SELECT read_id FROM lpr.reads WHERE event_id = $other AND source = 'acme' AND plate = 'BULK59' AND $narrow");
ok(!saves($one, $other, $all[0]), 'nor what one was shown oneself for another event');
ok(saves($one, 1, $all[0]), '… but for that one');

# What was read to its end can be saved while its cursor is open, as with an answer that was fetched.
my @open = rows($two, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK58'; FETCH ALL FROM c");
ok(saves($two, 2, $open[0]), 'what was read to its end, though its cursor is open');
rows($two, 'ROLLBACK');
rows($one, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK57'");
my @kept = rows($two, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK57'; FETCH ALL FROM c");
ok(saves($two, 2, $kept[0]), '… out of the cache too');
rows($two, 'ROLLBACK');
$_->quit for $one, $two;
$node->sound('afterwards');
$node->stop;
done_testing();
