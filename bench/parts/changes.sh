# What our triggers cost a session that changes tokens: the same statements on an
# attached table and on a bare one; commits on disk, and not; beside 100 idle
# sessions, which receive a message for every change; and on a server that no
# standby can follow, which writes no such messages into its WAL. The telling trigger
# registers one of core's messages for each row and does nothing else, as is the least
# for a standby to hear of a change.
changes() {
    local label=$1 table
    shift
    # each page is in the WAL since the last checkpoint, of either table
    for table in bare_token noop_token telling_token personal_access_token; do
        sql -c "UPDATE $table SET revoked = NOT revoked" -c "VACUUM $table"
    done
    measure "revoke, $label" --placement=one "$@" \
        "bare=revoke, bare" "bare again=revoke, bare" \
        "attached=revoke, attached" "no-op trigger=revoke, no-op trigger" \
        "telling trigger=revoke, telling trigger"
    measure "issue, $label" --placement=one "$@" \
        "bare=issue, bare" "bare again=issue, bare" \
        "attached=issue, attached" "no-op trigger=issue, no-op trigger"
}
# long ones: a slot begins with another table in the processor's caches than its own
SLOT=$(full 0.3 0.01)
ROUNDS=$(full 12 6)
bench_cluster changes
load_database changes "$(full 100000 2000)" "$(full 100000 2000)"
changes "commits not on disk"
changes "commits not on disk, 100 idle sessions" --idle=100
stop_clusters

bench_cluster durable "fsync = on"
load_database changes "$(full 100000 2000)" "$(full 100000 2000)"
changes "commits on disk"
stop_clusters

bench_cluster alone "fsync = on" "max_wal_senders = 0"
load_database changes "$(full 100000 2000)" "$(full 100000 2000)"
changes "commits on disk, no standby possible"
