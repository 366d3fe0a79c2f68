"""PayPal-shaped objects and how they move: orders, authorisations, captures, refunds."""

from __future__ import annotations

from decimal import Decimal

from sandbox_gateways.deliveries import Deliveries
from sandbox_gateways.ledger import Document, Ledger, new_id
from sandbox_gateways.paypal_words import (
    InstrumentDeclined,
    Refusal,
    amount_of,
    amount_text,
    stamp,
)

ORDER, AUTHORIZATION, CAPTURE, REFUND, DISPUTE = (
    "paypal.order",
    "paypal.authorization",
    "paypal.capture",
    "paypal.refund",
    "paypal.dispute",
)
MERCHANT = "SANDBOXMERCHANT"
_REFUND_STATES = {"SUCCEEDED": "COMPLETED", "PENDING": "PENDING", "FAILED": "FAILED"}


class PaypalBook:
    """The objects of one account and their moves. Call within a transaction."""

    def __init__(self, ledger: Ledger, deliveries: Deliveries) -> None:
        self._ledger = ledger
        self._deliveries = deliveries

    def tell(self, event_type: str, resource_type: str, resource: Document) -> None:
        """Make an event of a change and send it to the registered addresses."""
        event: Document = {
            "id": new_id("WH-"),
            "event_version": "1.0",
            "create_time": stamp(),
            "resource_type": resource_type,
            "event_type": event_type,
            "summary": event_type.replace(".", " ").lower(),
            "resource": {key: value for key, value in resource.items() if key[0] != "_"},
            "links": [],
        }
        self._ledger.put("paypal.event", event)
        self._deliveries.send("paypal", event["id"], event_type, event)

    def find(self, kind: str, object_id: str) -> Document:
        """Return an object, or refuse as PayPal does when there is none."""
        found = self._ledger.get(kind, object_id)
        if found is None:
            raise Refusal("INVALID_RESOURCE_ID", "The resource does not exist.", status=404)
        return found

    def create_order(self, wanted: Document, *, base: str) -> Document:
        """Make an order that waits for its buyer."""
        units = wanted.get("purchase_units") or []
        if wanted.get("intent") not in {"CAPTURE", "AUTHORIZE"} or len(units) != 1:
            raise Refusal("INVALID_PARAMETER_VALUE", "intent or purchase_units.", status=400)
        number, currency = amount_of(units[0].get("amount"))
        source = (wanted.get("payment_source") or {}).get("paypal") or {}
        context = source.get("experience_context") or wanted.get("application_context") or {}
        order_id = new_id("").upper()[:17]
        unit = {
            "reference_id": units[0].get("reference_id", "default"),
            "amount": amount_text(number, currency),
            "payee": {"merchant_id": MERCHANT, "email_address": "merchant@sandbox.invalid"},
        }
        for name in ("custom_id", "invoice_id", "description"):
            if name in units[0]:
                unit[name] = units[0][name]
        approve = f"{base}/paypal/approve?token={order_id}"
        me = f"{base}/v2/checkout/orders/{order_id}"
        order = {
            "id": order_id,
            "intent": wanted["intent"],
            "status": "PAYER_ACTION_REQUIRED" if source else "CREATED",
            "purchase_units": [unit],
            "create_time": stamp(),
            "links": [
                {"href": me, "rel": "self", "method": "GET"},
                {"href": approve, "rel": "payer-action" if source else "approve", "method": "GET"},
            ],
            "_return_url": context.get("return_url", ""),
            "_cancel_url": context.get("cancel_url", ""),
            "_funding": "GOOD",
        }
        return self._ledger.put(ORDER, order)

    def approve(self, order: Document, *, funding: str = "GOOD") -> Document:
        """Let the buyer say yes. ``funding``: GOOD, DECLINED (at the first capture) or PENDING."""
        if order["status"] in {"CREATED", "PAYER_ACTION_REQUIRED"} or (
            order["status"] == "APPROVED" and funding != order["_funding"]
        ):
            order |= {"status": "APPROVED", "_funding": funding, "update_time": stamp()}
            order["payer"] = {"payer_id": "SANDBOXPAYER", "email_address": "buyer@sandbox.invalid"}
            self._ledger.put(ORDER, order)
            self.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order)
        return order

    def take_order(self, order: Document, *, kind: str) -> Document:
        """Capture or authorise an approved order in full."""
        done = "ORDER_ALREADY_CAPTURED" if kind == CAPTURE else "ORDER_ALREADY_AUTHORIZED"
        if order["status"] == "COMPLETED":
            raise Refusal(done, "Only one is allowed per order.")
        if (order["intent"] == "CAPTURE") != (kind == CAPTURE):
            raise Refusal("ACTION_DOES_NOT_MATCH_INTENT", "The intent is another.")
        if order["status"] != "APPROVED":
            raise Refusal("ORDER_NOT_APPROVED", "Payer has not yet approved the Order for payment.")
        if order["_funding"] == "DECLINED":
            order |= {"_funding": "GOOD", "status": "PAYER_ACTION_REQUIRED"}
            self._ledger.put(ORDER, order)
            raise InstrumentDeclined
        unit = order["purchase_units"][0]
        number, currency = amount_of(unit["amount"])
        if kind == CAPTURE:
            made = self._new_capture(order, number, currency, final=True)
        else:
            made = self._new_authorization(order, number, currency)
        unit.setdefault("payments", {}).setdefault(
            "captures" if kind == CAPTURE else "authorizations", []
        ).append({"id": made["id"]})
        order |= {"status": "COMPLETED", "update_time": stamp()}
        self._ledger.put(ORDER, order)
        return order

    def capture_authorization(self, held: Document, wanted: Document) -> Document:
        """Take part or all of an authorisation."""
        if held["status"] not in {"CREATED", "PARTIALLY_CAPTURED"}:
            issue = (
                "AUTHORIZATION_VOIDED"
                if held["status"] == "VOIDED"
                else "AUTHORIZATION_ALREADY_CAPTURED"
            )
            raise Refusal(issue, f"The authorization is {held['status']}.")
        whole, currency = amount_of(held["amount"])
        left = whole - Decimal(held["_captured"])
        number = amount_of(wanted["amount"])[0] if wanted.get("amount") else left
        if number > left:
            raise Refusal("MAX_CAPTURE_AMOUNT_EXCEEDED", "More than is authorised.")
        final = bool(wanted.get("final_capture"))
        order = self.find(ORDER, held["_order"])
        capture = self._new_capture(order, number, currency, final=final, held=held)
        held["_captured"] = str(Decimal(held["_captured"]) + number)
        held["status"] = "CAPTURED" if final or number == left else "PARTIALLY_CAPTURED"
        self._ledger.put(AUTHORIZATION, held)
        payments = order["purchase_units"][0]["payments"]
        payments.setdefault("captures", []).append({"id": capture["id"]})
        self._ledger.put(ORDER, order)
        return capture

    def void(self, held: Document) -> Document:
        """Give an authorisation back."""
        if held["status"] == "VOIDED":
            raise Refusal("PREVIOUSLY_VOIDED", "Authorization has been previously voided.")
        if held["status"] != "CREATED":
            raise Refusal("PREVIOUSLY_CAPTURED", "Authorization has been previously captured.")
        held["status"] = "VOIDED"
        self._ledger.put(AUTHORIZATION, held)
        self.tell("PAYMENT.AUTHORIZATION.VOIDED", "authorization", held)
        return held

    def lapse(self, held: Document) -> Document:
        """Let an authorisation run out without a word."""
        return self._ledger.put(AUTHORIZATION, {**held, "status": "VOIDED"})

    def refund(self, capture: Document, wanted: Document) -> Document:
        """Give part or all of a capture back."""
        whole, currency = amount_of(capture["amount"])
        left = whole - Decimal(capture["_refunded"])
        if capture["status"] not in {"COMPLETED", "PARTIALLY_REFUNDED"}:
            raise Refusal("CAPTURE_FULLY_REFUNDED", "The capture has been fully refunded.")
        number, given = amount_of(wanted["amount"]) if wanted.get("amount") else (left, currency)
        if given != currency:
            raise Refusal("CURRENCY_MISMATCH", "Another currency than the capture's.")
        if number > left:
            raise Refusal("REFUND_AMOUNT_EXCEEDED", "More than is left of the capture.")
        capture["_refunded"] = str(whole - left + number)
        capture["status"] = "REFUNDED" if number == left else "PARTIALLY_REFUNDED"
        self._ledger.put(CAPTURE, capture)
        refund = {
            "id": new_id("").upper()[:17],
            "status": _REFUND_STATES[self._ledger.option("refund_status", "SUCCEEDED")],
            "amount": amount_text(number, currency),
            "custom_id": wanted.get("custom_id", capture.get("custom_id", "")),
            "note_to_payer": wanted.get("note_to_payer", ""),
            "create_time": stamp(),
            "links": [
                {"rel": "up", "method": "GET", "href": f"/v2/payments/captures/{capture['id']}"}
            ],
            "_capture": capture["id"],
            "_order": capture["_order"],
        }
        self._ledger.put(REFUND, refund)
        order = self.find(ORDER, capture["_order"])
        payments = order["purchase_units"][0]["payments"]
        payments.setdefault("refunds", []).append({"id": refund["id"]})
        self._ledger.put(ORDER, order)
        self._tell_refund(refund)
        return refund

    def finish_refund(self, refund: Document, status: str) -> Document:
        """Decide a pending refund: COMPLETED or FAILED."""
        refund["status"] = status
        self._ledger.put(REFUND, refund)
        self._tell_refund(refund)
        return refund

    def _tell_refund(self, refund: Document) -> None:
        events = {"PENDING": "PAYMENT.REFUND.PENDING", "FAILED": "PAYMENT.REFUND.FAILED"}
        event = events.get(refund["status"], "PAYMENT.CAPTURE.REFUNDED")
        self.tell(event, "refund", refund)

    def finish_capture(self, capture: Document, status: str) -> Document:
        """Decide a pending capture: COMPLETED or DECLINED."""
        capture["status"] = status
        capture.pop("status_details", None)
        self._ledger.put(CAPTURE, capture)
        self.tell(f"PAYMENT.CAPTURE.{status}", "capture", capture)
        return capture

    def dispute(self, capture: Document, outcome: str) -> Document:
        """Open a dispute about a capture, or decide the one there is, in PayPal's word for it."""
        known = [one for one in self._ledger.all(DISPUTE) if one["_capture"] == capture["id"]]
        about = {
            "seller_transaction_id": capture["id"],
            "custom": capture.get("custom_id", ""),
            "gross_amount": capture["amount"],
        }
        dispute = (
            dict(known[0])
            if known
            else {
                "id": (dispute_id := new_id("PP-D-").upper()),
                "dispute_id": dispute_id,
                "create_time": stamp(),
                "reason": "UNAUTHORISED",
                "dispute_amount": capture["amount"],
                "disputed_transactions": [about],
                "_capture": capture["id"],
            }
        )
        dispute["status"] = "RESOLVED" if outcome else "OPEN"
        if outcome:
            dispute["dispute_outcome"] = {"outcome_code": outcome}
        self._ledger.put(DISPUTE, dispute)
        news = "RESOLVED" if outcome else "CREATED"
        self.tell(f"CUSTOMER.DISPUTE.{news}", "dispute", dispute)
        return dispute

    def _new_capture(
        self,
        order: Document,
        number: Decimal,
        currency: str,
        *,
        final: bool,
        held: Document | None = None,
    ) -> Document:
        pending = order["_funding"] == "PENDING"
        capture = self._part_of(order, number, currency) | {
            "status": "PENDING" if pending else "COMPLETED",
            "final_capture": final,
            "_refunded": "0",
        }
        if pending:
            capture["status_details"] = {"reason": "PENDING_REVIEW"}
        if held is not None:
            capture["supplementary_data"]["related_ids"]["authorization_id"] = held["id"]
            up = {"rel": "up", "method": "GET", "href": f"/v2/payments/authorizations/{held['id']}"}
            capture["links"] = [up]
        self._ledger.put(CAPTURE, capture)
        self.tell(f"PAYMENT.CAPTURE.{capture['status']}", "capture", capture)
        return capture

    def _new_authorization(self, order: Document, number: Decimal, currency: str) -> Document:
        held = self._part_of(order, number, currency) | {"status": "CREATED", "_captured": "0"}
        self._ledger.put(AUTHORIZATION, held)
        self.tell("PAYMENT.AUTHORIZATION.CREATED", "authorization", held)
        return held

    def _part_of(self, order: Document, number: Decimal, currency: str) -> Document:
        unit = order["purchase_units"][0]
        return {
            "id": new_id("").upper()[:17],
            "amount": amount_text(number, currency),
            "custom_id": unit.get("custom_id", ""),
            "invoice_id": unit.get("invoice_id", ""),
            "payee": unit["payee"],
            "create_time": stamp(),
            "links": [{"rel": "up", "method": "GET", "href": f"/v2/checkout/orders/{order['id']}"}],
            "supplementary_data": {"related_ids": {"order_id": order["id"]}},
            "_order": order["id"],
        }
