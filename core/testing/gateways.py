"""A gateway in memory with a ledger of its own, and the strategy that speaks to it."""

# ruff: noqa: ARG002 - the contract hands a call to methods that need none

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from hookspecs import (
    Call,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    Finding,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotFound,
    Notice,
    NotSent,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    Redirect,
    RefundRequest,
    ResumeRequest,
    Retry,
    StartRequest,
    Unknown,
    Untrusted,
    VoidRequest,
    Webhook,
)

Way = Literal["redirect", "at_once"]
Fault = Literal["", "drop_after", "drop_before", "refuse", "decline", "raise", "wrong_amount"]


@dataclass(slots=True)
class Ledger:
    """What the gateway did: the outside truth that tests judge by."""

    charges: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    posts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MemoryGateway:
    """A strategy over a ledger in memory, with one fault to come at a time.

    ``way`` is ``at_once`` (charged by ``start``) or ``redirect`` (approved elsewhere, taken by
    ``resume``). Charges are keyed by payment, refunds by operation, so that a repeat shows.
    """

    way: Way = "at_once"
    code: str = "memory"
    account: str | None = "till-1"
    fault: Fault = ""
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        harmless = {Feature.HARMLESS_START} if self.way == "redirect" else set()
        return PaymentInfo(
            code=self.code,
            label="Memory",
            account=self.account,
            features=frozenset({Feature.PARTIAL_REFUND, *harmless}),
            keys_kept=timedelta(hours=24),
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Charge at once, or send the customer away."""
        return self._post("start", request, call)

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """Take what was approved."""
        return self._post("resume", request, call)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Close what nobody approved."""
        self.ledger.voided.add(request.payment_id)
        closed = self._fact(FactKind.APPROVAL_CLOSED, f"approval-{request.payment_id}", request)
        return Done(facts=(closed,))

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give back."""
        return self._post("refund", request, call)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Describe the payment as it stands."""
        if self.fault == "raise":
            raise RuntimeError("the gateway is in pieces")
        found = self._facts(request)
        if found:
            return Done(facts=found, reference=f"ref-{request.payment_id}")
        if request.payment_id in self.ledger.opened:
            return NeedsCustomer(action=self._door(request), reference=f"ref-{request.payment_id}")
        return NotFound()

    def read_webhook(self, webhook: Webhook, call: Call, /) -> list[Notice] | Untrusted | Unknown:
        """Read news that are signed with the word ``memory``."""
        if webhook.headers.get("signature") != "memory":
            return Untrusted(cause="not signed with the word")
        news = json.loads(webhook.body)
        return [
            Notice(event_id=news["id"], payment_id=news.get("payment"), reference=news.get("ref"))
        ]

    def approve(self, payment_id: str) -> None:
        """Let the customer approve on the gateway's page."""
        self.ledger.approved.add(payment_id)

    def _post(self, verb: str, request: PaymentRequest, call: Call) -> Outcome:
        fault, self.fault = self.fault, ""
        if call.seconds_left() <= 0 or fault == "refuse":
            return NotSent(cause="connection refused")
        if fault == "raise":
            raise RuntimeError("the plugin is in pieces")
        self.ledger.posts.append(f"{verb}:{request.operation_id}")
        if fault == "drop_before":
            return Unknown(cause="time-out")
        if fault == "decline":
            return Declined(
                code=DeclineCode.CARD_DECLINED, text="The card was declined.", retry=Retry.SAME
            )
        outcome = self._carry_out(verb, request, more=1 if fault == "wrong_amount" else 0)
        return Unknown(cause="connection dropped") if fault == "drop_after" else outcome

    def _carry_out(self, verb: str, request: PaymentRequest, *, more: int) -> Outcome:
        reference, payment_id = f"ref-{request.payment_id}", request.payment_id
        if verb == "refund":
            self.ledger.refunds.setdefault(request.operation_id, request.amount.minor)
            return Done(facts=self._facts(request), reference=reference)
        if verb == "start" and self.way == "redirect":
            self.ledger.opened.add(payment_id)
            return NeedsCustomer(action=self._door(request), reference=reference)
        if verb == "resume" and payment_id not in self.ledger.approved:
            return NeedsCustomer(action=self._door(request), reference=reference)
        self.ledger.charges.setdefault(payment_id, request.amount.minor - more)
        return Done(facts=self._facts(request), reference=reference)

    def _door(self, request: PaymentRequest) -> Redirect:
        return Redirect(url=f"https://gateway.example/{request.payment_id}")

    def _facts(self, request: PaymentRequest) -> tuple[Fact, ...]:
        payment_id, currency = request.payment_id, request.amount.currency
        facts = []
        if payment_id in self.ledger.charges:
            taken = Money(self.ledger.charges[payment_id], currency)
            facts.append(
                Fact(
                    kind=FactKind.CAPTURED,
                    object_id=f"ch-{payment_id}",
                    amount=taken,
                    account=self.account,
                )
            )
        elif payment_id in self.ledger.approved:
            facts.append(self._fact(FactKind.APPROVED, f"approval-{payment_id}", request))
        for operation_id, minor in self.ledger.refunds.items():
            if operation_id == request.operation_id:
                facts.append(
                    Fact(
                        kind=FactKind.REFUNDED,
                        object_id=f"re-{operation_id}",
                        amount=Money(minor, currency),
                        parent_id=f"ch-{payment_id}",
                        operation_id=operation_id,
                        account=self.account,
                    )
                )
        return tuple(facts)

    def _fact(self, kind: FactKind, object_id: str, request: PaymentRequest) -> Fact:
        return Fact(kind=kind, object_id=object_id, amount=request.amount, account=self.account)
