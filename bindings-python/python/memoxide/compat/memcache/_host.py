"""One server of a python-memcached client, with what programs read and set there.

Connections, deadlines and bytes are the core's; here is whether the server is
skipped because it failed, and the texts about that.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from typing import TYPE_CHECKING

from memoxide import _native
from memoxide.errors import ConnectionLostError, MemoxideError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEAD_RETRY", "SOCKET_TIMEOUT", "Connection", "Host", "adopt"]

DEAD_RETRY = 30
SOCKET_TIMEOUT = 3

_PORT = 11211
_LAST_PORT = 65535
_SPELLINGS = (
    re.compile(r"^(?P<family>unix):(?P<path>.*)$"),
    re.compile(r"^(?P<family>inet6):\[(?P<host>[^\[\]]+)\](:(?P<port>[0-9]+))?$"),
    re.compile(r"^(?P<family>inet):(?P<host>[^:]+)(:(?P<port>[0-9]+))?$"),
    re.compile(r"^(?P<host>[^:]+)(:(?P<port>[0-9]+))?$"),
)


class Connection:
    """What `Host.socket` is while there is a connection.

    Args:
        host: The server.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        self._host.close_socket()


class Host:
    """A server: where it is, and whether it is skipped.

    Args:
        host: `"host"`, `"host:port"`, `"inet:host:port"`, `"inet6:[addr]:port"` or
            `"unix:/path"`, or a tuple of that and a weight.
        debug: Whether messages are written to `sys.stderr`.
        dead_retry: Seconds for which the server is skipped after it failed.
        socket_timeout: Seconds that a call to the server may take; None for no
            limit.
        flush_on_reconnect: Whether the server is flushed when it is connected to
            again after it failed.

    Raises:
        ValueError: The text does not parse.

    Attributes:
        address: Host name and port, or the path of the Unix socket.
        deaduntil: The time, as of `time.time()`, until which the server is
            skipped; 0 if it is not.
        family: The address family, as in `socket`.
        ip: The host name; only where there is one.
        port: The port; only where there is one.
        core: Those servers that calls go to together with this one.
        index: The position of this one among them.
        weight: How often the server stands in the client's `buckets`.
    """

    address: tuple[str, int] | str
    core: _native.Hosts
    index: int
    ip: str
    port: int

    def __init__(
        self,
        host: str | tuple[str, int],
        debug: int = 0,
        dead_retry: float = DEAD_RETRY,
        socket_timeout: float | None = SOCKET_TIMEOUT,
        flush_on_reconnect: int = 0,
    ) -> None:
        self.dead_retry = dead_retry
        self.socket_timeout = socket_timeout
        self.debug = debug
        self.flush_on_reconnect = flush_on_reconnect
        self.weight = 1
        if isinstance(host, tuple):
            host, self.weight = host
        matches = (spelling.match(host) for spelling in _SPELLINGS)
        match = next(filter(None, matches), None)
        if match is None:
            raise ValueError(f'Unable to parse connection string: "{host}"')
        parts = match.groupdict()
        if parts.get("family") == "unix":
            self.family = socket.AF_UNIX
            self.address = parts["path"]
        else:
            inet6 = parts.get("family") == "inet6"
            self.family = socket.AF_INET6 if inet6 else socket.AF_INET
            self.ip = parts["host"]
            self.port = int(parts["port"] or _PORT)
            self.address = (self.ip, self.port)
        self.deaduntil: float = 0
        self.flush_on_next_connect = 0
        self._is_out = False
        adopt([self])

    @property
    def socket(self) -> Connection | None:
        """Something to close while there is a connection, else None."""
        return Connection(self) if self.core.is_open(self.index) else None

    def connect(self) -> int:
        """Connects unless that is done; tells whether the server can be used."""
        if self._check_dead():
            return 0
        if self.family != socket.AF_UNIX and self.port > _LAST_PORT:
            raise OverflowError("connect(): port must be 0-65535.")
        try:
            opened = self.core.open(self.index, self.socket_timeout)
        except MemoxideError as error:
            self._leave_out(f"connect: {error}", error)
            return 0
        if self._is_out:
            self._is_out = False
            self.core.note(self.index, None)
        if opened and self.flush_on_next_connect:
            self.flush()
            self.flush_on_next_connect = 0
        return 1

    def close_socket(self) -> None:
        """Closes the connection, if there is one."""
        self.core.close(self.index, False, 0)

    def quit(self) -> None:
        """Closes the connection with a `quit`, and waits for the server to do so."""
        self.core.close(self.index, True, self.socket_timeout)

    def flush(self) -> None:
        """Expires all items.

        Raises:
            OSError: The server cannot be reached or does not answer.
        """
        self.expected("OK", self.core.flush(self.index, self.socket_timeout))

    def mark_dead(self, reason: object) -> None:
        """Skips the server for `dead_retry` seconds."""
        self.debuglog(f"MemCache: {self}: {reason}.  Marking dead.")
        self.deaduntil = time.time() + self.dead_retry
        if self.flush_on_reconnect:
            self.flush_on_next_connect = 1
        self.close_socket()

    def _leave_out(self, reason: object, error: Exception) -> None:
        """Skips the server, and tells the log why."""
        if not self._is_out:
            self._is_out = True
            kind = getattr(error, "kind", "Connect")
            self.core.note(self.index, (kind, getattr(error, "message", str(error))))
        self.mark_dead(reason)

    def failed(self, error: OSError) -> None:
        """Notes that a call failed on the way.

        A server that has closed the connection and takes another was restarted
        and is not skipped; it was in use all the time, so that nothing can have
        become stale.
        """
        reason: object = error
        if isinstance(error, ConnectionLostError):
            try:
                self.core.open(self.index, self.socket_timeout)
            except MemoxideError:
                reason = "connection closed in readline()"
            else:
                self.debuglog(f"MemCache: {self}: {error}.  Connected again.")
                return
        self._leave_out(reason, error)

    def expected(self, wanted: str, reply: str) -> None:
        """Writes a message if the server's reply is not the one that is wanted."""
        if reply != wanted:
            self.debuglog(
                f"while expecting {wanted!r}, got unexpected response {reply!r}"
            )

    def debuglog(self, str: str) -> None:
        """Writes a message to `sys.stderr` if there is anybody to read it."""
        if self.debug:
            sys.stderr.write(f"MemCached: {str}\n")

    def _check_dead(self) -> int:
        if self.deaduntil and self.deaduntil > time.time():
            return 1
        self.deaduntil = 0
        return 0

    def __str__(self) -> str:
        dead = f" (dead until {int(self.deaduntil)})" if self.deaduntil else ""
        if self.family == socket.AF_INET:
            return f"inet:{self.ip}:{self.port}{dead}"
        if self.family == socket.AF_INET6:
            return f"inet6:[{self.ip}]:{self.port}{dead}"
        return f"unix:{self.address}{dead}"

    def name(self) -> str:
        """Returns the name that reports are given under."""
        if self.family == socket.AF_INET:
            return f"{self.ip}:{self.port} ({self.weight})"
        if self.family == socket.AF_INET6:
            return f"[{self.ip}]:{self.port} ({self.weight})"
        return f"unix:{self.address} ({self.weight})"


def adopt(hosts: Sequence[Host]) -> None:
    """Puts hosts together, so that one call can go to several at once."""
    core = _native.Hosts(
        [
            (host.address, None)
            if isinstance(host.address, str)
            else (host.ip, min(host.port, _LAST_PORT))
            for host in hosts
        ]
    )
    for index, host in enumerate(hosts):
        host.core, host.index = core, index
