# Code of one table's owner that will not end holds neither a worker nor the
# server: others' last uses are written, others' tokens are loaded, and the
# server stops.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main');
foreach my $database ('his', 'hers')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	set_up($node, 10, $database);
}
$node->safe_psql('his', q(
	SELECT tokenauth_create_table('other_token', prefix => 'other_');
	CREATE FUNCTION never_end() RETURNS boolean LANGUAGE plpgsql AS ) . endless() . q(;
	CREATE FUNCTION on_writing() RETURNS trigger LANGUAGE plpgsql
		AS 'BEGIN PERFORM never_end(); RETURN NEW; END';));

sub refuse_to_end
{
	my ($table) = @_;
	$node->safe_psql('his', qq(
		CREATE TRIGGER on_writing BEFORE UPDATE OF last_used_at ON $table
			FOR EACH ROW EXECUTE FUNCTION on_writing()));
	return;
}

sub use_other
{
	$node->safe_psql('his', q(SELECT tokenauth_resolve(token)
		FROM tokenauth_issue('00000000-0000-0000-0000-00000000000a', 'other_token')));
	return;
}

sub is_written
{
	my ($database, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($node->poll_query_until($database, has_been_used($n)), $name);
	return;
}

# The pid of the worker, once it is held.
sub held_worker
{
	return poll_value($node, 'postgres', q(SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'tokenauth last use' AND wait_event = 'PgSleep'));
}

# ---- a trigger that catches its cancellation ----

refuse_to_end('personal_access_token');
$node->safe_psql('his', use_token(1));
configure($node, 'tokenauth.last_used_flush' => '20ms');
my $worker = held_worker();
is($node->safe_psql('postgres', "SELECT pg_cancel_backend($worker)"),
	't', 'a worker is held, and canceled');
use_other();
$node->safe_psql('hers', use_token(1));
is_written('hers', 1, 'in another database last uses are written');
ok( $node->poll_query_until('his', q(SELECT last_used_at IS NOT NULL FROM other_token)),
	'and in another table');
$node->wait_for_log(qr/were not written in time: a worker had to be terminated/);
is($node->safe_psql('his', has_been_used(1)), 'f', 'but not in that one');

# ---- at a stop ----

refuse_to_end('other_token');
use_other();
held_worker();
$node->safe_psql('hers', use_token(2));
$node->stop('fast');
ok(-s $node->data_dir . '/pg_stat/tokenauth.last_used',
	'the server stops, and keeps what is noted');
$node->start;
is_written('hers', 2, 'which is written after the start');

# ---- a worker that not even SIGTERM ends ----

$node->safe_psql('his', q(DROP TRIGGER on_writing ON other_token));
$node->restart;
$node->safe_psql('his', use_token(2));
$worker = held_worker();
kill 'STOP', $worker;
$node->safe_psql('hers', use_token(3));
is_written('hers', 3, 'it is left alone');
is( $node->safe_psql('postgres',
		q(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'tokenauth last use')),
	1, 'and there still');
kill 'CONT', $worker;
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $worker"),
	'it ends when it can');

# ---- a condition that does not end; attaching looks at rows, so it does so afterwards ----

$node->safe_psql('his', q(
	CREATE FUNCTION condition(uuid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
		AS 'BEGIN RETURN true; END';
	SELECT tokenauth_detach('personal_access_token');
	SELECT tokenauth_attach('personal_access_token', prefix => 'mul_',
		live_when => 'public.condition(user_id)');
	CREATE OR REPLACE FUNCTION condition(uuid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
		AS 'BEGIN RETURN public.never_end(); END';));
$node->append_conf('postgresql.conf', "tokenauth.warm_databases = 'his, hers'\n");
$node->restart;
$node->safe_psql('hers', use_token(4));
is_written('hers', 4, 'last uses are written while a condition holds up warming');
is($node->safe_psql('his', 'SELECT tokenauth_ready()'), 'f', 'it does');
foreach my $database ('his', 'hers')
{
	ok($node->poll_query_until($database, 'SELECT tokenauth_ready()'),
		"but not for ever: $database");
}
my $log = slurp_file($node->logfile);
like($log, qr/gave up loading the tokens of table \d+ of database "his"/,
	'its table is given up');
like($log, qr/loaded 9 tokens of database "hers"/, 'others are loaded');
like($log, qr/loaded \d+ tokens of database "his"/, 'in its database, too');
unlike($log, qr/invalid value for parameter/,
	'the workers complain of no setting');

$node->stop;
done_testing();
