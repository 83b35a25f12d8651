# A bad neighbour: on the other core somebody revokes, and restores, 1,000 other tokens of
# the same table a second, one transaction each. What does one who asks notice?
bench_cluster neighbour
load_database neighbour "$(full 100000 5000)" "$(full 10000 1000)"
sql <<'SQL'
CREATE SEQUENCE revocations;
-- of every ten (or five) tokens the second; the first is one that is asked for
CREATE PROCEDURE bench_revoke_steadily(every bigint, n bigint, rate float8) LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    ahead float8;
    i bigint;
BEGIN
    LOOP
        i := nextval('revocations');
        UPDATE personal_access_token SET revoked = NOT revoked
        WHERE token_hash = bench_hash(bench_token(2 + every * (i % n)));
        COMMIT;
        ahead := i / rate - extract(epoch FROM clock_timestamp() - began);
        IF ahead > 0.002 THEN
            PERFORM pg_sleep(ahead);
        END IF;
    END LOOP;
END
$$;
SQL
beside() {
    sql -c "SELECT tokenauth_stats_reset()" >/dev/null
    measure "$1" --placement=one "no-op" "SELECT" tokenauth "tokenauth again=tokenauth"
    fact "$1: hits of all, percent" "$(sql -c "SELECT round(100.0 * hits / (hits + misses), 2) FROM tokenauth_stats")"
}
beside "alone"

PGAPPNAME=neighbour sql -c "CALL bench_revoke_steadily($(full "10, 10000" "5, 1000"), 1000)" 2>/dev/null &
sleep 0.5
pid=$(sql -c "SELECT pid FROM pg_stat_activity WHERE application_name = 'neighbour'")
as_user taskset -apc "$(($(nproc) - 1))" "$pid" >/dev/null
began=$(sql -c "SELECT last_value, extract(epoch FROM clock_timestamp()) FROM revocations")
beside "beside 1,000 revocations a second"
fact "revocations a second" "$(sql -c "SELECT round((last_value - ${began%|*}) / (extract(epoch FROM clock_timestamp()) - ${began#*|})) FROM revocations")"
sql -c "SELECT pg_terminate_backend($pid)" >/dev/null
wait || true
