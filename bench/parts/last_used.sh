# last_used_at kept by the server, and by every request itself.
if [ "$(sql -c "SELECT count(*) FROM pg_settings WHERE name = 'tokenauth.last_used_interval'")" = 0 ]; then
    echo "skipped: this version has no tokenauth.last_used_interval"
    fact "skipped: no tokenauth.last_used_interval" 1
    exit 0
fi
# An interval shorter than the default, so that what is measured is worse than
# in life, not better.
bench_cluster last_used "fsync = on" "tokenauth.last_used_interval = 10s" \
    "tokenauth.last_used_flush = 1s"
load_database last_used "$(full 100000 20000)" 1000
measure "commits on disk, 4 clients" --placement=free --clients=4 \
    tokenauth "tokenauth again=tokenauth" "inline UPDATE"

# wal_of CONTENDER SECONDS: bytes of WAL a resolve, its clients alone
wal_of() {
    local before written resolves PART=last_used_wal
    before=$(sql -c "SELECT pg_current_wal_insert_lsn()")
    ROUNDS=1 SLOT=$2 measure "alone" --placement=free --clients=4 "$1"
    written=$(sql -c "SELECT pg_current_wal_insert_lsn() - '$before'")
    resolves=$(awk -F, '{ n += $(NF - 1) } END { print n }' "$RESULT/rounds/$PART.csv")
    rm "$RESULT/rounds/$PART.csv"
    awk -v w="$written" -v n="$resolves" 'BEGIN { printf "%.4f\n", w / n }'
}
for contender in tokenauth "inline UPDATE"; do
    fact "WAL bytes a resolve, $contender" "$(wal_of "$contender" "$(full 20 2)")"
done
fact "rows kept up" "$(sql -c "SELECT count(*) FROM personal_access_token WHERE last_used_at IS NOT NULL")"
