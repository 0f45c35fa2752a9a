# log_month: a month of the log goes when its schedule says so and nothing refers to it any more; what stays of it is what the rest is proved by, inside and
# outside (preload.c plays the clock).
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('log_month', world => 1);
my $elsewhere = $node->basedir . '/elsewhere';
mkdir $elsewhere or die "$elsewhere: $!";
$node->append_conf('postgresql.conf', "autovacuum = off\nlpr.checkpoint_directory = '$elsewhere'\n");
$node->clock_to_noon;
$node->start;
$node->vendor_start;
$node->stage('lpr', cache => 1);
$node->await_answers;

my $why = 'The courier of that night drives it, by the log of the officer on duty';
my $over = 'Its period is over, and nobody asked for it to be kept any longer.';
sub days_on { my ($days) = @_; $node->move_clock($days * 86400); $node->await_cache; return }
sub is_answer { my ($login, $sql, $expected, $name) = @_; return is($node->answer($login, $sql, logon => 0), $expected, $name) }
sub as_root { my ($sql) = @_; return $node->answer('postgres', $sql) }
sub verified { return $node->answer('oversight1', 'SELECT ok, detail FROM lpr.verify_audit() ORDER BY number NULLS LAST') }
sub outside
{
	my ($name) = @_;
	my $file = $node->basedir . "/$name.log";

	LprTest::eventually(sub { as_root('SELECT undelivered FROM lpr.audit_status()') == 0 });
	append_to_file($file, $node->answer('oversight1', 'SELECT lpr.export_audit()') . "\n");
	my ($out, $err) = run_command([ 'lpr-audit-verify', '--key', $node->basedir . '/key', '--checkpoints', $elsewhere, $file ]);
	return "$out$err" =~ s/(?<=\d),(?=\d{3})//gr;
}
sub in_table
{
	my ($table, $text) = @_;
	my $file = as_root("SELECT pg_relation_filepath('$table')");

	$node->safe_psql('postgres', 'CHECKPOINT');
	return system('grep', '-qaF', $text, $node->data_dir . "/$file") == 0 ? 'in files' : 'gone';
}
sub log_kept { return $node->answer('records1', "SELECT things, due, held, waiting, waits_for FROM lpr.records_kept() WHERE kind = 'log'", logon => 0) }

append_to_file($node->basedir . '/key', $node->answer('oversight1', 'SELECT lpr.audit_key()'));

# ---- three months ----

my ($id) = split /\n/, $node->answer('analyst1', "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' LIMIT 1");
is($node->answer('analyst1', "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK20' LIMIT 1\n\\g /dev/null\nSELECT lpr.save(1, 'acme', '{$id}', '$why.', 'illicit_activity')", event => 1), 1, 'a read is saved');
my $saved = $node->answer('analyst1', 'SELECT saved_id FROM lpr.event_reads(1)');
my ($first) = as_root('SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1');
days_on(31);
$node->train('analyst1', 0);
is($node->answer('analyst1', "SELECT count(*) > 0 FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK50'"), 't', 'a month later');
my ($second) = as_root('SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1');
days_on(31);
is($node->answer('analyst1', "SELECT count(*) > 0 FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK30'"), 't', '… and another');
is(log_kept(), '2|0|0|0|a verified schedule', 'months that are over are kept: no schedule may be used');
my $schedule = $node->answer('records1', "SELECT lpr.propose_schedule('LOG', '40 days', 'Taken from the schedule of the agency, as of this year.')");
$node->answer('records1', "SELECT lpr.verify_schedule($schedule, 'Compared with the schedule as published, page 12.')");
is(log_kept(), '2|0|0|0|a verified schedule', '… nor one that a single person verified');
$node->answer('records2', "SELECT lpr.verify_schedule($schedule, 'Compared with the schedule as published, page 12.')");

# ---- what refers to it ----

is(log_kept(), '2|0|0|1|what refers to it to go', 'a saved read is explained and proved by its month');
is_answer('records1', 'SELECT lpr.dispose_due()', '', '… which is not listed');
is_answer('postgres', "SELECT string_agg(relation || '.' || \"column\", ' ') FROM lpr_data.log_referrers()", 'lpr_data.event_read.ask lpr_data.event_read.answer lpr_data.hit.answer lpr_data.consent_token.consent', 'what refers to records of the log');
$node->answer('analyst1', "SELECT lpr.unsave($saved, 'It shows another car of the same make and color.')");
is(log_kept(), '2|1|0|0|its release', 'taken off: the month is due, the next is not');
my $hold = $node->answer('privacy1', "SELECT lpr.place_hold(1, 'E.D. Cal., 26-cr-99', 'An appeal.')");
is(log_kept(), '2|0|1|0|the end of a legal hold', 'a hold on an event keeps what was asked for it');
$node->answer('records1', "SELECT lpr.lift_hold($hold, 'The appeal was withdrawn, by the docket.')");

# ---- listed, and gone ----

my $month = $first =~ /audit_(\d+)_(\d+)/ ? "$1$2" : die;
my ($records, $last) = split /\|/, as_root("SELECT count(*), max(number) FROM $first");
my $list = as_root('SELECT lpr.dispose_due()');
is_answer('oversight1', "SELECT kind, key, records, state FROM lpr.disposal_parts WHERE disposal = $list", "log|$month|$records|listed", 'a month is listed');
like($node->messages('postgres', "UPDATE $first SET kind = 'gone', login = NULL"), qr/LP031/, 'nothing of it goes by hand');
like($node->messages('postgres', "SELECT lpr_data.empty_month($month)"), qr/LP031/, '… nor by the function alone');
# Whoever made it look like a release: number and digests stay, and nothing else does.
my $bare = "UPDATE $first SET kind = 'gone', login = NULL, pid = NULL, session_started = NULL, event_id = NULL, source = NULL, mode = NULL, ask = NULL, control = NULL, sqlstate = NULL, salt = NULL, payload = NULL";
my $as_if = "BEGIN; UPDATE lpr_data.disposal SET released_in = pg_current_xact_id() WHERE disposal_id = $list; UPDATE lpr_data.disposal_part SET state = 'destroyed' WHERE disposal_id = $list";
like($node->messages('postgres', "$as_if; $_->[1]; ROLLBACK"), $_->[2], "as if released: $_->[0]") for [ 'made gone', $bare, qr/\A\z/ ], [ 'another number', "$bare, number = -number", qr/LP031/ ], [ 'another digest', "$bare, digest = payload_digest", qr/LP031/ ],
	[ 'the login stays', $bare =~ s/login = NULL, //r, qr/LP031/ ], [ 'the payload stays', $bare =~ s/, payload = NULL//r, qr/LP031/ ], [ 'another kind', $bare =~ s/'gone'/'flag'/r, qr/LP031/ ], [ 'another month', "UPDATE $second SET kind = kind", qr/LP031/ ],
	[ 'deleted', "DELETE FROM $first", qr/LP031/ ];
is(in_table($first, 'BULK20'), 'in files', 'its plates are in a file');
my $before = verified();
like($before, qr/^t\|\d+ records, 1 to .*: no finding$/, 'the log verifies');
like(outside('before'), qr/: no finding$/, '… outside too');
my $released = "SELECT lpr.release_disposal($list, '$over')";
is_answer('records2', $released, $records, 'released');
is_answer('postgres', "SELECT count(*), count(*) FILTER (WHERE kind = 'gone'), count(DISTINCT at), num_nonnulls(max(login), max(pid), max(session_started), max(event_id), max(source), max(mode), max(ask), max(control), max(sqlstate), max(octet_length(salt)), max(payload)), max(number) FROM $first",
	"$records|$records|1|0|$last", 'what stays is numbers and digests');
is(in_table($first, 'BULK20'), 'gone', '… in the files as well');
like($node->answer('postgres', "SELECT relowner::regrole FROM pg_class WHERE oid = '$first'::regclass"), qr/^lpr_log$/, '… of a table that is guarded as before');
like($node->messages('postgres', $_), qr/LP031/, "… $_") for "UPDATE $first SET kind = 'gone'", "DELETE FROM $first", "TRUNCATE $first";
is_answer('oversight1', "SELECT state, records, destroyed, rewritten FROM lpr.disposals WHERE disposal = $list", "done|$records|$records|{$first}", 'a certificate');
like(verified(), qr/^t\|\d+ records, 1 to .*, $records of months destroyed on schedule: no finding$/, 'the rest verifies');
like(outside('after'), qr/, $records of months destroyed on schedule.*: no finding$/, '… outside too');
is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit(' . ($last + 1) . ')'), 't', '… and from there on');
is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit(2, 9)'), 't', '… and a part of what is gone');
is(log_kept(), '1|0|0|0|its time', 'the next month has its time');
$node->restart;
$node->await_answers;
is($node->answer('analyst1', "SELECT count(*) > 0 FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK40'"), 't', 'questions go on');
is_answer('postgres', 'SELECT lpr.dispose_due()', '', 'nothing more is due');

# ---- what somebody could hide that way ----

# Whoever controls the server, with the guards off: the leaf of a record is known, and its digest in the chain is there.
sub forge
{
	my ($where, $set) = @_;
	return as_root("ALTER TABLE $second DISABLE TRIGGER ALL; UPDATE $second AS a SET $set FROM lpr_data.leaves('$second', (SELECT id FROM lpr_data.log)) AS l WHERE l.number = a.number AND $where; ALTER TABLE $second ENABLE ALWAYS TRIGGER refuse_change, ENABLE ALWAYS TRIGGER refuse_row_change");
}
as_root("CREATE TABLE public.copy AS SELECT * FROM $second");
sub undo { return as_root("ALTER TABLE $second DISABLE TRIGGER ALL; DELETE FROM $second; INSERT INTO $second SELECT * FROM public.copy; ALTER TABLE $second ENABLE ALWAYS TRIGGER refuse_change, ENABLE ALWAYS TRIGGER refuse_row_change") }
my $gone = "at = date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', kind = 'gone', login = NULL, pid = NULL, session_started = NULL, event_id = NULL, source = NULL, mode = NULL, ask = NULL, control = NULL, sqlstate = NULL, salt = NULL, payload = NULL, payload_digest = l.leaf";
my $middle = as_root("SELECT (min(number) + max(number)) / 2 FROM $second");
forge("a.number = $middle", $gone);
like(verified(), qr/^f\|.*(?:older than the one before|its month is not)/, 'a single record that is made gone: found inside');
like(outside('single'), qr/row \d+: (?:the row before it is gone, and its month is not|its time is before)/, '… and outside');
undo();
forge("a.number = $middle", $gone =~ s/at = .*?, kind/kind/r);
like(verified(), qr/^f\|.*its month is not/, '… under its own time, too');
like(outside('own'), qr/the row before it is gone, and its month is not/, '… and outside');
undo();
forge('true', $gone);
like(verified(), qr/^f\|records of table \S+ are gone, and no list has them/, 'a whole month: no list has it');
like(outside('whole'), qr/\d+ of months destroyed on schedule/, '… and outside the summary tells');
undo();
forge('true', $gone =~ s/l\.leaf/sha256(l.leaf)/r);
like(verified(), qr/^f\|.*the records are not those that the checkpoint signs/m, 'other digests than those that it had: found inside');
like(outside('leaf'), qr/rewritten/, '… and outside');
undo();
forge("a.number = $middle", $gone =~ s/salt = NULL, payload = NULL, //r);
like(verified(), qr/^f\|.*it is gone, and more than its digests is there/m, 'more than digests: found inside');
like(outside('more'), qr/row \d+: it is gone, and more than its digests is there/, '… and outside');
undo();
like(verified(), qr/^t\|.*: no finding$/, 'and all is well again');
$node->stop;
done_testing();
