"""`payments`, `inbox`, `reconcile`, `sweep`: what operators ask, and how each ends."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from core.application.payment_step import PaymentStep
from core.application.start_payment import start_payment
from core.context import DEFAULT_TENANT, acting_for
from core.hooks.registry import Registry
from core.management.asking import read_moment
from core.management.commands import inbox, reconcile
from core.models import InboxEntry, Operation, Order
from core.testing.gateways import MemoryGateway
from core.testing.registries import FakePlugin, registry_of
from hookspecs import Call, Notice, Untrusted, Webhook
from tests.application.shelf import paying, placed, put

pytestmark = pytest.mark.django_db(transaction=True)


class Files(MemoryGateway):
    """Believes files that were handed in, and nobody else; each line names a payment."""

    def read_webhook(self, webhook: Webhook, call: Call, /) -> list[Notice] | Untrusted:
        if webhook.headers.get("x-orderloom-source") != "file":
            return Untrusted(cause="not a file")
        lines = webhook.body.decode().split()
        return [Notice(event_id=line, payment_id=line) for line in lines]


@pytest.fixture
def gateway() -> Files:
    return Files()


@pytest.fixture
def plugins(gateway: Files) -> Registry:
    return registry_of(FakePlugin(name="payment-memory", strategies=(gateway,)))


@pytest.fixture
def shop() -> Iterator[None]:
    with acting_for(DEFAULT_TENANT):
        put("tea", 450, 10, now=timezone.now())
        yield


@pytest.fixture
def doubtful(shop: None, plugins: Registry, gateway: Files) -> PaymentStep:
    """Charge for tea without an answer."""
    now = timezone.now()
    order = placed(("tea", 2), plugins=plugins, now=now)
    gateway.fault = "drop_after"
    return start_payment(paying(order), plugins=plugins, now=now)


def said(command: Any, *arguments: str) -> tuple[str, int]:
    """Return what a command wrote, and its exit code."""
    out = io.StringIO()
    try:
        call_command(command, *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def with_plugins(kind: Any, plugins: Registry) -> Any:
    """Return the command, asked with plugins in hand instead of installed ones."""

    class InHand(kind):  # type: ignore[misc]
        def plugins(self, options: dict[str, Any]) -> Registry:
            return plugins

    return InHand()


def test_payments_show_tells_people_and_programs(doubtful: PaymentStep) -> None:
    name = str(doubtful.order_id)

    lines, _ = said("payments", "show", name)
    told = json.loads(said("payments", "show", name, "--json")[0])

    assert "command   START UNKNOWN 9.00 EUR connection dropped" in lines
    assert told[0]["payment"] == str(doubtful.payment_id)
    assert [one["status"] for one in told[0]["operations"]] == ["UNKNOWN"]


def test_payments_show_refuses_what_it_does_not_know() -> None:
    with pytest.raises(CommandError, match="NOT_FOUND"):
        said("payments", "show", "nothing")


def test_payments_at_risk_are_listed_and_resolved(doubtful: PaymentStep) -> None:
    assert "Nothing waits" in said("payments", "show", "--at-risk")[0]
    Operation.objects.update(due_at=None)
    listed = json.loads(said("payments", "show", "--at-risk", "--json")[0])
    lines = said("payments", "show", "--at-risk")[0]

    resolve = ("payments", "resolve", str(doubtful.payment_id), "--reason", "dashboard")
    told = json.loads(
        said(*resolve, "--fact", "CAPTURED", "--amount", "9.00", "--object", "ch", "--json")[0]
    )

    assert [one["risk"] for one in listed] == ["UNDECIDED"]
    assert str(doubtful.payment_id) in lines
    assert (told["order_status"], told["payment_status"]) == ("PAID", "CAPTURED")
    assert "Nothing waits" in said("payments", "show", "--at-risk")[0]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--fact", "CAPTURED"), "INVALID_INPUT"),
        (("--fact", "CAPTURED", "--amount", "9.005"), "no amount"),
        (("--fact", "CAPTURED", "--amount", "much"), "no amount"),
    ],
)
def test_payments_resolve_says_what_is_missing(
    doubtful: PaymentStep, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        said("payments", "resolve", str(doubtful.payment_id), "--reason", "r", *arguments)

    assert Operation.objects.get().status == "UNKNOWN"


def test_inbox_add_reads_a_file_at_once(
    doubtful: PaymentStep, plugins: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(doubtful.payment_id.hex)

    out, code = said(
        with_plugins(inbox.Command, plugins), "add", "payment-memory", str(path), "--json"
    )

    told = json.loads(out)
    assert (told["status"], code) == ("APPLIED", 0)
    assert Order.objects.get().status == "PAID"
    entry = InboxEntry.objects.get()
    assert (entry.headers["content-type"], bytes(entry.body)) == (
        "text/csv",
        path.read_bytes(),
    )


def test_inbox_lists_what_came_in_and_reads_it_again(
    doubtful: PaymentStep, plugins: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "bank.csv"
    path.write_text("0" * 32)
    command = with_plugins(inbox.Command, plugins)

    added, code = said(command, "add", "payment-memory", str(path))
    listed = json.loads(said(command, "list", "--json", "--status", "STORED")[0])
    again = said(command, "replay", listed[0]["id"])

    assert code == again[1] == 1
    assert "STORED  no payment for" in added
    assert "0" * 40 not in json.dumps(listed)
    assert said(command, "list", "--status", "APPLIED") == ("", 0)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("add", "payment-gone", "x.csv"), "PLUGIN_UNAVAILABLE"),
        (("add", "payment-memory", "/nowhere/x.csv"), "can't be read"),
        (("replay", "0" * 32), "NOT_FOUND"),
        (("replay", "x"), "no id"),
    ],
)
def test_inbox_refuses_in_one_sentence(
    shop: None, plugins: Registry, arguments: tuple[str, ...], why: str
) -> None:
    with pytest.raises(CommandError, match=why):
        said(with_plugins(inbox.Command, plugins), *arguments)


def test_reconcile_ends_with_1_while_something_differs(
    doubtful: PaymentStep, plugins: Registry
) -> None:
    command = with_plugins(reconcile.Command, plugins)
    since = (timezone.now() - timedelta(days=1)).date().isoformat()

    first = said(command, "payment-memory", "--since", since, "--json")
    second = said(command, "payment-memory", "--since", since)

    told = json.loads(first[0])
    assert (first[1], [one["kind"] for one in told["differences"]]) == (1, ["NEWS"])
    assert second == ("1 notices compared, 0 differ.\n", 0)


def test_sweep_finishes_what_is_due() -> None:
    told = json.loads(said("sweep", "--json")[0])

    assert told == {"webhooks": 0, "payments": 0, "expired": 0}
    assert "payments  0" in said("sweep")[0]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T12:30:00Z", datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
        ("2026-11-23T12:30:00", datetime(2026, 11, 23, 12, 30, tzinfo=UTC)),
    ],
)
def test_moments_are_read_in_utc(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-02-30"])
def test_other_words_are_no_moments(text: str) -> None:
    with pytest.raises(CommandError):
        read_moment(text)
