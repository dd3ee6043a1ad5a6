"""Join what the recorders printed into `distribution-more.json.gz`.

Usage: `python pack.py recorded.json...`
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path


def main() -> None:
    presets = []
    for name in sys.argv[1:]:
        presets += json.loads(Path(name).read_text("utf-8"))
    presets.sort(key=lambda preset: preset["preset"])
    packed = {"format": 1, "presets": presets}
    text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
    target = Path(__file__).parent.parent / "distribution-more.json.gz"
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    keys = sum(len(case["keys"]) for preset in presets for case in preset["cases"])
    sys.stdout.write(f"{len(presets)} presets, {keys} keys\n")


if __name__ == "__main__":
    main()
