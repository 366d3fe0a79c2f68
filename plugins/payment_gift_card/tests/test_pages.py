"""The two pages: what is left on a card, and issuing one."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from payment_gift_card.codes import new_code
from payment_gift_card.ledger import card_of
from payment_gift_card.models import GiftCard

WORTH = {"amount": "25.00", "currency": "EUR", "note": "raffle"}


@pytest.fixture
def clerk() -> Client:
    """Somebody of the staff who may issue cards."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="add_giftcard"))
    client = Client()
    client.force_login(user)
    return client


def new_form(client: Client) -> dict[str, str]:
    page = client.get("/gift-cards/issue/").content.decode()
    found = re.search(r'name="code" value="([^"]+)"', page)
    assert found is not None
    return {"code": found[1], **WORTH}


def test_a_customer_is_told_what_is_left(client: Client, card: str) -> None:
    asked = client.get("/gift-cards/")
    told = client.post("/gift-cards/", {"code": card.lower().replace("-", " ")})

    assert (asked.status_code, told.status_code) == (200, 200)
    assert "50.00 EUR" in told.content.decode()
    assert card not in told.content.decode()
    assert "no-store" in told.headers["Cache-Control"]


@pytest.mark.parametrize("why", ["unknown", "blocked", "another tenant's"])
def test_a_card_that_is_nobodys_looks_like_any_other(client: Client, card: str, why: str) -> None:
    if why == "blocked":
        GiftCard.objects.update(blocked=True)
    if why == "another tenant's":
        GiftCard.objects.update(tenant="another")

    told = client.post("/gift-cards/", {"code": new_code() if why == "unknown" else card})

    assert told.status_code == 422
    assert "There is no such gift card." in told.content.decode()


def test_an_expired_card_says_so(client: Client, card: str) -> None:
    GiftCard.objects.update(expires_at=timezone.now())

    told = client.post("/gift-cards/", {"code": card})

    assert "It expired on" in told.content.decode()


def test_the_staff_issue_a_card_once(clerk: Client) -> None:
    form = new_form(clerk)

    first = clerk.post("/gift-cards/issue/", form | {"last_day": "2999-12-31"})
    again = clerk.post("/gift-cards/issue/", form)

    made = GiftCard.objects.get()
    assert (made.balance_minor, made.note, made.tenant) == (2500, "raffle", "default")
    assert made == card_of(form["code"], tenant="default")
    assert (first.status_code, again.status_code) == (200, 422)
    assert f"<code>{form['code']}</code>" in first.content.decode()
    assert "<code>" not in again.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"},
        {"amount": "1.999"},
        {"amount": "lots"},
        {"currency": "eur"},
        {"code": "1234"},
        {"last_day": "soon"},
    ],
)
def test_what_is_no_card_is_not_issued(clerk: Client, wrong: dict[str, str]) -> None:
    answer = clerk.post("/gift-cards/issue/", new_form(clerk) | wrong)

    assert answer.status_code == 422
    assert not GiftCard.objects.exists()


def test_who_may_not_issue_cards_doesnt() -> None:
    nobody, staff = Client(), Client()
    staff.force_login(User.objects.create_user("staff", is_staff=True))
    form = {"code": new_code(), **WORTH}

    answers = [who.post("/gift-cards/issue/", form).status_code for who in (nobody, staff)]

    assert answers == [302, 403]
    assert not GiftCard.objects.exists()


def test_the_list_of_cards_leads_to_the_page(admin_client: Client) -> None:
    page = admin_client.get("/admin/payment_gift_card/giftcard/").content.decode()

    assert 'href="/gift-cards/issue/"' in page
