"""The log of events: what a line says, and that it is written whole or not at all."""

from __future__ import annotations

import json
import multiprocessing
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events_log import plugin
from events_log.lines import append, line_of
from events_log.settings import Settings
from hookspecs import (
    Address,
    Customer,
    Money,
    NotConfigured,
    OrderEvent,
    OrderLine,
    OrderSnapshot,
    PaymentEvent,
    ProductEvent,
)

AT = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
CANARIES = ("Ann Canary", "ann@canary.example", "Canary Street 1", "canary said so")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def order() -> OrderSnapshot:
    return OrderSnapshot(
        number="7QK3M-9T2XA",
        tenant="default",
        placed_at=AT,
        customer=Customer(ref="c-1", email=CANARIES[1], name=CANARIES[0]),
        lines=(
            OrderLine(
                line_id="1",
                sku="tea",
                name="Tea",
                quantity=2,
                unit_price=eur(2100),
                tax=eur(0),
                total=eur(4200),
            ),
        ),
        shipping=eur(0),
        fees=eur(0),
        tax=eur(0),
        rounding=eur(0),
        total=eur(4200),
        ship_to=Address(country="DE", name=CANARIES[0], street=(CANARIES[2],)),
    )


def placed(number: int = 1) -> OrderEvent:
    return OrderEvent(id=f"e-{number}", at=AT, tenant="default", order=order(), reason=CANARIES[3])


def paid() -> PaymentEvent:
    return PaymentEvent(
        id="e-2",
        at=AT,
        tenant="default",
        order=order(),
        payment_id="p-1",
        strategy_code="card",
        amount=eur(1000),
    )


def test_each_tell_appends_one_line(tmp_path: Path) -> None:
    settings = Settings(path=str(tmp_path / "made" / "events.jsonl"))
    changed = ProductEvent(id="e-3", at=AT, tenant="default", skus=("tea", "täa"))

    for hook in ("order_placed", "order_paid", "order_cancelled", "order_fulfilled"):
        getattr(plugin, hook)(placed(), settings)
    for hook in ("payment_authorized", "payment_captured", "payment_refunded"):
        getattr(plugin, hook)(paid(), settings)
    plugin.product_changed(changed, settings)

    lines = [json.loads(line) for line in Path(settings.path).read_text("utf-8").splitlines()]
    assert [line["hook"] for line in lines] == [
        "order_placed",
        "order_paid",
        "order_cancelled",
        "order_fulfilled",
        "payment_authorized",
        "payment_captured",
        "payment_refunded",
        "product_changed",
    ]
    assert lines[0] == {
        "hook": "order_placed",
        "id": "e-1",
        "at": "2026-01-05T10:00:00+00:00",
        "tenant": "default",
        "order": "7QK3M-9T2XA",
        "lines": 1,
        "total_minor": 4200,
        "currency": "EUR",
    }
    assert (lines[5]["payment_id"], lines[5]["amount_minor"]) == ("p-1", 1000)
    assert lines[7]["skus"] == ["tea", "täa"]


def test_a_repeat_bears_the_same_id(tmp_path: Path) -> None:
    settings = Settings(path=str(tmp_path / "events.jsonl"))

    plugin.order_placed(placed(), settings)
    plugin.order_placed(placed(), settings)

    ids = [json.loads(line)["id"] for line in Path(settings.path).read_text("utf-8").splitlines()]
    assert ids == ["e-1", "e-1"]


def test_a_line_says_nothing_about_a_person() -> None:
    text = (line_of("order_placed", placed()) + line_of("payment_captured", paid())).decode()

    assert not [canary for canary in CANARIES if canary in text]


def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        append(line_of("order_placed", placed()), Settings(path="/dev/full"))


def test_a_line_that_did_not_fit_is_an_error_and_harms_no_other(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    line = line_of("order_placed", placed())
    script = (
        "import resource, signal, sys\n"
        "from events_log.lines import append\n"
        "from events_log.settings import Settings\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(line) + 20}, {resource.RLIM_INFINITY}))\n"
        "settings = Settings(path=sys.argv[1])\n"
        f"append({line!r}, settings)\n"
        f"append({line!r}, settings)\n"
    )

    crowded = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    append(line, Settings(path=str(path)))

    assert crowded.returncode == 1
    assert "OSError" in crowded.stderr
    assert path.read_bytes().splitlines(keepends=True)[0] == line
    assert path.read_bytes().endswith(line)


def test_a_path_is_needed() -> None:
    with pytest.raises(NotConfigured, match="path"):
        Settings(path=" ")


def test_without_a_path_lines_go_to_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERLOOM_DATA", str(tmp_path))

    append(line_of("order_placed", placed()), Settings())

    assert (tmp_path / "events.jsonl").read_bytes().endswith(b"\n")


def test_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    settings = Settings(path=str(tmp_path / "events.jsonl"), fsync=False)
    context = multiprocessing.get_context("spawn")

    writers = [context.Process(target=write_many, args=(settings, who)) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    ids = [json.loads(line)["id"] for line in Path(settings.path).read_text("utf-8").splitlines()]
    assert len(ids) == len(set(ids)) == 800


def write_many(settings: Settings, who: int) -> None:
    for number in range(200):
        append(line_of("order_placed", placed(who * 1000 + number)), settings)
