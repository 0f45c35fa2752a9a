# access_races: two at once. Each pair is tried in both orders and with both ends of the first: what the second finds is what is committed then (A1, A4, Q7).
#
# Not an isolation test: its sessions would all be of one login.
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('races');
my $quick = LprTest::quick();
my $because = $LprTest::because;
is($node->answer('analyst1', $quick), 1, 'a question');
$node->hire('supervisor2', 'lpr_supervisor');
$node->hire('owner2', 'lpr_system_owner');
$node->hire('both1', 'lpr_supervisor, lpr_system_owner');
$node->hire('clerk1', 'lpr_user', supervisor => 'supervisor1');
$node->train($_, 0) for qw(newcomer1 clerk1);

# Two sessions of each, and their processes.
my (%of, %pid);
sub session_of
{
	my ($name) = @_; # login, or login/2 for a second session
	my ($login) = split m{/}, $name;

	unless ($of{$name})
	{
		($of{$name}, $pid{$name}) = $node->session($login, logon => 0);
		$node->converse($of{$name}, 'SELECT 1');
	}
	return $of{$name};
}

# The first does something and keeps its transaction open; then the second. Whether it waits for the first, and after the first has ended what it says: '' or its SQLSTATE.
sub race
{
	my ($name, $first, $first_sql, $end, $second, $second_sql, $expected, %given) = @_;
	my ($one, $two) = (session_of($first), session_of($second));
	my $waits = $given{waits} // 1;

	my (undef, $err) = $node->converse($one, "BEGIN; $first_sql");
	unlike($err, qr/ERROR/, "$name: $first_sql");
	$two->{stderr} = '';
	my $activity = "FROM pg_stat_activity WHERE pid = $pid{$second}";
	my $before = $node->safe_psql('postgres', "SELECT query_start $activity");
	$node->send_sql($two, $second_sql);
	my $done = 0;
	my $blocked = LprTest::eventually(sub {
		my ($begun, $state, $by) = split /\|/, $node->safe_psql('postgres', "SELECT query_start, state, pg_blocking_pids(pid) $activity");
		$done = $begun ne $before && $state ne 'active';
		$done || $by eq "{$pid{$first}}" }) && !$done;
	is($blocked ? 'waits' : 'does not wait', $waits ? 'waits' : 'does not wait', "… $second: $second_sql");
	$node->converse($one, $end);
	$two->query('');
	my ($state) = $two->{stderr} =~ /(?:ERROR|FATAL): +(\w{5}):/;
	return is($state // '', $expected, "… $end: " . ($expected || 'done'));
}

my $n = 0;
sub ask_for { $n++; return "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find out where stolen van number $n stands at night, for the team.')" }
sub requested { return $node->answer('newcomer1', ask_for()) }
sub approve { my ($request) = @_; return "SELECT lpr.approve($request, '$because')" }
sub approved { my $request = requested(); $node->answer('supervisor1', approve($request)); return $request }
sub state_of { my ($request, $expected) = @_; return is($node->answer('postgres', "SELECT state FROM lpr_data.access WHERE access_id = $request"), $expected, "… in the end: $expected") }
sub history { my ($request, $expected) = @_; return is($node->answer('postgres', "SELECT string_agg(s.action || ' ' || p.login, ', ' ORDER BY s.number) FROM lpr_data.access_step AS s JOIN lpr_data.person AS p USING (person_id) WHERE s.access_id = $request"), $expected, "… on record: $expected") }
sub finish { my ($request) = @_; $node->ask('newcomer1', "SELECT lpr.withdraw_request($request, 'Done with it')"); return }

# ---- the same person in two sessions ----

my $request = requested();
race('one supervisor twice', 'supervisor1', approve($request), 'COMMIT', 'supervisor1/2', approve($request), 'LP033');
history($request, 'request newcomer1, approve supervisor1');
finish($request);
$request = requested();
race('one supervisor twice', 'supervisor1', approve($request), 'ROLLBACK', 'supervisor1/2', approve($request), '');
history($request, 'request newcomer1, approve supervisor1');
race('one owner twice', 'owner1', approve($request), 'COMMIT', 'owner1/2', approve($request), 'LP034');
history($request, 'request newcomer1, approve supervisor1, approve owner1');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', supervisor => 'both1')");
$request = requested();
race('one person who is both', 'both1', approve($request), 'COMMIT', 'both1/2', approve($request), 'LP033');
state_of($request, 'approved');
finish($request);
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', supervisor => 'supervisor1')");
$request = requested();
race('approved and denied', 'supervisor1', approve($request), 'COMMIT', 'supervisor1/2', "SELECT lpr.deny($request, 'It is not shown what this is needed for at all.')", 'LP033');
state_of($request, 'approved');
finish($request);

# ---- withdrawn while it is approved ----

for my $case ([ \&requested, 'supervisor1', 'approved' ], [ \&approved, 'owner1', 'granted' ])
{
	my ($prepare, $approver, $then) = @$case;
	my $withdraw = sub { return "SELECT lpr.withdraw_request($_[0], 'Not needed any more')" };

	$request = $prepare->();
	race("withdrawn, and approved by $approver", 'newcomer1', $withdraw->($request), 'COMMIT', $approver, approve($request), 'LP034');
	state_of($request, 'withdrawn');
	$request = $prepare->();
	race("withdrawn, and approved by $approver", 'newcomer1', $withdraw->($request), 'ROLLBACK', $approver, approve($request), '');
	state_of($request, $then);
	finish($request);
	$request = $prepare->();
	race("approved by $approver, and withdrawn", $approver, approve($request), 'COMMIT', 'newcomer1', $withdraw->($request), $then eq 'granted' ? 'LP034' : '');
	state_of($request, $then eq 'granted' ? 'granted' : 'withdrawn');
}

# ---- an approver who is demoted, whose login is lent, who leaves ----

for my $case ([ 'supervisor1', 'lpr_supervisor', \&requested ], [ 'owner1', 'lpr_system_owner', \&approved ])
{
	my ($approver, $role, $prepare) = @$case;
	my %ways = ("REVOKE $role FROM $approver" => "GRANT $role TO $approver", "GRANT $approver TO nobody1" => "REVOKE $approver FROM nobody1");

	$node->answer('postgres', 'CREATE ROLE nobody1') if $role eq 'lpr_supervisor';
	for my $way (sort keys %ways)
	{
		$request = $prepare->();
		race($way, 'postgres', $way, 'COMMIT', $approver, approve($request), 'LP033');
		$node->answer('postgres', $ways{$way});
		race($way, 'postgres', $way, 'ROLLBACK', $approver, approve($request), '');
		finish($request);
		$request = $prepare->();
		race("$way while approving", $approver, approve($request), 'COMMIT', 'postgres', $way, '');
		if ($role eq 'lpr_supervisor')
		{
			state_of($request, 'approved');
			like($node->messages('owner1', approve($request)), qr/ERROR: +LP033: .*no longer counts/, '… and counts for nothing');
		}
		$node->answer('postgres', $ways{$way});
		finish($request);
	}
}
$request = approved();
race('the first approver loses the role while the second approves', 'postgres', 'REVOKE lpr_supervisor FROM supervisor1', 'COMMIT', 'owner1', approve($request), 'LP033');
state_of($request, 'approved');
$node->answer('postgres', 'GRANT lpr_supervisor TO supervisor1');
race('the requester loses theirs', 'postgres', 'REVOKE lpr_user FROM newcomer1', 'COMMIT', 'owner1', approve($request), 'LP033');
$node->answer('postgres', 'GRANT lpr_user TO newcomer1');

# ---- who is whose supervisor, who has left ----

my $change = sub { return "SELECT lpr.change_person('newcomer1', supervisor => '$_[0]')" };
race('another supervisor while the second approves', 'admin1', $change->('supervisor2'), 'COMMIT', 'owner1', approve($request), 'LP033');
state_of($request, 'approved');
$node->answer('admin1', $change->('supervisor1'));
race('… which is rolled back', 'admin1', $change->('supervisor2'), 'ROLLBACK', 'owner1', approve($request), '');
state_of($request, 'granted');
$request = requested();
race('another supervisor while the first approves', 'admin1', $change->('supervisor2'), 'COMMIT', 'supervisor1', approve($request), 'LP033');
is($node->answer('supervisor2', approve($request)), 'approved', '… whose it is now');
race('the other way round', 'owner1', approve($request), 'ROLLBACK', 'admin1', $change->('supervisor1'), '');
like($node->messages('owner1', approve($request)), qr/ERROR: +LP033: .*no longer counts/, '… the approval of the former supervisor counts for nothing');
finish($request);
$node->answer('admin1', $change->('supervisor2'));
$request = requested();
# Their session ends as well, before or after they are told why.
$node->converse(session_of('admin1'), "BEGIN; SELECT lpr.retire_person('supervisor2')");
my $leaving = $node->launch('supervisor2', approve($request));
ok(LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$leaving->{name}' AND wait_event_type = 'Lock'") == 1 }), 'a supervisor who leaves while approving waits');
$node->converse(session_of('admin1'), 'COMMIT');
like(($node->landed($leaving))[1], qr/ERROR: +LP024|FATAL: +57P01|terminating connection/, '… and approves nothing');
state_of($request, 'requested');
finish($request);
$node->answer('admin1', $change->('both1'));
$request = requested();
$node->answer('both1', approve($request));
race('the first approver leaves while the second approves', 'admin1', "SELECT lpr.retire_person('both1')", 'COMMIT', 'owner1', approve($request), 'LP033');
state_of($request, 'approved');
finish($request);
$node->answer('admin1', $change->('supervisor1'));

# ---- two system owners ----

my $deny = sub { return "SELECT lpr.deny($_[0], 'It is not shown what this is needed for at all.')" };
$request = approved();
race('two owners', 'owner1', approve($request), 'COMMIT', 'owner2', approve($request), 'LP034');
history($request, 'request newcomer1, approve supervisor1, approve owner1');
$request = approved();
race('two owners', 'owner1', approve($request), 'ROLLBACK', 'owner2', approve($request), '');
history($request, 'request newcomer1, approve supervisor1, approve owner2');
$request = approved();
race('one denies', 'owner1', $deny->($request), 'COMMIT', 'owner2', approve($request), 'LP034');
state_of($request, 'denied');
$request = approved();
race('one approves', 'owner1', approve($request), 'COMMIT', 'owner2', $deny->($request), 'LP034');
state_of($request, 'granted');
race('suspended by two', 'owner1', "SELECT lpr.suspend_access($request, 'x')", 'COMMIT', 'oversight1', "SELECT lpr.suspend_access($request, 'x')", 'LP034');
race('resumed and revoked', 'owner1', "SELECT lpr.resume_access($request, 'It was about somebody else, who has the same name.')", 'COMMIT', 'oversight1', "SELECT lpr.revoke_access($request, 'x')", '');
state_of($request, 'revoked');
race('a lead who is demoted', 'postgres', 'REVOKE lpr_lead FROM lead1', 'COMMIT', 'lead1', "SELECT lpr.recertify('newcomer1', 'Still looks for stolen vans every day, as the log shows.')", 'LP033');
$node->answer('postgres', 'GRANT lpr_lead TO lead1');

# ---- two requests of one person ----

race('two requests', 'newcomer1', ask_for(), 'ROLLBACK', 'newcomer1/2', ask_for(), '');
($request) = $node->answer('postgres', 'SELECT max(access_id) FROM lpr_data.access');
finish($request);
race('two requests', 'newcomer1', ask_for(), 'COMMIT', 'newcomer1/2', ask_for(), 'LP034');
is($node->answer('postgres', "SELECT string_agg(sqlstate, ' ') FROM (SELECT sqlstate FROM lpr_data.audit WHERE kind = 'refused' ORDER BY number DESC LIMIT 1) AS a"), 'LP034', '… is on record');
finish($node->answer('postgres', 'SELECT max(access_id) FROM lpr_data.access'));

# ---- an old snapshot decides nothing ----

$request = requested();
my $old = session_of('supervisor1');
for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	$node->converse($old, "BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM lpr.people");
	$node->answer('postgres', 'GRANT supervisor1 TO nobody1');
	like(($node->converse($old, approve($request)))[1], qr/ERROR: +25000: .*\nHINT/s, "$level, with a snapshot from before the login was lent: nothing is approved");
	$node->converse($old, 'ROLLBACK');
	$node->answer('postgres', 'REVOKE supervisor1 FROM nobody1');
}
state_of($request, 'requested');
finish($request);

# ---- who stops somebody does not wait for them ----

$request = approved();
$node->answer('owner1', approve($request));
race('a suspension does not wait for a request of theirs', 'newcomer1', ask_for(), 'ROLLBACK', 'oversight1', "SELECT lpr.suspend_access($request, 'x')", '', waits => 0);
race('nor for roles that are being granted', 'postgres', 'GRANT nobody1 TO nobody2', 'ROLLBACK', 'oversight1', "SELECT lpr.revoke_access($request, 'x')", '', waits => 0) if $node->answer('postgres', 'CREATE ROLE nobody2') eq '';
$node->converse(session_of('newcomer1'), 'BEGIN; ' . ask_for());
is(($node->ask('admin1', "SELECT count(*) FROM lpr.retire_person('newcomer1')"))[0], 0, 'nor does leaving');
ok(LprTest::eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'newcomer1'") == 0 }), '… whose sessions end');
delete $of{newcomer1};
$request = $node->answer('clerk1', ask_for());
race('nor do roles wait for somebody who withdraws', 'clerk1', "SELECT lpr.withdraw_request($request, 'x')", 'ROLLBACK', 'postgres', 'REVOKE lpr_user FROM clerk1', '', waits => 0);

# ---- events ----

my $second = $node->open_event('analyst1');
$node->answer('analyst1', "SELECT lpr.add_member($second, 'analyst2')", logon => 0);
my $ask = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK40' AND source = 'acme' AND event_id = $second";
my $close = "SELECT lpr.close_event($second, 'Vehicle found, suspect arrested')";
session_of('analyst2');
$node->converse($of{analyst2}, LprTest::logon('analyst2'));
race('an event that is being closed is not closed yet', 'analyst1', $close, 'ROLLBACK', 'analyst2', $ask, '', waits => 0);
race('a member is added while it is closed', 'analyst1', $close, 'ROLLBACK', 'analyst1/2', "SELECT lpr.add_member($second, 'analyst2')", '');
race('a member is removed and asks', 'analyst1', "SELECT lpr.remove_member($second, 'analyst2')", 'ROLLBACK', 'analyst2', $ask, '', waits => 0);
$node->converse($of{analyst2}, "BEGIN; DECLARE c CURSOR FOR SELECT plate FROM lpr.reads WHERE plate = 'BULK40' AND source = 'acme' AND event_id = $second; FETCH 1 FROM c");
race('an event is closed twice', 'analyst1', $close, 'COMMIT', 'analyst1/2', $close, 'LP042');
my ($more, $why) = $node->converse($of{analyst2}, 'SAVEPOINT c; FETCH 5 FROM c');
is($more, '', 'an answer under way ends with its event');
like($why, qr/ERROR: +LP042/, '… refused: LP042');
$node->converse($of{analyst2}, 'ROLLBACK TO c');
like(($node->converse($of{analyst2}, "SAVEPOINT s; $ask"))[1], qr/ERROR: +LP042/, '… and nothing is asked any more, in the same transaction');
$node->converse($of{analyst2}, 'ROLLBACK');
my $third = $node->open_event('analyst1');
$close =~ s/$second/$third/;
race('a member is added to an event that is closed', 'analyst1', $close, 'COMMIT', 'analyst1/2', "SELECT lpr.add_member($third, 'analyst2')", 'LP042');
$_->quit for values %of;
$node->sound('in the end');
$node->stop;
done_testing();
