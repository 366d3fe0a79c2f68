"""The plugin beside localstripe, a Stripe server that nobody here wrote, in a process of its own.

It refuses four parameters that Stripe takes; a doorman in between leaves those out and passes on
everything else as it is. It leaves idempotency keys and searches out altogether.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from hookspecs import (
    Call,
    CaptureRequest,
    ClientConfirm,
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    InquireRequest,
    Money,
    NeedsCustomer,
    RefundRequest,
    ResumeRequest,
    Secret,
    StartRequest,
    Unknown,
    Untrusted,
    Verb,
    VoidRequest,
    Webhook,
)
from payment_stripe_like.strategy import StripeStrategy

SERVE = """
import sys
from aiohttp import web
from localstripe import resources, server
resources.Store.dump_to_disk = lambda self: None
web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""
NOT_KNOWN = ("return_url", "description", "payment_method_types", "metadata[capture_operation_id]")
ASKS_FIRST, DECLINES = "4000002500003155", "4000000000000341"


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    """Run it, on this computer alone; return its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", SERVE, str(port)])
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, "localstripe didn't start"
            time.sleep(0.05)
    yield f"127.0.0.1:{port}"
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="module")
def base(localstripe: str) -> Iterator[str]:
    """Put the doorman in front of it."""

    class Doorman(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = parse_qsl(body.decode(), keep_blank_values=True)
            left = [pair for pair in said if not pair[0].startswith(NOT_KNOWN)]
            server = http.client.HTTPConnection(localstripe, timeout=10)
            headers = {
                name: self.headers[name]
                for name in ("Authorization", "Content-Type")
                if name in self.headers
            }
            server.request(self.command, self.path, urlencode(left) or None, headers)
            answer = server.getresponse()
            told = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)
            server.close()

        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Doorman) as doorman:
        doorman.daemon_threads = True
        Thread(target=doorman.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{doorman.server_port}"
        doorman.shutdown()


@pytest.fixture
def strategy(base: str, make_strategy: Callable[..., StripeStrategy]) -> StripeStrategy:
    return make_strategy(base=base, webhook_secrets=(Secret("whsec_local"),))


@pytest.fixture
def card(localstripe: str) -> Callable[[str], str]:
    """Make a payment method of a card's number, as Stripe's script does in a browser."""

    def made(number: str) -> str:
        said = {
            "type": "card",
            "card[number]": number,
            "card[exp_month]": "12",
            "card[exp_year]": "2040",
            "card[cvc]": "123",
        }
        return str(asked(localstripe, "/v1/payment_methods", said)["id"])

    return made


def asked(localstripe: str, path: str, said: dict[str, str]) -> dict[str, Any]:
    """Ask localstripe itself: what the customer's browser would."""
    request = urllib.request.Request(
        f"http://{localstripe}{path}",
        urlencode(said).encode(),
        {"Authorization": "Bearer sk_test_local"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        document: dict[str, Any] = json.loads(answer.read())
        return document


@pytest.fixture
def received(localstripe: str) -> Iterator[list[Webhook]]:
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

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/hook"
        body = json.dumps({"url": url, "secret": "whsec_local"}).encode()
        told = urllib.request.Request(
            f"http://{localstripe}/_config/webhooks/orderloom",
            body,
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(told, timeout=5).close()
        yield kept
        server.shutdown()


def wait_for(received: list[Webhook], kind: str, text: str) -> Webhook:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        for one in list(received):
            if json.loads(one.body)["type"] == kind and text in one.body.decode():
                return one
        time.sleep(0.05)
    raise AssertionError(f"no {kind} came")


def kinds(answer: Any) -> list[tuple[FactKind, int]]:
    return [(fact.kind, fact.amount.minor) for fact in answer.facts]


def fact_of(answer: Any, kind: FactKind) -> Fact:
    return next(fact for fact in answer.facts if fact.kind is kind)


def inquiry(common: dict[str, Any], reference: str | None) -> InquireRequest:
    return InquireRequest(
        **{**common, "reference": reference},
        operation_id="op-look",
        verb=Verb.START,
        sent_at=datetime.now(UTC),
    )


def test_a_card_is_charged_told_of_and_given_back(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    received: list[Webhook],
    call: Call,
    common: dict[str, Any],
) -> None:
    paid = strategy.start(start_request(payment_method="pm_card_visa"), call)
    assert isinstance(paid, Done)
    about = {**common, "reference": paid.reference}
    capture_id = fact_of(paid, FactKind.CAPTURED).object_id

    part = RefundRequest(
        **{**about, "amount": Money(500, "EUR")}, operation_id="op-f", capture_id=capture_id
    )
    refunded = strategy.refund(part, call)
    later = strategy.inquire(inquiry(common, paid.reference), call)
    told = wait_for(received, "payment_intent.succeeded", common["payment_id"])
    answer = strategy.read_webhook(told, call)

    assert kinds(paid) == [(FactKind.CAPTURED, 1999)]
    assert isinstance(refunded, Done)
    assert kinds(later) == [(FactKind.CAPTURED, 1999), (FactKind.REFUNDED, 500)]
    assert not isinstance(answer, Untrusted | Unknown)
    assert answer[0].payment_id == common["payment_id"]
    assert [(one.kind, one.object_id) for one in answer[0].facts] == [
        (FactKind.CAPTURED, capture_id)
    ]


def test_what_localstripe_signs_holds_under_its_secret_alone(
    strategy: StripeStrategy,
    make_strategy: Callable[..., StripeStrategy],
    base: str,
    start_request: Callable[..., StartRequest],
    received: list[Webhook],
    call: Call,
    common: dict[str, Any],
) -> None:
    strategy.start(start_request(payment_method="pm_card_visa"), call)
    told = wait_for(received, "payment_intent.succeeded", common["payment_id"])
    other = make_strategy(base=base, webhook_secrets=(Secret("whsec_other"),))
    forged = Webhook(
        body=told.body.replace(b"1999", b"9999"),
        headers=told.headers,
        received_at=told.received_at,
    )

    answers = (
        strategy.read_webhook(told, call),
        other.read_webhook(told, call),
        strategy.read_webhook(forged, call),
    )

    assert [isinstance(answer, Untrusted) for answer in answers] == [False, True, True]


def test_a_declined_card_takes_nothing(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    card: Callable[[str], str],
    call: Call,
) -> None:
    answer = strategy.start(start_request(payment_method=card(DECLINES)), call)

    assert isinstance(answer, Declined)
    assert answer.code is DeclineCode.CARD_DECLINED
    assert answer.facts == ()


@pytest.mark.parametrize("proves", [True, False], ids=["proved", "not proved"])
def test_3d_secure_is_asked_for_and_decides(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    card: Callable[[str], str],
    localstripe: str,
    call: Call,
    common: dict[str, Any],
    proves: bool,
) -> None:
    started = strategy.start(start_request(payment_method=card(ASKS_FIRST)), call)
    assert isinstance(started, NeedsCustomer)
    assert isinstance(started.action, ClientConfirm)
    meanwhile = strategy.inquire(inquiry(common, started.reference), call)
    asked(
        localstripe,
        f"/v1/payment_intents/{started.reference}/_authenticate",
        {
            "client_secret": started.action.data["client_secret"],
            "success": "true" if proves else "false",
        },
    )

    about = {**common, "reference": started.reference}
    answer = strategy.resume(ResumeRequest(**about, operation_id="op-r"), call)

    assert isinstance(meanwhile, NeedsCustomer)
    if proves:
        assert kinds(answer) == [(FactKind.CAPTURED, 1999)]
    else:
        assert isinstance(answer, Declined)
        assert answer.code is DeclineCode.AUTHENTICATION_FAILED


def test_an_authorisation_is_captured(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    common: dict[str, Any],
) -> None:
    held = strategy.start(start_request(payment_method="pm_card_visa", capture_now=False), call)
    assert kinds(held) == [(FactKind.AUTHORIZED, 1999)]
    reference = held.reference  # type: ignore[union-attr]
    request = CaptureRequest(
        **{**common, "reference": reference}, operation_id="op-c", authorization_id=str(reference)
    )

    captured = strategy.capture(request, call)
    again = strategy.capture(request, call)
    later = strategy.inquire(inquiry(common, reference), call)

    assert fact_of(captured, FactKind.CAPTURED).amount == Money(1999, "EUR")
    assert fact_of(captured, FactKind.CAPTURED).parent_id == reference
    assert not isinstance(again, Done)
    assert [fact for fact in kinds(later) if fact[0] is FactKind.CAPTURED] == [
        (FactKind.CAPTURED, 1999)
    ]


def test_an_authorisation_is_given_back(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    call: Call,
    common: dict[str, Any],
) -> None:
    held = strategy.start(start_request(payment_method="pm_card_visa", capture_now=False), call)
    reference = held.reference  # type: ignore[union-attr]

    voided = strategy.void(
        VoidRequest(
            **{**common, "reference": reference},
            operation_id="op-v",
            authorization_id=str(reference),
        ),
        call,
    )
    later = strategy.inquire(inquiry(common, reference), call)

    closed = {FactKind.APPROVAL_CLOSED, FactKind.AUTHORIZATION_CLOSED}
    assert {kind for kind, _ in kinds(voided)} == closed
    assert {kind for kind, _ in kinds(later)} == closed
    assert isinstance(later, Declined)


def test_what_nobody_finished_is_cancelled(
    strategy: StripeStrategy,
    start_request: Callable[..., StartRequest],
    card: Callable[[str], str],
    call: Call,
    common: dict[str, Any],
) -> None:
    started = strategy.start(start_request(payment_method=card(ASKS_FIRST)), call)
    assert isinstance(started, NeedsCustomer)

    voided = strategy.void(
        VoidRequest(**{**common, "reference": started.reference}, operation_id="op-v"), call
    )

    assert kinds(voided) == [(FactKind.APPROVAL_CLOSED, 1999)]
