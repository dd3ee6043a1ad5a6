"""Replays of synthetic workloads made from published means of production clusters.

One generator writes one trace for each cluster; all languages replay the same.
The objects are a sample of a cluster's objects, drawn by Zipf's law, as many as
give the published mean frequency. A read that misses is followed by a write, as
an application does it. Memory suffices, so misses are first reads, reads after a
deletion, and reads after the time to live.

Time is the server's virtual clock (`debugtime`), which moves between stretches
of the trace. How much time a request stands for is not published, so it is
chosen such that a model of the cache misses as often as the cluster did; where
no choice does, a near one is taken.

Objects belong to lanes, and each lane is replayed in order. What an object goes
through is therefore the same however many lanes are in flight, and the hit
ratio of every client must be the model's, exactly.
"""

from __future__ import annotations

import json
import random
import re
import statistics
from bisect import bisect
from itertools import accumulate
from typing import TYPE_CHECKING

from suite.build import BENCH, BUILD, Built
from suite.processes import CLIENT, Worker, server
from suite.progress import say, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATA = BENCH / "workloads" / "twitter-2020mar.json"

#: Reads with short times to live; large values, half of them writes; deletions;
#: many small reads.
CLUSTERS = (4, 8, 14, 16)
REQUESTS = 60_000
SEED = 2020
LANES = 16
STRETCHES = 200

SURFACES = {
    "rust:replay-blocking": "Rust, blocking",
    "rust:replay-async": "Rust, async",
    "python:replay-blocking": "Python, sync",
    "python:replay-async": "Python, asyncio",
    "node:replay-async": "Node",
}

#: verb, object, size of the value, seconds to live
Request = tuple[str, int, int, int]

VERBS = {"get": "g", "set": "s", "add": "a", "delete": "d"}
UNITS = {"s": 1, "h": 3600, "d": 86_400}


def seconds(text: str) -> int:
    match = re.fullmatch(r"([\d.]+)([shd])", text)
    assert match, text
    return max(1, round(float(match[1]) * UNITS[match[2]]))


def requests_of(row: dict) -> list[Request]:
    """The requests of a cluster; the same for the same seed."""
    chance = random.Random(f"{SEED}-{row['cluster']}")  # noqa: S311
    objects = max(1, round(REQUESTS / row["mean_object_frequency"]))
    popularity = list(
        accumulate(rank ** -row["zipf_alpha"] for rank in range(1, objects + 1))
    )
    verbs = [VERBS[name] for name in row["operations"]]
    weights = list(row["operations"].values())
    lives = [seconds(text) for text in row["common_ttls"]]
    shares = list(row["common_ttls"].values())
    # Sizes and times to live belong to objects; sizes scatter around the mean.
    spread = 0.5
    sizes = [
        max(
            1,
            round(
                row["value_size_bytes"]
                * chance.lognormvariate(-(spread**2) / 2, spread)
            ),
        )
        for _ in range(objects)
    ]
    ttls = chance.choices(lives, shares, k=objects)
    drawn = chance.choices(verbs, weights, k=REQUESTS)
    found = (
        bisect(popularity, chance.random() * popularity[-1]) for _ in range(REQUESTS)
    )
    return [
        (verb, index, sizes[index], ttls[index])
        for verb, index in zip(
            drawn, (min(index, objects - 1) for index in found), strict=True
        )
    ]


def stretches(requests: list[Request]) -> Iterator[list[Request]]:
    length = -(-len(requests) // STRETCHES)
    for begin in range(0, len(requests), length):
        yield requests[begin : begin + length]


def model(requests: list[Request], step: int) -> tuple[int, int]:
    """Reads and hits of a cache with endless memory.

    Its clock moves by `step` seconds after each stretch.
    """
    now = gets = hits = 0
    ends: dict[int, int] = {}
    for stretch in stretches(requests):
        for verb, index, _, ttl in stretch:
            held = ends.get(index, 0) > now
            if verb == "g":
                gets += 1
                hits += held
            if verb == "d":
                ends.pop(index, None)
            elif verb == "s" or not held:
                ends[index] = now + ttl
        now += step
    return gets, hits


def clock_step(requests: list[Request], miss_ratio: float) -> int:
    """Seconds between stretches that bring the model nearest to a miss ratio."""

    def misses(step: int) -> float:
        gets, hits = model(requests, step)
        return 1 - hits / gets

    low, high = 0, 1
    while misses(high) < miss_ratio and high < 1 << 20:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if misses(middle) < miss_ratio else (low, middle)
    return min((low, high), key=lambda step: abs(misses(step) - miss_ratio))


def write_trace(row: dict, path: Path) -> dict:
    """Writes the trace of a cluster; returns what the model says about it."""
    requests = requests_of(row)
    step = clock_step(requests, row["production_miss_ratio"])
    gets, hits = model(requests, step)
    width = round(row["key_size_bytes"])
    names = {
        index: f"{row['cluster']}:".ljust(width - 6, "k") + f"{index:06}"
        for _, index, _, _ in requests
    }
    with path.open("w") as trace:
        for stretch in stretches(requests):
            for verb, index, size, ttl in stretch:
                trace.write(f"{verb} {index % LANES} {names[index]} {size} {ttl}\n")
            trace.write(f"t {step}\n")
    return {
        "requests": len(requests),
        "objects": len(names),
        "clock_step": step,
        "gets": gets,
        "hits": hits,
    }


def replay(built: Built, program: str, rounds: int = 3) -> list[dict]:
    """Replays every cluster through every client, against the embedded server."""
    say("replaying synthetic workloads")
    rows = {row["cluster"]: row for row in json.loads(DATA.read_text())["clusters"]}
    folder = BUILD / "workloads"
    folder.mkdir(exist_ok=True)
    reports = []
    for number in CLUSTERS:
        row = rows[number]
        show(f"cluster {number}: its trace is written")
        path = folder / f"cluster-{number}.trace"
        report = {
            "cluster": number,
            "category": row["category"],
            "synthetic": True,
            "production_miss_ratio": row["production_miss_ratio"],
            "value_size": row["value_size_bytes"],
            "operations": row["operations"],
            "model": write_trace(row, path),
            "clients": {},
        }
        results: dict[str, list[dict]] = {surface: [] for surface in SURFACES}
        for turn in range(rounds):
            for surface in SURFACES:
                show(
                    f"cluster {number}: round {turn + 1} of {rounds}, {SURFACES[surface]}"
                )
                if surface in results:
                    try:
                        results[surface].append(play(surface, built, program, path))
                    except RuntimeError as error:
                        say(f"{SURFACES[surface]} fails: {error}")
                        del results[surface]
        for surface, played in results.items():
            report["clients"][SURFACES[surface]] = {
                "calls": played[0]["ops"],
                "gets": played[0]["gets"],
                "hits": played[0]["hits"],
                "calls_per_second": round(
                    statistics.median(one["ops"] / one["wall"] for one in played)
                ),
                "cpu_per_call": statistics.median(
                    one["cpu"] / one["ops"] for one in played
                ),
            }
        expected = (report["model"]["gets"], report["model"]["hits"])
        seen = {
            (one["gets"], one["hits"]) for played in results.values() for one in played
        }
        report["agrees"] = seen == {expected} and len(results) == len(SURFACES)
        reports.append(report)
    return reports


def play(surface: str, built: Built, program: str, path: Path) -> dict:
    """One replay on a fresh server, a CPU for each side."""
    with server([program, "serve", "-m", "1024"]) as (port, _):
        worker = Worker(surface, built.command(surface), CLIENT, port)
        try:
            return worker.ask(str(path))
        finally:
            worker.close()
