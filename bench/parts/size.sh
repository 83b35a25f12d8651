# Tables of more and more tokens, of which 1,000 are asked for.
free_gb=$(($(df -Pk "$SCRATCH" | awk 'NR == 2 { print $4 }') / 1000000))
bench_cluster size "shared_buffers = $(full 4GB 256MB)"
for rows in $(full "1000 10000 100000 1000000 10000000" "1000 10000"); do
    if [ "$rows" = 10000000 ] && [ "$free_gb" -lt 25 ]; then
        echo "skipped $rows tokens: $free_gb GB of disk are free, 25 are needed"
        fact "skipped: 10^7 tokens, disk" "$free_gb"
        continue
    fi
    load_database "size_$rows" "$rows" 1000
    measure "$rows tokens" --placement=one \
        "no-op" "SELECT" tokenauth "tokenauth again=tokenauth"
    sql -d postgres -c "DROP DATABASE size_$rows"
done
