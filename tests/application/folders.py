"""Small folders of orders for tests, written as somebody would export them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.application.import_orders import ImportOrders, OrdersImported, import_orders
from core.application.import_products import ImportProducts, import_products
from core.application.products_imported import ProductsImported
from core.hooks.registry import Registry
from core.testing.registries import registry_of
from hookspecs import Adjustment, Phase, Quote, RuleInfo

PRODUCT_COLUMNS = (
    "product_id,name,category,quantity_per_unit,unit_price,currency,units_in_stock,discontinued"
)
PRODUCTS = (
    PRODUCT_COLUMNS,
    "1,Chai,Beverages,10 boxes,18.00,USD,39,0",
    "2,Gnocchi di nonna Alice,Grains,24 pkgs,38.00,USD,21,0",
    "3,Rössle Sauerkraut,Produce,25 cans,45.60,USD,0,1",
)
ORDER_COLUMNS = "order_id,customer_id,ordered_on,freight"
LINE_COLUMNS = "order_id,product_id,unit_price,quantity,discount"
CUSTOMER_COLUMNS = "customer_id,company,contact,city,region,postal_code,country"
ORDERS = (
    ORDER_COLUMNS,
    "100,ALFKI,1996-07-04,32.38",
    "101,BERGS,1996-07-05,0.00",
    "102,ALFKI,1997-01-31,1.10",
)
LINES = (
    LINE_COLUMNS,
    "100,1,14.40,10,0",
    "100,3,36.40,5,0",
    "101,2,30.40,2,0",
    "102,1,18.00,1,0",
)
CUSTOMERS = (
    CUSTOMER_COLUMNS,
    "ALFKI,Alfreds Futterkiste,Maria Anders,Berlin,,12209,Germany",
    "BERGS,Berglunds snabbköp,Christina Berglund,Luleå,,S-958 22,Sweden",
)


class AgreedDiscount:
    """Takes off what a line's terms say, as a plugin would."""

    info = RuleInfo(key="agreed", label="Agreed", phase=Phase.LINE)

    def propose(self, quote: Quote, /) -> list[Adjustment]:
        return [
            Adjustment(target=line.line_id, amount=-line.amount.percent(percent), reason="agreed")
            for line in quote.lines
            if (percent := 100 * Decimal(line.terms.get("discount", "0")))
        ]


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """Write lines to a file."""
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def folder(
    path: Path,
    *,
    orders: tuple[str, ...] = ORDERS,
    lines: tuple[str, ...] = LINES,
    customers: tuple[str, ...] | None = CUSTOMERS,
) -> Path:
    """Write a folder of orders."""
    path.mkdir(exist_ok=True)
    write(path / "orders.csv", *orders)
    write(path / "order_lines.csv", *lines)
    if customers is not None:
        write(path / "customers.csv", *customers)
    return path


def bring_products(path: Path, *lines: str, now: datetime, **how: object) -> ProductsImported:
    """Import products from lines written to `path`."""
    write(path, *(lines or PRODUCTS))
    command = ImportProducts(path=path, **how)  # type: ignore[arg-type]
    return import_products(command, now=now, progress=lambda *_: None)


def bring_orders(
    path: Path,
    *,
    now: datetime,
    plugins: Registry | None = None,
    source: str = "old-shop",
    all_or_nothing: bool = False,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> OrdersImported:
    """Import a folder."""
    command = ImportOrders(folder=path, source=source, all_or_nothing=all_or_nothing)
    return import_orders(command, plugins=plugins or registry_of(), now=now, progress=progress)
