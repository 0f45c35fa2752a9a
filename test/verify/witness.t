# witness.t: the notary takes what continues its last checkpoint and refuses the rest, leaving its state as it was.
use strict;
use warnings;
use lib '.';
use Audit;
use File::Copy;
use Test::More;

my $log = make_log();
my $pem = new_key();
my $name = 'witness.example/lpr';
my $witness_key = public_key($pem, $name, '--witness');
my @names = checkpoint_names($log->{checkpoints});

sub witness {
    my ($state, $directory, %with) = (shift, shift, log_key => $log->{key}, key => $pem, name => $name, @_);
    return run('', $ENV{LPR_VERIFY}, 'witness', '--log-key', $with{log_key}, '--key', $with{key}, '--name', $with{name},
        '--state', $state, $directory);
}

# Everything in a directory, as one text.
sub content {
    my ($directory) = @_;
    return join('', map { "$_\n" . slurp($_) } sort glob("$directory/*"));
}

sub copied {
    my ($from, @those) = @_;
    my $to = directory();
    copy("$from/$_", "$to/$_") or die for @those;
    return $to;
}

sub refuses {
    my ($what, $why, $state, $directory, @with) = @_;
    my $before = content($state);
    my ($code, $out, $err) = witness($state, $directory, @with);
    is($code, 1, "refused: $what") or diag("$out$err");
    like($err, $why, 'loudly');
    is(content($state), $before, 'its state is as it was');
}

# A log of the same id and key, grown otherwise.
my $fork = make_log(seed => 2, pem => $log->{pem});

my $state = directory();
my ($code, $out, $err) = witness($state, directory());
is("$code $out$err", "0 no checkpoint yet\n", 'before there is any checkpoint');

my $some = copied($log->{checkpoints}, @names[0 .. 4]);
($code, $out, $err) = witness($state, $some);
is("$code $err", '0 ', 'the first checkpoints') or diag($out);
like($out, qr/\Aco-signed checkpoint 100 \(5 new\)/, 'are told');
is_deeply([map { s,.*/,,r } glob("$state/*")], [$names[4]], 'the newest of them is kept');
like(slurp("$state/$names[4]"), qr/\n\n\x{e2}\x{80}\x{94} lpr-audit.*\n\x{e2}\x{80}\x{94} witness\.example\/lpr \S+\n\z/,
    'with two signatures');
($code, $out, $err) = witness($state, $some);
is("$code $out$err", "0 nothing new: checkpoint 100 is the newest\n", 'once more');

# What a witness kept, it and others can verify with.
($code, $out, $err) = verify_exit($log, '--witness', $witness_key, '--checkpoints', $some, '--checkpoints', $state, '--part',
    write_log($log->{header}, @{ $log->{rows} }[0 .. 99]));
is("$code $err", '0 ', 'verified with the co-signature') or diag($out);
($code, $out, $err) = verify_exit($log, '--witness', $witness_key, '--checkpoints', $state, $log->{export});
is("$code $err", '0 ', 'with the co-signed checkpoint alone') or diag($out);
($code, $out, $err) = verify_exit($log, '--witness', $witness_key, '--checkpoints', $log->{checkpoints}, '--checkpoints', $state, $log->{export});
is($code, 1, 'the newest checkpoint must be co-signed');
like($out, qr/the newest checkpoint: it is not co-signed by witness\.example\/lpr\n.*: 1 finding\n\z/s, 'and is not');
my $other_witness = public_key(new_key(), $name, '--witness');
($code, $out, $err) = verify_exit($log, '--witness', $other_witness, '--checkpoints', $state, $log->{export});
is($code, 1, 'by that witness');
($code, $out, $err) = verify_exit($log, '--witness', $other_witness, '--witness', $witness_key, '--checkpoints', $state, $log->{export});
is($code, 0, 'or another of those named');
($code, $out, $err) = verify_exit($log, '--witness', $witness_key, $log->{export});
is($code, 1, 'no checkpoint is no co-signed checkpoint');

# Refusals.
refuses('rollback', qr/rollback: the newest checkpoint is 90, and we know 100/, $state, copied($log->{checkpoints}, @names[0 .. 3]));
refuses('an empty directory', qr/rollback/, $state, directory());
refuses('fork, seen at the same size', qr/fork: checkpoint 100 is not the one that we know/, $state, $fork->{checkpoints});
refuses('fork, seen later', qr/fork: checkpoint 125 does not continue checkpoint 100/, $state, copied($fork->{checkpoints}, @names[5 .. 7]));
refuses('a checkpoint left out', qr/continues checkpoint 125, not the one that we know, 100/, $state, copied($log->{checkpoints}, @names[6 .. 7]));
refuses('the key of another', qr/not signed by the log's key/, $state, do {
    my $forged = make_log(pem => new_key());
    copied($forged->{checkpoints}, $names[5]);
});
{
    my $bad = copied($log->{checkpoints}, @names[5 .. 8]);
    my $text = slurp("$bad/$names[7]");
    $text =~ s/\A(old \d+\n)(.)/$1 . ($2 eq 'A' ? 'B' : 'A')/e;
    spew("$bad/$names[7]", $text);
    refuses('a bad proof, after good ones', qr/its proof does not hold/, $state, $bad);
    $text =~ s/\A.*?\n\n//s;
    spew("$bad/$names[7]", $text);
    refuses('no proof', qr/holds no proof/, $state, $bad);
    spew("$bad/$names[7]", 'junk');
    refuses('junk', qr/not a signed note/, $state, $bad);
    spew("$bad/$names[7]", '');
    refuses('an empty file', qr/not a signed note/, $state, $bad);
}
{
    my $other = make_log(id => 'ffeeddccbbaa99887766554433221100', pem => $log->{pem});
    refuses('another log', qr/not signed by the log's key/, $state, copied($other->{checkpoints}, $names[5]));
}

# A random walk: whatever part of the log is offered, it goes on from where it stood.
{
    my $walk = directory();
    my $at = 0;
    my $bad = '';
    while ($at < @names) {
        my $until = $at + int(rand(4));
        $until = $#names if $until > $#names;
        ($code, $out, $err) = witness($walk, copied($log->{checkpoints}, @names[0 .. $until]));
        $bad .= "$out$err" if $code ne '0';
        $at = $until + 1;
    }
    is($bad, '', 'checkpoint by checkpoint to the newest');
    ($code, $out, $err) = verify_exit($log, '--witness', $witness_key, '--checkpoints', $walk, '--checkpoints', $log->{checkpoints}, $log->{export});
    is("$code $err", '0 ', 'all that it kept agrees with the log') or diag($out);
    ($code, $out, $err) = verify_exit($log, '--witness', $witness_key, '--checkpoints', $walk, $fork->{export});
    is($code, 1, 'and not with another');

    # Two checkpoints of one size, each signed.
    ($code, $out, $err) = verify_exit($log, '--checkpoints', $walk, '--checkpoints', $fork->{checkpoints}, $fork->{export});
    is($code, 1, 'a log rewritten with its key');
    like($out, qr/there are two of this size that differ, both signed: the log was rewritten/, 'contradicts the witness');
}

# An interrupted state: what a dying witness leaves behind is not taken for its last.
{
    my $torn = copied($state, $names[4]);
    spew("$torn/$names[5].new", substr(slurp("$log->{checkpoints}/$names[5]"), 0, 90));
    ($code, $out, $err) = witness($torn, copied($log->{checkpoints}, @names[0 .. 5]));
    is("$code $err", '0 ', 'half a file of the last time does not harm') or diag($out);
    is_deeply([checkpoint_names($torn)], [@names[4, 5]], 'and is replaced');

    spew("$torn/$names[5]", substr(slurp("$torn/$names[5]"), 0, 90));
    ($code, $out, $err) = witness($torn, $log->{checkpoints});
    is($code, 2, 'a damaged state cannot be used');
    like($err, qr/the state ".*" is damaged/, 'and is told');
}

# A state that cannot be written, root or not: a directory stands where the new file is to be made.
{
    my $closed = copied($state, $names[4]);
    mkdir "$closed/$names[-1].new" or die "$closed: $!";
    ($code, $out, $err) = witness($closed, $log->{checkpoints});
    is($code, 2, 'a state that may not be written');
    is_deeply([checkpoint_names($closed)], [$names[4]], 'stays');
}

# First use.
{
    my $fresh = directory();
    ($code, $out, $err) = witness($fresh, copied($log->{checkpoints}, @names[3 .. 6]));
    is("$code $err", '0 ', 'a log that is not seen from its beginning') or diag($out);
    like($out, qr/checkpoint 90 is the first we see: taken on trust/, 'is told');
}

# The wrong arguments.
for my $case (
    [{ log_key => $fork->{key} =~ s/\A([^+]+\+[^+]+\+).*\z/${1}AAAA/sr }, qr/--log-key: not a public key/, 'a broken public key'],
    [{ log_key => $pem }, qr/It is a PEM file; lpr-audit-verify public prints/, 'a private key for a public one'],
    [{ key => "$pem.gone" }, qr/--key: cannot open/, 'no private key'],
    [{ key => $log->{export} }, qr/not a private key in PEM form\nMake one with: openssl genpkey/, 'junk for a private key'],
    [{ key => new_key() }, qr/is not co-signed by us/, 'another key than before'],
    [{ name => 'other.example/lpr' }, qr/is not co-signed by us/, 'another name than before'],
    [{ name => 'a name' }, qr/bad name of a key/, 'a bad name'])
{
    my ($with, $why, $what) = @$case;
    my $before = content($state);
    ($code, $out, $err) = witness($state, $log->{checkpoints}, %$with);
    is($code, 2, $what);
    like($err, $why, 'is told');
    is(content($state), $before, 'its state is as it was');
}
($code, $out, $err) = witness("$state/gone", $log->{checkpoints});
is($code, 2, 'no state directory');
like($err, qr/cannot open the state directory/, 'is told');
($code, $out, $err) = witness($state, "$log->{checkpoints}/$names[0]");
is($code, 2, 'a file for a directory');
like($err, qr/not a directory of checkpoints/, 'is told');
($code, $out, $err) = witness($state, "$state/gone");
is($code, 2, 'no directory of checkpoints');

# It ends where it should, after all of this.
($code, $out, $err) = witness($state, $log->{checkpoints});
like("$code $out", qr/\A0 co-signed checkpoint 300 \(/, 'the log is still followed') or diag($err);

done_testing();
