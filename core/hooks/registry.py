"""Everything plugins offer at one moment, immutable: one value per request or job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from core.domain.errors import PluginUnavailable
from core.hooks.guard import Report
from core.hooks.offered import (
    OfferedChannel,
    OfferedRule,
    OfferedStrategy,
    OfferedTax,
    OfferedTell,
    OfferedWarmer,
)
from core.hooks.section import FormField, Section
from core.hooks.states import Code, Configuration, PluginView, Problem

__all__ = ["Registry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """What is offered to one tenant, by whom, and what can't be; made by `core.hooks.build.build`.

    `rules` stand in the settled order (phase, group, priority, key), and the shadow rules are asked
    without effect. `pricing_gone` names plugins
    whose mandatory rules counted and can't be asked any more: with one of them every quote refuses.
    `serving` holds the strategies by (plugin, code) that existing payments may use, those of
    plugins switched off included; `former` those that earlier settings made, newest first.
    """

    tenant: str
    generation: int
    plugins: tuple[PluginView, ...]
    problems: tuple[Problem, ...]
    rules: tuple[OfferedRule, ...]
    taxes: tuple[OfferedTax, ...]
    shadow_rules: tuple[OfferedRule, ...]
    shadow_taxes: tuple[OfferedTax, ...]
    pricing_gone: tuple[str, ...]
    strategies: Mapping[str, OfferedStrategy]
    serving: Mapping[tuple[str, str], OfferedStrategy]
    former: Mapping[tuple[str, str], tuple[OfferedStrategy, ...]]
    channels: Mapping[str, OfferedChannel]
    warmers: Mapping[str, OfferedWarmer]
    tells: Mapping[str, tuple[OfferedTell, ...]]
    settings_sources: Mapping[str, tuple[FormField, ...]]
    sections: Mapping[str, Section]
    """What each plugin's settings may be, for those that have some."""
    report: Report = field(repr=False, compare=False)
    """Told of every call of a plugin, and of what checkouts take."""

    def plugin(self, name: str) -> PluginView | None:
        """Return what is known of a plugin, or None if nobody has ever heard of it."""
        return next((view for view in self.plugins if view.name == name), None)

    def strategy(self, *, plugin: str, code: str, account: str | None = None) -> OfferedStrategy:
        """Return the way to pay that an existing payment was begun with.

        A plugin that is merely switched off still serves. With an `account`, the newest settings of
        that account are used: a refund never uses another account's key.

        Raises:
            PluginUnavailable: the code isn't loaded, or not with this account; names the package.

        """
        found = self._found(plugin, code, account)
        if found is not None:
            return found
        offered = self.serving.get((plugin, code))
        if offered is None:
            self._unavailable(plugin, code)
        raise PluginUnavailable(
            f"{offered.distribution} is configured for another account than {account}.",
            plugin=plugin,
            distribution=offered.distribution,
            strategy=code,
            account=account,
        )

    def serves(self, *, plugin: str, code: str, account: str | None) -> bool:
        """Say whether `strategy` would find one."""
        return self._found(plugin, code, account) is not None

    def reading_webhooks(self, plugin: str) -> tuple[OfferedStrategy, ...]:
        """Return the strategies of a plugin that understand webhooks, switched off or not.

        Raises:
            PluginUnavailable: its code isn't loaded, so that what came in has to be kept raw.

        """
        view = self.plugin(plugin)
        served = self.of_every_account(plugin)
        if not served and (view is None or view.code is not Code.LOADED or not _configured(view)):
            self._unavailable(plugin, "")
        return tuple(offered for offered in served if "read_webhook" in offered.can)

    def of_every_account(self, plugin: str) -> tuple[OfferedStrategy, ...]:
        """Return a plugin's strategies, those in force first, then one per former account."""
        found = {
            (code, offered.info.account): offered
            for (owner, code), offered in self.serving.items()
            if owner == plugin
        }
        for (owner, code), before in self.former.items():
            for offered in before if owner == plugin else ():
                if offered.info.account is not None:
                    found.setdefault((code, offered.info.account), offered)
        return tuple(found.values())

    def _found(self, plugin: str, code: str, account: str | None) -> OfferedStrategy | None:
        offered = self.serving.get((plugin, code))
        if offered is not None and account in {None, offered.info.account}:
            return offered
        former = self.former.get((plugin, code), ())
        return next((before for before in former if before.info.account == account), None)

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
