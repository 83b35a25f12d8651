--
-- A registry of another form than this version's: its columns are found by
-- name, and what is not understood is refused.
--
SELECT tokenauth_create_table('reg', prefix => 'reg_');
INSERT INTO reg (user_id, token_hash) VALUES
('00000000-0000-0000-0000-00000000000a', encode(sha256('reg_1'), 'hex'));
SELECT tokenauth_resolve('reg_1');

-- The columns stand elsewhere, and one was dropped.
BEGIN;
ALTER EXTENSION tokenauth DROP VIEW tokenauth_sources;
DROP VIEW tokenauth_sources;
ALTER TABLE tokenauth_source ADD COLUMN other name;
UPDATE tokenauth_source SET other = user_column;
ALTER TABLE tokenauth_source DROP COLUMN user_column;
ALTER TABLE tokenauth_source RENAME other TO user_column;
ALTER TABLE tokenauth_source DROP COLUMN live_when, ADD COLUMN live_when text;
SELECT tokenauth_resolve('reg_1');
SELECT tokenauth_resolve('reg_2');
ROLLBACK;

-- A column that this version does not know.
BEGIN;
ALTER TABLE tokenauth_source ADD COLUMN other text;
SELECT tokenauth_resolve('reg_1');
ROLLBACK;

-- A column that is missing, or has another type.
BEGIN;
ALTER EXTENSION tokenauth DROP VIEW tokenauth_sources;
DROP VIEW tokenauth_sources;
ALTER TABLE tokenauth_source DROP COLUMN live_when;
SELECT tokenauth_resolve('reg_1');
ROLLBACK;
BEGIN;
ALTER TABLE tokenauth_source ALTER relation_owner TYPE int USING 0;
SELECT tokenauth_resolve('reg_1');
ROLLBACK;

-- A value that this version does not know, or none.
BEGIN;
UPDATE tokenauth_source SET stored_as = 'md5-hex';
SELECT tokenauth_resolve('reg_1');
ROLLBACK;
BEGIN;
ALTER TABLE tokenauth_source ALTER timezone DROP NOT NULL;
UPDATE tokenauth_source SET timezone = NULL;
SELECT tokenauth_resolve('reg_1');
ROLLBACK;

SELECT tokenauth_resolve('reg_1');
DROP TABLE reg;
