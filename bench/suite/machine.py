"""What was measured where."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from suite.build import BENCH, ROOT
from suite.processes import CPUS

RUST_PEERS = ("memcache", "async-memcached", "deadpool-memcached", "tokio")


def machine() -> dict[str, str]:
    return {
        "memoxide": f"{own_version()}, {first('git', 'describe', '--always', '--dirty')}",
        "CPU": f"{processor()}, {len(CPUS)} of {os.cpu_count()} used",
        "system": f"{platform.system()} {platform.release()}",
        "memcached": first("memcached", "-V").removeprefix("memcached "),
        "Rust": first("rustc", "--version").removeprefix("rustc "),
        "Python": platform.python_version(),
        "Node": first("node", "--version").removeprefix("v"),
        "Rust peers": rust_peers(),
        "Python peers": python_peers(),
        "Node peers": node_peers(),
        "C and Go peers": debian_peers(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def first(*command: str) -> str:
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return "absent"


def own_version() -> str:
    found = re.search(
        r'^version = "(.+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE
    )
    return found[1] if found else "unknown"


def processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def rust_peers() -> str:
    lock = (BENCH / "rust" / "Cargo.lock").read_text()
    packages = re.findall(r'^name = "(.+)"\nversion = "(.+)"', lock, re.MULTILINE)
    return ", ".join(
        f"{name} {version}" for name, version in packages if name in RUST_PEERS
    )


def python_peers() -> str:
    lines = (BENCH / "python" / "requirements.txt").read_text().split()
    return ", ".join(line.replace("==", " ") for line in lines)


def node_peers() -> str:
    peers = json.loads((BENCH / "node" / "package.json").read_text())["dependencies"]
    return ", ".join(f"{name} {version}" for name, version in peers.items())


def debian_peers() -> str:
    names = {
        "libmemcached-dev": "libmemcached",
        "golang-github-bradfitz-gomemcache-dev": "gomemcache",
    }
    found = []
    for package, name in names.items():
        version = first("dpkg-query", "--show", "--showformat", "${Version}\n", package)
        # gomemcache has no releases: the version is a date.
        found.append(f"{name} {re.sub(r'-[^-]*$', '', version)}")
    return ", ".join(found)
