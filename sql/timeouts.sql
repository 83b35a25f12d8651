--
-- tokenauth.source_timeout and statement_timeout strike one after the other, while
-- code of a table's owner holds on.  The source's limit must not hide the
-- statement's.
--
\set SHOW_CONTEXT never
CREATE FUNCTION hold_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(60);
    RETURN NULL;
EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(60);
    RETURN NULL;
END $$;
CREATE TABLE slow (token_hash text PRIMARY KEY, user_id text, revoked bool NOT NULL DEFAULT false);
CREATE TABLE quick (LIKE slow INCLUDING ALL);
SELECT tokenauth_attach('slow', prefix => 'slow_'), tokenauth_attach('quick', prefix => 'quick_');
INSERT INTO slow VALUES ('a', 'u');
CREATE TRIGGER hold_on BEFORE UPDATE ON slow EXECUTE FUNCTION hold_on();
-- a quarter of it is the first turn of one of two sources
SET tokenauth.source_timeout = '1200ms';
SET statement_timeout = '350ms';
-- which of the two that code has caught, and which has ended it, is a matter of luck
\set VERBOSITY sqlstate
SELECT tokenauth_revoke_user('u');
RESET statement_timeout;
\set VERBOSITY default
-- without it, the source is left out
SELECT tokenauth_revoke_user('u');
RESET tokenauth.source_timeout;
DROP TABLE slow, quick;
DROP FUNCTION hold_on;
