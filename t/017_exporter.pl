# What Debian's prometheus-postgres-exporter shows by monitoring/queries.yaml is
# what SQL says, to a role that is but a member of pg_monitor; and the alerts
# and the dashboard ask for nothing else.

use strict;
use warnings;

use CPAN::Meta::YAML;
use FindBin;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

sub program
{
	my ($name) = @_;
	my ($found) = grep { -x } map { "$_/$name" } split /:/, $ENV{PATH};
	return $found;
}

my $program = program('prometheus-postgres-exporter');
plan skip_all => 'prometheus-postgres-exporter is not installed'
  unless $program;

my $files = "$FindBin::RealBin/../monitoring";
my $node = set_up(new_node(
	'main', conf => "tokenauth.last_used_flush = '1h'\n"));
my $exporter;

END
{
	local $?;
	$exporter->kill_kill if $exporter;
}

my $address = '127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port();

sub start_exporter
{
	my $log = $node->basedir . '/exporter.log';
	local $ENV{DATA_SOURCE_NAME} = sprintf
	  'host=%s port=%d user=exporter dbname=postgres sslmode=disable',
	  $node->host, $node->port;
	delete local @ENV{ grep { /^PG/ } keys %ENV };

	$exporter = IPC::Run::start(
		[
			$program,
			"--web.listen-address=$address",
			"--extend.query-path=$files/queries.yaml",
			'--disable-default-metrics',
			'--disable-settings-metrics'
		],
		'<', \undef, '>', $log, '2>', $log);
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if HTTP::Tiny->new->get("http://$address/")->{success};
		select undef, undef, undef, 0.1;
	}
	die 'the exporter does not answer: ' . slurp_file($log);
}

# The samples of a scrape: {name}{labels that are not the same everywhere}.
sub scrape
{
	my $answer = HTTP::Tiny->new->get("http://$address/metrics");
	my %metrics;

	die "no metrics: $answer->{status}" unless $answer->{success};
	foreach (grep { /^tokenauth_/ } split /\n/, $answer->{content})
	{
		unlike($_, qr/[0-9a-f]{40}|mul_/, 'no token, no digest');
		die "not understood: $_" unless /^(tokenauth_\w+)\{([^}]*)\} (\S+)$/;
		my ($name, $labels, $value) = ($1, $2, $3);
		my %label = $labels =~ /(\w+)="([^"]*)"/g;

		is(delete $label{database}, 'postgres', "$name is of a database");
		delete $label{server};
		$metrics{$name}{ join ',', map { $label{$_} } sort keys %label } =
		  $value;
	}
	return \%metrics;
}

# The metric that shows a column of tokenauth_stats of the source.
sub shown
{
	my ($metrics, $column, $type) = @_;
	my $source = 'personal_access_token';

	return $metrics->{tokenauth_bypasses_total}{"$1,$source"}
	  if $column =~ /^bypasses_(.*)/;
	my $suffix =
		$type eq 'timestamp with time zone' ? '_timestamp_seconds'
	  : $column =~ /^(entries|bytes)$/ ? ''
	  : '_total';
	return $metrics->{"tokenauth_$column$suffix"}{$source};
}

$node->safe_psql(
	'postgres', q(
	CREATE ROLE exporter LOGIN;
	GRANT pg_monitor TO exporter;));

# Something in every figure that can have something here.
$node->safe_psql('postgres', join '', map { questions($_) } 1 .. 5, 1 .. 3, 11 .. 14, 11);
$node->safe_psql('postgres',
	'SET tokenauth.enabled = off;' . questions(1) . questions(12));
$node->safe_psql('postgres', 'BEGIN;' . revoke(1) . questions(1) . questions(2) . 'ROLLBACK');
$node->safe_psql('postgres',
	revoke(2) . 'SELECT tokenauth_flush_last_used(); SELECT tokenauth_warm()');

start_exporter();
my $metrics = scrape();
my %expected = map { split /\|/ } split /\n/, $node->safe_psql(
	'postgres', q(
	SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
	WHERE attrelid = 'tokenauth_stats'::regclass AND attnum > 0
		AND attname NOT IN ('source', 'hit_ratio', 'note')));
foreach my $column (sort keys %expected)
{
	my $value = $expected{$column} eq 'bigint' ? $column : "extract(epoch FROM $column)";

	is( shown($metrics, $column, $expected{$column}) + 0,
		$node->safe_psql('postgres', "SELECT $value FROM tokenauth_stats") + 0,
		"$column is what SQL says");
}
cmp_ok(shown($metrics, $_, 'bigint'), '>', 0, "there was $_")
  foreach qw(hits negative_hits misses negative_lookups publishes
  invalidations bypasses_disabled bypasses_own_writes uses_noted
  uses_written entries bytes);
is($metrics->{tokenauth_cached}{personal_access_token}, 1, 'cached');
is($metrics->{tokenauth_probe_ready}{''}, 1, 'ready');
is($metrics->{tokenauth_doctor_findings}{$_}, 0, "no $_")
  foreach qw(error warning notice);

# Everything that is described is shown.
my $queries = CPAN::Meta::YAML->read("$files/queries.yaml")->[0];
foreach my $namespace (sort keys %$queries)
{
	foreach my $metric (map { %$_ } @{ $queries->{$namespace}{metrics} })
	{
		next if ref $metric;
		my ($how) = grep { $_->{$metric} } @{ $queries->{$namespace}{metrics} };
		next if $how->{$metric}{usage} eq 'LABEL';
		ok($metrics->{"${namespace}_$metric"}, "${namespace}_$metric is shown");
	}
}

# What is asked for by the alerts and by the dashboard.
sub asks_for_what_is_shown
{
	my ($name, $expression) = @_;
	my $asked = $expression;

	$asked =~ s/\{[^}]*\}|\[[^\]]*\]|\b(without|by) \([^)]*\)//g;
	my @names = grep { !/^(and|or|unless)$/ } $asked =~ /\b([a-z]\w*+)(?!\s*\()/g;
	ok(@names > 0, "$name asks for something");
	ok($metrics->{$_}, "$name asks for $_, which is shown") foreach @names;
	foreach my $label ($expression =~ /(\w+)=~?"/g)
	{
		like($label, qr/^(database|source|severity)$/, "$name: label $label");
	}
	return;
}

my $alerts = CPAN::Meta::YAML->read("$files/alerts.yml")->[0];
my @rules = map { @{ $_->{rules} } } @{ $alerts->{groups} };
cmp_ok(scalar @rules, '>', 5, 'alerts');
asks_for_what_is_shown($_->{alert}, $_->{expr}) foreach @rules;

my $dashboard = decode_json(slurp_file("$files/dashboard.json"));
cmp_ok(scalar @{ $dashboard->{panels} }, '>', 5, 'panels');
foreach my $panel (@{ $dashboard->{panels} })
{
	asks_for_what_is_shown($panel->{title}, $_->{expr})
	  foreach @{ $panel->{targets} };
}
foreach my $variable (grep { $_->{type} eq 'query' } @{ $dashboard->{templating}{list} })
{
	my ($what) = $variable->{query} =~ /^label_values\((.*), \w+\)$/;
	asks_for_what_is_shown("variable $variable->{name}", $what);
}

# Trouble shows.
$node->safe_psql('postgres',
	'ALTER TABLE personal_access_token DISABLE TRIGGER tokenauth_row; GRANT SELECT ON personal_access_token TO pg_checkpoint'
);
$metrics = scrape();
is($metrics->{tokenauth_cached}{personal_access_token}, 0, 'not cached');
is($metrics->{tokenauth_probe_ready}{''}, 0, 'not ready');
is($metrics->{tokenauth_doctor_findings}{error}, 1, 'an error');
is($metrics->{tokenauth_doctor_findings}{notice}, 1, 'a notice');
is( $node->safe_psql('postgres',
		q(SELECT has_table_privilege('exporter', 'personal_access_token', 'SELECT'))),
	'f',
	'the exporter can read no token table');

SKIP:
{
	my $promtool = program('promtool');

	skip 'promtool is not installed', 2 unless $promtool;
	command_ok([ $promtool, 'check', 'rules', "$files/alerts.yml" ],
		'alerts are well-formed');
	command_ok([ $promtool, 'test', 'rules', "$files/alerts_test.yml" ],
		'alerts fire where they should');
}

$node->stop;
done_testing();
