# second_person: the gate refuses what waits for a second person, before anybody is asked, until it is released: a search at a place that the law protects (P1), a plate of staff or household (P2).
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('second_person', cache => 1, world => 1);
$node->await_answers;
my ($one) = $node->session('analyst1');
my ($two) = $node->session('analyst2');
my $needed = 'A witness saw the silver sedan stop right there on the day before the delivery.';
my $right = 'The witness has signed what she saw, and there is no other way to find out.';
my ($refusal, $said) = ('', '');
$node->hire('integrity1', 'lpr_integrity');

sub refused
{
	my ($session, $sql, $control, $state, $name) = @_;
	my $head = $node->head;
	$node->vendor_forget;
	my ($out, $err) = $node->converse($session, $sql);

	($refusal) = $err =~ /(ERROR: +$state:.*)/s;
	like($err, qr/ERROR: +$state: .*\nDETAIL: .*\nHINT: /s, "$name: $state") or diag "$out\n$err";
	($said) = $err =~ /HINT: +(SELECT lpr\.request_release\(.*?\);)/;
	like($node->records_after($head, "kind = 'refused'"), qr/ $control $state$/m, '… on record');
	return is(scalar(my @none = grep { $_->{class} ne 'login' } $node->vendor_log), 0, '… and nobody is asked');
}

sub asks
{
	my ($session, $sql, $name) = @_;
	my ($out, $err) = $node->converse($session, $sql);
	return unlike($err, qr/ERROR/, $name) || diag $err;
}
# Asks for a release by the call that the error has, and gives it.
sub release
{
	my ($session, $login) = @_;
	my ($release, $err) = $node->converse($session, $said =~ s/\.\.\.why it is needed\.\.\./$needed/r);
	like($release, qr/^\d+$/, 'the hint has the very call') or diag $err;
	return $node->answer($login, "\\o /dev/null\n" . LprTest::consent() . "\n\\o\nSELECT lpr.release_request($release, '$right')");
}

# ---- places ----

my $near = sub { my ($radius, $event) = @_; return "SELECT count(*) FROM lpr.search_location(32.5509, -117.0438, radius_m => $radius, since => now() - interval '1 day'" . ($event ? ", event_id => $event" : '') . ") WHERE source = 'acme'" };
asks($one, $near->(300), 'a search where nothing is protected');
# 0.005 degrees are 556 m.
my $place = $node->answer('privacy1', "SELECT lpr.add_protected_place('Church of the Crossing', 'worship', 32.5559, -117.0438, 100, 'First Amendment', 'Camino de la Plaza')");
asks($one, $near->(300), 'a search that does not meet the place');
refused($one, $near->(500), 'P1', 'LP053', 'one that does');
like($refusal, qr/DETAIL: +It is place $place, Church of the Crossing\./, '… which place is told');
is($said, "SELECT lpr.request_release('protected_place', 1, '$place', '...why it is needed...');", '… and what to do');
asks($one, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK1'", 'a question for a plate is none');
refused($one, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND make = 'FORD' AND lpr.distance_m(latitude, longitude, 32.5559, -117.0438) < 400 AND captured_at > now() - interval '1 day'", 'P1', 'LP053', 'by make within a place');
refused($one, "SELECT count(*) FROM lpr.search_location(address => 'Camino de la Plaza', since => now() - interval '1 day') WHERE source = 'acme'", 'P1', 'LP053', 'by its address');
release($one, 'supervisor1');
asks($one, $near->(500), 'what is released is asked');
asks($one, $near->(500), '… and once more');
refused($two, $near->(500), 'P1', 'LP053', 'not for another event, though it is in the cache');
$node->answer('privacy1', "SELECT lpr.add_protected_place('Clinic at the Crossing', 'health', 32.5509, -117.0478, 100, 'HIPAA, 45 CFR 164')");
refused($one, $near->(500), 'P1', 'LP053', 'nor at another place');
like($refusal, qr/Clinic at the Crossing/, '… which is the one that is told');
release($one, 'privacy1');
asks($one, $near->(500), '… until that is released too');

# ---- plates ----

my $plate = sub { my ($plate) = @_; return "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate = '$plate'" };
asks($one, $plate->('BULK7'), 'a plate before it is registered');
$node->answer('trainer1', "SELECT lpr.add_reserved_plate('BULK7')");
$node->answer('privacy1', "SELECT lpr.add_reserved_plate('BULK9', 'analyst1')");
refused($one, $plate->('BULK7'), 'P2', 'LP054', 'a plate of staff, though it is in the cache');
my $theirs = $refusal;
is($said, "SELECT lpr.request_release('plate', 1, 'BULK7', '...why it is needed...');", '… and what to do');
refused($one, $plate->('BULK9'), 'P2', 'LP054', 'one\'s own');
is($refusal =~ s/BULK9/BULK7/gr, $theirs, '… in the same words');
unlike($refusal, qr/trainer|Trey|analyst|Ann|staff|household/i, '… which name nobody');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE kind = 'refused' AND sqlstate = 'LP054' AND payload ~ 'trainer1|Trey'"), 0, 'nor does the log');
refused($one, $plate->('8ULK7'), 'P2', 'LP054', 'one that looks like it');
refused($one, "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN ('BULK1', 'BULK2', 'BULK7')", 'P2', 'LP054', 'among others');
is($said, "SELECT lpr.request_release('plate', 1, 'BULK7', '...why it is needed...');", '… which one is told');
refused($one, "SELECT count(*) FROM (VALUES ('BULK3'), ('BULK9')) AS v (plate) JOIN lpr.reads AS r ON r.plate = v.plate WHERE r.source = 'acme'", 'P2', 'LP054', 'in a join');
asks($one, $plate->('BULK1'), 'any other plate is asked');
refused($one, $plate->('BULK7'), 'P2', 'LP054', 'once more');
release($one, 'integrity1');
asks($one, $plate->('BULK7'), 'what is released is asked');
refused($two, $plate->('BULK7'), 'P2', 'LP054', 'not for another event');
refused($one, $plate->('BULK9'), 'P2', 'LP054', 'nor another plate');
# Nobody but who may sees what was asked; whose it is does not.
is($node->answer('integrity1', "SELECT about, state FROM lpr.releases WHERE kind = 'plate'"), 'a plate|released', 'integrity sees that one was released');
is($node->answer('supervisor1', "SELECT about, state FROM lpr.releases WHERE kind = 'plate'"), 'a plate|released', '… as the event');

# ---- a day later ----

$node->move_clock(86400 + 60);
$node->agree_again($one, $two);
refused($one, $near->(500), 'P1', 'LP053', 'a day later: the place');
refused($one, $plate->('BULK7'), 'P2', 'LP054', '… the plate');
$node->answer('trainer1', "SELECT lpr.remove_reserved_plate('BULK7')");
asks($one, $plate->('BULK7'), '… until it is taken out');
# Without the key no plate can be told from one: the gate refuses, and does not fail.
unlink "$node->{secret_directory}/identity-key";
refused($one, $plate->('BULK1'), 'P2', 'LP054', 'without the key');
$node->put_secret('identity-key', 'a key of tests, which personnel numbers are hashed with');
asks($one, $plate->('BULK1'), '… until it is back');

$_->quit for $one, $two;
$node->sound('in the end');
$node->stop;
done_testing();
