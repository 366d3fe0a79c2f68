"""Write `hooks.md`, the hook reference, from the contract page: `make docs`."""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGINNING = """# Hooks

Made from `hookspecs.py` by `make docs`; the page itself tells what each value means. A plugin
answers a hook with a function of the same name, marked `@hookimpl`, and may leave out arguments
that it doesn't need.
"""


def reference(page: str) -> str:
    """Return the reference of every hook that `page` specifies, in its order."""
    hooks = [
        node
        for node in ast.parse(page).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(mark).partition("(")[0] == "hookspec" for mark in node.decorator_list)
    ]
    return "\n".join([BEGINNING, *(entry(hook) for hook in hooks)])


def entry(hook: ast.FunctionDef) -> str:
    """Return a hook's signature, its words and its example."""
    returns = ast.unparse(hook.returns) if hook.returns else "None"
    words, _, example = (ast.get_docstring(hook) or "").partition(">>>")
    parts = [
        f"## {hook.name}",
        f"```python\ndef {hook.name}({ast.unparse(hook.args)}) -> {returns}\n```",
        textwrap.dedent(words).strip(),
    ]
    if example:
        parts.append(f"```pycon\n>>>{example.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the reference; with `--check`, return 1 where it isn't what the page says."""
    target = ROOT / "docs" / "hooks.md"
    text = reference((ROOT / "hookspecs.py").read_text(encoding="utf-8"))
    if "--check" in sys.argv:
        return int(not target.is_file() or target.read_text(encoding="utf-8") != text)
    target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
