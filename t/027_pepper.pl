# Digests that are made with a pepper, which stands in a file: who may read it, when it
# is read, what becomes of answers when its bytes change, and that they are nowhere else.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use File::Find;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $file = PostgreSQL::Test::Utils::tempdir . '/peppers';
my $reloads = 0;
my %line = (
	old => 'old all text:the key of yesterday',
	new => "new\tall\tbase64:bmV3IGtleQ==",
	salt => 'salt all hex:53414C54',
	raw => 'raw all hex:00ff0a0d00',
	bobs => 'bobs bob text:of bob alone');

# In place of the file, another one, with a mode.
sub write_peppers
{
	my ($content, $mode) = @_;

	unlink $file;
	append_to_file($file, $content);
	chmod $mode // 0600, $file or die "chmod: $!";
	return;
}

sub peppers
{
	return join '', "# comment\n", "\n", map { "$line{$_}\n" } @_;
}

# Reload, and wait until sessions that begin now, and all others, have been told.
sub reload
{
	my (@nodes) = @_;

	$reloads++;
	configure($_, vacuum_cost_page_hit => $reloads) foreach @nodes;
	return;
}

my $node = new_node('main', init => { allows_streaming => 1 }, conf => q(
log_min_messages = debug2
shared_memory_type = sysv
));

# What a statement complains of: the error and its hint.
sub complaint
{
	my ($sql, $where) = @_;
	my ($status, $out, $error) = ($where // $node)->psql('postgres', $sql);

	return $error =~ s/^psql:<stdin>:\d+: //gmr;
}

sub one
{
	my ($sql, $where) = @_;
	return ($where // $node)->safe_psql('postgres', $sql);
}

# What a session says of a token, of the table or of the cache, and how many hits it has
# had by that.
sub ask
{
	my ($session, $token, $source) = @_;
	my $hits = 'SELECT coalesce(sum(hits + negative_hits), 0) FROM tokenauth_stats;';
	my ($before, $status, $after) = split /\n/, $session->query_safe(
		"$hits SELECT concat_ws(' ', status, user_id) FROM tokenauth_identify('$token', '$source'); $hits");

	return $status . ($after > $before ? ', cached' : '');
}

my $attach_t = q(SELECT tokenauth_attach('t', token_column => 'hash', stored_as => 'hmac-sha256-hex', mapping => '{"pepper": ["new", "old"]}'););
one(q(
	CREATE EXTENSION tokenauth CASCADE;
	CREATE TABLE t (id bigserial PRIMARY KEY, hash text UNIQUE, user_id int, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
	INSERT INTO t (hash, user_id) SELECT encode(hmac('a' || n, 'the key of yesterday', 'sha256'), 'hex'), n FROM generate_series(1, 20) n;
));

# ---- what is missing is refused ----

like(complaint($attach_t), qr/^ERROR:  table "t" needs a pepper that the server does not have for its owner: "new", "old"\nHINT:  .*tokenauth.pepper_file/,
	'no file');
write_peppers(peppers(qw(old salt raw bobs)));
configure($node, 'tokenauth.pepper_file' => $file);
like(complaint($attach_t), qr/owner: "new"\n/, 'one of two is missing');
is(one('SELECT count(*) FROM tokenauth_sources'), 0, 'nothing is attached');

# ---- digests and forms, and how a pepper gets into them ----

one(q(
	CREATE TABLE form (n serial, stored_as text, mapping jsonb, stored text);
	CREATE FUNCTION base64(bytea) RETURNS text LANGUAGE sql AS $$ SELECT replace(encode($1, 'base64'), E'\n', '') $$;
	INSERT INTO form (stored_as, mapping, stored)
	SELECT 'hmac-' || d || '-hex', '{"pepper": "raw"}', encode(hmac('secret'::bytea, '\x00ff0a0d00'::bytea, d), 'hex')
	FROM unnest('{sha1,sha224,sha256,sha384,sha512}'::text[]) d;
	INSERT INTO form (stored_as, mapping, stored) VALUES
		('hmac-sha256-HEX', '{"pepper": "salt"}', upper(encode(hmac('secret', 'SALT', 'sha256'), 'hex'))),
		('hmac-sha512-base64', '{"pepper": "salt"}', base64(hmac('secret', 'SALT', 'sha512'))),
		('hmac-sha256-base64url', '{"pepper": "salt"}', rtrim(translate(base64(hmac('secret', 'SALT', 'sha256')), '+/', '-_'), '=')),
		('hmac-sha256-hex', '{"pepper": "salt", "stored_prefix": "v1:"}', 'v1:' || encode(hmac('secret', 'SALT', 'sha256'), 'hex')),
		('sha256-hex', '{"pepper": "salt", "pepper_as": "prefix"}', encode(sha256('SALTsecret'), 'hex')),
		('sha256-base64', '{"pepper": "salt", "pepper_as": "suffix"}', base64(sha256('secretSALT'))),
		('sha512-hex', '{"pepper": ["raw", "salt"], "pepper_as": "suffix"}', encode(sha512('secretSALT'), 'hex'));
	DO $$ DECLARE f form; BEGIN
		FOR f IN SELECT * FROM form ORDER BY n LOOP
			EXECUTE format('CREATE TABLE form%s (hash text PRIMARY KEY, user_id text)', f.n);
			EXECUTE format('INSERT INTO form%s VALUES (%L, 7)', f.n, f.stored);
			PERFORM tokenauth_attach(('form' || f.n)::regclass, token_column => 'hash', stored_as => f.stored_as, mapping => f.mapping);
		END LOOP; END $$;
	CREATE TABLE bytes (raw bytea PRIMARY KEY, user_id text);
	INSERT INTO bytes VALUES (hmac('secret', 'SALT', 'sha256'), 7);
	SELECT tokenauth_attach('bytes', token_column => 'raw', stored_as => 'hmac-sha256-bytea', mapping => '{"pepper": "salt"}');
));
my $session = session($node);
foreach my $n (map { "form$_" } 1 .. one('SELECT count(*) FROM form'))
{
	is(join('; ', map { ask($session, $_, $n) } qw(secret secret other other)),
		'valid 7; valid 7, cached; unknown; unknown, cached', $n);
}
is(ask($session, 'secret', 'bytes'), 'valid 7', 'bytea');
is(one(q(SELECT count(*) FROM tokenauth_sources WHERE mapping ->> 'pepper_as' = 'suffix')), 2, 'what was told is registered');
is(one(q(SELECT tokenauth_warm('form1'))), 0, 'no key can be made from a row');
like(complaint(q(SELECT tokenauth_resolve_hash(sha256('secret'), NULL::text, 'form10'))),
	qr/ERROR:  token source "form10" cannot be asked by digest/, 'nor is a digest one');

# ---- the owner of the table ----

one(q(CREATE ROLE bob; CREATE ROLE eve;
	CREATE TABLE b (hash text PRIMARY KEY, user_id int); ALTER TABLE b OWNER TO eve;));
my $attach_b = q(SELECT tokenauth_attach('b', token_column => 'hash', stored_as => 'hmac-sha256-hex', mapping => '{"pepper": "bobs"}'););
like(complaint($attach_b), qr/does not have for its owner: "bobs"/, 'a pepper for another owner');
one("ALTER TABLE b OWNER TO bob; $attach_b");
one(q(INSERT INTO b VALUES (encode(hmac('x', 'of bob alone', 'sha256'), 'hex'), 7)));
is(ask($session, 'x', 'b'), 'valid 7', 'one for this owner');
one('ALTER TABLE b OWNER TO eve');
like(complaint(q(SELECT tokenauth_resolve('x', 0, 'b'))), qr/does not have for its owner: "bobs"/, 'the table gets another owner');
one('DROP TABLE b');

# ---- a second pepper ----

write_peppers(peppers(qw(new old salt raw bobs)));
reload($node);
one($attach_t);
is(ask($session, 'a1', 't'), 'valid 1', 'by the former pepper');
is(ask($session, 'a1', 't'), 'valid 1, cached', 'and again');
my ($token) = split /\n/, one(q(SELECT token FROM tokenauth_issue(99::bigint, 't')));
is(one("SELECT hash = encode(hmac('$token', 'new key', 'sha256'), 'hex') FROM t WHERE user_id = 99"), 't', 'issued with the first pepper');
is(ask($session, $token, 't'), 'valid 99', 'and found');

# a token with a row for each pepper is not valid: it could be either user's
one(q(INSERT INTO t (hash, user_id) VALUES (encode(hmac('a1', 'new key', 'sha256'), 'hex'), 101)));
is(ask($session, 'a1', 't'), 'unknown', 'a row of the other pepper comes');
one(q(UPDATE t SET revoked = true WHERE user_id = 1));
is(ask($session, 'a1', 't'), 'valid 101', 'the former one is revoked');
is(ask($session, 'a1', 't'), 'valid 101, cached', 'and again');
one(q(UPDATE t SET revoked = false WHERE user_id = 1));
is(ask($session, 'a1', 't'), 'unknown', 'and comes back to life');
one(q(SELECT tokenauth_revoke('a1', source => 't')));
is(one(q(SELECT count(*) FROM t WHERE user_id IN (1, 101) AND revoked)), 2, 'both are revoked');
one(q(UPDATE t SET revoked = false WHERE user_id IN (1, 101);
	CREATE FUNCTION revive() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		UPDATE t SET revoked = false WHERE user_id = 102 - OLD.user_id AND pg_trigger_depth() = 1; RETURN NULL; END $$;
	CREATE TRIGGER revive AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION revive();));
like(complaint(q(SELECT tokenauth_revoke('a1', source => 't'))), qr/could not revoke a token of source "t"/, 'to revoke one revives the other');
one(q(DROP FUNCTION revive CASCADE));
one(q(SELECT tokenauth_revoke('a1', source => 't')));

my ($next) = split /\n/, one(q(SELECT token FROM tokenauth_rotate('a2', source => 't')));
is(ask($session, $next, 't'), 'valid 2', 'rotated to the first pepper');
is(ask($session, 'a2', 't'), 'revoked', 'from the former one');
is(one("SELECT count(*) FROM t WHERE hash = encode(hmac('$next', 'new key', 'sha256'), 'hex')"), 1, 'as stored');

# ---- rows of several peppers, and names of one ----

# A row whose parent keeps it dead comes to life with the parent, so what ends a token
# ends it in all its rows.
one(q(
	CREATE TABLE account (id int PRIMARY KEY, ok boolean NOT NULL);
	INSERT INTO account VALUES (1, false), (2, true);
	CREATE TABLE two (id serial PRIMARY KEY, hash text UNIQUE, user_id int, account int, expires_at timestamptz,
		used_at timestamptz, revoked boolean NOT NULL DEFAULT false);
	SELECT tokenauth_attach('two', token_column => 'hash', stored_as => 'hmac-sha256-hex', mapping => '{"pepper": ["new", "old"]}');
	SELECT tokenauth_attach_parent('two', 'account', 'account', live_when => 'ok');
	INSERT INTO two (hash, user_id, account)
	SELECT encode(hmac('c' || n, key, 'sha256'), 'hex'), 10 * n + account, account
	FROM generate_series(1, 3) n, (VALUES ('new key', 1), ('the key of yesterday', 2)) AS k (key, account);
));
is(ask($session, "c$_", 'two'), "valid ${_}2", "c$_ by its row whose parent is live") foreach 1 .. 3;
($next) = split /\n/, one(q(SELECT token FROM tokenauth_rotate('c1', source => 'two')));
is(ask($session, $next, 'two'), 'valid 12', 'rotated: the successor is that of the row that was judged');
is(ask($session, 'c1', 'two'), 'revoked', 'and the old token is not valid');
($next) = split /\n/, one(q(SELECT token FROM tokenauth_rotate('c2', grace => '1 hour', source => 'two')));
is(one(q(SELECT string_agg(status, ' ') FROM (SELECT (tokenauth_exchange('c3', 't', source => 'two')).status FROM generate_series(1, 2)) s)),
	'valid used', 'exchanged once');
one(q(UPDATE account SET ok = NOT ok));
is(ask($session, 'c1', 'two'), 'revoked', 'the other parent is live: revoked');
is(one(q(SELECT expires_at < now() + interval '61 minutes' FROM tokenauth_identify('c2', source => 'two'))), 't', 'within the grace');
is(one(q(SELECT (tokenauth_exchange('c3', 't', source => 'two')).status)), 'used', 'used');
one(q(SELECT tokenauth_detach('two'); DROP TABLE two));

# a name more for the same bytes, or for what is the same key to an HMAC, is no other row
$line{twin} = 'twin all text:the key of yesterday';
$line{zero} = 'zero all hex:' . unpack('H*', "the key of yesterday\0");
write_peppers(peppers(qw(new old salt raw bobs twin zero)));
reload($node);
one(q(
	CREATE TABLE twins (hash text PRIMARY KEY, user_id int);
	INSERT INTO twins VALUES (encode(hmac('x', 'the key of yesterday', 'sha256'), 'hex'), 7);
	SELECT tokenauth_attach('twins', token_column => 'hash', stored_as => 'hmac-sha256-hex', on_revoke => 'delete', mapping => '{"pepper": ["twin", "new", "zero", "old"]}');
));
is(ask($session, 'x', 'twins'), 'valid 7', 'two peppers of the same bytes');
is(ask($session, 'x', 'twins'), 'valid 7, cached', 'and again');
like(one(q(SELECT string_agg(outcome, ' ') FROM tokenauth_explain('x', 'twins'))), qr/with pepper "twin".*with pepper "new"/, 'explained by their names');
is(one(q(SELECT tokenauth_revoke('x', source => 'twins'))), 't', 'and revoked');
is(ask($session, 'x', 'twins'), 'unknown', 'once');
one(q(SELECT tokenauth_detach('twins'); DROP TABLE twins));
write_peppers(peppers(qw(new old salt raw bobs)));
reload($node);

# parents and peppers share the cells of an entry
one(q(CREATE TABLE p (id int PRIMARY KEY); ALTER TABLE t ADD p1 int, ADD p2 int, ADD p3 int));
one(qq(SELECT tokenauth_attach_parent('t', 'p', 'p$_', 'id'))) foreach 1, 2;
like(complaint(q(SELECT tokenauth_attach_parent('t', 'p', 'p3', 'id'))),
	qr/ERROR:  token source "t" has 2 parents already\nDETAIL:  It has 2 peppers; parents and peppers are 4 at most/, 'a parent too many');
is(ask($session, 'a3', 't'), 'valid 3', 'two parents and two peppers');

# ---- other bytes ----

ask($session, 'a4', 't');
is(ask($session, 'a4', 't'), 'valid 4, cached', 'before a reload');
reload($node);
is(ask($session, 'a4', 't'), 'valid 4, cached', 'the same bytes are no change');
write_peppers(peppers(qw(new old salt raw bobs)) =~ s/yesterday/tomorrow/r);
reload($node);
is(ask($session, 'a4', 't'), 'unknown', 'other bytes: what was cached is not believed');
one(q(UPDATE t SET revoked = true WHERE user_id = 4));
write_peppers(peppers(qw(new old salt raw bobs)));
reload($node);
is(ask($session, 'a4', 't'), 'revoked', 'the bytes are back, and the row has changed meanwhile');
ask($session, 'a5', 't');
is(ask($session, 'a5', 't'), 'valid 5, cached', 'another one');

# ---- a file that is not taken ----

my %bad = (
	'group may read' => sub { chmod 0640, $file },
	'all may write' => sub { chmod 0602, $file },
	'gone' => sub { unlink $file },
	'a folder' => sub { unlink $file; mkdir $file, 0700 },
	'a pipe' => sub { unlink $file; system('mkfifo', '-m', '600', $file) },
	'half a line' => sub { append_to_file($file, 'more all hex:00') },
	'no form' => sub { append_to_file($file, "more all secretbytes\n") },
	'empty' => sub { append_to_file($file, "more all text:\n") },
	'odd hex' => sub { append_to_file($file, "more all hex:000\n") },
	'no base64' => sub { append_to_file($file, "more all base64:!!\n") },
	'no owner' => sub { append_to_file($file, "more hex:00\n") },
	'twice' => sub { append_to_file($file, "old all hex:00\n") },
	'a blank at the end' => sub { append_to_file($file, "more all text:secretbytes \n") },
	'a name that is none' => sub { append_to_file($file, "m/re all hex:00\n") },
	'too long' => sub { append_to_file($file, 'more all text:' . 'x' x 513 . "\n") },
	'a zero byte' => sub { append_to_file($file, "more all text:a\0b\n") });
my $finding = q(SELECT finding FROM tokenauth_doctor() WHERE finding LIKE '%pepper%');
foreach my $what (sort keys %bad)
{
	my $log = -s $node->logfile;

	write_peppers(peppers(qw(new old salt raw bobs)));
	$bad{$what}->();
	reload($node);
	is(ask($session, 'a5', 't'), 'valid 5, cached', "$what: what was known stays");
	like(one($finding), qr/^the file of tokenauth.pepper_file was not taken when it was read last \(.+\): peppers are as they were before$/,
		"$what: the doctor tells");
	like(slurp_file($node->logfile, $log), qr/LOG:  file ".*peppers" of tokenauth.pepper_file is not taken: /, "$what: the log tells");
	rmdir $file;
}
write_peppers(peppers(qw(new old salt raw bobs)));
reload($node);
is(one($finding), '', 'a file that is taken');

# ---- a start without ----

$session->quit;
chmod 0644, $file;
$node->restart;
like(complaint(q(SELECT tokenauth_resolve('a5', 0, 't'))), qr/does not have for its owner: "new", "old"\nHINT/, 'the server starts, and refuses');
like(one(q(SELECT string_agg(severity || ' ' || coalesce(source, '') || ' ' || finding, E'\n') FROM tokenauth_doctor())),
	qr/error t table "t" needs a pepper that the server does not have for its owner: "new", "old": its tokens cannot be judged.*warning  the file .*others have access/s, 'the doctor says so');
like(complaint(q(SELECT tokenauth_issue(1::bigint, 't'))), qr/needs a pepper/, 'nothing is issued');
one(q(UPDATE t SET revoked = true WHERE user_id = 5));
chmod 0600, $file;
reload($node);
$session = session($node);
is(ask($session, 'a5', 't'), 'revoked', 'a change is noted all the same');
is(ask($session, 'a6', 't'), 'valid 6', 'another token');

# no file at all
configure($node, 'tokenauth.pepper_file' => '');
like(complaint(q(SELECT tokenauth_resolve('a6', 0, 't'))), qr/needs a pepper/, 'no file is no pepper');
configure($node, 'tokenauth.pepper_file' => $file);
is(ask($session, 'a6', 't'), 'valid 6, cached', 'and back, without a change');

# ---- a standby ----

# What it has by ALTER SYSTEM is the primary's.
my $standby = new_standby($node, 'standby');
sub use_there
{
	my ($path) = @_;

	$standby->append_conf('postgresql.auto.conf', "tokenauth.pepper_file = '$path'\n");
	$standby->reload;
	$standby->poll_query_until('postgres', "SELECT current_setting('tokenauth.pepper_file') = '$path'")
	  or die 'not reloaded';
	return;
}
use_there('');
like(complaint(q(SELECT tokenauth_resolve('a6', 0, 't')), $standby), qr/needs a pepper/, 'a standby without the file');
use_there($file);
my $there = session($standby);
is(ask($there, 'a6', 't'), 'valid 6', 'with it');
is(ask($there, 'a6', 't'), 'valid 6, cached', 'and again');
one(q(UPDATE t SET revoked = true WHERE user_id = 6));
is(ask($there, 'a6', 't'), 'revoked', 'a change reaches it');
is(ask($there, 'a7', 't'), 'valid 7', 'another token');
one(q(INSERT INTO t (hash, user_id) VALUES (encode(hmac('a7', 'new key', 'sha256'), 'hex'), 107)));
is(ask($there, 'a7', 't'), 'unknown', 'a row of the other pepper reaches it');
$there->quit;
$standby->stop;

# ---- who sees the bytes ----

my @secrets = ('the key of yesterday', 'secretbytes', 'bmV3IGtleQ', 'of bob alone');

# statements of this story have one of them, to make rows
my $told = qr/\Q$secrets[1]\E|\Q$secrets[2]\E/;
unlike(slurp_file($node->logfile), $told, 'the log');
unlike(shared_memory($node), $told, 'shared memory');
my ($dump) = run_command([ 'pg_dump', '--host', $node->host, '--port', $node->port, 'postgres' ]);
like($dump, qr/"pepper": \["new", "old"\]/, 'a dump has the names');
unlike($dump, qr/\Q$_\E/, 'but not the bytes') foreach @secrets;
is(one(q(SELECT count(*) FROM tokenauth_sources s WHERE s::text ~ 'yesterday|of bob')), 0, 'nor has the view');
is(one(q(SET ROLE eve; SELECT count(*) FROM pg_settings WHERE name = 'tokenauth.pepper_file')), 0, 'who may not see the settings does not see the path');

$session->quit;
$node->stop;
done_testing();
