"""What doors and plugins read of orders: snapshots, pages, timelines. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.application.facts import left_to_pay
from core.application.payment_step import last_action
from core.context import tenant
from core.domain.errors import NotFound
from core.domain.lifecycle import UNDECIDED, OperationStatus, OrderStatus
from core.domain.receipt import Step
from core.domain.replay import stored_steps
from core.hooks.registry import Registry
from core.infrastructure.tokens import opens
from core.models import Event, Operation, Order, OrderLine, Payment
from hookspecs import (
    Address,
    Customer,
    Money,
    OrderPage,
    OrderSnapshot,
    PaymentChoice,
    PaymentView,
    ReceiptStep,
    Show,
    TimelineEntry,
)
from hookspecs import (
    OrderLine as LineSeen,
)


def order_snapshot(order_id: UUID) -> OrderSnapshot:
    """Return an order as plugins see it, made of what was frozen when it was placed.

    Raises:
        NotFound: there is no such order.
    """
    order = Order.objects.filter(pk=order_id).defer("receipt").first()
    if order is None:
        raise NotFound("There is no such order.")
    return snapshot_of(order, OrderLine.objects.filter(order_id=order_id).order_by("position"))


def snapshot_of(order: Order, lines: Iterable[OrderLine]) -> OrderSnapshot:
    """Return the snapshot of an order whose rows are in hand."""
    contact, currency = order.contact, order.currency
    return OrderSnapshot(
        number=order.number,
        tenant=tenant().slug,
        placed_at=order.placed_at,
        customer=Customer(
            ref=contact["ref"],
            email=contact["email"],
            name=contact["name"],
            locale=contact["locale"],
            time_zone=contact["time_zone"],
            groups=frozenset(contact["groups"]),
        ),
        lines=tuple(
            LineSeen(
                line_id=str(line.position),
                sku=line.sku,
                name=line.name,
                quantity=line.quantity,
                unit_price=Money(line.unit_price_minor, currency),
                tax=Money(line.tax_minor, currency),
                total=Money(line.total_minor, currency),
            )
            for line in lines
        ),
        shipping=Money(order.shipping_minor, currency),
        fees=Money(order.fees_minor, currency),
        tax=Money(order.tax_minor, currency),
        rounding=Money(order.rounding_minor, currency),
        total=Money(order.total_minor, currency),
        bill_to=_address(contact["bill_to"]),
        ship_to=_address(contact["ship_to"]),
    )


def order_by_token(order_id: UUID | str, token: str, *, now: datetime) -> UUID:
    """Return the id of the order that a link opens.

    Raises:
        NotFound: unknown, foreign, a wrong token or an expired link, which can't be told apart.
    """
    try:
        key = order_id if isinstance(order_id, UUID) else UUID(order_id)
    except ValueError:
        key = None
    order = (
        Order.objects.filter(pk=key).only("token_hash", "token_expires_at").first() if key else None
    )
    known = order.token_hash if order else "0" * 64
    expired = order is not None and order.token_expires_at and order.token_expires_at <= now
    if not opens(token, known) or order is None or expired:
        raise NotFound("There is no such order.")
    return order.id


def order_page(order_id: UUID, *, plugins: Registry) -> OrderPage:
    """Return an order as its customer sees it; whatever plugins are there, it renders.

    Raises:
        NotFound: there is no such order.
    """
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise NotFound("There is no such order.")
    lines = OrderLine.objects.filter(order_id=order_id).order_by("position")
    operations = list(Operation.objects.filter(order_id=order_id).order_by("created_at", "id"))
    live = [op for op in operations if op.takes_money and op.status in UNDECIDED]
    missing = left_to_pay(order) if order.status == OrderStatus.CONFIRMED and not live else 0
    return OrderPage(
        order_id=str(order.id),
        order=snapshot_of(order, lines),
        status=order.status,
        payment_status=order.payment_status,
        payments=tuple(
            _seen(payment, [op for op in operations if op.payment_id == payment.id], plugins)
            for payment in Payment.objects.filter(order_id=order_id).order_by("created_at", "id")
        ),
        timeline=timeline(order_id),
        steps=receipt_steps(order.receipt, order.currency),
        choices=payment_choices(plugins=plugins, currency=order.currency, total_minor=missing)
        if missing > 0
        else (),
        undecided=bool(live),
        can_cancel=order.status in (OrderStatus.CONFIRMED, OrderStatus.PAID) and not live,
    )


def _seen(payment: Payment, operations: Sequence[Operation], plugins: Registry) -> PaymentView:
    """Show no way to a provider whose plugin is gone: nothing would read what it brings back."""
    view = payment_view(payment, operations)
    served = plugins.serves(
        plugin=payment.plugin, code=payment.strategy_code, account=payment.account
    )
    return view if served or isinstance(view.action, Show) else replace(view, action=None)


def payment_view(payment: Payment, operations: Sequence[Operation]) -> PaymentView:
    """Return a payment as its customer sees it, from what its row froze."""
    last = operations[-1] if operations else None
    declined = last is not None and last.status == OperationStatus.DECLINED
    return PaymentView(
        payment_id=str(payment.id),
        code=payment.strategy_code,
        label=payment.label,
        status=payment.status,
        amount=payment.amount,
        action=last_action(last) if last else None,
        text=str((last.outcome or {}).get("text", "")) if declined and last else "",
    )


def timeline(order_id: UUID) -> tuple[TimelineEntry, ...]:
    """Return what happened to an order, in order; what says nothing new is said once."""
    entries: list[TimelineEntry] = []
    for event in Event.objects.filter(order_id=order_id).order_by("seq"):
        entry = TimelineEntry(at=event.at, kind=event.kind, text=_said(event.data))
        if not entries or (entries[-1].kind, entries[-1].text) != (entry.kind, entry.text):
            entries.append(entry)
    return tuple(entries)


def receipt_steps(receipt: Mapping[str, Any], currency: str) -> tuple[ReceiptStep, ...]:
    """Return the steps of a stored receipt: what each rule did, and why not."""
    return steps_seen(known_steps(receipt), currency)


def known_steps(receipt: Mapping[str, Any]) -> Sequence[Step]:
    """Return what a stored receipt says of each rule.

    None where it is written in a format of long ago: the order renders all the same.
    """
    try:
        return stored_steps(receipt)
    except ValueError:
        return ()


def steps_seen(steps: Iterable[Step], currency: str) -> tuple[ReceiptStep, ...]:
    """Return steps as plugins' pages see them."""
    return tuple(
        ReceiptStep(
            phase=step.phase,
            rule=step.rule,
            label=step.label,
            applied=step.applied,
            reason=step.reason,
            proposed=Money(step.proposed_minor, currency),
            accepted=Money(step.accepted_minor, currency),
            running=Money(step.running_minor, currency),
        )
        for step in steps
    )


def payment_choices(
    *, plugins: Registry, currency: str, total_minor: int | None
) -> tuple[PaymentChoice, ...]:
    """Return the ways that an amount could be paid, in order of their labels."""
    return tuple(
        PaymentChoice(code=offered.info.code, label=offered.info.label, inputs=offered.info.inputs)
        for offered in sorted(plugins.strategies.values(), key=lambda one: one.info.label)
        if accepts(offered.info, currency=currency, total_minor=total_minor)
    )


def accepts(info: Any, *, currency: str, total_minor: int | None) -> bool:
    """Say whether a way to pay takes an amount: its currency, and its limits in that currency."""
    if info.currencies is not None and currency not in info.currencies:
        return False
    if total_minor is None:
        return True
    least = [money.minor for money in info.minimum if money.currency == currency]
    most = [money.minor for money in info.maximum if money.currency == currency]
    return all(total_minor >= minor for minor in least) and all(
        total_minor <= minor for minor in most
    )


def _address(data: Mapping[str, Any] | None) -> Address | None:
    return None if data is None else Address(**{**data, "street": tuple(data["street"])})


def _said(data: Mapping[str, Any]) -> str:
    shown = ("strategy", "amount", "status", "reason", "code")
    return " · ".join(str(data[name]) for name in shown if data.get(name))
