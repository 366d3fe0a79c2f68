"""A gateway in memory with a ledger of its own, and the strategy that speaks to it."""

# ruff: noqa: ARG002 - the contract hands a call to methods that need none

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from hookspecs import (
    Call,
    CaptureRequest,
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
    held: dict[str, int] = field(default_factory=dict)
    captures: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, int] = field(default_factory=dict)
    parents: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of captures and refunds, by operation: whose payment, and of which object."""
    released: set[str] = field(default_factory=set)
    approved: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    posts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class MemoryGateway:
    """A strategy over a ledger in memory, with one fault to come at a time.

    ``way`` is ``at_once`` (charged by ``start``) or ``redirect`` (approved elsewhere, taken by
    ``resume``). Charges and what is held are keyed by payment, captures and refunds by operation,
    so that a repeat shows. It never refuses a sum: that is for the core to do. With ``most`` it
    takes no more than that at once, as a gift card does; ``anonymous`` it never says which command
    made what; ``strangers`` stand in its statement.
    """

    way: Way = "at_once"
    code: str = "memory"
    account: str | None = "till-1"
    fault: Fault = ""
    ledger: Ledger = field(default_factory=Ledger)
    features: frozenset[Feature] = frozenset({Feature.PARTIAL_REFUND})
    most: int | None = None
    currency: str = "EUR"
    anonymous: bool = False
    approval_lasts: timedelta | None = None
    strangers: tuple[Notice, ...] = ()

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        harmless = {Feature.HARMLESS_START} if self.way == "redirect" else set()
        return PaymentInfo(
            code=self.code,
            label="Memory",
            account=self.account,
            features=self.features | harmless,
            keys_kept=timedelta(hours=24),
            approval_lasts=self.approval_lasts,
        )

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Charge at once, or send the customer away."""
        return self._post("start", request, call)

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """Take what was approved."""
        return self._post("resume", request, call)

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        """Take what is held, or a part."""
        return self._post("capture", request, call)

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        """Let go of what is held, or close what nobody approved."""
        return self._post("void", request, call)

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give back."""
        return self._post("refund", request, call)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Describe the payment as it stands."""
        if self.fault == "raise":
            raise RuntimeError("the gateway is in pieces")
        found = self._facts(request.payment_id)
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

    def statement(self, since: datetime, until: datetime, call: Call, /) -> list[Notice]:
        """List everything it has ever done."""
        payments = self.ledger.charges.keys() | self.ledger.held.keys()
        own = [
            Notice(event_id=f"st-{one}", payment_id=one, facts=self._facts(one))
            for one in sorted(payments)
        ]
        return [*own, *self.strangers]

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
        waits = self.way == "redirect" and payment_id not in self.ledger.approved
        match request:
            case RefundRequest():
                self.ledger.refunds.setdefault(request.operation_id, request.amount.minor)
                self.ledger.parents[request.operation_id] = (payment_id, request.capture_id)
            case CaptureRequest():
                self.ledger.captures.setdefault(request.operation_id, request.amount.minor - more)
                self.ledger.parents[request.operation_id] = (payment_id, request.authorization_id)
                if request.final:
                    self.ledger.released.add(payment_id)
            case VoidRequest():
                self.ledger.voided.add(payment_id)
                self.ledger.released.add(payment_id)
            case StartRequest() | ResumeRequest() if waits:
                self.ledger.opened.add(payment_id)
                return NeedsCustomer(action=self._door(request), reference=reference)
            case StartRequest(capture_now=now) | ResumeRequest(capture_now=now):
                taken = min(request.amount.minor - more, self.most or request.amount.minor)
                book = self.ledger.charges if now else self.ledger.held
                book.setdefault(payment_id, taken)
        return Done(facts=self._facts(payment_id), reference=reference)

    def _door(self, request: PaymentRequest) -> Redirect:
        return Redirect(url=f"https://gateway.example/{request.payment_id}")

    def _facts(self, payment_id: str) -> tuple[Fact, ...]:
        """State all that is true of a payment now."""
        ledger, facts = self.ledger, []
        if payment_id in ledger.charges:
            taken = ledger.charges[payment_id]
            facts.append(self._fact(FactKind.CAPTURED, f"ch-{payment_id}", taken))
        elif payment_id in ledger.held:
            facts.append(
                self._fact(FactKind.AUTHORIZED, f"au-{payment_id}", ledger.held[payment_id])
            )
        elif payment_id in ledger.approved:
            facts.append(self._fact(FactKind.APPROVED, f"approval-{payment_id}", 0))
        if payment_id in ledger.released and payment_id in ledger.held:
            facts.append(self._fact(FactKind.AUTHORIZATION_CLOSED, f"au-{payment_id}", 0))
        elif payment_id in ledger.voided:
            facts.append(self._fact(FactKind.APPROVAL_CLOSED, f"approval-{payment_id}", 0))
        for operation_id, (owner, parent) in ledger.parents.items():
            if owner == payment_id:
                facts.append(self._part(operation_id, parent))
        return tuple(facts)

    def _part(self, operation_id: str, parent: str) -> Fact:
        taken = operation_id in self.ledger.captures
        book = self.ledger.captures if taken else self.ledger.refunds
        return self._fact(
            FactKind.CAPTURED if taken else FactKind.REFUNDED,
            f"{'ca' if taken else 're'}-{operation_id}",
            book[operation_id],
            parent_id=parent,
            operation_id=operation_id,
        )

    def _fact(
        self,
        kind: FactKind,
        object_id: str,
        minor: int,
        *,
        parent_id: str | None = None,
        operation_id: str | None = None,
    ) -> Fact:
        return Fact(
            kind=kind,
            object_id=object_id,
            amount=Money(minor, self.currency),
            account=self.account,
            parent_id=parent_id,
            operation_id=None if self.anonymous else operation_id,
        )
