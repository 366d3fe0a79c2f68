"""Find the categories that a product names, and make those that aren't there yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from django.utils.text import slugify

from core.context import tenant
from core.domain.categories import CategoryTree, read_paths
from core.domain.errors import InvalidInput
from core.models import Category

Paths = Sequence[tuple[str, ...]]


def paths_of(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Read what products name as categories: names, or paths such as ``Drinks > Tea``.

    Raises:
        InvalidInput: a name that no category can have.
    """
    return [path for name in names for path in read_paths(name) or refuse_nameless()]


def refuse_nameless() -> Paths:
    """Refuse a category without a name.

    Raises:
        InvalidInput: always.
    """
    raise InvalidInput("A category needs a name.", field="category")


def categorise(paths: Paths) -> CategoryTree:
    """Make the categories of these paths that aren't there yet, and return all of them as a tree.

    Belongs into the caller's transaction, in which the named ones stay locked: nobody moves them
    before the product that names them is written.

    Raises:
        InvalidInput: a path says that a category lies elsewhere than it does.
    """
    if not paths:
        return CategoryTree({})
    lock_categories({name for path in paths for name in path})
    tree = Category.objects.tree()
    for path in paths:
        for above, name in zip(("", *path), path, strict=False):
            if name not in tree.above:
                tree = add_category(name, above=above)
            elif above and tree.above[name] != above:
                raise InvalidInput(
                    f"The category {name} doesn't lie below {above}.", field="category"
                )
    return tree


def lock_categories(names: Iterable[str]) -> None:
    """Keep these categories where they are until the caller's transaction has ended."""
    rows = Category.objects.filter(name__in=set(names)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def add_category(name: str, *, above: str = "", slug: str = "", position: int = 0) -> CategoryTree:
    """Add a category under a slug that is free; return the tree with it."""
    parent = Category.objects.filter(name=above).first() if above else None
    wanted = slug or slugify(name, allow_unicode=True)[:90] or "category"
    for n in count(1):
        Category.objects.bulk_create(
            [
                Category(
                    tenant_id=tenant().id,
                    name=name,
                    slug=wanted if n == 1 else f"{wanted}-{n}",
                    parent=parent,
                    position=position,
                )
            ],
            ignore_conflicts=True,  # the name: somebody was faster; the slug: the next one
        )
        tree = Category.objects.tree()
        if name in tree.above:
            return tree
    raise AssertionError("unreachable")
