"""Placing an order: whole or not at all, once per key, in few statements."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.application.place_order import place_order
from core.application.quote_order import QuoteOrder, quote_order
from core.application.retire_product import retire_product
from core.context import TenantRef
from core.domain import errors
from core.domain.journal import link
from core.domain.lines import Wanted
from core.domain.replay import stored_steps
from core.models import Event, Order, OrderLine, Payment
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Adjustment, Money, Phase, Quote, RuleInfo
from tests.application.shelf import ordering, placed, put, stock, wanting


class PennyOff:
    def __init__(self, key: str = "penny-off") -> None:
        self.info = RuleInfo(key=key, label="A penny off", phase=Phase.ORDER)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        return [Adjustment(target="ORDER", amount=Money(-1, quote.currency), reason="a penny")]


NOBODY = registry_of()


def test_it_stores_the_order_its_lines_and_one_event_and_reserves_the_stock(
    shelf: TenantRef, now: datetime
) -> None:
    order = placed(("tea", 2), ("pot", 1), plugins=NOBODY, now=now)

    row = Order.objects.get(pk=order.order_id)
    assert (row.total_minor, row.goods_minor, row.status, row.stock) == (
        3400,
        3400,
        "CONFIRMED",
        "HELD",
    )
    assert [
        (line.sku, line.quantity, line.total_minor) for line in row.lines.order_by("position")
    ] == [
        ("tea", 2, 900),
        ("pot", 1, 2500),
    ]
    assert stock("tea") == (10, 2)
    assert [event.kind for event in Event.objects.filter(order_id=row.id)] == ["order_placed"]
    assert row.contact["email"] == "ada@example.org"


def test_its_journal_is_a_chain_that_vouches_for_itself(shelf: TenantRef, now: datetime) -> None:
    order = placed(("tea", 1), plugins=NOBODY, now=now)

    event = Event.objects.get(order_id=order.order_id)
    again = link(
        previous="",
        order_id=str(order.order_id),
        seq=1,
        kind=event.kind,
        at=event.at,
        data=event.data,
    )
    assert event.hash == again == Order.objects.get(pk=order.order_id).log_head


def test_the_same_key_gives_the_same_order_even_when_sold_out(
    shelf: TenantRef, now: datetime
) -> None:
    command = ordering(("pot", 5), key="once")
    first = place_order(command, plugins=NOBODY, now=now)

    again = place_order(command, plugins=NOBODY, now=now + timedelta(hours=1))

    assert again.replayed
    assert (again.order_id, again.number, again.token) == (
        first.order_id,
        first.number,
        first.token,
    )
    assert Order.objects.count() == 1
    assert stock("pot") == (5, 5)


def test_the_same_key_for_something_else_is_refused(shelf: TenantRef, now: datetime) -> None:
    placed(("tea", 1), plugins=NOBODY, now=now, key="once")

    with pytest.raises(errors.IdempotencyConflict):
        placed(("tea", 2), plugins=NOBODY, now=now, key="once")

    assert Order.objects.count() == 1


def test_the_same_sku_is_one_line_where_everything_agrees_and_two_otherwise(
    shelf: TenantRef, now: datetime
) -> None:
    plain = Wanted(sku="tea", quantity=1)
    engraved = Wanted(sku="tea", quantity=1, attributes={"engraving": "A"})
    command = ordering(("tea", 1))
    composition = type(command.composition)(lines=(plain, plain, engraved))

    order = place_order(
        type(command)(composition=composition, principal="guest", key="k", source="test"),
        plugins=NOBODY,
        now=now,
    )

    lines = OrderLine.objects.filter(order_id=order.order_id).order_by("position")
    assert [(line.quantity, line.attributes) for line in lines] == [
        (2, {}),
        (1, {"engraving": "A"}),
    ]
    assert stock("tea") == (10, 3)


@pytest.mark.parametrize(
    ("lines", "more", "refusal"),
    [
        ((), {}, errors.EmptyOrder),
        ((("tea", 0),), {}, errors.InvalidQuantity),
        ((("tea", -1),), {}, errors.InvalidQuantity),
        ((("nothing", 1),), {}, errors.UnknownProduct),
        ((("draft", 1),), {}, errors.ProductNotForSale),
        ((("tea", 11),), {}, errors.OutOfStock),
        ((("tea", 1),), {"currency": "USD"}, errors.CurrencyMismatch),
        ((("tea", 1),), {"terms": {"shipping": "1.00"}}, errors.TermsNotAllowed),
        ((("tea", 1),), {"confirmed_total_minor": 449}, errors.TotalChanged),
        ((("tea", 1),), {"terms": {"shipping": "x"}, "terms_allowed": True}, errors.InvalidInput),
    ],
)
def test_a_refusal_writes_nothing(
    shelf: TenantRef,
    now: datetime,
    lines: Any,
    more: dict[str, Any],
    refusal: type[errors.Refusal],
) -> None:
    with pytest.raises(refusal):
        placed(*lines, plugins=NOBODY, now=now, **more)

    assert not Order.objects.exists()
    assert not Event.objects.filter(order__isnull=False).exists()
    assert stock("tea") == (10, 0)


def test_a_total_that_is_not_positive_is_refused(shelf: TenantRef, now: datetime) -> None:
    put("gift", 1, 5, now=now)

    with pytest.raises(errors.TotalNotPositive):
        placed(("gift", 1), plugins=registry_of(FakePlugin(name="p", rules=(PennyOff(),))), now=now)

    assert not Order.objects.exists()


def test_a_retired_product_sells_on_agreed_terms_only(shelf: TenantRef, now: datetime) -> None:
    retire_product(sku="tea", now=now)
    agreed = Wanted(sku="tea", quantity=2, terms={"unit_price": "4.00"})
    command = ordering(("tea", 1))
    composition = type(command.composition)(lines=(agreed,), terms_allowed=True)

    with pytest.raises(errors.ProductNotForSale):
        place_order(command, plugins=NOBODY, now=now)
    order = place_order(
        type(command)(composition=composition, principal="staff", key="k", source="staff"),
        plugins=NOBODY,
        now=now,
    )

    assert order.total == Money(800, "EUR")


def test_history_keeps_its_own_date_and_is_paid_already(shelf: TenantRef, now: datetime) -> None:
    then = datetime(1996, 7, 4, tzinfo=UTC)

    order = placed(
        ("tea", 1),
        plugins=NOBODY,
        now=now,
        placed_at=then,
        collected_elsewhere="old:1",
        notify=False,
    )

    row = Order.objects.get(pk=order.order_id)
    assert (row.placed_at, row.status, row.payment_status, row.stock) == (
        then,
        "PAID",
        "PAID",
        "KEPT",
    )
    assert [e.kind for e in row.events.order_by("seq")] == ["order_placed", "order_paid"]
    payment = Payment.objects.get(order_id=row.id)
    assert payment.facts.get().source == "PERSON"


def test_the_receipt_says_why_and_by_which_plugin(shelf: TenantRef, now: datetime) -> None:
    plugins = registry_of(FakePlugin(name="pennies", rules=(PennyOff(),), version="2.1"))

    order = placed(("tea", 2), plugins=plugins, now=now)

    row = Order.objects.get(pk=order.order_id)
    (step,) = stored_steps(row.receipt)
    assert (step.rule, step.plugin, step.version) == ("penny-off", "pennies", "2.1")
    assert (step.applied, step.accepted_minor, row.total_minor) == (True, -1, 899)


def test_a_thousand_lines_are_ordinary(shelf: TenantRef, now: datetime) -> None:
    wanted = tuple(Wanted(sku="tea", quantity=1, attributes={"n": str(n)}) for n in range(1000))
    put("crate", 1, 5000, now=now)
    crates = tuple(Wanted(sku="crate", quantity=1, attributes=w.attributes) for w in wanted)
    command = ordering(("tea", 1))
    composition = type(command.composition)(lines=crates)

    order = place_order(
        type(command)(composition=composition, principal="guest", key="k", source="test"),
        plugins=NOBODY,
        now=now,
    )

    assert OrderLine.objects.filter(order_id=order.order_id).count() == 1000
    assert stock("crate") == (5000, 1000)


@pytest.mark.parametrize(("lines", "plugins"), [(1, 0), (100, 20)])
def test_pricing_reads_once_for_any_lines_and_rules(
    shelf: TenantRef, now: datetime, lines: int, plugins: int
) -> None:
    registry = registry_of(
        *(FakePlugin(name=f"p{n}", rules=(PennyOff(f"penny-{n}"),)) for n in range(plugins))
    )
    for n in range(lines):
        put(f"crate-{n}", 100, 50, now=now)
    wanted = wanting(*((f"crate-{n}", 1) for n in range(lines)))

    with CaptureQueriesContext(connection) as statements:
        quoted = quote_order(QuoteOrder(composition=wanted), plugins=registry, now=now)

    assert quoted.priced.total_minor == 100 * lines - plugins
    assert len(statements) == 1


@pytest.mark.parametrize("plugins", [0, 5])
@pytest.mark.parametrize("lines", [1, 3, 100])
def test_it_takes_the_same_few_statements_for_any_lines_and_plugins(
    shelf: TenantRef, now: datetime, lines: int, plugins: int
) -> None:
    registry = registry_of(
        *(FakePlugin(name=f"p{n}", rules=(PennyOff(f"penny-{n}"),)) for n in range(plugins))
    )
    put("crate", 100, 5000, now=now)
    wanted = tuple(Wanted(sku="crate", quantity=1, attributes={"n": str(n)}) for n in range(lines))
    command = ordering(("tea", 1))
    composition = type(command.composition)(lines=wanted)
    command = type(command)(composition=composition, principal="guest", key="k", source="test")

    with CaptureQueriesContext(connection) as statements:
        place_order(command, plugins=registry, now=now)

    # One read and one write; SQLite writes its parts in turn, between BEGIN and COMMIT.
    assert len(statements) == (2 if connection.vendor == "postgresql" else 7)
