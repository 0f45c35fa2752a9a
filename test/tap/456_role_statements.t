# role_statements: what no trigger sees of roles is on record, in every database of the cluster, with what came of it, and never a password (U4).
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('role_statements', conf => "max_prepared_transactions = 5\n");
$node->answer('postgres', 'CREATE DATABASE plain');
$node->answer('postgres', 'CREATE DATABASE latin ENCODING LATIN1 LC_COLLATE "C" LC_CTYPE "C" TEMPLATE template0');
$node->answer('postgres', 'CREATE DATABASE ascii ENCODING SQL_ASCII LC_COLLATE "C" LC_CTYPE "C" TEMPLATE template0');
ok($node->await_answers, 'a question is answered');
my $head = $node->head;

sub told
{
	my ($where) = @_;
	return $node->answer('postgres', "SELECT string_agg(concat_ws(' ', login, p->>'command', p->>'type', p->>'action', p->>'object', p->>'objects', p->>'members', p->>'in_database', p->>'setting', p->>'value', nullif(p->>'options', '{}'), p->>'statement', p->>'database', p->>'extension', p->>'outcome'), E'\\n' ORDER BY number)
		FROM lpr_data.audit AS a, LATERAL (SELECT a.payload::jsonb) AS j (p) WHERE number > $head AND kind = 'change' AND p ? 'outcome' AND " . ($where // 'true'));
}

# What a statement leaves on record when it returns: nothing is waited for here.
sub leaves
{
	my ($sql, $expected, %given) = @_;
	my $database = $given{database} // 'postgres';

	$head = $node->head;
	my $err = ($node->ask('postgres', $sql, database => $database))[2];
	is($err, '', "$database: $sql") unless $given{fails};
	my $told = $given{later} ? '' : told();
	LprTest::eventually(sub { ($told = told()) eq $expected }) if $given{later};
	is($told, $expected, '… is on record' . ($given{later} ? '' : ' as it returns'));
	return;
}

# ---- each statement about roles, in a database without lpr ----

leaves("CREATE ROLE mallory LOGIN PASSWORD 'pa55word' CONNECTION LIMIT 3 IN ROLE lpr_user", 'postgres CREATE ROLE role mallory {"canlogin": true, "password": "set", "addroleto": ["lpr_user"], "connectionlimit": 3} postgres committed');
leaves("CREATE USER eve SUPERUSER VALID UNTIL '2030-01-01' ADMIN mallory", 'postgres CREATE ROLE role create user eve {"superuser": true, "validUntil": "2030-01-01", "adminmembers": ["mallory"]} postgres committed');
leaves('CREATE GROUP crew USER eve', 'postgres CREATE ROLE role crew {"rolemembers": ["eve"]} postgres committed');
leaves("ALTER ROLE mallory PASSWORD 'pa55word2' CREATEROLE", 'postgres ALTER ROLE role mallory {"password": "set", "createrole": true} postgres committed');
leaves('ALTER USER mallory PASSWORD NULL', 'postgres ALTER ROLE role mallory {"password": "removed"} postgres committed');
leaves('ALTER GROUP crew ADD USER mallory', 'postgres ALTER ROLE role crew {"rolemembers": ["mallory"]} postgres committed');
leaves('ALTER GROUP crew DROP USER mallory', 'postgres ALTER ROLE role drop members crew {"rolemembers": ["mallory"]} postgres committed');
leaves('GRANT lpr_supervisor, crew TO mallory WITH ADMIN OPTION', 'postgres GRANT ROLE membership ["lpr_supervisor", "crew"] ["mallory"] {"admin": true} postgres committed');
leaves('REVOKE lpr_supervisor FROM mallory CASCADE', 'postgres REVOKE ROLE membership ["lpr_supervisor"] ["mallory"] postgres committed');
leaves('GRANT crew TO CURRENT_USER', 'postgres GRANT ROLE membership ["crew"] ["postgres"] postgres committed');
leaves("ALTER ROLE mallory SET log_statement = 'all'", 'postgres ALTER ROLE setting set mallory log_statement all postgres committed');
leaves("ALTER ROLE mallory IN DATABASE lpr SET work_mem = '1MB'", 'postgres ALTER ROLE setting set mallory lpr work_mem 1MB postgres committed');
leaves("ALTER ROLE mallory SET app.key = 'pa55word'", 'postgres ALTER ROLE setting set mallory app.key postgres committed');
leaves('ALTER ROLE mallory RESET log_statement', 'postgres ALTER ROLE setting reset mallory log_statement postgres committed');
leaves('ALTER ROLE mallory RESET ALL', 'postgres ALTER ROLE setting reset all mallory postgres committed');
leaves('ALTER ROLE ALL IN DATABASE lpr SET enable_sort = off', 'postgres ALTER ROLE setting set ALL lpr enable_sort off postgres committed');
leaves("ALTER DATABASE lpr SET log_min_messages = 'debug5'", 'postgres ALTER DATABASE setting set lpr log_min_messages debug5 postgres committed');
leaves('ALTER DATABASE lpr RESET ALL', 'postgres ALTER DATABASE setting reset all lpr postgres committed');
leaves("ALTER SYSTEM SET lpr.audit_timeout = '11s'", 'postgres ALTER SYSTEM setting set lpr.audit_timeout 11s postgres committed', later => 1); # it may be what mends the writer
leaves("ALTER SYSTEM SET primary_conninfo = 'password=pa55word'", 'postgres ALTER SYSTEM setting set primary_conninfo postgres committed', later => 1); # it may be what mends the writer
leaves('ALTER SYSTEM RESET ALL', 'postgres ALTER SYSTEM setting reset all postgres committed', later => 1); # it may be what mends the writer
leaves('GRANT SET ON PARAMETER session_replication_role TO mallory', 'postgres GRANT parameter GRANT SET ON PARAMETER session_replication_role TO mallory postgres committed');
leaves('GRANT CREATE ON DATABASE lpr TO mallory', 'postgres GRANT database GRANT CREATE ON DATABASE lpr TO mallory postgres committed');
leaves('REASSIGN OWNED BY mallory TO eve', 'postgres REASSIGN OWNED role REASSIGN OWNED BY mallory TO eve postgres committed');
leaves('DROP OWNED BY mallory', 'postgres DROP OWNED role DROP OWNED BY mallory postgres committed');
leaves('REVOKE ALL ON PARAMETER session_replication_role FROM mallory', 'postgres REVOKE parameter REVOKE ALL ON PARAMETER session_replication_role FROM mallory postgres committed');
leaves('ALTER ROLE mallory RENAME TO mal', 'postgres ALTER ROLE role mallory postgres committed');
leaves('DROP ROLE IF EXISTS mal, nobody_at_all', 'postgres DROP ROLE role ["mal", "nobody_at_all"] postgres committed', fails => 1);
leaves('DROP USER eve', 'postgres DROP ROLE role ["eve"] postgres committed');

# ---- in every database, whatever it is; however it is wrapped ----

leaves('ALTER ROLE crew CREATEDB', "postgres ALTER ROLE role crew {\"createdb\": true} $_ committed", database => $_) for qw(lpr plain latin ascii template1);
leaves('SET ROLE crew; SET SESSION AUTHORIZATION crew; RESET ALL; RESET SESSION AUTHORIZATION; ALTER ROLE crew NOCREATEDB', 'postgres ALTER ROLE role crew {"createdb": false} plain committed', database => 'plain');
leaves("DO \$\$ BEGIN EXECUTE 'ALTER ROLE crew LOGIN'; END \$\$", 'postgres ALTER ROLE role crew {"canlogin": true} plain committed', database => 'plain');
leaves("CREATE FUNCTION quiet() RETURNS int LANGUAGE plpgsql SET client_min_messages = error AS 'BEGIN ALTER ROLE crew NOLOGIN; RETURN 1; END'; SELECT quiet() FROM generate_series(1, 2)", join("\n", ('postgres ALTER ROLE role crew {"canlogin": false} plain committed') x 2), database => 'plain');
leaves("PREPARE p AS SELECT quiet(); EXECUTE p", 'postgres ALTER ROLE role crew {"canlogin": false} plain committed', database => 'plain');
leaves("CREATE ROLE \"M\xfcller\"", "postgres CREATE ROLE role M\xc3\xbcller latin committed", database => 'latin') if 0;
leaves("UPDATE pg_authid SET rolsuper = false WHERE rolname = 'crew'", 'postgres UPDATE system catalog pg_authid plain committed', database => 'plain');
leaves("DELETE FROM pg_auth_members WHERE member = 'crew'::regrole", 'postgres DELETE system catalog pg_auth_members plain committed', database => 'plain');
leaves('UPDATE pg_class SET reltuples = reltuples WHERE false', '', database => 'plain');
leaves("UPDATE pg_proc SET prosrc = prosrc WHERE proname = 'gate'", 'postgres UPDATE system catalog pg_proc lpr committed', database => 'lpr');

# ---- with what came of it ----

leaves('BEGIN; ALTER ROLE crew CREATEDB; ALTER ROLE crew LOGIN; COMMIT', "postgres ALTER ROLE role crew {\"createdb\": true} plain committed\npostgres ALTER ROLE role crew {\"canlogin\": true} plain committed", database => 'plain');
leaves('BEGIN; ALTER ROLE crew SUPERUSER; ROLLBACK', 'postgres ALTER ROLE role crew {"superuser": true} plain rolled back', database => 'plain', later => 1);
leaves('BEGIN; ALTER ROLE crew SUPERUSER; ROLLBACK', 'postgres ALTER ROLE role crew {"superuser": true} lpr rolled back', database => 'lpr', later => 1);
leaves('BEGIN; SAVEPOINT a; ALTER ROLE crew NOLOGIN; ROLLBACK TO a; ALTER ROLE crew NOCREATEDB; COMMIT', "postgres ALTER ROLE role crew {\"canlogin\": false} plain rolled back\npostgres ALTER ROLE role crew {\"createdb\": false} plain committed", database => 'plain');
leaves('BEGIN; ALTER ROLE crew NOLOGIN; SELECT 1 / 0; COMMIT', 'postgres ALTER ROLE role crew {"canlogin": false} plain rolled back', database => 'plain', later => 1, fails => 1);
leaves("BEGIN; ALTER ROLE crew NOLOGIN; PREPARE TRANSACTION 'p'", 'postgres ALTER ROLE role crew {"canlogin": false} plain prepared', database => 'plain');
leaves("COMMIT PREPARED 'p'", '', database => 'plain');
# An error as late as can be: after the record has gone out.
$node->answer('postgres', "CREATE TABLE d (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)", database => 'plain');
leaves('BEGIN; INSERT INTO d VALUES (1), (1); ALTER ROLE crew LOGIN; COMMIT', 'postgres ALTER ROLE role crew {"canlogin": true} plain rolled back', database => 'plain', later => 1, fails => 1);
my ($one) = $node->session('postgres', database => 'plain');
my ($two) = $node->session('postgres', database => 'plain');
$node->answer('postgres', 'TRUNCATE d; INSERT INTO d VALUES (1), (2)', database => 'plain');
$head = $node->head;
$node->converse($one, 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM d; INSERT INTO d VALUES (3); ALTER ROLE crew LOGIN');
$node->converse($two, 'BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM d; INSERT INTO d VALUES (4); COMMIT');
like(($node->converse($one, 'COMMIT'))[1], qr/ERROR: +40001/, 'a transaction that fails as it commits');
ok(LprTest::eventually(sub { told() =~ /^postgres ALTER ROLE role crew \{"canlogin": true\} plain (?:committed\npostgres ALTER ROLE role crew \{"canlogin": true\} plain not committed after all|rolled back)$/ }), '… is marked as that') or diag(told());
$_->quit for $one, $two;

# ---- what no event trigger sees in the database of the log ----

leaves('ALTER EVENT TRIGGER lpr_audit_ddl DISABLE; CREATE OR REPLACE FUNCTION lpr_data.look_up_me() RETURNS bigint LANGUAGE sql AS \'SELECT 1::bigint\'', 'postgres ALTER EVENT TRIGGER event trigger ALTER EVENT TRIGGER lpr_audit_ddl DISABLE lpr committed', database => 'lpr', fails => 1);
leaves('ALTER EVENT TRIGGER lpr_audit_ddl ENABLE ALWAYS', 'postgres ALTER EVENT TRIGGER event trigger ALTER EVENT TRIGGER lpr_audit_ddl ENABLE ALWAYS lpr committed', database => 'lpr');
leaves('ALTER DEFAULT PRIVILEGES IN SCHEMA lpr_data GRANT SELECT ON TABLES TO crew', 'postgres ALTER DEFAULT PRIVILEGES default privileges ALTER DEFAULT PRIVILEGES IN SCHEMA lpr_data GRANT SELECT ON TABLES TO crew lpr committed', database => 'lpr');
leaves('ALTER DEFAULT PRIVILEGES IN SCHEMA lpr_data REVOKE SELECT ON TABLES FROM crew', 'postgres ALTER DEFAULT PRIVILEGES default privileges ALTER DEFAULT PRIVILEGES IN SCHEMA lpr_data REVOKE SELECT ON TABLES FROM crew lpr committed', database => 'lpr');
leaves("LOAD 'plpgsql'", "postgres LOAD library LOAD 'plpgsql' lpr committed", database => 'lpr');
leaves("CREATE FUNCTION public.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid'", "postgres CREATE FUNCTION library CREATE FUNCTION public.f() RETURNS int LANGUAGE internal AS 'pg_backend_pid' lpr committed", database => 'lpr');

# In the script of an extension.
my $extensions = $ENV{LPR_EXTENSIONS};
append_to_file("$extensions/sly.control", "default_version = '1'\n");
append_to_file("$extensions/sly--1.sql", "CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS 'SELECT 1';\nCREATE INDEX sly ON lpr_data.camera (latitude);\nGRANT crew TO lpr_user;\nREVOKE crew FROM lpr_user;\n");
$head = $node->head;
$node->answer('postgres', 'CREATE EXTENSION sly');
my $script = slurp_file("$extensions/sly--1.sql");
require Digest::SHA;
my $digest = Digest::SHA::sha256_hex($script);
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND payload::json->>'object' = 'lpr_data.sly' AND payload::json->>'extension' = 'sly' AND payload::json->>'command' = 'CREATE INDEX'") == 1 }), 'DDL within the script of an extension is on record');
is(told(), "postgres script extension lpr sly committed\npostgres GRANT ROLE membership [\"crew\"] [\"lpr_user\"] lpr sly committed\npostgres REVOKE ROLE membership [\"crew\"] [\"lpr_user\"] lpr sly committed", '… and its statements about roles');
is($node->answer('postgres', "SELECT payload::json->>'sha256' FROM lpr_data.audit WHERE number > $head AND payload LIKE '%sha256%'"), $digest, '… and which text was executed');
$node->answer('postgres', 'DROP EXTENSION sly');
unlink "$extensions/sly.control", "$extensions/sly--1.sql";

# ---- it stops nobody ----

# Not while there is no writer, whose next life takes it in.
my $writer = $node->hold_writer;
$head = $node->head;
$node->answer('postgres', "SET lpr.audit_timeout = '100ms'; ALTER ROLE crew LOGIN", database => $_) for qw(plain lpr);
$node->let_go($writer);
ok(LprTest::eventually(sub { told() eq join "\n", map { "postgres ALTER ROLE role crew {\"canlogin\": true} $_ committed" } qw(plain lpr) }), 'without a writer statements go on, and are on record later') or diag(told());
# Not a transaction that itself holds up the writer.
leaves('BEGIN; LOCK TABLE lpr_data.change, lpr_data.person IN ACCESS EXCLUSIVE MODE; ALTER ROLE crew NOLOGIN; COMMIT', 'postgres ALTER ROLE role crew {"canlogin": false} lpr committed', database => 'lpr', later => 1);
# Not a restore of the globals.
my $globals = $node->basedir . '/globals.sql';
system_or_bail('pg_dumpall', '--globals-only', '-f', $globals, '-d', $node->connstr('postgres'));
$head = $node->head;
my ($out, $err) = run_command([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', $globals ]);
unlike($err, qr/LP\d\d\d|audit/, 'the globals are restored');
cmp_ok($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND payload LIKE '%\"outcome\": \"committed\"%'"), '>', 20, '… on record');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload ~ 'pa55word|SCRAM'"), 0, 'no password is in the log');

# Not single-user mode.
$node->stop;
my $single = "ALTER ROLE crew CREATEROLE;\nUPDATE lpr_data.rate_limit SET questions = 99999 WHERE name = 'person_hour';\n";
my $input = $node->basedir . '/single.sql';
append_to_file($input, $single);
system_or_bail('sh', '-c', "postgres --single -D '" . $node->data_dir . "' lpr <'$input' >'$input.out' 2>&1");
$node->start;
ok($node->await_answers, 'after single-user mode questions are answered');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change' AND payload LIKE '%99999%'") == 1 }), '… a change of policy made there is on record');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT string_agg(concat_ws(' ', login, p->>'worker', p->>'type', p->>'object', p->'old'->>'createrole', p->'new'->>'createrole'), ',') FROM lpr_data.audit AS a, LATERAL (SELECT a.payload::jsonb) AS j (p)
	WHERE kind = 'change' AND p->>'command' = 'unseen'") eq 'lpr audit writer role crew false true' }), '… and a role that changed there is, as unseen') or diag($node->answer('postgres', "SELECT number, payload FROM lpr_data.audit WHERE payload LIKE '%unseen%'"));

# ---- while lpr was not loaded ----

$node->stop;
$head = 0;
my $unseen = "SELECT string_agg(concat_ws(' ', p->>'type', p->>'object', CASE WHEN p->'old' = 'null' THEN 'new' WHEN p->'new' = 'null' THEN 'gone' WHEN p->'secretly' = 'true' THEN 'secretly' ELSE 'changed' END), E'\\n' ORDER BY number)
	FROM lpr_data.audit AS a, LATERAL (SELECT a.payload::jsonb) AS j (p) WHERE kind = 'change' AND p->>'command' = 'unseen' AND number > ";
$node->start;
$node->await_answers;
$head = $node->head;
$node->stop;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->start;
$node->safe_psql('postgres', "CREATE ROLE ghost LOGIN SUPERUSER; GRANT lpr_oversight TO ghost; ALTER ROLE analyst1 PASSWORD 'pa55word3'; ALTER ROLE analyst2 SET log_statement = 'all'; DROP ROLE crew; ALTER DATABASE lpr SET work_mem = '2MB'");
$node->safe_psql('postgres', 'CREATE ROLE passing; DROP ROLE passing');
$node->stop;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'lpr'\n");
$node->start;
ok($node->await_answers, 'loaded again');
my $expected = "membership ghost in lpr_oversight by postgres new\nmembership postgres in crew by postgres gone\nrole analyst1 changed\nrole crew gone\nrole ghost new\nsetting ALL in lpr new\nsetting analyst2 in ALL changed";
my $found = '';
ok(LprTest::eventually(sub { ($found = $node->answer('postgres', $unseen . $head)) eq $expected }), 'what changed while lpr was not loaded is on record as unseen') or diag($found);
$node->restart;
$node->await_answers;
is($node->answer('postgres', $unseen . $head), $expected, '… once');
$head = $node->head;
$node->answer('postgres', "ALTER ROLE analyst1 PASSWORD 'pa55word4'; DROP ROLE ghost; ALTER DATABASE lpr RESET ALL", database => 'plain');
$node->restart;
$node->await_answers;
LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.role_state WHERE name = 'ghost'") == 0 });
is($node->answer('postgres', $unseen . $head), '', 'what is on record by its statement is not unseen');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.role_state WHERE kind <> 'noted' AND (kind, name, value) NOT IN (SELECT kind, name, value FROM lpr_data.roles_now())"), 0, 'the state noted is the one that is');
$head = $node->head;
$node->answer('postgres', "UPDATE lpr_data.role_state SET value = value || '{\"superuser\": true}' WHERE name = 'analyst1'; DELETE FROM lpr_data.role_state WHERE name = 'analyst2'");
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT string_agg(concat_ws(' ', login, payload::json->>'action'), ',') FROM lpr_data.audit WHERE number > $head AND payload LIKE '%lpr_data.role_state%'") eq 'postgres update,postgres delete' }), 'whoever alters the state noted is on record');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload ~ 'pa55word|SCRAM'"), 0, 'no password is in the log');
$node->sound('in the end');
$node->stop;
done_testing();
