# deputies: nothing waits for one supervisor, system owner or lead who is away, and who acts in another's stead is held to what holds for both (A1, A4, A8, E4).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('deputies');
my $because = $LprTest::because;
my $certain = 'Still looks for stolen vans every day, as the log of the last months shows.';
my $away = 'Is on leave until the end of the month and cannot be reached by anybody.';
my $ask = sub { my ($login, $more) = @_; return $node->answer($login, "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find out where stolen vans stand at night, for the team of $login" . ($more // '') . ".')", logon => 0) };
my $names = sub { my ($person, $deputy, $more, $until) = @_; return "SELECT lpr.deputise('$person', '$deputy', now() + interval '" . ($until // '10 days') . "', '$away'" . ($more // '') . ')' };
my $ends = sub { my ($person, $deputy, $more) = @_; return "SELECT lpr.end_deputy('$person', '$deputy', 'Is back at her desk.'" . ($more // '') . ')' };
my $approve = sub { my ($request) = @_; return "SELECT lpr.approve($request, '$because')" };
my $certify = sub { my ($login) = @_; return "SELECT lpr.recertify('$login', '$certain')" };
my $agreed = sub { my ($sql) = @_; return "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n$sql" };
my $step = sub { my ($request) = @_; return $node->answer('supervisor1', "SELECT by_login, action, acting_as, acting_for FROM lpr.access_history WHERE request = $request ORDER BY number DESC LIMIT 1") };
my $acts = sub { my ($login, $role) = @_; return $node->answer('postgres', "SELECT string_agg(f.login, ' ' ORDER BY f.login) FROM lpr_data.person AS p, lpr_data.acts_for(p.person_id, '$role') AS a, lpr_data.person AS f WHERE p.login = '$login' AND f.person_id = a.for_id") };

$node->hire('supervisor2', 'lpr_supervisor');
$node->hire('owner2', 'lpr_system_owner');
$node->hire('both1', 'lpr_supervisor, lpr_system_owner');
$node->hire('integrity1', 'lpr_integrity');
$node->hire('newcomer2', 'lpr_user', supervisor => 'both1');
$node->hire('newcomer3', 'lpr_user', supervisor => 'supervisor1');
$node->hire('service1', 'lpr_supervisor', kind => 'service');
$node->train($_, 0) for qw(newcomer1 newcomer2 newcomer3);

# ---- who is named, by whom, for how long ----

$node->refused('named by somebody else', 'newcomer1', $names->('supervisor1', 'newcomer1'), 'A1', 'LP033', words => qr/does not act as .*lpr_admin/);
$node->refused('by nobody', 'postgres', $names->('supervisor1', 'analyst2'), 'A1', 'LP024');
$node->refused('by another supervisor', 'supervisor2', $names->('supervisor1', 'analyst2'), 'A1', 'LP033');
$node->refused('by themselves', 'supervisor1', $names->('supervisor1', 'supervisor1'), 'A1', 'LP033', words => qr/cannot make yourself/);
$node->refused('… an administrator', 'admin1', $names->('supervisor1', 'admin1'), 'A1', 'LP033', words => qr/cannot make yourself/);
$node->refused('the deputy of somebody who is no supervisor', 'analyst1', $names->('analyst1', 'analyst2'), 'A1', 'LP033', words => qr/does not act as lpr_supervisor/);
$node->refused('… by an administrator', 'admin1', $names->('owner1', 'supervisor2'), 'A1', 'LP033', words => qr/"owner1" does not act as lpr_supervisor/);
$node->refused('an administrator puts nobody into the role', 'admin1', $names->('supervisor1', 'analyst2'), 'A1', 'LP033', words => qr/"analyst2" is no member of lpr_supervisor/);
$node->refused('who is in a role that is apart', 'supervisor1', $names->('supervisor1', 'integrity1'), 'A8', 'LP038', words => qr/"integrity1" is a member of lpr_integrity/);
$node->refused('… of who asks', 'owner1', $names->('owner1', 'analyst2', ", 'lpr_system_owner'"), 'A8', 'LP038', words => qr/lpr_user/);
$node->refused('a service', 'supervisor1', $names->('supervisor1', 'service1'), 'A1', 'LP033', words => qr/not one person's own/);
$node->refused('who is not confined', 'supervisor1', $names->('supervisor1', 'trainer1'), 'A1', 'LP033', words => qr/"trainer1" could keep what it reads/);
$node->refused('another role', 'admin1', $names->('admin1', 'analyst2', ", 'lpr_admin'"), 'A1', '22023', words => qr/has no deputies/);
$node->refused("until $_", 'supervisor1', $names->('supervisor1', 'analyst2', undef, $_), 'A1', '22023', words => qr/not a time until which/) for '31 days', '-1 second';
$node->refused('for no reason', 'supervisor1', "SELECT lpr.deputise('supervisor1', 'analyst2', now() + interval '1 day', 'because')", 'A1', 'LP043');
$node->faulty('nobody', 'supervisor1', $names->('supervisor1', 'nosuch1'), '42704');
$node->faulty('by an older snapshot', 'supervisor1', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; ' . $names->('supervisor1', 'analyst2'), '25000');
is($node->answer('postgres', 'SELECT count(*) FROM lpr_data.deputy'), 0, 'nobody is a deputy by any of these');

# ---- a supervisor's ----

my $first = $ask->('newcomer1');
$node->refused('who is no deputy', 'analyst2', $approve->($first), 'A1', 'LP033');
is($node->answer('supervisor1', $names->('supervisor1', 'analyst2')), '', 'a supervisor names a deputy who asks');
is($node->records_after($node->head - 1, "kind = 'change'"), 'change supervisor1 insert lpr_data.deputy', '… on record');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change' AND payload LIKE '%on leave until%'"), 0, '… without the reason');
$node->refused('once more', 'supervisor1', $names->('supervisor1', 'analyst2'), 'A1', 'LP034', words => qr/is a deputy of "supervisor1" already/);
$node->refused('a deputy has no deputy', 'analyst2', $names->('analyst2', 'supervisor2'), 'A1', 'LP033');
is($acts->('analyst2', 'lpr_supervisor') . $acts->('supervisor1', 'lpr_supervisor'), 'supervisor1supervisor1', 'who acts for whom');
is($node->answer('newcomer1', 'SELECT person, deputy, deputy_name, state, named_by, reason FROM lpr.deputies'), 'supervisor1|analyst2|Anton Lystra|named|supervisor1|', 'everybody sees whom to ask, and not why');
is($node->answer('analyst2', 'SELECT reason FROM lpr.deputies'), $away, '… which the deputy sees');
is($node->answer('newcomer1', 'SELECT waits_for FROM lpr.access_requests'), 'supervisor supervisor1 or deputy analyst2', 'whom a request waits for');
like($node->answer('newcomer1', "SELECT what_to_do FROM lpr.my_access WHERE requirement ~ '^access $first:'"), qr/your supervisor \(Sue Visor, or deputy Anton Lystra\)/, '… in my_access');
is($node->answer('analyst2', "SELECT login, waits_for FROM lpr.access_requests WHERE request = $first"), 'newcomer1|supervisor supervisor1 or deputy analyst2', 'the deputy sees the request');

$node->refused('a deputy who has not agreed to the rules', 'analyst2', $approve->($first), 'A5', 'LP028');
my $own = $ask->('analyst2');
$node->refused('their own request', 'analyst2', $approve->($own), 'A1', 'LP033', logon => 1, words => qr/your own request/);
my $other = $ask->('newcomer2');
$node->refused('a request of somebody else\'s people', 'analyst2', $approve->($other), 'A1', 'LP033', logon => 1, words => qr/not yours to decide/);
is($node->answer('analyst2', $approve->($first)), 'approved', 'a deputy approves');
is($step->($first), 'analyst2|approve|supervisor|supervisor1', '… on record in whose stead');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit AS a, lpr_data.person AS p WHERE p.login = 'supervisor1' AND a.login = 'analyst2' AND a.kind = 'change' AND (a.payload::jsonb->'new'->>'acted_for')::integer = p.person_id"), 1, '… in the log too');
is($node->answer('owner1', $approve->($first)), 'granted', '… and a system owner after it');
is($node->answer('analyst2', "SELECT lpr.suspend_access($first, 'Left the keyboard unlocked.')"), '', 'a deputy stops access');
is($step->($first), 'analyst2|suspend|supervisor|supervisor1', '… in whose stead');
$node->refused('… and does not let anybody in again', 'analyst2', "SELECT lpr.resume_access($first, '$because')", 'A1', 'LP033', logon => 1);
$node->refused('… stops nothing of another\'s people', 'analyst2', "SELECT lpr.suspend_access($other, 'Left the keyboard unlocked.')", 'A1', 'LP033', logon => 1);
$node->answer('analyst2', "SELECT lpr.withdraw_request($own, 'No longer needed.')");

# Who asks after that is told to both.
my $second = $ask->('newcomer3');
is($node->answer('postgres', "SELECT string_agg(p.login, ' ' ORDER BY p.login) FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE m.key ~ '^request:$second:'"), 'analyst2 supervisor1', 'a mail goes to the supervisor and to the deputy');

# Events of their people: seen, read why, handed over; not to themselves.
is($node->answer('analyst2', 'SELECT count(*) FROM lpr.events WHERE event = 1'), 1, 'a deputy sees events of the supervisor\'s people');
like($node->answer('analyst2', 'SELECT said FROM lpr.event_reasons(1) LIMIT 1'), qr/silver sedan/, '… and why, on record');
is($node->answer('analyst2', "SELECT count(*) > 0, bool_and(login = 'analyst1') FROM lpr.audit(login => 'analyst1')"), 't|t', '… and what they asked');
is($node->answer('analyst2', "SELECT count(*) FROM lpr.audit(login => 'supervisor1')"), 0, '… not what the supervisor did');
$node->refused('a deputy takes over nothing', 'analyst2', "SELECT lpr.transfer_event(1, 'analyst2', 'She is on leave from Monday on, for four weeks.')", 'E4', 'LP033', logon => 1, words => qr/takes over nothing/);
$node->refused('… without the rules', 'analyst2', "SELECT lpr.transfer_event(1, 'newcomer1', 'She is on leave from Monday on, for four weeks.')", 'A5', 'LP028');
$node->answer('owner1', "SELECT lpr.resume_access($first, 'Was only a minute away, as the camera at the door shows.')");
$node->answer('analyst2', "SELECT lpr.transfer_event(1, 'newcomer1', 'She is on leave from Monday on, for four weeks.')");
is($node->answer('supervisor1', "SELECT by_login, action, about, acting_for FROM lpr.event_steps WHERE event = 1 ORDER BY at DESC LIMIT 1"), 'analyst2|transfer|newcomer1|supervisor1', 'a deputy hands an event over, in whose stead');
$node->answer('analyst2', "SELECT lpr.transfer_event(1, 'analyst1', 'She is back from leave, and knows the matter best.')");

# An urgent target of their people.
my $urgent = $node->answer('analyst1', "SELECT lpr.add_target(1, 'urgent-1', 'endangered', basis => 'The missing child was seen in this car an hour ago.', urgent => true)");
$node->refused('a target confirmed without the rules', 'analyst2', "SELECT lpr.confirm_target($urgent)", 'A5', 'LP028');
$node->answer('analyst1', "SELECT lpr.add_member(1, 'analyst2')");
$node->refused('… nor by a deputy who works on its event', 'analyst2', "SELECT lpr.confirm_target($urgent)", 'Q12', 'LP033', logon => 1, words => qr/you work on event 1 yourself/);
$node->answer('analyst1', "SELECT lpr.remove_member(1, 'analyst2')");
$node->answer('analyst2', "SELECT lpr.confirm_target($urgent)");
is($node->answer('postgres', "SELECT b.login, f.login FROM lpr_data.target AS t JOIN lpr_data.person AS b ON b.person_id = t.confirmed_by JOIN lpr_data.person AS f ON f.person_id = t.acted_for WHERE t.target_id = $urgent"), 'analyst2|supervisor1', 'a deputy confirms a target, in whose stead');

# ---- the same two people, in one's stead or as oneself ----

is($node->answer('both1', $names->('both1', 'supervisor2')), '', 'who is supervisor and system owner names a deputy');
is($node->answer('supervisor2', $agreed->($approve->($other))), 'approved', '… who approves');
$node->refused('who named the deputy does not approve once more', 'both1', $approve->($other), 'A1', 'LP033', words => qr/you have approved/);
is($node->answer('owner1', $names->('owner1', 'supervisor2', ", role => 'lpr_system_owner'")), '', 'a system owner\'s deputy');
$node->refused('… is somebody else as well', 'supervisor2', LprTest::consent() . ' ' . $approve->($other), 'A1', 'LP033', words => qr/you have approved/);
is($node->answer('postgres', "SELECT lpr_data.is_member(person_id, 'lpr_system_owner'), lpr_data.holds(person_id, 'lpr_system_owner'), lpr_data.holds(person_id, 'lpr_lead') FROM lpr_data.person WHERE login = 'supervisor2'"), 'f|t|f', 'a deputy acts in the role without a GRANT, and in no other');
is($node->answer('supervisor1', $approve->($second)), 'approved', 'a supervisor who is there');
is($node->answer('supervisor2', $agreed->($approve->($second))), 'granted', '… and the deputy of a system owner');
is($step->($second), 'supervisor2|approve|system_owner|owner1', '… on record in whose stead');
$node->answer('admin1', "SELECT lpr.end_deputy('owner1', 'supervisor2', 'Is back at his desk.', 'lpr_system_owner')");
# What the first approval was given by must still be so, but for the time.
$node->answer('both1', $ends->('both1', 'supervisor2'));
$node->refused('a first approval whose deputy was put off', 'owner1', $approve->($other), 'A1', 'LP033', words => qr/no longer counts/);
$node->answer('owner1', "SELECT lpr.deny($other, 'Whoever approved it first is no deputy any more.')");
$other = $ask->('newcomer2', ', which has lost two people to other duties');
$node->answer('both1', $names->('both1', 'supervisor2'));
$node->answer('supervisor2', $agreed->($approve->($other)));
my $over = sub { my ($login) = @_; return $node->answer('postgres', "ALTER TABLE lpr_data.deputy DISABLE TRIGGER refuse_rewrite; UPDATE lpr_data.deputy SET until = clock_timestamp() WHERE acts_id = (SELECT person_id FROM lpr_data.person WHERE login = '$login') AND ended_at IS NULL; ALTER TABLE lpr_data.deputy ENABLE ALWAYS TRIGGER refuse_rewrite") };
$over->('supervisor2');
is($acts->('supervisor2', 'lpr_supervisor'), 'supervisor2', 'when the time is over nobody acts in another\'s stead');
is($node->answer('owner1', $approve->($other)), 'granted', '… what was approved in time counts');
is($node->answer('both1', "SELECT string_agg(state, ' ' ORDER BY since) FROM lpr.deputies WHERE deputy = 'supervisor2' AND role = 'lpr_supervisor'"), 'ended over', '… and the list tells');

# ---- leads ----

is($node->answer('lead1', $names->('lead1', 'privacy1', ", role => 'lpr_lead'")), '', 'a lead\'s deputy');
like($node->answer('privacy1', $agreed->($certify->('newcomer3'))), qr/^20/, '… certifies access');
is($node->answer('postgres', "SELECT p.login FROM lpr_data.recertification AS r JOIN lpr_data.person AS p ON p.person_id = r.acted_for"), 'lead1', '… on record in whose stead');
$node->refused('… not without the rules', 'privacy1', $certify->('newcomer3'), 'A5', 'LP028');
$node->answer('postgres', 'GRANT lpr_lead TO both1');
$node->answer('both1', $names->('both1', 'privacy1', ", role => 'lpr_lead'"));
$node->answer('lead1', $ends->('lead1', 'privacy1', ", 'lpr_lead'"));
$node->refused('… not what was approved in the stead of the same', 'privacy1', LprTest::consent() . ' ' . $certify->('newcomer2'), 'A4', 'LP033', words => qr/you approved/);
$node->answer('privacy1', $ends->('both1', 'privacy1', ", 'lpr_lead'"));
$node->refused('a deputy who ended it', 'privacy1', $certify->('newcomer3'), 'A4', 'LP033');

# ---- by an administrator, for who is away ----

is($node->answer('admin1', $names->('supervisor1', 'supervisor2')), '', 'an administrator names a member of the role');
is($acts->('supervisor2', 'lpr_supervisor'), 'supervisor1 supervisor2', '… who acts for both');
$node->refused('ended by somebody else', 'newcomer1', $ends->('supervisor1', 'supervisor2'), 'A1', 'LP033');
$node->refused('for no reason', 'supervisor1', "SELECT lpr.end_deputy('supervisor1', 'supervisor2', ' ')", 'A1', 'LP043');
$node->answer('oversight1', $ends->('supervisor1', 'supervisor2'));
$node->refused('what is over is not ended', 'supervisor1', $ends->('supervisor1', 'supervisor2'), 'A1', 'LP034', words => qr/is no deputy/);
# Whoever takes over people for good is in the role.
$node->hire('supervisor3', 'lpr_supervisor');
$node->hire('newcomer4', 'lpr_user', supervisor => 'supervisor3');
$node->answer('supervisor3', $names->('supervisor3', 'analyst2'));
$node->answer('admin1', "SELECT lpr.retire_person('supervisor3', 'analyst2')");
is($node->answer('newcomer4', "SELECT coalesce(supervisor, '-') FROM lpr.people WHERE login = 'newcomer4'"), '-', 'the deputy of who leaves does not take over their people');
is($acts->('analyst2', 'lpr_supervisor'), 'supervisor1', '… and acts for them no more');

# ---- it ends with what it rests on, in the middle of a session ----

my ($session) = $node->session('analyst2');
my $sees = "SELECT count(*) FROM lpr.events WHERE event = 1";
my $ended = sub
{
	my ($name, $before, $after) = @_;

	is(($node->converse($session, $sees))[0], 1, "before $name");
	$node->answer('postgres', $before);
	is(($node->converse($session, $sees))[0] . ' ' . $acts->('analyst2', 'lpr_supervisor'), '0 ', "… $name");
	return $node->answer('postgres', $after);
};
$ended->('the supervisor is no more', 'REVOKE lpr_supervisor FROM supervisor1', 'GRANT lpr_supervisor TO supervisor1');
$ended->('the supervisor comes into a role that is apart', 'GRANT lpr_integrity TO supervisor1', 'REVOKE lpr_integrity FROM supervisor1');
$ended->('the deputy comes into a role that is apart', 'GRANT lpr_integrity TO analyst2', 'REVOKE lpr_integrity FROM analyst2');
$ended->('the deputy\'s login becomes another\'s too', 'GRANT analyst2 TO newcomer4', 'REVOKE analyst2 FROM newcomer4');
$node->answer('postgres', 'REVOKE lpr_user FROM analyst2');
is($acts->('analyst2', 'lpr_supervisor'), '', 'who is confined no more acts in nobody\'s stead');
$node->answer('postgres', 'GRANT lpr_user TO analyst2');
$ended->('the supervisor\'s login cannot log in', 'ALTER ROLE supervisor1 NOLOGIN', 'ALTER ROLE supervisor1 LOGIN');
# Two roles that are apart, each by another's word.
$node->hire('plain1', 'lpr_privacy');
$node->answer('supervisor1', $names->('supervisor1', 'plain1'));
$node->answer('privacy1', "SELECT lpr.keep_apart('lpr_supervisor', 'lpr_lead', 'Who supervises does not certify.')");
$node->refused('named in a role that is apart from another one\'s', 'lead1', $names->('lead1', 'plain1', ", role => 'lpr_lead'"), 'A8', 'LP038', words => qr/stands in for somebody/);
is($acts->('plain1', 'lpr_supervisor'), 'supervisor1', '… the first stays');
$node->answer('postgres', "INSERT INTO lpr_data.deputy (role, person_id, acts_id, until, reason, named_by) SELECT 'lpr_lead', l.person_id, p.person_id, now() + interval '1 day', 'x', l.person_id FROM lpr_data.person AS l, lpr_data.person AS p WHERE l.login = 'lead1' AND p.login = 'plain1'");
is($acts->('plain1', 'lpr_supervisor') . $acts->('plain1', 'lpr_lead'), '', '… who is in both by a superuser acts in neither');
# By the clock alone: no transaction has to end for that.
$node->answer('postgres', "ALTER TABLE lpr_data.deputy DISABLE TRIGGER refuse_rewrite; UPDATE lpr_data.deputy SET until = clock_timestamp() + interval '3 seconds' WHERE acts_id = (SELECT person_id FROM lpr_data.person WHERE login = 'analyst2') AND ended_at IS NULL; ALTER TABLE lpr_data.deputy ENABLE ALWAYS TRIGGER refuse_rewrite");
# Within one snapshot: nothing but the clock tells.
$node->converse($session, 'BEGIN ISOLATION LEVEL REPEATABLE READ');
is(($node->converse($session, $sees))[0], 1, 'before the time is over');
ok(LprTest::eventually(sub { ($node->converse($session, $sees))[0] eq '0' }), '… and when it is, in the middle of a transaction');
$node->converse($session, 'COMMIT');

$session->quit;
$node->sound('in the end');
$node->stop;
done_testing();
