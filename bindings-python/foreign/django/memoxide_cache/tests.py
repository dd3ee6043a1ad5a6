"""Django's tests of memcached backends, held against `MemoxideCache`."""

import pickle

from cache.tests import (
    BaseMemcachedTests,
    caches_setting_for_tests,
    memcached_excluded_caches,
)
from django.conf import settings
from django.core.cache import cache, caches
from django.test import TestCase, override_settings
from memoxide.errors import NotNumericError

PARAMS = settings.CACHES["default"]


@override_settings(
    CACHES=caches_setting_for_tests(base=PARAMS, exclude=memcached_excluded_caches)
)
class MemoxideCacheTests(BaseMemcachedTests, TestCase):
    """What the classes for pylibmc and pymemcache are in `cache/tests.py`."""

    base_params = PARAMS
    should_disconnect_on_close = False
    incr_decr_type_error = NotNumericError

    def test_values_are_pickled_in_the_highest_protocol(self):
        cache.set("list", [1])
        raw = caches["default"]._cache
        flags_and_bytes = raw.get_item(cache.make_key("list"))
        self.assertEqual(flags_and_bytes.flags, 1)
        self.assertEqual(flags_and_bytes.size, len(pickle.dumps([1], -1)))
