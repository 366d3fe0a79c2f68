"""Webhooks that nobody signed, or not like that, or not then (W3, W4): none is believed."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from core.application.drain_inbox import drain_inbox
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.hooks.registry import Registry
from core.models import Fact, InboxEntry, Order
from hookspecs import Call, Notice, Secret, Unknown, Untrusted, Webhook
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like import webhooks as stripe_webhooks
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.gateways.stories import inbox_statuses, kind_of
from tests.gateways.till import (
    Postbox,
    clock,
    order_one,
    page_of,
    paypal_at,
    start,
    statuses,
    stripe_at,
)
from tests.session import tier

SAMPLE = 60 if tier() == "quick" else 1100
pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(900)]
Answer = Sequence[Notice] | Untrusted | Unknown
Forged = tuple[str, Webhook]
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
SIGNATURES = {"stripe": ("stripe-signature",), "paypal": ("paypal-transmission-sig",)}
SIGNED = ("paypal-transmission-id", "paypal-transmission-time")
WANTED = {"stripe": "payment_intent.succeeded", "paypal": "CHECKOUT.ORDER.APPROVED"}


class CredulousStripe(StripeStrategy):
    """Without its protection: no signature is checked."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        try:
            news = stripe_webhooks.news_of(json.loads(webhook.body))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Untrusted(cause="can't be read")
        if news is None:
            return ()
        return [Notice(event_id=news.event_id, payment_id=news.payment_id, facts=news.facts)]


class CredulousPaypal(PaypalStrategy):
    """Without its protection: no signature is checked."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> Answer:
        try:
            event = json.loads(webhook.body)
            payment_id = event["resource"]["purchase_units"][0]["custom_id"]
            return [Notice(event_id=event["id"], payment_id=payment_id)]
        except (ValueError, KeyError, TypeError, AttributeError):
            return Untrusted(cause="can't be read")


def soon() -> Call:
    return Call(deadline=time.monotonic() + 10)


@pytest.fixture
def genuine(sandbox: SandboxProcess, plugins: Registry) -> dict[str, list[Webhook]]:
    """Two webhooks of each provider, of two payments, as they came."""
    with Postbox() as postbox:
        sandbox.control("POST webhooks", stripe=postbox.url, paypal=postbox.url)
        for code in ("stripe", "paypal") * 2:
            step = start(order_one(plugins=plugins), code, plugins=plugins)
            sandbox.click(page_of(step))
        told = postbox.wait_for(
            lambda kept: all(
                [kind_of(one) for one in kept].count(kind) == 2 for kind in WANTED.values()
            )
        )
    sandbox.control("DELETE webhooks")
    return {
        code: [
            Webhook(body=body, headers=headers, received_at=clock())
            for body, headers in told
            if kind_of((body, headers)) == kind
        ]
        for code, kind in WANTED.items()
    }


def forgeries(code: str, webhooks: list[Webhook]) -> Iterator[Forged]:
    """Yield everything that is nearly right: every byte of everything signed, and much else."""
    one, other = webhooks
    for at in range(len(one.body)):
        flipped = bytes([*one.body[:at], one.body[at] ^ 1, *one.body[at + 1 :]])
        yield f"body {at}", dataclasses.replace(one, body=flipped)
    for name in (*SIGNATURES[code], *(SIGNED if code == "paypal" else ())):
        text = one.headers[name]
        for at in range(len(text)):
            yield f"{name} {at}", with_header(one, name, _flipped(text, at))
        yield f"no {name}", with_header(one, name, "")
        yield f"doubled {name}", with_header(one, name, f"{text},{text}")
        yield f"cut {name}", with_header(one, name, text[:-8])
        if other.headers[name] != text:  # both may have been sent in one second
            yield f"swapped {name}", with_header(one, name, other.headers[name])
    yield "swapped body", dataclasses.replace(one, body=other.body)
    yield (
        "serialised again",
        dataclasses.replace(one, body=json.dumps(json.loads(one.body)).encode()),
    )
    yield "longer", dataclasses.replace(one, body=one.body + b"\n")
    yield "empty", dataclasses.replace(one, body=b"")
    yield "no headers", dataclasses.replace(one, headers={})
    yield from _stripe_only(one) if code == "stripe" else _paypal_only(one)


def _flipped(text: str, at: int) -> str:
    """Change a letter so that it means something else in base64 and in hexadecimal too."""
    letter = text[at]
    new = BASE64[(BASE64.index(letter) + 32) % 64] if letter in BASE64 else chr(ord(letter) ^ 1)
    return text[:at] + new + text[at + 1 :]


def with_header(webhook: Webhook, name: str, text: str) -> Webhook:
    return dataclasses.replace(webhook, headers={**webhook.headers, name: text})


def signed_by(secret: str, body: bytes, *, at: int, scheme: str = "v1") -> str:
    digest = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},{scheme}={digest}"


def _stripe_only(one: Webhook) -> Iterator[Forged]:
    name, now = "stripe-signature", int(one.received_at.timestamp())
    right = signed_by("whsec_sandbox", one.body, at=now)
    for away in (-86_400, -3_600, -400, -310, 310, 400, 3_600, 86_400, 10**9):
        late = signed_by("whsec_sandbox", one.body, at=now + away)
        yield f"{away} s away", with_header(one, name, late)
    for secret in ("", "whsec_", "whsec_other", "sandbox", "WHSEC_SANDBOX"):
        yield f"by {secret!r}", with_header(one, name, signed_by(secret, one.body, at=now))
    yield "v0", with_header(one, name, signed_by("whsec_sandbox", one.body, at=now, scheme="v0"))
    yield "two times", with_header(one, name, f"t={now + 9},{right}")
    yield "no time", with_header(one, name, right.partition(",")[2])
    yield "minus", with_header(one, name, right.replace("t=", "t=-"))
    yield "plus", with_header(one, name, right.replace("t=", "t=+"))
    yield "not ASCII", with_header(one, name, right.replace("t=1", "t=\uff11"))


def _paypal_only(one: Webhook) -> Iterator[Forged]:
    for algorithm in ("", "none", "SHA1withRSA", "HS256", "sha256withrsa"):
        yield f"algorithm {algorithm}", with_header(one, "paypal-auth-algo", algorithm)
    for away in (timedelta(days=5), timedelta(days=400), timedelta(seconds=-400)):
        yield f"{away} away", dataclasses.replace(one, received_at=one.received_at + away)
    for url in elsewhere("127.0.0.1:9"):
        yield f"certificate at {url}", with_header(one, "paypal-cert-url", url)


def elsewhere(place: str) -> tuple[str, ...]:
    return (
        f"http://{place}/cert",
        f"https://{place}/cert",
        f"https://api.paypal.com@{place}/cert",
        f"https://{place}#api.paypal.com/cert",
        f"https://{place}?api.paypal.com",
        "https://api.paypal.com.localhost/cert",
        f"HTTP://{place}/cert",
        f"//{place}/cert",
        "file:///etc/hostname",
        "",
    )


def read_all(strategy: Any, forged: list[Forged]) -> list[str]:
    """Return the names of those that are believed."""
    answers = [(name, strategy.read_webhook(webhook, soon())) for name, webhook in forged]
    return [name for name, answer in answers if not isinstance(answer, Untrusted)]


def test_no_forgery_is_believed(sandbox: SandboxProcess, genuine: dict[str, list[Webhook]]) -> None:
    stripe = list(forgeries("stripe", genuine["stripe"]))
    paypal = list(forgeries("paypal", genuine["paypal"]))

    believed = read_all(stripe_at(sandbox.base), stripe) + read_all(paypal_at(sandbox.base), paypal)

    print(f"forgeries: {len(stripe)} of Stripe's, {len(paypal)} of PayPal's")
    assert believed == []
    assert len(stripe) + len(paypal) >= 1100
    assert read_all(stripe_at(sandbox.base), [("genuine", genuine["stripe"][0])]) == ["genuine"]
    assert read_all(paypal_at(sandbox.base), [("genuine", genuine["paypal"][0])]) == ["genuine"]


@pytest.mark.parametrize("code", ["stripe", "paypal"])
def test_forgeries_are_kept_and_move_nothing(
    sandbox: SandboxProcess, plugins: Registry, genuine: dict[str, list[Webhook]], code: str
) -> None:
    seed = int(os.environ.get("ORDERLOOM_SEED", random.randrange(10**9)))
    print(f"again by: ORDERLOOM_SEED={seed} pytest tests/gateways/test_forgeries.py -k {code}")
    forged = list(forgeries(code, genuine[code]))
    chosen = random.Random(seed).sample(forged, min(SAMPLE, len(forged)))
    plugin = f"payment-{code}-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())

    for _, one in chosen:
        receive_webhook(
            plugin=plugin,
            endpoint_id=endpoint_id,
            body=one.body,
            headers=one.headers,
            now=one.received_at,
        )
    drain_inbox(plugins=plugins, now=clock(), limit=2000)

    assert InboxEntry.objects.count() == len(chosen)
    assert inbox_statuses() == {"UNTRUSTED"}
    assert Fact.objects.count() == 0
    assert set(Order.objects.values_list("status", flat=True)) == {"CONFIRMED"}


def test_the_sandboxs_own_forgeries_move_nothing(
    sandbox: SandboxProcess, plugins: Registry
) -> None:
    with Postbox() as postbox:
        sandbox.control("POST webhooks", stripe=postbox.url, forge=True)
        step = start(order_one(plugins=plugins), "stripe", plugins=plugins)
        sandbox.click(page_of(step))
        told = postbox.wait_for(lambda kept: len(kept) >= 4)
    endpoint_id = webhook_endpoint(plugin="payment-stripe-like", now=clock())
    for body, headers in told:
        receive_webhook(
            plugin="payment-stripe-like",
            endpoint_id=endpoint_id,
            body=body,
            headers=headers,
            now=clock(),
        )

    drain_inbox(plugins=plugins, now=clock())

    assert inbox_statuses() == {"UNTRUSTED"}
    assert statuses([step]) == ["CONFIRMED"]


@pytest.mark.parametrize(
    ("code", "kind"), [("stripe", CredulousStripe), ("paypal", CredulousPaypal)]
)
def test_control_unchecked_signatures_are_believed(
    sandbox: SandboxProcess, genuine: dict[str, list[Webhook]], code: str, kind: Any
) -> None:
    at = stripe_at if code == "stripe" else paypal_at

    believed = read_all(at(sandbox.base, kind=kind), list(forgeries(code, genuine[code])))

    assert len(believed) > 100


def test_a_secret_that_is_being_replaced_is_believed_and_an_old_one_is_not(
    sandbox: SandboxProcess, genuine: dict[str, list[Webhook]]
) -> None:
    old, new = Secret("whsec_sandbox"), Secret("whsec_new")
    one = genuine["stripe"][0]
    now = int(one.received_at.timestamp())
    renewed = with_header(one, "stripe-signature", signed_by("whsec_new", one.body, at=now))
    both_ways = with_header(
        one,
        "stripe-signature",
        f"{signed_by('whsec_gone', one.body, at=now)},{renewed.headers['stripe-signature'][13:]}",
    )
    webhooks = [("old", one), ("new", renewed), ("both", both_ways)]

    during = read_all(stripe_at(sandbox.base, webhook_secrets=(new, old)), webhooks)
    after = read_all(stripe_at(sandbox.base, webhook_secrets=(new,)), webhooks)
    none = read_all(stripe_at(sandbox.base, webhook_secrets=()), webhooks)

    assert (during, after, none) == (["old", "new", "both"], ["new", "both"], [])


class Listening:
    """A place that counts who connects to it."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.place = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


def test_a_certificate_from_elsewhere_is_never_connected_to(
    sandbox: SandboxProcess,
    plugins: Registry,
    genuine: dict[str, list[Webhook]],
    listening: Listening,
) -> None:
    one, plugin = genuine["paypal"][0], "payment-paypal-like"
    endpoint_id = webhook_endpoint(plugin=plugin, now=clock())
    for url in elsewhere(listening.place):
        headers = {**one.headers, "paypal-cert-url": url}
        receive_webhook(
            plugin=plugin, endpoint_id=endpoint_id, body=one.body, headers=headers, now=clock()
        )

    drain_inbox(plugins=plugins, now=clock())
    time.sleep(0.2)

    assert listening.connections == 0
    assert inbox_statuses() == {"UNTRUSTED"}
    assert statuses_of_all() == {"CONFIRMED"}


def statuses_of_all() -> set[str]:
    return set(Order.objects.values_list("status", flat=True))


def test_control_a_place_that_is_pinned_is_connected_to(
    genuine: dict[str, list[Webhook]], listening: Listening
) -> None:
    strategy = paypal_at(f"http://{listening.place}")
    url = f"http://{listening.place}/cert"

    answer = strategy.read_webhook(
        with_header(genuine["paypal"][0], "paypal-cert-url", url), soon()
    )
    time.sleep(0.2)

    assert isinstance(answer, Unknown)
    assert listening.connections == 1
