"""The PayPal-shaped API: tokens, orders, payments and the verification of webhooks."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.idempotency import paypal_once
from sandbox_gateways.ledger import Document, Ledger
from sandbox_gateways.paypal_objects import (
    AUTHORIZATION,
    CAPTURE,
    DISPUTE,
    ORDER,
    REFUND,
    PaypalBook,
)
from sandbox_gateways.paypal_signatures import CERTIFICATE_PATH, WEBHOOK_ID, PaypalSigner
from sandbox_gateways.paypal_words import InstrumentDeclined, Refusal
from sandbox_gateways.wire import Answer, Asked, answer_json

Work = Callable[..., tuple[int, Document]]
_OWN = ("/v2/", "/v1/oauth2/", "/v1/notifications/", "/v1/reporting/", "/v1/customer/disputes")
_KINDS = {"authorizations": AUTHORIZATION, "captures": CAPTURE, "refunds": REFUND}


class PaypalApi:
    """Answers ``/v2`` and what of ``/v1`` is PayPal's."""

    def __init__(
        self, ledger: Ledger, deliveries: Deliveries, book: PaypalBook, signer: PaypalSigner
    ) -> None:
        self._ledger = ledger
        self._deliveries = deliveries
        self._book = book
        self._signer = signer
        self._routes: tuple[tuple[str, re.Pattern[str], str, Work], ...] = tuple(
            (method, re.compile(pattern), kind, work)
            for method, pattern, kind, work in (
                ("POST", r"/v2/checkout/orders", ORDER, self._create),
                ("GET", r"/v2/checkout/orders/(\w+)", ORDER, self._order),
                ("POST", r"/v2/checkout/orders/(\w+)/capture", ORDER, self._capture_order),
                ("POST", r"/v2/checkout/orders/(\w+)/authorize", ORDER, self._authorize_order),
                ("GET", r"/v2/payments/(\w+)/(\w+)", "", self._part),
                (
                    "POST",
                    r"/v2/payments/authorizations/(\w+)/capture",
                    CAPTURE,
                    self._capture_held,
                ),
                ("POST", r"/v2/payments/authorizations/(\w+)/void", AUTHORIZATION, self._void),
                ("POST", r"/v2/payments/captures/(\w+)/refund", REFUND, self._refund),
                ("POST", r"/v1/notifications/verify-webhook-signature", "", self._verify),
                ("POST", r"/v1/notifications/webhooks", "", self._register),
                ("GET", r"/v1/reporting/transactions", "", self._transactions),
                ("GET", r"/v1/customer/disputes", "", self._disputes),
                ("GET", r"/v1/customer/disputes/([\w-]+)", "", self._dispute),
            )
        )

    @staticmethod
    def owns(path: str) -> bool:
        """Say whether a path belongs to PayPal's API."""
        return path.startswith(_OWN)

    def answer(self, asked: Asked) -> Answer:
        """Answer one request, once per request id."""
        if asked.path == CERTIFICATE_PATH:
            return Answer(body=self._signer.certificate.encode(), content_type="text/plain")
        if asked.path == "/v1/oauth2/token":
            return self._token(asked)
        if not self._known(asked.header("authorization")):
            text = {
                "error": "invalid_token",
                "error_description": "Token signature verification failed",
            }
            return answer_json(text, 401)
        for method, pattern, kind, work in self._routes:
            found = pattern.fullmatch(asked.path)
            if found and method == asked.method:
                return self._once(asked, kind, work, found.groups())
        return answer_json({"name": "NOT_FOUND", "message": "No such address."}, 404)

    def _once(self, asked: Asked, kind: str, work: Work, groups: tuple[str, ...]) -> Answer:
        def latest(object_id: str) -> Answer:
            with self._ledger.transaction():
                return answer_json(self._shown(self._book.find(kind, object_id)))

        def now() -> Answer:
            return self._work(asked, work, groups)

        if asked.method != "POST" or not kind:
            return now()
        return paypal_once(self._ledger, asked, now, latest=latest)

    def _work(self, asked: Asked, work: Work, groups: tuple[str, ...]) -> Answer:
        try:
            with self._ledger.transaction():
                declined = None
                try:
                    status, document = work(asked, *groups)
                except InstrumentDeclined:
                    text = "The instrument presented was either declined by the processor or bank."
                    declined = Refusal("INSTRUMENT_DECLINED", text)
            if declined is not None:
                raise declined
        except Refusal as refusal:
            return answer_json(refusal.body, refusal.status)
        return Answer(status=204) if status == 204 else answer_json(self._shown(document), status)

    # Tokens

    def _token(self, asked: Asked) -> Answer:
        if not asked.header("authorization").startswith("Basic "):
            return answer_json({"error": "invalid_client"}, 401)
        token = "A21" + secrets.token_urlsafe(24)
        lasts = int(self._ledger.option("paypal_token_lasts", 32400))
        with self._ledger.transaction():
            tokens = self._ledger.option("paypal_tokens", {})
            alive = {text: until for text, until in tokens.items() if until > time.time()}
            self._ledger.set_option("paypal_tokens", {**alive, token: time.time() + lasts})
        said = {"access_token": token, "token_type": "Bearer", "expires_in": lasts, "scope": ""}
        return answer_json(said)

    def _known(self, header: str) -> bool:
        until = self._ledger.option("paypal_tokens", {}).get(header.removeprefix("Bearer "), 0)
        return bool(until > time.time())

    # Orders

    def _create(self, asked: Asked) -> tuple[int, Document]:
        order = self._book.create_order(asked.json, base=asked.base)
        return (200 if order["status"] == "PAYER_ACTION_REQUIRED" else 201), order

    def _order(self, _asked: Asked, order_id: str) -> tuple[int, Document]:
        return 200, self._book.find(ORDER, order_id)

    def _capture_order(self, _asked: Asked, order_id: str) -> tuple[int, Document]:
        return 201, self._book.take_order(self._book.find(ORDER, order_id), kind=CAPTURE)

    def _authorize_order(self, _asked: Asked, order_id: str) -> tuple[int, Document]:
        return 201, self._book.take_order(self._book.find(ORDER, order_id), kind=AUTHORIZATION)

    # Payments

    def _part(self, _asked: Asked, name: str, object_id: str) -> tuple[int, Document]:
        return 200, self._book.find(_KINDS.get(name, name), object_id)

    def _capture_held(self, asked: Asked, held_id: str) -> tuple[int, Document]:
        held = self._book.find(AUTHORIZATION, held_id)
        return 201, self._book.capture_authorization(held, asked.json)

    def _void(self, _asked: Asked, held_id: str) -> tuple[int, Document]:
        return 204, self._book.void(self._book.find(AUTHORIZATION, held_id))

    def _refund(self, asked: Asked, capture_id: str) -> tuple[int, Document]:
        return 201, self._book.refund(self._book.find(CAPTURE, capture_id), asked.json)

    # Webhooks and reports

    def _verify(self, asked: Asked) -> tuple[int, Document]:
        said = asked.json
        body = _raw_member(asked.body, "webhook_event")
        holds = said.get("webhook_id") == WEBHOOK_ID and self._signer.holds(
            transmission_id=str(said.get("transmission_id")),
            sent_at=str(said.get("transmission_time")),
            signature=str(said.get("transmission_sig")),
            body=body,
        )
        return 200, {"verification_status": "SUCCESS" if holds else "FAILURE"}

    def _register(self, asked: Asked) -> tuple[int, Document]:
        self._deliveries.register("paypal", str(asked.json.get("url", "")))
        return 201, {"id": WEBHOOK_ID, "url": asked.json.get("url"), "event_types": [{"name": "*"}]}

    def _transactions(self, asked: Asked) -> tuple[int, Document]:
        low, high = asked.query.get("start_date", ""), asked.query.get("end_date", "9")
        rows = []
        for kind, code in ((CAPTURE, "T0006"), (REFUND, "T1107")):
            for one in self._ledger.all(kind):
                if not low[:19] <= one["create_time"][:19] <= high[:19]:
                    continue
                sign = "-" if kind == REFUND else ""
                value = {**one["amount"], "value": sign + one["amount"]["value"]}
                info = {
                    "transaction_id": one["id"],
                    "transaction_event_code": code,
                    "transaction_status": "P" if one["status"] == "PENDING" else "S",
                    "transaction_amount": value,
                    "transaction_initiation_date": one["create_time"],
                    "custom_field": one.get("custom_id", ""),
                }
                if kind == REFUND:
                    info |= {
                        "paypal_reference_id": one["_capture"],
                        "paypal_reference_id_type": "TXN",
                    }
                rows.append({"transaction_info": info})
        page = {"page": 1, "total_pages": 1, "total_items": len(rows)}
        return 200, {"transaction_details": rows, **page}

    def _disputes(self, asked: Asked) -> tuple[int, Document]:
        about = asked.query.get("disputed_transaction_id", "")
        found = [one for one in self._ledger.all(DISPUTE) if one["_capture"] == about]
        summary = ("dispute_id", "create_time", "reason", "status", "dispute_amount")
        return 200, {"items": [{name: one[name] for name in summary} for one in found], "links": []}

    def _dispute(self, _asked: Asked, dispute_id: str) -> tuple[int, Document]:
        return 200, self._book.find(DISPUTE, dispute_id)

    def _shown(self, document: Document) -> Document:
        shown = {key: value for key, value in document.items() if not key.startswith("_")}
        for unit in shown.get("purchase_units", []):
            for name, kind in _KINDS.items():
                parts: list[Any] = unit.get("payments", {}).get(name, [])
                parts[:] = [self._shown(self._book.find(kind, part["id"])) for part in parts]
        return shown


def _raw_member(body: bytes, name: str) -> bytes:
    """Return a member of a JSON object as it was written, byte by byte: its checksum matters."""
    text = body.decode()
    start = re.search(rf'"{name}"\s*:\s*', text)
    if start is None:
        return b""
    _, end = json.JSONDecoder().raw_decode(text, start.end())
    return text[start.end() : end].encode()
