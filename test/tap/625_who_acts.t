# who acts: no right rests on GRANT alone (A1, A6, A9, U4). Every function that a role of lpr may call is called by a login that nobody is registered for, by
# one whose person has left, and by one that is shared: it refuses, on record, or stands in the list below with the reason.
use strict;
use warnings;
use LprAccess;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('acts', world => 1, conf => "listen_addresses = '127.0.0.1'\nmax_prepared_transactions = 2\n");

# What may be called by whom: nothing of it reads or changes what is anybody's.
my %harmless = (
	login => 'who one is', normal_plate => 'pure', confusable_plates => 'pure', matched_how => 'pure', distance_m => 'pure', normal_region => 'pure',
	normal_word => 'pure', has_point => 'pure', given => 'pure', asked_since => 'pure', like_literal => 'pure', address_contains => 'pure', dialects => 'names that the library knows', rules => 'read before one is anybody',
	last_query => 'of this very session',
	# of lpr_data: what policies and views are keyed on
	me => 'NULL for these', acts_as => 'false for these', my_people => 'empty for these', whom => 'names of whom to ask', sees_all => 'false', sees => 'false', my_events => 'none',
	hard_limits => 'bounds that no row passes', usage => 'how much one\'s own login has used',
	my_access => 'one\'s own', target_plates => 'of one\'s own events, within a question', utc_today => 'pure',
);
my @roles = split /\n/, $node->answer('postgres', "SELECT rolname FROM pg_roles WHERE rolname ~ '^lpr_' AND NOT rolcanlogin AND rolname NOT IN ('lpr_owner', 'lpr_log', 'lpr_verb') ORDER BY 1");
cmp_ok(scalar @roles, '>=', 9, 'roles');
for my $login (qw(ghost1 left1 shared1 service1))
{
	$node->answer('postgres', "CREATE ROLE $login LOGIN IN ROLE " . join(', ', @roles));
}
$node->answer('admin1', "SELECT lpr.add_person('left1', 'Lef Tover', 'left1\@agency.example', 'Field', personnel_number => 'P-left1'), lpr.add_person('shared1', 'Desk', 'desk\@agency.example', 'Field', kind => 'shared'),
	lpr.add_person('service1', 'Monitor', 'monitor\@agency.example', 'Systems', kind => 'service')");
$node->answer('admin1', "SELECT count(*) FROM lpr.retire_person('left1')");

# Each with arguments of its types, none of them NULL, so that nothing but who calls is wrong at first sight.
my $calls = $node->answer('postgres', q{
	SELECT n.nspname || '.' || p.proname || '~' || format('SELECT %s FROM %I.%I(%s)', CASE WHEN p.prorettype = 'void'::regtype THEN 'count(*)' ELSE '*' END, n.nspname, p.proname,
		(SELECT string_agg(CASE WHEN t.oid = 'text'::regtype THEN quote_literal('TX') WHEN t.typcategory = 'N' THEN '1' WHEN t.typcategory = 'B' THEN 'true'
			WHEN t.oid = 'interval'::regtype THEN quote_literal('1 hour') WHEN t.typcategory = 'D' THEN quote_literal('2026-01-01') WHEN t.oid = 'text[]'::regtype THEN quote_literal('{make}')
			WHEN t.typcategory = 'A' THEN quote_literal('{1}') WHEN t.oid = 'jsonb'::regtype THEN quote_literal('{"r-1": "x"}') WHEN t.oid = 'bytea'::regtype THEN quote_literal('\x00') ELSE 'NULL' END || '::' || t.oid::regtype::text, ', ' ORDER BY a.place)
		 FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (oid, place) JOIN pg_type AS t ON t.oid = a.oid))
	FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
	WHERE n.nspname IN ('lpr', 'lpr_data') AND p.prokind = 'f' AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
	  AND EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname ~ '^lpr_' AND r.rolname NOT IN ('lpr_owner', 'lpr_log', 'lpr_verb') AND NOT r.rolcanlogin AND has_function_privilege(r.oid, p.oid, 'EXECUTE'))
	ORDER BY 1});
$node->answer('analyst1', 'SELECT 1'); # the log begins
my %seen;
for (split /\n/, $calls)
{
	my ($name, $sql) = split /~/, $_, 2;
	my ($short) = $name =~ /\.(.*)/;

	# A schema that nobody may use holds what views and policies call, with no other way in.
	next if $name =~ /^lpr_data\./ && $node->answer('postgres', "SELECT has_schema_privilege('ghost1', 'lpr_data', 'USAGE')") eq 'f';
	$seen{$short} = 1;
	next if $harmless{$short};
	for my $login (qw(ghost1 left1 shared1))
	{
		my $head = $node->head;
		my $said = $node->messages($login, $sql, logon => 0);

		like($said, qr/ERROR: +LP0\d\d: /, "$login: $sql");
		like($node->records_after($head, "kind = 'refused'"), qr/\A(?:refused $login .*LP0\d\d\n?)+\z/, '… on record');
	}
}
# Nor does it tell them what there is: of a request, or an event, that does not exist the refusal is the same.
for my $call ("approve(%s, 'x')", "deny(%s, 'x')", "withdraw_request(%s, 'x')", "suspend_access(%s, 'x')", "resume_access(%s, 'x')", "revoke_access(%s, 'x')",
	"close_event(%s, 'xxx')", "transfer_event(%s, 'analyst2', 'x')", "add_member(%s, 'analyst2')", "remove_member(%s, 'analyst2')")
{
	for my $login (qw(ghost1 analyst2))
	{
		my ($of_none, $of_another) = map { my $sql = sprintf "SELECT lpr.$call", $_; $node->messages($login, $sql, logon => 0) =~ s/(request|event) $_\b/$1 N/gr } 987654, 1;
		is($of_none, $of_another, "$login learns nothing by lpr." . sprintf $call, 'N');
	}
}
cmp_ok(scalar keys %seen, '>', 60, 'many functions');
is(join(' ', grep { !$seen{$_} && $node->answer('postgres', "SELECT count(*) FROM pg_proc WHERE proname = '$_' AND pronamespace::regnamespace::text IN ('lpr', 'lpr_data')") == 0 } sort keys %harmless), '', 'each exception is of a function that is there');

# ---- reading by duty ----

my $says = sub { my ($login, $sql, $state, $name, %given) = @_; return like($node->messages($login, $sql, %given), $state eq '' ? qr/\A\z/ : qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, $name) };
for my $content ('lpr.audit()', 'lpr.unanswered()', 'lpr.export_audit()')
{
	$says->('oversight1', "SELECT count(*) FROM $content", 'LP028', "$content shows plates: nothing before the rules are agreed to", logon => 0);
	$says->('oversight1', "SELECT count(*) FROM $content", '', '… and all after that');
	$says->('service1', "SELECT count(*) FROM $content", 'LP033', '… to no program');
	is(($node->ask('postgres', "SELECT count(*) > 0 FROM $content"))[0], 0, '… nor is a superuser stopped, who can read the table, but on record here');
}
like($node->messages('postgres', 'SET SESSION AUTHORIZATION oversight1; SELECT lpr.audit()'), qr/\A\z|LP02[148]/, 'a superuser under another name');
for my $figures ('lpr.audit_status()', 'lpr.mail_status()', 'lpr.verify_audit()', 'lpr.checkpoint()', 'lpr.audit_key()')
{
	$says->('service1', "SELECT count(*) FROM $figures", '', "$figures names nobody: a registered program reads it, without agreeing");
}
$says->('service1', 'SELECT count(*) FROM lpr.security_report()', 'LP033', 'lpr.security_report() names people');

# Over a network in plain text: neither (A6).
$node->answer('postgres', "SELECT lpr.add_client_network('127.0.0.1', 'direct')");
my $plain = '\\c "host=127.0.0.1 sslmode=disable port=' . $node->port . ' dbname=lpr user=%s"' . "\n%s";
$says->('oversight1', sprintf($plain, 'oversight1', LprTest::consent() . " SELECT count(*) FROM lpr.$_"), 'LP023', "lpr.$_ in plain text", logon => 0) for 'audit()', 'unanswered()', 'export_audit()';
$says->('postgres', sprintf($plain, 'postgres', 'SELECT count(*) FROM lpr.audit()'), 'LP023', '… nor to a superuser');
$says->('analyst1', sprintf($plain, 'analyst1', LprTest::consent(1) . " SELECT count(*) FROM $_"), 'LP023', "no question in plain text: $_", logon => 0) for "lpr.search_plate('BULK1')", 'lpr.event_reads(1)';
$says->('service1', sprintf($plain, 'service1', "SELECT count(*) FROM lpr.$_"), 'LP023', "lpr.$_ in plain text") for 'audit_status()', 'mail_status()', 'verify_audit()', 'checkpoint()', 'audit_key()';

# ---- who leaves ----

sub statements { my ($login, $heir) = @_; return $node->answer('admin1', "SELECT * FROM lpr.retire_person('$login'" . ($heir ? ", '$heir'" : '') . ')') }
$node->refused('nobody retires themselves', 'admin1', "SELECT lpr.retire_person('admin1')", 'A1', 'LP033', words => qr/themselves/);
$node->answer('postgres', 'CREATE ROLE admin2 LOGIN IN ROLE lpr_admin');
$node->answer('admin1', "SELECT lpr.add_person('admin2', 'Ad Min', 'admin2\@agency.example', 'Systems', personnel_number => 'P-admin2')");
$node->answer('admin2', "SELECT count(*) FROM lpr.retire_person('admin1')");
like($node->messages('postgres', "SELECT lpr.retire_person('admin2')"), qr/ERROR: +LP033: login "admin2" is that of the last administrator/, 'nor does anybody the last administrator');
$node->answer('postgres', "UPDATE lpr_data.person SET left_at = NULL WHERE login = 'admin1'");

my ($session) = $node->session('analyst1');
my $mine = $node->answer('analyst1', 'SELECT event FROM lpr.events WHERE mine = \'owner\' ORDER BY 1 LIMIT 1', logon => 0);
$node->answer('analyst1', "SELECT lpr.add_member($mine, 'analyst2')", logon => 0);
is($node->answer('analyst2', LprTest::quick() . " AND event_id = $mine"), 1, 'a member asks for it');
is(statements('analyst1'), "REVOKE lpr_user FROM analyst1;\nALTER ROLE analyst1 NOLOGIN;\nSELECT lpr.hand_over('analyst1', '...', '...why...'); -- by supervisor1: 1 open event(s) wait for an owner",
	'what is left to do is told');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'analyst1'") == 0 }), 'sessions of who left have ended');
is($node->answer('postgres', "SELECT string_agg(DISTINCT state, ' ') FROM lpr_data.access AS a JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'analyst1'"), 'suspended', 'grants are suspended');
is($node->answer('oversight1', "SELECT DISTINCT action || ' as ' || acting_as || ' by ' || by_login FROM lpr.access_history WHERE login = 'analyst1' AND action = 'suspend'", logon => 0), 'suspend as administrator by admin1', '… by a step');
is($node->answer('supervisor1', "SELECT state FROM lpr.events WHERE event = $mine"), 'waiting', 'the event waits for an owner');
like($node->messages('analyst2', LprTest::quick() . " AND event_id = $mine"), qr/ERROR: +LP042/, '… and nobody asks for it');
my ($saver) = $node->session('analyst2');
$node->converse($saver, 'SELECT lpr.work_on(2)');
my ($id) = $node->converse($saver, "SELECT read_id FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme'");
like(($node->converse($saver, "SELECT lpr.save($mine, 'acme', '{$id}', 'The van stood before the house of the suspect on each night of the thefts.', 'illicit_activity')"))[1], qr/ERROR: +LP042: event $mine is not open/, '… nor is anything saved for it');
$saver->quit;
my $report = "SELECT mend FROM lpr.security_report() WHERE finding = 'login analyst1 is that of a person who has left'";
is($node->answer('admin1', $report), 'REVOKE lpr_user FROM analyst1; ALTER ROLE analyst1 NOLOGIN;', 'a finding until it is done');
$node->answer('postgres', 'ALTER ROLE analyst1 NOLOGIN');
is($node->answer('admin1', $report), 'REVOKE lpr_user FROM analyst1;', '… all of it');
$node->answer('postgres', $node->answer('admin1', $report));
is($node->answer('admin1', $report), '', '… and not after');
is($node->answer('supervisor1', "SELECT lpr.hand_over('analyst1', 'analyst2', 'The van of that matter still has to be found; its analyst has left.')"), 1, 'the supervisor hands it over');
is($node->answer('analyst2', LprTest::quick() . " AND event_id = $mine"), 1, '… and it goes on');


# With an heir nothing waits; a request under way is withdrawn; people go to the supervisor's supervisor.
$node->hire('boss2', 'lpr_supervisor', supervisor => 'supervisor1');
$node->hire('clerk1', 'lpr_user', supervisor => 'boss2');
$node->train('clerk1', 3);
my $grant = $node->grant('clerk1', supervisor => 'boss2');
my $matter = $node->open_event('clerk1');
my $second = $node->answer('clerk1', "SELECT lpr.request_access('{ATS}', '{birdseye}', '{plate}', 'Works for the harbour team as well from next week on, which asks that source.')");
is(statements('boss2'), "REVOKE lpr_supervisor FROM boss2;\nALTER ROLE boss2 NOLOGIN;", 'a supervisor leaves');
is($node->answer('admin1', "SELECT supervisor FROM lpr.people WHERE login = 'clerk1'"), 'supervisor1', '… whose people have that one\'s supervisor');
is(statements('clerk1', 'analyst2'), "REVOKE lpr_user FROM clerk1;\nALTER ROLE clerk1 NOLOGIN;", 'somebody leaves, with an heir: nobody has to hand over anything');
is($node->answer('analyst2', "SELECT owner || ' ' || state FROM lpr.events WHERE event = $matter", logon => 0), 'analyst2 open', '… who has the event');
is($node->answer('postgres', "SELECT string_agg(access_id - $grant || ' ' || state, ', ' ORDER BY access_id) FROM lpr_data.access WHERE access_id >= $grant"), '0 suspended, ' . ($second - $grant) . ' withdrawn', '… the grant is suspended, the request withdrawn');

$node->refused('an heir who is the administrator', 'admin1', "SELECT lpr.retire_person('newcomer1', 'admin1')", 'A1', 'LP033', words => qr/heir/);

# An event that waits while its supervisors leave one after the other is not lost.
$node->hire('boss3', 'lpr_supervisor');
$node->hire('boss4', 'lpr_supervisor');
$node->hire('clerk3', 'lpr_user', supervisor => 'boss3');
$node->train('clerk3', 3);
$node->grant('clerk3', supervisor => 'boss3');
my $lost = $node->open_event('clerk3');
statements($_) for 'clerk3', 'boss3';
$node->refused('not by an analyst', 'analyst2', "SELECT lpr.transfer_event($lost, 'analyst2', 'Its analyst and her supervisor have left; the van is still sought by the county.')", 'E4', 'LP041');
is($node->answer('boss4', "SELECT lpr.hand_over('clerk3', 'analyst2', 'Its analyst and her supervisor have left; the van is still sought by the county.')"), 1, 'an event without any supervisor is handed over by another one');

# What is undone has ended nothing.
my ($stays) = $node->session('analyst2');
$node->answer('admin1', "BEGIN; SAVEPOINT s; SELECT lpr.retire_person('analyst2'); ROLLBACK TO s; COMMIT");
$node->answer('admin1', "BEGIN; SELECT lpr.retire_person('analyst2'); ROLLBACK");
is(($node->converse($stays, LprTest::quick() . " AND event_id = $mine"))[0], 1, 'a retirement that was rolled back ends no session');
like($node->messages('admin1', "BEGIN; SELECT lpr.retire_person('analyst2'); PREPARE TRANSACTION 'later'"), qr/ERROR: +0A000: a retirement cannot be prepared/, 'nor is one prepared: its sessions would go on');
$node->ask('admin1', "BEGIN; SAVEPOINT s; SELECT lpr.retire_person('analyst2'); RELEASE s; COMMIT");
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE usename = 'analyst2'") == 0 }), '… one that was not does');

# Who resumes is not below who suspended.
$node->hire('clerk2', 'lpr_user', supervisor => 'supervisor1');
$node->train('clerk2', 3);
$grant = $node->grant('clerk2');
my $why = 'It was about somebody else, who has the same name, as the records office says.';
$node->answer('owner1', "SELECT lpr.suspend_access($grant, 'x'); SELECT lpr.resume_access($grant, '$why')");
$node->answer('oversight1', "SELECT lpr.suspend_access($grant, 'x')", logon => 0);
$node->refused('what oversight suspended, by a system owner', 'owner1', "SELECT lpr.resume_access($grant, '$why')", 'A1', 'LP033', words => qr/suspended by oversight/);
$node->answer('oversight1', "SELECT lpr.resume_access($grant, '$why')", logon => 0);
is($node->answer('postgres', "SELECT state FROM lpr_data.access WHERE access_id = $grant"), 'granted', '… by oversight');
$session->quit;
$node->stop;
done_testing();
