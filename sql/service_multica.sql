--
-- multica: personal access tokens with a flag, daemon tokens that are deleted
-- and go by cascade.  Today: Redis, in which a fill in flight can put a
-- revoked token back for 10 minutes, and which SQL and cascades do not reach.
--
CREATE TABLE workspace (id uuid PRIMARY KEY, name text);
CREATE TABLE personal_access_token (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_hash text NOT NULL UNIQUE,
    token_prefix text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE daemon_token (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    token_hash text NOT NULL UNIQUE,
    workspace_id uuid NOT NULL REFERENCES workspace ON DELETE CASCADE,
    daemon_id text NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- One call each.
SELECT tokenauth_attach('personal_access_token', prefix => 'mul_');
SELECT tokenauth_attach('daemon_token', prefix => 'mdt_',
    user_column => 'daemon_id', tenant_column => 'workspace_id', on_revoke => 'delete');
SELECT source, prefix, user_column, tenant_column, expires_column, revoked_column
FROM tokenauth_sources ORDER BY 1;

CREATE FUNCTION hash(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;
INSERT INTO workspace VALUES ('00000000-0000-0000-0000-0000000000e1', 'one'),
    ('00000000-0000-0000-0000-0000000000e2', 'two');

-- Its own tokens go on.
INSERT INTO personal_access_token (user_id, name, token_hash, token_prefix, expires_at)
VALUES ('00000000-0000-0000-0000-00000000000a', 'cli', hash('mul_0123456789abcdef0123456789abcdef01234567'),
        'mul_01234567', now() + interval '90 days')
RETURNING user_id, name, token_prefix, revoked, last_used_at;
INSERT INTO daemon_token (token_hash, workspace_id, daemon_id, expires_at)
SELECT hash('mdt_' || n), ('00000000-0000-0000-0000-0000000000e' || n)::uuid,
    'daemon-' || n, now() + interval '1 day'
FROM generate_series(1, 2) n;

-- Its three paths ask with one call: the prefix leads to the table.
SELECT tokenauth_resolve('mul_0123456789abcdef0123456789abcdef01234567');
SELECT tokenauth_resolve('mdt_1', NULL::text), tokenauth_resolve('mdt_2', NULL::text);
SELECT status, source, user_id, tenant_id FROM tokenauth_identify('mdt_1');

-- last_used_at costs the cache nothing.
SELECT tokenauth_stats_reset();
UPDATE personal_access_token SET last_used_at = now() WHERE token_hash = hash('mul_0123456789abcdef0123456789abcdef01234567');
SELECT tokenauth_resolve('mul_0123456789abcdef0123456789abcdef01234567') IS NOT NULL AS valid;
SELECT hits, misses FROM tokenauth_stats WHERE source = 'personal_access_token';

-- Create, list, revoke by id and user: one call each in place of its own.
SELECT token, token_id, token_prefix FROM tokenauth_issue('00000000-0000-0000-0000-00000000000a', 'personal_access_token',
    '90 days', attributes => '{"name": "server"}') \gset
SELECT tokenauth_resolve(:'token');
SELECT l.token_prefix IN ('mul_01234567', :'token_prefix') AS prefix, l.last_used_at IS NOT NULL AS used, l.status
FROM tokenauth_list('00000000-0000-0000-0000-00000000000a', 'personal_access_token') l;
SELECT tokenauth_revoke(:'token_id', '00000000-0000-0000-0000-00000000000a');
SELECT tokenauth_resolve(:'token');
SELECT tokenauth_revoke(token_id::uuid, '00000000-0000-0000-0000-00000000000a')
FROM tokenauth_list('00000000-0000-0000-0000-00000000000a', 'personal_access_token');
SELECT count(*) FROM tokenauth_list('00000000-0000-0000-0000-00000000000a', 'personal_access_token');
SELECT tokenauth_resolve('mul_0123456789abcdef0123456789abcdef01234567');
SELECT status FROM tokenauth_identify('mul_0123456789abcdef0123456789abcdef01234567');

SELECT left(token, 4) AS prefix, tokenauth_resolve(token, NULL::text) FROM tokenauth_issue('daemon-3', 'daemon_token', '1 day',
    tenant_id => '00000000-0000-0000-0000-0000000000e2');
SELECT tokenauth_revoke_user('daemon-3');

-- The fault gone: a cascade is seen, and nobody else's token is touched.
SELECT tokenauth_stats_reset();
DELETE FROM workspace WHERE name = 'one';
SELECT tokenauth_resolve('mdt_1', NULL::text), tokenauth_resolve('mdt_2', NULL::text);
SELECT hits, misses FROM tokenauth_stats WHERE source = 'daemon_token';
-- ... and a plain DELETE by an administrator.
DELETE FROM daemon_token;
SELECT tokenauth_resolve('mdt_2', NULL::text);

-- Suspended users, today a hard-coded list: a parent.
CREATE TABLE account (id uuid PRIMARY KEY, suspended boolean NOT NULL DEFAULT false, seen int);
INSERT INTO account VALUES ('00000000-0000-0000-0000-00000000000a'), ('00000000-0000-0000-0000-00000000000b');
INSERT INTO personal_access_token (user_id, name, token_hash, token_prefix)
VALUES ('00000000-0000-0000-0000-00000000000a', 'a', hash('mul_a'), 'mul_a'),
    ('00000000-0000-0000-0000-00000000000b', 'b', hash('mul_b'), 'mul_b'),
    ('00000000-0000-0000-0000-00000000000c', 'c', hash('mul_c'), 'mul_c');
SELECT tokenauth_attach_parent('personal_access_token', 'account', 'user_id', live_when => 'NOT suspended');
CREATE VIEW all_three AS
    SELECT t, status FROM unnest(ARRAY['mul_a', 'mul_b', 'mul_c']) t, tokenauth_identify(t);
SELECT * FROM all_three;
SELECT * FROM all_three;
SELECT tokenauth_stats_reset();
UPDATE account SET seen = 1;
SELECT * FROM all_three;
UPDATE account SET suspended = true WHERE id = '00000000-0000-0000-0000-00000000000a';
SELECT * FROM all_three;
SELECT hits, negative_hits, misses FROM tokenauth_stats WHERE source = 'personal_access_token';
UPDATE account SET suspended = false;
INSERT INTO account VALUES ('00000000-0000-0000-0000-00000000000c');
SELECT * FROM all_three;
BEGIN;
DELETE FROM account WHERE id = '00000000-0000-0000-0000-00000000000b';
SELECT * FROM all_three;
ROLLBACK;
SELECT * FROM all_three;
TRUNCATE account;
SELECT * FROM all_three;

SELECT tokenauth_detach('personal_access_token');
-- the parent's triggers went with its last source
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'account'::regclass;
DROP VIEW all_three;
DROP TABLE personal_access_token, daemon_token, workspace, account;
DROP FUNCTION hash;
