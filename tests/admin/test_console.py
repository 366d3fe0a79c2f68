"""The console shows everything, changes nothing by hand, and acts through use cases."""

from __future__ import annotations

from contextvars import Context
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from core.admin.console import Console
from core.models import ApiKey, Delivery, InboxEntry, Order, Payment, Product, Stock, StockReceipt
from core.testing.registries import registry_of
from tests.admin.conftest import Shop
from tests.http.memory import InHand

pytestmark = pytest.mark.django_db(transaction=True)

MODELS = sorted(
    (model for model, page in admin.site._registry.items() if isinstance(page, Console)),
    key=lambda model: model.__name__,
)


def listed(model: type[Model]) -> str:
    return reverse(f"admin:orderloom_{model.__name__.lower()}_changelist")


def page_of(row: Model) -> str:
    return reverse(f"admin:orderloom_{type(row).__name__.lower()}_change", args=[row.pk])


def act(console: Client, name: str, row: Model, reason: str = "") -> Any:
    """Take an action on a row; return the page that says what became of it."""
    asked = {"action": name, "_selected_action": [str(row.pk)], "reason": reason, "index": "0"}
    return console.post(listed(type(row)), asked, follow=True)


def test_these_kinds_of_rows_are_shown() -> None:
    names = [model.__name__ for model in MODELS]

    assert names == [
        *("ApiKey", "Category", "Coupon", "Customer", "Delivery", "Family", "InboxEntry"),
        *("Order", "Payment", "Plugin", "Product", "Stock", "StockReceipt"),
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_page_renders_with_its_plugins_and_without(
    model: type[Model], console: Client, shop: Shop
) -> None:
    row = model._default_manager.first()
    assert row is not None

    pages = []
    for registry in (InHand.registry, registry_of()):
        InHand.registry = registry
        pages += [console.get(listed(model)), console.get(page_of(row))]

    assert [page.status_code for page in pages] == [200] * 4
    assert str(row) in pages[1].content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nothing_can_be_edited_added_or_deleted(
    model: type[Model], console: Client, shop: Shop
) -> None:
    row = model._default_manager.first()
    assert row is not None
    before = model._default_manager.values().get(pk=row.pk)
    said = {field.name: "7" for field in model._meta.fields} | {"_save": "Save", "post": "yes"}

    codes = [
        console.post(page_of(row), said).status_code,
        console.post(page_of(row).replace("/change/", "/delete/"), said).status_code,
        console.post(listed(model) + "add/", said).status_code,
    ]
    act(console, "delete_selected", row)

    assert codes == [403, 403, 403]
    assert model._default_manager.values().get(pk=row.pk) == before


def test_an_order_shows_its_lines_money_facts_and_journal(console: Client, shop: Shop) -> None:
    text = console.get(page_of(shop.order)).content.decode()

    for shown in ("A tea", "9.00 EUR", "Memory", "CAPTURED", "order_placed", "pay-memory"):
        assert shown in text


def test_no_page_shows_what_a_webhook_said_or_a_key_is(console: Client, shop: Shop) -> None:
    rows = [InboxEntry.objects.get(), ApiKey.objects.get()]

    texts = [
        console.get(address).content.decode()
        for row in rows
        for address in (listed(type(row)), page_of(row))
    ]

    for text in texts:
        assert "a-secret" not in text
        assert "d1ge57" not in text


def test_a_delivery_says_why_it_waits(console: Client, shop: Shop) -> None:
    text = console.get(listed(Delivery)).content.decode()

    assert "it was full" in text


def test_rows_are_those_of_the_tenant_that_the_doorway_sets(
    console: Client, shop: Shop, other_shop: str
) -> None:
    address = reverse("admin:orderloom_customer_changelist")

    ours, theirs = (
        Context().run(console.get, address, headers={"X-Orderloom-Tenant": slug}).content.decode()
        for slug in ("default", "other")
    )

    assert "Kim" in ours
    assert other_shop not in ours
    assert other_shop in theirs


def test_cancelling_needs_a_reason(console: Client, shop: Shop) -> None:
    page = act(console, "cancel", shop.order)

    shop.order.refresh_from_db()
    assert shop.order.status == "PAID"
    assert "a reason is needed" in page.content.decode()


def test_stock_is_corrected_to_what_was_counted_for_a_reason(console: Client, shop: Shop) -> None:
    row = Stock.objects.get(product__sku="pot")
    asked = {"action": "correct", "_selected_action": [str(row.pk)], "index": "0"}

    said = [
        console.post(listed(Stock), asked | given, follow=True).content.decode()
        for given in (
            {"reason": "one broke"},
            {"counted": "99"},
            {"counted": "-1", "reason": "one broke"},
            {"counted": "99", "reason": "one broke"},
        )
    ]

    row.refresh_from_db()
    receipt = StockReceipt.objects.get(product__sku="pot")
    assert "Say how many were counted." in said[0]
    assert "a reason is needed" in said[1]
    assert (row.on_hand, receipt.quantity, receipt.reason) == (99, -1, "one broke")
    assert (
        LogEntry.objects.get(object_id=str(row.pk)).get_change_message() == "corrected: one broke"
    )


def test_a_product_shows_its_prices_and_a_draft_that_it_has_none(
    console: Client, shop: Shop
) -> None:
    tea, draft = (Product.objects.get(sku=sku) for sku in ("tea", "draft"))
    Product.objects.filter(sku="draft").update(price_minor=None)

    assert "400" in console.get(page_of(tea)).content.decode()
    assert console.get(page_of(draft)).status_code == 200


def test_cancelling_frees_the_stock_gives_money_back_and_is_logged(
    console: Client, shop: Shop
) -> None:
    act(console, "cancel", shop.order, "They rang")

    shop.order.refresh_from_db()
    assert (shop.order.status, shop.order.payment_status) == ("CANCELLED", "REFUNDED")
    assert Stock.objects.get(product__sku="tea").reserved == 0
    assert LogEntry.objects.get().change_message == "cancelled: They rang"


def test_a_paid_order_is_fulfilled_once(console: Client, shop: Shop) -> None:
    act(console, "fulfil", shop.order)
    again = act(console, "fulfil", shop.order)

    shop.order.refresh_from_db()
    assert shop.order.status == "FULFILLED"
    assert Stock.objects.get(product__sku="tea").on_hand == 98
    assert "errorlist" in again.content.decode() or 'class="error"' in again.content.decode()


def test_a_payment_is_refunded_once(console: Client, shop: Shop) -> None:
    pages = [act(console, "refund", shop.payment, "Broken") for _ in range(2)]

    shop.payment.refresh_from_db()
    assert shop.payment.status == "REFUNDED"
    assert [b'class="success"' in page.content for page in pages] == [True, False]


def test_a_refund_without_its_plugin_names_the_package(console: Client, shop: Shop) -> None:
    InHand.registry = registry_of()

    page = act(console, "refund", shop.payment, "Broken")

    assert "install orderloom-pay-memory" in page.content.decode()


def test_products_are_published_and_retired(console: Client, shop: Shop) -> None:
    draft = Product.objects.get(sku="draft")
    states = []

    for name in ("publish", "retire"):
        act(console, name, draft)
        draft.refresh_from_db()
        states.append(draft.status)

    assert states == ["PUBLISHED", "RETIRED"]


def test_a_webhook_is_read_again(console: Client, shop: Shop) -> None:
    entry = InboxEntry.objects.get()

    act(console, "read", entry)

    entry.refresh_from_db()
    assert (entry.status, entry.fence > 0) == ("UNTRUSTED", True)


def test_who_may_only_look_gets_no_actions(shop: Shop) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(viewer)

    act(client, "fulfil", shop.order)

    assert Order.objects.get().status == "PAID"
    assert b"Fulfil" not in client.get(listed(Order)).content
    assert client.get(listed(Payment)).status_code == 200
