"""What is compared with what, and which ratios are the goal.

A worker is (language, case). A claim says: `left` against `right`, measured as
`wall` or `cpu` per operation, is to be at least `goal` times better (a rate, or
cheapness), or with `most` at most that many times as expensive.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Claim:
    text: str
    left: str
    right: str
    by: str  # "wall", "cpu" or "p50"
    goal: float  # right / left must be at least this


@dataclass(frozen=True)
class Group:
    name: str
    title: str
    workers: list[str]  # "language:case"
    claims: list[Claim] = field(default_factory=list)
    cpus: int = 1  # 1: client and server share a CPU; 2: each has its own


def python(case: str) -> str:
    return f"python:{case}"


def node(case: str) -> str:
    return f"node:{case}"


GROUPS = [
    Group(
        "rust-get",
        "Rust, blocking: get of 100 B",
        [
            "c:ping-get",
            "rust:memoxide-get",
            "rust:memcache-get",
            "rust:memcache-exp-get",
        ],
        [
            Claim(
                "blocking get against a C ping-pong",
                "rust:memoxide-get",
                "c:ping-get",
                "wall",
                0.93,
            )
        ],
    ),
    Group(
        "rust-set",
        "Rust, blocking: set of 100 B",
        ["c:ping-set", "rust:memoxide-set"],
        [
            Claim(
                "blocking set against a C ping-pong",
                "rust:memoxide-set",
                "c:ping-set",
                "wall",
                0.93,
            )
        ],
    ),
    Group(
        "rust-multiget",
        "Rust, blocking: 100 keys in one call",
        ["c:ping-multiget", "rust:memoxide-multiget", "rust:memcache-multiget"],
        [
            Claim(
                "multi-get against C",
                "rust:memoxide-multiget",
                "c:ping-multiget",
                "wall",
                0.80,
            )
        ],
    ),
    Group(
        "rust-async",
        "Rust, async: get of 100 B",
        [
            "c:ping-get",
            "c:pipeline-get",
            "rust:memoxide-async-1",
            "rust:memoxide-async-64",
            "rust:async-memcached-1",
            "rust:async-memcached-64",
            "rust:deadpool-memcached-64",
        ],
        [
            Claim(
                "one task against a C ping-pong",
                "rust:memoxide-async-1",
                "c:ping-get",
                "wall",
                0.78,
            ),
            Claim(
                "64 tasks against pipelined C",
                "rust:memoxide-async-64",
                "c:pipeline-get",
                "wall",
                0.85,
            ),
            Claim(
                "64 tasks against async-memcached",
                "rust:memoxide-async-64",
                "rust:async-memcached-64",
                "wall",
                1.8,
            ),
        ],
    ),
    Group(
        "python-get",
        "Python, sync: get of 100 B",
        [
            python("memoxide-get"),
            python("pylibmc-get"),
            python("pymemcache-get"),
            python("pymemcachepool-get"),
            python("pymemcachehash-get"),
            python("pythonmemcached-get"),
            python("binarymemcached-get"),
        ],
        [
            Claim(
                "get against pylibmc",
                python("memoxide-get"),
                python("pylibmc-get"),
                "cpu",
                1 / 1.10,
            )
        ],
    ),
    Group(
        "python-set",
        "Python, sync: set of 100 B",
        [
            python("memoxide-set"),
            python("pylibmc-set"),
            python("pymemcache-set"),
            python("pythonmemcached-set"),
        ],
        [
            Claim(
                "set against pylibmc",
                python("memoxide-set"),
                python("pylibmc-set"),
                "cpu",
                1 / 1.10,
            )
        ],
    ),
    Group(
        "python-get-10k",
        "Python, sync: get of 10 KB",
        [
            python("memoxide-get10k"),
            python("pylibmc-get10k"),
            python("pymemcache-get10k"),
        ],
        [
            Claim(
                "get 10 KB against pylibmc",
                python("memoxide-get10k"),
                python("pylibmc-get10k"),
                "cpu",
                1 / 1.10,
            )
        ],
    ),
    Group(
        "python-multiget",
        "Python, sync: 100 keys in one call",
        [
            python("memoxide-multiget"),
            python("pylibmc-multiget"),
            python("pymemcache-multiget"),
            python("pythonmemcached-multiget"),
        ],
        [
            Claim(
                "get_multi 100 against pylibmc",
                python("memoxide-multiget"),
                python("pylibmc-multiget"),
                "cpu",
                3,
            )
        ],
    ),
    Group(
        "python-multiset",
        "Python, sync: 100 items in one call",
        [
            python("memoxide-multiset"),
            python("pylibmc-multiset"),
            python("binarymemcached-multiset"),
        ],
        [
            Claim(
                "set_multi 100 against python-binary-memcached",
                python("memoxide-multiset"),
                python("binarymemcached-multiset"),
                "cpu",
                3.5,
            )
        ],
    ),
    Group(
        "python-threads",
        "Python, sync: 8 threads on one client",
        [
            python("memoxide-threads"),
            python("pylibmc-threads"),
            python("pymemcachepool-threads"),
        ],
        [
            Claim(
                "8 threads against pylibmc's ThreadMappedPool",
                python("memoxide-threads"),
                python("pylibmc-threads"),
                "cpu",
                1,
            )
        ],
    ),
    *(
        Group(
            f"python-async{suffix}",
            f"Python, asyncio{' on uvloop' if suffix else ''}: get of 100 B",
            [
                python(f"async-{case}{suffix}")
                for case in (
                    "memoxide-1",
                    "memoxide-64",
                    "memoxide-64-set" if not suffix else "memoxide-64-get",
                    "aiomcache-1",
                    "aiomcache-64",
                    "emcache-64",
                    "emcachebatch-64",
                )
            ],
            [
                Claim(
                    "64 in flight against aiomcache",
                    python(f"async-memoxide-64{suffix}"),
                    python(f"async-aiomcache-64{suffix}"),
                    "wall",
                    6,
                ),
                Claim(
                    "64 in flight against emcache",
                    python(f"async-memoxide-64{suffix}"),
                    python(f"async-emcache-64{suffix}"),
                    "wall",
                    6,
                ),
                Claim(
                    "64 in flight against emcache with autobatching",
                    python(f"async-memoxide-64{suffix}"),
                    python(f"async-emcachebatch-64{suffix}"),
                    "cpu",
                    1.6,
                ),
                Claim(
                    "one in flight against aiomcache",
                    python(f"async-memoxide-1{suffix}"),
                    python(f"async-aiomcache-1{suffix}"),
                    "wall",
                    1.15,
                ),
            ],
        )
        for suffix in ("", "-uvloop")
    ),
    Group(
        "node-1",
        "Node: one get at a time",
        [
            node("memoxide-get-1"),
            node("memjs-get-1"),
            node("memcached-get-1"),
            node("memcache-get-1"),
            node("memcacheclient-get-1"),
            "c:ping-get",
        ],
        [
            Claim(
                "awaited get, p50, against memjs",
                node("memoxide-get-1"),
                node("memjs-get-1"),
                "p50",
                1.25,
            ),
            Claim(
                "awaited get against blocking C",
                node("memoxide-get-1"),
                "c:ping-get",
                "wall",
                1 / 1.2,
            ),
        ],
        cpus=2,
    ),
    Group(
        "node-16",
        "Node: 16 gets in flight",
        [
            node("memoxide-get-16"),
            node("memjs-get-16"),
            node("memcached-get-16"),
            node("memcache-get-16"),
            node("memcacheclient-get-16"),
        ],
        [
            Claim(
                f"16 in flight, CPU, against {peer}",
                node("memoxide-get-16"),
                node(f"{peer}-get-16"),
                "cpu",
                1 / 0.6,
            )
            for peer in ("memjs", "memcached", "memcache", "memcacheclient")
        ],
        cpus=2,
    ),
    Group(
        "node-100",
        "Node: 100 gets in flight",
        [
            node("memoxide-get-100"),
            node("memjs-get-100"),
            node("memcached-get-100"),
            node("memcacheclient-get-100"),
        ],
        [
            Claim(
                "100 in flight, wall, against memjs",
                node("memoxide-get-100"),
                node("memjs-get-100"),
                "wall",
                3.5,
            ),
            Claim(
                "100 in flight, CPU, against memjs",
                node("memoxide-get-100"),
                node("memjs-get-100"),
                "cpu",
                4.5,
            ),
        ],
        cpus=2,
    ),
    Group(
        "node-1000",
        "Node: 1000 gets in flight",
        [node("memoxide-get-1000"), node("memjs-get-1000")],
        [
            Claim(
                "1000 in flight, wall, against memjs",
                node("memoxide-get-1000"),
                node("memjs-get-1000"),
                "wall",
                6,
            )
        ],
        cpus=2,
    ),
    Group(
        "node-multiget",
        "Node: 100 keys in one call",
        [
            node("memoxide-multiget-1"),
            node("memcacheclient-multiget-1"),
            node("memcached-multiget-1"),
        ],
        [
            Claim(
                "100 keys in one call against memcache-client",
                node("memoxide-multiget-1"),
                node("memcacheclient-multiget-1"),
                "wall",
                2,
            )
        ],
        cpus=2,
    ),
    Group(
        "node-10k",
        "Node: 100 gets of 10 KB in flight",
        [node("memoxide-get10k-100"), node("memjs-get10k-100")],
        [
            Claim(
                "10 KB, 100 in flight, against memjs",
                node("memoxide-get10k-100"),
                node("memjs-get10k-100"),
                "wall",
                1.4,
            )
        ],
        cpus=2,
    ),
    Group(
        "node-1m",
        "Node: get of 1 MB",
        [node("memoxide-get1m-1"), node("memjs-get1m-1"), node("socket-get1m-1")],
        [
            Claim(
                "1 MB get against a bare socket",
                node("memoxide-get1m-1"),
                node("socket-get1m-1"),
                "wall",
                1 / 1.3,
            )
        ],
        cpus=2,
    ),
]
