"""What the account tells: webhooks, one by one, and what moved in a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hookspecs import Call, Fact, FactKind, Money, Notice, Unknown, Untrusted, Webhook
from payment_paypal_like.gateway import UNREADABLE, Document, Gateway, GatewayError
from payment_paypal_like.settings import Settings
from payment_paypal_like.signatures import verified
from payment_paypal_like.wording import (
    authorization_facts,
    capture_fact,
    dispute_facts,
    moment,
    order_facts,
    payee,
    refund_fact,
    split_custom,
)


class Reports:
    """Makes notices, each with the payment it is about."""

    def __init__(self, settings: Settings, gateway: Gateway) -> None:
        self._settings = settings
        self._gateway = gateway

    def read_webhook(self, webhook: Webhook, call: Call) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify an event and say what it tells."""
        try:
            event = verified(webhook, self._settings, self._gateway, call)
            if isinstance(event, Untrusted):
                return event
            notice = self._notice(event)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an event that can't be read: {type(error).__name__}")
        return () if notice is None else (notice,)

    def _notice(self, event: Mapping[str, Any]) -> Notice | None:
        kind, thing = str(event["event_type"]), event["resource"]
        merchant_id = self._settings.merchant_id
        related = (thing.get("supplementary_data") or {}).get("related_ids") or {}
        order_id = related.get("order_id")
        custom = str(thing.get("custom_id") or "")
        facts: tuple[Fact, ...] = ()
        if kind.startswith("CHECKOUT.ORDER."):
            order_id = thing["id"]
            facts = order_facts(thing, merchant_id=merchant_id)
            custom = str(thing["purchase_units"][0].get("custom_id") or "")
        elif kind == "CHECKOUT.PAYMENT-APPROVAL.REVERSED":
            order_id = thing["order_id"]
        elif kind.startswith("PAYMENT.AUTHORIZATION."):
            facts = authorization_facts(thing, payee(thing, merchant_id))
        elif kind in {
            "PAYMENT.CAPTURE.REFUNDED",
            "PAYMENT.REFUND.PENDING",
            "PAYMENT.REFUND.FAILED",
        }:
            facts = (refund_fact(thing),)
        elif kind.startswith("PAYMENT.CAPTURE.") and kind != "PAYMENT.CAPTURE.REVERSED":
            facts = (capture_fact(thing, payee(thing, merchant_id)),)
        elif kind.startswith("CUSTOMER.DISPUTE."):
            facts = dispute_facts(thing)
            custom = str(thing["disputed_transactions"][0].get("custom") or "")
        elif kind != "PAYMENT.CAPTURE.REVERSED":
            return None
        payment_id, _ = split_custom(custom)
        if payment_id is None and order_id is None and not facts:
            return None
        return Notice(event_id=event["id"], payment_id=payment_id, reference=order_id, facts=facts)

    def statement(self, since: datetime, until: datetime, call: Call) -> Iterator[Notice]:
        """Yield a notice for each payment and refund that moved.

        Raises:
            GatewayError: the account couldn't be read.
        """
        for row in self._gateway.transactions(since, until, call):
            fact = _fact_of_row(row)
            if fact is not None:
                payment_id, _ = split_custom(str(row.get("custom_field") or ""))
                yield Notice(
                    event_id=f"{row['transaction_id']}:{row['transaction_status']}",
                    payment_id=payment_id,
                    facts=(fact,),
                )


def _fact_of_row(row: Document) -> Fact | None:
    """T00.. are payments, T11.. are refunds; other codes (fees, transfers) are none of ours."""
    said = row["transaction_amount"]
    amount = Money.parse(said["value"].lstrip("-"), said["currency_code"])
    state = row.get("transaction_status")
    family = str(row.get("transaction_event_code", ""))[:3]
    kinds = {
        ("T00", "S"): FactKind.CAPTURED,
        ("T00", "P"): FactKind.CAPTURE_PENDING,
        ("T11", "S"): FactKind.REFUNDED,
        ("T11", "P"): FactKind.REFUND_PENDING,
    }
    kind = kinds.get((family, str(state)))
    if kind is None:
        return None
    refund = family == "T11"
    return Fact(
        kind=kind,
        object_id=row["transaction_id"],
        amount=amount,
        parent_id=row.get("paypal_reference_id") if refund else None,
        operation_id=split_custom(str(row.get("custom_field") or ""))[1] if refund else None,
        at=moment(row.get("transaction_initiation_date")),
    )
