"""Every way a plugin can fail to fit: named in one plain line and left out, the others go on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from core.hooks.states import State
from tests.hooks.gallery import RULE, STRATEGY, TELL, Gallery, view


@dataclass(frozen=True)
class Rogue:
    plugin: str = ""
    hooks: tuple[str, ...] = ("order_placed",)
    why: str = ""
    state: State = State.LOAD_FAILED
    more: dict[str, Any] = field(default_factory=dict)


PAY = ("payment_strategies",)
PRICE = ("pricing_rules",)


def offering(body: str, *, hook: str = "payment_strategies", made: str = "Offer()") -> str:
    return f"{body}\n@hookimpl\ndef {hook}():\n    return [{made}]\n"


METHODS = """
    def start(self, request, call): return Done()
    def inquire(self, request, call): return NotFound()
"""
INFO = '    info = PaymentInfo(code="rogue", label="Rogue")\n'

ROGUES = {
    "raises at import": Rogue("raise RuntimeError('no licence')", why="RuntimeError: no licence"),
    "exits at import": Rogue("raise SystemExit(3)", why="SystemExit: 3"),
    "can't be parsed": Rogue("def (", why="SyntaxError"),
    "imports what isn't there": Rogue("import not_there_at_all", why="No module named 'not_there"),
    "package that can't be imported": Rogue(
        TELL, why="raised ZeroDivisionError", more={"init": "1 / 0"}
    ),
    "misspelt hook": Rogue(
        "@hookimpl\ndef order_palced(event): pass",
        why="implements order_palced, which is no hook; did you mean order_placed?",
    ),
    "undeclared hook": Rogue(
        TELL + "\n@hookimpl\ndef order_paid(event): pass",
        why="implements order_paid, which its plugin.toml doesn't declare",
    ),
    "declares a hook that isn't one": Rogue(
        TELL, hooks=("order_placed", "order_shipped"), why="plugin.toml declares order_shipped"
    ),
    "declares a hook and hasn't it": Rogue(
        TELL,
        hooks=("order_placed", "order_paid"),
        why="plugin.toml declares order_paid, and nothing implements it",
    ),
    "wrong signature": Rogue(
        "@hookimpl\ndef order_placed(order): pass",
        why="order_placed takes order, but is given event and settings only",
    ),
    "takes anything": Rogue(
        "@hookimpl\ndef order_placed(event, **more): pass", why="order_placed takes **more"
    ),
    "keyword-only": Rogue(
        "@hookimpl\ndef order_placed(*, event): pass",
        why="order_placed has a keyword-only parameter, event",
    ),
    "async": Rogue("@hookimpl\nasync def order_placed(event): pass", why="order_placed is async"),
    "generator": Rogue(
        "@hookimpl\ndef order_placed(event): yield 1", why="order_placed is a generator"
    ),
    "wrapper": Rogue(
        "@hookimpl(wrapper=True)\ndef order_placed(event):\n    return (yield)",
        why="order_placed is a wrapper",
    ),
    "old wrapper": Rogue(
        "@hookimpl(hookwrapper=True)\ndef order_placed(event):\n    yield",
        why="order_placed is a wrapper",
    ),
    "two names for one hook": Rogue(
        TELL + "\n@hookimpl(specname='order_placed')\ndef also(event): pass",
        why="implements order_placed twice",
    ),
    "another contract": Rogue(
        "raise RuntimeError('never imported')",
        state=State.INCOMPATIBLE,
        why="it wants the contract >=2,<3, this is 1.0",
        more={"api": ">=2,<3"},
    ),
    "no range": Rogue(TELL, why="api = 'newest' is no range", more={"api": "newest"}),
    "no plugin.toml": Rogue(TELL, why="holds no plugin.toml", more={"toml": ""}),
    "broken plugin.toml": Rogue(TELL, why="plugin.toml can't be read", more={"toml": "title = "}),
    "plugin.toml lacks a key": Rogue(
        TELL, why="plugin.toml lacks api, hooks", more={"toml": 'title = "x"'}
    ),
    "plugin.toml with a stranger": Rogue(
        TELL, why="plugin.toml has unknown keys: colour", more={"more": 'colour = "red"'}
    ),
    "no package": Rogue(TELL, why="can't be found", more={"entry": "nowhere_at_all.plugin"}),
    "entry point names no module": Rogue(
        TELL, why="its entry point names no module", more={"entry": "a:b"}
    ),
    "pages that can't be imported": Rogue(
        TELL,
        why="importing its pages PACKAGE.urls raised ZeroDivisionError",
        more={"more": 'urls = "PACKAGE.urls"', "files": {"urls.py": "1 / 0"}},
    ),
    "pages without addresses": Rogue(
        TELL,
        why="hold no list urlpatterns",
        more={"more": 'urls = "PACKAGE.urls"', "files": {"urls.py": ""}},
    ),
    "settings that aren't there": Rogue(
        TELL,
        why="has no attribute 'Settings'",
        more={"more": 'settings = "PACKAGE.settings:Settings"', "files": {"settings.py": ""}},
    ),
    "settings that can change": Rogue(
        TELL,
        why="Settings is not frozen",
        more={
            "more": 'settings = "PACKAGE.settings:Settings"',
            "files": {
                "settings.py": """
                from dataclasses import dataclass
                @dataclass
                class Settings:
                    key: str
                """
            },
        },
    ),
    "settings of a strange type": Rogue(
        TELL,
        why="Settings.key: settings can't have the type <class 'bytes'>",
        more={
            "more": 'settings = "PACKAGE.settings:Settings"',
            "files": {
                "settings.py": """
                from dataclasses import dataclass
                @dataclass(frozen=True)
                class Settings:
                    key: bytes
                """
            },
        },
    ),
    "offer hook raises": Rogue(
        "@hookimpl\ndef payment_strategies(): raise OSError('disk full')",
        hooks=PAY,
        why="payment_strategies raised OSError: disk full",
    ),
    "offer hook exits": Rogue(
        "@hookimpl\ndef payment_strategies(): raise SystemExit(3)",
        hooks=PAY,
        why="payment_strategies raised SystemExit: 3",
    ),
    "offers raise half way": Rogue(
        "@hookimpl\ndef payment_strategies():\n    yield 1\n    raise OSError('late')",
        hooks=PAY,
        why="payment_strategies raised OSError: late",
    ),
    "offers nothing at all": Rogue(
        "@hookimpl\ndef payment_strategies(): pass",
        hooks=PAY,
        why="answered NoneType, expected a sequence",
    ),
    "offers a class": Rogue(
        offering("class Offer:\n" + INFO + METHODS, made="Offer"),
        hooks=PAY,
        why="lacks an instance: it is a class",
    ),
    "offer lacks a method": Rogue(
        offering("class Offer:\n" + INFO + "    def start(self, request, call): return Done()"),
        hooks=PAY,
        why="payment_strategies offers Offer, which lacks inquire",
    ),
    "offer of another kind": Rogue(
        offering("class Offer:\n" + INFO + METHODS, hook="pricing_rules"),
        hooks=PRICE,
        why="pricing_rules offers Offer, which lacks propose",
    ),
    "info of another kind": Rogue(
        offering("class Offer:\n    info = 'rogue'\n" + METHODS),
        hooks=PAY,
        why="info is str, expected PaymentInfo",
    ),
    "info raises": Rogue(
        offering(
            "class Offer:\n    @property\n    def info(self): raise OSError('gone')\n" + METHODS
        ),
        hooks=PAY,
        why="looking at an offer raised OSError: gone",
    ),
    "info with a lazy text": Rogue(
        offering(
            "class Lazy: pass\n"
            "class Offer:\n    info = PaymentInfo(code='rogue', label=Lazy())\n" + METHODS
        ),
        hooks=PAY,
        why="PaymentInfo.label is Lazy, expected str",
    ),
    "code that is none": Rogue(
        offering("class Offer:\n    info = PaymentInfo(code='a b', label='x')\n" + METHODS),
        hooks=PAY,
        why="code = 'a b' is no code",
    ),
    "method takes too little": Rogue(
        offering(
            "class Offer:\n" + INFO + METHODS.replace("start(self, request, call)", "start(self)")
        ),
        hooks=PAY,
        why="Offer.start can't be called with (request, call)",
    ),
    "method is async": Rogue(
        offering("class Offer:\n" + INFO + METHODS.replace("def start", "async def start")),
        hooks=PAY,
        why="Offer.start is async",
    ),
    "optional method is wrong": Rogue(
        offering("class Offer:\n" + INFO + METHODS + "    def refund(self, request): pass"),
        hooks=PAY,
        why="Offer.refund can't be called with (request, call)",
    ),
    "method is a value": Rogue(
        offering("class Offer:\n" + INFO + METHODS + "    refund = 3"),
        hooks=PAY,
        why="Offer.refund can't be called",
    ),
    "one code twice": Rogue(
        offering("class Offer:\n" + INFO + METHODS, made="Offer(), Offer()"),
        hooks=PAY,
        why="payment_strategies offers 'rogue' twice",
    ),
    "a code another one uses": Rogue(
        STRATEGY.format(code="honest", account=None),
        hooks=PAY,
        why="payment_strategies: 'honest' is already offered by honest",
    ),
    "a rule's key another one uses": Rogue(
        RULE.format(key="honest-rule", optional=False),
        hooks=PRICE,
        why="pricing_rules: 'honest-rule' is already offered by honest",
    ),
    "a group defined twice": Rogue(
        RULE.format(key="x", optional=False).replace(
            "phase=Phase.LINE", "phase=Phase.LINE, group=Group(name='', mode=Mode.BEST)"
        ),
        hooks=PRICE,
        why="group '' is BEST with order 0 here, STACK with order 0 in the core",
    ),
    "a name that is none": Rogue(TELL, why="small letters, digits and dashes"),
}


@pytest.mark.parametrize("title", ROGUES)
def test_a_rogue_is_named_in_one_line_and_left_out(title: str, gallery: Gallery) -> None:
    rogue = ROGUES[title]
    name = "Rogue_1" if title == "a name that is none" else "rogue"
    gallery.add(
        "honest",
        STRATEGY.format(code="honest", account=None)
        + RULE.format(key="honest-rule", optional=False)
        + TELL,
        hooks=(*PAY, *PRICE, "order_placed"),
    )
    package = gallery.add(name, rogue.plugin, hooks=rogue.hooks, **rogue.more)

    registry = gallery.build()

    left_out = view(registry, name)
    assert left_out.state is rogue.state
    assert rogue.why.replace("PACKAGE", package) in left_out.why
    assert "\n" not in left_out.why
    [problem] = registry.problems
    assert problem.plugin == name
    assert left_out.why in problem.text
    assert view(registry, "honest").state is State.ENABLED
    assert list(registry.strategies) == ["honest"]
    assert [rule.info.key for rule in registry.rules] == ["honest-rule"]
    assert [tell.plugin for tell in registry.tells["order_placed"]] == ["honest"]


def test_two_packages_with_one_name_are_both_refused(gallery: Gallery) -> None:
    gallery.add("twin", TELL, hooks=("order_placed",), distribution="first", package="twin_first")
    gallery.add("twin", TELL, hooks=("order_placed",), distribution="second", package="twin_two")
    gallery.add("honest", TELL, hooks=("order_placed",))

    registry = gallery.build()

    assert [problem.plugin for problem in registry.problems] == ["twin", "twin"]
    assert "two packages bring a plugin of this name: first and second" in registry.problems[0].text
    assert [tell.plugin for tell in registry.tells["order_placed"]] == ["honest"]


def test_a_control_without_a_fault_is_let_in(gallery: Gallery) -> None:
    gallery.add("rogue", TELL, hooks=("order_placed",))

    registry = gallery.build()

    assert registry.problems == ()
    assert view(registry, "rogue").state is State.ENABLED


def test_a_channel_and_a_warmer_that_clash_are_refused(gallery: Gallery) -> None:
    channel = """
    class Offer:
        info = ChannelInfo(code="mail", label="Mail", address="email")
        def deliver(self, message, call): return Accepted()
    class Warm:
        info = WarmerInfo(namespace="names", label="Names", depends_on=frozenset(), ttl=timedelta(1))
        def plan(self, change, catalogue): return []
        def load(self, keys, catalogue): return {}
    @hookimpl
    def HOOK(): return [OFFER()]
    """
    for hook, made in (("notification_channels", "Offer"), ("cache_warmers", "Warm")):
        for name in ("first", "second"):
            gallery.add(
                f"{name}-{made.lower()}",
                channel.replace("HOOK", hook).replace("OFFER", made),
                hooks=(hook,),
            )

    registry = gallery.build()

    assert sorted(problem.plugin for problem in registry.problems) == [
        "second-offer",
        "second-warm",
    ]
    assert registry.channels["mail"].plugin == "first-offer"
    assert registry.warmers["names"].plugin == "first-warm"
