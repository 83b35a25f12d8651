--
-- Rotation: a successor's life does not depend on how often the answer was
-- lost, and a unique index over live tokens does not prevent a rotation.
--
\set SHOW_CONTEXT never
CREATE TABLE tok (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, token_hash text UNIQUE, user_id text,
    created_at timestamptz DEFAULT now(), expires_at timestamptz, revoked boolean NOT NULL DEFAULT false);
SELECT tokenauth_attach('tok', prefix => 't_');
-- How long a token lives from now on, in whole hours; '-' if for ever.
CREATE FUNCTION hours(token text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN status <> 'valid' THEN status
        ELSE coalesce(round(extract(epoch FROM expires_at - clock_timestamp()) / 3600)::text, '-') END FROM tokenauth_identify(token)
$$;

-- One that never expires: neither do its successors, nor theirs.
SELECT token AS old FROM tokenauth_issue('u') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next3 FROM tokenauth_rotate(:'old', grace => '1 hour') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next3') AS third;
SELECT token AS next4 FROM tokenauth_rotate(:'old', grace => '1 day') \gset
SELECT token AS next5 FROM tokenauth_rotate(:'old') \gset
SELECT hours(:'old') AS old, hours(:'next4') AS fourth, hours(:'next5') AS fifth;
-- in the middle of its life: the successor has as long a life, each time
SELECT token AS old FROM tokenauth_issue('u', expires_in => '100 hours') \gset
UPDATE tok SET created_at = created_at - interval '60 hours', expires_at = expires_at - interval '60 hours'
WHERE token_hash = encode(sha256(:'old'), 'hex');
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second;
-- rotated with a grace that is longer than what is left: as ever
SELECT token AS old FROM tokenauth_issue('u', expires_in => '3 hours') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '10 hours') \gset
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next3 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next3') AS third;
-- an expiry that is set since is the life
UPDATE tok SET expires_at = created_at + interval '5 hours' WHERE token_hash = encode(sha256(:'old'), 'hex');
SELECT token AS next4 FROM tokenauth_rotate(:'old') \gset
SELECT hours(:'next4') AS fourth;
-- An administrator shortens all lives meanwhile: the old token's is shorter
-- already, and so stays as it was, but its next successor's life is that short.
SELECT token AS old FROM tokenauth_issue('cap', 'tok') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
UPDATE tok SET expires_at = least(expires_at, now() + interval '24 hours') WHERE user_id = 'cap';
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next3 FROM tokenauth_rotate(:'old') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next3') AS third;
-- or ends the successor: another lives as long as the old token
SELECT token AS old FROM tokenauth_issue('cap', 'tok', '100 hours') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT tokenauth_revoke(:'next1');
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next3 FROM tokenauth_rotate(:'old', grace => '1 hour') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next3') AS third;
DELETE FROM tok WHERE user_id = 'cap';
-- the same where the table holds the tokens themselves
CREATE TABLE clear (token text UNIQUE, user_id text, expires_at timestamptz);
SELECT tokenauth_attach('clear', prefix => 'clear_', token_column => 'token', stored_as => 'plaintext', on_revoke => 'delete');
SELECT token AS old FROM tokenauth_issue('u', 'clear') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
UPDATE clear SET expires_at = least(expires_at, now() + interval '24 hours');
SELECT token AS next3 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
DELETE FROM clear WHERE token = :'next3';
SELECT token AS next4 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next4') AS fourth;
SELECT count(*) FROM tokenauth_retiring r, clear c WHERE position(convert_to(c.token, 'UTF8') IN r.successor) > 0;
SELECT tokenauth_detach('clear');
DROP TABLE clear;
-- rolled back, nothing has happened
SELECT token AS old FROM tokenauth_issue('u') \gset
BEGIN;
SELECT length(token) FROM tokenauth_rotate(:'old', grace => '2 hours');
ROLLBACK;
SELECT hours(:'old');
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
BEGIN;
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '1 hour') \gset
ROLLBACK;
SELECT token AS next3 FROM tokenauth_rotate(:'old', grace => '1 hour') \gset
SELECT hours(:'next1') AS first, hours(:'next2') AS second, hours(:'next3') AS third;
-- where the time is kept in whole seconds and without a zone
CREATE TABLE coarse (token_hash text PRIMARY KEY, user_id text, expires_at timestamp(0));
SELECT tokenauth_attach('coarse', prefix => 'c_', timezone => 'Asia/Kolkata');
SELECT token AS old FROM tokenauth_issue('u', 'coarse', '100 hours') \gset
SELECT token AS next1 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT token AS next2 FROM tokenauth_rotate(:'old', grace => '2 hours') \gset
SELECT hours(:'old') AS old, hours(:'next1') AS first, hours(:'next2') AS second;

-- What is kept of graces: digests, while they last.
SELECT count(*) FILTER (WHERE shortened_to < now()) AS over, count(*) > 0 AS some, bool_and(length(token_hash) = 32) AS digests
FROM tokenauth_retiring;
DELETE FROM tokenauth_retiring;
SELECT token AS old FROM tokenauth_issue('u', 'tok') \gset
SELECT length(token) FROM tokenauth_rotate(:'old', grace => '300 milliseconds');
SELECT count(*) FROM tokenauth_retiring, pg_sleep(0.31);
SELECT token AS old FROM tokenauth_issue('u', 'tok') \gset
SELECT length(token) FROM tokenauth_rotate(:'old', grace => '2 hours');
SELECT count(*) FROM tokenauth_retiring;

-- One live token for a user and a device: the old one dies before the new one
-- is there.
CREATE TABLE device (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), token_hash text UNIQUE, user_id text NOT NULL,
    device text NOT NULL, expires_at timestamptz, revoked_at timestamptz);
CREATE UNIQUE INDEX device_one ON device (user_id, device) WHERE revoked_at IS NULL;
SELECT tokenauth_attach('device', prefix => 'd_');
SELECT token FROM tokenauth_issue('u', 'device', attributes => '{"device": "phone"}') \gset
SELECT token AS next FROM tokenauth_rotate(:'token') \gset
SELECT device, count(*), count(revoked_at) AS revoked FROM device GROUP BY 1;
SELECT status FROM tokenauth_identify(:'token');
SELECT status, user_id FROM tokenauth_identify(:'next');
-- with a grace both would be live
SELECT tokenauth_rotate(:'next', grace => '1 hour');
SELECT status, expires_at FROM tokenauth_identify(:'next');
-- what is copied is what stood there before: not what revoking wrote
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.device = NEW.device || ' (revoked)'; RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON device FOR EACH ROW EXECUTE FUNCTION stamp();
SELECT token AS last FROM tokenauth_rotate(:'next') \gset
SELECT device, revoked_at IS NULL AS live, token_hash = encode(sha256(:'last'), 'hex') AS last FROM device ORDER BY 1, 2;
DROP TRIGGER stamp ON device;
-- one row for a device, dead or alive
DROP INDEX device_one;
DELETE FROM device WHERE revoked_at IS NOT NULL;
ALTER TABLE device ADD UNIQUE (user_id, device);
SELECT tokenauth_rotate(:'last');
SELECT status FROM tokenauth_identify(:'last');

-- A status, too, is that of the live token.
CREATE TABLE stat (token_hash text PRIMARY KEY, user_id text, status text NOT NULL);
CREATE UNIQUE INDEX ON stat (user_id) WHERE status <> 'revoked';
SELECT tokenauth_attach('stat', prefix => 's_', revoked_column => 'status', active_values => '{trial,paid}');
INSERT INTO stat VALUES (encode(sha256('s_1'), 'hex'), 'u', 'paid');
SELECT status FROM tokenauth_rotate('s_1') r, tokenauth_identify(r.token);
SELECT status FROM stat ORDER BY 1;
-- A token with several rows has no one row to be copied.
CREATE TABLE twice (token text, user_id text, revoked boolean);
CREATE INDEX ON twice (token);
SELECT tokenauth_attach('twice', prefix => 'w_', token_column => 'token', stored_as => 'plaintext');
INSERT INTO twice VALUES ('w_1', 'u', false), ('w_1', 'u', true);
SELECT status FROM tokenauth_identify('w_1');
SELECT tokenauth_rotate('w_1');

-- A successor lives no longer than max_lifetime, as any new token.
CREATE TABLE capped (LIKE tok INCLUDING ALL);
SELECT tokenauth_attach('capped', prefix => 'cap_', max_lifetime => '10 hours');
INSERT INTO capped (token_hash, user_id, created_at, expires_at)
VALUES (encode(sha256('cap_1'), 'hex'), 'u', now(), NULL),
    (encode(sha256('cap_2'), 'hex'), 'u', now() - interval '100 days', now() + interval '1 hour'),
    (encode(sha256('cap_3'), 'hex'), 'u', now() - interval '2 hours', now() + interval '1 hour');
SELECT old, hours(token) FROM unnest('{cap_1,cap_2,cap_3}'::text[]) old, tokenauth_rotate(old) ORDER BY 1;

SELECT tokenauth_detach(source) IS NULL FROM tokenauth_sources;
DROP TABLE tok, coarse, device, stat, twice, capped;
DROP FUNCTION hours, stamp;
