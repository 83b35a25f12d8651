--
-- A request in one query: its status, and the rows; for each type of user ids.
--
CREATE TABLE tok (token_hash text PRIMARY KEY, user_id bigint, scope text, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('tok', prefix => 'n_');
INSERT INTO tok SELECT encode(sha256(('n_' || n)::bytea), 'hex'), n, CASE WHEN n <> 3 THEN 'notes' END, n = 4
FROM generate_series(1, 4) n;
CREATE TABLE note (id bigint, owner bigint, body text);
INSERT INTO note SELECT n, 1 + n % 5000 * 2, 'note ' || n FROM generate_series(1, 10000) n;
CREATE INDEX note_owner ON note (owner, id);
ANALYZE note;
SET plan_cache_mode = force_generic_plan;
SET enable_bitmapscan = off;
CREATE VIEW hits AS SELECT hits + negative_hits + misses AS judged FROM tokenauth_stats;

-- One call, and the index.
PREPARE request(text, text) AS
    SELECT i.status, n.id, n.body
    FROM tokenauth_identify($1, scope => $2) i
    LEFT JOIN LATERAL (
        SELECT id, body FROM note WHERE owner = i.user_id::bigint ORDER BY id LIMIT 50
    ) n ON true;
EXPLAIN (COSTS OFF) EXECUTE request('n_1', 'notes');
SELECT judged FROM hits \gset
EXECUTE request('n_1', 'notes');
SELECT judged - :judged AS calls FROM hits;
-- a user without notes; without the scope; revoked; no token
EXECUTE request('n_2', 'notes');
EXECUTE request('n_3', 'notes');
EXECUTE request('n_4', 'notes');
EXECUTE request('n_5', 'notes');
EXECUTE request(NULL, NULL);
-- without LATERAL, too
PREPARE joined(text) AS SELECT i.status, n.id FROM tokenauth_identify($1) i LEFT JOIN note n ON n.owner = i.user_id::bigint;
EXPLAIN (COSTS OFF) EXECUTE joined('n_1');
EXECUTE joined('n_4');

-- Where no reason is wanted: the id has its type from the call.
PREPARE short(text) AS SELECT id FROM note WHERE owner = tokenauth_resolve($1, NULL::bigint);
EXPLAIN (COSTS OFF) EXECUTE short('n_1');
EXECUTE short('n_1');
PREPARE cast_text(text) AS SELECT id FROM note WHERE owner = (tokenauth_identify($1)).user_id::bigint;
EXPLAIN (COSTS OFF) EXECUTE cast_text('n_1');
EXECUTE cast_text('n_1');
-- and what is said without it, by the server and by us: see doc/errors.md
\set VERBOSITY terse
SELECT id FROM note WHERE owner = tokenauth_resolve('n_1');
\set VERBOSITY default
SELECT id FROM note WHERE owner = tokenauth_resolve('n_1')::bigint;
SELECT id FROM note WHERE owner::text = tokenauth_resolve('n_1')::text;
DEALLOCATE ALL;
RESET plan_cache_mode;
RESET enable_bitmapscan;
DROP VIEW hits;
DROP TABLE tok, note;
