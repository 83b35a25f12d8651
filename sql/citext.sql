-- Columns of type citext (doc/tables.md): a token is its text to the byte, and the
-- equality of citext only finds rows by their index.
CREATE SCHEMA citexts;
CREATE SCHEMA "Folding";
CREATE EXTENSION citext SCHEMA "Folding";
SET search_path = citexts, public, "Folding";
\pset format unaligned
\pset tuples_only on
-- a token's status by the table, then by the cache
CREATE FUNCTION judged(tokens text[], source name DEFAULT 'folded') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT t || ': ' || string_agg(concat_ws(' ', i.status, i.user_id), ', ' ORDER BY n)
    FROM unnest(tokens) WITH ORDINALITY AS tokens (t, o), generate_series(1, 2) n, LATERAL tokenauth_identify(t, source) i
    GROUP BY o, t ORDER BY o $$;

CREATE TABLE folded (id "Folding".citext PRIMARY KEY DEFAULT gen_random_uuid()::text, token "Folding".citext UNIQUE,
    user_id "Folding".citext NOT NULL, tenant_id "Folding".citext, scope "Folding".citext,
    revoked boolean NOT NULL DEFAULT false, last_used_at timestamptz, created_at timestamptz DEFAULT now(), expires_at timestamptz);
INSERT INTO folded VALUES ('a', 'Secret', 'Bob', 'Acme', 'Read'), ('b', 'other', 'bob', 'acme', 'read'), ('c', 'THIRD', 'eve', 'acme', NULL);
SELECT tokenauth_attach('folded', stored_as => 'plaintext', token_column => 'token');
SELECT judged('{Secret,secret,SECRET,other,Other,THIRD,third}');
SELECT tokenauth_resolve('Secret', NULL::text, 'folded'), tokenauth_resolve('secret', NULL::text, 'folded') IS NULL;
SELECT tokenauth_resolve('Secret', 0, 'folded');
SELECT status, user_id, tenant_id, scope, token_id FROM tokenauth_identify('Secret', 'folded');
-- a scope in another case is another scope
SELECT s, (tokenauth_identify('Secret', 'folded', scope => s)).status FROM unnest('{Read,read}'::text[]) s;

-- A change of case alone is a change: of the token, and of what it tells.
UPDATE folded SET token = 'SECRET' WHERE id = 'a';
SELECT judged('{Secret,secret,SECRET}');
UPDATE folded SET user_id = 'BOB' WHERE id = 'A';
SELECT judged('{SECRET}');
INSERT INTO folded (token, user_id) VALUES ('sEcReT', 'eve');

-- Whoever is equal to the table's owner is ended by user, tenant or id, and listed.
BEGIN;
SELECT tokenauth_revoke_user('BoB'::text, 'folded');
SELECT judged('{SECRET,other,THIRD}');
ROLLBACK;
BEGIN;
SELECT tokenauth_revoke_tenant('ACME'::text, 'folded');
SELECT judged('{SECRET,other,THIRD}');
ROLLBACK;
SELECT judged('{SECRET,other,THIRD}');
SELECT token_id, status FROM tokenauth_list('bob'::text, 'folded') ORDER BY token_id;
SELECT tokenauth_flush_user('bob'::text, 'folded');
SELECT tokenauth_revoke('B'::text, 'BOB'::text, 'folded');
SELECT judged('{other}');

-- Revoking by the token is to the byte, and by the index.
SELECT pg_stat_force_next_flush();
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT tokenauth_revoke(token => 'secret', source => 'folded');
SELECT judged('{SECRET}');
SELECT tokenauth_revoke(token => 'SECRET', source => 'folded');
SELECT judged('{SECRET}');
SELECT seq_scan, idx_scan > 0 FROM pg_stat_xact_user_tables WHERE relname = 'folded';
COMMIT;
UPDATE folded SET revoked = false;
SELECT judged('{THIRD}');
DELETE FROM folded WHERE token = 'tHIRD';
SELECT judged('{THIRD}');

-- Issued, rotated, told, used, warmed.
SELECT token FROM tokenauth_issue('Zoe'::text, 'folded', '1 hour') \gset
SELECT status FROM tokenauth_identify(:'token', 'folded');
SELECT status FROM tokenauth_identify(translate(:'token', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'), 'folded');
SELECT token AS next FROM tokenauth_rotate(token => :'token', source => 'folded') \gset
SELECT status FROM tokenauth_identify(:'token', 'folded');
SELECT status FROM tokenauth_identify(:'next', 'folded');
SELECT FROM tokenauth_flush_last_used();
SELECT token::text = :'next', last_used_at IS NOT NULL FROM folded WHERE user_id = 'ZOE' AND NOT revoked;
SELECT status, count(*) FROM tokenauth_list('ZOE'::text, 'folded', true) GROUP BY status ORDER BY 1;
SELECT what, outcome FROM tokenauth_explain('Other', 'folded');
SELECT tokenauth_flush();
SELECT tokenauth_warm('folded');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'folded';

-- The column becomes text, and citext again; the extension moves to another schema.
ALTER TABLE folded ALTER token TYPE text;
SELECT judged('{SECRET,Secret}');
INSERT INTO folded (id, token, user_id) VALUES ('d', 'Secret', 'eve');
SELECT judged('{SECRET,Secret}');
DELETE FROM folded WHERE id = 'd';
ALTER TABLE folded ALTER token TYPE "Folding".citext;
SELECT judged('{SECRET,Secret}');
ALTER EXTENSION citext SET SCHEMA public;
SELECT judged('{SECRET,Secret}');
SELECT tokenauth_revoke(token => 'SECRET', source => 'folded');
SELECT judged('{SECRET}');
SELECT tokenauth_revoke_user('eve'::text, 'folded');
ALTER EXTENSION citext SET SCHEMA "Folding";
-- without its index, with another, and with one that knows case
ALTER TABLE folded DROP CONSTRAINT folded_token_key;
UPDATE folded SET revoked = false WHERE id = 'a';
SELECT severity, finding, fix FROM tokenauth_doctor() WHERE source = 'folded';
SELECT judged('{SECRET,Secret}');
INSERT INTO folded (id, token, user_id) VALUES ('e', 'Secret', 'eve');
CREATE INDEX ON folded USING hash (token);
SELECT token_id, status FROM tokenauth_list('Eve'::text, 'folded') ORDER BY token_id;
SELECT judged('{SECRET,Secret,secret}');
CREATE UNIQUE INDEX ON folded (token text_ops);
DROP INDEX folded_token_idx;
SELECT judged('{SECRET,Secret,secret}');
SELECT severity, finding FROM tokenauth_doctor() WHERE source = 'folded';
SELECT tokenauth_revoke(token => 'Secret', source => 'folded');
SELECT judged('{SECRET,Secret,secret}');
-- whoever may not use its schema
CREATE ROLE citexts_owner;
GRANT USAGE, CREATE ON SCHEMA citexts TO citexts_owner;
ALTER TABLE folded OWNER TO citexts_owner;
SELECT judged('{SECRET,Secret}');
SELECT tokenauth_revoke(token => 'SECRET', source => 'folded');
GRANT USAGE ON SCHEMA "Folding" TO citexts_owner;
SELECT tokenauth_revoke(token => 'SECRET', source => 'folded');
SELECT judged('{SECRET}');
SELECT tokenauth_detach('folded');
DROP TABLE folded;

-- A digest, a domain, a lookup, a verify; a parent's key, a flag, a condition.
CREATE DOMAIN handle AS citext CHECK (VALUE <> '');
CREATE TABLE hashed (token_hash citext PRIMARY KEY, user_id handle NOT NULL, last_used_at timestamptz);
INSERT INTO hashed SELECT encode(sha256('one'), 'hex'), 'Bob' UNION ALL SELECT upper(encode(sha256('two'), 'hex')), 'Eve';
SELECT tokenauth_attach('hashed');
SELECT judged('{one,two}', 'hashed');
SELECT tokenauth_resolve_hash(sha256('one'), NULL::text, 'hashed');
SELECT pg_stat_force_next_flush();
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT tokenauth_flush_last_used() >= 1;
SELECT seq_scan, idx_scan > 0 FROM pg_stat_xact_user_tables WHERE relname = 'hashed';
COMMIT;
SELECT last_used_at IS NOT NULL FROM hashed ORDER BY user_id;
UPDATE hashed SET token_hash = upper(token_hash);
SELECT judged('{one,two}', 'hashed');
DROP TABLE hashed;
CREATE TABLE found (token handle UNIQUE, hash text, user_id int);
INSERT INTO found VALUES ('abcd', encode(sha256('AbCd-1'), 'hex'), 1);
SELECT tokenauth_attach('found', token_column => 'token', stored_as => 'plaintext', mapping => '{"lookup": "lower(split_part(token, ''-'', 1))::citext", "verify": "encode(sha256(token::bytea), ''hex'') = hash"}');
SELECT judged('{AbCd-1,abcd-1,ABCD-1,AbCd}', 'found');
UPDATE found SET token = 'ABCD';
SELECT judged('{AbCd-1}', 'found');
DROP TABLE found;
CREATE TABLE people (handle citext PRIMARY KEY, active boolean NOT NULL DEFAULT true, tenant_id citext);
INSERT INTO people VALUES ('Bob', true, 'Acme'), ('eve', true, 'Acme');
CREATE TABLE keys (token citext UNIQUE, user_id citext NOT NULL REFERENCES people, status citext);
INSERT INTO keys VALUES ('k1', 'Bob', 'active'), ('k2', 'bob', 'Active'), ('k3', 'eve', 'gone');
SELECT tokenauth_attach('keys', token_column => 'token', stored_as => 'plaintext', revoked_column => 'status', active_values => '{active}');
SELECT tokenauth_attach('keys', token_column => 'token', stored_as => 'plaintext', live_when => 'status = ''ACTIVE''');
SELECT tokenauth_attach_parent('keys', 'people', 'user_id', 'handle', live_when => 'active', mapping => '{"tenant_column": "tenant_id"}');
-- what refers to a row is its key to the byte
SELECT judged('{k1,k2,k3}', 'keys');
UPDATE people SET handle = 'BOB' WHERE handle = 'bob';
SELECT judged('{k1}', 'keys');
UPDATE people SET handle = 'Bob' WHERE handle = 'bob';
SELECT judged('{k1}', 'keys');
UPDATE keys SET status = 'gone';
SELECT judged('{k1}', 'keys');
SELECT tokenauth_detach('keys');
SELECT tokenauth_attach('keys', token_column => 'token', stored_as => 'plaintext', on_revoke => 'delete');
SELECT tokenauth_attach_parent('keys', 'people', 'user_id', 'handle', mapping => '{"tenant_column": "tenant_id"}');
BEGIN;
SELECT tokenauth_revoke_tenant('acme'::text, 'keys');
SELECT judged('{k1,k3}', 'keys');
ROLLBACK;
SELECT tokenauth_detach('keys');
DROP TABLE keys, people;
-- hashed in place
CREATE TABLE plain (token citext NOT NULL UNIQUE, user_id int);
INSERT INTO plain VALUES ('Secret', 1);
SELECT tokenauth_attach('plain', token_column => 'token', stored_as => 'plaintext');
CALL tokenauth_hash_in_place('plain');
SELECT judged('{Secret,secret}', 'plain');
DROP TABLE plain;

-- What is called citext and is not.
SET search_path = citexts, public;
CREATE TYPE citext AS ENUM ('Secret', 'secret');
CREATE TABLE fake (token citext UNIQUE, user_id int);
INSERT INTO fake VALUES ('Secret', 1);
SELECT tokenauth_attach('fake', token_column => 'token', stored_as => 'plaintext');
ALTER EXTENSION citext ADD TYPE citext;
SELECT tokenauth_attach('fake', token_column => 'token', stored_as => 'plaintext');
ALTER EXTENSION citext DROP TYPE citext;
-- and what was: the type leaves its extension
CREATE TABLE real (token "Folding".citext UNIQUE, user_id int);
INSERT INTO real VALUES ('Secret', 1);
SELECT tokenauth_attach('real', token_column => 'token', stored_as => 'plaintext');
SELECT judged('{Secret,secret}', 'real');
ALTER EXTENSION citext DROP TYPE "Folding".citext;
SELECT judged('{Secret,secret}', 'real');
\c -
SET search_path = citexts, public;
SELECT judged('{Secret}', 'real');
ALTER EXTENSION citext ADD TYPE "Folding".citext;
\c -
SET search_path = citexts, public;
SELECT judged('{Secret}', 'real');
SELECT tokenauth_detach('real');
DROP SCHEMA citexts CASCADE;
DROP EXTENSION citext;
DROP SCHEMA "Folding";
DROP OWNED BY citexts_owner;
DROP ROLE citexts_owner;
\pset tuples_only off
\pset format aligned
