"""Servers to test against: our own, the system's memcached, and misbehaving ones."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import hypothesis
import memoxide
import pytest
from typing_extensions import Self

T = TypeVar("T")

Behaviour: TypeAlias = Callable[[socket.socket], None]
Run: TypeAlias = Callable[[Coroutine[Any, Any, T]], T]
WithinASecond: TypeAlias = Callable[[str, Callable[[], Any]], Any]

# How long an example takes says nothing where others want the processor too.
hypothesis.settings.register_profile(
    "patient",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("patient")


@contextlib.contextmanager
def run_memcached(*flags: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Runs the system's memcached; gives the process and its address."""
    program = shutil.which("memcached")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("memcached is not installed")
        pytest.skip("memcached is not installed")
    # It chooses the port itself, so that nobody can take it in between.
    command = [program, "-l", "127.0.0.1", "-p", "-1", "-U", "0", *flags]
    if os.getuid() == 0:
        command += ["-u", "nobody"]
    with tempfile.TemporaryDirectory() as folder:
        # Whoever memcached runs as tells its port there.
        Path(folder).chmod(0o777)
        ports = Path(folder, "ports")
        environment = {**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)}
        with subprocess.Popen(command, env=environment) as running:
            try:
                deadline = time.monotonic() + 30
                while not ports.exists():
                    assert running.poll() is None, "memcached ended"
                    assert time.monotonic() < deadline, "memcached does not listen"
                    time.sleep(0.001)
                yield running, f"127.0.0.1:{ports.read_text().split()[-1]}"
            finally:
                running.kill()


RunMemcached: TypeAlias = Callable[
    ..., AbstractContextManager[tuple[subprocess.Popen[bytes], str]]
]


@pytest.fixture(scope="session", name="run_memcached")
def run_memcached_fixture() -> RunMemcached:
    """What runs a real memcached with some flags of its own."""
    return run_memcached


@pytest.fixture(scope="session")
def memcached() -> Iterator[str]:
    """The address of a real memcached."""
    with run_memcached() as (_, endpoint):
        yield endpoint


def uptime(endpoint: str) -> bytes:
    """Returns the seconds that a server has counted."""
    host, _, port = endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"stats\r\n")
        reply = b""
        while not reply.endswith(b"END\r\n"):
            chunk = connection.recv(65536)
            assert chunk, f"closed after {reply!r}"
            reply += chunk
    return reply.partition(b"STAT uptime ")[2].split()[0]


@pytest.fixture
def within_a_second() -> WithinASecond:
    """Does something within one second of a server's clock.

    Servers count whole seconds, and the next may begin at any moment. What was done
    while it began is done again, so that what is found does not depend on that.
    """

    def within_a_second(endpoint: str, work: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while True:
            before = uptime(endpoint)
            found = work()
            if uptime(endpoint) == before:
                return found
            assert time.monotonic() < deadline, "everything takes a second"

    return within_a_second


@pytest.fixture(params=["embedded", "memcached"])
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty server, of each kind in turn."""
    if request.param == "embedded":
        with memoxide.EmbeddedServer() as server:
            yield server.endpoint
    else:
        address: str = request.getfixturevalue("memcached")
        with memoxide.Client([address]) as client:
            client.flush_all()
        yield address


NewLoop: TypeAlias = Callable[[], asyncio.AbstractEventLoop]


def new_loop_of(kind: str) -> NewLoop:
    """Returns what makes event loops of that kind."""
    if kind == "asyncio":
        return asyncio.new_event_loop
    new_loop: NewLoop = pytest.importorskip("uvloop").new_event_loop
    return new_loop


class OnLoop:
    """An `AsyncClient` that is called like a `Client`: one task makes all calls."""

    def __init__(self, new_loop: NewLoop, *args: Any, **options: Any) -> None:
        self._loop = new_loop()
        self._client = memoxide.AsyncClient(*args, **options)
        self._jobs: asyncio.Queue[Any] = asyncio.Queue()
        self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        while True:
            job, done = await self._jobs.get()
            try:
                result = job()
                done.set_result(await result if inspect.isawaitable(result) else result)
            except Exception as error:  # noqa: BLE001
                done.set_exception(error)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            done = self._loop.create_future()
            self._jobs.put_nowait((functools.partial(attribute, *args, **kwargs), done))
            return self._loop.run_until_complete(done)

        return call

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._client.aclose())
        self._task.cancel()
        self._loop.run_until_complete(asyncio.wait([self._task]))
        self._loop.close()


@pytest.fixture(params=["blocking", "asyncio", "uvloop"])
def open_client(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Makes clients of each kind in turn, all called like `Client`."""
    if request.param == "blocking":
        return memoxide.Client
    return functools.partial(OnLoop, new_loop_of(request.param))


@pytest.fixture
def client(endpoint: str, open_client: Callable[..., Any]) -> Iterator[Any]:
    """A client of that server."""
    with open_client([endpoint], timeout=10, connect_timeout=10) as client:
        yield client


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Runs a coroutine on a loop of its own, of each kind in turn."""
    new_loop = new_loop_of(request.param)

    def run(main: Coroutine[Any, Any, Any]) -> Any:
        loop = new_loop()
        try:
            return loop.run_until_complete(main)
        finally:
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    return run


class Fake:
    """A server that does to each connection, in turn, what it is told to do.

    The last behaviour is that of all further connections.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        self._behaviours = behaviours
        self._listener = socket.create_server(("127.0.0.1", 0))
        host, port = self._listener.getsockname()
        self.endpoint = f"{host}:{port}"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def connections(self) -> int:
        """How many connections have come."""
        return len(self._connections)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                last = len(self._behaviours) - 1
                behaviour = self._behaviours[min(self.connections, last)]
                self._connections.append(connection)
                thread = threading.Thread(
                    target=self._serve, args=(behaviour, connection)
                )
                self._threads.append(thread)
                thread.start()

    @staticmethod
    def _serve(behaviour: Behaviour, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            behaviour(connection)

    def __enter__(self) -> Self:
        return self

    def disconnect(self) -> None:
        """Ends every connection."""
        # A thread that waits for a socket notices a shutdown, not a close.
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.disconnect()
        for thread in self._threads:
            thread.join()
        self._listener.close()


@pytest.fixture
def fake() -> type[Fake]:
    """The class of servers that misbehave."""
    return Fake
