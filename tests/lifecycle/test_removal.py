"""A way to pay is uninstalled from a shop that runs, with orders open, charges in doubt, mails unsent.

`manage.py plugins uninstall --plan` would have warned; nothing is lost all the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.lifecycle.conftest import ACTS, Databases
from tests.lifecycle.running import Running, mails
from tests.prefix import Prefix, Shop

pytestmark = pytest.mark.timeout(600)

PACKAGE = "orderloom-pay-ledger"
CUPS = {"lines": [{"sku": "cup", "quantity": 3}]}
SECONDS = ",".join(["1"] * 600)
BACK = "https://shop.example/back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """How many orders are open, commands undecided, mails unsent."""

    open: int
    undecided: int
    mails: int


@dataclass(slots=True)
class Story:
    """A shop, its orders by what became of them, and who looks at them."""

    shop: Shop
    ledger: Path
    post: Path
    key: str = ""
    session: str = ""
    endpoint: str = ""
    orders: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def running(self, *, silent: bool, mail: bool) -> Running:
        variables = {
            "ORDERLOOM_PAY_LEDGER__SILENT": str(int(silent)),
            "EMAIL_URL": f"filemail:///{self.post}" if mail else "smtp://127.0.0.1:9",
        }
        return Running(shop=self.shop, variables=variables)

    def inspect(self, forget: str = "") -> dict[str, Any]:
        seen: dict[str, Any] = self.shop.ask(f"{ACTS}:inspect", {"forget": forget})
        return seen

    @property
    def all(self) -> list[dict[str, Any]]:
        return [order for orders in self.orders.values() for order in orders]

    def charged(self) -> dict[str, int]:
        """Return how often each payment was charged, as the provider's own file says."""
        rows = [json.loads(line) for line in self.ledger.read_text("utf-8").splitlines()]
        taken = [str(UUID(row["payment"])) for row in rows if row["kind"] == "CAPTURED"]
        return {payment: taken.count(payment) for payment in taken}


@pytest.fixture
def prefix(wheels: list[Path], tmp_path: Path) -> Prefix:
    made = Prefix.made(tmp_path / "prefix")
    made.install(*wheels)
    return made


@pytest.fixture
def story(prefix: Prefix, databases: Databases, tmp_path: Path) -> Story:
    data = tmp_path / "data"
    data.mkdir()
    ledger = data / "ledger.jsonl"
    ledger.touch()
    environ = {
        "ORDERLOOM_PLUGINS": "pay-ledger,notify-email,storefront",
        "ORDERLOOM_PAY_LEDGER__PATH": str(ledger),
        "ORDERLOOM_PAY_LEDGER__SILENT": "1",
        "ORDERLOOM_LOOK_UPS": SECONDS,
        "ORDERLOOM_DELIVERY_RETRIES": SECONDS,
        "ORDERLOOM_WAITING_LOOK_SECONDS": "1",
    }
    shop = Shop(prefix=prefix, data=data, database=databases.make(data), environ=environ)
    assert shop.manage("migrate", "--verbosity", "0").returncode == 0
    return Story(shop, ledger, data / "mail", **shop.ask(f"{ACTS}:furnish"))


def sell(there: Running, code: str, *, email: str = "") -> dict[str, Any]:
    contact = {"contact": {"email": email, "name": "Ada"}} if email else {}
    placed = there.post("/api/v1/orders", CUPS | contact).said
    body = {"strategy": code, "return_url": BACK, "cancel_url": BACK}
    holding = {"X-Order-Token": placed["token"]}
    started = there.post(f"/api/v1/orders/{placed['order_id']}/payments", body, **holding)
    assert started.status == 201, started.body
    path = f"/api/v1/orders/{placed['order_id']}"
    payment = started.said["payment_id"]
    return placed | {"payment": payment, "path": path, "pay": f"{path}/payments/{payment}"}


def fill(story: Story, there: Running, numbers: Numbers) -> None:
    """Sell: some wait for their customers, some are in doubt, one is paid; some want a mail."""
    story.orders = {
        "later": [
            sell(there, "ledger-later", email="ada@example.org" if n < numbers.mails else "")
            for n in range(numbers.open)
        ],
        "lost": [sell(there, "ledger-lost") for _ in range(numbers.undecided)],
        "paid": [sell(there, "ledger")],
    }


def rendered(story: Story, there: Running) -> dict[str, set[int]]:
    """Return what every page of every order answers: the API, the shop, the console."""
    session = {"Cookie": f"sessionid={story.session}"}
    seen: dict[str, set[int]] = {}
    for order in story.all:
        pages = {
            "api": there.get(order["path"], **{"X-Order-Token": order["token"]}),
            "shop": there.get(f"/order/{order['order_id']}/{order['token']}/"),
            "console": there.get(f"/admin/orderloom/order/{order['order_id']}/change/", **session),
            "payment": there.get(f"/admin/orderloom/payment/{order['payment']}/change/", **session),
        }
        for name, answer in pages.items():
            seen.setdefault(name, set()).add(answer.status)
    seen["lists"] = {
        there.get(f"/admin/{path}", **session).status
        for path in ("", "orderloom/order/", "orderloom/payment/", "orderloom/plugin/")
    }
    return seen


RENDERED = {name: {200} for name in ("api", "shop", "console", "payment", "lists")}


def commanded(story: Story, there: Running) -> list[Any]:
    """Try what only the plugin can do: resume, cancel what is in doubt or paid, refund."""
    key = {"Authorization": f"Bearer {story.key}"}
    later, lost, paid = (story.orders[name][0] for name in ("later", "lost", "paid"))
    return [
        there.post(f"{later['pay']}/resume", {}, **{"X-Order-Token": later["token"]}),
        there.post(f"{lost['path']}/cancel", {}, **key),
        there.post(f"{lost['pay']}/resume", {}, **{"X-Order-Token": lost["token"]}),
        there.post(f"{paid['path']}/cancel", {}, **key),
        there.post(f"{paid['pay']}/refund", {}, **key),
    ]


def hear(story: Story, there: Running, order: dict[str, Any]) -> int:
    """The provider has charged, and tells."""
    payment = UUID(order["payment"]).hex
    row = {"key": payment, "payment": payment, "kind": "CAPTURED"}
    row |= {"parent": "", "minor": 3000, "currency": "EUR"}
    with story.ledger.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    webhook = f"/webhooks/pay-ledger/{story.endpoint}"
    return there.post(webhook, {"payment": payment}, **{"X-Ledger": "sealed"}).status


def until(holds: Callable[[], bool], *, seconds: float = 90.0) -> bool:
    """Wait until something holds; say whether it came to that."""
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(0.3)
    return held


def is_paid(there: Running, order: dict[str, Any]) -> bool:
    shown = there.get(order["path"], **{"X-Order-Token": order["token"]}).said
    return bool(shown["status"] == "PAID")


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param(Numbers(open=5, undecided=2, mails=2), id="tenth", marks=pytest.mark.once),
        pytest.param(Numbers(open=50, undecided=10, mails=5), id="whole", marks=pytest.mark.full),
    ],
)
def test_nothing_is_lost_while_a_way_to_pay_is_gone(
    story: Story, prefix: Prefix, wheels: list[Path], numbers: Numbers
) -> None:
    with story.running(silent=True, mail=False) as there:
        fill(story, there, numbers)
        before = story.inspect()
        prefix.uninstall(PACKAGE)
        unaware = rendered(story, there)
    heard_of, (forgotten, *lost) = story.orders["later"][:2], story.orders["lost"]
    unheard = story.orders["later"][2:]
    with story.running(silent=True, mail=False) as there:
        gone = rendered(story, there)
        refused = commanded(story, there)
        heard = [hear(story, there, order) for order in heard_of]
        choices = there.get("/api/v1/payment-strategies?currency=EUR").said["items"]
        without = story.inspect(forget=forgotten["payment"])
        sold = there.post("/api/v1/orders", CUPS).status
    prefix.install(*wheels)
    with story.running(silent=False, mail=True) as there:
        for order in unheard:
            there.post(f"{order['pay']}/resume", {}, **{"X-Order-Token": order["token"]})
        complete = [*lost, *story.orders["later"]]
        paid = until(lambda: all(is_paid(there, order) for order in complete))
        told = until(lambda: mails(story.post) >= before["mails"]["PENDING"])
        key = {"Authorization": f"Bearer {story.key}"}
        refund = there.post(f"{story.orders['paid'][0]['pay']}/refund", {}, **key).status
        unpaid = not is_paid(there, forgotten)
        back, log = rendered(story, there), there.log("relay")

    open_ones = numbers.open + numbers.undecided
    waiting = {"REQUIRES_ACTION": numbers.open, "UNRESOLVED": numbers.undecided, "CAPTURED": 1}
    assert before["payments"] == without["payments"] == waiting
    assert before["operations"]["UNKNOWN"] == numbers.undecided
    assert before["mails"]["PENDING"] >= numbers.mails
    assert (before["row"]["state"], without["row"]["state"]) == ("ENABLED", "MISSING")
    assert without["row"]["why"] == f"install {PACKAGE}"
    for seen in (before, without):
        assert (seen["plan"]["exit"], seen["plan"]["open_payments"]) == (1, open_ones)
        assert seen["plan"]["undecided"] == numbers.undecided
        assert seen["exported"] == {order["number"]: [PACKAGE] for order in story.all}
    assert (unaware, gone, back) == (RENDERED, RENDERED, RENDERED)
    assert [answer.status for answer in refused] == [409] * 5
    assert {answer.said["code"] for answer in refused} == {"PLUGIN_UNAVAILABLE"}
    assert {answer.said["distribution"] for answer in refused} == {PACKAGE}
    assert (heard, without["webhooks"], without["plan"]["webhooks_kept"]) == (
        [503, 503],
        {"STORED": 2},
        2,
    )
    assert (choices, sold) == ([], 201)
    assert paid, log
    assert told, log
    assert refund == 200
    assert story.charged() == {order["payment"]: 1 for order in story.all}
    assert without["forgotten"] == 1
    assert unpaid, "whether or not what is in doubt stays so would make no difference"
