"""What is offered, to whom, and what is said of plugins that can't be asked."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from core.domain.errors import (
    NotSupported,
    PluginFailedError,
    PluginUnavailable,
    RuleFailedError,
)
from core.hooks.build import build
from core.hooks.guard import CallReport, Ended
from core.hooks.guarded import Limits
from core.hooks.loader import load
from core.hooks.settings import GivenSettings
from core.hooks.states import Code, KnownPlugin, PluginStates, State
from hookspecs import (
    Call,
    Customer,
    Done,
    InquireRequest,
    Money,
    NotFound,
    NotSent,
    OrderSnapshot,
    ProductEvent,
    Quote,
    QuoteLine,
    Skip,
    StartRequest,
    Unknown,
    Verb,
)
from tests.hooks.gallery import RULE, STRATEGY, TELL, Gallery, view

PAY = ("payment_strategies",)
PRICE = ("pricing_rules",)
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
EUR = Money(0, "EUR")
ORDER = OrderSnapshot(
    number="1",
    tenant="default",
    placed_at=NOW,
    customer=Customer(ref="c"),
    lines=(),
    shipping=EUR,
    fees=EUR,
    tax=EUR,
    rounding=EUR,
    total=Money(100, "EUR"),
)
START = StartRequest(
    operation_id="op",
    payment_id="p",
    amount=Money(100, "EUR"),
    order=ORDER,
    return_url="r",
    cancel_url="c",
    webhook_url="w",
)
QUOTE = Quote(
    tenant="default",
    currency="EUR",
    now=NOW,
    customer=None,
    shipping=EUR,
    fees=EUR,
    tax=EUR,
    rounding=EUR,
    lines=(
        QuoteLine(
            line_id="1",
            sku="a",
            quantity=1,
            list_price=Money(100, "EUR"),
            amount=Money(100, "EUR"),
            floor=EUR,
        ),
    ),
)


def soon(seconds: float = 5) -> Call:
    return Call(deadline=time.monotonic() + seconds)


def paying(body: str) -> str:
    """A strategy whose `start` is given, and which can refund."""
    return f"""
class Pay:
    info = PaymentInfo(code="pay", label="Pay")
    def start(self, request, call):
        {body}
    def inquire(self, request, call):
        return NotFound()
@hookimpl
def payment_strategies():
    return [Pay()]
"""


def test_a_switched_off_plugin_is_offered_to_nobody_and_serves_what_is_open(
    gallery: Gallery,
) -> None:
    gallery.add(
        "pay",
        STRATEGY.format(code="pay", account=None) + RULE.format(key="k", optional=False) + TELL,
        hooks=(*PAY, *PRICE, "order_placed"),
    )

    registry = gallery.build(PluginStates(disabled=frozenset({"pay"})))

    assert view(registry, "pay").state is State.DISABLED
    assert (registry.strategies, registry.rules, registry.tells) == ({}, (), {})
    assert registry.strategy(plugin="pay", code="pay").start(START, soon()) == Done(reference="r-1")


def test_what_is_absent_from_the_allow_list_is_not_imported(gallery: Gallery) -> None:
    gallery.add("kept", TELL, hooks=("order_placed",))
    gallery.add("other", "raise RuntimeError('imported')", hooks=("order_placed",))

    registry = gallery.build(allow=frozenset({"kept"}))

    assert view(registry, "other").state is State.BLOCKED
    assert view(registry, "other").why == "not named in ORDERLOOM_PLUGINS"
    assert view(registry, "kept").state is State.ENABLED
    assert registry.problems == ()


def test_an_empty_allow_list_leaves_an_empty_registry(gallery: Gallery) -> None:
    gallery.add("pay", STRATEGY.format(code="pay", account=None), hooks=PAY)

    registry = gallery.build(allow=frozenset())

    assert registry.strategies == {}
    assert view(registry, "pay").state is State.BLOCKED


def test_a_name_on_the_allow_list_that_nobody_provides_is_a_problem(gallery: Gallery) -> None:
    registry = gallery.build(allow=frozenset({"pya"}))

    assert [(each.plugin, each.id) for each in registry.problems] == [("pya", "orderloom.W003")]


def test_safe_mode_loads_bundled_distributions_only(gallery: Gallery) -> None:
    gallery.add("theirs", "raise RuntimeError('imported')", hooks=("order_placed",))
    gallery.add("ours", TELL, hooks=("order_placed",), distribution="orderloom-events-log")

    registry = gallery.build(safe_mode=True)

    assert view(registry, "theirs").state is State.BLOCKED
    assert view(registry, "theirs").why == "not bundled, and ORDERLOOM_SAFE_MODE is on"
    assert view(registry, "ours").state is State.ENABLED


@pytest.mark.parametrize(("sandbox", "state"), [(False, State.BLOCKED), (True, State.ENABLED)])
def test_a_sandbox_plugin_is_loaded_in_the_sandbox_only(
    sandbox: bool, state: State, gallery: Gallery
) -> None:
    gallery.add("play", TELL, hooks=("order_placed",), more='only_in = "sandbox"')

    registry = gallery.build(sandbox=sandbox)

    assert view(registry, "play").state is state


def test_an_uninstalled_plugin_answers_with_the_package_to_install(gallery: Gallery) -> None:
    known = KnownPlugin(name="gone", distribution="acme-gone", title="Gone")

    registry = gallery.build(PluginStates(known=(known,)))

    assert view(registry, "gone").state is State.MISSING
    with pytest.raises(PluginUnavailable, match="install acme-gone") as caught:
        registry.strategy(plugin="gone", code="pay")
    assert caught.value.details["plugin"] == "gone"
    assert caught.value.details["distribution"] == "acme-gone"


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        ("raise OSError('x')", "LOAD_FAILED: importing"),
        (STRATEGY.format(code="other", account=None), "no longer offers 'pay'"),
    ],
)
def test_a_plugin_that_cannot_serve_is_unavailable_and_says_why(
    plugin: str, why: str, gallery: Gallery
) -> None:
    gallery.add("pay", plugin, hooks=PAY)

    registry = gallery.build()

    with pytest.raises(PluginUnavailable, match=why) as caught:
        registry.strategy(plugin="pay", code="pay")
    assert caught.value.details["distribution"] == "orderloom-pay"


def test_another_account_is_never_used_for_an_existing_payment(gallery: Gallery) -> None:
    gallery.add("pay", STRATEGY.format(code="pay", account="till-2"), hooks=PAY)

    registry = gallery.build()

    assert registry.strategy(plugin="pay", code="pay", account="till-2").info.account == "till-2"
    with pytest.raises(PluginUnavailable, match="another account than till-1"):
        registry.strategy(plugin="pay", code="pay", account="till-1")


def test_webhooks_of_a_plugin_that_is_gone_are_refused_and_those_of_others_read(
    gallery: Gallery,
) -> None:
    reading = "\n    def read_webhook(self, webhook, call): return []\n\n@hookimpl"
    gallery.add(
        "pay", STRATEGY.format(code="pay", account=None).replace("\n@hookimpl", reading), hooks=PAY
    )

    registry = gallery.build(PluginStates(disabled=frozenset({"pay"})))

    assert [each.info.code for each in registry.reading_webhooks("pay")] == ["pay"]
    with pytest.raises(PluginUnavailable):
        registry.reading_webhooks("nobody")


PRICES = KnownPlugin(name="price", distribution="orderloom-price", was_on=True, prices=True)
BROKEN = "raise OSError('x')"


@pytest.mark.parametrize(
    ("title", "plugin", "how", "states", "gone"),
    [
        ("broken", BROKEN, {}, PluginStates(known=(PRICES,)), True),
        ("missing", None, {}, PluginStates(known=(PRICES,)), True),
        ("incompatible", "", {"api": "<1.0"}, PluginStates(known=(PRICES,)), True),
        ("safe mode", RULE, {"safe_mode": True}, PluginStates(known=(PRICES,)), True),
        ("not allowed", RULE, {"allow": frozenset()}, PluginStates(known=(PRICES,)), False),
        (
            "missing, not allowed",
            None,
            {"allow": frozenset()},
            PluginStates(known=(PRICES,)),
            False,
        ),
        (
            "broken and off",
            BROKEN,
            {},
            PluginStates(known=(PRICES,), disabled=frozenset({"price"})),
            False,
        ),
        (
            "missing and off",
            None,
            {},
            PluginStates(known=(PRICES,), disabled=frozenset({"price"})),
            False,
        ),
        ("never on", BROKEN, {}, PluginStates(), False),
        ("well", RULE, {}, PluginStates(known=(PRICES,)), False),
    ],
)
def test_pricing_that_was_on_is_missed_unless_somebody_decided_so(
    title: str,
    plugin: str | None,
    how: dict[str, object],
    states: PluginStates,
    gone: bool,
    gallery: Gallery,
) -> None:
    given = dict(how)
    if plugin is not None:
        api = str(given.pop("api", ">=1.0,<2"))
        gallery.add("price", plugin.format(key="k", optional=False), hooks=PRICE, api=api)

    registry = gallery.build(states, **given)

    assert registry.pricing_gone == (("price",) if gone else ()), title


def test_pricing_that_lacks_its_settings_is_missed(gallery: Gallery) -> None:
    gallery.add(
        "price",
        RULE.format(key="k", optional=False),
        hooks=PRICE,
        more='settings = "PACKAGE.settings:Settings"',
        files={
            "settings.py": """
            from dataclasses import dataclass
            @dataclass(frozen=True)
            class Settings:
                rate: int
            """
        },
    )

    registry = gallery.build(PluginStates(known=(PRICES,), refreshed=True))

    assert view(registry, "price").state is State.NOT_CONFIGURED
    assert registry.pricing_gone == ("price",)
    assert [each.id for each in registry.problems] == ["orderloom.W004"]


def test_a_mandatory_rule_that_raises_fails_the_quote_and_is_reported(gallery: Gallery) -> None:
    reports: list[CallReport] = []
    broken = RULE.replace("line.line_id", "1 / 0")
    gallery.add("price", broken.format(key="k", optional=False), hooks=PRICE)

    registry = gallery.build(report=reports.append)

    with pytest.raises(RuleFailedError, match="division by zero") as caught:
        registry.rules[0].propose(QUOTE)
    assert caught.value.details == {"rule": "k", "plugin": "price"}
    [report] = reports
    assert (report.called.plugin, report.called.hook, report.ended) == (
        "price",
        "propose",
        Ended.RAISED,
    )


def test_an_optional_rule_that_raises_is_skipped(gallery: Gallery) -> None:
    broken = RULE.replace("line.line_id", "1 / 0")
    gallery.add("price", broken.format(key="k", optional=True), hooks=PRICE)

    registry = gallery.build()

    assert registry.rules[0].propose(QUOTE) == Skip(
        reason="failed: ZeroDivisionError: division by zero"
    )


def test_rules_stand_in_the_settled_order(gallery: Gallery) -> None:
    early = RULE.replace("Phase.LINE", "Phase.BASE")
    gallery.add("a-late", RULE.format(key="b", optional=False), hooks=PRICE)
    gallery.add("b-late", RULE.format(key="a", optional=False), hooks=PRICE)
    gallery.add("c-early", early.format(key="z", optional=False), hooks=PRICE)

    registry = gallery.build()

    assert [rule.info.key for rule in registry.rules] == ["z", "a", "b"]


def test_taxes_and_rules_come_through_one_hook(gallery: Gallery) -> None:
    tax = """
    class Vat:
        info = TaxInfo(key="vat", label="VAT")
        def prepare(self, quote, call): return {"rate": "19"}
        def rates(self, quote): return [Tax(target="1", rate=Decimal("19"), code="VAT")]
    @hookimpl
    def pricing_rules(): return [Vat()]
    """
    gallery.add("tax", tax, hooks=PRICE)

    registry = gallery.build()

    assert registry.rules == ()
    assert len(registry.taxes[0].rates(QUOTE)) == 1
    assert registry.taxes[0].prepare is not None
    assert registry.taxes[0].prepare(QUOTE, soon()) == {"rate": "19"}


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("raise OSError('no route')", "OSError: no route"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("return None", "the answer is NoneType, expected one of Done"),
        ("return Done(facts=[])", "Done.facts is list, expected tuple"),
        ("return Done(facts=(3,))", "Done.facts is int, expected Fact"),
        ("return NotFound()", "the answer is NotFound, expected one of Done"),
        ("return Done(reference='x' * 100_000)", "Done.reference is a text of 100000"),
    ],
)
def test_what_a_strategy_breaks_is_unknown(body: str, cause: str, gallery: Gallery) -> None:
    gallery.add("pay", paying(body), hooks=PAY)
    registry = gallery.build()

    outcome = registry.strategies["pay"].start(START, soon())

    assert isinstance(outcome, Unknown)
    assert cause in outcome.cause


def test_nobody_waits_for_an_answer_past_the_deadline(gallery: Gallery) -> None:
    reports: list[CallReport] = []
    gallery.add("pay", "import time\n" + paying("time.sleep(9); return Done()"), hooks=PAY)
    registry = gallery.build(report=reports.append, limits=Limits(grace=0.05))

    began = time.monotonic()
    outcome = registry.strategies["pay"].start(START, soon(0.05))
    took = time.monotonic() - began

    assert outcome == Unknown(cause="no answer within 0.1 s")
    assert took < 3 * 0.5
    assert [(report.ended, report.overran) for report in reports] == [(Ended.ABANDONED, True)]


def test_an_answer_in_time_is_no_overrun_even_with_the_deadline_past(gallery: Gallery) -> None:
    reports: list[CallReport] = []
    gallery.add("pay", paying("return NotSent(cause='too late')"), hooks=PAY)
    registry = gallery.build(report=reports.append)

    outcome = registry.strategies["pay"].start(START, Call(deadline=0.0))

    assert outcome == NotSent(cause="too late")
    assert [report.overran for report in reports] == [False]


def test_a_strategy_can_do_what_it_has_methods_for(gallery: Gallery) -> None:
    gallery.add("pay", STRATEGY.format(code="pay", account=None), hooks=PAY)
    strategy = gallery.build().strategies["pay"]
    inquiry = InquireRequest(
        operation_id="op",
        payment_id="p",
        amount=EUR,
        order=ORDER,
        verb=Verb.START,
        sent_at=NOW,
    )

    finding = strategy.inquire(inquiry, soon())

    assert strategy.can == {"start", "inquire"}
    assert finding == NotFound()
    with pytest.raises(NotSupported, match="can't statement"):
        strategy.statement(NOW, NOW, soon())


def test_a_statement_that_raises_half_way_is_unknown(gallery: Gallery) -> None:
    half = STRATEGY.replace(
        "\n@hookimpl",
        "    def statement(self, since, until, call):\n"
        "        yield Notice(event_id='1')\n        raise OSError('cut off')\n\n@hookimpl",
    )
    gallery.add("pay", half.format(code="pay", account=None), hooks=PAY)

    answer = gallery.build().strategies["pay"].statement(NOW, NOW, soon())

    assert answer == Unknown(cause="OSError: cut off")


def test_a_tell_that_raises_says_so_and_the_others_are_told(
    gallery: Gallery, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = "@hookimpl\ndef product_changed(event): {}"
    gallery.add("a-broken", tell.format("1 / 0"), hooks=("product_changed",))
    gallery.add("b-well", tell.format("print(event.skus)"), hooks=("product_changed",))
    event = ProductEvent(id="e", at=NOW, tenant="default", skus=("a",))

    first, second = gallery.build().tells["product_changed"]

    with pytest.raises(PluginFailedError, match=r"a-broken 1\.0 failed in product_changed"):
        first.tell(event)
    second.tell(event)
    assert capsys.readouterr().out == "('a',)\n"


def test_a_plan_that_raises_half_way_is_a_failure_of_its_plugin(gallery: Gallery) -> None:
    warmer = """
    class Warm:
        info = WarmerInfo(namespace="n", label="N", depends_on=frozenset(), ttl=timedelta(1))
        def plan(self, change, catalogue):
            yield "a"
            raise OSError("cut off")
        def load(self, keys, catalogue): return {"a": object()}
    @hookimpl
    def cache_warmers(): return [Warm()]
    """
    gallery.add("warm", warmer, hooks=("cache_warmers",))
    offered = gallery.build().warmers["n"]

    keys = iter(offered.plan(None, None))  # type: ignore[arg-type]

    with pytest.raises(PluginFailedError, match="cut off"):
        next(keys)
    with pytest.raises(PluginFailedError, match="not plain data"):
        offered.load(["a"], None)  # type: ignore[arg-type]


def test_a_plugin_is_asked_once_per_settings(gallery: Gallery) -> None:
    counting = STRATEGY.format(code="pay", account=None).replace(
        "    return [Pay()]", "    ASKED.append(1)\n    return [Pay()]"
    )
    gallery.add("pay", "ASKED = []\n" + counting, hooks=PAY)
    loaded = gallery.load()
    function = loaded.plugins[0].implementations["payment_strategies"].function

    for disabled in (frozenset[str](), frozenset({"pay"})):
        build(loaded, PluginStates(disabled=disabled), GivenSettings(), lambda report: None)

    assert function.__globals__["ASKED"] == [1]


def test_after_and_before_settle_the_order(gallery: Gallery) -> None:
    gallery.add("a", TELL, hooks=("order_placed",), more='after = ["c", "not-installed"]')
    gallery.add("b", TELL, hooks=("order_placed",))
    gallery.add("c", TELL, hooks=("order_placed",))
    gallery.add("d", TELL, hooks=("order_placed",), more='before = ["b"]')

    registry = gallery.build()

    assert [tell.plugin for tell in registry.tells["order_placed"]] == ["c", "a", "d", "b"]


def test_plugins_that_go_round_in_a_circle_are_left_out(gallery: Gallery) -> None:
    gallery.add("a", TELL, hooks=("order_placed",), more='after = ["b"]')
    gallery.add("b", TELL, hooks=("order_placed",), more='after = ["a"]')
    gallery.add("c", TELL, hooks=("order_placed",), more='after = ["b"]')

    registry = gallery.build()

    assert [problem.plugin for problem in registry.problems] == ["a", "b"]
    assert "round in a circle: a, b" in registry.problems[0].text
    assert [tell.plugin for tell in registry.tells["order_placed"]] == ["c"]


def test_a_plugin_that_dawdles_at_import_is_named_and_the_others_go_on(gallery: Gallery) -> None:
    gallery.add("slow", "import time\ntime.sleep(0.3)\n" + TELL, hooks=("order_placed",))
    gallery.add("quick", TELL, hooks=("order_placed",))

    loaded = load(gallery.discover(), patience=0.2)

    [problem] = loaded.problems
    assert (problem.plugin, problem.id) == ("slow", "orderloom.W007")
    assert problem.text.startswith("importing it took 0.3 s")
    assert [plugin.code for plugin in loaded.plugins] == [Code.LOADED, Code.LOADED]
