# A standby becomes a primary.  What it cached before, from a log that others
# wrote, it does not believe after; and changes are now made by itself.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# Without prepared transactions, so that a new session of a primary starts
# warm, and with them, so that one is carried over the promotion.
foreach my $prepared (0, 5)
{
	my $name = "max_prepared_transactions $prepared";
	my $primary = set_up(
		new_node(
			"primary$prepared",
			init => { allows_streaming => 1 },
			conf => "max_prepared_transactions = $prepared\n"));
	my $standby = new_standby($primary, "standby$prepared");
	my $warm = session($standby);
	my $other = session($standby);

	is_warm($warm, $_, "$name, standby") foreach (1 .. 5);
	is_warm($other, 5, "$name, standby, other session");

	# The last that the primary does; nobody on the standby asks before it is
	# a primary itself.  The first to ask begins then, and hears nothing.
	$primary->safe_psql('postgres', revoke(1));
	$primary->safe_psql('postgres',
		'BEGIN;' . revoke(2) . q(PREPARE TRANSACTION 'two'))
	  if $prepared;
	$primary->wait_for_catchup($standby);
	$primary->stop;
	$standby->append_conf('postgresql.conf', q(
synchronous_standby_names = ''
synchronous_commit = on
));
	$standby->promote;
	all_say('revoked', 1, "$name, revoked before the promotion",
		$standby, $other, $warm);
	is($warm->query_safe('SELECT pg_is_in_recovery()'),
		'f', "$name: promoted");

	if ($prepared)
	{
		is_warm($warm, 2, "$name, prepared before the promotion");
		$standby->safe_psql('postgres', q(COMMIT PREPARED 'two'));
		all_say('revoked', 2, "$name, prepared before the promotion",
			$standby, $other, $warm);
	}

	# Now it changes tokens itself, and remembers refusals.
	is_warm($warm, 3, "$name, promoted");
	is_warm($other, 3, "$name, promoted, other session");
	$standby->safe_psql('postgres', revoke(3));
	all_say('revoked', 3, "$name, revoked after the promotion",
		$standby, $other, $warm);
	is_warm($warm, 4, "$name, before a change by an old session");
	$other->query_safe('BEGIN;' . revoke(4));
	all_say('valid', 4, "$name, not yet committed", $standby, $warm);
	$other->query_safe('COMMIT');
	all_say('revoked', 4, "$name, revoked by an old session",
		$standby, $other, $warm);
	is(judge($warm, 11), 'unknown', "$name, not issued yet") foreach (1 .. 2);
	$standby->safe_psql('postgres', issue(11));
	all_say('valid', 11, "$name, issued after the promotion",
		$standby, $other, $warm);
	is_warm($warm, 5, "$name, to the end");

	$_->quit foreach ($warm, $other);
	$standby->stop;
}

done_testing();
