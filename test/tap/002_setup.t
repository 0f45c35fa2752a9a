# setup: where lpr does not work it says so: databases of another encoding, libraries of another version.
use strict;
use warnings;
use LprTest;
use Test::More;

# ---- a database that is not UTF-8 ----
my $node = LprTest->make('latin');
$node->start;
for my $encoding (qw(LATIN1 SQL_ASCII))
{
	$node->answer('postgres', "CREATE DATABASE lpr TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'", database => 'postgres');
	my $said = $node->messages('postgres', 'CREATE EXTENSION lpr CASCADE');
	like($said, qr/ERROR: +0A000: lpr does not work in a database of encoding $encoding\nDETAIL: .*\nHINT: +CREATE DATABASE .* ENCODING 'UTF8'/,
		"$encoding: CREATE EXTENSION refuses");
	is($node->answer('postgres', "SELECT count(*) FROM pg_extension WHERE extname = 'lpr'"), 0, '… and leaves nothing');
	$node->answer('postgres', 'DROP DATABASE lpr WITH (FORCE)', database => 'postgres'); # the audit writer may be in it by now
}
# Clients may use any.
$node->vendor_start;
$node->stage('lpr');
is($node->answer('analyst1', "SET client_encoding = 'LATIN1'; SELECT lpr.normal_plate(E'\\u00F1-a') = E'\\u00D1A', lpr.normal_plate('\xF1') = E'\\u00D1'"), 't|t',
	'a client of another encoding');

# ---- a library of another version than the extension ----
my $question = "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK3'";
my ($session) = $node->session('analyst1');
is(($node->converse($session, $question))[0], 3, 'both of one version');
$node->answer('postgres', "UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'lpr'");
my $said = $node->messages('analyst1', $question);
like($said, qr/ERROR: +55000: the library is lpr \d+\.\d+\.\d+ and the extension is lpr 0\.0\.1\nDETAIL: .*\nHINT: +ALTER EXTENSION lpr UPDATE;/,
	'another version of the extension is an error');
$node->vendor_forget;
$node->messages('analyst1', $question);
is(scalar $node->vendor_log, 0, '… and nobody is asked');
like($node->answer('analyst1', "EXPLAIN $question"), qr/Source: acme/, '… though a question can be explained');
is(($node->converse($session, $question))[0], 3, 'a session that looked before goes on');
$node->answer('postgres', "UPDATE pg_extension SET extversion = (SELECT default_version FROM pg_available_extensions WHERE name = 'lpr') WHERE extname = 'lpr'");
is($node->answer('analyst1', $question), 3, 'put right, it asks again');

# ---- without a source ----
$node->answer('postgres', "SELECT lpr.remove_source(name) FROM unnest('{acme,birdseye,curbside}'::text[]) AS name");
my ($status, $out, $err) = $node->ask('analyst1', "SELECT count(*) FROM lpr.search_plate('BULK3')");
is($out, 0, 'without any source there are no rows');
like($err, qr/NOTICE:  there is no source to ask\nHINT:  .*lpr\.add_source/, '… and it is told why');

$session->quit;
$node->stop;
done_testing();
