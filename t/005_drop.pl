# What a source stands on goes, and comes back: its index, its registration,
# its table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(new_node('main'));
my $warm = session($node);
my $other = session($node);

sub attach
{
	return q(SELECT tokenauth_attach('personal_access_token', prefix => 'mul_'));
}

is_warm($warm, $_, 'at first') foreach (1 .. 6);
is(judge($other, 1), 'valid', 'at first: other session');

# Without the index: slower, not wrong.
$node->safe_psql('postgres', q(
	ALTER TABLE personal_access_token
	DROP CONSTRAINT personal_access_token_token_hash_key));
like_note($warm, qr/no valid index on column "token_hash".*Create/,
	'index dropped: the note says so');
is_cold($warm, 1, 'index dropped');
$node->safe_psql('postgres', revoke(1));
all_say('revoked', 1, 'revoked without an index', $node, $other, $warm);
all_say('valid', 2, 'index dropped, another token', $node, $other, $warm);

# One that is not unique will do; then it is dropped while others read.
$node->safe_psql('postgres',
	'CREATE INDEX CONCURRENTLY plain ON personal_access_token (token_hash)');
like_note($warm, qr/^$/, 'plain index: cached again');
is_warm($warm, 2, 'plain index');
$node->safe_psql('postgres', q(
	INSERT INTO personal_access_token (user_id, token_hash)
	SELECT '00000000-0000-0000-0000-000000000099', token_hash
	FROM personal_access_token WHERE user_id::text LIKE '%2'));
all_say('unknown', 2, 'a second row of a token', $node, $other, $warm);
$node->safe_psql('postgres',
	q(DELETE FROM personal_access_token WHERE user_id::text LIKE '%99'));
is_warm($warm, 2, 'the second row deleted');
$node->safe_psql('postgres',
	'CREATE UNIQUE INDEX CONCURRENTLY unique_one'
	  . ' ON personal_access_token (token_hash)');
$node->safe_psql('postgres', 'DROP INDEX CONCURRENTLY plain');
$node->safe_psql('postgres', 'REINDEX INDEX CONCURRENTLY unique_one');
all_say('valid', 2, 'unique index', $node, $other, $warm);
is_warm($warm, 2, 'unique index');
$node->safe_psql('postgres', revoke(2));
all_say('revoked', 2, 'revoked with a unique index', $node, $other, $warm);

# Detached, it is no source; what changed meanwhile counts when it is back.
is_warm($warm, 3, 'before it is detached');
$node->safe_psql('postgres',
	q(SELECT tokenauth_detach('personal_access_token')));
all_say('unknown', 3, 'detached', $node, $other, $warm);
is($warm->query_safe('SELECT count(*) FROM tokenauth_stats'),
	0, 'detached: no longer listed');
$node->safe_psql('postgres', revoke(3));
$node->safe_psql('postgres', attach());
all_say('revoked', 3, 'revoked while detached', $node, $other, $warm);
is_warm($warm, 4, 'attached again');

# In one transaction nobody sees it away.
$node->safe_psql('postgres', q(
	BEGIN; SELECT tokenauth_detach('personal_access_token');)
	. revoke(4) . attach() . '; COMMIT');
all_say('revoked', 4, 'detached, revoked, attached at once', $node, $other, $warm);
is_warm($warm, 5, 'detached, revoked, attached at once, another token');

# A rollback leaves all as it was.
$node->safe_psql('postgres', q(
	BEGIN; SELECT tokenauth_detach('personal_access_token'); ROLLBACK));
is_warm($warm, 5, 'detach rolled back');
$node->safe_psql('postgres', revoke(5));
all_say('revoked', 5, 'detach rolled back, then revoked', $node, $other, $warm);

# The table goes, without a word to us, and another takes its name.
is_warm($warm, 6, 'before the table is dropped');
$node->safe_psql('postgres', 'DROP TABLE personal_access_token');
all_say('unknown', 6, 'table dropped', $node, $other, $warm);
$node->safe_psql('postgres',
	q(SELECT tokenauth_create_table(prefix => 'mul_');) . issue(7));
all_say('unknown', 6, 'table created anew, token of the old',
	$node, $other, $warm);
all_say('valid', 7, 'table created anew', $node, $other, $warm);
is_warm($warm, 7, 'table created anew');
is( $node->safe_psql('postgres', 'SELECT count(*) FROM tokenauth_sources'),
	1, 'the old table is not registered any more');

# And in one transaction.
$node->safe_psql('postgres', q(
	BEGIN; DROP TABLE personal_access_token;
	SELECT tokenauth_create_table(prefix => 'mul_'); COMMIT));
all_say('unknown', 7, 'dropped and created at once', $node, $other, $warm);

# The extension goes, and comes back.
$node->safe_psql('postgres', issue(8));
is_warm($warm, 8, 'before the extension is dropped');
$node->safe_psql('postgres', 'DROP EXTENSION tokenauth CASCADE');
$node->safe_psql('postgres', revoke(8));
$node->safe_psql('postgres', 'CREATE EXTENSION tokenauth;' . attach());
all_say('revoked', 8, 'revoked without the extension', $node, $other, $warm);
$node->safe_psql('postgres', issue(9));
is_warm($warm, 9, 'extension created anew');

$_->quit foreach ($warm, $other);
$node->stop;
done_testing();
