"""What facts and commands under way mean, as tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.domain.lifecycle import (
    OperationStatus,
    OrderStatus,
    ProductStatus,
    order_sources,
    product_sources,
)
from core.domain.payments import Folded, fold
from core.domain.settling import (
    Standing,
    decided_by,
    is_live,
    moved_minor,
    order_payment_status,
    paying_minor,
    payment_status,
)
from hookspecs import (
    Declined,
    Done,
    Fact,
    FactKind,
    Finding,
    InProgress,
    Money,
    NeedsCustomer,
    NotFound,
    Show,
    Unknown,
    Verb,
)

ASKED = Money(1000, "EUR")


def fact(kind: FactKind, minor: int = 1000, **more: Any) -> Fact:
    return Fact(kind=kind, amount=Money(minor, "EUR"), **{"object_id": kind.value, **more})


def folded(*facts: Fact) -> Folded:
    return fold(facts, asked=ASKED, account=None)


NOTHING = folded()
CAPTURED = folded(fact(FactKind.CAPTURED, object_id="c"))
PART = folded(fact(FactKind.CAPTURED, 400, object_id="c"))
AUTHORIZED = folded(fact(FactKind.AUTHORIZED))
REFUNDED = folded(fact(FactKind.CAPTURED, object_id="c"), fact(FactKind.REFUNDED, parent_id="c"))
PART_REFUNDED = folded(
    fact(FactKind.CAPTURED, object_id="c"), fact(FactKind.REFUNDED, 1, parent_id="c")
)
DISPUTED = folded(
    fact(FactKind.CAPTURED, object_id="c"), fact(FactKind.DISPUTE_OPENED, parent_id="c")
)


LOST, PART_LOST = (
    folded(
        fact(FactKind.CAPTURED, object_id="c"), fact(FactKind.DISPUTE_LOST, minor, parent_id="c")
    )
    for minor in (1000, 400)
)
OVER = folded(fact(FactKind.CAPTURED, 1001, object_id="c"))
CENT = folded(fact(FactKind.CAPTURED, 1, object_id="c"))
CENT_BACK = folded(
    fact(FactKind.CAPTURED, 1, object_id="c"), fact(FactKind.REFUNDED, 1, parent_id="c")
)
ORPHAN = folded(fact(FactKind.REFUNDED, 1))
APPROVED = folded(fact(FactKind.APPROVED))
UNDER_WAY = folded(
    fact(FactKind.CAPTURED, 400, object_id="c"),
    fact(FactKind.CAPTURE_PENDING, 500, object_id="d"),
    fact(FactKind.REFUNDED, 30, object_id="r", parent_id="c"),
    fact(FactKind.REFUND_PENDING, 2, object_id="s", parent_id="c"),
)
HALF_CLOSED = folded(
    fact(FactKind.AUTHORIZED, 400, object_id="a"),
    fact(FactKind.AUTHORIZATION_CLOSED, 600, object_id="b"),
)


@pytest.mark.parametrize(
    ("state", "pays"),
    [
        (NOTHING, 0),
        (CAPTURED, 1000),
        (CENT, 1),
        (PART_REFUNDED, 1000),
        (PART_LOST, 1000),
        (REFUNDED, 0),
        (LOST, 0),
        (OVER, 0),
    ],
)
def test_a_payment_counts_with_all_it_took_or_not_at_all(state: Folded, pays: int) -> None:
    assert paying_minor(state) == pays


@pytest.mark.parametrize(
    ("verb", "minor"),
    [(Verb.CAPTURE, 900), (Verb.REFUND, 32), (Verb.START, 0), (Verb.VOID, 0)],
)
def test_what_is_under_way_has_moved(verb: Verb, minor: int) -> None:
    assert moved_minor(verb, UNDER_WAY) == minor


@pytest.mark.parametrize(
    ("status", "live"), [(None, False), ("SENT", True), ("UNKNOWN", True), ("DONE", False)]
)
def test_a_command_that_may_still_have_an_effect_is_live(status: str | None, live: bool) -> None:
    assert is_live(status) is live


@pytest.mark.parametrize(
    ("state", "last", "shown"),
    [
        (NOTHING, None, "OPEN"),
        (NOTHING, "SENT", "OPEN"),
        (NOTHING, "NEEDS_CUSTOMER", "REQUIRES_ACTION"),
        (NOTHING, "UNKNOWN", "UNRESOLVED"),
        (NOTHING, "IN_PROGRESS", "PROCESSING"),
        (NOTHING, "DECLINED", "DECLINED"),
        (NOTHING, "ABANDONED", "CLOSED"),
        (CAPTURED, "UNKNOWN", "CAPTURED"),
        (AUTHORIZED, "DECLINED", "AUTHORIZED"),
    ],
)
def test_only_an_open_payment_shows_its_command(
    state: Folded, last: str | None, shown: str
) -> None:
    assert payment_status(state, last) == shown


@pytest.mark.parametrize(
    ("folds", "last", "status"),
    [
        ([], None, "NONE"),
        ([NOTHING], "NEEDS_CUSTOMER", "PENDING"),
        ([NOTHING], "UNKNOWN", "UNRESOLVED"),
        ([NOTHING], "DECLINED", "NONE"),
        ([AUTHORIZED], "DONE", "AUTHORIZED"),
        ([PART], "DONE", "PARTIALLY_PAID"),
        ([CAPTURED], "DONE", "PAID"),
        ([PART, PART, PART], "DONE", "PAID"),
        ([PART_REFUNDED], "DONE", "PARTIALLY_REFUNDED"),
        ([REFUNDED], "DONE", "REFUNDED"),
        ([DISPUTED], "DONE", "DISPUTED"),
        ([REFUNDED, CAPTURED], "DONE", "PAID"),
        ([PART, REFUNDED], "DONE", "PARTIALLY_REFUNDED"),
        ([CAPTURED, NOTHING], "UNKNOWN", "PAID"),
        ([LOST], "DONE", "REFUNDED"),
        ([PART_LOST], "DONE", "PARTIALLY_REFUNDED"),
        ([OVER], "DONE", "UNRESOLVED"),
        ([PART, OVER], "DONE", "UNRESOLVED"),
        ([CENT], "DONE", "PARTIALLY_PAID"),
        ([CENT_BACK], "DONE", "REFUNDED"),
        ([ORPHAN], "DONE", "NONE"),
    ],
)
def test_an_order_stands_as_all_its_payments_do(
    folds: list[Folded], last: str | None, status: str
) -> None:
    live = last in ("NEEDS_CUSTOMER", "UNKNOWN")
    standings = [Standing(folded=one, last=last, live=live) for one in folds]

    assert order_payment_status(standings, total_minor=1000) == status


SHOW = NeedsCustomer(action=Show(text="pay"))


@pytest.mark.parametrize(
    ("verb", "finding", "before", "after", "decided"),
    [
        (Verb.START, Done(), NOTHING, CAPTURED, "DONE"),
        (Verb.START, SHOW, NOTHING, NOTHING, "NEEDS_CUSTOMER"),
        (Verb.START, InProgress(check_after=timedelta(1)), NOTHING, NOTHING, "IN_PROGRESS"),
        (Verb.START, Declined(), NOTHING, NOTHING, "DECLINED"),
        (Verb.START, NotFound(), NOTHING, NOTHING, None),
        (Verb.RESUME, Unknown(cause="?"), NOTHING, NOTHING, "UNKNOWN"),
        (Verb.CAPTURE, Done(), AUTHORIZED, CAPTURED, "DONE"),
        (Verb.CAPTURE, Done(), AUTHORIZED, AUTHORIZED, None),
        (Verb.REFUND, Done(), CAPTURED, REFUNDED, "DONE"),
        (Verb.REFUND, Done(), CAPTURED, CAPTURED, None),
        (Verb.VOID, Done(), AUTHORIZED, AUTHORIZED, None),
        (Verb.VOID, Done(), NOTHING, folded(fact(FactKind.APPROVAL_CLOSED)), "DONE"),
        (Verb.VOID, Done(), AUTHORIZED, folded(fact(FactKind.AUTHORIZATION_CLOSED)), "DONE"),
        (Verb.VOID, Done(), AUTHORIZED, NOTHING, None),
        (Verb.VOID, Done(), AUTHORIZED, HALF_CLOSED, None),
        (Verb.START, Declined(), NOTHING, CAPTURED, "DONE"),
        (Verb.START, Done(), NOTHING, APPROVED, "NEEDS_CUSTOMER"),
        (Verb.START, Done(), NOTHING, AUTHORIZED, "DONE"),
    ],
)
def test_an_inquiry_decides_a_command_in_doubt(
    verb: Verb, finding: Finding, before: Folded, after: Folded, decided: str | None
) -> None:
    moved = moved_minor(verb, before)

    found = decided_by(finding, verb=verb, operation_id="op", before=moved, after=after)

    assert found == (OperationStatus(decided) if decided else None)


def test_an_object_that_names_the_command_settles_it() -> None:
    own = fact(FactKind.REFUNDED, parent_id="c", operation_id="op")

    found = decided_by(
        Done(facts=(own,)), verb=Verb.REFUND, operation_id="op", before=1000, after=REFUNDED
    )

    assert found is OperationStatus.DONE


@pytest.mark.parametrize(
    ("verb", "kind", "after", "decided"),
    [
        (Verb.START, Done, APPROVED, "NEEDS_CUSTOMER"),
        (Verb.START, Done, AUTHORIZED, "DONE"),
        (Verb.RESUME, InProgress, NOTHING, "IN_PROGRESS"),
        (Verb.REFUND, InProgress, CAPTURED, "DONE"),
    ],
)
def test_of_a_start_the_variant_decides_all_the_same(
    verb: Verb, kind: type[Any], after: Folded, decided: str
) -> None:
    wait = {"check_after": timedelta(1)} if kind is InProgress else {}
    finding = kind(facts=(fact(FactKind.CAPTURE_FAILED, operation_id="op"),), **wait)

    found = decided_by(finding, verb=verb, operation_id="op", before=0, after=after)

    assert found is OperationStatus(decided)


def test_an_order_goes_only_where_it_may() -> None:
    assert order_sources(OrderStatus.PAID) == {OrderStatus.CONFIRMED, OrderStatus.EXPIRED}
    assert order_sources(OrderStatus.CANCELLED) == {OrderStatus.CONFIRMED, OrderStatus.PAID}
    assert order_sources(OrderStatus.CONFIRMED) == set()


def test_a_product_never_goes_back() -> None:
    assert product_sources(ProductStatus.PUBLISHED) == {ProductStatus.DRAFT}
    assert product_sources(ProductStatus.DRAFT) == set()
