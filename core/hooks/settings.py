"""A plugin's own settings: its frozen dataclass, filled from layers through a pydantic twin."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from core.hooks.twin import Twin, twin_of
from hookspecs import NotConfigured, Secret

__all__ = [
    "Filled",
    "GivenSettings",
    "Layer",
    "Schema",
    "SettingsSource",
    "holds",
    "masked",
    "merged",
    "unreadable",
    "variable",
]

_KEY_GONE = "kept under a key that ORDERLOOM_SECRETS_KEY no longer lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Where values come from, in words, and the values; secrets as plain strings.

    `unreadable` names what is set here and can't be read any more: its key is gone.
    """

    source: str
    values: Mapping[str, Any] = field(repr=False)
    unreadable: tuple[str, ...] = ()


class SettingsSource(Protocol):
    """Gives the layers of a plugin's settings, highest first."""

    @property
    def salt(self) -> bytes:
        """What a settings version is keyed with, so that it tells nothing of a secret."""
        ...

    def layers(self, plugin: str, /) -> tuple[Layer, ...]:
        """Return the layers of one plugin's section."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A plugin's settings: the dataclass (None without one), its version, and its secrets."""

    value: Any = None
    version: str = ""
    secrets: tuple[Secret, ...] = field(default=(), repr=False)


def variable(plugin: str, *path: str) -> str:
    """Return the environment variable of a plugin's setting, `path` being its names downward.

    >>> variable("payment-some", "api_key")
    'ORDERLOOM_PAYMENT_SOME__API_KEY'
    """
    return "__".join((f"ORDERLOOM_{plugin.replace('-', '_')}", *path)).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSettings:
    """Settings from the environment over Django's `ORDERLOOM_PLUGIN_SETTINGS`."""

    environ: Mapping[str, str] = field(default_factory=dict)
    sections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    salt: bytes = b""

    def layers(self, plugin: str, /) -> tuple[Layer, ...]:
        """Return the environment's layer, then the Django setting's."""
        return (
            Layer(source="environment", values=_nested(self.environ, variable(plugin) + "__")),
            Layer(source="ORDERLOOM_PLUGIN_SETTINGS", values=self.sections.get(plugin, {})),
        )


def _nested(environ: Mapping[str, str], prefix: str) -> dict[str, Any]:
    """A variable that stands for a group as JSON is overlaid by the variables of its fields."""
    found: dict[str, Any] = {}
    for name in sorted(environ):
        if name.upper().startswith(prefix):
            *groups, last = name[len(prefix) :].lower().split("__")
            place = found
            for group in groups:
                inner = place.get(group)
                place[group] = inner = _parsed(inner) if isinstance(inner, str) else inner or {}
                place = inner if isinstance(inner, dict) else {}
            place[last] = environ[name]
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


class Schema:
    """The settings of one plugin, as declared by its dataclass."""

    __slots__ = ("_cls", "_twin")

    def __init__(self, cls: type) -> None:
        """Build the twin.

        Raises:
            TypeError: `cls` is no frozen dataclass, or a field has a type that settings can't have.

        """
        if not is_dataclass(cls):
            raise TypeError(f"{cls!r} is no dataclass")
        if not cls.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise TypeError(f"{cls.__qualname__} is not frozen")
        self._cls = cls
        self._twin = twin_of(cls)

    @property
    def json_schema(self) -> dict[str, Any]:
        """What draws the form: JSON Schema, secrets write-only."""
        return self._twin.model.model_json_schema()

    @property
    def twin(self) -> Twin:
        """The model that reads for it."""
        return self._twin

    def fill(self, plugin: str, source: SettingsSource, console: tuple[Layer, ...] = ()) -> Filled:
        """Fill the dataclass from the layers of a source, over those of the console.

        Raises:
            NotConfigured: a required value is missing or one is wrong; names the field and its
                environment variable, never the value. Or the dataclass's own `__post_init__` said
                so.

        """
        layers = source.layers(plugin) + console
        if sealed := unreadable(layers):
            raise NotConfigured(f"{', '.join(sealed)}: {_KEY_GONE}")
        try:
            model = self._twin.model.model_validate(self._twin.read_texts(merged(layers)))
        except ValidationError as error:
            raise NotConfigured(_first(error, plugin)) from None
        secrets = tuple(_secrets(model))
        try:
            value = self._twin.fill(model)
        except NotConfigured as error:
            raise NotConfigured(masked(str(error), secrets)) from None
        return Filled(
            value=value,
            version=_version(value, secrets, source.salt),
            secrets=secrets,
        )


def merged(layers: tuple[Layer, ...]) -> dict[str, Any]:
    """Return the values in force, the first layer being the highest."""
    found: dict[str, Any] = {}
    for layer in reversed(layers):
        found = _overlay(found, layer.values)
    return found


def holds(layer: Layer, path: str) -> bool:
    """Say whether a layer sets what a dotted name stands for; a group may be given as one text."""
    held: Any = layer.values
    for name in path.split("."):
        if not isinstance(held, Mapping):
            return True
        if name not in held:
            return path in layer.unreadable
        held = held[name]
    return True


def unreadable(layers: tuple[Layer, ...]) -> tuple[str, ...]:
    """Name what is in force and can't be read: what lies under it must never stand in for it."""
    return tuple(
        path
        for place, layer in enumerate(layers)
        for path in layer.unreadable
        if not any(holds(above, path) for above in layers[:place])
    )


def _overlay(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for name, value in over.items():
        below = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(below, Mapping)
        merged[name] = _overlay(below, value) if both else value  # type: ignore[arg-type]
    return merged


def _first(error: ValidationError, plugin: str) -> str:
    """All faults in one line, each with the field and the variable that would set it."""
    said = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        path = [part for part in fault["loc"] if isinstance(part, str)]
        name, env = ".".join(path), variable(plugin, *path)
        if fault["type"] == "missing":
            said.append(f"{name} is not set: give {env}")
        elif fault["type"] == "extra_forbidden":
            said.append(f"there is no setting {name} ({env})")
        else:
            said.append(f"{name} ({env}): {fault['msg'].removeprefix('Value error, ')}")
    return "; ".join(said)


def masked(text: str, secrets: tuple[Secret, ...]) -> str:
    """Return the text without these secrets in it."""
    for secret in secrets:
        text = text.replace(secret.reveal(), str(secret))
    return text


def _secrets(read: Any) -> list[Secret]:
    if isinstance(read, Secret):
        return [read] if read else []
    inside = read if isinstance(read, tuple) else vars(read).values() if _is_group(read) else ()
    return [found for each in inside for found in _secrets(each)]


def _is_group(read: Any) -> bool:
    return isinstance(read, BaseModel)


def _version(value: Any, secrets: tuple[Secret, ...], salt: bytes) -> str:
    revealed = "\0".join((repr(value), *(secret.reveal() for secret in secrets)))
    return hmac.new(salt, revealed.encode(), hashlib.sha256).hexdigest()[:12]
