"""A rule that meddles with transactions in our own thread fails the quote, and swallows no order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection, transaction

from core.application.quote_order import QuoteOrder, quote_order
from core.context import TenantRef
from core.domain.errors import RuleFailedError
from core.infrastructure.outside import close_connections, in_transaction
from core.models import Order
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Adjustment, Phase, Quote, RuleInfo
from tests.application.shelf import placed, wanting

WAYS: dict[str, Callable[[], object]] = {
    "autocommit": lambda: transaction.set_autocommit(False),
    "begin": lambda: connection.cursor().execute("BEGIN"),
    "atomic": lambda: transaction.atomic().__enter__(),
}


class Meddling:
    """Prices nothing, and leaves something behind."""

    info = RuleInfo(key="meddling", label="Meddling", phase=Phase.LINE)

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def propose(self, quote: Quote) -> list[Adjustment]:
        self.act()
        return []


@pytest.mark.parametrize("way", WAYS)
def test_a_transaction_that_a_rule_leaves_open_fails_the_quote(
    shelf: TenantRef, now: datetime, way: str
) -> None:
    rogue = registry_of(FakePlugin(name="rogue", rules=(Meddling(WAYS[way]),)))
    quote = QuoteOrder(composition=wanting(("tea", 1)))

    with pytest.raises(RuleFailedError, match="left a transaction open: it is one of rogue"):
        quote_order(quote, plugins=rogue, now=now)

    assert not in_transaction()
    order = placed(("tea", 1), plugins=registry_of(), now=now)
    close_connections()
    assert Order.objects.filter(pk=order.order_id).exists()


@pytest.mark.postgres  # SQLite notices by itself
@pytest.mark.parametrize("way", ["autocommit", "begin"])
def test_control_without_the_look_an_order_is_swallowed(
    shelf: TenantRef, now: datetime, way: str
) -> None:
    """What a rule left open is left open here by hand, where nobody looks."""
    WAYS[way]()

    order = placed(("tea", 1), plugins=registry_of(), now=now)

    close_connections()
    assert not Order.objects.filter(pk=order.order_id).exists()
