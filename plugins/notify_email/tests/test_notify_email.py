"""The e-mail channel against SMTP servers that really listen."""

from __future__ import annotations

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as outbox

from hookspecs import (
    Accepted,
    Call,
    ChannelInfo,
    Message,
    NotConfigured,
    NotificationChannel,
    NotSent,
    Recipient,
    Undeliverable,
    Unknown,
)
from notify_email.plugin import notification_channels
from notify_email.settings import Settings

MESSAGE = Message(
    id="0199-a1",
    event="order_placed",
    tenant="default",
    to=Recipient(address="ann@buyer.example", name="Ann Ångström", locale="de"),
    subject="Your order 7QK3M-9T2XA",
    text="Thank you, Ann & Co.\n\n2 pots of Tea <green>\n",
)


def channel(settings: Settings | None = None) -> NotificationChannel:
    (only,) = notification_channels(settings or Settings(domain="shop.example"))
    return only


def soon(seconds: float = 5.0) -> Call:
    return Call(deadline=time.monotonic() + seconds)


@pytest.fixture
def smtp(settings: Any) -> Any:
    """Point Django's mail at a port."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.DEFAULT_FROM_EMAIL = "Tea shop <shop@tea.example>"
    return settings


def test_it_is_a_channel_for_customers() -> None:
    info = channel().info

    assert isinstance(channel(), NotificationChannel)
    assert isinstance(info, ChannelInfo)
    assert (info.code, info.address) == ("email", "email")
    assert {(each.event, each.audience) for each in info.subscriptions} == {
        ("order_placed", "customer"),
        ("order_paid", "customer"),
        ("order_cancelled", "customer"),
        ("order_fulfilled", "customer"),
        ("payment_refunded", "customer"),
    }


def test_it_delivers_text_and_html(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        told = channel(Settings(domain="shop.example", shop="Tea & Co", reply_to="a@b.example"))
        answer = told.deliver(MESSAGE, soon())

    (mail,) = postman.mails
    assert answer == Accepted(reference="<0199-a1@shop.example>")
    assert mail["Message-ID"] == "<0199-a1@shop.example>"
    assert mail["X-Idempotency-Key"] == "0199-a1"
    assert mail["Subject"] == MESSAGE.subject
    assert mail["To"].addresses[0].display_name == "Ann Ångström"
    assert mail["To"].addresses[0].addr_spec == "ann@buyer.example"
    assert mail["From"] == "Tea shop <shop@tea.example>"
    assert mail["Reply-To"] == "a@b.example"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert text.get_content().split() == MESSAGE.text.split()
    assert html is not None
    assert "2 pots of Tea &lt;green&gt;" in html.get_content()
    assert "Tea &amp; Co" in html.get_content()
    assert '<html lang="de">' in html.get_content()


def test_a_repeat_bears_the_same_message_id(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        first = channel().deliver(MESSAGE, soon())
        second = channel().deliver(MESSAGE, Call(deadline=time.monotonic() + 5, attempt=2))

    assert first == second
    assert [mail["Message-ID"] for mail in postman.mails] == ["<0199-a1@shop.example>"] * 2


def test_without_a_domain_the_message_id_is_of_the_sender_s(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel(Settings()).deliver(MESSAGE, soon())

    assert answer == Accepted(reference="<0199-a1@tea.example>")


def test_an_id_that_is_no_word_is_digested_the_same_way_each_time(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()
    odd = replace(MESSAGE, id="a b@c>")

    with servers.serving(postman) as smtp.EMAIL_PORT:
        first, second = channel().deliver(odd, soon()), channel().deliver(odd, soon())

    assert isinstance(first, Accepted)
    assert first == second
    assert len(postman.mails[0]["Message-ID"]) == len("<>@shop.example") + 32


def test_html_of_the_message_is_kept(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        channel().deliver(replace(MESSAGE, html="<p>Dressed <b>already</b></p>"), soon())

    html = postman.mails[0].get_body(("html",))
    assert html is not None
    assert "<p>Dressed <b>already</b></p>" in html.get_content()


def test_a_refused_connection_is_not_sent(smtp: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        smtp.EMAIL_PORT = taken.getsockname()[1]

    answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, NotSent)
    assert "refused" in answer.cause


def test_a_server_that_never_greets_is_not_sent_within_the_deadline(smtp: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        smtp.EMAIL_PORT = silent.getsockname()[1]
        began = time.monotonic()

        answer = channel().deliver(MESSAGE, soon(0.4))

    assert isinstance(answer, NotSent)
    assert time.monotonic() - began < 3 * 0.4 + 1


def test_a_past_deadline_touches_no_network(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, Call(deadline=time.monotonic() - 1))

    assert isinstance(answer, NotSent)
    assert postman.mails == []


@pytest.mark.parametrize(
    ("rcpt", "data", "expected"),
    [
        ("450 mailbox busy", "", NotSent),
        ("550 no such user", "", Undeliverable),
        ("", "451 try later", NotSent),
        ("", "554 looks like spam", Undeliverable),
    ],
)
def test_what_the_server_refuses_is_told_apart(
    smtp: Any, servers: Any, rcpt: str, data: str, expected: type
) -> None:
    with servers.serving(servers.Postman(rcpt=rcpt, data=data)) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, expected)
    assert (rcpt or data) in answer.cause


def test_silence_after_the_mail_is_unknown(smtp: Any, servers: Any) -> None:
    postman = servers.Postman(dawdle=3)
    began = time.monotonic()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon(0.5))
        took = time.monotonic() - began

    assert isinstance(answer, Unknown)
    assert len(postman.mails) == 1
    assert took < 3 * 0.5 + 1


def test_with_tls_configured_nothing_goes_out_in_plain_text(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()
    smtp.EMAIL_USE_TLS = True

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, NotSent)
    assert postman.mails == []


def test_without_tls_configured_the_same_server_gets_the_mail(smtp: Any, servers: Any) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, Accepted)
    assert postman.encrypted == [False]


def test_a_certificate_that_nobody_trusts_gets_nothing(
    smtp: Any, servers: Any, tmp_path: Path
) -> None:
    postman = servers.Postman()
    _, context = servers.certificate(tmp_path)
    smtp.EMAIL_USE_TLS = True

    with servers.serving(postman, tls_context=context) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, NotSent)
    assert "certificate" in answer.cause
    assert postman.mails == []


def test_a_trusted_certificate_gets_the_mail_encrypted(
    smtp: Any, servers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postman = servers.Postman()
    chain, context = servers.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    smtp.EMAIL_USE_TLS = True

    with servers.serving(postman, tls_context=context) as smtp.EMAIL_PORT:
        answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, Accepted)
    assert postman.encrypted == [True]


@pytest.mark.parametrize(
    "message",
    [
        replace(MESSAGE, subject="Hello\r\nBcc: all@victims.example"),
        replace(MESSAGE, to=replace(MESSAGE.to, name="Ann\nBcc: all@victims.example")),
        replace(MESSAGE, to=replace(MESSAGE.to, address="ann@buyer.example\nBcc: x@y.example")),
        replace(MESSAGE, to=replace(MESSAGE.to, address="a@b.example, c@d.example")),
        replace(MESSAGE, to=replace(MESSAGE.to, address="nobody")),
        replace(MESSAGE, to=replace(MESSAGE.to, address="")),
        replace(MESSAGE, id="1\nBcc: x@y.example"),
    ],
    ids=["subject", "name", "address", "two addresses", "no address", "empty address", "id"],
)
def test_what_would_forge_a_header_is_never_sent(smtp: Any, servers: Any, message: Message) -> None:
    postman = servers.Postman()

    with servers.serving(postman) as smtp.EMAIL_PORT:
        answer = channel().deliver(message, soon())

    assert isinstance(answer, Undeliverable)
    assert "buyer.example" not in answer.cause
    assert postman.mails == []


def test_it_sends_through_whatever_backend_django_has(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    outbox.outbox = []

    answer = channel().deliver(MESSAGE, soon())

    assert isinstance(answer, Accepted)
    assert [mail.subject for mail in outbox.outbox] == [MESSAGE.subject]


@pytest.mark.parametrize(
    "given", [{"domain": "not a domain"}, {"sender": "a@b\nBcc: c"}, {"shop": "\r"}]
)
def test_settings_that_cannot_work_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(NotConfigured, match=next(iter(given))):
        Settings(**given)
