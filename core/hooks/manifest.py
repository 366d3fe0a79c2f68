"""A plugin's `plugin.toml`: what it is and needs, readable without importing it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

__all__ = ["Manifest", "ManifestError", "read_manifest"]

_TEXTS = ("title", "api", "author", "settings", "django_app", "urls", "mount", "only_in")
_LISTS = ("hooks", "after", "before", "hosts")
_LONGEST = {"title": 200, "api": 20}
_REQUIRED = ("title", "api", "hooks")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SETTINGS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_MOUNT = re.compile(r"/(?:[a-z0-9._~-]+/)*")


class ManifestError(ValueError):
    """A `plugin.toml` that is missing, unreadable or wrong, in one plain line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a plugin says of itself.

    `api` is a range over the contract's version, `settings` a `module:Class`, `django_app` the
    dotted path of an AppConfig or package, `urls` a module that hangs at `mount`; `after` and
    `before` name plugins, `hosts` whom it talks to, `only_in` is empty or `sandbox`.
    """

    name: str
    package: str
    distribution: str
    version: str
    title: str
    api: str
    author: str = ""
    hooks: tuple[str, ...] = ()
    settings: str | None = None
    django_app: str | None = None
    urls: str | None = None
    mount: str = ""
    after: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    only_in: str = ""


def read_manifest(
    text: str, *, name: str, package: str, distribution: str, version: str, author: str = ""
) -> Manifest:
    """Read the text of a `plugin.toml`.

    Raises:
        ManifestError: it is no TOML, lacks a required key, or a value has the wrong form.

    """
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"plugin.toml can't be read: {error}") from error
    _check_keys(given)
    values = {key: given[key] for key in _TEXTS if key in given}
    values |= {key: tuple(given.get(key, ())) for key in _LISTS}
    values.setdefault("mount", f"/x/{name}/")
    values.setdefault("author", author)
    _check_forms(values)
    return Manifest(
        name=name, package=package, distribution=distribution, version=version, **values
    )


def _check_keys(given: dict[str, Any]) -> None:
    missing = [key for key in _REQUIRED if key not in given]
    if missing:
        raise ManifestError(f"plugin.toml lacks {', '.join(missing)}")
    unknown = sorted(given.keys() - {*_TEXTS, *_LISTS})
    if unknown:
        raise ManifestError(f"plugin.toml has unknown keys: {', '.join(unknown)}")
    for key in _TEXTS:
        if key in given and not isinstance(given[key], str):
            raise ManifestError(f"plugin.toml: {key} is a text, not {given[key]!r}")
    for key in _LISTS:
        value = given.get(key, [])
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise ManifestError(f"plugin.toml: {key} is a list of texts, not {value!r}")


def _check_forms(values: dict[str, Any]) -> None:
    for key, longest in _LONGEST.items():
        if not 0 < len(values[key]) <= longest:
            raise ManifestError(f"plugin.toml: {key} has 1 to {longest} characters")
    for key in ("django_app", "urls"):
        if key in values and not _DOTTED.fullmatch(values[key]):
            raise ManifestError(f"plugin.toml: {key} = {values[key]!r} is no dotted path")
    if "settings" in values and not _SETTINGS.fullmatch(values["settings"]):
        raise ManifestError(
            f"plugin.toml: settings = {values['settings']!r} is no module:Class, "
            'such as "payment_some.settings:Settings"'
        )
    if not _MOUNT.fullmatch(values["mount"]):
        raise ManifestError(
            f"plugin.toml: mount = {values['mount']!r} is no path such as /x/{{name}}/"
        )
    if values.get("only_in", "sandbox") != "sandbox":
        raise ManifestError(f"plugin.toml: only_in = {values['only_in']!r}; known is: sandbox")
