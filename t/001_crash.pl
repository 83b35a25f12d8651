# After a crash the cache is empty and right, whoever was killed and whenever.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# Without a pause between crash and restart, and without a standby to wait for
# unless a story says so.
my $node = TokenAuth::set_up(
	TokenAuth::new_node('main', conf => "restart_after_crash = on\n"));

sub entries
{
	return $node->safe_psql('postgres', 'SELECT entries FROM tokenauth_stats');
}

sub wait_for_recovery
{
	my ($victim) = @_;

	# The postmaster tells all sessions to go before it starts anew.
	$victim->{run}->finish;
	return $node->poll_query_until('postgres', 'SELECT true', 't');
}

# Let a change hang in COMMIT: logged, but not yet visible to anybody.
sub start_hanging_revoke
{
	my ($n) = @_;
	my $session = TokenAuth::session($node);

	$node->safe_psql('postgres',
		"ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	$node->reload;
	$node->poll_query_until('postgres',
		q(SELECT current_setting('synchronous_standby_names') = 'nobody'));
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_until(qr/hanging/, "\\echo hanging\n" . revoke($n) . "\n");
	$node->poll_query_until('postgres',
		"SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $pid");
	return ($session, $pid);
}

sub end_hanging
{
	$node->safe_psql('postgres',
		q(SET synchronous_commit = local; ALTER SYSTEM RESET synchronous_standby_names));
	return $node->reload;
}

# A backend that only reads is killed.
my $warm = session($node);
my $pid = $warm->query_safe('SELECT pg_backend_pid()');
is_warm($warm, 1, 'before the crash');
isnt(entries(), '0', 'before the crash the cache has entries');
kill_backend($pid, $warm);
is(entries(), '0', 'after the crash the cache is empty');
