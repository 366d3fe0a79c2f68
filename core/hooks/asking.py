"""Each plugin asked for its offers, once per set of settings: those in force, and former ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from core.hooks.claims import Claims
from core.hooks.guard import SPARED, describe
from core.hooks.kinds import TELL, is_ill
from core.hooks.loader import Loaded, LoadedPlugin
from core.hooks.offers import Offer, ask_offers
from core.hooks.section import Section
from core.hooks.settings import Filled, Layer, SettingsSource
from core.hooks.states import (
    Ailment,
    Code,
    Configuration,
    Health,
    PluginStates,
    PluginView,
    Switch,
)
from core.hooks.verify import RefusedPluginError
from hookspecs import NotConfigured

__all__ = ["Asked", "ask", "ask_formerly", "section_of"]

_BEHIND = "its tables are behind its code: run `manage.py migrate`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a plugin answered, and how it stands now."""

    plugin: LoadedPlugin
    view: PluginView
    filled: Filled = field(default_factory=Filled)
    offers: tuple[Offer, ...] = ()
    ailing: tuple[Ailment, ...] = ()
    """What of this version is quarantined."""


def ask(
    plugin: LoadedPlugin,
    loaded: Loaded,
    states: PluginStates,
    settings: SettingsSource,
    claims: Claims,
) -> Asked:
    """Ask a plugin for its offers with the settings in force."""
    view = _view(plugin, states)
    if plugin.code is not Code.LOADED:
        return Asked(plugin=plugin, view=view)
    if plugin.name in states.unmigrated:
        return Asked(plugin=plugin, view=_not_configured(view, _BEHIND))
    filled = Filled()
    try:
        filled = _filled(plugin, settings, states.console.get(plugin.name, ()))
        offers = _offers(plugin, loaded, filled)
    except NotConfigured as error:
        return Asked(plugin=plugin, view=_not_configured(view, str(error)), filled=filled)
    except RefusedPluginError as error:
        return Asked(plugin=plugin, view=_failed(view, str(error)), filled=filled)
    why = claims.refuse(plugin.name, offers)
    if why:
        return Asked(plugin=plugin, view=_failed(view, why), filled=filled)
    view = replace(
        view,
        offers=tuple(offer.code for offer in offers),
        channels=tuple(o.code for o in offers if o.hook == "notification_channels"),
        prices=plugin.name not in states.shadow and any(map(_is_mandatory, offers)),
    )
    ailing = tuple(one for one in states.ailing if _concerns(one, view, offers))
    if ailing and view.switch is Switch.ON:
        view = replace(view, health=Health.QUARANTINED, why=_said_of(ailing))
    return Asked(plugin=plugin, view=view, filled=filled, offers=offers, ailing=ailing)


def _concerns(one: Ailment, view: PluginView, offers: tuple[Offer, ...]) -> bool:
    """Another version begins anew, and what fails for one account may work for another one."""
    if not one.quarantined or (one.plugin, one.version) != (view.name, view.version):
        return False
    return one.kind == TELL or any(is_ill(offer, one) for offer in offers)


def _said_of(ailing: tuple[Ailment, ...]) -> str:
    parts = (f"{one.kind}{f' ({one.account})' * bool(one.account)}: {one.cause}" for one in ailing)
    return "; ".join(parts)


def ask_formerly(
    asked: Asked, loaded: Loaded, states: PluginStates, settings: SettingsSource
) -> Iterator[Asked]:
    """Yield what a way to pay offered with earlier settings of the console, newest first.

    Settings that this version of the plugin can't do with any more are passed over.
    """
    plugin = asked.plugin
    if plugin.code is not Code.LOADED or "payment_strategies" not in plugin.implementations:
        return
    if plugin.name in states.unmigrated:
        return
    seen = {asked.filled.version} if asked.offers else set()
    for console in states.former.get(plugin.name, ()):
        try:
            filled = _filled(plugin, settings, console)
            if filled.version not in seen:
                seen.add(filled.version)
                offers = _offers(plugin, loaded, filled)
                yield replace(asked, filled=filled, offers=offers)
        except (NotConfigured, RefusedPluginError):
            continue


def section_of(plugin: LoadedPlugin, loaded: Loaded, settings: SettingsSource) -> Section | None:
    """Return a plugin's section of settings, or None where it has none."""
    if plugin.schema is None:
        return None
    return Section(
        plugin=plugin.name,
        schema=plugin.schema,
        source=settings,
        ask=partial(_offers, plugin, loaded),
    )


def _is_mandatory(offer: Offer) -> bool:
    return offer.hook == "pricing_rules" and not offer.info.optional


def _not_configured(view: PluginView, why: str) -> PluginView:
    return replace(view, configuration=Configuration.NOT_CONFIGURED, why=why)


def _failed(view: PluginView, why: str) -> PluginView:
    return replace(view, code=Code.LOAD_FAILED, why=why)


def _filled(plugin: LoadedPlugin, settings: SettingsSource, console: tuple[Layer, ...]) -> Filled:
    if plugin.schema is None:
        return Filled()
    try:
        return plugin.schema.fill(plugin.name, settings, console)
    except (NotConfigured, *SPARED):
        raise
    except BaseException as error:
        raise RefusedPluginError(f"reading its settings raised {describe(error)}") from error


def _offers(plugin: LoadedPlugin, loaded: Loaded, filled: Filled) -> tuple[Offer, ...]:
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
    off = found.name in states.disabled
    return PluginView(
        name=found.name,
        title=manifest.title if manifest else found.name,
        distribution=found.distribution,
        version=found.version,
        code=plugin.code,
        switch=Switch.OFF if off else Switch.ON,
        why=plugin.why or (states.why_off.get(found.name, "switched off") if off else ""),
        hooks=manifest.hooks if manifest else (),
        manifest=manifest,
    )
