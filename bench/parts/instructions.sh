# Instructions, atomic operations and stores to shared memory of one repeated
# hit.  Unlike times these are the same on a busy machine.
bench_cluster instructions "tokenauth.cache_size = 3MB" "shared_buffers = 32MB"
load_database instructions 1000 1000

# In a running server, step by step: the count of one call, of several alike
# that which occurs most.  The first makes sure that it is a hit.
step() {
    sql -c "DO \$\$ BEGIN PERFORM $1(token) FROM active WHERE n = 1; END \$\$" \
        -c "SELECT found FROM (SELECT bench_count_start(), $1(token) AS answer,
                bench_count_stop() AS found
            FROM active, generate_series(1, 21) WHERE n = 1) counted
        GROUP BY found, answer ORDER BY count(*) DESC, found LIMIT 1"
}
floor=$(step bench_noop)
hit=$(step tokenauth_resolve)
read -r floor_instructions floor_locked floor_stores _ <<<"$floor"
read -r instructions locked stores locked_stores lines <<<"$hit"
[ "$instructions" -gt "$floor_instructions" ] || die "counted nothing"
fact "stepped: instructions over the no-op" $((instructions - floor_instructions))
fact "stepped: atomic operations over the no-op" $((locked - floor_locked))
fact "stepped: atomic operations on shared memory" "$locked_stores"
fact "stepped: stores to shared memory" "$stores"
fact "stepped: stores to shared memory, no-op" "$floor_stores"
echo "a repeated hit over the no-op: $((instructions - floor_instructions)) instructions," \
    "$((locked - floor_locked)) atomic operations, $((stores - floor_stores)) stores to shared memory"
elsewhere=0
for line in $lines; do
    where=$(sql -c "SELECT name || ' + ' || ($line - off) FROM pg_shmem_allocations
        WHERE off <= $line AND $line < off + size AND name <> '<anonymous>'")
    echo "  a store to the line of ${where:-unknown}"
    fact "stepped: a store to" "${where:-unknown}"
    case $where in "tokenauth stats "*) ;; *) elsewhere=$((elsewhere + 1)) ;; esac
done
fact "stepped: stores to shared memory, not to counters" $elsewhere
[ "$elsewhere" = 0 ] && [ "$locked_stores" = 0 ] ||
    die "a repeated hit stores to shared memory"
stop_clusters

# By callgrind, in a single-user server: the difference of two queries that
# differ in the number of calls only.  Each PortalRun() is a dump of its own.
calls=$(full 20000 2000)
query() { echo "SELECT count($1((SELECT token FROM active WHERE n = 1))) FROM generate_series(1, $2)"; }
queries() {
    for function in bench_noop tokenauth_resolve; do
        query $function "$calls"        # to warm up
        query $function "$calls"
        query $function $((2 * calls))
    done
}
total_of() { awk '$1 == "totals:" { print $2 }' "$out.$1"; }
per_call() { awk -v a="$(total_of "$1")" -v b="$(total_of "$2")" -v n="$calls" 'BEGIN { printf "%.2f\n", (b - a) / n }'; }
# recovery first, so that both runs begin alike
as_user "$SERVER_BIN/postgres" --single -D "$DATA" instructions </dev/null >/dev/null 2>&1
for run in 1 2; do
    out=$SCRATCH/helpers/callgrind-$run
    queries | as_user valgrind --tool=callgrind --callgrind-out-file="$out" \
        --toggle-collect=PortalRun --dump-after=PortalRun \
        "$SERVER_BIN/postgres" --single -D "$DATA" instructions >"$out.log" 2>&1
    [ "$(grep -c -E "count = \"($calls|$((2 * calls)))\"" "$out.log")" = 6 ] ||
        { cat "$out.log"; die "the single-user server did not answer"; }
    floor=$(per_call 2 3)
    hit=$(per_call 5 6)
    fact "callgrind, run $run: the no-op" "$floor"
    fact "callgrind, run $run: a hit" "$hit"
    first=${first:-$hit}
    echo "callgrind: no-op $floor, a hit $hit instructions a call"
done
awk -v a="$first" -v b="$hit" 'BEGIN { exit !(a > b * 0.999 && a < b * 1.001) }' ||
    die "the counts differ by more than 0.1 %: $first and $hit"
