"""The Python clients, as workers of bench/run (bench/README.md).

worker.py LIBRARY-OPERATION HOST PORT
worker.py async-LIBRARY-OPERATION-IN_FLIGHT HOST PORT    (or uvloop-...)
worker.py replay-blocking HOST PORT                      (or replay-async)
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import time
from dataclasses import dataclass

KEYS = [f"bench:{key:03}" for key in range(100)]
SMALL, LARGE = KEYS[0], "bench:10k"
VALUE = b"x" * 100
ITEMS = dict.fromkeys(KEYS, VALUE)
#: Small gets that come before the large ones of an aged connection.
AGE = 10_000
#: Large gets on one connection, fresh or aged.
LARGE_GETS = 200


@dataclass
class Spent:
    """What operations took; measured between `start` and `stop`."""

    operations: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    def start(self) -> None:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()

    def stop(self, operations: int) -> None:
        self.wall += time.perf_counter()
        self.cpu += time.process_time()
        self.operations += operations

    def report(self, **more: int) -> None:
        figures = {"ops": self.operations, "wall": self.wall, "cpu": self.cpu, **more}
        print(json.dumps(figures), flush=True)


def fill(host: str, port: int) -> None:
    """Stores what the cases read over a plain socket, so that no client is favoured."""
    items = {**ITEMS, LARGE: b"x" * 10_000, "bench:count": b"0"}
    with socket.create_connection((host, port)) as plain:
        for key, value in items.items():
            plain.sendall(
                b"set %s 0 0 %d\r\n%s\r\n" % (key.encode(), len(value), value)
            )
            reply = plain.recv(64)
            if reply != b"STORED\r\n":
                raise SystemExit(f"the server says {reply!r}")


def main() -> None:
    name, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
    loop, _, rest = name.partition("-")
    if loop == "replay":
        import replay

        replay.serve(rest, host, port)
        return
    fill(host, port)
    if loop == "uvloop":
        import uvloop
        from concurrent_clients import serve

        uvloop.run(serve(rest, host, port))
    elif loop == "async":
        from concurrent_clients import serve

        asyncio.run(serve(rest, host, port))
    else:
        from blocking_clients import case

        run = case(name, host, port)
        run(200)
        print("ready", flush=True)
        for line in sys.stdin:
            run(int(line)).report()


if __name__ == "__main__":
    # The modules of the cases import this one by its name.
    sys.modules["worker"] = sys.modules["__main__"]
    main()
