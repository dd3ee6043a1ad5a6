"""Checks that PHP, Python and Node see one session: runs examples/session-handler.

Without PHP its part is skipped, with the reason; in continuous integration, where
`make system` installs it, that is a failure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import memoxide

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
# How a session lives in any language; see `life.*`.
LIFE = [False, False, True, True, "locked", True, True, True, 0, True, True, True]
LIFE += [False, True]
PROGRAMS = {
    "python": [sys.executable, str(HERE / "life.py")],
    "php": ["php", str(HERE / "life.php")],
    "node": ["node", str(HERE / "life.mjs")],
}
START = {"user": "Ada Ölçer", "cart": [1, 2.5, None]}


def main() -> None:
    words = [sys.executable, str(ROOT / "examples/session-handler/drive.py"), "--json"]
    done = subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, timeout=110
    )
    report = json.loads(done.stdout)
    for language, reason in report["missing"].items():
        print(f"session handler in {language}: skipped, {reason}")
        assert language != "php" or os.environ.get("CI") != "true", reason
    languages = list(report["seen"])
    assert {"python", "node"} <= set(languages), languages
    # Each saw what the one before had written, in two rounds.
    for position, (language, session) in enumerate(report["seen"].items()):
        visits = len(languages) + position + 1
        assert session == {**START, "visits": visits, "last": language}, session
    final = report["final"]
    assert final.pop("last") in languages
    # Not one visit of those at the same time is lost, and no lock is left.
    assert final == {**START, "visits": report["expected_visits"]}, final
    assert report["failed"] == []
    assert report["locked"] is False
    print(f"session handler: {', '.join(languages)} see the same session")
    for language in languages:
        check_life(language)


def check_life(language: str) -> None:
    """A session is made, opened by one at a time, kept, and removed."""
    with memoxide.EmbeddedServer() as server:
        words = [*PROGRAMS[language], server.endpoint]
        done = subprocess.run(
            words, check=True, stdout=subprocess.PIPE, text=True, timeout=60
        )
        report = json.loads(done.stdout)
        assert report["steps"] == LIFE, (language, report["steps"])
        with memoxide.Client(server.endpoint) as client:
            for prefix in ("sess:", "sess:lock:"):
                assert not client.exists(prefix + report["sid"]), (language, prefix)
    print(f"session handler in {language}: {len(LIFE)} steps of a session's life")


if __name__ == "__main__":
    main()
