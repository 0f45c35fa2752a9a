# who_is_who: one human being has one login, and roles that must be apart are apart (A8).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('who_is_who');
my $quick = LprTest::quick();
is($node->answer('analyst1', $quick), 1, 'who came through all of it is answered');

# ---- one human being has one active personal login ----

$node->answer('postgres', 'CREATE ROLE twin1 LOGIN IN ROLE lpr_supervisor; CREATE ROLE twin2 LOGIN IN ROLE lpr_user; CREATE ROLE monitor1 LOGIN IN ROLE lpr_oversight');
my $twin = sub { my ($login, $name, $address, $more) = @_; return "SELECT lpr.add_person('$login', '$name', '$address\@agency.example', 'Targeting'$more)" };
my $one_login = sub { my ($name, $sql, $words) = @_; return $node->refused($name, 'admin1', $sql, 'A8', 'LP036', words => $words) };
# The key that numbers are hashed with: without one, or with one that could be guessed, nobody is registered.
my $key = PostgreSQL::Test::Utils::slurp_file("$node->{secret_directory}/identity-key");
my $keyless = sub { return $node->messages('admin1', $twin->('twin1', 'Twyla Inman', 'twin1', ", personnel_number => 'P-twin'"), logon => 0) };
$node->put_secret('identity-key', 'x' x 31);
like($keyless->(), qr/F0000: identity key "identity-key" is too short\nDETAIL: .*32 characters.*\nHINT: .*openssl rand/s, 'a key that is too short');
unlink "$node->{secret_directory}/identity-key";
like($keyless->(), qr/F0000: identity key "identity-key" does not exist\n.*HINT: .*openssl rand/s, '… and none at all');
$node->put_secret('identity-key', $key);
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.person WHERE login = 'twin1'"), 0, '… nobody is registered with that');
$one_login->('without a personnel number', $twin->('twin1', 'Ann Alister', 'twin1', ''), qr/no personnel number of login "twin1"/);
$one_login->('with the number of somebody else', $twin->('twin1', 'Twyla Inman', 'twin1', ", personnel_number => 'P-analyst1'"), qr/login "analyst1" has that personnel number/);
$one_login->('… written otherwise', $twin->('twin1', 'Twyla Inman', 'twin1', ", personnel_number => ' p analyst-1 '"), qr/login "analyst1" has that personnel number/);
$one_login->('with the address of somebody else', $twin->('twin1', 'Twyla Inman', 'analyst1', ", personnel_number => 'P-twin'"), qr/login "analyst1" has that e-mail address/);
$one_login->('… in other letters', $twin->('twin1', 'Twyla Inman', 'ANALYST1', ", personnel_number => 'P-twin'"), qr/login "analyst1" has that e-mail address/);
$node->refused("a number such as $_", 'admin1', $twin->('twin1', 'Twyla Inman', 'twin1', ", personnel_number => '$_'"), 'A8', '22023', words => qr/not a personnel number/) for '', '- -', '12', 'x' x 41;
$node->answer('admin1', $twin->('twin1', 'ann  alister', 'twin1', ", personnel_number => 'P-twin'"));
$one_login->('changed to the number of somebody else', "SELECT lpr.change_person('twin1', personnel_number => 'P-analyst1')", qr/login "analyst1" has that personnel number/);
$one_login->('changed to the address of somebody else', "SELECT lpr.change_person('twin1', email => 'Analyst1\@agency.example')", qr/login "analyst1" has that e-mail address/);
$node->faulty('decided by an older snapshot', 'admin1', "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1; SELECT lpr.change_person('twin1', personnel_number => 'P-twin2')", '25000');
is($node->answer('oversight1', "SELECT severity || ': ' || finding FROM lpr.security_report() WHERE topic = 'access'", logon => 0), 'medium: logins analyst1, twin1 have the same name', 'the same name is reported, and no more');
$node->answer('admin1', $twin->('monitor1', 'Monitor', 'analyst1', ", kind => 'service'"));
$one_login->('a service becomes a person', "SELECT lpr.change_person('monitor1', kind => 'personal', personnel_number => 'P-monitor')", qr/login "analyst1" has that e-mail address/);
$one_login->('… without a number', "SELECT lpr.change_person('monitor1', kind => 'personal', email => 'monitor\@agency.example')", qr/no personnel number/);
is($node->answer('postgres', "SELECT count(DISTINCT personnel_hash), bool_and(octet_length(personnel_hash) = 32), bool_or(personnel_hash IN (sha256('PANALYST1'), hmac('PANALYST1', '', 'sha256'))) FROM lpr_data.person WHERE login IN ('analyst1', 'analyst2', 'twin1')"),
	'3|t|f', 'what is kept is no number, nor a hash that anybody could make');
like($node->messages('postgres', "UPDATE lpr_data.person SET personnel_hash = (SELECT personnel_hash FROM lpr_data.person WHERE login = 'analyst1') WHERE login = 'twin1'"), qr/ERROR: +23505: .*"person_one_human"/, 'the superuser: the same human twice');
like($node->messages('postgres', "UPDATE lpr_data.person SET personnel_hash = 'x' WHERE login = 'twin1'"), qr/ERROR: +23514: .*"personnel_hash_is_one"/, 'the superuser: what is no hash');
$node->answer('admin1', "SELECT lpr.retire_person('twin1')");
$node->answer('admin1', $twin->('twin2', 'Twyla Inman', 'twin1', ", personnel_number => 'P-TWIN'"));
$node->answer('admin1', "SELECT lpr.retire_person('twin2'), lpr.retire_person('monitor1')");
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.person WHERE login ~ '^twin' AND personnel_hash IS NOT NULL"), 2, 'who has left may come back under another login');
# Without a number nobody acts or asks; as a superuser leaves it, or a dump of a version that knew of none.
$node->answer('postgres', "UPDATE lpr_data.person SET personnel_hash = NULL WHERE login IN ('analyst1', 'supervisor1')");
$node->refused('who has no number asks nothing', 'analyst1', $quick, 'A8', 'LP036', source => 'acme', logon => 1, words => qr/no personnel number of login analyst1/);
$node->refused('… nor acts', 'supervisor1', "SELECT lpr.approve(1, 'x')", 'A8', 'LP036', words => qr/no personnel number of login "supervisor1"/);
is($node->answer('analyst1', "SELECT what_to_do ~ 'lpr.change_person.''analyst1'', personnel_number' FROM lpr.my_access WHERE NOT holds"), 't', '… and is told whom to ask');
is($node->answer('oversight1', "SELECT string_agg(severity || ': ' || finding, ', ' ORDER BY finding) FROM lpr.security_report() WHERE topic = 'access'", logon => 0),
	'high: no personnel number of login "analyst1" is on record, high: no personnel number of login "supervisor1" is on record', '… which is reported');
$node->answer('admin1', "SELECT lpr.change_person(l, personnel_number => 'P-' || l) FROM unnest('{analyst1,supervisor1}'::text[]) AS l");
is($node->answer('analyst1', $quick), 1, '… until it is on record');
# What an administrator does at the same time is seen.
$node->answer('postgres', 'CREATE ROLE twin3 LOGIN; CREATE ROLE twin4 LOGIN');
my ($adds) = $node->session('admin1', logon => 0);
$node->converse($adds, 'BEGIN; ' . $twin->('twin3', 'Thea Inman', 'twin3', ", personnel_number => 'P-31'"));
my $meanwhile = $node->launch('postgres', $twin->('twin4', 'Theo Inman', 'Twin3', ", personnel_number => 'P-41'"));
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'") }), 'who registers the second one waits');
$node->converse($adds, 'COMMIT');
like(($node->landed($meanwhile))[1], qr/ERROR: +LP036: login "twin3" has that e-mail address/, '… and is refused');
$adds->quit;

# ---- roles that must be apart ----

my $pairs = sub { my ($role) = @_; return $node->answer('analyst2', "SELECT string_agg(CASE role WHEN '$role' THEN other ELSE role END, ' ' ORDER BY CASE role WHEN '$role' THEN other ELSE role END) FROM lpr.roles_apart WHERE '$role' IN (role, other)") };
is($pairs->('lpr_user'), 'lpr_admin lpr_foia lpr_integrity lpr_lead lpr_oversight lpr_records_officer lpr_system_owner lpr_training_officer', 'what who asks holds none of');
is($pairs->('lpr_admin'), 'lpr_integrity lpr_oversight lpr_privacy lpr_user', 'what an administrator holds none of');
$node->answer('postgres', 'CREATE ROLE pairs1 LOGIN');
$node->answer('admin1', "SELECT lpr.add_person('pairs1', 'Paz Pairs', 'pairs1\@agency.example', 'Targeting', personnel_number => 'P-pairs')");
my $holds = sub { my (@roles) = @_; return join ' ', map { $node->answer('postgres', "SELECT lpr_data.holds(person_id, '$_') FROM lpr_data.person WHERE login = 'pairs1'") } @roles };
for (split /\n/, $node->answer('postgres', 'SELECT role, other FROM lpr_data.role_conflict'))
{
	my ($role, $other) = split /\|/;

	$node->answer('postgres', "GRANT $role TO pairs1");
	is($holds->($role, $other), 't f', "only $role");
	$node->answer('postgres', "GRANT $other TO pairs1");
	is($holds->($role, $other), 'f f', "… with $other: neither");
	$node->answer('postgres', "REVOKE $role, $other FROM pairs1");
}
# From the next statement on, in the middle of a session; through a role between them as well.
$node->answer('postgres', 'CREATE ROLE team; GRANT lpr_admin TO team');
my ($session) = $node->session('analyst1');
is(($node->converse($session, $quick))[0], 1, 'who asks');
for my $way ('GRANT lpr_admin TO analyst1', 'GRANT team TO analyst1')
{
	$node->answer('postgres', $way);
	my $head = $node->head;
	like(($node->converse($session, $quick))[1], qr/ERROR: +LP038: login analyst1 is a member of a role that is apart from lpr_user.*DETAIL: .*HINT: /s, "$way: asks no more");
	is($node->records_after($head, "kind = 'refused'"), 'refused analyst1 acme A8 LP038', '… on record');
	$node->refused('… nor sets limits', 'analyst1', "SELECT lpr.set_rate_limit('person', 'hour', 1000000)", 'A8', 'LP038', words => qr/is a member of lpr_admin and of lpr_user/);
	$node->refused('… nor opens an event', 'analyst1', "SELECT lpr.open_event('Vans at the depot', 'suspect', 'title_18', 'SD-2026-77', 'Two vans stand at the depot every night; whose they are has to be found.')", 'A8', 'LP038',
		words => qr/is a member of lpr_user and of lpr_admin/);
	is($node->answer('oversight1', "SELECT severity || ': ' || finding || ' ' || mend FROM lpr.security_report() WHERE finding ~ 'analyst1'", logon => 0),
		'high: login "analyst1" is a member of lpr_user and of lpr_admin REVOKE lpr_admin FROM analyst1; -- or the other one', '… is reported');
	like($node->answer('analyst1', "SELECT string_agg(what_to_do, '') FROM lpr.my_access WHERE NOT holds"), qr/you are a member of lpr_admin as well, which is apart from lpr_user/, '… and told');
	$node->answer('postgres', 'REVOKE lpr_admin, team FROM analyst1');
	is(($node->converse($session, $quick))[0], 1, '… and asks again when one of them is taken away');
}
$session->quit;
# The privacy officer adds pairs, and nobody takes one away.
my $apart = sub { my ($role, $other, $reason) = @_; return "SELECT lpr.keep_apart($role, $other, $reason)" };
$node->refused('two roles kept apart by an administrator', 'admin1', $apart->("'lpr_user'", "'lpr_privacy'", "'Who asks'"), 'A8', 'LP033');
$node->refused('… without a reason', 'privacy1', $apart->("'lpr_user'", "'lpr_privacy'", 'NULL'), 'A8', 'LP043');
$node->refused("… of $_->[0] and $_->[1]", 'privacy1', $apart->(@$_, "'Who asks'"), 'A8', '22023', words => qr/not two roles of lpr/) for [ "'lpr_user'", "'lpr_user'" ], [ "'lpr_user'", "'postgres'" ], [ 'NULL', "'lpr_user'" ], [ "'lpr_user'", 'NULL' ];
$node->answer('privacy1', $apart->("'lpr_privacy'", "'lpr_user'", "'Who asks does not write the rules.'"));
$node->answer('privacy1', $apart->("'lpr_user'", "'lpr_privacy'", "'The other way around.'"));
is($node->answer('postgres', "SELECT count(*), bool_or(shipped) FROM lpr_data.role_conflict WHERE 'lpr_privacy' IN (role, other) AND 'lpr_user' IN (role, other)"), '1|f', 'a pair that was added');
$node->answer('postgres', 'GRANT lpr_privacy TO analyst1');
$node->refused('… counts', 'analyst1', $quick, 'A8', 'LP038', source => 'acme', logon => 1);
$node->answer('postgres', 'REVOKE lpr_privacy FROM analyst1');
like($node->messages('postgres', $_), qr/ERROR: +LP034/, "the superuser: $_") for 'DELETE FROM lpr_data.role_conflict', "UPDATE lpr_data.role_conflict SET other = 'lpr_lead'", 'TRUNCATE lpr_data.role_conflict';
like($node->messages('postgres', "INSERT INTO lpr_data.role_conflict (role, other, reason) VALUES ('lpr_user', 'lpr_user', 'x')"), qr/ERROR: +23514: .*"two_roles"/, 'the superuser: a role apart from itself');

# ---- after an update: thirty days for what is missing, once ----

# As an update leaves it: two people had access before, one had not; nobody has a number, a course that is new, or a source with a day.
$node->hire('later1', 'lpr_user', supervisor => 'supervisor1');
$node->answer('postgres', "CREATE TABLE kept AS SELECT login, personnel_hash FROM lpr_data.person; UPDATE lpr_data.person SET personnel_hash = NULL; UPDATE lpr_data.source SET published_on = NULL;
	ALTER TABLE lpr_data.training DISABLE TRIGGER ALL; DELETE FROM lpr_data.training WHERE course IN ('integrity_awareness', 'lpr_policy'); ALTER TABLE lpr_data.training ENABLE TRIGGER ALL;
	ALTER TABLE lpr_data.training ENABLE ALWAYS TRIGGER refuse_rewrite, ENABLE ALWAYS TRIGGER refuse_truncate, ENABLE ALWAYS TRIGGER audit_change, ENABLE ALWAYS TRIGGER audit_truncate");
my $lacks = sub { my ($name, $control, $code, %given) = @_; return $node->refused($name, 'analyst1', $quick, $control, $code, source => 'acme', logon => 1, %given) };
$lacks->('without an update nothing is let pass: no number', 'A8', 'LP036');
$node->answer('postgres', "INSERT INTO lpr_data.grace (what) VALUES ('personnel_numbers')");
$lacks->('… nor a course', 'A3', 'LP026');
$node->answer('postgres', "INSERT INTO lpr_data.grace (what) VALUES ('courses')");
$lacks->('… nor a source that was not published', 'Q10', 'LP003', words => qr/privacy assessment of source "acme" is not published/);
$node->answer('postgres', "INSERT INTO lpr_data.grace (what) VALUES ('sources')");
is($node->answer('analyst1', $quick), 1, 'for thirty days after one, it is');
my $told = $node->messages('analyst1', LprTest::consent(), logon => 0);
like($told, qr/NOTICE: .*\Q$_\E is missing, and has to be on record by \d{4}-\d\d-\d\d \d\d:\d\d UTC.*HINT: +Ask \S/s, "… and told at each logon: $_")
	for 'course integrity_awareness, lpr_policy', 'your personnel number', 'the day of publication of source acme, birdseye, curbside';
is($node->answer('oversight1', "SELECT string_agg(DISTINCT severity || ': ' || regexp_replace(finding, '\".*\"', '...'), E'\n' ORDER BY severity || ': ' || regexp_replace(finding, '\".*\"', '...')) FROM lpr.security_report() WHERE topic = 'access' AND finding ~ '^no '", logon => 0),
	"medium: no day of publication of source ... is on record\nmedium: no personnel number of login ... is on record", '… and reported');
my $waiting = $node->answer('later1', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find out where stolen vans stand at night, for the team at the harbour.')", logon => 0);
$node->train('later1', 0, @LprTest::courses[0 .. 3]);
$node->refused('who had no access before completes all courses first', 'supervisor1', "SELECT lpr.approve($waiting, '$LprTest::because')", 'A3', 'LP026', words => qr/training of "later1"/);
# Neither longer, nor once more, nor of what it is not for.
my $bound = sub { my ($name, $sql, $words) = @_; return like($node->messages('postgres', $sql), qr/ERROR: +$words/, "the superuser: $name") };
$bound->('once more', "INSERT INTO lpr_data.grace (what) VALUES ('sources')", qr/23505: .*"grace_pkey"/);
$bound->('something else', "INSERT INTO lpr_data.grace (what) VALUES ('access')", qr/23514: .*"grace_what_check"/);
$bound->('longer', "UPDATE lpr_data.grace SET until = until + interval '1 day'", qr/LP034/);
$bound->('begun anew', 'DELETE FROM lpr_data.grace', qr/LP034/);
$node->answer('postgres', 'ALTER TABLE lpr_data.grace DISABLE TRIGGER refuse_rewrite');
$bound->('longer, without its guard', "UPDATE lpr_data.grace SET until = since + interval '31 days'", qr/23514: .*"thirty_days_at_most"/);
# Thirty days later each is missed by itself.
for my $case ([ 'sources', 'Q10', 'LP003', "UPDATE lpr_data.source SET published_on = '2017-12-11'" ], [ 'courses', 'A3', 'LP026', '' ], [ 'personnel_numbers', 'A8', 'LP036', 'UPDATE lpr_data.person AS p SET personnel_hash = k.personnel_hash FROM kept AS k WHERE k.login = p.login' ])
{
	my ($what, $control, $code, $mend) = @$case;

	$node->answer('postgres', "UPDATE lpr_data.grace SET since = now() - interval '40 days', until = now() - interval '10 days' WHERE what = '$what'");
	$lacks->("$what, after thirty days", $control, $code);
	$node->answer('postgres', $mend) if $mend;
	$node->train('analyst1', 0) if $what eq 'courses';
	is($node->answer('analyst1', $quick), 1, '… until it is on record');
}
unlike($node->messages('analyst1', LprTest::consent(), logon => 0), qr/NOTICE: .*is missing/, 'nothing more is told');
$node->answer('postgres', 'ALTER TABLE lpr_data.grace ENABLE ALWAYS TRIGGER refuse_rewrite');

$node->sound('in the end');
$node->stop;
done_testing();
