# pg_upgrade keeps files and OIDs, and so the registry and the triggers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $old = set_up(new_node('old'));
my $new = new_node('new');

$old->safe_psql('postgres', revoke(2));
is_warm(my $before = session($old), 1, 'before the upgrade');
$before->quit;
my $oid = q(SELECT 'personal_access_token'::regclass::oid);
my $old_oid = $old->safe_psql('postgres', $oid);
$_->stop foreach ($old, $new);

my ($bindir) = run_command([ 'pg_config', '--bindir' ]);
chdir PostgreSQL::Test::Utils::tempdir or die;
command_ok(
	[
		'pg_upgrade', '--no-sync',
		'-d' => $old->data_dir, '-D' => $new->data_dir,
		'-b' => $bindir, '-B' => $bindir,
		'-s' => $new->host, '-p' => $old->port, '-P' => $new->port
	],
	'pg_upgrade');
$new->start;

my $warm = session($new);
my $other = session($new);
is($warm->query_safe($oid), $old_oid, 'the table has kept its OID');
like_note($warm, qr/^$/, 'the source is cached');
is_warm($warm, 1, 'upgraded');
is(judge($other, 1), 'valid', 'upgraded: other session');
all_say('revoked', 2, 'revoked before', $new, $other, $warm);
$new->safe_psql('postgres', revoke(1));
all_say('revoked', 1, 'revoked after', $new, $other, $warm);

# The registry is dumped with the new cluster's databases, too.
my ($dump) = run_command(
	[ 'pg_dump', '-d', $new->connstr('postgres'), '-t', 'tokenauth_source' ]);
like($dump, qr/^personal_access_token\tpublic\.personal_access_token\tpublic\.personal_access_token\t\d+\tmul_/m,
	'the registry is dumped again');

$_->quit foreach ($warm, $other);
$new->stop;
done_testing();
