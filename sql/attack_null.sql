--
-- What is not there where something is expected.
--

-- Two rows of one token, of which the one that speaks for it is nobody's.
CREATE TABLE shared (id int, token_hash text, user_id text, expires_at timestamptz);
CREATE INDEX ON shared (token_hash);
SELECT tokenauth_attach('shared', prefix => 'sh_');
INSERT INTO shared VALUES
    (1, encode(sha256('sh_1'), 'hex'), 'a', '2000-01-01 00:00+00'),
    (NULL, encode(sha256('sh_1'), 'hex'), NULL, NULL);
SELECT token_id, status FROM tokenauth_list('a', include_dead => true);
UPDATE shared SET id = 2, user_id = 'b' WHERE user_id IS NULL;
SELECT token_id, status FROM tokenauth_list('a', include_dead => true);
SELECT token_id, status FROM tokenauth_list('b', include_dead => true);
UPDATE shared SET id = NULL WHERE id = 2;
SELECT token_id, status FROM tokenauth_list('b', include_dead => true);
SELECT tokenauth_detach('shared');
DROP TABLE shared;

-- Each argument of tokenauth_attach(), on a table with all that it looks for.
CREATE TABLE full_table (id int PRIMARY KEY, token_hash text UNIQUE, user_id int, tenant_id int, scope text,
    expires_at timestamptz, revoked boolean, used_at timestamptz, last_used_at timestamptz, created_at timestamptz);
CREATE FUNCTION attach_with_null(argument text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT tokenauth_attach(%s%I => NULL)',
        CASE WHEN argument <> 'relation' THEN 'relation => ''full_table'', ' END, argument);
    PERFORM tokenauth_detach('full_table');
    RETURN 'attached';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlerrm;
END $$;
SELECT argument, attach_with_null(argument)
FROM pg_proc, unnest(proargnames) argument WHERE proname = 'tokenauth_attach';
DROP TABLE full_table;
DROP FUNCTION attach_with_null;
