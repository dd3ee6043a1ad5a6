"""What a child process knows of its descent."""

from __future__ import annotations

import multiprocessing
import os

import pytest
from memoxide import _native

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def generation_of_a_child() -> int:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(_native.fork_generation()).encode())
        os._exit(0)
    os.close(write)
    try:
        return int(os.read(read, 20))
    finally:
        os.close(read)
        os.waitpid(child, 0)


def test_a_fork_raises_the_generation_of_the_child_only() -> None:
    before = _native.fork_generation()
    assert generation_of_a_child() == before + 1
    assert _native.fork_generation() == before


def test_forks_of_multiprocessing_are_seen_too() -> None:
    before = _native.fork_generation()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(_native.fork_generation) == before + 1
