"""Values that other clients stored, read and written through `Client`."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import gzip
import json
import math
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import memoxide
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "tests" / "vectors" / "interop" / "values"
FILES = sorted(
    path
    for path in FOLDER.glob("*.json.gz")
    # Sessions are stored by PHP's session handler, not as values.
    if not path.name.startswith("php-session")
)
# As in tests/interop_values, whose prefixes and order these are.
DIALECTS = {
    "aiomcache": "raw",
    "cachelib": "pylibmc",
    "connect-memcached": "node-memcached",
    "dalli": "dalli",
    "django-PyLibMC": "pylibmc",
    "django-PyMemcache": "python",
    "emcache": "raw",
    "memcache-client": "memcache-client",
    "memjs": "raw",
    "meta-memcache": "meta-memcache",
    "node-memcached": "node-memcached",
    "node-memcache": "raw",
    "php-memcached": "php",
    "pylibmc": "pylibmc",
    "pymemcache-compressed_serde": "python",
    "pymemcache-no-serde": "raw",
    "pymemcache-pickle_serde": "python",
    "python-memcached": "python",
}
NAMES = {"datetime": dt, "decimal": decimal, "uuid": uuid}
UNKNOWN = object()


def options_for(name: str) -> dict[str, Any]:
    dialect = next(DIALECTS[prefix] for prefix in DIALECTS if name.startswith(prefix))
    options: dict[str, Any] = {"values": dialect, "max_value_size": 4 << 20}
    if dialect in ("php", "dalli"):
        options["serializer"] = "json" if name.endswith("json") else "native"
    if dialect in ("python", "pylibmc", "meta-memcache"):
        options["pickle"] = True
        options["pickle_protocol"] = 4
    return options


def expected(case: dict[str, Any]) -> Any:
    """Returns the value that was stored, where Python can tell."""
    if "value_json" in case:
        return case["value_json"]
    if "python" in case:
        return eval(case["python"], dict(NAMES))  # noqa: S307 - from our repository
    return UNKNOWN


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with memoxide.EmbeddedServer() as server:
        yield server.endpoint


def test_every_recorded_value(endpoint: str) -> None:
    assert len(FILES) == 42
    counts: Counter[str] = Counter()
    for path in FILES:
        recorded = json.loads(gzip.decompress(path.read_bytes()))
        options = options_for(recorded["id"])
        with memoxide.Client([endpoint], **options) as client:
            for case in recorded["cases"]:
                counts.update(check(client, case, is_raw=options["values"] == "raw"))
    assert counts == {
        # Refused by the client itself: there is nothing to read.
        "refused": 147,
        # Marshal, igbinary and the like, with flags and bytes in the error.
        "foreign": 272,
        "read": 1232,
        "read as bytes": 129,
        "written alike": 912,
        # Compressed, pickled in another protocol, or marked by an option.
        "written otherwise": 449,
    }


def check(client: memoxide.Client, case: dict[str, Any], *, is_raw: bool) -> list[str]:
    if "raw_base64" not in case:
        return ["refused"]
    stored = case["flags"], base64.b64decode(case["raw_base64"])
    client.set_raw("key", *stored)
    try:
        found = client.get("key")
    except memoxide.DecodeError as error:
        return ["foreign" if error.raw == stored else "without its bytes"]
    value = stored[1] if is_raw else expected(case)
    assert value is UNKNOWN or same(found, value), case
    client.set("key", found)
    written = client.get_raw("key")
    assert same(client.get("key"), found), case
    return [
        "read as bytes" if is_raw else "read",
        "written alike" if written == stored else "written otherwise",
    ]
