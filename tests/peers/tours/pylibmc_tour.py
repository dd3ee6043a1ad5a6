"""Calls everything that pylibmc has, in the protocol that the variant names."""

from __future__ import annotations

import time

import pylibmc
from tour import Tour

tour = Tour()
binary = tour.variant == "binary"


def make(**behaviors: object) -> pylibmc.Client:
    """Returns a client."""
    return pylibmc.Client(
        [tour.server],
        binary=binary,
        behaviors={"cas": True, "tcp_nodelay": True, **behaviors},
    )


client = make()
see = tour.see


def storage() -> None:
    """Stores and reads."""
    see("flush", client.flush_all)
    see("miss", client.get, "key")
    see("miss with default", client.get, "key", "default")
    for value in (b"bytes \x00\xff", "text ü", 12, 2**70, True, 1.5, None, {"a": [1]}):
        see("set", client.set, "key", value)
        see("get", client.get, "key")
    see("empty", client.set, "empty", b"")
    see("get empty", client.get, "empty")
    see("longest key", client.set, "k" * 250, b"v")
    see("get longest key", client.get, "k" * 250)
    # After these the server may close the connection.
    alone = make() if binary else make(verify_keys=True)
    see("key too long", alone.set, "k" * 251, b"v")
    see("too large", make().set, "large", b"x" * 1048576)
    see("add", client.add, "added", b"1")
    see("add again", client.add, "added", b"2")
    see("replace", client.replace, "added", b"3")
    see("replace nothing", client.replace, "nothing", b"3")
    see("append", client.append, "added", b"4")
    see("prepend", client.prepend, "added", b"2")
    see("append to nothing", client.append, "nothing", b"4")
    see("prepend to nothing", client.prepend, "nothing", b"4")
    see("get what was put together", client.get, "added")
    see("compressed", client.set, "long", b"x" * 5000, min_compress_len=100)
    see("get compressed", client.get, "long")
    see("nearly a megabyte", client.set, "large", b"x" * 1048000)
    see("get nearly a megabyte", client.get, "large")
    see("too large again", make().set, "large", b"x" * 1048576)
    see("get after too large", client.get, "large")


def many() -> None:
    """Does things to many keys."""
    keys = [f"many:{number}" for number in range(500)]
    see("set many", client.set_multi, {key: key.encode() for key in keys})
    see("get many", client.get_multi, keys)
    see("get many of some", client.get_multi, ["many:1", "nothing", "many:2"])
    see("get many of nothing", client.get_multi, [])
    see("with a prefix", client.set_multi, {"a": 1, "b": 2}, key_prefix="app:")
    see("get with a prefix", client.get_multi, ["a", "b"], key_prefix="app:")
    see("add many", client.add_multi, {"a": 1, "many:1": 2})
    see("delete many", client.delete_multi, keys[:250])
    see("delete many again", client.delete_multi, keys[:2])
    see("get after deleting many", client.get_multi, keys[248:252])
    see("incr many", client.incr_multi, ["app:a", "app:b"], delta=5)
    see("get after incr many", client.get_multi, ["app:a", "app:b"])


def others() -> None:
    """Everything else."""
    client.set("number", 5)
    see("incr", client.incr, "number")
    see("incr by", client.incr, "number", 10)
    see("decr", client.decr, "number", 3)
    see("decr below zero", client.decr, "number", 1000)
    see("incr nothing", client.incr, "nothing")
    see("decr nothing", client.decr, "nothing")
    client.set("text", "x")
    # libmemcached closes the connection itself.
    see("incr what is no number", make().incr, "text")
    _, cas = tour.see_cas("gets", client.gets, "text")
    tour.see_cas("gets nothing", client.gets, "nothing")
    see("cas", client.cas, "text", "y", cas)
    see("cas again", client.cas, "text", "z", cas)
    see("cas of nothing", client.cas, "nothing", "z", cas)
    see("get after cas", client.get, "text")
    see("delete", client.delete, "text")
    see("delete again", client.delete, "text")
    see("touch", client.touch, "number", 100)
    see("touch nothing", client.touch, "nothing", 100)
    see("with a date", client.set, "date", 1, time=4000000000)
    see("get with a date", client.get, "date")
    see("with an old date", client.set, "old", 1, time=int(time.time()) - 100)
    see("get with an old date", client.get, "old")
    clone = client.clone()
    see("get through a clone", clone.get, "number")
    for _, stats in client.get_stats():
        tour.see_stats("stats", stats)
    for _, stats in client.get_stats("settings"):
        tour.see_stats("stats settings", stats)
    see("sizes", lambda: [stats for _, stats in client.get_stats("sizes")])
    client.set("short", 1, time=1)
    tour.until_gone("expired in time", lambda: client.get("short"))
    pool = pylibmc.ThreadMappedPool(client)
    with pool.reserve() as pooled:
        see("get through a pool", pooled.get, "number")
    pool.relinquish()
    see("disconnect", client.disconnect_all)
    see("get after that", client.get, "number")
    see("flush", client.flush_all)
    see("get after flush", client.get, "number")


def buffered() -> None:
    """Sends without waiting."""
    quick = make(no_block=True, buffer_requests=True)
    see("set into a buffer", quick.set, "buffered", b"1")
    see("get what was buffered", quick.get, "buffered")
    quick.disconnect_all()


storage()
many()
others()
buffered()
