# All tokens alike, a few often and most seldom, or one.
for access in uniform zipf "one token"; do
    measure "$access" --placement=one --access="$access" \
        "no-op" "SELECT" tokenauth "tokenauth again=tokenauth" Redis
done
