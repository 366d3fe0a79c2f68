"""The documents tell of every hook, setting, command and check, and their commands exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import CORE, ROOT, functions, parsed, shelf

pytestmark = pytest.mark.once

DOCS = ROOT / "docs"


def hooks() -> list[str]:
    """Return the names of the hooks that `hookspecs.py` specifies."""
    page = ROOT / "hookspecs.py"
    return [
        node.name
        for node in (functions(parsed(page)) if page.is_file() else ())
        if any(ast.unparse(mark).partition("(")[0] == "hookspec" for mark in node.decorator_list)
    ]


def variables(text: str) -> set[str]:
    """Return the environment variables that a module reads: `env.kind("NAME", …)` and the like."""
    return {
        name.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and node.args
        for name in node.args[:2]
        if isinstance(name, ast.Constant)
        and isinstance(name.value, str)
        and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", name.value)
        and re.match(r"env\.|os\.environ|environment\.string_set", ast.unparse(node.func))
    }


def read_by_the_shell() -> set[str]:
    paths = [*(CORE / "project").glob("*.py"), CORE / "conf.py"]
    texts = [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
    return {name for text in texts for name in variables(text)} - {"DJANGO_SETTINGS_MODULE"}


def commands() -> list[str]:
    folders = [
        CORE,
        *(package.parent for plugin in shelf() for package in plugin.glob("src/*/__init__.py")),
    ]
    found = [path for folder in folders for path in folder.glob("management/commands/[!_]*.py")]
    return sorted(path.stem for path in found)


def checks() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in CORE.rglob("*.py")]
    return {found for text in texts for found in re.findall(r"orderloom\.[EWIC]\d{3}", text)}


def documents() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for path in [*DOCS.rglob("*.md"), ROOT / "README.md"]
    )


def unmentioned(names: set[str], text: str) -> list[str]:
    return sorted(
        name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", text)
    )


def test_every_setting_is_documented() -> None:
    assert not unmentioned(read_by_the_shell(), (DOCS / "settings.md").read_text(encoding="utf-8"))


def test_every_documented_setting_is_read() -> None:
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\|([^|]*)\|", page, re.MULTILINE)

    named = {name for cell in cells for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", cell)}

    assert named
    assert not sorted(named - read_by_the_shell())


def test_every_command_is_documented() -> None:
    assert not unmentioned(set(commands()), documents())


def test_every_check_is_documented() -> None:
    assert not unmentioned(checks(), documents())


def test_every_hook_is_documented() -> None:
    assert not unmentioned(set(hooks()), documents())


def test_the_hook_reference_says_what_the_page_says() -> None:
    done = subprocess.run([sys.executable, DOCS / "reference.py", "--check"], check=False)

    assert done.returncode == 0, "run `make docs`"


def test_every_hook_has_a_test_of_its_name() -> None:
    paths = [
        path for folder in (ROOT / "tests", ROOT / "plugins") for path in folder.rglob("test_*.py")
    ]

    defined = {node.name for path in paths for node in functions(parsed(path))}

    missing = [hook for hook in hooks() if f"test_hook_{hook}" not in defined]
    assert not missing


def test_something_unmentioned_is_found() -> None:
    assert unmentioned({"DEBUG", "DEBUGGER"}, "`DEBUG` alone") == ["DEBUGGER"]
    assert variables('env.str("A_B", default="C")') == {"A_B"}


def targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))


def told(text: str) -> set[str]:
    """Return the targets of make that a document tells a person to use."""
    return set(re.findall(r"(?:^|[`\s=])make ([a-z][a-z-]*)(?=[`\s])", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_the_commands_it_tells_exist(name: str) -> None:
    known = targets((ROOT / "Makefile").read_text(encoding="utf-8"))

    used = {word for line in code(ROOT / name) for word in told(line)}

    assert used <= known


def code(path: Path) -> list[str]:
    """Return what stands in code blocks and between backticks of the document at `path`."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [
        *(f"{block}\n" for block in blocks),
        *(f"`{one}`" for one in re.findall(r"`([^`\n]+)`", text)),
    ]


def test_a_command_that_does_not_exist_is_found() -> None:
    assert told("`make coffee`") == {"coffee"}
    assert "coffee" not in targets("test: a\n\ntea:\n")


def test_the_first_two_commands_of_the_readme_are_the_whole_set_up() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    assert [block.strip() for block in blocks[:2]] == ["make run", "make test"]


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")]), ids=lambda p: p.name
)
def test_its_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text(encoding="utf-8"))

    assert not [link for link in links if not (path.parent / link).exists()]
