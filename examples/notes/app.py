"""A notes API: python3 app.py PORT, with PGHOST, PGPORT, PGDATABASE in the environment.

Needs python3-psycopg.  DB_PREPARE=0 where a pooler does not keep prepared statements.

    GET  /notes                     the caller's notes
    POST /notes        {"body"}     a new one; needs the scope "write"
    GET  /tokens                    the caller's tokens, without what they are
    POST /tokens       {"name"}     a new one of the same user, shown this once
    POST /tokens/ID/rotate          replaces one, shown this once
    DELETE /tokens/ID               revokes one
"""
import contextlib
import json
import os
import queue
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg.rows import dict_row

POOL = queue.LifoQueue()
for _ in range(int(os.environ.get("DB_POOL", "4"))):
    POOL.put(None)                      # connected when it is needed


@contextlib.contextmanager
def transaction():
    """A connection of the pool, for one transaction; one that is broken is not kept."""
    db = POOL.get()
    try:
        if db is None or db.closed:
            db = psycopg.connect(
                user="notes_api", row_factory=dict_row,
                prepare_threshold=0 if os.environ.get("DB_PREPARE", "1") == "1" else None)
        with db.transaction():
            yield db
    finally:
        POOL.put(db)


class Refused(Exception):
    """Has a status for the client, and a reason that is not the token."""


def bind(db, header, scope=None):
    """Who it is, for this transaction: policies ask for it.  Always one row, no error."""
    scheme, _, token = (header or "").partition(" ")
    who = db.execute("SELECT * FROM tokenauth_bind(%s, scope => %s)",
                     (token if scheme.lower() == "bearer" else None, scope)).fetchone()
    if who["status"] == "forbidden":
        raise Refused(403, "forbidden")
    if who["status"] != "valid":
        raise Refused(401, who["status"])
    return who


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def route(self, db):
        what = (self.command, *self.path.strip("/").split("/"))
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "{}")
        scope = "write" if what == ("POST", "notes") else None
        who = bind(db, self.headers["Authorization"], scope)
        match what:
            case ("GET", "notes"):
                return db.execute("SELECT id, body FROM note ORDER BY id LIMIT 50").fetchall()
            case ("POST", "notes"):
                return db.execute("INSERT INTO note (body) VALUES (%s) RETURNING id, body",
                                  (body["body"],)).fetchone()
            case ("GET", "tokens"):
                return db.execute("SELECT token_id, name, token_prefix, last_used_at FROM tokenauth_list(%s)",
                                  (who["user_id"],)).fetchall()
            case ("POST", "tokens"):
                return db.execute("SELECT token, token_id FROM tokenauth_issue(%s, scope => %s, expires_in => '90 days',"
                                  " attributes => jsonb_build_object('name', %s::text))",
                                  (who["user_id"], who["scope"], body.get("name", ""))).fetchone()
            case ("POST", "tokens", token_id, "rotate"):
                return db.execute("SELECT token, token_id FROM tokenauth_rotate(%s, %s)",
                                  (token_id, who["user_id"])).fetchone()
            case ("DELETE", "tokens", token_id):
                return db.execute("SELECT tokenauth_revoke(%s, %s) AS revoked",
                                  (token_id, who["user_id"])).fetchone()
        raise Refused(404, "not found")

    def answer(self):
        try:
            with transaction() as db:
                status, value = 200, self.route(db)
        except Refused as refused:
            status, value = refused.args[0], {"error": refused.args[1]}
        except psycopg.errors.NoDataFound:          # of tokenauth_rotate(): not his, or gone
            status, value = 404, {"error": "not found"}
        except psycopg.Error as error:
            print("database error", error.sqlstate, file=sys.stderr)
            status, value = 503, {"error": "unavailable"}
        data = json.dumps(value, default=str).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, format, *args):           # of the request's line only
        print(self.command, self.path, args[1] if len(args) > 1 else "", file=sys.stderr)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()
