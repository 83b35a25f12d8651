# A standby caches too.  With remote_apply, once COMMIT has returned on the
# primary, the standby refuses; whatever was changed, and however.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $primary = set_up(
	new_node(
		'primary',
		init => { allows_streaming => 1 },
		conf => "max_prepared_transactions = 5\n"),
	500);
my $standby = new_standby($primary, 'standby');
my $writer = session($primary);
my $warm = session($standby);
my $other = session($standby);

is($warm->query_safe('SELECT pg_is_in_recovery()'), 't', 'it is a standby');
is_warm($warm, 1, 'standby');
is_warm($other, 1, 'standby, other session');

# One after the other: cached, revoked, refused at once.  Whom we ask second
# has not yet heard; whom we ask anew now and then never will.
my @wrong;
foreach my $n (1 .. 200)
{
	my @readers = $n % 2 ? ($warm, $other) : ($other, $warm);

	judge($readers[0], $n) eq 'valid' or push @wrong, "$n before";
	$writer->query_safe(revoke($n));
	if ($n % 20 == 0)
	{
		judge_anew($standby, $n) eq 'revoked'
		  or push @wrong, "$n anew";
	}
	judge($_, $n) eq 'revoked' or push @wrong, "$n after" foreach @readers;
}
is("@wrong", '', 'each of 200 is refused as soon as COMMIT has returned');
is_warm($warm, 201, 'after 200 revokes');

# A reader that connects late has not heard what was said before; nor had the
# others when they cached it.
is_warm($other, $_, 'before a late reader') foreach (201, 202);
$writer->query_safe(revoke(202));
is(judge(my $late = session($standby), 202), 'revoked', 'late reader');
is(judge($other, 202), 'revoked', 'late reader, who had cached it');
is_warm($late, 201, 'late reader');

# A refusal is not remembered, for nobody would tell of a new token.
is(judge($warm, 501), 'unknown', 'not issued yet') foreach (1 .. 2);
$writer->query_safe(issue(501));
is(judge($warm, 501), 'valid', 'issued: warm session, asked first');
all_say('valid', 501, 'issued', $standby, $other, $warm);

# More in one transaction than are told of one by one; then by a savepoint, by
# DELETE, by TRUNCATE, with the triggers off, in two phases.
is_warm($warm, $_, 'before many') foreach (203, 253);
$writer->query_safe(revoke(203, 253));
all_say('revoked', 203, '51 in one transaction', $standby, $other, $warm);
all_say('revoked', 253, '51 in one transaction', $standby, $other, $warm);
is_warm($warm, $_, '51 in one transaction, another token')
  foreach (254 .. 258);

$writer->query_safe('BEGIN; SAVEPOINT s;' . revoke(254)
	  . 'ROLLBACK TO s;' . revoke(255) . 'COMMIT');
is_warm($warm, 254, 'rolled back to a savepoint');
all_say('revoked', 255, 'after a savepoint', $standby, $other, $warm);

$writer->query_safe('DELETE FROM personal_access_token'
	  . q( WHERE user_id = '00000000-0000-0000-0000-000000000256'));
all_say('unknown', 256, 'DELETE', $standby, $other, $warm);

$writer->query_safe('BEGIN;' . unnoticed_revoke(257) . 'COMMIT');
all_say('revoked', 257, 'unnoticed by triggers', $standby, $other, $warm);
is_warm($warm, 258, 'unnoticed by triggers, another token');

$writer->query_safe('BEGIN;' . revoke(258) . q(PREPARE TRANSACTION 'two'));
is_warm($warm, 258, 'prepared');
$writer->query_safe(q(COMMIT PREPARED 'two'));
all_say('revoked', 258, 'COMMIT PREPARED', $standby, $other, $warm);

$writer->query_safe('ALTER TABLE personal_access_token DISABLE TRIGGER USER');
like_note($warm, qr/not enabled ALWAYS/, 'triggers disabled: the note says so');
is_cold($warm, 259, 'triggers disabled');
$writer->query_safe('ALTER TABLE personal_access_token'
	  . ' ENABLE ALWAYS TRIGGER tokenauth_row,'
	  . ' ENABLE ALWAYS TRIGGER tokenauth_truncate');
is_warm($warm, 259, 'triggers enabled');
$writer->query_safe('TRUNCATE personal_access_token');
all_say('unknown', 259, 'TRUNCATE', $standby, $other, $warm);

# A reader so busy that it is told only that it has missed something.
$writer->query_safe(issue(600, 601));
is_warm($warm, 600, 'before the overflow');
$_->quit foreach ($other, $late);
my $holder = session($standby);
$holder->query_safe('SELECT pg_advisory_lock(1)');
keep_busy($warm, $standby);
$writer->query_safe(revoke(600));
$writer->query_safe(make_noise());
$holder->query_safe('SELECT pg_advisory_unlock(1)');
is(judge($warm, 600), 'revoked', 'messages missed: warm session');

# Restarted at once, its cache is empty and right.
is_warm($warm, 601, 'before the immediate stop');
end_sessions($warm, $holder);
$standby->stop('immediate');
$primary->safe_psql('postgres', 'SET synchronous_commit = local;' . revoke(601));
$standby->start;
$primary->wait_for_catchup($standby);
is( $standby->safe_psql('postgres', 'SELECT entries FROM tokenauth_stats'),
	0, 'after the immediate stop the cache is empty');
is(judge_anew($standby, 601),
	'revoked', 'revoked while the standby was down');

$writer->quit;
$_->stop foreach ($standby, $primary);
done_testing();
