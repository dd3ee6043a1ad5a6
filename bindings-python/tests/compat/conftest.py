"""Both modules, and both servers: what python-memcached does, ours has to do."""

from __future__ import annotations

import importlib
import socket
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

THEIRS = "memcache"
OURS = "memoxide.compat.memcache"


@dataclass
class World:
    """A module under test, a server, and a client of the one for the other."""

    module: ModuleType
    endpoint: str
    stack: ExitStack
    clients: list[Any] = field(default_factory=list)

    @property
    def is_ours(self) -> bool:
        return self.module.__name__ == OURS

    def client(self, *servers: Any, **options: Any) -> Any:
        """Makes a client, by default for the one server."""
        client = self.module.Client(list(servers or [self.endpoint]), **options)
        self.stack.callback(client.disconnect_all)
        return client

    @property
    def c(self) -> Any:
        """The client with default options."""
        if not self.clients:
            self.clients.append(self.client())
        return self.clients[0]

    def raw(self, request: bytes, end: bytes = b"\r\n") -> bytes:
        """Asks the server without any client."""
        host, port = self.endpoint.split(":")
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(request)
            reply = b""
            while not reply.endswith(end):
                chunk = connection.recv(65536)
                assert chunk, f"closed after {reply!r}"
                reply += chunk
            return reply

    def stored(self, key: str) -> Any:
        """Returns flags and bytes as they are stored, None if there are none."""
        reply = self.raw(b"get " + key.encode() + b"\r\n", b"END\r\n")
        if reply == b"END\r\n":
            return None
        head, body = reply.split(b"\r\n", 1)
        return int(head.split()[2]), body[: -len(b"\r\nEND\r\n")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets python-memcached leave its sockets to the garbage collector."""
    for item in items:
        if "theirs" in item.name or "theirs" in getattr(item, "fixturenames", ()):
            for what in ("pytest.PytestUnraisableExceptionWarning", "ResourceWarning"):
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{what}"))


@pytest.fixture(params=[THEIRS, OURS], ids=["theirs", "ours"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    """python-memcached, or the module in its place."""
    return importlib.import_module(request.param)


@pytest.fixture
def theirs() -> ModuleType:
    """python-memcached."""
    return importlib.import_module(THEIRS)


@pytest.fixture(params=["memcached", "embedded"])
def world(request: pytest.FixtureRequest, module: ModuleType) -> Iterator[World]:
    """A module and an empty server."""
    with ExitStack() as stack:
        if request.param == "memcached":
            endpoint = request.getfixturevalue("memcached")
        else:
            endpoint = stack.enter_context(memoxide.EmbeddedServer()).endpoint
        world = World(module, endpoint, stack)
        assert world.raw(b"flush_all\r\n") == b"OK\r\n"
        yield world
