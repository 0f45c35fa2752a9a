# secrets: by name only: where they may lie, how they are changed, and that they come to light nowhere.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = LprLab->make('secrets', world => 1);
$node->start;
$node->vendor_start;
$node->stage('lpr');
$node->log_analysts;
my $directory = $node->{secret_directory};
my $asking = "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK7' AND source = 'acme'";
sub use_secret { $node->answer('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER acme OPTIONS (SET secret '$_[0]')") }

# ---- files ----

# A file of the directory, made by a function, is refused, and nothing of its content is shown.
sub refused
{
	my ($what, $words, $make, $name) = @_;
	my $path = "$directory/" . ($name //= 'probe');

	unlink $path;
	$make->($path);
	use_secret($name);
	my $messages = $node->messages('analyst1', $asking);
	like($messages, qr/ERROR: +HV00D: source "acme": secret "$name" $words/, "$what: refused");
	unlike($messages, qr/sim-lpr|token/, '… and nothing of it is shown');
	-d $path ? rmdir $path : unlink $path;
}
sub put { my ($path, $mode, $content) = @_; append_to_file($path, $content // 'sim-lpr-token'); chmod $mode, $path or die }

refused('group may read', qr/cannot be used.*open to group or others/s, sub { put($_[0], 0640) });
refused('others may read', qr/cannot be used.*open to group or others/s, sub { put($_[0], 0604) });
refused('everyone may read', qr/cannot be used.*open to group or others/s, sub { put($_[0], 0644) });
refused('of another user', qr/cannot be used.*belongs to another user/s, sub { put($_[0], 0600) }, 'probe.foreign');
refused('a symbolic link', qr/cannot be used.*symbolic link/s, sub { symlink "$directory/sim-lpr-token", $_[0] or die });
refused('missing', qr/does not exist/, sub { });
refused('a directory', qr/cannot be used.*not a regular file/s, sub { mkdir $_[0], 0700 });
refused('a pipe', qr/cannot be used.*not a regular file/s, sub { system_or_bail('mkfifo', '-m', '600', $_[0]) });
refused('unreadable', qr/cannot be used.*cannot be opened/s, sub { put($_[0], 0200) });
refused('empty', qr/cannot be used.*empty/s, sub { put($_[0], 0600, '') });
refused('a line break alone', qr/cannot be used.*empty/s, sub { put($_[0], 0600, "\n") });
refused('two lines', qr/cannot be used.*line break/s, sub { put($_[0], 0600, "sim-lpr-token\nX-More: 1\n") });
refused('a carriage return', qr/cannot be used.*line break/s, sub { put($_[0], 0600, "sim-lpr-token\rX-More: 1") });
refused('a zero byte', qr/cannot be used.*zero byte/s, sub { put($_[0], 0600, "sim-lpr-token\0") });
refused('too large', qr/cannot be used.*larger than 8 kB/s, sub { put($_[0], 0600, 'sim-lpr-token' x 1000) });

for my $end ('', "\n", "\r\n")
{
	$node->put_secret('probe', "sim-lpr-token$end");
	use_secret('probe');
	is($node->answer('analyst1', $asking), 7, 'a line break at the end is not part of it') if $end ne '' or pass('the good file');
}
for my $name ('../probe', '/etc/passwd', '.probe', '-probe', 'a/b', 'Bearer sim-lpr-token', 'x' x 65, '')
{
	my $messages = $node->messages('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER acme OPTIONS (SET secret '$name')");
	like($messages, qr/ERROR: +HV024: /, "no name of a secret: $name");
	unlike($messages, qr/sim-lpr-token/, '… and it is not repeated') if $name =~ /token/;
}

# A source without its secret fails alone; a source that must not fail ends the query.
use_secret('nowhere');
my ($status, $rows, $told) = $node->ask('analyst1', "SELECT DISTINCT source FROM lpr.search_plate('7ABC123')");
is($status, 0, 'a missing secret is a WARNING');
like($rows, qr/birdseye/, '… and the others answer');
$node->answer('postgres', "ALTER SERVER acme OPTIONS (ADD on_failure 'error')");
like($node->messages('analyst1', $asking), qr/ERROR: +HV00D: source "acme"/, "on_failure 'error'");
$node->answer('postgres', "ALTER SERVER acme OPTIONS (DROP on_failure)");
use_secret('probe');

# ---- the directory ----

my $data = $node->data_dir;
mkdir "$data/inside", 0700;
symlink "$data/inside", $node->basedir . '/link';
mkdir $node->basedir . '/open', 0700;
chmod 0770, $node->basedir . '/open';
for my $case ([ "$data/inside", qr/lies in the data directory/ ], [ $data, qr/lies in the data directory/ ],
	[ $node->basedir . '/link', qr/lies in the data directory/ ], [ $node->basedir . '/nowhere', qr/cannot be found/ ],
	[ $node->basedir . '/open', qr/group or others may write/ ], [ '', qr/is not set/ ])
{
	my ($path, $words) = @$case;

	$node->answer('postgres', "ALTER SYSTEM SET lpr.secret_directory = '$path'");
	$node->reload;
	my $messages;
	LprTest::eventually(sub { $messages = $node->messages('analyst1', $asking); $messages =~ $words });
	like($messages, qr/ERROR: +F0000: source "acme": lpr\.secret_directory cannot be used.*$words/s, "lpr.secret_directory = '$path'");
	unlike($messages, qr/\Q$data\E/, '… and the message shows no path');
}
like($node->messages('postgres', "ALTER SYSTEM SET lpr.secret_directory = 'relative'"), qr/ERROR: +22023: .*must be an absolute path/s,
	'a relative path is refused at once');
$node->answer('postgres', 'ALTER SYSTEM RESET lpr.secret_directory');
$node->reload;
ok(LprTest::eventually(sub { ($node->ask('analyst1', $asking))[1] eq '7' }), 'the directory of before');

# ---- rows ----

$node->put_secret('key1', 'correct horse');
$node->answer('postgres', "SELECT lpr.store_secret('probe', 'key1')");
unlink "$directory/probe";
is($node->answer('analyst1', $asking), 7, 'a stored secret works without its file');
is($node->answer('postgres', "SELECT key_name, position('sim-lpr-token'::bytea IN value), length(value) > 50 FROM lpr_data.secret"),
	'key1|0|t', '… and is encrypted');
$node->put_secret('key1', 'wrong horse');
my $messages = $node->messages('analyst1', $asking);
like($messages, qr/ERROR: +\w{5}: source "acme": Wrong key or corrupt data.*secret "probe"/s, 'a wrong key');
unlike($messages, qr/horse|sim-lpr/, '… of which nothing is shown');
unlink "$directory/key1";
like($node->messages('analyst1', $asking), qr/ERROR: +HV00D: source "acme": the key "key1" of secret "probe" does not exist/, 'a missing key');
$node->put_secret('key1', 'correct horse');
is($node->answer('analyst1', $asking), 7, 'and back');
like($node->messages('postgres', "SELECT lpr.store_secret('nothing', 'key1')"), qr/ERROR: +HV00D: secret "nothing" does not exist/, 'storing what is not there');
like($node->messages('postgres', "SELECT lpr.store_secret('key1', 'key1')"), qr/cannot be its own key/, 'a key under itself');
$node->put_secret('probe', 'sim-lpr-token');
$node->answer('postgres', "DELETE FROM lpr_data.secret");

# ---- rotation ----

my ($session) = $node->session('analyst1');
is(($node->converse($session, $asking))[0], 7, 'in a session');
$node->put_secret('probe', 'of-last-year');
use_secret('probe'); # the mapping is looked at anew
like(($node->converse($session, $asking))[1], qr/ERROR: +HV\w{3}: .*401.*HINT: .*secret/s, 'a secret that the vendor knows no more');
$node->put_secret('probe', 'sim-lpr-token');
is(($node->converse($session, $asking))[0], 7, '… is read anew after the 401, in the same session');
my $signing_in = "SELECT count(*) > 0 FROM lpr.reads WHERE plate = '7ABC123' AND source = 'birdseye'";
is(($node->converse($session, $signing_in))[0], 't', 'a vendor with a login');
$node->vendor('POST', '/control/settings', { forget_tokens => 1 });
is(($node->converse($session, $signing_in))[0], 't', '… that has forgotten our token: signed in again within the statement');
$session->quit;

# ---- who may look ----

for my $login (qw(analyst1 supervisor1 owner1 oversight1 privacy1 admin1))
{
	for my $sql ('SELECT * FROM lpr_data.secret', 'SELECT * FROM pg_user_mapping', 'SHOW lpr.secret_directory',
		"SELECT current_setting('lpr.secret_directory')", "SELECT lpr.store_secret('probe', 'key1')", "SELECT lpr.encrypt_secret('probe', 'key1')",
		"SELECT pg_read_file('$directory/probe')", "COPY lpr_data.secret TO STDOUT", "SET lpr.secret_directory = '/tmp'",
		"ALTER SERVER acme OPTIONS (SET url 'http://127.0.0.1:1/x')", "CREATE USER MAPPING FOR $login SERVER acme OPTIONS (secret 'probe')")
	{
		my $states = $sql =~ /^COPY/ ? '42501|LP050' : '42501|55P02'; # who sees reads is refused any COPY
		like($node->messages($login, $sql), qr/ERROR: +(?:$states): /, "$login: $sql");
	}
	is($node->answer($login, "SELECT count(*) FROM pg_user_mappings WHERE umoptions IS NOT NULL"), 0, "$login sees no option of a mapping");
	is($node->answer($login, "SELECT count(*) FROM pg_settings WHERE name = 'lpr.secret_directory'"), 0, '… nor the directory');
}

# ---- logs ----

# A source of each dialect, those of the stage among them. Their secrets have names that say nothing, so that a value in a log is told from a name.
my %own = $node->source_of_each; # name => dialect's row
for my $source (sort keys %own)
{
	$node->put_secret("s$source", $own{$source}{secret});
	$node->answer('postgres', "ALTER USER MAPPING FOR PUBLIC SERVER $source OPTIONS (SET secret 's$source')");
	$node->register_cameras($source, $source, $node->busy_cameras($source, "r.plate = '7ABC123'")) if $own{$source}{needs_register};
}
$node->answer('postgres', "ALTER SYSTEM SET $_") for "log_statement = 'all'", 'log_min_duration_statement = 0', "log_min_messages = 'debug5'",
	"log_error_verbosity = 'verbose'", 'debug_print_plan = on', 'log_parameter_max_length_on_error = -1';
$node->reload;
LprTest::eventually(sub { $node->answer('postgres', 'SHOW log_min_messages') eq 'debug5' });
my $from = -s $node->logfile;
$told = '';
my $everywhere = "SELECT source, count(*), count(vehicle_image) FROM lpr.images WHERE plate = '7ABC123' AND captured_at > now() - interval '5 days' GROUP BY 1";
# What a vendor says that repeats what it was sent, whole and where an excerpt ends.
sub echo { my ($status, $before, $after) = @_; return [ map { { vendor => $_, fault => 'status', status => $status, body => "$before$own{$_}{secret}$after" } } sort keys %own ] }

$node->answer('postgres', "SELECT lpr.store_secret('sacme', 'key1')");
unlink "$directory/sacme";
for my $faults ([], [ { fault => 'status', status => 401 } ], echo(500, 'Bearer ', ' is bad'), echo(401, 'Bearer ', ' is bad'), echo(403, 'Bearer ', ''),
	echo(400, '{"error":"', ' is bad"}'), echo(400, '{"error":{"code":"x","message":"', '"},"error_description":"y"}'), echo(422, 'x' x 291, 'x'),
	[ { fault => 'html' } ], [ { fault => 'cut' } ], [ { class => 'login', fault => 'truncated' } ],
	map { [ { class => 'login', fault => 'malformed', kind => $_ } ] } qw(invalid_utf8 control_chars wrong_types duplicate_keys single_quotes trailing_junk bare_array_or_object))
{
	$node->vendor_faults(@$faults) if @$faults;
	$told .= $node->messages('analyst1', "SET client_min_messages = debug1; $everywhere; SELECT * FROM lpr.last_query()");
	$told .= join "\n", ($node->ask('analyst1', "$everywhere; SELECT * FROM lpr.last_query(); EXPLAIN (VERBOSE) $everywhere", psql => { on_error_stop => 0 }))[ 1, 2 ];
	$node->vendor_well;
}
$node->put_secret("s$_", 'mislaid-secret') for grep { $_ ne 'acme' } sort keys %own;
$told .= $node->messages('analyst1', $everywhere);
$node->answer('postgres', "ALTER SYSTEM RESET ALL");
$node->reload;
my $log = slurp_file($node->logfile, $from);
like($log, qr/store_secret/, 'the log has every statement');
cmp_ok(length $log, '>', 100_000, '… and the server\'s debug output');
# A token begins with tok_; eight characters of a secret are more than chance.
my $begins = join '|', map { quotemeta substr $_->{secret}, 0, 8 } values %own;
my $secret = qr/$begins|tok_[0-9a-f]{4}|correct horse|mislaid-secret/;
is(join(' ', $log =~ /(.{0,120}$secret)/g), '', '… and no secret');
is(join(' ', $told =~ /(.{0,120}$secret)/g), '', 'nor has what was shown to the analyst');

$node->stop;
done_testing();
