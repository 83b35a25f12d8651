# To a version 1.1, which is made up (t/next): a server with attached sources, a warm
# cache and traffic gets the new library, then the new SQL.  No token is refused that
# is valid, none accepted that is not.  In the wrong order it is refused, aloud.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $source = dirname($FindBin::RealBin);
my $dir = PostgreSQL::Test::Utils::tempdir;

my ($bindir) = own_server();

# The source with what t/next says.
mkdir "$dir/tree" or die;
system_or_bail('cp', '-a', (map { "$source/$_" } qw(Makefile src tokenauth.control tokenauth--1.0.sql)),
	"$dir/tree");
my ($path, $text, @changed);
sub save
{
	return unless $path;
	push @changed, $path;
	append_to_file("$path.new", $text);
	rename("$path.new", $path) or die "$path: $!";
	return;
}
foreach (split /^(?=file: |before: )/m, slurp_file("$source/t/next/changes"))
{
	if (/^file: (.*)/)
	{
		save();
		$path = "$dir/tree/$1";
		$text = slurp_file($path);
	}
	elsif (/^before: ([^\n]*)\n(.*)/s)
	{
		my ($place, $lines) = ($1, $2);
		$place =~ s/\\n/\n/g;
		die "not once in $path: $place" unless 1 == (() = $text =~ /^\Q$place\E/mg);
		$text =~ s/^(?=\Q$place\E)/$lines/m;
	}
}
save();

# What includes a file of those, or is one of them, is compiled anew; the rest has been.
sub forget_objects
{
	my %is_old = map { $_ => 1 } @_;
	my @sources = glob("$dir/tree/src/*.c $dir/tree/src/*/*.[ch]");
	my $before = 0;

	while ($before < keys %is_old)
	{
		$before = keys %is_old;
		foreach my $file (@sources)
		{
			my @includes = slurp_file($file) =~ /^#include "([^"]+)"/mg;

			$is_old{$file} = 1 if grep { $is_old{"$dir/tree/src/$_"} } @includes;
		}
	}
	unlink map { s/\.c$/.o/r } grep { /\.c$/ } keys %is_old;
	return;
}

sub install_next
{
	append_to_file("$dir/tree/tokenauth.control", "default_version = '1.1'\n");
	system_or_bail('cp', "$source/t/next/tokenauth--1.0--1.1.sql", "$dir/tree");
	forget_objects(@changed, "$dir/tree/src/operate/version.c");
	system_or_bail('make', '-s', '-C', "$dir/tree", 'with_llvm=no', 'TOKENAUTH_VERSION=1.1.0', 'ALL_HEADERS=',
		'COPT=-O0 -g0 -U_FORTIFY_SOURCE',
		'DATA=tokenauth--1.0.sql tokenauth--1.0--1.1.sql',
		"PG_CONFIG=$bindir/pg_config", 'install');
	return;
}

my $node = set_up(new_node('main', install_path => dirname($bindir)), 40);
my $version = q(SELECT * FROM tokenauth_version());
my $cached = q(SELECT hits > 1000 AND note IS NULL FROM tokenauth_stats
	WHERE source = 'personal_access_token');

$node->safe_psql('postgres', q(
	CREATE TABLE org (id uuid PRIMARY KEY, open bool NOT NULL);
	INSERT INTO org SELECT DISTINCT user_id, true FROM personal_access_token;
	SELECT tokenauth_attach_parent('personal_access_token', 'org', 'user_id',
		live_when => 'open');
	UPDATE org SET open = false WHERE id::text LIKE '%40';

	-- Traffic: tokens 1 to 20 are valid, 21 to 30 were revoked, 40 has a closed parent,
	-- and tokens over 100 are issued, used, and revoked.
	CREATE TABLE stop (now bool);
	CREATE TABLE wrong (what text);
	CREATE SEQUENCE asked;
	CREATE FUNCTION token(n int) RETURNS text LANGUAGE sql IMMUTABLE
		RETURN 'mul_' || lpad(to_hex(n), 40, '0');
	CREATE FUNCTION must_be(n int, expected text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		status text := (tokenauth_identify(token(n))).status;
		id uuid := tokenauth_resolve(token(n));
	BEGIN
		IF status IS DISTINCT FROM expected OR (id IS NOT NULL) <> (expected = 'valid') THEN
			INSERT INTO wrong VALUES (format('%s: %s and %s, not %s', n, status, id, expected));
		END IF;
		PERFORM nextval('asked');
	END $$;
	CREATE PROCEDURE ask() LANGUAGE plpgsql AS $$
	BEGIN
		WHILE NOT EXISTS (SELECT FROM stop) LOOP
			PERFORM must_be(n, 'valid') FROM generate_series(1, 20) n;
			PERFORM must_be(n, 'revoked') FROM generate_series(21, 30) n;
			PERFORM must_be(40, 'disabled');
			COMMIT;
		END LOOP;
	END $$;
	CREATE PROCEDURE change() LANGUAGE plpgsql AS $$
	BEGIN
		FOR n IN 101 .. 1000000 LOOP
			EXIT WHEN EXISTS (SELECT FROM stop);
			INSERT INTO org VALUES (lpad(n::text, 32, '0')::uuid, true);
			INSERT INTO personal_access_token (user_id, token_hash)
			VALUES (lpad(n::text, 32, '0')::uuid, encode(sha256(token(n)::bytea), 'hex'));
			COMMIT;
			PERFORM must_be(n, 'valid');
			UPDATE personal_access_token SET revoked = true
			WHERE user_id = lpad(n::text, 32, '0')::uuid;
			COMMIT;
			PERFORM must_be(n, 'revoked');
			COMMIT;
		END LOOP;
	END $$;
) . revoke(21, 30));

# Until so many more questions have been answered.
sub go_on
{
	my $goal = 2000 + $node->safe_psql('postgres', 'SELECT last_value FROM asked');
	$node->poll_query_until('postgres', "SELECT last_value > $goal FROM asked")
	  or die 'no traffic';
	return;
}

sub with_traffic
{
	my ($name, $do) = @_;
	my @clients = map { session($node) } 1 .. 3;

	$node->safe_psql('postgres', q(TRUNCATE stop;
		DELETE FROM org WHERE id > lpad('100', 32, '0')::uuid;
		DELETE FROM personal_access_token WHERE user_id > lpad('100', 32, '0')::uuid));
	$clients[$_]->query_until(qr/begun/,
		"\\echo begun\nCALL " . ($_ == 0 ? 'change' : 'ask') . "();\n\\echo ended\n")
	  foreach (0 .. $#clients);
	go_on();
	$do->();
	go_on();
	$node->safe_psql('postgres', 'INSERT INTO stop VALUES (true)');
	$_->query_safe('SELECT 1') foreach @clients;
	$_->quit foreach @clients;
	is($node->safe_psql('postgres', 'SELECT * FROM wrong LIMIT 5'), '', "$name: all answers are right");
	return;
}

# The library of before refuses both the SQL and a registry with what it does not know.
is($node->safe_psql('postgres', $version), '1.0.0|1.0', 'before');
install_next();
my ($failed, $out, $error) = $node->psql('postgres', 'ALTER EXTENSION tokenauth UPDATE');
like($error, qr/has not loaded the library of tokenauth 1\.1.*Restart the server first/s,
	'the update before the restart');
is($node->safe_psql('postgres', $version), '1.0.0|1.0', '... has changed nothing');
foreach my $newer (
	'ALTER TABLE tokenauth_source ADD COLUMN closed bool',
	'ALTER TYPE tokenauth_parent ADD ATTRIBUTE note text')
{
	($failed, $out, $error) = $node->psql('postgres',
		"BEGIN; $newer; SELECT tokenauth_resolve('" . token(1) . "')");
	like($error, qr/does not have the form that this version.*restart the server if its library is the older one/s,
		"the older library: $newer");
}

# The newer library goes on with the registry of before: also while it is attached to.
$node->restart;
is($node->safe_psql('postgres', $version), '1.1.0|1.0', 'the newer library, the older SQL');
$node->safe_psql('postgres', q(SELECT tokenauth_create_table('other', prefix => 'oth_');
	SELECT tokenauth_attach_parent('other', 'org', 'user_id')));
with_traffic('newer library, updated', sub {
	is($node->safe_psql('postgres', $cached), 't', 'answers come from the cache');
	$node->safe_psql('postgres', 'ALTER EXTENSION tokenauth UPDATE; SELECT tokenauth_stats_reset()');
	is($node->safe_psql('postgres', $version), '1.1.0|1.1', 'updated');
	go_on();
	is($node->safe_psql('postgres', $cached), 't', '... and come from it again');
});

# What is new works, for sources of before as well, and is kept by a dump.
is($node->safe_psql('postgres', 'SELECT tokenauth_added()'), 11, 'the new function');
is($node->safe_psql('postgres', q(SELECT count(*) FROM tokenauth_doctor() WHERE severity = 'error')),
	0, 'the doctor finds no error');
$node->safe_psql('postgres', q(SELECT tokenauth_create_table('third', prefix => 'third_')));
my $warm = session($node);
is_warm($warm, 1, 'before it is closed');
$node->safe_psql('postgres', q(UPDATE tokenauth_source SET closed = true WHERE source = 'personal_access_token'));
like(($node->psql('postgres', "SELECT tokenauth_resolve('" . token(1) . "')"))[2],
	qr/it is closed/, 'the new column is heeded');
$warm->quit;
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr('postgres'), '-t', 'tokenauth_source' ]);
like($dump, qr/COPY public\.tokenauth_source \(.*closed\)/, 'and dumped');
$node->stop;
done_testing();
