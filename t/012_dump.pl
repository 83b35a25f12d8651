# pg_dump and restore: in the new cluster all sources are attached, cached and
# told of changes at once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $old = set_up(new_node('old'));
my $new = new_node('new');
my $dir = PostgreSQL::Test::Utils::tempdir;

# A table of the user's own, elsewhere, with odd names.
$old->safe_psql('postgres', q(
	CREATE SCHEMA "App";
	CREATE TABLE "App"."api tokens" (
		"key" bytea PRIMARY KEY, owner int NOT NULL, state text);
	INSERT INTO "App"."api tokens" VALUES (sha256('api_1'), 1, 'active');
	SELECT tokenauth_attach('"App"."api tokens"', source => 'api',
		prefix => 'api_', token_column => 'key', stored_as => 'sha256-bytea',
		user_column => 'owner', revoked_column => 'state',
		active_values => '{active}');
));
$old->safe_psql('postgres', revoke(2));

# A table dropped without a word to us leaves nothing behind.
$old->safe_psql('postgres', q(
	SELECT tokenauth_create_table('dropped', prefix => 'gone_');
	DROP TABLE dropped));

# In OIDs and file numbers the clusters are not to agree by chance.
$new->safe_psql('postgres',
	'CREATE TABLE shift (a text UNIQUE); DROP TABLE shift');

sub check_restored
{
	my ($how, $database) = @_;
	my $warm = session($new, $database);
	my $other = session($new, $database);
	my $place = [ $new, $database ];

	is( $new->safe_psql($database,
			q(SELECT string_agg(format('%s %s %s %s', relation, source,
					token_column, active_values), ', ' ORDER BY source)
			  FROM tokenauth_sources)),
		'"App"."api tokens" api key {active}, '
		  . 'personal_access_token personal_access_token token_hash ',
		"$how: the sources are those of the old cluster");
	is($new->safe_psql($database, 'SELECT count(*) FROM tokenauth_source'),
		2, "$how: no trace of the table that was dropped");
	is( $new->safe_psql($database, q(
			SELECT count(*) FROM pg_trigger
			WHERE tgenabled = 'A' AND tgfoid = 'tokenauth_changed'::regproc)),
		4,
		"$how: the triggers are there, enabled ALWAYS");
	is( $new->safe_psql($database, 'SELECT count(note) FROM tokenauth_stats'),
		0, "$how: the sources can be cached");

	is_warm($warm, 1, $how);
	is(judge($other, 1), 'valid', "$how: other session");
	all_say('revoked', 2, "$how, revoked before", $place, $other, $warm);
	$new->safe_psql($database, revoke(1));
	all_say('revoked', 1, "$how, revoked after", $place, $other, $warm);
	is(judge($warm, 11), 'unknown', "$how: not issued yet") foreach (1 .. 2);
	$new->safe_psql($database, issue(11));
	all_say('valid', 11, "$how, issued after", $place, $other, $warm);

	my $resolve = q(SELECT tokenauth_resolve('api_1', NULL::int));
	is($warm->query_safe($resolve), 1, "$how: user's own table") foreach (1 .. 2);
	$new->safe_psql($database,
		q(UPDATE "App"."api tokens" SET state = 'gone'));
	is($warm->query_safe($resolve), '', "$how: user's own table, revoked");
	is($new->safe_psql($database, $resolve),
		'', "$how: user's own table, revoked, new session");
	$_->quit foreach ($warm, $other);
	return;
}

command_ok([ 'pg_dump', '-d', $old->connstr('postgres'), '-f', "$dir/plain" ],
	'pg_dump, plain');
$new->safe_psql('postgres', 'CREATE DATABASE plain');
$new->command_ok(
	[ 'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d', 'plain', '-f', "$dir/plain" ],
	'restore by psql');
check_restored('plain dump', 'plain');

command_ok(
	[ 'pg_dump', '-Fd', '-d', $old->connstr('postgres'), '-f', "$dir/directory" ],
	'pg_dump, directory');
$new->safe_psql('postgres', 'CREATE DATABASE parallel');
$new->command_ok([ 'pg_restore', '-j2', '-d', 'parallel', "$dir/directory" ],
	'pg_restore, in parallel');
check_restored('directory dump', 'parallel');

# All of a cluster.  It has a superuser of that name already, hence no stop.
$old->command_ok([ 'pg_dumpall', '-f', "$dir/all" ], 'pg_dumpall');
$new->command_ok([ 'psql', '-X', '-d', 'postgres', '-f', "$dir/all" ],
	'restore of all');
check_restored('pg_dumpall', 'postgres');

$_->stop foreach ($old, $new);
done_testing();
