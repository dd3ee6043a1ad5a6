"""What is refused before anything is sent, and what misbehaving servers cause."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Behaviour, Fake

    OpenClient = Callable[..., Any]

# Calls that end by their deadline may be this late.
LATE = 0.05


# What is refused here ---------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        *("", b"", "two words", "line\n", "nul\0", "\x7f", "k" * 251, "ü" * 126),
        *("\ud800", None, 5, 1.5, ("hash", "key"), ["key"], bytearray(b"key")),
    ],
)
@pytest.mark.parametrize("method", ["get", "gets", "delete", "touch", "incr"])
def test_a_bad_key(
    method: str, key: Any, open_client: OpenClient, fake: type[Fake]
) -> None:
    with fake(silent) as server, open_client([server.endpoint]) as client:
        with pytest.raises(memoxide.InvalidKeyError):
            getattr(client, method)(key)
        with pytest.raises(memoxide.InvalidKeyError):
            client.get_multi(["good", key])
        assert server.connections == 0


@pytest.mark.parametrize("time", ["60", "", b"1", True, 2**31, 2**70, float("nan"), []])
def test_a_bad_time_to_live(
    time: Any, open_client: OpenClient, fake: type[Fake]
) -> None:
    with fake(silent) as server, open_client([server.endpoint]) as client:
        for call in (client.set, client.add, client.cas):
            with pytest.raises(memoxide.InvalidArgumentError):
                call("key", 1, time)
        for name in ("touch", "gat"):
            with pytest.raises(memoxide.InvalidArgumentError):
                getattr(client, name)("key", time)
        with pytest.raises(memoxide.InvalidArgumentError):
            client.set_multi({"key": 1}, ttl=time)
        with pytest.raises(memoxide.InvalidArgumentError, match="two names"):
            client.set("key", 1, time=1, ttl=1)
        assert server.connections == 0


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, {"a": {1}}, float, 1j, [2**60], "\ud800", {"a": b""}]
)
def test_a_bad_value(value: Any, open_client: OpenClient, fake: type[Fake]) -> None:
    with fake(silent) as server, open_client([server.endpoint]) as client:
        with pytest.raises(memoxide.EncodeError):
            client.set("key", value)
        with pytest.raises(memoxide.EncodeError):
            client.set_multi({"good": 1, "key": value})
        assert server.connections == 0


def test_a_value_over_the_limit(open_client: OpenClient, fake: type[Fake]) -> None:
    with (
        fake(silent) as server,
        open_client([server.endpoint], max_value_size=100) as client,
    ):
        with pytest.raises(memoxide.ValueTooLargeError, match="101"):
            client.set("key", "x" * 101)
        assert server.connections == 0


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("incr", {"key": "k", "delta": -1}),
        ("incr", {"key": "k", "delta": 2**64}),
        ("decr", {"key": "k", "delta": 1.5}),
        ("incr", {"key": "k", "initial": "1"}),
        ("cas", {"key": "k", "value": 1, "cas": -1}),
        ("get", {"key": "k", "timeout": 0}),
        ("get", {"key": "k", "timeout": -1}),
        ("get", {"key": "k", "timeout": "1"}),
        ("get", {"key": "k", "timeout": float("inf")}),
        ("get_multi", {"keys": "one key"}),
        ("get_multi", {"keys": b"key"}),
        ("get_multi", {"keys": 5}),
        ("set_multi", {"mapping": [("k", 1)]}),
        ("flush_all", {"delay": -1}),
        ("flush_all", {"delay": 2**32}),
        ("flush_all", {"delay": 30 * 24 * 60 * 60 + 0.5}),
        ("flush_all", {"delay": "5"}),
        ("flush_all", {"delay": float("nan")}),
        ("flush_all", {"delay": timedelta(seconds=-1)}),
        ("update", {"key": "k", "change": 5}),
        ("set_raw", {"key": "k", "flags": 2**32, "data": b""}),
        ("set_raw", {"key": "k", "flags": 0, "data": "text"}),
        ("verbosity", {"level": True}),
        ("get_stats", {"report": "a\nb"}),
        ("set", {"key": "k", "value": 1, "min_compress_len": -1}),
    ],
)
def test_a_bad_argument(
    method: str, arguments: Any, open_client: OpenClient, fake: type[Fake]
) -> None:
    with fake(silent) as server, open_client([server.endpoint]) as client:
        with pytest.raises(memoxide.InvalidArgumentError):
            getattr(client, method)(**arguments)
        assert server.connections == 0


def test_a_number_out_of_range_is_called_what_it_is(
    open_client: OpenClient, fake: type[Fake]
) -> None:
    with fake(silent) as server, open_client([server.endpoint]) as client:
        for delta, words in ((-1, "negative"), (2**64, "larger"), ("1", "str")):
            with pytest.raises(memoxide.InvalidArgumentError, match=words):
                client.incr("key", delta)


@pytest.mark.parametrize(
    "servers",
    [
        *("", "a:b", "a:0", "a:70000", "a b", "[::1", ["a", ""], [("a", 1.5)]),
        *(
            [("a", -1)],
            {"a": -1},
            {"a": "1"},
            {1: 1},
            5,
            [5],
            [("a", 1, 2)],
            [["a", 1]],
            [None],
            b"a",
        ),
        *("redis://a", "memcache://a?timeout=0", "memcache://ann:p@ss@a"),
    ],
)
def test_a_bad_server_list(servers: Any) -> None:
    for kind in (memoxide.Client, memoxide.AsyncClient):
        with pytest.raises(memoxide.ConfigError):
            kind(servers)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": "soon"},
        {"timeout": True},
        {"timeout": []},
        {"max_idle": 1.5},
        {"hashing": "dice"},
        {"values": "none"},
        {"protocol": "http"},
        {"prefix": "a b"},
        {"time_out": 1},
        {"pickle": "yes"},
        # Those of python-memcached that cannot be had.
        {"socket_timeout": 1, "timeout": 1},
        {"check_keys": False},
        {"cache_cas": False},
        {"pickler": object},
        {"key_encoder": str},
        {"server_max_key_length": 0},
        {"flush_on_reconnect": 1},
    ],
)
def test_a_bad_option(options: Any) -> None:
    for kind in (memoxide.Client, memoxide.AsyncClient):
        with pytest.raises(memoxide.ConfigError) as error:
            kind("127.0.0.1", **options)
        assert any(name in str(error.value) for name in options)


def test_options_of_python_memcached() -> None:
    client = memoxide.Client(
        ["127.0.0.1:11211"],
        debug=1,
        pickleProtocol=2,
        socket_timeout=3,
        dead_retry=30,
        server_max_value_length=2 << 20,
        server_max_key_length=250,
        cache_cas=True,
        check_keys=True,
        flush_on_reconnect=0,
        key_encoder=None,
    )  # type: ignore[call-arg]
    assert client.debug == 1


def test_no_servers(open_client: OpenClient) -> None:
    with open_client([]) as client:
        for call in (client.get, client.delete, client.server_for):
            with pytest.raises(memoxide.NoServersError):
                call("key")
        with pytest.raises(memoxide.NoServersError):
            client.get_stats()


# What servers do --------------------------------------------------------------


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def closing(connection: socket.socket) -> None:
    connection.recv(1)


def nonsense(connection: socket.socket) -> None:
    while connection.recv(4096):
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def endless(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"x" * 4096)


def drip(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"MN\r\nVALUE key 0 1000000\r\n")
    # Ends when the client has closed the connection.
    while True:
        connection.sendall(b"x")
        time.sleep(0.01)


def answering(*replies: bytes) -> Behaviour:
    """Answers `mn` and the first read of a connection, then reads on."""

    def behaviour(connection: socket.socket) -> None:
        connection.recv(4096)
        for reply in replies:
            connection.sendall(reply)
        silent(connection)

    return behaviour


def passing_on(endpoint: str) -> Behaviour:
    """Does what the server at `endpoint` does."""

    def behaviour(connection: socket.socket) -> None:
        host, port = endpoint.split(":")
        with socket.create_connection((host, int(port))) as upstream:
            upstream.settimeout(0.001)
            connection.settimeout(0.001)
            for source, sink in itertools.cycle(
                [(connection, upstream), (upstream, connection)]
            ):
                with contextlib.suppress(TimeoutError):
                    data = source.recv(65536)
                    if not data:
                        return
                    sink.sendall(data)

    return behaviour


MISBEHAVIOUR: list[tuple[Behaviour, type[memoxide.MemoxideError]]] = [
    (silent, memoxide.TimeoutError),
    (drip, memoxide.TimeoutError),
    (closing, memoxide.ConnectionLostError),
    (nonsense, memoxide.ProtocolError),
    (endless, memoxide.ProtocolError),
    (answering(b"MN\r\n", b"VALUE other 0 1\r\nx\r\nEND\r\n"), memoxide.ProtocolError),
    (answering(b"MN\r\n", b"VALUE key 0 1\r\nxyz\r\nEND\r\n"), memoxide.ProtocolError),
    (answering(b"MN\r\n", b"VALUE key 0 99999999999\r\n"), memoxide.ProtocolError),
    (answering(b"MN\r\n", b"VALUE key 0 -1\r\n"), memoxide.ProtocolError),
    (answering(b"MN\r\n", b"STORED\r\n"), memoxide.ProtocolError),
    (answering(b"MN\r\n", b"\0\xff\r\n"), memoxide.ProtocolError),
]


@pytest.mark.parametrize(("behaviour", "kind"), MISBEHAVIOUR)
def test_a_misbehaving_server(
    behaviour: Behaviour,
    kind: type[memoxide.MemoxideError],
    open_client: OpenClient,
    fake: type[Fake],
    memcached: str,
) -> None:
    options: Any = {"timeout": 10, "connect_timeout": 10, "dead_after": 10}
    # Nothing but the time ends a call there.
    patience = 0.2 if kind is memoxide.TimeoutError else 10
    # Reads are made again once, so that two connections have to fail.
    with (
        memoxide.Client([memcached], **options) as setup,
        fake(behaviour, behaviour, passing_on(memcached)) as server,
        open_client([server.endpoint], **{**options, "timeout": patience}) as client,
    ):
        setup.set("key", "right")
        setup.set("other", "another")
        with pytest.raises(kind) as error:
            client.get("key")
        assert error.value.endpoint == server.endpoint
        # Nothing of it is left for the next call. A call that timed out was not
        # made again: the second connection fails as the first one did.
        while server.connections < 3:
            with contextlib.suppress(kind):
                client.get("other")
        assert client.get("other", timeout=10) == "another"
        assert client.get_multi(["key", "other"], timeout=10) == {
            "key": "right",
            "other": "another",
        }


@pytest.mark.parametrize("behaviour", [silent, drip])
def test_a_call_ends_by_its_deadline(
    behaviour: Behaviour, open_client: OpenClient, fake: type[Fake]
) -> None:
    fastest = float("inf")
    # What else the machine has to do may delay a call: one of many is in time.
    for _ in range(50):
        with (
            fake(behaviour) as server,
            open_client([server.endpoint], timeout=0.2) as client,
        ):
            start = time.monotonic()
            with pytest.raises(memoxide.TimeoutError) as error:
                client.get("key")
            fastest = min(fastest, time.monotonic() - start)
        assert error.value.endpoint == server.endpoint
        if fastest < 0.2 + LATE:
            assert error.value.phase == "read"
            return
    pytest.fail(f"calls of 0.2 s took {fastest:.3f} s and more")


@pytest.mark.parametrize("behaviour", [silent, closing, nonsense])
def test_the_outcome_of_a_write_is_told(
    behaviour: Behaviour, open_client: OpenClient, fake: type[Fake]
) -> None:
    # Nothing but the time ends a call that nobody answers.
    timeout = 0.5 if behaviour is silent else 10
    with (
        fake(behaviour) as server,
        open_client([server.endpoint], timeout=timeout, protocol="meta") as client,
    ):
        for call in (client.set, client.incr):
            with pytest.raises(memoxide.MemoxideError) as error:
                call("key", 1)
            assert error.value.endpoint == server.endpoint
            assert error.value.is_ambiguous
            assert not error.value.is_retryable


def test_a_server_that_cannot_be_reached(open_client: OpenClient) -> None:
    # While it is bound, a port is nobody else's; it refuses, as nobody listens.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{bound.getsockname()[1]}"
        options: Any = {"dead_after": 2, "dead_retry": 30, "connect_timeout": 1}
        with open_client([endpoint], **options) as client:
            for _ in range(2):
                with pytest.raises(memoxide.ConnectError, match="refused") as error:
                    client.set("key", 1)
                assert error.value.endpoint == endpoint
                assert error.value.sent == "not_sent"
                assert error.value.is_retryable
            with pytest.raises(memoxide.ConnectError, match="out of service"):
                client.get("key")


def test_a_name_that_does_not_resolve(open_client: OpenClient) -> None:
    endpoint = "memcached.invalid:11211"
    with (
        open_client([endpoint], timeout=50, connect_timeout=50) as client,
        pytest.raises(memoxide.ResolveError) as error,
    ):
        client.get("key")
    assert error.value.endpoint == endpoint


def test_a_server_that_stops_answering(open_client: OpenClient) -> None:
    with (
        memoxide.EmbeddedServer() as server,
        open_client([server.endpoint], timeout=10) as client,
    ):
        client.set_multi({"a": 1, "b": 2})
        server.freeze()
        with pytest.raises(memoxide.TimeoutError) as error:
            client.get("a", timeout=0.3)
        assert error.value.phase == "read"
        server.thaw()
        assert client.get("b") == 2
        assert client.get("a") == 1


def test_a_server_that_restarts(open_client: OpenClient) -> None:
    with (
        memoxide.EmbeddedServer() as server,
        open_client([server.endpoint], timeout=5) as client,
    ):
        client.set("key", 1)
        server.restart()
        assert client.get("key") is None
        assert client.set("key", 2) is True
