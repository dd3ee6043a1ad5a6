"""Calls everything that python-binary-memcached has."""

from __future__ import annotations

import bmemcached
from tour import Tour

tour = Tour()
users = ("user", "secret") if tour.variant == "sasl" else ()
client = bmemcached.Client([tour.server], *users, socket_timeout=10)
see = tour.see

see("flush", client.flush_all)
see("miss", client.get, "key")
for value in (b"bytes \x00\xff", "text ü", 12, 2**70, True, 1.5, {"a": [1]}, b""):
    see("set", client.set, "key", value)
    see("get", client.get, "key")
see("compressed", client.set, "long", "x" * 5000, compress_level=9)
see("get compressed", client.get, "long")
see("add", client.add, "added", "1")
see("add again", client.add, "added", "2")
see("replace", client.replace, "added", "3")
see("replace nothing", client.replace, "nothing", "3")
_, cas = tour.see_cas("gets", client.gets, "added")
tour.see_cas("gets nothing", client.gets, "nothing")
see("cas", client.cas, "added", "4", cas)
see("cas again", client.cas, "added", "5", cas)
see("cas of nothing", client.cas, "nothing", "5", cas)
keys = [f"many:{number}" for number in range(500)]
see("set many", client.set_multi, {key: key for key in keys})
see("get many", client.get_multi, [*keys, "nothing"])
tour.see_cas("get many with ids", client.get_multi, keys[:3], True)
see("delete many", client.delete_multi, keys[:250])
see("get after that", client.get_multi, keys[248:252])
see("incr with a start", client.incr, "number", 5, 10)
see("incr", client.incr, "number", 5, 10)
see("decr", client.decr, "number", 2)
see("decr below zero", client.decr, "number", 200)
client.set("text", "x")
see("incr what is no number", client.incr, "text", 1)
see("delete", client.delete, "text")
see("delete again", client.delete, "text")
_, cas = tour.see_cas("gets for deletion", client.gets, "added")
see("delete what changed", client.delete, "added", cas + 1000)
see("delete what did not", client.delete, "added", cas)
see("key too long", client.set, "k" * 251, "v")
see("too large", client.set, "large", b"\x00\x01" * 600000)
see("get after too large", client.get, "large")
for stats in client.stats().values():
    tour.see_stats("stats", stats)
for stats in client.stats("settings").values():
    tour.see_stats("stats settings", stats)
client.set("short", "v", time=1)
tour.until_gone("expired in time", lambda: client.get("short"))
see("flush later", client.flush_all, 100)
see("still there", client.get, "number")
see("flush", client.flush_all)
see("gone", client.get, "number")
client.disconnect_all()
if tour.variant == "sasl":
    wrong = bmemcached.Client([tour.server], "user", "wrong")
    see("wrong password", wrong.get, "key")
