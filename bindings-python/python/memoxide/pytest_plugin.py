"""The pytest fixtures of memoxide, found by pytest once the package is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from memoxide.server import EmbeddedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["memoxide_server"]


@pytest.fixture
def memoxide_server() -> Iterator[EmbeddedServer]:
    """A memcached of its own for each test, on a free port of 127.0.0.1."""
    with EmbeddedServer() as server:
        yield server
