"""What is compared with what, and which ratios are to be reached."""

from __future__ import annotations

from suite.claims import Claim, Group

SYNC = (
    "pylibmc",
    "pymemcache",
    "pymemcachepool",
    "pymemcachehash",
    "pythonmemcached",
    "binarymemcached",
)
NODE = ("memjs", "memcached", "memcache", "memcacheclient")

#: Ratios this close to 1 are equal, where "as fast as" is claimed.
EQUAL = 1.05


def rust(operation: str, *peers: str) -> list[str]:
    return [
        f"rust:memoxide-{operation}",
        *(f"rust:{peer}-{operation}" for peer in peers),
    ]


def rust_groups() -> list[Group]:
    def group(operation: str, title: str, at_least: float | None, *peers: str) -> Group:
        limit = f"c:ping-{operation}"
        workers = [limit, f"libmemcached:{operation}", *rust(operation, *peers)]
        if operation != "multiset":
            workers.append(f"gomemcache:{operation}")
        if operation == "multiget":
            workers.append("rust:memoxide-multigetvec")
        claims = []
        if at_least:
            text = f"{title} against the C ping-pong"
            claims = [Claim(text, workers[2], limit, "wall", at_least=at_least)]
        return Group(f"rust-{operation}", "Rust, blocking", title, workers, claims)

    return [
        group("get", "get of 100 B", 0.93, "memcache", "memcacheexp"),
        group("set", "set of 100 B", 0.93, "memcache", "memcacheexp"),
        group("get10k", "get of 10 KB", None, "memcache", "memcacheexp"),
        group(
            "multiget", "get of 100 keys in one call", 0.80, "memcache", "memcacheexp"
        ),
        group("multiset", "set of 100 items in one call", None, "memcacheexp"),
        Group(
            "rust-threads",
            "Rust, blocking",
            "8 threads on one client, get of 100 B",
            [*rust("threads", "memcache", "memcacheexp"), "gomemcache:threads"],
        ),
        aging("rust", "Rust, blocking", "rust:memoxide", ""),
        Group(
            "rust-async-1",
            "Rust, async",
            "one task, get of 100 B",
            [
                "c:ping-get",
                *(
                    f"rust:async-{peer}-get-1"
                    for peer in ("memoxide", "asyncmemcached", "memcacheexp")
                ),
            ],
            [
                Claim(
                    "one task against the C ping-pong",
                    "rust:async-memoxide-get-1",
                    "c:ping-get",
                    "wall",
                    at_least=0.78,
                )
            ],
        ),
        Group(
            "rust-async-64",
            "Rust, async",
            "64 tasks, get of 100 B",
            [
                "c:pipeline-get",
                *(
                    f"rust:async-{peer}-get-64"
                    for peer in (
                        "memoxide",
                        "asyncmemcached",
                        "deadpool",
                        "memcacheexp",
                    )
                ),
            ],
            [
                Claim(
                    "64 tasks against pipelined C",
                    "rust:async-memoxide-get-64",
                    "c:pipeline-get",
                    "wall",
                    at_least=0.85,
                ),
                Claim(
                    "64 tasks against async-memcached",
                    "rust:async-memoxide-get-64",
                    "rust:async-asyncmemcached-get-64",
                    "wall",
                    at_least=1.8,
                ),
            ],
        ),
        Group(
            "rust-async-set",
            "Rust, async",
            "64 tasks, set of 100 B",
            [
                "c:pipeline-set",
                *(
                    f"rust:async-{peer}-set-64"
                    for peer in ("memoxide", "asyncmemcached", "memcacheexp")
                ),
            ],
        ),
        aging("rust-async", "Rust, async", "rust:async-memoxide", "-1"),
    ]


def aging(name: str, section: str, worker: str, suffix: str, cpus: int = 1) -> Group:
    aged, fresh = f"{worker}-aged{suffix}", f"{worker}-fresh{suffix}"
    return Group(
        f"{name}-aged",
        section,
        "get of 10 KB on a fresh connection and after 10,000 small gets",
        [aged, fresh],
        [
            Claim(
                "10 KB after 10,000 small gets against a fresh connection",
                aged,
                fresh,
                "wall",
                at_most=EQUAL,
            )
        ],
        cpus=cpus,
        operations=600,
    )


def python_groups() -> list[Group]:
    def group(
        operation: str, title: str, peers: tuple[str, ...], claims: list[Claim]
    ) -> Group:
        workers = [
            f"python:memoxide-{operation}",
            *(f"python:{peer}-{operation}" for peer in peers),
        ]
        return Group(f"python-{operation}", "Python, sync", title, workers, claims)

    def against(
        operation: str, text: str, peer: str = "pylibmc", **goal: float
    ) -> Claim:
        return Claim(
            text,
            f"python:memoxide-{operation}",
            f"python:{peer}-{operation}",
            "cpu",
            **goal,
        )

    return [
        group(
            "get",
            "get of 100 B",
            ("dropin", *SYNC),
            [against("get", "get against pylibmc", at_most=1.10)],
        ),
        group(
            "set",
            "set of 100 B",
            ("dropin", *SYNC),
            [against("set", "set against pylibmc", at_most=1.10)],
        ),
        group(
            "get10k",
            "get of 10 KB",
            SYNC,
            [against("get10k", "get of 10 KB against pylibmc", at_most=1.10)],
        ),
        group(
            "multiget",
            "get_multi of 100 keys",
            ("dropin", *SYNC),
            [against("multiget", "get_multi of 100 against pylibmc", at_least=3)],
        ),
        group(
            "multiset",
            "set_multi of 100 items",
            ("dropin", *SYNC),
            [
                against(
                    "multiset",
                    "set_multi of 100 against python-binary-memcached",
                    "binarymemcached",
                    at_least=3.5,
                )
            ],
        ),
        group(
            "threads",
            "8 threads on one client, get of 100 B",
            ("pylibmc", "pymemcachepool", "pymemcachehash", "pythonmemcached"),
            [
                against(
                    "threads", "8 threads against pylibmc's ThreadMappedPool", at_most=1
                )
            ],
        ),
        aging("python", "Python, sync", "python:memoxide", ""),
    ]


def asyncio_groups(loop: str) -> list[Group]:
    section = {"async": "Python, asyncio", "uvloop": "Python, uvloop"}[loop]

    def worker(library: str, operation: str, in_flight: int) -> str:
        return f"python:{loop}-{library}-{operation}-{in_flight}"

    def busy(operation: str, libraries: tuple[str, ...], batch: bool) -> Group:
        own = worker("memoxide", operation, 64)
        claims = [
            Claim(
                f"64 {operation}s in flight against {library}, on {section.split()[1]}",
                own,
                worker(library, operation, 64),
                "wall",
                at_least=6,
            )
            for library in ("aiomcache", "emcache")
            if library in libraries
        ]
        if batch:
            text = f"64 {operation}s in flight against emcache with autobatching, on {section.split()[1]}"
            claims.append(
                Claim(
                    text,
                    own,
                    worker("emcachebatch", operation, 64),
                    "cpu",
                    at_least=1.6,
                )
            )
        return Group(
            f"{loop}-{operation}-64",
            section,
            f"64 in flight, {operation}" + ("" if operation == "incr" else " of 100 B"),
            [own, *(worker(library, operation, 64) for library in libraries)],
            claims,
        )

    peers = ("aiomcache", "emcache", "emcachebatch")
    return [
        Group(
            f"{loop}-get-1",
            section,
            "one in flight, get of 100 B",
            [worker(library, "get", 1) for library in ("memoxide", *peers)],
            [
                Claim(
                    f"one get in flight against aiomcache, on {section.split()[1]}",
                    worker("memoxide", "get", 1),
                    worker("aiomcache", "get", 1),
                    "wall",
                    at_least=1.15,
                )
            ],
        ),
        busy("get", peers, batch=True),
        # emcache batches gets only, and its other calls are the same with it and without.
        busy("set", ("aiomcache", "emcache"), batch=False),
        busy("incr", ("aiomcache", "emcache"), batch=False),
        aging(loop, section, f"python:{loop}-memoxide", "-1"),
    ]


def node_groups() -> list[Group]:
    def group(
        case: str, title: str, peers: tuple[str, ...], claims: list[Claim]
    ) -> Group:
        workers = [f"node:memoxide-{case}"]
        workers += [peer if ":" in peer else f"node:{peer}-{case}" for peer in peers]
        return Group(f"node-{case}", "Node", title, workers, claims, cpus=2)

    def against(case: str, text: str, by: str, *peers: str, **goal: float) -> Claim:
        right = tuple(peer if ":" in peer else f"node:{peer}-{case}" for peer in peers)
        return Claim(text, f"node:memoxide-{case}", right, by, **goal)

    return [
        group(
            "get-1",
            "awaited get of 100 B",
            (*NODE, "c:clock-get"),
            [
                against(
                    "get-1", "awaited get against memjs", "p50", "memjs", at_least=1.25
                ),
                against(
                    "get-1",
                    "awaited get against blocking C",
                    "p50",
                    "c:clock-get",
                    at_most=1.2,
                ),
            ],
        ),
        group(
            "get-16",
            "16 in flight, get of 100 B",
            NODE,
            [
                against(
                    "get-16",
                    "16 in flight against the best peer",
                    "cpu",
                    *NODE,
                    at_most=0.6,
                )
            ],
        ),
        group(
            "get-100",
            "100 in flight, get of 100 B",
            NODE,
            [
                against(
                    "get-100",
                    "100 in flight against memjs",
                    "wall",
                    "memjs",
                    at_least=3.5,
                ),
                against(
                    "get-100",
                    "100 in flight against memjs",
                    "cpu",
                    "memjs",
                    at_least=4.5,
                ),
            ],
        ),
        group(
            "get-1000",
            "1000 in flight, get of 100 B",
            NODE,
            [
                against(
                    "get-1000",
                    "1000 in flight against memjs",
                    "wall",
                    "memjs",
                    at_least=6,
                )
            ],
        ),
        group("set-100", "100 in flight, set of 100 B", NODE, []),
        group("incr-100", "100 in flight, increment", NODE, []),
        group(
            "multiget-1",
            "get of 100 keys in one call",
            ("memcached", "memcache", "memcacheclient"),
            [
                against(
                    "multiget-1",
                    "100 keys in one call against memcache-client",
                    "wall",
                    "memcacheclient",
                    at_least=2,
                )
            ],
        ),
        group(
            "get10k-100",
            "100 in flight, get of 10 KB",
            NODE,
            [
                against(
                    "get10k-100",
                    "10 KB, 100 in flight, against memjs",
                    "wall",
                    "memjs",
                    at_least=1.4,
                )
            ],
        ),
        group(
            "get1m-1",
            "get of 1 MB",
            ("memjs", "memcacheclient", "socket"),
            [
                against(
                    "get1m-1",
                    "1 MB against a bare socket",
                    "wall",
                    "socket",
                    at_most=1.3,
                )
            ],
        ),
        aging("node", "Node", "node:memoxide", "-1", cpus=2),
    ]


GROUPS = [
    *rust_groups(),
    *python_groups(),
    *asyncio_groups("async"),
    *asyncio_groups("uvloop"),
    *node_groups(),
]
