# audit_texts: what people write in words of their own stands in the log as a digest, salted by its row, and not as it is (E2, C2, E10); texts are bounded, so that nobody
# fills the log with them; nor with refusals, nor somebody's mailbox with mails.
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_texts', world => 'noon', cache => 1, conf => "lpr.refusals_singly = 60\n");
$node->await_answers;
my $logged = sub { my ($what) = @_; LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 }); return $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE '%$what%'") };

# ---- every text that a verb takes from a person ----

my $start = $node->head;
$node->hire('clerk1', 'lpr_user', supervisor => 'supervisor1');
my $said = sub { my ($n) = @_; return "Zanzibar number $n tells in words of its own what has to be found out about the grey van." };
my $request = $node->answer('clerk1', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', '${\$said->(1)}')");
$node->answer('trainer1', "SELECT lpr.record_training('clerk1', c, (now() AT TIME ZONE 'UTC')::date - 3, '${\$said->(3)}') FROM unnest('{data_security,privacy,information_assurance,records_management,integrity_awareness,lpr_policy}'::text[]) AS c");
$node->answer('supervisor1', "SELECT lpr.approve($request, '${\$said->(2)}')");
$node->answer('owner1', "SELECT lpr.approve($request, '${\$said->(4)}')");
my $event = $node->answer('clerk1', "SELECT lpr.open_event('Zanzibar title', 'suspect', 'title_18', 'Zanzibar 17', '${\$said->(5)}')");
$node->answer('clerk1', "SELECT lpr.extend_event($event, clock_timestamp() + interval '200 days', 'The Zanzibar van came back on a ferry of the eleventh; its driver has another passport now.')");
$node->answer('oversight1', "SELECT lpr.suspend_access($request, '${\$said->(6)}')");
$node->answer('oversight1', "SELECT lpr.resume_access($request, '${\$said->(7)}')");
$node->answer('lead1', "SELECT lpr.recertify('clerk1', '${\$said->(8)}')");
my ($session) = $node->session('analyst1');
my ($id) = split /\n/, ($node->converse($session, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'"))[0];
is(($node->converse($session, "SELECT lpr.save(1, 'acme', '{$id}', '${\$said->(9)}', 'illicit_activity')"))[0], 1, 'a read is saved');
is(($node->converse($session, "SELECT lpr.correct(saved_id, 'color', 'Zanzibar', '${\$said->(10)}') FROM lpr.event_reads(1)"))[1] =~ /LP050/, 1, 'corrected in a statement of its own');
my ($saved) = ($node->converse($session, 'SELECT saved_id FROM lpr.event_reads(1)'))[0];
is(($node->converse($session, "SELECT lpr.correct($saved, 'color', 'Zanzibar', '${\$said->(10)}')"))[1], '', '… it is');
$node->answer('clerk1', "SELECT lpr.close_event($event, 'Zanzibar came of it: the van was sold.')");
is($logged->('Zanzibar'), 0, 'none of them stands in the log');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM (SELECT need_to_know FROM lpr_data.access UNION ALL SELECT reason FROM lpr_data.access_step UNION ALL SELECT evidence FROM lpr_data.training UNION ALL SELECT title || matter_reference || reason || outcome FROM lpr_data.event
	UNION ALL SELECT reason FROM lpr_data.event_extension UNION ALL SELECT reason FROM lpr_data.recertification UNION ALL SELECT relevance FROM lpr_data.event_read UNION ALL SELECT reason || value FROM lpr_data.correction) AS t (x) WHERE x LIKE '%anzibar%' OR x LIKE '%ZANZIBAR%'"), '>=', 14, '… all stand in their rows');

# By docs/audit-format.md, without a line of the extension's.
my $digest = sub { my ($column) = @_; return "encode(sha256('LPRT'::bytea || e.text_salt || int4send(octet_length('$column')) || '$column'::bytea || int4send(octet_length(e.$column)) || convert_to(e.$column, 'UTF8')), 'hex')" };
for my $column (qw(title matter_reference reason))
{
	is($node->answer('postgres', "SELECT count(*), bool_and((a.payload::jsonb->'new'->'$column'->>'length')::int = octet_length(e.$column)) FROM lpr_data.audit AS a JOIN lpr_data.event AS e ON e.event_id = $event
		WHERE a.payload::jsonb->>'table' = 'lpr_data.event' AND a.payload::jsonb->'new'->'$column'->>'digest' = ${\$digest->($column)}"), '3|t', "the $column of an event by its digest, at each change");
}
is($node->answer('postgres', "SELECT count(*), count(DISTINCT a.payload::jsonb->'new'->'outcome'->>'digest') FROM lpr_data.audit AS a WHERE a.payload::jsonb->>'table' = 'lpr_data.event' AND (a.payload::jsonb->'new'->>'event_id')::bigint = $event"), '3|1', 'an outcome once there is one');
is($logged->('text_salt'), 0, 'the salt stands in no record');
is($node->answer('postgres', 'SELECT count(*) - count(DISTINCT text_salt) FROM (SELECT text_salt FROM lpr_data.event UNION ALL SELECT text_salt FROM lpr_data.access UNION ALL SELECT text_salt FROM lpr_data.access_step) AS s'), 0, 'every row has another');

is($node->answer('postgres', "SELECT lpr_data.text_digest('\\x303132333435363738393a3b3c3d3e3f', 'reason', x), octet_length(x) FROM (VALUES (U&'S\\00e3o Paulo: the van was sold.')) AS v (x)"), 'e0db5b776ff2f3af982e9e773c6dbb50a16e035f1bf09b2e6ad07a8effcd7892|29', 'the vector of docs/audit-format.md');

# That a text belongs to a record.
my ($opened) = $node->answer('postgres', "SELECT min(number) FROM lpr_data.audit WHERE payload::jsonb->>'table' = 'lpr_data.event' AND payload::jsonb->>'action' = 'insert' AND (payload::jsonb->'new'->>'event_id')::bigint = $event");
is($node->answer('oversight1', qq{SELECT string_agg(concat_ws(' ', "column", version, proved, said), ', ') FROM lpr.recorded_texts($opened)}),
	"matter_reference new t Zanzibar 17, reason new t ${\$said->(5)}, title new t Zanzibar title", 'lpr.recorded_texts() tells them, and that they are those on record');
my ($last) = $node->answer('postgres', 'SELECT max(number) FROM lpr_data.audit');
is($node->answer('postgres', "SELECT kind || ' ' || (payload::jsonb->>'what') FROM lpr_data.audit WHERE number = $last"), "read recorded_texts($opened)", '… which is on record');
is($node->answer('oversight1', "SELECT count(*) FROM lpr.recorded_texts(1)"), 0, 'a record of another kind has none');
like($node->messages('analyst2', 'SELECT * FROM lpr.recorded_texts(1)'), qr/LP033/, 'not for others');

# ---- texts and lists have a bound, whichever verb takes them ----

my @verbs = split /\n/, $node->answer('postgres', <<'END');
SELECT format('lpr.%I(%s)', p.proname, (SELECT string_agg(format('%I => %s', p.proargnames[t.n],
	CASE WHEN t.n <> fed.n THEN format('NULL::%s', t.type::regtype)
	     WHEN t.type = 'text'::regtype THEN '{text}' WHEN t.type = 'text[]'::regtype THEN '{list}' ELSE '{json}' END), ', ' ORDER BY t.n)
	FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n)))
FROM pg_proc AS p, unnest(p.proargtypes::oid[]) WITH ORDINALITY AS fed (type, n)
WHERE p.pronamespace = 'lpr'::regnamespace AND p.prokind = 'f' AND p.prosecdef AND p.provolatile = 'v' AND fed.type IN ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
ORDER BY p.oid, fed.n
END
cmp_ok(scalar @verbs, '>=', 90, scalar(@verbs) . ' texts and lists of verbs');
my @roles = qw(lpr_user lpr_supervisor lpr_system_owner lpr_oversight lpr_privacy lpr_admin lpr_training_officer lpr_lead lpr_records_officer);
# For one person who calls all of them, no role is apart from another.
$node->answer('postgres', 'ALTER TABLE lpr_data.role_conflict DISABLE TRIGGER ALL; DELETE FROM lpr_data.role_conflict');
$node->answer('postgres', 'GRANT ' . join(', ', @roles) . ' TO admin1');
my $before = $node->head;
my %fed = (text => "repeat('x ', 1500000)", list => "ARRAY(SELECT 'x' || g FROM generate_series(1, 100000) AS g)", json => "(SELECT jsonb_object_agg('x' || g, repeat('y', 100)) FROM generate_series(1, 20000) AS g)");
for my $verb (@verbs)
{
	my $sql = $verb =~ s/\{(\w+)\}/$fed{$1}/r;

	# Some say nothing about what there is not.
	unlike(($node->ask('admin1', "SELECT * FROM $sql"))[2], qr/server closed/, $verb) if $verb =~ /remove_camera|hand_over/;
	like(($node->ask('admin1', "SELECT * FROM $sql"))[2], qr/ERROR/, "$verb of three million bytes: nothing comes of it") if $verb !~ /remove_camera|hand_over/;
}
cmp_ok($node->answer('postgres', "SELECT max(octet_length(payload)) FROM lpr_data.audit WHERE number > $before"), '<', 2000, '… and little of it stands in the log');

# Verbs of which all the rest is right.
sub bounded { my ($name, $login, $sql, $state) = @_; return like($node->messages($login, $sql, logon => $login =~ /^oversight/), qr/ERROR: +${\($state \/\/ '22001')}: .*\nDETAIL: /, "$name: refused") }
bounded('a purpose', 'admin1', "SELECT lpr.add_purpose('long', repeat('x', 1025))");
bounded('an authority', 'admin1', "SELECT lpr.add_authority('long', repeat('x', 1025))");
bounded('an assessment', 'privacy1', "SELECT lpr.approve_source('acme', repeat('x', 1025), published_on => '2017-12-11')");
bounded('exemptions', 'admin1', "SELECT lpr.set_exemptions('ATS', ARRAY(SELECT '5 U.S.C. 552a(j)(2)' FROM generate_series(1, 300)))");
bounded('an address of a camera', 'admin1', "SELECT lpr.add_camera('acme', 'c1', 32, -117, address => repeat('x', 1025))", '22023');
bounded('rules', 'privacy1', "SELECT lpr.set_rules(repeat('x', 65537) || '$LprTest::clauses')");
bounded('a look at the log', 'oversight1', "SELECT * FROM lpr.audit(login => repeat('x', 1025))");
bounded('… of a month', 'oversight1', "SELECT * FROM lpr.export_audit(month => repeat('x', 100000))");
bounded('a need to know', 'clerk1', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', '${\$said->(11)}' || repeat(' x', 2000))", 'LP043');
bounded('a source of a save', 'analyst1', "SELECT lpr.save(1, repeat('x', 3500000), '{a}', '${\$said->(12)}', 'illicit_activity')", '54000');
bounded('reads of a save', 'analyst1', "SELECT lpr.save(1, 'acme', ARRAY(SELECT 'r' || g FROM generate_series(1, 10001) AS g), '${\$said->(12)}', 'illicit_activity')", '54000');
bounded('a read of a save', 'analyst1', "SELECT lpr.save(1, 'acme', ARRAY[repeat('x', 129)], '${\$said->(12)}', 'illicit_activity')", '54000');
is($node->answer('admin1', "SELECT lpr.add_purpose('long', repeat('x', 1024))"), '', 'a text at the bound is taken');
# What an earlier version took stays, and its row can be worked on.
$node->safe_psql('lpr', "INSERT INTO lpr_data.purpose (purpose, title) VALUES ('earlier', repeat('x', 5000))");
is($node->answer('admin1', "SELECT lpr.retire_purpose('earlier')"), '', 'a longer one of before is worked on');
bounded('… but not brought again', 'admin1', "SELECT lpr.add_purpose('earlier', repeat('y', 5000))");

# ---- what nobody sees is in no text, whichever verb takes it; regress/house tries the columns one by one ----

my $rlo = "U&'To find \\202E the grey vans that come at night to the quarry of Otay.'";
my $short = "U&'a\\202Eb'";
my @hidden = (
	[ 'a name', 'admin1', "lpr.change_person('clerk1', name => $short)" ], [ 'a unit', 'admin1', "lpr.change_person('clerk1', unit => $short)" ],
	[ 'a new person', 'admin1', "lpr.add_person('analyst9', $short, 'a\@b.example', 'Unit', personnel_number => 'P-91')", "CREATE ROLE analyst9 LOGIN" ],
	[ 'a purpose', 'admin1', "lpr.add_purpose('hidden', $short)" ], [ 'an authority', 'admin1', "lpr.add_authority('hidden', $short)" ],
	[ 'a course', 'admin1', "lpr.add_course('hidden', $short)" ], [ 'an assessment', 'privacy1', "lpr.approve_source('acme', $short, published_on => '2017-12-11')" ],
	[ 'one of exemptions', 'admin1', "lpr.set_exemptions('ATS', ARRAY['5 U.S.C. 552a(j)(2)', $short])" ],
	[ 'an address of a camera', 'admin1', "lpr.add_camera('acme', 'c1', 32.7, -117.1, address => $short)" ], [ 'a camera', 'admin1', "lpr.add_camera('acme', $short, 32.7, -117.1)" ],
	[ 'a subject of mails', 'admin1', "lpr.set_mail_text('denied', $short, 'Body.')" ], [ 'a body', 'admin1', "lpr.set_mail_text('denied', 'Subject', $short)" ],
	[ 'rules', 'privacy1', "lpr.set_rules($rlo || E'\n{code}\n' || repeat('Rules of use. ', 30) || '$LprTest::clauses')" ],
	[ 'a need to know', 'clerk1', "lpr.request_access('{ATS}', '{acme}', '{plate}', $rlo)" ], [ 'evidence', 'trainer1', "lpr.record_training('clerk1', 'data_security', (now() AT TIME ZONE 'UTC')::date - 2, $short)" ],
	[ 'a title', 'clerk1', "lpr.open_event($short, 'suspect', 'title_18', 'Zanzibar 18', '${\$said->(21)}')" ],
	[ 'a reference', 'clerk1', "lpr.open_event('Zanzibar again', 'suspect', 'title_18', $short, '${\$said->(22)}')" ],
	[ 'a reason', 'clerk1', "lpr.open_event('Zanzibar again', 'suspect', 'title_18', 'Zanzibar 18', $rlo)" ],
	[ 'a reason of an extension', 'analyst1', "lpr.extend_event(1, clock_timestamp() + interval '200 days', $rlo)" ], [ 'an outcome', 'analyst1', "lpr.close_event(1, $short)" ],
	[ 'a reason to stop', 'oversight1', "lpr.suspend_access($request, $short)" ], [ 'a recertification', 'lead1', "lpr.recertify('clerk1', $rlo)" ],
	[ 'a relevance', 'analyst1', "lpr.save(1, 'acme', '{$id}', $rlo, 'illicit_activity')" ],
	[ 'a reason to correct', 'analyst1', "lpr.correct($saved, 'color', 'Zanzibar', $rlo)" ], [ 'a reason of a hold', 'records1', "lpr.place_hold(1, '28 U.S.C. 1746', $short)" ],
	[ 'an authority of a hold', 'records1', "lpr.place_hold(1, $short, 'Court order of the eleventh.')" ],
	[ 'a citation', 'records1', "lpr.propose_schedule('ATS', '5 years', '${\$said->(24)}', citation => $short)" ]);
for (@hidden)
{
	my ($name, $login, $verb, $first) = @$_;

	$node->answer('postgres', $first) if $first;
	like($node->messages($login, "SELECT $verb"), qr/ERROR: +22023: "[^"]+" holds an invisible character\nDETAIL: +It holds U\+202E\. .*\nHINT: /, "$name: refused, with what it holds");
}
# A refusal that quotes what was given, and a look at the log, which is on record with its arguments.
like($node->messages('clerk1', "SELECT lpr.open_event('Zanzibar again', 'suspect', 'title_18', 'Zanzibar 18', '${\$said->(25)}', system => U&'A\\202EB')"), qr/LP025: you have no access for system "AB"/, 'a refusal tells what it quotes without it');
$node->answer('oversight1', "SELECT * FROM lpr.audit(login => U&'analyst\\202E1')");
is($node->answer('postgres', "SELECT string_agg(kind, ' ' ORDER BY number) FROM lpr_data.audit WHERE number > $before AND (kind = 'refused' AND payload LIKE '%no access for system%AB%' OR kind = 'read' AND payload LIKE '%login => %analyst1%')"), 'refused read', '… on record as well, as a look at the log is');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE U&'%\\202E%'"), 0, '… and the log has none of it');
bounded("$_->[0] in an outcome", 'analyst1', "SELECT lpr.close_event(1, U&'Nothing \\$_->[1] came of it.')", '22023') for [ 'ESC', '001B' ], [ 'a C1 control', '0085' ], [ 'a zero width space', '200B' ], [ 'a tag', '+0E0041' ], [ 'a joiner of nothing', '200D' ];
# Spelling, and what is written from right to left, is nobody's trick.
like($node->answer('lead1', "SELECT lpr.recertify('clerk1', U&'The vans \\+01F468\\200D\\+01F469 of \\05E9\\05DC\\05D5\\05DD and \\0645\\06CC\\200C\\062E stand at the quarry at night:\n\tS\\00E3o Paulo.')"), qr/^\d{4}-/, 'an emoji of several, a Hebrew and a Persian word, lines and tabs are taken');
# What was there before stays, and its row can be worked on.
$node->safe_psql('lpr', "INSERT INTO lpr_data.purpose (purpose, title) VALUES ('hidden', $short)");
is($node->answer('admin1', "SELECT lpr.retire_purpose('hidden')"), '', 'what a superuser brought back is worked on');
# Settings are a superuser's to write; the writer notes them as they are.
$node->answer('postgres', "ALTER SYSTEM SET lpr.checkpoint_command = E'true # a\\u202Eb'");
$node->reload;
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.setting WHERE name = 'lpr.checkpoint_command' AND value LIKE U&'%\\202E%'") == 1 }), 'a setting with one is noted');
$node->answer('postgres', 'ALTER SYSTEM RESET lpr.checkpoint_command');
$node->reload;
$node->answer('postgres', 'REVOKE ' . join(', ', grep { $_ ne 'lpr_admin' } @roles) . ' FROM admin1');

# A question: what it may hold is bounded as well.
for my $question ("plate = repeat('X', 100000)", "make = repeat('X', 100000)", "plate IN (SELECT repeat('X', 1000000))")
{
	$before = $node->head;
	$node->messages('analyst1', "SELECT * FROM lpr.reads WHERE source = 'acme' AND $question");
	cmp_ok($node->answer('postgres', "SELECT coalesce(max(octet_length(payload)), 0) FROM lpr_data.audit WHERE number > $before"), '<', 2000, "$question: little in the log");
}

# ---- what was saved is looked at so often and no more ----

$node->move_clock(2 * 3600);
$node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'hour', 3)");
my ($other) = $node->session('analyst1');
my $looks = sub { return ($node->converse($other, 'SELECT count(*) FROM lpr.event_reads(1)'))[1] =~ /ERROR: +(\w+)/ ? $1 : 'shown' };
is(join(' ', map { $looks->() } 1 .. 5), 'shown shown shown LP046 LP046', 'looks at what was saved are rated');
like(($node->converse($other, "SELECT lpr.save(1, 'acme', '{x}', '${\$said->(13)}', 'illicit_activity')"))[1], qr/LP046/, 'so are saves');
like(($node->converse($other, LprTest::quick()))[1], qr/LP046/, 'they count as questions');
$node->widen('lpr', person_hour => { questions => 1000 });
is($looks->(), 'shown', 'a look within the limit');
$_->quit for $session, $other;

# ---- refusals are on record singly, and then counted ----

$node->move_clock(2 * 3600);
my $refusals = sub { return $node->answer('postgres', "SELECT concat_ws(' ', count(*) FILTER (WHERE payload::jsonb->'count' IS NULL), sum((payload::jsonb->>'count')::int), count(*) FILTER (WHERE payload::jsonb->'count' IS NOT NULL)) FROM lpr_data.audit WHERE number > $_[0] AND kind = 'refused' AND login = '$_[1]'") };
my ($flood) = $node->session('analyst2');
$before = $node->head;
my $err = ($node->converse($flood, join '', map { "SELECT lpr.work_on($_);\n" } 900001 .. 900100))[1];
is(scalar(() = $err =~ /ERROR: +LP041/g), 100, 'a hundred refusals');
is($refusals->($before, 'analyst2'), '60 1 1', '… 60 of them singly, and a record that counts');
like($node->messages('analyst1', 'SELECT lpr.work_on(900001)', logon => 0), qr/LP041/, 'somebody else is refused');
is($refusals->($before, 'analyst1'), '1 0', '… which is on record singly');
is(join(' ', map { (($node->converse($flood, $_))[1] =~ /ERROR: +(\w+)/)[0] } 'COPY (SELECT 1) TO STDOUT', "SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1' AND event_id = 999", "SELECT lpr.accept_rules('nonsense')"), 'LP050 LP041 LP028', 'those that are counted are refused as ever');
$node->move_clock(61);
ok(LprTest::eventually(sub { $refusals->($before, 'analyst2') eq '60 43 2' }), 'a minute later one record counts the rest') or diag $refusals->($before, 'analyst2');
like($node->answer('oversight1', "SELECT payload->>'message', sqlstate FROM lpr.audit(kind => 'refused', login => 'analyst2') AS a WHERE payload ? 'count' ORDER BY number DESC LIMIT 1"), qr/^refusals that are counted.*\|\w{5}$/, '… and says so');
$node->converse($flood, join '', map { "SELECT lpr.work_on($_);\n" } 900001 .. 900020);
$node->renew_writer;
$node->converse($flood, 'SELECT lpr.work_on(900001)');
like($refusals->($before, 'analyst2'), qr/^6[01] /, 'a new writer goes on');
$node->move_clock(3700);
$node->converse($flood, 'SELECT lpr.work_on(1000)');
like($refusals->($before, 'analyst2'), qr/^6[12] /, 'an hour later one is on record singly again');
$flood->quit;

# ---- nobody's mailbox is filled ----

my $mails = sub { return $node->answer('postgres', "SELECT string_agg(t, ' ' ORDER BY t) FROM (SELECT m.kind || ':' || m.state || ':' || count(*) FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'supervisor1' AND m.mail_id > $_[0] GROUP BY m.kind, m.state) AS x (t)") };
$node->hire('clerk2', 'lpr_user', supervisor => 'supervisor1');
my $newest = $node->answer('postgres', 'SELECT coalesce(max(mail_id), 0) FROM lpr_data.mail');
my $today = $node->answer('postgres', "SELECT count(*) FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE p.login = 'supervisor1' AND m.kind = 'request_waiting' AND m.made_at >= lpr_data.utc_today()");
$node->answer('clerk2', join(';', map { "SELECT lpr.withdraw_request(lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find where the red trucks of the quarry stop at night, round $_.'), 'It was a mistake of mine, once more.')" } 1 .. 25));
is($mails->($newest), 'request_waiting:waiting:' . (20 - $today) . ' request_waiting:withheld:' . (5 + $today), '25 requests: 20 mails of that day, the others are withheld');
is($node->answer('postgres', 'SELECT lpr_data.tell_withheld()'), 0, 'they are counted when the day is over');
$node->answer('postgres', "SELECT lpr_data.post('other:1', (SELECT person_id FROM lpr_data.person WHERE login = 'supervisor1'), 'denied')");
like($mails->($newest), qr/denied:waiting:1/, 'another kind is not held up');
$node->move_clock(86400);
is($node->answer('postgres', 'SELECT lpr_data.remind() >= 1 OR EXISTS (SELECT FROM lpr_data.mail WHERE kind = $$withheld$$)'), 't', 'the day after');
like($mails->($newest), qr/withheld:waiting:1$/, '… one mail counts them');
like($node->answer('postgres', "SELECT replace(body, chr(10), ' ') FROM lpr_data.mail WHERE kind = 'withheld'"), qr/\b${\(5 + $today)} more mail\(s\).*A request for access/, '… and tells what they were about');
is($node->answer('postgres', 'SELECT lpr_data.tell_withheld()'), 0, '… once');
$node->answer('clerk2', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find where the red trucks of the quarry stop at night, once more.')");
is($node->answer('postgres', "SELECT state FROM lpr_data.mail WHERE kind = 'request_waiting' ORDER BY mail_id DESC LIMIT 1"), 'waiting', 'on another day a mail goes again');

$node->sound('in the end', log => 0);
$node->stop;
done_testing();
