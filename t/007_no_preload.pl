# Without shared_preload_libraries, or without memory to cache in, or switched
# off: every answer comes from the table, is right, and the note says why.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node =
  set_up(new_node('main', conf => "max_prepared_transactions = 2\n"), 20);
my $no_cache = qr/shared_preload_libraries.*cache_size.*by its table/;

sub restart_with
{
	my (%settings) = @_;

	foreach my $name (keys %settings)
	{
		$node->adjust_conf('postgresql.conf', $name, undef);
		$node->append_conf('postgresql.conf', "$name = $settings{$name}")
		  if defined $settings{$name};
	}
	$node->restart;
}

# Tokens $n to $n + 4 are judged, and changed in all the usual ways.
sub works
{
	my ($how, $n, $note) = @_;
	my $old = session($node);
	my $other = session($node);

	is_cold($old, $n, $how);
	like_note($old, $note, "$how: the note says so");
	is(judge($old, 100 + $n), 'unknown', "$how: not issued yet");
	is(judge($other, $n), 'valid', "$how: other session");

	$node->safe_psql('postgres', issue(100 + $n));
	all_say('valid', 100 + $n, "$how, issued", $node, $other, $old);
	$node->safe_psql('postgres', revoke($n));
	all_say('revoked', $n, "$how, revoked", $node, $other, $old);
	is( $node->safe_psql('postgres',
			"SELECT tokenauth_revoke('" . token($n + 1) . "')"),
		't',
		"$how: tokenauth_revoke() says that it did");
	all_say('revoked', $n + 1, "$how, tokenauth_revoke()",
		$node, $other, $old);

	$other->query_safe('BEGIN;' . unnoticed_revoke($n + 2)
		  . q(PREPARE TRANSACTION 'p'));
	all_say('valid', $n + 2, "$how, prepared", $node, $other, $old);
	$node->safe_psql('postgres', q(COMMIT PREPARED 'p'));
	all_say('revoked', $n + 2, "$how, COMMIT PREPARED", $node, $other, $old);

	$old->query_safe('BEGIN;' . revoke($n + 3));
	is(judge($old, $n + 3), 'revoked', "$how: own change");
	all_say('valid', $n + 3, "$how, not committed", $node, $other);
	$old->query_safe('ROLLBACK');
	all_say('valid', $n + 3, "$how, rolled back", $node, $other, $old);
	$_->quit foreach ($old, $other);
	return;
}

restart_with(
	'shared_preload_libraries' => q(''),
	'tokenauth.cache_size' => undef);
works('not preloaded', 1, $no_cache);

restart_with(
	'shared_preload_libraries' => q('tokenauth'),
	'tokenauth.cache_size' => 0);
works('no memory', 5, $no_cache);

restart_with(
	'tokenauth.cache_size' => q('1MB'),
	'tokenauth.enabled' => 'off');
works('switched off', 9, qr/^$/);

# One session switches the cache on; changes were told of all the while, and
# still are by those who do not use it.
my $on = session($node);
my $off = session($node);
$on->query_safe('SET tokenauth.enabled = on');
is_warm($on, 13, 'switched on in one session');
is_cold($off, 13, 'switched off in another');
$off->query_safe(revoke(13));
all_say('revoked', 13, 'revoked by a session that does not use the cache',
	$node, $off, $on);

$_->quit foreach ($on, $off);
$node->stop;
done_testing();
