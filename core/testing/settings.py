"""Django's settings for the tests of a plugin: a shop of its own that leaves nothing behind.

Name it as `DJANGO_SETTINGS_MODULE`. What is set in the environment counts; the rest is made up.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile

if "ORDERLOOM_DATA" not in os.environ:
    os.environ["ORDERLOOM_DATA"] = tempfile.mkdtemp(prefix="orderloom-")
    atexit.register(shutil.rmtree, os.environ["ORDERLOOM_DATA"], ignore_errors=True)
os.environ.setdefault("SECRET_KEY", secrets.token_hex(32))
os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
os.environ.setdefault("ORDERLOOM_HTTPS", "0")
os.environ.setdefault("ORDERLOOM_SANDBOX", "1")
os.environ.setdefault("LOG_LEVEL", "WARNING")

from core.project.settings import *  # noqa: F403
