"""What an installation was told, what it made of it, and whom it can reach."""

from __future__ import annotations

import os
import platform
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import django
from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from importlib_metadata import version

from core.hooks.registry import Registry
from core.management.behind import unapplied

_DEADLINE: Final = 8.0
_HIDDEN: Final = "••••••"
_SECRET: Final = re.compile(r"SECRET|PASSWORD|TOKEN|(?<![A-Z])KEY", re.IGNORECASE)
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]*(?=@)")

# What docs/settings.md explains: where the setting bears the variable's name, and where it doesn't.
_PLAIN: Final = (
    *("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "ADMINS", "BROKER_URL"),
    *("DEFAULT_FROM_EMAIL", "SERVER_EMAIL", "STATIC_ROOT", "LANGUAGE_CODE", "TIME_ZONE"),
)
_MAILS: Final = {"console": "consolemail", "locmem": "memorymail", "dummy": "dummymail"}
_NOT_TOLD: Final = frozenset({"ORDERLOOM_DISCOVERED", "ORDERLOOM_PLUGIN_SETTINGS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was resolved: its value, masked if secret, and where it comes from."""

    name: str
    value: str
    source: str
    plugin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Whether something answered, in how many seconds, and what it said."""

    name: str
    ok: bool
    seconds: float
    text: str


def versions() -> dict[str, str]:
    """Return what runs here."""
    return {
        "orderloom": version("orderloom"),
        "django": django.get_version(),
        "python": platform.python_version(),
    }


def findings(registry: Registry) -> Iterator[Finding]:
    """Yield what was resolved, and from where: the installation first, then each plugin."""
    own = sorted(name for name in dir(settings) if name.startswith("ORDERLOOM_"))
    told = {name: getattr(settings, name) for name in (*_PLAIN, *own) if name not in _NOT_TOLD}
    told |= {name: value for name, value in _resolved().items() if value != ""}
    for name, value in told.items():
        source = "environment" if name in os.environ else "default"
        if name == "SECRET_KEY" and source == "default":
            source = str(settings.ORDERLOOM_DATA / "secret_key")
        yield Finding(name=name, value=_shown(name, value), source=source)
    for plugin, given in registry.settings_sources.items():
        for each in given:
            yield Finding(name=each.variable, value=each.value, source=each.source, plugin=plugin)


def reach() -> tuple[Reached, ...]:
    """Ask database, cache and mail server, each until its deadline, all at once."""
    asked = [
        _Asked(name, ask)
        for name, ask in (("database", _database), ("cache", _cache), ("mail", _mail_server))
    ]
    return tuple(each.answer() for each in asked)


class _Asked:
    """A question asked in a thread of its own, which nobody waits for past the deadline."""

    def __init__(self, name: str, ask: Callable[[], str]) -> None:
        self._name, self._ask, self._began = name, ask, time.monotonic()
        self._found: Reached | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def answer(self) -> Reached:
        """Return what was answered by the deadline."""
        self._thread.join(max(0.0, self._began + _DEADLINE - time.monotonic()))
        return self._found or self._reached("no answer in time", ok=False)

    def _run(self) -> None:
        try:
            said, ok = self._ask(), True
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            words = " ".join(_masked(str(error)).split())
            said, ok = f"{type(error).__name__}: {words}"[:300], False
        finally:
            connection.close()
        self._found = self._reached(said, ok=ok)

    def _reached(self, text: str, *, ok: bool) -> Reached:
        seconds = round(time.monotonic() - self._began, 3)
        return Reached(name=self._name, ok=ok, seconds=seconds, text=text)


def _database() -> str:
    connection.ensure_connection()
    if labels := unapplied():
        raise RuntimeError(f"its tables are behind the code: run migrate ({', '.join(labels)})")
    return str(connection.display_name)


def _cache() -> str:
    cache.set("orderloom.doctor", "well", 10)
    if cache.get("orderloom.doctor") != "well":
        raise RuntimeError("it forgets what it was told")
    return str(settings.CACHES["default"]["BACKEND"].rpartition(".")[2])


def _mail_server() -> str:
    backend = get_connection(fail_silently=False)
    backend.open()
    backend.close()
    return f"{type(backend).__module__}.{type(backend).__name__}"


def _resolved() -> dict[str, Any]:
    """What stands in Django's settings in other words than in the variables."""
    options = settings.CACHES["default"].get("OPTIONS", {})
    database = settings.DATABASES["default"]
    return {
        "DATABASE_URL": _address(database),
        "DATABASE_TIMEOUT": database.get("OPTIONS", {}).get("timeout", ""),
        "DATABASE_CONN_MAX_AGE": database.get("CONN_MAX_AGE", ""),
        "CACHE_URL": settings.CACHES["default"]["LOCATION"] if options else "locmem://",
        "CACHE_TIMEOUT": options.get("socket_timeout", ""),
        "EMAIL_URL": _mail(get_connection()),
        "LOG_FORMAT": settings.LOG_FORMAT,
        "LOG_LEVEL": settings.LOGGING["root"]["level"],
        "ORDERLOOM_BEHIND_PROXY": settings.SECURE_PROXY_SSL_HEADER is not None,
    }


def _address(database: Mapping[str, Any]) -> str:
    if str(database["ENGINE"]).endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
    host = f"{database['HOST']}:{database['PORT']}".strip(":") if database["HOST"] else ""
    user = f"{database['USER']}@" if database["USER"] else ""
    return f"postgres://{user}{host}/{database['NAME']}"


def _mail(backend: Any) -> str:
    kind = type(backend).__module__.rpartition(".")[2]
    if kind != "smtp":
        folder = getattr(backend, "file_path", "")
        return f"filemail:///{folder}" if folder else f"{_MAILS.get(kind, kind)}://"
    layer = "+ssl" if backend.use_ssl else "+tls" if backend.use_tls else ""
    user = f"{_HIDDEN}@" if backend.username else ""
    return f"smtp{layer}://{user}{backend.host}:{backend.port}"


def _shown(name: str, value: Any) -> str:
    if _SECRET.search(name):
        return _HIDDEN if value else ""
    if isinstance(value, set | frozenset):
        value = sorted(value)
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    return _masked("" if value is None else str(value))


def _masked(text: str) -> str:
    return _LOGIN.sub(_HIDDEN, text)
