-- Tables that a gateway such as PostgREST serves, without a service in between: before
-- each request it calls a function of the database's, which binds the caller's token.
-- Run as a superuser in an empty database, on a server with
-- shared_preload_libraries = 'tokenauth':
--
--      psql -v ON_ERROR_STOP=1 -f schema.sql

BEGIN;

CREATE EXTENSION tokenauth CASCADE;

-- What the gateway connects as, and the role of its requests.
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE web_user;
GRANT web_user TO authenticator;

-- The tokens: the requests have no right on them whatever.
SELECT tokenauth_create_table('personal_access_token', prefix => 'gw_', scope => true);
SELECT tokenauth_grant('web_user', 'bind');

-- Not in the schema that the gateway shows, so that nobody can call it by a URL.
CREATE SCHEMA gateway;
GRANT USAGE ON SCHEMA gateway TO web_user;

-- The header is in a setting, which ends with the transaction.  Without one the request
-- goes on as nobody.  The message is the reason; it never has the token in it.  PTnnn is
-- what PostgREST answers as that HTTP status.
CREATE FUNCTION gateway.pre_request() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = public, pg_temp
AS $$
DECLARE
    header text := nullif(current_setting('request.headers', true), '')::json ->> 'authorization';
    reason text;
BEGIN
    IF header IS NULL THEN
        RETURN;
    END IF;
    SELECT status INTO reason
    FROM tokenauth_bind(substring(header FROM '^[Bb]earer +([^ ]+) *$'));
    IF reason <> 'valid' THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = reason;
    END IF;
END
$$;
-- For policies: a 403, where the row would only not be allowed.
CREATE FUNCTION gateway.may(scope text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = public, pg_temp
AS $$
BEGIN
    IF tokenauth_user() IS NULL THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'no token';
    ELSIF NOT tokenauth_has_scope(scope) THEN
        RAISE SQLSTATE 'PT403' USING MESSAGE = 'forbidden';
    END IF;
    RETURN true;
END
$$;
REVOKE ALL ON FUNCTION gateway.pre_request(), gateway.may(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gateway.pre_request(), gateway.may(text) TO web_user;

CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO web_user;
CREATE TABLE api.note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL DEFAULT tokenauth_user(),
    body text NOT NULL
);
CREATE INDEX ON api.note (owner);
ALTER TABLE api.note ENABLE ROW LEVEL SECURITY;

-- Everybody reads what is his own; who writes needs the scope, too.
CREATE POLICY reads ON api.note FOR SELECT TO web_user
    USING (owner = (SELECT tokenauth_user()));
CREATE POLICY writes ON api.note FOR INSERT TO web_user
    WITH CHECK (gateway.may('write') AND owner = (SELECT tokenauth_user()));
GRANT SELECT, INSERT ON api.note TO web_user;

COMMIT;
