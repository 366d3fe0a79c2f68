"""How a value of a setting is written: one spelling, which can be typed back and read by people."""

from __future__ import annotations

import enum
import json
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from hookspecs import Money

__all__ = ["as_text", "in_words"]

_MICROSECOND: Final = timedelta(microseconds=1)
_UNITS: Final = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)


def as_text(value: Any) -> str:
    """Write a value as the environment would, a list with commas where it can be read back so.

    >>> as_text(timedelta(days=14)), as_text(Decimal("1E+3")), as_text(Money(500, "EUR"))
    ('1209600', '1000', '5.00 EUR')
    >>> as_text(("DE", "AT")), as_text(("Tea, black",))
    ('DE, AT', '["Tea, black"]')
    """
    match value:
        case timedelta():
            return _seconds(value)
        case Decimal():
            return f"{value:f}"
        case bool():
            return str(value).lower()
        case list() | tuple() if all(map(_goes_without_quotes, value)):
            return ", ".join(map(as_text, value))
        case list() | tuple() | dict():
            return json.dumps(value, ensure_ascii=False, default=_inside) if value else ""
    return "" if value is None else str(value.value if isinstance(value, enum.Enum) else value)


def in_words(duration: timedelta) -> str:
    """Say how long that is, in whole units; nothing of what is less than none.

    >>> in_words(timedelta(days=14)), in_words(timedelta(seconds=5400)), in_words(timedelta(0))
    ('14 days', '1 hour 30 minutes', '0 seconds')
    """
    if duration < timedelta(0):
        return ""
    parts, rest = [], duration
    for name, unit in _UNITS:
        count, rest = divmod(rest, unit)
        parts += [(str(count), name)] if count else []
    parts += [(_seconds(rest), "second")] if rest or not parts else []
    return " ".join(f"{count} {name}{'' if count == '1' else 's'}" for count, name in parts)


def _seconds(duration: timedelta) -> str:
    micro = duration // _MICROSECOND
    whole, part = divmod(abs(micro), 10**6)
    return f"{'-' if micro < 0 else ''}{whole}.{part:06}".rstrip("0").rstrip(".")


def _inside(value: Any) -> Any:
    """What stands in JSON for a group, or for one value of it."""
    return _members(value) or as_text(value)


def _members(value: Any) -> dict[str, Any]:
    """A group, as it was read or as a plugin's default has it; an amount is none."""
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in sorted(value.model_fields_set)}
    if is_dataclass(value) and not isinstance(value, Money):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value if isinstance(value, dict) else {}


def _goes_without_quotes(item: Any) -> bool:
    text = "" if isinstance(item, list | tuple) or _members(item) else as_text(item)
    return text != "" and text == text.strip() and "," not in text and text[0] != "["
