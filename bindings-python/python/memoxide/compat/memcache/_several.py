"""Calls for several items, on all their servers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from memoxide.compat.memcache._keys import Keys
from memoxide.compat.memcache._servers import Servers
from memoxide.compat.memcache._values import Values, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from memoxide import _native
    from memoxide.compat.memcache._host import Host
    from memoxide.compat.memcache._keys import Key

__all__ = ["Several"]


class Several(Servers, Keys, Values):
    """The part of a client that reads and writes several items."""

    key_encoder: Callable[[Any], Any]

    def get_multi(
        self, keys: Iterable[Key], key_prefix: str | bytes = ""
    ) -> dict[Any, Any]:
        """Returns the values that are there, by the caller's keys.

        Args:
            keys: Keys; others than text, bytes and tuples are taken as their text.
            key_prefix: Put before each key on the wire.

        Raises:
            Client.MemcachedKeyError: A key cannot be used; nothing is asked then.
        """
        self._statlog("get_multi")
        keys = [self.key_encoder(key) for key in keys]
        placed, original = self._place(keys, key_prefix)
        values = {}
        for core, group in _by_core(placed):
            hosts, wires = zip(*group, strict=True)
            found, failures = core.get_multi(
                [host.index for host in hosts], wires, hosts[0].socket_timeout
            )
            _note(hosts, failures)
            for position, flags, data in found:
                values[original[wires[position]]] = self._decode(flags, data)
        return values

    def set_multi(
        self,
        mapping: Mapping[Any, Any],
        time: float = 0,
        key_prefix: str | bytes = "",
        min_compress_len: int = 0,
        noreply: bool = False,
    ) -> list[Any]:
        """Stores values and returns the keys of those that are not stored.

        Args:
            mapping: Values by keys as in `get_multi`.
            time: As in `set`.
            key_prefix: Put before each key on the wire.
            min_compress_len: As in `set`.
            noreply: Whether the answer does not matter; then only the keys that
                were not sent are returned.

        Raises:
            Client.MemcachedKeyError: A key cannot be used; nothing is stored then.
        """
        self._statlog("set_multi")
        placed, original = self._place(mapping.keys(), key_prefix)
        expiry = seconds(time)
        refused = []
        items: dict[bytes, tuple[int, bytes]] = {}
        for _, wire in placed:
            item = self._encode(mapping[original[wire]], min_compress_len)
            if item is None:
                refused.append(original[wire])
            else:
                items[wire] = item
        unsure = []
        for core, group in _by_core(pair for pair in placed if pair[1] in items):
            hosts, wires = zip(*group, strict=True)
            failed, failures = core.set_multi(
                [host.index for host in hosts],
                self._encoded_again(wires),
                [items[wire] for wire in wires],
                expiry,
                hosts[0].socket_timeout,
            )
            _note(hosts, failures)
            unsure += [original[wires[position]] for position in failed]
        if noreply:
            return refused
        sent = {wire for _, wire in placed}
        return [
            *refused,
            *unsure,
            *(key for wire, key in original.items() if wire not in sent),
        ]

    def delete_multi(
        self,
        keys: Iterable[Key],
        time: int | None = None,
        key_prefix: str | bytes = "",
        noreply: bool = False,
    ) -> Literal[0, 1]:
        """Removes items and returns 1, or 0 if the way to a server failed.

        Args:
            keys: Keys as in `get_multi`.
            time: Once a delay; with any other than 0 servers refuse, and nothing
                is removed.
            key_prefix: Put before each key on the wire.
            noreply: Whether the answer does not matter.

        Raises:
            Client.MemcachedKeyError: A key cannot be used; nothing is removed then.
        """
        self._statlog("delete_multi")
        placed, _ = self._place(keys, key_prefix)
        if time is not None and str(time) != "0":
            usage = "bad command line format.  Usage: delete <key> [noreply]"
            for host, _ in placed:
                host.expected("DELETED", f"CLIENT_ERROR {usage}")
            return 1
        result: Literal[0, 1] = 1
        for core, group in _by_core(placed):
            hosts, wires = zip(*group, strict=True)
            failed, failures = core.delete_multi(
                [host.index for host in hosts],
                self._encoded_again(wires),
                hosts[0].socket_timeout,
            )
            lost = _note(hosts, failures)
            if lost:
                result = 0
            for position in failed:
                if not noreply and hosts[position] not in lost:
                    hosts[position].expected("DELETED", "NOT_FOUND")
        return result

    def _encoded_again(self, wires: Iterable[bytes]) -> list[bytes]:
        """Returns what is sent for keys with prefix.

        The encoder has seen them once. That it sees them again, and that the server
        was chosen before, is how keys were always stored.
        """
        return [self.key_encoder(wire) for wire in wires]

    def _place(
        self, keys: Iterable[Key], key_prefix: str | bytes
    ) -> tuple[list[tuple[Host, bytes]], dict[bytes, Any]]:
        """Returns where keys go, and the caller's keys by those with prefix.

        The former are pairs of server and key with prefix; keys without a server
        that takes them are not among them.
        """
        prefix = self._encode_key(key_prefix)
        extra = len(prefix)
        if prefix and self.do_check_key:
            self.check_key(prefix)
        placed: list[Any] = []
        wires = []
        original = {}
        for key in keys:
            is_tuple = isinstance(key, tuple)
            number, bare = key if is_tuple else (None, key)
            bare = self._encode_key(self.key_encoder(bare))
            if not isinstance(bare, bytes):
                bare = str(bare).encode()
            if key is None:
                self.check_key(key, key_extra_len=extra)
            if self.do_check_key:
                self.check_key(bare, key_extra_len=extra)
            wire = prefix + bare
            original[wire] = key
            wires.append(wire)
            placed.append((number, wire) if is_tuple else wire)
        refused = () if self._keys_are_checked() else set(filter(self._refusal, wires))
        # Only now, so that nothing is asked when a key cannot be used.
        hosts = self._get_servers(placed)
        return [
            (host, wire)
            for host, wire in zip(hosts, wires, strict=True)
            if host is not None and wire not in refused
        ], original


def _by_core(
    placed: Iterable[tuple[Host, bytes]],
) -> Iterable[tuple[_native.Hosts, list[tuple[Host, bytes]]]]:
    """Groups keys by what can be asked in one call: as a rule, all."""
    groups: dict[_native.Hosts, list[tuple[Host, bytes]]] = {}
    for host, wire in placed:
        groups.setdefault(host.core, []).append((host, wire))
    return groups.items()


def _note(hosts: tuple[Host, ...], failures: list[tuple[list[int], Any]]) -> set[Host]:
    """Tells the servers that failed, and returns them."""
    lost = set()
    for indexes, error in failures:
        for host in set(hosts):
            if host.index in indexes and host not in lost:
                host.failed(error)
                lost.add(host)
    return lost
