# The library is not removed while a server needs it, for that would not start again.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $source = dirname($FindBin::RealBin);
my ($bindir, $library) = own_server();
my $node = set_up(new_node('main', install_path => dirname($bindir)));
my @uninstall = ('make', '-s', '-C', $source, "PG_CONFIG=$bindir/pg_config", 'uninstall');

ok(-e $library, 'the library is installed');
command_fails_like(\@uninstall, qr/is in use:.*process \d+ has loaded it.*take tokenauth out of\s+shared_preload_libraries/s,
	'it is not removed while a server runs with it');
ok(-e $library, '... and is still there');

# Out of the configuration is not enough: the server has it until it is restarted.
$node->safe_psql('postgres', q(SELECT tokenauth_detach(source) FROM tokenauth_sources;
	DROP EXTENSION tokenauth));
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->reload;
command_fails_like(\@uninstall, qr/is in use:/, 'nor before that is restarted');

$node->restart;
command_ok(\@uninstall, 'removed in the right order');
ok(!-e $library, '... it is gone');
$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM personal_access_token'), 10,
	'the server starts, and the table is there');

# Whoever insists may, and sees what follows.
system_or_bail('cp', '-a', (run_command([ 'pg_config', '--pkglibdir' ]))[0] . '/tokenauth.so', $library);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'tokenauth'");
$node->restart;
{
	local $ENV{TOKENAUTH_FORCE} = 1;
	command_ok(\@uninstall, 'TOKENAUTH_FORCE');
}
$node->stop;
ok(!$node->start(fail_ok => 1), 'such a server does not start');
like(slurp_file($node->logfile), qr/could not access file "tokenauth"/, '... and says why');
done_testing();
