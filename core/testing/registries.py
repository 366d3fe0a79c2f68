"""Registries made of objects in hand, through the same checks and guards as installed plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.hooks.breaker import Breakers
from core.hooks.build import build
from core.hooks.discovery import Found
from core.hooks.guard import CallReport
from core.hooks.guarded import Limits
from core.hooks.loader import Loaded, LoadedPlugin
from core.hooks.manifest import Manifest
from core.hooks.pool import Pools
from core.hooks.registry import Registry
from core.hooks.settings import GivenSettings
from core.hooks.states import Ailment, Code, KnownPlugin, PluginStates
from core.hooks.verify import Implementation
from core.infrastructure.outside import close_connections, in_transaction

_POOLS = Pools(size=32, after=close_connections, in_transaction=in_transaction)
"""Shared by all registries of a test run, whose fakes often bear the same names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FakePlugin:
    """A plugin that was never installed: what it offers and hears, by hook."""

    name: str
    strategies: tuple[Any, ...] = ()
    rules: tuple[Any, ...] = ()
    channels: tuple[Any, ...] = ()
    warmers: tuple[Any, ...] = ()
    tells: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    version: str = "1.0"

    @property
    def distribution(self) -> str:
        """The package that would bring it."""
        return f"orderloom-{self.name}"

    def loaded(self) -> LoadedPlugin:
        """Return it as the loader would have left it."""
        offers = {
            "payment_strategies": self.strategies,
            "pricing_rules": self.rules,
            "notification_channels": self.channels,
            "cache_warmers": self.warmers,
        }
        implementations = {
            hook: Implementation(hook=hook, function=_answering(offered), takes=())
            for hook, offered in offers.items()
            if offered
        }
        implementations |= {
            hook: Implementation(hook=hook, function=tell, takes=("event",))
            for hook, tell in self.tells.items()
        }
        return LoadedPlugin(
            found=Found(
                name=self.name,
                distribution=self.distribution,
                version=self.version,
                module=self.name.replace("-", "_"),
                code=Code.FOUND,
                manifest=self._manifest(tuple(implementations)),
            ),
            code=Code.LOADED,
            implementations=implementations,
        )

    def _manifest(self, hooks: tuple[str, ...]) -> Manifest:
        return Manifest(
            name=self.name,
            package=self.name.replace("-", "_"),
            distribution=self.distribution,
            version=self.version,
            title=self.name,
            api=">=1.0,<2",
            hooks=hooks,
        )


def registry_of(
    *plugins: FakePlugin,
    disabled: Iterable[str] = (),
    known: tuple[KnownPlugin, ...] = (),
    shadow: Iterable[str] = (),
    report: Callable[[CallReport], None] = lambda _: None,
    limits: Limits | None = None,
    pools: Pools | None = None,
    breakers: Breakers | None = None,
    ailing: tuple[Ailment, ...] = (),
) -> Registry:
    """Return a registry of these plugins, as one built at start-up would be."""
    return build(
        Loaded(plugins=tuple(plugin.loaded() for plugin in plugins)),
        PluginStates(
            disabled=frozenset(disabled),
            known=known,
            shadow=frozenset(shadow),
            ailing=ailing,
            refreshed=True,
        ),
        GivenSettings(),
        report,
        limits=limits,
        pools=pools or _POOLS,
        breakers=breakers,
    )


def _answering(offered: tuple[Any, ...]) -> Callable[[], tuple[Any, ...]]:
    return lambda: offered
