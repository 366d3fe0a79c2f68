"""How categories lie below one another: what lies in one lies in those above it as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.errors import InvalidInput

DEEPEST: Final = 8
"""How deep categories may lie; deeper is a mistake in the data rather than a shop."""

BELOW: Final = ">"
BESIDE: Final = ";"
"""How files write categories: ``Drinks > Tea; Gifts``. So neither may stand in a name."""


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """Categories by name, each with the name of the one above it, empty at the top."""

    above: Mapping[str, str]

    def path(self, name: str) -> tuple[str, ...]:
        """Return a category and those above it, the nearest first."""
        found: list[str] = []
        while name and name not in found:
            found.append(name)
            name = self.above.get(name, "")
        return tuple(found)

    def closed(self, names: Iterable[str]) -> list[str]:
        """Return these categories in their order, then those above them, each once."""
        own = list(dict.fromkeys(names))
        return list(dict.fromkeys([*own, *(up for name in own for up in self.path(name)[1:])]))

    def own(self, names: Iterable[str]) -> list[str]:
        """Return those categories that lie above no other of these: what ``closed`` began with."""
        given = list(names)
        covered = {up for name in given for up in self.path(name)[1:]}
        return [name for name in given if name not in covered]

    def below(self, name: str) -> list[str]:
        """Return a category and all that lie below it."""
        return [one for one in self.above if name in self.path(one)]

    def written(self, names: Iterable[str]) -> str:
        """Return categories as files write them."""
        paths = (f" {BELOW} ".join(reversed(self.path(name))) for name in self.own(names))
        return f"{BESIDE} ".join(paths)


def check_category(name: str) -> None:
    """Refuse a name that no category can have.

    Raises:
        InvalidInput: empty, too long, or with a character that files need between names.
    """
    fits = 0 < len(name) <= 100 and name == name.strip() and name.isprintable()
    if not fits or BELOW in name or BESIDE in name:
        raise InvalidInput(
            f"A category needs a name of 1 to 100 characters, without {BELOW} and {BESIDE}.",
            field="category",
        )


def read_paths(text: str) -> list[tuple[str, ...]]:
    """Read categories as files write them: each as its path, the top first.

    Raises:
        InvalidInput: a name that no category can have, or too deep.
    """
    paths = []
    for one in text.split(BESIDE) if text.strip() else ():
        path = tuple(name.strip() for name in one.split(BELOW))
        for name in path:
            check_category(name)
        if len(path) > DEEPEST or len(set(path)) != len(path):
            raise InvalidInput(
                f"Categories lie at most {DEEPEST} deep, each once.", field="category"
            )
        paths.append(path)
    return paths
