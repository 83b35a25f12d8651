# Last uses are written by background workers, whatever happens to those, to the
# tables, and to the server.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $soon = 'tokenauth.last_used_flush';
my $node = new_node(
	'main',
	init => { allows_streaming => 1 },
	conf => q(
restart_after_crash = on
tokenauth.last_used_flush = '1h'
));
my $saved = $node->data_dir . '/pg_stat/tokenauth.last_used';

# Use tokens, in a session that ends with that.
sub use_tokens
{
	my ($database, @tokens) = @_;
	$node->safe_psql($database, join ' ', use_token(@tokens));
	return;
}

sub is_written
{
	my ($database, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	ok($node->poll_query_until($database, has_been_used($n)), $name);
	return;
}

sub isnt_written
{
	my ($database, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($node->safe_psql($database, has_been_used($n)), 'f', $name);
	return;
}

sub counter
{
	my ($database, $name, $source) = @_;
	return $node->safe_psql($database, "SELECT sum($name) FROM tokenauth_stats"
		  . ($source ? " WHERE source = '$source'" : ''));
}

sub logged
{
	my ($regexp, $from) = @_;
	my @matches = slurp_file($node->logfile, $from // 0) =~ /$regexp/g;
	return scalar @matches;
}

# A trigger on the token table that does something before a use is written.
sub on_writing
{
	my ($database, $plpgsql) = @_;
	$node->safe_psql($database, qq(
		CREATE OR REPLACE FUNCTION on_writing() RETURNS trigger LANGUAGE plpgsql
			AS \$\$ BEGIN $plpgsql; RETURN NEW; END \$\$;
		CREATE OR REPLACE TRIGGER on_writing
			BEFORE UPDATE OF last_used_at ON personal_access_token
			FOR EACH ROW EXECUTE FUNCTION on_writing();));
	return;
}

# The writing of uses waits in on_writing(), until $holder lets go.
my $holder;

sub hold_writing
{
	my ($database) = @_;
	on_writing($database, q(
		WHILE NOT pg_try_advisory_xact_lock(1) LOOP
			PERFORM pg_sleep(0.01);
		END LOOP));
	$holder = session($node, $database);
	$holder->query_safe('SELECT pg_advisory_lock(1)');
	return;
}

sub let_go
{
	$holder->quit;
	return;
}

# The pid of the worker, or what else is asked of it, once it is writing.
sub busy_worker
{
	my ($database, $what) = @_;

	$what //= 'pid';
	return poll_value($node, 'postgres', qq(
		SELECT $what FROM pg_stat_activity
		WHERE backend_type = 'tokenauth last use' AND datname = '$database'
		AND wait_event = 'PgSleep'));
}

sub crash
{
	my ($pid) = @_;
	my $log_end = -s $node->logfile;

	kill 'KILL', $pid;
	$node->wait_for_log(qr/reinitializing/, $log_end);
	$node->poll_query_until('postgres', 'SELECT true')
	  or die 'no restart after the crash';
	return;
}

# ---- by itself, in each database ----

set_up($node, 200);
foreach my $database ('one', 'two')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	set_up($node, 200, $database);
}
$node->safe_psql('postgres', q(
	ALTER DATABASE two SET default_transaction_read_only = on;
	ALTER DATABASE two SET default_transaction_isolation = serializable;
	ALTER DATABASE two SET default_transaction_deferrable = on;
	ALTER DATABASE two SET session_replication_role = replica;
	ALTER DATABASE two SET lock_timeout = 1;));
use_tokens($_, 1, 2) foreach ('postgres', 'one', 'two');
isnt_written('postgres', 1, 'not in the request');
configure($node, $soon => '20ms');
is_written('postgres', 1, 'written by a worker');
is_written('one', 2, 'in another database');
is_written('two', 2, 'in one whose settings are unkind');
$node->safe_psql('postgres', 'ALTER DATABASE two RESET ALL');

# ---- a clean stop ----

sub restart_after
{
	my ($mode) = @_;
	$node->stop($mode);
	my $size = -s $saved // 0;
	$node->start;
	return $size;
}

configure($node, $soon => '1h');
use_tokens('one', 3);
isnt(restart_after('fast'), 0, 'a fast stop keeps what is noted');
is_written('one', 3, 'written after the stop');
use_tokens('one', 4, 5);
use_tokens('two', 4);
isnt(restart_after('smart'), 0, 'a smart stop, too');
is_written($_, 4, 'written after the stop') foreach ('one', 'two');
ok(!-e $saved, 'and no longer kept');
is(restart_after('fast'), 0, 'nothing is kept if nothing is noted');

# ---- killed ----

configure($node, $soon => '20ms');
hold_writing('postgres');
use_tokens('postgres', 10, 11);
my $worker = busy_worker('postgres',
	'CASE WHEN pg_terminate_backend(pid, 60000) THEN pid END');
my $next = busy_worker('postgres');
isnt($next, $worker, 'another one takes over');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($next)");
let_go();
is_written('postgres', $_, 'written after a worker was terminated')
  foreach (10, 11);

hold_writing('postgres');
use_tokens('postgres', 12);
crash(busy_worker('postgres'));
end_sessions($holder);
use_tokens('postgres', 13);
is_written('postgres', 13, 'written after a worker was killed');

my ($launcher) = processes($node, 'tokenauth launcher');
ok($launcher, 'there is a launcher');
kill 'TERM', $launcher;
use_tokens('postgres', 14);
is_written('postgres', 14, 'written after the launcher was terminated');
my @launchers = processes($node, 'tokenauth launcher');
is(@launchers, 1, 'there is one launcher again');
isnt($launchers[0], $launcher, 'another one');
crash($launchers[0]);
use_tokens('postgres', 15);
is_written('postgres', 15, 'written after the launcher was killed');

# ---- locked rows and tables ----

configure($node, $soon => '200ms');
$holder = session($node, 'one');
$holder->query_safe(q(BEGIN;
	SELECT FROM personal_access_token WHERE user_id = lpad('50', 32, '0')::uuid FOR UPDATE));
use_tokens('one', 50, 51);
is_written('one', 51, 'written although another row is locked');
let_go();
is_written('one', 50, 'the locked row, too, when it no longer is');
$holder = session($node, 'one');
$holder->query_safe(q(BEGIN; LOCK TABLE personal_access_token IN SHARE MODE));
use_tokens('one', 52);
use_tokens('two', 52);
is_written('two', 52, 'written although another table is locked');
isnt_written('one', 52, 'the locked table is not written');
let_go();
is_written('one', 52, 'but when it no longer is');

# ---- what is not there any more ----

configure($node, $soon => '1h');
my $log_end = -s $node->logfile;
$node->safe_psql('postgres', 'CREATE DATABASE dropped');
set_up($node, 10, 'dropped');
$node->safe_psql('one', q(
	SELECT tokenauth_create_table('gone', prefix => 'gone_');
	SELECT tokenauth_create_table('empty', prefix => 'empty_');
	SELECT tokenauth_create_table('left_alone', prefix => 'left_alone_');
	SELECT count(tokenauth_resolve(token))
	FROM unnest(ARRAY['gone', 'empty', 'left_alone']) source,
		LATERAL tokenauth_issue('00000000-0000-0000-0000-00000000000a', source);
	DROP TABLE gone;
	TRUNCATE empty;
	SELECT tokenauth_detach('left_alone');));
use_tokens('dropped', 1, 2);
use_tokens('one', 16);
$node->safe_psql('postgres', 'DROP DATABASE dropped');
configure($node, $soon => '20ms');
is_written('one', 16, 'tables gone: others are written');
use_tokens('one', 17);
is_written('one', 17, 'tables gone: and again');
is(logged(qr/FATAL: +database \d+ does not exist/, $log_end),
	1, 'a dropped database is found to be so once');
is(logged(qr/ERROR/, $log_end), 0, 'a dropped table is no error');
configure($node, $soon => '1h');
is(restart_after('fast'), 0, 'nothing is left of them');

# ---- triggers of others ----

on_writing('two', q(
	IF NEW.user_id = '00000000-0000-0000-0000-000000000033' THEN
		RAISE 'not this one';
	END IF));
use_tokens('two', 5 .. 100);
my $dropped = counter('two', 'uses_dropped');
$log_end = -s $node->logfile;
# a new launcher begins with a turn, and an hour passes until the next one
kill 'TERM', processes($node, 'tokenauth launcher');
ok( $node->poll_query_until('two',
		q(SELECT count(last_used_at) = 98 FROM personal_access_token)),
	'a row that cannot be written keeps no other from it');
isnt_written('two', 33, 'it is not written');
ok(logged(qr/not this one/, $log_end), 'it is in the log');
configure($node, $soon => '20ms');
ok( $node->poll_query_until('two',
		"SELECT sum(uses_dropped) = $dropped + 1 FROM tokenauth_stats"),
	'and is given up in the end');
cmp_ok(logged(qr/not this one/, $log_end), '<=', 20, 'once for each try');

# Given up is only what fails again and again.
on_writing('two', q(RAISE 'not now'));
$log_end = -s $node->logfile;
use_tokens('two', 101, 102);
$node->wait_for_log(qr/not now/, $log_end);
on_writing('two', 'NULL');
is_written('two', $_, 'written when the trigger lets it') foreach (101, 102);

# None of many.
on_writing('two', q(RAISE 'never'));
$dropped = counter('two', 'uses_dropped');
use_tokens('two', 103 .. 200);
ok( $node->poll_query_until('two',
		"SELECT sum(uses_dropped) = $dropped + 98 FROM tokenauth_stats"),
	'what cannot be written is given up');
on_writing('two', 'NULL');

# A deferred trigger would run as somebody else, were it not run at once.
$node->safe_psql('one', q(
	CREATE TABLE seen (who name);
	CREATE ROLE owner;
	ALTER TABLE personal_access_token OWNER TO owner;
	ALTER TABLE seen OWNER TO owner;
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
		'BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER see AFTER UPDATE ON personal_access_token
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();));
use_tokens('one', 18);
is_written('one', 18, 'with a deferred trigger');
is($node->safe_psql('one', 'SELECT DISTINCT who FROM seen'),
	'owner', 'which ran as the owner');

# One that sleeps stops neither others, nor DROP DATABASE, nor the server.
$node->safe_psql('postgres', 'CREATE DATABASE asleep');
set_up($node, 10, 'asleep');
on_writing('asleep', 'PERFORM pg_sleep(10000)');
use_tokens('asleep', 1 .. 10);
busy_worker('asleep');
use_tokens('one', 19);
is_written('one', 19, 'written although a trigger sleeps elsewhere');
use_tokens('asleep', 1 .. 10);
busy_worker('asleep');
is( $node->psql('postgres', 'DROP DATABASE asleep'),
	0, 'a database is dropped although its trigger sleeps');

configure($node, $soon => '1h');
$node->safe_psql('two', issue(301));
on_writing('two', 'PERFORM pg_sleep(10000)');
use_tokens('two', 301);
isnt(restart_after('fast'), 0, 'the server stops although a trigger sleeps');
on_writing('two', 'NULL');
configure($node, $soon => '20ms');
is_written('two', 301, 'and nothing is lost by that');

# ---- settings ----

my $last_used = q(SELECT last_used_at FROM personal_access_token
	WHERE user_id = '00000000-0000-0000-0000-000000000020');
configure($node, 'tokenauth.last_used_interval' => '1h');
use_tokens('one', 20);
is_written('one', 20, 'with an interval of an hour');
my $first = $node->safe_psql('one', $last_used);
my $noted = counter('one', 'uses_noted');
use_tokens('one', (20) x 10);
is(counter('one', 'uses_noted'), $noted, 'a use in it is not noted');
configure($node, 'tokenauth.last_used_interval' => '1s');
ok( $node->poll_query_until('one', sprintf
		q(SELECT tokenauth_resolve('%s') IS NOT NULL AND (%s) > '%s'),
		token(20), $last_used, $first),
	'with an interval of a second it is');
configure($node, 'tokenauth.last_used_interval' => '0');
$noted = counter('one', 'uses_noted');
use_tokens('one', 20 .. 29);
is(counter('one', 'uses_noted'), $noted, 'none are kept if it is 0');
configure($node, 'tokenauth.last_used_interval' => '1min');

# ---- a standby ----

my $primary = $node;
my $standby = new_standby($primary, 'standby');
$standby->safe_psql('one', join ' ', use_token(30));
is( $standby->safe_psql('one', q(SELECT tokenauth_flush_last_used())),
	0, 'a standby has nothing to write');
is( $standby->safe_psql('one',
		q(SELECT sum(uses_noted) FROM tokenauth_stats)),
	0, 'it notes nothing');
$primary->stop;
$standby->promote;
$node = $standby;
use_tokens('one', 31);
is_written('one', 31, 'promoted, it writes');
is(scalar processes($standby, 'tokenauth launcher'), 1, 'by its launcher');
$standby->stop;

done_testing();
