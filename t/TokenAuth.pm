=pod

=head1 NAME

TokenAuth - what the stories in this directory have in common

=head1 SYNOPSIS

  my $node = TokenAuth::new_node('main');
  my $warm = TokenAuth::session($node);
  is_warm($warm, $token, 'before');
  $node->safe_psql('postgres', "SELECT tokenauth_revoke('$token')");
  all_say('revoked', $token, 'after', $node, $other, $warm);

=head1 DESCRIPTION

Tokens are named by numbers and are those of the user of the same number, in
the source personal_access_token.  "Warm" is said of a session whose answers
come from the cache; is_warm() proves it by the counter of hits.

=cut

package TokenAuth;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(
  all_say hits is_cold is_warm issue judge like_note revoke session token
  unwarned_revoke
);

# Settings of every server here.  Few buckets: some stories count them.
my $conf = q(
shared_preload_libraries = 'tokenauth'
tokenauth.cache_size = '4MB'
autovacuum = off
);

# A running server; what it is told beyond $conf, and in init(), by name.
sub new_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $params{init} // {} });
	$node->append_conf('postgresql.conf', $conf . ($params{conf} // ''));
	$node->start;
	return $node;
}

# The extension, a standard table, and tokens 1 to $count in it.
sub set_up
{
	my ($node, $count, $database) = @_;

	$node->safe_psql($database // 'postgres', q(
		CREATE EXTENSION tokenauth CASCADE;
		SELECT tokenauth_create_table(prefix => 'mul_');
	) . issue(1, $count // 10));
	return $node;
}

sub token
{
	my ($n) = @_;
	return sprintf('mul_%040x', $n);
}

# SQL that issues tokens $from to $to.
sub issue
{
	my ($from, $to) = @_;
	return qq(
		INSERT INTO personal_access_token (user_id, token_hash)
		SELECT lpad(n::text, 32, '0')::uuid,
			   encode(sha256(('mul_' || lpad(to_hex(n), 40, '0'))::bytea), 'hex')
		FROM generate_series($from, $to) n;);
}

# SQL that changes the rows of tokens $from to $to as anybody might.
sub revoke
{
	my ($from, $to) = @_;
	$to //= $from;
	return qq(UPDATE personal_access_token SET revoked = true WHERE token_hash IN
		(SELECT encode(sha256(('mul_' || lpad(to_hex(n), 40, '0'))::bytea), 'hex')
		 FROM generate_series($from, $to) n););
}

# The same in such a way that no trigger tells of it.
sub unwarned_revoke
{
	my ($n) = @_;
	return 'ALTER TABLE personal_access_token DISABLE TRIGGER ALL;'
	  . revoke($n)
	  . 'ALTER TABLE personal_access_token ENABLE TRIGGER ALL;'
	  . 'ALTER TABLE personal_access_token ENABLE ALWAYS TRIGGER "0_tokenauth_row",'
	  . ' ENABLE ALWAYS TRIGGER "0_tokenauth_truncate";';
}

sub session
{
	my ($node, $database) = @_;
	my $session =
	  $node->background_psql($database // 'postgres', on_error_stop => 0);

	$session->set_query_timer_restart();
	return $session;
}

# What a session says of token $n: a status, or how its answers disagree.
# The hot path is asked first, for it must be right by itself.
sub judge
{
	my ($session, $n) = @_;
	my $token = token($n);

	return verdict(
		$n,
		$session->query_safe(
			"SELECT tokenauth_resolve('$token');"
			  . "SELECT (tokenauth_identify('$token')).status"));
}

# The same, of a session that begins just now.
sub judge_anew
{
	my ($node, $n, $database) = @_;
	my $token = token($n);

	return verdict(
		$n,
		$node->safe_psql(
			$database // 'postgres',
			"SELECT tokenauth_resolve('$token');"
			  . "SELECT (tokenauth_identify('$token')).status"));
}

sub verdict
{
	my ($n, $answers) = @_;
	my ($user, $status) = split /\n/, $answers;
	my $whose = sprintf('00000000-0000-0000-0000-%012d', $n);

	# psql -q leaves an empty line for NULL, safe_psql takes it from the front
	($user, $status) = ('', $user) unless defined $status;
	return $status
	  if $user eq ($status eq 'valid' ? $whose : '');
	return "resolve says '$user', identify says $status";
}

# Everybody gives the same answer: a session that begins just now, first,
# because it may only have heard what others have; then those given.
sub all_say
{
	my ($expected, $n, $name, $node, @sessions) = @_;
	my $database;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	($node, $database) = @$node if ref $node eq 'ARRAY';
	is(judge_anew($node, $n, $database), $expected, "$name: new session");
	for my $i (0 .. $#sessions)
	{
		is(judge($sessions[$i], $n), $expected,
			"$name: " . ($i < $#sessions ? 'other session' : 'warm session'));
	}
	return;
}

sub hits
{
	my ($session) = @_;
	return $session->query_safe(
		q(SELECT coalesce(sum(hits), 0) FROM tokenauth_stats));
}

# A valid token is answered from the cache, from the second time on.
sub is_warm
{
	my ($session, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $first = judge($session, $n);
	my $before = hits($session);
	my $second = judge($session, $n);

	is( join(', ', $first, $second, hits($session) - $before),
		'valid, valid, 2',
		"$name: valid, and answered from the cache");
	return;
}

# A valid token is answered, and not from the cache, however often.
sub is_cold
{
	my ($session, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $first = judge($session, $n);
	my $before = hits($session);
	my $second = judge($session, $n);

	is( join(', ', $first, $second, hits($session) - $before),
		'valid, valid, 0',
		"$name: valid, and answered from the table");
	return;
}

# Why the source is not cached; qr/^$/ if it is.
sub like_note
{
	my ($session, $regexp, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	like($session->query_safe('SELECT note FROM tokenauth_stats'),
		$regexp, $name);
	return;
}

1;
