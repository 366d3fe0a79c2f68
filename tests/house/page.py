"""The signatures that the contract page promises, as text: `python -m tests.house.page --write`."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import ROOT

SNAPSHOT = Path(__file__).with_name("page.txt")


def signatures(page: str) -> str:
    """Return what `page` promises, a line for each name, field and method, in its order."""
    return "".join(f"{line}\n" for node in ast.parse(page).body for line in promised(node))


def promised(node: ast.stmt, indent: str = "") -> Iterator[str]:
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        yield f"{indent}{marks}class {node.name}({', '.join(ast.unparse(base) for base in node.bases)})"
        for inner in node.body:
            yield from promised(inner, indent + "    ")
    elif isinstance(node, ast.FunctionDef) and (
        not node.name.startswith("_") or node.name == "__init__"
    ):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        returns = ast.unparse(node.returns) if node.returns else ""
        yield f"{indent}{marks}{node.name}({ast.unparse(node.args)}) -> {returns}"
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        if not ast.unparse(target).startswith("_"):
            yield f"{indent}{ast.unparse(node)}"


if __name__ == "__main__":
    text = signatures((ROOT / "hookspecs.py").read_text(encoding="utf-8"))
    if "--write" in sys.argv:
        SNAPSHOT.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
