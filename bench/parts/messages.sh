# What it costs a session to hear of another's changes: 500 tokens change, one
# transaction each, then the session is asked SELECT 1.  The session has so many
# cached plans.  "bare": changes of a table that is not attached, of which nobody
# hears; the difference is the cost of the messages.
bench_cluster messages
load_database messages 10000 10000
SLOT=0
ROUNDS=$(full 100 6)
for plans in 0 100 1000; do
    measure "$plans plans" --placement=one \
        "bare=hear, bare, $plans plans" "bare again=hear, bare, $plans plans" \
        "attached=hear, attached, $plans plans"
done
