"""The quick starts: they run, and the README shows them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import memoxide
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROGRAMS = {
    "python": EXAMPLES / "python" / "quickstart.py",
    "js": EXAMPLES / "node" / "quickstart.mjs",
    "rust": EXAMPLES / "rust" / "quickstart.rs",
}


def test_the_three_programs_share_one_cache() -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    compiled = target / "debug" / "examples" / "quickstart"
    commands = [
        [sys.executable, PROGRAMS["python"]],
        ["node", PROGRAMS["js"]],
        [compiled],
    ]
    with memoxide.EmbeddedServer() as server:
        environment = {**os.environ, "MEMCACHED_SERVERS": server.endpoint}
        printed = [
            subprocess.run(
                command,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
                timeout=50,
            ).stdout
            for command in commands
        ]
    assert printed == [
        "hello visit 1\n",
        "hello visit 2\n",
        'Some("hello"), visit Some(3)\n',
    ]


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_readme_shows_the_program(language: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(
        rf"^```{language}\b.*?\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL
    )
    assert statements(PROGRAMS[language].read_text(encoding="utf-8")) in [
        statements(block) for block in blocks
    ]


def statements(program: str) -> list[str]:
    """Returns the lines of a program but those that tell it the server.

    In the README the address stands alone; the programs look at
    `MEMCACHED_SERVERS` too.
    """
    left_out = re.compile(
        r'//|#!|"""|$|import os$|.*11211|.*MEMCACHED_SERVERS|with .*servers'
    )
    return [line for line in program.splitlines() if not left_out.match(line)]
