"""The environment read strictly: what can't be meant ends in one sentence that names its variable."""

from __future__ import annotations

import json
import math
import re
import warnings
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured
from environ import Env

__all__ = ["Variables", "refuse"]

T = TypeVar("T")
Seconds = float
"""A name that the method `float` below doesn't hide."""

_OFF: Final = ("false", "off", "n", "no", "0", "")
_LOGIN: Final = re.compile(r"(?<=://)[^/\s]*(?=@)")


def refuse(variable: str, value: str, expected: str) -> NoReturn:
    """Raise what names the variable, its value without a login, and what was expected.

    Raises:
        ImproperlyConfigured: always.

    """
    shown = _LOGIN.sub("…", value)
    told = repr(shown[:80]) if "@" not in shown.replace("…@", "") else "something unreadable"
    raise ImproperlyConfigured(f"{variable} is {told}: expected {expected}.")


class Variables(Env):  # type: ignore[misc]  # django-environ has no types
    """django-environ, which takes "5s" for 5, "1e3" for 13 and "yess" for no; this does not."""

    def bool(self, var: str, default: bool = False) -> bool:
        """Read a switch."""
        text = self._text(var)
        if text is None:
            return default
        if text.lower() in (*self.BOOLEAN_TRUE_STRINGS, *_OFF):
            return text.lower() not in _OFF
        refuse(var, text, "1 or 0")

    def int(self, var: str, default: int = 0) -> int:
        """Read a whole number from 0 on."""
        return self._read(var, default, _whole, "a whole number from 0 on")

    def float(self, var: str, default: float = 0.0) -> float:
        """Read a number from 0 on."""
        return self._read(var, default, _number, "a number of seconds from 0 on, such as 2.5")

    def numbers(self, var: str, default: Iterable[Seconds]) -> list[Seconds]:
        """Read numbers from 0 on, separated by commas."""

        def read(text: str) -> list[Seconds]:
            return [_number(part) for part in text.split(",") if part.strip()]

        expected = "numbers of seconds separated by commas, such as 5,30,120"
        return self._read(var, [Seconds(each) for each in default], read, expected)

    def choice(self, var: str, names: Collection[str], default: str) -> str:
        """Read one of these names, in capitals or not."""
        known = {name.lower(): name for name in names}
        expected = f"one of {', '.join(names)}"
        return self._read(var, default, lambda text: known[text.lower()], expected)

    def matching(self, var: str, pattern: str, default: str, *, expected: str) -> str:
        """Read a text that fits a pattern."""
        text = self._text(var)
        if text is not None and not re.fullmatch(pattern, text):
            refuse(var, text, expected)
        return default if text is None else text

    def time_zone(self, var: str, default: str) -> str:
        """Read the name of a time zone."""
        expected = "the name of a time zone, such as Europe/Berlin"
        return self._read(var, default, lambda text: ZoneInfo(text).key, expected)

    def site(self, var: str, default: str) -> str:
        """Read the address of a site, without a slash at its end."""
        return self._read(var, default, _site, "an address such as https://shop.example")

    def sections(self, var: str) -> dict[str, Any]:
        """Read a JSON object of objects; its value may be secret, so that it is not shown."""
        try:
            read = json.loads(self._text(var) or "{}")
        except ValueError:
            read = None
        if isinstance(read, dict) and all(isinstance(each, dict) for each in read.values()):
            return read
        raise ImproperlyConfigured(
            f"{var} can't be read: expected one JSON object of objects by plugin name, "
            'such as {"payment-some": {"base": "…"}}.'
        )

    def address(self, var: str, default: str, *, kind: str, expected: str) -> dict[str, Any]:
        """Read the address of a server in django-environ's own words for its `kind`."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")

            def read(text: str) -> dict[str, Any]:
                told: dict[str, Any] = getattr(self, f"{kind}_config")(text)
                return told

            return self._read(var, read(default), read, expected)

    def _text(self, var: str) -> str | None:
        found = self.str(var, default=None)
        return None if found is None else str(found).strip()

    def _read(self, var: str, default: T, read: Callable[[str], T], expected: str) -> T:
        text = self._text(var)
        if text is None:
            return default
        try:
            return read(text)
        except (ValueError, LookupError, OSError, ImproperlyConfigured, ZoneInfoNotFoundError):
            refuse(var, text, expected)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        raise ValueError
    return number


def _site(text: str) -> str:
    parts = urlsplit(text)
    _ = parts.port
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return text.rstrip("/")
