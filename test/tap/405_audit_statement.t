# audit_statement: everything that a scan can see of the statement that asks is on record with the question (U1): conditions that are checked here, columns, images, grouping, and the statement's text.
use strict;
use warnings;
use Encode qw(decode);
use JSON::PP;
use LprAudit;
use Test::More;

my $node = LprTest->start_staged('audit_statement', world => 'noon');
$node->add_source('bay', 'lpr-v1');
my ($session) = $node->session('analyst1');
my $head;

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
$record = one("SELECT plate, count(*) FROM lpr.search_vehicle('TOYOTA', 'CAMRY', 'SILVER', 32.55, -117.04, 25000, since => now() - interval '20 days')
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
$record = one("SELECT read_id, plate_image " . $ask =~ s/lpr\.reads/lpr.images/r . " LIMIT 1");
like(columns($record), qr/\bplate_image\b/, '… an image');
is($record->{images}, JSON::PP::true, '… and that there are');
unlike(columns($record), qr/vehicle_image|camera_owner/, '… and nothing else');

# ---- the text ----

is(one("SELECT 1 AS other; SELECT read_id $ask; SELECT 2 AS other")->{statement}, "SELECT read_id $ask", '… of several statements its own');
like(one("BEGIN; DECLARE c CURSOR FOR SELECT read_id $ask; FETCH 1 FROM c; COMMIT")->{statement}, qr/^\s*(?:DECLARE c CURSOR FOR )?SELECT read_id \Q$ask\E;?\s*$/, '… of a cursor where it was declared');
$record = one($node->procedure('inner', "BEGIN PERFORM read_id $ask; END") =~ s/^\s+//r);
like($record->{statement}, qr/CALL|PERFORM|SELECT/, '… of a procedure');
my $long = "SELECT /* " . ('é' x 9000) . " */ read_id $ask";
is(one($long)->{statement}, decode('UTF-8', "$long\n"), '… a long one, whole, whatever it begins with');
# A question for each row of a join: a long text stands in the first record, a short one in each.
my $rows = "SELECT w.p, r.read_id FROM (VALUES ('BULK1'), ('BULK2'), ('BULK3')) AS w (p), LATERAL (SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = w.p OFFSET 0) AS r";
my @short = records($rows);
is(scalar(grep { ($_->{statement} // '') =~ /LATERAL/ && !defined $_->{statement_in} } @short), 3, '… three questions, each with the text');
$head = $node->head;
my @rows = records("$rows -- " . ('x' x 2000));
is(scalar(@rows), 3, '… and with a long one three again');
like($rows[0]{statement}, qr/LATERAL.*x{2000}/s, '… which is with the first');
is($rows[0]{statement_in}, undef, '… as itself');
my $first = $node->answer('postgres', "SELECT min(number) FROM lpr_data.audit WHERE number > $head AND kind = 'ask'");
is(join(' ', map { ($_->{statement_in} // '') . (defined $_->{statement} ? 'again' : '') . ($_->{columns} ? '' : 'bare') } @rows[1, 2]), "$first $first", '… and the others name that one, and have the rest');
$record = one("SELECT /* " . ('x' x 70_000) . " */ read_id $ask", qr/the statement is too long to be on record/);
is($record->{message}, 'the statement is too long to be on record', '… and of one that is too long, that it was refused');
$record = one("SELECT read_id $ask AND camera_owner <> '" . ('x' x 2000) . "' AND camera_owner = 'Example Mosque'");
my ($filler) = grep { /xxx/ } @{ $record->{local} };
cmp_ok(length $filler, '<', 500, 'a long condition is clipped');
like(conditions($record), qr/camera_owner = 'Example Mosque'/, '… and hides no other');
$record = one("SELECT read_id $ask " . join ' ', map { "AND camera_owner <> 'n$_'" } 1 .. 50);
is(scalar(@{ $record->{local} }), 32, 'of many conditions some are told');
is($record->{local_all}, 50, '… and how many there are');

# ---- conditions of which a question has room for one ----

$record = one("SELECT read_id $ask AND lpr.address_contains(address, 'Main') AND lpr.address_contains(address, 'Mosque')");
like(conditions($record), qr/'Main'.*'Mosque'/, 'of two addresses neither is lost');
$record = one("SELECT read_id $ask AND address ILIKE '%Main%' AND lpr.address_contains(address, 'Mosque')");
like(conditions($record), qr/(?=.*Main).*Mosque/, '… nor of one and a pattern');
$record = one("PREPARE p(text) AS SELECT read_id $ask AND address ILIKE \$1; SET plan_cache_mode = force_generic_plan; EXECUTE p('%Mos_ue%'); RESET plan_cache_mode; DEALLOCATE p");
like(conditions($record), qr/%Mos_ue%/, '… nor a pattern that nobody can be asked');
$record = one("SELECT read_id $ask AND lpr.distance_m(latitude, longitude, 32.5, -117) <= 20000 AND lpr.distance_m(latitude, longitude, 32.6, -117.1) <= 25000");
like(conditions($record), qr/32\.5.*32\.6/, '… nor of two places');
like(conditions(one("SELECT read_id $ask AND lpr.address_contains(address, 'Mosque')")), qr/'Mosque'/, '… nor what is no address, and so is not asked');
like(conditions(one("SELECT read_id $ask AND (plate_region = 'CA' OR plate_region IS NULL) AND (plate_region = 'NV' OR plate_region IS NULL)")), qr/'CA'.*'NV'/, '… nor of two regions');
$record = one("SELECT read_id $ask AND lpr.distance_m(latitude, longitude, 32.5, -117) <= 20000 AND (plate_region = 'CA' OR plate_region IS NULL)");
is(conditions($record), '', '… but of one it tells');

# ---- values of parameters, wherever they are used ----

sub parameters { my ($record) = @_; return join ' | ', @{ $record->{parameters} // [] } }

my $within = "SELECT read_id FROM (SELECT read_id, camera_owner, row_number() OVER (ORDER BY captured_at) AS n $ask) AS r WHERE";
$record = one("PREPARE p(text, integer) AS $within camera_owner = \$1 AND n > \$2; EXECUTE p('Example Mosque', 0); DEALLOCATE p");
is(parameters($record), q{$1 = 'Example Mosque'::text | $2 = 0}, 'what a prepared statement was given, where no scan sees it');
($record) = records("PREPARE p(text[]) AS SELECT read_id FROM unnest(\$1) AS o (owner) JOIN lpr.reads AS r ON r.camera_owner = o.owner WHERE source = 'acme' AND plate = '7ABC123'; SET plan_cache_mode = force_generic_plan; EXECUTE p('{Example Mosque,x}'); RESET plan_cache_mode; DEALLOCATE p");
like(parameters($record), qr/Example Mosque/, '… in a join');
$node->safe_psql('lpr', "CREATE FUNCTION public.within(owner text) RETURNS SETOF text LANGUAGE plpgsql AS \$f\$ DECLARE word text := 'of ' || owner; r record; BEGIN FOR r IN $within camera_owner <> word LOOP RETURN NEXT r.read_id; END LOOP; END \$f\$;
	CREATE FUNCTION public.dynamic(owner text) RETURNS SETOF text LANGUAGE plpgsql AS \$f\$ BEGIN RETURN QUERY EXECUTE format(\$q\$ $within camera_owner <> %L \$q\$, owner); END \$f\$;
	CREATE FUNCTION public.written(owner text) RETURNS SETOF text VOLATILE BEGIN ATOMIC $within camera_owner <> owner; END");
$record = one("SELECT count(*) FROM public.within('Example Mosque')");
like(parameters($record), qr/'of Example Mosque'/, '… what a function has come by');
like($record->{statement}, qr/public\.within/, '… which the statement calls');
like($record->{inner_statement}, qr/^\s*SELECT read_id FROM/, '… and what asks in it');
like(one("SELECT count(*) FROM (SELECT public.dynamic(concat('Example ', 'Mosque')) OFFSET 0) AS x")->{inner_statement}, qr/<> 'Example Mosque'/, '… which it may have put together');
like(parameters(one("SELECT count(*) FROM (SELECT public.written(concat('Example ', 'Mosque')) OFFSET 0) AS x")), qr/'Example Mosque'/, '… of a function in SQL');
is(one("SELECT read_id $ask")->{inner_statement}, undef, '… and nothing where none asks');

# ---- odd ones that must not break anything ----

one($_) for "SELECT r FROM lpr.reads AS r WHERE source = 'acme' AND plate = '7ABC123' AND r IS NOT NULL AND (r.*)::text <> ''",
	"SELECT read_id $ask AND (camera_id, camera_owner) IN (SELECT 'a', 'b' UNION SELECT 'c', 'd')",
	"SELECT read_id $ask AND NOT EXISTS (SELECT FROM (VALUES ('x')) AS v (o) WHERE v.o = camera_owner OFFSET 0)",
	"SELECT read_id $ask AND CASE WHEN confidence > (SELECT avg(g) FROM generate_series(1, 3) AS g) THEN camera_owner = ANY (ARRAY['a', NULL]) ELSE ROW(1, camera_id) < ROW(2, 'x') END",
	"SELECT (SELECT count(*) FROM lpr.reads AS r WHERE source = 'acme' AND plate = '7ABC123' AND r.camera_owner > v.o) FROM (VALUES ('a')) AS v (o)",
	"SELECT x.read_id FROM (VALUES ('a')) AS v (o), LATERAL (SELECT read_id $ask AND camera_owner > v.o OFFSET 0) AS x",
	"WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 3) SELECT read_id $ask AND length(camera_id) > (SELECT max(n) FROM t)",
	"SELECT camera_id, make, count(*) $ask AND camera_owner > '' GROUP BY GROUPING SETS ((camera_id), (make), ())", "SELECT DISTINCT ON (camera_id) read_id $ask AND xmlelement(name a, camera_id)::text <> '' ORDER BY camera_id",
	"SELECT read_id $ask AND num_nonnulls(VARIADIC ARRAY[camera_id, make]) > 0 AND coalesce(make, 'x') IS DISTINCT FROM 'y' AND current_user > camera_id ORDER BY captured_at FETCH FIRST 1 ROW WITH TIES",
	"PREPARE p(text, text[], bytea, name, json, interval, text) AS SELECT read_id $ask AND camera_owner > \$1 AND camera_id <> ALL (\$2) AND length(\$3) < 9 AND camera_id > \$4 AND \$5::text <> camera_id AND captured_at > now() - \$6 AND coalesce(\$7, 'x') <> camera_id; SET plan_cache_mode = force_generic_plan; EXECUTE p('a', '{a,NULL}', 'x', 'n', '{}', '1 year', NULL); RESET plan_cache_mode; DEALLOCATE p";
is($node->answer('postgres', 'SELECT 1'), 1, 'the server is well');

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
