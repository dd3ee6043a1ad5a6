"""Prints tests/vectors/tools.json, computed from the descriptions alone.

Nothing of memoxide is used: md5, CRC-32 and a sorted list are all it takes.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import struct
import sys
import zlib

SERVERS = ["cache1.example:11211", "cache2.example:11211", "cache3.example:11211"]
KEYS = ["user:1", "user:2", "session", "grüße", "a", "k" * 250, "{tag}:1", "key|#|rest"]
ODD_BYTES = bytes(range(256)).hex()


def md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()  # noqa: S324 - what they use


def md5_modulo(key: str, count: int) -> int:
    return int.from_bytes(md5(key.encode()), "big") % count


class Ketama:
    """The weighted md5 ring of libmemcached, servers of one weight."""

    def __init__(self, servers: list[str]) -> None:
        points = {}
        for server in servers:
            name = server.removesuffix(":11211")
            for number in range(40):
                digest = md5(f"{name}-{number}".encode())
                for point in struct.unpack("<4I", digest):
                    points.setdefault(point, server)
        self.points = sorted(points.items())

    def find(self, key: str) -> dict[str, object]:
        (position,) = struct.unpack("<I", md5(key.encode())[:4])
        at = bisect.bisect_left(self.points, (position, ""))
        point, server = self.points[at % len(self.points)]
        counted = {"point": point, "points": len(self.points)}
        return {"server": server, "hash": position, **counted}


class PythonMemcached:
    """15 bits of CRC-32 modulo the list."""

    def __init__(self, servers: list[str]) -> None:
        self.servers = servers

    def find(self, key: str) -> dict[str, object]:
        number = ((zlib.crc32(key.encode()) & 0xFFFFFFFF) >> 16) & 0x7FFF or 1
        slot = number % len(self.servers)
        counted = {"slot": slot, "slots": len(self.servers)}
        return {"server": self.servers[slot], "hash": number, **counted}


class Gomemcache(PythonMemcached):
    """CRC-32 modulo the list."""

    def find(self, key: str) -> dict[str, object]:
        number = zlib.crc32(key.encode()) & 0xFFFFFFFF
        slot = number % len(self.servers)
        counted = {"slot": slot, "slots": len(self.servers)}
        return {"server": self.servers[slot], "hash": number, **counted}


PRESETS = {
    "ketama": Ketama,
    "python-memcached": PythonMemcached,
    "gomemcache": Gomemcache,
}


def compare(old: tuple[str, list[str]], new: tuple[str, list[str]], count: int) -> dict:
    sides = [PRESETS[name](servers) for name, servers in (old, new)]
    names = list(dict.fromkeys(old[1] + new[1]))
    shares = {name: {"before": 0, "after": 0} for name in names}
    moved = 0
    for number in range(count):
        before, after = (side.find(f"user:{number}")["server"] for side in sides)
        shares[before]["before"] += 1
        shares[after]["after"] += 1
        moved += before != after
    return {
        "old": {"hashing": old[0], "servers": old[1]},
        "new": {"hashing": new[0], "servers": new[1]},
        "keys": {"prefix": "user:", "count": count},
        "moved": moved,
        "shares": [{"server": name, **shares[name]} for name in names],
    }


def main() -> None:
    four = [*SERVERS, "cache4.example:11211"]
    explained = [
        {"hashing": name, "servers": SERVERS, "key": key, **preset(SERVERS).find(key)}
        for name, preset in PRESETS.items()
        for key in KEYS
    ]
    comparisons = [
        compare(("python-memcached", SERVERS), ("python-memcached", four), 3000),
        compare(("ketama", SERVERS), ("ketama", four), 3000),
        compare(("ketama", four), ("ketama", four[1:]), 3000),
        compare(("gomemcache", SERVERS), ("ketama", SERVERS), 3000),
        compare(("ketama", SERVERS), ("ketama", SERVERS[::-1]), 3000),
    ]
    keys = [*KEYS, *(f"user:{number}" for number in range(100))]
    items = [
        {"key": "text", "flags": 0, "ttl": 0, "value": {"utf8": "hello"}},
        {"key": "empty", "flags": 1, "ttl": 60, "value": {"utf8": ""}},
        {
            "key": "bytes",
            "flags": 4294967295,
            "ttl": 86400,
            "value": {"hex": ODD_BYTES},
        },
        {
            "key": "lines",
            "flags": 65552,
            "ttl": 0,
            "value": {"utf8": "END\r\nVA 1\r\n"},
        },
        {"key": "grüße", "flags": 16, "ttl": 2592000, "value": {"utf8": "süß"}},
        {"key": "k" * 250, "flags": 2, "ttl": 3600, "value": {"utf8": "5"}},
    ]
    vectors = {
        "format": 1,
        "md5_modulo": [
            {"servers": SERVERS[:count], "key": key, "index": md5_modulo(key, count)}
            for count in (1, 2, 3)
            for key in keys
        ],
        "explain": explained,
        "compare": comparisons,
        "items": items,
    }
    json.dump(vectors, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")


main()
