"""Ways of shipping that a plugin offers: a shop lists them, and an order takes one."""

from __future__ import annotations

from django.utils import timezone

from core.application.quote_order import QuoteOrder, quote_order
from core.context import TenantRef
from core.models import Order
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Address, Money
from pricing_shipping.plugin import pricing_rules
from pricing_shipping.settings import Option, Settings
from tests.application.conftest import shop
from tests.application.shelf import placed, put, wanting

__all__ = ["shop"]

BERLIN = Address(country="DE")
WAYS = Settings(
    options=(
        Option(key="post", label="Post", prices=(Money(490, "EUR"),)),
        Option(key="courier", label="Courier", prices=(Money(1900, "EUR"),)),
    )
)


def test_a_shop_lists_the_ways_and_an_order_takes_one(shop: TenantRef) -> None:
    now = timezone.now()
    put("mug", 2000, 10, now=now)
    rules = tuple(pricing_rules(WAYS))  # type: ignore[arg-type]
    plugins = registry_of(FakePlugin(name="pricing-shipping", rules=rules))
    asked = QuoteOrder(composition=wanting(("mug", 1), ship_to=BERLIN))

    choices = quote_order(asked, plugins=plugins, now=now).shipping_choices
    placed(("mug", 1), plugins=plugins, now=now, ship_to=BERLIN, shipping_method=choices[0].code)

    assert [(one.code, one.price.minor) for one in choices] == [("post", 490), ("courier", 1900)]
    assert Order.objects.get().shipping_minor == 490
