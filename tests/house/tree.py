"""Where things lie in the checkout, for the laws that read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"


def shelf() -> list[Path]:
    """Return the folders of the plugins on the shelf."""
    return sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def sources() -> list[Path]:
    """Return every module that we ship: core, page and plugins, without migrations."""
    found = [ROOT / "hookspecs.py", ROOT / "manage.py", *CORE.rglob("*.py")]
    found += [path for plugin in shelf() for path in plugin.glob("src/**/*.py")]
    return sorted(path for path in found if path.is_file() and "migrations" not in path.parts)


@cache
def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of the module at `path`."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function in `tree`, methods and nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import in `tree`; a relative one begins with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or "")


def shown(path: Path) -> str:
    """Return `path` as seen from the checkout."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
