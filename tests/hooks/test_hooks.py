"""One test per hook: the page's own example, installed as a plugin and called by the core."""

from __future__ import annotations

import doctest
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

import hookspecs
from core.hooks.registry import Registry
from hookspecs import (
    Accepted,
    Adjustment,
    Call,
    Customer,
    Message,
    Money,
    NeedsCustomer,
    OrderEvent,
    OrderSnapshot,
    PaymentEvent,
    Product,
    ProductEvent,
    Quote,
    QuoteLine,
    Recipient,
    StartRequest,
)
from tests.hooks.gallery import Gallery

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
NOTHING = Money(0, "EUR")
ORDER = OrderSnapshot(
    number="2026-7",
    tenant="default",
    placed_at=NOW,
    customer=Customer(ref="ann"),
    lines=(),
    shipping=NOTHING,
    fees=NOTHING,
    tax=NOTHING,
    rounding=NOTHING,
    total=Money(1999, "EUR"),
)
PLACED = OrderEvent(id="e-1", at=NOW, tenant="default", order=ORDER, reason="changed their mind")
PAID = PaymentEvent(
    id="e-2",
    at=NOW,
    tenant="default",
    order=ORDER,
    payment_id="p-1",
    strategy_code="card",
    amount=Money(1999, "EUR"),
)


class Shelf:
    """A catalogue of two products."""

    tenant = "default"

    def skus(self, *, after: str = "", limit: int = 1000) -> Sequence[str]:
        return [sku for sku in ("cup", "tea") if sku > after][:limit]

    def products(self, skus: Iterable[str], /) -> Sequence[Product]:
        return [
            Product(sku=sku, name=sku.title(), price=Money(1, "EUR"), available=1)
            for sku in sorted(skus)
        ]


def installed(gallery: Gallery, hook: str) -> Registry:
    """Install the example of a hook's docstring, run its checks, and return what is offered."""
    page = vars(hookspecs)
    parsed = doctest.DocTestParser().get_doctest(page[hook].__doc__, dict(page), hook, "", 0)
    assert not doctest.DocTestRunner().run(parsed).failed
    code = "".join(example.source for example in parsed.examples if not example.want)
    gallery.add(
        "example", f"from collections.abc import *\nfrom typing import Any\n{code}", hooks=(hook,)
    )
    registry = gallery.build()
    assert registry.problems == ()
    return registry


def tell(gallery: Gallery, hook: str, event: Any) -> None:
    [offered] = installed(gallery, hook).tells[hook]
    offered.tell(event)


def soon() -> Call:
    return Call(deadline=time.monotonic() + 5)


def test_hook_payment_strategies(gallery: Gallery) -> None:
    registry = installed(gallery, "payment_strategies")
    request = StartRequest(
        operation_id="op",
        payment_id="p",
        amount=Money(1999, "EUR"),
        order=ORDER,
        return_url="",
        cancel_url="",
        webhook_url="",
    )

    outcome = registry.strategies["on-pickup"].start(request, soon())

    assert isinstance(outcome, NeedsCustomer)


def test_hook_pricing_rules(gallery: Gallery) -> None:
    registry = installed(gallery, "pricing_rules")
    line = QuoteLine(
        line_id="1",
        sku="tea",
        quantity=10,
        list_price=Money(100, "EUR"),
        amount=Money(1000, "EUR"),
        floor=NOTHING,
    )
    quote = Quote(
        tenant="default",
        currency="EUR",
        now=NOW,
        lines=(line,),
        customer=None,
        shipping=NOTHING,
        fees=NOTHING,
        tax=NOTHING,
        rounding=NOTHING,
    )

    proposals = registry.rules[0].propose(quote)

    assert proposals == (Adjustment(target="1", amount=Money(-100, "EUR"), reason="ten or more"),)


def test_hook_notification_channels(gallery: Gallery) -> None:
    registry = installed(gallery, "notification_channels")
    message = Message(
        id="m-1",
        event="order_placed",
        tenant="default",
        to=Recipient(address="+49"),
        subject="",
        text="",
    )

    delivered = registry.channels["pager"].deliver(message, soon())

    assert delivered == Accepted(reference="m-1")


def test_hook_cache_warmers(gallery: Gallery) -> None:
    warmer = installed(gallery, "cache_warmers").warmers["names"]

    keys = list(warmer.plan(None, Shelf()))

    assert warmer.load(keys, Shelf()) == {"cup": "Cup", "tea": "Tea"}


def test_hook_order_placed(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "order_placed", PLACED)

    assert capsys.readouterr().out == "2026-7\n"


def test_hook_order_paid(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "order_paid", PLACED)

    assert capsys.readouterr().out == "19.99 EUR\n"


def test_hook_order_cancelled(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "order_cancelled", PLACED)

    assert capsys.readouterr().out == "changed their mind\n"


def test_hook_order_fulfilled(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "order_fulfilled", PLACED)

    assert capsys.readouterr().out == "2026-01-02 03:04:00+00:00\n"


def test_hook_payment_authorized(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "payment_authorized", PAID)

    assert capsys.readouterr().out == "19.99 EUR\n"


def test_hook_payment_captured(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "payment_captured", PAID)

    assert capsys.readouterr().out == "card 19.99 EUR\n"


def test_hook_payment_refunded(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    tell(gallery, "payment_refunded", PAID)

    assert capsys.readouterr().out == "p-1\n"


def test_hook_product_changed(gallery: Gallery, capsys: pytest.CaptureFixture[str]) -> None:
    event = ProductEvent(id="e-3", at=NOW, tenant="default", skus=("cup", "tea"))

    tell(gallery, "product_changed", event)

    assert capsys.readouterr().out == "cup, tea\n"


def test_the_first_plugin_of_the_page_works_as_written(
    gallery: Gallery, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [part.split("\n\n", 2) for part in str(hookspecs.__doc__).split("::\n\n")[1:]]
    code = "\n".join(line[4:] for line in "\n\n".join(blocks[0]).splitlines() if line[:4] == "    ")
    toml = "\n".join(line.strip() for line in blocks[1][0].splitlines())
    gallery.add("say-placed", toml=toml, package="say_placed", entry="say_placed", init=code)

    registry = gallery.build()

    assert registry.problems == ()
    registry.tells["order_placed"][0].tell(PLACED)
    assert capsys.readouterr().out == "placed 2026-7\n"
