"""Create a category: a shelf of the shop, perhaps below another."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from core.application.categorise import add_category, lock_categories
from core.domain.categories import DEEPEST, check_category
from core.domain.errors import InvalidInput, NameTaken
from core.models import Category


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCategory:
    """``parent`` is the name of the one above it; the slug is made of the name unless given."""

    name: str
    slug: str = ""
    parent: str = ""
    position: int = 0


def create_category(command: CreateCategory) -> str:
    """Create a category and return its slug.

    Raises:
        InvalidInput: a name or slug that can't be, no such parent, or too deep.
        NameTaken: the name or the slug is in use.
    """
    check_category(command.name)
    check_slug(command.slug)
    with transaction.atomic(durable=True):
        lock_categories([command.parent])
        tree = Category.objects.tree()
        if command.name in tree.above:
            raise NameTaken(f"The name {command.name} is in use.", field="name")
        if command.slug and Category.objects.filter(slug=command.slug).exists():
            raise NameTaken(f"The slug {command.slug} is in use.", field="slug")
        check_parent(command.parent, tree.above, len(tree.path(command.parent)))
        add_category(
            command.name, above=command.parent, slug=command.slug, position=command.position
        )
        return Category.objects.get(name=command.name).slug


def check_slug(slug: str) -> None:
    """Refuse a slug that is no part of an address.

    Raises:
        InvalidInput: characters other than letters, digits, dashes and underscores, or too long.
    """
    if slug and (len(slug) > 90 or not slug.replace("-", "a").replace("_", "a").isalnum()):
        raise InvalidInput("A slug has letters, digits, dashes and underscores.", field="slug")


def check_parent(parent: str, known: object, depth: int) -> None:
    """Refuse a parent that isn't there or lies too deep.

    Raises:
        InvalidInput: says which.
    """
    if parent and parent not in known:  # type: ignore[operator]
        raise InvalidInput(f"There is no category {parent}.", field="parent")
    if depth >= DEEPEST:
        raise InvalidInput(f"Categories lie at most {DEEPEST} deep.", field="parent")
