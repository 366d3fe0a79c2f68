"""How the house writes its log: one line per event, with the request's id and tenant bound to it."""

from __future__ import annotations

import re
from typing import Any, Final

import structlog
from structlog.typing import EventDict

__all__ = ["FORMATS", "LEVELS", "configure", "masked"]

FORMATS = ("console", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_TOKEN: Final = re.compile(r"(?<=[0-9a-f]{12}/)[\w-]{16,}|(?<=[?&]token=)[^&\s'\"]+", re.IGNORECASE)
"""What opens an order: behind its id in a path, or in a query."""

SHARED: tuple[structlog.typing.Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure(*, style: str, level: str) -> dict[str, Any]:
    """Set up structlog and return Django's LOGGING, so that both write the same lines.

    Args:
        style: "console" for people, "json" for machines.
        level: the least severe level that is written, as in `logging`.

    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": _formatter(style)},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
        },
    }


def _formatter(style: str) -> dict[str, Any]:
    last: list[structlog.typing.Processor]
    if style == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        plain = structlog.dev.plain_traceback  # the default one prints every local variable
        last = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    return {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*SHARED, structlog.stdlib.ExtraAdder()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_request,
            *last,
            lambda _logger, _name, line: masked(line),
        ],
    }


def masked(line: str) -> str:
    """Return a line without the tokens of orders that stand in it; whoever has one may cancel."""
    return _TOKEN.sub("…", line)


def _without_request(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Django hands its loggers the whole request, cookies and all."""
    event.pop("request", None)
    return event
