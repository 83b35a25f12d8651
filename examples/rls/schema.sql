-- Rows that belong to users, and an api role that sees those of the user whose
-- token it has shown.  Run as a superuser in an empty database, on a server
-- with shared_preload_libraries = 'tokenauth':
--
--      psql -v ON_ERROR_STOP=1 -f schema.sql

BEGIN;

CREATE EXTENSION tokenauth CASCADE;

-- Who owns what; neither logs in.  Row-level security does not apply to a
-- table's owner, so the api must not be it.
CREATE ROLE app_owner;
-- What the service connects as; give it a password.
CREATE ROLE api LOGIN;

-- The tokens: the api has no right on them whatever.
SELECT tokenauth_create_table('personal_access_token', prefix => 'demo_');

CREATE SCHEMA app AUTHORIZATION app_owner;
GRANT USAGE ON SCHEMA app TO api;

-- Policies and defaults ask as the role that runs the query.
GRANT EXECUTE ON FUNCTION tokenauth_authenticate, tokenauth_user TO api;

SET LOCAL ROLE app_owner;

CREATE TABLE app.project (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL DEFAULT tokenauth_user(),
    name text NOT NULL
);
CREATE INDEX ON app.project (owner);

CREATE TABLE app.task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project bigint NOT NULL REFERENCES app.project ON DELETE CASCADE,
    title text NOT NULL
);
CREATE INDEX ON app.task (project);

ALTER TABLE app.project ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.task ENABLE ROW LEVEL SECURITY;

-- In a sub-select the user is asked for once a query, not once a row; the
-- index can be used, and workers of a parallel plan get the answer.  Nobody
-- authenticated is NULL, which owns nothing.  Without WITH CHECK the same
-- holds for what is written.
CREATE POLICY own ON app.project TO api
    USING (owner = (SELECT tokenauth_user()));

-- A task is its project's, whose policy applies in here, too.
CREATE POLICY own ON app.task TO api
    USING (project IN (SELECT id FROM app.project));

GRANT SELECT, INSERT, UPDATE, DELETE ON app.project, app.task TO api;

RESET ROLE;
COMMIT;
