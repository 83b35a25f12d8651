# The examples of doc/clients.md tell a valid token from a revoked, an unknown and an
# impossible one, each with its driver, where that is installed: node-pg or npm's pg and
# postgres (NODE_PATH), python3-psycopg, -psycopg-pool, -asyncpg, -sqlalchemy, -django.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $dir = PostgreSQL::Test::Utils::tempdir;
my $node = set_up(new_node('main'));
$node->safe_psql('postgres', revoke(2));

# What is called after an example, for each token of ARGV.
my %call = (
	python => q(
import sys
for t in [a.replace('NUL', '\0') for a in sys.argv[1:]]:
    print(whose(t))
),
	asyncpg => q(
import sys
async def main():
    pool = await asyncpg.create_pool(min_size=1)
    for t in [a.replace('NUL', '\0') for a in sys.argv[1:]]:
        print(await whose(pool, t))
asyncio.run(main())
),
	js => q(
(async () => {
  for (const t of process.argv.slice(2)) console.log(await whose(t.replace('NUL', '\0')))
  process.exit()
})()
));
my %program = (python => [ '/usr/bin/python3', 'py' ], js => [ 'node', 'cjs' ]);

local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port,
	PGDATABASE => 'postgres', PGUSER => (getpwuid $<)[0]);
my $examples = 0;
foreach my $section (split /^## /m, slurp_file("$FindBin::RealBin/../doc/clients.md"))
{
	my ($heading) = $section =~ /^(.*)/;
	my ($given) = $section =~ /^<!-- given:\n(.*?)^-->\n```(?:python|js)/ms;
	my ($language, $example) = $section =~ /^```(python|js)\n(.*?)^```$/ms or next;
	my ($program, $suffix) = @{ $program{$language} };
	my $imports = join "\n", $example =~ /^((?:import|from)\b.*|.*\brequire\(.*)$/mg;

	$examples++;
  SKIP: {
		skip "$program is not installed", 1 unless run_log([ $program, '--version' ]);
		append_to_file("$dir/$examples-imports.$suffix", "$imports\n");
		skip "$heading: a package is not installed", 1
		  unless run_log([ $program, "$dir/$examples-imports.$suffix" ], '>', \my $o, '2>', \my $e);
		append_to_file("$dir/$examples.$suffix",
			($given // '') . $example . $call{ $heading =~ /asyncpg/ ? 'asyncpg' : $language });
		my ($out, $error) = run_command([ $program, "$dir/$examples.$suffix", token(1), token(2), token(99), 'mul_NUL', token(3) ]);
		my $no = $language eq 'js' ? 'null' : 'None';
		is($out, join("\n", '00000000-0000-0000-0000-000000000001', $no, $no, $no,
				'00000000-0000-0000-0000-000000000003'), $heading) or diag($error);
	}
}
is($examples, 6, 'there are examples');
$node->stop;
done_testing();
