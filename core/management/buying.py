"""A customer who buys something through every plugin that takes payments, and pays what they can."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from django.utils import timezone

from core.application.compose_order import Composition
from core.application.payment_step import PaymentStep
from core.application.place_order import PlaceOrder, place_order
from core.application.queries import order_page
from core.application.read_products import published_products
from core.application.resume_payment import ResumePayment, resume_payment
from core.application.start_payment import StartPayment, start_payment
from core.conf import conf
from core.domain.errors import Refusal
from core.domain.lifecycle import DeliveryStatus, OperationStatus, OrderStatus
from core.domain.lines import Wanted
from core.hooks.offered import OfferedStrategy
from core.hooks.registry import Registry
from core.management.outbox import subjects
from core.management.sandbox import Sandbox
from core.models import Delivery, Event, Operation
from hookspecs import Customer, Feature, Redirect, TimelineEntry

_SECONDS: Final = 30.0
_ANNA: Final = Customer(ref="", email="anna@shop.example", name="Anna Example")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A message that a channel has handed over; the subject is known where the outbox is a file."""

    id: str
    event: str
    to: str
    channel: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What became of an order: where it stands, and whether that is what was promised.

    `declined` is the code and the words of a refused payment, else empty.
    """

    order_id: str
    number: str
    plugin: str
    strategy: str
    state: str
    payment_status: str
    waits_for: str
    declined: str
    as_promised: bool
    timeline: tuple[TimelineEntry, ...]
    mails: tuple[Mail, ...]


def one_per_plugin(plugins: Registry) -> Iterator[OfferedStrategy]:
    """Yield one way to pay of each plugin that takes payments."""
    seen: set[str] = set()
    for offered in plugins.strategies.values():
        if offered.plugin not in seen:
            seen.add(offered.plugin)
            yield offered


def buy(offered: OfferedStrategy, *, plugins: Registry, sandboxes: tuple[Sandbox, ...]) -> Bought:
    """Place an order, pay it this way, and wait until it is paid and everybody was told.

    Raises:
        Refusal: the shop refused; the code says why.
        OSError: the sandbox doesn't answer.
    """
    order_id = _placed(offered, plugins)
    typed = _typed(offered, sandboxes)
    inputs = offered.info.inputs
    asked = ", ".join(one.label for one in inputs if one.required and one.name not in typed)
    step = None if asked else _started(offered, order_id, plugins, typed)
    clicked = step is not None and _pay(step, plugins=plugins, sandboxes=sandboxes)
    at_once = step is not None and step.action is None
    finishes = clicked or (at_once and Feature.MANUAL not in offered.info.features)
    if finishes:
        _wait(lambda: _is_decided(order_id, plugins))
    _wait(lambda: _everybody_was_told(order_id))
    page = order_page(order_id, plugins=plugins)
    declined = "" if page.status == OrderStatus.PAID else _declined(order_id)
    promised = OrderStatus.PAID if finishes else OrderStatus.CONFIRMED
    return Bought(
        order_id=str(order_id),
        number=page.order.number,
        plugin=offered.plugin,
        strategy=offered.info.code,
        state=page.status,
        payment_status=page.payment_status,
        waits_for="" if finishes or declined else _waits_for(step, asked),
        declined=declined,
        as_promised=not declined and page.status == promised,
        timeline=page.timeline,
        mails=_mails(order_id),
    )


def _placed(offered: OfferedStrategy, plugins: Registry) -> uuid.UUID:
    product = next(
        (one for one in published_products(now=timezone.now(), limit=100) if one.available > 1),
        None,
    )
    if product is None:
        raise Refusal("There is nothing on the shelves to buy.")
    command = PlaceOrder(
        composition=Composition(
            lines=(Wanted(sku=product.sku, quantity=1),),
            currency=product.price.currency,
            contact=_ANNA,
            payment_strategy=offered.info.code,
        ),
        principal="up",
        key=uuid.uuid4().hex,
        source="UP",
    )
    return place_order(command, plugins=plugins, now=timezone.now()).order_id


def _started(
    offered: OfferedStrategy, order_id: uuid.UUID, plugins: Registry, typed: dict[str, str]
) -> PaymentStep:
    command = StartPayment(
        order_id=order_id,
        strategy_code=offered.info.code,
        principal=f"order:{order_id}",
        key=uuid.uuid4().hex,
        return_url=f"{conf().public_url}/livez?payment={{payment_id}}",
        cancel_url=f"{conf().public_url}/livez",
        inputs=typed,
    )
    return start_payment(command, plugins=plugins, now=timezone.now())


def _typed(offered: OfferedStrategy, sandboxes: tuple[Sandbox, ...]) -> dict[str, str]:
    """Return what a willing customer types, as far as a sandbox knows it and it is asked."""
    known = {one.name for one in offered.info.inputs}
    said = [sandbox.inputs(offered.plugin) for sandbox in sandboxes]
    return {name: text for one in said for name, text in one.items() if name in known}


def _pay(step: PaymentStep, *, plugins: Registry, sandboxes: tuple[Sandbox, ...]) -> bool:
    """Let the sandbox do what a willing customer does; say whether it could."""
    if not isinstance(step.action, Redirect):
        return False
    for sandbox in sandboxes:
        back = sandbox.click(step.action.url)
        if back is not None:
            returned = ResumePayment(
                order_id=step.order_id,
                payment_id=step.payment_id,
                returned=dict(parse_qsl(urlsplit(back).query)),
            )
            resume_payment(returned, plugins=plugins, now=timezone.now())
            return True
    return False


def _wait(reached: Callable[[], bool]) -> None:
    until = time.monotonic() + _SECONDS
    while not reached() and time.monotonic() < until:
        time.sleep(0.05)


def _is_decided(order_id: uuid.UUID, plugins: Registry) -> bool:
    paid = order_page(order_id, plugins=plugins).status == OrderStatus.PAID
    return paid or bool(_declined(order_id))


def _declined(order_id: uuid.UUID) -> str:
    last = Operation.objects.filter(order_id=order_id).order_by("-created_at", "-id").first()
    if last is None or last.status != OperationStatus.DECLINED:
        return ""
    told = last.outcome or {}
    return f"{told.get('code', '')} {told.get('text', '')}".strip()


def _everybody_was_told(order_id: uuid.UUID) -> bool:
    waiting = Event.objects.filter(order_id=order_id, fanned_out=False).exists()
    pending = Delivery.objects.filter(event__order_id=order_id, status=DeliveryStatus.PENDING)
    return not waiting and not pending.exists()


def _mails(order_id: uuid.UUID) -> tuple[Mail, ...]:
    """Where mail goes to files, what isn't found there was not delivered, whatever a row says."""
    told = Delivery.objects.filter(event__order_id=order_id, status=DeliveryStatus.DONE)
    outbox = subjects()
    return tuple(
        Mail(
            id=row.reference or "",
            event=row.event.kind,
            to=str((row.recipient or {}).get("address", "")),
            channel=row.channel,
            subject=(outbox or {}).get(row.reference or "", ""),
        )
        for row in told.exclude(channel="").select_related("event").order_by("event__seq")
        if outbox is None or row.reference in outbox
    )


def _waits_for(step: PaymentStep | None, asked: str) -> str:
    if step is None:
        return f"the customer, who has to say: {asked}"
    if step.action is None:
        return "a person, who records the money"
    return f"the customer ({type(step.action).__name__})"
