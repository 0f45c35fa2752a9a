# LprMail: a mail server for tests: Exim, unprivileged, on loopback, with STARTTLS and a login; each mail becomes a file. And a mail server that misbehaves.
#
#   my $server = LprMail->start($node);   # and lpr's settings lead to it
#   $server->switch('defer', 1);   $server->stop;   my @mails = $server->mails;   # { head => …, body => …, to => … }
package LprMail;
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use LprTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my @started; # process ids, negative ones of groups
my $fakes = 0;

# ---- certificates ----

sub openssl { run_log([ 'openssl', @_ ], '>', '/dev/null', '2>', '/dev/null') or die "openssl @_" }

# $directory/ca.crt, and of it $name.crt and $name.key for localhost; stranger.crt is of nobody known, elsewhere.crt of another host.
sub certificates
{
	my ($directory) = @_;

	for my $ca (qw(ca other-ca))
	{
		openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-subj', "/CN=$ca",
			'-keyout', "$directory/$ca.key", '-out', "$directory/$ca.crt");
	}
	for ([ "server", "ca", "DNS:localhost,IP:127.0.0.1" ], [ "elsewhere", "ca", "DNS:mail.example" ], [ "stranger", "other-ca", "DNS:localhost,IP:127.0.0.1" ])
	{
		my ($name, $ca, $alternative) = @$_;
		append_to_file("$directory/$name.ext", "subjectAltName=$alternative\n");
		openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', "/CN=$name", '-keyout', "$directory/$name.key",
			'-out', "$directory/$name.csr");
		openssl('x509', '-req', '-in', "$directory/$name.csr", '-CA', "$directory/$ca.crt", '-CAkey', "$directory/$ca.key", '-CAcreateserial',
			'-days', 30, '-extfile', "$directory/$name.ext", '-out', "$directory/$name.crt");
	}
	return;
}

# ---- Exim ----

# What it does otherwise while a file of that name is there: defer, deny (recipients), deny_data, defer_data, no_tls, no_login (it asks for one),
# slow (three seconds before it takes a message), stranger, elsewhere (its certificate).
my $configuration = <<'EXIM';
exim_user = USER
exim_group = GROUP
primary_hostname = mail.example
spool_directory = DIR/spool
log_file_path = DIR/log/%s
pid_file_path = DIR/exim.pid
daemon_smtp_ports = PORT
local_interfaces = 127.0.0.1
disable_ipv6 = true
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 200
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
keep_environment =
message_logs = false
tls_certificate = ${if exists{DIR/stranger}{DIR/stranger.crt}{${if exists{DIR/elsewhere}{DIR/elsewhere.crt}{DIR/server.crt}}}}
tls_privatekey = ${if exists{DIR/stranger}{DIR/stranger.key}{${if exists{DIR/elsewhere}{DIR/elsewhere.key}{DIR/server.key}}}}
tls_advertise_hosts = ${if exists{DIR/no_tls}{}{*}}
auth_advertise_hosts = *
acl_smtp_rcpt = rcpt
acl_smtp_data = data
begin acl
rcpt:
  deny    !authenticated = *
          condition = ${if exists{DIR/no_login}{no}{yes}}
          condition = ${if exists{DIR/open}{no}{yes}}
          message = log in first
  defer   condition = ${if exists{DIR/defer}}
          message = come back later
  deny    condition = ${if exists{DIR/deny}}
          message = nobody lives here
  deny    local_parts = ^nobody
          message = no such user
  accept
data:
  defer   condition = ${if exists{DIR/defer_data}}
          message = not now
  deny    condition = ${if exists{DIR/deny_data}}
          message = I do not like it
  accept  delay = ${if exists{DIR/slow}{3s}{0s}}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and{{eq{$auth2}{mailer}}{eq{$auth3}{correct horse}}}}
  server_set_id = $auth2
begin routers
all:
  driver = accept
  transport = file
begin transports
file:
  driver = appendfile
  directory = DIR/box
  create_directory
  envelope_to_add = true
  return_path_add = true
  message_prefix =
  message_suffix =
  check_string =
EXIM

# Makes one, and starts it. (login => 0: without a login; settings => 0: lpr's stay as they are)
sub start
{
	my ($class, $node, %given) = @_;
	my $directory = $node->basedir . '/exim' . @started;
	my $self = bless { node => $node, directory => $directory, port => PostgreSQL::Test::Cluster::get_free_port() }, $class;
	my ($user, $group) = (scalar getpwuid($<), scalar getgrgid((split / /, $()[0]));
	(my $text = $configuration) =~ s/DIR/$directory/g;

	mkdir $_ or die "$_: $!" for $directory, "$directory/log", "$directory/box", "$directory/spool";
	certificates($directory);
	$text =~ s/PORT/$self->{port}/;
	$text =~ s/USER/$user/;
	$text =~ s/GROUP/$group/;
	append_to_file("$directory/conf", $text);
	# A copy is not setuid: it is we all the way.
	system_or_bail('cp', $ENV{LPR_EXIM}, "$directory/exim");
	$self->switch('no_login', 1) unless $given{login} // 1;
	$self->go;
	$self->settings(%given) if $given{settings} // 1;
	return $self;
}

sub go
{
	my ($self) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0)
	{
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$self->{directory}/out";
		open STDERR, '>&', \*STDOUT;
		exec "$self->{directory}/exim", '-C', "$self->{directory}/conf", '-bdf';
		exit 127;
	}
	push @started, $pid;
	$self->{pid} = $pid;
	LprTest::eventually(sub { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{port}) })
		or die "Exim does not start:\n" . slurp_file("$self->{directory}/out");
	return;
}

sub stop
{
	my ($self) = @_;
	my $pid = delete $self->{pid} or return;

	kill 'TERM', $pid;
	waitpid $pid, 0;
	@started = grep { $_ != $pid } @started;
	return;
}

# Behaves otherwise, or not any more.
sub switch
{
	my ($self, $name, $on) = @_;

	unlink "$self->{directory}/$name";
	append_to_file("$self->{directory}/$name", "\n") if $on;
	return;
}

# Settings of lpr by name, read again.
sub configure
{
	my ($node, %settings) = @_;

	$node->append_conf('postgresql.conf', join '', map { "lpr.smtp_$_ = '$settings{$_}'\n" } sort keys %settings);
	$node->reload;
	return;
}

sub url { my ($self) = @_; return "smtp://localhost:$self->{port}" }

# Has lpr send to this server.
sub settings
{
	my ($self, %given) = @_;
	my %settings = (url => $self->url, sender => 'lpr@agency.example', user => '', ca_file => "$self->{directory}/ca.crt");

	if ($given{login} // 1)
	{
		$self->{node}->put_secret('mail-password', 'correct horse');
		@settings{qw(user secret)} = ('mailer', 'mail-password');
	}
	configure($self->{node}, %settings);
	return;
}

# The mails that arrived, oldest first: head with its lines as they are, text of the body decoded, and each header by name.
sub mails
{
	my ($self) = @_;
	my @mails;

	for my $file (sort { -M $b <=> -M $a || $a cmp $b } glob "$self->{directory}/box/*")
	{
		my $raw = slurp_file($file);
		next unless $raw =~ /\A(.*?\n)\n(.*)\z/s;
		my %mail = (head => $1, raw => $raw, body => $2);
		(my $unfolded = $mail{head}) =~ s/\n(?=[ \t])//g;
		$mail{lc $1} //= $2 while $unfolded =~ /^([\w-]+): ?(.*)$/mg;
		($mail{text} = $mail{body}) =~ s/=\n//g;
		$mail{text} =~ s/=([0-9A-F]{2})/chr hex $1/ge;
		push @mails, \%mail;
	}
	return @mails;
}

sub log { my ($self) = @_; return join '', map { -e $_ ? slurp_file($_) : () } map { "$self->{directory}/log/$_" } qw(main reject panic) }

# Waits until so many have arrived, and no more are on their way: none is being sent, none is in Exim's spool. How many there are.
sub await_mails
{
	my ($self, $count, %given) = @_;
	my $node = $given{node} // $self->{node};
	my $n = 0;

	LprTest::eventually(sub {
		$n = () = glob "$self->{directory}/box/*";
		my $spool = () = glob "$self->{directory}/spool/input/*";
		$n >= $count && $spool == 0 && $node->safe_psql($given{database} // 'lpr', "SELECT count(*) FROM lpr_data.mail WHERE state = 'sending'") == 0 });
	$n = () = glob "$self->{directory}/box/*";
	return $n;
}

# ---- a mail server that misbehaves ----

# Speaks SMTP in the open, or offers TLS and hangs, and writes down what it hears. Behaviour, one of: hang => command at which it says nothing any more (GREETING,
# EHLO, MAIL, RCPT, DATA, END: the message is whole, QUIT); hold => the same, until release(); drop => the same, and it closes the connection; answer => { RCPT => '550 5.1.1 no' };
# ehlo => [ 'STARTTLS', … ] what it offers.
sub fake
{
	my ($class, $node, %does) = @_;
	my $file = $node->basedir . '/fake' . ++$fakes . '.log';
	my $socket = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', Proto => 'tcp', ReuseAddr => 1, ($does{port} ? (LocalPort => $does{port}) : ())) // die "listen: $!";
	my $self = bless { node => $node, file => $file, port => $socket->sockport }, $class;

	append_to_file($file, '');
	my $parent = $$;
	my $pid = fork() // die "fork: $!";
	if ($pid == 0)
	{
		setpgrp;
		$SIG{CHLD} = 'IGNORE';
		$SIG{TERM} = 'DEFAULT';
		while (getppid() == $parent)
		{
			IO::Select->new($socket)->can_read(1) or next;
			my $client = $socket->accept or next;
			my $child = fork() // next;
			if ($child == 0) { close $socket; _serve($client, $file, %does); POSIX::_exit(0) }
			close $client;
		}
	}
	push @started, -$pid;
	$self->{pid} = -$pid;
	return $self;
}

sub _serve
{
	my ($client, $file, %does) = @_;
	my $say = sub { $client->print(map { "$_\r\n" } @_); $client->flush };
	my $note = sub { append_to_file($file, "$_[0]\n") };
	# At a point of the conversation: true when it goes on in the ordinary way.
	my $at = sub {
		my ($point) = @_;
		if (($does{hang} // '') eq $point) { $note->("hangs at $point"); sleep 1 while getppid() != 1 } # time: for good
		if (($does{hold} // '') eq $point) { $note->("holds at $point"); sleep 0.01 until -e "$file.release" } # time: between two looks
		if (($does{drop} // '') eq $point) { $note->("drops at $point"); close $client; POSIX::_exit(0) }
		return 1 unless $does{answer}{$point};
		$say->($does{answer}{$point});
		return 0;
	};

	$client->autoflush(1);
	$at->('GREETING') and $say->('220 fake.example ESMTP');
	while (defined(my $line = <$client>))
	{
		$line =~ s/\r?\n\z//;
		$note->($line);
		my $command = uc(($line =~ /^(\w+)/)[0] // '');
		$at->($command) or next;
		if ($command eq 'EHLO') { my @offers = @{ $does{ehlo} // [] }; $say->(map({ "250-$_" } 'fake.example', @offers), '250 8BITMIME') }
		elsif ($command eq 'DATA')
		{
			$say->('354 go on');
			while (defined($line = <$client>)) { $line =~ s/\r?\n\z//; last if $line eq '.'; $note->("| $line") }
			$note->('a whole message') if defined $line;
			$at->('END') and $say->('250 taken');
		}
		elsif ($command eq 'QUIT') { $say->('221 bye'); last }
		elsif ($command eq 'STARTTLS') { $say->('220 go on'); sleep 1 while getppid() != 1 } # time: for good
		else { $say->('250 fine') }
	}
	$note->('gone');
	return;
}

sub heard { my ($self) = @_; return slurp_file($self->{file}) }
sub release { my ($self) = @_; append_to_file("$self->{file}.release", ''); return }
sub end { my ($self) = @_; my $pid = delete $self->{pid} or return; kill 'TERM', $pid; waitpid -$pid, 0; @started = grep { $_ != $pid } @started; return }

# ---- the outbox ----

# Tests of how mails go post more of a kind to one person than a day has (455_audit_texts is about that).
sub unbounded { my ($node) = @_; return $node->safe_psql('lpr', 'CREATE OR REPLACE FUNCTION lpr_data.most_mails() RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN 100000') }

# A mail of kind "denied" to one of the people of stage.sql: its key.
my $posted = 0;

sub post
{
	my ($node, %given) = @_;
	my $key = $given{key} // 'test:' . ++$posted;

	$node->safe_psql('lpr', sprintf "SELECT lpr_data.post('%s', (SELECT person_id FROM lpr_data.person WHERE login = '%s'), 'denied')", $key, $given{login} // 'analyst1');
	return $key;
}

# One value of a mail, by key.
sub of { my ($node, $key, $what) = @_; return $node->safe_psql('lpr', "SELECT $what FROM lpr_data.mail WHERE key = '$key'") }

# Waits until something holds of a mail.
sub becomes
{
	my ($node, $key, $condition, $name) = @_;
	my $good = LprTest::eventually(sub { of($node, $key, $condition) eq 't' });

	diag($node->safe_psql('lpr', "SELECT to_jsonb(m) - 'body' FROM lpr_data.mail AS m WHERE m.key = '$key'")) unless $good;
	return ok($good, $name);
}

# The mail worker's process id.
sub worker
{
	my ($node) = @_;
	my $pid = '';

	LprTest::eventually(sub { $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr mail'"); $pid =~ /^\d+$/ })
		or die 'there is no mail worker';
	return $pid;
}

END
{
	my $status = $?;
	for my $pid (@started) { kill 'TERM', $pid; waitpid abs $pid, 0 }
	$? = $status;
}

1;
