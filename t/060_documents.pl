# Every block of SQL in README.md and doc/ works as it stands there, in order, pasted
# into psql: each document in a new database, in one session of a superuser.
#
# What a comment in HTML before a block says, readers do not see:
#
#	<!-- given: SQL -->			what the reader has already; it may have several lines
#	<!-- not run: why -->		the block is not run
#
# doc/migrations.md is run by t/043, under traffic.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $top = dirname($FindBin::RealBin);
my $peppers = PostgreSQL::Test::Utils::tempdir . '/peppers';
append_to_file($peppers, "app all text:a key\napp_2025 all text:another key\n");
chmod 0600, $peppers or die "chmod: $!";
my $node = new_node('main', conf => "tokenauth.pepper_file = '$peppers'\n");
my $blocks = 0;

# The SQL of a document, each block with its line, and what is wrong with it.
sub sql_of
{
	my ($text) = @_;
	my $sql = '';

	while ($text =~ /\G(?:<!--[ ]given:\s+(?:(?!-->).)*?-->\n```(?!sql).*?\n		# another language's
			|<!--[ ]given:\s+(.*?)\s*-->\n
			|<!--[ ]not[ ]run:[ ](.*?)-->\n+(```sql\n.*?^```\n)
			|```sql\n(.*?)^```\n
			|.*?\n)/msgx)
	{
		my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);

		if (defined $1)
		{
			$sql .= "$1\n";
		}
		elsif (defined $4)
		{
			$sql .= "\\echo line $line\n$4";
			$blocks++;
		}
	}
	return $sql;
}

my @documents = ('README.md', map { 'doc/' . basename($_) } sort glob "$top/doc/*.md");
my $database = 0;
foreach my $document (grep { $_ ne 'doc/migrations.md' } @documents)
{
	my $sql = sql_of(slurp_file("$top/$document"));
	next unless $sql;

	my $name = 'd' . ++$database;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$sql = "CREATE EXTENSION tokenauth CASCADE;\n$sql" unless $document eq 'README.md';
	my ($failed, $out, $error) = $node->psql($name, $sql, on_error_stop => 1);
	my ($line) = reverse $out =~ /^line (\d+)$/mg;
	is($failed, 0, "$document as pasted") or diag("after line $line: $error");
	like($out, qr/\n7\n/, 'the token of one\'s own table')
	  if $document eq 'README.md';
	like($out, qr/\nmine\n(?!mine)/, q(the bound user's rows, and none afterwards))
	  if $document eq 'README.md';
	$node->safe_psql('postgres', "DROP DATABASE $name WITH (FORCE);
		DO \$\$ DECLARE r text; BEGIN
			FOR r IN SELECT quote_ident(rolname) FROM pg_roles WHERE oid >= 16384 LOOP
				EXECUTE 'DROP ROLE ' || r;
			END LOOP; END \$\$");
}
cmp_ok($blocks, '>', 15, 'blocks have been run');
$node->stop;
done_testing();
