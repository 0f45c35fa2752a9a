# cameras: sources that are asked camera by camera, and what becomes of them without cameras (Q11).
use strict;
use warnings;
use LprDialect;
use LprLab;
use Test::More;

my $node = LprLab->start_staged('cameras');
my ($session) = $node->session('analyst1');
my $plate = "FROM lpr.reads WHERE plate = '7ABC123'";
my $place = 'lpr.distance_m(latitude, longitude, 32.552, -117.042) < 2000';

# ---- no camera registered ----
for my $name (such { $_->{needs_register} })
{
	$node->add_source($name, $dialect{$name}{name});
	my ($out, $err) = $node->converse($session, "SELECT count(*) $plate AND source = '$name'");
	like($err, qr/ERROR: +LP007: source "$name" has no cameras\nDETAIL: +It is asked camera by camera.*\nHINT: +SELECT lpr\.add_camera\('$name', \.\.\.\);/,
		'without cameras the only source is an error');
	($out, $err) = $node->converse($session, "SELECT count(*) > 0 $plate AND source IN ('acme', '$name')");
	is($out, 't', '… and beside others it is passed over');
	is(scalar(() = $err =~ /NOTICE: +00000: source "$name" has no cameras\nHINT: +SELECT lpr\.add_camera/g), 1, '… with a notice');
	is($node->told($session)->{$name}{outcome}, 'passed_over', '… as lpr.last_query() tells');
	is($node->told($session)->{$name}{requests}, 0, '… and not even signed in to');
	($out, $err) = $node->converse($session, "SELECT count(*) FROM generate_series(1, 3) AS i, LATERAL (SELECT plate $plate AND source IN ('acme', '$name') AND i > 0 LIMIT 1) AS r");
	is(scalar(() = $err =~ /has no cameras/g), 1, '… once a statement');
	$node->register_cameras($name, $name);
	is(($node->converse($session, "SELECT count(*) > 0 $plate AND source = '$name'"))[0], 't', 'with cameras it is asked');
	($out, $err) = $node->converse($session, "SELECT count(*) FROM lpr.search_location(25.76, -80.19, 1) WHERE source = '$name'");
	unlike($err, qr/LP007|no cameras/, '… and a place where none of them stands is simply empty');
}

# ---- a vendor that hands over an empty register ----
for my $name (such { $_->{fetches_cameras} && $_->{location} })
{
	$node->add_source($name, $dialect{$name}{name});
	$node->vendor_faults({ vendor => $name, class => 'cameras', fault => 'status', status => 200, body => '[]' });
	my ($out, $err) = $node->converse($session, "SELECT count(*) FROM lpr.reads WHERE $place AND source = '$name'");
	like($err, qr/ERROR: +LP007: source "$name" has no cameras\nDETAIL: +For a place .* empty\.\nHINT: +Ask an administrator/, 'an empty register: an error alone');
	$node->answer('postgres', "ALTER SERVER $name OPTIONS (ADD retries '1')"); # what it knows of its cameras is forgotten
	($out, $err) = $node->converse($session, "SELECT count(*) > 0 FROM lpr.reads WHERE $place AND source IN ('acme', '$name')");
	is($out, 't', '… passed over beside others');
	is(scalar(() = $err =~ /NOTICE: +00000: source "$name" has no cameras/g), 1, '… with a notice');
	is($node->told($session)->{$name}{outcome}, 'passed_over', '… as lpr.last_query() tells');
	like(($node->converse($session, "SELECT count(*) > 0 $plate AND source = '$name'"))[1], qr/reads were dropped: \d+ from an unknown place/,
		'… and what a plate brings has no place, which is told');
	$node->vendor_well;
	$node->answer('postgres', "ALTER SERVER $name OPTIONS (SET retries '2')");
	is(($node->converse($session, "SELECT count(*) > 0 FROM lpr.reads WHERE $place AND source = '$name'"))[0], 't', 'with its register it is asked');
}

# ---- cameras that the administrator places: what they say goes before what the vendor says (Q4) ----
for my $name (such { !$_->{needs_register} && $_->{plate} && grep { $_ eq 'camera_id' } @{ $_->{tells} } })
{
	$node->add_source($name, $dialect{$name}{name});
	my $tells = "$plate AND source = '$name' AND NOT from_cache";
	my $dropped = sub {
		$node->converse($session, "SELECT count(*) $tells");
		return $node->told($session)->{$name}{dropped}{unknown_place} // 0;
	};
	my ($camera) = split /\n/, ($node->converse($session, "SELECT camera_id $tells GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"))[0];
	my $of = sub { ($node->converse($session, "SELECT DISTINCT concat_ws('|', latitude, longitude, place_certainty, address) $tells AND camera_id = '$camera'"))[0] };
	my $before = $of->();

	$node->answer('admin1', "SELECT lpr.add_camera('$name', '$camera', 33.5, -117.5, '1 Placed Road', region => 'CA')");
	is($of->(), '33.5|-117.5|point|1 Placed Road', "$name: a camera stands where the administrator placed it");
	$node->answer('admin1', "SELECT lpr.add_camera('$name', '$camera', 31.483039, -111.544363, '1 Placed Road', region => 'AZ')");
	is($of->(), '31.483039|-111.544363|border|1 Placed Road', '… at the port of Sasabe, a few metres beyond the line, as it says');
	$node->answer('admin1', "SELECT lpr.add_camera('$name', '$camera', address => '2 Street Only, San Diego', region => 'CA')");
	is($of->(), 'address|2 Street Only, San Diego', '… by its street address alone, without a point');
	$node->answer('admin1', "SELECT lpr.remove_camera('$name', '$camera')");
	is($of->(), $before, '… and where the vendor says when that is taken back');

	my $lost = $dropped->();
	my @lost = grep { !defined $_->{latitude} } @{ $node->vendor('GET', "/control/cameras?vendor=$name") };
	cmp_ok($lost, '>', 0, '… whose cameras without a place show nothing');
	my @by = (q{33.5, -117.5, region => 'CA'}, q{address => '2 Street Only, San Diego', region => 'CA'});
	$node->answer('admin1', "SELECT lpr.add_camera('$name', '$lost[$_]{id}', $by[$_ % 2])") for 0 .. $#lost;
	is($dropped->(), 0, '… until they are placed, by a point or an address');
}

$session->quit;
$node->stop;
done_testing();
