# The pictures, by gnuplot.
package Plots;
use strict;
use warnings;

my ($rounds, $dir);
my $BLUE = '#2f6fab';			# tokenauth
my $GREY = '#9aa5b1';			# others
my $ORANGE = '#c8793a';

sub gnuplot
{
	my ($name, $width, $height, $script) = @_;
	open my $pipe, '|-', 'gnuplot' or return 0;
	print $pipe <<"END";
set terminal svg size $width,$height font "sans-serif,13" background "white"
set output "$dir/$name.svg"
set border 3 lc rgb "#555555"
set tics nomirror textcolor rgb "#222222"
set key textcolor rgb "#222222"
$script
END
	return close $pipe;
}

# A block of lines for gnuplot to read.
sub data
{
	my ($name, @rows) = @_;
	return join "\n", "\$$name << EOD", (map { join ' ', map { /[^-\d.e+]/ ? "\"$_\"" : $_ } @$_ } @rows), "EOD\n";
}

# Horizontal bars of microseconds, the interval of each as a whisker; ours are
# blue.  Each is [label, part, group, contender].
sub bars
{
	my ($name, $title, $axis, @bars) = @_;
	my (@rows, $longest);
	for (@bars)
	{
		my ($label, @which) = @$_;
		my @time = map { $_ * 1e6 } $rounds->time_interval(@which);
		next unless @time;
		push @rows, [$label, @time, $label =~ /tokenauth/ ? 1 : 0];
		$longest = $time[2] if !defined $longest || $time[2] > $longest;
	}
	return 1 unless @rows;
	my $n = @rows;
	my @placed = map { [$n - 1 - $_, @{ $rows[$_] }[1 .. 4], sprintf($rows[$_][1] < 10 ? '%.2f' : '%.1f', $rows[$_][1])] } 0 .. $#rows;
	my $tics = join ', ', map { sprintf '"%s" %d', $rows[$_][0], $n - 1 - $_ } 0 .. $#rows;
	my $range = $longest * 1.15;
	my $offset = $longest * 0.015;
	return gnuplot($name, 760, 90 + 34 * $n, data('bars', @placed) . <<"END");
set title "$title" textcolor rgb "#222222"
set xlabel "$axis" textcolor rgb "#222222"
set xrange [0:$range]
set yrange [-0.6:$n-0.4]
set ytics ($tics) scale 0
set border 1
unset key
plot \$bars using (\$2/2):1:(\$2/2):(0.34):(\$5 == 1 ? ${\ rgb($BLUE)} : ${\ rgb($GREY)}) with boxxyerror fill solid noborder lc rgb variable, \\
	\$bars using 2:1:3:4 with xerrorbars pt -1 lc rgb "#333333", \\
	\$bars using (\$4 + $offset):1:6 with labels left textcolor rgb "#222222"
END
}

sub rgb { (my $hex = shift) =~ s/^#/0x/; return $hex }

# Lines over the groups of a part that match; x is the number that a group's
# name begins with, y what $value makes of group and contender.  Each line is
# [title, contender, colour].
sub lines
{
	my ($name, $part, $title, $xlabel, $ylabel, $settings, $value, $match, @lines) = @_;
	my (@plots, $blocks);
	for my $i (0 .. $#lines)
	{
		my ($label, $contender, $colour) = @{ $lines[$i] };
		my @rows;
		for my $group (grep { $_ =~ $match } $rounds->groups($part))
		{
			my @value = $value->($group, $contender) or next;
			my ($x) = $group =~ /^(\d+)/;
			push @rows, [$x, @value];
		}
		next unless @rows;
		$blocks .= data("line$i", @rows);
		push @plots, "\$line$i using 1:2 with lines lw 2 lc rgb \"$colour\" title \"$label\"",
			"\$line$i using 1:2:3:4 with yerrorbars pt 7 ps 0.5 lc rgb \"$colour\" notitle";
	}
	return 1 unless @plots;
	return gnuplot($name, 760, 380, $blocks . <<"END");
set title "$title" textcolor rgb "#222222"
set xlabel "$xlabel" textcolor rgb "#222222"
set ylabel "$ylabel" textcolor rgb "#222222"
set yrange [0:*]
set grid ytics lc rgb "#dddddd"
set key outside right center
$settings
plot ${\ join ', ', @plots}
END
}

# Hit ratios: what a cache has and could have.
sub hit_ratio
{
	my @rows;
	for my $access ('uniform', 'zipf')
	{
		for my $percent (10, 50, 110)
		{
			my @value = map { $rounds->fact('hitratio', "$access, cache of $percent %, $_") }
				'tokenauth', 'best possible', 'least recently used';
			push @rows, ["$access\\n$percent %", map { $_ * 100 } @value] unless grep { !defined } @value;
		}
	}
	return 1 unless @rows;
	return gnuplot('hit-ratio', 760, 380, data('ratio', @rows) . <<"END");
set title "Hit ratio" textcolor rgb "#222222"
set xlabel offset 0,-1 "access, and size of the cache in percent of the working set" textcolor rgb "#222222"
set ylabel "percent of requests" textcolor rgb "#222222"
set yrange [0:105]
set xrange [-0.6:@{[ scalar(@rows) - 0.4 ]}]
set grid ytics lc rgb "#dddddd"
set key outside right center
set bmargin 5
set style data histograms
set style histogram clustered gap 1
set style fill solid noborder
set xtics scale 0
plot \$ratio using 2:xtic(1) lc rgb "$BLUE" title "tokenauth", \\
	'' using 4 lc rgb "$GREY" title "least recently used", \\
	'' using 3 lc rgb "$ORANGE" title "best possible"
END
}

sub draw
{
	($rounds, $dir) = @_;
	my $ok = 1;
	my @questions = map { [$_, $_] } 'no-op', 'SELECT 1', 'Redis', 'tokenauth', 'SELECT', 'PL/pgSQL function', 'memcached', 'SQL function';

	$ok &= bars('request', 'An authenticated request: whose token, then read a note of that user',
		'microseconds a request; one client, one core',
		map { [$_, 'request', 'one', $_] } 'tokenauth in one query', 'join in one query', 'Redis, then query', 'SELECT, then query');
	$ok &= bars('set', 'A log of 20,000 requests in one statement',
		'microseconds a token',
		map { [($_ eq 'set: no-op' ? 'no-op C function' : $_ =~ s/^set: //r), 'set', 'one', $_] } 'set: no-op', 'set: tokenauth',
		'set: hash join', 'set: nested-loop join', 'set: SQL function', 'set: PL/pgSQL function', 'set: memcached');
	$ok &= bars('round-trip', 'One question after the other', 'microseconds a question; one client, one core',
		map { [$_->[0], 'roundtrip', 'depth 1, one', $_->[1]] } @questions);
	$ok &= bars('pipelined', 'Twenty questions under way at once', 'microseconds a question; one client, one core',
		map { [$_->[0], 'pipelined', 'depth 20, one', $_->[1]] } @questions);
	# relative to the floor, as the sizes are measured one after the other
	$ok &= lines('size', 'size', 'Cost of a round trip against table size', 'tokens in the table',
		'times that of a no-op C function',
		'set logscale x; set format x "10^{%L}"; set xrange [500:2e7]', sub { $rounds->ratio('size', @_, 'no-op') }, qr//,
		['SELECT', 'SELECT', $GREY], ['tokenauth', 'tokenauth', $BLUE], ['no-op', 'no-op', $ORANGE]);
	$ok &= lines('clients', 'clients', 'Clients at once, on two cores', 'clients', 'thousand questions a second',
		'set logscale x 2; set xtics (1, 2, 4, 8); set xrange [0.8:10]', sub { map { 1 / $_ / 1000 } $rounds->time_interval('clients', @_) }, qr/pairs$/,
		['no-op', 'no-op', $ORANGE], ['tokenauth', 'tokenauth', $BLUE], ['Redis', 'Redis', '#b03a48'],
		['SELECT', 'SELECT', $GREY], ['memcached', 'memcached', '#6b8e5a']);
	$ok &= hit_ratio();
	return $ok;
}

1;
