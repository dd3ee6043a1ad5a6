"""A pytest plugin: whoever imports `memcache` gets memoxide."""

import memoxide

memoxide.install_as_memcache()
