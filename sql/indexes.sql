--
-- By which index tokens are found, and which one is to be made where none will do.
--
CREATE SCHEMA indexes;
SET search_path = indexes, public;
CREATE TABLE t (id int PRIMARY KEY, context text NOT NULL, token text, user_id int, revoked bool NOT NULL DEFAULT false);
INSERT INTO t VALUES (1, 'api', 'both', 7), (2, 'mail', 'both', 7), (3, 'mail', 'mail', 7), (4, 'api', 'api', 8);
CREATE FUNCTION attach() RETURNS void LANGUAGE sql AS $$
    SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', live_when => 'context = ''api''') $$;

-- What keeps an index from being used is said; no unique one is proposed where another
-- shows that a token can be there twice.
SELECT attach();
CREATE UNIQUE INDEX by_user ON t (user_id, context, token);
SELECT attach();
DROP INDEX by_user;
CREATE UNIQUE INDEX live ON t (token) WHERE NOT revoked AND context = 'api';
SELECT attach();
DROP INDEX live;
CREATE INDEX ranges ON t USING brin (token);
SELECT attach();
DROP INDEX ranges;
CREATE INDEX folded ON t (lower(token), token);
SELECT attach();
DROP INDEX folded;
CREATE INDEX more ON t (token, lower(context));
SELECT attach();
DROP INDEX more;

-- One that begins with the token will do.  It is unique with the context alone: a token
-- can have several rows, of which those of another context are disabled, not unknown.
CREATE UNIQUE INDEX by_token ON t (token, context);
SELECT attach();
SELECT token, status, user_id, token_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
UPDATE t SET context = 'api' WHERE id = 3;
SELECT status, user_id FROM tokenauth_identify('mail');
UPDATE t SET context = 'mail' WHERE id = 4;
SELECT status, user_id FROM tokenauth_identify('api');
INSERT INTO t VALUES (5, 'web', 'both', 9);
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');
-- two live rows: whose token it is cannot be told
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', live_when => 'context <> ''mail''');
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');
SELECT attach();

-- The doctor proposes what can be made.
DROP INDEX by_token;
CREATE UNIQUE INDEX by_user ON t (context, user_id, token);
SELECT finding, fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX' \gset
:fix
SELECT count(*) FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT status, user_id FROM tokenauth_identify('both');
SELECT tokenauth_detach('t');

-- What is verified is found by what several tokens can have.
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', prefix => 'x', mapping => '{"lookup": "left(token, 4)", "verify": "token = context"}');
DROP INDEX t_token_idx;
SELECT finding, fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';
SELECT fix FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX' \gset
:fix
SELECT count(*) FROM tokenauth_doctor() WHERE source = 't' AND fix ~ 'INDEX';

-- A parent's must be unique.
CREATE TABLE p (id int, name text);
CREATE INDEX ON p (id);
SELECT tokenauth_attach_parent('t', 'p', 'user_id', 'id');
CREATE UNIQUE INDEX ON p (name, id);
SELECT tokenauth_attach_parent('t', 'p', 'user_id', 'id');

SELECT tokenauth_detach('t');

-- Before the token can come columns that the live_when fixes.  Then what has other values
-- there is not found: it is unknown, not disabled.
DROP INDEX t_token_idx, by_user;
CREATE UNIQUE INDEX by_context ON t (context, token);
SELECT attach();
SELECT token, status, user_id, token_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
SELECT what, outcome FROM tokenauth_explain('api') WHERE what IN ('row', 'live_when', 'status');
SELECT what, outcome FROM tokenauth_explain('mail') WHERE what IN ('row', 'live_when', 'status');
UPDATE t SET context = 'api' WHERE id = 4;
SELECT status, user_id FROM tokenauth_identify('api');
UPDATE t SET context = 'mail' WHERE id = 4;
SELECT status, user_id FROM tokenauth_identify('api');
-- but is revoked, and stays so when it is one of the source again
SELECT tokenauth_revoke(token => 'api');
UPDATE t SET context = 'api' WHERE id = 4;
SELECT status FROM tokenauth_identify('api');
SELECT tokenauth_revoke(token => 'api');
UPDATE t SET revoked = false;
SELECT status FROM tokenauth_identify('api');
DELETE FROM t WHERE id = 4;
SELECT status FROM tokenauth_identify('api');
INSERT INTO t VALUES (4, 'api', 'api', 8);
SELECT status FROM tokenauth_identify('api');
SELECT token_id, status FROM tokenauth_list(7, include_dead => true) ORDER BY token_id;
SELECT tokenauth_warm('t');
-- without the index, with another, and with one that is better
DROP INDEX by_context;
SELECT token, status, user_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
CREATE INDEX by_context ON t (context DESC NULLS FIRST, token DESC, user_id) INCLUDE (id);
SELECT token, status, user_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
CREATE INDEX better ON t (token);
SELECT token, status, user_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
DROP INDEX better;
-- rows of one context become those of another, of which there is another source
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', token_column => 'token', stored_as => 'plaintext', live_when => 'context = ''mail''');
SELECT token, status, user_id FROM unnest('{both,mail,api,none}'::text[]) token, tokenauth_identify(token) ORDER BY token;
SELECT tokenauth_attach('t', 'api', token_column => 'token', stored_as => 'plaintext', live_when => 'context = ''api''');
SELECT s, token, status, user_id FROM unnest('{t,api}'::name[]) s, unnest('{both,mail,api}'::text[]) token, tokenauth_identify(token, s) ORDER BY s, token;
UPDATE t SET context = CASE context WHEN 'mail' THEN 'api' ELSE 'mail' END WHERE token <> 'both';
SELECT s, token, status, user_id FROM unnest('{t,api}'::name[]) s, unnest('{both,mail,api}'::text[]) token, tokenauth_identify(token, s) ORDER BY s, token;
SELECT tokenauth_revoke(token => 'api', source => 'api'), tokenauth_revoke(token => 'mail', source => 'api');
SELECT s, token, status, user_id FROM unnest('{t,api}'::name[]) s, unnest('{both,mail,api}'::text[]) token, tokenauth_identify(token, s) ORDER BY s, token;
SELECT tokenauth_detach('t'), tokenauth_detach('api');

-- Which conditions fix a column, and of which types.
CREATE EXTENSION citext;
CREATE TYPE kind AS ENUM ('api', 'mail');
CREATE DOMAIN label AS varchar(20);
CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE k (id int PRIMARY KEY, token text, user_id int DEFAULT 7, kind kind DEFAULT 'api', code char(4) DEFAULT 'api', name varchar(20) DEFAULT 'api',
    label label DEFAULT 'api', ci citext DEFAULT 'api', small smallint DEFAULT 1, big bigint DEFAULT 1, num numeric DEFAULT 1, org uuid DEFAULT '00000000-0000-0000-0000-000000000001',
    yes boolean DEFAULT true, no boolean DEFAULT false, gone timestamptz, day date DEFAULT '2030-01-01', bytes bytea DEFAULT '\x01', folded text COLLATE folding DEFAULT 'api', last_used_at timestamptz);
INSERT INTO k (id, token) VALUES (1, 'live');
INSERT INTO k (id, token, kind, code, name, label, ci, small, big, num, org, yes, no, gone, day, bytes, folded)
    VALUES (2, 'dead', 'mail', 'mail', 'mail', 'mail', 'mail', 2, 2, 2, NULL, false, true, now(), '2030-01-02', '\x02', 'mail'), (3, 'null', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, now(), NULL, NULL, NULL);
CREATE FUNCTION try(columns text, live_when text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('CREATE UNIQUE INDEX tried ON k (%s)', columns);
    PERFORM tokenauth_attach('k', token_column => 'token', stored_as => 'plaintext', live_when => live_when, revoked_column => '');
    SELECT string_agg(token || ' ' || i.status, ', ' ORDER BY token) INTO result
    FROM unnest('{live,dead,null}'::text[]) token, tokenauth_identify(token) i;
    PERFORM tokenauth_detach('k');
    DROP INDEX tried;
    RETURN result;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN substring(SQLERRM FROM '\(.*\)');
END $$;
SET client_min_messages = warning;
SELECT columns, live_when, try(columns, live_when) FROM (VALUES
    ('kind, token', 'kind = ''api'''), ('code, token', 'code = ''api'''), ('name, token', 'name = ''api'''), ('name, token', '''api'' = name'),
    ('label, token', 'label = ''api'''), ('ci, token', 'ci = ''API'''), ('ci, token', 'ci::text = ''api'''), ('ci text_ops, token', 'ci::text = ''api'''), ('ci text_ops, token', 'ci = ''API'''),
    ('small, token', 'small = 1'), ('big, token', 'big = 1'), ('big, token', '1 = big'), ('num, token', 'num = 1'), ('num, token', 'num = 1.0'), ('big, token', 'big::numeric = 1.0'),
    ('org, token', 'org = ''00000000-0000-0000-0000-000000000001'''), ('yes, token', 'yes'), ('yes, token', 'yes = true'), ('yes, token', 'yes IS TRUE'), ('yes, token', 'yes IS NOT FALSE'),
    ('no, token', 'NOT no'), ('no, token', 'no = false'), ('no, token', 'no IS FALSE'), ('no, token', 'no IS NOT TRUE'), ('gone, token', 'gone IS NULL'), ('gone, token', 'gone IS NOT NULL'), ('day, token', 'day = ''2030-01-01'''), ('bytes, token', 'bytes = ''\x01'''),
    ('name, kind, big, token', 'kind = ''api'' AND (yes AND name = ''api'' AND big = 1)'), ('name, kind, token', 'kind = ''api'''), ('no, yes, big, small, name, token', 'yes AND NOT no AND big = 1 AND small = 1 AND name = ''api'''),
    ('name, token', 'name = ''api'' OR yes'), ('name, token', 'name <> ''mail'''), ('name, token', 'name IN (''api'', ''web'')'), ('name, token', 'name >= ''api'''), ('name, token', 'name = lower(''API'')'), ('name, token', 'name = label'), ('name, token', 'NOT name = ''mail'''),
    ('name text_pattern_ops, token', 'name = ''api'''), ('name, lower(name), token', 'name = ''api'''), ('name, token, lower(name)', 'name = ''api'''),
    ('folded, token', 'folded = ''API'''), ('folded COLLATE "C", token', 'folded = ''API'''), ('folded, token', 'folded COLLATE "C" = ''api'''), ('folded COLLATE "C", token', 'folded COLLATE "C" = ''api'''), ('name COLLATE folding, token', 'name = ''api'''), ('name COLLATE folding, token', 'name COLLATE folding = ''API'''),
    ('token, name', 'name = ''api'''), ('name, name, token', 'name = ''api''')) v (columns, live_when);
RESET client_min_messages;
-- a unique index can have a NULL twice
CREATE UNIQUE INDEX by_gone ON k (gone, token);
SELECT tokenauth_attach('k', token_column => 'token', stored_as => 'plaintext', revoked_column => '', live_when => 'gone IS NULL');
SELECT status FROM tokenauth_identify('live');
INSERT INTO k (id, token, user_id) VALUES (4, 'live', 8);
SELECT status FROM tokenauth_identify('live');
DELETE FROM k WHERE id = 4;
SELECT status FROM tokenauth_identify('live');
-- its type changes, and the condition with it; back again
ALTER TABLE k ALTER gone TYPE date;
SELECT status FROM tokenauth_identify('live');
SELECT tokenauth_detach('k');
CREATE UNIQUE INDEX by_big ON k (big, token);
SELECT tokenauth_attach('k', token_column => 'token', stored_as => 'plaintext', revoked_column => '', live_when => 'big = 1');
SELECT status FROM tokenauth_identify('live');
ALTER TABLE k ALTER big TYPE int;
SELECT status FROM tokenauth_identify('live');
ALTER TABLE k ALTER big TYPE text;
SELECT status FROM tokenauth_identify('live');
ALTER TABLE k ALTER big TYPE bigint USING big::bigint;
SELECT status FROM tokenauth_identify('live');
SELECT tokenauth_detach('k');
-- last uses are written by the index, where it finds their rows
UPDATE k SET token = encode(sha256(concat('used', id)::bytea), 'hex');
SELECT tokenauth_attach('k', token_column => 'token', revoked_column => '', live_when => 'big = 1');
SELECT status FROM tokenauth_identify('used1');
SELECT status FROM tokenauth_identify('used1');
SELECT pg_stat_force_next_flush();
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT tokenauth_flush_last_used() >= 1;
SELECT seq_scan, idx_scan > 0 FROM pg_stat_xact_user_tables WHERE relname = 'k';
COMMIT;
SELECT id, last_used_at IS NOT NULL FROM k ORDER BY id;
SELECT tokenauth_detach('k');
-- rows that are verified are revoked wherever they are
DROP INDEX by_big, by_gone;
ALTER TABLE k ADD secret text;
UPDATE k SET token = 'same', big = 2, yes = true, secret = id;
CREATE INDEX by_big ON k (big, token);
SELECT tokenauth_attach('k', token_column => 'token', stored_as => 'plaintext', live_when => 'big = 1',
    mapping => '{"active_column": "yes", "lookup": "split_part(token, ''-'', 1)", "verify": "split_part(token, ''-'', 2) = secret"}');
SELECT status FROM tokenauth_identify('same-1', 'k');
SELECT tokenauth_revoke(token => 'same-1', source => 'k');
UPDATE k SET big = 1;
SELECT id, yes FROM k ORDER BY id;
SELECT token, status FROM unnest('{same-1,same-2,same-3}'::text[]) token, tokenauth_identify(token, 'k');

SELECT tokenauth_detach('k');

-- Where a token can have several rows, each is told of by its own user, as it is written there.
CREATE TABLE u (id int PRIMARY KEY, token text, user_id uuid);
CREATE INDEX ON u (token);
INSERT INTO u VALUES (1, 'one', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), (2, 'two', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT tokenauth_attach('u', token_column => 'token', stored_as => 'plaintext');
SELECT token_id, status FROM tokenauth_list('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::text, 'u');
SELECT tokenauth_detach('u');
ALTER TABLE u RENAME user_id TO account;
CREATE TABLE accounts (id uuid PRIMARY KEY);
INSERT INTO accounts SELECT account FROM u;
SELECT tokenauth_attach('u', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach_parent('u', 'accounts', 'account', mapping => '{"user_column": "id"}');
SELECT token_id, status FROM tokenauth_list('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::text, 'u');
SELECT tokenauth_detach('u');
SET client_min_messages = warning;
DROP EXTENSION citext CASCADE;
DROP SCHEMA indexes CASCADE;
