"""The shop that `up --once` buys in: nothing in it, or told by it, is anybody's but its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.backends.filebased import EmailBackend

from core.hooks.discovery import BUNDLED, Discovered, Found
from core.hooks.settings import variable

__all__ = ["foreign", "left_out", "own_shop"]

_QUIET: Final = frozenset({"payment_strategies", "pricing_rules", "cache_warmers"})
_CACHES: Final = ("locmem.LocMemCache", "dummy.DummyCache")


def own_shop(environ: Mapping[str, str], folder: Path, discovered: Discovered) -> dict[str, str]:
    """Return an environment that keeps a shop within a folder, whatever was set.

    What comes with Orderloom tells by Django's mail and into the data folder unless it is set
    otherwise, so that its settings are left behind; whoever else would tell somebody is off.
    """
    ours = [one for one in _tellers(discovered) if one.distribution in BUNDLED]
    prefixes = tuple(f"{variable(one.name)}__" for one in ours)
    sections = settings.ORDERLOOM_PLUGIN_SETTINGS
    kept = {name: each for name, each in sections.items() if name not in {o.name for o in ours}}
    off = settings.ORDERLOOM_PLUGINS_DISABLED | left_out(discovered)
    return {
        **{name: text for name, text in environ.items() if not name.upper().startswith(prefixes)},
        "ORDERLOOM_PLUGIN_SETTINGS": json.dumps(kept),
        "ORDERLOOM_PLUGINS_DISABLED": ",".join(sorted(off)),
        "ORDERLOOM_DATA": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'orderloom.sqlite3'}",
        "CACHE_URL": "locmem://",
        "BROKER_URL": "",
        "EMAIL_URL": f"filemail:///{folder}/mail",
    }


def left_out(discovered: Discovered) -> frozenset[str]:
    """Return the plugins that are off in such a shop, since nobody knows whom they would tell."""
    return frozenset(one.name for one in _tellers(discovered) if one.distribution not in BUNDLED)


def _tellers(discovered: Discovered) -> tuple[Found, ...]:
    """Channels, and who hears of events; what takes payments is called anyway."""
    return tuple(
        found
        for found in discovered.to_load
        if found.manifest and _tells(frozenset(found.manifest.hooks))
    )


def _tells(hooks: frozenset[str]) -> bool:
    if "payment_strategies" in hooks:
        return "notification_channels" in hooks
    return not hooks <= _QUIET


def foreign(folder: Path) -> tuple[str, ...]:
    """Return which settings lead out of a shop's own folder, as a settings module may say it."""
    home = folder.resolve()

    def inside(path: object) -> bool:
        return Path(str(path)).resolve().is_relative_to(home)

    found = [
        f"DATABASES[{alias!r}]"
        for alias, one in settings.DATABASES.items()
        if not (one["ENGINE"].endswith(".sqlite3") and inside(one["NAME"]))
    ]
    found += [
        f"CACHES[{alias!r}]"
        for alias, one in settings.CACHES.items()
        if not one["BACKEND"].endswith(_CACHES)
    ]
    post = get_connection()
    if not (isinstance(post, EmailBackend) and inside(post.file_path)):
        found.append("the mail settings")
    if not inside(settings.ORDERLOOM_DATA):
        found.append("ORDERLOOM_DATA")
    return tuple(found)
