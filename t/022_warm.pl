# After a start the tokens of tokenauth.warm_databases are loaded by a worker,
# whatever happens to that; until it has ended, tokenauth_ready() says no.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(
	new_node(
		'main',
		init => { allows_streaming => 1 },
		conf => q(
restart_after_crash = on
max_prepared_transactions = 5
)));
$node->safe_psql('postgres', q(
	CREATE DATABASE bare;
	CREATE DATABASE "Other, one";
	SELECT tokenauth_create_table('other_token', prefix => 'other_');
	SELECT count(*) FROM generate_series(1, 5) n,
		LATERAL tokenauth_issue(lpad(n::text, 32, '0'), 'other_token');));
set_up($node, 20, 'Other, one');

my $entries = q(SELECT coalesce(sum(entries), 0) FROM tokenauth_stats);
my $ready = 'SELECT tokenauth_ready()';
my $warming = q(FROM pg_stat_activity
	WHERE backend_type = 'tokenauth warming' AND wait_event_type = 'Lock');

sub configure_start
{
	my (@lines) = @_;
	$node->append_conf('postgresql.conf', join "\n", @lines, '');
	$node->restart;
	return;
}

sub is_warmed
{
	my ($database, $count, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($node->poll_query_until($database, $ready), "$name: ready");
	is($node->safe_psql($database, $entries), $count, "$name: loaded");
	return;
}

sub crash
{
	my ($pid) = @_;
	my $log_end = -s $node->logfile;

	kill 'KILL', $pid;
	$node->wait_for_log(qr/all server processes terminated/, $log_end);
	$node->poll_query_until('postgres', 'SELECT true')
	  or die 'no restart after the crash';
	return;
}

# Lock a table in such a way that the lock outlives the server.
sub lock_table
{
	$node->safe_psql('postgres', q(
		BEGIN;
		LOCK TABLE personal_access_token;
		PREPARE TRANSACTION 'lock'));
	return;
}

sub unlock_table
{
	$node->safe_psql('postgres', q(ROLLBACK PREPARED 'lock'));
	return;
}

# The pid of the warming worker, once it waits for the lock.
sub waiting_worker
{
	return poll_value($node, 'postgres', "SELECT pid $warming");
}

# ---- not asked for ----

is($node->safe_psql('postgres', $ready), 't', 'ready at once if not asked to warm');
is($node->safe_psql('postgres', $entries), 0, 'and nothing is loaded');

# ---- after a start, and after a crash ----

configure_start(q(tokenauth.warm_databases = 'nothing, bare, postgres, "Other, one"'));
is_warmed('postgres', 15, 'after a start');
is_warmed('Other, one', 20, 'after a start, another database');
ok(slurp_file($node->logfile) =~ /gave up loading the tokens of database "nothing"/,
	'what does not exist is given up');
ok(slurp_file($node->logfile) =~ /loaded 0 tokens of database "bare"/,
	'where there is no extension is nothing to be loaded');

my $session = session($node);
crash($session->query_safe('SELECT pg_backend_pid()'));
end_sessions($session);
is_warmed('postgres', 15, 'after a crash');

# ---- not ready while it lasts ----

lock_table();
configure_start(q(tokenauth.warm_databases = 'postgres'));
waiting_worker();
is($node->safe_psql('postgres', $ready), 'f', 'not ready while it waits for a lock');
is($node->safe_psql('Other, one', $ready), 't', 'elsewhere nothing is waited for');
ok( $node->poll_query_until('postgres',
		"SELECT bool_or(pg_terminate_backend(pid, 60000)) $warming"),
	'the worker is terminated');
ok(waiting_worker(), 'another one takes over');
is($node->safe_psql('postgres', $ready), 'f', 'not ready still');
unlock_table();
is_warmed('postgres', 15, 'unlocked');

lock_table();
$node->restart;
crash(waiting_worker());
is($node->safe_psql('postgres', $ready), 'f', 'not ready after the worker was killed');
my ($launcher) = processes($node, 'tokenauth launcher');
waiting_worker();
kill 'TERM', $launcher;
$node->wait_for_log(qr/"tokenauth launcher" \(PID $launcher\) exited/);
is($node->safe_psql('postgres', $ready), 'f', 'not ready after the launcher was killed');
unlock_table();
is_warmed('postgres', 15, 'unlocked again');

# ---- it is only a matter of speed ----

lock_table();
$node->restart;
ok($node->poll_query_until('postgres', $ready), 'ready, when it has been given up');
unlock_table();
is($node->safe_psql('postgres', $entries), 5,
	'one locked table does not keep another one cold');

# One for the launcher of logical replication, one for ours, none for workers.
configure_start(q(max_worker_processes = 2), q(tokenauth.last_used_flush = '20ms'));
ok($node->poll_query_until('postgres', $ready), 'ready without a worker');
is($node->safe_psql('postgres', $entries), 0, 'for there was none');
my @complaints = slurp_file($node->logfile) =~ /could not start a worker/g;
is(@complaints, 1, 'which is in the log, once');
$node->safe_psql('postgres', join ' ', use_token(1));
configure_start(q(max_worker_processes = 3));
is_warmed('postgres', 15, 'with a worker');
ok($node->poll_query_until('postgres', has_been_used(1)),
	'what was used without is written');

# ---- a standby ----

my $standby = new_standby($node, 'standby');
my $primary = $node;
$node = $standby;
is_warmed('postgres', 15, 'on a standby');
is($standby->safe_psql('postgres', 'SELECT pg_is_in_recovery()'),
	't', 'it is one still');
$_->stop foreach ($standby, $primary);

# ---- more tokens than there is room for ----

$node = set_up(new_node('small', conf => "tokenauth.cache_size = '64kB'\n"), 1000);
$node->safe_psql('postgres', q(
	SELECT tokenauth_stats_reset();
	SELECT count(tokenauth_resolve('mul_' || lpad(to_hex(n), 40, '0')))
	FROM generate_series(1, 100) n, generate_series(1, 2);));
my $cached = $node->safe_psql('postgres', $entries);
cmp_ok($node->safe_psql('postgres', 'SELECT tokenauth_warm()'),
	'>', 50, 'what there is room for is loaded');
cmp_ok($node->safe_psql('postgres', $entries), '<', 500, 'and no more');
is($node->safe_psql('postgres', 'SELECT evictions FROM tokenauth_stats'),
	0, 'for that, nothing has to go');
$node->stop;

done_testing();
