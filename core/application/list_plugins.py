"""List the plugins as they stand: loaded or left out, switched off, or gone but remembered."""

from __future__ import annotations

from dataclasses import replace

from core.application.open_work import busy_plugins
from core.hooks.registry import Registry
from core.hooks.states import PluginView

__all__ = ["list_plugins"]


def list_plugins(*, plugins: Registry) -> tuple[PluginView, ...]:
    """Return every plugin, sorted by name, each knowing whether any of its payments is open."""
    busy = busy_plugins()
    views = sorted(plugins.plugins, key=lambda view: view.name)
    return tuple(replace(view, open_work=view.name in busy) for view in views)
