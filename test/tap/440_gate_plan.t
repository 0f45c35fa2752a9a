# gate plan: the writer decides by one plan for all questions. Whatever of policy, of rights or of the rules themselves was changed holds for the next question.
use strict;
use warnings;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('gate_plan');
my ($session) = $node->session('analyst1');
my $read = LprTest::quick();

# What a question comes to: an SQLSTATE, or the empty string.
sub verdict
{
	my ($out, $err) = $node->converse($session, $read);
	return $err =~ /ERROR: +(\w{5})/ ? $1 : $err =~ /WARNING/ ? $err : ''; # what is told of an answer is no complaint
}

# Does something, holds the next question against an SQLSTATE, undoes it, and the question after that is asked again.
sub holds
{
	my ($name, $do, $expected, $undo) = @_;

	$node->answer('postgres', $do);
	is(verdict(), $expected, "$name: refused at once");
	$node->answer('postgres', $undo);
	is(verdict(), '', '… and at once no longer');
	return;
}

is(verdict(), '', 'a question') for 1 .. 3;
holds('a source that is disabled', "UPDATE lpr_data.source SET enabled = false WHERE name = 'acme'", 'LP003', "UPDATE lpr_data.source SET enabled = true WHERE name = 'acme'");
holds('a right that is revoked', 'REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user', 'LP004', 'GRANT USAGE ON FOREIGN SERVER acme TO lpr_user');
holds('a rule that is replaced', "CREATE SCHEMA kept; CREATE TABLE kept.rule AS SELECT pg_get_functiondef('lpr_data.gate_session'::regproc) AS sql; " .
	  "DO \$\$ BEGIN EXECUTE replace((SELECT sql FROM kept.rule), 'WHEN (q.same_user)', 'WHEN (NOT q.same_user)'); END \$\$",
	'LP021', 'DO $$ BEGIN EXECUTE (SELECT sql FROM kept.rule); END $$');
# Then neither the person nor the event is known.
for ([ session => 'LP041' ], [ person => '42501' ], [ question => '42501' ])
{
	my ($part, $state) = @$_;
	my $as_it_is = $node->answer('postgres', "SELECT pg_get_functiondef('lpr_data.gate_$part'::regproc)");
	(my $silent = $as_it_is) =~ s/\n(\$function\$)\s*$/\n    WHERE false\n$1/;

	isnt($silent, $as_it_is, "the gate's part $part, without a row");
	holds("a part that says nothing, $part", $silent, $state, $as_it_is);
}
holds('what a rule calls', 'CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN date \'1999-12-31\'', 'LP003',
	"CREATE OR REPLACE FUNCTION lpr_data.utc_today() RETURNS date LANGUAGE sql VOLATILE RETURN (clock_timestamp() AT TIME ZONE 'UTC')::date");
holds('a table that is rebuilt', 'ALTER TABLE lpr_data.source ADD COLUMN more integer; UPDATE lpr_data.source SET enabled = false; VACUUM FULL lpr_data.source', 'LP003',
	'UPDATE lpr_data.source SET enabled = true; ALTER TABLE lpr_data.source DROP COLUMN more');
$node->sound('in the end');
done_testing();
