# More and more clients, each with a connection of its own.
for clients in 1 2 4 8; do
    for placement in free two; do
        measure "$clients clients, $placement" --placement=$placement --clients=$clients \
            "no-op" "SELECT" tokenauth "tokenauth again=tokenauth" Redis memcached
    done
done
