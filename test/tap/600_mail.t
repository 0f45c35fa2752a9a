# mail: what is posted in a transaction is sent once it is committed, exactly once, and what the mail server says is on record.
use strict;
use warnings;
use LprMail;
use LprTest;
use List::Util qw(min);
use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('mail');
LprMail::unbounded($node);
ok(LprTest::eventually(sub { $node->answer('admin1', 'SELECT worker, reason FROM lpr.mail_status()') eq 'off|lpr.smtp_url is not set' }), 'without lpr.smtp_url mail waits');
is($node->answer('oversight1', "SELECT count(*) FROM lpr.mail WHERE kind = 'authorization' AND state = 'waiting'"), 2, '… and what the grants posted is there');
my $exim = LprMail->start($node);
my $stage = $node->safe_psql('lpr', 'SELECT count(*) FROM lpr_data.mail');
is($exim->await_mails($stage), $stage, 'once there is a mail server, all of it is sent');
is($node->answer('admin1', "SELECT worker, waiting, failed FROM lpr.mail_status()"), 'ready|0|0', '… and told');

# ---- A2: the grant's mail ----

my ($grant) = grep { $_->{subject} =~ /authorized/ && $_->{to} =~ /analyst1/ } $exim->mails;
my $row = $node->safe_psql('lpr', "SELECT message_id, to_char(made_at AT TIME ZONE 'UTC', 'Dy, FMDD Mon YYYY HH24:MI:SS') FROM lpr_data.mail WHERE person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'analyst1') AND kind = 'authorization'");
my ($id, $date) = split /\|/, $row;
# What the server put before it says how it came.
like($grant->{head}, qr/^Received: from .*\sby mail\.example with esmtpsa\s+\(TLS1\.[23]\)/ms, 'it came through TLS and with a login');
$grant->{head} =~ s/\A(Return-path: .*\nEnvelope-to: .*\n)Received: .*\n(?:[ \t].*\n)*//;
is($1, "Return-path: <lpr\@agency.example>\nEnvelope-to: analyst1\@agency.example\n", 'the envelope');
# within the same second, which may be the first of a day
$grant->{head} =~ s/^Date: .*$/Date: $date +0000/m if (parse_seconds($grant->{date}) - parse_seconds($date) + 1) % 86400 <= 2;
is($grant->{head}, <<"HEAD", 'the headers, all of them');
Date: $date +0000
From: <lpr\@agency.example>
To: <analyst1\@agency.example>
Subject: You are authorized to use license plate reader data
Message-ID: <$id\@agency.example>
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable
HEAD
sub parse_seconds { my ($h, $m, $s) = $_[0] =~ /(\d\d):(\d\d):(\d\d)/; return ($h * 60 + $m) * 60 + $s }
like($id, qr/^[0-9a-f]{32}$/, 'a Message-ID that says nothing');
is($grant->{text}, $node->safe_psql('lpr', "SELECT body FROM lpr_data.mail WHERE message_id = '$id'"), 'the body, to the last character');
like($grant->{text}, $_, "… $_") for qr/^To Ann Alister$/m, qr/authorized to use license plate reader/, qr/Appropriate use/, qr/may bring discipline/, qr/^systems: ATS$/m,
	qr/^sources: acme, birdseye, curbside$/m, qr/until 20\d\d-\d\d-\d\d:/;
unlike($grant->{raw}, qr/smugglers|Otay/, '… and nothing of what access is needed for');

# ---- one transaction, one mail ----

my $key = LprMail::post($node);
LprMail::becomes($node, $key, "state = 'sent' AND attempts = 1 AND last_error IS NULL AND sent_at >= made_at", 'a mail is sent after commit');
is($node->safe_psql('lpr', "SELECT lpr_data.post('$key', 1, 'denied')"), 'f', 'a second one of the same key is not made');
is($node->safe_psql('lpr', "BEGIN; SELECT lpr_data.post('rolled:back', 1, 'denied'); ROLLBACK"), 't', 'one that is rolled back');
my ($slow) = $node->session('postgres');
$node->converse($slow, "BEGIN; SELECT lpr_data.post('prepared', 1, 'denied')");
LprMail::becomes($node, LprMail::post($node), "state = 'sent'", 'while one is not committed, another is sent');
$node->converse($slow, 'COMMIT');
$slow->quit;
LprMail::becomes($node, 'prepared', "state = 'sent'", '… and it, once it is');
is($exim->await_mails($stage + 3), $stage + 3, 'neither the second nor the one that was rolled back arrives');
my @took;
for (1 .. 10)
{
	my $posted = LprTest::steady();
	LprMail::becomes($node, LprMail::post($node), "state = 'sent'", 'the worker is woken');
	push @took, LprTest::steady() - $posted; # time: of the best of ten, below
}
cmp_ok(min(@took), '<', 3, '… and does not just look now and then'); # time: it looks every five seconds; the best of ten, whatever else the machine does
is($node->answer('oversight1', "SELECT count(*) FROM lpr.audit(kind => 'change') WHERE payload->>'table' = 'lpr_data.mail' AND payload->'new'->>'key' = '$key'"), 2,
	'the log has that it was written and that it was sent, nothing between');
is($node->answer('oversight1', "SELECT string_agg(coalesce(login, 'nobody'), ' ' ORDER BY number) FROM lpr.audit(kind => 'change') WHERE payload->>'table' = 'lpr_data.mail' AND payload->'new'->>'key' = '$key'"),
	'postgres nobody', '… the latter by no person');

# ---- characters ----

$node->answer('admin1', "SELECT lpr.change_person('analyst2', name => 'Zoë Ångström-Łukasz 東京')");
$node->answer('admin1', "SELECT lpr.set_mail_text('revoked', 'Änderung für {name}: der Zugang zu Kennzeichendaten ist mit sofortiger Wirkung widerrufen worden 🚗', E'Grüße, {name}\n.\n..dots\nFrom here = 50%\ntrailing \n' || repeat('long ', 60) || E'\n\nend')");
$node->safe_psql('lpr', "SELECT lpr_data.post('chars', (SELECT person_id FROM lpr_data.person WHERE login = 'analyst2'), 'revoked')");
LprMail::becomes($node, 'chars', "state = 'sent'", 'a mail with other letters than ASCII is sent');
$exim->await_mails(0); # what is sent is not in the box at once
my ($chars) = grep { $_->{text} =~ /Gr/ } $exim->mails;
unlike($chars->{head} . $chars->{body}, qr/[^\x20-\x7e\n\t]/, '… in ASCII');
is(join('', map { decode_base64($_) } $chars->{subject} =~ /=\?UTF-8\?B\?([A-Za-z0-9+\/=]+)\?=/g),
	'Änderung für Zoë Ångström-Łukasz 東京: der Zugang zu Kennzeichendaten ist mit sofortiger Wirkung widerrufen worden 🚗', '… the subject can be read');
is((grep { length > 76 } split /\n/, $chars->{head} =~ s/\A.*?^Date/Date/smr . $chars->{body}) + 0, 0, '… and no line is too long');
is($chars->{text}, "Grüße, Zoë Ångström-Łukasz 東京\n.\n..dots\nFrom here = 50%\ntrailing \n" . 'long ' x 60 . "\n\nend\n", '… the body is what was written');

# ---- what does not belong into a mail ----

sub refused { my ($sql, $like, $name) = @_; my ($status, $out, $err) = $node->psql('lpr', $sql); like($err // $out, $like, $name); return }
sub refused_by { my ($login, $sql, $like, $name) = @_; like(($node->ask($login, $sql))[2], $like, $name); return }
for my $character ('\r\nBcc: x@y.example', '\n', '\r', '\t', '\u0085', '\u2028', '\x7f')
{
	refused("SELECT lpr_data.post('bad', 1, 'request_waiting', jsonb_build_object('requester', E'A$character'))", qr/invalid value 'requester'/, "a value with $character");
	refused_by('admin1', "SELECT lpr.set_mail_text('denied', E'A$character', 'b')", qr/invalid text/, "a subject with $character");
	refused("INSERT INTO lpr_data.mail (key, person_id, kind, address, subject, body, message_id) VALUES ('bad', 1, 'denied', 'a\@b.example', E'A$character', 'b', repeat('0', 32))", qr/mail_subject_check/, "… past post()");
	refused("INSERT INTO lpr_data.mail (key, person_id, kind, address, subject, body, message_id) VALUES ('bad', 1, 'denied', E'a\@b.example$character', 'A', 'b', repeat('0', 32))", qr/mail_address_check/, "an address with $character");
	refused("SELECT lpr_data.post(E'bad$character', 1, 'denied')", qr/mail_key_check/, "a key with $character");
	refused_by('admin1', "SELECT lpr.change_person('analyst2', name => E'A$character')", qr/person_name_check/, "a name with $character") unless $character =~ /u2028|u0085/;
}
refused_by('admin1', "SELECT lpr.set_mail_text('denied', 'a', E'b\\rc')", qr/invalid text/, 'a body with CR');
refused_by('admin1', "SELECT lpr.set_mail_text('denied', 'a', '{plate}')", qr/invalid text.*Placeholders of this kind: \{name\}\./s, 'a text that asks for a plate');
refused("SELECT lpr_data.post('bad', 1, 'denied', '{\"plate\": \"7ABC123\"}')", qr/takes no value 'plate'/, 'a plate as a value');
refused("SELECT lpr_data.post('bad', 1, 'authorization', '{\"ends_on\": \"x\"}')", qr/lacks value '(?:systems|sources|modes)'/, 'a placeholder that stays unfilled');
refused("SELECT lpr_data.post('bad', 1, 'request_waiting', jsonb_build_object('requester', repeat('x', 1001)))", qr/invalid value/, 'a value that is too long');
is($node->safe_psql('lpr', "SELECT string_agg(DISTINCT p, ' ' ORDER BY p) FROM lpr_data.mail_text AS t, unnest(lpr_data.mail_placeholders(t.kind)) AS p"),
	'course day days display ends_on items mails modes name requester sources subject systems', 'these can be in a mail, and nothing else: no plate, no case, no result');
is($node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE key LIKE 'bad%'"), 0, 'none of these was posted');
like(($node->ask($_, 'SELECT * FROM lpr.mail'))[2], qr/permission denied/, "$_ does not see the mails") for qw(analyst1 supervisor1 privacy1);
like(($node->ask('admin1', 'SELECT body FROM lpr.mail'))[2], qr/column "body" does not exist/, 'and an administrator not what they say');
like(($node->psql('lpr', "UPDATE lpr_data.mail SET body = 'x'"))[2], qr/is refused/, 'a mail is not rewritten');
like(($node->psql('lpr', 'DELETE FROM lpr_data.mail'))[2], qr/is refused/, '… and not taken away');

# ---- what the server says ----

$exim->switch('defer', 1);
$key = LprMail::post($node);
LprMail::becomes($node, $key, "state = 'waiting' AND last_error ~ 'refused the recipient.*451 come back later'", '4xx: it waits');
is(LprMail::of($node, $key, "attempts >= 1 AND next_try_at <= clock_timestamp() + interval '5 seconds' * 2 ^ (attempts - 1)"), 't', '… for a few seconds');
$exim->switch('defer', 0);
LprMail::becomes($node, $key, "state = 'sent' AND attempts >= 2 AND last_error IS NULL", '… and is sent');
$exim->switch('defer_data', 1);
$key = LprMail::post($node);
LprMail::becomes($node, $key, "state = 'waiting' AND last_error ~ 'refused the message.*451 not now'", '4xx of the message');
$exim->switch('defer_data', 0);
$node->answer('admin1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE key = '$key'");
LprMail::becomes($node, $key, "state = 'sent'", '… sent when somebody asks for it');

my $hourly = $key;
$exim->switch('defer', 1); # first: the worker may look at any time
$node->safe_psql('lpr', "UPDATE lpr_data.mail SET state = 'waiting', attempts = 40, next_try_at = now(), sent_at = NULL WHERE key = '$key'");
LprMail::becomes($node, $key, "attempts = 41 AND next_try_at BETWEEN now() + interval '40 minutes' AND now() + interval '1 hour'", 'however often it failed, it is tried every hour');
$exim->switch('defer', 0);
$node->answer('admin1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE key = '$key'");
LprMail::becomes($node, $key, "state = 'sent'", '… and sent');

$node->answer('admin1', "SELECT lpr.change_person('newcomer1', email => 'nobody\@agency.example')");
$key = LprMail::post($node, login => 'newcomer1');
LprMail::becomes($node, $key, "state = 'failed' AND attempts = 1", '5xx: it has failed');
like($node->answer('oversight1', "SELECT state, address, last_error FROM lpr.mail WHERE key = '$key'"), qr/^failed\|nobody\@agency\.example\|the mail server refused the recipient\. It answered: 550 no such user/, '… which can be seen');
is($node->answer('admin1', 'SELECT worker, failed FROM lpr.mail_status()'), 'ready|1', '… also by its number');
like($node->messages('admin1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE state = 'sent' LIMIT 1"), qr/ERROR: +55000: mail \d+ does not wait/, 'what was sent is not sent again');
$node->answer('admin1', "SELECT lpr.change_person('newcomer1', email => 'newcomer1\@agency.example')");
like(($node->ask('oversight1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE key = '$key'"))[2], qr/permission denied/, 'only an administrator has it tried again');
$node->answer('admin1', "SELECT lpr.retry_mail(mail_id) FROM lpr.mail WHERE key = '$key'");
LprMail::becomes($node, $key, "state = 'sent' AND address = 'newcomer1\@agency.example'", 'with the right address it is sent');
$exim->switch('deny_data', 1);
$key = LprMail::post($node);
LprMail::becomes($node, $key, "state = 'failed' AND last_error ~ '550 I do not like it'", '5xx of the message');
$exim->switch('deny_data', 0);

# ---- many ----

my $before = $exim->await_mails(0);
$node->safe_psql('lpr', "SELECT lpr_data.post('many:' || n, (SELECT person_id FROM lpr_data.person WHERE login = 'analyst1'), 'denied') FROM generate_series(1, 400) AS n");
my $sent = 0;
while ($sent < 400) # as long as it gets on
{
	my $more = 0;
	LprTest::eventually(sub { ($more = $node->safe_psql('lpr', "SELECT count(*) FROM lpr_data.mail WHERE key LIKE 'many:%' AND state = 'sent'")) > $sent }) or last;
	$sent = $more;
}
is($sent, 400, '400 mails at once are sent');
is($exim->await_mails($before + 400), $before + 400, '… and arrive, each once');
my $known = '<' . LprMail::of($node, $hourly, 'message_id') . '@agency.example>';
my %ids;
$ids{ $_->{'message-id'} }++ for grep { $_->{'message-id'} ne $known } $exim->mails;
is((grep { $_ > 1 } values %ids) + 0, 0, '… under Message-IDs of their own');
is($node->safe_psql('lpr', 'SELECT max(attempts) FROM lpr_data.mail WHERE key LIKE \'many:%\''), 1, '… at the first try');
unlike(slurp_file($node->logfile), qr/correct horse|Y29ycmVjdCBob3JzZ/, 'no log holds the password');
unlike($exim->log, qr/unexpected disconnection|lost connection|SMTP protocol/, 'and the mail server was taken leave of');
is(() = slurp_file($node->logfile) =~ /terminated by signal/g, 0, 'no process died of all that');
$node->stop;
done_testing();
