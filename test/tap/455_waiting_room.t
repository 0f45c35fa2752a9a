# waiting_room: changes wait for the audit writer where nobody else puts in, alters or takes away, whatever a superuser switches off (U3).
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('waiting_room', conf => "max_prepared_transactions = 5\nallow_system_table_mods = on\n");
my $waiting = 'SELECT count(*) FROM lpr_data.change';
my $head;
my $change = "UPDATE lpr_data.rate_limit SET questions = questions - 1 WHERE name = 'person_hour'";
my $limit = "SELECT questions FROM lpr_data.rate_limit WHERE name = 'person_hour'";
my $forged = "(login, pid, session_started, payload) VALUES ('analyst1', 4711, now(), '{\"table\": \"lpr_data.access\", \"action\": \"update\", \"forged\": 1}')";
my $own = "(login, pid, session_started, payload) SELECT lpr.login(), w.pid, w.session_started, '{\"table\": \"lpr_data.access\", \"forged\": 1}' FROM lpr_data.wake_writer() AS w";
# The server hears of it when the table's own row in the catalogue changes as well.
my $heard = "UPDATE pg_class SET reltuples = reltuples WHERE oid = 'lpr_data.change'::regclass";
my ($asleep, $awake) = map { "UPDATE pg_trigger SET tgenabled = '$_' WHERE tgrelid = 'lpr_data.change'::regclass; $heard" } qw(D A);

ok(LprTest::eventually(sub { $node->answer('postgres', $waiting) == 0 }), 'nothing waits');

# A transaction that is refused, changes nothing, and is on record as refused.
sub kept_out
{
	my ($name, $sql, $pattern, $message) = @_;
	my $was = $node->answer('postgres', $limit);

	$head = $node->head;
	my (undef, undef, $err) = $node->ask('postgres', $sql, psql => { extra_params => [ '-v', 'VERBOSITY=verbose' ] });
	like($err, $pattern // qr/ERROR: +LP031: .*\n.*DETAIL: .*\n.*HINT: /, "refused: $name");
	like($err, $message, '… by what refuses it first') if $message;
	is($node->answer('postgres', $limit), $was, '… and nothing is changed');
	ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND kind = 'refused' AND control = 'U3' AND sqlstate = 'LP031'") > 0 }), '… and that is on record')
		unless $pattern;
	is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND payload LIKE '%forged%'"), 0, '… and nothing forged');
	return;
}

# ---- by the guard: every way to write to it ----

$node->answer('postgres', "CREATE SCHEMA away; CREATE TABLE away.other (payload text); CREATE VIEW away.seen AS SELECT * FROM lpr_data.change;
	CREATE FUNCTION away.take() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \$\$ BEGIN DELETE FROM lpr_data.change; END \$\$;
	CREATE FUNCTION away.fire() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN DELETE FROM lpr_data.change; RETURN NEW; END \$\$;
	CREATE TRIGGER fire AFTER INSERT ON away.other FOR EACH ROW EXECUTE FUNCTION away.fire();
	CREATE RULE fire AS ON DELETE TO away.other DO ALSO UPDATE lpr_data.change SET payload = '{\"forged\": 1}'");
my $at_once = qr/ERROR: +LP031: (?:UPDATE|DELETE|TRUNCATE) of lpr_data\.change is refused/;
kept_out('the change, then DELETE', "BEGIN; $change; DELETE FROM lpr_data.change; COMMIT", undef, $at_once);
kept_out("$_->[0]", "BEGIN; $change; $_->[1]; COMMIT", undef, $at_once) for
	[ 'UPDATE', "UPDATE lpr_data.change SET payload = '{\"forged\": 1}'" ],
	[ 'UPDATE of the login', "UPDATE lpr_data.change SET login = 'analyst1'" ],
	[ 'UPDATE of the number', 'UPDATE lpr_data.change SET number = DEFAULT' ],
	[ 'TRUNCATE', 'TRUNCATE lpr_data.change' ],
	[ 'TRUNCATE … CASCADE with others', 'TRUNCATE away.other, lpr_data.change RESTART IDENTITY CASCADE' ],
	[ 'DELETE in a CTE', 'WITH gone AS (DELETE FROM lpr_data.change RETURNING 1) SELECT count(*) FROM gone' ],
	[ 'DELETE as a replica', 'SET LOCAL session_replication_role = replica; DELETE FROM lpr_data.change' ],
	[ 'DELETE through a view', 'DELETE FROM away.seen' ],
	[ 'DELETE by a function', 'SELECT away.take()' ],
	[ 'DELETE by a trigger', "INSERT INTO away.other VALUES ('x')" ],
	[ 'UPDATE by a rule', 'DELETE FROM away.other' ],
	[ 'DELETE by DO', 'DO $$ BEGIN EXECUTE \'DELETE FROM lpr_data.change\'; END $$' ],
	[ 'DELETE within a savepoint', 'SAVEPOINT s; DELETE FROM lpr_data.change; RELEASE s' ],
	[ 'MERGE', 'MERGE INTO lpr_data.change AS c USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE' ],
	[ 'DELETE as the owner', 'GRANT DELETE, SELECT ON lpr_data.change TO lpr_owner; ALTER ROLE lpr_owner BYPASSRLS; SET LOCAL ROLE lpr_owner; DELETE FROM lpr_data.change' ];
kept_out("INSERT: $_->[0]", $_->[1]) for
	[ 'forged', "INSERT INTO lpr_data.change $forged" ],
	[ 'in the own name', "INSERT INTO lpr_data.change $own" ],
	[ 'with a number', "INSERT INTO lpr_data.change (number, pid, session_started, payload) OVERRIDING SYSTEM VALUE VALUES (1, 1, now(), '{\"forged\": 1}')" ],
	[ 'as a replica', "SET session_replication_role = replica; INSERT INTO lpr_data.change $forged" ],
	[ 'by DO', "DO \$\$ BEGIN INSERT INTO lpr_data.change $own; END \$\$" ],
	[ 'through a view', "INSERT INTO away.seen $forged" ],
	[ 'by the prepared', "BEGIN; INSERT INTO lpr_data.change $own; PREPARE TRANSACTION 'forged'" ],
	[ 'by the writer\'s trigger function', "CREATE TABLE away.audited (forged int); CREATE TRIGGER a AFTER INSERT ON away.audited FOR EACH ROW EXECUTE FUNCTION lpr_data.guard_change(); INSERT INTO away.audited VALUES (1); INSERT INTO lpr_data.change $own" ];

# ---- by the library: every way to change what it is ----

kept_out($_->[0], "BEGIN; $change; $_->[1]; COMMIT") for
	map({ [ "ALTER TABLE … $_", "ALTER TABLE lpr_data.change $_" ] } 'DISABLE TRIGGER guard_row', 'DISABLE TRIGGER ALL', 'ENABLE TRIGGER guard_row', 'ENABLE REPLICA TRIGGER guard_row', 'RENAME TO gone', 'RENAME payload TO p',
		'SET SCHEMA away', 'ADD COLUMN note text', 'DROP COLUMN payload', 'ALTER payload SET DEFAULT 1', "ALTER payload TYPE text USING '{\"forged\": 1}'", 'OWNER TO postgres', 'SET UNLOGGED', 'INHERIT away.other',
		'DROP CONSTRAINT change_pkey', 'ALTER number DROP IDENTITY', 'DISABLE ROW LEVEL SECURITY', 'ADD CHECK (payload IS NOT NULL) NOT VALID'),
	[ 'CREATE TRIGGER', "CREATE FUNCTION away.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TRIGGER aaa BEFORE INSERT ON lpr_data.change FOR EACH ROW EXECUTE FUNCTION away.swallow()" ],
	[ 'DROP TRIGGER', 'DROP TRIGGER guard_row ON lpr_data.change' ],
	[ 'CREATE RULE', 'CREATE RULE no AS ON INSERT TO lpr_data.change DO INSTEAD NOTHING' ],
	[ 'a rule on DELETE', 'CREATE RULE no AS ON DELETE TO lpr_data.change DO ALSO NOTHING' ],
	[ 'a table that inherits', 'CREATE TABLE away.child () INHERITS (lpr_data.change)' ],
	[ 'another guard', "CREATE OR REPLACE FUNCTION lpr_data.guard_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'" ],
	[ 'no member any more', 'ALTER EXTENSION lpr DROP TABLE lpr_data.change; DROP TABLE lpr_data.change CASCADE' ];
kept_out($_->[0], $_->[1], qr/ERROR: .*/) for
	[ 'DROP TABLE', 'DROP TABLE lpr_data.change CASCADE' ],
	[ 'DROP SCHEMA', 'DROP SCHEMA lpr_data CASCADE' ],
	[ 'DROP OWNED', 'DROP OWNED BY lpr_owner CASCADE' ];
ok($node->await_answers, 'after all that questions are answered');

# ---- at pre-commit: what no trigger sees ----

# As a superuser who writes to the catalogue: no trigger fires, no event trigger either.
kept_out("with sleeping guards: $_->[0]", "BEGIN; $change; $asleep; $_->[1]; $awake; COMMIT") for
	[ 'DELETE', 'DELETE FROM lpr_data.change' ],
	[ 'UPDATE', "UPDATE lpr_data.change SET payload = '{}'" ],
	[ 'INSERT', "INSERT INTO lpr_data.change $forged" ],
	[ 'INSERT of an old number', "INSERT INTO lpr_data.change (number, pid, session_started, payload) OVERRIDING SYSTEM VALUE VALUES (-1, 1, now(), '{\"forged\": 1}')" ],
	[ 'one for another', "WITH gone AS (DELETE FROM lpr_data.change RETURNING login, pid, session_started) INSERT INTO lpr_data.change (login, pid, session_started, payload) SELECT login, pid, session_started, '{\"forged\": 1}' FROM gone" ],
	[ 'DELETE in a savepoint', 'SAVEPOINT s; DELETE FROM lpr_data.change; RELEASE SAVEPOINT s' ],
	[ 'DELETE, prepared', "DELETE FROM lpr_data.change; $awake; PREPARE TRANSACTION 'gone'" ],
	[ 'TRUNCATE', 'TRUNCATE lpr_data.change' ],
	[ 'COPY', "CREATE TEMP TABLE f AS SELECT 'forged'; INSERT INTO lpr_data.change $forged" ];
kept_out('guards that stay asleep', "BEGIN; $asleep; COMMIT");
# What another transaction has put in, and the writer has not taken yet.
my $writer = $node->hold_writer;
$node->answer('postgres', $change);
kept_out("others' changes: $_->[0]", "BEGIN; $asleep; $_->[1]; $awake; COMMIT", qr/ERROR: +LP031: /) for [ 'DELETE', 'DELETE FROM lpr_data.change' ], [ 'UPDATE', "UPDATE lpr_data.change SET payload = '{\"forged\": 1}'" ];
$node->let_go($writer);
ok(LprTest::eventually(sub { $node->answer('postgres', $waiting) == 0 }), 'the writer has taken what waited');

# Under another version nothing is asked, but nothing is taken away either.
kept_out('as if of another version', "BEGIN; UPDATE pg_extension SET extversion = '0.2.0' WHERE extname = 'lpr'; $asleep; $change; DELETE FROM lpr_data.change; $awake; UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'lpr') WHERE extname = 'lpr'; COMMIT");
kept_out('no member of the extension, by the catalogue', "BEGIN; $change; DELETE FROM pg_depend WHERE objid = 'lpr_data.change'::regclass AND deptype = 'e'; DROP TABLE lpr_data.change CASCADE; COMMIT");

# ---- honest work ----

sub recorded
{
	my ($name, $sql, $count) = @_;

	$head = $node->head;
	is(($node->ask('postgres', $sql))[2], '', $name);
	ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND kind = 'change' AND payload LIKE '%lpr_data.rate_limit%'") == $count }), "… $count on record")
		or diag($node->records_after($head));
	return;
}
recorded('savepoints', "BEGIN; $change; SAVEPOINT a; $change; SAVEPOINT b; $change; ROLLBACK TO b; $change; RELEASE a; SAVEPOINT c; $change; ROLLBACK TO c; $change; COMMIT", 4);
recorded('handled errors', "DO \$\$ BEGIN FOR i IN 1 .. 20 LOOP BEGIN $change; IF i % 2 = 0 THEN RAISE division_by_zero; END IF; EXCEPTION WHEN division_by_zero THEN END; END LOOP; END \$\$", 10);
recorded('only what is rolled back', "BEGIN; SAVEPOINT a; $change; ROLLBACK TO a; COMMIT", 0);
recorded('two in turn', "$change; $change", 2);
recorded('in a procedure that commits', "DO \$\$ BEGIN FOR i IN 1 .. 3 LOOP $change; COMMIT; END LOOP; END \$\$", 3);
recorded('beside other DDL', "BEGIN; $change; CREATE TABLE away.t (a int); CREATE TRIGGER fire AFTER INSERT ON away.t FOR EACH ROW EXECUTE FUNCTION away.fire(); $change; DROP TABLE away.t; COMMIT", 2);
recorded('deferred to the end', "BEGIN; CREATE TABLE away.d (a int); CREATE FUNCTION away.late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN $change; RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER late AFTER INSERT ON away.d DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION away.late(); INSERT INTO away.d VALUES (1); COMMIT" =~ s/'person_hour'/''person_hour''/r, 1);
recorded('prepared', "BEGIN; $change; PREPARE TRANSACTION 'p'; COMMIT PREPARED 'p'", 1);
is(($node->ask('postgres', 'VACUUM FULL lpr_data.change; REINDEX TABLE lpr_data.change; CLUSTER lpr_data.change USING change_pkey; ANALYZE lpr_data.change'))[2], '', 'whoever looks after tables may');

# ---- a restore ----

my $file = $node->basedir . '/waited';
append_to_file($file, "99\tanalyst1\t4711\t2026-01-01 00:00:00+00\t{\"table\": \"lpr_data.access\", \"action\": \"update\", \"said\": 1}\n");
$head = $node->head;
is(($node->ask('postgres', "\\copy lpr_data.change FROM '$file'"))[2], '', 'COPY brings what waited elsewhere');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT string_agg(concat_ws(' ', login, payload::json->>'command', payload::json->>'login', payload::json->>'pid', (payload::json->>'change')::json->>'table', payload::json->>'table'), '')
	FROM lpr_data.audit WHERE number > $head AND payload LIKE '%said%'") eq 'postgres restore analyst1 4711 lpr_data.access' }), '… as what whoever restores says that others did');

# ---- what workers do is theirs ----

$head = $node->head;
$node->answer('postgres', "SELECT lpr_data.add_cache_hour(date_trunc('hour', now()) - interval '3 hours')");
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT string_agg(DISTINCT concat_ws(' ', login, payload::json->>'worker'), ',') FROM lpr_data.audit WHERE number > $head AND payload LIKE '%purge_certificate%'") eq 'lpr cache purger' }), 'the purger\'s certificates are the purger\'s')
	or diag($node->answer('postgres', "SELECT login, payload FROM lpr_data.audit WHERE number > $head"));
is($node->answer('postgres', 'SELECT count(*) FROM lpr.verify_audit() WHERE NOT ok'), 0, 'the log is whole');
$node->sound('in the end');
# A change that is too long for its row lies out of line, and is held against what went in all the same.
my $long = "SELECT lpr.set_rules((SELECT string_agg(encode(sha256(n::text::bytea), 'hex'), ' ') FROM generate_series(1, 400) AS n) || ' {permissible_uses} {no_expectation_of_privacy} {audit} {discipline}')";
is(($node->ask('privacy1', $long))[0], 0, 'a long change is committed');
is(($node->ask('privacy1', "BEGIN; SAVEPOINT s; $long; RELEASE s; COMMIT"))[0], 0, '… in a subtransaction, too');
$node->stop;
done_testing();
