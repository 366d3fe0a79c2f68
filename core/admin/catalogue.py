"""Products, their stock, and customers in the console."""

from __future__ import annotations

from django.contrib import admin

from core.admin.console import Console, action, choose, money
from core.application.publish_product import publish_product
from core.application.retire_product import retire_product
from core.domain.lifecycle import ProductStatus
from core.models import Customer, Product, Stock


@admin.register(Product)
class ProductConsole(Console):
    """What is sold, was sold or will be."""

    ordering = ("sku",)
    list_display = ("sku", "name", "price", "status", "published_at")
    list_filter = (choose("status", ProductStatus),)
    search_fields = ("sku", "name")
    fields = (*list_display, "tax_class", "categories", "attributes", "description", "created_at")
    price = money("price_minor", "Price")
    actions = (
        action("Publish", "published", lambda row, ask: publish_product(sku=row.sku, now=ask.now)),
        action("Retire", "retired", lambda row, ask: retire_product(sku=row.sku, now=ask.now)),
    )


@admin.register(Stock)
class StockConsole(Console):
    """How much lies on the shelf; it moves with orders, receipts and imports."""

    ordering = ("product__sku",)
    list_display = ("product", "on_hand", "reserved", "free")
    list_select_related = ("product",)
    search_fields = ("product__sku", "product__name")
    fields = list_display

    @admin.display(description="Free")
    def free(self, stock: Stock) -> int:
        """What nobody was promised."""
        return stock.on_hand - stock.reserved


@admin.register(Customer)
class CustomerConsole(Console):
    """Who buys."""

    list_display = ("ref", "name", "email", "locale", "created_at")
    search_fields = ("ref__iexact", "email__iexact", "name")
    fields = (*list_display, "time_zone", "groups", "address")
