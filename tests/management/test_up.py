"""`up`, as the program that people start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import ROOT

pytestmark = [pytest.mark.once, pytest.mark.slow]

GATEWAYS = {"payment-paypal-like", "payment-stripe-like"}
GIVEN = ("DATABASE_URL", "CACHE_URL", "EMAIL_URL", "ORDERLOOM_PLUGINS", "ALLOWED_HOSTS")


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
    here = {"DEBUG": "1", "ORDERLOOM_SANDBOX": "1", "ORDERLOOM_DATA": str(folder)}
    settings = {"DJANGO_SETTINGS_MODULE": "core.project.settings"}
    return kept | here | settings | more


def up(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, list[str]]]:
    """Run `up` until it says how to end it; yields the process, its port and what it said."""
    port, said = free_port(), []
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.rstrip())
        if "Ctrl-C" in line:
            break
    yield process, port, said
    if process.poll() is None:
        process.terminate()
    process.wait(20)
    process.stdout.close()


def fetched(url: str) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=10) as answer:
        return answer.status, answer.read().decode()


def test_once_buys_through_every_payment_plugin_and_tells(tmp_path: Path) -> None:
    done = up(tmp_path, "--once", "--json")

    assert done.returncode == 0, done.stderr
    every = json.loads(done.stdout)["orders"]
    assert all(order["state"] == "PAID" or order["waits_for"] for order in every)
    orders = [order for order in every if order["plugin"] in GATEWAYS]
    assert len(orders) == len(GATEWAYS)
    for order in orders:
        assert order["state"] == "PAID"
        assert {"order_placed", "payment_captured", "order_paid"} <= {
            entry["kind"] for entry in order["timeline"]
        }
        assert {mail["event"] for mail in order["mails"]} >= {"order_placed", "order_paid"}
        assert all(order["number"] in mail["subject"] for mail in order["mails"])
    assert not list(tmp_path.glob("once-*"))


def test_once_without_a_way_to_pay_is_no_success(tmp_path: Path) -> None:
    done = up(tmp_path, "--once", "--json", ORDERLOOM_PLUGINS="")

    assert done.returncode == 1
    assert json.loads(done.stdout)["orders"] == []


def test_up_serves_until_it_is_told_to_stop(
    running: tuple[subprocess.Popen[str], int, list[str]], tmp_path: Path
) -> None:
    process, port, said = running
    base = f"http://127.0.0.1:{port}"

    shop, products = fetched(f"{base}/"), fetched(f"{base}/api/v1/products?limit=100")
    again = up(tmp_path, "--port", str(port))
    bought = up(tmp_path, "--once")
    process.send_signal(signal.SIGTERM)
    ended = process.wait(20)

    assert shop[0] == 200
    assert len(json.loads(products[1])["items"]) == 48
    assert any("password" in line for line in said)
    assert any(f"{base}/api/v1/docs" in line for line in said)
    assert any("storefront" in line and "ENABLED" in line for line in said)
    assert (again.returncode, "is taken" in again.stderr) == (1, True)
    assert (bought.returncode, bought.stdout.count("): PAID")) == (0, 3), bought.stderr
    assert ended == 0
    assert nobody_listens(port)


def nobody_listens(port: int, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return True
        time.sleep(0.1)
    return False


def test_up_is_for_a_computer_of_ones_own(tmp_path: Path) -> None:
    done = up(tmp_path, DEBUG="0", ALLOWED_HOSTS="shop.example", SECRET_KEY="s" * 50)

    assert done.returncode == 1
    assert "make run" in done.stderr


def beside(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_command_beside_it_sees_the_same_plugins_while_it_runs(
    running: tuple[subprocess.Popen[str], int, list[str]], tmp_path: Path
) -> None:
    process = running[0]

    during = json.loads(beside(tmp_path, "plugins", "list", "--json").stdout)
    without = json.loads(
        beside(tmp_path, "plugins", "list", "--json", ORDERLOOM_SANDBOX="0").stdout
    )
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    after = json.loads(beside(tmp_path, "plugins", "list", "--json").stdout)

    assert {row["state"] for row in during if row["name"] in GATEWAYS} == {"ENABLED"}
    assert {row["state"] for row in without if row["name"] in GATEWAYS} == {"NOT_CONFIGURED"}
    assert {row["state"] for row in after if row["name"] in GATEWAYS} == {"NOT_CONFIGURED"}


def test_a_killed_up_leaves_nobody_behind(
    running: tuple[subprocess.Popen[str], int, list[str]],
) -> None:
    process, port, said = running
    bank = next(int(line.rpartition(":")[2]) for line in said if "Sandbox" in line)

    process.kill()

    assert nobody_listens(port)
    assert nobody_listens(bank)


def test_it_says_when_its_sandbox_has_ended_and_ends(
    running: tuple[subprocess.Popen[str], int, list[str]],
) -> None:
    process, port, _ = running
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    sandbox = next(
        int(pid) for pid in children if b"--ledger" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )

    os.kill(sandbox, signal.SIGKILL)

    assert process.wait(20) == 1
    assert nobody_listens(port)
