# format.t: the files and commands of docs/audit-format.md do what it says.
use strict;
use warnings;
use lib '.';
use Audit;
use Digest::SHA qw(sha256_hex);
use Test::More;

my $page = slurp('../../docs/audit-format.md');
my $directory = directory();

sub block {
    my ($start) = @_;
    my ($block) = $page =~ /^```(?:sh)?\n(\Q$start\E.*?)^```$/ms or die "no block \"$start\"";
    return $block;
}

spew("$directory/export", block("lpr-audit-export-1\t"));
spew("$directory/checkpoint", block("lpr-audit/00112233445566778899aabbccddeeff\n"));
spew("$directory/keys", block("lpr-audit/00112233445566778899aabbccddeeff+"));
spew("$directory/log.pem", block('-----BEGIN'));
spew("$directory/proofs", block('{"format": "lpr-read-proof-1"'));
my ($log_key, $witness_key) = split /\n/, slurp("$directory/keys");

my ($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--key', $log_key, '--witness', $witness_key, '--checkpoints', "$directory/checkpoint",
    "$directory/export");
is("$code $out$err", "0 3 rows, 1 to 3, 1 checkpoint: no finding\n", 'the files verify');
is(public_key("$directory/log.pem", 'lpr-audit/00112233445566778899aabbccddeeff'), $log_key, 'the log\'s key');
my ($text) = slurp("$directory/checkpoint") =~ /\A(.*?)\n\n/s;
my ($root, $head) = map { unpack 'H*', $_ } map { use MIME::Base64; decode_base64($_) } $text =~ /\n3\n(\S+)\nhead (\S+)\n/;
($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--key', $log_key, '--checkpoints', "$directory/checkpoint", "$directory/export");
is($code, 0, 'without the witness, too');
($code, $out, $err) = run('', $ENV{LPR_VERIFY}, '--key', $log_key, '--checkpoints', "$directory/checkpoint", '--read', "$directory/proofs", "$directory/export");
is("$code $err", '0 ', 'the proofs hold');
is(scalar(() = $out =~ /^proved: read [12] of the 2 in the answer of source "acme", row 3: read_id "r-1[78]", plate "7ABC123", /mg), 2, '… both of them') or diag($out);

($code, $out, $err) = run('', '/bin/sh', '-e', '-c', "cd '$directory'\n" . block("bytes()"));
is("$code $err", '0 ', 'the commands run');
is($out, <<"SAID", 'and show the same');
payload digest 31e248d6ef2c3983dd7c3503b65aad40d6d5310153c698b3266f7f7b0cfdce2a
digest f5baeb9345cdf954bc3411e35eb41c475298d78739254e6f5b5d49030081d8a7
leaf 1427f1d7ab964e943cb9b4275a22382ada8dbf92d3283cb7e08bf9f9e81145fa
the root is the checkpoint's
read @{[ $page =~ /leaf of read 1   (\w+)/ ]}
the answer held the read
Signature Verified Successfully
SAID
like($page, qr/root of three    \Q$root\E\n/, 'the root in hex');
like($page, qr/\t\Q$head\E\n```/, 'the head is the last digest');

my ($said, $salt, $digest, $length) = $page =~ /^The reason `(.+?)` with the salt `(\w+)`:\n\n    \{"digest": "(\w+)", "length": (\d+)\}$/m;
is(sha256_hex('LPRT' . pack('H*', $salt) . pack('N/a*', 'reason') . pack('N/a*', $said)) . length $said, "$digest$length", 'a free text');

done_testing();
