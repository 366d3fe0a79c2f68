"""One way of bringing a file of products in, in a process of its own: how fast, in what memory.

``python -m tests.speed.million ours|bare FILE`` prints JSON. *Bare* is the least that Django does:
the same rows read by ``csv``, no check of any of them, ``bulk_create`` in lots of the same size.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import django

django.setup()

from django.db import transaction  # noqa: E402

from core.application.import_products import BATCH, ImportProducts, import_products  # noqa: E402
from core.context import DEFAULT_TENANT, acting_for  # noqa: E402
from core.models import Product, Stock  # noqa: E402

NOW = datetime(2026, 11, 23, tzinfo=UTC)
COLUMNS = (
    "product_id,name,category,quantity_per_unit,unit_price,currency,units_in_stock,discontinued,"
    "description"
)


def write(path: Path, rows: int) -> Path:
    """Write a file of that many products."""
    with path.open("w", encoding="utf-8") as file:
        file.write(COLUMNS + "\n")
        for n in range(rows):
            file.write(
                f"SKU-{n:07},Thing {n} of a large house,Shelf {n % 50},10 in a box,"
                f"{n % 900 + 1}.{n % 100:02},EUR,{n % 300},0,"
                f'"What it is and what it is good for, number {n}."\n'
            )
    return path


def ours(path: Path) -> int:
    """Import, checks and all."""
    with acting_for(DEFAULT_TENANT):
        done = import_products(ImportProducts(path=path), now=NOW, progress=lambda *_: None)
    return done.created + done.unchanged


def bare(path: Path) -> int:
    """Create the same rows with what Django has."""
    count = 0
    with acting_for(DEFAULT_TENANT), path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        while lot := list(islice(rows, BATCH)):
            products = [
                Product(
                    tenant_id=DEFAULT_TENANT.id,
                    sku=row["product_id"],
                    name=row["name"],
                    status="PUBLISHED",
                    price_minor=int(row["unit_price"].replace(".", "")),
                    currency=row["currency"],
                    categories=[row["category"]],
                    attributes={"quantity_per_unit": row["quantity_per_unit"]},
                    description=row["description"],
                    created_at=NOW,
                    published_at=NOW,
                )
                for row in lot
            ]
            stocks = [
                Stock(
                    tenant_id=DEFAULT_TENANT.id,
                    product=product,
                    on_hand=int(row["units_in_stock"]),
                    opening=int(row["units_in_stock"]),
                )
                for product, row in zip(products, lot, strict=True)
            ]
            with transaction.atomic():
                Product.objects.bulk_create(products)
                Stock.objects.bulk_create(stocks)
            count += len(lot)
    return count


def main() -> None:
    """Do it, and say what it took."""
    way = {"ours": ours, "bare": bare}[sys.argv[1]]
    began = time.perf_counter()
    rows = way(Path(sys.argv[2]))
    seconds = time.perf_counter() - began
    # Not ru_maxrss: that begins with what the parent had when it forked.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = int(status.partition("VmHWM:")[2].split()[0])
    print(
        json.dumps(
            {
                "rows": rows,
                "rows_per_second": round(rows / seconds),
                "peak_mib": round(peak / 1024, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
