"""Webhooks on their way, faults, autopilot, pages, and the life of the process."""

from __future__ import annotations

import html.parser
import http.client
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox_gateways.process import SandboxProcess

CARD = "amount=1000&currency=eur&confirm=true&payment_method=pm_card_visa"
SESSION = (
    "mode=payment&success_url=http://127.0.0.1:9/ok&cancel_url=http://127.0.0.1:9/no"
    "&line_items[0][price_data][currency]=eur&line_items[0][price_data][unit_amount]=500"
    "&line_items[0][quantity]=1"
)


def post(sandbox: SandboxProcess, path: str, body: str = CARD) -> tuple[int, dict[str, str], str]:
    return sandbox.request("POST", path, body, Authorization="Bearer sk_sandbox")


def pay(sandbox: SandboxProcess) -> dict[str, Any]:
    import json

    status, _, body = post(sandbox, "/v1/payment_intents")
    assert status == 200
    return dict(json.loads(body))


def test_webhooks_come_once_as_a_rule(sandbox: SandboxProcess, shop: Any) -> None:
    pay(sandbox)

    assert shop.wait_until(lambda: len(shop.kept) >= 3)
    assert sorted(one[1] for one in shop.kept) == [
        "charge.succeeded",
        "payment_intent.created",
        "payment_intent.succeeded",
    ]


def test_webhooks_can_be_doubled_and_dropped(sandbox: SandboxProcess, shop: Any) -> None:
    sandbox.control("POST webhooks", duplicate=2, drop=2)

    pay(sandbox)

    assert shop.wait_until(lambda: shop.count("payment_intent.succeeded") == 3)
    assert shop.count("payment_intent.created") == 0


def test_webhooks_can_be_held_back_and_delayed(sandbox: SandboxProcess, shop: Any) -> None:
    sandbox.control("POST webhooks", hold=True)
    pay(sandbox)
    time.sleep(0.4)
    held = len(shop.kept)

    sandbox.control("POST webhooks", hold=False)
    assert shop.wait_until(lambda: len(shop.kept) == 3)
    sandbox.control("POST webhooks", delay=0.6)
    pay(sandbox)
    time.sleep(0.2)

    assert (held, len(shop.kept)) == (0, 3)
    assert shop.wait_until(lambda: len(shop.kept) == 6)


def test_a_refused_webhook_comes_again_and_any_can_be_sent_again(
    sandbox: SandboxProcess, shop: Any
) -> None:
    shop.refuse = 1

    pay(sandbox)
    assert shop.wait_until(lambda: len(shop.kept) == 3)
    sandbox.control("POST webhooks/redeliver", event_id=shop.kept[0][0])

    assert shop.wait_until(lambda: len(shop.kept) == 4)
    assert shop.kept[3][0] == shop.kept[0][0]


@pytest.mark.parametrize("way", ["drop", "timeout"])
def test_silence_after_charging_leaves_a_charge(sandbox: SandboxProcess, way: str) -> None:
    before = len(sandbox.control("GET ledger")["charges"])
    sandbox.control("POST faults", match="POST /v1/payment_intents", do=way, seconds=0.1)

    with pytest.raises(http.client.HTTPException):
        post(sandbox, "/v1/payment_intents")

    assert len(sandbox.control("GET ledger")["charges"]) == before + 1
    assert sandbox.control("GET faults") == {"faults": []}


@pytest.mark.parametrize("way", ["500", "503", "429", "409", "garbage", "empty"])
def test_an_answer_before_the_work_charges_nothing(sandbox: SandboxProcess, way: str) -> None:
    before = len(sandbox.control("GET ledger")["charges"])
    sandbox.control("POST faults", match="POST /v1/payment_intents", do=way, when="before")

    connection = http.client.HTTPConnection(sandbox.base.removeprefix("http://"), timeout=5)
    connection.request("POST", "/v1/payment_intents", CARD, {"Authorization": "Bearer x"})
    answer = connection.getresponse()
    answer.read()
    connection.close()

    assert answer.status == (int(way) if way.isdecimal() else 200)
    assert len(sandbox.control("GET ledger")["charges"]) == before


@pytest.mark.parametrize(
    "wrong", [{"do": "explode"}, {"do": "500", "when": "later"}, {"do": "500", "match": "("}]
)
def test_a_script_that_makes_no_sense_is_refused(
    sandbox: SandboxProcess, wrong: dict[str, str]
) -> None:
    with pytest.raises(RuntimeError):
        sandbox.control("POST faults", **wrong)


def test_the_autopilot_pays_by_itself(sandbox: SandboxProcess) -> None:
    before = len(sandbox.control("GET ledger")["charges"])
    sandbox.control("POST autopilot", on=True)

    post(sandbox, "/v1/checkout/sessions", SESSION)
    challenged = CARD.replace("visa", "authenticationRequired")
    post(sandbox, "/v1/payment_intents", challenged + "&return_url=http://127.0.0.1:9/")

    until = time.monotonic() + 5
    while time.monotonic() < until:
        if len(sandbox.control("GET ledger")["charges"]) >= before + 2:
            return
        time.sleep(0.05)
    raise AssertionError("nobody paid")


class Labels(html.parser.HTMLParser):
    """Collects which fields have no label, and whether there is a main heading."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: set[str] = set()
        self.labels: set[str] = set()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag == "label" and given.get("for"):
            self.labels.add(str(given["for"]))
        if tag in {"input", "select"} and given.get("type") not in {"hidden", "checkbox"}:
            self.fields.add(str(given.get("id")))


def test_every_page_is_labelled_and_runs_no_script(sandbox: SandboxProcess) -> None:
    import json

    session = json.loads(post(sandbox, "/v1/checkout/sessions", SESSION)[2])
    for path in ("/", session["url"].removeprefix(sandbox.base)):
        status, headers, page = sandbox.request("GET", path)
        labels = Labels()
        labels.feed(page)

        assert status == 200
        assert labels.fields <= labels.labels
        assert {"main", "h1", "title"} <= labels.tags
        assert "script" not in labels.tags
        assert "default-src 'none'" in headers["content-security-policy"]


def test_the_dashboard_refunds(sandbox: SandboxProcess) -> None:
    charge = pay(sandbox)["latest_charge"]

    status, where, _ = sandbox.browse("/dashboard/refund", do=charge)
    page = sandbox.request("GET", "/")[2]
    again = sandbox.browse("/dashboard/refund", do=charge)

    assert (status, where, again[0]) == (303, "/", 400)
    assert charge in page


def test_the_ledger_outlives_the_process(tmp_path: Path) -> None:
    with SandboxProcess(tmp_path / "ledger.sqlite3") as first:
        charge = pay(first)["latest_charge"]

    with SandboxProcess(tmp_path / "ledger.sqlite3") as second:
        kept = second.control("GET ledger")["charges"]

    assert [one["id"] for one in kept] == [charge]


def test_it_listens_on_this_computer_only(sandbox: SandboxProcess) -> None:
    assert sandbox.base.startswith("http://127.0.0.1:")
    assert sandbox.control("GET health")["ok"] is True


def test_addresses_given_at_the_start_are_used(tmp_path: Path, shop: Any) -> None:
    with SandboxProcess(tmp_path / "l.sqlite3", "--stripe-webhook", shop.url) as running:
        pay(running)

        assert shop.wait_until(lambda: shop.count("payment_intent.succeeded") == 1)


def test_pages_of_nobody_are_not_found(sandbox: SandboxProcess) -> None:
    answers = [
        sandbox.request("GET", path)[0]
        for path in ("/nothing", "/stripe/pay/cs_none", "/paypal/approve?token=NONE", "/v1/nothing")
    ]

    assert answers == [404, 404, 404, 401]
