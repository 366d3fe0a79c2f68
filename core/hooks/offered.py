"""What plugins offer, as the core uses it: each with its provenance, every method guarded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import hookspecs as page
from core.domain.errors import NotSupported, PluginFailedError, PluginNotAskedError
from core.hooks.guard import PooledGuard

__all__ = [
    "OfferedChannel",
    "OfferedRule",
    "OfferedStrategy",
    "OfferedTax",
    "OfferedTell",
    "OfferedWarmer",
]

_SENDING = frozenset({"start", "resume", "capture", "void", "refund", "deliver"})
"""Where the answer may be that nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruling:
    """What pricing rules and taxes have in common; `prepare` is None where there is none."""

    plugin: str
    version: str
    info: Any
    prepare: Callable[[page.Quote, page.Call], Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedRule(_Ruling):
    """A pricing rule. `propose` raises `RuleFailedError`, or skips where the rule is optional."""

    info: page.RuleInfo
    propose: Callable[[page.Quote], Sequence[page.Adjustment] | page.Skip]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTax(_Ruling):
    """A tax rule. `rates` raises `RuleFailedError`, or skips where the rule is optional."""

    info: page.TaxInfo
    rates: Callable[[page.Quote], Sequence[page.Tax] | page.Skip]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offered:
    """An offer whose methods take a `Call`: what the plugin breaks is `Unknown`."""

    plugin: str
    version: str
    info: Any
    guards: Mapping[str, PooledGuard]

    @property
    def can(self) -> frozenset[str]:
        """The names of the methods it has."""
        return frozenset(self.guards)

    def probe(self, call: page.Call) -> page.Healthy | page.Unhealthy:
        """Say whether it could work right now."""
        answer = self._ask("probe", call)
        return page.Unhealthy(cause=answer.cause) if isinstance(answer, page.Unknown) else answer

    def _ask(self, method: str, *given: Any) -> Any:
        guard = self.guards.get(method)
        if guard is None:
            raise NotSupported(
                f"{self.info.label} can't {method.replace('_', ' ')}.",
                plugin=self.plugin,
                offer=self.info.code,
                method=method,
            )
        try:
            return guard(*given, until=given[-1].deadline)
        except PluginNotAskedError as error:
            kind = page.NotSent if method in _SENDING else page.Unknown
            return kind(cause=str(error.details["cause"]))
        except PluginFailedError as error:
            return page.Unknown(cause=str(error.details["cause"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedStrategy(_Offered):
    """A way to pay. No method raises but `NotSupported`.

    Nobody waits past the deadline: what comes later is lost, and looked up.
    """

    distribution: str
    api: str
    settings_version: str
    info: page.PaymentInfo

    def start(self, request: page.StartRequest, call: page.Call) -> page.Outcome:
        """Begin to collect."""
        return self._ask("start", request, call)  # type: ignore[no-any-return]

    def resume(self, request: page.ResumeRequest, call: page.Call) -> page.Outcome:
        """Go on after the customer was sent away."""
        return self._ask("resume", request, call)  # type: ignore[no-any-return]

    def capture(self, request: page.CaptureRequest, call: page.Call) -> page.Outcome:
        """Take an authorised amount."""
        return self._ask("capture", request, call)  # type: ignore[no-any-return]

    def void(self, request: page.VoidRequest, call: page.Call) -> page.Outcome:
        """Cancel before any money moves."""
        return self._ask("void", request, call)  # type: ignore[no-any-return]

    def refund(self, request: page.RefundRequest, call: page.Call) -> page.Outcome:
        """Give a captured amount back."""
        return self._ask("refund", request, call)  # type: ignore[no-any-return]

    def inquire(self, request: page.InquireRequest, call: page.Call) -> page.Finding:
        """Ask what has become of a payment."""
        return self._ask("inquire", request, call)  # type: ignore[no-any-return]

    def read_webhook(
        self, webhook: page.Webhook, call: page.Call
    ) -> Sequence[page.Notice] | page.Untrusted | page.Unknown:
        """Verify and parse what came in."""
        return self._ask("read_webhook", webhook, call)  # type: ignore[no-any-return]

    def statement(
        self, since: datetime, until: datetime, call: page.Call
    ) -> tuple[page.Notice, ...] | page.Unknown:
        """List everything that happened between two moments."""
        return self._ask("statement", since, until, call)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedChannel(_Offered):
    """A way to tell people. No method raises but `NotSupported`."""

    info: page.ChannelInfo

    def deliver(self, message: page.Message, call: page.Call) -> page.Delivered:
        """Hand a message over."""
        return self._ask("deliver", message, call)  # type: ignore[no-any-return]

    def read_receipt(
        self, webhook: page.Webhook, call: page.Call
    ) -> Sequence[page.DeliveryReceipt] | page.Untrusted | page.Unknown:
        """Verify and parse a bounce, or a proof of arrival."""
        return self._ask("read_receipt", webhook, call)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTell:
    """A plugin that wants to hear of something."""

    plugin: str
    version: str
    hook: str
    guard: PooledGuard

    def tell(self, event: page.Event) -> None:
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
    info: page.WarmerInfo
    plan: Callable[[page.Event | None, page.Catalogue], Iterator[str]]
    """Lazily; each step of the iteration is guarded as well."""
    load: Callable[[Sequence[str], page.Catalogue], Mapping[str, Any]]
