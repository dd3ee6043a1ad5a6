"""Sessions for Flask, kept in memcached.

The browser has a random id in its cookie, the server has the contents. Reading a
session is one round trip, which also extends its life; writing is another, and
only done if something changed.

Example:
    >>> import flask, memoxide, memoxide.flask
    >>> app = flask.Flask("shop")
    >>> server = memoxide.EmbeddedServer()
    >>> client = memoxide.Client(server.endpoint)
    >>> app.session_interface = memoxide.flask.SessionInterface(client)
    >>> @app.get("/")
    ... def count() -> str:
    ...     flask.session["visits"] = flask.session.get("visits", 0) + 1
    ...     return str(flask.session["visits"])
    >>> browser = app.test_client()
    >>> browser.get("/").text, browser.get("/").text
    ('1', '2')
    >>> client.close(), server.stop()
    (None, None)
"""

from __future__ import annotations

import logging
import re
import secrets
from typing import TYPE_CHECKING, Any, Literal, Protocol

from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface as FlaskSessionInterface
from flask.sessions import SessionMixin
from werkzeug.datastructures import CallbackDict

if TYPE_CHECKING:
    from flask import Flask, Request, Response

    from memoxide.cache import Cache

__all__ = ["Serializer", "Session", "SessionInterface"]

# Ours have 43 characters. Those of PHP may have a comma.
_ID = re.compile(r"[A-Za-z0-9_,-]{22,128}")

_log = logging.getLogger("memoxide")


class Serializer(Protocol):
    """Turns the contents of a session into text or bytes, and back.

    The modules `json`, `pickle` and `msgpack` are such.
    """

    def dumps(self, value: Any, /) -> str | bytes:
        """Returns what stands for a value."""
        ...

    def loads(self, data: Any, /) -> Any:
        """Returns the value; raises anything if the bytes stand for none."""
        ...


class Session(CallbackDict[str, Any], SessionMixin):
    """A session: a dict of the application's, with its id.

    Attributes:
        sid: The id that is in the cookie.
        new: Whether it has not been stored yet.
        accessed: Whether the application has looked at it.
        modified: Whether it was changed. What changes inside a list or dict of
            the session is found when it is saved.
    """

    accessed = False
    modified = False

    def __init__(
        self, contents: dict[str, Any] | None, sid: str, stored: bytes | None
    ) -> None:
        def changed(session: Session) -> None:
            session.accessed = session.modified = True

        super().__init__(contents, changed)
        self.sid = sid
        self.new = stored is None
        self.stored = stored
        self.retired: str | None = None

    def regenerate(self) -> None:
        """Gives the session another id, and removes it under the old one.

        Call it whenever somebody logs in: an id that was known before is of no
        use then.
        """
        if not self.new and self.retired is None:
            self.retired = self.sid
        self.sid = _fresh_id()
        self.modified = True

    def __getitem__(self, key: str) -> Any:
        self.accessed = True
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Returns an entry, or `default` if there is none."""
        self.accessed = True
        return super().get(key, default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Returns an entry, which is made if there is none."""
        self.accessed = True
        return super().setdefault(key, default)


class SessionInterface(FlaskSessionInterface):
    """Keeps sessions in memcached; to be assigned to `app.session_interface`.

    What Flask has settings for is taken from there: the name and attributes of
    the cookie (`SESSION_COOKIE_SECURE` and so on), `PERMANENT_SESSION_LIFETIME`,
    for which a session is kept after its last use, and
    `SESSION_REFRESH_EACH_REQUEST`, whether that is since it was read or written.

    A session that was removed meanwhile, because its user logged out in another
    window, is not brought back by a request that still had it.

    Args:
        client: The client, which may be used for other things too.
        prefix: Put before the id, which gives the key.
        serializer: What the contents are written with: JSON by default, in which
            Flask marks what JSON does not have, such as dates; Node and PHP read
            the rest.
        refresh: Whether the life of a session that is not changed is extended
            as it is read, `"read"`, which costs nothing, or by a request of its
            own, `"write"`, for servers before memcached 1.5.3.
    """

    def __init__(
        self,
        client: Cache,
        *,
        prefix: str = "sess:",
        serializer: Serializer | None = None,
        refresh: Literal["read", "write"] = "read",
    ) -> None:
        self.client = client
        self.prefix = prefix
        self.serializer: Serializer = serializer or TaggedJSONSerializer()
        self.refresh = refresh

    def open_session(self, app: Flask, request: Request) -> Session:
        """Reads the session that the cookie names, or begins one.

        Raises:
            MemoxideError: The server failed.
        """
        sid = request.cookies.get(self.get_cookie_name(app))
        if sid is None or not _ID.fullmatch(sid):
            return Session(None, _fresh_id(), None)
        key = self.prefix + sid
        if self.refresh == "read" and app.config["SESSION_REFRESH_EACH_REQUEST"]:
            stored = self.client.gat(key, app.permanent_session_lifetime)
        else:
            stored = self.client.get(key)
        contents = None if stored is None else self._read(stored)
        if contents is None:
            # An id that the browser made up is not adopted.
            return Session(None, _fresh_id(), None)
        return Session(contents, sid, stored)

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        """Writes the session if it has changed, and sets the cookie.

        Raises:
            MemoxideError: The server failed.
        """
        if not isinstance(session, Session):
            # Somebody else's, such as the null session.
            return
        if session.accessed:
            response.vary.add("Cookie")
        if not session:
            if session.modified and not session.new:
                self.client.delete(self.prefix + (session.retired or session.sid))
                self._delete_cookie(app, response)
            return
        if session.modified or self._has_changed_inside(session):
            if not self._write(app, session):
                self._delete_cookie(app, response)
                return
        elif self.refresh == "write" and app.config["SESSION_REFRESH_EACH_REQUEST"]:
            self.client.touch(self.prefix + session.sid, app.permanent_session_lifetime)
        if self.should_set_cookie(app, session):
            response.set_cookie(
                self.get_cookie_name(app),
                session.sid,
                expires=self.get_expiration_time(app, session),
                **self._cookie(app),
            )
            response.vary.add("Cookie")

    def _write(self, app: Flask, session: Session) -> bool:
        """Stores a session; tells whether it is still to be there."""
        data = self.serializer.dumps(dict(session))
        data = data.encode() if isinstance(data, str) else data
        key, time = self.prefix + session.sid, app.permanent_session_lifetime
        if session.retired is not None:
            # Only who removes the old one takes its place.
            if not self.client.delete(self.prefix + session.retired):
                return False
            self.client.set(key, data, time)
        elif session.new:
            self.client.set(key, data, time)
        else:
            return self.client.replace(key, data, time)
        return True

    def _read(self, stored: str | bytes) -> dict[str, Any] | None:
        try:
            contents = self.serializer.loads(stored)
        except Exception as error:  # noqa: BLE001 - whatever a serializer raises
            # Its text may hold what is in the session.
            _log.warning("stored session cannot be read: %s", type(error).__name__)
            return None
        return contents if isinstance(contents, dict) else None

    def _has_changed_inside(self, session: Session) -> bool:
        return (
            session.accessed
            and session.stored is not None
            and self._read(session.stored) != session
        )

    def _cookie(self, app: Flask) -> dict[str, Any]:
        attributes = {
            "domain": self.get_cookie_domain(app),
            "path": self.get_cookie_path(app),
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        # Since Flask 3.1.
        if hasattr(self, "get_cookie_partitioned"):
            attributes["partitioned"] = self.get_cookie_partitioned(app)
        return attributes

    def _delete_cookie(self, app: Flask, response: Response) -> None:
        response.delete_cookie(self.get_cookie_name(app), **self._cookie(app))
        response.vary.add("Cookie")


def _fresh_id() -> str:
    return secrets.token_urlsafe(32)
