# After a crash the cache is empty and right, whoever was killed and whenever.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# A session that wants to hang in COMMIT can wait for a standby that there is
# not.
my $node = set_up(
	new_node(
		'main',
		init => { allows_streaming => 1 },
		conf => q(
restart_after_crash = on
synchronous_standby_names = 'nobody'
synchronous_commit = local
)));

sub entries
{
	return $node->safe_psql('postgres', 'SELECT entries FROM tokenauth_stats');
}

# SIGKILL a backend, and wait until the server is back.
sub kill_backend
{
	my ($pid) = @_;
	my $log_end = -s $node->logfile;

	is(system_log('pg_ctl', 'kill', 'KILL', $pid), 0, 'backend is killed');
	$node->wait_for_log(qr/reinitializing/, $log_end);
	$node->poll_query_until('postgres', 'SELECT true')
	  or die 'no restart after the crash';
}

# Let a change hang in COMMIT: logged, but not yet visible to anybody.
sub hanging_revoke
{
	my ($n) = @_;
	my $session = session($node);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	$session->query_safe('SET synchronous_commit = on');
	$session->query_until(qr/hangs/, "\\echo hangs\n" . revoke($n) . "\n");
	$node->poll_query_until('postgres',
		"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid")
	  or die 'COMMIT does not hang';
	return ($session, $pid);
}

# A reader is killed.
my $warm = session($node);
my $other = session($node);
is_warm($warm, 1, 'before the crash');
is(judge($other, 2), 'valid', 'before the crash: other session');
isnt(entries(), 0, 'before the crash the cache holds something');
kill_backend($warm->query_safe('SELECT pg_backend_pid()'));
end_sessions($warm, $other);
is(entries(), 0, 'after the crash of a reader the cache is empty');
$warm = session($node);
is_warm($warm, 1, 'after the crash of a reader');

# A committer is killed: its fences go, its change stays.
my ($committer, $pid) = hanging_revoke(1);
all_say('valid', 1, 'while COMMIT hangs', $node, $warm);
is_cold($warm, 1, 'while COMMIT hangs');
is_warm($warm, 2, 'while COMMIT hangs, another token');
kill_backend($pid);
end_sessions($warm, $committer);
$warm = session($node);
is(entries(), 0, 'after the crash of a committer the cache is empty');
all_say('revoked', 1, 'after the crash of a committer', $node, $warm);
is_warm($warm, 2, 'after the crash of a committer');

# The wait for the standby is cancelled: the change becomes visible at once.
($committer, $pid) = hanging_revoke(2);
all_say('valid', 2, 'before the cancelled wait', $node, $warm);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
$node->poll_query_until('postgres',
	"SELECT state = 'idle' FROM pg_stat_activity WHERE pid = $pid");
all_say('revoked', 2, 'after the cancelled wait', $node, $warm);
is_warm($warm, 3, 'after the cancelled wait');

# The server is stopped at once, with one change committed, one hanging in
# COMMIT and one not yet committed.
$node->safe_psql('postgres', revoke(4));
my $open = session($node);
$open->query_safe('BEGIN;' . revoke(5));
my ($hanging) = hanging_revoke(3);
is_warm($warm, 6, 'before the immediate stop');
$node->stop('immediate');
end_sessions($warm, $committer, $open, $hanging);
$node->start;
is(entries(), 0, 'after the immediate stop the cache is empty');
$warm = session($node);
all_say('revoked', 3, 'hanging in COMMIT at the stop', $node, $warm);
all_say('revoked', 4, 'committed before the stop', $node, $warm);
all_say('valid', 5, 'not committed before the stop', $node, $warm);
is_warm($warm, 5, 'after the immediate stop');

$warm->quit;
$node->stop;
done_testing();
