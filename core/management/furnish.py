"""A fresh installation, furnished: tables, products to look at, somebody who may enter the console."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from core.application.create_family import create_family
from core.application.create_product import CreateProduct, create_product
from core.application.publish_product import publish_product
from core.application.set_prices import SetPrices, set_prices
from core.domain.prices import ListedPrice
from core.hooks.discovery import Discovered
from core.management.behind import unapplied
from core.management.sample_products import sample_products
from core.models import Product
from hookspecs import Money

_CORE = "orderloom"


def migrate() -> tuple[tuple[str, ...], dict[str, str]]:
    """Migrate the core first, then each plugin's own tables; return the labels, and what failed.

    A plugin whose migration fails is NOT_CONFIGURED, and the shop goes on.
    """
    labels, failed = unapplied(), {}
    plugins = {config.label for config in apps.get_app_configs() if config.name in _packages()}
    for label in sorted(labels, key=lambda label: (label in plugins, label != _CORE)):
        try:
            call_command("migrate", label, verbosity=0, interactive=False)
        except Exception as error:
            if label not in plugins:
                raise
            failed[label] = f"{type(error).__name__}: {error}"
    return tuple(label for label in labels if label not in failed), failed


def _packages() -> frozenset[str]:
    discovered: Discovered = settings.ORDERLOOM_DISCOVERED
    return frozenset(found.manifest.package for found in discovered.found if found.manifest)


def furnish_shelves(*, now: datetime) -> int:
    """Put the sample products on empty shelves and up for sale; return how many."""
    if Product.objects.exists():
        return 0
    samples, families = sample_products(), set[str]()
    for sample in samples:
        currency, tiers = sample.pop("currency"), sample.pop("tiers", {})
        price = Money(sample.pop("price_minor"), currency)
        if (family := sample.get("family", "")) not in families | {""}:
            create_family(name=family, options=tuple(sample["attributes"]))
            families.add(family)
        product = CreateProduct(
            **sample | {"price": price, "categories": tuple(sample["categories"])}
        )
        create_product(product, now=now)
        listed = tuple(
            ListedPrice(currency=currency, from_quantity=int(n), minor=minor)
            for n, minor in tiers.items()
        )
        set_prices(SetPrices(sku=product.sku, prices=listed), now=now)
        publish_product(sku=product.sku, now=now)
    return len(samples)


def let_somebody_in(name: str = "admin") -> str | None:
    """Make the first member of the staff and return the password, which is kept nowhere else.

    None where there is somebody already.
    """
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(9)
    User.objects.create_superuser(name, password=password)
    return password
