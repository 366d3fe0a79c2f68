"""The checkout: what is shown is what is ordered, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from hookspecs import Address, Input, Money, PaymentChoice, Refused
from plugins.storefront.tests.shop import CHOICES, MemoryShop

Send = Callable[..., Any]


def fill(visitor: Client) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "2"})


def test_it_sends_an_empty_basket_back(visitor: Client) -> None:
    answer = visitor.get("/checkout/")

    assert (answer.status_code, answer["Location"]) == (303, "/basket/")


def test_it_shows_the_lines_the_total_and_every_way_to_pay(visitor: Client) -> None:
    fill(visitor)

    page = visitor.get("/checkout/").content.decode()

    assert 'name="line" value="2:A1"' in page
    assert 'name="confirmed_total" value="2000 EUR"' in page
    assert "Buy now for €20.00" in page
    for choice in CHOICES:
        assert choice.label in page


def test_it_guesses_the_country_from_the_browser(visitor: Client) -> None:
    fill(visitor)

    page = visitor.get("/checkout/", headers={"Accept-Language": "de-AT,de;q=0.9"}).content.decode()

    assert '<option value="AT" selected>' in page
    assert "4,90" in page


def test_two_renderings_have_two_keys(visitor: Client) -> None:
    fill(visitor)

    first, second = (visitor.get("/checkout/").context["sheet"].key for _ in range(2))

    assert first != second


def test_it_places_the_order_and_leads_to_the_payment(
    check_out: Send, shop: MemoryShop, visitor: Client
) -> None:
    fill(visitor)

    answer = check_out()

    kept = shop.orders["id0"]
    assert answer["Location"] == "/order/id0/t0ken/pay/p1/"
    assert kept.placed.total == Money(2000, "EUR")
    assert kept.basket.ship_to == Address(
        country="DE", name="Ada Example", street=("Lane 1",), city="Town"
    )
    assert kept.basket.contact is not None
    assert kept.basket.contact.email == "ada@example.org"
    assert kept.basket.payment_strategy == "card"
    assert kept.calls[0][1]["return"] == "http://testserver/order/id0/t0ken/return/card/"
    assert "nothing in it yet" in visitor.get("/basket/").content.decode()


def test_pressing_twice_gives_one_order_and_one_payment(check_out: Send, shop: MemoryShop) -> None:
    first, second = check_out(), check_out()

    assert first["Location"] == second["Location"]
    assert len(shop.orders) == 1
    assert len(shop.orders["id0"].calls) == 1


def test_what_was_added_meanwhile_stays_in_the_basket(check_out: Send, visitor: Client) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "5"})

    check_out()

    assert 'value="3"' in visitor.get("/basket/").content.decode()


def test_a_total_that_changed_is_told_with_the_difference_and_nothing_is_ordered(
    check_out: Send, shop: MemoryShop
) -> None:
    answer = check_out(country="AT")

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "from €20.00 to €24.90 (+€4.90)" in page
    assert 'name="confirmed_total" value="2490 EUR"' in page
    assert 'value="Ada Example"' in page
    assert not shop.orders


def test_the_new_total_can_be_confirmed_with_the_same_key(
    check_out: Send, shop: MemoryShop
) -> None:
    check_out(country="AT")
    check_out(country="AT", confirmed_total="2490 EUR")

    assert shop.orders["id0"].placed.total == Money(2490, "EUR")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"email": "nobody"}, "valid email"),
        ({"name": ""}, "required"),
        ({"country": ""}, "required"),
        ({"country": "XX"}, "valid choice"),
        ({"payment": ""}, "required"),
        ({"payment": "cash"}, "choose one of these"),
        ({"payment": "gift"}, "Please fill this in."),
    ],
)
def test_it_asks_again_for_what_is_missing_and_keeps_the_rest(
    check_out: Send, shop: MemoryShop, other: dict[str, str], says: str
) -> None:
    answer = check_out(**other)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert says in page
    assert 'value="Town"' in page
    assert not shop.orders


@pytest.mark.parametrize("total", ["", "twenty", "20.00 EUR", "2000 euro"])
def test_it_orders_nothing_without_a_total_that_was_shown(
    check_out: Send, shop: MemoryShop, total: str
) -> None:
    answer = check_out(confirmed_total=total)

    assert answer.status_code == 422
    assert not shop.orders


@pytest.mark.parametrize("line", ["", "A1", "0:A1", "-1:A1", "x:A1"])
def test_a_line_that_was_tampered_with_is_no_line(check_out: Send, line: str) -> None:
    answer = check_out(line=[line])

    assert answer["Location"] == "/basket/"


def test_out_of_stock_is_a_message_in_the_page(check_out: Send, shop: MemoryShop) -> None:
    shop.refuse["place_order"] = Refused("OUT_OF_STOCK", "no", {"skus": ["A1"]})

    answer = check_out()

    assert answer.status_code == 409
    assert "There isn&#x27;t enough left of: Notebook." in answer.content.decode()
    assert 'value="Ada Example"' in answer.content.decode()


def test_a_secret_is_handed_on_and_never_shown_again(check_out: Send, shop: MemoryShop) -> None:
    said = {"payment": "gift", "gift.number": "777", "gift.pin": "s3cret"}
    shown = check_out(**said, email="nobody")
    check_out(**said)

    page = shown.content.decode()
    assert 'value="777"' in page
    assert "s3cret" not in page
    assert shop.orders["id0"].calls[0][1]["pin"] == "s3cret"


def test_a_payment_that_can_not_begin_leaves_an_order_that_says_so(
    check_out: Send, visitor: Client, shop: MemoryShop
) -> None:
    answer = check_out(payment="refusing")

    page = visitor.get(answer["Location"]).content.decode()
    assert answer["Location"] == "/order/id0/t0ken/"
    assert "out of order" in page
    assert len(shop.orders) == 1


def test_it_can_be_ordered_where_no_way_to_pay_is_offered(
    check_out: Send, shop: MemoryShop, visitor: Client
) -> None:
    shop.choices = ()
    fill(visitor)
    page = visitor.get("/checkout/").content.decode()

    answer = check_out(payment="")

    assert "No way to pay is offered" in page
    assert answer["Location"] == "/order/id0/t0ken/"


def test_the_only_way_to_pay_is_chosen_already(visitor: Client, shop: MemoryShop) -> None:
    shop.choices = CHOICES[:1]
    fill(visitor)

    page = visitor.get("/checkout/").content.decode()

    assert 'value="card" checked' in page


def test_it_works_out_the_total_again_without_complaining(check_out: Send) -> None:
    answer = check_out(do="review", email="", country="FR")

    assert answer.status_code == 200
    assert "Buy now for €24.90" in answer.content.decode()
    assert "is required" not in answer.content.decode()


def test_it_hands_htmx_the_summary_alone(visitor: Client) -> None:
    said = {"line": "2:A1", "country": "FR", "confirmed_total": "2000 EUR"}

    answer = visitor.post("/checkout/", said, headers={"HX-Request": "true"})

    assert answer.content.decode().startswith("<aside")
    assert "2490 EUR" in answer.content.decode()


def test_a_basket_that_can_not_be_priced_has_no_button(visitor: Client, shop: MemoryShop) -> None:
    fill(visitor)
    shop.refuse["quote"] = Refused("PRICING_UNAVAILABLE", "no")
    shop.refuse["payment_choices"] = Refused("PRICING_UNAVAILABLE", "no")

    answer = visitor.get("/checkout/")

    assert answer.status_code == 503
    assert "Buy now" not in answer.content.decode()


def test_a_form_without_the_token_of_its_page_is_refused() -> None:
    strict = Client(enforce_csrf_checks=True)

    answer: HttpResponse = strict.post("/checkout/", {"do": "place"})

    assert answer.status_code == 403


def test_the_way_back_to_the_order_is_kept_by_the_browser(check_out: Send, visitor: Client) -> None:
    kept = check_out().cookies["storefront_order"]

    page = visitor.get("/basket/").content.decode()

    assert 'href="/order/id0/t0ken/"' in page
    assert kept["httponly"]


def test_a_forged_way_back_is_none(visitor: Client) -> None:
    visitor.cookies["storefront_order"] = "id0 t0ken:forged"

    page = visitor.get("/basket/").content.decode()

    assert "/order/" not in page


def test_out_of_stock_is_told_even_if_nothing_can_be_priced(
    check_out: Send, shop: MemoryShop
) -> None:
    shop.refuse["place_order"] = Refused("OUT_OF_STOCK", "no", {"skus": ["A1"]})
    shop.refuse["quote"] = Refused("PRICING_UNAVAILABLE", "no")

    page = check_out().content.decode()

    assert f"enough left of: {shop.stock['A1'].name}." in page


def test_what_is_short_is_called_by_its_name_and_not_blamed_on_ways_to_pay(
    visitor: Client, shop: MemoryShop
) -> None:
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "1"})
    short = Refused("OUT_OF_STOCK", "not enough", {"skus": ["A1"]})
    shop.refuse |= {"quote": short, "payment_choices": short}

    pages = [visitor.get(path).content.decode() for path in ("/basket/", "/checkout/")]

    name = shop.stock["A1"].name
    assert [f"enough left of: {name}." in page for page in pages] == [True, True]
    assert "No way to pay is offered" not in pages[1]


def test_what_is_not_required_is_not_asked_of_people(visitor: Client, shop: MemoryShop) -> None:
    wanted = Input(name="method", label="Payment method", required=False)
    shop.choices = (PaymentChoice(code="card", label="Card", inputs=(wanted,)),)
    visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "1"})

    page = visitor.get("/checkout/").content.decode()

    assert "Card" in page
    assert "Payment method" not in page


def test_it_names_what_has_changed_and_what_was_confirmed_goes_along(
    check_out: Send, shop: MemoryShop
) -> None:
    shop.changed = {
        "currency": "EUR",
        "changes": [
            {"what": "line", "key": "1", "sku": "A1", "name": "Notebook", "was_minor": 1900,
             "is_minor": 2000},
            {"what": "rule", "key": "v", "name": "Volume discount", "was_minor": -1, "is_minor": 0},
            {"what": "sum", "key": "shipping", "was_minor": 0, "is_minor": 490},
        ],
    }  # fmt: skip

    page = check_out(confirmed_total="1900 EUR", confirmation="as shown").content.decode()

    assert "Notebook: €19.00 → €20.00" in page
    assert "Volume discount: -€0.01 → €0.00" in page
    assert "Shipping: €0.00 → €4.90" in page
    assert 'name="confirmation" value="as shown"' in page


def test_the_cheapest_way_of_sending_is_chosen_until_another_one_is(
    visitor: Client, check_out: Send, shop: MemoryShop
) -> None:
    shop.ways = {"post": Money(300, "EUR"), "courier": Money(900, "EUR")}
    fill(visitor)

    page = visitor.get("/checkout/").content.decode()
    other = check_out(do="review", shipping="courier").content.decode()
    placed = check_out(confirmed_total="2900 EUR", shipping="courier")

    assert "How should it be sent?" in page
    assert 'value="post" checked' in page
    assert "Buy now for €23.00" in page
    assert 'value="courier" checked' in other
    assert "Buy now for €29.00" in other
    assert placed.status_code == 303
    (kept,) = shop.orders.values()
    assert kept.basket.shipping_method == "courier"


def test_a_code_that_is_refused_is_told_and_left_out(check_out: Send, shop: MemoryShop) -> None:
    page = check_out(coupon=["GONE"], confirmed_total="2000 EUR")

    assert page.status_code == 409
    assert "We don&#x27;t know this code." in page.content.decode()
    assert 'value="GONE"' not in page.content.decode()
    assert "Buy now for €20.00" in page.content.decode()
    assert not shop.orders
