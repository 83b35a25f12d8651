# What newer majors have brought to backups and replication: an incremental backup
# and servers made of it, and a subscription that outlives its publisher.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my ($major) = (run_command([ 'pg_config', '--version' ]))[0] =~ /(\d+)/;

plan skip_all => "PostgreSQL $major has neither incremental backups nor failover slots"
  if $major < 17;

subtest 'incremental backup' => sub {
	my $primary = set_up(new_node('summarized',
		init => { allows_streaming => 1 }, conf => "summarize_wal = on\n"));

	$primary->backup('full');
	$primary->safe_psql('postgres', revoke(2) . issue(11));
	$primary->backup('increment', backup_options =>
		  [ '--incremental', $primary->backup_dir . '/full/backup_manifest' ]);
	$primary->safe_psql('postgres', revoke(3));

	# A server of its own: all is as it was at the second backup.
	my $restored = PostgreSQL::Test::Cluster->new('restored');
	$restored->init_from_backup($primary, 'increment', combine_with_prior => ['full']);
	$restored->start;
	my $warm = session($restored);
	is_warm($warm, 3, 'restored');
	all_say('revoked', 2, 'restored', $restored, $warm);
	all_say('valid', 11, 'restored', $restored, $warm);
	$restored->safe_psql('postgres', revoke(3));
	all_say('revoked', 3, 'restored, then revoked', $restored, $warm);
	$warm->quit;
	$restored->stop;

	# A standby: it goes on from there.
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($primary, 'increment',
		combine_with_prior => ['full'], has_streaming => 1);
	$standby->start;
	$primary->wait_for_catchup($standby);
	$warm = session($standby);
	is_warm($warm, 1, 'standby');
	all_say('revoked', 2, 'standby: between the backups', $standby, $warm);
	all_say('revoked', 3, 'standby: after them', $standby, $warm);
	all_say('valid', 11, 'standby: between the backups', $standby, $warm);
	$primary->safe_psql('postgres', revoke(1));
	$primary->wait_for_catchup($standby);
	all_say('revoked', 1, 'standby: now', $standby, $warm);
	$warm->quit;
	$_->stop foreach ($standby, $primary);
};

subtest 'failover slot' => sub {
	my $publisher = set_up(new_node('publisher',
		init => { allows_streaming => 'logical' },
		conf => "synchronized_standby_slots = 'standby_slot'\n"));
	my $subscriber = set_up(new_node('subscriber',
		conf => "wal_retrieve_retry_interval = 1ms\n"), 0);
	my $slot = q(SELECT synced AND NOT temporary AND invalidation_reason IS NULL
		FROM pg_replication_slots WHERE slot_name = 'token_sub');

	$publisher->safe_psql('postgres',
		q(SELECT pg_create_physical_replication_slot('standby_slot')));
	$publisher->backup('for_heir');
	my $heir = PostgreSQL::Test::Cluster->new('heir');
	$heir->init_from_backup($publisher, 'for_heir', has_streaming => 1);
	$heir->append_conf('postgresql.conf', q(
hot_standby_feedback = on
synchronized_standby_slots = ''
primary_slot_name = 'standby_slot'
primary_conninfo = ') . $publisher->connstr . q( dbname=postgres'
));
	$heir->start;
	$publisher->safe_psql('postgres',
		'CREATE PUBLICATION token_pub FOR TABLE personal_access_token');
	$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION token_sub CONNECTION '"
		  . $publisher->connstr . " dbname=postgres' PUBLICATION token_pub WITH (failover = true)");
	$subscriber->wait_for_subscription_sync($publisher, 'token_sub');

	my $warm = session($subscriber);
	my $publishers = session($heir);
	is_warm($warm, $_, 'subscriber') foreach (1 .. 3);
	is_warm($publishers, 2, 'the heir of the publisher');
	$publisher->safe_psql('postgres', revoke(1));
	$publisher->wait_for_catchup('token_sub');
	all_say('revoked', 1, 'from the publisher', $subscriber, $warm);

	# The slot becomes one that is kept once the standby has seen what it needs.
	for (my $tries = 0; $heir->safe_psql('postgres', $slot) ne 't'; $tries++)
	{
		die 'the slot is not synchronized' if $tries == 180;
		$publisher->safe_psql('postgres', 'SELECT pg_log_standby_snapshot()');
		$publisher->wait_for_catchup($heir);
		$publisher->wait_for_catchup('token_sub');
		$heir->safe_psql('postgres', 'SELECT pg_sync_replication_slots()');
	}
	$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION token_sub DISABLE');
	$publisher->stop;
	$heir->promote;
	$subscriber->safe_psql('postgres', "ALTER SUBSCRIPTION token_sub CONNECTION '"
		  . $heir->connstr . " dbname=postgres'; ALTER SUBSCRIPTION token_sub ENABLE");
	is_warm($warm, 2, 'nothing has changed meanwhile');
	$heir->safe_psql('postgres', revoke(2) . issue(12));
	all_say('revoked', 2, 'on the heir', $heir, $publishers);
	$heir->wait_for_catchup('token_sub');
	all_say('revoked', 2, 'from the heir', $subscriber, $warm);
	all_say('valid', 12, 'from the heir', $subscriber, $warm);
	is_warm($warm, 3, 'from the heir, another token');
	$_->quit foreach ($warm, $publishers);
	$_->stop foreach ($subscriber, $heir);
};
done_testing();
