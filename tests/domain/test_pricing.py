"""How proposals become a price: order, groups, floors, coupons, and steps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest

from core.domain.pricing import AskedRule, Priced, compose, order_rules
from core.domain.replay import stored_steps
from hookspecs import Adjustment, Group, Mode, Money, Phase, Quote, QuoteLine, Skip, Target
from tests.domain.quotes import a_line, a_quote, a_rule, a_tax, off_the_order, proposes, skips

BEST = Group(name="offers", mode=Mode.BEST)
FIRST = Group(name="offers", mode=Mode.FIRST)
EXCLUSIVE = Group(name="offers", mode=Mode.EXCLUSIVE)
LATER = Group(name="later", mode=Mode.STACK, order=1)


def priced(rules: Sequence[AskedRule], quote: Quote | None = None) -> Priced:
    return compose(
        quote=quote or a_quote(a_line("a", 1000), a_line("b", 500, 2)), rules=rules, taxes=[]
    )


def steps(outcome: Priced) -> dict[str, tuple[bool, str]]:
    return {step.rule: (step.applied, step.reason) for step in outcome.steps}


def test_an_order_without_rules_costs_its_lines_and_shipping() -> None:
    outcome = priced([], a_quote(a_line("a", 1999, 3), shipping=490))

    assert (outcome.goods_minor, outcome.shipping_minor, outcome.total_minor) == (5997, 490, 6487)
    assert outcome.steps == ()


def test_rules_stand_by_phase_group_order_group_name_priority_and_key() -> None:
    rules = [
        a_rule("z", skips(), priority=1),
        a_rule("b", skips()),
        a_rule("a", skips()),
        a_rule("late", skips(), group=LATER, priority=99),
        a_rule("named", skips(), group=Group(name="x", mode=Mode.STACK)),
        a_rule("base", skips(), phase=Phase.BASE),
        a_rule("round", skips(), phase=Phase.ROUND, priority=5),
        a_rule("ship", skips(), phase=Phase.SHIPPING),
    ]

    settled = [rule.info.key for rule in order_rules(reversed(rules))]

    assert settled == ["base", "z", "a", "b", "named", "late", "ship", "round"]


def test_stacked_rules_see_what_the_one_before_left() -> None:
    rules = [a_rule(key, off_the_order("10"), phase=Phase.ORDER) for key in ("one", "two")]

    outcome = priced(rules, a_quote(a_line("a", 1000)))

    assert [step.accepted_minor for step in outcome.steps] == [-100, -90]
    assert [step.running_minor for step in outcome.steps] == [900, 810]


def test_the_best_rule_of_a_group_wins_and_the_others_say_by_how_much_they_lost() -> None:
    rules = [
        a_rule("small", proposes({"a": -100}), group=BEST, priority=9),
        a_rule("big", proposes({"a": -250}), group=BEST),
        a_rule("none", skips("no coupon"), group=BEST),
    ]

    outcome = priced(rules)

    assert outcome.total_minor == 1750
    assert steps(outcome) == {
        "small": (False, "lost to Big by 1.50 EUR"),
        "big": (True, "because"),
        "none": (False, "no coupon"),
    }


def test_the_best_rule_is_the_one_whose_accepted_benefit_is_greatest() -> None:
    quote = a_quote(a_line("a", 1000, floor=950), a_line("b", 1000))
    rules = [
        a_rule("boast", proposes({"a": -900}), group=BEST),
        a_rule("real", proposes({"b": -60}), group=BEST),
    ]

    outcome = priced(rules, quote)

    assert steps(outcome)["boast"] == (False, "lost to Real by 0.10 EUR")
    assert outcome.total_minor == 1940


def test_equal_benefits_go_to_the_higher_priority_then_to_the_first_key() -> None:
    rules = [
        a_rule("b", proposes({"a": -100}), group=BEST),
        a_rule("c", proposes({"a": -100}), group=BEST, priority=1),
        a_rule("a", proposes({"a": -100}), group=BEST),
    ]

    with_priority = steps(priced(rules))
    without = steps(priced([rule for rule in rules if rule.info.key != "c"]))

    assert [key for key, (applied, _) in with_priority.items() if applied] == ["c"]
    assert without["b"] == (False, "lost to A, which gives the same and comes first")


def test_the_cheapest_of_several_charges_is_the_best() -> None:
    rules = [
        a_rule("post", proposes({"SHIPPING": 490}), phase=Phase.SHIPPING, group=BEST),
        a_rule("courier", proposes({"SHIPPING": 990}), phase=Phase.SHIPPING, group=BEST),
    ]

    outcome = priced(rules)

    assert outcome.shipping_minor == 490
    assert steps(outcome)["courier"] == (False, "lost to Post by 5.00 EUR")


def test_a_group_whose_rules_all_skip_changes_nothing() -> None:
    outcome = priced([a_rule("a", skips(), group=BEST), a_rule("b", proposes({}), group=BEST)])

    assert steps(outcome) == {"a": (False, "not today"), "b": (False, "nothing to propose")}
    assert outcome.total_minor == 2000


def test_the_first_rule_that_proposes_wins_and_later_groups_are_asked() -> None:
    rules = [
        a_rule("none", skips(), group=FIRST, priority=2),
        a_rule("one", proposes({"a": -1}), group=FIRST, priority=1),
        a_rule("two", proposes({"a": -500}), group=FIRST),
        a_rule("after", proposes({"a": -10}), group=LATER),
    ]

    outcome = priced(rules)

    assert outcome.total_minor == 1989
    assert steps(outcome)["two"] == (False, "not asked: One came first")


def test_an_exclusive_rule_keeps_later_groups_of_its_phase_from_being_asked() -> None:
    rules = [
        a_rule("one", proposes({"a": -1}), group=EXCLUSIVE),
        a_rule("after", proposes({"a": -10}), group=LATER),
        a_rule("next-phase", proposes({"ORDER": -100}), phase=Phase.ORDER),
    ]

    outcome = priced(rules)

    assert outcome.total_minor == 1899
    assert steps(outcome)["after"] == (False, "not asked: One excludes it")


def test_an_exclusive_group_that_proposes_nothing_excludes_nobody() -> None:
    rules = [
        a_rule("one", skips(), group=EXCLUSIVE),
        a_rule("after", proposes({"a": -10}), group=LATER),
    ]

    assert priced(rules).total_minor == 1990


def test_a_line_stops_at_its_floor_and_the_cut_shows() -> None:
    outcome = priced([a_rule("cut", proposes({"a": -900}))], a_quote(a_line("a", 1000, floor=400)))

    (step,) = outcome.steps
    assert (step.proposed_minor, step.accepted_minor, outcome.total_minor) == (-900, -600, 400)


def test_a_line_never_costs_less_than_nothing() -> None:
    quote = a_quote(a_line("a", 1000, floor=-500))

    assert priced([a_rule("cut", proposes({"a": -2000}))], quote).total_minor == 0


def test_a_line_below_its_floor_stays_where_it_is() -> None:
    quote = a_quote(a_line("a", 100, floor=400))

    outcome = priced([a_rule("cut", proposes({"a": -1}))], quote)

    assert outcome.total_minor == 100
    assert steps(outcome)["cut"] == (False, "nothing left to change: because")


def test_the_order_is_shared_over_what_the_lines_of_the_same_rule_leave() -> None:
    quote = a_quote(a_line("a", 1000), a_line("b", 1000))
    rule = a_rule("both", proposes({"ORDER": -300, "a": -500}), phase=Phase.ORDER)

    outcome = priced([rule], quote)

    assert [line.total_minor for line in outcome.lines] == [400, 800]
    assert [line.adjustment_minor for line in outcome.lines] == [-600, -200]


def test_a_surcharge_on_the_order_is_shared_too_and_evenly_over_free_lines() -> None:
    quote = a_quote(a_line("b", 0), a_line("a", 0))

    outcome = priced([a_rule("fee", proposes({"ORDER": 5}), phase=Phase.ORDER)], quote)

    assert {line.line_id: line.total_minor for line in outcome.lines} == {"a": 3, "b": 2}


def test_shipping_and_fees_stop_at_nothing_while_rounding_may_go_below() -> None:
    rules = [
        a_rule("ship", proposes({"SHIPPING": -900}), phase=Phase.SHIPPING),
        a_rule("fee", proposes({"FEES": -1}), phase=Phase.FEE),
        a_rule("round", proposes({"ROUNDING": -2}), phase=Phase.ROUND),
    ]

    outcome = priced(rules, a_quote(a_line("a", 1002), shipping=490))

    assert (outcome.shipping_minor, outcome.fees_minor, outcome.rounding_minor) == (0, 0, -2)
    assert outcome.total_minor == 1000


def test_cash_rounding_sees_the_total_with_added_tax() -> None:
    def to_five(quote: Quote) -> Sequence[Adjustment]:
        off = -(quote.total.minor % 5)
        return [Adjustment(target=Target.ROUNDING, amount=Money(off, "EUR"), reason="cash")]

    quote = a_quote(a_line("a", 1001), prices_include_tax=False)

    outcome = compose(
        quote=quote, rules=[a_rule("cash", to_five, phase=Phase.ROUND)], taxes=[a_tax("19")]
    )

    assert (outcome.tax_minor, outcome.rounding_minor, outcome.total_minor) == (190, -1, 1190)
    assert [step.phase for step in outcome.steps] == ["TAX", "ROUND"]


@pytest.mark.parametrize(
    ("phase", "target"),
    [
        (Phase.BASE, "ORDER"),
        (Phase.LINE, "ORDER"),
        (Phase.LINE, "SHIPPING"),
        (Phase.LINE, "nobody"),
        (Phase.ORDER, "SHIPPING"),
        (Phase.ORDER, "FEES"),
        (Phase.SHIPPING, "a"),
        (Phase.SHIPPING, "FEES"),
        (Phase.FEE, "SHIPPING"),
        (Phase.ROUND, "ORDER"),
        (Phase.ROUND, "FEES"),
    ],
)
def test_a_target_outside_its_phase_fails_the_quote_and_names_the_rule(
    phase: Phase, target: str
) -> None:
    rule = a_rule("stray", proposes({target: -1}), phase=phase, plugin="acme")

    with pytest.raises(Exception, match=f"stray of plugin acme 1.2.*{phase.name} can't") as failed:
        priced([rule])

    assert failed.value.code == "RULE_FAILED"  # type: ignore[attr-defined]
    assert failed.value.details == {"rule": "stray", "plugin": "acme"}  # type: ignore[attr-defined]


def adjustment(**changes: Any) -> Adjustment:
    parts: dict[str, Any] = {"target": "a", "amount": Money(-1, "EUR"), "reason": "x"}
    return Adjustment(**(parts | changes))


BROKEN_ANSWERS = [
    (None, "answered NoneType"),
    ("a text", "answered str"),
    (iter(()), "answered"),
    ({"a": 1}, "answered dict"),
    ([None], "proposed NoneType"),
    ([Money(1, "EUR")], "proposed Money"),
    ([adjustment(amount=-1)], "an amount is Money, not int"),
    ([adjustment(amount=float("nan"))], "an amount is Money, not float"),
    ([adjustment(amount=Money(-1, "USD"))], "proposed USD for a quote in EUR"),
    ([adjustment(amount=Money(10**19, "EUR"))], "at most 1000000000000000000 minor units"),
    ([adjustment(coupon=["FREE"])], "wasn't given"),
    ([adjustment(reason=None)], "a reason is a text"),
    ([adjustment(target=None)], "a target is a line id or a Target"),
    ([adjustment(coupon="FREE")], "coupon 'FREE' wasn't given"),
    (Skip(reason=None), "skipped with NoneType"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("answer", "wrong"), BROKEN_ANSWERS)
def test_an_answer_that_breaks_the_contract_fails_the_quote(answer: object, wrong: str) -> None:
    with pytest.raises(Exception, match=wrong) as failed:
        priced([a_rule("broken", lambda _: answer)])

    assert failed.value.code == "RULE_FAILED"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("answer", "wrong"), BROKEN_ANSWERS)
def test_an_optional_rule_that_breaks_the_contract_is_left_out_and_says_why(
    answer: object, wrong: str
) -> None:
    outcome = priced([a_rule("broken", lambda _: answer, optional=True)])

    (step,) = outcome.steps
    assert not step.applied
    assert step.reason.startswith("left out: ")
    assert wrong in step.reason
    assert outcome.total_minor == 2000


def test_a_coupon_counts_only_if_its_adjustment_was_applied() -> None:
    def uses(coupon: str, amount: int) -> Any:
        return proposes({"a": amount}, coupon=coupon)

    quote = a_quote(a_line("a", 1000), coupons=frozenset({"GOOD", "LOST", "LATE", "IDLE"}))
    rules = [
        a_rule("good", uses("GOOD", -1000), group=BEST),
        a_rule("lost", uses("LOST", -10), group=BEST),
        a_rule("late", uses("LATE", -10), group=LATER),
    ]

    outcome = priced(rules, quote)

    assert outcome.coupons == ("GOOD",)
    assert steps(outcome)["late"] == (False, "nothing left to change: because")


def test_a_coupon_for_something_free_counts_though_no_amount_moves() -> None:
    quote = a_quote(a_line("a", 1000), coupons=frozenset({"GIFT"}))

    outcome = priced([a_rule("gift", proposes({"a": 0}, coupon="GIFT"))], quote)

    assert outcome.coupons == ("GIFT",)


def test_each_rule_sees_only_what_its_own_prepare_gave() -> None:
    seen: dict[str, dict[str, Any]] = {}

    def looks(key: str) -> Any:
        def propose(quote: Quote) -> Skip:
            seen[key] = dict(quote.prepared)
            return Skip(reason="looked")

        return propose

    outcome = compose(
        quote=a_quote(a_line("a", 1)),
        rules=[a_rule(key, looks(key)) for key in ("one", "two")],
        taxes=[],
        prepared={"one": {"rows": [1, 2]}},
    )

    assert seen == {"one": {"rows": [1, 2]}, "two": {}}
    assert outcome.receipt()["prepared"] == {"one": {"rows": [1, 2]}}


def test_what_was_prepared_reaches_a_rule_read_only() -> None:
    def scribble(quote: Quote) -> Skip:
        quote.prepared["mine"] = 1  # type: ignore[index]
        return Skip(reason="never")

    rules = [a_rule("one", scribble)]

    with pytest.raises(TypeError):
        compose(quote=a_quote(a_line("a", 1)), rules=rules, taxes=[], prepared={"one": {"x": 1}})


def test_a_rule_sees_every_field_of_a_line_whose_amount_changed() -> None:
    seen: list[QuoteLine] = []

    def looks(quote: Quote) -> Skip:
        seen.extend(quote.lines)
        return Skip(reason="looked")

    line = a_line(
        "a",
        1000,
        2,
        floor=7,
        tax_class="books",
        attributes={"colour": "red"},
        terms={"discount": "0.1"},
        categories=frozenset({"x"}),
    )

    priced([a_rule("cut", proposes({"a": -1})), a_rule("look", looks)], a_quote(line))

    assert seen[0].amount == Money(1999, "EUR")
    for field in fields(QuoteLine):
        if field.name != "amount":
            assert getattr(seen[0], field.name) == getattr(line, field.name)


def test_many_reasons_are_shown_shortened() -> None:
    quote = a_quote(*(a_line(f"l{n}", 100) for n in range(6)))
    many = [adjustment(target=f"l{n}", reason=f"why {n}") for n in range(6)]

    outcome = priced([a_rule("many", lambda _: many)], quote)

    assert steps(outcome)["many"] == (True, "why 0; why 1; why 2; and 3 more")


@pytest.mark.parametrize(
    "quote",
    [
        a_quote(a_line("a", 1), a_line("a", 2)),
        a_quote(a_line("ORDER", 1)),
        a_quote(a_line("a", 1, currency="USD")),
        a_quote(a_line("a", 1), fees=Money(1, "USD")),
    ],
)
def test_a_quote_that_makes_no_sense_is_refused(quote: Quote) -> None:
    with pytest.raises(ValueError, match=r"unique|isn't in EUR"):
        priced([], quote)


def test_the_receipt_is_plain_json_and_names_no_person() -> None:
    rules = [a_rule("one", proposes({"a": -1})), a_rule("two", skips())]

    outcome = compose(quote=a_quote(a_line("a", 1000)), rules=rules, taxes=[a_tax("7")])
    receipt = json.loads(json.dumps(outcome.receipt()))

    assert [step.rule for step in stored_steps(receipt)] == ["one", "two", "vat"]
    assert receipt["steps"][0][-1] == [["because", None, "a", -1]]
    assert receipt["steps"][2][-1] == [["VAT", "7", "a"]]
    assert receipt["total_minor"] == 999


def test_a_line_keeps_all_its_fields_but_the_amount_whatever_rules_do() -> None:
    line = a_line(
        "a",
        1000,
        3,
        floor=5,
        tax_class="books",
        attributes={"engraving": "A"},
        terms={"unit_price": "10.00"},
        categories=frozenset({"Mugs"}),
    )

    (after,) = priced([a_rule("off", proposes({"a": -100}))], a_quote(line)).quote.lines

    assert after == replace(line, amount=Money(2900, "EUR"))
