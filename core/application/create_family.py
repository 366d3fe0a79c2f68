"""Create a family: what several products are variants of."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from core.context import tenant
from core.domain.errors import InvalidInput, NameTaken
from core.models import Family


def create_family(*, name: str, options: tuple[str, ...]) -> None:
    """Create a family; its variants are told apart by these attributes.

    Raises:
        InvalidInput: no name or no options, too long, or an option twice.
        NameTaken: there is a family of this name.
    """
    check_family(name, options)
    try:
        with transaction.atomic(durable=True):
            Family(tenant_id=tenant().id, name=name, options=list(options)).save(force_insert=True)
    except IntegrityError as exc:
        raise NameTaken(f"The name {name} is in use.", field="name") from exc


def check_family(name: str, options: tuple[str, ...]) -> None:
    """Refuse what no family may be.

    Raises:
        InvalidInput: no name or no options, too long, or an option twice.
    """
    fits = 0 < len(name) <= 200 and name == name.strip() and name.isprintable()
    if not fits:
        raise InvalidInput("A family needs a name of 1 to 200 characters.", field="name")
    fit = all(0 < len(one) <= 100 and one == one.strip() and one.isprintable() for one in options)
    if not 1 <= len(options) <= 5 or len(set(options)) != len(options) or not fit:
        raise InvalidInput("A family has 1 to 5 options, each named once.", field="options")
