# LprDialect: the dialects and their traits, which tests choose by. A test asks for a trait, never for a name: a new dialect is one more row here.
#
#   use LprDialect;                            # exports %dialect, such(), classes()
#   for my $source (such { $_->{signs_in} })   # names of sources, in order; $dialect{$source} is the row
#
# What lpr itself knows of a dialect is not written here, but joined to the row: plate location vehicle (modes), takes_region takes_near takes_address
# takes_vehicle orders newest_only plates_per_leg page_size signs_in wants_client_id fetches_cameras needs_register by_camera (extension/dialect/dialect.h says what
# they mean; test/unit/dialect_traits.c prints them). Nor is what the simulator tells: secret, client_id, and keys: which of id time number confidence
# latitude its reads have. The rest stands in the vendor's document:
#
#   name, source   the dialect, and the source and vendor that the tests ask in it: lower-case letters
#   path           where reads are asked for
#   asks           what a question for a plate, newest first, consists of: members of a JSON body if (post => 1), else parameters of the URL
#   secret_in      where the secret goes: header, query, or body (of the login)
#   pages          how the next page is named: cursor (something of the vendor's), link (a whole URL), time (no pages: the time is cut behind what came)
#   size_in        where the size of a page is asked for; none: it cannot be
#   slice_days     for how many days one question can be asked; a longer time is cut into slices; none: for any time
#   until_in       where the end of the time is asked for, for pages => 'time' and slice_days
#   camera_in      where the camera is asked for, if that is done camera by camera
#   region_in      [ where a region is asked for, how CA is written there ], if takes_region
#   address_in     where an address is asked for, if takes_address
#   reference_in   where our reference goes: header, or the member of the body; none: nowhere
#   reason_in      where the reason goes
#   id             SQL for the simulator's name of a read, where read_id has it
#   tells          columns that are the vendor's own, beyond the plate, the place and the second, which all tell
#   no_zone        its times have none
#   says_country   a read says in which country it was taken
#   tells_token_life   the login says for how long its token holds
#   images         columns of images that a read has; image_secret_in: the parameter that the secret goes into, at the vendor's own origin
#   odd_next       [ SQLSTATE, message ] where the next page is a URL of somebody else
#   refusal        sub (words, class): an error as the vendor writes it: data for JSON, or text
#   malformed      malformed values that cost something else than with others: kind => 'fail', 'drop', 'none' or 'all'
#   numbers        how many numbers, or confidences, stand in a read until the one that is taken (1)
package LprDialect;
use strict;
use warnings;
use Exporter 'import';
use LprTest;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(%dialect such classes);

my @table = (
	{
		name => 'lpr-v1', source => 'lpr', path => '/reads/search', post => 1, asks => [qw(from order page_size plates until)],
		secret_in => 'header', reference_in => 'header', pages => 'cursor', size_in => 'page_size', region_in => [ region => 'CA' ], address_in => 'address',
		id => 'read_id', tells => [qw(captured_at confidence plate_region camera_id camera_owner camera_type address make model color)], says_country => 1,
		images => [qw(plate_image vehicle_image)], odd_next => [ 'HV000', qr/HTTP status 4(?:00|22)/ ],
		malformed => { bad_coordinates => 'odd' }, # its address places it
		refusal => sub { return { error => { code => 'bad', message => $_[0] } } },
	},
	{
		name => 'flock-v3', source => 'flock', path => '/api/v3/reads/lookup', post => 1, asks => [qw(caseNumber endDate limit plate reason sort startDate)],
		secret_in => 'body', reference_in => 'caseNumber', reason_in => 'reason', pages => 'cursor', size_in => 'limit', region_in => [ state => 'california' ],
		id => 'read_id', tells => [qw(captured_at confidence plate_region camera_id camera_owner)], says_country => 1, tells_token_life => 1,
		images => [], odd_next => [ 'HV000', qr/HTTP status 422/ ], numbers => 2, # the first confidence is that of the state
		malformed => { bad_coordinates => 'odd' }, # its address places it
		refusal => sub { return $_[1] eq 'login' ? { error => 'bad', error_description => $_[0] } : { error => $_[0] } },
	},
	{
		name => 'rekor-scout-v2', source => 'rekor', path => '/api/search/plate', asks => [qw(api_key end order plate start topn)],
		secret_in => 'query', pages => 'time', size_in => 'topn', until_in => 'end',
		tells => [qw(captured_at confidence)],
		images => [qw(plate_image vehicle_image)], image_secret_in => 'api_key',
		malformed => { missing_id => 'none' }, # the photo and the place in it are a name, too
		refusal => sub { return $_[0] },
	},
	{
		name => 'parkpow-v1', source => 'parkpow', path => '/api/v1/visit-list/', asks => [qw(end ordering page plate start)],
		secret_in => 'header', pages => 'link',
		tells => [qw(captured_at confidence camera_id)],
		images => [qw(vehicle_image)], odd_next => [ 'HV00M', qr/leads elsewhere/ ],
		no_zone => 1, malformed => { bare_array_or_object => 'all' }, # one form of its public document
		refusal => sub { return { detail => $_[0] } },
	},
	{
		name => 'verkada-v1', source => 'verkada', path => '/cameras/v1/analytics/lpr/images',
		asks => [qw(camera_id end_time license_plate page_size start_time)],
		secret_in => 'header', pages => 'cursor', size_in => 'page_size', camera_in => 'camera_id',
		tells => [qw(camera_id camera_owner)],
		images => [qw(vehicle_image)], odd_next => [ 'HV000', qr/HTTP status 400/ ],
		malformed => { big_integer => 'drop', invisible => 'drop' }, # its number is the time; its reads are named by their plates
		refusal => sub { return { id => '1', message => $_[0], data => undef } },
	},
	{
		name => 'verkada-v2', source => 'cjis', path => '/v2/cameras/ncic/license_plates/search', post => 1,
		asks => [qw(end_time license_plate limit start_time)],
		secret_in => 'header', pages => 'cursor', size_in => 'limit', slice_days => 3 * 365, until_in => 'end_time',
		id => 'read_id', tells => [qw(captured_at plate_region camera_owner)],
		images => [qw(plate_image vehicle_image)], odd_next => [ 'HV000', qr/HTTP status 400/ ],
		malformed => { big_integer => 'unplaced' }, # its number is the latitude
		refusal => sub { return { id => '1', message => $_[0], data => undef } },
	});

our %dialect; # name of the source => row

# Names of the sources whose row, in $_, is such.
sub such (&)
{
	my ($holds) = @_;
	my @such;

	for my $source (sort keys %dialect)
	{
		local $_ = $dialect{$source};
		push @such, $source if $holds->();
	}
	return @such;
}

# The classes of requests that a question takes, in order, but for images.
sub classes
{
	my ($row) = @_;
	return (($row->{signs_in} ? 'login' : ()), ($row->{fetches_cameras} ? 'cameras' : ()), 'search', ($row->{pages} eq 'time' ? () : 'page'));
}

# Joins to the rows what lpr and the simulator know. A row that is missing, or does not fit, is said at once.
sub join_table
{
	my %library = map { my ($name, $its) = split ' ', $_, 2; $name => { $its =~ /(\w+)=(\d+)/g } } split /\n/, slurp_file("$ENV{TESTDIR}/dialect_traits");
	my %simulated = LprTest::simulated();
	my %required = map { $_ => 1 } qw(name source path asks secret_in pages tells images refusal);
	my %row = map { $_->{name} => $_ } @table;
	my @wrong = ((map { "$_ has no row here" } grep { !$row{$_} } sort keys %library), (map { "lpr does not speak $_" } grep { !$library{$_} } sort keys %row),
		map { "the simulator does not speak $_" } grep { $library{$_} && !$simulated{$_} } sort keys %row);

	for my $row (grep { $library{ $_->{name} } && $simulated{ $_->{name} } } @table)
	{
		my ($its, $other) = ($library{ $row->{name} }, $simulated{ $row->{name} });
		my %needed = (%required, (size_in => $row->{pages} eq 'time'), until_in => $row->{pages} eq 'time' || $row->{slice_days}, camera_in => $its->{by_camera},
			region_in => $its->{takes_region}, address_in => $its->{takes_address}, odd_next => $row->{pages} ne 'time');

		push @wrong, "$row->{name} lacks $_" for grep { $needed{$_} && !defined $row->{$_} } sort keys %needed;
		push @wrong, "$row->{name}: lpr itself knows $_" for grep { exists $its->{$_} } sort keys %$row;
		push @wrong, "$row->{name}: client_id" if !$its->{wants_client_id} != !defined $other->{client_id};
		$dialect{ $row->{source} } = { %$its, %$other, %$row };
	}
	die join('', map { "LprDialect.pm: $_\n" } @wrong) if @wrong;
	return;
}
join_table();

1;
