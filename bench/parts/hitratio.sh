# How good the cache's choice of what to keep is: a cache of 16,384 tokens, and
# working sets of which it is 10, 50 and 110 percent.  Beside it the best that
# any cache of its size could do on the same trace, and the least recently used.
bench_cluster hitratio "tokenauth.cache_size = 3MB"
capacity=16384
length=$(full 1000000 20000)
load_database hitratio 163840 163840

# trace ACCESS WORKING-SET: a table of requests, in order
trace() {
    local rank="floor(random() * $2)"
    # of P(k) ~ 1/k, by inversion of its continuous kin
    [ "$1" != zipf ] || rank="floor(exp(random() * ln($2 + 1))) - 1"
    sql -c "SET client_min_messages = warning" -c "SELECT setseed(0.25)" -c "DROP TABLE IF EXISTS requests" \
        -c "CREATE TABLE requests AS
            SELECT r, n, token, user_id
            FROM (SELECT r, 1 + ($rank)::bigint AS k FROM generate_series(1, $length) r) drawn
            JOIN active ON n = k ORDER BY r" -c "VACUUM FREEZE requests" >/dev/null
}

# ask OPERATOR: have the cache asked for half of the trace; all must be right
ask() {
    [ "$(sql -c "SELECT bool_and(tokenauth_resolve(token) = user_id) FROM requests
            WHERE r $1 $length / 2")" = t ] || die "a wrong answer"
}

for access in uniform zipf; do
    for percent in 10 50 110; do
        working_set=$((capacity * 100 / percent))
        trace $access $working_set
        sql -c "SELECT tokenauth_flush('personal_access_token')" >/dev/null
        ask '<='
        sql -c "SELECT tokenauth_stats_reset()" >/dev/null
        ask '>'
        ratio=$(sql -c "SELECT round(hits::numeric / (hits + misses), 6) FROM tokenauth_stats")
        read -r best lru <<<"$(sql -c "SELECT n FROM requests ORDER BY r" |
            as_user "$BENCH/simulate" $capacity)"
        fact "$access, cache of $percent %, tokenauth" "$ratio"
        fact "$access, cache of $percent %, best possible" "$best"
        fact "$access, cache of $percent %, least recently used" "$lru"
        echo "$access, cache of $percent % of the working set: $ratio, best possible $best, LRU $lru"
    done
done
fact "bytes a token" "$(sql -c "SELECT bytes / entries FROM tokenauth_stats")"
