# A valid token that finds no room in its own bucket may stand in a second one: so a
# cache that is almost full of tokens in use keeps almost all of them.  The guard that
# such an entry stands behind is that of its own bucket all the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# 512 places; by chance one token in ten finds the eight of its bucket taken
my $count = 465;
my $node = set_up(new_node('main', conf => "tokenauth.cache_size = '128kB'\n"), $count);

$node->safe_psql('postgres', q(
	CREATE FUNCTION token(n int) RETURNS text LANGUAGE sql
		RETURN 'mul_' || lpad(to_hex(n), 40, '0');
	CREATE FUNCTION id(n int) RETURNS uuid LANGUAGE sql
		RETURN lpad(n::text, 32, '0')::uuid;
	CREATE TABLE wrong (n int, what text);));

sub wrong
{
	return $node->safe_psql('postgres',
		q(SELECT coalesce(string_agg(concat_ws(' ', n, what), ', '), '') FROM wrong));
}

my $all = "SELECT count(tokenauth_resolve(token(n))) FROM generate_series(1, $count) n;";
is($node->safe_psql('postgres', "$all $all"), "$count\n$count", 'all are valid');
is($node->safe_psql('postgres', "SELECT tokenauth_stats_reset(); $all"), "\n$count", 'again');
cmp_ok($node->safe_psql('postgres', 'SELECT hits FROM tokenauth_stats'),
	'>=', 0.97 * $count, 'almost all of them by a hit');

# each is cached when it changes
$node->safe_psql('postgres', qq(
	DO \$\$ BEGIN
		FOR i IN 1..$count LOOP
			PERFORM tokenauth_resolve(token(i));
			UPDATE personal_access_token SET revoked = true WHERE user_id = id(i);
			COMMIT;
			INSERT INTO wrong SELECT i, 'revoked' WHERE tokenauth_resolve(token(i)) IS NOT NULL;
			COMMIT;
			UPDATE personal_access_token SET revoked = false WHERE user_id = id(i);
			COMMIT;
			INSERT INTO wrong SELECT i, 'restored' WHERE tokenauth_resolve(token(i)) IS DISTINCT FROM id(i);
			COMMIT;
		END LOOP;
	END \$\$));
is(wrong(), '', 'a change of each is seen at once');

$node->safe_psql('postgres', qq(
	DO \$\$ DECLARE before bigint; BEGIN
		FOR i IN 1..$count LOOP
			PERFORM tokenauth_resolve(token(i));
			PERFORM tokenauth_flush_user(id(i));
			before := (SELECT misses FROM tokenauth_stats);
			PERFORM tokenauth_resolve(token(i));
			INSERT INTO wrong SELECT i, 'flushed' WHERE (SELECT misses FROM tokenauth_stats) = before;
			COMMIT;
		END LOOP;
	END \$\$));
is(wrong(), '', 'what is flushed by its user is read again');

cmp_ok($node->safe_psql('postgres', 'SELECT tokenauth_flush(); SELECT tokenauth_warm()') =~ s/\s//gr,
	'>=', 0.95 * $count, 'almost all of them are loaded');

done_testing();
