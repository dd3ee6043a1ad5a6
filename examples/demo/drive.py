"""Runs the demo: starts the processes, sends the traffic, judges the answers.

`examples/demo/run` builds what this needs. `docs/demo.md` explains the output.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import signal
import sys
import tempfile
from pathlib import Path

import geography
import memoxide
import pycountry
import scenes
from processes import HERE, StartError, application, server, stop
from report import Report
from visitor import Visitor

LIMIT_SECONDS = 180


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="examples/demo/run",
        description="One cache under Flask, Express and Rust.",
        epilog="MEMCACHED_SERVERS names servers to use instead of starting one.",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of text"
    )
    report = Report(parser.parse_args().json)

    # Whatever ends the demo, the blocks below stop what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"over {LIMIT_SECONDS} s: ended"))
    signal.alarm(LIMIT_SECONDS)
    try:
        with contextlib.ExitStack() as stack:
            play(stack, report)
    except (StartError, memoxide.MemoxideError) as error:
        sys.exit(str(error))
    return report.end()


def play(stack: contextlib.ExitStack, report: Report) -> None:
    """Starts everything and plays the scenes."""
    report.line("memoxide: one cache under Flask, Express and Rust")
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="memoxide-")))
    database = str(folder / "world.sqlite")
    countries, subdivisions = geography.load(database)

    servers, process = os.environ.get("MEMCACHED_SERVERS", ""), None
    started = "from MEMCACHED_SERVERS"
    if not servers:
        servers, process = stack.enter_context(server(folder))
        started = "memoxide serve, started for this"
    with memoxide.Client(servers) as client:
        client.version()
    # A prefix of its own: servers in use lose nothing, and every run starts cold.
    prefix = f"demo-{secrets.token_hex(4)}:"
    environment = {
        "MEMCACHED_SERVERS": servers,
        "DEMO_DATABASE": database,
        "DEMO_PREFIX": prefix,
    }
    ports = {
        "flask": stack.enter_context(
            application(sys.executable, HERE / "flask_app.py", environment=environment)
        ),
        "express": stack.enter_context(
            application("node", HERE / "express_app.mjs", environment=environment)
        ),
    }
    data = f"{countries} countries, {subdivisions} subdivisions, pycountry"
    report.line(f"  server   {servers} ({started})")
    report.line(f"  data     {data} {pycountry.__version__} in SQLite")
    for app, port in ports.items():
        report.line(f"  {app:<8} http://127.0.0.1:{port}")
    report.document.update(
        servers=servers, countries=countries, subdivisions=subdivisions
    )

    visitor = Visitor(ports)
    stack.callback(visitor.close)
    stage = scenes.Stage(report, visitor, ports, database, environment)
    scenes.write_and_read(stage)
    scenes.expiry(stage)
    scenes.login(stage)
    scenes.edit(stage)
    scenes.rust(stage)
    scenes.traffic(stage)
    scenes.bad_input(stage)
    if process:
        stop(process)
        scenes.without_server(stage)
    else:
        report.chapter("Without a server")
        report.skip("pages when the server is gone", "it is not the demo's to stop")


if __name__ == "__main__":
    sys.exit(main())
