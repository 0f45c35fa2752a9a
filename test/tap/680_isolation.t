# isolation: who sees what of whom (E1, E4): by views under forced row-level security, keyed on the login that connected; and lpr.my_access, which says what the gate says.
use strict;
use warnings;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('isolation');
sub sees { my ($login, $sql) = @_; return $node->answer($login, $sql, logon => 0) }
sub events { my ($login) = @_; return sees($login, 'SELECT coalesce(string_agg(event::text, \',\' ORDER BY event), \'none\') FROM lpr.events') }
sub none { my ($login, $what, $sql) = @_; return is(sees($login, "SELECT count(*) FROM $sql"), 0, $what) }
my $reason = 'Needed for the matter that they work on at the border this month.';

# A second team, of which one is a supervisor and another works.
$node->safe_psql('lpr', q{CREATE ROLE supervisor2 LOGIN IN ROLE lpr_supervisor; CREATE ROLE analyst3 LOGIN IN ROLE lpr_user; CREATE ROLE stranger LOGIN IN ROLE lpr_user});
$node->answer('admin1', q{SELECT lpr.add_person('supervisor2', 'Sol Visor', 's2@agency.example', 'Other', personnel_number => 'P-s2'), lpr.add_person('analyst3', 'Amy Third', 'a3@agency.example', 'Other', 'supervisor2', personnel_number => 'P-a3')});

# ---- events ----

is(events('analyst1'), '1', 'an analyst sees the event that is theirs');
is(events('analyst2'), '2', '… and nobody else\'s');
is(events('newcomer1'), 'none', 'who has none sees none');
is(events('supervisor1'), '1,2', 'a supervisor sees those of their people');
is(events('supervisor2'), 'none', '… and of nobody else\'s people');
is(events($_), '1,2', "$_ sees all") for qw(oversight1 privacy1);
is(events('stranger'), 'none', 'a login that is not registered sees none');
is(sees('postgres', 'SELECT count(*) FROM lpr.events'), 0, 'nor does a superuser, through a view');
like($node->messages($_, 'SELECT * FROM lpr.events'), qr/42501/, "$_ has no business with events") for qw(admin1 trainer1 owner1 lead1);
none('analyst2', 'nothing of another\'s event by its number', "lpr.$_ WHERE event = 1") for qw(events event_members event_extensions);
none('analyst1', 'no row beside the plan either', 'lpr.event_members WHERE event = ANY (\'{2,3,4}\')');

$node->answer('analyst1', q{SELECT lpr.add_member(1, 'analyst2'); SELECT lpr.extend_event(1, now() + interval '200 days', 'The silver sedan was seen again twice and the matter goes on.')});
is(events('analyst2'), '1,2', 'a member sees the event');
is(sees('analyst2', q{SELECT string_agg(login || ':' || owner, ',' ORDER BY login) FROM lpr.event_members WHERE event = 1}), 'analyst1:true,analyst2:false', '… and who works on it');
is(sees('analyst2', 'SELECT mine FROM lpr.events WHERE event = 1') . sees('analyst1', 'SELECT mine FROM lpr.events WHERE event = 1'), 'memberowner', '… as what');
is(sees('analyst2', 'SELECT count(*) FROM lpr.event_extensions'), 1, '… and how it was extended');

# The same session sees a change at once, whoever made it: what policies remember holds no longer than a snapshot.
my ($session) = $node->session('analyst2', logon => 0);
is($session->query('SELECT count(*) FROM lpr.events'), 2, 'a session');
$node->answer('analyst1', q{SELECT lpr.remove_member(1, 'analyst2')});
is($session->query('SELECT count(*) FROM lpr.events'), 1, 'after remove_member the event is gone from it');
is($session->query('SELECT count(*) FROM lpr.event_extensions'), 0, '… with what belongs to it');
$session->query('PREPARE mine AS SELECT count(*) FROM lpr.events');
is($session->query('EXECUTE mine'), 1, 'prepared') for 1 .. 7;
$node->answer('analyst1', q{SELECT lpr.add_member(1, 'analyst2')});
is($session->query('EXECUTE mine'), 2, '… by a generic plan as well');
$node->safe_psql('lpr', 'GRANT lpr_privacy TO analyst2');
$node->safe_psql('lpr', q{INSERT INTO lpr_data.event (system, title, purpose, authority, matter_reference, reason, ends_at)
	SELECT 'ATS', 'Many ' || i, 'suspect', 'title_18', 'MANY', 'test', now() + interval '9 days' FROM generate_series(1, 300) AS i});
is($session->query('EXECUTE mine'), 302, '… in a new role');
$node->safe_psql('lpr', 'REVOKE lpr_privacy FROM analyst2');
is($session->query('EXECUTE mine'), 2, '… and out of it');
$node->safe_psql('lpr', q{INSERT INTO lpr_data.event_member (event_id, person_id, added_by) SELECT e.event_id, p.person_id, p.person_id FROM lpr_data.event AS e, lpr_data.person AS p
	WHERE e.title LIKE 'Many%' AND p.login = 'analyst2'});
is($session->query('EXECUTE mine'), 302, 'somebody with more events than are fetched at once');
is($session->query("SELECT count(*) FROM lpr.events WHERE event = ANY (SELECT 1 + i FROM generate_series(0, 400, 7) AS i)"),
	$node->safe_psql('lpr', q{SELECT count(*) FROM lpr_data.event_member JOIN lpr_data.person USING (person_id) WHERE login = 'analyst2' AND (event_id - 1) % 7 = 0 AND event_id <= 401}),
	'… one by one, and all');
$session->query('BEGIN');
$session->query('SAVEPOINT here');
is($session->query('SELECT count(*) FROM lpr.events WHERE event = 5000'), 0, 'in a transaction');
$session->query(q{SELECT lpr.open_event('Rolled back', 'suspect', 'title_18', 'SD-2026-7', 'A blue van that was seen at the depot has to be found again.')});
is($session->query(q{SELECT count(*) FROM lpr.events WHERE title = 'Rolled back'}), 1, '… one\'s own new event is seen');
$session->query('ROLLBACK TO here');
is($session->query(q{SELECT count(*) FROM lpr.events WHERE title = 'Rolled back'}), 0, '… and not when it is rolled back');
$session->query('ROLLBACK');
$session->quit;

# ---- what a function in WHERE learns ----

$node->safe_psql('lpr', q{CREATE FUNCTION public.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$});
unlike($node->messages('analyst1', 'SELECT count(*) FROM lpr.events WHERE public.leak(title)', logon => 0), qr/saw (Fugitive|Many)/, 'a function in WHERE is not shown hidden events');
like($node->messages('analyst1', 'SELECT count(*) FROM lpr.events WHERE public.leak(title)', logon => 0), qr/saw Contraband/, '… only those that are seen');
unlike($node->messages('analyst1', 'SELECT count(*) FROM lpr.people WHERE public.leak(email)', logon => 0), qr/saw admin1/, '… nor addresses of mail');
unlike($node->messages('analyst1', 'SELECT count(*) FROM lpr.access_requests WHERE public.leak(need_to_know)', logon => 0), qr/saw Locates/, '… nor requests of others');

# ---- the tables ----

for my $login (qw(analyst1 supervisor1 oversight1 admin1 privacy1))
{
	like($node->messages($login, "SELECT * FROM lpr_data.$_", logon => 0), qr/42501/, "$login does not read $_") for qw(event person access audit);
}
$node->safe_psql('lpr', 'GRANT USAGE ON SCHEMA lpr_data TO lpr_user; GRANT SELECT ON ALL TABLES IN SCHEMA lpr_data TO lpr_user');
none('analyst1', "with rights on $_ granted by mistake nothing of it is seen", "lpr_data.$_") for qw(event event_member person access training secret audit checkpoint mail);
$node->safe_psql('lpr', 'REVOKE SELECT ON ALL TABLES IN SCHEMA lpr_data FROM lpr_user; REVOKE USAGE ON SCHEMA lpr_data FROM lpr_user');
is($node->safe_psql('lpr', "SET ROLE lpr_owner; SELECT count(*) FROM lpr_data.$_"), 0, "the owner of $_ sees none") for qw(secret setting change empty_reason);
like($node->messages('postgres', "SET ROLE lpr_owner; SELECT count(*) FROM lpr_data.$_"), qr/42501/, "… nor of $_") for qw(event access person);
like($node->messages('analyst1', 'SET row_security = off; SELECT * FROM lpr.events', logon => 0), qr/42501.*row-level security/s, 'row_security = off is no way around');

# ---- people and access ----

is(sees('analyst1', q{SELECT string_agg(login, ',') FROM lpr.access_requests}), 'analyst1', 'an analyst sees their own requests');
none('supervisor2', 'a supervisor sees none of other people\'s', 'lpr.access_requests');
is(sees($_, q{SELECT string_agg(login, ',' ORDER BY login) FROM lpr.access_requests}), 'analyst1,analyst2', "$_ sees those of others") for qw(supervisor1 owner1 oversight1 privacy1 lead1);
is(sees('analyst1', 'SELECT count(DISTINCT request) FROM lpr.access_history'), 1, 'the steps of one\'s own requests');
is(sees('owner1', 'SELECT count(DISTINCT request) FROM lpr.access_history'), 2, '… and of all');
is(sees('analyst1', 'SELECT string_agg(email, \',\') FROM lpr.people'), 'analyst1@agency.example', 'an address is shown to whose it is');
cmp_ok(sees('oversight1', 'SELECT count(email) FROM lpr.people'), '>', 9, '… to oversight');
none('stranger', 'who is not registered sees nobody', 'lpr.people');
is(sees('analyst1', 'SELECT count(DISTINCT login) FROM lpr.training'), 1, 'one\'s own training');
is(sees('supervisor2', q{SELECT string_agg(DISTINCT login, ',' ORDER BY login) FROM lpr.training}), 'analyst3,supervisor2', '… that of one\'s people');
cmp_ok(sees('trainer1', 'SELECT count(DISTINCT login) FROM lpr.training'), '>', 9, '… that of everybody for an officer');
is(sees('lead1', q{SELECT string_agg(login || ':' || state, ',' ORDER BY login) FROM lpr.recertifications}), 'analyst1:current,analyst2:current', 'who is to be recertified');
is(sees('analyst1', q{SELECT string_agg(login, ',') FROM lpr.recertifications}), 'analyst1', '… only oneself for others');
# Who the login is cannot be changed from inside.
is($node->answer('postgres', 'SET ROLE analyst1; SELECT count(*) FROM lpr.events'), 0, 'SET ROLE makes nobody somebody else');
is($node->answer('postgres', 'SET SESSION AUTHORIZATION analyst1; SELECT count(*) FROM lpr.events'), 0, '… nor does SET SESSION AUTHORIZATION');

# From 16 on there are members who may only grant a role: they have it not.
if ($node->pg_version >= 16)
{
	$node->safe_psql('lpr', 'GRANT lpr_oversight TO supervisor2 WITH ADMIN TRUE, INHERIT FALSE, SET FALSE');
	is(events('supervisor2'), 'none', 'who may only grant a role sees nothing by it');
	for my $way ('INHERIT', 'SET')
	{
		$node->safe_psql('lpr', "GRANT lpr_oversight TO supervisor2 WITH $way TRUE");
		isnt(events('supervisor2'), 'none', "… WITH $way TRUE everything");
		$node->safe_psql('lpr', "GRANT lpr_oversight TO supervisor2 WITH $way FALSE");
	}
	$node->safe_psql('lpr', 'REVOKE lpr_oversight FROM supervisor2');
}

# ---- lpr.my_access says what the gate says ----

my $question = q{SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = 'acme'};
sub lacks { my ($login, %given) = @_; return $node->answer($login, q{SELECT coalesce(string_agg(requirement, '; '), 'nothing') FROM lpr.my_access WHERE NOT holds}, %given) }
sub same
{
	my ($what, $requirement, $sqlstate, $break, $mend, %given) = @_;
	$break->() if ref $break;
	$node->safe_psql('lpr', $break) if $break && !ref $break;
	like(lacks('analyst1', %given), $requirement, "$what: my_access says so");
	like($node->messages('analyst1', $question, %given), qr/$sqlstate/, '… and so does the gate');
	$mend->() if ref $mend;
	$node->safe_psql('lpr', $mend) if $mend && !ref $mend;
	return;
}
is(lacks('analyst1'), 'nothing', 'an analyst who lacks nothing');
is($node->answer('analyst1', $question), 1, '… is answered');
same('rules not agreed to', qr/^the rules of use, version 1/, 'LP028', '', '', logon => 0);
same('a course', qr/^course drones$/, 'LP026', q{INSERT INTO lpr_data.course (code, title) VALUES ('drones', 'Drones')}, q{UPDATE lpr_data.course SET required = false WHERE code = 'drones'});
same('suspended', qr/^access 1: systems ATS/, 'LP025', sub { $node->answer('oversight1', "SELECT lpr.suspend_access(1, '$reason')") },
	sub { $node->answer('oversight1', "SELECT lpr.resume_access(1, '$reason')") });
same('another\'s login', qr/^a personal login$/, 'LP024', 'GRANT analyst1 TO analyst3', 'REVOKE analyst1 FROM analyst3');
same('a shared login', qr/^a personal login$/, 'LP024', q{UPDATE lpr_data.person SET kind = 'shared' WHERE login = 'analyst1'}, q{UPDATE lpr_data.person SET kind = 'personal' WHERE login = 'analyst1'});
same('closed', qr/^an open event to ask for$/, 'LP042', sub { $node->answer('analyst1', q{SELECT lpr.close_event(1, 'the sedan was found')}) }, '');
my $event = $node->answer('analyst1', q{SELECT lpr.open_event('Contraband again', 'contraband', 'title_19', 'SD-2026-00418', 'The silver sedan has a new owner, whose ways across have to be found.')});
$node->make_targets('lpr');
is(lacks('analyst1'), 'nothing', 'mended');
same('not recertified', qr/^access certified within a year$/, 'LP027', q{INSERT INTO lpr_data.recertification (person_id, at, lead_id, valid_until, reason)
	SELECT a.person_id, now() - interval '13 months', l.person_id, now() - interval '1 month', 'test' FROM lpr_data.person AS a, lpr_data.person AS l WHERE a.login = 'analyst1' AND l.login = 'lead1'}, '', event => $event);
is(sees('analyst1', 'SELECT state FROM lpr.recertifications'), 'overdue', '… and lpr.recertifications');
like(sees('newcomer1', q{SELECT what_to_do FROM lpr.my_access WHERE requirement = 'access'}), qr/first Sue Visor approves, then a system owner \(Owen Kerr\)/, 'a newcomer is told whom to ask');
like(sees('stranger', q{SELECT what_to_do FROM lpr.my_access WHERE requirement = 'a personal login'}), qr/ask an administrator \(Ada Minor\)/, '… and so is a login that is not registered');
$node->answer('admin1', q{SELECT lpr.retire_person('analyst1')});
is(events('analyst1'), 'none', 'who has left sees nothing more');
is(sees('analyst1', q{SELECT count(*) FROM lpr.my_access WHERE until IS NOT NULL OR requirement ~ '^access [0-9]'}), 0, '… nor does whoever has their login by then see what they had');
is(sees('supervisor1', q{SELECT count(*) FROM lpr.events WHERE owner = 'analyst1'}), 2, '… their supervisor still does');

# ---- what keeps it so ----

is($node->safe_psql('lpr', q{SELECT string_agg(c.relname, ',') FROM pg_class AS c WHERE c.relnamespace = 'lpr_data'::regnamespace AND c.relkind IN ('r', 'p')
	AND NOT (c.relrowsecurity AND c.relforcerowsecurity)}), '', 'row-level security is forced on every table, the log\'s included');
$node->safe_psql('lpr', 'ALTER TABLE lpr_data.checkpoint NO FORCE ROW LEVEL SECURITY');
is($node->safe_psql('lpr', 'SELECT lpr_data.guard_log()'), 'lpr_data.checkpoint', 'the guard of the log notices when it is not');
is($node->safe_psql('lpr', q{SELECT relforcerowsecurity FROM pg_class WHERE oid = 'lpr_data.checkpoint'::regclass}), 't', '… and puts it back');
is($node->safe_psql('lpr', q{SELECT count(*) FROM pg_auth_members WHERE roleid IN ('lpr_owner'::regrole, 'lpr_log'::regrole)}), 0, 'nobody is a member of the owners');
is($node->safe_psql('lpr', q{SELECT string_agg(DISTINCT relowner::regrole::text, ',') FROM pg_class WHERE relkind = 'v' AND relnamespace = 'lpr'::regnamespace}), 'lpr_owner', 'all views are the owner\'s');

# Nobody but the owner may anything with a table of the cache, and the owner neither reads nor changes it; so it was when the table became lpr's, or dumps would tell of it.
# Worlds of tests keep no answers unless they ask for it.
$node->answer('admin1', "SELECT lpr.set_cache_time('12 hours')");
$node->poll_query_until('lpr', q{SELECT count(DISTINCT left(relname, 10)) = 2 FROM pg_class WHERE relname ~ '^cache_(answer|read)_\d+$'})
	or die 'the purger made no tables of the cache';
is($node->safe_psql('lpr', q{SELECT count(*) > 0, string_agg(DISTINCT c.relacl::text, ' '), string_agg(DISTINCT i.initprivs::text, ' ') FROM pg_class AS c LEFT JOIN pg_init_privs AS i ON i.objoid = c.oid AND i.classoid = 'pg_class'::regclass
	WHERE c.relname ~ '^cache_(answer|read)_\d+$'}), 't|{lpr_owner=x/lpr_owner}|{lpr_owner=x/lpr_owner}', 'rights on the cache');

# Statistics are copies of what is in a table; dumps of 18 can hold them without the data.
$node->safe_psql('lpr', 'ANALYZE');
is($node->safe_psql('lpr', q{SELECT string_agg(tablename || '.' || attname, ' ') FROM pg_stats WHERE schemaname = 'lpr_data' AND concat(most_common_vals, histogram_bounds) ~ 'BULK1|7ABC123'}), '', 'no plate is in the statistics');
cmp_ok($node->safe_psql('lpr', q{SELECT count(*) FROM pg_stats WHERE schemaname = 'lpr_data' AND tablename = 'audit'}), '>', 5, '… which there are of the log, too');

# A dump keeps it; rights of views are not dumped as changed, nor are policies dumped twice.
my $file = $node->basedir . '/dump.sql';
PostgreSQL::Test::Utils::system_or_bail('pg_dump', '-U', 'postgres', '-f', $file, $node->connstr('lpr'));
my $dump = PostgreSQL::Test::Utils::slurp_file($file);
is(join('', $dump =~ /^((?:GRANT|REVOKE) .* lpr\..*\n|(?:GRANT|REVOKE) .* lpr_data\.(?!audit|checkpoint|delivery|log\b).*\n|CREATE POLICY.*\n|ALTER TABLE lpr_data\.(?!audit|checkpoint|delivery|log\b).* ROW .*\n)/mg), '', 'the dump leaves to CREATE EXTENSION what is its');

$node->stop;
done_testing();
