# What doc/migrations.md says, as it stands there, under traffic: no valid token is
# refused, no revoked one accepted, and no call is an error.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;
use Traffic;

my $node = set_up(new_node('main'), 40);
$node->safe_psql('postgres', revoke(21, 30)
	  . q(UPDATE personal_access_token SET expires_at = '2026-01-01' WHERE user_id::text LIKE '%31'));
set_up_traffic($node);

my $blocks = 0;
my @sections = split /^## /m, slurp_file("$FindBin::RealBin/../doc/migrations.md");
foreach my $section (@sections)
{
	my ($heading) = $section =~ /^(.*)/;

	foreach my $sql ($section =~ /^```sql\n(.*?)^```$/msg)
	{
		with_traffic($node, $heading, sub {
			my ($failed, $out, $error) = $node->psql('postgres', $sql, on_error_stop => 1);
			is($failed, 0, $heading) or diag($error);
		});
		is($node->safe_psql('postgres',
				q(SELECT severity, finding FROM tokenauth_doctor() WHERE severity = 'error')),
			'', "$heading: the doctor finds nothing wrong");
		$node->safe_psql('postgres', 'SELECT tokenauth_stats_reset()');
		my $warm = session($node);
		$warm->query_safe("SELECT status FROM tokenauth_identify('" . token(1) . "')") foreach (1 .. 2);
		is($warm->query_safe(q(SELECT sum(hits) > 0 FROM tokenauth_stats)), 't', "$heading: cached");
		$warm->quit;
		$blocks++;
	}
}
cmp_ok($blocks, '>', 6, 'blocks have been run');
is($node->safe_psql('postgres', 'SELECT count(*) FROM token_archive'), 1, 'the archive has what has expired');
$node->stop;
done_testing();
