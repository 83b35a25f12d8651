# Primary and standbys of different cache sizes understand each other: what
# the one says of its buckets, the other finds in its own.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $primary = set_up(new_node('primary', init => { allows_streaming => 1 }), 400);
my $standby;

sub change_size
{
	my ($node, $size) = @_;

	$node->append_conf('postgresql.conf', "tokenauth.cache_size = '$size'");
	$node->restart;
}

# Tokens $first to $first + 19: all cached on the standby, all revoked on the
# primary one by one, all refused on the standby, by a session that had cached
# them and by one that had not.
sub each_is_refused
{
	my ($name, $first) = @_;
	my @tokens = ($first .. $first + 19);
	my $writer = session($primary);
	my $warm = session($standby);
	my $other = session($standby);
	my @wrong;

	judge($other, $first);
	is_warm($warm, $first, "$name, standby");
	judge($warm, $_) foreach @tokens;
	foreach my $n (@tokens)
	{
		$writer->query_safe(revoke($n));
		judge($_, $n) eq 'revoked' or push @wrong, $n foreach ($warm, $other);
	}
	is("@wrong", '', "$name: each of 20 is refused");

	is_warm($warm, $first + 20, "$name, standby, before many");
	judge($warm, $_) foreach ($first + 20 .. $first + 60);
	$writer->query_safe(revoke($first + 20, $first + 60));
	@wrong = grep { judge($warm, $_) ne 'revoked' } ($first + 20 .. $first + 60);
	is("@wrong", '', "$name: each of 41 in one transaction is refused");

	is_warm($warm, $first + 70, "$name, standby, before TRUNCATE rolled back");
	$writer->query_safe('BEGIN; TRUNCATE personal_access_token; ROLLBACK');
	is_warm($warm, $first + 70, "$name, standby, after TRUNCATE rolled back");
	$writer->query_safe('BEGIN;' . unnoticed_revoke($first + 70) . 'COMMIT');
	all_say('revoked', $first + 70, "$name, unnoticed by triggers",
		$standby, $other, $warm);
	$_->quit foreach ($writer, $warm, $other);
	return;
}

$standby = new_standby($primary, 'standby',
	conf => "tokenauth.cache_size = '1MB'\n");
each_is_refused('smaller on the standby', 1);

change_size($standby, '48MB');
each_is_refused('larger on the standby', 101);

# More buckets than a message can name, so that one stands for several.
change_size($standby, '1GB');
each_is_refused('much larger on the standby', 201);

# A primary without a cache writes for its standbys all the same.
$standby->append_conf('postgresql.conf', "tokenauth.cache_size = '4MB'");
$standby->restart;
change_size($primary, '0');
each_is_refused('none on the primary', 301);

$_->stop foreach ($standby, $primary);
done_testing();
