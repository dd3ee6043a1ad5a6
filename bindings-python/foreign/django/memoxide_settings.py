"""Django's own tests, with memoxide as cache.

`MEMOXIDE_TEST_SERVER` names the server.
"""

import os

from test_sqlite import *  # noqa: F403

CACHES = {
    "default": {
        "BACKEND": "memoxide.django.MemoxideCache",
        "LOCATION": os.environ["MEMOXIDE_TEST_SERVER"],
    },
}
