# Crashes, a hundred, while last uses are being written (G12): a last use that has
# been seen in the table never goes back, and what is lost is what had not yet
# been written.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(max min shuffle sum);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use TokenAuth;

my $kills = 20 * share(5);
my $tokens = 40;

# How many rounds' uses of a token may be lost besides the interval, in the mean of all
# tokens: on a busy machine, crash upon crash can come before one is written.  Far more
# than it takes to write them, and far fewer than if nothing was ever written.
my $interval = 1;
my $lost_at_most = 20;

# Restarts are to be cheap.  The WAL writer is to be of no help.
my $node = set_up(
	new_node(
		'main', conf => q(
restart_after_crash = on
fsync = off
log_statement = none
shared_buffers = '1MB'
tokenauth.cache_size = '256kB'
tokenauth.last_used_flush = '10ms'
tokenauth.last_used_interval = '1s'
wal_writer_delay = '10s'
synchronous_commit = off
)),
	$tokens);
my $tempdir = PostgreSQL::Test::Utils::tempdir;

# Users: clients that use one token after the other until the server is gone, each time
# in another order, lest a token's turn always come just before the crash.  Each answer
# is a line: the token, whether it was valid, and the time before it was used.
sub write_script
{
	my ($file) = @_;

	open(my $script, '>', $file) or die $!;
	foreach my $n (map { shuffle(1 .. $tokens) } 1 .. 50)
	{
		printf $script
		  "SELECT %d, extract(epoch FROM clock_timestamp()), tokenauth_resolve('%s') IS NOT NULL;\n",
		  $n, token($n);
		print $script "SELECT pg_sleep(0.001);\n";
	}
	close $script;
	return;
}

sub start_users
{
	my ($round) = @_;
	my @users;

	foreach my $i (1 .. 2)
	{
		my $file = "$tempdir/$round.$i";
		write_script("$tempdir/use.$i.sql");
		my $user = IPC::Run::start(
			[
				'psql', '--no-psqlrc', '--no-align', '--tuples-only', '--quiet',
				'--set', 'ON_ERROR_STOP=1', '--dbname', $node->connstr('postgres'),
				'--file', "$tempdir/use.$i.sql"
			],
			'>', $file, '2>', '/dev/null');
		push @users, { run => $user, file => $file };
	}
	return @users;
}

# The uses of each token, as its users know them: the latest, and those that the table
# does not have.
my (%used, %unwritten);

sub note_uses
{
	foreach my $user (@_)
	{
		eval { $user->{run}->finish };
		foreach my $line (split /\n/, slurp_file($user->{file}))
		{
			my ($n, $at) = $line =~ /^(\d+)\|([\d.]+)\|t$/ or next;
			$used{$n} = max($used{$n} // 0, $at);
			push @{ $unwritten{$n} }, $at;
		}
		unlink $user->{file};
	}
	return;
}

# What the table says.
sub last_uses
{
	my ($stdout, $stderr);
	my $result = $node->psql('postgres', q(
			SELECT right(user_id::text, 12)::int, extract(epoch FROM last_used_at)
			FROM personal_access_token WHERE last_used_at IS NOT NULL),
		stdout => \$stdout, stderr => \$stderr);

	return map { split /\|/ } split /\n/, $stdout if $result == 0;
	return;
}

my %backwards;

# Nothing that has been seen before has become less.
my %seen;

sub look
{
	my %now = last_uses();

	foreach my $n (keys %now)
	{
		$seen{$n} = $now{$n} if ($seen{$n} // 0) < $now{$n};
	}
	return %now;
}

sub wait_for_server
{
	$node->poll_query_until('postgres', 'SELECT true')
	  or die 'no restart after the crash';
	return;
}

# The ways in which the server comes to grief.
my %victims = (
	'user' => 'postgres \[local\]',
	'worker' => 'tokenauth last use',
	'launcher' => 'tokenauth launcher');
my %killed;

# Kill a process of that kind; false if none could be caught.
sub kill_one
{
	my ($what) = @_;
	my $log_end = -s $node->logfile;

	# a worker is there for some milliseconds only
	for (1 .. 100)
	{
		my $pid = some_process($node, $victims{$what}) or next;

		# not if it is about to end anyway, which would be no crash
		next unless kill('STOP', $pid) && is_stopped($pid);
		kill 'KILL', $pid;
		$node->wait_for_log(qr/all server processes terminated/, $log_end);
		$killed{$what}++;
		return 1;
	}
	return 0;
}

sub is_stopped
{
	my ($pid) = @_;
	my $state;

	do
	{
		($state) = TokenAuth::read_if_there("/proc/$pid/stat") =~ /\) (\S)/;
	} while (defined $state && $state !~ /[TZX]/);
	return ($state // '') eq 'T';
}

sub stop_at_once
{
	$node->stop('immediate');
	$node->start;
	$killed{stop}++;
	return;
}

my ($began, $rounds, %lost) = (time, 0);
my @ways = shuffle(map { (('user') x 5, ('worker') x 9, ('launcher') x 2, ('stop') x 4) }
	  1 .. $kills / 20);
foreach my $way (@ways)
{
	my @users = start_users(++$rounds);

	usleep(rand 300_000);
	look();
	stop_at_once() unless $way ne 'stop' && kill_one($way);
	wait_for_server();
	note_uses(@users);

	my %now = look();
	foreach my $n (1 .. $tokens)
	{
		my $is = $now{$n} // 0;
		$backwards{"$way, token $n"} = $seen{$n} - $is if ($seen{$n} // 0) > $is;
		my @lost = grep { $_ > $is } @{ $unwritten{$n} };
		$unwritten{$n} = \@lost;
		$lost{$n} = max($lost{$n} // 0, @lost ? max(@lost) - min(@lost) : 0);
	}
}

is(scalar @ways, $kills, "$kills crashes");
note(join ', ', map { "$_ $killed{$_}" } sort keys %killed);
ok($killed{$_}, "some by killing: $_") foreach (sort keys %victims);
is(join('; ', map { "$_: $backwards{$_}" } sort keys %backwards),
	'', 'no last use went backwards');
my @times = values %used;
my $round = (max(@times) - $began) / $kills;
my $lost = sum(values %lost) / $tokens;
note(sprintf 'in the mean %.3f s of uses were lost, at most %.3f s, a round took %.3f s',
	$lost, max(values %lost), $round);
cmp_ok($lost, '<', $interval + $lost_at_most * $round, 'no more was lost than had not been written');
is(scalar keys %seen, $tokens, 'each was written');

# In peace, nothing is.
$node->safe_psql('postgres', join ' ', use_token(1 .. $tokens));
ok( $node->poll_query_until('postgres', sprintf(
			q(SELECT bool_and(last_used_at > to_timestamp(%f) - interval '%d s')
			  FROM personal_access_token), max(@times), $interval)),
	'in the end each is right');

$node->stop;
done_testing();
