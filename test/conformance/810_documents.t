# documents: lpr at vendors that are what their documents say, and no more: what it sends is refused nowhere, and every form that a document has is taken.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use JSON::PP;
use POSIX qw(strftime);
use Test::More;

my $node = LprLab->start_staged('documents');
my ($session) = $node->session('analyst1');
my @names = sort keys %dialect;

# A source of the dialect that a test source has, at a vendor of its own name.
sub source
{
	my ($name, $its, %given) = @_;
	$node->put_secret("${name}_key", $given{secret} // $dialect{$its}{secret});
	$node->add_source($name, $dialect{$its}{name}, secret => "${name}_key", options => $given{options} // {});
	return;
}
sub set { my (%new) = @_; return $node->vendor('POST', '/control/settings', \%new) }
sub ask { return $node->converse($session, $_[0]) }
sub outcome { my ($name) = @_; return $node->told($session)->{$name}{outcome} }
sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($_[0])) }
my ($from, $until) = (iso(time - 4.5 * 365 * 86400), iso(time - 20 * 86400));
my $window = "captured_at BETWEEN '$from' AND '$until'";
sub usable { my ($vendor, %more) = @_; return $node->vendor_truth(vendor => $vendor, plate => '7ABC123', from => $from, until => $until, %more)->{usable} }
sub count { my ($source, $plate) = @_; return (ask("SELECT count(*) FROM lpr.reads WHERE source = '$source' AND plate = '" . ($plate // '7ABC123') . "' AND $window"))[0] }

# Requests that were refused, in words.
sub refused { return map { "$_->{vendor}: $_->{method} $_->{path} $_->{body}: $_->{status} $_->{refusal}" } grep { $_->{status} >= 400 } $node->vendor_log(@_) }

like(HTTP::Tiny->new->post("$node->{vendor_url}/control/faults", { content => '[]' })->{content}, qr/faults are the simulator's/, 'this is not the simulator');
source($_, $_) for @names;
my %cameras; # of vendors that are asked camera by camera: those that saw the plate
for my $name (such { $_->{needs_register} })
{
	$node->add_source("${name}_eyes", 'lpr-v1', url => $node->vendor_base($name, 'lpr-v1'), secret => 'lpr_key');
	$cameras{$name} = [ split /\n/, $node->answer('analyst1', "SELECT camera_id FROM lpr.reads WHERE source = '${name}_eyes' AND plate = '7ABC123' AND $window GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 4") ];
	$node->register_cameras($name, $name, @{ $cameras{$name} });
}

# ---- every kind of question, and nothing of it is refused ----

$node->vendor_forget;
my $all = join ', ', map { "'$_'" } @names;
my @questions = (
	"plate = '7ABC123' AND $window", "plate IN ('7ABC123', '7A8C123') AND $window", "plate = '7ABC123' AND plate_region = 'CA'", "plate = 'BULK70'",
	"plate = '7ABC123' AND lpr.distance_m(latitude, longitude, 32.5438, -117.0294) <= 300", "plate = '7ABC123' AND lpr.distance_m(latitude, longitude, 32.5438, -117.0294) <= 100000",
	"plate = '7ABC123' AND captured_at >= now() - interval '1 second'", "plate = '7ABC123' AND captured_at < now() - interval '59 months'");
for my $question (@questions)
{
	ask("SELECT count(*) FROM lpr.reads WHERE source IN ($all) AND $question");
	ask("SELECT captured_at FROM lpr.reads WHERE source IN ($all) AND $question ORDER BY captured_at LIMIT 3");
	ask("SELECT captured_at FROM lpr.reads WHERE source IN ($all) AND $question ORDER BY captured_at DESC LIMIT 3");
}
ask("SELECT count(*) FROM lpr.reads WHERE source IN ($all) AND plate = '7ABC123' AND plate_region = '$_'") for qw(AL DC PR GU WY);
for my $name (such { $_->{location} })
{
	ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND lpr.distance_m(latitude, longitude, 32.5438, -117.0294) <= 3000 AND captured_at > now() - interval '9 days'");
}
for my $name (such { $_->{vehicle} })
{
	ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND make = 'TOYOTA' AND lpr.distance_m(latitude, longitude, 32.5438, -117.0294) <= 3000 AND captured_at > now() - interval '9 days'");
}
cmp_ok(scalar $node->vendor_log, '>', 100, 'questions of all kinds went out');
is_deeply([ refused() ], [], '… and the documents have each of them');

# ---- images ----

for my $name (such { @{ $_->{images} } })
{
	$node->vendor_forget;
	my @columns = @{ $dialect{$name}{images} };
	my ($out, $err) = ask('SELECT ' . join(', ', map { "count($_), count(DISTINCT $_)" } @columns)
		. ", count(*) FROM lpr.images WHERE source = '$name' AND plate = '7ABC123' AND captured_at > now() - interval '400 days'");
	my @counts = split /\|/, $out;
	my $rows = pop @counts;
	cmp_ok($rows, '>', 2, "$name: some reads");
	is_deeply(\@counts, [ ($rows) x @counts ], "… and each has its @columns") or diag($err);
	is_deeply([ refused() ], [], '… which were asked for as documented');
	for my $column (@columns)
	{
		my ($kind) = $column =~ /^(\w+)_image$/;
		my ($words) = ask("SELECT bool_and(position('$kind' IN encode($column, 'escape')) > 0) FROM lpr.images WHERE source = '$name' AND plate = '7ABC123' AND captured_at > now() - interval '400 days'");
		is($words, 't', "$name: the image is that of the $kind");
	}
}

# ---- sign-in ----

for my $name (@names)
{
	source("${name}_locked", $name, secret => 'guess');
	$node->register_cameras("${name}_locked", $name, @{ $cameras{$name} }) if $cameras{$name};
	my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_locked' AND plate = '7ABC123' AND $window");
	like($err, qr/ERROR: .*HTTP status 40[13]\nDETAIL:  The vendor says: .*\nHINT: .*secret/, "$name: a bad secret is an error that says so");
}
$node->put_secret('flock_key', $dialect{flock}{secret});
$node->add_source('flock_search', 'flock-v3', secret => 'flock_key', options => { audience => 'search' });
my (undef, $audience) = ask("SELECT count(*) FROM lpr.reads WHERE source = 'flock_search' AND plate = '7ABC123' AND $window");
like($audience, qr/Invalid or missing audience.*HINT: .*audience/s, "flock: another's audience is an error that names the option");

# A token that ends between two pages.
for my $name (such { $_->{signs_in} })
{
	source("${name}_short", $name, options => { page_size => 20 });
	$node->register_cameras("${name}_short", $name, @{ $cameras{$name} }) if $cameras{$name};
	my $rows = count("${name}_short");
	cmp_ok($rows, '>', 10, "$name: pages");
	set(token_uses => $cameras{$name} ? 1 + @{ $cameras{$name} } : 2, forget_tokens => 1); # those of a camera each are asked side by side
	$node->vendor_forget;
	is(count("${name}_short"), $rows, "$name: tokens that end between pages cost no read");
	is(outcome("${name}_short"), 'complete', '… nor is anything told');
	cmp_ok(scalar(grep { $_->{status} == 401 } $node->vendor_log), '>', 0, '… and they did end');
	set(token_uses => 0);
}

# ---- pages ----

set(verkada_tokens => 'text');
$node->vendor_forget;
my $rows = count('verkada_short');
set(verkada_tokens => 'integer');
cmp_ok(scalar $node->vendor_log(class => 'page'), '>', 0, 'verkada: page tokens that are texts');
is($rows, count('verkada_short'), '… lead to the same reads');
is_deeply([ refused() ], [], '… and come back as they were');

set(parkpow_list => 'array');
is(count('parkpow'), usable('parkpow'), 'parkpow: a list without pages, as its document shows it');
set(parkpow_list => 'object', parkpow_visits => 'two');
is(count('parkpow'), usable('parkpow'), 'parkpow: both ends of visits');
my ($ends) = ask("SELECT count(*) FILTER (WHERE read_id LIKE '%:end'), count(*) > count(DISTINCT camera_id) FROM lpr.reads WHERE source = 'parkpow' AND plate = '7ABC123' AND $window");
like($ends, qr/^[1-9]\d*\|t$/, '… of which some end later');
set(parkpow_visits => 'one', parkpow_images => 'bare');
is((ask("SELECT count(vehicle_image) > 0 FROM lpr.images WHERE source = 'parkpow' AND plate = '7ABC123' AND captured_at > now() - interval '400 days'"))[0], 't',
	'parkpow: links to images without a scheme, as its document has them');
set(parkpow_images => 'whole');

# ---- what a document lets a vendor leave out ----

set(sparse => JSON::PP::true);
for my $name (@names)
{
	my $expected = $cameras{$name} ? 0 : usable($name);
	$expected += usable($name, camera => $_) for @{ $cameras{$name} // [] };
	is(count($name), $expected, "$name: what its document does not require may be missing");
	my $told = $node->told($session)->{$name};
	is_deeply($told->{odd_value}, {}, '… and is not told as odd');
	is($told->{dropped}{malformed} // 0, 0, '… nor as malformed');
}
set(sparse => JSON::PP::false);
set(rekor_zone => 'none');
is(count('rekor'), usable('rekor'), 'rekor: ISO 8601 without a zone');
set(rekor_zone => 'told');

# ---- errors ----

my %documented = ('flock-v3' => [ 400, 403, 422, 429 ], 'rekor-scout-v2' => [400], 'parkpow-v1' => [ 403, 429 ], 'verkada-v1' => [ 400, 403, 404, 429 ],
	'verkada-v2' => [ 400, 403, 404, 429 ], 'lpr-v1' => [ 400, 403, 422, 429, 503 ]);
for my $name (@names)
{
	source("${name}_patient", $name, options => { retries => 2, retry_time => 20000 });
	$node->register_cameras("${name}_patient", $name, @{ $cameras{$name} }) if $cameras{$name};
	my $good = count("${name}_patient");
	for my $status (@{ $documented{ $dialect{$name}{name} } })
	{
		set(fail_status => $status);
		my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_patient' AND plate = '7ABC123' AND $window");
		if ($status == 429 || $status == 503) { is($out, $good, "$name: $status passes") or diag($err) }
		else { like($err, qr/ERROR: .*HTTP status $status\nDETAIL:  The vendor says: \w/, "$name: $status is an error in the vendor's words") }
	}
	is(count("${name}_patient"), $good, "$name: and then all is well");
}

# ---- limits ----

source('flock_limited', 'flock', options => { page_size => 10, retry_time => 20000 });
set(flock_per_second => 2);
$node->vendor_forget;
is(count('flock_limited'), usable('flock_limited'), 'flock: a limit per second, of which nothing is told but 429, is outlived');
cmp_ok(scalar(grep { $_->{status} == 429 } $node->vendor_log), '>', 0, '… and was met');
set(flock_per_second => 0);

$session->quit;
$node->stop;
done_testing();
