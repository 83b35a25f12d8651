# Changes that arrive by logical replication are applied with all ordinary
# triggers off; the subscriber's cache hears of them all the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $conf = q(
max_prepared_transactions = 5
wal_retrieve_retry_interval = 1ms
);
my $publisher = set_up(
	new_node('publisher', init => { allows_streaming => 'logical' }, conf => $conf));
my $subscriber = new_node('subscriber', conf => $conf);
set_up($subscriber, 0);

my $warm = session($subscriber);
my $other = session($subscriber);
my $writer = session($publisher);

sub replicated
{
	my ($sql) = @_;

	$writer->query_safe($sql);
	$publisher->wait_for_catchup('token_sub');
	return;
}

# Tokens refused before the first copy of the table are valid after it.
is(judge($warm, 1), 'unknown', 'before the subscription') foreach (1 .. 2);
is(judge($other, 1), 'unknown', 'before the subscription, other session');
$publisher->safe_psql('postgres',
	'CREATE PUBLICATION token_pub FOR TABLE personal_access_token');
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION token_sub CONNECTION '"
	  . $publisher->connstr
	  . " dbname=postgres' PUBLICATION token_pub"
	  . " WITH (streaming = on, two_phase = on)");
$subscriber->wait_for_subscription_sync($publisher, 'token_sub');
$subscriber->poll_query_until('postgres',
	q(SELECT subtwophasestate = 'e' FROM pg_subscription))
  or die 'no two-phase commit';
all_say('valid', 1, 'copied', $subscriber, $other, $warm);

# One by one.
is_warm($warm, $_, 'subscriber') foreach (1 .. 5);
is_warm($other, 1, 'subscriber, other session');
replicated(revoke(1));
all_say('revoked', 1, 'revoke applied', $subscriber, $other, $warm);
is_warm($warm, 2, 'revoke applied, another token');

is(judge($warm, 11), 'unknown', 'not issued yet') foreach (1 .. 2);
replicated(issue(11, 60));
all_say('valid', 11, 'issue applied', $subscriber, $other, $warm);
is_warm($warm, 11, 'issue applied');

replicated(q(DELETE FROM personal_access_token WHERE user_id::text LIKE '%2'));
all_say('unknown', 2, 'DELETE applied', $subscriber, $other, $warm);

is_warm($warm, 60, 'before many');
replicated(revoke(11, 60));
all_say('revoked', 11, '50 in one transaction applied', $subscriber, $other, $warm);
all_say('revoked', 60, '50 in one transaction applied', $subscriber, $other, $warm);

# In two phases.
is_warm($warm, 3, 'before two phases');
replicated('BEGIN;' . revoke(3) . q(PREPARE TRANSACTION 'three'));
is( $subscriber->safe_psql('postgres', 'SELECT count(*) FROM pg_prepared_xacts'),
	1, 'the subscriber has prepared it, too');
all_say('valid', 3, 'PREPARE applied', $subscriber, $other, $warm);
is_warm($warm, 3, 'PREPARE applied');
replicated(q(COMMIT PREPARED 'three'));
all_say('revoked', 3, 'COMMIT PREPARED applied', $subscriber, $other, $warm);

# The publisher's own cache is not disturbed by its decoding.
my $publisher_warm = session($publisher);
is_warm($publisher_warm, 4, 'publisher');
is( $publisher->safe_psql('postgres', q(
		SELECT pg_create_logical_replication_slot('spy', 'test_decoding');)
		  . revoke(4)
		  . q(SELECT count(*) > 0 FROM pg_logical_slot_get_changes('spy', NULL, NULL);)
		  . questions(4)) =~ /t\n\nrevoked$/ ? 'revoked' : 'not',
	'revoked', 'publisher, session that decodes');
all_say('revoked', 4, 'publisher', $publisher, $publisher_warm);
$publisher->wait_for_catchup('token_sub');
all_say('revoked', 4, 'revoked while decoding', $subscriber, $other, $warm);

# A walsender may receive messages of the past as if they were new, so it asks
# the table.
my $hits = q(SELECT sum(hits) FROM tokenauth_stats);
is_warm($publisher_warm, 5, 'publisher, before a walsender asks');
my $before = $publisher->safe_psql('postgres', $hits);
is( $publisher->safe_psql(
		'postgres',
		"SELECT bool_and(tokenauth_resolve('" . token(5) . "') IS NOT NULL)"
		  . ' FROM generate_series(1, 3)',
		replication => 'database'),
	't', 'a walsender asks');
is($publisher->safe_psql('postgres', $hits), $before, 'by the table');

# TRUNCATE.
is_warm($warm, 5, 'before TRUNCATE');
replicated('TRUNCATE personal_access_token');
all_say('unknown', 5, 'TRUNCATE applied', $subscriber, $other, $warm);

$_->quit foreach ($warm, $other, $writer, $publisher_warm);
$subscriber->stop;
$publisher->stop;
done_testing();
