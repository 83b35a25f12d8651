# Who owns a database and a token table in it tries to become superuser by what
# he may do: by the settings of his database, and by code of his that runs when
# a worker writes last uses or loads tokens, or when a superuser under his role
# calls us.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main', conf => q(
tokenauth.last_used_flush = '20ms'
));

$node->safe_psql('postgres', q(
	CREATE ROLE mallory LOGIN;
	CREATE DATABASE his OWNER mallory;));
$node->safe_psql('his', q(
	CREATE EXTENSION tokenauth CASCADE;
	GRANT EXECUTE ON FUNCTION tokenauth_create_table, tokenauth_attach,
		tokenauth_detach TO mallory;));

sub as_mallory
{
	my ($sql) = @_;
	return $node->safe_psql('his', $sql, extra_params => [ '-U', 'mallory' ]);
}

# What he tries, and what he finds: the role by which the session could take
# back more rights, and settings that he could have made.  He says so in the log, for
# not all of his code may write.
as_mallory(q(
	CREATE FUNCTION public.attack(place text) RETURNS boolean LANGUAGE plpgsql AS $$
	DECLARE
		way text;
	BEGIN
		FOREACH way IN ARRAY ARRAY['RESET ROLE', 'SET ROLE NONE',
			'SET ROLE postgres', 'RESET SESSION AUTHORIZATION',
			'SET SESSION AUTHORIZATION DEFAULT', 'SET SESSION AUTHORIZATION postgres',
			$x$SELECT set_config('role', 'none', false)$x$]
		LOOP
			BEGIN
				EXECUTE way;
				IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
					RAISE LOG 'found at %: %', place, way;
					ALTER ROLE mallory SUPERUSER;
				END IF;
			EXCEPTION WHEN OTHERS THEN NULL;
			END;
		END LOOP;
		RAISE LOG 'found at %: session of %', place, session_user;
		FOR way IN SELECT source || ' setting ' || name FROM pg_settings
			WHERE source IN ('global', 'database', 'user', 'database user')
		LOOP
			RAISE LOG 'found at %: %', place, way;
		END LOOP;
		RETURN true;
	END $$;
	CREATE FUNCTION public.condition(uuid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql
		AS 'BEGIN RETURN public.attack(''condition''); END';
	CREATE FUNCTION public.on_writing() RETURNS trigger LANGUAGE plpgsql
		AS 'BEGIN PERFORM public.attack(''trigger''); RETURN NEW; END';
	SELECT tokenauth_create_table('personal_access_token');
	SELECT tokenauth_detach('personal_access_token');
	SELECT tokenauth_attach('personal_access_token', prefix => 'mul_',
		live_when => 'public.condition(user_id)');
	CREATE TRIGGER on_writing BEFORE UPDATE ON personal_access_token
		FOR EACH ROW EXECUTE FUNCTION public.on_writing();)
	  . issue(1, 20));

# What he finds from now on counts.
my $looked = 0;

sub forget_found
{
	$looked = -s $node->logfile;
	return;
}

# What he has found at a place since.
sub found_at
{
	my ($place) = @_;
	my %found = map { $_ => 1 }
		slurp_file($node->logfile, $looked) =~ /found at $place: (.+)$/mg;

	return join "\n", sort keys %found;
}

# The same; "" if his rights were all there was.
sub loot
{
	my ($place) = @_;
	my $found = join ', ', grep { $_ ne 'session of mallory' }
		split(/\n/, found_at($place));
	my $promoted = $node->safe_psql('postgres',
		q(SELECT 'superuser' FROM pg_roles WHERE rolname = 'mallory' AND rolsuper));

	$node->safe_psql('postgres', 'ALTER ROLE mallory NOSUPERUSER');
	return join ', ', grep { $_ ne '' } $found, $promoted;
}

# The worker has been there, and so has his code.
sub written
{
	my ($n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	forget_found();
	$node->safe_psql('his', use_token($n));
	$node->poll_query_until('his', has_been_used($n)) or die 'not written';
	isnt(found_at('trigger'), '', "$name: his trigger has run");
	is(loot('trigger'), '', "$name: it found nothing");
	return;
}

$node->safe_psql('his', 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO mallory');

# ---- a worker that writes last uses ----

written(1, 'last use');
as_mallory('ALTER DATABASE his SET role = mallory');
written(2, 'last use, role set for the database');
as_mallory(q(ALTER DATABASE his SET session_authorization = mallory));
written(3, 'last use, role and session authorization set');
as_mallory(q(
	ALTER DATABASE his RESET role;
	ALTER DATABASE his SET row_security = off;
	ALTER DATABASE his SET work_mem = '64kB';
	ALTER DATABASE his SET search_path = public;
	ALTER DATABASE his SET default_transaction_isolation = serializable;
	ALTER DATABASE his SET default_tablespace = 'pg_default';
	ALTER DATABASE his SET client_encoding = 'LATIN1';
	ALTER DATABASE his SET datestyle = 'German';
	ALTER DATABASE his SET client_min_messages = error;
	ALTER DATABASE his SET check_function_bodies = off;));
written(4, 'last use, other settings of the database');
$node->safe_psql('postgres', q(
	ALTER DATABASE his SET session_replication_role = replica;
	ALTER ROLE postgres SET enable_hashjoin = off;
	ALTER ROLE postgres IN DATABASE his SET role = mallory;
	ALTER ROLE postgres IN DATABASE his SET enable_seqscan = off;
	ALTER ROLE ALL SET enable_indexscan = off;));
written(5, 'last use, settings of roles');
$node->safe_psql('postgres', q(
	ALTER ROLE postgres RESET ALL;
	ALTER ROLE postgres IN DATABASE his RESET ALL;
	ALTER ROLE ALL RESET ALL;
	ALTER DATABASE his RESET session_replication_role;));

# ---- a worker that loads tokens ----

as_mallory(q(ALTER DATABASE his SET role = mallory));
forget_found();
$node->append_conf('postgresql.conf', "tokenauth.warm_databases = 'his'\n");
$node->restart;
$node->poll_query_until('his', 'SELECT tokenauth_ready()') or die 'not warmed';
my $log = slurp_file($node->logfile);
like($log, qr/tokenauth loaded \d+ tokens of database "his"/, 'warming: has loaded');
is(loot('condition'), '', 'warming: his condition found nothing');
as_mallory('ALTER DATABASE his RESET ALL');
configure($node, 'tokenauth.last_used_flush' => '1h');

# ---- a superuser who has become him for a while ----

# A transaction of a session of the superuser's; what it says for an error.
sub superuser
{
	my ($sql) = @_;
	my ($out, $err) = ('', '');

	forget_found();
	$node->psql('his', "BEGIN; $sql; COMMIT;",
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	return $err;
}

sub with_token
{
	my ($function, $n) = @_;
	return sprintf q(SELECT %s('%s')), $function, token($n);
}

my $n = 10;
foreach my $become ('SET ROLE mallory', 'SET SESSION AUTHORIZATION mallory')
{
	superuser("$become; SELECT tokenauth_flush(); "
		  . with_token('tokenauth_resolve', ++$n));
	like(found_at('condition'), qr/^session of \w+$/, "$become, resolve: nothing");
	superuser("$become; " . with_token('tokenauth_revoke', ++$n));
	like(found_at('trigger'), qr/^session of \w+$/, "$become, revoke: nothing");
	$node->safe_psql('his', use_token(++$n));
	superuser("$become; SELECT tokenauth_flush_last_used()");
	like(found_at('trigger'), qr/^session of \w+$/, "$become, last use: nothing");
	is(loot(''), '', "$become: no superuser");
}

# What would run later, and as somebody else.
as_mallory(q(
	CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql
		AS 'BEGIN PERFORM public.attack(''later''); RETURN NULL; END';
	CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON personal_access_token
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();));
like(superuser('SET ROLE mallory; ' . with_token('tokenauth_revoke', 8)
		  . '; RESET ROLE'),
	qr/cannot fire deferred trigger within security-restricted operation/,
	'a deferred trigger does not wait for the superuser');
is(loot('later'), '', 'it has not run');
as_mallory(q(DROP TRIGGER later ON personal_access_token;));

# He himself, as himself, may: there is nothing to be gained.
forget_found();
as_mallory(q(
	CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON personal_access_token
		DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION later();));
is(as_mallory(with_token('tokenauth_revoke', 9)),
	't', 'in a session of his own a deferred trigger is let wait');
is(found_at('later'), 'session of mallory', 'and has run');
is(loot('later'), '', 'with nothing but his rights');

$node->stop;
done_testing();
