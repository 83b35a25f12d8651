# Authenticate, then do the request's work: read a note of that user.
for placement in one two; do
    measure "$placement" --placement=$placement \
        "Redis, then query" "SELECT, then query" "join in one query" \
        "tokenauth in one query" "tokenauth again=tokenauth in one query"
done
