# One question, one answer, by one client.
for placement in one two; do
    measure "depth 1, $placement" --placement=$placement \
        "no-op" "SHA-256 alone" "SELECT 1" "SELECT" "SQL function" "PL/pgSQL function" \
        tokenauth "tokenauth again=tokenauth" Redis memcached
done
