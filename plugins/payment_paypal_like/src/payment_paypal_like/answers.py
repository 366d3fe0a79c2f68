"""What an order, a capture, a refund or a refusal amounts to, as an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hookspecs import (
    DeclineCode,
    Declined,
    Done,
    Fact,
    FactKind,
    InProgress,
    NeedsCustomer,
    Redirect,
    Retry,
)
from payment_paypal_like.gateway import InDoubtError, RefusedError
from payment_paypal_like.settings import Settings
from payment_paypal_like.wording import approval, decline, moment, order_facts

Standing = Done | NeedsCustomer | InProgress | Declined
_WAITING = frozenset({FactKind.CAPTURE_PENDING, FactKind.AUTHORIZATION_PENDING})
_GOOD = frozenset({FactKind.CAPTURED, FactKind.AUTHORIZED})
_BAD = frozenset({FactKind.CAPTURE_FAILED, FactKind.AUTHORIZATION_FAILED})


def standing(order: Mapping[str, Any], settings: Settings) -> Standing:
    """Say how an order stands.

    Raises:
        InDoubtError: it is in a state that we don't know.
    """
    facts = order_facts(order, merchant_id=settings.merchant_id)
    reference = str(order["id"])
    match order["status"]:
        case "CREATED" | "SAVED" | "PAYER_ACTION_REQUIRED" | "APPROVED":
            return _needs_approval(order, facts, settings.approval_lasts)
        case "VOIDED":
            return Declined(
                code=DeclineCode.ABANDONED,
                text="The approval has ended.",
                retry=Retry.SAME,
                reference=reference,
                facts=facts,
            )
        case "COMPLETED":
            return of_facts(facts, reference, check_after=settings.check_after)
    raise InDoubtError(f"an order with status {order['status']}")


def of_facts(facts: tuple[Fact, ...], reference: str | None, *, check_after: timedelta) -> Standing:
    """Say what facts about money amount to; what is pending is looked at ``check_after``."""
    kinds = {fact.kind for fact in facts}
    if kinds & _WAITING:
        return InProgress(check_after=check_after, facts=facts, reference=reference)
    if kinds & _BAD and not kinds & _GOOD:
        return Declined(
            code=DeclineCode.CARD_DECLINED,
            text="The payment was declined.",
            reference=reference,
            facts=facts,
        )
    return Done(facts=facts, reference=reference)


def gone(order_id: str, facts: tuple[Fact, ...]) -> Declined:
    """Say that nobody can approve this order any more."""
    return Declined(
        code=DeclineCode.ABANDONED,
        text="The approval has expired.",
        retry=Retry.SAME,
        reference=order_id,
        facts=facts,
    )


def closed(order: Mapping[str, Any]) -> Done:
    """Say that an order that nobody captured is over: only our capture moves money."""
    return Done(facts=(approval(order, closed=True),), reference=str(order["id"]))


def refused(error: RefusedError, reference: str | None) -> Declined:
    """Say no."""
    code, retry = decline(error.issue)
    return Declined(code=code, text=error.text, retry=retry, reference=reference)


def _needs_approval(
    order: Mapping[str, Any], facts: tuple[Fact, ...], lasts: timedelta
) -> NeedsCustomer:
    """Once approved, the fact makes the core resume; the page is where it went on from."""
    links = {link.get("rel"): link.get("href") for link in order.get("links") or ()}
    url = links.get("payer-action") or links.get("approve")
    if not url and order["status"] == "APPROVED":
        url = f"https://www.paypal.com/checkoutnow?token={order['id']}"
    if not url:
        raise InDoubtError("an order without a page to approve it on")
    made_at = moment(order.get("create_time"))
    return NeedsCustomer(
        action=Redirect(url=str(url)),
        reference=str(order["id"]),
        expires_at=None if made_at is None else made_at + lasts,
        facts=facts,
    )
