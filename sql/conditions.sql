--
-- live_when, claims, parents: what they do, and what is refused.
--
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;
CREATE TABLE t (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, enabled boolean, kind text,
    created_at timestamptz DEFAULT '2026-01-02 03:04:05+00', note text);
INSERT INTO t (id, token_hash, user_id, enabled, kind)
SELECT n, h('tok' || n), n, n <> 2, 'k' || n FROM generate_series(1, 4) n;

-- Refused conditions.
SELECT tokenauth_attach('t', live_when => 'enabled AND created_at < now()');
SELECT tokenauth_attach('t', live_when => 'random() < 0.5');
SELECT tokenauth_attach('t', live_when => 'EXISTS (SELECT 1)');
SELECT tokenauth_attach('t', live_when => 'generate_series(1, 2) = 1');
SELECT tokenauth_attach('t', live_when => 'count(*) > 0');
SELECT tokenauth_attach('t', live_when => 'row_number() OVER () = 1');
SELECT tokenauth_attach('t', live_when => 'user_id');
SELECT tokenauth_attach('t', live_when => 'no_such_column');
SELECT tokenauth_attach('t', live_when => 't IS NOT NULL');
SELECT tokenauth_attach('t', live_when => 'ctid IS NOT NULL');
SELECT tokenauth_attach('t', live_when => '');
SELECT tokenauth_attach('t', live_when => 'enabled; DROP TABLE t');
SELECT tokenauth_attach('t', live_when => 'enabled) FROM (SELECT true) x WHERE (true');
SELECT tokenauth_attach('t', live_when => 'enabled), (true');
SELECT tokenauth_attach('t', live_when => 'enabled) AS x, (true');
SELECT tokenauth_attach('t', live_when => '$1');
-- literals that depend on the time, or on the session's settings
SELECT tokenauth_attach('t', live_when => $$created_at < 'now'$$);
SELECT tokenauth_attach('t', live_when => $$created_at < 'today'$$);
SELECT tokenauth_attach('t', live_when => $$created_at < '2026-01-01 00:00'$$);
SELECT tokenauth_attach('t', live_when => $$created_at < '2027-01-01 00:00 UTC'$$);
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', live_when => 'enabled -- comment');
SELECT tokenauth_detach('t');
SELECT tokenauth_attach('t', claims => '{}');
SELECT tokenauth_attach('t', claims => '{nothing}');
SELECT tokenauth_attach('t', claims => '{NULL}');
SELECT tokenauth_attach('t', claims => '{ctid}');

-- Disabled unless the condition is true; NULL is not.
SELECT tokenauth_attach('t', live_when => $$enabled AND kind <> 'k3'$$, claims => '{kind,enabled,created_at}');
CREATE VIEW judged AS
    SELECT t, status, user_id, claims FROM unnest(ARRAY['tok1', 'tok2', 'tok3', 'tok4']) t, tokenauth_identify(t);
SET timezone = 'UTC';
SELECT * FROM judged;
SET timezone = 'Asia/Tokyo';
SET bytea_output = 'escape';
SELECT tokenauth_flush();
SELECT * FROM judged;
RESET timezone;
RESET bytea_output;
UPDATE t SET enabled = NULL WHERE id = 1;
UPDATE t SET enabled = true WHERE id = 2;
UPDATE t SET kind = 'k5' WHERE id = 3;
SELECT t, status FROM judged;
SELECT tokenauth_stats_reset();
UPDATE t SET note = 'does not matter';
SELECT t, status FROM judged;
SELECT hits, negative_hits, misses FROM tokenauth_stats;

-- Another's search_path does not make it mean another thing.
CREATE SCHEMA evil;
CREATE FUNCTION evil.ne(text, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR evil.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.ne);
UPDATE t SET kind = 'k3' WHERE id = 3;
SET search_path = evil, public, pg_catalog;
SELECT t, status FROM judged;
SELECT t, status FROM judged;
RESET search_path;
DROP SCHEMA evil CASCADE;

-- The condition's column goes: an error says so, and writes go on.
ALTER TABLE t RENAME COLUMN enabled TO switched_on;
UPDATE t SET note = 'still writable';
DELETE FROM t WHERE id = 4;
SELECT status FROM tokenauth_identify('tok1');
ALTER TABLE t RENAME COLUMN switched_on TO enabled;
SELECT t, status FROM judged;
SELECT tokenauth_detach('t');

-- The owner's functions run as the owner, whoever asks.
CREATE ROLE tokenauth_owner;
CREATE ROLE tokenauth_caller;
GRANT CREATE ON SCHEMA public TO tokenauth_owner;
ALTER TABLE t OWNER TO tokenauth_owner;
CREATE FUNCTION public.spy(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RAISE NOTICE 'spy runs as %', current_user;
    RETURN true;
END $$;
ALTER FUNCTION public.spy(int) OWNER TO tokenauth_owner;
SELECT tokenauth_attach('t', live_when => 'public.spy(id)');
GRANT EXECUTE ON FUNCTION tokenauth_resolve TO tokenauth_caller;
SET ROLE tokenauth_caller;
SELECT tokenauth_resolve('tok1', 0);
RESET ROLE;
SELECT tokenauth_flush();
SELECT tokenauth_resolve('tok1', 0);
SELECT tokenauth_detach('t');
DROP FUNCTION public.spy(int);

-- What a condition throws does not quote the row.
UPDATE t SET note = 'secret';
SELECT tokenauth_attach('t', live_when => 'note::int > 0');
SELECT tokenauth_resolve('tok1', 0);
SELECT tokenauth_detach('t');
UPDATE t SET note = 'still writable';

-- But that the server gave up is told as it is told elsewhere.
\set SHOW_CONTEXT never
CREATE FUNCTION public.slow(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF $1 = 'lies' THEN
        RAISE 'about "%"', $1 USING ERRCODE = 'query_canceled';
    END IF;
    RETURN pg_sleep(1000) IS NULL;
END $$;
SELECT tokenauth_attach('t', live_when => 'public.slow(note)');
SET statement_timeout = '100ms';
SELECT tokenauth_resolve('tok1', 0);
RESET statement_timeout;
UPDATE t SET note = 'lies';
SELECT tokenauth_resolve('tok1', 0);
UPDATE t SET note = 'still writable';
SELECT tokenauth_detach('t');
DROP FUNCTION public.slow;
\unset SHOW_CONTEXT

-- Parents: what is refused.
CREATE TABLE p (id int PRIMARY KEY, live boolean, code text);
INSERT INTO p SELECT n, n <> 2, 'c' || n FROM generate_series(1, 3) n;
SELECT tokenauth_attach('t');
SELECT tokenauth_attach_parent('nothing', 'p', 'user_id');
SELECT tokenauth_attach_parent(NULL, 'p', 'user_id');
SELECT tokenauth_attach_parent('t', NULL, 'user_id');
SELECT tokenauth_attach_parent('t', 'p', 'nothing');
SELECT tokenauth_attach_parent('t', 'p', 'user_id', 'nothing');
SELECT tokenauth_attach_parent('t', 'p', 'kind');
SELECT tokenauth_attach_parent('t', 'p', 'kind', 'code');
SELECT tokenauth_attach_parent('t', 'p', 'user_id', live_when => 'live AND now() > now()');
SELECT tokenauth_attach_parent('t', 'p', 'user_id', live_when => 'enabled');
SELECT tokenauth_attach_parent('t', 'judged', 'user_id');
SET ROLE tokenauth_owner;
SELECT tokenauth_attach_parent('t', 'p', 'user_id');
RESET ROLE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'p'::regclass;
-- Once a column, four in all.
SELECT tokenauth_attach_parent('t', 'p', 'user_id', live_when => 'live');
SELECT tokenauth_attach_parent('t', 'p', 'user_id');
SELECT tokenauth_attach_parent('t', 'p', 'id');
CREATE TABLE q (code text PRIMARY KEY, x text UNIQUE);
SELECT tokenauth_attach_parent('t', 'q', 'kind', 'code');
SELECT tokenauth_attach_parent('t', 'q', 'note', 'x');
ALTER TABLE t ADD COLUMN fifth int;
SELECT tokenauth_attach_parent('t', 'p', 'fifth');
SELECT t, status FROM judged;
INSERT INTO q SELECT 'k' || n, 'still writable' || n FROM generate_series(1, 4) n;
UPDATE t SET note = note || id;
SELECT t, status FROM judged;
UPDATE p SET live = true;
SELECT t, status FROM judged;
-- a parent's key changes hands
UPDATE p SET id = id + 10 WHERE id = 1;
SELECT t, status FROM judged;
UPDATE p SET id = 1 WHERE id = 11;
UPDATE q SET x = 'gone' WHERE code = 'k2';
SELECT t, status FROM judged;
-- without the triggers of a parent there is no cache, but right answers
ALTER TABLE q DISABLE TRIGGER tokenauth_row;
SELECT note FROM tokenauth_stats;
UPDATE q SET x = 'still writable2' WHERE code = 'k2';
SELECT t, status FROM judged;
ALTER TABLE q ENABLE ALWAYS TRIGGER tokenauth_row;
SELECT t, status FROM judged;
-- a parent is dropped
BEGIN;
DROP TABLE q;
SELECT status FROM tokenauth_identify('tok1');
ROLLBACK;
SELECT t, status FROM judged;
DROP TABLE q;
UPDATE t SET note = 'writable';
SELECT status FROM tokenauth_identify('tok1');
SELECT tokenauth_detach('t');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('p'::regclass, 't'::regclass) AND NOT tgisinternal;

-- A table that is a source and a parent of another.
CREATE TABLE child (token_hash text UNIQUE, user_id int, parent_hash text);
SELECT tokenauth_attach('t', prefix => 'tok');
SELECT tokenauth_attach('child', prefix => 'child');
SELECT tokenauth_attach_parent('child', 't', 'parent_hash', 'token_hash');
INSERT INTO child VALUES (h('child1'), 1, h('tok1'));
SELECT tokenauth_resolve('child1', 0), tokenauth_resolve('tok1', 0);
SELECT tokenauth_detach('t');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal;
DELETE FROM t WHERE id = 1;
SELECT status FROM tokenauth_identify('child1');
SELECT tokenauth_detach('child');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal;

-- Flushed by user and tenant: only theirs, for state that we are not told of.
CREATE TABLE rules (verdict boolean);
INSERT INTO rules VALUES (true);
CREATE FUNCTION rule(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN verdict FROM public.rules; END';
DROP TABLE child;
CREATE TABLE child (token_hash text UNIQUE, user_id int, tenant_id text);
INSERT INTO child SELECT h('child' || n), n, 'tenant' || n % 2 FROM generate_series(1, 4) n;
SELECT tokenauth_attach('child', live_when => 'public.rule(user_id)');
SELECT count(tokenauth_resolve('child' || n, 0)) FROM generate_series(1, 4) n;
UPDATE rules SET verdict = false;
SELECT count(tokenauth_resolve('child' || n, 0)) FROM generate_series(1, 4) n;
SELECT tokenauth_flush_user('1');
SELECT n, tokenauth_resolve('child' || n, 0) IS NOT NULL AS valid FROM generate_series(1, 4) n;
SELECT tokenauth_flush_tenant('tenant0', 'child');
SELECT n, tokenauth_resolve('child' || n, 0) IS NOT NULL AS valid FROM generate_series(1, 4) n;
SELECT tokenauth_flush_user(NULL);
SELECT tokenauth_flush_user('x', 'child');
SELECT tokenauth_detach('child');

DROP VIEW judged;
DROP TABLE t, p, child, rules;
DROP FUNCTION rule(int);
DROP FUNCTION h;
REVOKE EXECUTE ON FUNCTION tokenauth_resolve FROM tokenauth_caller;
REVOKE CREATE ON SCHEMA public FROM tokenauth_owner;
DROP ROLE tokenauth_owner, tokenauth_caller;
