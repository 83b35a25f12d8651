# A server with assertions can forget all that it knows of the catalogs whenever
# it looks at them.  Whatever is kept over such a moment, and should not be, is
# freed memory then.  The life of tokens is told twice, with that and without, and
# the answers are the same.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use TokenAuth;

# the worker is not to write last uses before the story does; what the server forgets
# takes seconds to find again
my $node = new_node('main', conf => "tokenauth.last_used_flush = '1h'\ntokenauth.source_timeout = '10min'\n");
plan skip_all => 'the server has no assertions'
  if $node->safe_psql('postgres', 'SHOW debug_assertions') eq 'off';
$node->safe_psql('postgres', 'CREATE EXTENSION tokenauth CASCADE');

# Each is half a minute of the processor: one is for one of several servers.
my $doctor = share(10) > 1 ? 'SELECT finding FROM tokenauth_doctor();' : '';
my $doctor_again = share(2) > 1 ? $doctor : '';
my $story = q(
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE org (id int PRIMARY KEY, live boolean NOT NULL);
CREATE TABLE tok (id bigserial PRIMARY KEY, token_hash text UNIQUE, user_id text, org int, state mood DEFAULT 'good',
	scope text, created_at timestamptz, expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz);
SELECT tokenauth_attach('tok', prefix => 'tok_', live_when => 'state = ''good''', claims => '{org,state}');
SELECT tokenauth_attach_parent('tok', 'org', 'org', live_when => 'live');
INSERT INTO org VALUES (1, true);
INSERT INTO tok (token_hash, user_id, org) SELECT encode(sha256(('tok_' || u)::bytea), 'hex'), u, 1
	FROM unnest('{a,b}'::text[]) u;
SELECT tokenauth_identify(token) FROM unnest('{tok_a,tok_a,tok_b,tok_c}'::text[]) token;
UPDATE org SET live = false;
SELECT status FROM tokenauth_identify('tok_a');
UPDATE org SET live = true;
UPDATE tok SET state = 'bad' WHERE user_id = 'b';
SELECT status FROM tokenauth_identify('tok_b');
ALTER TABLE tok RENAME state TO mood;
) . $doctor . q(
ALTER TABLE tok RENAME mood TO state;
SELECT status FROM tokenauth_identify('tok_a');
SELECT token FROM tokenauth_issue('c', attributes => '{"org": 1}') \gset
SELECT status, user_id, claims FROM tokenauth_identify(:'token');
SELECT token AS next FROM tokenauth_rotate(:'token', grace => '1 hour') \gset
SELECT token AS next FROM tokenauth_rotate(:'token', grace => '1 hour') \gset
SELECT status FROM tokenauth_identify(:'next');
SELECT status, token_id FROM tokenauth_list('c', include_dead => true);
SELECT tokenauth_revoke(:'next'), tokenauth_revoke_user('c');
SELECT tokenauth_flush_last_used() > 0, tokenauth_warm('tok');
) . $doctor_again . q(
SELECT tokenauth_detach('tok');
DROP TABLE tok, org;
DROP TYPE mood;
);
my $usual = $node->safe_psql('postgres', $story);
like($usual, qr/^valid\|c\|/m, 'the story is told');
is($node->safe_psql('postgres', "SET debug_discard_caches = 1; $story"), $usual, 'and told again by a server that forgets');

done_testing();
