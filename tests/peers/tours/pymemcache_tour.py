"""Calls everything that pymemcache has."""

from __future__ import annotations

import functools
import ssl
import sys

from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.client.retrying import RetryingClient
from pymemcache.serde import compressed_serde, pickle_serde
from tour import Tour

tour = Tour()
options: dict[str, object] = {"timeout": 10, "connect_timeout": 10}
if tour.variant == "tls":
    options["tls_context"] = ssl.create_default_context(cafile=sys.argv[3])


def commands(client: Client) -> None:
    """Calls what all of its clients have."""
    see = functools.partial(tour.see)
    see("flush", client.flush_all, noreply=False)
    see("miss", client.get, "key")
    see("miss with default", client.get, "key", "default")
    see("set", client.set, "key", b"value", noreply=False)
    see("set without reply", client.set, "quiet", b"value", noreply=True)
    see("get", client.get, "key")
    see("get what was set without reply", client.get, "quiet")
    see("set empty", client.set, "empty", b"", noreply=False)
    see("get empty", client.get, "empty")
    see("bytes", client.set, "bytes", bytes(range(256)), noreply=False)
    see("get bytes", client.get, "bytes")
    see("line ends", client.set, "lines", b"a\r\nEND\r\nb\r\n", noreply=False)
    see("get line ends", client.get, "lines")
    see("longest key", client.set, "k" * 250, b"v", noreply=False)
    see("get longest key", client.get, "k" * 250)
    see("key too long", client.set, "k" * 251, b"v", noreply=False)
    see("key with a space", client.get, "a b")
    see("add", client.add, "added", b"1", noreply=False)
    see("add again", client.add, "added", b"2", noreply=False)
    see("replace", client.replace, "added", b"3", noreply=False)
    see("replace nothing", client.replace, "nothing", b"3", noreply=False)
    see("append", client.append, "added", b"4", noreply=False)
    see("prepend", client.prepend, "added", b"2", noreply=False)
    see("append to nothing", client.append, "nothing", b"4", noreply=False)
    see("prepend to nothing", client.prepend, "nothing", b"4", noreply=False)
    see("get what was put together", client.get, "added")
    see("set many", client.set_many, {"a": b"1", "b": b"2", "c": b"3"}, noreply=False)
    see("get many", client.get_many, ["c", "a", "nothing", "a"])
    see("get many of nothing", client.get_many, [])
    _, cas = tour.see_cas("gets", client.gets, "a")
    tour.see_cas("gets nothing", client.gets, "nothing")
    tour.see_cas("gets many", client.gets_many, ["a", "b", "nothing"])
    see("cas", client.cas, "a", b"11", cas)
    see("cas again", client.cas, "a", b"12", cas)
    see("cas of nothing", client.cas, "nothing", b"11", cas)
    see("cas without a number", client.cas, "a", b"11", "x")
    tour.see_cas("gets after cas", client.gets, "a")
    see("incr", client.incr, "a", 31)
    see("decr", client.decr, "a", 2)
    see("decr below zero", client.decr, "a", 1000)
    see("get what is padded", client.get, "a")
    see("incr nothing", client.incr, "nothing", 1)
    see("decr nothing", client.decr, "nothing", 1)
    see("incr what is no number", client.incr, "key", 1)
    see("incr by a negative", client.incr, "a", -1)
    see("incr without reply", client.incr, "a", 1, noreply=True)
    client.set("most", b"18446744073709551615", noreply=False)
    see("incr beyond the end", client.incr, "most", 2)
    see("delete", client.delete, "b", noreply=False)
    see("delete again", client.delete, "b", noreply=False)
    see("delete many", client.delete_many, ["a", "b", "c"], noreply=False)
    see("get what is deleted", client.get_many, ["a", "b", "c"])
    see("touch", client.touch, "key", 100, noreply=False)
    see("touch nothing", client.touch, "nothing", 100, noreply=False)
    see("set expired", client.set, "past", b"v", expire=-1, noreply=False)
    see("get expired", client.get, "past")
    see("set with a date", client.set, "date", b"v", expire=4000000000, noreply=False)
    see("get with a date", client.get, "date")
    see("set with an old date", client.set, "old", b"v", 100000000, noreply=False)
    see("get with an old date", client.get, "old")
    see("flags", client.set, "flags", b"v", flags=65536 * 65535, noreply=False)
    see("a megabyte", client.set, "large", b"x" * (1 << 20), noreply=False)
    see("nearly a megabyte", client.set, "large", b"x" * 1048000, noreply=False)
    see("get nearly a megabyte", client.get, "large")
    see("much more", client.set, "large", b"x" * 3000000, noreply=False)
    see("get after much more", client.get, "large")


def administration() -> None:
    """Calls what only the plain client has."""
    client = Client((tour.host, tour.port), **options)
    tour.see("flush", client.flush_all, noreply=False)
    version = client.version()
    tour.write("version is one", version.startswith(b"1.6."))
    tour.see("memory limit", client.cache_memlimit, 64)
    for stats in (client.stats(), client.stats("settings")):
        tour.see_stats("stats", stats)
    client.set("one", b"1", noreply=False)
    tour.see("stats items", lambda: sorted(client.stats("items"))[:3])
    tour.see("stats sizes", client.stats, "sizes")
    tour.see("stats of what is none", client.stats, "nonsense")
    tour.see("reset", client.stats, "reset")
    tour.see("stats detail on", client.stats, "detail", "on")
    for command in (
        "mn",
        "mg one v f t k q",
        "mg nothing v",
        "ms two S1\r\n2",
        "ms two 1 T0 F5\r\n2",
        "ma two",
        "md two",
        "me nothing",
        "verbosity 1",
        "nonsense",
        "get",
        "set key x 0 1",
    ):
        tour.see(f"raw {command}", client.raw_command, command)
    tour.see("ma with value", client.raw_command, "ma one v", "\r\n")
    tour.see("list", client.raw_command, "get one two", "END\r\n")
    client.set("short", b"v", expire=1, noreply=False)
    tour.until_gone("expired in time", lambda: client.get("short"))
    tour.see("flush later", client.flush_all, 100, noreply=False)
    tour.see("still there", client.get, "one")
    tour.see("shutdown is off", client.shutdown)
    tour.see("quit", client.quit)
    tour.see("after quit", client.get, "nothing")
    client.close()


server = (tour.host, tour.port)
for kind in (
    Client(server, **options),
    PooledClient(server, max_pool_size=2, **options),
    HashClient([server], **options),
    HashClient([server], use_pooling=True, **options),
    RetryingClient(Client(server, **options), attempts=2),
):
    tour.write("client", type(kind).__name__)
    commands(kind)
    tour.see("close", kind.close)
for serde in (pickle_serde, compressed_serde):
    client = Client(server, serde=serde, key_prefix=b"app:", **options)
    for value in ("text ü", 12, 1.5, {"a": [1]}, b"x" * 5000, True, None):
        tour.see("set object", client.set, "object", value, noreply=False)
        tour.see("get object", client.get, "object")
    client.close()
administration()
