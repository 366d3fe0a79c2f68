"""What of the contract page a plugin uses, read from its source without importing it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from core.hooks.changes import Change
from core.hooks.promises import Page, Promise

__all__ = ["broken_by", "signs_of"]

_PAGE: Final = "hookspecs"


def signs_of(folder: Path, *, hooks: Sequence[str], page: Page) -> frozenset[str]:
    """Return the signs by which a change knows whether it concerns the package in this folder.

    `name:X` it imports X, `calls:X` it makes one, `keyword:X.field` with that field, `attribute:a`
    it reads something of that name, `def:f` it defines one, `hook:h` it answers, `takes:h.a` with
    that argument, `sees:X` a value of that type may come its way, `offers:P` it implements that
    Protocol. What can't be read as Python shows no signs.
    """
    signs = {f"hook:{hook}" for hook in hooks}
    signs |= {f"sees:{name}" for name in page.seen_through(hooks)}
    methods: set[frozenset[str]] = set()
    for path in sorted(folder.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError):
            continue
        signs |= set(_signs(tree))
        methods |= set(_methods(tree))
    signs |= {f"sees:{sign.removeprefix('name:')}" for sign in signs if sign.startswith("name:")}
    offered = (name for name, promise in page.names.items() if _is_offered(promise, methods))
    return frozenset(signs | {f"offers:{name}" for name in offered})


def broken_by(changes: Sequence[Change], signs: frozenset[str]) -> tuple[Change, ...]:
    """Return the breaking changes that concern a plugin with these signs."""
    return tuple(
        change
        for change in changes
        if change.breaks and any(needed <= signs for needed in change.signs)
    )


def _is_offered(promise: Promise, methods: set[frozenset[str]]) -> bool:
    wanted = {name for name, member in promise.members.items() if "@property" not in member.marks}
    return promise.by_plugins and any(wanted <= defined for defined in methods)


def _methods(tree: ast.Module) -> Iterator[frozenset[str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield frozenset(one.name for one in node.body if isinstance(one, ast.FunctionDef))


def _signs(tree: ast.Module) -> Iterator[str]:
    known, modules = _imported(tree)
    yield from (f"name:{name}" for name in known.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield f"attribute:{node.attr}"
            if isinstance(node.value, ast.Name) and node.value.id in modules:
                yield f"name:{node.attr}"
        elif isinstance(node, ast.MatchClass):
            yield from (f"attribute:{name}" for name in node.kwd_attrs)
        elif isinstance(node, ast.Call):
            yield from _made(node, known, modules)
        elif isinstance(node, ast.FunctionDef):
            yield f"def:{node.name}"
            taken = (*node.args.posonlyargs, *node.args.args)
            yield from (f"takes:{node.name}.{each.arg}" for each in taken)


def _imported(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """Return the names of the page by what they are called here, and what the page is called."""
    known: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == _PAGE:
            known |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.Import):
            modules |= {each.asname or each.name for each in node.names if each.name == _PAGE}
    return known, modules


def _made(call: ast.Call, known: dict[str, str], modules: set[str]) -> Iterator[str]:
    made = call.func
    name = known.get(made.id, "") if isinstance(made, ast.Name) else ""
    if isinstance(made, ast.Attribute) and isinstance(made.value, ast.Name):
        name = made.attr if made.value.id in modules else ""
    if name:
        yield f"calls:{name}"
    # `replace(value, field=…)` names no type: the field counts for whatever comes this way.
    yield from (f"attribute:{each.arg}" for each in call.keywords if each.arg)
    if name:
        yield from (f"keyword:{name}.{each.arg}" for each in call.keywords if each.arg)
