# audit_statement: everything that a scan can see of the statement that asks is on record with the question (U1): conditions that are checked here, columns, images, grouping, and the statement's text.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode);
use JSON::PP;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit_statement', world => 'noon');
$node->add_source('bay', 'lpr-v1');
my ($session) = $node->session('analyst1');

# What the questions that some SQL asks have on record, oldest first.
sub records
{
	my ($sql, $messages) = @_;
	my $head = $node->head;
	my ($out, $err) = $node->converse($session, $sql);

	my $name = substr($sql, 0, 120) =~ s/\s+/ /gr;
	$messages ? like($err, $messages, $name) : unlike($err, qr/ERROR/, $name);
	return map { decode_json($_) } split /\n/, $node->answer('postgres', "SELECT payload FROM lpr_data.audit WHERE number > $head AND kind IN ('ask', 'refused') ORDER BY number");
}

sub one { my (@arguments) = @_; my @records = records(@arguments); is(scalar(@records), 1, '… one record'); return $records[0] // {} }
sub conditions { my ($record) = @_; return join ' | ', @{ $record->{local} // [] } }
sub columns { my ($record) = @_; return join ' ', @{ $record->{columns} // [] } }

my $ask = "FROM lpr.reads WHERE source = 'acme' AND plate = '7ABC123'";

# ---- an ordinary question ----

my $text = "SELECT read_id, captured_at $ask";
my $record = one($text);
is($record->{statement} =~ s/\s+$//r, $text, '… the statement');
is(columns($record), 'captured_at read_id plate source', '… its columns');
is(conditions($record), '', '… no condition but those of the question');
is($record->{aggregated}, undef, '… nothing is counted');
is($record->{images}, undef, '… no images');

# ---- what is looked for among the answers ----

# The mosque of the findings: the colour, the owner, the hour and the counting go to no vendor.
$record = one("SELECT plate, count(*) FROM lpr.search_vehicle('TOYOTA', 'CAMRY', 'SILVER', since => now() - interval '20 days')
	WHERE source = 'acme' AND camera_owner = 'Example Mosque' AND extract(hour FROM captured_at) = 13 GROUP BY 1 ORDER BY 2 DESC");
like(conditions($record), qr/camera_owner = 'Example Mosque'/, '… the owner of the camera');
like(conditions($record), qr/EXTRACT\(hour FROM captured_at\) = .*13/, '… the hour');
like(conditions($record), qr/SILVER/, '… the colour');
is($record->{aggregated}, JSON::PP::true, '… that it counts');
is($record->{model}, 'CAMRY', '… beside what is sent');
$record = one("PREPARE p(text, integer) AS SELECT read_id $ask AND camera_owner LIKE \$1 AND length(camera_id) > \$2; SET plan_cache_mode = force_generic_plan; EXECUTE p('Church%', 3); RESET plan_cache_mode; DEALLOCATE p");
like(conditions($record), qr/camera_owner ~~ 'Church%'/, '… the value of a parameter, and not its number');
like(conditions($record), qr/> 3/, '… of each');
$record = one("SELECT count(*) $ask AND confidence > (SELECT 0.1)");
like(conditions($record), qr/confidence > /, '… a condition with a subquery');
is($record->{refused}, undef, '… which is asked');

# ---- counting, wherever it stands ----

is(one($_)->{aggregated}, JSON::PP::true, '… aggregated')
	for "SELECT count(*) $ask", "SELECT DISTINCT camera_id $ask", "SELECT camera_id $ask GROUP BY 1", "SELECT read_id, row_number() OVER (ORDER BY captured_at) $ask", "SELECT camera_id $ask INTERSECT SELECT 'x'",
	"SELECT * FROM (SELECT camera_id, captured_at $ask OFFSET 0) AS r WHERE captured_at = (SELECT max(captured_at) FROM (SELECT now() AS captured_at) AS x)",
	"WITH r AS MATERIALIZED (SELECT camera_id $ask) SELECT camera_id, count(*) FROM r GROUP BY 1", "SELECT 1 WHERE (SELECT count(*) $ask) > 0", "(SELECT 'x', 0 UNION ALL SELECT camera_id, count(*) $ask GROUP BY 1)";
is(one($_)->{aggregated}, undef, '… not aggregated') for "SELECT camera_id $ask ORDER BY captured_at DESC", "SELECT camera_id $ask LIMIT 1", "SELECT camera_id $ask UNION ALL SELECT 'x'";
$record = one("SELECT camera_id, count(*) FROM lpr.search_plate('7ABC123') WHERE source = 'acme' GROUP BY 1");
is($record->{aggregated}, JSON::PP::true, '… over a function of lpr');

# ---- columns ----

my @everyday = grep { !/^(?:plate|vehicle)_image$/ } split /\n/, $node->answer('postgres', "SELECT attname FROM pg_attribute WHERE attrelid = 'lpr.reads'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum");
is(columns(one('SELECT ' . join(', ', @everyday) . " $ask")), '*', '… all but images');
$record = one("SELECT read_id, plate_image $ask LIMIT 1");
like(columns($record), qr/\bplate_image\b/, '… an image');
is($record->{images}, JSON::PP::true, '… and that there are');
unlike(columns($record), qr/vehicle_image|camera_owner/, '… and nothing else');

# ---- the text ----

is(one("SELECT 1 AS other; SELECT read_id $ask; SELECT 2 AS other")->{statement}, "SELECT read_id $ask", '… of several statements its own');
like(one("BEGIN; DECLARE c CURSOR FOR SELECT read_id $ask; FETCH 1 FROM c; COMMIT")->{statement}, qr/^\s*(?:DECLARE c CURSOR FOR )?SELECT read_id \Q$ask\E;?\s*$/, '… of a cursor where it was declared');
$record = one($node->procedure('inner', "BEGIN PERFORM read_id $ask; END") =~ s/^\s+//r);
like($record->{statement}, qr/CALL|PERFORM|SELECT/, '… of a procedure');
my $long = "SELECT read_id $ask /* " . ('é' x 3000) . ' */';
$record = one($long);
is($record->{statement_sha256}, sha256_hex("$long\n"), '… a long one by its digest');
is($record->{statement_bytes}, length "$long\n", '… and its length');
is(length encode('UTF-8', $record->{statement}), 4096 - (length("SELECT read_id $ask /* ") % 2), '… beside its beginning, in whole characters');
like($record->{statement}, qr/^SELECT read_id FROM/, '… as far as there is room');
$record = one("SELECT read_id $ask AND camera_owner <> '" . ('x' x 2000) . "' AND camera_owner = 'Example Mosque'");
my ($filler) = grep { /xxx/ } @{ $record->{local} };
cmp_ok(length $filler, '<', 500, 'a long condition is clipped');
like(conditions($record), qr/camera_owner = 'Example Mosque'/, '… and hides no other');
$record = one("SELECT read_id $ask " . join ' ', map { "AND camera_owner <> 'n$_'" } 1 .. 50);
is(scalar(@{ $record->{local} }), 32, 'of many conditions some are told');
is($record->{local_all}, 50, '… and how many there are');

# ---- refused ones, too ----

$record = one("SELECT count(*) $ask AND event_id = 999999 AND camera_owner = 'Example Mosque'", qr/LP041/);
like(conditions($record), qr/Example Mosque/, 'what is refused is on record like what is asked');
is($record->{aggregated}, JSON::PP::true, '… with all of it');
my @both = records("SELECT read_id FROM lpr.reads WHERE source IN ('acme', 'bay') AND plate = '7ABC123' AND camera_owner = 'x'");
is(scalar(grep { conditions($_) =~ /camera_owner = 'x'/ } @both), scalar @both, 'each source has it on record');
cmp_ok(scalar @both, '==', 2, '… all of them');

$session->quit;
$node->stop;
done_testing();
