"""Receipts: explained, replayed to the cent, shown to be tampered with, and shadowed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from core.application.place_order import Placed
from core.application.queries import order_page
from core.application.replay_receipt import replay_receipt
from core.context import TenantRef
from core.domain.errors import RuleFailedError
from core.models import Order, OrderLine
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Adjustment, Money, Phase, Quote, RuleInfo, Skip, Tax, TaxInfo
from tests.application.shelf import placed


class Off:
    """Takes so many per cent off each line."""

    def __init__(self, per_cent: int, key: str = "off", **info: Any) -> None:
        self.info = RuleInfo(key=key, label="Off", **{"phase": Phase.LINE, **info})
        self.per_cent = per_cent

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        rate = Decimal(self.per_cent)
        return [
            Adjustment(target=line.line_id, amount=-line.amount.percent(rate), reason="off")
            for line in quote.lines
        ]


class Flat:
    """One rate for everything."""

    info = TaxInfo(key="flat", label="Flat")

    def rates(self, quote: Quote, /) -> Sequence[Tax] | Skip:
        return [Tax(target=line.line_id, rate=Decimal(7), code="VAT") for line in quote.lines]


class Broken(Off):
    """Can't count."""

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        raise ZeroDivisionError


def plugins_with(*rules: Any, **more: Any) -> Any:
    return registry_of(FakePlugin(name="rules", rules=rules), **more)


THEN = plugins_with(Off(10), Flat())


def shadowing(*rules: Any) -> Any:
    live, trial = FakePlugin(name="rules", rules=(Off(10), Flat())), "trial"
    return registry_of(live, FakePlugin(name=trial, rules=rules), shadow=[trial])


@pytest.fixture
def order(shelf: TenantRef, now: datetime) -> Placed:
    return placed(("tea", 3), ("pot", 1), plugins=THEN, now=now)


@pytest.mark.parametrize(
    ("plugins", "same"), [(THEN, True), (plugins_with(Off(50), Flat()), False)]
)
def test_it_comes_to_the_same_whatever_the_rules_say_today(
    order: Placed, plugins: Any, same: bool
) -> None:
    again = replay_receipt(order.order_id, plugins=plugins)

    assert again.agrees
    assert again.replayed_minor == again.stored_minor == order.total.minor == 3465
    assert {one.rule: one.same for one in again.asked_again} == {"off": same, "flat": True}


def test_it_comes_to_the_same_where_no_rule_is_installed_any_more(order: Placed) -> None:
    again = replay_receipt(order.order_id, plugins=registry_of())

    assert (again.agrees, again.asked_again) == (True, ())


def tampered_proposal(receipt: dict[str, Any]) -> None:
    receipt["steps"][0][-1][0][3] -= 1


def tampered_price(receipt: dict[str, Any]) -> None:
    receipt["quote"]["lines"][0][3] += 1
    receipt["quote"]["lines"][0][4] += 3


def tampered_total(receipt: dict[str, Any]) -> None:
    receipt["total_minor"] -= 1
    receipt["goods_minor"] -= 1


def tampered_rate(receipt: dict[str, Any]) -> None:
    receipt["steps"][1][-1][0][1] = "8"


def forgotten_step(receipt: dict[str, Any]) -> None:
    del receipt["steps"][0]


def other_format(receipt: dict[str, Any]) -> None:
    receipt["format"] = 1


def torn(receipt: dict[str, Any]) -> None:
    del receipt["quote"]


@pytest.mark.parametrize(
    "tamper",
    [
        tampered_proposal,
        tampered_price,
        tampered_total,
        tampered_rate,
        forgotten_step,
        other_format,
        torn,
    ],
)
def test_what_was_tampered_with_does_not_replay(
    order: Placed, tamper: Callable[[dict[str, Any]], None]
) -> None:
    row = Order.objects.get(pk=order.order_id)
    tamper(row.receipt)
    Order.objects.update(receipt=row.receipt)

    assert replay_receipt(order.order_id, plugins=THEN).differences


def test_it_is_compared_with_what_is_charged(order: Placed) -> None:
    OrderLine.objects.filter(position=1).update(tax_minor=1)

    (difference,) = replay_receipt(order.order_id, plugins=THEN).differences

    assert "line 1 of the order" in difference


def explained(order: Placed, *options: str) -> str:
    out = StringIO()
    call_command("explain", order.number, *options, stdout=out)
    return out.getvalue()


def test_the_command_says_why_and_why_not(order: Placed) -> None:
    told = explained(order)
    data = json.loads(explained(order, "--json", "--replay"))

    assert f"Order {order.number}: 34.65 EUR" in told
    assert "LINE     Off: -3.85 EUR (off)" in told
    assert "off of rules 1.0; then 34.65 EUR" in told
    assert data["steps"][0]["accepted_minor"] == -385
    assert data["replay"]["agrees"] is True


def test_the_command_fails_where_a_receipt_was_tampered_with(order: Placed) -> None:
    row = Order.objects.get(pk=order.order_id)
    tampered_proposal(row.receipt)
    Order.objects.update(receipt=row.receipt)

    with pytest.raises(CommandError, match="doesn't come to"):
        explained(order, "--replay")
    with pytest.raises(CommandError, match="NOT_FOUND"):
        call_command("explain", "nothing")


def test_an_order_of_long_ago_renders_without_its_reasons(order: Placed) -> None:
    row = Order.objects.get(pk=order.order_id)
    Order.objects.update(receipt=row.receipt | {"format": 0})

    page = order_page(order.order_id, plugins=THEN)

    assert (page.steps, page.order.total) == ((), order.total)
    with pytest.raises(CommandError, match="can't be read"):
        explained(order)


def test_a_shadow_rule_says_what_it_would_do_and_does_nothing(
    shelf: TenantRef, now: datetime
) -> None:
    plain = placed(("tea", 2), plugins=THEN, now=now)

    order = placed(("tea", 2), plugins=shadowing(Off(50, key="half"), Taxing()), now=now)

    row = Order.objects.get(pk=order.order_id)
    assert order.total == plain.total == Money(810, "EUR")
    assert row.receipt["shadow"]["total_minor"] == 405
    assert [step[3] for step in row.receipt["steps"]] == ["off", "flat"]
    assert [step[3] for step in row.receipt["shadow"]["steps"]] == ["half", "extra"]
    assert "would have been: 4.05 EUR" in explained(order)
    assert replay_receipt(order.order_id, plugins=THEN).agrees
    assert "half" not in {step.rule for step in order_page(order.order_id, plugins=THEN).steps}


class Taxing(Flat):
    """A tax under another code."""

    info = TaxInfo(key="extra", label="Extra")

    def rates(self, quote: Quote, /) -> Sequence[Tax] | Skip:
        return [Tax(target="1", rate=Decimal(1), code="EXTRA")]


def test_a_shadow_rule_that_fails_keeps_nobody_from_buying(shelf: TenantRef, now: datetime) -> None:
    order = placed(("tea", 2), plugins=shadowing(Broken(0, key="broken")), now=now)

    (step,) = Order.objects.get(pk=order.order_id).receipt["shadow"]["steps"]
    assert "ZeroDivisionError" in step[8]
    with pytest.raises(RuleFailedError):
        placed(("tea", 2), plugins=plugins_with(Broken(0)), now=now)


class Choosy(Off):
    """Refuses to see a discounted line."""

    def propose(self, quote: Quote, /) -> Sequence[Adjustment] | Skip:
        if quote.lines[0].amount.minor < 800:
            raise ValueError("too cheap")
        return Skip(reason="fine")


def test_a_live_rule_that_fails_only_in_the_shadow_world_fails_nothing(
    shelf: TenantRef, now: datetime
) -> None:
    live = FakePlugin(name="rules", rules=(Choosy(0, key="choosy", phase=Phase.ORDER),))
    trial = FakePlugin(name="trial", rules=(Off(50),))

    order = placed(("tea", 2), plugins=registry_of(live, trial, shadow=["trial"]), now=now)

    shadow = Order.objects.get(pk=order.order_id).receipt["shadow"]
    assert (order.total.minor, shadow["total_minor"]) == (900, None)
    assert "choosy" in shadow["failed"]


def test_a_plugin_in_the_shadow_is_not_needed_for_prices() -> None:
    view = shadowing(Off(50, key="half")).plugin("trial")

    assert view is not None
    assert not view.prices


def test_the_console_shows_what_was_without_effect(shelf: TenantRef, now: datetime) -> None:
    placed(("tea", 2), plugins=shadowing(Off(50, key="half")), now=now)
    client = Client()
    client.force_login(User.objects.create_superuser("anna"))

    page = client.get(f"/admin/orderloom/order/{Order.objects.get().pk}/change/").content.decode()

    assert "With them the total would have been: 4.05 EUR" in page
    assert "half" in page
