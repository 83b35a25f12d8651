# The table of doc/projects.md is what sql/wild.sql has really attached, on a server that
# has the peppers of those applications that have one.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Digest::SHA qw(sha256_hex);
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $top = dirname($FindBin::RealBin);
my $peppers = PostgreSQL::Test::Utils::tempdir . '/peppers';
my %pepper = (
	devise => 'KEY',
	gitlab => 'KEY',
	langfuse => sha256_hex('SALT'),
	openproject => 'SALT',
	plausible => 'SECRET',
	strapi => 'SALT');
append_to_file($peppers, "$_ all text:$pepper{$_}\n") foreach sort keys %pepper;
chmod 0600, $peppers or die "chmod: $!";
my $node = new_node('main', conf => "tokenauth.pepper_file = '$peppers'\n");

$node->safe_psql('postgres', 'CREATE EXTENSION tokenauth CASCADE');
my ($failed, $out, $error) = $node->psql('postgres',
	"\\set page on\nSET wild.peppers = on;\n" . slurp_file("$top/sql/wild.sql"),
	on_error_stop => 1);
is($failed, 0, 'all are attached') or diag($error);
my @attached = grep { /^\|/ } split /\n/, $out;
my @told = grep { /^\|/ } split /\n/, slurp_file("$top/doc/projects.md");
is(join("\n", @told[2 .. $#told]), join("\n", @attached), 'and doc/projects.md tells of them');
# a token that is judged wrongly would be such a line, too
my @others = grep { /^[^|].*\|/ } split /\n/, $out;
is(@others, 2, 'each token is judged as its application does') or diag(join "\n", @others);
like($others[1], qr/^64\|/, 'of sixty-four projects');
$node->stop;
done_testing();
