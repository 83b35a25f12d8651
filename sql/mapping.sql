-- What the argument "mapping" of tokenauth_attach() says of a table: flags that are
-- the other way round, and expressions in place of columns.
CREATE SCHEMA mapped;
SET search_path = mapped, public;

CREATE FUNCTION status(token text, source name) RETURNS text
LANGUAGE sql AS $$
    SELECT i.status || coalesce(' ' || i.user_id, '') || coalesce(' of ' || i.tenant_id, '')
    FROM tokenauth_identify(token, source) i
$$;

-- A key that is not known is refused: it could be a condition.
CREATE TABLE plain (token text PRIMARY KEY, user_id int, enabled boolean, expires bigint);
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_colum": "enabled"}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"user_column": "user_id"}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"something else": "x"}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_column": true}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '["active_column"]');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_column": ""}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'enabled', mapping => '{"active_column": "enabled"}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        user_column => 'user_id', mapping => '{"user_expression": "user_id"}');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"null_flag": "perhaps", "active_column": "enabled"}');
-- The wrong way round.
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'enabled');
ALTER TABLE plain RENAME enabled TO is_disabled;
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_column": "is_disabled"}');
ALTER TABLE plain RENAME is_disabled TO enabled;

-- What ends a token's life by its name is of a type that fits, or is told.
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
ALTER TABLE plain DROP expires;
-- Flags are not guessed, but told.
ALTER TABLE plain ADD "deletedAt" timestamptz, ADD is_deleted boolean;
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext', live_when => 'is_deleted IS NOT TRUE');
SELECT tokenauth_detach('plain');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext', revoked_column => '');
SELECT tokenauth_detach('plain');
ALTER TABLE plain DROP "deletedAt", DROP is_deleted;
-- Nor is what only has such a word in its name; and where another column has the role, it says nothing.
ALTER TABLE plain ADD "accessTokenExpiresAt" timestamptz, ADD valid_until_ms bigint, ADD ttl int, ADD soft_deleted_at timestamp, ADD status text;
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_detach('plain');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext', revoked_column => 'soft_deleted_at',
                        mapping => '{"expires_expression": "to_timestamp(valid_until_ms / 1000.0)"}');
SELECT tokenauth_detach('plain');
ALTER TABLE plain DROP "accessTokenExpiresAt", DROP valid_until_ms, DROP ttl, DROP soft_deleted_at, DROP status;
-- A flag that is true for live tokens.
INSERT INTO plain VALUES ('on', 1, true), ('off', 2, false), ('null', 3, NULL);
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_column": "enabled"}');
SELECT t, status(t, 'plain') FROM unnest('{on,off,"null"}'::text[]) t;
SELECT tokenauth_revoke('on');
SELECT enabled, status('on', 'plain') FROM plain WHERE token = 'on';
UPDATE plain SET enabled = true WHERE token = 'off';
SELECT status('off', 'plain');
SELECT tokenauth_detach('plain');
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"active_column": "enabled", "null_flag": "live"}');
SELECT t, status(t, 'plain') FROM unnest('{on,off,"null"}'::text[]) t;
SELECT tokenauth_revoke('null');
SELECT enabled, status('null', 'plain') FROM plain WHERE token = 'null';
SELECT mapping FROM tokenauth_sources WHERE source = 'plain';
SELECT tokenauth_detach('plain');

-- A revoked flag whose NULL is live.
CREATE TABLE nullable (token text PRIMARY KEY, user_id int, revoked boolean);
INSERT INTO nullable VALUES ('no', 1, false), ('yes', 2, true), ('null', 3, NULL);
SELECT tokenauth_attach('nullable', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"null_flag": "live"}');
SELECT t, status(t, 'nullable') FROM unnest('{no,yes,"null"}'::text[]) t;
SELECT tokenauth_revoke('null');
SELECT revoked, status('null', 'nullable') FROM nullable WHERE token = 'null';
SELECT (tokenauth_issue('9', source => 'nullable')).token_id;
SELECT count(*) FROM nullable WHERE user_id = 9 AND revoked IS NULL;

-- Numbers say nothing by themselves; a status of one's own.
CREATE TABLE numbers (token text PRIMARY KEY, user_id int, state smallint);
INSERT INTO numbers VALUES ('zero', 1, 0), ('one', 2, 1), ('two', 3, 2), ('null', 4, NULL);
SELECT tokenauth_attach('numbers', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'state');
SELECT tokenauth_attach('numbers', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'state', active_values => '{1,7}');
SELECT tokenauth_attach('numbers', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'state', active_values => '{1,7}',
                        mapping => '{"revoked_value": "7"}');
SELECT tokenauth_attach('numbers', token_column => 'token', stored_as => 'plaintext',
                        revoked_column => 'state', active_values => '{1,7}',
                        mapping => '{"revoked_value": "9"}');
SELECT t, status(t, 'numbers') FROM unnest('{zero,one,two,"null"}'::text[]) t;
SELECT tokenauth_revoke('one');
SELECT state, status('one', 'numbers') FROM numbers WHERE token = 'one';

-- A row that is the account: its token is forgotten.
CREATE TABLE account (id int PRIMARY KEY, email text UNIQUE, api_key text UNIQUE, status text);
INSERT INTO account VALUES (1, 'a', 'key a', 'active'), (2, 'b', 'key b', 'suspended');
SELECT tokenauth_attach('account', token_column => 'api_key', stored_as => 'plaintext',
                        user_column => 'id', on_revoke => 'forget',
                        live_when => $$status = 'active'$$);
SELECT t, status(t, 'account') FROM unnest('{key a,key b}'::text[]) t;
SELECT tokenauth_revoke('key a');
SELECT * FROM account ORDER BY id;
SELECT status('key a', 'account');
SELECT tokenauth_revoke_user('2');
SELECT * FROM account ORDER BY id;
CREATE TABLE not_null (id int, token text PRIMARY KEY);
SELECT tokenauth_attach('not_null', token_column => 'token', stored_as => 'plaintext',
                        user_column => 'id', on_revoke => 'forget');

-- Expressions in place of columns.
CREATE TABLE grants (
    token text PRIMARY KEY,
    owner jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_in int NOT NULL);
INSERT INTO grants VALUES
    ('live', '{"user": "ann", "org": 3}', now(), 3600),
    ('old', '{"user": "ann", "org": 3}', now() - interval '2 h', 3600),
    ('never', '{"user": "ann", "org": 4}', now() - interval '2 h', 0),
    ('nobody', '{"org": 4}', now(), 3600);
-- by the clock, or of another type
SELECT tokenauth_attach('grants', token_column => 'token', stored_as => 'plaintext',
    mapping => '{"user_expression": "owner ->> ''user''", "expires_expression": "now() + expires_in * interval ''1 second''"}');
SELECT tokenauth_attach('grants', token_column => 'token', stored_as => 'plaintext',
    mapping => '{"expires_expression": "expires_in"}');
SELECT tokenauth_attach('grants', token_column => 'token', stored_as => 'plaintext',
    expires_column => '', mapping => '{"user_expression": "owner"}');
SELECT tokenauth_attach('grants', token_column => 'token', stored_as => 'plaintext',
    mapping => '{"user_expression": "(SELECT 1)"}');
-- the time zone of this session is none of an expression's business
SET TimeZone = 'America/New_York';
SELECT tokenauth_attach('grants', token_column => 'token', stored_as => 'plaintext', on_revoke => 'delete',
    mapping => '{
        "user_expression": "owner ->> ''user''",
        "tenant_expression": "(owner ->> ''org'')::int",
        "expires_expression": "CASE WHEN expires_in > 0 THEN created_at + expires_in * interval ''1 second'' END"}');
RESET TimeZone;
SELECT jsonb_pretty(mapping) FROM tokenauth_sources WHERE source = 'grants';
SELECT t, status(t, 'grants') FROM unnest('{live,old,never,nobody}'::text[]) t;
SELECT tokenauth_resolve('live', NULL::text, 'grants');
SELECT tokenauth_resolve('live', source => 'grants');
-- from the cache
SELECT t, status(t, 'grants') FROM unnest('{live,old,never,nobody}'::text[]) t;
-- what an expression uses matters
UPDATE grants SET expires_in = 1, created_at = created_at - interval '1 h' WHERE token = 'live';
SELECT status('live', 'grants');
UPDATE grants SET expires_in = 0, owner = '{"user": "bob"}' WHERE token = 'live';
SELECT status('live', 'grants');
SELECT token_id, expires_at IS NULL AS forever, status FROM tokenauth_list('ann', source => 'grants');
SELECT tokenauth_revoke_user('bob');
SELECT status('live', 'grants');
-- nothing can be written to an expression
SELECT tokenauth_rotate('never', source => 'grants');
SELECT tokenauth_issue('ann', source => 'grants');
-- what it names is gone
ALTER TABLE grants RENAME expires_in TO lifetime;
SELECT status('never', 'grants');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'grants';
ALTER TABLE grants RENAME lifetime TO expires_in;
SELECT status('never', 'grants');

-- A day: until it begins, or until it is over, in the source's time zone.
CREATE TABLE days (token text PRIMARY KEY, user_id int, expires_at date);
INSERT INTO days VALUES ('far', 1, '2999-12-31'), ('past', 1, '2000-01-01'), ('infinity', 1, 'infinity'),
    ('-infinity', 1, '-infinity'), ('beyond', 1, '5874897-12-31'), ('null', 1, NULL);
SELECT tokenauth_attach('days', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('days', token_column => 'token', stored_as => 'plaintext', timezone => 'Europe/Berlin',
                        mapping => '{"expires_expression": "expires_at + 1"}');
SELECT expires_at AT TIME ZONE 'UTC' AS utc FROM tokenauth_identify('far', 'days');
-- what cannot be evaluated is no answer
SELECT status('beyond', 'days');
SELECT tokenauth_detach('days');
SELECT tokenauth_attach('days', token_column => 'token', stored_as => 'plaintext', timezone => 'Europe/Berlin',
                        mapping => '{"expires_expression": "expires_at"}');
SELECT t, status(t, 'days') FROM unnest('{far,past,infinity,-infinity,beyond,"null"}'::text[]) t;
SELECT expires_at AT TIME ZONE 'UTC' AS utc FROM tokenauth_identify('far', 'days');

-- The doctor's fix says it all again; and what the registry has is checked.
ALTER TABLE days RENAME user_id TO owner;
SELECT fix FROM tokenauth_doctor() WHERE source = 'days' AND severity = 'error';
ALTER TABLE days RENAME owner TO user_id;
UPDATE tokenauth_source SET mapping = '{"expires_expression": "expires_at", "because": "x"}' WHERE source = 'days';
SELECT status('far', 'days');
DROP SCHEMA mapped CASCADE;
