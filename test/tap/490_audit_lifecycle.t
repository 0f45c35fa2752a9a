# audit_lifecycle: the extension goes, comes and is updated, the database goes, while questions are asked.
use strict;
use warnings;
use LprAudit;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->start_staged('audit_lifecycle', conf => "max_connections = 110\n");
is($node->answer('analyst1', LprTest::quick()), 1, 'a question');

# ---- ALTER EXTENSION UPDATE ----

# A new extension keeps answers until it is told not to.
my $asks = LprTest::quick() . ' AND NOT from_cache;';
my $swarm = $node->swarm($LprTest::crowd, pause => 0.3, sql => $asks);
ok($node->await_acks($swarm, $LprTest::crowd), 'answers come');
my ($owner) = $node->session('postgres');
my $extensions = $ENV{LPR_EXTENSIONS};
my $version = $owner->query("SELECT extversion FROM pg_extension WHERE extname = 'lpr'");
append_to_file("$extensions/lpr--$version--test.sql", <<'SQL');
CREATE OR REPLACE FUNCTION lpr_data.has_dialect_mode(source text, mode text) RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT mode IN ('plate', 'location') $$;
ALTER TABLE lpr_data.source ADD COLUMN note text;
-- Until a question waits for it.
DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted) LOOP PERFORM pg_sleep(0.05); END LOOP; END $$; -- time: between two looks
SQL
# Back to what the library is of: under another version nothing is asked (760_upgrade).
append_to_file("$extensions/lpr--test--$version.sql", 'SELECT 1;');
is(($node->converse($owner, "BEGIN; ALTER EXTENSION lpr UPDATE TO 'test'; ALTER EXTENSION lpr UPDATE TO '$version'; COMMIT"))[1], '', 'ALTER EXTENSION UPDATE beside questions');
ok($node->await_acks($swarm, $LprTest::crowd), '… which go on to be answered');
is($owner->query("SELECT l.lanname FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang WHERE p.oid = 'lpr_data.has_dialect_mode(text, text)'::regprocedure"), 'sql', '… by what was changed');
my $writer = $node->writer;
my @acks = $node->swarm_acks($swarm);
$node->sound('after the update', acks => \@acks);

# ---- DROP EXTENSION ----

$node->converse($owner, 'BEGIN; DROP EXTENSION lpr CASCADE');
is(($node->converse($owner, 'ROLLBACK'))[1], '', 'DROP EXTENSION, rolled back');
ok($node->await_acks($swarm, $LprTest::crowd), '… and answers come');
my $head = $node->head;
is(($node->converse($owner, 'SET client_min_messages = error; DROP EXTENSION lpr CASCADE'))[1], '', 'DROP EXTENSION beside questions');
ok(LprTest::eventually(sub { $node->swarm_errors($swarm) =~ /42P01|3F000/ }), '… which fail');
cmp_ok($node->head, '>=', $head, 'the log stays');
is($node->writer, $writer, 'the writer takes no harm');
unlink "$extensions/lpr--$version--test.sql", "$extensions/lpr--test--$version.sql";
$node->stage_again('lpr');
ok($node->await_acks($swarm, $LprTest::crowd), 'with a new extension answers come again');
@acks = $node->swarm_end($swarm);
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'start'"), 1, '… in the same log');
like($node->messages('postgres', 'DELETE FROM lpr_data.audit'), qr/LP031/, '… which is guarded');
$node->sound('after a new extension', acks => \@acks);
$owner->quit;

# ---- DROP DATABASE ----

like($node->messages('postgres', 'DROP DATABASE lpr', database => 'postgres'), qr/ERROR: +55006/, 'the database of the log is not dropped while its writer runs');
$swarm = $node->swarm(16, sql => $asks);
ok($node->await_acks($swarm, 16), 'answers come');
$node->answer('postgres', 'DROP DATABASE lpr WITH (FORCE)', database => 'postgres');
ok(LprTest::eventually(sub { LprTest::gone($writer) }), 'DROP DATABASE … WITH (FORCE) ends the writer');
ok(LprTest::eventually(sub { $node->writer ne $writer }), '… the next one waits for a database');
$node->swarm_end($swarm);
$node->vendor_forget;
$node->stage('lpr');
ok($node->await_answers, 'in a new database questions are answered');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'start' AND number = 1"), 1, '… in a new log');
$node->sound('there');
is(slurp_file($node->logfile) =~ /terminated by signal/ ? 'died' : 'no', 'no', 'no process died of all that');
$node->stop;
done_testing();
