# faults of the wire: late, slow, cut, too long, refused, redirected, endless. In every dialect and every class of request, beside a
# source that is well; what exactly is looked at after each stands in LprTest::trial.
use strict;
use warnings;
use LprTest;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

my $node = LprTest->laboratory('wire');
my $lab = $node->{lab};
my %all = %{ $lab->{usable} };

# What each dialect asks for, but for images. A round is what can be tried in one statement: each dialect in one class.
my %classes = (lpr => [qw(search page)], flock => [qw(login search page)], rekor => [qw(cameras search)], parkpow => [qw(search page)],
	verkada => [qw(login search page)]);
my @rounds = map { my $i = $_; [ map { defined $classes{$_}[$i] ? [ $_, $classes{$_}[$i] ] : () } @{ $lab->{names} } ] } 0 .. 2;

sub whole { my ($name, $class) = @_; return $node->lab_before($name, $class, 0) }

# One fault in all dialects and classes; what is expected is the same for all, or comes from code by name and class.
sub everywhere
{
	my ($what, $suffix, $fault, $expected, %given) = @_;
	for my $round (@rounds)
	{
		my @cases = map {
			my ($name, $class) = @$_;
			{ source => "$name$suffix", fault => { class => $class, %$fault }, ref $expected eq 'CODE' ? $expected->($name, $class) : %$expected }
		} @$round;
		my $classes = join ', ', map { "$_->[0] $_->[1]" } @$round;
		my $result = $node->trial(\@cases, name => "$what: $classes", fresh => 1, %given);
		# First requests go out together; a second page is asked for when the first one is read.
		cmp_ok($result->{took}, '<', $given{within}, '… side by side') if $given{within} && $round == $rounds[0];
	}
	return;
}

# ---- late and slow ----

everywhere('delay', '', { fault => 'delay', ms => 60 }, {});
everywhere('hang', '_hasty', { fault => 'hang' }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/sent nothing for 1 s|did not answer within 2 s/, retries => 0) }, within => 5);
everywhere('drip that stalls', '_hasty', { fault => 'drip', ms => 5000 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/sent nothing for 1 s/, detail => qr/after \d+ bytes/) }, within => 5);
everywhere('drip without an end', '_hasty', { fault => 'drip', ms => 60 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/did not answer within 2 s/) }, within => 5);
everywhere('delay beyond the limit', '_hasty', { fault => 'delay', ms => 60000 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_)) }, within => 5);

# ---- too short ----

for my $at (undef, 0, 7)
{
	everywhere('cut' . (defined $at ? " after $at bytes" : ' in half'), '', { fault => 'cut', defined $at ? (at => $at) : () }, sub {
		return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/ended early/) });
}
everywhere('cut once', '', { fault => 'cut', times => 1 }, { retries => 1 });
everywhere('truncated', '', { fault => 'truncated' }, sub {
	my ($name, $class) = @_;
	my ($least, $most) = map { $node->lab_before($name, $class, $_) } 0, 1;
	return (outcome => 'failed', state => 'HV00M', message => qr/malformed reply/, retries => 0,
		rows => sub { my ($rows) = @_; return $rows >= $least && ($rows < $most || $most == 0) }) });
everywhere('empty', '', { fault => 'truncated', at => 0 }, sub { return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/malformed reply/) });
everywhere('html', '', { fault => 'html' }, sub { return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/malformed reply/) });

# ---- too long ----

everywhere('overlong, unannounced', '_capped', { fault => 'overlong' }, sub {
	return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/is larger than 1 MB/, retries => 0) });
everywhere('overlong, announced', '_capped', { fault => 'overlong', length => JSON::PP::true }, sub {
	return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/is larger than 1 MB/) });
everywhere('long, within the limit', '_capped', { fault => 'overlong', bytes => 200_000 }, {});
everywhere('gzip', '', { fault => 'gzip' }, {});

# A bomb of a gigabyte: refused within the cap, so the backend stays as small as it was.
{
	my $before = $node->rss_kb($lab->{pid});
	everywhere('gzip bomb', '_capped', { fault => 'gzip_bomb' }, sub {
		return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/is larger than 1 MB/, detail => qr/after decompression/) });
	everywhere('gzip bomb that only just bursts', '_capped', { fault => 'gzip_bomb', bytes => 2 * 1024 * 1024 }, sub {
		return (outcome => 'failed', state => 'HV00M', rows => whole(@_)) });
	my $peak = $node->peak_rss_kb($lab->{pid});
	cmp_ok($peak - $before, '<', 40 * 1024, "the backend stays small: $before kB, then $peak kB");
	my $told = $node->told($lab->{session});
	cmp_ok($told->{flock}{bytes} // 0, '<', 16 * 1024 * 1024, '… and reads no more than it may');
}

# ---- refused ----

for my $status (400, 401, 403, 404, 422, 500, 502, 503)
{
	everywhere("status $status", '', { fault => 'status', status => $status }, sub {
		my ($name, $class) = @_;
		# A refused token is renewed once: sign in, ask, sign in, ask.
		my $again = $status == 401 && $class eq 'search' && $name =~ /flock|verkada/;
		return (outcome => 'failed', state => 'HV000', rows => whole($name, $class), message => qr/^source "$name" answered with HTTP status $status$/,
			detail => qr/^The vendor says: (?:\w+: )?simulated failure$/, $name eq 'verkada' ? () : (retries => $status >= 502 ? 1 : 0),
			$again && $name eq 'flock' ? (requests => 4) : ()) });
}
everywhere('status 503 once', '', { fault => 'status', status => 503, times => 1 }, { retries => 1 });
everywhere('status 401 once', '', { fault => 'status', status => 401, times => 1 }, sub {
	my ($name, $class) = @_;
	return $class eq 'search' && $name =~ /flock|verkada/ ? () : (outcome => 'failed', state => 'HV000', rows => whole($name, $class)) }, strict => 0);

# A vendor's words are shown escaped, 300 bytes of them at most, and without our secret, whatever it says.
{
	my %secret = (lpr => 'sim-lpr-token', flock => 'sim-flock-secret', rekor => 'sim-rekor-key', parkpow => 'sim-parkpow-token', verkada => 'sim-verkada-key');
	my $words = sub { my ($name) = @_; return "<b>No\a\n\x1b[31m\"of\" \x{e9}\\n for $secret{$name}; DROP TABLE--" . ' %s%n' . ('y' x 180) . $secret{$name} . ('z' x 900) };
	my $shape = sub {
		my ($name, $class) = @_;
		my $said = $words->($name);
		return $said =~ s/\x{e9}/e/r =~ tr/\a\x1b//dr if $name eq 'rekor';
		return JSON::PP->new->encode($name eq 'lpr' ? { error => { code => 'bad', message => $said } }
			: $name eq 'parkpow' ? { detail => $said } : $name eq 'verkada' ? { id => '1', message => $said, data => undef }
			: $class eq 'login' ? { error => 'bad', error_description => $said } : { error => $said });
	};
	for my $name (@{ $lab->{names} })
	{
		for my $class (@{ $classes{$name} })
		{
			my $result = $node->trial([ { source => $name, fault => { class => $class, fault => 'status', status => 400, body => $shape->($name, $class) },
				outcome => 'failed', state => 'HV000', rows => whole($name, $class), detail => qr/^The vendor says: / } ], name => "hostile words: $name $class", fresh => 1);
			my ($detail) = map { $_->{detail} // '' } grep { $_->{level} eq 'WARNING' } @{ $result->{messages} };
			my $said = $detail =~ s/^The vendor says: //r;
			unlike($said, qr/[^\x20-\x7e]/, '… nothing but printable characters');
			like($said, qr/<b>No/, '… in its own words');
			like($said, $name eq 'rekor' ? qr/No\\x0A/ : qr/No\\x07\\x0A\\x1B\[31m"of" \\xC3\\xA9\\x5Cn/, '… escaped');
			cmp_ok(length($said =~ s/\\x[0-9A-F]{2}/./gr =~ s/\.\.\.$//r), '<=', 300, '… not more than 300 bytes of them');
			unlike($detail, qr/sim-|$secret{$name}|\Q@{[ substr $secret{$name}, -6 ]}\E/, '… without the secret');
		}
	}
	# A body of no known shape, which begins with what it was sent.
	for my $name (@{ $lab->{names} })
	{
		my $result = $node->trial([ { source => $name, fault => { class => 'search', fault => 'status', status => 500, body => "$secret{$name} " . 'x' x 600 },
			outcome => 'failed', state => 'HV000', rows => 0 } ], name => "a body of no shape: $name", fresh => 1);
		unlike(encode_json($result), qr/sim-/, '… without the secret');
	}
	# Sign-in replies that are unusable: what they begin with is a token.
	for my $name (qw(flock verkada))
	{
		for my $fault ({ fault => 'malformed', kind => 'trailing_junk' }, { fault => 'malformed', kind => 'single_quotes' }, { fault => 'truncated', at => 75 })
		{
			my $result = $node->trial([ { source => $name, fault => { class => 'login', %$fault }, outcome => 'failed', state => 'HV00M', rows => 0 } ], fresh => 1);
			unlike(encode_json($result), qr/tok_/, '… without the token');
		}
	}
}

# ---- too many requests ----

everywhere('429 once', '', { fault => 'rate_limit', times => 1 }, { retries => 1 });
everywhere('429 once, retry after a second', '', { fault => 'rate_limit', times => 1, retry_after => 1 }, { retries => 1 });
everywhere('429 once, retry at a date', '', { fault => 'rate_limit', times => 1, retry_after => 2, as_date => JSON::PP::true }, { retries => 1 });
everywhere('429 always', '', { fault => 'rate_limit' }, sub {
	my ($name, $class) = @_;
	return (outcome => 'failed', state => 'HV000', rows => whole(@_), message => qr/HTTP status 429/, $name eq 'verkada' ? () : (retries => 1)) });
everywhere('429, retry in an hour', '', { fault => 'rate_limit', retry_after => 3600 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), state_strict => 'HV000', message => qr/asks to wait 3600 s/, retries => 0) }, within => 5);
everywhere('429, retry at a date in an hour', '', { fault => 'rate_limit', retry_after => 3600, as_date => JSON::PP::true }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), state_strict => 'HV000', message => qr/asks to wait 3[56]\d\d s/, retries => 0) }, within => 5);

# ---- elsewhere ----

my $elsewhere = LprTest::bystander();
my $other = 'http://127.0.0.1:' . $elsewhere->sockport;
everywhere('redirect to another host', '', { fault => 'redirect', to => "$other/reads" }, sub {
	return (outcome => 'failed', state => 'HV000', rows => whole(@_), message => qr/HTTP status 302/, detail => qr/not followed/, retries => 0) });
$node->vendor_forget;
everywhere('redirect to another vendor', '', { fault => 'redirect', to => "$node->{vendor_url}/other/lpr-v1/reads/search" }, sub {
	return (outcome => 'failed', state => 'HV000', rows => whole(@_)) });
is(scalar $node->vendor_log(vendor => 'other'), 0, 'the other vendor was not asked');

# The reply of class "search" or "page" names the next one: the pages up to it are shown.
my %pagers = (lpr => [ 'HV000', qr/HTTP status 4(?:00|22)/ ], flock => [ 'HV000', qr/HTTP status 422/ ], parkpow => [ 'HV00M', qr/leads elsewhere/ ],
	verkada => [ 'HV00M', qr/"next_page_token" is not an integer/ ]);
for my $to ("$other/next?page=2", "$node->{vendor_url}/other/parkpow-v1/api/v1/visit-list/?page=2", "$node->{vendor_url}/parkpow/parkpow-v1/media/x?page=2",
	"$node->{vendor_url}\@127.0.0.1:" . $elsewhere->sockport . '/parkpow/parkpow-v1/api/v1/visit-list/?page=2',
	"$node->{vendor_url}/parkpow/parkpow-v1/api/v1/visit-list/../../../../other/?page=2", '//127.0.0.1/', 'file:///etc/passwd', "$node->{vendor_url}/\r\nX-Evil: 1")
{
	$node->vendor_forget;
	my @cases = map { {
		source => $_, fault => { class => 'search', fault => 'next_elsewhere', to => $to },
		# lpr-v1 names its next page before its reads: nothing of a page with an impossible one is shown.
		outcome => 'failed', state => $to =~ /\r/ ? 'HV00M' : $pagers{$_}[0], rows => $to =~ /\r/ && $_ eq 'lpr' ? 0 : $node->lab_before($_, 'search', 1),
		$to =~ /\r/ ? () : (message => $pagers{$_}[1]) } } sort keys %pagers;
	$node->trial(\@cases, name => 'next page at ' . $to =~ s/\d{4,}/PORT/gr =~ s/[\r\n]/?/gr);
	is(scalar(grep { $_->{vendor} eq 'other' || $_->{class} =~ /image|other/ } $node->vendor_log), 0, '… nobody else was asked');
}
$node->trial([ { source => 'rekor', fault => { fault => 'next_elsewhere', to => "$other/" } } ]);
ok(!LprTest::heard($elsewhere), 'nobody came to the other host');

# ---- without an end ----

for my $case ([ 'lpr', 12 * 40 ], [ 'flock', 12 * 50 ], [ 'parkpow', 12 * 50 ])
{
	my ($name, $rows) = @$case;
	$node->trial([ { source => "${name}_capped", fault => { fault => 'endless' }, outcome => 'cut', state => '01004', rows => $rows,
		message => qr/has more reads than are shown/, detail => qr/limit of 12 pages/ } ]);
}
# verkada's reads have no names of their own: what comes again is known again. rekor has no pages, so nothing is endless there.
$node->trial([ { source => 'verkada_capped', fault => { fault => 'endless' }, outcome => 'cut', state => '01004', rows => sub { return $_[0] > 0 && $_[0] <= $all{verkada} },
	dropped => 'any', detail => qr/limit of 12 pages/ } ]);
$node->trial([ { source => 'rekor', fault => { fault => 'endless' } } ]);
for my $name (qw(lpr flock parkpow verkada))
{
	$node->trial([ { source => $name, fault => { class => 'page', fault => 'endless_same' }, outcome => 'failed', state => 'HV00M',
		rows => sub { return $_[0] <= 2 * $lab->{page}{$name} + $lab->{legs}{$name}[0] }, message => qr/sends the same page again/,
		$name eq 'verkada' ? (dropped => { repeated => 20 }) : () } ]);
}
# The cap of bytes of a whole question.
$node->safe_psql('lpr', "ALTER SERVER lpr_capped OPTIONS (ADD max_megabytes '1', SET max_pages '100000')");
$node->trial([ { source => 'lpr_capped', fault => { fault => 'endless' }, outcome => 'cut', state => '01004', rows => sub { return $_[0] > 480 && $_[0] < 4000 },
	detail => qr/limit of 1 MB/ } ], name => 'endless: the cap of bytes');

$lab->{session}->quit;
is_deeply([ $node->leaks ], [], 'no secret in the server log');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
$node->stop;
done_testing();
