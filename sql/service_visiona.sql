--
-- visionA: pairing tokens for single use, exchanged for session tokens.
-- Errors to tell apart: expired, used, revoked, invalid.
--
CREATE TABLE pairing_tokens (
    token_hash text PRIMARY KEY,
    user_id text NOT NULL,
    device_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz
);
CREATE TABLE session_tokens (
    token_hash text PRIMARY KEY,
    user_id text NOT NULL,
    device_id text NOT NULL,
    pairing_hash text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
SELECT tokenauth_attach('pairing_tokens', prefix => 'vAc_');
SELECT tokenauth_attach('session_tokens', prefix => 'vAs_', claims => '{device_id}');
SELECT source, user_column, expires_column, revoked_column, used_column FROM tokenauth_sources ORDER BY 1;

CREATE FUNCTION hash(text) RETURNS text LANGUAGE sql AS
    $$ SELECT encode(sha256($1::bytea), 'hex') $$;
INSERT INTO pairing_tokens (token_hash, user_id, expires_at, used_at, revoked_at) VALUES
    (hash('vAc_fresh'), 'u1', now() + interval '15 minutes', NULL, NULL),
    (hash('vAc_old'), 'u1', now() - interval '1 second', NULL, NULL),
    (hash('vAc_used'), 'u1', now() + interval '15 minutes', now(), NULL),
    (hash('vAc_revoked'), 'u1', now() + interval '15 minutes', NULL, now()),
    (hash('vAc_used_and_old'), 'u1', now() - interval '1 minute', now(), NULL);
INSERT INTO session_tokens (token_hash, user_id, device_id, expires_at)
VALUES (hash('vAs_1'), 'u1', 'd1', now() + interval '90 days'),
    (hash('vAs_2'), 'u1', 'd2', now() + interval '90 days'),
    (hash('vAs_3'), 'u2', 'd3', now() + interval '90 days');

-- Why was it refused?
CREATE VIEW pairing AS
    SELECT t, status FROM unnest(ARRAY['vAc_fresh', 'vAc_old', 'vAc_used', 'vAc_revoked',
        'vAc_used_and_old', 'vAc_invalid']) t, tokenauth_identify(t);
SELECT * FROM pairing;
-- Again, from the cache; but a token that can be used up is never cached valid.
SELECT tokenauth_stats_reset();
SELECT * FROM pairing;
SELECT hits, negative_hits, misses FROM tokenauth_stats WHERE source = 'pairing_tokens';

-- Exchanged: what were three steps, in which two could win, is one call.
SELECT status, token AS session FROM tokenauth_exchange('vAc_fresh', 'session_tokens', '90 days',
    jsonb_build_object('device_id', 'd9', 'pairing_hash', hash('vAc_fresh'))) \gset
SELECT status, user_id, claims FROM tokenauth_identify(:'session');
SELECT t, x.status, x.token FROM unnest(ARRAY['vAc_fresh', 'vAc_old', 'vAc_used', 'vAc_revoked', 'vAc_invalid']) t,
    tokenauth_exchange(t, 'session_tokens', '90 days', '{"device_id": "d9"}') x;
SELECT left(token, 4) AS prefix, length(token_prefix) AS shown, expires_at - now() <= '15 minutes 1 second' AS soon
FROM tokenauth_issue('u1', 'pairing_tokens', '15 minutes');
SELECT status, count(*) FROM tokenauth_list('u1', 'pairing_tokens', include_dead => true) GROUP BY 1 ORDER BY 1;

SELECT tokenauth_resolve('vAs_1', NULL::text);
SELECT status, user_id, token_id, claims FROM tokenauth_identify('vAs_1');
-- Deleting a device revokes its tokens in the same transaction.
BEGIN;
UPDATE session_tokens SET revoked_at = now() WHERE device_id = 'd1' AND revoked_at IS NULL;
SELECT tokenauth_resolve('vAs_1', NULL::text);
ROLLBACK;
SELECT tokenauth_resolve('vAs_1', NULL::text);
UPDATE session_tokens SET revoked_at = now() WHERE device_id = 'd1' AND revoked_at IS NULL;
SELECT tokenauth_resolve('vAs_1', NULL::text);
SELECT tokenauth_revoke('vAs_2');
SELECT tokenauth_revoke('vAs_2');
SELECT revoked_at IS NOT NULL AS revoked FROM session_tokens WHERE token_hash = hash('vAs_2');
SELECT tokenauth_revoke_user('u2');
SELECT status FROM tokenauth_identify('vAs_3');

DROP VIEW pairing;
SELECT tokenauth_detach('pairing_tokens');
SELECT tokenauth_detach('session_tokens');
DROP TABLE pairing_tokens, session_tokens;
DROP FUNCTION hash;
