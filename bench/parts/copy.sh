# COPY of many rows into an empty table.
rows=$(full 300000 5000)
bench_cluster copy
load_database copy 1000 1000
sql -c "COPY (SELECT gen_random_uuid(), bench_user(n), 'token ' || n, bench_hash(bench_token(n)),
        left(bench_token(n), 12), NULL, NULL, false, now() FROM generate_series(1, $rows) n)
    TO '$DATA/bench.copy'"
SLOT=0
ROUNDS=6
measure "$rows rows" --placement=one --copy-rows="$rows" \
    "bare=COPY, bare" "bare again=COPY, bare" \
    "attached=COPY, attached" "no-op trigger=COPY, no-op trigger"
