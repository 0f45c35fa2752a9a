# dialects: each of the five against the simulator's truth: what comes, in which canonical form, and what exactly goes out.
use strict;
use warnings;
use LprTest;
use JSON::PP;
use List::Util qw(sum0);
use POSIX qw(ceil strftime);
use Test::More;

my $node = LprTest->start_staged('dialects');
$node->log_analysts;
my %dialects = @LprTest::dialects;
my @names = sort keys %dialects;

# The vendors once more in lpr-v1, whose reads are canonical but for the plate: every vendor of the simulator speaks every dialect.
$node->add_dialects('');
$node->add_source("${_}_eyes", 'lpr-v1', url => $node->vendor_base($_, 'lpr-v1'), secret => 'lpr_key') for @names;

sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($_[0])) }
my ($from, $until) = (iso(time - 4.5 * 365 * 86400), iso(time - 20 * 86400));
my $window = "captured_at BETWEEN '$from' AND '$until'";
my $month = iso(time - 50 * 86400);
my $in_month = "captured_at BETWEEN '$month' AND '$until'";

my ($session) = $node->session('analyst1');
sub ask { return $node->converse($session, $_[0]) }
sub told { return $node->told($session)->{ $_[0] } }
sub truth { return $node->vendor_truth(from => $from, until => $until, @_) }

# ---- the same reads as the truth ----

# Three plates: one that was seen abroad and where nobody knows, one of a border commuter, one that fills pages.
my ($border) = map { $_->{plate} } @{ $node->vendor('GET', '/control/plates?kind=border&n=1') };
my @plates = ('7ABC123', $border, 'BULK2300');

# A vendor that names no places knows those of its register only: cameras that saw the plate, abroad ones among them.
my (@registered) = $node->register_cameras('verkada', 'verkada', split /\n/,
	$node->answer('analyst1', "SELECT DISTINCT camera_id FROM lpr.reads WHERE source = 'verkada_eyes' AND plate = '7ABC123'"));
push @registered, $node->register_cameras('verkada', 'verkada',
	map { $_->{id} } grep { ($_->{country} // '') ne 'US' && defined $_->{latitude} } @{ $node->vendor('GET', '/control/cameras?vendor=verkada') });
my %registered = map { $_->{id} => $_ } @registered;
my @own = values %registered;

for my $name (@names)
{
	for my $plate (@plates)
	{
		my %expected = (usable => 0, abroad => 0, unknown_place => 0);
		# What its register does not have, verkada is not asked for.
		for my $camera ($name eq 'verkada' ? @own : {})
		{
			my $truth = truth(vendor => $name, plate => $plate, $camera->{id} ? (camera => $camera->{id}) : ());
			$expected{$_} += $truth->{$_} for keys %expected;
		}
		my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '$plate' AND $window");
		is($out, $expected{usable}, "$name: reads of $plate are those of the truth ($expected{usable})");
		cmp_ok($out, '>', 0, '… and there are some') if $plate eq '7ABC123';
		my $told = told($name);
		my %dropped = map { $_ => 0 + ($told->{dropped}{$_} // 0) } qw(abroad unknown_place);
		is_deeply(\%dropped, { abroad => $expected{abroad}, unknown_place => $expected{unknown_place} },
			"… and so are those from abroad ($expected{abroad}) and from nowhere ($expected{unknown_place})");
		is($told->{outcome}, 'complete', '… and that was all');
		is($told->{received} - $told->{reads}, sum0(values %{ $told->{dropped} }), '… and the counts add up');
	}
	is((ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = 'QQQQ0000'"))[0], 0, "$name: none of a plate that nobody has");
}

# Identifiers, where a vendor has any: each read that it should show, once.
my %id = (lpr => 'read_id', flock => 'read_id', rekor => "right(read_id, 16)");
for my $name (sort keys %id)
{
	my ($out) = ask("SELECT json_agg(id ORDER BY id) FROM (SELECT $id{$name} FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window) AS r (id)");
	is_deeply(decode_json($out), [ sort @{ truth(vendor => $name, plate => '7ABC123', ids => 1)->{ids} } ], "$name: read by read");
}

# Without a window of one's own: five years, no more.
for my $name (grep { $_ ne 'verkada' } @names)
{
	my $truth = $node->vendor_truth(vendor => $name, plate => '7ABC123');
	cmp_ok($truth->{older}, '>', 0, "$name: there are older reads");
	is((ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123'"))[0], $truth->{usable}, '… which do not come');
}

# Look-alikes are other plates, and so is nothing else.
for my $name (grep { $_ ne 'verkada' } @names)
{
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7A8C123' AND $window");
	is($out, truth(vendor => $name, plate => '7A8C123')->{usable}, "$name: the look-alike has its own reads");
}

# Several plates in one question: a list where the dialect takes one, else a request a plate.
for my $name (grep { $_ ne 'verkada' } @names)
{
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = ANY ('{7ABC123,7A8C123,$border,QQQQ0000}') AND $in_month");
	my $expected = $node->vendor_truth(vendor => $name, plate => "7ABC123,7A8C123,$border,QQQQ0000", from => $month, until => $until)->{usable};
	is($out, $expected, "$name: a list of plates");
	is(scalar $node->vendor_log(vendor => $name, class => 'search'), $name eq 'lpr' ? 1 : 4, '… in as many questions as it takes');
}

# The state of registration, where the vendor tells it; where not, it is not guessed.
for my $name (@names)
{
	my ($out) = ask("SELECT coalesce(string_agg(DISTINCT coalesce(plate_region, '-'), ' ' ORDER BY coalesce(plate_region, '-')), '') FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window");
	is($out, { lpr => 'CA NV', flock => 'CA NV' }->{$name} // '-', "$name: regions");
}
for my $name (qw(lpr flock))
{
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND plate_region = 'CA' AND $window");
	is($out, truth(vendor => $name, plate => '7ABC123', region => 'CA')->{usable}, "$name: of one region");
	like(($node->vendor_log(vendor => $name, class => 'search'))[0]{body}, $name eq 'lpr' ? qr/"region":"CA"/ : qr/"state":"california"/, '… which the vendor is asked for');
}

# ---- canonical values ----

# Column by column the same as in lpr-v1, in a session whose time zone is far from the vendors'.
$session->query("SET TimeZone = 'Asia/Tokyo'");
my %column = (
	plate => [@names], "date_trunc('second', captured_at)" => [@names], captured_at => [qw(flock rekor parkpow)],
	'round(latitude::numeric, 6)' => [@names], 'round(longitude::numeric, 6)' => [@names],
	'round(confidence::numeric, 3)' => [qw(flock rekor parkpow)], plate_as_read => [@names], country => [@names], recent => [@names],
	plate_region => ['flock'], camera_id => [qw(flock parkpow verkada)], camera_owner => [qw(flock verkada)]);
for my $name (@names)
{
	my $columns = join ', ', grep { grep { $_ eq $name } @{ $column{$_} } } sort keys %column;
	my $cameras = join ',', map { "'$_'" } sort keys %registered;
	my $eyes = "source = '${name}_eyes'" . ($name eq 'verkada' ? " AND camera_id IN ($cameras)" : '');
	for my $pair ([ "source = '$name'", $eyes ], [ $eyes, "source = '$name'" ])
	{
		my ($out, $err) = ask("SELECT count(*) FROM (SELECT $columns FROM lpr.reads WHERE $pair->[0] AND plate = '7ABC123' AND $window "
			. "EXCEPT ALL SELECT $columns FROM lpr.reads WHERE $pair->[1] AND plate = '7ABC123' AND $window) AS d");
		is($out, 0, "$name: the same values as in lpr-v1") or diag($err);
	}
}
$session->query('RESET TimeZone');

# And lpr-v1 itself against the vendor's cameras and the shape of every value.
my $cameras = $node->vendor('GET', '/control/cameras?vendor=lpr');
my %camera = map { $_->{id} => $_ } @$cameras;
my $strange = 0;
for my $read (@{ decode_json((ask("SELECT json_agg(r) FROM (SELECT * FROM lpr.reads WHERE source = 'lpr' AND plate = '7ABC123' AND $window) AS r"))[0]) })
{
	my $its = $camera{ $read->{camera_id} };
	my ($owner, $type, $address) = ($read->{camera_owner}, $read->{camera_type}, $read->{address});
	$strange++ unless $its && $its->{country} eq 'US' && $its->{latitude} == $read->{latitude} && $its->{longitude} == $read->{longitude}
		&& $its->{owner} eq $owner && $its->{type} eq $type && $its->{address} eq $address;
	$strange++ unless $read->{plate} eq '7ABC123' && $read->{plate_as_read} =~ /^7abc[- ]?123$/i && $read->{plate_region} =~ /^[A-Z]{2}$/
		&& $read->{confidence} >= 0.7 && $read->{confidence} < 1 && $read->{make} =~ /^[A-Z]+$/ && $read->{model} eq uc $read->{model}
		&& $read->{color} =~ /^[A-Z]+$/ && $read->{country} eq 'US' && $read->{matched_how} eq 'exact';
}
is($strange, 0, 'lpr: every read stands at its camera and has canonical values');
for my $name (@names)
{
	is((ask("SELECT bool_and(plate ~ '^[A-Z0-9]+\$' AND coalesce(plate_region ~ '^[A-Z]{2}\$', true) AND coalesce(confidence BETWEEN 0 AND 1, true) "
			. "AND country = 'US' AND latitude BETWEEN 24 AND 50 AND longitude BETWEEN -125 AND -66 AND captured_at BETWEEN '$from' AND '$until' "
			. "AND NOT from_cache AND fetched_at > now() - interval '1 hour') FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window"))[0],
		't', "$name: canonical values");
	my ($written) = ask("SELECT count(DISTINCT plate_as_read) > 1 FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window");
	is($written, 't', '… though the vendor writes plates in several ways');
}

# ---- logins and registers are kept ----

for my $name (qw(flock verkada))
{
	my ($fresh) = $node->session('analyst1');
	my $question = "SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $in_month";
	my $logins = sub { return scalar $node->vendor_log(vendor => $name, class => 'login') };
	my $refused = sub { return scalar grep { $_->{status} == 401 } $node->vendor_log(vendor => $name) };

	$node->vendor_forget;
	my ($count) = $node->converse($fresh, $question);
	$node->converse($fresh, $question) for 1 .. 3;
	is($logins->(), 1, "$name: one login for four statements");

	$node->vendor('POST', '/control/settings', { forget_tokens => 1 });
	is(($node->converse($fresh, $question))[0], $count, "$name: a token that ended early costs nothing");
	is($logins->(), 2, '… but one more login');
	cmp_ok($refused->(), '>=', 1, '… after the vendor refused it');
	is(($node->converse($fresh, $question))[0], $count, '… and the new one holds');
	is($logins->(), 2, '… and is kept');

	# The token of 31 seconds is renewed half a minute before its end, without being refused first.
	if ($name eq 'flock')
	{
		$node->vendor('POST', '/control/settings', { flock_token_seconds => 31, forget_tokens => 1 });
		$node->converse($fresh, $question);
		$node->vendor_forget;
		ok(LprTest::eventually(sub { $node->converse($fresh, $question); $logins->() > 0 }), 'flock: a token near its end is renewed');
		is($refused->(), 0, '… before the vendor refuses it');
		$node->vendor('POST', '/control/settings', { flock_token_seconds => 86400, forget_tokens => 1 });
	}
	$fresh->quit;
}
{
	my ($fresh) = $node->session('analyst1');
	$node->vendor_forget;
	$node->converse($fresh, "SELECT count(*) FROM lpr.reads WHERE source = 'rekor' AND plate = '7ABC123' AND $in_month") for 1 .. 3;
	is(scalar $node->vendor_log(vendor => 'rekor', class => 'cameras'), 1, 'rekor: one look at the register for three statements');
	$fresh->quit;
}

# ---- pages ----

# The vendor's reads of the plate (usable or not), page size => the sizes of the pages that have to come.
sub pages
{
	my ($total, $size) = @_;
	my @sizes = ($size) x int($total / $size);
	push @sizes, $total % $size if $total % $size || !@sizes;
	return \@sizes;
}

$node->add_dialects('_paged', page_size => 20);
$node->add_dialects('_default');
for my $case ([ 'lpr', 'paged', 20 ], [ 'flock', 'paged', 20 ], [ 'parkpow', 'paged', 50 ],
	[ 'lpr', 'default', 1000 ], [ 'flock', 'default', 50 ], [ 'parkpow', 'default', 50 ])
{
	my ($name, $suffix, $size) = @$case;
	my $plate = $size == 1000 ? 'BULK2300' : '7ABC123';
	my $truth = truth(vendor => $name, plate => $plate);

	$node->vendor_forget;
	is((ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_$suffix' AND plate = '$plate' AND $window"))[0], $truth->{usable}, "$name: all of it in pages of $size");
	my @log = grep { $_->{class} ne 'login' } $node->vendor_log(vendor => $name);
	is_deeply([ map { $_->{reads} } @log ], pages($truth->{total}, $size), '… of that size and no more of them than needed');
	is_deeply([ map { $_->{class} } @log ], [ 'search', ('page') x $#log ], '… each asked for once');
	my $told = told("${name}_$suffix");
	is($told->{pages}, scalar @log, '… and counted');
	my $all = $node->vendor_log(vendor => $name);
	is($told->{requests}, $all, '… as are the requests');
}

# verkada pages camera by camera, over the cameras of the register and no others.
for my $case ([ 'paged', 20 ], [ 'default', 200 ])
{
	my ($suffix, $size) = @$case;
	my @some = grep { truth(vendor => 'verkada', plate => '7ABC123', camera => $_->{id})->{total} > 20 } @own;
	@some = (@some, grep { my $one = $_; !grep { $_ == $one } @some } @own)[0 .. 3];
	$node->register_cameras("verkada_$suffix", 'verkada', map { $_->{id} } @some);
	my %expected = map { $_->{id} => pages(truth(vendor => 'verkada', plate => '7ABC123', camera => $_->{id})->{total}, $size) } @some;

	$node->vendor_forget;
	ask("SELECT count(*) FROM lpr.reads WHERE source = 'verkada_$suffix' AND plate = '7ABC123' AND $window");
	my %pages;
	for my $request (grep { $_->{class} ne 'login' } $node->vendor_log(vendor => 'verkada'))
	{
		my ($id) = $request->{path} =~ /[?&]camera_id=(\w+)/;
		push @{ $pages{$id} }, $request->{reads};
		like($request->{path}, qr/[?&]page_size=$size(?:&|$)/, 'verkada: the page size') if @{ $pages{$id} } == 1;
	}
	is_deeply(\%pages, \%expected, "verkada: every registered camera and no other, in pages of $size");
}
is(scalar $node->vendor_log(vendor => 'verkada', class => 'cameras'), 0, "verkada: its own list of cameras is not asked for");

# rekor has no pages: the time is cut behind what came, until less than topn comes.
{
	my $truth = truth(vendor => 'rekor', plate => '7ABC123');
	$node->vendor_forget;
	my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = 'rekor_paged' AND plate = '7ABC123' AND $window");
	my @log = $node->vendor_log(vendor => 'rekor', class => 'search');
	is($out, $truth->{usable}, 'rekor: all of it in slices of topn');
	is_deeply([ map { /[?&]topn=(\d+)/ } map { $_->{path} } @log ], [ (20) x @log ], '… each asked with that topn');
	cmp_ok(scalar(@log), '>=', ceil($truth->{total} / 20), '… in several slices');
	cmp_ok(scalar(@log), '<=', ceil($truth->{total} / 19) + 1, '… that overlap by one read');
	my @ends = map { /[?&]end=([^&]+)/ } map { $_->{path} } @log;
	is_deeply(\@ends, [ sort { $b cmp $a } @ends ], '… each before the one before');
	my $told = told('rekor_paged');
	is($told->{outcome}, 'complete', '… and nothing is missing');
	is($told->{received}, $told->{reads} + sum0(values %{ $told->{dropped} }), '… and the counts add up');

	# Oldest first, the other way round.
	($out, $err) = ask("SELECT count(*), bool_and(ordered) FROM (SELECT captured_at >= lag(captured_at, 1, '-infinity') OVER () AS ordered FROM "
		. "(SELECT captured_at FROM lpr.reads WHERE source = 'rekor_paged' AND plate = '7ABC123' AND $window ORDER BY captured_at) AS r) AS o");
	is($out, "$truth->{usable}|t", 'rekor: oldest first');

	# One read a slice, which leads nowhere: more than topn of one moment cannot be told apart.
	$node->add_source('rekor_single', 'rekor-scout-v2', url => $node->vendor_base('rekor', 'rekor-scout-v2'), secret => 'rekor_key',
		options => { page_size => 1 });
	($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = 'rekor_single' AND plate = '7ABC123' AND $window");
	cmp_ok($out, '<=', 1, 'rekor: where the slices lead no further, what came is shown');
	like($err, qr/WARNING:  01004: source "rekor_single" has more reads than are shown/, '… and the rest is told');
	is(told('rekor_single')->{outcome}, 'cut', '… as cut');
}

# LIMIT asks for one small page.
for my $name (qw(lpr flock rekor))
{
	$node->vendor_forget;
	ask("SELECT plate FROM lpr.reads WHERE source = '$name' AND plate = 'BULK2300' AND $window ORDER BY captured_at DESC LIMIT 5");
	my @log = grep { $_->{class} =~ /search|page/ } $node->vendor_log(vendor => $name);
	is(scalar(@log), 1, "$name: LIMIT asks once");
	cmp_ok($log[0]{reads}, '<=', 10, '… for few');
	is(told($name)->{outcome}, 'stopped', '… and stops there');
}

# ---- places and vehicles ----

# Around a port of entry, with cameras abroad beyond it.
my ($port) = grep { $_->{port_of_entry} && $_->{region} eq 'CA' } @$cameras;
my ($lat, $lon, $radius) = ($port->{latitude}, $port->{longitude}, 3000);
my @near_verkada = grep { defined $_->{latitude} && ($_->{latitude} - $lat)**2 + ($_->{longitude} - $lon)**2 < 0.1**2 }
	@{ $node->vendor('GET', '/control/cameras?vendor=verkada') };
$node->register_cameras('verkada', 'verkada', map { $_->{id} } @near_verkada);
for my $name (qw(lpr rekor verkada))
{
	my $truth = $node->vendor_truth(vendor => $name, near => "$lat,$lon,$radius", from => $month, until => $until);
	my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius AND $in_month");
	cmp_ok($truth->{usable}, '>', 0, "$name: there are reads around the port");
	is($out, $truth->{usable}, '… and all of them come');
	is(told($name)->{dropped}{abroad} // 0, $truth->{abroad}, '… but for those from beyond it');
}
{
	my ($street) = $port->{address} =~ /^\d+ (.*)$/;
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = 'lpr' AND address ILIKE '%$street%' AND $in_month");
	is($out, $node->vendor_truth(vendor => 'lpr', address => $street, from => $month, until => $until)->{usable}, 'lpr: by the address of the camera');
	like(($node->vendor_log(vendor => 'lpr'))[0]{body}, qr/"address":"\Q$street\E"/, '… which the vendor is asked for');
	my $truth = $node->vendor_truth(vendor => 'lpr', make => 'Toyota', model => 'Camry', from => $month, until => $until);
	($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = 'lpr' AND make = 'TOYOTA' AND model = 'CAMRY' AND $in_month");
	is($out, $truth->{usable}, "lpr: by make and model ($out)");
}

# Who cannot be asked this way is passed over, and told.
my $all = join ', ', map { "'$_'" } @names;
for my $case ([ 'place', "lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius", qw(flock parkpow) ], [ 'vehicle', "make = 'TOYOTA'", qw(flock rekor parkpow verkada) ])
{
	my ($mode, $anchor, @not) = @$case;
	my %not = map { $_ => 1 } @not;
	$node->vendor_forget;
	my ($out, $err) = ask("SELECT string_agg(DISTINCT source, ' ' ORDER BY source) FROM lpr.reads WHERE source IN ($all) AND $anchor AND $in_month");
	is($out, join(' ', grep { !$not{$_} } @names), "by $mode: those answer that can");
	like($err, qr/NOTICE:  LP005: source "$_" cannot be asked by $mode$|NOTICE:  00000: source "$_" cannot be asked by $mode$/m, "… $_ is passed over, and told") for @not;
	is(told($_)->{outcome}, 'passed_over', "… $_: so says lpr.last_query()") for @not;
	is(scalar(grep { $not{ $_->{vendor} } } $node->vendor_log), 0, '… and nothing went there');
	($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$not[0]' AND $anchor AND $in_month");
	like($err, qr/^.*ERROR:  LP005: source "$not[0]" cannot be asked by $mode/m, '… alone it is an error');
}

# ---- what goes out, exactly ----

my %body_keys = (lpr => [qw(from order page_size plates until)], flock => [qw(caseNumber endDate limit plate reason sort startDate)]);
my %query_keys = (rekor => [qw(api_key end order plate start topn)], parkpow => [qw(end ordering page plate start)],
	verkada => [qw(camera_id end_time license_plate page_size start_time)]);
my %path = (lpr => '/lpr/lpr-v1/reads/search', flock => '/flock/flock-v3/api/v3/reads/lookup', rekor => '/rekor/rekor-scout-v2/api/search/plate',
	parkpow => '/parkpow/parkpow-v1/api/v1/visit-list/', verkada => '/verkada/verkada-v1/cameras/v1/analytics/lpr/images');

# An application name, an event, a role: none of it is the vendor's business (U7).
$session->query("SET application_name = 'case-2026-4711-smith'");
$node->own_event(990017);
$node->vendor_forget;
my ($out) = ask("SELECT count(*) FROM (SELECT source FROM lpr.reads WHERE source IN ($all) AND plate = '7ABC123' AND event_id = 990017 AND $in_month ORDER BY captured_at DESC) AS r");
my $told = $node->told($session);
my @log = $node->vendor_log;
my %reference = map { $_ => $told->{$_}{reference} } keys %$told;
is(scalar(keys %{ { reverse %reference } }), 5, 'each vendor has a reference of its own');
like($_, qr/^[0-9a-f]{32}-\d+-[0-9a-f]{16}$/, '… an opaque one') for values %reference;
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit AS a, lpr_data.log AS l WHERE a.kind = 'ask'
	AND format('%s-%s-%s', encode(l.id, 'hex'), a.number, left(encode(a.digest, 'hex'), 16)) IN ("
	. join(', ', map { "'$_'" } values %reference) . ')'), 5, '… that names the record of its ask');
unlike(encode_json(\@log), qr/990017|4711|smith|analyst|lpr_user|case-/i, 'no user, no event and no case goes out');
unlike($log[0]{user_agent} // '', qr/postgres|curl|[0-9]{4}/i, 'the user agent says little');
for my $name (@names)
{
	my ($request) = grep { $_->{vendor} eq $name && $_->{class} eq 'search' } @log;
	my ($path, $query) = split /\?/, $request->{path}, 2;
	my $body = $request->{body} eq '' ? undef : decode_json($request->{body});

	is($path, $path{$name}, "$name: the path");
	is($request->{method}, $body_keys{$name} ? 'POST' : 'GET', '… the method');
	is_deeply([ sort keys %{ $body // {} } ], $body_keys{$name} // [], '… the members of the body');
	is_deeply([ sort map { /^([^=]*)/ } split /&/, $query // '' ], $query_keys{$name} // [], '… the parameters of the query');
	is($request->{reference}, $name eq 'lpr' ? $reference{lpr} : undef, '… the reference in its header') if $name ne 'flock';
	is($body->{caseNumber}, $reference{flock}, '… the reference in the place of a case') if $name eq 'flock';
	is($body->{reason}, 'law enforcement', '… the reason') if $name eq 'flock';
	is($request->{authorization} ? 1 : 0, $name eq 'rekor' ? 0 : 1, '… the credential in a header, or none');

	# What lpr.last_query() shows is what went out, but for the secrets.
	my $sent = $told->{$name}{sent}[0];
	# (Cameras are asked side by side, and who is heard first is up to chance.)
	my @heard = map { "$_->{method} " . ($_->{path} =~ s/^\/$name\/[^\/]*//r =~ s/api_key=[^&]*&//r) . ($_->{body} ne '' ? " $_->{body}" : '') }
		grep { $_->{vendor} eq $name && $_->{class} eq 'search' } @log;
	is((grep { $_ eq $sent } @heard)[0] // $heard[0], $sent, '… and lpr.last_query() shows it');
	unlike($sent, qr/sim-|tok_/, '… without secrets');
}
for my $request (@log)
{
	my $text = encode_json([ @$request{qw(path body reference user_agent)} ]);
	my $own = { flock => 'login' }->{ $request->{vendor} } // '';
	next if $request->{class} eq $own || $request->{vendor} eq 'rekor';
	unlike($text, qr/sim-|tok_/, "$request->{vendor}: no secret in a URL or a body");
}
ask("SELECT count(*) FROM lpr.reads WHERE source = 'lpr' AND plate = '7ABC123' AND $in_month");
isnt(told('lpr')->{reference}, $reference{lpr}, 'the next statement has another reference');

# Images are asked for when their columns are.
$node->vendor_forget;
ask("SELECT plate, captured_at FROM lpr.reads WHERE source IN ($all) AND plate = '7ABC123' AND $in_month");
is(scalar $node->vendor_log(class => 'image'), 0, 'no image goes along unasked');

$session->quit;
is_deeply([ $node->leaks ], [], 'no secret in the server log');
$node->stop;
done_testing();
