# tls: whom a source believes, how it is spoken to, and that no environment leads a question elsewhere.
use strict;
use warnings;
use LprTest;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir;
my @helpers;
END { kill 'TERM', @helpers if @helpers }

# ---- certificates ----

sub openssl { run_log([ 'openssl', @_ ], '>', '/dev/null', '2>', '/dev/null') or die "openssl @_" }

sub authority
{
	my ($name) = @_;
	openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', "/CN=$name",
		'-keyout', "$dir/$name.key", '-out', "$dir/$name.crt");
}

# A certificate and its key, by one of the authorities; days < 0: expired.
sub certificate
{
	my ($ca, $name, $alternative, $days) = @_;
	my @clock = $days < 0 ? ('env', "LD_PRELOAD=$ENV{LPR_PRELOAD}", 'LPR_SHIFT=' . (($ENV{LPR_SHIFT} // 0) - 40 * 86400)) : ();

	PostgreSQL::Test::Utils::append_to_file("$dir/$name.ext", "subjectAltName=$alternative\n");
	openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', "/CN=$name", '-keyout', "$dir/$name.key",
		'-out', "$dir/$name.csr");
	run_log([ @clock, 'openssl', 'x509', '-req', '-in', "$dir/$name.csr", '-CA', "$dir/$ca.crt", '-CAkey', "$dir/$ca.key",
			'-CAcreateserial', '-days', abs $days, '-extfile', "$dir/$name.ext", '-out', "$dir/$name.crt" ],
		'>', '/dev/null', '2>', '/dev/null') or die "certificate $name";
}

authority($_) for qw(good-ca other-ca);
certificate('good-ca', 'good', 'DNS:localhost,IP:127.0.0.1', 30);
certificate('good-ca', 'elsewhere', 'DNS:vendor.example', 30);
certificate('good-ca', 'expired', 'DNS:localhost,IP:127.0.0.1', -10);
certificate('good-ca', 'client', 'DNS:client', 30);
certificate('other-ca', 'stranger', 'DNS:stranger', 30);

# ---- the vendors ----

my $node = LprTest->start_staged('tls');
sub simulator { my ($name, @more) = @_; return $node->vendor_beside('--tls-port', 0, '--tls-cert', "$dir/$name.crt", '--tls-key', "$dir/$name.key", @more) }
my %good = simulator('good');
my %elsewhere = simulator('elsewhere');
my %expired = simulator('expired');
my %old = simulator('good', '--tls-priorities', 'NORMAL:-VERS-ALL:+VERS-TLS1.2');
my %choosy = simulator('good', '--tls-client-ca', "$dir/good-ca.crt");

sub source
{
	my ($name, $port, %options) = @_;
	my $host = delete $options{host} // 'localhost';
	$node->add_source($name, 'lpr-v1', url => "https://$host:$port/$name/lpr-v1",
		options => { ca_file => "$dir/good-ca.crt", retries => '0', on_failure => 'error', %options });
}
my $not_accepted = 'its TLS certificate was not accepted';
sub count_of { my ($name) = @_; return "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = '$name'" }
sub answers { my ($name, $what) = @_; is($node->answer('analyst1', count_of($name)), 7, $what) }
sub refused
{
	my ($name, $words, $what) = @_;
	my $messages = $node->messages('analyst1', count_of($name));

	like($messages, qr/ERROR: +HV00N: could not reach source "$name": $words$/m, "$what: refused");
	like($messages, qr/^DETAIL: +[^.]{8,}.*\. Request: /m, "$what: libcurl says why");
}

source('trusted', $good{tls});
answers('trusted', 'a certificate of the authority in ca_file is accepted');
source('by_number', $good{tls}, host => '127.0.0.1');
answers('by_number', 'a certificate for an address');
source('system', $good{tls});
$node->answer('postgres', 'ALTER SERVER system OPTIONS (DROP ca_file)');
refused('system', $not_accepted, 'an authority that the system does not know');
source('unknown', $good{tls}, ca_file => "$dir/other-ca.crt");
refused('unknown', $not_accepted, 'an authority other than that of ca_file');
source('misnamed', $elsewhere{tls});
refused('misnamed', $not_accepted, 'a certificate for another host');
source('lapsed', $expired{tls});
refused('lapsed', $not_accepted, 'an expired certificate');
source('nofile', $good{tls}, ca_file => "$dir/missing.crt");
like($node->messages('analyst1', count_of('nofile')), qr/ERROR: +HV\w{3}: the CA file of source "nofile" cannot be used/,
	'a CA file that is not there is not ignored');

# Connections are kept; one that was made under looser options is not used for stricter ones.
my ($session) = $node->session('analyst1');
is(($node->converse($session, count_of('trusted')))[0], 7, 'in one session: accepted');
$node->answer('postgres', "ALTER SERVER trusted OPTIONS (SET ca_file '$dir/other-ca.crt')");
like(($node->converse($session, count_of('trusted')))[1], qr/HV00N: could not reach source "trusted"/, '… refused after ALTER SERVER');
$node->answer('postgres', "ALTER SERVER trusted OPTIONS (SET ca_file '$dir/good-ca.crt')");
is(($node->converse($session, count_of('trusted')))[0], 7, '… and accepted again');
$session->quit;

# ---- versions and client certificates ----

source('aged', $old{tls});
answers('aged', 'TLS 1.2 is spoken');
$node->answer('postgres', "ALTER SERVER aged OPTIONS (ADD min_tls_version '1.3')");
refused('aged', 'the TLS handshake failed', 'min_tls_version 1.3 against a vendor that has only 1.2');
$node->answer('postgres', "ALTER SERVER trusted OPTIONS (ADD min_tls_version '1.3')");
answers('trusted', 'min_tls_version 1.3 against a vendor that has it');

source('mutual', $choosy{tls});
like($node->messages('analyst1', count_of('mutual')), qr/ERROR: +HV\w{3}: .*"mutual"/, 'without a client certificate: refused');
$node->answer('postgres', "ALTER SERVER mutual OPTIONS (ADD client_certificate '$dir/client.crt', ADD client_key '$dir/client.key')");
answers('mutual', 'with a client certificate and its key');
$node->answer('postgres', "ALTER SERVER mutual OPTIONS (SET client_certificate '$dir/stranger.crt', SET client_key '$dir/stranger.key')");
like($node->messages('analyst1', count_of('mutual')), qr/ERROR: +HV\w{3}: .*"mutual"/, 'with the certificate of another authority: refused');
$node->answer('postgres', "ALTER SERVER mutual OPTIONS (SET client_key '$dir/client.key')");
like($node->messages('analyst1', count_of('mutual')), qr/ERROR: +HV\w{3}: the client certificate or key of source "mutual" cannot be used/,
	'with a key of another certificate: told');

# ---- plain http ----

for my $url ('http://vendor.example', 'http://192.0.2.1', 'http://127.0.0.1.vendor.example', 'http://localhost.vendor.example:80',
	'http://user@127.0.0.1', 'http://[::2]', 'http://0x7f.1', 'ftp://127.0.0.1', 'file:///etc/passwd', '//127.0.0.1')
{
	like($node->messages('postgres', "ALTER SERVER acme OPTIONS (SET url '$url/x')"), qr/ERROR: +HV024: /, "ALTER SERVER: $url is refused");
}
like($node->messages('postgres', "CREATE SERVER plain FOREIGN DATA WRAPPER lpr OPTIONS (dialect 'lpr-v1', url 'http://vendor.example')"),
	qr/HV024: .*http:\/\/ is taken for 127\.0\.0\.0\/8, \[::1\] and localhost only/s, 'CREATE SERVER with plain http: refused, with the rule');
# Past the validator, in the catalogue itself: looked at again before anything goes out.
$node->answer('postgres', "UPDATE pg_foreign_server SET srvoptions = ARRAY['dialect=lpr-v1', 'url=http://192.0.2.1/x', 'on_failure=error']
	WHERE srvname = 'by_number'");
like($node->messages('analyst1', count_of('by_number')), qr/ERROR: +HV024: .*https/s, 'a URL that came past the validator is refused when asked');

# ---- HTTP/2 ----

my $front = PostgreSQL::Test::Cluster::get_free_port();
PostgreSQL::Test::Utils::append_to_file("$dir/nghttpx.conf", '');
my $pid = fork() // die "fork: $!";
if ($pid == 0)
{
	open STDIN, '<', '/dev/null';
	open STDOUT, '>', "$dir/nghttpx.out";
	open STDERR, '>&', \*STDOUT;
	exec 'nghttpx', "--conf=$dir/nghttpx.conf", "--frontend=127.0.0.1,$front", "--backend=127.0.0.1,$good{http}",
		'--workers=1', '--accesslog-format=$alpn $status', "--accesslog-file=$dir/access.log", "$dir/good.key", "$dir/good.crt";
	exit 127;
}
push @helpers, $pid;
ok(LprTest::eventually(sub { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$front") }), 'nghttpx runs')
	or diag(slurp_file("$dir/nghttpx.out"));
# The protocols of the requests since the last call.
sub spoken
{
	my ($n) = @_;
	my @lines;
	LprTest::eventually(sub { @lines = split /\n/, slurp_file("$dir/access.log"); @lines >= $n });
	truncate "$dir/access.log", 0;
	return join '|', @lines;
}
source('modern', $front);
answers('modern', 'through an HTTP/2 front');
is(spoken(1), 'h2 200', 'http_version auto speaks HTTP/2');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK3500' AND source = 'modern'"), 3500, 'pages over HTTP/2');
is(spoken(4), 'h2 200|h2 200|h2 200|h2 200', '… each of them');
$node->answer('postgres', "ALTER SERVER modern OPTIONS (ADD http_version '1.1')");
answers('modern', 'http_version 1.1 against the same front');
is(spoken(1), 'http/1.1 200', '… speaks HTTP/1.1');

# ---- the environment ----

{
	my $dead = PostgreSQL::Test::Cluster::get_free_port();
	local @ENV{qw(http_proxy https_proxy HTTPS_PROXY all_proxy ALL_PROXY)} = ("http://127.0.0.1:$dead") x 5;
	local $ENV{SSLKEYLOGFILE} = "$dir/keys.log";
	delete local @ENV{qw(no_proxy NO_PROXY)};
	$node->restart;
}
answers('trusted', 'proxies of the environment are not used (https)');
answers('acme', 'proxies of the environment are not used (http)');
ok(!-e "$dir/keys.log" || -z "$dir/keys.log", 'session keys go to no file that the environment names');

$node->stop;
done_testing();
