"""What an ASGI server loads; WSGI is about five times as fast for this synchronous house."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.project.settings")

_shop = get_asgi_application()

# Whatever knows of rows can be imported only now that Django is ready.
from core.jobs.reporter import Reporter  # noqa: E402

_reporter = Reporter(ends_hung=True)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer, and see to it that this process reports what it has in hand."""
    _reporter.start()
    await _shop(scope, receive, send)
