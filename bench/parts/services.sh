# Five services' own authenticated request as their code does it today, beside ours in one
# query, on their own tables: who has presented this token, and his note.  multica and dify
# ask Redis and then the table of notes; Redis has each token already, as in all but one
# request of ten minutes. visionA, scrabble and xtablo ask their token table and then that
# of notes. scrabble also keeps its tokens in a map of each process, which asks nobody and
# does not hear of a revocation: "a map" is the query for the note alone, the least that any
# request takes. Nobody's own request writes a last use here; ours does. dify's token has
# two parents: also its three-table SELECT, and ours, alone.
bench_cluster services
load_database services "$(full 10000 1000)" "$(full 10000 1000)"
sql -f "$BENCH/services.sql"

# in_schema SERVICE GROUP ENTRANT...
in_schema() {
    local service=$1
    shift
    PGOPTIONS="-c search_path=$service,public" measure "$@"
}
in_schema multica multica --placement=one "own=Redis, then query" \
    "tokenauth=tokenauth in one query" "tokenauth again=tokenauth in one query"
in_schema dify dify --placement=one "own=Redis, then query" \
    "tokenauth=dify: request" "tokenauth again=dify: request"
in_schema visiona visionA --placement=one "own=visionA: SELECT, then query" \
    "tokenauth=visionA: request" "tokenauth again=visionA: request"
in_schema scrabble scrabble --placement=one "own=scrabble: SELECT, then query" "a map=query alone" \
    "tokenauth=scrabble: request" "tokenauth again=scrabble: request"
in_schema xtablo xtablo --placement=one "own=xtablo: SELECT, then query" \
    "tokenauth=xtablo: request" "tokenauth again=xtablo: request"
in_schema dify "dify, the token alone" --placement=one "no-op" "own=dify: SELECT" \
    "tokenauth=dify: tokenauth" "tokenauth again=dify: tokenauth"
