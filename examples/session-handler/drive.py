"""Lets PHP, Python and Node visit one session on one server, and prints what they see.

Programs that are not there are left out, with the reason. `--json` prints one
object for other programs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import memoxide

HERE = Path(__file__).resolve().parent
CONCURRENT = 10


def programs() -> tuple[dict[str, list[str]], dict[str, str]]:
    """Returns the commands by language, and why others are missing."""
    found = {"python": [sys.executable, str(HERE / "handler.py")]}
    missing = {}
    if shutil.which("php") is None:
        missing["php"] = "php is not installed"
    elif "memcached" not in output(["php", "-m"]).split():
        missing["php"] = "php has no extension memcached"
    else:
        found["php"] = ["php", str(HERE / "handler.php")]
    if not (HERE / "handler.mjs").exists():
        missing["node"] = "handler.mjs is not there"
    elif shutil.which("node") is None:
        missing["node"] = "node is not installed"
    else:
        found["node"] = ["node", str(HERE / "handler.mjs")]
    return found, missing


def output(words: list[str]) -> str:
    """Runs a program and returns what it prints."""
    return subprocess.run(
        words, check=True, stdout=subprocess.PIPE, text=True, timeout=60
    ).stdout


def main() -> None:
    """Runs it."""
    found, missing = programs()
    seen: dict[str, object] = {}
    with memoxide.EmbeddedServer() as server:
        sid = "a-session-of-three-languages"
        client = memoxide.Client(server.endpoint, values="raw")
        client.set(f"sess:{sid}", '{"user": "Ada Ölçer", "cart": [1, 2.5, null]}')
        # Each writes, and the next one reads what it wrote.
        for language, words in [*found.items(), *found.items()]:
            seen[language] = json.loads(output([*words, server.endpoint, sid]))
        # All at once: none may overwrite what another counted.
        together = [
            subprocess.Popen(
                [*words, server.endpoint, sid, str(CONCURRENT)],
                stdout=subprocess.PIPE,
            )
            for words in found.values()
        ]
        failed = []
        for language, program in zip(found, together, strict=True):
            program.communicate(timeout=60)
            if program.returncode != 0:
                failed.append(language)
        final = json.loads(client.get(f"sess:{sid}"))
        locked = client.get(f"sess:lock:{sid}") is not None
        client.close()
    report = {
        "missing": missing,
        "seen": seen,
        "final": final,
        "expected_visits": len(found) * (2 + CONCURRENT),
        "failed": failed,
        "locked": locked,
    }
    if "--json" in sys.argv:
        print(json.dumps(report))
        return
    for language, reason in missing.items():
        print(f"without {language}: {reason}")
    for language, session in seen.items():
        print(f"{language:7} sees {json.dumps(session, ensure_ascii=False)}")
    print(f"in the end   {json.dumps(final, ensure_ascii=False)}")


if __name__ == "__main__":
    main()
