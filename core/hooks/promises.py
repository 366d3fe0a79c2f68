"""What the contract page promises, read from its text: names, fields, methods, and who makes what."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property

__all__ = ["Direction", "Member", "Page", "Promise", "names_in", "promises"]

_HOOKSPEC = "@hookspec"


def promises(page: str) -> dict[str, list[str]]:
    """Return what each public name of a page promises: signatures, fields, bases, values.

    It is what a snapshot holds. Docstrings and private names are no promise.

    Raises:
        SyntaxError: it is no Python.

    """
    found: dict[str, list[str]] = {}
    for node in ast.parse(page).body:
        for name, line in _promised(node):
            found.setdefault(name, []).append(line)
    return found


def _promised(node: ast.stmt) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef) and not _is_private(node.name):
        marks = "".join(f"@{ast.unparse(mark)} " for mark in node.decorator_list)
        if isinstance(node, ast.FunctionDef):
            returns = ast.unparse(node.returns) if node.returns else ""
            yield node.name, f"{marks}{node.name}({ast.unparse(node.args)}) -> {returns}"
        else:
            yield node.name, f"{marks}class({', '.join(map(ast.unparse, node.bases))})"
            for inner in node.body:
                for _, line in _promised(inner):
                    yield node.name, line
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        name = ast.unparse(target)
        if not name.startswith("_"):
            yield name, ast.unparse(node)


def _is_private(name: str) -> bool:
    """Operators such as `__add__` are promises."""
    return name.startswith("_") and not name.startswith("__")


class Direction(Enum):
    """Who makes a value of a type: what the core makes is read by plugins, and the other way."""

    READ = auto()
    MADE = auto()


@dataclass(frozen=True, slots=True)
class Member:
    """A field, an enum's member, or a method with its arguments."""

    name: str
    text: str
    annotation: str = ""
    default: str | None = None
    arguments: ast.arguments | None = None
    marks: frozenset[str] = frozenset()

    @property
    def is_method(self) -> bool:
        """Whether it is a function of any kind."""
        return self.arguments is not None


@dataclass(frozen=True, slots=True)
class Promise:
    """A public name: a class with members, a function, or a value."""

    name: str
    head: str
    members: Mapping[str, Member]
    bases: tuple[str, ...] = ()
    marks: frozenset[str] = frozenset()
    own: Member | None = None
    """The function or value itself, where it is no class."""

    @property
    def is_hook(self) -> bool:
        """Whether plugins answer it."""
        return _HOOKSPEC in self.marks

    @property
    def is_enum(self) -> bool:
        """Whether its members are words."""
        return bool({"StrEnum", "IntEnum", "Enum"} & set(self.bases))

    @property
    def is_protocol(self) -> bool:
        """Whether somebody implements it."""
        return "Protocol" in self.bases

    @property
    def by_plugins(self) -> bool:
        """Whether plugins implement it; the core checks that, so such a Protocol can be checked."""
        return self.is_protocol and "@runtime_checkable" in self.marks

    @property
    def is_positional(self) -> bool:
        """Whether it is a value whose fields have places."""
        return any("dataclass" in mark and "kw_only" not in mark for mark in self.marks)


@dataclass(frozen=True)
class Page:
    """A whole page: what it promises by name, its version and status, and the direction of types."""

    lines: Mapping[str, Sequence[str]]
    names: Mapping[str, Promise] = field(init=False)

    def __post_init__(self) -> None:
        read = {name: _promise(name, lines) for name, lines in self.lines.items()}
        object.__setattr__(self, "names", read)

    @property
    def version(self) -> str:
        """What `API_VERSION` says, empty where it isn't told."""
        return self._said("API_VERSION")

    @property
    def frozen(self) -> bool:
        """Whether it may only grow."""
        return self._said("API_STATUS") == "frozen"

    def _said(self, name: str) -> str:
        promise = self.names.get(name)
        default = promise.own.default if promise and promise.own else None
        return str(ast.literal_eval(default)) if default else ""

    @cached_property
    def directions(self) -> Mapping[str, frozenset[Direction]]:
        """By type, who makes it: followed from the hooks and from what each side implements."""
        found: dict[str, set[Direction]] = {}
        for promise in self.names.values():
            takes, gives = (
                (Direction.READ, Direction.MADE)
                if promise.is_hook or promise.by_plugins
                else (Direction.MADE, Direction.READ)
            )
            if promise.is_hook and promise.own:
                self._follow_method(promise.own, takes, gives, found)
            elif promise.is_protocol:
                for member in promise.members.values():
                    self._follow_method(member, takes, gives, found)
        return {name: frozenset(ways) for name, ways in found.items()}

    def _follow_method(
        self, member: Member, takes: Direction, gives: Direction, found: dict[str, set[Direction]]
    ) -> None:
        arguments = member.arguments or ast.arguments([], [], None, [], [], None, [])
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if each.annotation is not None:
                self._follow(ast.unparse(each.annotation), takes, found)
        self._follow(member.annotation, gives, found)

    def _follow(self, annotation: str, way: Direction, found: dict[str, set[Direction]]) -> None:
        for name in names_in(annotation):
            promise = self.names.get(name)
            if promise is None or way in found.setdefault(name, set()):
                continue
            found[name].add(way)
            if promise.is_protocol:
                continue
            for base in promise.bases:
                self._follow(base, way, found)
            for member in promise.members.values():
                if not member.is_method:
                    self._follow(member.annotation, way, found)
            if promise.own is not None:
                self._follow(promise.own.default or "", way, found)
            for heir in self.names.values():
                if name in heir.bases:
                    self._follow(heir.name, way, found)

    def seen_through(self, hooks: Sequence[str]) -> frozenset[str]:
        """Return the types that a plugin answering these hooks may come by without naming them."""
        found: dict[str, set[Direction]] = {}
        for hook in hooks:
            promise = self.names.get(hook)
            if promise is None or promise.own is None:
                continue
            self._follow_method(promise.own, Direction.READ, Direction.MADE, found)
            for offered in names_in(promise.own.annotation):
                given = self.names.get(offered)
                for member in given.members.values() if given else ():
                    self._follow_method(member, Direction.READ, Direction.MADE, found)
        return frozenset(found)


def names_in(annotation: str) -> frozenset[str]:
    """Return the names that stand in an annotation."""
    if not annotation:
        return frozenset()
    tree = ast.parse(annotation, mode="eval")
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def _promise(name: str, lines: Sequence[str]) -> Promise:
    marks, rest = _marks(lines[0])
    if not rest.startswith("class("):
        member = _member(lines[0])
        return Promise(name=name, head=lines[0], members={}, marks=marks, own=member)
    bases = tuple(part.strip() for part in rest[len("class(") : -1].split(",") if part.strip())
    members = {member.name: member for member in map(_member, lines[1:])}
    return Promise(name=name, head=lines[0], members=members, bases=bases, marks=marks)


def _marks(line: str) -> tuple[frozenset[str], str]:
    """Take the decorators off a line; one with arguments has spaces in it."""
    marks: set[str] = set()
    while line.startswith("@"):
        deep, end = 0, len(line)
        for place, sign in enumerate(line):
            deep += (sign in "([{") - (sign in ")]}")
            if sign == " " and not deep:
                end = place
                break
        marks.add(line[:end])
        line = line[end + 1 :]
    return frozenset(marks), line


def _member(line: str) -> Member:
    marks, rest = _marks(line)
    try:
        node = ast.parse(rest).body[0]
    except SyntaxError:
        node = ast.parse(f"def {rest.removesuffix(' -> ')}: ...").body[0]
    if isinstance(node, ast.FunctionDef):
        returns = ast.unparse(node.returns) if node.returns else ""
        return Member(node.name, line, returns, None, node.args, marks)
    if isinstance(node, ast.AnnAssign):
        default = ast.unparse(node.value) if node.value else None
        return Member(ast.unparse(node.target), line, ast.unparse(node.annotation), default)
    assert isinstance(node, ast.Assign)
    return Member(ast.unparse(node.targets[0]), line, "", ast.unparse(node.value))
