"""The page of an order, to whoever holds its link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from hookspecs import Money, OrderPage, PaymentView, Refused, TimelineEntry
from plugins.storefront.tests.shop import MemoryShop
from storefront import words

Send = Callable[..., Any]


def test_it_shows_what_was_ordered_and_what_happened(placed: str, visitor: Client) -> None:
    page = visitor.get(placed).content.decode()

    assert "Order 2026-0001" in page
    assert "2 \N{MULTIPLICATION SIGN} €10.00" in page
    assert "Order placed" in page
    assert "Germany" in page
    assert "Mar 1, 2026, 12:30" in page


@pytest.mark.parametrize(
    "at",
    [
        "/order/id0/wrong/",
        "/order/id9/t0ken/",
        "/order/id0/wrong/live/",
        "/order/id0/wrong/return/card/",
    ],
)
def test_a_wrong_token_is_as_good_as_no_order(placed: str, visitor: Client, at: str) -> None:
    answer = visitor.get(at)

    assert answer.status_code == 404
    assert "2026-0001" not in answer.content.decode()


def test_an_undecided_charge_offers_no_second_one(check_out: Send, visitor: Client) -> None:
    page = visitor.get(check_out(payment="slow")["Location"]).content.decode()

    assert "We are confirming with your bank" in page
    assert "You will not be charged twice." in page
    assert 'name="payment"' not in page
    assert 'hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_nothing_is_sent_while_nothing_has_changed(placed: str, visitor: Client) -> None:
    seen = visitor.get(placed).context["seen"]

    answer = visitor.get(f"{placed}live/?seen={seen}")

    assert answer.status_code == 204
    assert not answer.content


def test_the_changed_part_is_sent_once_something_has(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    seen = visitor.get(placed).context["seen"]
    kept = shop.orders["id0"]
    kept.page = replace(kept.page, status="PAID", payment_status="PAID", choices=())

    answer = visitor.get(f"{placed}live/?seen={seen}", headers={"HX-Request": "true"})

    assert "Thank you!" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_finished_order_asks_no_more(placed: str, visitor: Client, shop: MemoryShop) -> None:
    kept = shop.orders["id0"]
    kept.page = replace(kept.page, status="FULFILLED", choices=(), can_cancel=False)

    page = visitor.get(placed).content.decode()

    assert "hx-get" not in page
    assert "Cancel this order" not in page


def test_it_is_cancelled_for_a_reason(placed: str, visitor: Client, shop: MemoryShop) -> None:
    answer = visitor.post(f"{placed}cancel/", {"reason": "too slow"}, follow=True)

    assert shop.orders["id0"].calls[-1] == ("cancel", "too slow")
    assert "The order is cancelled." in answer.content.decode()
    assert "This order is cancelled" in answer.content.decode()


def test_an_order_that_can_not_be_cancelled_says_so(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    shop.refuse["cancel_order"] = Refused("WRONG_STATE", "no")

    answer = visitor.post(f"{placed}cancel/")

    assert answer.status_code == 409
    assert "has moved on" in answer.content.decode()


def test_times_are_those_of_the_customer(placed: str, visitor: Client, shop: MemoryShop) -> None:
    kept = shop.orders["id0"]
    there = replace(kept.page.order.customer, time_zone="Asia/Tokyo")
    kept.page = replace(kept.page, order=replace(kept.page.order, customer=there))

    assert "9:30" in visitor.get(placed).content.decode()


@pytest.mark.parametrize(
    ("given", "tone", "title"),
    [
        ({"undecided": True}, "wait", "We are confirming with your bank"),
        ({"payment_status": "AUTHORIZED"}, "good", "Your payment is authorised"),
        ({"status": "PAID"}, "good", "Thank you!"),
        ({"status": "FULFILLED"}, "good", "Your order is on its way"),
        ({"status": "CANCELLED"}, "calm", "This order is cancelled"),
        ({"status": "EXPIRED"}, "calm", "This order has expired"),
        ({"status": "EXPIRED", "undecided": True}, "wait", "We are confirming with your bank"),
        ({}, "act", "Your order is placed, not yet paid"),
    ],
)
def test_the_headline_says_how_an_order_stands(
    placed: str, shop: MemoryShop, given: dict[str, Any], tone: str, title: str
) -> None:
    said = words.headline(replace(shop.orders["id0"].page, **given))

    assert (said.tone, said.title) == (tone, title)


@pytest.mark.parametrize(
    ("payment_status", "text"),
    [
        ("NONE", "Nothing was charged."),
        ("REFUNDED", "What you paid was given back."),
        ("PAID", "What you paid is being given back."),
        (
            "UNRESOLVED",
            "We are confirming with your bank; whatever was charged will be given back.",
        ),
    ],
)
def test_a_cancelled_order_says_where_the_money_is(
    placed: str, shop: MemoryShop, payment_status: str, text: str
) -> None:
    page = replace(shop.orders["id0"].page, status="CANCELLED", payment_status=payment_status)

    assert words.headline(page).text == text


def test_words_it_does_not_know_are_shown_as_they_are(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    kept = shop.orders["id0"]
    odd = PaymentView(
        payment_id="p", code="x", label="X", status="HALF_WAY", amount=Money(5, "EUR")
    )
    entry = TimelineEntry(at=datetime(2026, 1, 1, tzinfo=UTC), kind="parcel_found", text="At last")
    page: OrderPage = replace(kept.page, payments=(odd,), timeline=(entry,))
    kept.page = page

    shown = visitor.get(placed).content.decode()

    assert "half way" in shown
    assert "Parcel found" in shown
    assert "At last" in shown


def test_the_story_tells_people_what_concerns_them(placed: str, shop: MemoryShop) -> None:
    card = PaymentView(
        payment_id="p", code="stripe", label="Card", status="DECLINED", amount=Money(5, "EUR")
    )
    entries = tuple(
        TimelineEntry(at=datetime(2026, 1, 1, tzinfo=UTC), kind=kind, text=text)
        for kind, text in (
            ("payment_started", "stripe"),
            ("payment_moved", "stripe · REQUIRES_ACTION"),
            ("payment_declined", "stripe · SOME_CODE · INSUFFICIENT_FUNDS"),
            ("order_cancelled", "changed my mind"),
        )
    )
    page = replace(shop.orders["id0"].page, payments=(card,), timeline=entries)

    told = [(chapter.title, chapter.text) for chapter in words.story(page)]

    assert told == [
        ("Payment begun", "Card"),
        ("Payment declined", "Card · not enough money"),
        ("Order cancelled", "changed my mind"),
    ]
