# rules of use: what a text has to say, whoever words it (A2, A5), and one text a system (A5, A7).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('rules');
my %words = (permissible_uses => 'Permissible uses. You query this data only for an ongoing law-enforcement or border-security matter',
	no_expectation_of_privacy => 'You have no reasonable expectation of privacy.', audit => 'Each query, with its plate, its matter and its time, is recorded, kept, and reviewed.',
	discipline => 'Improper use may result in disciplinary action');
my $quick = sub { my ($event) = @_; return LprTest::quick() . " AND event_id = $event" };
my $shown = sub { my ($login) = @_; return $node->answer($login, 'SELECT text FROM lpr.rules()', logon => 0) };

# ---- the clauses ----

is($node->answer('newcomer1', "SELECT string_agg(kind || ' ' || code, ', ' ORDER BY kind, code) FROM lpr.clauses"),
	'authorization appropriate_use, authorization authorization, authorization discipline, rules audit, rules discipline, rules no_expectation_of_privacy, rules permissible_uses', 'everybody sees the clauses');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.clause AS c WHERE lpr_data.lacks_clause(CASE c.kind WHEN 'rules' THEN (SELECT text FROM lpr_data.rules WHERE version = 1)
	ELSE (SELECT body FROM lpr_data.mail_text AS m WHERE m.kind = c.kind AND shipped) END, c.text)"), 0, 'the texts that come with lpr have them');
like($node->messages('postgres', $_), qr/ERROR: +LP034/, "the superuser: $_") for "UPDATE lpr_data.clause SET text = 'x'", 'DELETE FROM lpr_data.clause', 'TRUNCATE lpr_data.clause';
for my $code (sort keys %words)
{
	my $rest = $LprTest::clauses =~ s/\{$code\}//r;

	$node->refused("rules without $code", 'privacy1', "SELECT lpr.set_rules('The rules of use. $rest')", 'A5', 'LP039', words => qr/: $code$/m);
	like($node->messages('privacy1', "SELECT lpr.set_rules('The rules of use. $rest')"), qr/HINT: .*lpr\.set_rules\('\.\.\.your text\.\.\. \{$code\}'\)/, '… the hint puts it in');
}
$node->refused('rules that say nothing of it', 'privacy1', "SELECT lpr.set_rules('Be good.')", 'A5', 'LP039', words => qr/audit, discipline, no_expectation_of_privacy, permissible_uses/);
$node->refused('… of a system', 'privacy1', "SELECT lpr.set_rules('Be good.', 'AFI')", 'A5', 'LP039');
$node->refused('… by whom no name of a clause stands for it', 'privacy1', "SELECT lpr.set_rules('permissible_uses no_expectation_of_privacy audit discipline')", 'A5', 'LP039');
is($node->answer('privacy1', "SELECT lpr.set_rules('In lines of one word: ' || (SELECT regexp_replace(string_agg(text, E'\\n' ORDER BY code DESC), ' ', E'\\n', 'g') FROM lpr.clauses WHERE kind = 'rules'))"), 2,
	'how their words are broken into lines does not matter');
is($node->answer('privacy1', "SELECT lpr.set_rules('The rules of this agency. $LprTest::clauses')"), 3, 'names stand for their words');
like($shown->('analyst1'), qr/The rules of this agency\. .*\Q$_\E/s, "… which are shown: $_") for values %words;
unlike($shown->('analyst1'), qr/\{/, '… in place of them');
# What no verb took.
$node->answer('postgres', "INSERT INTO lpr_data.rules (version, text) VALUES (4, 'Written past the verb. You have no reasonable expectation of privacy.')");
like($shown->('analyst1'), qr/\AWritten past the verb\..*\Q$_\E/s, "a text without it is shown with it: $_") for values %words;
is(scalar(() = $shown->('analyst1') =~ /expectation of privacy/g), 1, '… and twice with none');
my ($session) = $node->session('analyst1');
is(($node->converse($session, $quick->(1)))[0], 1, '… and agreed to');

# ---- the mail of a grant ----

my $mailed = sub { my ($login) = @_; return $node->answer('postgres', "SELECT body FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE p.login = '$login' AND m.kind = 'authorization' ORDER BY mail_id DESC LIMIT 1") };
$node->refused("a mail of a grant that only greets", 'admin1', "SELECT lpr.set_mail_text('authorization', 'Hi', 'Hello {name}')", 'A2', 'LP039', words => qr/: appropriate_use, authorization, discipline/);
$node->refused("… that lacks $_", 'admin1', "SELECT lpr.set_mail_text('authorization', 'Hi', 'Hello {name}, " . ('{appropriate_use} {authorization} {discipline}' =~ s/\{$_\}//r) . "')", 'A2', 'LP039', words => qr/: $_$/m)
	for qw(appropriate_use authorization discipline);
is($node->answer('admin1', "SELECT lpr.set_mail_text('denied', 'Hi', 'Hello {name}')"), '', 'other mails have nothing to say of it');
is($node->answer('admin1', "SELECT lpr.set_mail_text('authorization', 'Hi', E'Hello {name},\\n\\n{authorization}\\n\\n{appropriate_use}\\n\\n{discipline}\\n')"), '', 'one with all three');
$node->grant('newcomer1', sources => 'acme', supervisor => 'supervisor1');
like($mailed->('newcomer1'), qr/\AHello Newt Comer,\n\nYou are authorized to use license plate reader \(LPR\) data until 20\d\d-\d\d-\d\d:\nsystems: ATS\nsources: acme\n.*Ask only for an ongoing.*Improper use may bring discipline/s,
	'… has their words, filled in');
$node->answer('postgres', "UPDATE lpr_data.mail_text SET body = 'Hello {name}' WHERE kind = 'authorization' AND NOT shipped");
$node->hire('clerk1', 'lpr_user', supervisor => 'supervisor1');
$node->grant('clerk1');
like($mailed->('clerk1'), qr/\AHello The clerk1\n\n.*You are authorized to use.*systems: ATS\n/s, 'a text of before, which lacks them, is mailed with them');
like($mailed->('clerk1'), $_, "… $_") for qr/Ask only for an ongoing enforcement/, qr/Improper use may bring discipline/;

# ---- one text a system ----

$node->faulty('rules of no system', 'privacy1', "SELECT lpr.set_rules('x', 'NCIC')", '42704', qr/system "NCIC" does not exist/);
like($node->messages('admin1', "SELECT lpr.set_rules('x', 'AFI')"), qr/ERROR: +42501/, 'an administrator writes none');
is($node->answer('privacy1', "SELECT lpr.set_rules('The rules of the agency. $LprTest::clauses')"), 5, 'one for all systems');
my ($both) = $node->session('analyst2');
my ($only) = $node->session('analyst1');
my ($watcher) = $node->session('oversight1');
my $head = $node->head;
is($node->answer('privacy1', "SELECT lpr.set_rules('For analysts of AFI: projects are shared. $LprTest::clauses', 'AFI')"), 6, 'and one of AFI');
is(($node->converse($only, $quick->(1)))[0], 1, 'who has no access to AFI goes on');
like(($node->converse($both, $quick->(2)))[1], qr/ERROR: +LP028: you have not agreed to the rules.*\nDETAIL: .*of the systems.*\nHINT: +SELECT \* FROM lpr\.rules\(\)/s, 'who has is refused');
like(($node->converse($watcher, 'SELECT count(*) FROM lpr.audit()'))[1], qr/ERROR: +LP028/, '… and so is who reads by duty');
unlike($shown->('analyst1'), qr/projects are shared|For ATS/, 'one is shown the texts of the systems that one has access to');
like($shown->('analyst2'), qr/\AFor ATS:\n\nThe rules of the agency\..*\n\nFor AFI:\n\nFor analysts of AFI: projects are shared\./s, '… all of them');
like($shown->('oversight1'), qr/\AFor ATS, IRS-NG, TECS:\n\nThe rules of the agency\..*\n\nFor AFI:\n\n/s, 'who has access to none is shown those of all');
is($node->answer('analyst2', 'SELECT version FROM lpr.rules()', logon => 0), 6, 'the version is the newest of them');
$head = $node->head;
like(($node->converse($both, LprTest::consent() =~ s/^.*\n//r =~ s/:'consent_code'/(SELECT 'x')/r))[1], qr/LP028/, 'a code has to be shown first');
my ($code) = $node->converse($both, 'SELECT code FROM lpr.rules()');
like(($node->converse($both, "SELECT lpr.accept_rules('$code')"))[0], qr/agreed to versions 5, 6 of the rules/, 'both are agreed to');
is($node->answer('postgres', "SELECT payload::json ->> 'what' FROM lpr_data.audit WHERE kind = 'consent' AND number > $head ORDER BY number DESC LIMIT 1"), 'agreed to versions 5, 6 of the rules', '… on record');
is(($node->converse($both, $quick->(2)))[0], 1, '… and asked for');
is($node->answer('analyst2', "SELECT requirement, holds FROM lpr.my_access WHERE requirement LIKE 'the rules%'"), 'the rules of use, versions 5, 6, agreed to in this session|t', 'lpr.my_access tells which');

# Another system, in the middle of a session.
my $more = $node->grant('analyst1', systems => 'AFI');
like(($node->converse($only, $quick->(1)))[1], qr/ERROR: +LP028: you have not agreed/, 'access to a system with another text: it is agreed to first');
($code) = $node->converse($only, 'SELECT code FROM lpr.rules()');
$node->answer('oversight1', "SELECT lpr.suspend_access($more, 'Stops for the time of this test, as everybody knows.')");
like(($node->converse($only, "SELECT lpr.accept_rules('$code')"))[1], qr/LP028: the rules have changed since you were shown them/, 'a code is for the texts that were shown');
is(($node->converse($only, $quick->(1)))[0], 1, 'without it, what was agreed to is enough');
$node->answer('privacy1', "SELECT lpr.set_rules('For ATS only. $LprTest::clauses', 'ATS')");
like(($node->converse($_, $quick->($_ == $only ? 1 : 2)))[1], qr/LP028/, 'a new text of ATS: all who have access to it') for $only, $both;
$node->answer('privacy1', "SELECT lpr.set_rules('Again one for all. $LprTest::clauses')");
is($shown->('analyst2'), $shown->('oversight1'), 'one for all takes the place of each');
like($shown->('analyst2'), qr/\AAgain one for all\./, '… and has no heading');
$node->answer('privacy1', "SELECT lpr.set_rules('For TECS only. $LprTest::clauses', 'TECS')");
is($node->answer('analyst1', $quick->(1)), 1, 'one of a system that nobody asks from disturbs nobody');

$_->quit for $session, $both, $only, $watcher;
$node->stop;
done_testing();
