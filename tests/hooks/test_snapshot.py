"""The contract changes knowingly: as a draft with a line in CHANGELOG, frozen not at all.

After a landing the snapshot is renewed with `python -m tests.hooks.test_snapshot`.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from hookspecs import API_STATUS
from tests.house.tree import ROOT

pytestmark = pytest.mark.once

PAGE = ROOT / "hookspecs.py"
SNAPSHOT = Path(__file__).with_name("snapshot.json")


def promises(page: str) -> dict[str, list[str]]:
    """Return what each public name of a page promises: signatures, fields, bases, values."""
    found: dict[str, list[str]] = {}
    for node in ast.parse(page).body:
        for name, line in promised(node):
            found.setdefault(name, []).append(line)
    return found


def promised(node: ast.stmt) -> Iterator[tuple[str, str]]:
    """Yield a name and a line of what a statement promises."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and not is_private(node.name):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        if isinstance(node, ast.FunctionDef):
            returns = ast.unparse(node.returns) if node.returns else ""
            yield node.name, f"{marks}{node.name}({ast.unparse(node.args)}) -> {returns}"
        else:
            yield node.name, f"{marks}class({', '.join(map(ast.unparse, node.bases))})"
            for inner in node.body:
                for _, line in promised(inner):
                    yield node.name, line
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        name = ast.unparse(target)
        if not name.startswith("_") and name not in {"API_STATUS", "API_VERSION"}:
            yield name, ast.unparse(node)


def is_private(name: str) -> bool:
    """Return whether a name is ours to change; operators such as `__add__` are promises."""
    return name.startswith("_") and not name.startswith("__")


def changed(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> set[str]:
    """Return the names that promise something else than before."""
    return {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


def unannounced(names: set[str], *, status: str, changelog: str) -> set[str]:
    """Return the changes that may not pass: all once frozen, those not written down in a draft."""
    if status == "frozen":
        return names
    section = re.search(
        r"^### For plugin authors\n(.*?)(?=^##|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    told = section[1] if section else ""
    return {name for name in names if not re.search(rf"\b{re.escape(name)}\b", told)}


def test_the_contract_changes_only_with_a_word_to_plugin_authors() -> None:
    before = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    names = changed(before, promises(PAGE.read_text(encoding="utf-8")))

    assert not unannounced(names, status=API_STATUS, changelog=changelog)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a: int) -> None: ...", "def f(a: int, b: int) -> None: ..."),
        ("def f(a: int) -> None: ...", "def f(a: int, /) -> None: ..."),
        ("class f:\n    a: int", "class f:\n    a: int = 0"),
        ("class f:\n    a: int", "class f:\n    b: int"),
        ("class f: ...", "@final\nclass f: ..."),
        ("class f(Enum):\n    ONE = 1", "class f(Enum):\n    ONE = 2"),
        ("class f(Protocol):\n    def a(self): ...", "class f(Protocol):\n    def b(self): ..."),
        ("f = int | str", "f = int"),
        ("f = int", ""),
        ("", "f = int"),
    ],
)
def test_a_change_is_seen(before: str, after: str) -> None:
    assert changed(promises(before), promises(after)) == {"f"}


def test_another_docstring_is_no_change() -> None:
    assert not changed(promises('def f():\n    """One."""'), promises("def f(): ..."))


@pytest.mark.parametrize(
    ("status", "changelog", "passes"),
    [
        ("draft", "### For plugin authors\n- `Quote` grew.\n", True),
        ("draft", "### For plugin authors\n- `QuoteLine` grew.\n", False),
        ("draft", "### Added\n- `Quote` grew.\n### For plugin authors\n", False),
        ("draft", "### For plugin authors\n\n## 0.9\n- `Quote`", False),
        ("frozen", "### For plugin authors\n- `Quote` grew.\n", False),
    ],
)
def test_a_draft_may_change_if_it_says_so_and_a_frozen_page_not_at_all(
    status: str, changelog: str, passes: bool
) -> None:
    assert (not unannounced({"Quote"}, status=status, changelog=changelog)) is passes


if __name__ == "__main__":
    text = json.dumps(promises(PAGE.read_text(encoding="utf-8")), indent=1, ensure_ascii=False)
    SNAPSHOT.write_text(text + "\n", encoding="utf-8")
