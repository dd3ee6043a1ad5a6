"""The `memoxide` command: `memoxide serve` runs a server with memcached's flags.

A link to it under the name `memcached` is `memoxide serve`.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from memoxide import _native


def main() -> int:
    """Runs the command line of this process and returns its exit code."""
    # The command takes its signals itself; Python would raise KeyboardInterrupt
    # after a server that has ended well.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    name = "memcached" if Path(sys.argv[0]).name == "memcached" else "memoxide"
    return _native.run_command([name, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
