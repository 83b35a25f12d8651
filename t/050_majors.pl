# From one major of PostgreSQL to a newer one, by pg_upgrade and by dump and
# restore: every token has the verdict that it had, at once and from the cache,
# and everybody may do what they might.
#
# TOKENAUTH_OLD_BIN is the folder of programs of the older server, which must
# have this tokenauth installed.

use strict;
use warnings;

use File::Basename;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $old_bin = $ENV{TOKENAUTH_OLD_BIN}
  or plan skip_all => 'TOKENAUTH_OLD_BIN is not set';
my ($new_bin) = run_command([ 'pg_config', '--bindir' ]);
my %major = map { (run_command([ "$_/pg_config", '--version' ]))[0] =~ /(\d+)/ ? ($_ => $1) : () }
  ($old_bin, $new_bin);

plan skip_all => "both servers are of major $major{$new_bin}"
  if $major{$old_bin} >= $major{$new_bin};
note("from $major{$old_bin} to $major{$new_bin}");

# Since PostgreSQL 18 clusters have checksums unless told otherwise.
my @init = $major{$new_bin} >= 18 ? (init => { extra => ['--no-data-checksums'] }) : ();
my $old = set_up(new_node('old', install_path => dirname($old_bin)));
my $upgraded = new_node('upgraded', @init);
my $restored = new_node('restored', @init);

# A source of every kind: one of the user's own with parents, a status, claims,
# a time zone and odd names; one of plaintext tokens; one of sliding expiry; and
# one whose table was dropped without a word to us.
$old->safe_psql('postgres', q(
	CREATE ROLE app;
	CREATE ROLE support;
	GRANT EXECUTE ON FUNCTION tokenauth_resolve, tokenauth_identify TO app;
	GRANT EXECUTE ON FUNCTION tokenauth_revoke(text) TO support;

	CREATE SCHEMA "App";
	CREATE TYPE "App".state AS ENUM ('active', 'paused', 'revoked');
	CREATE TABLE "App".member (id int PRIMARY KEY, active bool NOT NULL);
	CREATE TABLE "App".org (slug text PRIMARY KEY, closed_at timestamp);
	CREATE TABLE "App"."api tokens" (
		"key" bytea PRIMARY KEY, id uuid NOT NULL DEFAULT gen_random_uuid(),
		owner int NOT NULL REFERENCES "App".member, org text REFERENCES "App".org,
		state "App".state NOT NULL, plan text, "valid until" timestamp);
	INSERT INTO "App".member SELECT n, n <> 3 FROM generate_series(1, 8) n;
	INSERT INTO "App".org VALUES ('open', NULL), ('closed', '2026-01-01');
	INSERT INTO "App"."api tokens" (key, owner, org, state, plan, "valid until")
	SELECT sha256(('api_' || n)::bytea), n,
		CASE n WHEN 4 THEN 'closed' WHEN 5 THEN NULL ELSE 'open' END,
		(CASE n WHEN 6 THEN 'paused' WHEN 7 THEN 'revoked' ELSE 'active' END)::"App".state,
		'plan ' || n, CASE n WHEN 8 THEN '2026-01-01' ELSE '2999-01-01' END::timestamp
	FROM generate_series(1, 8) n;
	SELECT tokenauth_attach('"App"."api tokens"', source => 'api', prefix => 'api_',
		token_column => 'key', stored_as => 'sha256-bytea', user_column => 'owner',
		revoked_column => 'state', active_values => '{active}',
		expires_column => 'valid until', timezone => 'Asia/Tokyo', claims => '{plan}');
	SELECT tokenauth_attach_parent('api', '"App".member', 'owner', live_when => 'active');
	SELECT tokenauth_attach_parent('api', '"App".org', 'org', 'slug',
		live_when => 'closed_at IS NULL');

	CREATE TABLE plain (id bigint PRIMARY KEY, token text UNIQUE, user_id text,
		last_used_at timestamptz);
	INSERT INTO plain VALUES (1, 'plain_1', 'somebody');
	SELECT tokenauth_attach('plain', prefix => 'plain_', token_column => 'token',
		stored_as => 'plaintext');

	CREATE TABLE sliding (id int PRIMARY KEY, token_hash text UNIQUE, user_id int,
		expires_at timestamptz, created_at timestamptz DEFAULT now());
	INSERT INTO sliding VALUES (1, encode(sha256('slide_1'), 'hex'), 1, now() + '1 hour');
	SELECT tokenauth_attach('sliding', prefix => 'slide_', sliding_ttl => '30 days',
		sliding_threshold => '7 days', max_lifetime => '1 year');

	SELECT tokenauth_create_table('dropped', prefix => 'gone_');
	DROP TABLE dropped;
) . revoke(2));

my $tokens = join(', ', map { "('$_')" } map({ token($_) } 1, 2, 11),
	map({ "api_$_" } 1 .. 9), 'gone_1', 'plain_1', 'plain_2', 'slide_1', 'slide_2');
my %ask = (
	verdicts => qq(SELECT t, (tokenauth_identify(t)).* FROM (VALUES $tokens) v (t)),
	sources => q(SELECT * FROM tokenauth_sources ORDER BY source),
	triggers => q(SELECT tgrelid::regclass, tgname, tgenabled FROM pg_trigger
		WHERE tgfoid = 'tokenauth_changed'::regproc ORDER BY tgrelid::regclass::text, tgname),
	findings => q(SELECT * FROM tokenauth_doctor()),
	rights => q(SELECT p.oid::regprocedure, a.grantee::regrole FROM pg_proc p, aclexplode(proacl) a
		WHERE proname LIKE 'tokenauth%' AND a.grantee IN ('app'::regrole, 'support'::regrole, 0)
		ORDER BY p.oid::regprocedure::text, a.grantee::regrole::text),
);
my %before = map { $_ => $old->safe_psql('postgres', $ask{$_}) } keys %ask;

like($before{verdicts}, qr/^api_1\|valid\|api\|1\|/m, 'a token is valid before');
is(scalar(() = $before{verdicts} =~ /\|valid\|/g), 6, 'six are, before');
like($before{rights}, qr/app/, 'rights were granted before');

sub check
{
	my ($node, $how) = @_;
	my $warm = session($node);

	is($node->safe_psql('postgres', $ask{$_}), $before{$_}, "$how: the same $_")
	  foreach (sort keys %ask);

	# each source has its own figures, and its own answers come from the cache
	$node->safe_psql('postgres', 'SELECT tokenauth_stats_reset()');
	$warm->query_safe($ask{verdicts}) foreach (1 .. 2);
	is( $warm->query_safe(q(SELECT source, hits > 0, entries > 0, note IS NULL
			FROM tokenauth_stats ORDER BY 1)),
		"api|t|t|t\npersonal_access_token|t|t|t\nplain|t|t|t\nsliding|t|t|t",
		"$how: all are cached and counted apart");

	# and all that tells of changes is there
	my $status = q(SELECT status FROM tokenauth_identify('%s'));
	foreach my $case (
		[ 'api_1', 'disabled', q(UPDATE "App".member SET active = false WHERE id = 1) ],
		[ 'api_2', 'disabled', q(UPDATE "App".org SET closed_at = '2026-02-02' WHERE slug = 'open') ],
		[ 'api_5', 'revoked', q(UPDATE "App"."api tokens" SET state = 'revoked' WHERE owner = 5) ],
		[ token(1), 'revoked', revoke(1) ],
		[ 'plain_1', 'unknown', q(DELETE FROM plain) ],
		[ 'slide_1', 'expired', q(UPDATE sliding SET expires_at = '2026-01-01') ])
	{
		my ($token, $expected, $change) = @$case;

		$node->safe_psql('postgres', $change);
		is($warm->query_safe(sprintf $status, $token), $expected, "$how: $token, changed");
	}

	# who may do what
	is($node->safe_psql('postgres', q(SET ROLE app;) . sprintf($status, 'api_1')),
		'disabled', "$how: app may ask");
	my $refused = qr/permission denied for function tokenauth_revoke/;
	my $revoke = q(SELECT tokenauth_revoke('mul_none'));
	like(($node->psql('postgres', "SET ROLE app; $revoke"))[2], $refused, "$how: app may not revoke");
	is($node->safe_psql('postgres', "SET ROLE support; $revoke"), 'f', "$how: support may revoke");

	# name and prefix of the table that was dropped are free
	$node->safe_psql('postgres', q(SELECT tokenauth_create_table('dropped', prefix => 'gone_');
		INSERT INTO dropped (user_id, token_hash)
		VALUES (gen_random_uuid(), encode(sha256('gone_1'), 'hex'))));
	is($warm->query_safe(sprintf $status, 'gone_1'), 'valid', "$how: attached anew");
	$warm->quit;
	return;
}

# By dump and restore, with the newer server's programs.
my $dump = PostgreSQL::Test::Utils::tempdir . '/dump';
$restored->safe_psql('postgres',
	'CREATE TABLE shift (a text UNIQUE); DROP TABLE shift');
command_ok([ 'pg_dumpall', '-d', $old->connstr('postgres'), '-f', $dump ],
	'pg_dumpall');
# it has a superuser of that name already, hence no stop
$restored->command_ok([ 'psql', '-X', '-q', '-d', 'postgres', '-f', $dump ],
	'restore');
is( $restored->safe_psql('postgres', 'SELECT count(*) FROM tokenauth_source'),
	4, 'restored: no trace of the table that was dropped');
check($restored, 'restored');
$restored->stop;

# By pg_upgrade.
sub pg_upgrade
{
	my ($from, $to) = @_;

	$_->stop foreach ($from, $to);
	chdir PostgreSQL::Test::Utils::tempdir or die;
	return run_log(
		[
			'pg_upgrade', '--no-sync',
			'-d' => $from->data_dir, '-D' => $to->data_dir,
			'-b' => $old_bin, '-B' => $new_bin,
			'-s' => $to->host, '-p' => $from->port, '-P' => $to->port
		]);
}

# Whether these two minor releases can be upgraded at all: not from a newer one.
sub pg_upgrade_works_without_us
{
	my $from = new_node('other_old', install_path => dirname($old_bin));
	my $to = new_node('other_new', @init);

	$from->safe_psql('postgres', 'CREATE TABLE t (a int)');
	return pg_upgrade($from, $to);
}

SKIP: {
	my $done = pg_upgrade($old, $upgraded);

	skip 'pg_upgrade does not go between these minor releases', 1
	  unless $done || pg_upgrade_works_without_us();
	ok($done, 'pg_upgrade') or last;
	$upgraded->start;
	check($upgraded, 'upgraded');
	$upgraded->stop;
}
done_testing();
