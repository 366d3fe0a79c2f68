"""Products, categories, their stock, and customers in the console."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from core.admin.console import Asking, Console, ReasonForm, action, choose, money
from core.application.correct_stock import CorrectStock, correct_stock
from core.application.publish_product import publish_product
from core.application.receive_stock import LONGEST_REASON
from core.application.retire_product import retire_product
from core.domain.errors import InvalidInput
from core.domain.lifecycle import ProductStatus
from core.models import Category, Customer, Family, Price, Product, Stock, StockReceipt


class PricesShown(admin.TabularInline):  # type: ignore[type-arg]
    """What a product costs beside its own price."""

    model = Price
    fields = readonly_fields = ("currency", "from_quantity", "minor", "valid_from", "valid_until")
    extra = 0
    can_delete = False
    verbose_name_plural = "Prices beside its own, in minor units"

    def _never(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's
        return False

    has_add_permission = has_change_permission = has_delete_permission = _never


@admin.register(Product)
class ProductConsole(Console):
    """What is sold, was sold or will be."""

    ordering = ("sku",)
    list_display = ("sku", "name", "family", "variant", "price", "status", "published_at")
    list_select_related = ("family",)
    list_filter = (choose("status", ProductStatus),)
    search_fields = ("sku", "name", "family__name")
    fields = (*list_display, "tax_class", "categories", "attributes", "description", "created_at")
    inlines = (PricesShown,)
    price = money("price_minor", "Price")
    actions = (
        action("Publish", "published", lambda row, ask: publish_product(sku=row.sku, now=ask.now)),
        action("Retire", "retired", lambda row, ask: retire_product(sku=row.sku, now=ask.now)),
    )


class CountForm(ReasonForm):
    """An action, why it is taken, and what was counted."""

    counted = forms.IntegerField(required=False, min_value=0, label="Counted:")


def _count(stock: Stock, ask: Asking) -> None:
    if not (ask.counted.isascii() and ask.counted.isdigit()):
        raise InvalidInput("Say how many were counted.", field="counted")
    command = CorrectStock(
        sku=stock.product.sku,
        counted=int(ask.counted[:18]),
        reason=ask.reason[:LONGEST_REASON],
        key=f"{ask.principal}:{uuid.uuid4().hex}",
    )
    correct_stock(command, now=ask.now)


@admin.register(Stock)
class StockConsole(Console):
    """How much lies on the shelf; it moves with orders, receipts and imports."""

    ordering = ("product__sku",)
    list_display = ("product", "on_hand", "reserved", "free")
    list_select_related = ("product",)
    search_fields = ("product__sku", "product__name")
    fields = (*list_display, "opening")
    action_form = CountForm
    actions = (action("Correct to what was counted", "corrected", _count, reasoned=True),)

    @admin.display(description="Free")
    def free(self, stock: Stock) -> int:
        """What nobody was promised."""
        return stock.on_hand - stock.reserved


@admin.register(StockReceipt)
class ReceiptConsole(Console):
    """Why stock came or went without an order."""

    list_display = ("product", "quantity", "counted", "reason", "received_at")
    list_select_related = ("product",)
    search_fields = ("product__sku", "reason")
    fields = (*list_display, "key")


@admin.register(Category)
class CategoryConsole(Console):
    """How the shop's shelves lie below one another."""

    ordering = ("position", "name")
    list_display = ("name", "slug", "parent", "position")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    fields = list_display


@admin.register(Family)
class FamilyConsole(Console):
    """What products are variants of."""

    ordering = ("name",)
    list_display = ("name", "options")
    search_fields = ("name",)
    fields = list_display


@admin.register(Customer)
class CustomerConsole(Console):
    """Who buys."""

    list_display = ("ref", "name", "email", "locale", "created_at")
    search_fields = ("ref__iexact", "email__iexact", "name")
    fields = (*list_display, "time_zone", "groups", "address")
