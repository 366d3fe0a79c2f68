"""The suites find each planted fault, and nothing where there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hookspecs import API_VERSION
from tests.contract.penny_bank import PennyBank, PennyStrategy
from tests.contract.planted import InDollars, MembersOnly, RefusesLate, Sound
from tests.house.tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(240)]

FAULTS = {
    "NewKeyOnRetry": "test_the_same_key_twice_charges_once",
    "LostIsDeclined": "test_a_lost_answer_is_unknown",
    "OverRefund": "test_partial_refunds_add_up_and_never_pass_the_capture",
    "MembersOnly": "test_a_payment_can_be_started",
    "InDollars": "test_a_payment_can_be_started",
    "RefusesLate": "test_past_the_deadline_nothing_is_sent",
    "UnverifiedSignature": "test_a_forged_webhook_is_untrusted",
    "FutureTimestamp": "test_a_webhook_signed_in_the_future_is_untrusted[day]",
    "FloatAmount": "test_every_currency_is_charged_exactly[1999-EUR]",
    "WrongExponent": "test_every_currency_is_charged_exactly[500-JPY]",
    "ByReferenceOnly": "test_a_payment_is_found_without_the_providers_reference",
    "WritesState": "test_nothing_of_the_core_is_read_or_written",
    "BelievesWebhooks": "test_what_nobody_signed_brings_no_facts",
    # pricing
    "ReadsClock": "test_neither_clock_nor_anything_outside_is_read",
    "RollsDice": "test_neither_clock_nor_anything_outside_is_read",
    "ReadsFile": "test_neither_clock_nor_anything_outside_is_read",
    "Remembers": "test_the_same_quote_gives_the_same_answer",
    "ChangesQuote": "test_the_quote_is_left_as_it_was",
    "FirstLineOnly": "test_the_order_of_lines_changes_no_price",
    "InEuro": "test_amounts_are_in_the_currency_of_the_quote[JPY]",
    "EveryCoupon": "test_coupons_that_were_not_given_are_not_used",
    "DividesByNothing": "test_whatever_is_asked_the_core_takes_the_answer",
    "WrongTarget": "test_whatever_is_asked_the_core_takes_the_answer",
    "NoReason": "test_each_rule_proposes_something_and_says_why",
    "Generates": "test_they_are_rules",
    "AlwaysAnother": "test_info_is_the_same_at_every_look",
    "FloatAmounts": "test_each_rule_proposes_something_and_says_why",
    "FloatRates": "test_each_rule_proposes_something_and_says_why",
    "PreparesSets": "test_what_is_prepared_survives_the_receipt",
    # notification
    "Forges": "test_what_a_customer_could_write_goes_to_nobody_else",
    "RaisesOnBreaks": "test_what_a_customer_could_write_goes_to_nobody_else",
    "LostIsUndeliverable": "test_a_lost_answer_is_unknown_and_a_repeat_can_be_told",
    "LostIsNotSent": "test_a_lost_answer_is_unknown_and_a_repeat_can_be_told",
    "NewKeyEachTime": "test_the_same_message_again_can_be_told_by_its_key",
    "OneKeyForAll": "test_two_messages_have_two_keys",
    "ForgetsTheDeadline": "test_past_the_deadline_nothing_is_sent",
    "CutsText": "test_words_arrive_as_they_were_written",
    "AsciiOnly": "test_words_arrive_as_they_were_written",
    "SwallowsFailure": "test_what_cant_be_reached_is_tried_again",
    "LogsItsKey": "test_its_secrets_are_told_to_nobody",
    "BelievesReceipts": "test_a_forged_receipt_is_untrusted",
    "SaysTrue": "test_a_message_arrives",
    "KnowsNoSuchTell": "test_info_is_the_same_at_every_look_and_asks_nobody",
    # warmer
    "PlansEagerly": "test_a_round_is_planned_lazily",
    "RaisesOnMissing": "test_what_is_missing_is_no_fault",
    "KeepsProducts": "test_what_is_planned_can_be_loaded_as_plain_data",
    "OneByOne": "test_many_keys_are_read_together",
    "WarmerReadsFile": "test_only_the_catalogue_is_read",
    "KeepsForAll": "test_one_tenants_data_never_shows_at_anothers",
    "TrustsTheShelf": "test_a_catalogue_may_change_under_way",
    "KeysOfItsOwn": "test_what_is_planned_can_be_loaded_as_plain_data",
    "FailsOnEmpty": "test_an_empty_catalogue_is_no_fault",
    "PlansNumbers": "test_a_round_names_keys_and_each_once",
    "PlansForEver": "test_a_round_names_keys_and_each_once",
    "NamesTwice": "test_a_round_names_keys_and_each_once",
    "KnowsOneEvent": "test_a_change_it_knows_nothing_of_is_no_fault",
    "NoSuchTell": "test_info_is_the_same_at_every_look",
}
SUFFIXES = ("_pricing", "_notification", "_warmer")
CONTROLS = {
    **dict.fromkeys(("Sound", "LooksUp", "Members"), 26),
    **dict.fromkeys(("SoundRule", "SoundTax", "SoundChannel", "SoundNames", "SoundCheapest"), 12),
}
GALLERIES = tuple(f"tests/contract/planted{kind}.py" for kind in ("", *SUFFIXES))
_OURS = ("DATABASE_URL", "ORDERLOOM_TEST_RUN")
"""The run of the copies makes a database of its own, and drops it."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return reported(*GALLERIES, to=tmp_path_factory.mktemp("conformance"), seconds=230)


def reported(*galleries: str, to: Path, seconds: float) -> dict[str, Any]:
    """Run the suite once over every copy, as an author would, and read what it wrote."""
    path = to / "conformance.json"
    command = ["-m", "pytest", *galleries, "-q", "--tb=no", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, *command, "-p", "core.testing.conformance", "--conformance", str(path)],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if name not in _OURS},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert path.is_file(), done.stdout + done.stderr
    told: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return told


def suite(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in report["suites"] if one["suite"].endswith(f"::Test{name}"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(report: dict[str, Any], fault: str) -> None:
    found = suite(report, fault)

    assert FAULTS[fault] in found["failed"]
    assert found["compatible"] is False


@pytest.mark.parametrize("control", CONTROLS)
def test_without_a_fault_everything_passes(report: dict[str, Any], control: str) -> None:
    found = suite(report, control)

    assert found["failed"] == []
    assert found["compatible"] is True
    assert len(found["passed"]) >= CONTROLS[control]


def test_the_report_says_against_what_and_what_did_not_apply(report: dict[str, Any]) -> None:
    found = suite(report, "LooksUp")

    assert report["api_version"] == API_VERSION
    assert "signs" in found["not_applicable"]["test_a_forged_webhook_is_untrusted"]
    every = [*found["passed"], *found["failed"], *found["not_applicable"]]
    assert len(every) == len(set(every)) == len({*suite(report, "Sound")["passed"]} | {*every})


@pytest.mark.parametrize(
    ("kind", "case", "words"),
    [
        (MembersOnly, "test_a_payment_can_be_started", "declined: NOT_SUPPORTED members only; say"),
        (MembersOnly, "test_facts_are_typed", "19.99 EUR, declined: NOT_SUPPORTED members only"),
        (InDollars, "test_a_payment_can_be_started", "nothing was tried: .* doesn't take EUR; say"),
        (RefusesLate, "test_past_the_deadline_nothing_is_sent", "answer NotSent, and don't refuse"),
    ],
)
def test_a_case_says_what_was_answered(kind: type[PennyStrategy], case: str, words: str) -> None:
    tried = Sound()
    tried.bank = PennyBank()
    tried.tested = kind(tried.bank)

    with pytest.raises((AssertionError, pytest.fail.Exception, pytest.skip.Exception), match=words):
        getattr(tried, case)()
