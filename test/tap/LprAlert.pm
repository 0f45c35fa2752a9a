# LprAlert: what a vendor pushes, and the service that hands it in. Also how tests bring hits about.
package LprAlert;

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex);
use JSON::PP;
use Time::HiRes;

my $number = 0;

package LprTest;

# A service that may hand in what acme pushes, and the secret that acme signs with.
sub hire_feed
{
	my ($node, $login) = @_;

	$node->hire($login, 'lpr_member', kind => 'service');
	$node->answer('postgres', "GRANT USAGE ON FOREIGN SERVER acme TO $login");
	$node->put_secret('acme.alert', 'a secret of acme and the agency, for what is pushed');
	return;
}
# A read of lpr-v1. Near San Ysidro unless a place is given.
sub pushed_read
{
	my (%given) = @_;

	return { id => $given{id} // 'pushed-' . ++$number, plate => $given{plate} // '7ABC123', plate_region => $given{region} // 'CA', captured_at => $given{at},
		confidence => 0.91, camera => { id => 'cam-77', owner => 'Port Authority', type => 'fixed', latitude => $given{latitude} // 32.5529, longitude => $given{longitude} // -117.0470, region => 'CA', country => 'US', address => $given{address} // 'Beyer Blvd' },
		vehicle => { make => $given{make} // 'Ford', model => 'Fusion', color => $given{color} // 'white' } };
}
sub pushed_page { my (@reads) = @_; return JSON::PP->new->canonical->encode({ reads => \@reads, next => undef }) }
# The seconds of the server's clock, which tests set.
sub now_of { my ($node) = @_; return int $node->answer('postgres', 'SELECT extract(epoch FROM clock_timestamp())') }
sub moment_of { my ($node, $ago) = @_; return $node->answer('postgres', "SELECT to_char((clock_timestamp() - interval '${\($ago // 0)} seconds') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')") }
sub signed { my ($body, $seconds, $secret) = @_; return $seconds . '|' . Digest::SHA::hmac_sha256_hex("$body|$seconds", $secret // 'a secret of acme and the agency, for what is pushed') }
sub delivery { my ($body, $signature, $source) = @_; return 'SELECT lpr.deliver_alert(' . "'" . ($source // 'acme') . "', decode('" . unpack('H*', $body) . "', 'hex'), '$signature')" }
# Hands in reads, as a service does; how many were taken.
sub push_reads
{
	my ($node, @reads) = @_;
	my $now = $node->moment_of;
	my $body = pushed_page(map { $_->{captured_at} //= $now; $_ } @reads);

	return $node->answer('feed1', delivery($body, signed($body, $node->now_of)), logon => 0);
}

1;
