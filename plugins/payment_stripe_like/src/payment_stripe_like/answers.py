"""What an intent, a session or a refusal amounts to, as an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hookspecs import (
    ClientConfirm,
    DeclineCode,
    Declined,
    Done,
    InProgress,
    NeedsCustomer,
    Redirect,
    Retry,
)
from payment_stripe_like.gateway import InDoubtError, RefusedError
from payment_stripe_like.wording import decline, intent_facts, moment, session_facts

Standing = Done | NeedsCustomer | InProgress | Declined
_SCRIPT = "https://js.stripe.com/v3/"
_QUIET = "Your card was declined."


def standing(
    intent: Mapping[str, Any], reference: str | None = None, *, check_after: timedelta
) -> Standing:
    """Say how an intent stands; what is under way is to be looked at again ``check_after``.

    Raises:
        InDoubtError: it is in a state, or wants something, that we don't know.
    """
    named = reference or str(intent["id"])
    facts = intent_facts(intent)
    match intent["status"]:
        case "succeeded" | "requires_capture":
            return Done(facts=facts, reference=named)
        case "processing" | "requires_confirmation":
            return InProgress(check_after=check_after, facts=facts, reference=named)
        case "requires_action":
            return NeedsCustomer(action=_next(intent), facts=facts, reference=named)
        case "requires_payment_method":
            problem = intent.get("last_payment_error") or {}
            return _declined(
                str(problem.get("code") or ""),
                str(problem.get("decline_code") or ""),
                str(problem.get("message") or _QUIET),
                named,
            )
        case "canceled":
            text = "The payment was cancelled."
            return Declined(
                code=DeclineCode.ABANDONED,
                text=text,
                retry=Retry.SAME,
                facts=facts,
                reference=named,
            )
    raise InDoubtError(f"an intent with status {intent['status']}")


def _next(intent: Mapping[str, Any]) -> Redirect | ClientConfirm:
    """Say how the customer proves who they are: on the bank's page, or by Stripe's own script."""
    action = intent.get("next_action") or {}
    match action.get("type"):
        case "redirect_to_url":
            return Redirect(url=action["redirect_to_url"]["url"])
        case "use_stripe_sdk":
            return ClientConfirm(script=_SCRIPT, data={"client_secret": intent["client_secret"]})
    raise InDoubtError(f"a next action that we can't do: {action.get('type')}")


def standing_of_session(session: Mapping[str, Any], *, check_after: timedelta) -> Standing:
    """Say how a hosted page stands.

    Raises:
        InDoubtError: it is in a state that we don't know.
    """
    intent = session.get("payment_intent")
    settled = isinstance(intent, Mapping) and intent["status"] in {
        "succeeded",
        "requires_capture",
        "processing",
    }
    if settled or session["status"] == "complete":
        if not isinstance(intent, Mapping):
            raise InDoubtError("a finished session without an intent")
        return standing(intent, session["id"], check_after=check_after)
    if session["status"] == "open":
        return NeedsCustomer(
            action=Redirect(url=session["url"]),
            reference=session["id"],
            expires_at=moment(session.get("expires_at")),
            facts=session_facts(session),
        )
    return Declined(
        code=DeclineCode.ABANDONED,
        text="The payment page has expired.",
        retry=Retry.SAME,
        reference=session["id"],
        facts=session_facts(session),
    )


def refused(error: RefusedError) -> Declined:
    """Say no: the card's, the customer's or ours."""
    reference = error.intent.get("id")
    if error.kind == "card_error" or error.status == 402:
        return _declined(error.code, error.decline_code, error.text, reference)
    if error.code in {"amount_too_small", "amount_too_large"}:
        return Declined(code=DeclineCode.LIMIT_EXCEEDED, text=error.text)
    if error.code == "resource_missing" and "payment" in error.text.lower():
        wrong = DeclineCode.INVALID_INPUT if "PaymentMethod" in error.text else None
        if wrong:
            return Declined(code=wrong, text=error.text, retry=Retry.SAME)
    return Declined(code=DeclineCode.INVALID_REQUEST, text=error.text, retry=Retry.OTHER_METHOD)


def _declined(code: str, decline_code: str, text: str, reference: str | None) -> Declined:
    why, retry = decline(code, decline_code)
    said = _QUIET if why is DeclineCode.FRAUD_SUSPECTED else text
    return Declined(code=why, text=said, retry=retry, reference=reference)
