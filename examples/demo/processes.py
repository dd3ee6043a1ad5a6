"""The processes of the demo: each ends with its standard input.

A child whose parent is gone, however it went, reads the end of its input; so
none outlives the demo.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

START_SECONDS = 60
STOP_SECONDS = 20
HERE = Path(__file__).parent

# Runs a program that does not look at its input.
UNTIL_INPUT_ENDS = '"$@" & cat > /dev/null; kill $! && wait'


class StartError(Exception):
    """A child did not get ready."""


@contextlib.contextmanager
def child(
    *command: str | Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Runs a child until the end of the block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """Ends a child; more calls do nothing."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def application(*command: str | Path, environment: Mapping[str, str]) -> Iterator[int]:
    """Runs an app that prints its port, and gives the port."""
    with child(*command, environment=environment) as process:
        ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        line = process.stdout.readline() if ready and process.stdout else ""
        if not line.strip().isdigit():
            raise StartError(f"{command[-1]} does not start")
        yield int(line)


@contextlib.contextmanager
def server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Runs `memoxide serve` on a free port, and gives its address and process."""
    ports = folder / "ports"
    memoxide = Path(sys.executable).with_name("memoxide")
    with child(
        *("sh", "-c", UNTIL_INPUT_ENDS, "sh"),
        *(memoxide, "serve", "-l", "127.0.0.1", "-p", "-1"),
        environment={"MEMCACHED_PORT_FILENAME": str(ports)},
    ) as process:
        deadline = time.monotonic() + START_SECONDS
        while not ports.exists():
            if time.monotonic() > deadline:
                raise StartError("memoxide serve does not start")
            time.sleep(0.01)
        port = ports.read_text().split()[-1]
        yield f"127.0.0.1:{port}", process
