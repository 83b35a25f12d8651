# A new connection for every question.  The server process that is made runs
# where the postmaster does.
for placement in one two; do
    measure "$placement" --placement=$placement "connect: SELECT 1" "connect: SELECT" \
        "connect: tokenauth" "tokenauth again=connect: tokenauth" "connect: Redis"
done
