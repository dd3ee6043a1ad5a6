"""Record the libmemcached that pylibmc brings, servers it has ejected included.

Run with pylibmc 1.6.3 installed from its wheel. The library is asked itself:
pylibmc has no call that tells the server of a key.
"""

from __future__ import annotations

import ctypes
import socketserver
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pylibmc
from common import KEYS, TOPOLOGIES, Answers, case, is_named, is_unix, preset, write

if TYPE_CHECKING:
    from collections.abc import Iterator

# memcached_behavior_t, memcached_hash_t and memcached_server_distribution_t.
HASH, KETAMA, DISTRIBUTION, KETAMA_WEIGHTED = 2, 3, 9, 16
CONNECT_TIMEOUT, RETRY_TIMEOUT, FAILURE_LIMIT, REMOVE_FAILED = 14, 15, 21, 35
MD5, CRC, FNV1A_32 = 1, 2, 6
CONSISTENT = 1

Behaviors = list[tuple[int, int]]

PRESETS: dict[str, Behaviors] = {
    "pylibmc-consistent-md5": [(DISTRIBUTION, CONSISTENT), (HASH, MD5)],
    "pylibmc-default": [],
    "pylibmc-ketama": [(KETAMA, 1)],
    "pylibmc-ketama-fnv1a_32": [(HASH, FNV1A_32), (KETAMA, 1)],
    "pylibmc-ketama-weighted": [(KETAMA_WEIGHTED, 1)],
    "pylibmc-modula-crc": [(HASH, CRC)],
}

# Weights, and the indexes of the servers that do not answer.
EJECTED = [
    ([1, 1, 1, 1, 1], [1]),
    ([3, 1, 7, 2, 5], [2]),
    ([3, 1, 7, 2, 5], [0, 3]),
]
FIRST_PORT = 24500

_libraries = Path(pylibmc.__file__).parent.parent / "pylibmc.libs"
library = ctypes.CDLL(str(next(_libraries.glob("libmemcached-*.so*"))))
pointer, text, size, u32 = (
    ctypes.c_void_p,
    ctypes.c_char_p,
    ctypes.c_size_t,
    ctypes.c_uint32,
)
library.memcached_create.restype = pointer
library.memcached_create.argtypes = [pointer]
library.memcached_behavior_set.argtypes = [pointer, ctypes.c_int, ctypes.c_uint64]
library.memcached_generate_hash.argtypes = [pointer, text, size]
library.memcached_generate_hash.restype = u32
library.memcached_server_add_with_weight.argtypes = [
    pointer,
    text,
    ctypes.c_uint16,
    u32,
]
library.memcached_server_add_unix_socket_with_weight.argtypes = [pointer, text, u32]
library.memcached_set.argtypes = [pointer, text, size, text, size, ctypes.c_long, u32]


def client(behaviors: Behaviors, servers: list[dict[str, Any]]) -> int:
    memc: int = library.memcached_create(None)
    for behavior, value in behaviors:
        assert library.memcached_behavior_set(memc, behavior, value) == 0
    for server in servers:
        host, weight = server["host"].encode(), server["weight"]
        if is_unix(server):
            add = library.memcached_server_add_unix_socket_with_weight
            assert add(memc, host, weight) == 0
        else:
            add = library.memcached_server_add_with_weight
            assert add(memc, host, server["port"], weight) == 0
    return memc


def answers(memc: int) -> Answers:
    encoded = {key: key.encode() for key in KEYS}
    ask = library.memcached_generate_hash
    return {key: ask(memc, raw, len(raw)) for key, raw in encoded.items()}


class Stores(socketserver.StreamRequestHandler):
    """Says that whatever is set is stored."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            if line.startswith(b"set"):
                self.rfile.readline()
                self.wfile.write(b"STORED\r\n")
            else:
                self.wfile.write(b"VERSION 1.6.18\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


@contextmanager
def serving(port: int) -> Iterator[None]:
    with Server(("127.0.0.1", port), Stores) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield
        server.shutdown()


def ejected(behaviors: Behaviors, weights: list[int], down: list[int]) -> Answers:
    servers = [
        {"host": "127.0.0.1", "port": FIRST_PORT + index, "weight": weight}
        for index, weight in enumerate(weights)
    ]
    eject = [(RETRY_TIMEOUT, 600), (CONNECT_TIMEOUT, 300)]
    eject += [(FAILURE_LIMIT, 1), (REMOVE_FAILED, 1)]
    with ExitStack() as stack:
        for index, server in enumerate(servers):
            if index not in down:
                stack.enter_context(serving(server["port"]))
        memc = client([*behaviors, *eject], servers)
        for _ in range(6):
            for key in KEYS:
                raw = key.encode()
                library.memcached_set(memc, raw, len(raw), b"1", 1, 0, 0)
        topology = {"topology": f"ejected{len(down)}", "servers": servers, "down": down}
        return case(topology, answers(memc), {"remove_failed": True})


def main() -> None:
    presets = []
    for name, behaviors in PRESETS.items():
        cases = [
            case(topology, answers(client(behaviors, topology["servers"])))
            for topology in TOPOLOGIES
            if "down" not in topology and not is_named(topology)
        ]
        if behaviors and "modula" not in name:
            cases += [ejected(behaviors, weights, down) for weights, down in EJECTED]
        presets.append(preset(name, "pylibmc", "1.6.3", cases))
    write(presets)


if __name__ == "__main__":
    main()
