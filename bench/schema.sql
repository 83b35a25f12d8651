-- One database to measure in: the token table of a service (SHA-256 in hex, a
-- flag, an optional expiry), attached; the functions that a service might have
-- instead; and what the client needs to ask and to check.
--
-- psql variables: rows (in the token table), active (tokens that are asked
-- for, spread evenly over the table; at most rows), module (bench.so).
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;
SET maintenance_work_mem = '1GB';

CREATE EXTENSION tokenauth CASCADE;

-- The floor: what any C function of this signature costs.
CREATE FUNCTION bench_noop(token text, as_type anyelement DEFAULT NULL::uuid,
    source name DEFAULT NULL, scope text DEFAULT NULL)
RETURNS anyelement AS :'module' LANGUAGE C STABLE PARALLEL RESTRICTED;

-- ... and what any costs that hashes the token.
CREATE FUNCTION bench_sha256_alone(token text, as_type anyelement DEFAULT NULL::uuid,
    source name DEFAULT NULL, scope text DEFAULT NULL)
RETURNS anyelement AS :'module' LANGUAGE C STABLE PARALLEL RESTRICTED;

-- ... and the least that an exact answer from a cache takes.
CREATE FUNCTION bench_least(token text, as_type anyelement DEFAULT NULL::uuid,
    source name DEFAULT NULL, scope text DEFAULT NULL)
RETURNS anyelement AS :'module' LANGUAGE C STABLE PARALLEL RESTRICTED;

CREATE FUNCTION bench_count_start() RETURNS boolean
AS :'module' LANGUAGE C VOLATILE;
CREATE FUNCTION bench_count_stop() RETURNS text
AS :'module' LANGUAGE C VOLATILE;

CREATE FUNCTION bench_token(n bigint) RETURNS text LANGUAGE sql IMMUTABLE
RETURN 'mul_' || left(encode(sha256(int8send(n)), 'hex'), 40);
CREATE FUNCTION bench_hash(token text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN encode(sha256(token::bytea), 'hex');
CREATE FUNCTION bench_user(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN md5(n::text)::uuid;

CREATE TABLE personal_access_token (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    name text NOT NULL,
    token_hash text NOT NULL,
    token_prefix text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO personal_access_token (user_id, name, token_hash, token_prefix, expires_at)
SELECT bench_user(n), 'token ' || n, bench_hash(bench_token(n)),
    left(bench_token(n), 12),
    CASE WHEN n % 2 = 0 THEN now() + interval '90 days' END
FROM generate_series(1, :rows) n;
ALTER TABLE personal_access_token ADD PRIMARY KEY (id), ADD UNIQUE (token_hash);
SELECT tokenauth_attach('personal_access_token', prefix => 'mul_') \g /dev/null

CREATE FUNCTION bench_sql(token text) RETURNS uuid LANGUAGE sql STABLE
AS $$
    SELECT user_id FROM personal_access_token
    WHERE token_hash = encode(sha256($1::bytea), 'hex') AND NOT revoked
        AND (expires_at IS NULL OR expires_at > now())
$$;
CREATE FUNCTION bench_plpgsql(token text) RETURNS uuid LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_user uuid;
BEGIN
    SELECT user_id INTO found_user FROM personal_access_token
    WHERE token_hash = encode(sha256($1::bytea), 'hex') AND NOT revoked
        AND (expires_at IS NULL OR expires_at > now());
    RETURN found_user;
END
$$;

-- What the client asks for, and what it must get.
CREATE TABLE active AS
SELECT k AS n, bench_token(n) AS token, bench_hash(bench_token(n)) AS hash,
    bench_user(n) AS user_id, 'note of ' || n AS body
FROM (SELECT k, 1 + (k - 1) * (:rows / :active) AS n
      FROM generate_series(1::bigint, :active) k) picked;
ALTER TABLE active ADD PRIMARY KEY (n);

-- The work of a request.
CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner uuid NOT NULL, body text NOT NULL);
INSERT INTO note (owner, body) SELECT user_id, body FROM active;
CREATE INDEX ON note (owner);

-- A log of requests, for set-based work.
SELECT setseed(0.5) \g /dev/null
CREATE TABLE trace AS
SELECT r AS n, token, hash, user_id
FROM (SELECT r, 1 + floor(random() * :active)::bigint AS k
      FROM generate_series(1, 20000) r) drawn
JOIN active ON active.n = k ORDER BY r;

-- Changes so many tokens, one transaction each.
CREATE PROCEDURE bench_touch(relation regclass, times integer)
LANGUAGE plpgsql AS $$
DECLARE
    found_hash text;
BEGIN
    FOR i IN 1..times LOOP
        SELECT hash INTO found_hash FROM active WHERE n = i;
        EXECUTE format('UPDATE %s SET revoked = NOT revoked WHERE token_hash = $1', relation)
            USING found_hash;
        COMMIT;
    END LOOP;
END
$$;
-- Prepares so many statements on the token table in this session.
CREATE FUNCTION bench_prepare(plans integer) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..plans LOOP
        EXECUTE format('PREPARE bench_%s AS SELECT user_id FROM personal_access_token WHERE token_hash = ''%s''', i, i);
        EXECUTE format('EXECUTE bench_%s', i);
    END LOOP;
END
$$;

-- The same table without our triggers, with one that does nothing, and with one that only
-- tells other sessions.
CREATE TABLE bare_token (LIKE personal_access_token INCLUDING ALL);
INSERT INTO bare_token SELECT p.* FROM personal_access_token p
JOIN active ON p.token_hash = active.hash;
REINDEX TABLE bare_token;
CREATE TABLE noop_token (LIKE personal_access_token INCLUDING ALL);
INSERT INTO noop_token SELECT * FROM bare_token;
REINDEX TABLE noop_token;
CREATE FUNCTION bench_noop_trigger() RETURNS trigger AS :'module' LANGUAGE C;
CREATE TRIGGER noop AFTER INSERT OR UPDATE OR DELETE ON noop_token
    FOR EACH ROW EXECUTE FUNCTION bench_noop_trigger();
CREATE TABLE telling_token (LIKE personal_access_token INCLUDING ALL);
INSERT INTO telling_token SELECT * FROM bare_token;
REINDEX TABLE telling_token;
CREATE FUNCTION bench_telling_trigger() RETURNS trigger AS :'module' LANGUAGE C;
CREATE TRIGGER telling AFTER INSERT OR UPDATE OR DELETE ON telling_token
    FOR EACH ROW EXECUTE FUNCTION bench_telling_trigger();

VACUUM (FREEZE, ANALYZE);
CHECKPOINT;
