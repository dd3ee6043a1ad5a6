"""A pytest plugin: whoever imports `memcache` gets memoxide, and nobody pylibmc."""

import sys

import memoxide

sys.modules["pylibmc"] = None  # type: ignore[assignment]
memoxide.install_as_memcache()
