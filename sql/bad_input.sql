--
-- Bad input: a bad token is NULL; a bad call is an error that says what to do
-- and leaves nothing behind.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');

-- Tokens
SELECT tokenauth_resolve(NULL) IS NULL, tokenauth_resolve('') IS NULL,
    tokenauth_resolve('tok_') IS NULL,
    tokenauth_resolve(repeat('x', 1000000)) IS NULL,
    tokenauth_resolve('tok_' || repeat('x', 1000000)) IS NULL,
    tokenauth_resolve(E'tok_\u20ac\n\t''"\\') IS NULL;
SELECT status FROM tokenauth_identify('tok_' || repeat('x', 1021));
SELECT status FROM tokenauth_identify(repeat('x', 1000000));
-- what cannot be text never comes to us
SELECT tokenauth_resolve(E'tok_\xff');
SELECT tokenauth_resolve(E'tok_\x00');
-- digests
SELECT tokenauth_resolve_hash(NULL) IS NULL,
    tokenauth_resolve_hash('', source => 'tok') IS NULL,
    tokenauth_resolve_hash('\x00', source => 'tok') IS NULL,
    tokenauth_resolve_hash(sha256('x'), source => 'tok') IS NULL;
-- do not show of which source they are, where each has a prefix
SELECT tokenauth_resolve_hash(sha256('x'));
SELECT tokenauth_identify_hash(sha256('x'));
SELECT tokenauth_bind_hash(sha256('x'));
SELECT tokenauth_resolve_hash('\x00') IS NULL AS none, (tokenauth_identify_hash('\x00')).status, tokenauth_revoke_hash(sha256('x')) AS in_all;

-- Calls
SELECT tokenauth_resolve('tok_1', NULL::text);
SELECT tokenauth_resolve('tok_1', NULL::integer);
SELECT tokenauth_resolve('tok_1', 0);
SELECT tokenauth_resolve('tok_1', NULL);
SELECT tokenauth_resolve('tok_1', source => 'nothing');
SELECT tokenauth_resolve('tok_1', source => '');
SELECT tokenauth_resolve('tok_1', scope => 'admin') IS NULL;
SELECT tokenauth_revoke(NULL) IS NULL;
SELECT tokenauth_revoke(NULL::uuid, NULL);
SELECT tokenauth_revoke('00000000-0000-0000-0000-000000000001',
                        '00000000-0000-0000-0000-000000000001', 'nothing');
SELECT tokenauth_revoke('no uuid', '00000000-0000-0000-0000-000000000001');

-- Tables
SELECT tokenauth_create_table(NULL);
SELECT tokenauth_create_table('tok');
SELECT tokenauth_create_table('no_such_schema.tok');
SELECT tokenauth_create_table('a.b.c.d');
SELECT tokenauth_create_table('other', prefix => 'tok_');
SELECT tokenauth_create_table('other', prefix => '');
SELECT tokenauth_create_table('other', prefix => 'with space');
SELECT tokenauth_create_table('other', prefix => repeat('x', 33));
SELECT to_regclass('other') IS NULL AS nothing_left;
SELECT tokenauth_create_table('"Odd "" name"', prefix => 'odd_');
SELECT tokenauth_resolve('odd_1');
SELECT tokenauth_detach('Odd " name');
DROP TABLE "Odd "" name";

SELECT tokenauth_attach(NULL);
SELECT tokenauth_attach('tok');
SELECT tokenauth_attach('no_such_table');
SELECT tokenauth_attach(0::regclass);
SELECT tokenauth_detach('nothing');
SELECT tokenauth_detach(NULL);
SELECT tokenauth_attach('pg_class');
CREATE TABLE t (token_hash text, user_id uuid);
SELECT tokenauth_attach('t');
CREATE INDEX partial ON t (token_hash) WHERE user_id IS NOT NULL;
CREATE INDEX expression ON t (lower(token_hash));
CREATE INDEX second ON t (user_id, token_hash);
SELECT tokenauth_attach('t');
SELECT tokenauth_attach('t', source => '');
SELECT tokenauth_attach('t', source => 'tok');
SELECT tokenauth_attach('t', token_column => 'nothing');
SELECT tokenauth_attach('t', token_column => '');
SELECT tokenauth_attach('t', token_column => 'user_id');
SELECT tokenauth_attach('t', user_column => 'nothing');
SELECT tokenauth_attach('t', stored_as => 'md5');
SELECT tokenauth_attach('t', stored_as => NULL);
SELECT tokenauth_attach('t', stored_as => 'sha256-bytea');
SELECT tokenauth_attach('t', token_encoding => 'rot13');
SELECT tokenauth_attach('t', timezone => 'Mars/Olympus');
SELECT tokenauth_attach('t', expires_column => 'user_id');
SELECT tokenauth_attach('t', id_column => 'ctid');
SELECT tokenauth_attach('t', id_column => 'token_hash');
SELECT tokenauth_attach('t', claims => '{token_hash}');
SELECT tokenauth_attach('t', revoked_column => 'user_id', active_values => '{x}');
SELECT tokenauth_attach('t', revoked_column => 'user_id', active_values => '{revoked}');
-- a flag that is read the wrong way round, or values that are not asked for
-- All columns that do not fit are told in one error.
CREATE TABLE misfits (token_hash numeric UNIQUE, id int, user_id numeric, tenant_id date, scope int[], expires_at bigint, used_at int, last_used_at date, created_at text, revoked text);
SELECT tokenauth_attach('misfits');
SELECT tokenauth_attach('misfits', stored_as => 'sha256-bytea', user_column => 'account', expires_column => 'until');
SELECT tokenauth_attach('misfits', token_column => 'key', stored_as => 'plaintext', user_column => '', tenant_column => '', scope_column => '', expires_column => '', used_column => '', last_used_column => '', created_column => '', revoked_column => 'ended');
SELECT tokenauth_attach('misfits', stored_as => 'plaintext', mapping => '{"active_column": "scope"}', user_column => 'id', tenant_column => '', scope_column => '', expires_column => '', used_column => '', last_used_column => '', created_column => '');
DROP TABLE misfits;
CREATE TABLE flags (token_hash text UNIQUE, user_id int, active boolean, "Is_Valid" boolean, revoked boolean, dead boolean, ended_at timestamp, status text);
SELECT tokenauth_attach('flags', revoked_column => 'active');
SELECT tokenauth_attach('flags', revoked_column => 'Is_Valid');
SELECT tokenauth_attach('flags', active_values => '{active}');
SELECT tokenauth_attach('flags', active_values => '{active}', revoked_column => '');
SELECT tokenauth_attach('flags', active_values => '{active}', revoked_column => 'ended_at');
SELECT tokenauth_attach('flags', active_values => '{revoked}', revoked_column => 'status');
INSERT INTO flags SELECT encode(sha256(n::text::bytea), 'hex'), n, false, false, true, n <= 10, now(), 'on' FROM generate_series(1, 1100) n;
SELECT tokenauth_attach('flags');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => 'ended_at');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => 'status', active_values => '{active}');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => 'status', active_values => '{active,on}');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => 'dead');
SELECT tokenauth_detach('flags');
DELETE FROM flags WHERE user_id > 9;
SELECT tokenauth_attach('flags', revoked_column => 'dead');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => '', live_when => 'active');
SELECT tokenauth_detach('flags');
SELECT tokenauth_attach('flags', revoked_column => 'status', active_values => '{active,on}');
ALTER TABLE flags ALTER status TYPE boolean USING true;
SELECT tokenauth_resolve('nothing', 0, source => 'flags');
SELECT tokenauth_detach('flags');
DROP TABLE flags;
SELECT tokenauth_attach('t', prefix => 'h_', token_encoding => 'hex');
DROP TABLE t;
CREATE VIEW v AS SELECT * FROM tok;
SELECT tokenauth_attach('v', source => 'v');
DROP VIEW v;
CREATE TABLE part (token_hash text UNIQUE, user_id uuid) PARTITION BY LIST (token_hash);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN ('1');
SELECT tokenauth_attach('part');
SELECT tokenauth_attach('part_1');
DROP TABLE part;
CREATE TABLE parent (token_hash text UNIQUE, user_id uuid);
CREATE TABLE child () INHERITS (parent);
CREATE UNIQUE INDEX ON child (token_hash);
SELECT tokenauth_attach('parent');
SELECT tokenauth_attach('child');
DROP TABLE parent CASCADE;
CREATE TEMP TABLE tmp (token_hash text UNIQUE, user_id uuid);
SELECT tokenauth_attach('tmp');
CREATE UNLOGGED TABLE unlogged (token_hash text UNIQUE, user_id uuid);
SELECT tokenauth_attach('unlogged');
DROP TABLE tmp, unlogged;

-- After all that: as it was.
SELECT source FROM tokenauth_sources;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'tok'::regclass ORDER BY 1;

-- Triggers that only look like ours do not count.
CREATE SCHEMA fake;
CREATE FUNCTION fake.tokenauth_changed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
ALTER TABLE tok DISABLE TRIGGER tokenauth_row;
CREATE TRIGGER fake AFTER INSERT OR UPDATE OR DELETE ON tok
    FOR EACH ROW EXECUTE FUNCTION fake.tokenauth_changed();
ALTER TABLE tok ENABLE ALWAYS TRIGGER fake;
SELECT note FROM tokenauth_stats;
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE OR DELETE ON tok DEFERRABLE
    FOR EACH ROW EXECUTE FUNCTION tokenauth_changed();
ALTER TABLE tok ENABLE ALWAYS TRIGGER late;
DROP TRIGGER tokenauth_row ON tok;
SELECT note FROM tokenauth_stats;
DROP TABLE tok;
DROP SCHEMA fake CASCADE;
SELECT tokenauth_create_table('tok', prefix => 'tok_');

-- A table altered so that it no longer fits: an error that says so, until it
-- fits again.
INSERT INTO tok (user_id, token_hash)
VALUES ('00000000-0000-0000-0000-00000000000a', encode(sha256('tok_1'), 'hex'));
SELECT tokenauth_resolve('tok_1');
ALTER TABLE tok RENAME COLUMN revoked TO withdrawn;
SELECT tokenauth_resolve('tok_1');
SELECT note FROM tokenauth_stats;
-- it keeps no other source's token from being revoked
SELECT tokenauth_create_table('sound', prefix => 'sound_');
INSERT INTO sound (id, user_id, token_hash) VALUES ('00000000-0000-0000-0000-0000000000aa',
    '00000000-0000-0000-0000-0000000000bb', encode(sha256('sound_1'), 'hex'));
SELECT tokenauth_revoke('00000000-0000-0000-0000-0000000000aa'::uuid, '00000000-0000-0000-0000-0000000000bb');
SELECT tokenauth_revoke('tok_1');
DROP TABLE sound;
UPDATE tok SET user_id = '00000000-0000-0000-0000-00000000000b';
ALTER TABLE tok RENAME COLUMN withdrawn TO revoked;
SELECT tokenauth_resolve('tok_1');
-- Without its index: slower, not wrong.
ALTER TABLE tok DROP CONSTRAINT tok_token_hash_key;
SELECT tokenauth_resolve('tok_1');
SELECT note FROM tokenauth_stats;
CREATE UNIQUE INDEX ON tok (token_hash);
SELECT tokenauth_resolve('tok_1');
SELECT note FROM tokenauth_stats;
DROP TABLE tok;
