-- What looks as if it could make a token invalid, and is mapped to nothing, is told when a
-- table is attached, and by the doctor.
CREATE SCHEMA overlooked;
SET search_path = overlooked, public;
\set VERBOSITY terse
CREATE FUNCTION findings(source name) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT finding FROM tokenauth_doctor() d WHERE d.source = $1 AND finding ~ 'does not count; by its name' ORDER BY finding COLLATE "C" $$;

-- All such names, whatever their form.
CREATE TABLE names (token_hash text UNIQUE, user_id int,
    used boolean, consumed boolean, "isRedeemed" boolean, token_claimed_at timestamp, acceptedat timestamptz,
    is_expired boolean, cancelled_at timestamptz, canceledat timestamptz, locked boolean, locked_at timestamptz, inactive boolean,
    terminated_at timestamptz, invalidated_at timestamptz, archived_at timestamptz, banned boolean, suspended_until timestamptz,
    discarded_at timestamptz, is_blocked boolean, "lockoutEnd" timestamptz, "deleteAt" bigint, "replacedByToken" text, "reasonRevoked" text,
    logged_out_at timestamptz, closed_on date, pending boolean, session_status text, state smallint, compromised boolean, rotated_at timestamptz,
    is_valid boolean, approved_at timestamptz, "tokenIsActive" boolean,
    valid_through date, refreshtokenexpires bigint, max_lifetime interval, good_until date, ttl_seconds int, session_ends_at timestamptz, exp bigint,
    max_uses int, remaining int, not_before timestamptz, starts_at timestamptz, "validFrom" date);
SELECT tokenauth_attach('names');
SELECT count(*) FROM findings('names');
SELECT tokenauth_detach('names');
-- Of what ordinary tables have besides, nothing is.
CREATE TABLE ordinary (id bigserial PRIMARY KEY, token_hash text UNIQUE, user_id int, name text, created_at timestamptz, updated_at timestamptz,
    expires_at timestamptz, expired_notify boolean, expiry_warned_at timestamptz, revoked boolean, revoked_at timestamptz, revoked_by int, revocation_reason text,
    used_at timestamptz, used_by_ip inet, last_used_at timestamptz, last_used_ip inet, last_active_at timestamptz, last_validated timestamptz, use_count int,
    lock_version int, started_at timestamptz, start_time timestamptz, consumer_id int, user_agent text, email_verified boolean, mfa_enabled boolean, can_delete boolean,
    is_public boolean, never_expires boolean, elapsed int, clock int, claims jsonb, settings jsonb, title text, throttle int, max_users int, state_of_origin text, active_ips inet[]);
SELECT tokenauth_attach('ordinary');
SELECT * FROM findings('ordinary');
SELECT tokenauth_detach('ordinary');

-- What a detail of another column is called may be a word of its own, or part of one.
CREATE TABLE parts (token_hash text UNIQUE, user_id int, revoked boolean, expires_at timestamptz, revoked_membership boolean, revoked_consent boolean, expires_by timestamptz,
    domino_expires_at timestamptz, not_expired boolean, validity_seconds int, valid_for interval, "Locked?" boolean, "is(banned)" boolean,
    no_expiry boolean, revokedby text, "revokedByIp" inet, revoked_notified boolean, "expiryWarnedAt" timestamptz);
SELECT tokenauth_attach('parts');
SELECT tokenauth_detach('parts');

-- Those of whose meaning there is no doubt have the role.
CREATE TABLE roles (token_hash text UNIQUE, user_id int, consumed_at timestamptz, valid_till timestamptz, is_revoked boolean);
SELECT tokenauth_attach('roles');
SELECT used_column, expires_column, revoked_column FROM tokenauth_sources;
SELECT tokenauth_detach('roles');
ALTER TABLE roles RENAME consumed_at TO "redeemedAt";
SELECT tokenauth_attach('roles');
SELECT used_column FROM tokenauth_sources;
SELECT tokenauth_detach('roles');
DROP TABLE roles;

-- A second one is told beside one that was named, or was found.
CREATE TABLE second (token_hash text UNIQUE, user_id int, revoked boolean, is_banned boolean, expires_at timestamptz, refresh_expires_at timestamptz, used_at timestamptz, consumed_at timestamptz, revoked_until timestamptz);
SELECT tokenauth_attach('second');
SELECT tokenauth_detach('second');
SELECT tokenauth_attach('second', revoked_column => 'is_banned', expires_column => 'refresh_expires_at', used_column => 'consumed_at');
SELECT * FROM findings('second');
SELECT tokenauth_detach('second');
SELECT tokenauth_attach('second', revoked_column => 'revoked', mapping => '{"expires_expression": "least(expires_at, refresh_expires_at)"}', claims => '{is_banned}',
    live_when => 'consumed_at IS NULL AND revoked_until IS NULL');
SELECT tokenauth_detach('second');
-- '' says of a role that there is none; the doctor does not know that.
SELECT tokenauth_attach('second', revoked_column => '', expires_column => '', used_column => '');
SELECT * FROM findings('second');
SELECT tokenauth_detach('second');
-- but not where the mapping has something in its place
SELECT tokenauth_attach('second', revoked_column => '', expires_column => '', mapping => '{"expires_expression": "expires_at"}', live_when => 'NOT is_banned AND NOT revoked AND revoked_until IS NULL');
SELECT tokenauth_detach('second');

-- Of a column that means nothing one says so.
SELECT tokenauth_attach('second', mapping => '{"ignored_columns": ["is_banned", "refresh_expires_at", "consumed_at", "revoked_until"]}');
SELECT mapping FROM tokenauth_sources;
SELECT * FROM findings('second');
ALTER TABLE second RENAME is_banned TO is_locked;
SELECT * FROM findings('second');
SELECT substring(fix from '<.*?mapping>') FROM tokenauth_doctor() WHERE finding ~ 'is_locked';
SELECT tokenauth_detach('second');
SELECT tokenauth_attach('second', mapping => '{"ignored_columns": "is_locked"}', revoked_column => 'revoked_until', expires_column => 'expires_at', used_column => 'used_at');
SELECT mapping FROM tokenauth_sources;
SELECT tokenauth_detach('second');
\set VERBOSITY default
SELECT tokenauth_attach('second', mapping => '{"ignored_columns": ["is_banned"]}');
SELECT tokenauth_attach('second', mapping => '{"ignored_columns": []}');
SELECT tokenauth_attach('second', mapping => '{"ignored_columns": [1]}');
SELECT tokenauth_attach('second', mapping => jsonb_build_object('ignored_columns', jsonb_build_array(repeat('x', 64))));

SELECT tokenauth_attach('second', mapping => jsonb_build_object('ignored_columns', array_fill('x'::text, '{101}')));
-- A status can say that it is revoked, and the time since when; not so one of another name.
CREATE TABLE statuses (token_hash text UNIQUE, user_id int, status text, revoked_at timestamptz, banned_at timestamptz);
SELECT tokenauth_attach('statuses', revoked_column => 'status', active_values => '{active}');
SELECT tokenauth_detach('statuses');
-- What is said of it, by kind.
CREATE TABLE kinds (token_hash text UNIQUE, user_id int, is_expired boolean, active boolean, redeemed boolean, uses_left int, not_before timestamptz);
SELECT tokenauth_attach('kinds');
SELECT substring(fix from '<.*?mapping>') FROM tokenauth_doctor() WHERE finding ~ 'not_before|uses_left|"active"';
SELECT tokenauth_detach('kinds');

-- The expiry of another token of the row is that one's.
CREATE TABLE two (access_hash text UNIQUE, refresh_hash text UNIQUE, user_id int, access_expires timestamptz, refresh_expires timestamptz, used_at timestamptz, locked boolean);
SELECT tokenauth_attach('two', 'access', prefix => 'a_', token_column => 'access_hash', expires_column => 'access_expires', used_column => '', live_when => 'NOT locked');
SELECT tokenauth_attach('two', 'refresh', prefix => 'r_', token_column => 'refresh_hash', expires_column => 'refresh_expires');
SELECT * FROM findings('access') UNION ALL SELECT * FROM findings('refresh');
SELECT tokenauth_detach('access'), tokenauth_detach('refresh');
-- A table with very many such columns.
SET client_min_messages = warning;
DO $$ BEGIN
    EXECUTE (SELECT format('CREATE TABLE many (token_hash text UNIQUE, user_id int, %s, %s)', string_agg(format('is_revoked_by_%s int', n), ', '), string_agg(format('revoked_by_whom_%s int', n), ', ')) FROM generate_series(1, 750) n);
    EXECUTE (SELECT format('SELECT tokenauth_attach(%L, live_when => %L)', 'many', string_agg(format('is_revoked_by_%s', n), ' + ') || ' = 0') FROM generate_series(1, 400) n);
END $$;
SELECT count(*) FROM findings('many');
SELECT tokenauth_detach('many');
DROP SCHEMA overlooked CASCADE;
