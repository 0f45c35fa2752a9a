# images: fetched for the rows that a statement shows, and for no others.
use strict;
use warnings;
use LprTest;
use Test::More;

my $node = LprTest->start_staged('images');
my $reads = "FROM lpr.images AS r WHERE r.source = 'acme' AND r.plate";
$node->appoint_deputy;

# How many images a statement fetched.
sub images_of
{
	my ($sql, %given) = @_;

	$node->vendor_forget;
	$given{answer} = $node->answer('analyst1', $sql);
	is($given{answer}, $given{is}, "$sql: its answer") if defined $given{is};
	return scalar $node->vendor_log(class => 'image');
}

# ---- in no everyday row, and never by SELECT * (Q3a) ----
is(images_of("SELECT count(*) FROM (SELECT * FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK5' OFFSET 0) AS r", is => 5), 0, 'SELECT * fetches none');
is(images_of("SELECT count(*) FROM (SELECT * FROM lpr.search_plate('BULK5') WHERE source = 'acme' OFFSET 0) AS r", is => 5), 0, '… nor of the searches');
is(images_of("SELECT count(r) FROM lpr.reads AS r WHERE source = 'acme' AND plate = 'BULK5'", is => 5), 0, '… nor a whole row');
is(images_of("SELECT has_images, count(*) FROM lpr.search_plate('BULK5') WHERE source = 'acme' GROUP BY 1", is => 't|5'), 0, 'the everyday row says that there are some');
is($node->answer('analyst1', "SELECT string_agg(DISTINCT source || ' ' || has_images, ', ') FROM lpr.search_plate('BULK5')"), 'acme true, birdseye false, curbside true', '… source by source');
like($node->messages('analyst1', "SELECT $_ FROM lpr.search_plate('BULK5')"), qr/ERROR: +42703: column "$_" does not exist/, "it has no $_") for qw(plate_image vehicle_image);
my ($one) = split /\n/, $node->answer('analyst1', "SELECT read_id FROM lpr.search_plate('BULK5') WHERE source = 'acme' LIMIT 1");
is(images_of("SELECT vehicle_image IS NOT NULL FROM lpr.images WHERE plate = 'BULK5' AND source = 'acme' AND read_id = '$one'", is => 't'), 1, 'the image of one read is one request');
is($node->answer('postgres', "SELECT payload::json ->> 'images' FROM lpr_data.audit WHERE kind = 'ask' ORDER BY number DESC LIMIT 1"), 'true', '… and on record');
like($node->messages('analyst1', "SELECT vehicle_image FROM lpr.images WHERE source = 'acme'"), qr/ERROR: +LP001/, 'without an anchor there are none');
like($node->messages('analyst1', "SELECT count(*) FROM lpr.images WHERE source = 'nobody' AND plate = 'BULK5'"), qr/NOTICE: .*there is no source "nobody"/, 'a source that does not exist is told of');
like($node->messages('analyst1', 'SELECT count(*) FROM lpr_data.images_acme', logon => 0), qr/ERROR: +42501/, 'the part of a source is nobody\'s');

# ---- a row that is not shown costs no image ----
is(images_of("SELECT count(vehicle_image) $reads = '7ABC123' AND confidence > 2", is => 0), 0, 'a local condition that no row meets');
is(images_of("SELECT count(vehicle_image), min(plate) = max(plate) $reads IN ('BULK5', 'BULK7') AND right(plate, 1) = '7'", is => '7|t'), 7, '… that some meet');
is(images_of("SELECT count(*) $reads = 'BULK9' AND length(vehicle_image) > 0 AND confidence > 2", is => 0), 0, 'a condition on an image comes last');
is(images_of("SELECT count(*) $reads IN ('BULK5', 'BULK7') AND length(vehicle_image) > 0 AND right(plate, 1) = '7'", is => 7), 7, '… and is checked');
is(images_of("SELECT count(*) $reads = 'BULK9' AND length(vehicle_image) = 0", is => 0), 9, '… with its image');
is(images_of("SELECT count(vehicle_image) $reads IN ('BULK5', 'BULK7') AND (right(plate, 1) IN (SELECT g::text FROM generate_series(7, 9) AS g)) IS TRUE", is => 7),
	7, 'a condition with a subquery');
is(images_of("SELECT count(vehicle_image) $reads = 'BULK9' AND random() > 2", is => 0), 0, 'a volatile condition');
is(images_of("SELECT count(vehicle_image) $reads = 'BULK9' AND r IS NOT NULL", is => 0), 18, 'a condition on the whole row has its images');
# Not past a condition of row security, which sees the rows first.
$node->answer('postgres', 'CREATE SCHEMA open; GRANT USAGE, CREATE ON SCHEMA open TO PUBLIC;'
		. "CREATE FUNCTION open.told(text) RETURNS boolean LANGUAGE plpgsql COST 0.1 AS \$\$ BEGIN RAISE WARNING 'saw %', \$1; RETURN true; END \$\$;"
		. 'CREATE POLICY small ON lpr.images USING (length(vehicle_image) = 0); ALTER TABLE lpr.images ENABLE ROW LEVEL SECURITY');
my (undef, $out, $err) = $node->ask('analyst1', "SELECT count(*) $reads = 'BULK3' AND open.told(read_id)");
is($out, 0, 'a policy on images holds');
unlike($err, qr/saw/, '… and what it hides is not seen');
$node->answer('postgres', 'DROP POLICY small ON lpr.images; ALTER TABLE lpr.images DISABLE ROW LEVEL SECURITY');
# The same as the executor would count.
like($node->answer('analyst1', LprTest::deputy_rows("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT vehicle_image $reads IN ('BULK5', 'BULK7') AND right(plate, 1) = '7'")),
	qr/^ *Rows Removed by Filter: 5$/m, 'the rows left out are counted');
# Rows ahead are not looked for through all of an answer.
my ($session) = $node->session('analyst1');
$session->query("BEGIN; DECLARE c CURSOR FOR SELECT vehicle_image IS NOT NULL $reads = 'BULK20000' AND read_id LIKE '%777'");
$session->query('FETCH 1 FROM c');
cmp_ok($node->told($session)->{acme}{pages}, '<', 6, 'the first row does not wait for seven more');
$session->quit;

# ---- rows that are locked or changed beside, by a function of the administrator's: the whole row is kept, but not its images ----
$node->answer('postgres', "CREATE TABLE open.wanted (plate text, note text); GRANT ALL ON open.wanted TO analyst1; INSERT INTO open.wanted VALUES ('BULK4', 'x'), ('BULK6', 'y')");
my $join = "r.plate = w.plate AND r.source = 'acme'";
is(images_of(LprTest::deputy("UPDATE open.wanted AS w SET note = 'seen' FROM lpr.images AS r WHERE $join")), 0, 'UPDATE … FROM lpr.images');
is(images_of(LprTest::deputy("UPDATE open.wanted AS w SET note = r.camera_id FROM lpr_data.images_acme AS r WHERE r.plate = w.plate")), 0, '… from its partition');
is(images_of(LprTest::deputy_rows("SELECT count(*)::text FROM (SELECT w.note FROM open.wanted AS w JOIN lpr.images AS r ON $join FOR UPDATE OF w) AS f"), is => 10), 0, 'FOR UPDATE of another table');
is(images_of(LprTest::deputy("MERGE INTO open.wanted AS w USING (SELECT DISTINCT plate FROM lpr.images WHERE source = 'acme' AND plate = 'BULK4') AS r ON r.plate = w.plate WHEN MATCHED THEN UPDATE SET note = 'm'")),
	0, 'MERGE');
is(images_of(LprTest::deputy("UPDATE open.wanted AS w SET note = length(r.vehicle_image)::text FROM lpr.images AS r WHERE $join AND w.plate = 'BULK4'")), 4, 'an image that is named is fetched');
is(images_of(LprTest::deputy("UPDATE open.wanted AS w SET note = length(r::text) > 200 FROM lpr.images AS r WHERE $join AND w.plate = 'BULK4'")), 8, '… and those of a row that is named');
is(images_of(LprTest::deputy_rows("UPDATE open.wanted AS w SET note = 'x' FROM lpr.images AS r WHERE $join AND w.plate = 'BULK4' RETURNING ((r).vehicle_image IS NOT NULL)::text"), is => 'true'), 4, '… or returned');
is(images_of(LprTest::deputy_rows("UPDATE open.wanted AS w SET note = 'x' FROM lpr.images AS r WHERE $join AND w.plate = 'BULK4' RETURNING ((r IS NULL) IS NULL)::text"), is => 'false'), 8, '… as a row');
is(images_of("SELECT count(u) FROM (SELECT r $reads = 'BULK2' UNION ALL SELECT r $reads = 'BULK2') AS u (u)", is => 4), 8, 'whole rows through UNION ALL');
is(images_of(LprTest::deputy("DELETE FROM open.wanted AS w USING lpr.images AS r WHERE $join")), 0, 'DELETE … USING lpr.images');

# ---- the functions: images only when their columns are selected, as long as the function is inlined ----
is(images_of("SELECT count(*) FROM lpr.search_plate('BULK3') WHERE source = 'acme'"), 0, 'search_plate without images');
is(images_of("SELECT count(s.plate) FROM (VALUES ('BULK3')) AS w (plate), LATERAL lpr.search_plate(w.plate) AS s WHERE s.source = 'acme'"), 0, '… for each row of a table');
is(images_of("SELECT count(s.plate) FROM (SELECT 'BULK3' AS plate OFFSET 0) AS w, LATERAL lpr.search_plate(w.plate) AS s WHERE s.source = 'acme'"), 0, '… the rewrite of a subquery');

$node->stop;
done_testing();
