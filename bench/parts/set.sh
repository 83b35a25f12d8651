# A log of 20,000 requests in one statement, within the server.  Every row's
# answer is checked first.
for function in tokenauth_resolve bench_sql bench_plpgsql; do
    [ "$(sql -c "SELECT bool_and($function(token) = user_id) FROM trace")" = t ] ||
        die "$function answers wrongly"
done
measure "one" --placement=one "set: no-op" "set: SHA-256 alone" "set: least of an answer" \
    "set: tokenauth" "tokenauth again=set: tokenauth" "set: hash join" "set: nested-loop join" \
    "set: SQL function" "set: PL/pgSQL function" "set: memcached"
