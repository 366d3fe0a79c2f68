"""Each kind of change to the contract: growth or a break, and for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.hooks.agreement import disagreement
from core.hooks.changes import Change, changes
from core.hooks.promises import Direction, Page, promises
from core.hooks.usage import broken_by, signs_of
from tests.house.tree import ROOT, shelf

pytestmark = pytest.mark.once

PAGE = """
API_VERSION: Final = "1.0"
API_STATUS: Final = "frozen"

@final
@dataclass(frozen=True, slots=True)
class Money:
    minor: int
    currency: str
    def percent(self, rate: Decimal, /) -> Self: ...

class Verb(StrEnum):
    START = "START"

class Retry(StrEnum):
    SAME = "SAME"
    NEVER = "NEVER"

@dataclass(frozen=True, kw_only=True)
class Request:
    amount: Money
    verb: Verb
    note: str | None = None

@dataclass(frozen=True, kw_only=True)
class Done:
    amount: Money
    facts: tuple[str, ...] = ()

@dataclass(frozen=True, kw_only=True)
class Declined:
    retry: Retry = Retry.SAME

Outcome = Done | Declined

@runtime_checkable
class Strategy(Protocol):
    def start(self, request: Request, /) -> Outcome: ...

@runtime_checkable
class Voids(Protocol):
    def void(self, request: Request, /) -> Done: ...

class Catalogue(Protocol):
    def skus(self, *, after: str = "") -> Sequence[str]: ...

def setting(*, label: str) -> Any: ...

@hookspec
def strategies(settings: Any) -> Iterable[Strategy]: ...

@hookspec
def placed(event: Request, settings: Any) -> None: ...

@hookspec
def warmers(catalogue: Catalogue) -> None: ...
"""

GROWTH = [
    ("a name is new", "", "class Hint: ..."),
    ("a hook is new", "", "@hookspec\ndef paid(event: Request) -> None: ..."),
    ("a hook gives more", "def placed(event: Request,", "def placed(event: Request, now: int,"),
    ("what is read has more", "    verb: Verb\n", '    verb: Verb\n    tag: str = ""\n'),
    ("what is made may have more", "facts: tuple", "hint: int = 0\n    facts: tuple"),
    ("what is made may say more", "NEVER = 'NEVER'", "NEVER = 'NEVER'\n    LATER = 'LATER'"),
    ("there is one more answer", "Done | Declined", "Done | Declined | Request"),
    ("what is read is narrower", "note: str | None = None", "note: str = None"),
    ("what is made may be wider", "facts: tuple[str, ...]", "facts: tuple[str, ...] | str"),
    ("an answer may be wider", "-> Done: ...", "-> Done | Declined: ..."),
    (
        "the core can do more",
        "class Catalogue(Protocol):\n",
        "class Catalogue(Protocol):\n    def count(self) -> int: ...\n",
    ),
    ("the core takes more", 'after: str = ""', 'after: str = "", limit: int = 9'),
    ("a function takes more", "setting(*, label: str)", 'setting(*, label: str, help: str = "")'),
    ("a value can do more", "    def percent", "    def half(self) -> Self: ...\n    def percent"),
    ("it need not be final", "@final\n", ""),
    ("a default is new", "    amount: Money\n    facts", "    amount: Money = 0\n    facts"),
]
BREAKS = [
    ("a name is gone", "class Retry(StrEnum)", "class Again(StrEnum)", "Retry", "import"),
    ("a hook is gone", "def placed(", "def bought(", "placed", "answer"),
    ("a hook gives less", ", settings: Any) -> None", ") -> None", "placed", "take"),
    ("a hook gives another", "event: Request", "event: Done", "placed", "take"),
    ("a hook wants another", "Iterable[Strategy]", "Strategy", "strategies", "answer"),
    ("a hook hides one", "placed(event: Request,", "placed(*, event: Request,", "placed", "answer"),
    ("what is read has less", "    verb: Verb\n", "", "Request", "use"),
    ("what is read is another", "    note: str | None", "    note: int | None", "Request", "use"),
    ("what is read is wider", "note: str | None", "note: str | None | int", "Request", "use"),
    ("what is made needs more", "facts: tuple", "hint: int\n    facts: tuple", "Done", "make"),
    ("what is made has less", "    facts: tuple[str, ...] = ()\n", "", "Done", "use"),
    ("what is made is narrower", "tuple[str, ...] = ()", "tuple[str, str] = ()", "Done", "use"),
    (
        "optional is required",
        "facts: tuple[str, ...] = ()",
        "facts: tuple[str, ...]",
        "Done",
        "leave it out",
    ),
    ("a default is another", "= Retry.SAME", "= Retry.NEVER", "Declined", "leave it out"),
    (
        "what must be handled has more",
        "START = 'START'",
        "START = 'START'\n    VOID = 'VOID'",
        "Verb",
        "handle",
    ),
    ("a word is gone", "    SAME = 'SAME'\n", "", "Retry", "say"),
    ("a word is another", "SAME = 'SAME'", "SAME = 'AGAIN'", "Retry", "store"),
    ("an answer is gone", "Outcome = Done | Declined", "Outcome = Done", "Outcome", "use"),
    (
        "plugins are asked more",
        "    def void",
        "    def undo(self) -> Done: ...\n    def void",
        "Voids",
        "implement",
    ),
    (
        "plugins are asked otherwise",
        "def start(self, request: Request, /)",
        "def start(self, request: Request, call: int, /)",
        "Strategy",
        "implement",
    ),
    (
        "plugins are asked less",
        "    def void(self, request: Request, /) -> Done: ...",
        "    pass",
        "Voids",
        "implement",
    ),
    ("an answer is narrower", "-> Outcome: ...", "-> Done: ...", "Strategy", "implement"),
    (
        "the core can do less",
        '    def skus(self, *, after: str = "") -> Sequence[str]: ...',
        "    pass",
        "Catalogue",
        "call",
    ),
    ("the core answers another", "-> Sequence[str]", "-> Iterable[str]", "Catalogue", "call"),
    (
        "a function needs more",
        "setting(*, label: str)",
        "setting(*, label: str, help: str)",
        "setting",
        "call",
    ),
    (
        "fields change places",
        "    minor: int\n    currency: str",
        "    currency: str\n    minor: int",
        "Money",
        "make",
    ),
    (
        "by name only",
        "@dataclass(frozen=True, slots=True)",
        "@dataclass(kw_only=True)",
        "Money",
        "use",
    ),
    ("another base", "class Retry(StrEnum)", "class Retry(IntEnum)", "Retry", "use"),
    (
        "a value can do less",
        "    def percent(self, rate: Decimal, /) -> Self: ...\n",
        "",
        "Money",
        "call",
    ),
]


def page(text: str = PAGE) -> Page:
    return Page(promises(text.replace("'", '"')))


def altered(before: str, after: str) -> Page:
    text = PAGE.replace("'", '"')
    before, after = before.replace("'", '"'), after.replace("'", '"')
    if not before:
        return page(text + after)
    assert before in text, before
    return page(text.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"), [each[1:] for each in GROWTH], ids=[each[0] for each in GROWTH]
)
def test_it_is_growth(before: str, after: str) -> None:
    found = changes(page(), altered(before, after))

    assert found
    assert [one for one in found if one.breaks] == []


@pytest.mark.parametrize(
    ("before", "after", "name", "whom"), [each[1:] for each in BREAKS], ids=[e[0] for e in BREAKS]
)
def test_it_breaks(before: str, after: str, name: str, whom: str) -> None:
    found = changes(page(), altered(before, after))

    broken = [one for one in found if one.breaks]
    assert broken
    assert (broken[0].name, whom in broken[0].whom) == (name, True), broken
    assert all(one.signs for one in broken), "no plugin could ever be concerned"


def test_nothing_changed_is_no_change() -> None:
    assert changes(page(), page(PAGE + '\n"""A word more."""\n_PRIVATE = 1\n')) == ()


def test_what_lies_in_the_order_of_names_is_no_promise() -> None:
    moved = altered(
        "    verb: Verb\n    note: str | None = None", "    note: str | None = None\n    verb: Verb"
    )

    assert changes(page(), moved) == ()


def test_directions_are_followed_from_hooks_and_protocols() -> None:
    ways = page().directions

    assert ways["Request"] == ways["Verb"] == {Direction.READ}
    assert ways["Done"] == ways["Retry"] == {Direction.MADE}
    assert ways["Money"] == {Direction.READ, Direction.MADE}


@pytest.mark.parametrize(
    ("after", "version", "agrees"),
    [
        (PAGE, "1.0", True),
        (PAGE, "1.1", False),
        (PAGE + "\nclass Hint: ...", "1.0", False),
        (PAGE + "\nclass Hint: ...", "1.1", True),
        (PAGE.replace("NEVER", "EVER"), "1.1", False),
        (PAGE.replace("NEVER", "EVER"), "2.0", True),
    ],
)
def test_the_version_has_to_go_with_the_change(after: str, version: str, agrees: bool) -> None:
    now = page(after.replace('Final = "1.0"', f'Final = "{version}"'))

    assert (disagreement(page(), now) == "") is agrees


def test_a_draft_may_change_as_it_likes() -> None:
    draft = page(PAGE.replace("frozen", "draft").replace("frozen=True", "draft=True"))

    assert disagreement(draft, page(PAGE.replace("NEVER", "EVER"))) == ""


# Which plugins a change concerns


PLUGIN = """
import hookspecs as page
from hookspecs import Declined, Done as Finished, hookimpl

class Mine:
    def start(self, request, /):
        match request:
            case object(note=str()):
                return Declined()
        return Finished(amount=request.amount, facts=())

    def skus(self):
        return page.Retry.SAME

@hookimpl
def strategies(settings):
    return [Mine()]
"""


def concerned(folder: Path, before: str, after: str, source: str = PLUGIN) -> list[str]:
    (folder / "plugin.py").write_text(source.replace("'", '"'), encoding="utf-8")
    (folder / "broken.py").write_text("def (", encoding="utf-8")
    signs = signs_of(folder, hooks=("strategies",), page=page())
    found: tuple[Change, ...] = changes(page(), altered(before, after))
    return [one.name for one in broken_by(found, signs)]


@pytest.mark.parametrize(
    ("before", "after", "hit"),
    [
        ("    amount: Money\n    verb", "    verb", ["Request"]),  # it reads request.amount
        ("    verb: Verb\n", "", []),  # and nothing of verb
        (
            "    note: str | None = None",
            "    note: int",
            ["Request"],
        ),  # it matches on it
        ("    facts: tuple[str, ...] = ()", "    facts: int = 0", ["Done", "Done"]),
        ("facts: tuple", "hint: int\n    facts: tuple", ["Done"]),
        ("    SAME = 'SAME'\n", "", ["Retry"]),
        ("    NEVER = 'NEVER'\n", "", []),
        ("START = 'START'", "START = 'START'\n    VOID = 'VOID'", []),  # it never looks at verbs
        ("def placed(", "def bought(", []),  # it doesn't answer that hook
        ("def strategies(settings: Any)", "def strategies(now: int)", ["strategies"]),
        ("    def void", "    def undo(self) -> Done: ...\n    def void", []),
        ("def start(self, request: Request, /)", "def start(self, /)", ["Strategy"]),
        ("class Declined:", "class Refused:", ["Declined"]),
        ("setting(*, label: str)", "setting(label: str)", []),
    ],
)
def test_a_change_concerns_who_uses_it(
    before: str, after: str, hit: list[str], tmp_path: Path
) -> None:
    assert concerned(tmp_path, before, after) == hit


def test_every_bundled_plugin_shows_that_it_uses_the_page() -> None:
    real = Page(promises((ROOT / "hookspecs.py").read_text(encoding="utf-8")))

    for plugin in shelf():
        (package,) = (path.parent for path in plugin.glob("src/*/plugin.toml"))
        signs = signs_of(package, hooks=(), page=real)
        uses = any(sign.startswith("name:") for sign in signs)
        assert uses == ("hookspecs" in "".join(p.read_text() for p in package.rglob("*.py")))
