"""The categories and families that a file of products names, found or made as they come up."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from core.application.categorise import categorise
from core.application.create_family import check_family
from core.context import tenant
from core.domain.categories import CategoryTree, read_paths
from core.domain.errors import InvalidInput
from core.domain.lifecycle import ProductStatus
from core.domain.products import refuse_lacking, spell_variant
from core.models import Category, Family


@dataclass(slots=True, kw_only=True)
class Shelving:
    """What is known of the shelves during one import; with ``write`` off, nothing is made.

    Whoever renames a category while products are imported into it finds some of them where they
    were; the next import of the file puts them right.
    """

    write: bool
    _tree: dict[str, str] = field(default_factory=dict)
    _families: dict[str, tuple[int | None, tuple[str, ...]]] = field(default_factory=dict)
    _closed: dict[str, list[str]] = field(default_factory=dict)

    def look(self) -> None:
        """Read the categories as they are now, before a batch."""
        tree = Category.objects.tree().above
        if tree != self._tree and (self.write or not self._tree):
            self._tree, self._closed = dict(tree), {}

    def categories(self, text: str) -> list[str]:
        """Return the categories that a cell says, with those above them.

        Raises:
            InvalidInput: a name that can't be, or a path that isn't so.
        """
        if text not in self._closed:
            paths = read_paths(text)
            self._make(paths)
            closed = CategoryTree(self._tree).closed(path[-1] for path in paths)
            self._closed[text] = closed
        return self._closed[text]

    def family(
        self, name: str, options: tuple[str, ...], attributes: dict[str, str]
    ) -> tuple[int | None, str]:
        """Return a family's id and what sets this variant apart.

        Raises:
            InvalidInput: a family that can't be, or has other options.
        """
        if not name:
            return None, ""
        if name not in self._families:
            self._families[name] = self._found(name, options)
        pk, known = self._families[name]
        if options and options != known:
            raise InvalidInput(
                f"The family {name} has the options {'; '.join(known)}.", field="options"
            )
        return pk, spell_variant(known, attributes)

    def _make(self, paths: list[tuple[str, ...]]) -> None:
        if self.write:
            with transaction.atomic(durable=True):
                self._tree = dict(categorise(paths).above) or self._tree
            return
        for path in paths:
            for above, name in zip(("", *path), path, strict=False):
                if self._tree.setdefault(name, above) != above and above:
                    raise InvalidInput(
                        f"The category {name} doesn't lie below {above}.", field="category"
                    )

    def _found(self, name: str, options: tuple[str, ...]) -> tuple[int | None, tuple[str, ...]]:
        row = Family.objects.filter(name=name).first()
        if row is not None:
            return row.pk, tuple(row.options)
        check_family(name, options)
        if not self.write:
            return None, options
        family, _ = Family.objects.get_or_create(
            tenant_id=tenant().id, name=name, defaults={"options": list(options)}
        )
        return family.pk, tuple(family.options)


def refuse_unfinished(
    status: str, name: str, *, priced: bool, family: str | None, variant: str
) -> None:
    """Refuse to publish what lacks a price, or a value for an option of its family.

    Raises:
        NotPublishable: names what it lacks.
    """
    if status == ProductStatus.PUBLISHED:
        refuse_lacking(name, priced=priced, complete=not family or bool(variant))
