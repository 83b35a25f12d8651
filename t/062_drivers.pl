# Each driver of doc/clients.md makes each call of a service's with ids of its own types, as
# its language has them; straight, and through PgBouncer in transaction mode with what
# doc/clients.md says to set there.  It tells which write a token into the statement's
# text.  A driver that is not installed is skipped.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $drivers = "$FindBin::RealBin/drivers";
my $node = new_node('main');
my $role = (getpwuid $<)[0];

# A source for each type that ids have; it is named after that.
$node->safe_psql(
	'postgres', q(
	CREATE EXTENSION tokenauth CASCADE;
	CREATE TABLE by_number (id serial PRIMARY KEY, token_hash text UNIQUE, user_id bigint NOT NULL,
		revoked boolean NOT NULL DEFAULT false);
	SELECT tokenauth_attach('by_number', 'bigint', prefix => 'n_');
	CREATE TABLE by_uuid (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token_hash text UNIQUE,
		user_id uuid NOT NULL, revoked boolean NOT NULL DEFAULT false);
	SELECT tokenauth_attach('by_uuid', 'uuid', prefix => 'u_');
	CREATE TABLE by_text (id text PRIMARY KEY DEFAULT gen_random_uuid(), token_hash text UNIQUE,
		user_id text NOT NULL, revoked boolean NOT NULL DEFAULT false);
	SELECT tokenauth_attach('by_text', 'text', prefix => 't_');));

my $calls = join '', map {
	my ($type, $user) = @$_;
	"$type: issue, resolve $user, identify valid $user, bind valid, list 1, rotate revoked,"
	  . " revoke true, revoke_user 1, now revoked\n"
} [ 'smallint', 5 ], [ 'int', 70000 ], [ 'bigint', 5000000000 ],
  [ 'uuid', '00000000-0000-4000-8000-00000000000a' ], [ 'text', 'ann' ];

# The command that runs a language's program, and those that tell whether it can be.
sub python
{
	my ($driver) = @_;
	return ([ '/usr/bin/python3', "$drivers/calls.py", $driver ],
		[ '/usr/bin/python3', '-c', "import $driver" ]);
}

sub node
{
	my ($driver) = @_;
	return ([ 'node', "$drivers/calls.js", $driver ], [ 'node', '-e', "require('$driver')" ]);
}

sub go
{
	my ($driver) = @_;
	return ([ "$dir/calls-go", $driver ], [ "$dir/calls-go", 'none' ]);
}

local %ENV = (
	%ENV,
	PGHOST => $node->host,
	PGPORT => $node->port,
	PGDATABASE => 'postgres',
	PGUSER => $role,
	PGSSLMODE => 'disable');
{
	local %ENV = (GOCACHE => "$dir/go", %ENV, GO111MODULE => 'off', GOPATH => '/usr/share/gocode');
	run_log([ 'go', 'build', '-o', "$dir/calls-go", "$drivers/calls.go" ]);
}

my ($pooler, $sockets) = pgbouncer() ? start_pgbouncer($node, 'postgres', $role) : ();

# What it says, and what it complains of.
sub calls
{
	my ($command) = @_;
	my ($out, $error);
	run_log($command, '>', \$out, '2>', \$error);
	return $out . $error;
}

foreach ([ 'psycopg', \&python ], [ 'psycopg2', \&python ], [ 'asyncpg', \&python ],
	[ 'sqlalchemy', \&python ], [ 'django', \&python ], [ 'pg', \&node ],
	[ 'postgres', \&node ], [ 'pgx', \&go ], [ 'pq', \&go ])
{
	my ($driver, $language) = @$_;
	my ($command, $installed) = $language->($driver);
	my $where = $driver =~ /^(psycopg2|sqlalchemy|django)$/ ? "in the statement's text" : 'separate';
	my $expected = "parameters: $where\n$calls";

  SKIP: {
		skip "$driver is not installed", 2 unless run_log($installed);
		is(calls($command), $expected, $driver);

		# twice, for on the one server connection a statement left behind by the first
		# would be in the way of the second
		skip 'PgBouncer is not installed', 1 unless $pooler;
		local %ENV = (%ENV, PGHOST => $sockets, PGPORT => 6432, DB_PREPARE => 0);
		is(calls($command) . calls($command), $expected x 2, "$driver, pooled");
	}
}

$pooler->kill_kill if $pooler;
$node->stop;
done_testing();
