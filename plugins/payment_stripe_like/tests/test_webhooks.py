"""Webhooks: signed by hand and by the sandbox, forged, old, and what they tell."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hookspecs import (
    Call,
    Done,
    FactKind,
    NeedsCustomer,
    Notice,
    Redirect,
    RefundRequest,
    Secret,
    StartRequest,
    Unknown,
    Untrusted,
    Webhook,
)
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVENT = json.dumps(
    {
        "id": "evt_1",
        "type": "payment_intent.succeeded",
        "data": {
            "object": {
                "id": "pi_1",
                "amount": 1999,
                "amount_received": 1999,
                "currency": "eur",
                "status": "succeeded",
                "capture_method": "automatic",
                "latest_charge": "ch_1",
                "metadata": {"payment_id": "p-1", "operation_id": "op-1"},
            }
        },
    }
).encode()


def signed(
    body: bytes = EVENT, *, secret: str = "whsec_sandbox", at: datetime = NOW, extra: str = ""
) -> Webhook:
    moment = int(at.timestamp())
    text = f"{moment}.".encode() + body
    mac = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    header = f"t={moment},{extra}v1={mac}"
    return Webhook(body=body, headers={"stripe-signature": header}, received_at=NOW)


class Receiver:
    """A shop's webhook address that keeps everything."""

    def __init__(self) -> None:
        kept: list[Webhook] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                kept.append(Webhook(body=body, headers=headers, received_at=datetime.now(UTC)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.kept = kept
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, kind: str, payment_id: str) -> Webhook:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            for webhook in list(self.kept):
                event = json.loads(webhook.body)
                if event["type"] == kind and payment_id in webhook.body.decode():
                    return webhook
            time.sleep(0.02)
        raise AssertionError(f"no {kind} came: {[json.loads(w.body)['type'] for w in self.kept]}")


@pytest.fixture
def receiver(sandbox: SandboxProcess) -> Iterator[Receiver]:
    receiver = Receiver()
    sandbox.control("POST webhooks", stripe=receiver.url)
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def test_a_signed_event_tells_what_was_captured(strategy: StripeStrategy, call: Call) -> None:
    answer = strategy.read_webhook(signed(), call)

    assert not isinstance(answer, Untrusted | Unknown)
    (notice,) = answer
    assert (notice.event_id, notice.payment_id, notice.reference) == ("evt_1", "p-1", None)
    (fact,) = notice.facts
    assert (fact.kind, fact.object_id, fact.operation_id) == (FactKind.CAPTURED, "ch_1", "op-1")


@pytest.mark.parametrize(
    "webhook",
    [
        signed(secret="whsec_other"),
        signed(at=NOW - timedelta(seconds=301)),
        signed(at=NOW + timedelta(seconds=301)),
        Webhook(body=EVENT, headers={}, received_at=NOW),
        Webhook(body=EVENT, headers={"stripe-signature": "t=,v1="}, received_at=NOW),
        Webhook(body=EVENT, headers={"stripe-signature": "t=1e9,v1=ab"}, received_at=NOW),
        Webhook(body=EVENT, headers={"stripe-signature": "t=²,v1=é"}, received_at=NOW),
        Webhook(body=EVENT + b" ", headers=signed().headers, received_at=NOW),
        Webhook(
            body=json.dumps(json.loads(EVENT), indent=1).encode(),
            headers=signed().headers,
            received_at=NOW,
        ),
        signed(b"[]"),
        signed(b"\xff"),
        signed(extra=f"t={int(NOW.timestamp()) + 1},"),
    ],
)
def test_a_forged_or_stale_event_is_not_trusted(
    strategy: StripeStrategy, call: Call, webhook: Webhook
) -> None:
    answer = strategy.read_webhook(webhook, call)

    assert isinstance(answer, Untrusted)


def test_every_changed_byte_breaks_the_signature(strategy: StripeStrategy, call: Call) -> None:
    headers = signed().headers
    forged = [EVENT[:at] + bytes([EVENT[at] ^ 1]) + EVENT[at + 1 :] for at in range(len(EVENT))]

    answers = [
        strategy.read_webhook(Webhook(body=body, headers=headers, received_at=NOW), call)
        for body in forged
    ]

    assert all(isinstance(answer, Untrusted) for answer in answers)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_either_way_are_fine(
    strategy: StripeStrategy, call: Call, seconds: int
) -> None:
    answer = strategy.read_webhook(signed(at=NOW + timedelta(seconds=seconds)), call)

    assert not isinstance(answer, Untrusted | Unknown)


def test_either_of_two_secrets_and_either_of_two_signatures_will_do(
    make_strategy: Callable[..., StripeStrategy], call: Call
) -> None:
    strategy = make_strategy(webhook_secrets=(Secret("new"), Secret("old")))

    answers = [
        strategy.read_webhook(signed(secret=secret, extra=f"v1={'0' * 64},"), call)
        for secret in ("old", "new")
    ]

    assert [isinstance(answer, Untrusted) for answer in answers] == [False, False]


def test_without_a_secret_nothing_is_trusted(
    make_strategy: Callable[..., StripeStrategy], call: Call
) -> None:
    strategy = make_strategy(webhook_secrets=())

    answer = strategy.read_webhook(signed(), call)

    assert isinstance(answer, Untrusted)


def test_the_sandbox_tells_of_a_card_page_that_was_paid(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    sandbox: SandboxProcess,
    receiver: Receiver,
    common: Any,
) -> None:
    started = strategy.start(start_request(), call)
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, Redirect)
    sandbox.click(started.action.url)

    notices: list[Notice] = []
    for kind in ("payment_intent.succeeded", "checkout.session.completed"):
        answer = strategy.read_webhook(receiver.wait_for(kind, common["payment_id"]), call)
        assert not isinstance(answer, Untrusted | Unknown)
        notices.extend(answer)

    assert [notice.payment_id for notice in notices] == [common["payment_id"]] * 2
    assert [fact.kind for fact in notices[0].facts] == [FactKind.CAPTURED]
    assert (notices[1].reference, notices[1].facts) == (started.reference, ())


def test_a_refund_and_a_dispute_made_elsewhere_find_their_payment(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    sandbox: SandboxProcess,
    receiver: Receiver,
    common: Any,
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    charge = started.facts[0].object_id
    sandbox.control("POST dispute", charge=charge)
    sandbox.browse("/dashboard/refund", do=charge)

    answers = [
        strategy.read_webhook(receiver.wait_for(kind, charge), call)
        for kind in ("charge.dispute.created", "refund.created")
    ]

    told = [(notice.payment_id, notice.facts[0].kind) for (notice,) in answers]  # type: ignore[misc,union-attr]
    assert told == [
        (common["payment_id"], FactKind.DISPUTE_OPENED),
        (common["payment_id"], FactKind.REFUNDED),
    ]


def test_a_refund_that_the_bank_sends_back_is_told(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    sandbox: SandboxProcess,
    receiver: Receiver,
    common: Any,
) -> None:
    started = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(started, Done)
    refunded = strategy.refund(
        RefundRequest(**common, operation_id="op-back", capture_id=started.facts[0].object_id),
        call,
    )
    assert isinstance(refunded, Done)
    refund = refunded.facts[0].object_id

    sandbox.control("POST finish_refund", refund=refund, status="failed")
    answer = strategy.read_webhook(receiver.wait_for("refund.failed", refund), call)

    ((notice),) = answer  # type: ignore[misc,union-attr]
    assert (notice.payment_id, notice.facts[0].kind) == (
        common["payment_id"],
        FactKind.REFUND_FAILED,
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"id": "evt_3", "type": "customer.created", "data": {"object": {}}}', ()),
        (b'{"id": "evt_3", "type": "payment_intent.succeeded", "data": {"object": {}}}', Unknown),
        (b'{"id": "evt_3"}', Unknown),
    ],
)
def test_an_event_that_is_not_ours_or_cannot_be_read(
    strategy: StripeStrategy, call: Call, body: bytes, expected: Any
) -> None:
    answer = strategy.read_webhook(signed(body), call)

    assert answer == expected if expected == () else isinstance(answer, expected)


def test_an_event_that_needs_a_look_up_waits_while_stripe_is_away(
    make_strategy: Callable[..., StripeStrategy], call: Call
) -> None:
    dispute = {
        "id": "evt_2",
        "type": "charge.dispute.created",
        "data": {
            "object": {
                "id": "dp_1",
                "amount": 1,
                "currency": "eur",
                "status": "needs_response",
                "charge": "ch_1",
                "payment_intent": "pi_1",
            }
        },
    }
    strategy = make_strategy(base="http://127.0.0.1:9")

    answer = strategy.read_webhook(signed(json.dumps(dispute).encode()), call)

    assert isinstance(answer, Unknown)
