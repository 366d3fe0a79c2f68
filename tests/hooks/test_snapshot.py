"""The contract changes knowingly: as a draft with a line in CHANGELOG, frozen by growing only.

The snapshot is renewed with `python -m tests.hooks.test_snapshot`, which refuses what the test would.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from core.hooks.agreement import disagreement
from core.hooks.changes import changes
from core.hooks.promises import Page, promises
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

PAGE = ROOT / "hookspecs.py"
CHANGELOG = ROOT / "CHANGELOG.md"
SNAPSHOT = Path(__file__).with_name("snapshot.json")


def page_now() -> Page:
    return Page(promises(PAGE.read_text(encoding="utf-8")))


def page_before() -> Page:
    return Page(json.loads(SNAPSHOT.read_text(encoding="utf-8")))


def refused(before: Page, after: Page, *, changelog: str) -> set[str]:
    """Return the changes that may not pass: those not written down, and, once frozen, each break."""
    section = re.search(
        r"^### For plugin authors\n(.*?)(?=^##|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    told = section[1] if section else ""
    found = changes(before, after)
    untold = {one.name for one in found if not re.search(rf"\b{re.escape(one.name)}\b", told)}
    breaking = {one.name for one in found if one.breaks}
    return untold | breaking if before.frozen else untold


def test_the_contract_changes_only_with_a_word_to_plugin_authors_and_frozen_by_growing() -> None:
    changelog = CHANGELOG.read_text(encoding="utf-8")

    assert not refused(page_before(), page_now(), changelog=changelog)


def test_its_version_agrees_with_what_has_changed() -> None:
    assert disagreement(page_before(), page_now()) == ""


def test_the_snapshot_is_of_this_page() -> None:
    assert page_before().lines == page_now().lines, (
        "renew it, and raise the version if it is frozen"
    )


def a_page(body: str, *, status: str, version: str = "1.0") -> Page:
    head = f'API_VERSION: Final = "{version}"\nAPI_STATUS: Final = "{status}"\n'
    return Page(promises(head + body))


GROWN = "class Quote:\n    a: int\n    b: int = 0"
BROKEN = "class Quote:\n    a: str"
OLD = "class Quote:\n    a: int"


@pytest.mark.parametrize(
    ("status", "after", "changelog", "passes"),
    [
        ("draft", BROKEN, "### For plugin authors\n- `Quote` changed.\n", True),
        ("draft", BROKEN, "### For plugin authors\n- `QuoteLine` changed.\n", False),
        ("draft", BROKEN, "### Added\n- `Quote` changed.\n### For plugin authors\n", False),
        ("draft", BROKEN, "### For plugin authors\n\n## 0.9\n- `Quote`", False),
        ("frozen", BROKEN, "### For plugin authors\n- `Quote` changed.\n", False),
        ("frozen", GROWN, "### For plugin authors\n- `Quote` grew.\n", True),
        ("frozen", GROWN, "", False),
        ("frozen", OLD, "", True),
    ],
)
def test_a_draft_may_change_if_it_says_so_and_a_frozen_page_may_grow(
    status: str, after: str, changelog: str, passes: bool
) -> None:
    before, now = a_page(OLD, status=status), a_page(after, status=status)

    assert (not refused(before, now, changelog=changelog)) is passes


if __name__ == "__main__":
    no = refused(page_before(), page_now(), changelog=CHANGELOG.read_text(encoding="utf-8"))
    if no or disagreement(page_before(), page_now()):
        sys.exit(f"refused: {', '.join(sorted(no)) or disagreement(page_before(), page_now())}")
    text = json.dumps(page_now().lines, indent=1, ensure_ascii=False)
    SNAPSHOT.write_text(text + "\n", encoding="utf-8")
