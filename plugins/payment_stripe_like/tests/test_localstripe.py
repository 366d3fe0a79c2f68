"""The plugin beside localstripe, a Stripe server that nobody here wrote, in a process of its own.

It refuses some valid parameters (``return_url``, ``description``), so payments are begun by the
official client alone; reading, webhooks, refunds and voids are the plugin's.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from hookspecs import (
    Call,
    Done,
    FactKind,
    InquireRequest,
    Money,
    RefundRequest,
    Secret,
    Unknown,
    Untrusted,
    Verb,
    VoidRequest,
    Webhook,
)
from payment_stripe_like.strategy import StripeStrategy

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("localstripe") is None, reason="localstripe is not installed"
)
SERVE = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SERVE, str(port)])
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture
def strategy(base: str, make_strategy: Callable[..., StripeStrategy]) -> StripeStrategy:
    return make_strategy(base=base, webhook_secrets=(Secret("whsec_local"),))


@pytest.fixture
def pay(base: str, common: dict[str, Any]) -> Callable[..., Any]:
    """Begin a payment as Stripe's own client does."""
    import stripe

    client = stripe.StripeClient(
        "sk_test_local", base_addresses={"api": base}, max_network_retries=0
    )

    def made(**params: Any) -> Any:
        metadata = {"payment_id": common["payment_id"], "operation_id": "op-start"}
        return client.v1.payment_intents.create(
            {
                "amount": 1999,
                "currency": "eur",
                "confirm": True,
                "payment_method": "pm_card_visa",
                "metadata": metadata,
                **params,
            }
        )

    return made


@pytest.fixture
def received(base: str) -> Iterator[list[Webhook]]:
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

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    body = json.dumps({"url": url, "secret": "whsec_local"}).encode()
    asked = urllib.request.Request(
        f"{base}/_config/webhooks/orderloom", body, {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(asked, timeout=5).close()
    yield kept
    server.shutdown()
    server.server_close()


def inquiry(common: dict[str, Any], reference: str) -> InquireRequest:
    return InquireRequest(
        **common,
        operation_id="op-start",
        reference=reference,
        verb=Verb.START,
        sent_at=datetime.now(UTC),
    )


def test_a_payment_is_read_told_and_refunded(
    strategy: StripeStrategy,
    pay: Callable[..., Any],
    received: list[Webhook],
    call: Call,
    common: dict[str, Any],
) -> None:
    intent = pay()

    found = strategy.inquire(inquiry(common, intent.id), call)
    assert isinstance(found, Done)
    refunded = strategy.refund(
        RefundRequest(
            **{**common, "amount": Money(500, "EUR")},
            operation_id="op-refund",
            capture_id=found.facts[0].object_id,
        ),
        call,
    )
    later = strategy.inquire(inquiry(common, intent.id), call)

    assert [(fact.kind, fact.amount.minor) for fact in later.facts] == [  # type: ignore[union-attr]
        (FactKind.CAPTURED, 1999),
        (FactKind.REFUNDED, 500),
    ]
    assert isinstance(refunded, Done)
    until = time.monotonic() + 10
    told = []
    while not told and time.monotonic() < until:
        told = [one for one in list(received) if b"payment_intent.succeeded" in one.body]
        time.sleep(0.05)
    answer = strategy.read_webhook(told[0], call)
    assert not isinstance(answer, Untrusted | Unknown)
    assert (answer[0].payment_id, answer[0].facts) == (common["payment_id"], found.facts)


def test_an_authorisation_is_read_and_given_back(
    strategy: StripeStrategy, pay: Callable[..., Any], call: Call, common: dict[str, Any]
) -> None:
    intent = pay(capture_method="manual")

    found = strategy.inquire(inquiry(common, intent.id), call)
    voided = strategy.void(
        VoidRequest(
            **common, operation_id="op-void", reference=intent.id, authorization_id=intent.id
        ),
        call,
    )

    assert [fact.kind for fact in found.facts] == [FactKind.AUTHORIZED]  # type: ignore[union-attr]
    assert [fact.kind for fact in voided.facts] == [  # type: ignore[union-attr]
        FactKind.APPROVAL_CLOSED,
        FactKind.AUTHORIZATION_CLOSED,
    ]
