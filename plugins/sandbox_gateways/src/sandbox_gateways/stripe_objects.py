"""Stripe-shaped objects and how they move: intents, charges, refunds, sessions, disputes."""

from __future__ import annotations

import time
from typing import Any

from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.ledger import Document, Ledger, new_id
from sandbox_gateways.stripe_cards import Card

INTENT, CHARGE, REFUND, SESSION, DISPUTE, EVENT = (
    "payment_intent",
    "charge",
    "refund",
    "checkout.session",
    "dispute",
    "event",
)
_CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation"})


class Wrong(Exception):  # noqa: N818 - a statement
    """A request that this provider refuses, in Stripe's words."""

    def __init__(self, text: str, *, status: int = 400, **details: Any) -> None:
        super().__init__(text)
        self.status = status
        self.details: dict[str, Any] = {"type": "invalid_request_error", **details, "message": text}


def public(document: Document) -> Document:
    """Return a document without the fields that are the sandbox's own (``_…``)."""
    return {key: value for key, value in document.items() if not key.startswith("_")}


class StripeBook:
    """The objects of one account and the moves between their states. Call within a transaction."""

    def __init__(self, ledger: Ledger, deliveries: Deliveries) -> None:
        self._ledger = ledger
        self._deliveries = deliveries

    def tell(self, event_type: str, document: Document) -> None:
        """Make an event of a change and send it to the registered addresses."""
        event: Document = {
            "id": new_id("evt_"),
            "object": "event",
            "api_version": "2025-09-30.clover",
            "created": int(time.time()),
            "type": event_type,
            "livemode": False,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "data": {"object": public(document)},
        }
        self._ledger.put(EVENT, event)
        self._deliveries.send("stripe", event["id"], event_type, event)

    def find(self, kind: str, object_id: str) -> Document:
        """Return an object, or refuse as Stripe does when there is none."""
        found = self._ledger.get(kind, object_id)
        if found is None:
            text = f"No such {kind.replace('.', ' ')}: '{object_id}'"
            raise Wrong(text, status=404, code="resource_missing", param="id")
        return found

    # Intents

    def new_intent(
        self, *, amount: int, currency: str, capture_method: str, metadata: dict[str, str]
    ) -> Document:
        """Make an intent that waits for a card."""
        intent_id = new_id("pi_")
        intent = {
            "id": intent_id,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": currency,
            "capture_method": capture_method,
            "confirmation_method": "automatic",
            "client_secret": new_id(f"{intent_id}_secret_"),
            "created": int(time.time()),
            "canceled_at": None,
            "cancellation_reason": None,
            "description": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "metadata": metadata,
            "next_action": None,
            "payment_method": None,
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }
        self._ledger.put(INTENT, intent)
        self.tell("payment_intent.created", intent)
        return intent

    def confirm(self, intent: Document, card: Card, *, return_url: str, base: str) -> Document:
        """Try a card: succeed, fail, or send the customer to 3-D Secure."""
        if intent["status"] not in _CONFIRMABLE:
            raise self.unexpected(intent, "confirm")
        intent["payment_method"] = card.token
        intent["_return_url"] = return_url
        intent["last_payment_error"] = None
        if card.challenge:
            page = f"{base}/stripe/challenge/{intent['id']}"
            intent["status"] = "requires_action"
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": page, "return_url": return_url},
            }
            self._ledger.put(INTENT, intent)
            self.tell("payment_intent.requires_action", intent)
            return intent
        return self.charge(intent, card)

    def charge(self, intent: Document, card: Card) -> Document:
        """Charge a card whose holder is known to agree."""
        failed = bool(card.code)
        manual = intent["capture_method"] == "manual"
        charge = {
            "id": new_id("ch_"),
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": 0 if failed or manual else intent["amount"],
            "amount_refunded": 0,
            "captured": not (failed or manual),
            "created": int(time.time()),
            "currency": intent["currency"],
            "disputed": False,
            "failure_code": card.code or None,
            "failure_message": card.text or None,
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "paid": not failed,
            "payment_intent": intent["id"],
            "payment_method": card.token,
            "refunded": False,
            "status": "failed" if failed else "succeeded",
        }
        self._ledger.put(CHARGE, charge)
        intent["latest_charge"] = charge["id"]
        intent["next_action"] = None
        if failed:
            self.fail(
                intent,
                {
                    "type": "card_error",
                    "code": card.code,
                    "decline_code": card.decline_code,
                    "message": card.text,
                    "charge": charge["id"],
                },
            )
            self.tell("charge.failed", charge)
        elif manual:
            intent["status"] = "requires_capture"
            intent["amount_capturable"] = intent["amount"]
            self._ledger.put(INTENT, intent)
            self.tell("payment_intent.amount_capturable_updated", intent)
        else:
            self._succeed(intent, charge, intent["amount"])
        return intent

    def fail(self, intent: Document, problem: Document) -> None:
        """Note a failed attempt: the intent waits for another card."""
        intent["status"] = "requires_payment_method"
        intent["next_action"] = None
        intent["last_payment_error"] = problem
        self._ledger.put(INTENT, intent)
        self.tell("payment_intent.payment_failed", intent)

    def capture(self, intent: Document, amount: int | None, metadata: dict[str, str]) -> Document:
        """Take an authorised amount; what is left of it is released."""
        if intent["status"] != "requires_capture":
            raise self.unexpected(intent, "capture")
        taken = intent["amount_capturable"] if amount is None else amount
        if not 0 < taken <= intent["amount_capturable"]:
            raise Wrong(
                f"The amount to capture must be between 1 and {intent['amount_capturable']}.",
                code="amount_too_large",
                param="amount_to_capture",
            )
        intent["metadata"] = {**intent["metadata"], **metadata}
        self._succeed(intent, self.find(CHARGE, intent["latest_charge"]), taken)
        return intent

    def cancel(self, intent: Document, reason: str | None = None) -> Document:
        """Cancel what hasn't been taken."""
        intent = self.lapse(intent, reason)
        self.tell("payment_intent.canceled", intent)
        return intent

    def lapse(self, intent: Document, reason: str | None = "automatic") -> Document:
        """Let an authorisation run out without a word."""
        if intent["status"] in {"succeeded", "canceled", "processing"}:
            raise self.unexpected(intent, "cancel")
        intent |= {
            "status": "canceled",
            "canceled_at": int(time.time()),
            "cancellation_reason": reason,
            "amount_capturable": 0,
            "next_action": None,
        }
        return self._ledger.put(INTENT, intent)

    def _succeed(self, intent: Document, charge: Document, amount: int) -> None:
        charge |= {"captured": True, "amount_captured": amount}
        intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
        self._ledger.put(CHARGE, charge)
        self._ledger.put(INTENT, intent)
        self.tell("charge.succeeded", charge)
        self.tell("payment_intent.succeeded", intent)

    def unexpected(self, intent: Document, verb: str) -> Wrong:
        """Return Stripe's refusal of a move that this state doesn't allow."""
        return Wrong(
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )

    # Refunds and disputes

    def refund(
        self, charge: Document, amount: int | None, *, reason: str | None, metadata: dict[str, str]
    ) -> Document:
        """Give back part or all of a charge."""
        left = charge["amount_captured"] - charge["amount_refunded"]
        given = left if amount is None else amount
        if left <= 0:
            text = f"Charge {charge['id']} has already been refunded."
            raise Wrong(text, code="charge_already_refunded")
        if not 0 < given <= left:
            text = f"Refund amount ({given}) is greater than unrefunded amount on charge ({left})"
            raise Wrong(text, param="amount")
        charge["amount_refunded"] += given
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._ledger.put(CHARGE, charge)
        refund = {
            "id": new_id("re_"),
            "object": "refund",
            "amount": given,
            "charge": charge["id"],
            "created": int(time.time()),
            "currency": charge["currency"],
            "metadata": metadata,
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": self._ledger.option("refund_status", "SUCCEEDED").lower(),
        }
        self._ledger.put(REFUND, refund)
        self.tell("refund.created", refund)
        self.tell("charge.refunded", charge)
        return refund

    def finish_refund(self, refund: Document, status: str) -> Document:
        """Let a refund arrive (``succeeded``), or the bank send it back (``failed``)."""
        refund["status"] = status
        self._ledger.put(REFUND, refund)
        self.tell("refund.failed" if status == "failed" else "refund.updated", refund)
        return refund

    def dispute(self, charge: Document, status: str) -> Document:
        """Open a dispute about a charge, or decide the one there is (``won`` or ``lost``)."""
        known = [one for one in self._ledger.all(DISPUTE) if one["charge"] == charge["id"]]
        dispute = (
            known[0]
            if known
            else {
                "id": new_id("dp_"),
                "object": "dispute",
                "amount": charge["amount_captured"],
                "charge": charge["id"],
                "created": int(time.time()),
                "currency": charge["currency"],
                "metadata": {},
                "payment_intent": charge["payment_intent"],
                "reason": "fraudulent",
            }
        )
        dispute["status"] = status
        self._ledger.put(DISPUTE, dispute)
        self._ledger.put(CHARGE, {**charge, "disputed": True})
        closed = status in {"won", "lost"}
        self.tell(f"charge.dispute.{'closed' if closed else 'created'}", dispute)
        return dispute
