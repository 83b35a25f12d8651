--
-- One answer: whatever function is asked, from the table or from the cache, a
-- token is valid for all of them or for none.
--
CREATE TABLE tok (token_hash text PRIMARY KEY, id int, user_id text, expires_at timestamptz, used_at timestamptz,
    revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('tok', prefix => 't_');
CREATE TABLE cached (token_hash text PRIMARY KEY, user_id text, expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('cached', prefix => 'c_', sliding_ttl => '2 days', sliding_threshold => '1 day');
CREATE TABLE many (token text, user_id text);
CREATE INDEX ON many (token);
SELECT tokenauth_attach('many', prefix => 'm_', token_column => 'token', stored_as => 'plaintext',
    on_revoke => 'delete');
CREATE TABLE nobodys (token_hash text PRIMARY KEY);
SELECT tokenauth_attach('nobodys', prefix => 'n_');

CREATE FUNCTION hash(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
INSERT INTO tok (token_hash, id, user_id) VALUES (hash('t_user'), 1, 'u'), (hash('t_nobody'), 2, NULL);
INSERT INTO tok (token_hash, id, revoked) VALUES (hash('t_revoked'), 3, true);
INSERT INTO tok (token_hash, id, expires_at) VALUES (hash('t_expired'), 4, 'epoch');
INSERT INTO cached VALUES (hash('c_user'), 'u', now() + '1 hour'), (hash('c_nobody'), NULL, now() + '1 hour');
INSERT INTO many VALUES ('m_user', 'u'), ('m_nobody', NULL), ('m_both', 'u'), ('m_both', NULL), ('m_two', NULL), ('m_two', NULL);
INSERT INTO nobodys VALUES (hash('n_1'));

-- Whether something succeeds, which is rolled back then.
CREATE FUNCTION works(query text, token text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    EXECUTE query INTO answer USING token;
    RAISE SQLSTATE 'ZZ000' USING MESSAGE = coalesce(answer, '-');
EXCEPTION
    WHEN SQLSTATE 'ZZ000' THEN RETURN sqlerrm;
    WHEN OTHERS THEN RETURN sqlstate;
END $$;
CREATE FUNCTION answers(token text, OUT status text, OUT resolve text, OUT hash text, OUT authenticate text,
    OUT rotate text, OUT exchange text, OUT renew text) LANGUAGE sql AS $$
    SELECT (tokenauth_identify(token)).status,
        works('SELECT tokenauth_resolve($1, NULL::text)', token),
        works('SELECT tokenauth_resolve_hash(sha256($1::bytea), NULL::text,
            CASE left($1, 2) WHEN ''t_'' THEN ''tok'' WHEN ''c_'' THEN ''cached'' ELSE ''nobodys'' END)', token),
        works('SELECT tokenauth_authenticate($1)', token),
        works('SELECT ''rotated'' FROM tokenauth_rotate($1)', token),
        works('SELECT status FROM tokenauth_exchange($1, ''cached'')', token),
        works('SELECT ''renewed'' WHERE tokenauth_renew($1) IS NOT NULL', token)
$$;
SELECT t, a.* FROM unnest('{t_user,t_nobody,t_revoked,t_expired,t_unknown}'::text[]) t, answers(t) a;
SELECT t, a.* FROM unnest('{c_user,c_nobody,c_nobody,c_user}'::text[]) t, answers(t) a;
SELECT t, a.* FROM unnest('{m_user,m_nobody,m_both,m_both,m_two,m_two}'::text[]) t,
    LATERAL (SELECT status, resolve, authenticate, rotate FROM answers(t)) a;
-- a source without a user column has tokens that are valid and nobody's
SELECT t, a.* FROM unnest('{n_1,n_2}'::text[]) t, LATERAL (SELECT status, resolve, hash, authenticate FROM answers(t)) a;

-- Somebody's from the moment it is, and no longer.
UPDATE cached SET user_id = 'v' WHERE token_hash = hash('c_nobody');
SELECT status, user_id, tokenauth_resolve('c_nobody', NULL::text) FROM tokenauth_identify('c_nobody');
UPDATE cached SET user_id = NULL WHERE token_hash = hash('c_nobody');
SELECT status, user_id, tokenauth_resolve('c_nobody', NULL::text) FROM tokenauth_identify('c_nobody');

-- nor does a list crash where one of a token's rows is nobody's
CREATE TABLE shared (token text, user_id text, revoked boolean);
CREATE INDEX ON shared (token);
SELECT tokenauth_attach('shared', prefix => 's_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO shared VALUES ('s_1', 'u', true), ('s_1', NULL, false);
SELECT status FROM tokenauth_list('u', 'shared', include_dead => true);
SELECT status FROM tokenauth_identify('s_1');

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP TABLE tok, cached, many, nobodys, shared;
DROP FUNCTION answers, works, hash;
