# Twenty questions are under way at once.
for placement in one two; do
    measure "depth 20, $placement" --placement=$placement --depth=20 \
        "no-op" "SHA-256 alone" "SELECT 1" "SELECT" "SQL function" "PL/pgSQL function" \
        tokenauth "tokenauth again=tokenauth" Redis memcached
done
