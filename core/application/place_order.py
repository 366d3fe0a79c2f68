"""Place an order: compose and price it, reserve its stock, store it, and say so; or nothing."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic_core import to_json

from core.application.checkout_time import part_of_checkout
from core.application.collected_elsewhere import collected_elsewhere
from core.application.compose_order import Composed, Composition, compose_order
from core.conf import conf
from core.context import tenant
from core.domain.coupons import fingerprint, next_turn
from core.domain.errors import (
    ConcurrentChange,
    IdempotencyConflict,
    KeyMissing,
    OutOfStock,
    Refusal,
)
from core.domain.journal import ORDER_PLACED
from core.domain.lifecycle import OrderStatus, PaymentStatus, StockState
from core.domain.order import ConfirmedOrder
from core.domain.shipping import check_shipping
from core.hooks.registry import Registry
from core.infrastructure.crashpoints import crashpoint
from core.infrastructure.tokens import digest_of, order_token
from core.models import CouponUse, Event, Fact, Order, OrderLine, Payment
from core.models.catalogue import RESERVE
from core.models.coupon import TAKEN, USE
from core.models.ids import new_id, new_number
from core.models.journal import Chain
from core.models.sheet import RuleViolated, Sheet
from hookspecs import Money

_ATTEMPTS: Final = 8
_COMPOSED_AGAIN: Final = frozenset({"order_number_unique"}) | TAKEN


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Place what a composition says, once per ``key`` of a ``principal``.

    ``confirmed_total_minor`` is what the customer agreed to pay, ``confirmation`` what the quote
    gave along, so that a refusal can say what has changed. History brings its own
    ``placed_at``, and with ``collected_elsewhere`` is paid already; ``notify`` off writes tells
    for plugins but no messages to people.
    """

    composition: Composition
    principal: str
    key: str
    source: str
    confirmed_total_minor: int | None = None
    confirmation: str = ""
    placed_at: datetime | None = None
    collected_elsewhere: str = ""
    notify: bool = True

    def digest(self) -> str:
        """Return a digest of everything asked for: the same key with another one is refused."""
        asked = self.composition
        who = asked.contact
        said = [
            [
                [w.sku, w.quantity, sorted(w.attributes.items()), sorted(w.terms.items())]
                for w in asked.lines
            ],
            [
                asked.currency,
                sorted(asked.terms.items()),
                asked.customer_ref,
                sorted(asked.coupons),
            ],
            who and [who.ref, who.email, who.name, who.locale, who.time_zone, sorted(who.groups)],
            [asked.bill_to, asked.ship_to, asked.shipping_method, asked.payment_strategy],
            [
                self.confirmed_total_minor,
                self.confirmation,
                self.placed_at,
                self.collected_elsewhere,
            ],
        ]
        return hashlib.sha256(to_json(said)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A placed order: what is needed to see it again, and whether it was there before."""

    order_id: UUID
    number: str
    token: str
    status: str
    total: Money
    placed_at: datetime
    replayed: bool = False


@part_of_checkout
def place_order(command: PlaceOrder, *, plugins: Registry, now: datetime) -> Placed:
    """Place an order, whole or not at all.

    The same key gives the same order, whatever has sold out since.

    Raises:
        Refusal: nothing was written; the code says why.
        KeyMissing: there is no idempotency key.
        IdempotencyConflict: the key belongs to another order's content.
        ConcurrentChange: others were faster, several times over.
    """
    if not command.key:
        raise KeyMissing("Placing an order needs an Idempotency-Key.")
    for _ in range(_ATTEMPTS):
        try:
            composed = compose_order(command.composition, plugins=plugins, now=now)
            confirmed = composed.draft.confirm(
                priced=composed.priced,
                shelf=composed.shelf,
                confirmed_total_minor=command.confirmed_total_minor,
                confirmation=command.confirmation,
            )
            if not composed.draft.has_terms:
                check_shipping(composed.priced, plugins.rules)
        except Refusal:
            if before := _placed_before(command):
                return before
            raise
        sheet, placed = _sheet(command, composed, confirmed, now)
        crashpoint("order.before_commit")
        try:
            sheet.write()
        except RuleViolated as missed:
            if missed.rule in _COMPOSED_AGAIN:
                continue  # a coupon that somebody else has just used: composing says what is left
            return _refused_or_replayed(missed, command, confirmed)
        crashpoint("order.committed")
        return placed
    raise ConcurrentChange("Others were faster, several times over; try again.")


def _refused_or_replayed(
    missed: RuleViolated, command: PlaceOrder, confirmed: ConfirmedOrder
) -> Placed:
    match missed.rule:
        case "order_key_unique":
            before = _placed_before(command)
            if before is not None:
                return before
        case "stock_available":
            raise OutOfStock(
                "Somebody else was faster: there is not enough left.",
                skus=sorted({line.sku for line in confirmed.lines}),
            ) from missed
    raise missed


def _placed_before(command: PlaceOrder) -> Placed | None:
    order = Order.objects.placed_under(command.principal, command.key)
    if order is None:
        return None
    if order.idem_digest != command.digest():
        raise IdempotencyConflict("This Idempotency-Key was used for something else.")
    return Placed(
        order_id=order.id,
        number=order.number,
        token=order_token(order.id),
        status=OrderStatus.CONFIRMED if not command.collected_elsewhere else OrderStatus.PAID,
        total=Money(order.total_minor, order.currency),
        placed_at=order.placed_at,
        replayed=True,
    )


def _sheet(
    command: PlaceOrder, composed: Composed, confirmed: ConfirmedOrder, now: datetime
) -> tuple[Sheet, Placed]:
    """Say which rows are born and which are moved; the stock comes last."""
    order_id, number, owner = new_id(), new_number(), tenant().id
    placed_at, paid = command.placed_at or now, bool(command.collected_elsewhere)
    token = order_token(order_id)
    total = Money(confirmed.priced.total_minor, confirmed.currency)
    chain = Chain(order_id=order_id, tenant_id=owner)
    chain.add(ORDER_PLACED, at=now, data={"source": command.source, "number": number})
    sheet = Sheet()
    payment = (
        collected_elsewhere(command.collected_elsewhere, chain=chain, total=total, now=now)
        if paid
        else None
    )
    order, lines = Order.place(
        confirmed,
        order_id=order_id,
        tenant_id=owner,
        number=number,
        source=command.source,
        status=OrderStatus.PAID if paid else OrderStatus.CONFIRMED,
        payment_status=PaymentStatus.PAID if paid else PaymentStatus.NONE,
        stock=StockState.KEPT if paid else StockState.HELD,
        contact=_contact(composed, command),
        customer_id=composed.customer_id,
        placed_at=placed_at,
        expires_at=None if paid else now + timedelta(seconds=conf().reservation),
        notify=command.notify,
        idem_principal=command.principal,
        idem_key=command.key,
        idem_digest=command.digest(),
        token_hash=digest_of(token),
        token_expires_at=now + timedelta(seconds=conf().order_link),
        log_seq=chain.seq,
        log_head=chain.head,
    )
    sheet.insert(Order, order)
    sheet.insert(OrderLine, *lines)
    sheet.insert(Event, *chain.rows)
    if payment is not None:
        sheet.insert(Payment, payment[0])
        sheet.insert(Fact, payment[1])
    _use_coupons(sheet, composed, order_id)
    sheet.change(
        RESERVE,
        *(
            {"product_id": product_id, "reserved": quantity}
            for product_id, quantity in confirmed.units().items()
        ),
    )
    return sheet, Placed(
        order_id=order_id,
        number=number,
        token=token,
        status=order["status"],
        total=total,
        placed_at=placed_at,
    )


def _use_coupons(sheet: Sheet, composed: Composed, order_id: UUID) -> None:
    """Count the coupons whose adjustments were applied, and only those."""
    who = fingerprint(composed.customer)
    used = [composed.coupons[code] for code in composed.priced.coupons]
    sheet.change(USE, *({"id": coupon.coupon_id} for coupon in used))
    sheet.insert(
        CouponUse,
        *(
            {
                "id": new_id(),
                "tenant_id": tenant().id,
                "coupon_id": coupon.coupon_id,
                "order_id": order_id,
                "who": who,
                "turn": next_turn(coupon, who),
            }
            for coupon in used
        ),
    )


def _contact(composed: Composed, command: PlaceOrder) -> dict[str, Any]:
    """Freeze who buys and where to: an order keeps its own copy."""
    customer, given = composed.customer, command.composition
    return {
        "ref": customer.ref if customer else "",
        "email": customer.email if customer else "",
        "name": customer.name if customer else "",
        "locale": customer.locale if customer else "en",
        "time_zone": customer.time_zone if customer else "UTC",
        "groups": sorted(customer.groups) if customer else [],
        "bill_to": asdict(given.bill_to) if given.bill_to else None,
        "ship_to": asdict(given.ship_to) if given.ship_to else None,
    }
