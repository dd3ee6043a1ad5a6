"""The life of one session, through `handler.py`; prints what each step gave."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "session-handler"))

from handler import SessionHandler

server = sys.argv[1]
handler, other = SessionHandler(), SessionHandler(lock_wait=0.05)
handler.open(server, "PHPSESSID")
other.open(server, "PHPSESSID")
sid = handler.create_sid()
steps: list[object] = [
    handler.validate_id("../made up"),
    handler.validate_id(sid),
    handler.read(sid) == "",
    handler.write(sid, '{"user": "Ada"}'),
]
try:
    other.read(sid)
except TimeoutError:
    steps.append("locked")
handler.close()
handler.open(server, "PHPSESSID")
data = handler.read(sid)
steps += [
    handler.validate_id(sid),
    data != "",
    handler.update_timestamp(sid, data),
    handler.gc(1440),
    handler.destroy(sid),
    other.read(sid) == "",
    other.close(),
    handler.validate_id(sid),
    handler.close(),
]
print(json.dumps({"sid": sid, "steps": steps}))
