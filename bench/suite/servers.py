"""The embedded server beside memcached: rates, memory, start, idleness."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import time
from contextlib import suppress

from suite.processes import (
    CLIENT,
    MEMCACHED,
    SERVER,
    end,
    free_port,
    processor_time,
    resident,
    server,
    start,
)
from suite.progress import say, show

ITEMS = 1_000_000
CONNECTIONS = 10_000

#: Workload, connections and depth, and how many times memcached's rate.
GOALS = {
    ("get", 1, 1): 0.95,
    ("get", 1, 50): 2.5,
    ("get", 16, 50): 6.0,
    ("multiget", 16, 1): 2.0,
    ("set", 16, 50): 1.5,
    ("large", 1, 1): 0.95,
    ("large", 16, 4): 0.95,
    ("largeset", 16, 4): 0.95,
}

NAMES = {
    "get": "get of 100 B",
    "large": "get of 10 KB",
    "largeset": "set of 10 KB",
    "multiget": "get of 100 keys",
    "set": "set of 100 B",
}


def claim(text: str, ratio: float | None, goal: str, met: bool | None, by: str) -> dict:
    return {"text": text, "ratio": ratio, "goal": goal, "met": met, "by": by}


def measure(program: str, load: str, seconds: float, rounds: int) -> dict:
    ours = [program, "serve", "-m", "1024", "-c", "16384"]
    report = {
        "rates": rates(ours, load, seconds, rounds),
        "memory": memory(ours),
        "start": starts(ours, load),
        "idle": idle(ours),
    }
    report["claims"] = [
        *(row["claim"] for row in report["rates"] if "claim" in row),
        *(
            claim
            for part in ("memory", "start", "idle")
            for claim in report[part].pop("claims")
        ),
    ]
    return report


def rates(ours: list[str], load: str, seconds: float, rounds: int) -> list[dict]:
    """What the load generator's table says; all servers share a CPU, one at work."""
    say("the embedded server beside memcached")
    # Where there is one CPU the generator disturbs what it measures.
    rows = []
    with (
        server(MEMCACHED) as (theirs, their_process),
        server(ours) as (own, own_process),
    ):
        canned = start([load, "canned"], SERVER, stdout=subprocess.PIPE)
        table = None
        try:
            assert canned.stdout
            address = canned.stdout.readline().strip()
            servers = [
                f"memcached=127.0.0.1:{theirs}@{their_process}",
                f"memoxide=127.0.0.1:{own}@{own_process}",
                f"canned={address}@{canned.pid}",
            ]
            command = [load, "table", str(seconds), str(rounds), *servers]
            table = start(command, CLIENT, stdout=subprocess.PIPE)
            assert table.stdout
            for line in table.stdout:
                row = json.loads(line)
                rows.append(row)
                shape = (row["workload"], row["connections"], row["depth"])
                title = f"{NAMES[shape[0]]}, {shape[1]} × {shape[2]}"
                row["title"] = title
                ratio = row["memoxide"]["ratio"]
                if shape in GOALS:
                    goal = GOALS[shape]
                    row["claim"] = claim(
                        f"{title}",
                        ratio,
                        f"≥ {goal:g}",
                        ratio >= goal if SERVER != CLIENT else None,
                        "rate",
                    )
                say(f"{title}: {ratio:.2f} times memcached")
            if table.wait() != 0:
                raise SystemExit("bench/run: the load generator fails")
        finally:
            if table:
                end(table)
            end(canned)
    return rows


def memory(ours: list[str]) -> dict:
    """Resident bytes of an item, and of a connection that does nothing."""
    report: dict = {"claims": []}
    for name, command in (("memcached", MEMCACHED), ("memoxide", ours)):
        show(f"memory: a million items in {name}")
        with server(command) as (port, process):
            items = bytes_for_items(port, process)
        show(f"memory: {CONNECTIONS} connections to {name}")
        with server(command) as (port, process):
            connections = bytes_for_connections(port, process)
        report[name] = {"bytes_of_an_item": items, "bytes_of_a_connection": connections}
    own = report["memoxide"]
    item, connection = own["bytes_of_an_item"], own["bytes_of_a_connection"]
    report["claims"] = [
        claim(
            "bytes of an item of 20 B key and 100 B value",
            item,
            "≤ 170",
            item <= 170,
            "memory",
        ),
        claim(
            "bytes of an idle connection",
            connection,
            "≤ 4096",
            None if connection is None else connection <= 4096,
            "memory",
        ),
    ]
    say(f"an item takes {item} bytes, an idle connection {connection}")
    return report


def bytes_for_items(port: int, process: int) -> float:
    value = b"v" * 100
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"version\r\n")
        plain.recv(64)
        before = resident(process)
        for first in range(0, ITEMS, 1000):
            plain.sendall(
                b"".join(
                    b"set key:%016d 0 0 100 noreply\r\n%s\r\n" % (number, value)
                    for number in range(first, first + 1000)
                )
            )
        plain.sendall(b"stats\r\n")
        answer = b""
        while not answer.endswith(b"END\r\n"):
            answer += plain.recv(1 << 16)
        if b"STAT curr_items %d\r\n" % ITEMS not in answer:
            raise SystemExit("bench/run: the server does not hold all items")
        return round((resident(process) - before) / ITEMS, 1)


def bytes_for_connections(port: int, process: int) -> float | None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < CONNECTIONS + 500:
        return None
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, CONNECTIONS + 500), hard))
    connections = []
    try:
        before = resident(process)
        for _ in range(CONNECTIONS):
            connections.append(socket.create_connection(("127.0.0.1", port)))  # noqa: PERF401
        # Each has been served once, and then does nothing.
        for connection in connections:
            connection.sendall(b"mn\r\n")
            if connection.recv(16) != b"MN\r\n":
                raise SystemExit("bench/run: a connection is not served")
        return round((resident(process) - before) / CONNECTIONS, 1)
    finally:
        for connection in connections:
            connection.close()


def starts(ours: list[str], load: str) -> dict:
    """From the start to the first reply: in process, and as a process."""
    show("start to first reply")
    output = subprocess.run(
        [load, "start"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    inside = json.loads(output)["microseconds_to_first_reply"]["median"]
    report = {
        "in_process_microseconds": inside,
        "memcached_process_microseconds": process_start(MEMCACHED),
        "memoxide_process_microseconds": process_start(ours),
    }
    report["claims"] = [
        claim(
            "milliseconds from start to first reply",
            inside / 1000,
            "≤ 2",
            inside <= 2000,
            "time",
        )
    ]
    say(f"in-process start to first reply: {inside} µs")
    return report


def process_start(command: list[str]) -> int:
    times = []
    for _ in range(10):
        port = free_port()
        begin = time.monotonic()
        child = start(
            [*command, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1"],
            SERVER,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while child.poll() is None and time.monotonic() < begin + 5:
                with (
                    suppress(OSError),
                    socket.create_connection(("127.0.0.1", port)) as plain,
                ):
                    plain.sendall(b"version\r\n")
                    plain.recv(64)
                    times.append(time.monotonic() - begin)
                    break
            os.kill(child.pid, signal.SIGTERM)
            child.wait(timeout=5)
        finally:
            end(child)
    return round(statistics.median(times) * 1e6)


def idle(ours: list[str], seconds: float = 3.0) -> dict:
    """Processor time of servers that nobody asks anything."""
    show("idle servers")
    report: dict = {}
    with server(MEMCACHED) as (_, theirs), server(ours) as (_, own):
        processes = {"memcached": theirs, "memoxide": own}
        time.sleep(0.5)
        before = {name: processor_time(process) for name, process in processes.items()}
        time.sleep(seconds)
        for name, process in processes.items():
            report[name] = {
                "cpu_share": (processor_time(process) - before[name]) / seconds
            }
    share = report["memoxide"]["cpu_share"]
    report["claims"] = [
        claim(
            "share of a CPU while idle",
            round(share, 6),
            "≤ 0.001",
            share <= 0.001,
            "CPU",
        )
    ]
    say(f"an idle server uses {share:.6f} of a CPU")
    return report
