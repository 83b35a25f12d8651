# While our triggers are switched off nobody is told of changes.  So nothing
# that was cached before may be believed after, and nothing is cached meanwhile.

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
my $ddl = session($node);
my $always = q(
	ALTER TABLE personal_access_token
	ENABLE ALWAYS TRIGGER tokenauth_row,
	ENABLE ALWAYS TRIGGER tokenauth_truncate;);

is_warm($warm, $_, 'at first') foreach (1 .. 8);
is(judge($other, 1), 'valid', 'at first: other session');
like_note($warm, qr/^$/, 'at first the source is cached');

# Off, changed, on, in one transaction.
$ddl->query_safe('BEGIN;' . unnoticed_revoke(1));
all_say('valid', 1, 'one transaction, open', $node);
$ddl->query_safe('COMMIT');
all_say('revoked', 1, 'one transaction', $node, $other, $warm);
is_warm($warm, 2, 'one transaction, another token');

# The same in a savepoint; rolled back, it changes nothing.
$ddl->query_safe(
	'BEGIN; SAVEPOINT s;' . unnoticed_revoke(3) . 'ROLLBACK TO s; COMMIT');
is_warm($warm, 3, 'rolled back to a savepoint');
$ddl->query_safe('BEGIN; SAVEPOINT s;' . unnoticed_revoke(3) . 'RELEASE s; COMMIT');
all_say('revoked', 3, 'savepoint', $node, $other, $warm);

# Off, changed, on, in three transactions.
is_warm($warm, 4, 'three transactions, before');
$ddl->query_safe('ALTER TABLE personal_access_token DISABLE TRIGGER USER');
like_note($warm, qr/not enabled ALWAYS.*ENABLE ALWAYS TRIGGER/,
	'triggers disabled: the note says so');
is_cold($warm, 4, 'triggers disabled');
$ddl->query_safe(revoke(4));
all_say('revoked', 4, 'revoked with triggers disabled', $node, $other, $warm);
$ddl->query_safe('ALTER TABLE personal_access_token ENABLE TRIGGER USER');
like_note($warm, qr/not enabled ALWAYS/,
	'triggers enabled, but not ALWAYS: the note says so');
is_cold($warm, 5, 'triggers enabled, but not ALWAYS');
$ddl->query_safe(
	'SET session_replication_role = replica;' . revoke(5)
	  . 'RESET session_replication_role;');
all_say('revoked', 5, 'revoked as a replica, not ALWAYS', $node, $other, $warm);
$ddl->query_safe($always);
like_note($warm, qr/^$/, 'triggers enabled ALWAYS: cached again');
all_say('revoked', 4, 'three transactions', $node, $other, $warm);
is_warm($warm, 6, 'three transactions, another token');

# With ALWAYS, a replica's changes are told of.
$ddl->query_safe(
	'SET session_replication_role = replica;' . revoke(6)
	  . 'RESET session_replication_role;');
all_say('revoked', 6, 'revoked as a replica', $node, $other, $warm);

# The warm session is first to ask after all three, having heard of nothing.
is_warm($warm, 7, 'three transactions unheard, before');
$ddl->query_safe('ALTER TABLE personal_access_token DISABLE TRIGGER USER');
$ddl->query_safe(revoke(7));
$ddl->query_safe($always);
is(judge($warm, 7), 'revoked', 'three transactions unheard: warm session');
is_warm($warm, 8, 'three transactions unheard, another token');

# One of the two triggers dropped, and back.
$ddl->query_safe('DROP TRIGGER tokenauth_truncate ON personal_access_token');
like_note($warm, qr/lacks the triggers/, 'trigger dropped: the note says so');
is_cold($warm, 8, 'trigger dropped');
$ddl->query_safe(q(
	BEGIN;
	CREATE TEMP TABLE saved AS SELECT * FROM personal_access_token;
	TRUNCATE personal_access_token;
	COMMIT));
all_say('unknown', 8, 'truncated without the trigger', $node, $other, $warm);
$ddl->query_safe(q(
	CREATE TRIGGER anything AFTER TRUNCATE ON personal_access_token
	FOR EACH STATEMENT EXECUTE FUNCTION tokenauth_changed();
	ALTER TABLE personal_access_token ENABLE ALWAYS TRIGGER anything;
	INSERT INTO personal_access_token SELECT * FROM saved));
like_note($warm, qr/^$/, 'trigger back under another name: cached again');
is_warm($warm, 8, 'trigger back under another name');
$ddl->query_safe('TRUNCATE personal_access_token');
all_say('unknown', 8, 'truncated with the trigger', $node, $other, $warm);

$_->quit foreach ($warm, $other, $ddl);
$node->stop;
done_testing();
