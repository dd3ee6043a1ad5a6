"""Record python-memcached, pymemcache, uhashring, meta-memcache and emcache.

Run with those clients installed, in the versions named below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import memcache
from common import (
    KEYS,
    Answers,
    Topology,
    is_named,
    is_unix,
    is_weighted,
    record,
    write,
)
from emcache._cython import cyemcache
from meta_memcache.configuration import ServerAddress
from meta_memcache.connection.providers import (
    HashRingConnectionPoolProvider,
    NonConsistentHashPoolProvider,
)
from meta_memcache.protocol import Key
from pymemcache.client.hash import HashClient
from uhashring import HashRing

if TYPE_CHECKING:
    from collections.abc import Callable


def python_memcached(topology: Topology) -> Answers:
    down = topology.get("down", [])

    def address(server: dict[str, Any]) -> str:
        host, port = server["host"], server["port"]
        if is_unix(server):
            return f"unix:{host}"
        return f"inet6:[{host}]:{port}" if ":" in host else f"{host}:{port}"

    client = memcache.Client(
        [(address(server), server["weight"]) for server in topology["servers"]]
    )
    for index, host in enumerate(client.servers):
        host.index = index
        host.connect = lambda index=index: index not in down
    answers: Answers = {}
    for key in KEYS:
        host, _ = client._get_server(key.encode())
        answers[key] = None if host is None else host.index
    return answers


def pymemcache(convert: Callable[[str], str | bytes]) -> Callable[[Topology], Answers]:
    def answer(topology: Topology) -> Answers:
        servers = [
            server["host"] if is_unix(server) else (server["host"], server["port"])
            for server in topology["servers"]
        ]
        client = HashClient(servers)
        names = [client._make_client_key(server) for server in servers]
        for index in topology.get("down", []):
            client.hasher.remove_node(names[index])
        return {key: names.index(client.hasher.get_node(convert(key))) for key in KEYS}

    return answer


def uhashring(topology: Topology) -> Answers:
    servers = topology["servers"]
    names = [f"{server['host']}:{server['port']}" for server in servers]
    weights = {
        name: server["weight"] for name, server in zip(names, servers, strict=True)
    }
    ring = HashRing(weights, hash_fn="ketama")
    for index in topology.get("down", []):
        ring.remove_node(names[index])
    return {key: names.index(ring.get_node(key)) for key in KEYS}


def meta_memcache(provider: type) -> Callable[[Topology], Answers]:
    def answer(topology: Topology) -> Answers:
        addresses = [
            ServerAddress(server["host"], server["port"], server.get("name"))
            for server in topology["servers"]
        ]
        pools = provider({address: i for i, address in enumerate(addresses)})
        return {key: pools.get_pool(Key(key)) for key in KEYS}

    return answer


def emcache(topology: Topology) -> Answers:
    nodes = [
        cyemcache.RendezvousNode(
            server["host"] if is_unix(server) else f"{server['host']}{server['port']}",
            index,
        )
        for index, server in enumerate(topology["servers"])
        if index not in topology.get("down", [])
    ]
    return {key: cyemcache.node_selection(key.encode(), nodes) for key in KEYS}


def unnamed(topology: Topology) -> bool:
    return not is_named(topology)


def even(topology: Topology) -> bool:
    return unnamed(topology) and not is_weighted(topology)


def tcp(topology: Topology) -> bool:
    return unnamed(topology) and not any(map(is_unix, topology["servers"]))


def meta(topology: Topology) -> bool:
    weighted = is_weighted(topology) and not is_named(topology)
    unix = any(map(is_unix, topology["servers"]))
    return not weighted and not unix and "down" not in topology


def main() -> None:
    python = ("python-memcached", "1.62")
    presets = [record("python-memcached", *python, python_memcached, unnamed)]
    memcache.useOldServerHashFunction()
    presets += [
        record("python-memcached-crc32", *python, python_memcached, unnamed),
        record("pymemcache", "pymemcache", "4.0.0", pymemcache(str), even),
        record(
            "pymemcache-bytes-keys", "pymemcache", "4.0.0", pymemcache(str.encode), even
        ),
        record("uhashring-ketama", "uhashring", "2.5", uhashring, tcp),
        record("emcache", "emcache", "1.3.3", emcache, even),
    ]
    for name, provider in (
        ("meta-memcache", HashRingConnectionPoolProvider),
        ("meta-memcache-nonconsistent", NonConsistentHashPoolProvider),
    ):
        answer = meta_memcache(provider)
        presets.append(record(name, "meta-memcache", "4.3.0", answer, meta))
    write(presets)


if __name__ == "__main__":
    main()
