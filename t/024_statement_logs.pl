# What other modules log of the statements that we execute has no token and no
# digest in it (G10): neither as a constant of a plan nor as a parameter.  What
# the caller's own statement shows is the caller's matter; here callers take
# their tokens from a table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use Digest::SHA qw(sha256);
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# Everything that auto_explain and core show of plans, nested ones included.
my $log_all = q(
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_triggers = on
debug_print_parse = on
debug_print_rewritten = on
debug_print_plan = on
debug_pretty_print = off
log_parameter_max_length = -1
log_parameter_max_length_on_error = -1
log_error_verbosity = verbose
);
my $node = new_node('main');
my $major = int($node->safe_psql('postgres', 'SHOW server_version_num') / 10000);
$log_all .= "auto_explain.log_parameter_max_length = -1\n" if $major >= 16;

$node->safe_psql('postgres', q(
	CREATE EXTENSION tokenauth CASCADE;
	SELECT tokenauth_create_table('hashed', prefix => 'hsh_');
	CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token text UNIQUE,
		user_id text, expires_at timestamptz, last_used_at timestamptz, revoked boolean DEFAULT false);
	SELECT tokenauth_attach('plain', prefix => 'pln_', token_column => 'token', stored_as => 'plaintext');
	CREATE TABLE code (token_hash bytea PRIMARY KEY, user_id text, expires_at timestamptz, used_at timestamptz);
	SELECT tokenauth_attach('code', prefix => 'cod_', stored_as => 'sha256-bytea', on_revoke => 'delete');
	CREATE TABLE session (token text PRIMARY KEY, user_id text, expires_at timestamptz NOT NULL, device text);
	SELECT tokenauth_attach('session', prefix => 'ses_', token_column => 'token', stored_as => 'plaintext',
		sliding_ttl => '30 days', sliding_threshold => '7 days', on_revoke => 'delete');

	CREATE TABLE given (what text, token text, UNIQUE (what, token));
	CREATE FUNCTION give(label text, source text, lifetime interval) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		owner text := CASE source WHEN 'hashed' THEN '00000000-0000-0000-0000-00000000000a' ELSE 'u' END;
	BEGIN
		INSERT INTO given SELECT label, token FROM tokenauth_issue(owner, source, lifetime);
	END $$;
));

# ---- calls, each on the tokens of a label ----

$node->append_conf('postgresql.conf', $log_all);
$node->restart;
my $before = -s $node->logfile;
my @made = map { [ split /\|/ ] } (
	'h1|hashed|NULL', 'h2|hashed|1 day', 'h3|hashed|1 day', 'h4|hashed|NULL',
	'p1|plain|NULL', 'p2|plain|1 day', 'p3|plain|1 day', 'p4|plain|NULL',
	'c1|code|1 hour', 'c2|code|1 hour', 's1|session|1 day', 's2|session|1 day');
$node->safe_psql('postgres', join ';',
	map { "SELECT give('$_->[0]', '$_->[1]', " . ($_->[2] eq 'NULL' ? 'NULL' : "'$_->[2]'") . ')' } @made);
$node->safe_psql('postgres', $_) foreach (
	q(SELECT count(*) FROM given, tokenauth_identify(token)),
	q(SELECT tokenauth_resolve(token) FROM given WHERE what LIKE 'h%'),
	q(SELECT tokenauth_resolve(token, NULL::text) FROM given WHERE what LIKE 'p%'),
	q(SELECT tokenauth_authenticate(token) FROM given WHERE what = 'p1'),
	q(INSERT INTO given SELECT 'r', r.token FROM given g, tokenauth_rotate(g.token) r WHERE what IN ('h2', 'p2')),
	q(INSERT INTO given SELECT 'r', r.token FROM given g, tokenauth_rotate(g.token, grace => '1 hour') r WHERE what IN ('h3', 'p3')),
	q(SELECT tokenauth_renew(token) FROM given WHERE what LIKE 's%'),
	q(INSERT INTO given SELECT 'x', x.token FROM given g,
		tokenauth_exchange(g.token, 'session', '1 day', '{"device": "d"}') x WHERE what = 'c1'),
	q(SELECT tokenauth_revoke(token) FROM given WHERE what IN ('h4', 'p4', 'c2', 's2')),
	q(SELECT count(*) FROM tokenauth_list('u', 'plain', true)),
	q(SELECT count(*) FROM tokenauth_list('u', 'code', true)),
	q(SELECT tokenauth_warm()),
	q(SELECT tokenauth_flush_last_used()),
	q(SELECT count(*) FROM tokenauth_doctor()),
	q(CALL tokenauth_hash_in_place('plain', 1)),
	q(SELECT tokenauth_revoke_user('u', 'session')));
$node->stop;

# ---- what was logged ----

# The log since some place in it; dumps of trees are wrapped.
sub log_since
{
	my ($place) = @_;

	return substr(slurp_file($node->logfile), $place) =~ s/\s+/ /gr;
}

my $log = log_since($before);
like($log, qr/UPDATE ONLY public\.plain SET/, 'our statements are logged');
like($log, qr/:planTree|PLANNEDSTMT/, 'and their plans');

# The bytes of a constant, as debug_print_plan shows them.
sub as_constant
{
	return join ' ', map { $_ > 127 ? $_ - 256 : $_ } unpack('C*', $_[0]);
}

$node->start;
my @token = split /\n/, $node->safe_psql('postgres', 'SELECT token FROM given');
cmp_ok(scalar @token, '>=', 17, 'tokens of each kind');
my %found;
foreach my $token (@token)
{
	my $digest = sha256($token);
	my $hex = unpack('H*', $digest);

	$found{'token'}++ if index($log, substr($token, 8)) >= 0;
	$found{'token as a constant'}++ if index($log, as_constant(substr($token, 8))) >= 0;
	$found{'digest'}++ if $log =~ /\Q$hex\E/i;
	$found{'digest as a constant'}++ if index($log, as_constant($digest)) >= 0;
	$found{'digest as a constant text'}++ if index($log, as_constant($hex)) >= 0;
}
is(join(', ', sort keys %found), '', 'no token and no digest is in the log');

# This test would notice: a caller who does it as one should not.
$before = -s $node->logfile;
$node->safe_psql('postgres', "DO \$\$ BEGIN
	EXECUTE 'SELECT 1 FROM given WHERE token = \$1' USING 'canary_in_a_parameter';
	EXECUTE 'SELECT 1 FROM given WHERE token = ''canary_in_a_statement'''; END \$\$");
$node->stop;
$log = log_since($before);
ok(index($log, as_constant('canary_in_a_parameter')) >= 0, 'a custom plan has constants');
ok(index($log, 'canary_in_a_statement') >= 0, 'a statement has its literals');

done_testing();
