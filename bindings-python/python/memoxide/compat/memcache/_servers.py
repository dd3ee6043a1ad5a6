"""Servers, which of them a key goes to, and what they report."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from memoxide import _native
from memoxide.compat.memcache._host import Host, adopt
from memoxide.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Servers"]


class Servers(threading.local):
    """The part of a client that has servers."""

    buckets: list[Host]
    dead_retry: float
    debug: int
    flush_on_reconnect: int
    servers: list[Host]
    socket_timeout: float | None
    stats: dict[str, int]

    def set_servers(self, servers: Iterable[str | tuple[str, int]]) -> None:
        """Replaces the servers, in this thread only.

        Raises:
            ValueError: A server does not parse.
        """
        self.servers = [
            Host(
                server,
                self.debug,
                dead_retry=self.dead_retry,
                socket_timeout=self.socket_timeout,
                flush_on_reconnect=self.flush_on_reconnect,
            )
            for server in servers
        ]
        adopt(self.servers)
        self.buckets = [host for host in self.servers for _ in range(host.weight)]
        self._placement = _native.Placement(len(self.buckets))

    def forget_dead_hosts(self) -> None:
        """Takes all servers back into service."""
        for host in self.servers:
            host.deaduntil = 0

    def disconnect_all(self) -> None:
        """Closes all connections; the next call opens them again."""
        for host in self.servers:
            host.close_socket()

    def quit_all(self) -> None:
        """Closes all connections with a `quit`, and waits for the servers."""
        for host in self.servers:
            host.quit()

    def flush_all(self) -> None:
        """Expires all items of the servers that can be reached.

        Raises:
            TimeoutError: A server does not answer.
        """
        for host in self.servers:
            if host.connect():
                host.flush()

    def get_stats(self, stat_args: str | None = None) -> list[tuple[str, Any]]:
        """Returns a report of each server that can be reached.

        They are pairs of the server's name with its weight, and a dict of text.

        Args:
            stat_args: `"items"`, `"slabs"` and so on.

        Raises:
            TimeoutError: A server does not answer.
            MemoxideError: There is no such report.
        """
        return [(host.name(), stats) for host, stats in self._reports(stat_args)]

    def get_slab_stats(self) -> list[tuple[str, Any]]:
        """Returns the report `slabs`, by server, slab class and figure.

        Raises:
            TimeoutError: A server does not answer.
        """
        data = []
        for host, stats in self._reports("slabs"):
            slabs: dict[str, Any] = {}
            for name, value in stats.items():
                slab, is_of_slab, figure = name.partition(":")
                if is_of_slab:
                    slabs.setdefault(slab, {})[figure] = value
                else:
                    slabs[name] = value
            data.append((host.name(), slabs))
        return data

    def get_slabs(self) -> list[tuple[str, Any]]:
        """Returns the report `items`, by server, slab class and figure.

        Raises:
            TimeoutError: A server does not answer.
        """
        data = []
        for host, stats in self._reports("items"):
            slabs: dict[str, dict[str, str]] = {}
            for name, value in stats.items():
                _, slab, figure = name.split(":", 2)
                slabs.setdefault(slab, {})[figure] = value
            data.append((host.name(), slabs))
        return data

    def _reports(self, report: str | None) -> list[tuple[Host, dict[str, str]]]:
        reports = []
        for host in self.servers:
            if not host.connect():
                continue
            try:
                timeout = host.socket_timeout
                stats = host.core.stats(host.index, report or "", timeout)
            except ConnectionLostError as error:
                host.failed(error)
                stats = {}
            reports.append((host, stats))
        return reports

    def _get_server(self, key: Any) -> tuple[Host, bytes] | tuple[None, Any]:
        """Returns the server that a key goes to, connected, and the key's bytes."""
        host = Servers._get_servers(self, [key])[0]
        if host is None:
            return None, None
        return host, key[1] if isinstance(key, tuple) else key

    def _get_servers(self, keys: list[Any]) -> list[Host | None]:
        """Returns the servers that keys go to, connected."""
        if type(self)._get_server is not Servers._get_server:  # noqa: SLF001
            # Replaced by a subclass with a placement of its own.
            return [self._get_server(key)[0] for key in keys]
        if not self.buckets:
            return [None] * len(keys)
        if self._placement.size != len(self.buckets):
            self._placement = _native.Placement(len(self.buckets))
        return self._placement.find(self.buckets, keys, self._hash_function())

    def _hash_function(self) -> Callable[[bytes], int] | str:
        """Returns the hash function, by name if it is one of python-memcached's."""
        raise NotImplementedError

    def debuglog(self, str: str) -> None:
        """Writes a message to `sys.stderr` if `debug`."""
        if self.debug:
            sys.stderr.write(f"MemCached: {str}\n")

    def _statlog(self, func: str) -> None:
        self.stats[func] = self.stats.get(func, 0) + 1
