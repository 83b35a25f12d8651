# Loading the cache ahead, by tokenauth_warm(): each token, beside a SELECT by hash of each
# in a PL/pgSQL loop.
bench_cluster warm
rows=$(full 100000 5000)
load_database warm "$rows" 1000
sql <<'SQL'
CREATE FUNCTION bench_warm() RETURNS bigint LANGUAGE sql RETURN tokenauth_warm();
CREATE FUNCTION bench_select_each() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    hash text;
    found_user uuid;
    n bigint := 0;
BEGIN
    FOR hash IN SELECT token_hash FROM personal_access_token WHERE NOT revoked ORDER BY last_used_at DESC NULLS LAST LOOP
        SELECT user_id INTO STRICT found_user FROM personal_access_token
        WHERE token_hash = hash AND NOT revoked AND (expires_at IS NULL OR expires_at > now());
        n := n + 1;
    END LOOP;
    RETURN n;
END
$$;
CREATE FUNCTION bench_seconds(call text, OUT n bigint, OUT seconds float8) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz;
BEGIN
    PERFORM tokenauth_flush();
    began := clock_timestamp();
    EXECUTE 'SELECT ' || call INTO n;
    seconds := extract(epoch FROM clock_timestamp() - began);
END
$$;
SQL
for round in $(seq "$(full 9 6)"); do
    position=0
    for contender in "warming=bench_warm()" "SELECT of each=bench_select_each()" "warming again=bench_warm()"; do
        position=$((position + 1))
        sql -F , -c "SELECT '$PART', '\"$rows tokens\"', '\"${contender%=*}\"', 'any', 1, 1, 'once', $rows, $round, $position, n, seconds
            FROM bench_seconds('${contender#*=}')" >>"$RESULT/rounds/$PART.csv"
    done
done
# by chance both buckets of a token can be full, and no other is pushed out
awk -F, -v rows="$rows" '$11 < 0.999 * rows { bad = 1 } END { exit bad }' "$RESULT/rounds/$PART.csv" || die "tokens were not loaded"
awk -F, '{ n[$3] += $11; s[$3] += $12 } END { for (c in n) printf "%s: %.2f us a token\n", c, 1e6 * s[c] / n[c] }' "$RESULT/rounds/$PART.csv"
