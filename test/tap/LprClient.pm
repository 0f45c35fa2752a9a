# LprClient: what `psql -XAtq -f -` does with plain SQL, by libpq in the process of the test (docs/decisions/93).
#
#   my $came = LprClient::run($conninfo, $sql, stop => 1, verbose => 0, timeout => 180);   # time: the harness's limit. undef: that needs psql itself
#   my ($status, $out, $err) = @$came;
package LprClient;
use strict;
use warnings;
use DBD::Pg qw(:async);
use DBI;

# The statements of a text, each with the line that it ends on; nothing if there is more than SQL in it: commands and variables of psql, COPY, LISTEN.
sub statements
{
	my ($sql) = @_;
	my @statements;
	my ($text, $line, $depth) = ('', 1, 0);

	return if $sql =~ /\b(?:ATOMIC|LISTEN|STDIN|STDOUT)\b/i || $sql =~ /:['"{]?[A-Z_]{4,}\b/;
	pos($sql) = 0;
	while (pos($sql) < length $sql)
	{
		return if $sql =~ /\G\\/gc;
		if ($sql =~ /\G;/gc)
		{
			$text .= ';';
			next if $depth > 0;
			push @statements, [ $text, $line ];
			$text = '';
			next;
		}
		$sql =~ /\G(?:\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"[^"]*"|(\$(?:[A-Za-z_]\w*)?\$).*?\g{-1}|--[^\n]*|\/\*.*?\*\/|[A-Za-z_][\w\$]*|\s+|.)/gcs or return;
		my $token = $&;
		$line += $token =~ tr/\n//;
		$depth++ if $token eq '(';
		$depth-- if $token eq ')';
		$text .= $token if $text ne '' || $token =~ /\S/;
	}
	push @statements, [ $text, $line ] if $text =~ s/--[^\n]*//gr =~ /\S/;
	return \@statements;
}

# The rows of a statement as psql shows them, or undef and $dbh->errstr.
sub rows
{
	my ($dbh, $sql, $until) = @_;
	my $statement = $dbh->prepare($sql, { pg_direct => 1, pg_async => PG_ASYNC }) or return;
	my $wait = '';

	$statement->execute or return;
	vec($wait, $dbh->{pg_socket}, 1) = 1;
	until ($dbh->pg_ready)
	{
		die "psql timed out: $sql\n" if defined $until && LprTest::steady() > $until;
		select(my $ready = $wait, undef, undef, 1);
	}
	defined $statement->pg_result or return;
	return [] unless $statement->{NUM_OF_FIELDS};
	my @bytes = grep { $statement->{pg_type}[$_] eq 'bytea' } 0 .. $statement->{NUM_OF_FIELDS} - 1;
	my @rows;
	while (my $row = $statement->fetchrow_arrayref)
	{
		my @values = @$row;
		for (grep { defined } @values[@bytes]) { $_ = '\x' . unpack 'H*', $_ }
		push @rows, join('|', map { $_ // '' } @values) . "\n";
	}
	return $statement->err ? undef : \@rows;
}

sub connected
{
	my ($conninfo, $verbose) = @_;
	return DBI->connect("dbi:Pg:$conninfo fallback_application_name=psql", '', '',
		{ AutoCommit => 1, PrintError => 0, RaiseError => 0, PrintWarn => 1, pg_enable_utf8 => 0, pg_bool_tf => 1, pg_expand_array => 0, pg_errorlevel => $verbose ? 2 : 1 });
}

# What LprTest::logon says, in its parts: the code is asked for, and given.
my $logon = qr/(SELECT code FROM lpr\.rules\(\)) \\gset logon_\n(SELECT lpr\.accept_rules\():'logon_code'([^\n;]*)/;

sub logged_on
{
	my ($dbh, $parts, $until) = @_;
	my $code = rows($dbh, $parts->[0], $until);
	return $code && @$code == 1 && rows($dbh, $parts->[1] . $dbh->quote($code->[0] =~ s/\n\z//r) . $parts->[2], $until);
}

# A client that asks again and again. sub { } before it begins; then so many rounds of statements, with a pause of so many seconds before each. Rows go to
# STDOUT, errors to STDERR, which end nothing unless the connection is lost. Whether it came to its end.
sub rounds
{
	my ($conninfo, $says, $begin, $rounds, $pause, @statements) = @_;
	my $dbh = connected($conninfo, 1);
	my $told = sub { print STDERR $_[0] =~ s/\n*\z/\n/r; return 0 };
	my @parts = $says =~ /\A$logon\z/;

	return $told->(DBI->errstr) unless $dbh;
	return $told->($dbh->errstr) unless logged_on($dbh, \@parts);
	$begin->();
	for (1 .. $rounds)
	{
		select(undef, undef, undef, $pause) if $pause; # time: how often a client asks
		for my $statement (@statements)
		{
			my $rows = rows($dbh, $statement);
			if ($rows) { print STDOUT @$rows }
			else { $told->($dbh->errstr); return 0 unless $dbh->ping }
		}
	}
	$dbh->disconnect;
	return 1;
}

sub run
{
	my ($conninfo, $sql, %given) = @_;
	my @logon;
	my ($out, $err, $status, $line) = ('', '', 0, 1);

	@logon = ($1, $2, $3) if $sql =~ s/\A\\o \/dev\/null\n$logon;\n\\o\n//;
	my $statements = statements($sql) // return;
	my $until = defined $given{timeout} ? LprTest::steady() + $given{timeout} : undef; # time: the harness's limit
	my $say = sub { my ($text) = @_; $err .= "psql:<stdin>:$line: $text" =~ s/\n*\z/\n/r; return };
	local $SIG{__WARN__} = sub { $say->(@_) };
	my $dbh = connected($conninfo, $given{verbose}) or return [ 2, '', 'psql: error: ' . DBI->errstr ];

	my $failed = sub {
		$say->($dbh->errstr);
		return 0 if $dbh->ping;
		$say->('error: connection to server was lost');
		return 2;
	};
	if (@logon)
	{
		return [ $failed->() || 3, $out, $err ] unless logged_on($dbh, \@logon, $until);
		$line = 5;
	}
	my $before = $line;
	for my $statement (@$statements)
	{
		$line = $before + $statement->[1] - 1;
		my $rows = rows($dbh, $statement->[0], $until);
		$out .= join '', @$rows if $rows;
		next if $rows;
		my $lost = $failed->();
		$status = $lost || ($given{stop} ? 3 : 0);
		last if $status;
	}
	$dbh->disconnect;
	return [ $status, $out, $err ];
}

1;
