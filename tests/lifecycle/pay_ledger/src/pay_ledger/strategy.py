"""Ways to pay that write what happened into a file, once per key."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hookspecs import (
    Call,
    Done,
    Fact,
    FactKind,
    Finding,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotFound,
    Notice,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    Redirect,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Unknown,
    Untrusted,
    Webhook,
)
from pay_ledger.settings import Settings


class Ledger:
    """Charges at once, and gives back."""

    def __init__(self, settings: Settings) -> None:
        self._path = Path(settings.path)
        self._silent = settings.silent

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        return PaymentInfo(code="ledger", label="On the ledger")

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Charge."""
        return self._charge(request)

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        """Give back."""
        return self._written(request, FactKind.REFUNDED, parent=request.capture_id)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read what the file says of the payment."""
        facts = tuple(_fact(row) for row in self._rows() if row["payment"] == request.payment_id)
        return Done(facts=facts) if facts else NotFound()

    def _charge(self, request: PaymentRequest) -> Done:
        return self._written(request, FactKind.CAPTURED)

    def _written(self, request: PaymentRequest, kind: FactKind, parent: str = "") -> Done:
        key = request.operation_id
        row = next((each for each in self._rows() if each["key"] == key), None)
        if row is None:
            row = {
                "key": key,
                "payment": request.payment_id,
                "kind": kind.value,
                "parent": parent,
                "minor": request.amount.minor,
                "currency": request.amount.currency,
            }
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        return Done(facts=(_fact(row),), reference=request.payment_id)

    def _rows(self) -> list[dict[str, Any]]:
        if not self._path.exists():
            return []
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


class LedgerLater(Ledger):
    """Charges when the customer has come back."""

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        return PaymentInfo(code="ledger-later", label="On the ledger, later")

    def start(self, request: PaymentRequest, call: Call, /) -> NeedsCustomer:
        """Send the customer away."""
        return NeedsCustomer(action=Redirect(url="https://ledger.example/approve"))

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        """Charge."""
        return self._charge(request)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read what the file says; nothing means that the customer is still there."""
        found = super().inquire(request, call)
        return self.start(request, call) if isinstance(found, NotFound) else found

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        """Say what the file says of the payment that it names."""
        if webhook.headers.get("x-ledger") != "sealed":
            return Untrusted(cause="not from the ledger")
        payment = json.loads(webhook.body)["payment"]
        facts = tuple(_fact(row) for row in self._rows() if row["payment"] == payment)
        return [Notice(event_id=payment, payment_id=payment, facts=facts)]


class LedgerLost(Ledger):
    """Charges, and the answer is lost on its way; asked later, it may be silent."""

    @property
    def info(self) -> PaymentInfo:
        """What it is."""
        return PaymentInfo(code="ledger-lost", label="On the ledger, lost")

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        """Charge, and hang up."""
        self._charge(request)
        raise TimeoutError("no answer")

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        """Read what the file says, if it speaks."""
        if self._silent:
            return Unknown(cause="it doesn't answer")
        return super().inquire(request, call)


def _fact(row: dict[str, Any]) -> Fact:
    return Fact(
        kind=FactKind(row["kind"]),
        object_id=row["key"],
        amount=Money(row["minor"], row["currency"]),
        parent_id=row["parent"] or None,
        operation_id=row["key"],
    )
