--
-- The life of a token: issue, list, rotate, renew, exchange, revoke.
--
SELECT tokenauth_create_table('tok', prefix => 'tok_', checksum => true);

-- Issued: the form, what is kept, and what it resolves to.
SELECT length(token), token ~ '^tok_[0-9A-Za-z]{33}$' AS form, left(token, 12) = token_prefix AS prefix,
    token_id IS NOT NULL AS id, expires_at
FROM tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"name": "laptop"}');
SELECT token, token_id FROM tokenauth_issue('00000000-0000-0000-0000-00000000000b', 'tok', '1 day') \gset
SELECT t.name, t.token_hash = encode(sha256(:'token'), 'hex') AS hash, token_prefix = left(:'token', 12) AS prefix,
    expires_at - created_at BETWEEN '1 day' AND '1 day 1 minute' AS lifetime, revoked, last_used_at
FROM tok t WHERE id = :'token_id';
SELECT tokenauth_resolve(:'token');
SELECT status, user_id, token_id = :'token_id' AS id FROM tokenauth_identify(:'token');

-- A wrong checksum, length or digit is malformed, without a look at anything.
SELECT tokenauth_stats_reset();
SELECT DISTINCT status FROM generate_series(5, 37) n,
    tokenauth_identify(overlay(:'token' PLACING CASE substr(:'token', n, 1) WHEN 'x' THEN 'y' ELSE 'x' END FROM n));
SELECT DISTINCT status FROM unnest(ARRAY[:'token' || '0', left(:'token', 36), left(:'token', 36) || '-',
    left(:'token', 36) || 'ä', 'tok_', 'tok_' || repeat('0', 33)]) t, tokenauth_identify(t);
SELECT misses, negative_hits FROM tokenauth_stats;

-- Many tokens are unique, well-formed, and round-trip; a million mutations of
-- one character are all malformed.  Under valgrind a share of them will do.
\set share 1
\getenv share TOKENAUTH_TEST_SHARE
CREATE TABLE many AS
    SELECT token FROM generate_series(1, 10000 / :share) n,
        LATERAL tokenauth_issue('00000000-0000-0000-0000-00000000000c', attributes => jsonb_build_object('name', n)) i;
SELECT count(*) * :share AS count, count(DISTINCT token) * :share AS different, count(tokenauth_resolve(token)) * :share AS valid FROM many;
SELECT count(*) FILTER (WHERE status <> 'malformed') AS accepted, count(*) * :share * :share AS count
FROM many, generate_series(1, 100 / :share) n,
    LATERAL (SELECT 5 + (n * 7 + ascii(right(token, 1))) % 33 AS at) a,
    LATERAL (SELECT substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
        1 + (ascii(substr(token, at, 1)) * 31 + n * 17) % 62, 1) AS digit) d,
    LATERAL tokenauth_identify(overlay(token PLACING
        CASE digit WHEN substr(token, at, 1) THEN '_' ELSE digit END FROM at));
DELETE FROM tok WHERE user_id = '00000000-0000-0000-0000-00000000000c';
DROP TABLE many;

-- Refused, with nothing written.
SELECT count(*) FROM tok;
SELECT tokenauth_issue(NULL);
SELECT tokenauth_issue('no uuid');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', 'nothing');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', expires_in => '-1 day');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', scope => 'admin');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', tenant_id => '1');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"nothing": 1}');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"ctid": 1}');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"token_hash": "x"}');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"revoked": true}');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"user_id": 1}');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '[1]');
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"created_at": "yesterday or so"}');
ALTER TABLE tok ADD COLUMN device int NOT NULL DEFAULT 0;
ALTER TABLE tok ALTER device DROP DEFAULT;
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a');
\set SHOW_CONTEXT never
SELECT tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"device": "phone or so"}');
\set SHOW_CONTEXT errors
SELECT token IS NOT NULL AS issued FROM tokenauth_issue('00000000-0000-0000-0000-00000000000a',
    attributes => '{"device": 1}');
SELECT count(*) FROM tok;
ALTER TABLE tok DROP COLUMN device;

-- Listed: newest first, the dead if asked for, never the token.
SELECT token AS dead FROM tokenauth_issue('00000000-0000-0000-0000-00000000000a', attributes => '{"name": "dead"}') \gset
SELECT tokenauth_revoke(:'dead');
SELECT t.name, l.created_at >= t.created_at AS same, l.status, l.expires_at, l.scope, l.claims
FROM tokenauth_list('00000000-0000-0000-0000-00000000000a') WITH ORDINALITY l JOIN tok t ON t.id::text = l.token_id
ORDER BY ordinality;
SELECT t.name, l.status FROM tokenauth_list('00000000-0000-0000-0000-00000000000a', include_dead => true) WITH ORDINALITY l
    JOIN tok t ON t.id::text = l.token_id ORDER BY ordinality;
SELECT count(*) FROM tokenauth_list('00000000-0000-0000-0000-0000000000ff');
SELECT count(*) FROM tokenauth_list(NULL);

-- Rotated: the same but for the token; the old one dies, and cannot win twice.
SELECT token AS next, token_id AS next_id FROM tokenauth_rotate(:'token') \gset
SELECT tokenauth_resolve(:'token') IS NULL AS old_is_dead, tokenauth_resolve(:'next');
SELECT o.user_id = n.user_id AND o.name = n.name AS same, n.id <> o.id AS new_id, n.token_prefix = left(:'next', 12) AS prefix,
    n.expires_at - n.created_at BETWEEN '1 day' AND '1 day 1 minute' AS lifetime, o.revoked, n.revoked
FROM tok o, tok n WHERE o.id = :'token_id' AND n.id = :'next_id';
SELECT tokenauth_rotate(:'token');
SELECT tokenauth_rotate('tok_nothing');
SELECT tokenauth_rotate(NULL);
-- with a grace both live, but not the old one longer than it would have
SELECT token AS third FROM tokenauth_rotate(:'next', grace => '1 hour') \gset
SELECT tokenauth_resolve(:'next') IS NOT NULL AS old, tokenauth_resolve(:'third') IS NOT NULL AS new,
    expires_at - now() BETWEEN '59 minutes' AND '61 minutes' AS grace FROM tokenauth_identify(:'next');
SELECT token AS fourth FROM tokenauth_rotate(:'third', grace => '10 days') \gset
SELECT expires_at - now() < '1 day 1 minute' AS not_longer FROM tokenauth_identify(:'third');
-- rolled back, the old one goes on
BEGIN;
SELECT length(token) FROM tokenauth_rotate(:'fourth');
SELECT status FROM tokenauth_identify(:'fourth');
ROLLBACK;
SELECT status FROM tokenauth_identify(:'fourth');

-- By id and owner, for ids of any type.
SELECT tokenauth_revoke(:'next_id', '00000000-0000-0000-0000-00000000000c');
SELECT tokenauth_revoke(:'next_id', '00000000-0000-0000-0000-00000000000b');
SELECT tokenauth_revoke(:'next_id'::text, '00000000-0000-0000-0000-00000000000b'::text, 'tok');
SELECT tokenauth_revoke('x'::text, 'y'::text);
SELECT tokenauth_revoke('x'::text, 'y'::text, 'tok');
SELECT tokenauth_detach('tok');
DROP TABLE tok;

-- Renewed: only if little is left, never past the end.
CREATE TABLE sess (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash bytea UNIQUE, user_id text,
    expires_at timestamp, created_at timestamp DEFAULT timezone('UTC', now()), writes int DEFAULT 0);
CREATE FUNCTION count_writes() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.writes = OLD.writes + 1; RETURN NEW; END $$;
CREATE TRIGGER count_writes BEFORE UPDATE ON sess FOR EACH ROW EXECUTE FUNCTION count_writes();
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', sliding_ttl => '30 days');
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', sliding_ttl => '30 days', sliding_threshold => '-7 days');
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', sliding_ttl => '30 days', sliding_threshold => '30 days');
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', max_lifetime => '1 day', created_column => '');
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', token_encoding => 'hex', checksum => true);
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea', sliding_ttl => '30 days', sliding_threshold => '7 days',
    max_lifetime => '90 days', on_revoke => 'delete');
SELECT token, token_id FROM tokenauth_issue('u') \gset
SELECT :'token_id' AS id, tokenauth_renew(:'token') - now() BETWEEN '29 days 23:59' AND '30 days 00:01' AS full;
SELECT writes FROM sess;
UPDATE sess SET expires_at = timezone('UTC', now()) + '6 days';
SELECT tokenauth_renew(:'token') - now() BETWEEN '29 days 23:59' AND '30 days 00:01' AS full;
SELECT tokenauth_renew(:'token') - now() BETWEEN '29 days 23:59' AND '30 days 00:01' AS full;
SELECT writes FROM sess;
UPDATE sess SET expires_at = timezone('UTC', now()) + '6 days', created_at = timezone('UTC', now()) - interval '80 days';
SELECT tokenauth_renew(:'token') - now() BETWEEN '9 days 23:59' AND '10 days 00:01' AS to_the_end;
UPDATE sess SET created_at = timezone('UTC', now()) - interval '85 days', expires_at = timezone('UTC', now()) + '5 days';
SELECT tokenauth_renew(:'token') - now() BETWEEN '4 days 23:59' AND '5 days 00:01' AS at_the_end;
SELECT writes FROM sess;
UPDATE sess SET created_at = NULL;
SELECT tokenauth_renew(:'token') - now() BETWEEN '4 days 23:59' AND '5 days 00:01' AS not_without_a_beginning;
SELECT tokenauth_issue('u', attributes => '{"created_at": "2030-01-01"}');
UPDATE sess SET expires_at = timezone('UTC', now()) - interval '1 second';
SELECT tokenauth_renew(:'token'), tokenauth_renew('nothing'), tokenauth_renew(NULL);
-- rotated: a sliding session begins anew; a grace would be renewed, too
UPDATE sess SET expires_at = timezone('UTC', now()) + '1 day', created_at = timezone('UTC', now());
SELECT tokenauth_rotate(:'token', grace => '1 hour');
SELECT expires_at - now() BETWEEN '29 days 23:59' AND '30 days 00:01' AS full FROM tokenauth_rotate(:'token');
SELECT tokenauth_detach('sess');
SELECT tokenauth_attach('sess', stored_as => 'sha256-bytea');
SELECT token FROM tokenauth_issue('u') \gset
SELECT tokenauth_renew(:'token');
SELECT expires_at FROM tokenauth_rotate(:'token', grace => '1 hour');
DROP TABLE sess;
DROP FUNCTION count_writes;

-- Tokens of other shapes.
CREATE TABLE shape (token text PRIMARY KEY, user_id int);
SELECT tokenauth_attach('shape', token_column => 'token', token_encoding => 'hex', prefix => 'abc');
SELECT token ~ '^abc[0-9a-f]{65}$' AS form, tokenauth_resolve(token, 0) FROM tokenauth_issue('1');
SELECT tokenauth_detach('shape');
SELECT tokenauth_attach('shape', token_column => 'token', token_encoding => 'base64url', prefix => 'a-b');
SELECT token ~ '^a-b[0-9A-Za-z_-]{44}$' AS form, tokenauth_resolve(token, 0) FROM tokenauth_issue('2'), generate_series(1, 5);
SELECT tokenauth_detach('shape');
SELECT tokenauth_attach('shape', token_column => 'token', stored_as => 'plaintext', prefix => 'key');
SELECT token ~ '^key_[0-9A-Za-z]{33}$' AS form, tokenauth_resolve(token, 0) FROM tokenauth_issue('3');
SELECT count(*) FROM shape WHERE token LIKE 'key\_%' AND tokenauth_resolve(token, 0) = 3;
SELECT status FROM tokenauth_list('3');
-- a failing constraint quotes the row, in which the token stands
ALTER TABLE shape ADD token_prefix varchar(5), ADD CONSTRAINT never CHECK (user_id <> 4);
SELECT tokenauth_issue('4');
SELECT length(token_prefix) FROM tokenauth_issue('5');
SELECT length(token_prefix) FROM shape WHERE user_id = 5;
-- where a token has several rows, the verdict is not on each of them
ALTER TABLE shape DROP CONSTRAINT shape_pkey, ADD revoked_at timestamptz, ADD note text;
CREATE INDEX ON shape (token);
SELECT tokenauth_detach('shape');
SELECT tokenauth_attach('shape', token_column => 'token', stored_as => 'plaintext', claims => '{note}');
INSERT INTO shape (token, user_id, revoked_at, note) VALUES ('shared', 6, now(), 'six'), ('shared', 7, NULL, 'seven');
SELECT status, claims FROM tokenauth_list('6', include_dead => true);
SELECT status, claims FROM tokenauth_list('7', include_dead => true);
DROP TABLE shape;

-- Exchanged: once.
CREATE TABLE pairing (token_hash text PRIMARY KEY, user_id text NOT NULL, expires_at timestamptz NOT NULL,
    used_at timestamptz, revoked_at timestamptz);
CREATE TABLE session (token_hash text PRIMARY KEY, user_id text NOT NULL, device text NOT NULL, expires_at timestamptz NOT NULL);
SELECT tokenauth_attach('pairing', prefix => 'p_');
SELECT tokenauth_attach('session', prefix => 's_', claims => '{device}');
SELECT tokenauth_issue('u');
SELECT token AS code FROM tokenauth_issue('u', 'pairing', '15 minutes') \gset
SELECT status FROM tokenauth_identify(:'code');
-- refused: the code is still good
SELECT tokenauth_exchange(:'code', 'session');
SELECT tokenauth_exchange(:'code', 'session', '90 days', '{"nothing": 1}');
SELECT tokenauth_exchange(:'code', NULL);
SELECT status FROM tokenauth_identify(:'code');
BEGIN;
SELECT status, left(token, 2), expires_at - now() > '89 days' AS lifetime
FROM tokenauth_exchange(:'code', 'session', '90 days', '{"device": "d"}');
SELECT status FROM tokenauth_identify(:'code');
ROLLBACK;
SELECT status FROM tokenauth_identify(:'code');
SELECT status, token AS session FROM tokenauth_exchange(:'code', 'session', '90 days', '{"device": "d"}') \gset
SELECT status, user_id, claims FROM tokenauth_identify(:'session');
SELECT * FROM tokenauth_exchange(:'code', 'session', '90 days', '{"device": "d"}');
INSERT INTO pairing VALUES (encode(sha256('p_old'), 'hex'), 'u', '-infinity', NULL, NULL),
    (encode(sha256('p_revoked'), 'hex'), 'u', 'infinity', NULL, now());
SELECT t, e.* FROM unnest(ARRAY['p_old', 'p_revoked', 'p_unknown', '', NULL]) t,
    tokenauth_exchange(t, 'session', '90 days', '{"device": "d"}') e;
SELECT tokenauth_exchange(:'session', 'session', '90 days', '{"device": "d"}');
SELECT count(*) FROM session;
-- A trigger that swallows the change swallows no error: nothing is handed out.
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE UPDATE ON pairing FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT token AS code FROM tokenauth_issue('u', 'pairing', '15 minutes') \gset
SELECT tokenauth_exchange(:'code', 'session', '90 days', '{"device": "d"}');
SELECT tokenauth_rotate(:'code');
SELECT tokenauth_revoke(:'code');
SELECT tokenauth_revoke_user('u', 'pairing');
SELECT count(*) FROM session;
DROP TABLE pairing, session;
DROP FUNCTION swallow;
