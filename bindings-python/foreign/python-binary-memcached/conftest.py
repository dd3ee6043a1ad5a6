"""The servers that python-binary-memcached's tests ask for.

Its source distribution has the tests without their fixtures.
"""

import contextlib
import os
import socket
import subprocess
import time

import pytest

IPV6_PORT = 5003
SASL_PORT = 5002
HOST = os.environ["MEMCACHED_HOST"]
USER = ["-u", "root"] if os.geteuid() == 0 else []


def wait_for(port, host=HOST):
    """Waits until somebody listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket(family) as probe:
            if probe.connect_ex((host, port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError


@contextlib.contextmanager
def memcached(host, port, *words, **settings):
    process = subprocess.Popen(
        ["memcached", "-l", host, "-p", str(port), *USER, *words],
        env={**os.environ, **settings},
    )
    try:
        wait_for(port, host)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def memcached_ipv6():
    with memcached("::1", IPV6_PORT):
        yield


@pytest.fixture(scope="module")
def memcached_sasl(tmp_path_factory):
    users = tmp_path_factory.mktemp("sasl") / "users"
    users.write_text("user:password\n")
    with memcached("127.0.0.1", SASL_PORT, "-S", MEMCACHED_SASL_PWDB=str(users)):
        yield SASL_PORT, "user", "password"
