"""What the environment's addresses become for Django."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django import VERSION
from django.core.exceptions import ImproperlyConfigured

from core.project import environment
from core.project.variables import Variables

pytestmark = pytest.mark.once

HERE = Path("/srv/shop")


def env(**values: str) -> Variables:
    """Return an environment of just these variables."""
    made = Variables()
    made.ENVIRON = values
    return made


def test_it_uses_a_sqlite_file_by_default() -> None:
    found = environment.database(env(), folder=HERE)

    assert found["NAME"] == "/srv/shop/orderloom.sqlite3"
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["OPTIONS"]["timeout"] == 20
    assert found["OPTIONS"]["init_command"] == "PRAGMA journal_mode=WAL;"
    assert found["ATOMIC_REQUESTS"] is False


def test_it_sets_every_time_limit_of_postgresql() -> None:
    found = environment.database(env(DATABASE_URL="postgres://u:p%40@h:5433/shop"), folder=HERE)

    assert found["OPTIONS"]["options"] == (
        "-c lock_timeout=2s -c statement_timeout=5s -c idle_in_transaction_session_timeout=10s"
    )
    assert found["PASSWORD"] == "p@"
    assert found["CONN_MAX_AGE"] == 600
    assert found["CONN_HEALTH_CHECKS"] is True
    assert found["OPTIONS"]["server_side_binding"] is True


def test_it_takes_other_limits_from_the_environment() -> None:
    given = env(
        DATABASE_URL="postgres://u@h/shop",
        DATABASE_LOCK_TIMEOUT="300ms",
        DATABASE_STATEMENT_TIMEOUT="0",
        DATABASE_PREPARE_THRESHOLD="0",
    )

    options = environment.database(given, folder=HERE)["OPTIONS"]

    assert "-c lock_timeout=300ms -c statement_timeout=0 " in options["options"]
    assert options["prepare_threshold"] == 0


def test_a_pool_replaces_lasting_connections() -> None:
    given = env(DATABASE_URL="postgres://u@h/shop", DATABASE_POOL="8")

    found = environment.database(given, folder=HERE)

    assert found["CONN_MAX_AGE"] == 0
    assert found["OPTIONS"]["pool"]["max_size"] == 8


def test_it_finds_a_socket() -> None:
    found = environment.database(env(DATABASE_URL="postgres://u@/shop?host=/run/pg"), folder=HERE)

    assert found["OPTIONS"]["host"] == "/run/pg"


@pytest.mark.parametrize("address", ["mysql://u@h/shop", "oracle://u@h/shop"])
def test_it_refuses_another_database(address: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="sqlite:// and postgres:// only"):
        environment.database(env(DATABASE_URL=address), folder=HERE)


def test_a_cache_server_has_time_limits() -> None:
    found = environment.cache(env(CACHE_URL="redis://h:6379/2", CACHE_TIMEOUT="0.2"))

    assert found["BACKEND"] == "django.core.cache.backends.redis.RedisCache"
    assert found["OPTIONS"] == {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}


def test_the_cache_is_local_by_default() -> None:
    assert environment.cache(env())["BACKEND"].endswith("LocMemCache")


def test_it_refuses_another_cache() -> None:
    with pytest.raises(ImproperlyConfigured, match="'memcache'"):
        environment.cache(env(CACHE_URL="memcache://h"))


def options_of_mail(found: dict[str, Any]) -> tuple[Any, ...]:
    if VERSION < (6, 1):
        return (
            found["EMAIL_HOST"],
            found["EMAIL_PORT"],
            found["EMAIL_USE_TLS"],
            found["EMAIL_TIMEOUT"],
        )
    options = found["MAILERS"]["default"]["OPTIONS"]
    return options["host"], options["port"], options["use_tls"], options["timeout"]


def test_a_mail_server_has_a_time_limit() -> None:
    found = environment.mail(env(EMAIL_URL="smtp+tls://u:p@mail.example:587"))

    assert options_of_mail(found) == ("mail.example", 587, True, 10.0)


def test_without_debug_a_key_must_be_given(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        environment.secret_key(env(), debug=False, folder=tmp_path)

    assert not list(tmp_path.iterdir())


def test_with_debug_a_key_is_made_once_and_kept_to_its_owner(tmp_path: Path) -> None:
    first = environment.secret_key(env(), debug=True, folder=tmp_path)

    second = environment.secret_key(env(), debug=True, folder=tmp_path)

    assert first == second
    assert len(first) > 50
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), ("", set()), ("a", {"a"}), (" a, b ,", {"a", "b"})],
)
def test_an_empty_list_is_not_an_unset_one(value: str | None, expected: set[str] | None) -> None:
    values = {} if value is None else {"NAMES": value}

    assert environment.string_set(values, "NAMES") == expected
