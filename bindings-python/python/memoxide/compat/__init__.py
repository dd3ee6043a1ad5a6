"""Modules that stand in for other clients.

`memoxide.compat.memcache` has the surface of python-memcached. Programs that say
`import memcache` get it with `install_as_memcache`, called before that import.
"""

from __future__ import annotations

import sys

__all__ = ["install_as_memcache"]


def install_as_memcache() -> None:
    """Makes `import memcache` mean `memoxide.compat.memcache` in this process.

    Call it first thing, before anything imports `memcache`; whoever has imported
    python-memcached before keeps that.

    Example:
        >>> import memoxide
        >>> memoxide.install_as_memcache()
        >>> import memcache
        >>> memcache.Client(["127.0.0.1:11211"]).servers[0].port
        11211
    """
    from memoxide.compat import memcache

    sys.modules["memcache"] = memcache
