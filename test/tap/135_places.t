# places: by what a camera counts as in the United States, end to end: point, border, address; regions that say nothing; plates as they come (Q4, G1).
use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP;
use LprLab;
use POSIX;
use Test::More;

my $node = LprLab->start_staged('places', cache => 1);
my $then = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time - 3600));
my @cameras = (
	[ unknown => { latitude => 32.5432, longitude => -117.0296, country => 'US', region => 'Unknown' } ],
	[ na => { latitude => 32.5432, longitude => -117.0296, country => 'US', region => 'N/A' } ],
	[ usa => { latitude => 32.5432, longitude => -117.0296, country => 'US', region => 'CA, USA' } ],
	[ border => { latitude => 31.483039, longitude => -111.544363, country => 'US', region => 'Ariz.' } ],
	[ beyond => { latitude => 31.483039, longitude => -111.544363, country => 'US' } ],
	[ street => { country => 'US', region => 'Calif.', address => '500 Camino de la Plaza, San Ysidro' } ],
	[ nowhere => { country => 'US', region => 'CA' } ],
	[ mexico => { latitude => 32.53, longitude => -117.03, country => 'US', region => 'Baja California' } ]);

# A vendor of its own, which hands over these reads whatever it is asked.
sub page { my ($plate) = @_; return encode_json({ next => undef, reads => [ map { { id => $_->[0], plate => $plate, captured_at => $then, camera => { id => "c-$_->[0]", %{ $_->[1] } } } } @cameras ] }) }

my $socket = IO::Socket::INET->new(Listen => 10, LocalAddr => '127.0.0.1', ReuseAddr => 1) or die "no socket: $!";
my $vendor = fork // die "no process: $!";
if (!$vendor)
{
	while (my $client = $socket->accept)
	{
		my ($length, $body, $close) = (0, '', 0);
		while (defined(my $line = <$client>)) { $length = $1 if $line =~ /^content-length: *(\d+)/i; last if $line =~ /^\r?$/ }
		read $client, $body, $length;
		my $reply = page($body =~ /plates/ && $body =~ /\xC3\x91/ ? "n\x{303}an\x{303}\x{2013}123" : '7abc-123');
		print $client "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " . length($reply) . "\r\n\r\n$reply";
		close $client;
	}
	POSIX::_exit(0);
}
END { kill 'TERM', $vendor if $vendor }
$node->add_source('places', 'lpr-v1', url => 'http://127.0.0.1:' . $socket->sockport);

my ($session) = $node->session('analyst1');
my $shown = sub { ($node->converse($session, "SELECT string_agg(concat_ws(' ', read_id, place_certainty, latitude IS NULL), ', ' ORDER BY read_id) FROM $_[0] WHERE source = 'places'"))[0] };
my $all = 'border border f, na point f, street address t, unknown point f, usa point f';

is($shown->("lpr.search_plate('7ABC123')"), $all, 'point, border and address are inside, and told');
is_deeply($node->told($session)->{places}{dropped}, { abroad => 1, contradictory_place => 1, unknown_place => 1 }, '… the others are dropped for what they are');
is($shown->("lpr.search_plate('7ABC123')"), $all, '… out of the cache as well');
$node->make_targets('lpr', "\xC3\xB1A\xC3\x91123");
is($shown->("lpr.search_plate(U&'\\00F1A\\00D1123')"), $all, "the plate \xC3\xB1A\xC3\x91123 is the one that the vendor writes in parts, with a dash");
is($shown->("lpr.search_plate(E'7abc\\t123\\n')"), $all, 'a plate that was pasted');
is($shown->('lpr.search_location(32.5432, -117.0296, 1000)'), 'na point f, unknown point f, usa point f', 'who has no point is near none');
is($shown->("lpr.search_location(address => '500  CAMINO DE LA PLAZA')"), 'street address t', 'an address in other letters');

# ---- saved: with by what the place was known; of a camera without a point its address is the place, chosen or not (E3) ----

is($shown->("lpr.search_plate('7ABC123')"), $all, 'asked for the event');
is(($node->converse($session, "SELECT lpr.save(1, 'places', '{street,border,na}', 'Seen at the crossing where the subject met the courier twice.', 'person_of_interest')"))[0], 3, 'three reads are saved');
is(($node->converse($session, q{SELECT string_agg(concat_ws(' ', read_id, place_certainty, latitude IS NULL AND longitude IS NULL), ', ' ORDER BY read_id) FROM lpr.event_reads(1) WHERE source = 'places'}))[0],
	'border border f, na point f, street address t', '… and tell by what their place is known');
is(($node->converse($session, q{SELECT read_id, address, camera_id FROM lpr.event_reads(1) WHERE read_id IN ('street', 'border') ORDER BY read_id}))[0], "border||\nstreet|500 Camino de la Plaza, San Ysidro|",
	'what was placed by its address has that and no point, the others no address');

$session->quit;
$node->stop;
done_testing();
