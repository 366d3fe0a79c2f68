"""Phase one: plugins found through entry points, judged by their manifests, nothing imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from importlib_metadata import Distribution, EntryPoint, EntryPoints

from core.hooks.compat import compatible
from core.hooks.manifest import Manifest, ManifestError, read_manifest
from core.hooks.order import settled_order
from core.hooks.states import Code
from hookspecs import API_VERSION

__all__ = ["BUNDLED", "GROUP", "Because", "Discovered", "Found", "discover"]

GROUP = "orderloom.plugins"
BUNDLED = (
    "orderloom-events-log",
    "orderloom-notify-email",
    "orderloom-payment-bank-transfer",
    "orderloom-payment-gift-card",
    "orderloom-payment-paypal-like",
    "orderloom-payment-stripe-like",
    "orderloom-pricing-discounts",
    "orderloom-pricing-promotions",
    "orderloom-pricing-sales-tax",
    "orderloom-pricing-shipping",
    "orderloom-sandbox-gateways",
    "orderloom-storefront",
    "orderloom-warm-catalogue",
)
"""The distributions that come with Orderloom: all that is loaded in safe mode."""

_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LONGEST_NAME = 100


class Because:
    """Why a plugin is blocked, in words."""

    ALLOW_LIST = "not named in ORDERLOOM_PLUGINS"
    SAFE_MODE = "not bundled, and ORDERLOOM_SAFE_MODE is on"
    SANDBOX = "loaded only with ORDERLOOM_SANDBOX=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plugin as its package describes it; `code` is FOUND if it is to be loaded."""

    name: str
    distribution: str
    version: str
    module: str
    manifest: Manifest | None = None
    code: Code = Code.FOUND
    why: str = ""
    folder: str = ""
    """Where its package lies."""

    def refused(self, code: Code, why: str) -> Found:
        """Return it as left out, and why."""
        return replace(self, code=code, why=why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """Every plugin installed, in the settled order, those left out included.

    `allow` is the allow list they were judged by, None where there was none.
    """

    found: tuple[Found, ...] = ()
    allow: frozenset[str] | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """What the allow list asks for and no package provides."""
        return tuple(sorted((self.allow or frozenset()) - {found.name for found in self.found}))

    @property
    def to_load(self) -> tuple[Found, ...]:
        """Those that phase two imports."""
        return tuple(found for found in self.found if found.code is Code.FOUND)

    @property
    def django_apps(self) -> tuple[str, ...]:
        """What goes to the end of INSTALLED_APPS."""
        manifests = (found.manifest for found in self.to_load)
        return tuple(m.django_app for m in manifests if m is not None and m.django_app)

    def without(self, refused: Mapping[str, str]) -> Discovered:
        """Return the same with these plugins (name → why) as LOAD_FAILED."""
        return replace(
            self,
            found=tuple(
                found.refused(Code.LOAD_FAILED, refused[found.name])
                if found.name in refused and found.code is Code.FOUND
                else found
                for found in self.found
            ),
        )


def discover(
    *,
    allow: frozenset[str] | None,
    safe_mode: bool,
    sandbox: bool,
    path: Sequence[str] | None = None,
) -> Discovered:
    """Find the plugins that are installed, on `path` instead of `sys.path` if given.

    Nothing of a plugin is imported, not even its package. `allow` is the allow list: None means
    all, empty means none.
    """
    by_name: dict[str, list[tuple[EntryPoint, Distribution]]] = {}
    for distribution, entries in _distributions(path):
        for entry in entries:
            by_name.setdefault(entry.name, []).append((entry, distribution))
    judged = []
    for name in sorted(by_name):
        for entry, distribution in by_name[name]:
            found = _found(entry, distribution)
            found = _blocked(found, allow, safe_mode=safe_mode) or _named(found, by_name[name])
            judged.append(_described(found, distribution, path, sandbox=sandbox))
    order, circle = settled_order({f.name: f.manifest for f in judged if f.code is Code.FOUND})
    place = {name: number for number, name in enumerate(order)}
    judged.sort(key=lambda found: (place.get(found.name, -1), found.name))
    why = f"after and before go round in a circle: {', '.join(circle)}"
    discovered = Discovered(found=tuple(judged), allow=allow)
    return discovered.without(dict.fromkeys(circle, why))


def _distributions(path: Sequence[str] | None) -> Iterable[tuple[Distribution, EntryPoints]]:
    """Those with plugins, each once: the first on the path, as Python itself would find it.

    Only their metadata is parsed, since that is most of what a scan costs.
    """
    found = Distribution.discover() if path is None else Distribution.discover(path=list(path))
    seen: set[str] = set()
    for distribution in found:
        entries = distribution.entry_points.select(group=GROUP)
        if entries and (name := _normalised(distribution)) not in seen:
            seen.add(name)
            yield distribution, entries


def _normalised(distribution: Distribution) -> str:
    name = distribution.metadata["Name"] if distribution.metadata else None
    return re.sub(r"[-_.]+", "-", name or "").lower()


def _found(entry: EntryPoint, distribution: Distribution) -> Found:
    return Found(
        name=entry.name,
        distribution=_normalised(distribution),
        version=distribution.version or "0",
        module=entry.value.strip(),
    )


def _blocked(found: Found, allow: frozenset[str] | None, *, safe_mode: bool) -> Found | None:
    if allow is not None and found.name not in allow:
        return found.refused(Code.BLOCKED, Because.ALLOW_LIST)
    if safe_mode and found.distribution not in BUNDLED:
        return found.refused(Code.BLOCKED, Because.SAFE_MODE)
    return None


def _named(found: Found, namesakes: Sequence[tuple[EntryPoint, Distribution]]) -> Found:
    if len(namesakes) > 1:
        owners = " and ".join(sorted(_normalised(owner) for _, owner in namesakes))
        why = f"two packages bring a plugin of this name: {owners}; uninstall one of them"
        return found.refused(Code.LOAD_FAILED, why)
    if not _MODULE.fullmatch(found.module):
        why = f"its entry point names no module: {found.module!r}"
        return found.refused(Code.LOAD_FAILED, why)
    if not _NAME.fullmatch(found.name) or len(found.name) > _LONGEST_NAME:
        why = f"a plugin's name has small letters, digits and dashes, not {found.name!r}"
        return found.refused(Code.LOAD_FAILED, why)
    return found


def _described(
    found: Found, distribution: Distribution, path: Sequence[str] | None, *, sandbox: bool
) -> Found:
    """The manifest is read of those left out as well: people want to see a title."""
    package = found.module.partition(".")[0]
    try:
        file = _manifest_file(package, distribution, path)
        manifest = read_manifest(
            file.read_text(encoding="utf-8"),
            name=found.name,
            package=package,
            distribution=found.distribution,
            version=found.version,
            author=_author(distribution),
        )
        fits = compatible(manifest.api, offered=API_VERSION)
    except (ValueError, OSError) as error:  # ManifestError, no range, no text
        return found.refused(Code.LOAD_FAILED, str(error)) if found.code is Code.FOUND else found
    found = replace(found, manifest=manifest, folder=str(file.parent))
    if found.code is not Code.FOUND:
        return found
    if not fits:
        why = f"it wants the contract {manifest.api}, this is {API_VERSION}"
        return found.refused(Code.INCOMPATIBLE, why)
    if manifest.only_in and not sandbox:
        return found.refused(Code.BLOCKED, Because.SANDBOX)
    return found


def _manifest_file(package: str, distribution: Distribution, path: Sequence[str] | None) -> Path:
    """The package that would be imported comes first; a wheel's own files are a second chance."""
    spec = _spec(package, path)
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    for folder in (*folders, Path(str(distribution.locate_file(package)))):
        if (folder / "plugin.toml").is_file():
            return folder / "plugin.toml"
    if spec is None:
        raise ManifestError(f"its package {package} can't be found")
    raise ManifestError(f"its package {package} holds no plugin.toml")


def _spec(package: str, path: Sequence[str] | None) -> ModuleSpec | None:
    try:
        return find_spec(package) if path is None else PathFinder.find_spec(package, list(path))
    except (ImportError, ValueError):
        return None


def _author(distribution: Distribution) -> str:
    about = distribution.metadata
    for key in ("Author", "Author-email"):
        if about and about.get(key):
            return str(about[key])
    return ""
