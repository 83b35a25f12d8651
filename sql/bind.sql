--
-- tokenauth_bind(): an identity, or nobody and the reason; "forbidden"; and the
-- functions by digest.
--
CREATE TABLE person_tok (token_hash text PRIMARY KEY, id int, user_id uuid, tenant_id bigint, scope text, plan text,
    expires_at timestamptz, revoked boolean NOT NULL DEFAULT false, used_at timestamptz);
SELECT tokenauth_attach('person_tok', prefix => 'p_', claims => '{plan}', live_when => $$plan <> 'frozen'$$);
CREATE TABLE other_tok (token_hash text PRIMARY KEY, user_id uuid);
SELECT tokenauth_attach('other_tok', prefix => 'o_');
CREATE TABLE nobody_tok (token_hash text PRIMARY KEY);
SELECT tokenauth_attach('nobody_tok', prefix => 'n_');
CREATE FUNCTION uid(text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$SELECT ('00000000-0000-0000-0000-00000000000' || $1)::uuid$$;
CREATE FUNCTION h(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT encode(sha256($1::bytea), 'hex')$$;
INSERT INTO person_tok
SELECT h(token), id, uid(who), tenant, scope, plan, expires, id = 6, CASE WHEN id = 7 THEN now() END
FROM (VALUES ('p_alice', 1, 'a', 7, 'read', 'free', 'infinity'::timestamptz), ('p_alice2', 2, 'a', 7, 'write', 'free', NULL),
    ('p_alice_elsewhere', 3, 'a', 8, 'read', 'free', NULL), ('p_bob', 4, 'b', 7, 'read', 'free', NULL),
    ('p_expired', 5, 'a', 7, 'read', 'free', '-infinity'), ('p_revoked', 6, 'a', 7, 'read', 'free', NULL),
    ('p_used', 7, 'a', 7, 'read', 'free', NULL), ('p_disabled', 8, 'a', 7, 'read', 'frozen', NULL),
    ('p_nobody', 9, NULL, 7, 'read', 'free', NULL), ('p_no_scope', 10, 'a', 7, NULL, 'free', NULL)
) t (token, id, who, tenant, scope, plan, expires);
INSERT INTO other_tok VALUES (h('o_alice'), uid('a'));
INSERT INTO nobody_tok VALUES (h('n_1'));
-- Who, of which tenant, by which token; '-' is NULL.
CREATE FUNCTION who() RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', coalesce(right(tokenauth_user()::text, 1), '-'),
        coalesce(tokenauth_tenant(NULL::bigint)::text, '-'), coalesce(tokenauth_token_id(), '-'), coalesce(tokenauth_source(), '-'),
        tokenauth_has_scope('read'), coalesce(tokenauth_claims()::text, '-'))
$$;
CREATE FUNCTION refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE sql;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', sqlstate, sqlerrm);
END $$;

-- Who may not is not who is not: without the scope asked for, and of nobody then.
SELECT t, coalesce(s, 'none') AS scope, (tokenauth_identify(t, scope => s)).*
FROM unnest('{p_alice,p_alice2,p_no_scope,p_revoked,p_unknown}'::text[]) t, unnest('{read,NULL}'::text[]) s;
SELECT status, user_id FROM tokenauth_identify('p_alice', scope => '');
SELECT status, user_id FROM tokenauth_identify('o_alice', scope => 'read');
SELECT tokenauth_resolve('p_alice', scope => 'read') IS NOT NULL AS may, tokenauth_resolve('p_alice2', scope => 'read') IS NULL AS may_not;

-- Bound, and told as by tokenauth_identify(); gone with its transaction.
BEGIN;
SELECT * FROM tokenauth_bind('p_alice');
SELECT who();
COMMIT;
SELECT who();
-- The reason, no error, and nobody bound; also where somebody was.
BEGIN;
SELECT t, (tokenauth_bind(t)).*, who() FROM unnest(ARRAY['p_expired', 'p_revoked', 'p_used', 'p_disabled', 'p_nobody', 'p_unknown',
    'x_', '', repeat('p_', 10), NULL]) t;
SELECT t, (tokenauth_bind('p_alice')).status, left(who(), 5) AS was, (tokenauth_bind(t)).status, who()
FROM unnest(ARRAY['p_expired', 'p_revoked', 'p_used', 'p_disabled', 'p_nobody', 'p_unknown', 'x_', '', NULL]) t;
-- the wrong source, or the scope that it has not
SELECT status, left(who(), 5) FROM tokenauth_bind('p_alice', source => 'person_tok', scope => 'read');
SELECT *, who() FROM tokenauth_bind('p_alice', scope => 'write');
SELECT status, left(who(), 5) FROM tokenauth_bind('p_alice');
SELECT status, who() FROM tokenauth_bind('p_alice', source => 'other_tok');
COMMIT;
-- the caller's mistakes are errors
SELECT tokenauth_bind('p_alice', source => 'nonsense');
SELECT tokenauth_bind('n_1');

-- One transaction serves one user: also if nobody is bound any more.
BEGIN;
SELECT status, who() FROM tokenauth_bind('p_alice');
SELECT refusal($$SELECT tokenauth_bind('p_bob')$$), left(who(), 5) AS who;
SELECT refusal($$SELECT tokenauth_bind('p_alice_elsewhere')$$), left(who(), 5) AS who;
SELECT status, who() FROM tokenauth_bind('p_revoked');
SELECT refusal($$SELECT tokenauth_bind('p_bob')$$), who();
SELECT refusal($$SELECT tokenauth_authenticate('p_bob')$$), who();
SELECT refusal($$SELECT tokenauth_bind('p_alice_elsewhere')$$), who();
SELECT refusal($$SELECT tokenauth_bind('o_alice')$$), who();
SELECT refusal($$SELECT tokenauth_authenticate('p_revoked')$$), who();
SELECT status, who() FROM tokenauth_bind('p_alice2');
SELECT tokenauth_authenticate('p_alice') IS NOT NULL AS authenticated, who();
ROLLBACK;

-- Savepoints: rolling back to one restores who was bound, or that nobody was.
BEGIN;
SAVEPOINT s1;
SELECT status FROM tokenauth_bind('p_bob');
ROLLBACK TO s1;
SELECT status, left(who(), 5) FROM tokenauth_bind('p_alice');
SAVEPOINT s2;
SELECT status FROM tokenauth_bind('p_revoked');
SELECT status, who() FROM tokenauth_bind('p_revoked');
ROLLBACK TO s2;
SELECT left(who(), 5) AS restored;
SAVEPOINT s3;
SAVEPOINT s4;
SELECT status FROM tokenauth_bind('p_revoked');
RELEASE s4;
SELECT who();
RELEASE s3;
SELECT who();
-- who was bound is still known, and freed memory is not what is compared
SELECT refusal($$SELECT tokenauth_bind('p_bob')$$), who();
SAVEPOINT s5;
SELECT status, left(who(), 5) FROM tokenauth_bind('p_alice2');
ROLLBACK TO s5;
SELECT who();
SELECT status, left(who(), 5) FROM tokenauth_bind('p_alice2');
ROLLBACK TO s1;
SELECT who();
SELECT status, left(who(), 5) FROM tokenauth_bind('p_bob');
COMMIT;
SELECT who();
-- in an exception block, too
DO $$
BEGIN
    PERFORM tokenauth_bind('p_alice');
    BEGIN
        PERFORM tokenauth_bind('p_revoked');
        RAISE NOTICE 'in the block: %', who();
        RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
        RAISE NOTICE 'after the block: %', left(who(), 5);
    END;
    BEGIN
        PERFORM tokenauth_bind('p_revoked');
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
    RAISE NOTICE 'unbound: %', who();
END $$;
-- however often: what is replaced is freed
CREATE PROCEDURE often(n int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. n LOOP
        PERFORM tokenauth_bind('p_alice');
        BEGIN
            PERFORM tokenauth_bind('p_revoked'), tokenauth_bind('p_revoked');
            PERFORM tokenauth_bind('p_alice2');
            PERFORM tokenauth_bind('p_revoked');
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
        BEGIN
            PERFORM tokenauth_bind('p_revoked');
            RAISE division_by_zero;
        EXCEPTION WHEN division_by_zero THEN
            NULL;
        END;
    END LOOP;
END $$;
BEGIN;
CALL often(5);
SELECT total_bytes AS before FROM pg_backend_memory_contexts WHERE name = 'tokenauth identity' \gset
CALL often(200);
SELECT total_bytes = :before AS freed, who() FROM pg_backend_memory_contexts WHERE name = 'tokenauth identity';
COMMIT;
DROP PROCEDURE often;

-- As for tokenauth_authenticate(): a transaction binds by statements of its own.
CREATE TABLE event (token text);
CREATE FUNCTION bind_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_bind(NEW.token);
    RETURN NEW;
END $$;
CREATE TRIGGER bind_it BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION bind_it();
BEGIN;
SELECT status FROM tokenauth_bind('p_alice');
SELECT refusal($$INSERT INTO event VALUES ('p_alice2')$$), left(who(), 5) AS who;
SELECT refusal($$INSERT INTO event VALUES (NULL)$$), left(who(), 5) AS who;
COMMIT;
CREATE FUNCTION bind_quietly(text) RETURNS boolean LANGUAGE sql IMMUTABLE SET search_path = public AS
    $$SELECT (tokenauth_bind_hash(sha256('p_alice'), 'person_tok')).status = 'valid'$$;
CREATE TABLE trap (token text);
INSERT INTO trap VALUES ('p_alice');
\set SHOW_CONTEXT never
CREATE INDEX ON trap (bind_quietly(token));
\set SHOW_CONTEXT errors
SELECT who();
DROP TABLE event, trap;
DROP FUNCTION bind_it, bind_quietly;

-- Under row-level security: no rows for a refused token, and no aborted transaction.
CREATE ROLE tokenauth_api;
CREATE TABLE note (owner uuid DEFAULT tokenauth_user(), body text);
INSERT INTO note VALUES (uid('a'), 'a1'), (uid('b'), 'b1');
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = (SELECT tokenauth_user()));
GRANT SELECT, INSERT ON note TO tokenauth_api;
SET ROLE tokenauth_api;
SELECT tokenauth_bind('p_alice');
SELECT tokenauth_bind_hash(sha256('p_alice'), 'person_tok');
SELECT tokenauth_identify_hash(sha256('p_alice'), 'person_tok');
SELECT tokenauth_revoke_hash(sha256('p_alice'), 'person_tok');
RESET ROLE;
SELECT count(*) FROM tokenauth_grant('tokenauth_api', 'bind');
SET ROLE tokenauth_api;
SELECT tokenauth_bind_hash(sha256('p_alice'), 'person_tok');
BEGIN;
SELECT status FROM tokenauth_bind('p_alice');
SELECT body FROM note;
SELECT status FROM tokenauth_bind('p_revoked');
SELECT body FROM note;
SAVEPOINT s;
INSERT INTO note (body) VALUES ('nobody''s');
ROLLBACK TO s;
SELECT status FROM tokenauth_bind('p_alice');
INSERT INTO note (body) VALUES ('a2') RETURNING body;
COMMIT;
SELECT body FROM note;
RESET ROLE;
DROP TABLE note;
DROP OWNED BY tokenauth_api;
DROP ROLE tokenauth_api;

-- By digest: the same, and as refused.
SELECT * FROM tokenauth_identify_hash(sha256('p_alice'), 'person_tok');
SELECT * FROM tokenauth_identify_hash(sha256('p_alice'), 'person_tok', 'write');
SELECT d IS NULL AS none, length(d) AS bytes, (tokenauth_identify_hash(d, 'person_tok')).status, (tokenauth_bind_hash(d, 'person_tok')).status
FROM unnest(ARRAY[sha256('p_nothing'), h('p_alice')::bytea, '', NULL]) d;
BEGIN;
SELECT status, user_id, left(who(), 5) FROM tokenauth_bind_hash(sha256('p_alice'), 'person_tok');
SELECT status, left(who(), 5) FROM tokenauth_bind_hash(sha256('p_alice2'), 'person_tok', scope => 'write');
SELECT refusal($$SELECT tokenauth_bind_hash(sha256('p_bob'), 'person_tok')$$), left(who(), 5) AS who;
SELECT status, who() FROM tokenauth_bind_hash(sha256('p_alice'), 'person_tok', scope => 'write');
SELECT status, left(who(), 5) FROM tokenauth_bind_hash(sha256('p_alice'), 'person_tok');
SELECT status, who() FROM tokenauth_bind_hash(NULL, 'person_tok');
COMMIT;
SELECT tokenauth_bind_hash(sha256('n_1'), 'nobody_tok');
SELECT tokenauth_identify_hash(sha256('p_alice'), 'nonsense');
-- revoked: in the source named, or wherever it is
SELECT tokenauth_detach('nobody_tok');
SELECT tokenauth_attach('other_tok', prefix => 'o_', on_revoke => 'delete') FROM tokenauth_detach('other_tok');
SELECT tokenauth_revoke_hash(sha256('p_bob'), 'other_tok') AS elsewhere, (tokenauth_identify('p_bob')).status,
    tokenauth_revoke_hash(sha256('p_bob'), 'person_tok') AS revoked, (tokenauth_identify('p_bob')).status,
    tokenauth_revoke_hash(sha256('p_bob')) AS again;
SELECT tokenauth_revoke_hash(sha256('o_alice')) AS revoked, (tokenauth_identify('o_alice')).status,
    tokenauth_revoke_hash(sha256('p_nothing')) AS unknown, tokenauth_revoke_hash(NULL) IS NULL AS none;
SELECT tokenauth_revoke_hash(h('p_alice')::bytea);
SELECT tokenauth_revoke_hash('', 'person_tok');
-- where the table holds the tokens, it cannot be told that there is none
CREATE TABLE plain_tok (token text PRIMARY KEY, user_id uuid, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('plain_tok', prefix => 'x_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO plain_tok VALUES ('x_1', uid('c'));
SELECT tokenauth_revoke_hash(sha256('p_alice')) IS NULL AS left_out, (tokenauth_identify('p_alice')).status;
SELECT tokenauth_revoke_hash(sha256('x_1'), 'plain_tok');
SELECT tokenauth_identify_hash(sha256('x_1'), 'plain_tok');
SELECT tokenauth_bind_hash(sha256('x_1'), 'plain_tok');
SELECT status, who() FROM tokenauth_bind('x_1');
DROP TABLE person_tok, other_tok, nobody_tok, plain_tok;
DROP FUNCTION who, refusal, uid, h;
