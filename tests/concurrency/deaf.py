"""The shop as it must not be, for a control: workers that never look whether a switch has moved."""

from __future__ import annotations

import sys
from typing import Any

from core.project.wsgi import application

__all__ = ["application"]

_refreshing: Any = sys.modules["core.application.refresh_registry"]
_refreshing._SECOND = 3_600.0
