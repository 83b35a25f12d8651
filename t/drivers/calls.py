"""Each call of a service's by a driver: python3 calls.py DRIVER, the database being that of
PGHOST and so on.  DB_PREPARE=0: what clients.md says for a pooler without prepared statements.
A # is a parameter for which the driver must tell the type, if it asks the server for it."""
import asyncio
import os
import re
import sys
import uuid

PREPARE = os.environ.get("DB_PREPARE") != "0"


def psycopg():
    import psycopg
    db = psycopg.connect(autocommit=True, prepare_threshold=0 if PREPARE else None)
    return lambda sql, kind, args: db.execute(re.sub(r"\$\d#?", "%s", sql), args).fetchone()


def psycopg2():
    import psycopg2.extras
    db = psycopg2.connect("")
    db.autocommit = True
    psycopg2.extras.register_uuid(conn_or_curs=db)
    cursor = db.cursor()

    def call(sql, kind, args):
        cursor.execute(re.sub(r"\$\d#?", "%s", sql), args)
        return cursor.fetchone()
    return call


def asyncpg():
    import asyncpg
    loop = asyncio.new_event_loop()
    db = loop.run_until_complete(asyncpg.connect(**({} if PREPARE else {"statement_cache_size": 0})))
    return lambda sql, kind, args: loop.run_until_complete(
        db.fetchrow(sql.replace("#", f"::{kind}"), *args))


def sqlalchemy():
    from sqlalchemy import create_engine, text
    engine = create_engine("postgresql+psycopg2://", hide_parameters=True)

    def call(sql, kind, args):
        with engine.begin() as db:
            return db.execute(text(re.sub(r"\$(\d)#?", r":p\1", sql)),
                              {f"p{i + 1}": a for i, a in enumerate(args)}).fetchone()
    return call


def django():
    from django.conf import settings
    settings.configure(DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"],
        "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"]}})
    from django.db import connection

    def call(sql, kind, args):
        with connection.cursor() as cursor:
            cursor.execute(re.sub(r"\$\d#?", "%s", sql), args)
            return cursor.fetchone()
    return call


call = {f.__name__: f for f in (psycopg, psycopg2, asyncpg, sqlalchemy, django)}[sys.argv[1]]()


def tell(source, kind, user, of_text):
    def ask(sql, *args):
        return call(sql, kind, args)
    told = []
    try:
        token, token_id = ask("SELECT token, token_id FROM tokenauth_issue($1#, $2)", user, source)
        told.append("issue")
        told.append(f"resolve {ask(f'SELECT tokenauth_resolve($1, NULL::{source})::text', token)[0]}")
        told.append("identify {} {}".format(*ask("SELECT status, user_id FROM tokenauth_identify($1)", token)))
        told.append(f"bind {ask('SELECT status FROM tokenauth_bind($1)', token)[0]}")
        told.append(f"list {ask('SELECT count(*) FROM tokenauth_list($1#, $2)', user, source)[0]}")
        new, new_id = ask("SELECT token, token_id FROM tokenauth_rotate($1#, $2#, source => $3)",
                          of_text(token_id), user, source)
        told.append(f"rotate {ask('SELECT status FROM tokenauth_identify($1)', token)[0]}")
        told.append("revoke " + str(ask("SELECT tokenauth_revoke($1#, $2#)", of_text(new_id), user)[0]).lower())
        ask("SELECT tokenauth_issue($1#, $2)", user, source)
        told.append(f"revoke_user {ask('SELECT tokenauth_revoke_user($1#)', user)[0]}")
        told.append(f"now {ask('SELECT status FROM tokenauth_identify($1)', new)[0]}")
    except Exception as error:
        told.append(f"FAILED {type(error).__name__}: {error}")
    print(f"{kind}: {', '.join(told)}")


in_text, = call("SELECT position(CAST($1 AS text) IN current_query()) > 0", "text", ["confidential"])
print("parameters:", "in the statement's text" if in_text else "separate")
tell("bigint", "smallint", 5, int)
tell("bigint", "int", 70000, int)
tell("bigint", "bigint", 5000000000, int)
tell("uuid", "uuid", uuid.UUID("00000000-0000-4000-8000-00000000000a"), uuid.UUID)
tell("text", "text", "ann", str)
