"""The floor: the least a correct order needs, by hand, in six statements and a commit.

Read three prices, insert order, lines, payment and outbox row, and last one guarded update of the
stock. What Orderloom's own way of placing an order is measured against.
"""

from __future__ import annotations

import random
import uuid

import psycopg

TABLES = """
CREATE TABLE floor_product (id int PRIMARY KEY, price bigint NOT NULL);
CREATE TABLE floor_stock (id int PRIMARY KEY, on_hand bigint NOT NULL, reserved bigint NOT NULL,
    CHECK (reserved BETWEEN 0 AND on_hand)) WITH (fillfactor = 50);
CREATE TABLE floor_order (id uuid PRIMARY KEY, total bigint NOT NULL, placed_at timestamptz);
CREATE TABLE floor_line (order_id uuid NOT NULL, product_id int NOT NULL, quantity int NOT NULL,
    price bigint NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE TABLE floor_payment (id uuid PRIMARY KEY, order_id uuid NOT NULL, amount bigint NOT NULL);
CREATE TABLE floor_outbox (id bigserial PRIMARY KEY, order_id uuid NOT NULL, kind text NOT NULL);
"""


def lay(connection: psycopg.Connection, *, products: int) -> None:
    """Make the tables of the floor, full of stock."""
    connection.execute(TABLES)
    connection.execute(
        "INSERT INTO floor_product SELECT n, 100 + n FROM generate_series(0, %s) n", [products - 1]
    )
    connection.execute(
        "INSERT INTO floor_stock SELECT n, 1000000000, 0 FROM generate_series(0, %s) n",
        [products - 1],
    )
    connection.commit()


def place(connection: psycopg.Connection, products: list[int]) -> None:
    """Place one order of one unit each."""
    wanted = sorted(products)
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT id, price FROM floor_product WHERE id = ANY(%s)", [wanted])
        prices = dict(cursor.fetchall())
        order_id, total = uuid.uuid4(), sum(prices.values())
        cursor.execute("INSERT INTO floor_order VALUES (%s, %s, now())", [order_id, total])
        cursor.execute(
            "INSERT INTO floor_line SELECT %s, p, 1, m FROM unnest(%s::int[], %s::bigint[]) l(p, m)",
            [order_id, wanted, [prices[product] for product in wanted]],
        )
        cursor.execute(
            "INSERT INTO floor_payment VALUES (%s, %s, %s)", [uuid.uuid4(), order_id, total]
        )
        cursor.execute(
            "INSERT INTO floor_outbox (order_id, kind) VALUES (%s, 'order_placed')", [order_id]
        )
        cursor.execute(
            "WITH locked AS (SELECT id FROM floor_stock WHERE id = ANY(%s) ORDER BY id FOR UPDATE) "
            "UPDATE floor_stock s SET reserved = reserved + 1 FROM locked "
            "WHERE s.id = locked.id AND on_hand - reserved >= 1",
            [wanted],
        )
        if cursor.rowcount != len(wanted):
            raise RuntimeError("out of stock")


def some(products: int, count: int) -> list[int]:
    """Pick distinct products."""
    return random.sample(range(products), count)
