# What is not in the cache: a cache of 1,024 tokens, of which more are asked
# for in turn, so that each is gone when it comes again.
bench_cluster misses "tokenauth.cache_size = 190kB"
load_database misses "$(full 100000 20000)" 10000
sql -c "SELECT tokenauth_stats_reset()" >/dev/null
measure "in turn" --placement=one --access="in turn" \
    "SELECT" "a miss=tokenauth" "again=tokenauth" "tokenauth, cache off" \
    "SELECT, never seen" "tokenauth, never seen" "tokenauth, refused before"
fact "hits of all, percent" "$(sql -c "SELECT round(100.0 * hits / (hits + misses), 2) FROM tokenauth_stats")"
