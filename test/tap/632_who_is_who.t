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

$node->sound('in the end');
$node->stop;
done_testing();
