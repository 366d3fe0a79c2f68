"""A state machine over stock and coupons: whatever is done in whatever order, the counts hold."""

from __future__ import annotations

import dataclasses
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from core.application import cancel_order as cancelling
from core.application.cancel_order import CancelOrder, cancel_order
from core.application.change_product import ChangeProduct, change_product
from core.application.correct_stock import CorrectStock, correct_stock
from core.application.expire_orders import expire_orders
from core.application.fulfil_order import fulfil_order
from core.application.place_order import place_order
from core.application.quote_order import QuoteOrder, quote_order
from core.application.receive_stock import ReceiveStock, receive_stock
from core.application.set_prices import SetPrices, set_prices
from core.application.verify_stock import verify_stock
from core.context import TenantRef
from core.domain import errors
from core.domain.coupons import CouponUsedUp
from core.domain.prices import ListedPrice
from core.models import Coupon, Order, Stock
from hookspecs import Money
from tests.application.codes import WITH_CODES, a_code, uses
from tests.application.shelf import ordering, put
from tests.concurrency.test_races import shop
from tests.faults.invariants import (
    i1_sums_are_totals_and_no_provider_is_asked_for_more,
    i2_nobody_is_promised_more_than_there_is,
    i3_counters_are_what_orders_hold,
    journals_have_no_gap,
    nobody_is_cancelled_and_kept,
)
from tests.session import tier

__all__ = ["shop"]

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(3_600)]

RUNS, STEPS = (8, 20) if tier() == "quick" else (300, 50)
SKUS = ("a", "b", "c")
SPRINGS = 3
BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ASKED = (
    i1_sums_are_totals_and_no_provider_is_asked_for_more,
    i2_nobody_is_promised_more_than_there_is,
    i3_counters_are_what_orders_hold,
    journals_have_no_gap,
    nobody_is_cancelled_and_kept,
)
_EMPTIED = (
    *("delivery", "couponuse", "coupon", "fact", "operation", "payment", "event"),
    *("orderline", "order", "stockreceipt", "stock", "price", "product"),
)

skus, few = st.sampled_from(SKUS), st.integers(1, 4)
baskets = st.dictionaries(skus, few, min_size=1)


@dataclasses.dataclass
class Placed:
    """An order as the model knows it."""

    order_id: Any
    units: dict[str, int]
    coupon: bool


class StockMachine(RuleBasedStateMachine):
    """Does what staff and customers do, beside a model that only counts."""

    held, paid = Bundle("held"), Bundle("paid")

    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            for table in _EMPTIED:
                cursor.execute(f"DELETE FROM orderloom_{table}")
        self.now = BEGIN
        self.on_hand = dict.fromkeys(SKUS, 8)
        self.reserved = dict.fromkeys(SKUS, 0)
        self.live: list[Placed] = []
        self.springs = 0
        for sku in SKUS:
            put(sku, 100, 8, now=self.now)
        a_code(now=self.now, most_uses=SPRINGS)

    # What customers do

    @rule(target=held, wanted=baskets, coupon=st.booleans(), stale=st.booleans(), edit=few)
    def place(self, wanted: dict[str, int], coupon: bool, stale: bool, edit: int) -> Any:
        shown = self.shown(wanted, coupon)
        if stale:  # somebody changes a price between what was shown and the click
            sku = next(iter(wanted))
            self.reprice(sku, Money(100 + 10 * edit, "EUR"))
        return self.ordered(wanted, coupon, confirmed_total_minor=shown)

    @rule(target=paid, wanted=baskets, coupon=st.booleans())
    def place_paid(self, wanted: dict[str, int], coupon: bool) -> Any:
        return self.ordered(wanted, coupon, collected_elsewhere=uuid.uuid4().hex)

    def ordered(self, wanted: dict[str, int], coupon: bool, **more: Any) -> Any:
        command = self.command(wanted, coupon, **more)
        before = self.state()
        try:
            placed = place_order(command, plugins=WITH_CODES, now=self.now)
        except (errors.OutOfStock, errors.TotalChanged, CouponUsedUp) as refused:
            self.expected(refused, wanted, coupon, more.get("confirmed_total_minor"))
            assert self.state() == before
            return multiple()
        again = place_order(command, plugins=WITH_CODES, now=self.now)
        assert (again.order_id, again.replayed) == (placed.order_id, True)
        asked = more.get("confirmed_total_minor")
        assert asked in (None, placed.total.minor)  # I12
        for sku, units in wanted.items():
            self.reserved[sku] += units
        self.springs += coupon
        order = Placed(placed.order_id, wanted, coupon)
        if not more.get("collected_elsewhere"):
            self.live.append(order)
        return order

    def expected(
        self, refused: errors.Refusal, wanted: dict[str, int], coupon: bool, shown: int | None
    ) -> None:
        """A refusal has to be right: short, used up, or another total than was shown."""
        if isinstance(refused, errors.OutOfStock):
            assert any(self.on_hand[s] - self.reserved[s] < n for s, n in wanted.items())
        elif isinstance(refused, CouponUsedUp):
            assert coupon
            assert self.springs == SPRINGS
        else:
            assert self.shown(wanted, coupon) != shown

    def command(self, wanted: dict[str, int], coupon: bool, **more: Any) -> Any:
        code = {"coupons": frozenset({"SPRING"})} if coupon else {}
        return ordering(*wanted.items(), **code, **more)

    def shown(self, wanted: dict[str, int], coupon: bool) -> int | None:
        """Return the total that a customer sees; None where there is nothing to show."""
        asked = QuoteOrder(composition=self.command(wanted, coupon).composition)
        try:
            quoted = quote_order(asked, plugins=WITH_CODES, now=self.now)
        except (errors.OutOfStock, CouponUsedUp):
            return None
        return quoted.priced.total_minor

    @rule(order=consumes(held))
    def cancel(self, order: Placed) -> None:
        command = CancelOrder(order_id=order.order_id)
        if order not in self.live:
            with pytest.raises(errors.WrongState):
                cancel_order(command, plugins=WITH_CODES, now=self.now)
            return
        for _ in range(2):
            cancel_order(command, plugins=WITH_CODES, now=self.now)
        self.live.remove(order)
        self.given_back(order)

    @rule(minutes=st.integers(1, 20))
    def time_goes_by(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        due = [one for one in self.live if self.is_due(one)]
        assert expire_orders(plugins=WITH_CODES, now=self.now) == len(due)
        for order in due:
            self.live.remove(order)
            self.given_back(order)

    def is_due(self, order: Placed) -> bool:
        return bool(Order.objects.filter(pk=order.order_id, expires_at__lte=self.now).exists())

    def given_back(self, order: Placed) -> None:
        for sku, units in order.units.items():
            self.reserved[sku] -= units
        self.springs -= order.coupon

    # What staff do

    @rule(order=consumes(paid))
    def ship(self, order: Placed) -> None:
        fulfil_order(order.order_id, now=self.now)
        with pytest.raises(errors.WrongState):
            fulfil_order(order.order_id, now=self.now)
        for sku, units in order.units.items():
            self.on_hand[sku] -= units
            self.reserved[sku] -= units

    @rule(sku=skus, quantity=st.integers(-4, 4).filter(bool))
    def receive(self, sku: str, quantity: int) -> None:
        key = uuid.uuid4().hex
        command = ReceiveStock(sku=sku, quantity=quantity, reason="delivery", key=key)
        if self.on_hand[sku] + quantity < self.reserved[sku]:
            with pytest.raises(errors.OutOfStock):
                receive_stock(command, now=self.now)
            return
        assert [receive_stock(command, now=self.now) for _ in range(2)] == [True, False]
        self.on_hand[sku] += quantity

    @rule(sku=skus, counted=st.integers(0, 12))
    def count(self, sku: str, counted: int) -> None:
        key = uuid.uuid4().hex
        command = CorrectStock(sku=sku, counted=counted, reason="count", key=key)
        if counted < self.reserved[sku]:
            with pytest.raises(errors.OutOfStock):
                correct_stock(command, now=self.now)
            return
        assert [correct_stock(command, now=self.now) for _ in range(2)] == [True, False]
        self.on_hand[sku] = counted

    @rule(sku=skus, minor=st.integers(50, 500))
    def reprice_now(self, sku: str, minor: int) -> None:
        self.reprice(sku, Money(minor, "EUR"))

    def reprice(self, sku: str, price: Money) -> None:
        change_product(ChangeProduct(sku=sku, fields={"price": price}), now=self.now)

    @rule(sku=skus, minor=st.integers(50, 500), quantity=few, hours=st.integers(-1, 1))
    def list_prices(self, sku: str, minor: int, quantity: int, hours: int) -> None:
        begins = self.now + timedelta(hours=hours)
        tier_ = ListedPrice(currency="EUR", minor=minor, from_quantity=quantity, valid_from=begins)
        set_prices(SetPrices(sku=sku, prices=(tier_,)), now=self.now)

    # What holds after every step

    def state(self) -> Any:
        return sorted(Stock.objects.values_list("on_hand", "reserved", "product__sku")), uses()

    @invariant()
    def the_counts_are_the_models(self) -> None:
        if not hasattr(self, "springs"):
            return
        stocks = {sku: (on_hand, held) for on_hand, held, sku in self.state()[0]}
        assert stocks == {sku: (self.on_hand[sku], self.reserved[sku]) for sku in SKUS}
        assert uses() == (self.springs, self.springs)
        assert Coupon.objects.get().uses <= SPRINGS

    @invariant()
    def the_rows_agree(self) -> None:
        with connection.cursor() as cursor:
            found = {one.__name__: one(cursor) for one in ASKED}
        assert {name: rows for name, rows in found.items() if rows} == {}
        assert verify_stock().differences == ()


def run(dice: random.Random, *, runs: int = RUNS, phases: tuple[Phase, ...] = ()) -> None:
    machine: Callable[[], RuleBasedStateMachine] = seed(dice.randrange(2**32))(StockMachine)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=phases or (Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_is_done_the_counts_hold(shop: TenantRef, dice: random.Random) -> None:
    run(dice)


def test_what_a_cancelled_order_keeps_is_found(
    shop: TenantRef, dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: cancelling no longer gives the stock back."""
    kept = dataclasses.replace(cancelling.RELEASE, sets=(("reserved", "t.reserved"),))
    monkeypatch.setattr(cancelling, "RELEASE", kept)

    with pytest.raises(AssertionError):
        run(dice, runs=40, phases=(Phase.generate,))
