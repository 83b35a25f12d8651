-- A token that is revoked is dead, wherever it could be found; and what only adds to that
-- does not prevent it.
\set SHOW_CONTEXT never
CREATE SCHEMA revoked_attack;
SET search_path = revoked_attack, public;
SET client_min_messages = warning;
CREATE FUNCTION hash(token text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT encode(sha256(token::bytea), 'hex') $$;

-- Two sources of one column find a token by different values: what is 'x_abc' in one has the row
-- of 'abc' in the other, which takes the revoked ones.
CREATE TABLE heirloom (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, heir int, revoked bool NOT NULL DEFAULT false);
INSERT INTO heirloom (token_hash, user_id, heir) SELECT hash('abc' || i), 7, 8 FROM generate_series(1, 3) i;
SELECT tokenauth_attach('heirloom', 'cut', prefix => 'x_', mapping => '{"token_part": "after prefix"}');
SELECT tokenauth_attach('heirloom', 'whole', revoked_column => '', user_column => 'heir', live_when => 'revoked', on_revoke => 'delete');
SELECT tokenauth_resolve('x_abc1', 0, source => 'cut'), tokenauth_resolve('abc1', 0, source => 'whole');
SELECT tokenauth_revoke(token => 'x_abc1', source => 'cut');
SELECT tokenauth_revoke('x_abc1');
SELECT tokenauth_resolve('x_abc1', 0, source => 'cut'), tokenauth_resolve('abc1', 0, source => 'whole');
-- Revoked by the same value in both, it is dead in both.
SELECT tokenauth_revoke_hash(sha256('abc2'));
SELECT tokenauth_resolve('x_abc2', 0, source => 'cut'), tokenauth_resolve('abc2', 0, source => 'whole');
-- One that both find by the same value.
INSERT INTO heirloom (token_hash, user_id, heir) VALUES (hash('x_abc9'), 7, 8);
SELECT tokenauth_detach('cut');
SELECT tokenauth_attach('heirloom', 'cut', prefix => 'x_');
SELECT tokenauth_revoke('x_abc9');
SELECT tokenauth_resolve('x_abc9', 0, source => 'cut'), tokenauth_resolve('x_abc9', 0, source => 'whole');
SELECT tokenauth_detach('cut'), tokenauth_detach('whole');

-- Columns that are filled by the way, if they are there, can be such that nothing can write them.
CREATE TABLE derived (id serial PRIMARY KEY, token_hash text UNIQUE, user_id int, expires_at timestamptz,
    revoked bool NOT NULL DEFAULT false, changed_at timestamptz NOT NULL DEFAULT 'epoch', shown text NOT NULL DEFAULT '',
    revoked_at timestamptz GENERATED ALWAYS AS (CASE WHEN revoked THEN changed_at END) STORED,
    created_at timestamptz GENERATED ALWAYS AS (changed_at) STORED,
    updated_at timestamptz GENERATED ALWAYS AS (changed_at) STORED,
    name text GENERATED ALWAYS AS (shown) STORED,
    token_prefix text GENERATED ALWAYS AS (shown) STORED);
INSERT INTO derived (token_hash, user_id, expires_at) SELECT hash('d_' || i), i, '2100-01-01' FROM generate_series(1, 4) i;
SELECT tokenauth_attach('derived', prefix => 'd_');
SELECT tokenauth_revoke('d_1');
SELECT tokenauth_revoke_user(2);
SELECT length(token) FROM tokenauth_rotate('d_3');
SELECT length(token) FROM tokenauth_rotate('d_4', grace => '1 minute');
SELECT length(token) FROM tokenauth_issue(5, 'derived');
SELECT user_id, revoked, revoked_at IS NOT NULL AS has_time FROM derived ORDER BY id;
SELECT tokenauth_detach('derived');

-- So can those be that are written because of their role.
CREATE TABLE roles (id serial PRIMARY KEY, token text UNIQUE, user_id int, at timestamptz,
    flag bool GENERATED ALWAYS AS (at IS NOT NULL) STORED,
    time timestamptz GENERATED ALWAYS AS (at) STORED,
    token_hash text GENERATED ALWAYS AS (token || '') STORED UNIQUE);
INSERT INTO roles (token, user_id) VALUES ('r_1', 1), ('r_2', 1);
SELECT tokenauth_attach('roles', prefix => 'r_', token_column => 'token', stored_as => 'plaintext', revoked_column => 'flag', last_used_column => 'time');
SELECT tokenauth_resolve('r_1', 0);
SELECT tokenauth_revoke('r_1');
SELECT length(token) FROM tokenauth_rotate('r_2');
SELECT source, status, last_used_at IS NOT NULL AS told FROM tokenauth_list(1, 'roles'), tokenauth_sources WHERE source = 'roles';
UPDATE roles SET at = now();
SELECT tokenauth_revoke('r_1');
SELECT tokenauth_detach('roles');
UPDATE roles SET at = NULL;
SELECT tokenauth_attach('roles', prefix => 'r_', token_column => 'token_hash', stored_as => 'plaintext', on_revoke => 'forget', revoked_column => '', mapping => '{"ignored_columns": ["flag"]}');
SELECT tokenauth_revoke('r_1');
SELECT tokenauth_detach('roles');

-- The time of a revocation is not written where another source of the table judges by it.
CREATE TABLE pair (id serial PRIMARY KEY, user_id int, access_hash text UNIQUE, refresh_hash text UNIQUE, revoked bool NOT NULL DEFAULT false, revoked_at timestamptz);
INSERT INTO pair (user_id, access_hash, refresh_hash) VALUES (7, hash('p_1'), hash('q_1'));
SELECT tokenauth_attach('pair', 'access', prefix => 'p_', token_column => 'access_hash', revoked_column => 'revoked');
SELECT tokenauth_attach('pair', 'refresh', prefix => 'q_', token_column => 'refresh_hash', revoked_column => 'revoked_at');
SELECT tokenauth_revoke('p_1'), tokenauth_resolve('q_1', 0);
SELECT revoked, revoked_at IS NOT NULL AS has_time FROM pair;
SELECT tokenauth_detach('access'), tokenauth_detach('refresh');
DROP SCHEMA revoked_attack CASCADE;
