# Plaintext tokens are hashed in place while everybody goes on: no valid token is
# refused, no revoked one accepted, whoever waits for a lock while the source
# moves to another column, and however often it is interrupted.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main', conf => "max_connections = 50\n");
my $scripts = PostgreSQL::Test::Utils::tempdir;

# psql in the background, one -c for each statement.
sub start_psql
{
	my ($database, @statements) = @_;
	my ($in, $out, $err) = ('', '', '');
	my $self = { in => \$in, out => \$out, err => \$err };

	$self->{run} = IPC::Run::start(
		[
			'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-d',
			$database, map { ('-c', $_) } @statements
		],
		'<', \$in, '>', \$out, '2>', \$err);
	return $self;
}

# What it has printed, and what it complained about.
sub finish
{
	my ($process) = @_;

	$process->{run}->finish;
	chomp(my $out = ${ $process->{out} });
	return wantarray ? ($out, ${ $process->{err} }) : $out;
}

sub wait_for
{
	my ($what, $query) = @_;

	$node->poll_query_until('postgres', "SELECT $query") or die "no: $what";
	return;
}

# ---------- whoever waits for the switch ----------

# The switch is made by hand here, so that it can be held at its worst moment.
sub set_up_source
{
	my ($name, $prefix, $count) = @_;

	$node->safe_psql('postgres', qq(
		CREATE TABLE $name (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			token text NOT NULL UNIQUE, user_id text NOT NULL,
			expires_at timestamptz, used_at timestamptz,
			revoked boolean NOT NULL DEFAULT false, touched int NOT NULL DEFAULT 0);
		SELECT tokenauth_attach('$name', prefix => '$prefix',
			token_column => 'token', stored_as => 'plaintext', used_column => '');
		INSERT INTO $name (token, user_id)
		SELECT '$prefix' || n, n FROM generate_series(1, $count) n;));
	return;
}

sub ask_during_switch
{
	my ($name, $prefix, $warm) = @_;
	my @questions = (
		[ '1', "SELECT tokenauth_resolve('${prefix}1', NULL::text)" ],
		[ 'valid', "SELECT status FROM tokenauth_identify('${prefix}2')" ],
		[ 't', "SELECT tokenauth_revoke('${prefix}3')" ],
		[ 't', "SELECT tokenauth_revoke('4', '4', '$name')" ],
		[ '1', "SELECT tokenauth_revoke_user('5', '$name')" ],
		[ '1', "SELECT count(token) FROM tokenauth_rotate('${prefix}6')" ],
		[ '1', "SELECT count(token) FROM tokenauth_issue('7', '$name')" ],
		[ 'valid', "SELECT status FROM tokenauth_list('8', '$name')" ],
		[ '9', "SELECT tokenauth_authenticate('${prefix}9')" ],
	);
	my $gate = session($node);
	my $switch = session($node);

	set_up_source($name, $prefix, 10);
	# one that is warm knows the source already; and rotates a token of the cache,
	# for which it need not wait until it locks the row
	$gate->query_safe('SELECT pg_advisory_lock(2)');
	foreach my $question (@questions)
	{
		push @$question,
		  start_psql('postgres',
			($warm ? "SELECT FROM tokenauth_identify('${prefix}6')" : 'SELECT'),
			'SELECT FROM pg_advisory_lock_shared(2)', $question->[1]);
	}
	wait_for('all at the gate',
		'count(*) = ' . @questions
		  . q( FROM pg_locks WHERE locktype = 'advisory' AND NOT granted));
	$switch->query_safe("BEGIN; LOCK TABLE $name IN ACCESS EXCLUSIVE MODE");
	$gate->query_safe('SELECT pg_advisory_unlock(2)');
	wait_for('all wait for the table',
		'count(*) = ' . @questions
		  . qq( FROM pg_locks WHERE relation = '$name'::regclass AND NOT granted));
	$switch->query_safe(qq(
		ALTER TABLE $name ADD token_hash text;
		UPDATE $name SET token_hash = encode(sha256(token::bytea), 'hex');
		CREATE UNIQUE INDEX ON $name (token_hash);
		ALTER TABLE $name DROP token;
		UPDATE tokenauth_source SET token_column = 'token_hash', stored_as = 'sha256-hex'
			WHERE source = '$name';
		COMMIT));
	foreach my $question (@questions)
	{
		my ($expected, $sql, $process) = @$question;
		my ($out, $err) = finish($process);

		is($out . $err, $expected, ($warm ? 'warm: ' : 'cold: ') . $sql);
	}
	is( $node->safe_psql('postgres', qq(
			SELECT string_agg(n || ' ' || status, ', ' ORDER BY n)
			FROM generate_series(1, 9) n, tokenauth_identify('$prefix' || n))),
		'1 valid, 2 valid, 3 revoked, 4 revoked, 5 revoked, 6 revoked, '
		  . '7 valid, 8 valid, 9 valid',
		'all is in effect afterwards');
	$_->quit foreach $gate, $switch;
	return;
}

$node->safe_psql('postgres', 'CREATE EXTENSION tokenauth CASCADE');
ask_during_switch('warm_key', 'wrm_', 1);
ask_during_switch('cold_key', 'cld_', 0);

# ---------- under load ----------

# Not fewer, however small the share: the procedure must not be through before a row is locked.
my $count = max(share(20_000), 10_000);
my $revocable = share(4_000);			# of them; the others must always be valid

set_up_source('api_key', 'key_', $count);
$node->safe_psql('postgres', q(
	CREATE TABLE mistake (what text);
	CREATE TABLE revoked (token text PRIMARY KEY);
	CREATE SEQUENCE victim;
	CREATE SEQUENCE progress;
	CREATE FUNCTION must_be(wanted text, token text) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE found text := (tokenauth_identify(token)).status;
	BEGIN
		IF found <> wanted OR (tokenauth_resolve(token, NULL::text) IS NULL) <> (wanted <> 'valid') THEN
			INSERT INTO mistake VALUES (format('%s must be %s but is %s', token, wanted, found));
		END IF;
		PERFORM nextval('progress');
	END $$;
));

sub script
{
	my ($name, $weight, $sql) = @_;
	my $file = "$scripts/$name.sql";

	open(my $script, '>', $file) or die "could not write $file: $!";
	print $script $sql;
	close $script;
	return ('--file', "$file\@$weight");
}

my @load = (
	script('resolve', 8, qq(
\\set n random($revocable + 1, $count)
SELECT must_be('valid', 'key_' || :n);)),
	# changed by the application all the time, and held for a while; not the last one, or
	# a client who waits for whoever holds that holds another row as long
	script('touch', 2, qq(
\\set n random($revocable + 1, $count - 1)
\\set m random($revocable + 1, $count - 1)
BEGIN;
UPDATE api_key SET touched = touched + 1 WHERE id = least(:n::bigint, :m::bigint);
SELECT must_be('valid', 'key_' || :n);
SELECT FROM api_key WHERE id = greatest(:n::bigint, :m::bigint) FOR UPDATE;
COMMIT;)),
	script('revoke', 1, qq(
SELECT 'key_' || (nextval('victim') % $revocable + 1) AS token \\gset
SELECT tokenauth_revoke(:token);
SELECT must_be('revoked', :token);
INSERT INTO revoked VALUES (:token) ON CONFLICT DO NOTHING;)),
	script('refused', 2, q(
SELECT must_be('revoked', token) FROM revoked OFFSET random() * (SELECT greatest(count(*) - 1, 0) FROM revoked) LIMIT 1;)),
	script('issue', 1, q(
SELECT token AS token FROM tokenauth_issue('new', 'api_key') \gset
SELECT must_be('valid', :token);
SELECT token AS successor FROM tokenauth_rotate(:token) \gset
SELECT must_be('revoked', :token);
SELECT must_be('valid', :successor);)),
);

# As much as there can be, so that the procedure is slow enough to be held; but of a
# share of the rows a share is enough.
my @rate = $ENV{TOKENAUTH_TEST_SHARE} ? ('--rate', 200) : ();

sub start_load
{
	my ($in, $out) = ('', '');
	my $before = $node->safe_psql('postgres', 'SELECT last_value FROM progress');
	my $run = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client', 6, '--jobs', 1,
			'--time', 100 * $PostgreSQL::Test::Utils::timeout_default,
			@rate, @load, '--protocol', 'prepared', '--host', $node->host, '--port', $node->port, 'postgres'
		],
		'<', \$in, '>', \$out, '2>&1');

	my $load = { run => $run, out => \$out };

	eval { wait_for('load', "last_value > $before + 500 FROM progress"); 1; }
	  or die end_load($load) . $@;
	return $load;
}

# Returns what it complained of.
sub end_load
{
	my ($load) = @_;

	$load->{run}->kill_kill;
	return join "\n", grep { /error|aborted|ERROR/ } split /\n/, ${ $load->{out} };
}

sub no_mistakes
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($node->safe_psql('postgres', 'SELECT * FROM mistake'),
		'', "$name: no valid token refused, no revoked one accepted");
	return;
}

my $call = q(CALL tokenauth_hash_in_place('api_key', batch => 1));
my $calling = q(FROM pg_stat_activity WHERE query LIKE 'CALL %');
my $unfilled = q(SELECT count(*) FROM api_key WHERE token_hash IS NULL OR token_hash ~ '^wrong');

# The owner meddles with what the procedure has made; again, if that is a
# deadlock with a client who has locked a row and waits for the table.  It must
# not be the client who is told of it.
sub meddle
{
	my ($condition) = @_;
	my $err = 'deadlock detected';

	for (my $try = 0; $try < 100 && $err =~ /deadlock detected/; $try++)
	{
		$node->psql('postgres', qq(
			SET deadlock_timeout = '10ms';
			BEGIN;
			ALTER TABLE api_key DISABLE TRIGGER "~tokenauth_hash";
			UPDATE api_key SET token_hash = 'wrong' || id WHERE $condition;
			ALTER TABLE api_key ENABLE ALWAYS TRIGGER "~tokenauth_hash";
			COMMIT), stderr => \$err);
	}
	is($err, '', "meddled: $condition");
	return;
}

my $lock = "SELECT FROM api_key WHERE user_id = '$count' FOR UPDATE";
my $change = "UPDATE api_key SET touched = touched + 1 WHERE user_id = '$count'";

# Call it, and once it is at the rows lock one of them, so that it cannot come
# to its end.
sub call_and_hold
{
	my ($hold) = @_;
	my $trigger =
	  q((SELECT oid FROM pg_trigger WHERE tgrelid = 'api_key'::regclass AND tgname = '~tokenauth_hash'));
	my $before = $node->safe_psql('postgres', "SELECT coalesce($trigger, 0)");
	# of no matter to it
	my $process = start_psql('postgres',
		'SET default_transaction_isolation = serializable', $call);
	my $holder = session($node);

	wait_for('trigger', "coalesce($trigger, 0) NOT IN (0, $before)");
	$holder->query_safe("BEGIN; $hold");
	return ($process, $holder);
}

sub wait_for_row_lock
{
	wait_for('procedure waits for a row',
		"count(*) = 1 $calling AND wait_event IN ('transactionid', 'tuple')");
	return;
}

my ($process, $holder, $out, $err);
my $load = start_load();

# terminated in the middle of its batches
($process, $holder) = call_and_hold($lock);
wait_for('batches', sprintf(
		q(count(*) > %d FROM api_key WHERE token_hash IS NOT NULL), share(1000)));
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) $calling");
(undef, $err) = finish($process);
like($err, qr/terminating connection/, 'terminated in the middle');
cmp_ok($node->safe_psql('postgres', $unfilled), '>', 0, 'not all is done');
no_mistakes('terminated');
$holder->quit;
is(end_load($load), '', 'no client was told of an error');

# The server crashes while it waits for the last row.
meddle('true');
$load = start_load();
($process, $holder) = call_and_hold($lock);
# before that it may wait for a client's row
wait_for('all but the locked row', "($unfilled) = 1");
wait_for_row_lock();
is($node->safe_psql('postgres', $unfilled), 1, 'all but the locked row is done');
no_mistakes('waiting for a row');
$node->stop('immediate');
(undef, $err) = finish($process);
like($err, qr/server closed the connection|terminating connection/, 'crashed');
end_load($load);
end_sessions($holder);
$node->start;

# The column cannot be dropped at last: all is as it was, and goes on.
meddle('true');
$load = start_load();
($process, $holder) = call_and_hold($lock);
wait_for_row_lock();
$node->safe_psql('postgres', 'CREATE VIEW late AS SELECT token FROM api_key');
$holder->query_safe('COMMIT');
(undef, $err) = finish($process);
like($err, qr/view \S*late depends on column token/, 'a view came in between');
is( $node->safe_psql('postgres', q(
		SELECT stored_as FROM tokenauth_sources WHERE source = 'api_key')),
	'plaintext', 'it is as it was');
no_mistakes('view');
$node->safe_psql('postgres', 'DROP VIEW late');

# Somebody meddles between the last pass and the switch: it is noticed.
meddle('true');
($process, $holder) = call_and_hold($change);
wait_for_row_lock();
my $reader = session($node);
$reader->query_safe('BEGIN; SELECT FROM api_key LIMIT 1');
$holder->query_safe('COMMIT');
wait_for('procedure waits for the table',
	q(count(*) = 1 FROM pg_locks WHERE relation = 'api_key'::regclass
	  AND mode = 'AccessExclusiveLock' AND NOT granted));
meddle('id > ' . ($count - share(1000)));
$reader->query_safe('COMMIT');
($out, $err) = finish($process);
like($err, qr/stores SHA-256 digests in column "token_hash" now/, 'done');
unlike($err, qr/ERROR/, 'without an error');

# the load goes on after it
my $before = $node->safe_psql('postgres', 'SELECT last_value FROM progress');
wait_for('load goes on', "last_value > $before + 2000 FROM progress");
is(end_load($load), '', 'no client was told of an error');
no_mistakes('switched');

is( $node->safe_psql('postgres', q(
		SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = 'api_key'::regclass AND attnum > 0 AND NOT attisdropped)),
	'id user_id expires_at used_at revoked touched token_hash',
	'the plaintext is gone');
is( $node->safe_psql('postgres', qq(
		SELECT status, count(*) FROM generate_series($revocable + 1, $count) n,
			tokenauth_identify('key_' || n) GROUP BY 1)),
	'valid|' . ($count - $revocable),
	'all that must be valid are');
is( $node->safe_psql('postgres', q(
		SELECT status, count(*) = (SELECT count(*) FROM revoked)
		FROM revoked, tokenauth_identify(token) GROUP BY 1)),
	'revoked|t',
	'all that were revoked are');
is( $node->safe_psql('postgres', q(
		SELECT count(*) FROM api_key WHERE token_hash !~ '^[0-9a-f]{64}$')),
	0, 'only digests');
unlike(
	slurp_command('pg_dump', '-h', $node->host, '-p', $node->port, '-t', 'api_key', 'postgres'),
	qr/key_\d/, 'no token in a dump');

sub slurp_command
{
	my ($stdout, $stderr) = run_command([@_]);
	die $stderr if $stdout eq '';
	return $stdout;
}

# ---------- the world around ----------

# A snapshot from before the digests: it is not asked in vain.
set_up_source('old_key', 'old_', 10);
$reader->quit;
$reader = session($node);
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mistake');
$node->safe_psql('postgres', q(CALL tokenauth_hash_in_place('old_key')));
is( $reader->query_safe(q(SELECT tokenauth_resolve('old_1', NULL::text))),
	1, 'an old transaction resolves a token');
($out) = $reader->query(q(SELECT tokenauth_revoke('old_1')));
like($reader->{stderr}, qr/could not serialize access/,
	'and is not told that there is no such token');
$reader->{stderr} = '';
$reader->quit;

# Who reads the table for long does not keep others from it meanwhile.
set_up_source('busy_key', 'bsy_', 10);
$reader = session($node);
$reader->query_safe('BEGIN; SELECT count(*) FROM busy_key');
$process = start_psql('postgres', q(CALL tokenauth_hash_in_place('busy_key')));
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	last if ${ $process->{err} } =~ /waiting for a lock/;
	$process->{run}->pump_nb;
	select(undef, undef, undef, 0.1);
}
like(${ $process->{err} }, qr/waiting for a lock on table "busy_key"/,
	'a reader is waited for');
is( $node->safe_psql('postgres', q(
		SELECT tokenauth_resolve('bsy_' || n, NULL::text) FROM generate_series(1, 3) n)),
	"1\n2\n3",
	'tokens are resolved all the same');
$reader->quit;
finish($process);
is( $node->safe_psql('postgres', q(
		SELECT stored_as FROM tokenauth_sources WHERE source = 'busy_key')),
	'sha256-hex', 'then it goes on');

# The trigger is lost between two batches: it is created anew.
set_up_source('met_key', 'met_', 10);
$node->safe_psql('postgres', q(
	CREATE FUNCTION wait_at_gate(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql
		AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(3); RETURN $1; END $$;
	CREATE INDEX gate ON met_key (wait_at_gate(id))));
my $gate = session($node);
$gate->query_safe('SELECT pg_advisory_lock(3)');
$process = start_psql('postgres', q(CALL tokenauth_hash_in_place('met_key', 5)));
wait_for('procedure waits at the gate',
	q(count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted));
my $meddler = start_psql('postgres', q(
	DROP TRIGGER "~tokenauth_hash" ON met_key;
	UPDATE met_key SET token_hash = 'wrong' || id WHERE id <= 5));
wait_for('meddler waits for the table',
	q(count(*) = 1 FROM pg_locks WHERE relation = 'met_key'::regclass AND NOT granted));
$gate->query_safe('SELECT pg_advisory_unlock(3)');
$gate->quit;
(undef, $err) = finish($meddler);
is($err, '', 'the trigger is dropped between batches');
(undef, $err) = finish($process);
unlike($err, qr/ERROR/, 'which is put right');
is( $node->safe_psql('postgres', q(
		SELECT count(tokenauth_resolve('met_' || n, NULL::text)) FROM generate_series(1, 10) n)),
	10, 'all tokens are valid');

# Who has a lock_timeout, means it.
set_up_source('hasty_key', 'hst_', 10);
$reader = session($node);
$reader->query_safe('BEGIN; SELECT count(*) FROM hasty_key');
(undef, undef, $err) = $node->psql('postgres', q(SET lock_timeout = '10ms'; ) . "\n"
	. q(CALL tokenauth_hash_in_place('hasty_key');));
like($err, qr/canceling statement due to lock timeout/, 'lock_timeout');
$reader->quit;

# Digests are of the bytes that a client's token has in the server's encoding.
$node->safe_psql('postgres',
	q(CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'));
$node->safe_psql('latin', q(
	SET client_encoding = 'UTF8';
	CREATE EXTENSION tokenauth CASCADE;
	CREATE TABLE k (token text UNIQUE, user_id text);
	SELECT tokenauth_attach('k', token_column => 'token', stored_as => 'plaintext');
	INSERT INTO k VALUES (E'k_\u00fc', 'u');));
$node->safe_psql('latin', q(CALL tokenauth_hash_in_place('k')));
is( $node->safe_psql('latin', q(
		SELECT tokenauth_resolve(E'k_\u00fc', NULL::text),
			token_hash = encode(sha256('k_\374'), 'hex') FROM k)),
	'u|t', 'LATIN1');

$node->stop;
done_testing();
