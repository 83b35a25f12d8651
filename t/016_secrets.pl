# Plaintext tokens are nowhere but with their callers (G10): not in the log when
# a call fails, not in what other sessions can see of it, not in shared memory,
# not on disk.  Callers send tokens as bind parameters; what stands in the text
# of a statement is PostgreSQL's to log and to show.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Find;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# System V, because such memory can be read without tracing a process.
my $node = new_node('main', conf => q(
shared_preload_libraries = 'pg_stat_statements, tokenauth'
pg_stat_statements.track = all
shared_memory_type = sysv
shared_buffers = '2MB'
log_statement = none
log_min_messages = debug2
log_error_verbosity = verbose
));
my $tempdir = PostgreSQL::Test::Utils::tempdir;
my $alice = '00000000-0000-0000-0000-00000000000a';

$node->safe_psql('postgres', q(
	CREATE EXTENSION tokenauth CASCADE;
	CREATE EXTENSION pg_stat_statements;
	SELECT tokenauth_create_table('text_token', prefix => 'txt_', checksum => true);

	CREATE TABLE hex_token (token_hash bytea PRIMARY KEY, user_id text NOT NULL,
		expires_at timestamptz, used_at timestamptz, revoked boolean DEFAULT false);
	SELECT tokenauth_attach('hex_token', prefix => 'abcd', stored_as => 'sha256-bytea',
		token_encoding => 'hex');
	CREATE TABLE b64_token (token_hash text PRIMARY KEY, user_id text NOT NULL,
		expires_at timestamptz, created_at timestamptz DEFAULT now(), revoked_at timestamptz);
	SELECT tokenauth_attach('b64_token', prefix => 'b64-', token_encoding => 'base64url',
		sliding_ttl => '30 days', sliding_threshold => '7 days');

	-- revoked, renewed, used up or given a successor, its rows violate something
	CREATE TABLE plain_token (token text PRIMARY KEY, user_id text NOT NULL,
		expires_at timestamptz CHECK (expires_at < now() + interval '20 days'),
		used_at timestamptz CHECK (used_at IS NULL), note text DEFAULT 'note',
		revoked boolean NOT NULL DEFAULT false CHECK (NOT revoked));
	SELECT tokenauth_attach('plain_token', prefix => 'pln_', token_column => 'token',
		stored_as => 'plaintext', sliding_ttl => '30 days', sliding_threshold => '7 days');
	-- a token of this one cannot be issued but as the first of its user
	CREATE TABLE plain_once (token text PRIMARY KEY, user_id text NOT NULL UNIQUE,
		revoked boolean NOT NULL DEFAULT false);
	SELECT tokenauth_attach('plain_once', prefix => 'one_', token_column => 'token',
		stored_as => 'plaintext');

	CREATE ROLE api LOGIN;
	CREATE ROLE keeper LOGIN SUPERUSER;
	DO $$
	DECLARE
		f regprocedure;
	BEGIN
		FOR f IN SELECT oid FROM pg_proc
			WHERE proname ~ '^tokenauth_(issue|resolve|identify|revoke|rotate|renew|exchange|list|explain)'
		LOOP
			EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO api', f);
		END LOOP;
	END $$;
));

# A new token, which comes as a result and so stands in no statement.
sub new_token
{
	my ($user, $source, $more) = @_;
	$more //= '';
	return $node->safe_psql('postgres',
		"SELECT token FROM tokenauth_issue('$user', '$source' $more)");
}

sub pgbench
{
	my ($role, $sql, %variables) = @_;
	my $file = "$tempdir/script.sql";

	open(my $script, '>', $file) or die "could not write $file: $!";
	print $script "$sql;\n";
	close $script;
	return [
		'pgbench', '--no-vacuum', '--transactions', 1, '--protocol', 'prepared',
		'--file', $file, '--host', $node->host, '--port', $node->port,
		'--username', $role,
		(map { ('--define', "$_=$variables{$_}") } sort keys %variables), 'postgres'
	];
}

# Run a statement whose :variables go as bind parameters; what it complains of.
sub bound
{
	my ($command) = @_;
	my ($in, $out, $err) = ('', '', '');

	IPC::Run::run($command, '<', \$in, '>', \$out, '2>', \$err);
	return join ' ', $err =~ /ERROR: +(.*)/g;
}

# ---- where a token might be ----

# Everything in the data directory, buffers written out.
sub disk
{
	my $content = '';

	$node->safe_psql('postgres', 'CHECKPOINT');
	find({
			no_chdir => 1,
			wanted => sub {
				$content .= slurp_file($_) if -f $_;
			}
		}, $node->data_dir);
	return $content;
}

sub everywhere
{
	my $views = $node->safe_psql('postgres', q(
		SELECT * FROM pg_stat_activity;
		SELECT * FROM pg_stat_statements;
		SELECT * FROM pg_prepared_statements;
		SELECT * FROM pg_locks;
		SELECT * FROM tokenauth_stats;
		SELECT * FROM tokenauth_cache;
		SELECT * FROM tokenauth_doctor();
		SELECT * FROM tokenauth_sources;
	));
	return (
		'views' => $views,
		'log' => slurp_file($node->logfile),
		'shared memory' => shared_memory($node),
		'disk' => disk());
}

# What gives a token away: its random part or, cut out of it, most of that, as
# text or as the bytes it stands for.
sub traces
{
	my ($token) = @_;
	my $middle = substr($token, 12, 20);
	my @traces = ($middle);

	push @traces, pack('H*', $middle) if $token =~ /^abcd/;
	if ($token =~ /^b64-/)
	{
		(my $base64 = $middle) =~ tr{-_}{+/};
		push @traces, unpack('u', join '', map { chr(32 + length($_) * 3 / 4) . $_ }
			  ($base64 =~ tr{A-Za-z0-9+/}{ -_}r));
	}
	return @traces;
}

sub is_nowhere
{
	my ($name, $tokens, %places) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	foreach my $place (sort keys %places)
	{
		my @found = grep
		{
			my $token = $_;
			grep { index($places{$place}, $_) >= 0 } traces($token)
		} sort keys %$tokens;
		is(join(', ', map { $tokens->{$_} } @found), '', "$name: not in $place");
	}
	return;
}

# ---- this test would notice ----

my $canary = 'canary_' . 'x' x 30;
my $careless = session($node);
$careless->query("SET application_name = 'x'; SELECT '$canary'::int");
# pg_stat_statements keeps this one's text as it is, in a file too; of a SET it
# keeps the constants only until PostgreSQL 17
$careless->query("DO 'BEGIN PERFORM ''$canary''; END'");
my %place = everywhere();
ok(index($place{$_}, $canary) >= 0, "a careless caller's is in $_")
  foreach ('views', 'log', 'shared memory', 'disk');
$careless->quit;
is((traces('b64-' . 'QUJD' x 10))[1], 'ABC' x 5, 'base64url is decoded');

# ---- hashed sources ----

my %token;    # which is which
my $text = new_token($alice, 'text_token', ", '1 day', attributes => '{\"name\": \"n\"}'");
my $text2 = new_token($alice, 'text_token');
my $hex = new_token('u', 'hex_token');
my $hex2 = new_token('u', 'hex_token');
my $b64 = new_token('u', 'b64_token');
my $wrong = substr($text, 0, 30) . '0000000';
%token = (
	$text => 'text', $text2 => 'text 2', $hex => 'hex', $hex2 => 'hex 2',
	$b64 => 'base64url', $wrong => 'wrong');

# Calls that succeed, warm the cache, and are refused; [$sql, $token, error].
my @calls = (
	[ q(SELECT tokenauth_resolve(:token)), $text, '' ],
	[ q(SELECT tokenauth_resolve(:token), tokenauth_resolve(:token)), $text, '' ],
	[ q(SELECT tokenauth_resolve(:token, NULL::text)), $hex, '' ],
	[ q(SELECT tokenauth_resolve(:token, NULL::text)), $b64, '' ],
	[ q(SELECT tokenauth_resolve(:token)), $hex, qr/user ids of type text/ ],
	[ q(SELECT tokenauth_resolve(:token, NULL::uuid, 'nothing')), $text, qr/nothing/ ],
	[ q(SELECT tokenauth_resolve(:token)), $wrong, '' ],
	[ q(SELECT tokenauth_identify(:token)), $hex, '' ],
	[ q(SELECT tokenauth_identify(:token, 'nothing')), $text, qr/nothing/ ],
	[ q(SELECT tokenauth_identify(:token, 'b64_token')), $text, '' ],
	[ q(SELECT 1 / (tokenauth_resolve(:token) IS NULL)::int), $text, qr/division by zero/ ],
	[ q(SELECT * FROM tokenauth_explain(:token)), $text, qr/must be owner/ ],
	[ q(SELECT * FROM tokenauth_explain(:token, 'nothing')), $text, qr/nothing/ ],
	[ q(SELECT tokenauth_rotate(:token)), $wrong, qr/token is not valid/ ],
	[ q(SELECT tokenauth_rotate(:token, source => 'nothing')), $text, qr/nothing/ ],
	[ q(SELECT tokenauth_rotate(:token, grace => 'soon')), $text, qr/invalid input syntax/ ],
	[ q(SELECT tokenauth_renew(:token)), $b64, '' ],
	[ q(SELECT tokenauth_renew(:token)), $text, qr/cannot be renewed/ ],
	[ q(SELECT tokenauth_exchange(:token, 'text_token')), $text, qr/not for single use/ ],
	[ q(SELECT tokenauth_exchange(:token, 'nothing')), $hex, qr/nothing/ ],
	[ q(SELECT tokenauth_exchange(:token, 'text_token')), $hex, qr/uuid/ ],
	[ q(SELECT tokenauth_exchange(:token, 'b64_token', attributes => '{"x": 1}')), $hex,
		qr/no column/ ],
	[ q(SELECT (tokenauth_exchange(:token, 'b64_token')).status), $hex, '' ],
	[ q(SELECT (tokenauth_exchange(:token, 'b64_token')).status), $hex, '' ],
	[ q(SELECT tokenauth_revoke(:token)), $text2, '' ],
	[ q(SELECT tokenauth_rotate(:token)), $text2, qr/token is not valid/ ],
	[ q(SELECT 1 / tokenauth_revoke(:token)::int + 1 / 0), $text, qr/division by zero/ ],
	[ q(SELECT count(*) / 0 FROM tokenauth_rotate(:token)), $text, qr/division by zero/ ],
);

sub call_all
{
	my ($name) = @_;

	foreach my $call (@_[ 1 .. $#_ ])
	{
		my ($sql, $token, $error) = @$call;
		my $said = bound(pgbench('api', $sql, token => $token));

		ref $error
		  ? like($said, $error, "$name: $sql")
		  : is($said, $error, "$name: $sql");
	}
	return;
}

call_all('hashed', @calls);

# For the owner of the table, a token is explained without being shown.
foreach my $token (sort keys %token)
{
	is(bound(pgbench('keeper', q(SELECT * FROM tokenauth_explain(:token)), token => $token)),
		'', "explained: $token{$token}");
	is(bound(pgbench('keeper', q(SELECT * FROM tokenauth_explain(:token || E'\\n')), token => $token)),
		'', "explained, with a newline: $token{$token}");
}

# Rows that a caller may see are shown in errors, and digests are no secret.
$node->safe_psql('postgres', q(
	ALTER TABLE text_token ADD CHECK (NOT revoked) NOT VALID;
	GRANT SELECT ON text_token TO api;));
call_all('hashed, violating a CHECK',
	[ q(SELECT tokenauth_revoke(:token)), $text, qr/check constraint/ ],
	[ q(SELECT tokenauth_rotate(:token)), $text, qr/check constraint/ ]);
$node->safe_psql('postgres', q(
	ALTER TABLE text_token DROP CONSTRAINT text_token_revoked_check;
	REVOKE SELECT ON text_token FROM api;));

# What is asked for last, in this session, is in the cache, digest and all.
my $warm = session($node);
$warm->query_safe(q(SELECT tokenauth_stats_reset()));
bound(pgbench('api', q(SELECT tokenauth_resolve(:token)), token => $text));
is($warm->query_safe(q(SELECT sum(hits) > 0 FROM tokenauth_stats)),
	't', 'tokens come from the cache');
my $digest = pack('H*', $node->safe_psql('postgres', q(
	SELECT token_hash FROM text_token WHERE NOT revoked AND name = 'n')));

# While calls are under way: they have made new tokens, and wait to insert them.
$warm->query_safe(q(BEGIN; LOCK TABLE text_token IN SHARE MODE));
my ($in, $out) = ('', '');
my $waiting = IPC::Run::start(
	pgbench('api', q(SELECT tokenauth_rotate(:token)), token => $text),
	'<', \$in, '>', \$out, '2>&1');
my ($new, $err) = ('', '');
my $issuing = IPC::Run::start(
	[
		'psql', '--no-psqlrc', '--no-align', '--tuples-only', '--dbname',
		$node->connstr('postgres'), '--command',
		"SELECT token FROM tokenauth_issue('$alice', 'text_token')"
	],
	'<', \$in, '>', \$new, '2>', \$err);
$node->poll_query_until('postgres', q(
	SELECT count(*) = 2 FROM pg_stat_activity
	WHERE query ~ '^SELECT token' AND wait_event_type = 'Lock'))
  or die 'nobody waits';
%place = everywhere();
like($place{'views'}, qr/active.*SELECT tokenauth_rotate\(\$1\)/,
	'a call is under way');
ok(index($place{'shared memory'}, $digest) >= 0, 'digests are in shared memory');
$warm->query_safe('COMMIT');
$waiting->finish;
$issuing->finish;
is($waiting->result(0), 0, 'the call is done') or diag $out;
chomp $new;
like($new, qr/^txt_\w{33}$/, 'the other, too') or diag $err;
$token{$new} = 'new';
is_nowhere('under way', \%token, %place);
$warm->quit;

# A successor, too, and what is asked for last.
my $last = new_token($alice, 'text_token');
my $successor = $node->safe_psql('postgres', qq(
	SELECT r.token FROM tokenauth_issue('$alice', 'text_token') i,
		LATERAL tokenauth_rotate(i.token) r));
$token{$successor} = 'successor';
$token{$last} = 'last';
bound(pgbench('api', q(SELECT tokenauth_resolve(:token)), token => $last));
is_nowhere('in the end', \%token, everywhere());

# ---- plaintext sources: they are on disk, but nobody is shown them ----

my $plain = new_token('u', 'plain_token', ", '1 day'");
my $once = new_token('u', 'plain_once');
my %plain = ($plain => 'plain', $once => 'once');
my @violations = (
	[ q(SELECT tokenauth_revoke(:token)), $plain, qr/check constraint/ ],
	[ q(SELECT tokenauth_rotate(:token, grace => '1 hour')), $plain, qr/cannot be rotated with a grace/ ],
	[ q(SELECT tokenauth_rotate(:token)), $plain, qr/check constraint/ ],
	[ q(SELECT tokenauth_renew(:token)), $plain, qr/check constraint/ ],
	[ q(SELECT tokenauth_rotate(:token)), $once, qr/unique constraint/ ],
	[ q(SELECT tokenauth_rotate(:token, grace => '1 hour')), $once, qr/no expires_column/ ],
	[ q(SELECT tokenauth_issue('u', 'plain_once') WHERE :token <> ''), $once,
		qr/unique constraint/ ],
	[ q(SELECT tokenauth_revoke_user('u', 'plain_token') WHERE :token <> ''), $plain,
		qr/check constraint/ ],
	[ q(SELECT tokenauth_list('u', 'plain_token') WHERE :token <> ''), $plain, '' ],
	[ q(SELECT tokenauth_exchange(:token, 'text_token')), $once, qr/not for single use/ ],
);
call_all('plaintext', @violations,
	[ q(SELECT tokenauth_exchange(:token, 'plain_once')), $plain, qr/check constraint/ ],
	# one that is left out is a warning
	[ q(SELECT tokenauth_revoke_user('u') WHERE :token <> ''), $plain, '' ]);
%place = everywhere();
is_nowhere('plaintext', \%plain,
	map { $_ => $place{$_} } ('log', 'views'));

# A row in an error's detail would be one of these.
unlike($place{'log'}, qr/Failing row contains \((pln|one)_/,
	'plaintext: no row is in the log');
like($place{'log'}, qr/The row is not shown/, 'plaintext: and the log says so');

$node->stop;
done_testing();
