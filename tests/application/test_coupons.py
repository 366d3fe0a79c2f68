"""Coupons: created, used once they applied, given back, and refused in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from core.application.cancel_order import CancelOrder, cancel_order
from core.application.create_coupon import CreateCoupon, create_coupon
from core.application.expire_orders import expire_orders
from core.application.look_up_payment import look_up_payment
from core.application.place_order import place_order
from core.application.quote_order import QuoteOrder, quote_order
from core.application.start_payment import start_payment
from core.application.sweep_payments import sweep_payments
from core.application.withdraw_coupon import withdraw_coupon
from core.context import TenantRef
from core.domain import coupons, errors
from core.domain.coupons import fingerprint, normal_code
from core.models import Coupon, CouponUse, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Customer
from tests.application.codes import SPRING, WITH_CODES, ForACode, a_code, uses
from tests.application.shelf import ordering, paying, placed, stock, wanting

LIMIT, PER_CUSTOMER = "most_uses", "most_per_customer"
BOB = {"contact": Customer(ref="", email="Bob@Example.org")}


def test_a_use_is_counted_with_the_order(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_uses=5)

    order = placed(("tea", 2), plugins=WITH_CODES, now=now, **SPRING)

    assert order.total.minor == 890
    assert uses() == (1, 1)
    assert Order.objects.get().receipt["coupons"] == ["SPRING"]


def test_a_code_that_changes_nothing_is_not_used_up(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now)
    a_code("other", now=now)

    placed(("tea", 2), plugins=WITH_CODES, now=now, coupons=frozenset({"other"}))
    placed(("tea", 2), plugins=registry_of(), now=now, **SPRING)

    assert uses() == uses("OTHER") == (0, 0)


def test_quoting_uses_nothing_up(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_uses=1)

    for _ in range(3):
        asked = QuoteOrder(composition=wanting(("tea", 2), **SPRING))
        assert quote_order(asked, plugins=WITH_CODES, now=now).priced.total_minor == 890

    assert uses() == (0, 0)


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [
        ({"valid_from": timedelta(days=1)}, coupons.CouponNotYetValid),
        ({"valid_until": timedelta(0)}, coupons.CouponExpired),
    ],
)
def test_a_code_out_of_its_time_is_refused(
    shelf: TenantRef, now: datetime, limits: dict[str, timedelta], refusal: type[Exception]
) -> None:
    a_code(now=now, **{name: now + span for name, span in limits.items()})

    with pytest.raises(refusal):
        placed(("tea", 2), plugins=WITH_CODES, now=now, **SPRING)

    assert not Order.objects.exists()
    assert stock("tea") == (10, 0)


def test_an_unknown_and_a_withdrawn_code_are_refused(shelf: TenantRef, now: datetime) -> None:
    with pytest.raises(coupons.CouponUnknown) as unknown:
        placed(("tea", 2), plugins=WITH_CODES, now=now, **SPRING)
    a_code(now=now)
    withdraw_coupon(code="Spring", now=now)
    with pytest.raises(coupons.CouponExpired):
        placed(("tea", 2), plugins=WITH_CODES, now=now, **SPRING)

    assert unknown.value.details["coupon"] == "SPRING"
    with pytest.raises(errors.WrongState):
        withdraw_coupon(code="SPRING", now=now)
    with pytest.raises(errors.NotFound):
        withdraw_coupon(code="NOTHING", now=now)


def test_a_used_up_code_is_refused_and_the_same_key_gives_the_same_order(
    shelf: TenantRef, now: datetime
) -> None:
    a_code(now=now, most_uses=1)
    command = ordering(("tea", 1), key="once", **SPRING)
    first = place_order(command, plugins=WITH_CODES, now=now)

    with pytest.raises(coupons.CouponUsedUp):
        placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING)
    again = place_order(command, plugins=WITH_CODES, now=now)

    assert again.replayed
    assert again.order_id == first.order_id
    assert uses() == (1, 1)


def test_a_customer_uses_a_code_as_often_as_one_may(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_per_customer=2)
    for _ in range(2):
        placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING)

    with pytest.raises(coupons.CouponUsedBefore):
        placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING)
    placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING, **BOB)

    assert uses() == (3, 3)
    assert sorted(CouponUse.objects.values_list("turn", flat=True)) == [1, 1, 2]


def test_uses_per_customer_need_a_customer(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_per_customer=1)

    with pytest.raises(coupons.CouponNeedsContact):
        placed(("tea", 1), plugins=WITH_CODES, now=now, contact=None, **SPRING)


def test_an_order_that_expires_gives_its_use_back(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_uses=1, most_per_customer=1)
    placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING)

    assert expire_orders(plugins=WITH_CODES, now=now + timedelta(days=1)) == 1

    assert uses() == (0, 0)
    placed(("tea", 1), plugins=WITH_CODES, now=now, **SPRING)
    assert uses() == (1, 1)


@pytest.mark.parametrize(("pays", "left"), [(False, 0), (True, 1)])
def test_only_a_cancelled_order_that_was_not_paid_gives_its_use_back(
    shelf: TenantRef, now: datetime, pays: bool, left: int
) -> None:
    plugins = registry_of(
        FakePlugin(name="codes", rules=(ForACode(),)),
        FakePlugin(name="payment-memory", strategies=(MemoryGateway(),)),
    )
    a_code(now=now)
    order = placed(("tea", 1), plugins=plugins, now=now, **SPRING)
    if pays:
        start_payment(paying(order), plugins=plugins, now=now)

    cancel_order(CancelOrder(order_id=order.order_id), plugins=plugins, now=now)

    assert uses() == (left, left)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("limit", [LIMIT, PER_CUSTOMER])
def test_late_money_pays_if_the_use_is_left_and_goes_back_otherwise(
    shelf: TenantRef, now: datetime, left: bool, limit: str
) -> None:
    gateway = MemoryGateway(way="redirect")
    plugins = registry_of(
        FakePlugin(name="codes", rules=(ForACode(),)),
        FakePlugin(name="payment-memory", strategies=(gateway,)),
    )
    a_code(now=now, **{limit: 1})
    order = placed(("tea", 1), plugins=plugins, now=now, **SPRING)
    step = start_payment(paying(order), plugins=plugins, now=now)
    later = now + timedelta(days=1)
    expire_orders(plugins=plugins, now=later)
    if not left:
        placed(("tea", 1), plugins=plugins, now=later, **SPRING)
    gateway.ledger.charges[step.payment_id.hex] = 440

    look_up_payment(step.payment_id, plugins=plugins, now=later)
    sweep_payments(plugins=plugins, now=later)

    row = Order.objects.get(pk=order.order_id)
    paid = ("PAID", "PAID") if left else ("EXPIRED", "REFUNDED")
    assert (row.status, row.payment_status) == paid
    assert uses() == (1, 1)
    assert stock("tea") == (10, 1)


def test_the_counter_never_passes_its_limit(shelf: TenantRef, now: datetime) -> None:
    a_code(now=now, most_uses=1)

    with pytest.raises(IntegrityError, match="coupon_uses_within_limit"):
        Coupon.objects.update(uses=2)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": ""}, "code"),
        ({"code": "A B"}, "code"),
        ({"code": "A" * 41}, "code"),
        ({"code": "A\x00"}, "code"),
        ({"code": "A", "most_uses": 0}, "most_uses"),
        ({"code": "A", "most_per_customer": 0}, "most_per_customer"),
        ({"code": "A", "note": "n" * 201}, "note"),
    ],
)
def test_a_code_that_makes_no_sense_is_refused(
    shop: TenantRef, now: datetime, given: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        create_coupon(CreateCoupon(**given), now=now)

    assert refused.value.details["field"] == field


def test_a_code_ends_after_it_begins_and_is_there_once(shop: TenantRef, now: datetime) -> None:
    with pytest.raises(errors.InvalidInput):
        a_code(now=now, valid_from=now, valid_until=now)
    a_code(now=now)

    with pytest.raises(errors.NameTaken):
        a_code(" SPRING", now=now)


def test_spelling_and_person_are_compared_as_people_mean_them() -> None:
    assert normal_code(" spring-10 ") == "SPRING-10"
    assert fingerprint(Customer(ref="", email=" Bob@example.ORG")) == fingerprint(
        Customer(ref="b", email="bob@example.org")
    )
    assert fingerprint(Customer(ref="b")) != fingerprint(Customer(ref="c"))
    assert fingerprint(None) == fingerprint(Customer(ref="")) == coupons.NOBODY


@pytest.mark.parametrize("lines", [1, 2])
def test_it_takes_one_statement_more_however_many_codes(
    shelf: TenantRef, now: datetime, lines: int
) -> None:
    a_code(now=now, most_uses=9, most_per_customer=3)
    a_code("idle", now=now, most_per_customer=3)
    wanted = (("tea", 1), ("pot", 1))[:lines]
    command = ordering(*wanted, coupons=frozenset({"SPRING", "IDLE"}))

    with CaptureQueriesContext(connection) as statements:
        place_order(command, plugins=WITH_CODES, now=now)

    # The shelf, the codes with this customer's turns, and everything that is written.
    expected = 3 if connection.vendor == "postgresql" else 10
    assert len(statements) == expected
