"""The gallery: about sixty packages, each of which does one thing wrong."""

from __future__ import annotations

from tests.rogues.kinds import PAYMENT, Rogue

DEADLINE = 0.3
"""What the calls of the gallery are given, in seconds."""

SECRET = "sk_live_canary_7f3a"
HANGS = "time.sleep(30)"
SECONDS = DEADLINE + 1.0
HUGE = "'x' * 10_000_000"
SETTINGS = """
from dataclasses import dataclass
from hookspecs import Secret

@dataclass(frozen=True, kw_only=True)
class Settings:
    key: Secret
"""
KEEPS_A_SECRET = (
    PAYMENT.replace(
        "class Offer:", "class Offer:\n    def __init__(self, settings): self.key = settings.key"
    )
    .replace("def payment_strategies()", "def payment_strategies(settings)")
    .replace("Offer()]", "Offer(settings)]")
)


def _pay(what: str, body: str, ends: str = "Unknown", says: str = "", **more: object) -> Rogue:
    given = {"method": "start", "within": SECONDS} | more
    return Rogue(name=f"rogue-pay-{what}", body=body, ends=ends, says=says, **given)  # type: ignore[arg-type]


def _price(what: str, body: str, says: str = "", **more: object) -> Rogue:
    given = {"method": "propose", "ends": "RuleFailedError"} | more
    return Rogue(name=f"rogue-price-{what}", body=body, says=says, **given)  # type: ignore[arg-type]


def _mail(what: str, body: str, says: str = "", **more: object) -> Rogue:
    given = {"method": "deliver", "ends": "Unknown", "within": SECONDS} | more
    return Rogue(name=f"rogue-mail-{what}", body=body, says=says, **given)  # type: ignore[arg-type]


def _tell(what: str, body: str, says: str = "", **more: object) -> Rogue:
    given = {"method": "product_changed", "ends": "PluginFailedError", "within": SECONDS} | more
    return Rogue(name=f"rogue-tell-{what}", body=body, says=says, **given)  # type: ignore[arg-type]


def _warm(what: str, method: str, body: str, says: str = "", **more: object) -> Rogue:
    given = {"ends": "PluginFailedError"} | more
    return Rogue(name=f"rogue-warm-{what}", method=method, body=body, says=says, **given)  # type: ignore[arg-type]


def _start(what: str, module: str, says: str, **more: object) -> Rogue:
    given = {"state": "LOAD_FAILED", "hooks": ("product_changed",)} | more
    return Rogue(name=f"rogue-start-{what}", module=module, says=says, **given)  # type: ignore[arg-type]


TOLD = "@hookimpl\ndef product_changed(event): pass\n"
OFFERS = ("payment_strategies",)

RAISES = (
    _pay("raises", "raise OSError('no route')", says="OSError: no route"),
    _pay("exits", "raise SystemExit(3)", says="SystemExit: 3"),
    _pay("interrupts", "raise KeyboardInterrupt", says="KeyboardInterrupt"),
    _pay("recurses", "return self.start(request, call)", says="RecursionError"),
    _pay("inquiry", "raise SystemExit(3)", says="SystemExit: 3", method="inquire"),
    _pay("refund", "raise OSError('x')", says="OSError: x", method="refund"),
    _pay("webhook", "raise SystemExit(3)", says="SystemExit: 3", method="read_webhook"),
    _price("raises", "raise OSError('no table')", "OSError: no table"),
    _price("exits", "raise SystemExit(3)", "SystemExit: 3"),
    _price("skipped", "raise OSError('x')", "failed: OSError: x", ends="Skip", optional=True),
    _price("recurses", "return self.propose(quote)", "RecursionError"),
    _price("prepare", "raise OSError('no rows')", "OSError: no rows", method="prepare"),
    _mail("raises", "raise OSError('no route')", "OSError: no route"),
    _mail("exits", "raise SystemExit(3)", "SystemExit: 3"),
    _tell("raises", "raise OSError('full')", "OSError: full"),
    _tell("exits", "raise SystemExit(3)", "SystemExit: 3"),
    _warm("raises", "plan", "raise OSError('x')", "OSError: x"),
    _warm("half-way", "plan", "yield 'a'\nraise OSError('x')", "OSError: x"),
    _warm("exits", "load", "raise SystemExit(3)", "SystemExit: 3"),
)

HANG = (
    _pay("hangs", HANGS, says="no answer within"),
    _pay("spins", "end = time.monotonic() + 2\nwhile time.monotonic() < end: pass\nreturn Done()"),
    _pay("inquiry-hangs", HANGS, says="no answer within", method="inquire"),
    _pay("refund-hangs", HANGS, says="no answer within", method="refund"),
    _pay("webhook-hangs", HANGS, says="no answer within", method="read_webhook"),
    _pay("fills-its-pool", HANGS, "NotSent", "busy", act="flood", within=SECONDS * 3),
    _pay("rests", "return Unknown(cause='down')", "NotSent", "too often: down", act="often"),
    _price("prepare-hangs", HANGS, "no answer within", method="prepare", within=SECONDS),
    _price(
        "slow",
        "time.sleep(0.06)\nreturn []",
        "rests after it failed too often: took 0.0",
        ends="Skip",
        act="often",
        optional=True,
    ),
    _price("never", "while quote.shipping_method == 'hang': pass\nreturn []", ends="tuple"),
    _price("slow-and-mandatory", "time.sleep(0.06)\nreturn []", ends="tuple", act="often"),
    _mail("hangs", HANGS, "no answer within"),
    _tell("hangs", HANGS, "no answer within"),
    _warm("plan-hangs", "plan", HANGS, "no answer within", within=SECONDS),
    _warm("load-hangs", "load", HANGS, "no answer within", within=SECONDS),
)

NONSENSE = (
    _pay("nothing", "pass", says="the answer is NoneType"),
    _pay("mapping", "return {'paid': True}", says="the answer is dict"),
    _pay("list", "return Done(facts=[])", says="Done.facts is list, expected tuple"),
    _pay(
        "nan",
        "return Done(facts=(Fact(kind=FactKind.CAPTURED, object_id='x', amount=float('nan')),))",
        says="Fact.amount is float",
    ),
    _pay("huge", f"return Done(reference={HUGE})", says="text of 10000000 characters"),
    _pay("huge-cause", f"raise OSError({HUGE})", says="OSError: xxx"),
    _pay(
        "endless",
        "while True: yield Notice(event_id='1')",
        says="more than 100000 items",
        method="statement",
        within=5.0,
    ),
    _price("nothing", "return None", "answered NoneType"),
    _price("text", "return 'ten percent'", "answered str"),
    _price("nan", "return [Adjustment(target='1', amount=Money(float('nan'), 'EUR'), reason='x')]"),
    _price("nan-rate", "return [Money(1, 'EUR').percent(Decimal('NaN'))]"),
    _price(
        "foreign",
        "return [Adjustment(target='1', amount=Money(-1, 'USD'), reason='x')]",
        "USD",
        act="compose",
    ),
    _price(
        "stranger",
        "return [Adjustment(target='nobody', amount=Money(-1, 'EUR'), reason='x')]",
        "nobody",
        act="compose",
    ),
    _price("number", "return [3]", act="compose"),
    _price("objects", "return {'x': object()}", "not plain data", method="prepare"),
    _mail("text", "return 'ok'", "the answer is str"),
    _mail("huge", f"return Accepted(reference={HUGE})", "text of 10000000 characters"),
    _warm("number", "plan", "return [3]", "planned int, expected a key"),
    _warm(
        "endless", "plan", "while True: yield 'a'", ends="list", act="after-a-change", within=20.0
    ),
    _warm("list", "load", "return ['a']", "expected a mapping"),
    _warm("objects", "load", "return {'a': object()}", "not plain data"),
)

MEDDLE = (
    _pay("changes", "request.amount = Money(1, 'EUR')", says="FrozenInstanceError"),
    _pay("rounds", "getcontext().prec = 1\nreturn Done()", "Done"),
    _pay(
        "speaks",
        "from django.utils import translation\ntranslation.activate('de')\nreturn Done()",
        "Done",
    ),
    _pay(
        "leaves-a-transaction",
        "from django.db import connection, transaction\n"
        "transaction.atomic().__enter__()\n"
        "connection.cursor().execute('CREATE TABLE spoiled (x int)')\n"
        "return Done()",
        "Done",
    ),
    _pay(
        "re-enters",
        "from django.apps import apps\n"
        "mine = apps.get_app_config('orderloom').first.strategies['rogue-pay-re-enters']\n"
        "return mine.start(request, call)",
        "NotSent",
        "busy",
        within=5.0,
    ),
    _pay(
        "upgraded",
        "import pathlib\n"
        "file = pathlib.Path(__file__)\n"
        "file.write_text(file.read_text() + 'UPGRADED = True\\n')\n"
        "return Done()",
        "Done",
        act="often",
    ),
    Rogue(
        name="rogue-pay-tells",
        module=KEEPS_A_SECRET.format(
            name="rogue-pay-tells",
            start="        raise RuntimeError(f'{self.key} is {self.key.reveal()}')",
            **dict.fromkeys(
                ("inquire", "refund", "read_webhook", "statement"), "        raise OSError"
            ),
        ),
        hooks=OFFERS,
        method="start",
        ends="Unknown",
        says="RuntimeError: •••••• is ••••••",
        more='settings = "rogue_pay_tells.settings:Settings"',
        files={"settings.py": SETTINGS},
    ),
    _price("changes", "quote.lines[0].amount = Money(1, 'EUR')", "FrozenInstanceError"),
    _price("changes-a-mapping", "quote.prepared['x'] = 1", "TypeError"),
    _price(
        "forces",
        "object.__setattr__(quote.lines[0], 'amount', Money(1, 'EUR'))\nreturn []",
        ends="Priced",
        says="total 99",
        act="compose",
    ),
    _price("rounds", "getcontext().prec = 1\nreturn []", ends="tuple"),
    _price(
        "speaks",
        "from django.utils import translation\ntranslation.activate('de')\nreturn []",
        ends="tuple",
    ),
    _price(
        "re-enters",
        "from django.apps import apps\n"
        "rules = apps.get_app_config('orderloom').first.rules\n"
        "return [r for r in rules if r.info.key == 'rogue-price-re-enters'][0].propose(quote)",
        "Rule rogue-price-re-enters of plugin",
    ),
    _mail("changes", "message.subject = 'spam'", "FrozenInstanceError"),
    _tell("changes", "event.skus = ()", "FrozenInstanceError"),
)

STARTS = (
    _start("raises", "raise RuntimeError('no licence')", "RuntimeError: no licence"),
    _start("exits", "raise SystemExit(3)", "SystemExit: 3"),
    _start("dawdles", "time.sleep(0.5)\n" + TOLD, "", state="ENABLED", act="dawdles"),
    _start("signature", "@hookimpl\ndef product_changed(order): pass", "takes order"),
    _start("misspelt", "@hookimpl\ndef product_chanegd(event): pass", "is no hook"),
    _start("async", "@hookimpl\nasync def product_changed(event): pass", "is async"),
    _start("contract", TOLD, "it wants the contract", state="INCOMPATIBLE", api=">=2,<3"),
    _start(
        "offers-exit",
        "@hookimpl\ndef payment_strategies(): raise SystemExit(3)",
        "SystemExit: 3",
        hooks=OFFERS,
    ),
    _start(
        "shares-a-code",
        PAYMENT.format(
            name="honest-pay",
            **dict.fromkeys(
                ("start", "inquire", "refund", "read_webhook", "statement"), "        return Done()"
            ),
        ),
        "'honest-pay' is already offered by honest-pay",
        hooks=OFFERS,
    ),
)

HONEST = tuple(
    Rogue(name=f"honest-{kind}", method="", ends=ends)
    for kind, ends in (
        ("pay", "Done"),
        ("price", "tuple"),
        ("mail", "Accepted"),
        ("tell", "NoneType"),
        ("warm", "dict"),
    )
)

BY_CLASS = {
    "raises": RAISES,
    "hangs": HANG,
    "nonsense": NONSENSE,
    "meddles": MEDDLE,
    "at the start": STARTS,
}
ROGUES = {rogue.name: rogue for rogues in BY_CLASS.values() for rogue in rogues}
EVERYBODY = ROGUES | {rogue.name: rogue for rogue in HONEST}
