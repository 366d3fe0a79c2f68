"""The total shown is the total charged, or the answer says what has changed; and how it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from core.application.quote_order import QuoteOrder, quote_order
from core.context import TenantRef
from core.domain.confirmation import confirmation_of, read_confirmation
from core.domain.errors import InvalidInput, TotalChanged
from core.domain.lines import Wanted
from core.domain.shipping import ShippingMethodMissing, ShippingMethodUnavailable
from core.models import Order, Product
from core.testing.registries import FakePlugin, registry_of
from hookspecs import (
    SHIPPING_OPTIONS,
    Address,
    Adjustment,
    Money,
    Phase,
    Quote,
    RuleInfo,
    Skip,
    Target,
)
from tests.application.shelf import ordering, placed, wanting


class Way:
    """A way of shipping to one country."""

    def __init__(self, code: str, minor: int, country: str = "DE") -> None:
        self.info = RuleInfo(
            key=code, label=code.title(), phase=Phase.SHIPPING, group=SHIPPING_OPTIONS
        )
        self.minor, self.country = minor, country

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        if quote.shipping_method != self.info.key:
            return Skip(reason="another way was chosen")
        if quote.ship_to is not None and quote.ship_to.country != self.country:
            return Skip(reason="not for this place")
        amount = Money(self.minor, quote.currency)
        return [Adjustment(target=Target.SHIPPING, amount=amount, reason="posted")]


class FreeFrom:
    """Ships for nothing from twenty on."""

    info = RuleInfo(key="free-from", label="Free from twenty", phase=Phase.SHIPPING)

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        if quote.subtotal.minor < 2000:
            return Skip(reason="not enough")
        return [Adjustment(target=Target.SHIPPING, amount=-quote.shipping, reason="free")]


SENDING = registry_of(
    FakePlugin(name="ways", rules=(Way("post", 300), Way("courier", 900), Way("swiss", 1, "CH"))),
    FakePlugin(name="free", rules=(FreeFrom(),)),
)
NOBODY = registry_of()


def quoted(*lines: tuple[str, int], plugins: Any, now: datetime, **more: Any) -> Any:
    asked = QuoteOrder(composition=wanting(*lines, **more))
    return quote_order(asked, plugins=plugins, now=now)


def test_a_confirmation_says_what_has_changed(shelf: TenantRef, now: datetime) -> None:
    shown = quoted(("tea", 2), ("pot", 1), plugins=NOBODY, now=now)
    confirmation = confirmation_of(shown.priced)
    Product.objects.filter(sku="tea").update(price_minor=460)

    with pytest.raises(TotalChanged) as changed:
        placed(("tea", 2), ("pot", 1), plugins=SENDING, now=now, confirmation=confirmation)

    details = changed.value.details
    assert (details["confirmed_minor"], details["total_minor"]) == (3400, 3420)
    assert details["difference_minor"] == 20
    assert details["changes"] == [
        {
            "what": "line",
            "key": "1",
            "sku": "tea",
            "name": "The tea",
            "was_minor": 900,
            "is_minor": 920,
        }
    ]
    assert not Order.objects.exists()


def test_a_rule_that_came_or_went_is_named(shelf: TenantRef, now: datetime) -> None:
    shown = quoted(("tea", 2), plugins=SENDING, now=now, shipping_method="post")
    confirmation = confirmation_of(shown.priced)

    with pytest.raises(TotalChanged) as changed:
        placed(
            ("tea", 2), plugins=SENDING, now=now, shipping_method="courier",
            confirmation=confirmation,
        )  # fmt: skip

    assert changed.value.details["changes"] == [
        {"what": "rule", "key": "post", "name": "Post", "was_minor": 300, "is_minor": 0},
        {"what": "rule", "key": "courier", "name": "Courier", "was_minor": 0, "is_minor": 900},
        {"what": "sum", "key": "shipping", "was_minor": 300, "is_minor": 900},
    ]


def test_what_is_confirmed_and_has_not_changed_is_placed(shelf: TenantRef, now: datetime) -> None:
    shown = quoted(("tea", 2), plugins=NOBODY, now=now)

    order = placed(
        ("tea", 2),
        plugins=NOBODY,
        now=now,
        confirmation=confirmation_of(shown.priced),
        confirmed_total_minor=900,
    )

    assert order.total.minor == 900


@pytest.mark.parametrize("text", ["x", "e30", "W10", "é", "W251bGwsMSx7fSx7fSx7fV0", "A" * 70_000])
def test_a_confirmation_that_no_quote_gave_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_confirmation(text)

    assert refused.value.details["field"] == "confirmation"


def test_a_confirmation_in_another_currency_is_refused(shelf: TenantRef, now: datetime) -> None:
    shown = quoted(("tea", 2), plugins=NOBODY, now=now)
    text = confirmation_of(shown.priced).replace("WyJFVVIi", "WyJVU0Qi")

    with pytest.raises(InvalidInput):
        placed(("tea", 2), plugins=NOBODY, now=now, confirmation=text)


def test_a_quote_lists_the_ways_that_fit_with_what_they_cost(
    shelf: TenantRef, now: datetime
) -> None:
    few = quoted(("tea", 1), plugins=SENDING, now=now, ship_to=Address(country="DE"))
    many = quoted(("tea", 5), plugins=SENDING, now=now, ship_to=Address(country="DE"))
    abroad = quoted(("tea", 1), plugins=SENDING, now=now, ship_to=Address(country="CH"))

    assert [(one.code, one.price.minor) for one in few.shipping_choices] == [
        ("post", 300),
        ("courier", 900),
    ]
    assert [one.price.minor for one in many.shipping_choices] == [0, 0]
    assert [one.code for one in abroad.shipping_choices] == ["swiss"]
    assert few.priced.shipping_minor == 0


def test_an_order_is_sent_by_a_way_that_was_chosen(shelf: TenantRef, now: datetime) -> None:
    order = placed(("tea", 1), plugins=SENDING, now=now, shipping_method="post")

    assert Order.objects.get().shipping_minor == 300
    assert order.total.minor == 750


def test_an_order_is_never_sent_for_nothing_by_mistake(shelf: TenantRef, now: datetime) -> None:
    swiss = {"ship_to": Address(country="CH")}
    with pytest.raises(ShippingMethodMissing):
        placed(("tea", 1), plugins=SENDING, now=now)
    with pytest.raises(ShippingMethodUnavailable):
        placed(("tea", 1), plugins=SENDING, now=now, shipping_method="post", **swiss)
    with pytest.raises(ShippingMethodUnavailable):
        placed(("tea", 1), plugins=SENDING, now=now, shipping_method="pigeon")

    assert not Order.objects.exists()


def test_nobody_has_to_choose_where_nothing_fits_or_shipping_was_agreed(
    shelf: TenantRef, now: datetime
) -> None:
    nowhere = {"ship_to": Address(country="FR")}
    agreed = {"terms": {"shipping": "7.00"}, "terms_allowed": True}

    placed(("tea", 1), plugins=SENDING, now=now, **nowhere)
    order = placed(("tea", 1), plugins=SENDING, now=now, **agreed)

    assert order.total.minor == 1150


def test_a_thousand_and_one_lines_are_confirmed_by_their_sums(
    shelf: TenantRef, now: datetime
) -> None:
    wanted = tuple(Wanted(sku="tea", quantity=1, attributes={"n": str(n)}) for n in range(1001))
    composition = type(ordering(("tea", 1)).composition)(lines=wanted)
    Product.objects.get(sku="tea").stock.__class__.objects.update(on_hand=5000)

    shown = quote_order(QuoteOrder(composition=composition), plugins=NOBODY, now=now)

    confirmed = read_confirmation(confirmation_of(shown.priced))
    assert (confirmed.total_minor, confirmed.lines) == (450_450, {})
