"""The pydantic twin of a plugin's settings: it reads, checks, and draws the form."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from types import GenericAlias, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from hookspecs import Money, Secret

__all__ = ["Twin", "twin_of", "understood"]

_PLAIN = (str, int, bool, Decimal, type(None))
_CONFIG = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)
_PASSED = {"minimum": "ge", "maximum": "le"}
_LENGTH = TypeAdapter(timedelta)
_AN_AMOUNT = 'an amount is written "19.99 EUR"'
_A_DURATION = "that is no duration: write seconds, or 14d, or PT5M"


def _secret(given: Any) -> Secret:
    if isinstance(given, Secret):
        return given
    if not isinstance(given, str):
        raise ValueError("a secret is a text")  # noqa: TRY004 - pydantic reports ValueError
    return Secret(given)


def _money(given: Any) -> Money:
    if isinstance(given, Money):
        return given
    try:
        match given.split() if isinstance(given, str) else given:
            case [amount, currency]:
                return Money.parse(str(amount), str(currency))
            case {"minor": int(minor), "currency": str(currency)}:
                return Money(minor, currency)
    except (TypeError, ValueError):
        pass  # they repeat what was given, which is nobody's business
    raise ValueError(_AN_AMOUNT)


def _duration(given: Any) -> timedelta:
    """A bare number is seconds, as a text too; pydantic reads `14d`, `HH:MM:SS` and ISO 8601."""
    for spelling in _spellings(given):
        try:
            return _LENGTH.validate_python(spelling)
        except ValidationError:
            continue
    raise ValueError(_A_DURATION)


def _spellings(given: Any) -> tuple[Any, ...]:
    if not isinstance(given, str):
        return (given,)
    text = "".join(given.split()).upper()
    try:
        return (float(text),)
    except ValueError:
        return given.strip(), text, f"PT{text}"


def _url(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("an address begins with https:// or http://")
    return given


_SECRET = Annotated[
    Any,
    PlainValidator(_secret),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "format": "password", "writeOnly": True}),
]
_MONEY = Annotated[
    Any,
    PlainValidator(_money),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["19.99 EUR"]}),
]

_DURATION = Annotated[timedelta, BeforeValidator(_duration)]
_URL = Annotated[str, AfterValidator(_url)]
_TWINS: dict[Any, Any] = {Secret: _SECRET, Money: _MONEY, timedelta: _DURATION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A dataclass and the pydantic model that reads for it."""

    cls: type
    model: type[BaseModel]
    groups: Mapping[type[BaseModel], type]

    def read_texts(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Turn texts of the environment into what the model reads: lists, groups, nothing."""
        return _read_texts(self.cls, given)

    def fill(self, model: BaseModel) -> Any:
        """Make the dataclass of what was read; what wasn't given is left to its defaults."""
        return self._value(model)

    def _value(self, read: Any) -> Any:
        if isinstance(read, BaseModel):
            named = {name: self._value(getattr(read, name)) for name in read.model_fields_set}
            return self.groups[type(read)](**named)
        return tuple(self._value(item) for item in read) if isinstance(read, tuple) else read


def twin_of(cls: type) -> Twin:
    """Build the twin of a settings dataclass.

    Raises:
        TypeError: a field has a type that settings can't have.

    """
    groups: dict[type[BaseModel], type] = {}
    model = _model(cls, groups, inside=False)
    return Twin(cls=cls, model=model, groups=groups)


def understood(item: Field[Any], hint: Any, given: Any) -> Any:
    """Return what was given for one field as the plugin will see it.

    Raises:
        ValidationError: it can't be read so.

    """
    read = TypeAdapter(_annotation(hint, {}, where=item.name, inside=False, options=item))
    return read.validate_python(_read_text(hint, given))


def _model(cls: type, groups: dict[type[BaseModel], type], *, inside: bool) -> type[BaseModel]:
    hints = get_type_hints(cls)
    members: dict[str, Any] = {}
    for item in fields(cls):
        where = f"{cls.__qualname__}.{item.name}"
        members[item.name] = (
            _annotation(hints[item.name], groups, where=where, inside=inside, options=item),
            _described(item),
        )
    made: type[BaseModel] = pydantic.create_model(
        cls.__name__, __config__=_CONFIG, __doc__=cls.__doc__, **members
    )
    groups[made] = cls
    return made


def _annotation(
    hint: Any,
    groups: dict[type[BaseModel], type],
    *,
    where: str,
    inside: bool,
    options: Field[Any],
) -> Any:
    def again(inner: Any) -> Any:
        return _annotation(inner, groups, where=where, inside=inside, options=options)

    origin, inner = get_origin(hint), get_args(hint)
    if hint is str and options.metadata.get("format") == "url":
        return _URL
    if hint in _PLAIN or hint in _TWINS or origin is Literal or _is_enum(hint):
        return _TWINS.get(hint, hint)
    if origin in {Union, UnionType} and len(inner) == 2 and type(None) in inner:
        return again(inner[0] if inner[1] is type(None) else inner[1]) | None
    if origin is tuple and len(inner) == 2 and inner[1] is ...:
        return GenericAlias(tuple, (again(inner[0]), ...))
    if is_dataclass(hint) and isinstance(hint, type) and not inside:
        return _model(hint, groups, inside=True)
    raise TypeError(f"{where}: settings can't have the type {hint}")


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, enum.Enum)


def _described(item: Field[Any]) -> Any:
    given = dict(item.metadata)
    passed: dict[str, Any] = {_PASSED[name]: given.pop(name) for name in _PASSED if name in given}
    if item.default is not MISSING:
        passed["default"] = item.default
    elif item.default_factory is not MISSING:
        passed["default_factory"] = item.default_factory
    return pydantic.Field(
        title=given.pop("label", None),
        description=given.pop("help", None) or None,
        json_schema_extra=given,
        **passed,
    )


def _read_texts(cls: type, given: Mapping[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {
        name: _read_text(hints[name], value) if name in hints else value
        for name, value in given.items()
    }


def _read_text(hint: Any, value: Any) -> Any:
    inner = get_args(hint)
    if get_origin(hint) in {Union, UnionType}:
        real = next(each for each in inner if each is not type(None))
        return None if value == "" and real is not str else _read_text(real, value)
    if get_origin(hint) is tuple:
        return _items(inner[0], value)
    if is_dataclass(hint) and isinstance(hint, type):
        value = _parsed(value)
        return _read_texts(hint, value) if isinstance(value, Mapping) else value
    return value


def _items(hint: Any, value: Any) -> Any:
    if isinstance(value, str):
        listed = _parsed(value) if value.lstrip().startswith("[") else None
        value = listed if listed is not None else [p.strip() for p in value.split(",") if p.strip()]
    return [_read_text(hint, item) for item in value] if isinstance(value, list | tuple) else value


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
