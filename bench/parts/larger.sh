# A table that is larger than memory: shared_buffers of 1 MB, and before each question the
# kernel forgets the files of the table and its indexes. All tokens that are asked for are in
# the cache, so a hit reads no page. Last uses are not kept, for their writer reads the table.
bench_cluster larger "shared_buffers = 1MB" "fsync = on" "tokenauth.last_used_interval = 0"
load_database larger "$(full 1000000 10000)" "$(full 10000 1000)"
sql <<'SQL'
CREATE FUNCTION bench_forget() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    file text;
BEGIN
    FOR file IN
        SELECT pg_relation_filepath(oid) FROM pg_class
        WHERE oid = 'personal_access_token'::regclass
            OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'personal_access_token'::regclass)
    LOOP
        EXECUTE format('COPY (SELECT) TO PROGRAM %L',
            'cat >/dev/null; dd if=' || file || ' iflag=nocache count=0 status=none');
    END LOOP;
END
$$;
SQL
sql -c "SELECT bench_forget()" -c "SELECT count(*) FROM active WHERE tokenauth_resolve(token) IS NOT NULL" >/dev/null
SLOT=0
ROUNDS=$(full 100 6)
measure "$TABLE_ROWS tokens" --placement=one "no-op=cold: no-op" "SELECT=cold: SELECT" \
    "tokenauth=cold: tokenauth" "tokenauth again=cold: tokenauth"
fact "the table and its indexes, MB" "$(sql -c "SELECT pg_total_relation_size('personal_access_token') / 1000000")"
