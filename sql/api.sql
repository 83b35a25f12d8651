--
-- Create, resolve, identify, revoke: what a newcomer does first.
--
SELECT tokenauth_create_table(prefix => 'mul_');
\d personal_access_token
SELECT relation, source, prefix, stored_as, token_encoding, user_column,
    expires_column, revoked_column, last_used_column
FROM tokenauth_sources;

INSERT INTO personal_access_token (id, user_id, name, token_hash)
SELECT ('00000000-0000-0000-0000-0000000000a' || n)::uuid,
    ('00000000-0000-0000-0000-0000000000b' || n)::uuid, 'laptop',
    encode(sha256(('mul_' || n)::bytea), 'hex')
FROM generate_series(1, 5) n;

SELECT tokenauth_resolve('mul_1');
SELECT tokenauth_resolve('mul_1', source => 'personal_access_token');
SELECT tokenauth_resolve_hash(sha256('mul_1'), source => 'personal_access_token');
SELECT * FROM tokenauth_identify('mul_1');

-- Refused: NULL, never an error.
SELECT tokenauth_resolve('mul_9') IS NULL AS unknown,
    tokenauth_resolve('abc_1') IS NULL AS no_such_prefix,
    tokenauth_resolve('') IS NULL AS empty,
    tokenauth_resolve(NULL) IS NULL AS none;
SELECT token, (tokenauth_identify(token)).*
FROM unnest(ARRAY['mul_9', 'abc_1', '', NULL]) token;

-- Revoke: true for whoever does it, and only then.
SELECT tokenauth_revoke('mul_1');
SELECT tokenauth_revoke('mul_1');
SELECT tokenauth_revoke('mul_9');
SELECT tokenauth_revoke('');
SELECT tokenauth_resolve('mul_1');
SELECT * FROM tokenauth_identify('mul_1');

-- By id: only with its owner; untyped parameters mean the uuids, too.
SELECT tokenauth_revoke('00000000-0000-0000-0000-0000000000a2',
                        '00000000-0000-0000-0000-0000000000b3');
SELECT tokenauth_resolve('mul_2');
SELECT tokenauth_revoke('00000000-0000-0000-0000-0000000000a2',
                        '00000000-0000-0000-0000-0000000000b2');
SELECT tokenauth_revoke('00000000-0000-0000-0000-0000000000a2',
                        '00000000-0000-0000-0000-0000000000b2');
SELECT tokenauth_resolve('mul_2');

-- Plain SQL does as well: UPDATE back and forth, DELETE.
UPDATE personal_access_token SET revoked = false
WHERE token_hash = encode(sha256('mul_2'), 'hex');
SELECT tokenauth_resolve('mul_2');
DELETE FROM personal_access_token WHERE token_hash = encode(sha256('mul_2'), 'hex');
SELECT tokenauth_resolve('mul_2');
SELECT status FROM tokenauth_identify('mul_2');

-- A token may change hands, and its text may change.
SELECT tokenauth_resolve('mul_3');
UPDATE personal_access_token SET user_id = '00000000-0000-0000-0000-0000000000bf'
WHERE token_hash = encode(sha256('mul_3'), 'hex');
SELECT tokenauth_resolve('mul_3');
UPDATE personal_access_token SET token_hash = encode(sha256('mul_33'), 'hex')
WHERE token_hash = encode(sha256('mul_3'), 'hex');
SELECT tokenauth_resolve('mul_3') IS NULL AS old_text, tokenauth_resolve('mul_33');

-- A NULL flag is not "not revoked".
ALTER TABLE personal_access_token ALTER revoked DROP NOT NULL;
UPDATE personal_access_token SET revoked = NULL
WHERE token_hash = encode(sha256('mul_33'), 'hex');
SELECT status FROM tokenauth_identify('mul_33');

-- STABLE: an index condition on the resolved user.
CREATE TABLE note (owner uuid, body text);
INSERT INTO note SELECT gen_random_uuid(), 'n' FROM generate_series(1, 1000);
CREATE INDEX ON note (owner);
ANALYZE note;
SET enable_seqscan = off;
PREPARE mine(text) AS SELECT body FROM note WHERE owner = tokenauth_resolve($1);
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE mine('mul_4');
EXECUTE mine('mul_4');
DEALLOCATE mine;
RESET plan_cache_mode;
RESET enable_seqscan;
DROP TABLE note;

-- TRUNCATE
SELECT tokenauth_resolve('mul_4');
TRUNCATE personal_access_token;
SELECT tokenauth_resolve('mul_4');
DROP TABLE personal_access_token;
SELECT tokenauth_resolve('mul_4');
SELECT source FROM tokenauth_sources;

-- Which source: the longest prefix wins, whichever was asked before.
SELECT tokenauth_create_table('k', prefix => 'k_');
SELECT tokenauth_create_table('k_live', prefix => 'k_live_');
SELECT tokenauth_create_table('rest');
SELECT token, source
FROM unnest(ARRAY['k_1', 'k_live_1', 'k_live', 'k_live_2', 'k_1', '1', 'k', 'k_2']) token,
    tokenauth_identify(token);
DROP TABLE k, k_live, rest;
