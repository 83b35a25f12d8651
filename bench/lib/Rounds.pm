# The raw rounds, and what follows from them.
package Rounds;
use strict;
use warnings;

sub fields
{
	my $line = shift;
	chomp $line;
	my @fields = split /,(?=(?:[^"]*"[^"]*")*[^"]*$)/, $line, -1;
	s/^"(.*)"$/$1/ for @fields;
	return @fields;
}

sub lines
{
	my $file = shift;
	open my $in, '<', $file or return;
	my @lines = map { [fields($_)] } <$in>;
	return @lines;
}

# {part}{group}{contender}[round] = [operations, seconds]
sub read
{
	my $dir = shift;
	my $self = bless { machine => {}, machine_order => [], fact => {}, round => {}, order => {} }, __PACKAGE__;
	for (lines("$dir/machine.csv"))
	{
		my ($name, @value) = @$_;
		push @{ $self->{machine_order} }, $name;
		$self->{machine}{$name} = join ',', @value;
	}
	push @{ $self->{fact}{ $_->[0] } }, [@$_[1, 2]] for lines("$dir/facts.csv");
	for my $file (sort glob "$dir/*.csv")
	{
		next if $file =~ /(machine|facts)\.csv$/;
		for (lines($file))
		{
			next unless @$_ == 12;
			my ($part, $group, $contender, undef, undef, undef, undef, undef, $round, undef, $operations, $seconds) = @$_;
			my $order = $self->{order}{$part} //= { groups => [] };
			push @{ $order->{groups} }, $group unless $order->{contenders}{$group};
			push @{ $order->{contenders}{$group} }, $contender
				unless $self->{round}{$part}{$group}{$contender};
			my $sum = $self->{round}{$part}{$group}{$contender}[$round - 1] //= [0, 0];
			$sum->[0] += $operations;
			$sum->[1] += $seconds;
		}
	}
	return $self;
}

sub groups { my ($self, $part) = @_; return @{ $self->{order}{$part}{groups} // [] } }
sub contenders { my ($self, $part, $group) = @_; return @{ $self->{order}{$part}{contenders}{$group} // [] } }
sub has { my ($self, $part, $group, $contender) = @_; return exists(($self->{round}{$part}{$group} // {})->{$contender}) }
sub facts { my ($self, $part) = @_; return @{ $self->{fact}{$part} // [] } }

sub fact
{
	my ($self, $part, $name) = @_;
	my ($found) = grep { $_->[0] eq $name } $self->facts($part);
	return $found ? $found->[1] : undef;
}

# Seconds an operation, of each round.
sub times
{
	my ($self, $part, $group, $contender) = @_;
	return () unless $self->has($part, $group, $contender);
	return map { $_->[1] / $_->[0] } @{ $self->{round}{$part}{$group}{$contender} };
}

# The median and the interval in which the true one lies with 95 %, by order
# statistics; of few values the whole range, which is less sure.
sub median
{
	my @sorted = sort { $a <=> $b } @_;
	my $n = @sorted or return;
	my $median = ($sorted[($n - 1) / 2] + $sorted[$n / 2]) / 2;
	my ($below, $tail, $term) = (0, 0, 0.5**$n);
	while ($tail + $term <= 0.025)
	{
		$tail += $term;
		$term *= ($n - $below) / ($below + 1);
		$below++;
	}
	$below = 1 if $below < 1;
	return ($median, $sorted[$below - 1], $sorted[$n - $below]);
}

sub time
{
	my ($self, $part, $group, $contender) = @_;
	return (median($self->times($part, $group, $contender)))[0];
}

sub time_interval
{
	my ($self, $part, $group, $contender) = @_;
	return median($self->times($part, $group, $contender));
}

# How many times as long one takes as the other: round by round, then the
# median.
sub ratio
{
	my ($self, $part, $group, $one, $other) = @_;
	my @one = $self->times($part, $group, $one);
	my @other = $self->times($part, $group, $other);
	return unless @one && @one == @other;
	return median(map { $one[$_] / $other[$_] } 0 .. $#one);
}

# How many seconds longer, likewise.
sub difference
{
	my ($self, $part, $group, $one, $other) = @_;
	my @one = $self->times($part, $group, $one);
	my @other = $self->times($part, $group, $other);
	return unless @one && @one == @other;
	return median(map { $one[$_] - $other[$_] } 0 .. $#one);
}

# What a part says of itself at its top.
sub comment
{
	my $file = shift;
	my @text;
	open my $in, '<', $file or return '';
	while (<$in>)
	{
		last unless s/^# ?//;
		chomp;
		push @text, $_;
	}
	return join "\n", @text;
}

1;
