"""A provider in memory with keys, a ledger and signed webhooks, and a strategy that is sound."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from hookspecs import (
    Call,
    CaptureRequest,
    Declined,
    Done,
    Fact,
    FactKind,
    Feature,
    Finding,
    InquireRequest,
    Money,
    NotFound,
    Notice,
    NotSent,
    Outcome,
    PaymentInfo,
    PaymentRequest,
    RefundRequest,
    StartRequest,
    Unknown,
    Untrusted,
    VoidRequest,
    Webhook,
)

KEY = b"penny"
TOLERANCE = 300


class LostError(Exception):
    """The connection ended without an answer."""


class RefusedError(Exception):
    """The bank said no."""


@dataclass(slots=True)
class PennyBank:
    """Honours idempotency keys; amounts are decimals as text, as many providers have them."""

    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    answered: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent: list[Webhook] = field(default_factory=list)
    requests: int = 0
    losing: bool = False
    lock: threading.RLock = field(default_factory=threading.RLock)

    def charge(self, *, key: str, amount: str, currency: str, **said: Any) -> dict[str, Any]:
        return self._once(key, lambda: self._charge(amount, currency, said))

    def capture(self, charge_id: str, *, key: str, amount: str) -> dict[str, Any]:
        return self._once(key, lambda: self._capture(charge_id, amount, key))

    def void(self, charge_id: str, *, key: str) -> dict[str, Any]:
        return self._once(key, lambda: self._void(charge_id))

    def refund(self, charge_id: str, *, key: str, amount: str) -> dict[str, Any]:
        return self._once(key, lambda: self._refund(charge_id, amount, key))

    def find(self, payment_id: str) -> dict[str, Any] | None:
        with self.lock:
            self.requests += 1
            found = [one for one in self.charges.values() if one["payment_id"] == payment_id]
            return json.loads(json.dumps(found[0])) if found else None

    def _once(self, key: str, work: Any) -> dict[str, Any]:
        with self.lock:
            self.requests += 1
            if key not in self.answered:
                self.answered[key] = json.loads(json.dumps(work()))
                self._tell(self.answered[key])
            if self.losing:
                self.losing = False
                raise LostError("the connection ended")
            return self.answered[key]

    def _charge(self, amount: str, currency: str, said: dict[str, Any]) -> dict[str, Any]:
        made = {
            "id": f"ch_{uuid.uuid4().hex}",
            "amount": amount,
            "currency": currency,
            "captured": amount if said["capture"] else None,
            "capture_key": None,
            "voided": False,
            "refunds": [],
            **said,
        }
        self.charges[made["id"]] = made
        return made

    def _capture(self, charge_id: str, amount: str, key: str) -> dict[str, Any]:
        made = self._known(charge_id)
        if made["captured"] or made["voided"] or float(amount) > float(made["amount"]):
            raise RefusedError("there is nothing to be captured")
        made["captured"], made["capture_key"] = amount, key
        return made

    def _void(self, charge_id: str) -> dict[str, Any]:
        made = self._known(charge_id)
        if made["captured"]:
            raise RefusedError("it was captured")
        made["voided"] = True
        return made

    def _refund(self, charge_id: str, amount: str, key: str) -> dict[str, Any]:
        made = self._known(charge_id)
        given = sum(Money.parse(one["amount"], made["currency"]).minor for one in made["refunds"])
        taken = Money.parse(made["captured"] or "0", made["currency"]).minor
        if given + Money.parse(amount, made["currency"]).minor > taken:
            raise RefusedError("more than was taken")
        made["refunds"].append({"id": f"re_{uuid.uuid4().hex}", "amount": amount, "key": key})
        return made

    def _known(self, charge_id: str) -> dict[str, Any]:
        if charge_id not in self.charges:
            raise RefusedError("no such charge")
        return self.charges[charge_id]

    def _tell(self, made: dict[str, Any]) -> None:
        now = datetime.now(UTC)
        body = json.dumps({"id": f"ev_{uuid.uuid4().hex}", "charge": made}).encode()
        headers = {"content-type": "application/json", "signature": signed(body, now)}
        self.sent.append(Webhook(body=body, headers=headers, received_at=now))


def signed(body: bytes, at: datetime) -> str:
    stamp = str(int(at.timestamp()))
    right = hmac.new(KEY, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"{stamp}.{right}"


class PennyStrategy:
    """Sound. Each planted fault is a subclass that changes one of its methods."""

    def __init__(self, bank: PennyBank) -> None:
        self.bank = bank

    @property
    def info(self) -> PaymentInfo:
        features = {Feature.PARTIAL_CAPTURE, Feature.PARTIAL_REFUND}
        return PaymentInfo(code="penny", label="Penny", features=frozenset(features))

    def start(self, request: StartRequest, call: Call, /) -> Outcome:
        return self._asked(
            call,
            lambda: self.bank.charge(
                key=self.key_of(request),
                amount=self.to_wire(request.amount),
                currency=request.amount.currency,
                capture=request.capture_now,
                payment_id=request.payment_id,
                operation_id=request.operation_id,
            ),
        )

    def capture(self, request: CaptureRequest, call: Call, /) -> Outcome:
        amount = self.to_wire(request.amount)
        return self._asked(
            call,
            lambda: self.bank.capture(
                request.authorization_id, key=self.key_of(request), amount=amount
            ),
        )

    def void(self, request: VoidRequest, call: Call, /) -> Outcome:
        named = request.authorization_id or request.reference or ""
        return self._asked(call, lambda: self.bank.void(named, key=self.key_of(request)))

    def refund(self, request: RefundRequest, call: Call, /) -> Outcome:
        amount = self.to_wire(request.amount)
        return self._asked(
            call,
            lambda: self.bank.refund(request.capture_id, key=self.key_of(request), amount=amount),
        )

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        if call.seconds_left() <= 0:
            return Unknown(cause="late")
        made = self.bank.find(request.payment_id)
        return NotFound() if made is None else self.done(made)

    def read_webhook(
        self, webhook: Webhook, call: Call, /
    ) -> Sequence[Notice] | Untrusted | Unknown:
        why = self.wrong_with(webhook)
        return Untrusted(cause=why) if why else [self.notice(json.loads(webhook.body))]

    # What a planted fault changes

    def key_of(self, request: PaymentRequest) -> str:
        return request.operation_id

    def to_wire(self, amount: Money) -> str:
        return str(amount.decimal)

    def lost(self, error: LostError) -> Outcome:
        return Unknown(cause=str(error))

    def refused(self, error: RefusedError) -> Outcome:
        return Declined(text=str(error))

    def wrong_with(self, webhook: Webhook) -> str:
        stamp, _, _ = webhook.headers.get("signature", "").partition(".")
        if not (stamp.isascii() and stamp.isdecimal()):
            return "no signature"
        at = datetime.fromtimestamp(int(stamp), UTC)
        if not self.in_time(webhook.received_at.timestamp() - int(stamp)):
            return "at another time"
        same = hmac.compare_digest(
            signed(webhook.body, at).encode(), webhook.headers["signature"].encode()
        )
        return "" if same else "the signature doesn't hold"

    def in_time(self, age: float) -> bool:
        return abs(age) <= TOLERANCE

    def notice(self, event: dict[str, Any]) -> Notice:
        made = event["charge"]
        return Notice(
            event_id=event["id"], payment_id=made["payment_id"], facts=self.done(made).facts
        )

    def money(self, text: str, currency: str) -> Money:
        return Money.parse(text, currency)

    def done(self, made: dict[str, Any]) -> Done:
        named, currency = made["id"], made["currency"]
        whole = self.money(made["amount"], currency)
        facts = []
        held = not made["capture"]
        if held:
            facts.append(
                Fact(
                    kind=FactKind.AUTHORIZED,
                    object_id=named,
                    amount=whole,
                    operation_id=made["operation_id"],
                )
            )
        if made["captured"]:
            facts.append(
                Fact(
                    kind=FactKind.CAPTURED,
                    object_id=named,
                    amount=self.money(made["captured"], currency),
                    parent_id=named if held else None,
                    operation_id=made["capture_key"] or made["operation_id"],
                )
            )
        if made["voided"] or (held and made["captured"]):
            facts.append(Fact(kind=FactKind.AUTHORIZATION_CLOSED, object_id=named, amount=whole))
        facts += [
            Fact(
                kind=FactKind.REFUNDED,
                object_id=one["id"],
                amount=self.money(one["amount"], currency),
                parent_id=named,
                operation_id=one["key"],
            )
            for one in made["refunds"]
        ]
        return Done(facts=tuple(facts), reference=named)

    def _asked(self, call: Call, ask: Any) -> Outcome:
        if call.seconds_left() <= 0:
            return NotSent(cause="late")
        try:
            return self.done(ask())
        except LostError as error:
            return self.lost(error)
        except RefusedError as error:
            return self.refused(error)
