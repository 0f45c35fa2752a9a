# faults of the answer: reads that answer another question, in the wrong order, and images that are none. What a vendor must not be able
# to slip in is dropped and counted by its reason; the good reads all come.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use JSON::PP;
use List::Util qw(sum0);
use Test::More;

my $node = LprLab->laboratory('rows');
my $lab = $node->{lab};
my $port = $node->{vendor_url} =~ /:(\d+)$/ ? $1 : die;

# ---- rows ----

my %reason = (other_plate => 'other_plate', look_alike => 'other_plate', abroad => 'abroad', unknown_place => 'unknown_place', contradiction => 'contradictory_place',
	too_old => 'older_than_five_years', future => 'in_the_future', outside_window => 'outside_window', duplicate_id => 'repeated');
# Where the vendor does not say the country, the place alone decides. Where a read says neither its place nor its name, what differs in those alone is
# the read beside it once more.
sub reason
{
	my ($name, $kind) = @_;
	my $its = $dialect{$name};
	return 'repeated' if !$its->{keys}{id} && $kind =~ /^(?:abroad|unknown_place|contradiction)$/;
	return $kind eq 'contradiction' && !$its->{says_country} ? 'abroad' : $reason{$kind};
}

for my $kind (sort keys %reason)
{
	for my $order (0, 1)
	{
		my @cases = map {
			{ source => $_, fault => { fault => 'wrong_rows', kind => $kind }, dropped => { reason($_, $kind) => 3 * $node->lab_replies($_, 'any') } } } @{ $lab->{names} };
		$node->trial(\@cases, name => "$kind" . ($order ? ', in order' : '') . ': each dialect', order => $order);
	}
}
# Many of them, more than there are good ones.
for my $kind (qw(other_plate abroad too_old duplicate_id))
{
	$node->trial([ map { { source => $_, fault => { class => 'search', fault => 'wrong_rows', kind => $kind, count => 300 },
		dropped => { reason($_, $kind) => 300 * $node->lab_replies($_, 'search') } } } @{ $lab->{names} } ], name => "three hundred of $kind");
}
# Nothing but wrong rows: an answer without reads, that says why.
for my $name (@{ $lab->{names} })
{
	my $drops = 5 * $node->lab_replies($name, 'search');
	$node->vendor_well;
	$node->vendor_faults({ vendor => $name, class => 'search', fault => 'wrong_rows', kind => 'other_plate', count => 5 });
	my ($out, $err) = $node->converse($lab->{session}, "SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = 'QQQQ0000' "
		. "AND captured_at BETWEEN '$lab->{from}' AND '$lab->{until}'");
	is($out, 0, "$name: to a question without an answer another one is none");
	like($err, qr/NOTICE:  00000: $drops reads were dropped: $drops of another plate/, '… and that is told');
	is($node->told($lab->{session})->{$name}{outcome}, 'complete', '… the answer is complete');
}
# Of another region, where the vendor is asked for one.
for my $name (such { $_->{takes_region} })
{
	my $drops = 3 * $node->lab_replies($name, 'any');
	$node->trial([ { source => $name, fault => { fault => 'wrong_rows', kind => 'other_region' }, dropped => { other_region => $drops } } ],
		where => "plate_region = '$lab->{region}'", name => "other_region: $name, which was asked for one");
	$node->trial([ { source => $name, fault => { fault => 'wrong_rows', kind => 'other_region' }, rows => $lab->{usable}{$name} + $drops } ],
		name => "other_region: $name, which was not");
}
# A place: what is asked is checked, whoever asks for it.
for my $name (such { $_->{location} && $_->{takes_near} })
{
	my ($camera) = grep { $_->{country} eq 'US' && $_->{type} eq 'fixed' } @{ $node->vendor('GET', "/control/cameras?vendor=$name") };
	my $anchor = "lpr.distance_m(latitude, longitude, $camera->{latitude}, $camera->{longitude}) <= 200";
	$node->make_places('lpr', "$camera->{latitude},$camera->{longitude}");
	my $good = "SELECT count(*) FROM lpr.reads WHERE source = '$name' AND $anchor AND captured_at BETWEEN '$lab->{from}' AND '$lab->{until}'";
	$node->vendor_well;
	my ($count) = $node->converse($lab->{session}, $good);
	for my $kind (qw(abroad contradiction unknown_place))
	{
		$node->vendor_faults({ vendor => $name, class => 'search', fault => 'wrong_rows', kind => $kind, count => 4 });
		my ($out) = $node->converse($lab->{session}, $good);
		is($out, $count, "$name: by place: $kind");
		is($node->told($lab->{session})->{$name}{dropped}{ reason($name, $kind) }, 4, '… is dropped as that');
		$node->vendor_well;
	}
}

# ---- order ----

# A vendor that does not keep the order that was asked for: an error of that source, or sorted here where the source says so.
for my $name (such { $_->{orders} })
{
	$node->trial([ { source => $name, fault => { class => 'search', fault => 'wrong_rows', kind => 'unordered' }, outcome => 'failed', state => 'HV00M',
		rows => sub { return $_[0] < $lab->{usable}{$name} }, dropped => 'any', message => qr/does not keep the order it was asked for/ } ],
		order => 1, name => "unordered: $name");
	$node->trial([ { source => $name, fault => { class => 'search', fault => 'wrong_rows', kind => 'unordered' }, rows => $lab->{usable}{$name} + 3 } ],
		name => "unordered, where no order was asked for: $name");
}
for my $name (@{ $lab->{names} })
{
	$node->vendor_well;
	$node->vendor_faults({ vendor => $name, class => 'search', fault => 'wrong_rows', kind => 'unordered' });
	for my $direction ('ASC', 'DESC')
	{
		my $sorted = $direction eq 'ASC' ? '>=' : '<=';
		my ($out, $err) = $node->converse($lab->{session}, "SELECT count(*), bool_and(sorted) FROM (SELECT coalesce(captured_at $sorted lag(captured_at) OVER (), true) AS sorted FROM ("
			. $node->lab_question([ "${name}_here", 'good' ]) . " ORDER BY captured_at $direction) AS r) AS s");
		is($out, $lab->{usable}{$name} + $lab->{usable}{good} + ($dialect{$name}{keys}{id} ? 3 : 0) . '|t', "$name: sorted here, $direction");
		is_deeply([ grep { $_->{level} eq 'WARNING' } LprTest::parse_messages($err) ], [], '… without complaint');
	}
}
$node->vendor_well;

# ---- images ----

my %images = map { my $its = $dialect{$_}; $_ => { map { $_ => 1 } @{ $its->{images} } } } keys %dialect; # which a read has
my @with_images = such { @{ $_->{images} } };

# Six reads with their images: how many came of each, how many images were told to be missing, and the messages.
sub images
{
	my ($source, $limit) = @_;
	my $png = "'\\x89504e470d0a1a0a'";
	my ($out, $err) = $node->converse($lab->{session}, "SELECT count(*), count(plate_image) FILTER (WHERE substr(plate_image, 1, 8) = $png),"
		. " count(vehicle_image) FILTER (WHERE substr(vehicle_image, 1, 8) = $png), count(plate_image) + count(vehicle_image) FROM ("
		. $node->lab_question($source, columns => 'plate_image, vehicle_image', from => 'lpr.images') . ' LIMIT ' . ($limit // 6) . ') AS r');
	my ($missing) = $err =~ /NOTICE:  00000: (\d+) images? could not be had/;
	my ($rows, $plate, $vehicle, $all) = split /\|/, $out;
	is($plate + $vehicle, $all, "$source: what is shown as an image is one");
	return { rows => $rows, plate => $plate, vehicle => $vehicle, missing => $missing // 0, err => $err };
}
sub is_images
{
	my ($got, $rows, $plate, $vehicle, $missing, $what) = @_;
	is("$got->{rows} $got->{plate} $got->{vehicle} $got->{missing}", "$rows $plate $vehicle $missing", $what) or diag($got->{err});
	is(($got->{err} =~ /WARNING|ERROR/) // '', '', '… and no warning, no error');
}
sub good_images { my ($name, $source) = @_; return is_images(images($source // $name), 6, (map { $images{$name}{$_} ? 6 : 0 } qw(plate_image vehicle_image)), 0, "$name: images come") }

# Good ones, and that no credential goes along.
$node->vendor_forget;
good_images($_) for @with_images;
my @asked = $node->vendor_log(class => 'image');
cmp_ok(scalar @asked, '>=', 6 * sum0(map { scalar keys %{ $images{$_} } } @with_images), 'the vendors were asked for them');
is(scalar(grep { $_->{authorization} } @asked), 0, '… without credentials');
unlike(join(' ', map { "$_->{path} " . ($_->{reference} // '') . " $_->{body}" } grep { !$dialect{ $_->{vendor} }{image_secret_in} } @asked), qr/sim-|tok_|api_key/,
	'… anywhere');
like($_->{path}, qr/[?&]$dialect{ $_->{vendor} }{image_secret_in}=/, "$_->{vendor}: but where the vendor wants the secret there")
	for grep { $dialect{ $_->{vendor} }{image_secret_in} } @asked;
is(scalar(grep { $_->{method} ne 'GET' } @asked), 0, '… and by GET');
is_images(images($_), 6, 0, 0, 0, "$_: it has none, and none is missing") for such { !@{ $_->{images} } };

# A bystander where redirects and links lead.
my $elsewhere = LprTest::bystander();
my $other = 'http://127.0.0.1:' . $elsewhere->sockport;

for my $name (@with_images)
{
	my $n = keys %{ $images{$name} };
	for my $case (
		[ 'not_image' ], [ 'expired' ], [ 'html' ], [ 'redirect', to => "$other/image" ], [ 'cut' ], [ 'truncated', at => 0 ], [ 'truncated', at => 6 ],
		(map { [ 'status', status => $_ ] } 401, 403, 404, 500, 503), [ 'rate_limit' ], [ 'rate_limit', retry_after => 3600 ],
		[ 'overlong', of => 'capped' ], [ 'overlong', length => JSON::PP::true, of => 'capped' ], [ 'gzip_bomb', of => 'capped' ], [ 'hang', of => 'hasty' ])
	{
		my ($fault, %given) = @$case;
		my $of = delete $given{of};
		my $source = $of ? "${name}_$of" : $name;
		my $rows = $fault eq 'hang' ? 3 : 6;

		$node->vendor_well;
		$node->vendor_faults({ vendor => $name, class => 'image', fault => $fault, %given });
		is_images(images($source, $rows), $rows, 0, 0, $rows * $n, "$name: image: $fault" . ($given{status} ? " $given{status}" : ''));
		is($node->told($lab->{session})->{$source}{outcome}, 'stopped', '… the source itself did not fail');
	}
	# What passes, and what does no harm.
	for my $case ([ 'delay', ms => 50 ], [ 'gzip' ], [ 'rate_limit', times => 2 ], [ 'cut', times => 1 ], [ 'status', status => 503, times => 1 ]) # time: late, not more
	{
		my ($fault, %given) = @$case;
		$node->vendor_well;
		$node->vendor_faults({ vendor => $name, class => 'image', fault => $fault, %given });
		good_images($name);
	}
	$node->vendor_well;
	good_images($name);
	is(scalar $lab->{session}->query('SELECT 1'), 1, '… in the same session');

	# Where failures are errors, a missing image is none: the read is what was asked for.
	$node->vendor_faults({ vendor => $name, class => 'image', fault => 'expired' });
	is_images(images("${name}_strict"), 6, 0, 0, 6 * $n, "$name: on_failure 'error'");
	$node->vendor_well;

	# Where the links are made here, they lead nowhere else.
	next if $dialect{$name}{image_secret_in};

	# Images at another origin: of a host that nobody named, and of one that is the same by another name.
	my $dialect = $dialect{$name}{name};
	for my $to ($other, "http://localhost:$port/$name/$dialect", "http://127.0.0.1:$port\@127.0.0.1:" . $elsewhere->sockport, 'https://vendor.example',
		"http://localhost:$port\\\\\@127.0.0.1", "http://127.0.0.1:$port.example")
	{
		$node->vendor_forget;
		$node->vendor_faults({ vendor => $name, fault => 'images_elsewhere', to => $to });
		is_images(images($name), 6, 0, 0, 6 * $n, "$name: no image from " . $to =~ s/\d{4,5}/PORT/gr);
		is(scalar $node->vendor_log(class => 'image'), 0, '… it is not even asked for');
		$node->vendor_well;
	}
	# What is no URL of the web is no image; the read is one.
	for my $to ('file:///etc/passwd', 'javascript:alert(1)', "http://127.0.0.1:$port/\x{e9}", "http://127.0.0.1:$port/ x")
	{
		$node->vendor_faults({ vendor => $name, fault => 'images_elsewhere', to => $to });
		my ($out, $err) = $node->converse($lab->{session}, $node->lab_question($name, columns => 'count(*), count(vehicle_image)', from => 'lpr.images'));
		is($out, "$lab->{usable}{$name}|0", "$name: no image from $to");
		is($node->told($lab->{session})->{$name}{odd_value}{vehicle_image}, $lab->{usable}{$name}, '… which is told');
		$node->vendor_well;
	}
	$node->safe_psql('lpr', "ALTER SERVER $name OPTIONS (ADD image_origins 'https://images.example http://localhost:$port')");
	$node->vendor_faults({ vendor => $name, class => 'search', fault => 'images_elsewhere', to => "http://localhost:$port/$name/$dialect" });
	$node->vendor_forget;
	good_images($name);
	@asked = $node->vendor_log(class => 'image');
	cmp_ok(scalar @asked, '>=', 6 * $n, '… from an origin that image_origins names');
	is(scalar(grep { $_->{authorization} } @asked), 0, '… without credentials there, too');
	$node->vendor_well;
	$node->vendor_faults({ vendor => $name, class => 'search', fault => 'images_elsewhere', to => $other });
	is_images(images($name), 6, 0, 0, 6 * $n, '… and from no other');
	$node->vendor_well;
	good_images($name);
}
ok(!LprTest::heard($elsewhere), 'nobody came to the other host');

$lab->{session}->quit;
is_deeply([ $node->leaks ], [], 'no secret in the server log');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
$node->stop;
done_testing();
