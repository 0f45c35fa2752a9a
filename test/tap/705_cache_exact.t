# cache_exact: whatever is asked after whatever else, an answer out of the cache is the answer that the vendor would give.
use strict;
use warnings;
use LprTest;
use Test::More;

my $seed = $ENV{LPR_SEED} // time;
srand $seed;
note "LPR_SEED=$seed";
my $node = LprTest->start_staged('cache_exact', cache => 1);
my ($session) = $node->session('analyst1');
my @plates = map { $_->{plate} } @{ $node->vendor('GET', '/control/plates?kind=commuter&n=3') };
$node->make_targets('lpr', @plates);
my $hits = 0;
my @wrong;

sub pick { return $_[ rand @_ ] }

# A random question to one source or all; its times are days, so that the same are asked again and again.
sub question
{
	my @where = pick(
		map({ "plate = '$_'" } @plates, 'BULK300'), "plate IN ('$plates[0]', '$plates[1]')", "plate IN ('BULK300', '$plates[0]')",
		"make = 'TOYOTA' AND lpr.distance_m(latitude, longitude, 32.55, -117.04) <= 25000 AND captured_at > date_trunc('day', now()) - interval '3 days'",
		"lpr.distance_m(latitude, longitude, 32.55, -117.04) <= " . pick(500, 2000) . " AND captured_at > date_trunc('day', now()) - interval '5 days'");

	# Only acme can be asked by place and by vehicle.
	push @where, "source = '" . ($where[0] =~ /plate/ ? pick(qw(acme acme birdseye curbside)) : 'acme') . "'" if $where[0] !~ /plate/ || rand() < 0.9;
	push @where, "captured_at >= date_trunc('day', now()) - interval '" . pick(2, 30, 100, 700, 3000) . " days'" if rand() < 0.5;
	push @where, "captured_at < date_trunc('day', now()) - interval '" . pick(1, 20, 90, 600) . " days'" if rand() < 0.4;
	push @where, "(plate_region = 'CA' OR plate_region IS NULL)" if rand() < 0.3;
	push @where, "confidence > 0.8" if rand() < 0.2;
	push @where, "recent" if rand() < 0.2;
	return join ' AND ', @where;
}

# All columns that a read has of its own, in a text.
my $columns = "concat_ws('|', r.source, r.read_id, r.plate, r.plate_as_read, r.plate_region, r.captured_at, r.recent, r.latitude, r.longitude, r.address, r.camera_id, r.camera_owner, r.camera_type, r.make, r.model, r.color, r.confidence, r.matched_how, r.place_certainty, r.caveat, r.has_images)";

for my $round (1 .. 200)
{
	my $where = question();
	my $order = pick('', '', 'ORDER BY captured_at DESC', 'ORDER BY captured_at');
	my $limit = $order && rand() < 0.3 ? 'LIMIT ' . pick(1, 7, 50) : '';
	my $ask = sub {
		my ($more) = @_;
		my ($out, $err) = $node->converse($session, "SELECT count(*), count(*) FILTER (WHERE from_cache), md5(string_agg(x, E'\\n' ORDER BY "
				. ($limit ? 'captured_at' : 'x') . ")), coalesce(bool_and(in_order), true) FROM (SELECT from_cache, captured_at, "
				. ($limit ? 'captured_at::text' : $columns) . " AS x, "
				. ($order ? 'captured_at ' . ($order =~ /DESC/ ? '<=' : '>=') . ' lag(captured_at) OVER () IS NOT FALSE' : 'true') . " AS in_order FROM (SELECT * FROM lpr.reads WHERE $where$more $order $limit) AS r) AS s");

		return 0, 0, '', 't' if $err =~ /ERROR: +LP015/; # a window that nothing lies in
		$err =~ /(?:ERROR|WARNING): .*/ and push @wrong, "round $round: $where$more $order $limit: $&";
		return split /\|/, $out;
	};
	my ($rows, $kept, $digest, $sorted) = $ask->('');
	my ($fresh_rows, undef, $fresh_digest) = $ask->(' AND NOT from_cache');

	$hits++ if $kept;
	push @wrong, "round $round: $where $order $limit: $rows rows, $kept of them kept, not the $fresh_rows of the vendor"
		if $rows != $fresh_rows || ($digest // '') ne ($fresh_digest // '') || $sorted ne 't';
}
is(join("\n", @wrong), '', 'every answer is the vendor\'s') or diag "LPR_SEED=$seed";
cmp_ok($hits, '>', 30, "… $hits of 200 with reads out of the cache");
$session->quit;
done_testing();
