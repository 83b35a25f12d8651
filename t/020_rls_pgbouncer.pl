# Row-level security by tokens through PgBouncer in transaction mode: two users
# on one server connection never see each other's rows, whatever they leave
# behind on it.  Begins with what its README says, as pasted.

use strict;
use warnings;

# A pooler in front of a node, with a single server connection.
package Pooler;
use parent -norequire, 'PostgreSQL::Test::Cluster';

my $process;

sub start_before
{
	my ($class, $node) = @_;
	my $self = bless {%$node}, $class;

	($process, $self->{sockets}) = TokenAuth::start_pgbouncer($node, 'rls', 'api');
	return $self;
}

sub stop_pooler { $process->kill_kill if $process; return; }

# Where this differs from the node that it was made from.
sub connstr
{
	my ($self, $database) = @_;
	return "host=$self->{sockets} port=6432 dbname=$database user=api";
}

END { stop_pooler(); }

package main;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

BEGIN { @Pooler::ISA = ('PostgreSQL::Test::Cluster'); }

plan skip_all => 'PgBouncer is not installed' unless pgbouncer();

my $top = "$FindBin::RealBin/..";
my %id = (
	alice => '00000000-0000-4000-8000-000000000001',
	bob => '00000000-0000-4000-8000-000000000002');
my $node = new_node(
	'main',
	conf => q(
log_statement = none
max_prepared_transactions = 2
parallel_setup_cost = 0
parallel_tuple_cost = 0
min_parallel_table_scan_size = 0
));

# The blocks of SQL in a README, from a heading on.
sub recipe
{
	my ($file, $heading) = @_;
	my ($section) = slurp_file("$top/$file") =~ /^$heading$(.*)/ms;
	return $section =~ /^```sql\n(.*?)^```/msg;
}

# What the README says works as it stands there.
$node->safe_psql('postgres', 'CREATE DATABASE rls');
$node->safe_psql('rls', slurp_file("$top/examples/rls/schema.sql"));
my ($set_up, $request) =
  recipe('examples/rls/README.md', '# Row-level security by bearer token');
$node->safe_psql('rls', $set_up);
is($node->safe_psql('rls', $request),
	"$id{alice}\n$id{bob}", 'the request in examples/rls');
is( $node->safe_psql(
		'rls', 'SELECT owner, name, title FROM app.project p
				JOIN app.task t ON t.project = p.id'),
	"$id{alice}|garden|dig", 'the request in examples/rls: what it has done');

$node->safe_psql(
	'rls', qq(
	TRUNCATE app.project CASCADE;
	INSERT INTO app.project (owner, name)
	SELECT owner, name
	FROM (VALUES ('$id{alice}'::uuid, 'alice'), ('$id{bob}', 'bob'),
				 (gen_random_uuid(), 'carol')) t (owner, name),
		generate_series(1, 1000);
	INSERT INTO app.task (project, title) SELECT id, name FROM app.project;
	ANALYZE app.project, app.task;));

my $pooler = Pooler->start_before($node);
my %client = map { $_ => session($pooler, 'rls') } qw(alice bob);

my $rows = q(
	SELECT coalesce(string_agg(DISTINCT name, ' '), 'none') || ' ' || count(*)
	FROM app.project;);
my $tasks = q(
	SELECT coalesce(string_agg(DISTINCT title, ' '), 'none') || ' ' || count(*)
	FROM app.task;);

# SQL of a request of that user.
sub request
{
	my ($who, $sql) = @_;
	return
	  "BEGIN; SELECT tokenauth_authenticate('demo_$who') \\g /dev/null\n $sql; COMMIT;";
}

sub ask
{
	my ($who, $sql) = @_;
	return $client{$who}->query_safe($sql);
}

# The error that a statement ends in.
sub refused_with
{
	my ($who, $sql) = @_;
	$client{$who}->query($sql);
	my $error = $client{$who}->{stderr};
	$client{$who}->{stderr} = '';
	return $error;
}

# One after the other, and in between nobody.
my %seen;
my %server;
for (1 .. 20)
{
	for my $who (qw(alice bob))
	{
		my $other = $who eq 'alice' ? 'bob' : 'alice';

		$seen{$who}{ ask($who, request($who, $rows)) }++;
		$seen{"$who, tasks"}{ ask($who, request($who, $tasks)) }++;
		$seen{nobody}{ ask($other, $rows) }++;
		$seen{nobody}{ ask($who, $tasks) }++;
		$server{ ask($who, 'SELECT pg_backend_pid()') }++;
	}
}
is_deeply(
	\%seen,
	{   alice => { 'alice 1000' => 20 },
		bob => { 'bob 1000' => 20 },
		'alice, tasks' => { 'alice 1000' => 20 },
		'bob, tasks' => { 'bob 1000' => 20 },
		nobody => { 'none 0' => 80 }
	},
	'each sees what is its own, and in between nobody sees anything');
is(keys %server, 1, 'on one server connection');

# One waits for the other's transaction.
ask('alice', "BEGIN; SELECT tokenauth_authenticate('demo_alice');");
$client{bob}->query_until(qr/sent/, "\\echo sent\n$rows\n");
is(ask('alice', "$rows COMMIT;"), 'alice 1000', 'the first has the connection');
is(ask('bob', "SELECT 'and that is all';"),
	"none 0\nand that is all", 'the second gets it without the identity');

# What is written is one's own.
is( ask('alice', request('alice', q(
		WITH changed AS (UPDATE app.project SET name = name || '!' RETURNING 1)
		SELECT count(*) FROM changed))),
	'1000', 'UPDATE of all changes what is its own');
is( $node->safe_psql(
		'rls', "SELECT DISTINCT right(name, 1) FROM app.project
				WHERE owner <> '$id{alice}' AND name LIKE '%!'"),
	'', 'UPDATE of all leaves the others alone');
ask('alice', request('alice', q(UPDATE app.project SET name = 'alice')));
like(
	refused_with('bob', request('bob',
			"INSERT INTO app.project (owner, name) VALUES ('$id{alice}', 'bob')")),
	qr/violates row-level security/,
	'INSERT for another is refused');
my $project = $node->safe_psql('rls',
	"SELECT min(id) FROM app.project WHERE owner = '$id{alice}'");
like(
	refused_with('bob', request('bob',
			"INSERT INTO app.task (project, title) VALUES ($project, 'bob')")),
	qr/violates row-level security/,
	"INSERT into another's is refused");
is(ask('bob', $rows), 'none 0', 'after errors nobody is authenticated');

# Settings, forged and left on the connection.
like(refused_with('alice', "SET tokenauth.user_id = '$id{bob}';"),
	qr/invalid configuration parameter/, 'there is no setting to forge');
ask('alice', "SET app.user_id = '$id{bob}'; SET request.user_id = '$id{bob}';");
ask('alice', "SELECT set_config('role', 'api', false);");
is(ask('alice', $rows), 'none 0', 'settings are nobody');
is(ask('alice', request('alice', $rows)),
	'alice 1000', 'settings are not another');
is( ask('bob', request('alice', "SELECT count(*) FROM pg_settings
		WHERE setting LIKE '%$id{alice}%' AND name <> 'app.user_id'")),
	'0', 'there is no setting to steal');
is(ask('bob', "SELECT current_setting('tokenauth.user_id', true) IS NULL;"),
	't', 'nor one of that name');

# A statement prepared on the shared connection by another.
ask('alice', "PREPARE mine AS $rows");
ask('alice', 'SET plan_cache_mode = force_generic_plan;');
ask('alice', request('alice', 'EXECUTE mine'));
is(ask('bob', 'EXECUTE mine;'), 'none 0', 'a prepared statement: nobody');
is(ask('bob', request('bob', 'EXECUTE mine')),
	'bob 1000', "another's prepared statement");
is(ask('alice', request('alice', 'EXECUTE mine')),
	'alice 1000', 'and again the one who prepared it');
ask('alice', "PREPARE steal AS SELECT tokenauth_user();");
ask('alice', request('alice', 'EXECUTE steal'));
is(ask('bob', request('bob', 'EXECUTE steal')),
	$id{bob}, 'a prepared call of tokenauth_user()');

# Parallel plans.
my $parallel = q(
	SELECT name, count(*) FROM app.project GROUP BY name ORDER BY name);
like(
	ask('bob', request('bob', "EXPLAIN (ANALYZE, COSTS OFF) $parallel")),
	qr/Workers Launched: [1-9].*Parallel Seq Scan on project/s,
	'the plan is parallel');
is(ask('bob', request('bob', $parallel)), 'bob|1000', 'parallel plan: bob');
is(ask('alice', $parallel . ';'), '', 'parallel plan: nobody');
is(ask('alice', request('alice', $parallel)),
	'alice|1000', 'parallel plan: alice');

# Transactions that end otherwise.
is( ask('alice', "BEGIN; SAVEPOINT s; SELECT tokenauth_authenticate('demo_alice')"
			. " \\g /dev/null\nROLLBACK TO s; $rows COMMIT;"),
	'none 0', 'rolled back to a savepoint');
# in one go, for psql is told to end each by an empty statement, also a transaction
is( ask('alice', "BEGIN; SELECT tokenauth_authenticate('demo_alice')"
			. " \\g /dev/null\nINSERT INTO app.project (name) VALUES ('late');"
			. "PREPARE TRANSACTION 'late'; $rows"),
	'none 0', 'after PREPARE TRANSACTION');
ask('bob', "COMMIT PREPARED 'late';");
is(ask('bob', $rows), 'none 0', 'after COMMIT PREPARED');
is(ask('alice', request('alice', $rows)),
	'alice late 1001', 'what was prepared is whose it was');
my $gone = session($pooler, 'rls');
$gone->query_safe("BEGIN; SELECT tokenauth_authenticate('demo_alice');");
$gone->quit;
is(ask('bob', $rows), 'none 0', 'a client that goes in a transaction');

# Tokens that are refused, or belong to another: in no message and no log.
like(refused_with('bob', "SELECT tokenauth_authenticate('demo_unheard_of');"),
	qr/ERROR:  token is not valid$/m, 'a bad token');
like(
	refused_with('bob', "BEGIN; SELECT tokenauth_authenticate('demo_bob');"
		  . "SELECT tokenauth_authenticate('demo_alice'); COMMIT;"),
	qr/another user is authenticated/,
	'a second user');
like(refused_with('bob', 'SELECT count(*) FROM personal_access_token;'),
	qr/permission denied/, 'the token table is out of reach');
my $log = slurp_file($node->logfile);
like($log, qr/ERROR:  token is not valid/, 'the refusal is logged');
like($log, qr/ERROR:  another user is auth/, 'so is that of a second user');
unlike($log, qr/demo_(unheard|bob|alice)/, 'the token is not');

$_->quit foreach values %client;
Pooler::stop_pooler();
$node->stop;
done_testing();
