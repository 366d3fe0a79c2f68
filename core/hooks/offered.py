"""What plugins offer, as the core uses it: each with its provenance, every method guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.domain.errors import NotSupported, PluginFailedError
from core.hooks.guard import Guard
from hookspecs import (
    Adjustment,
    Call,
    CaptureRequest,
    Catalogue,
    ChannelInfo,
    Delivered,
    DeliveryReceipt,
    Event,
    Finding,
    Healthy,
    InquireRequest,
    Message,
    Notice,
    Outcome,
    PaymentInfo,
    Quote,
    RefundRequest,
    ResumeRequest,
    RuleInfo,
    Skip,
    StartRequest,
    Tax,
    TaxInfo,
    Unhealthy,
    Unknown,
    Untrusted,
    VoidRequest,
    WarmerInfo,
    Webhook,
)

__all__ = [
    "OfferedChannel",
    "OfferedRule",
    "OfferedStrategy",
    "OfferedTax",
    "OfferedTell",
    "OfferedWarmer",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedRule:
    """A pricing rule. `propose` raises `RuleFailedError`, or skips where the rule is optional."""

    plugin: str
    version: str
    info: RuleInfo
    propose: Callable[[Quote], Sequence[Adjustment] | Skip]
    prepare: Callable[[Quote, Call], Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTax:
    """A tax rule. `rates` raises `RuleFailedError`, or skips where the rule is optional."""

    plugin: str
    version: str
    info: TaxInfo
    rates: Callable[[Quote], Sequence[Tax] | Skip]
    prepare: Callable[[Quote, Call], Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedStrategy:
    """A way to pay. No method raises but `NotSupported`: what a plugin breaks is `Unknown`.

    `can` names the methods it has. An answer that comes after the deadline is reported as an
    overrun, and still returned: news is news.
    """

    plugin: str
    distribution: str
    version: str
    api: str
    settings_version: str
    info: PaymentInfo
    guards: Mapping[str, Guard]

    @property
    def can(self) -> frozenset[str]:
        """The names of its methods, `start` and `inquire` always among them."""
        return frozenset(self.guards)

    def start(self, request: StartRequest, call: Call) -> Outcome:
        """Begin to collect."""
        return self._ask("start", request, call)  # type: ignore[no-any-return]

    def resume(self, request: ResumeRequest, call: Call) -> Outcome:
        """Go on after the customer was sent away."""
        return self._ask("resume", request, call)  # type: ignore[no-any-return]

    def capture(self, request: CaptureRequest, call: Call) -> Outcome:
        """Take an authorised amount."""
        return self._ask("capture", request, call)  # type: ignore[no-any-return]

    def void(self, request: VoidRequest, call: Call) -> Outcome:
        """Cancel before any money moves."""
        return self._ask("void", request, call)  # type: ignore[no-any-return]

    def refund(self, request: RefundRequest, call: Call) -> Outcome:
        """Give a captured amount back."""
        return self._ask("refund", request, call)  # type: ignore[no-any-return]

    def inquire(self, request: InquireRequest, call: Call) -> Finding:
        """Ask what has become of a payment."""
        return self._ask("inquire", request, call)  # type: ignore[no-any-return]

    def read_webhook(self, webhook: Webhook, call: Call) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify and parse what came in."""
        return self._ask("read_webhook", webhook, call)  # type: ignore[no-any-return]

    def statement(
        self, since: datetime, until: datetime, call: Call
    ) -> tuple[Notice, ...] | Unknown:
        """List everything that happened between two moments."""
        return self._ask("statement", since, until, call)  # type: ignore[no-any-return]

    def probe(self, call: Call) -> Healthy | Unhealthy:
        """Say whether it could work right now."""
        answer = self._ask("probe", call)
        return Unhealthy(cause=answer.cause) if isinstance(answer, Unknown) else answer

    def _ask(self, method: str, *given: Any) -> Any:
        guard = self.guards.get(method)
        if guard is None:
            raise NotSupported(
                f"{self.info.label} can't {method.replace('_', ' ')}.",
                plugin=self.plugin,
                strategy=self.info.code,
                method=method,
            )
        try:
            return guard(*given, until=given[-1].deadline)
        except PluginFailedError as error:
            return Unknown(cause=str(error.details["cause"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedChannel:
    """A way to tell people. What the plugin breaks is `Unknown`."""

    plugin: str
    version: str
    info: ChannelInfo
    guards: Mapping[str, Guard]

    @property
    def can(self) -> frozenset[str]:
        """The names of its methods, `deliver` always among them."""
        return frozenset(self.guards)

    def deliver(self, message: Message, call: Call) -> Delivered:
        """Hand a message over."""
        return self._ask("deliver", message, call)  # type: ignore[no-any-return]

    def read_receipt(
        self, webhook: Webhook, call: Call
    ) -> Sequence[DeliveryReceipt] | Untrusted | Unknown:
        """Verify and parse a bounce, or a proof of arrival."""
        return self._ask("read_receipt", webhook, call)  # type: ignore[no-any-return]

    def probe(self, call: Call) -> Healthy | Unhealthy:
        """Say whether it could work right now."""
        answer = self._ask("probe", call)
        return Unhealthy(cause=answer.cause) if isinstance(answer, Unknown) else answer

    def _ask(self, method: str, *given: Any) -> Any:
        guard = self.guards.get(method)
        if guard is None:
            raise NotSupported(
                f"{self.info.label} can't {method.replace('_', ' ')}.",
                plugin=self.plugin,
                channel=self.info.code,
                method=method,
            )
        try:
            return guard(*given, until=given[-1].deadline)
        except PluginFailedError as error:
            return Unknown(cause=str(error.details["cause"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTell:
    """A plugin that wants to hear of something."""

    plugin: str
    version: str
    hook: str
    guard: Guard

    def tell(self, event: Event) -> None:
        """Tell it.

        Raises:
            PluginFailedError: it raised; tell it again later, with the same event.

        """
        self.guard(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedWarmer:
    """A cache to keep warm. Its methods raise `PluginFailedError`."""

    plugin: str
    version: str
    info: WarmerInfo
    plan: Callable[[Event | None, Catalogue], Iterable[str]]
    """Lazily; each step of the iteration is guarded as well."""
    load: Callable[[Sequence[str], Catalogue], Mapping[str, Any]]
