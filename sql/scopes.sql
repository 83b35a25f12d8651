-- Several scopes of a token: in an array, in a JSON array, in a text with separators.
CREATE SCHEMA scopes;
SET search_path = scopes, public;
CREATE TABLE a (token text PRIMARY KEY, user_id int, scope text[]);
CREATE TABLE v (token text PRIMARY KEY, user_id int, scope varchar(20)[]);
CREATE TABLE j (token text PRIMARY KEY, user_id int, scope jsonb);
CREATE TABLE o (token text PRIMARY KEY, user_id int, scope json);
CREATE TABLE s (token text PRIMARY KEY, user_id int, scope text);
INSERT INTO a VALUES ('two', 7, '{read,"write all"}'), ('none', 7, '{}'), ('null', 7, NULL), ('odd', 7, '{NULL,"",read}');
INSERT INTO v SELECT token, user_id, scope::varchar(20)[] FROM a;
INSERT INTO j VALUES ('two', 7, '["read", "write all"]'), ('none', 7, '[]'), ('null', 7, NULL), ('odd', 7, '[null, "", "read", 1, ["x"], {"y": "z"}]'),
    ('scalar', 7, '"read"'), ('object', 7, '{"read": true}');
INSERT INTO o SELECT token, user_id, scope::json FROM j;
INSERT INTO s VALUES ('two', 7, 'read, write all'), ('none', 7, ''), ('null', 7, NULL), ('odd', 7, ', , read');
SELECT tokenauth_attach(t::regclass, token_column => 'token', stored_as => 'plaintext', id_column => '',
                        mapping => CASE t WHEN 's' THEN '{"scope_separator": ", "}'::jsonb END)
    FROM unnest('{a,v,j,o,s}'::text[]) t;
CREATE VIEW verdicts AS
    SELECT t AS source, k AS token, i.status, i.scope,
        (SELECT string_agg(w, ', ') FROM unnest('{read,"write all",write,x,y,z,"",1}'::text[]) w
         WHERE tokenauth_resolve(k, NULL::int, t::name, scope => w) IS NOT NULL) AS has,
        (tokenauth_identify(k, t::name, scope => 'read')).status AS asked
    FROM unnest('{a,v,j,o,s}'::text[]) t, unnest('{two,none,"null",odd,scalar,object}'::text[]) k,
        LATERAL tokenauth_identify(k, t::name) i;
SELECT * FROM verdicts;
-- from the cache
SELECT count(*) FROM verdicts;
SELECT * FROM verdicts WHERE token = 'two';
UPDATE a SET scope = '{write}' WHERE token = 'two';
SELECT * FROM verdicts WHERE token = 'two' AND source = 'a';
-- bound
BEGIN;
SELECT tokenauth_authenticate('two', source => 'v', scope => 'read');
SELECT tokenauth_has_scope('read'), tokenauth_has_scope('write all'), tokenauth_has_scope('write'), tokenauth_has_scope('');
ROLLBACK;
-- issued
SELECT status, scope FROM tokenauth_issue('8', source => 'a', scope => 'read write') i, tokenauth_identify(i.token, 'a');
SELECT status, scope FROM tokenauth_issue('8', source => 'j', scope => 'read write') i, tokenauth_identify(i.token, 'j');
SELECT status, scope FROM tokenauth_issue('8', source => 's', scope => 'read write') i, tokenauth_identify(i.token, 's');
SELECT scope FROM s WHERE user_id = 8;
-- another array would be taken for one scope
CREATE TABLE i (token text PRIMARY KEY, user_id int, scope int[]);
SELECT tokenauth_attach('i', token_column => 'token', stored_as => 'plaintext');
SELECT tokenauth_attach('i', token_column => 'token', stored_as => 'plaintext', scope_column => '', mapping => '{"scope_expression": "scope::text[]"}');
SELECT tokenauth_attach('s', source => 'again', token_column => 'token', stored_as => 'plaintext', scope_column => '', mapping => '{"scope_separator": ","}');
-- a token without a user
INSERT INTO i VALUES ('all', NULL, '{1,2}'), ('one', 7, '{1}');
SELECT t, (tokenauth_identify(t, 'i')).status, tokenauth_resolve(t, NULL::int, 'i', scope => '2') FROM unnest('{all,one}'::text[]) t;
SELECT tokenauth_detach('i');
SELECT tokenauth_attach('i', token_column => 'token', stored_as => 'plaintext', scope_column => '', mapping => '{"null_user": "valid"}');
SELECT t, (tokenauth_identify(t, 'i')).status, tokenauth_resolve(t, NULL::int, 'i') FROM unnest('{all,one}'::text[]) t;
DROP SCHEMA scopes CASCADE;
