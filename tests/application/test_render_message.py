"""What people are told: in their language, currency and time zone, and never as HTML by accident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.template import TemplateDoesNotExist

from core.application.render_message import RenderMessage, render_message
from core.context import DEFAULT_TENANT, TenantRef, acting_for
from core.models import Order
from core.testing.registries import registry_of
from hookspecs import (
    Customer,
    Event,
    Message,
    Money,
    OrderEvent,
    OrderLine,
    OrderSnapshot,
    PaymentEvent,
    Recipient,
)
from tests.application.shelf import placed

AT = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
ADA = Recipient(address="ada@example.org", name="Ada O'Hara")
EVENTS = ("order_placed", "order_paid", "order_cancelled", "order_fulfilled", "payment_refunded")


def order(currency: str = "EUR") -> OrderSnapshot:
    def money(minor: int) -> Money:
        return Money(minor, currency)

    return OrderSnapshot(
        number="7QK3M-9T2XA",
        tenant="default",
        placed_at=AT,
        customer=Customer(ref=""),
        lines=(
            OrderLine(
                line_id="1",
                sku="pot",
                name="Pot <big> & blue",
                quantity=3,
                unit_price=money(50000),
                tax=money(0),
                total=money(150000),
            ),
        ),
        shipping=money(490),
        fees=money(0),
        tax=money(0),
        rounding=money(0),
        total=money(150490),
    )


def event(kind: str, currency: str = "EUR") -> Event:
    who: dict[str, Any] = {"id": "e-1", "at": AT, "tenant": "default", "order": order(currency)}
    if kind.startswith("payment"):
        amount = Money(150490, currency)
        return PaymentEvent(**who, payment_id="p-1", strategy_code="card", amount=amount)
    return OrderEvent(**who, reason="sold out")


def render(kind: str = "order_placed", to: Recipient = ADA, currency: str = "EUR") -> Message:
    with acting_for(DEFAULT_TENANT):
        return render_message(
            RenderMessage(
                message_id="d-1", kind=kind, template=kind, event=event(kind, currency), to=to
            )
        )


def test_it_renders_in_english() -> None:
    message = render()

    assert message.subject == "Your order 7QK3M-9T2XA"
    assert "Dear Ada O'Hara," in message.text
    assert "Pot <big> & blue: 1,500.00 EUR" in message.text
    assert "Shipping: 4.90 EUR" in message.text
    assert "Total: 1,504.90 EUR" in message.text
    assert "Jan. 31, 2026, 11:30 p.m." in message.text
    assert (message.id, message.event, message.tenant) == ("d-1", "order_placed", "default")


@pytest.mark.parametrize("locale", ["de", "de-AT", "de_CH", "DE"])
def test_it_renders_in_german_with_german_numbers_and_dates(locale: str) -> None:
    message = render(to=replace(ADA, locale=locale, time_zone="Europe/Berlin"))

    assert message.subject == "Ihre Bestellung 7QK3M-9T2XA"
    assert "Guten Tag Ada O'Hara," in message.text
    assert "Summe: 1.504,90 EUR" in message.text
    assert "1. Februar 2026 00:30" in message.text


@pytest.mark.parametrize("locale", ["fr", "", "xx-yy", "../../etc"])
def test_a_language_we_do_not_have_is_the_shop_s_own(locale: str) -> None:
    assert render(to=replace(ADA, locale=locale)) == replace(
        render(), to=replace(ADA, locale=locale)
    )


@pytest.mark.parametrize("zone", ["", "Nowhere/Land", "../../etc/passwd"])
def test_a_time_zone_that_does_not_exist_is_utc(zone: str) -> None:
    assert render(to=replace(ADA, time_zone=zone)).text == render().text


@pytest.mark.parametrize(
    ("currency", "shown"), [("JPY", "150,490 JPY"), ("KWD", "150.490 KWD"), ("EUR", "1,504.90 EUR")]
)
def test_amounts_have_the_decimals_of_their_currency(currency: str, shown: str) -> None:
    assert f"Total: {shown}" in render(currency=currency).text


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_has_words_in_both_languages(kind: str, locale: str) -> None:
    message = render(kind, to=replace(ADA, locale=locale))

    assert "7QK3M-9T2XA" in message.subject
    assert "Ada O'Hara" in message.text
    assert "{" not in message.subject + message.text
    assert ("Ihre" in message.text) == (locale == "de")


def test_a_guest_without_a_name_is_greeted_all_the_same() -> None:
    assert render(to=replace(ADA, name="")).text.startswith("Hello,\n")


def test_a_cancellation_gives_the_reason_and_a_refund_the_amount() -> None:
    assert "Reason: sold out." in render("order_cancelled").text
    assert "1,504.90 EUR" in render("payment_refunded").subject


def test_a_subject_is_one_line_whatever_is_in_it(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "orderloom" / "notify" / "order_placed"
    folder.mkdir(parents=True)
    (folder / "subject.txt").write_text("One\r\nBcc: all@victims.example\n {{ number }} \n")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path)]}]

    message = render()

    assert message.subject == "One Bcc: all@victims.example 7QK3M-9T2XA"


def test_the_same_command_renders_the_same_message() -> None:
    assert render() == render()


def test_data_holds_ids_and_amounts_and_nothing_about_a_person() -> None:
    assert dict(render("payment_refunded").data) == {
        "event_id": "e-1",
        "at": "2026-01-31T23:30:00+00:00",
        "order": "7QK3M-9T2XA",
        "total_minor": 150490,
        "currency": "EUR",
        "payment_id": "p-1",
        "amount_minor": 150490,
    }


def test_a_template_that_is_not_there_is_an_error() -> None:
    with pytest.raises(TemplateDoesNotExist):
        render("order_expired")


def test_a_date_that_ends_in_a_full_stop_ends_no_sentence_with_two() -> None:
    assert ".." not in render().text


def test_a_reason_that_is_a_sentence_ends_with_one_full_stop() -> None:
    said = replace(event("order_cancelled"), reason="Sold out.")

    with acting_for(DEFAULT_TENANT):
        message = render_message(
            RenderMessage(
                message_id="d-1",
                kind="order_cancelled",
                template="order_cancelled",
                event=said,
                to=ADA,
            )
        )

    assert "Reason: Sold out.\n" in message.text


@pytest.mark.parametrize("kind", EVENTS)
def test_a_mail_leads_to_the_order_where_its_page_is_known(
    kind: str, shelf: TenantRef, now: datetime, settings: Any
) -> None:
    settings.ORDERLOOM_PUBLIC_URL = "https://shop.test/"
    settings.ORDERLOOM_ORDER_URL = "{public_url}/order/{order_id}/{token}/"
    sold = placed(("tea", 1), plugins=registry_of(), now=now)
    number = Order.objects.get().number
    told: Any = event(kind)

    message = render_message(
        RenderMessage(
            message_id="d-1",
            kind=kind,
            template=kind,
            event=replace(told, order=replace(told.order, number=number)),
            to=ADA,
        )
    )

    assert f"https://shop.test/order/{sold.order_id}/{sold.token}/" in message.text
