# examples/gateway: a gateway puts the request's headers into a setting and calls a
# function that binds the token.  psql plays the gateway, on one connection for all users,
# as a pool would.  Begins with what the README says, as pasted.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $top = "$FindBin::RealBin/..";
my $node = new_node('main', conf => 'log_statement = none');
$node->safe_psql('postgres', 'CREATE DATABASE gateway');
$node->safe_psql('gateway', slurp_file("$top/examples/gateway/schema.sql"));
my $readme = join '', slurp_file("$top/examples/gateway/README.md") =~ /^```sql\n(.*?)^```/msg;
is($node->safe_psql('gateway', $readme), "\nmine", 'what the README says');

my %id = (
	alice => '00000000-0000-4000-8000-00000000000a',
	bob => '00000000-0000-4000-8000-00000000000b');
$node->safe_psql(
	'gateway', qq(
	INSERT INTO personal_access_token (user_id, token_hash, scope)
	SELECT who::uuid, encode(sha256(token::bytea), 'hex'), scope
	FROM (VALUES ('$id{alice}', 'gw_alice', 'write'), ('$id{alice}', 'gw_reader', NULL),
		('$id{alice}', 'gw_revoked', 'write'), ('$id{bob}', 'gw_bob', 'write')) t (who, token, scope);
	SELECT tokenauth_revoke('gw_revoked');
	INSERT INTO api.note (owner, body) VALUES ('$id{alice}', 'of alice'), ('$id{bob}', 'of bob')));

my $gateway = $node->background_psql(
	'gateway',
	on_error_stop => 0,
	extra_params => [ '-U', 'authenticator', '--set=VERBOSITY=verbose' ]);

# What a request gets: rows, or SQLSTATE and message.
sub request
{
	my ($headers, $sql) = @_;
	my $rows = $gateway->query(qq(
		BEGIN;
		SET LOCAL ROLE web_user;
		SELECT set_config('request.headers', '$headers', true) \\g /dev/null
		SELECT gateway.pre_request() \\g /dev/null
		$sql;
		ROLLBACK;));
	my ($error) = $gateway->{stderr} =~ /^(?:psql:[^:]*:\d+: )?ERROR:  (\w+: .*)$/m;

	$gateway->{stderr} = '';
	return $error // $rows;
}

sub bearer { return qq({"host": "x", "authorization": "Bearer $_[0]"}); }

my $read = 'SELECT body FROM api.note';
is(request(bearer('gw_alice'), $read), 'of alice', 'the rows of a user');
is(request(bearer('gw_bob'), $read), 'of bob', 'of another, on the same connection');
is(request('{"authorization": "bearer gw_bob"}', $read), 'of bob', 'bearer in lower case');
is(request('{"host": "x"}', $read), '', 'without a header: nobody');
is($gateway->query(qq(BEGIN; SET LOCAL ROLE web_user; SELECT gateway.pre_request() \\g /dev/null
	$read; COMMIT;)), '', 'without the setting: nobody, not who was there before');
is(request(bearer('gw_revoked'), $read), 'PT401: revoked', 'a revoked token');
is(request(bearer('gw_nothing'), $read), 'PT401: unknown', 'an unknown token');
is(request(bearer(''), $read), 'PT401: malformed', 'no token in the header');
is(request('{"authorization": "Basic Z3c6eA=="}', $read), 'PT401: malformed', 'another scheme');
is(request(bearer('gw_alice gw_bob'), $read), 'PT401: malformed', 'two tokens');

my $write = q(INSERT INTO api.note (body) VALUES ('new') RETURNING body);
is(request(bearer('gw_alice'), $write), 'new', 'who has the scope writes');
is(request(bearer('gw_reader'), $read), 'of alice', 'who has not reads');
is(request(bearer('gw_reader'), $write), 'PT403: forbidden', 'and does not write');
is(request('{}', $write), 'PT401: no token', 'nor does nobody');
like(request(bearer('gw_alice'), qq(INSERT INTO api.note (owner, body) VALUES ('$id{bob}', 'x'))),
	qr/^42501: /, 'nor anybody for another');

# SQL that is injected after the pre-request.
my $forge = q(SELECT set_config('request.headers', '{"authorization": "Bearer gw_bob"}', true) \g /dev/null);
is(request(bearer('gw_alice'), "$forge\n $read"), 'of alice', 'another header changes nothing');
like(request(bearer('gw_alice'), "$forge\n SELECT gateway.pre_request()"),
	qr/^55000: another user/, 'and binds nobody else');
is(request(bearer('gw_alice'), "RESET ROLE; SET LOCAL ROLE web_user; $read"), 'of alice', 'nor does another role');
like(request(bearer('gw_alice'), 'SELECT * FROM personal_access_token'),
	qr/^42501: permission denied/, 'the tokens are out of reach');

# Revoked between two requests.
$node->safe_psql('gateway', q(SELECT tokenauth_revoke('gw_alice')));
is(request(bearer('gw_alice'), $read), 'PT401: revoked', 'the next request is refused');

unlike(slurp_file($node->logfile), qr/gw_(nothing|revoked|reader|bob)/, 'no token in the log');
$gateway->quit;
$node->stop;
done_testing();
