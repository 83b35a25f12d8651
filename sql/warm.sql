--
-- Filling the cache ahead of use.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');
INSERT INTO tok (user_id, token_hash, last_used_at, expires_at, revoked)
SELECT '00000000-0000-0000-0000-00000000000a', encode(sha256(('tok_' || i)::bytea), 'hex'),
    now() - interval '1 hour' * i,
    CASE WHEN i BETWEEN 11 AND 15 THEN now() - interval '1 s' END,
    i BETWEEN 16 AND 20
FROM generate_series(1, 30) i;
CREATE VIEW warmth AS SELECT publishes, misses, hits, evictions, entries FROM tokenauth_stats;

-- Only the live ones, the most recently used first.
SELECT tokenauth_stats_reset();
SELECT tokenauth_warm(max_rows => 5);
SELECT * FROM warmth;
SELECT count(tokenauth_resolve('tok_' || i)) FROM generate_series(1, 5) i;
SELECT * FROM warmth;
SELECT tokenauth_warm();
SELECT * FROM warmth;
SELECT count(tokenauth_resolve('tok_' || i)) FROM generate_series(1, 30) i;
SELECT * FROM warmth;
-- what is there already is not loaded again
SELECT tokenauth_warm('tok');
SELECT tokenauth_flush('tok');
SELECT tokenauth_warm('tok', 0);
SELECT tokenauth_warm('tok', 3);

-- A change after the warming is a change.
UPDATE tok SET revoked = true WHERE token_hash = encode(sha256('tok_1'), 'hex');
SELECT status FROM tokenauth_identify('tok_1');
DROP VIEW warmth;
DROP TABLE tok;

-- Statuses, conditions, parents, plaintext.
CREATE TABLE account (id int PRIMARY KEY, active bool NOT NULL);
INSERT INTO account VALUES (1, true), (2, false);
CREATE TABLE device (
    id int PRIMARY KEY, token text UNIQUE, user_id int, status text, kind text,
    expires_at timestamp, last_used_at timestamp);
INSERT INTO device VALUES
    (1, 'dev_1', 1, 'active', 'phone', NULL, NULL),
    (2, 'dev_2', 1, 'revoked', 'phone', NULL, NULL),
    (3, 'dev_3', 1, 'active', 'toaster', NULL, NULL),
    (4, 'dev_4', 2, 'active', 'phone', NULL, NULL),
    (5, 'dev_5', 1, 'trial', 'phone', 'infinity', now()),
    (6, 'dev_6', 1, 'active', 'phone', '2020-01-01', now()),
    (7, NULL, 1, 'active', 'phone', NULL, now());
SELECT tokenauth_attach('device', token_column => 'token', stored_as => 'plaintext', revoked_column => 'status',
    active_values => ARRAY['active', 'trial'], live_when => 'kind <> ''toaster''');
SELECT tokenauth_attach_parent('device', 'account', 'user_id', 'id', live_when => 'active');
SELECT tokenauth_warm();
SELECT hits, misses, publishes, entries FROM tokenauth_stats;
SELECT i, tokenauth_resolve('dev_' || i, NULL::int) FROM generate_series(1, 6) i;
SELECT hits, misses FROM tokenauth_stats;
DROP TABLE device, account;

-- Single-use tokens are not cached, and so not loaded.
CREATE TABLE code (token_hash text UNIQUE, user_id int, used_at timestamptz);
INSERT INTO code VALUES (encode(sha256('code'), 'hex'), 1, NULL);
SELECT tokenauth_attach('code');
SELECT tokenauth_warm();
DROP TABLE code;

-- Nor is what this transaction has changed.
SELECT tokenauth_create_table('tok');
BEGIN;
SELECT token AS token FROM tokenauth_issue('00000000-0000-0000-0000-000000000001') \gset
SELECT tokenauth_warm();
COMMIT;
SELECT tokenauth_warm();
DROP TABLE tok;

SELECT tokenauth_warm('nobody');
SELECT tokenauth_warm(max_rows => -1);
SELECT tokenauth_warm();
