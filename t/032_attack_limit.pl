# Code of one source that catches every cancellation does not hold the caller for
# ever: the session is terminated, the log tells why, and the other sources'
# tokens can be revoked by name.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main');
set_up($node, 10);
$node->safe_psql('postgres', q(
	SELECT tokenauth_create_table('other_token', prefix => 'other_');
	INSERT INTO other_token (user_id, token_hash)
	SELECT user_id, encode(sha256('other_1'), 'hex') FROM personal_access_token LIMIT 1;
	CREATE FUNCTION never_end() RETURNS trigger LANGUAGE plpgsql AS ) . endless() . q(;
	CREATE TRIGGER never_end BEFORE UPDATE ON other_token
		FOR EACH ROW EXECUTE FUNCTION never_end();));
my $user = $node->safe_psql('postgres', 'SELECT user_id FROM other_token');

my ($status, undef, $errors) = $node->psql('postgres', qq(
	SET tokenauth.source_timeout = '100ms';
	SELECT tokenauth_revoke_user('$user')));
is($status, 2, 'the session is terminated');
like($errors, qr/terminating connection/, '... and its client is told so');
like(slurp_file($node->logfile),
	qr/LOG: .*session was terminated because a token source did not end/,
	'the log tells why');
is( $node->safe_psql('postgres', qq(
	SELECT tokenauth_revoke_user('$user', 'personal_access_token'))),
	1, 'the other source can be named');

$node->stop;
done_testing();
