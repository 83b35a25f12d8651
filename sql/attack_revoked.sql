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

DROP SCHEMA revoked_attack CASCADE;
