"""A recorded sequence of requests, performed again, through memoxide."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import memoxide
from worker import Spent

#: Requests of one object are in one lane, and each lane is in order.
LANES = 16
BYTES = b"x" * (1 << 20)

Step = tuple[str, str, bytes, int]
Stretch = tuple[list[list[Step]], int]


def parse(path: Path, lanes: int) -> list[Stretch]:
    """The lanes between two movements of the clock, and by how far it moves."""
    stretches: list[Stretch] = []
    current: list[list[Step]] = [[] for _ in range(lanes)]
    for line in path.read_text().splitlines():
        words = line.split(" ")
        if words[0] == "t":
            stretches.append((current, int(words[1])))
            current = [[] for _ in range(lanes)]
        else:
            verb, lane, key, size, ttl = words
            step = (verb, key, BYTES[: int(size)], int(ttl))
            current[int(lane) % lanes].append(step)
    return stretches


class Clock:
    """The server's clock, which stands still between the stretches."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.command("p")

    def command(self, word: object) -> None:
        self.socket.sendall(f"debugtime {word}\r\n".encode())
        if self.socket.recv(64) != b"OK\r\n":
            raise SystemExit("the server's clock cannot be moved")


class Counts:
    def __init__(self) -> None:
        self.calls = self.gets = self.hits = 0


def sequential(client: Any, lanes: list[list[Step]], counts: Counts) -> None:
    for lane in lanes:
        for verb, key, value, ttl in lane:
            counts.calls += 1
            if verb == "g":
                counts.gets += 1
                if client.get(key) is not None:
                    counts.hits += 1
                else:
                    # What is missing is fetched elsewhere and stored.
                    counts.calls += 1
                    client.set(key, value, ttl)
            elif verb == "s":
                client.set(key, value, ttl)
            elif verb == "a":
                client.add(key, value, ttl)
            else:
                client.delete(key)


async def in_order(client: Any, lane: list[Step], counts: Counts) -> None:
    for verb, key, value, ttl in lane:
        counts.calls += 1
        if verb == "g":
            counts.gets += 1
            if await client.get(key) is not None:
                counts.hits += 1
            else:
                counts.calls += 1
                await client.set(key, value, ttl)
        elif verb == "s":
            await client.set(key, value, ttl)
        elif verb == "a":
            await client.add(key, value, ttl)
        else:
            await client.delete(key)


async def concurrent(
    endpoint: str, trace: list[Stretch], counts: Counts, clock: Clock
) -> None:
    async with memoxide.AsyncClient([endpoint]) as client:
        for lanes, seconds in trace:
            await asyncio.gather(*(in_order(client, lane, counts) for lane in lanes))
            clock.command(seconds)


def serve(surface: str, host: str, port: int) -> None:
    endpoint = f"{host}:{port}"
    print("ready", flush=True)
    for line in sys.stdin:
        trace = parse(Path(line.strip()), LANES if surface == "async" else 1)
        clock = Clock(host, port)
        counts, spent = Counts(), Spent()
        spent.start()
        if surface == "async":
            asyncio.run(concurrent(endpoint, trace, counts, clock))
        else:
            with memoxide.Client([endpoint]) as client:
                for lanes, seconds in trace:
                    sequential(client, lanes, counts)
                    clock.command(seconds)
        spent.stop(counts.calls)
        spent.report(gets=counts.gets, hits=counts.hits)
