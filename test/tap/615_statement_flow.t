# statement_flow: nothing that a question showed flows into a verb that writes in the same statement, nor the other way round (E2, C2, U1): not into a table of ours, not
# into the log. Honest work is not in the way of it.
use strict;
use warnings;
use LprAudit;
use IO::Socket::UNIX;
use Test::More;

my $node = LprTest->start_staged('statement_flow', cache => 1);
$node->await_answers;
my $where = "source = 'acme' AND plate = 'BULK7'";
my $read = "SELECT read_id FROM lpr.reads WHERE $where";
my $quoted = $read =~ s/'/''/gr;
my $one = "(SELECT min(read_id) FROM lpr.reads WHERE $where)";
my $words = 'These vehicles were seen at the bridge on that day: ';
my $only = "kind IN ('refused', 'ask', 'change')";

my ($session) = $node->session('analyst1');
my @ids = split /\n/, ($node->converse($session, $read))[0];
is(scalar @ids, 7, 'an answer');
my $why = 'Seen at the safe house on each day of a delivery, by the camera across the street.';
is(($node->converse($session, "SELECT lpr.save(1, 'acme', '{$ids[0]}', '$why', 'illicit_activity')"))[0], 1, 'one read is saved');
my $saved = ($node->converse($session, 'SELECT saved_id FROM lpr.event_reads(1)'))[0];

sub open_event { my ($reason, $title) = @_; $title //= "'Matter of the flow'"; return "lpr.open_event($title, 'contraband', 'title_19', 'SD-2026-9999', $reason)" }

# What administrators of a site may have made, in good faith: functions that call verbs, and some that ask.
$node->answer('postgres', <<"END");
SET client_min_messages = warning;
CREATE SCHEMA site; GRANT USAGE ON SCHEMA site TO PUBLIC;
CREATE FUNCTION site.ask() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN RETURN (SELECT min(read_id) FROM lpr.reads WHERE $where); END \$\$;
CREATE FUNCTION site.ask_immutable() RETURNS text LANGUAGE plpgsql IMMUTABLE AS \$\$ BEGIN RETURN site.ask(); END \$\$;
CREATE FUNCTION site.verb(said text) RETURNS bigint LANGUAGE sql AS \$\$ SELECT ${\open_event(q{said})} \$\$;
CREATE FUNCTION site.verb_plpgsql(said text) RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE n bigint; BEGIN n := ${\open_event(q{said})}; RETURN n; END \$\$;
CREATE FUNCTION site.variable() RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN SELECT min(read_id) INTO v FROM lpr.reads WHERE $where; RETURN ${\open_event(qq{'$words' || v})}; END \$\$;
CREATE FUNCTION site.in_a_loop() RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE r record; BEGIN FOR r IN $read LOOP PERFORM ${\open_event(qq{'$words' || r.read_id})}; END LOOP; RETURN 1; END \$\$;
CREATE FUNCTION site.two_calls() RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE v text := site.ask(); BEGIN RETURN site.verb_plpgsql('$words' || v); END \$\$;
CREATE FUNCTION site.caught() RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN BEGIN v := site.ask(); EXCEPTION WHEN division_by_zero THEN NULL; END; RETURN site.verb('$words' || v); END \$\$;
CREATE FUNCTION site.dynamic(said text) RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE n bigint; BEGIN EXECUTE format('SELECT site.verb(%L)', said) INTO n; RETURN n; END \$\$;
CREATE FUNCTION site.verb_first() RETURNS text LANGUAGE plpgsql AS \$\$ BEGIN PERFORM ${\open_event(qq{'$words of the first part'})}; RETURN site.ask(); END \$\$;
CREATE PROCEDURE site.procedure() LANGUAGE plpgsql AS \$\$ DECLARE v text := site.ask(); BEGIN COMMIT; PERFORM site.verb('$words' || v); END \$\$;
CREATE FUNCTION site.fetch(c refcursor) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN FETCH c INTO v; RETURN v; END \$\$;
CREATE FUNCTION site.policy(said text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN UPDATE lpr_data.purpose SET title = said WHERE purpose = 'suspect'; RETURN 1; END \$\$;
CREATE FUNCTION site.refuses(said text) RETURNS void LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT lpr_data.refuse('E2', 'LP043', said, 'x', 'x') \$\$;
CREATE FUNCTION site.notes(said text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT lpr_data.audit_record('flag', 'A1', NULL, said) \$\$;
CREATE FUNCTION site.passes(said text) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT lpr_data.pass_gate_to_write(1, said) \$\$;
CREATE FUNCTION site.mails(said text) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS \$\$ SELECT lpr_data.post('flow:1', (SELECT person_id FROM lpr_data.person WHERE login = 'analyst1'), 'request_waiting', jsonb_build_object('requester', said)) \$\$;
CREATE VIEW site.view AS SELECT ${\open_event(qq{'$words' || read_id})} FROM lpr.reads WHERE $where;
GRANT SELECT ON site.view TO analyst1;
CREATE TABLE site.jotted (x text); GRANT INSERT ON site.jotted TO analyst1;
CREATE FUNCTION site.jot() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM site.two_calls(); RETURN NULL; END \$\$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON site.jotted DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION site.jot();
END

my $state = sub { $node->answer('postgres', "SELECT concat_ws('|', (SELECT count(*) FROM lpr_data.event), (SELECT string_agg(title, ',' ORDER BY purpose) FROM lpr_data.purpose), (SELECT count(*) FROM lpr_data.mail), (SELECT count(*) FROM lpr_data.save),
	(SELECT count(*) FROM lpr_data.correction), (SELECT count(*) FROM lpr_data.access))") };
my $before = $state->();

# Refused with LP050 whatever the transaction does next, on record, and nothing changed.
sub refused
{
	my ($name, $sql, %given) = @_;
	my ($who, $login) = ($given{session} // $session, $given{login} // 'analyst1');

	$node->converse($who, 'ROLLBACK; DEALLOCATE ALL; RESET ALL');
	my $head = $node->head;
	like(($node->converse($who, $sql))[1], qr/ERROR: +LP050: .*\nDETAIL: .*\nHINT: /, "$name: LP050");
	$node->converse($who, 'ROLLBACK');
	return like($node->records_after($head, "kind = 'refused'"), qr/^refused $login(?: acme)? E2 LP050$/, '… is on record');
}

# ---- every verb that writes, whatever its parameters: whoever adds one need not think of it ----

my @verbs = split /\n/, $node->answer('postgres', <<'END');
SELECT format('lpr.%I(%s)', p.proname, (SELECT string_agg(CASE
	WHEN t.type IN ('text'::regtype, 'bigint'::regtype, 'jsonb'::regtype) AND t.n = first.n THEN format('%I => {%s}', p.proargnames[t.n], t.type::regtype)
	WHEN t.type = 'text[]'::regtype AND t.n = first.n THEN format('%I => {array}', p.proargnames[t.n])
	ELSE format('%I => NULL::%s', p.proargnames[t.n], t.type::regtype) END, ', ' ORDER BY t.n) FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n)))
FROM pg_proc AS p
LEFT JOIN LATERAL (SELECT t.n FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, n)
	WHERE t.type IN ('text'::regtype, 'bigint'::regtype, 'jsonb'::regtype, 'text[]'::regtype) ORDER BY t.type = 'text'::regtype DESC, t.n DESC LIMIT 1) AS first ON true
WHERE p.pronamespace = 'lpr'::regnamespace AND p.prokind = 'f' AND p.prosecdef AND p.provolatile = 'v' AND p.proname NOT IN ('event_reads', 'saved_proof', 'audit', 'audit_of_reference', 'export_audit', 'recorded_texts', 'unanswered')
ORDER BY p.oid
END
cmp_ok(scalar @verbs, '>=', 50, scalar(@verbs) . ' verbs');
# Others that are volatile are administrators' and no definer's: they write as who calls them, who is a superuser or owns servers, and cannot ask.
is($node->answer('postgres', "SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc AS p WHERE p.pronamespace = 'lpr'::regnamespace AND p.provolatile = 'v' AND NOT p.prosecdef AND p.proname NOT LIKE 'fdw\\_%'"),
	'add_source encrypt_secret harden last_query remove_source schedule_jobs store_secret unschedule_jobs', 'others that are volatile');
$node->answer('postgres', "DO \$\$ BEGIN EXECUTE (SELECT string_agg(format('GRANT EXECUTE ON FUNCTION %s TO lpr_user', p.oid::regprocedure), '; ') FROM pg_proc AS p WHERE p.pronamespace = 'lpr'::regnamespace); END \$\$");
for my $verb (@verbs)
{
	my %fed = (text => $one, bigint => "(SELECT count(*) FROM lpr.reads WHERE $where)", jsonb => "(SELECT jsonb_object_agg(read_id, read_id) FROM lpr.reads WHERE $where)", array => "ARRAY($read)");
	my $sql = $verb =~ s/\{(\w+)\}/$fed{$1}/r;
	my ($name) = $verb =~ /^(lpr\.\w+)/;

	refused($name, "SELECT * FROM $sql") if $sql ne $verb;
	refused("$name, in the list", "SELECT $sql, read_id FROM lpr.reads WHERE $where");
}

# ---- each shape of a statement ----

my %ways = (
	'a sub-select' => "SELECT ${\open_event(qq{'$words' || $one})}",
	'as the title' => "SELECT ${\open_event(qq{'Needed to find the driver of the grey van.'}, $one)}",
	'a CTE' => "WITH r AS MATERIALIZED ($read) SELECT ${\open_event(qq{'$words' || r.read_id})} FROM r",
	'LATERAL' => "SELECT e FROM lpr.reads AS r, LATERAL ${\open_event(qq{'$words' || r.read_id})} AS e WHERE $where",
	'an aggregate' => "SELECT ${\open_event(qq{'$words' || string_agg(plate || ' ' || camera_id || ' ' || captured_at, '; ')})} FROM lpr.search_plate('BULK7') WHERE source = 'acme'",
	'a view' => 'SELECT * FROM site.view',
	'a window' => "SELECT ${\open_event(qq{'$words' || first_value(read_id) OVER (ORDER BY captured_at)})} FROM lpr.reads WHERE $where",
	'a function that writes' => "SELECT site.verb('$words' || read_id) FROM lpr.reads WHERE $where",
	'… in PL/pgSQL' => "SELECT site.verb_plpgsql('$words' || read_id) FROM lpr.reads WHERE $where",
	'… once more in one transaction' => "BEGIN; SELECT site.verb_plpgsql('A courier of them drives a grey truck; its routes have to be found.'); SELECT site.verb_plpgsql('$words' || read_id) FROM lpr.reads WHERE $where",
	'… dynamic' => "SELECT site.dynamic('$words' || read_id) FROM lpr.reads WHERE $where",
	'a function that asks' => "SELECT ${\open_event(qq{'$words' || site.ask()})}",
	'one that claims to be immutable' => "SELECT ${\open_event(qq{'$words' || site.ask_immutable()})}",
	'… by itself' => 'SELECT site.ask_immutable()',
	'a variable' => 'SELECT site.variable()',
	'a loop' => 'SELECT site.in_a_loop()',
	'one function calls both' => 'SELECT site.two_calls()',
	'after a subtransaction' => 'SELECT site.caught()',
	'a procedure that commits between' => 'CALL site.procedure()',
	'query_to_xml' => "SELECT ${\open_event(qq{'$words' || query_to_xml('$quoted', true, true, '')::text})}",
	'a parameter of EXECUTE' => "PREPARE p (text) AS SELECT ${\open_event('$1')}; EXECUTE p ('$words' || query_to_xml('$quoted', true, true, '')::text)",
	'a generic plan' => "SET plan_cache_mode = force_generic_plan; PREPARE p (text) AS SELECT site.verb('$words' || read_id) FROM lpr.reads WHERE source = 'acme' AND plate = \$1; EXECUTE p ('BULK7')",
	'a cursor' => "BEGIN; DECLARE c CURSOR FOR SELECT ${\open_event(qq{'$words' || read_id})} FROM lpr.reads WHERE $where; FETCH 1 FROM c",
	'a cursor that asks later' => "BEGIN; DECLARE c CURSOR FOR SELECT site.verb('A courier of them drives a grey truck; its routes have to be found.')::text UNION ALL $read; FETCH 1 FROM c; FETCH 1 FROM c",
	'an open cursor, as XML' => "BEGIN; DECLARE c CURSOR FOR $read; FETCH 1 FROM c; SELECT ${\open_event(qq{'$words' || cursor_to_xml('c', 1, true, true, '')::text})}",
	'an open cursor, by a function' => "BEGIN; DECLARE c CURSOR FOR $read; FETCH 1 FROM c; SELECT ${\open_event(qq{'$words' || site.fetch('c')})}",
	'… that was not fetched from' => "BEGIN; DECLARE c CURSOR FOR $read; SELECT ${\open_event(qq{'$words' || site.fetch('c')})}",
	'a trigger at the end' => "BEGIN; INSERT INTO site.jotted VALUES ('x'); COMMIT",
	'the condition of a question' => "SELECT read_id FROM lpr.reads WHERE source = 'acme' AND plate = 'BULK' || (SELECT ${\open_event(q{'A courier of them drives a grey truck; its routes have to be found.'})} % 7)",
	'a verb first' => "SELECT CASE WHEN ${\open_event(q{'A courier of them drives a grey truck; its routes have to be found.'})} > 0 THEN $one END",
	'a verb first, in a function' => 'SELECT site.verb_first()',
	'a verb first, by a function' => "SELECT CASE WHEN site.verb('A courier of them drives a grey truck; its routes have to be found.') > 0 THEN site.ask() END",
	'what is kept' => "SELECT ${\open_event(qq{'$words' || read_id})} FROM lpr.event_reads(1)",
	'an image' => "SELECT ${\open_event(qq{'$words' || encode(sha256(coalesce(vehicle_image, '')), 'hex')})} FROM lpr.event_reads(1, with_images => true)",
	'a proof' => "SELECT ${\open_event(qq{lpr.saved_proof($saved)})}",
	'what is kept, by a function' => "SELECT site.verb('$words' || read_id) FROM lpr.event_reads(1)",
	'a correction by what is kept' => "SELECT lpr.correct(saved_id, 'make', camera_id, '$why') FROM lpr.event_reads(1)",
	'the relevance of a save' => "SELECT lpr.save(1, 'acme', '{$ids[1]}', '$words' || $one, 'illicit_activity')",
	'the reads of a save' => "SELECT lpr.save(1, 'acme', ARRAY($read), '$why', 'illicit_activity')",
	'a save of each' => "SELECT lpr.save_each(1, 'acme', (SELECT jsonb_object_agg(read_id, '$words' || plate) FROM lpr.reads WHERE $where), 'illicit_activity')",
	'a number that is refused' => "SELECT lpr.work_on((SELECT 1000000 + count(*) FROM lpr.reads WHERE $where))",
	'a table of ours, by a superuser\'s function' => "SELECT site.policy(read_id) FROM lpr.reads WHERE $where",
	'a refusal, by one' => "SELECT site.refuses(read_id) FROM lpr.reads WHERE $where",
	'a record, by one' => "SELECT site.notes(read_id) FROM lpr.reads WHERE $where",
	'the record of a verb, by one' => "SELECT site.passes(read_id) FROM lpr.reads WHERE $where",
	'a mail, by one' => "SELECT site.mails(read_id) FROM lpr.reads WHERE $where",
);
refused($_, $ways{$_}) for sort keys %ways;


# ---- a cursor that has asked is read on ----

$node->answer('postgres', <<"END");
CREATE FUNCTION site.next(c refcursor) RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE v text; BEGIN FETCH c INTO v; RETURN v; END \$\$;
CREATE FUNCTION site.works(e bigint) RETURNS bigint LANGUAGE plpgsql AS \$\$ DECLARE n bigint; BEGIN n := lpr.work_on(e); RETURN n; END \$\$;
CREATE FUNCTION site.opens(c refcursor, s text) RETURNS refcursor LANGUAGE plpgsql AS \$\$ BEGIN OPEN c FOR EXECUTE s; RETURN c; END \$\$;
CREATE TABLE site.kept (x text); GRANT INSERT ON site.kept TO analyst1, oversight1;
CREATE SEQUENCE site.seq; GRANT ALL ON SEQUENCE site.seq TO PUBLIC;
END
my $open = "BEGIN; DECLARE c CURSOR FOR $read; FETCH 1 FROM c; ";
my $as_xml = q{cursor_to_xml('c', 1, true, true, '')::text};
my %read_on = (
	'set_config' => "SELECT set_config('application_name', $as_xml, false)",
	'set_config, by a function' => "SELECT set_config('application_name', site.next('c'), false)",
	'setval' => "SELECT setval('site.seq', length(site.next('c')))",
	'a condition' => "SELECT nextval('site.seq') WHERE site.next('c') > ''",
	'in FROM' => "SELECT set_config('application_name', x::text, false) FROM cursor_to_xml('c', 1, true, true, '') AS x",
	'another cursor' => "DECLARE b CURSOR FOR SELECT set_config('application_name', $as_xml, false); FETCH 1 FROM b",
	'another cursor, which has begun to write' => "DECLARE b CURSOR FOR SELECT set_config('my.note', i::text, false) FROM generate_series(1, 3) AS i; FETCH 1 FROM b; SELECT site.next('c') || site.next('b')",
	'a cursor that stores it' => "SELECT site.opens('d', 'FETCH ALL FROM c'); SELECT length(site.next('d')); SELECT set_config('application_name', site.next('d'), false)",
	'a cursor that stores an answer' => "PREPARE p AS $read; SELECT site.opens('d', 'EXECUTE p'); SELECT length(site.next('d')); SELECT set_config('application_name', site.next('d'), false)",
	'work_on' => "SELECT lpr.work_on(CASE WHEN site.next('c') > '' THEN 1 END)",
	'a table' => "INSERT INTO site.kept VALUES (site.next('c'))",
);
refused("read on: $_", $open . $read_on{$_}) for sort keys %read_on;
like(($node->converse($session, $open . 'SELECT length(site.next(\'c\')) > 0'))[0], qr/\nt$/, 'a function may read on');
$node->converse($session, 'ROLLBACK');
is($node->answer('postgres', 'SELECT count(*) FROM site.kept'), 0, 'nothing was kept');
refused('an event, by what has been prepared', "BEGIN; SELECT site.works(1); SELECT site.works((SELECT count(*) - 6 FROM lpr.reads WHERE $where))");
is($node->answer('postgres', 'SELECT is_called FROM site.seq'), 'f', '… nor counted');

# The client's own FETCH is stored as well, in the portal without a name, which a portal with a name could read: only the protocol can say so.
sub send_messages
{
	my ($socket, @messages) = @_;
	my ($said, $header, $body) = ('');

	print $socket map { my ($type, $what) = @$_; $type . pack('N', 4 + length $what) . $what } @messages;
	while (read($socket, $header, 5) == 5)
	{
		my ($type, $length) = unpack 'aN', $header;
		read $socket, $body, $length - 4 if $length > 4;
		$body = '' if $length == 4;
		$said .= "$type $body\n" if $type =~ /[DEs]/;
		last if $type eq 'Z';
	}
	return $said;
}
sub of_portal { my ($portal, $sql, $rows) = @_; return ([ P => "\0$sql\0" . pack('n', 0) ], [ B => "$portal\0\0" . pack('nnn', 0, 0, 0) ], [ E => "$portal\0" . pack('N', $rows) ], [ S => '' ]) }
my $socket = IO::Socket::UNIX->new(Peer => $node->host . '/.s.PGSQL.' . $node->port) or die "socket: $!";
send_messages($socket, [ '' => pack('N', 196608) . "user\0analyst1\0database\0lpr\0\0" ]);
my ($code) = send_messages($socket, [ Q => "SELECT 'code=' || code FROM lpr.rules()\0" ]) =~ /code=(.*)/;
send_messages($socket, [ Q => "SELECT lpr.accept_rules('$code'), lpr.work_on(1)\0" ], );
send_messages($socket, [ Q => "BEGIN; DECLARE c CURSOR FOR $read\0" ]);
like(send_messages($socket, of_portal('', 'FETCH ALL FROM c', 2)), qr/\AD .*\nD .*\ns \n\z/, 'on the wire: a FETCH that is read in parts');
my $stored = send_messages($socket, of_portal('other', "SELECT 'told=' || set_config('application_name', cursor_to_xml('', 1, true, true, '')::text, false)", 0));
like($stored, qr/\AE .*C34000\0/, '… is gone where something else runs');
close $socket;

# ---- rows that are locked by what was shown ----

$node->answer('postgres', "CREATE TABLE site.alphabet AS SELECT chr(65 + i) AS c FROM generate_series(0, 25) AS i; GRANT SELECT, UPDATE ON site.alphabet TO analyst1");
my %locks = (
	'in a condition' => "SELECT a.c FROM site.alphabet AS a WHERE a.c IN (SELECT substr(plate, 1, 1) FROM lpr.reads WHERE $where) FOR UPDATE OF a",
	'of a join' => "SELECT a.c FROM site.alphabet AS a JOIN lpr.reads AS r ON a.c = substr(r.plate, 1, 1) WHERE r.source = 'acme' AND r.plate = 'BULK7' FOR KEY SHARE OF a",
	'in a sub-select' => "SELECT * FROM (SELECT c FROM site.alphabet WHERE c = substr(site.ask(), 1, 1) FOR SHARE) AS a",
	'by what is kept' => "SELECT a.c FROM site.alphabet AS a WHERE a.c IN (SELECT substr(plate, 1, 1) FROM lpr.event_reads(1)) FOR NO KEY UPDATE OF a",
	'by a parameter' => "PREPARE p (text) AS SELECT c FROM (SELECT c FROM site.alphabet WHERE c = \$1 FOR UPDATE) AS a; EXECUTE p (upper(substr(site.ask(), 1, 1)))",
	'by a cursor' => "$open SELECT c FROM site.alphabet WHERE c = upper(substr(site.next('c'), 1, 1)) FOR UPDATE",
);
refused("rows locked $_", $locks{$_}) for sort keys %locks;
is($node->answer('postgres', "SELECT count(*) FROM site.alphabet WHERE xmax <> '0'"), 0, 'none was');
is(($node->converse($session, "SELECT count(*) FROM (SELECT c FROM site.alphabet WHERE c < 'D' FOR UPDATE) AS a"))[0], 3, 'without a question they are');

# ---- what the log shows is shown (U4) ----

my ($oversight) = $node->session('oversight1');
my %of_log = (
	'a table' => "INSERT INTO site.kept SELECT payload->>'plates' FROM lpr.audit(kind => 'ask')",
	'a setting' => "SELECT set_config('application_name', 'x' || (payload->>'plates'), false) FROM lpr.audit(kind => 'ask') LIMIT 1",
	'a sequence' => "SELECT setval('site.seq', number) FROM lpr.audit(kind => 'ask')",
	'a setting, first' => "SELECT set_config('my.note', 'x', true), (SELECT max(a.number) FROM lpr.audit(kind => 'ask') AS a)",
	'a verb' => "SELECT lpr.suspend_access(number, payload->>'plates') FROM lpr.audit(kind => 'ask')",
	'a reference' => "SELECT set_config('application_name', payload->>'plates', false) FROM lpr.audit_of_reference(repeat('0', 32) || '-' || repeat('0', 32)) AS a",
	'an export' => "SELECT set_config('application_name', line, false) FROM lpr.export_audit() AS line",
	'what has no answer' => "SELECT set_config('application_name', max(number)::text, false) FROM lpr.unanswered()",
	'texts' => "SELECT set_config('application_name', max(said), false) FROM lpr.recorded_texts(1)",
	'an open cursor' => "BEGIN; DECLARE c CURSOR FOR SELECT payload->>'plates' FROM lpr.audit(kind => 'ask'); FETCH 1 FROM c; SELECT set_config('application_name', site.next('c'), false)",
);
refused("of the log: $_", $of_log{$_}, session => $oversight, login => 'oversight1') for sort keys %of_log;
is($node->answer('postgres', 'SELECT count(*) FROM site.kept'), 0, 'nothing of it was kept');
is($node->answer('postgres', 'SELECT is_called FROM site.seq'), 'f', '… nor counted');
like(($node->converse($oversight, "SELECT count(*) > 0 FROM lpr.audit(kind => 'ask') AS a JOIN lpr.audit(login => (SELECT max(b.login) FROM lpr.audit(kind => 'ask') AS b)) AS c USING (number)"))[0], qr/^[tf]$/, 'it is joined with itself');
is($node->answer('postgres', "WITH i AS (INSERT INTO site.kept SELECT a.login FROM lpr.audit(kind => 'ask') AS a LIMIT 1 RETURNING 1) SELECT count(*) FROM i"), 1, 'a superuser could read the table');
$oversight->quit;

is($state->(), $before, 'nothing was written');
is($node->answer('postgres', "SELECT count(*) FROM lpr_data.audit WHERE payload LIKE '%$ids[0]%' OR payload LIKE '%$ids[1]%'"), 0, 'and no read stands in the log');
$node->answer('postgres', 'DROP TABLE site.jotted');

# ---- honest work ----

sub works
{
	my ($name, $sql, $expected) = @_;
	my ($out, $err) = $node->converse($session, $sql);
	return is($err =~ /ERROR: .*/ ? $& : $out, $expected, $name);
}
$node->converse($session, 'ROLLBACK; DEALLOCATE ALL');
works('two statements of one message', "SELECT count(*) FROM lpr.reads WHERE $where \\; SELECT lpr.save(1, 'acme', '{$ids[1]}', '$why', 'illicit_activity')", "7\n1");
works('a save of some, each by a call', "SELECT sum(lpr.save(1, 'acme', ARRAY[i], '$why', 'illicit_activity')) FROM unnest('{$ids[2],$ids[3]}'::text[]) AS i", 2);
works('a save beside an open cursor', "BEGIN; DECLARE c CURSOR FOR $read ORDER BY read_id; FETCH 1 FROM c; SELECT lpr.save(1, 'acme', '{$ids[4]}', '$why', 'illicit_activity'); FETCH 1 FROM c; COMMIT", (join "\n", (sort @ids)[0], 1, (sort @ids)[1]));
works('what is kept beside a question', "SELECT count(*) FROM lpr.event_reads(1) AS e JOIN lpr.reads AS r USING (source, read_id) WHERE r.source = 'acme' AND r.plate = 'BULK7'", 5);
works('a question by what is kept', "SELECT count(*) FROM lpr.reads WHERE source = 'acme' AND plate IN (SELECT plate FROM lpr.event_reads(1))", 7);
works('a correction', "SELECT lpr.correct($saved, 'make', 'HONDA', '$why')", '');
works('a verb and a view', "SELECT lpr.work_on(event) FROM lpr.events WHERE event = 1", 1);
works('a question in a function', 'SELECT site.ask() IS NOT NULL', 't');
works('a verb in a function', "SELECT site.verb('Two couriers of the bakery take turns with a yellow pickup; find where they change.') > 1", 't');
works('what came of the question, and then', "SELECT reads FROM lpr.last_query()", '7');

$session->quit;
$node->sound('in the end', log => 0);
$node->stop;
done_testing();
