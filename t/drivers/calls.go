// What calls.py does, for Go: go run calls.go DRIVER; pgx or pq.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v4"
	_ "github.com/lib/pq"
)

type scanner interface {
	Scan(...interface{}) error
}

var prepare = os.Getenv("DB_PREPARE") != "0"

// It asks the server for the types of parameters: #.
func withPgx() func(string, string, ...interface{}) scanner {
	settings := ""
	if !prepare {
		settings = "statement_cache_mode=describe"
	}
	db, err := pgx.Connect(context.Background(), settings)
	if err != nil {
		log.Fatal(err)
	}
	return func(kind, text string, args ...interface{}) scanner {
		return db.QueryRow(context.Background(), strings.ReplaceAll(text, "#", "::"+kind), args...)
	}
}

func withPq() func(string, string, ...interface{}) scanner {
	settings := "sslmode=disable"
	if !prepare {
		settings += " binary_parameters=yes"
	}
	db, err := sql.Open("postgres", settings)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	return func(kind, text string, args ...interface{}) scanner {
		return db.QueryRow(strings.ReplaceAll(text, "#", ""), args...)
	}
}

type teller struct {
	call   func(string, string, ...interface{}) scanner
	kind   string
	told   []string
	failed bool
}

// A call that returns some texts; none, once one has failed.
func (t *teller) ask(text string, n int, args ...interface{}) []string {
	got := make([]string, n)
	if t.failed {
		return got
	}
	into := make([]interface{}, n)
	for i := range got {
		into[i] = &got[i]
	}
	if err := t.call(t.kind, text, args...).Scan(into...); err != nil {
		t.tell("FAILED " + err.Error())
		t.failed = true
	}
	return got
}

func (t *teller) tell(words ...string) {
	if !t.failed {
		t.told = append(t.told, strings.Join(words, " "))
	}
}

func tell(call func(string, string, ...interface{}) scanner, source, kind string, user interface{},
	ofText func(string) interface{}) {
	t := &teller{call: call, kind: kind}
	token := t.ask("SELECT token, token_id FROM tokenauth_issue($1#, $2)", 2, user, source)
	t.tell("issue")
	t.tell("resolve", t.ask("SELECT tokenauth_resolve($1, NULL::"+source+")::text", 1, token[0])[0])
	t.tell("identify", strings.Join(t.ask("SELECT status, user_id FROM tokenauth_identify($1)", 2, token[0]), " "))
	t.tell("bind", t.ask("SELECT status FROM tokenauth_bind($1)", 1, token[0])[0])
	t.tell("list", t.ask("SELECT count(*)::text FROM tokenauth_list($1#, $2)", 1, user, source)[0])
	next := t.ask("SELECT token, token_id FROM tokenauth_rotate($1#, $2#, source => $3)", 2, ofText(token[1]), user, source)
	t.tell("rotate", t.ask("SELECT status FROM tokenauth_identify($1)", 1, token[0])[0])
	t.tell("revoke", t.ask("SELECT tokenauth_revoke($1#, $2#)::text", 1, ofText(next[1]), user)[0])
	t.ask("SELECT token FROM tokenauth_issue($1#, $2)", 1, user, source)
	t.tell("revoke_user", t.ask("SELECT tokenauth_revoke_user($1#)::text", 1, user)[0])
	t.tell("now", t.ask("SELECT status FROM tokenauth_identify($1)", 1, next[0])[0])
	fmt.Printf("%s: %s\n", kind, strings.Join(t.told, ", "))
}

func number(text string) interface{} { n, _ := strconv.ParseInt(text, 10, 64); return n }
func same(text string) interface{}   { return text }

func main() {
	connect, ok := map[string]func() func(string, string, ...interface{}) scanner{"pgx": withPgx, "pq": withPq}[os.Args[1]]
	if !ok {
		return
	}
	call := connect()
	t := &teller{call: call, kind: "text"}
	where := map[string]string{"true": "in the statement's text", "false": "separate"}
	fmt.Println("parameters:", where[t.ask("SELECT CAST(position(CAST($1 AS text) IN current_query()) > 0 AS text)", 1, "confidential")[0]])
	tell(call, "bigint", "smallint", int16(5), number)
	tell(call, "bigint", "int", int32(70000), number)
	tell(call, "bigint", "bigint", int64(5000000000), number)
	tell(call, "uuid", "uuid", "00000000-0000-4000-8000-00000000000a", same)
	tell(call, "text", "text", "ann", same)
}
