"""A visitor of both apps: one browser, one jar of cookies.

Browsers do not tell cookies of two ports of a host apart, so a cookie that one
app sets reaches the other, as on any two services behind one name.
"""

from __future__ import annotations

import dataclasses
import http.client
import http.cookies
import json
import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 60


@dataclasses.dataclass
class Answer:
    """What an app answered to a request."""

    app: str
    method: str
    path: str
    status: int
    cache: str | None
    seconds: float
    body: str
    note: str = ""

    @property
    def source(self) -> str | None:
        """Which app made the page, or read the data from the database."""
        found = re.search(r'<meta name="generator" content="(\w+)">', self.body)
        return found[1] if found else self.json.get("source")

    @property
    def json(self) -> dict[str, Any]:
        """The body of an answer of the API; empty if there is none."""
        return json.loads(self.body) if self.body.startswith("{") else {}

    def facts(self) -> dict[str, Any]:
        """Returns what a program wants to know of this answer."""
        return {
            "app": self.app,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "cache": self.cache,
            "source": self.source,
            "milliseconds": round(self.seconds * 1000, 3),
        }


class Visitor:
    """Sends requests to the apps, over one connection each."""

    def __init__(self, ports: Mapping[str, int], cookies: Mapping[str, str] = {}):
        self.cookies = dict(cookies)
        self.connections = {
            app: http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
            for app, port in ports.items()
        }

    def get(self, app: str, path: str, cached: bool = True, note: str = "") -> Answer:
        """Reads a page; `cached=False` asks to leave the cache alone."""
        headers = {} if cached else {"Cache-Control": "no-store"}
        return self.send(app, "GET", path, headers, note=note)

    def post(self, app: str, path: str, **form: str) -> Answer:
        """Sends a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send(app, "POST", path, headers, urlencode(form))

    def rename(self, app: str, code: str, name: str) -> Answer:
        """Gives a subdivision another name."""
        headers = {"Content-Type": "application/json"}
        path = f"/api/subdivisions/{code}"
        body = json.dumps({"name": name})
        return self.send(app, "PUT", path, headers, body, note=f'name "{name}"')

    def send(
        self,
        app: str,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: str | None = None,
        note: str = "",
    ) -> Answer:
        """Sends a request and keeps the cookies of the answer."""
        connection = self.connections[app]
        sent = {**headers}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        begin = time.perf_counter()
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        text = response.read().decode()
        seconds = time.perf_counter() - begin
        for line in response.headers.get_all("Set-Cookie", []):
            for name, cookie in http.cookies.SimpleCookie(line).items():
                self.cookies.pop(name, None)
                if cookie.value:
                    self.cookies[name] = cookie.value
        cache = response.headers.get("X-Cache")
        return Answer(app, method, path, response.status, cache, seconds, text, note)

    def close(self) -> None:
        """Closes the connections."""
        for connection in self.connections.values():
            connection.close()
