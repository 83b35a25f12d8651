# Dump and restore, in every order and of every part: no token is valid that the
# old database refuses, and where one that was valid is refused, the doctor and
# tokenauth_ready() say so (G13).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main', conf => "max_connections = 30\n");
my $dir = PostgreSQL::Test::Utils::tempdir;
my $databases = 0;

sub digest
{
	return "encode(sha256('$_[0]'), 'hex')";
}

# A token, and what is to be said of it: "error" is an error of the source.
my %known = (
	mul_live => 'valid',
	mul_revoked => 'revoked',
	mul_expired => 'expired',
	api_live => 'valid',
	api_alone => 'valid',
	api_suspended => 'disabled',
	api_frozen => 'disabled',
	api_orphan => 'disabled',
	api_frozen_main => 'disabled',
	api_strange => 'unknown',
	odd_live => 'valid',
	odd_gone => 'revoked',
	ren_live => 'valid',
	ren_revoked => 'revoked',
	# a parent that was dropped, a table whose name another has by now
	par_lost => 'error',
	swp_old => 'error',
	swp_new => 'error',
	# a table that was dropped
	gone_live => 'unknown');

$node->safe_psql('postgres', q(
	CREATE ROLE keeper LOGIN;
	CREATE ROLE stranger;
));
$node->safe_psql('postgres', 'CREATE DATABASE old');
$node->safe_psql('old', q(
	CREATE EXTENSION tokenauth CASCADE;
	SELECT tokenauth_create_table(prefix => 'mul_');

	CREATE SCHEMA app;
	CREATE TABLE app.tenants (id int PRIMARY KEY, status text NOT NULL, main_app int);
	CREATE TABLE app.apps (id int PRIMARY KEY, enabled bool, frozen bool);
	CREATE TABLE app.api_tokens (token_hash text PRIMARY KEY, user_id int,
		tenant_id int, app_id int);
	SELECT tokenauth_attach('app.api_tokens', prefix => 'api_',
		on_revoke => 'delete');
	SELECT tokenauth_attach_parent('api_tokens', 'app.tenants', 'tenant_id',
		live_when => $$status <> 'suspended'$$);
	SELECT tokenauth_attach_parent('api_tokens', 'app.apps', 'app_id',
		live_when => 'enabled AND NOT frozen');
	-- a parent's parent
	SELECT tokenauth_attach_parent('api_tokens', 'app.apps', 'main_app',
		live_when => 'NOT frozen', mapping => '{"of": "tenant_id"}');
	INSERT INTO app.tenants VALUES (1, 'normal', 1), (2, 'suspended', 1), (3, 'normal', 2);
	INSERT INTO app.apps VALUES (1, true, false), (2, true, true);

	CREATE SCHEMA "Odd";
	CREATE TABLE "Odd"."api ""tokens" (
		"key" bytea PRIMARY KEY, owner int NOT NULL, state text);
	SELECT tokenauth_attach('"Odd"."api ""tokens"', source => 'odd',
		prefix => 'odd_', token_column => 'key', stored_as => 'sha256-bytea',
		user_column => 'owner', revoked_column => 'state',
		active_values => ARRAY['active', 'a "b" c']);
	INSERT INTO "Odd"."api ""tokens"
	VALUES (sha256('odd_live'), 1, 'a "b" c'), (sha256('odd_gone'), 1, 'gone');

	-- renamed since it was attached
	SELECT tokenauth_create_table('app.before', prefix => 'ren_');
	ALTER TABLE app.before RENAME TO later;
	ALTER TABLE app.later SET SCHEMA "Odd";

	-- its parent is dropped
	CREATE TABLE app.org (id int PRIMARY KEY);
	CREATE TABLE app.org_tokens (token_hash text PRIMARY KEY, user_id int, org_id int);
	SELECT tokenauth_attach('app.org_tokens', prefix => 'par_');
	SELECT tokenauth_attach_parent('org_tokens', 'app.org', 'org_id');
	DROP TABLE app.org;

	-- swapped by name
	SELECT tokenauth_create_table('app.swapped', prefix => 'swp_');
	CREATE TABLE app.fresh (LIKE app.swapped INCLUDING ALL);
	ALTER TABLE app.swapped RENAME TO swapped_old;
	ALTER TABLE app.fresh RENAME TO swapped;

	SELECT tokenauth_create_table('gone', prefix => 'gone_');
	DROP TABLE gone;
));
$node->safe_psql('old',
	"INSERT INTO personal_access_token (user_id, token_hash, revoked, expires_at)
	 SELECT gen_random_uuid(), encode(sha256(('mul_' || t)::bytea), 'hex'), t = 'revoked',
		CASE WHEN t = 'expired' THEN now() - interval '1 hour' END
	 FROM unnest(ARRAY['live', 'revoked', 'expired']) t;
	 INSERT INTO app.api_tokens VALUES
		(" . digest('api_live') . ", 1, 1, 1), (" . digest('api_alone') . ", 1, NULL, NULL),
		(" . digest('api_suspended') . ", 1, 2, 1), (" . digest('api_frozen') . ", 1, 1, 2),
		(" . digest('api_orphan') . ", 1, 1, 3), (" . digest('api_frozen_main') . ", 1, 3, 1);
	 INSERT INTO \"Odd\".later (user_id, token_hash, revoked)
	 VALUES (gen_random_uuid(), " . digest('ren_live') . ", false),
		(gen_random_uuid(), " . digest('ren_revoked') . ", true);
	 INSERT INTO app.org_tokens VALUES (" . digest('par_lost') . ", 1, 1);
	 INSERT INTO app.swapped (user_id, token_hash)
	 VALUES (gen_random_uuid(), " . digest('swp_new') . ");
	 INSERT INTO app.swapped_old (user_id, token_hash)
	 VALUES (gen_random_uuid(), " . digest('swp_old') . ");");

# What a database says of all tokens, each asked twice: by the table, then as
# it may have been cached.
sub answers
{
	my ($database) = @_;
	my $ask = q(
		CREATE FUNCTION pg_temp.ask(token text) RETURNS text LANGUAGE plpgsql AS $$
		BEGIN
			RETURN (tokenauth_identify(token)).status;
		EXCEPTION WHEN OTHERS THEN
			RETURN 'error';
		END $$;);
	my %answer;

	foreach my $line (split /\n/, $node->safe_psql(
			$database, $ask . join ' ', map {
				"SELECT '$_', pg_temp.ask('$_'); SELECT '$_', pg_temp.ask('$_');"
			} sort keys %known))
	{
		my ($token, $status) = split /\|/, $line;

		$status = "$answer{$token}, then $status"
		  if defined $answer{$token} && $answer{$token} ne $status;
		$answer{$token} = $status;
	}
	return \%answer;
}

sub text_of
{
	my ($answers) = @_;
	return join "\n", map { "$_ $answers->{$_}" } sort keys %$answers;
}

sub errors
{
	return $node->safe_psql($_[0],
		q(SELECT string_agg(concat_ws(': ', source, finding), E'\n'
			ORDER BY source, finding)
		  FROM tokenauth_doctor() WHERE severity = 'error'));
}

# The doctor and tokenauth_ready() do not disagree.
sub is_ready
{
	my ($database) = @_;
	my $ready = $node->safe_psql($database, 'SELECT tokenauth_ready()') eq 't';
	my $errors = errors($database) ne '';

	return $ready && $errors ? 'ready in spite of errors' :
	  !$ready && !$errors ? 'not ready without an error' : $ready ? 1 : 0;
}

# A parent that is gone is a number or, once restored, "-".
sub sources
{
	return $node->safe_psql($_[0], q(
		SELECT source, prefix, relation, on_revoke,
			regexp_replace(parents::text, '[0-9]+', '-'), parent_mappings FROM tokenauth_sources
		ORDER BY source));
}

# All is as it was.
sub same
{
	my ($how, $database) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(text_of(answers($database)), text_of(\%known), "$how: same answers");
	is(sources($database), sources('old'), "$how: same sources");
	is(errors($database), errors('old'),
		"$how: same errors");
	return;
}

# Nobody gets in who could not before; who does not any more is missed aloud.
# Returns whether everybody who could get in still can.
sub safe
{
	my ($how, $database) = @_;
	my $answers = answers($database);
	my @in = grep { $answers->{$_} =~ /valid/ } keys %$answers;
	my @wrong = grep { $known{$_} ne 'valid' } @in;
	my $all = @in == grep { $_ eq 'valid' } values %known;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is("@wrong", '', "$how: nobody gets in who should not");
	is(is_ready($database), 0, "$how: not ready");
	return $all;
}

sub new_database
{
	my ($owner) = @_;
	my $name = 'new_' . ++$databases;

	$node->safe_psql('postgres',
		"CREATE DATABASE $name" . ($owner ? " OWNER $owner" : ''));
	return $name;
}

sub with_extension
{
	my $name = new_database(@_);

	$node->safe_psql($name, 'CREATE EXTENSION tokenauth CASCADE');
	return $name;
}

sub drop_database
{
	$node->safe_psql('postgres', "DROP DATABASE $_[0]");
	return;
}

sub dump_old
{
	my ($file, @options) = @_;

	$node->command_ok([ 'pg_dump', @options, '-f', "$dir/$file", 'old' ],
		"pg_dump @options");
	return "$dir/$file";
}

# Restores that are expected to complain are none of command_ok()'s.
sub restore
{
	my ($database, @options) = @_;
	my ($stdout, $stderr) = ('', '');

	IPC::Run::run [ 'pg_restore', '-h', $node->host, '-p', $node->port,
		'-d', $database, @options ], '>', \$stdout, '2>', \$stderr;
	note($stderr) if $stderr ne '';
	return $stderr;
}

is(text_of(answers('old')), text_of(\%known), 'old database');
is(is_ready('old'), 0, 'old database: what is lost shows');
like(errors('old'), qr/^org_tokens.*^swapped/ms, 'old database: both sources');

# Whole dumps.
my $plain = dump_old('plain');
my $custom = dump_old('custom', '-Fc');
my $directory = dump_old('directory', '-Fd', '-j2');
my $database = new_database();

$node->command_ok(
	[ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $plain ],
	'restore by psql');
same('plain', $database);
$database = new_database();
is(restore($database, '-1', $custom), '', 'restore in one transaction');
same('custom, one transaction', $database);
for my $i (1 .. share(20))
{
	drop_database($database);
	$database = new_database();
	is(restore($database, '-j8', $i % 2 ? $directory : $custom), '',
		"restore in parallel, $i");
	is(text_of(answers($database)), text_of(\%known), "in parallel, $i");
}
same('in parallel', $database);

# A dump of the restored one is as good.
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/again", $database ],
	'dump of the restored');
drop_database($database);
$database = new_database();
restore($database, "$dir/again");
same('restored twice', $database);
drop_database($database);

# Section by section.
$database = new_database();
restore($database, '--section=pre-data', $custom);
is(text_of(answers($database)), text_of({ map { $_ => 'unknown' } keys %known }),
	'before the data: all unknown');
restore($database, '--section=data', $custom);
safe('before the triggers', $database);
restore($database, '--section=post-data', $custom);
same('section by section', $database);

# The data once more, into what is there: nothing is added.
restore($database, '--data-only', $custom);
same('data once more', $database);

# Somebody truncates the registry: what calls us knows not why.
$node->safe_psql($database, 'TRUNCATE tokenauth_source');
safe('registry truncated', $database);
like(errors($database), qr/"personal_access_token" has triggers of tokenauth/,
	'registry truncated: triggers without a source');
restore($database, '--data-only', '-t', 'tokenauth_source', $custom);
same('registry restored alone', $database);
drop_database($database);

# Data only, with triggers off: the registry's, too, which do not come back as
# they were.
$database = new_database();
restore($database, '--schema-only', $custom);
restore($database, '--data-only', '--disable-triggers', '-S', $node->{_user} // 'postgres', $custom);
safe('data only, triggers off', $database);
drop_database($database);

# Without the registry's data, and with it before the tables.
sub listed
{
	my ($name, $edit) = @_;
	my @lines = split /\n/, `pg_restore -l $custom`;

	open(my $list, '>', "$dir/$name") or die "could not write: $!";
	print $list map { "$_\n" } $edit->(@lines);
	close $list;
	return "$dir/$name";
}

$database = new_database();
restore($database, '-L', listed('without',
	sub { grep { !/TABLE DATA public tokenauth_source/ } @_ }), $custom);
safe('without the registry', $database);
drop_database($database);

$database = with_extension();
restore($database, '-L', listed('registry',
	sub { grep { /TABLE DATA public tokenauth_source/ } @_ }), $custom);
restore($database, $custom);
safe('the registry first', $database);
like(errors($database), qr/^api_tokens: .*app\.api_tokens/m,
	'the registry first: the table is named');
drop_database($database);

# A part of the tables, or of the schemas.
foreach my $part (
	[ '-t', 'api_tokens' ],
	[ '-t', 'api_tokens', '-t', 'tokenauth_source' ],
	[ '-n', 'app' ],
	[ '-n', 'public' ],
	[ '-N', 'app' ],
	[ '-N', 'Odd' ])
{
	$database = with_extension();
	$node->safe_psql($database, 'CREATE SCHEMA app; CREATE SCHEMA "Odd"');
	restore($database, @$part, $custom);
	# where nothing of ours was restored, nothing is amiss
	if ($node->safe_psql($database, q(
			SELECT EXISTS (SELECT FROM tokenauth_source) OR EXISTS (
				SELECT FROM pg_trigger WHERE tgfoid = 'tokenauth_changed'::regproc))) eq 't')
	{
		is(safe("restore @$part", $database), '', "restore @$part: not everybody");
	}
	else
	{
		is( text_of(answers($database)),
			text_of({ map { $_ => 'unknown' } keys %known }),
			"restore @$part: all unknown");
	}
	drop_database($database);
}

foreach my $part (
	[ '-T', 'app.tenants' ],
	[ '-T', 'app.apps' ],
	[ '-T', 'app.tenants', '-T', 'app.apps' ],
	[ '-T', 'app.api_tokens' ],
	[ '-N', 'app' ],
	[ '-n', 'app', '-n', 'public' ])
{
	my $file = dump_old('part', '-Fc', @$part);

	foreach my $extension (0, 1)
	{
		next if !$extension && $part->[0] eq '-n';
		$database = $extension ? with_extension() : new_database();
		restore($database, '-j2', $file);
		is(safe("dump @$part", $database), '', "dump @$part: not everybody");
		drop_database($database);
	}
}

# Without a parent, all tokens of that source are refused, and no others.
$database = new_database();
restore($database, dump_old('no_parent', '-Fc', '-T', 'app.tenants'));
is( text_of(answers($database)),
	text_of({ %known, map { $_ => 'error' } grep { /^api_/ } keys %known }),
	'without a parent');
like(errors($database), qr/^api_tokens: .*app\.tenants/m,
	'without a parent: it is named');
drop_database($database);

# By a role that is not superuser.  Without the rights to attach it restores
# tables, and no source.
sub restored_by_keeper
{
	my ($grants) = @_;
	my $name = with_extension('keeper');

	$node->safe_psql($name, 'GRANT CREATE ON SCHEMA public TO keeper;' . $grants);
	restore($name, '-U', 'keeper', '--no-owner', '--no-privileges', '-j2', $custom);
	return $name;
}

$database = restored_by_keeper('');
is(text_of(answers($database)), text_of({ map { $_ => 'unknown' } keys %known }),
	'not superuser, without rights');
drop_database($database);

$database = restored_by_keeper(
	'GRANT EXECUTE ON FUNCTION tokenauth_changed TO keeper');
safe('not superuser, triggers alone', $database);
drop_database($database);

$database = restored_by_keeper(q(
	GRANT EXECUTE ON FUNCTION tokenauth_changed TO keeper;
	GRANT INSERT ON tokenauth_source TO keeper));
safe('not superuser, may write the registry', $database);
is($node->safe_psql($database, 'SELECT count(*) FROM tokenauth_source'),
	0, 'not superuser, may write the registry: but not attach');
drop_database($database);

$node->stop;
done_testing();
