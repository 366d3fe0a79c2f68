"""How a module must read: each law takes one module and names every place that breaks it."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.house.tree import functions, imports, shelf

FORBIDDEN_NAMES = frozenset(
    {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "base",
        "misc",
        "services",
        "repositories",
        "dto",
    }
)
OWN = ("core", "hookspecs")


@dataclass(frozen=True)
class Module:
    """A module's path, as seen from the checkout, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @property
    def is_init(self) -> bool:
        return self.path.endswith("__init__.py")

    @property
    def lines(self) -> int:
        return self.text.count("\n")


def short_module(module: Module) -> Iterator[str]:
    """A module has 300 lines at most, the contract page 1,200."""
    most = 1200 if module.path == "hookspecs.py" else 300
    if module.lines > most:
        yield f"{module.lines} lines, at most {most}"


def short_functions(module: Module) -> Iterator[str]:
    """A function has 60 lines at most."""
    for node in functions(module.tree):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > 60:
            yield f"line {node.lineno}: {node.name} has {length} lines, at most 60"


def one_sentence(module: Module) -> Iterator[str]:
    """A module's docstring begins with one sentence that says what lives there."""
    docstring = ast.get_docstring(module.tree) or ""
    first = docstring.partition("\n\n")[0].strip()
    if not first and module.text.strip():
        yield "has no docstring"
    elif first and not first.endswith((".", "!", "?", ":")):
        yield f"its docstring's first sentence has no end: {first[-30:]!r}"


def annotations_later(module: Module) -> Iterator[str]:
    """Every module with code begins with `from __future__ import annotations`."""
    code = [node for node in module.tree.body if not isinstance(node, ast.Expr)]
    if code and "__future__" not in {name for _, name in imports(module.tree)}:
        yield "lacks `from __future__ import annotations`"


def all_annotated(module: Module) -> Iterator[str]:
    """Every function says what it takes and what it gives."""
    for node in functions(module.tree):
        takes = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [a.arg for a in takes if a.annotation is None and a.arg not in {"self", "cls"}]
        if bare or node.returns is None:
            yield f"line {node.lineno}: {node.name} is not annotated ({', '.join(bare) or 'return'})"


def open_imports(module: Module) -> Iterator[str]:
    """No import of our own packages hides in a function, `AppConfig.ready` excepted."""
    package = module.path.split("/")[-2] if "/src/" in module.path else ""
    own = {*OWN, package, ""} - ({""} if not package else set())
    for node in functions(module.tree):
        if node.name == "ready":
            continue
        for line, name in imports(node):
            if name.startswith(".") or name.split(".")[0] in own - {""}:
                yield f"line {line}: imports {name} inside {node.name}"


def no_type_checking(module: Module) -> Iterator[str]:
    """No `TYPE_CHECKING`: where one is needed, the direction is wrong."""
    for number, line in enumerate(module.text.splitlines(), 1):
        if re.search(r"\bTYPE_CHECKING\b", line):
            yield f"line {number}: TYPE_CHECKING"


def finished(module: Module) -> Iterator[str]:
    """Nothing is left for later in a comment."""
    marks = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"))
    for number, line in enumerate(module.text.splitlines(), 1):
        if re.search(rf"\b({marks})\b", line):
            yield f"line {number}: {line.strip()}"


def telling_name(module: Module) -> Iterator[str]:
    """No module or folder is named after nothing in particular."""
    for part in module.path.removesuffix(".py").split("/"):
        if part in FORBIDDEN_NAMES:
            yield f"{part!r} says nothing about what lives there"


def public_names(module: Module) -> Iterator[str]:
    """Where `__all__` stands, it names every public function and class, and nothing unknown."""
    listed = _listed(module.tree)
    if listed is None:
        if module.path == "hookspecs.py":
            yield "has no __all__"
        return
    made, imported = _made(module.tree)
    public = {name for name in made if not name.startswith("_")}
    for name in sorted(public - listed):
        yield f"{name} is public and missing from __all__"
    for name in sorted(listed - made - imported):
        yield f"__all__ names {name}, which is not there"
    if len(_listed_in_order(module.tree)) != len(listed):
        yield "__all__ names something twice"


def _listed_in_order(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return [str(name) for name in ast.literal_eval(node.value)]
    return []


def _listed(tree: ast.Module) -> set[str] | None:
    found = any(
        isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for node in tree.body
    )
    return set(_listed_in_order(tree)) if found else None


def _made(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Return the functions and classes made here, and every other name that is bound here."""
    made: set[str] = set()
    bound: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            bound |= {
                name.id
                for name in ast.walk(node)
                if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
    return made, bound


def pure_page(module: Module) -> Iterator[str]:
    """`hookspecs.py` imports the standard library and pluggy alone."""
    if module.path == "hookspecs.py":
        for line, name in imports(module.tree):
            if name.split(".")[0] not in {*sys.stdlib_module_names, "pluggy"}:
                yield f"line {line}: imports {name}"


def outside(module: Module) -> Iterator[str]:
    """A plugin sees `hookspecs` and its own libraries, never `core`."""
    if module.path.startswith("plugins/") and "/src/" in module.path:
        for line, name in imports(module.tree):
            if name.split(".")[0] in {"core", "tests"}:
                yield f"line {line}: imports {name}"


def leaves_with_its_plugin(module: Module) -> Iterator[str]:
    """A plugin's test sees `hookspecs`, `core.testing`, its own package and libraries."""
    parts = module.path.split("/")
    if parts[0] != "plugins" or "tests" not in parts[2:]:
        return
    packages = {path.name for plugin in shelf() for path in plugin.glob("src/*")}
    others = packages - {parts[1], "sandbox_gateways"}  # the gateways that they are tried with
    for line, name in imports(module.tree):
        room, own = name.split("."), name.startswith(f"plugins.{parts[1]}.")
        testing = room[:2] == ["core", "testing"]
        if not (own or testing) and room[0] in {"core", "tests", "plugins", *others}:
            yield f"line {line}: imports {name}"


LAWS: tuple[Callable[[Module], Iterator[str]], ...] = (
    short_module,
    short_functions,
    one_sentence,
    annotations_later,
    all_annotated,
    open_imports,
    no_type_checking,
    finished,
    telling_name,
    public_names,
    pure_page,
    outside,
    leaves_with_its_plugin,
)
