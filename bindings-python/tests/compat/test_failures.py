"""Servers that are away, slow or back again, as both modules see them.

Where the two differ, the difference is one that
`docs/migrating-from-python-memcached.md` lists.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide.compat import memcache

from .conftest import OURS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

KEYS = [f"key{number}" for number in range(40)]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def servers(stack: ExitStack) -> list[memoxide.EmbeddedServer]:
    return [stack.enter_context(memoxide.EmbeddedServer()) for _ in range(3)]


@pytest.fixture
def closed_port(stack: ExitStack) -> Callable[[], str]:
    """Gives ports where nobody listens, nor can as long as the test runs."""

    def closed_port() -> str:
        bound = stack.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{bound.getsockname()[1]}"

    return closed_port


def client_of(module: ModuleType, *servers: Any, **options: Any) -> Any:
    return module.Client(list(servers), **options)


def test_keys_are_where_they_were(
    theirs: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    endpoints: list[Any] = [server.endpoint for server in servers]
    for spec in (endpoints, [endpoints[0], (endpoints[1], 3), (endpoints[2], 0)]):
        old, new = client_of(theirs, *spec), client_of(memcache, *spec)
        for key in (*KEYS, (7, "a"), (-1, "b"), (1 << 70, "c"), "schlüssel"):
            old.set(key, repr(key))
            assert new.get(key) == repr(key)
        old.set_multi(dict.fromkeys(KEYS, 1), key_prefix="p:")
        assert new.get_multi(KEYS, key_prefix="p:") == dict.fromkeys(KEYS, 1)
        old.disconnect_all()


@pytest.mark.parametrize(
    "function", [None, lambda key: len(key), lambda key: -sum(key) << 99]
)
def test_other_hash_functions(
    theirs: ModuleType,
    servers: list[memoxide.EmbeddedServer],
    monkeypatch: pytest.MonkeyPatch,
    closed_port: Callable[[], str],
    function: Any,
) -> None:
    down = closed_port()
    endpoints = [servers[0].endpoint, down, servers[1].endpoint, servers[2].endpoint]
    for module in (theirs, memcache):
        monkeypatch.setattr(module, "serverHashFunction", function)
        if function is None:
            module.useOldServerHashFunction()
    old, new = client_of(theirs, *endpoints), client_of(memcache, *endpoints)
    for key in (*KEYS, (7, "a"), (-1, "b")):
        assert old.set(key, repr(key)) == 1
        assert new.get(key) == repr(key)
    old.disconnect_all()


def test_a_hash_function_that_fails(
    servers: list[memoxide.EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(memcache, servers[0].endpoint)
    monkeypatch.setattr(memcache, "serverHashFunction", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        client.get("a")
    monkeypatch.setattr(memcache, "serverHashFunction", lambda _: "text")
    with pytest.raises(TypeError):
        client.get_multi(["a"])


def test_a_placement_of_a_subclass(servers: list[memoxide.EmbeddedServer]) -> None:
    class Last(memcache.Client):
        def _get_server(self, key: Any) -> Any:
            host = self.servers[-1]
            return (host, key) if host.connect() else (None, None)

    client = Last([server.endpoint for server in servers])
    assert client.set("a", 1)
    assert client.set_multi({"b": 2, "c": 3}) == []
    others = client_of(memcache, servers[2].endpoint)
    assert others.get_multi("abc") == {"a": 1, "b": 2, "c": 3}


def test_buckets_of_ones_own(servers: list[memoxide.EmbeddedServer]) -> None:
    client = client_of(memcache, *(server.endpoint for server in servers))
    client.buckets = client.buckets[2:]
    assert client.set_multi(dict.fromkeys(KEYS, 1)) == []
    assert len(client_of(memcache, servers[2].endpoint).get_multi(KEYS)) == len(KEYS)


def test_keys_of_a_dead_server_spread(
    module: ModuleType,
    servers: list[memoxide.EmbeddedServer],
    closed_port: Callable[[], str],
) -> None:
    endpoints = [servers[0].endpoint, closed_port(), servers[1].endpoint]
    client = client_of(module, *endpoints)
    began = time.time()
    assert all(client.set(key, 1) is True for key in KEYS)
    assert client.get_multi(KEYS) == dict.fromkeys(KEYS, 1)
    assert [bool(host.deaduntil) for host in client.servers] == [False, True, False]
    assert began + 30 <= client.servers[1].deaduntil <= time.time() + 30
    assert str(client.servers[1]).endswith(
        f" (dead until {int(client.servers[1].deaduntil)})"
    )
    client.forget_dead_hosts()
    assert client.servers[1].deaduntil == 0
    client.disconnect_all()


def test_nobody_there(module: ModuleType, closed_port: Callable[[], str]) -> None:
    client = client_of(module, closed_port(), closed_port(), debug=1)
    with contextlib.redirect_stderr(io.StringIO()) as written:
        assert client.get("a", 5) is None
    assert written.getvalue().count("MemCached: MemCache: inet:127.0.0.1:") == 2
    assert written.getvalue().count(".  Marking dead.\n") == 2
    assert client.gets("a") is None
    assert client.set("a", 1) == 0
    assert client.set("a", 1) is not False
    assert client.delete("a") == 0
    assert client.touch("a") == 0
    assert client.incr("a") is None
    assert client.cas("a", 1) == 0
    assert client.get_multi(["a"]) == {}
    assert sorted(client.set_multi({"a": 1, "b": 2})) == ["a", "b"]
    assert client.set_multi({"a": 1}, noreply=True) == []
    assert client.delete_multi(["a"]) == 1
    assert client.get_stats() == []
    assert client.get_slab_stats() == []
    assert client.flush_all() is None


def test_marked_dead_by_hand(
    module: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    client = client_of(module, servers[0].endpoint, dead_retry=1000)
    assert client.set("a", 1) is True
    client.servers[0].mark_dead("test")
    assert client.servers[0].socket is None
    assert client.servers[0].connect() == 0
    assert client.get("a") is None
    client.servers[0].deaduntil = 1
    assert client.get("a") == 1
    assert client.servers[0].deaduntil == 0
    client.disconnect_all()


def test_flush_on_reconnect(
    module: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    client = client_of(module, servers[0].endpoint, flush_on_reconnect=1)
    assert client.set("a", 1) is True
    client.disconnect_all()
    assert client.get("a") == 1
    client.servers[0].mark_dead("test")
    client.forget_dead_hosts()
    assert client.get("a") is None
    assert client.set("a", 1) is True
    client.disconnect_all()
    assert client.get("a") == 1
    client.disconnect_all()


def test_a_server_that_restarts(
    module: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    client = client_of(module, servers[0].endpoint)
    reads: dict[str, Callable[[], Any]] = {
        "get": lambda: client.get("a", 5) == 5,
        "gets": lambda: client.gets("a") is None and not client.servers[0].deaduntil,
        "get_multi": lambda: client.get_multi("a") == {} and client.set("a", 1),
        "get_stats": lambda: len(client.get_stats()[0][1]) > 1,
    }
    for read in reads.values():
        client.forget_dead_hosts()
        assert client.set("a", 1) is True
        servers[0].restart()
        is_ours = module.__name__ == OURS
        assert bool(read()) is is_ours
    client.disconnect_all()


@pytest.mark.parametrize("is_idle", [False, True])
def test_writing_to_a_server_that_restarts(
    servers: list[memoxide.EmbeddedServer], is_idle: bool
) -> None:
    client = client_of(memcache, servers[0].endpoint)
    writes: list[Callable[[], Any]] = [
        lambda: client.set("a", 1) is True,
        lambda: client.set_multi({"a": 1}) == [],
        lambda: client.delete_multi(["a"]) == 1,
    ]
    for write in writes:
        assert client.set("a", 1) is True
        servers[0].restart()
        if is_idle:
            # A connection is looked at before use once it was idle for 100 ms.
            time.sleep(0.11)
            assert write()
        else:
            # What was sent may have been done, so that it is not sent again.
            write()
        assert not client.servers[0].deaduntil
        assert write()


def test_a_server_that_does_not_answer(
    module: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    client = client_of(module, servers[0].endpoint, socket_timeout=0.2)
    servers[0].freeze()
    calls: list[tuple[Callable[[], Any], Any]] = [
        (lambda: client.get("a", 5), None),
        (lambda: client.set("a", 1), 0),
        (lambda: client.delete("a"), 0),
        (lambda: client.incr("a"), None),
        (lambda: client.get_multi(["a"]), {}),
        (lambda: client.delete_multi(["a"]), 0),
    ]
    for call, wanted in calls:
        client.forget_dead_hosts()
        assert call() == wanted
        assert client.servers[0].deaduntil
    client.forget_dead_hosts()
    with pytest.raises(TimeoutError):
        client.get_stats()
    client.forget_dead_hosts()
    client.disconnect_all()
    with pytest.raises(socket.timeout):
        client.flush_all()
    client.disconnect_all()
    servers[0].thaw()


def test_several_of_which_one_does_not_answer(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    endpoints = [server.endpoint for server in servers]
    # Long enough for those that do answer.
    client = client_of(memcache, *endpoints, socket_timeout=1)
    assert client.set_multi(dict.fromkeys(KEYS, 1)) == []
    servers[1].freeze()
    found = client.get_multi(KEYS)
    assert 0 < len(found) < len(KEYS)
    assert [bool(host.deaduntil) for host in client.servers] == [False, True, False]
    client.forget_dead_hosts()
    lost = client.set_multi(dict.fromkeys(KEYS, 2))
    assert sorted(lost) == sorted(set(KEYS) - set(found))
    client.forget_dead_hosts()
    assert client.delete_multi(KEYS) == 0
    # The others have answered, and now all keys are theirs.
    assert client.set_multi(dict.fromkeys(KEYS, 3)) == []
    servers[1].thaw()


def test_one_server_twice(servers: list[memoxide.EmbeddedServer]) -> None:
    client = client_of(memcache, servers[0].endpoint, servers[0].endpoint)
    assert client.set_multi(dict.fromkeys(KEYS, 1)) == []
    assert len(client.get_multi(KEYS)) == len(KEYS)
    assert len(client.get_stats()) == 2


def test_a_value_over_the_limit_among_others(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    client = client_of(memcache, servers[0].endpoint)
    assert client.set_multi({"a": 1, "big": "x" * 2_000_000, "b": 2}) == ["big"]
    assert client.get_multi(["a", "big", "b"]) == {"a": 1, "b": 2}
    assert not client.servers[0].deaduntil


def test_a_delay_of_delete_multi_is_refused(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    client = client_of(memcache, servers[0].endpoint, debug=1)
    assert client.set("a", 1)
    with contextlib.redirect_stderr(io.StringIO()) as written:
        assert client.delete_multi(["a"], time=5) == 1
    assert "CLIENT_ERROR bad command line format" in written.getvalue()
    assert client.get("a") == 1


def test_unchecked_keys_cannot_break_the_protocol(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    client = client_of(memcache, servers[0].endpoint, check_keys=False)
    calls: list[Callable[[str], Any]] = [
        client.get,
        lambda key: client.set(key, 1),
        client.delete,
        lambda key: client.get_multi([key]),
        lambda key: client.set_multi({key: 1}),
    ]
    for key in ("a b", "a\r\nflush_all", "a\x00"):
        for call in calls:
            with pytest.raises(memcache.Client.MemcachedKeyCharacterError):
                call(key)
    assert client.set("k" * 251, 1) is False
    assert client.set_multi({"k" * 251: 1, "a": 1}) == ["k" * 251]
    assert client.get_multi(["k" * 251, "a"]) == {"a": 1}


def test_threads_have_their_own(
    module: ModuleType, servers: list[memoxide.EmbeddedServer]
) -> None:
    made = []

    class Client(module.Client):  # type: ignore[misc, name-defined]
        def __init__(self, *args: Any, **options: Any) -> None:
            made.append(threading.get_ident())
            super().__init__(*args, **options)

    client = Client([servers[0].endpoint], cache_cas=True)
    assert client.set("a", 1) is True
    assert client.gets("a") == 1
    client.servers[0].mark_dead("test")
    client.note = "mine"
    seen: dict[str, Any] = {}

    def other() -> None:
        seen.update(
            stats=dict(client.stats),
            cas_ids=dict(client.cas_ids),
            dead=client.servers[0].deaduntil,
            note=hasattr(client, "note"),
            value=client.get("a"),
        )
        client.set_servers([])
        client.disconnect_all()
        gc.collect()

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert seen == {"stats": {}, "cas_ids": {}, "dead": 0, "note": False, "value": 1}
    assert len(set(made)) == len(made) == 2
    assert len(client.servers) == 1
    client.disconnect_all()


def test_threads_have_connections_of_their_own(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    client = client_of(memcache, servers[0].endpoint)
    together = threading.Barrier(8)
    sockets = []

    def work(number: int) -> None:
        client.set(f"key{number}", number)
        together.wait(30)
        sockets.append(servers[0].open_connections)
        assert client.get(f"key{number}") == number
        together.wait(30)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sockets == [8] * 8


def test_a_forked_child_has_connections_of_its_own(
    servers: list[memoxide.EmbeddedServer],
) -> None:
    client = client_of(memcache, servers[0].endpoint)
    assert client.set("a", "parent")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            good = client.get("a") == "parent" and client.set("a", "child") is True
            status = 0 if good else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert client.get("a") == "child"


def test_unix_sockets(module: ModuleType, tmp_path: Any) -> None:
    path = str(tmp_path / "memcached.sock")
    with memoxide.EmbeddedServer(unix_socket=path):
        client = client_of(module, (f"unix:{path}", 2))
        assert client.set("a", 1) is True
        assert client.get("a") == 1
        assert [name for name, _ in client.get_stats()] == [f"unix:{path} (2)"]
        assert str(client.servers[0]) == f"unix:{path}"
        client.disconnect_all()


def test_ipv6(module: ModuleType) -> None:
    try:
        server = memoxide.EmbeddedServer(address="::1")
    except memoxide.ConnectError:
        pytest.skip("this machine has no IPv6")
    with server:
        client = client_of(module, f"inet6:[::1]:{server.port}")
        assert client.set("a", 1) is True
        assert [name for name, _ in client.get_stats()] == [f"[::1]:{server.port} (1)"]
        client.disconnect_all()


def test_install_as_memcache() -> None:
    import subprocess
    import sys

    program = (
        "import memoxide; memoxide.install_as_memcache(); import memcache; "
        "from memcache import Client; "
        "print(memcache.__name__, memcache.Client is Client)"
    )
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    assert done.stdout == "memoxide.compat.memcache True\n"
