--
-- Types of ids and columns; ways to store and encode; long values.
--
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;

-- User ids: uuid, text, varchar, bigint, integer, and domains over them.
CREATE DOMAIN account_no AS bigint;
CREATE TABLE t_uuid (id bigint PRIMARY KEY, user_id uuid, token_hash text UNIQUE);
CREATE TABLE t_text (id uuid PRIMARY KEY, user_id text, token_hash text UNIQUE);
CREATE TABLE t_varchar (id text PRIMARY KEY, user_id varchar(80), token_hash varchar UNIQUE);
CREATE TABLE t_bigint (id numeric PRIMARY KEY, user_id bigint, token_hash text UNIQUE);
CREATE TABLE t_integer (id timestamptz PRIMARY KEY, user_id integer, token_hash text UNIQUE);
CREATE TABLE t_domain (id inet PRIMARY KEY, user_id account_no, token_hash text UNIQUE);
SELECT tokenauth_attach(t::regclass, prefix => substr(t, 3) || '_', on_revoke => 'delete')
FROM unnest(ARRAY['t_uuid', 't_text', 't_varchar', 't_bigint', 't_integer', 't_domain']) t;
INSERT INTO t_uuid VALUES (-9223372036854775808, 'ffffffff-ffff-ffff-ffff-ffffffffffff', h('uuid_1'));
INSERT INTO t_text VALUES ('00000000-0000-0000-0000-000000000000', 'Ünïcode', h('text_1'));
INSERT INTO t_text VALUES ('00000000-0000-0000-0000-000000000001', '', h('text_2'));
INSERT INTO t_text VALUES ('00000000-0000-0000-0000-000000000002', NULL, h('text_3'));
INSERT INTO t_varchar VALUES ('a', 'varchar user', h('varchar_1'));
INSERT INTO t_bigint VALUES (1.50, -9223372036854775808, h('bigint_1'));
INSERT INTO t_integer VALUES ('2000-01-01 00:00 UTC', -2147483648, h('integer_1'));
INSERT INTO t_domain VALUES ('10.0.0.1/8', 42, h('domain_1'));
SELECT tokenauth_resolve('uuid_1') FROM generate_series(1, 2);
SELECT tokenauth_resolve('text_1', NULL::text) FROM generate_series(1, 2);
SELECT tokenauth_resolve('text_2', NULL::text) = '' AS empty FROM generate_series(1, 2);
SELECT tokenauth_resolve('text_3', NULL::text) IS NULL AS none FROM generate_series(1, 2);
SELECT tokenauth_resolve('text_1', NULL::varchar);
SELECT tokenauth_resolve('varchar_1', NULL::text), tokenauth_resolve('varchar_1', NULL::varchar);
SELECT tokenauth_resolve('bigint_1', NULL::bigint) FROM generate_series(1, 2);
SELECT tokenauth_resolve('integer_1', NULL::integer) FROM generate_series(1, 2);
SELECT tokenauth_resolve('domain_1', NULL::bigint) FROM generate_series(1, 2);
SELECT tokenauth_resolve('bigint_1', NULL::integer);
SELECT tokenauth_resolve('integer_1', NULL::bigint);
SET timezone = 'UTC';
CREATE VIEW identities AS
    SELECT t, status, user_id, token_id
    FROM unnest(ARRAY['uuid_1', 'text_1', 'text_2', 'text_3', 'varchar_1', 'bigint_1', 'integer_1', 'domain_1']) t,
        tokenauth_identify(t);
SELECT * FROM identities;
SELECT sum(hits) AS hits FROM tokenauth_stats;
-- an id whose text depends on the session's settings has one text for all
SET timezone = 'Asia/Tokyo';
SET datestyle = 'German';
SELECT tokenauth_flush();
SELECT * FROM identities;
RESET datestyle;
DROP VIEW identities;

-- Revoked by user: sources whose ids look otherwise are passed over.
SELECT tokenauth_revoke_user('42'), tokenauth_revoke_user('nobody'), tokenauth_revoke_user(NULL);
SELECT tokenauth_revoke_user('3000000000'), tokenauth_revoke_user('0123456789abcdef0123456789abcdef01234567');
SELECT tokenauth_revoke_user('42', 't_uuid');
SELECT tokenauth_revoke_user('42', 'nothing');
SELECT tokenauth_revoke_tenant('42', 't_uuid');
SELECT tokenauth_revoke_user('Ünïcode');
SELECT status FROM tokenauth_identify('text_1');
SELECT tokenauth_detach(source) FROM tokenauth_sources;
DROP TABLE t_uuid, t_text, t_varchar, t_bigint, t_integer, t_domain;
DROP DOMAIN account_no;

-- Refused as user ids.
CREATE TABLE t (user_id numeric, token_hash text UNIQUE);
SELECT tokenauth_attach('t');
DROP TABLE t;
-- No user column at all: identify tells what there is.
CREATE TABLE t (id int, token_hash text UNIQUE);
SELECT tokenauth_attach('t');
INSERT INTO t VALUES (1, h('x'));
SELECT tokenauth_resolve('x');
SELECT status, user_id, token_id FROM tokenauth_identify('x');
SELECT tokenauth_detach('t');
DROP TABLE t;

-- Storage and encoding.
CREATE TABLE stored (n int, hex text, bytes bytea, plain text UNIQUE, user_id int);
CREATE INDEX ON stored (hex);
CREATE INDEX ON stored (bytes);
INSERT INTO stored
SELECT n, h('tok' || n), sha256(('tok' || n)::bytea), 'tok' || n, n FROM generate_series(1, 3) n;
SELECT tokenauth_attach('stored', token_column => 'hex');
SELECT tokenauth_resolve('tok1', 0), tokenauth_resolve_hash(sha256('tok1'), 0) FROM generate_series(1, 2);
SELECT tokenauth_detach('stored');
SELECT tokenauth_attach('stored', token_column => 'bytes', stored_as => 'sha256-bytea');
SELECT tokenauth_resolve('tok2', 0), tokenauth_resolve_hash(sha256('tok2'), 0) FROM generate_series(1, 2);
UPDATE stored SET user_id = 22 WHERE n = 2;
SELECT tokenauth_resolve('tok2', 0);
SELECT tokenauth_detach('stored');
SELECT tokenauth_attach('stored', token_column => 'plain', stored_as => 'plaintext', on_revoke => 'delete');
SELECT tokenauth_resolve('tok3', 0) FROM generate_series(1, 2);
SELECT tokenauth_resolve_hash(sha256('tok3'), 0);
UPDATE stored SET plain = 'other' WHERE n = 3;
SELECT tokenauth_resolve('tok3', 0) IS NULL AS gone, tokenauth_resolve('other', 0);
SELECT tokenauth_revoke('other');
SELECT count(*) FROM stored;
SELECT tokenauth_detach('stored');
-- hex: what is hashed is the bytes
INSERT INTO stored (n, hex, user_id) VALUES (4, encode(sha256('\xdeadbeef'), 'hex'), 4);
SELECT tokenauth_attach('stored', token_column => 'hex', token_encoding => 'hex');
SELECT t, status FROM unnest(ARRAY['deadbeef', 'DEADBEEF', 'deadbee', 'deadbeeg', '']) t, tokenauth_identify(t);
SELECT tokenauth_detach('stored');
-- an upper-case digest is none of ours
UPDATE stored SET hex = upper(hex) WHERE n = 4;
SELECT tokenauth_attach('stored', token_column => 'hex', token_encoding => 'hex');
SELECT status FROM tokenauth_identify('deadbeef');
SELECT tokenauth_detach('stored');
DROP TABLE stored;

-- A hash index, and none that is unique.
CREATE TABLE t (token_hash text, user_id int);
CREATE INDEX ON t USING hash (token_hash);
SELECT tokenauth_attach('t');
INSERT INTO t VALUES (h('once'), 1), (h('twice'), 2), (h('twice'), 2);
SELECT tokenauth_resolve('once', 0), tokenauth_resolve('twice', 0) FROM generate_series(1, 2);
INSERT INTO t VALUES (h('once'), 3);
SELECT tokenauth_resolve('once', 0);
SELECT tokenauth_detach('t');
DROP TABLE t;
-- A collation that calls equal what is not the same.
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (token text COLLATE no_case UNIQUE, user_id int);
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext');
INSERT INTO t VALUES ('Secret', 1);
SELECT tokenauth_resolve('Secret', 0), tokenauth_resolve('SECRET', 0), tokenauth_resolve('secret', 0);
SELECT tokenauth_revoke('SECRET');
SELECT tokenauth_detach('t');
DROP TABLE t;
DROP COLLATION no_case;

-- Timestamps without time zone are read in the one given.
CREATE TABLE t (token_hash text UNIQUE, user_id int, expires_at timestamp);
INSERT INTO t VALUES (h('utc'), 1, timezone('UTC', now()) + interval '1 hour');
SELECT tokenauth_attach('t');
SET timezone = 'Asia/Tokyo';
SELECT tokenauth_resolve('utc', 0);
SET timezone = 'America/Los_Angeles';
SELECT tokenauth_resolve('utc', 0);
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', timezone => 'Asia/Tokyo');
SELECT status FROM tokenauth_identify('utc');
SELECT tokenauth_detach('t');
UPDATE t SET expires_at = '294276-12-31 23:59';
SELECT tokenauth_attach('t', timezone => 'America/New_York');
SELECT status, expires_at FROM tokenauth_identify('utc');
SELECT tokenauth_detach('t');
UPDATE t SET expires_at = 'infinity';
SELECT tokenauth_attach('t', timezone => 'Asia/Tokyo');
SELECT status, expires_at FROM tokenauth_identify('utc');
UPDATE t SET expires_at = '-infinity';
SELECT status, expires_at FROM tokenauth_identify('utc');
SELECT tokenauth_detach('t');
DROP TABLE t;
RESET timezone;

-- Ids of 64 bytes are cached; longer ones work and are counted.
CREATE TABLE t (id text, token_hash text UNIQUE, user_id text, tenant_id text, scope text, note text);
INSERT INTO t SELECT repeat('i', n), h('len' || n), repeat('u', n), repeat('t', n), 's', 'n'
FROM unnest(ARRAY[1, 16, 32, 64, 65, 100, 1000, 100000]) n;
SELECT tokenauth_attach('t', claims => '{note,scope}');
SELECT tokenauth_stats_reset();
CREATE VIEW lengths AS
    SELECT n, status, length(user_id) AS u, length(tenant_id) AS t, length(token_id) AS i,
        user_id = repeat('u', n) AND tenant_id = repeat('t', n) AND token_id = repeat('i', n) AS whole, claims
    FROM unnest(ARRAY[1, 16, 32, 64, 65, 100, 1000, 100000]) n, tokenauth_identify('len' || n);
SELECT * FROM lengths;
SELECT * FROM lengths;
SELECT hits, misses, uncacheable FROM tokenauth_stats;
-- a toasted value that changes is noticed
UPDATE t SET user_id = 'x' || user_id WHERE length(user_id) = 100000;
SELECT length(user_id) FROM tokenauth_identify('len100000');
DROP VIEW lengths;
SELECT tokenauth_detach('t');
DROP TABLE t;

-- Wide entries beside narrow ones, many to a bucket: none is mixed up.
CREATE TABLE t (token_hash text UNIQUE, user_id text, tenant_id text);
INSERT INTO t SELECT h('mix' || n), repeat(chr(97 + n % 26), n % 64) || n, repeat(chr(65 + n % 26), n % 64) || n
FROM generate_series(1, 3000) n;
SELECT tokenauth_attach('t');
CREATE VIEW mixed_up AS
    SELECT count(*) FROM generate_series(1, 3000) n, tokenauth_identify('mix' || n) i
    WHERE i.user_id IS DISTINCT FROM repeat(chr(97 + n % 26), n % 64) || n
        OR i.tenant_id IS DISTINCT FROM repeat(chr(65 + n % 26), n % 64) || n;
SELECT * FROM mixed_up;
SELECT * FROM mixed_up;
SELECT hits, misses FROM tokenauth_stats;
DROP VIEW mixed_up;
SELECT tokenauth_detach('t');
DROP TABLE t;
DROP FUNCTION h;
