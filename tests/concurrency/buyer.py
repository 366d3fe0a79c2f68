"""One process full of buyers: waits for the word, buys with several threads, says what happened.

Started as ``python -m tests.concurrency.buyer`` with a JSON document of what to do; DATABASE_URL
names the database of the test that started it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from core.application import place_order as placing  # noqa: E402
from core.application.place_order import place_order  # noqa: E402
from core.context import DEFAULT_TENANT, acting_for  # noqa: E402
from core.domain.errors import OrderloomError  # noqa: E402
from core.models import sheet  # noqa: E402
from core.testing.registries import registry_of  # noqa: E402
from tests.application.codes import WITH_CODES  # noqa: E402
from tests.application.shelf import ordering  # noqa: E402

NOBODY = registry_of()
_UNORDERED = re.compile(r"ORDER BY t\.\w+")


def buy(lines: list[list[Any]], key: str, coupons: list[str]) -> dict[str, Any]:
    """Place one order and say what came of it."""
    given: dict[str, Any] = {"key": key, "coupons": frozenset(coupons)} if coupons else {"key": key}
    try:
        with acting_for(DEFAULT_TENANT):
            order = place_order(
                ordering(*((sku, quantity) for sku, quantity in lines), **given),
                plugins=WITH_CODES if coupons else NOBODY,
                now=datetime.now(UTC),
            )
    except OrderloomError as refused:
        return {"code": refused.code}
    except Exception as broken:  # noqa: BLE001 - the test has to see whatever it was
        return {"code": f"BROKEN {type(broken).__name__}: {broken}"}
    finally:
        connection.close()
    return {"code": "PLACED", "order": str(order.order_id), "token": order.token}


def read_again() -> None:
    """The control: what a receipt starts from is read once more, after the price was made."""
    written = placing._sheet

    def late(command: Any, composed: Any, confirmed: Any, now: datetime) -> Any:
        again = placing.compose_order(command.composition, plugins=NOBODY, now=datetime.now(UTC))
        priced = dataclasses.replace(confirmed.priced, start=again.priced.start)
        return written(command, composed, dataclasses.replace(confirmed, priced=priced), now)

    placing._sheet = late


def main() -> None:
    """Do what the document says, once a line has come in."""
    todo = json.loads(sys.argv[1])
    if todo["without"] == "guard":
        # The control: the reservation no longer looks whether anything is left.
        placing.RESERVE = dataclasses.replace(placing.RESERVE, when="1 = 1")
    if todo["without"] == "order":
        # The control: each reservation locks its stock in whatever order it likes.
        written = sheet._statement
        sheet._statement = lambda *shape: _UNORDERED.sub(r"ORDER BY random()", written(*shape))  # type: ignore[assignment]
    if todo["without"] == "limit":
        # The control: a use no longer looks whether one is left.
        placing.USE = dataclasses.replace(placing.USE, when="1 = 1")
    if todo["without"] == "one reading":
        read_again()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(todo["threads"]) as threads:
        results = list(threads.map(lambda one: buy(*one, todo["coupons"]), todo["orders"]))
    json.dump(results, sys.stdout)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
