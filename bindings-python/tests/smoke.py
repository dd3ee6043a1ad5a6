"""Uses the installed package as a newcomer would; run outside of the sources.

No test framework is at hand here: the wheel stands alone in its environment.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import pathlib
import socket
import subprocess
import sys

import memoxide


def check(claim: bool, what: str) -> None:
    if not claim:
        sys.exit(f"smoke test: {what}")


def use_clients() -> None:
    async def greet(endpoint: str) -> object:
        async with memoxide.AsyncClient([endpoint]) as client:
            return await client.get("greeting")

    with (
        memoxide.EmbeddedServer() as server,
        memoxide.Client([server.endpoint]) as client,
    ):
        client.set("greeting", {"text": "hello"}, time=60)
        found = asyncio.run(greet(server.endpoint))
        # Dicts are made in another way by other versions of Python.
        items = {f"item{number}": number for number in range(100)}
        client.set_multi(items)
        several = client.get_multi(list(items))
        some = client.get_multi([*items, "nothing", "item7"])
    check(several == some == items, "several items are not found as they were stored")
    check(found == {"text": "hello"}, f"one client stored and one found {found!r}")


def main() -> None:
    package = pathlib.Path(memoxide.__file__).parent
    check("site-packages" in package.parts, f"memoxide was imported from {package}")
    check(
        importlib.metadata.version("memoxide") == memoxide.__version__,
        "the version of the wheel differs from that of the module",
    )
    for name in ("py.typed", "_native.pyi"):
        check((package / name).exists(), f"{name} is missing")
    needs = importlib.metadata.requires("memoxide") or []
    check(
        all("extra ==" in need for need in needs),
        f"the wheel does not stand alone: {needs}",
    )
    check(issubclass(memoxide.TimeoutError, TimeoutError), "errors lost their builtins")
    with (
        memoxide.EmbeddedServer() as server,
        socket.create_connection(server.address, timeout=5) as connection,
    ):
        connection.sendall(b"set greeting 0 0 5\r\nhello\r\nget greeting\r\nquit\r\n")
        reply = b"".join(iter(lambda: connection.recv(4096), b""))
    check(
        reply == b"STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n",
        f"the embedded server answered {reply!r}",
    )
    use_clients()
    command = pathlib.Path(sys.executable).with_name("memoxide")
    answer = subprocess.run(
        [command, "--version"], capture_output=True, text=True, check=False
    )
    check(
        answer.stdout == f"memoxide {memoxide.__version__}\n",
        f"the command answered {answer}",
    )


if __name__ == "__main__":
    main()
