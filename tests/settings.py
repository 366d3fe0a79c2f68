"""The settings of a test run: those of the shop, with an environment that a test can rely on."""

from __future__ import annotations

import os

# Child processes inherit these, so that a command started by a test sees the same shop.
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 50)
os.environ.setdefault("ALLOWED_HOSTS", "testserver,127.0.0.1,localhost")
os.environ.setdefault("ORDERLOOM_HTTPS", "0")
os.environ.setdefault("ORDERLOOM_SANDBOX", "1")
os.environ.setdefault("LOG_LEVEL", "WARNING")
os.environ.setdefault("ORDERLOOM_WORKER_REPORT_SECONDS", "0")  # who tests it sets it

from core.project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
