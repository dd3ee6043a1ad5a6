"""What is shown while a long run goes on."""

from __future__ import annotations

import sys
import time

_begin = time.monotonic()


def say(text: str) -> None:
    """Writes a line, with the time since the start, to standard error."""
    clear()
    minutes, seconds = divmod(int(time.monotonic() - _begin), 60)
    print(f"[{minutes:2}:{seconds:02}] {text}", file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Shows a line that the next one replaces, where somebody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K        {text}", end="", file=sys.stderr, flush=True)


def clear() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
