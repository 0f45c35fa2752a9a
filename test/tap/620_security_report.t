# security_report: each finding of lpr.security_report() is provoked, told, and gone once its own `mend` was done: SQL as it stands there, lines of files and
# commands by hand. So is what lpr.harden() does.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('report', conf => "lpr.refusals_singly = 60\nlog_statement = 'none'\nlog_line_prefix = '%m [%p] '\nshared_preload_libraries = 'lpr,pg_cron,pg_stat_statements'\ncron.database_name = 'lpr'\ncron.use_background_workers = on\nmax_worker_processes = 20\npg_stat_statements.track = 'none'\npg_stat_statements.track_utility = off\nmax_wal_senders = 5\nwal_level = replica\n", world => 1);
is($node->answer('analyst1', LprTest::quick()), 1, 'a question, so that there is a log');

# The findings, as hashes by their words. A session that stays does in a quarter of the time what each new one does; one as of now when a setting has changed.
my $reader = 'privacy1';
my %session;
sub report
{
	my $login = $_[0] // $reader;
	$session{$login} = LprClient::connected($node->connstr('lpr') . " user=$login") unless $session{$login} && $session{$login}->ping;
	my $rows = LprClient::rows($session{$login}, "SELECT concat_ws('~', severity, topic, finding, reason, mend) FROM lpr.security_report()") or die $session{$login}->errstr;
	my %found;

	for (map { s/\n\z//r } @$rows)
	{
		my ($severity, $topic, $finding, $reason, $mend) = split /~/, $_, 5;
		$found{$finding} = { severity => $severity, topic => $topic, reason => $reason, mend => $mend };
	}
	return \%found;
}

sub renew
{
	my ($given, $reload) = @_;
	return unless $given->{restart} || $reload;
	%session = ();
	return $given->{restart} ? $node->restart : $node->reload;
}

sub news { my ($before, $now) = @_; return sort grep { !$before->{$_} } keys %$now }

my $base = report();
my $data = $node->data_dir;
my $secrets = $node->{secret_directory};
ok(!grep { !/pg_hba\.conf line|data checksums|checkpoints of the log|connect to database (?:postgres|template1)$|login postgres is a superuser/ } keys %$base)
	or diag(join "\n", keys %$base);
ok(!grep({ my $f = $_; grep { !length($f->{$_} // '') } qw(severity topic reason mend) } values %$base), 'each has a severity, a topic, a reason and what mends it');
is_deeply(report($_), $base, "$_ is told the same") for qw(admin1 oversight1);
like($node->messages($_, 'SELECT * FROM lpr.security_report()'), qr/42501/, "$_ is not told") for qw(analyst1 supervisor1 lead1);
like($node->messages($_, 'SELECT * FROM lpr.harden()'), qr/42501/, "$_ hardens nothing") for qw(analyst1 admin1 privacy1);

# Something is done, and one new finding at least tells of it; then what is said to mend it is done, and all is as before.
sub found
{
	my ($do, $severity, $topic, $finding, %given) = @_;
	my $reload = $do =~ /ALTER SYSTEM/ || $given{restart};
	my $now;

	if (ref $do) { $do->() } else { $node->answer('postgres', $do) }
	renew(\%given, $reload);
	my $found;
	my $is_there = sub { $now = report(); return ($found) = grep { /$finding/ } keys %$now };
	if ($reload) { LprTest::eventually($is_there) } else { $is_there->() }
	my $name = ref $do ? $given{name} : $do =~ s/\s+/ /gr;
	ok(defined $found, "$name: found") or do { diag(join "\n", news($base, $now)); return };
	is("$now->{$found}{severity} $now->{$found}{topic}", "$severity $topic", '… as such');
	my @new = news($base, $now);
	is(scalar(grep { !length $now->{$_}{mend} } @new), 0, '… with what mends it');
	if ($given{by_hand}) { $given{by_hand}->($now->{$found}{mend}) }
	else
	{
		# What was provoked may be told several times; each mend works by itself or has been done by another.
		my $first = 1;
		for my $mend (map { $now->{$_}{mend} } $found, grep { $_ ne $found } @new)
		{
			next if !$first && !grep { $_->{mend} eq $mend } values %{ report() };
			$first = 0;
			my ($status, undef, $err) = $node->ask('postgres', $mend);
			is($status, 0, "… $mend") or diag($err);
		}
	}
	renew(\%given, $reload);
	$node->answer('postgres', $given{undo}) if $given{undo};
	my @left;
	my $mended = sub { return !(@left = news($base, report())) };
	if ($reload) { LprTest::eventually($mended) } else { $mended->() }
	is(join("\n", @left), '', '… and mended');
	return;
}

# ---- roles ----

$node->answer('postgres', "CREATE ROLE stranger LOGIN; CREATE ROLE team; CREATE SCHEMA site; CREATE TABLE site.notes (x text); GRANT USAGE ON SCHEMA site TO stranger");
found('ALTER ROLE stranger SUPERUSER', 'medium', 'roles', 'login stranger is a superuser');
found("ALTER ROLE stranger $_->[0]", $_->[1], 'roles', "role stranger has $_->[0]") for [ BYPASSRLS => 'high' ], [ CREATEROLE => 'high' ], [ REPLICATION => 'high' ], [ CREATEDB => 'low' ];
found("GRANT $_->[0] TO stranger", $_->[1], 'roles', "stranger is a member of $_->[0]") for [ pg_read_all_data => 'high' ], [ pg_write_all_data => 'high' ], [ pg_read_server_files => 'high' ],
	[ pg_write_server_files => 'high' ], [ pg_execute_server_program => 'high' ], [ pg_monitor => 'medium' ], [ pg_read_all_stats => 'medium' ], [ pg_signal_backend => 'low' ],
	[ lpr_log => 'high' ], [ lpr_owner => 'high' ];
my $version = $node->pg_version;
found('GRANT pg_maintain TO stranger', 'medium', 'roles', 'stranger is a member of pg_maintain') if $version >= 17;
found('GRANT pg_signal_autovacuum_worker TO stranger', 'low', 'roles', 'stranger is a member of pg_signal_autovacuum_worker') if $version >= 18;
# A membership that somebody else than a superuser granted.
found('CREATE ROLE giver; GRANT pg_monitor TO giver WITH ADMIN OPTION; SET ROLE giver; GRANT pg_monitor TO stranger', 'medium', 'roles', 'stranger is a member of pg_monitor', undo => 'DROP ROLE giver');
found('GRANT lpr_admin TO team WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', 'medium', 'roles', 'team may grant lpr_admin') if $version >= 16;
found('GRANT lpr_training_officer TO stranger WITH ADMIN OPTION', 'medium', 'roles', 'stranger may grant lpr_training_officer', undo => 'REVOKE lpr_training_officer FROM stranger');
found('GRANT lpr_admin TO team', 'low', 'roles', 'team is a member of lpr_admin');
found('GRANT lpr_member TO stranger', 'low', 'roles', 'login stranger is a member of lpr_member');
found('GRANT lpr_member TO team', 'low', 'roles', 'team is a member of lpr_member');
found('REVOKE lpr_member FROM lpr_lead', 'medium', 'roles', 'lpr_lead has no use of lpr_member');
found('REVOKE lpr_member FROM lpr_lead; ALTER ROLE lpr_lead NOINHERIT; GRANT lpr_member TO lpr_lead', 'medium', 'roles', 'lpr_lead has no use of lpr_member');
found('GRANT CREATE ON SCHEMA public TO lpr_member', 'high', 'harden', 'not hardened: schema');
found('CREATE ROLE boss SUPERUSER NOLOGIN; GRANT lpr_admin TO boss', 'high', 'roles', 'superuser boss is a member of lpr_admin', undo => 'DROP ROLE boss');
found('ALTER ROLE lpr_user LOGIN', 'high', 'roles', 'role lpr_user can log in', by_hand => sub { $node->answer('postgres', $_[0]) });
found('ALTER ROLE lpr_admin LOGIN', 'high', 'roles', 'role lpr_admin can log in');
found('GRANT analyst2 TO stranger', 'medium', 'roles', 'stranger is a member of login analyst2', by_hand => sub { $node->answer('postgres', $_[0]) });
found(sub { $node->answer('admin1', "SELECT lpr.retire_person('newcomer1')") }, 'medium', 'roles', 'login newcomer1 is that of a person who has left', name => 'a person who has left');
found('GRANT lpr_user TO stranger', 'low', 'roles', 'login stranger is not registered', by_hand => sub { like($_[0], qr/^SELECT lpr.add_person\('stranger', \.\.\.\)/, '… by a person'); $node->answer('postgres', 'REVOKE lpr_user FROM stranger') });
found("SET password_encryption = md5; ALTER ROLE stranger PASSWORD 'x'", 'medium', 'connection', 'login stranger has an MD5 password');

# ---- settings that roles and databases have, and who may set them ----

found('ALTER ROLE analyst1 SET search_path = site', 'medium', 'settings', 'role analyst1 sets search_path');
found('ALTER DATABASE lpr SET synchronous_commit = off', 'medium', 'settings', 'database lpr sets synchronous_commit');
found('ALTER ROLE analyst1 IN DATABASE lpr SET row_security = off', 'medium', 'settings', 'role analyst1 in database lpr sets row_security');
found('ALTER ROLE ALL SET session_replication_role = replica', 'medium', 'settings', 'every role sets session_replication_role');
found('ALTER ROLE stranger SET log_statement = \'all\'', 'medium', 'settings', 'role stranger sets log_statement');
found('ALTER ROLE analyst1 IN DATABASE lpr SET log_statement = \'all\'', 'medium', 'harden', 'not hardened: logging');
found('ALTER ROLE postgres SET lpr.audit_timeout = 100', 'medium', 'settings', 'role postgres sets lpr.audit_timeout');
found('GRANT SET ON PARAMETER log_statement TO analyst1', 'medium', 'settings', 'analyst1 may SET log_statement');
found('GRANT ALTER SYSTEM ON PARAMETER fsync TO PUBLIC', 'medium', 'settings', 'everybody may ALTER SYSTEM fsync');

# ---- privileges that lpr.harden() takes away, one by one ----

found($_->[0], 'high', 'harden', "not hardened: $_->[1]") for [ 'GRANT TEMP ON DATABASE lpr TO PUBLIC', 'database' ], [ 'GRANT CREATE ON DATABASE lpr TO analyst1', 'database' ], [ 'GRANT CREATE ON SCHEMA public TO PUBLIC', 'schema' ],
	[ 'GRANT CREATE ON SCHEMA site TO lpr_supervisor', 'schema' ], [ 'GRANT EXECUTE ON FUNCTION pg_notify(text, text) TO PUBLIC', 'function' ], [ 'GRANT EXECUTE ON FUNCTION lo_put(oid, bigint, bytea) TO lpr_user', 'function' ],
	[ 'GRANT EXECUTE ON FUNCTION ' . $node->answer('postgres', q{SELECT max(oid::regprocedure::text) FROM pg_proc WHERE proname = 'pg_logical_emit_message'}) . ' TO analyst2', 'function' ], [ 'GRANT USAGE ON LANGUAGE plpgsql TO PUBLIC', 'language' ],
	[ 'CREATE ROLE staff; GRANT staff TO analyst1; GRANT CREATE ON SCHEMA site TO staff', 'schema', 'DROP OWNED BY staff; DROP ROLE staff' ];
$node->answer('postgres', 'DROP OWNED BY staff; DROP ROLE staff');
found('GRANT EXECUTE ON FUNCTION pg_restore_attribute_stats TO PUBLIC', 'high', 'harden', 'not hardened: function') if $version >= 18;

# ---- places of one's own ----

found('CREATE TABLE site.own (x text); ALTER TABLE site.own OWNER TO analyst1', 'medium', 'places', 'site.own belongs to analyst1', undo => 'DROP TABLE site.own');
found('CREATE SCHEMA own AUTHORIZATION analyst1', 'medium', 'places', 'schema own belongs to analyst1', undo => 'DROP SCHEMA own');
found('CREATE FUNCTION site.own() RETURNS integer LANGUAGE sql RETURN 1; ALTER FUNCTION site.own() OWNER TO analyst1', 'medium', 'places', 'function site.own\(\) belongs to analyst1', undo => 'DROP FUNCTION site.own()');
found('SELECT lo_create(4711); ALTER LARGE OBJECT 4711 OWNER TO analyst1', 'medium', 'places', 'large object 4711 belongs to analyst1');
# … and what is wrong with lpr_verb, all at once.
$node->answer('postgres', "ALTER ROLE lpr_verb LOGIN SUPERUSER CREATEROLE CREATEDB REPLICATION INHERIT NOBYPASSRLS PASSWORD 'x'; GRANT lpr_verb TO stranger; GRANT pg_read_all_data TO lpr_verb; GRANT ALL ON lpr_data.change, lpr_data.audit, site.notes TO lpr_verb;
	ALTER TABLE site.notes OWNER TO lpr_verb");
is($node->answer('postgres', "SELECT count(*) > 12 FROM lpr.harden(false) WHERE statement ~ 'lpr_verb|site.notes'"), 't', 'lpr.harden() mends lpr_verb');
is($node->answer('postgres', 'SELECT count(*) FROM lpr.harden()'), 0, '… in one go');
is(join("\n", news($base, report())), '', '… and nothing is left');
is($node->answer('postgres', "SELECT rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolinherit, rolbypassrls, rolpassword IS NULL FROM pg_authid WHERE rolname = 'lpr_verb'"), 'f|f|f|f|f|f|t|t', '… of all that was wrong');
found('GRANT INSERT ON site.notes TO PUBLIC', 'medium', 'places', 'everybody may write to site.notes');
found('CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER elsewhere FOREIGN DATA WRAPPER dummy; GRANT USAGE ON FOREIGN SERVER elsewhere TO PUBLIC', 'medium', 'places', 'everybody may use server elsewhere',
	undo => 'DROP FOREIGN DATA WRAPPER dummy CASCADE');
found('CREATE LANGUAGE wild HANDLER plpgsql_call_handler', 'medium', 'places', 'language wild is not trusted');
found('CREATE EXTENSION file_fdw', 'low', 'places', 'extension file_fdw is installed');
found('CREATE EXTENSION dblink', 'low', 'places', 'extension dblink is installed');

# ---- our own objects ----

found('ALTER SCHEMA lpr_data OWNER TO stranger', 'high', 'guards', 'schema lpr_data belongs to stranger');
found('GRANT CREATE ON SCHEMA lpr TO admin1', 'high', 'guards', 'admin1 may CREATE in schema lpr');
found('GRANT USAGE ON SCHEMA lpr_data TO lpr_user', 'high', 'guards', 'lpr_user may USAGE in schema lpr_data');
found('GRANT SELECT ON lpr_data.person TO analyst1', 'high', 'guards', 'analyst1 may SELECT lpr_data.person');
found('GRANT INSERT ON lpr_data.audit TO PUBLIC', 'high', 'guards', 'everybody may INSERT lpr_data.audit');
found('GRANT EXECUTE ON FUNCTION lpr.harden(boolean) TO PUBLIC', 'high', 'guards', 'everybody may call lpr.harden');
found('CREATE FUNCTION lpr.decoy() RETURNS integer LANGUAGE sql SECURITY DEFINER RETURN 1', 'high', 'guards', 'lpr.decoy\(\) is not of lpr');
found('ALTER FUNCTION lpr.normal_plate(text) OWNER TO stranger', 'high', 'guards', 'lpr.normal_plate\(text\) belongs to stranger');
# What lpr_verb is, has and may, and what is whose.
for ([ LOGIN => 'can log in' ], [ SUPERUSER => 'is a superuser' ], [ CREATEROLE => 'has CREATEROLE' ], [ CREATEDB => 'has CREATEDB' ],
	[ REPLICATION => 'has REPLICATION' ], [ INHERIT => 'inherits' ], [ NOBYPASSRLS => 'lacks BYPASSRLS' ], [ "PASSWORD 'x'" => 'has a password' ])
{
	$reader = 'postgres' if $_->[0] eq 'NOBYPASSRLS'; # without it a verb finds nobody registered
	found("ALTER ROLE lpr_verb $_->[0]", 'high', 'guards', "role lpr_verb $_->[1]");
	$reader = 'privacy1';
}
found('GRANT lpr_verb TO stranger', 'high', 'guards', 'stranger is a member of lpr_verb');
found('GRANT pg_read_all_data TO lpr_verb', 'high', 'guards', 'lpr_verb is a member of pg_read_all_data');
found('GRANT lpr_oversight TO lpr_verb', 'high', 'guards', 'lpr_verb is a member of lpr_oversight', undo => 'REVOKE lpr_member FROM lpr_verb');
found('GRANT DELETE ON lpr_data.change TO lpr_verb', 'high', 'guards', 'lpr_verb may DELETE TABLE lpr_data.change');
found('GRANT UPDATE (plate) ON lpr_data.event_read TO lpr_verb', 'high', 'guards', 'lpr_verb may UPDATE \(plate\) TABLE lpr_data.event_read');
found('GRANT INSERT ON lpr_data.audit TO lpr_verb', 'high', 'guards', 'lpr_verb may INSERT TABLE lpr_data.audit');
found('GRANT SELECT ON lpr_data.secret TO lpr_verb', 'high', 'guards', 'lpr_verb may SELECT TABLE lpr_data.secret');
found('GRANT SELECT ON site.notes TO lpr_verb', 'high', 'guards', 'lpr_verb may SELECT TABLE site.notes');
found('GRANT CREATE ON SCHEMA lpr TO lpr_verb', 'high', 'guards', 'lpr_verb may CREATE SCHEMA lpr');
found('GRANT CREATE ON DATABASE lpr TO lpr_verb', 'high', 'guards', 'lpr_verb may CREATE DATABASE lpr');
found('GRANT EXECUTE ON FUNCTION lpr_data.file_facts(text) TO lpr_verb', 'high', 'guards', 'lpr_verb may EXECUTE FUNCTION lpr_data.file_facts\(text\)');
found('ALTER TABLE site.notes OWNER TO lpr_verb', 'high', 'guards', 'table site.notes belongs to lpr_verb');
found('CREATE FUNCTION site.act() RETURNS integer LANGUAGE sql SECURITY DEFINER RETURN 1; ALTER FUNCTION site.act() OWNER TO lpr_verb', 'high', 'guards', 'function site.act\(\) belongs to lpr_verb', undo => 'DROP FUNCTION site.act()');
found('ALTER FUNCTION lpr.close_event(bigint, text, text) OWNER TO postgres', 'high', 'guards', 'lpr.close_event\(bigint,text,text\) belongs to postgres');
found('ALTER FUNCTION lpr.close_event(bigint, text, text) OWNER TO stranger', 'high', 'guards', 'lpr.close_event\(bigint,text,text\) belongs to stranger');
found("ALTER EVENT TRIGGER lpr_audit_ddl $_", 'high', 'guards', 'event trigger lpr_audit_ddl does not always fire') for 'ENABLE', 'DISABLE';
found('GRANT MAINTAIN ON lpr_data.audit TO stranger', 'high', 'guards', 'stranger may MAINTAIN lpr_data.audit') if $version >= 17;
found('CREATE FUNCTION site.greet() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$; CREATE EVENT TRIGGER greet ON login EXECUTE FUNCTION site.greet()', 'medium', 'guards', 'event trigger greet runs at every login',
	undo => 'DROP FUNCTION site.greet()') if $version >= 17;
found('ALTER TABLE lpr_data.event ADD CONSTRAINT rule CHECK (event_id > 0) NOT ENFORCED', 'high', 'guards', 'constraint rule of lpr_data.event is not enforced', undo => 'ALTER TABLE lpr_data.event DROP CONSTRAINT rule') if $version >= 18;
found('ALTER TABLE lpr_data.source DISABLE TRIGGER audit_change', 'high', 'guards', 'trigger audit_change of lpr_data.source does not always fire');
found('ALTER TABLE lpr_data.audit ENABLE TRIGGER refuse_change', 'high', 'guards', 'trigger refuse_change of lpr_data.audit does not always fire');
found('ALTER TABLE lpr_data.person NO FORCE ROW LEVEL SECURITY', 'high', 'guards', 'table lpr_data.person has no row-level security');
found('CREATE TABLE lpr_data.cache_answer_x (x text)', 'high', 'guards', 'cache table lpr_data.cache_answer_x is logged', undo => 'DROP TABLE lpr_data.cache_answer_x');
found("SET allow_system_table_mods = on; UPDATE pg_extension SET extowner = 'stranger'::regrole WHERE extname = 'lpr'", 'high', 'guards', 'extension lpr belongs to stranger', by_hand => sub {
		like($_[0], qr/^ALTER ROLE stranger SUPERUSER NOLOGIN/, '… by hand'); $node->answer('postgres', "SET allow_system_table_mods = on; UPDATE pg_extension SET extowner = 10 WHERE extname = 'lpr'") });

# ---- copies and other databases ----

found("SELECT pg_create_physical_replication_slot('s')", 'low', 'copies', 'replication slot s');
found('CREATE PUBLICATION everything', 'low', 'copies', 'publication everything');
my $receiver;
found(sub {
		$receiver = IPC::Run::start([ 'pg_receivewal', '-D', $node->basedir, '--no-loop', '-h', $node->host, '-p', $node->port ], '>', \my $out, '2>', \my $err);
		LprTest::eventually(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM pg_stat_replication') == 1 }) },
	'low', 'copies', 'replicates from here', name => 'somebody who copies the WAL', by_hand => sub { $node->answer('postgres', $_[0]); eval { $receiver->finish }; });
$node->safe_psql('postgres', 'CREATE DATABASE beside');
found('SELECT 1', 'low', 'connection', 'people who see reads can connect to database beside');
$node->safe_psql('postgres', 'DROP DATABASE beside');
# None of them falls due: what a job finds when its minute comes is no part of this.
my $later = "UPDATE cron.job SET schedule = '0 0 29 2 *'";
$node->answer('postgres', "CREATE EXTENSION pg_cron; SELECT lpr.schedule_jobs(); $later");
found("SELECT cron.alter_job(jobid, active => false) FROM cron.job WHERE jobname = 'lpr-purge'", 'medium', 'jobs', 'job lpr-purge is inactive');
found('SELECT lpr.unschedule_jobs()', 'low', 'jobs', 'job lpr-destroy-due is not scheduled');
$node->answer('postgres', $later);
found("ALTER SYSTEM SET cron.use_background_workers = off", 'medium', 'jobs', 'cron.use_background_workers is off', restart => 1);

# ---- settings of the server ----

found("ALTER SYSTEM SET $_->[0] = $_->[1]", $_->[2], $_->[3], $_->[4] // "$_->[0] is") for
	[ 'log_statement', "'all'", 'medium', 'logging' ], [ 'log_min_duration_statement', "'1s'", 'medium', 'logging' ], [ 'log_min_duration_sample', 0, 'medium', 'logging' ],
	[ 'log_transaction_sample_rate', 0.5, 'medium', 'logging' ], [ 'log_parameter_max_length_on_error', -1, 'medium', 'logging', 'parameters are logged with errors' ],
	[ 'log_min_duration_statement', 0, 'medium', 'logging', 'parameters are logged with statements' ],
	[ 'debug_print_plan', 'on', 'medium', 'logging', 'plans are logged' ], [ 'log_line_prefix', "'%m %a '", 'low', 'logging', 'log_line_prefix has' ],
	[ 'pg_stat_statements.track_utility', 'on', 'medium', 'statements' ], [ 'pg_stat_statements.track', "'all'", 'low', 'statements', 'pg_stat_statements is loaded' ],
	[ 'session_preload_libraries', "'auto_explain'", 'medium', 'guards', 'a library is loaded into every session' ],
	[ 'session_replication_role', "'replica'", 'high', 'guards' ], [ 'row_security', 'off', 'medium', 'guards' ], [ 'allow_system_table_mods', 'on', 'high', 'guards' ],
	[ 'lpr.refusals_singly', 61, 'medium', 'audit', 'lpr.refusals_singly is 61' ], [ 'lpr.refusals_singly', 59, 'low', 'audit', 'lpr.refusals_singly is 59' ],
	[ 'full_page_writes', 'off', 'high', 'durability' ], [ 'synchronous_commit', 'off', 'low', 'durability' ], [ 'zero_damaged_pages', 'on', 'high', 'durability' ],
	[ 'ignore_checksum_failure', 'on', 'high', 'durability' ], [ 'password_encryption', "'md5'", 'high', 'connection' ], [ 'fsync', 'off', 'high', 'durability' ];
found('ALTER SYSTEM SET scram_iterations = 1000', 'low', 'connection', 'scram_iterations is 1000') if $version >= 16;
found('ALTER SYSTEM SET event_triggers = off', 'high', 'guards', 'event_triggers is off') if $version >= 17;
found('ALTER ROLE postgres IN DATABASE lpr SET event_triggers = off', 'medium', 'settings', 'role postgres in database lpr sets event_triggers') if $version >= 17;
found("LOAD 'auto_explain'; ALTER SYSTEM SET session_preload_libraries = 'auto_explain'; ALTER SYSTEM SET auto_explain.log_min_duration = 0", 'medium', 'statements', 'auto_explain logs plans',
	undo => 'LOAD \'auto_explain\'; ALTER SYSTEM RESET auto_explain.log_min_duration');
my ($major) = $version =~ /^(\d+)/;
my $known = $node->answer('postgres', "SELECT pg_get_functiondef('lpr_data.known_minor'::regproc)");
found("CREATE OR REPLACE FUNCTION lpr_data.known_minor() RETURNS TABLE (major integer, minor integer) LANGUAGE sql AS 'VALUES (15, 99), (16, 99), (17, 99), (18, 99)'", 'high', 'version', 'the server is',
	by_hand => sub { like($_[0], qr/ postgresql-$major$/, "… $_[0]"); $node->answer('postgres', $known) });
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.known_minor() WHERE major = $major AND minor > 0"), 1, 'of this version it is known since when');
found("ALTER SYSTEM SET wal_level = 'logical'", 'low', 'copies', 'wal_level is logical', restart => 1);
found("ALTER SYSTEM SET archive_mode = 'on'; ALTER SYSTEM SET archive_command = 'true'", 'low', 'copies', 'the WAL is archived', restart => 1, undo => 'ALTER SYSTEM RESET archive_command');
found("ALTER SYSTEM SET logging_collector = on; ALTER SYSTEM SET log_file_mode = '0644'", 'medium', 'logging', 'log_file_mode is', restart => 1, by_hand => sub { $node->answer('postgres', "$_[0]; ALTER SYSTEM RESET logging_collector") });
found('DROP EXTENSION pg_cron; ALTER SYSTEM SET shared_preload_libraries = lpr, pg_stat_statements', 'low', 'jobs', 'pg_cron is not installed', restart => 1,
	by_hand => sub { like($_[0], qr/^CREATE EXTENSION pg_cron; SELECT lpr.schedule_jobs\(\); -- with/, '… by hand'); $node->answer('postgres', 'ALTER SYSTEM SET shared_preload_libraries = lpr, pg_cron, pg_stat_statements'); $node->restart; $node->answer('postgres', $_[0]); $node->answer('postgres', $later) });
found('ALTER SYSTEM SET shared_preload_libraries = pg_cron, pg_stat_statements', 'high', 'audit', 'lpr is not in shared_preload_libraries', restart => 1);
like($node->answer('postgres', 'SHOW shared_preload_libraries'), qr/lpr/, '… which is there again');
ok(LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' }), '… and the writer is ready');
$node->answer('postgres', 'ALTER SYSTEM RESET shared_preload_libraries');

# ---- connections ----

# A line of pg_hba.conf, in front of all others or at the end; what mends it names the line and what it is to be.
sub line_found
{
	my ($line, $severity, $finding, $before) = @_;
	my $file = "$data/pg_hba.conf";
	my $old = slurp_file($file);
	my $write = sub { unlink $file; append_to_file($file, $_[0]) };

	found(sub { $write->("$old$line\n") }, $severity, 'connection', "$finding", name => $line, by_hand => sub {
		my ($number, $new) = $_[0] =~ /^\Q$file\E line (\d+): (.*)/ or do { my ($first) = $_[0] =~ /, a line before: (.*)/; ok(defined $first, "… $_[0]"); $write->("$old$first\n$line\n"); $write->($old) if !grep { /superuser/ } news($base, report()); return };
		my @lines = split /\n/, "$old$line";
		is($lines[$number - 1], $line, "… $_[0]");
		$lines[$number - 1] = $new eq 'to be corrected' ? '' : $new;
		$write->(join("\n", @lines) . "\n");
		# What is right now, but still over the network or by superusers, is another finding.
		$write->($old) if grep { /TLS|superuser/ } news($base, report());
	});
	$write->($old);
	return;
}
line_found('hostssl lpr stranger 10.0.0.0/8 md5', 'medium', 'lets lpr stranger 10.0.0.0 255.0.0.0 in by md5');
line_found('hostssl lpr stranger 10.0.0.0/8 password', 'high', 'lets lpr stranger 10.0.0.0 255.0.0.0 in by password');
line_found('hostssl lpr stranger 10.0.0.0/8 trust', 'high', 'lets lpr stranger 10.0.0.0 255.0.0.0 in by trust');
line_found('host lpr stranger 127.0.0.1/32 ident', 'high', 'lets lpr stranger 127.0.0.1 255.255.255.255 in by ident');
line_found('host lpr stranger 10.0.0.0/8 scram-sha-256', 'medium', 'allows connections without TLS');
line_found('hostssl lpr all 10.0.0.0/8 scram-sha-256', 'low', 'lets superuser postgres in over the network');
line_found('hostssl lpr /^post 10.0.0.0/8 scram-sha-256', 'low', 'lets superuser postgres in over the network') if $version >= 16;
line_found('hostssl lpr all nonsense', 'medium', 'cannot be read');
if ($version >= 16)
{
	my ($file, $more) = map { "$data/$_" } 'pg_hba.conf', 'more.conf';
	my $old = slurp_file($file);

	append_to_file($more, "# of a team\nhostssl lpr stranger 10.0.0.0/8 trust\n");
	found(sub { append_to_file($file, "include more.conf\n") }, 'high', 'connection', "\Q$more\E line 2 lets lpr stranger", name => 'a line of another file',
		by_hand => sub { like($_[0], qr/^\Q$more\E line 2: hostssl lpr stranger/, '… which is named'); unlink $file; append_to_file($file, $old) });
}
is(join("\n", news($base, report())), '', 'the lines are as before');

found("ALTER SYSTEM SET listen_addresses = '127.0.0.1'", 'high', 'connection', 'ssl is off', restart => 1, by_hand => sub {
		system_or_bail('openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-keyout', "$data/server.key", '-out', "$data/server.crt");
		chmod 0600, "$data/server.key";
		$node->answer('postgres', $_[0]) });
found("ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1'", 'medium', 'connection', 'TLS before 1.2 is allowed');
$node->answer('postgres', 'ALTER SYSTEM RESET ssl; ALTER SYSTEM RESET listen_addresses');
$node->restart;

# ---- files ----

my $shell = sub { my ($command) = @_; $command =~ s/postgres/getpwuid($<)/e; system_or_bail('sh', '-c', $command) };
sub file_found { my ($name, $do, $severity, $finding, %given) = @_; found($do, $severity, 'files', $finding, name => $name, by_hand => $shell, %given); return }

file_found('a secret that others read', sub { chmod 0644, "$secrets/sim-lpr-token" }, 'high', 'sim-lpr-token has mode 0644');
file_found('a directory that others read', sub { chmod 0750, $secrets }, 'high', 'secrets has mode 0750');
file_found('a link', sub { symlink 'sim-lpr-token', "$secrets/link" }, 'medium', 'link is no regular file');
file_found('no key', sub { rename "$secrets/checkpoint-key", "$secrets/aside" }, 'high', 'there is no key', by_hand => sub { $shell->($_[0]); rename "$secrets/aside", "$secrets/checkpoint-key" });
file_found('no key for numbers', sub { rename "$secrets/identity-key", "$secrets/aside" }, 'high', 'there is no key', by_hand => sub { like($_[0], qr{openssl rand -hex 32 >\Q$secrets\E/identity-key}, '… by hand'); rename "$secrets/aside", "$secrets/identity-key" });
file_found('no directory', sub { rename $secrets, "$secrets.aside" }, 'high', 'secrets is no directory', by_hand => sub { $shell->($_[0]); rmdir $secrets; rename "$secrets.aside", $secrets });
found("ALTER SYSTEM SET lpr.secret_directory = ''", 'high', 'files', 'lpr.secret_directory is not set', by_hand => sub { like($_[0], qr/^ALTER SYSTEM SET lpr.secret_directory = /, '… by hand'); $node->answer('postgres', 'ALTER SYSTEM RESET lpr.secret_directory') });
file_found('a data directory that its group reads', sub { chmod 0750, $data }, 'low', 'the data directory has mode 0750', restart => 1);
my $witness = $node->basedir . '/witness';
mkdir $witness;
chmod 0700, $witness;
$node->answer('postgres', "ALTER SYSTEM SET lpr.checkpoint_directory = '$witness'");
$node->reload;
ok(LprTest::eventually(sub { !grep { /checkpoints of the log/ } keys %{ report() } }), 'with a directory for checkpoints that is no finding any more');
file_found('a directory of checkpoints that others write to', sub { chmod 0777, $witness }, 'medium', 'witness can be written to by others');

# Core dumps: the limit is inherited at start.
$node->stop;
system_or_bail('sh', '-c', "ulimit -c 1024 && exec pg_ctl -w -D '$data' -l '@{[ $node->logfile ]}' start >/dev/null");
ok(grep({ /the server leaves core dumps/ } keys %{ report() }), 'a server that leaves core dumps: found');
system_or_bail('pg_ctl', '-D', $data, 'stop');
# And checksums, which clusters of 18 have from the beginning, as it is told to.
system_or_bail('pg_checksums', '--disable', '-D', $data) if $version >= 18;
system_or_bail('pg_ctl', '-w', '-D', $data, '-l', $node->logfile, 'start', '-s');
my $mend = report()->{'the cluster has no data checksums'}{mend};
like($mend, qr/^pg_checksums --enable/, 'a cluster without checksums: found');
system_or_bail('pg_ctl', '-D', $data, 'stop');
system_or_bail('sh', '-c', $mend);
system_or_bail('pg_ctl', '-w', '-D', $data, '-l', $node->logfile, 'start', '-s');
my $left = report();
ok(!grep({ /core dumps|checksums/ } keys %$left), 'without either: not');

# ---- hardening ----

$node->answer('postgres', 'CREATE ROLE fresh LOGIN IN ROLE lpr_supervisor');
my $missing = $node->answer('postgres', 'SELECT statement FROM lpr.harden()');
is(join(' ', sort map { /^ALTER ROLE fresh SET (\S+)/ ? $1 : $_ } split /\n/, $missing),
	'log_min_duration_sample log_min_duration_statement log_min_error_statement log_min_messages log_statement log_transaction_sample_rate pg_stat_statements.track', 'a login that was added is not hardened');
is($node->answer('postgres', 'SELECT statement FROM lpr.harden()'), $missing, '… nor by looking');
is($node->answer('postgres', "BEGIN;\n\\o /dev/null\nSELECT lpr.harden(false);\n\\o\nROLLBACK;\nSELECT statement FROM lpr.harden()"), $missing, '… nor by what is rolled back');
is($node->answer('postgres', 'SELECT statement FROM lpr.harden(dry_run => false)'), $missing, 'lpr.harden(false) does what it shows');
is($node->answer('postgres', 'SELECT count(*) FROM lpr.harden(false)'), 0, '… once');
ok(LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'change' AND payload::json->>'command' = 'harden' AND payload LIKE '%ROLE fresh %'") == 7 }), '… and it is on record');
is($node->answer('fresh', 'SHOW log_min_messages'), 'fatal', 'its next session has it');
system_or_bail('pg_ctl', '-D', $data, 'stop');
$node->{_pid} = undef;

# ---- what changed unseen ----

$node->start;
$node->await_answers;
ok(!grep({ /unseen/ } keys %{ report() }), 'roles that were made and altered by statements on record are no finding');
$node->stop;
my $loaded = slurp_file("$data/postgresql.conf");
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE ghost; CREATE ROLE "gh ost"');
$node->stop;
unlink "$data/postgresql.conf";
append_to_file("$data/postgresql.conf", $loaded);
$node->start;
my @ghosts;
ok(LprTest::eventually(sub { (@ghosts = sort grep { /unseen/ } keys %{ report() }) == 2 }), 'changes that nobody is on record for: found') or diag(join "\n", keys %{ report() });
like($ghosts[0], qr/^role gh ost has changed unseen \(record \d+\)$/, "… $ghosts[0]");
my $ghost = report()->{ $ghosts[1] };
is("$ghost->{severity} $ghost->{topic}", 'medium audit', '… as such');
like($node->answer('oversight1', "\\t on\n$ghost->{mend}\n;"), qr/"object": "ghost".*"command": "unseen"/, '… what is said to mend it tells what it was');
$node->move_clock(29 * 86400);
is_deeply([ sort grep { /unseen/ } keys %{ report() } ], \@ghosts, '29 days later they are still told');
$node->move_clock(2 * 86400);
is_deeply([ grep { /unseen/ } keys %{ report() } ], [], '… 31 days later no more');
$node->stop;
done_testing();
