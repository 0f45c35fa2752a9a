# outgoing: every request that goes out to a vendor, for reads, a token, a register of cameras or an image, is looked at before (Q10) and stands in a record of what it was sent for
# (U1, U7). The simulator's own log is held against the records, dialect by dialect and class by class.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use JSON::PP;
use LprAccess;
use LprDialect;
use LprLab;
use LprTest;
use Test::More;

my $node = LprLab->start_staged('outgoing', cache => 1);
$node->await_answers;
my %seen;

sub kind { my ($sent) = @_; return $sent =~ /^GET image sha256:[0-9a-f]{64}$/ ? 'image' : $sent =~ m{^POST /(?:oauth/)?token\b} ? 'login' : $sent =~ m{^GET /(?:api/cameras/|cameras/v1/devices)} ? 'cameras' : 'reads' }

# What the records after a number tell, and what the vendor's log does.
sub held
{
	my ($name, $vendor, $head, $cut) = @_;
	my @log = $node->vendor_log(vendor => $vendor);
	my @records = map { decode_json($_) } split /\n/, $node->answer('postgres', "SELECT payload FROM lpr_data.audit WHERE number > $head AND kind IN ('answer', 'sent') ORDER BY number");
	my @sent = map { @{ $_->{sent} // [] } } @records;
	my ($requests, $retries) = (0, 0);
	my (%there, %here);

	$requests += $_->{requests} // 0, $retries += $_->{retries} // 0 for @records;
	$there{ $_->{class} =~ /search|page/ ? 'reads' : $_->{class} }++ for @log;
	$here{ kind($_) }++ for @sent;
	$seen{$_} += $there{$_} for keys %there;
	if ($cut)
	{
		# What was handed to the engine is on record, whether it was still sent or not.
		is(join(' ', grep { ($here{$_} // 0) < $there{$_} } keys %there), '', "$name: all that the vendor heard is on record");
		cmp_ok($requests, '>=', scalar @log, '… and counted');
	}
	else
	{
		is($requests, scalar @log, "$name: as many requests as the vendor heard");
		is(scalar(@sent) + $retries, scalar @log, '… each is on record, once');
		is(join(' ', map { "$_:$here{$_}" } sort keys %here), join(' ', map { "$_:$there{$_}" } sort keys %there), '… class by class') unless $retries;
	}
	my %digests = map { /sha256:(\w+)/ ? ($1 => 1) : () } @sent;
	is(join("\n", grep { !$digests{ sha256_hex("$node->{vendor_url}$_") } } map { $_->{path} =~ s/\?api_key=[^&]*(?:&|$)/?/r =~ s/\?$//r } grep { $_->{class} eq 'image' } @log), '', '… images by the digests of their addresses, without the secret that some want there');
	unlike(join("\n", @sent), qr/sim-\w+-(?:token|key|secret)|signature|plate\.png|vehicle\.png/, '… without a secret, an address or a read');
	return;
}

# ---- all dialects, all classes ----

for my $source (sort keys %dialect)
{
	my $its = $dialect{$source};

	$node->add_source($source, $its->{name}, options => { ($its->{size_in} ? (page_size => 10) : ()), retries => 2 });
	$node->register_cameras($source, $source, $node->busy_cameras($source, "r.plate = '7ABC123'")) if $its->{needs_register};
	my $images = join ', ', map { "count($_)" } @{ $its->{images} }, '*';
	my $table = @{ $its->{images} // [] } ? 'lpr.images' : 'lpr.reads';
	my $asks = "SELECT $images FROM $table WHERE source = '$source' AND plate = '7ABC123' AND captured_at > now() - interval '700 days'";

	for my $case ([ 'all is well' ], [ 'with a retry', { vendor => $source, class => 'search', fault => 'status', status => 503, times => 1 } ], $its->{signs_in} ? [ 'with a retry of the login', { vendor => $source, class => 'login', fault => 'status', status => 503, times => 1 } ] : (),
		$its->{fetches_cameras} ? [ 'with a retry of the register', { vendor => $source, class => 'cameras', fault => 'status', status => 503, times => 1 } ] : (), @{ $its->{images} } ? [ 'with an image that is none', { vendor => $source, class => 'image', fault => 'not_image', times => 3 } ] : (),
		[ 'that fails', { vendor => $source, class => 'search', fault => 'status', status => 404 } ])
	{
		my ($name, @faults) = @$case;

		$node->vendor_well;
		$node->vendor_faults(@faults) if @faults;
		$node->vendor_forget;
		my $head = $node->head;
		$node->ask('analyst1', $asks); # in a session of its own: signed in anew
		# When it fails, a page asked ahead may have been handed over and cut off.
		held("$source, $name", $source, $head, $name eq 'that fails');
	}
	$node->vendor_well;
	# Read in part only, and given up.
	$node->vendor_forget;
	my $head = $node->head;
	$node->answer('analyst1', "$asks LIMIT 1" =~ s/SELECT .*? FROM/SELECT read_id FROM/r);
	held("$source, LIMIT 1", $source, $head);
	$node->vendor_forget;
	$head = $node->head;
	my ($session) = $node->session('analyst1');
	$node->converse($session, "BEGIN; DECLARE c CURSOR FOR " . ($asks =~ s/SELECT .*? FROM/SELECT * FROM/r) . "; FETCH 1 FROM c; SELECT 1 / 0");
	$node->converse($session, 'ROLLBACK');
	$session->quit;
	LprTest::eventually(sub { $node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE number > $head AND kind = 'answer'") > 0 });
	held("$source, broken off", $source, $head, 1);
}
is(join(' ', sort keys %seen), 'cameras image login reads', 'every class of the simulator was there');

# ---- images of what is saved ----

my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
my ($one) = $node->session('analyst1');
my @ids = split /\n/, ($node->converse($one, "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK40'"))[0];
my $next = 0;
$node->vendor_forget;
my $head = $node->head;
is(($node->converse($one, "SELECT lpr.save(1, 'acme', '{" . join(',', @ids[0 .. 9]) . "}', '$why', 'illicit_activity', why_images => 'The driver of that day can be told by them only.')"))[0], 10, 'ten are saved with their images');
$next = 10;
held('saving', 'acme', $head);
is($node->answer('postgres', "SELECT string_agg(DISTINCT (a.payload::json->>'source') || ' ' || a.mode || ' ' || (a.ask = q.number)::text, ',') FROM lpr_data.audit AS a JOIN lpr_data.audit AS q ON q.kind = 'ask' AND q.mode = 'saved' AND q.number > $head WHERE a.number > $head AND a.kind = 'sent'"),
	'acme saved true', '… in a record of the save, with the source');

sub calls_nobody
{
	my ($name, $state, $off, $on, %given) = @_;
	my $id = $ids[$next++];

	ref $off ? $off->() : $node->answer('postgres', $off);
	$node->vendor_forget;
	my $before = $node->head;
	my $sql = $given{sql} // "SELECT lpr.save(1, 'acme', '{$id}', '$why', 'illicit_activity', why_images => 'The driver of that day can be told by them only.')";
	$sql =~ s/ID/$id/g;
	my ($out, $err) = $node->converse($one, $sql);
	like($err, qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state");
	is(scalar(my @log = $node->vendor_log(vendor => 'acme')), 0, '… the vendor hears nothing');
	like($node->records_after($before, "kind = 'refused'"), qr/^refused analyst1 acme of \+1 \w+ $state$/, '… which is on record, as of the save');
	$node->converse($one, 'ROLLBACK');
	is(($node->converse($one, "SELECT count(*) FROM lpr.event_reads(1) WHERE read_id = '$id'"))[0], 0, '… and nothing is saved');
	is(($node->converse($one, "SELECT lpr.save(1, 'acme', '{$id}', '$why', 'illicit_activity')"))[0], 1, '… but can be without images, which asks nobody');
	ref $on ? $on->() : $node->answer('postgres', $on);
	return;
}
my $disabled = "UPDATE lpr_data.source SET enabled = false WHERE name = 'acme'";
my $enabled = "UPDATE lpr_data.source SET enabled = true WHERE name = 'acme'";
calls_nobody('a source that is disabled', 'LP003', $disabled, $enabled);
calls_nobody('… by save_each', 'LP003', $disabled, $enabled, sql => "SELECT lpr.save_each(1, 'acme', '{\"ID\": \"$why\"}', 'illicit_activity', why_images => 'The driver of that day can be told by them only.')");
calls_nobody('… in an open transaction of before', 'LP003', $disabled, $enabled, sql => "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM lpr.sources; SELECT lpr.save(1, 'acme', '{ID}', '$why', 'illicit_activity', why_images => 'The driver of that day can be told by them only.')");
calls_nobody('a source that is no longer granted', 'LP004', 'REVOKE USAGE ON FOREIGN SERVER acme FROM lpr_user', 'GRANT USAGE ON FOREIGN SERVER acme TO lpr_user');
calls_nobody('an assessment that counts from next week on', 'LP003', "UPDATE lpr_data.source SET approved_on = lpr_data.utc_today() + 7 WHERE name = 'acme'", "UPDATE lpr_data.source SET approved_on = lpr_data.utc_today() WHERE name = 'acme'");
calls_nobody('an assessment that is published next week', 'LP003', "UPDATE lpr_data.source SET published_on = lpr_data.utc_today() + 7 WHERE name = 'acme'", "UPDATE lpr_data.source SET published_on = lpr_data.utc_today() WHERE name = 'acme'");
# Other grants in place of those that there are.
sub grants
{
	my (%given) = @_;

	$node->answer('supervisor1', "SELECT lpr.revoke_access($_, 'What was asked for is done by another team from now on, as their lead wrote.')", logon => 0)
		for split /\n/, $node->answer('postgres', "SELECT access_id FROM lpr_data.access WHERE state = 'granted' AND person_id = (SELECT person_id FROM lpr_data.person WHERE login = 'analyst1')");
	return $node->grant('analyst1', systems => 'ATS,AFI', sources => 'acme,birdseye', modes => 'plate,location,vehicle', %given);
}
my $all = sub { grants() };
calls_nobody('an entitlement without the source', 'LP025', sub { grants(sources => 'birdseye') }, $all);
calls_nobody('… without the way in which the read was asked for', 'LP025', sub { grants(modes => 'location,vehicle') }, $all);
$node->vendor_forget;
is(($node->converse($one, "SELECT lpr.save(1, 'acme', '{$ids[$next]}', '$why', 'illicit_activity', why_images => 'The driver of that day can be told by them only.')"))[0], 1, 'all is as before');
cmp_ok(scalar(my @log = $node->vendor_log(vendor => 'acme', class => 'image')), '>', 0, '… and images come');

# A source that is disabled while a statement reads its images is asked for none of the others.
$node->vendor_forget;
$node->vendor_faults({ vendor => 'acme', class => 'image', fault => 'hold', after => 4 });
$head = $node->head;
$node->send_sql($one, "SELECT count(vehicle_image) FROM lpr.images WHERE source = 'acme' AND plate = 'BULK200'");
LprTest::eventually(sub { $node->vendor_log(vendor => 'acme', class => 'image') >= 5 }) or die 'no image is asked for';
$node->answer('postgres', $disabled);
$node->vendor_well;
$one->query('');
is($node->records_after($head, "kind = 'refused'"), 'refused analyst1 acme of +1 Q10 LP003', 'a source that is disabled while its images come');
cmp_ok(scalar(@log = $node->vendor_log(vendor => 'acme', class => 'image')), '<', 30, '… is asked for no more of them');
$node->answer('postgres', $enabled);
$one->quit;
$node->sound('afterwards');
$node->stop;
done_testing();
