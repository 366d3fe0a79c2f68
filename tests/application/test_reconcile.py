"""The gateway's own list against ours: every difference is named, none is invented."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from core.application.payment_step import PaymentStep
from core.application.reconcile import Difference, Reconciled, reconcile
from core.application.start_payment import start_payment
from core.context import TenantRef
from core.domain import errors
from core.hooks.registry import Registry
from core.models import Fact as FactRow
from core.models import Order, Payment
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Call, Fact, FactKind, Feature, InquireRequest, Money, NotFound, Notice
from tests.application.shelf import paying, placed, put

DAY = timedelta(days=1)


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


@pytest.fixture
def plugins(gateway: MemoryGateway) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


def bought(plugins: Registry, now: datetime) -> PaymentStep:
    return start_payment(
        paying(placed(("tea", 1), plugins=plugins, now=now)), plugins=plugins, now=now
    )


def compare(plugins: Registry, now: datetime) -> Reconciled:
    return reconcile("payment-memory", since=now - DAY, until=now + DAY, plugins=plugins, now=now)


def kinds(done: Reconciled) -> list[Difference]:
    return [one.kind for one in done.differences]


def stranger(payment_id: str | None = None) -> Notice:
    taken = Fact(kind=FactKind.CAPTURED, object_id=uuid4().hex, amount=Money(5, "EUR"))
    return Notice(event_id=uuid4().hex, payment_id=payment_id, facts=(taken,))


def test_two_lists_that_agree_have_no_differences(
    shelf: TenantRef, plugins: Registry, now: datetime
) -> None:
    for _ in range(3):
        bought(plugins, now)

    done = compare(plugins, now)

    assert (done.notices, done.differences) == (3, ())


def test_what_we_have_not_heard_of_is_applied_once(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.fault = "drop_after"
    step = bought(plugins, now)

    first, second = compare(plugins, now), compare(plugins, now)

    assert (kinds(first), kinds(second)) == ([Difference.NEWS], [])
    assert Order.objects.get(pk=step.order_id).status == "PAID"


def test_every_charge_lost_with_an_old_backup_is_named(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    put("much", 450, 100, now=now)
    for _ in range(5):
        bought(plugins, now)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    planted = [uuid4().hex for _ in range(25)]
    gateway.strangers = tuple(stranger(one) for one in planted)
    random.Random(seed).shuffle(planted)

    done = compare(plugins, now)

    assert kinds(done) == [Difference.NOT_OURS] * 25
    assert {one.payment for one in done.differences} == set(planted)
    assert Payment.objects.count() == 5


def test_a_charge_that_names_nobody_is_named_by_its_reference(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gateway.strangers = (stranger(), stranger("not-an-id"))

    done = compare(plugins, now)

    assert kinds(done) == [Difference.NOT_OURS, Difference.NOT_OURS]
    assert done.differences[0].reference == gateway.strangers[0].event_id


def test_money_that_the_gateway_knows_nothing_of_is_named(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    gone, kept = bought(plugins, now), bought(plugins, now)
    del gateway.ledger.charges[gone.payment_id.hex]

    done = compare(plugins, now)

    assert kinds(done) == [Difference.NOT_THEIRS]
    assert done.differences[0].payment == str(gone.payment_id)
    assert str(kept.payment_id) not in str(done.differences)


class Forgetful(MemoryGateway):
    """Lists nothing, but answers when it is asked for a payment."""

    def statement(self, since: datetime, until: datetime, call: Call, /) -> list[Notice]:
        return []


class Mute(Forgetful):
    """Lists nothing and knows nothing."""

    def inquire(self, request: InquireRequest, call: Call, /) -> NotFound:
        return NotFound()


@pytest.mark.parametrize(("kind", "missing"), [(Forgetful, 0), (Mute, 1)])
def test_what_lies_outside_a_statement_is_asked_for_before_it_is_missed(
    shelf: TenantRef, now: datetime, kind: type[MemoryGateway], missing: int
) -> None:
    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(kind(),)))
    bought(plugins, now)

    done = compare(plugins, now)

    assert len(done.differences) == missing


def test_other_days_are_left_alone(
    shelf: TenantRef, plugins: Registry, gateway: MemoryGateway, now: datetime
) -> None:
    bought(plugins, now)
    gateway.ledger.charges.clear()

    done = reconcile(
        "payment-memory", since=now + DAY, until=now + 2 * DAY, plugins=plugins, now=now
    )

    assert done.differences == ()


@pytest.mark.parametrize(
    ("features", "kind", "kept"),
    [
        (frozenset(), Difference.NOT_APPLIED, 0),
        (frozenset({Feature.MANUAL}), Difference.NEWS, 1),
    ],
    ids=["asked", "nobody to ask"],
)
def test_money_that_the_gateway_does_not_confirm_is_named_and_pays_nothing(
    shelf: TenantRef,
    plugins: Registry,
    gateway: MemoryGateway,
    now: datetime,
    features: frozenset[Feature],
    kind: Difference,
    kept: int,
) -> None:
    step = bought(plugins, now)
    gateway.features |= features
    foreign = Fact(
        kind=FactKind.CAPTURED, object_id="x", amount=Money(450, "EUR"), account="till-2"
    )
    gateway.strangers = (Notice(event_id="e", payment_id=step.payment_id.hex, facts=(foreign,)),)
    asking = registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))

    done = compare(asking, now)

    assert kinds(done) == [kind]
    assert FactRow.objects.filter(account="till-2").count() == kept
    assert Order.objects.get(pk=step.order_id).payment_status == "PAID"


def test_a_gateway_that_can_not_be_asked_is_no_difference(shelf: TenantRef, now: datetime) -> None:
    class Broken(MemoryGateway):
        def statement(self, since: datetime, until: datetime, call: Call, /) -> list[Notice]:
            raise RuntimeError("no statement today")

    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(Broken(),)))

    with pytest.raises(errors.PluginFailedError, match="no statement today"):
        compare(plugins, now)


def test_a_strategy_without_statements_refuses(shelf: TenantRef, now: datetime) -> None:
    gateway = MemoryGateway()

    class Bare:
        info, start, inquire = gateway.info, gateway.start, gateway.inquire

    plugins = registry_of(FakePlugin(name="payment-memory", strategies=(Bare(),)))

    with pytest.raises(errors.NotSupported):
        compare(plugins, now)
    with pytest.raises(errors.PluginUnavailable):
        reconcile("payment-gone", since=now - DAY, until=now, plugins=plugins, now=now)
