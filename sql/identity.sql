--
-- The identity bound to a transaction, and row-level security by it.
--
CREATE SCHEMA app;
SET search_path = app, public;
CREATE TABLE users_tok (token_hash text PRIMARY KEY, id int, user_id uuid, tenant_id bigint,
    scope text, plan text, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('users_tok', prefix => 'u_', claims => '{plan}');
CREATE TABLE text_tok (token_hash text PRIMARY KEY, user_id text);
SELECT tokenauth_attach('text_tok', prefix => 't_');
CREATE TABLE other_tok (token_hash text PRIMARY KEY, user_id uuid, tenant_id bigint);
SELECT tokenauth_attach('other_tok', prefix => 'o_');
CREATE TABLE nobody_tok (token_hash text PRIMARY KEY);
SELECT tokenauth_attach('nobody_tok', prefix => 'n_');
CREATE FUNCTION uid(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$SELECT ('00000000-0000-0000-0000-00000000000' || $1)::uuid$$;
INSERT INTO users_tok
SELECT encode(sha256(token::bytea), 'hex'), id, uid(who), tenant, scope, plan, expires
FROM (VALUES
    ('u_alice', 1, 'a', 7, 'read', 'free', NULL::timestamptz),
    ('u_alice2', 2, 'a', 7, 'admin', NULL, NULL),
    ('u_alice_elsewhere', 3, 'a', 8, NULL, NULL, NULL),
    ('u_bob', 4, 'b', NULL, 'read', NULL, NULL),
    ('u_bob_in_a_tenant', 5, 'b', 7, 'read', NULL, NULL),
    ('u_expired', 6, 'a', 7, 'read', NULL, 'epoch'),
    ('u_nobody', 7, NULL, NULL, NULL, NULL, NULL)
) t (token, id, who, tenant, scope, plan, expires);
INSERT INTO users_tok (token_hash, id, user_id, revoked)
VALUES (encode(sha256('u_revoked'), 'hex'), 8, uid('a'), true);
INSERT INTO text_tok VALUES (encode(sha256('t_carol'), 'hex'), 'carol'),
    (encode(sha256('t_alice'), 'hex'), uid('a'));
INSERT INTO other_tok VALUES (encode(sha256('o_alice'), 'hex'), uid('a'), 7),
    (encode(sha256('o_sixes'), 'hex'), '61616161-6161-6161-6161-616161616161', NULL);
INSERT INTO nobody_tok VALUES (encode(sha256('n_1'), 'hex'));

-- Who, of which tenant, by which token; '-' is NULL.
CREATE FUNCTION who() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', coalesce(right(tokenauth_user()::text, 1), '-'),
        coalesce(tokenauth_tenant(NULL::bigint)::text, '-'),
        coalesce(tokenauth_token_id(), '-'))
$$;

-- Nothing is bound.
CREATE VIEW telling AS SELECT tokenauth_user() AS user_id, tokenauth_user(NULL::text) AS user_text,
    tokenauth_tenant(NULL::bigint) AS tenant, tokenauth_token_id() AS token,
    tokenauth_has_scope('read') AS "read", tokenauth_claims() AS claims;
SELECT * FROM telling;

-- Bound, and told; gone with its transaction.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SELECT tokenauth_user(), tokenauth_tenant(NULL::bigint) AS tenant, tokenauth_token_id() AS token,
    tokenauth_has_scope('read') AS "read", tokenauth_has_scope('rea') AS rea,
    tokenauth_has_scope('reader') AS reader, tokenauth_has_scope('') AS empty,
    tokenauth_has_scope(NULL) AS "null", tokenauth_claims() AS claims;
COMMIT;
SELECT * FROM telling;
-- no scope is not the empty one, and a claim may be null
BEGIN;
SELECT tokenauth_authenticate('u_alice_elsewhere');
SELECT tokenauth_has_scope('') AS empty, tokenauth_claims() AS claims;
ROLLBACK;
SELECT * FROM telling;
-- one statement is one transaction; so is one string of several
SELECT tokenauth_authenticate('u_alice');
SELECT who();
SELECT tokenauth_authenticate('u_alice')\; SELECT who();
SELECT who();

-- Arguments as those of tokenauth_resolve.
BEGIN;
SELECT tokenauth_authenticate('t_carol');
SELECT tokenauth_user(NULL::text), tokenauth_user(NULL::varchar), tokenauth_tenant() AS none,
    tokenauth_token_id() AS none, tokenauth_claims() AS none;
ROLLBACK;
SELECT tokenauth_authenticate('u_alice', source => 'users_tok', scope => 'read');
SELECT tokenauth_authenticate('u_alice', source => 'text_tok');
SELECT tokenauth_authenticate('u_alice', source => 'nonsense');
SELECT tokenauth_authenticate('u_alice', scope => 'admin');

-- Refused, whyever: always the same, without a reason.
CREATE FUNCTION refusal(token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    RETURN 'accepted: ' || tokenauth_authenticate(token);
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', sqlstate, message, detail, hint);
END $$;
SELECT left(token, 20) AS token, refusal(token), who() FROM unnest(ARRAY['u_revoked', 'u_expired', 'u_unknown',
    'u_nobody', 'x_unknown', 'u_', '', repeat('u_', 1000), NULL]) token;
-- no user at all is the caller's mistake
SELECT tokenauth_authenticate('n_1');

-- The wrong type.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SAVEPOINT s;
SELECT tokenauth_user(NULL::text);
ROLLBACK TO s;
SELECT tokenauth_user(NULL::bigint);
ROLLBACK TO s;
SELECT tokenauth_tenant();
ROLLBACK TO s;
SELECT tokenauth_tenant(NULL::int);
ROLLBACK TO s;
SELECT who();
COMMIT;

-- The same user again: the newer token is told.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SELECT tokenauth_authenticate('u_alice');
SELECT who(), tokenauth_has_scope('read') AS "read";
SELECT tokenauth_authenticate('u_alice2');
SELECT who(), tokenauth_has_scope('read') AS "read";
-- a token that is not valid does not unbind
SELECT refusal('u_revoked'), who();
-- another user; the same in another tenant; the same id in another source
SELECT refusal('u_bob'), who();
SELECT refusal('u_alice_elsewhere'), who();
SELECT refusal('u_bob_in_a_tenant'), who();
SELECT refusal('t_alice'), who();
SELECT refusal('o_alice'), who();
SELECT tokenauth_authenticate('u_bob');
SELECT who();
ROLLBACK;
SELECT who();
-- no tenant is another one than some
BEGIN;
SELECT tokenauth_authenticate('u_bob');
SELECT refusal('u_bob_in_a_tenant'), who();
COMMIT;
BEGIN;
SELECT tokenauth_authenticate('u_bob_in_a_tenant');
SELECT refusal('u_bob'), who();
COMMIT;

-- a text is not the uuid whose bytes it has
BEGIN;
SELECT tokenauth_authenticate('o_sixes');
ALTER TABLE other_tok ALTER user_id TYPE text USING repeat('a', 16);
SELECT tokenauth_resolve('o_sixes', NULL::text), refusal('o_sixes');
ROLLBACK;

-- However often: what is replaced is freed, what is refused leaves nothing.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
DO $$
BEGIN
    FOR n IN 1 .. 100 LOOP
        PERFORM tokenauth_authenticate('u_alice');
        BEGIN
            PERFORM tokenauth_authenticate('u_alice2');
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
        BEGIN
            PERFORM tokenauth_authenticate('u_alice');
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
        PERFORM refusal('u_bob');
    END LOOP;
END $$;
SELECT total_bytes <= 8192 AS small FROM pg_backend_memory_contexts WHERE name = 'tokenauth identity';
COMMIT;

-- Savepoints: a rollback restores what was bound when it was set.
BEGIN;
SAVEPOINT s1;
SELECT tokenauth_authenticate('u_alice');
ROLLBACK TO s1;
SELECT who();
SELECT tokenauth_authenticate('u_bob');
SELECT who();
SAVEPOINT s2;
SAVEPOINT s3;
SELECT refusal('u_alice'), who();
ROLLBACK TO s1;
SELECT who();
SELECT tokenauth_authenticate('u_alice');
RELEASE s1;
SELECT who();
SAVEPOINT s1;
SELECT tokenauth_authenticate('u_alice2');
SAVEPOINT s2;
SELECT tokenauth_authenticate('u_alice');
SELECT tokenauth_authenticate('u_alice2');
SELECT who();
ROLLBACK TO s2;
SELECT who();
ROLLBACK TO s1;
SELECT who();
-- released into a savepoint that is rolled back
SAVEPOINT s2;
SELECT tokenauth_authenticate('u_alice2');
RELEASE s2;
SELECT who();
ROLLBACK TO s1;
SELECT who();
-- released twice, over what is bound further out
SAVEPOINT s2;
SAVEPOINT s3;
SELECT tokenauth_authenticate('u_alice2');
RELEASE s2;
RELEASE s1;
SELECT who();
SAVEPOINT s1;
ROLLBACK TO s1;
SELECT who();
COMMIT;
SELECT who();
-- rolled back out of an error, without a name
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SAVEPOINT s1;
SELECT tokenauth_authenticate('u_alice2');
SELECT 1/0;
ROLLBACK;
SELECT who();

-- Exception blocks are savepoints.
DO $$
BEGIN
    BEGIN
        PERFORM tokenauth_authenticate('u_alice');
        RAISE NOTICE 'in the block: %', who();
        BEGIN
            PERFORM tokenauth_authenticate('u_alice2');
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN
            RAISE NOTICE 'after the inner block: %', who();
        END;
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'after the block: %', who();
    END;
    BEGIN
        PERFORM tokenauth_authenticate('u_bob');
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
    RAISE NOTICE 'kept: %', who();
END $$;
SELECT who();

-- Procedures that end transactions.
CREATE PROCEDURE in_between() LANGUAGE plpgsql AS $$
DECLARE
    n int;
BEGIN
    PERFORM tokenauth_authenticate('u_alice');
    RAISE NOTICE 'before COMMIT: %', who();
    COMMIT;
    RAISE NOTICE 'after COMMIT: %', who();
    PERFORM tokenauth_authenticate('u_bob');
    ROLLBACK;
    RAISE NOTICE 'after ROLLBACK: %', who();
    PERFORM tokenauth_authenticate('u_bob');
    FOR n IN SELECT generate_series(1, 2) LOOP
        RAISE NOTICE 'loop %: %', n, who();
        COMMIT AND CHAIN;
    END LOOP;
    PERFORM tokenauth_authenticate('u_alice2');
END $$;
CALL in_between();
SELECT who();
BEGIN;
SELECT tokenauth_authenticate('u_alice');
COMMIT AND CHAIN;
SELECT who();
SELECT tokenauth_authenticate('u_bob');
ROLLBACK AND CHAIN;
SELECT who();
COMMIT;

-- A deferred trigger runs while its transaction's identity is bound.
CREATE TABLE event (n int);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'deferred: %', who();
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON event DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION tell();
BEGIN;
SELECT tokenauth_authenticate('u_alice');
INSERT INTO event VALUES (1);
COMMIT;
INSERT INTO event VALUES (2);

-- It is that of the moment of authentication: revoked, expired or moved since,
-- and even with another type, it stays.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
UPDATE users_tok SET revoked = true, user_id = uid('f');
SELECT refusal('u_alice'), who();
ALTER TABLE users_tok ALTER user_id TYPE text USING 'eve';
SELECT tokenauth_resolve('u_alice', NULL::text);
SELECT who();
SELECT tokenauth_detach('users_tok');
DROP TABLE users_tok;
SELECT who();
ROLLBACK;
-- what is issued and rolled back binds no longer than that
BEGIN;
SAVEPOINT s1;
INSERT INTO users_tok (token_hash, user_id) VALUES (encode(sha256('u_forged'), 'hex'), uid('a'));
SELECT tokenauth_authenticate('u_forged');
ROLLBACK TO s1;
SELECT who();
SELECT tokenauth_authenticate('u_forged');
ROLLBACK;

--
-- Row-level security
--
CREATE ROLE tokenauth_api;
GRANT USAGE ON SCHEMA app TO tokenauth_api;
CREATE TABLE note (id serial PRIMARY KEY, owner uuid NOT NULL DEFAULT tokenauth_user(), body text);
INSERT INTO note (owner, body) SELECT uid(who), who || n FROM unnest('{a,b,c}'::text[]) who, generate_series(1, 2) n;
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = (SELECT tokenauth_user()));
GRANT SELECT, INSERT, UPDATE, DELETE ON note TO tokenauth_api;
GRANT USAGE ON SEQUENCE note_id_seq TO tokenauth_api;

-- Without EXECUTE not even the policy can ask.
SET ROLE tokenauth_api;
SELECT tokenauth_authenticate('u_alice');
SELECT tokenauth_user();
SELECT tokenauth_tenant();
SELECT tokenauth_token_id();
SELECT tokenauth_has_scope('read');
SELECT tokenauth_claims();
SELECT body FROM note;
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_authenticate, tokenauth_user TO tokenauth_api;

SET ROLE tokenauth_api;
SELECT count(*) FROM users_tok;
SELECT body FROM note;
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SELECT body FROM note ORDER BY 1;
INSERT INTO note (body) VALUES ('a3') RETURNING body;
SAVEPOINT s1;
INSERT INTO note (owner, body) VALUES (uid('b'), 'forged');
ROLLBACK TO s1;
UPDATE note SET owner = uid('b');
ROLLBACK TO s1;
UPDATE note SET body = body || '!' RETURNING body;
DELETE FROM note WHERE body LIKE 'b%';
COMMIT;
SELECT body FROM note;
INSERT INTO note (body) VALUES ('nobody''s');
INSERT INTO note (owner, body) VALUES (uid('b'), 'forged');

-- Settings do not help.
SET tokenauth.user_id = '00000000-0000-0000-0000-00000000000a';
SELECT set_config('tokenauth.user_id', uid('a')::text, false);
SET app.user_id = '00000000-0000-0000-0000-00000000000a';
SELECT set_config('request.jwt.claim.sub', uid('a')::text, false);
SELECT body FROM note;
BEGIN;
SELECT tokenauth_authenticate('u_bob');
SET LOCAL app.user_id = '00000000-0000-0000-0000-00000000000a';
SELECT body FROM note;
RESET ALL;
DISCARD PLANS;
SET search_path = app, public;
SELECT body FROM note;
SET LOCAL row_security = off;
SELECT body FROM note;
ROLLBACK;
SELECT count(*) FROM pg_settings WHERE setting LIKE '%0000-0000-0000%';

-- A function of the same name is another function.
RESET ROLE;
CREATE SCHEMA evil AUTHORIZATION tokenauth_api;
SET ROLE tokenauth_api;
CREATE FUNCTION evil.tokenauth_user(as_type anyelement DEFAULT NULL::uuid) RETURNS anyelement
    LANGUAGE sql AS $$SELECT '00000000-0000-0000-0000-00000000000a'::uuid$$;
CREATE FUNCTION evil.tokenauth_user() RETURNS uuid
    LANGUAGE sql AS $$SELECT '00000000-0000-0000-0000-00000000000a'::uuid$$;
SET search_path = evil, app, public;
\set VERBOSITY terse
SELECT tokenauth_user();
\set VERBOSITY default
SELECT body FROM note;
SET search_path = app, public;
RESET ROLE;
DROP SCHEMA evil CASCADE;

-- Prepared statements: planned for one, run for another.
SET ROLE tokenauth_api;
PREPARE mine AS SELECT body FROM note ORDER BY 1;
PREPARE whose(text) AS SELECT tokenauth_authenticate($1);
SET plan_cache_mode = force_generic_plan;
BEGIN;
EXECUTE whose('u_alice');
EXECUTE mine;
COMMIT;
EXECUTE mine;
BEGIN;
EXECUTE whose('u_bob');
EXECUTE mine;
COMMIT;
EXECUTE mine;
RESET plan_cache_mode;
DEALLOCATE mine;
DEALLOCATE whose;

-- A cursor has what it has asked for; one that is held keeps it, so that a
-- held cursor, like a temporary table, is to be closed before another's turn.
BEGIN;
SELECT tokenauth_authenticate('u_alice');
DECLARE mine CURSOR FOR SELECT body, right(tokenauth_user()::text, 1) FROM note ORDER BY 1;
DECLARE held CURSOR WITH HOLD FOR SELECT body, right(tokenauth_user()::text, 1) FROM note ORDER BY 1;
FETCH 1 FROM mine;
COMMIT;
FETCH 1 FROM mine;
SELECT body FROM note;
BEGIN;
SELECT tokenauth_authenticate('u_bob');
FETCH 2 FROM held;
SELECT body FROM note ORDER BY 1;
COMMIT;
RESET ROLE;
DISCARD ALL;
SET search_path = app, public;
FETCH 1 FROM held;
SELECT who();
-- a cursor that has not asked when its savepoint's user is gone finds nobody
SET ROLE tokenauth_api;
BEGIN;
DECLARE early CURSOR FOR SELECT body FROM note ORDER BY 1;
SAVEPOINT s1;
SELECT tokenauth_authenticate('u_alice');
ROLLBACK TO s1;
FETCH ALL FROM early;
COMMIT;
RESET ROLE;

-- SET ROLE and security-definer functions neither lose nor change it, and see
-- what their role may.
CREATE ROLE tokenauth_definer;
GRANT EXECUTE ON FUNCTION tokenauth_authenticate, tokenauth_user TO tokenauth_definer;
GRANT USAGE ON SCHEMA app TO tokenauth_definer;
GRANT SELECT ON note TO tokenauth_definer;
CREATE FUNCTION definer_who() RETURNS text LANGUAGE sql SECURITY DEFINER AS
    $$SELECT current_user || ' serves ' || coalesce(right(tokenauth_user()::text, 1), 'nobody')$$;
CREATE FUNCTION definer_notes() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS
    $$SELECT body FROM app.note ORDER BY 1$$;
CREATE FUNCTION definer_authenticate(text) RETURNS text LANGUAGE sql SECURITY DEFINER
    SET search_path = app, public AS $$SELECT tokenauth_authenticate($1)$$;
ALTER FUNCTION definer_who() OWNER TO tokenauth_definer;
ALTER FUNCTION definer_notes() OWNER TO tokenauth_definer;
ALTER FUNCTION definer_authenticate(text) OWNER TO tokenauth_definer;
SET ROLE tokenauth_api;
SELECT definer_who();
SELECT * FROM definer_notes();
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SELECT definer_who();
SELECT * FROM definer_notes();
SET LOCAL ROLE tokenauth_definer;
SELECT tokenauth_user();
SELECT * FROM note ORDER BY 1;
SET LOCAL ROLE tokenauth_api;
SELECT definer_authenticate('u_bob');
ROLLBACK;
-- what a function binds is bound for the transaction, whatever its role was
BEGIN;
SELECT definer_authenticate('u_bob');
SELECT body FROM note ORDER BY 1;
COMMIT;
RESET ROLE;

-- Parallel plans: the leader asks, and workers filter by its answer.
INSERT INTO note (owner, body) SELECT uid(who), who FROM unnest('{a,b,c}'::text[]) who, generate_series(1, 1000);
ANALYZE note;
GRANT EXECUTE ON FUNCTION who() TO tokenauth_api;
CREATE FUNCTION careless() RETURNS uuid LANGUAGE plpgsql STABLE PARALLEL SAFE AS
    'BEGIN RETURN tokenauth_user(); END';
CREATE FUNCTION careless_authenticate() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS
    $$BEGIN RETURN tokenauth_authenticate('u_bob'); END$$;
SET ROLE tokenauth_api;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
SELECT count(*) FROM note;
BEGIN;
SELECT tokenauth_authenticate('u_alice');
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan::text LIKE '%"Parallel Aware": true%';
END $$;
SELECT pg_temp.is_parallel('SELECT body, count(*) FROM note GROUP BY 1');
SELECT left(body, 1) AS whose, count(*) FROM note GROUP BY 1;
-- asked for each row, it keeps the scan in the leader
SELECT pg_temp.is_parallel('SELECT count(*) FROM note WHERE owner = tokenauth_user()');
SELECT count(*) FROM note WHERE owner = tokenauth_user();
COMMIT;
SELECT count(*) FROM note;
-- a worker that is made to ask all the same does not guess
BEGIN;
SELECT tokenauth_authenticate('u_alice');
SELECT count(*) FROM note WHERE owner = careless();
ROLLBACK;
SELECT count(*) FROM note WHERE careless_authenticate() IS NOT NULL;
SELECT tokenauth_user();
RESET ALL;
RESET ROLE;
SET search_path = app, public;

-- No function of these is leakproof.
SELECT proname FROM pg_proc WHERE proname LIKE 'tokenauth%' AND proleakproof;

SET client_min_messages = warning;
DROP SCHEMA app CASCADE;
DROP OWNED BY tokenauth_api, tokenauth_definer;
DROP ROLE tokenauth_api, tokenauth_definer;
SELECT source FROM tokenauth_sources;
