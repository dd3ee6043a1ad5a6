r"""A memcached inside this process, for tests, demos and local work.

A server starts in about a millisecond on a free port of 127.0.0.1, any number
side by side, and needs nothing installed. Tests have it as the pytest fixture
`memoxide_server` once the package is installed.

Example:
    >>> import socket
    >>> from memoxide import EmbeddedServer
    >>> with EmbeddedServer() as server:
    ...     with socket.create_connection(server.address) as connection:
    ...         _ = connection.sendall(b"set greeting 0 0 5\r\nhello\r\n")
    ...         connection.recv(100)
    b'STORED\r\n'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memoxide import _native

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["EmbeddedServer"]


class EmbeddedServer(_native.EmbeddedServer):
    """A running memcached on a port of its own.

    It runs from the moment it is made until `stop`, the end of the `with` or
    `async with` block, or its garbage collection, on threads of its own: it
    answers while Python is busy and needs no event loop. After a fork it belongs
    to the parent; the child's copy does nothing and says so.

    Args:
        address: The IP address to listen on, 127.0.0.1 by default.
        port: The port to listen on; 0, the default, lets the system choose.
        unix_socket: The path of a unix socket to listen on instead.
        memory_limit: The bytes that items may take, 64 MiB by default.
        item_size_limit: The bytes that one item may take, 1 MiB by default.
        threads: The number of threads that serve, 1 by default.
        max_connections: The connections beyond which new ones are refused,
            1024 by default.
        idle_timeout: Seconds after which a silent connection is closed; never
            by default.
        request_timeout: Seconds that one request may take to arrive, and a reply
            to be taken, 120 by default; None for no limit.
        auth: Passwords by user, for the text protocol, which then asks for them.
        sasl: Passwords by user, for SASL in the binary protocol; the text
            protocol is off then.
        tls_cert: The path of a certificate in PEM, followed by those between it
            and its authority; with `tls_key` the server speaks TLS.
        tls_key: The path of the certificate's key in PEM.
        tls_client_ca: The path of the authorities in PEM that the certificates
            of clients are checked against; by default clients need none.
        tls_client_cert: `"required"`, the default, or `"requested"`: whether
            clients without a certificate are let in.
        time: A time in seconds since the epoch at which the server's clock
            stands until `advance` moves it; by default it follows the machine's.

    Raises:
        ConfigError: An option cannot be used.
        ConnectError: The address cannot be listened on.
    """

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
