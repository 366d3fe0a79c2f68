"""Offers as the core uses them: provenance added, every method behind the guard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from core.domain.errors import PluginFailedError, RuleFailedError
from core.hooks.guard import Called, Guard, Report, WrongAnswerError
from core.hooks.offered import (
    OfferedChannel,
    OfferedRule,
    OfferedStrategy,
    OfferedTax,
    OfferedTell,
    OfferedWarmer,
)
from core.hooks.offers import Offer
from core.hooks.verify import Implementation
from hookspecs import Catalogue, Event, Skip

__all__ = ["Limits", "Maker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many seconds a call may take where no deadline comes with it."""

    pure: float = 0.05
    prepare: float = 0.1
    tell: float = 10.0
    warm: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Makes what is offered by one plugin with one set of settings."""

    plugin: str
    distribution: str
    version: str
    api: str
    settings: Any
    settings_version: str
    report: Report
    limits: Limits
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
        guards = self._guards(offer, limit=self.limits.warm)
        plan = guards["plan"]

        def planned(change: Event | None, catalogue: Catalogue) -> Iterable[str]:
            following = _steps(plan(change, catalogue), plan.wrapping)
            return iter(following)

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
            guard=self._guard(called, told, lambda answer: answer, self.limits.tell),
        )

    def _guards(self, offer: Offer, limit: float = 0.0) -> Mapping[str, Guard]:
        return MappingProxyType(
            {
                name: self._guard(self._called(offer, name), method.call, method.check, limit)
                for name, method in offer.methods.items()
            }
        )

    def _called(self, offer: Offer, method: str) -> Called:
        return Called(self.plugin, self.version, method, offer.code)

    def _guard(
        self,
        called: Called,
        call: Callable[..., Any],
        check: Callable[[Any], Any],
        limit: float,
    ) -> Guard:
        return Guard(called, call, check=check, report=self.report, limit=limit, mask=self.mask)

    def _ruling(self, offer: Offer, name: str, limit: float, instead: Any) -> Callable[..., Any]:
        """A method of a rule: if it fails, the quote fails, or an optional rule is passed over."""
        method = offer.methods[name]
        guard = self._guard(self._called(offer, name), method.call, method.check, limit)

        def ask(*given: Any) -> Any:
            try:
                return guard(*given)
            except PluginFailedError as error:
                if offer.info.optional:
                    return instead(error)
                raise self._rule_failed(offer, error) from error

        return ask

    def _pure(self, offer: Offer, name: str) -> Callable[..., Any]:
        return self._ruling(offer, name, self.limits.pure, _skipped)

    def _prepare(self, offer: Offer) -> Callable[..., Any] | None:
        if "prepare" not in offer.methods:
            return None
        return self._ruling(offer, "prepare", self.limits.prepare, _unprepared)

    def _rule_failed(self, offer: Offer, error: PluginFailedError) -> RuleFailedError:
        return RuleFailedError(
            f"Rule {offer.code} of plugin {self.plugin} {self.version} failed: "
            f"{error.details['cause']}",
            rule=offer.code,
            plugin=self.plugin,
        )


def _skipped(error: PluginFailedError) -> Skip:
    return Skip(reason=f"failed: {error.details['cause']}")


def _unprepared(_: PluginFailedError) -> Mapping[str, Any]:
    return MappingProxyType({})


def _steps(keys: Any, wrapping: Callable[[Callable[[], Any]], Any]) -> Iterator[str]:
    """A plan may be lazy: what raises half way is wrapped as well."""
    steps = wrapping(lambda: iter(keys))
    done = object()
    while (key := wrapping(lambda: next(steps, done))) is not done:
        if not isinstance(key, str):
            wrapping(lambda: _refuse(key))
        yield key


def _refuse(key: Any) -> None:
    raise WrongAnswerError(f"planned {type(key).__name__}, expected a key")
