# refusals: the server that stands for the vendors' documents refuses what those do not have: a good request of each kind, and the same with one thing wrong.
use strict;
use warnings;
use HTTP::Tiny;
use JSON::PP;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

# The vendors without a database.
my $directory = PostgreSQL::Test::Utils::tempdir();
{

	package Vendors;
	our @ISA = ('LprTest');
	sub basedir { return $directory }
}
my $node = bless {}, 'Vendors';
$node->vendor_start;
my $http = HTTP::Tiny->new(timeout => LprTest::limit(), max_redirect => 0);
my %its = LprTest::simulated();
my ($dialect, $good); # that is asked now: the dialect; the request, a hash: line (method and path), headers, body

sub send_it
{
	my ($request) = @_;
	my ($method, $path) = split / /, $request->{line}, 2;
	my $reply = $http->request($method, "$node->{vendor_url}/acme/$dialect$path",
		{ headers => $request->{headers}, defined $request->{body} ? (content => $request->{body}) : () });
	return ($reply->{status}, $reply->{content});
}

# The good one is answered: with what.
sub serves
{
	my ($what) = @_;
	my ($status, $content) = send_it($good);
	is($status, 200, "$dialect: $what") or diag($content);
	return $content;
}

# One that differs, as a sub does to $_, is not: the status, and what is said.
sub refuses
{
	my ($what, $wanted, $words, $spoil) = @_;
	my $bad = { %$good, headers => { %{ $good->{headers} } } };
	local $_ = $bad;
	$spoil->();
	my ($status, $content) = send_it($bad);
	ok($status == $wanted && $content =~ $words, "$dialect refuses $what") or diag("$status $content");
	return;
}

# Members of a JSON body: their new values; undef takes one out.
sub members
{
	my (%new) = @_;
	return sub {
		my $body = decode_json($_->{body});
		defined $new{$_} ? ($body->{$_} = $new{$_}) : delete $body->{$_} for keys %new;
		$_->{body} = encode_json($body);
	};
}
sub text { my ($from, $to, $where) = @_; return sub { $_->{ $where // 'line' } =~ s/$from/$to/ or die "no $from" } }
sub header { my ($name, $value) = @_; return sub { defined $value ? ($_->{headers}{$name} = $value) : delete $_->{headers}{$name} } }

# ---- flock-v3 ----

$dialect = 'flock-v3';
$good = { line => 'POST /oauth/token', headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
	body => "grant_type=client_credentials&client_id=$its{$dialect}{client_id}&client_secret=$its{$dialect}{secret}&audience=com.flocksafety.integrations" };
my $token = decode_json(serves('a sign-in'))->{access_token};
refuses('a sign-in by JSON', 400, qr/must be application\/x-www-form-urlencoded/, sub { @$_{qw(headers body)} = ({ 'Content-Type' => 'application/json' }, '{}') });
refuses('… that only says it is a form', 400, qr/no form/, sub { $_->{body} = '{}' });
refuses('… without a grant', 400, qr/grant_type/, text('grant_type=client_credentials&', '', 'body'));
refuses('… with another secret', 401, qr/Client credentials invalid/, text('sim-flock-secret', 'guess', 'body'));
refuses('… with the audience of another', 403, qr/Invalid or missing audience/, text('com.flocksafety.integrations', 'search', 'body'));
refuses('… without one', 403, qr/Invalid or missing audience/, text('&audience=.*', '', 'body'));
refuses('… with what is not documented', 400, qr/unknown parameter: scope/, text('$', '&scope=all', 'body'));
refuses('… in a query', 400, qr/unknown parameter: a/, text('$', '?a=1'));
refuses('… by GET', 405, qr/no such route/, text('POST', 'GET'));

$good = { line => 'POST /api/v3/reads/lookup', headers => { 'Content-Type' => 'application/json', Authorization => "Bearer $token" },
	body => encode_json({ plate => '7ABC123', reason => 'test', startDate => '2022-01-01T00:00:00Z', endDate => '2036-01-01T00:00:00Z', limit => 2,
		sort => [ { field => 'capturedAt', order => 'desc' } ], state => 'california' }) };
my $page = decode_json(serves('a lookup'));
is_deeply([ sort keys %$page ], [qw(nextPageId results totalItems)], '… in the shape of the document');
refuses('a lookup without a token', 401, qr/"error": "The token/, header('Authorization'));
refuses('… with another', 401, qr/invalid/, header(Authorization => 'Bearer guess'));
refuses('… of another scheme', 401, qr/invalid/, header(Authorization => "Token $token"));
refuses('… that is no JSON', 400, qr/must be application\/json/, header('Content-Type' => 'text/plain'));
refuses('… with a member twice', 400, qr/no JSON/, text('^\{', '{"plate":"A",', 'body'));
refuses("… without $_", 422, qr/$_ is missing/, members($_ => undef)) for qw(plate reason startDate endDate);
refuses('… of so many reads', 422, qr/limit is out of range/, members(limit => 51));
refuses('… of none', 422, qr/limit is out of range/, members(limit => 0));
refuses('… of a number as text', 422, qr/limit is not of type number/, members(limit => '2'));
refuses('… of a state that the enum has not', 422, qr/state is not one/, members(state => 'district_of_columbia'));
refuses('… of a time without a zone', 422, qr/startDate is not a date-time/, members(startDate => '2022-01-01T00:00:00'));
refuses('… of another order', 422, qr/order is not one/, members(sort => [ { field => 'capturedAt', order => 'newest' } ]));
refuses('… of a radius below a mile', 422, qr/radius is out of range/, members(radius => { radius => { latitude => 32, longitude => -117, radius => 0.3 } }));
refuses('… of a radius that is not wrapped', 422, qr/not documented/, members(radius => { latitude => 32, longitude => -117 }));
refuses('… of what is not documented', 422, qr/make is not documented/, members(make => 'Toyota'));
$good = { line => "GET /api/v3/reads/lookup/page/" . $http->_uri_escape($page->{nextPageId}), headers => { Authorization => "Bearer $token" } };
serves('the next page');
refuses('a page that there is not', 422, qr/page ID/, text('page/.*', 'page/x'));
refuses('one without a token', 401, qr/invalid/, header('Authorization'));

# ---- rekor-scout-v2 ----

$dialect = 'rekor-scout-v2';
$good = { line => "GET /api/search/plate?api_key=$its{$dialect}{secret}&plate=7ABC123&start=2022-01-01T00:00:00Z&topn=2&order=desc", headers => {} };
my $first = decode_json(serves('a search'))->[0];
is_deeply([ sort keys %$first ], [qw(fields model pk)], '… in the shape of the document');
refuses('a search without a key', 401, qr/valid api_key/, text('api_key=[^&]*&', ''));
refuses('… with another', 401, qr/valid api_key/, text('sim-rekor-key', 'guess'));
refuses('… without a time', 400, qr/start or end/, text('&start=[^&]*', ''));
refuses('… with one that is none', 400, qr/start is not in ISO 8601/, text('2022-01-01T00:00:00Z', '1640995200'));
refuses('… with a topn that is none', 400, qr/topn/, text('topn=2', 'topn=all'));
refuses('… in another order', 400, qr/order/, text('desc', 'newest'));
refuses('… of what is not documented', 400, qr/unknown parameter: region/, text('$', '&region=CA'));
refuses('… with a parameter twice', 400, qr/twice: plate/, text('$', '&plate=A'));
my $fields = $first->{fields};
$good = { line => "GET /img/$fields->{agent_uid}/$fields->{best_uuid}?api_key=$its{$dialect}{secret}&x=1&y=2&width=3&height=4", headers => {} };
like(serves('an image'), qr/^\xff\xd8.*\Q$fields->{best_uuid}\E plate 1,2,3,4/s, '… cut');
refuses('an image without a key', 401, qr/valid api_key/, text('api_key=[^&]*&', ''));
refuses('… by a crop without names', 400, qr/unknown parameter: 1,2,3,4/, text('x=1.*', '1,2,3,4'));
refuses('… beyond the image', 400, qr/not within/, text('width=3', 'width=5000'));
refuses('… of another agent', 404, qr/not found/, text('/img/AG', '/img/AX'));

# ---- parkpow-v1 ----

$dialect = 'parkpow-v1';
$good = { line => 'GET /api/v1/visit-list/?plate=7ABC123&start=2022-01-01T00:00:00Z&end=2036-01-01T00:00:00&ordering=-start_date', headers => { Authorization => "Token $its{$dialect}{secret}" } };
my $list = decode_json(serves('a list'));
like($list->{next}, qr{^\Q$node->{vendor_url}\E/acme/parkpow-v1/api/v1/visit-list/\?.*page=2}, '… with a link to its next page');
refuses('a list without a token', 403, qr/"detail"/, header('Authorization'));
refuses('… by another scheme', 403, qr/"detail"/, header(Authorization => "Bearer $its{$dialect}{secret}"));
refuses('… of what is not documented', 400, qr/unknown parameter: license_plate/, text('plate=', 'license_plate='));
refuses('… of a time that is none', 400, qr/start: Enter/, text('2022-01-01T00:00:00Z', 'monday'));
refuses('… in another order', 400, qr/ordering/, text('-start_date', 'end_date'));
refuses('… beyond its pages', 404, qr/Invalid page/, text('$', '&page=999'));
refuses('… from another place', 404, qr/no such route/, text('visit-list/', 'visit-list'));
my ($path) = $list->{results}[0]{start_img} =~ /parkpow-v1(.*)/;
$good = { line => "GET $path", headers => {} };
serves('an image');
refuses('an image with a token', 400, qr/credential in the header Authorization/, header(Authorization => "Token $its{$dialect}{secret}"));
refuses('… of another signature', 403, qr/signature/, text('signature=.', 'signature=x'));
refuses('… for longer', 403, qr/signature/, text('expires=1', 'expires=2'));

# ---- verkada-v1 ----

$dialect = 'verkada-v1';
$good = { line => 'POST /token', headers => { 'x-api-key' => $its{$dialect}{secret} } };
$token = decode_json(serves('a sign-in'))->{token};
refuses('a sign-in without a key', 401, qr/"message": "Missing or Invalid API Key"/, header('x-api-key'));
refuses('… with a body', 400, qr/has no body/, sub { $_->{body} = '{}' });
my ($camera) = map { $_->{id} } @{ $node->vendor('GET', '/control/cameras?vendor=acme') };
$good = { line => "GET /cameras/v1/analytics/lpr/images?camera_id=$camera&start_time=1640995200&end_time=2082758400&page_size=1", headers => { 'x-verkada-auth' => $token } };
my $seen = decode_json(serves('a search'));
is_deeply([ sort keys %$seen ], [qw(camera_id detections next_page_token)], '… in the shape of the document');
refuses('a search without a token', 401, qr/API Token/, header('x-verkada-auth'));
refuses('… with the key', 400, qr/for the token only/, header('x-api-key' => $its{$dialect}{secret}));
refuses('… of no camera', 400, qr/missing: camera_id/, text('camera_id=[^&]*&', ''));
refuses('… of another', 404, qr/exist/, text($camera, 'cam'));
refuses('… of more than there may be', 400, qr/page_size is out of range/, text('page_size=1', 'page_size=201'));
refuses('… of a time in milliseconds with a point', 400, qr/start_time is not of type integer/, text('1640995200', '1640995200.5'));
refuses('… of what is not documented', 400, qr/unknown parameter: limit/, text('page_size', 'limit'));
$good->{line} .= "&page_token=$seen->{next_page_token}";
serves('the next page');
refuses('a page of another question', 400, qr/not one of this question/, text('1640995200', '1640995201'));
refuses('one that there is not', 400, qr/not one of this question/, text('page_token=.*', 'page_token=7'));

# ---- verkada-v2 ----

$dialect = 'verkada-v2';
$good = { line => 'POST /token', headers => { 'x-api-key' => $its{$dialect}{secret} } };
$token = decode_json(serves('a sign-in'))->{token};
$good = { line => 'POST /v2/cameras/ncic/license_plates/search', headers => { 'Content-Type' => 'application/json', 'x-verkada-auth' => $token },
	body => encode_json({ license_plate => '7ABC123', start_time => '2024-01-01T00:00:00Z', end_time => '2026-11-01T00:00:00Z', limit => 1 }) };
my $found = decode_json(serves('a search'));
is_deeply([ sort keys %$found ], [qw(cursor items)], '… in the shape of the document');
refuses('a search without a token', 401, qr/API Token/, header('x-verkada-auth'));
refuses("… without $_", 400, qr/$_ is missing/, members($_ => undef)) for qw(start_time end_time);
refuses('… of more than three years', 400, qr/3 years/, members(start_time => '2023-01-01T00:00:00Z'));
refuses('… of more than there may be', 400, qr/limit is out of range/, members(limit => 1001));
refuses('… of seconds', 400, qr/start_time is not of type string/, members(start_time => 1700000000));
refuses('… of two corners', 400, qr/geo_fence is too short/, members(geo_fence => [ ({ latitude => 32, longitude => -117 }) x 2 ]));
refuses('… of what is not documented', 400, qr/plate_state is not documented/, members(plate_state => 'CA'));
$good->{body} = encode_json({ %{ decode_json($good->{body}) }, cursor => $found->{cursor} });
serves('the next page');
refuses('a page of another question', 400, qr/not one of this question/, members(license_plate => '7A8C123'));

# ---- lpr-v1 ----

$dialect = 'lpr-v1';
$good = { line => 'POST /reads/search', headers => { 'Content-Type' => 'application/json', Authorization => "Bearer $its{$dialect}{secret}", 'X-Request-Reference' => 'a-1' },
	body => encode_json({ plates => ['7ABC123'], order => 'captured_at_desc', page_size => 2 }) };
my $reads = decode_json(serves('a search'));
is_deeply([ sort keys %$reads ], [qw(next reads)], '… in the shape of the document');
refuses('a search without a token', 401, qr/"code": "unauthorized"/, header('Authorization'));
refuses('… without a reference', 400, qr/X-Request-Reference is null/, header('X-Request-Reference'));
refuses('… with one of other characters', 400, qr/X-Request-Reference has not the form/, header('X-Request-Reference' => 'event 7'));
refuses('… for everything', 422, qr/plates, a place or a vehicle/, members(plates => undef));
refuses('… for plates in another form', 422, qr/normal form/, members(plates => ['7abc-123']));
refuses('… for too many', 422, qr/plates is too short or too long/, members(plates => [ map { "A$_" } 1 .. 1001 ]));
refuses('… of what is not documented', 422, qr/user is not documented/, members(user => 'smith'));
refuses('… of pages that large', 422, qr/page_size is out of range/, members(page_size => 1001));
refuses('… of a region that is a name', 422, qr/region has not the form/, members(region => 'California'));
$good->{body} = encode_json({ %{ decode_json($good->{body}) }, cursor => $reads->{next}, page_size => 5 });
serves('the next page, of another size');
refuses('a page of another question', 400, qr/not one of this question/, members(plates => ['7A8C123']));

$node->vendor_stop;
done_testing();
