"""A draft knows the rules; only a draft makes a confirmed order."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from core.domain import errors
from core.domain.lines import MAX_LINES, Shelved, Wanted
from core.domain.order import ConfirmedOrder, OrderDraft
from core.domain.pricing import Priced, compose

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def shelved(sku: str = "tea", **more: Any) -> Shelved:
    known: dict[str, Any] = {
        "product_id": uuid.uuid4(),
        "sku": sku,
        "name": sku.title(),
        "status": "PUBLISHED",
        "price_minor": 450,
        "currency": "EUR",
        "tax_class": "",
        "categories": frozenset(),
        "available": 10,
    }
    return Shelved(**{**known, **more})


def drafted(*wanted: Wanted, **more: Any) -> OrderDraft:
    return OrderDraft.of(currency="EUR", wanted=wanted, **more)


def priced(draft: OrderDraft, shelf: dict[str, Shelved]) -> Priced:
    quote = draft.quote(
        shelf=shelf, tenant="default", now=NOW, customer=None, prices_include_tax=True
    )
    return compose(quote=quote, rules=(), taxes=())


def test_it_is_sealed_once_confirmed() -> None:
    shelf = {"tea": shelved()}
    draft = drafted(Wanted(sku="tea", quantity=2))

    confirmed = draft.confirm(priced=priced(draft, shelf), shelf=shelf)

    assert confirmed.units() == {shelf["tea"].product_id: 2}
    with pytest.raises(TypeError):
        draft.confirm(priced=confirmed.priced, shelf=shelf)


def test_nothing_else_makes_a_confirmed_order() -> None:
    with pytest.raises(TypeError, match=r"OrderDraft\.confirm"):
        ConfirmedOrder(currency="EUR", lines=(), priced=None, seal=object())  # type: ignore[arg-type]


def test_units_add_up_over_lines_of_one_product() -> None:
    shelf = {"tea": shelved()}
    draft = drafted(
        Wanted(sku="tea", quantity=2), Wanted(sku="tea", quantity=1, attributes={"for": "Ada"})
    )

    confirmed = draft.confirm(priced=priced(draft, shelf), shelf=shelf)

    assert confirmed.units() == {shelf["tea"].product_id: 3}
    assert [line.position for line in confirmed.lines] == [1, 2]


def test_stock_is_judged_over_all_lines_of_a_product() -> None:
    draft = drafted(
        Wanted(sku="tea", quantity=6), Wanted(sku="tea", quantity=6, attributes={"for": "Ada"})
    )

    with pytest.raises(errors.OutOfStock) as short:
        priced(draft, {"tea": shelved()})

    assert short.value.details["skus"] == ["tea"]


def test_agreed_prices_and_shipping_start_the_quote() -> None:
    draft = drafted(
        Wanted(sku="tea", quantity=2, terms={"unit_price": "4.00"}), terms={"shipping": "3.50"}
    )

    composed = priced(draft, {"tea": shelved(currency="USD")})

    assert (composed.goods_minor, composed.shipping_minor, composed.total_minor) == (800, 350, 1150)
    assert draft.has_terms


@pytest.mark.parametrize("amount", ["x", "-1", "1.234", "1e99", "NaN", ""])
def test_terms_that_cant_be_read_are_refused(amount: str) -> None:
    draft = drafted(Wanted(sku="tea", quantity=1, terms={"unit_price": amount}))

    with pytest.raises(errors.InvalidInput) as refused:
        priced(draft, {"tea": shelved()})

    assert refused.value.details["field"] == "unit_price"


@pytest.mark.parametrize("quantity", [0, -1, 10**10, True, 1.5, "2"])
def test_a_quantity_is_a_whole_number_of_at_least_one(quantity: Any) -> None:
    with pytest.raises(errors.InvalidQuantity):
        drafted(Wanted(sku="tea", quantity=quantity))


def test_more_lines_than_anybody_needs_are_refused() -> None:
    many = (Wanted(sku="tea", quantity=1, attributes={"n": str(n)}) for n in range(MAX_LINES + 1))

    with pytest.raises(errors.TooManyLines):
        drafted(*many)


def test_a_total_beyond_counting_is_refused() -> None:
    shelf = {"tea": shelved(price_minor=10**14, available=10**9)}
    draft = drafted(Wanted(sku="tea", quantity=1000))

    with pytest.raises(errors.InvalidInput):
        draft.confirm(priced=priced(draft, shelf), shelf=shelf)


def test_a_changed_total_says_by_how_much() -> None:
    shelf = {"tea": shelved()}
    draft = drafted(Wanted(sku="tea", quantity=2))

    with pytest.raises(errors.TotalChanged) as changed:
        draft.confirm(priced=priced(draft, shelf), shelf=shelf, confirmed_total_minor=850)

    assert changed.value.details["difference_minor"] == 50
