"""Whether what a plugin answers is what the page says it answers, down to the last field."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from core.hooks.guard import WrongAnswerError
from hookspecs import Skip

__all__ = ["a_chunk", "expecting", "iterated", "listed", "plain_data", "proposals", "wrong"]

_LONGEST_TEXT = 65_536
_MOST_ITEMS = 100_000
_LISTED: tuple[Any, ...] = (Sequence, Iterable)


def expecting(hint: Any) -> Callable[[Any], Any]:
    """Return the check of one kind of answer; sequences and iterables become tuples in it."""

    def check(answer: Any) -> Any:
        if get_origin(hint) in _LISTED:
            answer = listed(answer)
        elif any(get_origin(each) in _LISTED for each in get_args(hint)):
            answer = answer if _is_value(answer, hint) else listed(answer)
        fault = wrong(answer, hint, "the answer")
        if fault:
            raise WrongAnswerError(fault)
        return answer

    return check


def proposals(answer: Any) -> Any:
    """Check what a rule proposes, quickly; the composer looks at every adjustment itself."""
    kind = type(answer)
    if kind is list:
        return tuple(answer)
    return answer if kind is tuple or isinstance(answer, Skip) else listed(answer)


def listed(answer: Any) -> tuple[Any, ...]:
    """Turn an iterable into a tuple, so that a generator raises here and not later.

    Raises:
        WrongAnswerError: it is no iterable, or a text or a mapping, or endless.

    """
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
        raise WrongAnswerError(f"answered {_named(type(answer))}, expected a sequence")
    taken = []
    for item in answer:
        taken.append(item)
        if len(taken) > _MOST_ITEMS:
            raise WrongAnswerError(f"answered more than {_MOST_ITEMS} items")
    return tuple(taken)


def iterated(answer: Any) -> Iterator[Any]:
    """Begin to go through a plan.

    Raises:
        WrongAnswerError: it is no iterable, or a text.

    """
    if not isinstance(answer, Iterable) or isinstance(answer, str | bytes):
        raise WrongAnswerError(f"answered {_named(type(answer))}, expected keys")
    return iter(answer)


def a_chunk(keys: list[Any]) -> list[Any]:
    """Check that what a warmer planned are keys.

    Raises:
        WrongAnswerError: one is something else.

    """
    for key in keys:
        if not isinstance(key, str):
            raise WrongAnswerError(f"planned {_named(type(key))}, expected a key")
    return keys


def plain_data(answer: Any) -> Any:
    """Check that an answer is a mapping of plain data, as it goes into a receipt or a cache.

    Raises:
        WrongAnswerError: it isn't, or a part of it isn't.

    """
    if not isinstance(answer, Mapping):
        raise WrongAnswerError(f"answered {_named(type(answer))}, expected a mapping")
    for key, value in answer.items():
        if not isinstance(key, str) or not _plain(value):
            raise WrongAnswerError(f"answered {_named(type(value))} at {key!r}, not plain data")
    return types.MappingProxyType(dict(answer))


def _plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_plain, value))
    return value is None or type(value) in {str, int, float, bool}


def _is_value(answer: Any, hint: Any) -> bool:
    return is_dataclass(answer) and any(answer.__class__ is each for each in get_args(hint))


def wrong(value: Any, hint: Any, where: str) -> str | None:
    """Return what is wrong with a value of a declared type, in words, or None."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return None
    if origin in {Union, types.UnionType}:
        return _wrong_member(value, inner, where)
    if origin is Mapping:
        return _wrong_mapping(value, inner, where)
    if origin is not None:
        kind = AbstractSet if origin is frozenset else tuple
        return _wrong_items(value, kind, inner[0], where)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        return f"{where} is {_named(type(value))}, expected {_named(hint)}"
    return _wrong_inside(value, where)


def _wrong_member(value: Any, members: tuple[Any, ...], where: str) -> str | None:
    faults = [wrong(value, member, where) for member in members]
    if None in faults:
        return None
    for member, fault in zip(members, faults, strict=True):
        kind = tuple if get_origin(member) in _LISTED else member
        if isinstance(kind, type) and isinstance(value, kind):
            return fault
    names = ", ".join(_named(get_origin(member) or member) for member in members)
    return f"{where} is {_named(type(value))}, expected one of {names}"


def _wrong_items(value: Any, kind: Any, inner: Any, where: str) -> str | None:
    if not isinstance(value, kind):
        return f"{where} is {_named(type(value))}, expected {_named(kind)}"
    return next((fault for item in value if (fault := wrong(item, inner, where))), None)


def _wrong_mapping(value: Any, inner: tuple[Any, ...], where: str) -> str | None:
    if not isinstance(value, Mapping):
        return f"{where} is {_named(type(value))}, expected a mapping"
    for key, item in value.items():
        fault = wrong(key, inner[0], where) or wrong(item, inner[1], where)
        if fault:
            return fault
    return None


def _wrong_inside(value: Any, where: str) -> str | None:
    if isinstance(value, enum.Enum):
        return None
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{where} is a text of {len(value)} characters"
    if isinstance(value, datetime) and value.tzinfo is None:
        return f"{where} is a time without a time zone"
    if is_dataclass(value):
        hints = _hints(value.__class__)
        for item in fields(value):
            held = getattr(value, item.name)
            fault = wrong(held, hints[item.name], f"{_named(type(value))}.{item.name}")
            if fault:
                return fault
    return None


@cache
def _hints(cls: Hashable) -> dict[str, Any]:
    return get_type_hints(cls)


def _named(kind: Any) -> str:
    return str(getattr(kind, "__name__", kind))
