/* tokenauth--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION tokenauth CASCADE" to load this file. \quit

--
-- Conventions of this script: every name is qualified; nothing exists before
-- it is created here, so nothing is replaced; EXECUTE is revoked from PUBLIC
-- right after each function's creation, for any of them could tell or change
-- what a token's owner alone should.  Grant what your application calls.
--

--
-- The registry of sources.  Read by C, by column position; written by
-- tokenauth_attach() and tokenauth_detach().
--
CREATE TABLE @extschema@.tokenauth_source (
    relation pg_catalog.regclass NOT NULL PRIMARY KEY,
    source pg_catalog.name NOT NULL UNIQUE,
    prefix pg_catalog.text UNIQUE,
    stored_as pg_catalog.text NOT NULL
        CHECK (stored_as OPERATOR(pg_catalog.=) ANY
               (ARRAY['sha256-hex', 'sha256-bytea', 'plaintext'])),
    token_encoding pg_catalog.text NOT NULL
        CHECK (token_encoding OPERATOR(pg_catalog.=) ANY
               (ARRAY['text', 'base64url', 'hex'])),
    token_column pg_catalog.name NOT NULL,
    id_column pg_catalog.name,
    user_column pg_catalog.name,
    tenant_column pg_catalog.name,
    scope_column pg_catalog.name,
    expires_column pg_catalog.name,
    revoked_column pg_catalog.name,
    used_column pg_catalog.name,
    last_used_column pg_catalog.name,
    created_column pg_catalog.name,
    active_values pg_catalog.text[],
    live_when pg_catalog.text,
    claims pg_catalog.name[],
    timezone pg_catalog.text NOT NULL,
    checksum pg_catalog.bool NOT NULL,
    sliding_ttl pg_catalog.interval,
    sliding_threshold pg_catalog.interval,
    max_lifetime pg_catalog.interval
);
REVOKE ALL ON @extschema@.tokenauth_source FROM PUBLIC;
COMMENT ON TABLE @extschema@.tokenauth_source IS
    'registry of token sources; use tokenauth_attach() and tokenauth_detach()';

-- Not the rows of tables that have been dropped: an OID would be dumped for
-- them, which elsewhere could be anything's.
SELECT pg_catalog.pg_extension_config_dump('@extschema@.tokenauth_source',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) relation)');

CREATE TABLE @extschema@.tokenauth_source_parent (
    relation pg_catalog.regclass NOT NULL
        REFERENCES @extschema@.tokenauth_source ON DELETE CASCADE,
    parent pg_catalog.regclass NOT NULL,
    source_column pg_catalog.name NOT NULL,
    parent_column pg_catalog.name NOT NULL,
    live_when pg_catalog.text,
    PRIMARY KEY (relation, source_column)
);
REVOKE ALL ON @extschema@.tokenauth_source_parent FROM PUBLIC;
COMMENT ON TABLE @extschema@.tokenauth_source_parent IS
    'registry of parents of token sources; use tokenauth_attach_parent()';

SELECT pg_catalog.pg_extension_config_dump('@extschema@.tokenauth_source_parent',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) relation)
    AND EXISTS (SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) parent)');

-- Not for calling: pg_dump restores triggers as the table's owner, who then
-- needs EXECUTE; grant it to owners that are not superusers.
CREATE FUNCTION @extschema@.tokenauth_registry_changed()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_registry_changed() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_registry_changed() IS
    'trigger of the registry of token sources';

CREATE TRIGGER registry_changed
    AFTER INSERT OR UPDATE OR DELETE ON @extschema@.tokenauth_source
    FOR EACH ROW EXECUTE FUNCTION @extschema@.tokenauth_registry_changed();
ALTER TABLE @extschema@.tokenauth_source
    ENABLE ALWAYS TRIGGER registry_changed;
CREATE TRIGGER registry_changed
    AFTER INSERT OR UPDATE OR DELETE ON @extschema@.tokenauth_source_parent
    FOR EACH ROW EXECUTE FUNCTION @extschema@.tokenauth_registry_changed();
ALTER TABLE @extschema@.tokenauth_source_parent
    ENABLE ALWAYS TRIGGER registry_changed;

CREATE FUNCTION @extschema@.tokenauth_changed()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_changed() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_changed() IS
    'trigger of attached token tables';

-- A source whose table has been dropped is none any more; the next attach
-- removes its row.
CREATE VIEW @extschema@.tokenauth_sources AS
    SELECT s.*,
        (SELECT pg_catalog.array_agg(p.parent ORDER BY p.source_column)
         FROM @extschema@.tokenauth_source_parent p
         WHERE p.relation OPERATOR(pg_catalog.=) s.relation) AS parents
    FROM @extschema@.tokenauth_source s
    WHERE EXISTS (SELECT FROM pg_catalog.pg_class c
                  WHERE c.oid OPERATOR(pg_catalog.=) s.relation);
REVOKE ALL ON @extschema@.tokenauth_sources FROM PUBLIC;
COMMENT ON VIEW @extschema@.tokenauth_sources IS
    'attached token tables and what their columns mean';

--
-- Set up
--
CREATE FUNCTION @extschema@.tokenauth_attach(
    relation pg_catalog.regclass,
    source pg_catalog.name DEFAULT NULL,
    prefix pg_catalog.text DEFAULT NULL,
    token_column pg_catalog.name DEFAULT 'token_hash',
    stored_as pg_catalog.text DEFAULT 'sha256-hex',
    token_encoding pg_catalog.text DEFAULT 'text',
    id_column pg_catalog.name DEFAULT NULL,
    user_column pg_catalog.name DEFAULT NULL,
    tenant_column pg_catalog.name DEFAULT NULL,
    scope_column pg_catalog.name DEFAULT NULL,
    expires_column pg_catalog.name DEFAULT NULL,
    revoked_column pg_catalog.name DEFAULT NULL,
    used_column pg_catalog.name DEFAULT NULL,
    last_used_column pg_catalog.name DEFAULT NULL,
    active_values pg_catalog.text[] DEFAULT NULL,
    live_when pg_catalog.text DEFAULT NULL,
    claims pg_catalog.name[] DEFAULT NULL,
    timezone pg_catalog.text DEFAULT 'UTC',
    created_column pg_catalog.name DEFAULT NULL,
    checksum pg_catalog.bool DEFAULT false,
    sliding_ttl pg_catalog.interval DEFAULT NULL,
    sliding_threshold pg_catalog.interval DEFAULT NULL,
    max_lifetime pg_catalog.interval DEFAULT NULL)
RETURNS pg_catalog.name
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_attach FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_attach IS
    'make a table of the caller''s a token source';

CREATE FUNCTION @extschema@.tokenauth_attach_parent(
    source pg_catalog.name,
    parent pg_catalog.regclass,
    source_column pg_catalog.name,
    parent_column pg_catalog.name DEFAULT 'id',
    live_when pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_attach_parent(pg_catalog.name,
    pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_attach_parent(pg_catalog.name,
    pg_catalog.regclass, pg_catalog.name, pg_catalog.name, pg_catalog.text) IS
    'make tokens depend on the rows of another table';

CREATE FUNCTION @extschema@.tokenauth_detach(source pg_catalog.name)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_detach(pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_detach(pg_catalog.name) IS
    'make a token source a mere table again';

-- A procedure that commits cannot have settings of its own; all names in its
-- SQL are qualified.
CREATE PROCEDURE @extschema@.tokenauth_hash_in_place(
    source pg_catalog.name,
    batch pg_catalog.int4 DEFAULT 10000)
AS 'MODULE_PATHNAME'
LANGUAGE C;
REVOKE ALL ON PROCEDURE @extschema@.tokenauth_hash_in_place(pg_catalog.name,
    pg_catalog.int4) FROM PUBLIC;
COMMENT ON PROCEDURE @extschema@.tokenauth_hash_in_place(pg_catalog.name,
    pg_catalog.int4) IS
    'move a source of plaintext tokens to their SHA-256, while it is in use';

CREATE FUNCTION @extschema@.tokenauth_hash_row()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_hash_row() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_hash_row() IS
    'trigger of tables that tokenauth_hash_in_place() is at work on';

-- This one runs with the caller's search_path: the table must go where the
-- caller's CREATE TABLE would put it.  All names in its SQL are qualified.
CREATE FUNCTION @extschema@.tokenauth_create_table(
    table_name pg_catalog.text DEFAULT 'personal_access_token',
    prefix pg_catalog.text DEFAULT NULL,
    checksum pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.regclass
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_create_table FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_create_table IS
    'create a standard token table, the caller''s own, and attach it';

--
-- Judge.  STABLE, so that an index can be used for WHERE owner =
-- tokenauth_resolve($1), though the answer is that of the moment.  PARALLEL
-- RESTRICTED, for only the leader knows what its transaction has written.
--
CREATE TYPE @extschema@.tokenauth_identity AS (
    status pg_catalog.text,
    source pg_catalog.name,
    user_id pg_catalog.text,
    token_id pg_catalog.text,
    tenant_id pg_catalog.text,
    scope pg_catalog.text,
    expires_at pg_catalog.timestamptz,
    claims pg_catalog.jsonb
);
REVOKE ALL ON TYPE @extschema@.tokenauth_identity FROM PUBLIC;
COMMENT ON TYPE @extschema@.tokenauth_identity IS
    'what tokenauth_identify() tells of a token';

CREATE FUNCTION @extschema@.tokenauth_resolve(
    token pg_catalog.text,
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_resolve(pg_catalog.text,
    pg_catalog.anyelement, pg_catalog.name, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_resolve(pg_catalog.text,
    pg_catalog.anyelement, pg_catalog.name, pg_catalog.text) IS
    'user id of a bearer token, or NULL if it is not valid now';

CREATE FUNCTION @extschema@.tokenauth_resolve_hash(
    digest pg_catalog.bytea,
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_resolve_hash(pg_catalog.bytea,
    pg_catalog.anyelement, pg_catalog.name, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_resolve_hash(pg_catalog.bytea,
    pg_catalog.anyelement, pg_catalog.name, pg_catalog.text) IS
    'user id of a bearer token by its SHA-256, or NULL if it is not valid now';

CREATE FUNCTION @extschema@.tokenauth_identify(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS @extschema@.tokenauth_identity
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_identify(pg_catalog.text,
    pg_catalog.name, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_identify(pg_catalog.text,
    pg_catalog.name, pg_catalog.text) IS
    'status of a bearer token and, if it is valid, whose it is';

--
-- Bind.  The identity is kept in the backend that has authenticated, hence
-- PARALLEL RESTRICTED.  The readers are revoked from PUBLIC as well: whom a
-- session serves is not for every function and role that it passes through.
-- Policies ask as the role that runs the query, so grant them to it.
--
CREATE FUNCTION @extschema@.tokenauth_authenticate(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_authenticate(pg_catalog.text,
    pg_catalog.name, pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_authenticate(pg_catalog.text,
    pg_catalog.name, pg_catalog.text) IS
    'bind the identity of a valid bearer token to this transaction';

CREATE FUNCTION @extschema@.tokenauth_user(
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_user(pg_catalog.anyelement) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_user(pg_catalog.anyelement) IS
    'user id bound to this transaction, or NULL';

CREATE FUNCTION @extschema@.tokenauth_tenant(
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_tenant(pg_catalog.anyelement) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_tenant(pg_catalog.anyelement) IS
    'tenant id bound to this transaction, or NULL';

CREATE FUNCTION @extschema@.tokenauth_token_id()
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_token_id() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_token_id() IS
    'id of the token bound to this transaction, or NULL';

CREATE FUNCTION @extschema@.tokenauth_has_scope(scope pg_catalog.text)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_has_scope(pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_has_scope(pg_catalog.text) IS
    'whether the token bound to this transaction has that scope';

CREATE FUNCTION @extschema@.tokenauth_claims()
RETURNS pg_catalog.jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_claims() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_claims() IS
    'claims of the token bound to this transaction, or NULL';

--
-- Live
--
CREATE FUNCTION @extschema@.tokenauth_revoke(token pg_catalog.text)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'tokenauth_revoke_token'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.text) IS
    'revoke a token; true if this call did it';

CREATE FUNCTION @extschema@.tokenauth_revoke(
    id pg_catalog.uuid,
    user_id pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'tokenauth_revoke_id'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.uuid,
    pg_catalog.uuid, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.uuid,
    pg_catalog.uuid, pg_catalog.name) IS
    'revoke a user''s token by its id; true if this call did it';

CREATE FUNCTION @extschema@.tokenauth_revoke_user(
    user_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_revoke_user(pg_catalog.text, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_revoke_user(pg_catalog.text, pg_catalog.name) IS
    'revoke all tokens of a user; how many this call has revoked';

CREATE FUNCTION @extschema@.tokenauth_revoke_tenant(
    tenant_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_revoke_tenant(pg_catalog.text, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_revoke_tenant(pg_catalog.text, pg_catalog.name) IS
    'revoke all tokens of a tenant; how many this call has revoked';

--
-- Live: what makes, replaces and lists tokens.  Plaintext is returned by
-- these once and kept nowhere.
--
CREATE TYPE @extschema@.tokenauth_issued AS (
    token pg_catalog.text,
    token_id pg_catalog.text,
    token_prefix pg_catalog.text,
    expires_at pg_catalog.timestamptz
);
REVOKE ALL ON TYPE @extschema@.tokenauth_issued FROM PUBLIC;
COMMENT ON TYPE @extschema@.tokenauth_issued IS
    'a new token, as tokenauth_issue() and tokenauth_rotate() return it';

CREATE TYPE @extschema@.tokenauth_exchanged AS (
    status pg_catalog.text,
    token pg_catalog.text,
    token_id pg_catalog.text,
    expires_at pg_catalog.timestamptz
);
REVOKE ALL ON TYPE @extschema@.tokenauth_exchanged FROM PUBLIC;
COMMENT ON TYPE @extschema@.tokenauth_exchanged IS
    'what tokenauth_exchange() returns';

CREATE FUNCTION @extschema@.tokenauth_issue(
    user_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    expires_in pg_catalog.interval DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL,
    tenant_id pg_catalog.text DEFAULT NULL,
    attributes pg_catalog.jsonb DEFAULT '{}')
RETURNS @extschema@.tokenauth_issued
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_issue FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_issue IS
    'make a new token; its text is returned this once';

CREATE FUNCTION @extschema@.tokenauth_rotate(
    token pg_catalog.text,
    grace pg_catalog.interval DEFAULT '0',
    source pg_catalog.name DEFAULT NULL)
RETURNS @extschema@.tokenauth_issued
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_rotate FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_rotate IS
    'replace a token by a new one; the old one dies now, or after a grace';

CREATE FUNCTION @extschema@.tokenauth_renew(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_renew FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_renew IS
    'extend a token of sliding expiry if little is left; when it expires now';

CREATE FUNCTION @extschema@.tokenauth_exchange(
    token pg_catalog.text,
    into_source pg_catalog.name,
    expires_in pg_catalog.interval DEFAULT NULL,
    attributes pg_catalog.jsonb DEFAULT '{}',
    source pg_catalog.name DEFAULT NULL)
RETURNS @extschema@.tokenauth_exchanged
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_exchange FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_exchange IS
    'use up a single-use token for a new token of another source';

CREATE FUNCTION @extschema@.tokenauth_list(
    user_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    include_dead pg_catalog.bool DEFAULT false,
    OUT token_id pg_catalog.text,
    OUT token_prefix pg_catalog.text,
    OUT scope pg_catalog.text,
    OUT created_at pg_catalog.timestamptz,
    OUT expires_at pg_catalog.timestamptz,
    OUT last_used_at pg_catalog.timestamptz,
    OUT status pg_catalog.text,
    OUT claims pg_catalog.jsonb)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_list FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_list IS
    'a user''s tokens, newest first, without what they are';

CREATE FUNCTION @extschema@.tokenauth_revoke(
    id pg_catalog.text,
    user_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'tokenauth_revoke_text_id'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.text,
    pg_catalog.text, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_revoke(pg_catalog.text,
    pg_catalog.text, pg_catalog.name) IS
    'revoke a user''s token by its id; true if this call did it';

--
-- Operate
--
CREATE FUNCTION @extschema@.tokenauth_flush(source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_flush(pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_flush(pg_catalog.name) IS
    'stop believing what is cached for a source, or for all';

CREATE FUNCTION @extschema@.tokenauth_flush_user(
    user_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_flush_user(pg_catalog.text, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_flush_user(pg_catalog.text, pg_catalog.name) IS
    'stop believing what is cached for a user';

CREATE FUNCTION @extschema@.tokenauth_flush_tenant(
    tenant_id pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_flush_tenant(pg_catalog.text, pg_catalog.name) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_flush_tenant(pg_catalog.text, pg_catalog.name) IS
    'stop believing what is cached for a tenant';

CREATE FUNCTION @extschema@.tokenauth_flush_last_used()
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_flush_last_used() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_flush_last_used() IS
    'write the last uses noted so far into the token tables now; how many rows that has changed';

CREATE FUNCTION @extschema@.tokenauth_warm(
    source pg_catalog.name DEFAULT NULL,
    max_rows pg_catalog.int8 DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_warm(pg_catalog.name, pg_catalog.int8) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_warm(pg_catalog.name, pg_catalog.int8) IS
    'load live tokens into the cache, the most recently used first; how many';

CREATE FUNCTION @extschema@.tokenauth_ready(source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_ready(pg_catalog.name) FROM PUBLIC;
-- a readiness probe is a monitor
GRANT EXECUTE ON FUNCTION @extschema@.tokenauth_ready(pg_catalog.name) TO pg_monitor;
COMMENT ON FUNCTION @extschema@.tokenauth_ready(pg_catalog.name) IS
    'has the warming asked for ended, and is nothing badly wrong?';

CREATE FUNCTION @extschema@.tokenauth_stats_sources(
    OUT source pg_catalog.name,
    OUT hit_ratio pg_catalog.float8,
    OUT hits pg_catalog.int8,
    OUT negative_hits pg_catalog.int8,
    OUT misses pg_catalog.int8,
    OUT negative_lookups pg_catalog.int8,
    OUT publishes pg_catalog.int8,
    OUT publishes_skipped pg_catalog.int8,
    OUT uncacheable pg_catalog.int8,
    OUT evictions pg_catalog.int8,
    OUT invalidations pg_catalog.int8,
    OUT bypasses_disabled pg_catalog.int8,
    OUT bypasses_own_writes pg_catalog.int8,
    OUT bypasses_fenced pg_catalog.int8,
    OUT bypasses_source pg_catalog.int8,
    OUT uses_noted pg_catalog.int8,
    OUT uses_dropped pg_catalog.int8,
    OUT uses_written pg_catalog.int8,
    OUT entries pg_catalog.int8,
    OUT bytes pg_catalog.int8,
    OUT last_flush pg_catalog.timestamptz,
    OUT last_warm pg_catalog.timestamptz,
    OUT stats_reset pg_catalog.timestamptz,
    OUT note pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_stats_sources() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.tokenauth_stats_sources() TO pg_monitor;
COMMENT ON FUNCTION @extschema@.tokenauth_stats_sources() IS
    'what lies behind the view tokenauth_stats';

CREATE VIEW @extschema@.tokenauth_stats AS
    SELECT * FROM @extschema@.tokenauth_stats_sources();
REVOKE ALL ON @extschema@.tokenauth_stats FROM PUBLIC;
GRANT SELECT ON @extschema@.tokenauth_stats TO pg_monitor;
COMMENT ON VIEW @extschema@.tokenauth_stats IS
    'activity of each token source, since stats_reset';
COMMENT ON COLUMN @extschema@.tokenauth_stats.source IS
    'name of the token source';
COMMENT ON COLUMN @extschema@.tokenauth_stats.hit_ratio IS
    'hits and negative_hits among all judgements; NULL if there were none';
COMMENT ON COLUMN @extschema@.tokenauth_stats.hits IS
    'valid tokens answered from the cache';
COMMENT ON COLUMN @extschema@.tokenauth_stats.negative_hits IS
    'refusals answered from the cache';
COMMENT ON COLUMN @extschema@.tokenauth_stats.misses IS
    'judged by the table, because nothing was cached, or nothing to be believed any more';
COMMENT ON COLUMN @extschema@.tokenauth_stats.negative_lookups IS
    'refusals that the table was asked for, whether missed or bypassed';
COMMENT ON COLUMN @extschema@.tokenauth_stats.publishes IS
    'answers put into the cache';
COMMENT ON COLUMN @extschema@.tokenauth_stats.publishes_skipped IS
    'answers not put into the cache: busy, full, single use, not wanted';
COMMENT ON COLUMN @extschema@.tokenauth_stats.uncacheable IS
    'answers too long for an entry, or true only for now';
COMMENT ON COLUMN @extschema@.tokenauth_stats.evictions IS
    'live valid entries pushed out by others';
COMMENT ON COLUMN @extschema@.tokenauth_stats.invalidations IS
    'changes of tokens that were committed';
COMMENT ON COLUMN @extschema@.tokenauth_stats.bypasses_disabled IS
    'judged by the table, because tokenauth.enabled is off';
COMMENT ON COLUMN @extschema@.tokenauth_stats.bypasses_own_writes IS
    'judged by the table, because the transaction had changed tokens';
COMMENT ON COLUMN @extschema@.tokenauth_stats.bypasses_fenced IS
    'judged by the table, because a change was just being committed';
COMMENT ON COLUMN @extschema@.tokenauth_stats.bypasses_source IS
    'judged by the table, because the source cannot be cached; see note';
COMMENT ON COLUMN @extschema@.tokenauth_stats.uses_noted IS
    'last uses to be written into the table';
COMMENT ON COLUMN @extschema@.tokenauth_stats.uses_dropped IS
    'last uses for which there was no room, or which could not be written';
COMMENT ON COLUMN @extschema@.tokenauth_stats.uses_written IS
    'last uses that have been written';
COMMENT ON COLUMN @extschema@.tokenauth_stats.entries IS
    'places that it takes in the cache';
COMMENT ON COLUMN @extschema@.tokenauth_stats.bytes IS
    'shared memory of these entries';
COMMENT ON COLUMN @extschema@.tokenauth_stats.last_flush IS
    'when last uses were last written; NULL if not since the server''s start';
COMMENT ON COLUMN @extschema@.tokenauth_stats.last_warm IS
    'when live tokens were last loaded; NULL if not since the server''s start';
COMMENT ON COLUMN @extschema@.tokenauth_stats.stats_reset IS
    'since when there are these figures';
COMMENT ON COLUMN @extschema@.tokenauth_stats.note IS
    'why the source is not cached now; NULL if it is';

CREATE FUNCTION @extschema@.tokenauth_stats_reset()
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_stats_reset() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.tokenauth_stats_reset() IS
    'start the figures of tokenauth_stats anew';

CREATE FUNCTION @extschema@.tokenauth_cache_entries(
    OUT source pg_catalog.name,
    OUT user_id pg_catalog.text,
    OUT tenant_id pg_catalog.text,
    OUT status pg_catalog.text,
    OUT believed pg_catalog.bool,
    OUT age pg_catalog.interval,
    OUT last_used_at pg_catalog.timestamptz,
    OUT expires_at pg_catalog.timestamptz)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_cache_entries() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.tokenauth_cache_entries() TO pg_monitor;
COMMENT ON FUNCTION @extschema@.tokenauth_cache_entries() IS
    'what lies behind the view tokenauth_cache';

CREATE VIEW @extschema@.tokenauth_cache AS
    SELECT * FROM @extschema@.tokenauth_cache_entries();
REVOKE ALL ON @extschema@.tokenauth_cache FROM PUBLIC;
GRANT SELECT ON @extschema@.tokenauth_cache TO pg_monitor;
COMMENT ON VIEW @extschema@.tokenauth_cache IS
    'what is cached of this database''s token sources, without what the tokens are';
COMMENT ON COLUMN @extschema@.tokenauth_cache.source IS
    'name of the token source';
COMMENT ON COLUMN @extschema@.tokenauth_cache.user_id IS
    'whose token it is; NULL for one that is not in the table';
COMMENT ON COLUMN @extschema@.tokenauth_cache.tenant_id IS
    'the tenant that it is for';
COMMENT ON COLUMN @extschema@.tokenauth_cache.status IS
    'as tokenauth_identify() would tell from this entry';
COMMENT ON COLUMN @extschema@.tokenauth_cache.believed IS
    'whether this session would answer by it; if not, the next use asks the table';
COMMENT ON COLUMN @extschema@.tokenauth_cache.age IS
    'since it was read from the table; NULL if tokenauth.ttl was over 18 hours';
COMMENT ON COLUMN @extschema@.tokenauth_cache.last_used_at IS
    'when the token was last used, to within tokenauth.last_used_interval';
COMMENT ON COLUMN @extschema@.tokenauth_cache.expires_at IS
    'when the token expires; NULL if it does not';

CREATE FUNCTION @extschema@.tokenauth_doctor(
    OUT severity pg_catalog.text,
    OUT source pg_catalog.name,
    OUT finding pg_catalog.text,
    OUT fix pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
REVOKE ALL ON FUNCTION @extschema@.tokenauth_doctor() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION @extschema@.tokenauth_doctor() TO pg_monitor;
COMMENT ON FUNCTION @extschema@.tokenauth_doctor() IS
    'what is wrong, the worst first, and the SQL that cures it';
