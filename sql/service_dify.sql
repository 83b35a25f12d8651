--
-- dify: API keys in plain text, with a scope, of an app and a tenant that can
-- be switched off.  Today: Redis, with the key dropped before COMMIT, unknown
-- keys never remembered, plaintext in cache keys.
--
CREATE TABLE tenants (id uuid PRIMARY KEY, status varchar(255) NOT NULL DEFAULT 'normal');
CREATE TABLE apps (id uuid PRIMARY KEY, tenant_id uuid, status varchar(255) NOT NULL DEFAULT 'normal',
    enable_api boolean NOT NULL DEFAULT true, name text);
CREATE TABLE api_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    app_id uuid,
    tenant_id uuid,
    type varchar(16) NOT NULL,
    token varchar(255) NOT NULL,
    last_used_at timestamp,
    created_at timestamp NOT NULL DEFAULT now()
);
CREATE INDEX api_token_token_idx ON api_tokens (token, type);

-- One call, and one for each parent.
SELECT tokenauth_attach('api_tokens', source => 'dify', token_column => 'token',
    stored_as => 'plaintext', user_column => 'tenant_id', scope_column => 'type',
    claims => '{app_id}', on_revoke => 'delete');
SELECT tokenauth_attach_parent('dify', 'apps', 'app_id',
    live_when => $$status = 'normal' AND enable_api$$);
SELECT tokenauth_attach_parent('dify', 'tenants', 'tenant_id',
    live_when => $$status <> 'archive'$$);
SELECT parents FROM tokenauth_sources;

INSERT INTO tenants VALUES ('00000000-0000-0000-0000-0000000000f1'), ('00000000-0000-0000-0000-0000000000f2');
INSERT INTO apps VALUES ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1'),
    ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-0000000000f2');
INSERT INTO api_tokens (app_id, tenant_id, type, token) VALUES
    ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'app', 'app-one'),
    ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-0000000000f2', 'app', 'app-two'),
    (NULL, '00000000-0000-0000-0000-0000000000f1', 'dataset', 'dataset-one');

SELECT tokenauth_resolve('app-one');
SELECT status, user_id, scope, claims FROM tokenauth_identify('app-one');
SELECT status, user_id, scope, claims FROM tokenauth_identify('app-one');
SELECT status, user_id, scope, claims FROM tokenauth_identify('dataset-one');

-- Scopes: one token, one entry, whatever is asked.
SELECT tokenauth_stats_reset();
SELECT tokenauth_resolve('app-one', scope => 'app') IS NOT NULL AS app,
    tokenauth_resolve('app-one', scope => 'dataset') IS NOT NULL AS dataset,
    tokenauth_resolve('dataset-one', scope => 'dataset') IS NOT NULL AS dataset;
SELECT status FROM tokenauth_identify('app-one', scope => 'dataset');
SELECT hits, misses FROM tokenauth_stats;

-- Unknown keys are remembered, until somebody creates one.
SELECT tokenauth_resolve('app-new') IS NULL AS unknown, tokenauth_resolve('app-new') IS NULL AS unknown;
SELECT negative_hits FROM tokenauth_stats;
INSERT INTO api_tokens (app_id, tenant_id, type, token) VALUES
    ('00000000-0000-0000-0000-0000000000a1', '00000000-0000-0000-0000-0000000000f1', 'app', 'app-new');
SELECT tokenauth_resolve('app-new');

-- The app is switched off, the tenant archived: at COMMIT, and only theirs.
SELECT tokenauth_stats_reset();
UPDATE apps SET enable_api = false WHERE id = '00000000-0000-0000-0000-0000000000a1';
SELECT t, status FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t, tokenauth_identify(t);
UPDATE apps SET enable_api = true WHERE id = '00000000-0000-0000-0000-0000000000a1';
SELECT t, status FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t, tokenauth_identify(t);
UPDATE tenants SET status = 'archive' WHERE id = '00000000-0000-0000-0000-0000000000f1';
SELECT t, status FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t, tokenauth_identify(t);
UPDATE tenants SET status = 'normal';
-- what does not matter costs nothing
SELECT count(tokenauth_resolve(t)) FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t;
SELECT tokenauth_stats_reset();
UPDATE apps SET name = 'renamed';
UPDATE api_tokens SET last_used_at = now();
SELECT count(tokenauth_resolve(t)) FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t;
SELECT hits, misses FROM tokenauth_stats;

-- The token is not unique: two live rows refuse it, one live row does not.
INSERT INTO api_tokens (app_id, tenant_id, type, token) VALUES
    ('00000000-0000-0000-0000-0000000000a2', '00000000-0000-0000-0000-0000000000f2', 'app', 'app-one');
SELECT status FROM tokenauth_identify('app-one');
UPDATE apps SET status = 'deleted' WHERE id = '00000000-0000-0000-0000-0000000000a2';
SELECT status, user_id FROM tokenauth_identify('app-one');
UPDATE apps SET status = 'normal';
SELECT status FROM tokenauth_identify('app-one');
DELETE FROM api_tokens WHERE token = 'app-one' AND app_id = '00000000-0000-0000-0000-0000000000a2';
SELECT status FROM tokenauth_identify('app-one');

-- Created, listed and deleted by one call each.
SELECT token AS key, token_id FROM tokenauth_issue('00000000-0000-0000-0000-0000000000f2', scope => 'app',
    attributes => '{"app_id": "00000000-0000-0000-0000-0000000000a2"}') \gset
SELECT status, scope, claims FROM tokenauth_identify(:'key');
SELECT scope, status, claims FROM tokenauth_list('00000000-0000-0000-0000-0000000000f2');
SELECT tokenauth_revoke(:'token_id', '00000000-0000-0000-0000-0000000000f2');
SELECT status FROM tokenauth_identify(:'key');

-- All keys of a tenant at once.
SELECT tokenauth_revoke_user('00000000-0000-0000-0000-0000000000f1', 'dify');
SELECT t, status FROM unnest(ARRAY['app-one', 'app-two', 'dataset-one']) t, tokenauth_identify(t);

-- A digest cannot be looked up in a table of plain texts.
SELECT tokenauth_resolve_hash(sha256('app-two'));
-- Plain texts do not show in errors.
SELECT tokenauth_resolve('app-two', NULL::int);

SELECT tokenauth_detach('dify');
DROP TABLE api_tokens, apps, tenants;
