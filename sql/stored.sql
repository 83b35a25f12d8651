-- How a presented token becomes what its row has: digests in whatever form, parts,
-- types of columns, and expressions.  Each is asked twice: of the table, and of the
-- cache.
CREATE SCHEMA stored;
SET search_path = stored, public;

CREATE FUNCTION ask(token text, source name) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    a tokenauth_identity;
    b tokenauth_identity;
BEGIN
    a := tokenauth_identify(token, source);
    b := tokenauth_identify(token, source);
    IF a IS DISTINCT FROM b THEN RETURN 'TABLE AND CACHE DIFFER'; END IF;
    RETURN a.status || coalesce(' ' || a.user_id, '');
END $$;
CREATE FUNCTION base64(bytea) RETURNS text
LANGUAGE sql AS $$ SELECT replace(encode($1, 'base64'), E'\n', '') $$;

-- Digests and their forms: a table for each, whose rows are of "secret", and of its
-- like in another form.
CREATE TABLE form (n serial, stored_as text, prefix text, stored text, raw bytea UNIQUE, user_id int);
INSERT INTO form (stored_as, prefix, stored) VALUES
    ('sha1-hex', NULL, encode(digest('secret', 'sha1'), 'hex')),
    ('sha224-hex', NULL, encode(digest('secret', 'sha224'), 'hex')),
    ('sha256-hex', NULL, encode(digest('secret', 'sha256'), 'hex')),
    ('sha384-hex', NULL, encode(digest('secret', 'sha384'), 'hex')),
    ('sha512-hex', NULL, encode(digest('secret', 'sha512'), 'hex')),
    ('sha256-HEX', NULL, upper(encode(digest('secret', 'sha256'), 'hex'))),
    ('sha256-base64', NULL, base64(digest('secret', 'sha256'))),
    ('sha512-base64', NULL, base64(digest('secret', 'sha512'))),
    ('sha256-base64url', NULL, rtrim(translate(base64(digest('secret', 'sha256')), '+/', '-_'), '=')),
    ('sha512-base64url', NULL, rtrim(translate(base64(digest('secret', 'sha512')), '+/', '-_'), '=')),
    ('sha256-hex', 'sha256$', 'sha256$' || encode(digest('secret', 'sha256'), 'hex')),
    ('sha512-hex', 'v1:', 'v1:' || encode(digest('secret', 'sha512'), 'hex')),
    -- what only looks like it is another value
    ('sha256-hex', NULL, upper(encode(digest('secret', 'sha256'), 'hex'))),
    ('sha256-base64', NULL, rtrim(base64(digest('secret', 'sha256')), '=')),
    ('sha256-hex', 'sha256$', encode(digest('secret', 'sha256'), 'hex'));
\o /dev/null
SELECT format('CREATE TABLE form%s (stored text UNIQUE, user_id int)', n) FROM form ORDER BY n \gexec
SELECT format('SELECT tokenauth_attach(%L, token_column => ''stored'', stored_as => %L, mapping => %L)',
              'form' || n, stored_as, CASE WHEN prefix IS NOT NULL THEN jsonb_build_object('stored_prefix', prefix) END)
    FROM form ORDER BY n \gexec
SELECT format('INSERT INTO form%s VALUES (%L, 7)', n, stored) FROM form ORDER BY n \gexec
\o
SELECT stored_as, prefix, ask('secret', 'form' || n), ask('Secret', 'form' || n) FROM form ORDER BY n;
SELECT count(*) FROM tokenauth_cache WHERE believed AND source ~ '^form';
SELECT format('UPDATE form%s SET user_id = 8', n) FROM form ORDER BY n \gexec
SELECT stored_as, prefix, ask('secret', 'form' || n) FROM form ORDER BY n;
SELECT format('DELETE FROM form%s', n) FROM form ORDER BY n \gexec
SELECT stored_as, prefix, ask('secret', 'form' || n) FROM form ORDER BY n;
SELECT format('INSERT INTO form%s VALUES (%L, 9)', n, stored) FROM form ORDER BY n \gexec
SELECT stored_as, prefix, ask('secret', 'form' || n) FROM form ORDER BY n;
SELECT count(*) FROM tokenauth_doctor() WHERE finding ~ 'not of the form';
SELECT source, finding FROM tokenauth_doctor() WHERE finding ~ 'not of the form' ORDER BY 1;

TRUNCATE form;
INSERT INTO form (raw, user_id) VALUES (digest('secret', 'sha512'), 7);
SELECT tokenauth_attach('form', token_column => 'raw', stored_as => 'sha512-bytea');
SELECT ask('secret', 'form'), ask('other', 'form');
SELECT tokenauth_resolve_hash(digest('secret', 'sha512'), NULL::int, 'form');
SELECT tokenauth_detach('form');
SELECT tokenauth_attach('form', token_column => 'raw', stored_as => 'sha512-hex');
SELECT tokenauth_attach('form', token_column => 'stored', stored_as => 'md5-hex');
SELECT tokenauth_attach('form', token_column => 'stored', stored_as => 'sha256-binary');
SELECT tokenauth_attach('form', token_column => 'stored', stored_as => 'plaintext', mapping => '{"stored_prefix": "x"}');

-- A life, where the digest is no SHA-256.
CREATE TABLE life (id serial PRIMARY KEY, digest varchar(128) UNIQUE, user_id int, scope text,
    expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz);
SELECT tokenauth_attach('life', prefix => 'li_', token_column => 'digest', stored_as => 'sha512-hex', max_lifetime => NULL);
SELECT token AS first FROM tokenauth_issue('7', source => 'life', scope => 'read', expires_in => '1 day') \gset
SELECT ask(:'first', 'life');
SELECT token_id, scope, status FROM tokenauth_list('7', source => 'life');
SELECT token AS second FROM tokenauth_rotate(:'first', grace => '1 hour') \gset
SELECT ask(:'first', 'life'), ask(:'second', 'life');
SELECT tokenauth_revoke(:'second');
SELECT ask(:'second', 'life');
SELECT tokenauth_flush_last_used() > 0 AS written;
SELECT count(last_used_at) > 0 AS used FROM life;
SELECT tokenauth_revoke_user('7', 'life');
SELECT ask(:'first', 'life');
SELECT tokenauth_warm('life');

-- A part of the token.
CREATE TABLE part (id bigserial PRIMARY KEY, token varchar(64) UNIQUE, user_id int);
INSERT INTO part (token, user_id) VALUES (encode(sha256('aaa'), 'hex'), 7), ('plain', 8), (encode(sha256('b|b'), 'hex'), 9);
SELECT tokenauth_attach('part', token_column => 'token', mapping => '{"token_part": "after |"}');
SELECT t, ask(t, 'part') FROM unnest('{1|aaa,9|aaa,aaa,1|b|b,|aaa,1|}'::text[]) t;
SELECT tokenauth_warm('part');
DELETE FROM part WHERE user_id = 7;
SELECT ask('1|aaa', 'part');
INSERT INTO part VALUES (1, encode(sha256('aaa'), 'hex'), 7);
SELECT ask('1|aaa', 'part');
SELECT tokenauth_issue('7', source => 'part');
SELECT tokenauth_detach('part');
SELECT tokenauth_attach('part', token_column => 'token', mapping => '{"token_part": "after | if any"}');
SELECT t, ask(t, 'part') FROM unnest('{1|aaa,9|aaa,aaa,1|b|b}'::text[]) t;
SELECT tokenauth_detach('part');
-- the id, too
SELECT tokenauth_attach('part', token_column => 'token', mapping => '{
    "token_part": "after | if any",
    "verify": "strpos(token, ''|'') = 0 OR split_part(token, ''|'', 1) = id::text"}');
SELECT mapping FROM tokenauth_sources WHERE source = 'part';
SELECT t, ask(t, 'part') FROM unnest('{1|aaa,9|aaa,aaa,3|b|b,1|b|b}'::text[]) t;
UPDATE part SET id = 9 WHERE id = 1;
SELECT t, ask(t, 'part') FROM unnest('{1|aaa,9|aaa,aaa}'::text[]) t;
SELECT tokenauth_detach('part');
SELECT tokenauth_attach('part', prefix => 'pat_', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"token_part": "after prefix"}');
SELECT t, ask(t, 'part') FROM unnest('{pat_plain,plain,pat_}'::text[]) t;
SELECT (tokenauth_issue('7', source => 'part')).token ~ '^pat_' AS issued;
SELECT count(*) FROM part WHERE token ~ '^pat_';
SELECT tokenauth_detach('part');
SELECT tokenauth_attach('part', token_column => 'token', mapping => '{"token_part": "after prefix"}');
SELECT tokenauth_attach('part', token_column => 'token', mapping => '{"token_part": "behind |"}');

-- Columns of other types: one way to write a value is right.
CREATE TABLE types (id bigint UNIQUE, number int UNIQUE, code char(8) UNIQUE, key uuid UNIQUE, user_id int DEFAULT 7);
INSERT INTO types VALUES (1, 1, 'abc', '00000000-0000-0000-0000-0000000000a1'), (-5, 0, 'abcdefgh', NULL),
    (9223372036854775807, -2147483648, 'x', NULL);
SELECT tokenauth_attach('types', token_column => 'id', id_column => '', stored_as => 'plaintext');
SELECT t, ask(t, 'types') FROM unnest('{1,01,+1,"1 ",1.0,-5,-05,9223372036854775807,9223372036854775808,99999999999999999999999,-,x,2}'::text[]) t;
DELETE FROM types WHERE id = 1;
SELECT ask('1', 'types');
INSERT INTO types VALUES (1, 1, 'abc', '00000000-0000-0000-0000-0000000000a1');
SELECT ask('1', 'types');
SELECT tokenauth_warm('types');
SELECT tokenauth_issue('7', source => 'types');
SELECT tokenauth_detach('types');
SELECT tokenauth_attach('types', token_column => 'number', stored_as => 'plaintext');
SELECT t, ask(t, 'types') FROM unnest('{1,0,-0,-2147483648,2147483648}'::text[]) t;
SELECT tokenauth_detach('types');
SELECT tokenauth_attach('types', token_column => 'key', stored_as => 'plaintext');
SELECT t, ask(t, 'types') FROM unnest('{00000000-0000-0000-0000-0000000000a1,00000000-0000-0000-0000-0000000000A1,"{00000000-0000-0000-0000-0000000000a1}",000000000000000000000000000000a1,x}'::text[]) t;
SELECT tokenauth_revoke('00000000-0000-0000-0000-0000000000a1', source => 'types');
SELECT tokenauth_detach('types');
CREATE TABLE codes (code char(8) PRIMARY KEY, user_id int);
INSERT INTO codes VALUES ('abc', 7), ('abcdefgh', 8);
SELECT tokenauth_attach('codes', token_column => 'code', stored_as => 'plaintext', on_revoke => 'delete');
SELECT t, ask(t, 'codes') FROM unnest('{abc,"abc ",abcdefgh,abcdefghi,"abcdefgh "}'::text[]) t;
SELECT tokenauth_revoke('abc', source => 'codes');
SELECT ask('abc', 'codes');

-- Expressions over the token.
CREATE TABLE keys (id serial PRIMARY KEY, prefix text, hash text NOT NULL, user_id int, expires_at timestamptz, revoked boolean DEFAULT false);
CREATE INDEX keys_prefix ON keys (prefix);
INSERT INTO keys (prefix, hash, user_id) VALUES
    ('p1', public.crypt('p1.secret', public.gen_salt('bf', 4)), 7),
    ('p1', public.crypt('p1.other', public.gen_salt('bf', 4)), 8),
    ('p2', public.crypt('p2.secret', public.gen_salt('bf', 4)), 9),
    ('p3', 'no hash at all', 10);
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => $${
    "lookup": "split_part(token, '.', 1)",
    "verify": "public.crypt(token, hash) = hash"}$$);
SELECT mapping FROM tokenauth_sources WHERE source = 'keys';
SELECT t, ask(t, 'keys') FROM unnest('{p1.secret,p1.other,p2.secret,p2.other,p9.secret,p3.x,p1,p1.,nothing}'::text[]) t;
SELECT tokenauth_identify(NULL, 'keys');
-- whatever changes a row
UPDATE keys SET revoked = true WHERE user_id = 7;
SELECT ask('p1.secret', 'keys'), ask('p1.other', 'keys');
UPDATE keys SET hash = public.crypt('p2.other', public.gen_salt('bf', 4)) WHERE user_id = 9;
SELECT ask('p2.secret', 'keys'), ask('p2.other', 'keys');
UPDATE keys SET prefix = 'p4' WHERE user_id = 8;
SELECT ask('p1.other', 'keys');
INSERT INTO keys (prefix, hash, user_id) VALUES ('p9', public.crypt('p9.secret', public.gen_salt('bf', 4)), 11);
SELECT ask('p9.secret', 'keys');
DELETE FROM keys WHERE user_id = 11;
SELECT ask('p9.secret', 'keys');
SELECT token_id, status FROM tokenauth_list('9', source => 'keys');
-- of several rows that are found, that of the token is revoked
INSERT INTO keys (prefix, hash, user_id) VALUES ('p2', public.crypt('p2.third', public.gen_salt('bf', 4)), 9);
SELECT tokenauth_revoke('p2.nobody', source => 'keys');
SELECT tokenauth_revoke('p2.third', source => 'keys');
SELECT ask('p2.third', 'keys'), ask('p2.other', 'keys');
SELECT token_id, status FROM tokenauth_list('9', source => 'keys', include_dead => true) ORDER BY 1;
INSERT INTO keys (prefix, hash, user_id) VALUES ('p2', public.crypt('p2.fourth', public.gen_salt('bf', 4)), 12);
SELECT tokenauth_revoke(token_id::int, 9, 'keys') FROM tokenauth_list('9', source => 'keys') ORDER BY token_id;
SELECT ask('p2.other', 'keys'), ask('p2.fourth', 'keys');
SELECT tokenauth_revoke_user('12', 'keys');
SELECT ask('p2.fourth', 'keys');
INSERT INTO keys (prefix, hash, user_id) VALUES ('p2', public.crypt('p2.fifth', public.gen_salt('bf', 4)), 9);
-- what it cannot do
SELECT tokenauth_issue('7', source => 'keys');
SELECT tokenauth_rotate('p2.fifth', source => 'keys');
SELECT tokenauth_resolve_hash(sha256('x'), NULL::int, 'keys');
SELECT tokenauth_warm('keys');
CALL tokenauth_hash_in_place('keys');
SELECT tokenauth_detach('keys');
-- what is no expression over a token
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => '{"lookup": "hash"}');
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => '{"lookup": "length(token)"}');
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => '{"verify": "hash"}');
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => '{"verify": "token = $2"}');
SELECT tokenauth_attach('keys', token_column => 'prefix', mapping => '{"lookup": "token"}');
SELECT tokenauth_attach('keys', token_column => 'prefix', stored_as => 'plaintext', mapping => '{"lookup": "token || random()"}');
-- a column that is called as the token is
CREATE TABLE tokens (id int PRIMARY KEY, token text UNIQUE, user_id int);
INSERT INTO tokens VALUES (1, 'A', 7);
SELECT tokenauth_attach('tokens', token_column => 'token', stored_as => 'plaintext',
                        mapping => '{"lookup": "upper(token)", "verify": "r.token <> token AND r.token = upper(token)"}');
SELECT mapping FROM tokenauth_sources WHERE source = 'tokens';
SELECT ask('a', 'tokens'), ask('A', 'tokens');
-- data that an expression does not take is no error, and quotes no token
SELECT tokenauth_detach('tokens');
SELECT tokenauth_attach('tokens', token_column => 'id', id_column => '', stored_as => 'plaintext',
                        mapping => '{"lookup": "token::int"}');
SELECT ask('1', 'tokens'), ask('01', 'tokens'), ask('x', 'tokens'), ask('99999999999', 'tokens');
DROP SCHEMA stored CASCADE;
