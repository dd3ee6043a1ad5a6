"""Record twemproxy 0.5.0 (`nutcracker`), servers it has ejected included.

Each of its servers answers every key with its own index. Unix sockets are made
where the topology says, so this needs the right to write there.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from common import KEYS, TOPOLOGIES, Answers, Topology, case, is_unix, preset, write

PRESETS = {
    "twemproxy-default": ("ketama", "fnv1a_64"),
    "twemproxy-ketama-jenkins": ("ketama", "jenkins"),
    "twemproxy-ketama-md5": ("ketama", "md5"),
    "twemproxy-modula-fnv1a_64": ("modula", "fnv1a_64"),
    "twemproxy-modula-md5": ("modula", "md5"),
}
FIRST_PORT = 23000


def asked(topology: Topology) -> bool:
    """Zero weights are refused, and a hundred servers are too many sockets."""
    servers = topology["servers"]
    ascii_only = all(server["host"].isascii() for server in servers)
    return ascii_only and len(servers) <= 50 and all(s["weight"] for s in servers)


async def serve(
    index: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            line = await reader.readuntil(b"\r\n")
            key, value = line.split()[1], str(index).encode()
            writer.write(b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(value), value))
    writer.close()


async def ask(port: int) -> Answers:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers: Answers = {}
    for key in KEYS:
        writer.write(b"get %s\r\n" % key.encode())
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
        if line.startswith(b"VALUE"):
            answers[key] = int(await reader.readuntil(b"\r\n"))
            await reader.readuntil(b"\r\n")
    writer.close()
    return answers


async def answers_once_ejected(port: int) -> Answers:
    for _ in range(10):
        answers = await ask(port)
        if len(answers) == len(KEYS):
            return answers
    raise TimeoutError(f"port {port} still fails")


def pools(first_port: int, topology: Topology, lines: list[str]) -> str:
    text = ""
    eject = "true" if "down" in topology else "false"
    for offset, (distribution, hash_name) in enumerate(PRESETS.values()):
        text += f"p{offset}:\n  listen: 127.0.0.1:{first_port + offset}\n"
        text += f"  distribution: {distribution}\n  hash: {hash_name}\n"
        text += f"  auto_eject_hosts: {eject}\n  server_failure_limit: 1\n"
        text += "  server_retry_timeout: 600000\n  timeout: 2000\n  servers:\n"
        text += "".join(f"   - {line}\n" for line in lines)
    return text


def line(server: dict[str, Any], port: int) -> str:
    """One server, under the name that twemproxy itself would give it."""
    if is_unix(server):
        return f"{server['host']}:{server['weight']}"
    host = server["host"]
    short = host if server["port"] == 11211 else f"{host}:{server['port']}"
    return f"127.0.0.1:{port}:{server['weight']} {server.get('name', short)}"


def remove(server: dict[str, Any]) -> None:
    Path(server["host"]).unlink(missing_ok=True)


async def record(topology: Topology, first_port: int) -> dict[str, Answers]:
    listeners, lines = [], []
    down = topology.get("down", [])
    for index, server in enumerate(topology["servers"]):
        port = first_port + 100 + index
        lines.append(line(server, port))
        if is_unix(server):
            remove(server)
            make = asyncio.start_unix_server(partial(serve, index), server["host"])
            listeners.append(await make)
        elif index not in down:
            make = asyncio.start_server(partial(serve, index), "127.0.0.1", port)
            listeners.append(await make)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(pools(first_port, topology, lines))
        file.flush()
        stats = str(first_port + 90)
        proxy = await asyncio.create_subprocess_exec(
            "nutcracker", "-c", file.name, "-s", stats, "-o", os.devnull
        )
        try:
            await asyncio.sleep(0.5)
            return {
                name: await answers_once_ejected(first_port + offset)
                for offset, name in enumerate(PRESETS)
            }
        finally:
            proxy.terminate()
            await proxy.wait()
            for listener in listeners:
                listener.close()
            for server in filter(is_unix, topology["servers"]):
                remove(server)


async def main() -> None:
    cases: dict[str, list[Answers]] = {name: [] for name in PRESETS}
    for place, topology in enumerate(filter(asked, TOPOLOGIES)):
        recorded = await record(topology, FIRST_PORT + 200 * place)
        options = {"auto_eject_hosts": "down" in topology}
        for name, answers in recorded.items():
            cases[name].append(case(topology, answers, options))
    client = ("twemproxy (nutcracker)", "0.5.0")
    write([preset(name, *client, made) for name, made in cases.items()])


if __name__ == "__main__":
    asyncio.run(main())
