# when a vendor last refreshed its data (Q9a), and what a read is not (G3): told with each answer, and blocking none.
use strict;
use warnings;
use LprAccess;
use Test::More;

my $node = LprTest->start_staged('refresh', cache => 1);
my $caveat = qr/NOTICE: +\w+: A read locates a vehicle, not a person, and may be wrong: no action on it alone\.$/m;
my $ask = sub { my ($sql, $login) = @_; my ($out, $err) = ($node->ask($login // 'analyst1', $sql, psql => {}))[1, 2]; return ($out, $err) };
my $told = sub { my ($sql) = @_; return $node->messages('analyst1', $sql) };
my $stale = sub { my ($list) = @_; return qr/NOTICE: +\w+: \d sources? (?:was|were) not refreshed within the last day: $list\nDETAIL: +\S.*\nHINT: +SELECT source, refreshed_at FROM lpr\.sources;.*lpr\.note_refresh/ };
my $plate = "FROM lpr.search_plate('BULK7') WHERE source = 'acme'";

# ---- who records it ----

$node->refused('a system owner who is registered to nobody', 'stranger1', "SELECT lpr.note_refresh('acme')", 'Q9a', 'LP024')
	if $node->answer('postgres', 'CREATE ROLE stranger1 LOGIN IN ROLE lpr_system_owner') || 1;
like($node->messages($_, "SELECT lpr.note_refresh('acme')", logon => 0), qr/ERROR: +42501/, "$_ does not") for qw(analyst1 supervisor1 oversight1 privacy1);
$node->faulty('a source that is none', 'owner1', "SELECT lpr.note_refresh('nobody')", '42704', qr/source "nobody" does not exist/);
$node->faulty('no source', 'owner1', 'SELECT lpr.note_refresh(NULL)', '42704');
$node->faulty("a refresh of $_", 'owner1', "SELECT lpr.note_refresh('acme', $_)", '22023', qr/not a moment of a refresh/) for "now() + interval '1 minute'", "'infinity'", "'-infinity'";
my $head = $node->head;
is($node->answer('owner1', "SELECT lpr.note_refresh('acme') > now() - interval '1 minute'"), 't', 'a system owner records one of just now');
like($node->records_after($head, "kind = 'change'"), qr/^change owner1/, '… which is on record');
is($node->answer('admin1', "SELECT lpr.note_refresh('acme', '2026-01-02 03:04:05+00') = '2026-01-02 03:04:05+00'"), 't', 'an administrator another one, which corrects it');
is($node->answer('analyst1', "SELECT refreshed_at = '2026-01-02 03:04:05+00', fresh FROM lpr.sources WHERE source = 'acme'"), 't|f', '… as everybody sees');
$node->hire('feeder1', 'lpr_system_owner', kind => 'service');
is($node->answer('feeder1', "SELECT lpr.note_refresh('birdseye') IS NOT NULL"), 't', 'so does a service of theirs');

# ---- what is told ----

is($node->answer('analyst1', "SELECT count(*) $plate"), 7, 'a source with old data is asked all the same');
like($told->("SELECT count(*) $plate"), $stale->('acme \(2026-01-02 [^)]*\)'), '… and says so, when it is asked and when it is in the cache');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_plate('NOREAD1') WHERE source = 'acme'; SELECT refreshed_at = '2026-01-02 03:04:05+00' FROM lpr.last_query()"), "0\nt", '… and lpr.last_query() knows it');
like($told->("SELECT * FROM lpr.search_plate('NOREAD1')"), $stale->('acme \(2026[^)]*\)'), '… though there is no read: one may be what is missing');
is(scalar(() = $told->('SELECT count(*) FROM lpr.reads AS a JOIN lpr.reads AS b ON b.plate = a.plate ' . "WHERE a.plate = 'BULK7' AND b.plate = 'BULK7'") =~ /not refreshed/g), 1, '… once, however often it is asked');
$node->answer('owner1', "SELECT lpr.note_refresh('acme', now() - interval '23 hours 50 minutes')");
unlike($told->("SELECT count(*) $plate"), qr/not refreshed/, 'within a day nothing is said');
$node->answer('owner1', "SELECT lpr.note_refresh('acme', now() - interval '24 hours 1 minute')");
like($told->("SELECT count(*) $plate"), $stale->('acme \(20[^)]*\)'), '… and after it is');
$node->answer('postgres', "UPDATE lpr_data.source SET refreshed_at = NULL WHERE name = 'curbside'");
like($told->("SELECT count(*) FROM lpr.search_plate('BULK7')"), qr/2 sources were not refreshed within the last day: acme \(20[^)]*\), curbside \(not on record\)$/m, 'two in one notice; what is not on record is not fresh');
$node->answer('admin1', "SELECT lpr.disable_source('curbside')");
unlike($told->("SELECT count(*) FROM lpr.search_plate('BULK7')"), qr/curbside \(/, 'a source that is not asked has no answer that says so');
is($node->answer('analyst1', "SELECT count(*) FROM lpr.search_plate('BULK7'); SELECT count(*) FROM lpr.last_query() WHERE source = 'curbside' AND refreshed_at IS NULL"), "14\n1", '… nor a time');
$node->answer('owner1', "SELECT lpr.note_refresh(source) FROM lpr.sources");

# ---- what a read is not ----

like($told->("SELECT plate, captured_at $plate"), $caveat, 'who leaves the caveat out is told it');
is(scalar(() = $told->("SELECT plate FROM lpr.search_plate('BULK7')") =~ /$caveat/g), 1, '… once a statement, of all sources');
like($told->("SELECT count(*) $plate"), $caveat, '… also who counts');
unlike($told->("SELECT * $plate"), $caveat, 'whose rows have it is not');
unlike($told->("SELECT captured_at, caveat $plate"), $caveat, '… nor who names it');
unlike($told->("SELECT captured_at $plate AND captured_at < now() - interval '4 years 360 days'"), $caveat, 'nor who is shown no read');
unlike($told->("SELECT captured_at $plate AND color = 'NO SUCH'"), $caveat, '… because none meets a condition');

$node->stop;
done_testing();
