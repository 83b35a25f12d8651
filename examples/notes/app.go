// The notes API of app.py with pgx 4: go run app.go PORT.  In a module of yours, with pgx 5, it
// is the same but for the imports, pgx.BeginFunc(), and what to set for a pooler.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

type row map[string]interface{}

type refused struct {
	status int
	reason string
}

func (r refused) Error() string { return r.reason }

// Each statement is prepared when a connection first has it.
func query(tx pgx.Tx, sql string, args ...interface{}) ([]row, error) {
	found, err := tx.Query(context.Background(), sql, args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	rows := []row{}
	for found.Next() {
		values, err := found.Values()
		if err != nil {
			return nil, err
		}
		one := row{}
		for i, field := range found.FieldDescriptions() {
			one[string(field.Name)] = values[i]
		}
		rows = append(rows, one)
	}
	return rows, found.Err()
}

func queryOne(tx pgx.Tx, sql string, args ...interface{}) (interface{}, error) {
	rows, err := query(tx, sql, args...)
	if err != nil {
		return nil, err
	}
	return rows[0], nil
}

// Who it is, for this transaction: policies ask for it.  Always one row, no error.
func bind(tx pgx.Tx, header string, scope interface{}) (row, error) {
	var token interface{}
	if scheme, rest, _ := strings.Cut(header, " "); strings.EqualFold(scheme, "Bearer") {
		token = rest
	}
	rows, err := query(tx, "SELECT * FROM tokenauth_bind($1, scope => $2)", token, scope)
	if err != nil {
		return nil, err
	}
	switch status := rows[0]["status"].(string); status {
	case "valid":
		return rows[0], nil
	case "forbidden":
		return nil, refused{403, status}
	default:
		return nil, refused{401, status}
	}
}

func route(tx pgx.Tx, r *http.Request) (interface{}, error) {
	var body struct{ Body, Name string }
	if r.ContentLength > 0 && json.NewDecoder(r.Body).Decode(&body) != nil {
		return nil, refused{400, "no JSON"}
	}
	var id string
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(path) > 1 {
		id, path[1] = path[1], "ID"
	}
	what := r.Method + " /" + strings.Join(path, "/")
	var scope interface{}
	if what == "POST /notes" {
		scope = "write"
	}
	who, err := bind(tx, r.Header.Get("Authorization"), scope)
	if err != nil {
		return nil, err
	}
	switch what {
	case "GET /notes":
		return query(tx, "SELECT id, body FROM note ORDER BY id LIMIT 50")
	case "POST /notes":
		return queryOne(tx, "INSERT INTO note (body) VALUES ($1) RETURNING id, body", body.Body)
	case "GET /tokens":
		return query(tx, "SELECT token_id, name, token_prefix, last_used_at FROM tokenauth_list($1)", who["user_id"])
	case "POST /tokens":
		return queryOne(tx, `SELECT token, token_id FROM tokenauth_issue($1, scope => $2, expires_in => '90 days',
			attributes => jsonb_build_object('name', $3::text))`, who["user_id"], who["scope"], body.Name)
	case "POST /tokens/ID/rotate":
		return queryOne(tx, "SELECT token, token_id FROM tokenauth_rotate($1, $2)", id, who["user_id"])
	case "DELETE /tokens/ID":
		return queryOne(tx, "SELECT tokenauth_revoke($1, $2) AS revoked", id, who["user_id"])
	}
	return nil, refused{404, "not found"}
}

func failure(err error) refused {
	var no refused
	var database *pgconn.PgError
	if errors.As(err, &no) {
		return no
	}
	if !errors.As(err, &database) {
		log.Print("no connection")
	} else if database.Code == "P0002" { // of tokenauth_rotate(): not his, or gone
		return refused{404, "not found"}
	} else if database.Code == "22021" { // bytes that are no text
		return refused{401, "malformed"}
	} else {
		log.Print("database error ", database.Code)
	}
	return refused{503, "unavailable"}
}

func main() {
	settings := "user=notes_api pool_max_conns=4"
	if os.Getenv("DB_PREPARE") == "0" { // a pooler does not keep prepared statements
		settings += " statement_cache_mode=describe"
	}
	pool, err := pgxpool.Connect(context.Background(), settings)
	if err != nil {
		log.Fatal("no database")
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var value interface{}
		err := pool.BeginFunc(r.Context(), func(tx pgx.Tx) (err error) {
			value, err = route(tx, r)
			return err
		})
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			no := failure(err)
			if no.status == 401 {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			w.WriteHeader(no.status)
			value = row{"error": no.reason}
		}
		json.NewEncoder(w).Encode(value)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
