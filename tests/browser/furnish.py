"""Fill an empty shop with the sample products, through the use cases: `python -m …furnish`."""

from __future__ import annotations

import django
from django.utils import timezone


def main() -> None:
    from core.application.create_product import CreateProduct, create_product
    from core.application.publish_product import publish_product
    from core.context import DEFAULT_TENANT, acting_for
    from core.management.sample_products import sample_products
    from hookspecs import Money

    now = timezone.now()
    with acting_for(DEFAULT_TENANT):
        for product in sample_products():
            command = CreateProduct(
                sku=product["sku"],
                name=product["name"],
                price=Money(product["price_minor"], product["currency"]),
                description=product["description"],
                picture=product["picture"],
                categories=tuple(product["categories"]),
                on_hand=product["on_hand"],
            )
            create_product(command, now=now)
            publish_product(sku=command.sku, now=now)


if __name__ == "__main__":
    django.setup()
    main()
