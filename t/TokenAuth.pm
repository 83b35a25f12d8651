=pod

=head1 NAME

TokenAuth - what the stories in this directory have in common

=head1 SYNOPSIS

  my $node = set_up(new_node('main'));
  my $warm = session($node);
  is_warm($warm, 1, 'before');
  $node->safe_psql('postgres', revoke(1));
  all_say('revoked', 1, 'after', $node, $other, $warm);

=head1 DESCRIPTION

A token goes by a number, as does the user whose it is; it is in the source
personal_access_token.  A session is "warm" if its answers come from the cache,
which is_warm() proves by the counter of hits.

=cut

package TokenAuth;

use strict;
use warnings;

use Exporter 'import';
use File::Basename;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(
  all_say configure end_sessions endless has_been_used is_cold is_warm issue judge
  judge_anew keep_busy like_note make_noise new_node new_standby own_server pgbouncer poll_value
  processes questions revoke session set_up share shared_memory some_process start_pgbouncer token
  unnoticed_revoke use_token
);

# So many of what is done often, or a share of it where the same story is told on
# several servers, as by scripts/check --all.
sub share
{
	my ($number) = @_;
	return int($number / ($ENV{TOKENAUTH_TEST_SHARE} // 1)) || 1;
}

# Ask until the answer is the one that is waited for, and return it.  Each look is a session,
# which takes more of the processor than anything else here: so the longer it lasts, the
# seldomer it looks.
sub poll
{
	my ($node, $database, $query, $is_awaited) = @_;
	my $began = time;
	my ($status, $out, $err);

	while (1)
	{
		($status, $out, $err) = $node->psql($database, $query);
		return $out if $status == 0 && $err eq '' && $is_awaited->($out);
		my $waited = time - $began;
		last if $waited > $PostgreSQL::Test::Utils::timeout_default;
		usleep(1_000_000 * ($waited < 1 ? 0.1 : $waited < 10 ? $waited / 10 : 1));
	}
	diag(join "\n", 'waited in vain, last: ' . ($out // ''), $err // '', "of: $query");
	return;
}

# The same as core's.
sub poll_query_until
{
	my ($node, $database, $query, $expected) = @_;

	$expected //= 't';
	return defined poll($node, $database, $query, sub { $_[0] eq $expected }) ? 1 : 0;
}

# What the query says, once it says anything.  What is found is found in the look that is
# returned: a second one would ask about something that may have ended meanwhile.
sub poll_value
{
	my ($node, $database, $query) = @_;

	return poll($node, $database, $query, sub { $_[0] ne '' })
	  // die "nothing is found by: $query";
}

my $core_psql = \&PostgreSQL::Test::Cluster::psql;

# The same as core's; but where psql cannot connect, and is gone before it has been told
# the query, that is an answer, too.
sub psql
{
	my ($node, $database, $query, %parameters) = @_;
	my $in_list = wantarray;
	my @answer;

	return $in_list ? @answer : $answer[0]
	  if eval { @answer = $in_list ? $core_psql->(@_) : scalar $core_psql->(@_); 1 };
	die $@ if $@ !~ /Broken pipe/ || $parameters{on_error_die};
	${ $parameters{stdout} } = '' if $parameters{stdout};
	${ $parameters{stderr} } = $@ if $parameters{stderr};
	return $in_list ? (2, '', $@) : 2;
}

{
	no warnings 'redefine';
	*PostgreSQL::Test::Cluster::poll_query_until = \&poll_query_until;
	*PostgreSQL::Test::Cluster::psql = \&psql;
}

# The body of a PL/pgSQL function that catches each cancellation, for ever.
sub endless
{
	return q($$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(1000);
			EXCEPTION WHEN query_canceled THEN NULL;
			END;
		END LOOP;
	END $$);
}

# A copy of the server, for what is installed into it is to be seen by nobody else: it
# finds its files relative to its programs.  Returns the folder of these, and where its
# library of ours is.
sub own_server
{
	my $dir = PostgreSQL::Test::Utils::tempdir;
	my %at = map { $_ => (run_command([ 'pg_config', "--$_" ]))[0] }
	  qw(bindir pkglibdir sharedir pkgincludedir);

	foreach my $folder (values %at)
	{
		system_or_bail('mkdir', '-p', $dir . dirname($folder));
		system_or_bail('cp', '-a', $folder, $dir . $folder);
	}
	return ($dir . $at{bindir}, "$dir$at{pkglibdir}/tokenauth.so");
}

# initdb takes seconds: instead, the node's folder is a copy of INITDB_TEMPLATE, if
# there is one and the server is that of the PATH.  From PostgreSQL 16 on init() does
# so itself; until then what it calls is replaced.
sub init
{
	my ($node, %params) = @_;
	my %how = (
		%{ $params{init} // {} },
		force_initdb => defined $params{install_path} || !defined $ENV{INITDB_TEMPLATE});
	my $run = \&PostgreSQL::Test::Utils::system_or_bail;

	return $node->init(%how) if $how{force_initdb} || $how{extra};
	no warnings 'redefine';
	local *PostgreSQL::Test::Utils::system_or_bail = sub {
		@_ = ('cp', '-RPp', $ENV{INITDB_TEMPLATE}, $_[2]) if $_[0] eq 'initdb';
		return $run->(@_);
	};
	return $node->init(%how);
}

# A running server.  conf: more settings; init: as for its init();
# install_path: of another server than that in the PATH.
sub new_node
{
	my ($name, %params) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name,
		install_path => $params{install_path});

	init($node, %params);
	$node->append_conf(
		'postgresql.conf', q(
shared_preload_libraries = 'tokenauth'
tokenauth.cache_size = '4MB'
autovacuum = off
log_parameter_max_length = 0
) . ($params{conf} // ''));
	$node->start;
	return $node;
}

# A running standby, for whose replay the primary waits at each COMMIT.
sub new_standby
{
	my ($primary, $name, %params) = @_;
	my $standby = PostgreSQL::Test::Cluster->new($name);

	$primary->backup("for_$name");
	$standby->init_from_backup($primary, "for_$name", has_streaming => 1);
	$standby->append_conf('postgresql.conf', $params{conf} // '');
	$standby->start;

	$primary->append_conf(
		'postgresql.conf', qq(
synchronous_standby_names = '$name'
synchronous_commit = remote_apply
));
	$primary->reload;
	$primary->poll_query_until('postgres',
		q(SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync')
	) or die 'standby is not synchronous';
	return $standby;
}

# Change settings of a running server, and wait until new sessions have them.
sub configure
{
	my ($node, %settings) = @_;

	foreach my $name (sort keys %settings)
	{
		$node->safe_psql('postgres',
			"ALTER SYSTEM SET $name = '$settings{$name}'");
	}
	$node->reload;
	foreach my $name (sort keys %settings)
	{
		$node->poll_query_until('postgres',
			"SELECT current_setting('$name') = '$settings{$name}'")
		  or die "$name is not set";
	}
	return;
}

# A file that may vanish at any time.
sub read_if_there
{
	my ($name) = @_;
	local $/;
	open(my $file, '<', $name) or return '';
	my $content = <$file>;
	close $file;
	return $content // '';
}

# The server's processes whose title has this, for not all of them show up in
# pg_stat_activity.
sub processes
{
	my ($node, $title) = @_;
	my $postmaster = postmaster($node);
	my @found;

	foreach my $folder (glob '/proc/[0-9]*')
	{
		my ($pid) = $folder =~ /(\d+)/;
		my ($parent) = read_if_there("$folder/stat") =~ /\) \S (\d+)/;

		push @found, $pid
		  if ($parent // 0) == $postmaster && has_title($pid, $title);
	}
	return @found;
}

# One of them, or none: in haste, for which the kernel's list of children is used, if it
# has one; that may lack some while others end.
sub some_process
{
	my ($node, $title) = @_;
	my $postmaster = postmaster($node);
	my $children = "/proc/$postmaster/task/$postmaster/children";
	my @found = -e $children
	  ? grep { has_title($_, $title) } split ' ', read_if_there($children)
	  : processes($node, $title);

	return @found ? $found[ rand @found ] : undef;
}

sub postmaster
{
	my ($node) = @_;
	return (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];
}

sub has_title
{
	my ($pid, $title) = @_;
	return read_if_there("/proc/$pid/cmdline") =~ /$title/;
}

# What is in a node's shared memory; it must have shared_memory_type = sysv.
sub shared_memory
{
	my ($node) = @_;
	my @line = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	my ($id) = $line[6] =~ /^\s*\d+\s+(\d+)/ or die 'no shared memory';
	my ($size) = map { (split)[3] }
	  grep { (split)[1] eq $id } split /\n/, slurp_file('/proc/sysvipc/shm');
	my $content;

	shmread($id, $content, 0, $size) or die "could not read shared memory: $!";
	return $content;
}

# The extension, a standard table, and tokens 1 to $count in it.
sub set_up
{
	my ($node, $count, $database) = @_;

	$node->safe_psql(
		$database // 'postgres', q(
		CREATE EXTENSION tokenauth CASCADE;
		SELECT tokenauth_create_table(prefix => 'mul_');
	) . issue(1, $count // 10));
	return $node;
}

# The program, if it is installed.
sub pgbouncer
{
	return (grep { -x } map { "$_/pgbouncer" } '/usr/sbin', split /:/, $ENV{PATH})[0];
}

# PgBouncer in transaction mode in front of a database, with one server connection, which
# all clients have as this role.  Returns the process, and the folder of its socket, whose
# port is 6432.
sub start_pgbouncer
{
	my ($node, $database, $user) = @_;
	my $sockets = PostgreSQL::Test::Utils::tempdir_short();
	my ($ini, $log) = map { $node->basedir . "/pgbouncer.$_" } qw(ini log);

	append_to_file(
		$ini, sprintf(q(
[databases]
%s = host=%s port=%d user=%s
[pgbouncer]
pool_mode = transaction
default_pool_size = 1
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = any
ignore_startup_parameters = extra_float_digits
), $database, $node->host, $node->port, $user, $sockets));
	my $process = IPC::Run::start([ pgbouncer(), $ini ], '<', \undef, '>', $log, '2>', $log);
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return ($process, $sockets)
		  if run_log([ 'psql', '-XAtqc', 'SELECT 1', "host=$sockets port=6432 dbname=$database" ],
			'>', \my $out, '2>', \my $error);
		usleep(100_000);
	}
	die 'no connection through PgBouncer:' . slurp_file($log);
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
	$to //= $from;
	return qq(
		INSERT INTO personal_access_token (user_id, token_hash)
		SELECT lpad(n::text, 32, '0')::uuid,
			   encode(sha256(('mul_' || lpad(to_hex(n), 40, '0'))::bytea), 'hex')
		FROM generate_series($from, $to) n;);
}

# SQL that revokes them, as anybody might who knows nothing of tokenauth.
sub revoke
{
	my ($from, $to) = @_;
	$to //= $from;
	return qq(
		UPDATE personal_access_token SET revoked = true
		WHERE user_id IN (SELECT lpad(n::text, 32, '0')::uuid
						  FROM generate_series($from, $to) n););
}

# SQL by which tokens are used.
sub use_token
{
	return map { sprintf q(SELECT tokenauth_resolve('%s');), token($_) } @_;
}

# SQL that tells whether the table says that a token has been used.
sub has_been_used
{
	my ($n) = @_;
	return sprintf q(SELECT last_used_at IS NOT NULL FROM personal_access_token
		WHERE user_id = '00000000-0000-0000-0000-%012d'), $n;
}

# The same in such a way that no trigger tells of it.
sub unnoticed_revoke
{
	my ($n) = @_;
	return q(ALTER TABLE personal_access_token
			 DISABLE TRIGGER tokenauth_row;)
	  . revoke($n)
	  . q(ALTER TABLE personal_access_token
		  ENABLE ALWAYS TRIGGER tokenauth_row;);
}

# SQL that sends more invalidation messages than the queue for them holds, so
# that a session that is busy meanwhile misses some.
sub make_noise
{
	my $columns = join ', ', map { "c$_ int" } 1 .. 1500;
	return join ' ', map { "CREATE TABLE noise_$_ ($columns);" } 1 .. 3;
}

# Let a session be busy, so that it hears of nothing, as long as another holds
# the advisory lock 1.
sub keep_busy
{
	my ($session, $node) = @_;

	$session->query_until(qr/busy/,
		"\\echo busy\nDO 'BEGIN PERFORM pg_advisory_lock_shared(1); END';\n");
	$node->poll_query_until('postgres',
		q(SELECT count(*) = 1 FROM pg_locks
		  WHERE locktype = 'advisory' AND NOT granted))
	  or die 'session is not busy';
	return;
}

sub session
{
	my ($node, $database) = @_;
	my $session =
	  $node->background_psql($database // 'postgres', on_error_stop => 0);

	$session->set_query_timer_restart();
	return $session;
}

# For sessions whose server has crashed: psql may be gone, or not know it yet.
sub end_sessions
{
	$_->{run}->kill_kill foreach @_;
	return;
}

# The hot path is asked first, for it must be right by itself.
sub questions
{
	my ($n) = @_;
	my $token = token($n);

	return "SELECT tokenauth_resolve('$token');"
	  . "SELECT (tokenauth_identify('$token')).status;";
}

# The status of token $n, or how the answers contradict each other.
sub verdict
{
	my ($n, $answers) = @_;
	my ($user, $status) = split /\n/, $answers;
	my $whose = sprintf('00000000-0000-0000-0000-%012d', $n);

	return $status if $user eq ($status eq 'valid' ? $whose : '');
	return "resolve says '$user', identify says '$status'";
}

# What a session says of token $n.
sub judge
{
	my ($session, $n) = @_;
	return verdict($n, $session->query_safe(questions($n)));
}

# The same without leaving a trace: a transaction that has an id publishes
# nothing, so who is asked next finds the cache as it was.
sub glance
{
	my ($n) = @_;
	return q(BEGIN; DO 'BEGIN
			IF NOT pg_is_in_recovery() THEN PERFORM pg_current_xact_id(); END IF;
		END';) . questions($n) . 'COMMIT;';
}

# What a session says that begins just now.
sub judge_anew
{
	my ($node, $n, $database) = @_;
	return verdict($n, $node->safe_psql($database // 'postgres', glance($n)));
}

# Everybody says the same: first a session that begins just now, for it has
# not heard what the others may have heard; then the warm one, which is the
# last of those given; then the others, which may be late to hear of earlier
# changes, and on hearing stop believing more than they need to.
sub all_say
{
	my ($expected, $n, $name, $node, @sessions) = @_;
	my $database;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	($node, $database) = @$node if ref $node eq 'ARRAY';
	is(judge_anew($node, $n, $database), $expected, "$name: new session");
	for my $i (reverse 0 .. $#sessions)
	{
		is( verdict($n, $sessions[$i]->query_safe(glance($n))),
			$expected,
			"$name: " . ($i < $#sessions ? 'other session' : 'warm session'));
	}
	return;
}

# Ask twice; how many of the second time's answers came from the cache?
sub judge_twice
{
	my ($session, $n) = @_;
	my $hits = 'SELECT coalesce(sum(hits), 0) FROM tokenauth_stats';
	my $first = judge($session, $n);
	my $before = $session->query_safe($hits);
	my $second = judge($session, $n);

	return "$first, $second, hits " . ($session->query_safe($hits) - $before);
}

# A valid token is answered from the cache, at the latest when asked again.
sub is_warm
{
	my ($session, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(judge_twice($session, $n), 'valid, valid, hits 2', "$name: warm");
	return;
}

# A valid token is answered from the table, however often.
sub is_cold
{
	my ($session, $n, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(judge_twice($session, $n), 'valid, valid, hits 0', "$name: not cached");
	return;
}

# Why the source is not cached; empty if it is.
sub like_note
{
	my ($session, $regexp, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	like($session->query_safe('SELECT note FROM tokenauth_stats'),
		$regexp, $name);
	return;
}

1;
