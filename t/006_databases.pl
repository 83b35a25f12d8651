# A copy of a database has the same tables under the same OIDs, with the same
# triggers and files; still the one's answers are not the other's.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

my $node = new_node('main');
$node->safe_psql('postgres', 'CREATE DATABASE original');
set_up($node, 10, 'original');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE original');

my %warm = map { $_ => session($node, $_) } ('original', 'copy');
my $oid = q(SELECT 'personal_access_token'::regclass::oid);
is( $warm{copy}->query_safe($oid),
	$warm{original}->query_safe($oid),
	'the tables have the same OID');

# Warm in one, the other still asks its table: revoke there first.
is_warm($warm{original}, $_, 'original') foreach (1 .. 3);
$node->safe_psql('copy', revoke(1));
is_warm($warm{original}, 1, 'revoked in the copy: original');
all_say('revoked', 1, 'revoked in the copy', [ $node, 'copy' ], $warm{copy});
all_say('valid', 1, 'revoked in the copy', [ $node, 'original' ],
	$warm{original});

# And the other way, both warm.
is_warm($warm{copy}, 2, 'copy');
is_warm($warm{original}, 2, 'original');
$node->safe_psql('original', revoke(2));
all_say('revoked', 2, 'revoked in the original',
	[ $node, 'original' ], $warm{original});
all_say('valid', 2, 'revoked in the original', [ $node, 'copy' ], $warm{copy});
is_warm($warm{copy}, 2, 'revoked in the original: copy');

# A refusal does not cross over either.
is(judge($warm{copy}, 11), 'unknown', 'not issued yet: copy') foreach (1 .. 2);
$node->safe_psql('original', issue(11));
all_say('valid', 11, 'issued in the original',
	[ $node, 'original' ], $warm{original});
all_say('unknown', 11, 'issued in the original', [ $node, 'copy' ],
	$warm{copy});

# Unnoticed changes and TRUNCATE concern one of them.
is_warm($_, 3, 'before an unnoticed change') foreach values %warm;
$node->safe_psql('copy', 'BEGIN;' . unnoticed_revoke(3) . 'COMMIT');
all_say('revoked', 3, 'unnoticed change in the copy',
	[ $node, 'copy' ], $warm{copy});
is_warm($warm{original}, 3, 'unnoticed change in the copy: original');
is_warm($_, 4, 'before TRUNCATE') foreach values %warm;
$node->safe_psql('original', 'TRUNCATE personal_access_token');
all_say('unknown', 4, 'truncated original', [ $node, 'original' ],
	$warm{original});
is_warm($warm{copy}, 4, 'truncated original: copy');

# The figures are apart as well.
is( $warm{original}->query_safe('SELECT tokenauth_stats_reset()')
	  . $warm{original}->query_safe('SELECT hits FROM tokenauth_stats'),
	'0', 'the original counts anew');
cmp_ok($warm{copy}->query_safe('SELECT hits FROM tokenauth_stats'),
	'>', 0, 'the copy does not');

# A database of the same name that is made anew is another one.
$warm{copy}->quit;
$node->safe_psql('postgres', 'DROP DATABASE copy');
$node->safe_psql('original', issue(4));
$warm{original}->quit;
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE original');
$warm{copy} = session($node, 'copy');
all_say('unknown', 5, 'copied anew', [ $node, 'copy' ], $warm{copy});
is_warm($warm{copy}, 4, 'copied anew');

$warm{copy}->quit;

# Nor is one that is made anew under the same OID, from the same template: its
# tables' files and all rows of its catalogs are the same, and what changed
# meanwhile, changed in the template.  Of so many tokens the last one's change is
# noted at the gate of the template's table, and not by itself.
my $again = 'CREATE DATABASE again TEMPLATE original OID 4000000000';
$node->safe_psql('original',
	q(INSERT INTO personal_access_token (user_id, token_hash)
	  SELECT gen_random_uuid(), encode(sha256(n::text::bytea), 'hex')
	  FROM generate_series(1, 100) n;) . issue(9));
$node->safe_psql('postgres', $again);
my $before = session($node, 'again');
is_warm($before, 9, 'before its OID is used again');
$before->quit;
$node->safe_psql('postgres', 'DROP DATABASE again');
$node->safe_psql('original', 'UPDATE personal_access_token SET revoked = true');
$node->safe_psql('postgres', $again);
my $after = session($node, 'again');
is(judge($after, 9), 'revoked', 'another database with the same OID');
$after->quit;

$node->stop;
done_testing();
