"""To the provider and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from hookspecs import Redirect, Refused
from plugins.storefront.tests.shop import MemoryShop

Send = Callable[..., Any]


def test_a_redirect_is_followed_by_itself_and_by_a_link(check_out: Send, visitor: Client) -> None:
    page = visitor.get(check_out()["Location"]).content.decode()

    url = "https://pay.example/hosted?id=1&amp;lang=en"
    assert f'<meta http-equiv="refresh" content="0; url={url}">' in page
    assert f'href="{url}"' in page


def test_a_redirect_with_fields_is_a_form_that_may_lead_elsewhere(
    check_out: Send, visitor: Client
) -> None:
    answer = visitor.get(check_out(payment="form")["Location"])

    page = answer.content.decode()
    assert 'action="https://pay.example/post"' in page
    assert 'name="token" value="a&quot;b"' in page
    assert (
        "csrfmiddlewaretoken" not in page.partition("pay.example/post")[2].partition("</form>")[0]
    )
    assert "form-action *" in answer["Content-Security-Policy"]


def test_a_script_of_the_provider_may_run_on_its_page_only(
    check_out: Send, visitor: Client
) -> None:
    answer = visitor.get(check_out(payment="script")["Location"])

    page = answer.content.decode()
    assert '<script src="https://js.example/v1.js" defer></script>' in page
    assert 'data-client-secret="s3"' in page
    assert 'data-return-url="http://testserver/order/id0/t0ken/return/script/"' in page
    assert "script-src 'self' https://js.example;" in answer["Content-Security-Policy"]


def test_instructions_are_shown_with_the_order(check_out: Send, visitor: Client) -> None:
    page = visitor.get(check_out(payment="transfer")["Location"]).content.decode()

    assert "We are waiting for your payment" in page
    assert "XX00 1234" in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x"])
def test_it_leads_nowhere_but_to_the_web(
    check_out: Send, visitor: Client, shop: MemoryShop, url: str
) -> None:
    at = check_out()["Location"]
    kept = shop.orders["id0"]
    payment = replace(kept.page.payments[0], action=Redirect(url=url))
    kept.page = replace(kept.page, payments=(payment,))

    answer = visitor.get(at)

    assert answer["Location"] == "/order/id0/t0ken/"


def test_a_payment_without_a_step_left_leads_to_the_order(placed: str, visitor: Client) -> None:
    answer = visitor.get(f"{placed}pay/unknown/")

    assert answer["Location"] == placed


@pytest.mark.parametrize("method", ["get", "post"])
def test_coming_back_resumes_the_payment_with_what_was_brought(
    check_out: Send, visitor: Client, shop: MemoryShop, method: str
) -> None:
    check_out()

    answer = getattr(Client(enforce_csrf_checks=True), method)(
        "/order/id0/t0ken/return/card/", {"result": "paid", "x": "1"}
    )

    assert answer["Location"] == "/order/id0/t0ken/"
    assert shop.orders["id0"].calls[-1] == ("resume", {"result": "paid", "x": "1"})
    assert "Thank you!" in visitor.get("/order/id0/t0ken/").content.decode()


def test_coming_back_twice_is_no_error(check_out: Send, visitor: Client) -> None:
    check_out()

    for _ in range(2):
        answer = visitor.get("/order/id0/t0ken/return/card/?result=paid", follow=True)

    assert "Thank you!" in answer.content.decode()


def test_coming_back_to_an_order_without_a_payment_shows_the_order(
    placed: str, visitor: Client
) -> None:
    answer = visitor.get(f"{placed}return/card/")

    assert answer["Location"] == placed


def test_a_refusal_on_coming_back_is_told_on_the_order(
    check_out: Send, visitor: Client, shop: MemoryShop
) -> None:
    check_out()
    shop.refuse["resume_payment"] = Refused("PLUGIN_UNAVAILABLE", "no")

    page = visitor.get("/order/id0/t0ken/return/card/", follow=True).content.decode()

    assert "out of order" in page


def test_a_decline_offers_to_try_again_with_a_key_of_its_own(
    check_out: Send, visitor: Client, shop: MemoryShop
) -> None:
    check_out()
    page = visitor.get("/order/id0/t0ken/return/card/?result=declined", follow=True)

    again = visitor.post("/order/id0/t0ken/pay/", {"payment": "card", "key": page.context["key"]})

    assert "The payment didn&#x27;t work" in page.content.decode()
    assert "Your card was declined." in page.content.decode()
    assert again["Location"] == "/order/id0/t0ken/pay/p3/"
    assert len(shop.orders["id0"].page.payments) == 2


def test_paying_twice_from_one_page_begins_one_payment(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    said = {"payment": "card", "key": visitor.get(placed).context["key"]}

    first, second = (visitor.post(f"{placed}pay/", said) for _ in range(2))

    assert first["Location"] == second["Location"]
    assert len(shop.orders["id0"].calls) == 1


@pytest.mark.parametrize("code", ["", "a/b", "a b"])
def test_a_way_to_pay_that_can_be_none_is_refused_while_nothing_is_offered(
    placed: str, visitor: Client, shop: MemoryShop, code: str
) -> None:
    kept = shop.orders["id0"]
    kept.page = replace(kept.page, choices=(), undecided=True)

    answer = visitor.post(f"{placed}pay/", {"payment": code, "key": "k"})

    assert answer.status_code == 422


def test_paying_without_choosing_asks_again(placed: str, visitor: Client) -> None:
    answer = visitor.post(f"{placed}pay/", {"key": "k"})

    assert answer.status_code == 422
    assert "required" in answer.content.decode()


def test_a_refused_payment_is_told_in_the_page(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    shop.refuse["start_payment"] = Refused("PAYMENT_UNDECIDED", "no")

    answer = visitor.post(f"{placed}pay/", {"payment": "card", "key": "k"})

    assert answer.status_code == 409
    assert "You will not be charged twice." in answer.content.decode()


def test_leaving_without_paying_is_told(placed: str, visitor: Client) -> None:
    page = visitor.get(f"{placed}unpaid/", follow=True).content.decode()

    assert "before the payment was finished" in page


def test_a_second_press_while_the_first_is_under_way_gets_the_same_payment(
    placed: str, visitor: Client, shop: MemoryShop
) -> None:
    said = {"payment": "card", "key": visitor.get(placed).context["key"]}
    first = visitor.post(f"{placed}pay/", said)
    kept = shop.orders["id0"]
    kept.page = replace(kept.page, choices=(), undecided=True)

    second = visitor.post(f"{placed}pay/", said)

    assert second["Location"] == first["Location"]


def test_coming_back_late_from_another_provider_resumes_that_ones_payment(
    check_out: Send, visitor: Client, shop: MemoryShop
) -> None:
    check_out()
    visitor.post("/order/id0/t0ken/pay/", {"payment": "form", "key": "other"})

    visitor.get("/order/id0/t0ken/return/card/?result=declined")

    statuses = {payment.code: payment.status for payment in shop.orders["id0"].page.payments}
    assert statuses == {"card": "DECLINED", "form": "REQUIRES_ACTION"}
