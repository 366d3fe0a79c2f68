"""A plugin's section of settings as people fill it: its fields, where each is set, what is wrong."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from core.hooks.guard import SPARED
from core.hooks.settings import (
    Filled,
    Layer,
    Schema,
    SettingsSource,
    holds,
    merged,
    unreadable,
    variable,
)
from core.hooks.spelling import as_text, in_words
from core.hooks.twin import understood
from hookspecs import Money, NotConfigured, Secret

__all__ = ["FormField", "Section"]

_KINDS: Mapping[Any, str] = {
    bool: "yes_no",
    int: "number",
    Decimal: "decimal",
    Money: "money",
    timedelta: "seconds",
    Secret: "secret",
}
_HIDDEN = "••••••"
_DEFAULT, _NOT_SET = "default", "not set"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One setting as a form shows it; that of a group has a dot in its `name`.

    `kind` is text, url, number, decimal, yes_no, choice, money, seconds, secret, or list (JSON, or
    texts with commas between). `value` is a text that can be given back as it is, hidden where it
    is secret; `words` says how long a duration is. `fixed`: a layer above the console sets it,
    `source` says which.
    """

    name: str
    label: str
    help: str
    kind: str
    secret: bool
    required: bool
    choices: tuple[str, ...] = ()
    minimum: str = ""
    maximum: str = ""
    value: str = ""
    words: str = ""
    source: str = _DEFAULT
    variable: str = ""
    fixed: bool = False
    fault: str = ""

    @property
    def given(self) -> bool:
        """Whether anybody has set it."""
        return self.source not in {_DEFAULT, _NOT_SET}

    @property
    def told(self) -> str:
        """The value for people, who don't count in seconds."""
        return f"{self.value} ({self.words})" if self.words else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The settings of one plugin: what they may be, and what stands above the console's."""

    plugin: str
    schema: Schema
    source: SettingsSource = field(repr=False)
    ask: Callable[[Filled], Any] = field(repr=False)

    def fields(self, console: tuple[Layer, ...]) -> tuple[FormField, ...]:
        """Return every field, with what these layers of the console leave in force."""
        faults, fixed = self.faults(console), self.source.layers(self.plugin)
        layers = fixed + console
        typed = merged(layers)
        values = self.schema.twin.read_texts(typed)
        found = []
        for leaf in _leaves(self.schema.twin.cls):
            above = next((layer.source for layer in layers if holds(layer, leaf.path)), "")
            given = _at(values, leaf.path)
            value = _in_force(leaf, given, _at(typed, leaf.path))
            found.append(
                FormField(
                    name=leaf.path,
                    label=leaf.item.metadata.get("label") or leaf.item.name,
                    help=leaf.item.metadata.get("help", ""),
                    kind=leaf.kind,
                    secret=leaf.secret,
                    required=leaf.required,
                    choices=leaf.choices,
                    minimum=as_text(leaf.item.metadata.get("minimum")),
                    maximum=as_text(leaf.item.metadata.get("maximum")),
                    value=(_HIDDEN if above else "") if leaf.secret else as_text(value),
                    words=in_words(value) if isinstance(value, timedelta) else "",
                    source=above or (_NOT_SET if leaf.required else _DEFAULT),
                    variable=variable(self.plugin, *leaf.path.split(".")),
                    fixed=any(holds(layer, leaf.path) for layer in fixed),
                    fault=faults.get(leaf.path, ""),
                )
            )
        return tuple(found)

    def faults(self, console: tuple[Layer, ...]) -> dict[str, str]:
        """Return what is wrong by dotted name; what is merely missing is `missing`'s."""
        return {name: text for name, kind, text in self._judged(console) if kind != "missing"}

    def missing(self, console: tuple[Layer, ...]) -> tuple[str, ...]:
        """Name the required settings that no layer sets."""
        return tuple(name for name, kind, _ in self._judged(console) if kind == "missing")

    def refusal(self, console: tuple[Layer, ...]) -> str:
        """Let the plugin itself judge settings that are complete; return why it refuses, or ''."""
        try:
            self.ask(self.schema.fill(self.plugin, self.source, console))
        except NotConfigured as error:
            return str(error)
        return ""

    def fixed(self, path: str) -> str:
        """Return which layer above the console sets this, in words, or ''."""
        layers = self.source.layers(self.plugin)
        return next((layer.source for layer in layers if holds(layer, path)), "")

    def _judged(self, console: tuple[Layer, ...]) -> Iterator[tuple[str, str, str]]:
        layers = self.source.layers(self.plugin) + console
        sealed = unreadable(layers)
        yield from ((name, "sealed", "its key is gone: set it again") for name in sealed)
        twin = self.schema.twin
        try:
            twin.model.model_validate(twin.read_texts(merged(layers)))
        except ValidationError as error:
            known = {leaf.path for leaf in _leaves(twin.cls)}
            for fault in error.errors(include_url=False, include_input=False):
                path = [str(part) for part in fault["loc"]]
                name = next((n for n in (".".join(path[:2]), path[0]) if n in known), path[0])
                if name not in sealed:
                    where = f"{'.'.join(path)}: " if ".".join(path) != name else ""
                    text = where + fault["msg"].removeprefix("Value error, ")
                    yield name, _kind_of(fault["type"], path, name), text


def _kind_of(fault: str, path: list[str], name: str) -> str:
    """A field missing from an item of a list is a fault of the list."""
    return "missing" if fault == "missing" and ".".join(path) == name else "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    path: str
    item: Field[Any]
    hint: Any
    kind: str
    secret: bool
    required: bool
    choices: tuple[str, ...] = ()


def _leaves(cls: type, above: str = "", *, needed: bool = True) -> Iterator[_Leaf]:
    hints = get_type_hints(cls)
    for item in fields(cls):
        hint, optional = _stripped(hints[item.name])
        own = item.default is MISSING and item.default_factory is MISSING
        if is_dataclass(hint) and isinstance(hint, type) and hint is not Money:
            yield from _leaves(hint, f"{above}{item.name}.", needed=own and not optional)
            continue
        yield _Leaf(
            path=above + item.name,
            item=item,
            hint=hints[item.name],
            kind=_kind(hint, item),
            secret=_has_secret(hint),
            required=own and needed,
            choices=_choices(hint),
        )


def _stripped(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in {Union, UnionType}:
        return next(each for each in get_args(hint) if each is not type(None)), True
    return hint, False


def _kind(hint: Any, item: Field[Any]) -> str:
    if get_origin(hint) is tuple:
        return "list"
    if _choices(hint):
        return "choice"
    if hint is str:
        return "url" if item.metadata.get("format") == "url" else "text"
    return _KINDS.get(hint, "text")


def _choices(hint: Any) -> tuple[str, ...]:
    if get_origin(hint) is Literal:
        return tuple(str(each) for each in get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return tuple(str(each.value) for each in hint)
    return ()


def _has_secret(hint: Any) -> bool:
    if hint is Secret:
        return True
    if is_dataclass(hint) and isinstance(hint, type):
        return any(_has_secret(inner) for inner in get_type_hints(hint).values())
    return any(_has_secret(inner) for inner in get_args(hint))


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(values, Mapping) or name not in values:
            return MISSING
        values = values[name]
    return values


def _in_force(leaf: _Leaf, given: Any, typed: Any) -> Any:
    """What a field is; where nobody can make sense of it, what was typed."""
    if leaf.secret:
        return None
    if given is not MISSING:
        try:
            return understood(leaf.item, leaf.hint, given)
        except ValidationError:
            return given if typed is MISSING else typed
    if leaf.item.default is not MISSING:
        return leaf.item.default
    made = leaf.item.default_factory
    try:
        return made() if callable(made) else None
    except SPARED:
        raise
    except BaseException:  # noqa: BLE001 - a plugin's own code: then nobody can say
        return None
