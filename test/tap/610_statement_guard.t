# statement guard: every way by which an answer could leave the screen and be kept is refused to the people who see reads, and the refusal is on record whatever the
# caller's transaction does next (E2). Also: what nobody may drop (U3), and whose login is whose (A1).
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('statement_guard', conf => "max_prepared_transactions = 5\n");
my $read = "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'";
my $quoted = $read =~ s/'/''/gr;
is($node->answer('analyst1', LprTest::quick()), 1, 'the first question');
my $only = "kind IN ('ask', 'sent', 'answer', 'refused')";

# What a site might have given on purpose, after lpr.harden(): a schema of one's own with tables and functions, a language, large objects.
$node->answer('postgres', "SET client_min_messages = warning; CREATE SCHEMA own AUTHORIZATION analyst1; GRANT TEMP ON DATABASE lpr TO analyst1; GRANT USAGE ON LANGUAGE plpgsql TO analyst1");
$node->answer('analyst1', 'CREATE TABLE own.kept (x text); CREATE TABLE own.typed (x xml); CREATE TABLE own.bound (x text) PARTITION BY LIST (x); CREATE VIEW own.reads AS SELECT * FROM lpr.reads');
$node->answer('postgres', <<"END");
CREATE MATERIALIZED VIEW own.view AS SELECT read_id FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme' WITH NO DATA;
CREATE FUNCTION own.run(statement text) RETURNS void LANGUAGE plpgsql AS \$\$ BEGIN EXECUTE statement; END \$\$;
CREATE PROCEDURE own.call(statement text) LANGUAGE plpgsql AS \$\$ BEGIN EXECUTE statement; END \$\$;
CREATE FUNCTION own.plain(statement text) RETURNS void LANGUAGE sql AS \$\$ SELECT own.run(statement) \$\$;
CREATE FUNCTION own.swallow(statement text) RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN EXECUTE statement; RETURN 'not refused'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END \$\$;
CREATE FUNCTION own.ask() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT string_agg(read_id, ' ') FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme'); END \$\$;
CREATE FUNCTION own.ask_immutable() RETURNS text LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN RETURN own.ask(); END \$\$;
CREATE FUNCTION own.keep(x text) RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN INSERT INTO own.kept VALUES (x); RETURN x; END \$\$;
CREATE FUNCTION own.keep_sql(x text) RETURNS text LANGUAGE sql AS \$\$ INSERT INTO own.kept VALUES (x) RETURNING x \$\$;
CREATE FUNCTION own.in_a_loop() RETURNS void LANGUAGE plpgsql AS \$\$ DECLARE r record; BEGIN FOR r IN $read LOOP INSERT INTO own.kept VALUES (r.read_id); END LOOP; END \$\$;
CREATE FUNCTION own.by_a_variable() RETURNS void LANGUAGE plpgsql AS \$\$ DECLARE v text := (SELECT own.ask()); BEGIN INSERT INTO own.kept VALUES (v); END \$\$;
CREATE FUNCTION own.by_a_cursor() RETURNS void LANGUAGE plpgsql AS \$\$ DECLARE c CURSOR FOR $read; v text; BEGIN OPEN c; FETCH c INTO v; CLOSE c; UPDATE own.kept SET x = v; END \$\$;
CREATE FUNCTION own.trigger() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN NEW.x := own.ask(); RETURN NEW; END \$\$;
CREATE FUNCTION own.later() RETURNS trigger LANGUAGE plpgsql AS \$\$ DECLARE v text := (SELECT own.ask()); BEGIN INSERT INTO own.kept VALUES (v); RETURN NULL; END \$\$;
CREATE FUNCTION own.later2() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM own.by_a_cursor(); RETURN NULL; END \$\$;
CREATE TABLE own.triggered (x text); CREATE TRIGGER t BEFORE INSERT ON own.triggered FOR EACH ROW EXECUTE FUNCTION own.trigger();
CREATE TABLE own.afterwards (x text); CREATE TRIGGER t AFTER INSERT ON own.afterwards FOR EACH ROW EXECUTE FUNCTION own.later();
CREATE TABLE own.deferred (x text); CREATE CONSTRAINT TRIGGER t AFTER INSERT ON own.deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.later();
CREATE TABLE own.deferred2 (x text); CREATE CONSTRAINT TRIGGER t AFTER INSERT ON own.deferred2 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.later2();
DO \$do\$ BEGIN EXECUTE (SELECT string_agg(format('ALTER ROUTINE %s OWNER TO analyst1', p.oid::regprocedure), '; ') FROM pg_proc AS p WHERE pronamespace = 'own'::regnamespace);
	EXECUTE (SELECT string_agg(format('ALTER TABLE %s OWNER TO analyst1', c.oid::regclass), '; ') FROM pg_class AS c WHERE relnamespace = 'own'::regnamespace AND relkind IN ('r', 'm')); END \$do\$;
INSERT INTO own.kept VALUES ('x');
END
my $things = sub { $node->answer('postgres', "SELECT (SELECT string_agg(c.oid::regclass || ' ' || c.relkind::text, ', ' ORDER BY c.oid) FROM pg_class AS c WHERE relnamespace = 'own'::regnamespace)
	|| (SELECT string_agg(k::text, ',' ORDER BY k::text) FROM (SELECT x FROM own.kept UNION ALL SELECT x::text FROM own.typed UNION ALL SELECT x FROM own.triggered
		UNION ALL SELECT x FROM own.bound UNION ALL SELECT x FROM own.afterwards UNION ALL SELECT x FROM own.deferred) AS k)
	|| concat((SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_db_role_setting), (SELECT count(*) FROM pg_prepared_xacts))") };
my $before = $things->();

my ($session) = $node->session('analyst1');
my $head;

# A statement is refused with LP050, as it stands and in a transaction that is rolled back, and each time that is on record, and nobody was asked.
sub refused
{
	my ($name, $sql, %given) = @_;
	my $record = $given{record} // 'refused analyst1 E2 LP050';

	for my $around ([ '', '' ], [ 'BEGIN;', '; ROLLBACK' ])
	{
		next if $given{alone} && $around->[0] ne '';
		$node->converse($session, 'ROLLBACK; DEALLOCATE ALL');
		$head = $node->head;
		like(($node->converse($session, "$around->[0] $sql"))[1], qr/ERROR: +LP050: .*DETAIL:/s, "$name: LP050" . ($around->[0] ne '' ? ', in a transaction' : ''));
		$node->converse($session, 'ROLLBACK');
		$node->records_become($head, $record, '… is on record', $only);
	}
	return;
}

# ---- statements that keep, each plain, by functions, by a procedure ----

my %ways = (
	'CREATE TABLE AS' => "CREATE TABLE own.a AS $read",
	'CREATE TEMP TABLE AS' => "CREATE TEMP TABLE a AS $read",
	'SELECT INTO' => "SELECT read_id INTO own.a FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'",
	'CREATE MATERIALIZED VIEW' => "CREATE MATERIALIZED VIEW own.a AS $read",
	'… WITH NO DATA' => "CREATE MATERIALIZED VIEW own.a AS $read WITH NO DATA",
	'REFRESH' => 'REFRESH MATERIALIZED VIEW own.view',
	'COPY a query' => "COPY ($read) TO STDOUT",
	'COPY a view' => 'COPY (TABLE own.kept) TO STDOUT',
	'COPY FROM' => "COPY own.kept FROM '/dev/null'",
	'EXPLAIN ANALYZE' => "EXPLAIN ANALYZE $read",
	'EXPLAIN (ANALYZE on)' => "EXPLAIN (COSTS off, ANALYZE off, ANALYZE on) $read",
	'EXPLAIN ANALYZE CREATE TABLE AS' => "EXPLAIN ANALYZE CREATE TABLE own.a AS $read",
	'ALTER ROLE SET' => "ALTER ROLE analyst1 SET my.plate = '7ABC123'",
	'ALTER ROLE SET FROM CURRENT' => "ALTER ROLE CURRENT_USER SET application_name FROM CURRENT",
	'ALTER ROLE RESET' => "ALTER ROLE analyst1 RESET ALL",
	'ALTER DATABASE SET' => "ALTER DATABASE lpr SET my.plate = '7ABC123'",
	'NOTIFY' => "NOTIFY c, '7ABC123'",
	'DO' => 'DO $$ BEGIN END $$',
	'LOAD' => "LOAD 'plpgsql'",
	'CREATE FUNCTION' => "CREATE FUNCTION own.f() RETURNS integer LANGUAGE sql RETURN 1",
	'CREATE PROCEDURE' => "CREATE PROCEDURE own.p() LANGUAGE plpgsql AS \$\$ BEGIN END \$\$",
	'INSERT … SELECT' => "INSERT INTO own.kept $read",
	'INSERT … VALUES' => "INSERT INTO own.kept VALUES ((SELECT min(read_id) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'))",
	'INSERT … RETURNING' => "INSERT INTO own.kept $read RETURNING x",
	'UPDATE … FROM' => "UPDATE own.kept SET x = r.read_id FROM own.reads AS r WHERE source = 'acme' AND plate = 'BULK7'",
	'DELETE … USING' => "DELETE FROM own.kept USING lpr.reads WHERE source = 'acme' AND plate = 'BULK7'",
	'MERGE' => "MERGE INTO own.kept AS k USING ($read) AS r ON k.x = r.read_id WHEN NOT MATCHED THEN INSERT VALUES (r.read_id)",
	'a data-modifying CTE' => "WITH kept AS (INSERT INTO own.kept $read RETURNING x) SELECT count(*) FROM kept",
	'a CTE beside a question' => "WITH kept AS (INSERT INTO own.kept VALUES ('y')) $read",
	'EXPLAIN ANALYZE INSERT' => "EXPLAIN ANALYZE INSERT INTO own.kept $read",
	'a question in XML' => "INSERT INTO own.typed VALUES (query_to_xml('$quoted', true, true, ''))",
	'a function that asks' => 'INSERT INTO own.kept SELECT own.ask()',
	'one that claims to be immutable' => 'INSERT INTO own.kept VALUES (own.ask_immutable())',
	'a function that keeps' => "SELECT own.keep(read_id) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'",
	'one in SQL' => "SELECT own.keep_sql(read_id) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'",
	'a function that asks and one that keeps' => 'SELECT own.keep(own.ask())',
	'a loop' => 'SELECT own.in_a_loop()',
	'a variable' => 'SELECT own.by_a_variable()',
	'a cursor in a function' => 'SELECT own.by_a_cursor()',
	'a trigger' => "INSERT INTO own.triggered VALUES ('z')",
	'a trigger afterwards' => "INSERT INTO own.afterwards VALUES ('z')",
	'a DEFAULT' => 'ALTER TABLE own.kept ADD COLUMN y text DEFAULT own.ask()',
	'USING' => 'ALTER TABLE own.kept ALTER COLUMN x TYPE text USING own.ask()',
	'a bound of a partition' => 'CREATE TABLE own.a PARTITION OF own.bound FOR VALUES IN (own.ask())',
);
%ways = (%ways,
	'MERGE … RETURNING' => "MERGE INTO own.kept AS k USING ($read) AS r ON k.x = r.read_id WHEN NOT MATCHED THEN INSERT VALUES (r.read_id) RETURNING merge_action(), k.x",
	'MERGE in a CTE' => "WITH m AS (MERGE INTO own.kept AS k USING ($read) AS r ON k.x = r.read_id WHEN NOT MATCHED BY SOURCE THEN DELETE RETURNING k.x) TABLE m",
	'EXPLAIN (SERIALIZE)' => "EXPLAIN (ANALYZE, SERIALIZE TEXT, MEMORY) $read") if $node->pg_version >= 17;
$ways{'RETURNING new'} = "INSERT INTO own.kept $read RETURNING old.x, new.x" if $node->pg_version >= 18;
# Those that ask before they keep what they were told: it is on record that they asked. And those whose own refusals are not all.
my %asks = map { $_ => "ask analyst1 acme\nrefused analyst1 E2 LP050\nanswer analyst1 acme of +1 stopped" } 'a function that keeps', 'one in SQL', 'a loop';
$asks{$_} = "ask analyst1 acme\nanswer analyst1 acme of +1 complete\nrefused analyst1 E2 LP050" for 'a function that asks and one that keeps', 'a variable', 'a loop';
$asks{'a cursor in a function'} = "ask analyst1 acme\nanswer analyst1 acme of +1 stopped\nrefused analyst1 E2 LP050";
# A question that is refused names its source.
my %source = map { $_ => 'refused analyst1 acme E2 LP050' } 'INSERT … SELECT', 'INSERT … VALUES', 'INSERT … RETURNING', 'UPDATE … FROM', 'DELETE … USING', 'MERGE', 'MERGE … RETURNING', 'MERGE in a CTE', 'RETURNING new', 'a data-modifying CTE',
	'a CTE beside a question', 'a question in XML', 'a function that asks', 'one that claims to be immutable', 'a trigger', 'a trigger afterwards', 'a DEFAULT', 'USING', 'a bound of a partition';

for my $way (sort keys %ways)
{
	my ($sql, $literal) = ($ways{$way}, $ways{$way} =~ s/'/''/gr);
	my %given = (record => $asks{$way} // $source{$way});

	refused($way, $sql, %given);
	refused("$way, by a function", "SELECT own.run('$literal')", %given) if $way !~ /SELECT INTO|COPY/;
	refused("$way, by a procedure", "CALL own.call('$literal')", %given) if $way !~ /SELECT INTO|COPY/;
	refused("$way, by one in SQL", "SELECT own.plain('$literal')", %given) if $way !~ /SELECT INTO|COPY/;
	refused("$way, in DO", "DO \$do\$ BEGIN EXECUTE '$literal'; END \$do\$");
}
$node->converse($session, 'ROLLBACK');
like(($node->converse($session, "SELECT own.swallow('COPY own.kept TO STDOUT')"))[0], qr/^(?:0A000|LP050)$/, 'COPY in a function') ;
$head = $node->head;
is(($node->converse($session, "SELECT own.swallow('CREATE TABLE own.a AS $quoted')"))[0], 'LP050', 'a refusal that a function catches');
$node->records_become($head, 'refused analyst1 E2 LP050', '… is on record', $only);

like($node->messages('analyst1', 'COPY own.kept FROM STDIN'), qr/LP050/, 'COPY FROM STDIN');

# ---- prepared statements ----

refused('EXECUTE of INSERT', "PREPARE p AS INSERT INTO own.kept $read; EXECUTE p", record => 'refused analyst1 acme E2 LP050');
refused('EXECUTE of a CTE', "PREPARE p AS WITH k AS (INSERT INTO own.kept $read RETURNING x) TABLE k; EXECUTE p", record => 'refused analyst1 acme E2 LP050');
refused('a parameter of EXECUTE', "PREPARE p (xml) AS INSERT INTO own.typed VALUES (\$1); EXECUTE p (query_to_xml('$quoted', true, true, ''))", record => 'refused analyst1 acme E2 LP050');
refused('CREATE TABLE AS EXECUTE', "PREPARE p AS $read; CREATE TABLE own.a AS EXECUTE p");
refused('EXPLAIN ANALYZE EXECUTE', "PREPARE p AS $read; EXPLAIN ANALYZE EXECUTE p");
refused('the seventh EXECUTE', "SET plan_cache_mode = force_generic_plan; PREPARE p (text) AS INSERT INTO own.kept SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = \$1; EXECUTE p ('BULK7'); RESET plan_cache_mode",
	record => 'refused analyst1 acme E2 LP050');

# ---- cursors ----

refused('WITH HOLD', "DECLARE c CURSOR WITH HOLD FOR $read");
refused('SCROLL … WITH HOLD', "DECLARE c SCROLL CURSOR WITH HOLD FOR $read");
refused('SCROLL', "DECLARE c SCROLL CURSOR FOR $read");
refused('SCROLL, in a function', "SELECT own.run('DECLARE c SCROLL CURSOR FOR $quoted')");
refused('WITH HOLD, in a function', "SELECT own.run('DECLARE c CURSOR WITH HOLD FOR $quoted')");
for my $move ('FETCH 1 FROM', 'FETCH ALL FROM', 'MOVE 1 IN', 'MOVE ALL IN')
{
	refused("$move a cursor whose rows are kept", "BEGIN; DECLARE c CURSOR FOR SELECT own.keep(read_id) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'; $move c",
		alone => 1, record => "ask analyst1 acme\nrefused analyst1 E2 LP050\nanswer analyst1 acme of +1 stopped");
}
refused('a function that keeps, beside an open cursor', "BEGIN; DECLARE c CURSOR FOR $read; FETCH 1 FROM c; SELECT own.keep('x')", alone => 1,
	record => "ask analyst1 acme\nrefused analyst1 E2 LP050\nanswer analyst1 acme of +1 stopped");

# ---- the ends of transactions ----

refused('PREPARE TRANSACTION', "BEGIN; INSERT INTO own.kept VALUES ('p'); PREPARE TRANSACTION 'p'", alone => 1);
refused('a deferred trigger', "BEGIN; INSERT INTO own.deferred VALUES ('d'); COMMIT", alone => 1, record => "ask analyst1 acme\nanswer analyst1 acme of +1 complete\nrefused analyst1 E2 LP050");
refused('… with a cursor', "BEGIN; INSERT INTO own.deferred2 VALUES ('d'); COMMIT", alone => 1, record => "ask analyst1 acme\nanswer analyst1 acme of +1 stopped\nrefused analyst1 E2 LP050");
refused('… whose time is made', "BEGIN; INSERT INTO own.deferred VALUES ('d'); SET CONSTRAINTS ALL IMMEDIATE", alone => 1, record => 'refused analyst1 acme E2 LP050');
$node->converse($session, 'ROLLBACK');
like(($node->converse($session, "BEGIN; SELECT nonsense; ROLLBACK; SELECT 1"))[1], qr/42703/, 'a transaction that failed ends as usual');

# ---- functions that keep or pass on: by privileges ----

$node->answer('postgres', 'REVOKE TEMP ON DATABASE lpr FROM analyst1; REVOKE USAGE ON LANGUAGE plpgsql FROM analyst1');
for my $call ("lo_from_bytea(0, read_id::bytea)", "lo_creat(-1)", 'lo_create(0)', "lo_put(1, 0, read_id::bytea)", 'lowrite(0, read_id::bytea)', 'lo_truncate(0, 1)',
	"lo_import('/etc/passwd')", "lo_export(1, '/tmp/x')", "pg_notify('c', read_id)", "pg_logical_emit_message(true, 'p', read_id)", "pg_logical_emit_message(false, 'p', read_id::bytea)",
	$node->pg_version >= 18 ? ("pg_restore_attribute_stats('schemaname', 'own', 'relname', 'kept', 'attname', 'x', 'most_common_vals', '{' || read_id || '}')", "pg_restore_relation_stats('relpages', read_id)") : ())
{
	like(($node->converse($session, "SELECT $call FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'"))[1], qr/ERROR: +42501: permission denied for function/, "$call: no right");
	like(($node->converse($session, "PREPARE f AS SELECT $call FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'; EXECUTE f"))[1], qr/ERROR: +42501/, '… nor when prepared');
	like(($node->converse($session, "SELECT own.run('SELECT " . ($call =~ s/'/''/gr =~ s/read_id/plate/r) . " FROM lpr.reads WHERE source = ''acme'' AND plate = ''BULK7''')"))[1],
		qr/ERROR: +42501/, '… nor in a function');
}
like(($node->converse($session, $_))[1], qr/ERROR: +42501/, "$_: no right") for 'CREATE TEMP TABLE t (x text)', 'CREATE SCHEMA mine', 'CREATE TABLE public.t (x text)', 'CREATE TEMP VIEW v AS SELECT 1',
	'SET log_statement = \'all\'', 'SET log_min_messages = debug1', 'SET log_min_error_statement = error';

is($things->(), $before, 'nothing of all that is there');

# ---- the server's log holds nothing of it ----

my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
$node->converse($session, "SET debug_print_plan = on; SET debug_print_parse = on; SELECT 'SEEN1' FROM lpr.reads WHERE source = 'acme' AND plate = 'SEEN2'");
$node->converse($session, "SELECT read_id::integer FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK7'; SELECT 'SEEN3'::integer; RESET debug_print_plan; RESET debug_print_parse");
$log = substr PostgreSQL::Test::Utils::slurp_file($node->logfile), length $log;
unlike($log, qr/SEEN\d|invalid input|parse tree/, 'neither statements nor errors stand in the server\'s log');

# ---- what is left to people ----

sub allowed
{
	my ($login, @statements) = @_;

	for my $sql (@statements)
	{
		my $err = $login eq 'analyst1' ? ($node->converse($session, $sql))[1] : $node->messages($login, $sql, psql => { extra_params => [ '-U', $login, '-v', 'VERBOSITY=verbose' ] });
		unlike($err, qr/ERROR/, "$login may: $sql") or $node->converse($session, 'ROLLBACK');
	}
	return;
}

allowed('analyst1', $read, "EXPLAIN $read", "EXPLAIN (ANALYZE false, VERBOSE) $read", "EXPLAIN INSERT INTO own.kept $read", "SET work_mem = '5MB'; SHOW work_mem; RESET work_mem", "BEGIN; $read; COMMIT",
	"BEGIN; DECLARE c NO SCROLL CURSOR FOR $read; FETCH 2 FROM c; MOVE 1 IN c; FETCH NEXT FROM c; INSERT INTO own.kept VALUES ('a note'); CLOSE c; ROLLBACK",
	"PREPARE s (text) AS SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = \$1; EXECUTE s ('BULK7'); EXECUTE s ('BULK8'); DEALLOCATE s",
	"PREPARE n (text) AS INSERT INTO own.kept VALUES (\$1); BEGIN; DECLARE c CURSOR FOR $read; FETCH 1 FROM c; EXECUTE n ('a note'); ROLLBACK; DEALLOCATE n",
	"LISTEN c; UNLISTEN *", "ALTER ROLE analyst1 PASSWORD 'new'", "ALTER USER CURRENT_USER PASSWORD NULL", "INSERT INTO own.kept VALUES ('typed'); DELETE FROM own.kept WHERE x = 'typed'",
	"BEGIN; SAVEPOINT s; $read; ROLLBACK TO s; RELEASE s; COMMIT", "SELECT own.ask()", "SELECT own.keep('typed'); DELETE FROM own.kept WHERE x = 'typed'", "SELECT query_to_xml('$quoted', true, true, '')",
	"CREATE VIEW own.more AS $read; SELECT * FROM own.more; DROP VIEW own.more", "SELECT x FROM own.kept FOR UPDATE", 'DISCARD ALL');
is(($node->converse($session, 'SELECT count(*) FROM lpr.last_query()'))[0], 0, 'DISCARD ALL: lpr.last_query() has forgotten');

# A function of lpr with SECURITY DEFINER may do it; SET ROLE to a superuser makes no such function of one's own.
$node->answer('postgres', "CREATE FUNCTION own.as_superuser() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \$\$ DECLARE n bigint; BEGIN
	CREATE TABLE own.a AS $read; INSERT INTO own.a $read; SELECT count(*) INTO n FROM own.a; DROP TABLE own.a; RETURN n; END \$\$");
like($node->messages('analyst1', 'SELECT own.as_superuser()'), qr/LP050: CREATE TABLE AS is refused/, 'a superuser\'s SECURITY DEFINER function of the site may not');
$node->answer('postgres', "CREATE FUNCTION own.as_verb() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \$\$ BEGIN CREATE TABLE own.b AS SELECT 1; DROP TABLE own.b; RETURN 1; END \$\$;
	GRANT USAGE, CREATE ON SCHEMA own TO lpr_verb; ALTER FUNCTION own.as_verb() OWNER TO lpr_verb");
like($node->messages('analyst1', 'SELECT own.as_verb()'), qr/LP050: CREATE TABLE AS is refused/, '… nor may one of lpr_verb\'s that is no member of the extension');
# What a verb was let do holds within it, and ends with it, by an error as well.
$node->answer('postgres', "CREATE FUNCTION own.after_verb(statement text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS \$\$ BEGIN
	BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN NULL; END; CREATE TABLE own.b AS SELECT 1; END \$\$; GRANT USAGE, CREATE ON SCHEMA own TO lpr_verb");
like($node->messages('analyst1', "SELECT own.after_verb('SELECT lpr.work_on($_)')"), qr/LP050: CREATE TABLE AS is refused/, "… nor the site's after lpr.work_on($_)") for 1, -1;
$node->answer('postgres', "ALTER EXTENSION lpr ADD FUNCTION own.$_()") for 'as_superuser', 'as_verb';
is($node->answer('analyst1', 'SELECT own.as_superuser()'), 14, 'a member of the extension may, of a superuser');
is($node->answer('analyst1', 'SELECT own.as_verb()'), 1, '… and of lpr_verb');
like($node->messages('analyst1', "SELECT own.after_verb('SELECT own.as_verb()')"), qr/LP050: CREATE TABLE AS is refused/, '… which is no licence for who calls it');
$node->answer('postgres', 'ALTER FUNCTION own.as_verb() OWNER TO admin1; GRANT USAGE, CREATE ON SCHEMA own TO admin1; GRANT EXECUTE ON FUNCTION own.as_verb() TO PUBLIC');
like($node->messages('analyst1', 'SELECT own.as_verb()'), qr/LP050: CREATE TABLE AS is refused/, '… but not of anybody else');
like($node->messages('analyst1', 'INSERT INTO own.kept SELECT own.as_superuser()'), qr/LP050/, '… but not to feed one that may not');
$node->answer('postgres', 'CREATE ROLE boss SUPERUSER; GRANT boss TO analyst2');
like($node->messages('analyst2', "SET ROLE boss; COPY own.kept TO STDOUT"), qr/LP050/, 'SET ROLE to a superuser changes nothing');
$node->answer('postgres', 'DROP ROLE boss');
is($node->answer('postgres', 'SET lpr.audit_timeout = 5000; COPY own.kept TO STDOUT'), 'x', 'a superuser\'s login is not confined');
$node->answer('postgres', 'CREATE ROLE chief SUPERUSER LOGIN IN ROLE lpr_oversight');
unlike($node->messages('chief', 'COPY own.kept TO STDOUT'), qr/ERROR/, '… nor as a member');
$node->answer('postgres', 'DROP ROLE chief');

# Members of the other roles, directly or through others; nobody else.
$node->answer('postgres', 'CREATE ROLE staff; GRANT lpr_user TO staff; CREATE ROLE indirect LOGIN NOINHERIT; GRANT staff TO indirect; CREATE ROLE stranger LOGIN');
if ($node->pg_version >= 16)
{
	$node->answer('postgres', "CREATE ROLE granter LOGIN; GRANT lpr_user TO granter WITH ADMIN TRUE, INHERIT FALSE, SET FALSE");
	like($node->messages('granter', 'COPY (SELECT 1) TO STDOUT'), qr/LP050/, 'so is a login that may only grant a role, to itself as well');
}
like($node->messages($_, 'COPY (SELECT 1) TO STDOUT'), qr/LP050/, "$_ is confined") for qw(analyst2 supervisor1 owner1 oversight1 privacy1 indirect);
unlike($node->messages($_, 'COPY (SELECT 1) TO STDOUT'), qr/ERROR/, "$_ is not") for qw(admin1 stranger postgres);
$node->converse($session, "SET $_ = off") for 'lpr.outlet', 'lpr.deny', 'lpr.database';
like(($node->converse($session, 'COPY (SELECT 1) TO STDOUT'))[1], qr/LP050/, 'no setting switches it off');
like($node->messages('analyst1', 'COPY (SELECT 1) TO STDOUT', database => 'postgres', logon => 0), qr/LP050/, 'in another database it is refused as well');

# In a process of its own: pg_dump.
my ($dump, $dump_err) = PostgreSQL::Test::Utils::run_command([ 'pg_dump', '-U', 'analyst1', '-d', $node->connstr('lpr'), '-t', 'own.kept' ]);
like($dump_err, qr/COPY is refused/, 'pg_dump as an analyst');

# ---- without the writer there is no record, and so another error ----

my $writer = $node->hold_writer;
like($node->messages('analyst1', 'COPY (SELECT 1) TO STDOUT'), qr/LP020/, 'the audit writer stands still: LP020');
$node->let_go($writer);

# ---- the log is dropped by nobody, however ----

my ($owner) = $node->session('postgres');
sub kept { my ($sql, $state) = @_; return like(($node->converse($owner, $sql))[1], qr/ERROR: +$state/, "$sql: $state") }

$head = $node->head;
kept('DROP SCHEMA lpr_data CASCADE', 'LP031');
$node->records_become($head, 'refused postgres U3 LP031', '… is on record', $only);
kept('BEGIN; DROP SCHEMA lpr_data, lpr CASCADE', 'LP031');
$node->converse($owner, 'ROLLBACK');
kept('DROP OWNED BY lpr_log', 'LP031');
$node->answer('postgres', 'CREATE ROLE second SUPERUSER; ALTER SCHEMA lpr_data OWNER TO second');
kept('DROP OWNED BY second CASCADE', 'LP031');
$node->answer('postgres', 'ALTER SCHEMA lpr_data OWNER TO postgres; DROP ROLE second');
my $month = $node->answer('postgres', 'SELECT tableoid::regclass FROM lpr_data.audit LIMIT 1');
unlike(($node->converse($owner, 'BEGIN; SET client_min_messages = warning; DROP EXTENSION lpr CASCADE'))[1], qr/ERROR/,
	'without the extension, in one transaction:');
$node->converse($owner, 'SAVEPOINT s'), kept($_, 'LP031'), $node->converse($owner, 'ROLLBACK TO s') for 'DROP SCHEMA lpr_data CASCADE', 'DROP OWNED BY lpr_log', 'DROP TABLE lpr_data.audit', "DROP TABLE $month",
	'DROP TABLE lpr_data.log', 'DROP TABLE lpr_data.checkpoint, lpr_data.delivery';
unlike(($node->converse($owner, "ALTER TABLE lpr_data.audit DETACH PARTITION $month; CREATE SCHEMA archive; ALTER TABLE $month SET SCHEMA archive; DROP SCHEMA archive CASCADE; ROLLBACK"))[1],
	qr/ERROR/, 'a month that has left the log can go');

# ---- it waits until the writer is done, before it locks anything ----

# The writer looks at roles once a statement about roles is on record.
my $log_writer = $node->writer;
for my $table (qw(role_state change))
{
	$node->converse($owner, "BEGIN; LOCK TABLE lpr_data.$table");
	my $role = $node->launch('postgres', 'ALTER ROLE indirect CONNECTION LIMIT 3', "SELECT 'altered'");
	my $waits = 'SELECT count(*) > 0 FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE NOT l.granted AND ';
	ok($node->poll_query_until('lpr', $waits . "l.pid = $log_writer AND l.relation = 'lpr_data.$table'::regclass"), "the writer waits for lpr_data.$table");
	is($node->answer('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $log_writer AND granted AND classid = 'pg_extension'::regclass", database => 'lpr'), 1, '… and holds the extension');
	if ($table eq 'change') { $node->converse($owner, 'COMMIT'); $node->landed($role); next; } # that of the drop itself would wait, too
	my $drop = $node->launch('postgres', 'SET client_min_messages = warning', 'BEGIN', 'DROP EXTENSION lpr CASCADE', 'ROLLBACK');
	ok($node->poll_query_until('lpr', $waits . "a.application_name = '$drop->{name}'"), '… and DROP EXTENSION for something');
	$node->converse($owner, 'COMMIT');
	is(($node->landed($drop))[1], '', '… which is no deadlock');
	is(($node->landed($role))[0], "altered\n", '… nor lost');
}

# ---- nor is anything defined off the record ----

if ($node->pg_version >= 17)
{
	$head = $node->head;
	$node->converse($owner, 'SET event_triggers = off');
	kept($_, 'LP035') for "ALTER SERVER acme OPTIONS (ADD page_size '5')", 'CREATE TABLE own.more (x text)', 'DROP EXTENSION lpr CASCADE';
	$node->records_become($head, join("\n", ('refused postgres U4 LP035') x 3), '… is on record', "$only AND control = 'U4'"); # those of before come when they come
	is(($node->converse($owner, 'SELECT 1'))[0], 1, 'whatever defines nothing is done');
	unlike(($node->converse($owner, 'RESET event_triggers; CREATE TABLE own.more (x text); DROP TABLE own.more'))[1], qr/ERROR/, 'and anything else with them');
}

# ---- a person's login stays that person's ----

$node->answer('admin1', "SELECT lpr.add_person('stranger', 'S. Stranger', 'stranger\@example.org', 'Unit 1', personnel_number => 'P-stranger')");
$head = $node->head;
kept('ALTER ROLE stranger RENAME TO somebody', 'LP033');
kept('DROP ROLE IF EXISTS nobody, stranger', 'LP033');
kept('ALTER USER stranger RENAME TO somebody', 'LP033');
$node->records_become($head, join("\n", ('refused postgres A1 LP033') x 3), '… is on record', $only);
$node->answer('postgres', 'CREATE ROLE maker LOGIN CREATEROLE');
like($node->messages('maker', 'DROP ROLE stranger'), qr/LP033/, 'whoever tries');
unlike(($node->converse($owner, 'ALTER ROLE staff RENAME TO people; DROP ROLE maker'))[1], qr/ERROR/, 'other roles can be renamed and dropped');
$node->answer('admin1', "SELECT lpr.retire_person('stranger')");
unlike(($node->converse($owner, 'DROP ROLE stranger'))[1], qr/ERROR/, 'so can the login of a person who has left');

$_->quit for $session, $owner;
$node->sound('in the end', log => 0);
$node->stop;
done_testing();
