"""Stripe-shaped Checkout Sessions: a card page that we host, and what happens on it."""

from __future__ import annotations

import time
from collections.abc import Mapping

from sandbox_gateways.ledger import Document, Ledger, new_id
from sandbox_gateways.stripe_cards import Card
from sandbox_gateways.stripe_objects import INTENT, SESSION, StripeBook, Wrong


class StripeSessions:
    """Sessions of one account."""

    def __init__(self, ledger: Ledger, book: StripeBook) -> None:
        self._ledger = ledger
        self.book = book

    def create(
        self,
        *,
        base: str,
        amount: int,
        currency: str,
        success_url: str,
        cancel_url: str,
        metadata: Mapping[str, str],
        intent_metadata: Mapping[str, str],
        capture_method: str,
        expires_at: int,
        client_reference_id: str | None,
    ) -> Document:
        """Make a session; its intent comes into being when somebody pays."""
        session_id = new_id("cs_test_")
        session = {
            "id": session_id,
            "object": "checkout.session",
            "amount_total": amount,
            "cancel_url": cancel_url,
            "client_reference_id": client_reference_id,
            "created": int(time.time()),
            "currency": currency,
            "expires_at": expires_at,
            "livemode": False,
            "metadata": dict(metadata),
            "mode": "payment",
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "success_url": success_url,
            "url": f"{base}/stripe/pay/{session_id}",
            "_intent_metadata": dict(intent_metadata),
            "_capture_method": capture_method,
        }
        return self._ledger.put(SESSION, session)

    def find(self, session_id: str) -> Document:
        """Return a session, expired if its time is over."""
        session = self.book.find(SESSION, session_id)
        if session["status"] == "open" and session["expires_at"] < time.time():
            return self.expire(session)
        return session

    def expire(self, session: Document) -> Document:
        """End a session that nobody has paid."""
        if session["status"] != "open":
            text = "Only Checkout Sessions with a status in [open] can be expired."
            raise Wrong(text, code="checkout_session_not_open")
        if session["payment_intent"]:
            self.book.cancel(self.book.find(INTENT, session["payment_intent"]), "abandoned")
        session |= {"status": "expired", "url": None}
        self._ledger.put(SESSION, session)
        self.book.tell("checkout.session.expired", session)
        return session

    def pay(self, session: Document, card: Card, *, base: str) -> Document:
        """Try a card on a session's page. Returns the intent, whatever became of it."""
        if session["status"] != "open":
            raise Wrong("This Checkout Session is no longer open.")
        if session["payment_intent"]:
            intent = self.book.find(INTENT, session["payment_intent"])
        else:
            intent = self.book.new_intent(
                amount=session["amount_total"],
                currency=session["currency"],
                capture_method=session["_capture_method"],
                metadata=session["_intent_metadata"],
            )
            intent["_session"] = session["id"]
            session["payment_intent"] = intent["id"]
            self._ledger.put(SESSION, session)
        if intent["status"] == "requires_action":
            intent["status"] = "requires_payment_method"
        intent = self.book.confirm(intent, card, return_url=self.return_url(session), base=base)
        self.settle(intent)
        return intent

    def answer_challenge(self, intent: Document, card: Card, *, passed: bool) -> Document:
        """Finish 3-D Secure: the card's holder agreed or didn't."""
        if intent["status"] != "requires_action":
            return intent
        if passed:
            intent = self.book.charge(intent, card)
        else:
            problem = {
                "type": "invalid_request_error",
                "code": "payment_intent_authentication_failure",
                "message": "The provided PaymentMethod has failed authentication.",
            }
            self.book.fail(intent, problem)
        self.settle(intent)
        return intent

    def settle(self, intent: Document) -> None:
        """Complete the session of an intent that has succeeded."""
        session_id = intent.get("_session")
        if not session_id or intent["status"] not in {"succeeded", "requires_capture"}:
            return
        session = self.book.find(SESSION, session_id)
        paid = "paid" if intent["status"] == "succeeded" else "unpaid"
        session |= {"status": "complete", "payment_status": paid, "url": None}
        self._ledger.put(SESSION, session)
        self.book.tell("checkout.session.completed", session)

    def return_url(self, session: Document) -> str:
        """Return where the customer goes after paying."""
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
