/* tokenauth--1.0.sql */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION tokenauth CASCADE" to load this file. \quit

--
-- Conventions of this script.  Every name is qualified.  Nothing exists before
-- the script creates it, so the script replaces nothing.  A function needs no
-- REVOKE of its own: the section "Privileges" at the end revokes everything
-- from PUBLIC, for whatever the script has created, because any function could
-- show or change what only a token's owner should.  Nobody sees the functions
-- before that, for CREATE EXTENSION is one transaction.  The section
-- "Comments" stops the script at a function without a comment.
--

--
-- The registry of sources: one row for each, with all that it depends on, so
-- that whatever part of it is dumped or restored is whole.  Read by C, by
-- column name; written by tokenauth_attach() and tokenauth_detach(), and by
-- a restore.
--

-- A table, as regclass; but if there is none of that name, it is "-", and the
-- other rows are restored all the same.
CREATE TYPE @extschema@.tokenauth_relation;

CREATE FUNCTION @extschema@.tokenauth_relation_in(pg_catalog.cstring)
RETURNS @extschema@.tokenauth_relation
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION @extschema@.tokenauth_relation_out(@extschema@.tokenauth_relation)
RETURNS pg_catalog.cstring
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL SAFE;

CREATE TYPE @extschema@.tokenauth_relation (
    INPUT = @extschema@.tokenauth_relation_in,
    OUTPUT = @extschema@.tokenauth_relation_out,
    LIKE = pg_catalog.regclass
);
CREATE CAST (@extschema@.tokenauth_relation AS pg_catalog.oid)
    WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (@extschema@.tokenauth_relation AS pg_catalog.regclass)
    WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (pg_catalog.regclass AS @extschema@.tokenauth_relation)
    WITHOUT FUNCTION AS ASSIGNMENT;
COMMENT ON TYPE @extschema@.tokenauth_relation IS
    'a table of the registry of token sources';

CREATE TYPE @extschema@.tokenauth_parent AS (
    parent @extschema@.tokenauth_relation,
    parent_name pg_catalog.text,
    parent_owner pg_catalog.oid,
    source_column pg_catalog.name,
    parent_column pg_catalog.name,
    live_when pg_catalog.text
);
COMMENT ON TYPE @extschema@.tokenauth_parent IS
    'a table whose rows the tokens of a source depend on; use tokenauth_attach_parent()';

-- The name is that of the table when it was attached, and its owner who
-- vouched for the conditions.
CREATE TABLE @extschema@.tokenauth_source (
    source pg_catalog.name NOT NULL PRIMARY KEY,
    relation @extschema@.tokenauth_relation NOT NULL,
    relation_name pg_catalog.text NOT NULL,
    relation_owner pg_catalog.oid NOT NULL,
    prefix pg_catalog.text UNIQUE,
    stored_as pg_catalog.text NOT NULL,
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
    on_revoke pg_catalog.text
        CHECK (on_revoke OPERATOR(pg_catalog.=) ANY (ARRAY['flag', 'delete', 'forget'])),
    live_when pg_catalog.text,
    claims pg_catalog.name[],
    mapping pg_catalog.jsonb,
    timezone pg_catalog.text NOT NULL,
    checksum pg_catalog.bool NOT NULL,
    sliding_ttl pg_catalog.interval,
    sliding_threshold pg_catalog.interval,
    max_lifetime pg_catalog.interval,
    parents @extschema@.tokenauth_parent[] NOT NULL DEFAULT '{}',
    parent_mappings pg_catalog.jsonb[]
);
COMMENT ON TABLE @extschema@.tokenauth_source IS
    'registry of token sources; use tokenauth_attach() and tokenauth_detach()';

-- Not the rows of tables that have been dropped: they are sources no more.
SELECT pg_catalog.pg_extension_config_dump('@extschema@.tokenauth_source',
    'WHERE EXISTS (SELECT FROM pg_catalog.pg_class c
        WHERE c.oid OPERATOR(pg_catalog.=) relation)');

CREATE FUNCTION @extschema@.tokenauth_registry_guard()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

CREATE FUNCTION @extschema@.tokenauth_registry_changed()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

CREATE TRIGGER registry_guard
    BEFORE INSERT OR UPDATE OR DELETE ON @extschema@.tokenauth_source
    FOR EACH ROW EXECUTE FUNCTION @extschema@.tokenauth_registry_guard();
CREATE TRIGGER registry_guard_truncate
    BEFORE TRUNCATE ON @extschema@.tokenauth_source
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.tokenauth_registry_guard();
CREATE TRIGGER registry_changed
    AFTER INSERT OR UPDATE OR DELETE ON @extschema@.tokenauth_source
    FOR EACH ROW EXECUTE FUNCTION @extschema@.tokenauth_registry_changed();
ALTER TABLE @extschema@.tokenauth_source
    ENABLE ALWAYS TRIGGER registry_guard,
    ENABLE ALWAYS TRIGGER registry_guard_truncate,
    ENABLE ALWAYS TRIGGER registry_changed;

-- Tokens in the grace of a rotation: what their expiry was before.  Read and
-- written by tokenauth_rotate(), which forgets what is over; not dumped, as
-- without it a grace is merely a life that ends soon.
CREATE TABLE @extschema@.tokenauth_retiring (
    relation pg_catalog.oid NOT NULL,
    token_hash pg_catalog.bytea NOT NULL,
    shortened_to pg_catalog.timestamptz NOT NULL,
    expired_at pg_catalog.timestamptz,
    successor pg_catalog.bytea NOT NULL,
    PRIMARY KEY (relation, token_hash)
);
CREATE INDEX ON @extschema@.tokenauth_retiring (shortened_to);
COMMENT ON TABLE @extschema@.tokenauth_retiring IS
    'rotated tokens in their grace; for tokenauth_rotate() alone';

CREATE FUNCTION @extschema@.tokenauth_retiring_guard()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;
CREATE TRIGGER guard
    BEFORE INSERT OR UPDATE ON @extschema@.tokenauth_retiring
    FOR EACH ROW EXECUTE FUNCTION @extschema@.tokenauth_retiring_guard();
ALTER TABLE @extschema@.tokenauth_retiring ENABLE ALWAYS TRIGGER guard;

-- All rows, for whoever may read the registry; else those of tables that the caller
-- owns, whoever has attached them.  A source whose table has been dropped is none any
-- more; the next attach removes its row.
CREATE VIEW @extschema@.tokenauth_sources WITH (security_barrier) AS
    SELECT s.relation::pg_catalog.regclass AS relation, s.source, s.prefix,
        s.stored_as, s.token_encoding, s.token_column, s.id_column,
        s.user_column, s.tenant_column, s.scope_column, s.expires_column,
        s.revoked_column, s.used_column, s.last_used_column, s.created_column,
        s.active_values, s.on_revoke, s.live_when, s.claims, s.mapping, s.timezone,
        s.checksum, s.sliding_ttl, s.sliding_threshold, s.max_lifetime,
        (SELECT pg_catalog.array_agg(p.parent::pg_catalog.regclass
                                     ORDER BY p.source_column, p.ordinality)
         FROM pg_catalog.unnest(s.parents) WITH ORDINALITY p) AS parents,
        (SELECT pg_catalog.array_agg(s.parent_mappings[p.ordinality::pg_catalog.int4]
                                     ORDER BY p.source_column, p.ordinality)
         FROM pg_catalog.unnest(s.parents) WITH ORDINALITY p
         WHERE s.parent_mappings IS NOT NULL) AS parent_mappings
    FROM @extschema@.tokenauth_source s
        LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) s.relation
    WHERE CASE WHEN pg_catalog.has_table_privilege(
                       '@extschema@.tokenauth_source'::pg_catalog.regclass, 'SELECT')
               THEN c.oid IS NOT NULL
                   OR s.relation OPERATOR(pg_catalog.=) 0::pg_catalog.oid
               ELSE pg_catalog.pg_has_role(c.relowner, 'USAGE') END;
COMMENT ON VIEW @extschema@.tokenauth_sources IS
    'attached token tables and what their columns mean';

--
-- Triggers of token tables.  Not for calling, but pg_dump restores triggers as
-- the table's owner, who then needs EXECUTE: grant it to owners that are not
-- superusers.
--
CREATE FUNCTION @extschema@.tokenauth_changed()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

CREATE FUNCTION @extschema@.tokenauth_hash_row()
RETURNS pg_catalog.trigger
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE;

--
-- Set up.  The functions of tokenauth_attach() run with the caller's search_path,
-- by which the names in a condition are looked up, and a table is created where
-- the caller's CREATE TABLE would put it.  All names in their own SQL are
-- qualified.
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
    max_lifetime pg_catalog.interval DEFAULT NULL,
    on_revoke pg_catalog.text DEFAULT NULL,
    mapping pg_catalog.jsonb DEFAULT NULL)
RETURNS pg_catalog.name
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_attach_parent(
    source pg_catalog.name,
    parent pg_catalog.regclass,
    source_column pg_catalog.name,
    parent_column pg_catalog.name DEFAULT 'id',
    live_when pg_catalog.text DEFAULT NULL,
    mapping pg_catalog.jsonb DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_detach(source pg_catalog.name)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp;

-- A procedure that commits cannot have settings of its own; all names in its
-- SQL are qualified.
CREATE PROCEDURE @extschema@.tokenauth_hash_in_place(
    source pg_catalog.name,
    batch pg_catalog.int4 DEFAULT 10000)
AS 'MODULE_PATHNAME'
LANGUAGE C;

-- This one runs with the caller's search_path: the table must go where the
-- caller's CREATE TABLE would put it.  All names in its SQL are qualified.
CREATE FUNCTION @extschema@.tokenauth_create_table(
    table_name pg_catalog.text DEFAULT 'personal_access_token',
    prefix pg_catalog.text DEFAULT NULL,
    checksum pg_catalog.bool DEFAULT false,
    user_type pg_catalog.regtype DEFAULT 'pg_catalog.uuid',
    tenant_type pg_catalog.regtype DEFAULT NULL,
    scope pg_catalog.bool DEFAULT false)
RETURNS pg_catalog.regclass
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

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
COMMENT ON TYPE @extschema@.tokenauth_identity IS
    'what tokenauth_identify() and tokenauth_bind() tell of a token';

CREATE FUNCTION @extschema@.tokenauth_resolve(
    token pg_catalog.text,
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_resolve_hash(
    digest pg_catalog.bytea,
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_identify(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS @extschema@.tokenauth_identity
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_identify_hash(
    digest pg_catalog.bytea,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS @extschema@.tokenauth_identity
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

--
-- Bind.  The identity is kept in the backend that has authenticated, hence
-- PARALLEL RESTRICTED.  PUBLIC may not read it either, because not every
-- function and role that a session uses should learn which user it serves.
-- A policy calls these as the role that runs the query: grant them to it.
--
CREATE FUNCTION @extschema@.tokenauth_authenticate(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_bind(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS @extschema@.tokenauth_identity
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_bind_hash(
    digest pg_catalog.bytea,
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL)
RETURNS @extschema@.tokenauth_identity
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_user(
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_tenant(
    as_type pg_catalog.anyelement DEFAULT NULL::pg_catalog.uuid,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.anyelement
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_source()
RETURNS pg_catalog.name
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_token_id()
RETURNS pg_catalog.text
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_has_scope(scope pg_catalog.text)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_claims()
RETURNS pg_catalog.jsonb
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE PARALLEL RESTRICTED;

--
-- Live.  The id of a user, a tenant or a token may be of any type that the caller
-- has: smallint, integer, bigint, uuid, varchar, text, or none at all, as an
-- untyped literal or a driver's parameter, which is text then.  For that an
-- argument is declared anycompatiblenonarray, if it is the only one.  Functions with
-- two such ids, which can be of two types, are overloaded: see the end of this
-- script.
--
-- By name: tokenauth_revoke(token => ..., source => ...).  Two texts are an id
-- and a user's.
CREATE FUNCTION @extschema@.tokenauth_revoke(
    token pg_catalog.text,
    source pg_catalog.name)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'tokenauth_revoke_token_of'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_revoke(token pg_catalog.text)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME', 'tokenauth_revoke_token'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_revoke_hash(
    digest pg_catalog.bytea,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_revoke_user(
    user_id pg_catalog.anycompatiblenonarray,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_revoke_tenant(
    tenant_id pg_catalog.anycompatiblenonarray,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

--
-- Live: make, replace and list tokens.  These functions return the plaintext
-- once and keep it nowhere.
--
CREATE TYPE @extschema@.tokenauth_issued AS (
    token pg_catalog.text,
    token_id pg_catalog.text,
    token_prefix pg_catalog.text,
    expires_at pg_catalog.timestamptz
);
COMMENT ON TYPE @extschema@.tokenauth_issued IS
    'a new token, as tokenauth_issue() and tokenauth_rotate() return it';

CREATE TYPE @extschema@.tokenauth_exchanged AS (
    status pg_catalog.text,
    token pg_catalog.text,
    token_id pg_catalog.text,
    expires_at pg_catalog.timestamptz
);
COMMENT ON TYPE @extschema@.tokenauth_exchanged IS
    'what tokenauth_exchange() returns';

-- By name: tokenauth_rotate(token => ..., grace => ...).  Two texts are an id and
-- a user's.
CREATE FUNCTION @extschema@.tokenauth_rotate(
    token pg_catalog.text,
    grace pg_catalog.interval DEFAULT '0',
    source pg_catalog.name DEFAULT NULL,
    attributes pg_catalog.jsonb DEFAULT '{}')
RETURNS @extschema@.tokenauth_issued
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_renew(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.timestamptz
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_exchange(
    token pg_catalog.text,
    into_source pg_catalog.name,
    expires_in pg_catalog.interval DEFAULT NULL,
    attributes pg_catalog.jsonb DEFAULT '{}',
    source pg_catalog.name DEFAULT NULL,
    scope pg_catalog.text DEFAULT NULL,
    tenant_id pg_catalog.anycompatiblenonarray DEFAULT NULL::pg_catalog.text)
RETURNS @extschema@.tokenauth_exchanged
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_list(
    user_id pg_catalog.anycompatiblenonarray,
    source pg_catalog.name DEFAULT NULL,
    include_dead pg_catalog.bool DEFAULT false,
    OUT token_id pg_catalog.text,
    OUT name pg_catalog.text,
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

--
-- Operate
--
CREATE FUNCTION @extschema@.tokenauth_flush(source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_flush_user(
    user_id pg_catalog.anycompatiblenonarray,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_flush_tenant(
    tenant_id pg_catalog.anycompatiblenonarray,
    source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.void
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;

CREATE FUNCTION @extschema@.tokenauth_flush_last_used()
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_warm(
    source pg_catalog.name DEFAULT NULL,
    max_rows pg_catalog.int8 DEFAULT NULL)
RETURNS pg_catalog.int8
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_ready(source pg_catalog.name DEFAULT NULL)
RETURNS pg_catalog.bool
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

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
    OUT verifications_refused pg_catalog.int8,
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
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE VIEW @extschema@.tokenauth_stats AS
    SELECT * FROM @extschema@.tokenauth_stats_sources();
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
COMMENT ON COLUMN @extschema@.tokenauth_stats.verifications_refused IS
    'not judged, because tokenauth.max_verifications tokens were being verified';
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
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;

CREATE VIEW @extschema@.tokenauth_cache AS
    SELECT * FROM @extschema@.tokenauth_cache_entries();
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

CREATE FUNCTION @extschema@.tokenauth_explain(
    token pg_catalog.text,
    source pg_catalog.name DEFAULT NULL,
    OUT step pg_catalog.int4,
    OUT what pg_catalog.text,
    OUT outcome pg_catalog.text)
RETURNS SETOF pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C VOLATILE PARALLEL UNSAFE;

CREATE FUNCTION @extschema@.tokenauth_version(
    OUT library pg_catalog.text,
    OUT extension pg_catalog.text)
RETURNS pg_catalog.record
AS 'MODULE_PATHNAME'
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED;

--
-- The rest needs no qualified names.
--
SET LOCAL search_path = pg_catalog, pg_temp;

--
-- Live: the functions of two ids, see above.  A smallint or integer becomes a
-- bigint, a varchar or what has no type a text.
--
DO LANGUAGE plpgsql $overloads$
DECLARE
    types text[] := '{text,uuid,bigint}';
    id text;
    user_id text;
BEGIN
    FOREACH user_id IN ARRAY types LOOP
        EXECUTE format($create$
            CREATE FUNCTION @extschema@.tokenauth_issue(
                user_id %s,
                source name DEFAULT NULL,
                expires_in interval DEFAULT NULL,
                scope text DEFAULT NULL,
                tenant_id anycompatiblenonarray DEFAULT NULL::text,
                attributes jsonb DEFAULT '{}')
            RETURNS @extschema@.tokenauth_issued
            AS 'MODULE_PATHNAME'
            LANGUAGE C VOLATILE PARALLEL UNSAFE
            $create$, user_id);
        FOREACH id IN ARRAY types LOOP
            EXECUTE format($create$
                CREATE FUNCTION @extschema@.tokenauth_revoke(
                    id %s,
                    user_id %s,
                    source name DEFAULT NULL)
                RETURNS bool
                AS 'MODULE_PATHNAME', 'tokenauth_revoke_id'
                LANGUAGE C VOLATILE PARALLEL UNSAFE
                $create$, id, user_id);
            EXECUTE format($create$
                CREATE FUNCTION @extschema@.tokenauth_rotate(
                    id %s,
                    user_id %s,
                    grace interval DEFAULT '0',
                    source name DEFAULT NULL,
                    attributes jsonb DEFAULT '{}')
                RETURNS @extschema@.tokenauth_issued
                AS 'MODULE_PATHNAME', 'tokenauth_rotate_id'
                LANGUAGE C VOLATILE PARALLEL UNSAFE
                $create$, id, user_id);
        END LOOP;
    END LOOP;
END
$overloads$;

--
-- Operate: what a service needs is many functions, some with many signatures.
-- It has no rights of its own: it grants what its caller could.
--
CREATE FUNCTION @extschema@.tokenauth_grant(role regrole, what text)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $grant$
DECLARE
    members CONSTANT text[] := CASE what
        WHEN 'resolve' THEN '{resolve,identify}'
        WHEN 'bind' THEN '{authenticate,bind,user,tenant,source,token_id,has_scope,claims}'
        WHEN 'hash' THEN '{resolve_hash,identify_hash,bind_hash,revoke_hash}'
        WHEN 'issue' THEN '{issue,rotate,renew,exchange,list,revoke,revoke_user,revoke_tenant}'
        WHEN 'attach' THEN '{create_table,attach,attach_parent,detach,hash_in_place,explain,changed,hash_row}'
        WHEN 'operate' THEN '{doctor,ready,version,warm,flush,flush_user,flush_tenant,flush_last_used,stats_reset,stats_sources,cache_entries}'
        END;
    relations CONSTANT text[] := CASE what
        WHEN 'operate' THEN '{source,stats,cache}'
        ELSE '{source}'
        END;
    statement text;
    granted bool;
BEGIN
    IF members IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('argument "what" cannot be %L', what),
            HINT = 'It is resolve, bind, hash, issue, attach or operate.';
    END IF;
    PERFORM FROM pg_roles WHERE oid = role;
    IF NOT FOUND THEN
        RAISE undefined_object USING MESSAGE = 'argument "role" is no role';
    END IF;
    FOR statement, granted IN
        WITH member AS (
            SELECT d.classid, d.objid, e.extnamespace
            FROM pg_extension e JOIN pg_depend d
                ON d.refclassid = 'pg_extension'::regclass
                AND d.refobjid = e.oid AND d.deptype = 'e'
            WHERE e.extname = 'tokenauth')
        SELECT 'GRANT ' || g.what || ' TO ' || role, g.granted
        FROM (
            SELECT 1, n.nspname::text, format('USAGE ON SCHEMA %I', n.nspname),
                has_schema_privilege(role, n.oid, 'USAGE')
            FROM pg_namespace n
            WHERE n.oid = (SELECT extnamespace FROM member LIMIT 1)
            UNION ALL
            SELECT 2, p.proname, format('EXECUTE ON ROUTINE %s',
                    string_agg(p.oid::regprocedure::text, ', ' ORDER BY p.oid)),
                false
            FROM pg_proc p JOIN member m
                ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
            WHERE p.proname = ANY (SELECT 'tokenauth_' || unnest(members))
            GROUP BY p.proname
            UNION ALL
            SELECT 3, c.relname, format('SELECT ON %s', c.oid::regclass), false
            FROM pg_class c JOIN member m
                ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
            WHERE c.relname = ANY (SELECT 'tokenauth_' || unnest(relations))
        ) AS g (kind, name, what, granted)
        ORDER BY g.kind, g.name COLLATE "C"
    LOOP
        CONTINUE WHEN granted;
        EXECUTE statement;
        RETURN NEXT statement;
    END LOOP;
    -- where a role may grant a part only, GRANT leaves the rest out with a warning
    IF EXISTS (SELECT FROM pg_depend d
               WHERE d.refclassid = 'pg_extension'::regclass
                   AND d.refobjid = (SELECT oid FROM pg_extension
                                     WHERE extname = 'tokenauth')
                   AND CASE d.classid
                       WHEN 'pg_proc'::regclass THEN
                           (SELECT proname FROM pg_proc WHERE oid = d.objid)
                           = ANY (SELECT 'tokenauth_' || unnest(members))
                           AND NOT has_function_privilege(role, d.objid, 'EXECUTE')
                       WHEN 'pg_class'::regclass THEN
                           (SELECT relname FROM pg_class WHERE oid = d.objid)
                           = ANY (SELECT 'tokenauth_' || unnest(relations))
                           AND NOT has_table_privilege(role, d.objid, 'SELECT')
                       END)
    THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('%L cannot be granted to role %s by role %I',
                             what, role, current_user),
            HINT = 'Call it as the owner of the extension.';
    END IF;
END
$grant$;

--
-- Privileges: nothing for any role but the owner, of whatever this script has
-- created: neither what PUBLIC gets without a GRANT, nor default privileges.  What
-- is granted to other roles stands below.
--
DO LANGUAGE plpgsql $privileges$
DECLARE
    revoke text;
BEGIN
    FOR revoke IN
        SELECT format('REVOKE ALL ON %s FROM PUBLIC%s',
            CASE d.classid
                WHEN 'pg_proc'::regclass
                THEN 'ROUTINE ' || d.objid::regprocedure
                WHEN 'pg_class'::regclass
                THEN 'TABLE ' || d.objid::regclass
                WHEN 'pg_type'::regclass
                THEN 'TYPE ' || d.objid::regtype
            END,
            (SELECT string_agg(DISTINCT ', ' || r.rolname::regrole, '')
             FROM aclexplode(coalesce(p.proacl, c.relacl, t.typacl)) a
                 JOIN pg_roles r ON r.oid = a.grantee
             WHERE a.grantee <> coalesce(p.proowner, c.relowner, t.typowner)))
        FROM pg_depend d
            LEFT JOIN pg_proc p
                ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
            LEFT JOIN pg_class c
                ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
            LEFT JOIN pg_type t
                ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
        WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
            AND d.refobjid = (SELECT oid FROM pg_extension
                              WHERE extname = 'tokenauth')
            AND d.classid <> 'pg_cast'::regclass
            -- an array and a table's row type belong to what they are of;
            -- since PostgreSQL 18 they are members, too
            AND NOT EXISTS (SELECT FROM pg_depend i
                            WHERE i.classid = d.classid AND i.objid = d.objid
                                AND i.deptype = 'i')
    LOOP
        EXECUTE revoke;
    END LOOP;
END
$privileges$;

-- Monitors see the figures and the findings; a readiness probe is a monitor.
GRANT EXECUTE ON FUNCTION
    @extschema@.tokenauth_ready,
    @extschema@.tokenauth_stats_sources,
    @extschema@.tokenauth_cache_entries,
    @extschema@.tokenauth_doctor,
    @extschema@.tokenauth_version
    TO pg_monitor;
GRANT SELECT ON @extschema@.tokenauth_source, @extschema@.tokenauth_stats,
    @extschema@.tokenauth_cache TO pg_monitor;

-- To everybody, because the view itself shows a role without rights nothing but what is
-- registered of its own tables, which others may have attached.
GRANT SELECT ON @extschema@.tokenauth_sources TO PUBLIC;

--
-- Comments on the functions, each for all functions of its name.
--
DO LANGUAGE plpgsql $comments$
DECLARE
    routine record;
BEGIN
    FOR routine IN
        SELECT p.oid::regprocedure AS signature, c.name, c.comment
        FROM (SELECT p.oid, p.proname
              FROM pg_proc p JOIN pg_depend d
                  ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
              WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                  AND d.refobjid = (SELECT oid FROM pg_extension
                                    WHERE extname = 'tokenauth')) p
        FULL JOIN (VALUES
            -- triggers
            ('tokenauth_relation_in',
             'input of tokenauth_relation'),
            ('tokenauth_relation_out',
             'output of tokenauth_relation'),
            ('tokenauth_registry_guard',
             'trigger that decides who may write the registry of token sources'),
            ('tokenauth_registry_changed',
             'trigger of the registry of token sources'),
            ('tokenauth_retiring_guard',
             'trigger that lets tokenauth_rotate() alone write tokenauth_retiring'),
            ('tokenauth_changed',
             'trigger of attached token tables'),
            ('tokenauth_hash_row',
             'trigger of tables that tokenauth_hash_in_place() is working on'),
            -- set up
            ('tokenauth_create_table',
             'create a standard token table, the caller''s own, attach it, and tell its columns'),
            ('tokenauth_attach',
             'make a table of the caller''s a token source'),
            ('tokenauth_attach_parent',
             'make tokens depend on the rows of another table'),
            ('tokenauth_detach',
             'make a token source an ordinary table again'),
            ('tokenauth_hash_in_place',
             'replace the plaintext tokens of a source by their SHA-256, while it is in use'),
            -- judge
            ('tokenauth_resolve',
             'user id of a bearer token, or NULL if it is not valid now; a uuid, or of the type of as_type: tokenauth_resolve($1, NULL::bigint)'),
            ('tokenauth_resolve_hash',
             'user id of a bearer token by its SHA-256, or NULL if it is not valid now'),
            ('tokenauth_identify',
             'status of a bearer token and, if it is valid, its user'),
            ('tokenauth_identify_hash',
             'status of a bearer token by its SHA-256 and, if it is valid, its user'),
            -- bind
            ('tokenauth_authenticate',
             'bind the identity of a valid bearer token to this transaction'),
            ('tokenauth_bind',
             'bind the identity of a valid bearer token to this transaction, else nobody, and tell its status'),
            ('tokenauth_bind_hash',
             'bind the identity of a valid bearer token by its SHA-256, else nobody, and tell its status'),
            ('tokenauth_user',
             'user id bound to this transaction, or NULL; also NULL if it is not from the named source'),
            ('tokenauth_tenant',
             'tenant id bound to this transaction, or NULL; also NULL if it is not from the named source'),
            ('tokenauth_source',
             'source of the token bound to this transaction, or NULL'),
            ('tokenauth_token_id',
             'id of the token bound to this transaction, or NULL'),
            ('tokenauth_has_scope',
             'true if the token bound to this transaction has this scope'),
            ('tokenauth_claims',
             'claims of the token bound to this transaction, or NULL'),
            -- live
            ('tokenauth_revoke',
             'revoke a token, or a user''s token by its id; true if this call did it'),
            ('tokenauth_revoke_hash',
             'revoke a token by its SHA-256; true if this call did it'),
            ('tokenauth_revoke_user',
             'revoke all tokens of a user; returns how many this call revoked'),
            ('tokenauth_revoke_tenant',
             'revoke all tokens of a tenant; returns how many this call revoked'),
            ('tokenauth_issue',
             'make a new token; its text is returned only this once'),
            ('tokenauth_rotate',
             'replace a token, or a user''s token by its id, by a new one; the old one stops being valid now, or after a grace period'),
            ('tokenauth_renew',
             'extend a token of sliding expiry if little time is left; returns its expiry'),
            ('tokenauth_exchange',
             'consume a single-use token and make a new token of another source'),
            ('tokenauth_list',
             'a user''s tokens, newest first, without the tokens themselves'),
            -- operate
            ('tokenauth_grant',
             'grant a role what a service needs, and return the statements that did it'),
            ('tokenauth_flush',
             'stop believing what is cached for a source, or for all'),
            ('tokenauth_flush_user',
             'stop believing what is cached for a user'),
            ('tokenauth_flush_tenant',
             'stop believing what is cached for a tenant'),
            ('tokenauth_flush_last_used',
             'write the last uses noted so far into the token tables now; returns the number of rows changed'),
            ('tokenauth_warm',
             'load live tokens into the cache, the most recently used first; returns their number'),
            ('tokenauth_ready',
             'true if the requested warming has ended and no finding is an error'),
            ('tokenauth_stats_sources',
             'the function behind the view tokenauth_stats'),
            ('tokenauth_stats_reset',
             'reset the figures of tokenauth_stats'),
            ('tokenauth_cache_entries',
             'the function behind the view tokenauth_cache'),
            ('tokenauth_doctor',
             'problems, the worst first, and the SQL that fixes each'),
            ('tokenauth_explain',
             'for a table''s owner: how a token is cut, hashed, found and judged, step by step'),
            ('tokenauth_version',
             'the release of the loaded library, and the version of the extension in this database')
        ) AS c (name, comment) ON c.name = p.proname
    LOOP
        IF routine.comment IS NULL OR routine.signature IS NULL THEN
            RAISE EXCEPTION 'function "%" has no comment, or a comment no function',
                coalesce(routine.signature::text, routine.name);
        END IF;
        EXECUTE format('COMMENT ON ROUTINE %s IS %L', routine.signature,
            routine.comment);
    END LOOP;
END
$comments$;
