"""The sockets and the timer of `AsyncClient` on one event loop.

Bytes and times go through here and nothing of memcached: what to connect to,
what to write and what a reply means are answers of the engine.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from memoxide._native import Engine

__all__ = ["Driver"]

READ_SIZE = 112 * 1024
"""Bytes that one read may bring on asyncio. For its own 256 KiB the C library often
maps memory with each read, and gives it back: three system calls and a page fault."""


class Connection(asyncio.Protocol):
    """One connection, between the loop's transport and the engine."""

    def __init__(self, driver: Driver, number: int) -> None:
        self._driver = driver
        self._engine = driver.engine
        self._number = number
        self.transport: asyncio.Transport | None = None
        # The loop calls the engine without a frame of Python in between.
        self.data_received = functools.partial(  # type: ignore[method-assign]
            self._engine.received, number
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if hasattr(transport, "max_size"):
            # Of asyncio's transports that read by themselves: neither of uvloop's,
            # which have a buffer, nor of those that decrypt.
            transport.max_size = READ_SIZE
        self._driver.opened(self._number)
        if not self._engine.connected(self._number, self.transport.write):
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.forget(self._number)
        if isinstance(exc, ssl.SSLError):
            # An alert: with TLS 1.3 a refusal comes after the handshake.
            self._engine.insecure(self._number, describe(exc))
        else:
            reason = describe(exc) if exc else "server closed it"
            self._engine.lost(self._number, reason)

    def pause_writing(self) -> None:
        self._engine.blocked(self._number)

    def resume_writing(self) -> None:
        self._engine.writable(self._number)


class Driver:
    """What the engine has done for it on its loop."""

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.engine = engine
        # What the loop calls when calls have gathered in one of its turns.
        self.flush = engine.flush
        # What it calls in each turn while it is to stay awake.
        self.watch = engine.watch
        self._loop = loop
        self._tls = tls
        self._connections: dict[int, Connection] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._resolving: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed: asyncio.Event | None = None

    def connect(
        self, number: int, address: tuple[str, int] | str, name: str | None
    ) -> None:
        """Opens a connection; tells the engine how that went.

        The address is a host with its port, or the path of a unix socket. The
        name is the one that the server's certificate must carry.
        """
        connection = self._connections[number] = Connection(self, number)
        opening = self._open(connection, number, address, name)
        self._opening[number] = self._loop.create_task(opening)

    async def _open(
        self,
        connection: Connection,
        number: int,
        address: tuple[str, int] | str,
        name: str | None,
    ) -> None:
        # The loop's coroutine is made here: a task may be cancelled before its first
        # turn, and what it was given to await would then complain of that.
        loop = self._loop
        try:
            if isinstance(address, str):
                await loop.create_unix_connection(lambda: connection, address)
            else:
                await loop.create_connection(
                    lambda: connection, *address, ssl=self._tls, server_hostname=name
                )
        except (OSError, ValueError) as error:
            self.opened(number)
            self.forget(number)
            if isinstance(error, ssl.SSLError):
                self.engine.insecure(number, describe(error))
            elif self._tls and isinstance(error, ConnectionResetError):
                self.engine.insecure(number, "server closed the connection")
            else:
                self.engine.refused(number, describe(error))

    def opened(self, number: int) -> None:
        """Notes that a connection is not being opened any more."""
        # From now on it is the transport that is closed: uvloop forgets to tell
        # of the end of one whose task is cancelled.
        self._opening.pop(number, None)

    def resolve(self, endpoint: int, host: str, port: int) -> None:
        """Looks a name up; tells the engine `resolved` or `unresolved`."""
        task = self._loop.create_task(self._resolve(endpoint, host, port))
        self._resolving.add(task)
        task.add_done_callback(self._resolving.discard)

    async def _resolve(self, endpoint: int, host: str, port: int) -> None:
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self.engine.unresolved(endpoint, str(error))
        else:
            self.engine.resolved(
                endpoint, [(str(address[0]), int(address[1])) for *_, address in found]
            )

    def close(self, number: int) -> None:
        """Closes a connection without telling the engine."""
        opening = self._opening.pop(number, None)
        if opening is not None:
            opening.cancel()
            self.forget(number)
            return
        connection = self._connections.get(number)
        if connection is not None and connection.transport is not None:
            # Nothing that waits to be written is wanted any more.
            connection.transport.abort()

    def pause(self, number: int) -> None:
        """Reads nothing more from a connection for the time being."""
        connection = self._connections.get(number)
        if connection is not None and connection.transport is not None:
            connection.transport.pause_reading()

    def resume(self, number: int) -> None:
        """Reads from a connection again."""
        connection = self._connections.get(number)
        if connection is not None and connection.transport is not None:
            connection.transport.resume_reading()

    def arm(self, delay: float) -> None:
        """Has the engine told the time after `delay` seconds, and not before."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay, self.engine.tick)

    @staticmethod
    def reraise(error: BaseException) -> None:
        """Raises what came out of a task, such as KeyboardInterrupt, in the loop."""
        raise error

    def forget(self, number: int) -> None:
        """Notes that a connection is closed."""
        self._connections.pop(number, None)
        if not self._connections and self._closed is not None:
            self._closed.set()

    async def wait_closed(self) -> None:
        """Waits until no connection is left, and stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
        for task in self._resolving:
            task.cancel()
        while self._connections:
            self._closed = asyncio.Event()
            await self._closed.wait()
        self._closed = None


def describe(error: Exception) -> str:
    """Returns what the system says about an error, without names of functions."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return error.reason or str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
