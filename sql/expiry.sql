--
-- expires_at, judged by the wall clock at each call, from table and cache.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_');
INSERT INTO tok (user_id, token_hash, expires_at)
SELECT '00000000-0000-0000-0000-00000000000a', encode(sha256(('tok_' || kind)::bytea), 'hex'), at
FROM (VALUES ('never', NULL::timestamptz), ('infinity', 'infinity'),
      ('minus_infinity', '-infinity'), ('past', now() - interval '1 microsecond'),
      ('future', now() + interval '1 day')) v(kind, at);
CREATE VIEW judged AS
    SELECT kind, status, expires_at IS NOT NULL AS has_expiry, user_id IS NOT NULL AS has_user
    FROM unnest(ARRAY['never', 'infinity', 'minus_infinity', 'past', 'future']) kind,
        tokenauth_identify('tok_' || kind);
SELECT * FROM judged;
SELECT * FROM judged;
SELECT expires_at FROM tokenauth_identify('tok_infinity');
SELECT expires_at FROM tokenauth_identify('tok_minus_infinity');

-- One second ahead, in one long transaction, whose now() stands still.
INSERT INTO tok (user_id, token_hash, expires_at)
VALUES ('00000000-0000-0000-0000-00000000000b', encode(sha256('tok_soon'), 'hex'),
        clock_timestamp() + interval '1 second');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tokenauth_resolve('tok_soon') IS NOT NULL AS valid;
SELECT tokenauth_resolve('tok_soon') IS NOT NULL AS still_valid;
-- wait for the clock, which is what this is about
DO $$
BEGIN
    WHILE clock_timestamp() < (SELECT expires_at FROM tok
                               WHERE token_hash = encode(sha256('tok_soon'), 'hex')) LOOP
        PERFORM pg_sleep(0.01);
    END LOOP;
END $$;
SELECT tokenauth_resolve('tok_soon') IS NOT NULL AS valid,
    now() < expires_at AS by_the_transactions_clock
FROM tok WHERE token_hash = encode(sha256('tok_soon'), 'hex');
SELECT status FROM tokenauth_identify('tok_soon');
COMMIT;

-- Extended: valid again at once.
UPDATE tok SET expires_at = expires_at + interval '1 day'
WHERE token_hash = encode(sha256('tok_soon'), 'hex');
SELECT tokenauth_resolve('tok_soon') IS NOT NULL AS valid;

-- Revoked and expired: revoked is told.
UPDATE tok SET revoked = true, expires_at = '-infinity'
WHERE token_hash = encode(sha256('tok_soon'), 'hex');
SELECT status FROM tokenauth_identify('tok_soon');
SELECT status FROM tokenauth_identify('tok_soon');

DROP VIEW judged;
DROP TABLE tok;
