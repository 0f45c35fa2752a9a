# Audit.pm: makes logs with log_tool and runs lpr-audit-verify on them.
package Audit;
use strict;
use warnings;
use Exporter 'import';
use File::Temp;
use Test::More;

our @EXPORT = qw(slurp spew lines_of run verify_exit log_tool new_key public_key make_log write_log checkpoint_names directory);

$ENV{LPR_VERIFY} && $ENV{LPR_LOG_TOOL} or die "run by make check\n";

my $top = File::Temp->newdir;
my $made = 0;

sub directory {
    my $path = "$top/" . ++$made;
    mkdir $path or die "$path: $!";
    return $path;
}

sub slurp {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or die "$path: $!";
    local $/;
    return scalar <$file> // '';
}

sub spew {
    my ($path, $text) = @_;
    open(my $file, '>:raw', $path) or die "$path: $!";
    print $file $text;
    close($file) or die "$path: $!";
}

# Exit code, standard output, standard error.
sub run {
    my ($input, @command) = @_;
    spew("$top/in", $input // '');
    my $pid = fork // die;
    if (!$pid) {
        open(STDIN, '<', "$top/in");
        open(STDOUT, '>', "$top/out");
        open(STDERR, '>', "$top/err");
        exec(@command) or exit 127;
    }
    waitpid($pid, 0);
    return ($? & 127 ? "signal $?" : $? >> 8, slurp("$top/out"), slurp("$top/err"));
}

sub log_tool {
    my ($input, @arguments) = @_;
    my ($code, $out, $err) = run($input, $ENV{LPR_LOG_TOOL}, @arguments);
    $code eq '0' or die "log_tool @arguments: $code $err";
    return $out;
}

sub new_key {
    my $path = directory() . '/key.pem';
    system('openssl', 'genpkey', '-algorithm', 'ed25519', '-out', $path) == 0 or die;
    return $path;
}

sub public_key {
    my ($pem, $name, @more) = @_;
    my (undef, $out) = run('', $ENV{LPR_VERIFY}, 'public', '--key', $pem, '--name', $name, @more);
    chomp $out;
    return $out;
}

# { id, pem, key, header, rows (lines), checkpoints (directory), export (path) }
sub make_log {
    my (%with) = (rows => 300, payload => 40, month => 90, destroyed => 20, every => 25, seed => 1,
        id => '00112233445566778899aabbccddeeff', @_);
    my $text = log_tool('', 'generate', @with{qw(id seed rows payload month destroyed)});
    my %log = (id => $with{id}, pem => $with{pem} // new_key(), checkpoints => directory());
    log_tool($text, 'checkpoints', $log{pem}, $log{checkpoints}, $with{every});
    $log{key} = public_key($log{pem}, "lpr-audit/$with{id}");
    ($log{header}, @{ $log{rows} }) = split /\n/, $text;
    $log{export} = write_log($log{header}, @{ $log{rows} });
    return \%log;
}

sub write_log {
    my ($header, @rows) = @_;
    my $path = directory() . '/export';
    spew($path, join('', map { "$_\n" } $header, @rows));
    return $path;
}

sub checkpoint_names {
    my ($directory) = @_;
    return sort map { s,.*/,,r } glob("$directory/*.checkpoint");
}

sub verify_exit {
    my ($log, @arguments) = @_;
    return run('', $ENV{LPR_VERIFY}, '--key', $log->{key}, @arguments);
}

1;
