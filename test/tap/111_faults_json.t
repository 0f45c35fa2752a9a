# faults of JSON: every way in which a body can be malformed, in every dialect and class that can show it. Either the whole page is refused
# with a clear error (HV00M), or the one read is dropped and counted, and all others come; what else is looked at stands in LprLab::trial.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use Test::More;

my $node = LprLab->laboratory('json');
my $lab = $node->{lab};

# What a kind does to the read it hits. fail: the page is refused there; last: only at its end, so that its reads are shown; drop: the
# read is dropped and counted; odd: the value is left out and counted, the read is shown; unplaced: it is left out, and with it the place;
# other: what is left is another plate; none: the dialect has no such value, or does not need it; all: it is taken for all that there is.
my %reads = (
	(map { $_ => 'fail' } qw(invalid_utf8 nan nul_escape raw_nul lone_surrogate control_chars single_quotes deep_nesting empty_body null_results
		bare_array_or_object)),
	trailing_junk => 'last', big_integer => 'odd', bad_confidence => 'odd', bad_coordinates => 'unplaced', invisible => 'other',
	(map { $_ => 'drop' } qw(bad_time empty_plate control_escapes missing_id missing_time long_string wrong_types duplicate_keys)));
# Which value of a read a kind aims at, where not every dialect has it.
my %value = (bad_coordinates => 'latitude', bad_confidence => 'confidence', missing_id => 'id', big_integer => 'number', nan => 'number');
my @kinds = sort keys %reads;
my %message = (
	invalid_utf8 => qr/invalid UTF-8/i, nan => qr/invalid token/, nul_escape => qr/\\u0000|is missing/, raw_nul => qr/NUL byte/, lone_surrogate => qr/surrogate/,
	control_chars => qr/control character/, duplicate_keys => qr/stands twice/, deep_nesting => qr/nested deeper than 32/,
	null_results => qr/is not an array|expected an array/, bare_array_or_object => qr/expected an? \w+/, trailing_junk => qr/invalid token/);

for my $name (@{ $lab->{names} })
{
	my $its = $dialect{$name};
	for my $class (grep { /search|page/ } classes($its))
	{
		for my $kind (@kinds)
		{
			my $does = $value{$kind} && !$its->{keys}{ $value{$kind} } ? 'none' : $its->{malformed}{$kind} // $reads{$kind};
			my $count = $kind =~ /confidence|integer/ ? $its->{numbers} // 1 : 1;
			my $replies = $node->lab_replies($name, $class);
			my %expected =
				$does eq 'none' ? ()
				: $does eq 'all' ? (rows => $node->lab_before($name, $class, 1))
				: $does eq 'odd' ? (odd => $replies)
				: $does eq 'drop' ? (rows => $lab->{usable}{$name} - $replies, dropped => { malformed => $replies }, odd => 'any')
				: $does eq 'other' ? (rows => $lab->{usable}{$name} - $replies, dropped => { other_plate => $replies })
				: $does eq 'unplaced' ? (rows => $lab->{usable}{$name} - $replies, dropped => { unknown_place => $replies }, odd => $replies)
				: (outcome => 'failed', state => 'HV00M', rows => $node->lab_before($name, $class, $does eq 'last' ? 1 : 0),
					message => $message{$kind} // qr/malformed reply/, detail => qr/^At byte \d+ of \d+/);

			my $result = $node->trial([ { source => $name, fault => { class => $class, fault => 'malformed', kind => $kind, count => $count }, %expected } ],
				name => "$kind: $name $class");
			# A page that is refused says so with its source and number; an excerpt of it is escaped.
			next unless $does =~ /fail|last/;
			my ($warning) = grep { $_->{level} eq 'WARNING' } @{ $result->{messages} };
			my $page = $class eq 'page' ? 2 : 1;
			like($warning->{message}, qr/^source "$name", page $page: malformed reply: [ -~]+$/, '… and says where');
			unlike($warning->{detail}, qr/[^ -~]/, '… showing printable characters only');
		}
	}
}

# Half of the reads are bad: the other half comes.
for my $name (@{ $lab->{names} })
{
	my $kind = 'missing_time';
	my $count = 5;
	my $drops = 5 * $node->lab_replies($name, 'search');
	$node->trial([ { source => $name, fault => { class => 'search', fault => 'malformed', kind => $kind, count => $count }, rows => $lab->{usable}{$name} - $drops,
		dropped => { malformed => $drops } } ], name => "five bad reads of a page: $name");
	like($node->told($lab->{session})->{$name}{message} // '', qr/^$/, '… and a later good question tells no fault');
}

# Logins. Not being strict about what a vendor says beside the token is no harm, as long as it is JSON: a lifetime that is no number of
# 64 bits is that of a vendor who tells none.
for my $name (such { $_->{signs_in} })
{
	my %harmless = map { $_ => 1 } qw(big_integer bad_time bad_confidence bad_coordinates missing_id missing_time nan);
	delete $harmless{nan} if $dialect{$name}{tells_token_life}; # without it there is no number
	for my $kind (@kinds)
	{
		my $result = $node->trial([ { source => $name, fault => { class => 'login', fault => 'malformed', kind => $kind },
			$harmless{$kind} ? () : (outcome => 'failed', state => 'HV00M', rows => 0, message => qr/^source "$name": malformed reply: [ -~]+$/) } ],
			name => "$kind: $name login", fresh => 1);
		unlike(join(' ', map { %$_ } @{ $result->{messages} }), qr/tok_/, '… and no message shows the token');
	}
}

# A register is JSON as pages are; a camera of which something is unusable (also by its kind) lacks that, and no more.
for my $name (such { $_->{fetches_cameras} })
{
	for my $kind (@kinds)
	{
		my $fails = $reads{$kind} =~ /fail|last/ || $kind eq 'duplicate_keys';
		$node->trial([ { source => $name, fault => { class => 'cameras', fault => 'malformed', kind => $kind },
			$fails ? (outcome => 'failed', state => 'HV00M', rows => 0, message => $message{$kind} // qr/malformed reply/, detail => qr/^At byte \d+ of \d+, [ -~]+$/) : () } ],
			name => "$kind: $name cameras", fresh => 1);
	}
	# Without its coordinates no camera proves where its reads were taken: all are dropped, none is shown. Unless the reads themselves say it.
	next if $dialect{$name}{keys}{latitude};
	for my $kind (qw(bad_coordinates big_integer))
	{
		$node->trial([ { source => $name, fault => { class => 'cameras', fault => 'malformed', kind => $kind, count => 10000 }, rows => 0,
			dropped => { unknown_place => $lab->{usable}{$name} } } ], name => "$kind of every camera: $name", fresh => 1, lasting => 1);
	}
}

$lab->{session}->quit;
is_deeply([ $node->leaks ], [], 'no secret in the server log');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr/terminated by signal|PANIC:|TRAP:/, 'nothing crashed');
$node->stop;
done_testing();
