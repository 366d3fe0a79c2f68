"""Offers asked for, each checked against its Protocol before anybody relies on it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, get_origin, get_type_hints

import hookspecs
from core.hooks.answers import expecting, iterated, listed, plain_data, proposals, wrong
from core.hooks.guard import SPARED, describe
from core.hooks.settings import Filled, masked
from core.hooks.verify import OFFERS, Implementation, RefusedPluginError
from hookspecs import NotConfigured

__all__ = ["Method", "Offer", "ask_offers", "masking"]

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What an offer has to be: its Protocol, the type of its `info`, and what it may do besides."""

    protocol: Any
    info: type
    code: str
    roles: tuple[Any, ...] = (hookspecs.Probes,)


_RULE = _Kind(
    protocol=hookspecs.PricingRule,
    info=hookspecs.RuleInfo,
    code="key",
    roles=(hookspecs.Prepares,),
)
_TAX = _Kind(
    protocol=hookspecs.TaxRule, info=hookspecs.TaxInfo, code="key", roles=(hookspecs.Prepares,)
)
_KINDS = {
    "payment_strategies": _Kind(
        protocol=hookspecs.PaymentStrategy,
        info=hookspecs.PaymentInfo,
        code="code",
        roles=(
            hookspecs.Resumes,
            hookspecs.Captures,
            hookspecs.Voids,
            hookspecs.Refunds,
            hookspecs.ReadsWebhooks,
            hookspecs.HasStatement,
            hookspecs.Probes,
        ),
    ),
    "pricing_rules": _RULE,
    "notification_channels": _Kind(
        protocol=hookspecs.NotificationChannel,
        info=hookspecs.ChannelInfo,
        code="code",
        roles=(hookspecs.ReadsReceipts, hookspecs.Probes),
    ),
    "cache_warmers": _Kind(
        protocol=hookspecs.CacheWarmer, info=hookspecs.WarmerInfo, code="namespace"
    ),
}
_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "propose": proposals,
    "rates": proposals,
    "prepare": plain_data,
    "plan": iterated,
    "load": plain_data,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of an offer, and the check of its answer."""

    call: Callable[..., Any]
    check: Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One offer: which hook brought it, what it is, under which code, and what it can do."""

    hook: str
    code: str
    info: Any
    methods: Mapping[str, Method]


def ask_offers(implementations: Mapping[str, Implementation], filled: Filled) -> tuple[Offer, ...]:
    """Ask a plugin's offer hooks with these settings.

    Raises:
        NotConfigured: the plugin says that its settings can't work.
        RefusedPluginError: it raised anything else, or an offer isn't what its Protocol says.

    """
    offers = [
        _checked(hook, each)
        for hook in OFFERS
        if hook in implementations
        for each in _asked(hook, implementations[hook], filled)
    ]
    seen: set[tuple[str, str]] = set()
    for offer in offers:
        if (offer.hook, offer.code) in seen:
            raise RefusedPluginError(f"{offer.hook} offers {offer.code!r} twice")
        seen.add((offer.hook, offer.code))
    return tuple(offers)


def masking(filled: Filled) -> Callable[[str], str]:
    """Return what takes a plugin's secrets out of a text."""
    return partial(masked, secrets=filled.secrets) if filled.secrets else str


def _asked(hook: str, implementation: Implementation, filled: Filled) -> tuple[Any, ...]:
    try:
        return listed(implementation(settings=filled.value))
    except SPARED:
        raise
    except NotConfigured as error:
        raise NotConfigured(masking(filled)(str(error))) from None
    except BaseException as error:
        raise RefusedPluginError(f"{hook} raised {describe(error, masking(filled))}") from error


def _checked(hook: str, offer: Any) -> Offer:
    try:
        return _examined(hook, offer)
    except (RefusedPluginError, *SPARED):
        raise
    except BaseException as error:
        raise RefusedPluginError(f"{hook}: looking at an offer raised {describe(error)}") from error


def _examined(hook: str, offer: Any) -> Offer:
    kind = _KINDS[hook]
    name = type(offer).__name__
    if kind is _RULE and hasattr(offer, "rates") and not hasattr(offer, "propose"):
        kind = _TAX
    if isinstance(offer, type) or not isinstance(offer, kind.protocol):
        lacks = _lacking(offer, kind.protocol)
        raise RefusedPluginError(f"{hook} offers {name}, which lacks {', '.join(lacks)}")
    info = offer.info
    fault = wrong(info, kind.info, "info")
    if fault:
        raise RefusedPluginError(f"{hook} offers {name}: {fault}")
    if info != offer.info:
        raise RefusedPluginError(f"{hook} offers {name}: info is another at every look")
    code = getattr(info, kind.code)
    if not _CODE.fullmatch(code):
        raise RefusedPluginError(f"{hook} offers {name}: {kind.code} = {code!r} is no code")
    if not 0 < len(info.label) <= _LONGEST_LABEL:
        raise RefusedPluginError(f"{hook} offers {name}: a label has 1 to 200 characters")
    methods = {
        method: _method(f"{hook}: {name}.{method}", offer, protocol, method)
        for protocol in (kind.protocol, *kind.roles)
        if isinstance(offer, protocol)
        for method in _methods(protocol)
    }
    return Offer(hook=hook, code=code, info=info, methods=MappingProxyType(methods))


def _methods(protocol: Any) -> tuple[str, ...]:
    return tuple(name for name, member in vars(protocol).items() if _is_method(name, member))


def _is_method(name: str, member: Any) -> bool:
    return inspect.isfunction(member) and not name.startswith("_")


def _lacking(offer: Any, protocol: Any) -> list[str]:
    if isinstance(offer, type):
        return ["an instance: it is a class"]
    return [name for name in ("info", *_methods(protocol)) if not hasattr(offer, name)]


def _method(where: str, offer: Any, protocol: Any, name: str) -> Method:
    method = getattr(offer, name)
    answer = get_type_hints(getattr(protocol, name))["return"]
    if not callable(method):
        raise RefusedPluginError(f"{where} can't be called")
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise RefusedPluginError(f"{where} is async, and nobody would await it")
    if inspect.isgeneratorfunction(method) and get_origin(answer) is not Iterable:
        raise RefusedPluginError(f"{where} is a generator, and has to return its answer")
    expected = [p for p in inspect.signature(getattr(protocol, name)).parameters if p != "self"]
    try:
        inspect.signature(method).bind(*expected)
    except TypeError as error:
        raise RefusedPluginError(
            f"{where} can't be called with ({', '.join(expected)}): {error}"
        ) from error
    except ValueError:
        pass  # written in C: nothing tells its signature
    return Method(call=method, check=_SPECIAL.get(name) or expecting(answer))
