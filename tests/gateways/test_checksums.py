"""PayPal signs a checksum of the body, and for four bytes a body has any checksum one likes."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from core.application.drain_inbox import drain_inbox
from core.application.payment_step import PaymentStep
from core.application.receive_webhook import receive_webhook, webhook_endpoint
from core.hooks.registry import Registry
from core.models import Fact, Payment
from hookspecs import Money, Webhook
from sandbox_gateways.process import SandboxProcess
from tests.gateways.stories import BelievedPaypal, inbox_statuses, kind_of
from tests.gateways.till import (
    Postbox,
    clock,
    order_one,
    page_of,
    paypal_at,
    registry_at,
    start,
    statuses,
)

pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(900)]


@pytest.fixture
def genuine(sandbox: SandboxProcess, plugins: Registry) -> Webhook:
    """What PayPal told of an attacker's own payment."""
    with Postbox() as postbox:
        sandbox.control("POST webhooks", paypal=postbox.url)
        sandbox.click(page_of(start(order_one(plugins=plugins), "paypal", plugins=plugins)))
        told = postbox.wait_for(
            lambda kept: "CHECKOUT.ORDER.APPROVED" in [kind_of(one) for one in kept]
        )
    sandbox.control("DELETE webhooks")
    body, headers = told[0]
    return Webhook(body=body, headers=headers, received_at=clock())


def same_checksum(body: Mapping[str, Any], wanted: int) -> bytes:
    """Return a body with this CRC32: four printable letters in it are chosen to that end."""
    for number in count():
        text = json.dumps({**body, "pad": f"{number}:", "end": ""}).encode()
        at = text.index(b'", "end"')
        before, after = text[:at], text[at:]
        state = _unrolled(wanted ^ 0xFFFFFFFF, after)
        four = _unrolled(state, bytes(4)) ^ zlib.crc32(before) ^ 0xFFFFFFFF
        letters = four.to_bytes(4, "little")
        if letters.isascii() and letters.decode().isalnum():
            return before + letters + after
    raise AssertionError("never")


def _unrolled(state: int, data: bytes) -> int:
    """Return the register of a CRC32 as it was before ``data``."""
    for byte in reversed(data):
        index = _BY_TOP[state >> 24]
        state = ((state ^ _TABLE[index]) << 8 | index ^ byte) & 0xFFFFFFFF
    return state


_TABLE = [zlib.crc32(bytes([one]), 0xFFFFFFFF) ^ 0xFFFFFFFF for one in range(256)]
_BY_TOP = {entry >> 24: index for index, entry in enumerate(_TABLE)}


def test_a_body_with_the_checksum_of_another_pays_nothing(
    sandbox: SandboxProcess, plugins: Registry, genuine: Webhook
) -> None:
    victim = start(order_one(plugins=plugins), "paypal", plugins=plugins)
    forged = collision(genuine, victim)

    handed_in(forged, plugins=plugins)

    assert inbox_statuses() == {"APPLIED"}, "PayPal's own signature holds"
    assert statuses([victim]) == ["CONFIRMED"]
    assert Fact.objects.count() == 0


def test_control_believed_as_it_is_it_pays(
    sandbox: SandboxProcess, plugins: Registry, genuine: Webhook
) -> None:
    victim = start(order_one(plugins=plugins), "paypal", plugins=plugins)
    forged = collision(genuine, victim)

    handed_in(forged, plugins=registry_at(paypal_at(sandbox.base, kind=BelievedPaypal)))

    assert statuses([victim]) == ["PAID"]


def collision(genuine: Webhook, victim: PaymentStep) -> Webhook:
    """Say under another webhook's signature that a payment was captured."""
    payment = Payment.objects.get(pk=victim.payment_id)
    resource = {
        "id": "FORGED",
        "status": "COMPLETED",
        "amount": {
            "currency_code": "EUR",
            "value": str(Money(payment.amount_minor, "EUR").decimal),
        },
        "custom_id": payment.id.hex,
        "supplementary_data": {"related_ids": {"order_id": payment.reference}},
    }
    event = {"id": "WH-F", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": resource}
    body = same_checksum(event, zlib.crc32(genuine.body))
    assert zlib.crc32(body) == zlib.crc32(genuine.body)
    return dataclasses.replace(genuine, body=body)


def handed_in(webhook: Webhook, *, plugins: Registry) -> None:
    plugin = "payment-paypal-like"
    receive_webhook(
        plugin=plugin,
        endpoint_id=webhook_endpoint(plugin=plugin, now=clock()),
        body=webhook.body,
        headers=webhook.headers,
        now=webhook.received_at,
    )
    drain_inbox(plugins=plugins, now=clock())
