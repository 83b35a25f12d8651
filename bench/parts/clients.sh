# More and more clients, each with a connection of its own: in pairs with their
# server processes on either core, or the clients on one core and the servers on
# the other.  Redis is one process, which in the first case may use either core.
for clients in 1 2 4 8; do
    for placement in pairs two; do
        measure "$clients clients, $placement" --placement=$placement --clients=$clients \
            "no-op" "SELECT" tokenauth "tokenauth again=tokenauth" Redis memcached
    done
done
