"""A shop in memory behind the real pages, and a visitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from plugins.storefront.tests.shop import MemoryShop, ShopMiddleware, product

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "plugins.storefront.tests.shop.ShopMiddleware",
]
SAID = {
    "do": "place",
    "key": "k" * 32,
    "line": ["2:A1"],
    "confirmed_total": "2000 EUR",
    "name": "Ada Example",
    "email": "ada@example.org",
    "street": "Lane 1",
    "city": "Town",
    "country": "DE",
    "payment": "card",
}


@pytest.fixture(autouse=True)
def shop(settings: LazySettings) -> MemoryShop:
    """Serve the pages alone, over a shop with three products."""
    settings.ROOT_URLCONF = "plugins.storefront.tests.urls"
    settings.MIDDLEWARE = MIDDLEWARE
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.SECURE_SSL_REDIRECT = False
    stocked = (
        product("A1", name="Notebook", categories=frozenset({"Paper"}), description="It is blank."),
        product("B/2", 250, name="Teapot", categories=frozenset({"Tea"}), available=3, picture=""),
        product("C3", 999, name="Kettle", available=0),
    )
    ShopMiddleware.shop = MemoryShop(stock={one.sku: one for one in stocked})
    return ShopMiddleware.shop


@pytest.fixture
def visitor() -> Client:
    """Open a browser that checks its own CSRF tokens as little as Django's test client does."""
    return Client()


@pytest.fixture
def check_out(visitor: Client) -> Callable[..., HttpResponse]:
    """Send the checkout off, with other answers where they are given."""

    def send(**other: Any) -> HttpResponse:
        return visitor.post("/checkout/", SAID | other)

    return send


@pytest.fixture
def placed(check_out: Callable[..., HttpResponse]) -> str:
    """Place an order whose customer has not chosen how to pay; return the address of its page."""
    ShopMiddleware.shop.choices = ()
    check_out(payment="")
    kept = ShopMiddleware.shop.orders["id0"]
    ShopMiddleware.shop.choices = MemoryShop().choices
    kept.page = replace(kept.page, choices=MemoryShop().choices)
    return "/order/id0/t0ken/"
