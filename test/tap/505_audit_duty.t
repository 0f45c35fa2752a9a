# audit_duty: who answers for people's access reads what they asked (A9, U5): oversight and privacy all, supervisors their people's, system owners and leads figures, everybody their own. Each look is on record, refused ones too.
use strict;
use warnings;
use LprAccess;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit_duty', world => 'noon');
$node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123' AND camera_owner = 'Example Mosque'");
$node->answer('analyst2', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'");
$node->ask('analyst1', 'SELECT * FROM lpr.reads');
is($node->answer('oversight1', "SELECT count(*) > 0 FROM lpr.audit(kind => 'answer')"), 't', 'there are questions with answers');

# SQL of somebody who has agreed to the rules: its output.
sub by { my ($login, $sql) = @_; return $node->answer($login, "SELECT code FROM lpr.rules() \\gset logon_\nSELECT lpr.accept_rules(:'logon_code') AS code \\gset logon_\n$sql", logon => 0) }

# The records that a login is shown, by whose they are, and whether a plate is in them.
sub shown
{
	my ($login, $more) = @_;
	return by($login, "SELECT string_agg(DISTINCT login, ' ' ORDER BY login), count(*) FILTER (WHERE payload::text ~ '7ABC123|BULK7|Mosque') > 0 FROM lpr.audit($more)");
}

sub reads_on_record { my ($login, $head) = @_; return $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND kind = 'read' AND login = '$login'") }

# ---- who sees what ----

$node->hire('supervisor2', 'lpr_supervisor');
my $asks = "kind => 'ask'";
is(shown('oversight1', $asks), 'analyst1 analyst2|t', 'oversight: everybody\'s, whole');
is(shown('privacy1', $asks), 'analyst1 analyst2|t', 'privacy as well');
my $head = $node->head;
is(shown('supervisor1', $asks), 'analyst1 analyst2|t', 'a supervisor: those of their people');
is(reads_on_record('supervisor1', $head), 1, '… on record');
$node->answer('admin1', "SELECT lpr.change_person('analyst2', supervisor => 'supervisor2')");
is(shown('supervisor1', $asks), 'analyst1|t', '… and of nobody else');
is(shown('supervisor2', $asks), 'analyst2|t', '… who has another');
is(by('supervisor1', "SELECT count(*) FROM lpr.audit(login => 'supervisor1')"), 0, '… nor their own');
is($node->answer('oversight1', "SELECT count(*) > 0 FROM lpr.audit(login => 'supervisor1')"), 't', '… which are there');
for my $login (qw(owner1 lead1))
{
	is(shown($login, ''), 'analyst1 analyst2|f', "$login: everybody's questions, without a plate or a text");
	is(by($login, "SELECT bool_and(payload->>'reads' IS NOT NULL AND payload->>'plates_shown' IS NOT NULL AND payload->>'outcome' = 'complete') FROM lpr.audit(kind => 'answer')"), 't', '… what came of them');
	is(by($login, "SELECT string_agg(DISTINCT payload->>'plates_asked', ' ') FROM lpr.audit($asks)"), '1', '… how many plates');
	is(by($login, "SELECT count(*) FROM lpr.audit(kind => 'change')"), 0, '… and nothing else');
	unlike(by($login, 'SELECT string_agg(payload::text, E\'\n\') FROM lpr.audit()'), qr/url|statement|local|sent|message|127\.0\.0\.1/, '… neither what was sent nor what was typed');
}

# Whom oversight looks into is not told to who answers for their people, nor when they have left.
$node->hire('oversight2', 'lpr_oversight', supervisor => 'supervisor1');
by('oversight2', "SELECT count(*) FROM lpr.audit(login => 'supervisor1')");
is(by('supervisor1', "SELECT count(*) FROM lpr.audit(login => 'oversight2')"), 0, 'a supervisor: nothing of oversight');
$node->answer('admin1', "SELECT count(*) FROM lpr.retire_person('oversight2')");
is(by('supervisor1', "SELECT count(*) FROM lpr.audit(login => 'oversight2', kind => 'read')"), 0, '… nor what one read who has left');
is(by('supervisor1', "SELECT count(*) > 0 FROM lpr.audit(login => 'analyst1')"), 't', '… of others still');

# What is shown stays on the screen, figures as well.
for my $login (qw(owner1 lead1 supervisor1))
{
	is(eval { by($login, 'COPY (SELECT * FROM lpr.audit()) TO STDOUT') }, undef, "$login copies nothing");
	like($@, qr/COPY is refused/, '… but is refused');
}

# Everybody their own.
my ($session) = $node->session('analyst1');
$head = $node->head;
is(($node->converse($session, "SELECT outcome, source, mode, question->>'plates', reads IS NOT NULL FROM lpr.my_queries() WHERE outcome <> 'refused'"))[0], 'complete|acme|plate|["7ABC123"]|t', 'an analyst: their own questions');
is(($node->converse($session, "SELECT sqlstate, control FROM lpr.my_queries() WHERE outcome = 'refused'"))[0], 'LP001|Q2', '… refused ones too');
is(($node->converse($session, "SELECT count(*) FROM lpr.my_queries(since => now() + interval '1 day')"))[0], 0, '… of a time');
is(reads_on_record('analyst1', $head), 3, '… on record');
is(by('supervisor2', 'SELECT count(*) FROM lpr.my_queries()'), 0, 'who asked nothing has none');

# ---- who does not ----

for my $function ('lpr.audit()', 'lpr.unanswered()', 'lpr.recorded_texts(1)', 'lpr.export_audit()', "lpr.audit_of_reference('x')")
{
	my $control = $function eq 'lpr.audit()' ? 'A9' : 'U4';
	$node->refused("$_ and $function", $_, "SELECT * FROM $function", $control, 'LP033') for qw(analyst1 records1);
}
$node->refused("$_ and the export", $_, 'SELECT * FROM lpr.export_audit()', 'U4', 'LP033') for qw(supervisor1 owner1 lead1 privacy1);
for my $login (qw(owner1 lead1))
{
	is($node->answer('oversight1', "SELECT count(*) > 0 FROM lpr.audit(kind => 'refused', login => '$login')"), 't', "what $login was refused is there");
	is(by($login, "SELECT count(*) FROM lpr.audit(login => '$login')"), 0, '… and not among the figures that they read');
}
$node->safe_psql('postgres', 'CREATE ROLE stranger1 LOGIN IN ROLE lpr_supervisor');
$node->refused('an unregistered supervisor', 'stranger1', 'SELECT * FROM lpr.audit()', 'A9', 'LP024');
like($node->messages('supervisor1', 'SELECT * FROM lpr.audit()', logon => 0), qr/LP028/, 'who has not agreed to the rules reads nothing');
like($node->messages('analyst2', 'SELECT * FROM lpr.my_queries()', logon => 0), qr/LP028/, '… of their own either');

# Who may not ask does not see what is saved either, and the attempt is on record.
$node->refused("$_: reads of an event", $_, 'SELECT * FROM lpr.event_reads(1)', 'A1', 'LP022') for qw(supervisor1 oversight1 privacy1 owner1 lead1 admin1);
$node->refused('supervisor1: a proof', 'supervisor1', 'SELECT lpr.saved_proof(1)', 'E4', 'LP041');

# ---- reasons ----

my $event = $node->answer('analyst1', 'SELECT min(event) FROM lpr.events WHERE mine IS NOT NULL');
my $reason = $node->answer('postgres', "SELECT reason FROM lpr_data.event WHERE event_id = $event");
is($node->answer('analyst1', "SELECT reason FROM lpr.events WHERE event = $event"), $reason, 'who works on an event sees its reason');
for my $login (qw(supervisor1 oversight1 privacy1))
{
	is($node->answer($login, "SELECT count(*), count(reason), count(outcome) FROM lpr.events WHERE event = $event"), '1|0|0', "$login: the event, and not its reason");
	$head = $node->head;
	is(by($login, "SELECT said FROM lpr.event_reasons($event) WHERE what = 'reason'"), $reason, '… but by a call');
	is(reads_on_record($login, $head), 1, '… that is on record');
}
$node->answer('analyst1', "SELECT lpr.extend_event($event, (SELECT ends_at + interval '10 days' FROM lpr.events WHERE event = $event), 'The warrant was extended by the court until the end of next month.')");
is(by('supervisor1', "SELECT count(*) FROM lpr.event_extensions WHERE event = $event AND reason IS NOT NULL"), 0, 'of an extension neither');
is(by('supervisor1', "SELECT by_login FROM lpr.event_reasons($event) WHERE what = 'extended'"), 'analyst1', '… but there');
like(eval { by('supervisor2', "SELECT * FROM lpr.event_reasons($event)") } // $@, qr/LP041|event $event does not exist or is not one that you see/, 'another\'s supervisor: no event');
$node->refused('a lead', 'lead1', "SELECT * FROM lpr.event_reasons($event)", 'E4', 'LP033');
$node->refused('no event', 'oversight1', 'SELECT * FROM lpr.event_reasons(999999)', 'E4', 'LP041', logon => 1);

# What people typed stays in its row: no statistics of it, nor of what hides it in the log.
$node->safe_psql('lpr', 'ANALYZE lpr_data.event, lpr_data.event_extension, lpr_data.access');
is($node->answer('postgres', "SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_stats WHERE schemaname = 'lpr_data' AND tablename = 'event' AND attname IN ('title', 'reason', 'matter_reference', 'text_salt', 'purpose')"), 'purpose', 'the statistics hold no text of an event');
is($node->answer('postgres', "SELECT count(*) FROM pg_stats WHERE schemaname = 'lpr_data' AND attname IN ('reason', 'need_to_know', 'text_salt') AND tablename <> 'empty_reason'"), 0, '… nor of an extension, a request'); # what says nothing, the autovacuum may look at

$session->quit;
$node->stop;
done_testing();
