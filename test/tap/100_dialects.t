# dialects: each of them against the simulator's truth: what comes, in which canonical form, and what exactly goes out.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use JSON::PP;
use List::Util qw(sum0);
use POSIX qw(ceil strftime);
use Test::More;

my $node = LprLab->start_staged('dialects');
$node->log_analysts;
my @names = sort keys %dialect;

# What SQL tells of them.
for my $name (@names)
{
	my $its = $dialect{$name};
	is($node->answer('analyst1', "SELECT * FROM lpr.dialects() WHERE dialect = '$its->{name}'"),
		join('|', $its->{name}, (map { $its->{$_} ? 't' : 'f' } qw(plate location vehicle)), @$its{qw(plates_per_leg page_size)}, $its->{needs_register} ? 't' : 'f'),
		"$name: lpr.dialects()");
}

# The vendors once more in lpr-v1, whose reads are canonical but for the plate: every vendor of the simulator speaks every dialect.
$node->add_dialects('');
$node->add_source("${_}_eyes", 'lpr-v1', url => $node->vendor_base($_, 'lpr-v1'), secret => 'lpr_key') for @names;

sub iso { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($_[0])) }
my ($from_time, $until_time) = (int(time - 4.5 * 365 * 86400), time - 20 * 86400);
my ($from, $until) = (iso($from_time), iso($until_time));
my $window = "captured_at BETWEEN '$from' AND '$until'";
my $month = iso(time - 50 * 86400);
my $in_month = "captured_at BETWEEN '$month' AND '$until'";

my ($session) = $node->session('analyst1');
sub ask { return $node->converse($session, $_[0]) }
sub told { return $node->told($session)->{ $_[0] } }
sub truth { return $node->vendor_truth(from => $from, until => $until, @_) }

# What a request asks for under a name: a member of its body, or a parameter of its URL.
sub asked
{
	my ($request, $name) = @_;
	my ($value) = $request->{body} =~ /^\{/ ? decode_json($request->{body})->{$name} : $request->{path} =~ /[?&]\Q$name\E=([^&]*)/;
	return defined $value ? $value =~ s/%([0-9A-F]{2})/chr hex $1/ger : undef;
}

# ---- the same reads as the truth ----

# Three plates: one that was seen abroad and where nobody knows, one of a border commuter, one that fills pages.
my ($border) = map { $_->{plate} } @{ $node->vendor('GET', '/control/plates?kind=border&n=1') };
$node->make_targets('lpr', $border);
my @plates = ('7ABC123', $border, 'BULK2300');

# A vendor that names no places knows those of its register only: cameras that saw the plate, abroad ones among them.
my %registered; # of such a source: its cameras
for my $name (such { $_->{needs_register} })
{
	my @its = $node->register_cameras($name, $name, split /\n/,
		$node->answer('analyst1', "SELECT DISTINCT camera_id FROM lpr.reads WHERE source = '${name}_eyes' AND plate = '7ABC123'"));
	push @its, $node->register_cameras($name, $name,
		map { $_->{id} } grep { ($_->{country} // '') ne 'US' && defined $_->{latitude} } @{ $node->vendor('GET', "/control/cameras?vendor=$name") });
	my %its = map { $_->{id} => $_ } @its;
	$registered{$name} = [ map { $its{$_} } sort keys %its ];
}

for my $name (@names)
{
	for my $plate (@plates)
	{
		my %expected = (usable => 0, abroad => 0, unknown_place => 0);
		# What a register does not have is not asked for.
		for my $camera (@{ $registered{$name} // [ {} ] })
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

# Identifiers, where a vendor tells those of the truth: each read that it should show, once.
for my $name (such { $_->{id} })
{
	my ($out) = ask("SELECT json_agg(id ORDER BY id) FROM (SELECT $dialect{$name}{id} FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window) AS r (id)");
	is_deeply(decode_json($out), [ sort @{ truth(vendor => $name, plate => '7ABC123', ids => 1)->{ids} } ], "$name: read by read");
}

# Without a window of one's own: five years, no more.
for my $name (such { !$_->{needs_register} })
{
	my $truth = $node->vendor_truth(vendor => $name, plate => '7ABC123');
	cmp_ok($truth->{older}, '>', 0, "$name: there are older reads");
	is((ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123'"))[0], $truth->{usable}, '… which do not come');
}

# Look-alikes are other plates, and so is nothing else.
for my $name (such { !$_->{needs_register} })
{
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7A8C123' AND $window");
	is($out, truth(vendor => $name, plate => '7A8C123')->{usable}, "$name: the look-alike has its own reads");
}

# Several plates in one question: a list where the dialect takes one, else a request a plate.
for my $name (such { !$_->{needs_register} })
{
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = ANY ('{7ABC123,7A8C123,$border,QQQQ0000}') AND $in_month");
	my $expected = $node->vendor_truth(vendor => $name, plate => "7ABC123,7A8C123,$border,QQQQ0000", from => $month, until => $until)->{usable};
	is($out, $expected, "$name: a list of plates");
	is(scalar $node->vendor_log(vendor => $name, class => 'search'), ceil(4 / $dialect{$name}{plates_per_leg}), '… in as many questions as it takes');
}

# The state of registration, where the vendor tells it; where not, it is not guessed.
for my $name (@names)
{
	my ($out) = ask("SELECT coalesce(string_agg(DISTINCT coalesce(plate_region, '-'), ' ' ORDER BY coalesce(plate_region, '-')), '') FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window");
	is($out, (grep { $_ eq 'plate_region' } @{ $dialect{$name}{tells} }) ? 'CA NV' : '-', "$name: regions");
}
for my $name (such { $_->{takes_region} })
{
	my ($where, $written) = @{ $dialect{$name}{region_in} };
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND plate_region = 'CA' AND $window");
	is($out, truth(vendor => $name, plate => '7ABC123', region => 'CA')->{usable}, "$name: of one region");
	is(asked(($node->vendor_log(vendor => $name, class => 'search'))[0], $where), $written, '… which the vendor is asked for');
}

# ---- canonical values ----

# Column by column the same as in lpr-v1, in a session whose time zone is far from the vendors'.
$session->query("SET TimeZone = 'Asia/Tokyo'");
my %column = (confidence => 'round(confidence::numeric, 3)'); # where it is not just the column
for my $name (@names)
{
	my $columns = join ', ', qw(plate plate_as_read country recent), "date_trunc('second', captured_at)", 'round(latitude::numeric, 6)', 'round(longitude::numeric, 6)',
		map { $column{$_} // $_ } @{ $dialect{$name}{tells} };
	my $eyes = "source = '${name}_eyes'"
		. ($registered{$name} ? ' AND camera_id IN (' . join(',', map { "'$_->{id}'" } @{ $registered{$name} }) . ')' : '');
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

# ---- times without a zone ----

for my $name (such { $_->{no_zone} })
{
	my ($fresh) = $node->session('analyst1');
	my $question = sub { return "SELECT count(*) FROM lpr.reads WHERE source = '$_[0]' AND plate = '7ABC123' AND $in_month" };
	my (undef, $said) = $node->converse($fresh, $question->($name));
	like($said, qr/NOTICE:  \w+: times of source "$name" have no zone, and are taken as UTC/, "$name: a time without a zone is told");
	(undef, $said) = $node->converse($fresh, $question->($name));
	unlike($said, qr/have no zone/, '… once a session');
	$fresh->quit;
	$node->add_dialects('_west', time_zone => 'Etc/GMT+8');
	my ($out, $err) = ask("SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM lpr.reads AS r WHERE r.source = '$name' AND r.plate = '7ABC123' AND r.$in_month "
		. "AND r.read_id = w.read_id AND r.captured_at = w.captured_at - interval '8 hours')) FROM lpr.reads AS w WHERE w.source = '${name}_west' AND w.plate = '7ABC123' AND w.$in_month");
	my ($west, $shifted) = split /\|/, $out;
	cmp_ok($west, '>', 0, "$name: a clock in the west");
	is($shifted, $west, '… is eight hours behind') or diag($err);
	unlike($err, qr/have no zone/, '… and nothing is to be told');
}

# ---- logins and registers are kept ----

for my $name (such { $_->{signs_in} })
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

	# A token of 31 seconds, where the vendor tells so, is renewed half a minute before its end, without being refused first.
	if ($dialect{$name}{tells_token_life})
	{
		$node->vendor('POST', '/control/settings', { token_seconds => 31, forget_tokens => 1 });
		$node->converse($fresh, $question);
		$node->vendor_forget;
		ok(LprTest::eventually(sub { $node->converse($fresh, $question); $logins->() > 0 }), "$name: a token near its end is renewed");
		is($refused->(), 0, '… before the vendor refuses it');
		$node->vendor('POST', '/control/settings', { token_seconds => 0, forget_tokens => 1 });
	}
	$fresh->quit;
}
for my $name (such { $_->{fetches_cameras} })
{
	my ($fresh) = $node->session('analyst1');
	$node->vendor_forget;
	$node->converse($fresh, "SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $in_month") for 1 .. 3;
	is(scalar $node->vendor_log(vendor => $name, class => 'cameras'), 1, "$name: one look at the register for three statements");
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

# The window, newest first, in the slices in which this vendor is asked for it.
sub slices
{
	my ($name) = @_;
	my $days = $dialect{$name}{slice_days} or return [];
	my ($edge, @slices) = ($until_time + 1);

	for (; $edge > $from_time; $edge -= $days * 86400)
	{
		my $start = $edge - $days * 86400;
		push @slices, [ from => $start > $from_time ? iso($start) : $from, until => @slices ? iso($edge) : $until ];
	}
	return @slices;
}

$node->add_dialects('_paged', page_size => 20);
$node->add_dialects('_default');
for my $case (map { [ $_, 'paged', $dialect{$_}{size_in} ? 20 : $dialect{$_}{page_size} ], [ $_, 'default', $dialect{$_}{page_size} ] }
	such { $_->{pages} ne 'time' && !$_->{by_camera} })
{
	my ($name, $suffix, $size) = @$case;
	my $plate = $size > 50 ? 'BULK2300' : '7ABC123'; # several pages of it
	my @slices = map { pages(truth(vendor => $name, plate => $plate, @$_)->{total}, $size) } slices($name);

	$node->vendor_forget;
	is((ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_$suffix' AND plate = '$plate' AND $window"))[0], truth(vendor => $name, plate => $plate)->{usable},
		"$name: all of it in pages of $size");
	my @log = grep { $_->{class} ne 'login' } $node->vendor_log(vendor => $name);
	is_deeply([ map { $_->{reads} } @log ], [ map { @$_ } @slices ], '… of that size and no more of them than needed');
	is_deeply([ map { $_->{class} } @log ], [ map { ('search', ('page') x $#$_) } @slices ], '… each asked for once');
	my $told = told("${name}_$suffix");
	is($told->{pages}, scalar @log, '… and counted');
	my $all = $node->vendor_log(vendor => $name);
	is($told->{requests}, $all, '… as are the requests');
}

# Camera by camera, over the cameras of the register and no others.
for my $name (such { $_->{by_camera} })
{
	my ($camera_in, $size_in) = @{ $dialect{$name} }{qw(camera_in size_in)};
	for my $case ([ 'paged', 20 ], [ 'default', $dialect{$name}{page_size} ])
	{
		my ($suffix, $size) = @$case;
		my @some = grep { truth(vendor => $name, plate => '7ABC123', camera => $_->{id})->{total} > 20 } @{ $registered{$name} };
		@some = (@some, grep { my $one = $_; !grep { $_ == $one } @some } @{ $registered{$name} })[0 .. 3];
		$node->register_cameras("${name}_$suffix", $name, map { $_->{id} } @some);
		my %expected = map { $_->{id} => pages(truth(vendor => $name, plate => '7ABC123', camera => $_->{id})->{total}, $size) } @some;

		$node->vendor_forget;
		ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_$suffix' AND plate = '7ABC123' AND $window");
		my %pages;
		for my $request (grep { $_->{class} ne 'login' } $node->vendor_log(vendor => $name))
		{
			my $id = asked($request, $camera_in);
			push @{ $pages{$id} }, $request->{reads};
			is(asked($request, $size_in), $size, "$name: the page size") if @{ $pages{$id} } == 1;
		}
		is_deeply(\%pages, \%expected, "$name: every registered camera and no other, in pages of $size");
	}
	is(scalar $node->vendor_log(vendor => $name, class => 'cameras'), 0, "$name: its own list of cameras is not asked for");
}

# Where there are no pages, the time is cut behind what came, until less than was asked for comes.
for my $name (such { $_->{pages} eq 'time' })
{
	my ($size_in, $until_in) = @{ $dialect{$name} }{qw(size_in until_in)};
	my $truth = truth(vendor => $name, plate => '7ABC123');
	$node->vendor_forget;
	my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_paged' AND plate = '7ABC123' AND $window");
	my @log = $node->vendor_log(vendor => $name, class => 'search');
	is($out, $truth->{usable}, "$name: all of it in slices of $size_in");
	is_deeply([ map { asked($_, $size_in) } @log ], [ (20) x @log ], "… each asked with that $size_in");
	cmp_ok(scalar(@log), '>=', ceil($truth->{total} / 20), '… in several slices');
	cmp_ok(scalar(@log), '<=', ceil($truth->{total} / 19) + 1, '… that overlap by one read');
	my @ends = map { asked($_, $until_in) } @log;
	is_deeply(\@ends, [ sort { $b cmp $a } @ends ], '… each before the one before');
	my $told = told("${name}_paged");
	is($told->{outcome}, 'complete', '… and nothing is missing');
	is($told->{received}, $told->{reads} + sum0(values %{ $told->{dropped} }), '… and the counts add up');

	# Oldest first, the other way round.
	($out, $err) = ask("SELECT count(*), bool_and(ordered) FROM (SELECT captured_at >= lag(captured_at, 1, '-infinity') OVER () AS ordered FROM "
		. "(SELECT captured_at FROM lpr.reads WHERE source = '${name}_paged' AND plate = '7ABC123' AND $window ORDER BY captured_at) AS r) AS o");
	is($out, "$truth->{usable}|t", "$name: oldest first");

	# One read a slice, which leads nowhere: more reads of one moment than a slice has cannot be told apart.
	$node->add_source("${name}_single", $dialect{$name}{name}, url => $node->vendor_base($name, $dialect{$name}{name}), secret => "${name}_key",
		options => { page_size => 1 });
	($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '${name}_single' AND plate = '7ABC123' AND $window");
	cmp_ok($out, '<=', 1, "$name: where the slices lead no further, what came is shown");
	like($err, qr/WARNING:  01004: source "${name}_single" has more reads than are shown/, '… and the rest is told');
	is(told("${name}_single")->{outcome}, 'cut', '… as cut');
}

# Where one question is of a limited time, a longer one is asked in slices that meet, the newest first.
for my $name (such { $_->{slice_days} })
{
	my $until_in = $dialect{$name}{until_in};
	$node->vendor_forget;
	ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window");
	my @ends = map { asked($_, $until_in) } $node->vendor_log(vendor => $name, class => 'search');
	my @slices = slices($name);
	cmp_ok(scalar(@slices), '>', 1, "$name: longer than one slice");
	is_deeply(\@ends, [ iso($until_time + 1), map { { @$_ }->{until} } @slices[1 .. $#slices] ], '… each ends where the one before began');
	is(told($name)->{outcome}, 'complete', '… and that was all');
	$node->vendor_forget;
	ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $in_month");
	is(scalar $node->vendor_log(vendor => $name, class => 'search'), 1, '… and a month is one');
}

# Where a vendor knows one order only, the other one is made here.
for my $name (such { $_->{newest_only} })
{
	my $sent = sub {
		my ($plan) = ask("EXPLAIN SELECT plate FROM lpr.reads WHERE source = '$name' AND plate = '7ABC123' AND $window ORDER BY captured_at $_[0]");
		my ($order) = $plan =~ /Sent Order: (.*)/;
		return $order;
	};
	is($sent->('DESC'), 'captured_at DESC', "$name: newest first is left to the vendor");
	is($sent->('ASC'), undef, '… oldest first is not');
	for my $order ([ 'DESC', '<=' ], [ 'ASC', '>=' ])
	{
		my ($out, $err) = ask("SELECT count(*), bool_and(ordered) FROM (SELECT coalesce(captured_at $order->[1] lag(captured_at) OVER (), true) AS ordered FROM "
			. "(SELECT captured_at FROM lpr.reads WHERE source = '${name}_paged' AND plate = '7ABC123' AND $window ORDER BY captured_at $order->[0]) AS r) AS o");
		is($out, truth(vendor => $name, plate => '7ABC123')->{usable} . '|t', "$name: all of it, $order->[0]") or diag($err);
	}
}

# LIMIT asks for one small page.
for my $name (such { $_->{orders} && $_->{size_in} && !$_->{by_camera} })
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
my ($street) = $port->{address} =~ /^\d+ (.*)$/;
$node->make_places('lpr', "$lat,$lon", $street);
for my $name (such { $_->{needs_register} })
{
	$node->register_cameras($name, $name, map { $_->{id} } grep { defined $_->{latitude} && ($_->{latitude} - $lat)**2 + ($_->{longitude} - $lon)**2 < 0.1**2 }
		@{ $node->vendor('GET', "/control/cameras?vendor=$name") });
}
for my $name (such { $_->{location} })
{
	my $truth = $node->vendor_truth(vendor => $name, near => "$lat,$lon,$radius", from => $month, until => $until);
	my ($out, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius AND $in_month");
	cmp_ok($truth->{usable}, '>', 0, "$name: there are reads around the port");
	is($out, $truth->{usable}, '… and all of them come');
	is(told($name)->{dropped}{abroad} // 0, $truth->{abroad}, '… but for those from beyond it');
}
for my $name (such { $_->{takes_address} })
{
	$node->vendor_forget;
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND address ILIKE '%$street%' AND $in_month");
	is($out, $node->vendor_truth(vendor => $name, address => $street, from => $month, until => $until)->{usable}, "$name: by the address of the camera");
	is(asked(($node->vendor_log(vendor => $name))[0], $dialect{$name}{address_in}), $street, '… which the vendor is asked for');
}
# An address alone is no place to a vendor who takes points only: what it would hand over was read anywhere.
for my $name (such { $_->{location} && $_->{takes_near} && !$_->{takes_address} })
{
	$node->vendor_forget;
	my (undef, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND address ILIKE '%500 Main Street%' AND $in_month");
	like($err, qr/^.*ERROR:  LP005: source "$name" cannot be asked by address\nDETAIL:  .*point with a radius\.\nHINT:  SELECT \* FROM lpr\.search_location/m,
		"$name: an address without a point is an error");
	(undef, $err) = ask("SELECT count(*) FROM lpr.reads WHERE source IN ('$name', 'lpr') AND address ILIKE '%500 Main Street%' AND $in_month");
	like($err, qr/NOTICE:  \w+: source "$name" cannot be asked by address/, '… and beside others it is passed over, and told');
	is(told($name)->{outcome}, 'passed_over', '… as lpr.last_query() says');
	is(scalar $node->vendor_log(vendor => $name), 0, '… and nothing went there');
}
for my $name (such { $_->{vehicle} })
{
	my $truth = $node->vendor_truth(vendor => $name, near => "$lat,$lon,$radius", make => 'Toyota', model => 'Camry', from => $month, until => $until);
	my ($out) = ask("SELECT count(*) FROM lpr.reads WHERE source = '$name' AND make = 'TOYOTA' AND model = 'CAMRY' AND lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius AND $in_month");
	is($out, $truth->{usable}, "$name: by make and model ($out)");
}

# Who cannot be asked this way is passed over, and told.
my $all = join ', ', map { "'$_'" } @names;
for my $case ([ 'place', "lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius", such { !$_->{location} } ], [ 'vehicle', "make = 'TOYOTA' AND lpr.distance_m(latitude, longitude, $lat, $lon) <= $radius", such { !$_->{vehicle} } ])
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

# An application name, an event, a role: none of it is the vendor's business (U7).
$session->query("SET application_name = 'case-2026-4711-smith'");
$node->own_event(990017);
$node->vendor_forget;
my ($out) = ask("SELECT count(*) FROM (SELECT source FROM lpr.reads WHERE source IN ($all) AND plate = '7ABC123' AND event_id = 990017 AND $in_month ORDER BY captured_at DESC) AS r");
my $told = $node->told($session);
my @log = $node->vendor_log;
my %reference = map { $_ => $told->{$_}{reference} } keys %$told;
is(scalar(keys %{ { reverse %reference } }), scalar @names, 'each vendor has a reference of its own');
like($_, qr/^[0-9a-f]{32}-[0-9a-f]{32}$/, '… an opaque one') for values %reference;
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit AS a, lpr_data.log AS l WHERE a.kind = 'ask'
	AND format('%s-%s', encode(l.id, 'hex'), left(encode(a.digest, 'hex'), 32)) IN ("
	. join(', ', map { "'$_'" } values %reference) . ')'), scalar @names, '… that names the record of its ask');
# (When it arrived is the simulator's own, and has any digits.)
unlike(encode_json([ map { { %$_, t_us => 0 } } @log ]), qr/990017|4711|smith|analyst|lpr_user|case-/i, 'no user, no event and no case goes out');
unlike($log[0]{user_agent} // '', qr/postgres|curl|[0-9]{4}/i, 'the user agent says little');
for my $name (@names)
{
	my $its = $dialect{$name};
	my ($request) = grep { $_->{vendor} eq $name && $_->{class} eq 'search' } @log;
	my ($path, $query) = split /\?/, $request->{path}, 2;
	my $body = $request->{body} eq '' ? undef : decode_json($request->{body});

	is($path, "/$name/$its->{name}$its->{path}", "$name: the path");
	is($request->{method}, $its->{post} ? 'POST' : 'GET', '… the method');
	is_deeply([ sort keys %{ $body // {} } ], $its->{post} ? [ sort @{ $its->{asks} } ] : [], '… the members of the body');
	is_deeply([ sort map { /^([^=]*)/ } split /&/, $query // '' ], $its->{post} ? [] : [ sort @{ $its->{asks} } ], '… the parameters of the query');
	my $in = $its->{reference_in} // '';
	is($request->{reference}, $in eq 'header' ? $reference{$name} : undef, '… the reference in its header, or none');
	is($body->{$in}, $reference{$name}, "… the reference in the place of a $in") if $in !~ /^(?:header)?$/;
	is($body->{ $its->{reason_in} }, 'law enforcement', '… the reason') if $its->{reason_in};
	is($request->{authorization} ? 1 : 0, $its->{secret_in} eq 'query' ? 0 : 1, '… the credential in a header, or none');

	# What lpr.last_query() shows is what went out, but for the secrets.
	my $sent = $told->{$name}{sent}[0];
	# (Cameras are asked side by side, and who is heard first is up to chance.)
	my @heard = map { "$_->{method} " . ($_->{path} =~ s/^\/$name\/[^\/]*//r =~ s/\w+=\Q$its->{secret}\E&//r) . ($_->{body} ne '' ? " $_->{body}" : '') }
		grep { $_->{vendor} eq $name && $_->{class} eq 'search' } @log;
	is((grep { $_ eq $sent } @heard)[0] // $heard[0], $sent, '… and lpr.last_query() shows it');
	unlike($sent, qr/sim-|tok_/, '… without secrets');
}
for my $request (@log)
{
	my $text = encode_json([ @$request{qw(path body reference user_agent)} ]);
	my $in = $dialect{ $request->{vendor} }{secret_in};
	next if $in eq 'query' || ($in eq 'body' && $request->{class} eq 'login');
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
