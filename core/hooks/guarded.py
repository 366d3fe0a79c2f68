"""Offers as the core uses them: provenance added, every method behind the guard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any

from core.domain.errors import PluginFailedError, RuleFailedError
from core.hooks.answers import a_chunk
from core.hooks.breaker import Breaker, BreakerKey, Breakers
from core.hooks.guard import Called, Guard, PooledGuard, Report
from core.hooks.kinds import TELL, account_of, can_rest, kind_of
from core.hooks.offered import (
    OfferedChannel,
    OfferedRule,
    OfferedStrategy,
    OfferedTax,
    OfferedTell,
    OfferedWarmer,
)
from core.hooks.offers import Method, Offer
from core.hooks.pool import Pools
from core.hooks.verify import Implementation
from hookspecs import Call, Catalogue, Event, Quote, Skip

__all__ = ["Calling", "Limits", "Maker"]

_CHUNK = 1000
_MOST_TOUCHED = 100_000
_NEVER_CUT = frozenset({"refund", "inquire"})
"""Money goes back and doubts are settled, whatever else fails; their own failures count."""

_UNCOUNTED = frozenset({"read_webhook", "read_receipt", "statement", "probe"})
"""Anybody can send rubbish, and people who ask may ask: never cut off, and it doesn't count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many seconds a call may take where no deadline comes with it, and `grace` where one does.

    Whoever is told of a deadline answers at it, in words that we want to hear: hence the grace.
    """

    pure: float = 0.05
    tell: float = 10.0
    warm: float = 30.0
    grace: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Calling:
    """What all calls of a registry have in common: who is told, how long, and where they run."""

    report: Report
    limits: Limits
    pools: Pools
    breakers: Breakers


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes what is offered by one plugin with one set of settings."""

    plugin: str
    distribution: str
    version: str
    api: str
    settings: Any
    settings_version: str
    call: Calling
    mask: Callable[[str], str]

    def rule(self, offer: Offer) -> OfferedRule:
        """Make a pricing rule."""
        return OfferedRule(
            plugin=self.plugin,
            version=self.version,
            info=offer.info,
            propose=self._pure(offer, "propose"),
            prepare=self._prepare(offer),
        )

    def tax(self, offer: Offer) -> OfferedTax:
        """Make a tax rule."""
        return OfferedTax(
            plugin=self.plugin,
            version=self.version,
            info=offer.info,
            rates=self._pure(offer, "rates"),
            prepare=self._prepare(offer),
        )

    def strategy(self, offer: Offer) -> OfferedStrategy:
        """Make a way to pay."""
        return OfferedStrategy(
            plugin=self.plugin,
            distribution=self.distribution,
            version=self.version,
            api=self.api,
            settings_version=self.settings_version,
            info=offer.info,
            guards=self._guards(offer),
        )

    def channel(self, offer: Offer) -> OfferedChannel:
        """Make a way to tell people."""
        return OfferedChannel(
            plugin=self.plugin,
            version=self.version,
            info=offer.info,
            guards=self._guards(offer),
        )

    def warmer(self, offer: Offer) -> OfferedWarmer:
        """Make a cache to keep warm."""
        guards = self._guards(offer, limit=self.call.limits.warm)
        steps = self._pooled(
            self._called(offer, "plan"),
            Method(call=_next_keys, check=a_chunk),
            limit=self.call.limits.warm,
            breaker=self._breaker(offer),
        )

        def planned(change: Event | None, catalogue: Catalogue) -> Iterator[str]:
            keys = iter(guards["plan"](change, catalogue))
            if change is not None:
                keys = islice(keys, _MOST_TOUCHED)  # who waits for the end must see one
            while chunk := steps(keys):
                yield from chunk

        return OfferedWarmer(
            plugin=self.plugin,
            version=self.version,
            info=offer.info,
            plan=planned,
            load=guards["load"],
        )

    def tell(self, implementation: Implementation) -> OfferedTell:
        """Make a receiver of a tell."""
        settings = self.settings

        def told(event: Event) -> None:
            implementation(event=event, settings=settings)

        called = Called(self.plugin, self.version, implementation.hook)
        return OfferedTell(
            plugin=self.plugin,
            version=self.version,
            hook=implementation.hook,
            guard=self._pooled(
                called,
                Method(call=told, check=lambda answer: answer),
                limit=self.call.limits.tell,
                breaker=self._breaker_of(TELL),
            ),
        )

    def _guards(self, offer: Offer, limit: float = 0.0) -> Mapping[str, PooledGuard]:
        breaker = self._breaker(offer)
        return MappingProxyType(
            {
                name: self._pooled(
                    self._called(offer, name),
                    method,
                    limit=limit,
                    breaker=None if name in _UNCOUNTED else breaker,
                    cuts=name not in _NEVER_CUT,
                )
                for name, method in offer.methods.items()
            }
        )

    def _called(self, offer: Offer, method: str) -> Called:
        return Called(self.plugin, self.version, method, offer.code)

    def _pooled(
        self,
        called: Called,
        method: Method,
        *,
        limit: float = 0.0,
        breaker: Breaker | None,
        cuts: bool = True,
    ) -> PooledGuard:
        return PooledGuard(
            called,
            method.call,
            check=method.check,
            report=self.call.report,
            limit=limit,
            mask=self.mask,
            pools=self.call.pools,
            grace=self.call.limits.grace,
            breaker=breaker,
            cuts=cuts,
        )

    def _breaker(self, offer: Offer) -> Breaker | None:
        """A mandatory rule has none: it is never left out, however often it fails."""
        return self._breaker_of(kind_of(offer), account_of(offer)) if can_rest(offer) else None

    def _breaker_of(self, kind: str, account: str = "") -> Breaker:
        key = BreakerKey(self.plugin, kind, account)
        return self.call.breakers.of(key, version=self.version)

    def _pure(self, offer: Offer, name: str) -> Callable[[Quote], Any]:
        """A method of a rule: if it fails, the quote fails, or an optional rule is passed over."""
        method = offer.methods[name]
        guard = Guard(
            self._called(offer, name),
            method.call,
            check=method.check,
            report=self.call.report,
            limit=self.call.limits.pure,
            mask=self.mask,
            breaker=self._breaker(offer),
        )

        def ask(quote: Quote) -> Any:
            try:
                return guard(quote)
            except PluginFailedError as error:
                if offer.info.optional:
                    return _skipped(error)
                raise self._rule_failed(offer, error) from error

        return ask

    def _prepare(self, offer: Offer) -> Callable[[Quote, Call], Mapping[str, Any]] | None:
        if "prepare" not in offer.methods:
            return None
        method = offer.methods["prepare"]
        guard = self._pooled(self._called(offer, "prepare"), method, breaker=self._breaker(offer))

        def ask(quote: Quote, call: Call) -> Mapping[str, Any]:
            try:
                found: Mapping[str, Any] = guard(quote, call, until=call.deadline)
            except PluginFailedError as error:
                if offer.info.optional:
                    return MappingProxyType({})
                raise self._rule_failed(offer, error) from error
            return found

        return ask

    def _rule_failed(self, offer: Offer, error: PluginFailedError) -> RuleFailedError:
        return RuleFailedError(
            f"Rule {offer.code} of plugin {self.plugin} {self.version} failed: "
            f"{error.details['cause']}",
            rule=offer.code,
            plugin=self.plugin,
        )


def _skipped(error: PluginFailedError) -> Skip:
    return Skip(reason=f"failed: {error.details['cause']}")


def _next_keys(keys: Iterator[Any]) -> list[Any]:
    """A plan may be lazy: what it does half way it does in a thread of the plugin as well."""
    return list(islice(keys, _CHUNK))
