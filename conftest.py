"""Share one session among the core's tests and those of every plugin on the shelf."""

from __future__ import annotations

pytest_plugins = ["tests.session"]
