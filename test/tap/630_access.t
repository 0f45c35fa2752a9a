# access: from nothing to the first answer, and every way in which it is refused (A1, A3, A4, A7).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('access');
my $quick = LprTest::quick();
my $because = $LprTest::because;
my $need = $LprTest::need;
my $ask = sub { my ($event, $source) = @_; return "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = '" . ($source // 'acme') . "' AND event_id = $event" };
my $request = sub { my (%given) = @_; return "SELECT lpr.request_access(" . join(', ', map { $given{$_->[0]} // $_->[1] } [ systems => "'{ATS}'" ], [ sources => "'{acme}'" ], [ modes => "'{plate}'" ], [ need => "'$need'" ]) . ')' };
my $approve = sub { my ($number, %given) = @_; return "SELECT lpr.approve($number, " . ($given{reason} // "'$because'") . (exists $given{for} ? ", $given{for}" : '') . ')' };
my $state = sub { my ($number) = @_; return $node->answer('postgres', "SELECT state FROM lpr_data.access WHERE access_id = $number") };

$node->hire($_->[0], $_->[1]) for [ 'supervisor2', 'lpr_supervisor' ], [ 'owner2', 'lpr_system_owner' ], [ 'both1', 'lpr_supervisor, lpr_system_owner' ], [ 'lead2', 'lpr_lead, lpr_supervisor' ],
	[ 'trainer2', 'lpr_training_officer' ], [ 'admin2', 'lpr_admin' ];
$node->hire('all1', 'lpr_user, lpr_supervisor', supervisor => 'supervisor1');

is($node->answer('analyst1', $quick), 1, 'who came through all of it is answered');

# ---- people: registered by an administrator who is somebody else ----

$node->answer('postgres', 'CREATE ROLE stranger1 LOGIN IN ROLE lpr_user; CREATE ROLE group1; CREATE ROLE boss1 LOGIN SUPERUSER IN ROLE lpr_user, lpr_supervisor, lpr_system_owner, lpr_training_officer, lpr_lead');
my $person = sub { my ($login, $more) = @_; return "SELECT lpr.add_person($login, 'Nova Stranger', 'n\@agency.example', 'Targeting'" . ($more // '') . ", personnel_number => 'P-nova')" };
$node->refused('registered by somebody who is no administrator', 'newcomer1', $person->("'stranger1'"), 'A1', 'LP033');
$node->refused('registered by nobody', 'stranger1', $person->("'stranger1'"), 'A1', 'LP024');
$node->refused('registers themselves', 'admin1', $person->("'admin1'"), 'A1', 'LP033', words => qr/you cannot register yourself/);
$node->refused('changes their own registration', 'admin1', "SELECT lpr.change_person('admin1', supervisor => 'supervisor1')", 'A1', 'LP033', words => qr/your own registration/);
$node->refused('the superuser registers themselves', 'postgres', $person->("'postgres'"), 'A1', 'LP033');
$node->refused('changed by somebody who is no administrator', 'newcomer1', "SELECT lpr.change_person('newcomer1', kind => 'personal')", 'A1', 'LP033');
$node->refused('retired by somebody who is no administrator', 'supervisor1', "SELECT lpr.retire_person('owner1')", 'A1', 'LP033');
$node->faulty('a login that does not exist', 'admin1', $person->("'nosuch1'"), '42704');
$node->faulty('a role that cannot log in', 'admin1', $person->("'group1'"), '42704');
$node->faulty('no login', 'admin1', $person->('NULL'), '42704');
$node->faulty("a login that is registered already", 'admin1', $person->("'analyst1'"), '42710');
$node->faulty('a supervisor who is not registered', 'admin1', $person->("'stranger1'", ", 'boss1'"), '42704');
$node->faulty('their own supervisor', 'admin1', "SELECT lpr.change_person('newcomer1', supervisor => 'newcomer1')", '23514');
$node->faulty('another kind', 'admin1', $person->("'stranger1'", ", kind => 'robot'"), '23514');
$node->faulty('no name', 'admin1', "SELECT lpr.add_person('stranger1', NULL, 'n\@agency.example', 'Targeting', personnel_number => 'P-nova')", '23502');
$node->faulty('two addresses', 'admin1', "SELECT lpr.add_person('stranger1', 'Nova', 'n\@agency.example, m\@agency.example', 'Targeting', personnel_number => 'P-nova')", '23514');
$node->faulty('an address with a header behind it', 'admin1', "SELECT lpr.add_person('stranger1', 'Nova', E'n\@agency.example\\nBcc: m\@agency.example', 'Targeting', personnel_number => 'P-nova')", '23514');

# Logins that cannot hold an entitlement.
$node->hire('service1', 'lpr_user', kind => 'service', supervisor => 'supervisor1');
$node->hire('shared1', 'lpr_user', kind => 'shared', supervisor => 'supervisor1');
$node->hire('lent1', 'lpr_user', supervisor => 'supervisor1');
$node->hire('leaver1', 'lpr_user', supervisor => 'supervisor1');
$node->hire('alone1', 'lpr_user');
$node->answer('postgres', 'GRANT lent1 TO stranger1');
$node->answer('admin1', "SELECT lpr.add_person('boss1', 'Bo Sass', 'b\@agency.example', 'Systems', 'supervisor1', personnel_number => 'P-boss'); SELECT lpr.retire_person('leaver1')");
$node->refused("login nobody's", 'stranger1', $request->(), 'A1', 'LP024');
$node->refused('a service login', 'service1', $request->(), 'A1', 'LP033');
$node->refused('a shared login', 'shared1', $request->(), 'A1', 'LP033');
$node->refused('a login that others are members of', 'lent1', $request->(), 'A1', 'LP033');
$node->refused('a superuser', 'boss1', $request->(), 'A1', 'LP033');
$node->refused('a person who has left', 'leaver1', $request->(), 'A1', 'LP024');
$node->refused('no supervisor on record', 'alone1', $request->(), 'A1', 'LP033', words => qr/supervisor/);
$node->refused('no member of lpr_user', 'supervisor1', $request->(), 'A1', 'LP033');
$node->refused('under another session authorization', 'postgres', "SET SESSION AUTHORIZATION newcomer1; " . $request->(), 'A1', 'LP024');

# ---- requests ----

for my $case ([ 'unknown system', systems => "'{ATS,FBI}'" ], [ 'unknown source', sources => "'{acme,nosuch}'" ], [ 'unknown mode', modes => "'{plate,face}'" ], [ 'NULL as systems', systems => 'NULL' ],
	[ 'NULL as sources', sources => 'NULL' ], [ 'NULL as modes', modes => 'NULL' ], [ 'NULL among systems', systems => "'{ATS,NULL}'" ], [ 'NULL among sources', sources => "'{NULL}'" ],
	[ 'NULL among modes', modes => "'{plate,NULL}'" ], [ 'no systems', systems => "'{}'" ], [ 'no sources', sources => "'{}'" ], [ 'no modes', modes => "'{}'" ], [ 'another case', systems => "'{ats}'" ])
{
	my ($name, %given) = @$case;
	$node->faulty($name, 'newcomer1', $request->(%given), '22023');
}
for my $nothing ('NULL', "''", "'   '", "'n/a'", "'Investigation.'", "'law enforcement purposes'", "'Official business, per request, as needed.'", "'case case case case case case'", "'need to know'",
	"'ongoing investigation of the ongoing investigation'", "repeat('Finds where vehicles of smugglers were seen. ', 100)")
{
	$node->refused("need to know: $nothing", 'newcomer1', $request->(need => $nothing), 'A1', 'LP043');
}
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.access AS a JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'newcomer1'"), 0, 'none of these left a request');

# ---- step by step: what is missing is told ----

my $try = sub { my ($event) = @_; return LprTest::consent() . $ask->($event) };
my $newcomer = sub { my ($name, $control, $code, $event, %more) = @_; return $node->refused($name, 'newcomer1', $try->($event), $control, $code, source => 'acme', %more) };
$node->refused('without having agreed', 'newcomer1', $ask->(1), 'A5', 'LP028', source => 'acme');
$node->refused('without an event', 'newcomer1', LprTest::consent() . $quick, 'Q7', 'LP040', source => 'acme');
$newcomer->("somebody else's event", 'Q7', 'LP041', 1);
my $open = "SELECT lpr.open_event('Vans at the depot', 'suspect', 'title_18', 'SD-2026-77', 'Two vans stand at the depot every night; whose they are has to be found.')";
$node->refused('an event without access', 'newcomer1', $open, 'A7', 'LP025');
my $one = $node->answer('newcomer1', $request->(systems => "'{ATS,ATS}'", modes => "'{plate,location,plate}'"));
is($node->answer('postgres', "SELECT systems, sources, modes, state FROM lpr_data.access WHERE access_id = $one"), '{ATS}|{acme}|{location,plate}|requested', 'a request');
$node->refused('a second request', 'newcomer1', $request->(sources => "'{birdseye}'"), 'A1', 'LP034', words => qr/still waits/);
$node->refused('… and the event still', 'newcomer1', $open, 'A7', 'LP025');

# ---- training comes first ----

my $untrained = sub { my ($name, $login, $sql, $whose) = @_; return $node->refused($name, $login, $sql, 'A3', 'LP026', words => defined $whose ? qr/the training of "$whose" is not current/ : qr/your training is not current/) };
$untrained->('approved untrained', 'supervisor1', $approve->($one), 'newcomer1');
$node->refused('records their own training', 'newcomer1', "SELECT lpr.record_training('newcomer1', 'privacy', '2026-01-01')", 'A3', 'LP033');
$node->refused('a training officer records their own', 'trainer1', "SELECT lpr.record_training('trainer1', 'privacy', '2026-01-01')", 'A3', 'LP033', words => qr/your own training/);
$node->refused('a superuser records training', 'boss1', "SELECT lpr.record_training('newcomer1', 'privacy', '2026-01-01')", 'A3', 'LP033');
$node->refused('a supervisor records training', 'supervisor1', "SELECT lpr.record_training('newcomer1', 'privacy', '2026-01-01')", 'A3', 'LP033');
my $record = sub { my ($what) = @_; return "SELECT lpr.record_training($what)" };
$node->faulty('of somebody who is not registered', 'trainer1', $record->("'stranger1', 'privacy', '2026-01-01', 'certificate 17'"), '42704');
$node->faulty('of nobody', 'trainer1', $record->("NULL, 'privacy', '2026-01-01', 'certificate 17'"), '42704');
$node->faulty('of somebody who has left', 'trainer1', $record->("'leaver1', 'privacy', '2026-01-01', 'certificate 17'"), '42704');
$node->faulty('an unknown course', 'trainer1', $record->("'newcomer1', 'driving', '2026-01-01', 'certificate 17'"), '42704');
$node->faulty('no course', 'trainer1', $record->("'newcomer1', NULL, '2026-01-01', 'certificate 17'"), '42704');
$node->refused("completed on $_", 'trainer1', $record->("'newcomer1', 'privacy', $_, 'certificate 17'"), 'A3', '22023') for 'NULL', "'infinity'", "'-infinity'", "(now() AT TIME ZONE 'UTC')::date + 1";
$node->refused("evidence: $_", 'trainer1', $record->("'newcomer1', 'privacy', '2026-01-01', $_"), 'A3', 'LP043', words => qr/no evidence that "newcomer1" completed privacy/) for 'NULL', "' '", "'n/a'";
$node->faulty('a novel as evidence', 'trainer1', $record->("'newcomer1', 'privacy', (now() AT TIME ZONE 'UTC')::date, repeat('certificate ', 100)"), '23514');
$node->train('newcomer1', 0, @LprTest::courses[0 .. 4]);
$node->faulty('the same once more', 'trainer1', $record->("'newcomer1', 'privacy', (now() AT TIME ZONE 'UTC')::date, 'certificate 17'"), '23505');
$untrained->('five of six courses', 'supervisor1', $approve->($one), 'newcomer1');
$node->train('newcomer1', 400, $LprTest::courses[5]);
$untrained->('the sixth more than a year ago', 'supervisor1', $approve->($one), 'newcomer1');
$node->train('newcomer1', 0, $LprTest::courses[5]);

# Who may approve first.
$node->refused('approves for themselves', 'newcomer1', $approve->($one), 'A1', 'LP033');
$node->refused('a login that is not registered', 'stranger1', $approve->($one), 'A1', 'LP024');
$node->refused('a supervisor of others', 'supervisor2', $approve->($one), 'A1', 'LP033', words => qr/not yours to decide/);
$node->refused('a system owner before the supervisor', 'owner1', $approve->($one), 'A1', 'LP033');
$node->refused('a superuser', 'boss1', $approve->($one), 'A1', 'LP033');
$node->refused('the installer', 'postgres', $approve->($one), 'A1', 'LP024');
$node->refused('the installer as the supervisor', 'postgres', "SET SESSION AUTHORIZATION supervisor1; " . $approve->($one), 'A1', 'LP024');
$node->refused('oversight', 'oversight1', $approve->($one), 'A1', 'LP033');
$node->refused('without a reason', 'supervisor1', $approve->($one, reason => 'NULL'), 'A1', 'LP043');
$node->refused('with a reason that says nothing', 'supervisor1', $approve->($one, reason => "'As requested.'"), 'A1', 'LP043');
$node->refused('denies for others', 'supervisor2', "SELECT lpr.deny($one, 'It is not shown what this would be needed for.')", 'A1', 'LP033');
$node->refused('denies without a reason', 'supervisor1', "SELECT lpr.deny($one, NULL)", 'A1', 'LP043');
$node->refused("withdraws somebody else's", 'analyst1', "SELECT lpr.withdraw_request($one, 'x')", 'A1', 'LP033');
$node->refused('withdraws without a reason', 'newcomer1', "SELECT lpr.withdraw_request($one, ' ')", 'A1', 'LP043');
$node->refused('suspends what is not granted', 'owner1', "SELECT lpr.suspend_access($one, 'x')", 'A1', 'LP034');
$node->refused('a request that does not exist', 'supervisor1', $approve->(4711), 'A1', 'LP033', words => qr/does not exist or is not yours/);
$node->refused('no request', 'supervisor1', $approve->('NULL'), 'A1', 'LP033', words => qr/does not exist or is not yours/);
$node->refused('a supervisor who gives it to themselves', 'all1', $request->() . '; ' . $approve->("(SELECT max(request) FROM lpr.access_requests WHERE login = 'all1')"), 'A1', 'LP033', words => qr/your own request/);
is($state->($one), 'requested', 'it waits still');
is($node->answer('supervisor1', $approve->($one)), 'approved', 'the supervisor approves');
$node->refused('… and has approved', 'supervisor1', $approve->($one), 'A1', 'LP033');
$newcomer->('approved once is not granted', 'Q7', 'LP041', 1);

# Both steps by one person.
$node->answer('admin1', "SELECT lpr.change_person('alone1', supervisor => 'both1')");
my $two = $node->answer('alone1', $request->());
$node->train('alone1', 0);
$node->answer('both1', $approve->($two));
$node->refused('the same person for both steps', 'both1', $approve->($two), 'A1', 'LP033', words => qr/already/);

# An approver who is no longer who they were.
$node->answer('postgres', 'REVOKE lpr_supervisor FROM both1');
$node->refused('the first approver has lost the role', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/no longer counts/);
$node->answer('postgres', 'GRANT lpr_supervisor TO both1');
$node->answer('admin1', "SELECT lpr.change_person('alone1', supervisor => 'supervisor2')");
$node->refused('the supervisor has changed', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/no longer counts/);
$node->answer('admin1', "SELECT lpr.change_person('alone1', supervisor => 'both1')");
$node->answer('postgres', 'GRANT both1 TO stranger1');
$node->refused('the first approver has lent the login', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/no longer counts/);
$node->answer('postgres', 'REVOKE both1 FROM stranger1; ALTER ROLE both1 NOLOGIN');
$node->refused('the first approver cannot log in any more', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/no longer counts/);
$node->answer('postgres', 'ALTER ROLE both1 LOGIN');
$node->answer('admin1', "SELECT lpr.change_person('alone1', kind => 'shared')");
$node->refused('the requester has lost what it takes', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/cannot hold/);
$node->answer('admin1', "SELECT lpr.change_person('alone1', kind => 'personal'); SELECT lpr.retire_person('both1')");
$node->refused('the first approver has left', 'owner1', $approve->($two), 'A1', 'LP033', words => qr/no longer counts/);
$node->refused('… and decides nothing any more', 'both1', $approve->($two), 'A1', 'LP024');
is($node->answer('owner1', "SELECT lpr.deny($two, 'Its first approval no longer counts, since who gave it has left.')"), 'denied', 'so it is denied');
$node->answer('admin1', "SELECT lpr.change_person('alone1', supervisor => 'supervisor1')");
$node->refused('what is denied is not approved', 'owner1', $approve->($two), 'A1', 'LP034');
$node->refused('the same need to know again', 'alone1', $request->(), 'A1', 'LP043', words => qr/says nothing/);
my $three = $node->answer('alone1', $request->(need => "'Is on the team that looks for stolen lorries, and has to know where they stand.'"));
$node->answer('alone1', "SELECT lpr.withdraw_request($three, 'No longer on that team')");
$node->refused('what is withdrawn is not approved', 'both1', $approve->($three), 'A1', 'LP024');
$node->refused('what is withdrawn stays', 'alone1', "SELECT lpr.withdraw_request($three, 'x')", 'A1', 'LP034');

# A course that lapses, or is added, between the two approvals.
$node->answer('admin1', "SELECT lpr.add_course('ethics', 'Ethics')");
$untrained->('no longer trained at the second approval', 'owner1', $approve->($one), 'newcomer1');
$node->answer('admin1', "SELECT lpr.retire_course('ethics')");

# Valid for a year at most.
for my $for ("'0'", "'-1 day'", "'1 year 1 second'", "'13 months'", "'367 days'", "'100000 years'", "'-1 month 30 days'", "'-200000 years'", 'NULL')
{
	$node->refused("valid for $for", 'owner1', $approve->($one, for => $for), 'A1', '22023', words => qr/not a time of validity/);
}
$node->faulty("valid for infinity", 'owner1', $approve->($one, for => "'infinity'"), '22\d\d\d');
is($state->($one), 'approved', 'it waits still');

my $mails = $node->answer('postgres', 'SELECT count(*) FROM lpr_data.mail');
is($node->answer('owner1', $approve->($one, reason => "'Need to know is shown, the sources and modes fit.'")), 'granted', 'the system owner approves: granted');
is($node->answer('postgres', "SELECT ends_at = (granted_at AT TIME ZONE 'UTC' + interval '1 year') AT TIME ZONE 'UTC' FROM lpr_data.access WHERE access_id = $one"), 't', '… for a year');
is($node->answer('postgres', "SELECT kind FROM lpr_data.mail ORDER BY mail_id DESC LIMIT 1"), 'authorization', '… with the mail of authorization (A2)');
is($node->answer('postgres', "SELECT string_agg(concat_ws(' ', s.action, s.step, p.login), ', ' ORDER BY s.number) FROM lpr_data.access_step AS s JOIN lpr_data.person AS p USING (person_id) WHERE s.access_id = $one"),
	'request requester newcomer1, approve supervisor supervisor1, approve system_owner owner1', '… each step with who did it');

# ---- an event, the first answer ----

my $event = $node->answer('newcomer1', $open);
$node->make_targets('lpr');
is($node->answer('newcomer1', "\\o /dev/null\n" . LprTest::consent($event) . "\n\\o\n$quick"), 1, 'the first answer');

# A course more, by the administrator; the six of the assessment stay.
$node->refused('a demanded course is not retired', 'admin1', "SELECT lpr.retire_course('privacy')", 'A3', '22023');
$node->answer('admin1', "SELECT lpr.add_course('privacy', 'Something easier')");
$node->faulty('… nor after it was added again', 'admin1', "SELECT lpr.retire_course('privacy')", '22023');
is($node->answer('postgres', "SELECT title, required, shipped FROM lpr_data.course WHERE code = 'privacy'"), 'Privacy|t|t', '… which changes nothing');
$node->faulty("the superuser: $_", 'postgres', $_, '(?:23514|LP034)') for "UPDATE lpr_data.course SET required = false, shipped = false WHERE code = 'privacy'", "DELETE FROM lpr_data.course WHERE code = 'privacy'",
	"TRUNCATE lpr_data.course CASCADE";
$node->answer('admin1', "SELECT lpr.add_course('ethics', 'Ethics')");
$newcomer->('a course that was added', 'A3', 'LP026', $event);
$node->train('analyst2', 0, 'ethics');
$untrained->('who is not trained opens no event', 'newcomer1', "SELECT lpr.open_event('Lorries at the depot', 'suspect', 'title_18', 'SD-2026-78', 'Two lorries stand at the depot every night; whose they are has to be found.')");
$node->answer('analyst2', "SELECT lpr.open_event('Lorries at the mill', 'suspect', 'title_18', 'SD-2026-79', 'Two lorries stand at the mill every night; who brings them there has to be found.')", logon => 0);
my $mill = "(SELECT max(event) FROM lpr.events WHERE title = 'Lorries at the mill')";
$untrained->('… joins none', 'analyst2', "SELECT lpr.add_member($mill, 'newcomer1')", 'newcomer1');
$untrained->('… takes none over', 'analyst2', "SELECT lpr.transfer_event($mill, 'newcomer1', 'The mill is on the beat of the colleague, who knows the lorries and their drivers.')", 'newcomer1');
is($node->answer('postgres', "BEGIN; SELECT lpr_data.leave_events((SELECT person_id FROM lpr_data.person WHERE login = 'analyst2'), (SELECT person_id FROM lpr_data.person WHERE login = 'newcomer1')) > 0; ROLLBACK"), 't',
	'… inherits none: it waits');
$node->answer('admin1', "SELECT lpr.retire_course('ethics')");
is($node->answer('newcomer1', "\\o /dev/null\n" . LprTest::consent($event) . "\n\\o\n$quick"), 1, '… and retired');
# A row of the demanded courses less must not mean less to have completed, and none not that all is well.
my $guards = "ALTER TABLE lpr_data.course ENABLE TRIGGER ALL; ALTER TABLE lpr_data.course ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate, ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate";
for my $gone ("= 'lpr_policy'", "<> 'ethics'")
{
	$node->answer('postgres', "ALTER TABLE lpr_data.course DISABLE TRIGGER ALL; UPDATE lpr_data.course SET code = 'x_' || code, required = false WHERE code $gone; $guards");
	$newcomer->("without the courses $gone nobody is trained", 'A3', 'LP026', $event);
	$untrained->('… nor opens an event', 'newcomer1', "SELECT lpr.open_event('Lorries at the depot', 'suspect', 'title_18', 'SD-2026-78', 'Two lorries stand at the depot every night; whose they are has to be found.')");
	$node->answer('postgres', "ALTER TABLE lpr_data.course DISABLE TRIGGER ALL; UPDATE lpr_data.course SET code = substr(code, 3), required = true WHERE code ~ '^x_'; $guards");
}

# ---- scopes ----

$node->answer('admin1', "SELECT lpr.change_person('alone1', supervisor => 'supervisor1')");
my $afi = $node->grant('alone1', systems => 'AFI', sources => 'birdseye');
$node->train('alone1', 0);
$node->refused('a system that one has no access for', 'alone1', $open, 'A7', 'LP025', words => qr/"ATS"/);
$node->refused('no system', 'alone1', "SELECT lpr.open_event('Vans at the depot', 'suspect', 'title_18', 'SD-2026-77', 'Two vans stand at the depot every night.', NULL)", 'A7', 'LP025');
my $project = $node->open_event('alone1', system => 'AFI');
$node->refused('another source', 'alone1', LprTest::consent() . $ask->($project, 'acme'), 'A7', 'LP025', source => 'acme', words => qr/"acme" by plate for system AFI/);
$node->refused('another mode', 'alone1', LprTest::consent() . "SELECT count(*) FROM lpr.reads WHERE make = 'FORD' AND lpr.distance_m(latitude, longitude, 32.55, -117.04) <= 25000 AND source = 'birdseye' AND event_id = $project", 'A7', 'LP025', source => 'birdseye', words => qr/by vehicle/);
$node->refused('a place', 'alone1', LprTest::consent() . "SELECT count(*) FROM lpr.reads WHERE lpr.distance_m(latitude, longitude, 32.55, -116.94) <= 1000 AND source = 'birdseye' AND event_id = $project", 'A7', 'LP025', source => 'birdseye', words => qr/by place/);
is($node->answer('alone1', "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n" . $ask->($project, 'birdseye')), 1, 'what was granted');
# analyst2 has ATS and AFI; alone1 is entitled to AFI only, so is no member of an event of ATS.
$node->refused('a member without access to the system of the event', 'analyst2', "SELECT lpr.add_member(2, 'alone1')", 'E4', 'LP025');
# Grants add up, and do not mix: ATS with acme and AFI with birdseye is not ATS with birdseye.
my $ats = $node->grant('alone1', modes => 'plate,vehicle');
my $matter = $node->open_event('alone1');
is($node->answer('alone1', "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n" . $ask->($matter)), 1, 'a second grant');
$node->refused('scopes of two grants do not mix', 'alone1', LprTest::consent() . $ask->($matter, 'birdseye'), 'A7', 'LP025', source => 'birdseye', words => qr/"birdseye" by plate for system ATS/);
$node->refused('… nor modes', 'alone1', LprTest::consent() . "SELECT count(*) FROM lpr.reads WHERE make = 'FORD' AND lpr.distance_m(latitude, longitude, 32.55, -117.04) <= 25000 AND source = 'birdseye' AND event_id = $project", 'A7', 'LP025', source => 'birdseye');

# ---- a grant is its two approvals, and no word ----

# As a superuser enters it, or a dump that somebody has doctored: nothing in it is refused, and nothing comes of it.
my $enter = sub {
	my ($login, @steps) = @_;
	my $id = $node->answer('postgres', "INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at) SELECT person_id, '{IRS-NG}', '{acme}', '{plate}', 'x', 'granted', now(), now() + interval '1 month'
		FROM lpr_data.person WHERE login = '$login' RETURNING access_id");
	my $number = 0;

	$node->answer('postgres', "INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason) SELECT $id, " . ++$number . ", '$_->[0]', '$_->[1]', person_id, 'entered' FROM lpr_data.person WHERE login = '$_->[2]'") for @steps;
	return $id;
};
my $report = sub { my ($what) = @_; return $node->answer('oversight1', "SELECT string_agg(severity || ': ' || finding, E'\n' ORDER BY finding) FROM lpr.security_report() WHERE topic = 'access' AND finding ~ '$what'", logon => 0) };
my $irs = "SELECT lpr.open_event('Lorries at the quay', 'suspect', 'title_18', 'SD-2026-90', 'Two lorries stand at the quay every night; who brings them there has to be found.', 'IRS-NG')";
my $indexes = "DROP INDEX lpr_data.access_step_different_people, lpr_data.access_step_once";
for my $case ([ 'no step' ], [ 'one approval', [ 'approve', 'supervisor', 'supervisor1' ] ], [ 'the second approval only', [ 'approve', 'system_owner', 'owner1' ] ],
	[ 'a denial for the second', [ 'approve', 'supervisor', 'supervisor1' ], [ 'deny', 'system_owner', 'owner1' ] ], [ 'a denial for the first', [ 'deny', 'supervisor', 'supervisor1' ], [ 'approve', 'system_owner', 'owner1' ] ],
	[ 'their own approval', [ 'approve', 'supervisor', 'alone1' ], [ 'approve', 'system_owner', 'owner1' ] ], [ 'their own second approval', [ 'approve', 'supervisor', 'supervisor1' ], [ 'approve', 'system_owner', 'alone1' ] ],
	[ 'two of oversight', [ 'approve', 'oversight', 'oversight1' ], [ 'approve', 'administrator', 'admin1' ] ])
{
	my ($name, @steps) = @$case;
	my $id = $enter->('alone1', @steps);

	$node->refused("a grant with $name opens no event", 'alone1', $irs, 'A7', 'LP025');
	is($report->("^grant $id of"), qq{high: grant $id of "alone1" was not approved by two}, '… and is reported');
	is($node->answer('postgres', "SELECT holds FROM lpr_data.entitlements((SELECT person_id FROM lpr_data.person WHERE login = 'alone1'), now()) WHERE access_id = $id"), 'f', '… and holds nowhere');
}
# Two approvals by one person are kept out by an index; the rule does not lean on it.
$node->answer('postgres', 'ALTER TABLE lpr_data.access_step DISABLE TRIGGER ALL');
my $both = $enter->('alone1', [ 'approve', 'supervisor', 'supervisor1' ], [ 'approve', 'system_owner', 'owner1' ]);
my $quay = $node->answer('alone1', $irs, logon => 0);
$node->make_targets('lpr');
is($node->answer('alone1', "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n" . $ask->($quay)), 1, 'with both approvals it is one');
$node->answer('postgres', "BEGIN; $indexes; UPDATE lpr_data.access_step SET person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'supervisor1') WHERE access_id = $both; COMMIT");
$node->refused('both by one person are none', 'alone1', LprTest::consent() . $ask->($quay), 'A7', 'LP025', source => 'acme');
$node->answer('postgres', "UPDATE lpr_data.access_step SET person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'owner1') WHERE access_id = $both AND number = 2;
	CREATE UNIQUE INDEX access_step_different_people ON lpr_data.access_step (access_id, person_id) WHERE action IN ('request', 'approve'); CREATE UNIQUE INDEX access_step_once ON lpr_data.access_step (access_id, step) WHERE action IN ('request', 'approve')");
is($node->answer('alone1', "\\o /dev/null\n" . LprTest::consent() . "\n\\o\n" . $ask->($quay)), 1, '… and by two it is one again');
$node->answer('postgres', "DELETE FROM lpr_data.access_step WHERE access_id = $both AND step = 'supervisor'");
$node->refused('an approval that is gone takes the grant along', 'alone1', LprTest::consent() . $ask->($quay), 'A7', 'LP025', source => 'acme');
$node->answer('postgres', 'ALTER TABLE lpr_data.access_step ENABLE TRIGGER ALL; ALTER TABLE lpr_data.access_step ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate, ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate');
$node->answer('owner1', "SELECT lpr.revoke_access($_, 'It was never approved.')", logon => 0) for $both - 8 .. $both;
is($report->('^grant '), '', 'nothing is left to report');

# ---- suspended, resumed, revoked: from the next question on, in the middle of whatever is open ----

my ($session) = $node->session('newcomer1');
my ($snapshot) = $node->session('newcomer1');
for ($session, $snapshot) { $node->converse($_, LprTest::consent($event)) }
my $ok = sub { my ($name) = @_; for ($session, $snapshot) { is(($node->converse($_, $quick))[0], 1, $name . ($_ == $snapshot ? ', in an open transaction' : '')) } return };
my $not = sub {
	my ($name, $code) = @_;
	for ($session, $snapshot)
	{
		like(($node->converse($_, $_ == $snapshot ? "SAVEPOINT s; $quick" : $quick))[1], qr/ERROR: +$code/, $name . ($_ == $snapshot ? ', in an open transaction with an old snapshot' : ''));
		$node->converse($_, 'ROLLBACK TO s') if $_ == $snapshot;
	}
	return;
};
$node->converse($snapshot, 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.sources; SAVEPOINT s');
$ok->('granted');
$node->refused('suspended without a reason', 'owner1', "SELECT lpr.suspend_access($one, NULL)", 'A1', 'LP043');
$node->refused('suspended by themselves', 'newcomer1', "SELECT lpr.suspend_access($one, 'x')", 'A1', 'LP033');
$node->refused('suspended by a supervisor of others', 'supervisor2', "SELECT lpr.suspend_access($one, 'x')", 'A1', 'LP033');
$node->refused('suspended by an administrator', 'admin1', "SELECT lpr.suspend_access($one, 'x')", 'A1', 'LP033');
my $own = $node->grant('all1');
$node->refused("by themselves, whatever their roles: $_->[0]", 'all1', "SELECT lpr.$_->[0]_access($own, '$_->[1]')", 'A1', 'LP033') for [ 'suspend', 'x' ], [ 'revoke', 'x' ], [ 'resume', 'It was about somebody else, who has the same name.' ];
$node->answer('supervisor1', "SELECT lpr.suspend_access($one, 'Looked for a neighbour')");
$not->('suspended', 'LP025');
$node->refused('… nor is an event kept going', 'newcomer1', "SELECT lpr.extend_event($event, now() + interval '200 days', 'The vans are gone from the depot, and have to be found anew.')", 'A7', 'LP025');
$node->refused('… nor is anybody let in', 'newcomer1', "SELECT lpr.add_member($event, 'analyst1')", 'A7', 'LP025');
$node->refused('suspended once more', 'owner1', "SELECT lpr.suspend_access($one, 'x')", 'A1', 'LP034');
$node->refused('resumed by the supervisor', 'supervisor1', "SELECT lpr.resume_access($one, 'It was about somebody else, who has the same name.')", 'A1', 'LP033');
$node->refused('resumed by themselves', 'newcomer1', "SELECT lpr.resume_access($one, 'It was about somebody else, who has the same name.')", 'A1', 'LP033');
$node->refused('resumed with a reason that says nothing', 'owner1', "SELECT lpr.resume_access($one, 'ok')", 'A1', 'LP043');
$node->answer('oversight1', "SELECT lpr.resume_access($one, 'It was about somebody else, who has the same name.')");
$ok->('resumed');
$node->answer('admin1', "SELECT lpr.retire_person('alone1')");
$node->refused('who has left asks nothing', 'alone1', LprTest::consent() . $ask->($matter), 'A1', 'LP024', source => 'acme');
$node->answer('postgres', 'GRANT newcomer1 TO stranger1');
$not->('a login that was lent', 'LP024');
$node->answer('postgres', 'REVOKE newcomer1 FROM stranger1; REVOKE lpr_user FROM newcomer1');
$not->('no member of lpr_user any more', '(?:LP022|42501)');
$node->answer('postgres', 'GRANT lpr_user TO newcomer1');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', kind => 'service')");
$not->('a service login', 'LP024');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', kind => 'personal')");
$ok->('all is well again');
$node->answer('oversight1', "SELECT lpr.revoke_access($one, 'Is on another team from today')");
$not->('revoked', 'LP025');
$node->refused('what is revoked is not resumed', 'owner1', "SELECT lpr.resume_access($one, 'It was about somebody else, who has the same name.')", 'A1', 'LP034');
$node->refused('nor revoked again', 'owner1', "SELECT lpr.revoke_access($one, 'x')", 'A1', 'LP034');
$_->quit for $session, $snapshot;
is($node->answer('postgres', "SELECT string_agg(DISTINCT m.kind, ' ' ORDER BY m.kind) FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'newcomer1'"), 'authorization revoked suspended', 'each is told by mail');

# ---- recertification ----

my $renewed = $node->grant('newcomer1', supervisor => 'supervisor1');
my $certify = sub { my ($login, $reason) = @_; return "SELECT lpr.recertify($login, " . ($reason // "'Still looks for stolen vans every day, as the log shows.'") . ')' };
$node->refused('recertifies themselves', 'lead1', $certify->("'lead1'"), 'A4', 'LP033', words => qr/you cannot recertify yourself/);
$node->refused('not a lead', 'supervisor1', $certify->("'newcomer1'"), 'A4', 'LP033');
$node->refused('a superuser', 'boss1', $certify->("'newcomer1'"), 'A4', 'LP033');
$node->refused('a reason that says nothing', 'lead1', $certify->("'newcomer1'", "'As before'"), 'A4', 'LP043');
$node->refused('somebody without access', 'lead1', $certify->("'owner1'"), 'A4', 'LP034');
$node->faulty('nobody', 'lead1', $certify->('NULL'), '42704');
$node->faulty('by an older snapshot', 'lead1', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; ' . $certify->("'newcomer1'"), '25000');
$node->hire('led1', 'lpr_user', supervisor => 'lead2');
my $led = $node->grant('led1', supervisor => 'lead2');
$node->refused('a lead who approved it', 'lead2', $certify->("'led1'"), 'A4', 'LP033', words => qr/approved/);
like($node->answer('lead1', $certify->("'led1'")), qr/^20/, 'a lead who did not');
$node->refused('who lost the role', 'lead2', "RESET ROLE; " . $certify->("'newcomer1'"), 'A4', 'LP033') if $node->answer('postgres', 'REVOKE lpr_lead FROM lead2; SELECT 1');

# ---- what is on record stays ----

for my $table (qw(access access_step recertification training))
{
	for my $setting ('RESET session_replication_role', 'SET session_replication_role = replica')
	{
		like($node->messages('postgres', "$setting; $_"), qr/ERROR: +LP034: .*HINT/s, "$setting; $_") for "DELETE FROM lpr_data.$table", "TRUNCATE lpr_data.$table CASCADE",
			"UPDATE lpr_data.$table SET person_id = person_id + 1";
	}
}
my $direct = sub { my ($name, $sql, $code) = @_; return like($node->messages('postgres', $sql), qr/ERROR: +$code/, "the superuser: $name: $code") };
$direct->('a grant without approvals', "UPDATE lpr_data.access SET state = 'granted', granted_at = now(), ends_at = now() + interval '1 month' WHERE state IN ('denied', 'withdrawn')", 'LP034');
$direct->('a grant made longer', "UPDATE lpr_data.access SET ends_at = ends_at + interval '1 day' WHERE access_id = $renewed", 'LP034');
$direct->('a grant made new', "UPDATE lpr_data.access SET granted_at = now(), ends_at = now() + interval '1 year' WHERE access_id = $renewed", 'LP034');
$direct->('a revoked one granted', "UPDATE lpr_data.access SET state = 'granted' WHERE access_id = $one", 'LP034');
$direct->('suspended without a step', "UPDATE lpr_data.access SET state = 'suspended' WHERE access_id = $renewed", 'LP034');
my $columns = "(person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at) SELECT person_id, '{ATS}', '{acme}', '{plate}', 'x', 'granted'";
my $of = "FROM lpr_data.person WHERE login = 'leaver1'";
$direct->('a grant of more than a year', "INSERT INTO lpr_data.access $columns, now(), now() + interval '1 year 1 second' $of", '23514');
$direct->('without an end', "INSERT INTO lpr_data.access $columns, now(), NULL $of", '23514');
$direct->('without end', "INSERT INTO lpr_data.access $columns, now(), 'infinity' $of", '23514');
$direct->('always and ever', "INSERT INTO lpr_data.access $columns, '-infinity', 'infinity' $of", '23514');
$direct->('another mode', "INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know) SELECT person_id, '{ATS}', '{acme}', '{plate,face}', 'x' $of", '23514');
$direct->('both approvals by one person', "INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason) SELECT access_id, 9, 'approve', 'system_owner', person_id, 'x' FROM lpr_data.access_step WHERE action = 'approve' AND step = 'supervisor'", '23505');
$direct->('two under way', "INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know) SELECT person_id, '{ATS}', '{acme}', '{plate}', 'x' FROM lpr_data.person, generate_series(1, 2) WHERE login = 'leaver1'", '23505');
$direct->('training of more than a year', "INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id) SELECT p.person_id, 'privacy', '2026-01-01', '2027-01-02', t.person_id FROM lpr_data.person AS p, lpr_data.person AS t WHERE p.login = 'led1' AND t.login = 'trainer1'", '23514');
$direct->('training before it was completed', "INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id) SELECT p.person_id, 'privacy', lpr_data.utc_today() + 2, now() + interval '1 month', t.person_id FROM lpr_data.person AS p, lpr_data.person AS t WHERE p.login = 'led1' AND t.login = 'trainer1'", '23514');
$direct->('training recorded by oneself', "INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id) SELECT p.person_id, 'privacy', '2026-01-01', '2026-12-01', p.person_id FROM lpr_data.person AS p WHERE p.login = 'led1'", '23514');
$direct->('recertified for more than a year', "INSERT INTO lpr_data.recertification (person_id, lead_id, valid_until, reason) SELECT p.person_id, l.person_id, now() + interval '1 year 1 minute', 'x' FROM lpr_data.person AS p, lpr_data.person AS l WHERE p.login = 'led1' AND l.login = 'lead1'", '23514');
$direct->('recertified by oneself', "INSERT INTO lpr_data.recertification (person_id, lead_id, valid_until, reason) SELECT p.person_id, p.person_id, now() + interval '1 month', 'x' FROM lpr_data.person AS p WHERE p.login = 'led1'", '23514');
# What a superuser enters for later does not count before.
$node->train('led1', 0);
my $later = $node->open_event('led1');
$node->answer('postgres', "INSERT INTO lpr_data.access $columns, now() + interval '1 month', now() + interval '13 months' FROM lpr_data.person WHERE login = 'led1'");
$node->answer('oversight1', "SELECT lpr.revoke_access($led, 'Is on another team from today')");
$node->refused('a grant from next month on', 'led1', LprTest::consent() . $ask->($later), 'A7', 'LP025', source => 'acme');

# ---- what changed is on record ----

ok(LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 }), 'no change waits');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.access_step AS s WHERE s.reason <> 'entered' AND NOT EXISTS (SELECT FROM lpr_data.audit AS a JOIN lpr_data.person AS p ON p.login = a.login
	WHERE a.kind = 'change' AND a.payload::json->>'table' = 'lpr_data.access_step' AND (a.payload::json->'new'->>'access_id')::bigint = s.access_id AND (a.payload::json->'new'->>'number')::int = s.number AND p.person_id = s.person_id)"),
	0, 'every step of every request is on record, of the login that took it');

# An administrator who has left administers no more.
$node->answer('admin1', "SELECT lpr.retire_person('admin2')");
$node->refused("an administrator who has left: $_", 'admin2', "SELECT lpr.$_", 'A1', 'LP024') for "add_person('stranger1', 'N', 'n\@agency.example', 'T')", "change_person('owner1', name => 'X')", "retire_person('owner1')";
$node->refused('… nor policy', 'admin2', "SELECT lpr.$_->[0]", $_->[1], 'LP024') for [ "add_course('x', 'X')", 'A3' ], [ "retire_course('ethics')", 'A3' ], [ "set_rate_limit('person', 'hour', 9)", 'Q8' ],
	[ "set_search_limit('location', 9, '1 day', 9)", 'Q8' ], [ "add_purpose('x', 'X')", 'Q7' ], [ "retire_purpose('suspect')", 'Q7' ], [ "add_authority('x', 'X')", 'Q7' ], [ "retire_authority('ina')", 'Q7' ], [ "add_empty_reason('x')", 'Q7' ];
$node->sound('in the end');
$node->stop;
done_testing();
