-- An exchanged token has the scopes of the code, each as it is: none becomes two, and two
-- become no other one.  What cannot be written so is refused.
\set SHOW_CONTEXT never
CREATE SCHEMA scopes_attack;
SET search_path = scopes_attack, public;
SET client_min_messages = warning;
CREATE TABLE code_array (token text PRIMARY KEY, user_id int, scope text[], used_at timestamptz);
CREATE TABLE code_json (token text PRIMARY KEY, user_id int, scope jsonb, used_at timestamptz);
CREATE TABLE code_text (token text PRIMARY KEY, user_id int, scope text, used_at timestamptz);
CREATE TABLE code_comma (token text PRIMARY KEY, user_id int, scope text, used_at timestamptz);
CREATE TABLE code_none (token text PRIMARY KEY, user_id int, used_at timestamptz);
CREATE TABLE to_array (token text PRIMARY KEY, user_id int, scope text[] DEFAULT '{admin}');
CREATE TABLE to_json (token text PRIMARY KEY, user_id int, scope jsonb DEFAULT '["admin"]');
CREATE TABLE to_text (token text PRIMARY KEY, user_id int, scope text DEFAULT 'admin');
CREATE TABLE to_comma (token text PRIMARY KEY, user_id int, scope text DEFAULT 'admin');
CREATE TABLE to_words (token text PRIMARY KEY, user_id int, scope text DEFAULT 'admin');
CREATE TABLE to_aa (token text PRIMARY KEY, user_id int, scope text DEFAULT 'admin');
SELECT tokenauth_attach(t, prefix => t || '_', token_column => 'token', stored_as => 'plaintext',
                        mapping => CASE WHEN s IS NOT NULL THEN jsonb_build_object('scope_separator', s) END)
    FROM (VALUES ('code_array', NULL), ('code_json', NULL), ('code_text', NULL), ('code_comma', ','), ('code_none', NULL),
                 ('to_array', NULL), ('to_json', NULL), ('to_text', NULL), ('to_comma', ','), ('to_words', ' '), ('to_aa', 'aa')) v (t, s);

-- What the code said, and what the new token has.
CREATE FUNCTION try(code text, into_source name, argument text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    made text;
    has text[];
    detail text;
    hint text;
BEGIN
    SELECT e.token INTO made FROM tokenauth_exchange(code, into_source, scope => argument) e;
    EXECUTE format('UPDATE scopes_attack.%I SET used_at = NULL', substring(code from '^code_[a-z]*'));
    SELECT array_agg(s ORDER BY s) INTO has FROM unnest('{read,write,read write,"read,write",xa,x,ab,b,admin,admin:users}'::text[]) s
        WHERE tokenauth_resolve(made, NULL::int, scope => s) IS NOT NULL;
    RETURN coalesce(has::text, 'none');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, SQLERRM, detail, hint);
END $$;

-- Seen failing where scopes are joined with blanks, and split there again.
INSERT INTO code_array VALUES ('code_array_blank', 7, '{"read write"}'), ('code_array_two', 7, '{read,write}'), ('code_array_comma', 7, '{"read,write"}'),
    ('code_array_none', 7, '{}'), ('code_array_null', 7, NULL), ('code_array_aa', 7, '{xa,b}');
INSERT INTO code_json VALUES ('code_json_blank', 7, '["read write", 1, null]'), ('code_json_two', 7, '["read", "write"]');
INSERT INTO code_text VALUES ('code_text_blank', 7, 'read write'), ('code_text_one', 7, 'read'), ('code_text_null', 7, NULL), ('code_text_empty', 7, '');
INSERT INTO code_comma VALUES ('code_comma_blank', 7, 'read write'), ('code_comma_two', 7, ',read,write,');
INSERT INTO code_none VALUES ('code_none_', 7);
SELECT code, into_source, try(code, into_source) FROM (
        SELECT token FROM code_array UNION ALL SELECT token FROM code_json UNION ALL SELECT token FROM code_text
        UNION ALL SELECT token FROM code_comma UNION ALL SELECT token FROM code_none) c (code),
    (SELECT source FROM tokenauth_sources WHERE source ~ '^to_') i (into_source) ORDER BY 1, 2;
-- a code whose scopes cannot be written is not used up
SELECT status FROM tokenauth_exchange('code_array_two', 'to_text');
SELECT status FROM tokenauth_exchange('code_array_two', 'to_array');
UPDATE code_array SET used_at = NULL;

-- An argument gives others, with spaces in between; it has no separator of the column's either.
SELECT source, try('code_array_two', source, 'read write'), try('code_array_two', source, 'read,write'), try('code_array_two', source, ' ') FROM tokenauth_sources WHERE source ~ '^to_' ORDER BY 1;
SELECT count(*) FROM tokenauth_issue(7, 'to_comma', scope => 'read,write');
SELECT token FROM tokenauth_issue(7, 'to_comma', scope => 'read  write') \gset
SELECT scope FROM to_comma WHERE token = :'token';

-- A column that must have a scope, and an expression that says it.
CREATE TABLE to_must (token text PRIMARY KEY, user_id int, scope text NOT NULL DEFAULT 'admin', scopes text[] NOT NULL DEFAULT '{admin}');
SELECT tokenauth_attach('to_must', prefix => 'to_must_', token_column => 'token', stored_as => 'plaintext');
SELECT try('code_array_none', 'to_must'), try('code_array_null', 'to_must'), try('code_text_one', 'to_must');
SELECT tokenauth_detach('to_must');
SELECT tokenauth_attach('to_must', prefix => 'to_must_', token_column => 'token', stored_as => 'plaintext', scope_column => 'scopes');
SELECT try('code_array_none', 'to_must'), try('code_array_null', 'to_must'), try('code_text_one', 'to_must');
SELECT tokenauth_detach('to_must');
SELECT tokenauth_attach('to_must', prefix => 'to_must_', token_column => 'token', stored_as => 'plaintext', scope_column => '', mapping => '{"scope_expression": "scopes || scope"}');
SELECT try('code_array_null', 'to_must'), try('code_text_one', 'to_must'), try('code_none_', 'to_must');

-- A column with no room for a list would have it end in the middle of a scope.
CREATE DOMAIN short AS name;
CREATE TABLE to_name (token text PRIMARY KEY, user_id int, scope name);
CREATE TABLE to_short (token text PRIMARY KEY, user_id int, scope short);
CREATE TABLE to_char (token text PRIMARY KEY, user_id int, scope char(64));
CREATE TABLE to_varchar (token text PRIMARY KEY, user_id int, scope varchar(64));
CREATE TABLE to_varchars (token text PRIMARY KEY, user_id int, scope varchar(10)[]);
SELECT tokenauth_attach(t, prefix => t || '_', token_column => 'token', stored_as => 'plaintext',
                        mapping => CASE WHEN t <> 'to_varchars' THEN '{"scope_separator": " "}'::jsonb END)
    FROM unnest('{to_name,to_short,to_char,to_varchar,to_varchars}'::text[]) t;
INSERT INTO code_array VALUES ('code_array_long', 7, '{calendar:read,contacts:read,mailbox:read,files:read,admin:users:readonly}'),
    ('code_array_fits', 7, '{"read:all  ",read}'), ('code_array_spaces', 7, '{"read:all    "}');
SELECT code, source, try(code, source), try(code, source, 'calendar:read contacts:read mailbox:read files:read admin:users:readonly')
    FROM unnest('{code_array_long,code_array_fits,code_array_spaces,code_array_two}'::text[]) code, unnest('{to_name,to_short,to_char,to_varchar,to_varchars}'::name[]) source ORDER BY 1, 2;
CREATE FUNCTION same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER same BEFORE INSERT ON to_name FOR EACH ROW EXECUTE FUNCTION same();
SELECT try('code_array_long', 'to_name'), try('code_array_two', 'to_name');

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP SCHEMA scopes_attack CASCADE;
