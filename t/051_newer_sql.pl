# What newer majors have brought to SQL: each works with tokens, or is refused
# with an error that says why.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my ($major) = (run_command([ 'pg_config', '--version' ]))[0] =~ /(\d+)/;

plan skip_all => 'this is nothing new to PostgreSQL ' . $major if $major < 17;

my $node = set_up(new_node('main'), 40);
my $warm = session($node);
my $next = 1;

# A token that nobody has touched yet, in the cache.
sub fresh_token
{
	my $n = $next++;

	judge($warm, $n) foreach (1 .. 2);
	return $n;
}

sub sql
{
	return $node->safe_psql('postgres', join(' ', @_));
}

sub refused
{
	my ($sql, $error, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	my ($code, $out, $err) = $node->psql('postgres', $sql);
	like($err, $error, $name);
	return;
}

# Where the row of token $n is.
sub where
{
	return sprintf q(user_id = '00000000-0000-0000-0000-%012d'), shift;
}

subtest 'MERGE ... RETURNING' => sub {
	my $n = fresh_token();
	my $unknown = 41;

	is(judge($warm, $unknown), 'unknown', 'not issued yet') foreach (1 .. 2);
	is( sql(sprintf q(
			MERGE INTO personal_access_token t
			USING (VALUES ('%s', true), ('%s', false)) AS wanted (token, revoked)
			ON t.token_hash = encode(sha256(wanted.token::bytea), 'hex')
			WHEN MATCHED THEN UPDATE SET revoked = wanted.revoked
			WHEN NOT MATCHED THEN INSERT (user_id, token_hash)
				VALUES ('00000000-0000-0000-0000-000000000041',
						encode(sha256(wanted.token::bytea), 'hex'))
			RETURNING merge_action(), t.revoked), token($n), token($unknown)),
		"UPDATE|t\nINSERT|f", 'what it returns');
	all_say('revoked', $n, 'updated', $node, $warm);
	all_say('valid', $unknown, 'inserted', $node, $warm);
};

subtest 'COPY ... ON_ERROR' => sub {
	is(judge($warm, $_), 'unknown', 'not issued yet') foreach (42, 42, 43, 43);
	my $hash = sql(sprintf q(SELECT encode(sha256('%s'), 'hex')), token(42));
	my $other = sql(sprintf q(SELECT encode(sha256('%s'), 'hex')), token(43));

	sql(qq(COPY personal_access_token (user_id, token_hash) FROM stdin
		WITH (ON_ERROR ignore);
00000000-0000-0000-0000-000000000042\t$hash
no uuid\t$other
\\.
));
	all_say('valid', 42, 'copied', $node, $warm);
	all_say('unknown', 43, 'ignored', $node, $warm);
};

subtest 'transaction_timeout' => sub {
	my $n = fresh_token();
	my $session = session($node);

	$session->query_safe('BEGIN;' . revoke($n));
	$session->query_until(qr/waits/,
		"SET transaction_timeout = 1;\n\\echo waits\nSELECT pg_sleep(600);\n");
	$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM pg_stat_activity
		WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()))
	  or die 'the session goes on';
	end_sessions($session);
	all_say('valid', $n, 'the revoking session was ended', $node, $warm);
	is_warm($warm, $n, 'nothing is left fenced');

	# neither the workers nor a procedure that commits as it goes
	sql(q(CREATE TABLE plain (token text UNIQUE, user_id int);
		INSERT INTO plain SELECT 'plain_' || n, n FROM generate_series(1, 50) n;
		SELECT tokenauth_attach('plain', prefix => 'plain_', token_column => 'token',
			stored_as => 'plaintext');
		ALTER DATABASE postgres SET transaction_timeout = '10min'));
	sql(q(CALL tokenauth_hash_in_place('plain', 1)));
	is(sql(q(SELECT tokenauth_resolve('plain_7', NULL::int))), 7, 'hashed in place');
	sql('ALTER DATABASE postgres RESET transaction_timeout');
};

subtest 'login event trigger' => sub {
	my $n = fresh_token();

	sql(sprintf q(
		CREATE TABLE seen (who uuid);
		CREATE FUNCTION greet() RETURNS event_trigger LANGUAGE plpgsql AS $$
		BEGIN
			IF NOT pg_is_in_recovery() THEN
				INSERT INTO seen VALUES (tokenauth_resolve('%s'));
			END IF;
			PERFORM tokenauth_authenticate('%s');
		END $$;
		CREATE EVENT TRIGGER greet ON login EXECUTE FUNCTION greet();
		ALTER EVENT TRIGGER greet ENABLE ALWAYS), token($n), token($n));
	is(sql('SELECT tokenauth_user() IS NULL, (SELECT count(who) > 0 FROM seen)'),
		't|t', 'it can ask, and what it binds ends with its transaction');
	all_say('valid', $n, 'with a login trigger', $node, $warm);
	sql('DROP EVENT TRIGGER greet', ';', revoke($n));
	all_say('revoked', $n, 'revoked', $node, $warm);
};

subtest 'MAINTAIN' => sub {
	my $n = fresh_token();

	sql(q(CREATE ROLE keeper; GRANT MAINTAIN ON personal_access_token TO keeper));
	my $filenode = sql(q(SELECT pg_relation_filenode('personal_access_token')));
	sql(q(SET ROLE keeper;
		VACUUM FULL personal_access_token;
		REINDEX TABLE personal_access_token;
		ANALYZE personal_access_token;));
	isnt(sql(q(SELECT pg_relation_filenode('personal_access_token'))),
		$filenode, 'the table was rewritten');
	all_say('valid', $n, 'rewritten by its keeper', $node, $warm);
	is_warm($warm, $n, 'rewritten by its keeper');
	sql(revoke($n));
	all_say('revoked', $n, 'revoked after that', $node, $warm);
	refused('SET ROLE keeper; SELECT token_hash FROM personal_access_token',
		qr/permission denied/, 'the keeper cannot read');
};

subtest 'built-in collation provider' => sub {
	sql(q(CREATE DATABASE builtin TEMPLATE template0 LOCALE_PROVIDER builtin
		  BUILTIN_LOCALE 'C.UTF-8'));
	set_up($node, 2, 'builtin');
	my $session = session($node, 'builtin');

	is_warm($session, 1, 'built-in locale');
	$node->safe_psql('builtin', revoke(1));
	all_say('revoked', 1, 'built-in locale', [ $node, 'builtin' ], $session);
	$session->query_safe(q(
		CREATE TABLE exact (token text COLLATE pg_c_utf8 UNIQUE, user_id text COLLATE ucs_basic);
		INSERT INTO exact VALUES ('exact_Ä', 'Ä'), ('exact_ä', 'ä');
		SELECT tokenauth_attach('exact', prefix => 'exact_', token_column => 'token',
			stored_as => 'plaintext');));
	is( $session->query_safe(q(SELECT t, tokenauth_resolve(t, NULL::text)
			FROM unnest('{exact_Ä,exact_ä,exact_A,EXACT_ä}'::text[]) t)),
		"exact_Ä|Ä\nexact_ä|ä\nexact_A|\nEXACT_ä|", 'to the byte');
	$session->quit;
};

subtest 'RETURNING OLD and NEW' => sub {
	plan skip_all => 'since PostgreSQL 18' if $major < 18;
	my $n = fresh_token();

	is( $warm->query_safe(sprintf q(BEGIN;
			UPDATE personal_access_token SET revoked = true WHERE %s
			RETURNING old.revoked, new.revoked, (tokenauth_identify('%s')).status;
			SELECT (tokenauth_identify('%s')).status;), where($n), token($n), token($n)),
		"f|t|valid\nrevoked",
		'a statement sees its own changes only when it has ended');
	is(judge_anew($node, $n), 'valid', 'another session does not yet');
	$warm->query_safe('COMMIT');
	all_say('revoked', $n, 'committed', $node, $warm);
};

subtest 'NOT ENFORCED foreign key to a parent' => sub {
	plan skip_all => 'since PostgreSQL 18' if $major < 18;

	sql(q(CREATE TABLE account (id int PRIMARY KEY, active bool NOT NULL);
		CREATE TABLE loose (id int PRIMARY KEY, token_hash text UNIQUE,
			user_id int REFERENCES account ON DELETE CASCADE NOT ENFORCED);
		INSERT INTO account SELECT n, true FROM generate_series(1, 2) n;
		INSERT INTO loose SELECT n, encode(sha256(('loose_' || n)::bytea), 'hex'), n
			FROM generate_series(1, 3) n;
		SELECT tokenauth_attach('loose', prefix => 'loose_');
		SELECT tokenauth_attach_parent('loose', 'account', 'user_id', live_when => 'active')));
	my $ask = q(SELECT string_agg((tokenauth_identify('loose_' || n)).status, ' ')
		FROM generate_series(1, 3) n);
	is($warm->query_safe($ask), 'valid valid disabled', 'the parent that is missing')
	  foreach (1 .. 2);
	sql('DELETE FROM account WHERE id = 1');
	is($warm->query_safe($ask), 'disabled valid disabled', 'a parent that goes');
	sql('INSERT INTO account VALUES (3, true)');
	is($warm->query_safe($ask), 'disabled valid valid', 'a parent that comes');
	sql('ALTER TABLE loose DROP CONSTRAINT loose_user_id_fkey');
	is($warm->query_safe($ask), 'disabled valid valid', 'without the constraint');
};

subtest 'temporal keys' => sub {
	plan skip_all => 'since PostgreSQL 18' if $major < 18;

	sql(q(CREATE EXTENSION btree_gist;
		CREATE TABLE employment (id int, during daterange,
			PRIMARY KEY (id, during WITHOUT OVERLAPS));
		CREATE TABLE badge (id int PRIMARY KEY, token_hash text UNIQUE, user_id int,
			during daterange,
			FOREIGN KEY (user_id, PERIOD during) REFERENCES employment (id, PERIOD during));
		SELECT tokenauth_attach('badge', prefix => 'badge_');
		CREATE TABLE ticket (token_hash text, during daterange, user_id int,
			PRIMARY KEY (token_hash, during WITHOUT OVERLAPS))));
	refused(q(SELECT tokenauth_attach_parent('badge', 'employment', 'user_id')),
		qr/ERROR:  table "employment" has no valid .*index on column "id"/,
		'a parent of whom there can be several rows');
	refused(q(SELECT tokenauth_attach('ticket', prefix => 'ticket_')),
		qr/ERROR:  table "ticket" has no valid .*index on column "token_hash"/,
		'a token that only a temporal key begins with');
};

subtest 'virtual generated columns' => sub {
	plan skip_all => 'since PostgreSQL 18' if $major < 18;
	my %role = (
		token_column => q(v text GENERATED ALWAYS AS (token_hash)),
		id_column => q(v int GENERATED ALWAYS AS (id)),
		user_column => q(v int GENERATED ALWAYS AS (user_id)),
		tenant_column => q(v int GENERATED ALWAYS AS (user_id)),
		scope_column => q(v text GENERATED ALWAYS AS ('read')),
		expires_column => q(v timestamptz GENERATED ALWAYS AS (expires_at)),
		revoked_column => q(v bool GENERATED ALWAYS AS (false)),
		used_column => q(v timestamptz GENERATED ALWAYS AS (NULL)),
		last_used_column => q(v timestamptz GENERATED ALWAYS AS (expires_at)),
		created_column => q(v timestamptz GENERATED ALWAYS AS (expires_at)),
		claims => q(v text GENERATED ALWAYS AS ('claim')),
		live_when => q(v bool GENERATED ALWAYS AS (user_id = 1)));
	my $condition = qr/ERROR:  the condition "v IS NOT FALSE" uses the virtual generated column "v".*HINT:  Write what/s;
	my %value = (claims => q('{v}'), live_when => q('v IS NOT FALSE'));

	sub virtual_table
	{
		return qq(DROP TABLE IF EXISTS virtual;
			CREATE TABLE virtual (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, token_hash text UNIQUE,
				user_id int, expires_at timestamptz, $_[0]););
	}
	foreach my $role (sort keys %role)
	{
		my $attach = sprintf q(SELECT tokenauth_attach('virtual', prefix => 'virt_', %s => %s)),
		  $role, $value{$role} // q('v');

		refused(virtual_table($role{$role}) . $attach,
			$role eq 'live_when' ? $condition
			: $role eq 'claims' ? qr/ERROR:  table "virtual" has no column "v" in its rows, which is a claim.*HINT: /s
			: qr/ERROR:  table "virtual" has a virtual generated column "v".*HINT:  Use a column that is STORED/s,
			$role);
	}

	# as a parent's key or condition, and as the column that refers to one
	my $parent = q(DROP TABLE IF EXISTS group_of; CREATE TABLE group_of (id int PRIMARY KEY,
		open bool, v bool GENERATED ALWAYS AS (open)););
	my $attach = q(SELECT tokenauth_attach('virtual', prefix => 'virt_'););
	refused(virtual_table($role{user_column}) . $parent . $attach
		  . q(SELECT tokenauth_attach_parent('virtual', 'group_of', 'v')),
		qr/ERROR:  table "virtual" has a virtual generated column "v"/, 'column that refers to a parent');
	sql(q(SELECT tokenauth_detach('virtual')));
	refused(virtual_table($role{user_column}) . $parent . $attach
		  . q(SELECT tokenauth_attach_parent('virtual', 'group_of', 'user_id', live_when => 'v IS NOT FALSE')),
		$condition, q(parent's condition));
	sql(q(SELECT tokenauth_detach('virtual')));

	# what is not used may be there, and tokens can be issued beside it
	sql(virtual_table($role{user_column}),
		q(SELECT tokenauth_attach('virtual', prefix => 'virt_', on_revoke => 'delete')));
	my $token = sql(q(INSERT INTO virtual (id, token_hash, user_id)
		VALUES (100, encode(sha256('virt_1'), 'hex'), 1);
		SELECT token FROM tokenauth_rotate('virt_1', source => 'virtual')));
	is(sql(qq(SELECT tokenauth_resolve('$token', NULL::int))), 1, 'beside a virtual column');

	# stored ones have been there for long
	sql(q(SELECT tokenauth_detach('virtual'); DROP TABLE virtual;
		CREATE TABLE virtual (id int PRIMARY KEY, token_hash text UNIQUE, user_id int,
			alive bool, revoked bool GENERATED ALWAYS AS (NOT alive) STORED);
		INSERT INTO virtual VALUES (1, encode(sha256('virt_1'), 'hex'), 1, true);),
		$attach);
	is($warm->query_safe(q(SELECT tokenauth_resolve('virt_1', NULL::int))), 1, 'stored')
	  foreach (1 .. 2);
	sql('UPDATE virtual SET alive = false');
	is($warm->query_safe(q(SELECT tokenauth_resolve('virt_1', NULL::int))), '', 'stored, revoked');
};

$warm->quit;
$node->stop;
done_testing();
