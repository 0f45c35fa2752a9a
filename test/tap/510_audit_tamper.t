# audit_tamper: a superuser tampers with the log inside the database: a hundred random attempts of each kind, and all are found. (test/verify does
# the same to exports, with 40 kinds, and to restored copies that only a checkpoint kept elsewhere can tell.)
use strict;
use warnings;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_tamper', world => 'noon');
my $elsewhere = $node->basedir . '/elsewhere';
mkdir $elsewhere or die "$elsewhere: $!";
$node->append_conf('postgresql.conf', "lpr.checkpoint_directory = '$elsewhere'\n");
$node->reload;
$node->answer('analyst1', "SELECT count(*) FROM lpr.search_plate('7ABC-123', 'CA'); SELECT count(*) FROM lpr.search_plate('BULK' || 5)");
# Until a checkpoint covers some 10,000 records.
$node->answer('postgres', "SELECT count(lpr_data.audit_record('read', NULL, NULL, 'reading ' || i)) FROM generate_series(1, 10050) AS i");
ok(LprTest::eventually(sub { $node->answer('oversight1', 'SELECT checkpointed > 9000 FROM lpr.audit_status()') eq 't' }), 'a checkpoint covers most of the log');
is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'the honest log has no finding');

# What somebody would do who knows the format: docs/audit-format.md in SQL.
$node->answer('postgres', <<'SQL');
CREATE SCHEMA tamper;
SET search_path = tamper, public;
CREATE FUNCTION field(bytea) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN coalesce(int4send(octet_length($1)) || $1, '\xffffffff');
CREATE FUNCTION micros(timestamptz) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN int8send((extract(epoch FROM $1) * 1000000)::bigint - 946684800000000);
CREATE FUNCTION record(a lpr_data.audit) RETURNS bytea LANGUAGE sql STABLE AS $$
	SELECT 'LPR1'::bytea || l.id || int8send(a.number) || micros(a.at) || field(convert_to(a.kind, 'UTF8')) || field(convert_to(a.login, 'UTF8')) || field(int8send(a.pid))
		|| field(micros(a.session_started)) || field(int8send(a.event_id)) || field(convert_to(a.source, 'UTF8')) || field(convert_to(a.mode, 'UTF8'))
		|| field(int8send(a.ask)) || field(convert_to(a.control, 'UTF8')) || field(convert_to(a.sqlstate, 'UTF8')) || a.payload_digest
	FROM lpr_data.log AS l $$;

-- Chains all records from a number on anew, as if they had always been so.
CREATE FUNCTION rechain(first bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	previous bytea := (SELECT digest FROM lpr_data.audit WHERE number < first ORDER BY number DESC LIMIT 1);
	a lpr_data.audit;
BEGIN
	FOR a IN SELECT * FROM lpr_data.audit WHERE number >= first ORDER BY number
	LOOP
		previous := sha256('LPRC'::bytea || previous || record(a));
		UPDATE lpr_data.audit SET digest = previous WHERE number = a.number;
	END LOOP;
END $$;

-- Tampers, looks whether it is found, and takes it back.
CREATE FUNCTION attempt(way text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	covered bigint := (SELECT max(size) FROM lpr_data.checkpoint);
	head bigint := (SELECT max(number) FROM lpr_data.audit);
	victim bigint := 1 + floor(random() * head);
	late bigint := covered - 1 - floor(random() * 60); -- what no checkpoint covers yet, only the vendors' references witness
	other bigint;
	found boolean;
BEGIN
	EXECUTE (SELECT string_agg(format('ALTER TABLE %s DISABLE TRIGGER USER', t), '; ') FROM (SELECT tableoid::regclass AS t FROM lpr_data.audit GROUP BY 1 UNION VALUES ('lpr_data.audit'::regclass), ('lpr_data.checkpoint')) AS x);
	CASE way
	WHEN 'edit' THEN
		CASE floor(random() * 8)
		WHEN 0 THEN UPDATE lpr_data.audit SET login = 'somebody' WHERE number = victim;
		WHEN 1 THEN UPDATE lpr_data.audit SET payload = overlay(payload PLACING '~' FROM 1 + floor(random() * length(payload))::int) WHERE number = victim;
		WHEN 2 THEN UPDATE lpr_data.audit SET at = at + interval '1 microsecond' WHERE number = victim;
		WHEN 3 THEN UPDATE lpr_data.audit SET event_id = 4711 WHERE number = victim;
		WHEN 4 THEN UPDATE lpr_data.audit SET salt = sha256(salt) WHERE number = victim;
		WHEN 5 THEN UPDATE lpr_data.audit SET pid = coalesce(pid, 0) + 1, session_started = coalesce(session_started, now()) WHERE number = victim;
		WHEN 6 THEN UPDATE lpr_data.audit SET kind = CASE kind WHEN 'read' THEN 'ask' ELSE 'read' END WHERE number = victim;
		ELSE UPDATE lpr_data.audit SET digest = sha256(digest) WHERE number = victim;
		END CASE;
	WHEN 'delete' THEN DELETE FROM lpr_data.audit WHERE number = least(victim, head - 1);
	WHEN 'insert' THEN
		-- Among the others, with a number of its own; or with theirs moved up.
		UPDATE lpr_data.audit SET number = number + 1000000 WHERE number > late;
		UPDATE lpr_data.audit SET number = number - 999999 WHERE number > 1000000;
		INSERT INTO lpr_data.audit SELECT late + 1, a.at, a.kind, a.login, a.pid, a.session_started, a.event_id, a.source, a.mode, a.ask, a.control, a.sqlstate, a.salt, a.payload, a.payload_digest, a.digest
			FROM lpr_data.audit AS a WHERE number = late;
		PERFORM rechain(late + 1);
	WHEN 'swap' THEN
		other := 1 + floor(random() * head);
		IF other = victim THEN other := 1 + victim % head; END IF;
		UPDATE lpr_data.audit AS a SET (login, pid, session_started, kind, salt, payload, payload_digest) = (b.login, b.pid, b.session_started, b.kind, b.salt, b.payload, b.payload_digest)
			FROM lpr_data.audit AS b WHERE a.number IN (victim, other) AND b.number IN (victim, other) AND a.number <> b.number;
	WHEN 'tail' THEN DELETE FROM lpr_data.audit WHERE number >= late;
	WHEN 'recompute' THEN
		UPDATE lpr_data.audit SET login = 'somebody', payload = '{}', payload_digest = sha256(salt || '{}') WHERE number = late;
		PERFORM rechain(late);
	WHEN 'hide' THEN
		-- A record that its index does not show: the index is made anew over some of them.
		EXECUTE format('DROP INDEX lpr_data.%I', 'audit_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') || '_number');
		INSERT INTO lpr_data.audit SELECT a.number, a.at, a.kind, a.login, a.pid, a.session_started, a.event_id, a.source, a.mode, a.ask, a.control, a.sqlstate, a.salt, a.payload, a.payload_digest, a.digest
			FROM lpr_data.audit AS a WHERE number = victim;
		DELETE FROM lpr_data.audit WHERE ctid = (SELECT min(ctid) FROM lpr_data.audit WHERE number = victim) AND random() < 0.5 AND victim = head;
		UPDATE lpr_data.audit SET number = -number WHERE ctid = (SELECT max(ctid) FROM lpr_data.audit WHERE number = victim);
		EXECUTE format('CREATE UNIQUE INDEX ON lpr_data.%I (number)', 'audit_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM'));
	WHEN 'checkpoint' THEN
		UPDATE lpr_data.checkpoint SET note = regexp_replace(note, E'\nhead .', E'\nhead /'), frontier = frontier WHERE size = covered;
	END CASE;
	SELECT NOT bool_and(v.ok) INTO found FROM lpr.verify_audit() AS v;
	RAISE EXCEPTION USING ERRCODE = 'P9999', MESSAGE = coalesce(found, true)::text;
EXCEPTION
	WHEN SQLSTATE 'P9999' THEN RETURN SQLERRM = 'true';
END $$;
SQL
for my $kind (qw(edit delete insert swap tail recompute hide checkpoint))
{
	my $tries = $kind eq 'checkpoint' ? 10 : 100;
	is($node->answer('postgres', "SET search_path = tamper, public; SELECT count(*) FILTER (WHERE attempt('$kind')), count(*) FROM generate_series(1, $tries)"), "$tries|$tries", "$tries attempts: $kind");
}
is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'taken back, the log has no finding');
is($node->answer('postgres', "SELECT count(*) FROM pg_trigger AS t JOIN pg_inherits AS i ON i.inhrelid = t.tgrelid WHERE i.inhparent = 'lpr_data.audit'::regclass AND t.tgenabled <> 'A'"), 0, '… nor have its guards');

like($node->messages('postgres', 'BEGIN; ALTER TABLE lpr_data.log DISABLE TRIGGER USER; DELETE FROM lpr_data.log; SELECT count(*) FROM lpr.verify_audit()'), qr/ERROR: +LP032: the audit log was altered/,
	'which log it is cannot be taken from it');

# ---- a restored copy, which is right in itself ----

ok(LprTest::eventually(sub { $node->answer('oversight1', 'SELECT undelivered FROM lpr.audit_status()') == 0 }), 'its checkpoints are delivered');
append_to_file($node->basedir . '/key', $node->answer('oversight1', 'SELECT lpr.audit_key()'));
$node->answer('postgres', <<'SQL');
BEGIN;
ALTER TABLE lpr_data.checkpoint DISABLE TRIGGER USER;
ALTER TABLE lpr_data.audit DISABLE TRIGGER USER;
SELECT count(*) FROM (SELECT tamper.attempt('edit')) AS x;
DO $$ BEGIN EXECUTE (SELECT string_agg(format('ALTER TABLE %s DISABLE TRIGGER USER', tableoid::regclass), '; ') FROM (SELECT DISTINCT tableoid FROM lpr_data.audit) AS x); END $$;
DELETE FROM lpr_data.audit WHERE number > 40;
DELETE FROM lpr_data.checkpoint WHERE size > 40;
COMMIT;
SQL
like($node->messages('analyst1', "SELECT count(*) FROM lpr.search_plate('BULK5')", logon => 0), qr/LP020: .*audit log was altered/s, 'the writer does not go on with a log that is not its own');
$node->restart;
$node->answer('analyst1', "SELECT count(*) FROM lpr.search_plate('BULK5')");
is($node->answer('oversight1', 'SELECT bool_and(ok) FROM lpr.verify_audit()'), 't', 'after a restart it cannot tell an old copy from the log');
unlink $node->basedir . '/audit.log';
append_to_file($node->basedir . '/audit.log', $node->answer('oversight1', 'SELECT lpr.export_audit()') . "\n");
my ($out) = run_command([ 'lpr-audit-verify', '--key', $node->basedir . '/key', '--checkpoints', $elsewhere, $node->basedir . '/audit.log' ]);
like($out, qr/: [1-9]\d* findings?$/, '… but who kept the checkpoints can');
$node->stop;
done_testing();
