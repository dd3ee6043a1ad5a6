"""The embedded server from Python: life, time, faults of the way, and forks."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest
from memoxide import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

TLS = Path(__file__).parents[2] / "tests" / "vectors" / "tls"


def connect(server: EmbeddedServer) -> socket.socket:
    return socket.create_connection(server.address, timeout=5)


def ask(connection: socket.socket, request: bytes, end: bytes = b"\r\n") -> bytes:
    """Sends a request and returns the reply up to its end."""
    connection.sendall(request)
    reply = b""
    while not reply.endswith(end):
        chunk = connection.recv(65536)
        assert chunk, f"closed after {reply!r}"
        reply += chunk
    return reply


def refuses(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def connection(memoxide_server: EmbeddedServer) -> Iterator[socket.socket]:
    with connect(memoxide_server) as connection:
        yield connection


def test_a_value_is_kept(connection: socket.socket) -> None:
    assert ask(connection, b"set a 5 0 3\r\nabc\r\n") == b"STORED\r\n"
    assert ask(connection, b"get a\r\n", b"END\r\n") == b"VALUE a 5 3\r\nabc\r\nEND\r\n"


def test_the_address_is_told_in_three_ways(memoxide_server: EmbeddedServer) -> None:
    assert memoxide_server.address == ("127.0.0.1", memoxide_server.port)
    assert memoxide_server.endpoint == f"127.0.0.1:{memoxide_server.port}"
    assert memoxide_server.port > 0


def test_every_address_is_told() -> None:
    with EmbeddedServer() as server:
        assert server.endpoints == [server.endpoint]


def test_a_graceful_stop_lets_replies_arrive() -> None:
    with EmbeddedServer() as server, connect(server) as connection:
        assert ask(connection, b"set a 0 0 1\r\n1\r\n") == b"STORED\r\n"
        server.stop(graceful=True)
        assert not server.is_running


def test_servers_do_not_share_items() -> None:
    with EmbeddedServer() as one, EmbeddedServer() as other:
        assert one.port != other.port
        with connect(one) as connection:
            assert ask(connection, b"set a 0 0 1\r\n1\r\n") == b"STORED\r\n"
        with connect(other) as connection:
            assert ask(connection, b"get a\r\n") == b"END\r\n"


def test_the_end_of_the_block_stops_it() -> None:
    with EmbeddedServer() as server, connect(server) as connection:
        assert ask(connection, b"version\r\n")
        assert server.is_running
        server.stop()
        assert connection.recv(1) == b""
    assert not server.is_running
    assert refuses(server.address)
    server.stop()


def test_asyncio_has_it_too() -> None:
    async def main() -> bytes:
        async with EmbeddedServer() as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"version\r\n")
            reply = await reader.readline()
            writer.close()
            await writer.wait_closed()
        assert not server.is_running
        return reply

    assert asyncio.run(main()).startswith(b"VERSION ")


def test_it_stops_when_nobody_holds_it() -> None:
    server = EmbeddedServer()
    address = server.address
    del server
    gc.collect()
    assert refuses(address)


def test_a_stopped_server_says_so_with_its_endpoint() -> None:
    server = EmbeddedServer()
    server.stop()
    for call in (server.freeze, server.thaw, server.disconnect_all, server.restart):
        with pytest.raises(memoxide.ClosedError, match="has stopped") as caught:
            call()
        assert caught.value.endpoint == server.endpoint
    assert repr(server) == f"<EmbeddedServer {server.endpoint} stopped>"


def test_time_moves_only_by_hand_if_virtual() -> None:
    with EmbeddedServer(time=1_700_000_000) as server:
        assert server.time == 1_700_000_000
        with connect(server) as connection:
            assert ask(connection, b"set a 0 60 1\r\n1\r\n") == b"STORED\r\n"
            server.advance(59)
            assert ask(connection, b"get a\r\n", b"END\r\n") != b"END\r\n"
            server.advance(1)
            assert ask(connection, b"get a\r\n", b"END\r\n") == b"END\r\n"
        assert server.time == 1_700_000_060
        with pytest.raises(memoxide.InvalidArgumentError, match="does not go back"):
            server.advance(-1)


def test_connections_are_counted_and_closed() -> None:
    with EmbeddedServer() as server, connect(server) as connection:
        assert ask(connection, b"version\r\n")
        assert (server.connections, server.open_connections) == (1, 1)
        server.disconnect_all()
        assert connection.recv(1) == b""
        with connect(server) as another:
            assert ask(another, b"version\r\n")
        assert server.connections == 2


def test_a_frozen_server_answers_after_the_thaw() -> None:
    with EmbeddedServer() as server, connect(server) as connection:
        assert ask(connection, b"version\r\n")
        server.freeze()
        connection.sendall(b"version\r\n")
        connection.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(5)
        server.thaw()
        assert ask(connection, b"").startswith(b"VERSION")


def test_refused_connections_are_welcome_again() -> None:
    with EmbeddedServer() as server:
        with connect(server) as connection:
            assert ask(connection, b"version\r\n")
        server.refuse_connections()
        assert refuses(server.address)
        server.accept_connections()
        assert not refuses(server.address)


def test_a_restart_forgets_and_keeps_the_port() -> None:
    with EmbeddedServer() as server:
        with connect(server) as connection:
            assert ask(connection, b"set a 0 0 1\r\n1\r\n") == b"STORED\r\n"
            server.restart()
            assert connection.recv(1) == b""
        with connect(server) as connection:
            assert ask(connection, b"get a\r\n") == b"END\r\n"


def test_a_unix_socket_instead_of_a_port(tmp_path: Path) -> None:
    path = tmp_path / "memcached.sock"
    with EmbeddedServer(unix_socket=path) as server:
        assert (server.endpoint, server.port) == (str(path), 0)
        with pytest.raises(memoxide.UnsupportedError, match="unix socket"):
            _ = server.address
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(server.endpoint)
            assert ask(connection, b"version\r\n").startswith(b"VERSION")
    assert not path.exists()


def test_ipv6_has_brackets() -> None:
    with EmbeddedServer(address="::1") as server, connect(server) as connection:
        assert server.endpoint == f"[::1]:{server.port}"
        assert ask(connection, b"version\r\n").startswith(b"VERSION")


def test_the_text_protocol_asks_for_a_password() -> None:
    with EmbeddedServer(auth={"ada": "secret"}) as server:
        with connect(server) as connection:
            reply = ask(connection, b"set auth 0 0 9\r\nada wrong\r\n")
            assert reply == b"CLIENT_ERROR authentication failure\r\n"
        with connect(server) as connection:
            assert (
                ask(connection, b"set auth 0 0 10\r\nada secret\r\n") == b"STORED\r\n"
            )
            assert ask(connection, b"get a\r\n") == b"END\r\n"


def test_tls_asks_for_a_certificate_of_the_client() -> None:
    with EmbeddedServer(
        tls_cert=TLS / "server.pem",
        tls_key=TLS / "server.key",
        tls_client_ca=TLS / "ca.pem",
    ) as server:
        context = ssl.create_default_context(cafile=TLS / "ca.pem")
        context.load_cert_chain(TLS / "client.pem", TLS / "client.key")
        with (
            connect(server) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            assert ask(connection, b"version\r\n").startswith(b"VERSION")
        stranger = ssl.create_default_context(cafile=TLS / "ca.pem")
        with (
            connect(server) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
            stranger.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            ask(connection, b"version\r\n")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"address": "localhost"}, memoxide.ConfigError),
        ({"address": "192.0.2.1"}, memoxide.ConnectError),
        ({"tls_key": "key.pem"}, memoxide.ConfigError),
        ({"tls_client_ca": "ca.pem"}, memoxide.ConfigError),
        ({"tls_cert": "no.pem", "tls_key": "no.pem"}, memoxide.ConfigError),
        ({"idle_timeout": -1.0}, memoxide.InvalidArgumentError),
        ({"idle_timeout": float("nan")}, memoxide.InvalidArgumentError),
        ({"port": 65536}, OverflowError),
        ({"speed": 1}, TypeError),
    ],
    ids=repr,
)
def test_options_that_cannot_be(
    options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        EmbeddedServer(**options)


def test_a_port_that_is_taken_is_named() -> None:
    with EmbeddedServer() as server:
        with pytest.raises(memoxide.ConnectError) as caught:
            EmbeddedServer(port=server.port)
        assert str(server.port) in str(caught.value)


def test_many_threads_start_and_stop_servers() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(5):
                with EmbeddedServer() as server, connect(server) as connection:
                    assert ask(connection, b"version\r\n")
        except BaseException as failure:  # noqa: BLE001 - reported below
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_the_copy_in_a_forked_child_is_inert() -> None:
    with EmbeddedServer() as server:
        child = os.fork()
        if child == 0:
            try:
                inert = not server.is_running
                server.stop()
                try:
                    server.freeze()
                except memoxide.ClosedError as error:
                    inert = inert and "process that started it" in str(error)
                else:
                    inert = False
                del server
                gc.collect()
                # A server of the child's own is the child's.
                with EmbeddedServer() as own, connect(own) as connection:
                    inert = inert and ask(connection, b"version\r\n") != b""
                os._exit(0 if inert else 1)
            finally:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert server.is_running
        with connect(server) as connection:
            assert ask(connection, b"version\r\n").startswith(b"VERSION")
