"""Builds the workers and installs the peers, all under build/bench."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from suite.progress import say

BENCH = Path(__file__).resolve().parent.parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"


class Built:
    """The command of each language, and why one is absent."""

    def __init__(self) -> None:
        self.commands: dict[str, list[str]] = {}
        self.absent: dict[str, str] = {}

    def command(self, worker: str) -> list[str]:
        """Returns what runs a worker, or says in a LookupError why nothing does."""
        language = worker.partition(":")[0]
        if language not in self.commands:
            raise LookupError(self.absent.get(language, "not built"))
        return self.commands[language]


def run(*command: str, cwd: Path = ROOT, **environment: str) -> None:
    subprocess.run(
        command,
        cwd=cwd,
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | environment,
    )


def build(languages: set[str]) -> Built:
    BUILD.mkdir(parents=True, exist_ok=True)
    built = Built()
    steps = {
        "c": limits,
        "libmemcached": libmemcached,
        "gomemcache": gomemcache,
        "rust": rust,
        "python": python,
        "node": node,
    }
    for language, step in steps.items():
        if language in languages:
            say(f"building the workers: {language}")
            try:
                built.commands[language] = step()
            except (
                subprocess.CalledProcessError,
                FileNotFoundError,
                LookupError,
            ) as error:
                if language in ("rust", "python", "node"):
                    raise SystemExit(f"bench/run: {language}: {error}") from error
                built.absent[language] = f"not here ({PACKAGES.get(language, error)})"
    return built


#: Debian packages of what need not be there.
PACKAGES = {
    "libmemcached": "Debian: libmemcached-dev",
    "gomemcache": "Debian: golang-go, golang-github-bradfitz-gomemcache-dev",
}


def limits() -> list[str]:
    run("cc", "-O2", "-o", str(BUILD / "limits"), str(BENCH / "c" / "limits.c"))
    return [str(BUILD / "limits")]


def libmemcached() -> list[str]:
    program = BUILD / "libmemcached"
    source = str(BENCH / "c" / "libmemcached.c")
    run("cc", "-O2", "-o", str(program), source, "-lmemcached")
    return [str(program)]


def gomemcache() -> list[str]:
    """Debian's packages lie in a workspace of the old kind."""
    program = BUILD / "gomemcache"
    source = str(BENCH / "go" / "worker.go")
    run(
        "go",
        "build",
        "-o",
        str(program),
        source,
        GO111MODULE="off",
        GOPATH="/usr/share/gocode",
    )
    return [str(program)]


def rust() -> list[str]:
    # Not --locked: the lock file names the dependencies of memoxide too, which may
    # have changed.
    target = str(BUILD / "rust")
    command = ["cargo", "build", "--release", "--quiet"]
    run(*command, cwd=BENCH / "rust", CARGO_TARGET_DIR=target)
    return [str(BUILD / "rust" / "release" / "memoxide-bench")]


def counted() -> list[str]:
    """The Rust worker that counts allocations; built with the other."""
    return [str(BUILD / "rust" / "release" / "memoxide-bench-counted")]


def python() -> list[str]:
    venv = BUILD / "venv"
    if not venv.exists():
        run(sys.executable, "-m", "venv", str(venv))
    wheels = sorted(
        (ROOT / "build" / "wheel").glob("*.whl"), key=lambda path: path.stat().st_mtime
    )
    if not wheels:
        raise LookupError("there is no wheel of memoxide; run make wheel first")
    pip = [
        str(venv / "bin" / "pip"),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    run(*pip, "-r", str(BENCH / "python" / "requirements.txt"))
    run(*pip, "--force-reinstall", "--no-deps", str(wheels[-1]))
    return [str(venv / "bin" / "python"), str(BENCH / "python" / "worker.py")]


def node() -> list[str]:
    if not list((ROOT / "bindings-node").glob("native.*.node")):
        raise LookupError("the Node package is not built; run make node first")
    folder = BUILD / "node"
    folder.mkdir(exist_ok=True)
    for source in (BENCH / "node").iterdir():
        shutil.copy(source, folder)
    run(
        "npm",
        "install",
        "--silent",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        cwd=folder,
    )
    link = folder / "node_modules" / "memoxide"
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(ROOT, target_is_directory=True)
    return ["node", str(folder / "worker.mjs")]


def servers() -> tuple[str, str]:
    """Builds `memoxide` and the load generator; returns both programs."""
    say("building the server and the load generator")
    of_core = ["--locked", "--quiet", "-p", "memoxide", "--features", "cli"]
    run("cargo", "build", "--release", *of_core, "--bin", "memoxide")
    as_json = ["--no-run", "--message-format", "json"]
    output = subprocess.run(
        ["cargo", "bench", *as_json, *of_core, "--bench", "load"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    artifacts = (json.loads(line) for line in output.splitlines())
    load = next(
        artifact["executable"]
        for artifact in artifacts
        if artifact.get("target", {}).get("name") == "load"
        and artifact.get("executable")
    )
    # Beside the load generator, wherever cargo puts its programs.
    return str(Path(load).parent.parent / "memoxide"), load
