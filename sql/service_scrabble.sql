--
-- scrabble: sessions with a status, no expiry.  Today each process has its own
-- cache, and only the one that revokes knows.
--
CREATE SCHEMA backend;
CREATE TABLE backend.sessions (
    session_id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    token_hash text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'revoked')),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    revoked_at timestamptz
);
SELECT tokenauth_attach('backend.sessions', source => 'scrabble', id_column => 'session_id',
    user_column => 'account_id', revoked_column => 'status', active_values => '{active}',
    last_used_column => 'last_seen_at');

INSERT INTO backend.sessions (session_id, account_id, token_hash)
SELECT ('00000000-0000-7000-8000-0000000000a' || n)::uuid,
    ('00000000-0000-0000-0000-0000000000b' || n)::uuid, encode(sha256(('opaque' || n)::bytea), 'hex')
FROM generate_series(1, 3) n;
SELECT tokenauth_resolve('opaque1');
SELECT status, token_id, user_id FROM tokenauth_identify('opaque1');
-- the touch of each request costs nothing
SELECT tokenauth_stats_reset();
UPDATE backend.sessions SET last_seen_at = now();
SELECT tokenauth_resolve('opaque1') IS NOT NULL AS valid;
SELECT hits, misses FROM tokenauth_stats;

-- Created and listed by one call each; ids are made where the table does not.
SELECT token, token_id FROM tokenauth_issue('00000000-0000-0000-0000-0000000000b9') \gset
SELECT tokenauth_resolve(:'token'), :'token_id'::uuid IS NOT NULL AS id;
SELECT token_id = :'token_id' AS same, last_used_at IS NOT NULL AS used, status FROM tokenauth_list('00000000-0000-0000-0000-0000000000b9');
SELECT tokenauth_revoke(:'token_id', '00000000-0000-0000-0000-0000000000b9');
SELECT s.status, s.revoked_at IS NOT NULL AS at FROM backend.sessions s WHERE session_id = :'token_id';

-- Another process revokes; this one knows.
\c -
UPDATE backend.sessions SET status = 'revoked', revoked_at = now()
WHERE token_hash = encode(sha256('opaque1'), 'hex') AND status = 'active';
\c -
SELECT status FROM tokenauth_identify('opaque1');
-- Idempotent, and tells whether it did.
SELECT tokenauth_revoke('opaque2'), tokenauth_revoke('opaque2');
SELECT status FROM backend.sessions WHERE token_hash = encode(sha256('opaque2'), 'hex');
SELECT tokenauth_resolve('opaque2');
SELECT tokenauth_revoke_user('00000000-0000-0000-0000-0000000000b3');
SELECT status FROM tokenauth_identify('opaque3');

-- An enum does as well as text.
CREATE TYPE backend.session_status AS ENUM ('active', 'revoked');
ALTER TABLE backend.sessions DROP CONSTRAINT sessions_status_check, ALTER status DROP DEFAULT;
ALTER TABLE backend.sessions ALTER status TYPE backend.session_status USING 'active';
SELECT status FROM tokenauth_identify('opaque3');
SELECT tokenauth_revoke('opaque3');
SELECT status FROM tokenauth_identify('opaque3');

-- A status that cannot say "revoked" is refused.
CREATE TYPE backend.mood AS ENUM ('happy', 'sad');
CREATE TABLE backend.moody (token_hash text UNIQUE, user_id uuid, mood backend.mood);
SELECT tokenauth_attach('backend.moody', revoked_column => 'mood', active_values => '{happy}');
DROP TABLE backend.moody;

-- A label renamed is a status no more.
UPDATE backend.sessions SET status = 'active';
SELECT status FROM tokenauth_identify('opaque3');
ALTER TYPE backend.session_status RENAME VALUE 'active' TO 'enabled';
SELECT status FROM tokenauth_identify('opaque3');
ALTER TYPE backend.session_status RENAME VALUE 'enabled' TO 'active';
SELECT status FROM tokenauth_identify('opaque3');

SELECT tokenauth_detach('scrabble');
DROP SCHEMA backend CASCADE;
