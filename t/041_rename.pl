# A column that tokens are judged by is renamed, and the table attached again, in
# one transaction, while tokens are judged: no answer is wrong, and none an error.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main');
$node->safe_psql('postgres', q(
	CREATE EXTENSION IF NOT EXISTS tokenauth CASCADE;
	CREATE TABLE tok (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, revoked boolean NOT NULL,
		awake boolean NOT NULL, plan text);
	INSERT INTO tok SELECT n, encode(sha256(('t_' || n)::bytea), 'hex'), n, n = 2, n <> 3, 'p' || n
	FROM generate_series(1, 3) n;
	SELECT tokenauth_attach('tok', prefix => 't_', live_when => 'awake', claims => '{plan}')));

# A wrong answer is a division by zero, which ends pgbench with an error.
my $script = $node->basedir . '/judge.sql';
append_to_file($script, q(SELECT 1 / (tokenauth_resolve('t_1', 0) = 1 AND tokenauth_resolve('t_2', 0) IS NULL
	AND tokenauth_resolve('t_3', 0) IS NULL)::int;
SELECT 1 / ((i).status = 'valid' AND (i).user_id = '1'
	AND (SELECT string_agg(value, '') FROM jsonb_each_text((i).claims)) = 'p1')::int
FROM (SELECT tokenauth_identify('t_1') AS i OFFSET 0) x;
SELECT 1 / (string_agg((tokenauth_identify('t_' || n)).status, ' ' ORDER BY n) = 'revoked disabled')::int
FROM generate_series(2, 3) n;
));
my ($out, $err) = ('', '');
my $traffic = IPC::Run::start(
	[ 'pgbench', '-n', '-c', '4', '-T', '10', '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'<', \undef, '>', \$out, '2>', \$err);

my %name = (revoked => 'dead', awake => 'woke', user_id => 'owner', plan => 'tariff');
my %is = map { $_ => $_ } keys %name;
for my $round (1 .. 8)
{
	for my $column (sort keys %name)
	{
		my $to = $is{$column} eq $column ? $name{$column} : $column;
		my $rename = "ALTER TABLE tok RENAME $is{$column} TO $to";
		$is{$column} = $to;
		$node->safe_psql('postgres', qq(
			BEGIN;
			$rename;
			SELECT tokenauth_detach('tok');
			SELECT tokenauth_attach('tok', prefix => 't_', user_column => '$is{user_id}',
				revoked_column => '$is{revoked}', live_when => '$is{awake}', claims => '{$is{plan}}');
			COMMIT));
	}
}
ok($traffic->finish, 'no answer was wrong, or an error');
unlike($err, qr/ERROR/, 'nor was any told');
like($out, qr/number of transactions actually processed: [1-9]/, 'there was traffic');
is($node->safe_psql('postgres', 'SELECT count(*) FROM tokenauth_doctor()'), '0', 'and nothing is wrong');

$node->stop;
done_testing();
