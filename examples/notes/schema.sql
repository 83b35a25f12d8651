-- The notes API's tables, and the role that the service connects as.  Run as a
-- superuser in an empty database, on a server with shared_preload_libraries = 'tokenauth'.

BEGIN;
CREATE EXTENSION tokenauth CASCADE;
SELECT tokenauth_create_table('personal_access_token', prefix => 'note_', checksum => true, scope => true);

CREATE TABLE note (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL DEFAULT tokenauth_user(),
    body text NOT NULL
);
CREATE INDEX ON note (owner, id);

-- Also without the service's own WHERE each user has his rows only.
ALTER TABLE note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON note USING (owner = (SELECT tokenauth_user()));

CREATE ROLE notes_api LOGIN;            -- no right on the token table
GRANT SELECT, INSERT ON note TO notes_api;
SELECT tokenauth_grant('notes_api', 'bind');
SELECT tokenauth_grant('notes_api', 'issue');
COMMIT;
