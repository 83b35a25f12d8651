# What it costs a session to hear of another's changes: 2,000 tokens change,
# one transaction each, then the session is asked SELECT 1.  "bare": changes of
# a table that is not attached, of which nobody hears.
bench_cluster messages
load_database messages 10000 10000
ROUNDS=$((ROUNDS / 2))
SLOT=0
measure "2000 changes" --placement=one \
    "bare=hear, bare" "bare again=hear, bare" "0 plans=hear, attached, 0 plans" \
    "100 plans=hear, attached, 100 plans" "1000 plans=hear, attached, 1000 plans"
