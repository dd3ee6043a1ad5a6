"""The Flask app of the demo: pages about countries, cached with memoxide.

It shares its database, its cache, its keys and its logins with
`express_app.mjs`, which reads side by side with this file. `docs/demo.md` lists
the keys.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import sqlite3
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import flask
import memoxide
from flask import abort, g, render_template, request, session
from flask.sessions import SessionInterface, SessionMixin
from geography import connect, rows
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "flask"
PAGE_SECONDS = 300
SEARCH_SECONDS = 2
SEARCH_LIMIT = 200  # of the 250 bytes that a key may have
SESSION_SECONDS = 1800

app = flask.Flask(NAME, root_path=str(Path(__file__).parent), template_folder="views")
app.jinja_options = {"keep_trailing_newline": True}  # as Nunjucks does
cache = memoxide.Client(
    os.environ["MEMCACHED_SERVERS"],
    prefix=os.environ["DEMO_PREFIX"],
    on_error="miss",  # pages without a cache rather than no pages
)


def database() -> sqlite3.Connection:
    """Returns the connection of this request; pages from the cache need none."""
    if "database" not in g:
        g.database = connect(os.environ["DEMO_DATABASE"])
    return g.database


@app.teardown_request
def close_database(_: BaseException | None) -> None:
    if "database" in g:
        g.database.close()


@app.url_value_preprocessor
def check_code(_: str | None, values: dict[str, Any] | None) -> None:
    """Lets nothing else become part of a key."""
    code = (values or {}).get("code", "GB")
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", code):
        abort(404)


# Cached pages ---------------------------------------------------------------


def cached(key: str, seconds: int, make: Callable[[], Any]) -> Any:
    """Returns what the cache has under a key, or else makes and stores it."""
    if request.cache_control.no_store:
        g.outcome = "BYPASS"
        return make()
    value = cache.get(key)
    outcome = "MISS" if value is None else "HIT"
    if value is None:
        value = make()
        with contextlib.suppress(memoxide.ValueTooLargeError):  # then it is made again
            cache.set(key, value, time=seconds)
    g.outcome = outcome
    return value


@app.after_request
def tell_outcome(response: flask.Response) -> flask.Response:
    if "outcome" in g:
        response.headers["X-Cache"] = g.outcome
    return response


def country(code: str) -> dict[str, Any]:
    def read() -> dict[str, Any]:
        found = rows(database(), "country", country=code)
        if not found:
            abort(404)
        subdivisions = rows(database(), "subdivisions", country=code)
        return {"source": NAME, "country": found[0], "subdivisions": subdivisions}

    return cached(f"query:country:{code}", PAGE_SECONDS, read)


def world() -> dict[str, Any]:
    def read() -> dict[str, Any]:
        return {"source": NAME, "countries": rows(database(), "world")}

    return cached("query:world", PAGE_SECONDS, read)


@app.get("/")
def world_page() -> str:
    def render() -> str:
        return render_template("world.html", generator=NAME, **world())

    return cached("view:world", PAGE_SECONDS, render)


@app.get("/countries/<code>")
def country_page(code: str) -> str:
    def render() -> str:
        return render_template("country.html", generator=NAME, **country(code))

    return cached(f"view:country:{code}", PAGE_SECONDS, render)


@app.get("/api/countries/<code>")
def country_data(code: str) -> dict[str, Any]:
    return country(code)


@app.get("/api/search")
def search() -> dict[str, Any]:
    text = request.args["text"]

    def read() -> dict[str, Any]:
        return {"source": NAME, "found": rows(database(), "search", text=text)}

    # Quoted, since a key has no spaces; safe are the characters that JavaScript's
    # encodeURIComponent leaves alone.
    key = quote(text, safe="!'()*~")
    if len(key) > SEARCH_LIMIT:
        abort(414)
    return cached(f"search:{key}", SEARCH_SECONDS, read)


# Edits ----------------------------------------------------------------------


@app.put("/api/subdivisions/<code>")
def rename(code: str) -> Any:
    if "user" not in session:
        abort(401)
    name = request.get_json().get("name")
    if not isinstance(name, str):
        abort(422)
    try:
        with database() as transaction:
            transaction.execute("BEGIN IMMEDIATE")
            found = rows(transaction, "subdivision", code=code)
            if not found:
                abort(404)
            rows(transaction, "rename", code=code, name=name)
            names = {"old": found[0]["name"], "new": name}
            affected = rows(
                transaction, "affected", country=found[0]["country"], **names
            )
    except sqlite3.IntegrityError:
        abort(422)
    # Not before the commit: until then a reader finds the old row, and would
    # store it again under the keys just deleted.
    stale = ["query:world", "view:world"]
    for row in affected:
        stale += [f"query:country:{row['code']}", f"view:country:{row['code']}"]
    cache.delete_multi(stale)
    return {"code": code, "name": name, "deleted": stale}


# Sessions -------------------------------------------------------------------


class Session(dict[str, Any], SessionMixin):
    """What is known of a visitor; without an id until it is stored."""

    def __init__(self, session_id: str | None, data: dict[str, Any]) -> None:
        super().__init__(data)
        self.id = session_id
        self.loaded = data


class Sessions(SessionInterface):
    """Keeps sessions as JSON under `session:<id>`, the id in a cookie.

    A session ends when nobody has asked with its id for `SESSION_SECONDS`.
    """

    def open_session(self, _: flask.Flask, request: flask.Request) -> Session:
        session_id = request.cookies.get("session", "")
        data = None
        if re.fullmatch(r"[\w-]{24}", session_id, re.ASCII):
            data = cache.gat(f"session:{session_id}", SESSION_SECONDS)
        return Session(session_id, data) if data else Session(None, {})

    def save_session(
        self, _: flask.Flask, session: Session, response: flask.Response
    ) -> None:
        if session == session.loaded:
            return
        # Whoever logs in or out gets a new id, so no id from before a login is
        # worth stealing, and no late write brings an ended session back.
        if session.id:
            cache.delete_multi([f"session:{session.id}", f"visits:{session.id}"])
        if not session:
            response.delete_cookie("session")
            return
        session_id = secrets.token_urlsafe(18)
        cache.add(f"session:{session_id}", dict(session), time=SESSION_SECONDS)
        cache.add(f"visits:{session_id}", 0, time=SESSION_SECONDS)
        response.set_cookie("session", session_id, httponly=True, samesite="Lax")


app.session_interface = Sessions()


@app.post("/login")
def login() -> dict[str, Any]:
    session.clear()
    session.update(user=request.form["user"], source=NAME)
    return {"user": session["user"]}


@app.get("/me")
def me() -> dict[str, Any]:
    if "user" not in session:
        abort(401)
    # A number of its own, counted by the server: two apps that each wrote back
    # the whole session would lose visits.
    visits = cache.incr(f"visits:{session.id}")
    cache.touch(f"visits:{session.id}", SESSION_SECONDS)
    return {**session, "visits": visits}


@app.post("/logout")
def logout() -> dict[str, Any]:
    session.clear()
    return {}


# The process ----------------------------------------------------------------


class Handler(WSGIRequestHandler):
    """Sends head and body of a response without waiting in between."""

    disable_nagle_algorithm = True


def main() -> None:
    """Serves on a free port, which it prints, until its standard input ends."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    print(server.server_port, flush=True)

    def stop_with_parent() -> None:
        sys.stdin.read()
        server.shutdown()

    threading.Thread(target=stop_with_parent, daemon=True).start()
    with cache, server:
        server.serve_forever()


if __name__ == "__main__":
    main()
