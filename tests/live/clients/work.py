"""Stores and fetches items with Python clients.

Reads jobs as JSON from standard input and answers each with what it found. A
job names a client and its options; an item is text, an integer, JSON, or bytes
in hex.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def plain(item: dict[str, Any]) -> Any:
    if "bytes" in item:
        return bytes.fromhex(item["bytes"])
    return next(iter(item.values()))


def item_of(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, str):
        return {"text": value}
    return {"int": value} if isinstance(value, int) else {"json": value}


def client_of(name: str, servers: list[str], options: dict[str, Any]) -> Any:
    if name == "memoxide":
        import memoxide

        return memoxide.Client(servers, **options)
    if name == "pylibmc":
        import pylibmc

        return pylibmc.Client(servers, behaviors=options)
    if name == "python-memcached":
        import memcache

        return memcache.Client(servers)
    if name == "pymemcache":
        from pymemcache import serde
        from pymemcache.client.hash import HashClient

        return HashClient(servers, serde=serde.pickle_serde)
    raise ValueError(name)


def multi(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Several keys at once and a counter, for memoxide's client only."""
    refused = client.set_multi({key: plain(item) for key, item in job["items"].items()})
    found = client.get_multi(job["keys"])
    client.add(job["counter"], 5)
    return {
        "refused": refused,
        "found": {key: item_of(value) for key, value in found.items()},
        "count": client.incr(job["counter"], 3),
        "deleted": client.delete(job["counter"]),
    }


def move(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Copies a cluster, and what goes with that, for memoxide's client only."""
    from memoxide import (
        Client,
        compare_placements,
        explain_key,
        migrate,
    )

    target = Client(job["target"])
    compared = compare_placements(client, Client(job["servers"]))
    told: list[Any] = []
    planned = migrate(client, target, mode="dry-run")
    summary = migrate(client, target, keys_per_second=job["rate"], progress=told.append)
    last = told[-1]
    return {
        "server": explain_key(client, job["key"]).server,
        "keys": compared.keys,
        "moved": compared.moved,
        "planned": planned.copied,
        "copied": summary.copied,
        "finished": summary.finished,
        "elapsed": summary.elapsed,
        "last": {
            "servers_done": last.servers_done,
            "expected": last.expected,
            "copied": last.counts.copied,
        },
        "same": migrate(client, target, mode="verify").same,
    }


def main() -> None:
    answers = []
    for job in json.load(sys.stdin):
        client = client_of(job["client"], job["servers"], job["options"])
        if job["do"] == "set":
            for key, item in job["items"].items():
                assert client.set(key, plain(item)), key
            answers.append(None)
        elif job["do"] == "multi":
            answers.append(multi(client, job))
        elif job["do"] == "move":
            answers.append(move(client, job))
        else:
            answers.append({key: item_of(client.get(key)) for key in job["keys"]})
    json.dump(answers, sys.stdout)


main()
