"""The contract page promises what it promised: a change is seen, decided on and written down."""

from __future__ import annotations

import pytest

from tests.house.page import SNAPSHOT, signatures
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

PAGE = (ROOT / "hookspecs.py").read_text(encoding="utf-8")


def test_its_signatures_are_those_of_the_snapshot() -> None:
    now = signatures(PAGE)

    assert now == SNAPSHOT.read_text(encoding="utf-8"), (
        "hookspecs.py promises something else: tell CHANGELOG, *For plugin authors*, and run "
        "`python -m tests.house.page --write`"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a: int) -> None: ...", "def f(a: int, b: int) -> None: ..."),
        ("def f(a: int) -> None: ...", "def f(a: int, /) -> None: ..."),
        ("class A:\n    a: int", "class A:\n    a: int = 0"),
        ("class A:\n    a: int", "class A:\n    b: int"),
        ("class A: ...", "@final\nclass A: ..."),
        ("class A(Enum):\n    ONE = 1", "class A(Enum):\n    ONE = 2"),
    ],
)
def test_a_changed_promise_is_seen(before: str, after: str) -> None:
    assert signatures(before) != signatures(after)


def test_a_changed_word_is_no_changed_promise() -> None:
    assert signatures('def f() -> None:\n    """One."""') == signatures("def f() -> None: ...")
