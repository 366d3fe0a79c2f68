"""Rows and the SQL that moves them; every constraint is named after its rule."""

from __future__ import annotations

from django.db.models.signals import post_migrate

from core.models.access import ApiKey
from core.models.assortment import Category, Family
from core.models.catalogue import Price, Product, Stock, StockReceipt
from core.models.coupon import Coupon, CouponUse
from core.models.customer import Customer
from core.models.delivery import Delivery, Subscription
from core.models.ground import lay_ground
from core.models.health import PluginCalls, PluginHealth
from core.models.inbox import InboxEntry, WebhookEndpoint
from core.models.journal import Event
from core.models.lookups import HasItem
from core.models.order import Order, OrderLine
from core.models.payment import Fact, Operation, Payment
from core.models.plugin import (
    Plugin,
    PluginChange,
    PluginGeneration,
    PluginSettings,
    PluginSwitch,
    PluginWorker,
)
from core.models.tenancy import Tenant

__all__ = [
    "ApiKey",
    "Category",
    "Coupon",
    "CouponUse",
    "Customer",
    "Delivery",
    "Event",
    "Fact",
    "Family",
    "HasItem",
    "InboxEntry",
    "Operation",
    "Order",
    "OrderLine",
    "Payment",
    "Plugin",
    "PluginCalls",
    "PluginChange",
    "PluginGeneration",
    "PluginHealth",
    "PluginSettings",
    "PluginSwitch",
    "PluginWorker",
    "Price",
    "Product",
    "Stock",
    "StockReceipt",
    "Subscription",
    "Tenant",
    "WebhookEndpoint",
]

post_migrate.connect(lay_ground, dispatch_uid="orderloom-ground")
