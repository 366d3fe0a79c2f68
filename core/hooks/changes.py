"""What is different between two contract pages: growth, or a break, and for whom.

By direction: what the core makes may get new fields with defaults; what plugins make may too, and
new variants; never a new variant of what a plugin must handle. Methods never change; hooks may get
arguments, and there may be new ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.hooks.growth import fits, grown, named, same_arguments, variants
from core.hooks.promises import Direction, Member, Page, Promise

__all__ = ["Change", "changes"]

_ABOUT_ITSELF: Final = frozenset({"API_VERSION", "API_STATUS"})
_READ: Final = frozenset({Direction.READ})
_MADE: Final = frozenset({Direction.MADE})

Signs = tuple[frozenset[str], ...]
"""A plugin is concerned if it shows all the signs of one of these sets: see `core.hooks.usage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference: of what, in words, whether it breaks something, and for whom."""

    name: str
    what: str
    breaks: bool
    whom: str
    signs: Signs = ()

    @property
    def verdict(self) -> str:
        """`BREAKING` or `GROWTH`."""
        return "BREAKING" if self.breaks else "GROWTH"


def changes(before: Page, after: Page) -> tuple[Change, ...]:
    """Return every difference, in the order of names."""
    found: list[Change] = []
    for name in sorted((before.names.keys() | after.names.keys()) - _ABOUT_ITSELF):
        old, new = before.names.get(name), after.names.get(name)
        if old is None:
            kind = "a hook" if new and new.is_hook else "a name"
            found.append(Change(name=name, what=f"{kind} was added", breaks=False, whom="all"))
        elif new is None:
            found.append(_removed(old))
        else:
            ways = before.directions.get(name, frozenset())
            found += _Compared(old, new, ways or _READ | _MADE).changes()
    return tuple(found)


def _removed(old: Promise) -> Change:
    what, whom, sign = (
        ("a hook was removed", "who answer it", f"hook:{old.name}")
        if old.is_hook
        else ("a name was removed", "who import it", f"name:{old.name}")
    )
    signs = (frozenset({sign}),)
    return Change(name=old.name, what=what, breaks=True, whom=whom, signs=signs)


@dataclass(frozen=True, slots=True)
class _Compared:
    """One name on both pages, and who makes values of it."""

    old: Promise
    new: Promise
    ways: frozenset[Direction]

    def changes(self) -> Iterator[Change]:
        old, new = self.old, self.new
        if old.own is not None and new.own is not None:
            yield from self._own(old.own, new.own)
            return
        if old.bases != new.bases or (old.own is None) != (new.own is None):
            yield self._break(f"it is {new.head} now", "who use it", f"name:{old.name}")
        gone, come = old.marks - new.marks, new.marks - old.marks
        if gone - {"@final"} or come:
            yield self._break(
                f"decorators are {' '.join(sorted(new.marks)) or 'none'} now",
                "who use it",
                f"name:{old.name}",
            )
        elif gone:
            yield self._grow("it need not be final")
        for name in [*old.members, *(each for each in new.members if each not in old.members)]:
            yield from self._member(name, old.members.get(name), new.members.get(name))
        if old.is_positional and self._moved():
            yield self._break("fields changed places", "who make it", f"name:{old.name}")

    def _moved(self) -> bool:
        def places(promise: Promise) -> list[str]:
            return [each.name for each in promise.members.values() if not each.is_method]

        was, now = places(self.old), places(self.new)
        return now[: len(was)] != was

    def _member(self, name: str, old: Member | None, new: Member | None) -> Iterator[Change]:
        kept = new or old
        assert kept is not None
        if self.old.is_enum and not kept.is_method:
            yield from self._word(name, old, new)
        elif self.old.is_protocol:
            yield from self._asked(name, old, new)
        elif kept.is_method:
            yield from self._verb(name, old, new)
        else:
            yield from self._field(name, old, new)

    # A word of an enum

    def _word(self, name: str, old: Member | None, new: Member | None) -> Iterator[Change]:
        owner = self.old.name
        said = f"name:{owner} attribute:{name}"
        if old is None:
            if Direction.READ in self.ways:
                yield self._break(f"{name} may come now", "who handle it", f"name:{owner}")
            else:
                yield self._grow(f"{name} may be said now")
        elif new is None:
            yield self._break(f"{name} was removed", "who say it", said)
        elif old.default != new.default:
            yield self._break(f"{name} is {new.default} now", "who store it", said)

    # A field of a value

    def _field(self, name: str, old: Member | None, new: Member | None) -> Iterator[Change]:
        owner = self.old.name
        makes, reads = f"keyword:{owner}.{name}", f"sees:{owner} attribute:{name}"
        if old is None and new is not None:
            if new.default is None:
                yield self._break(f"{name} is required now", "who make it", f"calls:{owner}")
            else:
                yield self._grow(f"{name} was added, with a default")
        elif new is None:
            yield self._break(f"{name} was removed", "who use it", makes, reads)
        elif old is not None and old.text != new.text:
            yield from self._refield(name, old, new)

    def _refield(self, name: str, old: Member, new: Member) -> Iterator[Change]:
        owner = self.old.name
        makes, reads = f"keyword:{owner}.{name}", f"sees:{owner} attribute:{name}"
        if old.annotation != new.annotation:
            what = f"{name} is {new.annotation} now"
            if fits(old.annotation, new.annotation, self.ways):
                yield self._grow(what)
            else:
                yield self._break(what, "who use it", makes, reads)
        if old.default == new.default:
            return
        if new.default is None:
            yield self._break(f"{name} is required now", "who leave it out", f"calls:{owner}")
        elif old.default is None or Direction.MADE not in self.ways:
            yield self._grow(f"{name} is {new.default} where it is left out")
        else:
            yield self._break(
                f"{name} is {new.default} where it is left out",
                "who leave it out",
                f"calls:{owner}",
            )

    # A method of a Protocol

    def _asked(self, name: str, old: Member | None, new: Member | None) -> Iterator[Change]:
        owner = self.old
        if old is None:
            if owner.by_plugins:
                yield self._break(
                    f"{name} is asked now", "who implement it", f"offers:{owner.name}"
                )
            else:
                yield self._grow(f"{name} can be asked now")
            return
        calls = f"attribute:{name}"
        implements = f"offers:{owner.name} def:{name}"
        signs = implements if owner.by_plugins else f"sees:{owner.name} {calls}"
        whom = "who implement it" if owner.by_plugins else "who call it"
        if new is None:
            yield self._break(f"{name} was removed", whom, signs)
        elif old.text != new.text:
            what = f"{new.text} now"
            if _answers_more(old, new) if owner.by_plugins else _can_do_more(old, new):
                yield self._grow(what)
            else:
                yield self._break(what, whom, signs)

    # A method of a value, a function, a hook, a union

    def _verb(self, name: str, old: Member | None, new: Member | None) -> Iterator[Change]:
        signs = f"sees:{self.old.name} attribute:{name}", f"name:{self.old.name} attribute:{name}"
        if old is None:
            yield self._grow(f"{name} was added")
        elif new is None:
            yield self._break(f"{name} was removed", "who call it", *signs)
        elif old.text != new.text:
            if old.marks == new.marks and old.annotation == new.annotation and grown(old, new):
                yield self._grow(f"{new.text} now")
            else:
                yield self._break(f"{new.text} now", "who call it", *signs)

    def _own(self, old: Member, new: Member) -> Iterator[Change]:
        if old.text == new.text:
            return
        name = self.old.name
        if self.old.is_hook and self.new.is_hook:
            yield from self._hook(old, new)
        elif old.is_method and new.is_method:
            same = old.marks == new.marks and old.annotation == new.annotation
            if same and grown(old, new):
                yield self._grow(f"{new.text} now")
            else:
                yield self._break(f"{new.text} now", "who call it", f"name:{name}")
        else:
            yield from self._union(old, new)

    def _hook(self, old: Member, new: Member) -> Iterator[Change]:
        was, now = named(old), named(new)
        name = self.old.name
        for each in was:
            if each not in now:
                sign = f"takes:{name}.{each}"
                yield self._break(f"{each} is no longer given", "who take it", sign)
        for each in now:
            if each not in was:
                yield self._grow(f"{each} is given as well")
        hidden = new.arguments is not None and bool(new.arguments.kwonlyargs)
        given = [each for each in was if each in now and was[each] != now[each]]
        for each in given:
            yield self._break(
                f"{each} is {now[each] or 'anything'} now", "who take it", f"takes:{name}.{each}"
            )
        if old.annotation != new.annotation:
            what = f"it returns {new.annotation} now"
            if variants(old.annotation) < variants(new.annotation):
                yield self._grow(what)
            else:
                yield self._break(what, "who answer it", f"hook:{name}")
        if hidden or old.marks != new.marks:
            yield self._break(f"{new.text} now", "who answer it", f"hook:{name}")

    def _union(self, old: Member, new: Member) -> Iterator[Change]:
        was, now = variants(old.default or ""), variants(new.default or "")
        name = self.old.name
        if old.annotation != new.annotation or not (was and now and "|" in f"{old.text}{new.text}"):
            yield self._break(f"it is {new.text} now", "who use it", f"name:{name}")
            return
        for each in sorted(now - was):
            if Direction.READ in self.ways:
                yield self._break(f"{each} may come now", "who handle it", f"sees:{name}")
            else:
                yield self._grow(f"{each} may be answered now")
        for each in sorted(was - now):
            yield self._break(f"{each} is no longer one", "who use it", f"name:{each}")

    def _break(self, what: str, whom: str, *signs: str) -> Change:
        return Change(
            name=self.old.name,
            what=what,
            breaks=True,
            whom=whom,
            signs=tuple(frozenset(each.split()) for each in signs),
        )

    def _grow(self, what: str) -> Change:
        return Change(name=self.old.name, what=what, breaks=False, whom="all")


def _answers_more(old: Member, new: Member) -> bool:
    """What plugins implement never changes, but that they may answer something else besides."""
    same = same_arguments(old, new) and old.marks == new.marks
    return same and fits(old.annotation, new.annotation, _MADE)


def _can_do_more(old: Member, new: Member) -> bool:
    """What the core implements may take more, with defaults, or answer less."""
    if old.annotation == new.annotation:
        return old.marks == new.marks and grown(old, new)
    return same_arguments(old, new) and fits(old.annotation, new.annotation, _READ)
