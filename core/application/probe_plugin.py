"""Ask what a plugin offers whether it could work right now: the Test button of its settings."""

from __future__ import annotations

import time

from core.conf import conf
from core.domain.errors import NotFound
from core.hooks.offered import OfferedChannel, OfferedStrategy
from core.hooks.registry import Registry
from hookspecs import Call, Healthy, Unhealthy

__all__ = ["probe_plugin", "probed"]


def probed(plugin: str, *, plugins: Registry) -> tuple[str, ...]:
    """Return the codes of a plugin's offers that can be probed, in order."""
    return tuple(sorted(_probing(plugin, plugins)))


def probe_plugin(plugin: str, code: str, *, plugins: Registry) -> Healthy | Unhealthy:
    """Let an offer try something harmless with the settings in force, within a call's deadline.

    Raises:
        NotFound: the plugin offers nothing of this code that can be probed.
    """
    offered = _probing(plugin, plugins).get(code)
    if offered is None:
        raise NotFound(f"{plugin} offers no {code} that can be tested.", plugin=plugin, offer=code)
    return offered.probe(Call(deadline=time.monotonic() + conf().deadline("READ")))


def _probing(plugin: str, plugins: Registry) -> dict[str, OfferedStrategy | OfferedChannel]:
    """Strategies of a plugin switched off serve what is open, and can be tested as well."""
    every: tuple[OfferedStrategy | OfferedChannel, ...] = (
        *plugins.serving.values(),
        *plugins.channels.values(),
    )
    return {
        offered.info.code: offered
        for offered in every
        if offered.plugin == plugin and "probe" in offered.can
    }
