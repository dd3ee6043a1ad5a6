"""Servers and workers, each pinned to a CPU, none of which outlives the run.

Every child is in a session of its own, so that Ctrl-C reaches only this process,
which ends them in order; SIGTERM and SIGHUP do the same.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: CPUs of this process: the first is the servers', the last the clients'.
CPUS = sorted(os.sched_getaffinity(0))
SERVER, CLIENT = CPUS[0], CPUS[-1]

_children: set[subprocess.Popen[str]] = set()


def start(
    command: list[str], cpu: int | None, **options: object
) -> subprocess.Popen[str]:
    """Starts a child on one CPU, or on any."""
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    child = subprocess.Popen(  # type: ignore[call-overload]
        command,
        text=True,
        start_new_session=True,
        **options,
    )
    _children.add(child)
    return child


def end(child: subprocess.Popen[str]) -> None:
    """Ends a child and all that it has started."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with suppress(OSError):
                stream.close()
    _children.discard(child)


def end_all() -> None:
    for child in list(_children):
        end(child)


def end_with_signals() -> None:
    """Makes the signals that end programs end the children first."""

    def stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def move(process: int, cpu: int) -> None:
    """Moves all threads of a process to a CPU."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), {cpu})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(command: list[str], cpu: int = SERVER) -> Iterator[tuple[int, int]]:
    """Runs a server that takes memcached's flags; yields its port and process."""
    for _ in range(20):
        port = free_port()
        flags = ["-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1"]
        child = start(
            [*command, *flags],
            cpu,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            for _ in range(500):
                with (
                    suppress(OSError),
                    socket.create_connection(("127.0.0.1", port), 1),
                ):
                    yield port, child.pid
                    return
                if child.poll() is not None:
                    break
                time.sleep(0.01)
        finally:
            end(child)
    raise SystemExit(f"{command[0]} does not start")


#: Seconds after which a worker is taken for dead.
PATIENCE = 60

MEMCACHED = ["memcached", "-u", "nobody", "-m", "1024", "-c", "16384"]


class Worker:
    """A process that performs as many operations as it is told, and reports."""

    def __init__(self, name: str, command: list[str], cpu: int, port: int) -> None:
        self.name = name
        _, _, case = name.partition(":")
        self.process = start(
            [*command, case, "127.0.0.1", str(port)],
            cpu,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.operations = 0
        if self.read() != "ready":
            raise RuntimeError(self.last_words())

    def read(self) -> str:
        """Waits for a line; none when it has ended, or is as good as that."""
        assert self.process.stdout
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        if not ready:
            self.process.kill()
        return self.process.stdout.readline().strip()

    def last_words(self) -> str:
        """What it said about its end."""
        assert self.process.stderr
        words = self.process.stderr.read().splitlines()
        self.close()
        lines = [line.strip() for line in words if line.strip()]
        errors = [line for line in lines if "rror" in line or "panicked" in line]
        return (errors or lines or ["it ended without a word"])[-1]

    def ask(self, line: str) -> dict[str, float]:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(f"{line}\n")
            self.process.stdin.flush()
        answer = self.read()
        if not answer:
            raise RuntimeError(self.last_words())
        return json.loads(answer)

    def run(self, operations: int) -> dict[str, float]:
        """Seconds for each of so many operations."""
        result = self.ask(str(operations))
        count = result["ops"]
        figures = {"wall": result["wall"] / count, "cpu": result["cpu"] / count}
        if "p50" in result:
            figures["p50"] = result["p50"]
        return figures

    def calibrate(self, seconds: float) -> None:
        """Finds how many operations take about so long."""
        operations = 200
        while True:
            wall = self.run(operations)["wall"]
            if wall * operations > seconds / 4 or operations > 5_000_000:
                self.operations = max(100, int(seconds / wall))
                return
            operations *= 4

    def close(self) -> None:
        end(self.process)


def resident(process: int) -> int:
    """Bytes of a process that are in memory."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def processor_time(process: int) -> float:
    """Seconds that all threads of a process have run."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return (
        sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads)
        / 1e9
    )
