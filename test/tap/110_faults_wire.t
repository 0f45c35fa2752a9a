# faults of the wire: late, slow, cut, too long, refused, redirected, endless. In every dialect and every class of request, beside a
# source that is well; what exactly is looked at after each stands in LprLab::trial.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use JSON::PP;
use List::Util qw(max);
use Test::More;

my $node = LprLab->laboratory('wire');
my $lab = $node->{lab};
my %all = %{ $lab->{usable} };

# What each dialect asks for, but for images. A round is what can be tried in one statement: each dialect in one class.
my %classes = map { $_ => [ classes($dialect{$_}) ] } @{ $lab->{names} };
my @rounds = map { my $i = $_; [ map { defined $classes{$_}[$i] ? [ $_, $classes{$_}[$i] ] : () } @{ $lab->{names} } ] } 0 .. 2;

sub whole { my ($name, $class) = @_; return $node->lab_before($name, $class, 0) }

# One fault in all dialects and classes; what is expected is the same for all, or comes from code by name and class.
sub everywhere
{
	my ($what, $suffix, $fault, $expected, %given) = @_;
	my $most = 0; # bytes of a source
	for my $round (@rounds)
	{
		my @cases = map {
			my ($name, $class) = @$_;
			{ source => "$name$suffix", fault => { class => $class, %$fault }, ref $expected eq 'CODE' ? $expected->($name, $class) : %$expected }
		} @$round;
		my $classes = join ', ', map { "$_->[0] $_->[1]" } @$round;
		my $result = $node->trial(\@cases, name => "$what: $classes", fresh => 1, %given);
		# First requests go out together; a second page is asked for when the first one is read. Together they take less than one after the other would.
		cmp_ok($result->{took} * 1000, '<', LprLab::sum_of(map { $result->{told}{ $_->{source} }{milliseconds} } @cases), '… side by side') # time: of the same statement
			if $given{together} && $round == $rounds[0];
		$most = max($most, map { $result->{told}{ $_->{source} }{bytes} // 0 } @cases);
	}
	return $most;
}

# ---- late and slow ----

everywhere('delay', '', { fault => 'delay', ms => 60 }, {}); # time: late, not more
everywhere('hang', '_hasty', { fault => 'hang' }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/sent nothing for 1 s|did not answer within 2 s/, retries => 0) }, together => 1);
everywhere('drip that stalls', '_hasty', { fault => 'drip', ms => 5000 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/sent nothing for 1 s/, detail => qr/after \d+ bytes/) }, together => 1);
everywhere('drip without an end', '_hasty', { fault => 'drip', ms => 60 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), message => qr/did not answer within 2 s/) }, together => 1);
everywhere('delay beyond the limit', '_hasty', { fault => 'delay', ms => 3600000 }, sub { # time: beyond any limit
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_)) }, together => 1);

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
	my $most = everywhere('gzip bomb', '_capped', { fault => 'gzip_bomb' }, sub {
		return (outcome => 'failed', state => 'HV00M', rows => whole(@_), message => qr/is larger than 1 MB/, detail => qr/after decompression/) });
	everywhere('gzip bomb that only just bursts', '_capped', { fault => 'gzip_bomb', bytes => 2 * 1024 * 1024 }, sub {
		return (outcome => 'failed', state => 'HV00M', rows => whole(@_)) });
	my $peak = $node->peak_rss_kb($lab->{pid});
	cmp_ok($peak - $before, '<', 40 * 1024, "the backend stays small: $before kB, then $peak kB");
	ok($most > 0 && $most < 16 * 1024 * 1024, "… and reads no more than it may: $most bytes");
}

# ---- refused ----

for my $status (400, 401, 403, 404, 408, 422, 500, 502, 503, 521)
{
	everywhere("status $status", '', { fault => 'status', status => $status }, sub {
		my ($name, $class) = @_;
		# A refused token is renewed once: sign in, ask, sign in, ask.
		my $its = $dialect{$name};
		my $again = $status == 401 && $class eq 'search' && $its->{signs_in};
		return (outcome => 'failed', state => 'HV000', rows => whole($name, $class), message => qr/^source "$name" answered with HTTP status $status$/,
			detail => qr/^The vendor says: (?:\w+: )?simulated failure$/, $its->{by_camera} ? () : (retries => $status == 408 || $status >= 500 ? 1 : 0),
			$again && !$its->{by_camera} ? (requests => 4) : ()) });
}
everywhere('status 503 once', '', { fault => 'status', status => 503, times => 1 }, { retries => 1 });
everywhere('status 401 once', '', { fault => 'status', status => 401, times => 1 }, sub {
	my ($name, $class) = @_;
	return $class =~ /search|page/ && $dialect{$name}{signs_in} ? () : (outcome => 'failed', state => 'HV000', rows => whole($name, $class)) }, strict => 0);

# A token that ends between two pages: another one is got, and the same page asked for. As often as there are pages, if need be.
$node->trial([ map { { source => $_, fault => { class => 'page', fault => 'status', status => 401, times => 1, after => 1 } } } such { $_->{signs_in} } ],
	name => 'a token that ends while paging', fresh => 1);

# An error that calls itself an answer.
for my $name (grep { ref $dialect{$_}{refusal}->('', 'search') } @{ $lab->{names} })
{
	my $body = JSON::PP->new->encode($dialect{$name}{refusal}->('Index is being rebuilt', 'search'));
	$node->trial([ { source => $name, fault => { class => 'search', fault => 'status', status => 200, body => $body },
		outcome => 'failed', state => 'HV00M', rows => 0, message => qr/is missing$/, detail => qr/^The vendor says: (?:\w+: )?Index is being rebuilt$/ } ],
		name => "200 with an error: $name", fresh => 1);
}
$node->trial([ map { { source => $_, fault => { class => 'search', fault => 'status', status => 204, body => '' }, rows => 0 } } @{ $lab->{names} } ],
	name => '204: nothing', fresh => 1);

# A vendor's words are shown escaped, 300 bytes of them at most, and without our secret, whatever it says.
{
	my %secret = map { $_ => $dialect{$_}{secret} } @{ $lab->{names} };
	my $words = sub { my ($name) = @_; return "<b>No\a\n\x1b[31m\"of\" \x{e9}\\n for $secret{$name}; DROP TABLE--" . ' %s%n' . ('y' x 180) . $secret{$name} . ('z' x 900) };
	my $shape = sub {
		my ($name, $class) = @_;
		my $body = $dialect{$name}{refusal}->($words->($name), $class);
		return ref $body ? JSON::PP->new->encode($body) : $body =~ s/\x{e9}/e/r =~ tr/\a\x1b//dr;
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
			like($said, !ref $dialect{$name}{refusal}->('', $class) ? qr/No\\x0A/ : qr/No\\x07\\x0A\\x1B\[31m"of" \\xC3\\xA9\\x5Cn/, '… escaped');
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
	for my $name (such { $_->{signs_in} })
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
	return (outcome => 'failed', state => 'HV000', rows => whole(@_), message => qr/HTTP status 429/, $dialect{$name}{by_camera} ? () : (retries => 1)) });
everywhere('429, retry in an hour', '', { fault => 'rate_limit', retry_after => 3600 }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), state_strict => 'HV000', message => qr/asks to wait 3600 s/, retries => 0) });
everywhere('429, retry at a date in an hour', '', { fault => 'rate_limit', retry_after => 3600, as_date => JSON::PP::true }, sub {
	return (outcome => 'failed', state => 'HV00N', rows => whole(@_), state_strict => 'HV000', message => qr/asks to wait 3[56]\d\d s/, retries => 0) });

# ---- elsewhere ----

my $elsewhere = LprTest::bystander();
my $other = 'http://127.0.0.1:' . $elsewhere->sockport;
everywhere('redirect to another host', '', { fault => 'redirect', to => "$other/reads" }, sub {
	return (outcome => 'failed', state => 'HV000', rows => whole(@_), message => qr/HTTP status 302/, detail => qr/not followed/, retries => 0) });
$node->vendor_forget;
everywhere('redirect to another vendor', '', { fault => 'redirect', to => "$node->{vendor_url}/other/lpr-v1/reads/search" }, sub {
	return (outcome => 'failed', state => 'HV000', rows => whole(@_)) });
is(scalar $node->vendor_log(vendor => 'other'), 0, 'the other vendor was not asked');

# The reply of class "search" or "page" names the next one: the pages up to it are shown. Links that lead away from where a vendor's own do, too.
my @pagers = such { $_->{pages} ne 'time' };
for my $linking (such { $_->{pages} eq 'link' })
{
	my ($its, $host) = ($dialect{$linking}, '127.0.0.1:' . $elsewhere->sockport);
	my $base = "$linking/$its->{name}";
	for my $to ("$other/next?page=2", "$node->{vendor_url}/other/$its->{name}$its->{path}?page=2", "$node->{vendor_url}/$base/media/x?page=2",
		"$node->{vendor_url}\@$host/$base$its->{path}?page=2", "$node->{vendor_url}/$base$its->{path}../../../../other/?page=2",
		'//127.0.0.1/', 'file:///etc/passwd', "$node->{vendor_url}/\r\nX-Evil: 1")
	{
		$node->vendor_forget;
		my @cases = map { {
			source => $_, fault => { class => 'search', fault => 'next_elsewhere', to => $to },
			outcome => 'failed', state => $to =~ /\r/ ? 'HV00M' : $dialect{$_}{odd_next}[0],
			rows => $node->lab_before($_, 'search', 1),
			$to =~ /\r/ ? () : (message => $dialect{$_}{odd_next}[1]) } } @pagers;
		$node->trial(\@cases, name => 'next page at ' . $to =~ s/\d{4,}/PORT/gr =~ s/[\r\n]/?/gr);
		is(scalar(grep { $_->{vendor} eq 'other' || $_->{class} =~ /image|other/ } $node->vendor_log), 0, '… nobody else was asked');
	}
}
$node->trial([ map { { source => $_, fault => { fault => 'next_elsewhere', to => "$other/" } } } such { $_->{pages} eq 'time' } ]);
ok(!LprTest::heard($elsewhere), 'nobody came to the other host');

# ---- without an end ----

for my $name (@pagers)
{
	my $its = $dialect{$name};
	# Of reads without a name, what comes again is known again.
	$node->trial([ { source => "${name}_capped", fault => { fault => 'endless' }, outcome => 'cut', state => '01004',
		$its->{keys}{id} ? (rows => 12 * $lab->{page}{$name}) : (rows => sub { return $_[0] > 0 && $_[0] <= $all{$name} }, dropped => 'any'),
		message => qr/has more reads than are shown/, detail => qr/limit of 12 pages/ } ]);
	$node->trial([ { source => $name, fault => { class => 'page', fault => 'endless_same' }, outcome => 'failed', state => 'HV00M',
		rows => sub { return $_[0] <= 2 * $lab->{page}{$name} + $lab->{legs}{$name}[0] }, message => qr/sends the same page again/,
		$its->{keys}{id} ? () : (dropped => { repeated => $lab->{page}{$name} }) } ]);
}
# Where there are no pages nothing is endless.
$node->trial([ map { { source => $_, fault => { fault => 'endless' } } } such { $_->{pages} eq 'time' } ]);
# The cap of bytes of a whole question.
$node->safe_psql('lpr', "ALTER SERVER lpr_capped OPTIONS (ADD max_megabytes '1', SET max_pages '100000')");
$node->trial([ { source => 'lpr_capped', fault => { fault => 'endless' }, outcome => 'cut', state => '01004', rows => sub { return $_[0] > 480 && $_[0] < 4000 },
	detail => qr/limit of 1 MB/ } ], name => 'endless: the cap of bytes');

$lab->{session}->quit;
is_deeply([ $node->leaks ], [], 'no secret in the server log');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
$node->stop;
done_testing();
