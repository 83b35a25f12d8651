# The examples of doc/clients.md tell a valid token from a revoked, an unknown and an
# impossible one, each with its driver, where that is installed: node-pg or npm's pg and
# postgres (NODE_PATH), python3-psycopg, -psycopg-pool, -asyncpg, -sqlalchemy, -django,
# golang-go with golang-github-jackc-pgx-v4-dev.

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
),
	go => q(
func main() {
	pool, err := pgxpool.Connect(context.Background(), "")
	for _, token := range os.Args[1:] {
		var userID *string
		if err == nil {
			userID, err = whose(pool, strings.Replace(token, "NUL", "\\xff", 1))
		}
		if err != nil {
			panic(err)
		}
		if userID == nil {
			fmt.Println("None")
		} else {
			fmt.Println(*userID)
		}
	}
}
));
my %program = (
	python => [ '/usr/bin/python3', 'py' ], js => [ 'node', 'cjs' ], go => [ "$dir/go-run", 'go' ]);

# As a program that takes its source first, as the others do.
append_to_file("$dir/go-run", q{#!/bin/sh
if [ "$1" = --version ]; then exec go version; fi
source=$1; shift
GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=${GOCACHE:-${0%/*}/go} exec go run "$source" "$@"
});
chmod 0755, "$dir/go-run";

local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port,
	PGDATABASE => 'postgres', PGUSER => (getpwuid $<)[0]);
my $examples = 0;
foreach my $section (split /^## /m, slurp_file("$FindBin::RealBin/../doc/clients.md"))
{
	my ($heading) = $section =~ /^(.*)/;
	my ($given) = $section =~ /^<!-- given:\n(.*?)^-->\n```(?:python|js|go)/ms;
	my ($language, $example) = $section =~ /^```(python|js|go)\n(.*?)^```$/ms or next;
	my ($program, $suffix) = @{ $program{$language} };
	my $imports = join "\n", $example =~ /^((?:import|from)\b.*|.*\brequire\(.*)$/mg;
	if ($language eq 'go')
	{
		$imports = join "\n", 'package main', (map { "import _ $_" } $example =~ /^\t("[^"]+")$/mg),
		  'func main() { }';
		$example = qq(package main\nimport ("fmt"; "os"; "strings")\n$example);
	}

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
is($examples, 7, 'there are examples');
$node->stop;
done_testing();
