# differential: random queries over lpr.reads, each of which has to bring what PostgreSQL brings over a local copy of the same reads.
#
# The same text is run twice: {P}, {L} and {V} stand for lpr.reads asked by plate, place and vehicle, or for a table of the reads that
# this question can find; {F} is the schema of the search functions. LPR_SEED is another run, or LPR_SEED=any one that nobody has seen
# (make fuzz); LPR_QUERIES makes it longer (300), LPR_ONLY shows one query of it.
use strict;
use warnings;
use LprDialect;
use LprLab;
use LprTest;
use List::Util qw(max min shuffle sum0);
use POSIX qw(strftime);
use Test::More;

my $seed = $ENV{LPR_SEED} // 136295;
$seed = time % 1_000_000 if $seed eq 'any';
my $wanted = $ENV{LPR_QUERIES} // 300;
my $chunk = 50; # queries between two changes of the servers' options
srand $seed;
note "LPR_SEED=$seed LPR_QUERIES=$wanted";

my $node = LprLab->start_staged('differential');
my %of = $node->source_of_each; # name => dialect's row
my @sources = sort keys %of;
# The events that queries name, or join: 1 is what all others are asked for, 2 is that of analyst2.
$node->own_event($_) for 3 .. 12, 4711;
$node->answer('analyst2', "SELECT lpr.add_member(2, 'analyst1')");

# ---- the copy, which an analyst could not make ----

$node->appoint_deputy;

my ($lat, $lon) = (32.552, -117.042);
my @wide = (4000, "captured_at >= now() - interval '150 days'"); # metres around that point; of places and makes
my @makes = ('TESLA', 'KIA');
my $street = 'Camino de la Plaza';
my %busy; # of a source with a register: its cameras
for my $source (grep { $of{$_}{needs_register} } @sources)
{
	$busy{$source} = [ $node->busy_cameras($source, "r.plate = '7ABC123'") ];
	$node->register_cameras($source, $source, @{ $busy{$source} });
}

my %kind = map { $_ => [ map { $_->{plate} } @{ $node->vendor('GET', "/control/plates?kind=$_&n=2") } ] } qw(lookalike twin border occasional);
my @plates = ('7ABC123', '7ABC123', '7A8C123', 'BULK60', 'BULK7', 'QQQQ0000', map { @$_ } values %kind);
@plates = (@plates[ 0 .. 5 ], sort @plates[ 6 .. $#plates ]);
my %distinct = map { $_ => 1 } @plates;
$node->make_targets('lpr', @plates);
my $list = join ', ', map { "'$_'" } sort keys %distinct;
my $columns = 'source, read_id, plate, plate_as_read, plate_region, country, captured_at, latitude, longitude, address, camera_id, camera_owner, '
	. 'camera_type, make, model, color, confidence, place_certainty, has_images';

$node->safe_psql('lpr', <<"END");
CREATE SCHEMA loc; GRANT ALL ON SCHEMA loc TO PUBLIC;
CREATE TABLE loc.watch (ord int, plate text, region text, since timestamptz, place text);
GRANT ALL ON loc.watch TO PUBLIC;
INSERT INTO loc.watch SELECT n, (ARRAY[$list])[1 + n % @{[ scalar keys %distinct ]}], (ARRAY['CA', 'NV', 'TX', NULL])[1 + n % 4],
	date_trunc('hour', now()) - n * interval '70 days', 'place ' || n % 3 FROM generate_series(1, 9) n;
INSERT INTO loc.watch VALUES (10, NULL, 'CA', now(), NULL), (11, '7ABC123', NULL, NULL, 'place 1'), (12, 'BULK60', 'TX', '-infinity', 'place 2');
CREATE VIEW loc.plates AS SELECT DISTINCT plate FROM loc.watch WHERE plate IS NOT NULL;
GRANT ALL ON loc.plates TO PUBLIC;
END
my $copy = sub {
	my ($name, $where) = @_;
	# Five years and thirty days go on while the test runs; matched_how and event_id are those of a question.
	$node->answer('analyst1', LprTest::deputy(<<"END"));
CREATE TABLE loc.kept_$name AS SELECT $columns FROM lpr.reads WHERE $where;
ALTER TABLE loc.kept_$name OWNER TO analyst1;
CREATE VIEW loc.reads_$name AS SELECT nullif(current_setting('loc.event', true), '')::bigint AS event_id, source, read_id, plate, plate_as_read, plate_region,
	country, captured_at, captured_at >= (now() AT TIME ZONE 'UTC' - interval '30 days') AT TIME ZONE 'UTC' AS recent, latitude, longitude, address, camera_id,
	camera_owner, camera_type, make, model, color, confidence,
	CASE WHEN '$name' = 'p' THEN CASE WHEN current_setting('loc.region', true) <> '' AND plate_region IS NULL THEN 'unknown_region' ELSE 'exact' END END AS matched_how,
	now() AS fetched_at, false AS from_cache, NULL::timestamptz AS expires_at, place_certainty,
	'A read locates a vehicle, not a person, and may be wrong: no action on it alone.'::text AS caveat, has_images
	FROM loc.kept_$name WHERE captured_at >= (now() AT TIME ZONE 'UTC' - interval '5 years') AT TIME ZONE 'UTC';
GRANT ALL ON loc.reads_$name, loc.kept_$name TO PUBLIC;
END
};
$copy->('p', "plate = ANY (ARRAY(SELECT DISTINCT unnest(lpr.confusable_plates(p)) FROM unnest(ARRAY[$list]) AS p))");
$copy->('l', "lpr.distance_m(latitude, longitude, $lat, $lon) <= $wide[0] AND $wide[1]");
$node->answer('analyst1', LprTest::deputy("INSERT INTO loc.kept_l SELECT $columns FROM lpr.reads WHERE address ILIKE '%$street%' AND $wide[1] EXCEPT SELECT * FROM loc.kept_l"));
my $around = "lpr.distance_m(latitude, longitude, $lat, $lon) <= 25000"; # a vehicle is asked for within a place
$copy->('v', "make = '$makes[0]' AND $around AND $wide[1]");
$node->answer('analyst1', LprTest::deputy("INSERT INTO loc.kept_v SELECT $columns FROM lpr.reads WHERE make = '$_' AND $around AND $wide[1]")) for @makes[ 1 .. $#makes ];
# The search functions, word for word.
for ([ plate => 'p' ], [ location => 'l' ], [ vehicle => 'v' ])
{
	my ($name, $copy) = @$_;
	my $definition = $node->safe_psql('lpr', "SELECT pg_get_functiondef(min(oid)) FROM pg_proc WHERE oid::regprocedure::text ~ '^lpr.search_$name\\((text|double)'");
	$node->safe_psql('lpr', $definition =~ s/lpr\.reads/loc.reads_$copy/gr =~ s/FUNCTION lpr\./FUNCTION loc./r);
}

# The copy against the truth.
my %kept = map { /^(.*)\|(\d+)$/ ? ($1 => $2) : () } split /\n/, $node->answer('analyst1', 'SELECT source, plate, count(*) FROM loc.reads_p GROUP BY 1, 2');
my @apart;
for my $plate (sort keys %distinct)
{
	for my $source (@sources)
	{
		my $truth = sum0(map { $node->vendor_truth(vendor => $source, plate => $plate, @$_)->{usable} } $busy{$source} ? map { [ camera => $_ ] } @{ $busy{$source} } : []);
		push @apart, "$source $plate: $truth, not " . ($kept{"$source|$plate"} // 0) if $truth != ($kept{"$source|$plate"} // 0);
	}
}
is(join("\n", @apart), '', 'the copy is the truth: ' . sum0(values %kept) . ' reads');
for my $case ([ l => 'location' ], [ v => 'vehicle' ])
{
	my ($kind, $mode) = @$case;
	my $found = $node->answer('analyst1', "SELECT string_agg(DISTINCT source, ' ' ORDER BY source) || ' ' || count(*) FROM loc.reads_$kind");
	# A register of cameras elsewhere has none of that place.
	my $those = join ' ', map { $busy{$_} ? "(?:$_)?" : $_ } grep { $of{$_}{$mode} } @sources;
	like($found, qr/^$those ?\d{2}/, "… by place or make: $found");
}

# ---- the grammar ----

sub pick { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }

my $prepared; # types and values of the parameters of the query at hand, when it has any
my $serial = 0;

# A value as a literal, or as a parameter.
sub value
{
	my ($type, $literal) = @_;
	return "$literal\::$type" if !$prepared || chance(0.3);
	push @$prepared, [ $type, $literal ];
	return '$' . @$prepared . (chance(0.5) ? "::$type" : '');
}

sub plate { return pick(@plates) }
sub quoted { return join ', ', map { "'$_'" } @_ }
sub moment { return strftime('%Y-%m-%d %H:%M:%S', gmtime(time - 86400 * pick(-1, 0, 1, 5, 29, 30, 31, 100, 500, 1000, 1500, 1700, 1900, 3000) - int rand 86400)) }

# The time that each condition of the query at hand asks for, so that whether it can be met at all is known without lpr: a SELECT of
# from and until, of several rows where each is asked by itself. Conditions of different groups are of different scans.
my (@times, $group);
sub asks
{
	my ($text, $from, $until, $rows) = @_;
	push @times, { group => $group, text => $text, each => 'SELECT (' . ($from // "'-infinity'") . ')::timestamptz, (' . ($until // "'infinity'") . ')::timestamptz' . ($rows // '') };
	return $text;
}

# captured_at compared with a value: the same, as it is written.
sub compared
{
	my ($text, $operator, $value, $rows) = @_;
	my %range = ('=' => [ $value, $value ], '>=' => [ $value ], '>' => [ "($value)::timestamptz + interval '1 microsecond'" ], '<=' => [ undef, $value ], '<' => [ undef, "($value)::timestamptz - interval '1 microsecond'" ]);
	return asks($text, @{ $range{$operator} }[ 0, 1 ], $rows);
}

sub plates_condition
{
	my ($a) = @_;
	my @some = map { plate() } 1 .. 1 + rand 5;
	my $ord = 1 + int rand 12;

	return pick(
		sub { "$a.plate = " . value('text', quoted(plate())) }, sub { "$a.plate = '" . plate() . "'" }, sub { value('text', quoted(plate())) . " = $a.plate" },
		sub { "$a.plate IN (" . quoted(@some) . ')' }, sub { "$a.plate = ANY (ARRAY[" . quoted(@some) . ", NULL]::text[])" },
		sub { "$a.plate = ANY (" . value('text[]', "'{" . join(',', @some) . "}'") . ')' }, sub { "$a.plate IN (" . value('text', quoted(plate())) . ', ' . quoted(@some) . ')' },
		sub { "$a.plate = lpr.normal_plate('7abc-123')" }, sub { "$a.plate\::varchar = '" . plate() . "'" },
		sub { "$a.plate = (SELECT min(plate) FROM loc.watch WHERE ord = $ord)" }, sub { "$a.plate = ANY (ARRAY(SELECT plate FROM loc.watch WHERE ord <= $ord))" },
		sub { "$a.plate = '$some[0]' AND $a.plate IN (" . quoted('7ABC123', @some) . ')' }, sub { "$a.plate = ANY ('{}')" },
		sub { "($a.plate = '$some[0]' OR $a.plate = '" . plate() . "')" }, sub { "($a.plate IN (" . quoted(@some) . ") OR $a.plate = " . value('text', quoted(plate())) . ')' },
		sub { "$a.plate = coalesce(NULL, '" . plate() . "') AND $a.plate <> '" . plate() . "'" }, sub { "$a.plate = 'BULK' || " . value('int', 60) },
		sub { "(" . value('text', 'NULL') . " IS NOT NULL OR $a.plate = '" . plate() . "')" })->();
}

sub window
{
	my ($a) = @_;
	my ($one, $two) = sort(moment(), moment());
	my $type = pick('timestamptz', 'timestamptz', 'timestamp', 'date');

	my $other = pick($type, 'timestamptz');
	my $op = pick('>=', '>', '<=', '<');
	my %turned = ('>=' => '<=', '>' => '<', '<=' => '>=', '<' => '>');
	my $kept = 'captured_at FROM loc.reads_p WHERE plate =';
	my $given = pick('NULL', "'$one'");

	return pick(
		sub { compared("$a.captured_at $op " . value($type, "'$one'"), $op, "'$one'::$type") }, sub { compared(value($type, "'$one'") . " $op $a.captured_at", $turned{$op}, "'$one'::$type") },
		sub { asks("$a.captured_at BETWEEN " . value($type, "'$one'") . ' AND ' . value($other, "'$two'"), "'$one'::$type", "'$two'::$other") },
		sub { asks("$a.captured_at BETWEEN SYMMETRIC '$two' AND '$one'", "'$one'", "'$two'") }, sub { my $ago = "now() - interval '" . int(rand 900) . " days'"; compared("$a.captured_at >= $ago", '>=', $ago) },
		sub { my $day = 'current_date - ' . int rand 900; compared("$a.captured_at > $day", '>', $day) }, sub { my $ago = "localtimestamp - interval '40 days'"; compared("$a.captured_at < $ago", '<', $ago) },
		sub { my $last = "(SELECT max(captured_at) FROM loc.reads_p WHERE plate = '7ABC123')"; compared("$a.captured_at = $last", '=', $last) }, sub { asks("$a.captured_at IN (SELECT $kept 'BULK7')", 'captured_at', 'captured_at', " FROM loc.reads_p WHERE plate = 'BULK7'") },
		sub { my $some = "(SELECT $kept 'BULK60' ORDER BY 1 OFFSET 20 LIMIT 1)"; compared("$a.captured_at $op $some", $op, $some) },
		sub { "$a.captured_at::date = '" . substr($one, 0, 10) . "'" }, sub { compared("NOT ($a.captured_at < '$one')", '>=', "'$one'") }, sub { "$a.captured_at <> '$one'" },
		sub { "$a.captured_at >= '-infinity' AND $a.captured_at < 'infinity'" }, sub { "($a.captured_at >= '$two' OR $a.captured_at < '$one')" },
		sub { my $text = "(" . value('timestamptz', $given) . " IS NULL OR $a.captured_at >= '$one')"; $given eq 'NULL' ? $text : compared($text, '>=', "'$one'") }, sub { "$a.captured_at AT TIME ZONE 'UTC' > '$one'" },
		sub { "($a.captured_at, $a.read_id) > ('$one', '5')" }, sub { "date_part('hour', $a.captured_at) < 12" })->();
}

sub narrow
{
	my ($a) = @_;
	my $region = pick('CA', 'NV', 'TX', 'YT');
	my $source = pick(@sources, 'nobody');
	my ($true, $unless) = (pick('true', 'false'), pick('true', 'false', 'NULL'));
	my $month = "(now() AT TIME ZONE 'UTC' - interval '30 days') AT TIME ZONE 'UTC'";

	return pick(
		sub { "$a.plate_region = " . value('text', "'$region'") }, sub { "$a.plate_region IN ('$region', 'CA')" }, sub { "$a.plate_region IS NULL" },
		sub { "($a.plate_region = " . value('text', "'$region'") . " OR $a.plate_region IS NULL)" }, sub { "$a.plate_region <> '$region'" }, sub { "NOT ($a.plate_region = '$region')" },
		sub { "($a.plate_region = '$region') IS NOT TRUE" }, sub { "$a.plate_region IS DISTINCT FROM '$region'" }, sub { "coalesce($a.plate_region, 'CA') = '$region'" },
		sub { "($a.plate_region IS NULL OR " . value('text', pick('NULL', "'CA'")) . " IS NULL OR $a.plate_region = '$region')" },
		sub { "$a.plate_region = '$region' AND ($a.plate_region = 'CA' OR $a.plate_region IS NULL)" }, sub { "$a.plate_region = " . value('text', 'NULL') },
		sub { compared("$a.recent", '>=', $month) }, sub { compared("NOT $a.recent", '<', $month) }, sub { compared("$a.recent = " . value('bool', $true), $true eq 'true' ? '>=' : '<', $month) }, sub { "($a.recent OR $a.plate_region = 'CA')" },
		sub { my $text = "($a.recent OR " . value('bool', $unless) . ')'; $unless eq 'true' ? $text : compared($text, '>=', $month) }, sub { compared("$a.recent IS NOT FALSE", '>=', $month) },
		sub { "$a.source = " . value('text', "'$source'") }, sub { "$a.source IN ('$source', 'acme')" }, sub { "$a.source <> '$source'" }, sub { "$a.source = ANY (" . value('text[]', "'{$source," . pick(@sources) . "}'") . ')' },
		sub { "($a.source = '$source' OR $a.make IS NULL)" }, sub { "$a.source LIKE '%e'" }, sub { "$a.source = (SELECT '$source'::text)" },
		sub { "$a.confidence > 0.8" }, sub { "($a.confidence > 0.8) IS NOT FALSE" }, sub { "$a.confidence IS NULL" },
		sub { "$a.make = 'TOYOTA'" }, sub { "$a.make = 'TOYOTA' AND $a.model = " . value('text', "'CAMRY'") }, sub { "$a.model IN ('CAMRY', 'F-150')" }, sub { "$a.color = 'SILVER'" }, sub { "$a.make IS NULL" },
		sub { "($a.make = 'FORD' OR $a.make IS NULL)" }, sub { "CASE WHEN $a.make = 'FORD' THEN $a.recent ELSE $a.confidence > 0.75 END" },
		sub { "$a.address ILIKE '%" . pick('plaza', 'CA', ', tx', 'I-5') . "%'" }, sub { "$a.address NOT ILIKE '%plaza%'" }, sub { "$a.address LIKE '%a%'" }, sub { "$a.address = '1 Camino de la Plaza, San Ysidro'" },
		sub { "lpr.distance_m($a.latitude, $a.longitude, $lat, $lon) " . pick('<=', '<', '>') . ' ' . pick(900, 30000, 400000) }, sub { "400000 >= lpr.distance_m($a.latitude, $a.longitude, $lat, $lon)" },
		sub { "(" . value('float8', pick('NULL', $lat)) . " IS NULL OR lpr.distance_m($a.latitude, $a.longitude, $lat, $lon) <= 30000)" },
		sub { "$a.camera_id IN (SELECT camera_id FROM loc.reads_l)" }, sub { "EXISTS (SELECT FROM loc.watch x WHERE x.region = $a.plate_region AND x.ord < 6)" }, sub { "$a.latitude BETWEEN 30 AND 40" })->();
}

# Conditions of one scan asked by plate.
sub where { my ($a) = @_; $group++; return join ' AND ', shuffle(plates_condition($a), (map { window($a) } 1 .. rand 2.2), map { narrow($a) } 1 .. rand 2.5) }

# An argument of a search.
sub given
{
	my ($name, $operator, $literal) = @_;
	my $text = "$name => " . ($name eq 'since' ? value('timestamptz', $literal) : $literal);
	return $literal eq 'NULL' ? $text : compared($text, $operator, "$literal\::timestamptz");
}

sub ranges { my ($a) = @_; return join ' AND ', 'true', (chance(0.5) ? window($a) : ()), (chance(0.5) ? narrow($a) : ()) }

my $row = join ', ', map { "r.$_" } qw(source read_id plate plate_as_read plate_region country captured_at recent latitude longitude address camera_id camera_owner camera_type
	make model color confidence event_id from_cache expires_at);
sub some_columns { return chance(0.3) ? $row : join ', ', 'r.read_id', map { "r.$_" } grep { chance(0.3) } qw(plate plate_as_read plate_region captured_at recent latitude address camera_id make color confidence source place_certainty caveat has_images) }

my %wheres = (
	P => \&where,
	L => sub { my ($a) = @_; $group++; join ' AND ', shuffle(wide($a), (chance(0.7) ? narrow($a) : ()), (chance(0.4) ? window($a) : ()), pick(
		sub { "lpr.distance_m($a.latitude, $a.longitude, " . value('float8', $lat) . ", $lon) <= " . value('float8', pick(300, 2000, 4000)) }, sub { "lpr.distance_m($a.latitude, $a.longitude, $lat, $lon) < 3000" },
		sub { "1500 >= lpr.distance_m($a.latitude, $a.longitude, $lat, $lon)" }, sub { "$a.address ILIKE " . value('text', "'%\L$street\E%'") }, sub { "$a.address ILIKE '%$street, San%'" })->()) },
	V => sub { my ($a) = @_; $group++; join ' AND ', shuffle(wide($a), (chance(0.7) ? (grep { !/make|model/ } map { narrow($a) } 1 .. 4)[0] // 'true' : ()), "$a.make = " . value('text', quoted(pick(@makes))), (chance(0.3) ? "$a.model = 'MODEL 3'" : ()), "lpr.distance_m($a.latitude, $a.longitude, $lat, $lon) <= " . pick(2000, 25000)) });
sub wide { my ($a) = @_; my $ago = "now() - interval '" . pick(149, 100, 20) . " days'"; return compared("$a.captured_at >= $ago", '>=', $ago) }

# Each shape makes { sql => …, cut => [ limit, offset ] of queries whose end is up to chance, keys => columns at the front that are in order }.
my %shapes = (
	plain => [ 6, sub { my $k = pick(qw(P P P L V)); return { sql => 'SELECT ' . some_columns() . " FROM {$k} r WHERE " . $wheres{$k}->('r') } } ],
	ordered => [ 6, sub {
		my $k = pick(qw(P P P L V));
		my $keys = pick([ 'r.captured_at' ], [ 'r.captured_at' ], [ 'r.captured_at' ], [ 'r.captured_at', 'r.source' ], [ 'r.plate', 'r.captured_at' ], [ 'r.recent', 'r.captured_at' ], [ "date_trunc('day', r.captured_at)" ], [ 'r.confidence' ]);
		my ($n, $m) = (pick(0, 1, 2, 5, 17, 100), pick(0, 0, 1, 10));
		my $sql = 'SELECT ' . join(', ', @$keys) . ', ' . some_columns() . " FROM {$k} r WHERE " . $wheres{$k}->('r') . ' ORDER BY ' . join(', ', map { $_ . pick('', ' DESC', ' DESC', ' ASC NULLS FIRST', ' DESC NULLS LAST') } @$keys);
		my $ties = chance(0.2) ? " OFFSET $m FETCH FIRST $n ROWS WITH TIES" : '';
		$ties = '' if $m;
		return { sql => "$sql$ties", keys => scalar @$keys, !$ties && chance(0.5) ? (cut => [ $n, $m ]) : () } } ],
	unique => [ 4, sub {
		my $d = pick('', ' DESC');
		return { sql => "SELECT r.captured_at, r.source, r.read_id, r.matched_how IS NULL FROM {P} r WHERE " . where('r') . " ORDER BY r.captured_at$d, r.source, r.read_id" . (chance(0.6) ? ' LIMIT ' . value('bigint', pick(0, 1, 7, 40)) . (chance(0.5) ? ' OFFSET ' . pick(1, 12) : '') : ''), keys => 3 } } ],
	event => [ 2, sub { return { event => 4711, sql => "SELECT $row FROM {P} r WHERE " . where('r') . ' AND r.event_id = ' . value('bigint', 4711) . pick('', ' AND r.event_id IN (4711, 5)', ' AND (r.event_id = 4711 OR r.recent)', " AND r.event_id = 4711::int") } } ],
	matched => [ 1, sub { my $region = pick('CA', 'NV', ''); return { region => $region, sql => 'SELECT r.read_id, r.matched_how FROM {P} r WHERE ' . plates_condition('r') . ' AND ' . window('r') . ($region && " AND (r.plate_region = '$region' OR r.plate_region IS NULL)") } } ],
	grouped => [ 4, sub {
		my $k = pick(qw(P P L V));
		my @by = map { "r.$_" } (shuffle(qw(plate source recent plate_region make camera_id captured_at)))[ 0 .. rand 3 ];
		return { sql => 'SELECT ' . join(', ', @by) . ", count(*), count(r.confidence), min(r.captured_at), max(r.captured_at), count(DISTINCT r.camera_id), string_agg(r.read_id, ',' ORDER BY r.captured_at DESC, r.read_id) FILTER (WHERE r.recent) FROM {$k} r WHERE "
			. $wheres{$k}->('r') . ' GROUP BY ' . pick(join(', ', @by), 'GROUPING SETS ((' . join(', ', @by) . "), ($by[0]), ())", 'ROLLUP (' . join(', ', @by) . ')') . pick('', '', ' HAVING count(*) > 3') } } ],
	totals => [ 2, sub { return { sql => pick('SELECT count(*)', 'SELECT max(r.captured_at)', 'SELECT min(r.captured_at), max(r.captured_at)', 'SELECT count(DISTINCT r.plate), bool_or(r.recent)', 'SELECT max(r.captured_at) FILTER (WHERE r.recent)') . ' FROM {P} r WHERE ' . where('r') } } ],
	distinct => [ 2, sub { return chance(0.5) ? { sql => 'SELECT DISTINCT r.plate, r.recent, r.source, r.make FROM {P} r WHERE ' . where('r') }
		: { sql => 'SELECT DISTINCT ON (r.source, r.plate) r.source, r.plate, r.captured_at, r.read_id FROM {P} r WHERE ' . where('r') . ' ORDER BY r.source, r.plate, r.captured_at DESC, r.read_id', keys => 3 } } ],
	windowed => [ 2, sub { return { sql => 'SELECT r.read_id, r.captured_at - lag(r.captured_at) OVER w, row_number() OVER w, count(*) OVER (PARTITION BY r.plate), rank() OVER (ORDER BY r.captured_at' . pick('', ' DESC') . ') FROM {P} r WHERE ' . where('r') . ' WINDOW w AS (PARTITION BY r.source ORDER BY r.captured_at, r.read_id)' } } ],
	sets => [ 3, sub { my $c = pick('r.plate, r.captured_at', 'r.read_id', 'r.camera_id, r.recent', 'r.captured_at'); return { sql => join(' ' . pick('UNION', 'UNION ALL', 'INTERSECT', 'INTERSECT ALL', 'EXCEPT', 'EXCEPT ALL') . ' ', map { "(SELECT $c FROM {P} r WHERE " . where('r') . ')' } 1 .. 2 + rand 2) . pick('', ' ORDER BY 1') } } ],
	merged => [ 1, sub { return { sql => 'SELECT * FROM (' . join(' UNION ALL ', map { my $k = pick(qw(P P L)); "SELECT r.captured_at, r.read_id FROM {$k} r WHERE " . $wheres{$k}->('r') } 1, 2) . ') q ORDER BY captured_at DESC', keys => 1, chance(0.5) ? (cut => [ 20, 0 ]) : () } } ],
	join => [ 8, sub {
		my $since = ' FROM loc.watch WHERE since IS NOT NULL';
		my $on = 'r.plate = ' . pick('w.plate', 'w.plate', 'w.plate', "coalesce(w.plate, 'BULK7')", 'upper(w.plate)', 'lpr.normal_plate(w.plate)') . pick('', '', compared(' AND r.captured_at >= w.since', '>=', 'since', $since), ' AND (r.plate_region = w.region OR r.plate_region IS NULL)', ' AND r.plate_region = w.region', ' AND w.ord < 7', asks(' AND r.captured_at BETWEEN w.since AND w.since + interval \'300 days\'', 'since', "since + interval '300 days'", $since));
		compared('r.captured_at > x.since', '>', 'since', $since);
		my $more = ranges('r');
		my $w = pick('loc.watch', 'loc.watch', 'loc.plates_of', '(SELECT * FROM loc.watch ORDER BY ord DESC LIMIT 5)', '(SELECT * FROM loc.watch WHERE ord > 6)') =~ s/loc\.plates_of/(SELECT max(ord) AS ord, plate, max(region) AS region, max(since) AS since FROM loc.watch GROUP BY plate)/r;
		return { sql => pick(
			"SELECT w.ord, $row FROM $w w JOIN {P} r ON $on WHERE $more", "SELECT w.ord, r.read_id, r.captured_at FROM {P} r, $w w WHERE $on AND $more", "SELECT r.captured_at, w.ord, r.read_id FROM $w w JOIN {P} r ON $on WHERE $more ORDER BY r.captured_at DESC, 2, 3 LIMIT 30",
			"SELECT w.ord, r.read_id, r.captured_at FROM $w w LEFT JOIN {P} r ON $on AND $more", "SELECT w.ord, r.read_id FROM $w w LEFT JOIN {P} r ON $on WHERE $more", "SELECT w.ord, r.read_id FROM {P} r RIGHT JOIN $w w ON $on AND $more",
			"SELECT w.ord FROM $w w WHERE EXISTS (SELECT FROM {P} r WHERE $on AND $more)", "SELECT w.ord FROM $w w WHERE NOT EXISTS (SELECT FROM {P} r WHERE $on AND $more)",
			"SELECT w.ord, q.* FROM $w w, LATERAL (SELECT r.read_id, r.captured_at FROM {P} r WHERE $on AND $more ORDER BY r.captured_at DESC, r.source, r.read_id LIMIT 2) q", "SELECT w.ord, q.* FROM $w w LEFT JOIN LATERAL (SELECT count(*), max(r.captured_at) FROM {P} r WHERE $on AND $more) q ON true",
			"SELECT w.ord, (SELECT count(*) FROM {P} r WHERE $on AND $more) FROM $w w", "SELECT w.ord, q.read_id FROM $w w CROSS JOIN LATERAL {F}.search_plate(w.plate, w.region, w.since) q", "SELECT w.ord, q.n FROM $w w LEFT JOIN (SELECT plate, count(*) AS n FROM {P} r WHERE " . where('r') . ' GROUP BY plate) q USING (plate)',
			"SELECT w.ord, r.read_id, x.ord FROM $w w JOIN {P} r ON $on JOIN loc.watch x ON x.region = r.plate_region WHERE $more", "SELECT w.place, r.source, count(*) FROM $w w JOIN {P} r ON $on WHERE $more GROUP BY 1, 2" =~ s/w\.place/w.ord % 3/r,
			"SELECT x.ord, q.* FROM loc.watch x LEFT JOIN LATERAL (SELECT w.ord AS o, r.read_id FROM $w w JOIN {P} r ON $on WHERE w.ord <= x.ord AND $more) q ON true WHERE x.ord BETWEEN 2 AND 4", "SELECT x.ord, q.* FROM loc.watch x, LATERAL (SELECT w.ord AS o, r.read_id FROM $w w JOIN {P} r ON $on AND r.captured_at > x.since WHERE w.ord > x.ord OFFSET 0) q WHERE x.ord BETWEEN 5 AND 7") } } ],
	cases => [ 2, sub { my $more = ranges('r'); return { byevent => 1, sql => pick("SELECT w.ord, r.event_id, r.read_id FROM loc.watch w JOIN {P} r ON r.plate = w.plate AND r.event_id = w.ord WHERE $more", "SELECT w.ord, r.read_id FROM loc.watch w LEFT JOIN {P} r ON r.event_id = w.ord AND r.plate = w.plate AND $more",
		"SELECT w.ord, r.read_id FROM loc.watch w, {P} r WHERE r.event_id = w.ord AND w.ord > 7 AND r.plate = '" . plate() . "' AND $more", "SELECT w.ord, x.ord, r.read_id FROM loc.watch w JOIN {P} r ON r.plate = w.plate JOIN loc.watch x ON x.ord = r.event_id WHERE x.ord < 3 AND $more",
		"SELECT w.ord, (SELECT count(*) FROM {P} r WHERE r.plate = w.plate AND r.event_id = w.ord AND $more) FROM loc.watch w") } } ],
	in => [ 3, sub { return { sql => "SELECT $row FROM {P} r WHERE " . pick('r.plate IN (SELECT plate FROM loc.watch WHERE ord ' . pick('< 4', '> 7', '% 2 = 0', '> 99') . ')', "EXISTS (SELECT FROM loc.watch w WHERE w.plate = r.plate AND w.region = 'CA')", "r.plate = ANY (SELECT plate FROM loc.plates)", "r.plate IN (SELECT unnest(ARRAY[" . quoted(plate(), plate(), plate()) . "]))",
		"(r.plate, coalesce(r.plate_region, 'CA')) IN (SELECT plate, region FROM loc.watch)", where('r') . ' AND r.plate NOT IN (SELECT plate FROM loc.watch WHERE ord < 3)') . ' AND ' . ranges('r') } } ],
	unnest => [ 1, sub { return { sql => 'SELECT p, n, r.read_id FROM unnest(' . value('text[]', "'{" . join(',', map { plate() } 1 .. 4) . "}'") . ') WITH ORDINALITY AS u (p, n) ' . pick('JOIN', 'LEFT JOIN') . ' {P} r ON r.plate = u.p AND ' . ranges('r') } } ],
	self => [ 4, sub {
		my $on = pick('a.source = b.source AND a.plate = b.plate', 'a.plate = b.plate AND b.captured_at > a.captured_at', 'a.source = b.source AND a.camera_id = b.camera_id AND b.plate = a.plate', 'a.plate = b.plate AND a.source <> b.source', "a.source = b.source AND a.captured_at = b.captured_at");
		my ($one, $two) = (pick("a.plate IN ('BULK7', 'QQQQ0000')", "a.plate = '7A8C123' AND a.captured_at >= now() - interval '60 days'") . ' AND ' . ranges('a'), pick('true', "b.plate = 'BULK7'", 'b.recent', window('b')));
		$two = "b.plate = 'BULK7' AND $two" if $on !~ /plate/;
		compared("a.captured_at >= now() - interval '60 days'", '>=', "now() - interval '60 days'");
		compared('b.captured_at > a.captured_at', '>', 'captured_at', ' FROM loc.reads_p');
		compared('a.captured_at = b.captured_at', '=', 'captured_at', ' FROM loc.reads_p');
		return { sql => pick("SELECT a.read_id, b.read_id FROM {P} a JOIN {P} b ON $on WHERE $one AND $two", "SELECT a.read_id, b.read_id FROM {P} a LEFT JOIN {P} b ON $on AND $two WHERE $one", "SELECT a.read_id FROM {P} a WHERE $one AND EXISTS (SELECT FROM {P} b WHERE $on AND $two)",
			"SELECT a.read_id FROM {P} a WHERE $one AND NOT EXISTS (SELECT FROM {P} b WHERE $on AND $two)", "SELECT a.source, count(*), max(b.captured_at) FROM {P} a JOIN {P} b ON $on WHERE $one AND $two GROUP BY 1", "SELECT a.read_id, (SELECT count(*) FROM {P} b WHERE $on AND $two) FROM {P} a WHERE $one") } } ],
	places => [ 1, sub {
		asks("p.captured_at BETWEEN l.captured_at - interval '1 day' AND l.captured_at", "captured_at - interval '1 day'", 'captured_at', ' FROM loc.reads_l');
		return { material => 1, sql => 'SELECT l.plate, l.captured_at, p.source, p.captured_at FROM {L} l JOIN {P} p ON p.captured_at BETWEEN l.captured_at - interval \'1 day\' AND l.captured_at AND p.plate = ' . pick("'7ABC123'", "(SELECT min(plate) FROM loc.watch)") . ' WHERE ' . $wheres{L}->('l') . " AND l.captured_at >= now() - interval '6 days'" } } ],
	cte => [ 3, sub { my $m = pick('', 'MATERIALIZED', 'NOT MATERIALIZED'); return { sql => "WITH q AS $m (SELECT * FROM (SELECT $row FROM {P} r WHERE " . where('r') . ') z) ' . pick('SELECT * FROM q WHERE ' . ranges('q'), 'SELECT a.read_id, b.n FROM q a JOIN (SELECT source, count(*) AS n FROM q GROUP BY source) b USING (source)', 'SELECT count(*) FROM q a WHERE captured_at = (SELECT max(captured_at) FROM q)',
		'SELECT captured_at FROM q ORDER BY 1 DESC LIMIT 5', 'SELECT read_id FROM q EXCEPT SELECT read_id FROM q WHERE recent') } } ],
	search => [ 6, sub {
		my @arguments = (chance(0.6) ? 'region => ' . value('text', pick("'CA'", "'NV'", 'NULL')) : (), 
			chance(0.4) ? given('since', '>=', pick('NULL', "'" . moment() . "'")) : (), chance(0.3) ? given('until', '<=', "'" . moment() . "'") : (),
			chance(0.3) ? 'look_alikes => ' . value('bool', pick('true', 'false')) : (), chance(0.3) ? 'other_regions => ' . value('bool', pick('true', 'false', 'NULL')) : ());
		my $event = chance(0.2);
		my $call = '{F}.search_plate(' . join(', ', value('text', pick("'7ABC123'", "'7abc 123'", quoted(plate()))), @arguments, $event ? 'event_id => 4711' : ()) . ')';
		return { $event ? (event => 4711) : (), sql => pick("SELECT captured_at, source, read_id, plate, matched_how, event_id FROM $call", "SELECT captured_at, matched_how, read_id FROM $call r WHERE " . ranges('r'), "SELECT max(captured_at), matched_how FROM $call GROUP BY 2 ORDER BY 1 DESC",
			"SELECT captured_at, source, read_id FROM $call ORDER BY 1 DESC, 2, 3 LIMIT 9", "SELECT count(*) FROM $call r JOIN loc.watch w USING (plate)") } } ],
	searches => [ 3, sub {
		my $ago = "now() - interval '" . pick(140, 30, 3) . " days'";
		my $since = compared("since => $ago", '>=', $ago);
		compared("until => now() - interval '2 days'", '<=', "now() - interval '2 days'");
		return { sql => 'SELECT captured_at, source, read_id FROM ' . pick("{F}.search_location($lat, $lon, " . value('float8', pick(500, 2500)) . ", $since)", "{F}.search_location(address => " . value('text', quoted($street)) . ", $since)", "{F}.search_location($lat, $lon, 3000, '$street', $since)",
			"{F}.search_vehicle(" . value('text', "'tesla'") . ", NULL, NULL, $lat, $lon, 25000, $since)", "{F}.search_vehicle('Tesla', 'model 3', " . value('text', pick("'red'", 'NULL')) . ", $lat, $lon, 5000, $since)", "{F}.search_vehicle('KIA', NULL, NULL, $lat, $lon, 25000, $since, until => now() - interval '2 days')") . ' r WHERE ' . ranges('r') } } ],
	mixed => [ 1, sub { return { sql => "SELECT $row FROM {P} r WHERE (" . value('text', pick('NULL', "'7ABC123'")) . " IS NULL OR r.plate = '7ABC123') AND " . where('r') . ' ORDER BY r.captured_at' } } ],
	cursor => [ 1, sub { return { cursor => 1, sql => 'SELECT r.captured_at, r.source, r.read_id FROM {P} r WHERE ' . where('r') . ' ORDER BY r.captured_at DESC, 2, 3' } } ],
	anchorless => [ 1, sub { return { state => 'LP001', sql => 'SELECT count(*) FROM {P} r WHERE ' . pick("r.plate LIKE '7AB%'", 'r.recent', "r.plate <> '7ABC123'", "r.source = 'acme'", "lower(r.plate) = '7abc123'", "(r.plate = '7ABC123' OR r.recent)", "r.plate_region = 'CA'", "NOT (r.plate = '7ABC123')", "r.plate = r.plate_as_read", 'true') } } ]);
my @weighted = map { ($_) x $shapes{$_}[0] } sort keys %shapes;

# ---- the queries ----

sub setting
{
	return map { "SET $_;" } (map { chance(0.12) ? "enable_$_ = off" : () } qw(nestloop hashjoin mergejoin material memoize sort hashagg incremental_sort bitmapscan)),
		(chance(0.3) ? 'enable_partitionwise_join = on' : ()), (chance(0.3) ? 'enable_partitionwise_aggregate = on' : ()), 'plan_cache_mode = ' . pick(qw(force_generic_plan force_custom_plan auto)),
		(chance(0.5) ? "TimeZone = '" . pick('America/New_York', 'Asia/Tokyo', 'Pacific/Kiritimati', 'UTC') . "'" : ()), (chance(0.1) ? 'join_collapse_limit = 1' : ()), (chance(0.2) ? 'cursor_tuple_fraction = 1' : ());
}

my @queries;
for my $n (1 .. $wanted)
{
	$prepared = chance(0.35) ? [] : undef;
	my $shape = pick(@weighted);
	($group, @times) = (0);
	my $query = $shapes{$shape}[1]->();
	# What was thrown away asks for nothing. But for unions, all conditions may meet in one scan.
	my @asked = map { { %$_, group => $shape =~ /^(?:sets|merged)$/ ? $_->{group} : 0 } } grep { index($query->{sql}, $_->{text}) >= 0 } @times;
	my @settings = setting();

	@settings = grep { !/material/ } @settings if $query->{material}; # a nested loop would ask thousands of times
	push @settings, "SET loc.event = '" . ($query->{event} // 1) . "'; SET loc.region = '" . ($query->{region} // '') . "';";
	push @queries, { %$query, times => \@asked, n => $n, shape => $shape, settings => \@settings, prepared => $prepared };
}

# The statements of a query: at the vendors, or over the copy (whole, if its end is up to chance).
sub statements
{
	my ($query, $local) = @_;
	my $sql = $query->{sql};

	$sql =~ s/\{([PLV])\}/$local ? "loc.reads_\l$1" : 'lpr.reads'/ge;
	$sql =~ s/\br\.event_id = w\.ord\b( AND)?/$1 ? '' : 'true'/ge, $sql =~ s/\br\.event_id\b/w.ord/, $sql =~ s/ON x\.ord = w\.ord/ON true/ if $local && $query->{byevent};
	$sql =~ s/\{F\}/$local ? 'loc' : 'lpr'/ge;
	$sql .= " LIMIT $query->{cut}[0] OFFSET $query->{cut}[1]" if $query->{cut} && !$local;
	my ($begin, $end) = ('', '');
	my @given = @{ $query->{prepared} // [] };
	if (@given)
	{
		$begin = 'PREPARE q (' . join(', ', map { $_->[0] } @given) . ") AS $sql;\n";
		$sql = 'EXECUTE q (' . join(', ', map { $_->[1] } @given) . ')';
		$end = "\nDEALLOCATE q;";
	}
	elsif ($query->{cursor})
	{
		($begin, $end) = ("BEGIN; DECLARE c CURSOR FOR $sql;\nFETCH 3 c;\nFETCH 0 c; MOVE 2 c;\nFETCH 7 c;\n", "\nCOMMIT;");
		$sql = 'FETCH ALL c';
	}
	return "$begin$sql;$end";
}

# Rows of each query by each side, their SQLSTATEs, and the requests: as analyst1, 50 queries a session.
my (%rows, %state, %requests);
while (my @some = splice @queries, 0, $chunk)
{
	my @options;
	for my $server (@sources)
	{
		my %option = (page_size => pick(3, 7, 50, 200, 1000), order => pick(qw(vendor vendor here)), parallel => pick(1 .. 4));
		push @options, map { "ALTER SERVER $server OPTIONS (" . ($node->{set}{$server}{$_}++ ? 'SET' : 'ADD') . " \"$_\" '$option{$_}');" } sort keys %option;
	}
	$node->safe_psql('lpr', join "\n", @options);
	my $script = "\\set VERBOSITY verbose\n";
	for my $query (@some)
	{
		next if $ENV{LPR_ONLY} && $ENV{LPR_ONLY} != $query->{n};
		$script .= join("\n", "SET statement_timeout = '" . LprTest::limit() . "s';", @{ $query->{settings} }) . "\n";
		for my $side (qw(r l))
		{
			$script .= "\\echo =$side $query->{n}\n\\warn =$side $query->{n}\n" . statements($query, $side eq 'l') . "\n\\echo =x\n\\warn =x\n" . ($query->{prepared} ? "DEALLOCATE ALL;\n" : '') . ($query->{cursor} ? "ROLLBACK;\n" : '');
			$script .= "\\echo =q $query->{n}\nSELECT sum(requests) FROM lpr.last_query();\n" if $side eq 'r';
		}
		$script .= "RESET ALL;\n";
	}
	my ($out, $err) = ($node->ask('analyst1', $script, psql => { on_error_stop => 0, timeout => LprTest::limit(10) }))[ 1, 2 ];
	my $at;
	for (split /\n/, $out)
	{
		if (/^=(\w) ?(\d*)$/) { $at = "$1$2"; $rows{$at} //= [] }
		else { push @{ $rows{$at} }, $_ }
	}
	for (split /\n/, $err)
	{
		if (/^=(\w) ?(\d*)$/) { $at = "$1$2" }
		elsif (/(?:ERROR|FATAL|PANIC):  (\w{5}): (.*)/) { $state{$at} //= $1; $state{"$at text"} //= $2 }
		elsif (/server closed|connection to server/) { $state{$at} //= 'crash' }
		elsif (/WARNING:  (\w{5}): (.*)/) { $state{$at} //= "warning $1"; $state{"$at text"} //= $2 }
	}
	if ($ENV{LPR_ONLY}) { note $script, $out, $err if $script =~ /=r/ }
	push @{ $node->{done} }, @some;
}

# Whether the times that a query asks for leave nothing, in some scan of it; nothing of lpr's is asked.
sub asks_for_no_time
{
	my ($query) = @_;
	my %of_scan;

	push @{ $of_scan{ $_->{group} } }, $_->{each} for @{ $query->{times} };
	for my $each (values %of_scan)
	{
		my @all = (@$each, "SELECT '-infinity'::timestamptz, now() + interval '5 minutes'");
		my $limits = sub { my ($column) = @_; join ', ', map { "t$_.$column" } 0 .. $#all };
		return 1 if $node->safe_psql('lpr', join("\n", (grep { /TimeZone/ } @{ $query->{settings} }), 'SELECT coalesce(bool_or(greatest(' . $limits->('f') . ') > least(' . $limits->('u') . ')), false) FROM '
			. join(', ', map { "($all[$_]) AS t$_ (f, u)" } 0 .. $#all) . ';')) eq 't';
	}
	return 0;
}

# Whether a search is asked for each row of a list that has one without a plate.
sub asks_for_no_plate
{
	my ($query) = @_;
	return $query->{sql} =~ /FROM (.*) w CROSS JOIN LATERAL \{F\}\.search_plate\(w\.plate\b/ && $node->safe_psql('lpr', "SELECT count(*) FROM $1 AS w WHERE w.plate IS NULL") > 0;
}

# What is wrong with the answer to a query, or ''.
sub verdict
{
	my ($query) = @_;
	my ($n, $keys) = ($query->{n}, $query->{keys} // 0);
	my ($got, $expected) = @rows{ "r$n", "l$n" };
	my ($state, $theirs) = map { $state{$_} // '' } "r$n", "l$n";
	my (%more, @less);

	return '' if $state =~ /^LP00[2-9]/ && $query->{sql} =~ /\{[LV]\}|search_[lv]/ && (!@{ $expected // [1] } || $query->{sql} =~ /\.source/); # none of the sources can
	# A time that is empty, and a search of NULL, are errors; over the copy nobody looks at the time.
	return asks_for_no_time($query) ? '' : 'LP015 of a time that is not empty: ' . $state{"r$n text"} if $state eq 'LP015' && $theirs ne 'LP015';
	return '' if $state eq 'LP001' && !$query->{state} && asks_for_no_plate($query);
	return $state eq $query->{state} ? '' : "SQLSTATE $state instead of $query->{state}" if $query->{state};
	return "never ran" unless $got && $expected;
	return $theirs =~ /^(?:42|crash)/ ? "the test is at fault: $state{\"l$n text\"}" : '' if $theirs && $state eq $theirs;
	return "SQLSTATE '$state', not '$theirs': " . ($state{"r$n text"} // $state{"l$n text"} // '') if $state ne $theirs;
	my @whole = @$expected;
	if ($query->{cut})
	{
		my ($limit, $offset) = @{ $query->{cut} };
		@whole = @whole[ min($offset, scalar @whole) .. min($offset + $limit, scalar @whole) - 1 ];
		return scalar(@$got) . ' rows, not ' . @whole if @$got != @whole;
	}
	for my $i (0 .. ($keys ? $#whole : -1))
	{
		my ($a, $b) = map { join '|', (split /\|/, $_ // '')[ 0 .. $keys - 1 ] } $got->[$i], $whole[$i];
		no warnings 'uninitialized';
		return "row $i: $a, not $b" if $a ne $b;
	}
	$more{$_}++ for @$got;
	for (@$expected) { if (($more{$_} // 0) > 0) { $more{$_}-- } else { push @less, $_ } }
	my @more = map { ($_) x $more{$_} } sort keys %more;
	return '' if !@more && (!@less || $query->{cut});
	return @$got . ' rows, not ' . @$expected . '; ' . join '; ', map { my ($word, $list) = @$_; @$list ? @$list . " $word: $list->[0]" : () } [ 'too many', \@more ], [ 'missing', \@less ];
}

my (@wrong, %bad, $full);
for my $query (grep { !$ENV{LPR_ONLY} || $ENV{LPR_ONLY} == $_->{n} } @{ $node->{done} })
{
	my $verdict = verdict($query);
	$full++ if @{ $rows{"l$query->{n}"} // [] } > 1;
	$requests{ $query->{n} } = $rows{"q$query->{n}"}[0] || 0;
	next if $verdict eq '';
	$bad{ $query->{shape} }++;
	push @wrong, "#$query->{n} $query->{shape}: $verdict\n@{ $query->{settings} }\n" . statements($query, 0);
}
is(join("\n\n", @wrong), '', "$wanted queries (LPR_SEED=$seed) bring what they bring over a local table");
cmp_ok($full, '>', $wanted / 4, "… $full of them have several rows") unless $ENV{LPR_ONLY};
my ($worst) = sort { $requests{ $b->{n} } <=> $requests{ $a->{n} } } @{ $node->{done} };
note join ', ', map { my $code = $_; "$code: " . grep { ($state{"r$_->{n}"} // '') eq $code } @{ $node->{done} } } qw(LP001 LP015);
note "most requests: $requests{$worst->{n}}, for\n@{ $worst->{settings} }\n" . statements($worst, 0);
done_testing();
