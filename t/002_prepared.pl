# Prepared transactions: who commits them has not made their changes, so the
# others must be told by other means than the memory of the session that did.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(
	new_node('main', conf => "max_prepared_transactions = 10\n"), 200);
my $warm = session($node);
my $other = session($node);

sub prepare
{
	my ($gid, $sql) = @_;
	$node->safe_psql('postgres', "BEGIN; $sql PREPARE TRANSACTION '$gid';");
}

is_warm($warm, $_, 'at first') foreach (1 .. 5, 100);
is_warm($other, 1, 'at first, other session');

# Commit: seen by nobody before, by everybody after.
prepare('one', revoke(1));
all_say('valid', 1, 'prepared', $node, $other, $warm);
is_warm($warm, 1, 'prepared');
$node->safe_psql('postgres', q(COMMIT PREPARED 'one'));
all_say('revoked', 1, 'COMMIT PREPARED', $node, $other, $warm);

# Rollback changes nothing.
prepare('two', revoke(2));
$node->safe_psql('postgres', q(ROLLBACK PREPARED 'two'));
all_say('valid', 2, 'ROLLBACK PREPARED', $node, $other, $warm);
is_warm($warm, 2, 'ROLLBACK PREPARED');

# The session that prepared and commits is as ignorant as the others.
$other->query_safe('BEGIN;' . revoke(3) . q(PREPARE TRANSACTION 'three'));
is_warm($warm, 3, 'prepared by a session that stays');
$other->query_safe(q(COMMIT PREPARED 'three'));
all_say('revoked', 3, 'COMMIT PREPARED by the session that prepared', $node, $other, $warm);

# More tokens than are told of one by one.
prepare('many', revoke(100, 150));
is_warm($warm, 100, 'many prepared');
$node->safe_psql('postgres', q(COMMIT PREPARED 'many'));
all_say('revoked', 100, 'COMMIT PREPARED of many', $node, $other, $warm);
all_say('revoked', 150, 'COMMIT PREPARED of many', $node, $other, $warm);
is_warm($warm, 5, 'COMMIT PREPARED of many, another token');

# A new token whose refusal is cached.
is(judge($warm, 201), 'unknown', 'before a prepared INSERT') foreach (1 .. 2);
prepare('insert', issue(201));
all_say('unknown', 201, 'INSERT prepared', $node, $other, $warm);
$node->safe_psql('postgres', q(COMMIT PREPARED 'insert'));
all_say('valid', 201, 'COMMIT PREPARED of INSERT', $node, $other, $warm);

# Of triggers switched off no message of ours tells.
is_warm($warm, 4, 'before an unnoticed change');
prepare('unnoticed', unnoticed_revoke(4));
$node->safe_psql('postgres', q(COMMIT PREPARED 'unnoticed'));
all_say('revoked', 4, 'COMMIT PREPARED of an unnoticed change',
	$node, $other, $warm);
is_warm($warm, 5, 'COMMIT PREPARED of an unnoticed change, another token');

# So many messages, while a session is busy, that it is told only that it has
# missed some.
my $holder = session($node);
$holder->query_safe('SELECT pg_advisory_lock(1)');
prepare('overflow', revoke(5));
is_warm($warm, 5, 'before the overflow');
keep_busy($warm, $node);
$other->quit;
$node->safe_psql('postgres', q(COMMIT PREPARED 'overflow'));
$node->safe_psql('postgres', make_noise());
$holder->query_safe('SELECT pg_advisory_unlock(1)');
is(judge($warm, 5), 'revoked', 'messages missed: warm session');

# Across restarts, of both kinds.
foreach my $mode ('fast', 'immediate')
{
	my $n = $mode eq 'fast' ? 6 : 7;

	prepare($mode, revoke($n));
	is_warm($warm, $n, "before the $mode restart");
	end_sessions($warm, $holder);
	$node->stop($mode);
	$node->start;
	$warm = session($node);
	$holder = session($node);
	is_warm($warm, $n, "after the $mode restart, still prepared");
	is(judge($holder, 8), 'valid', "after the $mode restart: other session");
	$node->safe_psql('postgres', "COMMIT PREPARED '$mode'");
	all_say('revoked', $n, "COMMIT PREPARED after the $mode restart",
		$node, $holder, $warm);
}

$_->quit foreach ($warm, $holder);
$node->stop;
done_testing();
