# statement_function: no function of the server, or of another extension, carries away what a statement shows (E2): by a lock, a setting, a sequence, a snapshot, another
# session, another server. Every volatile function that the catalogue has is called beside a question; what drivers and tools call all day works.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('statement_function', cache => 1);
$node->await_answers;
my $where = "source = 'acme' AND plate = 'BULK7'";
my ($session) = $node->session('analyst1');
is(($node->converse($session, "SELECT count(*) FROM lpr.reads WHERE $where"))[0], 7, 'an answer');
sub run { my ($sql) = @_; my ($out, $err) = $node->converse($session, $sql); return $err =~ /ERROR: +(\w{5})/ ? $1 : $out }

# ---- every function ----

# Volatile, and yet nothing of what they are given is seen by anybody else, or later: they look at a clock, make random numbers, wait, or run statements that are
# looked at one by one. Whoever adds one here says so of it.
my %harmless = map { $_ => 1 } qw(clock_timestamp timeofday pg_sleep pg_sleep_for pg_sleep_until), # time: names of functions
	qw(random random_normal gen_random_uuid uuidv4 uuidv7 query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite current_query
	currval lastval pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all pg_is_in_recovery pg_blocking_pids pg_safe_snapshot_blocking_pids pg_database_size pg_tablespace_size);
my $passes = '^(pg_try_advisory_|pg_advisory_(xact_)?lock|pg_export_snapshot$|pg_notify$|pg_logical_emit_message$|lo_(creat|put|from|trunc|import|export)|lowrite$)';

# Their calls with NULLs that the planner cannot know of: a function is looked at before it is called, and some would wait for ever.
my @calls = map { [ split /\|/ ] } split /\n/, $node->safe_psql('lpr', <<"END");
SELECT p.proname, format('pg_catalog.%I(%s)', p.proname, (SELECT string_agg(CASE WHEN i.n = p.pronargs AND p.provariadic <> 0 THEN 'VARIADIC ' ELSE '' END
    || '(CASE WHEN random() > 2 THEN '''' END)::' || CASE WHEN t.typtype = 'p' AND t.typname LIKE '%array' THEN 'int[]' WHEN t.typname = 'any' AND p.provariadic <> 0 THEN 'text[]'
                        WHEN t.typtype = 'p' THEN 'int' ELSE i.type::regtype::text END, ', ' ORDER BY i.n)
    FROM unnest(p.proargtypes) WITH ORDINALITY AS i (type, n) JOIN pg_type AS t ON t.oid = i.type))
FROM pg_proc AS p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (p.provolatile = 'v' OR p.proname ~ '$passes') AND p.prokind = 'f'
  AND NOT 'internal'::regtype = ANY (p.proargtypes) AND NOT 'cstring'::regtype = ANY (p.proargtypes) AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'language_handler'::regtype, 'internal'::regtype)
  AND p.proname NOT LIKE 'plpgsql%' AND has_function_privilege('analyst1', p.oid, 'EXECUTE')
ORDER BY 1, p.oid
END
cmp_ok(scalar @calls, '>', 120, 'the catalogue has them');
my (%refused, @wrong);
for (@calls)
{
	my ($name, $call) = @$_;
	my $is = $name =~ /$passes/ ? 'passes' : $harmless{$name} ? 'harmless' : 'stores';

	next if $name eq 'pg_terminate_backend'; # of NULL
	for my $sql ("SELECT read_id, $call FROM lpr.reads WHERE $where", "SELECT read_id FROM lpr.reads WHERE $where AND ($call) IS NULL")
	{
		next if $is eq 'harmless' && $name =~ /xml|^ts_|currval|lastval/; # refuse NULL, or what they are called without
		my $state = run($sql);
		next if $state =~ /^0A000|^42804/ && $sql =~ /IS NULL/; # those that return sets
		push @wrong, "$sql: $state, is $is" unless ($state eq 'LP050') == ($is ne 'harmless');
		$refused{$name}++ if $state eq 'LP050';
	}
	push @wrong, "$call by itself: $_" for grep { ($_ eq 'LP050') != ($is eq 'passes') } $is ne 'stores' || $name eq 'set_config' ? run("SELECT $call") : ();
}
is(join("\n", @wrong), '', 'each is refused beside a question, but those that are harmless');
cmp_ok(scalar keys %refused, '>', 40, '… which are many');
ok($refused{$_}, "… $_") for qw(set_config setval nextval setseed pg_advisory_lock pg_try_advisory_xact_lock_shared pg_export_snapshot pg_cancel_backend);
is($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE $where AND random() >= 0 AND pg_sleep(0) IS NOT NULL AND clock_timestamp() > now()"), 7, 'clocks and random numbers are none of it'); # time: none

# ---- made for telling others: at no time, in no database ----

for my $call ('pg_advisory_lock(7)', 'pg_advisory_xact_lock(1, 2)', 'pg_try_advisory_lock(7)', 'pg_try_advisory_lock_shared(7)', 'pg_export_snapshot()', 'count(pg_try_advisory_lock(g)) FROM generate_series(1, 9) AS g',
	'1 WHERE pg_try_advisory_xact_lock(4)', "pg_catalog.pg_try_advisory_lock(ascii('x'))", '* FROM pg_advisory_lock(7)', '(SELECT pg_try_advisory_lock(max(g)) FROM generate_series(1, 9) AS g)')
{
	my ($name) = $call =~ /(pg_(?!catalog)\w+)/;
	my $head = $node->head;
	my ($out, $err) = $node->converse($session, "SELECT $call");
	like($err, qr/LP050: $name is refused/, "$call: LP050");
	$node->records_become($head, 'refused analyst1 E2 LP050', '… on record', "kind = 'refused'");
	like($node->messages('analyst1', "SELECT $call", database => 'postgres', logon => 0), qr/LP050: $name is refused/, '… in another database as well');
}
run("PREPARE lock AS SELECT pg_try_advisory_lock(\$1)");
is(run('EXECUTE lock(5)'), 'LP050', '… prepared');
is($node->answer('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0, 'nobody holds any');
$node->answer('postgres', 'CREATE ROLE stranger LOGIN');
is($node->answer($_, 'SELECT pg_try_advisory_lock(7)'), 't', "$_ may") for 'stranger', 'postgres';

# ---- what stores: not beside what was shown, in whatever order ----

$node->answer('postgres', <<"END");
CREATE SCHEMA site; GRANT USAGE ON SCHEMA site TO PUBLIC;
CREATE SEQUENCE site.seq; GRANT ALL ON SEQUENCE site.seq TO PUBLIC;
CREATE FUNCTION site.shown() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT min(read_id) FROM lpr.reads WHERE $where); END \$\$;
CREATE FUNCTION site.tell(x text) RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN set_config('application_name', x, false); END \$\$;
CREATE FUNCTION site.tell_immutable(x text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT set_config(''application_name'', x, false)';
CREATE FUNCTION site.shown_then_told() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text := site.shown(); BEGIN RETURN site.tell(v); END \$\$;
CREATE FUNCTION site.told_then_shown() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN PERFORM site.tell('x'); RETURN site.shown(); END \$\$;
CREATE FUNCTION site.caught() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text := site.shown(); BEGIN BEGIN PERFORM site.tell(v); EXCEPTION WHEN OTHERS THEN NULL; END; RETURN 'x'; END \$\$;
CREATE FUNCTION site.statement(s text) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text := site.shown(); BEGIN EXECUTE format(s, v); RETURN v; END \$\$;
CREATE PROCEDURE site.procedure() LANGUAGE plpgsql AS \$\$ DECLARE v text := site.shown(); BEGIN COMMIT; PERFORM site.tell(v); END \$\$;
CREATE EXTENSION dblink SCHEMA site;
CREATE TABLE site.numbers (id integer); GRANT SELECT ON site.numbers TO PUBLIC;
CREATE FUNCTION site.try_lock(bigint) RETURNS boolean LANGUAGE internal STABLE AS 'pg_try_advisory_lock_int8';
CREATE FUNCTION site.half(double precision) RETURNS double precision LANGUAGE internal IMMUTABLE STRICT AS 'dsqrt';
CREATE FUNCTION site.assign(x text) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN v := set_config('application_name', x, false); RETURN v; END \$\$;
CREATE FUNCTION site.count(x text) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE n bigint; BEGIN n := setval('site.seq', ascii(x)); RETURN 'x'; END \$\$;
CREATE DOMAIN site.told AS text CHECK (set_config('application_name', VALUE, false) IS NOT NULL);
CREATE FUNCTION site.typed(x text) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v site.told := x; BEGIN RETURN v; END \$\$;
CREATE FUNCTION site.next(c refcursor) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN FETCH c INTO v; RETURN v; END \$\$;
END
my $crypto = $node->answer('postgres', "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'pgcrypto'");
my $base_name = run("SHOW application_name");
my @ways = ("SELECT set_config('application_name', read_id, false) FROM lpr.reads WHERE $where", "SELECT set_config('my.note', (SELECT min(read_id) FROM lpr.reads WHERE $where), false)",
	"SELECT setval('site.seq', length(read_id)) FROM lpr.reads WHERE $where", "SELECT site.tell(site.shown())", "SELECT site.tell_immutable(site.shown())", 'SELECT site.shown_then_told()', 'SELECT site.told_then_shown()',
	'CALL site.procedure()', "WITH r AS MATERIALIZED (SELECT read_id FROM lpr.reads WHERE $where) SELECT site.tell(max(read_id)) FROM r",
	"SELECT site.statement('SET application_name = %L')", "SELECT site.statement('SET LOCAL my.note = %L')", "SELECT site.statement('PREPARE kept AS SELECT %L')", "SELECT site.statement('LISTEN %I')", "SELECT site.statement('LOCK TABLE site.numbers IN ACCESS SHARE MODE')",
	"SELECT read_id, site.try_lock(ascii(plate)) FROM lpr.reads WHERE $where",
	"SELECT site.dblink_connect('dbname=postgres application_name=' || read_id) FROM lpr.reads WHERE $where", "SELECT site.dblink_exec('dbname=postgres', 'NOTIFY x', false) FROM lpr.reads WHERE $where");
for my $sql (@ways)
{
	is(run($sql), 'LP050', "$sql: LP050");
	is(run("BEGIN; DECLARE c CURSOR FOR $sql; FETCH ALL FROM c"), 'LP050', '… by a cursor') if $sql =~ /^SELECT/;
	run('ROLLBACK') if $sql =~ /^SELECT/;
}
is(run('SELECT site.caught()'), 'x', 'an error that is caught');
is(run('SHOW application_name'), $base_name, 'nothing was set');
is(run("SELECT coalesce(current_setting('my.note', true), '') || (SELECT count(*) FROM pg_prepared_statements WHERE name = 'kept') || (SELECT count(*) FROM pg_listening_channels())"), '00', '… nor named');
is($node->answer('postgres', 'SELECT is_called FROM site.seq'), 'f', '… nor counted');
like(($node->converse($session, $ways[0]))[1], qr/DETAIL: +A statement that calls set_config, which may leave something behind, shows no reads\.\s+HINT: +SELECT the reads first, then SELECT set_config\(\.\.\.\); by itself\./, 'the hint says how');
is(run("SELECT count(DISTINCT $crypto.gen_random_bytes(4)) FROM lpr.reads WHERE $where"), 7, 'pgcrypto only computes');

is(run("SELECT count(*) FROM lpr.reads WHERE $where AND site.half(4) = 2"), 7, 'what is immutable only computes, too');
is($node->answer('postgres', "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0, 'nothing is locked');

# ---- what a function has prepared is called again without our being told: in this transaction nothing more is shown ----

sub prepared_then
{
	my ($first, $then, $name) = @_;
	run('ROLLBACK');
	my ($out, $err) = $node->converse($session, "BEGIN; $first; $then");
	like($err, qr/LP050: .*\nDETAIL: +A function of this transaction has prepared a call of \w+, which may leave something behind\.\nHINT: +COMMIT first, then SELECT the reads\./, $name);
	run('ROLLBACK');
}
for my $function (qw(tell assign count typed))
{
	my $first = "SELECT site.$function('A')";

	prepared_then($first, "SELECT site.$function(site.shown())", "$function, called twice");
	prepared_then($first, "SELECT site.$function(read_id) FROM lpr.reads WHERE $where", '… by each read');
	prepared_then($first, "SELECT count(*) FROM lpr.reads WHERE $where", '… by itself');
	prepared_then("DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE $where; FETCH 1 FROM c; $first", "SELECT site.$function(site.next('c'))", '… a cursor that has asked');
	prepared_then("SAVEPOINT s; $first; ROLLBACK TO s", "SELECT site.$function(site.shown())", '… after ROLLBACK TO');
	is(run("SELECT site.$function('A') \\; SELECT site.$function(site.shown())"), 'LP050', '… in one message');
	like(run("BEGIN; $first; SELECT site.$function('A'); COMMIT"), qr/\A(\w+)\n\1\z/, '… twice by itself');
	is(run("SELECT count(*) FROM lpr.reads WHERE $where"), 7, '… and the next transaction asks');
}
is(run("BEGIN; SELECT set_config('my.note', 'x', true); SELECT count(*) FROM lpr.reads WHERE $where; COMMIT"), "x\n7", 'what a client calls is gone with its statement');

# ---- what drivers and tools call ----

for my $sql ("SET client_min_messages = notice; SELECT set_config('bytea_output', 'hex', false) FROM pg_catalog.pg_show_all_settings() WHERE name = 'bytea_output'", # pgAdmin, as it connects
	'SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL', # asyncpg and Npgsql, before a session is used again
	"SELECT set_config('search_path', 'pg_catalog', true)", "SELECT nextval('site.seq')", 'SELECT pg_is_in_recovery()', 'SELECT pg_database_size(current_database()) > 0', "LISTEN x; UNLISTEN x",
	"PREPARE p AS SELECT 1; EXECUTE p; DEALLOCATE p", "BEGIN; SET LOCAL statement_timeout = '1min'; COMMIT", "SELECT site.tell('psql')")
{
	unlike(($node->converse($session, $sql))[1], qr/ERROR/, "$sql");
}
is(run("SELECT count(*) FROM lpr.reads WHERE $where"), 7, 'and the session asks on');

done_testing();
