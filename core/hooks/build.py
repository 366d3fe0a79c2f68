"""How a registry is built: of what is loaded, the states and the settings, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, cast

from core.domain.pricing import order_rules
from core.hooks.asking import Asked, ask, ask_formerly, section_of
from core.hooks.breaker import Breakers
from core.hooks.claims import Claims
from core.hooks.discovery import Because
from core.hooks.guard import Report
from core.hooks.guarded import Calling, Limits, Maker
from core.hooks.kinds import TELL, is_quarantined
from core.hooks.loader import Loaded
from core.hooks.offered import OfferedRule
from core.hooks.offers import Offer, masking
from core.hooks.pool import Pools
from core.hooks.registry import Registry
from core.hooks.settings import SettingsSource
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
from core.hooks.verify import OFFERS

__all__ = ["build"]

_GONE = {State.INCOMPATIBLE, State.LOAD_FAILED, State.MISSING, State.NOT_CONFIGURED}


def build(
    loaded: Loaded,
    states: PluginStates,
    settings: SettingsSource,
    report: Report,
    *,
    limits: Limits | None = None,
    pools: Pools | None = None,
    breakers: Breakers | None = None,
) -> Registry:
    """Build the registry. Each plugin is asked for its offers once per set of settings.

    `report` is told of every call into a plugin; `limits` bound those without a deadline; `pools`
    hold the threads for what does I/O, `breakers` keep back what failed too often.
    """
    call = Calling(
        report=report,
        limits=limits or Limits(),
        pools=pools or Pools(),
        breakers=breakers or Breakers(),
    )
    claims = Claims()
    asked = tuple(ask(plugin, loaded, states, settings, claims) for plugin in loaded.plugins)
    views = (*(each.view for each in asked), *_tombstones(loaded, states))
    gathered = _Gathered()
    for each in asked:
        if each.view.code is Code.LOADED and each.view.configuration is Configuration.OK:
            _gather(gathered, each, call, states.shadow)
        for before in ask_formerly(each, loaded, states, settings):
            _gather_former(gathered, before, call)
    sections = {
        plugin.name: section
        for plugin in loaded.plugins
        if (section := section_of(plugin, loaded, settings)) is not None
    }
    return Registry(
        report=report,
        tenant=states.tenant,
        generation=states.generation,
        plugins=tuple(views),
        problems=loaded.problems + _problems(asked, views, states),
        rules=cast(tuple[OfferedRule, ...], order_rules(gathered.rules)),
        taxes=tuple(gathered.taxes),
        shadow_rules=tuple(gathered.shadow_rules),
        shadow_taxes=tuple(gathered.shadow_taxes),
        pricing_gone=_pricing_gone(views, loaded, states),
        strategies=MappingProxyType(gathered.strategies),
        serving=MappingProxyType(gathered.serving),
        former=MappingProxyType({key: tuple(each) for key, each in gathered.former.items()}),
        channels=MappingProxyType(gathered.channels),
        warmers=MappingProxyType(gathered.warmers),
        tells=MappingProxyType({hook: tuple(each) for hook, each in gathered.tells.items()}),
        settings_sources=MappingProxyType(
            {name: each.fields(states.console.get(name, ())) for name, each in sections.items()}
        ),
        sections=MappingProxyType(sections),
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
    shadow_rules: list[Any] = field(default_factory=list)
    shadow_taxes: list[Any] = field(default_factory=list)
    strategies: dict[str, Any] = field(default_factory=dict)
    serving: dict[tuple[str, str], Any] = field(default_factory=dict)
    former: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    channels: dict[str, Any] = field(default_factory=dict)
    warmers: dict[str, Any] = field(default_factory=dict)
    tells: dict[str, list[Any]] = field(default_factory=dict)


def _gather(gathered: _Gathered, each: Asked, call: Calling, shadow: frozenset[str]) -> None:
    view, make = each.view, _maker(each, call)
    for offer in each.offers:
        offered = view.in_use and not is_quarantined(offer, each.ailing)
        if offer.hook == "payment_strategies":
            strategy = make.strategy(offer)
            gathered.serving[view.name, offer.code] = strategy
            if offered:
                gathered.strategies[offer.code] = strategy
        elif offered and offer.hook == "pricing_rules" and view.name in shadow:
            _gather_shadow(gathered, make, offer)
        elif offered:
            _gather_one(gathered, make, offer)
    told = view.in_use and not any(one.kind == TELL for one in each.ailing)
    for hook, implementation in each.plugin.implementations.items():
        if told and hook not in OFFERS:
            gathered.tells.setdefault(hook, []).append(make.tell(implementation))


def _gather_former(gathered: _Gathered, each: Asked, call: Calling) -> None:
    make = _maker(each, call)
    for offer in each.offers:
        if offer.hook == "payment_strategies":
            before = gathered.former.setdefault((each.view.name, offer.code), [])
            before.append(make.strategy(offer))


def _maker(each: Asked, call: Calling) -> Maker:
    view = each.view
    return Maker(
        plugin=view.name,
        distribution=view.distribution,
        version=view.version,
        api=view.manifest.api if view.manifest else "",
        settings=each.filled.value,
        settings_version=each.filled.version,
        call=call,
        mask=masking(each.filled),
    )


def _gather_shadow(gathered: _Gathered, make: Maker, offer: Offer) -> None:
    """A rule without effect is optional, whatever it says: its failure is nobody's."""
    offer = replace(offer, info=replace(offer.info, optional=True))
    if "propose" in offer.methods:
        gathered.shadow_rules.append(make.rule(offer))
    else:
        gathered.shadow_taxes.append(make.tax(offer))


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
    asked: Iterable[Asked], views: Iterable[PluginView], states: PluginStates
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
    ill = [
        Problem(
            plugin=each.view.name,
            id="orderloom.W006",
            text=f"QUARANTINED: {each.view.why}",
            hint=f"Once the cause is gone: manage.py plugins enable {each.view.name}",
        )
        for each in asked
        if each.view.state is State.QUARANTINED
    ]
    strangers = [
        Problem(
            plugin=name,
            id="orderloom.W003",
            text="ORDERLOOM_PLUGINS_DISABLED names it, and no installed package provides it",
        )
        for name in sorted(states.named - {view.name for view in views})
        if states.refreshed
    ]
    return (*failed, *unset, *ill, *strangers)


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
