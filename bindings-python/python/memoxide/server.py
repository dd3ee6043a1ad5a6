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

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from memoxide import _native
from memoxide.errors import ConfigError
from memoxide.faults import Faults, FaultStatus, LoggedRequest

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from memoxide.faults import FaultRule, FaultRules

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
        listen: Addresses such as `"[::1]:0"` to listen on, instead of `address`
            and `port`; beside a unix socket too.
        listen_plain: The same, without TLS even if there is a certificate.
        protocol: What connections may speak: `"auto"`, the default, `"ascii"` for
            text and meta, or `"binary"`.
        evictions: Whether a full store makes room (the default) or refuses writes.
        cas: Whether items have a cas id; they do by default.
        flush_enabled: Whether clients may send `flush_all`; by default they may.
        shutdown_enabled: Whether clients may send `shutdown`; by default not.
        dump_enabled: Whether clients may list keys; by default they may.
        watch_enabled: Whether clients may send `watch`; by default they may.
        version: The version that clients are told; that of the memcached that
            is followed by default.
        buffer_limit: The bytes that unfinished requests and unread replies of all
            connections may take, 64 MiB by default.
        backlog: The connections that may wait to be accepted, 1024 by default.
        queue_connections: Whether connections beyond `max_connections` wait for
            their turn instead of being refused; by default not.
        request_log: How many requests to log from the start; see `log_requests`.
        faults: Fault rules to start with; see `add_faults`.
        fault_control: Whether any client may send the text command `fault`, which
            changes the rules; by default not.

    Raises:
        ConfigError: An option cannot be used.
        ConnectError: The address cannot be listened on.
    """

    __slots__ = ()

    def fault(self, rules: FaultRules | None = None, /, **fields: Any) -> Faults:
        """Adds fault rules until the end of a `with` block, and counts their hits.

        Without `with` they stay until `remove` is called on what is returned.

        Args:
            rules: As in `add_faults`.
            **fields: Instead of `rules`, the fields of one rule, such as
                `action="delay", seconds=0.2, command="get"`.

        Raises:
            ConfigError: A rule cannot be read or contradicts itself.
            ClosedError: The server has stopped.
        """
        return Faults(self, self.add_faults(one_of(rules, fields)))

    def add_fault(self, rule: FaultRule | None = None, /, **fields: Any) -> int:
        """Adds one fault rule and returns its number.

        Args:
            rule: The rule as a mapping.
            **fields: Instead of `rule`, its fields.

        Raises:
            ConfigError: The rule cannot be read or contradicts itself.
            ClosedError: The server has stopped.
        """
        rule = one_of(rule, fields)
        if not isinstance(rule, Mapping):
            message = "add_fault adds one rule, a mapping; presets are for add_faults"
            raise ConfigError(message)
        return self.add_faults(rule)[0]

    def faults(self) -> list[FaultStatus]:
        """Returns the fault rules in the order in which they were added."""
        return [
            FaultStatus(id_, json.loads(rule), hits)
            for id_, rule, hits in self._faults()
        ]

    def logged_requests(self) -> list[LoggedRequest]:
        """Returns the logged requests, oldest first; none unless the log is on."""
        return [
            LoggedRequest(*fields[:7], tuple(fields[7]))
            for fields in self._logged_requests()
        ]

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


def one_of(rules: Any, fields: dict[str, Any]) -> Any:
    """Returns the rules of a call: those given, or the one made of its keywords."""
    if rules is None:
        return fields
    if fields:
        raise ConfigError("a fault rule is given by itself or by keywords, not both")
    return rules
