# access_restore: what people were entitled to, and what an administrator set, outlives a dump and a restore, guards and all, even while changes wait for the audit writer.
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('access_restore');
my $quick = LprTest::quick();
my %kept = (
	'what an administrator changed' => "SELECT purpose, title, active, shipped FROM lpr_data.purpose ORDER BY 1",
	authorities => 'SELECT * FROM lpr_data.authority ORDER BY 1', limits => 'SELECT * FROM lpr_data.search_limit ORDER BY 1', rates => 'SELECT * FROM lpr_data.rate_limit ORDER BY 1',
	reasons => 'SELECT * FROM lpr_data.empty_reason ORDER BY 1', courses => 'SELECT * FROM lpr_data.course ORDER BY 1', rules => 'SELECT version, text, author FROM lpr_data.rules ORDER BY 1',
	people => 'SELECT * FROM lpr_data.person ORDER BY 1', grants => 'SELECT * FROM lpr_data.access ORDER BY 1', steps => 'SELECT * FROM lpr_data.access_step ORDER BY 1, 2', training => 'SELECT * FROM lpr_data.training ORDER BY 1, 2',
	recertifications => 'SELECT * FROM lpr_data.recertification ORDER BY 1', events => 'SELECT * FROM lpr_data.event ORDER BY 1', members => 'SELECT * FROM lpr_data.event_member ORDER BY 1, 2',
	extensions => 'SELECT * FROM lpr_data.event_extension ORDER BY 1, 2');

$node->answer('admin1', "SELECT lpr.add_purpose('suspect', 'Identify a suspect'), lpr.retire_authority('title_31'), lpr.add_purpose('amber', 'Abducted child'), lpr.set_rate_limit('person', 'hour', 777),
	lpr.set_search_limit('location', 7000, '7 days', 70, 7), lpr.add_empty_reason('case'), lpr.add_empty_reason('operation condor'), lpr.add_course('ethics', 'Ethics'), lpr.retire_course('ethics')");
$node->answer('privacy1', "SELECT lpr.set_rules('Name the matter. $LprTest::clauses')");
my $granted = $node->grant('newcomer1');
$node->answer('newcomer1', "SELECT lpr.request_access('{AFI}', '{acme}', '{plate}', 'Has to find out who parks grey lorries in the yard behind the depot.')", logon => 0);
$node->answer('lead1', "SELECT lpr.recertify('newcomer1', 'Still looks for stolen vans every day, as the log shows.')");
my $event = $node->open_event('analyst1');
$node->answer('analyst1', "SELECT lpr.add_member($event, 'analyst2'), lpr.extend_event($event, now() + interval '200 days', 'The van was seen once more on the coast road, by a patrol.')", logon => 0);
$node->answer('analyst2', "SELECT lpr.close_event(2, 'Vehicle found, suspect arrested')", logon => 0);
my $changes = 'SELECT count(*) FROM lpr_data.change';

for my $round ('while changes wait', 'when none waits')
{
	my %was = map { $_ => $node->answer('postgres', $kept{$_}) } keys %kept;
	my $dump = $node->basedir . '/dump.sql';

	my $writer = $round =~ /while/ ? $node->hold_writer : undef;
	$node->answer('postgres', "UPDATE lpr_data.purpose SET title = 'Child' WHERE purpose = 'amber'; UPDATE lpr_data.purpose SET title = 'Abducted child' WHERE purpose = 'amber'") if $writer;
	command_ok([ 'pg_dump', '-d', $node->connstr('lpr'), '-f', $dump ], "a dump $round");
	$node->let_go($writer) if $writer;
	# Beside it, since the audit writer looks after what is called lpr.
	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('restored'), '-f', $dump ], '… is restored');
	$node->safe_psql('postgres', 'DROP DATABASE lpr WITH (FORCE)');
	$node->safe_psql('postgres', 'ALTER DATABASE restored RENAME TO lpr');
	is($node->answer('postgres', $kept{$_}), $was{$_}, "… $_") for sort keys %kept;
	LprTest::eventually(sub { $node->answer('postgres', 'SELECT state FROM lpr_data.writer()') eq 'ready' });
	is($node->answer('analyst1', $quick), 1, '… a question is asked');
	ok(LprTest::eventually(sub { $node->answer('postgres', $changes) == 0 }), '… and no change waits');
	is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE login = 'postgres' AND payload::json->>'command' = 'restore' AND (payload::json->>'change')::json->>'table' = 'lpr_data.purpose'"), 2, '… what waited is on record, as what whoever restored brought');
	like($node->messages('postgres', $_), qr/ERROR: +(?:LP034|23514|23505)/, "… refused: $_") for "UPDATE lpr_data.access SET ends_at = ends_at + interval '1 day' WHERE access_id = $granted", 'DELETE FROM lpr_data.training',
		'UPDATE lpr_data.event SET closed_at = NULL, outcome = NULL WHERE event_id = 2', "UPDATE lpr_data.course SET required = false WHERE code = 'privacy'", 'UPDATE lpr_data.rate_limit SET questions = 0';
	$node->refused('… a second request', 'newcomer1', "SELECT lpr.request_access('{AFI}', '{acme}', '{plate}', 'Has to find out who parks blue lorries in the yard of the old mill.')", 'A1', 'LP034');
	is($node->open_event('analyst1') > $event, 1, '… numbers go on');
	$node->answer('admin1', "SELECT lpr.set_rate_limit('person', 'day', 4444)");
}
$node->sound('in the end', log => 0);
$node->stop;
done_testing();
