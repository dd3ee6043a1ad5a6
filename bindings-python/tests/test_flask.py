"""Sessions of Flask applications."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from typing import TYPE_CHECKING, Any

import flask
import memoxide
import pytest
from memoxide.flask import Session, SessionInterface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

CALLS = ("get", "gat", "set", "replace", "touch", "delete")


class Counting(memoxide.Client):
    """A client that tells which methods were called: each is one round trip."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in CALLS:
            self.calls.append(name)
        return super().__getattribute__(name)

    def take_calls(self) -> list[str]:
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def client(memoxide_server: memoxide.EmbeddedServer) -> Iterator[Counting]:
    with Counting(memoxide_server.endpoint) as client:
        yield client


@pytest.fixture
def app(client: Counting) -> flask.Flask:
    app = flask.Flask("shop")
    app.config["TESTING"] = True
    app.session_interface = SessionInterface(client)
    app.extensions["meanwhile"] = []

    @app.before_request
    def meanwhile() -> None:
        for do in app.extensions["meanwhile"]:
            do()

    @app.get("/set/<name>/<value>")
    def write(name: str, value: str) -> str:
        flask.session[name] = value
        return value

    @app.get("/get/<name>")
    def read(name: str) -> str:
        return str(flask.session.get(name))

    @app.get("/nothing")
    def nothing() -> str:
        return ""

    @app.get("/clear")
    def clear() -> str:
        flask.session.clear()
        return ""

    @app.get("/login/<name>")
    def login(name: str) -> str:
        session = flask.session._get_current_object()  # type: ignore[attr-defined]
        assert isinstance(session, Session)
        session.regenerate()
        session["user"] = name
        return session.sid

    @app.get("/append/<value>")
    def append(value: str) -> str:
        flask.session.setdefault("list", []).append(value)
        return ""

    @app.get("/permanent")
    def permanent() -> str:
        flask.session.permanent = True
        return ""

    @app.get("/flash")
    def flash() -> str:
        flask.flash("hello", "greeting")
        return ""

    @app.get("/flashed")
    def flashed() -> str:
        return repr(flask.get_flashed_messages(with_categories=True))

    return app


@pytest.fixture
def browser(app: flask.Flask) -> FlaskClient:
    return app.test_client()


def cookie(browser: FlaskClient) -> str | None:
    found = browser.get_cookie("session")
    return found.value if found else None


def test_one_round_trip_for_reading_and_one_for_writing(
    browser: FlaskClient, client: Counting
) -> None:
    browser.get("/nothing")
    assert client.take_calls() == []
    assert cookie(browser) is None
    browser.get("/set/user/ada")
    assert client.take_calls() == ["set"]
    assert browser.get("/get/user").text == "ada"
    assert client.take_calls() == ["gat"]
    browser.get("/nothing")
    assert client.take_calls() == ["gat"]
    browser.get("/set/user/bob")
    assert client.take_calls() == ["gat", "replace"]
    assert browser.get("/get/user").text == "bob"


def test_the_server_counts_the_same(
    browser: FlaskClient, memoxide_server: memoxide.EmbeddedServer
) -> None:
    with memoxide.Client(memoxide_server.endpoint) as observer:

        def requests() -> dict[str, int]:
            """Returns how many requests there were since the last time."""
            [(_, stats)] = observer.get_stats()
            names = ("cmd_get", "cmd_set", "cmd_touch", "cmd_meta", "delete_hits")
            now = {name: int(stats[name]) for name in names}
            since = {name: now[name] - last.get(name, 0) for name in now}
            last.update(now)
            return {name: count for name, count in since.items() if count}

        def cas() -> Any:
            item = observer.get_item(f"sess:{cookie(browser)}")
            assert item is not None
            requests()
            return item.cas

        last: dict[str, int] = {}
        browser.get("/nothing")
        assert requests() == {}
        browser.get("/set/user/ada")
        assert requests() == {"cmd_set": 1}
        stored = cas()
        browser.get("/get/user")
        browser.get("/nothing")
        assert requests() == {"cmd_touch": 2}
        # Its life is longer, but it was not written.
        assert cas() == stored
        browser.get("/set/user/bob")
        assert requests() == {"cmd_touch": 1, "cmd_set": 1}
        assert cas() != stored


def test_what_changes_inside_is_found(browser: FlaskClient, client: Counting) -> None:
    browser.get("/append/a")
    browser.get("/append/b")
    client.take_calls()
    assert browser.get("/get/list").text == "['a', 'b']"
    assert client.take_calls() == ["gat"]


def test_touching_by_a_request_of_its_own(
    app: flask.Flask, browser: FlaskClient, client: Counting
) -> None:
    app.session_interface = SessionInterface(client, refresh="write")
    browser.get("/set/user/ada")
    client.take_calls()
    browser.get("/get/user")
    assert client.take_calls() == ["get", "touch"]
    browser.get("/set/user/bob")
    assert client.take_calls() == ["get", "replace"]
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    browser.get("/get/user")
    assert client.take_calls() == ["get"]


@pytest.mark.parametrize("refresh", ["read", "write"])
def test_a_session_lives_as_long_as_it_is_used(refresh: Any) -> None:
    with (
        memoxide.EmbeddedServer(time=1_800_000_000) as server,
        memoxide.Client(server.endpoint) as client,
    ):
        app = flask.Flask("shop")
        app.permanent_session_lifetime = dt.timedelta(seconds=100)
        app.session_interface = SessionInterface(client, refresh=refresh)
        app.add_url_rule("/get", view_func=lambda: flask.session.get("n", "none"))

        @app.get("/set")
        def write() -> str:
            flask.session["n"] = "1"
            return ""

        browser = app.test_client()
        browser.get("/set")
        for _ in range(3):
            server.advance(60)
            assert browser.get("/get").text == "1"
        server.advance(101)
        assert browser.get("/get").text == "none"


def test_the_payload_is_json_under_the_id(
    browser: FlaskClient, client: Counting
) -> None:
    browser.get("/set/user/ada")
    item = client.get_item(f"sess:{cookie(browser)}")
    assert item is not None
    assert item.flags == 0
    assert json.loads(item.value) == {"user": "ada"}
    # Somebody else writes, in another way.
    client.set(f"sess:{cookie(browser)}", '{ "user": "bob", "n": [1, 2.5, null] }')
    assert browser.get("/get/user").text == "bob"
    assert browser.get("/get/n").text == "[1, 2.5, None]"


def test_what_json_does_not_have(app: flask.Flask, browser: FlaskClient) -> None:
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)

    @app.get("/moment")
    def store() -> str:
        flask.session["moment"] = (moment, b"bytes")
        return ""

    browser.get("/moment")
    assert browser.get("/get/moment").text == str((moment, b"bytes"))
    browser.get("/flash")
    assert browser.get("/flashed").text == "[('greeting', 'hello')]"


def test_another_serializer_and_prefix(
    app: flask.Flask, browser: FlaskClient, client: Counting
) -> None:
    app.session_interface = SessionInterface(
        client, prefix="app:session:", serializer=pickle
    )
    browser.get("/set/user/ada")
    stored = client.get(f"app:session:{cookie(browser)}")
    assert pickle.loads(stored) == {"user": "ada"}
    assert browser.get("/get/user").text == "ada"


def test_a_new_id_for_who_logs_in(browser: FlaskClient, client: Counting) -> None:
    browser.get("/set/cart/full")
    before = cookie(browser)
    client.take_calls()
    after = browser.get("/login/ada").text
    assert client.take_calls() == ["gat", "delete", "set"]
    assert after == cookie(browser) != before
    assert browser.get("/get/cart").text == "full"
    assert browser.get("/get/user").text == "ada"
    assert client.get(f"sess:{before}") is None


def test_ids_that_the_browser_made_up(browser: FlaskClient, client: Counting) -> None:
    for forged in ("x" * 43, "short", "a b", "x" * 200, "../" * 10, "é" * 30):
        browser.set_cookie("session", forged)
        client.take_calls()
        browser.get("/set/user/ada")
        expected = ["gat", "set"] if forged == "x" * 43 else ["set"]
        assert client.take_calls() == expected
        assert cookie(browser) != forged
        assert client.get(f"sess:{'x' * 43}") is None


def test_clearing(browser: FlaskClient, client: Counting) -> None:
    browser.get("/set/user/ada")
    sid = cookie(browser)
    response = browser.get("/clear")
    assert cookie(browser) is None
    assert client.get(f"sess:{sid}") is None
    assert "Cookie" in response.vary
    client.take_calls()
    assert browser.get("/clear").headers.get("Set-Cookie") is None
    assert client.take_calls() == []


@pytest.mark.parametrize("path", ["/set/a/b", "/login/eve", "/append/x"])
def test_a_session_that_was_removed_is_not_brought_back(
    app: flask.Flask, browser: FlaskClient, client: Counting, path: str
) -> None:
    browser.get("/set/user/ada")
    sid = cookie(browser)

    def log_out_elsewhere() -> None:
        assert flask.session["user"] == "ada"
        client.delete(f"sess:{sid}")

    app.extensions["meanwhile"].append(log_out_elsewhere)
    browser.get(path)
    assert cookie(browser) is None
    assert client.get(f"sess:{sid}") is None


@pytest.mark.parametrize("payload", [b"no json", b"[1]", b"\xff", b"", b'"text"'])
def test_a_payload_that_is_none(
    browser: FlaskClient, client: Counting, payload: bytes
) -> None:
    browser.get("/set/user/ada")
    sid = cookie(browser)
    client.set(f"sess:{sid}", payload)
    assert browser.get("/get/user").text == "None"
    browser.get("/set/user/bob")
    assert cookie(browser) != sid


def test_the_cookie_is_as_flask_is_told(app: flask.Flask, browser: FlaskClient) -> None:
    app.config.update(
        SESSION_COOKIE_NAME="sid",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
    )
    header = browser.get("/set/user/ada", base_url="https://shop.example").headers[
        "Set-Cookie"
    ]
    name, *attributes = header.split("; ")
    assert name.startswith("sid=")
    assert len(name) == len("sid=") + 43
    assert set(attributes) == {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"}


def test_permanent_sessions(app: flask.Flask, browser: FlaskClient) -> None:
    app.permanent_session_lifetime = dt.timedelta(days=90)
    browser.get("/permanent")
    response = browser.get("/get/user")
    assert "Expires=" in response.headers["Set-Cookie"]
    app.config["SESSION_REFRESH_EACH_REQUEST"] = False
    assert "Set-Cookie" not in browser.get("/get/user").headers


def test_vary(browser: FlaskClient) -> None:
    assert "Cookie" not in browser.get("/nothing").vary
    assert "Cookie" in browser.get("/get/user").vary
    assert "Cookie" in browser.get("/set/user/ada").vary


def test_a_server_that_is_away(
    app: flask.Flask, browser: FlaskClient, memoxide_server: memoxide.EmbeddedServer
) -> None:
    browser.get("/set/user/ada")
    memoxide_server.stop()
    with pytest.raises(ConnectionError):
        browser.get("/get/user")
    app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
    assert browser.get("/get/user").status_code == 500
    assert cookie(browser) is not None
