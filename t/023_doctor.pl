# What tokenauth_doctor() tells of the server, not of a table: each finding is
# made, told, cured by its own fix, pasted, and gone.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(new_node(
	'main',
	conf => q(
max_prepared_transactions = 2
synchronous_commit = local
)), 4600);

sub findings
{
	return $node->safe_psql('postgres',
		q(SELECT severity || ': ' || finding FROM tokenauth_doctor()));
}

# There is this one finding, and its fix cures it, once its place is filled in.
sub is_cured
{
	my ($expected, $needs_restart, $name, $place, $choice) = @_;
	my $fix = $node->safe_psql('postgres', 'SELECT fix FROM tokenauth_doctor()');
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	like(findings(), qr/\A$expected\z/, "$name: found");
	is($fix =~ /then restart the server$/ ? 1 : 0,
		$needs_restart, "$name: whether it says to restart");
	$fix =~ s/$place/$choice/ if defined $place;
	$node->safe_psql('postgres', $fix);
	$node->restart if $needs_restart;
	is(findings(), '', "$name: cured by $fix");
	return;
}

# These settings, and what earlier fixes have set no more.
sub restart_with
{
	my (%settings) = @_;

	$node->safe_psql('postgres', 'ALTER SYSTEM RESET ALL');
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'")
	  foreach keys %settings;
	$node->restart;
	return;
}

# Ask for each token so many times, by a way that each session takes anew.
sub use_tokens
{
	my ($times) = @_;
	$node->safe_psql(
		'postgres', qq(
		SELECT count(tokenauth_resolve('mul_' || lpad(to_hex(n), 40, '0')))
		FROM generate_series(1, $times), generate_series(1, 4600) n));
	return;
}

is(findings(), '', 'in health');

restart_with(shared_preload_libraries => 'auto_explain');
is_cured(
	qr/error: tokenauth is not in shared_preload_libraries: .*/,
	1, 'not preloaded');
is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'),
	'auto_explain, tokenauth', 'the other library is kept');
restart_with(shared_preload_libraries => '');
is_cured(
	qr/error: tokenauth is not in shared_preload_libraries: .*/,
	1, 'nothing preloaded');

restart_with(
	shared_preload_libraries => 'tokenauth',
	'tokenauth.cache_size' => '0');
is_cured(qr/error: tokenauth.cache_size is too small for a cache: .*/,
	1, 'no cache');

restart_with(
	'tokenauth.cache_size' => '1MB',
	'tokenauth.last_used_interval' => '0');
use_tokens(3);
is_cured(
	qr/warning: the cache is too small: of 13800 judgements \d+ pushed .*/,
	1, 'cache too small');
use_tokens(3);
is(findings(), '', 'it is large enough now');

restart_with(
	'tokenauth.last_used_interval' => '60s',
	wal_level => 'minimal',
	max_wal_senders => '0',
	synchronous_standby_names => '');
is(findings(), '', 'no standby is expected');
# the launcher, or its workers, find no room among the server's processes; core's own
# launcher of logical replication takes the first place
restart_with(max_worker_processes => 0);
$node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM tokenauth_doctor()')
  or die 'that there is no launcher is not found';
is($node->safe_psql('postgres', 'SELECT tokenauth_ready()'), 't', 'that is no error');
is_cured(qr/warning: the launcher of tokenauth does not run, .*/, 1, 'no launcher');
restart_with(max_worker_processes => 0, 'tokenauth.warm_databases' => 'postgres');
$node->poll_query_until('postgres', 'SELECT count(*) = 2 FROM tokenauth_doctor()')
  or die 'that there is no launcher is not found';
like(findings(), qr/\Aerror: the launcher .*\nnotice: the tokens of this database, .* are not loaded yet: .*\z/,
	'not ready, for nothing warms it');
is($node->safe_psql('postgres', 'SELECT tokenauth_ready()'), 'f', 'both say so');
restart_with(max_worker_processes => 2, 'tokenauth.warm_databases' => '',
	'tokenauth.last_used_flush' => '20ms');
judge_anew($node, 7);
$node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM tokenauth_doctor()')
  or die 'that no worker can be started is not found';
is_cured(qr/warning: a worker of tokenauth could not be started, .*/, 1, 'no worker');
restart_with(max_worker_processes => 8, 'tokenauth.last_used_flush' => '10s');
restart_with(synchronous_standby_names => 'gone');
is_cured(qr/warning: wal_level is minimal, though synchronous_standby_names .*/,
	1, 'a standby to wait for');
restart_with(synchronous_standby_names => '', primary_conninfo => 'host=gone');
is_cured(qr/warning: wal_level is minimal, though primary_conninfo is set.*/,
	1, 'has been a standby');
restart_with(primary_conninfo => '');

# The id is too long to be noted in place of a token that must not be.
$node->safe_psql(
	'postgres', q(
	CREATE TABLE plain (id text PRIMARY KEY, token text UNIQUE, last_used_at timestamptz);
	INSERT INTO plain VALUES (repeat('long', 20), 'plain_1');
	SELECT tokenauth_attach('plain', prefix => 'plain_', token_column => 'token',
							stored_as => 'plaintext');
	SELECT (tokenauth_identify('plain_1')).status));
is( $node->safe_psql(
		'postgres',
		q(SELECT severity, source, finding FROM tokenauth_doctor()
		  WHERE finding NOT LIKE '%holds the tokens themselves%')),
	'warning|plain|1 last uses were dropped, against 0 noted: their rows were locked too long, could not be updated, or have an id of more than 36 characters',
	'last uses dropped: found');
$node->safe_psql(
	'postgres',
	$node->safe_psql(
		'postgres', q(SELECT fix FROM tokenauth_doctor() WHERE finding ~ 'dropped')));
is( $node->safe_psql('postgres',
		q(SELECT count(*) FROM tokenauth_doctor() WHERE finding ~ 'dropped')),
	'0', 'last uses dropped: cured');
$node->safe_psql('postgres', 'DROP TABLE plain');

# Rows that somebody holds: the fix names the holder, and changes no setting.
$node->safe_psql('postgres', q(ALTER SYSTEM SET tokenauth.last_used_flush = '20ms';
	SELECT pg_reload_conf()));
my $holder = session($node);
my $pid = $holder->query_safe('SELECT pg_backend_pid()');
$holder->query_safe('BEGIN; SELECT FROM personal_access_token FOR UPDATE');
judge_anew($node, 5);
$node->poll_query_until('postgres',
	q(SELECT sum(uses_dropped) > 0 FROM tokenauth_stats))
  or die 'a use of a row that is held is not given up';
like(findings(),
	qr/\Awarning: last uses were dropped, .*: process $pid holds the oldest lock on table "personal_access_token"\z/,
	'last uses dropped: who holds their rows');
like($node->safe_psql('postgres', 'SELECT fix FROM tokenauth_doctor()'),
	qr/^SELECT \* FROM pg_catalog.pg_stat_activity WHERE .* $pid; -- see that its transaction ends/,
	'and the fix says so');
$holder->query_safe('COMMIT');
end_sessions($holder);
is_cured(qr/warning: \d+ last uses were dropped, .*: their rows were locked too long, .*/,
	0, 'last uses dropped, by none any more');

my ($faketime) = glob '/usr/lib/*/faketime/libfaketime.so.1';
SKIP:
{
	skip 'libfaketime is not installed', 1 unless $faketime;

	my $clock = $node->basedir . '/clock';
	my $set_clock = sub {
		# a process of the server that reads it half written would exit
		open my $file, '>', "$clock.new" or die $!;
		print $file "$_[0]\n";
		close $file;
		rename "$clock.new", $clock or die $!;
	};

	$set_clock->('+0');
	$node->stop;
	{
		local $ENV{LD_PRELOAD} = $faketime;
		local $ENV{FAKETIME_TIMESTAMP_FILE} = $clock;
		local $ENV{FAKETIME_NO_CACHE} = 1;
		local $ENV{FAKETIME_DONT_FAKE_MONOTONIC} = 1;
		$node->start;
	}

	$node->safe_psql('postgres',
		'BEGIN;' . revoke(1) . q(PREPARE TRANSACTION 'left''behind'));
	is(findings(), '', 'a transaction just prepared');
	$set_clock->('+4m');
	is(findings(), '', 'its coordinator takes some time');
	$set_clock->('+10m');
	like(
		$node->safe_psql('postgres', 'SELECT fix FROM tokenauth_doctor()'),
		qr/^<COMMIT or ROLLBACK, as its coordinator says> PREPARED 'left''behind';/,
		'the transaction is named');
	is_cured(
		qr/warning: transaction "left'behind", prepared at .* in public.personal_access_token does not count yet/,
		0, 'prepared transaction left behind', qr/<.*>/ => 'COMMIT');
	$node->safe_psql('postgres',
		q(CREATE TABLE other (); BEGIN; DROP TABLE other; SELECT FROM personal_access_token;
		  PREPARE TRANSACTION 'other'));
	$set_clock->('+20m');
	is(findings(), '', 'one that has nothing to do with tokens');
	$node->safe_psql('postgres', q(ROLLBACK PREPARED 'other'));

	judge_anew($node, 2);
	$node->safe_psql('postgres', questions(2) . questions(3));
	is(findings(), '', 'answers are cached');
	$set_clock->('+19m');
	is_cured(
		qr/warning: the clock was set back: 2 cached answers are from the future, by up to \d+ seconds/,
		0, 'clock set back');
	$node->safe_psql('postgres', questions(2));
	is(findings(), '', 'answers cached since are not');
}

$node->stop;
done_testing();
