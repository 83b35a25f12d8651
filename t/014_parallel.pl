# Parallel query: the leader may be asked while its workers run, whether it
# finds the token in the cache or has to read the table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = set_up(new_node('main', conf => q(
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
max_parallel_workers_per_gather = 2
parallel_leader_participation = off
)), 100);
$node->safe_psql('postgres', q(
	CREATE TABLE request (token text, owner uuid) WITH (parallel_workers = 2);
	INSERT INTO request
	SELECT 'mul_' || lpad(to_hex(n % 110 + 1), 40, '0'),
		   lpad((n % 110 + 1)::text, 32, '0')::uuid
	FROM generate_series(0, 10999) n;
	ANALYZE request;
));

# Each token of 110, of which 100 are valid, once; with what the workers counted.
my $query = q(
	SELECT count(*), count(who), sum(requests),
		   count(*) FILTER (WHERE who <> owner)
	FROM (SELECT tokenauth_resolve(token) AS who, owner, requests
		  FROM (SELECT token, owner, count(*) AS requests
				FROM request GROUP BY token, owner) AS grouped OFFSET 0) AS judged);
my $explain =
  'EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF)';

my $warm = session($node);
my $other = session($node);
my $plan = $warm->query_safe("$explain $query");
like($plan, qr/Gather/, 'the plan is parallel');
like($plan, qr/Workers Launched: [12]/, 'workers run');
like($plan, qr/tokenauth_resolve.*Gather/s, 'the leader judges above them');

sub counts
{
	return $warm->query_safe(
		'SELECT hits, negative_hits, misses FROM tokenauth_stats');
}

# Read from the table, all in parallel mode; then from the cache.
$warm->query_safe('SELECT tokenauth_flush(); SELECT tokenauth_stats_reset()');
is($warm->query_safe($query), '110|100|11000|0', 'missed in parallel mode');
is(counts(), '0|0|110', 'missed in parallel mode: none is from the cache');
is($warm->query_safe($query), '110|100|11000|0', 'hit in parallel mode');
is(counts(), '100|10|110', 'hit in parallel mode: all are from the cache');
is_warm($warm, 1, 'after parallel mode');

# Everything about the source must be found out in parallel mode as well.
is($node->safe_psql('postgres', $query),
	'110|100|11000|0', 'new session, first asked in parallel mode');
$node->safe_psql('postgres', 'VACUUM FULL personal_access_token');
is($warm->query_safe($query), '110|100|11000|0',
	'source altered, asked in parallel mode');

# What others have changed, and what the transaction has changed itself.
$node->safe_psql('postgres', revoke(1, 5));
is($_->query_safe($query), '110|95|11000|0', 'revoked by another session')
  foreach ($other, $warm);
$warm->query_safe('BEGIN;' . revoke(6, 9));
is($warm->query_safe($query), '110|91|11000|0', 'own change, not committed');
is($other->query_safe($query), '110|95|11000|0', q(another's change, not committed));
$warm->query_safe('ROLLBACK');
is($warm->query_safe($query), '110|95|11000|0', 'own change, rolled back');

# A transaction with an old snapshot asks about now.
foreach my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
	my $n = $level eq 'SERIALIZABLE' ? 11 : 10;

	$other->query_safe("BEGIN ISOLATION LEVEL $level; SELECT count(*) FROM request");
	$node->safe_psql('postgres', revoke($n));
	is($other->query_safe($query), '110|' . (104 - $n) . '|11000|0',
		"revoked after the snapshot, $level");
	$other->query_safe('COMMIT');
}

# A worker starts with all it knows declared void; its leader does not.
is_warm($warm, 20, 'before a parallel query without tokens');
$warm->query_safe('SELECT count(DISTINCT token) FROM request');
is($warm->query_safe($query), '110|93|11000|0', 'after it');
all_say('valid', 20, 'to the end', $node, $other, $warm);

# Where every query is made parallel, if need be for the test's sake.
my $force = $node->safe_psql('postgres', q(
	SELECT name FROM pg_settings
	WHERE name IN ('force_parallel_mode', 'debug_parallel_query')));
$warm->query_safe("SET $force = on");
$warm->query_safe('SELECT tokenauth_flush()');
is(judge($warm, 20), 'valid', 'all queries parallel') foreach (1 .. 2);
is($warm->query_safe($query), '110|93|11000|0', 'all queries parallel');
$warm->query_safe(revoke(20));
all_say('revoked', 20, 'all queries parallel, revoked', $node, $other, $warm);

$_->quit foreach ($warm, $other);
$node->stop;
done_testing();
