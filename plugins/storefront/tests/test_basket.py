"""The basket of a visitor."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from hookspecs import Refused
from plugins.storefront.tests.shop import MemoryShop

HTMX = {"HX-Request": "true"}


def send(visitor: Client, **said: Any) -> HttpResponse:
    return visitor.post("/basket/", said)


def test_it_is_empty_at_first(visitor: Client) -> None:
    page = visitor.get("/basket/").content.decode()

    assert "There is nothing in it yet." in page


def test_it_holds_what_was_put_in_and_shows_why_it_costs_what_it_costs(visitor: Client) -> None:
    answer = send(visitor, do="add", sku="A1", quantity="4")
    send(visitor, do="add", sku="A1", quantity="6")
    page = visitor.get("/basket/").content.decode()

    assert (answer.status_code, answer["Location"]) == (303, "/basket/")
    assert 'value="10"' in page
    assert "Before reductions" in page
    assert "Volume discount" in page
    assert "\N{MINUS SIGN}€10.00" in page
    assert "€90.00" in page
    assert "with €14.40 tax" in page


def test_it_says_why_a_rule_did_not_apply(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")

    page = visitor.get("/basket/").content.decode()

    assert "no line of ten pieces" in page
    assert "not applied" in page
    assert "Before reductions" not in page


def test_it_changes_and_takes_out(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    send(visitor, do="add", sku="B/2", quantity="2")
    send(visitor, do="set", sku="A1", quantity="7")
    send(visitor, do="remove", sku="B/2")

    page = visitor.get("/basket/").content.decode()

    assert 'value="7"' in page
    assert "Teapot" not in page


def test_setting_a_quantity_to_none_takes_the_line_out(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    send(visitor, do="set", sku="A1", quantity="0")

    assert "nothing in it yet" in visitor.get("/basket/").content.decode()


@pytest.mark.parametrize("typed", ["", "many", "1.5"])
def test_it_refuses_a_quantity_that_is_no_number(visitor: Client, typed: str) -> None:
    send(visitor, do="add", sku="A1", quantity="2")

    answer = send(visitor, do="set", sku="A1", quantity=typed)

    assert answer.status_code == 422
    assert "whole number" in answer.content.decode()
    assert 'value="2"' in answer.content.decode()


def test_it_never_holds_more_of_one_thing_than_fits(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="900")
    send(visitor, do="add", sku="A1", quantity="900")

    assert 'value="999"' in visitor.get("/basket/").content.decode()


def test_it_does_not_take_what_is_not_sold(visitor: Client) -> None:
    answer = send(visitor, do="add", sku="NONE", quantity="1")

    assert answer.status_code == 404
    assert "nothing in it yet" in visitor.get("/basket/").content.decode()


def test_it_ignores_a_wish_it_does_not_know(visitor: Client) -> None:
    answer = send(visitor, do="dance")

    assert answer.status_code == 303


def test_it_shows_its_lines_even_if_no_price_can_be_worked_out(
    visitor: Client, shop: MemoryShop
) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    shop.refuse["quote"] = Refused("PRICING_UNAVAILABLE", "no", {"plugin": "x"})

    answer = visitor.get("/basket/")

    assert answer.status_code == 503
    assert "Notebook" in answer.content.decode()
    assert "work out a price" in answer.content.decode()
    assert "Go to the checkout" not in answer.content.decode()


def test_it_names_by_its_sku_what_is_gone_and_lets_it_be_taken_out(
    visitor: Client, shop: MemoryShop
) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    del shop.stock["A1"]

    answer = visitor.get("/basket/")

    assert answer.status_code == 404
    assert ">A1<" in answer.content.decode()
    assert 'value="remove"' in answer.content.decode()


def test_it_keeps_and_forgets_a_code(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    send(visitor, do="coupon", code=" SPRING ")
    kept = visitor.get("/basket/").content.decode()
    send(visitor, do="forget", code="SPRING")
    gone = visitor.get("/basket/").content.decode()

    assert "SPRING" in kept
    assert "SPRING" not in gone


def test_it_answers_htmx_with_a_piece_and_a_new_count(visitor: Client) -> None:
    added = visitor.post("/basket/", {"do": "add", "sku": "A1", "quantity": "2"}, headers=HTMX)
    changed = visitor.post("/basket/", {"do": "set", "sku": "A1", "quantity": "5"}, headers=HTMX)

    assert "in your basket" in added.content.decode()
    assert 'hx-swap-oob="true"' in added.content.decode()
    assert "<html" not in changed.content.decode()
    assert 'value="5"' in changed.content.decode()
    assert 'hx-swap-oob="true"' in changed.content.decode()


def test_a_refusal_is_a_line_where_htmx_asked(visitor: Client) -> None:
    answer = visitor.post("/basket/", {"do": "add", "sku": "NONE", "quantity": "1"}, headers=HTMX)

    assert answer.status_code == 404
    assert answer.content.decode().startswith('<p class="notice error"')


def test_only_what_it_holds_can_be_changed(visitor: Client) -> None:
    send(visitor, do="set", sku="NONE", quantity="4")

    assert "nothing in it yet" in visitor.get("/basket/").content.decode()


def test_one_piece_is_a_piece(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    one = visitor.get("/basket/").content.decode()
    send(visitor, do="add", sku="A1", quantity="1")
    two = visitor.get("/basket/").content.decode()

    assert "> piece<" in one
    assert "> pieces<" in two


def test_less_than_nothing_is_no_quantity(visitor: Client) -> None:
    answer = send(visitor, do="add", sku="A1", quantity="-5")

    assert answer.status_code == 422
    assert "A quantity is a whole number." in answer.content.decode()


def test_a_code_nobody_knows_is_told_once_and_forgotten(visitor: Client) -> None:
    send(visitor, do="add", sku="A1", quantity="1")
    send(visitor, do="coupon", code="spring")
    send(visitor, do="coupon", code="nothing")

    told = visitor.get("/basket/").content.decode()
    again = visitor.get("/basket/").content.decode()

    assert "We don&#x27;t know this code." in told
    assert "Go to the checkout" in told
    assert "SPRING" in again
    assert "We don&#x27;t know" not in again
