# smallest_staff: how few people can run an agency, computed from the rules that keep people apart; and as many do, from the first registration to the first answer (A1, A8).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('smallest_staff');
my $because = $LprTest::because;

# ---- what an agency needs, and who must be somebody else ----

# Each role once; administrators and records officers twice: nobody registers themselves, and two verify a schedule.
my @roles = split /\n/, $node->answer('postgres', 'SELECT unnest(lpr_data.roles())');
my @duties = sort map { my $role = $_ =~ s/^lpr_//r; $role =~ /^(?:admin|records_officer)$/ ? ("$role 1", "$role 2") : $role } @roles;
is(scalar @duties, 13, 'duties');
my %apart;
sub apart { my ($one, $other) = @_; $apart{$one}{$other} = $apart{$other}{$one} = 1; return }
for (split /\n/, $node->answer('postgres', 'SELECT role, other FROM lpr_data.role_conflict'))
{
	my ($role, $other) = map { s/^lpr_//r } split /\|/;
	for my $one (grep { /^$role\b/ } @duties) { apart($one, $_) for grep { /^$other\b/ } @duties }
}
# What a verb refuses, whatever the roles: each is tried below.
apart(@$_) for [ 'supervisor', 'system_owner' ], [ 'lead', 'supervisor' ], [ 'lead', 'system_owner' ], [ 'admin 1', 'admin 2' ], [ 'records_officer 1', 'records_officer 2' ], [ 'user', 'supervisor' ], [ 'user', 'lead' ], [ 'user', 'training_officer' ];

# ---- tried: one person with all roles that no row keeps apart ----

$node->hire('many1', 'lpr_supervisor, lpr_system_owner, lpr_lead, lpr_records_officer, lpr_training_officer, lpr_admin');
$node->hire('asks1', 'lpr_user', supervisor => 'many1');
$node->hire('both1', 'lpr_user, lpr_supervisor', supervisor => 'supervisor1');
my $ask = "SELECT lpr.request_access('{ATS}', '{acme}', '{plate}', 'Has to find out where stolen vans stand at night, for the team at the harbour.')";
my $certify = "SELECT lpr.recertify('asks1', 'Still looks for stolen vans every day, as the log shows.')";
my $grant = $node->answer('asks1', $ask);
$node->train('asks1', 0);
is($node->answer('many1', "SELECT lpr.approve($grant, '$because')"), 'approved', 'supervisor');
$node->refused('supervisor and system owner', 'many1', "SELECT lpr.approve($grant, '$because')", 'A1', 'LP033', words => qr/you have approved/);
is($node->answer('owner1', "SELECT lpr.approve($grant, '$because')"), 'granted', '… are two');
$node->refused('lead and supervisor', 'many1', $certify, 'A4', 'LP033', words => qr/you approved the access/);
$grant = $node->grant('newcomer1');
my $second = $node->answer('analyst2', $ask, logon => 0);
$node->answer('supervisor1', "SELECT lpr.approve($second, '$because')");
$node->answer('many1', "SELECT lpr.approve($second, '$because')");
$node->refused('lead and system owner', 'many1', $certify =~ s/asks1/analyst2/r, 'A4', 'LP033', words => qr/you approved the access/);
$node->refused('an administrator alone', 'many1', "SELECT lpr.change_person('many1', unit => 'Field')", 'A1', 'LP033');
$node->refused('a training officer alone', 'many1', "SELECT lpr.record_training('many1', 'privacy', '2026-01-01', 'certificate 17')", 'A3', 'LP033');
my $schedule = $node->answer('many1', "SELECT lpr.propose_schedule('ATS', '15 years', 'Made up for a test of who may verify it, and compared with nothing at all.')");
$node->answer('many1', "SELECT lpr.verify_schedule($schedule, 'Compared with nothing: a made-up period for a test.')");
like($node->messages('many1', "SELECT lpr.verify_schedule($schedule, 'Compared with nothing: a made-up period for a test.')"), qr/ERROR: +LP\d\d\d/, 'a records officer alone');
my $own = $node->answer('both1', $ask);
$node->train('both1', 0);
$node->refused('who asks and supervises', 'both1', "SELECT lpr.approve($own, '$because')", 'A1', 'LP033', words => qr/your own request/);

# ---- the fewest people, by trying ----

# All ways to give the duties to so many people, the first one that keeps apart what must be.
sub assigned
{
	my ($people, $given, @left) = @_;
	my $duty = shift @left // return $given;

	for my $person (1 .. $people)
	{
		my @has = grep { $given->{$_} == $person } keys %$given;

		next if grep { $apart{$duty}{$_} } @has;
		my $found = assigned($people, { %$given, $duty => $person }, @left);
		return $found if $found;
		last if !@has; # whoever has nothing yet is as good as the next who has not
	}
	return;
}
my @order = sort { keys %{ $apart{$b} } <=> keys %{ $apart{$a} } || $a cmp $b } @duties;
my ($fewest) = grep { assigned($_, {}, @order) } 1 .. @duties;
my $staff = assigned($fewest, {}, @order);
note(join "\n", map { my $n = $_; "$n: " . join ', ', sort grep { $staff->{$_} == $n } keys %$staff } 1 .. $fewest);
my %word = (3 => 'Three', 4 => 'Four', 5 => 'Five', 6 => 'Six', 7 => 'Seven');
like($node->answer('postgres', "SELECT obj_description('lpr.roles_apart'::regclass)"), qr/ $word{$fewest} people can run an agency; fewer cannot/, "the reference says how many: $fewest");

# ---- so many do run one ----

for my $n (1 .. $fewest)
{
	my %has = map { 'lpr_' . s/ \d$//r => 1 } grep { $staff->{$_} == $n } keys %$staff;
	$node->answer('postgres', "CREATE ROLE staff$n LOGIN IN ROLE " . join ', ', sort keys %has);
}
my $login = sub { my ($duty) = @_; return "staff$staff->{$duty}" };
my $add = sub { my ($n, $more) = @_; return "SELECT lpr.add_person('staff$n', 'Staff $n', 'staff$n\@agency.example', 'All', personnel_number => 'S-00$n'$more)" };
$node->answer('postgres', $add->($staff->{'admin 1'}, ''));
$node->answer($login->('admin 1'), $add->($_, $_ == $staff->{user} ? ", supervisor => '" . $login->('supervisor') . "'" : '')) for sort { ($a == $staff->{user}) <=> ($b == $staff->{user}) } grep { $_ != $staff->{'admin 1'} } 1 .. $fewest;
$node->answer($login->('admin 2'), "SELECT lpr.change_person('" . $login->('admin 1') . "', unit => 'Systems')");
is($node->answer('postgres', "SELECT count(*) FROM (VALUES " . join(', ', map { "('" . $login->($_) . "', 'lpr_" . s/ \d$//r . "')" } @duties) . ") AS d (login, role) JOIN lpr_data.person AS p USING (login) WHERE lpr_data.holds(p.person_id, d.role)"), 13, 'each acts in each of their roles');
$node->answer('admin1', "SELECT lpr.disable_source('acme')");
$node->answer($login->('privacy'), "SELECT lpr.approve_source('acme', 'DHS/CBP/PIA-049(a)', published_on => '2017-12-11')");
my $asker = $login->('user');
$node->answer($login->('training_officer'), "SELECT lpr.record_training('$asker', course, (now() AT TIME ZONE 'UTC')::date, 'certificate of ' || course) FROM lpr.training WHERE login = '$asker' AND required AND NOT current");
$grant = $node->answer($asker, $ask);
is($node->answer($login->('supervisor'), "SELECT lpr.approve($grant, '$because')"), 'approved', 'one approves');
is($node->answer($login->('system_owner'), "SELECT lpr.approve($grant, '$because')"), 'granted', '… and another');
my $event = $node->open_event($asker);
is($node->answer($asker, "\\o /dev/null\n" . LprTest::consent($event) . "\n\\o\n" . LprTest::quick()), 1, 'a question is asked');
like($node->answer($login->('lead'), $certify =~ s/asks1/$asker/r), qr/^20/, 'access is certified');
$schedule = $node->answer($login->('records_officer 1'), "SELECT lpr.propose_schedule('AFI', '14 years', 'Made up for a test of who may verify it, and compared with nothing at all.')");
$node->answer($login->($_), "SELECT lpr.verify_schedule($schedule, 'Compared with nothing: a made-up period for a test.')") for 'records_officer 1', 'records_officer 2';
is($node->answer('postgres', "SELECT count(DISTINCT person_id) FROM lpr_data.schedule_step WHERE schedule_id = $schedule AND action = 'verify'"), 2, 'a schedule is verified by two');
is($node->answer($login->('oversight'), "SELECT count(*) FROM lpr.security_report() WHERE finding ~ 'staff\\d'"), 0, 'oversight finds nothing about any of them');
$node->sound('in the end');
$node->stop;
done_testing();
