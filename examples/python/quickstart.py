"""Caches a value for a minute, reads it, counts a visit."""

import os

import memoxide

servers = os.environ.get("MEMCACHED_SERVERS", "127.0.0.1:11211")
with memoxide.Client(servers) as client:
    client.set("greeting", "hello", time=60)
    greeting = client.get("greeting")
    client.add("visits", 0, time=60)
    print(greeting, "visit", client.incr("visits"))
