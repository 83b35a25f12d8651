# last_used_at kept by the server, and written by every request itself; 1,000
# tokens, commits on disk, 4 clients.  WAL is that of an interval and a flush
# with the default settings, without the full page images that the first change
# of a page after a checkpoint adds.
if [ "$(sql -c "SELECT count(*) FROM pg_settings WHERE name = 'tokenauth.last_used_interval'")" = 0 ]; then
    echo "skipped: this version has no tokenauth.last_used_interval"
    fact "skipped: no tokenauth.last_used_interval" 1
    exit 0
fi
bench_cluster last_used "fsync = on" $(full "" "tokenauth.last_used_interval=1s tokenauth.last_used_flush=200ms")
load_database last_used "$(full 100000 2000)" 1000
measure "commits on disk, 4 clients" --placement=pairs --clients=4 \
    no-op tokenauth "tokenauth again=tokenauth" "inline UPDATE"

# wal_of CONTENDER SECONDS: bytes of WAL a resolve, its clients alone
wal_of() {
    local before written resolves PART=alone
    sql -c "UPDATE personal_access_token SET last_used_at = NULL WHERE last_used_at IS NOT NULL"
    before=$(sql -c "SELECT pg_current_wal_insert_lsn()")
    ROUNDS=1 SLOT=$2 measure alone --placement=pairs --clients=4 "$1"
    [ "$1" != tokenauth ] || sql -c "SELECT tokenauth_flush_last_used()" >/dev/null
    written=$(sql -c "SELECT pg_current_wal_insert_lsn() - '$before'")
    resolves=$(awk -F, '{ n += $(NF - 1) } END { print n }' "$RESULT/rounds/alone.csv")
    rm "$RESULT/rounds/alone.csv"
    [ "$(sql -c "SELECT count(*) FROM personal_access_token WHERE last_used_at IS NOT NULL")" = 1000 ] ||
        die "last_used_at was not kept of all tokens"
    awk -v w="$written" -v n="$resolves" 'BEGIN { printf "%.4f\n", w / n }'
}
for contender in "inline UPDATE" tokenauth; do
    bytes=$(wal_of "$contender" "$(full 40 3)")
    fact "WAL bytes a resolve, $contender" "$bytes"
    echo "WAL bytes a resolve, $contender: $bytes"
done
