--
-- tokenauth_grant(): what it grants, and that it grants no more than its caller may.
--
CREATE ROLE "Tokenauth svc";
CREATE ROLE tokenauth_api;
CREATE ROLE tokenauth_third;
-- without their arguments, of which functions with two ids have several
\pset format unaligned
SELECT what, regexp_replace(statement, '\([^()]*\)', '', 'g') AS statement
FROM unnest('{resolve,bind,hash,issue,attach,operate}'::text[]) WITH ORDINALITY w (what, n),
    tokenauth_grant('tokenauth_api', what) statement ORDER BY n;
\pset format aligned
-- what it has said is what the role has now
SELECT p.proname, count(*) FROM pg_proc p WHERE p.proname LIKE 'tokenauth\_%'
    AND NOT has_function_privilege('tokenauth_api', p.oid, 'EXECUTE') GROUP BY 1 ORDER BY 1;
SELECT c.oid::regclass FROM pg_class c WHERE c.relname LIKE 'tokenauth\_%' AND c.relkind IN ('r', 'v')
    AND NOT has_table_privilege('tokenauth_api', c.oid, 'SELECT') ORDER BY 1;
-- again is no error; nor a name that must be quoted, nor a parameter
SELECT * FROM tokenauth_grant('"Tokenauth svc"', 'resolve');
PREPARE g AS SELECT count(*) FROM tokenauth_grant($1, $2);
EXECUTE g('tokenauth_api', 'resolve');
DEALLOCATE g;
SELECT has_function_privilege('Tokenauth svc', 'tokenauth_resolve(text, anyelement, name, text)', 'EXECUTE') AS may,
    has_function_privilege('Tokenauth svc', 'tokenauth_issue(text, name, interval, text, anycompatiblenonarray, jsonb)', 'EXECUTE') AS may_not;
SET ROLE tokenauth_api;
SELECT count(*) FROM tokenauth_sources;
SELECT tokenauth_resolve('nothing');
RESET ROLE;

-- Refused.
SELECT tokenauth_grant('tokenauth_api', 'everything');
SELECT tokenauth_grant('tokenauth_api', NULL);
SELECT tokenauth_grant(NULL, 'resolve');
SELECT tokenauth_grant('public', 'resolve');
SELECT tokenauth_grant('-', 'resolve');
SELECT tokenauth_grant(4294967295::oid::regrole, 'resolve');
-- not by who holds it, nor by who may call it, nor partly by who may grant a part
SET ROLE tokenauth_api;
SELECT tokenauth_grant('tokenauth_third', 'issue');
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_grant TO tokenauth_api;
SET ROLE tokenauth_api;
SELECT tokenauth_grant('tokenauth_third', 'issue');
RESET ROLE;
GRANT EXECUTE ON FUNCTION tokenauth_resolve_hash, tokenauth_identify_hash, tokenauth_bind_hash, tokenauth_revoke_hash TO tokenauth_api WITH GRANT OPTION;
SET ROLE tokenauth_api;
SELECT tokenauth_grant('tokenauth_third', 'hash');
RESET ROLE;
GRANT SELECT ON tokenauth_source TO tokenauth_api WITH GRANT OPTION;
SET ROLE tokenauth_api;
SELECT tokenauth_grant('tokenauth_third', 'hash');
RESET ROLE;
SELECT count(*) FROM pg_proc WHERE proname LIKE 'tokenauth\_%' AND has_function_privilege('tokenauth_third', oid, 'EXECUTE');

-- In a schema that the role cannot use, that is granted, too; what is not a member is not.
BEGIN;
DROP EXTENSION tokenauth;
CREATE SCHEMA "Auth it";
CREATE EXTENSION tokenauth SCHEMA "Auth it";
CREATE FUNCTION "Auth it".tokenauth_identify() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION "Auth it".tokenauth_identify() FROM PUBLIC;
SELECT * FROM "Auth it".tokenauth_grant('tokenauth_api', 'resolve');
SELECT has_function_privilege('tokenauth_api', '"Auth it".tokenauth_identify()', 'EXECUTE') AS foreign_one;
ROLLBACK;
DROP OWNED BY tokenauth_api, tokenauth_third, "Tokenauth svc";
DROP ROLE tokenauth_api, tokenauth_third, "Tokenauth svc";
