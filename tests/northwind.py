"""The Northwind folder beside the repository, or a generated one of the same shape and known totals."""

from __future__ import annotations

import atexit
import csv
import random
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "northwind"
FILES = ("products.csv", "customers.csv", "orders.csv", "order_lines.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Northwind:
    """A folder of products, customers and orders, and what it must come to. Amounts in cents.

    `goods_minor` is after discounts, each line's discount rounded half up; `goods_of` holds the
    same for some orders, among them `largest`.
    """

    folder: Path
    real: bool
    products: int
    discontinued: int
    customers: int
    orders: int
    lines: int
    discounted_lines: int
    units: int
    goods_before_minor: int
    goods_minor: int
    freight_minor: int
    largest: str
    goods_of: Mapping[str, int]

    @property
    def total_minor(self) -> int:
        """Goods after discounts, and freight."""
        return self.goods_minor + self.freight_minor

    def read(self, name: str) -> list[dict[str, str]]:
        """Return the rows of one file, by column."""
        with (self.folder / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def which() -> str:
    """Return in words which folder the tests run on, for the summary."""
    return f"the real folder {REAL.name}" if _is_there() else "a generated folder of its shape"


@cache
def northwind() -> Northwind:
    """Return the real folder if it is there, else generate one for this process."""
    if not _is_there():
        folder = Path(tempfile.mkdtemp(prefix="northwind-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return generate(folder)
    return Northwind(
        folder=REAL,
        real=True,
        products=77,
        discontinued=10,
        customers=91,
        orders=830,
        lines=2155,
        discounted_lines=838,
        units=51_317,
        goods_before_minor=135_445_859,
        goods_minor=126_579_276,
        freight_minor=6_494_269,
        largest="10865",
        goods_of={"10248": 44_000, "10250": 155_260, "10865": 1_638_750},
    )


def _is_there() -> bool:
    return all((REAL / name).is_file() for name in FILES)


@dataclass(slots=True)
class _Sums:
    """What was written so far, counted while writing."""

    lines: int = 0
    discounted: int = 0
    units: int = 0
    before: int = 0
    goods: int = 0
    freight: int = 0


def generate(folder: Path, *, seed: int = 1996, orders: int = 830) -> Northwind:
    """Write a folder of the same shape into `folder`, the same for the same seed."""
    chance = random.Random(seed)
    prices = _products(folder, chance)
    customers = _customers(folder)
    sums, goods_of = _Sums(), {}
    order_rows, line_rows = [], []
    for number in range(orders):
        order_id, day = str(10_248 + number), date(1996, 7, 4) + timedelta(days=number * 2 // 3)
        freight = (
            chance.randrange(2, 100_000) if chance.random() < 0.02 else chance.randrange(16_000)
        )
        sums.freight += freight
        order_rows.append((order_id, chance.choice(customers), day.isoformat(), _major(freight)))
        before = sums.goods
        line_rows += [(order_id, *row) for row in _lines(chance, prices, sums)]
        goods_of[order_id] = sums.goods - before
    _write(folder / "orders.csv", ("order_id", "customer_id", "ordered_on", "freight"), order_rows)
    columns = ("order_id", "product_id", "unit_price", "quantity", "discount")
    _write(folder / "order_lines.csv", columns, line_rows)
    largest = max(goods_of, key=lambda order_id: (goods_of[order_id], order_id))
    return Northwind(
        folder=folder,
        real=False,
        products=len(prices),
        discontinued=10,
        customers=len(customers),
        orders=orders,
        lines=sums.lines,
        discounted_lines=sums.discounted,
        units=sums.units,
        goods_before_minor=sums.before,
        goods_minor=sums.goods,
        freight_minor=sums.freight,
        largest=largest,
        goods_of={key: goods_of[key] for key in ("10248", largest)},
    )


def _products(folder: Path, chance: random.Random) -> list[int]:
    """Write 77 products, 10 of them discontinued and some out of stock; return their prices."""
    prices, rows = [], []
    for number in range(1, 78):
        price = chance.randrange(250, 26_351)
        prices.append(price)
        stock = 0 if number % 15 == 0 else chance.randrange(1, 126)
        name, category = f"Köstlichkeit Nº {number}", f"Category {number % 8}"
        discontinued = int(number % 7 == 1 and number < 65)
        kept = (name, category, "10 boxes, each with 20 bags", _major(price), "USD")
        rows.append((number, *kept, stock, discontinued))
    columns = ("product_id", "name", "category", "quantity_per_unit", "unit_price", "currency")
    _write(folder / "products.csv", (*columns, "units_in_stock", "discontinued"), rows)
    return prices


def _customers(folder: Path) -> list[str]:
    """Write 91 customers, some without region and postal code; return their ids."""
    columns = ("customer_id", "company", "contact", "city", "region", "postal_code", "country")
    rows = []
    for number in range(91):
        customer_id = f"{chr(65 + number % 26)}{chr(65 + number // 26)}CUS"
        region, postal_code = ("", "") if number % 3 else ("SP", f"{number:05}-876")
        people = (f"Compañía {number}, Söhne", f"Zoë Ångström {number}")
        rows.append((customer_id, *people, "México D.F.", region, postal_code, "Mexico"))
    _write(folder / "customers.csv", columns, rows)
    return [row[0] for row in rows]


def _lines(
    chance: random.Random, prices: Sequence[int], sums: _Sums
) -> Iterable[tuple[int, str, int, str]]:
    for product in chance.sample(range(len(prices)), chance.choice((1, 2, 2, 3, 3, 4))):
        # Old orders were placed at four fifths of today's price.
        price = prices[product] if chance.random() < 0.6 else prices[product] * 4 // 5
        quantity = chance.randrange(1, 48)
        hundredths = chance.choice((0, 0, 0, 5, 10, 15, 20, 25)) if chance.random() < 0.6 else 0
        amount = price * quantity
        sums.lines += 1
        sums.discounted += bool(hundredths)
        sums.units += quantity
        sums.before += amount
        sums.goods += amount - (2 * amount * hundredths + 100) // 200
        discount = f"0.{hundredths:02}".rstrip("0").rstrip(".")
        yield product + 1, _major(price), quantity, discount


def _major(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
