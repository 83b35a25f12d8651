--
-- Code of a table's owner that runs while we work on the table.
--

-- A cursor of ours is closed under us.
CREATE FUNCTION public.close_cursors(uuid) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    portal refcursor;
BEGIN
    FOR i IN 1..100 LOOP
        BEGIN
            portal := format('<unnamed portal %s>', i);
            CLOSE portal;
            RAISE NOTICE 'a cursor was closed';
        EXCEPTION WHEN invalid_cursor_name OR invalid_cursor_state THEN NULL;
        END;
    END LOOP;
    RETURN true;
END $$;
SELECT tokenauth_create_table('attack_token');
SELECT tokenauth_detach('attack_token');
SELECT tokenauth_attach('attack_token', prefix => 'atk_',
                        live_when => 'public.close_cursors(user_id)');
SELECT count(tokenauth_issue(gen_random_uuid()::text, 'attack_token'))
FROM generate_series(1, 3);
SELECT tokenauth_warm('attack_token');
SELECT tokenauth_detach('attack_token');
DROP TABLE attack_token;
DROP FUNCTION public.close_cursors;
