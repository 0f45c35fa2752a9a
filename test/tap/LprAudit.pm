# LprAudit: more verbs of LprTest, for tests of the audit log: its writer, many clients that remember what they were answered, and what must always hold.
#
#   $node->sound('after the crash', acks => \@acks);   # every record once, the chain whole, nothing answered or asked without its record
package LprTest;
use strict;
use warnings;
use Fcntl ();
use LprTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

# ---- what must always hold ----

# The proof in SQL, by docs/audit-format.md and without a line of the extension's: a row for everything that is wrong with the log.
my $proof = <<'SQL';
CREATE SCHEMA IF NOT EXISTS proof;
CREATE OR REPLACE FUNCTION proof.field(value bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT coalesce(int4send(octet_length(value)) || value, '\xffffffff') $$;
CREATE OR REPLACE FUNCTION proof.field(value text) RETURNS bytea LANGUAGE sql AS $$ SELECT proof.field(convert_to(value, 'UTF8')) $$;
CREATE OR REPLACE FUNCTION proof.field(value bigint) RETURNS bytea LANGUAGE sql AS $$ SELECT proof.field(int8send(value)) $$;
CREATE OR REPLACE FUNCTION proof.record(id bytea, r lpr_data.audit) RETURNS bytea LANGUAGE sql AS $$
    SELECT 'LPR1'::bytea || id || int8send(r.number) || timestamptz_send(r.at) || proof.field(r.kind) || proof.field(r.login) || proof.field(r.pid::bigint)
        || proof.field(timestamptz_send(r.session_started)) || proof.field(r.event_id) || proof.field(r.source) || proof.field(r.mode) || proof.field(r.ask)
        || proof.field(r.control) || proof.field(r.sqlstate) || r.payload_digest
$$;
CREATE OR REPLACE FUNCTION proof.wrong(after bigint DEFAULT 0) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    id bytea := (SELECT l.id FROM lpr_data.log AS l);
    previous bytea := coalesce((SELECT a.digest FROM lpr_data.audit AS a WHERE a.number = after), decode(repeat('00', 32), 'hex'));
    due bigint := after + 1;
    was timestamptz := '-infinity';
    r lpr_data.audit;
BEGIN
    FOR r IN SELECT * FROM lpr_data.audit WHERE number > after ORDER BY number
    LOOP
        IF r.number <> due THEN RETURN NEXT format('record %s where %s is due', r.number, due); END IF;
        IF r.at < was THEN RETURN NEXT format('record %s is of %s, the one before of %s', r.number, r.at, was); END IF;
        previous := sha256('LPRC'::bytea || previous || proof.record(id, r));
        IF previous <> r.digest THEN RETURN NEXT format('record %s has another digest', r.number); END IF;
        IF sha256(r.salt || convert_to(r.payload, 'UTF8')) IS DISTINCT FROM r.payload_digest THEN RETURN NEXT format('record %s has another payload', r.number); END IF;
        due := r.number + 1;
        was := r.at;
        previous := r.digest;
    END LOOP;
    RETURN QUERY SELECT format('records %s have one salt', string_agg(a.number::text, ', ')) FROM lpr_data.audit AS a WHERE a.number > after - 5000 GROUP BY a.salt HAVING count(*) > 1;
    RETURN QUERY SELECT format('ask %s has %s answers', a.ask, count(*)) FROM lpr_data.audit AS a WHERE a.kind = 'answer' AND a.number > after - 5000 GROUP BY a.ask HAVING count(*) > 1;
    RETURN QUERY SELECT format('%s %s has no ask', a.kind, a.number) FROM lpr_data.audit AS a
        WHERE a.number > after AND a.kind IN ('answer', 'sent') AND NOT EXISTS (
            SELECT FROM lpr_data.audit AS q WHERE q.number = a.ask AND q.kind = 'ask' AND q.number < a.number
                AND (q.login, q.pid, q.session_started, q.event_id, q.source, q.mode)
                    IS NOT DISTINCT FROM (a.login, a.pid, a.session_started, a.event_id, a.source, a.mode));
    RETURN QUERY SELECT format('ask %s without consent', a.number) FROM lpr_data.audit AS a
        WHERE a.number > after AND a.kind = 'ask' AND a.mode <> 'display' AND NOT EXISTS (
            SELECT FROM lpr_data.audit AS c WHERE c.kind = 'consent' AND c.number < a.number AND (c.login, c.pid, c.session_started) = (a.login, a.pid, a.session_started));
    RETURN QUERY SELECT format('%s %s of nothing', a.kind, a.number) FROM lpr_data.audit AS a
        WHERE a.number > after AND (a.kind = 'refused' AND (a.sqlstate IS NULL OR a.login IS NULL) OR a.kind = 'ask' AND ((a.login IS NULL) <> (a.mode = 'display') OR (a.source IS NULL) <> (a.mode = 'saved') OR a.mode IS NULL OR (a.event_id IS NULL) <> (a.mode = 'display'))
           OR a.kind = 'consent' AND (a.login IS NULL OR a.session_started IS NULL)
           OR a.kind NOT IN ('start', 'month', 'ask', 'refused', 'sent', 'answer', 'change', 'read', 'clock', 'consent', 'flag') OR (a.kind = 'start') <> (a.number = 1));
    RETURN QUERY SELECT format('checkpoint %s does not fit', c.size) FROM lpr_data.checkpoint AS c LEFT JOIN lpr_data.audit AS a ON a.number = c.size
        WHERE a.digest IS DISTINCT FROM decode(substring(c.note FROM '\nhead (\S+)\n'), 'base64') OR substring(c.note FROM '^[^\n]*\n(\d+)\n')::bigint <> c.size;
END
$$;
SQL

# What is wrong, in words; '' = nothing. (acks => [ references that clients were shown with an answer ], database => …, log => 0: the simulator's log
# is of no use. after => a number up to which all was well, since => the same of the simulator's log)
sub wrong
{
	my ($node, %given) = @_;
	my $database = $given{database} // 'lpr';
	my @wrong;
	my $after = $given{after} // 0;
	my %sent;

	# First what was asked, then what is on record: clients may go on meanwhile.
	$sent{ $_->{reference} }++ for grep { defined $_->{reference} && $_->{reference} ne '' } ($given{log} // 1) ? $node->vendor_log(since => $given{since} // 0) : ();
	$node->answer('postgres', $proof, database => $database) if $node->answer('postgres', 'SELECT NOT pg_is_in_recovery()', database => $database) eq 't';
	push @wrong, split /\n/, $node->answer('postgres', "SELECT * FROM proof.wrong($after)", database => $database);
	my %record = map { split /\|/ } split /\n/, $node->answer('postgres', "SELECT concat_ws('-', encode(l.id, 'hex'), left(encode(a.digest, 'hex'), 32)), a.kind
		FROM lpr_data.audit AS a, lpr_data.log AS l WHERE a.number > $after - 20000", database => $database);
	for my $reference (keys %sent, @{ $given{acks} // [] })
	{
		my $record = $record{$reference};
		my $what = $sent{$reference} ? 'asked' : 'answered';

		if (!defined $record) { push @wrong, "$what without a record: '$reference'" }
		elsif ($record ne 'ask') { push @wrong, "$what on a record of $record: $reference" }
	}
	splice @wrong, 10, @wrong - 10, '…' if @wrong > 11;
	return join "\n", @wrong;
}

sub sound
{
	my ($node, $name, %given) = @_;
	return is($node->wrong(%given), '', "$name: every record once, the chain whole, nothing without its record");
}

# ---- the log ----

sub head { return $_[0]->answer('postgres', 'SELECT coalesce(max(number), 0) FROM lpr_data.audit') }

# The records after a number, in short: "ask analyst1 acme", "refused … Q10 LP003", "answer … of 7 stopped" (of: as an offset from that number).
# Without consents, since ask() and session() give one, and without the beginnings of months.
sub records_after
{
	my ($node, $number, $where) = @_;
	return $node->answer('postgres', "SELECT concat_ws(' ', kind, login, source, CASE WHEN ask IS NOT NULL THEN 'of +' || (SELECT count(*) FROM lpr_data.audit AS b WHERE b.number > $number AND b.number <= a.ask AND b.kind NOT IN ('month', 'change', 'consent') AND NOT (b.login IS NULL AND b.mode IS NOT DISTINCT FROM 'display')) END, control, sqlstate,
		CASE kind WHEN 'answer' THEN (payload::json)->>'outcome' WHEN 'change' THEN concat_ws(' ', (payload::json)->>'action', (payload::json)->>'table') END)
		FROM lpr_data.audit AS a WHERE number > $number AND NOT (login IS NULL AND mode IS NOT DISTINCT FROM 'display') AND " . ($where // "kind NOT IN ('consent', 'month')") . ' ORDER BY number'); # rounds of the watcher come between
}

# The same, waited for.
sub records_become
{
	my ($node, $number, $expected, $name, $where) = @_;
	my $records = '';

	eventually(sub { $records = $node->records_after($number, $where); $records eq $expected });
	return is($records, $expected, $name);
}

# ---- the writer ----

# ask() of a server that may be down: a psql that cannot connect may be gone before it is given its statement.
sub try_ask
{
	my ($node, @arguments) = @_;
	my @result = eval { $node->ask(@arguments) };

	return @result ? @result : (2, '', $@);
}

sub writer
{
	my ($node) = @_;
	my $pid = '';

	eventually(sub { $pid = ($node->try_ask('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr audit writer'", database => 'postgres'))[1] // ''; $pid =~ /^\d+$/ })
		or die 'there is no audit writer';
	return $pid;
}

# Kills a process of the server, which then starts all others anew, and waits until it has.
sub crash
{
	my ($node, $pid) = @_;
	my $writer = $node->writer;

	kill 'KILL', $pid or die "kill: $!";
	eventually(sub { gone($pid) && gone($writer) && $node->writer ne $writer }) or die 'the server does not come back';
	return;
}

sub hold_writer
{
	my ($node) = @_;
	my $pid = $node->writer;

	kill 'STOP', $pid or die "kill: $!";
	eventually(sub { PostgreSQL::Test::Utils::slurp_file("/proc/$pid/stat") =~ /^\d+ \(.*\) T / }) or die "process $pid does not stop";
	return $pid;
}

sub let_go { my ($node, $pid) = @_; kill 'CONT', $pid or die "kill: $!"; return }

# Ends the writer in order, and waits for the next one.
sub renew_writer
{
	my ($node) = @_;
	my $pid = $node->writer;

	kill 'TERM', $pid or die "kill: $!";
	eventually(sub { gone($pid) && $node->writer ne $pid }) or die 'the audit writer does not come back';
	return;
}

# Waits until a question is answered again.
sub await_answers
{
	my ($node, %given) = @_;
	my ($status, $out, $err);

	return 1 if eventually(sub { ($status, $out, $err) = $node->try_ask('analyst1', quick(), %given); $status == 0 });
	diag($err);
	return 0;
}

# Waits until this many sessions wait for the audit writer. A session that was launched, or a process id, may be named.
sub await_waiting
{
	my ($node, $count, $of) = @_;
	my $which = !defined $of ? 'true' : ref $of ? "application_name = '$of->{name}'" : "pid = $of";

	return eventually(sub { $node->safe_psql('postgres', "SELECT count(*) >= $count FROM pg_stat_activity WHERE wait_event = 'MessageQueueReceive' AND $which") eq 't' });
}

# A quick question: one read.
sub quick { my ($source) = @_; $source //= 'acme'; return "SELECT count(*) FROM lpr.reads WHERE plate = 'BULK1' AND source = '$source'" }

# ---- many clients ----

# How many of them a test takes where it wants many. Each costs a backend that starts; what many do differently than one, they do from a score on.
our $crowd = $ENV{LPR_CROWD} // 24;

# Starts clients that ask again and again, come back when they lose their connection, and write down under which references they were answered.
# (rounds => so many questions each and without a pause, else until swarm_end; pause => seconds between two; sql => of one question; hold => 1: they log
# on, and ask after swarm_go)
my ($swarms, @swarms) = (0);

sub swarm
{
	my ($node, $clients, %given) = @_;
	my $directory = $node->basedir . '/swarm' . ++$swarms;
	my $sql = ($given{sql} // quick()) =~ s/;\z//r;
	my $rounds = $given{rounds} || 100;
	my $pause = $given{rounds} ? 0 : $given{pause} // 0.1; # time: how often a client asks
	my $parent = $$;
	my @pids;

	mkdir $directory or die "$directory: $!";
	open my $gate, '>', "$directory/gate" or die "$directory/gate: $!";
	flock $gate, Fcntl::LOCK_EX;
	for my $client (1 .. $clients)
	{
		my $pid = fork() // die "fork: $!";
		if ($pid) { push @pids, $pid; next }
		my $login = 'analyst' . (1 + $client % 2);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$directory/$client.out";
		open STDERR, '>>', "$directory/$client.err";
		STDOUT->autoflush;
		my $waits = sub { return unless $given{hold}; open my $own, '<', "$directory/gate" or return; flock $own, Fcntl::LOCK_SH };
		my $well;
		do
		{
			# Who could not log on, or lost the connection, tries again.
			$well = LprClient::rounds($node->connstr($given{database} // 'lpr') . " application_name=swarm user=$login", logon($login), $waits, $rounds, $pause,
				$sql, q{SELECT 'ack ' || reference FROM lpr.last_query() WHERE outcome = 'complete' AND reads > 0});
			sleep 0.2 unless $well; # time: how often a client tries
		} while (getppid() == $parent && !-e "$directory/end" && (!$given{rounds} || !$well));
		POSIX::_exit(0);
	}
	push @swarms, { directory => $directory, gate => $gate, pids => \@pids, clients => $clients };
	eventually(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'swarm' AND state = 'idle' AND query LIKE '%work_on%'") >= $clients })
		or die 'not all of the swarm get on' if $given{hold};
	return $swarms[-1];
}

sub swarm_go
{
	my ($node, $swarm) = @_;

	flock $swarm->{gate}, Fcntl::LOCK_UN; # of all who have it from us
	return;
}

# How many answers came so far.
sub swarm_acks
{
	my ($node, $swarm) = @_;
	return map { -e $_ ? PostgreSQL::Test::Utils::slurp_file($_) =~ /^ack (\S+)$/mg : () } map { "$swarm->{directory}/$_.out" } 1 .. $swarm->{clients};
}

sub swarm_errors
{
	my ($node, $swarm) = @_;
	return join '', map { PostgreSQL::Test::Utils::slurp_file($_) } glob "$swarm->{directory}/*.err";
}

# Waits until this many more answers came.
sub await_acks
{
	my ($node, $swarm, $more) = @_;
	my $before = scalar(my @acks = $node->swarm_acks($swarm));

	return eventually(sub { scalar(my @now = $node->swarm_acks($swarm)) >= $before + $more });
}

# Ends them, after the script at hand, and returns what they were answered.
sub swarm_end
{
	my ($node, $swarm, %given) = @_;

	PostgreSQL::Test::Utils::append_to_file("$swarm->{directory}/end", '');
	$node->try_ask('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'swarm'", database => 'postgres')
		unless $given{patient};
	waitpid $_, 0 for @{ $swarm->{pids} };
	$swarm->{pids} = [];
	return $node->swarm_acks($swarm);
}

# ---- processes ----

# The postmaster, and all of its children.
sub family
{
	my ($node) = @_;
	my ($postmaster) = PostgreSQL::Test::Utils::slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my @children;

	for my $path (glob '/proc/[0-9]*/stat')
	{
		open(my $stat, '<', $path) or next;
		push @children, $1 if (<$stat> // '') =~ /^(\d+) \(.*\) \S $postmaster /;
	}
	return ($postmaster, @children);
}

# Ends the postmaster and all its children at once, as a power cut does to processes; the server is down then.
sub cut_power
{
	my ($node) = @_;
	my ($postmaster, @children) = $node->family;

	kill 'STOP', $postmaster; # so that it starts no more of them
	(undef, @children) = $node->family;
	kill 'KILL', $postmaster, @children;
	eventually(sub { !-e "/proc/$postmaster" && !grep { !gone($_) } @children }) or die 'somebody survives';
	$node->{_pid} = undef;
	return;
}

# Of a standby: holds what it receives, so that it flushes nothing more, and lets it go on.
sub hold_receiver
{
	my ($node) = @_;
	my $pid = '';

	eventually(sub { $pid = $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_wal_receiver'); $pid ne '' }) or return 0;
	$node->{receiver} = $pid;
	return kill 'STOP', $pid;
}

sub release_receiver { return kill 'CONT', delete $_[0]->{receiver} }

# Waits until a process has acted upon what it was sent: no signal that it does not block is pending, and it waits for something again.
sub heeded
{
	my ($pid) = @_;
	return eventually(sub {
		my %is = PostgreSQL::Test::Utils::slurp_file("/proc/$pid/status") =~ /^(State|SigPnd|ShdPnd|SigBlk):\s+(\S+)/mg;
		no warnings 'portable';
		$is{State} eq 'S' && ((hex($is{SigPnd}) | hex($is{ShdPnd})) & ~hex($is{SigBlk})) == 0 });
}

# Whether a process has ended, or is a zombie. A function, not a method.
sub gone
{
	my ($pid) = @_;
	open(my $stat, '<', "/proc/$pid/stat") or return 1;
	return (<$stat> // '') !~ /^\d+ \(.*\) [^Z]/;
}

END
{
	kill 'TERM', map { @{ $_->{pids} } } @swarms;
}

1;
