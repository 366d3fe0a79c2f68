"""The wire as a test sees it: gateways that answer as they are told and keep what they were asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from django.db.models.functions import Now

from core.hooks.registry import Registry
from core.models import Operation
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Call, Finding, InquireRequest, Outcome, PaymentInfo, PaymentRequest


class Wire(MemoryGateway):
    """Answers as it is told, then as its ledger says; ``about`` is what its info says otherwise."""

    def __init__(self, *answers: Outcome, about: dict[str, Any] | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.answers = list(answers)
        self.about = about or {}
        self.requests: list[PaymentRequest] = []
        self.inquiries: list[InquireRequest] = []
        self.attempts: list[int | None] = []
        self.seconds: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self.found: Finding | None = None

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        return replace(super().info, **self.about)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Describe the payment as told, or as it stands."""
        self.inquiries.append(request)
        return self.found or super().inquire(request, call)

    def _post(self, verb: str, request: PaymentRequest, call: Call) -> Outcome:
        self.requests.append(request)
        self.attempts.append(call.attempt)
        self.seconds.append(call.seconds_left())
        self.meanwhile()
        return self.answers.pop(0) if self.answers else super()._post(verb, request, call)


class Bare:
    """The same gateway, of which only what is mandatory can be asked."""

    def __init__(self, gateway: MemoryGateway) -> None:
        self.info, self.start, self.inquire = gateway.info, gateway.start, gateway.inquire


def offering(*gateways: Any, disabled: Iterable[str] = ()) -> Registry:
    """Return a registry with one plugin for each of these gateways, called after its code."""
    return registry_of(
        *(FakePlugin(name=f"payment-{one.info.code}", strategies=(one,)) for one in gateways),
        disabled=disabled,
    )


def seconds_until(operation: Operation, column: str = "due_at") -> float | None:
    """Return in how many seconds a moment of a command comes, by the database's clock."""
    at, now = Operation.objects.filter(pk=operation.pk).values_list(column, Now()).get()
    return None if at is None else (at - now).total_seconds()
