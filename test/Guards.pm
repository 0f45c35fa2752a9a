# Guards: what refuses in the functions of sql/, on record or with an error of our own; and which of that the logs of servers show at work.
#
#   my @guards = Guards::of($text);                 # of the text of one function: from, to, how, does, rest, code
#   my $seen = Guards::seen(@logs);                 # what was at work: "function line" and "helper function"
package Guards;
use strict;
use warnings;

my $refuses = qr/^(?:refuse|refuse_held|refuse_invisible|check_\w+|administering|acting\w*|registered|own_event|reading\w*|watching|on_duty|pass_gate\w*)$/;
my $who = qr/^(?:administering|acting\w*|registered)$/; # of a declaration, only who acts

# A helper that refuses, called by PERFORM, SELECT or for a variable; or an error with a code of ours.
sub of
{
	my ($text) = @_;
	my @guards;

	while ($text =~ /(\b(?:PERFORM|SELECT)\s+lpr_data\.(\w+)\(|\b(RAISE) EXCEPTION USING|:=\s*lpr_data\.(\w+)\()([^;]*)/g)
	{
		my %guard = (from => $-[1], to => $+[1], does => $2 // $3 // $4, rest => $5);
		($guard{how}) = substr($text, $guard{from}) =~ /^(\w+|:=)/;
		($guard{code}) = grep { /^(?:LP\d{3}|22023)$/ } $guard{rest} =~ /'((?:[^']|'')*)'/g;
		next if $guard{how} eq 'RAISE' ? ($guard{code} // '') !~ /^LP/ : $guard{does} !~ $refuses || $guard{how} eq ':=' && $guard{does} !~ $who;
		push @guards, \%guard;
	}
	return @guards;
}

# From the context of errors, innermost first: "PL/pgSQL function NAME(...) line N at PERFORM", "SQL function "NAME" statement N".
sub seen
{
	my %seen;

	for my $log (@_)
	{
		my @calls;
		open my $lines, '<', $log or die "$log: $!";
		while (my $line = <$lines>)
		{
			my ($begins, $says) = $line =~ /(CONTEXT:  |^\t)((?:PL\/pgSQL|SQL) .*)/ or do { @calls = (); next };
			@calls = () if $begins ne "\t";
			my ($name, $at) = $says =~ /^PL\/pgSQL function (\S+?)(?:\(.*\))? line (\d+) / ? ($1, $2) : $says =~ /^SQL function "(\w+)"/ ? ($1) : next;
			$name =~ s/^lpr(?:_data)?\.//;
			$seen{"$name $at"} = 1 if defined $at;
			$seen{"$calls[-1] $name"} = 1 if @calls;
			push @calls, $name;
		}
	}
	return \%seen;
}

# The functions of a file of sql/: name, language, and the text with which the body begins, so that its lines count as the server counts them.
sub functions
{
	my ($sql) = @_;
	my @functions;

	while ($sql =~ /^CREATE FUNCTION lpr(?:_data)?\.(\w+)\((.*?)^(?:\$\$|END);$/gms)
	{
		my ($name, $rest) = ($1, $2);
		my ($head, $body) = $rest =~ /\A(.*?^AS \$\$)(.*)\z/ms ? ($1, $2) : ($rest, $rest);
		push @functions, { name => $name, plpgsql => scalar($head =~ /^\s+LANGUAGE plpgsql/m), body => $body };
	}
	return @functions;
}

# Those of functions that no log shows at work, each as "function, line: what it does".
sub idle
{
	my ($seen, @files) = @_;
	my ($all, @idle) = (0);

	for my $file (@files)
	{
		open my $handle, '<', $file or die "$file: $!";
		for my $function (functions(do { local $/; <$handle> }))
		{
			for my $guard (of($function->{body}))
			{
				my $line = 1 + (substr($function->{body}, 0, $guard->{from}) =~ tr/\n//);
				my $key = $function->{plpgsql} && $guard->{how} =~ /^(?:PERFORM|RAISE)$/ ? $line : undef;
				$all++;
				next if defined $key ? $seen->{"$function->{name} $key"} : $seen->{"$guard->{does} $function->{name}"};
				push @idle, "$function->{name}, line $line: $guard->{does}" . ($guard->{code} ? " $guard->{code}" : '') . ($guard->{rest} =~ /'([a-z"%][^'\n]* [^'\n]*)'/ ? ": $1" : '');
			}
		}
	}
	return ($all, @idle);
}

1;
