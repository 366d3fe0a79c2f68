"""Start to collect what an order still costs, one charge at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from core.application.checkout_time import part_of_checkout
from core.application.commanding import operation_clock, operation_row, sealed_inputs
from core.application.facts import left_to_pay
from core.application.next_commands import WHEN_SECURED
from core.application.payment_step import PaymentStep, payment_step
from core.application.queries import accepts
from core.application.receive_webhook import webhook_url
from core.application.send_operation import send_operation, send_planned
from core.application.settle_pending import settle_pending
from core.domain.errors import (
    AmountNotAccepted,
    AmountTooHigh,
    ConcurrentChange,
    IdempotencyConflict,
    InvalidInput,
    KeyMissing,
    NotFound,
    NothingToPay,
    PaymentUndecided,
    UnknownStrategy,
)
from core.domain.journal import PAYMENT_STARTED
from core.domain.lifecycle import OrderStatus, PaymentStatus
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.models import Event, Operation, Order, Payment
from core.models.ids import new_id
from core.models.journal import Chain
from core.models.order import advance
from core.models.plugin import SWITCHED_ON
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Feature, Money, Verb

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPayment:
    """Pay an order by a strategy, once per ``key`` of a ``principal``.

    ``amount`` is what to collect this way, all that is missing unless given: never more than that.
    In ``return_url`` and ``cancel_url``, ``{payment_id}`` stands for the payment's id.
    """

    order_id: UUID
    strategy_code: str
    principal: str
    key: str
    return_url: str
    cancel_url: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    capture_now: bool = True
    amount: Money | None = None

    def digest(self) -> str:
        """Return a digest of what was asked for, secrets included but not readable."""
        said = [
            self.order_id.hex,
            self.strategy_code,
            sorted(self.inputs.items()),
            self.capture_now,
            str(self.amount),
        ]
        return hashlib.sha256(to_json(said)).hexdigest()


@part_of_checkout
def start_payment(command: StartPayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    """Commit a payment and its first command, then call the gateway.

    The same key gives the same payment; so does paying again the same way while the customer has
    yet to act. While a charge is undecided, no other begins. What is only a part of the order's
    price is authorised where the strategy can, and taken once the rest is secured.

    Raises:
        KeyMissing, IdempotencyConflict: no key, or one used for something else.
        NothingToPay, PaymentUndecided: it is paid, over, or being paid.
        UnknownStrategy, AmountNotAccepted, AmountTooHigh, InvalidInput: not this way.
    """
    if not command.key:
        raise KeyMissing("Paying needs an Idempotency-Key.")
    if (before := _started_before(command)) is not None:
        return before
    try:
        return _begin(command, plugins=plugins, now=now)
    except (NothingToPay, PaymentUndecided, ConcurrentChange):
        if (before := _started_before(command)) is not None:
            return before  # the same click was faster: its answer is this one's as well
        raise


def _begin(command: StartPayment, *, plugins: Registry, now: datetime) -> PaymentStep:
    for _ in range(_ATTEMPTS):
        if (step := _try(command, plugins=plugins, now=now)) is not None:
            return step
    raise ConcurrentChange("This order is being changed by others; try again.")


def _try(command: StartPayment, *, plugins: Registry, now: datetime) -> PaymentStep | None:
    """Begin the payment, or return None where the order moved meanwhile."""
    order = Order.objects.filter(pk=command.order_id).defer("receipt").first()
    if order is None:
        raise NotFound("There is no such order.")
    charge = _what_to_collect(command, order, plugins)
    pending = settle_pending(order, charge.strategy.info.code, plugins=plugins, now=now)
    if pending is not None:
        return payment_step(pending)
    order.refresh_from_db(fields=["status", "payment_status", "log_seq", "log_head", "stock"])
    if order.status != OrderStatus.CONFIRMED:
        return None
    try:
        operation_id = _commit(command, order, charge, now)
    except RuleViolated as missed:
        if missed.rule in ("operation_key_unique", "operation_one_charge_per_order"):
            raise PaymentUndecided(_UNDECIDED) from missed
        if missed.rule == SWITCHED_ON.rule:
            raise UnknownStrategy(
                f"{charge.strategy.info.label} is no longer offered as a way to pay.",
                strategy=command.strategy_code,
            ) from missed
        if missed.rule != "order_moved":
            raise
        return None
    step = send_operation(Operation.objects.get(pk=operation_id), plugins=plugins, now=now)
    send_planned(order.id, Verb.CAPTURE, plugins=plugins, now=now)
    return payment_step(step.payment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Charge:
    """What to collect and how; ``capture_now`` false: only authorise it for the time being."""

    strategy: OfferedStrategy
    amount: Money
    capture_now: bool
    when_secured: bool


_UNDECIDED = "A payment of this order is being confirmed; you will not be charged twice."


def _what_to_collect(command: StartPayment, order: Order, plugins: Registry) -> _Charge:
    strategy = plugins.strategies.get(command.strategy_code)
    if strategy is None:
        raise UnknownStrategy(
            f"There is no way to pay called {command.strategy_code}.",
            strategy=command.strategy_code,
        )
    if order.status != OrderStatus.CONFIRMED:
        raise NothingToPay(f"This order is {order.status.lower()}.", status=order.status)
    unpaid = left_to_pay(order)
    amount = _asked(command, unpaid, order.currency)
    if not accepts(strategy.info, currency=amount.currency, total_minor=amount.minor):
        raise AmountNotAccepted(
            f"{strategy.info.label} doesn't take {amount}.",
            amount_minor=amount.minor,
            currency=amount.currency,
        )
    known = {one.name for one in strategy.info.inputs}
    missing = [
        one.name
        for one in strategy.info.inputs
        if one.required and not command.inputs.get(one.name, "").strip()
    ]
    if missing or set(command.inputs) - known:
        named = (missing or sorted(set(command.inputs) - known))[0]
        raise InvalidInput(f"{strategy.info.label} can't do with this {named}.", field=named)
    part = Feature.SPLIT in strategy.info.features or amount.minor < unpaid
    when_secured = part and command.capture_now and {"capture", "void"} <= strategy.can
    return _Charge(
        strategy=strategy,
        amount=amount,
        capture_now=command.capture_now and not when_secured,
        when_secured=when_secured,
    )


def _asked(command: StartPayment, missing: int, currency: str) -> Money:
    if missing <= 0:
        raise NothingToPay("Nothing is left to pay.")
    asked = Money(missing, currency) if command.amount is None else command.amount
    if asked.currency != currency or asked.minor < 1:
        raise InvalidInput(f"Pay at least one minor unit, in {currency}.", field="amount")
    if asked.minor > missing:
        raise AmountTooHigh(
            f"{asked} is more than what is left to pay.",
            amount_minor=asked.minor,
            most_minor=missing,
        )
    return asked


def _commit(command: StartPayment, order: Order, charge: _Charge, now: datetime) -> UUID:
    """Write payment, command and event before the wire: row, key and parameters."""
    strategy, amount = charge.strategy, charge.amount
    payment_id, info = new_id(), strategy.info
    chain = Chain(
        order_id=order.id, tenant_id=order.tenant_id, seq=order.log_seq, head=order.log_head
    )
    chain.add(
        PAYMENT_STARTED,
        at=now,
        data={"payment": str(payment_id), "strategy": info.code, "plugin": strategy.plugin},
    )
    secret = frozenset(one.name for one in info.inputs if one.secret)
    operation = operation_row(
        verb=Verb.START,
        payment_id=payment_id,
        order_id=order.id,
        tenant_id=order.tenant_id,
        amount_minor=amount.minor,
        params={
            "reference": None,
            "return_url": command.return_url.replace("{payment_id}", str(payment_id)),
            "cancel_url": command.cancel_url.replace("{payment_id}", str(payment_id)),
            "webhook_url": webhook_url(plugin=strategy.plugin, now=now),
            "capture_now": charge.capture_now,
            WHEN_SECURED: charge.when_secured,
            **sealed_inputs(command.inputs, secret),
        },
        now=now,
        keys_kept=info.keys_kept,
        sent=True,
        idem=(command.principal, command.key, command.digest()),
    )
    sheet = Sheet()
    sheet.require(SWITCHED_ON, {"plugin": strategy.plugin, "tenant": order.tenant_id})
    sheet.change(
        advance(1),
        {
            "id": order.id,
            "status": order.status,
            "payment_status": PaymentStatus.PENDING,
            "stock": order.stock,
            "log_seq": chain.seq,
            "log_head": chain.head,
        },
    )
    sheet.insert(Payment, _payment_row(order, strategy, payment_id, amount, now))
    sheet.insert(Operation, operation, clock=operation_clock(sent=Verb.START))
    sheet.insert(Event, *chain.rows)
    sheet.write()
    return UUID(str(operation["id"]))


def _payment_row(
    order: Order, strategy: OfferedStrategy, payment_id: UUID, amount: Money, now: datetime
) -> dict[str, Any]:
    """Freeze what is true of the plugin now: history renders from the row alone."""
    return {
        "id": payment_id,
        "tenant_id": order.tenant_id,
        "order_id": order.id,
        "plugin": strategy.plugin,
        "distribution": strategy.distribution,
        "version": strategy.version,
        "api": strategy.api,
        "settings_version": strategy.settings_version,
        "strategy_code": strategy.info.code,
        "label": strategy.info.label,
        "account": strategy.info.account,
        "amount_minor": amount.minor,
        "currency": amount.currency,
        "status": "OPEN",
        "reference": None,
        "created_at": now,
    }


def _started_before(command: StartPayment) -> PaymentStep | None:
    operation = Operation.objects.filter(
        idem_principal=command.principal, idem_key=command.key
    ).first()
    if operation is None:
        return None
    if operation.idem_digest != command.digest():
        raise IdempotencyConflict("This Idempotency-Key was used for something else.")
    return payment_step(operation.payment_id)
