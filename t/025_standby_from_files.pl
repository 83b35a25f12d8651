# A primary to which no standby can connect, or without the library preloaded,
# may still have one: its WAL reaches a standby as files, later.  Once that has
# replayed a revoke it refuses the token.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $primary = set_up(
	new_node('primary', init => { allows_streaming => 1 }), 60);
$primary->stop;
$primary->backup_fs_cold('cold');
$primary->append_conf('postgresql.conf', q(
wal_level = replica
max_wal_senders = 0
archive_mode = off
wal_keep_size = '1GB'
));
$primary->start;

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'cold');
my $wal = $primary->data_dir . '/pg_wal';
$standby->append_conf('postgresql.conf', qq(
restore_command = 'cp "$wal/%f" "%p"'
max_standby_archive_delay = -1
wal_retrieve_retry_interval = '100ms'
));
$standby->set_standby_mode;
$standby->start;

# The standby replays whole segments only.
sub catch_up
{
	my $upto = $primary->safe_psql('postgres',
		'SELECT pg_current_wal_lsn(); SELECT pg_switch_wal();');
	($upto) = split /\n/, $upto;
	$standby->poll_query_until('postgres',
		"SELECT pg_last_wal_replay_lsn() >= '$upto'")
	  or die 'the standby does not catch up';
	return;
}

catch_up();
my $warm = session($standby);
my $n = 0;
foreach my $preloaded ("'tokenauth'", "''")
{
	my $how = $preloaded eq "''" ? 'not preloaded' : 'preloaded';

	$primary->adjust_conf('postgresql.conf', 'shared_preload_libraries',
		$preloaded);
	$primary->restart;
	is_warm($warm, $_, $how) foreach ($n + 1 .. $n + 3, $n + 30);
	$primary->safe_psql('postgres', revoke($n + 1));
	$primary->safe_psql('postgres', 'BEGIN;' . unnoticed_revoke($n + 2) . 'COMMIT;');
	$primary->safe_psql('postgres', revoke($n + 5, $n + 28) . revoke($n + 30));
	catch_up();
	all_say('revoked', $n + $_, "$how, replayed", $standby, $warm)
	  foreach (1, 2, 30);
	is(judge($warm, $n + 3), 'valid', "$how, another one");
	$n += 30;
}

$warm->quit;
$standby->stop;
$primary->stop;
done_testing();
