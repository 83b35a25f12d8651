# New files for old rows, and no rows at all: TRUNCATE, VACUUM FULL, CLUSTER,
# ALTER TABLE.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(new_node('main'), 20);
my $warm = session($node);
my $other = session($node);

is_warm($warm, $_, 'at first') foreach (1 .. 8);
is(judge($other, 1), 'valid', 'at first: other session');

# Rewrites that change no row cost the cache, no more.
foreach my $rewrite (
	'VACUUM FULL personal_access_token',
	'CLUSTER personal_access_token USING personal_access_token_pkey',
	'ALTER TABLE personal_access_token ALTER name TYPE varchar(99)',
	q(ALTER TABLE personal_access_token ALTER last_used_at
	  TYPE timestamp USING last_used_at AT TIME ZONE 'UTC'))
{
	my ($what) = $rewrite =~ /^((?:ALTER|VACUUM|CLUSTER).{12})/;

	$node->safe_psql('postgres', $rewrite);
	all_say('valid', 1, $what, $node, $other, $warm);
	is_warm($warm, 1, $what);
	$node->safe_psql('postgres', revoke(1));
	all_say('revoked', 1, "$what, then revoked", $node, $other, $warm);
	$node->safe_psql('postgres',
		'UPDATE personal_access_token SET revoked = false');
	is_warm($warm, 1, "$what, then reinstated");
}

# Plain VACUUM costs it nothing.
$node->safe_psql('postgres', 'VACUUM (FREEZE, ANALYZE) personal_access_token');
is_warm($warm, 1, 'VACUUM');

# Rewrites can change rows, and no trigger tells.
is_warm($warm, 2, 'before ALTER TYPE USING');
$node->safe_psql('postgres', q(
	ALTER TABLE personal_access_token ALTER revoked DROP DEFAULT;
	ALTER TABLE personal_access_token ALTER revoked
	TYPE bool USING right(user_id::text, 1) = '2'));
all_say('revoked', 2, 'ALTER TYPE USING', $node, $other, $warm);
is_warm($warm, 3, 'ALTER TYPE USING, another token');

# The column becomes another: revoked if not null.
is_warm($warm, 4, 'before revoked becomes a time');
$node->safe_psql('postgres', q(
	ALTER TABLE personal_access_token ALTER revoked DROP NOT NULL, ALTER revoked
	TYPE timestamptz USING CASE WHEN right(user_id::text, 1) = '4' THEN now() END));
all_say('revoked', 4, 'revoked becomes a time', $node, $other, $warm);
all_say('valid', 2, 'revoked becomes a time, null', $node, $other, $warm);
is_warm($warm, 3, 'revoked becomes a time, another token');
$node->safe_psql('postgres', q(
	UPDATE personal_access_token SET revoked = now()
	WHERE user_id::text LIKE '%3'));
all_say('revoked', 3, 'revoked at a time', $node, $other, $warm);

# TRUNCATE, in a transaction that asks, that is rolled back, that commits.
is_warm($warm, 5, 'before TRUNCATE');
my $truncating = session($node);
$truncating->query_safe('BEGIN; TRUNCATE personal_access_token');
is(judge($truncating, 5), 'unknown', 'TRUNCATE, in its transaction');
$truncating->query_safe('ROLLBACK');
is_warm($warm, 5, 'TRUNCATE rolled back');

# Who waits for its lock must not look at what was there before.
$truncating->query_safe('BEGIN; TRUNCATE personal_access_token;' . issue(6));
$other->query_until(qr/waits/, "\\echo waits\n" . questions(6) . "\n");
$node->poll_query_until('postgres', q(
	SELECT count(*) = 1 FROM pg_locks
	WHERE relation = 'personal_access_token'::regclass AND NOT granted))
  or die 'nobody waits for the lock';
$truncating->query_safe('COMMIT');
like($other->query_safe('SELECT 1'), qr/^\S+\nvalid\n1$/,
	'TRUNCATE and INSERT: session that waited');
all_say('unknown', 5, 'TRUNCATE', $node, $other, $warm);
all_say('valid', 6, 'TRUNCATE and INSERT', $node, $other, $warm);
is_warm($warm, 6, 'TRUNCATE and INSERT');

$_->quit foreach ($warm, $other, $truncating);
$node->stop;
done_testing();
