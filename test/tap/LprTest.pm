# LprTest: a cluster with lpr preloaded and the vendor simulator, for TAP tests. A PostgreSQL::Test::Cluster with more verbs.
#
#   my $node = LprTest->start_staged('main');   # cluster and simulator run; database lpr is staged (scripts/stage.sql)
#   my ($status, $out, $err) = $node->ask('analyst1', "SELECT …");
#   $node->vendor_faults({ vendor => 'acme', fault => 'status', status => 503 });  $node->vendor_log(vendor => 'acme');
package LprTest;
use strict;
use warnings;
use parent -norequire, 'PostgreSQL::Test::Cluster';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Cwd qw(abs_path);
use HTTP::Tiny;
use IO::Handle;
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use LprClient;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);
use Time::Local ();


$ENV{PGUSER} = 'postgres'; # whoever runs the tests
$SIG{__DIE__} = sub { diag("died: $_[0]") if defined $^S && !$^S }; # else nobody reads it

my %simulators; # process id => 1, of those started by this test file
my %simulated; # what simulated() found

# A cluster, initialized and not started: preloaded unless (preload => ''). Settings go to (conf => "…"). (world => 1): the server and the simulator have
# a clock and a disk of the test's own (preload.c).
sub make
{
	my ($class, $name, %given) = @_;
	my $node = PostgreSQL::Test::Cluster::new($class, $name);
	my $preload = $given{preload} // 'lpr';

	{
		local $ENV{PATH} = "$ENV{TESTDIR}/bin:$ENV{PATH}"; # an initdb that copies
		$node->init(%{ $given{init} // {} }, extra => [ '--username=postgres', @{ $given{init}{extra} // [] } ]);
	}
	$node->{secret_directory} = $node->basedir . '/secrets';
	mkdir $node->{secret_directory}, 0700 or die "$node->{secret_directory}: $!";
	$node->put_secret($_, $_) for map { $_->{secret} } values %{ { simulated() } };
	PostgreSQL::Test::Utils::system_or_bail('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', "$node->{secret_directory}/checkpoint-key");
	chmod 0600, "$node->{secret_directory}/checkpoint-key";
	$node->put_secret('identity-key', 'a key of tests, which personnel numbers are hashed with');
	# The audit writer does not work where nothing is safe; the test framework switches it off.
	$node->append_conf('postgresql.conf', "fsync = on\n");
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$preload'\n");
	$node->append_conf('postgresql.conf', "lpr.secret_directory = '$node->{secret_directory}'\n");
	# Tests provoke more refusals in an hour than a person may have on record singly.
	$node->append_conf('postgresql.conf', "lpr.refusals_singly = 100000\n");
	# Each decision that the audit writer remembers is judged anew, and a difference ends the server.
	$node->append_conf('postgresql.conf', "lpr.debug_remembered = on\n");
	$node->append_conf('postgresql.conf', $given{conf} // '');
	$node->{world} = { LD_PRELOAD => $ENV{LPR_PRELOAD}, LPR_CLOCK => $node->basedir . '/clock', LPR_FULL => $node->basedir . '/full' } if $given{world};
	return $node;
}

sub start { my ($node, @more) = @_; local %ENV = (%ENV, %{ $node->{world} // {} }); return $node->SUPER::start(@more) }
sub restart { my ($node, @more) = @_; local %ENV = (%ENV, %{ $node->{world} // {} }); return $node->SUPER::restart(@more) }

# A cluster and a simulator that run, nothing being kept of answers unless (cache => 1), the clock as clock_to_noon() sets it if (world => 'noon'); database lpr has the extension, the logins and three sources (scripts/stage.sql).
sub start_staged
{
	my ($class, $name, %given) = @_;
	my $node = $class->make($name, %given);

	$node->clock_to_noon if ($given{world} // '') eq 'noon';
	$node->start;
	$node->vendor_start(@{ $given{vendor} // [] });
	$node->stage('lpr', %given);
	return $node;
}

# Creates a database and stages it.
sub stage
{
	my ($node, $database, %given) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->stage_again($database, %given);
	# The audit writer looks every second whether its database is there.
	if ($database eq 'lpr' && $node->safe_psql('postgres', 'SHOW shared_preload_libraries') =~ /lpr/)
	{
		eventually(sub { $node->safe_psql($database, 'SELECT state FROM lpr_data.writer()') eq 'ready' });
		$node->await_cache if $given{cache};
	}
	return;
}

# No server process of a test ends by a fault of memory, whether the test would have noticed or not.
END
{
	my $status = $?;
	my ($test) = $0 =~ m{([^/]+)\.t$};

	for my $log (defined $test ? glob "$PostgreSQL::Test::Utils::log_path/${test}_*.log" : ())
	{
		next unless PostgreSQL::Test::Utils::slurp_file($log) =~ /^.*terminated by signal (?:7|11)\b.*$/m;
		print STDERR "# $log: $&\n";
		$status ||= 1;
	}
	$? = $status;
}

# Stages a database that is there.
sub stage_again
{
	my ($node, $database, %given) = @_;

	PostgreSQL::Test::Utils::system_or_bail('psql', '-X', '-q', '-d', $node->connstr($database),
		'-v', "vendor_url=$node->{vendor_url}", '-v', 'password=', '-f', $ENV{LPR_STAGE});
	# These tests ask more than people do; what the limits are for is tested by 650_purpose.
	$node->widen($database, %{$_}) for defined $given{limits} && !$given{limits} ? () : ({ map { $_ => { radius_m => 25000, span => '5 years', reads => 100000, plates => 5000, address_length => 3 } } qw(location vehicle) },
		{ map { $_ => { questions => 1000000, plates => 50000 } } qw(person_hour person_day event_hour event_day) });
	$node->safe_psql($database, 'DELETE FROM lpr_data.cache_time') unless $given{cache};
	$node->make_targets($database) unless defined $given{targets} && !$given{targets};
	# A safeguard less: would this test notice? (test/mutants)
	if ($ENV{LPR_MUTANT})
	{
		$node->safe_psql($database, PostgreSQL::Test::Utils::slurp_file($ENV{LPR_MUTANT}));
		diag('the mutant is in');
	}
	return;
}

# widen(DATABASE, LIMIT => { WHAT => MOST, … }, …): sets limits, as if asked by an administrator and approved by the privacy officer.
sub widen
{
	my ($node, $database, %limits) = @_;

	$node->safe_psql($database, join ';', map {
		my $changes = encode_json($limits{$_});
		qq{DO \$\$ DECLARE asked lpr_data.limit_request; BEGIN
			INSERT INTO lpr_data.limit_request ("limit", wanted, instead_of, person_id, reason, state, decided_at, decided_by, decide_reason)
			SELECT '$_', l || '$changes', l, a.person_id, 'test', 'approved', now(), p.person_id, 'test' FROM lpr_data.limit_row('$_') AS l, lpr_data.person AS a, lpr_data.person AS p
			WHERE a.login = 'admin1' AND p.login = 'privacy1' RETURNING * INTO asked;
			PERFORM lpr_data.put_limit('$_', asked.wanted, asked.request_id); END \$\$}
	} sort keys %limits);
	return;
}

# Writes a file of lpr.secret_directory.
sub put_secret
{
	my ($node, $name, $value) = @_;
	my $path = "$node->{secret_directory}/$name";

	unlink $path;
	PostgreSQL::Test::Utils::append_to_file($path, $value);
	chmod 0600, $path or die "$path: $!";
	return;
}

# What a person does after connecting and before asking: agrees to the rules, and says for which event. analyst1 has event 1, analyst2 event 2.
# '' for other logins. A function, not a method.
sub logon
{
	my ($login, $event) = @_;

	return '' unless $login =~ /^(?:analyst(\d)|oversight\d)$/;
	$event //= $1;
	return "SELECT code FROM lpr.rules() \\gset logon_\nSELECT lpr.accept_rules(:'logon_code')" . (defined $event ? ", lpr.work_on($event)" : '');
}

# Gives analysts a grant for more sources, as if it had been requested and approved; without a list for all there are.
sub entitle
{
	my ($node, $database, @sources) = @_;
	my $list = @sources ? "'{" . join(',', @sources) . "}'::text[]" : 'ARRAY(SELECT name FROM lpr_data.source)';

	$node->safe_psql($database, "INSERT INTO lpr_data.access (person_id, systems, sources, modes, need_to_know, state, granted_at, ends_at)
		SELECT person_id, '{ATS,AFI}', $list, '{plate,location,vehicle}', 'test', 'granted', now(), now() + interval '360 days'
		FROM lpr_data.person WHERE login LIKE 'analyst%';
		INSERT INTO lpr_data.access_step (access_id, number, action, step, person_id, reason)
		SELECT a.access_id, s.number, 'approve', s.step, p.person_id, 'test'
		FROM lpr_data.access AS a CROSS JOIN (VALUES (2, 'supervisor', 'supervisor1'), (3, 'system_owner', 'owner1')) AS s (number, step, login) JOIN lpr_data.person AS p ON p.login = s.login
		WHERE a.state = 'granted' AND NOT EXISTS (SELECT FROM lpr_data.access_step AS x WHERE x.access_id = a.access_id)");
	return;
}

# What a test asks is a target of every event that there is (Q12; 652_target is about that): what looks like a plate, point, address or make in
# its own text and in ours, and what is given: plates; points and addresses.
sub make_targets { my ($node, $database, @plates) = @_; return $node->_make_targets($database, \@plates, []) }
sub make_places { my ($node, $database, @places) = @_; return $node->_make_targets($database, [], \@places) }
sub _make_targets
{
	my ($node, $database, $plates, $places) = @_;
	my $text = join '', map { PostgreSQL::Test::Utils::slurp_file($_) } $0, __FILE__;
	my %list = (
		plate => { map { $_ => 1 } @$plates, grep { /\d/ && /[A-Z]/ } $text =~ /\b([A-Z0-9]{2,16})\b/g },
		point => { map { $_ => 1 } grep { /^-?[\d.]+,-?[\d.]+$/ } @$places },
		address => { map { $_ => 1 } grep { !/^-?[\d.]+,-?[\d.]+$/ } @$places });
	my $name = qr/['"]([^'"%\n]{3,100})['"]/;

	$list{plate}{"BULK$_"} = 1 for 1 .. 300;
	$list{make}{$_} = 1 for 'FORD', $text =~ /(?:make = |make => |search_vehicle\()$name/g;
	$list{model}{$_} = 1 for $text =~ /(?:model = |model => )$name/g;
	$list{address}{$_} = 1 for $text =~ /(?:address(?: =|,| =>| LIKE| ILIKE) )['"]%?([^'"%\n]{3,100})%?['"]/g;
	$list{point}{"$1,$2"} = 1 while $text =~ /(-?\d{1,2}\.\d+), ?(-?\d{1,3}\.\d+)/g;
	for my $kind (qw(plate make model address point)) { $list{$kind} = join ',', map { s/'/''/gr } map { "\"$_\"" } keys %{ $list{$kind} } }
	$node->safe_psql($database, "INSERT INTO lpr_data.target (event_id, kind, plate, latitude, longitude, radius_m, address, make, model, relation, evidence_kind, evidence_reference, basis, added_by)
		SELECT e.event_id, t.kind, t.plate, t.latitude, t.longitude, CASE WHEN t.kind = 'address' AND t.latitude IS NOT NULL THEN 1000 END, t.address, t.make, t.model, 'subject', 'case_record', 'test', 'test', m.person_id
		FROM lpr_data.event AS e JOIN lpr_data.event_member AS m ON m.event_id = e.event_id AND m.owner
		CROSS JOIN (SELECT 'plate' AS kind, lpr.normal_plate(p) AS plate, NULL::float8 AS latitude, NULL::float8 AS longitude, NULL AS address, NULL AS make, NULL AS model FROM unnest('{$list{plate}}'::text[]) AS p
			UNION SELECT 'vehicle', NULL, NULL, NULL, NULL, lpr.normal_word(v), NULL FROM unnest('{$list{make}}'::text[]) AS v
			UNION SELECT 'vehicle', NULL, NULL, NULL, NULL, NULL, lpr.normal_word(v) FROM unnest('{$list{model}}'::text[]) AS v
			UNION SELECT 'address', NULL, NULL, NULL, a, NULL, NULL FROM unnest('{$list{address}}'::text[]) AS a
			UNION SELECT 'address', NULL, split_part(p, ',', 1)::float8, split_part(p, ',', 2)::float8, NULL, NULL, NULL FROM unnest('{$list{point}}'::text[]) AS p
				WHERE abs(split_part(p, ',', 1)::float8) <= 90 AND abs(split_part(p, ',', 2)::float8) <= 180) AS t
		WHERE NOT EXISTS (SELECT FROM lpr_data.target AS o WHERE o.event_id = e.event_id AND o.kind = t.kind AND (o.plate, o.latitude, o.longitude, o.address, o.make, o.model)
			IS NOT DISTINCT FROM (t.plate, t.latitude, t.longitude, t.address, t.make, t.model))");
	return;
}

# An event of analyst1 with a number of the test's own, such as one that is known again wherever it goes.
sub own_event
{
	my ($node, $number) = @_;

	$node->safe_psql('lpr', "INSERT INTO lpr_data.event (event_id, system, title, purpose, authority, matter_reference, reason, ends_at) OVERRIDING SYSTEM VALUE
		VALUES ($number, 'ATS', 'Event $number', 'suspect', 'title_18', 'SD-2026-$number', 'test', now() + interval '90 days');
		INSERT INTO lpr_data.event_member (event_id, person_id, owner, added_by) SELECT $number, person_id, true, person_id FROM lpr_data.person WHERE login = 'analyst1'");
	$node->make_targets('lpr');
	return $number;
}

# As PostgreSQL::Test::Cluster's; a psql is started only for what is one's own, and when LPR_PSQL is set.
sub psql
{
	my ($node, $database, $sql, %given) = @_;
	my %options = @{ $given{extra_params} // [] } % 2 ? (other => 1) : @{ $given{extra_params} // [] };
	my $verbose = ($options{'-v'} // '') eq 'VERBOSITY=verbose';
	my ($out, $err) = @given{qw(stdout stderr)};

	return $node->SUPER::psql($database, $sql, %given)
		if $ENV{LPR_PSQL} || $given{connstr} || $given{replication} || $given{timed_out} || grep({ $_ ne '-U' && !($_ eq '-v' && $verbose) } keys %options);
	my $came;
	{
		local %ENV = $node->_get_env();
		$came = LprClient::run($node->connstr($database) . ($options{'-U'} ? " user=$options{'-U'}" : ''), $sql,
			stop => $given{on_error_stop} // 1, verbose => $verbose, timeout => $given{timeout});
	}
	return $node->SUPER::psql($database, $sql, %given) unless $came;
	my ($status, @texts) = @$came;
	chomp @texts;
	$$out = $texts[0] if ref $out;
	$$err = $texts[1] if ref $err;
	die "error running SQL: '$texts[1]'\nwith sql '$sql'" if $status && $given{on_error_die};
	return wantarray ? ($status, @texts) : $status;
}

# SQL as a login, in database lpr unless said otherwise: (psql's exit status, output, messages). An analyst logs on first, unless (logon => 0).
sub ask
{
	my ($node, $login, $sql, %given) = @_;
	my ($out, $err);

	$sql = "\\o /dev/null\n" . logon($login, $given{event}) . ";\n\\o\n$sql" if logon($login) && ($given{logon} // 1);
	my $status = $node->psql($given{database} // 'lpr', $sql, stdout => \$out, stderr => \$err,
		extra_params => [ '-U', $login ], on_error_stop => 1, timeout => limit(), %{ $given{psql} // {} });

	return ($status, $out, $err);
}

# The same, which has to succeed: its output.
sub answer
{
	my ($node, $login, $sql, %given) = @_;
	my ($status, $out, $err) = $node->ask($login, $sql, %given);

	die "as $login: $sql\n$err" if $status != 0;
	return $out;
}

# In sessions of analysts, after a time that ends their agreement to the rules (A5).
sub agree_again
{
	my ($node, @sessions) = @_;
	$_->query("SELECT lpr.accept_rules('" . $_->query('SELECT code FROM lpr.rules()') . "')") for @sessions;
	return;
}

# A session that goes on beside the test: a PostgreSQL::Test::BackgroundPsql, whose query() does not stop at errors (they stand in
# $session->{stderr}), and its backend's process id.
sub session
{
	my ($node, $login, %given) = @_;
	my $session = $node->background_psql($given{database} // 'lpr', on_error_stop => 0, extra_params => [ '-U', $login ]);

	$session->set_query_timer_restart;
	bless $session, 'LprTest::Session';
	$session->query(logon($login, $given{event})) if logon($login) && ($given{logon} // 1);

	return ($session, $session->query('SELECT pg_backend_pid()'));
}

# Lets sessions of analysts do what only functions of lpr may: hold a lock of the administrator's, change a table by what was read. For tests of
# what happens then. deputy(SQL) is a CALL of it, deputy_rows(SQL) a SELECT of its rows, of one column of text.
sub appoint_deputy
{
	my ($node) = @_;
	$node->safe_psql('lpr', 'CREATE PROCEDURE public.deputy(command text) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN EXECUTE command; END $$;
		CREATE FUNCTION public.deputy_rows(command text) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN QUERY EXECUTE command; END $$;
		ALTER EXTENSION lpr ADD PROCEDURE public.deputy(text); ALTER EXTENSION lpr ADD FUNCTION public.deputy_rows(text)');
	return;
}
sub deputy { my ($sql) = @_; return "CALL public.deputy(\$deputy\$$sql\$deputy\$)" }
sub deputy_rows { my ($sql) = @_; return "SELECT * FROM public.deputy_rows(\$deputy\$$sql\$deputy\$)" }

# A procedure in PL/pgSQL, which analysts may call and not make: a CALL of it.
sub procedure
{
	my ($node, $name, $body) = @_;
	$node->safe_psql('lpr', "CREATE PROCEDURE public.$name() LANGUAGE plpgsql AS \$body\$ $body \$body\$");
	return "CALL public.$name()";
}

# Undoes what lpr.harden() keeps out of the server's log, for tests that look whether a secret stands there.
sub log_analysts { my ($node) = @_; $node->safe_psql('postgres', "ALTER ROLE $_ RESET ALL") for 'analyst1', 'analyst2'; return }

# Sends SQL without waiting for its answer; $session->query('') waits, and returns the answer.
sub send_sql
{
	my ($node, $session, $sql) = @_;

	$session->query_until(qr/^sent$/m, "\\echo sent\n$sql;\n");
	return;
}

# Adds a source through lpr.add_source(): name, dialect, further named arguments as text; options => { page_size => 10, … }.
sub add_source
{
	my ($node, $name, $dialect, %given) = @_;
	my $database = delete $given{database} // 'lpr';
	my %arguments = (assessment => 'DHS/CBP/PIA-049(a)', grant_to => '{lpr_user}', %given);

	# A test counts its retries; how long a vendor is waited for besides is the matter of those that say so.
	$arguments{options} = { retry_time => 0, %{ $arguments{options} // {} } } if !defined $arguments{options} || ref $arguments{options};
	$arguments{url} //= $node->vendor_base($name, $dialect);
	my %its = %{ { simulated() }->{$dialect} };
	$arguments{$_} //= $its{$_} for grep { defined $its{$_} } qw(secret client_id);
	$arguments{options} = encode_json($arguments{options}) if ref $arguments{options};
	$node->safe_psql($database, "SELECT lpr.add_source('$name', '$dialect', "
		. join(', ', map { my $value = $arguments{$_}; $value =~ s/'/''/g; "$_ => '$value'" } sort keys %arguments) . ')');
	# As if the privacy officer had approved it, and its vendor had just refreshed its data.
	$node->safe_psql($database, "UPDATE lpr_data.source SET enabled = true, approved_on = lpr_data.utc_today(), published_on = lpr_data.utc_today(), refreshed_at = clock_timestamp() WHERE name = '$name' AND assessment IS NOT NULL");
	$node->entitle($database, $name);
	return;
}

# ---- a world of its own: the clock and the disk (preload.c) ----

# What time it is, in seconds, for the server, the simulator and the test alike. Without a clock of its own that is time().
sub now { my ($node) = @_; return time + ($node->{off} // 0) }

# The clock of server and simulator, so many seconds on; back, if they are negative.
sub move_clock
{
	my ($node, $seconds) = @_;

	$node->{off} = ($node->{off} // 0) + int $seconds;
	_at_once($node->{world}{LPR_CLOCK}, $node->{off});
	return;
}

# The clock to a moment that a query of the database gives, and so many seconds off it; at most a second later than that.
sub clock_to
{
	my ($node, $moment, $seconds) = @_;
	return $node->move_clock($node->answer('postgres', "SELECT ceil(extract(epoch FROM ($moment) - clock_timestamp()))") + $seconds);
}

# Waits until an answer would be kept: after the clock was moved, the purger makes the tables of the hours to come when it sees that.
sub await_cache
{
	my ($node) = @_;
	eventually(sub { $node->answer('postgres', "SELECT bool_and(to_regclass('lpr_data.cache_answer_' || to_char(lpr_data.cache_expiry(clock_timestamp() + ahead, t.keep) AT TIME ZONE 'UTC', 'YYYYMMDDHH24')) IS NOT NULL)
		FROM lpr_data.cache_time AS t, unnest('{0,1 minute}'::interval[]) AS ahead") eq 't' }) or die 'the cache has no tables for what is asked now';
	return;
}

# To noon of the tenth day of the next month but one: for tests of what months, days and hours mean, which begin where none of them is near its end.
sub clock_to_noon
{
	my ($node) = @_;
	my (undef, undef, undef, undef, $month, $year) = gmtime $node->now;

	return $node->move_clock(Time::Local::timegm(0, 0, 12, 10, ($month + 2) % 12, $year + ($month + 2 > 11)) - $node->now);
}

# What is written to paths with this text finds no room, until free_disk().
sub fill_disk { my ($node, $where) = @_; _at_once($node->{world}{LPR_FULL}, $where); return }
sub free_disk { my ($node) = @_; unlink $node->{world}{LPR_FULL}; return }

sub _at_once
{
	my ($file, $text) = @_;

	PostgreSQL::Test::Utils::append_to_file("$file.new", $text);
	rename "$file.new", $file or die "$file: $!";
	return;
}

# ---- the vendor simulator ----

# The dialects that it speaks, by name: secret, client_id, and keys of a read (see LprDialect). A function, not a method.
sub simulated
{
	return %simulated if %simulated;
	my ($list) = PostgreSQL::Test::Utils::run_command([ $ENV{LPR_VENDOR}, '--dialects' ]);
	for (split /\n/, $list)
	{
		my ($name, $its) = /^(\S+) (.*)$/ or next;
		$simulated{$name} = { $its =~ /(\w+)=(\S+)/g };
		$simulated{$name}{keys} = { map { $_ => 1 } split /,/, $simulated{$name}{keys} };
	}
	return %simulated;
}

sub vendor_start
{
	my ($node, @arguments) = @_;
	my $port_file = $node->basedir . '/vendor.port';
	my $log = $node->basedir . '/vendor.log';

	unlink $port_file;
	my $world = $node->{world} // {};
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		$ENV{$_} = $world->{$_} for grep { defined $world->{$_} } qw(LD_PRELOAD LPR_CLOCK);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', $log;
		open STDERR, '>&', \*STDOUT;
		exec $ENV{LPR_VENDOR}, '--port', '0', '--port-file', $port_file, @arguments;
		exit 127;
	}
	$simulators{$pid} = 1;
	$node->{vendor_pid} = $pid;
	eventually(sub { -s $port_file || waitpid($pid, POSIX::WNOHANG) == $pid });
	die "the vendor simulator does not start:\n" . PostgreSQL::Test::Utils::slurp_file($log) unless -s $port_file;
	my %port = PostgreSQL::Test::Utils::slurp_file($port_file) =~ /^(http|tls)=(\d+)/mg;
	$node->{vendor_url} = "http://127.0.0.1:$port{http}";
	$node->{vendor_tls_url} = "https://localhost:$port{tls}" if $port{tls};
	return $node->{vendor_url};
}

sub vendor_stop
{
	my ($node) = @_;
	my $pid = delete $node->{vendor_pid} or return;

	kill 'TERM', $pid;
	waitpid $pid, 0;
	delete $simulators{$pid};
	return;
}

# The base URL of a source at the simulator.
sub vendor_base
{
	my ($node, $name, $dialect) = @_;
	return "$node->{vendor_url}/$name/$dialect";
}

# Faults from now on, one hash each: { vendor => 'acme', class => 'search', fault => 'status', status => 503, times => 1, … }.
sub vendor_faults
{
	my ($node, @faults) = @_;
	return $node->vendor('POST', '/control/faults', \@faults);
}

sub vendor_well { return $_[0]->vendor('DELETE', '/control/faults') }

# The requests since the last vendor_forget, a hash each; filters: vendor => …, class => ….
sub vendor_log
{
	my ($node, %filter) = @_;
	return @{ $node->vendor('GET', '/control/log?' . HTTP::Tiny->new->www_form_urlencode(\%filter)) };
}

sub vendor_forget { return $_[0]->vendor('DELETE', '/control/log') }

# What a client that filters rightly finds: (vendor => 'acme', plate => '7ABC123', …) gives { usable => …, abroad => …, … }.
sub vendor_truth
{
	my ($node, %question) = @_;
	return $node->vendor('GET', '/control/truth?' . HTTP::Tiny->new->www_form_urlencode(\%question));
}

# One request to the simulator's own routes (test/vendor/README.md); body and answer are Perl data.
sub vendor
{
	my ($node, $method, $path, $body) = @_;
	my %options = defined $body ? (content => encode_json($body), headers => { 'content-type' => 'application/json' }) : ();
	my $reply = HTTP::Tiny->new(timeout => limit())->request($method, "$node->{vendor_url}$path", \%options);

	die "$method $path: $reply->{status} $reply->{content}" unless $reply->{success};
	return decode_json($reply->{content});
}

# ---- processes ----

# Of a backend, from /proc: resident memory in kB, its peak, open descriptors.
sub rss_kb { return _status($_[1], 'VmRSS') }
sub peak_rss_kb { return _status($_[1], 'VmHWM') }

sub _status
{
	my ($pid, $field) = @_;
	my ($value) = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^$field:\s+(\d+)/m;
	return $value;
}

sub descriptors
{
	my ($node, $pid) = @_;
	my $data = $node->data_dir;
	# The server's own files are opened as they are needed, and kept.
	return scalar grep { $_ !~ /^\Q$data\E/ } map { readlink($_) // () } glob "/proc/$pid/fd/*";
}

# ---- more of the world, for tests of the network ----

# Another simulator beside the node's own: its ports, as http => …, tls => ….
sub vendor_beside
{
	my ($node, @arguments) = @_;
	my %own = map { $_ => $node->{$_} } qw(vendor_pid vendor_url vendor_tls_url);

	$node->vendor_start(@arguments);
	my %ports = PostgreSQL::Test::Utils::slurp_file($node->basedir . '/vendor.port') =~ /^(\w+)=(\d+)$/mg;
	$node->{$_} = $own{$_} for keys %own;
	return %ports;
}

# SQL as a login, with SQLSTATEs in its messages: those messages.
sub messages
{
	my ($node, $login, $sql, %given) = @_;
	return ($node->ask($login, $sql, %given, psql => { extra_params => [ '-U', $login, '-v', 'VERBOSITY=verbose' ] }))[2];
}

# SQL in a session of session(): its output, and its messages with their SQLSTATEs.
sub converse
{
	my ($node, $session, $sql) = @_;

	$session->query('\set VERBOSITY verbose') unless $session->{lpr_verbose}++;
	$session->{stderr} = '';
	my $out = $session->query($sql);
	return ($out, $session->{stderr});
}

# Starts SQL in a psql of its own and does not wait: each text is a command of one session, and errors do not end it.
# landed() waits: (output, messages).
my $launches = 0;

sub launch
{
	my ($node, $login, @commands) = @_;
	my $name = 'launch' . ++$launches;
	my $file = $node->basedir . "/$name";
	my $logon = "$file.sql"; # a file: what is between two statements of one string cannot be known
	my $pid;

	PostgreSQL::Test::Utils::append_to_file($logon, "\\o /dev/null\n" . logon($login) . ";\n\\o\n") if logon($login);
	$pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>', "$file.out";
		open STDERR, '>', "$file.err";
		exec 'psql', '-X', '-A', '-t', '-q', '-v', 'VERBOSITY=verbose', '-d',
			$node->connstr('lpr') . " application_name=$name user=$login",
			logon($login) ? ('-f', $logon) : (), map { ('-c', $_) } @commands;
		exit 127;
	}
	return { name => $name, pid => $pid, file => $file };
}

# The same in two steps: ready() logs on and waits, go() asks. What is launched while the audit writer is held would wait with its logon.
sub ready
{
	my ($node, $login) = @_;
	my $name = 'launch' . ++$launches;
	my $file = $node->basedir . "/$name";

	pipe my $read, my $write or die "pipe: $!";
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		close $write;
		open STDIN, '<&', $read;
		open STDOUT, '>', "$file.out";
		open STDERR, '>', "$file.err";
		exec 'psql', '-X', '-A', '-t', '-q', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('lpr') . " application_name=$name user=$login", '-f', '-';
		exit 127;
	}
	$write->autoflush(1);
	print $write "\\o /dev/null\n" . logon($login) . ";\n\\o\n";
	eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$name' AND state = 'idle' AND query LIKE '%work_on%'") eq '1' })
		or die "$login does not get on: " . PostgreSQL::Test::Utils::slurp_file("$file.err");
	return { name => $name, pid => $pid, file => $file, input => $write };
}

sub go
{
	my ($node, $job, @commands) = @_;

	print { $job->{input} } map { "$_;\n" } @commands;
	close delete $job->{input};
	return $job;
}

sub landed
{
	my ($node, $job) = @_;

	close delete $job->{input} if $job->{input};
	waitpid $job->{pid}, 0;
	return (PostgreSQL::Test::Utils::slurp_file("$job->{file}.out"), PostgreSQL::Test::Utils::slurp_file("$job->{file}.err"));
}

# Waits until a launch's backend, or the one of that process id, waits for the network: its process id. (vendor => …, class => …): and until a request of
# those came since vendor_forget; event => what else it waits for.
sub await_network
{
	my ($node, $of, %given) = @_;
	my $which = ref $of ? "application_name = '$of->{name}'" : "pid = $of";
	my $event = $given{event} ? "wait_event = '$given{event}'" : "wait_event_type = 'Extension'";
	my $pid = '';

	eventually(sub {
		$pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $which AND state = 'active' AND $event");
		$pid ne '' && (!$given{vendor} || $node->vendor_log(vendor => $given{vendor}, class => $given{class})) }) or die 'no backend waits for the network';
	return $pid;
}

# How many seconds a test waits for what has to come: the harness's limit, so many times. A function, as the next two are.
sub limit { my ($times) = @_; return $PostgreSQL::Test::Utils::timeout_default * ($times // 1) }

# Seconds of a clock that nobody sets.
sub steady { return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

# Looks whether something holds, until it does; what dies (as psql does while a server recovers) does not hold yet.
sub eventually
{
	my ($condition) = @_;
	my $until = steady() + limit();
	my $pause = 0.02;

	do
	{
		return 1 if eval { $condition->() };
		sleep $pause; # time: between two looks, ever longer, since each of them takes from what it waits for
		$pause *= 1.2 if $pause < 0.25;
	} while (steady() < $until);
	return 0;
}

# Lines of the server's log that hold a secret of a vendor or a token it issued. (Statements of the tests name secrets, which in
# lpr.stage() are called like their values.)
sub leaks
{
	my ($node) = @_;
	my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);

	$log =~ s/(?:secret|client_id) (?:=> )?'sim-[\w-]+'//g;
	return $log =~ /^(.*(?:sim-\w|tok_[0-9a-f]{8}).*)$/mg;
}

# What lpr.last_query() tells in a session of session(), by source.
sub told
{
	my ($node, $session) = @_;
	return decode_json($session->query("SELECT coalesce(json_object_agg(q.source, to_json(q)), '{}') FROM lpr.last_query() AS q"));
}

# What psql printed: a hash { level, state, message, detail, hint } each.
sub parse_messages
{
	my ($text) = @_;
	my @messages;

	for (split /\n/, $text)
	{
		s/^psql:[^:]*:\d+: //;
		if (/^(WARNING|NOTICE|ERROR|INFO|LOG|FATAL|PANIC):  (\w{5}): (.*)/) { push @messages, { level => $1, state => $2, message => $3 } }
		elsif (/^(DETAIL|HINT):  (.*)/ && @messages) { $messages[-1]{ lc $1 } = $2 }
	}
	return @messages;
}

# A host that ought to hear nothing: listens; heard() tells whether anybody came.
sub bystander
{
	return IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', Proto => 'tcp') // die "listen: $!";
}

sub heard
{
	my ($socket) = @_;
	return IO::Select->new($socket)->can_read(0) ? 1 : 0;
}

# The limit is that of a query, and of the end, however long the session has been idle.
@LprTest::Session::ISA = ('PostgreSQL::Test::BackgroundPsql');
sub LprTest::Session::quit { my ($session) = @_; $session->{timeout}->start; return PostgreSQL::Test::BackgroundPsql::quit($session) }

END
{
	my $status = $?;
	for my $pid (keys %simulators)
	{
		kill 'TERM', $pid;
		waitpid $pid, 0;
	}
	$? = $status;
}

1;
