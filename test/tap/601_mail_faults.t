# mail_faults: mail servers that are down, slow, strangers or silent; workers and servers that are killed. Nothing is lost, no login leaks, and nobody else waits.
use strict;
use warnings;
use LprAudit;
use LprMail;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('mail_faults', conf => "restart_after_crash = on\n");
LprMail::unbounded($node);
my $exim = LprMail->start($node);
my $stage = $node->safe_psql('lpr', 'SELECT count(*) FROM lpr_data.mail');
my $sent = $stage;
is($exim->await_mails($sent), $sent, 'mails are sent');
sub status { return $node->answer('admin1', "SELECT $_[0] FROM lpr.mail_status()") }
# Posts a mail, which has to wait for this reason. Others that wait stand back.
sub waits
{
	my ($like, $name) = @_;

	$node->safe_psql('lpr', "UPDATE lpr_data.mail SET next_try_at = now() + interval '1 hour' WHERE state = 'waiting'");
	return LprMail::becomes($node, LprMail::post($node, key => $name), "state = 'waiting' AND last_error ~ '$like'", $name);
}
sub all_sent { my ($name) = @_; return ok(LprTest::eventually(sub { status('waiting') == 0 }), $name) || diag($node->answer('admin1', "SELECT key, state, last_error FROM lpr.mail WHERE state <> 'sent'")) }
# Tries at once what waits for its time.
sub hurry { $node->safe_psql('lpr', "UPDATE lpr_data.mail SET next_try_at = now() WHERE state = 'waiting'"); $node->reload; return }

# ---- down ----

$exim->stop;
waits('could not reach the mail server: connection refused', 'a server that is down');
LprMail::post($node, key => "down:$_") for 1 .. 20;
like(status('worker, reason'), qr/^stuck\|could not reach the mail server: connection refused/, '… is told');
# Of three tries the second and the third are a pause apart.
sub tries { return $node->safe_psql('lpr', 'SELECT sum(attempts) FROM lpr_data.mail') }
my ($tries, @at) = (tries());
for (1 .. 3)
{
	LprTest::eventually(sub { tries() > $tries });
	$tries = tries();
	push @at, LprTest::steady();
}
cmp_ok($at[2] - $at[1], '>', 0.5, '… and not asked all the time, however many mails wait'); # time: at least so long, whatever the load
$exim->go;
all_sent('once it is there again, all are sent');
is($exim->await_mails($sent += 21), $sent, '… each once');
is(status('worker'), 'ready', '… and all is well');

# ---- strangers ----

$exim->switch('no_tls', 1);
waits('the mail server offers no encryption', 'no STARTTLS');
$exim->switch('no_tls', 0);
$exim->switch('stranger', 1);
waits('TLS certificate was not accepted', 'a certificate of nobody we know');
$exim->switch('stranger', 0);
$exim->switch('elsewhere', 1);
waits('TLS certificate was not accepted', 'a certificate of another host');
$exim->switch('elsewhere', 0);
hurry();
all_sent('with the right certificate they are sent');
is($exim->await_mails($sent += 3), $sent, '… each once');

my $fake = LprMail->fake($node);
LprMail::configure($node, url => "smtp://localhost:$fake->{port}");
waits('offers no encryption', 'no STARTTLS, a login');
like($fake->heard, qr/\A(?:EHLO .*\n(?:QUIT\n)?gone\n)+\z/, '… which it does not get, nor any mail');
LprMail::configure($node, user => '');
waits('offers no encryption', 'no STARTTLS, no login, but a CA file');
unlike($fake->heard, qr/MAIL|AUTH|a whole message/, '… it gets no mail');
LprMail::configure($node, ca_file => '');
hurry();
all_sent('without either, this machine itself gets mail in the open');
is(() = $fake->heard =~ /^a whole message$/mg, 2, '… each mail once');
like($fake->heard, qr/^MAIL FROM:<lpr\@agency\.example>.*\nRCPT TO:<analyst1\@agency\.example>\nDATA\n\| Date: /m, '… as a mail should be');
$fake->end;

$fake = LprMail->fake($node, ehlo => ['STARTTLS']);
LprMail::configure($node, url => "smtp://localhost:$fake->{port}", user => 'mailer', timeout => 2); # time: lpr.smtp_timeout
waits('the mail server does not answer|no connection within', 'a server that falls silent instead of encrypting');
unlike($fake->heard, qr/AUTH|MAIL/, '… learns nothing');
$fake->end;
$fake = LprMail->fake($node, ehlo => [ 'STARTTLS', 'AUTH PLAIN' ], answer => { STARTTLS => '454 not now' });
LprMail::configure($node, url => "smtp://localhost:$fake->{port}");
waits('refused encryption', 'a server that refuses to encrypt');
unlike($fake->heard, qr/AUTH|MAIL/, '… learns nothing');
$fake->end;

# ---- the login ----

$exim->settings;
$node->put_secret('mail-password', 'wrong horse');
waits('the mail server refused the login \\(535\\)', 'a wrong password');
like(status('worker, reason'), qr/^stuck\|the mail server refused the login \(535\)/, '… is told');
unlike(status('reason') . slurp_file($node->logfile), qr/wrong horse|d3JvbmcgaG9yc2U/, '… without the password');
unlink "$node->{secret_directory}/mail-password";
ok(LprTest::eventually(sub { status('reason') =~ /secret "mail-password" does not exist/ }), 'no password at all is told');
$node->put_secret('mail-password', 'correct horse');
hurry();
all_sent('with the right one all is sent');
$sent += 3;
is($exim->await_mails($sent), $sent, '… each once');

# ---- silence ----

LprMail::configure($node, user => '', ca_file => '', timeout => 2); # time: lpr.smtp_timeout
for my $point (qw(GREETING EHLO MAIL RCPT DATA))
{
	$fake = LprMail->fake($node, hang => $point);
	LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
	waits('does not answer|no connection within', "silence at $point");
	$fake->end;
}
$fake = LprMail->fake($node, hang => 'QUIT');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}", timeout => 600); # time: lpr.smtp_timeout, longer than any limit here
hurry();
all_sent('silence at QUIT holds nobody up');
is(() = $fake->heard =~ /^a whole message$/mg, 5, '… each mail once');
$fake->end;

for my $code ('554 go away', '421 too busy')
{
	$fake = LprMail->fake($node, answer => { GREETING => $code });
	LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
	waits("refused the connection.*$code", "a greeting of $code");
	$fake->end;
}
$fake = LprMail->fake($node, answer => { MAIL => '550 who is that' });
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
waits('refused the sender.*550 who is that', 'a sender that is refused is no fault of the mail');
$fake->end;
$fake = LprMail->fake($node, answer => { RCPT => "550 5.1.1 no \x01\xff user" });
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
LprMail::becomes($node, LprMail::post($node, key => 'odd'), "state = 'failed' AND last_error LIKE '%550 5.1.1 no \\\\x01\\\\xFF user%'", 'what a server says is shown, and harmless');
$fake->end;
$fake = LprMail->fake($node, answer => { MAIL => "250 fine\r\n250 fine\r\n354 go on\r\n250 taken" });
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
waits('does not speak SMTP as it should', 'answers before there was a question');
unlike($fake->heard, qr/RCPT|a whole message/, '… are not taken for the answer to anything');
$fake->end;
$fake = LprMail->fake($node);
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
$node->answer('admin1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE state IN ('failed', 'waiting')");
all_sent('elsewhere they are sent');
$fake->end;

# ---- in doubt ----

$fake = LprMail->fake($node, drop => 'END');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
waits('after it was given the whole message, which it may have taken', 'a connection lost after the message');
like(LprMail::of($node, 'a connection lost after the message', 'next_try_at > now() + interval \'5 minutes\''), qr/^t$/, '… is not followed by another try at once');
is(() = $fake->heard =~ /^a whole message$/mg, 1, '… which could be a second mail');
my ($id) = $fake->heard =~ /^\| Message-ID: (.*)$/m;
$fake->end;
$fake = LprMail->fake($node);
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
hurry();
all_sent('the next try');
is(($fake->heard =~ /^\| Message-ID: (.*)$/m)[0], $id, '… has the same Message-ID');
$fake->end;

# ---- a server that says nothing, and everybody else ----

$fake = LprMail->fake($node, hang => 'DATA');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}", timeout => 600); # time: lpr.smtp_timeout, longer than any limit here
LprMail::post($node, key => "hang:$_") for 1 .. 6;
ok(LprTest::eventually(sub { (() = $fake->heard =~ /^hangs at DATA$/mg) == 4 }), 'four mails are under way, and get no answer');
is($node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE state = 'sending'"), 4, '… which is on record');
is($node->answer('analyst1', LprTest::quick()), 1, 'questions are answered') for 1 .. 10;
is($node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE state = 'sending'"), 4, '… meanwhile');
is($node->safe_psql('lpr', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'lpr mail' AND (xact_start IS NOT NULL OR backend_xmin IS NOT NULL)"), 0, 'the worker has no transaction open meanwhile');
is($node->safe_psql('lpr', "SELECT count(*) FROM pg_locks WHERE relation = 'lpr_data.mail'::regclass AND pid <> pg_backend_pid()"), 0, '… and no lock');
$node->safe_psql('lpr', 'BEGIN; LOCK lpr_data.mail; ROLLBACK');
my $worker = LprMail::worker($node);
is($node->safe_psql('lpr', "SELECT pg_cancel_backend($worker)"), 't', 'a cancel');
ok(LprTest::heeded($worker), '… is taken note of');
is(LprMail::worker($node), $worker, '… does not end the worker');
$node->safe_psql('lpr', "SELECT pg_terminate_backend($worker)");
ok(LprTest::eventually(sub { LprTest::gone($worker) }), 'terminated, it ends, long before the mail server has been silent for too long');
is($node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE state = 'sending'"), 0, '… and what the server did not have waits for the next worker');
ok(LprTest::eventually(sub { (() = $fake->heard =~ /^hangs at DATA$/mg) == 8 }), '… which comes');
$worker = LprMail::worker($node);
$node->stop('fast');
ok(LprTest::gone($worker), 'a shutdown does not wait for it either');
$fake->end;
$node->start;
$exim->settings(login => 1);
all_sent('they are sent by another server');
is($exim->await_mails($sent += 6), $sent, '… each once');

# Most of all while it has the message and says nothing: that wait must be as interruptible as any.
LprMail::configure($node, user => '', ca_file => '');
$fake = LprMail->fake($node, hang => 'END');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
LprMail::post($node, key => 'silent');
ok(LprTest::eventually(sub { $fake->heard =~ /^hangs at END$/m }), 'a server has the message, and says nothing');
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('postgres', 'DROP DATABASE other');
is(LprMail::of($node, 'silent', 'state'), 'sending', '… the worker lets barriers through');
$worker = LprMail::worker($node);
$node->safe_psql('lpr', "SELECT pg_terminate_backend($worker)");
ok(LprTest::eventually(sub { LprTest::gone($worker) }), 'terminated, it ends');
is(LprMail::of($node, 'silent', 'state'), 'sending', '… and what the server may have taken is in state sending');
$fake->end;
$exim->settings(login => 1);
LprMail::becomes($node, 'silent', "state = 'sent' AND attempts >= 2", '… and goes out again rather than being lost');
is($exim->await_mails($sent += 1), $sent, '… once there');

# ---- its word comes as we end ----

LprMail::configure($node, user => '', ca_file => '');
$fake = LprMail->fake($node, hold => 'END');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}");
my $key = LprMail::post($node);
ok(LprTest::eventually(sub { $fake->heard =~ /^a whole message$/m }), 'a server has the message');
$node->safe_psql('lpr', 'SELECT pg_terminate_backend(' . LprMail::worker($node) . ')');
$fake->release;
LprMail::becomes($node, $key, "state = 'sent' AND attempts = 1", 'the worker that is ended hears that it was taken');
LprMail::becomes($node, LprMail::post($node), "state = 'sent'", 'the next worker sends the next one');
is(() = $fake->heard =~ /^a whole message$/mg, 2, '… and no second one of the first');
$fake->end;

# ---- killed ----

$exim->settings;
$exim->switch('slow', 1);
my $log = $exim->log;
LprMail::post($node, key => "killed:$_") for 1 .. 8;
ok(LprTest::eventually(sub { $node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE state = 'sending'") == 4 }), 'mails are under way');
$node->crash(LprMail::worker($node));
$exim->switch('slow', 0);
all_sent('after kill -9 of the worker all are sent');
$exim->await_mails($sent + 8);
my %ids;
$ids{ $_->{'message-id'} }++ for $exim->mails;
is(scalar keys %ids, $sent + 8, '… every one arrives');
note('twice, under one Message-ID: ' . grep { $_ > 1 } values %ids);
cmp_ok((grep { $_ > 1 } values %ids) + 0, '<=', 4, '… and at most those under way twice, under the same Message-ID');
my $arrived = $exim->await_mails($sent + 8);

$exim->stop;
LprMail::post($node, key => "crash:$_") for 1 .. 50;
$node->stop('immediate');
$exim->go;
$node->start;
all_sent('mails that waited when the server crashed are sent');
is($exim->await_mails($arrived + 50), $arrived + 50, '… each once');

# ---- the extension goes, and the database ----

$fake = LprMail->fake($node, hang => 'DATA');
LprMail::configure($node, url => "smtp://127.0.0.1:$fake->{port}", user => '', ca_file => '');
LprMail::post($node);
ok(LprTest::eventually(sub { $fake->heard =~ /^hangs at DATA$/m }), 'a mail is under way');
$worker = LprMail::worker($node);
my $open = $node->descriptors($worker); # while it has that connection
$node->safe_psql('lpr', 'SET client_min_messages = error; DROP EXTENSION lpr CASCADE');
is(LprMail::worker($node), $worker, 'DROP EXTENSION neither waits for it nor ends the worker');
$fake->end;
ok(LprTest::eventually(sub { $node->descriptors($worker) < $open }), '… which hears what became of the mail, and has no table to write it into');
ok(LprTest::heeded($worker), '… takes note of that');
is(LprMail::worker($node), $worker, '… and lives on');
system_or_bail('psql', '-X', '-q', '-d', $node->connstr('lpr'), '-v', "vendor_url=$node->{vendor_url}", '-v', 'password=', '-f', $ENV{LPR_STAGE});
$exim->settings;
all_sent('with a new extension mail is sent');
$worker = LprMail::worker($node);
$node->answer('postgres', 'DROP DATABASE lpr WITH (FORCE)', database => 'postgres');
ok(LprTest::eventually(sub { LprTest::gone($worker) }), 'DROP DATABASE … WITH (FORCE) ends the worker');
$node->stage('lpr');
LprMail::unbounded($node);
all_sent('in a new database mail is sent');
is(() = slurp_file($node->logfile) =~ /terminated by signal/g, 1, 'no process died but the one that was killed');
unlike(slurp_file($node->logfile), qr/correct horse|wrong horse/, 'no log holds a password');
$node->stop;
done_testing();
