# cli.t: what lpr-audit-verify says: of each kind of damage, of rows that cannot be read, to careless users.
use strict;
use warnings;
use lib '.';
use Audit;
use Test::More;

my $log = make_log(destroyed => 0);
my @rows = @{ $log->{rows} };
my ($code, $out, $err);

sub verify_rows { return verify_exit($log, '--checkpoints', $log->{checkpoints}, write_log($log->{header}, @_)) }

# The findings, without the summary.
sub says {
    my ($what, $expected, @changed) = @_;
    ($code, $out, $err) = verify_rows(@changed);
    my ($findings, $summary) = $out =~ /\A(.*?)([^\n]*\n)\z/s;
    my $count = () = $findings =~ /\n/g;
    is($findings, join('', map { "$_\n" } @$expected), $what);
    ok($code == 1 && $err eq '' && $summary =~ /: \Q$count\E findings?\n\z/, "  exit code and summary") or diag("$code $out $err");
}

sub changed {
    my ($row, $column, $value) = @_;
    my @changed = @rows;
    my @fields = split /\t/, $changed[$row - 1], -1;
    $fields[$column] = $value;
    $changed[$row - 1] = join("\t", @fields);
    return @changed;
}
my ($AT, $KIND, $LOGIN, $ASK, $SALT, $PAYLOAD, $PAYLOAD_DIGEST, $DIGEST) = (1, 2, 3, 9, 12, 13, 14, 15);

says('a payload', ['row 17: its payload does not match its digest'], changed(17, $PAYLOAD, '{}'));
says('a payload that is gone alone', ['row 17: its payload is gone and its salt is not'], changed(17, $PAYLOAD, '\N'));
says('a salt that is gone alone', ['row 17: its salt is gone and its payload is not'], changed(17, $SALT, '\N'));
says('a login', ['row 17: its digest does not follow from its content and the row before it'], changed(17, $LOGIN, 'x'));
says('a digest', ['row 17: its digest was changed; the row after it follows from the true one'], changed(17, $DIGEST, 'ab' x 32));
says('the last digest', ['row 300: its digest does not follow from its content and the row before it'], changed(300, $DIGEST, 'ab' x 32));
says('a number', ['row 17: its number was changed to 1,000'], changed(17, 0, 1000));
says('the first number', ['row 1: its number was changed to 2', 'row 2: a log starts anew here'], changed(1, 0, 2));
says('a start in the middle', ['row 17: a log starts anew here', 'row 17: its digest does not follow from its content and the row before it'],
    changed(17, $KIND, 'start'));
says('an ask that comes later', ['row 17: it belongs to row 18, which is not before it', 'row 17: its digest does not follow from its content and the row before it'],
    changed(17, $ASK, 18));
says('a time', ['row 17: its time is before that of the row before it', 'row 17: its digest does not follow from its content and the row before it'],
    changed(17, $AT, 0));
says('a row', ['row 17 is missing'], @rows[0 .. 15, 17 .. 299]);
says('the first row', ['row 2: the export begins here, where no month begins that can be read: rows before it may be missing, and it can be checked only from within'],
    @rows[1 .. 299]);
says('rows', ['rows 17 to 20 are missing (4)'], @rows[0 .. 15, 20 .. 299]);
says('two damages', ['row 17: its payload does not match its digest', 'rows 200 to 201 are missing (2)'], (changed(17, $PAYLOAD, ''))[0 .. 198, 201 .. 299]);
says('a row twice', ['row 17 is there again, after row 17'], @rows[0 .. 16, 16 .. 299]);
says('an older row', ['row 5 is there again, after row 17'], @rows[0 .. 16, 4, 17 .. 299]);
says('a file twice', ['rows 1 to 300 are there again, after row 300'], @rows, @rows);
says('neighbours', ['row 18 is out of order or inserted, after row 16'], @rows[0 .. 15, 17, 16, 18 .. 299]);
says('the tail', ['rows 296 to 300 are missing (5): the tail is cut, since checkpoint 300 covers them'], @rows[0 .. 294]);
says('everything', ['the export has no rows that can be read', 'rows 1 to 300 are missing (300): the tail is cut, since checkpoint 300 covers them']);
says('the boundary of a month', ['row 91: its payload does not match its digest'], changed(91, $PAYLOAD, '{}'));

# Rows from 120 on made anew, months and all.
my (undef, @anew) = split /\n/, log_tool(join('', map { "$_\n" } $log->{header}, changed(120, $LOGIN, 'x')), 'rechain');
says('a rewritten tail', ['rows 101 to 125 were rewritten: they are not those of checkpoint 125'], @anew);
says('a rewritten stretch', ['rows 101 to 125 were rewritten: they are not those of checkpoint 125', 'row 131: its digest does not follow from its content and the row before it'],
    @rows[0 .. 118], @anew[119 .. 129], @rows[130 .. 299]);
# The boundary of a month that a checkpoint confirms makes the tree known again: damage after it is found on its own.
my (undef, @again) = split /\n/, log_tool(join('', map { "$_\n" } $log->{header}, changed(250, $LOGIN, 'x')), 'rechain');
says('two stretches, a month between', ['rows 101 to 125 were rewritten: they are not those of checkpoint 125',
    'row 131: its digest does not follow from its content and the row before it', 'row 240 is missing'],
    @rows[0 .. 118], @anew[119 .. 129], @rows[130 .. 238, 240 .. 299]);
says('after it, rewritten', ['row 17: its digest does not follow from its content and the row before it', 'rows 226 to 250 were rewritten: they are not those of checkpoint 250'],
    (changed(17, $LOGIN, 'x'))[0 .. 239], @again[240 .. 299]);

# Lines that are no rows.
for my $case (
    ['', 'it has 1 columns, not 16'], ["a\tb", 'it has 2 columns, not 16'], [(($rows[16] =~ s/\A\d+/17x/r)), 'its number is not well-formed'],
    [(($rows[16] =~ s/\A\d+/017/r)), 'its number is not well-formed'], [(($rows[16] =~ s/\A\d+/-17/r)), 'its number is not well-formed'],
    [(($rows[16] =~ s/\A\d+/9223372036854775807/r)), 'its number is not well-formed'])
{
    my ($line, $why) = @$case;
    ($code, $out, $err) = verify_rows(@rows[0 .. 15], $line, @rows[17 .. 299]);
    like($out, qr/\Aline 18 of \S+: no row can be read: \Q$why\E\n300 rows, 1 to 300, .*: 1 finding\n\z/, "no row: $why");
    is($code, 1, '  exit code');
}
for my $case (
    [$AT, 'x', 'at'], [$AT, '\N', 'at'], [$KIND, '\N', 'kind'], [$LOGIN, 'a\q', 'login'], [$LOGIN, 'a\\', 'login'], [$LOGIN, '\Nx', 'login'],
    [4, '1e3', 'pid'], [$ASK, '+3', 'ask'], [$SALT, 'AB' x 16, 'salt'], [$SALT, 'ab' x 15, 'salt'], [$SALT, '', 'salt'],
    [$PAYLOAD_DIGEST, '\N', 'payload_digest'], [$PAYLOAD_DIGEST, 'ab' x 33, 'payload_digest'], [$DIGEST, '\N', 'digest'], [$DIGEST, 'zz' x 32, 'digest'])
{
    my ($column, $value, $name) = @$case;
    ($code, $out, $err) = verify_rows(changed(17, $column, $value));
    like($out, qr/\Arow 17 \(line 18 of \S+\): its $name is not well-formed\n300 rows, 1 to 300, .*: 1 finding\n\z/, "a row with a bad $name: $value");
}
($code, $out, $err) = verify_rows(@rows[0 .. 99], "$rows[100]\tmore", @rows[101 .. 299]);
like($out, qr/\Arow 101 \(line 102 of \S+\): it has 17 columns, not 16\n/, 'a column too many');
{
    my $path = write_log($log->{header}, @rows);
    truncate($path, (-s $path) - 1);
    ($code, $out, $err) = verify_exit($log, '--checkpoints', $log->{checkpoints}, $path);
    like($out, qr/\Arow 300 \(line 301 of \S+\): its line is cut, having no newline\n/, 'a last line without a newline');
}

# Escapes: those of COPY, all of them.
{
    my $row = $rows[16];
    $row =~ s/\tofficer\t/\t\\b\\f\\n\\r\\t\\v\\\\\t/;
    my ($header, @escaped) = split /\n/, log_tool(join('', map { "$_\n" } $log->{header}, @rows[0 .. 15], $row, @rows[17 .. 99]), 'rechain');
    ($code, $out, $err) = verify_exit($log, write_log($log->{header}, @escaped[0 .. 15], $escaped[16] =~ s/\t[^\t]*\\n[^\t]*\\\\\t/\t\\b\\f\\n\\r\\t\\v\\\\\t/r, @escaped[17 .. 99]));
    is($code, 0, 'escapes') or diag($out);
    is($err, "There are no checkpoints: a log that was rewritten as a whole is not noticed (--checkpoints).\n", 'no checkpoints: a warning');
    like($out, qr/\A100 rows, 1 to 100, 0 checkpoints: no finding\n\z/, 'and a summary');
}

# A cap on what is shown, not on what is counted.
{
    my @all = map { my @fields = split /\t/, $_, -1; $fields[13] = 'x'; join("\t", @fields) } @rows;
    ($code, $out, $err) = verify_rows(@all);
    my @lines = split /\n/, $out;
    is(scalar @lines, 102, 'a hundred findings are shown');
    is($lines[100], '... and 200 more', 'the others counted');
    like($lines[101], qr/: 300 findings\z/, 'all of them');
    my $many = make_log(rows => 3000, every => 1000, month => 0, pem => $log->{pem});
    my @holes = @{ $many->{rows} }[grep { $_ % 2 == 0 } 0 .. 2999];
    ($code, $out, $err) = verify_exit($many, '--checkpoints', $many->{checkpoints}, write_log($many->{header}, @holes));
    like($out, qr/\Arow 2 is missing\nrow 4 is missing\n.*: 1,500 findings\n\z/s, 'in order, with every other row missing') or diag(substr($out, 0, 300), substr($out, -300));
}

# Large payloads; a line longer than all buffers.
{
    my $large = make_log(rows => 5, payload => 3_000_000, month => 0, destroyed => 0, pem => $log->{pem});
    ($code, $out, $err) = verify_exit($large, '--checkpoints', $large->{checkpoints}, $large->{export});
    is("$code $err", '0 ', 'payloads of 3 MB') or diag(substr($out, 0, 300));
}

# Other logs.
my $other = make_log(id => 'ffeeddccbbaa99887766554433221100', pem => $log->{pem});
($code, $out, $err) = verify_exit($log, '--checkpoints', $log->{checkpoints}, $other->{export});
is($code, 1, 'another log');
like($out, qr/\Aexport ".*" is of another log \(lpr-audit\/ffeeddccbbaa99887766554433221100\): a forged restart\?\nthe export has no rows that can be read\nrows 1 to 300 are missing/, 'is told');
($code, $out, $err) = verify_exit($other, '--checkpoints', $log->{checkpoints}, $other->{export});
is($code, 1, 'checkpoints of another log');
like($out, qr/not signed by the log's key/, 'are told');

# Careless users.
for my $case (
    [[], qr/--key is missing/], [['--key', $log->{key}], qr/which export\?/], [['--kee', 'x'], qr/unrecognized option.*an option is not known/s],
    [['--key'], qr/requires an argument/], [['--key', 'junk', $log->{export}], qr/--key: cannot open "junk"/],
    [['--key', "$log->{key}x", $log->{export}], qr/--key: not a public key\nA public key has the form/],
    [['--key', $log->{pem}, $log->{export}], qr/It is a PEM file; lpr-audit-verify public prints/],
    [['--key', $log->{export}, $log->{export}], qr/--key: not a public key/],
    [['--key', public_key($log->{pem}, 'x'), $log->{export}], qr/"x" is not the name of an audit log/],
    [['--key', $log->{key}, '/nowhere/log'], qr{/nowhere/log: cannot open}], [['--key', $log->{key}, '/tmp'], qr/is a directory, not an export/],
    [['--key', $log->{key}, $log->{pem}], qr/not an export of the audit log\nIts first line is/], [['--key', $log->{key}, '/dev/null'], qr/it is empty/],
    [['--key', $log->{key}, '--checkpoints', '/nowhere', $log->{export}], qr/--checkpoints: cannot open "\/nowhere"/],
    [['--key', $log->{key}, '--witness', 'x', $log->{export}], qr/--witness: cannot open/],
    [['--state', 'x', $log->{export}], qr/that option is another command's/], [['witness', '--part', 'x'], qr/that option is another command's/],
    [['witness'], qr/witness needs --log-key, --key, --name and --state/], [['public'], qr/public needs --key and --name/],
    [['public', '--key', $log->{pem}, '--name', 'x', 'y'], qr/public takes no further arguments/])
{
    my ($arguments, $why) = @$case;
    ($code, $out, $err) = run('', $ENV{LPR_VERIFY}, @$arguments);
    is("$code $out", '2 ', 'cannot be used: ' . join(' ', map { s{/tmp/\S+/}{}r } @$arguments));
    like($err, $why, '  and is told');
}
{
    my $file = directory() . '/key';
    spew($file, "$log->{key}\r\n");
    ($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--key', $file, '--checkpoints', $log->{checkpoints}, $log->{export});
    is("$code $err", '0 ', 'a key in a file, with an editor\'s line end');
    ($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--help');
    like("$code $out", qr/\A0 usage: lpr-audit-verify --key KEY .*Exit code 0: nothing found/s, '--help');
    ($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--version');
    is("$code $out", "0 lpr-audit-verify $ENV{LPR_VERSION}\n", '--version');
    ($code, $out, $err) = run('', '/bin/sh', '-c', "'$ENV{LPR_VERIFY}' --help >/dev/full");
    isnt($code, 0, 'output that cannot be written');
}

done_testing();
