"""How a registry is built: of what is loaded, the states and the settings, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast

from core.domain.pricing import order_rules
from core.hooks.discovery import Because
from core.hooks.guard import SPARED, Report, describe
from core.hooks.guarded import Limits, Maker
from core.hooks.loader import Loaded, LoadedPlugin
from core.hooks.offered import OfferedRule
from core.hooks.offers import Offer, ask_offers, masking
from core.hooks.registry import Registry
from core.hooks.settings import Filled, SettingsSource
from core.hooks.states import (
    Code,
    Configuration,
    KnownPlugin,
    PluginStates,
    PluginView,
    Problem,
    State,
    Switch,
)
from core.hooks.verify import OFFERS, RefusedPluginError
from hookspecs import Group, Mode, NotConfigured

__all__ = ["build"]

_GONE = {State.INCOMPATIBLE, State.LOAD_FAILED, State.MISSING, State.NOT_CONFIGURED}


def build(
    loaded: Loaded,
    states: PluginStates,
    settings: SettingsSource,
    report: Report,
    *,
    limits: Limits | None = None,
) -> Registry:
    """Build the registry. Each plugin is asked for its offers once per set of settings.

    `report` is told of every call into a plugin; `limits` bound those without a deadline.
    """
    claims = _Claims()
    asked = tuple(_asked(plugin, loaded, states, settings, claims) for plugin in loaded.plugins)
    views = (*(each.view for each in asked), *_tombstones(loaded, states))
    gathered = _Gathered()
    for each in asked:
        if each.view.code is Code.LOADED and each.view.configuration is Configuration.OK:
            _gather(gathered, each, report, limits or Limits())
    return Registry(
        generation=states.generation,
        plugins=tuple(views),
        problems=loaded.problems + _problems(asked, views, states),
        rules=cast(tuple[OfferedRule, ...], order_rules(gathered.rules)),
        taxes=tuple(gathered.taxes),
        pricing_gone=_pricing_gone(views, loaded, states),
        strategies=MappingProxyType(gathered.strategies),
        serving=MappingProxyType(gathered.serving),
        channels=MappingProxyType(gathered.channels),
        warmers=MappingProxyType(gathered.warmers),
        tells=MappingProxyType({hook: tuple(each) for hook, each in gathered.tells.items()}),
        settings_sources=MappingProxyType({each.view.name: each.filled.shown for each in asked}),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    plugin: LoadedPlugin
    view: PluginView
    filled: Filled = field(default_factory=Filled)
    offers: tuple[Offer, ...] = ()


class _Claims:
    """Who has which code: the second in the settled order is refused, naming the first."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], str] = {}
        self._groups: dict[str, tuple[Group, str]] = {
            "": (Group(name="", mode=Mode.STACK), "the core")
        }

    def refuse(self, plugin: str, offers: Iterable[Offer]) -> str:
        """Return why a plugin's offers don't go with those before, or claim them and say ''."""
        offers = tuple(offers)
        groups = dict(self._groups)
        for offer in offers:
            owner = self._codes.get((offer.hook, offer.code))
            if owner is not None:
                return f"{offer.hook}: {offer.code!r} is already offered by {owner}"
            group = getattr(offer.info, "group", None)
            if group is not None:
                first, by = groups.setdefault(group.name, (group, plugin))
                if first != group:
                    return f"group {group.name!r} is {_said(group)} here, {_said(first)} in {by}"
        self._codes.update(((offer.hook, offer.code), plugin) for offer in offers)
        self._groups = groups
        return ""


def _said(group: Group) -> str:
    return f"{group.mode} with order {group.order}"


def _asked(
    plugin: LoadedPlugin,
    loaded: Loaded,
    states: PluginStates,
    settings: SettingsSource,
    claims: _Claims,
) -> _Asked:
    view = _view(plugin, states)
    if plugin.code is not Code.LOADED:
        return _Asked(plugin=plugin, view=view)
    filled = Filled()
    try:
        filled = _filled(plugin, settings)
        offers = _offers(plugin, filled, loaded)
    except NotConfigured as error:
        view = replace(view, configuration=Configuration.NOT_CONFIGURED, why=str(error))
        return _Asked(plugin=plugin, view=view, filled=filled)
    except RefusedPluginError as error:
        return _Asked(plugin=plugin, view=_failed(view, str(error)), filled=filled)
    why = claims.refuse(plugin.name, offers)
    if why:
        return _Asked(plugin=plugin, view=_failed(view, why), filled=filled)
    view = replace(
        view,
        offers=tuple(offer.code for offer in offers),
        prices=any(_is_mandatory(offer) for offer in offers),
    )
    return _Asked(plugin=plugin, view=view, filled=filled, offers=offers)


def _is_mandatory(offer: Offer) -> bool:
    return offer.hook == "pricing_rules" and not offer.info.optional


def _failed(view: PluginView, why: str) -> PluginView:
    return replace(view, code=Code.LOAD_FAILED, why=why)


def _filled(plugin: LoadedPlugin, settings: SettingsSource) -> Filled:
    if plugin.schema is None:
        return Filled()
    try:
        return plugin.schema.fill(plugin.name, settings)
    except (NotConfigured, *SPARED):
        raise
    except BaseException as error:
        raise RefusedPluginError(f"reading its settings raised {describe(error)}") from error


def _offers(plugin: LoadedPlugin, filled: Filled, loaded: Loaded) -> tuple[Offer, ...]:
    """What it said the first time holds, a refusal included."""
    key = (plugin.name, filled.version)
    with loaded.asking:
        if key not in loaded.offers:
            try:
                loaded.offers[key] = ask_offers(plugin.implementations, filled)
            except (NotConfigured, RefusedPluginError) as error:
                loaded.offers[key] = error
    said: tuple[Offer, ...] | Exception = loaded.offers[key]
    if isinstance(said, Exception):
        raise said
    return said


def _view(plugin: LoadedPlugin, states: PluginStates) -> PluginView:
    found, manifest = plugin.found, plugin.found.manifest
    return PluginView(
        name=found.name,
        title=manifest.title if manifest else found.name,
        distribution=found.distribution,
        version=found.version,
        code=plugin.code,
        switch=Switch.OFF if found.name in states.disabled else Switch.ON,
        why=plugin.why or ("switched off" if found.name in states.disabled else ""),
        hooks=manifest.hooks if manifest else (),
        manifest=manifest,
    )


def _tombstones(loaded: Loaded, states: PluginStates) -> Iterable[PluginView]:
    here = {plugin.name for plugin in loaded.plugins}
    for known in states.known:
        if known.name not in here:
            yield PluginView(
                name=known.name,
                title=known.title or known.name,
                distribution=known.distribution,
                version=known.version,
                code=Code.MISSING,
                switch=Switch.OFF if known.name in states.disabled else Switch.ON,
                why=f"install {known.distribution}",
                prices=known.prices,
            )


@dataclass(slots=True)
class _Gathered:
    rules: list[Any] = field(default_factory=list)
    taxes: list[Any] = field(default_factory=list)
    strategies: dict[str, Any] = field(default_factory=dict)
    serving: dict[tuple[str, str], Any] = field(default_factory=dict)
    channels: dict[str, Any] = field(default_factory=dict)
    warmers: dict[str, Any] = field(default_factory=dict)
    tells: dict[str, list[Any]] = field(default_factory=dict)


def _gather(gathered: _Gathered, each: _Asked, report: Report, limits: Limits) -> None:
    view = each.view
    make = Maker(
        plugin=view.name,
        distribution=view.distribution,
        version=view.version,
        api=view.manifest.api if view.manifest else "",
        settings=each.filled.value,
        settings_version=each.filled.version,
        report=report,
        limits=limits,
        mask=masking(each.filled),
    )
    enabled = view.state is State.ENABLED
    for offer in each.offers:
        if offer.hook == "payment_strategies":
            strategy = make.strategy(offer)
            gathered.serving[view.name, offer.code] = strategy
            if enabled:
                gathered.strategies[offer.code] = strategy
        elif enabled:
            _gather_one(gathered, make, offer)
    for hook, implementation in each.plugin.implementations.items():
        if enabled and hook not in OFFERS:
            gathered.tells.setdefault(hook, []).append(make.tell(implementation))


def _gather_one(gathered: _Gathered, make: Maker, offer: Offer) -> None:
    if offer.hook == "notification_channels":
        gathered.channels[offer.code] = make.channel(offer)
    elif offer.hook == "cache_warmers":
        gathered.warmers[offer.code] = make.warmer(offer)
    elif "propose" in offer.methods:
        gathered.rules.append(make.rule(offer))
    else:
        gathered.taxes.append(make.tax(offer))


def _problems(
    asked: Iterable[_Asked], views: Iterable[PluginView], states: PluginStates
) -> tuple[Problem, ...]:
    failed = [
        Problem(plugin=each.view.name, id="orderloom.W002", text=f"LOAD_FAILED: {each.view.why}")
        for each in asked
        if each.view.code is Code.LOAD_FAILED and each.plugin.code is Code.LOADED
    ]
    unset = [
        Problem(plugin=each.view.name, id="orderloom.W004", text=f"NOT_CONFIGURED: {each.view.why}")
        for each in asked
        if states.refreshed and each.view.state is State.NOT_CONFIGURED
    ]
    strangers = [
        Problem(
            plugin=name,
            id="orderloom.W003",
            text="ORDERLOOM_PLUGINS_DISABLED names it, and no installed package provides it",
        )
        for name in sorted(states.disabled - {view.name for view in views})
        if states.refreshed
    ]
    return (*failed, *unset, *strangers)


def _pricing_gone(
    views: Iterable[PluginView], loaded: Loaded, states: PluginStates
) -> tuple[str, ...]:
    """Those that counted in prices and can't be asked any more, but not by anybody's decision."""
    counted: Mapping[str, KnownPlugin] = {k.name: k for k in states.known if k.was_on and k.prices}
    allow = loaded.discovered.allow
    wanted: Callable[[str], bool] = lambda name: allow is None or name in allow  # noqa: E731
    return tuple(
        view.name
        for view in views
        if view.name in counted
        and view.switch is Switch.ON
        and wanted(view.name)
        and (view.state in _GONE or view.why == Because.SAFE_MODE)
    )
