# What is not in the cache: a cache of 64 tokens, of which 10,000 are asked for.
bench_cluster misses "tokenauth.cache_size = 16kB"
load_database misses "$(full 100000 10000)" 10000
sql -c "SELECT tokenauth_stats_reset()" >/dev/null
measure "a cache too small" --placement=one \
    "SELECT" "a miss=tokenauth" "a miss again=tokenauth" "tokenauth, cache off" \
    "SELECT, never seen" "tokenauth, never seen"
fact "hits among the misses, percent" "$(sql -c "SELECT round(100.0 * hits / (hits + misses), 2) FROM tokenauth_stats")"
stop_clusters

bench_cluster refused
load_database refused "$(full 100000 10000)" 10000
measure "refused, and remembered" --placement=one \
    "SELECT, never seen" "tokenauth, refused before" "again=tokenauth, refused before"
