# audit_head: a log that somebody altered is not written on: nobody is answered until it is as it was.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit_head', world => 'noon');
ok($node->await_answers, 'questions are answered');
is($node->answer('analyst1', LprTest::quick()), 1, 'a question') for 1 .. 3;
# Whoever alters the log will not have that recorded, either.
$node->answer('postgres', 'ALTER EVENT TRIGGER lpr_audit_ddl DISABLE; ALTER EVENT TRIGGER lpr_audit_drop DISABLE');
LprTest::eventually(sub { $node->answer('postgres', 'SELECT count(*) FROM lpr_data.change') == 0 });
my $leaf = $node->answer('postgres', "SELECT tableoid::regclass FROM lpr_data.audit ORDER BY number DESC LIMIT 1");
my ($owner) = $node->session('postgres');
my ($asker) = $node->session('analyst1');
# Who is told why, and soon. All others wait as long as it takes.
$node->appoint_deputy;
$node->converse($asker, LprTest::deputy("SET lpr.audit_timeout = '500ms'"));

# What a superuser does who is not stopped by a trigger.
sub alter_log
{
	my ($sql) = @_;
	my (undef, $err) = $node->converse($owner, "BEGIN; ALTER TABLE $leaf DISABLE TRIGGER ALL; $sql; ALTER TABLE $leaf ENABLE ALWAYS TRIGGER refuse_change, ENABLE ALWAYS TRIGGER refuse_row_change; COMMIT");

	die $err if $err =~ /ERROR/;
	return;
}

sub refused
{
	my ($name, $detail) = @_;
	my $messages = '';

	$node->vendor_forget;
	LprTest::eventually(sub { $messages = ($node->converse($asker, LprTest::quick()))[1]; $messages =~ /$detail/ });
	like($messages, qr/ERROR: +LP020: .*DETAIL: +The audit writer cannot write: $detail.*HINT: +\S/s, $name);
	is(scalar(my @none = $node->vendor_log), 0, '… and no vendor heard of it');
	return;
}

$node->converse($owner, 'CREATE TABLE kept AS SELECT * FROM lpr_data.audit WITH NO DATA');
my $restore = "DELETE FROM $leaf WHERE number IN (SELECT number FROM kept); INSERT INTO $leaf SELECT * FROM kept; TRUNCATE kept";
my $head = "number = (SELECT max(number) FROM lpr_data.audit)";
my $forge = "INSERT INTO $leaf SELECT number + %d, at, kind, login, pid, session_started, event_id, source, mode, ask, control, sqlstate, sha256(salt), payload, payload_digest, %s FROM lpr_data.audit WHERE $head";

for my $case (
	[ "the newest record's login altered", "UPDATE $leaf SET login = 'analyst9' WHERE $head" ],
	[ "its payload", "UPDATE $leaf SET payload = replace(payload, 'acme', 'acne') WHERE $head" ],
	[ "its digest", "UPDATE $leaf SET digest = sha256(digest) WHERE $head" ],
	[ "its time", "UPDATE $leaf SET at = at + interval '1 microsecond' WHERE $head" ],
	[ "the newest record gone", "DELETE FROM $leaf WHERE $head" ],
	[ "the newest two records gone", "DELETE FROM $leaf WHERE number > (SELECT max(number) FROM lpr_data.audit) - 2" ],
	[ "a record added", sprintf($forge, 1, 'digest') ],
	[ "a record added far ahead", sprintf($forge, 1000, 'digest') ])
{
	my ($name, $sql) = @$case;

	alter_log("INSERT INTO kept SELECT * FROM lpr_data.audit WHERE number > (SELECT max(number) FROM lpr_data.audit) - 2");
	my $last = $node->head;
	alter_log($sql);
	refused($name, 'the audit log was altered: Record \d+ is ');
	# A new writer finds the same, but what is missing at the end: that is what checkpoints elsewhere are for.
	if ($name =~ /login|ahead/)
	{
		$node->renew_writer;
		refused("$name, and a new writer", 'the audit log was altered: Record \d+ is ');
	}
	alter_log("DELETE FROM $leaf WHERE number > $last; $restore");
	ok($node->await_answers, '… is as it was, and on it goes');
	$node->sound('then', log => 0);
}

# Further back: found by a writer that starts.
$node->answer('analyst1', LprTest::quick()) for 1 .. 3;
my $third = "number = (SELECT max(number) - 3 FROM lpr_data.audit)";
for my $case ([ 'altered', "UPDATE $leaf SET login = 'analyst9' WHERE $third", 'Record \d+ is not what it was' ], [ 'gone', "DELETE FROM $leaf WHERE $third", 'Record \d+ is missing' ])
{
	alter_log("INSERT INTO kept SELECT * FROM lpr_data.audit WHERE $third; $case->[1]");
	$node->renew_writer;
	refused("a record behind the newest checkpoint is $case->[0]", "the audit log was altered: $case->[2]");
	alter_log($restore);
	ok($node->await_answers, '… and is as it was');
}
my $covered = "number = (SELECT max(size) FROM lpr_data.checkpoint)";
alter_log("INSERT INTO kept SELECT * FROM lpr_data.audit WHERE $covered; UPDATE $leaf SET login = 'analyst9' WHERE $covered");
$node->renew_writer;
refused('the last record under a checkpoint is altered', 'the audit log was altered: Record \d+ is not the one that the newest checkpoint covers');
alter_log($restore);
ok($node->await_answers, '… and is as it was');

# Records that are not committed: whoever wrote them holds up the others, but not for good.
$node->converse($asker, LprTest::deputy("SET lpr.audit_timeout = '3s'"));
my ($forger) = $node->session('postgres');
$node->converse($forger, "SET lpr.audit_timeout = '3s'");
for my $end ('ROLLBACK', 'COMMIT')
{
	$node->converse($forger, 'BEGIN; ' . sprintf($forge, 1, 'digest'));
	refused("a record added and not committed, $end", $end eq 'COMMIT' ? '.*lock' : 'it waits for a lock that somebody holds');
	# The forger asks, too: it waits for itself, and nothing can know.
	ok(LprTest::eventually(sub { ($node->converse($forger, 'SAVEPOINT s; ' . LprTest::quick() . '; ROLLBACK TO s'))[1] =~ /ERROR: +LP020: .*it waits for a lock/s }), 'a deadlock that nothing can see ends') if $end eq 'ROLLBACK';
	$node->converse($forger, $end);
	refused('… committed', 'the audit log was altered: Record \d+ is missing, is not what it was, or is not the last one') if $end eq 'COMMIT';
	alter_log("DELETE FROM $leaf WHERE number > (SELECT max(number) - 1 FROM lpr_data.audit)") if $end eq 'COMMIT';
	ok($node->await_answers, '… and on it goes');
}
$forger->quit;
$node->converse($asker, LprTest::deputy("SET lpr.audit_timeout = '500ms'"));

# The form of its tables.
for my $case ([ "ALTER TABLE lpr_data.audit RENAME COLUMN login TO who", "ALTER TABLE lpr_data.audit RENAME COLUMN who TO login", 'table "audit_\w+" does not have the columns of the audit log' ],
	[ "DROP INDEX ${leaf}_number", "CREATE UNIQUE INDEX ON $leaf (number)", 'table "audit_\w+" has lost its index on number' ],
	[ "ALTER TABLE lpr_data.audit DETACH PARTITION $leaf", "DO \$\$ BEGIN EXECUTE (SELECT format('ALTER TABLE lpr_data.audit ATTACH PARTITION $leaf FOR VALUES FROM (%L) TO (%L)', date_trunc('month', max(at)), date_trunc('month', max(at)) + interval '1 month') FROM $leaf); END \$\$", 'lpr_data\.audit_\w+ is no partition of the audit log' ],
	[ "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER a BEFORE INSERT ON lpr_data.checkpoint FOR EACH ROW EXECUTE FUNCTION swallow();
		ALTER TABLE lpr_data.checkpoint DISABLE TRIGGER refuse_change; ALTER TABLE lpr_data.checkpoint DISABLE TRIGGER refuse_row_change; DELETE FROM lpr_data.checkpoint",
		'DROP TRIGGER a ON lpr_data.checkpoint', 'a trigger or a rule of lpr_data\.checkpoint swallows checkpoints' ])
{
	my ($sql, $undo, $detail) = @$case;

	(my $name = $sql) =~ s/;.*//s;
	$node->converse($owner, "SET timezone = 'UTC'; $sql");
	$node->renew_writer if $name =~ /swallow/;
	refused($name, $detail);
	$node->converse($owner, $undo);
	ok($node->await_answers, '… and is as it was');
}

# Code of an index that somebody added runs, but with the rights of nobody who has any.
$node->converse($owner, "CREATE FUNCTION public.spy(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN
	IF (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user) THEN RAISE EXCEPTION 'rights to do anything'; END IF; RETURN value; END \$\$;
	CREATE INDEX spied ON $leaf (public.spy(login))");
is(($node->ask('analyst1', LprTest::quick()))[1], 1, 'an index with code does not get at the rights of the writer');
$node->converse($owner, 'DROP INDEX lpr_data.spied');
$node->await_answers;

# Guards that were taken away are put back.
$node->converse($owner, "DROP TRIGGER refuse_change ON $leaf; ALTER TABLE $leaf DISABLE TRIGGER refuse_row_change; ALTER TABLE $leaf OWNER TO postgres");
$node->renew_writer;
ok($node->await_answers, 'a log that has lost its guards');
like($node->messages('postgres', "TRUNCATE $leaf"), qr/LP031/, '… is guarded again');
is($node->answer('postgres', "SELECT relowner::regrole FROM pg_class WHERE oid = '$leaf'::regclass"), 'lpr_log', '… and owned by nobody who can log in');
$node->sound('in the end', log => 0);
$_->quit for $owner, $asker;
$node->stop;
done_testing();
