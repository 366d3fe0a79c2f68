"""What a WSGI server loads: `granian --interface wsgi core.project.wsgi:application`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

__all__ = ["application"]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "core.project.settings")

_shop = get_wsgi_application()

# Whatever knows of rows can be imported only now that Django is ready.
from core.jobs.reporter import Reporter, reporting  # noqa: E402

application = reporting(_shop, Reporter(ends_hung=True))
