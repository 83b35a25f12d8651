-- Who watches sources keeps no owner from altering his table: once figures, readiness or
-- findings are told, no lock on a table that is not ours is left, whatever was looked at.
-- Seen failing where the doctor and tokenauth_ready() keep the locks that they look under.
\set SHOW_CONTEXT never
CREATE SCHEMA watchers_attack;
SET search_path = watchers_attack, public;
SET client_min_messages = warning;
CREATE TABLE parent (id int PRIMARY KEY, live bool NOT NULL DEFAULT true);
CREATE TABLE parts (live bool, more int);
CREATE TABLE t (token_hash text PRIMARY KEY, user_id int, revoked bool NOT NULL DEFAULT false, parent int, info parts);
CREATE TABLE other (LIKE t INCLUDING ALL);
SELECT tokenauth_attach('t', prefix => 't_', live_when => '(info).live IS NOT FALSE');
SELECT tokenauth_attach_parent('t', 'parent', 'parent', live_when => 'live');
SELECT tokenauth_attach('other', prefix => 'other_');
INSERT INTO parent VALUES (1);
INSERT INTO t SELECT encode(sha256(('t_' || n)::bytea), 'hex'), n, false, 1 FROM generate_series(1, 9) n;
INSERT INTO t SELECT 'no digest ' || n, n, false, 1 FROM generate_series(1, 30) n;
CREATE ROLE watchers_reader;
GRANT SELECT ON t, other TO watchers_reader;

CREATE VIEW locked AS SELECT relation::regclass, mode FROM pg_locks JOIN pg_class c ON c.oid = relation
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relkind <> 'v'
        AND relnamespace = 'watchers_attack'::regnamespace
    ORDER BY relname, mode;

-- Of a session that has seen nothing of the sources, and again; alone, so that each call is
-- the first.
\c
SET search_path = watchers_attack, public;
BEGIN;
SELECT tokenauth_ready();
SELECT * FROM locked;
SELECT tokenauth_ready('t');
SELECT * FROM locked;
COMMIT;
\c
SET search_path = watchers_attack, public;
BEGIN;
SELECT source, severity, finding FROM tokenauth_doctor() WHERE source IS NOT NULL ORDER BY source, severity, finding COLLATE "C";
SELECT * FROM locked;
SELECT count(*) > 2 AS more FROM tokenauth_doctor();
SELECT * FROM locked;
COMMIT;
\c
SET search_path = watchers_attack, public;
BEGIN;
SELECT source, note FROM tokenauth_stats ORDER BY 1;
SELECT * FROM locked;
SELECT count(*) FROM tokenauth_cache;
SELECT count(*) FROM tokenauth_sources;
SELECT * FROM locked;
COMMIT;
\c
SET search_path = watchers_attack, public;
BEGIN;
SELECT what, outcome FROM tokenauth_explain('t_1', 't') WHERE what IN ('row', 'parent', 'status');
SELECT what, outcome FROM tokenauth_explain('t_0', 't') WHERE what = 'status';
SELECT * FROM locked;
COMMIT;

-- The caller's own locks stay his.
BEGIN;
SELECT user_id FROM t WHERE token_hash = encode(sha256('t_1'), 'hex');
SELECT tokenauth_ready();
SELECT count(*) > 2 AS more FROM tokenauth_doctor();
SELECT * FROM locked;
COMMIT;

SET client_min_messages = warning;
SELECT tokenauth_detach('t'), tokenauth_detach('other');
DROP SCHEMA watchers_attack CASCADE;
DROP ROLE watchers_reader;
