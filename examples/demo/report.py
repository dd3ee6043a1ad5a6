"""What the demo says: rows for the eye, or one JSON document for a program.

Lines have at most 100 columns. Colours only on a terminal, and not when
`NO_COLOR` is set.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from visitor import Answer

COLOURS = {"HIT": 32, "MISS": 33, "BYPASS": 36, "ok": 32, "FAILED": 31}


class Report:
    """Collects requests, statements and figures, and prints them as they come."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self.document: dict[str, Any] = {"requests": [], "statements": []}

    def line(self, text: str = "") -> None:
        """Prints a line for the eye."""
        if not self.as_json:
            print(text, flush=True)

    def paint(self, word: str, width: int = 0) -> str:
        """Returns a word padded, and coloured where that helps."""
        colour = COLOURS.get(word)
        padded = word.ljust(width)
        return f"\033[{colour}m{padded}\033[m" if self.coloured and colour else padded

    def chapter(self, title: str) -> None:
        """Begins a part of the demo."""
        self.chapter_title = title
        self.line(f"\n{title}")
        if not self.document["requests"]:
            self.line(
                f"  {'app':<8} {'request':<30} status  {'X-Cache':<7} {'written':<11}"
                f"{'time':>9}"
            )

    def row(self, answer: Answer) -> Answer:
        """Shows what one request did."""
        self.document["requests"].append(answer.facts())
        request = f"{answer.method} {answer.path}"
        writer = f"by {answer.source}" if answer.source else ""
        self.line(
            f"  {answer.app:<8} {request:<32.32} {answer.status} "
            f" {self.paint(answer.cache or '-', 7)} {writer:<11}"
            f"{milliseconds(answer.seconds):>9}  {answer.note}"
        )
        return answer

    def state(self, text: str, holds: bool) -> None:
        """States something that has to hold."""
        self.document["statements"].append(
            {"chapter": self.chapter_title, "text": text, "holds": bool(holds)}
        )
        self.line(f"  {self.paint('ok' if holds else 'FAILED', 7)}{text}")

    def skip(self, text: str, why: str) -> None:
        """Tells what was not looked at, and why."""
        self.document.setdefault("skipped", []).append({"text": text, "why": why})
        self.line(f"  skipped: {text}: {why}")

    @property
    def failed(self) -> int:
        """How many statements do not hold."""
        return sum(not it["holds"] for it in self.document["statements"])

    def end(self) -> int:
        """Tells the result; returns the exit status."""
        stated = len(self.document["statements"])
        self.document["passed"] = not self.failed and stated > 0
        if self.as_json:
            print(json.dumps(self.document, indent=2, ensure_ascii=False))
        elif self.failed:
            self.line(f"\nFAILED: {self.failed} of {stated} statements do not hold")
        else:
            self.line(f"\nAll {stated} statements hold.")
        return 0 if self.document["passed"] else 1


def milliseconds(seconds: float) -> str:
    """Returns a duration for the eye."""
    digits = 2 if seconds < 0.01 else 1
    return f"{seconds * 1000:.{digits}f} ms"


def figures(durations: Sequence[float]) -> dict[str, float]:
    """Returns how long requests took, in milliseconds."""
    return {
        "requests": len(durations),
        "median_ms": round(statistics.median(durations) * 1000, 3),
        "p95_ms": round(statistics.quantiles(durations, n=20)[-1] * 1000, 3),
    }
