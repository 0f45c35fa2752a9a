# tamper.t: honest logs have no finding; whatever a superuser does to one has. ROUNDS tamperings of each kind, on random places.
use strict;
use warnings;
use lib '.';
use Audit;
use File::Copy;
use Test::More;

my $rounds = $ENV{ROUNDS} // 100;
my $seed = $ENV{SEED} // time;
note("SEED=$seed");
srand($seed);

my $log = make_log(seed => $seed);
my @rows = @{ $log->{rows} };
my $last = @rows;

sub any { return int(rand($_[0])) }    # 0 .. n - 1

sub size_of { return $_[0] =~ s/\..*//r + 0 }    # of a checkpoint, by its name

# With all checkpoints or, as often, with the last one alone.
my $newest = "$log->{checkpoints}/" . (checkpoint_names($log->{checkpoints}))[-1];
sub verify_rows {
    return verify_exit($log, '--checkpoints', any(2) ? $log->{checkpoints} : $newest, write_log($log->{header}, @_));
}

# All rounds of a kind must be found; what the first that was not had said is shown.
sub all_found {
    my ($what, $tamper) = @_;
    my ($found, $shown) = (0, '');
    for my $round (1 .. $rounds) {
        my ($code, $out, $err) = $tamper->();
        if ($code eq '1' && $out =~ /: [\d,]+ findings?\n\z/ && $err eq '') {
            $found++;
        } else {
            $shown ||= "round $round: exit $code\n$out$err";
        }
    }
    is($found, $rounds, $what) or diag($shown);
}

# --- honest
for my $shape ([300, 90, 20, 25], [1, 0, 0, 10], [2, 0, 0, 1], [100, 7, 100, 1], [257, 0, 0, 64], [500, 1000, 50, 1000], [64, 32, 0, 32]) {
    my ($rows, $month, $destroyed, $every) = @$shape;
    my $honest = make_log(rows => $rows, month => $month, destroyed => $destroyed, every => $every, seed => any(1e6), pem => $log->{pem});
    my ($code, $out, $err) = verify_exit($honest, '--checkpoints', $honest->{checkpoints}, $honest->{export});
    is("$code $err", '0 ', "an honest log of $rows rows") or diag($out);
    like($out, qr/\A\Q$rows\E rows?, 1 to $rows, \d+ checkpoints?.*: no finding\n\z/, 'its summary');

    # Month by month, in files of their own, in order, and each alone.
    my (@parts, @files);
    for my $row (@{ $honest->{rows} }) {
        push @parts, [] if !@parts || $row =~ /\A\d+\t\d+\tmonth\t/;
        push @{ $parts[-1] }, $row;
    }
    @files = map { write_log($honest->{header}, @$_) } @parts;
    ($code, $out, $err) = verify_exit($honest, '--checkpoints', $honest->{checkpoints}, @files);
    is("$code $err", '0 ', 'in ' . @files . ' months') or diag($out);
    my $bad = '';
    for my $i (0 .. $#files) {
        my @part = $i < $#files ? '--part' : ();
        ($code, $out, $err) = verify_exit($honest, @part, '--checkpoints', $honest->{checkpoints}, $files[$i]);
        $bad .= $out . $err if $code ne '0';
    }
    is($bad, '', 'each of them alone');

    # The newest checkpoint alone suffices.
    my $newest = (checkpoint_names($honest->{checkpoints}))[-1];
    ($code, $out, $err) = verify_exit($honest, '--checkpoints', "$honest->{checkpoints}/$newest", $honest->{export});
    is("$code $err", '0 ', 'with the last checkpoint') or diag($out);
}
{
    my ($clean, $shown) = (0, '');
    for my $round (1 .. $rounds) {
        my $honest = make_log(rows => 1 + any(200), month => any(2) * (2 + any(60)), destroyed => any(101), every => 1 + any(80),
            payload => any(300), seed => any(1e6), pem => $log->{pem});
        my ($code, $out, $err) = verify_exit($honest, '--checkpoints', $honest->{checkpoints}, $honest->{export});
        if ($code eq '0' && $err eq '') {
            $clean++;
        } else {
            $shown ||= "round $round: exit $code\n$out$err";
        }
    }
    is($clean, $rounds, 'honest logs of any shape') or diag($shown);
}
{
    my ($code, $out, $err) = run(slurp($log->{export}), $ENV{LPR_VERIFY}, '--key', $log->{key}, '--checkpoints', $log->{checkpoints}, '-');
    is("$code $err", '0 ', 'from standard input') or diag($out);
    ($code, $out, $err) = verify_rows(@rows, do { my @more = @{ make_log(seed => $seed, rows => 320, pem => $log->{pem})->{rows} }; @more[300 .. 319] });
    is("$code $err", '0 ', 'rows after the newest checkpoint') or diag($out);
    like($out, qr/, 20 after the newest checkpoint: no finding/, 'are told');
}

{
    my ($code, $out, $err) =
        verify_exit($log, '--checkpoints', $log->{checkpoints}, write_log($log->{header}, @rows[180 .. $last - 1]));
    is("$code $err", '0 ', 'the last months without those before') or diag($out);
    like($out, qr/\A120 rows, 181 to 300 \(those before are elsewhere\)/, 'are told to be a part');
}

# --- tampered
my @columns = qw(number at kind login pid session_started event_id source mode ask control sqlstate salt payload payload_digest digest);

# Another value for a column, of a form that could be.
sub other_value {
    my ($column, $value) = @_;
    my $name = $columns[$column];
    if ($name =~ /digest|salt/ && $value ne '\N') {
        substr($value, any(length $value), 1) =~ tr/0-9a-f/1-9a-f0/;
        return $value;
    }
    return $value eq '\N' ? ('0' x 32) : '\N' if $name eq 'salt';
    return $value + 1 + any(50) if $name eq 'number';
    return ($value eq '\N' ? 0 : $value) + (any(2) ? 1 : -1) * (1 + any(2000)) if $name =~ /^(at|pid|session_started|event_id|ask)$/;
    return (grep { $_ ne $value } qw(ask refused answer))[any(2)] if $name eq 'kind';
    return $value eq '\N' ? (any(2) ? '' : 'x') : any(2) ? '\N' : "${value}x";
}

for my $column (0 .. $#columns) {
    all_found("column $columns[$column] changed", sub {
        my @changed = @rows;
        my $at = any($last);
        my @fields = split /\t/, $changed[$at], -1;
        $fields[$column] = other_value($column, $fields[$column]);
        $changed[$at] = join("\t", @fields);
        return verify_rows(@changed);
    });
}
all_found('a byte of a payload changed', sub {
    my @changed = @rows;
    my ($at, @fields);
    do { $at = any($last); @fields = split /\t/, $changed[$at], -1 } while $fields[13] eq '\N';
    substr($fields[13], any(length $fields[13]), 1) =~ tr/\x20-\x5b\x5d-\x7d/\x21-\x5b\x5d-\x7d\x20/ or substr($fields[13], 1, 1) = '~';
    $changed[$at] = join("\t", @fields);
    return verify_rows(@changed);
});
all_found('a bit of a line changed', sub {
    my @changed = @rows;
    my $at = any($last);
    my $where = any(length $changed[$at]);
    substr($changed[$at], $where, 1) = chr(ord(substr($changed[$at], $where, 1)) ^ 1 << any(7));
    return verify_rows(@changed);
});
all_found('a row deleted', sub { my @changed = @rows; splice(@changed, any($last), 1); return verify_rows(@changed) });
all_found('rows deleted', sub { my @changed = @rows; splice(@changed, any($last - 1), 2 + any(100)); return verify_rows(@changed) });
all_found('a row inserted a second time', sub {
    my @changed = @rows;
    splice(@changed, any($last + 1), 0, $rows[any($last)]);
    return verify_rows(@changed);
});
all_found('a new row inserted, those after it renumbered, digests kept', sub {
    my @changed = @rows;
    my $at = 1 + any($last - 1);
    splice(@changed, $at, 0, $rows[any($last)]);
    $changed[$_] =~ s/\A\d+/$_ + 1/e for $at .. $#changed;
    return verify_rows(@changed);
});
all_found('two rows swapped', sub {
    my @changed = @rows;
    my $one = any($last);
    my $other = ($one + 1 + any($last - 1)) % $last;
    @changed[$one, $other] = @changed[$other, $one];
    return verify_rows(@changed);
});
all_found('neighbours swapped', sub {
    my @changed = @rows;
    my $one = any($last - 1);
    @changed[$one, $one + 1] = @changed[$one + 1, $one];
    return verify_rows(@changed);
});
all_found('two rows swapped with their numbers', sub {
    my @changed = @rows;
    my $one = any($last);
    my $other = ($one + 1 + any($last - 1)) % $last;
    @changed[$one, $other] = @changed[$other, $one];
    $changed[$_] =~ s/\A\d+/$_ + 1/e for $one, $other;
    return verify_rows(@changed);
});
all_found('the tail cut', sub { return verify_rows(@rows[0 .. any($last) - 1]) });
all_found('the head cut within a month', sub {
    my $from = 1 + any($last - 1);
    $from++ if $from % 90 == 0;    # where a month begins it is a detached part of the log
    return verify_rows(@rows[$from .. $last - 1]);
});
all_found('the last line cut', sub {
    my $path = write_log($log->{header}, @rows);
    truncate($path, (-s $path) - 1 - any(length $rows[-1]));
    return verify_exit($log, '--checkpoints', $log->{checkpoints}, $path);
});

sub rechained {
    my ($header, @changed) = @_;
    my (undef, @lines) = split /\n/, log_tool(join('', map { "$_\n" } $header, @changed), 'rechain');
    return @lines;
}

all_found('a row changed and the whole chain made anew', sub {
    my @changed = @rows;
    my $at = any($last);
    my @fields = split /\t/, $changed[$at], -1;
    $fields[3] = 'another';
    $changed[$at] = join("\t", @fields);
    return verify_rows(rechained($log->{header}, @changed));
});
all_found('a row changed and its stretch of the chain made anew', sub {
    my @changed = @rows;
    my $at = any($last);
    my $until = $at + any($last - $at);
    my @fields = split /\t/, $changed[$at], -1;
    $fields[7] = 'elsewhere';
    $changed[$at] = join("\t", @fields);
    my @anew = rechained($log->{header}, @changed);
    return verify_rows(@rows[0 .. $at - 1], @anew[$at .. $until], @rows[$until + 1 .. $last - 1]);
});
all_found('a row deleted and the whole chain made anew', sub {
    my @changed = @rows;
    splice(@changed, any($last), 1);
    return verify_rows(rechained($log->{header}, @changed));
});
all_found('a row inserted and the whole chain made anew', sub {
    my @changed = @rows;
    splice(@changed, 1 + any($last), 0, $rows[1 + any($last - 1)]);
    return verify_rows(rechained($log->{header}, @changed));
});
all_found('an older copy restored, and gone on with', sub {
    my $from = 1 + any($last - 1);
    my @new = @rows[$from .. $last - 1];
    s/\tofficer\t/\tother\t/ for @new;
    push @new, $rows[5];
    return verify_rows(rechained($log->{header}, @rows[0 .. $from - 1], @new));
});
all_found('the log replaced by a new one of the same id', sub {
    my $new = make_log(seed => any(1e9), rows => $last + any(50), pem => $log->{pem});
    return verify_rows(@{ $new->{rows} });
});
all_found('the log replaced by a new one of its own', sub {
    my $id = join('', map { sprintf('%x', any(16)) } 1 .. 31) . '0';
    my $new = make_log(seed => any(1e9), id => $id, rows => $last, pem => $log->{pem});
    return any(2) ? verify_exit($log, '--checkpoints', $log->{checkpoints}, $new->{export})
        : verify_exit($new, '--checkpoints', $log->{checkpoints}, $new->{export});
});
all_found('a month left out', sub {
    my $month = 1 + any(3);
    return verify_rows(@rows[grep { int($_ / 90) != $month } 0 .. $last - 1]);
});
all_found('months in the wrong order', sub {
    my @order = (0 .. 3);
    while ("@order" eq '0 1 2 3') {
        my $at = any(4);
        push @order, splice(@order, $at, 1);
    }
    return verify_rows(map { my $month = $_; @rows[grep { int($_ / 90) == $month } 0 .. $last - 1] } @order);
});
all_found("a detached month rewritten with its boundary", sub {
    my $month = 1 + any(2);
    my @changed = @rows;
    $changed[any($month * 90)] =~ s/\tflock_north\t/\tflock_south\t/ or die;
    my @anew = rechained($log->{header}, @changed);
    return verify_exit($log, '--part', '--checkpoints', $log->{checkpoints},
        write_log($log->{header}, @anew[$month * 90 .. $month * 90 + 89]));
});
all_found('a detached month cut short', sub {
    my ($end) = grep { ($_ + 1) % 25 } 91 + any(88);
    ($end) = 91 if !defined $end;
    return verify_exit($log, '--part', '--checkpoints', $log->{checkpoints}, write_log($log->{header}, @rows[90 .. $end]));
});

# --- checkpoints
sub with_checkpoints {
    my ($change) = @_;
    my $copy = directory();
    copy("$log->{checkpoints}/$_", "$copy/$_") or die for checkpoint_names($log->{checkpoints});
    my @names = checkpoint_names($copy);
    $change->($copy, @names);
    return verify_exit($log, '--checkpoints', $copy, $log->{export});
}

all_found('a checkpoint dropped', sub {
    with_checkpoints(sub { my ($copy, @names) = @_; unlink("$copy/" . $names[any($#names)]) or die });
});
my $forger = new_key();
all_found('a checkpoint forged with another key', sub {
    with_checkpoints(sub {
        my ($copy, @names) = @_;
        my $name = $names[any(scalar @names)];
        my $note = log_tool('', 'note', $forger, "lpr-audit/$log->{id}", size_of($name), ('ab' x 32), ('cd' x 32));
        spew("$copy/$name", any(2) ? $note : slurp("$copy/$name") =~ s/\n\n.*/\n\n$note/sr);
    });
});
all_found('a checkpoint of another tree, signed with the log\'s key', sub {
    with_checkpoints(sub {
        my ($copy, @names) = @_;
        my $size = any(2) ? size_of($names[any(scalar @names)]) : 1 + any($last + 100);
        my $note = log_tool('', 'note', $log->{pem}, "lpr-audit/$log->{id}", $size, ('ab' x 32), ('cd' x 32));
        spew(sprintf('%s/%020d.checkpoint', $copy, $size), $note);
    });
});
all_found('a bit of a checkpoint changed', sub {
    with_checkpoints(sub {
        my ($copy, @names) = @_;
        my $path = "$copy/" . $names[any(scalar @names)];
        my $text = slurp($path);
        my $where = any(length $text);
        substr($text, $where, 1) = chr(ord(substr($text, $where, 1)) ^ 1 << any(7));
        spew($path, $text);
    });
});
all_found('a checkpoint under another name', sub {
    with_checkpoints(sub {
        my ($copy, @names) = @_;
        my $name = $names[any(scalar @names)];
        rename("$copy/$name", sprintf('%s/%020d.checkpoint', $copy, size_of($name) + 1)) or die;
    });
});

done_testing();
