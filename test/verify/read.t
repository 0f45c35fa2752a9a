# read.t: proofs of saved reads: honest ones hold, and whatever is changed in one, or in the answer that it speaks of, is found.
use strict;
use warnings;
use lib '.';
use Audit;
use Test::More;

my $seed = $ENV{SEED} // time;
note("SEED=$seed");
srand($seed);

my ($ROW, $SOURCE, $PAYLOAD) = (17, 7, 13);
my $log = make_log(rows => 60, month => 0, destroyed => 0, every => 20);
my ($code, $out, $err);

# A log whose row 17 is an answer of that many reads, and the proofs of them.
sub answer_of {
    my ($reads, $version, $shown) = @_;
    my ($payload, @proofs) = split /\n/, log_tool('', 'reads', $log->{id}, $ROW, $reads, $version, $shown);
    my @rows = with_row($payload, 'answer', 'acme');
    my (undef, @made) = split /\n/, log_tool(join('', map { "$_\n" } $log->{header}, @rows), 'rechain');
    return { %{ signed_log(@made) }, proofs => \@proofs, payload => $payload };
}

sub with_row {
    my ($payload, $kind, $source) = @_;
    my @rows = @{ $log->{rows} };
    my @fields = split /\t/, $rows[$ROW - 1], -1;
    @fields[2, $SOURCE, $PAYLOAD] = ($kind, $source, $payload =~ s/\\/\\\\/gr);
    $rows[$ROW - 1] = join("\t", @fields);
    return @rows;
}

sub signed_log {
    my (@rows) = @_;
    my $directory = directory();
    log_tool(join('', map { "$_\n" } $log->{header}, @rows), 'checkpoints', $log->{pem}, $directory, 20);
    return { rows => \@rows, checkpoints => $directory, export => write_log($log->{header}, @rows) };
}

sub verify_proofs {
    my ($answer, @proofs) = @_;
    my $file = directory() . '/proofs';
    spew($file, join('', map { "$_\n" } @proofs));
    return verify_exit($log, '--checkpoints', $answer->{checkpoints}, '--read', $file, $answer->{export});
}

# One finding, in those words; and nothing is called proved.
sub refuses {
    my ($answer, $proof, $why, $what) = @_;
    ($code, $out, $err) = verify_proofs($answer, $proof);
    ok($code == 1 && $err eq '' && $out !~ /^proved/m && $out =~ /\A[^\n]*proofs, line 1: $why\n60 rows, [^\n]*: 1 finding\n\z/, $what) or diag("exit $code\n$out$err");
}

# --- honest
for my $case ([1, 2, 'whole'], [2, 2, 'whole'], [13, 2, 'whole'], [64, 2, 'part'], [13, 1, 'whole'], [13, 1, 'part']) {
    my ($reads, $version, $shown) = @$case;
    my $answer = answer_of(@$case);
    ($code, $out, $err) = verify_proofs($answer, reverse @{ $answer->{proofs} });
    my @proved = $out =~ /^proved: read (\d+) of the $reads in the answer of source "acme", row 17: /mg;
    is("$code $err @proved", '0  ' . join(' ', sort { $b <=> $a } 1 .. $reads), "version $version, $shown: all of $reads reads are proved") or diag($out);
}
my $answer = answer_of(13, 2, 'whole');
my $part = answer_of(13, 2, 'part');
my $old = answer_of(13, 1, 'whole');
my $leaf = answer_of(13, 1, 'part');
my $proof = $answer->{proofs}[3];
($code, $out, $err) = verify_proofs($answer, $answer->{proofs}[4]);
like($out, qr/\Aproved: read 5 of the 13 in the answer of source "acme", row 17: read_id "r-4", plate "7ABC4", plate_region "CA", plate_as_read "7abc-4", address "S\\xC3\\xA3o "Paulo"\\x5C St \\xF0\\x9F\\x9A\\x97", make "HONDA", captured_at 2025-05-08T\S+Z, latitude 32\.7157004, longitude -117\.1611000, confidence 0\.957000\n60 rows/,
    'the read is shown');
($code, $out, $err) = verify_proofs($part, $part->{proofs}[3]);
like($out, qr/: read_id "r-3", plate "7ABC3", captured_at \S+, latitude 32\.7157003, longitude -117\.1611000; its details are not shown\n60 rows/, '… as far as the proof shows it');
($code, $out, $err) = verify_proofs($leaf, $leaf->{proofs}[3]);
like($out, qr/: leaf [0-9a-f]{64}; the proof does not show the read itself\n60 rows/, '… which may be not at all');
($code, $out, $err) = verify_proofs($answer, $proof =~ s/([{\[,:}\]]) /$1\t  /gr);
is("$code $err", '0 ', 'with other blanks') or diag($out);

# --- every member changed
my $torn = 'the read, its place and its path do not lead to the root: one of them was changed';
for my $case ([$answer, 'whole'], [$part, 'part'], [$old, 'version 1'], [$leaf, 'leaf']) {
    my ($from, $name) = @$case;
    my $honest = $from->{proofs}[3];
    my $changes = 0;
    my $read = $honest =~ /"read": \{(.*)\}\}\z/ ? $1 : '';
    while ($read =~ /"(\w+)": ("(?:[^"\\]|\\.)*"|-?\d+)/g) {
        my ($member, $value) = ($1, $2);
        next if $member =~ /\A(?:details|salt)\z/;
        my $other = $value =~ /\A"/ ? '"x"' : $value + 1;
        refuses($from, $honest =~ s/"$member": \Q$value\E/"$member": $other/r, $torn, "$name: another $member");
        refuses($from, $honest =~ s/"$member": \Q$value\E, //r, $torn, "$name: no $member") if $honest =~ /"$member": \Q$value\E, /;
        $changes++;
    }
    ok($changes > 4 || $name eq 'leaf', "$name: its members were tried");
    refuses($from, $honest =~ s/"place": 3/"place": 4/r, $torn, "$name: another place");
    refuses($from, $honest =~ s/"reads": 13/"reads": 16/r, "the answer of row 17 has 13 reads, not 16", "$name: another number of reads");
    refuses($from, $honest =~ s/"reads": 13/"reads": 8/r, $torn, "$name: a smaller one");
    refuses($from, $honest =~ s/("root": ")(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $torn, "$name: another root");
    refuses($from, $honest =~ s/("path": \[.*?", ")(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $torn, "$name: another path");
    refuses($from, $honest =~ s/"path": \["\w+", /"path": [/r, $torn, "$name: a shorter path");
    refuses($from, $honest =~ s/"path": \[/'"path": ["' . '00' x 32 . '", '/er, $torn, "$name: a longer path");
    refuses($from, $honest =~ s/("(?:details|leaf)": ")(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $torn, "$name: another digest") if $honest =~ /"(?:details|leaf)"/;
    refuses($from, $honest =~ s/("salt": "\w{$_})(.)/$1 . ($2 eq '0' ? '1' : '0')/er, $torn, "$name: another salt") for $honest =~ /"salt"/ ? (0, 15, 31) : ();
    refuses($from, $honest =~ s/"row": 17/"row": 18/r, 'row 18 is not an answer', "$name: another row") if $from->{rows}[17] !~ /\tanswer\t/;
    refuses($from, $honest =~ s/"row": 17/"row": 99/r, 'row 99 is not in the export', "$name: a row that there is not");
    refuses($from, $honest =~ s/"log": "../"log": "ff/r, 'it is a proof for another log', "$name: another log");
    refuses($from, $honest =~ s/"source": "acme"/"source": "birdseye"/r, 'row 17 is an answer of source "acme", not of "birdseye"', "$name: another source");
    refuses($from, $honest =~ s/"format": "lpr-read-proof-1"/"format": "lpr-read-proof-9"/r, 'not a proof of a read: its member "format" .*', "$name: another format");
    refuses($from, substr($honest, 0, int(rand(length($honest) - 1)) + 1), 'not a proof of a read.*', "$name: cut") for 1 .. 20;
}
my $salt = '"salt": "' . '00' x 16 . '"';
refuses($part, $part->{proofs}[3] =~ s/"details": "\w+"/"make": "HONDA"/r, 'not a proof of a read: the salt of its details is missing', 'details without their salt');
refuses($part, $part->{proofs}[3] =~ s/"details": "\w+"/"make": "HONDA", $salt/r, $torn, 'details that are not the digest\'s');
refuses($part, $part->{proofs}[3] =~ s/"details"/$salt, "details"/r, 'not a proof of a read: "salt" is shown beside the digest of the details', 'a salt beside the digest');
refuses($old, $old->{proofs}[3] =~ s/"make"/$salt, "make"/r, 'not a proof of a read: version 1 does not cover what it shows', 'a salt of version 1');
refuses($leaf, $leaf->{proofs}[3] =~ s/"leaf": "\w+"/"read": {$salt}/r, 'not a proof of a read: version 1 does not cover what it shows', 'nothing but a salt');
refuses($answer, $proof =~ s/, "salt": "\w+"//r, 'not a proof of a read: the salt of its details is missing', 'no salt');
refuses($answer, $proof =~ s/("salt": "\w+")/$1, $1/r, 'not a proof of a read: its member "salt" .*', 'a salt twice');
refuses($answer, $proof =~ s/"salt": "\w\w/"salt": "/r, 'not a proof of a read: its member "salt" .*', 'a salt that is too short');
refuses($part, $part->{proofs}[3] =~ s/"details"/"make": "HONDA", "details"/r, 'not a proof of a read: "make" is shown beside the digest of the details', 'a detail beside their digest');
refuses($part, $part->{proofs}[3] =~ s/"details"/"confidence": 1, "details"/r, 'not a proof of a read: "confidence" is shown beside .*', 'likewise');
refuses($answer, $proof =~ s/"version": 2/"version": 1/r, 'not a proof of a read: version 1 does not cover what it shows', 'another version');
refuses($answer, $proof =~ s/"version": 2/"version": 3/r, 'not a proof of a read: its member "version" .*', 'a version that there is not');
refuses($answer, $proof =~ s/"read": \{.*\}\}\z/'"leaf": "' . '00' x 32 . '"}'/er, 'not a proof of a read: version 2 does not cover what it shows', 'a leaf of version 2');
refuses($answer, $proof =~ s/"row"/"number"/r, 'not a proof of a read: its member "number" .*', 'a member that there is not');
refuses($answer, $proof =~ s/"row": 17, //r, 'not a proof of a read: member "row" is missing', 'a member less');
refuses($answer, $proof =~ s/"row": 17/"row": 17, "row": 17/r, 'not a proof of a read: its member "row" .*', 'a member twice');
refuses($answer, $proof =~ s/"make": "HONDA"/"make": "HONDA", "make": "HONDA"/r, 'not a proof of a read: its member "make" .*', 'a field twice');
refuses($answer, "$proof x", 'not a proof of a read: .* more follows it', 'more behind it');
refuses($answer, $_, 'not a proof of a read.*', "no proof: '$_'") for '', '{}', 'null', '[]', 'x', '{"row"}', '{"row": }';
refuses($answer, $proof =~ s/"make": "HONDA"/"make": "$_"/r, 'not a proof of a read: its member "make" .*', "no text: $_")
    for '\ud83d', '\udc00\ud83d', '\u0000', '\u12', '\x', "\x01", "\xC3\xA9", "\x7F";

# --- the answer's row
refuses(answer_of(13, 2, 'whole'), $old->{proofs}[3], 'the digest of row 17 is of version 2, not 1', 'a proof for an older answer');
refuses($old, $proof, 'the digest of row 17 is of version 1, not 2', 'a proof for a newer one');
refuses(answer_of(14, 2, 'whole'), $proof, 'the answer of row 17 has 14 reads, not 13', 'a proof for another answer');
{
    my (undef, @others) = split /\n/, log_tool('', 'reads', $log->{id}, $ROW, 13, 2, 'part');
    my $same = answer_of(13, 2, 'whole');
    ($code, $out, $err) = verify_proofs($same, $others[3]);
    is($code, 0, 'less of the same read is proved as well');
}
for my $case (
    ['{"reads": 13}', 'answer', 'acme', 'the payload of row 17 holds no digest of reads', 'an answer without a digest'],
    ['{"digest": "00", "reads": 13}', 'answer', 'acme', 'the payload of row 17 holds no digest of reads', 'with a digest that is none'],
    ['[' x 100, 'answer', 'acme', 'the payload of row 17 holds no digest of reads', 'with a payload that is none'],
    ['{"digest": "' . '00' x 32 . '", "reads": 13, "digest_version": 2}', 'answer', 'acme', 'its root is not the digest of row 17: that answer did not hold this read', 'with another digest'],
    [$answer->{payload}, 'sent', 'acme', 'row 17 is not an answer', 'no answer'],
    [$answer->{payload}, 'answer', 'birdseye', 'row 17 is an answer of source "birdseye", not of "acme"', 'of another source'])
{
    my ($payload, $kind, $source, $why, $what) = @$case;
    my (undef, @made) = split /\n/, log_tool(join('', map { "$_\n" } $log->{header}, with_row($payload, $kind, $source)), 'rechain');
    refuses(signed_log(@made), $proof, $why, $what);
}
{
    # Its payload is destroyed on schedule: the log verifies, the read is proved no longer.
    my @rows = @{ $answer->{rows} };
    my @fields = split /\t/, $rows[$ROW - 1], -1;
    @fields[12, $PAYLOAD] = ('\N', '\N');
    $rows[$ROW - 1] = join("\t", @fields);
    refuses({ %$answer, export => write_log($log->{header}, @rows) }, $proof, 'the payload of row 17 is gone, and with it the digest of the answer\'s reads', 'a payload that is gone');

    # A payload that was exchanged, digest and all: nothing is proved where the export itself does not verify.
    my $forged = answer_of(14, 2, 'whole');
    @fields = split /\t/, $answer->{rows}[$ROW - 1], -1;
    $fields[$PAYLOAD] = $forged->{payload} =~ s/\\/\\\\/gr;
    $rows[$ROW - 1] = join("\t", @fields);
    ($code, $out, $err) = verify_proofs({ %$answer, export => write_log($log->{header}, @rows) }, $forged->{proofs}[3]);
    ok($code == 1 && $out !~ /^proved/m && $out =~ /\Arow 17: its payload does not match its digest\n/, 'a payload that was exchanged proves nothing') or diag("$code $out");
    ($code, $out, $err) = verify_proofs({ %$answer, export => $forged->{export} }, $forged->{proofs}[3]);
    ok($code == 1 && $out !~ /^proved/m && $out =~ /were rewritten: they are not those of checkpoint/, 'nor does a log that was rewritten') or diag("$code $out");
}

# --- the checkpoints
my $file = directory() . '/proofs';
spew($file, "$proof\n");
($code, $out, $err) = verify_exit($log, '--read', $file, $answer->{export});
ok($code == 2 && $err =~ /--read needs --checkpoints/, 'nobody has signed: nothing is looked at');
{
    # An export up to row 20, whose newest checkpoint is of an earlier size.
    my $early = directory();
    log_tool(join('', map { "$_\n" } $log->{header}, @{ $answer->{rows} }[0 .. 9]), 'checkpoints', $log->{pem}, $early, 20);
    ($code, $out, $err) = verify_exit($log, '--checkpoints', $early, '--read', $file, $answer->{export});
    ok($code == 1 && $out !~ /^proved/m && $out =~ /\A[^\n]*line 1: row 17 comes after the newest checkpoint: nobody has signed for it yet\n/, 'a row that no checkpoint covers') or diag("$code $out");
}

# --- careless users
spew("$file.empty", '');
for my $case ([['--read', '/nowhere/proofs'], qr/--read: cannot open/], [['--read', "$file.empty"], qr/--read: ".*" is empty/], [['--read', '/tmp'], qr/is a directory/]) {
    my ($arguments, $why) = @$case;
    ($code, $out, $err) = verify_exit($log, '--checkpoints', $answer->{checkpoints}, @$arguments, $answer->{export});
    ok("$code $out" eq '2 ' && $err =~ $why, "cannot be used: @$arguments[0]") or diag("$code $out$err");
}
($code, $out, $err) = run('', $ENV{LPR_VERIFY}, 'witness', '--read', $file);
like($err, qr/that option is another command's/, 'the witness reads no proofs');

done_testing();
