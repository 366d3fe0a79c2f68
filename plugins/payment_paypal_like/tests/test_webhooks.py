"""Webhooks: signed by the sandbox, forged, certified elsewhere, and what they tell."""

from __future__ import annotations

import base64
import dataclasses
import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from hookspecs import (
    Call,
    FactKind,
    InquireRequest,
    NeedsCustomer,
    Notice,
    Redirect,
    RefundRequest,
    ResumeRequest,
    StartRequest,
    Unknown,
    Untrusted,
    Verb,
    Webhook,
)
from payment_paypal_like.strategy import PaypalStrategy
from sandbox_gateways.process import SandboxProcess

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CAPTURED = {
    "id": "WH-1",
    "event_type": "PAYMENT.CAPTURE.COMPLETED",
    "resource": {
        "id": "CAP1",
        "status": "COMPLETED",
        "amount": {"currency_code": "EUR", "value": "19.99"},
        "custom_id": "p-1",
        "supplementary_data": {"related_ids": {"order_id": "ORD1"}},
    },
}
DISPUTED = {
    "id": "WH-2",
    "event_type": "CUSTOMER.DISPUTE.RESOLVED",
    "resource": {
        "dispute_id": "PP-1",
        "status": "RESOLVED",
        "dispute_amount": {"currency_code": "EUR", "value": "19.99"},
        "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"},
        "disputed_transactions": [{"seller_transaction_id": "CAP1", "custom": "p-1"}],
    },
}


class Kept:
    """A server on this computer: takes webhooks, and serves a certificate of its own."""

    def __init__(self, certificate: bytes = b"") -> None:
        webhooks: list[Webhook] = []
        asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                webhooks.append(Webhook(body=body, headers=headers, received_at=datetime.now(UTC)))
                self.send_response(200)
                self.end_headers()

            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(certificate)))
                self.end_headers()
                self.wfile.write(certificate)

            def log_message(self, *_: Any) -> None:
                pass

        self.webhooks, self.asked = webhooks, asked
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, kind: str, text: str) -> Webhook:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for webhook in list(self.webhooks):
                event = json.loads(webhook.body)
                if event["event_type"] == kind and text in webhook.body.decode():
                    return webhook
            time.sleep(0.02)
        raise AssertionError(f"no {kind} came")

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Signer:
    """A key, and a certificate valid in 2026 that a server of ours serves."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2026, 12, 31, tzinfo=UTC))
            .sign(self.key, hashes.SHA256())
        )
        self.place = Kept(certificate.public_bytes(serialization.Encoding.PEM))

    def signed(self, body: bytes, *, at: datetime = NOW, webhook_id: str = "WH-1") -> Webhook:
        stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"t-1|{stamp}|{webhook_id}|{zlib.crc32(body)}".encode()
        signature = self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        headers = {
            "paypal-auth-algo": "SHA256withRSA",
            "paypal-cert-url": f"{self.place.base}/cert",
            "paypal-transmission-id": "t-1",
            "paypal-transmission-time": stamp,
            "paypal-transmission-sig": base64.b64encode(signature).decode(),
        }
        return Webhook(body=body, headers=headers, received_at=NOW)


@pytest.fixture(scope="module")
def signer() -> Iterator[Signer]:
    signer = Signer()
    yield signer
    signer.place.close()


@pytest.fixture
def trusting(make_strategy: Callable[..., PaypalStrategy], signer: Signer) -> PaypalStrategy:
    """A strategy whose gateway is the signer's server."""
    return make_strategy(base=signer.place.base, webhook_id="WH-1")


@pytest.fixture
def receiver(sandbox: SandboxProcess) -> Iterator[Kept]:
    receiver = Kept()
    sandbox.control("POST webhooks", paypal=f"{receiver.base}/hook")
    yield receiver
    receiver.close()


def notices_of(answer: Any) -> list[Notice]:
    assert not isinstance(answer, Untrusted | Unknown), answer
    return list(answer)


def with_header(webhook: Webhook, name: str, value: str) -> Webhook:
    return dataclasses.replace(webhook, headers={**webhook.headers, name: value})


def test_a_signed_capture_tells_its_payment_and_order(
    trusting: PaypalStrategy, signer: Signer, call: Call
) -> None:
    webhook = signer.signed(json.dumps(CAPTURED).encode())

    (notice,) = notices_of(trusting.read_webhook(webhook, call))

    assert (notice.event_id, notice.payment_id, notice.reference) == ("WH-1", "p-1", "ORD1")
    assert notice.facts == (), "the signature covers a checksum only"


def test_a_dispute_tells_its_payment(trusting: PaypalStrategy, signer: Signer, call: Call) -> None:
    webhook = signer.signed(json.dumps(DISPUTED).encode())

    (notice,) = notices_of(trusting.read_webhook(webhook, call))

    assert (notice.payment_id, notice.facts) == ("p-1", ())


ORDER = {
    "id": "ORD1",
    "status": "VOIDED",
    "purchase_units": [
        {"amount": {"currency_code": "EUR", "value": "19.99"}, "custom_id": "p-1"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "resource", "payment_id", "reference"),
    [
        ("CHECKOUT.ORDER.VOIDED", ORDER, "p-1", "ORD1"),
        ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", {"order_id": "ORD1"}, None, "ORD1"),
        (
            "PAYMENT.AUTHORIZATION.CREATED",
            {**CAPTURED["resource"], "status": "CREATED"},
            "p-1",
            "ORD1",
        ),
        ("PAYMENT.CAPTURE.REVERSED", CAPTURED["resource"], "p-1", "ORD1"),
    ],
)
def test_an_event_tells_its_payment_and_nothing_more(
    trusting: PaypalStrategy,
    signer: Signer,
    call: Call,
    kind: str,
    resource: dict[str, Any],
    payment_id: str | None,
    reference: str,
) -> None:
    event = {"id": "WH-9", "event_type": kind, "resource": resource}
    webhook = signer.signed(json.dumps(event).encode())

    (notice,) = notices_of(trusting.read_webhook(webhook, call))

    assert (notice.payment_id, notice.reference) == (payment_id, reference)
    assert notice.facts == ()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": "WH-9", "event_type": "BILLING.PLAN.CREATED", "resource": {}}', ()),
        (b'{"id": "WH-9", "event_type": "PAYMENT.CAPTURE.REVERSED", "resource": {}}', ()),
        (b'{"id": "WH-9", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {}}', ()),
        (b'{"id": "WH-9", "event_type": "CHECKOUT.ORDER.VOIDED", "resource": {}}', Unknown),
        (b'{"id": "WH-9"}', Unknown),
        (b"[]", Untrusted),
        (b"\xff", Untrusted),
    ],
)
def test_an_event_that_is_not_ours_or_cannot_be_read(
    trusting: PaypalStrategy, signer: Signer, call: Call, body: bytes, expected: Any
) -> None:
    answer = trusting.read_webhook(signer.signed(body), call)

    assert answer == expected if expected == () else isinstance(answer, expected)


def test_the_certificate_is_fetched_once(
    trusting: PaypalStrategy, signer: Signer, call: Call
) -> None:
    signer.place.asked.clear()
    webhook = signer.signed(json.dumps(CAPTURED).encode())

    for _ in range(3):
        trusting.read_webhook(webhook, call)

    assert signer.place.asked == ["/cert"]


def test_every_changed_byte_breaks_the_signature(
    trusting: PaypalStrategy, signer: Signer, call: Call
) -> None:
    webhook = signer.signed(json.dumps(CAPTURED).encode())
    body = webhook.body
    forged = [body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :] for at in range(len(body))]

    answers = [
        trusting.read_webhook(dataclasses.replace(webhook, body=one), call) for one in forged
    ]

    assert all(isinstance(answer, Untrusted) for answer in answers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paypal-transmission-id", "t-2"),
        ("paypal-transmission-time", "2026-01-02T03:04:06Z"),
        ("paypal-transmission-time", "yesterday"),
        ("paypal-transmission-sig", "AAAA"),
        ("paypal-transmission-sig", "not base 64"),
        ("paypal-auth-algo", "none"),
        ("paypal-cert-url", ""),
    ],
)
def test_a_changed_header_is_not_trusted(
    trusting: PaypalStrategy, signer: Signer, call: Call, name: str, value: str
) -> None:
    webhook = with_header(signer.signed(json.dumps(CAPTURED).encode()), name, value)

    answer = trusting.read_webhook(webhook, call)

    assert isinstance(answer, Untrusted)


@pytest.mark.parametrize(
    ("at", "webhook_id"),
    [
        (NOW + timedelta(seconds=301), "WH-1"),
        (NOW - timedelta(days=5), "WH-1"),
        (NOW, "WH-OTHER"),
    ],
)
def test_signed_for_another_time_or_address_is_not_trusted(
    trusting: PaypalStrategy, signer: Signer, call: Call, at: datetime, webhook_id: str
) -> None:
    webhook = signer.signed(json.dumps(CAPTURED).encode(), at=at, webhook_id=webhook_id)

    answer = trusting.read_webhook(webhook, call)

    assert isinstance(answer, Untrusted)


def test_a_certificate_from_elsewhere_is_never_connected_to(
    trusting: PaypalStrategy, signer: Signer, call: Call
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        webhook = signer.signed(json.dumps(CAPTURED).encode())
        own = signer.place.base.removeprefix("http://")
        forged = [
            f"http://127.0.0.1:{port}/cert",
            f"http://{own}@127.0.0.1:{port}/cert",
            f"https://api.paypal.com@127.0.0.1:{port}/cert",
            f"http://api.paypal.com:{port}/cert",
            "file:///etc/passwd",
        ]

        answers = [
            trusting.read_webhook(with_header(webhook, "paypal-cert-url", url), call)
            for url in forged
        ]

        assert all(isinstance(answer, Untrusted) for answer in answers)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_certificate_that_cannot_be_fetched_now_is_asked_for_later(
    make_strategy: Callable[..., PaypalStrategy], signer: Signer, call: Call
) -> None:
    strategy = make_strategy(base="http://127.0.0.1:9", webhook_id="WH-1")
    webhook = signer.signed(json.dumps(CAPTURED).encode())

    answer = strategy.read_webhook(
        with_header(webhook, "paypal-cert-url", "http://127.0.0.1:9/cert"), call
    )

    assert isinstance(answer, Unknown)


def test_without_a_webhook_id_nothing_is_trusted(
    make_strategy: Callable[..., PaypalStrategy], signer: Signer, call: Call
) -> None:
    strategy = make_strategy(webhook_id="")

    answer = strategy.read_webhook(signer.signed(json.dumps(CAPTURED).encode()), call)

    assert isinstance(answer, Untrusted)


def test_the_sandbox_tells_of_approval_capture_and_refund(
    strategy: PaypalStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    sandbox: SandboxProcess,
    receiver: Kept,
    common: Any,
) -> None:
    started = strategy.start(start_request(), call)
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, Redirect)
    sandbox.click(started.action.url)
    about = {**common, "reference": started.reference}
    done = strategy.resume(ResumeRequest(**about, operation_id="op-r"), call)
    capture_id = done.facts[0].object_id  # type: ignore[union-attr]
    strategy.refund(RefundRequest(**about, operation_id="op-f", capture_id=capture_id), call)

    told = set()
    for kind in (
        "CHECKOUT.ORDER.APPROVED",
        "PAYMENT.CAPTURE.COMPLETED",
        "PAYMENT.CAPTURE.REFUNDED",
    ):
        webhook = receiver.wait_for(kind, common["payment_id"])
        (notice,) = notices_of(strategy.read_webhook(webhook, call))
        told.add((notice.payment_id, notice.facts))

    assert told == {(common["payment_id"], ())}


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("", FactKind.DISPUTE_OPENED),
        ("RESOLVED_SELLER_FAVOUR", FactKind.DISPUTE_WON),
        ("RESOLVED_BUYER_FAVOUR", FactKind.DISPUTE_LOST),
    ],
)
def test_a_look_up_finds_disputes(
    strategy: PaypalStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    sandbox: SandboxProcess,
    common: Any,
    outcome: str,
    kind: FactKind,
) -> None:
    started = strategy.start(start_request(), call)
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, Redirect)
    sandbox.click(started.action.url)
    about = {**common, "reference": started.reference}
    done = strategy.resume(ResumeRequest(**about, operation_id="op-r"), call)
    capture_id = done.facts[0].object_id  # type: ignore[union-attr]
    sandbox.control("POST dispute", charge=capture_id, status=outcome)

    asked = InquireRequest(**about, operation_id="op-r", verb=Verb.RESUME, sent_at=NOW)
    found = strategy.inquire(asked, call)

    told = [fact for fact in found.facts if fact.parent_id == capture_id]  # type: ignore[union-attr]
    assert [(fact.kind, fact.amount) for fact in told] == [(kind, common["amount"])]
