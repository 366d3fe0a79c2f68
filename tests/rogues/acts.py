"""What is done with each rogue, in a process that runs where the gallery is installed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from importlib import import_module
from typing import Any, cast

from django.apps import apps
from django.db import connection
from django.utils import translation

from core.apps import OrderloomConfig
from core.domain.errors import OrderloomError
from core.domain.pricing import compose
from core.hooks.registry import Registry
from core.infrastructure.outside import in_transaction
from core.jobs.reporter import Reporter
from hookspecs import (
    Call,
    Message,
    Money,
    ProductEvent,
    Recipient,
    RefundRequest,
    Webhook,
)
from tests.hooks.test_hooks import NOW, Shelf
from tests.hooks.test_pool import INQUIRY, START
from tests.hooks.test_registry import QUOTE
from tests.rogues.kinds import Rogue
from tests.rogues.table import DEADLINE, EVERYBODY, HONEST

REFUND = RefundRequest(
    operation_id="op",
    payment_id="p",
    amount=Money(100, "EUR"),
    order=START.order,
    capture_id="c",
)
WEBHOOK = Webhook(body=b"{}", headers={}, received_at=NOW)
MESSAGE = Message(
    id="m-1",
    event="order_placed",
    tenant="default",
    to=Recipient(address="kim@example.org"),
    subject="Your order",
    text="Thank you.",
)
EVENT = ProductEvent(id="e", at=NOW, tenant="default", skus=("tea",))
OFTEN = 9


def run(names: list[str]) -> dict[str, Any]:
    """Do with each rogue what its row says, and after each what an honest plugin is there for."""
    plugins = cast(OrderloomConfig, apps.get_app_config("orderloom")).first
    return {name: _tried(EVERYBODY[name], plugins) for name in names}


def bare(name: str) -> str:
    """Control: call a rogue as it is, without a guard."""
    module = import_module(f"{EVERYBODY[name].package}.plugin")
    return repr(module.payment_strategies()[0].start(START, _soon()))


def hang(seconds: float) -> str:
    """Serve as a server's process does while a rule hangs in one of its threads."""
    plugins = cast(OrderloomConfig, apps.get_app_config("orderloom")).first
    [rule] = [each for each in plugins.rules if each.plugin == "rogue-price-never"]
    quote = replace(QUOTE, shipping_method="hang")
    threading.Thread(target=rule.propose, args=(quote,), daemon=True).start()
    with Reporter(ends_hung=True):
        time.sleep(seconds)
    return "still here"


def _tried(rogue: Rogue, plugins: Registry) -> dict[str, Any]:
    view = plugins.plugin(rogue.name)
    assert view is not None
    problems = [str(problem) for problem in plugins.problems if problem.plugin == rogue.name]
    found: dict[str, Any] = {"state": view.state, "why": view.why, "problems": problems}
    if rogue.ends:
        before = threading.active_count()
        began = time.monotonic()
        found |= _ended(_acts(rogue, plugins))
        found["seconds"] = time.monotonic() - began
        found["threads"] = threading.active_count() - before
    found["left"] = _left_behind()
    found["others"] = [
        honest.name for honest in HONEST if _ended(_acts(honest, plugins))["ends"] != honest.ends
    ]
    return found


def _acts(rogue: Rogue, plugins: Registry) -> Callable[[], Any]:
    once = _once(rogue, plugins)
    if rogue.act in {"often", "flood"}:
        return lambda: [_kept(once) for _ in range(OFTEN)][-1]
    if rogue.act == "compose":
        rules = [each for each in plugins.rules if each.plugin in {rogue.name, "honest-price"}]
        return lambda: compose(quote=QUOTE, rules=rules, taxes=())
    if rogue.act == "after-a-change":
        return lambda: list(plugins.warmers[rogue.name].plan(EVENT, Shelf()))
    return once


def _once(rogue: Rogue, plugins: Registry) -> Callable[[], Any]:
    """Ask for the method that a rogue is about, or for all that an honest plugin of a kind does."""
    kind, method = rogue.kind if rogue in EVERYBODY.values() else "", rogue.method
    if rogue in HONEST:
        kind = rogue.name.removeprefix("honest-")
    if kind == "pay":
        strategy = plugins.strategies[rogue.name]
        return {
            "inquire": lambda: strategy.inquire(INQUIRY, _soon()),
            "refund": lambda: strategy.refund(REFUND, _soon()),
            "read_webhook": lambda: strategy.read_webhook(WEBHOOK, _soon()),
            "statement": lambda: strategy.statement(NOW, NOW, Call(deadline=time.monotonic() + 9)),
        }.get(method, lambda: strategy.start(START, _soon()))
    if kind == "price":
        [rule] = [each for each in plugins.rules if each.plugin == rogue.name]
        assert rule.prepare is not None
        prepare = rule.prepare
        if method == "prepare":
            return lambda: prepare(QUOTE, _soon())
        return lambda: rule.propose(QUOTE)
    if kind == "mail":
        return lambda: plugins.channels[rogue.name].deliver(MESSAGE, _soon())
    if kind == "tell":
        told = plugins.tells["product_changed"]
        [tell] = [each for each in told if each.plugin == rogue.name]
        return lambda: cast(Any, tell).tell(EVENT)
    warmer = plugins.warmers[rogue.name]
    return lambda: warmer.load(list(warmer.plan(None, Shelf())), Shelf())


def _ended(act: Callable[[], Any]) -> dict[str, Any]:
    answer = _kept(act)
    if isinstance(answer, OrderloomError):
        said = answer.text
    elif type(answer).__name__ == "Priced":
        said = f"total {answer.total_minor}"
    else:
        said = str(getattr(answer, "cause", "") or getattr(answer, "reason", ""))
    name = type(answer).__name__
    return {"ends": "dict" if name == "mappingproxy" else name, "says": said}


def _kept(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except BaseException as error:  # noqa: BLE001 - a rogue that gets through must not end the whole gallery
        return error


def _soon() -> Call:
    return Call(deadline=time.monotonic() + DEADLINE)


def _left_behind() -> list[str]:
    """Return what a rogue has spoilt for everybody."""
    found = {
        "rounding": len(str(Decimal(1) / 3)) != 30,
        "language": translation.get_language() != "en",
        "transaction": in_transaction(),
        "table": "spoiled" in connection.introspection.table_names(),
        "arguments": (QUOTE.lines[0].amount, EVENT.skus, MESSAGE.subject, START.amount)
        != (Money(100, "EUR"), ("tea",), "Your order", Money(100, "EUR")),
    }
    return [what for what, spoilt in found.items() if spoilt]
