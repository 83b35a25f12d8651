"""Tries a notes API: python3 try.py PORT LOG.  The database is that of PGHOST and so on, where
this connects as a superuser to make the first tokens.  Prints "N passed, N failed"."""
import http.client
import json
import sys
import threading
import time

import psycopg

PORT, LOG = int(sys.argv[1]), sys.argv[2]
ALICE, BOB = "00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"
results = []


def check(got, expected, what):
    results.append(got == expected)
    print("ok" if got == expected else f"FAILED: {got!r}, not {expected!r}:", what)


def call(token, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    if body:
        headers["Content-Type"] = "application/json"
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    value = answer.status, json.loads(answer.read())
    connection.close()
    return value


db = psycopg.connect(autocommit=True)
def issue(user, scope="write"):
    return db.execute("SELECT token, token_id FROM tokenauth_issue(%s::uuid, scope => %s)", (user, scope)).fetchone()


for _ in range(600):
    try:
        call(None, "GET", "/notes")
        break
    except OSError:
        time.sleep(0.1)
alice, alice_id = issue(ALICE)
bob, bob_id = issue(BOB)
reader, _ = issue(ALICE, "read")

check(call(alice, "POST", "/notes", {"body": "mine"})[0], 200, "a note is made")
check([n["body"] for n in call(alice, "GET", "/notes")[1]], ["mine"], "and read by its owner")
check(call(bob, "GET", "/notes"), (200, []), "and by nobody else")
check(call(reader, "POST", "/notes", {"body": "x"}), (403, {"error": "forbidden"}), "403 without the scope")
check(call(None, "GET", "/notes"), (401, {"error": "malformed"}), "401 without a token")
check(call("note_nothing", "GET", "/notes"), (401, {"error": "malformed"}), "401 with a mistyped one")
check(call("note_\xff", "GET", "/notes")[0], 401, "401 with one that is no UTF-8")
status, new = call(alice, "POST", "/tokens", {"name": "phone"})
check(status, 200, "a token is made")
check(sorted(t["name"] for t in call(alice, "GET", "/tokens")[1]), ["", "", "phone"], "and listed")
check(call(bob, "POST", f"/tokens/{new['token_id']}/rotate")[0], 404, "another's cannot be rotated")
check(call(bob, "DELETE", f"/tokens/{new['token_id']}"), (200, {"revoked": False}), "nor revoked")
status, newer = call(alice, "POST", f"/tokens/{new['token_id']}/rotate")
check(call(new["token"], "GET", "/notes"), (401, {"error": "revoked"}), "rotated: the old one is refused")
check(call(newer["token"], "GET", "/notes")[0], 200, "the new one is not")

# Many requests, and a revocation in the middle: none that begins after it is accepted.
revoked = threading.Event()
stop = threading.Event()
accepted = {"before": 0, "after": 0}
lock = threading.Lock()


def ask():
    while not stop.is_set():
        late = revoked.is_set()
        ok = call(newer["token"], "GET", "/notes")[0] == 200
        with lock:
            accepted["after" if late else "before"] += ok


clients = [threading.Thread(target=ask) for _ in range(4)]
for client in clients:
    client.start()
while accepted["before"] < 50:
    time.sleep(0.01)
check(call(alice, "DELETE", f"/tokens/{newer['token_id']}"), (200, {"revoked": True}), "revoked under traffic")
revoked.set()
check([call(newer["token"], "GET", "/notes")[0] for _ in range(50)], [401] * 50, "refused from then on")
stop.set()
for client in clients:
    client.join()
check(accepted["after"], 0, "accepted after the revocation")
with open(LOG) as log:
    text = log.read()
check([t for t in (alice, bob, reader, new["token"], newer["token"], "note_nothing") if t in text], [],
      "no token in the service's log")
print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
sys.exit(not all(results))
