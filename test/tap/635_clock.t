# clock: what ends, ends by the clock, in the middle of a session and with nothing that has to run for it (preload.c plays the clock).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('clock', world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr');
is($node->answer('analyst1', LprTest::quick()), 1, 'who came through all of it is answered');
$node->answer('postgres', "UPDATE lpr_data.source SET approved_on = '2020-01-01', published_on = '2020-01-01'");

# One session for all of it, so that it is not a new one that is refused.
$node->hire('clerk1', 'lpr_user', supervisor => 'supervisor1');
$node->train('clerk1', 360 - $_, $LprTest::courses[$_]) for 0 .. $#LprTest::courses;
my $grant = $node->grant('clerk1', valid_for => '1 year');
my $event = $node->open_event('clerk1');
my ($session) = $node->session('clerk1');
my $agreed_at = 0; # by our clock: an agreement ends sooner than what is looked at here
sub agree { $node->agree_again($session) if abs($node->now - $agreed_at) > 1200; $agreed_at = $node->now; return }
my $question = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme' AND event_id = ";
sub asks { my ($name, $of) = @_; agree(); return unlike(($node->converse($session, $question . ($of // $event)))[1], qr/ERROR|WARNING/, "$name: is asked") }
sub refuses
{
	my ($name, $control, $state, $of) = @_;
	agree();
	my $head = $node->head;

	like(($node->converse($session, $question . ($of // $event)))[1], qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state");
	return is($node->records_after($head, "kind = 'refused'"), "refused clerk1 acme $control $state", '… is on record');
}
$node->converse($session, LprTest::consent($event));
asks('at first');
# The gate's second part says itself until when it holds: the very moment at which the next question is refused.
sub holds_until
{
	my ($name, $moment, %of) = @_;
	my ($source, $mode, $for) = ($of{source} // 'acme', $of{mode} // 'plate', $of{event} // $event);

	return is($node->answer('postgres', "SELECT g.refusal IS NULL, g.holds_until = ($moment) FROM lpr_data.person AS p
		CROSS JOIN lpr_data.gate_person(ROW(p.login::regrole, true, false, '', false, true, 1, now(), 0, false, '$source', '$mode', $for, now(), now(), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL)::lpr_data.question,
			p.person_id, clock_timestamp()) AS g WHERE p.login = 'clerk1'"), 't|t', "$name: until then it holds");
}

# ---- an event ends ----

my $short = $node->open_event('clerk1', until => $node->answer('postgres', "SELECT clock_timestamp() + interval '2 hours'"));
$node->clock_to("SELECT ends_at FROM lpr_data.event WHERE event_id = $short", -60);
asks('an event a minute before its end', $short);
holds_until('an event', "SELECT ends_at FROM lpr_data.event WHERE event_id = $short", event => $short);
$node->clock_to("SELECT ends_at FROM lpr_data.event WHERE event_id = $short", 1);
refuses('an event after its end', 'Q7', 'LP042', $short);
asks('… and another one', $event);
$node->answer('clerk1', "SELECT lpr.extend_event($short, clock_timestamp() + interval '1 day', 'The van was seen once more on the coast road, by a patrol of the county.')");
asks('an event that was extended', $short);
$node->move_clock(-86400);
refuses('an event before it was opened, by a clock that was set back', 'Q7', 'LP042');
$node->move_clock(86400);

# ---- what an update lets pass for some days ----

$node->answer('postgres', "INSERT INTO lpr_data.grace (what, since, until) SELECT w, clock_timestamp(), clock_timestamp() + interval '2 hours' FROM unnest('{sources,personnel_numbers}'::text[]) AS w");
my $grace = "SELECT until FROM lpr_data.grace WHERE what";
$node->answer('postgres', "UPDATE lpr_data.source SET published_on = NULL WHERE name = 'acme'; CREATE TABLE public.number AS SELECT personnel_hash AS hash FROM lpr_data.person WHERE login = 'clerk1'; UPDATE lpr_data.person SET personnel_hash = NULL WHERE login = 'clerk1'");
$node->clock_to("$grace = 'sources'", -60);
asks('without a day of publication and a number, a minute before the end');
holds_until('a source without a day of publication', "$grace = 'sources'");
is($node->answer('postgres', "SELECT g.refusal IS NULL, g.holds_until = ($grace = 'personnel_numbers') FROM lpr_data.gate_session(ROW('clerk1'::regrole, true, false, '', false, true, (SELECT max(version) FROM lpr_data.rules), clock_timestamp(), 0, false, 'acme', 'plate',
	$event, now(), now(), NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL)::lpr_data.question, clock_timestamp()) AS g"), 't|t', 'a login without a number: until then it holds');
$node->clock_to("$grace = 'sources'", 1);
refuses('a login without a number, afterwards', 'A8', 'LP036');
$node->answer('postgres', "UPDATE lpr_data.person SET personnel_hash = (SELECT hash FROM public.number) WHERE login = 'clerk1'");
refuses('a source without a day of publication, afterwards', 'Q10', 'LP003');
$node->answer('postgres', "UPDATE lpr_data.source SET published_on = '2017-12-11' WHERE name = 'acme'");
asks('both on record');

# ---- each course lapses, and is completed anew ----

for my $course (@LprTest::courses)
{
	my $until = "SELECT max(t.valid_until) FROM lpr_data.training AS t JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'clerk1' AND t.course = '$course'";

	$node->clock_to($until, -60);
	asks("$course, a minute before its year is over");
	holds_until($course, $until);
	$node->clock_to($until, 1);
	refuses("$course, once its year is over", 'A3', 'LP026');
	if ($course eq 'privacy')
	{
		# What a superuser enters for later does not count before.
		$node->answer('postgres', "INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id, recorded_at) SELECT p.person_id, 'privacy', lpr_data.utc_today() + 10, now() + interval '300 days', t.person_id,
			now() + interval '11 days' FROM lpr_data.person AS p, lpr_data.person AS t WHERE p.login = 'clerk1' AND t.login = 'trainer1'");
		refuses('privacy, entered for later', 'A3', 'LP026');
	}
	$node->train('clerk1', 0, $course);
	asks("$course completed anew");
}

# ---- a grant lapses ----

my $brief = $node->grant('clerk1', valid_for => '10 days', sources => 'birdseye');
my $birdseye = sub { agree(); my $sql = $question; $sql =~ s/acme/birdseye/; return ($node->converse($session, "$sql$event"))[1] };
$node->clock_to("SELECT ends_at FROM lpr_data.access WHERE access_id = $brief", -60);
unlike($birdseye->(), qr/ERROR|WARNING/, 'a grant a minute before its end');
holds_until('a grant', "SELECT ends_at FROM lpr_data.access WHERE access_id = $brief", source => 'birdseye');
$node->clock_to("SELECT ends_at FROM lpr_data.access WHERE access_id = $brief", 1);
like($birdseye->(), qr/ERROR: +LP025/, '… and after it: LP025');
is($node->answer('postgres', "SELECT state FROM lpr_data.access WHERE access_id = $brief"), 'granted', '… by the clock: nothing had to run');
is($node->answer('clerk1', "SELECT state FROM lpr.access_requests WHERE request = $brief"), 'lapsed', '… and shown as lapsed');
like($node->messages('owner1', "SELECT lpr.recertify('clerk1', 'x')"), qr/LP033/, 'no lead');
$node->hire('clerk2', 'lpr_user', supervisor => 'supervisor1');
my $day = $node->grant('clerk2', valid_for => '1 day');
my $their = $node->open_event('clerk2');
$node->clock_to("SELECT ends_at FROM lpr_data.access WHERE access_id = $day", 1);
$node->refused('an event, once the grant has lapsed', 'clerk2', "SELECT lpr.open_event('Another van', 'suspect', 'title_18', 'SD-1', 'Who drives the grey van at night has to be found out.')", 'A7', 'LP025');
$node->refused('… nor is one extended', 'clerk2', "SELECT lpr.extend_event($their, clock_timestamp() + interval '200 days', 'Who drives the grey van at night has to be found out.')", 'A7', 'LP025');
$node->refused('an event without a grant that lasts', 'clerk1', "SELECT lpr.open_event('t one', 'suspect', 'title_18', 'SD-1', 'Who drives the grey van at night has to be found out.', 'AFI')", 'A7', 'LP025');

# ---- recertification lapses while a renewed grant goes on ----

$node->answer('clerk1', "SELECT lpr.extend_event($event, clock_timestamp() + interval '360 days', 'The van is still missing, and its trail has to be followed to the end of the year.')"); # what ran out is closed 30 days later
$node->clock_to("SELECT granted_at + interval '10 months' FROM lpr_data.access WHERE access_id = $grant", 0);
my $second = $node->grant('clerk1');
$node->train('clerk1', 0);
$node->answer('clerk1', "SELECT lpr.extend_event($event, clock_timestamp() + interval '365 days', 'The stolen van has not been found, and the trial of its driver is next year.')");
$node->clock_to("SELECT (granted_at AT TIME ZONE 'UTC' + interval '1 year') AT TIME ZONE 'UTC' FROM lpr_data.access WHERE access_id = $grant", -60);
asks('a year after the first grant, but a minute');
holds_until('certified by the first grant', "SELECT (granted_at AT TIME ZONE 'UTC' + interval '1 year') AT TIME ZONE 'UTC' FROM lpr_data.access WHERE access_id = $grant");
$node->clock_to("SELECT (granted_at AT TIME ZONE 'UTC' + interval '1 year') AT TIME ZONE 'UTC' FROM lpr_data.access WHERE access_id = $grant", 1);
refuses('a year after the first grant', 'A4', 'LP027');
is($node->answer('postgres', "SELECT ends_at > clock_timestamp() FROM lpr_data.access WHERE access_id = $second"), 't', '… though the second grant goes on');
$node->answer('postgres', "INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason) SELECT p.person_id, now() + interval '10 days', l.person_id, now() + interval '20 days', 'x'
	FROM lpr_data.person AS p, lpr_data.person AS l WHERE p.login = 'clerk1' AND l.login = 'lead1'");
refuses('recertified from later on', 'A4', 'LP027');
$node->answer('lead1', "SELECT lpr.recertify('clerk1', 'Still looks for stolen vans every day, as the log shows.')");
asks('recertified');
$node->clock_to('SELECT max(valid_until) FROM lpr_data.recertification', -40 * 86400);
my $third = $node->grant('clerk1');
$node->train('clerk1', 0);
$node->answer('clerk1', "SELECT lpr.extend_event($event, clock_timestamp() + interval '350 days', 'The appeal of the driver is heard in spring, and the van is not found yet.')");
$node->clock_to('SELECT max(valid_until) FROM lpr_data.recertification', -60);
asks('a year after the recertification, but a minute');
holds_until('recertified', 'SELECT max(valid_until) FROM lpr_data.recertification');

# ---- reminders: 30, 7 and 1 day before, each once ----

my $mails = sub { my ($what) = @_; return $node->answer('postgres', "SELECT coalesce(string_agg(substring(m.key FROM '[^:]*\$'), ' ' ORDER BY m.mail_id), '') FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'clerk1' AND m.key LIKE '$what'") };
my $ends = sub { my ($table) = @_; return {
	training => "SELECT max(t.valid_until) FROM lpr_data.training AS t JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'clerk1' AND t.course = 'privacy'",
	recertification => 'SELECT max(valid_until) FROM lpr_data.recertification', access => 'SELECT ends_at FROM lpr_data.access ORDER BY access_id DESC LIMIT 1' }->{$table} };
$node->clock_to('SELECT max(valid_until) FROM lpr_data.recertification', 1);
refuses('a year after the recertification', 'A4', 'LP027');
$node->answer('lead1', "SELECT lpr.recertify('clerk1', 'Goes on looking for stolen vans, with results every month.')");
for my $table (qw(training access recertification))
{
	my $key = $table eq 'training' ? 'training:%:privacy:' : "$table:%:";

	# One that outlasts what is looked at; the one looked at, of 45 days.
	$node->grant('clerk1', valid_for => $table eq 'access' ? '45 days' : '1 year') if $table ne 'training';
	$node->answer('lead1', "SELECT lpr.recertify('clerk1', 'Goes on looking for stolen vans, with results every month.')") if $table eq 'recertification';
	my $day = $node->answer('postgres', "SELECT to_char((" . $ends->($table) . ") AT TIME ZONE 'UTC', 'YYYY-MM-DD')");

	for my $step ([ 31, '' ], [ 29.9, '30' ], [ 8, '30' ], [ 6.9, '30 7' ], [ 2, '30 7' ], [ 0.9, '30 7 1' ], [ -0.1, '30 7 1' ])
	{
		my ($days, $sent) = @$step;

		$node->clock_to($ends->($table), -int($days * 86400));
		$node->answer('postgres', 'SELECT lpr_data.remind()') for 1 .. 2;
		is($mails->("$key$day:%"), $sent, "$table, $days days before: reminded of " . ($sent || 'nothing'));
	}
}
$session->quit;
$node->sound('in the end');
$node->stop;
done_testing();
