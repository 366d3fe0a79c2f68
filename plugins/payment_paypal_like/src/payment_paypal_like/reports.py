"""What the account tells: webhooks, one by one, and what moved in a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hookspecs import Call, Fact, FactKind, Money, Notice, Unknown, Untrusted, Webhook
from payment_paypal_like.gateway import UNREADABLE, Document, Gateway, GatewayError
from payment_paypal_like.settings import Settings
from payment_paypal_like.signatures import verified
from payment_paypal_like.wording import dispute_facts, moment, split_custom

_OURS = ("PAYMENT.AUTHORIZATION.", "PAYMENT.CAPTURE.", "PAYMENT.REFUND.")
_NOTHING_TAKEN = frozenset({"PENDING", "DECLINED", "FAILED"})


class Reports:
    """Makes notices, each with the payment it is about."""

    def __init__(self, settings: Settings, gateway: Gateway) -> None:
        self._settings = settings
        self._gateway = gateway

    def read_webhook(self, webhook: Webhook, call: Call) -> Sequence[Notice] | Untrusted | Unknown:
        """Verify an event and say which payment it is about: never what became of it.

        The signature covers but a checksum of the body (CRC32), and to four bytes of one's own
        choice any body has any checksum. So an event is a reason to look, and nothing else.
        """
        try:
            event = verified(webhook, self._settings, self._gateway, call)
            if isinstance(event, Untrusted):
                return event
            notice = _hint(event)
        except GatewayError as error:
            return Unknown(cause=str(error))
        except UNREADABLE as error:
            return Unknown(cause=f"an event that can't be read: {type(error).__name__}")
        return () if notice is None else (notice,)

    def disputes(self, order: Document, call: Call) -> tuple[Fact, ...]:
        """Say what is true of the disputes about what an order's captures took.

        Raises:
            GatewayError: they couldn't be read.
        """
        facts: list[Fact] = []
        for unit in order.get("purchase_units") or ():
            for capture in (unit.get("payments") or {}).get("captures") or ():
                if capture["status"] not in _NOTHING_TAKEN:
                    told = self._gateway.disputes(capture["id"], call)
                    facts += [fact for one in told for fact in dispute_facts(one)]
        return tuple(facts)

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


def _hint(event: Mapping[str, Any]) -> Notice | None:
    """Return whose payment an event is about, or None where it is none of our business."""
    kind, thing = str(event["event_type"]), event["resource"]
    related = (thing.get("supplementary_data") or {}).get("related_ids") or {}
    order_id, custom = related.get("order_id"), thing.get("custom_id")
    if kind.startswith("CHECKOUT.ORDER."):
        order_id, custom = thing["id"], thing["purchase_units"][0].get("custom_id")
    elif kind == "CHECKOUT.PAYMENT-APPROVAL.REVERSED":
        order_id = thing["order_id"]
    elif kind.startswith("CUSTOMER.DISPUTE."):
        custom = thing["disputed_transactions"][0].get("custom")
    elif not kind.startswith(_OURS):
        return None
    payment_id, _ = split_custom(str(custom or ""))
    if payment_id is None and order_id is None:
        return None
    return Notice(event_id=event["id"], payment_id=payment_id, reference=order_id)


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
