# LprAccess: more verbs of LprTest, for tests of who may ask: refusals that are told and on record, and people who come to their access.
package LprTest;
use strict;
use warnings;
use LprAudit;
use Test::More;

our $because = 'Works on my team on exactly these matters and needs the reads for them.';
our $need = 'Finds where vehicles of smugglers were seen near the crossings, for the team at Otay Mesa.';
# What a text of rules has to contain; see lpr.clauses.
our $clauses = '{permissible_uses} {no_expectation_of_privacy} {audit} {discipline}';
our @courses = qw(data_security privacy information_assurance records_management integrity_awareness lpr_policy);

# A refusal: an error of this SQLSTATE with what to do, and on record with its control, though the transaction ends without COMMIT.
# (words => what its message says, logon => 1 to agree to the rules first, event => …, source => the record's)
sub refused
{
	my ($node, $name, $login, $sql, $control, $state, %given) = @_;
	my $head = $node->head;
	my $messages = $node->messages($login, "BEGIN; SAVEPOINT s; $sql", logon => $given{logon} // 0, event => $given{event});
	my $expected = join ' ', 'refused', $login, grep { defined } $given{source}, $control, $state;
	my $words = $given{words} // qr/./;

	like($messages, qr/ERROR: +$state: [^\n]*$words.*\nDETAIL: +\S.*\nHINT: +\S/s, "$name: $state");
	return is($node->records_after($head, "kind = 'refused'"), $expected, '… is on record');
}

# An error in what was given: nothing comes of it, and no policy had to refuse it.
sub faulty
{
	my ($node, $name, $login, $sql, $state, $words) = @_;
	return like($node->messages($login, $sql, logon => 0), qr/ERROR: +$state: [^\n]*${\($words \/\/ qr{.})}/, "$name: $state");
}

# A new login of some roles, registered by admin1 unless (kind => '').
sub hire
{
	my ($node, $login, $roles, %given) = @_;
	my $kind = $given{kind} // 'personal';
	my $supervisor = defined $given{supervisor} ? "'$given{supervisor}'" : 'NULL';

	$node->answer('postgres', "CREATE ROLE $login LOGIN IN ROLE $roles");
	$node->answer('admin1', "SELECT lpr.add_person('$login', 'The $login', '$login\@agency.example', 'Targeting', $supervisor, '$kind', 'P-$login')") if $kind ne '';
	return;
}

sub train
{
	my ($node, $login, $days_ago, @which) = @_;
	my $list = join ',', @which ? @which : @courses;

	$node->answer('trainer1', "SELECT lpr.record_training('$login', c, (now() AT TIME ZONE 'UTC')::date - $days_ago, 'certificate of ' || c) FROM unnest('{$list}'::text[]) AS c
		WHERE NOT EXISTS (SELECT FROM lpr.training AS t WHERE t.login = '$login' AND t.course = c AND t.completed_on = (now() AT TIME ZONE 'UTC')::date - $days_ago)");
	return;
}

# Requests access and gets it; its number. Who lacks a course completes it first.
sub grant
{
	my ($node, $login, %given) = @_;
	my ($systems, $sources, $modes) = map { $given{$_->[0]} // $_->[1] } [ systems => 'ATS' ], [ sources => 'acme' ], [ modes => 'plate' ];
	my $request = $node->answer($login, "SELECT lpr.request_access('{$systems}', '{$sources}', '{$modes}', 'Has to find out where stolen vans stand at night, for the team of $login.')", logon => 0);

	$node->train($login, 0, split /,/, $_) for grep { $_ } $node->answer('trainer1', "SELECT coalesce(string_agg(course, ','), '') FROM lpr.training WHERE login = '$login' AND required AND NOT current");
	$node->answer($given{supervisor} // 'supervisor1', "SELECT lpr.approve($request, '$because')");
	$node->answer('owner1', "SELECT lpr.approve($request, 'Need to know is shown, the sources and modes fit the work described.', '" . ($given{valid_for} // '1 year') . "')");
	return $request;
}

# Opens an event; its number. Titles and reasons differ.
my $events = 0;
sub open_event
{
	my ($node, $login, %given) = @_;
	my $n = ++$events;

	my $event = $node->answer($login, "SELECT lpr.open_event('Matter $n of $login', 'suspect', 'title_18', 'SD-2026-1$n', "
		. "'In matter number $n the driver of a stolen van has to be found, by where it stood at night.'"
		. join('', map { ", $_ => '$given{$_}'" } sort keys %given) . ')', logon => 0);
	$node->make_targets('lpr');
	return $event;
}

# Agrees to the rules, for logins that logon() does not know.
sub consent { my ($event) = @_; return "SELECT code FROM lpr.rules() \\gset consent_\nSELECT lpr.accept_rules(:'consent_code');" . (defined $event ? " SELECT lpr.work_on($event);" : '') }

1;
