"""Replies, look-ups and webhooks that are about another amount, currency, account or payment (G8)."""

from __future__ import annotations

from typing import Any

import pytest

from core.application.payment_step import PaymentStep
from core.domain.errors import NothingToPay, PaymentUndecided
from core.hooks.registry import Registry
from core.models import Order, Payment
from hookspecs import Call, Finding, InquireRequest, Outcome, ResumeRequest
from payment_paypal_like.strategy import PaypalStrategy
from payment_stripe_like.strategy import StripeStrategy
from sandbox_gateways.process import SandboxProcess
from tests.gateways.stories import BelievedPaypal, BelievedStripe, Story, kind_of
from tests.gateways.till import (
    CHARGES,
    MERCHANT,
    Postbox,
    back,
    charged,
    incidents,
    order_one,
    page_of,
    payment_of,
    paypal_at,
    registry_at,
    start,
    stripe_at,
    sweep_now,
)

pytestmark = [pytest.mark.usefixtures("mugs"), pytest.mark.timeout(900)]
both = pytest.mark.parametrize("code", ["stripe", "paypal"])
what = pytest.mark.parametrize("what", ["amount", "currency", "account", "reference"])
LOOKS = {"stripe": r"GET /v1/checkout/sessions/\w+", "paypal": r"GET /v2/checkout/orders/\w+"}
TAKES = {"stripe": LOOKS["stripe"], "paypal": CHARGES["paypal"]}
"""The request whose reply says that money was taken."""
UNIT, CAPTURE = "purchase_units.0", "purchase_units.0.payments.captures.0"
ANSWERS: dict[tuple[str, str], dict[str, Any]] = {
    ("stripe", "amount"): {"payment_intent.amount_received": 999_900},
    ("stripe", "currency"): {"payment_intent.currency": "usd"},
    ("stripe", "account"): {"payment_intent.on_behalf_of": "acct_somebody"},
    ("stripe", "reference"): {"id": "cs_test_another"},
    ("paypal", "amount"): {f"{CAPTURE}.amount.value": "9999.00"},
    ("paypal", "currency"): {f"{CAPTURE}.amount.currency_code": "USD"},
    ("paypal", "account"): {f"{UNIT}.payee.merchant_id": "SOMEBODY"},
    ("paypal", "reference"): {"id": "ANOTHER"},
}
NEWS: dict[tuple[str, str], dict[str, Any]] = {
    ("stripe", "amount"): {"data.object.amount_received": 999_900},
    ("stripe", "currency"): {"data.object.currency": "usd"},
    ("stripe", "account"): {"account": "acct_somebody"},
    ("stripe", "reference"): {"data.object.id": "cs_test_another"},
    ("paypal", "amount"): {"resource.amount.value": "9999.00"},
    ("paypal", "currency"): {"resource.amount.currency_code": "USD"},
    ("paypal", "account"): {"resource.payee.merchant_id": "SOMEBODY"},
    ("paypal", "reference"): {"resource.supplementary_data.related_ids.order_id": "ANOTHER"},
}
PAID = {
    "stripe": {"payment_intent.succeeded", "checkout.session.completed"},
    "paypal": {"PAYMENT.CAPTURE.COMPLETED"},
}
TOLD = {"amount": "OVER_CAPTURED", "reference": "REFERENCE_MISMATCH"}


class CredulousStripe(StripeStrategy):
    """Without its protection: whatever comes back is said to be what was asked for."""

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        return _as_asked(super().resume(request, call), request)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return _as_asked(super().inquire(request, call), request)


class CredulousPaypal(PaypalStrategy):
    """Without its protection: whatever comes back is said to be what was asked for."""

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        return _as_asked(super().resume(request, call), request)

    def inquire(self, request: InquireRequest, call: Call, /) -> Finding:
        return _as_asked(super().inquire(request, call), request)


def _as_asked(answer: Any, request: Any) -> Any:
    import dataclasses

    if not getattr(answer, "facts", ()):
        return answer
    facts = tuple(
        dataclasses.replace(fact, amount=request.amount, account=None) for fact in answer.facts
    )
    return dataclasses.replace(answer, facts=facts, reference=request.reference)


def tills(sandbox: SandboxProcess, stripe: Any, paypal: Any) -> Registry:
    return registry_at(
        stripe_at(sandbox.base, kind=stripe, account="till"),
        paypal_at(sandbox.base, kind=paypal, merchant_id=MERCHANT),
    )


@pytest.fixture
def accounts(sandbox: SandboxProcess) -> Registry:
    return tills(sandbox, StripeStrategy, PaypalStrategy)


def paid_on_page(code: str, *, sandbox: SandboxProcess, plugins: Registry) -> PaymentStep:
    step = start(order_one(plugins=plugins), code, plugins=plugins)
    sandbox.click(page_of(step))
    return step


def check_refused(step: PaymentStep, kind: str, *, plugins: Registry) -> None:
    order = Order.objects.get(pk=step.order_id)
    assert order.status == "CONFIRMED", "a mismatch paid the order"
    assert order.payment_status not in ("PAID", "PARTIALLY_PAID"), order.payment_status
    assert TOLD.get(kind, "FOREIGN") in incidents(step), "nobody was told"


@both
@what
def test_a_reply_about_something_else_pays_nothing(
    sandbox: SandboxProcess, accounts: Registry, code: str, what: str
) -> None:
    step = paid_on_page(code, sandbox=sandbox, plugins=accounts)
    changes = ANSWERS[code, what]
    match = f"({TAKES[code]}|{LOOKS[code]})"
    sandbox.control("POST faults", match=match, do="alter", changes=changes, times=-1)

    resumed = back(step, plugins=accounts)

    check_refused(step, what, plugins=accounts)
    assert resumed.operation_status == "UNKNOWN"
    with pytest.raises((PaymentUndecided, NothingToPay)):  # no second charge is offered meanwhile
        start(step, "stripe" if code == "paypal" else "paypal", plugins=accounts)
    assert charged(sandbox, [step]) == [1]


@both
@what
def test_a_look_up_about_something_else_pays_nothing(
    sandbox: SandboxProcess, accounts: Registry, code: str, what: str
) -> None:
    step = paid_on_page(code, sandbox=sandbox, plugins=accounts)
    if code == "paypal":
        sandbox.control("POST faults", match=TAKES[code], do="drop")
        back(step, plugins=accounts)
    changes = ANSWERS[code, what]
    sandbox.control("POST faults", match=LOOKS[code], do="alter", changes=changes, times=-1)

    sweep_now(plugins=accounts, times=3)

    check_refused(step, what, plugins=accounts)
    assert charged(sandbox, [step]) == [1]


@both
@what
def test_a_webhook_about_something_else_pays_nothing(
    sandbox: SandboxProcess, code: str, what: str
) -> None:
    plugins = tills(sandbox, BelievedStripe, BelievedPaypal)
    story = altered_story(code, sandbox=sandbox, plugins=plugins, changes=NEWS[code, what])
    stripe_kind = (
        "checkout.session.completed" if what == "reference" else "payment_intent.succeeded"
    )
    wanted = stripe_kind if code == "stripe" else "PAYMENT.CAPTURE.COMPLETED"

    story.tell([one for one in story.told if kind_of(one) == wanted], plugins=plugins)

    check_refused(story.step, what, plugins=plugins)


@both
@what
def test_a_webhook_about_something_else_is_a_reason_to_look_and_no_more(
    sandbox: SandboxProcess, accounts: Registry, code: str, what: str
) -> None:
    story = altered_story(code, sandbox=sandbox, plugins=accounts, changes=NEWS[code, what])

    story.tell(story.told, plugins=accounts)

    order, payment = Order.objects.get(pk=story.step.order_id), payment_of(story.step)
    assert (order.status, order.payment_status, payment.status) == ("PAID", "PAID", "CAPTURED")
    assert set(incidents(story.step)) <= {"REFERENCE_MISMATCH"}
    assert charged(sandbox, [story.step]) == [1]


def altered_story(
    code: str, *, sandbox: SandboxProcess, plugins: Registry, changes: dict[str, Any]
) -> Story:
    """A payment taken behind the shop's back, told by webhooks that are signed but altered."""
    with Postbox() as postbox:
        sandbox.control("POST webhooks", **{code: postbox.url}, alter=changes)
        step = start(order_one(plugins=plugins), code, plugins=plugins)
        sandbox.click(page_of(step))
        if code == "paypal":
            back(step, plugins=tills(sandbox, StripeStrategy, Capturing))
        told = postbox.wait_for(lambda kept: {kind_of(one) for one in kept} >= PAID[code])
    sandbox.control("DELETE webhooks")
    sandbox.control("POST webhooks", alter={})
    return Story(code=code, step=step, told=told)


class Capturing(PaypalStrategy):
    """Takes the money, and dies before it says so."""

    def resume(self, request: ResumeRequest, call: Call, /) -> Outcome:
        super().resume(request, call)
        raise RuntimeError("died")


@both
@pytest.mark.parametrize("what", ["amount", "currency", "account", "reference"])
def test_control_what_is_not_compared_pays(sandbox: SandboxProcess, code: str, what: str) -> None:
    plugins = tills(sandbox, CredulousStripe, CredulousPaypal)
    step = paid_on_page(code, sandbox=sandbox, plugins=plugins)
    match, changes = f"({TAKES[code]}|{LOOKS[code]})", ANSWERS[code, what]
    sandbox.control("POST faults", match=match, do="alter", changes=changes, times=-1)

    back(step, plugins=plugins)

    with pytest.raises(AssertionError, match="a mismatch paid the order"):
        check_refused(step, what, plugins=plugins)


@both
def test_control_the_same_webhook_unaltered_pays(sandbox: SandboxProcess, code: str) -> None:
    plugins = tills(sandbox, BelievedStripe, BelievedPaypal)
    story = altered_story(code, sandbox=sandbox, plugins=plugins, changes={})

    story.tell(story.told, plugins=plugins)

    assert Order.objects.get(pk=story.step.order_id).status == "PAID"


@both
def test_one_mistaken_reply_is_put_right_by_the_next_look_up(
    sandbox: SandboxProcess, accounts: Registry, code: str
) -> None:
    step = paid_on_page(code, sandbox=sandbox, plugins=accounts)
    changes = ANSWERS[code, "reference"]
    sandbox.control("POST faults", match=TAKES[code], do="alter", changes=changes)

    back(step, plugins=accounts)
    sweep_now(plugins=accounts, times=2)

    assert Order.objects.get(pk=step.order_id).status == "PAID"
    assert incidents(step) == ["REFERENCE_MISMATCH"]


def test_less_than_was_asked_pays_nothing(sandbox: SandboxProcess, accounts: Registry) -> None:
    step = paid_on_page("stripe", sandbox=sandbox, plugins=accounts)
    changes = {"payment_intent.amount_received": 999}
    sandbox.control("POST faults", match=LOOKS["stripe"], do="alter", changes=changes, times=-1)

    back(step, plugins=accounts)

    assert Order.objects.get(pk=step.order_id).status == "CONFIRMED"
    assert Payment.objects.get(pk=step.payment_id).status == "PARTIALLY_CAPTURED"
