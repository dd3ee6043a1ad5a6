"""The two servers that are compared: memoxide's, and memcached.

Each is of one of four kinds: plain, with the text protocol's authentication, with
SASL, and with TLS.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
TLS = ROOT / "tests" / "vectors" / "tls"
CERTIFICATE, KEY = str(TLS / "server.pem"), str(TLS / "server.key")
AUTHORITY = str(TLS / "ca.pem")
USERS = {"user": "secret"}


@contextlib.contextmanager
def embedded(kind: str) -> Iterator[str]:
    """Runs an embedded server and gives its address."""
    options: dict[str, Any] = {
        "plain": {},
        "ascii": {"auth": USERS},
        "sasl": {"sasl": USERS},
        "tls": {"tls_cert": CERTIFICATE, "tls_key": KEY},
    }[kind]
    with memoxide.EmbeddedServer(**options) as server:
        yield server.endpoint


def memcached_flags(kind: str, folder: Path) -> list[str] | None:
    """Returns memcached's flags for a kind of server; None if it cannot be one."""
    abilities = subprocess.run(
        ["memcached", "-h"], capture_output=True, text=True, check=True
    ).stdout
    if kind == "plain":
        return []
    if kind == "ascii":
        users = folder / "users"
        users.write_text("".join(f"{name}:{word}\n" for name, word in USERS.items()))
        return ["-Y", str(users)]
    if kind == "tls" and "ssl_chain_cert" in abilities:
        return ["-Z", "-o", f"ssl_chain_cert={CERTIFICATE},ssl_key={KEY}"]
    if kind == "sasl" and "--enable-sasl" in abilities and write_sasl_users(folder):
        return ["-S"]
    return None


@contextlib.contextmanager
def memcached(flags: list[str], folder: Path) -> Iterator[str]:
    """Runs memcached and gives its address."""
    program = shutil.which("memcached")
    assert program is not None
    # It chooses the port itself, so that nobody can take it in between.
    words = [program, "-l", "127.0.0.1", "-p", "-1", "-U", "0", *flags]
    ports = folder / "ports"
    ports.unlink(missing_ok=True)
    if os.geteuid() == 0:
        # Not nobody, who must not read the files of this test.
        words += ["-u", "root"]
    environment = os.environ | {
        "SASL_CONF_PATH": str(folder),
        "MEMCACHED_PORT_FILENAME": str(ports),
    }
    with subprocess.Popen(words, env=environment) as running:
        try:
            deadline = time.monotonic() + 30
            while not ports.exists():
                assert running.poll() is None, "memcached ended"
                assert time.monotonic() < deadline, "memcached does not listen"
                time.sleep(0.005)
            yield f"127.0.0.1:{ports.read_text().split()[-1]}"
        finally:
            running.terminate()


def write_sasl_users(folder: Path) -> bool:
    """Writes a database of users, as saslpasswd2 does; tells whether it could."""
    name = ctypes.util.find_library("sasl2")
    if name is None:
        return False
    (folder / "memcached.conf").write_text(
        "mech_list: plain\npwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
        f"sasldb_path: {folder / 'sasldb'}\n"
    )
    # The library is to find that file, in a process of its own.
    child = os.fork()
    if child == 0:
        try:
            os.environ["SASL_CONF_PATH"] = str(folder)
            library = ctypes.CDLL(name)
            session = ctypes.c_void_p()
            host = socket.gethostname().encode()
            done = library.sasl_server_init(None, b"memcached") or (
                library.sasl_server_new(
                    *(b"memcached", host, None, None, None, None, 0),
                    ctypes.byref(session),
                )
            )
            for user, word in USERS.items():
                done = done or library.sasl_setpass(
                    *(session, user.encode(), word.encode(), len(word), None, 0, 1)
                )
            os._exit(0 if done == 0 else 1)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return status == 0 and (folder / "sasldb").exists()
