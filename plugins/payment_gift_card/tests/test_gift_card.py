"""Cards that pay, hold, give back and refuse."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from hookspecs import (
    Call,
    CaptureRequest,
    DeclineCode,
    Declined,
    Done,
    FactKind,
    InquireRequest,
    Money,
    NotFound,
    NotSent,
    RefundRequest,
    Secret,
    StartRequest,
    Unknown,
    Verb,
    VoidRequest,
)
from payment_gift_card.codes import digest_of, new_code
from payment_gift_card.ledger import issue
from payment_gift_card.models import GiftCard, Taking
from payment_gift_card.plugin import payment_strategies
from payment_gift_card.settings import Settings
from payment_gift_card.strategy import GiftCardStrategy

Start = Callable[..., StartRequest]


def asking(kind: type[Any], request: StartRequest, **more: Any) -> Any:
    names = ("operation_id", "payment_id", "amount", "order")
    given = {name: getattr(request, name) for name in names}
    return kind(**{**given, "operation_id": f"{kind.__name__}-1", **more})


def looking(request: StartRequest) -> InquireRequest:
    return InquireRequest(
        operation_id=request.operation_id,
        payment_id=request.payment_id,
        amount=request.amount,
        order=request.order,
        verb=Verb.START,
        sent_at=timezone.now(),
    )


def balance() -> int:
    return GiftCard.objects.get().balance_minor


def told(answer: Any) -> list[tuple[FactKind, int]]:
    assert isinstance(answer, Done), answer
    return [(fact.kind, fact.amount.minor) for fact in answer.facts]


def test_a_card_pays_what_is_asked(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    answer = strategy.start(starting(card.lower().replace("-", " ")), call)

    assert told(answer) == [(FactKind.CAPTURED, 1999)]
    assert balance() == 3001


def test_a_card_that_holds_less_pays_what_it_holds(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    answer = strategy.start(starting(card, minor=9000), call)

    assert told(answer) == [(FactKind.CAPTURED, 5000)]
    assert balance() == 0


def test_the_same_operation_takes_once(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    request = starting(card)

    answers = [strategy.start(request, call) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert balance() == 3001


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"digest": digest_of("another")}, DeclineCode.INVALID_INPUT),
        ({"tenant": "another"}, DeclineCode.INVALID_INPUT),
        ({"blocked": True}, DeclineCode.INVALID_INPUT),
        ({"expires_at": timezone.now() - timedelta(days=1)}, DeclineCode.EXPIRED),
        ({"currency": "USD"}, DeclineCode.NOT_SUPPORTED),
        ({"balance_minor": 0}, DeclineCode.INSUFFICIENT_FUNDS),
    ],
)
def test_a_card_that_cant_pay_says_why(
    strategy: GiftCardStrategy,
    starting: Start,
    call: Call,
    card: str,
    changes: dict[str, Any],
    code: DeclineCode,
) -> None:
    GiftCard.objects.update(**changes)

    answer = strategy.start(starting(card), call)

    assert isinstance(answer, Declined)
    assert answer.code is code
    assert not Taking.objects.exists()


def test_past_the_deadline_nothing_moves(
    strategy: GiftCardStrategy, starting: Start, card: str
) -> None:
    late, request = Call(deadline=time.monotonic() - 1), starting(card)

    assert isinstance(strategy.start(request, late), NotSent)
    assert isinstance(strategy.inquire(looking(request), late), Unknown)
    with pytest.raises(TimeoutError):
        strategy.statement(timezone.now(), timezone.now(), late)
    assert balance() == 5000


@pytest.mark.parametrize(
    ("minor", "left", "kinds"),
    [
        (1999, 3001, ["AUTHORIZED", "CAPTURED"]),
        (1000, 4000, ["AUTHORIZED", "CAPTURED", "AUTHORIZATION_CLOSED"]),
    ],
)
def test_a_hold_is_captured_and_the_rest_goes_back(
    strategy: GiftCardStrategy,
    starting: Start,
    call: Call,
    card: str,
    minor: int,
    left: int,
    kinds: list[str],
) -> None:
    request = starting(card, capture_now=False)
    held = strategy.start(request, call)
    assert isinstance(held, Done)
    capture = asking(
        CaptureRequest,
        request,
        amount=Money(minor, "EUR"),
        authorization_id=held.facts[0].object_id,
    )

    answers = [strategy.capture(capture, call) for _ in range(2)]

    assert answers[0] == answers[1]
    assert [kind.value for kind, _ in told(answers[0])] == kinds
    assert balance() == left


def test_a_hold_is_given_back_once(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    request = starting(card, capture_now=False)
    held = strategy.start(request, call)
    assert isinstance(held, Done)
    void = asking(VoidRequest, request, authorization_id=held.facts[0].object_id)

    answers = [strategy.void(void, call) for _ in range(2)]

    assert [told(one)[-1][0] for one in answers] == [FactKind.AUTHORIZATION_CLOSED] * 2
    assert balance() == 5000


def test_what_was_captured_cant_be_voided_and_what_was_voided_cant_be_captured(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    taken, held = starting(card), starting(card, capture_now=False)
    names = [strategy.start(one, call).reference for one in (taken, held)]  # type: ignore[union-attr]
    strategy.void(asking(VoidRequest, held, authorization_id=names[1]), call)

    void = strategy.void(asking(VoidRequest, taken, reference=names[0]), call)
    capture = strategy.capture(asking(CaptureRequest, held, authorization_id=names[1]), call)

    assert isinstance(void, Declined)
    assert isinstance(capture, Declined)
    assert balance() == 3001


def test_money_goes_back_in_parts_and_never_more_than_was_taken(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    request = starting(card)
    capture_id = str(strategy.start(request, call).reference)  # type: ignore[union-attr]

    def refund(key: str, minor: int) -> Any:
        asked = {"operation_id": key, "amount": Money(minor, "EUR"), "capture_id": capture_id}
        return strategy.refund(asking(RefundRequest, request, **asked), call)

    answers = [refund("a", 999), refund("a", 999), refund("b", 1000), refund("c", 1)]

    assert told(answers[2])[1:] == [(FactKind.REFUNDED, 999), (FactKind.REFUNDED, 1000)]
    assert isinstance(answers[3], Declined)
    assert balance() == 5000


def test_no_other_currency_is_captured_or_given_back(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    taken, held = starting(card), starting(card, capture_now=False)
    names = [str(strategy.start(one, call).reference) for one in (taken, held)]  # type: ignore[union-attr]
    dollars = Money(100, "USD")

    refund = asking(RefundRequest, taken, amount=dollars, capture_id=names[0])
    capture = asking(CaptureRequest, held, amount=dollars, authorization_id=names[1])
    answers = [strategy.refund(refund, call), strategy.capture(capture, call)]

    assert [one.code for one in answers if isinstance(one, Declined)] == [
        DeclineCode.INVALID_REQUEST
    ] * 2


@pytest.mark.parametrize("capture_id", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_nothing_is_given_back_of_what_nobody_took(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str, capture_id: str
) -> None:
    refund = asking(RefundRequest, starting(card), capture_id=capture_id)

    answer = strategy.refund(refund, call)

    assert isinstance(answer, Declined)
    assert answer.code is DeclineCode.INVALID_REQUEST


def test_looking_up_needs_our_own_ids_only(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    request = starting(card)
    before = strategy.inquire(looking(request), call)
    answer = strategy.start(request, call)

    after = strategy.inquire(looking(request), call)

    assert isinstance(before, NotFound)
    assert after == answer


def test_the_statement_tells_what_moved_in_a_period(
    strategy: GiftCardStrategy, starting: Start, call: Call, card: str
) -> None:
    began = timezone.now()
    request = starting(card)
    answer = strategy.start(request, call)
    assert isinstance(answer, Done)

    notices = list(strategy.statement(began, timezone.now(), call))

    assert [(one.payment_id, one.facts) for one in notices] == [(request.payment_id, answer.facts)]
    assert list(strategy.statement(began - timedelta(days=1), began, call)) == []


def test_the_command_issues_a_card_and_shows_its_code_once(
    strategy: GiftCardStrategy, starting: Start, call: Call
) -> None:
    out = StringIO()

    call_command("issue_gift_card", "12.500", "KWD", "--expires", "2999-12-31", stdout=out)

    code = out.getvalue().strip()
    answer = strategy.start(starting(code, minor=12_500, currency="KWD"), call)
    assert told(answer) == [(FactKind.CAPTURED, 12_500)]
    assert digest_of(code) == GiftCard.objects.get().digest


@pytest.mark.parametrize(
    "wrong", [("0", "EUR"), ("1.999", "EUR"), ("1", "eur"), ("1", "EUR", "--expires", "soon")]
)
def test_the_command_refuses_what_is_no_card(wrong: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        call_command("issue_gift_card", *wrong)


def test_a_sample_card_is_never_empty_in_the_sandbox_and_nothing_elsewhere(
    starting: Start, call: Call
) -> None:
    settings = Settings(sample_code=Secret(code := new_code()))
    sandbox, shop = (GiftCardStrategy(settings, sandbox=on) for on in (True, False))

    refused = shop.start(starting(code), call)
    paid = [sandbox.start(starting(code, minor=200_000), call) for _ in range(2)]

    assert isinstance(refused, Declined)
    assert [told(one) for one in paid] == [[(FactKind.CAPTURED, 200_000)]] * 2


def test_the_hook_offers_it() -> None:
    (offered,) = payment_strategies(Settings())

    assert offered.info.code == "gift-card"
    assert [one.secret for one in offered.info.inputs] == [True]


def test_no_amount_can_be_edited_in_the_console(admin_client: Client, card: str) -> None:
    page = f"/admin/payment_gift_card/giftcard/{GiftCard.objects.get().pk}/change/"

    shown = admin_client.get(page)
    admin_client.post(
        page,
        {
            "note": "n",
            "balance_minor": "999999",
            "takings-TOTAL_FORMS": 0,
            "takings-INITIAL_FORMS": 0,
        },
    )
    listed = admin_client.get("/admin/payment_gift_card/giftcard/")
    added = admin_client.get("/admin/payment_gift_card/giftcard/add/")

    assert (shown.status_code, listed.status_code, added.status_code) == (200, 200, 403)
    assert "50.00 EUR" in shown.content.decode()
    assert dataclasses.astuple(Money(balance(), "EUR")) == (5000, "EUR")


def test_a_card_is_blocked_from_the_console(admin_client: Client, card: str) -> None:
    chosen = {"_selected_action": GiftCard.objects.get().pk}
    states = []

    for action in ("block", "unblock"):
        admin_client.post("/admin/payment_gift_card/giftcard/", {"action": action, **chosen})
        states.append(GiftCard.objects.get().blocked)

    assert states == [True, False]


def test_a_card_worth_nothing_isnt_issued() -> None:
    with pytest.raises(ValueError, match="worth"):
        issue(Money(0, "EUR"), tenant="default", now=timezone.now())
