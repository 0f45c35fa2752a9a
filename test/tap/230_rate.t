# rate: requests_per_minute holds for the whole cluster, whoever asks.
use strict;
use warnings;
use LprTest;
use POSIX qw(strftime);
use Test::More;

my $node = LprTest->start_staged('rate');
my ($per_minute, $burst, $sessions, $each) = (480, 8, 4, 8); # a turn in 125 ms, eight of them at once

# Many questions of one session, none of which may end the others.
sub questions
{
	my ($source, $n) = @_;
	return "CALL public.ask('$source', $n)";
}

$node->safe_psql('lpr', q{CREATE PROCEDURE public.ask(source text, n integer) LANGUAGE plpgsql AS $$ BEGIN
	FOR i IN 1 .. n LOOP EXECUTE format('SELECT count(*) FROM lpr.reads WHERE plate = ''BULK3'' AND source = %L', source); END LOOP; END $$});
my $ask_in_vain = $node->procedure('ask_in_vain', "BEGIN PERFORM count(*) FROM lpr.reads WHERE plate = 'BULK3' AND source = 'limited'; EXCEPTION WHEN query_canceled THEN NULL; END");

# Arrivals at a vendor, in seconds since the first.
sub arrivals
{
	my @log = $node->vendor_log(vendor => $_[0]);
	return map { ($_->{t_us} - $log[0]{t_us}) / 1e6 } @log;
}

# The most that any window of so many seconds saw.
sub most
{
	my ($seconds, @times) = @_;
	my $most = 0;

	for my $start (@times)
	{
		my $seen = grep { $_ >= $start && $_ < $start + $seconds } @times;
		$most = $seen if $seen > $most;
	}
	return $most;
}

# Without a limit this takes no time.
$node->add_source('free', 'lpr-v1');
my @jobs = map { $node->launch('analyst1', questions('free', $each)) } 1 .. $sessions;
$node->landed($_) for @jobs;
my @free = arrivals('free');
is(scalar @free, $sessions * $each, 'without requests_per_minute all is asked');

$node->add_source('limited', 'lpr-v1', options => { requests_per_minute => $per_minute });
@jobs = map { $node->launch($_ % 2 ? 'analyst1' : 'analyst2', questions('limited', $each)) } 1 .. $sessions;
$node->landed($_) for @jobs;
my @limited = arrivals('limited');
is(scalar @limited, $sessions * $each, 'with it all is asked as well, by several sessions of several logins');
my $expected = ($sessions * $each - $burst) * 60 / $per_minute;
cmp_ok($limited[-1], '>=', $expected - 0.3, '… and takes its time') or diag("@limited");
cmp_ok($limited[-1], '<', $expected + 1 + 3 * $free[-1], '… and no more than what it takes without a limit'); # time: against a peer's
# One more than the pace and the burst allow, for the way from one clock to the other.
for my $window (1, 2)
{
	cmp_ok(most($window, @limited), '<=', $burst + $window * $per_minute / 60 + 1, "… in any window of $window s");
}

# A session that begins when the turns are gone waits for the next, and one of another source does not.
$node->answer('postgres', "ALTER SERVER limited OPTIONS (SET requests_per_minute '1')");
my $waiting = $node->launch('analyst1', questions('limited', 2));
$node->await_network($waiting);
$node->answer('analyst1', questions('free', 1));
is($node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$waiting->{name}' AND state = 'active'"), 1, 'another source does not wait');
$node->answer('postgres', "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '$waiting->{name}'");
$node->landed($waiting);

# The limit outlives the session, and is renewed with the option.
$node->answer('postgres', "ALTER SERVER limited OPTIONS (SET requests_per_minute '60')");
$node->vendor_forget;
$node->answer('analyst1', questions('limited', 1)) for 1 .. 3;
cmp_ok((arrivals('limited'))[-1], '>=', 1.7, 'a lower limit counts at once, for sessions that follow one another');
$node->answer('postgres', "ALTER SERVER limited OPTIONS (SET requests_per_minute '1')");
$node->answer('postgres', 'ALTER SERVER limited OPTIONS (DROP requests_per_minute)');
$node->vendor_forget;
$node->answer('analyst1', questions('limited', 10)); # in less than nine minutes: ask() waits no longer
is(scalar(my @all = arrivals('limited')), 10, 'without the option there is no limit');

# Retries take turns of their own.
$node->answer('postgres', "ALTER SERVER limited OPTIONS (ADD requests_per_minute '60')");
$node->vendor_faults({ vendor => 'limited', fault => 'status', status => 503, times => 2 });
$node->vendor_forget;
$node->answer('analyst1', questions('limited', 1));
my @retried = arrivals('limited');
is(scalar @retried, 3, 'two retries');
cmp_ok($retried[-1], '>=', 1.7, '… at the pace of the limit');

# A vendor that counts by the second and says nothing else than 429: all is asked all the same, ever more slowly.
$node->add_source('flock', 'flock-v3',
	options => { retry_time => 20000 });
$node->vendor('POST', '/control/settings', { flock_per_second => 8 });
$node->vendor_forget;
is($node->answer('analyst1', "SELECT outcome FROM (SELECT count(*) FROM lpr.search_plate('B0B5S8Z', look_alikes => true) WHERE source = 'flock') AS c, LATERAL (SELECT q.outcome FROM lpr.last_query() AS q WHERE c.count >= 0 AND q.source = 'flock') AS q"),
	'complete', 'a limit per second is outlived');
my @slowed = $node->vendor_log(vendor => 'flock');
is(scalar(grep { $_->{class} eq 'search' && $_->{status} == 200 } @slowed), 64, '… each plate was asked for');
cmp_ok(scalar(grep { $_->{status} == 429 } @slowed), '<', 32, '… and it was not too much for long');
$node->vendor('POST', '/control/settings', { flock_per_second => 0 });

# When to come back: a vendor says so in one of these ways. What is too long for anybody to wait is told, and so is how long.
{
	my $at = time + 3600;
	my @at = gmtime $at;
	my @days = qw(Sunday Monday Tuesday Wednesday Thursday Friday Saturday);
	my @forms = (
		['Retry-After', 3600, 'seconds'], ['Retry-After', '3600.75', 'seconds with a fraction'],
		['Retry-After', strftime('%a, %d %b %Y %H:%M:%S GMT', @at), 'a date'],
		['Retry-After', "$days[$at[6]], " . strftime('%d-%b-%y %H:%M:%S GMT', @at), 'a date as RFC 850 has it'],
		['Retry-After', strftime('%a %b %e %H:%M:%S %Y', @at), 'a date as asctime() has it'],
		['X-RateLimit-Reset', 3600, 'seconds until the limit begins anew'], ['X-RateLimit-Reset', '3600.5', '… with a fraction'],
		['X-RateLimit-Reset', $at, 'seconds since 1970'], ['X-RateLimit-Reset', "$at.25", '… with a fraction'],
		['X-RateLimit-Reset', "${at}000", 'milliseconds since 1970'],
		['RateLimit-Reset', 3600, 'the header without X']);

	$node->add_source('patient', 'lpr-v1');
	my $ask = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK3' AND source = 'patient'";
	my $told = sub {
		$node->vendor_faults({ vendor => 'patient', fault => 'rate_limit', @_ });
		my $messages = $node->messages('analyst1', $ask);
		$node->vendor_well;
		return $messages =~ /asks to wait (\d+) s/ ? $1 : $messages;
	};
	for (@forms)
	{
		my ($header, $value, $what) = @$_;
		my $seconds = $told->(header => $header, value => "$value");

		ok($seconds =~ /^\d+$/ && $seconds <= 3601 && $seconds > 3600 - 600, "$header: $what") or diag("$value: $seconds");
	}
	is($told->(retry_after => 3600, reset => 7200), 3600, 'Retry-After goes before X-RateLimit-Reset');
	is($told->(value => 'soon', reset => 7200), 7200, '… unless it is no time');
}

# A wait that is not too long is waited: more than without a word.
for (['fraction', 'Retry-After', '2.5'], ['reset', 'X-RateLimit-Reset', 3], ['epoch', 'X-RateLimit-Reset', sub { time + 5 }])
{
	my ($source, $header, $value) = @$_;

	$node->add_source($source, 'lpr-v1');
	my $moment = ref $value ? $value->() : undef; # and what is left of it by then
	$node->vendor_faults({ vendor => $source, fault => 'rate_limit', times => 1, header => $header, value => '' . ($moment // $value) });
	$node->answer('analyst1', questions($source, 1));
	$node->vendor_well;
	my @log = $node->vendor_log(vendor => $source);
	is(scalar @log, 2, "$header in a form ($source): it comes back once");
	my ($at, $least) = defined $moment ? ($log[1]{t_us} / 1e6, $moment) : (($log[1]{t_us} - $log[0]{t_us}) / 1e6, $value);
	cmp_ok($at, '>=', $least - 0.01, '… and not before');
}

# What is no time is as if it were not there.
$node->vendor_faults({ vendor => 'fraction', fault => 'rate_limit', times => 1, value => 'soon' });
$node->vendor_forget;
$node->answer('analyst1', questions('fraction', 1));
is(scalar(my @soon = arrivals('fraction')), 2, 'Retry-After: soon');
$node->vendor_well;

# Who stops waiting gives the turn back: those of a minute, one every two seconds.
$node->answer('postgres', "ALTER SERVER limited OPTIONS (SET requests_per_minute '30')");
$node->ask('analyst1', "SET statement_timeout = 100;\n" . "$ask_in_vain;\n" x 30, psql => { on_error_stop => 0 });
my $since = LprTest::steady();
$node->answer('analyst1', questions('limited', 1));
cmp_ok(LprTest::steady() - $since, '<', 30, 'turns that were waited for in vain are given back'); # time: of the minute that they were, half

$node->stop;

# Without shared memory there are no limits, hence no questions.
my $bare = LprTest->make('unlimited', preload => '');
$bare->start;
$bare->vendor_start;
$bare->stage('lpr');
my $plain = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK3' AND source = 'acme'";
my $messages = $bare->messages('analyst1', $plain, logon => 0);
like($messages, qr/ERROR: +LP020: /, 'not preloaded: a question is refused');
like($messages, qr/HINT: .*shared_preload_libraries/, '… with a hint');
is(scalar(my @none = $bare->vendor_log), 0, '… and nothing was sent');
like($bare->answer('analyst1', "EXPLAIN $plain", logon => 0), qr/acme/, '… EXPLAIN works');
is($bare->answer('analyst1', "SELECT lpr.normal_plate('a-1')", logon => 0), 'A1', '… and so does what needs no vendor');
$bare->answer('postgres', "LOAD 'lpr'");
$bare->stop;
done_testing();
