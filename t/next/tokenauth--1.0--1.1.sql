/* tokenauth--1.0--1.1.sql, of a version that is made up */
\echo Use "ALTER EXTENSION tokenauth UPDATE" to load this file. \quit

DO LANGUAGE plpgsql $$
BEGIN
    IF pg_catalog.string_to_array((@extschema@.tokenauth_version()).library, '.')::pg_catalog.int4[]
        OPERATOR(pg_catalog.<) '{1,1}'::pg_catalog.int4[]
    THEN
        RAISE EXCEPTION 'the server has not loaded the library of tokenauth 1.1 yet'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Restart the server first.';
    END IF;
END
$$;

ALTER TABLE @extschema@.tokenauth_source ADD COLUMN closed pg_catalog.bool;
ALTER TYPE @extschema@.tokenauth_parent ADD ATTRIBUTE note pg_catalog.text;

CREATE FUNCTION @extschema@.tokenauth_added() RETURNS pg_catalog.int4
AS 'MODULE_PATHNAME' LANGUAGE C;
