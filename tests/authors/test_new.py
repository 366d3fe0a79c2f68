"""`plugins new`, as an author uses it: three commands and a few lines, and it does something new."""

from __future__ import annotations

import difflib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hookspecs import API_VERSION
from tests.house.tree import ROOT
from tests.prefix import OFFLINE, Prefix

pytestmark = [pytest.mark.once, pytest.mark.slow, pytest.mark.timeout(240)]

MOST_COMMANDS = 3
MOST_LINES = 25
QUICK = ("payment", "pricing")
PAGE = (ROOT / "docs/authors/start.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Wish:
    """Something new that an author wants: (file, what stands there, what shall stand there) …"""

    kind: str
    edits: tuple[tuple[str, str, str], ...]
    proof: str
    """A case appended to the contract suite; it fails before the edits and passes after them."""


def told_edits() -> tuple[tuple[str, str, str], ...]:
    """Return the edits that the page of ten minutes tells an author to make, as they stand there."""
    edits, file = [], ""
    for found in re.finditer(
        r"`(?P<file>(?:src|tests)/[\w/]+\.py)`|^```diff\n(?P<diff>.*?)^```",
        PAGE,
        re.MULTILINE | re.DOTALL,
    ):
        file = found["file"] or file
        lines = (found["diff"] or "").splitlines()
        before = "\n".join(line[1:] for line in lines if line[0] in " -")
        after = "\n".join(line[1:] for line in lines if line[0] in " +")
        if lines:
            edits.append((file, before, after))
    assert len(edits) == 4
    return tuple(edits)


WISHES = {
    "payment-acme": Wish(
        kind="payment",
        edits=(
            (
                "src/payment_acme/strategy.py",
                'label="Acme",\n',
                (
                    'label="Acme",\n            currencies=frozenset({"EUR", "USD"}),\n'
                    '            maximum=(Money(50_000, "EUR"), Money(55_000, "USD")),\n'
                ),
            ),
            (
                "src/payment_acme/strategy.py",
                '{"payment_id": request.payment_id})',
                '{"payment_id": request.payment_id, "descriptor": f"Shop {request.order.number}"})',
            ),
        ),
        proof="""
    def test_the_customer_reads_the_orders_number_on_the_bill(self) -> None:
        asking = self.asking()
        self.pay(asking)

        charge = self.provider.charges[asking.payment_id]
        assert charge["descriptor"] == f"Shop {asking.order.number}"
        assert self.tested.info.maximum[0] == Money(50_000, "EUR")
""",
    ),
    "notify-pager": Wish(
        kind="notification",
        edits=(
            (
                "src/notify_pager/channel.py",
                '"text": message.text,\n',
                '"text": message.text,\n            "urgent": message.event == "order_cancelled",\n',
            ),
        ),
        proof="""
    def test_a_cancelled_order_is_urgent(self) -> None:
        self.deliver(self.message(event="order_cancelled"))

        assert json.loads(self.service.requests[0].body)["urgent"] is True
""",
    ),
    "pricing-wine": Wish(
        kind="pricing",
        edits=told_edits(),
        proof="""
    def test_it_is_for_wine_only(self) -> None:
        assert self.priced(a_quote(a_line("tea", 1000, 12))).total_minor == 12_000
""",
    ),
    "warm-stock": Wish(
        kind="warmer",
        edits=(
            (
                "src/warm_stock/warmer.py",
                '"in_stock": product.available > 0}',
                '"in_stock": product.available > 0, "few": 0 < product.available < 4}',
            ),
            (
                "tests/test_contract.py",
                '{"name": "Product p-00001", "in_stock": True}',
                '{"name": "Product p-00001", "in_stock": True, "few": True}',
            ),
        ),
        proof="""
    def test_it_says_where_few_are_left(self) -> None:
        loaded = self.load(["p-00001", "p-00005"], self.catalogue())

        assert [loaded[sku]["few"] for sku in ("p-00001", "p-00005")] == [True, False]
""",
    ),
}


class Author:
    """Somebody in a folder of their own, with a Python that has Orderloom, and nothing else set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = Prefix.made(folder / "venv")
        self.commands = 0

    def does(self, *command: str) -> str:
        """Run one command; it has to work."""
        self.commands += 1
        done = self.tries(*command)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout

    def tries(self, *command: str) -> subprocess.CompletedProcess[str]:
        program = {
            "orderloom": [Path(sys.executable).with_name("orderloom")],
            "python": [self.prefix.python],
        }[command[0]]
        return subprocess.run(
            [*program, *command[1:]],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )

    def sees(self, name: str) -> dict[str, Any]:
        """Return what a shop with the plugin in it shows of its report."""
        with TemporaryDirectory() as data:
            done = subprocess.run(
                [self.prefix.python, ROOT / "manage.py", "plugins", "show", name, "--json"],
                env={"PATH": os.environ["PATH"], "DEBUG": "1", "ORDERLOOM_DATA": data},
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=False,
            )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout)["conformance"])


def edited(package: Path, edits: tuple[tuple[str, str, str], ...]) -> int:
    """Make the edits and return how many lines an author had to touch."""
    lines = 0
    for name, before, after in edits:
        old = (package / name).read_text(encoding="utf-8")
        assert old.count(before) == 1, f"{name}: {before!r}"
        new = old.replace(before, after)
        (package / name).write_text(new, encoding="utf-8")
        delta = list(difflib.ndiff(old.splitlines(), new.splitlines()))
        lines += max(sum(line.startswith(sign) for line in delta) for sign in "+-")
    return lines


def appended(package: Path, proof: str) -> None:
    with (package / "tests/test_contract.py").open("a", encoding="utf-8") as file:
        file.write(proof)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if wish.kind in QUICK else pytest.mark.full)
        for name, wish in WISHES.items()
    ],
)
def test_something_new_takes_three_commands_and_a_few_lines(name: str, tmp_path: Path) -> None:
    author, wish, package = Author(tmp_path), WISHES[name], tmp_path / name

    author.does("orderloom", "plugins", "new", name, "--kind", wish.kind)
    lines = edited(package, wish.edits)
    appended(package, wish.proof)
    author.does("python", "-m", "pip", "install", "-q", *OFFLINE, "-e", name)
    said = author.does("python", "-m", "pytest", "-q", name)

    assert author.commands <= MOST_COMMANDS
    assert 0 < lines <= MOST_LINES
    assert " passed" in said
    assert told(package)["compatible"] is True
    assert author.sees(name)["standing"] == "PASSED"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name[0] != ".") == sorted(
        [name, "venv"]
    ), "something was left lying about"


@pytest.mark.full
@pytest.mark.parametrize("name", ["pricing-wine"])
def test_without_the_edits_what_is_new_fails(name: str, tmp_path: Path) -> None:
    author, wish, package = Author(tmp_path), WISHES[name], tmp_path / name
    author.does("orderloom", "plugins", "new", name, "--kind", wish.kind)
    appended(package, wish.proof)
    author.does("python", "-m", "pip", "install", "-q", *OFFLINE, "-e", name)

    done = author.tries("python", "-m", "pytest", "-q", name)

    assert done.returncode == 1
    assert told(package)["failed"] == ["test_it_is_for_wine_only"]
    assert told(package)["compatible"] is False


def told(package: Path) -> Mapping[str, object]:
    (report,) = package.glob("src/*/conformance.json")
    said = json.loads(report.read_text(encoding="utf-8"))
    assert said["api_version"] == API_VERSION
    (suite,) = said["suites"]
    assert (suite["plugin"], suite["version"]) == (package.name, "0.1")
    return dict(suite)
