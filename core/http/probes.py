"""Whether the process lives, and whether it could serve: asked by whatever runs it."""

from __future__ import annotations

import logging

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from core.http.answers import reply

logger = logging.getLogger("orderloom.http")


@require_safe
def livez(_: HttpRequest) -> HttpResponse:
    """Say that the process answers; it asks nobody else."""
    return HttpResponse("ok", content_type="text/plain; charset=utf-8")


@require_safe
def readyz(_: HttpRequest) -> HttpResponse:
    """Say whether the database answers, without which there is no shop; 503 if not.

    A dead cache is named and is no reason to be taken out of service: checkout goes on.
    """
    database, cached = _database(), _cache()
    status = 200 if database == "ok" else 503
    headers = {"Cache-Control": "no-store"}
    return reply({"database": database, "cache": cached}, status=status, headers=headers)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.warning("http.database.unavailable", extra={"cause": type(error).__name__})
        return "unavailable"
    return "ok"


def _cache() -> str:
    try:
        cache.get("orderloom.readyz")
    except Exception as error:  # noqa: BLE001 - each cache has errors of its own
        logger.warning("http.cache.unavailable", extra={"cause": type(error).__name__})
        return "unavailable"
    return "ok"
