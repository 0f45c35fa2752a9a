# mail_life: texts and mails through dump and restore, on a standby and after its promotion; and reminders, each once.
use strict;
use warnings;
use LprAudit;
use LprMail;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('mail_life', init => { allows_streaming => 1 });
LprMail::unbounded($node);
my $exim = LprMail->start($node);
my $mails = $node->safe_psql('lpr', 'SELECT count(*) FROM lpr_data.mail');
is($exim->await_mails($mails), $mails, 'mails are sent');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', email => 'nobody\@agency.example')");
LprMail::becomes($node, LprMail::post($node, key => 'failed', login => 'newcomer1'), "state = 'failed'", 'one failed');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', email => 'newcomer1\@agency.example')");
LprMail::configure($node, url => '');

# ---- reminders ----

sub remind { return $node->safe_psql('lpr', 'SELECT lpr_data.remind()') }
sub reminded { my ($kind) = @_; return $node->safe_psql('lpr', "SELECT string_agg(p.login || ' ' || (regexp_match(m.key, ':(\\d+)\$'))[1], ', ' ORDER BY m.mail_id) FROM lpr_data.mail AS m JOIN lpr_data.person AS p USING (person_id) WHERE m.kind = '$kind'") }
my $people = sub { my ($login) = @_; return "(SELECT person_id FROM lpr_data.person WHERE login = '$login')" };
sub train { my ($login, $course, $rest) = @_; $node->safe_psql('lpr', "INSERT INTO lpr_data.training (person_id, course, completed_on, valid_until, officer_id) VALUES (" . $people->($login) . ", '$course', (now() - interval '1 day')::date, now() + interval '$rest', " . $people->('trainer1') . ")"); return }
is(remind(), 0, 'nobody is reminded of what lasts');
train('newcomer1', 'privacy', '29 days 20 hours');
is(remind(), 0, 'nor of training that no access needs');
my $request = $node->answer('newcomer1', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Works on stolen vehicles at the port and has to find where they were seen.')");
is(remind(), 1, 'who asks for access is reminded of training that ends within 30 days');
is(remind(), 0, '… once');
is($node->safe_psql('lpr', "SELECT subject FROM lpr_data.mail WHERE kind = 'training_due'"), 'A mandatory course of yours ends within 30 day(s)', '… in these words');
train('newcomer1', 'data_security', '31 days');
train('newcomer1', 'records_management', '3 days');
train('newcomer1', 'information_assurance', '-1 hours');
is(remind(), 1, 'of what ends within a week he hears once, though nobody told him 30 days before');
is(reminded('training_due'), 'newcomer1 30, newcomer1 7', '… that is the reminder of a week');
$node->safe_psql('lpr', "ALTER TABLE lpr_data.training DISABLE TRIGGER refuse_rewrite; UPDATE lpr_data.training SET valid_until = now() + interval '20 hours' WHERE course = 'privacy' AND person_id = " . $people->('newcomer1') . "; ALTER TABLE lpr_data.training ENABLE ALWAYS TRIGGER refuse_rewrite");
is(remind(), 1, 'and a day before');
is(reminded('training_due'), 'newcomer1 30, newcomer1 7, newcomer1 1', '… the last one');
$node->safe_psql('lpr', "UPDATE lpr_data.course SET required = false WHERE NOT shipped");
$node->answer('trainer1', "SELECT lpr.record_training('newcomer1', c, (now() AT TIME ZONE 'UTC')::date, 'certificate 17') FROM unnest('{privacy,information_assurance,integrity_awareness,lpr_policy}'::text[]) AS c");
is(remind(), 0, 'what counts is the latest completion');

my $why = "'Works on my team on exactly these matters and needs the reads for them.'";
$node->answer('supervisor1', "SELECT lpr.approve($request, $why)");
$node->answer('owner1', "SELECT lpr.approve($request, $why, valid_for => '6 days')");
is(remind(), 1, 'a grant that ends within a week');
is(reminded('access_ends'), 'newcomer1 7', '… is told of');
$node->safe_psql('lpr', 'INSERT INTO lpr_data.recertification (person_id, lead_id, valid_until, reason) VALUES (' . $people->('analyst1') . ', ' . $people->('lead1') . ", now() + interval '25 days', 'a test')");
is(remind(), 1, 'a certification that ends within a month');
is(reminded('recertification_due'), 'analyst1 30', '… as well');
$node->safe_psql('lpr', "INSERT INTO lpr_data.recertification (person_id, lead_id, valid_until, reason) VALUES (" . $people->('analyst2') . ', ' . $people->('lead1') . ", now() + interval '5 days', 'a test'); SELECT lpr.retire_person('analyst2')");
is(remind(), 0, 'who has left is reminded of nothing');
is($node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE state <> 'waiting' AND kind IN ('training_due', 'access_ends', 'recertification_due')"), 0, 'all of that waits for a mail server');
train('lead1', 'privacy', '5 days');
LprMail::configure($node, sender => 'lpr@agency.example');
my $worker = LprMail::worker($node);
$node->safe_psql('lpr', "INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know) VALUES (" . $people->('lead1') . ", '{ATS}', '{acme}', '{plate}', 'x'); SELECT pg_terminate_backend($worker)");
ok(LprTest::eventually(sub { reminded('training_due') =~ /lead1 7/ }), 'the worker reminds by itself');

# ---- dump and restore ----

$node->answer('admin1', "SELECT lpr.set_mail_text('denied', 'No, {name}', E'Dear {name},\\n\\nno.\\n')");
LprMail::post($node, key => "unsent:$_") for 1 .. 3;
$node->safe_psql('lpr', "UPDATE lpr_data.mail SET state = 'sending', attempts = 1 WHERE key = 'unsent:2'");
my $rows = "SELECT md5(string_agg(to_jsonb(m)::text, ',' ORDER BY mail_id)), count(*) FROM lpr_data.mail AS m";
my $texts = "SELECT md5(string_agg(to_jsonb(t)::text, ',' ORDER BY kind, shipped)), count(*) FROM lpr_data.mail_text AS t";
my $dump = $node->basedir . '/dump.sql';
is($node->answer('analyst1', LprTest::quick()), 1, 'a question: there is an audit log');
ok(LprTest::eventually(sub { $node->safe_psql('lpr', 'SELECT count(*) FROM lpr_data.change') == 0 }), '… that has all changes');
system_or_bail('pg_dump', '-d', $node->connstr('lpr'), '-f', $dump);
$node->safe_psql('postgres', 'CREATE DATABASE restored TEMPLATE template0');
my (undef, $stderr) = run_command([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ]);
is($stderr, '', 'a dump is restored without a word');
is($node->safe_psql('restored', $_), $node->safe_psql('lpr', $_), "the same: $_") for $rows, $texts;
is($node->safe_psql('restored', 'SELECT count(*) FILTER (WHERE shipped), count(*) FILTER (WHERE NOT shipped) FROM lpr_data.mail_text'), '14|1', 'the texts of the site, and those that came with lpr');
like(slurp_file($dump), qr/^COPY lpr_data\.mail_text .*\ndenied\tf\t.*\n\\\.$/m, '… of which the dump has the former only');
my $unsent = $node->safe_psql('restored', "SELECT count(*) FROM lpr_data.mail WHERE state IN ('waiting', 'sending')");
my $before = () = $exim->mails;
$node->append_conf('postgresql.conf', "lpr.database = 'restored'");
$node->restart;
$exim->settings;
is($exim->await_mails($before + $unsent, database => 'restored'), $before + $unsent, 'what was not sent is sent from there, and nothing else');
is($node->safe_psql('restored', "SELECT lpr_data.post('grant:1', 1, 'denied'), lpr_data.post('after', 1, 'denied'), (SELECT subject FROM lpr_data.mail WHERE key = 'after')"), 'f|t|',
	'a key that was used stays used') ;
is($node->safe_psql('restored', "SELECT subject FROM lpr_data.mail WHERE key = 'after'"), 'No, Ada Minor', '… and the text is the site\'s');
is($node->safe_psql('restored', "SELECT lpr.set_mail_text('denied', NULL, NULL); SELECT subject FROM lpr_data.mail_text WHERE kind = 'denied'") =~ s/\A\n//r,
	'Your request for access to license plate reader data was denied', 'the text that came with lpr can be had again');
$exim->await_mails($before + $unsent + 1, database => 'restored');

# ---- a standby ----

LprMail::configure($node, url => '');
$node->backup('base');
my $standby = LprTest->new('mail_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "lpr.smtp_url = '" . $exim->url . "'\n");
$standby->start;
$node->safe_psql('restored', "SELECT lpr_data.post('standby', 1, 'denied')");
$node->wait_for_catchup($standby);
is($standby->safe_psql('restored', "SELECT (SELECT state FROM lpr_data.mail WHERE key = 'standby'), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr mail'), worker FROM lpr.mail_status()"), 'waiting|0|down',
	'a standby has the mails, and sends none');
$before = $exim->await_mails(0, database => 'restored');
$node->stop;
$standby->promote;
ok(LprTest::eventually(sub { $standby->safe_psql('restored', "SELECT state FROM lpr_data.mail WHERE key = 'standby'") eq 'sent' }), 'promoted, it sends them');
is($exim->await_mails($before + 1, node => $standby, database => 'restored'), $before + 1, '… each once');
$standby->stop;
done_testing();
