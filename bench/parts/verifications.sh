# A flood of bad tokens of a bcrypt source, cost 10: 24 sessions make them up, each has the
# beginning by which a row is found, so that all would be verified. Beside it two sessions
# ask for a token that is cached, and SELECT 1. Without a limit, and with
# tokenauth.max_verifications = 1, which is half of two processors. Who is refused by 53400 tries another token after 10 ms.
bench_cluster verifications
load_database verifications "$(full 100 20)" "$(full 100 20)"
sql <<'SQL'
CREATE TABLE bcrypt_token AS
SELECT left(token, 12) AS found_by, crypt(token, gen_salt('bf', 10)) AS token_hash, user_id FROM active;
ALTER TABLE bcrypt_token ADD PRIMARY KEY (found_by);
SELECT tokenauth_attach('bcrypt_token', token_column => 'found_by', stored_as => 'plaintext', mapping => '{
    "lookup": "left(token, 12)", "verify": "public.crypt(token, token_hash) = token_hash"}');
-- True if the token was judged, whatever the answer; false by 53400.
CREATE FUNCTION bench_is_judged(token text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tokenauth_resolve(token, source => 'bcrypt_token');
    RETURN true;
EXCEPTION WHEN SQLSTATE '53400' THEN
    RETURN false;
END
$$;
CREATE FUNCTION bench_flood(seconds float8, OUT judged bigint, OUT refused bigint) LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + make_interval(secs => seconds);
    beginnings text[] := (SELECT array_agg(found_by) FROM bcrypt_token);
BEGIN
    judged := 0;
    refused := 0;
    WHILE clock_timestamp() < until LOOP
        IF bench_is_judged(beginnings[1 + floor(random() * array_length(beginnings, 1))::int] || md5(random()::text)) THEN
            judged := judged + 1;
        ELSE
            refused := refused + 1;
            PERFORM pg_sleep(0.01);
        END IF;
    END LOOP;
END
$$;
-- Milliseconds until a right token is judged that is not cached, and how often 53400 came before.
CREATE FUNCTION bench_wait(token text, OUT ms float8, OUT refused bigint) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    refused := 0;
    WHILE NOT bench_is_judged(token) AND refused < 1000 LOOP
        refused := refused + 1;
        PERFORM pg_sleep(0.01);
    END LOOP;
    ms := 1000 * extract(epoch FROM clock_timestamp() - began);
END
$$;
SQL
sessions=24
seconds=$(full 25 5)
SLOT=$(full 0.3 0.05)
ROUNDS=$(full 8 2)

beside() {
    measure "$1" --placement=pairs --clients=2 "SELECT 1" "bcrypt: tokenauth" "again=bcrypt: tokenauth"
}

# flooded LIMIT NAME
flooded() {
    local i flood=() file=$SCRATCH/helpers/flood
    sql -c "ALTER SYSTEM SET tokenauth.max_verifications = $1" -c "SELECT pg_reload_conf()" >/dev/null
    for i in $(seq $sessions); do
        sql -F ' ' -c "SELECT judged, refused FROM bench_flood($seconds)" >"$file.$i" &
        flood+=($!)
    done
    sleep 0.5
    beside "$2"
    sql -c "SELECT tokenauth_flush()" >/dev/null
    read -r ms refused <<<"$(sql -F ' ' -c "SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)), round(avg(refused), 1)
        FROM (SELECT token FROM active ORDER BY n LIMIT 5) t, LATERAL bench_wait(token)")"
    wait "${flood[@]}"
    fact "$2: ms until a right token that is not cached is judged, trying again after 10 ms" "$ms"
    fact "$2: times it was refused by 53400 before" "$refused"
    fact "$2: bad tokens verified a second" "$(awk -v s="$seconds" '{ n += $1 } END { printf "%.1f\n", n / s }' "$file".*)"
    fact "$2: bad tokens refused by 53400, percent" "$(awk '{ n += $1; r += $2 } END { printf "%.1f\n", 100 * r / (n + r) }' "$file".*)"
}
sql -c "SELECT count(tokenauth_resolve(token, source => 'bcrypt_token')) FROM active" >/dev/null
beside "no flood"
flooded 0 "flood, no limit"
sql -c "SELECT count(tokenauth_resolve(token, source => 'bcrypt_token')) FROM active" >/dev/null
flooded 1 "flood, limit 1"
