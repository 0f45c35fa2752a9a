# verb: functions that act for people are lpr_verb's, who is no superuser: what one of them could do beyond what it is for, if it had a hole.
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('verb');
my $quick = LprTest::quick();
is($node->answer('analyst1', $quick), 1, 'a question, and with it a log');
my @leaves = split /\n/, $node->safe_psql('lpr', q{SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'lpr_data.audit'::regclass ORDER BY 1});
my $leaf = $leaves[0];
my $request = $node->answer('newcomer1', "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find out where the stolen van stands at night, for the team.')");

# ---- a hole: whatever a caller likes, with the rights of lpr_verb ----

$node->safe_psql('lpr', 'CREATE TABLE public.notes (x text); CREATE FUNCTION public.hole(command text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN EXECUTE command; END $$;
	ALTER EXTENSION lpr ADD FUNCTION public.hole(text); ALTER FUNCTION public.hole(text) OWNER TO lpr_verb');
sub through { my ($sql) = @_; return $node->messages('analyst1', "SELECT public.hole(\$hole\$$sql\$hole\$)", logon => 0) }
sub refused_to { my ($sql, $state, $why) = @_; return like(through($sql), qr/ERROR: +$state:/, $why // "refused: $sql") }

# Not the cluster.
refused_to($_, '42501') for "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('PG_VERSION')", 'SELECT rolpassword FROM pg_authid', 'SELECT * FROM pg_hba_file_rules', 'CREATE ROLE mine', 'ALTER ROLE analyst1 SUPERUSER',
	'GRANT lpr_oversight TO analyst1', 'ALTER ROLE lpr_verb LOGIN', 'GRANT SET ON PARAMETER log_statement TO analyst1', 'SET session_replication_role = replica', 'CREATE TABLE lpr_data.mine (x text)', 'CREATE SCHEMA mine', 'LOCK TABLE pg_auth_members',
	"UPDATE pg_proc SET prosrc = '' WHERE false", 'CREATE EXTENSION dblink', 'CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION lpr_data.audit_drop()';
like(through('SET ROLE postgres'), qr/cannot set parameter "role" within security-definer function/, 'nor another role');
# Not the log, nor what waits for it; not secrets, settings and what is kept of answers.
refused_to($_, '42501') for map({ ("INSERT INTO $_ SELECT * FROM $_", "DELETE FROM $_", "TRUNCATE $_", "ALTER TABLE $_ DISABLE TRIGGER ALL", "DROP TABLE $_") } 'lpr_data.audit', $leaf, 'lpr_data.checkpoint', 'lpr_data.delivery', 'lpr_data.log'),
	"UPDATE $leaf SET login = 'x'", 'DELETE FROM lpr_data.change', "UPDATE lpr_data.change SET payload = ''", 'SELECT * FROM lpr_data.secret', 'SELECT * FROM lpr_data.setting', 'SELECT * FROM lpr_data.cache_read',
	'DELETE FROM lpr_data.purge_certificate', "SELECT lpr_data.file_facts('/')", "SELECT lpr.encrypt_secret('a', 'b')";
# Not what is only added to, nor its guards, nor the functions.
refused_to($_, '42501') for 'DELETE FROM lpr_data.access_step', "UPDATE lpr_data.access_step SET reason = 'x'", "UPDATE lpr_data.access SET systems = '{AFI}'", "UPDATE lpr_data.event SET reason = 'x'", 'DELETE FROM lpr_data.person',
	"UPDATE lpr_data.rules SET text = 'x'", "UPDATE lpr_data.event_read SET plate = 'X'", 'TRUNCATE lpr_data.event_read', 'ALTER TABLE lpr_data.access DISABLE TRIGGER moves', 'ALTER TABLE lpr_data.access NO FORCE ROW LEVEL SECURITY',
	'DROP POLICY seen ON lpr_data.access', "CREATE OR REPLACE FUNCTION lpr.close_event(event bigint, outcome text, reason text DEFAULT NULL) RETURNS void LANGUAGE sql RETURN NULL", 'ALTER FUNCTION lpr_data.gate RESET ALL';
# What it may change, its triggers bind.
refused_to("UPDATE lpr_data.access SET state = 'granted', granted_at = now(), ends_at = now() + interval '1 day' WHERE access_id = $request", 'LP034', 'a grant without approvals');
refused_to("UPDATE lpr_data.schedule SET base_period = '1 day'", 'LP034', 'a schedule that was locked is not changed');
refused_to("UPDATE lpr_data.course SET required = false WHERE code = 'privacy'", '23514', 'a course that is demanded');
refused_to("SELECT lpr_data.rewrite('$_')", '42809', "… and $_ is not written anew") for 'pg_catalog.pg_authid', 'public.notes';
is($node->safe_psql('lpr', 'SELECT count(*) FROM lpr.verify_audit() WHERE NOT ok'), 0, 'the log is whole');
like(through("UPDATE lpr_data.event SET outcome = 'found', closed_at = now() WHERE event_id = 1"), qr/^$/, 'what it does do');
is($node->answer('oversight1', q{SELECT payload ->> 'action', login FROM lpr.audit(kind => 'change') WHERE payload ->> 'table' = 'lpr_data.event' ORDER BY number DESC LIMIT 1}), 'update|analyst1', '… is on record, under who called it');
$node->safe_psql('lpr', 'ALTER EXTENSION lpr DROP FUNCTION public.hole(text); DROP FUNCTION public.hole(text)');

# ---- a role of that name, from before: made what it has to be ----

my $attributes = q{SELECT rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolpassword IS NULL FROM pg_authid WHERE rolname = 'lpr_verb'};
is($node->safe_psql('lpr', $attributes), 'f|f|f|f|f|f|t|t', 'the role');
$node->safe_psql('lpr', "ALTER ROLE lpr_verb LOGIN SUPERUSER INHERIT CREATEROLE CREATEDB REPLICATION NOBYPASSRLS PASSWORD 'x'");
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION lpr CASCADE');
is($node->safe_psql('lpr', $attributes), 'f|f|f|f|f|f|t|t', '… is made what it has to be, wherever lpr is made');
$node->safe_psql('postgres', 'DROP DATABASE second');

# ---- the log, once lpr_verb lost its right to read it ----

$node->safe_psql('lpr', "REVOKE SELECT ON $leaf, lpr_data.audit FROM lpr_verb");
like($node->messages('oversight1', 'SELECT count(*) FROM lpr.audit()'), qr/42501/, 'a log that cannot be read');
is($node->safe_psql('lpr', 'SELECT lpr_data.guard_log()'), "lpr_data.audit, $leaf", '… is seen by its guard');
cmp_ok($node->answer('oversight1', 'SELECT count(*) FROM lpr.audit()'), '>', 5, '… and can be read again');

# ---- a dump holds of its rights those on the log, which is no member, and no other ----

my $file = $node->basedir . '/dump.sql';
PostgreSQL::Test::Utils::system_or_bail('pg_dump', '-U', 'postgres', '-f', $file, $node->connstr('lpr'));
my %given = map { $_ => 1 } PostgreSQL::Test::Utils::slurp_file($file) =~ /^((?:GRANT|REVOKE) .* (?:TO|FROM) lpr_verb;)$/mg;
is(join("\n", sort keys %given), join("\n", map { "GRANT SELECT ON TABLE $_ TO lpr_verb;" } sort 'lpr_data.audit', @leaves, 'lpr_data.checkpoint', 'lpr_data.delivery', 'lpr_data.log'), 'a dump');

$node->stop;
done_testing();
