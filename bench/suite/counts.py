"""Counts for each operation, which no neighbour on the machine disturbs.

System calls are counted by strace, instructions by callgrind, allocations by an
allocator of the Rust worker. Each case runs twice, with few and with many
operations; the difference belongs to the operations alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from suite.build import BUILD, Built, counted
from suite.claims import label
from suite.processes import (
    CPUS,
    MEMCACHED,
    PATIENCE,
    Worker,
    end,
    end_all,
    server,
    start,
)
from suite.progress import say, show


@dataclass(frozen=True)
class Case:
    worker: str
    title: str
    calls_at_most: float | None = None
    """System calls of any kind."""
    allocations_at_most: float | None = None
    writes_at_most: float | None = None
    few: int = 640
    instructions: bool = True


#: Writes of an operation, where eight or more are to share one. All 64 could, if
#: the server were not answering the first while the last are being submitted.
COALESCED = 1 / 8
WRITES = ("sendto", "sendmsg", "write", "writev")


def together(language: str, library: str, operation: str, goal: bool = True) -> Case:
    title = f"64 in flight, {operation}"
    return Case(
        f"{language}-{library}-{operation}-64",
        title,
        allocations_at_most=4 if language == "rust:async" and goal else None,
        writes_at_most=COALESCED if goal else None,
        few=6400,
        instructions=operation in ("get", "set"),
    )


CASES = [
    Case("c:ping-get", "get"),
    Case("libmemcached:get", "get"),
    Case("rust:memoxide-get", "get", 2, 2),
    Case("rust:memoxide-set", "set", 2),
    Case("rust:memoxide-get10k", "get of 10 KB", 2, 2),
    Case("rust:memoxide-multiget", "get of 100 keys", few=200),
    Case("rust:memoxide-multiset", "set of 100 items", few=200),
    Case("rust:memcache-get", "get"),
    Case("rust:memcacheexp-get", "get"),
    Case("rust:async-memoxide-get-1", "one task, get", None, 4),
    Case("rust:async-asyncmemcached-get-1", "one task, get"),
    together("rust:async", "memoxide", "get"),
    together("rust:async", "memoxide", "set"),
    together("rust:async", "memoxide", "incr"),
    together("rust:async", "memoxide", "touch"),
    together("rust:async", "memoxide", "delete"),
    together("rust:async", "asyncmemcached", "get", goal=False),
    Case("python:memoxide-get", "get", 2),
    Case("python:memoxide-set", "set", 2),
    Case("python:memoxide-get10k", "get of 10 KB", 2),
    Case("python:memoxide-multiget", "get of 100 keys", few=200),
    Case("python:memoxide-multiset", "set of 100 items", few=200),
    Case("python:pylibmc-get", "get"),
    Case("python:pylibmc-multiget", "get of 100 keys", few=200),
    Case("python:pymemcache-get", "get"),
    Case("python:pythonmemcached-get", "get"),
    Case("python:async-memoxide-get-1", "one in flight, get"),
    Case("python:async-aiomcache-get-1", "one in flight, get"),
    together("python:async", "memoxide", "get"),
    together("python:async", "memoxide", "set"),
    together("python:async", "memoxide", "incr"),
    together("python:async", "memoxide", "touch"),
    together("python:async", "memoxide", "delete"),
    together("python:async", "aiomcache", "get", goal=False),
    together("python:async", "emcachebatch", "get", goal=False),
    Case("node:memoxide-get-1", "one in flight, get", instructions=False),
    Case("node:memjs-get-1", "one in flight, get", instructions=False),
    *(
        Case(
            f"node:memoxide-{operation}-100",
            f"100 in flight, {operation}",
            writes_at_most=COALESCED,
            few=6400,
            instructions=False,
        )
        for operation in ("get", "set", "incr")
    ),
    Case("node:memjs-get-100", "100 in flight, get", few=6400, instructions=False),
]

#: Many operations are so many times the few.
MANY = 3


def count(built: Built, cases: list[Case] = CASES) -> list[dict]:
    say("counting system calls, instructions and allocations")
    # Counts do not depend on who shares a CPU, so all CPUs count at once.
    with server(MEMCACHED) as (port, _), ThreadPoolExecutor(len(CPUS)) as pool:

        def one(case: Case) -> dict:
            show(f"counting: {case.worker}")
            return count_case(case, built, port)

        try:
            return list(pool.map(one, cases))
        except BaseException:
            # What has begun ends with its child; nothing else begins.
            pool.shutdown(wait=False, cancel_futures=True)
            end_all()
            raise


def count_case(case: Case, built: Built, port: int) -> dict:
    row: dict = {
        "worker": case.worker,
        "label": label(case.worker),
        "title": case.title,
        "claims": [],
    }
    try:
        command = built.command(case.worker)
    except LookupError as error:
        return row | {"absent": str(error)}
    try:
        return row | count_with(case, command, port, row)
    except RuntimeError as error:
        return row | {"absent": str(error), "claims": []}


def count_with(case: Case, command: list[str], port: int, row: dict) -> dict:
    """Counts with the tools that are here."""
    name, _, words = case.worker.partition(":")
    if shutil.which("strace"):
        calls = difference(case, lambda turn: system_calls(case, command, port, turn))
        # What shows less than once in twenty operations of one caller is not theirs.
        row["system_calls"] = round(sum(calls.values()), 3)
        row["calls"] = {
            call: round(number, 3)
            for call, number in calls.most_common()
            if number >= 0.005
        }
        judge(row, "system calls", row["system_calls"], case.calls_at_most)
        writes = sum(calls[call] for call in WRITES)
        judge(row, "writes", round(writes, 3), case.writes_at_most)
    if case.instructions and shutil.which("valgrind"):
        row["instructions"] = round(
            difference(case, lambda turn: instructions(case, command, port, turn))[
                "all"
            ]
        )
    if name == "rust" and "memoxide" in words:
        row["allocations"] = round(allocations(case, port), 3)
        judge(row, "allocations", row["allocations"], case.allocations_at_most)
    return row


def judge(row: dict, what: str, number: float, at_most: float | None) -> None:
    if at_most is not None:
        # Once in so many operations something else happens, such as a timer.
        row["claims"].append(
            {
                "text": f"{row['worker'].partition(':')[0].title()}, {row['title']}: {what} of an operation",
                "ratio": number,
                "goal": f"≤ {at_most:g}",
                "by": "count",
                "met": number <= at_most + 0.01,
            }
        )


def difference(case: Case, run: object) -> Counter[str]:
    few, few_operations = run(case.few)  # type: ignore[operator]
    many, many_operations = run(case.few * MANY)  # type: ignore[operator]
    operations = many_operations - few_operations
    return Counter(
        {
            key: (many[key] - few[key]) / operations
            for key in many | few
            if many[key] > few[key]
        }
    )


def traced(
    case: Case, tool: list[str], command: list[str], port: int, operations: int
) -> tuple[str, int]:
    """Runs the worker under a tool; returns what the tool says, and the operations."""
    child = start(
        [*tool, *command, case.worker.partition(":")[2], "127.0.0.1", str(port)],
        None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        output, words = child.communicate(f"{operations}\n", timeout=PATIENCE * 2)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{tool[0]} takes too long") from error
    finally:
        end(child)
    done = re.search(r'"ops": ?(\d+)', output)
    if not done:
        raise RuntimeError(f"{tool[0]} fails: {words[-200:]}")
    return words, int(done[1])


def system_calls(
    case: Case, command: list[str], port: int, operations: int
) -> tuple[Counter[str], int]:
    path = BUILD / f"strace-{case.worker.replace(':', '-')}"
    tool = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(path)]
    _, done = traced(case, tool, command, port, operations)
    calls: Counter[str] = Counter()
    for line in Path(path).read_text().splitlines():
        row = re.fullmatch(r"\s*(\d+)\s+(\w+)", line)
        if row and row[2] != "total":
            calls[row[2]] += int(row[1])
    path.unlink()
    return calls, done


def instructions(
    case: Case, command: list[str], port: int, operations: int
) -> tuple[Counter[str], int]:
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    words, done = traced(case, tool, command, port, operations)
    collected = re.search(r"Collected : (\d+)", words)
    if not collected:
        raise RuntimeError("callgrind says nothing")
    return Counter(all=int(collected[1])), done


def allocations(case: Case, port: int) -> float:
    worker = Worker(case.worker, counted(), CPUS[-1], port)
    try:
        few = worker.ask(str(case.few))
        many = worker.ask(str(case.few * MANY))
    finally:
        worker.close()
    return (many["allocations"] - few["allocations"]) / (many["ops"] - few["ops"])
