"""Threads, forks and signals under the blocking client."""

from __future__ import annotations

import os
import pathlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from conftest import Fake

TLS = pathlib.Path(__file__).parents[2] / "tests" / "vectors" / "tls"

needs_fork = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


# Threads ----------------------------------------------------------------------


def test_threads_share_a_client_and_not_its_connections(endpoint: str) -> None:
    with memoxide.Client([endpoint], timeout=10) as client:

        def work(number: int) -> None:
            for turn in range(100):
                key, value = f"{number}:{turn}", [number, turn] * 50
                assert client.set(key, value)
                assert client.get(key) == value
                assert client.get_multi([key, "absent"]) == {key: value}

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        assert client.open_connections <= 8


def test_a_waiting_thread_lets_the_others_run(fake: Callable[..., Fake]) -> None:
    with (
        fake(silent) as server,
        memoxide.Client([server.endpoint], timeout=10, retry_attempts=0) as client,
    ):
        errors: list[Exception] = []

        def wait() -> None:
            try:
                client.get("key")
            except memoxide.MemoxideError as error:
                errors.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        # This thread would not get here while the other holds the GIL.
        while server.connections == 0:
            time.sleep(0)
        server.disconnect()
        thread.join()
        assert [type(error) for error in errors] == [memoxide.ConnectionLostError]


def test_calls_wait_for_a_connection_where_those_are_few(
    fake: Callable[..., Fake],
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def slow(connection: socket.socket) -> None:
        while connection.recv(4096):
            asked.set()
            answer.wait()
            connection.sendall(b"END\r\n")

    options: Any = {"max_connections": 1, "timeout": 30, "protocol": "text"}
    with (
        fake(slow) as server,
        memoxide.Client([server.endpoint], **options) as client,
        ThreadPoolExecutor(1) as pool,
    ):
        occupied = pool.submit(client.get, "key", "absent")
        # The one connection is in use from here on.
        assert asked.wait(30)
        with pytest.raises(memoxide.TimeoutError) as error:
            client.get("key", timeout=0.1)
        assert error.value.phase == "queue"
        answer.set()
        assert occupied.result() == "absent"
        assert client.get("key", "absent") == "absent"
        assert server.connections == 1


def test_ids_are_remembered_for_one_thread(endpoint: str) -> None:
    with memoxide.Client([endpoint]) as client:
        client.set("key", 1)
        client.gets("key")
        with ThreadPoolExecutor(1) as pool:
            elsewhere = pool.submit(client.cas, "key", 2)
            with pytest.raises(memoxide.InvalidArgumentError):
                elsewhere.result()
        assert client.cas("key", 3)


# Forks ------------------------------------------------------------------------


def in_child(work: Callable[[], object]) -> None:
    """Runs `work` in a forked child and waits until it has succeeded."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


class TestForks:
    """A client that was used before a fork, in both processes after it."""

    pytestmark = needs_fork

    def test_a_child_opens_its_own_connections(
        self, memoxide_server: memoxide.EmbeddedServer
    ) -> None:
        with memoxide.Client([memoxide_server.endpoint], timeout=10) as client:
            client.set("key", "value")
            assert memoxide_server.connections == 1

            def work() -> None:
                assert client.open_connections == 0
                assert client.get("key") == "value"
                assert client.open_connections == 1
                client.close()

            in_child(work)
            assert memoxide_server.connections == 2
            assert client.get("key") == "value"
            assert client.open_connections == 1
            assert memoxide_server.connections == 2

    def test_replies_never_cross(self, memcached: str) -> None:
        with memoxide.Client([memcached], timeout=10) as client:

            def work(name: str) -> None:
                for turn in range(300):
                    client.set(name, [name, turn])
                    assert client.get(name) == [name, turn]

            work("parent")
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    work("child")
                    status = 0
                finally:
                    os._exit(status)
            work("parent")
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def test_a_fork_in_the_middle_of_calls(self, memcached: str) -> None:
        stop = threading.Event()
        with memoxide.Client([memcached], timeout=10) as client:

            def work() -> None:
                while not stop.is_set():
                    client.set("other", "thread")
                    client.get("other")

            with ThreadPoolExecutor(2) as pool:
                threads = [pool.submit(work) for _ in range(2)]
                for turn in range(10):
                    client.set("key", turn)

                    def check(turn: int = turn) -> None:
                        assert client.get("key") == turn
                        assert client.get_multi(["key", "absent"]) == {"key": turn}

                    in_child(check)
                stop.set()
                for thread in threads:
                    thread.result()

    def test_a_child_of_a_child(self, memcached: str) -> None:
        with memoxide.Client([memcached], timeout=10) as client:
            client.set("key", 1)

            def work() -> None:
                assert client.incr("key") == 2
                in_child(lambda: client.incr("key"))
                assert client.get("key") == 3

            in_child(work)
            assert client.get("key") == 3


# Signals ----------------------------------------------------------------------


class InterruptedByTestError(Exception):
    """Raised by a signal handler."""


@pytest.fixture
def alarm() -> Any:
    """Has a function called by signals, again and again, until it returns True."""
    old = signal.getsignal(signal.SIGALRM)

    def alarm(seconds: float, handler: Callable[[], object]) -> None:
        def handle(*_: object) -> None:
            if handler():
                stop()

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, seconds, seconds)

    def stop() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    yield alarm
    stop()
    signal.signal(signal.SIGALRM, old)


@pytest.mark.parametrize("keys", [1, 20])
@pytest.mark.parametrize("exception", [InterruptedByTestError, KeyboardInterrupt])
def test_a_signal_handler_can_end_a_call(
    keys: int, exception: type[BaseException], alarm: Any, fake: Callable[..., Fake]
) -> None:
    def interrupt() -> None:
        # One may come in between two system calls and wait for the next.
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        if one.connections + two.connections:
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise exception

    with (
        fake(silent) as one,
        fake(silent) as two,
        memoxide.Client([one.endpoint, two.endpoint], timeout=60) as client,
    ):
        start = time.monotonic()
        alarm(0.05, interrupt)
        with pytest.raises(exception):
            client.get_multi([f"key{number}" for number in range(keys)])
        assert time.monotonic() - start < 30
        # The connection was in the middle of something: it is gone.
        assert client.open_connections == 0


def test_a_signal_handler_that_returns_changes_nothing(
    alarm: Any, memoxide_server: memoxide.EmbeddedServer
) -> None:
    with memoxide.Client([memoxide_server.endpoint], timeout=10) as client:
        client.set("key", 1)
        memoxide_server.freeze()
        alarm(0.05, memoxide_server.thaw)
        assert client.get("key") == 1


@pytest.mark.parametrize("tls", [False, True])
def test_a_rain_of_signals(tls: bool, alarm: Any) -> None:
    files: Any = {"tls_cert": TLS / "server.pem", "tls_key": TLS / "server.key"}
    options: Any = {"tls": tls, "timeout": 30, "connect_timeout": 30}
    if tls:
        options["tls_ca"] = TLS / "ca.pem"
    drops = []
    with memoxide.EmbeddedServer(**(files if tls else {})) as server:
        alarm(0.001, lambda: drops.append(1))
        # Until enough of them have fallen into calls.
        while len(drops) < 50:
            with memoxide.Client([server.endpoint], **options) as client:
                for number in range(10):
                    client.set("key", number)
                    assert client.get("key") == number
                    assert client.get_multi(["key", "absent"]) == {"key": number}
