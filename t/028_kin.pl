# Entries that stand behind more than the bucket of their own row: chains of parents, two
# sources of a table, keys that do not follow from the row.  Beside a standby, by prepared
# transactions, and after a promotion.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $primary = new_node('primary', init => { allows_streaming => 1 },
	conf => "max_prepared_transactions = 10\n");

# Token n is that of account n, by session n.  The key of an access token follows from
# its row, that of a refresh token does not.
$primary->safe_psql('postgres', q(
	CREATE EXTENSION tokenauth CASCADE;
	CREATE TABLE account (id int PRIMARY KEY, ok boolean NOT NULL DEFAULT true);
	CREATE TABLE session (id int PRIMARY KEY, account_id int);
	CREATE TABLE token (id int PRIMARY KEY, access text UNIQUE, refresh text UNIQUE, session_id int,
		revoked boolean NOT NULL DEFAULT false);
	INSERT INTO account SELECT n, n > 0 FROM generate_series(0, 100) n;
	INSERT INTO session SELECT n, n FROM generate_series(1, 100) n;
	INSERT INTO token SELECT n, 'access' || n, encode(sha512(convert_to('refresh' || n, 'UTF8')), 'hex'), n FROM generate_series(1, 100) n;
	SELECT tokenauth_attach('token', 'access', token_column => 'access', stored_as => 'plaintext', user_column => '');
	SELECT tokenauth_attach('token', 'refresh', token_column => 'refresh', stored_as => 'sha512-hex', user_column => '');
	SELECT tokenauth_attach_parent(s, 'session', 'session_id', mapping => '{"user_column": "account_id"}'),
		tokenauth_attach_parent(s, 'account', 'account_id', live_when => 'ok', mapping => '{"of": "session_id"}')
	FROM unnest('{access, refresh}'::name[]) s;
));
my $standby = new_standby($primary, 'standby');
my %session = (primary => session($primary), standby => session($standby));

# What a node says of token n, of the table or of the cache, and whether by a hit.
sub ask
{
	my ($where, $source, $n) = @_;
	my $hits = 'SELECT coalesce(sum(hits + negative_hits), 0) FROM tokenauth_stats;';
	my ($before, $status, $after) = split /\n/, $session{$where}->query_safe(
		"$hits SELECT concat_ws(' ', status, user_id) FROM tokenauth_identify('$source$n', '$source'); $hits");

	return $status . ($after > $before ? ', cached' : '');
}

sub each_says
{
	my ($expected, $n, $name) = @_;

	foreach my $where (sort keys %session)
	{
		foreach my $source (qw(access refresh))
		{
			my $status = ref $expected ? $expected->{$source} : $expected;
			is(ask($where, $source, $n), $status, "$name: $source, $where");
		}
	}
	return;
}

# So that the next answer comes from the cache.
sub each_is_warm
{
	my ($n, $name) = @_;

	foreach my $where (keys %session)
	{
		ask($where, $_, $n) foreach qw(access refresh);
	}
	each_says("valid $n, cached", $n, "$name, before");
	return;
}

my %change = (
	'the row' => [ 'UPDATE token SET revoked = true WHERE id = %d', 'revoked' ],
	'the row in between' => [ 'UPDATE session SET account_id = 0 WHERE id = %d', 'disabled' ],
	'the row at the end' => [ 'UPDATE account SET ok = false WHERE id = %d', 'disabled' ],
	'the row at the end goes' => [ 'DELETE FROM account WHERE id = %d', 'disabled' ],
	'its reference' => [ 'UPDATE token SET session_id = NULL WHERE id = %d', 'disabled' ],
	'one of its tokens' => [ "UPDATE token SET refresh = 'gone' || id WHERE id = %d", undef ],
	'the row goes' => [ 'DELETE FROM token WHERE id = %d', 'unknown' ]);
my $n = 0;

sub each_change
{
	my ($name, $do) = @_;

	foreach my $what (sort keys %change)
	{
		my ($sql, $status) = @{ $change{$what} };

		$n++;
		each_is_warm($n, "$name, $what");
		$do->(sprintf($sql, $n), $n, "$name, $what");
		each_says($status // { access => "valid $n, cached", refresh => 'unknown' }, $n, "$name, $what");
	}
	return;
}

each_change('at once', sub { $primary->safe_psql('postgres', $_[0]) });
each_change('prepared', sub {
	my ($sql, $token, $name) = @_;

	$primary->safe_psql('postgres', "BEGIN; $sql; PREPARE TRANSACTION 'p$token'");
	each_says("valid $token, cached", $token, "$name, not yet");
	$primary->safe_psql('postgres', "COMMIT PREPARED 'p$token'");
});
each_is_warm(90, 'rolled back');
$primary->safe_psql('postgres', q(BEGIN; UPDATE session SET account_id = 0 WHERE id = 90; PREPARE TRANSACTION 'undone'));
$primary->safe_psql('postgres', q(ROLLBACK PREPARED 'undone'));
like(ask($_, 'refresh', 90), qr{^valid 90}, "rolled back: $_") foreach sort keys %session;

# Prepared before the promotion, committed after it.
$primary->safe_psql('postgres', q(BEGIN; UPDATE account SET ok = false WHERE id = 91; PREPARE TRANSACTION 'late'));
each_is_warm(91, 'before the promotion');
(delete $session{primary})->quit;
$primary->stop('immediate');
$standby->promote;
$standby->safe_psql('postgres', q(COMMIT PREPARED 'late'));
each_says('disabled', 91, 'after the promotion');
each_change('promoted', sub { $standby->safe_psql('postgres', $_[0]) });

$session{standby}->quit;
$standby->stop;
done_testing();
