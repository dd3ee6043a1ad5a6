"""What the tours in Python share: calling, and writing down what came of it."""

from __future__ import annotations

import json
import sys
import time
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Counters that come to the same on any server after the same requests.
COUNTED = (
    "auth_cmds",
    "auth_errors",
    "cas_badval",
    "cas_hits",
    "cas_misses",
    "cmd_flush",
    "cmd_get",
    "cmd_meta",
    "cmd_set",
    "cmd_touch",
    "decr_hits",
    "decr_misses",
    "delete_hits",
    "delete_misses",
    "evictions",
    "get_hits",
    "get_misses",
    "incr_hits",
    "incr_misses",
    "limit_maxbytes",
    "store_too_large",
    "total_items",
    "touch_hits",
    "touch_misses",
)
PATIENCE = 10


class Tour:
    """Calls a client and prints a line of JSON for each call.

    Ids that a server chooses are numbered in the order in which they appear.
    """

    def __init__(self) -> None:
        self.server, self.variant = sys.argv[1], sys.argv[2]
        self.host, _, port = self.server.rpartition(":")
        self.port = int(port)
        self._ids: dict[str, str] = {}

    def see(
        self, name: str, function: Callable[..., Any], *args: Any, **options: Any
    ) -> Any:
        """Calls a function, and returns its result or else its error."""
        try:
            result = function(*args, **options)
        except Exception as error:  # noqa: BLE001 - whatever a client raises
            self.write(name, {"error": type(error).__name__, "text": str(error)})
            return error
        self.write(name, self.show(result))
        return result

    def see_cas(self, name: str, function: Callable[..., Any], *args: Any) -> Any:
        """Does the same for results in which the last of each tuple is a cas id."""
        result = function(*args)
        if isinstance(result, dict):
            shown = [[self.show(k), self._hide(v)] for k, v in sorted(result.items())]
        else:
            shown = self._hide(result)
        self.write(name, shown)
        return result

    def see_stats(self, name: str, stats: dict[Any, Any]) -> None:
        """Writes down which statistics there are, and what was counted."""
        plain = {text(key): text(value) for key, value in stats.items()}
        counted = {key: plain[key] for key in COUNTED if key in plain}
        self.write(name, {"counted": counted, "names": sorted(plain)})

    def until_gone(self, name: str, get: Callable[[], Any]) -> None:
        """Waits until something has expired."""
        deadline = time.monotonic() + PATIENCE
        while (found := get()) is not None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.write(name, self.show(found))

    def write(self, name: str, result: Any) -> None:
        """Writes a line."""
        print(json.dumps({"call": name, "result": result}), flush=True)

    def show(self, value: Any) -> Any:
        """Returns a value as JSON has it, with its type where that may differ."""
        if isinstance(value, (bytes, str)) and len(value) > 200:
            data = value if isinstance(value, bytes) else value.encode()
            return {"length": len(value), "crc32": zlib.crc32(data)}
        if isinstance(value, dict):
            return {
                "dict": sorted(
                    ([self.show(key), self.show(item)] for key, item in value.items()),
                    key=repr,
                )
            }
        if isinstance(value, (list, tuple)):
            return {type(value).__name__: [self.show(item) for item in value]}
        return repr(value)

    def _hide(self, result: Any) -> Any:
        if not isinstance(result, tuple) or result[-1] is None:
            return self.show(result)
        cas = self._ids.setdefault(text(result[-1]), f"cas {len(self._ids) + 1}")
        return [*(self.show(part) for part in result[:-1]), cas]


def text(value: Any) -> str:
    """Returns bytes, or what is not, as text."""
    return value.decode() if isinstance(value, bytes) else str(value)
