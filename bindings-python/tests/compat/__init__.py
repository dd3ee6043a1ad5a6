"""python-memcached and the module in its place, side by side."""
