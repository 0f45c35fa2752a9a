# LprLab: the dialects side by side, and a laboratory of their faults. A cluster of LprTest with more verbs.
#
#   my $node = LprLab->start_staged('main'); $node->add_dialects('');   # a source of each dialect
#   my $node = LprLab->laboratory('main'); $node->trial([ … ]);         # each of them several ways, and what comes of a fault
package LprLab;
use strict;
use warnings;
use parent -norequire, 'LprTest';
use LprDialect;
use LprTest;
use POSIX ();
use Test::More;

# ---- the dialects side by side ----

# A source of each dialect, named as in LprDialect, and the suffix; with a suffix they ask the same vendors as those without.
# (of => { flock => { page_size => 20 } }) are options of one, all others those of each. Their secrets have names that say
# nothing, so that no log may hold a value.
sub add_dialects
{
	my ($node, $suffix, %options) = @_;
	my $of = delete $options{of} // {};

	for my $source (sort keys %dialect)
	{
		my $its = $dialect{$source};

		$node->put_secret("${source}_key", $its->{secret});
		$node->add_source("$source$suffix", $its->{name}, url => $node->vendor_base($source, $its->{name}), secret => "${source}_key",
			options => { %options, %{ $of->{$source} // {} } });
	}
	return;
}

# A source of each dialect in database lpr, of those that the stage has one of, else added and named as in LprDialect: its name => the dialect's row.
sub source_of_each
{
	my ($node) = @_;
	my %staged = reverse map { split /\|/ } split /\n/, $node->safe_psql('lpr', 'SELECT source, dialect FROM lpr.sources');
	my %row;

	for my $its (map { $dialect{$_} } sort keys %dialect)
	{
		my $source = $staged{ $its->{name} } // $its->{source};

		$node->add_source($source, $its->{name}) unless $staged{ $its->{name} };
		$row{$source} = $its;
	}
	return %row;
}

# The three cameras of a vendor that saw most of what is asked for (a condition on reads r), found by another source at the same vendor.
sub busy_cameras
{
	my ($node, $vendor, $condition) = @_;
	my $eyes = "${vendor}_eyes";

	$node->add_source($eyes, 'lpr-v1', url => $node->vendor_base($vendor, 'lpr-v1'));
	my @cameras = split /\n/, $node->answer('analyst1',
		"SELECT camera_id FROM lpr.reads AS r WHERE source = '$eyes' AND $condition GROUP BY camera_id ORDER BY count(*) DESC, camera_id LIMIT 3");
	$node->safe_psql('lpr', "SELECT lpr.remove_source('$eyes')");
	return sort @cameras;
}

# Registers cameras of a vendor, all or those of these identifiers, for a source.
sub register_cameras
{
	my ($node, $source, $vendor, @only) = @_;
	my @cameras = grep { defined $_->{latitude} } @{ $node->vendor('GET', "/control/cameras?vendor=$vendor") };
	my %wanted = map { $_ => 1 } @only;
	my $literal = sub { my ($value) = @_; $value =~ s/'/''/g if defined $value; return defined $value ? "'$value'" : 'NULL' };

	@cameras = grep { $wanted{$_->{id}} } @cameras if @only;
	# Not with lpr.add_camera(), which refuses those abroad: what they would show is to be dropped all the same.
	$node->answer('postgres', join ';', map {
		my $camera = $_;
		"DELETE FROM lpr_data.camera WHERE source = '$source' AND camera_id = " . $literal->($camera->{id})
			. "; INSERT INTO lpr_data.camera VALUES ('$source', " . join(', ', map { $literal->($camera->{$_}) }
			qw(id latitude longitude address owner type region country)) . ')' } @cameras);
	return @cameras;
}

# ---- a laboratory of faults ----

# A cluster with all dialects, each several ways: NAME (one retry), NAME_strict (a failure is an error), NAME_hasty (short time
# limits), NAME_capped (small limits of size and pages), NAME_here (sorted by the database), and "good", which no fault of theirs
# touches. $node->{lab}: the plate that is asked for, of which every vendor has over a hundred reads, all good, and how they page.
sub laboratory
{
	my ($class, $name) = @_;
	my $node = $class->start_staged($name, conf => "log_min_messages = debug1\n");
	$node->log_analysts;
	# Pages so small that an answer takes several; all of it in one where there are none, or where their size is the vendor's.
	my %lab = (names => [ sort keys %dialect ],
		page => { map { my $its = $dialect{$_}; $_ => $its->{pages} eq 'time' || !$its->{size_in} ? $its->{page_size} : $its->{by_camera} ? 20 : 40 } keys %dialect });
	my %of = map { $_ => { page_size => $lab{page}{$_} } } @{ $lab{names} };
	my @window;

	@lab{qw(from until)} = map { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + $_ * 86400)) } -1100, -20; # one slice of any vendor's time
	@window = (from => $lab{from}, until => $lab{until});
	$node->{lab} = \%lab;
	$node->add_dialects('', retries => 1, of => \%of);
	$node->add_dialects('_strict', retries => 0, on_failure => 'error', of => \%of);
	$node->add_dialects('_hasty', retries => 0, request_timeout => 2000, stall_timeout => 1000, of => \%of);
	$node->add_dialects('_capped', retries => 0, max_page_kilobytes => 1024, max_pages => 12, max_image_kilobytes => 64, of => \%of);
	$node->add_dialects('_here', order => 'here', of => \%of);
	$node->add_source('good', 'lpr-v1', secret => 'lpr_key');

	for my $one (@{ $node->vendor('GET', '/control/plates?kind=commuter&n=400') })
	{
		my %truth = map { $_ => $node->vendor_truth(vendor => $_, plate => $one->{plate}, @window) } @{ $lab{names} }, 'good';
		next if grep { $_->{usable} < 105 || $_->{usable} > 400 || $_->{usable} != $_->{total} } values %truth;
		@lab{qw(plate region)} = @$one{qw(plate region)};
		$lab{usable} = { map { $_ => $truth{$_}{usable} } keys %truth };
		last;
	}
	die 'no plate that every vendor has enough of' unless $lab{plate};
	$node->make_targets('lpr', $lab{plate});

	$lab{legs} = { map { $_ => [ $lab{usable}{$_} ] } @{ $lab{names} } };
	# A register has the three cameras that saw it most; what pages camera by camera has a leg for each of them.
	for my $source (such { $_->{needs_register} })
	{
		my @cameras = $node->busy_cameras($source, "r.plate = '$lab{plate}' AND r.captured_at BETWEEN '$lab{from}' AND '$lab{until}'");
		my @usable = map { $node->vendor_truth(vendor => $source, plate => $lab{plate}, camera => $_, @window)->{usable} } @cameras;

		$node->register_cameras("$source$_", $source, @cameras) for '', qw(_strict _hasty _capped _here);
		$lab{usable}{$source} = sum_of(@usable);
		$lab{legs}{$source} = $dialect{$source}{by_camera} ? \@usable : [ sum_of(@usable) ];
	}
	return $node;
}

# The laboratory's question to a source, or to several: columns, more conditions.
sub lab_question
{
	my ($node, $source, %given) = @_;
	my ($lab, $columns) = ($node->{lab}, $given{columns} // 'source, captured_at');
	my $sources = join ', ', map { "'$_'" } ref $source ? @$source : $source;
	return "SELECT $columns FROM " . ($given{from} // 'lpr.reads') . " WHERE source IN ($sources) AND plate = '$lab->{plate}' "
		. "AND captured_at BETWEEN '$lab->{from}' AND '$lab->{until}'" . ($given{where} ? " AND $given{where}" : '');
}

# How many replies of a class one question brings, and how many reads come before the first of them that is not of that class.
sub lab_replies
{
	my ($node, $name, $class) = @_;
	my ($lab, $pages) = ($node->{lab}, 0);
	my $legs = $lab->{legs}{$name};

	return 1 if $class =~ /login|cameras/;
	$pages += POSIX::ceil($_ / $lab->{page}{$name}) for @$legs;
	return $class eq 'search' ? @$legs : $class eq 'page' ? $pages - @$legs : $pages;
}

# Reads shown when the first reply of a class is worthless, or (pages => 1) when it is good but for its end.
sub lab_before
{
	my ($node, $name, $class, $pages) = @_;
	my $size = $node->{lab}{page}{$name};
	my $shown = 0;

	return 0 if $class =~ /login|cameras/;
	for my $leg (@{ $node->{lab}{legs}{$name} })
	{
		my $before = $class eq 'page' ? $size : 0;
		if ($leg > $before)
		{
			my $end = $before + $pages * $size;
			return $shown + ($end < $leg ? $end : $leg);
		}
		$shown += $leg;
	}
	return $shown;
}

my %drop_words = (
	malformed => 'malformed', repeated => 'repeated', other_plate => 'of another plate', other_region => 'of another or an unknown region',
	outside_window => 'outside the asked time', older_than_five_years => 'older than five years', in_the_future => 'from the future',
	abroad => 'from outside the United States', unknown_place => 'from an unknown place', contradictory_place => 'from a place that contradicts itself');

# Tries one statement on one or several sources whose vendors have faults, with "good" beside them, and looks at everything that has
# to come of it. Each case: { source => 'lpr_hasty', fault => { class => …, fault => … } or [ … ], and what is expected:
# outcome (complete), rows (number or code), state and message and detail (of the WARNING, and of the error of NAME_strict), dropped (or 'any'),
# retries, requests }. For all: name, where, order (ORDER BY captured_at DESC), fresh (a new session), strict => 0.
sub trial
{
	my ($node, $cases, %given) = @_;
	my $lab = $node->{lab};
	my @wrong;
	my $same = sub { my ($what, $got, $expected) = @_; push @wrong, "$what: got " . ($got // 'nothing') . ", expected $expected" if ($got // '') ne $expected };

	if ($given{fresh} || !$lab->{session})
	{
		$lab->{session}->quit if $lab->{session};
		@$lab{qw(session pid)} = $node->session('analyst1');
	}
	$node->vendor_well;
	for my $case (@$cases)
	{
		($case->{vendor}) = $case->{source} =~ /^([a-z]+)/;
		$node->vendor_faults(map { +{ vendor => $case->{vendor}, %$_ } } ref $case->{fault} eq 'ARRAY' ? @{ $case->{fault} } : $case->{fault});
	}

	my $reads = $node->lab_question([ 'good', map { $_->{source} } @$cases ], where => $given{where})
		. ($given{order} ? ' ORDER BY captured_at DESC' : '');
	my $began = LprTest::steady();
	my ($out, $err) = $node->converse($lab->{session}, "SELECT source, count(*) FROM ($reads) AS r GROUP BY source");
	my $took = LprTest::steady() - $began; # time: for a peer of the same statement
	my %rows = map { /^(\w+)\|(\d+)$/ ? ($1 => $2) : () } split /\n/, $out;
	my @messages = LprTest::parse_messages($err);
	my $told = $node->told($lab->{session});
	my %dropped;

	for my $case (@$cases)
	{
		my $source = $case->{source};
		my $its = $told->{$source} // {};
		my $rows = $rows{$source} // 0;
		my $outcome = $case->{outcome} // 'complete';
		my @warnings = grep { $_->{level} eq 'WARNING' && "$_->{message} " =~ /"$source"/ } @messages;

		$same->("$source: outcome", $its->{outcome}, $outcome);
		if (ref $case->{rows}) { push @wrong, "$source: $rows rows" unless $case->{rows}->($rows) }
		else { $same->("$source: rows", $rows, $case->{rows} // $lab->{usable}{ $case->{vendor} }) }
		$same->("$source: reads told", $its->{reads}, $rows);
		$same->("$source: reads accounted for", $its->{received}, $rows + sum_of(values %{ $its->{dropped} // {} })) if $outcome eq 'complete';
		my $drops = $case->{dropped} // {};
		$drops = $its->{dropped} if $drops eq 'any';
		$same->("$source: dropped", _flat($its->{dropped}), _flat($drops));
		$dropped{$_} += $drops->{$_} for keys %$drops;
		$same->("$source: odd values", sum_of(values %{ $its->{odd_value} // {} }), $case->{odd} // 0) if ($case->{odd} // '') ne 'any';
		$same->("$source: $_", $its->{$_}, $case->{$_}) for grep { defined $case->{$_} } qw(retries requests);
		$same->("$source: warnings", scalar @warnings, $outcome eq 'complete' ? 0 : 1);
		next if $outcome eq 'complete' || !@warnings;
		$same->("$source: SQLSTATE", $warnings[0]{state}, $case->{state});
		$same->("$source: SQLSTATE told", $its->{sqlstate}, $case->{state});
		$same->("$source: message told", $its->{message}, $warnings[0]{message});
		for my $part (grep { $case->{$_} } qw(message detail))
		{
			push @wrong, "$source: $part is " . ($warnings[0]{$part} // 'missing') unless ($warnings[0]{$part} // '') =~ $case->{$part};
		}
	}
	$same->('rows of the source without a fault', $rows{good}, $given{where} ? $rows{good} // 'none' : $lab->{usable}{good});

	# All that was dropped is told once.
	my @notices = grep { $_->{level} eq 'NOTICE' && $_->{message} =~ /dropped/ } @messages;
	my $total = sum_of(values %dropped);
	$same->('notices', scalar @notices, $total ? 1 : 0);
	if ($total && @notices)
	{
		push @wrong, "notice: $notices[0]{message}" unless $notices[0]{message} =~ /^$total reads? (?:was|were) dropped: /;
		for (keys %dropped) { push @wrong, "notice without $_: $notices[0]{message}" unless $notices[0]{message} =~ /\b$dropped{$_} $drop_words{$_}\b/ }
	}
	push @wrong, "unexpected: $_->{level} $_->{message}" for grep { $_->{level} !~ /^(?:WARNING|NOTICE)$/ } @messages;

	# The same where a failure is an error.
	for my $case (grep { ($_->{outcome} // '') eq 'failed' && $_->{source} eq $_->{vendor} && ($given{strict} // 1) } @$cases)
	{
		my (undef, $error) = $node->converse($lab->{session}, "SELECT count(*) FROM (" . $node->lab_question("$case->{vendor}_strict", where => $given{where})
			. ($given{order} ? ' ORDER BY captured_at DESC' : '') . ') AS r');
		my ($its) = grep { $_->{level} eq 'ERROR' } LprTest::parse_messages($error);
		$same->("$case->{vendor}_strict: error", $its->{state}, $case->{state_strict} // $case->{state});
	}

	# Afterwards all is well, in the same session.
	$node->vendor_well;
	$same->('SELECT 1 afterwards', scalar $lab->{session}->query('SELECT 1'), 1);
	for my $case (grep { !$given{lasting} } @$cases)
	{
		($out, $err) = $node->converse($lab->{session}, $node->lab_question($case->{vendor}, columns => 'count(*)'));
		$same->("$case->{vendor} afterwards", $out, $lab->{usable}{ $case->{vendor} });
	}
	is(join("\n", @wrong), '', $given{name} // join(' ', map { "$_->{source}: " . _flat(ref $_->{fault} eq 'ARRAY' ? $_->{fault}[0] : $_->{fault}) } @$cases));
	return { messages => \@messages, told => $told, took => $took };
}

sub sum_of { my $sum = 0; $sum += $_ for @_; return $sum }
sub _flat { my ($hash) = @_; return join ' ', map { my $v = "$hash->{$_}"; "$_=" . (length $v > 40 ? '…' : $v) } sort keys %{ $hash // {} } }

1;
