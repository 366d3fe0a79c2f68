"""Rename a category or put it elsewhere; the products in it follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from core.application.categorise import lock_categories
from core.application.create_category import check_slug
from core.application.move_product import announce_products
from core.domain.categories import DEEPEST, CategoryTree, check_category
from core.domain.errors import InvalidInput, NameTaken, NotFound
from core.models import Category, Product
from core.models.sheet import violated_rule

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCategory:
    """What shall be another: None stays as it is, an empty ``parent`` is the top."""

    slug: str
    name: str | None = None
    new_slug: str | None = None
    parent: str | None = None
    position: int | None = None


def change_category(command: ChangeCategory, *, now: datetime) -> None:
    """Change a category, and the products that name it, in one transaction.

    Raises:
        NotFound: no category has this slug.
        InvalidInput: a name, slug or parent that can't be: it would lie below itself, or too deep.
        NameTaken: the name or the slug is in use.
    """
    try:
        with transaction.atomic(durable=True):
            before = Category.objects.tree()
            lock_categories(before.above)
            before = Category.objects.tree()
            row = Category.objects.filter(slug=command.slug).first()
            if row is None:
                raise NotFound("There is no such category.", field="slug")
            was = row.name
            _apply(command, row, before)
            after = Category.objects.tree()
            if after.above != before.above:
                _take_along(was, before, after, name=row.name, now=now)
    except IntegrityError as exc:
        field = "slug" if violated_rule(exc) == "category_slug_unique" else "name"
        raise NameTaken(f"This {field} is in use.", field=field) from exc


def _apply(command: ChangeCategory, row: Category, tree: CategoryTree) -> None:
    if command.name is not None:
        check_category(command.name)
    check_slug(command.new_slug or "")
    if command.parent is not None:
        row.parent = _parent(command.parent, row.name, tree)
    row.name = row.name if command.name is None else command.name
    row.slug = command.new_slug or row.slug
    row.position = row.position if command.position is None else command.position
    row.save(update_fields=["name", "slug", "parent", "position"])


def _parent(name: str, child: str, tree: CategoryTree) -> Category | None:
    if not name:
        return None
    path = tree.path(name)
    if name not in tree.above or child in path:
        why = "lies in it" if name in tree.above else "isn't there"
        raise InvalidInput(f"{child} can't lie below {name}, which {why}.", field="parent")
    deepest = max(len(tree.path(one)) for one in tree.below(child)) - len(tree.path(child)) + 1
    if len(path) + deepest > DEEPEST:
        raise InvalidInput(f"Categories lie at most {DEEPEST} deep.", field="parent")
    return Category.objects.get(name=name)


def _take_along(
    was: str, before: CategoryTree, after: CategoryTree, *, name: str, now: datetime
) -> None:
    """Rewrite the categories of every product in it: those of what lies below hold it as well."""
    inside, last = Product.objects.filter(categories__has_item=was), ""
    while rows := list(
        inside.filter(sku__gt=last).order_by("sku").only("sku", "categories")[:_BATCH]
    ):
        last = rows[-1].sku
        for row in rows:
            own = (name if one == was else one for one in before.own(row.categories))
            row.categories = after.closed(own)
        Product.objects.bulk_update(rows, ["categories"])
        announce_products([row.sku for row in rows], now=now)
