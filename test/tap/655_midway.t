# midway: rights that end in the middle of an answer end the answer (A1, A3, A5, Q7, Q10): whoever reads on is asked after before each further page, and at each
# FETCH. What expired meanwhile is not shown again (C2), and nobody holds it for long.
use strict;
use warnings;
use LprAccess;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('midway', cache => 1, world => 'noon');
$node->await_cache;
$node->add_source('pages', 'lpr-v1', options => { page_size => 10 });
$node->await_answers;
$node->appoint_deputy;
my ($n, $matters) = (0, 0);
sub opens { my ($more) = @_; my $m = ++$matters; return "SELECT lpr.open_event('Matter $m', 'suspect', 'title_18', 'SD-2026-1$m', 'In matter number $m the driver of a stolen van has to be found, by where it stood at night.'" . ($more // '') . ')' }

# A session of a person of their own, whose access ends with the test at hand.
sub analyst
{
	my (%given) = @_;
	my $login = 'clerk' . ++$n;

	$node->hire($login, 'lpr_user', supervisor => 'supervisor1');
	$node->train($login, $given{trained} // 0);
	my $grant = $node->grant($login, sources => 'acme,pages', modes => 'plate,location');
	my $owner = $given{member} ? 'analyst1' : $login;
	my $event = $node->answer($owner, opens(), logon => 0);
	$node->make_targets('lpr');
	$node->answer('analyst1', "SELECT lpr.add_member($event, '$login')") if $given{member};
	my ($session, $pid) = $node->session($login);
	$node->converse($session, LprTest::consent($event));
	return { login => $login, event => $event, session => $session, grant => $grant, pid => $pid };
}
sub requests { return scalar(my @all = $node->vendor_log(vendor => 'pages')) }
sub ends_well { my ($who) = @_; $node->converse($who->{session}, 'ROLLBACK'); $who->{session}->quit; return }

# Two reads of 200 by a cursor; then rights end; then the rest.
sub ends
{
	my ($name, $control, $state, $do, %given) = @_;
	my $who = $given{who} // analyst(%given);
	my $plate = $given{plate} // 'BULK' . (200 + $n);
	my $question = $given{question} // "SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = '$plate'";

	my ($out, $err) = $node->converse($who->{session}, "BEGIN; DECLARE c CURSOR FOR $question; FETCH 2 FROM c");
	is($err . (split /\n/, $out), '2', "$name: an answer begins");
	my $asked = requests();
	my $head = $node->head;
	$do->($who);
	($out, $err) = $node->converse($who->{session}, $given{read} // 'FETCH ALL FROM c');
	is($out, '', '… and shows nothing more');
	like($err, qr/ERROR: +$state: .*\nDETAIL: +\S.*\nHINT: +\S/s, "… refused: $state");
	is($node->records_after($head, "kind = 'refused'"), join(' ', 'refused', $who->{login}, $given{source} // 'pages', 'of +0', $control, $state), '… on record, as the rest of that answer');
	is(requests() - $asked, 0, '… and the vendor is asked no more');
	ends_well($who);
	return $who;
}
sub suspends { my ($who) = @_; return $node->answer('supervisor1', "SELECT lpr.suspend_access($who->{grant}, 'The reason given for this access is being looked into by the office of integrity.')", logon => 0) }

# ---- whatever ends them ----

my $because = 'The van was found, and its driver was charged with the theft of it.';
ends('suspended', 'A7', 'LP025', \&suspends);
ends('the event closed', 'Q7', 'LP042', sub { $node->answer($_[0]{login}, "SELECT lpr.close_event($_[0]{event}, '$because')", logon => 0) });
ends('removed from the event', 'Q7', 'LP041', sub { $node->answer('analyst1', "SELECT lpr.remove_member($_[0]{event}, '$_[0]{login}')") }, member => 1);
my $leaver = analyst();
$node->converse($leaver->{session}, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK300'; FETCH 2 FROM c");
$node->answer('admin1', "SELECT lpr.retire_person('$leaver->{login}')", logon => 0);
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = '$leaver->{login}'") == 0 }), 'retired: the session ends, and its cursor with it');
ends('the source disabled', 'Q10', 'LP003', sub { $node->answer('postgres', "UPDATE lpr_data.source SET enabled = false WHERE name = 'pages'") });
$node->answer('postgres', "UPDATE lpr_data.source SET enabled = true WHERE name = 'pages'");
ends('the source no longer granted', 'Q10', 'LP004', sub { $node->answer('postgres', 'REVOKE USAGE ON FOREIGN SERVER pages FROM lpr_user') });
$node->answer('postgres', 'GRANT USAGE ON FOREIGN SERVER pages TO lpr_user');
ends('no member of lpr_user', 'A1', 'LP022', sub { $node->answer('postgres', "REVOKE lpr_user FROM $_[0]{login}") });
ends('the consent ended by oneself', 'A5', 'LP028', sub { $node->converse($_[0]{session}, 'DISCARD PLANS') });
ends('a new version of the rules', 'A5', 'LP028', sub { $node->answer('privacy1', "SELECT lpr.set_rules('RULES OF USE. $LprTest::clauses')", logon => 0) });

# By the clock: nothing changes, and nothing has to run.
my $short = analyst();
my $brief = $node->answer($short->{login}, opens(", until => clock_timestamp() + interval '2 hours'"), logon => 0);
$node->make_targets('lpr');
$node->converse($short->{session}, "SELECT lpr.work_on($brief)");
ends('the event over by its date', 'Q7', 'LP042', sub { $node->clock_to("SELECT ends_at FROM lpr_data.event WHERE event_id = $brief", 1); $node->agree_again($short->{session}) }, who => $short);

my $stale = analyst(trained => 360);
my $until = "SELECT max(t.valid_until) FROM lpr_data.training AS t JOIN lpr_data.person AS p USING (person_id) WHERE p.login = '$stale->{login}'";
$node->clock_to($until, -60);
$node->await_cache;
$node->agree_again($stale->{session});
ends('the training a year ago', 'A3', 'LP026', sub { $node->clock_to($until, 1) }, who => $stale);
ends('a course more that is required', 'A3', 'LP026', sub { $node->answer('admin1', "SELECT lpr.add_course('drones', 'What drones see')", logon => 0) });
$node->answer('admin1', "SELECT lpr.retire_course('drones')", logon => 0);
$node->await_cache;

# ---- however the rest is asked for ----

ends('MOVE', 'A7', 'LP025', \&suspends, read => 'MOVE 100 FROM c');
ends('FETCH RELATIVE', 'A7', 'LP025', \&suspends, read => 'FETCH RELATIVE 50 FROM c');
ends('one row, which is there already', 'A7', 'LP025', \&suspends, read => 'FETCH 1 FROM c');
ends('sorted here: all of it is there', 'A7', 'LP025', \&suspends, question => "SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK31' ORDER BY md5(read_id)");
ends('in a CTE', 'A7', 'LP025', \&suspends, question => "WITH r AS MATERIALIZED (SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK33') SELECT * FROM r, generate_series(1, 1)");
ends('in a join, out of its inner side', 'A7', 'LP025', \&suspends, question => "SELECT g || r.read_id FROM generate_series(1, 50) AS g, lpr.reads AS r WHERE r.source = 'pages' AND r.plate = 'BULK34'");
my $kept = analyst();
$node->converse($kept->{session}, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK35'");
ends('out of the cache', 'A7', 'LP025', \&suspends, who => $kept, source => 'acme', question => "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK35'");

my $saver = analyst();
my ($read) = $node->converse($saver->{session}, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK2' LIMIT 1");
($read) = split /\n/, $read;
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
$node->converse($saver->{session}, "SELECT lpr.save($saver->{event}, 'acme', '{$read}', '$why', 'illicit_activity')");
my $at = $node->head;
my ($seen) = $node->converse($saver->{session}, "BEGIN; DECLARE c CURSOR FOR SELECT r.read_id FROM lpr.event_reads($saver->{event}) AS r, generate_series(1, 5); FETCH 1 FROM c");
is($seen, $read, 'what was saved is read by a cursor');
suspends($saver);
my ($on, $said) = $node->converse($saver->{session}, 'FETCH ALL FROM c');
is($on, '', '… and no further once access is suspended');
like($said, qr/ERROR: +LP025: .*\nDETAIL: .*\nHINT: /s, '… but refused: LP025');
is($node->records_after($at, "kind = 'refused'"), "refused $saver->{login} of +1 A7 LP025", '… on record, as of that look');
ends_well($saver);

# In one statement, whose vendor is slow: the next page is not asked for.
my $slow = analyst();
$node->vendor_forget;
$node->vendor_faults({ vendor => 'pages', class => 'page', after => 2, fault => 'hold', times => 1 });
$node->send_sql($slow->{session}, "\\set VERBOSITY verbose\nSELECT count(*) FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK190'");
LprTest::eventually(sub { requests() >= 4 }) or die 'it is not asked so far';
suspends($slow);
$node->vendor_well;
$slow->{session}{stderr} = '';
$slow->{session}->query('');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'refused' AND login = '$slow->{login}' AND sqlstate = 'LP025' AND ask IS NOT NULL") == 1 }), 'one statement: its rest is refused, on record');
cmp_ok(requests(), '<', 8, '… and the vendor is not asked for it');
$slow->{session}->quit;

# Who waits for the answer of somebody who asks the same is not shown it.
my ($first, $second) = (analyst(), analyst());
$node->vendor_faults({ vendor => 'pages', class => 'search', fault => 'hold', times => 1 });
$node->send_sql($first->{session}, "SELECT count(*) FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK170'");
LprTest::eventually(sub { grep { $_->{body} =~ /BULK170/ } $node->vendor_log(vendor => 'pages') }) or die 'nothing is asked';
$at = $node->head;
my $waiting = $node->head;
$node->send_sql($second->{session}, "SELECT 'shown', count(*) FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK170'");
LprTest::eventually(sub { $node->records_after($waiting, "kind = 'ask'") =~ /$second->{login}/ }) or die 'it is not asked';
suspends($second);
$node->vendor_well;
is($first->{session}->query(''), 170, 'who asked first is answered');
unlike($second->{session}->query(''), qr/shown/, '… who waited for that, and was suspended, is not');
is($node->records_after($at, "kind = 'refused'"), "refused $second->{login} pages of +1 A7 LP025", '… but refused, on record');
$_->{session}->quit for $first, $second;

# What changed, but not for this person, ends nothing; and looking leaves no record.
my $calm = analyst();
my ($out, $err) = $node->converse($calm->{session}, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK180'; FETCH 2 FROM c");
my $head = $node->head;
$node->answer('analyst2', opens());
suspends(analyst());
my $before = $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE login = '$calm->{login}'");
($out, $err) = $node->converse($calm->{session}, 'FETCH ALL FROM c');
is($err . (split /\n/, $out), 178, 'changes that are none of theirs: the answer goes on');
is($node->answer('postgres', "SELECT string_agg(DISTINCT kind, ',') FROM lpr_data.audit WHERE number > $head AND login = '$calm->{login}' AND kind <> 'answer'"), '', '… and no look at it is on record');
$node->converse($calm->{session}, 'COMMIT');

# ---- what is shown again, or for too long ----

for my $scroll ('SCROLL CURSOR', 'INSENSITIVE SCROLL CURSOR', 'BINARY SCROLL CURSOR')
{
	$head = $node->head;
	($out, $err) = $node->converse($calm->{session}, "BEGIN; DECLARE s $scroll FOR SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK20'");
	like($err, qr/ERROR: +LP050: DECLARE CURSOR SCROLL is refused\nDETAIL: .*\nHINT: .*without SCROLL/s, "DECLARE $scroll");
	like($node->records_after($head, "kind = 'refused'"), qr/^refused $calm->{login} E2 LP050$/, '… on record');
	$node->converse($calm->{session}, 'ROLLBACK');
}
my %shown = (forward => 'FETCH ALL FROM c', back => 'MOVE ABSOLUTE 0 FROM c; FETCH ALL FROM c', one => 'FETCH 1 FROM c');
for my $way (sort keys %shown)
{
	my $who = analyst();
	my $plate = 'BULK' . (60 + $n);
	($out, $err) = $node->converse($who->{session}, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = '$plate' ORDER BY md5(read_id); FETCH 2 FROM c");
	is($err . (split /\n/, $out), 2, "an answer that is held, $way");
	$head = $node->head;
	$node->clock_to("SELECT max(expires_at) FROM lpr_data.cache_answer", -5);
	$node->agree_again($who->{session});
	($out, $err) = $node->converse($who->{session}, 'FETCH 1 FROM c');
	is($err, '', '… until it expires');
	$node->move_clock(10);
	($out, $err) = $node->converse($who->{session}, $shown{$way});
	is($out, '', '… is not shown after that');
	like($err, qr/ERROR: +LP055: .*\nDETAIL: .*\nHINT: .*ask again/s, '… but refused: LP055');
	is($node->records_after($head, "kind = 'refused'"), "refused $who->{login} pages of +0 C2 LP055", '… on record');
	ends_well($who);
	$node->await_cache;
}
my $holder = analyst();
$node->converse($holder->{session}, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK99'; FETCH 2 FROM c");
my $idle = analyst();
$node->converse($idle->{session}, "SELECT count(*) FROM lpr.reads WHERE source = 'pages' AND plate = 'BULK98'");
$node->clock_to('SELECT max(expires_at) FROM lpr_data.cache_answer', 62);
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $holder->{pid}") == 0 }), 'who holds an answer in an open transaction past its time is ended');
is($node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $idle->{pid}"), 1, '… who holds none is not');
$_->{session}->quit for $calm, $idle;
$node->sound('afterwards');
$node->stop;
done_testing();
