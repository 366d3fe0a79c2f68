"""Everything plugins offer at one moment, immutable: one value per request or job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from core.domain.errors import PluginUnavailable
from core.hooks.offered import (
    OfferedChannel,
    OfferedRule,
    OfferedStrategy,
    OfferedTax,
    OfferedTell,
    OfferedWarmer,
)
from core.hooks.settings import ShownSetting
from core.hooks.states import Code, Configuration, PluginView, Problem

__all__ = ["Registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What is offered, by whom, and what can't be; made by `core.hooks.build.build`.

    `rules` stand in the settled order (phase, group, priority, key). `pricing_gone` names plugins
    whose mandatory rules counted and can't be asked any more: with one of them every quote refuses.
    `serving` holds the strategies by (plugin, code) that existing payments may use, those of
    plugins switched off included.
    """

    generation: int
    plugins: tuple[PluginView, ...]
    problems: tuple[Problem, ...]
    rules: tuple[OfferedRule, ...]
    taxes: tuple[OfferedTax, ...]
    pricing_gone: tuple[str, ...]
    strategies: Mapping[str, OfferedStrategy]
    serving: Mapping[tuple[str, str], OfferedStrategy]
    channels: Mapping[str, OfferedChannel]
    warmers: Mapping[str, OfferedWarmer]
    tells: Mapping[str, tuple[OfferedTell, ...]]
    settings_sources: Mapping[str, tuple[ShownSetting, ...]]

    def plugin(self, name: str) -> PluginView | None:
        """Return what is known of a plugin, or None if nobody has ever heard of it."""
        return next((view for view in self.plugins if view.name == name), None)

    def strategy(self, *, plugin: str, code: str, account: str | None = None) -> OfferedStrategy:
        """Return the way to pay that an existing payment was begun with.

        A plugin that is merely switched off still serves. With an `account`, only settings of the
        same account will do: a refund never uses another account's key.

        Raises:
            PluginUnavailable: the code isn't loaded, or not with this account; names the package.

        """
        offered = self.serving.get((plugin, code))
        if offered is None:
            self._unavailable(plugin, code)
        if account is not None and offered.info.account != account:
            raise PluginUnavailable(
                f"{offered.distribution} is configured for another account than {account}.",
                plugin=plugin,
                distribution=offered.distribution,
                strategy=code,
                account=account,
            )
        return offered

    def reading_webhooks(self, plugin: str) -> tuple[OfferedStrategy, ...]:
        """Return the strategies of a plugin that understand webhooks, switched off or not.

        Raises:
            PluginUnavailable: its code isn't loaded, so that what came in has to be kept raw.

        """
        view = self.plugin(plugin)
        if view is None or view.code is not Code.LOADED or not _configured(view):
            self._unavailable(plugin, "")
        return tuple(
            offered
            for (owner, _), offered in self.serving.items()
            if owner == plugin and "read_webhook" in offered.can
        )

    def _unavailable(self, plugin: str, code: str) -> NoReturn:
        view = self.plugin(plugin)
        distribution = view.distribution if view else f"orderloom-{plugin}"
        if view is None or view.code is Code.MISSING:
            text = f"The plugin {plugin} is not installed: install {distribution}."
        elif view.code is Code.LOADED and _configured(view):
            text = f"The plugin {plugin} ({distribution}) no longer offers {code!r}."
        else:
            text = f"The plugin {plugin} ({distribution}) is {view.state}: {view.why}."
        raise PluginUnavailable(text, plugin=plugin, distribution=distribution, strategy=code)


def _configured(view: PluginView) -> bool:
    return view.configuration is Configuration.OK
