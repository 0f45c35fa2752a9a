# pooler: from where people connect is named; behind a pooler nothing outlasts a transaction, and each of them says what it goes by (A5, A6, Q7). With PgBouncer.
use strict;
use warnings;
use LprAccess;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprTest->make('pooler', conf => "listen_addresses = '127.0.0.1'\n", world => 1);
my $pgdata = $node->data_dir;
run_log([ 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30', '-subj', '/CN=localhost', '-keyout', "$pgdata/server.key", '-out', "$pgdata/server.crt" ],
	'2>', '/dev/null') or die 'openssl';
chmod 0600, "$pgdata/server.key";
$node->append_conf('postgresql.conf', "ssl = on\n");
$node->clock_to_noon;
$node->start;
$node->vendor_start;
$node->stage('lpr');
my ($base, $port) = ($node->basedir, $node->port);
my ($mine, $other) = map { $node->own_event($_) } 990001, 990002;

# ---- PgBouncer: one session of the server for all clients of a login ----

my %pooler;
sub pooler
{
	my ($name, $mode, $host) = @_;
	my $directory = "$base/$name";

	mkdir $directory or die "$directory: $!";
	append_to_file("$directory/users", qq{"analyst1" ""\n"analyst2" ""\n});
	append_to_file("$directory/ini", <<"END");
[databases]
lpr = $host port=$port dbname=lpr
[pgbouncer]
auth_type = trust
auth_file = $directory/users
listen_addr =
listen_port = 6432
unix_socket_dir = $directory
server_tls_sslmode = require
pool_mode = $mode
default_pool_size = 1
max_client_conn = 50
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits,options
logfile = $directory/log
pidfile = $directory/pid
END
	system_or_bail('pgbouncer', '-d', '-q', "$directory/ini");
	die "pgbouncer did not start" unless LprTest::eventually(sub { -s "$directory/pid" && -S "$directory/.s.PGSQL.6432" });
	($pooler{$name}) = slurp_file("$directory/pid") =~ /(\d+)/;
	return "host=$directory port=6432 dbname=lpr";
}
END { local $?; kill 'TERM', $_ for values %pooler }

# A client of a pooler, or one that is connected directly: its session.
sub client
{
	my ($connection, $login) = @_;
	my ($session) = $node->session($login //= 'analyst1', logon => 0);

	$node->converse($session, "\\c \"$connection user=$login\"");
	return $session;
}
sub say_ { my ($session, $sql) = @_; return $node->converse($session, $sql) }
sub state_ { my ($session, $sql) = @_; my ($out, $err) = say_($session, $sql); return $err =~ /ERROR: +(\w{5})/ ? $1 : $out }
sub question { my ($plate) = @_; return "SELECT count(*) FROM lpr.reads WHERE plate = '$plate' AND source = 'acme'" }
my $quick = question('BULK1');
my $agree = "SELECT code FROM lpr.rules() \\gset c_\nSELECT lpr.accept_rules(:'c_code')";

my $tcp = client("host=127.0.0.1 sslmode=require port=$port dbname=lpr");

# ---- from elsewhere ----

my $head = $node->head;
is(state_($tcp, "SELECT code FROM lpr.rules() \\gset c_\nSELECT lpr.accept_rules(:'c_code')"), 'LP037', 'from a network that nobody named the rules are not agreed to');
is(state_($tcp, "SELECT lpr.work_on($mine)"), 'LP037', '… nothing is worked on');
my ($out, $err) = say_($tcp, $quick);
like($err, qr/LP037: you are connected from a network that is not the agency's\nDETAIL: .*\nHINT: +Ask an administrator: SELECT lpr.add_client_network\('127.0.0.1', 'direct'\);/s, '… and nothing is asked');
is($node->records_after($head, "kind = 'refused'"), join("\n", ('refused analyst1 A6 LP037') x 2, 'refused analyst1 acme A6 LP037'), '… on record');
like(($node->converse($tcp, "SELECT holds, what_to_do FROM lpr.my_access WHERE requirement LIKE 'a connection%'"))[0], qr/^f\|Ask .*: SELECT lpr.add_client_network\('127.0.0.1', 'direct'\);$/, '… and lpr.my_access says so');
is(state_($tcp, 'SELECT network, kind FROM lpr.client_networks'), 'local|direct', 'sockets of the machine are named as it comes');
like($node->messages('admin1', "SELECT lpr.add_client_network('$_->[0]', '$_->[1]')"), qr/ERROR: +$_->[2]/, "add_client_network('$_->[0]', '$_->[1]'): $_->[2]")
	for [ 'nowhere', 'direct', '22P02' ], [ '10.0.0.1/8', 'direct', '22P02' ], [ '10.0.0.0/8', 'sideways', '22023' ], [ '10.0.0.0/8', 'none', '22023' ];
like($node->messages('admin1', "SELECT lpr.add_client_network($_->[0])"), qr/ERROR: +22023: network $_->[1]: not a network.*\nDETAIL: .*\nHINT: /s, "add_client_network($_->[0])")
	for [ "NULL, 'direct'", 'NULL, kind direct' ], [ "'10.0.0.0/8', NULL", '10.0.0.0/8, kind NULL' ];
like($node->messages('admin1', 'SELECT lpr.remove_client_network(NULL)'), qr/ERROR: +42704: network NULL is not one/, 'remove_client_network(NULL)');
like($node->messages('analyst1', "SELECT lpr.add_client_network('127.0.0.1', 'direct')"), qr/42501/, 'an analyst names none');
$node->answer('admin1', "SELECT lpr.add_client_network('127.0.0.0/8', 'direct')");
is(state_($tcp, "$agree \\g $base/none\nSELECT lpr.work_on($mine) \\g $base/none\n$quick"), 1, 'from a direct one they are, for the session');
is(state_($tcp, $quick), 1, '… and the next transaction');

# An answer that is under way ends with the network.
is(state_($tcp, "BEGIN; DECLARE c CURSOR FOR SELECT read_id FROM lpr.reads WHERE plate = 'BULK300' AND source = 'acme'; FETCH 1 FROM c") =~ /^\w+$/, 1, 'a cursor');
$node->answer('admin1', "SELECT lpr.remove_client_network('127.0.0.0/8')");
is(state_($tcp, 'FETCH ALL FROM c'), 'LP037', '… whose network is taken away');
state_($tcp, 'ROLLBACK');
like($node->messages('admin1', "SELECT lpr.remove_client_network('127.0.0.0/8')"), qr/ERROR: +42704.*HINT/s, 'once');
$node->answer('admin1', "SELECT lpr.remove_client_network('local')");
like($node->messages('analyst1', $quick, logon => 0), qr/LP037.*add_client_network\('local', 'direct'\)/s, 'a socket is a network as well');
is($node->answer('postgres', "SELECT kind, shipped FROM lpr_data.client_network WHERE network = 'local'"), 'none|f', '… of which a dump says that it was removed');
is($node->answer('postgres', "BEGIN; DELETE FROM lpr_data.client_network; INSERT INTO lpr_data.client_network VALUES ('local', 'direct', true), ('local', 'none', false); SELECT string_agg(kind, ' ') FROM lpr_data.client_network; ROLLBACK") =~ s/\s+//gr, 'none', '… and a restore as well');
is($node->answer('admin1', 'SELECT count(*) FROM lpr.client_networks'), 0, '… and which is not shown');
like($node->messages('admin1', "SELECT lpr.remove_client_network('local')"), qr/ERROR: +42704/, '… once');
$node->answer('admin1', "SELECT lpr.add_client_network('local', 'direct')");

# ---- a pooler of transactions ----

my $by = pooler('transactions', 'transaction', 'host=127.0.0.1');
my @clients = map { client($by) } 1 .. 2;
$node->answer('admin1', "SELECT lpr.add_client_network('127.0.0.0/8', 'direct')");
say_($clients[0], "BEGIN; $agree \\g $base/none\nSELECT lpr.work_on($mine); COMMIT");
is(state_($clients[1], $quick), 1, 'what happens when a pooler is taken for a client: one agrees, another one is answered');
$node->answer('admin1', "SELECT lpr.add_client_network('127.0.0.1', 'pooler')");
is(state_($_, 'SELECT pg_backend_pid()'), state_($clients[0], 'SELECT pg_backend_pid()'), 'all have one session of the server') for $clients[1];

# Networks overlap: pooler wins.
$head = $node->head;
is(state_($clients[1], $quick), 'LP028', 'named for what it is: that agreement is worth nothing');
like((say_($clients[0], $quick))[1], qr/LP028: behind a pooler what was agreed to holds for one transaction\nDETAIL: .*\nHINT: +BEGIN; SELECT \* FROM lpr.rules\(\); then/s, '… nor to whom agreed');
is($node->records_after($head, "kind IN ('ask', 'refused')"), join("\n", ('refused analyst1 acme A5 LP028') x 2), '… on record');
is(state_($clients[1], "BEGIN; $agree \\g $base/none\n$quick"), 'LP040', '… nor is the event that was worked on before: who agrees now has none');
state_($clients[1], 'ROLLBACK');
is(state_($clients[0], "BEGIN; SELECT lpr.work_on($mine) \\g $base/none\n$agree \\g $base/none\n$quick"), 1, '… but what was named in this transaction stays');
state_($clients[0], 'ROLLBACK');
for my $done ('COMMIT', 'ROLLBACK')
{
	is(state_($clients[0], "BEGIN; $agree \\g $base/none\nSELECT lpr.work_on($mine) \\g $base/none\n$quick"), 1, 'in one transaction one agrees, works and asks');
	is(state_($clients[0], "SAVEPOINT s; ROLLBACK TO s; $quick"), 1, '… before and after a savepoint');
	is(state_($clients[0], 'SELECT count(*) FROM lpr.last_query()'), 1, '… and sees what was asked');
	state_($clients[0], $done);
	is(state_($clients[1], 'SELECT count(*) FROM lpr.last_query()'), 0, "$done: the next one does not");
	is(state_($clients[0], $quick), 'LP028', "$done: the next one has not agreed");
	is(state_($clients[1], 'SELECT count(*) FROM lpr.my_access WHERE requirement LIKE \'the rules%transaction\' AND NOT holds'), 1, '… and lpr.my_access says so');
	is(state_($clients[1], "BEGIN; $agree \\g $base/none\n$quick"), 'LP040', '… nor does it work on that event');
	state_($clients[1], 'ROLLBACK');
}

# ---- by a token ----

sub token { my ($session) = @_; my ($said) = say_($session, "BEGIN; $agree; COMMIT"); return $said =~ /SELECT lpr\.resume\('([0-9a-f]{64})', event => \.\.\.\);$/ ? $1 : die $said }
sub within { my ($session, $token, $event, $sql) = @_; my $state = state_($session, "BEGIN; SELECT lpr.resume('$token', $event) \\g $base/none\n$sql"); state_($session, 'COMMIT'); return $state }
my @tokens = map { token($_) } @clients;
isnt($tokens[0], $tokens[1], 'each agreement has a token of its own');
unlike($node->answer('postgres', "SELECT string_agg(payload::text, ' ') FROM lpr_data.audit WHERE kind IN ('consent', 'change')"), qr/$tokens[0]/, '… which nobody keeps');
my @events = ($mine, $other);
$head = $node->head;
my @seen;
for my $i (1 .. 12) { push @seen, within($clients[ $i % 2 ], $tokens[ $i % 2 ], $events[ $i % 2 ], question('BULK' . (10 + $i % 2))) }
is("@seen", join(' ', map { 10 + $_ % 2 } 1 .. 12), 'two clients in turn are answered');
is($node->answer('postgres', "SELECT string_agg(DISTINCT event_id || ' ' || (payload::json->>'plates'), ', ' ORDER BY event_id || ' ' || (payload::json->>'plates')) FROM lpr_data.audit WHERE kind = 'ask' AND number > $head") =~ s/[\[\]"]//gr,
	"$mine BULK10, $other BULK11", '… each for its own event, on record');
is(state_($clients[0], $quick), 'LP028', 'without it nothing is asked');
is(state_($clients[0], "BEGIN READ ONLY; SELECT lpr.resume('$tokens[0]', $mine) \\g $base/none\n$quick"), 1, 'a transaction that only reads');
state_($clients[0], 'COMMIT');
is(within($clients[0], $tokens[0], 'NULL', $quick), 'LP040', 'without an event');
is(within($clients[0], $tokens[0], 2, $quick), 'LP041', "somebody else's event");
for my $wrong ('', 'x', $tokens[0] =~ tr/0-9a-f/1-9a-f0/r)
{
	is(state_($clients[0], "SELECT lpr.resume('$wrong', $mine)"), 'LP028', "another token: LP028");
}
is(state_($clients[0], "SELECT lpr.resume(NULL)"), 'LP028', 'none: LP028');
is(state_(client($by, 'analyst2'), "SELECT lpr.resume('$tokens[0]', 2)"), 'LP028', "somebody else's token: LP028");
is(state_($clients[0], "SET ROLE lpr_user; SELECT lpr.resume('$tokens[0]', $mine) \\g $base/none\nRESET ROLE"), '', 'SET ROLE does not matter');

# An agreement is a record; what stands in the table without one is worth nothing.
my $consent = sub { my ($login) = @_; return "(SELECT max(number) FROM lpr_data.audit WHERE kind = 'consent' AND login = '$login')" };
my $planted = 0;
my $plant = sub {
	my ($number) = @_;
	$node->answer('postgres', "INSERT INTO lpr_data.consent_token (digest, person_id, versions, consent, agreed_at, used_at) SELECT sha256('mine" . ++$planted . "'::bytea), person_id, '1', $number, clock_timestamp(), clock_timestamp() FROM lpr_data.person WHERE login = 'analyst1'");
	return within($clients[0], "mine$planted", $mine, $quick);
};
$node->answer('analyst2', 'SELECT 1');
is($plant->($consent->('analyst1')), 1, 'a token of an agreement that is on record');
is($plant->($_), 'LP028', "none: $_") for 0, $consent->('analyst2'), "(SELECT max(number) FROM lpr_data.audit WHERE kind = 'ask' AND login = 'analyst1')";

# From a network that is direct it is refused, and ends nothing.
my ($direct) = $node->session('analyst1');
is(state_($direct, "SELECT lpr.work_on($mine) \\g $base/none\n$quick"), 1, 'a session of one\'s own');
like((say_($direct, "SELECT lpr.resume('$tokens[0]', $other)"))[1], qr/LP028: a token is for those behind a pooler\nDETAIL: .*\nHINT: +SELECT \* FROM lpr.rules\(\);/s, '… takes no token');
is(state_($direct, $quick), 1, '… and goes on as before');
$direct->quit;

# In a transaction that only reads nobody agrees.
like((say_($clients[0], "BEGIN READ ONLY; SAVEPOINT s; $agree"))[1], qr/ERROR: +25006: the rules are not agreed to in a transaction that only reads\nDETAIL: .*\nHINT: +BEGIN READ WRITE;/s, 'a transaction that only reads: the rules are not agreed to');
is(state_($clients[0], "ROLLBACK TO s; $quick"), 'LP028', '… not even by halves');
state_($clients[0], 'ROLLBACK');

# Side by side: those that are over go with one of them, and use is noted by one of them.
$node->answer('postgres', "UPDATE lpr_data.consent_token SET agreed_at = agreed_at - interval '13 hours' WHERE digest = sha256('mine1')");
my $second = client($by, 'analyst2');
say_($clients[0], "BEGIN; $agree");
like((say_($second, "BEGIN; SET LOCAL lock_timeout = '10s'; $agree"))[0], qr/lpr\.resume/, 'two agree, one does not wait for the other');
state_($_, 'COMMIT') for $clients[0], $second;
$node->answer('postgres', "UPDATE lpr_data.consent_token SET agreed_at = agreed_at - interval '13 hours' WHERE digest = sha256('mine2')");
say_($second, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT code FROM lpr.rules() \\gset c_\n");
token($clients[0]);
like((say_($second, "SELECT lpr.accept_rules(:'c_code')"))[0], qr/lpr\.resume/, '… nor fail when the other one was first');
state_($second, 'COMMIT');
my ($shared) = token($second);
my $same = client("host=127.0.0.1 sslmode=require port=$port dbname=lpr", 'analyst2');
$node->answer('postgres', "UPDATE lpr_data.consent_token SET used_at = used_at - interval '10 minutes'");
state_($second, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.rules()");
is(state_($same, "BEGIN; SELECT lpr.resume('$shared') \\g $base/none\nCOMMIT"), '', 'a token is used');
is(state_($second, "SELECT lpr.resume('$shared') \\g $base/none\n"), '', '… and by a transaction that sees the table as it was before');
state_($second, 'COMMIT');
$same->quit;
$second->quit;

# Who was away within a transaction renews, and the hours are those of the agreement.
my ($kept) = token($clients[0]);
my $agreed_at = sub { return $node->answer('postgres', 'SELECT max(agreed_at), count(*) FROM lpr_data.consent_token') };
my ($first, $tokens) = split /\|/, $agreed_at->();
say_($clients[0], "BEGIN; SELECT lpr.resume('$kept', $mine)");
$node->move_clock(31 * 60);
like((say_($clients[0], "SAVEPOINT s; $quick"))[1], qr/LP028: you were away for some time\nDETAIL: .*\nHINT: +ROLLBACK; BEGIN; SELECT \* FROM lpr.rules\(\);/s, 'away within a transaction: a code that ends with it is no help');
like((say_($clients[0], "ROLLBACK TO s; SELECT substring(what_to_do FROM chr(39) || '(.*)' || chr(39)) AS code FROM lpr.my_access WHERE requirement LIKE 'the rules%' \\gset c_\nSELECT lpr.accept_rules(:'c_code')"))[0], qr/lpr\.resume/, '… but a renewal');
is(state_($clients[0], $quick), 1, '… by which it goes on');
state_($clients[0], 'COMMIT');
is($agreed_at->(), "$first|" . ($tokens + 1), '… a token that ends no later');
@tokens = map { token($_) } @clients;

# Over: away, too long ago, other rules.
$node->answer('postgres', "UPDATE lpr_data.consent_token SET used_at = used_at - interval '29 minutes'");
is(within($clients[0], $tokens[0], $mine, $quick), 1, 'used half an hour ago, almost');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.consent_token WHERE used_at > clock_timestamp() - interval '10 minutes'"), 1, '… which is noted');
is(within($clients[1], $tokens[1], $other, $quick), 1, '… each for itself');
$node->answer('postgres', "UPDATE lpr_data.consent_token SET used_at = used_at - interval '31 minutes'");
like((say_($clients[0], "SELECT lpr.resume('$tokens[0]', $mine)"))[1], qr/LP028: you were away for some time\n/, 'nobody was there for half an hour');
@tokens = map { token($_) } @clients;
$node->answer('postgres', "UPDATE lpr_data.consent_token SET agreed_at = agreed_at - interval '13 hours' WHERE used_at > clock_timestamp() - interval '10 minutes'");
like((say_($clients[0], "SELECT lpr.resume('$tokens[0]', $mine)"))[1], qr/LP028: you agreed to the rules too long ago\n/, 'half a day ago');
@tokens = map { token($_) } @clients;
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.consent_token WHERE agreed_at < clock_timestamp() - interval '12 hours'"), 0, 'those that are over go with the next');
state_($clients[0], "BEGIN; SELECT lpr.resume('$tokens[0]', $mine)");
$node->answer('privacy1', "SELECT lpr.set_rules('New rules of use, which say more. $LprTest::clauses')");
is(state_($clients[0], $quick), 'LP028', 'new rules: an agreement within a transaction is over');
state_($clients[0], 'ROLLBACK');
like((say_($clients[0], "SELECT lpr.resume('$tokens[0]', $mine)"))[1], qr/LP028: the rules have changed since you agreed to them\n/, '… and so is the token');
($tokens[0]) = token($clients[0]);
is(within($clients[0], $tokens[0], $mine, $quick), 1, 'agreed to anew');

$node->answer('admin1', "SELECT lpr.remove_client_network('127.0.0.1'), lpr.remove_client_network('127.0.0.0/8')");
is(state_($clients[0], "SELECT lpr.resume('$tokens[0]', $mine)"), 'LP037', 'from elsewhere it is good for nothing');
$node->answer('admin1', "SELECT lpr.add_client_network('127.0.0.0/8', 'direct')");

# ---- a pooler of sessions ----

$_->quit for splice @clients;
my $sessions = pooler('sessions', 'session', 'host=127.0.0.1');
my $one = client($sessions);
is(state_($one, "$agree \\g $base/none\nSELECT lpr.work_on($mine) \\g $base/none\n$quick"), 1, 'a pooler of sessions: one agrees and asks');
is(state_($one, $quick), 1, '… for the session');
my $its = state_($one, 'SELECT pg_backend_pid()');
$one->quit;
my $two = client($sessions);
is(state_($two, 'SELECT pg_backend_pid()'), $its, 'the next client has that session');
is(state_($two, $quick), 'LP028', '… without its agreement');
$two->quit;

# ---- what can be told without being said ----

$head = $node->head;
my $socket = client(pooler('socket', 'session', 'host=' . $node->host));
is(state_($socket, "$agree \\g $base/none"), '', 'through a socket');
is($node->records_after($head, "kind = 'consent' OR control = 'A5' AND kind = 'flag'"), "consent analyst1 A5\nflag analyst1 A5", 'a pooler on this machine is flagged');
like($node->answer('postgres', "SELECT payload::json->>'what' FROM lpr_data.audit WHERE kind = 'flag' AND control = 'A5' ORDER BY number DESC LIMIT 1"), qr/the client of login "analyst1" is pgbouncer, which may hand the session on/, '… by its name');
$socket->quit;
my $report = sub { return $node->answer('postgres', "SELECT string_agg(severity || ' ' || finding, '; ' ORDER BY finding) FROM lpr.security_report() WHERE finding ~ 'the agency''s network|a pooler at'") };
is($report->(), '', 'nothing to report');
for my $wide ([ '0.0.0.0/1', '128.0.0.0/1' ], [ '10.0.0.0/7' ], [ '8000::/1', '::/1' ], ['2000::/15'])
{
	$node->answer('admin1', "SELECT lpr.add_client_network(w, 'direct') FROM unnest('{" . join(',', @$wide) . "}'::text[]) AS w");
	is($report->(), join('; ', map { "medium every address of $_ counts as the agency's network" } @$wide), "@$wide: too wide");
	$node->answer('admin1', "SELECT lpr.remove_client_network(w) FROM unnest('{" . join(',', @$wide) . "}'::text[]) AS w");
}
$node->answer('admin1', "SELECT lpr.add_client_network(i || '.0.0.0/8', 'direct') FROM generate_series(1, 127) AS i");
is($report->(), '', 'many are not yet half');
$node->answer('admin1', "SELECT lpr.add_client_network('10.1.0.0/16', 'direct')");
is($report->(), '', '… nor one that another one holds');
$node->answer('admin1', "SELECT lpr.add_client_network('0.0.0.0/8', 'direct')");
is($report->(), "medium half of all addresses of IPv4, or more, count as the agency's network", 'half of all, by many');
$node->answer('admin1', "SELECT lpr.remove_client_network(i || '.0.0.0/8') FROM generate_series(0, 126) AS i");
$node->answer('admin1', "SELECT lpr.add_client_network('0.0.0.0/0', 'direct'), lpr.add_client_network('10.1.0.0/16', 'pooler')");
is($report->(), "medium every address of 0.0.0.0/0 counts as the agency's network; low people connect through a pooler at 10.1.0.0/16", 'any network, and a pooler, are reported');
$node->sound('in the end');
done_testing();
