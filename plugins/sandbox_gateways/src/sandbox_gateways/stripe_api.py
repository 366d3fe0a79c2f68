"""The Stripe-shaped API: what the official client asks and this account answers."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.idempotency import stripe_once
from sandbox_gateways.ledger import Document, Ledger, new_id
from sandbox_gateways.stripe_cards import by_token
from sandbox_gateways.stripe_objects import (
    CHARGE,
    DISPUTE,
    EVENT,
    INTENT,
    REFUND,
    SESSION,
    StripeBook,
    Wrong,
    public,
)
from sandbox_gateways.stripe_sessions import StripeSessions
from sandbox_gateways.wire import Answer, Asked, answer_json

WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - a development value, known to everybody
_LISTS = {
    "payment_intents": INTENT,
    "charges": CHARGE,
    "refunds": REFUND,
    "checkout/sessions": SESSION,
    "disputes": DISPUTE,
    "events": EVENT,
}
Handler = Callable[..., Document]


def sign(body: bytes, *, secret: str = WEBHOOK_SECRET, at: int | None = None) -> dict[str, str]:
    """Return the ``Stripe-Signature`` header of a webhook."""
    moment = int(time.time()) if at is None else at
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={moment},v1={signed}"}


def refusal(status: int, kind: str, text: str, **details: Any) -> Answer:
    """Return an error in Stripe's shape."""
    return answer_json({"error": {"type": kind, "message": text, **details}}, status)


class StripeApi:
    """Answers everything under ``/v1`` that isn't PayPal's."""

    def __init__(self, ledger: Ledger, deliveries: Deliveries, sessions: StripeSessions) -> None:
        self._ledger = ledger
        self._deliveries = deliveries
        self._sessions = sessions
        self._book: StripeBook = sessions.book
        self._routes: tuple[tuple[str, re.Pattern[str], Handler], ...] = tuple(
            (method, re.compile(f"/v1/{pattern}"), handler)
            for method, pattern, handler in (
                ("POST", r"payment_intents", self._create_intent),
                ("GET", r"payment_intents/search", self._search_intents),
                ("POST", r"payment_intents/(\w+)/confirm", self._confirm_intent),
                ("POST", r"payment_intents/(\w+)/capture", self._capture_intent),
                ("POST", r"payment_intents/(\w+)/cancel", self._cancel_intent),
                ("POST", r"refunds", self._create_refund),
                ("POST", r"checkout/sessions", self._create_session),
                ("POST", r"checkout/sessions/(\w+)/expire", self._expire_session),
                ("POST", r"webhook_endpoints", self._create_endpoint),
                ("GET", r"account", self._account),
                ("GET", f"({'|'.join(_LISTS)})", self._list),
                ("GET", rf"({'|'.join(_LISTS)})/(\w+)", self._retrieve),
            )
        )

    def answer(self, asked: Asked) -> Answer:
        """Answer one request, once per idempotency key."""
        if not asked.header("authorization"):
            return refusal(401, "invalid_request_error", "You did not provide an API key.")
        for method, pattern, handler in self._routes:
            found = pattern.fullmatch(asked.path)
            if found and method == asked.method:
                groups = found.groups()
                return stripe_once(
                    self._ledger,
                    asked,
                    lambda: self._work(asked, handler, groups),  # noqa: B023 - called at once
                    refusal=refusal,
                )
        text = f"Unrecognized request URL ({asked.method}: {asked.path})."
        return refusal(404, "invalid_request_error", text)

    def _work(self, asked: Asked, handler: Handler, groups: tuple[str, ...]) -> Answer:
        try:
            with self._ledger.transaction():
                document = handler(asked, *groups)
        except Wrong as wrong:
            return answer_json({"error": wrong.details}, wrong.status)
        problem = document.get("last_payment_error")
        if asked.method == "POST" and problem and document["status"] == "requires_payment_method":
            return answer_json({"error": {**problem, "payment_intent": public(document)}}, 402)
        wanted = asked.query if asked.method == "GET" else asked.form
        return answer_json(self._expanded(public(document), wanted.get("expand", [])))

    # Payment intents

    def _create_intent(self, asked: Asked) -> Document:
        form = asked.form
        amount, currency = _amount(form.get("amount"), "amount"), _currency(form)
        intent = self._book.new_intent(
            amount=amount,
            currency=currency,
            capture_method=_capture_method(form),
            metadata=_metadata(form),
        )
        intent["description"] = form.get("description")
        return self._confirmed(asked, intent) if form.get("confirm") == "true" else intent

    def _confirm_intent(self, asked: Asked, intent_id: str) -> Document:
        return self._confirmed(asked, self._book.find(INTENT, intent_id))

    def _confirmed(self, asked: Asked, intent: Document) -> Document:
        token = asked.form.get("payment_method") or intent["payment_method"]
        card = by_token(str(token))
        if card is None:
            text = f"No such PaymentMethod: '{token}'"
            raise Wrong(text, code="resource_missing", param="payment_method")
        where = str(asked.form.get("return_url") or intent.get("_return_url", ""))
        return self._book.confirm(intent, card, return_url=where, base=asked.base)

    def _capture_intent(self, asked: Asked, intent_id: str) -> Document:
        wanted = asked.form.get("amount_to_capture")
        amount = None if wanted is None else _amount(wanted, "amount_to_capture")
        intent = self._book.find(INTENT, intent_id)
        return self._book.capture(intent, amount, _metadata(asked.form))

    def _cancel_intent(self, asked: Asked, intent_id: str) -> Document:
        intent = self._book.find(INTENT, intent_id)
        return self._book.cancel(intent, asked.form.get("cancellation_reason"))

    def _search_intents(self, asked: Asked) -> Document:
        query = str(asked.query.get("query", ""))
        wanted = re.findall(
            r"metadata\[(?:'|\")([^'\"]+)(?:'|\")\]:(?:'|\")([^'\"]*)(?:'|\")", query
        )
        if not wanted:
            raise Wrong("Only metadata can be searched here.", param="query")
        found = [
            public(one)
            for one in self._ledger.all(INTENT)
            if all(one["metadata"].get(key) == value for key, value in wanted)
        ]
        page = {"object": "search_result", "data": found, "has_more": False, "next_page": None}
        return {**page, "url": "/v1/payment_intents/search"}

    # Refunds

    def _create_refund(self, asked: Asked) -> Document:
        form = asked.form
        charge_id = form.get("charge")
        if not charge_id:
            intent = self._book.find(INTENT, str(form.get("payment_intent", "")))
            charge_id = intent["latest_charge"]
        amount = _amount(form["amount"], "amount") if "amount" in form else None
        return self._book.refund(
            self._book.find(CHARGE, str(charge_id)),
            amount,
            reason=form.get("reason"),
            metadata=_metadata(form),
        )

    # Checkout sessions

    def _create_session(self, asked: Asked) -> Document:
        form = asked.form
        items = form.get("line_items") or []
        try:
            prices = [(item["price_data"], int(item.get("quantity", 1))) for item in items]
            total = sum(int(price["unit_amount"]) * count for price, count in prices)
            currency = str(prices[0][0]["currency"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise Wrong("line_items need price_data here.", param="line_items") from error
        if form.get("mode") != "payment" or not form.get("success_url"):
            raise Wrong("mode must be payment, and success_url is needed.", param="mode")
        intent_data = form.get("payment_intent_data") or {}
        return self._sessions.create(
            base=asked.base,
            amount=_amount(total, "line_items"),
            currency=_currency({"currency": currency}),
            success_url=str(form["success_url"]),
            cancel_url=str(form.get("cancel_url", "")),
            metadata=_metadata(form),
            intent_metadata=_metadata(intent_data),
            capture_method=_capture_method(intent_data),
            expires_at=int(form.get("expires_at", time.time() + 24 * 3600)),
            client_reference_id=form.get("client_reference_id"),
        )

    def _expire_session(self, _asked: Asked, session_id: str) -> Document:
        return self._sessions.expire(self._book.find(SESSION, session_id))

    # The rest

    def _create_endpoint(self, asked: Asked) -> Document:
        url = str(asked.form.get("url", ""))
        if not url.startswith(("http://", "https://")):
            raise Wrong("Invalid URL: An explicit scheme must be provided.", param="url")
        self._deliveries.register("stripe", url)
        endpoint = {"id": new_id("we_"), "object": "webhook_endpoint", "status": "enabled"}
        return {**endpoint, "url": url, "secret": WEBHOOK_SECRET, "livemode": False}

    def _account(self, _asked: Asked) -> Document:
        return {"id": "acct_sandbox", "object": "account", "charges_enabled": True}

    def _retrieve(self, _asked: Asked, name: str, object_id: str) -> Document:
        if name == "checkout/sessions":
            return self._sessions.find(object_id)
        return self._book.find(_LISTS[name], object_id)

    def _list(self, asked: Asked, name: str) -> Document:
        query = asked.query
        created = query.get("created") or {}
        found = self._ledger.all(_LISTS[name])
        if isinstance(created, dict):
            low, high = float(created.get("gte", 0)), float(created.get("lte", "inf"))
            found = [one for one in found if low <= one["created"] <= high]
        for field in ("payment_intent", "charge"):
            if field in query:
                found = [one for one in found if one.get(field) == query[field]]
        if "starting_after" in query:
            ids = [one["id"] for one in found]
            found = (
                found[ids.index(query["starting_after"]) + 1 :]
                if query["starting_after"] in ids
                else []
            )
        limit = int(query.get("limit", 10))
        data = [self._nested(public(one), query.get("expand", [])) for one in found[:limit]]
        more = len(found) > limit
        return {"object": "list", "data": data, "has_more": more, "url": f"/v1/{name}"}

    def _nested(self, document: Document, expand: list[str]) -> Document:
        names = [name.removeprefix("data.") for name in expand if name.startswith("data.")]
        return self._expanded(document, names)

    def _expanded(self, document: Document, expand: list[str]) -> Document:
        for path in expand:
            node: Any = document
            for name in path.split("."):
                kind = {"latest_charge": CHARGE, "payment_intent": INTENT, "charge": CHARGE}
                if not isinstance(node, dict) or name not in node:
                    break
                if isinstance(node[name], str) and name in kind:
                    node[name] = public(self._book.find(kind[name], node[name]))
                node = node[name]
        return document


def _amount(value: Any, param: str) -> int:
    try:
        amount = int(value)
    except (TypeError, ValueError) as error:
        raise Wrong(
            f"Invalid integer: {value}", code="parameter_invalid_integer", param=param
        ) from error
    if amount < 1:
        text = "This value must be greater than or equal to 1."
        raise Wrong(text, code="parameter_invalid_integer", param=param)
    if amount > 99_999_999:
        raise Wrong("Amount must be no more than 999,999.99", code="amount_too_large", param=param)
    return amount


def _currency(form: Mapping[str, Any]) -> str:
    currency = str(form.get("currency", "")).lower()
    if not re.fullmatch("[a-z]{3}", currency):
        raise Wrong(f"Invalid currency: {currency}", code="parameter_missing", param="currency")
    return currency


def _capture_method(form: Mapping[str, Any]) -> str:
    return "manual" if form.get("capture_method") == "manual" else "automatic"


def _metadata(form: Mapping[str, Any]) -> dict[str, str]:
    metadata = form.get("metadata") or {}
    return (
        {key: str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
    )
