# A hundred sessions at one token: one exchanges it and the others are told
# "used"; one rotates it and the others are refused; whoever renews it, it is
# written once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $clients = 100;
my $node = set_up(new_node('main', conf => "max_connections = 130\n"), 30);
my $scripts = PostgreSQL::Test::Utils::tempdir;

$node->safe_psql('postgres', q(
	CREATE TABLE code (
		token_hash text PRIMARY KEY, user_id text NOT NULL, used_at timestamptz);
	SELECT tokenauth_attach('code', prefix => 'cod_');
	INSERT INTO code (token_hash, user_id)
	SELECT encode(sha256(('cod_' || n)::bytea), 'hex'), n FROM generate_series(1, 30) n;

	CREATE TABLE session (
		token_hash text PRIMARY KEY, user_id text NOT NULL,
		expires_at timestamptz NOT NULL, writes int NOT NULL DEFAULT 0);
	SELECT tokenauth_attach('session', prefix => 'ses_',
		sliding_ttl => '30 days', sliding_threshold => '7 days');
	CREATE FUNCTION count_writes() RETURNS trigger LANGUAGE plpgsql
		AS $$ BEGIN NEW.writes = OLD.writes + 1; RETURN NEW; END $$;
	CREATE TRIGGER count_writes BEFORE UPDATE ON session
		FOR EACH ROW EXECUTE FUNCTION count_writes();
	INSERT INTO session (token_hash, user_id, expires_at)
	SELECT encode(sha256(('ses_' || n)::bytea), 'hex'), n, now() + interval '1 day'
	FROM generate_series(1, 30) n;

	CREATE TABLE outcome (what text, detail text);
	CREATE FUNCTION try_to_rotate(token text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM tokenauth_rotate(token);
		RETURN 'rotated';
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE;
	END $$;
));

# Let everybody run a statement once.  If there is a row to hold, it is locked
# until all wait for it, so that each has found the token valid before.
sub all_at_once
{
	my ($name, $sql, $hold) = @_;
	my $file = "$scripts/script.sql";
	my $holder = session($node);
	my ($in, $out) = ('', '');

	open(my $script, '>', $file) or die "could not write $file: $!";
	print $script "$sql;\n";
	close $script;
	$node->safe_psql('postgres', 'TRUNCATE outcome');
	$holder->query_safe("BEGIN; SELECT FROM $hold FOR UPDATE") if $hold;

	my $pgbench = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client', $clients, '--jobs', 2,
			'--transactions', 1, '--file', $file, '--host', $node->host,
			'--port', $node->port, 'postgres'
		],
		'<', \$in, '>', \$out, '2>&1');
	if ($hold)
	{
		$node->poll_query_until('postgres',
			qq(SELECT count(*) = $clients FROM pg_stat_activity
			   WHERE wait_event_type = 'Lock')
		) or die "$name: not all wait";
		$holder->query_safe('COMMIT');
	}
	$pgbench->finish;
	is($pgbench->result(0), 0, "$name: pgbench") or diag $out;
	$holder->quit;
	return;
}

# What came of it: "kind n" for each kind.
sub outcome
{
	return $node->safe_psql('postgres',
		q(SELECT string_agg(what || ' ' || n, ', ' ORDER BY n)
		  FROM (SELECT what, count(*) AS n FROM outcome GROUP BY what) AS kinds));
}

# n: the user who has the token of this number.
sub exchange
{
	my ($name, $n, $hold) = @_;

	all_at_once($name, qq(
		INSERT INTO outcome
		SELECT status, encode(sha256(token::bytea), 'hex')
		FROM tokenauth_exchange('cod_$n', 'session')), $hold);
	is(outcome(), 'valid 1, used ' . ($clients - 1), "$name: one wins");
	is( $node->safe_psql('postgres', qq(
			SELECT count(*), count(detail) FROM session
			LEFT JOIN outcome ON detail = token_hash
			WHERE user_id = '$n' AND token_hash <> encode(sha256('ses_$n'), 'hex'))),
		'1|1',
		"$name: one session, whose token the winner has");
	is( $node->safe_psql('postgres', 'SELECT count(detail) FROM outcome'),
		1, "$name: nobody else has a token");
	return;
}

sub rotate
{
	my ($name, $n, $hold) = @_;
	my $user = sprintf('00000000-0000-0000-0000-%012d', $n);

	all_at_once($name,
		"INSERT INTO outcome SELECT try_to_rotate('" . token($n) . "')",
		$hold && "$hold WHERE user_id = '$user'");
	is(outcome(), 'rotated 1, 28000 ' . ($clients - 1), "$name: one wins");
	is( $node->safe_psql('postgres', qq(
			SELECT revoked, count(*) FROM personal_access_token
			WHERE user_id = '$user' GROUP BY revoked ORDER BY revoked)),
		"f|1\nt|1",
		"$name: the old one is revoked, one is new");
	is(judge_anew($node, $n), 'revoked', "$name: and so the old one is judged");
	return;
}

sub renew
{
	my ($name, $n, $hold) = @_;

	all_at_once($name,
		"INSERT INTO outcome SELECT tokenauth_renew('ses_$n')::text",
		$hold);
	is( $node->safe_psql('postgres', qq(
			SELECT writes, expires_at > now() + interval '29 days' FROM session
			WHERE token_hash = encode(sha256('ses_$n'), 'hex'))),
		'1|t',
		"$name: written once");
	is( $node->safe_psql('postgres', qq(
			SELECT count(*) FROM outcome JOIN session
			ON expires_at = what::timestamptz
			AND token_hash = encode(sha256('ses_$n'), 'hex'))),
		$clients,
		"$name: all are told when it expires now");
	return;
}

exchange('exchange, all at a locked row', 1, q(code WHERE user_id = '1'));
rotate('rotate, all at a locked row', 1, 'personal_access_token');
renew('renew, all at a locked row', 1,
	q(session WHERE token_hash = encode(sha256('ses_1'), 'hex')));
foreach my $n (2 .. 1 + share(3))
{
	exchange("exchange $n", $n);
	rotate("rotate $n", $n);
	renew("renew $n", $n);
}

# Given up by the one who was first: the code is as good as new.
my $first = session($node);
$first->query_safe(
	q(BEGIN; SELECT status FROM tokenauth_exchange('cod_5', 'session')));
$first->query_safe('ROLLBACK');
exchange('exchange, after a rollback', 5);

$first->quit;
$node->stop;
done_testing();
