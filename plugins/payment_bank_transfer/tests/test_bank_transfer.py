"""Instructions, references and statements."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from hookspecs import (
    Call,
    Customer,
    Declined,
    FactKind,
    InquireRequest,
    Money,
    NeedsCustomer,
    NotConfigured,
    Notice,
    NotSent,
    OrderSnapshot,
    PaymentStrategy,
    ReadsWebhooks,
    Refunds,
    Show,
    StartRequest,
    Unknown,
    Untrusted,
    Verb,
    Webhook,
)
from payment_bank_transfer.plugin import payment_strategies
from payment_bank_transfer.reference import printed, read_reference, reference_of
from payment_bank_transfer.settings import Settings
from payment_bank_transfer.strategy import BankTransfer

IBAN = "DE02120300000000202051"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HEAD = "booked_on,amount,currency,reference,transaction_id\n"
AS_FILE = {"content-type": "text/csv", "x-orderloom-source": "file"}


@pytest.fixture
def strategy() -> BankTransfer:
    return BankTransfer(Settings(iban=IBAN, account_holder="Our Shop"))


@pytest.fixture
def call() -> Call:
    return Call(deadline=time.monotonic() + 5)


PRICE = Money(1999, "EUR")


def common(amount: Money = PRICE, number: str = "7QK3M-9T2XA") -> dict[str, Any]:
    nothing = Money(0, amount.currency)
    sums = dict.fromkeys(("shipping", "fees", "tax", "rounding"), nothing)
    order = OrderSnapshot(
        number=number,
        tenant="default",
        placed_at=NOW,
        customer=Customer(ref=""),
        lines=(),
        total=amount,
        **sums,
    )
    return {"operation_id": "op-1", "payment_id": "p-1", "amount": amount, "order": order}


def starting(**changes: Any) -> StartRequest:
    urls = dict.fromkeys(("return_url", "cancel_url", "webhook_url"), "http://127.0.0.1:9/")
    return StartRequest(**common(**changes), **urls)


def read(strategy: BankTransfer, call: Call, *lines: str, **headers: str) -> Any:
    body = (HEAD + "".join(f"{line}\n" for line in lines)).encode()
    given = AS_FILE | {name.replace("_", "-"): text for name, text in headers.items()}
    return strategy.read_webhook(Webhook(body=body, headers=given, received_at=NOW), call)


def test_a_transfer_has_no_refund_and_reads_statements(strategy: BankTransfer) -> None:
    parts = [isinstance(strategy, part) for part in (PaymentStrategy, ReadsWebhooks, Refunds)]

    assert parts == [True, True, False]


def test_the_hook_offers_it() -> None:
    (offered,) = payment_strategies(Settings(iban=IBAN, account_holder="Our Shop"))

    assert offered.info.code == "bank-transfer"
    assert offered.info.account == IBAN


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1999, "EUR", "19.99 EUR"), (500, "JPY", "500 JPY"), (1999, "KWD", "1.999 KWD")],
)
def test_the_customer_is_told_account_amount_and_reference(
    strategy: BankTransfer, call: Call, minor: int, currency: str, text: str
) -> None:
    answer = strategy.start(starting(amount=Money(minor, currency)), call)

    assert isinstance(answer, NeedsCustomer)
    assert isinstance(answer.action, Show)
    assert answer.action.details["IBAN"] == "DE02 1203 0000 0000 2020 51"
    assert answer.action.details["Amount"] == text
    assert answer.reference is not None
    assert answer.action.details["Reference"] == printed(answer.reference)
    assert answer.expires_at == datetime(2026, 1, 19, 12, tzinfo=UTC)


def test_looking_up_tells_the_same_again(strategy: BankTransfer, call: Call) -> None:
    about = InquireRequest(**common(), verb=Verb.START, sent_at=NOW)

    assert strategy.inquire(about, call) == strategy.start(starting(), call)


def test_past_the_deadline_nothing_is_said(strategy: BankTransfer) -> None:
    late = Call(deadline=time.monotonic() - 1)
    about = InquireRequest(**common(), verb=Verb.START, sent_at=NOW)

    assert isinstance(strategy.start(starting(), late), NotSent)
    assert isinstance(strategy.inquire(about, late), Unknown)
    assert isinstance(read(strategy, late), Unknown)


def test_a_reference_is_one_of_iso_11649() -> None:
    assert reference_of("539007547034") == "RF18539007547034"


@pytest.mark.parametrize("number", ["", "----", "x" * 22])
def test_a_number_of_which_no_reference_can_be_made_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="no reference"):
        reference_of(number)


@pytest.mark.parametrize(
    "written",
    [
        "RF18539007547034",
        "rf18 5390 0754 7034",
        "Invoice: RF18 5390-0754-7034.",
        "RF 18 539007547034 thank you",
    ],
)
def test_a_reference_is_found_however_it_is_written(written: str) -> None:
    assert read_reference(written) == "RF18539007547034"


def test_every_mistyped_sign_of_a_reference_is_noticed() -> None:
    reference = reference_of("7QK3M-9T2XA")
    wrong = [
        reference[:at] + sign + reference[at + 1 :]
        for at in range(2, len(reference))
        for sign in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        if sign != reference[at]
    ]

    assert [one for one in wrong if read_reference(one) == one] == []


def test_a_booking_is_a_capture_of_what_came_in(strategy: BankTransfer, call: Call) -> None:
    reference = reference_of("7QK3M-9T2XA")

    (notice,) = read(strategy, call, f"2026-01-06,19.99,EUR,{printed(reference)},4711")

    (fact,) = notice.facts
    assert (notice.event_id, notice.reference) == ("4711", reference)
    assert (fact.kind, fact.object_id, fact.account) == (FactKind.CAPTURED, "4711", IBAN)
    assert fact.amount == Money(1999, "EUR")
    assert fact.at == datetime(2026, 1, 6, tzinfo=UTC)


def test_several_lines_are_several_bookings_and_what_went_out_is_left_out(
    strategy: BankTransfer, call: Call
) -> None:
    lines = ("2026-01-06,5,JPY,a,1", "2026-01-06,-3.00,EUR,b,2", "2026-01-06,1.250,KWD,c,3")

    notices = read(strategy, call, *lines)

    assert [one.facts[0].amount for one in notices] == [Money(5, "JPY"), Money(1250, "KWD")]


def test_a_reference_that_is_none_is_kept_for_a_person(strategy: BankTransfer, call: Call) -> None:
    (notice,) = read(strategy, call, "2026-01-06,19.99,EUR,for the tea,1")

    assert notice == Notice(event_id="1", reference="for the tea", facts=notice.facts)


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-06,19.999,EUR,a,1",
        "2026-01-06,19,eur,a,1",
        "2026-01-06,NaN,EUR,a,1",
        '2026-01-06,"19,99",EUR,a,1',
        "06.01.2026,19.99,EUR,a,1",
        "2026-01-06,19.99,EUR,a,",
        "2026-01-06,19.99,EUR",
        '2026-01-06,19.99,EUR,"a,1',
    ],
)
def test_a_line_that_cant_be_read_refuses_the_whole_file(
    strategy: BankTransfer, call: Call, line: str
) -> None:
    answer = read(strategy, call, "2026-01-06,1.00,EUR,a,0", line)

    assert isinstance(answer, Untrusted)
    assert "line 3" in answer.cause


def test_a_booking_that_stands_twice_is_one_unless_it_differs(
    strategy: BankTransfer, call: Call
) -> None:
    line = "2026-01-06,1.00,EUR,a,1"

    assert len(read(strategy, call, line, line)) == 1
    assert isinstance(read(strategy, call, line, line.replace("1.00", "2.00")), Untrusted)


@pytest.mark.parametrize("body", [b"", b"a,b\n1,2\n", b"\xff\xfe", b'{"amount": 1}'])
def test_what_is_no_statement_is_refused(strategy: BankTransfer, call: Call, body: bytes) -> None:
    webhook = Webhook(body=body, headers=AS_FILE, received_at=NOW)

    assert isinstance(strategy.read_webhook(webhook, call), Untrusted)


@pytest.mark.parametrize("source", ["", "http", "File"])
def test_what_was_not_handed_in_as_a_file_is_not_believed(
    strategy: BankTransfer, call: Call, source: str
) -> None:
    answer = read(strategy, call, "2026-01-06,1.00,EUR,a,0", x_orderloom_source=source)

    assert isinstance(answer, Untrusted)


def test_what_is_no_csv_is_not_read(strategy: BankTransfer, call: Call) -> None:
    answer = read(strategy, call, "2026-01-06,1.00,EUR,a,0", content_type="application/json")

    assert isinstance(answer, Untrusted)


def test_an_order_without_a_number_cant_be_paid_so(strategy: BankTransfer, call: Call) -> None:
    answer = strategy.start(starting(number="-"), call)

    assert isinstance(answer, Declined)


@pytest.mark.parametrize(
    "wrong",
    [
        {"iban": "DE03120300000000202051"},
        {"iban": "nothing"},
        {"account_holder": " "},
        {"currencies": ("euro",)},
    ],
)
def test_settings_that_cant_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(NotConfigured):
        Settings(**{"iban": IBAN, "account_holder": "Our Shop", **wrong})
