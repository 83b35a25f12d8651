# Random tokens beside honest traffic.  One client asks for live tokens, a few
# often and most seldom; on the other core a second one asks for tokens that
# nobody issued, each only once.
sql -c "SELECT tokenauth_stats_reset()" >/dev/null
measure "honest client" --placement=pairs --access=zipf \
    "SELECT" "SELECT, flooded=SELECT+flood" \
    tokenauth "tokenauth again=tokenauth" "tokenauth, flooded=tokenauth+flood"
evicted=$(sql -c "SELECT evictions FROM tokenauth_stats")
fact "live tokens evicted" "$evicted"
[ "$evicted" = 0 ] || die "random tokens have evicted live ones"
