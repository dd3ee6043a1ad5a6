"""The `memoxide` command as Python starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULE = [sys.executable, "-m", "memoxide"]
SCRIPT = [str(Path(sys.executable).with_name("memoxide"))]


@pytest.mark.parametrize("command", [MODULE, SCRIPT], ids=["module", "script"])
def test_the_version_is_that_of_the_package(command: list[str]) -> None:
    answer = subprocess.run(
        [*command, "--version"], capture_output=True, text=True, check=True
    )
    assert answer.stdout == f"memoxide {memoxide.__version__}\n"


def test_under_memcacheds_name_it_is_memcached(tmp_path: Path) -> None:
    link = tmp_path / "memcached"
    link.symlink_to(SCRIPT[0])
    answer = subprocess.run([link, "-V"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("memcached 1.6.45 ")


def test_a_wrong_flag_is_an_exit_code() -> None:
    answer = subprocess.run(
        [*MODULE, "serve", "-t", "0"], capture_output=True, check=False
    )
    assert answer.returncode == 1
    assert answer.stderr != b""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server process and its port."""
    ports = tmp_path / "ports"
    process = subprocess.Popen(
        [*MODULE, "serve", "-p", "-1", "-l", "127.0.0.1", "-u", "root"],
        env={**os.environ, "MEMCACHED_PORT_FILENAME": str(ports)},
    )
    try:
        while not ports.exists():
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.01)
        yield process, int(ports.read_text().partition("TCP INET: ")[2].split()[0])
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_serve_answers_until_a_signal(
    served: tuple[subprocess.Popen[bytes], int], number: signal.Signals
) -> None:
    process, port = served
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"version\r\n")
        assert connection.recv(100).startswith(b"VERSION ")
    process.send_signal(number)
    assert process.wait(10) == 0
