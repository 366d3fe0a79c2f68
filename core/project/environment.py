"""What the environment's addresses mean for Django: database, cache, secret key, folders."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django import VERSION
from django.core.exceptions import ImproperlyConfigured

from core.project.variables import Variables, refuse

__all__ = ["cache", "data_folder", "database", "made", "mail", "secret_key", "string_set"]

CHECKOUT = Path(__file__).resolve().parents[2]

DATABASES = "sqlite:///… or postgres://user:password@host:5432/name"
MAILS = "an address such as smtp+tls://user:password@host:587 or consolemail://"
SPAN = r"\d+(us|ms|s|min|h|d)?"


def data_folder(env: Variables) -> Path:
    """Return the folder that holds what this installation writes, and make it.

    `ORDERLOOM_DATA` names it; a checkout uses its own ignored `var/`, an installed wheel the
    `var/` of the folder that it is started in.

    Raises:
        ImproperlyConfigured: it can't be made, or nothing can be written there.

    """
    home = CHECKOUT if (CHECKOUT / "manage.py").is_file() else Path.cwd()
    named = Path(env.str("ORDERLOOM_DATA", default=str(home / "var"))).expanduser().resolve()
    return made("ORDERLOOM_DATA", named)


def made(variable: str, folder: Path) -> Path:
    """Return a folder that a variable names, made and fit to be written to.

    Raises:
        ImproperlyConfigured: it can't be made, or nothing can be written there.

    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        refuse(variable, str(folder), "a folder that exists or can be made")
    if not os.access(folder, os.W_OK | os.X_OK):
        refuse(variable, str(folder), "a folder that can be written to")
    return folder


def secret_key(env: Variables, *, debug: bool, folder: Path) -> str:
    """Return `SECRET_KEY`, or with DEBUG on one that is made once and kept in `folder`.

    Raises:
        ImproperlyConfigured: DEBUG is off and none is given.

    """
    given = env.str("SECRET_KEY", default="")
    if given:
        return str(given)
    if not debug:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set: give one in the environment, or set DEBUG=1 on a machine "
            "of your own (`make run` does)."
        )
    return _kept_key(folder / "secret_key")


def _kept_key(path: Path) -> str:
    """Two processes may start at once: the one that links its file first wins, both read it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def database(env: Variables, *, folder: Path) -> dict[str, Any]:
    """Return Django's settings for `DATABASE_URL`, by default a SQLite file in `folder`.

    Raises:
        ImproperlyConfigured: the address is neither SQLite's nor PostgreSQL's.

    """
    default = f"sqlite:///{folder / 'orderloom.sqlite3'}"
    found = env.address("DATABASE_URL", default, kind="db_url", expected=DATABASES)
    if not found.get("ENGINE"):
        refuse("DATABASE_URL", env.str("DATABASE_URL"), DATABASES)
    found["ATOMIC_REQUESTS"] = False
    if found["ENGINE"] == "django.db.backends.sqlite3":
        return _sqlite(found, env)
    if found["ENGINE"] == "django.db.backends.postgresql":
        return _postgresql(found, env)
    raise ImproperlyConfigured(
        f"DATABASE_URL names {found['ENGINE']}: Orderloom runs on sqlite:// and postgres:// only."
    )


def _sqlite(found: dict[str, Any], env: Variables) -> dict[str, Any]:
    return found | {
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": env.float("DATABASE_TIMEOUT", default=20.0),
            "init_command": "PRAGMA journal_mode=WAL;",
            **found.get("OPTIONS", {}),
        },
    }


def _postgresql(found: dict[str, Any], env: Variables) -> dict[str, Any]:
    """Server-side binding and prepared statements halve the database's CPU (docs/settings)."""
    expected = "a duration such as 2s or 300ms"
    limits = {
        "lock_timeout": env.matching("DATABASE_LOCK_TIMEOUT", SPAN, "2s", expected=expected),
        "statement_timeout": env.matching(
            "DATABASE_STATEMENT_TIMEOUT", SPAN, "5s", expected=expected
        ),
        "idle_in_transaction_session_timeout": env.matching(
            "DATABASE_IDLE_TIMEOUT", SPAN, "10s", expected=expected
        ),
    }
    options: dict[str, Any] = {
        "server_side_binding": True,
        "prepare_threshold": env.int("DATABASE_PREPARE_THRESHOLD", default=2),
        "connect_timeout": env.int("DATABASE_CONNECT_TIMEOUT", default=5),
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        **found.get("OPTIONS", {}),
    }
    lasting: dict[str, Any] = {
        "CONN_MAX_AGE": env.int("DATABASE_CONN_MAX_AGE", default=600),
        "CONN_HEALTH_CHECKS": True,
    }
    pool = env.int("DATABASE_POOL", default=0)
    if pool:
        options["pool"] = {"min_size": 1, "max_size": pool, "timeout": 5.0}
        lasting = {"CONN_MAX_AGE": 0}
    return found | lasting | {"OPTIONS": options}


def cache(env: Variables) -> dict[str, Any]:
    """Return Django's settings for `CACHE_URL`: `locmem://`, `redis://`, `rediss://` or `unix://`.

    The backend is named here, since an address alone picks another one where that happens to be
    importable; the client's own time-outs are off by default, so a hanging server would hang us.

    Raises:
        ImproperlyConfigured: another kind of address.

    """
    address = str(env.str("CACHE_URL", default="locmem://"))
    scheme = address.partition("://")[0]
    if scheme in {"locmem", "locmemcache"}:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "orderloom"}
    if scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(
            f"CACHE_URL begins with {scheme!r}: expected locmem, redis, rediss or unix."
        )
    timeout = env.float("CACHE_TIMEOUT", default=0.5)
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": address,
        "KEY_PREFIX": env.str("CACHE_PREFIX", default="orderloom"),
        "OPTIONS": {"socket_timeout": timeout, "socket_connect_timeout": timeout},
    }


def mail(env: Variables) -> dict[str, Any]:
    """Return Django's settings for `EMAIL_URL`, by name, in the words of the Django that runs.

    The time-out of an SMTP client is off by default, so a hanging server would hang us.

    Raises:
        ImproperlyConfigured: an address that nobody can read.

    """
    found = env.address("EMAIL_URL", "consolemail://", kind="email_url", expected=MAILS)
    timeout = env.float("EMAIL_TIMEOUT", default=10.0)
    backend = found["EMAIL_BACKEND"]
    if VERSION < (6, 1):
        return {
            "EMAIL_BACKEND": backend,
            "EMAIL_HOST": found["EMAIL_HOST"] or "localhost",
            "EMAIL_PORT": found["EMAIL_PORT"] or 25,
            "EMAIL_HOST_USER": found["EMAIL_HOST_USER"] or "",
            "EMAIL_HOST_PASSWORD": found["EMAIL_HOST_PASSWORD"] or "",
            "EMAIL_FILE_PATH": found["EMAIL_FILE_PATH"] or None,
            "EMAIL_USE_TLS": found.get("EMAIL_USE_TLS", False),
            "EMAIL_USE_SSL": found.get("EMAIL_USE_SSL", False),
            "EMAIL_TIMEOUT": timeout,
        }
    options: dict[str, Any] = {}
    if backend.endswith("smtp.EmailBackend"):
        options = {
            "host": found["EMAIL_HOST"] or "localhost",
            "port": found["EMAIL_PORT"] or 25,
            "username": found["EMAIL_HOST_USER"] or "",
            "password": found["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": found.get("EMAIL_USE_TLS", False),
            "use_ssl": found.get("EMAIL_USE_SSL", False),
            "timeout": timeout,
        }
    elif backend.endswith("filebased.EmailBackend"):
        options = {"file_path": found["EMAIL_FILE_PATH"]}
    return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": options}}}


def string_set(values: Mapping[str, str], name: str) -> frozenset[str] | None:
    """Return the comma-separated names in `values[name]`; None where it is not set at all."""
    if name not in values:
        return None
    return frozenset(part.strip() for part in values[name].split(",") if part.strip())
